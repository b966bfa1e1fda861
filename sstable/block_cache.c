/*
 * S3-FIFO: a new block enters the small queue, a tenth of its tier. When it leaves that queue it goes to the main
 * queue if somebody asked for it meanwhile, else it is forgotten but for its name in the ghost table; a block whose
 * ghost is found enters the main queue at once. A scan passes through the small queue and leaves the main one alone.
 * A hit only counts up a number in the block: no list is touched.
 *
 * Two tiers share the budget. Rows that were read from the disk stay compressed in one, as many as fit into seven
 * eighths; decoded blocks and pages have what that leaves. Reading from the disk again costs as much as decoding twenty
 * times, for a third of the bytes, so decoded blocks give way first.
 *
 * The cache is cut into shards by hash, each with its lock and its part of the budget. Only one shard's lock is held
 * at a time; blocks are freed after it is released.
 */
#include "sstable/block_cache_internal.h"

#include "base/lock.h"
#include "sstable/block_lease_internal.h"
#include "sstable/block_memory_internal.h"
#include "sstable/lending_internal.h"

#include <stddef.h>
#include <stdlib.h>

enum {
    SHARDS_SMALL = 8, /* of a small cache, a mebibyte each at least */
    SHARDS_MAX = 32,
    SHARD_BYTES_SMALL = 1 << 20,
    SHARD_BYTES = 32 << 20, /* more shards come with so much for each: giants must fit into one */
    GHOSTS = 4096,          /* a shard */
    TOUCHES_MAX = 3,
    LINE_BYTES = 64,
};

struct queue {
    struct block *newest, *oldest;
    size_t bytes;
};

/* Who has a lease looks at the heads of them without the lock. Those that have become too few are left empty, and stay
 * until the cache goes: somebody may be looking at them. */
struct buckets {
    struct buckets *fewer; /* owned */
    uint32_t count;        /* power of two */
    bool in_heap;
    _Atomic(struct block *) heads[];
};

struct shard {
    _Alignas(LINE_BYTES) struct lock lock;
    _Alignas(LINE_BYTES) _Atomic(struct buckets *)
        buckets; /* owned; guarded by lock like everything below, but for looking */
    uint32_t block_count;
    struct queue small[BLOCK_TIERS], main[BLOCK_TIERS];
    uint32_t ghosts[GHOSTS];          /* fingerprints, each where its hash puts it; 0 is none */
    uint64_t hits, misses, evictions; /* misses of decoded blocks ... */
    uint64_t stored_hits;             /* ... some of which are decoded again from what is kept compressed */
};

struct block_cache {
    size_t budget_bytes;
    _Atomic size_t reserved_bytes; /* of the budget, by others */
    _Atomic uint64_t warmed;       /* relaxed */
    _Atomic size_t resident_bytes; /* of the budget, by tables: resident_internal.h */
    _Atomic uint32_t shrunk;       /* how often a shard made room for these; relaxed */
    uint32_t shard_count;
    struct shard *shards; /* owned */
    struct block_memory memory;
    struct block_leases leases;
    struct lending lending;
};

struct block *block_new(struct block_cache *cache, uint32_t bytes)
{
    bool in_heap;
    struct block *block = block_memory_take(cache ? &cache->memory : NULL, sizeof *block + bytes, &in_heap);
    if (!block)
        return NULL;
    memset(block, 0, sizeof *block);
    block->bytes = bytes;
    block->in_heap = in_heap;
    atomic_init(&block->references, 1);
    return block;
}

struct block *block_ref(struct block *block)
{
    atomic_fetch_add_explicit(&block->references, 1, memory_order_relaxed);
    return block;
}

void block_unref(struct block *block)
{
    /* The release of every holder pairs with the acquire of the one that frees. */
    if (block && atomic_fetch_sub_explicit(&block->references, 1, memory_order_acq_rel) == 1)
        block_memory_give(block, block->in_heap);
}

static size_t cost(const struct block *block)
{
    return block->in_heap ? slab_heap_cost(sizeof *block + block->bytes) : sizeof *block + block->bytes;
}

static uint64_t name_hash(enum block_tier tier, uint64_t owner, uint64_t offset)
{
    uint64_t z = (owner << 1 | tier) * 0x9e3779b97f4a7c15ULL ^ offset;
    z = (z ^ z >> 32) * 0xd6e8feb86659fd93ULL;
    z = (z ^ z >> 32) * 0xd6e8feb86659fd93ULL;
    return z ^ z >> 32;
}

static uint32_t shards_for(size_t budget_bytes)
{
    size_t few = budget_bytes / SHARD_BYTES_SMALL, many = budget_bytes / SHARD_BYTES;
    few = few < 1 ? 1 : few > SHARDS_SMALL ? SHARDS_SMALL : few;
    return (uint32_t)(many > SHARDS_MAX ? SHARDS_MAX : many > few ? many : few);
}

status block_cache_new(size_t budget_bytes, struct block_cache **out_cache)
{
    struct block_cache *cache = aligned_alloc(_Alignof(struct block_cache), sizeof *cache);
    if (!cache)
        return STATUS_FAIL(STATUS_NOMEM);
    memset(cache, 0, sizeof *cache);
    cache->budget_bytes = budget_bytes;
    cache->shard_count = shards_for(budget_bytes);
    cache->shards = aligned_alloc(_Alignof(struct shard), cache->shard_count * sizeof *cache->shards);
    if (!cache->shards) {
        free(cache);
        return STATUS_FAIL(STATUS_NOMEM);
    }
    memset(cache->shards, 0, cache->shard_count * sizeof *cache->shards);
    for (uint32_t i = 0; i < cache->shard_count; i++) {
        lock_init(&cache->shards[i].lock, RANK_CACHE);
    }
    block_memory_init(&cache->memory);
    block_leases_init(&cache->leases);
    lending_init(&cache->lending);
    *out_cache = cache;
    return STATUS_DONE;
}

static void queue_unref_all(struct queue *queue)
{
    while (queue->oldest) {
        struct block *block = queue->oldest;
        queue->oldest = block->newer;
        block_unref(block);
    }
}

static void buckets_free(struct buckets *buckets)
{
    while (buckets) {
        struct buckets *fewer = buckets->fewer;
        block_memory_give(buckets, buckets->in_heap);
        buckets = fewer;
    }
}

void block_cache_free(struct block_cache *cache)
{
    if (!cache)
        return;
    block_leases_deinit(&cache->leases, sstable_cursor_free_spare);
    for (uint32_t i = 0; i < cache->shard_count; i++) {
        for (uint32_t tier = 0; tier < BLOCK_TIERS; tier++) {
            queue_unref_all(&cache->shards[i].small[tier]);
            queue_unref_all(&cache->shards[i].main[tier]);
        }
        lock_deinit(&cache->shards[i].lock);
        buckets_free(cache->shards[i].buckets);
    }
    lending_deinit(&cache->lending);
    block_memory_deinit(&cache->memory);
    free(cache->shards);
    free(cache);
}

static size_t tier_bytes(const struct shard *shard, enum block_tier tier)
{
    return shard->small[tier].bytes + shard->main[tier].bytes;
}

static size_t shard_bytes(const struct shard *shard)
{
    return tier_bytes(shard, BLOCK_TIER_DECODED) + tier_bytes(shard, BLOCK_TIER_STORED);
}

void block_cache_stats(struct block_cache *cache, struct block_cache_stats *out_stats)
{
    struct block_cache_stats stats = {
        .budget_bytes = cache->budget_bytes,
        .resident_bytes = atomic_load_explicit(&cache->resident_bytes, memory_order_relaxed),
        .warmed = atomic_load_explicit(&cache->warmed, memory_order_relaxed),
    };
    for (uint32_t i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        lock_acquire(&shard->lock);
        stats.hits += shard->hits;
        stats.misses += shard->misses - shard->stored_hits;
        stats.evictions += shard->evictions;
        stats.bytes += shard_bytes(shard);
        stats.stored_bytes += tier_bytes(shard, BLOCK_TIER_STORED);
        lock_release(&shard->lock);
    }
    for (uint32_t i = 0; i < BLOCK_LEASES; i++) {
        struct block_lease *lease = &cache->leases.leases[i];
        stats.leased_hits += atomic_load_explicit(&lease->hits, memory_order_relaxed);
        stats.seen_hits += atomic_load_explicit(&lease->seen_hits, memory_order_relaxed);
        stats.spares += atomic_load_explicit(&lease->spares, memory_order_relaxed);
    }
    stats.hits += stats.leased_hits;
    struct slab_heap_stats heap;
    slab_heap_stats(&cache->memory.heap, &heap);
    stats.heap_bytes = heap.bytes;
    stats.heap_used_bytes = heap.used_bytes;
    *out_stats = stats;
}

void block_cache_use_huge_pages(struct block_cache *cache, bool use)
{
    block_memory_use_heap(&cache->memory, use);
}

void block_cache_use_leases(struct block_cache *cache, bool use)
{
    cache->leases.is_off = !use;
}

static struct shard *shard_of(struct block_cache *cache, uint64_t hash)
{
    return &cache->shards[(hash >> 56) % cache->shard_count];
}

static inline _Atomic(struct block *) *head_of(struct buckets *buckets, uint64_t hash)
{
    return &buckets->heads[hash & (buckets->count - 1)];
}

/* NULL when it is not there. The shard is locked. */
static struct block *block_look_up(struct shard *shard, uint64_t hash, enum block_tier tier, uint64_t owner,
                                   uint64_t offset)
{
    struct buckets *buckets = atomic_load_explicit(&shard->buckets, memory_order_relaxed);
    struct block *block = buckets ? atomic_load_explicit(head_of(buckets, hash), memory_order_relaxed) : NULL;
    while (block && (block->owner != owner || block->offset != offset || block->tier != tier))
        block = block->hash_next;
    return block;
}

static void bucket_push(struct buckets *buckets, uint64_t hash, struct block *block)
{
    _Atomic(struct block *) *head = head_of(buckets, hash);
    block->hash_next = atomic_load_explicit(head, memory_order_relaxed);
    /* The release pairs with the load of who has a lease. */
    atomic_store_explicit(head, block, memory_order_release);
}

static void bucket_remove(struct buckets *buckets, uint64_t hash, const struct block *block)
{
    _Atomic(struct block *) *head = head_of(buckets, hash);
    struct block *before = atomic_load_explicit(head, memory_order_relaxed);
    if (before == block) {
        atomic_store(head, block->hash_next); /* before leases are looked through: block_lease_internal.h */
        return;
    }
    while (before->hash_next != block)
        before = before->hash_next;
    before->hash_next = block->hash_next;
}

static void queue_push(struct queue *queue, struct block *block)
{
    block->newer = NULL;
    block->older = queue->newest;
    if (queue->newest)
        queue->newest->newer = block;
    else
        queue->oldest = block;
    queue->newest = block;
    queue->bytes += cost(block);
}

static void queue_remove(struct queue *queue, struct block *block)
{
    *(block->older ? &block->older->newer : &queue->oldest) = block->newer;
    *(block->newer ? &block->newer->older : &queue->newest) = block->older;
    queue->bytes -= cost(block);
}

/* Take the block out of the shard and put it on `freed`; its reference is dropped outside the lock. */
static void block_remove(struct shard *shard, struct block *block, struct block **freed)
{
    enum block_tier tier = (enum block_tier)block->tier;
    uint64_t hash = name_hash(tier, block->owner, block->offset);
    bucket_remove(atomic_load_explicit(&shard->buckets, memory_order_relaxed), hash, block);
    queue_remove(block->in_main ? &shard->main[tier] : &shard->small[tier], block);
    shard->block_count--;
    block->hash_next = *freed;
    *freed = block;
}

static uint32_t ghost_of(uint64_t hash)
{
    uint32_t ghost = (uint32_t)(hash >> 20);
    return ghost ? ghost : 1;
}

static void evict_one(struct shard *shard, enum block_tier tier, struct block **freed)
{
    struct queue *small = &shard->small[tier], *main = &shard->main[tier];
    bool from_small = small->oldest && (small->bytes > tier_bytes(shard, tier) / 10 || !main->oldest);
    struct queue *queue = from_small ? small : main;
    struct block *block = queue->oldest;
    uint8_t touches = atomic_load_explicit(&block->touches, memory_order_relaxed);
    if (touches) {
        queue_remove(queue, block);
        atomic_store_explicit(&block->touches, from_small ? 0 : (uint8_t)(touches - 1), memory_order_relaxed);
        block->in_main = true;
        queue_push(main, block);
        return;
    }
    if (from_small) {
        uint64_t hash = name_hash(tier, block->owner, block->offset);
        shard->ghosts[hash % GHOSTS] = ghost_of(hash);
    }
    block_remove(shard, block, freed);
    shard->evictions++;
}

static size_t stored_most(size_t budget_bytes)
{
    return budget_bytes / 8 * 7;
}

/* Down to `budget_bytes`: compressed blocks to seven eighths of it, decoded ones to what is left. */
static void shard_fit(struct shard *shard, size_t budget_bytes, struct block **freed)
{
    while (tier_bytes(shard, BLOCK_TIER_STORED) > stored_most(budget_bytes))
        evict_one(shard, BLOCK_TIER_STORED, freed);
    while (shard_bytes(shard) > budget_bytes)
        evict_one(shard, BLOCK_TIER_DECODED, freed);
}

/* What the shard may keep today. */
static size_t shard_budget(const struct block_cache *cache)
{
    size_t reserved = atomic_load_explicit(&cache->reserved_bytes, memory_order_relaxed) +
                      atomic_load_explicit(&cache->resident_bytes, memory_order_relaxed);
    return reserved < cache->budget_bytes ? (cache->budget_bytes - reserved) / cache->shard_count : 0;
}

static struct buckets *buckets_new(struct block_cache *cache, uint32_t count)
{
    bool in_heap;
    size_t bytes = sizeof(struct buckets) + count * sizeof(struct block *);
    struct buckets *buckets = block_memory_take(&cache->memory, bytes, &in_heap);
    if (!buckets)
        return NULL;
    memset(buckets, 0, bytes);
    buckets->count = count;
    buckets->in_heap = in_heap;
    return buckets;
}

static bool buckets_grow(struct block_cache *cache, struct shard *shard)
{
    struct buckets *few = atomic_load_explicit(&shard->buckets, memory_order_relaxed);
    struct buckets *many = buckets_new(cache, few ? few->count * 2 : 128);
    if (!many)
        return false;
    many->fewer = few;
    for (uint32_t i = 0; few && i < few->count; i++) {
        struct block *block = atomic_load_explicit(&few->heads[i], memory_order_relaxed);
        atomic_store(&few->heads[i], NULL);
        while (block) {
            struct block *next = block->hash_next;
            bucket_push(many, name_hash((enum block_tier)block->tier, block->owner, block->offset), block);
            block = next;
        }
    }
    /* The release pairs with the load of who has a lease. */
    atomic_store_explicit(&shard->buckets, many, memory_order_release);
    return true;
}

/* The first of a bucket is nearly always the one that is wanted, and its data stands right behind what it is told apart
 * by: both are on their way at the same time. */
static inline void bucket_touch(_Atomic(struct block *) *head, const struct block_touch *touch)
{
    uintptr_t first = (uintptr_t)touch->seen;
    if (!first)
        first = (uintptr_t)atomic_load_explicit(head, memory_order_relaxed);
    uintptr_t data = first + offsetof(struct block, data);
    for (uintptr_t at = first; at < data + touch->heads_end; at += LINE_BYTES)
        __builtin_prefetch((const void *)at);
    for (uintptr_t at = data + touch->begin; at < data + touch->end; at += LINE_BYTES)
        __builtin_prefetch((const void *)at);
}

/* Somebody asked for it. */
static inline void count_touch(struct block *block)
{
    uint8_t touches = atomic_load_explicit(&block->touches, memory_order_relaxed);
    if (touches < TOUCHES_MAX)
        atomic_store_explicit(&block->touches, (uint8_t)(touches + 1), memory_order_relaxed);
}

struct block *block_cache_get(struct block_cache *cache, enum block_tier tier, uint64_t owner,
                              uint64_t offset)
{
    if (!cache)
        return NULL;
    uint64_t hash = name_hash(tier, owner, offset);
    struct shard *shard = shard_of(cache, hash);
    lock_acquire(&shard->lock);
    struct block *found = block_look_up(shard, hash, tier, owner, offset);
    if (found) {
        block_ref(found);
        count_touch(found);
        shard->hits++;
        shard->stored_hits += tier == BLOCK_TIER_STORED;
    } else {
        shard->misses += tier == BLOCK_TIER_DECODED;
    }
    lock_release(&shard->lock);
    return found;
}

struct block *block_cache_get_leased(struct block_cache *cache, struct block_lease *lease, uint64_t owner,
                                     uint64_t offset, const struct block_touch *touch)
{
    uint64_t hash = name_hash(BLOCK_TIER_DECODED, owner, offset);
    struct buckets *buckets = atomic_load_explicit(&shard_of(cache, hash)->buckets, memory_order_acquire);
    if (!buckets)
        return NULL;
    _Atomic(struct block *) *head = head_of(buckets, hash);
    bucket_touch(head, touch);
    struct block *block = block_lease_hold(lease, head, owner, offset);
    if (!block)
        return NULL;
    count_touch(block);
    if (block == touch->seen)
        block_lease_count(&lease->seen_hits);
    return block;
}

bool block_cache_has(struct block_cache *cache, enum block_tier tier, uint64_t owner, uint64_t offset)
{
    if (!cache)
        return false;
    uint64_t hash = name_hash(tier, owner, offset);
    struct shard *shard = shard_of(cache, hash);
    lock_acquire(&shard->lock);
    bool has = block_look_up(shard, hash, tier, owner, offset);
    lock_release(&shard->lock);
    return has;
}

/* The shard is locked and does not have the block. */
static void block_insert(struct shard *shard, uint64_t hash, struct block *block)
{
    enum block_tier tier = (enum block_tier)block->tier;
    uint32_t *ghost = &shard->ghosts[hash % GHOSTS];
    block->in_main = *ghost == ghost_of(hash);
    atomic_store_explicit(&block->touches, 0, memory_order_relaxed);
    if (block->in_main)
        *ghost = 0;
    bucket_push(atomic_load_explicit(&shard->buckets, memory_order_relaxed), hash, block_ref(block));
    queue_push(block->in_main ? &shard->main[tier] : &shard->small[tier], block);
    shard->block_count++;
}

void block_cache_put(struct block_cache *cache, enum block_tier tier, uint64_t owner, uint64_t offset,
                     struct block *block)
{
    if (!cache)
        return;
    uint64_t hash = name_hash(tier, owner, offset);
    struct shard *shard = shard_of(cache, hash);
    struct block *freed = NULL;
    size_t budget_bytes = shard_budget(cache);
    /* A giant would empty the shard for one reader's sake. */
    if (cost(block) > budget_bytes / 2)
        return;
    lock_acquire(&shard->lock);
    /* Four times as many buckets as blocks: who looks for one seldom finds another first, which he would have to pass under
     * the lock. */
    struct buckets *buckets = atomic_load_explicit(&shard->buckets, memory_order_relaxed);
    bool room = (buckets && shard->block_count < buckets->count / 4) || buckets_grow(cache, shard);
    if (room && !block_look_up(shard, hash, tier, owner, offset)) {
        block->owner = owner;
        block->offset = offset;
        block->tier = (uint8_t)tier;
        block_insert(shard, hash, block);
        shard_fit(shard, shard_budget(cache), &freed); /* of now: others may have reserved some meanwhile */
    }
    lock_release(&shard->lock);
    block_leases_drop(&cache->leases, freed);
}

void block_cache_count_warmed(struct block_cache *cache)
{
    atomic_fetch_add_explicit(&cache->warmed, 1, memory_order_relaxed);
}

bool block_cache_has_room(struct block_cache *cache, enum block_tier tier, uint64_t owner, uint64_t offset,
                          size_t bytes)
{
    if (!cache)
        return false;
    struct shard *shard = shard_of(cache, name_hash(tier, owner, offset));
    lock_acquire(&shard->lock);
    size_t stored = tier_bytes(shard, BLOCK_TIER_STORED), all = shard_bytes(shard);
    lock_release(&shard->lock);
    /* Compressed blocks drive out decoded ones. */
    size_t budget_bytes = shard_budget(cache);
    return tier == BLOCK_TIER_STORED ? stored + bytes <= stored_most(budget_bytes)
                                     : all + bytes <= budget_bytes;
}

void block_cache_drop(struct block_cache *cache, uint64_t owner)
{
    for (uint32_t i = 0; cache && i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        struct block *freed = NULL;
        lock_acquire(&shard->lock);
        struct queue *const queues[] = {&shard->small[0], &shard->main[0], &shard->small[1], &shard->main[1]};
        for (uint32_t q = 0; q < ARRAY_LEN(queues); q++) {
            for (struct block *block = queues[q]->oldest, *newer; block; block = newer) {
                newer = block->newer;
                if (block->owner == owner)
                    block_remove(shard, block, &freed);
            }
        }
        lock_release(&shard->lock);
        block_leases_drop(&cache->leases, freed);
    }
}

static void shard_shrink(struct block_cache *cache, uint32_t at)
{
    struct block *freed = NULL;
    lock_acquire(&cache->shards[at].lock);
    shard_fit(&cache->shards[at], shard_budget(cache), &freed);
    lock_release(&cache->shards[at].lock);
    block_leases_drop(&cache->leases, freed);
}

void block_cache_reserve(struct block_cache *cache, size_t bytes)
{
    size_t before = atomic_exchange_explicit(&cache->reserved_bytes, bytes, memory_order_relaxed);
    for (uint32_t i = 0; bytes > before && i < cache->shard_count; i++)
        shard_shrink(cache, i);
    if (bytes > before)
        block_memory_trim(&cache->memory);
}

static size_t resident_most(const struct block_cache *cache)
{
    enum { ONE_IN = 4 };
    return cache->budget_bytes / ONE_IN;
}

bool block_cache_resident_has_room(const struct block_cache *cache, size_t bytes)
{
    return atomic_load_explicit(&cache->resident_bytes, memory_order_relaxed) + bytes <= resident_most(cache);
}

bool block_cache_resident_take(struct block_cache *cache, size_t bytes)
{
    size_t used = atomic_load_explicit(&cache->resident_bytes, memory_order_relaxed);
    do {
        if (used + bytes > resident_most(cache))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&cache->resident_bytes, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    /* What is resident does not pass through the shards: they make room for it in turn. */
    shard_shrink(cache,
                 atomic_fetch_add_explicit(&cache->shrunk, 1, memory_order_relaxed) % cache->shard_count);
    return true;
}

void block_cache_resident_give(struct block_cache *cache, size_t bytes)
{
    atomic_fetch_sub_explicit(&cache->resident_bytes, bytes, memory_order_relaxed);
}

uint64_t block_cache_owner_new(void)
{
    static _Atomic uint64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

size_t block_cache_budget(const struct block_cache *cache)
{
    return cache ? cache->budget_bytes : 0;
}

struct block_lease *block_cache_take_lease(struct block_cache *cache, void **out_spare)
{
    *out_spare = NULL;
    return cache ? block_lease_take(&cache->leases, out_spare) : NULL;
}

struct lending *block_cache_lending(struct block_cache *cache)
{
    return cache ? &cache->lending : NULL;
}
