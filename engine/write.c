/*
 * The write path. The record of a batch goes into the log of its home shard, the shard of its first mutation, and
 * its mutations into the memtables of their shards. A small record that its caller wants synced goes into one and the
 * same log whatever its shard, because callers who wait for one log share its syncs. Append and apply happen under the home shard's writer lock, so
 * that a memtable frozen under that lock holds exactly what the log holds before a position. What is logged cannot be taken
 * back: memory to apply it is set aside before, in every shard that it touches, so that a want of memory refuses all of it.
 */
#include <stdlib.h>

#include "engine/store_internal.h"

enum {
    PLAN_FEW = 128, /* mutations of a batch that need no memory of their own */
    FETCH_GROUP =
        16, /* as many misses as a core has under way at a time, and not more than the first cache holds */
    /* Applying less than this takes less time than it takes to tell the disk to begin. */
    PUSH_BYTES_MIN = 4096,
    GROUP_STREAM = 0, /* whose log takes the small synced records of all shards */
};

status store_refuse(struct store *store, status st)
{
    if (st.code == STATUS_OK || st.code == STATUS_NOSPACE || st.code == STATUS_NOMEM ||
        st.code == STATUS_BUSY || st.code == STATUS_LIMIT)
        return st;
    atomic_store(&store->refusing, true);
    st.code = STATUS_CLOSED;
    return st;
}

/* How a batch is to be logged. */
struct intent {
    struct slice payload;
    bool logged;
    struct shard_claim claim; /* enough in whatever shard */
    bool push; /* the caller will wait for the disk: let it begin before the batch is applied */
};

/* Log the batch. *out_segment is at or before the segment where its record begins; 0 when there is no log. Caller holds
 * `writer`. */
static status log_append(struct shard *shard, const struct intent *intent, uint64_t *out_segment)
{
    uint64_t segment = shard->log_end.segment;
    *out_segment = 0;
    if (intent->logged) {
        status st = commitlog_append(shard->log, intent->payload, &shard->log_end);
        if (failed(st))
            return store_refuse(shard->store, st);
        if (intent->push)
            commitlog_push(shard->log);
        *out_segment = segment;
    }
    shard_count_batch(shard, intent->payload.bytes);
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

static status apply_one(struct shard *shard, struct mutation mutation, const struct intent *intent,
                        struct log_position *out_end)
{
    uint64_t segment;
    lock_acquire(&shard->writer);
    shard_pass_gate(shard);
    struct tablet *tablet = shard_find(shard, mutation.table_id);
    status st = tablet ? tablet_open_wide(tablet, intent->claim.partitions) : STATUS_FAIL(STATUS_NOT_FOUND);
    if (ok(st))
        st = shard_set_aside(shard, intent->claim);
    /* What the memtable will look at is on its way while the log takes the record. */
    if (ok(st)) {
        memtable_fetch(tablet->active->memtable, mutation.key, 0);
        st = log_append(shard, intent, &segment);
    }
    if (ok(st)) {
        memtable_fetch(tablet->active->memtable, mutation.key, 1);
        st = apply_logged(tablet, mutation, shard->index, segment);
    }
    *out_end = shard->log_end;
    lock_release(&shard->writer);
    return st;
}

/* Begin a batch that is logged at home and applied elsewhere: tables and log stay as they are until home_leave(). */
static void home_enter(struct shard *home, struct shard_pin *pin)
{
    lock_acquire(&home->writer);
    shard_pass_gate(home);
    shard_pin(home, pin);
    lock_release(&home->writer);
}

static void home_leave(struct shard *home, struct shard_pin *pin)
{
    lock_acquire(&home->writer);
    shard_unpin(home, pin);
    lock_release(&home->writer);
}

static status claim_one(struct shard *shard, struct mutation mutation, const struct intent *intent)
{
    lock_acquire(&shard->writer);
    struct tablet *tablet = shard_find(shard, mutation.table_id);
    status st = tablet ? tablet_open_wide(tablet, intent->claim.partitions) : STATUS_FAIL(STATUS_NOT_FOUND);
    if (ok(st))
        st = shard_claim_take(shard, intent->claim);
    lock_release(&shard->writer);
    return st;
}

/* Log in one shard, apply in another, where it has a claim. */
static status apply_claimed(struct shard *home, struct shard *shard, struct mutation mutation,
                            const struct intent *intent, struct log_position *out_end)
{
    uint64_t segment;
    lock_acquire(&home->writer);
    status st = log_append(home, intent, &segment);
    *out_end = home->log_end;
    lock_release(&home->writer);

    lock_acquire(&shard->writer);
    if (ok(st))
        st = apply_logged(shard_find(shard, mutation.table_id), mutation, home->index, segment);
    shard_claim_drop(shard, intent->claim);
    lock_release(&shard->writer);
    return st;
}

static status apply_logged_elsewhere(struct shard *home, struct shard *shard, struct mutation mutation,
                                     const struct intent *intent, struct log_position *out_end)
{
    struct shard_pin pin;
    home_enter(home, &pin);
    status st = claim_one(shard, mutation, intent);
    if (ok(st))
        st = apply_claimed(home, shard, mutation, intent, out_end);
    home_leave(home, &pin);
    return st;
}

/* ---- several ---- */

/* One mutation of a batch, and where it belongs. */
struct part {
    struct mutation mutation;
    uint32_t shard;
};

/* A batch taken apart once: what follows walks this, under locks, as often as it needs. */
struct plan {
    struct part *parts; /* `few`, or owned */
    uint32_t count;
    uint32_t set;  /* of shards that it touches, as bits */
    uint32_t home; /* the shard of its first mutation */
    struct part few[PLAN_FEW];
};

static void plan_deinit(struct plan *plan)
{
    if (plan->parts != plan->few)
        free(plan->parts);
}

static status plan_fill(const struct store *store, const struct batch *batch, struct plan *plan)
{
    struct reader in = reader_of(buffer_slice(&batch->bytes));
    for (;;) {
        struct part *part = &plan->parts[plan->count];
        struct mutation mutation;
        bool more;
        TRY(mutation_next(&in, &mutation, &more));
        if (!more)
            break;
        if (plan->count == batch->mutation_count)
            return STATUS_FAIL(STATUS_CORRUPT);
        part->mutation = mutation;
        part->shard = shard_of_token(mutation.key.token, store->shard_count);
        plan->set |= UINT32_C(1) << part->shard;
        plan->count++;
    }
    plan->home = plan->parts[0].shard;
    return plan->count == batch->mutation_count ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT);
}

static status plan_init(const struct store *store, const struct batch *batch, struct plan *plan)
{
    plan->parts = plan->few;
    plan->count = plan->set = 0;
    if (batch->mutation_count > PLAN_FEW)
        plan->parts = malloc(batch->mutation_count * sizeof *plan->parts);
    if (!plan->parts)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = plan_fill(store, batch, plan);
    if (failed(st))
        plan_deinit(plan);
    return st;
}

/* Every table of the batch is there, and has a memtable with room for it where `shard` is concerned. Caller holds
 * `writer`. */
static status part_prepare(struct shard *shard, const struct plan *plan, const struct intent *intent)
{
    const struct tablet *opened = NULL;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct part *part = &plan->parts[i];
        struct tablet *tablet = shard_find(shard, part->mutation.table_id);
        if (!tablet)
            return STATUS_FAIL(STATUS_NOT_FOUND);
        if (part->shard != shard->index || tablet == opened)
            continue;
        TRY(tablet_open_wide(tablet, intent->claim.partitions));
        opened = tablet;
    }
    return STATUS_DONE;
}

/* From part `at` on, a handful that belong to `shard`. Gives their number, and in *inout_at where to go on. */
static uint32_t group_gather(const struct plan *plan, const struct shard *shard, uint32_t *inout_at,
                             const struct part **out_group)
{
    uint32_t count = 0;
    for (; *inout_at < plan->count && count < FETCH_GROUP; ++*inout_at)
        if (plan->parts[*inout_at].shard == shard->index)
            out_group[count++] = &plan->parts[*inout_at];
    return count;
}

/*
 * Apply the mutations that belong to `shard`. Caller holds `writer`. What a group of them will touch is fetched level by
 * level before the first is applied: one miss of the cache for a level instead of one for each mutation.
 */
static status part_apply(struct shard *shard, const struct plan *plan, uint32_t stream, uint64_t segment)
{
    const struct part *group[FETCH_GROUP];
    for (uint32_t at = 0, count; (count = group_gather(plan, shard, &at, group)) > 0;) {
        struct tablet *tablets[FETCH_GROUP];
        for (uint32_t i = 0; i < count; i++)
            tablets[i] = shard_find(shard, group[i]->mutation.table_id);
        for (unsigned level = 0; level < MEMTABLE_FETCH_LEVELS; level++)
            for (uint32_t i = 0; i < count; i++)
                memtable_fetch(tablets[i]->active->memtable, group[i]->mutation.key, level);
        for (uint32_t i = 0; i < count; i++)
            TRY(apply_logged(tablets[i], group[i]->mutation, stream, segment));
    }
    return STATUS_DONE;
}

/* What the home shard does. Caller holds its `writer`. */
static status home_write(struct shard *shard, const struct plan *plan, const struct intent *intent,
                         uint64_t *out_segment)
{
    TRY(part_prepare(shard, plan, intent));
    TRY(shard_set_aside(shard, intent->claim));
    TRY(log_append(shard, intent, out_segment));
    return part_apply(shard, plan, shard->index, *out_segment);
}

static status apply_local(struct shard *shard, const struct plan *plan, const struct intent *intent,
                          struct log_position *out_end)
{
    uint64_t segment;
    lock_acquire(&shard->writer);
    shard_pass_gate(shard);
    status st = home_write(shard, plan, intent, &segment);
    *out_end = shard->log_end;
    lock_release(&shard->writer);
    return st;
}

static status part_claim(struct shard *shard, const struct plan *plan, const struct intent *intent)
{
    lock_acquire(&shard->writer);
    status st = part_prepare(shard, plan, intent);
    if (ok(st))
        st = shard_claim_take(shard, intent->claim);
    lock_release(&shard->writer);
    return st;
}

/* All shards but its home, as far as it goes; *out_claimed says in which, as bits. */
static status parts_claim(struct store *store, const struct plan *plan, const struct intent *intent,
                          uint32_t *out_claimed)
{
    *out_claimed = 0;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        if (i == plan->home || !(plan->set & UINT32_C(1) << i))
            continue;
        TRY(part_claim(&store->shards[i], plan, intent));
        *out_claimed |= UINT32_C(1) << i;
    }
    return STATUS_DONE;
}

/* The rest of a batch, where it has claims; after a failure, `st`, it gives them up. */
static status parts_apply(struct store *store, const struct plan *plan, const struct intent *intent,
                          uint32_t claimed, uint64_t segment, status st)
{
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        if (!(claimed & UINT32_C(1) << i))
            continue;
        lock_acquire(&shard->writer);
        if (ok(st))
            st = part_apply(shard, plan, plan->home, segment);
        shard_claim_drop(shard, intent->claim);
        lock_release(&shard->writer);
    }
    return st;
}

static status apply_across(struct store *store, const struct plan *plan, const struct intent *intent,
                           struct log_position *out_end)
{
    struct shard *home = &store->shards[plan->home];
    struct shard_pin pin;
    uint64_t segment = 0;
    uint32_t claimed;
    home_enter(home, &pin);
    status st = parts_claim(store, plan, intent, &claimed);
    if (ok(st)) {
        lock_acquire(&home->writer);
        st = home_write(home, plan, intent, &segment);
        *out_end = home->log_end;
        lock_release(&home->writer);
    }
    st = parts_apply(store, plan, intent, claimed, segment, st);
    home_leave(home, &pin);
    return st;
}

static status apply_several(struct store *store, const struct batch *batch, const struct intent *intent,
                            uint32_t *out_home, struct log_position *out_end)
{
    struct plan plan;
    TRY(plan_init(store, batch, &plan));
    status st = plan.set & (plan.set - 1) ? apply_across(store, &plan, intent, out_end)
                                          : apply_local(&store->shards[plan.home], &plan, intent, out_end);
    *out_home = plan.home;
    plan_deinit(&plan);
    return st;
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
    TRY(store_admit(store, payload));

    if (durability == DURABILITY_DEFAULT)
        durability = store->durability;
    struct intent intent = {
        .payload = payload,
        .claim = {.bytes = memtable_reserve_bytes(batch->mutation_count, batch->part_count, payload.bytes),
                  .partitions = batch->mutation_count},
        .logged = durability != DURABILITY_NONE && store->shards[0].log,
        .push = durability == DURABILITY_DURABLE && payload.bytes >= PUSH_BYTES_MIN,
    };
    if (batch->mutation_count == 1) {
        struct reader in = reader_of(payload);
        struct mutation mutation;
        bool more;
        TRY(mutation_next(&in, &mutation, &more));
        home = shard_of_token(mutation.key.token, store->shard_count);
        struct shard *shard = &store->shards[home];
        bool grouped =
            intent.logged && durability == DURABILITY_DURABLE && !intent.push && home != GROUP_STREAM;
        if (grouped)
            home = GROUP_STREAM;
        TRY(grouped ? apply_logged_elsewhere(&store->shards[home], shard, mutation, &intent, &end)
                    : apply_one(shard, mutation, &intent, &end));
    } else {
        TRY(apply_several(store, batch, &intent, &home, &end));
    }
    if (intent.logged)
        background_log_dirty(store);
    if (store_memory_high(store))
        background_kick(store);
    *out_ticket = (struct store_ticket){0};
    if (intent.logged && durability == DURABILITY_DURABLE)
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
