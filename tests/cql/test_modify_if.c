/* Conditional modifications: INSERT ... IF NOT EXISTS, UPDATE and DELETE ... IF. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "statement_fixture.h"

static struct fixture *table(enum cql_profile profile)
{
    struct fixture *f = fixture_open(profile);
    does(f, "CREATE TABLE t (p int, c int, s int STATIC, v int, w text, PRIMARY KEY (p, c))");
    return f;
}

static void scylla_shows_the_same_columns_always(void **state) /* LWT-1, LWT-2 */
{
    (void)state;
    struct fixture *f = table(PROFILE_SCYLLA_2025_1);
    shows(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 10) IF NOT EXISTS", "True,null,null,null,null,null");
    shows(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 20) IF NOT EXISTS", "False,1,1,null,10,null");
    shows(f, "SELECT v FROM t WHERE p = 1", "10");
    shows(f, "UPDATE t SET v = 30 WHERE p = 1 AND c = 1 IF v = 99", "False,10");
    shows(f, "UPDATE t SET v = 30 WHERE p = 1 AND c = 1 IF v = 10", "True,10");
    shows(f, "UPDATE t SET v = 40 WHERE p = 1 AND c = 1 IF w = null AND v > 20", "True,30,null");
    shows(f, "UPDATE t SET v = 50 WHERE p = 1 AND c = 2 IF EXISTS", "False,null,null,null,null,null");
    shows(f, "DELETE FROM t WHERE p = 1 AND c = 1 IF v IN (1, 40)", "True,40");
    shows(f, "SELECT * FROM t", "");
    expects_columns(f, "UPDATE t SET v = 1 WHERE p = 1 AND c = 1 IF w = 'a' AND v = 2",
                    "[applied] boolean;v int;w text");
    fixture_close(f);
}

static void cassandra_shows_old_values_on_refusal_only(void **state) /* LWT-2 */
{
    (void)state;
    struct fixture *f = table(PROFILE_CASSANDRA_4_1);
    shows(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 10) IF NOT EXISTS", "True");
    shows(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 20) IF NOT EXISTS", "False,1,1,null,10,null");
    shows(f, "UPDATE t SET v = 30 WHERE p = 1 AND c = 1 IF w = 'x' AND v = 99", "False,null,10");
    shows(f, "UPDATE t SET v = 30 WHERE p = 1 AND c = 9 IF v = 99", "False");
    shows(f, "UPDATE t SET v = 30 WHERE p = 1 AND c = 1 IF EXISTS", "True");
    fixture_close(f);
}

static void conditions_and_assignments_of_static_columns_need_no_row(void **state) /* LWT-7 */
{
    (void)state;
    struct fixture *f = table(PROFILE_SCYLLA_2025_1);
    shows(f, "UPDATE t SET s = 1 WHERE p = 1 IF s = null", "True,null");
    shows(f, "UPDATE t SET s = 2 WHERE p = 1 IF s = 1", "True,1");
    shows(f, "UPDATE t SET s = 3 WHERE p = 1 IF s = 1", "False,2");
    shows(f, "INSERT INTO t (p, c, v) VALUES (1, 5, 50) IF NOT EXISTS", "True,null,null,null,null,null");
    shows(f, "UPDATE t SET v = 51 WHERE p = 1 AND c = 5 IF s = 2", "True,2");
    shows(f, "SELECT c, s, v FROM t", "5,2,51");
    fixture_close(f);
}

static void what_may_not_be_conditional_is_refused(void **state) /* LWT-6, TS-15 */
{
    (void)state;
    struct fixture *f = table(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "Cannot provide custom timestamp for conditional updates",
            "INSERT INTO t (p, c) VALUES (1, 1) IF NOT EXISTS USING TIMESTAMP 5");
    refuses(f, CQL_INVALID, "IN on the partition key is not supported with conditional",
            "UPDATE t SET v = 1 WHERE p IN (1, 2) AND c = 1 IF EXISTS");
    refuses(f, CQL_INVALID, "IN on the clustering key columns is not supported with conditional",
            "UPDATE t SET v = 1 WHERE p = 1 AND c IN (1, 2) IF EXISTS");
    refuses(f, CQL_INVALID, "PRIMARY KEY column 'c' cannot have IF conditions",
            "UPDATE t SET v = 1 WHERE p = 1 AND c = 1 IF c = 1");
    refuses(f, CQL_INVALID, "DELETE statements must restrict all PRIMARY KEY columns",
            "DELETE FROM t WHERE p = 1 IF EXISTS");
    refuses_bound(f, CQL_INVALID, "Invalid 'unset' value in condition",
                  "UPDATE t SET v = 1 WHERE p = 1 AND c = 1 IF v = ?", "unset");
    fixture_close(f);
}

static void a_conditional_batch_is_all_or_nothing(void **state) /* LWT-3, LWT-4, TS-15 */
{
    (void)state;
    struct fixture *f = table(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE INDEX ON t (v)");
    does(f, "CREATE TABLE other (p int PRIMARY KEY, v int)");
    shows(f,
          "BEGIN BATCH INSERT INTO t (p, c, v) VALUES (1, 1, 10) IF NOT EXISTS; "
          "INSERT INTO t (p, c, v) VALUES (1, 2, 20); APPLY BATCH",
          "True,null,null,null,null,null|True,null,null,null,null,null");
    shows(f,
          "BEGIN BATCH UPDATE t SET v = 11 WHERE p = 1 AND c = 1 IF v = 10; "
          "UPDATE t SET v = 21 WHERE p = 1 AND c = 2 IF v = 99; APPLY BATCH",
          "False,1,1,10|False,1,2,20");
    shows(f, "SELECT c, v FROM t", "1,10|2,20");
    shows(f,
          "BEGIN BATCH UPDATE t SET v = 11 WHERE p = 1 AND c = 1 IF v = 10; DELETE FROM t WHERE p = 1 AND c "
          "= 2; "
          "APPLY BATCH",
          "True,1,1,10|True,1,null,null");
    shows(f, "SELECT c FROM t WHERE v = 11", "1");
    shows(f, "SELECT c FROM t WHERE v = 20", "");
    refuses(f, CQL_INVALID, "BATCH with conditions cannot span multiple tables",
            "BEGIN BATCH UPDATE t SET v = 1 WHERE p = 1 AND c = 1 IF EXISTS; "
            "INSERT INTO other (p) VALUES (1); APPLY BATCH");
    refuses(f, CQL_INVALID, "BATCH with conditions cannot span multiple partitions",
            "BEGIN BATCH UPDATE t SET v = 1 WHERE p = 1 AND c = 1 IF EXISTS; "
            "INSERT INTO t (p, c) VALUES (2, 1); APPLY BATCH");
    refuses(f, CQL_INVALID, "Cannot provide custom timestamp for conditional BATCH",
            "BEGIN BATCH USING TIMESTAMP 5 UPDATE t SET v = 1 WHERE p = 1 AND c = 1 IF EXISTS; APPLY BATCH");
    fixture_close(f);
    f = table(PROFILE_CASSANDRA_4_1);
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 10)");
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 2, 20)");
    shows(f,
          "BEGIN BATCH UPDATE t SET v = 21 WHERE p = 1 AND c = 2 IF v = 20; "
          "UPDATE t SET v = 11 WHERE p = 1 AND c = 1 IF v = 99; APPLY BATCH",
          "False,1,1,10|False,1,2,20");
    shows(f, "BEGIN BATCH UPDATE t SET v = 21 WHERE p = 1 AND c = 2 IF v = 20; APPLY BATCH", "True");
    refuses(f, CQL_INVALID, "Cannot mix IF EXISTS and IF NOT EXISTS conditions for the same row", /* LWT-5 */
            "BEGIN BATCH INSERT INTO t (p, c) VALUES (1, 1) IF NOT EXISTS; "
            "UPDATE t SET v = 1 WHERE p = 1 AND c = 1 IF EXISTS; APPLY BATCH");
    fixture_close(f);
}

static void an_index_follows_conditional_writes(void **state) /* IDX-1 */
{
    (void)state;
    struct fixture *f = table(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE INDEX ON t (v)");
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 10) IF NOT EXISTS");
    does(f, "UPDATE t SET v = 11 WHERE p = 1 AND c = 1 IF v = 10");
    shows(f, "SELECT c FROM t WHERE v = 10", "");
    shows(f, "SELECT c FROM t WHERE v = 11", "1");
    fixture_close(f);
}

enum {
    THREADS = 4,
    INCREMENTS = 100,
};

static void *increment(void *argument)
{
    struct cql_database *database = argument;
    struct cql_session *session = NULL;
    struct cql_result result = {0};
    struct cql_error error;
    struct cql_params params = {.consistency = 1};
    char text[128];
    intptr_t bad = failed(cql_session_open(database, &session));
    for (int done = 0; done < INCREMENTS && !bad;) {
        bad |= !cql_session_query(session, slice_text("SELECT v FROM k.n WHERE p = 1"), &params, &result,
                                  &error);
        if (bad)
            break;
        int v = (int)load_be32(result.rows.data + 4);
        snprintf(text, sizeof text, "UPDATE k.n SET v = %d WHERE p = 1 IF v = %d", v + 1, v);
        bad |= !cql_session_query(session, slice_text(text), &params, &result, &error);
        if (!bad)
            done += result.rows.data[4];
    }
    cql_result_deinit(&result);
    cql_session_close(session);
    return (void *)bad;
}

static void conditional_increments_are_never_lost(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    pthread_t threads[THREADS];
    does(f, "CREATE TABLE n (p int PRIMARY KEY, v int)");
    does(f, "INSERT INTO n (p, v) VALUES (1, 0)");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, increment, f->database), 0);
    for (int i = 0; i < THREADS; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    shows(f, "SELECT v FROM n WHERE p = 1", "400");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scylla_shows_the_same_columns_always),
        cmocka_unit_test(cassandra_shows_old_values_on_refusal_only),
        cmocka_unit_test(conditions_and_assignments_of_static_columns_need_no_row),
        cmocka_unit_test(what_may_not_be_conditional_is_refused),
        cmocka_unit_test(a_conditional_batch_is_all_or_nothing),
        cmocka_unit_test(an_index_follows_conditional_writes),
        cmocka_unit_test(conditional_increments_are_never_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
