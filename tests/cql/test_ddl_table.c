/* CREATE, ALTER, DROP TABLE and TRUNCATE. */
#include <stdio.h>
#include <string.h>

#include "database_fixture.h"

static void creating_one_reports_it_and_shows_it(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE messages (channel_id uuid, created_at timestamp, id uuid, content text, topic text "
            "static,"
            " PRIMARY KEY (channel_id, created_at, id)) WITH CLUSTERING ORDER BY (created_at DESC, id DESC)");
    changed(f, "CREATED", "TABLE", "k", "messages");
    shows(f,
          "SELECT column_name, clustering_order, kind, position, type FROM system_schema.columns WHERE"
          " keyspace_name = 'k' AND table_name = 'messages'",
          "channel_id,none,partition_key,0,uuid|content,none,regular,-1,text|created_at,desc,clustering,0,"
          "timestamp|"
          "id,desc,clustering,1,uuid|topic,none,static,-1,text");
    fixture_close(f);
}

static void creating_one_twice_is_already_exists(void **state) /* SCH-6 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    refuses(f, CQL_ALREADY_EXISTS, "Cannot add already existing table \"t\" to keyspace \"k\"",
            "CREATE TABLE t (id int PRIMARY KEY)");
    assert_string_equal(f->error.keyspace, "k");
    assert_string_equal(f->error.table, "t");
    does(f, "CREATE TABLE IF NOT EXISTS t (other text PRIMARY KEY)");
    did_nothing(f);
    fixture_close(f);
}

static void a_table_needs_a_keyspace(void **state) /* SCH-7 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    struct cql_session *other;
    refuses(f, CQL_INVALID, "Cannot create a table in a non-existent keyspace: nowhere",
            "CREATE TABLE nowhere.t (id int PRIMARY KEY)");
    assert_true(ok(cql_session_open(f->database, &other)));
    struct cql_params params = {.consistency = 1};
    assert_false(cql_session_query(other, slice_text("CREATE TABLE t (id int PRIMARY KEY)"), &params,
                                   &f->result, &f->error));
    assert_string_equal(f->error.message,
                        "No keyspace has been specified. USE a keyspace, or explicitly specify"
                        " keyspace.tablename");
    cql_session_close(other);
    fixture_close(f);
}

static void the_primary_key_is_given_once_and_of_columns_that_exist(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "No PRIMARY KEY", "CREATE TABLE t (id int)");
    refuses(f, CQL_INVALID, "Multiple PRIMARY KEYs",
            "CREATE TABLE t (id int PRIMARY KEY, v int, PRIMARY KEY (id))");
    refuses(f, CQL_INVALID, "Multiple PRIMARY KEYs",
            "CREATE TABLE t (id int PRIMARY KEY, v int PRIMARY KEY)");
    refuses(f, CQL_INVALID, "Unknown definition x referenced in PRIMARY KEY",
            "CREATE TABLE t (id int, PRIMARY KEY (x))");
    refuses(f, CQL_INVALID, "Unknown definition y referenced in PRIMARY KEY",
            "CREATE TABLE t (id int, PRIMARY KEY (id, y))");
    refuses(f, CQL_INVALID, "Multiple definition of identifier id",
            "CREATE TABLE t (id int, PRIMARY KEY (id, id))");
    refuses(f, CQL_INVALID, "Multiple definition of identifier v",
            "CREATE TABLE t (id int PRIMARY KEY, v int, v text)");
    fixture_close(f);
}

static void some_types_cannot_be_keys(void **state) /* TYP-7, CNT-1 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "duration type is not supported for PRIMARY KEY part id",
            "CREATE TABLE t (id duration PRIMARY KEY)");
    refuses(f, CQL_INVALID, "counter type is not supported for PRIMARY KEY part c",
            "CREATE TABLE t (id int, c counter, PRIMARY KEY (id, c))");
    refuses(f, CQL_INVALID, "Invalid non-frozen collection type",
            "CREATE TABLE t (id list<int> PRIMARY KEY)");
    refuses(f, CQL_INVALID, "Static column s cannot be part of the PRIMARY KEY",
            "CREATE TABLE t (id int, s int static, PRIMARY KEY (id, s))");
    does(f, "CREATE TABLE t (id frozen<list<int>> PRIMARY KEY, v int)");
    fixture_close(f);
}

static void static_columns_need_clustering_columns(void **state) /* STA-7 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "Static columns are only useful",
            "CREATE TABLE t (id int PRIMARY KEY, s int static)");
    does(f, "CREATE TABLE t (id int, c int, s int static, PRIMARY KEY (id, c))");
    fixture_close(f);
}

static void clustering_order_follows_the_key(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "Only clustering key columns can be defined in CLUSTERING ORDER directive",
            "CREATE TABLE t (id int, c int, PRIMARY KEY (id, c)) WITH CLUSTERING ORDER BY (c ASC, id ASC)");
    refuses(f, CQL_INVALID, "Missing CLUSTERING ORDER for column c",
            "CREATE TABLE t (id int, c int, PRIMARY KEY (id, c)) WITH CLUSTERING ORDER BY (id ASC)");
    refuses(f, CQL_INVALID, "The order of columns in the CLUSTERING ORDER directive",
            "CREATE TABLE t (id int, c int, d int, PRIMARY KEY (id, c, d)) WITH CLUSTERING ORDER BY (d ASC, "
            "c ASC)");
    does(f,
         "CREATE TABLE t (id int, c int, d int, PRIMARY KEY (id, c, d)) WITH CLUSTERING ORDER BY (c DESC)");
    shows(f,
          "SELECT column_name, clustering_order FROM system_schema.columns WHERE keyspace_name = 'k' AND"
          " table_name = 't'",
          "c,desc|d,asc|id,none");
    fixture_close(f);
}

static void what_is_not_offered_is_refused_by_name(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "Unknown type k.address",
            "CREATE TABLE t (id int PRIMARY KEY, v frozen<address>)");
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v frozen<map<text, frozen<set<int>>>>, w tuple<int, text>)");
    shows(
        f,
        "SELECT column_name, type FROM system_schema.columns WHERE keyspace_name = 'k' AND table_name = 't'",
        "id,int|v,frozen<map<text, frozen<set<int>>>>|w,frozen<tuple<int, text>>");
    fixture_close(f);
}

static void names_are_words_of_limited_length(void **state) /* TYP-11 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    char statement[400];
    refuses(f, CQL_INVALID, "\"a-b\" is not a valid table name", "CREATE TABLE \"a-b\" (id int PRIMARY KEY)");
    snprintf(statement, sizeof statement, "CREATE TABLE %.*s (id int PRIMARY KEY)", 193,
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
             "aaaaaaaa"
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
             "aaaaaaaa");
    refuses(f, CQL_INVALID, "Table names shouldn't be more than 192 characters long", statement);
    snprintf(statement, sizeof statement, "CREATE TABLE %.*s (id int PRIMARY KEY)", 192,
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
             "aaaaaaaa"
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
             "aaaaaaaa");
    does(f, statement);
    fixture_close(f);
}

static void the_words_of_crystal_are_names_without_quotes(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE words (id int PRIMARY KEY, type text, role text, permission text, status text, "
            "read boolean,"
            " name text, position int, scope text, size int, action text, reason text)");
    does(f, "INSERT INTO words (id, type, role, read, size) VALUES (1, 'a', 'b', true, 3)");
    shows(f, "SELECT type, role, read, size FROM words WHERE id = 1", "a,b,True,3");
    fixture_close(f);
}

static void added_columns_are_null_in_old_rows(void **state) /* SCH-10 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, a int)");
    does(f, "INSERT INTO t (id, a) VALUES (1, 10)");
    does(f, "ALTER TABLE t ADD b text");
    changed(f, "UPDATED", "TABLE", "k", "t");
    does(f, "ALTER TABLE t ADD (c int, d frozen<list<int>>)");
    does(f, "INSERT INTO t (id, a, b, c, d) VALUES (2, 20, 'x', 5, [1, 2])");
    shows(f, "SELECT id, a, b, c, d FROM t WHERE id = 1", "1,10,null,null,null");
    shows(f, "SELECT id, a, b, c, d FROM t WHERE id = 2", "2,20,x,5,[1, 2]");
    refuses(f, CQL_INVALID, "Invalid column name a because it conflicts with an existing column",
            "ALTER TABLE t ADD a int");
    refuses(f, CQL_INVALID, "Invalid column name id because it conflicts with a PRIMARY KEY part",
            "ALTER TABLE t ADD id int");
    refuses(f, CQL_INVALID, "Static columns are only useful", "ALTER TABLE t ADD s int static");
    fixture_close(f);
}

static void dropped_data_does_not_come_back(void **state) /* SCH-10 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, a int, b int)");
    does(f, "INSERT INTO t (id, a, b) VALUES (1, 10, 20)");
    does(f, "ALTER TABLE t DROP a");
    refuses(f, CQL_INVALID, "", "SELECT a FROM t");
    shows(f, "SELECT * FROM t", "1,20");
    does(f, "ALTER TABLE t ADD a int");
    shows(f, "SELECT id, a, b FROM t", "1,null,20");
    shows(f, "SELECT column_name, type FROM system_schema.dropped_columns WHERE keyspace_name = 'k'",
          "a,int");
    refuses(f, CQL_INVALID, "Column x was not found in table t", "ALTER TABLE t DROP x");
    refuses(f, CQL_INVALID, "Cannot drop PRIMARY KEY part id", "ALTER TABLE t DROP id");
    fixture_close(f);
}

static void only_key_columns_are_renamed(void **state) /* SCH-10 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int, c int, v int, PRIMARY KEY (id, c))");
    does(f, "INSERT INTO t (id, c, v) VALUES (1, 2, 3)");
    does(f, "ALTER TABLE t RENAME id TO ident AND c TO place");
    shows(f, "SELECT ident, place, v FROM t WHERE ident = 1 AND place = 2", "1,2,3");
    refuses(f, CQL_INVALID, "Cannot rename non PRIMARY KEY part v", "ALTER TABLE t RENAME v TO w");
    refuses(f, CQL_INVALID, "Cannot rename unknown column x in table t", "ALTER TABLE t RENAME x TO y");
    refuses(f, CQL_INVALID, "Cannot rename column ident to v in table t", "ALTER TABLE t RENAME ident TO v");
    refuses(f, CQL_INVALID, "Altering column types is no longer supported",
            "ALTER TABLE t ALTER v TYPE text");
    fixture_close(f);
}

static void dropping_one_forgets_it(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    does(f, "INSERT INTO t (id) VALUES (1)");
    does(f, "DROP TABLE t");
    changed(f, "DROPPED", "TABLE", "k", "t");
    refuses(f, CQL_INVALID, "unconfigured table t", "SELECT * FROM t");
    refuses(f, CQL_INVALID, "Cannot drop non existing table 't' in keyspace 'k'.", "DROP TABLE t");
    does(f, "DROP TABLE IF EXISTS t");
    did_nothing(f);
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    shows(f, "SELECT * FROM t", "");
    fixture_close(f);
}

static void truncate_empties_table_and_indexes(void **state) /* DEL-10 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    does(f, "CREATE INDEX ON t (v)");
    does(f, "INSERT INTO t (id, v) VALUES (1, 7)");
    shows(f, "SELECT id FROM t WHERE v = 7", "1");
    does(f, "TRUNCATE t");
    did_nothing(f);
    shows(f, "SELECT id FROM t", "");
    shows(f, "SELECT id FROM t WHERE v = 7", "");
    does(f, "INSERT INTO t (id, v) VALUES (2, 7)");
    shows(f, "SELECT id FROM t WHERE v = 7", "2");
    refuses(f, CQL_INVALID, "unconfigured table x", "TRUNCATE TABLE x");
    fixture_close(f);
}

static void texts_follow_the_profile(void **state) /* SCH-7 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_CASSANDRA_4_1);
    refuses(f, CQL_INVALID, "table x does not exist", "SELECT * FROM x");
    refuses(f, CQL_INVALID, "Table 'k.x' doesn't exist", "DROP TABLE x");
    refuses(f, CQL_INVALID, "Keyspace 'nowhere' doesn't exist",
            "CREATE TABLE nowhere.t (id int PRIMARY KEY)");
    refuses(f, CQL_INVALID, "Unknown column 'x' referenced in PRIMARY KEY for table 't'",
            "CREATE TABLE t (id int, PRIMARY KEY (x))");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creating_one_reports_it_and_shows_it),
        cmocka_unit_test(creating_one_twice_is_already_exists),
        cmocka_unit_test(a_table_needs_a_keyspace),
        cmocka_unit_test(the_primary_key_is_given_once_and_of_columns_that_exist),
        cmocka_unit_test(some_types_cannot_be_keys),
        cmocka_unit_test(static_columns_need_clustering_columns),
        cmocka_unit_test(clustering_order_follows_the_key),
        cmocka_unit_test(what_is_not_offered_is_refused_by_name),
        cmocka_unit_test(names_are_words_of_limited_length),
        cmocka_unit_test(the_words_of_crystal_are_names_without_quotes),
        cmocka_unit_test(added_columns_are_null_in_old_rows),
        cmocka_unit_test(dropped_data_does_not_come_back),
        cmocka_unit_test(only_key_columns_are_renamed),
        cmocka_unit_test(dropping_one_forgets_it),
        cmocka_unit_test(truncate_empties_table_and_indexes),
        cmocka_unit_test(texts_follow_the_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
