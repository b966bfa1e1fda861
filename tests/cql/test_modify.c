/* INSERT, UPDATE, DELETE: what is written, with which timestamp and TTL, and what is refused. */
#include <stdio.h>
#include <string.h>

#include "statement_fixture.h"

#define SECOND_US INT64_C(1000000)
#define NOW_US    (INT64_C(1700000000) * SECOND_US)

static struct fixture *simple(enum cql_profile profile)
{
    struct fixture *f = fixture_open(profile);
    store_clock_set(cql_database_store(f->database), NOW_US);
    does(f, "CREATE TABLE t (p int, c int, v int, w text, PRIMARY KEY (p, c))");
    does(f, "CREATE TABLE s (p int, c int, s int STATIC, v int, PRIMARY KEY (p, c))");
    does(f, "CREATE TABLE one (p int PRIMARY KEY, v int)");
    return f;
}

static void an_inserted_row_lives_without_values_an_updated_one_does_not(void **state) /* DEL-4 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 10)");
    does(f, "UPDATE t SET v = 20 WHERE p = 1 AND c = 2");
    shows(f, "SELECT c, v, w FROM t WHERE p = 1", "1,10,null|2,20,null");
    does(f, "UPDATE t SET v = null WHERE p = 1 AND c IN (1, 2)");
    shows(f, "SELECT c, v FROM t WHERE p = 1", "1,null");
    fixture_close(f);
}

static void the_timestamp_of_the_statement_comes_before_the_request_s(void **state) /* TS-1, TS-2, TS-3 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    does_at(f, 500, "INSERT INTO one (p, v) VALUES (1, 1)");
    does_at(f, 900, "INSERT INTO one (p, v) VALUES (1, 2) USING TIMESTAMP 400");
    shows(f, "SELECT v, writetime(v) FROM one WHERE p = 1", "1,500");
    does(f, "INSERT INTO one (p, v) VALUES (2, 1) USING TIMESTAMP -5");
    shows(f, "SELECT writetime(v) FROM one WHERE p = 2", "-5");
    does(f, "INSERT INTO one (p, v) VALUES (3, 1)");
    shows(f, "SELECT writetime(v) FROM one WHERE p = 3", "1700000000000000");
    does(f, "INSERT INTO one (p, v) VALUES (3, 2)");
    shows(f, "SELECT v, writetime(v) FROM one WHERE p = 3", "2,1700000000000001");
    refuses(f, CQL_INVALID, "Out of bound timestamp",
            "INSERT INTO one (p, v) VALUES (1, 1) USING TIMESTAMP -9223372036854775808");
    fixture_close(f);
}

static void timestamps_far_ahead_are_refused_by_scylla(void **state) /* TS-4 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    char text[128];
    long long far = NOW_US + 4LL * 24 * 3600 * SECOND_US;
    snprintf(text, sizeof text, "INSERT INTO one (p, v) VALUES (1, 1) USING TIMESTAMP %lld", far);
    refuses(f, CQL_INVALID, "Cannot provide a timestamp more than 3 days into the future.", text);
    fixture_close(f);
    f = simple(PROFILE_CASSANDRA_4_1);
    does(f, text);
    fixture_close(f);
}

static void equal_timestamps_are_settled_by_rule(void **state) /* TS-5, TS-9, TS-13 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    does(f, "INSERT INTO one (p, v) VALUES (1, 5) USING TIMESTAMP 10");
    does(f, "INSERT INTO one (p, v) VALUES (1, 9) USING TIMESTAMP 10");
    does(f, "INSERT INTO one (p, v) VALUES (1, 7) USING TIMESTAMP 10");
    shows(f, "SELECT v FROM one WHERE p = 1", "9");
    does(f, "DELETE v FROM one USING TIMESTAMP 10 WHERE p = 1");
    shows(f, "SELECT v FROM one WHERE p = 1", "null");
    does(f, "DELETE FROM one USING TIMESTAMP 10 WHERE p = 1");
    shows(f, "SELECT v FROM one WHERE p = 1", "");
    does(f, "INSERT INTO one (p, v) VALUES (1, 5) USING TIMESTAMP 10");
    shows(f, "SELECT v FROM one WHERE p = 1", "");
    does(f, "INSERT INTO one (p, v) VALUES (1, 5) USING TIMESTAMP 11");
    shows(f, "SELECT v FROM one WHERE p = 1", "5");
    does(f, "DELETE FROM one USING TIMESTAMP 9 WHERE p = 1"); /* TS-17 */
    shows(f, "SELECT v FROM one WHERE p = 1", "5");
    fixture_close(f);
}

static void expiry_takes_the_row_with_its_marker(void **state) /* TTL-1, TTL-2, TTL-5, TTL-6 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    struct store *store = cql_database_store(f->database);
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 1) USING TTL 10 AND TIMESTAMP 5");
    does(f, "INSERT INTO t (p, c) VALUES (1, 2)");
    does(f, "UPDATE t USING TTL 20 SET v = 2 WHERE p = 1 AND c = 2");
    shows(f, "SELECT c, ttl(v) FROM t WHERE p = 1", "1,10|2,20");
    store_clock_set(store, NOW_US + 9 * SECOND_US + 999999);
    shows(f, "SELECT c, ttl(v) FROM t WHERE p = 1", "1,1|2,11");
    store_clock_set(store, NOW_US + 10 * SECOND_US);
    shows(f, "SELECT c, v FROM t WHERE p = 1", "2,2");
    store_clock_set(store, NOW_US + 20 * SECOND_US);
    shows(f, "SELECT c, v FROM t WHERE p = 1", "2,null");

    does(f, "CREATE TABLE d (p int PRIMARY KEY, v int) WITH default_time_to_live = 100");
    does(f, "INSERT INTO d (p, v) VALUES (1, 1)");
    does(f, "INSERT INTO d (p, v) VALUES (2, 1) USING TTL 7");
    does(f, "INSERT INTO d (p, v) VALUES (3, 1) USING TTL 0");
    does_bound(f, "INSERT INTO d (p, v) VALUES (4, 1) USING TTL ?", "unset");
    shows(f, "SELECT p, ttl(v) FROM d WHERE p IN (1, 2, 3, 4)", "1,100|2,7|3,null|4,100");
    fixture_close(f);
}

static void ttl_has_bounds(void **state) /* TTL-3, TTL-4 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "A TTL must be greater or equal to 0",
            "INSERT INTO one (p, v) VALUES (1, 1) USING TTL -1");
    refuses(f, CQL_INVALID, "ttl is too large. requested (630720001) maximum (630720000)",
            "INSERT INTO one (p, v) VALUES (1, 1) USING TTL 630720001");
    refuses_bound(f, CQL_INVALID, "Invalid null value of TTL", "UPDATE one USING TTL ? SET v = 1 WHERE p = 1",
                  "null");
    fixture_close(f);
    f = simple(PROFILE_CASSANDRA_4_1);
    does_bound(f, "UPDATE one USING TTL ? SET v = 1 WHERE p = 1", "null");
    shows(f, "SELECT v, ttl(v) FROM one WHERE p = 1", "1,null");
    fixture_close(f);
}

static void unset_skips_null_deletes(void **state) /* NUL-1, NUL-2, DEL-2 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    does(f, "INSERT INTO t (p, c, v, w) VALUES (1, 1, 10, 'x')");
    does_bound(f, "INSERT INTO t (p, c, v, w) VALUES (1, 1, ?, ?)", "unset;null");
    shows(f, "SELECT v, w FROM t WHERE p = 1", "10,null");
    does_bound(f, "UPDATE t SET v = ?, w = ? WHERE p = 1 AND c = 9", "unset;unset");
    shows(f, "SELECT c FROM t WHERE p = 1", "1");
    does_bound(f, "UPDATE t USING TIMESTAMP ? SET v = 11 WHERE p = 1 AND c = 1", "unset");
    shows(f, "SELECT v FROM t WHERE p = 1", "11");
    does(f, "INSERT INTO t (p, c, w) VALUES (1, 1, '')");
    shows(f, "SELECT w FROM t WHERE p = 1", "");
    assert_int_equal(f->result.row_count, 1);
    fixture_close(f);
}

static void keys_are_neither_null_nor_unset(void **state) /* NUL-2, NUL-5, CRYSTAL-13 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "Invalid null value in condition for column p",
            "INSERT INTO t (p, c, v) VALUES (null, 1, 1)");
    refuses_bound(f, CQL_INVALID, "Invalid null value in condition for column c",
                  "INSERT INTO t (p, c, v) VALUES (?, ?, ?)", "1;null;1");
    refuses_bound(f, CQL_INVALID, "Invalid unset value for column c",
                  "INSERT INTO t (p, c, v) VALUES (?, ?, ?)", "1;unset;1");
    refuses_bound(f, CQL_INVALID, "Invalid null value in condition for column p", "DELETE FROM t WHERE p = ?",
                  "null");
    fixture_close(f);
}

static void values_of_wrong_size_are_told_by_type(void **state) /* NUL-12, CRYSTAL-5, CRYSTAL-7 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    refuses_bound(f, CQL_INVALID,
                  "Exception while binding column v: marshaling error: Validation failed for type "
                  "org.apache.cassandra.db.marshal.Int32Type: got 8 bytes",
                  "INSERT INTO one (p, v) VALUES (?, ?)", "1;raw:12345678");
    fixture_close(f);
    f = simple(PROFILE_CASSANDRA_4_1);
    refuses_bound(f, CQL_INVALID, "Expected 4 or 0 byte int (1)", "INSERT INTO one (p, v) VALUES (?, ?)",
                  "1;raw:1");
    fixture_close(f);
}

static void deletes_reach_cells_rows_ranges_and_partitions(void **state) /* DEL-1, DEL-6, WHR-8 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    char text[128];
    for (int c = 0; c < 10; c++) {
        snprintf(text, sizeof text, "INSERT INTO t (p, c, v, w) VALUES (1, %d, %d, 'w')", c, c);
        does(f, text);
    }
    does(f, "DELETE w FROM t WHERE p = 1 AND c = 0");
    does(f, "DELETE FROM t WHERE p = 1 AND c = 1");
    does(f, "DELETE FROM t WHERE p = 1 AND c > 2 AND c <= 4");
    does(f, "DELETE FROM t WHERE p = 1 AND c IN (6, 8)");
    does(f, "DELETE FROM t WHERE p = 1 AND (c) >= (9)");
    shows(f, "SELECT c, w FROM t WHERE p = 1", "0,null|2,w|5,w|7,w");
    does(f, "INSERT INTO t (p, c, v) VALUES (2, 1, 1)");
    does(f, "DELETE FROM t WHERE p IN (1, 3)");
    shows(f, "SELECT p, c FROM t", "2,1");
    refuses(f, CQL_INVALID, "Range deletions are not supported for specific columns",
            "DELETE w FROM t WHERE p = 1 AND c > 1");
    refuses(f, CQL_INVALID, "Invalid identifier c for deletion (should not be a PRIMARY KEY part)",
            "DELETE c FROM t WHERE p = 1 AND c = 1");
    fixture_close(f);
}

static void where_of_a_modification_is_the_key_and_nothing_else(void **state) /* DEL-7, DEL-8, DEL-9 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "Invalid where clause contains non PRIMARY KEY columns: v",
            "UPDATE t SET w = 'a' WHERE p = 1 AND c = 1 AND v = 2");
    refuses(f, CQL_INVALID, "The token function cannot be used in WHERE clauses for",
            "DELETE FROM t WHERE token(p) = 1");
    refuses(f, CQL_INVALID, "Missing mandatory PRIMARY KEY part p", "UPDATE t SET w = 'a' WHERE c = 1");
    refuses(f, CQL_INVALID, "Missing mandatory PRIMARY KEY part c", "UPDATE t SET w = 'a' WHERE p = 1");
    refuses(f, CQL_INVALID, "Missing mandatory PRIMARY KEY part c", "INSERT INTO t (p, v) VALUES (1, 1)");
    refuses(f, CQL_INVALID, "Missing mandatory PRIMARY KEY part p", "INSERT INTO t (c, v) VALUES (1, 1)");
    refuses(f, CQL_INVALID, "PRIMARY KEY part c found in SET part",
            "UPDATE t SET c = 1 WHERE p = 1 AND c = 2");
    refuses(f, CQL_INVALID, "Unknown identifier x", "INSERT INTO t (p, c, x) VALUES (1, 1, 1)");
    refuses(f, CQL_INVALID, "Unmatched column names/values", "INSERT INTO t (p, c) VALUES (1, 1, 1)");
    refuses(f, CQL_INVALID, "Invalid operation (v = v + 1) for non counter column v",
            "UPDATE t SET v = v + 1 WHERE p = 1 AND c = 1");
    fixture_close(f);
    f = simple(PROFILE_CASSANDRA_4_1);
    refuses(f, CQL_INVALID, "Some partition key parts are missing: p", "UPDATE t SET w = 'a' WHERE c = 1");
    refuses(f, CQL_INVALID, "Some clustering keys are missing: c", "INSERT INTO t (p, v) VALUES (1, 1)");
    fixture_close(f);
}

static void the_crystal_application_is_told_what_is_wrong(void **state) /* CRYSTAL-9, -11, -12 */
{
    (void)state;
    static const char channels[] =
        "CREATE TABLE channels (server_id uuid, position int, id uuid, name text, updated_at timestamp, "
        "PRIMARY KEY (server_id, position, id)) WITH CLUSTERING ORDER BY (position ASC, id ASC)";
    struct fixture *f = fixture_open(PROFILE_SCYLLA_5_2);
    does(f, channels);
    does(f, "CREATE TABLE messages (channel_id uuid, created_at timestamp, id uuid, content text, "
            "PRIMARY KEY (channel_id, created_at, id)) WITH CLUSTERING ORDER BY (created_at DESC, id DESC)");
    refuses_prepare(
        f, CQL_INVALID,
        "PRIMARY KEY column \"id\" cannot be restricted as preceding column \"created_at\" is not "
        "restricted",
        "SELECT * FROM messages WHERE channel_id = ? AND id = ? LIMIT 1");
    refuses_prepare(
        f, CQL_INVALID,
        "PRIMARY KEY column \"id\" cannot be restricted as preceding column \"position\" is not restricted",
        "UPDATE channels SET name = ?, updated_at = ? WHERE id = ?");
    refuses_prepare(f, CQL_INVALID, "PRIMARY KEY part position found in SET part",
                    "UPDATE channels SET position = ?, updated_at = ? WHERE id = ?");
    fixture_close(f);
    f = fixture_open(PROFILE_CASSANDRA_4_1);
    does(f, channels);
    refuses_prepare(f, CQL_INVALID, "Some partition key parts are missing: server_id",
                    "UPDATE channels SET name = ?, updated_at = ? WHERE id = ?");
    fixture_close(f);
}

static void two_messages_of_one_millisecond_are_both_kept(void **state) /* CRYSTAL-8, CRYSTAL-15, TYP-1 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_5_2);
    does(f, "CREATE TABLE messages (channel_id uuid, created_at timestamp, id uuid, content text, "
            "PRIMARY KEY (channel_id, created_at, id)) WITH CLUSTERING ORDER BY (created_at DESC, id DESC)");
    static const char insert[] =
        "INSERT INTO messages (channel_id, created_at, id, content) VALUES (?, ?, ?, ?)";
    does_bound(f, insert,
               "123e4567-e89b-42d3-a456-426614174000;1000;00000000-0000-4000-8000-000000000001;'a'");
    does_bound(f, insert,
               "123e4567-e89b-42d3-a456-426614174000;1000;00000000-0000-4000-8000-000000000002;'b'");
    does_bound(f, insert,
               "123e4567-e89b-42d3-a456-426614174000;999;00000000-0000-4000-8000-000000000003;'c'");
    static const char select[] =
        "SELECT content FROM messages WHERE channel_id = ? ORDER BY created_at DESC, id DESC LIMIT ?";
    shows_bound(f, select, "123e4567-e89b-42d3-a456-426614174000;50", "b|a|c");
    shows_bound(f, select, "123e4567-e89b-42d3-a456-426614174000;2", "b|a");
    expects_binds(f, select, "channel_id;[limit]");
    fixture_close(f);
}

static void static_columns_belong_to_the_partition(void **state) /* STA-1, STA-4 */
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    does(f, "INSERT INTO s (p, c, s, v) VALUES (1, 1, 100, 1)");
    does(f, "INSERT INTO s (p, c, v) VALUES (1, 2, 2)");
    does(f, "UPDATE s SET s = 200 WHERE p = 1");
    shows(f, "SELECT c, s, v FROM s WHERE p = 1", "1,200,1|2,200,2");
    does(f, "UPDATE s SET s = 300, v = 3 WHERE p = 1 AND c = 2");
    shows(f, "SELECT c, s, v FROM s WHERE p = 1", "1,300,1|2,300,3");
    does(f, "DELETE s FROM s WHERE p = 1");
    shows(f, "SELECT c, s FROM s WHERE p = 1", "1,null|2,null");
    refuses(f, CQL_INVALID,
            "Invalid restrictions on clustering columns since the UPDATE statement modifies only "
            "static columns",
            "UPDATE s SET s = 1 WHERE p = 1 AND c = 1");
    does(f, "INSERT INTO s (p, c, s) VALUES (5, 1, 1)");
    shows(f, "SELECT c, s FROM s WHERE p = 5", "1,1");
    fixture_close(f);
}

static void system_tables_are_not_written(void **state)
{
    (void)state;
    struct fixture *f = simple(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_UNAUTHORIZED, "system keyspace is not user-modifiable",
            "INSERT INTO system.local (key) VALUES ('x')");
    fixture_close(f);
}

static void functions_are_evaluated_when_a_statement_runs(void **state) /* FUN-1 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE u (p int, id timeuuid, v uuid, PRIMARY KEY (p, id))");
    does_bound(f, "INSERT INTO u (p, id, v) VALUES (1, now(), uuid())", "");
    does_bound(f, "INSERT INTO u (p, id, v) VALUES (1, now(), uuid())", "");
    shows(f, "SELECT count(*) FROM u WHERE p = 1 AND id > minTimeuuid(1000)", "2");
    does(f, "CREATE TABLE b (p blob PRIMARY KEY)");
    does(f, "INSERT INTO b (p) VALUES (intAsBlob(258))");
    shows(f, "SELECT * FROM b WHERE p = 0x00000102", "0x00000102");
    refuses(f, CQL_INVALID, "", "INSERT INTO u (p, id) VALUES (now(), now())");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inserted_row_lives_without_values_an_updated_one_does_not),
        cmocka_unit_test(the_timestamp_of_the_statement_comes_before_the_request_s),
        cmocka_unit_test(timestamps_far_ahead_are_refused_by_scylla),
        cmocka_unit_test(equal_timestamps_are_settled_by_rule),
        cmocka_unit_test(expiry_takes_the_row_with_its_marker),
        cmocka_unit_test(ttl_has_bounds),
        cmocka_unit_test(unset_skips_null_deletes),
        cmocka_unit_test(keys_are_neither_null_nor_unset),
        cmocka_unit_test(values_of_wrong_size_are_told_by_type),
        cmocka_unit_test(deletes_reach_cells_rows_ranges_and_partitions),
        cmocka_unit_test(where_of_a_modification_is_the_key_and_nothing_else),
        cmocka_unit_test(the_crystal_application_is_told_what_is_wrong),
        cmocka_unit_test(two_messages_of_one_millisecond_are_both_kept),
        cmocka_unit_test(static_columns_belong_to_the_partition),
        cmocka_unit_test(system_tables_are_not_written),
        cmocka_unit_test(functions_are_evaluated_when_a_statement_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
