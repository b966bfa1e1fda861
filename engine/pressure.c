/*
 * Memory and disk pressure. Half the budget may lie in active memtables before the largest is frozen; the rest is
 * room for what waits for its flush. Above the budget writers are braked by the byte, so that the delay is spread
 * and not stop and go; at twice the budget they wait.
 */
#include "engine/store_internal.h"

enum {
    WAIT_US_MAX = 5000000,
    WAIT_STEP_US = 2000,
    /* A sleep shorter than this costs more than it says. */
    BRAKE_NS_MIN = 100000,
    /* Delay per byte when memory stands at twice the budget; at half the excess it is half of that. */
    BRAKE_NS_PER_BYTE = 100,
    /* Touched memory that lies ready while memtables grow; the background looks every few milliseconds. */
    SLABS_AHEAD = 4,
    /* Room on the disk beyond what memory holds, for manifest and log. */
    SPACE_BYTES_MIN = 256 << 10,
};

void store_memory_add(struct store *store, int64_t bytes, int64_t frozen_bytes)
{
    if (bytes)
        atomic_fetch_add_explicit(&store->memory_bytes, bytes, memory_order_relaxed);
    if (frozen_bytes)
        atomic_fetch_add_explicit(&store->frozen_memory_bytes, frozen_bytes, memory_order_relaxed);
}

/* A store whose memtables are small takes no slabs. */
void store_memory_prepare(struct store *store)
{
    if (atomic_load_explicit(&store->slabs.taken, memory_order_relaxed))
        slab_pool_prepare(&store->slabs, SLABS_AHEAD);
}

bool store_memory_high(const struct store *store)
{
    int64_t all = atomic_load_explicit(&store->memory_bytes, memory_order_relaxed);
    int64_t frozen = atomic_load_explicit(&store->frozen_memory_bytes, memory_order_relaxed);
    return all - frozen > (int64_t)(store->memtable_budget_bytes / 2);
}

static uint64_t memory_bytes(const struct store *store)
{
    int64_t bytes = atomic_load_explicit(&store->memory_bytes, memory_order_relaxed);
    return bytes > 0 ? (uint64_t)bytes : 0;
}

bool store_memory_over(const struct store *store)
{
    return memory_bytes(store) > store->memtable_budget_bytes;
}

static void stalled(struct store *store, int64_t us)
{
    atomic_fetch_add_explicit(&store->stalls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->stall_us, (uint64_t)us, memory_order_relaxed);
}

static void brake(struct store *store, uint64_t excess, size_t batch_bytes)
{
    uint64_t share = excess * BRAKE_NS_PER_BYTE / store->memtable_budget_bytes + 1;
    uint64_t owed = atomic_fetch_add_explicit(&store->brake_ns, share * batch_bytes, memory_order_relaxed);
    if (owed < BRAKE_NS_MIN)
        return;
    owed = atomic_exchange_explicit(&store->brake_ns, 0, memory_order_relaxed);
    if (owed < BRAKE_NS_MIN)
        return; /* another writer took the debt */
    int64_t us = (int64_t)(owed / 1000);
    stalled(store, us > WAIT_STEP_US ? WAIT_STEP_US : us);
    io_sleep_us(store->env, us > WAIT_STEP_US ? WAIT_STEP_US : us);
}

static bool has_room(const struct store *store)
{
    return memory_bytes(store) < 2 * store->memtable_budget_bytes;
}

/* With the background by hand nobody else makes room. */
static status make_room(struct store *store)
{
    bool did = true;
    while (!has_room(store) && did)
        TRY(background_work_step(store, &did));
    return has_room(store) ? STATUS_DONE : STATUS_FAIL(STATUS_BUSY);
}

static status wait_for_room(struct store *store)
{
    if (!store->background.threaded)
        return make_room(store);
    int64_t begun_ns = io_monotonic_ns(store->env), waited_us = 0;
    while (!has_room(store) && waited_us < WAIT_US_MAX) {
        background_wait(store, WAIT_STEP_US);
        waited_us = (io_monotonic_ns(store->env) - begun_ns) / 1000;
        if (atomic_load_explicit(&store->no_space, memory_order_relaxed))
            return STATUS_FAIL(STATUS_NOSPACE);
    }
    stalled(store, waited_us);
    return has_room(store) ? STATUS_DONE : STATUS_FAIL(STATUS_BUSY);
}

status store_admit(struct store *store, size_t batch_bytes)
{
    if (atomic_load_explicit(&store->no_space, memory_order_relaxed)) {
        store_space_check(store);
        if (atomic_load_explicit(&store->no_space, memory_order_relaxed))
            return STATUS_FAIL(STATUS_NOSPACE);
    }
    uint64_t bytes = memory_bytes(store);
    if (bytes <= store->memtable_budget_bytes)
        return STATUS_DONE;
    if (!has_room(store))
        return wait_for_room(store);
    if (store->background.threaded)
        brake(store, bytes - store->memtable_budget_bytes, batch_bytes);
    return STATUS_DONE;
}

void store_space_check(struct store *store)
{
    uint64_t free_bytes;
    if (!store->folder || store->read_only)
        return;
    if (failed(io_free_space(store->env, store->folder, &free_bytes)))
        return;
    atomic_store_explicit(&store->no_space, free_bytes < memory_bytes(store) + SPACE_BYTES_MIN,
                          memory_order_relaxed);
}
