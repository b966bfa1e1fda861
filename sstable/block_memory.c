#include "sstable/block_memory_internal.h"

#include <stdlib.h>

enum {
    PLAIN_BYTES = 512 << 10,
    IDLE_PART = 16, /* of what is held, so much may lie unused */
};

#if defined(__SANITIZE_ADDRESS__)
static const bool watched = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
static const bool watched = true;
#else
static const bool watched = false;
#endif
#else
static const bool watched = false;
#endif

void block_memory_init(struct block_memory *memory)
{
    slab_heap_init(&memory->heap);
    memory->is_plain = watched;
    atomic_init(&memory->plain_bytes, 0);
}

void block_memory_use_heap(struct block_memory *memory, bool use)
{
    memory->is_plain = watched || !use;
}

void block_memory_deinit(struct block_memory *memory)
{
    slab_heap_deinit(&memory->heap);
}

static bool uses_heap(struct block_memory *memory, size_t bytes)
{
    if (!memory || memory->is_plain || bytes > SLAB_HEAP_PIECE_BYTES_MAX)
        return false;
    if (atomic_load_explicit(&memory->plain_bytes, memory_order_relaxed) >= PLAIN_BYTES)
        return true;
    atomic_fetch_add_explicit(&memory->plain_bytes, bytes, memory_order_relaxed);
    return false;
}

void *block_memory_take(struct block_memory *memory, size_t bytes, bool *out_in_heap)
{
    void *at = uses_heap(memory, bytes) ? slab_heap_take(&memory->heap, bytes) : NULL;
    *out_in_heap = at;
    return at ? at : malloc(bytes);
}

void block_memory_give(void *at, bool in_heap)
{
    if (in_heap)
        slab_heap_give(at);
    else
        free(at);
}

void block_memory_trim(struct block_memory *memory)
{
    struct slab_heap_stats stats;
    slab_heap_stats(&memory->heap, &stats);
    if (stats.bytes - stats.used_bytes > stats.bytes / IDLE_PART + SLAB_BYTES)
        slab_heap_trim(&memory->heap);
}
