/*
 * function_collection.c: keys and values of maps, and aggregates over the items of one collection.
 */
#include "cql/function_internal.h"

static void append_item(struct buffer *out, struct slice item)
{
    buffer_append_be32(out, (uint32_t)item.bytes);
    buffer_append_slice(out, item);
}

/* Every second item of a map, the keys from 0, the values from 1. */
static void append_half(struct buffer *out, const struct type *map, struct slice wire, uint32_t from)
{
    struct type_items items = type_items_of(map, wire);
    struct slice item;
    bool null;
    size_t start = out->bytes;
    uint32_t count = 0;
    buffer_append_be32(out, 0);
    for (uint32_t i = 0; type_items_next(&items, &item, &null); i++)
        if (i % 2 == from) {
            append_item(out, item);
            count++;
        }
    if (!out->failed)
        store_be32(out->data + start, count);
}

EVALUATOR(map_keys)
{
    UNUSED_HERE;
    append_half(out_wire, call->arguments[0], arguments[0].bytes, 0);
    return true;
}

EVALUATOR(map_values)
{
    UNUSED_HERE;
    append_half(out_wire, call->arguments[0], arguments[0].bytes, 1);
    return true;
}

EVALUATOR(collection_count)
{
    UNUSED_HERE;
    struct reader in = reader_of(arguments[0].bytes);
    buffer_append_be32(out_wire, reader_be32(&in));
    return true;
}

/* As the aggregate over rows would have it. */
static bool aggregate_items(enum aggregate_kind kind, const struct function_call *call,
                            struct cql_value collection, const struct function_environment *environment,
                            struct buffer *out_wire, bool *out_null, struct cql_error *error)
{
    struct arena arena;
    struct aggregate aggregate;
    struct cql_value result = {.kind = CQL_NULL};
    arena_init(&arena, 0);
    aggregate_init(&aggregate, kind, call->returns, &arena,
                   cql_target_of(environment->profile)->average_runs);
    struct type_items items = type_items_of(call->arguments[0], collection.bytes);
    struct slice item;
    bool null;
    while (type_items_next(&items, &item, &null))
        aggregate_add(&aggregate, (struct cql_value){.kind = null ? CQL_NULL : CQL_VALUE, .bytes = item});
    bool made = !aggregate.failed && aggregate_result(&aggregate, true, &result);
    *out_null = result.kind != CQL_VALUE;
    if (made && !*out_null)
        buffer_append_slice(out_wire, result.bytes);
    arena_deinit(&arena);
    return made || cql_refuse(error, environment->profile, MSG_SUM_OVERFLOW);
}

#define AGGREGATE_OF(name, kind)                                                                  \
    EVALUATOR(name)                                                                               \
    {                                                                                             \
        return aggregate_items(kind, call, arguments[0], environment, out_wire, out_null, error); \
    }

AGGREGATE_OF(collection_min, AGGREGATE_MIN)
AGGREGATE_OF(collection_max, AGGREGATE_MAX)
AGGREGATE_OF(collection_sum, AGGREGATE_SUM)
AGGREGATE_OF(collection_avg, AGGREGATE_AVG)
