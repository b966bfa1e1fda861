#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the server ---- */

struct fixture *fixture_start(const struct server_options *options)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_true(ok(io_env_open(IO_BODY_MEMORY, 1, &fixture->env)));
    struct cql_database_options database = {.profile = PROFILE_SCYLLA_2025_1,
                                            .store = {.env = fixture->env, .shards = 2}};
    assert_true(ok(cql_database_open(&database, &fixture->database)));
    struct server_options server = options ? *options : (struct server_options){0};
    server.database = fixture->database;
    server.env = fixture->env;
    if (!server.loops)
        server.loops = 2;
    assert_true(ok(server_start(&server, &fixture->server)));
    return fixture;
}

void fixture_stop(struct fixture *fixture)
{
    struct client newcomer = client_ready(fixture, 4);
    assert_usable(&newcomer);
    server_stop(fixture->server);
    assert_ended(&newcomer);
    client_close(&newcomer);
    assert_true(ok(cql_database_close(fixture->database)));
    io_env_close(fixture->env);
    free(fixture);
}

int fixture_setup(void **state)
{
    *state = fixture_start(NULL);
    return 0;
}

int fixture_teardown(void **state)
{
    fixture_stop(*state);
    return 0;
}

/* ---- the client ---- */

struct client client_new(uint8_t version)
{
    struct client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .version = version};
    assert_true(client.fd >= 0);
    return client;
}

void client_connect(struct client *client, const struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server_port(fixture->server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof address), 0);
}

struct client client_open(const struct fixture *fixture, uint8_t version)
{
    struct client client = client_new(version);
    client_connect(&client, fixture);
    return client;
}

struct client client_ready(const struct fixture *fixture, uint8_t version)
{
    static const char startup[] = "\0\x01\0\x0b"
                                  "CQL_VERSION\0\x05"
                                  "3.0.0";
    struct client client = client_open(fixture, version);
    client_ask(&client, OPCODE_STARTUP, slice_of(startup, sizeof startup - 1));
    assert_int_equal(client.answer.opcode, OPCODE_READY);
    return client;
}

void client_close(struct client *client)
{
    close(client->fd);
    buffer_deinit(&client->body);
}

void client_send_bytes(struct client *client, const void *data, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        ssize_t sent = send(client->fd, (const char *)data + at, bytes - at, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return; /* refused meanwhile: the answer tells */
        assert_true(sent > 0);
        at += (size_t)sent;
    }
}

void put_frame(struct buffer *out, uint8_t version, uint8_t flags, uint8_t opcode, int16_t stream,
               struct slice body)
{
    buffer_append_u8(out, version);
    buffer_append_u8(out, flags);
    buffer_append_be16(out, (uint16_t)stream);
    buffer_append_u8(out, opcode);
    buffer_append_be32(out, (uint32_t)body.bytes);
    buffer_append_slice(out, body);
}

void client_send_flagged(struct client *client, uint8_t flags, uint8_t opcode, int16_t stream,
                         struct slice body)
{
    struct buffer frame = {0};
    put_frame(&frame, client->version, flags, opcode, stream, body);
    client_send_bytes(client, frame.data, frame.bytes);
    buffer_deinit(&frame);
}

void client_send(struct client *client, uint8_t opcode, int16_t stream, struct slice body)
{
    client_send_flagged(client, 0, opcode, stream, body);
}

static bool receive(struct client *client, void *data, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        struct pollfd ready = {.fd = client->fd, .events = POLLIN};
        if (poll(&ready, 1, 10000) == 0)
            fail_msg("no answer within ten seconds");
        ssize_t got = recv(client->fd, (char *)data + at, bytes - at, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return true;
}

bool client_receive(struct client *client)
{
    uint8_t header[FRAME_HEADER_BYTES];
    if (!receive(client, header, sizeof header))
        return false;
    client->answer = frame_header_parse(header);
    assert_true(client->answer.is_response);
    buffer_clear(&client->body);
    uint8_t *body = buffer_extend(&client->body, client->answer.body_bytes);
    assert_true(client->answer.body_bytes == 0 || receive(client, body, client->answer.body_bytes));
    client->in = reader_of(buffer_slice(&client->body));
    return true;
}

void client_ask(struct client *client, uint8_t opcode, struct slice body)
{
    client_send(client, opcode, 1, body);
    assert_true(client_receive(client));
    assert_int_equal(client->answer.stream, 1);
}

void put_query(struct buffer *body, const char *text, uint8_t flags)
{
    enum { CONSISTENCY_ONE = 1 };
    wire_put_long_string(body, slice_text(text));
    buffer_append_be16(body, CONSISTENCY_ONE);
    buffer_append_u8(body, flags);
}

uint32_t client_query(struct client *client, const char *text)
{
    struct buffer body = {0};
    put_query(&body, text, 0);
    client_ask(client, OPCODE_QUERY, buffer_slice(&body));
    buffer_deinit(&body);
    if (client->answer.opcode != OPCODE_RESULT)
        assert_answer_error(client, CQL_OK, "");
    return reader_be32(&client->in);
}

struct slice client_prepare(struct client *client, const char *text, uint8_t out_id[16])
{
    enum { RESULT_PREPARED = 4 };
    struct buffer body = {0};
    wire_put_long_string(&body, slice_text(text));
    client_ask(client, OPCODE_PREPARE, buffer_slice(&body));
    buffer_deinit(&body);
    if (client->answer.opcode != OPCODE_RESULT)
        assert_answer_error(client, CQL_OK, "");
    assert_int_equal(reader_be32(&client->in), RESULT_PREPARED);
    struct slice id = wire_short_bytes(&client->in);
    assert_int_equal(id.bytes, 16);
    memcpy(out_id, id.data, 16);
    return slice_of(out_id, 16);
}

/* ---- claims ---- */

void assert_answer_error(struct client *client, enum cql_code code, const char *text)
{
    assert_int_equal(client->answer.opcode, OPCODE_ERROR);
    uint32_t got = reader_be32(&client->in);
    struct slice message = wire_string(&client->in);
    assert_false(client->in.failed);
    if (got != (uint32_t)code || !memmem(message.data, message.bytes, text, strlen(text)))
        fail_msg("error 0x%04x '%.*s', not 0x%04x '%s'", got, (int)message.bytes, (const char *)message.data,
                 (unsigned)code, text);
}

void assert_ended(struct client *client)
{
    if (client_receive(client))
        fail_msg("a frame with opcode 0x%02x instead of the end", client->answer.opcode);
}

void assert_string(struct client *client, const char *text)
{
    struct slice got = wire_string(&client->in);
    assert_false(client->in.failed);
    if (!slice_equal(got, slice_text(text)))
        fail_msg("'%.*s' instead of '%s'", (int)got.bytes, (const char *)got.data, text);
}

void assert_usable(struct client *client)
{
    client_ask(client, OPCODE_OPTIONS, (struct slice){0});
    assert_int_equal(client->answer.opcode, OPCODE_SUPPORTED);
}
