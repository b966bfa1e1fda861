/*
 * live.h: what is left of a row for a reader, cell by cell: row_live() without making an image.
 *
 * The walk gives out the cells that row_live() would keep, in rising order, with paths and values borrowed from the image
 * it was opened on. The row lives when its marker does or a cell came (DEL-4). `tombstones` counts what was passed over
 * because it is dead or expired (DEL-11).
 */
#ifndef STRAIT_ROW_LIVE_H
#define STRAIT_ROW_LIVE_H

#include "row/reconcile.h"

struct live_reader {
    struct row_reader reader;
    struct deletion cover; /* of the caller and of the row itself */
    struct element_cover elements;
    int64_t now_s;
    bool marker_lives;
    uint64_t tombstones;
};

/* STATUS_CORRUPT as row_open(). */
status live_open(struct slice image, struct deletion cover, int64_t now_s, struct live_reader *out_reader);
/* From the cell in *out_cell on, the first that lives. */
status live_pass_dead(struct live_reader *reader, struct cell *out_cell, bool *out_more);

/* *out_more is false past the last live cell. */
static inline status live_next_cell(struct live_reader *reader, struct cell *out_cell, bool *out_more)
{
    TRY(row_next_cell(&reader->reader, out_cell, out_more));
    /* Every timestamp is above TIMESTAMP_NONE, which is that of no cover. */
    if (!*out_more || (out_cell->kind == CELL_LIVE && out_cell->timestamp > reader->cover.timestamp &&
                       !out_cell->path.bytes))
        return STATUS_DONE;
    return live_pass_dead(reader, out_cell, out_more);
}

#endif
