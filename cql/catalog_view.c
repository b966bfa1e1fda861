/* catalog_view.c: the materialized views on a table, and what makes a table one, as the schema has them. */
#include <string.h>

#include "cql/catalog_internal.h"

const struct cql_table *catalog_view(const struct catalog *catalog, const struct cql_table *base, uint32_t at)
{
    return catalog_table(catalog, base->keyspace, base->views[at]);
}

status table_add_view(struct cql_table *table, const char *name)
{
    void *grown = arena_grow(&table->arena, (const void *)table->views, table->view_count,
                             &table->view_capacity, sizeof *table->views);
    if (!grown)
        return STATUS_FAIL(STATUS_NOMEM);
    table->views = grown;
    const char *copy = arena_text(&table->arena, slice_text(name));
    if (!copy)
        return STATUS_FAIL(STATUS_NOMEM);
    uint32_t at = table->view_count++;
    for (; at > 0 && strcmp(table->views[at - 1], name) > 0; at--)
        table->views[at] = table->views[at - 1];
    table->views[at] = copy;
    return STATUS_DONE;
}

void table_drop_view(struct cql_table *table, const char *name)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->view_count; i++)
        if (strcmp(table->views[i], name) != 0)
            table->views[kept++] = table->views[i];
    table->view_count = kept;
}

static status filter_copy(struct arena *arena, const struct cql_view_filter *from,
                          struct cql_view_filter *out)
{
    *out = *from;
    out->column = arena_text(arena, slice_text(from->column));
    out->text = arena_text(arena, slice_text(from->text));
    out->values = arena_calloc(arena, from->value_count + 1, sizeof *out->values);
    if (!out->column || !out->text || !out->values)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < from->value_count; i++) {
        out->values[i] = arena_copy(arena, from->values[i]);
        if (from->values[i].bytes && !out->values[i].data)
            return STATUS_FAIL(STATUS_NOMEM);
    }
    return STATUS_DONE;
}

status table_set_view(struct cql_table *table, const struct cql_view *view)
{
    struct arena *arena = &table->arena;
    struct cql_view *copy = arena_calloc(arena, 1, sizeof *copy);
    if (!copy)
        return STATUS_FAIL(STATUS_NOMEM);
    *copy = *view;
    copy->base = arena_text(arena, slice_text(view->base));
    copy->filters = arena_calloc(arena, view->filter_count + 1, sizeof *copy->filters);
    if (!copy->base || !copy->filters)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < view->filter_count; i++)
        TRY(filter_copy(arena, &view->filters[i], &copy->filters[i]));
    table->view = copy;
    return STATUS_DONE;
}
