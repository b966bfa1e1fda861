/* Values: every bind call into every type that takes it, and back out of a column. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed_fixture.h"

static const char types_table[] = "CREATE TABLE v (id int PRIMARY KEY, tiny tinyint, small smallint, whole "
                                  "int, big bigint, wide varint, dec decimal, f float,"
                                  " d double, yes boolean, t text, a ascii, b blob, u uuid, tu timeuuid, at "
                                  "timestamp, day date, clock time, ip inet,"
                                  " span duration, l frozen<list<int>>)";

/* INSERT one column with whatever is bound, then SELECT it back; the statement stands on the row. */
static strait_statement *select_column(strait *db, const char *column)
{
    char text[96];
    snprintf(text, sizeof text, "SELECT %s FROM v WHERE id = 1", column);
    strait_statement *select = must_prepare(db, text);
    assert_int_equal(strait_step(select), STRAIT_ROW);
    return select;
}

static strait_statement *insert_column(strait *db, const char *column)
{
    char text[96];
    snprintf(text, sizeof text, "INSERT INTO v (id, %s) VALUES (1, ?)", column);
    return must_prepare(db, text);
}

static void store(strait *db, strait_statement *insert)
{
    if (strait_step(insert) != STRAIT_DONE)
        fail_msg("%s", strait_error_message(db));
    strait_finalize(insert);
}

static void shows_text(strait *db, const char *column, const char *expected)
{
    strait_statement *select = select_column(db, column);
    assert_string_equal(strait_column_text(select, 0), expected);
    strait_finalize(select);
}

static void integers_fit_every_integer_type_or_are_misuse(void **state)
{
    (void)state;
    static const struct {
        const char *column;
        int64_t value, too_large; /* 0: none is */
    } cases[] = {
        {"tiny", -128, 128},
        {"small", 32767, -32769},
        {"whole", INT32_MIN, INT64_C(2147483648)},
        {"big", INT64_MIN, 0},
        {"wide", -129, 0},
        {"wide", INT64_MAX, 0},
        {"at", 1700000000123, 0},
        {"clock", 86399999999999, 0},
        {"day", -1, INT64_C(1) << 40},
    };
    strait *db = memory_db();
    must(db, types_table);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        strait_statement *insert = insert_column(db, cases[i].column);
        if (cases[i].too_large)
            assert_int_equal(strait_bind_int64(insert, 0, cases[i].too_large), STRAIT_MISUSE);
        assert_int_equal(strait_bind_int64(insert, 0, cases[i].value), STRAIT_OK);
        store(db, insert);
        strait_statement *select = select_column(db, cases[i].column);
        assert_int_equal(strait_column_int64(select, 0), cases[i].value);
        strait_finalize(select);
    }
    strait_close(db);
}

static void floating_point_and_booleans(void **state)
{
    (void)state;
    strait *db = memory_db();
    must(db, types_table);
    strait_statement *insert = insert_column(db, "d");
    assert_int_equal(strait_bind_double(insert, 0, -0.125), STRAIT_OK);
    store(db, insert);
    strait_statement *select = select_column(db, "d");
    assert_true(strait_column_double(select, 0) == -0.125);
    assert_int_equal(strait_column_int64(select, 0), 0);
    strait_finalize(select);
    insert = insert_column(db, "f");
    strait_bind_double(insert, 0, 1.5);
    store(db, insert);
    select = select_column(db, "f");
    assert_true(strait_column_double(select, 0) == 1.5);
    strait_finalize(select);
    insert = insert_column(db, "yes");
    assert_int_equal(strait_bind_bool(insert, 0, 7), STRAIT_OK);
    store(db, insert);
    select = select_column(db, "yes");
    assert_int_equal(strait_column_bool(select, 0), 1);
    strait_finalize(select);
    strait_close(db);
}

static void every_type_can_be_given_in_its_text_form(void **state)
{
    (void)state;
    static const struct {
        const char *column, *given, *shown;
    } cases[] = {
        {"tiny", "-7", "-7"},
        {"big", "9007199254740993", "9007199254740993"},
        {"wide", "123456789012345678901234567890", "123456789012345678901234567890"},
        {"dec", "1.50", "1.50"},
        {"d", "2", "2"},
        {"f", "0.5", "0.5"},
        {"yes", "true", "True"},
        {"t", "text; with 'quotes'", "text; with 'quotes'"},
        {"a", "ascii", "ascii"},
        {"b", "0xCAFE", "0xcafe"},
        {"u", "123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"},
        {"at", "1970-01-01 00:00:01.500Z", "1970-01-01 00:00:01.500000+0000"},
        {"day", "2024-02-29", "2024-02-29"},
        {"clock", "01:02:03.000000004", "01:02:03.000000004"},
        {"ip", "::1", "::1"},
    };
    strait *db = memory_db();
    must(db, types_table);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        strait_statement *insert = insert_column(db, cases[i].column);
        if (strait_bind_text(insert, 0, cases[i].given, -1) != STRAIT_OK)
            fail_msg("%s: %s", cases[i].column, strait_error_message(db));
        store(db, insert);
        shows_text(db, cases[i].column, cases[i].shown);
    }
    strait_statement *insert = insert_column(db, "whole");
    assert_int_equal(strait_bind_text(insert, 0, "seven", -1), STRAIT_MISUSE);
    assert_string_not_equal(strait_error_message(db), "");
    assert_int_equal(strait_bind_text(insert, 0, "12345", 2), STRAIT_OK);
    store(db, insert);
    shows_text(db, "whole", "12");
    strait_close(db);
}

static void blobs_uuids_and_wire_forms(void **state)
{
    (void)state;
    static const uint8_t uuid[16] = {0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x42, 0xd3,
                                     0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0};
    static const uint8_t list[] = {0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 2};
    strait *db = memory_db();
    size_t bytes;
    must(db, types_table);
    strait_statement *statement = insert_column(db, "b");
    assert_int_equal(strait_bind_blob(statement, 0, "a\0b", 3), STRAIT_OK);
    store(db, statement);
    statement = select_column(db, "b");
    assert_memory_equal(strait_column_wire(statement, 0, &bytes), "a\0b", 3);
    assert_int_equal(bytes, 3);
    strait_finalize(statement);
    statement = insert_column(db, "b");
    assert_int_equal(strait_bind_blob(statement, 0, NULL, 0), STRAIT_OK);
    store(db, statement);
    statement = select_column(db, "b");
    assert_int_equal(strait_column_is_null(statement, 0), 0); /* empty is not null (NUL-1) */
    assert_non_null(strait_column_wire(statement, 0, &bytes));
    assert_int_equal(bytes, 0);
    strait_finalize(statement);
    statement = insert_column(db, "u");
    assert_int_equal(strait_bind_uuid(statement, 0, uuid), STRAIT_OK);
    store(db, statement);
    shows_text(db, "u", "123e4567-e89b-42d3-a456-426614174000");
    statement = insert_column(db, "l");
    assert_string_equal(strait_parameter_type(statement, 0), "frozen<list<int>>");
    assert_int_equal(strait_bind_text(statement, 0, "[1, 2]", -1), STRAIT_MISUSE);
    assert_int_equal(strait_bind_wire(statement, 0, list, sizeof list), STRAIT_OK);
    store(db, statement);
    statement = select_column(db, "l");
    assert_string_equal(strait_column_type(statement, 0), "frozen<list<int>>");
    assert_string_equal(strait_column_text(statement, 0), "[1, 2]");
    assert_string_equal(strait_column_json(statement, 0), "[1, 2]");
    strait_finalize(statement);
    statement = insert_column(db, "whole"); /* checked when it runs, as a driver's would be (NUL-12) */
    assert_int_equal(strait_bind_wire(statement, 0, "12345678", 8), STRAIT_OK);
    assert_int_equal(strait_step(statement), STRAIT_REFUSED);
    assert_int_equal(strait_error_code(db), 0x2200);
    strait_finalize(statement);
    strait_close(db);
}

static void null_and_unset_are_two_things(void **state) /* NUL-1, NUL-2 */
{
    (void)state;
    strait *db = memory_db();
    must(db, types_table);
    must(db, "INSERT INTO v (id, t, whole) VALUES (1, 'kept', 5)");
    strait_statement *insert = must_prepare(db, "INSERT INTO v (id, t, whole) VALUES (1, ?, ?)");
    assert_int_equal(strait_bind_unset(insert, 0), STRAIT_OK);
    assert_int_equal(strait_bind_null(insert, 1), STRAIT_OK);
    store(db, insert);
    shows_text(db, "t", "kept");
    strait_statement *select = select_column(db, "whole");
    assert_int_equal(strait_column_is_null(select, 0), 1);
    assert_null(strait_column_text(select, 0));
    assert_string_equal(strait_column_json(select, 0), "null");
    assert_null(strait_column_wire(select, 0, NULL));
    assert_int_equal(strait_column_int64(select, 0), 0);
    strait_finalize(select);
    insert = must_prepare(db, "INSERT INTO v (id, t) VALUES (1, ?)");
    strait_bind_text(insert, 0, "gone", -1);
    assert_int_equal(strait_clear_bindings(insert), STRAIT_OK);
    store(db, insert);
    shows_text(db, "t", "kept");
    insert = must_prepare(db, "INSERT INTO v (id, t) VALUES (1, ?)");
    assert_int_equal(strait_bind_text(insert, 0, NULL, -1), STRAIT_OK);
    store(db, insert);
    select = select_column(db, "t");
    assert_int_equal(strait_column_is_null(select, 0), 1);
    strait_finalize(select);
    strait_close(db);
}

static void bindings_stay_over_a_reset_and_are_copies(void **state)
{
    (void)state;
    strait *db = memory_db();
    must(db, "CREATE TABLE t (id int PRIMARY KEY, v text)");
    char text[] = "mine";
    strait_statement *insert = must_prepare(db, "INSERT INTO t (id, v) VALUES (?, ?)");
    strait_bind_int64(insert, 0, 1);
    strait_bind_text(insert, 1, text, -1);
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(strait_step(insert), STRAIT_DONE);
    strait_reset(insert);
    strait_bind_int64(insert, 0, 2);
    assert_int_equal(strait_step(insert), STRAIT_DONE);
    strait_finalize(insert);
    assert_string_equal(one(db, "SELECT v FROM t WHERE id = 1"), "mine");
    assert_string_equal(one(db, "SELECT v FROM t WHERE id = 2"), "mine");
    strait_close(db);
}

static void parameters_have_names_and_types(void **state) /* PRE-2 */
{
    (void)state;
    strait *db = memory_db();
    must(db, "CREATE TABLE t (id int, c timestamp, v text, PRIMARY KEY (id, c))");
    strait_statement *statement = must_prepare(db, "SELECT v AS text FROM t WHERE id = ? AND c < ? LIMIT ?");
    assert_int_equal(strait_parameter_count(statement), 3);
    assert_string_equal(strait_parameter_name(statement, 0), "id");
    assert_string_equal(strait_parameter_type(statement, 1), "timestamp");
    assert_string_equal(strait_parameter_name(statement, 2), "[limit]");
    assert_null(strait_parameter_name(statement, 3));
    assert_null(strait_parameter_type(statement, -1));
    assert_int_equal(strait_column_count(statement), 1);
    assert_string_equal(strait_column_name(statement, 0), "text");
    assert_string_equal(strait_column_type(statement, 0), "text");
    assert_null(strait_column_name(statement, 1));
    strait_finalize(statement);
    strait_close(db);
}

static void misuse_of_values_is_told(void **state)
{
    (void)state;
    strait *db = memory_db();
    must(db, types_table);
    strait_statement *statement = must_prepare(db, "INSERT INTO v (id, t) VALUES (?, ?)");
    assert_int_equal(strait_bind_int64(statement, 2, 1), STRAIT_MISUSE);
    assert_string_equal(strait_error_message(db), "there is no parameter 2");
    assert_int_equal(strait_bind_null(statement, -1), STRAIT_MISUSE);
    assert_int_equal(strait_bind_int64(statement, 1, 1), STRAIT_MISUSE);
    assert_string_equal(strait_error_message(db), "parameter 1 (t) is of type text: an integer does not fit");
    assert_int_equal(strait_bind_double(statement, 0, 1), STRAIT_MISUSE);
    assert_int_equal(strait_bind_bool(statement, 0, 1), STRAIT_MISUSE);
    assert_int_equal(strait_bind_blob(statement, 1, "x", 1), STRAIT_MISUSE);
    assert_int_equal(strait_bind_uuid(statement, 0, NULL), STRAIT_MISUSE);
    assert_int_equal(strait_bind_wire(statement, 0, NULL, 3), STRAIT_MISUSE);
    assert_int_equal(strait_bind_int64(NULL, 0, 1), STRAIT_MISUSE);
    assert_int_equal(strait_step(NULL), STRAIT_MISUSE);
    assert_int_equal(strait_reset(NULL), STRAIT_MISUSE);
    assert_int_equal(strait_column_is_null(statement, 0), 1); /* no row yet */
    assert_null(strait_column_text(statement, 0));
    assert_int_equal(strait_column_count(NULL), 0);
    assert_int_equal(strait_step(statement), STRAIT_REFUSED); /* the key is unset */
    strait_finalize(statement);
    strait_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_fit_every_integer_type_or_are_misuse),
        cmocka_unit_test(floating_point_and_booleans),
        cmocka_unit_test(every_type_can_be_given_in_its_text_form),
        cmocka_unit_test(blobs_uuids_and_wire_forms),
        cmocka_unit_test(null_and_unset_are_two_things),
        cmocka_unit_test(bindings_stay_over_a_reset_and_are_copies),
        cmocka_unit_test(parameters_have_names_and_types),
        cmocka_unit_test(misuse_of_values_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
