/* Versions, states and flags: what is agreed before the first statement. */
#include "client.h"

static struct slice startup_with(struct buffer *body, const char *name, const char *value)
{
    buffer_append_be16(body, 2);
    wire_put_string(body, "CQL_VERSION");
    wire_put_string(body, "3.0.0");
    wire_put_string(body, name);
    wire_put_string(body, value);
    return buffer_slice(body);
}

static void options_may_come_first_and_tell_what_is_supported(void **state)
{
    struct client client = client_open(*state, 4);
    client_ask(&client, OPCODE_OPTIONS, (struct slice){0});
    assert_int_equal(client.answer.opcode, OPCODE_SUPPORTED);
    bool version = false, compression = false;
    for (unsigned left = reader_be16(&client.in); left; left--) {
        struct slice name = wire_string(&client.in);
        unsigned values = reader_be16(&client.in);
        version |= slice_equal(name, slice_text("CQL_VERSION")) && values == 1;
        compression |= slice_equal(name, slice_text("COMPRESSION")) && values == 0;
        for (; values; values--)
            wire_string(&client.in);
    }
    assert_false(client.in.failed);
    assert_int_equal(reader_left(&client.in), 0);
    assert_true(version && compression);
    client_close(&client);
}

static void startup_is_answered_with_ready(void **state)
{
    for (uint8_t version = 3; version <= 4; version++) {
        struct client client = client_ready(*state, version);
        assert_int_equal(client.answer.version, version);
        assert_int_equal(client.answer.body_bytes, 0);
        client_close(&client);
    }
}

static void every_other_version_is_refused_with_the_text_that_drivers_search_for(void **state)
{
    static const uint8_t versions[] = {0, 1, 2, 5, 6, 0x41, 0x42, 0x7f};
    static const uint8_t opcodes[] = {OPCODE_OPTIONS, OPCODE_STARTUP, OPCODE_QUERY};
    for (unsigned i = 0; i < ARRAY_LEN(versions); i++) {
        for (unsigned j = 0; j < ARRAY_LEN(opcodes); j++) {
            struct client client = client_open(*state, versions[i]);
            struct buffer body = {0};
            client_send(&client, opcodes[j], 0x0102, startup_with(&body, "DRIVER_NAME", "none"));
            buffer_deinit(&body);
            assert_true(client_receive(&client));
            assert_int_equal(client.answer.version, 4);
            /* Before version 3 the stream is one byte. */
            assert_int_equal(client.answer.stream, versions[i] < 3 ? 1 : 0x0102);
            assert_answer_error(&client, CQL_PROTOCOL_ERROR, "Invalid or unsupported protocol version");
            assert_ended(&client);
            client_close(&client);
        }
    }
}

static void the_refusal_of_a_version_says_which_are_spoken(void **state)
{
    struct client client = client_open(*state, 0x42);
    client_send(&client, OPCODE_STARTUP, 7, (struct slice){0});
    assert_true(client_receive(&client));
    assert_answer_error(&client, CQL_PROTOCOL_ERROR,
                        "(66); the lowest supported version is 3 and the greatest is 4");
    client_close(&client);
}

static void a_peer_of_version_2_is_refused_by_its_shorter_header(void **state)
{
    static const uint8_t options[8] = {2, 0, 9, OPCODE_OPTIONS};
    struct client client = client_open(*state, 2);
    client_send_bytes(&client, options, sizeof options);
    assert_true(client_receive(&client));
    assert_int_equal(client.answer.stream, 9);
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "Invalid or unsupported protocol version (2)");
    assert_ended(&client);
    client_close(&client);
}

static void the_version_may_not_change_on_a_connection(void **state)
{
    struct client client = client_ready(*state, 3);
    client.version = 4;
    client_ask(&client, OPCODE_OPTIONS, (struct slice){0});
    assert_int_equal(client.answer.version, 3);
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "Invalid message version");
    assert_ended(&client);
    client_close(&client);
}

static void a_response_is_no_request(void **state)
{
    struct client client = client_open(*state, FRAME_RESPONSE | 4);
    client_ask(&client, OPCODE_OPTIONS, (struct slice){0});
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "response frame");
    assert_ended(&client);
    client_close(&client);
}

static void before_startup_only_startup_and_options_are_answered(void **state)
{
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        struct client client = client_open(*state, 4);
        struct buffer body = {0};
        client_ask(&client, (uint8_t)opcode, startup_with(&body, "APPLICATION_NAME", ""));
        buffer_deinit(&body);
        if (opcode == OPCODE_STARTUP) {
            assert_int_equal(client.answer.opcode, OPCODE_READY);
        } else if (opcode == OPCODE_OPTIONS) {
            assert_int_equal(client.answer.opcode, OPCODE_SUPPORTED);
        } else {
            assert_answer_error(&client, CQL_PROTOCOL_ERROR, "opcode");
            assert_ended(&client);
        }
        client_close(&client);
    }
}

static void after_startup_only_requests_are_answered(void **state)
{
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        struct client client = client_ready(*state, 4);
        client_ask(&client, (uint8_t)opcode, (struct slice){0});
        if (opcode == OPCODE_OPTIONS) {
            assert_int_equal(client.answer.opcode, OPCODE_SUPPORTED);
        } else {
            /* Requests have bodies, so that an empty one is cut short. */
            bool request = opcode == OPCODE_QUERY || opcode == OPCODE_PREPARE || opcode == OPCODE_EXECUTE ||
                           opcode == OPCODE_BATCH || opcode == OPCODE_REGISTER;
            assert_answer_error(&client, CQL_PROTOCOL_ERROR, request ? "truncated" : "opcode");
            assert_ended(&client);
        }
        client_close(&client);
    }
}

static void startup_needs_a_cql_version(void **state)
{
    struct client client = client_open(*state, 4);
    client_ask(&client, OPCODE_STARTUP, slice_of("\0\0", 2));
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "CQL_VERSION");
    assert_ended(&client);
    client_close(&client);
}

static void startup_that_asks_for_compression_is_refused(void **state)
{
    struct client client = client_open(*state, 4);
    struct buffer body = {0};
    client_ask(&client, OPCODE_STARTUP, startup_with(&body, "COMPRESSION", "lz4"));
    buffer_deinit(&body);
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "Unknown compression algorithm: lz4");
    assert_ended(&client);
    client_close(&client);
}

static void keys_of_startup_that_mean_nothing_here_are_ignored(void **state)
{
    struct client client = client_open(*state, 4);
    struct buffer body = {0};
    client_ask(&client, OPCODE_STARTUP, startup_with(&body, "SCYLLA_RATE_LIMIT_ERROR", ""));
    buffer_deinit(&body);
    assert_int_equal(client.answer.opcode, OPCODE_READY);
    client_close(&client);
}

static void a_compressed_frame_is_refused(void **state)
{
    struct client client = client_ready(*state, 4);
    client_send_flagged(&client, FRAME_COMPRESSED, OPCODE_OPTIONS, 3, (struct slice){0});
    assert_true(client_receive(&client));
    assert_int_equal(client.answer.stream, 3);
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "ompress");
    assert_ended(&client);
    client_close(&client);
}

static void a_custom_payload_stands_before_the_body_and_is_ignored(void **state)
{
    struct client client = client_ready(*state, 4);
    struct buffer body = {0};
    buffer_append_be16(&body, 2);
    wire_put_string(&body, "tablets");
    wire_put_bytes(&body, slice_text("anything"));
    wire_put_string(&body, "nothing");
    buffer_append_be32(&body, UINT32_MAX);
    put_query(&body, "SELECT key FROM system.local", 0);
    client_send_flagged(&client, FRAME_CUSTOM_PAYLOAD, OPCODE_QUERY, 1, buffer_slice(&body));
    buffer_deinit(&body);
    assert_true(client_receive(&client));
    assert_int_equal(client.answer.opcode, OPCODE_RESULT);

    client_send_flagged(&client, FRAME_CUSTOM_PAYLOAD, OPCODE_OPTIONS, 1, slice_of("\0\x05\0", 3));
    assert_true(client_receive(&client));
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "custom payload");
    assert_ended(&client);
    client_close(&client);
}

static void tracing_may_be_asked_for(void **state)
{
    struct client client = client_ready(*state, 4);
    struct buffer body = {0};
    put_query(&body, "SELECT key FROM system.local", 0);
    client_send_flagged(&client, FRAME_TRACING, OPCODE_QUERY, 1, buffer_slice(&body));
    buffer_deinit(&body);
    assert_true(client_receive(&client));
    assert_int_equal(client.answer.opcode, OPCODE_RESULT);
    assert_int_equal(client.answer.flags & FRAME_TRACING, 0);
    client_close(&client);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CLAIM(options_may_come_first_and_tell_what_is_supported),
        CLAIM(startup_is_answered_with_ready),
        CLAIM(every_other_version_is_refused_with_the_text_that_drivers_search_for),
        CLAIM(the_refusal_of_a_version_says_which_are_spoken),
        CLAIM(a_peer_of_version_2_is_refused_by_its_shorter_header),
        CLAIM(the_version_may_not_change_on_a_connection),
        CLAIM(a_response_is_no_request),
        CLAIM(before_startup_only_startup_and_options_are_answered),
        CLAIM(after_startup_only_requests_are_answered),
        CLAIM(startup_needs_a_cql_version),
        CLAIM(startup_that_asks_for_compression_is_refused),
        CLAIM(keys_of_startup_that_mean_nothing_here_are_ignored),
        CLAIM(a_compressed_frame_is_refused),
        CLAIM(a_custom_payload_stands_before_the_body_and_is_ignored),
        CLAIM(tracing_may_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
