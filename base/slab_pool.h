/*
 * slab_pool.h: large pieces of memory that are used again and again.
 *
 * The first touch of fresh memory costs more than what is written to it. Arenas that live and die by the slab take
 * theirs from here: a slab that came back is as warm as memory can be, and fresh ones are touched ahead of need by
 * somebody who has time. Slabs lie on huge pages where the system has them.
 *
 * Ownership   Who takes a slab owns it until it gives it back, to the same pool. deinit frees what lies in the pool.
 * Threads     Any.
 */
#ifndef STRAIT_BASE_SLAB_POOL_H
#define STRAIT_BASE_SLAB_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/lock.h"

enum { SLAB_BYTES = 2 << 20 };

struct slab_pool {
    struct lock lock; /* RANK_MEMORY; guards the two below */
    void *free;       /* a list through the first word of each */
    size_t free_count;
    size_t keep_count;        /* constant: more than so many are given back to the system */
    _Atomic size_t taken;     /* relaxed; slabs taken so far */
    _Atomic size_t was_fresh; /* relaxed; of them, those that nobody had touched before */
};

void slab_pool_init(struct slab_pool *pool, size_t keep_bytes);
void slab_pool_deinit(struct slab_pool *pool);
/* SLAB_BYTES aligned to their size, contents undefined; NULL when memory ran out. */
void *slab_pool_take(struct slab_pool *pool);
void slab_pool_give(struct slab_pool *pool, void *slab);
/* Touch one slab more when fewer than `count`, within what the pool may keep, lie ready; false when enough do or memory ran
 * out. Slow: for the background. */
bool slab_pool_prepare(struct slab_pool *pool, size_t count);
/* Give what lies in the pool back to the system. */
void slab_pool_trim(struct slab_pool *pool);
/* Bytes that lie in the pool. */
size_t slab_pool_bytes(struct slab_pool *pool);

#endif
