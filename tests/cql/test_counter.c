/* Counting from several threads at once: no increment is lost (CNT-2). */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "statement_fixture.h"

enum {
    THREADS = 4,
    INCREMENTS = 200,
};

static bool runs(struct cql_session *session, const char *text, struct cql_result *result)
{
    struct cql_error error;
    struct cql_params params = {.consistency = 1};
    return cql_session_query(session, slice_text(text), &params, result, &error);
}

/* One row that all share, one of the thread's own, and a static counter, in statements and batches. */
static void *count(void *argument)
{
    struct cql_session *session = NULL;
    struct cql_result result = {0};
    static const char *const texts[] = {
        "UPDATE k.n SET c = c + 3 WHERE p = 1 AND r = 1",
        "UPDATE k.n SET c = c - 1, s = s + 1 WHERE p = 1 AND r = 1",
        "UPDATE k.n SET c = c + 1 WHERE p IN (1, 2) AND r IN (1, 2)",
        "BEGIN COUNTER BATCH UPDATE k.n SET c = c + 1 WHERE p = 2 AND r = 1; "
        "UPDATE k.n SET c = c + 1 WHERE p = 1 AND r = 1; APPLY BATCH",
    };
    intptr_t bad = failed(cql_session_open(argument, &session));
    for (int i = 0; i < INCREMENTS && !bad; i++)
        bad |= !runs(session, texts[i % 4], &result);
    cql_result_deinit(&result);
    cql_session_close(session);
    return (void *)bad;
}

static void no_increment_is_lost(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    pthread_t threads[THREADS];
    does(f, "CREATE TABLE n (p int, r int, s counter static, c counter, PRIMARY KEY (p, r))");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, f->database), 0);
    for (int i = 0; i < THREADS; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    shows(f, "SELECT r, s, c FROM n WHERE p = 1", "1,200,800|2,200,200");
    shows(f, "SELECT r, s, c FROM n WHERE p = 2", "1,null,400|2,null,200");
    fixture_close(f);
}

/* A DELETE that other threads count around leaves what was counted after it, never what was before. */
static void *count_alone(void *argument)
{
    struct cql_session *session = NULL;
    struct cql_result result = {0};
    intptr_t bad = failed(cql_session_open(argument, &session));
    for (int i = 0; i < INCREMENTS && !bad; i++)
        bad |= !runs(session, "UPDATE k.n SET c = c + 1 WHERE p = 1 AND r = 1", &result);
    cql_result_deinit(&result);
    cql_session_close(session);
    return (void *)bad;
}

static void a_delete_takes_what_was_counted_before_it(void **state) /* CNT-5 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    pthread_t thread;
    void *bad;
    does(f, "CREATE TABLE n (p int, r int, c counter, PRIMARY KEY (p, r))");
    does(f, "UPDATE n SET c = c + 1000000 WHERE p = 1 AND r = 1");
    assert_int_equal(pthread_create(&thread, NULL, count_alone, f->database), 0);
    does(f, "DELETE FROM n WHERE p = 1 AND r = 1");
    pthread_join(thread, &bad);
    assert_null(bad);
    does(f, "UPDATE n SET c = c + 1 WHERE p = 1 AND r = 1");
    shows(f, "SELECT c FROM n WHERE c > 1000 ALLOW FILTERING", "");
    fixture_close(f);
}

static void counters_refuse_levels_that_cannot_count(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    struct cql_error error;
    struct cql_params any = {.consistency = 0}, serial = {.consistency = 8};
    struct slice text = slice_text("UPDATE n SET c = c + 1 WHERE p = 1");
    does(f, "CREATE TABLE n (p int PRIMARY KEY, c counter)");
    assert_false(cql_session_query(f->session, text, &any, &f->result, &error));
    assert_string_equal(error.message,
                        "Consistency level ANY is not yet supported for counter columnfamily n");
    assert_false(cql_session_query(f->session, text, &serial, &f->result, &error));
    assert_string_equal(error.message, "Counter operations are inherently non-serializable");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_increment_is_lost),
        cmocka_unit_test(a_delete_takes_what_was_counted_before_it),
        cmocka_unit_test(counters_refuse_levels_that_cannot_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
