#include "memtable/row_room_internal.h"

enum {
    ALIGNMENT = 8,
    SHARE = 4, /* of what the rows have taken, this part is taken ahead */
    BYTES_MAX = 8192,
};

static bool room_renew(struct row_room *room, struct arena *arena, uint32_t bytes)
{
    uint8_t *fresh = arena_alloc(arena, bytes);
    if (!fresh)
        return false;
    room->free = fresh;
    room->free_bytes = bytes;
    return true;
}

void *row_room_take(struct row_room *room, struct arena *arena, size_t bytes, bool is_first)
{
    uint32_t ahead = room->used_bytes / SHARE / ALIGNMENT * ALIGNMENT;
    if (ahead > BYTES_MAX)
        ahead = BYTES_MAX;
    if (bytes > BYTES_MAX - ALIGNMENT)
        return arena_alloc(arena, bytes);
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes > room->free_bytes && !room_renew(room, arena, ahead < bytes ? (uint32_t)bytes : ahead))
        return NULL;
    if (room->used_bytes < SHARE * BYTES_MAX)
        room->used_bytes += (uint32_t)bytes;
    room->free_bytes -= (uint32_t)bytes;
    if (is_first)
        return room->free + room->free_bytes;
    uint8_t *taken = room->free;
    room->free += bytes;
    return taken;
}
