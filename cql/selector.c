#include "cql/selector.h"

#include <string.h>

#include "cql/restriction.h"
#include "cql/selector_internal.h"
#include "cql/type_resolve.h"

/* ---- compile ---- */

static bool find_column(struct plan_builder *builder, const struct ast_name *name, uint32_t *out_ordinal)
{
    const struct cql_column *column = table_column(builder->table, name->text);
    if (!column)
        return BUILD_REFUSE_AT(builder, name->at, MSG_COLUMN_UNKNOWN_SELECT, name->text,
                               builder->table->keyspace, builder->table->name);
    *out_ordinal = (uint32_t)(column - builder->table->columns);
    return true;
}

static void note_column(struct selection *selection, const struct cql_column *column)
{
    if (!selection->first_column)
        selection->first_column = column->name;
    selection->statics |= column->kind == COLUMN_STATIC;
    selection->regulars |= column->kind == COLUMN_REGULAR;
    selection->clustering |= column->kind == COLUMN_CLUSTERING;
}

static bool compile_column(struct plan_builder *builder, const struct ast_selector *ast,
                           struct selection *selection, struct selector *out)
{
    if (!find_column(builder, &ast->name, &out->ordinal))
        return false;
    const struct cql_column *column = &builder->table->columns[out->ordinal];
    note_column(selection, column);
    out->kind = SELECT_COLUMN;
    out->type = column->type;
    out->name = column->name;
    return true;
}

const char *selector_call_name(struct plan_builder *builder, const char *function,
                               const struct selector *arguments, uint32_t count)
{
    char *inner = arena_printf(builder->arena, "%s", count ? arguments[0].name : "");
    for (uint32_t i = 1; inner && i < count; i++)
        inner = arena_printf(builder->arena, "%s, %s", inner, arguments[i].name);
    return inner ? arena_printf(builder->arena, "%s(%s)", function, inner) : NULL;
}

bool selector_arguments(struct plan_builder *builder, struct selector *out, uint32_t count)
{
    out->argument_count = count;
    out->arguments = arena_calloc(builder->arena, count + 1, sizeof *out->arguments);
    return out->arguments ? true : build_nomem(builder);
}

static bool compile_count_all(struct plan_builder *builder, struct selection *selection, struct selector *out)
{
    (void)builder;
    static const struct function count_rows = {
        .name = "count", .is_aggregate = true, .aggregate = AGGREGATE_COUNT_ALL};
    out->kind = SELECT_AGGREGATE;
    out->call.function = &count_rows;
    out->name = "count";
    out->type = type_scalar(TYPE_BIGINT);
    out->aggregate_at = selection->aggregate_count++;
    return true;
}

static bool compile_term(struct plan_builder *builder, const struct ast_selector *ast,
                         const struct type *wanted, struct selector *out)
{
    const char *shown = ast->term->kind == TERM_NULL ? "NULL" : term_text(builder->arena, ast->term);
    /* A type hint says what nothing else does. */
    if (ast->term->kind == TERM_CAST &&
        !type_resolve(ast->term->cast_type, builder->table->keyspace, builder->context->catalog,
                      builder->context->profile, builder->arena, &wanted, builder->error))
        return false;
    if (!wanted)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_TERM_UNTYPED, shown);
    out->kind = SELECT_TERM;
    out->type = wanted;
    out->name = shown;
    return term_compile(builder, ast->term, "[selection]", wanted, &out->term);
}

static bool compile_hint(struct plan_builder *builder, const struct ast_selector *ast,
                         struct selection *selection, struct selector *out)
{
    const struct type *type;
    if (!type_resolve(ast->cast_type, builder->table->keyspace, builder->context->catalog,
                      builder->context->profile, builder->arena, &type, builder->error) ||
        !selector_compile(builder, ast->arguments[0], type, selection, out))
        return false;
    const char *text = plan_type_text(builder->arena, type);
    if (!term_type_fits(out->type, type))
        return BUILD_REFUSE_AT(builder, ast->at, MSG_CAST_WRONG, out->name, text, text);
    out->type = type;
    out->name = arena_printf(builder->arena, "(%s)%s", text, out->name);
    return out->name ? true : build_nomem(builder);
}

bool selector_compile(struct plan_builder *builder, const struct ast_selector *ast, const struct type *wanted,
                      struct selection *selection, struct selector *out)
{
    *out = (struct selector){0};
    switch (ast->kind) {
    case SELECTOR_COLUMN: return compile_column(builder, ast, selection, out);
    case SELECTOR_WRITETIME:
    case SELECTOR_TTL: return selector_compile_cell(builder, ast, selection, out);
    case SELECTOR_COUNT_ALL: return compile_count_all(builder, selection, out);
    case SELECTOR_CALL: return selector_compile_call(builder, ast, selection, out);
    case SELECTOR_OPERATION: return selector_compile_operation(builder, ast, wanted, selection, out);
    case SELECTOR_CAST: return selector_compile_cast(builder, ast, selection, out);
    case SELECTOR_HINT: return compile_hint(builder, ast, selection, out);
    case SELECTOR_TERM: return compile_term(builder, ast, wanted, out);
    case SELECTOR_FIELD: return selector_compile_field(builder, ast, selection, out);
    case SELECTOR_ELEMENT: return selector_compile_element(builder, ast, selection, out);
    case SELECTOR_ITEMS: return selector_compile_items(builder, ast, wanted, selection, out);
    }
    return BUILD_REFUSE(builder, MSG_INTERNAL, "unknown kind of selector");
}

static bool select_all(struct plan_builder *builder, struct selection *out)
{
    const struct cql_table *table = builder->table;
    out->all = true;
    out->count = table->column_count;
    out->items = arena_calloc(builder->arena, table->column_count, sizeof *out->items);
    if (!out->items)
        return build_nomem(builder);
    for (uint32_t i = 0; i < table->column_count; i++) {
        note_column(out, &table->columns[i]);
        out->items[i] = (struct selector){.kind = SELECT_COLUMN,
                                          .type = table->columns[i].type,
                                          .name = table->columns[i].name,
                                          .ordinal = i};
    }
    return true;
}

static bool make_names(struct plan_builder *builder, const struct ast_select *select,
                       struct selection *selection)
{
    selection->names = arena_calloc(builder->arena, selection->count + 1, sizeof *selection->names);
    if (!selection->names)
        return build_nomem(builder);
    for (uint32_t i = 0; i < selection->count; i++) {
        const char *alias = selection->all ? NULL : select->selectors[i]->alias.text;
        selection->names[i] = alias ? alias : selection->items[i].name;
    }
    return true;
}

static bool make_columns(struct plan_builder *builder, const struct selection *selection)
{
    struct plan *plan = builder->plan;
    plan->column_count = selection->json ? 1 : selection->count;
    plan->columns = arena_calloc(builder->arena, plan->column_count, sizeof *plan->columns);
    if (!plan->columns)
        return build_nomem(builder);
    for (uint32_t i = 0; i < plan->column_count; i++)
        plan->columns[i] = (struct cql_column_spec){
            .keyspace = builder->table->keyspace,
            .table = builder->table->name,
            .name = selection->json ? "[json]" : selection->names[i],
            .type = selection->json ? type_scalar(TYPE_TEXT) : selection->items[i].type,
        };
    return true;
}

/* Where parentheses make tuples, one selector in them is a tuple of a type that nothing says. */
static bool check_parentheses(struct plan_builder *builder, const struct ast_selector *ast)
{
    if (!ast->parenthesised || ast->kind != SELECTOR_COLUMN || !builder->context->target->arithmetic)
        return true;
    const char *shown = arena_printf(builder->arena, "(%s)", ast->name.text);
    return BUILD_REFUSE_AT(builder, ast->at, MSG_TERM_UNTYPED, shown ? shown : "(...)");
}

bool selection_compile(struct plan_builder *builder, const struct ast_select *select, struct selection *out)
{
    *out = (struct selection){0};
    if (select->all) {
        if (!select_all(builder, out))
            return false;
    } else {
        out->count = select->selector_count;
        out->items = arena_calloc(builder->arena, select->selector_count, sizeof *out->items);
        if (!out->items)
            return build_nomem(builder);
        for (uint32_t i = 0; i < out->count; i++)
            if (!check_parentheses(builder, select->selectors[i]) ||
                !selector_compile(builder, select->selectors[i], NULL, out, &out->items[i]))
                return false;
    }
    out->json = select->json;
    out->plain = !select->json;
    for (uint32_t i = 0; i < out->count; i++)
        out->plain &= out->items[i].kind == SELECT_COLUMN;
    return make_names(builder, select, out) && make_columns(builder, out);
}
