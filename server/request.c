#include "server/request.h"

static bool refuse(const char **out_reason, const char *reason)
{
    *out_reason = reason;
    return false;
}

/* `count` values; a count that the rest of the frame cannot hold is refused before memory is taken for it. */
static bool values_read(struct reader *in, uint8_t version, struct arena *arena, bool named, uint32_t count,
                        struct cql_value **out_values, struct slice **out_names)
{
    size_t least_bytes = (size_t)count * (named ? 6 : 4);
    if (in->failed || least_bytes > reader_left(in))
        return false;
    struct cql_value *values = arena_alloc(arena, count * sizeof *values);
    struct slice *names = named ? arena_alloc(arena, count * sizeof *names) : NULL;
    if (!values || (named && !names))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (named)
            names[i] = wire_string(in);
        values[i] = wire_value(in, version);
    }
    *out_values = values;
    *out_names = names;
    return !in->failed;
}

/* ANY, ONE, ... LOCAL_ONE: one node honours each of them alike, and refuses what is none. */
static bool consistency_read(struct reader *in, uint16_t *out_consistency, const char **out_reason)
{
    enum { CONSISTENCY_LAST = 0x000A };
    *out_consistency = reader_be16(in);
    return *out_consistency <= CONSISTENCY_LAST || refuse(out_reason, "Unknown code for a consistency level");
}

static bool tail_read(struct reader *in, uint8_t flags, struct cql_params *cql, const char **out_reason)
{
    if (flags & QUERY_PAGE_SIZE)
        cql->page_size = (int32_t)reader_be32(in);
    if (flags & QUERY_PAGING_STATE) {
        struct cql_value state = wire_bytes(in);
        if (state.kind == CQL_VALUE)
            cql->paging_state = state.bytes;
    }
    if (flags & QUERY_SERIAL_CONSISTENCY && !consistency_read(in, &cql->serial_consistency, out_reason))
        return false;
    if (flags & QUERY_DEFAULT_TIMESTAMP) {
        cql->has_timestamp = true;
        cql->timestamp = (int64_t)reader_be64(in);
        if (!in->failed && cql->timestamp == INT64_MIN)
            return refuse(out_reason,
                          "Out of bound timestamp, must be in [-9223372036854775807, 9223372036854775807]");
    }
    return !in->failed;
}

bool request_params_read(struct reader *in, uint8_t version, struct arena *arena,
                         struct request_params *out_params, const char **out_reason)
{
    struct request_params params = {0};
    if (!consistency_read(in, &params.cql.consistency, out_reason))
        return false;
    uint8_t flags = reader_u8(in);
    params.skip_metadata = flags & QUERY_SKIP_METADATA;
    if (flags & QUERY_VALUES) {
        struct cql_value *values;
        struct slice *names;
        params.cql.value_count = reader_be16(in);
        if (!values_read(in, version, arena, flags & QUERY_NAMES, params.cql.value_count, &values, &names))
            return refuse(out_reason, "truncated values");
        params.cql.values = values;
        params.cql.names = names;
    }
    if (!tail_read(in, flags, &params.cql, out_reason))
        return *out_reason ? false : refuse(out_reason, "truncated query parameters");
    *out_params = params;
    return true;
}

static bool item_read(struct reader *in, uint8_t version, struct arena *arena,
                      struct request_batch_item *item, const char **out_reason)
{
    uint8_t kind = reader_u8(in);
    if (kind > 1)
        return refuse(out_reason, "Invalid query kind in BATCH messages. Must be 0 or 1");
    item->prepared = kind == 1;
    item->text_or_id = item->prepared ? wire_short_bytes(in) : wire_long_string(in);
    item->value_count = reader_be16(in);
    struct slice *names;
    if (!values_read(in, version, arena, false, item->value_count, &item->values, &names))
        return refuse(out_reason, "truncated batch");
    return true;
}

bool request_batch_read(struct reader *in, uint8_t version, struct arena *arena,
                        struct request_batch *out_batch, const char **out_reason)
{
    struct request_batch batch = {.kind = reader_u8(in)};
    batch.item_count = reader_be16(in);
    if (batch.kind > 2)
        return refuse(out_reason, "Invalid batch type");
    if (in->failed || (size_t)batch.item_count * 7 > reader_left(in))
        return refuse(out_reason, "truncated batch");
    batch.items = arena_calloc(arena, batch.item_count, sizeof *batch.items);
    if (!batch.items)
        return refuse(out_reason, "out of memory");
    for (uint32_t i = 0; i < batch.item_count; i++)
        if (!item_read(in, version, arena, &batch.items[i], out_reason))
            return false;
    if (!consistency_read(in, &batch.params.cql.consistency, out_reason))
        return false;
    uint8_t flags = reader_u8(in);
    if (flags & QUERY_NAMES)
        return refuse(out_reason, "Named values are not supported in BATCH messages");
    if (!tail_read(in, flags & (QUERY_SERIAL_CONSISTENCY | QUERY_DEFAULT_TIMESTAMP), &batch.params.cql,
                   out_reason))
        return *out_reason ? false : refuse(out_reason, "truncated batch");
    *out_batch = batch;
    return true;
}
