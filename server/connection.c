#include "server/connection_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECEIVES_A_TURN = 4, /* of RECEIVE_BYTES: then other connections have their turn */
    HANDSHAKE_BYTES_MAX =
        16 << 10,             /* of a body before READY: what driver configuration in STARTUP can need */
    OUT_BYTES_MAX = 4 << 20,  /* unsent beyond this: nothing more is read */
    KEPT_BYTES = 16 << 10,    /* a buffer that grew beyond this is given back when empty */
    SENT_BYTES_MAX = 1 << 20, /* sent and still in the buffer */
};

static const int64_t LINGER_NS = 2LL * 1000000000;

static int64_t now_of(const struct connection *connection)
{
    return io_monotonic_ns(connection->loop->server->options.env);
}

struct connection *connection_new(struct loop *loop, int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->loop = loop;
    connection->fd = fd;
    connection->opened_ns = now_of(connection);
    return connection;
}

void connection_free(struct connection *connection)
{
    server_charge(connection->loop->server,
                  -(int64_t)(connection->reserved_bytes + connection->charged_bytes));
    cql_session_close(connection->session);
    buffer_deinit(&connection->in);
    buffer_deinit(&connection->out);
    close(connection->fd);
    free(connection);
}

bool connection_is_stale(struct connection *connection, int64_t now_ns)
{
    int64_t patience_ns = (int64_t)connection->loop->server->options.patience_ms * 1000000;
    if (connection->lingering)
        return now_ns - connection->lingering_ns > LINGER_NS;
    if (connection->state == CONNECTION_NEW && now_ns - connection->opened_ns > patience_ns)
        return true;
    return pace_is_too_slow(&connection->arriving, now_ns, patience_ns) ||
           pace_is_too_slow(&connection->leaving, now_ns, 3 * patience_ns);
}

bool connection_is_clogged(const struct connection *connection)
{
    return connection->out.bytes - connection->out_at > OUT_BYTES_MAX;
}

/* ---- frames ---- */

static void count_error(struct connection *connection)
{
    atomic_fetch_add_explicit(&connection->loop->server->errors, 1, memory_order_relaxed);
}

/* Nothing of what this peer sends can be made sense of. */
static void refuse_peer(struct connection *connection, uint8_t version, int16_t stream, const char *text)
{
    response_protocol_error(&connection->out, (struct response_head){.version = version, .stream = stream},
                            text);
    connection->closing = true;
    count_error(connection);
}

/* The answer goes out in our highest version; drivers search its text and try a lower one. */
static void refuse_version(struct connection *connection, uint8_t version, int16_t stream)
{
    char text[160];
    snprintf(text, sizeof text,
             "Invalid or unsupported protocol version (%u); the lowest supported version is %d and the "
             "greatest is %d",
             version, PROTOCOL_MIN, PROTOCOL_MAX);
    refuse_peer(connection, PROTOCOL_MAX, stream, text);
}

static void refuse_other_version(struct connection *connection, const struct frame_header *header)
{
    char text[160];
    snprintf(
        text, sizeof text,
        "Invalid message version. Got %u/v%u but previous messages on this connection had version %u/v%u",
        header->version, header->version, connection->version, connection->version);
    refuse_peer(connection, connection->version, header->stream, text);
}

/* The body is skipped as it arrives and the connection stays usable. */
static void refuse_body(struct connection *connection, const struct frame_header *header, enum cql_code code,
                        const char *reason)
{
    struct cql_error error = {.code = code};
    snprintf(error.message, sizeof error.message, "%s (request size %u bytes, limit %u bytes)", reason,
             header->body_bytes, connection->loop->server->options.request_bytes_max);
    response_error(&connection->out,
                   (struct response_head){.version = header->version, .stream = header->stream}, &error);
    connection->skip_bytes = header->body_bytes;
    atomic_fetch_add_explicit(&connection->loop->server->refused_bytes, header->body_bytes,
                              memory_order_relaxed);
    count_error(connection);
}

/* Is this a peer that we can talk to? */
static bool admit_header(struct connection *connection, const struct frame_header *header)
{
    if (header->version < PROTOCOL_MIN || header->version > PROTOCOL_MAX) {
        refuse_version(connection, header->version, header->stream);
        return false;
    }
    if (header->is_response) {
        refuse_peer(connection, header->version, header->stream, "Expected a request, got a response frame");
        return false;
    }
    if (!connection->version)
        connection->version = header->version;
    if (connection->version != header->version) {
        refuse_other_version(connection, header);
        return false;
    }
    return true;
}

/* Is the body one that we are willing to read? Its bytes are reserved from the server's budget when it is. */
static bool admit_body(struct connection *connection, const struct frame_header *header)
{
    struct server *server = connection->loop->server;
    if (connection->state == CONNECTION_NEW && header->body_bytes > HANDSHAKE_BYTES_MAX) {
        refuse_peer(connection, header->version, header->stream, "Message is too large before STARTUP");
        return false;
    }
    if (header->body_bytes > server->options.request_bytes_max) {
        refuse_body(connection, header, CQL_INVALID, "Request is too large");
        return false;
    }
    if (connection->reserved_bytes)
        return true;
    if (!server_reserve(server, header->body_bytes)) {
        refuse_body(connection, header, CQL_OVERLOADED,
                    "Too many bytes of requests and answers are in flight");
        return false;
    }
    connection->reserved_bytes = header->body_bytes;
    return true;
}

/* Versions 1 and 2 have a shorter header, so that waiting for a whole one of ours could be waiting for ever. */
static bool refuse_ancient(struct connection *connection, struct slice bytes)
{
    enum { ANCIENT_HEADER_BYTES = 8 };
    if (bytes.bytes < ANCIENT_HEADER_BYTES || (bytes.data[0] & ~FRAME_RESPONSE) >= PROTOCOL_MIN)
        return false;
    refuse_version(connection, bytes.data[0] & (uint8_t)~FRAME_RESPONSE, (int8_t)bytes.data[2]);
    return true;
}

/* Handle the first frame of `bytes`, or the next piece of a refused body. Returns the bytes that are done with; 0 when
 * more must come first. */
static size_t handle_frame(struct connection *connection, struct slice bytes)
{
    if (connection->skip_bytes) {
        size_t skipped = bytes.bytes < connection->skip_bytes ? bytes.bytes : (size_t)connection->skip_bytes;
        connection->skip_bytes -= skipped;
        return skipped;
    }
    if (refuse_ancient(connection, bytes))
        return bytes.bytes;
    if (bytes.bytes < FRAME_HEADER_BYTES)
        return 0;

    struct frame_header header = frame_header_parse(bytes.data);
    if (!admit_header(connection, &header) || !admit_body(connection, &header))
        return FRAME_HEADER_BYTES;
    size_t frame_bytes = FRAME_HEADER_BYTES + (size_t)header.body_bytes;
    if (bytes.bytes < frame_bytes)
        return 0;

    connection_dispatch(connection, &header, slice_of(bytes.data + FRAME_HEADER_BYTES, header.body_bytes));
    server_charge(connection->loop->server, -(int64_t)connection->reserved_bytes);
    connection->reserved_bytes = 0;
    loop_clear_request(connection->loop);
    return frame_bytes;
}

/* Returns the bytes of `bytes` that are done with. What is left is half a frame, or waits until the peer reads. */
static size_t handle_frames(struct connection *connection, struct slice bytes)
{
    size_t done_bytes = 0;
    while (done_bytes < bytes.bytes && !connection->closing && !connection_is_clogged(connection)) {
        size_t step = handle_frame(connection, slice_of(bytes.data + done_bytes, bytes.bytes - done_bytes));
        if (!step)
            break;
        done_bytes += step;
        if (!connection->skip_bytes)
            pace_end(&connection->arriving);
    }
    if (connection->out.failed)
        connection->broken = true;
    if (connection->closing || connection_is_clogged(connection))
        pace_end(&connection->arriving);
    else if (done_bytes < bytes.bytes || connection->skip_bytes)
        pace_begin(&connection->arriving, now_of(connection));
    return done_bytes;
}

/* Drop what is done with from the front; give a large empty buffer back. */
static void consume(struct buffer *buf, size_t done_bytes)
{
    size_t left = buf->bytes - done_bytes;
    if (!left && buf->capacity_bytes > KEPT_BYTES) {
        buffer_deinit(buf);
        return;
    }
    if (left && done_bytes)
        memmove(buf->data, buf->data + done_bytes, left);
    buf->bytes = left;
}

/* Frames that were held back, and frames that are whole now. */
static void handle_kept(struct connection *connection)
{
    consume(&connection->in, handle_frames(connection, buffer_slice(&connection->in)));
}

static void handle_received(struct connection *connection, struct slice received)
{
    pace_move(&connection->arriving, received.bytes);
    size_t done_bytes = connection->in.bytes ? 0 : handle_frames(connection, received);
    bool mended = connection->in.bytes > 0;
    if (connection->closing || done_bytes == received.bytes)
        return;
    buffer_append(&connection->in, received.data + done_bytes, received.bytes - done_bytes);
    if (connection->in.failed)
        connection->broken = true;
    else if (mended)
        handle_kept(connection);
}

/* Never by what a header merely claims: memory grows with what has arrived. */
void connection_receive(struct connection *connection)
{
    for (int i = 0; i < RECEIVES_A_TURN; i++) {
        if (connection->broken || (connection->closing && !connection->lingering) ||
            connection_is_clogged(connection))
            return;
        uint8_t *received = connection->loop->received;
        ssize_t got = recv(connection->fd, received, RECEIVE_BYTES, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (got < 0 || (got == 0 && connection->lingering)) {
            connection->broken = true;
            return;
        }
        if (got == 0) { /* what was asked is still answered */
            connection->closing = connection->ended = true;
            return;
        }
        if (!connection->lingering)
            handle_received(connection, slice_of(received, (size_t)got));
        if (got < RECEIVE_BYTES)
            return;
    }
}

/* ---- sending ---- */

/* Answers to writes wait here until the writes are durable. When that fails the outcome is unknown, and errors take the
 * place of the answers: never a false acknowledgement. */
static void settle(struct connection *connection)
{
    struct cql_error error = {.code = CQL_OK};
    if (connection->session && connection->out.bytes > connection->settled_bytes &&
        !cql_session_settle(connection->session, &error))
        response_replace_results(&connection->out, connection->settled_bytes, &error);
    connection->settled_bytes = connection->out.bytes;
}

static bool send_some(struct connection *connection)
{
    while (connection->out_at < connection->out.bytes) {
        ssize_t sent = send(connection->fd, connection->out.data + connection->out_at,
                            connection->out.bytes - connection->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return true;
        if (sent <= 0)
            return false;
        connection->out_at += (size_t)sent;
        pace_move(&connection->leaving, (uint64_t)sent);
    }
    return true;
}

static void drop_sent(struct connection *connection)
{
    consume(&connection->out, connection->out_at);
    connection->settled_bytes -= connection->out_at;
    connection->out_at = 0;
}

/* Closing a socket that has unread bytes resets it, and the peer may lose our last answer: so the peer is told that no
 * more comes, and what it still sends is thrown away until it closes too. */
static void linger(struct connection *connection)
{
    if (connection->ended || shutdown(connection->fd, SHUT_WR) != 0) {
        connection->broken = true;
        return;
    }
    connection->lingering = true;
    connection->lingering_ns = now_of(connection);
    buffer_deinit(&connection->in);
}

/* The budget knows what the answers hold. */
static void charge(struct connection *connection)
{
    uint64_t held = connection->out.capacity_bytes;
    if (held != connection->charged_bytes)
        server_charge(connection->loop->server, (int64_t)held - (int64_t)connection->charged_bytes);
    connection->charged_bytes = held;
}

void connection_flush(struct connection *connection)
{
    if (connection->broken)
        return;
    settle(connection);
    if (connection->out.failed || !send_some(connection)) {
        connection->broken = true;
        return;
    }
    if (connection->out_at == connection->out.bytes) {
        drop_sent(connection);
        pace_end(&connection->leaving);
        if (connection->closing && !connection->lingering)
            linger(connection);
    } else {
        pace_begin(&connection->leaving, now_of(connection));
        if (connection->out_at > SENT_BYTES_MAX)
            drop_sent(connection);
    }
    if (connection->in.bytes && !connection->closing && !connection_is_clogged(connection)) {
        size_t before = connection->out.bytes;
        handle_kept(connection);
        if (connection->out.bytes > before || connection->closing)
            loop_touch(connection->loop, connection);
    }
    charge(connection);
    if (!connection->broken)
        loop_watch(connection->loop, connection);
}

void connection_send_event(struct connection *connection, const struct cql_schema_change *change)
{
    if (!connection->registered || connection->closing || connection->broken)
        return;
    response_schema_event(&connection->out, connection->version, change);
    loop_touch(connection->loop, connection);
}
