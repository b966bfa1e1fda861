/*
 * restriction_ranges.c: from clustering restrictions and bound values to intervals of key bytes.
 *
 * Restrictions of single columns: every EQ and IN column multiplies the set of prefixes, a slice on the column after them
 * gives each prefix a lower and an upper bound. Because a DESC column is stored inverted, its lower bound in type order is
 * an upper bound in bytes.
 *
 * Restrictions of tuples compare in type order whatever the directions are (WHR-8). With mixed directions
 * (a, b) > (x, y) is no interval of bytes but a few: a > x, and a = x with b > y. Each relation becomes such a set, the
 * sets of several relations are intersected, and pieces that touch are joined, so that equal directions give one interval again.
 */
#include "cql/restriction.h"

#include <stdlib.h>

static const uint8_t after_everything[] = {KEY_AFTER};

struct range_set {
    struct key_range *items;
    uint32_t count, capacity;
};

static bool set_add(struct plan_run *run, struct range_set *set, struct slice start, struct slice end)
{
    if (slice_compare(start, end) >= 0)
        return true;
    struct key_range *grown = arena_grow(run->scratch, set->items, set->count, &set->capacity, sizeof *grown);
    if (!grown)
        return run_nomem(run);
    set->items = grown;
    set->items[set->count++] = (struct key_range){start, end};
    return true;
}

static int range_compare(const void *left, const void *right)
{
    const struct key_range *a = left, *b = right;
    int order = slice_compare(a->start, b->start);
    return order ? order : slice_compare(a->end, b->end);
}

/* Sorted, without overlap, pieces that touch joined. */
static void set_tidy(struct range_set *set)
{
    if (set->count < 2)
        return;
    qsort(set->items, set->count, sizeof *set->items, range_compare);
    uint32_t kept = 0;
    for (uint32_t i = 1; i < set->count; i++) {
        struct key_range *last = &set->items[kept];
        if (slice_compare(set->items[i].start, last->end) > 0)
            set->items[++kept] = set->items[i];
        else if (slice_compare(set->items[i].end, last->end) > 0)
            last->end = set->items[i].end;
    }
    set->count = kept + 1;
}

static bool set_intersect(struct plan_run *run, const struct range_set *a, const struct range_set *b,
                          struct range_set *out)
{
    *out = (struct range_set){0};
    for (uint32_t i = 0, j = 0; i < a->count && j < b->count;) {
        const struct key_range *x = &a->items[i], *y = &b->items[j];
        struct slice start = slice_compare(x->start, y->start) > 0 ? x->start : y->start;
        bool x_ends = slice_compare(x->end, y->end) < 0;
        if (!set_add(run, out, start, x_ends ? x->end : y->end))
            return false;
        if (x_ends)
            i++;
        else
            j++;
    }
    return true;
}

/* ---- bytes of bounds ---- */

static bool join(struct plan_run *run, struct slice prefix, struct slice rest, bool after, struct slice *out)
{
    size_t bytes = prefix.bytes + rest.bytes + after;
    uint8_t *at = arena_bytes(run->scratch, bytes ? bytes : 1);
    if (!at)
        return run_nomem(run);
    if (prefix.bytes)
        memcpy(at, prefix.data, prefix.bytes);
    if (rest.bytes)
        memcpy(at + prefix.bytes, rest.data, rest.bytes);
    if (after)
        at[bytes - 1] = KEY_AFTER;
    *out = slice_of(at, bytes);
    return true;
}

static bool encode(struct plan_run *run, const struct cql_table *table, const struct cql_column *column,
                   struct slice wire, struct slice *out)
{
    struct buffer *key = &run->workspace->key;
    buffer_clear(key);
    if (wire.bytes > PARTITION_KEY_BYTES_MAX)
        return RUN_REFUSE(run, MSG_KEY_TOO_LONG, wire.bytes);
    status st = key_append(key, table->clustering[column->position], wire);
    if (ok(st))
        st = buffer_status(key);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    *out = arena_copy(run->scratch, buffer_slice(key));
    return out->data ? true : run_nomem(run);
}

/* ---- single columns ---- */

struct byte_bounds {
    struct slice start, end; /* of one column, without its prefix */
};

/* Narrow `bounds` by one slice on a column. */
static bool narrow(struct plan_run *run, const struct cql_table *table, const struct restriction *r,
                   struct byte_bounds *bounds)
{
    const struct cql_column *column = r->columns[0];
    struct slice wire, exact, past = {0};
    bool least = run->context->target->null_bound_is_least, is_null = false;
    if (least && !restriction_is_null(run, r, &is_null))
        return false;
    if (is_null) { /* before every value, whichever way the column is sorted */
        bool is_end = (r->op == OP_LT || r->op == OP_LE) != column->descending;
        if (is_end)
            bounds->end = (struct slice){0};
        return true;
    }
    if (!restriction_value(run, r, &wire) || !encode(run, table, column, wire, &exact) ||
        !join(run, exact, (struct slice){0}, true, &past))
        return false;
    bool inclusive = r->op == OP_GE || r->op == OP_LE;
    bool is_start = (r->op == OP_GT || r->op == OP_GE) != column->descending;
    struct slice bound = inclusive == is_start ? exact : past;
    if (is_start && slice_compare(bound, bounds->start) > 0)
        bounds->start = bound;
    if (!is_start && slice_compare(bound, bounds->end) < 0)
        bounds->end = bound;
    return true;
}

static bool column_bounds(struct plan_run *run, const struct restrictions *restrictions,
                          const struct cql_column *column, struct byte_bounds *out)
{
    *out = (struct byte_bounds){.end = slice_of(after_everything, 1)};
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        bool slice = r->op == OP_LT || r->op == OP_LE || r->op == OP_GT || r->op == OP_GE;
        if (slice && !r->tuple && !r->token && r->columns[0] == column &&
            !narrow(run, restrictions->table, r, out))
            return false;
    }
    return true;
}

static int slice_order(const void *left, const void *right)
{
    return slice_compare(*(const struct slice *)left, *(const struct slice *)right);
}

/* Encodings of the values that EQ and IN allow a column, sorted, each once, within the slices on the same column. */
static bool column_keys(struct plan_run *run, const struct restrictions *restrictions,
                        const struct cql_column *column, struct slice **out_keys, uint32_t *out_count)
{
    struct slice *values = NULL;
    uint32_t count = 0, kept = 0;
    struct byte_bounds bounds;
    if (!restrictions_column_values(run, restrictions, column, &values, &count) ||
        !column_bounds(run, restrictions, column, &bounds))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct slice key;
        if (!encode(run, restrictions->table, column, values[i], &key))
            return false;
        if (slice_compare(key, bounds.start) >= 0 && slice_compare(key, bounds.end) < 0)
            values[kept++] = key;
    }
    if (kept > 1)
        qsort(values, kept, sizeof *values, slice_order);
    count = 0;
    for (uint32_t i = 0; i < kept; i++)
        if (!count || !slice_equal(values[count - 1], values[i]))
            values[count++] = values[i];
    *out_keys = values;
    *out_count = count;
    return true;
}

static bool extend_prefixes(struct plan_run *run, struct slice **prefixes, uint32_t *prefix_count,
                            const struct slice *keys, uint32_t key_count)
{
    size_t product = (size_t)*prefix_count * key_count;
    uint32_t limit = run->context->target->in_product_max;
    if (key_count > 1 && limit && product > limit)
        return RUN_REFUSE(run, MSG_IN_PRODUCT_CLUSTERING, product, limit);
    if (product > UINT32_MAX)
        return RUN_REFUSE(run, MSG_IN_PRODUCT_CLUSTERING, product, UINT32_MAX);
    struct slice *extended = arena_alloc(run->scratch, (product + 1) * sizeof *extended);
    if (!extended)
        return run_nomem(run);
    for (uint32_t i = 0; i < *prefix_count; i++)
        for (uint32_t j = 0; j < key_count; j++)
            if (!join(run, (*prefixes)[i], keys[j], false, &extended[(size_t)i * key_count + j]))
                return false;
    *prefixes = extended;
    *prefix_count = (uint32_t)product;
    return true;
}

static bool single_ranges(struct plan_run *run, const struct restrictions *restrictions,
                          struct range_set *out)
{
    const struct cql_table *table = restrictions->table;
    struct slice none = {0}, *prefixes = &none;
    uint32_t prefix_count = 1;
    uint32_t fixed = restrictions->clustering_prefix - restrictions->clustering_slice;
    for (uint32_t i = 0; i < fixed; i++) {
        struct slice *keys;
        uint32_t key_count;
        if (!column_keys(run, restrictions, &table->columns[table->partition_count + i], &keys, &key_count) ||
            !extend_prefixes(run, &prefixes, &prefix_count, keys, key_count))
            return false;
    }
    struct byte_bounds bounds = {.end = slice_of(after_everything, 1)};
    if (restrictions->clustering_slice &&
        !column_bounds(run, restrictions, &table->columns[table->partition_count + fixed], &bounds))
        return false;
    for (uint32_t i = 0; i < prefix_count; i++) {
        struct slice start, end;
        if (!join(run, prefixes[i], bounds.start, false, &start) ||
            !join(run, prefixes[i], bounds.end, false, &end) || !set_add(run, out, start, end))
            return false;
    }
    return true;
}

/* ---- tuples ---- */

static bool tuple_keys(struct plan_run *run, const struct restrictions *restrictions,
                       const struct restriction *r, struct slice wire, struct slice *out_keys)
{
    struct reader in = reader_of(wire);
    for (uint32_t i = 0; i < r->column_count; i++) {
        int32_t bytes = reader_left(&in) ? (int32_t)reader_be32(&in) : -1;
        if (bytes < 0)
            return RUN_REFUSE(run, r->op == OP_EQ || r->op == OP_IN ? MSG_NULL_VALUE : MSG_NULL_CONDITION,
                              r->columns[i]->name);
        struct slice value = reader_take(&in, (size_t)bytes);
        if (in.failed || !type_check_bound(r->columns[i]->type, value, r->columns[i]->name,
                                           run->context->profile, run->error))
            return in.failed ? cql_refuse_status(run->error, STATUS_FAIL(STATUS_INVALID)) : false;
        if (!encode(run, restrictions->table, r->columns[i], value, &out_keys[i]))
            return false;
    }
    return true;
}

static bool prefix_range(struct plan_run *run, struct slice prefix, struct range_set *out)
{
    struct slice end;
    return join(run, prefix, (struct slice){0}, true, &end) && set_add(run, out, prefix, end);
}

static bool tuple_equal(struct plan_run *run, const struct restriction *r, const struct slice *keys,
                        struct range_set *out)
{
    struct slice prefix = {0};
    for (uint32_t i = 0; i < r->column_count; i++)
        if (!join(run, prefix, keys[i], false, &prefix))
            return false;
    return prefix_range(run, prefix, out);
}

static bool tuple_slice(struct plan_run *run, const struct restriction *r, const struct slice *keys,
                        struct range_set *out)
{
    struct slice prefix = {0}, at, past, end;
    bool greater = r->op == OP_GT || r->op == OP_GE;
    for (uint32_t i = 0; i < r->column_count; i++) {
        if (!join(run, prefix, keys[i], false, &at) || !join(run, prefix, keys[i], true, &past) ||
            !join(run, prefix, (struct slice){0}, true, &end))
            return false;
        bool above = greater != r->columns[i]->descending;
        if (above ? !set_add(run, out, past, end) : !set_add(run, out, prefix, at))
            return false;
        prefix = at;
    }
    return r->op == OP_GT || r->op == OP_LT || prefix_range(run, prefix, out);
}

static bool tuple_set(struct plan_run *run, const struct restrictions *restrictions,
                      const struct restriction *r, struct range_set *out)
{
    struct slice *values, *keys = arena_alloc(run->scratch, r->column_count * sizeof *keys);
    uint32_t count, limit = run->context->target->in_product_max;
    if (!keys)
        return run_nomem(run);
    if (!restriction_values(run, r, &values, &count))
        return false;
    if (limit && count > limit)
        return RUN_REFUSE(run, MSG_IN_PRODUCT_CLUSTERING, (size_t)count, limit);
    *out = (struct range_set){0};
    for (uint32_t i = 0; i < count; i++) {
        if (!tuple_keys(run, restrictions, r, values[i], keys))
            return false;
        bool exact = r->op == OP_EQ || r->op == OP_IN;
        if (exact ? !tuple_equal(run, r, keys, out) : !tuple_slice(run, r, keys, out))
            return false;
    }
    set_tidy(out);
    return true;
}

/* ---- tuples and single columns together ---- */

static const struct restriction *starts_at(const struct restrictions *restrictions, uint32_t position)
{
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        bool fixes = r->op == OP_EQ || r->op == OP_IN;
        if (fixes && !r->token && !r->entry && r->columns[0]->kind == COLUMN_CLUSTERING &&
            r->columns[0]->position == position)
            return r;
    }
    return NULL;
}

/* Encodings of the values that a tuple's EQ or IN allows, sorted, each once. */
static bool tuple_prefixes(struct plan_run *run, const struct restrictions *restrictions,
                           const struct restriction *r, struct slice **out_keys, uint32_t *out_count)
{
    struct slice *values, *parts = arena_alloc(run->scratch, r->column_count * sizeof *parts);
    uint32_t count, kept = 0;
    if (!parts)
        return run_nomem(run);
    if (!restriction_values(run, r, &values, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct slice key = {0};
        if (!tuple_keys(run, restrictions, r, values[i], parts))
            return false;
        for (uint32_t k = 0; k < r->column_count; k++)
            if (!join(run, key, parts[k], false, &key))
                return false;
        values[i] = key;
    }
    if (count > 1)
        qsort(values, count, sizeof *values, slice_order);
    for (uint32_t i = 0; i < count; i++)
        if (!kept || !slice_equal(values[kept - 1], values[i]))
            values[kept++] = values[i];
    *out_keys = values;
    *out_count = kept;
    return true;
}

/* What the slices that begin with one column leave of what follows each prefix. */
static bool slice_set(struct plan_run *run, const struct restrictions *restrictions, uint32_t position,
                      struct range_set *out)
{
    const struct cql_column *column =
        &restrictions->table->columns[restrictions->table->partition_count + position];
    struct byte_bounds bounds;
    struct range_set set, both;
    *out = (struct range_set){0};
    if (!column_bounds(run, restrictions, column, &bounds) || !set_add(run, out, bounds.start, bounds.end))
        return false;
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        if (!r->tuple || r->columns[0] != column)
            continue;
        if (!tuple_set(run, restrictions, r, &set) || !set_intersect(run, out, &set, &both))
            return false;
        *out = both;
    }
    return true;
}

static bool tuple_ranges(struct plan_run *run, const struct restrictions *restrictions, struct range_set *out)
{
    struct slice none = {0}, *prefixes = &none, *keys;
    uint32_t prefix_count = 1, key_count;
    uint32_t fixed =
        restrictions->clustering_slice ? restrictions->clustering_slice_at : restrictions->clustering_prefix;
    const struct cql_column *clustering = &restrictions->table->columns[restrictions->table->partition_count];
    const struct restriction *r;
    struct range_set rest = {0};
    for (uint32_t at = 0; at < fixed && (r = starts_at(restrictions, at)); at += r->column_count)
        if (!(r->tuple ? tuple_prefixes(run, restrictions, r, &keys, &key_count)
                       : column_keys(run, restrictions, &clustering[at], &keys, &key_count)) ||
            !extend_prefixes(run, &prefixes, &prefix_count, keys, key_count))
            return false;
    if (restrictions->clustering_slice ? !slice_set(run, restrictions, fixed, &rest)
                                       : !set_add(run, &rest, none, slice_of(after_everything, 1)))
        return false;
    for (uint32_t i = 0; i < prefix_count; i++)
        for (uint32_t k = 0; k < rest.count; k++) {
            struct slice start, end;
            if (!join(run, prefixes[i], rest.items[k].start, false, &start) ||
                !join(run, prefixes[i], rest.items[k].end, false, &end) || !set_add(run, out, start, end))
                return false;
        }
    set_tidy(out);
    return true;
}

bool restrictions_ranges(struct plan_run *run, const struct restrictions *restrictions,
                         struct key_range **out_ranges, uint32_t *out_count)
{
    struct range_set set = {0};
    if (!restrictions->clustering_prefix) {
        *out_ranges = arena_alloc(run->scratch, sizeof **out_ranges);
        if (!*out_ranges)
            return run_nomem(run);
        **out_ranges = (struct key_range){.end = slice_of(after_everything, 1)};
        *out_count = 1;
        return true;
    }
    if (restrictions->clustering_points && !run->context->no_shortcuts) {
        *out_count = 1;
        return restrictions_point_range(run, restrictions, out_ranges);
    }
    bool made = restrictions->clustering_tuple ? tuple_ranges(run, restrictions, &set)
                                               : single_ranges(run, restrictions, &set);
    if (!made)
        return false;
    *out_ranges = set.items;
    *out_count = set.count;
    return true;
}
