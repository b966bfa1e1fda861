#include "row/live.h"

status live_open(struct slice image, struct deletion cover, int64_t now_s, struct live_reader *out_reader)
{
    TRY(row_open(image, &out_reader->reader));
    const struct marker *marker = &out_reader->reader.marker;
    out_reader->tombstones = 0;
    out_reader->cover = cover;
    if (out_reader->reader.deletion.timestamp != TIMESTAMP_NONE) {
        out_reader->tombstones = 1;
        out_reader->cover = deletion_max(cover, out_reader->reader.deletion);
    }
    out_reader->elements = ELEMENT_COVER_NONE;
    out_reader->now_s = now_s;
    out_reader->marker_lives = false;
    if (marker->timestamp <= out_reader->cover.timestamp)
        return STATUS_DONE; /* covered, or not there */
    if (marker->ttl_s && marker->expiry_s <= now_s)
        out_reader->tombstones++;
    else
        out_reader->marker_lives = true;
    return STATUS_DONE;
}

static bool lives(struct live_reader *reader, const struct cell *cell)
{
    if (cell->timestamp <= reader->cover.timestamp || element_covered(&reader->elements, cell))
        return false;
    if (!cell_is_tombstone(cell) && (cell->kind != CELL_EXPIRING || cell->expiry_s > reader->now_s))
        return true;
    reader->tombstones++;
    return false;
}

status live_pass_dead(struct live_reader *reader, struct cell *out_cell, bool *out_more)
{
    while (*out_more && !lives(reader, out_cell))
        TRY(row_next_cell(&reader->reader, out_cell, out_more));
    return STATUS_DONE;
}
