/* ddl_view_alter.c: views while their base is altered or dropped. */
#include <string.h>

#include "cql/ddl_internal.h"

bool ddl_view_free(struct ddl *ddl, const struct cql_table *table)
{
    if (table->view)
        return ddl_refuse(ddl, MSG_TABLE_DROP_IS_VIEW);
    if (!table->view_count)
        return true;
    const char *names = table->views[0];
    for (uint32_t i = 1; names && i < table->view_count; i++)
        names = arena_printf(ddl->scratch, "%s, %s", names, table->views[i]);
    return ddl_refuse(ddl, MSG_TABLE_DROP_HAS_VIEWS, table->keyspace, names ? names : "");
}

/* A view without a cell of the base in its key lives as long as anything of the row does, so it needs every column. */
static bool needs(const struct cql_table *base, const struct cql_table *view, const struct cql_column *column)
{
    if (table_column(view, column->name))
        return true;
    bool has_cell = false;
    for (uint32_t i = 0; i < view->partition_count + view->clustering_count; i++) {
        const struct cql_column *key = table_column(base, view->columns[i].name);
        has_cell |= key && key->kind == COLUMN_REGULAR;
    }
    return !has_cell && column->kind == COLUMN_REGULAR;
}

bool ddl_view_column_free(struct ddl *ddl, const struct cql_table *table, const struct cql_column *column)
{
    for (uint32_t i = 0; i < table->view_count; i++) {
        const struct cql_table *view = catalog_view(ddl->catalog, table, i);
        if (view && (!ddl->target->is_scylla || needs(table, view, column)))
            return ddl_refuse(ddl, MSG_DROP_VIEW_COLUMN, column->name, table->keyspace, table->name,
                              view->name);
    }
    return true;
}

/* ---- what changes with the base ---- */

/* SELECT * goes on to mean all columns. */
static status add_columns(const struct ast_alter_table *ast, const struct cql_table *base,
                          struct cql_table *view)
{
    for (uint32_t i = 0; i < ast->column_count; i++) {
        const struct cql_column *column = table_column(base, ast->columns[i].name.text);
        if (column && column->kind == COLUMN_REGULAR && !table_column(view, column->name))
            TRY(table_add_column(view, column));
    }
    return STATUS_DONE;
}

static const char *renamed(const struct ast_alter_table *ast, const char *name)
{
    for (uint32_t i = 0; i + 1 < ast->dropped_count; i += 2)
        if (strcmp(ast->dropped[i].text, name) == 0)
            return ast->dropped[i + 1].text;
    return NULL;
}

static status rename_columns(struct ddl *ddl, const struct ast_alter_table *ast, const struct cql_table *from,
                             struct cql_table *view)
{
    for (uint32_t i = 0; i < view->column_count; i++) {
        const char *to = renamed(ast, view->columns[i].name);
        if (to)
            view->columns[i].name = arena_text(&view->arena, slice_text(to));
        if (!view->columns[i].name)
            return STATUS_FAIL(STATUS_NOMEM);
    }
    struct cql_view info = *from->view;
    info.filters = arena_calloc(ddl->scratch, info.filter_count + 1, sizeof *info.filters);
    if (!info.filters)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < info.filter_count; i++) {
        info.filters[i] = from->view->filters[i];
        const char *to = renamed(ast, info.filters[i].column);
        if (to)
            info.filters[i].column = to;
    }
    return table_set_view(view, &info);
}

static bool follow(struct ddl *ddl, const struct ast_alter_table *ast, const struct cql_table *base,
                   const struct cql_table *from)
{
    struct cql_table *view = table_clone(from);
    if (!view)
        return ddl_refuse(ddl, MSG_NOMEM);
    view->next_column_id = base->next_column_id;
    status st = STATUS_DONE;
    /* The clone finds columns by name only once it is sealed. */
    if (ast->kind == ALTER_ADD)
        st = table_seal(view);
    if (ok(st))
        st = ast->kind == ALTER_ADD ? add_columns(ast, base, view) : rename_columns(ddl, ast, from, view);
    if (ok(st))
        st = table_seal(view);
    if (failed(st)) {
        table_unref(view);
        return ddl_failed(ddl, st);
    }
    return ddl_put_table(ddl, view, STORE_ALTER_TABLE);
}

bool ddl_views_follow(struct ddl *ddl, const struct ast_alter_table *ast, const struct cql_table *next)
{
    if (ast->kind == ALTER_WITH && next->view_count && next->options.gc_grace_seconds == 0)
        return ddl_refuse(ddl, MSG_VIEW_BASE_ALTER_GRACE);
    if (ast->kind != ALTER_ADD && ast->kind != ALTER_RENAME)
        return true;
    for (uint32_t i = 0; i < next->view_count; i++) {
        const struct cql_table *view = catalog_view(ddl->catalog, next, i);
        bool follows = view && (ast->kind == ALTER_RENAME || view->view->all_columns);
        if (follows && !follow(ddl, ast, next, view))
            return false;
    }
    return true;
}
