/*
 * coalesce.c: a snapshot freezes a memtable, whatever little is in it. Who takes many of them would wait for as many flushes;
 * instead small frozen memtables wait as the active one does, for memory or log to run short, and when there are many in a
 * row they are copied into one. What a snapshot still has of them stays as it is.
 */
#include "engine/store_internal.h"

enum {
    /* All that is copied into one: a fraction of a millisecond. */
    COALESCE_BYTES = 32 << 10,
    /* Memtables that wait may take this part of the memory of all. */
    LAZY_PART = 8,
};

bool tablet_flush_is_needed(const struct tablet *tablet)
{
    const struct store *store = tablet->shard->store;
    bool lazy = atomic_load_explicit(&store->frozen_memory_bytes, memory_order_relaxed) <=
                (int64_t)(store->memtable_budget_bytes / LAZY_PART);
    for (uint32_t i = 0; lazy && i < tablet->frozen_count; i++)
        lazy = atomic_load_explicit(&tablet->frozen[i]->lazy, memory_order_relaxed);
    return tablet->frozen_count && !lazy;
}

void write_buffer_set_lazy(struct write_buffer *buffer)
{
    atomic_store_explicit(&buffer->lazy, buffer->bytes <= COALESCE_BYTES, memory_order_relaxed);
}

/* ---- copying ---- */

static void mutation_begin(struct batch *batch, uint64_t table_id, const struct partition_view *view)
{
    batch_begin(batch, table_id, view->key);
    if (view->deletion.timestamp != TIMESTAMP_NONE)
        batch_delete_partition(batch, view->deletion);
    for (uint32_t i = 0; i < view->ranges.count; i++)
        batch_delete_range(batch, view->ranges.items[i]);
    if (view->static_image.bytes)
        batch_static(batch, view->static_image);
}

static status partition_copy(struct cursor *from, struct memtable *to, struct batch *batch)
{
    struct mutation mutation;
    bool more;
    batch_clear(batch);
    mutation_begin(batch, 0, &from->partition);
    for (;;) {
        TRY(cursor_next(from));
        if (!from->on_row)
            break;
        batch_row(batch, from->row.clustering, from->row.image);
    }
    batch_end(batch);
    TRY(batch_status(batch));
    struct reader in = reader_of(buffer_slice(&batch->bytes));
    TRY(mutation_next(&in, &mutation, &more));
    return more ? memtable_apply(to, mutation) : STATUS_DONE;
}

static status memtable_copy(struct memtable *from, struct memtable *to)
{
    struct batch batch = {0};
    struct cursor *cursor;
    TRY(memtable_cursor_open(from, false, &cursor));
    status st;
    do {
        st = cursor_next_partition(cursor);
        if (failed(st) || !cursor->on_partition)
            break;
        st = partition_copy(cursor, to, &batch);
    } while (ok(st));
    cursor_close(cursor);
    batch_deinit(&batch);
    return st;
}

/* ---- the tablet ---- */

/* The newest frozen memtables that are small together. Whoever holds `edit` may look at them without counting: nobody takes
 * one away meanwhile. */
struct run {
    struct write_buffer *buffers[FROZEN_MAX]; /* borrowed; oldest first */
    uint32_t at, count;
};

static struct run small_run(struct tablet *tablet)
{
    struct run run = {0};
    size_t bytes = 0;
    lock_acquire(&tablet->shard->versions);
    run.at = tablet->frozen_count;
    while (run.at > 0 && bytes + tablet->frozen[run.at - 1]->bytes <= COALESCE_BYTES)
        bytes += tablet->frozen[--run.at]->bytes;
    for (uint32_t i = run.at; i < tablet->frozen_count; i++)
        run.buffers[run.count++] = tablet->frozen[i];
    lock_release(&tablet->shard->versions);
    return run;
}

void tablet_flush_soon(struct tablet *tablet, uint32_t count)
{
    lock_acquire(&tablet->shard->versions);
    for (uint32_t i = 0; i < count && i < tablet->frozen_count; i++)
        atomic_store_explicit(&tablet->frozen[i]->lazy, false, memory_order_relaxed);
    lock_release(&tablet->shard->versions);
}

static void log_needs_take(struct write_buffer *into, const struct write_buffer *from)
{
    for (uint32_t i = 0; i < SHARDS_MAX; i++) {
        uint64_t segment = from->first_segments[i];
        if (segment && (!into->first_segments[i] || segment < into->first_segments[i]))
            into->first_segments[i] = segment;
        into->floors[i] = from->floors[i]; /* the newest comes last */
    }
}

status tablet_coalesce(struct tablet *tablet)
{
    struct run run = small_run(tablet);
    struct write_buffer *one;
    tablet_flush_soon(tablet, run.at); /* or there will be no room again soon */
    if (run.count < 2)
        return STATUS_DONE;
    TRY(write_buffer_new(tablet->shard->store, &one));
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && i < run.count; i++) {
        st = memtable_copy(run.buffers[i]->memtable, one->memtable);
        log_needs_take(one, run.buffers[i]);
    }
    memtable_freeze(one->memtable);
    one->bytes = memtable_bytes(one->memtable);
    write_buffer_set_lazy(one);
    if (ok(st))
        st = tablet_exchange_frozen(tablet, run.at, run.count, one);
    if (failed(st))
        write_buffer_unref(one);
    return st;
}
