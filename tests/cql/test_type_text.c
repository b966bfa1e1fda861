/* Values as text, as literals and as JSON, and back (TYP-9 and the notations of every type). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"
#include "cql/calendar.h"
#include "cql/duration.h"
#include "cql/number.h"
#include "cql/type.h"

struct form {
    enum type_id type;
    enum literal_kind kind;
    const char *source, *text, *literal, *json; /* NULL: as the source */
};

static void assert_form(const char *what, struct buffer *made, const char *wanted)
{
    buffer_append_u8(made, 0);
    if (strcmp((const char *)made->data, wanted) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"", what, (const char *)made->data, wanted);
    buffer_clear(made);
}

static void every_type_prints_as_text_literal_and_json(void **state)
{
    (void)state;
    static const struct form forms[] = {
        {TYPE_INT, LITERAL_INTEGER, "-5", NULL, NULL, NULL},
        {TYPE_BIGINT, LITERAL_INTEGER, "-9223372036854775808", NULL, NULL, NULL},
        {TYPE_COUNTER, LITERAL_INTEGER, "7", NULL, NULL, NULL},
        {TYPE_TINYINT, LITERAL_INTEGER, "-128", NULL, NULL, NULL},
        {TYPE_VARINT, LITERAL_INTEGER, "-123456789012345678901234567890", NULL, NULL, NULL},
        {TYPE_DECIMAL, LITERAL_FLOAT, "-1.50", NULL, NULL, NULL},
        {TYPE_DECIMAL, LITERAL_FLOAT, "0.000001", NULL, NULL, NULL},
        {TYPE_DECIMAL, LITERAL_FLOAT, "0.0000001", "1E-7", "1E-7", "1E-7"},
        {TYPE_DECIMAL, LITERAL_FLOAT, "1.5e20", "1.5E+20", "1.5E+20", "1.5E+20"},
        {TYPE_DECIMAL, LITERAL_INTEGER, "0", NULL, NULL, NULL},
        {TYPE_DOUBLE, LITERAL_FLOAT, "0.1", NULL, NULL, NULL},
        {TYPE_DOUBLE, LITERAL_INTEGER, "3", "3", "3", "3.0"},
        {TYPE_DOUBLE, LITERAL_FLOAT, "NaN", NULL, NULL, "null"},
        {TYPE_DOUBLE, LITERAL_FLOAT, "-Infinity", NULL, NULL, "null"},
        {TYPE_DOUBLE, LITERAL_FLOAT, "1e300", "1e+300", "1e+300", "1e+300"},
        {TYPE_FLOAT, LITERAL_FLOAT, "0.1", NULL, NULL, NULL},
        {TYPE_BOOLEAN, LITERAL_BOOLEAN, "true", "True", NULL, NULL},
        {TYPE_TEXT, LITERAL_STRING, "it's \"x\"\n", NULL, "'it''s \"x\"\n'", "\"it's \\\"x\\\"\\n\""},
        {TYPE_TEXT, LITERAL_STRING, "", "", "''", "\"\""},
        {TYPE_ASCII, LITERAL_STRING, "a\x01", NULL, "'a\x01'", "\"a\\u0001\""},
        {TYPE_BLOB, LITERAL_HEX, "0x00ff", NULL, NULL, "\"0x00ff\""},
        {TYPE_BLOB, LITERAL_HEX, "0x", NULL, NULL, "\"0x\""},
        {TYPE_UUID, LITERAL_UUID, "123e4567-e89b-12d3-a456-426614174000", NULL, NULL,
         "\"123e4567-e89b-12d3-a456-426614174000\""},
        {TYPE_INET, LITERAL_STRING, "::1", NULL, "'::1'", "\"::1\""},
        {TYPE_INET, LITERAL_STRING, "10.0.0.255", NULL, "'10.0.0.255'", "\"10.0.0.255\""},
        {TYPE_TIMESTAMP, LITERAL_STRING, "2024-02-29 10:20:30.5", "2024-02-29 10:20:30.500000+0000",
         "'2024-02-29 10:20:30.500+0000'", "\"2024-02-29 10:20:30.500Z\""},
        {TYPE_TIMESTAMP, LITERAL_INTEGER, "-1", "1969-12-31 23:59:59.999000+0000",
         "'1969-12-31 23:59:59.999+0000'", "\"1969-12-31 23:59:59.999Z\""},
        {TYPE_TIMESTAMP, LITERAL_INTEGER, "9223372036854775807", NULL, NULL, "\"9223372036854775807\""},
        {TYPE_DATE, LITERAL_STRING, "2024-02-29", NULL, "'2024-02-29'", "\"2024-02-29\""},
        {TYPE_DATE, LITERAL_STRING, "-5877641-06-23", NULL, "'-5877641-06-23'", "\"-5877641-06-23\""},
        {TYPE_DATE, LITERAL_INTEGER, "2147483648", "1970-01-01", "'1970-01-01'", "\"1970-01-01\""},
        {TYPE_TIME, LITERAL_STRING, "23:59:59.5", "23:59:59.500000000", "'23:59:59.500000000'",
         "\"23:59:59.500000000\""},
        {TYPE_DURATION, LITERAL_DURATION, "1y2mo3w4d5h6m7s8ms9us10ns", "1y2mo25d5h6m7s8ms9us10ns",
         "1y2mo25d5h6m7s8ms9us10ns", "\"1y2mo25d5h6m7s8ms9us10ns\""},
        {TYPE_DURATION, LITERAL_DURATION, "-P1Y2M3DT4H5M6S", "-1y2mo3d4h5m6s", "-1y2mo3d4h5m6s",
         "\"-1y2mo3d4h5m6s\""},
    };
    struct buffer wire = {0}, made = {0};
    struct cql_error error;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        const struct form *form = &forms[i];
        const struct type *type = type_scalar(form->type);
        if (!type_from_literal(type, form->kind, slice_text(form->source), "c", PROFILE_SCYLLA_2025_1, &wire,
                               &error))
            fail_msg("%s: %s", form->source, error.message);
        assert_true(type_validate(type, buffer_slice(&wire)));
        type_text(&made, type, buffer_slice(&wire));
        assert_form("text", &made, form->text ? form->text : form->source);
        type_literal(&made, type, buffer_slice(&wire));
        assert_form("literal", &made, form->literal ? form->literal : form->source);
        type_json(&made, type, buffer_slice(&wire));
        assert_form("json", &made, form->json ? form->json : form->source);
        buffer_clear(&wire);
    }
    buffer_deinit(&wire);
    buffer_deinit(&made);
}

static void collections_print_in_cql_notation(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buffer made = {0};
    static const uint8_t map[] = {0, 0, 0, 2, 0, 0,   0,    1, 'a', 0, 0, 0,   1,
                                  1, 0, 0, 0, 2, 'i', '\'', 0, 0,   0, 1, 0xff};
    const struct type *type = type_parse(&arena, slice_text("frozen<map<text, tinyint>>"));
    type_text(&made, type, slice_of(map, sizeof map));
    assert_form("text", &made, "{'a': 1, 'i''': -1}");
    type_json(&made, type, slice_of(map, sizeof map));
    assert_form("json", &made, "{\"a\": 1, \"i'\": -1}");
    type = type_parse(&arena, slice_text("frozen<map<tinyint, tinyint>>"));
    static const uint8_t numbers[] = {0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 2};
    type_json(&made, type, slice_of(numbers, sizeof numbers));
    assert_form("json", &made, "{\"1\": 2}"); /* FUN-8: keys are strings */
    type = type_parse(&arena, slice_text("set<text>"));
    type_literal(&made, type, slice_of(map, 9)); /* claims two, holds one */
    assert_form("literal", &made, "{'a'}");
    type = type_parse(&arena, slice_text("tuple<tinyint, list<text>, uuid>"));
    static const uint8_t tuple[] = {0, 0, 0, 1, 5, 0, 0,   0,    9,    0,    0,
                                    0, 1, 0, 0, 0, 1, 'x', 0xff, 0xff, 0xff, 0xff};
    type_text(&made, type, slice_of(tuple, sizeof tuple));
    assert_form("text", &made, "(5, ['x'], null)");
    type_json(&made, type, slice_of(tuple, sizeof tuple));
    assert_form("json", &made, "[5, [\"x\"], null]");
    buffer_deinit(&made);
    arena_deinit(&arena);
}

static void an_empty_number_and_broken_bytes_still_print(void **state)
{
    (void)state;
    struct buffer made = {0};
    type_text(&made, type_scalar(TYPE_INT), slice_of("", 0));
    assert_form("text", &made, "");
    type_literal(&made, type_scalar(TYPE_INT), slice_of("", 0));
    assert_form("literal", &made, "blobAsInt(0x)");
    type_text(&made, type_scalar(TYPE_INT), slice_of("ab", 2));
    assert_form("text", &made, "0x6162");
    type_json(&made, type_scalar(TYPE_INT), slice_of("ab", 2));
    assert_form("json", &made, "\"0x6162\"");
    buffer_deinit(&made);
}

static void timestamps_have_many_notations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        /* TYP-9 */
        {"1970-01-01", 0},
        {"2024-02-29", 1709164800000},
        {"2024-2-9", 1707436800000},
        {"2024-02-29Z", 1709164800000},
        {"2024-02-29 +0100", 1709161200000},
        {"2024-02-29+01:00", 1709161200000},
        {"2024-02-29T10:20", 1709202000000},
        {"2024-02-29 10:20:30", 1709202030000},
        {"2024-02-29 10:20:30.5", 1709202030500},
        {"2024-02-29T10:20:30.123Z", 1709202030123},
        {"2024-02-29 10:20:30.123+0200", 1709194830123},
        {"2024-02-29 10:20:30-05", 1709220030000},
        {"2024-02-29 10:20:30 UTC", 1709202030000},
        {"2024-02-29 10:20:30 gmt", 1709202030000},
        {"1709164800000", 1709164800000},
        {"-1", -1},
        {"1582-10-15", -12219292800000},
        {"0001-01-01", -62135596800000},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ms = 0;
        if (!timestamp_parse(slice_text(cases[i].text), &ms) || ms != cases[i].ms)
            fail_msg("%s: %lld", cases[i].text, (long long)ms);
    }
    static const char *const bad[] = {"",
                                      "x",
                                      "2024-01",
                                      "2024-13-01",
                                      "2023-02-29",
                                      "2024-02-30",
                                      "2024-02-29 25:00",
                                      "2024-02-29 10",
                                      "2024-02-29 10:60",
                                      "2024-02-29 10:20:30 CET",
                                      "2024-02-29 10:20:30+1",
                                      "2024-02-29 10:20:30+25:00",
                                      "99999999999999999999",
                                      "2024-02-29 10:20:30.",
                                      "20240-01-01"};
    int64_t ms;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (timestamp_parse(slice_text(bad[i]), &ms))
            fail_msg("was taken: %s", bad[i]);
}

static void an_over_precise_timestamp_is_an_error_in_scylla_and_cut_in_cassandra(void **state)
{
    (void)state;
    struct buffer wire = {0};
    struct cql_error error;
    const struct type *type = type_scalar(TYPE_TIMESTAMP);
    struct slice text = slice_text("2024-02-29 10:20:30.123456"); /* TYP-9 */
    assert_false(type_from_literal(type, LITERAL_STRING, text, "c", PROFILE_SCYLLA_2025_1, &wire, &error));
    assert_string_equal(
        error.message,
        "marshaling error: unable to parse date '2024-02-29 10:20:30.123456': marshaling error: "
        "Milliseconds length exceeds expected (6)");
    assert_true(type_from_literal(type, LITERAL_STRING, text, "c", PROFILE_CASSANDRA_4_1, &wire, &error));
    assert_true(load_be64(wire.data) == 1709202030123);
    buffer_deinit(&wire);
}

static void a_literal_of_the_wrong_kind_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        enum type_id type;
        enum literal_kind kind;
        const char *text, *scylla, *cassandra;
    } cases[] = {
        {TYPE_INT, LITERAL_STRING, "x", "Invalid STRING constant (x) for \"c\" of type int",
         "Invalid STRING constant (x) for \"c\" of type int"},
        {TYPE_UUID, LITERAL_STRING, "123e4567-e89b-12d3-a456-426614174000",
         "Invalid STRING constant (123e4567-e89b-12d3-a456-426614174000) for \"c\" of type uuid",
         "Invalid STRING constant (123e4567-e89b-12d3-a456-426614174000) for \"c\" of type uuid"},
        {TYPE_TEXT, LITERAL_INTEGER, "5", "Invalid INTEGER constant (5) for \"c\" of type text",
         "Invalid INTEGER constant (5) for \"c\" of type text"},
        {TYPE_INT, LITERAL_FLOAT, "5.0", "Invalid FLOAT constant (5.0) for \"c\" of type int",
         "Invalid FLOAT constant (5.0) for \"c\" of type int"},
        {TYPE_INT, LITERAL_INTEGER, "2147483648",
         "marshaling error: Value out of range for type org.apache.cassandra.db.marshal.Int32Type: "
         "'2147483648'",
         "Unable to make int from '2147483648'"},
        {TYPE_TINYINT, LITERAL_INTEGER, "200",
         "marshaling error: Value out of range for type org.apache.cassandra.db.marshal.ByteType: '200'",
         "Unable to make byte from '200'"},
        {TYPE_BIGINT, LITERAL_INTEGER, "9223372036854775808",
         "marshaling error: Invalid number format '9223372036854775808'",
         "Unable to make long from '9223372036854775808'"},
        {TYPE_INET, LITERAL_STRING, "1.2.3.256",
         "marshaling error: Unable to make inet address from '1.2.3.256'",
         "Unable to make inet address from '1.2.3.256'"},
        {TYPE_TIME, LITERAL_STRING, "24:00:00",
         "marshaling error: Timestamp format must be hh:mm:ss[.fffffffff]",
         "(TimeType) Unable to coerce '24:00:00' to a formatted time (long)"},
        {TYPE_TIMEUUID, LITERAL_UUID, "123e4567-e89b-42d3-a456-426614174000",
         "marshaling error: Unsupported UUID version (4)", "TimeUUID supports only version 1 UUIDs"},
        {TYPE_BLOB, LITERAL_HEX, "0xabc",
         "marshaling error: An hex string representing bytes must have an even length",
         "cannot parse 'abc' as hex bytes"},
    };
    struct buffer wire = {0};
    struct cql_error error;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct type *type = type_scalar(cases[i].type);
        struct slice text = slice_text(cases[i].text);
        assert_false(type_from_literal(type, cases[i].kind, text, "c", PROFILE_SCYLLA_2025_1, &wire, &error));
        assert_int_equal(error.code, CQL_INVALID);
        assert_string_equal(error.message, cases[i].scylla);
        assert_false(type_from_literal(type, cases[i].kind, text, "c", PROFILE_CASSANDRA_4_1, &wire, &error));
        assert_string_equal(error.message, cases[i].cassandra);
        assert_int_equal(wire.bytes, 0);
    }
    buffer_deinit(&wire);
}

static void varints_are_as_short_as_java_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *wire;
        size_t bytes;
    } cases[] = {
        {"0", "\x00", 1},       {"127", "\x7f", 1},      {"128", "\x00\x80", 2},
        {"-1", "\xff", 1},      {"-128", "\x80", 1},     {"-129", "\xff\x7f", 2},
        {"255", "\x00\xff", 2}, {"-256", "\xff\x00", 2}, {"65535", "\x00\xff\xff", 3},
        {"-00", "\x00", 1},
    };
    struct buffer wire = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(varint_parse(slice_text(cases[i].text), &wire));
        assert_int_equal(wire.bytes, cases[i].bytes);
        assert_memory_equal(wire.data, cases[i].wire, wire.bytes);
        buffer_clear(&wire);
    }
    assert_false(varint_parse(slice_text("-"), &wire));
    assert_false(varint_parse(slice_text("1x"), &wire));
    buffer_deinit(&wire);
}

static void floating_numbers_print_shortest_and_read_back(void **state)
{
    (void)state;
    struct random rng = {.state = 7};
    struct buffer text = {0};
    for (int i = 0; i < 5000; i++) {
        uint64_t bits = random_next(&rng);
        double value, again;
        memcpy(&value, &bits, sizeof value);
        if (value != value)
            continue;
        double_print(&text, value, "");
        assert_true(double_parse(buffer_slice(&text), &again));
        assert_memory_equal(&value, &again, sizeof value);
        buffer_clear(&text);
        uint32_t few_bits = (uint32_t)bits;
        float small, small_again;
        memcpy(&small, &few_bits, sizeof small);
        if (small != small)
            continue;
        float_print(&text, small, "");
        assert_true(float_parse(buffer_slice(&text), &small_again));
        assert_memory_equal(&small, &small_again, sizeof small);
        buffer_clear(&text);
    }
    double value;
    assert_false(double_parse(slice_text("0x10"), &value));
    assert_false(double_parse(slice_text("1.5x"), &value));
    assert_false(double_parse(slice_text(""), &value));
    buffer_deinit(&text);
}

static void every_day_has_one_name(void **state)
{
    (void)state;
    struct random rng = {.state = 11};
    struct buffer text = {0};
    for (int i = 0; i < 20000; i++) {
        int64_t days = i < 1000 ? i - 500 : (int64_t)random_below(&rng, UINT32_MAX) + INT32_MIN, again;
        calendar_print_date(&text, days);
        assert_true(calendar_parse_date(buffer_slice(&text), false, &again));
        assert_true(again == days);
        buffer_clear(&text);
    }
    assert_int_equal(calendar_days((struct civil_date){.year = 2000, .month = 3, .day = 1}), 11017);
    buffer_deinit(&text);
}

static void durations_survive_the_wire_and_text(void **state)
{
    (void)state;
    static const int64_t edges[] = {0,        1, 63, 64, 127, 128, 8191, 8192, INT32_MAX, INT64_C(1) << 55,
                                    INT64_MAX};
    struct buffer wire = {0}, text = {0};
    char why[DURATION_WHY_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            int32_t part = (int32_t)(edges[i] & INT32_MAX);
            struct duration duration = {.months = sign * part, .days = sign * part, .ns = sign * edges[i]},
                            again;
            duration_encode(&wire, duration);
            assert_int_equal(duration_decode(buffer_slice(&wire), &again), DURATION_FINE);
            assert_true(again.months == duration.months && again.days == duration.days &&
                        again.ns == duration.ns);
            duration_print(&text, duration);
            assert_true(duration_parse(buffer_slice(&text), &again, why));
            assert_true(again.months == duration.months && again.days == duration.days &&
                        again.ns == duration.ns);
            buffer_clear(&wire);
            buffer_clear(&text);
        }
    }
    static const char *const bad[] = {"",   "1",  "d",    "1d1d",  "1d1y",         "1x",  "P",
                                      "PT", "P1", "1s1h", "P1D2Y", "99999999999y", "1mon"};
    struct duration duration;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (duration_parse(slice_text(bad[i]), &duration, why))
            fail_msg("was taken: %s", bad[i]);
    assert_false(duration_parse(slice_text("1d1y"), &duration, why));
    assert_string_equal(why, "Invalid duration. The days should be after years");
    assert_false(duration_parse(slice_text("2147483648mo"), &duration, why));
    assert_string_equal(why,
                        "Invalid duration. The total number of months must be less or equal to 2147483647");
    assert_true(duration_parse(slice_text("PT5M"), &duration, why) && duration.months == 0 &&
                duration.ns == INT64_C(300000000000));
    assert_true(duration_parse(slice_text("P5M"), &duration, why) && duration.months == 5);
    assert_true(duration_parse(slice_text("5\xc2\xb5s"), &duration, why) && duration.ns == 5000);
    buffer_deinit(&wire);
    buffer_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_prints_as_text_literal_and_json),
        cmocka_unit_test(collections_print_in_cql_notation),
        cmocka_unit_test(an_empty_number_and_broken_bytes_still_print),
        cmocka_unit_test(timestamps_have_many_notations),
        cmocka_unit_test(an_over_precise_timestamp_is_an_error_in_scylla_and_cut_in_cassandra),
        cmocka_unit_test(a_literal_of_the_wrong_kind_is_refused_by_name),
        cmocka_unit_test(varints_are_as_short_as_java_writes_them),
        cmocka_unit_test(floating_numbers_print_shortest_and_read_back),
        cmocka_unit_test(every_day_has_one_name),
        cmocka_unit_test(durations_survive_the_wire_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
