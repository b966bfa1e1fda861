/* view_define.c: is a CREATE MATERIALIZED VIEW one that the target takes? (IDX-4) */
#include <string.h>

#include "cql/restriction.h"
#include "cql/view_internal.h"

bool view_definition_has_key(const struct view_definition *definition, const struct cql_column *column)
{
    for (uint32_t i = 0; i < definition->key_count; i++)
        if (definition->key[i] == column)
            return true;
    return false;
}

/* "a, b" of names; NULL is an empty list. */
static const char *joined(struct ddl *ddl, const char *names, const char *name)
{
    const char *text = names ? arena_printf(ddl->scratch, "%s, %s", names, name) : name;
    return text ? text : "?";
}

/* ---- SELECT ---- */

static bool check_selector(struct ddl *ddl, struct view_definition *definition,
                           const struct ast_selector *selector)
{
    const struct cql_table *base = definition->base;
    const char *name = selector->name.text ? selector->name.text : "expression";
    if (selector->alias.text)
        return ddl_refuse(
            ddl, MSG_VIEW_ALIAS,
            joined(ddl, NULL, arena_printf(ddl->scratch, "%s AS %s", name, selector->alias.text)));
    if (selector->kind != SELECTOR_COLUMN)
        return ddl_refuse(ddl, MSG_VIEW_EXPRESSION, name);
    const struct cql_column *column = table_column(base, name);
    if (!column)
        return ddl_refuse(ddl, MSG_VIEW_COLUMN_UNKNOWN, name, base->keyspace, base->name);
    definition->selected[column - base->columns] = true;
    return true;
}

static bool check_selection(struct ddl *ddl, struct view_definition *definition)
{
    const struct ast_create_view *ast = definition->ast;
    const struct cql_table *base = definition->base;
    definition->selected = arena_calloc(ddl->scratch, base->column_count + 1, sizeof *definition->selected);
    if (!definition->selected)
        return ddl_refuse(ddl, MSG_NOMEM);
    for (uint32_t i = 0; i < base->column_count && ast->all; i++)
        definition->selected[i] = true;
    for (uint32_t i = 0; i < ast->selector_count; i++)
        if (!check_selector(ddl, definition, ast->selectors[i]))
            return false;
    return true;
}

static bool check_statics(struct ddl *ddl, const struct view_definition *definition)
{
    const struct cql_table *base = definition->base;
    for (uint32_t i = 0; i < base->column_count; i++)
        if (definition->selected[i] && base->columns[i].kind == COLUMN_STATIC)
            return ddl_refuse(ddl, MSG_VIEW_STATIC, base->columns[i].name, definition->name);
    return true;
}

/* ---- PRIMARY KEY ---- */

static bool check_key_type(struct ddl *ddl, const struct cql_column *column, bool is_clustering)
{
    const struct type *type = column->type;
    struct buffer text = {0};
    type_name(&text, type);
    const char *shown = text.failed ? NULL : arena_text(ddl->scratch, buffer_slice(&text));
    buffer_deinit(&text);
    if (!shown)
        return ddl_refuse(ddl, MSG_NOMEM);
    if (type_is_multicell(type))
        return ddl_refuse(ddl, type->id == TYPE_UDT ? MSG_VIEW_KEY_UDT : MSG_VIEW_KEY_COLLECTION,
                          column->name, shown);
    if (type_has(type, TYPE_DURATION))
        return ddl_refuse(ddl, MSG_VIEW_KEY_DURATION, column->name);
    if (is_clustering && !type_can_be_key(type))
        return ddl_refuse(ddl, MSG_NOT_SUPPORTED,
                          arena_printf(ddl->scratch, "%s in the key of a view (%s)", shown, column->name));
    /* A clustering key keeps the number and not its digits, which name the partition of the base (TYP-5). */
    if (is_clustering && column->kind == COLUMN_PARTITION &&
        (type_has(type, TYPE_DECIMAL) || type_has(type, TYPE_VARINT)))
        return ddl_refuse(ddl, MSG_NOT_SUPPORTED,
                          arena_printf(ddl->scratch,
                                       "%s of a partition key as a clustering column of a view (%s)", shown,
                                       column->name));
    return true;
}

static bool add_key_column(struct ddl *ddl, struct view_definition *definition, const char *name)
{
    const struct cql_table *base = definition->base;
    const struct cql_column *column = table_column(base, name);
    if (!column || (!definition->selected[column - base->columns] && !ddl->target->is_scylla))
        return ddl_refuse(ddl, MSG_VIEW_KEY_UNKNOWN, name, definition->name);
    if (view_definition_has_key(definition, column))
        return ddl_refuse(ddl, MSG_VIEW_KEY_TWICE, name, definition->name);
    if (column->kind == COLUMN_STATIC)
        return ddl_refuse(ddl, MSG_VIEW_KEY_STATIC, name, definition->name);
    if (!check_key_type(ddl, column, definition->key_count >= definition->partition_count))
        return false;
    definition->key[definition->key_count++] = column;
    definition->selected[column - base->columns] = true;
    if (column->kind != COLUMN_REGULAR)
        return true;
    if (definition->cell)
        return ddl_refuse(ddl, MSG_VIEW_KEY_TWO_CELLS, name, joined(ddl, definition->cell->name, name));
    definition->cell = column;
    return true;
}

static bool check_key(struct ddl *ddl, struct view_definition *definition)
{
    const struct ast_create_view *ast = definition->ast;
    uint32_t count = ast->partition_key_count + ast->clustering_key_count;
    definition->key = arena_calloc(ddl->scratch, count + 1, sizeof(const struct cql_column *));
    definition->partition_count = ast->partition_key_count;
    if (!definition->key)
        return ddl_refuse(ddl, MSG_NOMEM);
    for (uint32_t i = 0; i < ast->partition_key_count; i++)
        if (!add_key_column(ddl, definition, ast->partition_key[i].text))
            return false;
    for (uint32_t i = 0; i < ast->clustering_key_count; i++)
        if (!add_key_column(ddl, definition, ast->clustering_key[i].text))
            return false;
    return true;
}

/* All of the base's key must be in it, or rows of the base would share one of the view. */
static bool check_whole_key(struct ddl *ddl, const struct view_definition *definition)
{
    const struct cql_table *base = definition->base;
    const char *missing = NULL;
    for (uint32_t i = 0; i < base->partition_count + base->clustering_count; i++)
        if (!view_definition_has_key(definition, &base->columns[i]))
            missing = joined(ddl, missing, base->columns[i].name);
    return !missing || ddl_refuse(ddl, MSG_VIEW_KEY_MISSING, definition->name, base->name, missing);
}

static bool check_not_null(struct ddl *ddl, const struct view_definition *definition)
{
    const char *nullable = NULL;
    for (uint32_t i = 0; i < definition->key_count; i++) {
        const struct cql_column *column = definition->key[i];
        bool implied = ddl->target->view_single_key_implied && column->kind == COLUMN_PARTITION &&
                       definition->base->partition_count == 1;
        if (implied || view_restricts(definition, column))
            continue;
        if (ddl->target->is_scylla)
            return ddl_refuse(ddl, MSG_VIEW_KEY_NULLABLE, column->name);
        nullable = joined(ddl, nullable, column->name);
    }
    return !nullable || ddl_refuse(ddl, MSG_VIEW_KEY_NULLABLE, nullable);
}

/* Cassandra wants every clustering column in its place, ScyllaDB any of them. */
static bool check_ordering(struct ddl *ddl, const struct ast_create_view *ast)
{
    bool strict = !ddl->target->is_scylla && ast->ordering_count;
    if (strict && ast->ordering_count != ast->clustering_key_count)
        return ddl_refuse(ddl, MSG_VIEW_ORDER, "");
    for (uint32_t i = 0; i < ast->ordering_count; i++) {
        const char *name = ast->orderings[i].column.text;
        bool found = false;
        for (uint32_t j = strict ? i : 0; j < (strict ? i + 1 : ast->clustering_key_count); j++)
            found |= strcmp(ast->clustering_key[j].text, name) == 0;
        if (!found)
            return ddl_refuse(ddl, MSG_VIEW_ORDER, name);
    }
    return true;
}

bool view_define(struct ddl *ddl, struct view_definition *definition)
{
    return check_selection(ddl, definition) && check_statics(ddl, definition) && check_key(ddl, definition) &&
           check_ordering(ddl, definition->ast) && check_whole_key(ddl, definition) &&
           view_define_where(ddl, definition) && check_not_null(ddl, definition);
}
