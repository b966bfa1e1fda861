/* JSON: what is and is not, and the values that types make of it (FUN-8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cql/json.h"
#include "cql/type.h"

/* ---- texts ---- */

static bool is_json(const char *text)
{
    struct json_value value;
    size_t at;
    const char *why;
    return json_parse(slice_text(text), &value, &at, &why);
}

static void strict_json_is_read_and_nothing_else(void **state)
{
    (void)state;
    static const char *const good[] = {
        "null",
        "true",
        " false ",
        "0",
        "-0",
        "12",
        "-1.5e+10",
        "1E5",
        "\"\"",
        "\"a\\u00e9\\n\"",
        "[]",
        "{}",
        "[1, [2], {\"a\": [3]}]",
        "{\"a\":1,\"a\":2}",
        "\"\\ud83d\\ude00\"",
        "\t[\n1\r]\n",
    };
    static const char *const bad[] = {
        "",         " ",       "nul",       "tru",         "01",          "1.",
        ".5",       "+1",      "1e",        "-",           "NaN",         "'a'",
        "\"a",      "\"\n\"",  "\"\\x41\"", "\"\\u12\"",   "[1,]",        "[,1]",
        "[1 2]",    "{a: 1}",  "{\"a\"}",   "{\"a\":}",    "{\"a\":1,}",  "[1",
        "{\"a\":1", "1 2",     "[1}",       "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"",
        "Infinity", "/* */ 1",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!is_json(good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (is_json(bad[i]))
            fail_msg("accepted: %s", bad[i]);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    char deep[2 * (JSON_DEPTH_MAX + 1) + 1] = "";
    memset(deep, '[', JSON_DEPTH_MAX + 1);
    memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_false(is_json(deep));
    deep[sizeof deep - 2] = 0;
    assert_true(is_json(deep + 1));
}

static void a_fault_has_a_place(void **state)
{
    (void)state;
    struct json_value value;
    size_t at;
    const char *why;
    assert_false(json_parse(slice_text("{\"a\": x}"), &value, &at, &why));
    assert_int_equal(at, 6);
    assert_string_equal(why, "a value was expected");
}

/* ---- values ---- */

/* The text of the value that JSON gives a type, or "! why". */
static void assert_reads(enum cql_profile profile, const char *type_text_, const char *json,
                         const char *expected)
{
    struct arena arena = {0};
    struct buffer wire = {0}, text = {0};
    char why[TYPE_WHY_BYTES];
    const struct type *type = type_parse(&arena, slice_text(type_text_));
    struct json_value value;
    size_t at;
    const char *fault;
    assert_non_null(type);
    assert_true(json_parse(slice_text(json), &value, &at, &fault));
    if (type_from_json(type, value, cql_target_of(profile), &arena, &wire, why)) {
        assert_true(type_validate(type, buffer_slice(&wire)));
        type_text(&text, type, buffer_slice(&wire));
    } else {
        assert_int_equal(wire.bytes, 0);
        buffer_printf(&text, "! %s", why);
    }
    buffer_append_u8(&text, 0);
    if (strcmp((const char *)text.data, expected) != 0)
        fail_msg("%s from %s: %s, not %s", type_text_, json, (const char *)text.data, expected);
    buffer_deinit(&wire);
    buffer_deinit(&text);
    arena_deinit(&arena);
}

#define PAIR "udt<\"k\", \"pair\", \"a\" int, \"B\" text>"

static void every_type_has_its_json(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"int", "5", "5"},
        {"int", "\"-5\"", "-5"},
        {"tinyint", "127", "127"},
        {"smallint", "-32768", "-32768"},
        {"bigint", "9223372036854775807", "9223372036854775807"},
        {"varint", "123456789012345678901234567890", "123456789012345678901234567890"},
        {"decimal", "\"1e-3\"", "0.001"},
        {"double", "2", "2"},
        {"double", "\"NaN\"", "NaN"},
        {"float", "\"-Infinity\"", "-Infinity"},
        {"boolean", "true", "True"},
        {"boolean", "\"FALSE\"", "False"},
        {"text", "\"\"", ""},
        {"text", "\"\\u00e9\\t\\ud83d\\ude00\"", "é\t😀"},
        {"ascii", "\"a\\/b\"", "a/b"},
        {"blob", "\"0x00ff\"", "0x00ff"},
        {"uuid", "\"123e4567-e89b-42d3-a456-426614174000\"", "123e4567-e89b-42d3-a456-426614174000"},
        {"inet", "\"::1\"", "::1"},
        {"date", "\"2024-02-29\"", "2024-02-29"},
        {"time", "\"01:02:03.5\"", "01:02:03.500000000"},
        {"timestamp", "1767225600000", "2026-01-01 00:00:00.000000+0000"},
        {"timestamp", "\"2026-01-01T00:00:00Z\"", "2026-01-01 00:00:00.000000+0000"},
        {"duration", "\"1mo2d\"", "1mo2d"},
        {"list<int>", "[3, 1, 3]", "[3, 1, 3]"},
        {"set<int>", "[3, 1, \"3\", 2]", "{1, 2, 3}"},
        {"map<int, text>", "{\"2\": \"b\", \"1\": \"a\"}", "{1: 'a', 2: 'b'}"},
        {"map<frozen<list<int>>, int>", "{\"[2, 1]\": 1, \"[]\": 0}", "{[]: 0, [2, 1]: 1}"},
        {"frozen<tuple<int, text>>", "[1, null]", "(1, null)"},
        {PAIR, "{\"a\": 1}", "{a: 1, \"B\": null}"},
        {PAIR, "{\"\\\"B\\\"\": \"x\", \"a\": null}", "{a: null, \"B\": 'x'}"},
        {"list<frozen<" PAIR ">>", "[{\"a\": 7}]", "[{a: 7, \"B\": null}]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_reads(PROFILE_CASSANDRA_4_1, cases[i][0], cases[i][1], cases[i][2]);
        assert_reads(PROFILE_SCYLLA_2025_1, cases[i][0], cases[i][1], cases[i][2]);
    }
}

static void what_does_not_fit_is_refused_in_the_targets_words(void **state)
{
    (void)state;
    static const struct {
        const char *type, *json, *cassandra, *scylla;
    } cases[] = {
        {"int", "true", "! Expected an int value, but got a Boolean: true",
         "! Incorrect JSON value for int64 type: true"},
        {"int", "2147483648", "! Expected an int value, but got a Long: 2147483648",
         "! Value 2147483648 out of range"},
        {"int", "1.5", "! Expected an int value, but got a Double: 1.5",
         "! Incorrect JSON floating-point value for int64 type: 1.5 (it should not contain fractional part "
         "0.5)"},
        {"decimal", "1.50", "1.5", "1.50"},
        {"int", "\"\"", "", ""},
        {"int", "1.2e1", "! Expected an int value, but got a Double: 12.0", "12"},
        {"text", "5", "! Expected a UTF-8 string, but got a Integer: 5",
         "! text must be represented as string in JSON, instead got '5'"},
        {"blob", "\"ff\"",
         "! Value 'ff' is not a valid blob representation: String representation of blob is missing 0x "
         "prefix: ff",
         "! Blob JSON strings must start with 0x"},
        {"list<int>", "{\"a\": 1}", "! Expected a list, but got a LinkedHashMap: {\"a\": 1}",
         "! list_type must be represented as JSON Array"},
        {"list<int>", "[1, null]", "! Invalid null element in list", "! Invalid null element in list"},
        {"map<text, int>", "{\"a\": null}", "! Invalid null value in map", "! Invalid null value in map"},
        {"frozen<tuple<int, int>>", "[1, 2, 3]", "! Tuple contains extra items (expected 2): [1, 2, 3]",
         "! Too many values (3) for tuple with size 2"},
        {"frozen<tuple<int, int>>", "[1]", "! Tuple is missing items (expected 2): [1]", "(1, null)"},
        {PAIR, "{\"nope\": 1}", "! Unknown field 'nope' in value of user defined type pair",
         "! Extraneous field definition for user type pair: nope"},
        {PAIR, "{\"A\": 1}", "{a: 1, \"B\": null}", "! Extraneous field definition for user type pair: A"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_reads(PROFILE_CASSANDRA_5_0, cases[i].type, cases[i].json, cases[i].cassandra);
        assert_reads(PROFILE_SCYLLA_5_2, cases[i].type, cases[i].json, cases[i].scylla);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_json_is_read_and_nothing_else),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(a_fault_has_a_place),
        cmocka_unit_test(every_type_has_its_json),
        cmocka_unit_test(what_does_not_fit_is_refused_in_the_targets_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
