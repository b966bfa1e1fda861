/* Snapshots of keyspaces: what statements, sessions and prepared statements see of them. */
#include <string.h>

#include "base/bytes.h"
#include "database_fixture.h"

#define TAKE    "INSERT INTO strait.snapshots (keyspace_name, name) VALUES ('k', 'base')"
#define RESTORE "INSERT INTO strait.restores (keyspace_name, name) VALUES ('k', 'base')"
#define CLONE   "INSERT INTO strait.clones (keyspace_name, source) VALUES ('c', 'k')"

static void make(struct fixture *f)
{
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v text)");
    does(f, "CREATE INDEX t_v ON t (v)");
    does(f, "INSERT INTO t (id, v) VALUES (1, 'one')");
    does(f, TAKE);
}

static void a_restore_brings_back_rows_and_index_entries_together(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    make(f);
    does(f, "UPDATE t SET v = 'two' WHERE id = 1");
    does(f, "INSERT INTO t (id, v) VALUES (2, 'one')");
    for (int i = 0; i < 2; i++) {
        does(f, RESTORE);
        did_nothing(f);
        shows(f, "SELECT id, v FROM t", "1,one");
        shows(f, "SELECT id FROM t WHERE v = 'one'", "1");
        shows(f, "SELECT id FROM t WHERE v = 'two'", "");
        does(f, "DELETE FROM t WHERE id = 1");
        fixture_reopen(f);
        does(f, "USE k");
    }
    fixture_close(f);
}

static void views_go_with_their_tables(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE b (id int PRIMARY KEY, v int)");
    does(f, "CREATE MATERIALIZED VIEW m AS SELECT * FROM b WHERE v IS NOT NULL AND id IS NOT NULL"
            " PRIMARY KEY (v, id)");
    does(f, "INSERT INTO b (id, v) VALUES (1, 5)");
    does(f, TAKE);
    does(f, "UPDATE b SET v = 6 WHERE id = 1");
    does(f, CLONE);
    shows(f, "SELECT v, id FROM c.m", "6,1");
    does(f, "UPDATE c.b SET v = 7 WHERE id = 1");
    shows(f, "SELECT v, id FROM c.m", "7,1");
    shows(f, "SELECT v, id FROM m", "6,1");
    does(f, RESTORE);
    shows(f, "SELECT v, id FROM m", "5,1");
    does(f, "UPDATE b SET v = 6 WHERE id = 1");
    shows(f, "SELECT v, id FROM m", "6,1");
    does(f, "DROP MATERIALIZED VIEW m");
    does(f, RESTORE);
    shows(f, "SELECT v, id FROM m", "5,1");
    fixture_reopen(f);
    shows(f, "SELECT v, id FROM k.m", "5,1");
    shows(f, "SELECT keyspace_name, missing, ghosts FROM strait.index_check", "c,0,0|k,0,0");
    fixture_close(f);
}

static void a_restore_brings_back_the_schema_of_that_time(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    make(f);
    does(f, "ALTER TABLE t ADD w int");
    does(f, "CREATE TABLE u (id int PRIMARY KEY)");
    does(f, "DROP INDEX t_v");
    does(f, RESTORE);
    changed(f, "UPDATED", "KEYSPACE", "k", "");
    refuses(f, CQL_INVALID, "unconfigured table u", "SELECT * FROM u");
    shows(f, "SELECT * FROM t", "1,one");
    shows(f, "SELECT id FROM t WHERE v = 'one'", "1");
    fixture_reopen(f);
    does(f, "USE k");
    shows(f, "SELECT * FROM t", "1,one");
    does(f, "CREATE TABLE u (id text PRIMARY KEY)");
    does(f, "INSERT INTO u (id) VALUES ('new')");
    shows(f, "SELECT * FROM u", "new");
    fixture_close(f);
}

static void a_dropped_keyspace_comes_back(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    make(f);
    does(f, "DROP KEYSPACE k");
    fixture_reopen(f);
    does(f, RESTORE);
    changed(f, "CREATED", "KEYSPACE", "k", "");
    shows(f, "SELECT id FROM k.t WHERE v = 'one'", "1");
    does(f, "INSERT INTO k.t (id, v) VALUES (2, 'one')");
    shows(f, "SELECT id FROM k.t WHERE v = 'one'", "1|2");
    fixture_close(f);
}

static void a_clone_goes_its_own_way(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    make(f);
    does(f, CLONE);
    changed(f, "CREATED", "KEYSPACE", "c", "");
    does(f, "UPDATE c.t SET v = 'mine' WHERE id = 1");
    does(f, "ALTER TABLE c.t ADD w int");
    does(f, "INSERT INTO k.t (id, v) VALUES (2, 'ours')");
    for (int i = 0; i < 2; i++) {
        shows(f, "SELECT * FROM c.t", "1,mine,null");
        shows(f, "SELECT id FROM c.t WHERE v = 'mine'", "1");
        shows(f, "SELECT id FROM c.t WHERE v = 'one'", "");
        shows(f, "SELECT * FROM k.t", "1,one|2,ours");
        shows(f, "SELECT id FROM k.t WHERE v = 'one'", "1");
        fixture_reopen(f);
        does(f, "USE k");
    }
    does(f, "DROP KEYSPACE k");
    shows(f, "SELECT * FROM c.t", "1,mine,null");
    does(f, "INSERT INTO strait.clones (keyspace_name, source, name) VALUES ('d', 'k', 'base')");
    shows(f, "SELECT id FROM d.t WHERE v = 'one'", "1");
    refuses(f, CQL_ALREADY_EXISTS, "Cannot add existing keyspace", CLONE);
    fixture_close(f);
}

static struct cql_prepared *prepares(struct fixture *f, const char *text)
{
    struct cql_prepared *prepared;
    if (!cql_session_prepare(f->session, slice_text(text), &prepared, &f->error))
        fail_msg("%s: %s", f->error.message, text);
    return prepared;
}

static bool executes(struct fixture *f, struct cql_prepared *prepared, const char *first, const char *second)
{
    struct cql_value values[2] = {{.kind = CQL_VALUE, .bytes = slice_text(first ? first : "")},
                                  {.kind = CQL_VALUE, .bytes = slice_text(second ? second : "")}};
    struct cql_params params = {
        .values = values, .value_count = first ? second ? 2 : 1 : 0, .consistency = 1};
    return cql_session_execute(f->session, prepared, &params, &f->result, &f->error);
}

static void statements_stay_prepared_unless_what_they_return_is_another(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    make(f);
    struct cql_prepared *all = prepares(f, "SELECT * FROM k.t");
    struct cql_prepared *restore =
        prepares(f, "INSERT INTO strait.restores (keyspace_name, name) VALUES (?, ?)");
    does(f, "INSERT INTO t (id, v) VALUES (2, 'two')");
    assert_true(executes(f, restore, "k", "base"));
    assert_true(executes(f, all, NULL, NULL));
    assert_int_equal(1, f->result.row_count);
    does(f, "ALTER TABLE t ADD w int");
    struct cql_prepared *wider = prepares(f, "SELECT * FROM k.t");
    assert_true(executes(f, restore, "k", "base"));
    assert_false(executes(f, wider, NULL, NULL));
    assert_int_equal(CQL_UNPREPARED, f->error.code);
    cql_prepared_release(wider);
    wider = prepares(f, "SELECT * FROM k.t");
    assert_true(executes(f, wider, NULL, NULL));
    assert_int_equal(1, f->result.row_count);
    cql_prepared_release(all);
    cql_prepared_release(wider);
    cql_prepared_release(restore);
    fixture_close(f);
}

static void drivers_hear_of_every_table_that_is_another(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    make(f);
    does(f, "CREATE TABLE same (id int PRIMARY KEY)");
    does(f, TAKE);
    does(f, "DROP TABLE same");
    does(f, "CREATE TABLE newer (id int PRIMARY KEY)");
    does(f, "ALTER TABLE t ADD w int");
    does(f, RESTORE);
    changed(f, "UPDATED", "KEYSPACE", "k", "");
    struct buffer heard = {0};
    for (uint32_t i = 0; i < f->result.more_change_count; i++)
        buffer_printf(&heard, "%s %s; ", f->result.more_changes[i].change, f->result.more_changes[i].name);
    buffer_append_u8(&heard, 0);
    assert_string_equal("DROPPED newer; CREATED same; UPDATED t; ", (char *)heard.data);
    buffer_deinit(&heard);
    fixture_close(f);
}

static void snapshots_are_listed_and_forgotten(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_CASSANDRA_4_1);
    make(f);
    does(f, TAKE);
    does(f, "INSERT INTO strait.snapshots (keyspace_name, name) VALUES ('k', 'a/b')");
    shows(f, "SELECT keyspace_name, name, tables FROM strait.snapshots", "k,a/b,2|k,base,2");
    does(f, "DELETE FROM strait.snapshots WHERE keyspace_name = 'k' AND name = 'base'");
    does(f, "DELETE FROM strait.snapshots WHERE keyspace_name = 'k' AND name = 'base'");
    shows(f, "SELECT keyspace_name, name FROM strait.snapshots", "k,a/b");
    refuses(f, CQL_INVALID, "Strait: no snapshot 'base' of keyspace k", RESTORE);
    fixture_close(f);
}

static void what_is_no_such_request_is_refused(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    make(f);
    refuses(f, CQL_INVALID, "Strait: a statement about a virtual table cannot stand in a batch",
            "BEGIN BATCH " RESTORE "; APPLY BATCH");
    refuses(f, CQL_INVALID, "Strait: strait.restores takes", RESTORE " IF NOT EXISTS");
    refuses(f, CQL_INVALID, "Strait: strait.restores takes", RESTORE " USING TTL 5");
    refuses(f, CQL_INVALID, "Strait: strait.snapshots takes",
            "DELETE FROM strait.snapshots WHERE keyspace_name = 'k'");
    refuses(f, CQL_INVALID, "Strait: strait.restores takes INSERT",
            "DELETE FROM strait.restores WHERE keyspace_name = 'k' AND name = 'base'");
    refuses(f, CQL_INVALID, "Strait: strait.clones wants a value for source",
            "INSERT INTO strait.clones (keyspace_name) VALUES ('c')");
    refuses(f, CQL_UNAUTHORIZED, "system keyspace",
            "INSERT INTO strait.snapshots (keyspace_name, name) VALUES ('system', 'x')");
    refuses(f, CQL_UNAUTHORIZED, "strait keyspace", "INSERT INTO strait.tables (keyspace_name) VALUES ('k')");
    shows(f, "SELECT id FROM t", "1");
    fixture_close(f);
}

static void a_keyspace_without_tables_has_snapshots_too(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, TAKE);
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    does(f, RESTORE);
    shows(f, "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'k'", "");
    does(f, TAKE);
    does(f, "DROP KEYSPACE k");
    does(f, RESTORE);
    does(f, "CREATE TABLE k.t (id int PRIMARY KEY)");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restore_brings_back_rows_and_index_entries_together),
        cmocka_unit_test(views_go_with_their_tables),
        cmocka_unit_test(a_restore_brings_back_the_schema_of_that_time),
        cmocka_unit_test(a_dropped_keyspace_comes_back),
        cmocka_unit_test(a_clone_goes_its_own_way),
        cmocka_unit_test(statements_stay_prepared_unless_what_they_return_is_another),
        cmocka_unit_test(drivers_hear_of_every_table_that_is_another),
        cmocka_unit_test(snapshots_are_listed_and_forgotten),
        cmocka_unit_test(what_is_no_such_request_is_refused),
        cmocka_unit_test(a_keyspace_without_tables_has_snapshots_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
