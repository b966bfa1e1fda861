#include "engine/retained_internal.h"

#include <stdlib.h>

#include "engine/store_internal.h"

static bool stands_in_for(const struct retained *item, const struct sstable *table)
{
    for (uint32_t i = 0; i < item->table_count; i++)
        if (item->tables[i] == table)
            return true;
    return false;
}

bool retained_has(const struct retained_set *set, const struct sstable *table)
{
    for (uint32_t i = 0; set && i < set->count; i++)
        if (stands_in_for(&set->items[i], table))
            return true;
    return false;
}

/* A memtable that snapshots share is left to them: it would be counted once for each. */
static bool is_worth_keeping(const struct tablet *tablet, const struct write_buffer *buffer,
                             uint32_t table_count)
{
    const struct store *store = tablet->shard->store;
    return !tablet->sealed && !tablet->dropped && buffer->holders == 1 && table_count > 0 &&
           table_count <= RETAINED_TABLES_MAX && buffer->bytes <= store->retained_budget_bytes;
}

static bool stands_in_for_any(const struct retained *item, struct sstable *const *tables,
                              uint32_t table_count)
{
    for (uint32_t i = 0; i < table_count; i++)
        if (stands_in_for(item, tables[i]))
            return true;
    return !tables;
}

static void item_forget(struct tablet *tablet, uint32_t at, struct write_buffer **out_buffer)
{
    struct retained_set *set = tablet->retained;
    *out_buffer = set->items[at].buffer;
    atomic_fetch_sub_explicit(&tablet->shard->store->retained_bytes, (*out_buffer)->bytes,
                              memory_order_relaxed);
    set->count--;
    memmove(&set->items[at], &set->items[at + 1], (set->count - at) * sizeof set->items[0]);
}

uint32_t retained_forget(struct tablet *tablet, struct sstable *const *tables, uint32_t table_count,
                         struct write_buffer **out_buffers)
{
    const struct retained_set *set = tablet->retained;
    uint32_t count = 0;
    for (uint32_t i = set ? set->count : 0; i-- > 0;)
        if (stands_in_for_any(&set->items[i], tables, table_count))
            item_forget(tablet, i, &out_buffers[count++]);
    return count;
}

uint32_t retained_forget_oldest(struct tablet *tablet, struct write_buffer **out_buffer)
{
    if (!tablet->retained || !tablet->retained->count)
        return 0;
    item_forget(tablet, 0, out_buffer);
    return 1;
}

uint32_t retained_keep(struct tablet *tablet, struct write_buffer *buffer, struct sstable *const *tables,
                       uint32_t table_count, struct write_buffer **out_buffers)
{
    struct store *store = tablet->shard->store;
    if (!is_worth_keeping(tablet, buffer, table_count))
        return 0;
    if (!tablet->retained)
        tablet->retained = calloc(1, sizeof *tablet->retained);
    struct retained_set *set = tablet->retained;
    if (!set)
        return 0;
    uint32_t count = 0;
    if (set->count == RETAINED_MAX)
        count = retained_forget_oldest(tablet, out_buffers);
    struct retained *item = &set->items[set->count++];
    *item = (struct retained){
        .buffer = write_buffer_ref(buffer), .stamp = ++store->retained_stamp, .table_count = table_count};
    for (uint32_t i = 0; i < table_count; i++)
        item->tables[i] = tables[i];
    atomic_fetch_add_explicit(&store->retained_bytes, buffer->bytes, memory_order_relaxed);
    return count;
}

/* ---- the budget ---- */

/* The tablet whose oldest retained memtable is the oldest of all, counted; NULL when nothing is retained. */
static struct tablet *oldest_holder(struct store *store)
{
    struct tablet *oldest = NULL;
    uint64_t stamp = UINT64_MAX;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        lock_acquire(&shard->versions);
        for (uint32_t j = 0; j < shard->slot_count; j++) {
            struct tablet *tablet = shard->slots[j];
            const struct retained_set *set = tablet ? tablet->retained : NULL;
            if (!set || !set->count || set->items[0].stamp >= stamp)
                continue;
            tablet_unref(oldest);
            oldest = tablet_ref(tablet);
            stamp = set->items[0].stamp;
        }
        lock_release(&shard->versions);
    }
    return oldest;
}

/* The oldest go until what is left and so many bytes more are within the budget, and blocks give way to all of that. */
static void trim_to_hold(struct store *store, size_t more_bytes)
{
    while (atomic_load_explicit(&store->retained_bytes, memory_order_relaxed) + more_bytes >
           store->retained_budget_bytes) {
        struct tablet *tablet = oldest_holder(store);
        if (!tablet)
            break;
        status st = tablet_forget_oldest(tablet);
        tablet_unref(tablet);
        if (failed(st)) /* without memory for a smaller version: the next flush tries again */
            break;
    }
    block_cache_reserve(store->cache,
                        atomic_load_explicit(&store->retained_bytes, memory_order_relaxed) + more_bytes);
}

void retained_make_room(struct tablet *tablet, const struct write_buffer *buffer, uint32_t table_count)
{
    if (is_worth_keeping(tablet, buffer, table_count))
        trim_to_hold(tablet->shard->store, buffer->bytes);
}

void retained_trim(struct store *store)
{
    trim_to_hold(store, 0);
}
