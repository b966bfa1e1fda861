#include "cql/filter.h"

#include "cql/type_internal.h"

/* ---- values ---- */

static bool test_value(struct plan_run *run, struct filter *filter, const struct restriction *r,
                       const struct plan_term *term, struct slice *out)
{
    struct cql_value value;
    if (!term_value(term, run, &value))
        return false;
    if (value.kind == CQL_UNSET)
        return RUN_REFUSE(run, MSG_UNSET_WHERE, r->columns[0]->name);
    if (value.kind == CQL_NULL) {
        if (!run->context->target->null_matches_nothing)
            return RUN_REFUSE(run, r->entry ? MSG_ENTRY_NULL : MSG_NULL_WHERE, r->columns[0]->name);
        filter->never = true;
    }
    *out = value.bytes;
    return true;
}

static bool test_key(struct plan_run *run, struct filter *filter, struct filter_test *test)
{
    const struct restriction *r = test->restriction;
    struct cql_value key;
    if (!term_value(&r->key, run, &key))
        return false;
    if (key.kind == CQL_UNSET)
        return RUN_REFUSE(run, MSG_ENTRY_KEY_UNSET, r->columns[0]->name);
    if (key.kind == CQL_NULL && !run->context->target->null_matches_nothing)
        return RUN_REFUSE(run, MSG_ENTRY_KEY_NULL, r->columns[0]->name);
    filter->never |= key.kind == CQL_NULL;
    test->key = key.bytes;
    return true;
}

static bool test_list(struct plan_run *run, struct filter *filter, struct filter_test *test)
{
    const struct restriction *r = test->restriction;
    struct slice list = {0};
    struct cql_value *items = NULL;
    uint32_t count = r->item_count;
    if (r->whole_list) {
        if (!test_value(run, filter, r, &r->value, &list))
            return false;
        if (filter->never)
            return true;
        if (!term_items(run, list, &items, &count))
            return false;
    }
    test->values = arena_alloc(run->scratch, ((size_t)count + 1) * sizeof *test->values);
    if (!test->values)
        return run_nomem(run);
    for (uint32_t i = 0; i < count; i++) {
        struct cql_value value;
        if (items)
            value = items[i];
        else if (!term_value(&r->items[i], run, &value))
            return false;
        if (value.kind == CQL_UNSET)
            return RUN_REFUSE(run, MSG_UNSET_WHERE, r->columns[0]->name);
        if (value.kind == CQL_VALUE)
            test->values[test->value_count++] = value.bytes;
        else if (!run->context->target->null_in_list_skipped)
            return RUN_REFUSE(run, MSG_NULL_WHERE, r->columns[0]->name);
    }
    return true;
}

static bool test_open(struct plan_run *run, struct filter *filter, const struct restriction *r,
                      struct filter_test *test)
{
    *test = (struct filter_test){.restriction = r};
    test->ordinals = arena_alloc(run->scratch, r->column_count * sizeof *test->ordinals);
    if (!test->ordinals)
        return run_nomem(run);
    for (uint32_t i = 0; i < r->column_count; i++)
        test->ordinals[i] = (uint32_t)(r->columns[i] - filter->table->columns);
    if (r->entry && !test_key(run, filter, test))
        return false;
    if (r->op == OP_IN || r->op == OP_NOT_IN)
        return test_list(run, filter, test);
    test->values = arena_calloc(run->scratch, 1, sizeof *test->values);
    test->value_count = 1;
    return test->values ? test_value(run, filter, r, &r->value, test->values) : run_nomem(run);
}

bool filter_open(struct plan_run *run, const struct cql_table *table, const struct restriction *const *list,
                 uint32_t count, struct filter *out_filter)
{
    *out_filter = (struct filter){.table = table, .count = count};
    out_filter->tests = arena_alloc(run->scratch, ((size_t)count + 1) * sizeof *out_filter->tests);
    if (!out_filter->tests)
        return run_nomem(run);
    for (uint32_t i = 0; i < count; i++)
        if (!test_open(run, out_filter, list[i], &out_filter->tests[i]))
            return false;
    return true;
}

/* ---- rows ---- */

static size_t character_bytes(struct slice text)
{
    size_t bytes = 1;
    while (bytes < text.bytes && (text.data[bytes] & 0xc0) == 0x80)
        bytes++;
    return bytes;
}

static struct slice drop(struct slice text, size_t bytes)
{
    return slice_of(text.data + bytes, text.bytes - bytes);
}

bool filter_like(struct slice text, struct slice pattern)
{
    /* Where to go on when what follows the last % does not fit: one character further. */
    struct slice retry_text = {0}, retry_pattern = {0};
    bool can_retry = false;
    for (;;) {
        if (pattern.bytes && pattern.data[0] == '%') {
            pattern = drop(pattern, 1);
            retry_pattern = pattern;
            retry_text = text;
            can_retry = true;
            continue;
        }
        if (!pattern.bytes && !text.bytes)
            return true;
        bool fits = pattern.bytes && text.bytes;
        if (fits && pattern.data[0] == '_') {
            text = drop(text, character_bytes(text));
            pattern = drop(pattern, 1);
            continue;
        }
        size_t escape = fits && pattern.data[0] == '\\' && pattern.bytes > 1;
        if (fits && pattern.data[escape] == text.data[0]) {
            text = drop(text, 1);
            pattern = drop(pattern, 1 + escape);
            continue;
        }
        if (!can_retry || !retry_text.bytes)
            return false;
        retry_text = drop(retry_text, character_bytes(retry_text));
        text = retry_text;
        pattern = retry_pattern;
    }
}

bool filter_contains(const struct type *type, struct slice wire, struct slice wanted, bool keys)
{
    struct type_items items = type_items_of(type, wire);
    struct slice item;
    bool null, map = type->id == TYPE_MAP;
    for (uint32_t i = 0; type_items_next(&items, &item, &null); i++) {
        bool looked_at = !map || (i % 2 == 0) == keys;
        if (looked_at && !null && type_compare(type_item(type, i), item, wanted) == 0)
            return true;
    }
    return false;
}

/* m[key] = wanted */
static bool has_entry(const struct type *map, struct slice wire, struct slice key, struct slice wanted)
{
    struct slice value;
    bool null;
    return type_find_element(map, wire, key, &value, &null) && !null &&
           type_compare(map->second, value, wanted) == 0;
}

static bool order_fits(enum ast_operator op, int order)
{
    switch (op) {
    case OP_EQ:
    case OP_NOT_IN: /* any of them, and filter_passes() turns it round */
    case OP_IN: return order == 0;
    case OP_LT: return order < 0;
    case OP_LE: return order <= 0;
    case OP_GT: return order > 0;
    case OP_GE: return order >= 0;
    default: return false;
    }
}

static bool tuple_fits(const struct filter_test *test, const struct row_slots *slots, struct slice wire)
{
    struct reader in = reader_of(wire);
    int order = 0;
    for (uint32_t i = 0; i < test->restriction->column_count && !order; i++) {
        int32_t bytes = (int32_t)reader_be32(&in);
        struct slice value = reader_take(&in, bytes < 0 ? 0 : (size_t)bytes);
        const struct row_slot *slot = &slots->items[test->ordinals[i]];
        if (in.failed || bytes < 0 || !slot->present)
            return false;
        order = type_compare(test->restriction->columns[i]->type, slot->value, value);
    }
    return order_fits(test->restriction->op, order);
}

static bool value_fits(const struct filter_test *test, const struct row_slots *slots, struct slice value)
{
    const struct restriction *r = test->restriction;
    if (r->tuple)
        return tuple_fits(test, slots, value);
    const struct row_slot *slot = &slots->items[test->ordinals[0]];
    if (!slot->present)
        return false;
    if (r->entry)
        return has_entry(r->columns[0]->type, slot->value, test->key, value);
    switch (r->op) {
    case OP_LIKE: return filter_like(slot->value, value);
    case OP_CONTAINS: return filter_contains(r->columns[0]->type, slot->value, value, false);
    case OP_CONTAINS_KEY: return filter_contains(r->columns[0]->type, slot->value, value, true);
    default: return order_fits(r->op, type_compare(r->columns[0]->type, slot->value, value));
    }
}

bool filter_passes(const struct filter *filter, const struct row_slots *slots)
{
    if (filter->never)
        return false;
    for (uint32_t i = 0; i < filter->count; i++) {
        const struct filter_test *test = &filter->tests[i];
        bool fits = false;
        for (uint32_t j = 0; j < test->value_count && !fits; j++)
            fits = value_fits(test, slots, test->values[j]);
        if (test->restriction->op == OP_NOT_IN)
            fits = !fits && slots->items[test->ordinals[0]].present;
        if (!fits)
            return false;
    }
    return true;
}
