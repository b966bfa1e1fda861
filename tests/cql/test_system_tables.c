/* The tables that drivers read: columns, types and contents as drivers need them (SCH-1 to SCH-4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database_fixture.h"

/* Columns as a driver sees them in the result, by name; a list "name type, ..." in order of names. */
static void has_columns(struct fixture *f, const char *table, const char *expected)
{
    char statement[128];
    struct buffer text = {0};
    snprintf(statement, sizeof statement, "SELECT * FROM %s", table);
    does(f, statement);
    uint32_t count = f->result.column_count;
    uint32_t order[64];
    assert_true(count <= ARRAY_LEN(order));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        for (; at > 0 && strcmp(f->result.columns[order[at - 1]].name, f->result.columns[i].name) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        buffer_printf(&text, "%s%s ", i ? ", " : "", f->result.columns[order[i]].name);
        type_name(&text, f->result.columns[order[i]].type);
    }
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, expected);
    buffer_deinit(&text);
}

static void local_has_the_columns_of_drivers(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    has_columns(
        f, "system.local",
        "bootstrapped text, broadcast_address inet, broadcast_port int, cluster_name text, cql_version text,"
        " data_center text, gossip_generation int, host_id uuid, key text, listen_address inet, listen_port "
        "int,"
        " native_protocol_version text, partitioner text, rack text, release_version text, rpc_address inet,"
        " rpc_port int, schema_version uuid, tokens set<text>, truncated_at map<uuid, blob>");
    fixture_close(f);
}

static void local_is_one_row_with_what_drivers_require(void **state) /* SCH-2, SCH-3 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    cql_database_set_address(f->database, "127.0.0.7", 19042);
    shows(f,
          "SELECT key, bootstrapped, cluster_name, cql_version, data_center, native_protocol_version, "
          "partitioner, rack,"
          " release_version, rpc_address, rpc_port, tokens FROM system.local WHERE key='local'",
          "local,COMPLETED,Strait,3.3.1,datacenter1,4,org.apache.cassandra.dht.Murmur3Partitioner,rack1,3.0."
          "8,127.0.0.7,"
          "19042,{'0'}");
    does(f, "SELECT * FROM system.local");
    assert_int_equal(f->result.row_count, 1);
    shows(f, "SELECT key FROM system.local WHERE key = 'other'", "");
    assert_string_not_equal(rows(f, "SELECT host_id FROM system.local"), "null");
    fixture_close(f);
}

static void peers_are_there_and_empty(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_CASSANDRA_4_1);
    has_columns(f, "system.peers",
                "data_center text, host_id uuid, peer inet, preferred_ip inet, rack text, release_version"
                " text, rpc_address inet, schema_version uuid, tokens set<text>");
    assert_int_equal(f->result.row_count, 0);
    has_columns(
        f, "system.peers_v2",
        "data_center text, host_id uuid, native_address inet, native_port int, peer inet, peer_port int, "
        "preferred_ip"
        " inet, preferred_port int, rack text, release_version text, schema_version uuid, tokens set<text>");
    assert_int_equal(f->result.row_count, 0);
    fixture_close(f);
}

static void scylla_has_no_peers_v2_and_no_virtual_schema(void **state) /* SCH-1 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_5_2);
    refuses(f, CQL_INVALID, "unconfigured table peers_v2", "SELECT * FROM system.peers_v2");
    refuses(f, CQL_INVALID, "", "SELECT * FROM system_virtual_schema.keyspaces");
    refuses(f, CQL_INVALID, "unconfigured table scylla_tables", "SELECT * FROM system_schema.scylla_tables");
    fixture_close(f);
    f = fixture_open(PROFILE_CASSANDRA_4_1);
    does(f, "SELECT * from system_virtual_schema.keyspaces");
    does(f, "SELECT * from system_virtual_schema.tables");
    does(f, "SELECT * from system_virtual_schema.columns");
    fixture_close(f);
}

static void schema_tables_have_the_columns_of_drivers(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    has_columns(f, "system_schema.keyspaces",
                "durable_writes boolean, keyspace_name text, replication frozen<map<text, text>>");
    has_columns(f, "system_schema.tables",
                "bloom_filter_fp_chance double, caching frozen<map<text, text>>, comment text, compaction "
                "frozen<map<text,"
                " text>>, compression frozen<map<text, text>>, crc_check_chance double, "
                "dclocal_read_repair_chance double,"
                " default_time_to_live int, extensions frozen<map<text, blob>>, flags frozen<set<text>>, "
                "gc_grace_seconds int,"
                " id uuid, keyspace_name text, max_index_interval int, memtable_flush_period_in_ms int, "
                "min_index_interval int,"
                " read_repair_chance double, speculative_retry text, table_name text");
    has_columns(f, "system_schema.columns",
                "clustering_order text, column_name text, column_name_bytes blob, keyspace_name text, kind "
                "text, position int,"
                " table_name text, type text");
    has_columns(
        f, "system_schema.views",
        "base_table_id uuid, base_table_name text, bloom_filter_fp_chance double, caching frozen<map<text, "
        "text>>,"
        " comment text, compaction frozen<map<text, text>>, compression frozen<map<text, text>>, "
        "crc_check_chance double,"
        " dclocal_read_repair_chance double, default_time_to_live int, extensions frozen<map<text, blob>>,"
        " gc_grace_seconds int, id uuid, include_all_columns boolean, keyspace_name text, max_index_interval "
        "int,"
        " memtable_flush_period_in_ms int, min_index_interval int, read_repair_chance double, "
        "speculative_retry text,"
        " view_name text, where_clause text");
    has_columns(
        f, "system_schema.indexes",
        "index_name text, keyspace_name text, kind text, options frozen<map<text, text>>, table_name text");
    has_columns(f, "system_schema.triggers",
                "keyspace_name text, options frozen<map<text, text>>, table_name text, trigger_name text");
    has_columns(
        f, "system_schema.types",
        "field_names frozen<list<text>>, field_types frozen<list<text>>, keyspace_name text, type_name text");
    has_columns(f, "system_schema.functions",
                "argument_names frozen<list<text>>, argument_types frozen<list<text>>, body text, "
                "called_on_null_input boolean,"
                " function_name text, keyspace_name text, language text, return_type text");
    has_columns(f, "system_schema.aggregates",
                "aggregate_name text, argument_types frozen<list<text>>, final_func text, initcond text, "
                "keyspace_name text,"
                " return_type text, state_func text, state_type text");
    has_columns(f, "system_traces.sessions",
                "client inet, command text, coordinator inet, coordinator_port int, duration int, parameters "
                "map<text, text>,"
                " request text, session_id uuid, started_at timestamp");
    has_columns(f, "system_traces.events",
                "activity text, event_id timeuuid, session_id uuid, source inet, source_elapsed int,"
                " source_port int, thread text");
    fixture_close(f);
}

static void cassandra_adds_its_own_options(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_CASSANDRA_5_0);
    does(f, "SELECT additional_write_policy, allow_auto_snapshot, cdc, incremental_backups, memtable, "
            "read_repair,"
            " read_repair_chance, dclocal_read_repair_chance FROM system_schema.tables");
    fixture_close(f);
}

static void the_systems_own_tables_are_listed(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system'",
          "IndexInfo|local|peers");
    shows(f,
          "SELECT column_name, kind, type FROM system_schema.columns WHERE keyspace_name = 'system' AND "
          "table_name = 'peers'"
          " AND column_name = 'peer'",
          "peer,partition_key,inet");
    shows(f, "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = 'system'",
          "{'class': 'org.apache.cassandra.locator.LocalStrategy'}");
    fixture_close(f);
}

static void the_columns_required_are_never_null(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int, c int, v int, PRIMARY KEY (id, c))");
    assert_null(strstr(
        rows(f,
             "SELECT clustering_order, kind, position, type, column_name_bytes FROM system_schema.columns"),
        "null"));
    assert_null(strstr(
        rows(f, "SELECT flags, caching, compaction, compression, extensions, id FROM system_schema.tables"),
        "null"));
    assert_null(strstr(rows(f, "SELECT replication, durable_writes FROM system_schema.keyspaces"), "null"));
    fixture_close(f);
}

static void every_change_of_schema_changes_its_version(void **state) /* SCH-4 */
{
    (void)state;
    static const char *const changes[] = {"CREATE TABLE t (id int PRIMARY KEY, v int)",
                                          "CREATE INDEX ON t (v)",
                                          "ALTER TABLE t ADD w int",
                                          "ALTER TABLE t WITH comment = 'x'",
                                          "DROP INDEX t_v_idx",
                                          "DROP TABLE t",
                                          "ALTER KEYSPACE k WITH durable_writes = false",
                                          "DROP KEYSPACE k"};
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        char *before = strdup(rows(f, "SELECT schema_version FROM system.local WHERE key = 'local'"));
        does(f, changes[i]);
        assert_string_not_equal(rows(f, "SELECT schema_version FROM system.local WHERE key = 'local'"),
                                before);
        free(before);
    }
    fixture_close(f);
}

/* As their drivers word them, on connecting and after a change of schema. */
static const char *const driver_queries[] = {
    "SELECT * FROM system.local WHERE key='local'",
    "SELECT * FROM system.peers",
    "SELECT cluster_name FROM system.local",
    "SELECT schema_version FROM system.local WHERE key='local'",
    "SELECT peer, host_id, rpc_address, schema_version FROM system.peers",
    "SELECT broadcast_address, cluster_name, data_center, host_id, listen_address, partitioner, rack, "
    "release_version,"
    " rpc_address, schema_version, tokens FROM system.local WHERE key='local'",
    "SELECT peer, data_center, host_id, rack, release_version, rpc_address, schema_version, tokens FROM "
    "system.peers",
    "SELECT host_id, rpc_address, data_center, rack, tokens FROM system.peers",
    "SELECT host_id, rpc_address, data_center, rack, tokens, cluster_name FROM system.local WHERE "
    "key='local'",
    "SELECT keyspace_name, replication, durable_writes FROM system_schema.keyspaces",
    "SELECT keyspace_name, type_name, field_names, field_types FROM system_schema.types",
    "SELECT keyspace_name, table_name FROM system_schema.tables",
    "SELECT keyspace_name, view_name, base_table_name FROM system_schema.views",
    "SELECT keyspace_name, table_name, column_name, kind, position, type FROM system_schema.columns",
    "SELECT * from system_schema.triggers",
    "SELECT * FROM system_schema.keyspaces WHERE keyspace_name = 'k'",
    "SELECT * FROM system_schema.tables WHERE keyspace_name='k' AND table_name='t'",
    "SELECT * FROM system_schema.columns WHERE keyspace_name='k' AND table_name='t'",
    "SELECT * FROM system_schema.indexes WHERE keyspace_name='k' AND table_name='t'",
    "SELECT * FROM system_schema.triggers WHERE keyspace_name='k' AND table_name='t'",
    "SELECT * FROM system_schema.views WHERE keyspace_name='k' AND view_name='t'",
    "SELECT * FROM system_schema.types WHERE keyspace_name='k' AND type_name='x'",
    "SELECT * FROM system_schema.functions WHERE keyspace_name='k' AND function_name='f' AND "
    "argument_types=['int', 'text']",
    "SELECT * FROM system_schema.aggregates WHERE keyspace_name='k' AND aggregate_name='f' AND "
    "argument_types=['int']",
    "SELECT * FROM system_schema.tables USING TIMEOUT 2000ms",
    "SELECT * FROM system_schema.keyspaces WHERE keyspace_name = 'k' USING TIMEOUT 2000ms",
    "SELECT * FROM system_traces.sessions WHERE session_id = 123e4567-e89b-12d3-a456-426614174000",
    "SELECT * FROM system_traces.events WHERE session_id = 123e4567-e89b-12d3-a456-426614174000",
    "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name IN ('k', 'system')",
};

/* gocql prepares these with one value. */
static const char *const prepared_queries[] = {
    "SELECT durable_writes, replication FROM system_schema.keyspaces WHERE keyspace_name = ?",
    "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?",
    "SELECT view_name FROM system_schema.views WHERE keyspace_name = ?",
    "SELECT table_name, column_name, clustering_order, type, kind, position FROM system_schema.columns WHERE"
    " keyspace_name = ?",
    "SELECT function_name, argument_types, argument_names, body, called_on_null_input, language, return_type "
    "FROM"
    " system_schema.functions WHERE keyspace_name = ?",
    "SELECT aggregate_name, argument_types, final_func, initcond, return_type, state_func, state_type FROM"
    " system_schema.aggregates WHERE keyspace_name = ?",
    "SELECT type_name, field_names, field_types FROM system_schema.types WHERE keyspace_name = ?",
    "SELECT view_name, base_table_id, base_table_name, bloom_filter_fp_chance, caching, comment, compaction, "
    "compression,"
    " crc_check_chance, dclocal_read_repair_chance, default_time_to_live, extensions, gc_grace_seconds, id,"
    " include_all_columns, max_index_interval, memtable_flush_period_in_ms, min_index_interval, "
    "read_repair_chance,"
    " speculative_retry FROM system_schema.views WHERE keyspace_name = ?",
};

static void every_query_of_the_drivers_is_answered(void **state) /* SCH-1 */
{
    (void)state;
    for (int profile = 0; profile < CQL_PROFILES; profile++) {
        struct fixture *f = fixture_open((enum cql_profile)profile);
        does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
        for (size_t i = 0; i < ARRAY_LEN(driver_queries); i++)
            if (profile < PROFILE_CASSANDRA_4_1 ||
                !strstr(driver_queries[i], "TIMEOUT")) /* Scylla's drivers' own */
                does(f, driver_queries[i]);
        for (size_t i = 0; i < ARRAY_LEN(prepared_queries); i++) {
            struct cql_prepared *prepared;
            struct cql_value value = {.kind = CQL_VALUE, .bytes = slice_text("k")};
            struct cql_params params = {
                .consistency = 1, .values = &value, .value_count = 1, .page_size = 5000};
            if (!cql_session_prepare(f->session, slice_text(prepared_queries[i]), &prepared, &f->error) ||
                !cql_session_execute(f->session, prepared, &params, &f->result, &f->error))
                fail_msg("%s: %s", f->error.message, prepared_queries[i]);
            cql_prepared_release(prepared);
        }
        fixture_close(f);
    }
}

static void nobody_writes_to_a_system_table(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    assert_false(run(f, "INSERT INTO system.local (key) VALUES ('x')"));
    assert_false(run(f, "DELETE FROM system_schema.tables WHERE keyspace_name = 'k'"));
    assert_false(run(f, "UPDATE strait.store SET io = 'x' WHERE key = 'store'"));
    fixture_close(f);
}

static void strait_tables_count_what_tables_hold(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (p int, c int, v int, PRIMARY KEY (p, c))");
    does(f, "CREATE INDEX ON t (v)");
    for (int i = 0; i < 30; i++) {
        char statement[96];
        snprintf(statement, sizeof statement, "INSERT INTO t (p, c, v) VALUES (%d, %d, 5)", i / 10, i);
        does(f, statement);
    }
    shows(f,
          "SELECT index_name, memtable_rows, memtable_partitions, sstables FROM strait.tables WHERE "
          "keyspace_name = 'k' AND"
          " table_name = 't'",
          ",30,3,0|t_v_idx,30,1,0");
    assert_true(ok(store_flush(cql_database_store(f->database), 0)));
    assert_string_not_equal(
        rows(f, "SELECT sstable_rows FROM strait.tables WHERE keyspace_name = 'k' AND table_name = 't' AND"
                " index_name = ''"),
        "0");
    shows(f,
          "SELECT percentile, rows, partitions FROM strait.partition_sizes WHERE keyspace_name = 'k' AND "
          "table_name = 't'"
          " AND percentile = 100",
          "100,10,3");
    shows(f, "SELECT profile, io, failed FROM strait.store", "scylla-2025.1,memory,False");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_has_the_columns_of_drivers),
        cmocka_unit_test(local_is_one_row_with_what_drivers_require),
        cmocka_unit_test(peers_are_there_and_empty),
        cmocka_unit_test(scylla_has_no_peers_v2_and_no_virtual_schema),
        cmocka_unit_test(schema_tables_have_the_columns_of_drivers),
        cmocka_unit_test(cassandra_adds_its_own_options),
        cmocka_unit_test(the_systems_own_tables_are_listed),
        cmocka_unit_test(the_columns_required_are_never_null),
        cmocka_unit_test(every_change_of_schema_changes_its_version),
        cmocka_unit_test(every_query_of_the_drivers_is_answered),
        cmocka_unit_test(nobody_writes_to_a_system_table),
        cmocka_unit_test(strait_tables_count_what_tables_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
