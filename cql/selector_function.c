#include "cql/selector_internal.h"
#include "cql/type_resolve.h"

/* ---- compile ---- */

static struct function_argument describe(const struct ast_selector *ast, const struct selector *compiled)
{
    if (ast->kind != SELECTOR_TERM)
        return (struct function_argument){.kind = FUNCTION_ARGUMENT_TYPED, .type = compiled->type};
    if (ast->term->kind == TERM_LITERAL)
        return (struct function_argument){.kind = FUNCTION_ARGUMENT_LITERAL, .literal = ast->term->literal};
    return (struct function_argument){.kind = FUNCTION_ARGUMENT_UNKNOWN};
}

static bool find(struct plan_builder *builder, const struct ast_selector *ast, struct selector *out)
{
    struct function_argument arguments[FUNCTION_ARGUMENTS_MAX] = {0};
    for (uint32_t i = 0; i < ast->argument_count && i < FUNCTION_ARGUMENTS_MAX; i++)
        arguments[i] = describe(ast->arguments[i], &out->arguments[i]);
    bool found = function_find(NULL, ast->name.text, arguments, ast->argument_count, NULL,
                               builder->context->profile, &out->function, builder->error);
    if (!found)
        cql_error_at(builder->error, builder->statement->text, ast->at);
    return found;
}

bool selector_compile_function(struct plan_builder *builder, const struct ast_selector *ast,
                               struct selection *selection, struct selector *out)
{
    out->kind = SELECT_FUNCTION;
    out->argument_count = ast->argument_count;
    out->arguments = arena_calloc(builder->arena, ast->argument_count + 1, sizeof *out->arguments);
    if (!out->arguments)
        return build_nomem(builder);
    /* What the others are decides what a literal has to be. */
    for (uint32_t i = 0; i < ast->argument_count; i++)
        if (ast->arguments[i]->kind != SELECTOR_TERM &&
            !selector_compile(builder, ast->arguments[i], NULL, selection, &out->arguments[i]))
            return false;
    if (!find(builder, ast, out))
        return false;
    for (uint32_t i = 0; i < ast->argument_count; i++)
        if (ast->arguments[i]->kind == SELECTOR_TERM &&
            !selector_compile(builder, ast->arguments[i], out->function->arguments[i], selection,
                              &out->arguments[i]))
            return false;
    const char *name = arena_printf(builder->arena, "system.%s", out->function->name);
    out->type = out->function->returns;
    out->name = name ? selector_call_name(builder, name, out->arguments, out->argument_count) : NULL;
    return out->name ? true : build_nomem(builder);
}

bool selector_compile_cast(struct plan_builder *builder, const struct ast_selector *ast,
                           struct selection *selection, struct selector *out)
{
    out->kind = SELECT_CAST;
    out->argument_count = 1;
    out->arguments = arena_calloc(builder->arena, 1, sizeof *out->arguments);
    if (!out->arguments)
        return build_nomem(builder);
    if (!type_resolve(ast->cast_type, builder->table->keyspace, builder->context->catalog,
                      builder->context->profile, builder->arena, &out->type, builder->error) ||
        !selector_compile(builder, ast->arguments[0], NULL, selection, &out->arguments[0]))
        return false;
    const struct selector *from = &out->arguments[0];
    const char *to = plan_type_text(builder->arena, out->type);
    if (type_equal(from->type, out->type)) {
        out->name = from->name;
        return true;
    }
    if (!function_can_cast(from->type, out->type))
        return BUILD_REFUSE_AT(builder, ast->at, MSG_CAST_UNSUPPORTED,
                               plan_type_text(builder->arena, from->type), to);
    out->name = arena_printf(builder->arena, "cast(%s as %s)", from->name, to);
    return out->name ? true : build_nomem(builder);
}

/* ---- run ---- */

bool selector_call(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                   const struct aggregate *aggregates, struct cql_value *out_value)
{
    struct cql_value values[FUNCTION_ARGUMENTS_MAX] = {{.kind = CQL_NULL}};
    const struct type *types[FUNCTION_ARGUMENTS_MAX] = {0};
    for (uint32_t i = 0; i < selector->argument_count && i < FUNCTION_ARGUMENTS_MAX; i++) {
        types[i] = selector->arguments[i].type;
        if (!selector_value(&selector->arguments[i], run, slots, aggregates, &values[i]))
            return false;
    }
    if (selector->kind == SELECT_CAST)
        return plan_cast(run, types[0], selector->type, values[0], out_value);
    return plan_call(run, selector->function, types, values, out_value);
}
