#include "row/live.h"

#include "row/row_internal.h"

status live_open(struct slice image, struct deletion cover, int64_t now_s, struct live_reader *out_reader)
{
    TRY(row_open(image, &out_reader->reader));
    const struct marker *marker = &out_reader->reader.marker;
    out_reader->tombstones = out_reader->reader.deletion.timestamp != TIMESTAMP_NONE;
    out_reader->cover = deletion_max(cover, out_reader->reader.deletion);
    out_reader->elements = ELEMENT_COVER_NONE;
    out_reader->now_s = now_s;
    out_reader->marker_lives = false;
    if (marker->timestamp == TIMESTAMP_NONE || row_covered(marker->timestamp, out_reader->cover))
        return STATUS_DONE;
    if (marker->ttl_s && marker->expiry_s <= now_s)
        out_reader->tombstones++;
    else
        out_reader->marker_lives = true;
    return STATUS_DONE;
}

status live_next_cell(struct live_reader *reader, struct cell *out_cell, bool *out_more)
{
    for (;;) {
        TRY(row_next_cell(&reader->reader, out_cell, out_more));
        if (!*out_more)
            return STATUS_DONE;
        if (row_covered(out_cell->timestamp, reader->cover) || element_covered(&reader->elements, out_cell))
            continue;
        bool dead = cell_is_tombstone(out_cell) ||
                    (out_cell->kind == CELL_EXPIRING && out_cell->expiry_s <= reader->now_s);
        if (!dead)
            return STATUS_DONE;
        reader->tombstones++;
    }
}
