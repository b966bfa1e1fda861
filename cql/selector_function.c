/*
 * selector_function.c: calls, operators and casts among selectors.
 *
 * What the arguments are decides which overload is meant, and that decides what type a literal among them takes. So the
 * arguments that are no literals are compiled first.
 */
#include "cql/restriction.h"
#include "cql/selector_internal.h"
#include "cql/type_resolve.h"

/* ---- token() ---- */

static bool compile_token(struct plan_builder *builder, const struct ast_selector *ast,
                          struct selection *selection, struct selector *out)
{
    const struct cql_table *table = builder->table;
    if (ast->argument_count != table->partition_count)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_FUNCTION_COUNT, "system.token",
                               (unsigned)table->partition_count, (unsigned)ast->argument_count);
    if (!selector_arguments(builder, out, ast->argument_count))
        return false;
    for (uint32_t i = 0; i < ast->argument_count; i++) {
        if (!selector_compile(builder, ast->arguments[i], table->columns[i].type, selection,
                              &out->arguments[i]))
            return false;
        if (!type_equal(out->arguments[i].type, table->columns[i].type))
            return BUILD_REFUSE_AT(builder, ast->at, MSG_FUNCTION_ARGUMENT_TYPE, out->arguments[i].name,
                                   (unsigned)i, "system.token",
                                   plan_type_text(builder->arena, table->columns[i].type));
    }
    out->kind = SELECT_TOKEN;
    out->type = type_scalar(TYPE_BIGINT);
    out->name = selector_call_name(builder, "system.token", out->arguments, out->argument_count);
    return out->name ? true : build_nomem(builder);
}

/* ---- calls ---- */

/* A literal, a bind marker or arithmetic of nothing else: what it is depends on the overload. */
static bool is_open(const struct ast_selector *ast)
{
    return ast->kind == SELECTOR_TERM && ast->term->kind != TERM_CAST;
}

static struct function_argument describe(struct plan_builder *builder, const struct ast_selector *ast,
                                         const struct selector *compiled)
{
    if (!is_open(ast))
        return (struct function_argument){
            .kind = FUNCTION_ARGUMENT_TYPED, .type = compiled->type, .shown = compiled->name};
    const char *shown = ast->term->kind == TERM_NULL ? "NULL" : term_text(builder->arena, ast->term);
    if (ast->term->kind == TERM_LITERAL)
        return (struct function_argument){.kind = FUNCTION_ARGUMENT_LITERAL,
                                          .literal = ast->term->literal,
                                          .text = ast->term->text,
                                          .shown = shown};
    return (struct function_argument){.kind = FUNCTION_ARGUMENT_UNKNOWN,
                                      .shown = shown,
                                      .item_count = ast->term->kind == TERM_LIST ? ast->term->item_count : 0};
}

/* The arguments, and the call that they make of `name`. */
static bool compile_arguments(struct plan_builder *builder, const struct ast_selector *ast, const char *name,
                              const struct type *returns, struct selection *selection, struct selector *out)
{
    struct function_argument arguments[FUNCTION_ARGUMENTS_MAX] = {0};
    if (!selector_arguments(builder, out, ast->argument_count))
        return false;
    for (uint32_t i = 0; i < ast->argument_count; i++)
        if (!is_open(ast->arguments[i]) &&
            !selector_compile(builder, ast->arguments[i], NULL, selection, &out->arguments[i]))
            return false;
    for (uint32_t i = 0; i < ast->argument_count && i < FUNCTION_ARGUMENTS_MAX; i++)
        arguments[i] = describe(builder, ast->arguments[i], &out->arguments[i]);
    struct function_query query = {
        .keyspace = ast->call_keyspace.text,
        .name = name,
        .arguments = arguments,
        .count = ast->argument_count,
        .returns = returns,
        .selector = true,
        .profile = builder->context->profile,
    };
    if (!function_find(&query, builder->arena, &out->call, builder->error))
        return build_refused_at(builder, ast->at, false);
    for (uint32_t i = 0; i < ast->argument_count; i++)
        if (is_open(ast->arguments[i]) &&
            !selector_compile(builder, ast->arguments[i], out->call.arguments[i], selection,
                              &out->arguments[i]))
            return false;
    out->kind = SELECT_FUNCTION;
    out->type = out->call.returns;
    return true;
}

bool selector_compile_call(struct plan_builder *builder, const struct ast_selector *ast,
                           struct selection *selection, struct selector *out)
{
    const char *keyspace = ast->call_keyspace.text, *name = ast->name.text;
    if (strcmp(name, "token") == 0 && (!keyspace || strcmp(keyspace, "system") == 0))
        return compile_token(builder, ast, selection, out);
    uint32_t aggregates = selection->aggregate_count;
    if (!compile_arguments(builder, ast, name, NULL, selection, out))
        return false;
    const struct function *function = out->call.function;
    if (function->is_aggregate) {
        if (selection->aggregate_count != aggregates)
            return BUILD_REFUSE_AT(builder, ast->at, MSG_AGGREGATE_NESTED);
        out->kind = SELECT_AGGREGATE;
        out->aggregate_at = selection->aggregate_count++;
    }
    const char *shown = arena_printf(builder->arena, "system.%s", function_shown(function));
    out->name = shown ? selector_call_name(builder, shown, out->arguments, out->argument_count) : NULL;
    return out->name ? true : build_nomem(builder);
}

/* ---- operators ---- */

bool selector_compile_operation(struct plan_builder *builder, const struct ast_selector *ast,
                                const struct type *wanted, struct selection *selection, struct selector *out)
{
    char op = *ast->name.text;
    bool unary = ast->argument_count == 1;
    if (!compile_arguments(builder, ast, function_of_operator(op, unary), wanted, selection, out))
        return false;
    const char *names[2] = {NULL, NULL};
    for (uint32_t i = 0; i < out->argument_count; i++) {
        const struct ast_selector *operand = ast->arguments[i];
        bool grouped = operand->parenthesised && operand->kind == SELECTOR_OPERATION;
        names[i] =
            grouped ? arena_printf(builder->arena, "(%s)", out->arguments[i].name) : out->arguments[i].name;
    }
    out->name = unary ? arena_printf(builder->arena, "-%s", names[0] ? names[0] : "")
                      : arena_printf(builder->arena, "%s %c %s", names[0] ? names[0] : "", op,
                                     names[1] ? names[1] : "");
    return out->name ? true : build_nomem(builder);
}

/* ---- casts ---- */

/* The casts to a type, as Cassandra lists them; empty when there are none. */
static const char *cast_signatures(struct plan_builder *builder, const struct type *to)
{
    const char *name = plan_type_text(builder->arena, to), *text = "";
    for (int id = TYPE_ASCII; id <= TYPE_DURATION && text; id++) {
        const struct type *from = type_scalar((enum type_id)id);
        if (!from || type_equal(from, to) || !function_can_cast(from, to))
            continue;
        text = arena_printf(builder->arena, "%s%ssystem.cast_as_%s : (%s) -> %s", text, *text ? ", " : "",
                            name, type_scalar_name(from->id), name);
    }
    return text;
}

static bool refuse_cast(struct plan_builder *builder, const struct ast_selector *ast,
                        const struct selection *selection, const struct type *from, const struct type *to)
{
    const char *signatures = cast_signatures(builder, to), *wanted = plan_type_text(builder->arena, to);
    const char *given = plan_type_text(builder->arena, from);
    if (!signatures)
        return build_nomem(builder);
    if (!*signatures)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_CAST_UNSUPPORTED, given, wanted,
                               selection->first_column ? selection->first_column : given);
    return BUILD_REFUSE_AT(builder, ast->at, MSG_CAST_ARGUMENT, given, wanted, signatures);
}

bool selector_compile_cast(struct plan_builder *builder, const struct ast_selector *ast,
                           struct selection *selection, struct selector *out)
{
    out->kind = SELECT_CAST;
    if (!selector_arguments(builder, out, 1))
        return false;
    if (!type_resolve(ast->cast_type, builder->table->keyspace, builder->context->catalog,
                      builder->context->profile, builder->arena, &out->type, builder->error) ||
        !selector_compile(builder, ast->arguments[0], NULL, selection, &out->arguments[0]))
        return false;
    const struct selector *from = &out->arguments[0];
    const char *to = plan_type_text(builder->arena, out->type);
    if (type_equal(from->type, out->type)) {
        out->call.arguments[0] = from->type;
        out->name = from->name;
        return true;
    }
    out->call.arguments[0] = from->type;
    if (!function_can_cast(from->type, out->type))
        out->call.arguments[0] = function_cast_stand_in(from->type, out->type, builder->context->profile);
    if (!out->call.arguments[0])
        return refuse_cast(builder, ast, selection, from->type, out->type);
    out->name = arena_printf(builder->arena, "cast(%s as %s)", from->name, to);
    return out->name ? true : build_nomem(builder);
}
