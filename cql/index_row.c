/*
 * index_row.c: which entries a row has in the indexes and views of its table, and which it gains and loses.
 */
#include "cql/element.h"
#include "cql/index_internal.h"
#include "cql/restriction.h"
#include "cql/view.h"

/* ---- what a row says ---- */

status index_cell(struct slice image, uint32_t column, struct cell *out_cell, bool *out_found)
{
    struct row_reader reader;
    *out_found = false;
    TRY(row_open(image, &reader));
    for (;;) {
        struct cell cell;
        bool more;
        TRY(row_next_cell(&reader, &cell, &more));
        if (!more || cell.column > column)
            return STATUS_DONE;
        if (cell.column != column || cell.path.bytes || cell_is_tombstone(&cell))
            continue;
        *out_cell = cell;
        *out_found = true;
        return STATUS_DONE;
    }
}

status index_key_value(struct plan_run *run, const struct index_row *row, const struct cql_column *column,
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
    return wire->bytes && !out_value->data ? STATUS_FAIL(STATUS_NOMEM) : STATUS_DONE;
}

/* Take a TTL in: what lives longest counts, and nothing outlives what has none. */
static void live_longer(bool *first, int32_t ttl_s, int64_t end_s, int32_t *io_ttl_s, int64_t *io_expiry_s)
{
    bool longer = *first || !ttl_s || (*io_ttl_s && end_s > *io_expiry_s);
    *first = false;
    if (!longer)
        return;
    *io_ttl_s = ttl_s;
    *io_expiry_s = ttl_s ? end_s : 0;
}

status index_row_expiry(struct slice image, int32_t *out_ttl_s, int64_t *out_expiry_s)
{
    struct row_reader reader;
    bool first = true;
    *out_ttl_s = 0;
    *out_expiry_s = 0;
    TRY(row_open(image, &reader));
    if (reader.marker.timestamp != TIMESTAMP_NONE)
        live_longer(&first, reader.marker.ttl_s, reader.marker.expiry_s, out_ttl_s, out_expiry_s);
    for (;;) {
        struct cell cell;
        bool more;
        TRY(row_next_cell(&reader, &cell, &more));
        if (!more)
            return STATUS_DONE;
        live_longer(&first, cell.kind == CELL_EXPIRING ? cell.ttl_s : 0, cell.expiry_s, out_ttl_s,
                    out_expiry_s);
    }
}

/* ---- entries of an index ---- */

static bool add_value(struct plan_run *run, const struct index_row *row, const struct cql_index *index,
                      struct slice value, int32_t ttl_s, int64_t expiry_s, struct entry_list *out)
{
    struct buffer *key = &run->workspace->entry_key;
    if (value.bytes > INDEX_VALUE_BYTES_MAX)
        return RUN_REFUSE(run, MSG_INDEX_VALUE_TOO_LARGE, value.bytes, index->name, row->table->keyspace,
                          row->table->name, index->column->name);
    buffer_clear(key);
    index_entry_key(key, row->key, row->clustering);
    struct entry entry = {.partition = arena_copy(run->scratch, index_partition_bytes(value)),
                          .clustering = arena_copy(run->scratch, buffer_slice(key)),
                          .ttl_s = ttl_s,
                          .expiry_s = ttl_s ? expiry_s : 0};
    if (key->failed || !entry.partition.data || !entry.clustering.data)
        return run_nomem(run);
    return entry_list_add(run, out, &entry);
}

static bool add_cell(struct plan_run *run, const struct index_row *row, const struct cql_index *index,
                     const struct cell *cell, struct slice value, struct entry_list *out)
{
    int32_t ttl_s = cell->kind == CELL_EXPIRING ? cell->ttl_s : 0;
    return add_value(run, row, index, value, ttl_s, cell->expiry_s, out);
}

static bool key_entries(struct plan_run *run, const struct index_row *row, struct slice image,
                        const struct cql_index *index, struct entry_list *out)
{
    struct slice value;
    int32_t ttl_s;
    int64_t expiry_s;
    status st = index_key_value(run, row, index->column, &value);
    if (ok(st))
        st = index_row_expiry(image, &ttl_s, &expiry_s);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    return add_value(run, row, index, value, ttl_s, expiry_s, out);
}

static bool cell_entries(struct plan_run *run, const struct index_row *row, struct slice image,
                         const struct cql_index *index, struct entry_list *out)
{
    struct cell cell;
    bool found;
    status st = index_cell(image, index->column->id, &cell, &found);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    return !found || add_cell(run, row, index, &cell, cell.value, out);
}

/* What an index has of one element of its collection, in the scratch arena. */
static status element_part(struct plan_run *run, const struct cql_index *index, const struct cell *cell,
                           struct slice *out_part)
{
    const struct type *type = index->column->type;
    struct element element = {.path = cell->path, .value = cell->value};
    struct buffer *wire = &run->workspace->wire;
    bool of_key = index->target != INDEX_ON_VALUES || type->id == TYPE_SET;
    struct slice value;
    buffer_clear(wire);
    if (index->target == INDEX_ON_ENTRIES)
        buffer_append_be32(wire, 0);
    if (of_key)
        TRY(element_key(type, &element, wire));
    TRY(element_value(type, &element, &value));
    if (index->target == INDEX_ON_ENTRIES) {
        if (!wire->failed)
            store_be32(wire->data, (uint32_t)(wire->bytes - 4));
        buffer_append_be32(wire, (uint32_t)value.bytes);
    }
    if (!of_key || index->target == INDEX_ON_ENTRIES)
        buffer_append_slice(wire, value);
    TRY(buffer_status(wire));
    *out_part = arena_copy(run->scratch, buffer_slice(wire));
    return wire->bytes && !out_part->data ? STATUS_FAIL(STATUS_NOMEM) : STATUS_DONE;
}

/* One for each element; those of one value share theirs (entry_list_sort()). */
static bool element_entries(struct plan_run *run, const struct index_row *row, struct slice image,
                            const struct cql_index *index, struct entry_list *out)
{
    struct row_reader reader;
    status st = row_open(image, &reader);
    for (bool more = true; ok(st) && more;) {
        struct cell cell;
        struct slice part;
        st = row_next_cell(&reader, &cell, &more);
        if (failed(st) || !more || cell.column > index->column->id)
            break;
        if (cell.column != index->column->id || !cell.path.bytes || cell_is_tombstone(&cell))
            continue;
        st = element_part(run, index, &cell, &part);
        if (ok(st) && !add_cell(run, row, index, &cell, part, out))
            return false;
    }
    return ok(st) ? true : cql_refuse_status(run->error, st);
}

bool index_entries(struct plan_run *run, const struct index_row *row, struct slice image,
                   const struct cql_index *index, struct entry_list *out)
{
    *out = (struct entry_list){0};
    bool of_static = index->column->kind == COLUMN_STATIC;
    if (!image.bytes || of_static != row->is_static)
        return true;
    if (index->column->kind <= COLUMN_CLUSTERING)
        return key_entries(run, row, image, index, out);
    return index->target == INDEX_ON_VALUE ? cell_entries(run, row, image, index, out)
                                           : element_entries(run, row, image, index, out);
}

/* ---- what becomes of them ---- */

static bool derived_changed(struct plan_run *run, const struct index_row *row, const struct derived *derived,
                            struct batch *out)
{
    const struct cql_index *index = derived->index;
    const struct cql_table *view = derived->view;
    struct entry_list before, after;
    bool listed = index ? index_entries(run, row, row->before, index, &before) &&
                              index_entries(run, row, row->after, index, &after)
                        : view_entries(run, row, row->before, view, &before) &&
                              view_entries(run, row, row->after, view, &after);
    if (!listed)
        return false;
    entry_list_sort(&before);
    entry_list_sort(&after);
    return entry_lists_differ(run, index ? index->store_id : view->store_id, &before, &after, out);
}

bool index_row_changed(struct plan_run *run, const struct index_row *row, const struct derived *only,
                       struct batch *out)
{
    const struct cql_table *table = row->table;
    if (only)
        return derived_changed(run, row, only, out);
    for (uint32_t i = 0; i < table->index_count; i++)
        if (!derived_changed(run, row, &(struct derived){.index = table->indexes[i]}, out))
            return false;
    for (uint32_t i = 0; i < table->view_count && !row->is_static; i++) {
        const struct cql_table *view = catalog_view(run->context->catalog, table, i);
        if (!view)
            return RUN_REFUSE(run, MSG_INTERNAL, "a view of a table is not in the schema");
        if (!derived_changed(run, row, &(struct derived){.view = view}, out))
            return false;
    }
    return true;
}
