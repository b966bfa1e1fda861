/*
 * arena.h: memory that dies together: a request, a statement, a memtable.
 *
 * Ownership   arena_deinit() frees everything. arena_reset() forgets everything and keeps the
 *             first slab, so that a steady request loop never calls malloc.
 * Errors      NULL when memory could not be had.
 * Threads     One writer at a time; bytes handed out may be read by anyone the caller publishes to.
 */
#ifndef STRAIT_BASE_ARENA_H
#define STRAIT_BASE_ARENA_H

#include "base/slice.h"

struct arena_slab;
struct memory_reserve;
struct slab_pool;

struct arena {
    struct arena_slab *slabs; /* owned, newest first */
    uint8_t *at, *end;        /* free part of the newest slab */
    size_t slab_bytes;        /* size of the next slab; doubles up to 2 MiB */
    size_t reserved_bytes;    /* taken from the system */
    size_t used_bytes;        /* handed out */
    struct slab_pool *pool;   /* borrowed; where slabs of the largest size come from, NULL: the system */
    struct memory_reserve *reserve; /* borrowed; asked when there is no memory elsewhere; NULL: none */
};

/* A zeroed struct is a valid empty arena; init sets the size of the first slab. */
void arena_init(struct arena *arena, size_t first_slab_bytes);
/* One that takes its large slabs from `pool` and gives them back there. */
void arena_init_pooled(struct arena *arena, size_t first_slab_bytes, struct slab_pool *pool);
void arena_deinit(struct arena *arena);
void arena_reset(struct arena *arena);

/* Aligned for any type; contents undefined. */
void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_calloc(struct arena *arena, size_t count, size_t item_bytes);
/* Byte-aligned, for keys and images. */
uint8_t *arena_bytes(struct arena *arena, size_t bytes);
/* The array of `count` items, of which `*capacity` fit, with room for one more: the same, or a copy twice as large, whose
 * new room is undefined; the old one dies with the arena. NULL when memory ran out, and nothing has changed. */
void *arena_grow(struct arena *arena, const void *items, uint32_t count, uint32_t *capacity,
                 size_t item_bytes);
/* A copy that the arena owns; {NULL, 0} when memory ran out and bytes.bytes > 0. */
struct slice arena_copy(struct arena *arena, struct slice bytes);
/* A terminated copy. */
char *arena_text(struct arena *arena, struct slice text);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
