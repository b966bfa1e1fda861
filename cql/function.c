#include "cql/function.h"

#include <stdio.h>

#include "cql/type_internal.h"

enum {
    DAY_MS = 86400000,
    DATE_WIRE_EPOCH_BIT = 31, /* wire 2^31 is 1970-01-01 */
    SIGNATURES_BYTES = 512,
};

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t now_ms(const struct function_environment *environment)
{
    return floor_divide(environment->now_us, 1000);
}

static void append_date(struct buffer *out, int64_t ms)
{
    buffer_append_be32(out, (uint32_t)(floor_divide(ms, DAY_MS) + (INT64_C(1) << DATE_WIRE_EPOCH_BIT)));
}

/* Milliseconds since 1970 of a timestamp, a date or a timeuuid. */
static int64_t ms_of(const struct type *type, struct slice wire)
{
    switch (type->id) {
    case TYPE_DATE: return ((int64_t)load_be32(wire.data) - (INT64_C(1) << DATE_WIRE_EPOCH_BIT)) * DAY_MS;
    case TYPE_TIMEUUID: return timeuuid_ms(wire.data);
    default: return type_integer(wire);
    }
}

#define EVALUATOR(name)                                                                                  \
    static bool evaluate_##name(const struct function *function, const struct type *const *types,        \
                                const struct cql_value *arguments,                                       \
                                const struct function_environment *environment, struct buffer *out_wire, \
                                bool *out_null, struct cql_error *error)
#define UNUSED_HERE \
    (void)function, (void)types, (void)arguments, (void)environment, (void)out_null, (void)error

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
    append_date(out_wire, now_ms(environment));
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
    buffer_append_be64(out_wire, (uint64_t)ms_of(function->arguments[0], arguments[0].bytes));
    return true;
}

EVALUATOR(to_date)
{
    UNUSED_HERE;
    append_date(out_wire, ms_of(function->arguments[0], arguments[0].bytes));
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
    return append_bound(function, made, uuid, environment->profile, out_wire, error);
}

EVALUATOR(max_timeuuid)
{
    UNUSED_HERE;
    uint8_t uuid[UUID_BYTES];
    bool made = timeuuid_max(type_integer(arguments[0].bytes), uuid);
    return append_bound(function, made, uuid, environment->profile, out_wire, error);
}

EVALUATOR(as_blob)
{
    UNUSED_HERE;
    buffer_append_slice(out_wire, arguments[0].bytes);
    return true;
}

/* FUN-5: bytes that are no value of the type would make drivers misread the row. */
EVALUATOR(blob_as)
{
    UNUSED_HERE;
    struct slice wire = arguments[0].bytes;
    if (type_validate(function->returns, wire)) {
        buffer_append_slice(out_wire, wire);
        return true;
    }
    struct buffer why = {0};
    buffer_printf(&why, "value ");
    type_print_blob(&why, slice_of(wire.data, wire.bytes < 64 ? wire.bytes : 64));
    buffer_printf(&why, " is not a valid binary representation for type %s",
                  type_scalar_name(function->returns->id));
    buffer_append_u8(&why, 0);
    cql_refuse(error, environment->profile, MSG_FUNCTION_VALUE, function->name,
               why.failed ? "?" : (const char *)why.data);
    buffer_deinit(&why);
    return false;
}

EVALUATOR(to_json)
{
    UNUSED_HERE;
    if (arguments[0].kind == CQL_NULL)
        buffer_append(out_wire, "null", 4);
    else
        type_json(out_wire, types[0], arguments[0].bytes);
    return true;
}

/* Scalar types by id; type.c keeps one of each, this table only wants their addresses at compile time. */
#define SCALAR(name, type_id) static const struct type name = {.id = (type_id)}
SCALAR(ascii, TYPE_ASCII);
SCALAR(bigint, TYPE_BIGINT);
SCALAR(blob, TYPE_BLOB);
SCALAR(boolean, TYPE_BOOLEAN);
SCALAR(counter, TYPE_COUNTER);
SCALAR(date, TYPE_DATE);
SCALAR(decimal, TYPE_DECIMAL);
SCALAR(double_, TYPE_DOUBLE);
SCALAR(duration, TYPE_DURATION);
SCALAR(float_, TYPE_FLOAT);
SCALAR(inet, TYPE_INET);
SCALAR(int_, TYPE_INT);
SCALAR(smallint, TYPE_SMALLINT);
SCALAR(text, TYPE_TEXT);
SCALAR(time, TYPE_TIME);
SCALAR(timestamp, TYPE_TIMESTAMP);
SCALAR(timeuuid, TYPE_TIMEUUID);
SCALAR(tinyint, TYPE_TINYINT);
SCALAR(uuid, TYPE_UUID);
SCALAR(varint, TYPE_VARINT);

#define NULLARY(function_name, result, evaluator)                                   \
    {                                                                               \
        .name = function_name, .returns = &result, .evaluate = evaluate_##evaluator \
    }
#define UNARY(function_name, argument, result, evaluator)                                         \
    {                                                                                             \
        .name = function_name, .argument_count = 1, .arguments = {&argument}, .returns = &result, \
        .pure = true, .evaluate = evaluate_##evaluator                                            \
    }
#define BLOB_PAIR(word, scalar) \
    UNARY(word "asblob", scalar, blob, as_blob), UNARY("blobas" word, blob, scalar, blob_as)

static const struct function functions[] = {
    NULLARY("now", timeuuid, now),
    NULLARY("currenttimeuuid", timeuuid, now),
    NULLARY("uuid", uuid, uuid),
    NULLARY("currenttimestamp", timestamp, current_timestamp),
    NULLARY("currentdate", date, current_date),
    NULLARY("currenttime", time, current_time),
    UNARY("mintimeuuid", timestamp, timeuuid, min_timeuuid),
    UNARY("maxtimeuuid", timestamp, timeuuid, max_timeuuid),
    UNARY("dateof", timeuuid, timestamp, to_ms),
    UNARY("unixtimestampof", timeuuid, bigint, to_ms),
    UNARY("todate", timeuuid, date, to_date),
    UNARY("todate", timestamp, date, to_date),
    UNARY("totimestamp", timeuuid, timestamp, to_ms),
    UNARY("totimestamp", date, timestamp, to_ms),
    UNARY("tounixtimestamp", timeuuid, bigint, to_ms),
    UNARY("tounixtimestamp", timestamp, bigint, to_ms),
    UNARY("tounixtimestamp", date, bigint, to_ms),
    {.name = "tojson", .argument_count = 1, .returns = &text, .pure = true, .evaluate = evaluate_to_json},
    BLOB_PAIR("ascii", ascii),
    BLOB_PAIR("bigint", bigint),
    BLOB_PAIR("boolean", boolean),
    BLOB_PAIR("counter", counter),
    BLOB_PAIR("date", date),
    BLOB_PAIR("decimal", decimal),
    BLOB_PAIR("double", double_),
    BLOB_PAIR("duration", duration),
    BLOB_PAIR("float", float_),
    BLOB_PAIR("inet", inet),
    BLOB_PAIR("int", int_),
    BLOB_PAIR("smallint", smallint),
    BLOB_PAIR("text", text),
    BLOB_PAIR("time", time),
    BLOB_PAIR("timestamp", timestamp),
    BLOB_PAIR("timeuuid", timeuuid),
    BLOB_PAIR("tinyint", tinyint),
    BLOB_PAIR("uuid", uuid),
    BLOB_PAIR("varchar", text),
    BLOB_PAIR("varint", varint),
};

/* ---- which overload ---- */

enum match {
    MATCH_NONE,
    MATCH_WEAK, /* allowed by literals and bind markers */
    MATCH_EXACT,
};

static enum match match_argument(const struct type *wanted, const struct function_argument *given)
{
    if (!wanted)
        return given->kind == FUNCTION_ARGUMENT_TYPED ? MATCH_EXACT : MATCH_NONE;
    switch (given->kind) {
    case FUNCTION_ARGUMENT_UNKNOWN: return MATCH_WEAK;
    case FUNCTION_ARGUMENT_LITERAL:
        return type_accepts_literal(wanted, given->literal) ? MATCH_WEAK : MATCH_NONE;
    case FUNCTION_ARGUMENT_TYPED: break;
    }
    if (type_equal(wanted, given->type))
        return MATCH_EXACT;
    /* Any scalar's bytes are a blob; an ascii is a text; a timeuuid is a uuid. */
    bool fits = (wanted->id == TYPE_TEXT && given->type->id == TYPE_ASCII) ||
                (wanted->id == TYPE_UUID && given->type->id == TYPE_TIMEUUID);
    return fits ? MATCH_WEAK : MATCH_NONE;
}

static enum match match_call(const struct function *function, const struct function_argument *arguments,
                             uint32_t count)
{
    if (function->argument_count != count)
        return MATCH_NONE;
    enum match worst = MATCH_EXACT;
    for (uint32_t i = 0; i < count; i++) {
        enum match match = match_argument(function->arguments[i], &arguments[i]);
        worst = match < worst ? match : worst;
    }
    return worst;
}

static bool is_ours(const char *keyspace)
{
    return !keyspace || strcmp(keyspace, "system") == 0;
}

bool function_exists(const char *keyspace, const char *name)
{
    for (size_t i = 0; is_ours(keyspace) && i < ARRAY_LEN(functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            return true;
    return false;
}

/* "system.todate : (timeuuid) -> date, system.todate : (timestamp) -> date" */
static void list_signatures(const char *name, const struct function_argument *arguments, uint32_t count,
                            bool matching, char *out, size_t out_bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(functions) && used < out_bytes; i++) {
        const struct function *function = &functions[i];
        if (strcmp(function->name, name) != 0 ||
            (matching && match_call(function, arguments, count) == MATCH_NONE))
            continue;
        const char *argument = "";
        if (function->argument_count)
            argument = function->arguments[0] ? type_scalar_name(function->arguments[0]->id) : "any";
        used += (size_t)snprintf(out + used, out_bytes - used, "%ssystem.%s : (%s) -> %s", used ? ", " : "",
                                 name, argument, type_scalar_name(function->returns->id));
    }
}

static bool refuse_call(const char *name, const struct function_argument *arguments, uint32_t count,
                        bool ambiguous, enum cql_profile profile, struct cql_error *error)
{
    char qualified[CQL_NAME_BYTES], signatures[SIGNATURES_BYTES] = "";
    snprintf(qualified, sizeof qualified, "system.%s", name);
    list_signatures(name, arguments, count, ambiguous, signatures, sizeof signatures);
    return cql_refuse(error, profile, ambiguous ? MSG_FUNCTION_AMBIGUOUS : MSG_FUNCTION_ARGUMENTS, qualified,
                      signatures);
}

bool function_find(const char *keyspace, const char *name, const struct function_argument *arguments,
                   uint32_t count, const struct type *returns, enum cql_profile profile,
                   const struct function **out_function, struct cql_error *error)
{
    if (!function_exists(keyspace, name))
        return cql_refuse(error, profile, MSG_FUNCTION_UNKNOWN, name);
    const struct function *weak = NULL;
    uint32_t weak_count = 0;
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (strcmp(functions[i].name, name) != 0)
            continue;
        enum match match = match_call(&functions[i], arguments, count);
        if (match == MATCH_EXACT) {
            *out_function = &functions[i];
            return true;
        }
        if (match == MATCH_WEAK && (!returns || type_equal(returns, functions[i].returns))) {
            weak = &functions[i];
            weak_count++;
        }
    }
    if (weak_count != 1)
        return refuse_call(name, arguments, count, weak_count > 1, profile, error);
    *out_function = weak;
    return true;
}

bool function_evaluate(const struct function *function, const struct type *const *types,
                       const struct cql_value *arguments, const struct function_environment *environment,
                       struct buffer *out_wire, bool *out_null, struct cql_error *error)
{
    *out_null = false;
    for (uint32_t i = 0; i < function->argument_count; i++) {
        const struct type *type = function->arguments[i];
        if (!type)
            continue;
        const struct type_row *row = type_row(type->id);
        /* Null in, null out; an empty number or time has no value to work with. */
        bool empty = !arguments[i].bytes.bytes && row->wire_bytes && function->returns->id != TYPE_BLOB;
        if (arguments[i].kind != CQL_VALUE || empty) {
            *out_null = true;
            return true;
        }
        if (!type_check_bound(type, arguments[i].bytes, function->name, environment->profile, error))
            return false;
    }
    if (!function->evaluate(function, types, arguments, environment, out_wire, out_null, error))
        return false;
    return !out_wire->failed || cql_refuse(error, environment->profile, MSG_NOMEM);
}
