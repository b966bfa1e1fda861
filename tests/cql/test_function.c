/* Native functions: overloads, times, blobs, casts (FUN-1, FUN-3, FUN-4, FUN-5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cql/function.h"

/* 2024-02-29 10:20:30.123456 */
#define NOW_US INT64_C(1709202030123456)

struct fixture {
    struct random random;
    struct timeuuid_source timeuuids;
    struct function_environment environment;
    struct buffer wire;
    struct cql_error error;
    struct arena arena;
    bool null;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.random = {.state = 1}};
    timeuuid_source_init(&fixture.timeuuids, 42);
    arena_init(&fixture.arena, 0);
    fixture.environment = (struct function_environment){.now_us = NOW_US,
                                                        .random = &fixture.random,
                                                        .timeuuids = &fixture.timeuuids,
                                                        .profile = PROFILE_SCYLLA_2025_1};
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    buffer_deinit(&fixture->wire);
    arena_deinit(&fixture->arena);
    return 0;
}

static struct function_query query_of(const char *name, const struct function_argument *arguments,
                                      uint32_t count)
{
    return (struct function_query){.name = name,
                                   .arguments = arguments,
                                   .count = count,
                                   .selector = true,
                                   .profile = PROFILE_SCYLLA_2025_1};
}

static struct function_call find(struct fixture *fixture, const char *name, const struct type *argument)
{
    struct function_call call;
    struct function_argument arguments[] = {{.kind = FUNCTION_ARGUMENT_TYPED, .type = argument}};
    struct function_query query = query_of(name, arguments, argument != NULL);
    if (!function_find(&query, &fixture->arena, &call, &fixture->error))
        fail_msg("%s: %s", name, fixture->error.message);
    return call;
}

/* The result as text; "null" for null. */
static void assert_call(struct fixture *fixture, const char *name, enum type_id type_id,
                        const char *hex_or_null, const char *wanted)
{
    const struct type *type = type_scalar(type_id);
    struct function_call call = find(fixture, name, type);
    struct buffer argument = {0}, text = {0};
    struct cql_value value = {.kind = CQL_NULL};
    if (hex_or_null) {
        assert_true(type_from_literal(type_scalar(TYPE_BLOB), LITERAL_HEX, slice_text(hex_or_null), "c",
                                      PROFILE_SCYLLA_2025_1, &argument, &fixture->error));
        value = (struct cql_value){.kind = CQL_VALUE, .bytes = buffer_slice(&argument)};
    }
    buffer_clear(&fixture->wire);
    if (!function_evaluate(&call, &value, &fixture->environment, &fixture->wire, &fixture->null,
                           &fixture->error))
        buffer_printf(&text, "%s", fixture->error.message);
    else if (fixture->null)
        buffer_printf(&text, "null");
    else
        type_text(&text, call.returns, buffer_slice(&fixture->wire));
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, wanted);
    buffer_deinit(&argument);
    buffer_deinit(&text);
}

static void assert_nullary(struct fixture *fixture, const char *name, const char *wanted)
{
    struct function_call call = find(fixture, name, NULL);
    struct buffer text = {0};
    buffer_clear(&fixture->wire);
    assert_false(call.function->pure); /* FUN-1 */
    assert_true(function_evaluate(&call, NULL, &fixture->environment, &fixture->wire, &fixture->null,
                                  &fixture->error));
    type_text(&text, call.returns, buffer_slice(&fixture->wire));
    buffer_append_u8(&text, 0);
    if (wanted)
        assert_string_equal((const char *)text.data, wanted);
    assert_true(type_validate(call.returns, buffer_slice(&fixture->wire)));
    buffer_deinit(&text);
}

static void the_injected_clock_rules_every_now(void **state)
{
    assert_nullary(*state, "currenttimestamp", "2024-02-29 10:20:30.123000+0000");
    assert_nullary(*state, "currentdate", "2024-02-29");
    assert_nullary(*state, "currenttime", "10:20:30.123456000");
    assert_nullary(*state, "now", NULL);
    assert_nullary(*state, "currenttimeuuid", NULL);
    assert_nullary(*state, "uuid", NULL);
}

static void two_nows_are_two_timeuuids_that_rise(void **state)
{
    struct fixture *fixture = *state;
    const struct type *type = type_scalar(TYPE_TIMEUUID);
    uint8_t before[UUID_BYTES];
    timeuuid_next(&fixture->timeuuids, NOW_US, before);
    for (int i = 0; i < 1000; i++) {
        uint8_t uuid[UUID_BYTES];
        /* Even when the clock goes back. */
        timeuuid_next(&fixture->timeuuids, NOW_US - i % 3 * 1000, uuid);
        assert_true(type_validate(type, slice_of(uuid, UUID_BYTES)));
        assert_true(type_compare(type, slice_of(before, UUID_BYTES), slice_of(uuid, UUID_BYTES)) < 0);
        memcpy(before, uuid, UUID_BYTES);
    }
    assert_true(timeuuid_ms(before) == NOW_US / 1000);
}

static void random_uuids_have_version_four(void **state)
{
    struct fixture *fixture = *state;
    uint8_t a[UUID_BYTES], b[UUID_BYTES];
    uuid_random(&fixture->random, a);
    uuid_random(&fixture->random, b);
    assert_int_equal(uuid_version(a), 4);
    assert_int_equal(a[8] >> 6, 2);
    assert_memory_not_equal(a, b, UUID_BYTES);
}

/* 2024-02-29 10:20:30.123 as a timestamp, and its day. */
#define TIMESTAMP_HEX "0x0000018df4613e2b"
#define DATE_HEX      "0x80004d46"

static void times_convert_into_each_other(void **state)
{
    assert_call(*state, "todate", TYPE_TIMESTAMP, TIMESTAMP_HEX, "2024-02-29");
    assert_call(*state, "totimestamp", TYPE_DATE, DATE_HEX, "2024-02-29 00:00:00.000000+0000");
    assert_call(*state, "tounixtimestamp", TYPE_TIMESTAMP, TIMESTAMP_HEX, "1709202030123");
    assert_call(*state, "tounixtimestamp", TYPE_DATE, DATE_HEX, "1709164800000");
    assert_call(*state, "dateof", TYPE_TIMEUUID, "0x00000000000010008080808080808080",
                "1582-10-15 00:00:00.000000+0000");
    assert_call(*state, "unixtimestampof", TYPE_TIMEUUID, "0x00000000000010008080808080808080",
                "-12219292800000");
    assert_call(*state, "todate", TYPE_TIMEUUID, "0x00000000000010008080808080808080", "1582-10-15");
    assert_call(*state, "totimestamp", TYPE_TIMEUUID, NULL, "null");
    assert_call(*state, "todate", TYPE_TIMESTAMP, "0x", "null");
}

static void bounds_of_a_millisecond_hold_every_timeuuid_of_it(void **state)
{
    struct fixture *fixture = *state;
    const struct type *type = type_scalar(TYPE_TIMEUUID);
    uint8_t least[UUID_BYTES], most[UUID_BYTES], uuid[UUID_BYTES];
    assert_true(timeuuid_min(NOW_US / 1000, least));
    assert_true(timeuuid_max(NOW_US / 1000, most));
    assert_memory_equal(least + 8, "\x80\x80\x80\x80\x80\x80\x80\x80", 8); /* FUN-3 */
    assert_memory_equal(most + 8, "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f", 8);
    assert_int_equal(timeuuid_ticks(most) - timeuuid_ticks(least), 9999);
    timeuuid_next(&fixture->timeuuids, NOW_US, uuid);
    assert_true(type_compare(type, slice_of(least, 16), slice_of(uuid, 16)) <= 0);
    assert_true(type_compare(type, slice_of(uuid, 16), slice_of(most, 16)) <= 0);
    assert_call(fixture, "mintimeuuid", TYPE_TIMESTAMP, "0x7fffffffffffffff",
                "In call to function system.mintimeuuid, the timestamp is out of range for a timeuuid");
    assert_call(fixture, "maxtimeuuid", TYPE_TIMESTAMP, "0x8000000000000000",
                "In call to function system.maxtimeuuid, the timestamp is out of range for a timeuuid");
}

static void blobs_convert_only_when_their_bytes_are_a_value(void **state)
{
    assert_call(*state, "intasblob", TYPE_INT, "0x00000005", "0x00000005");
    assert_call(*state, "blobasint", TYPE_BLOB, "0xffffffff", "-1");
    assert_call(*state, "blobasint", TYPE_BLOB, "0x00ff", /* FUN-5 */
                "In call to function system.blobasint, value 0x00ff is not a valid binary representation for "
                "type int");
    assert_call(*state, "blobastext", TYPE_BLOB, "0xff",
                "In call to function system.blobastext, value 0xff is not a valid binary representation for "
                "type text");
    assert_call(*state, "varcharasblob", TYPE_TEXT, "0x61", "0x61");
    assert_call(*state, "blobasint", TYPE_BLOB, NULL, "null");
    assert_call(*state, "tojson", TYPE_TEXT, "0x6122", "\"a\\\"\"");
    assert_call(*state, "tojson", TYPE_INT, NULL, "null");
}

static void literals_choose_an_overload_and_bind_markers_may_not(void **state)
{
    struct fixture *fixture = *state;
    struct function_call call;
    struct function_argument string[] = {{.kind = FUNCTION_ARGUMENT_LITERAL, .literal = LITERAL_STRING}};
    struct function_argument unknown[] = {{.kind = FUNCTION_ARGUMENT_UNKNOWN}};
    struct function_query query = query_of("mintimeuuid", string, 1);
    assert_true(function_find(&query, &fixture->arena, &call, &fixture->error));
    assert_int_equal(call.arguments[0]->id, TYPE_TIMESTAMP);
    query = query_of("blobasint", unknown, 1);
    query.keyspace = "system";
    assert_true(function_find(&query, &fixture->arena, &call, &fixture->error));
    query = query_of("todate", unknown, 1);
    assert_false(function_find(&query, &fixture->arena, &call, &fixture->error));
    assert_string_equal(
        fixture->error.message,
        "Ambiguous call to function todate (can be matched by following signatures: system.todate : "
        "(timeuuid) -> date, system.todate : (timestamp) -> date): use type casts to disambiguate");
    query = query_of("now", unknown, 1);
    assert_false(function_find(&query, &fixture->arena, &call, &fixture->error));
    assert_string_equal(
        fixture->error.message,
        "Invalid number of arguments in call to function system.now: 0 required but 1 provided");
    query = query_of("nosuch", NULL, 0);
    query.selector = false;
    assert_false(function_find(&query, &fixture->arena, &call, &fixture->error));
    assert_string_equal(fixture->error.message, "Unknown function nosuch called");
    assert_false(function_exists("ks", "now", PROFILE_SCYLLA_2025_1));
}

static void assert_cast(struct fixture *fixture, enum type_id from, enum literal_kind kind,
                        const char *source, enum type_id to, const char *wanted)
{
    struct buffer value = {0}, text = {0};
    assert_true(type_from_literal(type_scalar(from), kind, slice_text(source), "c", PROFILE_SCYLLA_2025_1,
                                  &value, &fixture->error));
    assert_true(function_can_cast(type_scalar(from), type_scalar(to)));
    buffer_clear(&fixture->wire);
    if (function_cast(type_scalar(from), type_scalar(to), buffer_slice(&value), PROFILE_SCYLLA_2025_1,
                      &fixture->wire, &fixture->null, &fixture->error))
        type_text(&text, type_scalar(to), buffer_slice(&fixture->wire));
    else
        buffer_printf(&text, "%s", fixture->error.message);
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, wanted);
    buffer_deinit(&value);
    buffer_deinit(&text);
}

static void casts_convert_numbers_times_and_to_text(void **state)
{
    struct fixture *fixture = *state;
    assert_cast(fixture, TYPE_INT, LITERAL_INTEGER, "300", TYPE_TINYINT, "44");
    assert_cast(fixture, TYPE_INT, LITERAL_INTEGER, "-1", TYPE_BIGINT, "-1");
    assert_cast(fixture, TYPE_BIGINT, LITERAL_INTEGER, "-7", TYPE_VARINT, "-7");
    assert_cast(fixture, TYPE_BIGINT, LITERAL_INTEGER, "5", TYPE_DOUBLE, "5");
    assert_cast(fixture, TYPE_BIGINT, LITERAL_INTEGER, "5", TYPE_DECIMAL, "5");
    assert_cast(fixture, TYPE_DOUBLE, LITERAL_FLOAT, "-3.9", TYPE_INT, "-3");
    assert_cast(fixture, TYPE_DOUBLE, LITERAL_FLOAT, "1e300", TYPE_INT, "2147483647");
    assert_cast(fixture, TYPE_DOUBLE, LITERAL_FLOAT, "NaN", TYPE_INT, "0");
    assert_cast(fixture, TYPE_DOUBLE, LITERAL_FLOAT, "1e20", TYPE_VARINT, "100000000000000000000");
    assert_cast(fixture, TYPE_DOUBLE, LITERAL_FLOAT, "-0.4", TYPE_VARINT, "0");
    assert_cast(fixture, TYPE_DOUBLE, LITERAL_FLOAT, "1.5", TYPE_DECIMAL, "1.5");
    assert_cast(fixture, TYPE_DOUBLE, LITERAL_FLOAT, "NaN", TYPE_DECIMAL,
                "In call to function system.cast, the value has no form as a decimal");
    assert_cast(fixture, TYPE_FLOAT, LITERAL_FLOAT, "0.1", TYPE_DOUBLE, "0.10000000149011612");
    assert_cast(fixture, TYPE_DECIMAL, LITERAL_FLOAT, "-12.99", TYPE_INT, "-12");
    assert_cast(fixture, TYPE_DECIMAL, LITERAL_FLOAT, "0.5", TYPE_BIGINT, "0");
    assert_cast(fixture, TYPE_DECIMAL, LITERAL_FLOAT, "-0.5", TYPE_INT, "0");
    assert_cast(fixture, TYPE_DECIMAL, LITERAL_FLOAT, "1.25e3", TYPE_VARINT, "1250");
    assert_cast(fixture, TYPE_DECIMAL, LITERAL_FLOAT, "1e2000000000", TYPE_INT,
                "In call to function system.cast, the value has no form as a int");
    assert_cast(fixture, TYPE_VARINT, LITERAL_INTEGER, "18446744073709551617", TYPE_INT, "1");
    assert_cast(fixture, TYPE_VARINT, LITERAL_INTEGER, "256", TYPE_FLOAT, "256");
    assert_cast(fixture, TYPE_DOUBLE, LITERAL_INTEGER, "3", TYPE_TEXT, "3.0");
    assert_cast(fixture, TYPE_BOOLEAN, LITERAL_BOOLEAN, "true", TYPE_TEXT, "true");
    assert_cast(fixture, TYPE_TIMESTAMP, LITERAL_STRING, "2024-02-29 10:20:30", TYPE_TEXT,
                "2024-02-29T10:20:30.000Z");
    assert_cast(fixture, TYPE_TIMESTAMP, LITERAL_STRING, "2024-02-29 10:20:30", TYPE_DATE, "2024-02-29");
    assert_cast(fixture, TYPE_DATE, LITERAL_STRING, "2024-02-29", TYPE_TIMESTAMP,
                "2024-02-29 00:00:00.000000+0000");
    assert_false(function_can_cast(type_scalar(TYPE_TEXT), type_scalar(TYPE_INT)));
    assert_false(function_can_cast(type_scalar(TYPE_BLOB), type_scalar(TYPE_TEXT)));
}

#define FUNCTION_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FUNCTION_TEST(the_injected_clock_rules_every_now),
        FUNCTION_TEST(two_nows_are_two_timeuuids_that_rise),
        FUNCTION_TEST(random_uuids_have_version_four),
        FUNCTION_TEST(times_convert_into_each_other),
        FUNCTION_TEST(bounds_of_a_millisecond_hold_every_timeuuid_of_it),
        FUNCTION_TEST(blobs_convert_only_when_their_bytes_are_a_value),
        FUNCTION_TEST(literals_choose_an_overload_and_bind_markers_may_not),
        FUNCTION_TEST(casts_convert_numbers_times_and_to_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
