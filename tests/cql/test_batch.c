/* BEGIN BATCH and the protocol's BATCH. */
#include <stdio.h>
#include <string.h>

#include "statement_fixture.h"

static struct fixture *tables(enum cql_profile profile)
{
    struct fixture *f = fixture_open(profile);
    does(f, "CREATE TABLE a (p int PRIMARY KEY, v int)");
    does(f, "CREATE TABLE b (p int, c int, v text, PRIMARY KEY (p, c))");
    return f;
}

static void a_batch_writes_to_several_tables(void **state) /* BAT-3, BAT-6 */
{
    (void)state;
    struct fixture *f = tables(PROFILE_SCYLLA_2025_1);
    does(f, "BEGIN BATCH INSERT INTO a (p, v) VALUES (1, 1); UPDATE b SET v = 'x' WHERE p = 1 AND c = 2; "
            "DELETE FROM a WHERE p = 9; APPLY BATCH");
    shows(f, "SELECT * FROM a", "1,1");
    shows(f, "SELECT * FROM b", "1,2,x");
    does(f, "BEGIN UNLOGGED BATCH INSERT INTO a (p, v) VALUES (2, 2) APPLY BATCH");
    shows(f, "SELECT v FROM a WHERE p = 2", "2");
    does_bound(f,
               "BEGIN BATCH INSERT INTO a (p, v) VALUES (?, ?); UPDATE b SET v = ? WHERE p = ? AND c = 3; "
               "APPLY BATCH",
               "5;50;'five';5");
    shows(f, "SELECT v FROM b WHERE p = 5", "five");
    fixture_close(f);
}

static void one_refused_statement_refuses_the_batch(void **state) /* BAT-3 */
{
    (void)state;
    struct fixture *f = tables(PROFILE_SCYLLA_2025_1);
    refuses(
        f, CQL_INVALID, "Invalid null value in condition for column p",
        "BEGIN BATCH INSERT INTO a (p, v) VALUES (1, 1); INSERT INTO a (p, v) VALUES (null, 2); APPLY BATCH");
    shows(f, "SELECT * FROM a", "");
    fixture_close(f);
}

static void statements_share_one_timestamp(void **state) /* BAT-1, TS-5, TS-9, TS-13 */
{
    (void)state;
    struct fixture *f = tables(PROFILE_SCYLLA_2025_1);
    does(f, "BEGIN BATCH DELETE FROM a WHERE p = 1; INSERT INTO a (p, v) VALUES (1, 1); APPLY BATCH");
    shows(f, "SELECT * FROM a", "");
    does(f,
         "BEGIN BATCH INSERT INTO a (p, v) VALUES (2, 7); INSERT INTO a (p, v) VALUES (2, 3); APPLY BATCH");
    shows(f, "SELECT v FROM a WHERE p = 2", "7");
    does(f, "BEGIN BATCH USING TIMESTAMP 44 INSERT INTO a (p, v) VALUES (3, 1) APPLY BATCH");
    shows(f, "SELECT writetime(v) FROM a WHERE p = 3", "44");
    does(f, "BEGIN BATCH INSERT INTO a (p, v) VALUES (4, 1) USING TIMESTAMP 5; "
            "INSERT INTO a (p, v) VALUES (4, 2) USING TIMESTAMP 4; APPLY BATCH");
    shows(f, "SELECT v, writetime(v) FROM a WHERE p = 4", "1,5");
    fixture_close(f);
}

static void timestamps_in_two_places_and_ttl_are_refused(void **state) /* BAT-2 */
{
    (void)state;
    struct fixture *f = tables(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "Timestamp must be set either on BATCH or individual statements",
            "BEGIN BATCH USING TIMESTAMP 1 INSERT INTO a (p, v) VALUES (1, 1) USING TIMESTAMP 2 APPLY BATCH");
    refuses(f, CQL_INVALID, "Global TTL on the BATCH statement is not supported.",
            "BEGIN BATCH USING TTL 5 INSERT INTO a (p, v) VALUES (1, 1) APPLY BATCH");
    fixture_close(f);
}

static bool run_batch(struct fixture *f, uint32_t count, size_t value_bytes, bool one_partition)
{
    struct cql_batch_item items[64];
    static uint8_t keys[64][4], clustering[64][4];
    static uint8_t filler[64 << 10];
    struct cql_value values[64][3];
    struct cql_params params = {.consistency = 1};
    memset(filler, 'x', sizeof filler);
    for (uint32_t i = 0; i < count; i++) {
        store_be32(keys[i], one_partition ? 1 : i);
        store_be32(clustering[i], i);
        values[i][0] = (struct cql_value){.kind = CQL_VALUE, .bytes = slice_of(keys[i], 4)};
        values[i][1] = (struct cql_value){.kind = CQL_VALUE, .bytes = slice_of(clustering[i], 4)};
        values[i][2] = (struct cql_value){.kind = CQL_VALUE, .bytes = slice_of(filler, value_bytes)};
        items[i] = (struct cql_batch_item){.text = slice_text("INSERT INTO b (p, c, v) VALUES (?, ?, ?)"),
                                           .values = values[i],
                                           .value_count = 3};
    }
    return cql_session_batch(f->session, 0, items, count, &params, &f->result, &f->error);
}

static void large_batches_over_partitions_are_warned_of_and_refused(void **state) /* BAT-4, BAT-5 */
{
    (void)state;
    struct fixture *f = tables(PROFILE_SCYLLA_2025_1);
    assert_true(run_batch(f, 10, 1000, false));
    assert_int_equal(f->result.warnings.bytes, 0);
    assert_true(run_batch(f, 40, 10000, false));
    assert_int_equal(f->result.warnings.bytes, 0); /* which ScyllaDB writes to its log alone */
    assert_false(run_batch(f, 60, 50000, false));
    assert_string_equal(f->error.message, "Batch too large");
    assert_true(run_batch(f, 60, 50000, true));
    shows(f, "SELECT count(*) FROM b WHERE p = 1", "60");
    fixture_close(f);
    f = tables(PROFILE_CASSANDRA_4_1);
    assert_true(run_batch(f, 10, 1000, false));
    assert_non_null(strstr((char *)f->result.warnings.data, "exceeding specified threshold of 5120 by "));
    assert_false(run_batch(f, 10, 6000, false));
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_writes_to_several_tables),
        cmocka_unit_test(one_refused_statement_refuses_the_batch),
        cmocka_unit_test(statements_share_one_timestamp),
        cmocka_unit_test(timestamps_in_two_places_and_ttl_are_refused),
        cmocka_unit_test(large_batches_over_partitions_are_warned_of_and_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
