/*
 * function_time.c: the clock, and conversions between timestamps, dates and timeuuids.
 */
#include "cql/function_internal.h"

enum {
    DAY_MS = 86400000,
    DATE_WIRE_EPOCH_BIT = 31, /* wire 2^31 is 1970-01-01 */
};

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t now_ms(const struct function_environment *environment)
{
    return floor_divide(environment->now_us, 1000);
}

void function_append_date(struct buffer *out, int64_t ms)
{
    buffer_append_be32(out, (uint32_t)(floor_divide(ms, DAY_MS) + (INT64_C(1) << DATE_WIRE_EPOCH_BIT)));
}

int64_t function_ms_of(const struct type *type, struct slice wire)
{
    switch (type->id) {
    case TYPE_DATE: return ((int64_t)load_be32(wire.data) - (INT64_C(1) << DATE_WIRE_EPOCH_BIT)) * DAY_MS;
    case TYPE_TIMEUUID: return timeuuid_ms(wire.data);
    default: return type_integer(wire);
    }
}

EVALUATOR(now)
{
    UNUSED_HERE;
    uint8_t uuid[UUID_BYTES];
    timeuuid_next(environment->timeuuids, environment->now_us, uuid);
    buffer_append(out_wire, uuid, sizeof uuid);
    return true;
}

EVALUATOR(uuid)
{
    UNUSED_HERE;
    uint8_t uuid[UUID_BYTES];
    uuid_random(environment->random, uuid);
    buffer_append(out_wire, uuid, sizeof uuid);
    return true;
}

EVALUATOR(current_timestamp)
{
    UNUSED_HERE;
    buffer_append_be64(out_wire, (uint64_t)now_ms(environment));
    return true;
}

EVALUATOR(current_date)
{
    UNUSED_HERE;
    function_append_date(out_wire, now_ms(environment));
    return true;
}

EVALUATOR(current_time)
{
    UNUSED_HERE;
    int64_t day_us = (int64_t)DAY_MS * 1000;
    int64_t since_midnight_us = environment->now_us - floor_divide(environment->now_us, day_us) * day_us;
    buffer_append_be64(out_wire, (uint64_t)since_midnight_us * 1000);
    return true;
}

EVALUATOR(to_ms)
{
    UNUSED_HERE;
    buffer_append_be64(out_wire, (uint64_t)function_ms_of(call->arguments[0], arguments[0].bytes));
    return true;
}

EVALUATOR(to_date)
{
    UNUSED_HERE;
    int64_t ms = function_ms_of(call->arguments[0], arguments[0].bytes);
    bool cut = cql_target_of(environment->profile)->dates_cut;
    function_append_date(out_wire, cut ? ms / DAY_MS * DAY_MS : ms);
    return true;
}

static bool append_bound(const struct function *function, bool made, const uint8_t *uuid,
                         enum cql_profile profile, struct buffer *out_wire, struct cql_error *error)
{
    if (!made)
        return cql_refuse(error, profile, MSG_FUNCTION_VALUE, function->name,
                          "the timestamp is out of range for a timeuuid");
    buffer_append(out_wire, uuid, UUID_BYTES);
    return true;
}

EVALUATOR(min_timeuuid)
{
    UNUSED_HERE;
    uint8_t uuid[UUID_BYTES];
    bool made = timeuuid_min(type_integer(arguments[0].bytes), uuid);
    return append_bound(call->function, made, uuid, environment->profile, out_wire, error);
}

EVALUATOR(max_timeuuid)
{
    UNUSED_HERE;
    uint8_t uuid[UUID_BYTES];
    bool made = timeuuid_max(type_integer(arguments[0].bytes), uuid);
    return append_bound(call->function, made, uuid, environment->profile, out_wire, error);
}
