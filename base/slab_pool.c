#include "base/slab_pool.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

void slab_pool_init(struct slab_pool *pool, size_t keep_bytes)
{
    *pool = (struct slab_pool){.keep_count = keep_bytes / SLAB_BYTES};
    lock_init(&pool->lock, RANK_MEMORY);
}

void slab_pool_deinit(struct slab_pool *pool)
{
    slab_pool_trim(pool);
    lock_deinit(&pool->lock);
}

/* Twice the size is asked for and the ends are given back, which is the way to an aligned mapping. */
static void *slab_new(void)
{
    uint8_t *mapped =
        mmap(NULL, (size_t)2 * SLAB_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return NULL;
    size_t before = (SLAB_BYTES - (uintptr_t)mapped % SLAB_BYTES) % SLAB_BYTES;
    if (before)
        munmap(mapped, before);
    munmap(mapped + before + SLAB_BYTES, SLAB_BYTES - before);
    (void)madvise(mapped + before, SLAB_BYTES, MADV_HUGEPAGE); /* only a wish */
    return mapped + before;
}

static void *free_pop(struct slab_pool *pool)
{
    void *slab = pool->free;
    if (slab) {
        memcpy(&pool->free, slab, sizeof pool->free);
        pool->free_count--;
    }
    return slab;
}

/* False when there is no room for it. */
static bool free_push(struct slab_pool *pool, void *slab)
{
    if (pool->free_count >= pool->keep_count)
        return false;
    memcpy(slab, &pool->free, sizeof pool->free);
    pool->free = slab;
    pool->free_count++;
    return true;
}

void *slab_pool_take(struct slab_pool *pool)
{
    lock_acquire(&pool->lock);
    void *slab = free_pop(pool);
    lock_release(&pool->lock);
    atomic_fetch_add_explicit(&pool->taken, 1, memory_order_relaxed);
    if (slab)
        return slab;
    atomic_fetch_add_explicit(&pool->was_fresh, 1, memory_order_relaxed);
    return slab_new();
}

void slab_pool_give(struct slab_pool *pool, void *slab)
{
    lock_acquire(&pool->lock);
    bool kept = free_push(pool, slab);
    lock_release(&pool->lock);
    if (!kept)
        munmap(slab, SLAB_BYTES);
}

bool slab_pool_prepare(struct slab_pool *pool, size_t count)
{
    size_t wanted = count < pool->keep_count ? count : pool->keep_count;
    lock_acquire(&pool->lock);
    bool enough = pool->free_count >= wanted;
    lock_release(&pool->lock);
    void *slab = enough ? NULL : slab_new();
    if (!slab)
        return false;
    for (size_t at = 0; at < SLAB_BYTES; at += 4096)
        ((volatile uint8_t *)slab)[at] = 0;
    slab_pool_give(pool, slab);
    return true;
}

void slab_pool_trim(struct slab_pool *pool)
{
    for (void *slab;;) {
        lock_acquire(&pool->lock);
        slab = free_pop(pool);
        lock_release(&pool->lock);
        if (!slab)
            return;
        munmap(slab, SLAB_BYTES);
    }
}

size_t slab_pool_bytes(struct slab_pool *pool)
{
    lock_acquire(&pool->lock);
    size_t bytes = pool->free_count * SLAB_BYTES;
    lock_release(&pool->lock);
    return bytes;
}
