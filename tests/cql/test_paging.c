/* Pages: where they end, how they go on, and what is no paging state. */
#include <stdio.h>
#include <string.h>

#include "cql/paging.h"
#include "statement_fixture.h"

static void fill(struct fixture *f)
{
    char text[256];
    does(f, "CREATE TABLE t (p int, c int, s int STATIC, v int, PRIMARY KEY (p, c))");
    for (int p = 0; p < 3; p++)
        for (int c = 0; c < 4; c++) {
            snprintf(text, sizeof text, "INSERT INTO t (p, c, v) VALUES (%d, %d, %d)", p, c, c % 2);
            does(f, text);
        }
}

static struct fixture *filled(enum cql_profile profile)
{
    struct fixture *f = fixture_open(profile);
    fill(f);
    return f;
}

static void pages_hold_their_number_of_rows_and_go_on(void **state) /* PAG-1, PAG-4 */
{
    (void)state;
    struct fixture *f = filled(PROFILE_SCYLLA_2025_1);
    shows_pages(f, "SELECT c FROM t WHERE p = 1", 3, "0|1|2/3");
    shows_pages(f, "SELECT c FROM t WHERE p = 1", 4, "0|1|2|3/");
    shows_pages(f, "SELECT c FROM t WHERE p = 1", 100, "0|1|2|3");
    shows_pages(f, "SELECT c FROM t WHERE p = 1 ORDER BY c DESC", 3, "3|2|1/0");
    shows_pages(f, "SELECT p, c FROM t", 5, "1,0|1,1|1,2|1,3|0,0/0,1|0,2|0,3|2,0|2,1/2,2|2,3");
    shows_pages(f, "SELECT p, c FROM t WHERE p IN (0, 2) AND c IN (1, 3)", 1, "0,1/0,3/2,1/2,3/");
    shows_pages(f, "SELECT DISTINCT p FROM t", 1, "1/0/2/");
    fixture_close(f);
}

static void tables_without_clustering_columns_come_to_an_end(void **state) /* PAG-1, PAG-3 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE one (p int PRIMARY KEY, v int)");
    does(f, "CREATE INDEX ON one (v)");
    for (int p = 0; p < 3; p++) {
        char text[64];
        snprintf(text, sizeof text, "INSERT INTO one (p, v) VALUES (%d, 5)", p);
        does(f, text);
    }
    shows_pages(f, "SELECT p FROM one", 1, "1/0/2/");
    shows_pages(f, "SELECT p FROM one WHERE p IN (2, 0, 1)", 2, "0|1/2");
    shows_pages(f, "SELECT p FROM one WHERE v = 5", 1, "1/0/2/");
    shows_pages(f, "SELECT p FROM one WHERE v > 1 ALLOW FILTERING", 2, "1|0/2");
    shows_pages(f, "SELECT key FROM system.local", 1, "local/");
    const char *all = pages(f, "SELECT table_name FROM system_schema.columns WHERE keyspace_name = 'k'", 1);
    assert_string_equal(all, "one/one/");
    fixture_close(f);
}

static void limits_span_pages(void **state) /* WHR-13, PAG-4 */
{
    (void)state;
    struct fixture *f = filled(PROFILE_SCYLLA_2025_1);
    shows_pages(f, "SELECT c FROM t WHERE p = 1 LIMIT 3", 2, "0|1/2");
    shows_pages(f, "SELECT c FROM t WHERE p = 1 LIMIT 2", 2, "0|1");
    shows_pages(f, "SELECT p, c FROM t PER PARTITION LIMIT 2", 1, "1,0/1,1/0,0/0,1/2,0/2,1/");
    shows_pages(f, "SELECT p, c FROM t PER PARTITION LIMIT 3 LIMIT 5", 2, "1,0|1,1/1,2|0,0/0,1");
    fixture_close(f);
}

static void filtered_pages_count_as_the_target_does(void **state) /* PAG-2 */
{
    (void)state;
    struct fixture *f = filled(PROFILE_SCYLLA_2025_1);
    shows_pages(f, "SELECT p, c FROM t WHERE v = 1 ALLOW FILTERING", 3, "1,1/1,3|0,1/0,3/2,1|2,3/");
    fixture_close(f);
    f = filled(PROFILE_CASSANDRA_4_1);
    shows_pages(f, "SELECT p, c FROM t WHERE v = 1 ALLOW FILTERING", 3, "1,1|1,3|0,1/0,3|2,1|2,3/");
    fixture_close(f);
}

static void a_state_survives_a_restart(void **state) /* PAG-3 */
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    fill(f);
    does(f, "CREATE INDEX ON t (v)");
    shows_pages_over_restarts(f, "SELECT p, c FROM k.t", 5,
                              "1,0|1,1|1,2|1,3|0,0/0,1|0,2|0,3|2,0|2,1/2,2|2,3");
    shows_pages_over_restarts(f, "SELECT p, c FROM k.t WHERE v = 1", 4, "1,1|1,3|0,1|0,3/2,1|2,3");
    fixture_close(f);
}

static void large_rows_cut_a_page(void **state) /* PAG-1 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    static char text[400000];
    does(f, "CREATE TABLE big (p int, c int, v text, PRIMARY KEY (p, c))");
    for (int c = 0; c < 5; c++) {
        int used = snprintf(text, sizeof text, "INSERT INTO big (p, c, v) VALUES (1, %d, '", c);
        memset(text + used, 'x', 300000);
        strcpy(text + used + 300000, "')");
        does(f, text);
    }
    struct cql_params params = {.consistency = 1, .page_size = 5000};
    assert_true(
        cql_session_query(f->session, slice_text("SELECT * FROM big"), &params, &f->result, &f->error));
    assert_int_equal(f->result.row_count, 4);
    assert_true(f->result.paging_state.bytes > 0);
    params.page_size = 0;
    assert_true(
        cql_session_query(f->session, slice_text("SELECT * FROM big"), &params, &f->result, &f->error));
    assert_int_equal(f->result.row_count, 5);
    fixture_close(f);
}

static void many_tombstones_cut_a_page_or_fail_the_read(void **state) /* DEL-11 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    char text[128];
    does(f, "CREATE TABLE t (p int, c int, v int, PRIMARY KEY (p, c))");
    for (int c = 0; c < 10050; c++) {
        snprintf(text, sizeof text, "DELETE FROM t WHERE p = 1 AND c = %d", c);
        does(f, text);
    }
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 20000, 5)");
    shows_pages(f, "SELECT c FROM t WHERE p = 1", 100, "/20000");
    shows(f, "SELECT c FROM t WHERE p = 1", "20000");
    warned(f, "tombstone cells");
    fixture_close(f);
}

static void garbage_is_no_paging_state(void **state) /* PAG-3 */
{
    (void)state;
    struct fixture *f = filled(PROFILE_SCYLLA_2025_1);
    struct cql_params params = {.consistency = 1, .page_size = 2};
    const struct slice select = slice_text("SELECT c FROM t WHERE p = 1");
    assert_true(cql_session_query(f->session, select, &params, &f->result, &f->error));
    struct buffer good = {0}, bad = {0};
    buffer_append_slice(&good, buffer_slice(&f->result.paging_state));
    for (size_t i = 0; i < good.bytes; i++) {
        buffer_clear(&bad);
        buffer_append_slice(&bad, buffer_slice(&good));
        bad.data[i] ^= 0x41;
        params.paging_state = buffer_slice(&bad);
        assert_false(cql_session_query(f->session, select, &params, &f->result, &f->error));
        assert_int_equal(f->error.code, CQL_PROTOCOL_ERROR);
        assert_string_equal(f->error.message, "Invalid value for the paging state");
        params.paging_state = slice_of(good.data, i);
        if (i)
            assert_false(cql_session_query(f->session, select, &params, &f->result, &f->error));
    }
    params.paging_state = buffer_slice(&good);
    assert_false(
        cql_session_query(f->session, slice_text("SELECT p FROM t"), &params, &f->result, &f->error));
    buffer_deinit(&good);
    buffer_deinit(&bad);
    fixture_close(f);
}

static void a_static_row_alone_is_counted_once_over_pages(void **state) /* STA-1 */
{
    (void)state;
    struct fixture *f = filled(PROFILE_SCYLLA_2025_1);
    does(f, "INSERT INTO t (p, s) VALUES (7, 70)");
    does(f, "UPDATE t SET s = 10 WHERE p = 1");
    const char *all = pages(f, "SELECT p, c, s FROM t", 1);
    assert_non_null(strstr(all, "7,null,70"));
    assert_null(strstr(strstr(all, "7,null,70") + 1, "7,null,70"));
    assert_null(strstr(all, "/1,null"));
    assert_int_equal(strncmp(all, "1,0,10/1,1,10/", 14), 0);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_hold_their_number_of_rows_and_go_on),
        cmocka_unit_test(tables_without_clustering_columns_come_to_an_end),
        cmocka_unit_test(limits_span_pages),
        cmocka_unit_test(filtered_pages_count_as_the_target_does),
        cmocka_unit_test(a_state_survives_a_restart),
        cmocka_unit_test(large_rows_cut_a_page),
        cmocka_unit_test(many_tombstones_cut_a_page_or_fail_the_read),
        cmocka_unit_test(garbage_is_no_paging_state),
        cmocka_unit_test(a_static_row_alone_is_counted_once_over_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
