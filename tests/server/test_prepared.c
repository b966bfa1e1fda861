/* Prepared statements and batches over the wire. */
#include "notation.h"

/* ---- prepared statements ---- */

static void prepared_metadata_tells_the_binds_of_the_partition_key(void **state)
{
    struct client client = client_with_table(*state, 4);
    uint8_t id[16];
    client_prepare(&client, "INSERT INTO t (c, p, v) VALUES (?, ?, ?)", id);
    assert_int_equal(reader_be32(&client.in), METADATA_GLOBAL);
    assert_int_equal(reader_be32(&client.in), 3);
    assert_int_equal(reader_be32(&client.in), 1); /* PRE-3 */
    assert_int_equal(reader_be16(&client.in), 1);
    assert_string(&client, "k");
    assert_string(&client, "t");
    static const char *const names[] = {"c", "p", "v"};
    static const uint16_t types[] = {0x09, 0x09, 0x0D};
    for (unsigned i = 0; i < 3; i++) {
        assert_string(&client, names[i]);
        assert_int_equal(reader_be16(&client.in), types[i]);
    }
    assert_int_equal(reader_be32(&client.in), METADATA_NONE);
    assert_int_equal(reader_be32(&client.in), 0);
    assert_int_equal(reader_left(&client.in), 0);
    client_close(&client);
}

static void version_3_knows_no_binds_of_the_partition_key(void **state)
{
    struct client client = client_with_table(*state, 3);
    uint8_t id[16];
    client_prepare(&client, "SELECT v FROM t WHERE p = ?", id);
    assert_int_equal(reader_be32(&client.in), METADATA_GLOBAL);
    assert_int_equal(reader_be32(&client.in), 1);
    assert_string(&client, "k");
    assert_string(&client, "t");
    assert_string(&client, "p");
    client_close(&client);
}

static void an_id_serves_every_connection(void **state)
{
    struct client client = client_with_table(*state, 4), other = client_in_k(*state, 4);
    uint8_t id_bytes[16];
    struct slice id = client_prepare(&client, "INSERT INTO t (p, c, v) VALUES (?, ?, 'x')", id_bytes);
    struct buffer body = {0};
    put_execute(&body, id, 0, 2);
    put_int(&body, 1);
    put_int(&body, 2);
    client_ask_buffer(&other, OPCODE_EXECUTE, &body);
    assert_kind(&other, KIND_VOID);
    assert_int_equal(row_count(&client, "SELECT v FROM t WHERE p = 1 AND c = 2"), 1);
    client_close(&other);
    client_close(&client);
}

static void an_unknown_id_is_answered_with_that_id(void **state)
{
    struct client client = client_ready(*state, 4);
    struct buffer body = {0};
    put_execute(&body, slice_text("sixteen bytes id"), 0, 0);
    client_ask_buffer(&client, OPCODE_EXECUTE, &body);
    assert_answer_error(&client, CQL_UNPREPARED, "");
    assert_true(slice_equal(wire_short_bytes(&client.in), slice_text("sixteen bytes id")));

    buffer_append_u8(&body, 0);
    buffer_append_be16(&body, 1);
    buffer_append_u8(&body, 1);
    wire_put_short_bytes(&body, slice_text("sixteen bytes id"));
    buffer_append_be16(&body, 0);
    buffer_append_be16(&body, 1);
    buffer_append_u8(&body, 0);
    client_ask_buffer(&client, OPCODE_BATCH, &body);
    assert_answer_error(&client, CQL_UNPREPARED, ""); /* BAT-5 */
    assert_true(slice_equal(wire_short_bytes(&client.in), slice_text("sixteen bytes id")));
    assert_usable(&client);
    client_close(&client);
}

static void a_changed_table_asks_to_prepare_again(void **state)
{
    struct client client = client_with_table(*state, 4);
    uint8_t id_bytes[16];
    struct slice id = client_prepare(&client, "SELECT * FROM t WHERE p = ?", id_bytes);
    client_query(&client, "ALTER TABLE t ADD more text");
    struct buffer body = {0};
    put_execute(&body, id, FLAG_SKIP_METADATA, 1);
    put_int(&body, 1);
    client_ask_buffer(&client, OPCODE_EXECUTE, &body);
    assert_answer_error(&client, CQL_UNPREPARED, ""); /* PRE-6 */
    assert_true(slice_equal(wire_short_bytes(&client.in), id));
    client_close(&client);
}

static void metadata_is_left_out_when_the_client_has_it(void **state)
{
    /* PAG-6 */
    struct client client = client_with_table(*state, 4);
    client_query(&client, "INSERT INTO t (p, c, v) VALUES (1, 2, 'three')");
    uint8_t id_bytes[16];
    struct slice id = client_prepare(&client, "SELECT v FROM t WHERE p = ?", id_bytes);
    struct buffer body = {0};
    put_execute(&body, id, FLAG_SKIP_METADATA, 1);
    put_int(&body, 1);
    client_ask_buffer(&client, OPCODE_EXECUTE, &body);
    assert_kind(&client, KIND_ROWS);
    assert_int_equal(reader_be32(&client.in), METADATA_NONE);
    assert_int_equal(reader_be32(&client.in), 1);
    assert_int_equal(reader_be32(&client.in), 1);
    assert_true(slice_equal(wire_bytes(&client.in).bytes, slice_text("three")));
    client_close(&client);
}

static void the_wrong_number_of_values_is_refused(void **state)
{
    struct client client = client_with_table(*state, 4);
    uint8_t id_bytes[16];
    struct slice id = client_prepare(&client, "SELECT v FROM t WHERE p = ?", id_bytes);
    struct buffer body = {0};
    put_execute(&body, id, 0, 0);
    client_ask_buffer(&client, OPCODE_EXECUTE, &body);
    assert_answer_error(&client, CQL_INVALID, "expected 1"); /* PRE-5 */
    assert_usable(&client);
    client_close(&client);
}

/* ---- batches ---- */

/* BATCH of `kind` with one text and one prepared statement. */
static void put_batch(struct buffer *body, uint8_t kind, struct slice id, int32_t number)
{
    buffer_append_u8(body, kind);
    buffer_append_be16(body, 2);
    buffer_append_u8(body, 0);
    wire_put_long_string(body, slice_text("INSERT INTO t (p, c, v) VALUES (5, ?, 'text')"));
    buffer_append_be16(body, 1);
    put_int(body, number);
    buffer_append_u8(body, 1);
    wire_put_short_bytes(body, id);
    buffer_append_be16(body, 2);
    put_int(body, 5);
    put_int(body, number + 1);
    buffer_append_be16(body, 1);
    buffer_append_u8(body, 0);
}

static void a_batch_mixes_texts_and_prepared_statements(void **state)
{
    for (uint8_t version = 3; version <= 4; version++) {
        struct fixture *fixture = fixture_start(NULL);
        struct client client = client_with_table(fixture, version);
        uint8_t id_bytes[16];
        struct slice id =
            client_prepare(&client, "INSERT INTO t (p, c, v) VALUES (?, ?, 'prepared')", id_bytes);
        for (uint8_t kind = 0; kind < 2; kind++) {
            struct buffer body = {0};
            put_batch(&body, kind, id, 10 * kind);
            client_ask_buffer(&client, OPCODE_BATCH, &body);
            assert_kind(&client, KIND_VOID);
        }
        assert_int_equal(row_count(&client, "SELECT * FROM t WHERE p = 5"), 4);
        client_close(&client);
        fixture_stop(fixture);
    }
    (void)state;
}

static void a_batch_of_an_unknown_kind_is_refused(void **state)
{
    struct client client = client_with_table(*state, 4);
    uint8_t id_bytes[16];
    struct slice id = client_prepare(&client, "INSERT INTO t (p, c, v) VALUES (?, ?, 'prepared')", id_bytes);
    struct buffer body = {0};
    put_batch(&body, 3, id, 1);
    client_ask_buffer(&client, OPCODE_BATCH, &body);
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "batch type");
    assert_ended(&client);
    client_close(&client);
}

static void a_counter_batch_of_other_statements_is_refused(void **state)
{
    struct client client = client_with_table(*state, 4);
    uint8_t id_bytes[16];
    struct slice id = client_prepare(&client, "INSERT INTO t (p, c, v) VALUES (?, ?, 'prepared')", id_bytes);
    struct buffer body = {0};
    put_batch(&body, 2, id, 1);
    client_ask_buffer(&client, OPCODE_BATCH, &body);
    assert_answer_error(&client, CQL_INVALID, "");
    assert_int_equal(row_count(&client, "SELECT * FROM t WHERE p = 5"), 0);
    client_close(&client);
}

static void an_empty_batch_succeeds(void **state)
{
    struct client client = client_ready(*state, 4);
    client_ask(&client, OPCODE_BATCH, slice_of("\0\0\0\0\x01\0", 6)); /* BAT-6 */
    assert_kind(&client, KIND_VOID);
    client_close(&client);
}

static void a_batch_takes_no_named_values(void **state)
{
    struct client client = client_ready(*state, 4);
    client_ask(&client, OPCODE_BATCH, slice_of("\0\0\0\0\x01\x40", 6));
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "Named values");
    assert_ended(&client);
    client_close(&client);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CLAIM(prepared_metadata_tells_the_binds_of_the_partition_key),
        CLAIM(version_3_knows_no_binds_of_the_partition_key),
        CLAIM(an_id_serves_every_connection),
        CLAIM(an_unknown_id_is_answered_with_that_id),
        CLAIM(a_changed_table_asks_to_prepare_again),
        CLAIM(metadata_is_left_out_when_the_client_has_it),
        CLAIM(the_wrong_number_of_values_is_refused),
        CLAIM(a_batch_mixes_texts_and_prepared_statements),
        CLAIM(a_batch_of_an_unknown_kind_is_refused),
        CLAIM(a_counter_batch_of_other_statements_is_refused),
        CLAIM(an_empty_batch_succeeds),
        CLAIM(a_batch_takes_no_named_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
