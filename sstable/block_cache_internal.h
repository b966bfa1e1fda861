/*
 * block_cache_internal.h: what sstable/ itself does with the cache.
 *
 * A block is the decoded payload of one frame: immutable, counted, shared between threads. The cache holds one
 * reference for what it keeps; what it evicts lives on with whoever pinned it.
 */
#ifndef STRAIT_SSTABLE_BLOCK_CACHE_INTERNAL_H
#define STRAIT_SSTABLE_BLOCK_CACHE_INTERNAL_H

#include "sstable/block_cache.h"
#include "sstable/frame_internal.h"

#include <stdatomic.h>

enum block_tier {
    BLOCK_TIER_DECODED, /* ready to be walked */
    BLOCK_TIER_STORED,  /* frames of rows as they stand in the file, checked: a third of the bytes */
    BLOCK_TIERS,
};

struct block {
    /* What a look-up needs stands together: it costs one line of memory. */
    _Atomic uint32_t references;
    uint8_t layout, level;
    uint8_t tier;    /* the cache's own, like all that is marked so: guarded by the lock of its shard */
    uint8_t touches; /* the cache's */
    uint32_t items;
    uint32_t bytes;              /* of `data` */
    uint64_t checksum;           /* of its frame: a reference must agree with it */
    uint64_t owner, offset;      /* the cache's: which table, where in it */
    struct block *hash_next;     /* the cache's */
    struct block *newer, *older; /* the cache's: in its queue */
    bool in_main;                /* the cache's */
    bool in_heap;                /* its memory is of a cache's heap: which outlives it */

    _Alignas(16) uint8_t data[];
};

/* With one reference; NULL when memory ran out. `cache` (NULL: none) is the one that is likely to keep it, and lends its
 * memory: it is freed after the block. */
struct block_cache;
struct block *block_new(struct block_cache *cache, uint32_t bytes);
struct block *block_ref(struct block *block);
void block_unref(struct block *block); /* NULL is welcome */
static inline struct slice block_payload(const struct block *block)
{
    return slice_of(block->data, block->bytes);
}

/* Where in a block's data its reader will look first, [begin, end) each: brought near while the block is still being
 * looked up. */
struct block_touch {
    uint32_t heads_end, begin, end;
};

/* A number that no other owner of cached blocks has. */
uint64_t block_cache_owner_new(void);
/* Pinned for the caller, or NULL. `cache` may be NULL in all of these. */
struct block *block_cache_get(struct block_cache *cache, enum block_tier tier, uint64_t owner,
                              uint64_t offset);
/* Of a decoded block; what `touch` (NULL: nothing) names is only a guess. */
struct block *block_cache_get_touched(struct block_cache *cache, uint64_t owner, uint64_t offset,
                                      const struct block_touch *touch);
/* Keep the block; the caller's reference stays the caller's. One that is there already wins. */
void block_cache_put(struct block_cache *cache, enum block_tier tier, uint64_t owner, uint64_t offset,
                     struct block *block);
/* Whether it is there; nobody is said to have asked for it. */
bool block_cache_has(struct block_cache *cache, enum block_tier tier, uint64_t owner, uint64_t offset);
/* For the statistics: a block was put that nobody has asked for. */
void block_cache_count_warmed(struct block_cache *cache);
/* Whether so many bytes more would drive out nothing. */
bool block_cache_has_room(struct block_cache *cache, enum block_tier tier, uint64_t owner, uint64_t offset,
                          size_t bytes);
/* Forget everything of an owner. */
void block_cache_drop(struct block_cache *cache, uint64_t owner);

/* Bytes of what tables keep for themselves count against the budget, of which they may take an eighth (false: no more). */
bool block_cache_resident_take(struct block_cache *cache, size_t bytes);
void block_cache_resident_give(struct block_cache *cache, size_t bytes);

/* Tables of one dictionary share it while one of them is open. take: a reference, or NULL when it is not known here. */
struct sstable_dictionary;
struct sstable_dictionary *block_cache_take_dictionary(struct block_cache *cache, uint64_t id);
void block_cache_give_dictionary(struct block_cache *cache, struct sstable_dictionary *dictionary);

size_t block_cache_budget(const struct block_cache *cache);
/* Decompression contexts are large and slow to make: the cache lends them. NULL when memory ran out. */
ZSTD_DCtx *block_cache_take_zstd(struct block_cache *cache);
void block_cache_give_zstd(struct block_cache *cache, ZSTD_DCtx *zstd); /* NULL zstd is welcome */

/* Cursors over tables that were closed, with what they have allocated, for the next ones: a few a thread. take: NULL when
 * there is none. give: false when it is not wanted. The cache frees what is left with `spare_free`. */
void *block_cache_take_spare(struct block_cache *cache);
bool block_cache_give_spare(struct block_cache *cache, void *spare, void (*spare_free)(void *spare));

#endif
