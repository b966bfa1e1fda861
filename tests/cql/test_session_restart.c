/* What a restart keeps: schema, options, indexes, dropped columns; and what a crash inside CREATE INDEX leaves. */
#include <stdlib.h>
#include <string.h>

#include "cql/catalog.h"
#include "database_fixture.h"

static void schema_and_rows_are_there_again(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (p int, c timestamp, s text static, v frozen<map<text, int>>, w int, PRIMARY KEY "
            "(p, c)) WITH"
            " CLUSTERING ORDER BY (c DESC) AND comment = 'kept' AND default_time_to_live = 1000 AND "
            "gc_grace_seconds = 3");
    does(f, "ALTER TABLE t ADD x int");
    does(f, "ALTER TABLE t DROP w");
    does(f, "CREATE INDEX ON t (x)");
    does(f, "INSERT INTO t (p, c, s, v, x) VALUES (1, 1000, 'st', {'a': 1}, 9)");
    fixture_reopen(f);
    shows(f, "SELECT p, s, v, x FROM k.t WHERE p = 1", "1,st,{'a': 1},9");
    shows(f, "SELECT p FROM k.t WHERE x = 9", "1");
    shows(f,
          "SELECT comment, default_time_to_live, gc_grace_seconds FROM system_schema.tables WHERE "
          "keyspace_name = 'k'",
          "kept,1000,3");
    shows(f, "SELECT column_name FROM system_schema.dropped_columns WHERE keyspace_name = 'k'", "w");
    does(f, "ALTER TABLE k.t ADD w int");
    shows(f, "SELECT w FROM k.t", "null");
    fixture_close(f);
}

static void identity_is_stable(void **state) /* SCH-4 */
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    char *before = strdup(rows(f, "SELECT host_id, schema_version FROM system.local"));
    char *id = strdup(rows(f, "SELECT id FROM system_schema.tables WHERE keyspace_name = 'k'"));
    fixture_reopen(f);
    shows(f, "SELECT host_id, schema_version FROM system.local", before);
    shows(f, "SELECT id FROM system_schema.tables WHERE keyspace_name = 'k'", id);
    free(before);
    free(id);
    fixture_close(f);
}

static void dropped_and_truncated_rows_stay_away(void **state) /* DEL-10 */
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    does(f, "CREATE TABLE u (id int PRIMARY KEY)");
    does(f, "INSERT INTO t (id) VALUES (1)");
    does(f, "INSERT INTO u (id) VALUES (1)");
    does(f, "TRUNCATE t");
    does(f, "DROP TABLE u");
    does(f, "CREATE TABLE u (id int PRIMARY KEY)");
    fixture_reopen(f);
    shows(f, "SELECT * FROM k.t", "");
    shows(f, "SELECT * FROM k.u", "");
    fixture_close(f);
}

static unsigned store_tables(struct fixture *f)
{
    struct store_table found = {0};
    struct buffer properties = {0};
    unsigned count = 0;
    while (buffer_clear(&properties),
           ok(store_next_table(cql_database_store(f->database), found.id, &found, &properties)))
        count++;
    buffer_deinit(&properties);
    return count;
}

static void an_index_that_was_never_finished_is_swept_up(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    struct store *store = cql_database_store(f->database);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    does(f, "CREATE INDEX ON t (v)");
    /* What a crash before the last record of CREATE INDEX leaves: a store table that no table names. */
    struct cql_table *table = table_new("k", "t");
    struct buffer properties = {0};
    table->store_id = 1;
    catalog_encode_index(&properties, table, "lost");
    struct store_change orphan = {.kind = STORE_CREATE_TABLE,
                                  .table_id = store_new_table_id(store),
                                  .properties = buffer_slice(&properties)};
    assert_true(ok(store_change(store, &orphan, 1)));
    assert_int_equal(store_tables(f), 3);
    fixture_reopen(f);
    assert_int_equal(store_tables(f), 2);
    shows(f, "SELECT index_name FROM system_schema.indexes WHERE keyspace_name = 'k'", "t_v_idx");
    table_unref(table);
    buffer_deinit(&properties);
    fixture_close(f);
}

static void another_profile_reads_the_same_store(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    does(f, "INSERT INTO t (id, v) VALUES (1, 2)");
    f->profile = PROFILE_CASSANDRA_4_1;
    fixture_reopen(f);
    shows(f, "SELECT id, v FROM k.t", "1,2");
    shows(f, "SELECT read_repair FROM system_schema.tables WHERE keyspace_name = 'k'", "BLOCKING");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_and_rows_are_there_again),
        cmocka_unit_test(identity_is_stable),
        cmocka_unit_test(dropped_and_truncated_rows_stay_away),
        cmocka_unit_test(an_index_that_was_never_finished_is_swept_up),
        cmocka_unit_test(another_profile_reads_the_same_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
