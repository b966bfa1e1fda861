/*
 * index_row.c: which index entries a changed row gains and loses.
 */
#include "cql/index_internal.h"
#include "cql/restriction.h"

/* What one row says about one indexed column. */
struct entry {
    bool exists;
    struct slice value;
    int64_t timestamp, expiry_s;
    int32_t ttl_s;
};

/* ---- what a row says ---- */

static status cell_entry(struct slice image, uint32_t column, struct entry *out)
{
    struct row_reader reader;
    TRY(row_open(image, &reader));
    for (;;) {
        struct cell cell;
        bool more;
        TRY(row_next_cell(&reader, &cell, &more));
        if (!more || cell.column > column)
            return STATUS_DONE;
        if (cell.column < column || cell.kind == CELL_DEAD)
            continue;
        *out = (struct entry){.exists = true,
                              .value = cell.value,
                              .timestamp = cell.timestamp,
                              .expiry_s = cell.kind == CELL_EXPIRING ? cell.expiry_s : 0,
                              .ttl_s = cell.kind == CELL_EXPIRING ? cell.ttl_s : 0};
        return STATUS_DONE;
    }
}

static status key_value(struct plan_run *run, const struct index_row *row, const struct cql_column *column,
                        struct slice *out_value)
{
    const struct cql_table *table = row->table;
    if (column->kind == COLUMN_PARTITION) {
        struct slice *components = arena_alloc(run->scratch, table->partition_count * sizeof *components);
        if (!components)
            return STATUS_FAIL(STATUS_NOMEM);
        TRY(partition_key_split(table, row->key.bytes, components));
        *out_value = components[column->position];
        return STATUS_DONE;
    }
    struct buffer *wire = &run->workspace->wire;
    struct reader in = reader_of(row->clustering);
    for (uint32_t i = 0; i <= column->position; i++) {
        buffer_clear(wire);
        TRY(key_take(&in, table->clustering[i], wire));
    }
    TRY(buffer_status(wire));
    *out_value = arena_copy(run->scratch, buffer_slice(wire));
    return STATUS_DONE;
}

static status newest_timestamp(struct slice image, int64_t *out_timestamp)
{
    struct row_facts facts;
    TRY(row_facts_of(image, &facts));
    *out_timestamp = facts.max_timestamp;
    return STATUS_DONE;
}

/* ---- what becomes of the index ---- */

static bool put_entry(struct plan_run *run, const struct index_row *row, const struct cql_index *index,
                      struct slice value, struct batch *out)
{
    struct plan_workspace *workspace = run->workspace;
    if (value.bytes > INDEX_VALUE_BYTES_MAX)
        return RUN_REFUSE(run, MSG_INDEX_VALUE_TOO_LARGE, value.bytes, index->name, row->table->keyspace,
                          row->table->name, index->column->name);
    buffer_clear(&workspace->entry_key);
    buffer_clear(&workspace->entry_image);
    index_entry_key(&workspace->entry_key, row->key, row->clustering);
    status st = row_builder_finish(&workspace->entry, &workspace->entry_image);
    if (ok(st))
        st = buffer_status(&workspace->entry_key);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    batch_begin(out, index->store_id, partition_key_of(index_partition_bytes(value)));
    batch_row(out, buffer_slice(&workspace->entry_key), buffer_slice(&workspace->entry_image));
    batch_end(out);
    return true;
}

static bool add_entry(struct plan_run *run, const struct index_row *row, const struct cql_index *index,
                      const struct entry *entry, struct batch *out)
{
    row_builder_reset(&run->workspace->entry);
    run->workspace->entry.marker =
        (struct marker){.timestamp = entry->timestamp, .ttl_s = entry->ttl_s, .expiry_s = entry->expiry_s};
    return put_entry(run, row, index, entry->value, out);
}

static bool remove_entry(struct plan_run *run, const struct index_row *row, const struct cql_index *index,
                         struct slice value, int64_t timestamp, struct batch *out)
{
    row_builder_reset(&run->workspace->entry);
    run->workspace->entry.deletion = (struct deletion){.timestamp = timestamp, .time_s = run->now_s};
    return put_entry(run, row, index, value, out);
}

static bool cell_changed(struct plan_run *run, const struct index_row *row, const struct cql_index *index,
                         struct batch *out)
{
    struct entry before = {0}, after = {0};
    status st = row->before.bytes ? cell_entry(row->before, index->column->id, &before) : STATUS_DONE;
    if (ok(st) && row->after.bytes)
        st = cell_entry(row->after, index->column->id, &after);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    bool moves = before.exists && !(after.exists && slice_equal(index_partition_bytes(before.value),
                                                                index_partition_bytes(after.value)));
    if (moves && !remove_entry(run, row, index, before.value, before.timestamp, out))
        return false;
    bool same = !moves && before.exists && before.timestamp == after.timestamp &&
                before.ttl_s == after.ttl_s && before.expiry_s == after.expiry_s;
    return after.exists && !same ? add_entry(run, row, index, &after, out) : true;
}

static bool key_changed(struct plan_run *run, const struct index_row *row, const struct cql_index *index,
                        struct batch *out)
{
    bool lived = row->before.bytes, lives = row->after.bytes;
    struct entry entry = {.exists = true};
    if (lived == lives)
        return true;
    status st = key_value(run, row, index->column, &entry.value);
    if (ok(st) && lives)
        st = newest_timestamp(row->after, &entry.timestamp);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    if (lives)
        return add_entry(run, row, index, &entry, out);
    if (row->cover.timestamp == TIMESTAMP_NONE)
        return true; /* dead cell by cell: an older write may bring the row back */
    return remove_entry(run, row, index, entry.value, row->cover.timestamp, out);
}

static bool index_changed(struct plan_run *run, const struct index_row *row, const struct cql_index *index,
                          struct batch *out)
{
    switch (index->column->kind) {
    case COLUMN_REGULAR: return cell_changed(run, row, index, out);
    case COLUMN_PARTITION:
    case COLUMN_CLUSTERING: return key_changed(run, row, index, out);
    case COLUMN_STATIC: break; /* refused by CREATE INDEX */
    }
    return true;
}

bool index_row_changed(struct plan_run *run, const struct index_row *row, const struct cql_index *only,
                       struct batch *out)
{
    if (only)
        return index_changed(run, row, only, out);
    for (uint32_t i = 0; i < row->table->index_count; i++)
        if (!index_changed(run, row, row->table->indexes[i], out))
            return false;
    return true;
}
