#include <stdlib.h>

#include "memtable/memtable_internal.h"

enum { FIRST_SLOTS = 8 };

/* Tokens are even over all of int64, but a client may choose keys that are not: multiplying brings every bit
 * into play, and the upper ones are used. */
static uint64_t hash_of(struct partition_key key)
{
    uint64_t hash = (uint64_t)key.token * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

static struct partition *slot_load(const struct partition_slot *slot)
{
    return atomic_load_explicit(&slot->partition, memory_order_acquire);
}

struct partition *partition_find(struct memtable *memtable, struct partition_key key)
{
    const struct partition_table *table = atomic_load_explicit(&memtable->table, memory_order_acquire);
    if (!table)
        return NULL;
    uint64_t hash = hash_of(key);
    for (size_t at = hash & (table->slot_count - 1);; at = (at + 1) & (table->slot_count - 1)) {
        struct partition *partition = slot_load(&table->slots[at]);
        if (!partition)
            return NULL;
        if (table->slots[at].hash == hash && slice_equal(partition->key, key.bytes))
            return partition;
    }
}

/* The partition that probably has the key, by its hash alone, so that nothing of it is touched. */
static struct partition *partition_guess(const struct partition_table *table, uint64_t hash)
{
    for (size_t at = hash & (table->slot_count - 1);; at = (at + 1) & (table->slot_count - 1)) {
        struct partition *partition = slot_load(&table->slots[at]);
        if (!partition || table->slots[at].hash == hash)
            return partition;
    }
}

/* At level 0 the slot of the key is brought near; later levels get the partition that it leads to. NULL: nothing to do. */
static const struct partition *partition_ahead(const struct partition_table *table, struct partition_key key,
                                               unsigned level)
{
    if (!table)
        return NULL;
    uint64_t hash = hash_of(key);
    if (level)
        return partition_guess(table, hash);
    __builtin_prefetch(&table->slots[hash & (table->slot_count - 1)]);
    return NULL;
}

void memtable_fetch(struct memtable *memtable, struct partition_key key, unsigned level)
{
    const struct partition_table *table = atomic_load_explicit(&memtable->table, memory_order_relaxed);
    const struct partition *partition = partition_ahead(table, key, level);
    if (!partition)
        return;
    if (level == 1)
        partition_prefetch(partition);
    else
        partition_prefetch_row(partition);
}

/* What a cursor touches when it is opened: the partition, the bounds that it shows, and where its first row is found. */
void memtable_ask(const struct memtable *memtable, struct partition_key key, unsigned level)
{
    const struct partition_table *table = atomic_load_explicit(&memtable->table, memory_order_acquire);
    const struct partition *partition = partition_ahead(table, key, level);
    if (!partition)
        return;
    if (level == 1) {
        for (size_t at = 0; at < sizeof *partition + 16; at += 64)
            __builtin_prefetch((const uint8_t *)partition + at);
        return;
    }
    __builtin_prefetch(atomic_load_explicit(&partition->first, memory_order_relaxed));
    __builtin_prefetch(atomic_load_explicit(&partition->last, memory_order_relaxed));
    __builtin_prefetch(atomic_load_explicit(&partition->tree.root, memory_order_relaxed));
}

static void slot_put(struct partition_table *table, uint64_t hash, struct partition *partition)
{
    size_t at = hash & (table->slot_count - 1);
    while (atomic_load_explicit(&table->slots[at].partition, memory_order_relaxed))
        at = (at + 1) & (table->slot_count - 1);
    table->slots[at].hash = hash;
    atomic_store_explicit(&table->slots[at].partition, partition, memory_order_release);
}

/* A larger table takes over. */
static status table_grow(struct memtable *memtable, size_t slot_count)
{
    struct partition_table *old = atomic_load_explicit(&memtable->table, memory_order_relaxed);
    size_t bytes = sizeof *old + slot_count * sizeof *old->slots;
    struct partition_table *table = calloc(1, bytes);
    if (!table)
        return STATUS_FAIL(STATUS_NOMEM);
    table->older = old;
    table->slot_count = slot_count;
    for (size_t i = 0; old && i < old->slot_count; i++) {
        struct partition *partition = slot_load(&old->slots[i]);
        if (partition)
            slot_put(table, old->slots[i].hash, partition);
    }
    memtable->table_bytes += bytes;
    atomic_store_explicit(&memtable->table, table, memory_order_release);
    return STATUS_DONE;
}

/* A probe ends at a free slot. */
static bool has_slots(const struct partition_table *table, uint64_t count, uint64_t more)
{
    return table && count + more < table->slot_count;
}

status partition_table_widen(struct memtable *memtable, uint32_t more)
{
    const struct partition_table *table = atomic_load_explicit(&memtable->table, memory_order_relaxed);
    uint64_t count = atomic_load_explicit(&memtable->partitions, memory_order_relaxed);
    size_t slot_count = table ? table->slot_count : FIRST_SLOTS;
    if (has_slots(table, count, more))
        return STATUS_DONE;
    while (count + more >= slot_count)
        slot_count *= 2;
    return table_grow(memtable, slot_count);
}

status partition_table_reserve(struct memtable *memtable)
{
    const struct partition_table *table = atomic_load_explicit(&memtable->table, memory_order_relaxed);
    uint64_t count = atomic_load_explicit(&memtable->partitions, memory_order_relaxed);
    if (table && (count + 1) * 8 <= table->slot_count * 5)
        return STATUS_DONE;
    status st = table_grow(memtable, table ? table->slot_count * 2 : FIRST_SLOTS);
    return has_slots(table, count, 1) ? STATUS_DONE : st;
}

void partition_publish(struct memtable *memtable, struct partition *partition)
{
    struct partition_table *table = atomic_load_explicit(&memtable->table, memory_order_relaxed);
    slot_put(table, hash_of(partition_key_at(partition)), partition);
    atomic_fetch_add_explicit(&memtable->partitions, 1, memory_order_relaxed);
}

static int by_key(const void *a, const void *b)
{
    const struct partition *x = *(const struct partition *const *)a;
    const struct partition *y = *(const struct partition *const *)b;
    return partition_key_compare(partition_key_at(x), partition_key_at(y));
}

static size_t order_bytes(size_t count)
{
    return sizeof(struct partition_order) + count * sizeof(struct partition *);
}

/* Slots fill up while we look: what comes after we pass is not in the snapshot, which is as well. */
static status order_new(const struct partition_table *table, struct partition_order **out_order)
{
    size_t slot_count = table ? table->slot_count : 0, count = 0;
    struct partition_order *order = malloc(order_bytes(slot_count));
    if (!order)
        return STATUS_FAIL(STATUS_NOMEM);
    for (size_t i = 0; i < slot_count; i++) {
        const struct partition *partition = slot_load(&table->slots[i]);
        if (partition)
            order->partitions[count++] = partition;
    }
    order->count = count;
    qsort(order->partitions, count, sizeof *order->partitions, by_key);
    struct partition_order *fitted = realloc(order, order_bytes(count));
    *out_order = fitted ? fitted : order;
    return STATUS_DONE;
}

status partition_order_get(struct memtable *memtable, struct partition_order **out_order, bool *out_owned)
{
    bool frozen = atomic_load_explicit(&memtable->frozen, memory_order_acquire);
    struct partition_order *shared = atomic_load_explicit(&memtable->sorted, memory_order_acquire);
    struct partition_order *order = NULL;
    *out_owned = false;
    if (shared) { /* the memtable's, also when it was frozen between our two looks */
        *out_order = shared;
        return STATUS_DONE;
    }
    TRY(order_new(atomic_load_explicit(&memtable->table, memory_order_acquire), &order));
    if (!frozen) {
        *out_order = order;
        *out_owned = true;
        return STATUS_DONE;
    }
    if (atomic_compare_exchange_strong_explicit(&memtable->sorted, &shared, order, memory_order_acq_rel,
                                                memory_order_acquire)) {
        atomic_store_explicit(&memtable->sorted_bytes, order_bytes(order->count), memory_order_relaxed);
        shared = order;
    } else {
        free(order); /* another cursor was first */
    }
    *out_order = shared;
    return STATUS_DONE;
}
