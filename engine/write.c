/*
 * The write path. The record of a batch goes into the log of its home shard, the shard of its first mutation, and
 * its mutations into the memtables of their shards. Append and apply happen under the home shard's writer lock, so
 * that a memtable frozen under that lock holds exactly what the log holds before a position.
 */
#include "engine/store_internal.h"

status store_refuse(struct store *store, status st)
{
    if (st.code == STATUS_OK || st.code == STATUS_NOSPACE || st.code == STATUS_NOMEM ||
        st.code == STATUS_BUSY || st.code == STATUS_LIMIT)
        return st;
    atomic_store(&store->refusing, true);
    st.code = STATUS_CLOSED;
    return st;
}

/* Log the batch. *out_segment is at or before the segment where its record begins; 0 when there is no log. */
static status log_append(struct shard *shard, struct slice payload, bool logged, uint64_t *out_segment)
{
    *out_segment = 0;
    if (!logged)
        return STATUS_DONE;
    uint64_t segment = shard->log_end.segment;
    status st = commitlog_append(shard->log, payload, &shard->log_end);
    if (failed(st))
        return store_refuse(shard->store, st);
    *out_segment = segment;
    return STATUS_DONE;
}

/* The record is in the log: a failure to apply it cannot be taken back. */
static status apply_logged(struct tablet *tablet, struct mutation mutation, uint32_t stream, uint64_t segment)
{
    status st = tablet_apply(tablet, mutation, stream, segment);
    if (failed(st)) {
        atomic_store(&tablet->shard->store->refusing, true);
        st.code = STATUS_CLOSED;
    }
    return st;
}

/* ---- one mutation ---- */

static status apply_one(struct shard *shard, struct mutation mutation, struct slice payload, bool logged,
                        struct log_position *out_end)
{
    uint64_t segment;
    lock_acquire(&shard->writer);
    shard_pass_gate(shard);
    struct tablet *tablet = shard_find(shard, mutation.table_id);
    status st = tablet ? tablet_open_active(tablet) : STATUS_FAIL(STATUS_NOT_FOUND);
    if (ok(st))
        st = log_append(shard, payload, logged, &segment);
    if (ok(st))
        st = apply_logged(tablet, mutation, shard->index, segment);
    *out_end = shard->log_end;
    lock_release(&shard->writer);
    return st;
}

/* ---- several ---- */

/* The shards that a batch touches, as a set of bits, and the shard of its first mutation. */
static status batch_shards(const struct store *store, struct slice payload, uint32_t *out_set,
                           uint32_t *out_home)
{
    struct reader in = reader_of(payload);
    struct mutation mutation;
    bool more;
    *out_set = 0;
    for (;;) {
        TRY(mutation_next(&in, &mutation, &more));
        if (!more)
            return STATUS_DONE;
        uint32_t shard = shard_of_token(mutation.key.token, store->shard_count);
        if (!*out_set)
            *out_home = shard;
        *out_set |= UINT32_C(1) << shard;
    }
}

/* Every table of the batch is there, and has a memtable where `shard` is concerned. Caller holds `writer`. */
static status part_prepare(struct shard *shard, struct slice payload)
{
    struct reader in = reader_of(payload);
    struct mutation mutation;
    bool more;
    for (;;) {
        TRY(mutation_next(&in, &mutation, &more));
        if (!more)
            return STATUS_DONE;
        struct tablet *tablet = shard_find(shard, mutation.table_id);
        if (!tablet)
            return STATUS_FAIL(STATUS_NOT_FOUND);
        if (shard_of_token(mutation.key.token, shard->store->shard_count) == shard->index)
            TRY(tablet_open_active(tablet));
    }
}

/* Apply the mutations that belong to `shard`. Caller holds `writer`. */
static status part_apply(struct shard *shard, struct slice payload, uint32_t stream, uint64_t segment)
{
    struct reader in = reader_of(payload);
    struct mutation mutation;
    bool more;
    for (;;) {
        TRY(mutation_next(&in, &mutation, &more));
        if (!more)
            return STATUS_DONE;
        if (shard_of_token(mutation.key.token, shard->store->shard_count) != shard->index)
            continue;
        TRY(apply_logged(shard_find(shard, mutation.table_id), mutation, stream, segment));
    }
}

static status apply_local(struct shard *shard, struct slice payload, bool logged,
                          struct log_position *out_end)
{
    uint64_t segment;
    lock_acquire(&shard->writer);
    shard_pass_gate(shard);
    status st = part_prepare(shard, payload);
    if (ok(st))
        st = log_append(shard, payload, logged, &segment);
    if (ok(st))
        st = part_apply(shard, payload, shard->index, segment);
    *out_end = shard->log_end;
    lock_release(&shard->writer);
    return st;
}

/* The rest of a batch in another shard. Its home's pin keeps tables and log as they are. */
static status apply_elsewhere(struct shard *shard, struct slice payload, uint32_t stream, uint64_t segment)
{
    lock_acquire(&shard->writer);
    status st = part_prepare(shard, payload);
    if (ok(st)) {
        st = part_apply(shard, payload, stream, segment);
    } else {
        atomic_store(&shard->store->refusing, true);
        st.code = STATUS_CLOSED;
    }
    lock_release(&shard->writer);
    return st;
}

static status apply_across(struct store *store, struct slice payload, uint32_t set, uint32_t home_index,
                           bool logged, struct log_position *out_end)
{
    struct shard *home = &store->shards[home_index];
    struct shard_pin pin;
    uint64_t segment;
    lock_acquire(&home->writer);
    shard_pass_gate(home);
    shard_pin(home, &pin);
    status st = part_prepare(home, payload);
    if (ok(st))
        st = log_append(home, payload, logged, &segment);
    if (ok(st))
        st = part_apply(home, payload, home_index, segment);
    *out_end = home->log_end;
    lock_release(&home->writer);

    for (uint32_t i = 0; ok(st) && i < store->shard_count; i++)
        if (i != home_index && set & UINT32_C(1) << i)
            st = apply_elsewhere(&store->shards[i], payload, home_index, segment);

    lock_acquire(&home->writer);
    shard_unpin(home, &pin);
    lock_release(&home->writer);
    return st;
}

static status apply_several(struct store *store, struct slice payload, bool logged, uint32_t *out_home,
                            struct log_position *out_end)
{
    uint32_t set;
    TRY(batch_shards(store, payload, &set, out_home));
    if (set & (set - 1))
        return apply_across(store, payload, set, *out_home, logged, out_end);
    return apply_local(&store->shards[*out_home], payload, logged, out_end);
}

status store_apply_deferred(struct store *store, const struct batch *batch, enum durability durability,
                            struct store_ticket *out_ticket)
{
    struct slice payload = buffer_slice(&batch->bytes);
    struct log_position end = {0};
    uint32_t home = 0;
    if (store->read_only || atomic_load_explicit(&store->refusing, memory_order_relaxed))
        return STATUS_FAIL(STATUS_CLOSED);
    TRY(batch_status(batch));
    if (batch->mutation_count == 0 || batch->open_at)
        return STATUS_FAIL(STATUS_INVALID);
    if (payload.bytes > STORE_BATCH_BYTES_MAX)
        return STATUS_FAIL(STATUS_LIMIT);
    TRY(store_admit(store, payload.bytes));

    if (durability == DURABILITY_DEFAULT)
        durability = store->durability;
    bool logged = durability != DURABILITY_NONE && store->shards[0].log;
    if (batch->mutation_count == 1) {
        struct reader in = reader_of(payload);
        struct mutation mutation;
        bool more;
        TRY(mutation_next(&in, &mutation, &more));
        home = shard_of_token(mutation.key.token, store->shard_count);
        TRY(apply_one(&store->shards[home], mutation, payload, logged, &end));
    } else {
        TRY(apply_several(store, payload, logged, &home, &end));
    }
    atomic_fetch_add_explicit(&store->batch_bytes, payload.bytes, memory_order_relaxed);
    if (logged)
        background_log_dirty(store);
    if (store_memory_high(store))
        background_kick(store);
    *out_ticket = (struct store_ticket){0};
    if (logged && durability == DURABILITY_DURABLE)
        *out_ticket = (struct store_ticket){.shard = home, .segment = end.segment, .offset = end.offset};
    return STATUS_DONE;
}

status store_wait(struct store *store, struct store_ticket ticket)
{
    if (!ticket.segment)
        return STATUS_DONE;
    struct log_position end = {.segment = ticket.segment, .offset = ticket.offset};
    return store_refuse(store, commitlog_sync(store->shards[ticket.shard].log, end));
}

status store_apply(struct store *store, const struct batch *batch, enum durability durability)
{
    struct store_ticket ticket;
    TRY(store_apply_deferred(store, batch, durability, &ticket));
    return store_wait(store, ticket);
}

status store_sync_logs(struct store *store)
{
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        if (!shard->log)
            continue;
        lock_acquire(&shard->writer);
        struct log_position end = shard->log_end;
        lock_release(&shard->writer);
        if (log_position_compare(end, commitlog_durable(shard->log)) <= 0)
            continue;
        TRY(store_refuse(store, commitlog_sync(shard->log, end)));
    }
    return STATUS_DONE;
}

status store_sync(struct store *store)
{
    if (store->read_only)
        return STATUS_DONE;
    if (atomic_load(&store->refusing))
        return STATUS_FAIL(STATUS_CLOSED);
    return store_sync_logs(store);
}
