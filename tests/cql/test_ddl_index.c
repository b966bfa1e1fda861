/* CREATE and DROP INDEX: names, targets, and that a new index knows the rows that were there. */
#include <stdio.h>

#include "database_fixture.h"

static void an_index_of_a_populated_table_knows_its_rows(void **state) /* IDX-3 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (p int, c int, v text, PRIMARY KEY (p, c))");
    for (int i = 0; i < 200; i++) {
        char statement[128];
        snprintf(statement, sizeof statement, "INSERT INTO t (p, c, v) VALUES (%d, %d, '%s')", i % 10, i,
                 i % 50 == 7 ? "rare" : "common");
        does(f, statement);
    }
    refuses(f, CQL_INVALID, "Cannot execute this query as it might involve data filtering",
            "SELECT c FROM t WHERE v = 'rare'");
    does(f, "CREATE INDEX by_v ON t (v)");
    changed(f, "UPDATED", "TABLE", "k", "t"); /* SCH-5 */
    does(f, "SELECT c FROM t WHERE v = 'rare'");
    assert_int_equal(f->result.row_count, 4);
    does(f, "UPDATE t SET v = 'rare' WHERE p = 0 AND c = 0");
    does(f, "SELECT c FROM t WHERE v = 'rare'");
    assert_int_equal(f->result.row_count, 5);
    fixture_close(f);
}

static void default_names_are_table_column_idx(void **state) /* SCH-11 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int, \"W x\" int)");
    does(f, "CREATE INDEX ON t (v)");
    does(f, "CREATE INDEX ON t (\"W x\")");
    shows(f, "SELECT index_name, kind, options FROM system_schema.indexes WHERE keyspace_name = 'k'",
          "t_Wx_idx,COMPOSITES,{'target': 'W x'}|t_v_idx,COMPOSITES,{'target': 'v'}");
    shows(f, "SELECT index_name FROM system.\"IndexInfo\" WHERE table_name = 'k'", "t_Wx_idx|t_v_idx");
    fixture_close(f);
}

static void a_taken_default_name_gets_a_number(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int, w int)");
    does(f, "CREATE INDEX t_v_idx ON t (w)");
    does(f, "CREATE INDEX ON t (v)");
    shows(f, "SELECT index_name FROM system_schema.indexes WHERE keyspace_name = 'k'", "t_v_idx|t_v_idx_1");
    fixture_close(f);
}

static void what_may_be_indexed(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f,
         "CREATE TABLE t (a int, b int, c int, d int, v int, s int static, u duration, l frozen<list<int>>,"
         " PRIMARY KEY ((a, b), c, d))");
    does(f, "CREATE TABLE one (a int PRIMARY KEY, v int)");
    does(f, "CREATE INDEX ON t (v)");
    does(f, "CREATE INDEX ON t (d)");
    does(f, "CREATE INDEX ON t (b)");
    does(f, "CREATE INDEX ON t (FULL(l))");
    does(f, "INSERT INTO t (a, b, c, d, v, l) VALUES (1, 2, 3, 4, 5, [6, 7])");
    shows(f, "SELECT a FROM t WHERE v = 5", "1");
    shows(f, "SELECT a FROM t WHERE d = 4", "1");
    shows(f, "SELECT a FROM t WHERE b = 2", "1");
    shows(f, "SELECT a FROM t WHERE l = [6, 7]", "1");
    refuses(f, CQL_INVALID, "Cannot create secondary index on partition key column a",
            "CREATE INDEX ON one (a)");
    refuses(f, CQL_INVALID, "No column definition found for column x", "CREATE INDEX ON t (x)");
    refuses(f, CQL_INVALID, "Secondary indexes are not supported on duration columns",
            "CREATE INDEX ON t (u)");
    refuses(f, CQL_INVALID, "Cannot create index on value of frozen collection column l",
            "CREATE INDEX ON t (l)");
    refuses(f, CQL_INVALID, "full() indexes can only be created on frozen collections",
            "CREATE INDEX ON t (FULL(c))");
    refuses(f, CQL_INVALID, "Cannot create index on keys() of column c", "CREATE INDEX ON t (KEYS(c))");
    does(f, "CREATE INDEX ON t (s)");
    refuses(f, CQL_INVALID, "unconfigured table x", "CREATE INDEX ON x (v)");
    fixture_close(f);
}

static void an_index_is_made_once(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int, w int)");
    does(f, "CREATE INDEX i ON t (v)");
    refuses(f, CQL_INVALID, "Index already exists", "CREATE INDEX i ON t (w)");
    refuses(f, CQL_INVALID, "Index j is a duplicate of existing index i", "CREATE INDEX j ON t (v)");
    does(f, "CREATE INDEX IF NOT EXISTS i ON t (w)");
    did_nothing(f);
    does(f, "CREATE INDEX IF NOT EXISTS ON t (v)");
    did_nothing(f);
    fixture_close(f);
}

static void dropping_one_makes_its_queries_need_filtering_again(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    does(f, "CREATE INDEX i ON t (v)");
    does(f, "DROP INDEX i");
    changed(f, "UPDATED", "TABLE", "k", "t");
    refuses(f, CQL_INVALID, "Cannot execute this query as it might involve data filtering",
            "SELECT * FROM t WHERE v = 1");
    refuses(f, CQL_INVALID, "Index 'i' could not be found in any of the tables of keyspace 'k'",
            "DROP INDEX i");
    does(f, "DROP INDEX IF EXISTS i");
    did_nothing(f);
    fixture_close(f);
}

static void an_indexed_column_stays(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int, c int, v int, PRIMARY KEY (id, c))");
    does(f, "CREATE INDEX i ON t (v)");
    does(f, "CREATE INDEX j ON t (c)");
    refuses(f, CQL_INVALID, "Cannot drop column v", "ALTER TABLE t DROP v");
    refuses(f, CQL_INVALID, "Cannot rename column c", "ALTER TABLE t RENAME c TO d");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_of_a_populated_table_knows_its_rows),
        cmocka_unit_test(default_names_are_table_column_idx),
        cmocka_unit_test(a_taken_default_name_gets_a_number),
        cmocka_unit_test(what_may_be_indexed),
        cmocka_unit_test(an_index_is_made_once),
        cmocka_unit_test(dropping_one_makes_its_queries_need_filtering_again),
        cmocka_unit_test(an_indexed_column_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
