/*
 * restriction_point.c: keys that a statement names by one = a column, which nearly all do: no sets of values to be
 * multiplied, sorted and intersected.
 */
#include "cql/restriction.h"

/* The EQ on `column`, when nothing else restricts it. */
static const struct restriction *only_equal(const struct restrictions *restrictions,
                                            const struct cql_column *column)
{
    const struct restriction *found = NULL;
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        for (uint32_t k = 0; k < r->column_count; k++) {
            if (r->columns[k] != column)
                continue;
            if (found || r->tuple || r->token || r->op != OP_EQ)
                return NULL;
            found = r;
        }
    }
    return found;
}

/* One restriction for each of `count` columns, or NULL. */
static bool note_columns(struct plan_builder *builder, const struct restrictions *restrictions, uint32_t from,
                         uint32_t count, const struct restriction *const **out_points)
{
    const struct restriction **points = arena_calloc(builder->arena, count + 1, sizeof(*points));
    *out_points = NULL;
    if (!points)
        return build_nomem(builder);
    for (uint32_t i = 0; i < count; i++) {
        points[i] = only_equal(restrictions, &restrictions->table->columns[from + i]);
        if (!points[i])
            return true;
    }
    if (count)
        *out_points = points;
    return true;
}

bool restrictions_note_points(struct plan_builder *builder, struct restrictions *restrictions)
{
    const struct cql_table *table = restrictions->table;
    return note_columns(builder, restrictions, 0, table->partition_count, &restrictions->partition_points) &&
           note_columns(builder, restrictions, table->partition_count, table->clustering_count,
                        &restrictions->clustering_points);
}

bool restrictions_point_partition(struct plan_run *run, const struct restrictions *restrictions,
                                  struct partition_key **out_key)
{
    const struct cql_table *table = restrictions->table;
    struct slice one, *components = &one;
    struct partition_key *key = arena_alloc(run->scratch, sizeof *key);
    if (table->partition_count > 1)
        components = arena_alloc(run->scratch, table->partition_count * sizeof *components);
    if (!key || !components)
        return run_nomem(run);
    for (uint32_t i = 0; i < table->partition_count; i++)
        if (!restriction_value(run, restrictions->partition_points[i], &components[i]))
            return false;
    if (!partition_key_compose(run, table, components, key))
        return false;
    *out_key = key;
    return true;
}

bool restrictions_point_range(struct plan_run *run, const struct restrictions *restrictions,
                              struct key_range **out_range)
{
    const struct cql_table *table = restrictions->table;
    struct buffer *key = &run->workspace->key;
    buffer_clear(key);
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        struct slice wire;
        if (!restriction_value(run, restrictions->clustering_points[i], &wire))
            return false;
        if (wire.bytes > PARTITION_KEY_BYTES_MAX)
            return RUN_REFUSE(run, MSG_KEY_TOO_LONG, wire.bytes);
        status st = key_append(key, table->clustering[i], wire);
        if (failed(st))
            return cql_refuse_status(run->error, st);
    }
    size_t bytes = key->bytes;
    buffer_append_u8(key, KEY_AFTER);
    struct key_range *range = arena_alloc(run->scratch, sizeof *range);
    struct slice end = arena_copy(run->scratch, buffer_slice(key));
    if (!range || !end.data || key->failed)
        return run_nomem(run);
    *range = (struct key_range){.start = slice_of(end.data, bytes), .end = end};
    *out_range = range;
    return true;
}
