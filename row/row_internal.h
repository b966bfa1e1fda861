/*
 * row_internal.h: a decoded row, for the functions that transform one image into another.
 *
 * Up to ROW_INLINE_CELLS cells live inside the struct, so that merging an ordinary row calls malloc
 * for nothing. row_parts_deinit() frees what wider rows needed.
 */
#ifndef STRAIT_ROW_ROW_INTERNAL_H
#define STRAIT_ROW_ROW_INTERNAL_H

#include "row/row.h"

enum { ROW_INLINE_CELLS = 24 };

struct row_parts {
    struct marker marker;
    struct deletion deletion;
    struct cell *cells; /* owned when not inline_cells; values borrow from the images decoded */
    uint32_t cell_count, cell_capacity;
    struct cell inline_cells[ROW_INLINE_CELLS];
};

/* An empty row; `parts` may be on the stack. */
void row_parts_init(struct row_parts *parts);
void row_parts_deinit(struct row_parts *parts);
/* STATUS_NOMEM. The cell is a copy, its value stays borrowed. */
status row_parts_add(struct row_parts *parts, const struct cell *cell);

/* Append the canonical image of a row whose cells rise by column. STATUS_NOMEM. */
status row_encode(struct marker marker, struct deletion deletion, const struct cell *cells, uint32_t count,
                  struct buffer *out);

/* Drop the marker and the cells that a deletion at `timestamp` covers (TS-13). */
static inline bool row_covered(int64_t timestamp, struct deletion deletion)
{
    return deletion.timestamp != TIMESTAMP_NONE && timestamp <= deletion.timestamp;
}

#endif
