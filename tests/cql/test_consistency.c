/* Consistency levels that can never be right for a statement (LWT-11). */
#include "database_fixture.h"

enum {
    ANY = 0,
    ONE = 1,
    QUORUM = 4,
    SERIAL = 8,
    LOCAL_SERIAL = 9,
};

static const char no_refusal[] = "";

/* How a statement at these levels is refused; `serial` 0: the request names none. */
static const char *at(struct fixture *f, uint16_t consistency, uint16_t serial, const char *statement)
{
    struct cql_params params = {.consistency = consistency, .serial_consistency = serial};
    bool done = cql_session_query(f->session, slice_text(statement), &params, &f->result, &f->error);
    if (!done)
        assert_int_equal(f->error.code, CQL_INVALID);
    return done ? no_refusal : f->error.message;
}

static struct fixture *one_table(void)
{
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (k int, c int, v int, PRIMARY KEY (k, c))");
    does(f, "INSERT INTO t (k, c, v) VALUES (1, 1, 1)");
    return f;
}

static void any_is_for_writes(void **state)
{
    (void)state;
    struct fixture *f = one_table();
    assert_string_equal(at(f, ANY, 0, "SELECT * FROM t"),
                        "ANY ConsistencyLevel is only supported for writes");
    assert_string_equal(at(f, ANY, 0, "INSERT INTO t (k, c) VALUES (1, 2)"), no_refusal);
    fixture_close(f);
}

static void serial_reads_are_of_one_partition(void **state)
{
    (void)state;
    static const char refusal[] =
        "SERIAL/LOCAL_SERIAL consistency may only be requested for one partition at a time";
    struct fixture *f = one_table();
    assert_string_equal(at(f, SERIAL, 0, "SELECT * FROM t WHERE k = 1"), no_refusal);
    assert_string_equal(at(f, LOCAL_SERIAL, 0, "SELECT * FROM t WHERE k = 1 AND c > 0"), no_refusal);
    assert_string_equal(at(f, SERIAL, 0, "SELECT * FROM t"), refusal);
    assert_string_equal(at(f, LOCAL_SERIAL, 0, "SELECT * FROM t WHERE k IN (1, 2)"), refusal);
    fixture_close(f);
}

static void serial_writes_are_conditional(void **state)
{
    (void)state;
    static const char refusal[] = "You must use conditional updates for serializable writes";
    struct fixture *f = one_table();
    assert_string_equal(at(f, SERIAL, 0, "INSERT INTO t (k, c) VALUES (1, 3)"), refusal);
    assert_string_equal(at(f, SERIAL, 0, "BEGIN BATCH DELETE FROM t WHERE k = 1; APPLY BATCH"), refusal);
    shows(f, "SELECT c FROM t", "1");
    fixture_close(f);
}

static void conditions_are_serial(void **state)
{
    (void)state;
    static const char refusal[] =
        "Invalid consistency for conditional update. Must be one of SERIAL or LOCAL_SERIAL";
    static const char update[] = "UPDATE t SET v = 2 WHERE k = 1 AND c = 1 IF EXISTS";
    struct fixture *f = one_table();
    assert_string_equal(at(f, QUORUM, ONE, update), refusal);
    assert_string_equal(at(f, QUORUM, 0, update), no_refusal);
    assert_string_equal(at(f, QUORUM, SERIAL, update), no_refusal);
    assert_string_equal(at(f, ANY, LOCAL_SERIAL, update), no_refusal);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_is_for_writes),
        cmocka_unit_test(serial_reads_are_of_one_partition),
        cmocka_unit_test(serial_writes_are_conditional),
        cmocka_unit_test(conditions_are_serial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
