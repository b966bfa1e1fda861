/*
 * Changes of tables, snapshots and properties: one manifest record, then the same in memory.
 *
 * The changes of a call are first taken apart into steps: a snapshot is a copy of each of its tables under a new number
 * that nobody writes to, and to restore it is to copy these back. So there is one way to copy a table: freeze its memtables
 * and let the copy have them and the SSTables too.
 *
 * What throws away or copies data closes the gates of all shards first and records for every shard and stream how far the
 * log had come: replay gives what is older to who had it then and to nobody else.
 */
#include <stdlib.h>

#include "engine/job_internal.h"
#include "engine/store_internal.h"

enum {
    BUSY_RETRIES = 8,
    SOURCES_MAX = 8, /* of a table, beyond which what it has in memory is flushed soon */
};

struct step {
    enum store_change_kind kind;
    const struct store_change *change;  /* borrowed */
    uint64_t table_id;                  /* 0: not of one table */
    uint64_t source_id;                 /* COPY */
    bool whole;                         /* COPY: options and properties too */
    struct tablet *tablets[SHARDS_MAX]; /* CREATE, COPY: owned until the shards take them */
};

/* The steps of one call. */
struct plan {
    struct step *steps; /* owned */
    uint32_t count, capacity;
    struct log_position ends[SHARDS_MAX]; /* by stream: where the log stood when the gates were closed */
    bool busy; /* has too many memtables to freeze another: it must be flushed first */
};

uint64_t store_new_table_id(struct store *store)
{
    lock_acquire(&store->edit);
    uint64_t id = store->next_table++;
    lock_release(&store->edit);
    return id;
}

/* ---- taking apart and checking ---- */

static status step_add(struct plan *plan, struct step step)
{
    if (plan->count == plan->capacity) {
        uint32_t wanted = plan->capacity ? plan->capacity * 2 : 8;
        struct step *grown = realloc(plan->steps, wanted * sizeof *grown);
        if (!grown)
            return STATUS_FAIL(STATUS_NOMEM);
        plan->steps = grown;
        plan->capacity = wanted;
    }
    plan->steps[plan->count++] = step;
    return STATUS_DONE;
}

/* Caller holds `edit`. */
static void plan_deinit(struct plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++)
        for (uint32_t j = 0; j < SHARDS_MAX; j++) {
            if (plan->steps[i].tablets[j])
                tablet_clear(plan->steps[i].tablets[j], true); /* it may have been made a copy */
            tablet_unref(plan->steps[i].tablets[j]);
        }
    free(plan->steps);
}

/* Whether a table that may be changed is there after the steps so far. */
static bool table_exists(const struct store *store, const struct plan *plan, uint64_t table_id)
{
    const struct manifest_table *table = manifest_find(&store->state, table_id);
    bool exists = table && !table->sealed;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->table_id == table_id)
            exists = step->kind != STORE_DROP_TABLE;
    }
    return exists;
}

static bool snapshot_exists(const struct store *store, const struct plan *plan, struct slice name)
{
    bool exists = manifest_find_snapshot(&store->state, name) != NULL;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        bool about_it = step->kind == STORE_CREATE_SNAPSHOT || step->kind == STORE_DROP_SNAPSHOT;
        if (about_it && slice_equal(step->change->name, name))
            exists = step->kind == STORE_CREATE_SNAPSHOT;
    }
    return exists;
}

/* What is copied is the content from before the call: a step before this one must not have changed it. */
static bool source_untouched(const struct plan *plan, const struct manifest_table *source)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->table_id == source->id || (source->sealed && step->kind == STORE_DROP_SNAPSHOT))
            return false;
    }
    return true;
}

static status copy_add(struct store *store, struct plan *plan, const struct store_change *change,
                       uint64_t table_id, uint64_t source_id, bool whole)
{
    const struct manifest_table *source = manifest_find(&store->state, source_id);
    if (!source)
        return STATUS_FAIL(STATUS_NOT_FOUND);
    if (table_id == source_id || !source_untouched(plan, source))
        return STATUS_FAIL(STATUS_INVALID);
    struct step step = {.kind = STORE_COPY_TABLE,
                        .change = change,
                        .table_id = table_id,
                        .source_id = source_id,
                        .whole = whole};
    return step_add(plan, step);
}

static status create_table_add(struct store *store, struct plan *plan, const struct store_change *change)
{
    if (table_exists(store, plan, change->table_id))
        return STATUS_FAIL(STATUS_EXISTS);
    bool given_out = change->table_id && change->table_id < store->next_table;
    /* A number that was used before must not name another table: the log may still hold its old one's writes. */
    if (!given_out || change->table_id < store->state.next_table)
        return STATUS_FAIL(STATUS_INVALID);
    struct step step = {.kind = change->kind, .change = change, .table_id = change->table_id};
    return step_add(plan, step);
}

static status create_snapshot_add(struct store *store, struct plan *plan, const struct store_change *change)
{
    if (change->name.bytes == 0)
        return STATUS_FAIL(STATUS_INVALID);
    if (snapshot_exists(store, plan, change->name))
        return STATUS_FAIL(STATUS_EXISTS);
    for (uint32_t i = 0; i < change->table_count; i++) {
        if (!table_exists(store, plan, change->tables[i]))
            return STATUS_FAIL(STATUS_NOT_FOUND);
        TRY(copy_add(store, plan, change, store->next_table++, change->tables[i], true));
    }
    return step_add(plan, (struct step){.kind = change->kind, .change = change});
}

static status restore_snapshot_add(struct store *store, struct plan *plan, const struct store_change *change)
{
    const struct manifest_snapshot *snapshot = manifest_find_snapshot(&store->state, change->name);
    if (!snapshot)
        return STATUS_FAIL(STATUS_NOT_FOUND);
    for (uint32_t i = 0; i < snapshot->copy_count; i++)
        TRY(copy_add(store, plan, change, snapshot->copies[i].table_id, snapshot->copies[i].copy_id, true));
    return STATUS_DONE;
}

static status change_add(struct store *store, struct plan *plan, const struct store_change *change)
{
    struct step step = {.kind = change->kind, .change = change};
    switch (change->kind) {
    case STORE_CREATE_TABLE: return create_table_add(store, plan, change);
    case STORE_ALTER_TABLE:
    case STORE_DROP_TABLE:
    case STORE_TRUNCATE_TABLE:
    case STORE_COPY_TABLE:
        if (!table_exists(store, plan, change->table_id))
            return STATUS_FAIL(STATUS_NOT_FOUND);
        if (change->kind == STORE_COPY_TABLE)
            return copy_add(store, plan, change, change->table_id, change->source_id, false);
        step.table_id = change->table_id;
        return step_add(plan, step);
    case STORE_SET_PROPERTY: return change->name.bytes ? step_add(plan, step) : STATUS_FAIL(STATUS_INVALID);
    case STORE_CREATE_SNAPSHOT: return create_snapshot_add(store, plan, change);
    case STORE_RESTORE_SNAPSHOT: return restore_snapshot_add(store, plan, change);
    case STORE_DROP_SNAPSHOT:
        return snapshot_exists(store, plan, change->name) ? step_add(plan, step)
                                                          : STATUS_FAIL(STATUS_NOT_FOUND);
    }
    return STATUS_FAIL(STATUS_INVALID);
}

/* ---- before the edit ---- */

static const struct store_table_options *options_of(const struct store *store, const struct plan *plan,
                                                    const struct step *step)
{
    if (step->kind == STORE_CREATE_TABLE)
        return &step->change->options;
    if (step->whole)
        return &manifest_find(&store->state, step->source_id)->options;
    const struct manifest_table *table = manifest_find(&store->state, step->table_id);
    const struct store_table_options *options = table ? &table->options : NULL;
    for (const struct step *before = plan->steps; before != step; before++)
        if (before->table_id == step->table_id &&
            (before->kind == STORE_CREATE_TABLE || before->kind == STORE_ALTER_TABLE))
            options = &before->change->options;
    return options;
}

/* Everything that needs memory is made before the edit is written. */
static status tablets_make(struct store *store, struct plan *plan)
{
    for (uint32_t i = 0; i < store->shard_count; i++)
        TRY(shard_reserve(&store->shards[i], plan->count));
    for (uint32_t i = 0; i < plan->count; i++) {
        struct step *step = &plan->steps[i];
        if (step->kind != STORE_CREATE_TABLE && step->kind != STORE_COPY_TABLE)
            continue;
        struct store_table_options options = *options_of(store, plan, step);
        bool sealed = step->kind == STORE_COPY_TABLE && step->change->kind == STORE_CREATE_SNAPSHOT;
        for (uint32_t j = 0; j < store->shard_count; j++) {
            TRY(tablet_new(&store->shards[j], step->table_id, &options, &step->tablets[j]));
            if (sealed)
                tablet_seal(step->tablets[j]);
        }
    }
    return STATUS_DONE;
}

static void ends_read(struct store *store, struct plan *plan)
{
    for (uint32_t i = 0; i < store->shard_count; i++) {
        lock_acquire(&store->shards[i].writer);
        plan->ends[i] = store->shards[i].log_end;
        lock_release(&store->shards[i].writer);
    }
}

/* Freeze the active memtables of what is copied. The gates are closed: no batch is on its way. */
static status sources_freeze(struct store *store, struct plan *plan, const struct step *step)
{
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        struct write_buffer *frozen = NULL;
        lock_acquire(&shard->writer);
        struct tablet *tablet = shard_find(shard, step->source_id);
        if (tablet)
            st = tablet_freeze(tablet, plan->ends, &frozen);
        if (frozen)
            write_buffer_set_lazy(frozen);
        lock_release(&shard->writer);
        write_buffer_unref(frozen);
    }
    plan->busy = st.code == STATUS_BUSY;
    return st;
}

/* Nothing but the copies' own tablets changes, so this can be undone. */
static status copies_make(struct store *store, struct step *step)
{
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && i < store->shard_count; i++) {
        struct tablet *from = shard_find_ref(&store->shards[i], step->source_id);
        if (from)
            st = tablet_copy(step->tablets[i], from);
        tablet_unref(from);
    }
    return st;
}

/* The shards, as a set of bits, where the table has memtables. */
static uint32_t pending_shards(struct store *store, uint64_t table_id)
{
    uint32_t pending = 0;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        lock_acquire(&shard->versions);
        struct tablet *tablet = shard_find(shard, table_id);
        if (tablet && tablet->frozen_count)
            pending |= UINT32_C(1) << i;
        lock_release(&shard->versions);
    }
    return pending;
}

static void snapshot_encode(struct store *store, const struct step *step, struct buffer *edit)
{
    uint32_t count = step->change->table_count;
    struct manifest_snapshot snapshot = {.name = step->change->name,
                                         .properties = step->change->properties,
                                         .created_us = io_now_us(store->env),
                                         .copy_count = count};
    snapshot.copies = calloc(count ? count : 1, sizeof *snapshot.copies);
    if (!snapshot.copies) {
        edit->failed = true;
        return;
    }
    /* The copies are the steps right before this one. */
    const struct step *copies = step - count;
    for (uint32_t i = 0; i < count; i++)
        snapshot.copies[i] =
            (struct manifest_copy){.table_id = copies[i].source_id, .copy_id = copies[i].table_id};
    edit_snapshot(edit, &snapshot);
    free(snapshot.copies);
}

static void step_encode(struct store *store, const struct plan *plan, const struct step *step,
                        struct buffer *edit)
{
    const struct store_change *change = step->change;
    switch (step->kind) {
    case STORE_CREATE_TABLE:
    case STORE_ALTER_TABLE: edit_table(edit, step->table_id, &change->options, change->properties); break;
    case STORE_DROP_TABLE: edit_drop(edit, step->table_id); break;
    case STORE_TRUNCATE_TABLE:
        edit_truncate(edit, step->table_id);
        for (uint32_t i = 0; i < store->shard_count; i++)
            edit_floors(edit, step->table_id, i, plan->ends, store->shard_count);
        break;
    case STORE_SET_PROPERTY: edit_property(edit, change->name, change->properties); break;
    case STORE_COPY_TABLE:
        edit_copy(edit, step->table_id, step->source_id, step->whole, pending_shards(store, step->source_id),
                  plan->ends, store->shard_count);
        break;
    case STORE_CREATE_SNAPSHOT: snapshot_encode(store, step, edit); break;
    case STORE_DROP_SNAPSHOT: edit_snapshot_drop(edit, change->name); break;
    case STORE_RESTORE_SNAPSHOT: break; /* taken apart into copies */
    }
}

/* ---- in memory ---- */

static void tablets_clear(struct store *store, uint64_t table_id, bool dropped)
{
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct tablet *tablet = shard_find_ref(&store->shards[i], table_id);
        if (!tablet)
            continue;
        tablet_clear(tablet, dropped);
        if (dropped)
            shard_remove(&store->shards[i], table_id);
        tablet_unref(tablet);
    }
}

static void options_change(struct store *store, const struct store_change *change)
{
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct tablet *tablet = shard_find_ref(&store->shards[i], change->table_id);
        if (!tablet)
            continue;
        lock_acquire(&store->background.lock);
        lock_acquire(&store->shards[i].versions);
        tablet->options = change->options;
        tablet->compaction_idle = false;
        lock_release(&store->shards[i].versions);
        lock_release(&store->background.lock);
        tablet_unref(tablet);
    }
}

static void tablets_add(struct store *store, struct step *step)
{
    for (uint32_t i = 0; i < store->shard_count; i++) {
        shard_add(&store->shards[i], step->tablets[i]);
        step->tablets[i] = NULL;
    }
}

/* The copy comes as fresh tablets in the place of the old: a job that works on the old ones finds them dropped, even
 * where both have the same files. */
static void tablets_replace(struct store *store, struct step *step)
{
    const struct manifest_table *table = manifest_find(&store->state, step->table_id);
    for (uint32_t i = 0; i < store->shard_count; i++) {
        step->tablets[i]->foreign_upto = table ? table->foreign_upto : 0;
        struct tablet *old = shard_replace(&store->shards[i], step->tablets[i]);
        step->tablets[i] = NULL;
        if (old)
            tablet_clear(old, true);
        tablet_unref(old);
    }
}

static void snapshot_forget(struct store *store, const uint64_t *copies, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        tablets_clear(store, copies[i], true);
}

static void step_carry_out(struct store *store, struct step *step)
{
    switch (step->kind) {
    case STORE_CREATE_TABLE: tablets_add(store, step); break;
    case STORE_ALTER_TABLE: options_change(store, step->change); break;
    case STORE_DROP_TABLE: tablets_clear(store, step->table_id, true); break;
    case STORE_TRUNCATE_TABLE: tablets_clear(store, step->table_id, false); break;
    case STORE_COPY_TABLE: tablets_replace(store, step); break;
    case STORE_SET_PROPERTY:
    case STORE_CREATE_SNAPSHOT:
    case STORE_RESTORE_SNAPSHOT:
    case STORE_DROP_SNAPSHOT: break;
    }
}

/* ---- together ---- */

/* The numbers of the copies that dropped snapshots hold. */
static status dropped_copies(struct store *store, const struct plan *plan, uint64_t **out_ids,
                             uint32_t *out_count)
{
    uint32_t count = 0;
    for (int round = 0; round < 2; round++) {
        if (round == 1) {
            *out_ids = malloc((count ? count : 1) * sizeof **out_ids);
            if (!*out_ids)
                return STATUS_FAIL(STATUS_NOMEM);
        }
        count = 0;
        for (uint32_t i = 0; i < plan->count; i++) {
            const struct manifest_snapshot *snapshot =
                plan->steps[i].kind == STORE_DROP_SNAPSHOT
                    ? manifest_find_snapshot(&store->state, plan->steps[i].change->name)
                    : NULL;
            for (uint32_t j = 0; snapshot && j < snapshot->copy_count; j++, count++)
                if (round == 1)
                    (*out_ids)[count] = snapshot->copies[j].copy_id;
        }
    }
    *out_count = count;
    return STATUS_DONE;
}

static status plan_install(struct store *store, struct plan *plan)
{
    struct buffer edit = {0};
    uint64_t *dropped = NULL;
    uint32_t dropped_count = 0;
    for (uint32_t i = 0; i < plan->count; i++)
        step_encode(store, plan, &plan->steps[i], &edit);
    status st = buffer_status(&edit);
    if (ok(st))
        st = dropped_copies(store, plan, &dropped, &dropped_count);
    if (ok(st))
        st = store_edit(store, &edit);
    if (ok(st)) {
        for (uint32_t i = 0; i < plan->count; i++)
            step_carry_out(store, &plan->steps[i]);
        snapshot_forget(store, dropped, dropped_count);
    }
    free(dropped);
    buffer_deinit(&edit);
    return st;
}

/* Whether a step throws away or copies data, so that no batch may be on its way. */
static bool needs_gates(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        enum store_change_kind kind = plan->steps[i].kind;
        if (kind == STORE_DROP_TABLE || kind == STORE_TRUNCATE_TABLE || kind == STORE_COPY_TABLE)
            return true;
    }
    return false;
}

static bool leaves_discards(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++)
        if (plan->steps[i].kind == STORE_DROP_SNAPSHOT)
            return true;
    return needs_gates(plan);
}

/* Behind closed gates: freeze, sync, write, carry out. */
static status plan_carry_out(struct store *store, struct plan *plan)
{
    ends_read(store, plan);
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->steps[i].kind != STORE_COPY_TABLE)
            continue;
        TRY(sources_freeze(store, plan, &plan->steps[i]));
        TRY(copies_make(store, &plan->steps[i]));
    }
    /* What was written before a change that is durable must not be lost to a power cut behind it (I2). */
    TRY(store_sync_logs(store));
    return plan_install(store, plan);
}

static bool is_crowded(struct tablet *tablet)
{
    lock_acquire(&tablet->shard->versions);
    bool crowded = tablet->frozen_count > FROZEN_MAX / 2;
    lock_release(&tablet->shard->versions);
    return crowded;
}

/* Note the tables that are copied and have no room for another frozen memtable, or will soon have none. */
static status busy_note(struct store *store, const struct plan *plan, struct buffer *out_busy)
{
    buffer_clear(out_busy);
    for (uint32_t i = 0; i < plan->count; i++) {
        bool full = false;
        for (uint32_t j = 0; plan->steps[i].source_id && j < store->shard_count; j++) {
            struct tablet *tablet = shard_find_ref(&store->shards[j], plan->steps[i].source_id);
            full = full || (tablet && is_crowded(tablet));
            tablet_unref(tablet);
        }
        if (full)
            buffer_append_le64(out_busy, plan->steps[i].source_id);
    }
    return buffer_status(out_busy);
}

/* Before the gates close: room for another frozen memtable in what is copied, as far as it can be had without a flush. Each
 * copy of a copy that is not flushed has one more source in the manifest: from time to time it is. */
static void room_make(struct store *store, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        uint64_t source_id = plan->steps[i].source_id;
        const struct manifest_table *source = source_id ? manifest_find(&store->state, source_id) : NULL;
        for (uint32_t j = 0; source && j < store->shard_count; j++) {
            struct tablet *tablet = shard_find_ref(&store->shards[j], source_id);
            if (tablet && is_crowded(tablet))
                (void)tablet_coalesce(tablet); /* without memory it is flushed */
            if (tablet && source->source_count > SOURCES_MAX)
                tablet_flush_soon(tablet, FROZEN_MAX);
            tablet_unref(tablet);
        }
    }
}

/* STATUS_BUSY with what is to be flushed first in `out_busy`. */
static status change_try(struct store *store, const struct store_change *changes, uint32_t count,
                         struct buffer *out_busy)
{
    struct plan plan = {0};
    status st = STATUS_DONE;
    lock_acquire(&store->edit);
    for (uint32_t i = 0; ok(st) && i < count; i++)
        st = change_add(store, &plan, &changes[i]);
    if (ok(st))
        st = tablets_make(store, &plan);
    bool gates = needs_gates(&plan);
    if (ok(st)) {
        room_make(store, &plan);
        if (gates)
            shards_close_gates(store->shards, store->shard_count);
        st = plan_carry_out(store, &plan);
        if (gates)
            shards_open_gates(store->shards, store->shard_count);
    }
    bool discards = leaves_discards(&plan);
    if (plan.busy) {
        status noted = busy_note(store, &plan, out_busy);
        st = failed(noted) ? noted : st;
    }
    plan_deinit(&plan);
    lock_release(&store->edit);
    if (ok(st) && discards) {
        atomic_store(&store->discards.release_logs, true);
        background_kick(store);
    }
    return st;
}

status store_change(struct store *store, const struct store_change *changes, uint32_t count)
{
    if (store->read_only || atomic_load(&store->refusing))
        return STATUS_FAIL(STATUS_CLOSED);
    if (count == 0)
        return STATUS_DONE;
    if (!store->background.threaded)
        store_discard_all(store);
    struct buffer busy = {0};
    status st = change_try(store, changes, count, &busy);
    for (int i = 0; i < BUSY_RETRIES && st.code == STATUS_BUSY && busy.bytes; i++) {
        struct reader tables = reader_of(buffer_slice(&busy));
        st = STATUS_DONE;
        while (ok(st) && reader_left(&tables))
            st = store_flush(store, reader_le64(&tables));
        if (ok(st))
            st = change_try(store, changes, count, &busy);
    }
    buffer_deinit(&busy);
    return st;
}
