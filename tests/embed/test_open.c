/* Opening, connecting, closing: several stores in a process, several handles on a store, and misuse. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "embed_fixture.h"

static void the_example_of_the_header_works(void **state)
{
    (void)state;
    strait *db;
    strait_statement *stmt;
    assert_int_equal(strait_open(":memory:", NULL, &db), STRAIT_OK);
    assert_int_equal(
        strait_exec(
            db, "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
                "USE k; CREATE TABLE t (id int PRIMARY KEY, v text)"),
        STRAIT_OK);
    assert_int_equal(strait_prepare(db, "INSERT INTO t (id, v) VALUES (?, ?)", -1, &stmt, NULL), STRAIT_OK);
    assert_int_equal(strait_bind_int64(stmt, 0, 1), STRAIT_OK);
    assert_int_equal(strait_bind_text(stmt, 1, "hello", -1), STRAIT_OK);
    assert_int_equal(strait_step(stmt), STRAIT_DONE);
    strait_finalize(stmt);
    assert_string_equal(one(db, "SELECT v FROM t WHERE id = 1"), "hello");
    assert_int_equal(strait_close(db), STRAIT_OK);
}

static void what_was_written_is_there_after_reopening(void **state)
{
    (void)state;
    char *folder = folder_new();
    strait *db;
    assert_int_equal(strait_open(folder, NULL, &db), STRAIT_OK);
    must(db, "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
             "CREATE TABLE k.t (id int PRIMARY KEY, v text); INSERT INTO k.t (id, v) VALUES (1, 'kept');");
    assert_int_equal(strait_close(db), STRAIT_OK);
    strait_options options = {.struct_bytes = sizeof options, .must_exist = 1};
    assert_int_equal(strait_open(folder, &options, &db), STRAIT_OK);
    assert_string_equal(one(db, "SELECT v FROM k.t WHERE id = 1"), "kept");
    assert_int_equal(strait_close(db), STRAIT_OK);
    folder_remove(folder);
}

static void a_store_that_must_exist_is_not_made(void **state)
{
    (void)state;
    char *folder = folder_new();
    strait *db;
    strait_options options = {.struct_bytes = sizeof options, .must_exist = 1};
    assert_int_equal(strait_open(folder, &options, &db), STRAIT_NOT_FOUND);
    assert_string_not_equal(strait_error_message(db), "");
    assert_int_equal(strait_error_code(db), -1);
    assert_int_equal(strait_close(db), STRAIT_OK);
    folder_remove(folder);
}

static void a_folder_has_one_owner(void **state)
{
    (void)state;
    char *folder = folder_new();
    strait *db, *second;
    assert_int_equal(strait_open(folder, NULL, &db), STRAIT_OK);
    assert_int_equal(strait_open(folder, NULL, &second), STRAIT_BUSY);
    strait_close(second);
    strait_close(db);
    folder_remove(folder);
}

static void a_read_only_store_reads_and_does_not_write(void **state)
{
    (void)state;
    char *folder = folder_new();
    strait *db;
    assert_int_equal(strait_open(folder, NULL, &db), STRAIT_OK);
    must(db, "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
             "CREATE TABLE k.t (id int PRIMARY KEY); INSERT INTO k.t (id) VALUES (1)");
    strait_close(db);
    strait_options options = {.struct_bytes = sizeof options, .read_only = 1};
    assert_int_equal(strait_open(folder, &options, &db), STRAIT_OK);
    assert_string_equal(one(db, "SELECT id FROM k.t"), "1");
    assert_int_equal(strait_exec(db, "INSERT INTO k.t (id) VALUES (2)"), STRAIT_REFUSED);
    assert_int_equal(strait_exec(db, "DROP TABLE k.t"), STRAIT_REFUSED);
    assert_string_equal(one(db, "SELECT count(*) FROM k.t"), "1");
    strait_close(db);
    folder_remove(folder);
}

static void two_stores_in_a_process_know_nothing_of_each_other(void **state)
{
    (void)state;
    strait *a = memory_db(), *b = memory_db();
    must(a, "CREATE TABLE t (id int PRIMARY KEY)");
    must(b, "CREATE TABLE t (id text PRIMARY KEY)");
    must(a, "INSERT INTO t (id) VALUES (1)");
    must(b, "INSERT INTO t (id) VALUES ('x')");
    assert_string_equal(one(a, "SELECT id FROM t"), "1");
    assert_string_equal(one(b, "SELECT id FROM t"), "x");
    strait_close(a);
    assert_string_equal(one(b, "SELECT id FROM t"), "x");
    strait_close(b);
}

static void a_handle_has_its_own_keyspace_and_error_and_the_store_ends_with_the_last(void **state)
{
    (void)state;
    strait *db = memory_db(), *other;
    assert_int_equal(strait_connect(db, &other), STRAIT_OK);
    assert_string_equal(strait_keyspace(db), "k");
    assert_null(strait_keyspace(other));
    assert_int_equal(strait_exec(other, "SELECT * FROM nothing"), STRAIT_REFUSED);
    assert_int_equal(strait_error_code(other), 0x2200);
    assert_int_equal(strait_error_code(db), -1);
    must(db, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t (id) VALUES (7)");
    assert_int_equal(strait_close(db), STRAIT_OK);
    assert_string_equal(one(other, "SELECT id FROM k.t"), "7");
    assert_int_equal(strait_close(other), STRAIT_OK);
}

static void the_default_is_memory_io_for_memory_and_a_kernel_body_for_a_folder(void **state)
{
    (void)state;
    char *folder = folder_new();
    strait *db = memory_db();
    assert_string_equal(strait_io(db), "memory");
    strait_close(db);
    strait_options options = {
        .struct_bytes = sizeof options, .io = "threads", .durability = STRAIT_PERIODIC, .shards = 1};
    assert_int_equal(strait_open(folder, &options, &db), STRAIT_OK);
    assert_string_equal(strait_io(db), "threads");
    strait_close(db);
    folder_remove(folder);
}

static void a_profile_chooses_the_texts(void **state)
{
    (void)state;
    strait *db;
    strait_options options = {.struct_bytes = sizeof options, .profile = "cassandra-4.1"};
    assert_int_equal(strait_open(":memory:", &options, &db), STRAIT_OK);
    assert_string_equal(one(db, "SELECT release_version FROM system.local"), "4.1.7");
    strait_close(db);
    options.profile = "oracle-7";
    assert_int_equal(strait_open(":memory:", &options, &db), STRAIT_MISUSE);
    assert_string_equal(strait_error_message(db), "no such profile: oracle-7");
    strait_close(db);
}

static void misuse_is_told_not_suffered(void **state)
{
    (void)state;
    strait *db, *other;
    strait_statement *statement;
    strait_options unset = {0}, wild = {.struct_bytes = sizeof wild, .durability = 99};
    assert_int_equal(strait_open(NULL, NULL, &db), STRAIT_MISUSE);
    assert_null(db);
    assert_int_equal(strait_open(":memory:", NULL, NULL), STRAIT_MISUSE);
    assert_int_equal(strait_open(":memory:", &unset, &db), STRAIT_MISUSE);
    assert_int_equal(strait_exec(db, "USE system"), STRAIT_MISUSE); /* never opened */
    assert_int_equal(strait_connect(db, &other), STRAIT_MISUSE);
    assert_int_equal(strait_flush(db, NULL, NULL), STRAIT_MISUSE);
    assert_int_equal(strait_settle(db), STRAIT_MISUSE);
    strait_set_clock(db, 0);
    assert_null(strait_keyspace(db));
    strait_close(db);
    assert_int_equal(strait_open(":memory:", &wild, &db), STRAIT_MISUSE);
    strait_close(db);
    assert_int_equal(strait_exec(NULL, "USE k"), STRAIT_MISUSE);
    assert_int_equal(strait_connect(NULL, &other), STRAIT_MISUSE);
    assert_int_equal(strait_close(NULL), STRAIT_OK);
    assert_string_equal(strait_error_message(NULL), "no handle");
    db = memory_db();
    assert_int_equal(strait_prepare(db, NULL, -1, &statement, NULL), STRAIT_MISUSE);
    assert_int_equal(strait_prepare(db, "USE k", -1, NULL, NULL), STRAIT_MISUSE);
    statement = must_prepare(db, "USE k");
    assert_int_equal(strait_close(db), STRAIT_MISUSE); /* a statement is not finalized */
    strait_finalize(statement);
    strait_finalize(NULL);
    assert_int_equal(strait_close(db), STRAIT_OK);
}

static void every_result_has_a_text(void **state)
{
    (void)state;
    for (int result = STRAIT_OK; result <= STRAIT_NOSPACE; result++)
        assert_string_not_equal(strait_result_text(result), "unknown result");
    assert_string_equal(strait_result_text(77), "unknown result");
    assert_string_equal(strait_result_text(-1), "unknown result");
}

/* ---- threads ---- */

struct worker {
    strait *db;
    int from, failures;
    pthread_t thread;
};

static void *insert_rows(void *context)
{
    struct worker *worker = context;
    strait_statement *statement;
    if (strait_prepare(worker->db, "INSERT INTO k.t (id, v) VALUES (?, ?)", -1, &statement, NULL) !=
        STRAIT_OK) {
        worker->failures++;
        return NULL;
    }
    for (int i = 0; i < 500; i++) {
        strait_reset(statement);
        strait_bind_int64(statement, 0, worker->from + i);
        strait_bind_int64(statement, 1, i);
        worker->failures += strait_step(statement) != STRAIT_DONE;
    }
    strait_finalize(statement);
    return NULL;
}

static void two_threads_write_through_two_handles(void **state)
{
    (void)state;
    strait *db = memory_db(), *other;
    must(db, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    assert_int_equal(strait_connect(db, &other), STRAIT_OK);
    struct worker workers[2] = {{.db = db, .from = 0}, {.db = other, .from = 1000}};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, insert_rows, &workers[i]), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].failures, 0);
    }
    assert_string_equal(one(db, "SELECT count(*) FROM t"), "1000");
    strait_close(other);
    strait_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_header_works),
        cmocka_unit_test(what_was_written_is_there_after_reopening),
        cmocka_unit_test(a_store_that_must_exist_is_not_made),
        cmocka_unit_test(a_folder_has_one_owner),
        cmocka_unit_test(a_read_only_store_reads_and_does_not_write),
        cmocka_unit_test(two_stores_in_a_process_know_nothing_of_each_other),
        cmocka_unit_test(a_handle_has_its_own_keyspace_and_error_and_the_store_ends_with_the_last),
        cmocka_unit_test(the_default_is_memory_io_for_memory_and_a_kernel_body_for_a_folder),
        cmocka_unit_test(a_profile_chooses_the_texts),
        cmocka_unit_test(misuse_is_told_not_suffered),
        cmocka_unit_test(every_result_has_a_text),
        cmocka_unit_test(two_threads_write_through_two_handles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
