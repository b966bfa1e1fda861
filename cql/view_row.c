/* view_row.c: the entry that a base row has in a view. */
#include "cql/ast.h"
#include "cql/index_internal.h"
#include "cql/restriction.h"
#include "cql/view.h"

/* What a base row says of one of its columns. */
struct base_value {
    bool present;
    bool is_cell;
    struct slice value;
    struct cell cell;
};

static status base_value(struct plan_run *run, const struct index_row *row, struct slice image,
                         const struct cql_column *column, struct base_value *out)
{
    *out = (struct base_value){.is_cell = column->kind == COLUMN_REGULAR};
    if (!out->is_cell) {
        out->present = true;
        return index_key_value(run, row, column, &out->value);
    }
    TRY(index_cell(image, column->id, &out->cell, &out->present));
    if (out->present)
        out->value = out->cell.value;
    return STATUS_DONE;
}

/* ---- WHERE ---- */

static bool value_passes(const struct cql_view_filter *filter, const struct type *type, struct slice value)
{
    if (filter->op == OP_IS_NOT_NULL)
        return true;
    for (uint32_t i = 0; i < filter->value_count; i++) {
        int order = type_compare(type, value, filter->values[i]);
        switch ((enum ast_operator)filter->op) {
        case OP_EQ:
        case OP_IN:
            if (order == 0)
                return true;
            break;
        case OP_LT: return order < 0;
        case OP_LE: return order <= 0;
        case OP_GT: return order > 0;
        case OP_GE: return order >= 0;
        default: return false;
        }
    }
    return false;
}

static status row_passes(struct plan_run *run, const struct index_row *row, struct slice image,
                         const struct cql_view *view, bool *out_passes)
{
    *out_passes = true;
    for (uint32_t i = 0; i < view->filter_count && *out_passes; i++) {
        const struct cql_column *column = table_column(row->table, view->filters[i].column);
        struct base_value value;
        if (!column)
            return STATUS_FAIL(STATUS_CORRUPT);
        if (view->filters[i].op == VIEW_FILTER_SHOWN)
            continue;
        TRY(base_value(run, row, image, column, &value));
        *out_passes = value.present && value_passes(&view->filters[i], column->type, value.value);
    }
    return STATUS_DONE;
}

/* ---- the key ---- */

/* The key of the row in the view; *out_present is false when a column of it is null. A key column that is a cell of the base
 * decides how long the row lives. */
static bool view_key(struct plan_run *run, const struct index_row *row, struct slice image,
                     const struct cql_table *view, struct entry *entry, bool *out_present)
{
    struct slice *components = arena_alloc(run->scratch, view->partition_count * sizeof *components);
    struct buffer *clustering = &run->workspace->entry_key;
    bool of_cell = false;
    *out_present = false;
    if (!components)
        return run_nomem(run);
    buffer_clear(clustering);
    for (uint32_t i = 0; i < view->partition_count + view->clustering_count; i++) {
        const struct cql_column *column = table_column(row->table, view->columns[i].name);
        struct base_value value;
        status st = column ? base_value(run, row, image, column, &value) : STATUS_FAIL(STATUS_CORRUPT);
        if (failed(st))
            return cql_refuse_status(run->error, st);
        if (!value.present)
            return true;
        if (value.is_cell) {
            of_cell = true;
            entry->ttl_s = value.cell.kind == CELL_EXPIRING ? value.cell.ttl_s : 0;
            entry->expiry_s = entry->ttl_s ? value.cell.expiry_s : 0;
        }
        if (i < view->partition_count)
            components[i] = value.value;
        else
            st = key_append(clustering, view->clustering[i - view->partition_count], value.value);
        if (failed(st))
            return cql_refuse_status(run->error, st);
    }
    /* A partition key cannot be empty (NUL-6); such rows are not in the view, as in Cassandra. */
    if (view->partition_count == 1 && !components[0].bytes)
        return true;
    struct partition_key key;
    if (!partition_key_compose(run, view, components, &key))
        return false;
    status st = of_cell ? STATUS_DONE : index_row_expiry(image, &entry->ttl_s, &entry->expiry_s);
    if (ok(st))
        st = buffer_status(clustering);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    entry->partition = key.bytes;
    entry->clustering = arena_copy(run->scratch, buffer_slice(clustering));
    if (clustering->bytes && !entry->clustering.data)
        return run_nomem(run);
    *out_present = true;
    return true;
}

bool view_entries(struct plan_run *run, const struct index_row *row, struct slice image,
                  const struct cql_table *view, struct entry_list *out)
{
    struct entry entry = {0};
    bool passes, present;
    *out = (struct entry_list){0};
    if (!image.bytes || row->is_static)
        return true;
    status st = row_passes(run, row, image, view->view, &passes);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    if (!passes)
        return true;
    if (!view_key(run, row, image, view, &entry, &present))
        return false;
    return !present || entry_list_add(run, out, &entry);
}
