/* Statements: scripts, steps, pages, errors with their place, schema that changes under a statement, maintenance. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed_fixture.h"

static void a_script_is_cut_with_regard_to_strings_and_comments(void **state)
{
    (void)state;
    strait *db = memory_db();
    must(db, "-- a comment; with a semicolon\nCREATE TABLE t (id int PRIMARY KEY, v text); /* ; */\n"
             "INSERT INTO t (id, v) VALUES (1, 'a;b');; ;\n"
             "INSERT INTO t (id, v) VALUES (2, 'behind nothing');  \n// the end");
    assert_string_equal(one(db, "SELECT v FROM t WHERE id = 1"), "a;b");
    assert_string_equal(one(db, "SELECT v FROM t WHERE id = 2"), "behind nothing");
    must(db, "");
    must(db, "  -- nothing\n");
    strait_close(db);
}

static void a_script_stops_at_the_first_refusal_and_says_where(void **state)
{
    (void)state;
    strait *db = memory_db();
    assert_int_equal(strait_exec(db, "CREATE TABLE t (id int PRIMARY KEY);\nINSERT INTO t (id) VALUES (1);\n"
                                     "INSERT INTO t (id) VALUE (2);\nINSERT INTO t (id) VALUES (3)"),
                     STRAIT_REFUSED);
    assert_int_equal(strait_error_code(db), 0x2000);
    assert_int_equal(strait_error_line(db), 3);
    assert_int_equal(strait_error_column(db), 19);
    assert_string_equal(one(db, "SELECT count(*) FROM t"), "1");
    strait_close(db);
}

static void prepare_compiles_one_statement_and_points_to_the_rest(void **state)
{
    (void)state;
    strait *db = memory_db();
    strait_statement *statement;
    const char *text = "USE system; SELECT key FROM local; -- done", *tail;
    assert_int_equal(strait_prepare(db, text, -1, &statement, &tail), STRAIT_OK);
    assert_string_equal(tail, " SELECT key FROM local; -- done");
    assert_int_equal(strait_step(statement), STRAIT_DONE);
    assert_string_equal(strait_statement_kind(statement), "use");
    assert_string_equal(strait_keyspace(db), "system");
    strait_finalize(statement);
    assert_int_equal(strait_prepare(db, tail, -1, &statement, &tail), STRAIT_OK);
    assert_int_equal(strait_step(statement), STRAIT_ROW);
    assert_string_equal(strait_statement_kind(statement), "rows");
    strait_finalize(statement);
    assert_int_equal(strait_prepare(db, tail, -1, &statement, &tail), STRAIT_OK);
    assert_null(statement);
    assert_string_equal(tail, "");
    assert_int_equal(strait_prepare(db, "SELECT key FROM local WHERE junk", 21, &statement, NULL), STRAIT_OK);
    strait_finalize(statement);
    strait_close(db);
}

static void a_prompt_can_ask_whether_a_statement_is_complete(void **state)
{
    (void)state;
    int complete, empty;
    const char *text = "SELECT 1; SELECT";
    assert_int_equal(strait_cut(text, strlen(text), &complete, &empty), 9);
    assert_int_equal(complete, 1);
    assert_int_equal(empty, 0);
    strait_cut("SELECT 'a;", 10, &complete, &empty);
    assert_int_equal(complete, 0);
    strait_cut("  -- x", 6, &complete, &empty);
    assert_int_equal(empty, 1);
}

static void rows_come_page_by_page_without_being_seen(void **state)
{
    (void)state;
    strait *db = memory_db();
    must(db, "CREATE TABLE t (p int, c int, PRIMARY KEY (p, c))");
    strait_statement *insert = must_prepare(db, "INSERT INTO t (p, c) VALUES (1, ?)");
    for (int i = 0; i < 25; i++) {
        strait_bind_int64(insert, 0, i);
        assert_int_equal(strait_step(insert), STRAIT_DONE);
        strait_reset(insert);
    }
    strait_finalize(insert);
    strait_statement *select = must_prepare(db, "SELECT c FROM t WHERE p = 1");
    assert_int_equal(strait_set_page_rows(select, 0), STRAIT_MISUSE);
    assert_int_equal(strait_set_page_rows(select, 10), STRAIT_OK);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 25; i++) {
            assert_int_equal(strait_step(select), STRAIT_ROW);
            assert_int_equal(strait_column_int64(select, 0), i);
        }
        assert_int_equal(strait_step(select), STRAIT_DONE);
        assert_int_equal(strait_step(select), STRAIT_DONE);
        assert_int_equal(strait_reset(select), STRAIT_OK);
    }
    strait_finalize(select);
    strait_close(db);
}

static void a_refusal_has_code_text_and_place(void **state)
{
    (void)state;
    strait *db = memory_db();
    strait_statement *statement = NULL;
    assert_int_equal(strait_prepare(db, "SELECT *\nFROM", -1, &statement, NULL), STRAIT_REFUSED);
    assert_null(statement);
    assert_int_equal(strait_error_code(db), 0x2000);
    assert_int_equal(strait_error_line(db), 2);
    assert_memory_equal(strait_error_message(db), "line 2:4", 8);
    assert_int_equal(strait_exec(db, "SELECT * FROM nothing"), STRAIT_REFUSED);
    assert_string_equal(strait_error_message(db), "unconfigured table nothing");
    strait_close(db);
}

static void a_statement_outlives_a_change_of_its_table(void **state)
{
    (void)state;
    strait *db = memory_db();
    must(db, "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t (id, v) VALUES (1, 2)");
    strait_statement *statement = must_prepare(db, "SELECT * FROM t WHERE id = ?");
    strait_bind_int64(statement, 0, 1);
    assert_int_equal(strait_step(statement), STRAIT_ROW);
    assert_int_equal(strait_column_count(statement), 2);
    strait_reset(statement);
    must(db, "ALTER TABLE t ADD w text; INSERT INTO t (id, w) VALUES (1, 'new'); USE system");
    assert_int_equal(strait_step(statement), STRAIT_ROW);
    assert_int_equal(strait_column_count(statement), 3);
    assert_string_equal(strait_column_name(statement, 2), "w");
    assert_string_equal(strait_column_text(statement, 2), "new");
    strait_reset(statement);
    must(db, "DROP TABLE k.t");
    assert_int_equal(strait_step(statement), STRAIT_REFUSED);
    assert_string_equal(strait_error_message(db), "unconfigured table t");
    assert_int_equal(strait_step(statement), STRAIT_DONE);
    strait_finalize(statement);
    strait_close(db);
}

static void warnings_are_lines(void **state)
{
    (void)state;
    strait *db = memory_db();
    strait_statement *statement = must_prepare(
        db,
        "CREATE TABLE t (id int PRIMARY KEY) WITH per_partition_rate_limit = {'max_reads_per_second': 1} AND"
        " tombstone_gc = {'mode': 'timeout'}");
    assert_string_equal(strait_warnings(statement), "");
    assert_int_equal(strait_step(statement), STRAIT_DONE);
    assert_string_equal(strait_statement_kind(statement), "schema");
    assert_non_null(strstr(strait_warnings(statement), "tombstone_gc"));
    assert_non_null(strstr(strait_warnings(statement), "\n"));
    strait_finalize(statement);
    strait_close(db);
}

static void the_write_timestamp_can_be_the_clients(void **state)
{
    (void)state;
    strait *db = memory_db();
    must(db, "CREATE TABLE t (id int PRIMARY KEY, v text)");
    strait_statement *insert = must_prepare(db, "INSERT INTO t (id, v) VALUES (1, ?)");
    strait_bind_text(insert, 0, "newer", -1);
    strait_set_timestamp(insert, 2000);
    assert_int_equal(strait_step(insert), STRAIT_DONE);
    strait_reset(insert);
    strait_bind_text(insert, 0, "older", -1);
    strait_set_timestamp(insert, 1000);
    assert_int_equal(strait_step(insert), STRAIT_DONE);
    assert_string_equal(one(db, "SELECT v FROM t"), "newer");
    assert_string_equal(one(db, "SELECT writetime(v) FROM t"), "2000");
    strait_reset(insert);
    strait_set_timestamp(insert, INT64_MIN);
    assert_int_equal(strait_step(insert), STRAIT_DONE);
    assert_string_equal(one(db, "SELECT v FROM t"), "older");
    strait_finalize(insert);
    strait_close(db);
}

static void the_clock_is_the_tests_to_set(void **state) /* TTL-9 */
{
    (void)state;
    strait *db = memory_db();
    strait_set_clock(db, INT64_C(1700000000) * 1000000);
    must(db, "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t (id, v) VALUES (1, 1) USING TTL 10");
    assert_string_equal(one(db, "SELECT ttl(v) FROM t"), "10");
    strait_set_clock(db, INT64_C(1700000009) * 1000000);
    assert_string_equal(one(db, "SELECT ttl(v) FROM t"), "1");
    strait_set_clock(db, INT64_C(1700000010) * 1000000);
    assert_string_equal(one(db, "SELECT id FROM t"), "none");
    strait_set_clock(db, INT64_MIN);
    strait_close(db);
}

static void maintenance_by_table_keyspace_and_all(void **state)
{
    (void)state;
    char *folder = folder_new();
    strait *db;
    assert_int_equal(strait_open(folder, NULL, &db), STRAIT_OK);
    must(db, "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
             "CREATE TABLE k.t (id int PRIMARY KEY, v int); CREATE INDEX ON k.t (v);");
    for (int round = 0; round < 3; round++) {
        char statement[96];
        snprintf(statement, sizeof statement, "INSERT INTO k.t (id, v) VALUES (%d, 5)", round);
        must(db, statement);
        assert_int_equal(strait_flush(db, "k", "t"), STRAIT_OK);
    }
    assert_int_equal(strait_compact(db, "k", NULL), STRAIT_OK);
    assert_int_equal(strait_settle(db), STRAIT_OK);
    assert_int_equal(strait_verify(db, NULL, NULL), STRAIT_OK);
    assert_int_equal(strait_sync(db), STRAIT_OK);
    assert_string_equal(one(db, "SELECT count(*) FROM k.t WHERE v = 5"), "3");
    assert_int_equal(strait_flush(db, "nowhere", NULL), STRAIT_MISUSE);
    assert_int_equal(strait_flush(db, "k", "nothing"), STRAIT_MISUSE);
    assert_int_equal(strait_flush(db, NULL, "t"), STRAIT_MISUSE);
    assert_int_equal(strait_verify(db, "system", "local"), STRAIT_MISUSE);
    strait_close(db);
    folder_remove(folder);
}

static void a_conditional_statement_returns_whether_it_was_applied(void **state) /* LWT-1 */
{
    (void)state;
    strait *db = memory_db();
    must(db, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    assert_string_equal(one(db, "INSERT INTO t (id, v) VALUES (1, 1) IF NOT EXISTS"), "True");
    assert_string_equal(one(db, "INSERT INTO t (id, v) VALUES (1, 2) IF NOT EXISTS"), "False");
    strait_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_is_cut_with_regard_to_strings_and_comments),
        cmocka_unit_test(a_script_stops_at_the_first_refusal_and_says_where),
        cmocka_unit_test(prepare_compiles_one_statement_and_points_to_the_rest),
        cmocka_unit_test(a_prompt_can_ask_whether_a_statement_is_complete),
        cmocka_unit_test(rows_come_page_by_page_without_being_seen),
        cmocka_unit_test(a_refusal_has_code_text_and_place),
        cmocka_unit_test(a_statement_outlives_a_change_of_its_table),
        cmocka_unit_test(warnings_are_lines),
        cmocka_unit_test(the_write_timestamp_can_be_the_clients),
        cmocka_unit_test(the_clock_is_the_tests_to_set),
        cmocka_unit_test(maintenance_by_table_keyspace_and_all),
        cmocka_unit_test(a_conditional_statement_returns_whether_it_was_applied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
