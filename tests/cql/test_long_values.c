/* Long values: what the rules' notation is too short for. */
#include <stdlib.h>
#include <string.h>

#include "database_fixture.h"

enum { LONG_BYTES = 65536 };

/* `format` with one %s, of which a text of LONG_BYTES bytes is made. */
static char *with_long_text(const char *format)
{
    size_t bytes = strlen(format) + LONG_BYTES;
    char *statement = malloc(bytes), *at;
    const char *place = strstr(format, "%s");
    assert_non_null(statement);
    memcpy(statement, format, (size_t)(place - format));
    at = statement + (place - format);
    memset(at, 'x', LONG_BYTES);
    strcpy(at + LONG_BYTES, place + 2);
    return statement;
}

static bool run_long(struct fixture *f, const char *format)
{
    char *statement = with_long_text(format);
    bool done = run(f, statement);
    free(statement);
    return done;
}

static void scylla_writes_no_long_keys_in_literals(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (k int PRIMARY KEY, s set<text>, m map<text, text>, l list<text>)");
    assert_false(run_long(f, "UPDATE t SET s = s + {'%s'} WHERE k = 1"));
    assert_string_equal(f->error.message,
                        "Set value is too long. Set values are limited to 65535 bytes but 65536 "
                        "bytes value provided");
    assert_false(run_long(f, "INSERT INTO t (k, m) VALUES (1, {'%s': 'a'})"));
    assert_string_equal(
        f->error.message,
        "Map key is too long. Map keys are limited to 65535 bytes but 65536 bytes keys provided");
    assert_true(run_long(f, "INSERT INTO t (k, m, l) VALUES (1, {'a': '%s'}, ['b'])"));
    assert_true(run_long(f, "UPDATE t SET l = l + ['%s'] WHERE k = 1"));
    assert_true(run_long(f, "UPDATE t SET m['%s'] = 'long' WHERE k = 1"));
    shows(f, "SELECT k FROM t WHERE m CONTAINS 'long' ALLOW FILTERING", "1");
    fixture_close(f);
}

static void cassandra_takes_long_keys(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_CASSANDRA_5_0);
    does(f, "CREATE TABLE t (k int PRIMARY KEY, s set<text>, m map<text, text>)");
    assert_true(run_long(f, "INSERT INTO t (k, s, m) VALUES (1, {'%s', 'v2'}, {'k1': 'a'})"));
    assert_true(run_long(f, "UPDATE t SET m['%s'] = 'b' WHERE k = 1"));
    fixture_reopen(f);
    does(f, "USE k");
    assert_true(run_long(f, "UPDATE t SET s = s - {'%s'} WHERE k = 1"));
    assert_true(run_long(f, "DELETE m['%s'] FROM t WHERE k = 1"));
    shows(f, "SELECT s, m FROM t", "{'v2'},{'k1': 'a'}");
    fixture_close(f);
}

static void more_items_than_a_statement_may_add_are_refused(void **state)
{
    (void)state;
    enum { ITEMS = (1 << 17) + 1 };
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    struct buffer statement = {0};
    does(f, "CREATE TABLE t (k int PRIMARY KEY, l list<int>)");
    buffer_printf(&statement, "UPDATE t SET l = l + [0");
    for (int i = 1; i < ITEMS; i++)
        buffer_printf(&statement, ",0");
    buffer_printf(&statement, "] WHERE k = 1");
    buffer_append_u8(&statement, 0);
    refuses(f, CQL_INVALID, "Too many list values per single CQL statement or batch",
            (const char *)statement.data);
    buffer_deinit(&statement);
    fixture_close(f);
}

/* NUL-13 */
static void a_partition_key_has_a_greatest_length(void **state)
{
    (void)state;
    static const enum cql_profile profiles[] = {PROFILE_SCYLLA_2025_1, PROFILE_CASSANDRA_5_0};
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        struct fixture *f = fixture_open(profiles[i]);
        does(f, "CREATE TABLE t (k text PRIMARY KEY, v text)");
        assert_false(run_long(f, "INSERT INTO t (k, v) VALUES ('%s', 'a')"));
        assert_string_equal(f->error.message, "Key length of 65536 is longer than maximum of 65535");
        assert_false(run_long(f, "SELECT * FROM t WHERE k = '%s'"));
        assert_true(run_long(f, "INSERT INTO t (k, v) VALUES ('a', '%s')"));
        fixture_close(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_key_has_a_greatest_length),
        cmocka_unit_test(scylla_writes_no_long_keys_in_literals),
        cmocka_unit_test(cassandra_takes_long_keys),
        cmocka_unit_test(more_items_than_a_statement_may_add_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
