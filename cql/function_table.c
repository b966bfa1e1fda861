/*
 * function_table.c: every native function, one row an overload (FUN-4: which target has it under which name).
 */
#include "cql/function_internal.h"

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

#define BIT(profile) (1u << (profile))
#define EVERYWHERE   (BIT(CQL_PROFILES) - 1)
#define CASSANDRA_5  BIT(PROFILE_CASSANDRA_5_0)
#define CASSANDRA    (BIT(PROFILE_CASSANDRA_4_1) | CASSANDRA_5)
#define BEFORE_5     (EVERYWHERE & ~CASSANDRA_5)

#define NULLARY(function_name, targets, result, evaluator)                                               \
    {                                                                                                    \
        .name = function_name, .profiles = targets, .returns = &result, .evaluate = evaluate_##evaluator \
    }
#define UNARY(function_name, targets, argument, result_, evaluator)                                          \
    {                                                                                                        \
        .name = function_name, .profiles = targets, .argument_count = 1, .arguments = {{.type = &argument}}, \
        .returns = &result_, .pure = true, .evaluate = evaluate_##evaluator                                  \
    }
/* Of a family of types. */
#define FAMILY(function_name, targets, family, result_, scalar, evaluator)                                \
    {                                                                                                     \
        .name = function_name, .profiles = targets, .argument_count = 1, .arguments = {{.kind = family}}, \
        .result = result_, .returns = scalar, .pure = true, .evaluate = evaluate_##evaluator              \
    }
#define BLOB_PAIR(word, targets, scalar)                                     \
    UNARY(word "asblob", targets, scalar, blob, as_blob),                    \
        UNARY("blobas" word, targets, blob, scalar, blob_as),                \
        UNARY(word "_as_blob", targets &CASSANDRA_5, scalar, blob, as_blob), \
        UNARY("blob_as_" word, targets &CASSANDRA_5, blob, scalar, blob_as)
#define AGGREGATE(function_name, family, which)                                                              \
    {                                                                                                        \
        .name = function_name, .profiles = EVERYWHERE, .argument_count = 1, .arguments = {{.kind = family}}, \
        .result = RESULT_AGGREGATE, .is_aggregate = true, .aggregate = which                                 \
    }
#define OPERATOR(function_name, sign)                                                                  \
    {                                                                                                  \
        .name = function_name, .profiles = CASSANDRA, .argument_count = 2,                             \
        .arguments = {{.kind = PARAMETER_NUMBER}, {.kind = PARAMETER_NUMBER}}, .result = RESULT_WIDER, \
        .pure = true, .op = sign, .evaluate = evaluate_operation                                       \
    }
#define BINARY(function_name, targets, sign, first, second, result_, evaluator)                            \
    {                                                                                                      \
        .name = function_name, .profiles = targets, .argument_count = 2,                                   \
        .arguments = {{.type = &first}, {.type = &second}}, .returns = &result_, .pure = true, .op = sign, \
        .evaluate = evaluate_##evaluator                                                                   \
    }
#define TERNARY(function_name, targets, first, second, third, result_, evaluator)                  \
    {                                                                                              \
        .name = function_name, .profiles = targets, .argument_count = 3,                           \
        .arguments = {{.type = &first}, {.type = &second}, {.type = &third}}, .returns = &result_, \
        .pure = true, .evaluate = evaluate_##evaluator                                             \
    }

#define TO_JSON(function_name, ...)                                                         \
    {                                                                                       \
        .name = function_name, .argument_count = 1, .arguments = {{.kind = PARAMETER_ANY}}, \
        .returns = &text, .pure = true, .takes_null = true, .evaluate = evaluate_to_json,   \
        .profiles = __VA_ARGS__                                                             \
    }
#define FROM_JSON(function_name, targets)                                                                \
    {                                                                                                    \
        .name = function_name, .profiles = targets, .argument_count = 1, .arguments = {{.type = &text}}, \
        .result = RESULT_RECEIVER, .pure = true, .evaluate = evaluate_from_json                          \
    }
#define SIMILARITY(function_name, evaluator)                                                              \
    {                                                                                                     \
        .name = function_name, .profiles = CASSANDRA_5 | BIT(PROFILE_SCYLLA_2026_2), .argument_count = 2, \
        .arguments = {{.kind = PARAMETER_VECTOR}, {.kind = PARAMETER_VECTOR}}, .returns = &float_,        \
        .pure = true, .evaluate = evaluate_##evaluator                                                    \
    }

const struct function function_table[] = {
    /* The clock. */
    NULLARY("now", EVERYWHERE, timeuuid, now),
    NULLARY("currenttimeuuid", EVERYWHERE, timeuuid, now),
    NULLARY("current_timeuuid", CASSANDRA_5, timeuuid, now),
    NULLARY("uuid", EVERYWHERE, uuid, uuid),
    NULLARY("currenttimestamp", EVERYWHERE, timestamp, current_timestamp),
    NULLARY("current_timestamp", CASSANDRA_5, timestamp, current_timestamp),
    NULLARY("currentdate", EVERYWHERE, date, current_date),
    NULLARY("current_date", CASSANDRA_5, date, current_date),
    NULLARY("currenttime", EVERYWHERE, time, current_time),
    NULLARY("current_time", CASSANDRA_5, time, current_time),

    /* Times into each other. */
    UNARY("mintimeuuid", EVERYWHERE, timestamp, timeuuid, min_timeuuid),
    UNARY("min_timeuuid", CASSANDRA_5, timestamp, timeuuid, min_timeuuid),
    UNARY("maxtimeuuid", EVERYWHERE, timestamp, timeuuid, max_timeuuid),
    UNARY("max_timeuuid", CASSANDRA_5, timestamp, timeuuid, max_timeuuid),
    UNARY("dateof", BEFORE_5, timeuuid, timestamp, to_ms),
    UNARY("unixtimestampof", BEFORE_5, timeuuid, bigint, to_ms),
    UNARY("todate", EVERYWHERE, timeuuid, date, to_date),
    UNARY("todate", EVERYWHERE, timestamp, date, to_date),
    UNARY("to_date", CASSANDRA_5, timeuuid, date, to_date),
    UNARY("to_date", CASSANDRA_5, timestamp, date, to_date),
    UNARY("totimestamp", EVERYWHERE, timeuuid, timestamp, to_ms),
    UNARY("totimestamp", EVERYWHERE, date, timestamp, to_ms),
    UNARY("to_timestamp", CASSANDRA_5, timeuuid, timestamp, to_ms),
    UNARY("to_timestamp", CASSANDRA_5, date, timestamp, to_ms),
    UNARY("tounixtimestamp", EVERYWHERE, timeuuid, bigint, to_ms),
    UNARY("tounixtimestamp", EVERYWHERE, timestamp, bigint, to_ms),
    UNARY("tounixtimestamp", EVERYWHERE, date, bigint, to_ms),
    UNARY("to_unix_timestamp", CASSANDRA_5, timeuuid, bigint, to_ms),
    UNARY("to_unix_timestamp", CASSANDRA_5, timestamp, bigint, to_ms),
    UNARY("to_unix_timestamp", CASSANDRA_5, date, bigint, to_ms),
    BINARY("floor", CASSANDRA, 0, timestamp, duration, timestamp, floor),
    TERNARY("floor", CASSANDRA, timestamp, duration, timestamp, timestamp, floor),
    BINARY("floor", CASSANDRA, 0, timeuuid, duration, timestamp, floor),
    TERNARY("floor", CASSANDRA, timeuuid, duration, timestamp, timestamp, floor),
    BINARY("floor", CASSANDRA, 0, date, duration, date, floor),
    TERNARY("floor", CASSANDRA, date, duration, date, date, floor),
    BINARY("floor", CASSANDRA, 0, time, duration, time, floor),

    /* Aggregates. */
    AGGREGATE("count", PARAMETER_ANY, AGGREGATE_COUNT),
    AGGREGATE("min", PARAMETER_ANY, AGGREGATE_MIN),
    AGGREGATE("max", PARAMETER_ANY, AGGREGATE_MAX),
    AGGREGATE("sum", PARAMETER_NUMBER, AGGREGATE_SUM),
    AGGREGATE("avg", PARAMETER_NUMBER, AGGREGATE_AVG),

    /* Operators. */
    OPERATOR("_add", '+'),
    OPERATOR("_substract", '-'),
    OPERATOR("_multiply", '*'),
    OPERATOR("_divide", '/'),
    OPERATOR("_modulo", '%'),
    BINARY("_add", CASSANDRA, '+', timestamp, duration, timestamp, shift_time),
    BINARY("_substract", CASSANDRA, '-', timestamp, duration, timestamp, shift_time),
    BINARY("_add", CASSANDRA, '+', date, duration, date, shift_time),
    BINARY("_substract", CASSANDRA, '-', date, duration, date, shift_time),
    BINARY("_add", CASSANDRA, '+', text, text, text, concatenate),
    BINARY("_add", CASSANDRA, '+', text, ascii, text, concatenate),
    BINARY("_add", CASSANDRA, '+', ascii, text, text, concatenate),
    BINARY("_add", CASSANDRA, '+', ascii, ascii, ascii, concatenate),
    {.name = "_negate",
     .profiles = CASSANDRA,
     .argument_count = 1,
     .arguments = {{.kind = PARAMETER_NUMBER}},
     .result = RESULT_FIRST,
     .pure = true,
     .op = '-',
     .evaluate = evaluate_negate},

    /* Mathematics. */
    FAMILY("abs", CASSANDRA_5, PARAMETER_NUMBER, RESULT_FIRST, NULL, abs),
    FAMILY("exp", CASSANDRA_5, PARAMETER_NUMBER, RESULT_FIRST, NULL, exp),
    FAMILY("log", CASSANDRA_5, PARAMETER_NUMBER, RESULT_FIRST, NULL, log),
    FAMILY("log10", CASSANDRA_5, PARAMETER_NUMBER, RESULT_FIRST, NULL, log10),
    FAMILY("round", CASSANDRA_5, PARAMETER_NUMBER, RESULT_FIRST, NULL, round),

    /* Collections. */
    FAMILY("map_keys", CASSANDRA_5, PARAMETER_MAP, RESULT_KEYS, NULL, map_keys),
    FAMILY("map_values", CASSANDRA_5, PARAMETER_MAP, RESULT_VALUES, NULL, map_values),
    FAMILY("collection_count", CASSANDRA_5, PARAMETER_COLLECTION, RESULT_TYPE, &int_, collection_count),
    FAMILY("collection_min", CASSANDRA_5, PARAMETER_LIST, RESULT_ELEMENT, NULL, collection_min),
    FAMILY("collection_max", CASSANDRA_5, PARAMETER_LIST, RESULT_ELEMENT, NULL, collection_max),
    FAMILY("collection_sum", CASSANDRA_5, PARAMETER_NUMBERS, RESULT_ELEMENT, NULL, collection_sum),
    FAMILY("collection_avg", CASSANDRA_5, PARAMETER_NUMBERS, RESULT_ELEMENT, NULL, collection_avg),

    SIMILARITY("similarity_cosine", similarity_cosine),
    SIMILARITY("similarity_euclidean", similarity_euclidean),
    SIMILARITY("similarity_dot_product", similarity_dot_product),

    /* JSON. */
    TO_JSON("tojson", BEFORE_5, .only_selects = true),
    TO_JSON("tojson", CASSANDRA_5),
    TO_JSON("to_json", CASSANDRA_5, .shown = "tojson"),
    FROM_JSON("fromjson", EVERYWHERE),
    FROM_JSON("from_json", CASSANDRA_5),

    /* Blobs (FUN-5). */
    BLOB_PAIR("ascii", EVERYWHERE, ascii),
    BLOB_PAIR("bigint", EVERYWHERE, bigint),
    BLOB_PAIR("boolean", EVERYWHERE, boolean),
    BLOB_PAIR("counter", EVERYWHERE, counter),
    BLOB_PAIR("date", EVERYWHERE, date),
    BLOB_PAIR("decimal", EVERYWHERE, decimal),
    BLOB_PAIR("double", EVERYWHERE, double_),
    BLOB_PAIR("duration", EVERYWHERE, duration),
    BLOB_PAIR("float", EVERYWHERE, float_),
    BLOB_PAIR("inet", EVERYWHERE, inet),
    BLOB_PAIR("int", EVERYWHERE, int_),
    BLOB_PAIR("smallint", EVERYWHERE, smallint),
    BLOB_PAIR("text", EVERYWHERE, text),
    BLOB_PAIR("time", EVERYWHERE, time),
    BLOB_PAIR("timestamp", EVERYWHERE, timestamp),
    BLOB_PAIR("timeuuid", EVERYWHERE, timeuuid),
    BLOB_PAIR("tinyint", EVERYWHERE, tinyint),
    BLOB_PAIR("uuid", EVERYWHERE, uuid),
    BLOB_PAIR("varchar", EVERYWHERE, text),
    BLOB_PAIR("varint", EVERYWHERE, varint),
};

const size_t function_table_count = ARRAY_LEN(function_table);
