/* Statements over the wire: what results, errors and values look like. */
#include "notation.h"

/* ---- results ---- */

static void rows_come_with_their_names_and_types(void **state)
{
    struct client client = client_ready(*state, 4);
    assert_int_equal(client_query(&client, "SELECT key, host_id FROM system.local"), KIND_ROWS);
    assert_int_equal(reader_be32(&client.in), METADATA_GLOBAL);
    assert_int_equal(reader_be32(&client.in), 2);
    assert_string(&client, "system");
    assert_string(&client, "local");
    assert_string(&client, "key");
    assert_int_equal(reader_be16(&client.in), 0x0D);
    assert_string(&client, "host_id");
    assert_int_equal(reader_be16(&client.in), 0x0C);
    assert_int_equal(reader_be32(&client.in), 1);
    assert_true(slice_equal(wire_bytes(&client.in).bytes, slice_text("local")));
    assert_int_equal(wire_bytes(&client.in).bytes.bytes, 16);
    assert_int_equal(reader_left(&client.in), 0);
    client_close(&client);
}

static void the_stream_id_comes_back(void **state)
{
    static const int16_t streams[] = {0, 1, 127, 128, 255, 256, 32767, -2, INT16_MIN};
    struct client client = client_ready(*state, 4);
    for (unsigned i = 0; i < ARRAY_LEN(streams); i++) {
        struct buffer body = {0};
        put_query(&body, i % 2 ? "SELECT key FROM system.local" : "no statement", 0);
        client_send(&client, OPCODE_QUERY, streams[i], buffer_slice(&body));
        buffer_deinit(&body);
        assert_true(client_receive(&client));
        assert_int_equal(client.answer.stream, streams[i]);
    }
    client_close(&client);
}

static void use_tells_the_keyspace(void **state)
{
    struct client client = client_ready(*state, 4);
    client_query(&client, create_keyspace);
    assert_int_equal(client_query(&client, "USE k"), KIND_SET_KEYSPACE);
    assert_string(&client, "k");
    client_close(&client);
}

static void a_change_of_the_schema_tells_what_changed(void **state)
{
    struct client client = client_ready(*state, 4);
    assert_int_equal(client_query(&client, create_keyspace), KIND_SCHEMA_CHANGE);
    assert_string(&client, "CREATED");
    assert_string(&client, "KEYSPACE");
    assert_string(&client, "k");
    assert_int_equal(reader_left(&client.in), 0);
    assert_int_equal(client_query(&client, "CREATE TABLE k.t (p int PRIMARY KEY, v int)"),
                     KIND_SCHEMA_CHANGE);
    assert_string(&client, "CREATED");
    assert_string(&client, "TABLE");
    assert_string(&client, "k");
    assert_string(&client, "t");
    assert_int_equal(client_query(&client, "CREATE INDEX ON k.t (v)"), KIND_SCHEMA_CHANGE);
    assert_string(&client, "UPDATED");
    assert_string(&client, "TABLE");
    /* SCH-5: what was there already changes nothing. */
    assert_int_equal(client_query(&client, "CREATE TABLE IF NOT EXISTS k.t (p int PRIMARY KEY)"), KIND_VOID);
    client_close(&client);
}

static void what_exists_is_named_behind_the_text(void **state)
{
    struct client client = client_with_table(*state, 4);
    struct buffer body = {0};
    put_query(&body, "CREATE TABLE t (p int PRIMARY KEY)", 0);
    client_ask_buffer(&client, OPCODE_QUERY, &body);
    assert_answer_error(&client, CQL_ALREADY_EXISTS, "t");
    assert_string(&client, "k");
    assert_string(&client, "t");
    put_query(&body, create_keyspace, 0);
    client_ask_buffer(&client, OPCODE_QUERY, &body);
    assert_answer_error(&client, CQL_ALREADY_EXISTS, "k");
    assert_string(&client, "k");
    assert_string(&client, "");
    client_close(&client);
}

static void an_error_is_utf8_whatever_it_quotes(void **state)
{
    struct client client = client_ready(*state, 4);
    struct buffer body = {0};
    put_query(&body, "SELECT \"caf\xc3\xa9 \xff\xc3\" FROM system.local", 0);
    client_ask_buffer(&client, OPCODE_QUERY, &body);
    assert_int_equal(client.answer.opcode, OPCODE_ERROR);
    reader_be32(&client.in);
    struct slice text = wire_string(&client.in);
    assert_null(memchr(text.data, 0xff, text.bytes));
    assert_usable(&client);
    client_close(&client);
}

/* ---- values ---- */

/* NUL-1. */
static void null_unset_and_empty_are_three_things(void **state)
{
    struct client client = client_with_table(*state, 4);
    client_query(&client, "INSERT INTO t (p, c, v) VALUES (1, 1, 'kept')");
    client_query(&client, "INSERT INTO t (p, c, v) VALUES (1, 2, 'gone')");
    client_query(&client, "INSERT INTO t (p, c, v) VALUES (1, 3, 'emptied')");
    uint8_t id_bytes[16];
    struct slice id = client_prepare(&client, "INSERT INTO t (p, c, v) VALUES (1, ?, ?)", id_bytes);
    static const int32_t kinds[] = {-2, -1, 0};
    for (int32_t i = 0; i < 3; i++) {
        struct buffer body = {0};
        put_execute(&body, id, 0, 2);
        put_int(&body, i + 1);
        put_null(&body, kinds[i]);
        client_ask_buffer(&client, OPCODE_EXECUTE, &body);
        assert_kind(&client, KIND_VOID);
    }
    struct slice none;
    assert_int_equal(client_query(&client, "SELECT v FROM t WHERE p = 1"), KIND_ROWS);
    assert_int_equal(skip_metadata(&client, &none), 3);
    assert_true(slice_equal(wire_bytes(&client.in).bytes, slice_text("kept")));
    assert_int_equal(wire_bytes(&client.in).kind, CQL_NULL);
    struct cql_value empty = wire_bytes(&client.in);
    assert_int_equal(empty.kind, CQL_VALUE);
    assert_int_equal(empty.bytes.bytes, 0);
    client_close(&client);
}

static void version_3_has_no_unset(void **state)
{
    struct client client = client_with_table(*state, 3);
    client_query(&client, "INSERT INTO t (p, c, v) VALUES (1, 1, 'gone')");
    struct buffer body = {0};
    put_query(&body, "INSERT INTO t (p, c, v) VALUES (1, 1, ?)", FLAG_VALUES);
    buffer_append_be16(&body, 1);
    put_null(&body, -2);
    client_ask_buffer(&client, OPCODE_QUERY, &body);
    assert_kind(&client, KIND_VOID);
    struct slice none;
    client_query(&client, "SELECT v FROM t WHERE p = 1");
    assert_int_equal(skip_metadata(&client, &none), 1);
    assert_int_equal(wire_bytes(&client.in).kind, CQL_NULL);
    client_close(&client);
}

static void a_length_that_means_nothing_is_refused(void **state)
{
    struct client client = client_with_table(*state, 4);
    struct buffer body = {0};
    put_query(&body, "SELECT * FROM t WHERE p = ?", FLAG_VALUES);
    buffer_append_be16(&body, 1);
    put_null(&body, -3);
    client_ask_buffer(&client, OPCODE_QUERY, &body);
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "values");
    assert_ended(&client);
    client_close(&client);
}

static void values_may_be_named(void **state)
{
    struct client client = client_with_table(*state, 4);
    struct buffer body = {0};
    put_query(&body, "INSERT INTO t (p, c) VALUES (:part, :place)", FLAG_VALUES | FLAG_NAMES);
    buffer_append_be16(&body, 2);
    wire_put_string(&body, "place");
    put_int(&body, 8);
    wire_put_string(&body, "part");
    put_int(&body, 7);
    client_ask_buffer(&client, OPCODE_QUERY, &body);
    assert_kind(&client, KIND_VOID);
    assert_int_equal(row_count(&client, "SELECT * FROM t WHERE p = 7 AND c = 8"), 1);
    client_close(&client);
}

static void version_3_is_told_newer_types_by_their_class(void **state)
{
    struct client client = client_with_table(*state, 3);
    client_query(&client, "CREATE TABLE newer (p int PRIMARY KEY, s smallint, d date)");
    assert_int_equal(client_query(&client, "SELECT s, d FROM newer"), KIND_ROWS);
    reader_be32(&client.in);
    reader_be32(&client.in);
    assert_string(&client, "k");
    assert_string(&client, "newer");
    assert_string(&client, "s");
    assert_int_equal(reader_be16(&client.in), 0);
    assert_string(&client, "org.apache.cassandra.db.marshal.ShortType");
    assert_string(&client, "d");
    assert_int_equal(reader_be16(&client.in), 0);
    assert_string(&client, "org.apache.cassandra.db.marshal.SimpleDateType");
    client_close(&client);
}

static void a_consistency_level_that_does_not_exist_is_refused(void **state)
{
    struct client client = client_ready(*state, 4);
    struct buffer body = {0};
    wire_put_long_string(&body, slice_text("SELECT key FROM system.local"));
    buffer_append_be16(&body, 0x0B);
    buffer_append_u8(&body, 0);
    client_ask_buffer(&client, OPCODE_QUERY, &body);
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "consistency level");
    assert_ended(&client);
    client_close(&client);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CLAIM(rows_come_with_their_names_and_types),
        CLAIM(the_stream_id_comes_back),
        CLAIM(use_tells_the_keyspace),
        CLAIM(a_change_of_the_schema_tells_what_changed),
        CLAIM(what_exists_is_named_behind_the_text),
        CLAIM(an_error_is_utf8_whatever_it_quotes),
        CLAIM(null_unset_and_empty_are_three_things),
        CLAIM(version_3_has_no_unset),
        CLAIM(a_length_that_means_nothing_is_refused),
        CLAIM(values_may_be_named),
        CLAIM(version_3_is_told_newer_types_by_their_class),
        CLAIM(a_consistency_level_that_does_not_exist_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
