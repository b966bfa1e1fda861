/* Refusals: the same name gives each target's own code and text, with its place in the statement (ERR, SCH). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cql/error.h"

static void a_message_says_what_its_target_says(void **state)
{
    (void)state;
    struct cql_error error;
    assert_false(cql_refuse(&error, PROFILE_SCYLLA_2025_1, MSG_NO_TABLE, "messages"));
    assert_int_equal(error.code, CQL_INVALID);
    assert_string_equal(error.message, "unconfigured table messages"); /* SCH-7 */
    cql_refuse(&error, PROFILE_CASSANDRA_4_1, MSG_NO_TABLE, "messages");
    assert_string_equal(error.message, "table messages does not exist");
}

static void same_repeats_the_text_to_its_left(void **state)
{
    (void)state;
    struct cql_error error;
    cql_refuse(&error, PROFILE_SCYLLA_5_2, MSG_LIMIT_POSITIVE);
    assert_string_equal(error.message, "LIMIT must be strictly positive"); /* WHR-13 */
    cql_refuse(&error, PROFILE_CASSANDRA_4_1, MSG_LIMIT_POSITIVE);
    assert_string_equal(error.message, "LIMIT must be strictly positive");
}

static void every_message_has_a_text_for_every_target(void **state)
{
    (void)state;
    static const char *const first_texts[] = {
#define CQL_MESSAGE(name, code, first, ...) [name] = first,
#include "cql/messages.def"
#undef CQL_MESSAGE
    };
    for (size_t i = 0; i < CQL_MESSAGES; i++)
        assert_non_null(first_texts[i]);
}

static void an_existing_table_is_told_in_the_fields_that_drivers_read(void **state)
{
    (void)state;
    struct cql_error error;
    assert_false(cql_refuse_exists(&error, PROFILE_SCYLLA_2025_1, "crystal", "messages"));
    assert_int_equal(error.code, CQL_ALREADY_EXISTS); /* SCH-6 */
    assert_string_equal(error.message,
                        "Cannot add already existing table \"messages\" to keyspace \"crystal\"");
    assert_string_equal(error.keyspace, "crystal");
    assert_string_equal(error.table, "messages");
    cql_refuse_exists(&error, PROFILE_SCYLLA_2025_1, "crystal", "");
    assert_int_equal(error.code, CQL_ALREADY_EXISTS);
    assert_string_equal(error.table, "");
}

static void a_place_counts_lines_from_one_and_characters_from_zero(void **state)
{
    (void)state;
    struct cql_error error;
    cql_error_clear(&error);
    struct slice text = slice_text("SELECT *\n  FROM \xc3\xa9 t");
    cql_error_at(&error, text, text.bytes - 1);
    assert_int_equal(error.line, 2);
    assert_int_equal(error.column, 9);
    assert_int_equal(error.offset, text.bytes - 1);
    cql_error_at(&error, text, 1000);
    assert_int_equal(error.offset, text.bytes);
}

static void an_engine_failure_has_the_code_that_makes_a_driver_do_the_right_thing(void **state)
{
    (void)state;
    static const struct {
        enum status_code status;
        enum cql_code code;
    } cases[] = {
        {STATUS_NOSPACE, CQL_OVERLOADED},  {STATUS_BUSY, CQL_OVERLOADED}, {STATUS_CORRUPT, CQL_READ_FAILURE},
        {STATUS_UNSUPPORTED, CQL_INVALID}, {STATUS_IO, CQL_SERVER_ERROR},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cql_error error;
        assert_false(cql_refuse_status(&error, STATUS_FAIL(cases[i].status)));
        assert_int_equal(error.code, cases[i].code);
    }
}

static void a_long_argument_is_cut_and_terminated(void **state)
{
    (void)state;
    char name[4096];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    struct cql_error error;
    cql_refuse(&error, PROFILE_SCYLLA_2025_1, MSG_NO_TABLE, name);
    assert_int_equal(strlen(error.message), CQL_MESSAGE_BYTES - 1);
}

static void targets_are_found_by_name_and_differ_where_the_real_ones_do(void **state)
{
    (void)state;
    enum cql_profile profile;
    assert_true(cql_profile_parse("scylla-2025.1", &profile));
    assert_int_equal(profile, PROFILE_SCYLLA_2025_1);
    assert_string_equal(cql_target_of(profile)->release_version, "3.0.8"); /* SCH-2 */
    assert_false(cql_target_of(profile)->has_peers_v2);
    assert_true(cql_profile_parse("cassandra-4.1", &profile));
    assert_true(cql_target_of(profile)->has_peers_v2);
    assert_false(cql_target_of(profile)->null_ttl_refused); /* TTL-3 */
    assert_false(cql_profile_parse("mysql-8", &profile));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_says_what_its_target_says),
        cmocka_unit_test(same_repeats_the_text_to_its_left),
        cmocka_unit_test(every_message_has_a_text_for_every_target),
        cmocka_unit_test(an_existing_table_is_told_in_the_fields_that_drivers_read),
        cmocka_unit_test(a_place_counts_lines_from_one_and_characters_from_zero),
        cmocka_unit_test(an_engine_failure_has_the_code_that_makes_a_driver_do_the_right_thing),
        cmocka_unit_test(a_long_argument_is_cut_and_terminated),
        cmocka_unit_test(targets_are_found_by_name_and_differ_where_the_real_ones_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
