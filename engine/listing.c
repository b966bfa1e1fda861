/* listing.c: what tables, properties and snapshots there are. */
#include "engine/store_internal.h"

/* ---- tables and properties ---- */

status store_next_table(struct store *store, uint64_t above, struct store_table *out_table,
                        struct buffer *out_properties)
{
    lock_acquire(&store->edit);
    uint32_t at = manifest_table_above(&store->state, above);
    while (at < store->state.table_count && store->state.tables[at]->sealed)
        at++;
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
    if (at < store->state.property_count && timestamps_is_property(store->state.properties[at].name))
        at++; /* the store's own */
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

/* ---- snapshots ---- */

static uint64_t snapshot_bytes(const struct manifest_state *state, const struct manifest_snapshot *snapshot)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < snapshot->copy_count; i++) {
        const struct manifest_table *copy = manifest_find(state, snapshot->copies[i].copy_id);
        for (uint32_t j = 0; copy && j < copy->file_count; j++)
            bytes += copy->files[j]->info.file_bytes;
    }
    return bytes;
}

status store_next_snapshot(struct store *store, struct slice above, struct store_snapshot *out_snapshot,
                           struct buffer *out_name, struct buffer *out_properties)
{
    struct buffer name = {0};
    lock_acquire(&store->edit);
    uint32_t at = manifest_snapshot_above(&store->state, above);
    status st = at < store->state.snapshot_count ? STATUS_DONE : STATUS_FAIL(STATUS_NOT_FOUND);
    if (ok(st)) {
        const struct manifest_snapshot *snapshot = &store->state.snapshots[at];
        buffer_append_slice(&name, snapshot->name);
        buffer_clear(out_properties);
        buffer_append_slice(out_properties, snapshot->properties);
        st = failed(buffer_status(&name)) ? buffer_status(&name) : buffer_status(out_properties);
        if (ok(st))
            *out_snapshot = (struct store_snapshot){.created_us = snapshot->created_us,
                                                    .bytes = snapshot_bytes(&store->state, snapshot),
                                                    .table_count = snapshot->copy_count};
    }
    lock_release(&store->edit);
    if (ok(st)) {
        buffer_deinit(out_name);
        *out_name = name;
        name = (struct buffer){0};
        out_snapshot->name = buffer_slice(out_name);
        out_snapshot->properties = buffer_slice(out_properties);
    }
    buffer_deinit(&name);
    return st;
}

status store_snapshot_table(struct store *store, struct slice name, uint32_t index,
                            struct store_table *out_table, uint64_t *out_copy_id,
                            struct buffer *out_properties)
{
    status st = STATUS_DONE;
    lock_acquire(&store->edit);
    const struct manifest_snapshot *snapshot = manifest_find_snapshot(&store->state, name);
    if (!snapshot || index >= snapshot->copy_count)
        st = STATUS_FAIL(STATUS_NOT_FOUND);
    if (ok(st)) {
        const struct manifest_table *copy = manifest_find(&store->state, snapshot->copies[index].copy_id);
        buffer_clear(out_properties);
        buffer_append_slice(out_properties, copy->properties);
        st = buffer_status(out_properties);
        if (ok(st)) {
            *out_table = (struct store_table){.id = snapshot->copies[index].table_id,
                                              .options = copy->options,
                                              .properties = buffer_slice(out_properties)};
            *out_copy_id = copy->id;
        }
    }
    lock_release(&store->edit);
    return st;
}
