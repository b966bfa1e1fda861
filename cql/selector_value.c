/*
 * selector_value.c: what selectors yield for a row, or for a group of rows.
 */
#include <string.h>

#include "cql/selector_internal.h"

static bool put_bigint(struct plan_run *run, int64_t value, struct cql_value *out)
{
    uint8_t *wire = arena_bytes(run->scratch, 8);
    if (!wire)
        return run_nomem(run);
    store_be64(wire, (uint64_t)value);
    *out = (struct cql_value){.kind = CQL_VALUE, .bytes = slice_of(wire, 8)};
    return true;
}

static bool token_value(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                        const struct aggregate *aggregates, struct cql_value *out)
{
    struct buffer *key = &run->workspace->key;
    buffer_clear(key);
    bool composite = selector->argument_count > 1;
    for (uint32_t i = 0; i < selector->argument_count; i++) {
        struct cql_value value;
        if (!selector_value(&selector->arguments[i], run, slots, aggregates, &value))
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
    bool least = !key->bytes && run->context->target->empty_has_least_token;
    return put_bigint(run, least ? INT64_MIN : partition_key_of(buffer_slice(key)).token, out);
}

static bool call_value(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                       const struct aggregate *aggregates, struct cql_value *out_value)
{
    struct cql_value values[FUNCTION_ARGUMENTS_MAX] = {{.kind = CQL_NULL}};
    for (uint32_t i = 0; i < selector->argument_count && i < FUNCTION_ARGUMENTS_MAX; i++)
        if (!selector_value(&selector->arguments[i], run, slots, aggregates, &values[i]))
            return false;
    return plan_call(run, &selector->call, values, out_value);
}

static bool cast_value(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                       const struct aggregate *aggregates, struct cql_value *out_value)
{
    struct cql_value value;
    return selector_value(&selector->arguments[0], run, slots, aggregates, &value) &&
           plan_cast(run, selector->call.arguments[0], selector->type, value, out_value);
}

bool selector_value(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                    const struct aggregate *aggregates, struct cql_value *out_value)
{
    const struct row_slot *slot = selector->kind == SELECT_COLUMN ? &slots->items[selector->ordinal] : NULL;
    *out_value = (struct cql_value){.kind = CQL_NULL};
    switch (selector->kind) {
    case SELECT_COLUMN:
        if (slot->present)
            *out_value = (struct cql_value){.kind = CQL_VALUE, .bytes = slot->value};
        return true;
    case SELECT_WRITETIME:
    case SELECT_TTL: return selector_cell_value(selector, run, slots, out_value);
    case SELECT_TOKEN: return token_value(selector, run, slots, aggregates, out_value);
    case SELECT_FUNCTION: return call_value(selector, run, slots, aggregates, out_value);
    case SELECT_CAST: return cast_value(selector, run, slots, aggregates, out_value);
    case SELECT_FIELD:
    case SELECT_ELEMENT:
    case SELECT_SLICE:
    case SELECT_ITEMS: return selector_part_value(selector, run, slots, aggregates, out_value);
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
        aggregate_init(&aggregates[selector->aggregate_at], selector->call.function->aggregate,
                       selector->argument_count ? selector->arguments[0].type : NULL, run->scratch,
                       run->context->target->average_runs);
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

/* Letters in a name that is not all lower case: JSON puts it in quotes of its own. */
static bool needs_quotes(const char *name)
{
    for (; *name; name++)
        if (*name >= 'A' && *name <= 'Z')
            return true;
    return false;
}

static void put_member_name(struct buffer *out, const char *name)
{
    struct buffer quoted = {0};
    const char *quote = needs_quotes(name) ? "\"" : "";
    buffer_printf(&quoted, "%s%s%s", quote, name, quote);
    type_json(out, type_scalar(TYPE_TEXT), buffer_slice(&quoted));
    out->failed |= quoted.failed;
    buffer_deinit(&quoted);
}

/* FUN-8: {"k": 1, "\"V\"": null} as one cell. */
static bool emit_json(const struct selection *selection, struct plan_run *run, const struct row_slots *slots,
                      const struct aggregate *aggregates)
{
    struct buffer text = {0};
    bool made = true;
    buffer_printf(&text, "{");
    for (uint32_t i = 0; i < selection->count && made; i++) {
        struct cql_value value;
        made = selector_value(&selection->items[i], run, slots, aggregates, &value);
        buffer_printf(&text, "%s", i ? ", " : "");
        put_member_name(&text, selection->names[i]);
        buffer_printf(&text, ": ");
        if (made && value.kind == CQL_VALUE)
            type_json_for(&text, selection->items[i].type, value.bytes, run->context->target);
        else
            buffer_printf(&text, "null");
    }
    buffer_printf(&text, "}");
    if (made && text.failed)
        made = run_nomem(run);
    if (made)
        cql_result_cell(run->result, buffer_slice(&text));
    buffer_deinit(&text);
    run->result->row_count++;
    return made && run->result->rows.failed ? run_nomem(run) : made;
}

bool selection_emit(const struct selection *selection, struct plan_run *run, const struct row_slots *slots,
                    const struct aggregate *aggregates)
{
    struct cql_result *result = run->result;
    if (selection->plain)
        return emit_plain(selection, run, slots);
    if (selection->json)
        return emit_json(selection, run, slots, aggregates);
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
