/*
 * lanes_internal.h: a rows payload cut lengthwise, for the compressor's sake.
 *
 * What rows have in common stands together: key lengths, shapes of images, timestamps as differences, keys, and the
 * paths and values of each column. Cutting is exactly reversible: readers put the payload together again when a block
 * is read and never see lanes. docs/formats/sstable.md has the layout.
 */
#ifndef STRAIT_SSTABLE_LANES_INTERNAL_H
#define STRAIT_SSTABLE_LANES_INTERNAL_H

#include "base/buffer.h"
#include "base/reader.h"

enum {
    LANES_COLUMNS = 16,         /* of values or paths, with lanes of their own; the others share the last */
    LANES_SHAPES = 32,          /* remembered in a block */
    LANES_VALUES_MAX = 128,     /* and paths, of a row */
    LANES_JOINED_MAX = 4 << 20, /* a giant row gains nothing */
};

/* The lanes by number; the two of a column follow. */
enum lane {
    LANE_KEY_LENGTHS,
    LANE_SHAPES,
    LANE_TIMESTAMPS,
    LANE_EXPIRIES, /* of markers */
    LANE_KEYS,
    LANE_COLUMNS, /* lengths of column 0, values of column 0, lengths of column 1, ... */
    LANE_COUNT = LANE_COLUMNS + 2 * LANES_COLUMNS,
};

/* What is left of an image without base timestamp, the marker's expiry, paths, values and their lengths: rows of one
 * statement look the same. */
struct lanes_shape {
    struct slice glue;   /* lender: splitter's arena, or the lanes */
    uint32_t expiry_cut; /* glue up to here is copied before the marker's expiry; 0: it has none */
    uint32_t value_count;
    /* Before value or path i, glue up to cut[i] is copied; then comes the value of column slot[i]. */
    uint32_t cut[LANES_VALUES_MAX];
    uint8_t slot[LANES_VALUES_MAX];
};

/* Reused from block to block. A zeroed struct is ready. */
struct lanes_splitter {
    struct buffer lanes[LANE_COUNT];
    struct buffer glue;        /* of the row at hand */
    struct buffer shape_bytes; /* glue of the remembered shapes, one after another */
    uint32_t shape_ends[LANES_SHAPES];
    uint32_t shape_count;
    uint64_t columns
        [LANES_COLUMNS]; /* whose values or paths (image_cuts_next()) have which lane, as they appeared */
    uint32_t column_count;
};

void lanes_splitter_deinit(struct lanes_splitter *splitter);
/* Append the lanes of a rows payload with `rows` rows. *out_split is false, and nothing is appended, when some image
 * is not what row/ would write or too unusual to be worth it: the payload is stored uncut then. */
status lanes_split(struct lanes_splitter *splitter, struct slice payload, uint32_t rows, struct buffer *out,
                   bool *out_split);

/* Bytes of the payload that the lanes make, at most LANES_JOINED_MAX. */
status lanes_joined_bytes(struct slice lanes, uint32_t *out_bytes);
/* Put the payload together in `out`, which has exactly those bytes. STATUS_CORRUPT when they do not make it. */
status lanes_join(struct slice lanes, uint32_t rows, uint8_t *out, uint32_t out_bytes);

#endif
