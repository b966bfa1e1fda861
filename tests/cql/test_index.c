/* Secondary indexes: visible at once, never stale, in the order of a scan. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "statement_fixture.h"

static struct fixture *indexed(enum cql_profile profile)
{
    struct fixture *f = fixture_open(profile);
    does(f, "CREATE TABLE t (p int, c int, v int, w text, PRIMARY KEY (p, c))");
    does(f, "CREATE INDEX ON t (v)");
    does(f, "CREATE INDEX ON t (c)");
    return f;
}

static void a_written_row_is_found_at_once(void **state) /* IDX-1, CRYSTAL-14 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_5_2);
    does(f, "CREATE TABLE profiles (id uuid PRIMARY KEY, user_id text, name text)");
    does(f, "CREATE INDEX ON profiles (user_id)");
    does(f, "INSERT INTO profiles (id, user_id, name) VALUES (123e4567-e89b-12d3-a456-426614174000, 'u1', "
            "'Ann')");
    shows_bound(f, "SELECT name FROM profiles WHERE user_id = ? LIMIT 1", "'u1'", "Ann");
    does(f, "UPDATE profiles SET user_id = 'u2' WHERE id = 123e4567-e89b-12d3-a456-426614174000");
    shows(f, "SELECT name FROM profiles WHERE user_id = 'u1'", "");
    shows(f, "SELECT name FROM profiles WHERE user_id = 'u2'", "Ann");
    does(f, "UPDATE profiles SET user_id = null WHERE id = 123e4567-e89b-12d3-a456-426614174000");
    shows(f, "SELECT name FROM profiles WHERE user_id = 'u2'", "");
    fixture_close(f);
}

static void a_later_clustering_column_may_be_indexed(void **state) /* CRYSTAL-10 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_5_2);
    does(f, "CREATE TABLE channels (server_id int, position int, id int, name text, "
            "PRIMARY KEY (server_id, position, id)) WITH CLUSTERING ORDER BY (position ASC, id ASC)");
    does(f, "CREATE INDEX ON channels (id)");
    does(f, "INSERT INTO channels (server_id, position, id, name) VALUES (1, 0, 100, 'general')");
    does(f, "INSERT INTO channels (server_id, position, id, name) VALUES (2, 5, 200, 'other')");
    shows_bound(f, "SELECT * FROM channels WHERE id = ? LIMIT 1", "200", "2,5,200,other");
    does(f, "DELETE FROM channels WHERE server_id = 2 AND position = 5 AND id = 200");
    shows(f, "SELECT * FROM channels WHERE id = 200", "");
    fixture_close(f);
}

static void rows_come_in_the_order_of_a_scan(void **state) /* TOK-5 */
{
    (void)state;
    struct fixture *f = indexed(PROFILE_SCYLLA_2025_1);
    char text[128];
    for (int p = 0; p < 4; p++)
        for (int c = 0; c < 3; c++) {
            snprintf(text, sizeof text, "INSERT INTO t (p, c, v) VALUES (%d, %d, 5)", p, 2 - c);
            does(f, text);
        }
    char scan[512];
    snprintf(scan, sizeof scan, "%s", rows(f, "SELECT p, c FROM t"));
    shows(f, "SELECT p, c FROM t WHERE v = 5", scan);
    shows(f, "SELECT p FROM t WHERE c = 1", "1|0|2|3");
    shows(f, "SELECT p, c FROM t WHERE v = 5 PER PARTITION LIMIT 1 LIMIT 3", "1,0|0,0|2,0");
    shows_pages(f, "SELECT p, c FROM t WHERE v = 5 AND p = 2", 2, "2,0|2,1/2,2");
    shows_pages(f, "SELECT p FROM t WHERE c = 1", 2, "1|0/2|3/");
    fixture_close(f);
}

static void one_restriction_needs_no_filtering_more_do(void **state) /* WHR-5, ORD-2 */
{
    (void)state;
    struct fixture *f = indexed(PROFILE_SCYLLA_2025_1);
    does(f, "INSERT INTO t (p, c, v, w) VALUES (1, 1, 5, 'a')");
    does(f, "INSERT INTO t (p, c, v, w) VALUES (1, 2, 5, 'b')");
    does(f, "INSERT INTO t (p, c, v, w) VALUES (2, 1, 5, 'a')");
    shows(f, "SELECT c FROM t WHERE v = 5 AND p = 1", "1|2");
    shows(f, "SELECT c FROM t WHERE v = 5 AND p = 1 AND c > 1", "2");
    shows(f, "SELECT p FROM t WHERE token(p) > token(1) AND v = 5", "2");
    refuses(f, CQL_INVALID, "Cannot execute this query as it might involve data filtering",
            "SELECT c FROM t WHERE v = 5 AND w = 'a'");
    shows(f, "SELECT p FROM t WHERE v = 5 AND w = 'a' ALLOW FILTERING", "1|2");
    refuses(f, CQL_INVALID, "Cannot execute this query as it might involve data filtering",
            "SELECT p FROM t WHERE v = 5 AND c = 1");
    shows(f, "SELECT p FROM t WHERE v = 5 AND c = 1 ALLOW FILTERING", "1|2");
    refuses(f, CQL_INVALID, "Cannot execute this query as it might involve data filtering",
            "SELECT p FROM t WHERE v > 5");
    refuses(f, CQL_INVALID, "ORDER BY with 2ndary indexes is not supported.",
            "SELECT c FROM t WHERE v = 5 ORDER BY c DESC");
    refuses(f, CQL_INVALID, "ORDER BY with 2ndary indexes is not supported.",
            "SELECT c FROM t WHERE v = 5 AND p = 1 ORDER BY c DESC");
    shows(f, "SELECT c FROM t WHERE v = null", ""); /* IDX-2 */
    fixture_close(f);
}

static void deletions_and_expiry_take_entries_along(void **state) /* IDX-1, DEL-1 */
{
    (void)state;
    struct fixture *f = indexed(PROFILE_SCYLLA_2025_1);
    struct store *store = cql_database_store(f->database);
    store_clock_set(store, INT64_C(1700000000000000));
    for (int c = 0; c < 6; c++) {
        char text[128];
        snprintf(text, sizeof text, "INSERT INTO t (p, c, v) VALUES (1, %d, 5)", c);
        does(f, text);
    }
    does(f, "DELETE FROM t WHERE p = 1 AND c > 3");
    does(f, "DELETE FROM t WHERE p = 1 AND c = 0");
    does(f, "DELETE v FROM t WHERE p = 1 AND c = 1");
    shows(f, "SELECT c FROM t WHERE v = 5", "2|3");
    does(f, "UPDATE t USING TTL 10 SET v = 9 WHERE p = 1 AND c = 2");
    shows(f, "SELECT c FROM t WHERE v = 9", "2");
    store_clock_set(store, INT64_C(1700000010000000));
    shows(f, "SELECT c FROM t WHERE v = 9", "");
    shows(f, "SELECT p FROM t WHERE c = 2", "1");
    does(f, "DELETE FROM t WHERE p = 1");
    shows(f, "SELECT c FROM t WHERE v = 5", "");
    shows(f, "SELECT p FROM t WHERE c = 2", "");
    fixture_close(f);
}

static void writes_that_lose_do_not_disturb_entries(void **state) /* TS-1 */
{
    (void)state;
    struct fixture *f = indexed(PROFILE_SCYLLA_2025_1);
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 5) USING TIMESTAMP 100");
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 4) USING TIMESTAMP 50");
    shows(f, "SELECT c FROM t WHERE v = 5", "1");
    shows(f, "SELECT c FROM t WHERE v = 4", "");
    does(f, "DELETE FROM t USING TIMESTAMP 60 WHERE p = 1 AND c = 1");
    shows(f, "SELECT c FROM t WHERE v = 5", "1");
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 6) USING TIMESTAMP 200");
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 5) USING TIMESTAMP 300");
    shows(f, "SELECT c FROM t WHERE v = 5", "1");
    shows(f, "SELECT c FROM t WHERE v = 6", "");
    does(f, "BEGIN BATCH DELETE FROM t USING TIMESTAMP 400 WHERE p = 1; "
            "INSERT INTO t (p, c, v) VALUES (1, 1, 7) USING TIMESTAMP 401; APPLY BATCH");
    shows(f, "SELECT c FROM t WHERE v = 5", "");
    shows(f, "SELECT c FROM t WHERE v = 7", "1");
    fixture_close(f);
}

static void an_index_on_a_filled_table_is_built_at_once(void **state) /* IDX-3 */
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    char text[128];
    does(f, "CREATE TABLE t (p int, c int, v int, PRIMARY KEY (p, c))");
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "INSERT INTO t (p, c, v) VALUES (%d, %d, %d)", i % 20, i, i % 7);
        does(f, text);
    }
    assert_true(ok(store_flush(cql_database_store(f->database), 0)));
    does(f, "DELETE FROM t WHERE p = 3");
    does(f, "CREATE INDEX by_v ON t (v)");
    shows(f, "SELECT count(*) FROM t WHERE v = 2", "27");
    fixture_reopen(f);
    shows(f, "SELECT count(*) FROM k.t WHERE v = 2", "27");
    fixture_close(f);
}

static void values_of_more_than_64_kib_are_refused(void **state) /* IDX-2 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    static char text[70000];
    does(f, "CREATE TABLE t (p int PRIMARY KEY, v text)");
    does(f, "CREATE INDEX ON t (v)");
    int used = snprintf(text, sizeof text, "INSERT INTO t (p, v) VALUES (1, '");
    memset(text + used, 'x', 65536);
    strcpy(text + used + 65536, "')");
    refuses(f, CQL_INVALID, "Cannot index value of size 65536", text);
    shows(f, "SELECT * FROM t", "");
    does(f, "INSERT INTO t (p, v) VALUES (1, '')");
    shows(f, "SELECT p FROM t WHERE v = ''", "1");
    fixture_close(f);
}

/* ---- equivalence ---- */

enum {
    PARTITIONS = 4,
    CLUSTERINGS = 5,
    VALUES = 4,
    STEPS = 300,
};

static void random_statement(struct random *rng, char *text, size_t bytes)
{
    unsigned p = (unsigned)random_below(rng, PARTITIONS), c = (unsigned)random_below(rng, CLUSTERINGS),
             v = (unsigned)random_below(rng, VALUES), at = (unsigned)random_below(rng, 60),
             ttl = (unsigned)random_below(rng, 8);
    char using[64] = "";
    switch (random_below(rng, 3)) {
    case 0: snprintf(using, sizeof using, "USING TIMESTAMP %u", at); break;
    case 1: snprintf(using, sizeof using, "USING TTL %u AND TIMESTAMP %u", ttl, at); break;
    default: snprintf(using, sizeof using, "USING TIMESTAMP %u", at + 30); break;
    }
    char stamp[32];
    snprintf(stamp, sizeof stamp, "USING TIMESTAMP %u", at);
    switch (random_below(rng, 9)) {
    case 0:
    case 1:
    case 2: snprintf(text, bytes, "INSERT INTO t (p, c, v) VALUES (%u, %u, %u) %s", p, c, v, using); break;
    case 3: snprintf(text, bytes, "UPDATE t %s SET v = %u WHERE p = %u AND c = %u", using, v, p, c); break;
    case 4:
        snprintf(text, bytes, "UPDATE t %s SET w = 'w', v = null WHERE p = %u AND c = %u", using, p, c);
        break;
    case 5: snprintf(text, bytes, "DELETE FROM t %s WHERE p = %u AND c = %u", stamp, p, c); break;
    case 6: snprintf(text, bytes, "DELETE FROM t %s WHERE p = %u AND c >= %u", stamp, p, c); break;
    case 7: snprintf(text, bytes, "DELETE FROM t %s WHERE p = %u", stamp, p); break;
    default:
        snprintf(text, bytes,
                 "BEGIN BATCH DELETE FROM t %s WHERE p = %u; INSERT INTO t (p, c, v) VALUES (%u, %u, %u) %s; "
                 "UPDATE t %s SET v = %u WHERE p = %u AND c = %u; APPLY BATCH",
                 stamp, p, p, c, v, using, using, (v + 1) % VALUES, p, (c + 1) % CLUSTERINGS);
        break;
    }
}

static void compare_index_with_filtering(struct fixture *f, const char *column, unsigned value, uint64_t seed,
                                         const char *last)
{
    char plain[128], filtered[128], expected[1024];
    /* No index serves >= and <=: the filter over the whole table is the truth. */
    snprintf(plain, sizeof plain, "SELECT p, c, v, writetime(v), ttl(v) FROM t WHERE %s = %u", column, value);
    snprintf(filtered, sizeof filtered,
             "SELECT p, c, v, writetime(v), ttl(v) FROM t WHERE %s >= %u AND %s <= %u ALLOW FILTERING",
             column, value, column, value);
    snprintf(expected, sizeof expected, "%s", rows(f, filtered));
    const char *got = rows(f, plain);
    if (strcmp(got, expected) != 0)
        fail_msg("seed %llu: %s gives %s, filtering gives %s; after %s", (unsigned long long)seed, plain, got,
                 expected, last);
}

static void an_index_says_what_filtering_says(void **state)
{
    (void)state;
    uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct random rng = {seed};
    struct fixture *f = indexed(PROFILE_SCYLLA_2025_1);
    struct store *store = cql_database_store(f->database);
    int64_t now_us = INT64_C(1700000000000000);
    char text[512];
    for (int step = 0; step < STEPS; step++) {
        store_clock_set(store, now_us);
        random_statement(&rng, text, sizeof text);
        does(f, text);
        if (random_below(&rng, 10) == 0)
            now_us += INT64_C(1000000) * (int64_t)random_below(&rng, 3);
        if (random_below(&rng, 100) == 0)
            assert_true(ok(store_flush(store, 0)));
        store_clock_set(store, now_us);
        compare_index_with_filtering(f, "v", (unsigned)random_below(&rng, VALUES), seed, text);
        compare_index_with_filtering(f, "c", (unsigned)random_below(&rng, CLUSTERINGS), seed, text);
    }
    fixture_close(f);
}

/* ---- several writers ---- */

enum {
    WRITERS = 4,
    WRITES = 150,
};

struct writer {
    struct cql_database *database;
    uint64_t seed;
    bool failed;
};

static void *write_at_random(void *argument)
{
    struct writer *writer = argument;
    struct fixture f = {.database = writer->database};
    struct random rng = {writer->seed};
    char text[512];
    if (failed(cql_session_open(writer->database, &f.session)) || !run(&f, "USE k"))
        return writer->failed = true, NULL;
    for (int i = 0; i < WRITES && !writer->failed; i++) {
        random_statement(&rng, text, sizeof text);
        writer->failed = !run(&f, text);
    }
    cql_session_close(f.session);
    cql_result_deinit(&f.result);
    return NULL;
}

static void writers_of_the_same_rows_leave_a_true_index(void **state) /* IDX-1 */
{
    (void)state;
    uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct fixture *f = indexed(PROFILE_SCYLLA_2025_1);
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.database = f->database, .seed = seed + i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_at_random, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(writers[i].failed);
    }
    store_clock_set(cql_database_store(f->database), store_now_us(cql_database_store(f->database)));
    for (unsigned v = 0; v < VALUES; v++)
        compare_index_with_filtering(f, "v", v, seed, "all");
    for (unsigned c = 0; c < CLUSTERINGS; c++)
        compare_index_with_filtering(f, "c", c, seed, "all");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_row_is_found_at_once),
        cmocka_unit_test(a_later_clustering_column_may_be_indexed),
        cmocka_unit_test(rows_come_in_the_order_of_a_scan),
        cmocka_unit_test(one_restriction_needs_no_filtering_more_do),
        cmocka_unit_test(deletions_and_expiry_take_entries_along),
        cmocka_unit_test(writes_that_lose_do_not_disturb_entries),
        cmocka_unit_test(an_index_on_a_filled_table_is_built_at_once),
        cmocka_unit_test(values_of_more_than_64_kib_are_refused),
        cmocka_unit_test(an_index_says_what_filtering_says),
        cmocka_unit_test(writers_of_the_same_rows_leave_a_true_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
