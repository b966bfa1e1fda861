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
    uint8_t tier; /* the cache's own, like all that is marked so: guarded by the lock of its shard */
    _Atomic uint8_t touches; /* the cache's; relaxed */
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
 * looked up. `seen` is where it was when it was looked up last; NULL: nobody knows. */
struct block_touch {
    const struct block *seen; /* never followed: it may be gone */
    uint32_t heads_end, begin, end;
};

/* A number that no other owner of cached blocks has. */
uint64_t block_cache_owner_new(void);
/* Pinned for the caller, or NULL. `cache` may be NULL in all of these. */
struct block *block_cache_get(struct block_cache *cache, enum block_tier tier, uint64_t owner,
                              uint64_t offset);
/* A decoded block that is looked at under a lease, until the lease is asked for another or lets go: it is not counted. NULL
 * also when it is there but not found at once. What `touch` names is only a guess. */
struct block_lease;
struct block *block_cache_get_leased(struct block_cache *cache, struct block_lease *lease, uint64_t owner,
                                     uint64_t offset, const struct block_touch *touch);
/* Keep the block; the caller's reference stays the caller's. One that is there already wins. */
void block_cache_put(struct block_cache *cache, enum block_tier tier, uint64_t owner, uint64_t offset,
                     struct block *block);
/* Whether it is there; nobody is said to have asked for it. */
bool block_cache_has(struct block_cache *cache, enum block_tier tier, uint64_t owner, uint64_t offset);
/* For the statistics: a block was put that nobody has asked for. */
void block_cache_count_warmed(struct block_cache *cache);
/* Whether so many bytes more would drive out nothing; of compressed blocks: none of these. The shard of the block tells for all. */
bool block_cache_has_room(struct block_cache *cache, enum block_tier tier, uint64_t owner, uint64_t offset,
                          size_t bytes);
/* Forget everything of an owner. */
void block_cache_drop(struct block_cache *cache, uint64_t owner);

/* Bytes of what tables keep for themselves count against the budget, of which they may take a quarter (false: no more). */
bool block_cache_resident_take(struct block_cache *cache, size_t bytes);
bool block_cache_resident_has_room(const struct block_cache *cache, size_t bytes);
void block_cache_resident_give(struct block_cache *cache, size_t bytes);

size_t block_cache_budget(const struct block_cache *cache);
/* What the tables of the cache use together; NULL without a cache. */
struct lending;
struct lending *block_cache_lending(struct block_cache *cache);

/* The lease of the thread, if nobody has it, and a cursor that was left with it: block_lease_internal.h. */
struct block_lease *block_cache_take_lease(struct block_cache *cache, void **out_spare);
void sstable_cursor_free_spare(void *spare);

#endif
