#include "memtable/row_room_internal.h"

enum {
    ALIGNMENT = 8,
    SHARE = 4, /* of what the rows have taken, this part is taken ahead */
    ROWS_MIN = 4,
    BYTES_MAX = 8192,
};

/* For how many bytes memory is taken when a row of `bytes` comes: as many as it is long when there is too little for several.
 * Rows are often of one length, so a multiple of it leaves nothing over. */
static size_t bytes_ahead(const struct row_room *room, size_t bytes)
{
    size_t ahead = room->used_bytes / SHARE;
    if (ahead > BYTES_MAX)
        ahead = BYTES_MAX;
    return bytes > ahead / ROWS_MIN ? bytes : ahead - ahead % bytes;
}

static void count_used(struct row_room *room, size_t bytes)
{
    const size_t enough = SHARE * BYTES_MAX;
    size_t used = bytes < enough ? room->used_bytes + bytes : enough;
    room->used_bytes = (uint32_t)(used < enough ? used : enough);
}

static void *room_cut(struct row_room *room, size_t bytes, bool is_first)
{
    room->free_bytes -= (uint32_t)bytes;
    if (is_first)
        return room->free + room->free_bytes;
    uint8_t *taken = room->free;
    room->free += bytes;
    return taken;
}

void *row_room_take(struct row_room *room, struct arena *arena, size_t bytes, bool is_first,
                    bool *out_together)
{
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *out_together = bytes <= room->free_bytes;
    if (!*out_together) {
        size_t ahead = bytes_ahead(room, bytes);
        uint8_t *fresh = arena_alloc(arena, ahead);
        if (!fresh)
            return NULL;
        if (ahead == bytes) { /* what is left stays for rows that fit */
            count_used(room, bytes);
            return fresh;
        }
        room->free = fresh;
        room->free_bytes = (uint32_t)ahead;
    }
    count_used(room, bytes);
    return room_cut(room, bytes, is_first);
}
