/*
 * modify_read.c: modifications that must see what is there before they write: items of a list by index or by value (TYP-10).
 * Partitions are locked from the read to the write.
 */
#include "cql/condition.h"

/* ---- locks ---- */

bool modify_members_read(const struct batch_member *members, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (members[i].plan->modify->reads)
            return true;
    return false;
}

bool modify_lock(struct plan_run *run, const struct batch_member *members, uint32_t count,
                 struct store_guard *out_guard)
{
    struct store_partition *partitions = NULL;
    uint32_t partition_count = 0, capacity = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct plan_run member = *run;
        struct partition_key *keys;
        uint32_t key_count;
        member.plan = members[i].plan;
        member.values = members[i].values;
        if (!restrictions_partitions(&member, &member.plan->modify->keys, &keys, &key_count))
            return false;
        if (partition_count + key_count > capacity) {
            struct store_partition *before = partitions;
            capacity = 2 * (partition_count + key_count);
            partitions = arena_alloc(run->scratch, capacity * sizeof *partitions);
            if (!partitions)
                return run_nomem(run);
            if (partition_count)
                memcpy(partitions, before, partition_count * sizeof *partitions);
        }
        for (uint32_t k = 0; k < key_count; k++)
            partitions[partition_count++] =
                (struct store_partition){member.plan->table->store_id, keys[k].bytes};
    }
    store_lock_partitions(run->context->store, partitions, partition_count, out_guard);
    return true;
}

/* ---- rows ---- */

static status keep_image(struct plan_run *run, struct slice image, struct slice *out_kept)
{
    *out_kept = arena_copy(run->scratch, image);
    return image.bytes && !out_kept->data ? STATUS_FAIL(STATUS_NOMEM) : STATUS_DONE;
}

static status read_row(struct modify_reader *reader, struct partition_key key, const struct key_range *row)
{
    struct plan_run *run = reader->run;
    struct store_read read = {.table_id = run->plan->table->store_id, .from = row->start, .to = row->end};
    struct cursor *cursor = NULL;
    TRY(store_cursor_open_one(run->context->store, &read, key, &run->result->counters, &cursor));
    if (!cursor)
        return STATUS_DONE;
    status st = keep_image(run, cursor->partition.static_image, &reader->old_static);
    if (ok(st) && run->plan->modify->extent == MODIFY_ROWS) {
        st = cursor_seek_row(cursor, row->start);
        if (ok(st) && cursor->on_row && slice_equal(cursor->row.clustering, row->start))
            st = keep_image(run, cursor->row.image, &reader->old_row);
    }
    cursor_close(cursor);
    return st;
}

bool modify_read_row(struct plan_run *run, struct partition_key key, const struct key_range *row,
                     struct modify_reader *out_reader)
{
    *out_reader = (struct modify_reader){.run = run};
    if (!slots_init(run, run->plan->table, &run->plan->modify->map, &out_reader->slots))
        return false;
    status st = read_row(out_reader, key, row);
    return ok(st) ? true : cql_refuse_status(run->error, st);
}

/* What is there once what the statement has written so far is added. */
static status add_pending(struct modify_reader *reader, struct row_builder *pending, struct slice *image)
{
    struct plan_run *run = reader->run;
    struct reconcile_rules rules = {.smaller_ttl_wins = run->context->target->smaller_ttl_wins};
    struct buffer *merged = &run->workspace->merged_row, *written = &run->workspace->new_row;
    buffer_clear(written);
    TRY(row_builder_finish(pending, written));
    if (!image->bytes)
        return keep_image(run, buffer_slice(written), image);
    buffer_clear(merged);
    TRY(row_merge(&rules, *image, buffer_slice(written), merged));
    return keep_image(run, buffer_slice(merged), image);
}

bool modify_read_column(struct modify_reader *reader, const struct cql_column *column,
                        struct row_builder *pending, const struct row_slot **out_slot)
{
    struct plan_run *run = reader->run;
    const struct row_slot *slot = &reader->slots.items[column - run->plan->table->columns];
    struct slice image = column->kind == COLUMN_STATIC ? reader->old_static : reader->old_row;
    uint64_t tombstones = 0;
    bool live;
    status st = STATUS_DONE;
    *out_slot = NULL;
    if (pending->cell_count && run->context->target->operations_see_earlier)
        st = add_pending(reader, pending, &image);
    if (ok(st) && image.bytes)
        st = column->kind == COLUMN_STATIC
                 ? slots_static_row(&reader->slots, image, run->now_s, &live, &tombstones)
                 : slots_row(&reader->slots, image, run->now_s, &live, &tombstones);
    if (ok(st) && image.bytes && slot->present)
        *out_slot = slot;
    return ok(st) ? true : cql_refuse_status(run->error, st);
}
