/*
 * view_where.c: the WHERE clause of a view: IS NOT NULL of its key, and constants that columns of its key are compared with.
 */
#include <string.h>

#include "cql/restriction.h"
#include "cql/view_internal.h"

bool view_restricts(const struct view_definition *definition, const struct cql_column *column)
{
    for (uint32_t i = 0; i < definition->filter_count; i++)
        if (strcmp(definition->filters[i].column, column->name) == 0)
            return true;
    return false;
}

/* ---- one relation ---- */

static bool add_value(struct ddl *ddl, struct plan_builder *builder, const struct cql_column *column,
                      const struct ast_term *term, struct cql_view_filter *filter)
{
    struct plan_term compiled;
    if (!term_compile(builder, term, column->name, column->type, &compiled))
        return false;
    if (compiled.kind != PLAN_TERM_CONSTANT)
        return ddl_refuse(ddl, MSG_NOT_SUPPORTED, "a function in the WHERE clause of a view");
    if (compiled.constant.kind != CQL_VALUE)
        return ddl_refuse(ddl, MSG_NULL_RESTRICTION, column->name);
    filter->values[filter->value_count++] = compiled.constant.bytes;
    return true;
}

static bool takes(enum ast_operator op)
{
    return op == OP_EQ || op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE || op == OP_IN ||
           op == OP_IS_NOT_NULL;
}

/* What stands behind the column, as it will be shown. */
static const char *rest_text(struct ddl *ddl, const struct ast_relation *relation)
{
    const char *whole = relation_text(ddl->scratch, relation);
    const char *rest = whole + strlen(relation->columns[0].text);
    return *rest == ' ' ? rest + 1 : rest;
}

static bool add_filter(struct ddl *ddl, struct plan_builder *builder, struct view_definition *definition,
                       const struct ast_relation *relation)
{
    const struct cql_table *base = definition->base;
    if (relation->kind == RELATION_TOKEN)
        return ddl_refuse(ddl, MSG_VIEW_TOKEN);
    const char *name = relation->columns[0].text;
    const struct cql_column *column = table_column(base, name);
    if (!column)
        return ddl_refuse(ddl, MSG_COLUMN_UNKNOWN_WHERE, name, base->keyspace, base->name);
    if (relation->kind != RELATION_COLUMN || !takes(relation->op))
        return ddl_refuse(ddl, MSG_NOT_SUPPORTED,
                          arena_printf(ddl->scratch, "%s in the WHERE clause of a view",
                                       relation_text(ddl->scratch, relation)));
    struct cql_view_filter *filter = &definition->filters[definition->filter_count++];
    filter->column = column->name;
    filter->op = (uint8_t)relation->op;
    filter->text = rest_text(ddl, relation);
    filter->values = arena_calloc(ddl->scratch, relation->value_count + 1, sizeof *filter->values);
    if (!filter->values)
        return ddl_refuse(ddl, MSG_NOMEM);
    if (relation->op == OP_IN && !relation->value_list)
        return ddl_refuse(ddl, MSG_VIEW_BINDS);
    for (uint32_t i = 0; i < relation->value_count; i++)
        if (!add_value(ddl, builder, column, relation->values[i], filter))
            return false;
    return !relation->value || add_value(ddl, builder, column, relation->value, filter);
}

/* ---- all of them ---- */

/* Only the view's key may be restricted: a row that comes and goes with another cell has no single cell to live with. */
static bool check_columns(struct ddl *ddl, const struct view_definition *definition)
{
    const char *restricted = NULL, *not_null = NULL;
    for (uint32_t i = 0; i < definition->filter_count; i++) {
        const struct cql_view_filter *filter = &definition->filters[i];
        const struct cql_column *column = table_column(definition->base, filter->column);
        if (view_definition_has_key(definition, column))
            continue;
        const char **names = filter->op == OP_IS_NOT_NULL ? &not_null : &restricted;
        *names = *names ? arena_printf(ddl->scratch, "%s, %s", *names, column->name) : column->name;
    }
    if (restricted)
        return ddl_refuse(ddl, MSG_VIEW_FILTER, definition->name, restricted);
    if (not_null && ddl->target->view_not_null_on_keys)
        return ddl_refuse(ddl, MSG_VIEW_NOT_NULL, not_null);
    return true;
}

/* IS NOT NULL of other columns has no effect, in either family: they are shown and not asked. */
static void spare_others(struct view_definition *definition)
{
    for (uint32_t i = 0; i < definition->filter_count; i++) {
        struct cql_view_filter *filter = &definition->filters[i];
        if (!view_definition_has_key(definition, table_column(definition->base, filter->column)))
            filter->op = VIEW_FILTER_SHOWN;
    }
}

bool view_define_where(struct ddl *ddl, struct view_definition *definition)
{
    const struct ast_create_view *ast = definition->ast;
    struct plan_context context = {.target = ddl->target,
                                   .profile = ddl->profile,
                                   .catalog = ddl->catalog,
                                   .keyspace = ddl->request->keyspace};
    struct plan plan = {0};
    struct plan_builder builder = {.context = &context,
                                   .statement = ddl->request->statement,
                                   .arena = ddl->scratch,
                                   .plan = &plan,
                                   .table = definition->base,
                                   .error = ddl->error};
    definition->filters = arena_calloc(ddl->scratch, ast->where_count + 1, sizeof *definition->filters);
    if (!definition->filters)
        return ddl_refuse(ddl, MSG_NOMEM);
    for (uint32_t i = 0; i < ast->where_count; i++)
        if (!add_filter(ddl, &builder, definition, &ast->where[i]))
            return false;
    if (!check_columns(ddl, definition))
        return false;
    spare_others(definition);
    return true;
}
