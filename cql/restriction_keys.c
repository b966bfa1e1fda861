/*
 * restriction_keys.c: from restrictions and bound values to partition keys and tokens.
 */
#include "cql/restriction.h"

#include <stdlib.h>

/* ---- values ---- */

static bool value_present(struct plan_run *run, const struct restriction *restriction, struct cql_value value)
{
    const char *name = restriction->token ? "partition key token" : restriction->columns[0]->name;
    if (value.kind == CQL_VALUE)
        return true;
    if (value.kind == CQL_NULL && restriction->token)
        return RUN_REFUSE(run, MSG_NULL_TOKEN);
    return RUN_REFUSE(run, value.kind == CQL_NULL ? MSG_NULL_CONDITION : MSG_UNSET_CONDITION, name);
}

bool restriction_value(struct plan_run *run, const struct restriction *restriction, struct slice *out_value)
{
    struct cql_value value;
    if (!term_value(&restriction->value, run, &value) || !value_present(run, restriction, value))
        return false;
    *out_value = value.bytes;
    return true;
}

bool restriction_is_null(struct plan_run *run, const struct restriction *restriction, bool *out_null)
{
    struct cql_value value;
    if (!term_value(&restriction->value, run, &value))
        return false;
    *out_null = value.kind == CQL_NULL;
    return true;
}

static bool values_of_list(struct plan_run *run, const struct restriction *restriction,
                           struct slice **out_values, uint32_t *out_count)
{
    struct cql_value list, *items;
    if (!term_value(&restriction->value, run, &list))
        return false;
    if (list.kind == CQL_NULL)
        return RUN_REFUSE(run, MSG_NULL_VALUE, restriction->columns[0]->name);
    if (!value_present(run, restriction, list) || !term_items(run, list.bytes, &items, out_count))
        return false;
    struct slice *values = arena_alloc(run->scratch, (*out_count + 1) * sizeof *values);
    if (!values)
        return run_nomem(run);
    for (uint32_t i = 0; i < *out_count; i++) {
        if (!value_present(run, restriction, items[i]))
            return false;
        values[i] = items[i].bytes;
    }
    *out_values = values;
    return true;
}

bool restriction_values(struct plan_run *run, const struct restriction *restriction,
                        struct slice **out_values, uint32_t *out_count)
{
    if (restriction->whole_list)
        return values_of_list(run, restriction, out_values, out_count);
    bool in = restriction->op == OP_IN;
    uint32_t count = in ? restriction->item_count : 1;
    struct slice *values = arena_alloc(run->scratch, (count + 1) * sizeof *values);
    if (!values)
        return run_nomem(run);
    for (uint32_t i = 0; i < count; i++) {
        struct cql_value value;
        if (!term_value(in ? &restriction->items[i] : &restriction->value, run, &value) ||
            !value_present(run, restriction, value))
            return false;
        values[i] = value.bytes;
    }
    *out_values = values;
    *out_count = count;
    return true;
}

static uint32_t keep_common(const struct type *type, struct slice *values, uint32_t count,
                            const struct slice *allowed, uint32_t allowed_count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < allowed_count; j++)
            if (type_compare(type, values[i], allowed[j]) == 0) {
                values[kept++] = values[i];
                break;
            }
    return kept;
}

bool restrictions_column_values(struct plan_run *run, const struct restrictions *restrictions,
                                const struct cql_column *column, struct slice **out_values,
                                uint32_t *out_count)
{
    bool found = false;
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        if (r->tuple || r->token || r->columns[0] != column || (r->op != OP_EQ && r->op != OP_IN))
            continue;
        struct slice *values;
        uint32_t count;
        if (!restriction_values(run, r, &values, &count))
            return false;
        if (found) {
            *out_count = keep_common(column->type, *out_values, *out_count, values, count);
        } else {
            *out_values = values;
            *out_count = count;
            found = true;
        }
    }
    return true;
}

/* ---- partition keys ---- */

bool partition_key_compose(struct plan_run *run, const struct cql_table *table,
                           const struct slice *components, struct partition_key *out_key)
{
    if (table->partition_count == 1) {
        if (!components[0].bytes)
            return RUN_REFUSE(run, MSG_KEY_EMPTY);
        if (components[0].bytes > PARTITION_KEY_BYTES_MAX)
            return RUN_REFUSE(run, MSG_KEY_TOO_LONG, components[0].bytes);
        *out_key = partition_key_of(components[0]);
        return true;
    }
    size_t bytes = 0;
    for (uint32_t i = 0; i < table->partition_count; i++)
        bytes += components[i].bytes + 3;
    if (bytes > PARTITION_KEY_BYTES_MAX)
        return RUN_REFUSE(run, MSG_KEY_TOO_LONG, bytes);
    uint8_t *at = arena_bytes(run->scratch, bytes);
    if (!at)
        return run_nomem(run);
    struct slice key = slice_of(at, bytes);
    for (uint32_t i = 0; i < table->partition_count; i++) {
        store_be16(at, (uint16_t)components[i].bytes);
        if (components[i].bytes)
            memcpy(at + 2, components[i].data, components[i].bytes);
        at += 2 + components[i].bytes;
        *at++ = 0;
    }
    *out_key = partition_key_of(key);
    return true;
}

status partition_key_split(const struct cql_table *table, struct slice key, struct slice *out_components)
{
    if (table->partition_count == 1) {
        out_components[0] = key;
        return STATUS_DONE;
    }
    struct reader in = reader_of(key);
    for (uint32_t i = 0; i < table->partition_count; i++) {
        out_components[i] = reader_take(&in, reader_be16(&in));
        reader_u8(&in);
    }
    return reader_status(&in);
}

struct candidate {
    struct partition_key key;
    struct slice *components;
};

struct candidate_order {
    const struct cql_table *table;
    bool by_value;
};

static int candidate_compare(const void *left, const void *right, void *context)
{
    const struct candidate *a = left, *b = right;
    const struct candidate_order *order = context;
    if (order->by_value) {
        for (uint32_t i = 0; i < order->table->partition_count; i++) {
            int compared = type_compare(order->table->columns[i].type, a->components[i], b->components[i]);
            if (compared)
                return compared;
        }
    }
    return partition_key_compare(a->key, b->key);
}

static bool one_key(struct plan_run *run, const struct cql_table *table, struct slice *const *values,
                    struct partition_key **out_keys, uint32_t *out_count)
{
    struct slice *components = arena_alloc(run->scratch, table->partition_count * sizeof *components);
    struct partition_key *key = arena_alloc(run->scratch, sizeof *key);
    if (!components || !key)
        return run_nomem(run);
    for (uint32_t i = 0; i < table->partition_count; i++)
        components[i] = values[i][0];
    if (!partition_key_compose(run, table, components, key))
        return false;
    *out_keys = key;
    *out_count = 1;
    return true;
}

/* The n-th combination of values, the last component changing fastest. */
static bool combination(struct plan_run *run, const struct cql_table *table, struct slice *const *values,
                        const uint32_t *counts, size_t n, struct candidate *out)
{
    out->components = arena_alloc(run->scratch, table->partition_count * sizeof *out->components);
    if (!out->components)
        return run_nomem(run);
    for (uint32_t i = table->partition_count; i-- > 0;) {
        out->components[i] = values[i][n % counts[i]];
        n /= counts[i];
    }
    return partition_key_compose(run, table, out->components, &out->key);
}

static bool all_keys(struct plan_run *run, const struct cql_table *table, struct slice *const *values,
                     const uint32_t *counts, size_t product, struct partition_key **out_keys,
                     uint32_t *out_count)
{
    struct candidate *candidates = arena_alloc(run->scratch, product * sizeof *candidates);
    struct partition_key *keys = arena_alloc(run->scratch, product * sizeof *keys);
    if (!candidates || !keys)
        return run_nomem(run);
    for (size_t n = 0; n < product; n++)
        if (!combination(run, table, values, counts, n, &candidates[n]))
            return false;
    struct candidate_order order = {table, run->context->target->partition_in_by_value};
    qsort_r(candidates, product, sizeof *candidates, candidate_compare, &order);
    uint32_t count = 0;
    for (size_t n = 0; n < product; n++)
        if (!count || !slice_equal(keys[count - 1].bytes, candidates[n].key.bytes))
            keys[count++] = candidates[n].key;
    *out_keys = keys;
    *out_count = count;
    return true;
}

bool restrictions_partitions(struct plan_run *run, const struct restrictions *restrictions,
                             struct partition_key **out_keys, uint32_t *out_count)
{
    const struct cql_table *table = restrictions->table;
    if (restrictions->partition_points && !run->context->no_shortcuts) {
        *out_count = 1;
        return restrictions_point_partition(run, restrictions, out_keys);
    }
    struct slice **values = arena_alloc(run->scratch, table->partition_count * sizeof(struct slice *));
    uint32_t *counts = arena_alloc(run->scratch, table->partition_count * sizeof *counts);
    if (!values || !counts)
        return run_nomem(run);
    size_t product = 1;
    uint32_t limit = run->context->target->in_product_max;
    for (uint32_t i = 0; i < table->partition_count; i++) {
        if (!restrictions_column_values(run, restrictions, &table->columns[i], &values[i], &counts[i]))
            return false;
        if (counts[i] && product > SIZE_MAX / (counts[i] * sizeof(struct candidate)))
            return RUN_REFUSE(run, MSG_IN_PRODUCT_PARTITION, product, limit);
        product *= counts[i];
    }
    if (!product) {
        *out_keys = NULL;
        *out_count = 0;
        return true;
    }
    if (product == 1)
        return one_key(run, table, values, out_keys, out_count);
    if (limit && product > limit)
        return RUN_REFUSE(run, MSG_IN_PRODUCT_PARTITION, product, limit);
    return all_keys(run, table, values, counts, product, out_keys, out_count);
}

/* ---- tokens ---- */

bool restrictions_tokens(struct plan_run *run, const struct restrictions *restrictions, int64_t *out_first,
                         int64_t *out_last, bool *out_empty)
{
    int64_t first = INT64_MIN, last = INT64_MAX;
    bool empty = false;
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        if (!r->token)
            continue;
        struct slice wire;
        if (!restriction_value(run, r, &wire))
            return false;
        if (wire.bytes != 8)
            return RUN_REFUSE(run, MSG_NULL_CONDITION, "partition key token");
        int64_t token = (int64_t)load_be64(wire.data);
        /* The least token closes the ring: to some targets nothing lies beyond it. */
        bool whole = token == INT64_MIN && run->context->target->least_token_ends_ring;
        if (whole && (r->op == OP_LT || r->op == OP_LE))
            continue;
        if ((r->op == OP_GT && token == INT64_MAX) || (r->op == OP_LT && token == INT64_MIN)) {
            empty = true;
            continue;
        }
        int64_t from = r->op == OP_GT ? token + 1 : r->op == OP_GE || r->op == OP_EQ ? token : INT64_MIN;
        int64_t to = r->op == OP_LT ? token - 1 : r->op == OP_LE || r->op == OP_EQ ? token : INT64_MAX;
        first = from > first ? from : first;
        last = to < last ? to : last;
    }
    *out_first = first;
    *out_last = last;
    *out_empty = empty || first > last;
    return true;
}
