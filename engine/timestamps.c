/*
 * timestamps.c: what keeps the server's timestamps from repeating after a restart (TS-2), when the clock stands still or went
 * back. The newest is known in memory alone; a bound on it is durable, as a property of the store, before any timestamp beyond
 * it is used. Nothing the server gave out lies above the bound, but it is seconds ahead, and the bound itself as a beginning
 * would put new writes before those of clients with a good clock. So the beginning is the newest timestamp of what the store
 * holds, if that is within the bound: what is not in the store cannot be repeated. A client's timestamp from the far future is
 * beyond the bound, and then the bound it is.
 */
#include "engine/store_internal.h"

enum { WINDOW_US = 10000000 };

static const char property_name[] = "server-timestamps";

bool timestamps_is_property(struct slice name)
{
    return slice_equal(name, slice_text(property_name));
}

static int64_t bound_for(int64_t timestamp)
{
    return timestamp > INT64_MAX - WINDOW_US ? INT64_MAX : timestamp + WINDOW_US;
}

static void bound_encode(struct buffer *edit, int64_t bound)
{
    uint8_t value[8];
    store_le64(value, (uint64_t)bound);
    edit_property(edit, slice_text(property_name), slice_of(value, sizeof value));
}

/* INT64_MIN when there is none. */
static int64_t bound_found(const struct manifest_state *state)
{
    struct slice name = slice_text(property_name);
    uint32_t above = manifest_property_above(state, name);
    const struct manifest_property *property = above ? &state->properties[above - 1] : NULL;
    if (!property || !slice_equal(property->name, name) || property->value.bytes != 8)
        return INT64_MIN;
    return (int64_t)load_le64(property->value.data);
}

static void newest_take(int64_t *newest, int64_t timestamp)
{
    if (timestamp > *newest)
        *newest = timestamp;
}

static int64_t newest_in_files(const struct manifest_state *state)
{
    int64_t newest = INT64_MIN;
    for (uint32_t i = 0; i < state->files.slot_count; i++)
        if (state->files.slots[i])
            newest_take(&newest, state->files.slots[i]->info.max_timestamp);
    return newest;
}

static int64_t newest_in_memtables(const struct tablet *tablet)
{
    int64_t newest = INT64_MIN;
    for (uint32_t i = 0; tablet->version && i < tablet->version->memtable_count; i++) {
        struct memtable_stats stats;
        memtable_stats(tablet->version->memtables[i], &stats);
        if (stats.writes)
            newest_take(&newest, stats.max_timestamp);
    }
    return newest;
}

void timestamps_recovered(struct store *store)
{
    int64_t bound = bound_found(&store->state), newest = newest_in_files(&store->state);
    for (uint32_t i = 0; i < store->shard_count; i++)
        for (uint32_t j = 0; j < store->shards[i].slot_count; j++)
            if (store->shards[i].slots[j])
                newest_take(&newest, newest_in_memtables(store->shards[i].slots[j]));
    store->timestamp_floor = newest < bound ? newest : bound;
    atomic_store_explicit(&store->timestamp_bound, bound, memory_order_relaxed);
}

int64_t store_timestamp_floor(const struct store *store)
{
    return store->timestamp_floor;
}

/* A bound that cannot be written, because the disk is full, is tried again with the next timestamp. */
static void bound_raise(struct store *store, int64_t timestamp)
{
    struct buffer edit = {0};
    lock_acquire(&store->edit);
    int64_t bound = bound_for(timestamp);
    if (timestamp > atomic_load_explicit(&store->timestamp_bound, memory_order_relaxed)) {
        bound_encode(&edit, bound);
        if (ok(store_edit(store, &edit)))
            atomic_store_explicit(&store->timestamp_bound, bound, memory_order_relaxed);
    }
    lock_release(&store->edit);
    buffer_deinit(&edit);
}

void store_timestamp_given(struct store *store, int64_t timestamp)
{
    if (store->folder && !store->read_only &&
        timestamp > atomic_load_explicit(&store->timestamp_bound, memory_order_relaxed))
        bound_raise(store, timestamp);
}
