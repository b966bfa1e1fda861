/* DESCRIBE: the schema as statements that make it again (SCH-12). */
#include <stdlib.h>
#include <string.h>

#include "cql/parse.h"
#include "database_fixture.h"

static void make_schema(struct fixture *f)
{
    does(f, "CREATE TYPE z (x int)");
    does(f, "CREATE TYPE \"Big\" (a frozen<z>, \"Field\" frozen<list<text>>)");
    does(f, "CREATE TABLE typed (id int PRIMARY KEY, one frozen<\"Big\">, many frozen<list<frozen<z>>>)");
    does(f, "CREATE TABLE messages (channel_id uuid, \"createdAt\" timestamp, id uuid, topic text static, "
            "content text, tags"
            " frozen<map<text, frozen<set<int>>>>, PRIMARY KEY (channel_id, \"createdAt\", id)) WITH "
            "CLUSTERING ORDER BY"
            " (\"createdAt\" DESC, id ASC) AND comment = 'it''s' AND gc_grace_seconds = 5");
    does(f, "CREATE TABLE pairs (a int, b int, v text, PRIMARY KEY ((a, b)))");
    does(f, "CREATE TABLE simple (id int PRIMARY KEY, v text)");
    does(f, "CREATE INDEX ON simple (v)");
    does(f, "CREATE INDEX by_tags ON messages (FULL(tags))");
}

static void lists_name_what_there_is(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    make_schema(f);
    shows(f, "DESCRIBE TABLES", "k,table,messages|k,table,pairs|k,table,simple|k,table,typed");
    shows(f, "DESC KEYSPACES;",
          "k,keyspace,k|strait,keyspace,strait|system,keyspace,system|system_schema,keyspace,"
          "system_schema|system_traces,keyspace,system_traces");
    shows(f, "desc types", "k,type,\"Big\"|k,type,z");
    assert_int_equal(f->result.column_count, 3);
    assert_string_equal(f->result.columns[0].name, "keyspace_name");
    shows(f, "DESCRIBE CLUSTER",
          "Strait,org.apache.cassandra.dht.Murmur3Partitioner,org.apache.cassandra.locator.SimpleSnitch");
    fixture_close(f);
}

static void a_table_is_described_with_its_indexes(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_CASSANDRA_5_0);
    make_schema(f);
    shows(
        f, "DESCRIBE TABLE k.simple",
        "k,table,simple,CREATE TABLE k.simple (\n    id int PRIMARY KEY,\n    v text\n) WITH "
        "additional_write_policy = '99p'\n"
        "    AND allow_auto_snapshot = true\n    AND bloom_filter_fp_chance = 0.01\n    AND caching = "
        "{'keys': 'ALL',"
        " 'rows_per_partition': 'NONE'}\n    AND cdc = false\n    AND comment = ''\n    AND compaction = "
        "{'class':"
        " 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy', 'max_threshold': '32', "
        "'min_threshold': '4'}\n"
        "    AND compression = {'chunk_length_in_kb': '16', 'class': "
        "'org.apache.cassandra.io.compress.LZ4Compressor'}\n"
        "    AND memtable = 'default'\n    AND crc_check_chance = 1.0\n    AND default_time_to_live = 0\n    "
        "AND extensions ="
        " {}\n    AND gc_grace_seconds = 864000\n    AND incremental_backups = true\n    AND "
        "max_index_interval = 2048\n"
        "    AND memtable_flush_period_in_ms = 0\n    AND min_index_interval = 128\n    AND read_repair = "
        "'BLOCKING'\n"
        "    AND speculative_retry = '99p';|k,index,simple_v_idx,CREATE INDEX simple_v_idx ON k.simple (v);");
    fixture_close(f);
}

static void a_type_is_described_by_its_fields(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    make_schema(f);
    shows(f, "DESCRIBE TYPE z", "k,type,z,CREATE TYPE k.z (\n    x int\n);");
    shows(f, "DESCRIBE k.\"Big\"",
          "k,type,\"Big\",CREATE TYPE k.\"Big\" (\n    a frozen<z>,\n    \"Field\" frozen<list<text>>\n);");
    fixture_close(f);
}

static void a_name_is_looked_for_everywhere(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    make_schema(f);
    shows(f, "DESC by_tags", "k,index,by_tags,CREATE INDEX by_tags ON k.messages (full(tags));");
    shows(f, "DESC INDEX k.simple_v_idx", "k,index,simple_v_idx,CREATE INDEX simple_v_idx ON k.simple (v);");
    shows(f, "DESC ONLY KEYSPACE k",
          "k,keyspace,k,CREATE KEYSPACE k WITH replication = {'class': "
          "'org.apache.cassandra.locator.NetworkTopologyStrategy',"
          " 'datacenter1': '1'} AND durable_writes = true;");
    does(f, "DESC k");
    assert_int_equal(f->result.row_count, 9);
    does(f, "DESC KEYSPACE");
    assert_int_equal(f->result.row_count, 9);
    does(f, "DESCRIBE system.local WITH INTERNALS");
    refuses(f, CQL_INVALID, "'nobody' not found in keyspace 'k'", "DESC nobody");
    refuses(f, CQL_INVALID, "Table 'nobody' not found in keyspace 'k'", "DESC TABLE nobody");
    refuses(f, CQL_INVALID, "'nowhere' not found in keyspaces", "DESC KEYSPACE nowhere");
    refuses(f, CQL_INVALID, "'nowhere' not found in keyspaces", "DESC TABLE nowhere.t");
    refuses(f, CQL_SYNTAX_ERROR, "line 1:4 no viable alternative", "DESC");
    refuses(f, CQL_SYNTAX_ERROR, "line 1:12 missing EOF at '5'", "DESC TABLES 5");
    fixture_close(f);
}

/* The statements of DESC KEYSPACE k, one after another. */
static char *described(struct fixture *f)
{
    struct buffer script = {0};
    does(f, "DESCRIBE KEYSPACE k");
    struct reader in = reader_of(buffer_slice(&f->result.rows));
    for (uint32_t i = 0; i < f->result.row_count; i++) {
        for (int j = 0; j < 3; j++)
            reader_take(&in, reader_be32(&in));
        buffer_append_slice(&script, reader_take(&in, reader_be32(&in)));
    }
    assert_false(in.failed);
    buffer_append_u8(&script, 0);
    return (char *)script.data;
}

static void what_is_described_can_be_made_again(void **state)
{
    (void)state;
    for (int profile = 0; profile < CQL_PROFILES; profile++) {
        struct fixture *f = fixture_open((enum cql_profile)profile);
        make_schema(f);
        char *script = described(f);
        does(f, "DROP KEYSPACE k");
        for (struct slice rest = slice_text(script); rest.bytes;) {
            bool complete, empty;
            size_t bytes = parse_cut(rest, &complete, &empty);
            struct cql_params params = {.consistency = 1};
            if (!cql_session_query(f->session, slice_of(rest.data, bytes), &params, &f->result, &f->error))
                fail_msg("%s: %.*s", f->error.message, (int)bytes, (const char *)rest.data);
            rest = slice_of(rest.data + bytes, rest.bytes - bytes);
        }
        char *again = described(f);
        assert_string_equal(again, script);
        free(script);
        free(again);
        fixture_close(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_name_what_there_is),
        cmocka_unit_test(a_table_is_described_with_its_indexes),
        cmocka_unit_test(a_type_is_described_by_its_fields),
        cmocka_unit_test(a_name_is_looked_for_everywhere),
        cmocka_unit_test(what_is_described_can_be_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
