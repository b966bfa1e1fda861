/*
 * block_lease_internal.h: looking at a cached block without counting a reference.
 *
 * A counter of references, like the lock of a shard, is one line of memory that all readers write; two cores that read
 * the same popular blocks spend more time passing it to and fro than reading. A lease is a line of its reader's own: it
 * says which block he looks at. Who takes blocks out of the cache makes them unreachable first and then looks through the
 * leases: a block that is named there is put aside until it is not.
 *
 *     reader                              who takes the block out
 *     finds the block in its bucket       unlinks it from its bucket
 *     names it in his lease               reads all leases
 *     finds it in its bucket still        frees it when none names it
 *
 * All of these are sequentially consistent: either the reader sees that the block is gone, or the other sees the lease.
 *
 * Threads have a few leases each, by stripes. Only one cursor has a lease at a time; with it comes what the last one has
 * allocated. A cursor that finds none counts references as everybody else.
 */
#ifndef STRAIT_SSTABLE_BLOCK_LEASE_INTERNAL_H
#define STRAIT_SSTABLE_BLOCK_LEASE_INTERNAL_H

#include "base/lock.h"
#include "sstable/block_cache_internal.h"

enum {
    BLOCK_LEASE_STRIPES = 8,
    BLOCK_LEASES_EACH = 4, /* cursors of one thread that are open at a time */
    BLOCK_LEASES = BLOCK_LEASE_STRIPES * BLOCK_LEASES_EACH,
};

struct block_lease {
    _Alignas(64) _Atomic(struct block *) block; /* borrowed; what its holder looks at */
    /* What is kept for the next holder: owned. NULL: nothing. The lease itself while somebody has it. */
    _Atomic(void *) spare;
    _Atomic uint64_t hits, seen_hits, spares; /* relaxed; only the holder writes */
};

struct block_leases {
    struct block_lease leases[BLOCK_LEASES];
    bool is_off;
    _Alignas(64) struct lock lock; /* guards `aside` */
    struct block *aside;           /* counted, by `hash_next`: taken out while somebody looked at them */
    _Atomic bool has_aside;        /* relaxed; a hint */
};

void block_leases_init(struct block_leases *leases);
/* Nobody has a lease any more. */
void block_leases_deinit(struct block_leases *leases, void (*spare_free)(void *spare));

/* One of the thread's leases; NULL when they are taken. *out_spare is what was left with it, or NULL; it is the caller's. */
struct block_lease *block_lease_take(struct block_leases *leases, void **out_spare);
/* Take over `spare`, which may be NULL. By any thread. */
void block_lease_give(struct block_lease *lease, void *spare);

static inline void block_lease_count(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* The block at the head of the bucket is looked at from now on if it is the one; NULL when not. What was looked at before
 * is let go. */
static inline struct block *block_lease_hold(struct block_lease *lease, _Atomic(struct block *) *bucket,
                                             uint64_t owner, uint64_t offset)
{
    struct block *block = atomic_load_explicit(bucket, memory_order_relaxed);
    if (!block)
        return NULL;
    atomic_store(&lease->block, block);
    if (atomic_load(bucket) == block && block->owner == owner && block->offset == offset &&
        block->tier == BLOCK_TIER_DECODED) {
        block_lease_count(&lease->hits);
        return block;
    }
    atomic_store_explicit(&lease->block, NULL, memory_order_release);
    return NULL;
}

static inline void block_lease_let_go(struct block_lease *lease)
{
    /* Pairs with the load of who takes the block out. */
    atomic_store_explicit(&lease->block, NULL, memory_order_release);
}

/* Drop the cache's references of what was taken out, a list by `hash_next`, as soon as nobody looks at it. */
void block_leases_drop(struct block_leases *leases, struct block *taken_out);

#endif
