/*
 * row_copy.h: rows of plain columns, from where the store has them straight into a result.
 *
 * What SELECT does with most rows is to lay out their cells in another order: a stored value and a value on the wire are
 * the same bytes. So a selection of nothing but columns is compiled to places, and a row is copied to them without going
 * through slots, selectors and values. There are two ways, which give the same bytes:
 *
 *     quick   a plain row (row/plain.h), clustering columns of fixed size, and cells that are asked for in the order in which an
 *             image has them: one pass. Key and static columns come first; they are a head that is made once a partition, with
 *             holes for the clustering columns.
 *     any     every other row: cells are noted by place, then written.
 *
 * Ownership   A row_copy lives in its plan's arena, a row_copier in the request's; its buffers are the workspace's.
 */
#ifndef STRAIT_CQL_ROW_COPY_H
#define STRAIT_CQL_ROW_COPY_H

#include "cql/row_slots.h"
#include "row/cursor.h"

struct selection;

/* How a clustering column of fixed size is made of its body in a key. */
enum copy_form {
    COPY_SKIPPED, /* it is not asked for */
    COPY_FLIPPED, /* 8 bytes, some bits inverted */
    COPY_UUID,
    COPY_DECODED, /* by key_take_fixed() */
};

struct copy_hole {
    struct key_column column;
    uint8_t header; /* of a value in a key */
    uint8_t bytes;
    enum copy_form form;
    uint32_t at;   /* in the head of a row, when it is asked for */
    uint64_t flip; /* FLIPPED: little-endian */
    uint64_t mask; /* all ones for a descending column */
};

/* A regular column that is asked for. */
struct copy_tail {
    uint32_t column; /* id */
    uint16_t tag;  /* of its plain cell behind that of the column before it; COPY_NONE: it has no short one */
    uint8_t fixed; /* bytes of every value but the empty one; 0: they differ */
    uint32_t begin;  /* with a fixed size: tag and length as they stand in the image; else no two bytes */
    uint32_t length; /* with a fixed size: the length as it stands in the result */
};

struct row_copy {
    const struct cql_table *table;
    uint32_t count;           /* cells of a row of the result */
    const uint16_t *ordinals; /* of the column of each cell */
    const uint16_t *places;   /* by column id: its cell; UINT16_MAX when it is not asked for */
    uint32_t place_count;
    bool clustering;  /* any clustering column is asked for */
    size_t key_bytes; /* of a clustering key whose columns all have a fixed size; SIZE_MAX: they have not */
    bool in_order;    /* the first `head_count` cells are of keys and statics, the others rise by id */
    uint32_t head_count, tail_count; /* tail: of regular columns */
    const struct copy_tail *tail;
    const struct copy_hole *keys; /* of every clustering column, if all have a fixed size */
};

/* *out_copy is NULL when the selection is not of plain columns, each once. False when memory ran out. */
bool row_copy_make(struct arena *arena, const struct cql_table *table, const struct selection *selection,
                   const struct row_copy **out_copy);

struct row_copier {
    const struct row_copy *copy;
    struct plan_run *run;
    struct buffer *rows;     /* the result's */
    struct slice *cells;     /* scratch: by place; no data for null */
    uint8_t *keys;           /* scratch: decoded clustering columns of fixed size */
    struct copy_hole *holes; /* scratch: every clustering column, with its place in the head */
    const struct copy_hole *holes_end;
    uint32_t *key_ends;  /* scratch: of decoded clustering columns of any size */
    const uint8_t *head; /* the workspace's; what all rows of the partition begin with */
    size_t head_bytes;
    size_t spare_bytes; /* that a row may need beside its image */
};

bool copier_init(struct plan_run *run, const struct row_copy *copy, struct row_copier *out_copier);
/* A new partition, whose key and static columns are in `slots`. */
status copier_partition(struct row_copier *copier, const struct row_slots *slots);
/* Append the row to the result if it lives; tombstones are added to *tombstones. */
status copier_row(struct row_copier *copier, const struct row_view *row, bool *out_live,
                  uint64_t *tombstones);
/* Move `cursor` on and copy rows the quick way: at most `most`, until the result has `bytes_max` bytes, up to `bound` in the
 * cursor's direction (NULL: to the end of the partition). *out_moved says that the cursor stands on a row that was not copied,
 * or on none. */
status copier_rows(struct row_copier *copier, struct cursor *cursor, const struct slice *bound, uint32_t most,
                   size_t bytes_max, uint32_t *out_copied, bool *out_moved);

#endif
