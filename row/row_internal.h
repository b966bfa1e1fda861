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
/* STATUS_NOMEM. The cell is a copy, its path and value stay borrowed. */
status row_parts_add(struct row_parts *parts, const struct cell *cell);

/* Append the canonical image of a row whose cells rise. STATUS_NOMEM. */
status row_encode(struct marker marker, struct deletion deletion, const struct cell *cells, uint32_t count,
                  struct buffer *out);

/* Whether a marker or cell of this timestamp is covered (TS-13). */
static inline bool row_covered(int64_t timestamp, struct deletion deletion)
{
    return timestamp <= deletion.timestamp && deletion.timestamp != TIMESTAMP_NONE;
}

/* Of one column: the cell without a path, the complex deletion, the elements. */
static inline unsigned cell_rank(const struct cell *cell)
{
    return cell->path.bytes ? 2 : cell->kind == CELL_COMPLEX_DELETION;
}

/* Where cells stand in a row; 0 for two that are reconciled with each other. */
static inline int cell_order(const struct cell *a, const struct cell *b)
{
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    unsigned a_rank = cell_rank(a), b_rank = cell_rank(b);
    if (a_rank != b_rank)
        return a_rank < b_rank ? -1 : 1;
    return a_rank < 2 ? 0 : slice_compare(a->path, b->path);
}

#endif
