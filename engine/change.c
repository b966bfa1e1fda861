/*
 * Changes of tables and properties: one manifest record each, then the same in memory. A TRUNCATE or DROP closes the
 * gates of all shards first and records for every shard and stream how far the log had come: replay skips what is older.
 */
#include "engine/job_internal.h"
#include "engine/store_internal.h"

#include <stdlib.h>

uint64_t store_new_table_id(struct store *store)
{
    lock_acquire(&store->edit);
    uint64_t id = store->next_table++;
    lock_release(&store->edit);
    return id;
}

/* Whether the table is there after the changes before `at`. */
static bool table_exists(const struct store *store, const struct store_change *changes, uint32_t at)
{
    bool exists = manifest_find(&store->state, changes[at].table_id) != NULL;
    for (uint32_t i = 0; i < at; i++) {
        if (changes[i].table_id != changes[at].table_id)
            continue;
        exists = (exists || changes[i].kind == STORE_CREATE_TABLE) && changes[i].kind != STORE_DROP_TABLE;
    }
    return exists;
}

static status change_check(const struct store *store, const struct store_change *changes, uint32_t at)
{
    const struct store_change *change = &changes[at];
    if (change->kind == STORE_SET_PROPERTY)
        return change->name.bytes ? STATUS_DONE : STATUS_FAIL(STATUS_INVALID);
    bool exists = table_exists(store, changes, at);
    if (change->kind != STORE_CREATE_TABLE)
        return exists ? STATUS_DONE : STATUS_FAIL(STATUS_NOT_FOUND);
    if (exists)
        return STATUS_FAIL(STATUS_EXISTS);
    bool given_out = change->table_id && change->table_id < store->next_table;
    /* A number that was used before must not name another table: the log may still hold its old one's writes. */
    return given_out && change->table_id >= store->state.next_table ? STATUS_DONE
                                                                    : STATUS_FAIL(STATUS_INVALID);
}

static void floors_encode(struct store *store, uint64_t table_id, struct buffer *edit)
{
    struct log_position ends[SHARDS_MAX] = {{0}};
    for (uint32_t i = 0; i < store->shard_count; i++) {
        lock_acquire(&store->shards[i].writer);
        ends[i] = store->shards[i].log_end;
        lock_release(&store->shards[i].writer);
    }
    for (uint32_t i = 0; i < store->shard_count; i++)
        edit_floors(edit, table_id, i, ends, store->shard_count);
}

static void change_encode(struct store *store, const struct store_change *change, struct buffer *edit)
{
    switch (change->kind) {
    case STORE_CREATE_TABLE:
    case STORE_ALTER_TABLE: edit_table(edit, change->table_id, &change->options, change->properties); break;
    case STORE_DROP_TABLE: edit_drop(edit, change->table_id); break;
    case STORE_TRUNCATE_TABLE:
        edit_truncate(edit, change->table_id);
        floors_encode(store, change->table_id, edit);
        break;
    case STORE_SET_PROPERTY: edit_property(edit, change->name, change->properties); break;
    }
}

/* ---- in memory ---- */

/* The tablets of one table that is to be created, made before its edit is written. */
struct tablet_row {
    struct tablet *tablets[SHARDS_MAX];
};

static void rows_free(struct tablet_row *rows, uint32_t count)
{
    for (uint32_t i = 0; rows && i < count; i++)
        for (uint32_t j = 0; j < SHARDS_MAX; j++)
            tablet_unref(rows[i].tablets[j]);
    free(rows);
}

static status rows_make(struct store *store, const struct store_change *changes, uint32_t count,
                        struct tablet_row **out_rows)
{
    struct tablet_row *rows = calloc(count, sizeof *rows);
    status st = rows ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; ok(st) && i < store->shard_count; i++)
        st = shard_reserve(&store->shards[i], count);
    for (uint32_t i = 0; ok(st) && i < count; i++)
        for (uint32_t j = 0; ok(st) && changes[i].kind == STORE_CREATE_TABLE && j < store->shard_count; j++)
            st = tablet_new(&store->shards[j], changes[i].table_id, &changes[i].options, &rows[i].tablets[j]);
    if (failed(st)) {
        rows_free(rows, count);
        return st;
    }
    *out_rows = rows;
    return STATUS_DONE;
}

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

static void change_carry_out(struct store *store, const struct store_change *change, struct tablet_row *row)
{
    switch (change->kind) {
    case STORE_CREATE_TABLE:
        for (uint32_t i = 0; i < store->shard_count; i++) {
            shard_add(&store->shards[i], row->tablets[i]);
            row->tablets[i] = NULL;
        }
        break;
    case STORE_ALTER_TABLE: options_change(store, change); break;
    case STORE_DROP_TABLE: tablets_clear(store, change->table_id, true); break;
    case STORE_TRUNCATE_TABLE: tablets_clear(store, change->table_id, false); break;
    case STORE_SET_PROPERTY: break;
    }
}

/* ---- together ---- */

static status changes_encode(struct store *store, const struct store_change *changes, uint32_t count,
                             struct buffer *edit)
{
    for (uint32_t i = 0; i < count; i++)
        change_encode(store, &changes[i], edit);
    return buffer_status(edit);
}

static status changes_install(struct store *store, const struct store_change *changes, uint32_t count,
                              struct tablet_row *rows)
{
    struct buffer edit = {0};
    status st = changes_encode(store, changes, count, &edit);
    if (ok(st))
        st = store_edit(store, &edit);
    for (uint32_t i = 0; ok(st) && i < count; i++)
        change_carry_out(store, &changes[i], &rows[i]);
    buffer_deinit(&edit);
    return st;
}

static bool any_loses_data(const struct store_change *changes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (changes[i].kind == STORE_DROP_TABLE || changes[i].kind == STORE_TRUNCATE_TABLE)
            return true;
    return false;
}

status store_change(struct store *store, const struct store_change *changes, uint32_t count)
{
    struct tablet_row *rows = NULL;
    if (store->read_only || atomic_load(&store->refusing))
        return STATUS_FAIL(STATUS_CLOSED);
    if (count == 0)
        return STATUS_DONE;
    bool losing = any_loses_data(changes, count);
    lock_acquire(&store->edit);
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && i < count; i++)
        st = change_check(store, changes, i);
    if (ok(st))
        st = rows_make(store, changes, count, &rows);
    if (failed(st))
        goto out;

    if (losing)
        shards_close_gates(store->shards, store->shard_count);
    /* What was written before a change that is durable must not be lost to a power cut behind it (I2). */
    st = store_sync_logs(store);
    if (ok(st))
        st = changes_install(store, changes, count, rows);
    if (losing)
        shards_open_gates(store->shards, store->shard_count);
    rows_free(rows, count);
out:
    lock_release(&store->edit);
    if (ok(st) && losing)
        st = flush_release_logs(store);
    return st;
}

/* ---- listing ---- */

status store_next_table(struct store *store, uint64_t above, struct store_table *out_table,
                        struct buffer *out_properties)
{
    lock_acquire(&store->edit);
    uint32_t at = manifest_table_above(&store->state, above);
    status st = at < store->state.table_count ? STATUS_DONE : STATUS_FAIL(STATUS_NOT_FOUND);
    if (ok(st)) {
        const struct manifest_table *table = store->state.tables[at];
        buffer_clear(out_properties);
        buffer_append_slice(out_properties, table->properties);
        st = buffer_status(out_properties);
        if (ok(st))
            *out_table = (struct store_table){
                .id = table->id, .options = table->options, .properties = buffer_slice(out_properties)};
    }
    lock_release(&store->edit);
    return st;
}

status store_next_property(struct store *store, struct slice above, struct buffer *out_name,
                           struct buffer *out_value)
{
    struct buffer name = {0};
    lock_acquire(&store->edit);
    uint32_t at = manifest_property_above(&store->state, above);
    status st = at < store->state.property_count ? STATUS_DONE : STATUS_FAIL(STATUS_NOT_FOUND);
    if (ok(st)) {
        /* `above` may be the bytes of out_name. */
        buffer_append_slice(&name, store->state.properties[at].name);
        buffer_clear(out_value);
        buffer_append_slice(out_value, store->state.properties[at].value);
        st = failed(buffer_status(&name)) ? buffer_status(&name) : buffer_status(out_value);
    }
    lock_release(&store->edit);
    if (ok(st)) {
        buffer_deinit(out_name);
        *out_name = name;
        name = (struct buffer){0};
    }
    buffer_deinit(&name);
    return st;
}
