/*
 * selector_cell.c: WRITETIME and TTL: what is known of the cells of a column, or of those that a part of it stands in (TS-16,
 * TTL-6, TTL-8).
 */
#include "cql/selector_internal.h"
#include "cql/type_internal.h"

/* What is known of one cell; not `there`: null. */
struct cell_fact {
    bool there;
    int32_t ttl_s;
    int64_t timestamp, expiry_s;
};

/* Of one cell (items[0]), or of each element or field of something that is made of several. */
struct cell_facts {
    bool several;
    struct cell_fact *items; /* scratch */
    uint32_t count;
};

/* ---- compile ---- */

static const struct selector *column_of(const struct selector *selector)
{
    while (selector->kind != SELECT_COLUMN)
        selector = &selector->arguments[0];
    return selector;
}

static bool is_several(const struct selector *of)
{
    if (of->kind == SELECT_SLICE)
        return is_several(&of->arguments[0]);
    return of->kind == SELECT_COLUMN && type_is_multicell(of->type);
}

static bool check_part(struct plan_builder *builder, const struct ast_selector *ast,
                       const struct selector *of)
{
    const struct cql_target *target = builder->context->target;
    const char *function = ast->name.text;
    bool part = of->kind != SELECT_COLUMN;
    if (target->collection_facts || (!part && !type_is_multicell(of->type)))
        return true;
    if (!target->part_facts || !part)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_WRITETIME_COLLECTION, function);
    const struct selector *inner = &of->arguments[0];
    bool subscript = of->kind == SELECT_ELEMENT;
    bool fits = inner->kind == SELECT_COLUMN && type_is_multicell(inner->type) &&
                inner->type->id != TYPE_LIST && (subscript || of->kind == SELECT_FIELD);
    return fits || BUILD_REFUSE_AT(builder, ast->at, subscript ? MSG_WRITETIME_ELEMENT : MSG_WRITETIME_FIELD,
                                   ast->kind == SELECTOR_TTL ? "TTL" : "WRITETIME");
}

bool selector_compile_cell(struct plan_builder *builder, const struct ast_selector *ast,
                           struct selection *selection, struct selector *out)
{
    bool ttl = ast->kind == SELECTOR_TTL;
    const char *function = ast->name.text;
    if (!selector_arguments(builder, out, 1) ||
        !selector_compile(builder, ast->arguments[0], NULL, selection, &out->arguments[0]))
        return false;
    const struct selector *of = &out->arguments[0];
    const struct cql_column *column = &builder->table->columns[column_of(of)->ordinal];
    if (column->kind == COLUMN_PARTITION || column->kind == COLUMN_CLUSTERING)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_WRITETIME_KEY, function, column->name);
    if (!check_part(builder, ast, of))
        return false;
    out->kind = ttl ? SELECT_TTL : SELECT_WRITETIME;
    out->which = function[0] != 'm' ? CELL_EACH : function[1] == 'a' ? CELL_NEWEST : CELL_OLDEST;
    out->type = type_scalar(ttl ? TYPE_INT : TYPE_BIGINT);
    if (is_several(of) && out->which == CELL_EACH)
        out->type = type_list(builder->arena, out->type, false);
    out->name = selector_call_name(builder, function, out->arguments, 1);
    return out->type && out->name ? true : build_nomem(builder);
}

/* ---- which cells ---- */

static bool facts_of(const struct selector *of, struct plan_run *run, const struct row_slots *slots,
                     struct cell_facts *out);

static struct cell_fact fact_of_element(const struct element *element)
{
    return (struct cell_fact){true, element->ttl_s, element->timestamp, element->expiry_s};
}

static bool facts_of_column(const struct selector *of, struct plan_run *run, const struct row_slots *slots,
                            struct cell_facts *out)
{
    const struct row_slot *slot = &slots->items[of->ordinal];
    bool fields = of->type->id == TYPE_UDT;
    *out = (struct cell_facts){.several = is_several(of)};
    if (!slot->present)
        return true;
    out->count = !out->several ? 1 : fields ? of->type->member_count : slot->element_count;
    out->items = arena_calloc(run->scratch, (size_t)out->count + 1, sizeof *out->items);
    if (!out->items)
        return run_nomem(run);
    if (!out->several)
        out->items[0] = (struct cell_fact){true, slot->ttl_s, slot->timestamp, slot->expiry_s};
    for (uint32_t i = 0; i < slot->element_count && out->several; i++)
        out->items[fields ? element_field(&slot->elements[i]) : i] = fact_of_element(&slot->elements[i]);
    return true;
}

/* The keys of a set or map from *out_from on, *out_count of them, that a selector takes. */
static bool find_range(const struct selector *of, struct plan_run *run, const struct row_slots *slots,
                       uint32_t *out_from, uint32_t *out_count)
{
    const struct type *type = of->arguments[0].type;
    bool slice = of->kind == SELECT_SLICE;
    struct cql_value whole, first, last;
    if (!selector_value(&of->arguments[0], run, slots, NULL, &whole) ||
        !selector_value(&of->arguments[1], run, slots, NULL, &first) ||
        !selector_value(&of->arguments[slice ? 2 : 1], run, slots, NULL, &last))
        return false;
    *out_from = *out_count = 0;
    if (whole.kind != CQL_VALUE || first.kind == CQL_NULL || last.kind == CQL_NULL)
        return true;
    if (!slice && first.kind == CQL_UNSET)
        return RUN_REFUSE(run, MSG_UNSET_CONDITION, of->name);
    struct type_items items = type_items_of(type, whole.bytes);
    struct slice key;
    bool null;
    while (type_items_next(&items, &key, &null)) {
        struct slice value;
        if (type->id == TYPE_MAP && !type_items_next(&items, &value, &null))
            break;
        if (first.kind == CQL_VALUE && type_compare(type->first, key, first.bytes) < 0)
            ++*out_from;
        else if (last.kind != CQL_VALUE || type_compare(type->first, key, last.bytes) <= 0)
            ++*out_count;
    }
    return true;
}

static bool facts_of_keys(const struct selector *of, struct plan_run *run, const struct row_slots *slots,
                          struct cell_facts *out)
{
    uint32_t from, count;
    if (!facts_of(&of->arguments[0], run, slots, out) || !find_range(of, run, slots, &from, &count))
        return false;
    if (!count) {
        out->count = 0;
    } else if (out->several) {
        out->items += from;
        out->count = count;
    }
    out->several &= of->kind == SELECT_SLICE;
    return true;
}

static bool facts_of_field(const struct selector *of, struct plan_run *run, const struct row_slots *slots,
                           struct cell_facts *out)
{
    struct cql_value value;
    if (!facts_of(&of->arguments[0], run, slots, out) || !selector_value(of, run, slots, NULL, &value))
        return false;
    if (value.kind != CQL_VALUE) {
        out->count = 0;
    } else if (out->several) {
        out->items += of->ordinal;
        out->count = 1;
    }
    out->several = false;
    return true;
}

static bool facts_of(const struct selector *of, struct plan_run *run, const struct row_slots *slots,
                     struct cell_facts *out)
{
    switch (of->kind) {
    case SELECT_COLUMN: return facts_of_column(of, run, slots, out);
    case SELECT_FIELD: return facts_of_field(of, run, slots, out);
    default: return facts_of_keys(of, run, slots, out);
    }
}

/* ---- values ---- */

static void put_fact(const struct selector *selector, const struct plan_run *run,
                     const struct cell_fact *fact, struct buffer *out)
{
    if (selector->kind == SELECT_WRITETIME)
        buffer_append_be64(out, (uint64_t)fact->timestamp);
    else
        buffer_append_be32(out, (uint32_t)(fact->expiry_s - run->now_s));
}

static bool has_fact(const struct selector *selector, const struct cell_fact *fact)
{
    return fact->there && (selector->kind == SELECT_WRITETIME || fact->ttl_s);
}

static const struct cell_fact *choose(const struct selector *selector, const struct cell_facts *facts)
{
    const struct cell_fact *best = NULL;
    for (uint32_t i = 0; i < facts->count; i++) {
        const struct cell_fact *fact = &facts->items[i];
        if (has_fact(selector, fact) &&
            (!best || (selector->which == CELL_NEWEST && fact->timestamp > best->timestamp) ||
             (selector->which == CELL_OLDEST && fact->timestamp < best->timestamp)))
            best = fact;
    }
    return best;
}

static void put_each(const struct selector *selector, const struct plan_run *run,
                     const struct cell_facts *facts, struct buffer *out)
{
    buffer_append_be32(out, facts->count);
    for (uint32_t i = 0; i < facts->count; i++) {
        if (!has_fact(selector, &facts->items[i])) {
            buffer_append_be32(out, UINT32_MAX);
            continue;
        }
        buffer_append_be32(out, selector->kind == SELECT_WRITETIME ? 8 : 4);
        put_fact(selector, run, &facts->items[i], out);
    }
}

bool selector_cell_value(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                         struct cql_value *out_value)
{
    struct cell_facts facts;
    struct buffer *wire = &run->workspace->value;
    *out_value = (struct cql_value){.kind = CQL_NULL};
    if (!facts_of(&selector->arguments[0], run, slots, &facts))
        return false;
    bool each = facts.several && selector->which == CELL_EACH;
    const struct cell_fact *chosen = each ? NULL : choose(selector, &facts);
    if (each ? !facts.count : !chosen)
        return true;
    buffer_clear(wire);
    if (each)
        put_each(selector, run, &facts, wire);
    else
        put_fact(selector, run, chosen, wire);
    *out_value = (struct cql_value){.kind = CQL_VALUE, .bytes = arena_copy(run->scratch, buffer_slice(wire))};
    return out_value->bytes.data ? true : run_nomem(run);
}
