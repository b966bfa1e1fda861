#include "cql/selector.h"

#include <string.h>

#include "cql/selector_internal.h"

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

static bool compile_cell_fact(struct plan_builder *builder, const struct ast_selector *ast,
                              struct selection *selection, struct selector *out)
{
    bool ttl = ast->kind == SELECTOR_TTL;
    const char *function = ttl ? "ttl" : "writetime";
    if (!compile_column(builder, ast, selection, out))
        return false;
    const struct cql_column *column = &builder->table->columns[out->ordinal];
    if (column->kind == COLUMN_PARTITION || column->kind == COLUMN_CLUSTERING)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_WRITETIME_KEY, function, column->name);
    if (type_is_multicell(column->type))
        return BUILD_REFUSE_AT(builder, ast->at, MSG_WRITETIME_COLLECTION, function);
    out->kind = ttl ? SELECT_TTL : SELECT_WRITETIME;
    out->type = type_scalar(ttl ? TYPE_INT : TYPE_BIGINT);
    out->name = arena_printf(builder->arena, "%s(%s)", function, column->name);
    return out->name ? true : build_nomem(builder);
}

const char *selector_call_name(struct plan_builder *builder, const char *function,
                               const struct selector *arguments, uint32_t count)
{
    char *inner = arena_printf(builder->arena, "%s", count ? arguments[0].name : "");
    for (uint32_t i = 1; inner && i < count; i++)
        inner = arena_printf(builder->arena, "%s, %s", inner, arguments[i].name);
    return inner ? arena_printf(builder->arena, "%s(%s)", function, inner) : NULL;
}

static bool compile_token(struct plan_builder *builder, const struct ast_selector *ast,
                          struct selection *selection, struct selector *out)
{
    const struct cql_table *table = builder->table;
    if (ast->argument_count != table->partition_count)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_FUNCTION_COUNT, "system.token",
                               (unsigned)table->partition_count, (unsigned)ast->argument_count);
    out->argument_count = ast->argument_count;
    out->arguments = arena_calloc(builder->arena, ast->argument_count, sizeof *out->arguments);
    if (!out->arguments)
        return build_nomem(builder);
    for (uint32_t i = 0; i < ast->argument_count; i++) {
        if (!selector_compile(builder, ast->arguments[i], table->columns[i].type, selection,
                              &out->arguments[i]))
            return false;
        if (!type_equal(out->arguments[i].type, table->columns[i].type))
            return BUILD_REFUSE_AT(builder, ast->at, MSG_FUNCTION_ARGUMENT_TYPE, out->arguments[i].name,
                                   (unsigned)i, "system.token", table->columns[i].name);
    }
    out->kind = SELECT_TOKEN;
    out->type = type_scalar(TYPE_BIGINT);
    out->name = selector_call_name(builder, "system.token", out->arguments, out->argument_count);
    return out->name ? true : build_nomem(builder);
}

static bool compile_aggregate(struct plan_builder *builder, const struct ast_selector *ast,
                              enum aggregate_kind kind, struct selection *selection, struct selector *out)
{
    out->kind = SELECT_AGGREGATE;
    out->aggregate = kind;
    if (kind == AGGREGATE_COUNT_ALL) {
        out->name = "count";
        out->type = type_scalar(TYPE_BIGINT);
        out->aggregate_at = selection->aggregate_count++;
        return true;
    }
    const char *function = arena_printf(builder->arena, "system.%s", aggregate_name(kind));
    out->arguments = arena_calloc(builder->arena, 1, sizeof *out->arguments);
    if (!function || !out->arguments)
        return build_nomem(builder);
    if (ast->argument_count != 1)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_FUNCTION_COUNT, function, 1u,
                               (unsigned)ast->argument_count);
    uint32_t before = selection->aggregate_count;
    if (!selector_compile(builder, ast->arguments[0], NULL, selection, &out->arguments[0]))
        return false;
    if (selection->aggregate_count != before)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_AGGREGATE_NESTED);
    out->argument_count = 1;
    out->type = aggregate_type(kind, out->arguments[0].type);
    if (!out->type) {
        const char *refused = arena_printf(builder->arena, "%s of column %s: its type", aggregate_name(kind),
                                           out->arguments[0].name);
        return BUILD_REFUSE_AT(builder, ast->at, MSG_NOT_SUPPORTED, refused ? refused : "aggregate");
    }
    out->aggregate_at = selection->aggregate_count++;
    out->name = selector_call_name(builder, function, out->arguments, 1);
    return out->name ? true : build_nomem(builder);
}

static bool compile_call(struct plan_builder *builder, const struct ast_selector *ast,
                         struct selection *selection, struct selector *out)
{
    enum aggregate_kind kind;
    if (strcmp(ast->name.text, "token") == 0)
        return compile_token(builder, ast, selection, out);
    if (aggregate_named(ast->name.text, &kind))
        return compile_aggregate(builder, ast, kind, selection, out);
    return selector_compile_function(builder, ast, selection, out);
}

bool selector_compile(struct plan_builder *builder, const struct ast_selector *ast, const struct type *wanted,
                      struct selection *selection, struct selector *out)
{
    *out = (struct selector){0};
    switch (ast->kind) {
    case SELECTOR_COLUMN: return compile_column(builder, ast, selection, out);
    case SELECTOR_WRITETIME:
    case SELECTOR_TTL: return compile_cell_fact(builder, ast, selection, out);
    case SELECTOR_COUNT_ALL: return compile_aggregate(builder, ast, AGGREGATE_COUNT_ALL, selection, out);
    case SELECTOR_CALL: return compile_call(builder, ast, selection, out);
    case SELECTOR_CAST: return selector_compile_cast(builder, ast, selection, out);
    case SELECTOR_TERM:
        if (!wanted)
            return BUILD_REFUSE_AT(builder, ast->at, MSG_NOT_SUPPORTED,
                                   "literals and bind markers as selectors");
        out->kind = SELECT_TERM;
        out->type = wanted;
        out->name = arena_printf(builder->arena, "%.*s", (int)ast->term->text.bytes,
                                 ast->term->text.bytes ? (const char *)ast->term->text.data : "");
        return out->name ? term_compile(builder, ast->term, out->name, wanted, &out->term)
                         : build_nomem(builder);
    case SELECTOR_FIELD: return BUILD_REFUSE_AT(builder, ast->at, MSG_NOT_SUPPORTED, "selection of fields");
    case SELECTOR_ELEMENT:
        return BUILD_REFUSE_AT(builder, ast->at, MSG_NOT_SUPPORTED, "selection of collection elements");
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

static bool make_columns(struct plan_builder *builder, const struct ast_select *select,
                         const struct selection *selection)
{
    struct plan *plan = builder->plan;
    plan->columns = arena_calloc(builder->arena, selection->count, sizeof *plan->columns);
    if (!plan->columns)
        return build_nomem(builder);
    plan->column_count = selection->count;
    for (uint32_t i = 0; i < selection->count; i++) {
        const char *alias = selection->all ? NULL : select->selectors[i]->alias.text;
        plan->columns[i] = (struct cql_column_spec){
            .keyspace = builder->table->keyspace,
            .table = builder->table->name,
            .name = alias ? alias : selection->items[i].name,
            .type = selection->items[i].type,
        };
    }
    return true;
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
            if (!selector_compile(builder, select->selectors[i], NULL, out, &out->items[i]))
                return false;
    }
    out->plain = true;
    for (uint32_t i = 0; i < out->count; i++)
        out->plain &= out->items[i].kind == SELECT_COLUMN;
    return make_columns(builder, select, out);
}

/* ---- run ---- */

static bool put_integer(struct plan_run *run, int64_t value, size_t bytes, struct cql_value *out)
{
    uint8_t *wire = arena_bytes(run->scratch, bytes);
    if (!wire)
        return run_nomem(run);
    if (bytes == 8)
        store_be64(wire, (uint64_t)value);
    else
        store_be32(wire, (uint32_t)value);
    *out = (struct cql_value){.kind = CQL_VALUE, .bytes = slice_of(wire, bytes)};
    return true;
}

static bool token_value(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                        struct cql_value *out)
{
    struct buffer *key = &run->workspace->key;
    buffer_clear(key);
    bool composite = selector->argument_count > 1;
    for (uint32_t i = 0; i < selector->argument_count; i++) {
        struct cql_value value;
        if (!selector_value(&selector->arguments[i], run, slots, NULL, &value))
            return false;
        if (value.kind != CQL_VALUE) {
            *out = (struct cql_value){.kind = CQL_NULL};
            return true;
        }
        if (composite)
            buffer_append_be16(key, (uint16_t)value.bytes.bytes);
        buffer_append_slice(key, value.bytes);
        if (composite)
            buffer_append_u8(key, 0);
    }
    return put_integer(run, partition_key_of(buffer_slice(key)).token, 8, out);
}

bool selector_value(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                    const struct aggregate *aggregates, struct cql_value *out_value)
{
    const struct row_slot *slot = &slots->items[selector->ordinal];
    *out_value = (struct cql_value){.kind = CQL_NULL};
    switch (selector->kind) {
    case SELECT_COLUMN:
        if (slot->present)
            *out_value = (struct cql_value){.kind = CQL_VALUE, .bytes = slot->value};
        return true;
    case SELECT_WRITETIME: return slot->present ? put_integer(run, slot->timestamp, 8, out_value) : true;
    case SELECT_TTL:
        return slot->present && slot->ttl_s ? put_integer(run, slot->expiry_s - run->now_s, 4, out_value)
                                            : true;
    case SELECT_TOKEN: return token_value(selector, run, slots, out_value);
    case SELECT_FUNCTION:
    case SELECT_CAST: return selector_call(selector, run, slots, aggregates, out_value);
    case SELECT_TERM: return term_value(&selector->term, run, out_value);
    case SELECT_AGGREGATE:
        if (aggregate_result(&aggregates[selector->aggregate_at], !run->context->target->is_scylla,
                             out_value))
            return true;
        return RUN_REFUSE(run, MSG_SUM_OVERFLOW);
    }
    return RUN_REFUSE(run, MSG_INTERNAL, "unknown kind of selector");
}

/* Aggregates may stand inside functions, so the whole tree is walked. */
static bool add_row(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                    struct aggregate *aggregates)
{
    if (selector->kind == SELECT_AGGREGATE) {
        struct cql_value value = {.kind = CQL_NULL};
        if (selector->argument_count && !selector_value(&selector->arguments[0], run, slots, NULL, &value))
            return false;
        struct aggregate *aggregate = &aggregates[selector->aggregate_at];
        aggregate_add(aggregate, value);
        return aggregate->failed ? run_nomem(run) : true;
    }
    for (uint32_t i = 0; i < selector->argument_count; i++)
        if (!add_row(&selector->arguments[i], run, slots, aggregates))
            return false;
    return true;
}

bool selection_add_row(const struct selection *selection, struct plan_run *run, const struct row_slots *slots,
                       struct aggregate *aggregates)
{
    for (uint32_t i = 0; i < selection->count; i++)
        if (!add_row(&selection->items[i], run, slots, aggregates))
            return false;
    return true;
}

static void init_aggregates(const struct selector *selector, struct plan_run *run,
                            struct aggregate *aggregates)
{
    if (selector->kind == SELECT_AGGREGATE)
        aggregate_init(&aggregates[selector->aggregate_at], selector->aggregate,
                       selector->argument_count ? selector->arguments[0].type : NULL, run->scratch);
    for (uint32_t i = 0; i < selector->argument_count; i++)
        init_aggregates(&selector->arguments[i], run, aggregates);
}

void selection_init_aggregates(const struct selection *selection, struct plan_run *run,
                               struct aggregate *aggregates)
{
    for (uint32_t i = 0; i < selection->count; i++)
        init_aggregates(&selection->items[i], run, aggregates);
}

static bool emit_plain(const struct selection *selection, struct plan_run *run, const struct row_slots *slots)
{
    struct cql_result *result = run->result;
    size_t bytes = 4 * (size_t)selection->count;
    for (uint32_t i = 0; i < selection->count; i++) {
        const struct row_slot *slot = &slots->items[selection->items[i].ordinal];
        bytes += slot->present ? slot->value.bytes : 0;
    }
    uint8_t *at = buffer_extend(&result->rows, bytes);
    if (!at)
        return run_nomem(run);
    for (uint32_t i = 0; i < selection->count; i++) {
        const struct row_slot *slot = &slots->items[selection->items[i].ordinal];
        store_be32(at, slot->present ? (uint32_t)slot->value.bytes : UINT32_MAX);
        at += 4;
        if (!slot->present || !slot->value.bytes)
            continue;
        memcpy(at, slot->value.data, slot->value.bytes);
        at += slot->value.bytes;
    }
    result->row_count++;
    return true;
}

bool selection_emit(const struct selection *selection, struct plan_run *run, const struct row_slots *slots,
                    const struct aggregate *aggregates)
{
    struct cql_result *result = run->result;
    if (selection->plain)
        return emit_plain(selection, run, slots);
    for (uint32_t i = 0; i < selection->count; i++) {
        struct cql_value value;
        if (!selector_value(&selection->items[i], run, slots, aggregates, &value))
            return false;
        if (value.kind == CQL_VALUE)
            cql_result_cell(result, value.bytes);
        else
            cql_result_null(result);
    }
    result->row_count++;
    return result->rows.failed ? run_nomem(run) : true;
}
