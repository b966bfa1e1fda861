/*
 * Memory and disk pressure. Half the budget may lie in active memtables before the largest is frozen; the rest is
 * room for what waits for its flush. From three quarters of the budget on writers are braked by the byte. The delay
 * begins at nothing and grows with the square of what is too much, so that it finds the pace of the flush by itself,
 * close to the budget, and is never stop and go. At twice the budget writers wait. Compaction that is far behind brakes
 * them in the same way, long before reads have to look into too many files; it never stops them.
 */
#include "engine/store_internal.h"

enum {
    WAIT_US_MAX = 5000000,
    WAIT_STEP_US = 2000,
    /* A sleep shorter than this costs more than it says. */
    BRAKE_NS_MIN = 100000,
    /* Delay per byte when memory stands at twice the budget. At the budget it is a twenty-fifth of that: what a fast
     * flush needs. */
    BRAKE_NS_PER_BYTE = 100,
    BRAKE_STEPS = 1 << 10, /* in which the excess is measured */
    /* Bytes that compaction may be behind, in budgets of the memtables, and at least: each is rewritten a few times. */
    BACKLOG_BUDGETS = 64,
    BACKLOG_BYTES_MIN = 1 << 30,
    /* Touched memory that lies ready while memtables grow; the background looks every few milliseconds. */
    SLABS_AHEAD = 4,
    /* Room on the disk beyond what memory holds, for manifest and log; and what of it deletions may use, because
     * without them a full disk may never get emptier. */
    SPACE_BYTES_MIN = 512 << 10,
    SPACE_BYTES_FOR_DELETIONS = 384 << 10,
};

void store_memory_add(struct store *store, int64_t bytes, int64_t frozen_bytes)
{
    if (bytes)
        atomic_fetch_add_explicit(&store->memory_bytes, bytes, memory_order_relaxed);
    if (frozen_bytes)
        atomic_fetch_add_explicit(&store->frozen_memory_bytes, frozen_bytes, memory_order_relaxed);
}

/* A store whose memtables are small takes no slabs. */
bool store_memory_prepare(struct store *store)
{
    return atomic_load_explicit(&store->slabs.taken, memory_order_relaxed) &&
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

/* From here on writers are braked. */
static uint64_t brake_begin(uint64_t budget_bytes)
{
    return budget_bytes - budget_bytes / 4;
}

/* On a full disk compaction may be what makes room. */
bool store_flush_is_urgent(const struct store *store)
{
    return memory_bytes(store) > brake_begin(store->memtable_budget_bytes) &&
           atomic_load_explicit(&store->frozen_memory_bytes, memory_order_relaxed) > 0 &&
           !atomic_load_explicit(&store->no_space, memory_order_relaxed);
}

bool store_memory_over(const struct store *store)
{
    return memory_bytes(store) > store->memtable_budget_bytes;
}

/* Who was held back pays with a sleep, so there is time to find the table. */
static void stalled(struct store *store, struct slice payload, int64_t us)
{
    struct reader in = reader_of(payload);
    struct mutation mutation;
    bool more;
    atomic_fetch_add_explicit(&store->stalls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->stall_us, (uint64_t)us, memory_order_relaxed);
    if (failed(mutation_next(&in, &mutation, &more)) || !more)
        return;
    uint32_t shard = shard_of_token(mutation.key.token, store->shard_count);
    struct tablet *tablet = shard_find_ref(&store->shards[shard], mutation.table_id);
    if (!tablet)
        return;
    atomic_fetch_add_explicit(&tablet->stalls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&tablet->stall_us, (uint64_t)us, memory_order_relaxed);
    tablet_unref(tablet);
}

uint64_t pressure_delay_ns(uint64_t memory_bytes, uint64_t budget_bytes, size_t batch_bytes)
{
    uint64_t begin = brake_begin(budget_bytes), end = 2 * budget_bytes;
    if (memory_bytes <= begin)
        return 0;
    uint64_t excess = (memory_bytes < end ? memory_bytes : end) - begin;
    uint64_t share = excess * BRAKE_STEPS / (end - begin);
    return batch_bytes * BRAKE_NS_PER_BYTE * share / BRAKE_STEPS * share / BRAKE_STEPS;
}

/* Delays are saved up until one is worth a sleep. */
static void brake(struct store *store, struct slice payload, uint64_t delay_ns)
{
    uint64_t owed = atomic_fetch_add_explicit(&store->brake_ns, delay_ns, memory_order_relaxed);
    if (owed < BRAKE_NS_MIN)
        return;
    owed = atomic_exchange_explicit(&store->brake_ns, 0, memory_order_relaxed);
    if (owed < BRAKE_NS_MIN)
        return; /* another writer took the debt */
    int64_t us = (int64_t)(owed / 1000);
    stalled(store, payload, us > WAIT_STEP_US ? WAIT_STEP_US : us);
    io_sleep_us(store->env, us > WAIT_STEP_US ? WAIT_STEP_US : us);
}

static bool has_room(const struct store *store)
{
    return memory_bytes(store) < 2 * store->memtable_budget_bytes;
}

/* With the background by hand nobody else makes room. */
static status make_room(struct store *store)
{
    bool did = true, room;
    while (!(room = has_room(store)) && did)
        TRY(background_work_step(store, &did));
    return room ? STATUS_DONE : STATUS_FAIL(STATUS_BUSY);
}

/* Room that was seen counts, though others may take it at once: each lets in what it has waited with, and no more. */
static status wait_for_room(struct store *store, struct slice payload)
{
    if (!store->background.threaded)
        return make_room(store);
    int64_t begun_ns = io_monotonic_ns(store->env), waited_us = 0;
    bool room;
    while (!(room = has_room(store)) && waited_us < WAIT_US_MAX) {
        background_wait(store, WAIT_STEP_US);
        waited_us = (io_monotonic_ns(store->env) - begun_ns) / 1000;
        if (atomic_load_explicit(&store->no_space, memory_order_relaxed))
            return STATUS_FAIL(STATUS_NOSPACE);
    }
    stalled(store, payload, waited_us);
    return room ? STATUS_DONE : STATUS_FAIL(STATUS_BUSY);
}

/* What the disk has beyond what memory holds; INT64_MAX when that cannot be told. */
static int64_t space_left(const struct store *store)
{
    uint64_t free_bytes;
    if (!store->folder || store->read_only || failed(io_free_space(store->env, store->folder, &free_bytes)) ||
        free_bytes > INT64_MAX)
        return INT64_MAX;
    return (int64_t)free_bytes - (int64_t)memory_bytes(store);
}

static status row_only_deletes(struct slice image, bool *out_only)
{
    struct row_reader row;
    struct cell cell;
    TRY(row_open(image, &row));
    *out_only = row.marker.timestamp == TIMESTAMP_NONE;
    for (bool more = true; *out_only;) {
        TRY(row_next_cell(&row, &cell, &more));
        if (!more)
            break;
        *out_only = cell_is_tombstone(&cell);
    }
    return STATUS_DONE;
}

/* Nothing in the batch but deletions. It is asked on a full disk only. */
static status batch_only_deletes(struct slice payload, bool *out_only)
{
    struct reader in = reader_of(payload);
    *out_only = true;
    for (bool more_mutations = true;;) {
        struct mutation mutation;
        struct mutation_part part;
        TRY(mutation_next(&in, &mutation, &more_mutations));
        if (!more_mutations)
            return STATUS_DONE;
        for (bool more = true; *out_only;) {
            TRY(mutation_next_part(&mutation, &part, &more));
            if (!more)
                break;
            if (part.kind == MUTATION_ROW || part.kind == MUTATION_STATIC)
                TRY(row_only_deletes(part.image, out_only));
        }
    }
}

/* The disk is full: nothing but deletions goes on, as long as their reserve lasts. */
static status admit_without_space(struct store *store, struct slice payload)
{
    bool only = false;
    store_space_check(store);
    if (!atomic_load_explicit(&store->no_space, memory_order_relaxed))
        return STATUS_DONE;
    TRY(batch_only_deletes(payload, &only));
    bool allowed = only && space_left(store) >= SPACE_BYTES_MIN - SPACE_BYTES_FOR_DELETIONS;
    return allowed ? STATUS_DONE : STATUS_FAIL(STATUS_NOSPACE);
}

static uint64_t backlog_delay_ns(const struct store *store, size_t batch_bytes)
{
    uint64_t behind = atomic_load_explicit(&store->backlog_bytes, memory_order_relaxed);
    uint64_t most = BACKLOG_BUDGETS * store->memtable_budget_bytes;
    most = most < BACKLOG_BYTES_MIN ? BACKLOG_BYTES_MIN : most;
    return pressure_delay_ns(behind < 2 * most ? behind : 2 * most, most, batch_bytes);
}

status store_admit(struct store *store, struct slice payload)
{
    if (atomic_load_explicit(&store->no_space, memory_order_relaxed))
        TRY(admit_without_space(store, payload));
    uint64_t bytes = memory_bytes(store);
    uint64_t delay_ns = pressure_delay_ns(bytes, store->memtable_budget_bytes, payload.bytes) +
                        backlog_delay_ns(store, payload.bytes);
    if (!delay_ns)
        return STATUS_DONE;
    if (!has_room(store))
        return wait_for_room(store, payload);
    if (store->background.threaded)
        brake(store, payload, delay_ns);
    return STATUS_DONE;
}

void store_space_check(struct store *store)
{
    atomic_store_explicit(&store->no_space, space_left(store) < SPACE_BYTES_MIN, memory_order_relaxed);
}
