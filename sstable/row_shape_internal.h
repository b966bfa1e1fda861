/*
 * row_shape_internal.h: what is left of an image without base timestamp, the marker's expiry, paths, values and their
 * lengths. Rows of one statement have one shape.
 *
 * To sstable/ an image is `flags | base timestamp | [ttl, expiry] | glue | length, value | glue | ... | glue`, where the
 * path of an element is a value like any other. Where they stand is told by row/image.h.
 */
#ifndef STRAIT_SSTABLE_ROW_SHAPE_INTERNAL_H
#define STRAIT_SSTABLE_ROW_SHAPE_INTERNAL_H

#include "base/arena.h"
#include "sstable/rows_internal.h"

/* Whose values have which lanes, in order of appearance in the shapes of the block; what comes after the last shares it. */
struct shape_columns {
    uint64_t places[ROWS_COLUMNS]; /* image_cuts_next() */
    uint32_t count;
};

struct row_shape {
    struct slice glue;   /* flags first; lender: an arena or the payload */
    uint32_t expiry_cut; /* glue up to here is copied before the marker's expiry; 0: it has none */
    uint32_t value_count;
    /* Before value i, glue up to cut[i] is copied; then comes the value of column column[i]. */
    uint32_t cut[ROWS_VALUES_MAX];
    uint8_t column[ROWS_VALUES_MAX];
};

/* The variable parts of an image. */
struct row_parts {
    int64_t timestamp, expiry_s;
    struct slice values[ROWS_VALUES_MAX];
};

/* The shape of an image, its glue in the arena; *out_known is false when the image had better travel whole. */
status row_shape_of_image(struct slice image, struct shape_columns *columns, struct arena *arena,
                          struct row_shape *out_shape, bool *out_known);
/* The shape with that glue. STATUS_CORRUPT when it is not the glue of an image. */
status row_shape_of_glue(struct slice glue, struct shape_columns *columns, struct row_shape *out_shape);
/* Whether the image has the shape; then its parts. */
bool row_shape_match(const struct row_shape *shape, struct slice image, struct row_parts *out_parts);

#endif
