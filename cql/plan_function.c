/*
 * plan_function.c: calls of native functions among terms, and their evaluation.
 */
#include "cql/plan_internal.h"
#include "cql/restriction.h"
#include "cql/type_resolve.h"

const char *plan_type_text(struct arena *arena, const struct type *type)
{
    struct buffer name = {0};
    type_name(&name, type);
    const char *text = name.failed ? NULL : arena_text(arena, buffer_slice(&name));
    buffer_deinit(&name);
    return text ? text : "?";
}

/* ---- compile ---- */

static bool find(struct plan_builder *builder, const struct ast_term *ast, const struct type *returns,
                 struct function_call *out);

static bool describe_argument(struct plan_builder *builder, const struct ast_term *ast,
                              struct function_argument *out)
{
    struct function_call inner;
    *out = (struct function_argument){.kind = FUNCTION_ARGUMENT_UNKNOWN,
                                      .shown = term_text(builder->arena, ast),
                                      .item_count = ast->kind == TERM_LIST ? ast->item_count : 0};
    switch (ast->kind) {
    case TERM_LITERAL:
        out->kind = FUNCTION_ARGUMENT_LITERAL;
        out->literal = ast->literal;
        out->text = ast->text;
        return true;
    case TERM_CAST:
        out->kind = FUNCTION_ARGUMENT_TYPED;
        return type_resolve(ast->cast_type, builder->table->keyspace, builder->context->catalog,
                            builder->context->profile, builder->arena, &out->type, builder->error);
    case TERM_ARITHMETIC:
    case TERM_CALL:
        if (!find(builder, ast, NULL, &inner))
            return false;
        out->kind = FUNCTION_ARGUMENT_TYPED;
        out->type = inner.returns;
        return true;
    default: return true;
    }
}

static bool find(struct plan_builder *builder, const struct ast_term *ast, const struct type *returns,
                 struct function_call *out)
{
    struct function_argument arguments[FUNCTION_ARGUMENTS_MAX] = {0};
    for (uint32_t i = 0; i < ast->item_count && i < FUNCTION_ARGUMENTS_MAX; i++)
        if (!describe_argument(builder, ast->items[i], &arguments[i]))
            return false;
    bool operation = ast->kind == TERM_ARITHMETIC;
    struct function_query query = {
        .keyspace = ast->call_keyspace.text,
        .name = operation ? function_of_operator(*ast->name.text, ast->item_count == 1) : ast->name.text,
        .arguments = arguments,
        .count = ast->item_count,
        .returns = returns,
        .profile = builder->context->profile,
    };
    bool found = function_find(&query, builder->arena, out, builder->error);
    if (!found)
        cql_error_at(builder->error, builder->statement->text, ast->at);
    return found;
}

static bool compile_arguments(struct plan_builder *builder, const struct ast_term *ast, struct plan_term *out)
{
    out->argument_count = ast->item_count;
    out->arguments = arena_calloc(builder->arena, ast->item_count + 1, sizeof *out->arguments);
    if (!out->arguments)
        return build_nomem(builder);
    for (uint32_t i = 0; i < ast->item_count; i++) {
        const char *name = arena_printf(builder->arena, "arg%u(system.%s)", i, out->call->function->name);
        if (!name)
            return build_nomem(builder);
        if (!term_compile(builder, ast->items[i], name, out->call->arguments[i], &out->arguments[i]))
            return false;
    }
    return true;
}

bool term_type_fits(const struct type *result, const struct type *wanted)
{
    bool timeuuid_as_uuid = result->id == TYPE_TIMEUUID && wanted->id == TYPE_UUID;
    bool ascii_as_text = result->id == TYPE_ASCII && wanted->id == TYPE_TEXT;
    /* Integers in which Cassandra sees the values of another type. */
    static const struct {
        enum type_id result, wanted;
    } integers[] = {{TYPE_INT, TYPE_DATE},
                    {TYPE_INT, TYPE_VARINT},
                    {TYPE_BIGINT, TYPE_VARINT},
                    {TYPE_BIGINT, TYPE_TIME},
                    {TYPE_BIGINT, TYPE_TIMESTAMP}};
    for (size_t i = 0; i < ARRAY_LEN(integers); i++)
        if (result->id == integers[i].result && wanted->id == integers[i].wanted)
            return true;
    return type_equal(result, wanted) || timeuuid_as_uuid || ascii_as_text || wanted->id == TYPE_BLOB;
}

bool term_compile_call(struct plan_builder *builder, const struct ast_term *ast, struct plan_term *out)
{
    out->call = arena_calloc(builder->arena, 1, sizeof *out->call);
    if (!out->call)
        return build_nomem(builder);
    if (!find(builder, ast, out->type, out->call))
        return false;
    const struct function *function = out->call->function;
    if (function->is_aggregate)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_AGGREGATE_AS_VALUE, function->name);
    if (!term_type_fits(out->call->returns, out->type))
        return BUILD_REFUSE_AT(builder, ast->at, MSG_TYPE_ERROR,
                               arena_printf(builder->arena, "system.%s", function->name),
                               plan_type_text(builder->arena, out->call->returns), out->column,
                               plan_type_text(builder->arena, out->type));
    out->kind = PLAN_TERM_CALL;
    return compile_arguments(builder, ast, out);
}

/* ---- run ---- */

static struct function_environment environment_of(struct plan_run *run)
{
    struct plan_workspace *workspace = run->workspace;
    if (!workspace->seeded) {
        workspace->random.state = store_random(run->context->store);
        timeuuid_source_init(&workspace->timeuuids, store_random(run->context->store));
        workspace->seeded = true;
    }
    return (struct function_environment){
        .now_us = run->now_us,
        .random = &workspace->random,
        .timeuuids = &workspace->timeuuids,
        .profile = run->context->profile,
    };
}

static bool keep_value(struct plan_run *run, bool null, struct cql_value *out)
{
    struct buffer *wire = &run->workspace->value;
    *out = (struct cql_value){.kind = null ? CQL_NULL : CQL_VALUE};
    if (null)
        return true;
    out->bytes = arena_copy(run->scratch, buffer_slice(wire));
    return wire->failed || (wire->bytes && !out->bytes.data) ? run_nomem(run) : true;
}

bool plan_call(struct plan_run *run, const struct function_call *call, const struct cql_value *arguments,
               struct cql_value *out_value)
{
    struct function_environment environment = environment_of(run);
    bool null;
    for (uint32_t i = 0; i < call->function->argument_count; i++)
        if (arguments[i].kind == CQL_UNSET)
            return RUN_REFUSE(run, MSG_UNSET_CONDITION, call->function->name);
    buffer_clear(&run->workspace->value);
    return function_evaluate(call, arguments, &environment, &run->workspace->value, &null, run->error) &&
           keep_value(run, null, out_value);
}

bool plan_cast(struct plan_run *run, const struct type *from, const struct type *to, struct cql_value value,
               struct cql_value *out_value)
{
    bool null = false;
    if (value.kind != CQL_VALUE || type_equal(from, to)) {
        *out_value = value;
        return true;
    }
    buffer_clear(&run->workspace->value);
    return function_cast(from, to, value.bytes, run->context->profile, &run->workspace->value, &null,
                         run->error) &&
           keep_value(run, null, out_value);
}

bool term_call(const struct plan_term *term, struct plan_run *run, const struct cql_value *arguments,
               struct cql_value *out_value)
{
    return plan_call(run, term->call, arguments, out_value);
}
