#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory_reserve.h"
#include "base/slab_pool.h"

enum {
    FIRST_SLAB_BYTES = 4096,
    SLAB_BYTES_MAX = 2 << 20,
};

struct arena_slab {
    struct arena_slab *older;   /* owned */
    size_t bytes;               /* of `data` */
    struct slab_pool *pool;     /* where it belongs; NULL: to the system */
    struct memory_block *block; /* it is a piece of this; NULL: it is not */
    alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *arena, size_t first_slab_bytes)
{
    *arena = (struct arena){.slab_bytes = first_slab_bytes};
}

void arena_init_pooled(struct arena *arena, size_t first_slab_bytes, struct slab_pool *pool)
{
    *arena = (struct arena){.slab_bytes = first_slab_bytes, .pool = pool};
}

static void slabs_free(struct arena_slab *slab)
{
    while (slab) {
        struct arena_slab *older = slab->older;
        if (slab->block)
            memory_piece_free(slab->block);
        else if (slab->pool)
            slab_pool_give(slab->pool, slab);
        else
            free(slab);
        slab = older;
    }
}

void arena_deinit(struct arena *arena)
{
    slabs_free(arena->slabs);
    *arena = (struct arena){.pool = arena->pool};
}

void arena_reset(struct arena *arena)
{
    struct arena_slab *keep = arena->slabs;
    if (!keep)
        return;
    slabs_free(keep->older);
    keep->older = NULL;
    arena->at = keep->data;
    arena->end = keep->data + keep->bytes;
    arena->reserved_bytes = sizeof *keep + keep->bytes;
    arena->used_bytes = 0;
}

static void slab_begin(struct arena *arena, struct arena_slab *slab)
{
    slab->older = arena->slabs;
    arena->slabs = slab;
    arena->at = slab->data;
    arena->end = slab->data + slab->bytes;
    arena->reserved_bytes += sizeof *slab + slab->bytes;
}

/* Of the reserve, which others share, no more than is needed. */
static bool slab_add_reserved(struct arena *arena, size_t bytes)
{
    struct memory_block *block;
    struct arena_slab *slab = memory_reserve_cut(arena->reserve, sizeof *slab + bytes, &block);
    if (!slab)
        return false;
    *slab = (struct arena_slab){.bytes = bytes, .block = block};
    slab_begin(arena, slab);
    return true;
}

static bool slab_add(struct arena *arena, size_t at_least_bytes)
{
    size_t bytes = arena->slab_bytes ? arena->slab_bytes : FIRST_SLAB_BYTES;
    size_t pooled_bytes = SLAB_BYTES - sizeof(struct arena_slab);
    bool pooled = arena->pool && bytes >= SLAB_BYTES_MAX && at_least_bytes <= pooled_bytes;
    if (bytes < SLAB_BYTES_MAX)
        arena->slab_bytes = bytes * 2;
    if (bytes < at_least_bytes)
        bytes = at_least_bytes;
    if (bytes > SIZE_MAX / 2)
        return false;
    if (pooled)
        bytes = pooled_bytes;
    struct arena_slab *slab = pooled ? slab_pool_take(arena->pool) : malloc(sizeof *slab + bytes);
    if (!slab)
        return arena->reserve && slab_add_reserved(arena, at_least_bytes);
    *slab = (struct arena_slab){.bytes = bytes, .pool = pooled ? arena->pool : NULL};
    slab_begin(arena, slab);
    return true;
}

uint8_t *arena_bytes(struct arena *arena, size_t bytes)
{
    if ((size_t)(arena->end - arena->at) < bytes || !arena->at) {
        if (!slab_add(arena, bytes ? bytes : 1))
            return NULL;
    }
    uint8_t *taken = arena->at;
    arena->at += bytes;
    arena->used_bytes += bytes;
    return taken;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    size_t misaligned = (uintptr_t)arena->at % alignof(max_align_t);
    size_t padding = misaligned ? alignof(max_align_t) - misaligned : 0;
    if (bytes > SIZE_MAX / 2)
        return NULL;
    if (!arena->at || (size_t)(arena->end - arena->at) < bytes + padding)
        return slab_add(arena, bytes ? bytes : 1) ? arena_bytes(arena, bytes) : NULL;
    arena_bytes(arena, padding);
    return arena_bytes(arena, bytes);
}

void *arena_calloc(struct arena *arena, size_t count, size_t item_bytes)
{
    if (item_bytes && count > SIZE_MAX / 2 / item_bytes)
        return NULL;
    void *taken = arena_alloc(arena, count * item_bytes);
    return taken ? memset(taken, 0, count * item_bytes) : NULL;
}

void *arena_grow(struct arena *arena, const void *items, uint32_t count, uint32_t *capacity,
                 size_t item_bytes)
{
    enum { FIRST_CAPACITY = 8 };
    if (count < *capacity)
        return (void *)(uintptr_t)items;
    if (count > UINT32_MAX / 2 || (item_bytes && count > SIZE_MAX / 2 / item_bytes))
        return NULL;
    uint32_t wanted = count < FIRST_CAPACITY / 2 ? FIRST_CAPACITY : count * 2;
    void *grown = arena_alloc(arena, wanted * item_bytes);
    if (!grown)
        return NULL;
    if (count)
        memcpy(grown, items, count * item_bytes);
    *capacity = wanted;
    return grown;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    uint8_t *copy = arena_bytes(arena, bytes.bytes);
    if (!copy)
        return (struct slice){0};
    if (bytes.bytes)
        memcpy(copy, bytes.data, bytes.bytes);
    return slice_of(copy, bytes.bytes);
}

char *arena_text(struct arena *arena, struct slice text)
{
    char *copy = (char *)arena_bytes(arena, text.bytes + 1);
    if (!copy)
        return NULL;
    if (text.bytes)
        memcpy(copy, text.data, text.bytes);
    copy[text.bytes] = 0;
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : (char *)arena_bytes(arena, (size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}
