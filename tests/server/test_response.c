/* Answers that were ready when their writes turned out not to be durable. */
#include "client.h"
#include "server/response.h"

enum { VERSION = 4 };

static const struct cql_error failure = {.code = CQL_WRITE_FAILURE, .message = "disk broke"};

static struct frame_header frame_at(const struct buffer *out, size_t *at, struct reader *out_body)
{
    assert_true(*at + FRAME_HEADER_BYTES <= out->bytes);
    struct frame_header header = frame_header_parse(out->data + *at);
    *out_body = reader_of(slice_of(out->data + *at + FRAME_HEADER_BYTES, header.body_bytes));
    *at += FRAME_HEADER_BYTES + header.body_bytes;
    return header;
}

static void assert_failure(const struct buffer *out, size_t *at, int16_t stream)
{
    struct reader body;
    struct frame_header header = frame_at(out, at, &body);
    assert_int_equal(header.opcode, OPCODE_ERROR);
    assert_int_equal(header.stream, stream);
    assert_int_equal(reader_be32(&body), CQL_WRITE_FAILURE);
    assert_true(slice_equal(wire_string(&body), slice_text("disk broke")));
    assert_int_equal(reader_be16(&body), 1); /* consistency ONE */
    assert_int_equal(reader_be32(&body), 0); /* received */
    assert_int_equal(reader_be32(&body), 1); /* block for */
    assert_int_equal(reader_be32(&body), 1); /* failures */
    assert_true(slice_equal(wire_string(&body), slice_text("SIMPLE")));
    assert_int_equal(reader_left(&body), 0);
    assert_false(body.failed);
}

static void put_void(struct buffer *out, int16_t stream, const char *warning)
{
    struct cql_result result = {.kind = CQL_RESULT_VOID};
    if (warning)
        buffer_append(&result.warnings, warning, strlen(warning) + 1);
    response_result(out, (struct response_head){.version = VERSION, .stream = stream}, &result, false);
    cql_result_deinit(&result);
}

static void put_empty_rows(struct buffer *out, int16_t stream)
{
    struct cql_result result = {.kind = CQL_RESULT_ROWS};
    response_result(out, (struct response_head){.version = VERSION, .stream = stream}, &result, false);
}

static void acknowledgements_and_rows_become_errors_on_their_streams(void **state)
{
    struct buffer out = {0};
    put_void(&out, 1, NULL);
    put_void(&out, 2, "with a warning before the kind");
    put_empty_rows(&out, 3);
    response_replace_results(&out, 0, &failure);
    size_t at = 0;
    for (int16_t stream = 1; stream <= 3; stream++)
        assert_failure(&out, &at, stream);
    assert_int_equal(at, out.bytes);
    buffer_deinit(&out);
    (void)state;
}

static void what_was_settled_before_is_left_alone(void **state)
{
    struct buffer out = {0};
    put_void(&out, 1, NULL);
    size_t settled_bytes = out.bytes, at = 0;
    put_void(&out, 2, NULL);
    response_replace_results(&out, settled_bytes, &failure);
    struct reader body;
    assert_int_equal(frame_at(&out, &at, &body).opcode, OPCODE_RESULT);
    assert_failure(&out, &at, 2);
    assert_int_equal(at, out.bytes);
    buffer_deinit(&out);
    (void)state;
}

static void answers_that_promise_nothing_durable_are_left_alone(void **state)
{
    struct buffer out = {0};
    struct response_head head = {.version = VERSION, .stream = 4};
    struct cql_result use = {.kind = CQL_RESULT_SET_KEYSPACE, .keyspace = "k"};
    const struct cql_schema_change change = {.change = "CREATED", .target = "KEYSPACE", .keyspace = "k"};
    response_ready(&out, head);
    response_supported(&out, head, "3.3.1");
    response_result(&out, head, &use, false);
    response_schema_event(&out, VERSION, &change);
    response_protocol_error(&out, head, "anything");
    struct buffer before = {0};
    buffer_append_slice(&before, buffer_slice(&out));
    response_replace_results(&out, 0, &failure);
    assert_true(slice_equal(buffer_slice(&out), buffer_slice(&before)));
    buffer_deinit(&before);
    buffer_deinit(&out);
    (void)state;
}

static void version_3_knows_failures_as_timeouts(void **state)
{
    struct buffer out = {0};
    size_t at = 0;
    struct reader body;
    response_error(&out, (struct response_head){.version = 3, .stream = 1}, &failure);
    frame_at(&out, &at, &body);
    assert_int_equal(reader_be32(&body), CQL_WRITE_TIMEOUT);
    wire_string(&body);
    assert_int_equal(reader_be16(&body), 1);
    assert_int_equal(reader_be32(&body), 0);
    assert_int_equal(reader_be32(&body), 1);
    assert_true(slice_equal(wire_string(&body), slice_text("SIMPLE")));
    assert_int_equal(reader_left(&body), 0);
    buffer_deinit(&out);
    (void)state;
}

static void a_quoted_text_is_always_utf8(void **state)
{
    static const struct {
        const char *text, *put;
    } cases[] = {
        {"plain", "plain"},
        {"\xc3\xa9 \xe4\xb8\x96 \xf0\x9f\xa6\x8a", "\xc3\xa9 \xe4\xb8\x96 \xf0\x9f\xa6\x8a"},
        {"cut \xe4\xb8", "cut ??"},
        {"\xff\x80 lone", "?? lone"},
        {"overlong \xc0\xaf", "overlong ??"},
        {"surrogate \xed\xa0\x80", "surrogate ???"},
        {"too large \xf4\x90\x80\x80", "too large ????"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer out = {0};
        wire_put_quoting_string(&out, cases[i].text);
        struct reader in = reader_of(buffer_slice(&out));
        struct slice put = wire_string(&in);
        assert_true(slice_equal(put, slice_text(cases[i].put)));
        assert_int_equal(reader_left(&in), 0);
        buffer_deinit(&out);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledgements_and_rows_become_errors_on_their_streams),
        cmocka_unit_test(what_was_settled_before_is_left_alone),
        cmocka_unit_test(answers_that_promise_nothing_durable_are_left_alone),
        cmocka_unit_test(version_3_knows_failures_as_timeouts),
        cmocka_unit_test(a_quoted_text_is_always_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
