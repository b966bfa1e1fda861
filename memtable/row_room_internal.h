/*
 * row_room_internal.h: where the rows of one partition are put, so that those that are read together lie together.
 *
 * Writes of many partitions take turns: rows that took memory as they came would lie about the whole arena, and a reader of the
 * newest would wait for memory at each. So a partition takes memory for several rows at a time, a quarter of what its rows
 * have taken so far, some KiB at most. Rows that come before all others are put from the end of that memory towards its start,
 * all others from the start on: in either order, rows lie as they are walked.
 *
 * What this costs is bounded: a row for which that quarter is less than four rows takes just what it needs, so a partition of
 * few rows, or of large ones, costs nothing; otherwise what is left of a room when the next is taken, less than a quarter of
 * that next one, and what is free of the last one, is never written to.
 */
#ifndef STRAIT_MEMTABLE_ROW_ROOM_INTERNAL_H
#define STRAIT_MEMTABLE_ROW_ROOM_INTERNAL_H

#include "base/arena.h"

struct row_room {
    uint8_t *free;       /* arena; what is left */
    uint32_t free_bytes; /* some KiB at most */
    uint32_t used_bytes; /* by all rows so far, counted as far as it matters */
};

/* Aligned for a version; contents undefined. NULL when memory ran out. *out_together: in memory that had been taken ahead. */
void *row_room_take(struct row_room *room, struct arena *arena, size_t bytes, bool is_first,
                    bool *out_together);

/* For the writer: fetch what the next row is likely to be written to. */
static inline void row_room_prefetch(const struct row_room *room, bool is_first)
{
    enum { LINE = 64, ROW_BYTES = 256 };
    uint32_t bytes = room->free_bytes < ROW_BYTES ? room->free_bytes : ROW_BYTES;
    if (!bytes)
        return;
    const uint8_t *from = is_first ? room->free + room->free_bytes - bytes : room->free;
    for (uint32_t at = 0; at < bytes; at += LINE)
        __builtin_prefetch(from + at, 1);
}

#endif
