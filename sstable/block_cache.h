/*
 * block_cache.h: decoded blocks, compressed blocks and directory pages under one byte budget, S3-FIFO.
 *
 * Ownership   A block taken from the cache is counted: release every one. A budget of 0 keeps nothing, blocks
 *             then live as long as they are held.
 * Threads     Any.
 */
#ifndef STRAIT_SSTABLE_BLOCK_CACHE_H
#define STRAIT_SSTABLE_BLOCK_CACHE_H

#include "base/slice.h"
#include "base/status.h"

struct block_cache;

struct block_cache_stats {
    uint64_t hits, misses, evictions;
    size_t bytes, budget_bytes;
    size_t stored_bytes;   /* of `bytes`, those that are kept compressed */
    uint64_t warmed;       /* blocks of new files that were put here before anybody asked for them */
    size_t resident_bytes; /* beside `bytes`: directory pages that tables keep for themselves */
    /* Of huge pages for blocks, in the cache or with a reader; of pieces of them that are in use. */
    size_t heap_bytes, heap_used_bytes;
    uint64_t leased_hits; /* of `hits`, those that wrote to no memory but the reader's own */
    uint64_t seen_hits;   /* of `leased_hits`, those that were where they had been seen last */
    uint64_t spares;      /* cursors that were made of what another one had left */
};

status block_cache_new(size_t budget_bytes, struct block_cache **out_cache);
void block_cache_free(struct block_cache *cache); /* NULL is welcome */
/* Shortcuts, which are on until they are turned off; from now on. */
void block_cache_use_huge_pages(struct block_cache *cache, bool use);
void block_cache_use_leases(struct block_cache *cache, bool use);
void block_cache_stats(struct block_cache *cache, struct block_cache_stats *out_stats);

/*
 * Bytes of the budget that somebody else uses: the engine's memtables that stay readable after their flush. The cache
 * keeps that much less from now on; `bytes` replaces what was reserved before.
 */
void block_cache_reserve(struct block_cache *cache, size_t bytes);

#endif
