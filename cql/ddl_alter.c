/* ddl_alter.c: ALTER TABLE. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cql/ddl_internal.h"
#include "cql/type_resolve.h"

static const char *kind_text(enum column_kind kind)
{
    return kind == COLUMN_STATIC ? "STATIC" : "REGULAR";
}

/* A column of a name that was dropped must be able to stand for the old one: same type, same kind (SCH-10). Its number
 * is a new one, so that cells of the old column never come back. */
static bool check_dropped(struct ddl *ddl, const struct cql_table *table, const struct cql_column *column)
{
    for (uint32_t i = 0; i < table->dropped_count; i++) {
        const struct cql_dropped_column *dropped = &table->dropped[i];
        if (strcmp(dropped->name, column->name) != 0)
            continue;
        if (dropped->type->id == TYPE_COUNTER)
            return ddl_refuse(ddl, MSG_ADD_DROPPED_COUNTER, column->name);
        if (type_equal(dropped->type, column->type) && dropped->kind == column->kind)
            return true;
        if (!type_is_collection(dropped->type) && ddl->target->is_scylla)
            return true; /* ScyllaDB minds only for collections */
        if (type_equal(dropped->type, column->type))
            return ddl_refuse(ddl, MSG_ADD_DROPPED_OTHER_KIND, column->name, kind_text(column->kind),
                              kind_text(dropped->kind));
        return ddl_refuse(ddl, MSG_ADD_DROPPED_OTHER_TYPE, column->name, ddl_type_text(ddl, column->type),
                          ddl_type_text(ddl, dropped->type));
    }
    return true;
}

static bool check_added(struct ddl *ddl, const struct cql_table *table, const struct cql_column *column)
{
    if (column->kind == COLUMN_STATIC && table->clustering_count == 0)
        return ddl_refuse(ddl, MSG_ADD_STATIC_WITHOUT_CLUSTERING);
    const struct cql_column *existing = table_column(table, column->name);
    if (existing)
        return ddl_refuse(ddl,
                          existing->kind == COLUMN_PARTITION ? MSG_ADD_PRIMARY_KEY : MSG_ADD_EXISTING_COLUMN,
                          column->name);
    bool counts = table_counts(table), counter = column->type->id == TYPE_COUNTER;
    if (counts != counter)
        return ddl_refuse(ddl, counts ? MSG_ADD_NON_COUNTER : MSG_ADD_COUNTER, column->name, table->keyspace,
                          table->name);
    if (!ddl_check_multicell(ddl, column->type))
        return false;
    return check_dropped(ddl, table, column);
}

/* Of a table that is being changed, whose index of names is not made yet. */
static bool has_column(const struct cql_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    return false;
}

static bool add_columns(struct ddl *ddl, const struct ast_alter_table *ast, const struct cql_table *table,
                        struct cql_table *next)
{
    for (uint32_t i = 0; i < ast->column_count; i++) {
        const struct ast_column_definition *definition = &ast->columns[i];
        struct cql_column column = {.name = definition->name.text,
                                    .kind = definition->is_static ? COLUMN_STATIC : COLUMN_REGULAR,
                                    .id = COLUMN_ID_NEW};
        if (ast->if_columns && has_column(next, column.name))
            continue;
        if (!type_resolve(definition->type, table->keyspace, ddl->catalog, ddl->profile, ddl->scratch,
                          &column.type, ddl->error) ||
            !check_added(ddl, table, &column))
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(ast->columns[j].name.text, column.name) == 0)
                return ddl_refuse(ddl, MSG_ADD_EXISTING_COLUMN, column.name);
        if (next->column_count == TABLE_COLUMNS_MAX)
            return ddl_refuse(ddl, MSG_TOO_MANY_COLUMNS, (unsigned)TABLE_COLUMNS_MAX);
        status st = table_add_column(next, &column);
        if (failed(st))
            return ddl_failed(ddl, st);
    }
    return true;
}

/* When the column is said to have been dropped: now, or USING TIMESTAMP. */
static bool dropped_at(struct ddl *ddl, const struct ast_alter_table *ast, int64_t *out_us)
{
    *out_us = store_now_us(ddl->database->store);
    if (!ast->timestamp)
        return true;
    const char *text = arena_text(ddl->scratch, ast->timestamp->text);
    if (!text)
        return ddl_refuse(ddl, MSG_NOMEM);
    errno = 0;
    *out_us = strtoll(text, NULL, 10);
    return errno == 0 || ddl_refuse(ddl, MSG_PROPERTY_INVALID, "timestamp", text);
}

static bool drop_column(struct ddl *ddl, const struct cql_table *table, const struct cql_column *column,
                        int64_t dropped_us, struct cql_table *next)
{
    const char *name = column->name;
    if (column->kind <= COLUMN_CLUSTERING)
        return ddl_refuse(ddl, MSG_DROP_KEY_COLUMN, name);
    const struct cql_index *index = table_index_on(table, column);
    if (index)
        return ddl_refuse(ddl, MSG_DROP_INDEXED_COLUMN, name, index->name);
    if (!ddl_view_column_free(ddl, table, column))
        return false;
    struct cql_dropped_column dropped = {
        .name = name, .type = column->type, .kind = column->kind, .dropped_us = dropped_us};
    status st = table_drop_column(next, name);
    if (st.code == STATUS_NOT_FOUND) /* named twice in one statement */
        return true;
    if (ok(st))
        st = table_add_dropped(next, &dropped);
    return ok(st) || ddl_failed(ddl, st);
}

static bool drop_columns(struct ddl *ddl, const struct ast_alter_table *ast, const struct cql_table *table,
                         struct cql_table *next)
{
    int64_t dropped_us;
    if (!dropped_at(ddl, ast, &dropped_us))
        return false;
    for (uint32_t i = 0; i < ast->dropped_count; i++) {
        const char *name = ast->dropped[i].text;
        const struct cql_column *column = table_column(table, name);
        if (!column && ast->if_columns)
            continue;
        if (!column)
            return ddl_refuse(ddl, MSG_DROP_UNKNOWN_COLUMN, name, table->name, table->keyspace);
        if (!drop_column(ddl, table, column, dropped_us, next))
            return false;
    }
    return true;
}

/* Pairs from, to; only key columns may be renamed: their names are in no row. All are judged by the names from before. */
static bool rename_columns(struct ddl *ddl, const struct ast_alter_table *ast, const struct cql_table *table,
                           struct cql_table *next)
{
    for (uint32_t i = 0; i + 1 < ast->dropped_count; i += 2) {
        const char *from = ast->dropped[i].text, *to = ast->dropped[i + 1].text;
        const struct cql_column *column = table_column(table, from);
        if (!column)
            return ddl_refuse(ddl, MSG_RENAME_UNKNOWN_COLUMN, from, table->name, table->keyspace);
        if (ddl->target->is_scylla && table_column(table, to))
            return ddl_refuse(ddl, MSG_RENAME_TO_EXISTING, from, to, table->name, table->keyspace);
        if (column->kind > COLUMN_CLUSTERING)
            return ddl_refuse(ddl, MSG_RENAME_NOT_KEY, from);
        if (table_column(table, to) || has_column(next, to))
            return ddl_refuse(ddl, MSG_RENAME_TO_EXISTING, from, to, table->name, table->keyspace);
        const struct cql_index *index = table_index_on(table, column);
        if (index)
            return ddl_refuse(ddl, MSG_RENAME_INDEXED, from, index->name);
        for (uint32_t j = 0; j < next->column_count; j++)
            if (strcmp(next->columns[j].name, from) == 0) {
                next->columns[j].name = arena_text(&next->arena, slice_text(to));
                if (!next->columns[j].name)
                    return ddl_refuse(ddl, MSG_NOMEM);
            }
    }
    return true;
}

bool ddl_alter_options(struct ddl *ddl, const struct ast_alter_table *ast, struct cql_table *next,
                       bool *out_has_id)
{
    struct table_options_request options = {
        .properties = ast->properties,
        .property_count = ast->property_count,
        .target = ddl->target,
        .profile = ddl->profile,
        .arena = &next->arena,
        .warnings = &ddl->request->result->warnings,
    };
    uint8_t uuid[16];
    return table_options_apply(&options, &next->options, uuid, out_has_id, ddl->error);
}

static bool set_options(struct ddl *ddl, const struct ast_alter_table *ast, const struct cql_table *table,
                        struct cql_table *next)
{
    if (ast->property_count == 0)
        return ddl_refuse(ddl, MSG_ALTER_WITH_EMPTY);
    bool has_id;
    if (!ddl_alter_options(ddl, ast, next, &has_id))
        return false;
    if (table_counts(table) && next->options.default_time_to_live)
        return ddl_refuse(ddl, MSG_COUNTER_DEFAULT_TTL);
    return !has_id || ddl_refuse(ddl, MSG_ALTER_TABLE_ID);
}

static bool change_table(struct ddl *ddl, const struct ast_alter_table *ast, const struct cql_table *table,
                         struct cql_table *next)
{
    switch (ast->kind) {
    case ALTER_ADD: return add_columns(ddl, ast, table, next);
    case ALTER_DROP: return drop_columns(ddl, ast, table, next);
    case ALTER_RENAME: return rename_columns(ddl, ast, table, next);
    case ALTER_TYPE: return ddl_refuse(ddl, MSG_ALTER_TYPE);
    case ALTER_DROP_COMPACT: return ddl_refuse(ddl, MSG_DROP_COMPACT_STORAGE);
    case ALTER_ROW_TTL: return ddl_refuse_row_ttl(ddl, ast->row_ttl_at);
    case ALTER_WITH: return set_options(ddl, ast, table, next);
    }
    return ddl_refuse(ddl, MSG_INTERNAL, "an unknown kind of ALTER TABLE");
}

bool ddl_alter_table(struct ddl *ddl, const struct ast_alter_table *ast)
{
    const struct cql_table *table = NULL;
    if (ast->if_exists && !ddl_find_table(ddl, &ast->name, &table))
        return false;
    if (ast->if_exists && !table)
        return true;
    if (!ddl_table_of(ddl, &ast->name, MSG_ALTER_MISSING_TABLE, &table))
        return false;
    if (table->view)
        return ddl_refuse(ddl, MSG_TABLE_ALTER_IS_VIEW);
    struct cql_table *next = table_clone(table);
    if (!next)
        return ddl_refuse(ddl, MSG_NOMEM);
    bool changed = change_table(ddl, ast, table, next);
    status st = changed ? table_seal(next) : STATUS_DONE;
    if (!changed || failed(st) || !ddl_begin(ddl)) {
        table_unref(next);
        return failed(st) ? ddl_failed(ddl, st) : false;
    }
    if (!ddl_put_table(ddl, next, STORE_ALTER_TABLE) || !ddl_views_follow(ddl, ast, next) ||
        !ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, "UPDATED", "TABLE", table->keyspace, table->name);
    return true;
}
