#include "server/connection_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECEIVE_BYTES = 256 << 10, /* at most, a turn and connection */
    HANDSHAKE_BYTES_MAX =
        16 << 10,            /* of a body before READY: what driver configuration in STARTUP can need */
    OUT_BYTES_MAX = 4 << 20, /* unsent beyond this: nothing more is read */
    KEPT_BYTES = 64 << 10,   /* a buffer that grew beyond this is given back when empty */
};

static const int64_t HANDSHAKE_NS = 10LL * 1000000000, HALF_FRAME_NS = 30LL * 1000000000;

struct connection *connection_new(struct loop *loop, int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->loop = loop;
    connection->fd = fd;
    connection->opened_ns = connection->progress_ns = io_monotonic_ns(loop->server->options.env);
    return connection;
}

void connection_free(struct connection *connection)
{
    server_release(connection->loop->server, connection->reserved_bytes);
    cql_session_close(connection->session);
    buffer_deinit(&connection->in);
    buffer_deinit(&connection->out);
    close(connection->fd);
    free(connection);
}

bool connection_is_stale(const struct connection *connection, int64_t now_ns)
{
    if (connection->state == CONNECTION_NEW)
        return now_ns - connection->opened_ns > HANDSHAKE_NS;
    bool half_frame = connection->in.bytes > connection->in_at || connection->skip_bytes;
    bool unread = connection->out.bytes > connection->out_at;
    return (half_frame || unread) && now_ns - connection->progress_ns > HALF_FRAME_NS;
}

/* ---- frames ---- */

/* The answer goes out in a version that the client can read: its own when we speak it, else our highest. */
static void refuse_version(struct connection *connection, const struct frame_header *header)
{
    char text[160];
    snprintf(text, sizeof text,
             "Invalid or unsupported protocol version (%u); the lowest supported version is %d and the "
             "greatest is %d",
             header->version, PROTOCOL_MIN, PROTOCOL_MAX);
    response_protocol_error(&connection->out,
                            (struct response_head){.version = PROTOCOL_MAX, .stream = header->stream}, text);
    connection->closing = true;
}

static void refuse_other_version(struct connection *connection, const struct frame_header *header)
{
    char text[160];
    snprintf(
        text, sizeof text,
        "Invalid message version. Got %u/v%u but previous messages on this connection had version %u/v%u",
        header->version, header->version, connection->version, connection->version);
    response_protocol_error(&connection->out,
                            (struct response_head){.version = connection->version, .stream = header->stream},
                            text);
    connection->closing = true;
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
    atomic_fetch_add(&connection->loop->server->refused_bytes, header->body_bytes);
}

/* Is the frame one whose body we are willing to read? The header is consumed when it is not. */
static bool admit(struct connection *connection, const struct frame_header *header)
{
    struct server *server = connection->loop->server;
    if (header->version < PROTOCOL_MIN || header->version > PROTOCOL_MAX || header->is_response) {
        refuse_version(connection, header);
        return false;
    }
    if (!connection->version)
        connection->version = header->version;
    if (connection->version != header->version) {
        refuse_other_version(connection, header);
        return false;
    }
    if (header->body_bytes > server->options.request_bytes_max) {
        refuse_body(connection, header, CQL_INVALID, "request is too large");
        connection->closing = connection->state == CONNECTION_NEW;
        return false;
    }
    if (connection->state == CONNECTION_NEW && header->body_bytes > HANDSHAKE_BYTES_MAX) {
        response_protocol_error(&connection->out,
                                (struct response_head){.version = header->version, .stream = header->stream},
                                "message is too large before STARTUP");
        connection->closing = true;
        return false;
    }
    if (connection->reserved_bytes)
        return true;
    if (!server_reserve(server, header->body_bytes)) {
        refuse_body(connection, header, CQL_OVERLOADED, "too many bytes of requests are in flight");
        return false;
    }
    connection->reserved_bytes = header->body_bytes;
    return true;
}

/* Handle the first frame of `in` when it is whole. False when more bytes must come first. */
static bool handle_frame(struct connection *connection)
{
    struct loop *loop = connection->loop;
    size_t have_bytes = connection->in.bytes - connection->in_at;
    if (connection->skip_bytes) {
        size_t skipped = have_bytes < connection->skip_bytes ? have_bytes : (size_t)connection->skip_bytes;
        connection->skip_bytes -= skipped;
        connection->in_at += skipped;
        return skipped > 0;
    }
    if (have_bytes < FRAME_HEADER_BYTES)
        return false;

    const uint8_t *at = connection->in.data + connection->in_at;
    struct frame_header header = frame_header_parse(at);
    if (!admit(connection, &header)) {
        connection->in_at += FRAME_HEADER_BYTES;
        return !connection->closing;
    }
    if (have_bytes < FRAME_HEADER_BYTES + (size_t)header.body_bytes)
        return false;

    connection_dispatch(connection, &header, slice_of(at + FRAME_HEADER_BYTES, header.body_bytes));
    connection->in_at += FRAME_HEADER_BYTES + header.body_bytes;
    server_release(loop->server, connection->reserved_bytes);
    connection->reserved_bytes = 0;
    cql_result_clear(&loop->result);
    arena_reset(&loop->arena);
    return !connection->closing && !connection->broken && !connection->out.failed;
}

/* Move what is left to the front; give a large empty buffer back. */
static void compact(struct buffer *buf, size_t *at)
{
    if (*at == buf->bytes && buf->capacity_bytes > KEPT_BYTES) {
        buffer_deinit(buf);
    } else if (*at) {
        memmove(buf->data, buf->data + *at, buf->bytes - *at);
        buf->bytes -= *at;
    }
    *at = 0;
}

bool connection_is_clogged(const struct connection *connection)
{
    return connection->out.bytes - connection->out_at > OUT_BYTES_MAX;
}

static void handle_frames(struct connection *connection)
{
    while (!connection_is_clogged(connection) && handle_frame(connection))
        ;
    if (connection->out.failed)
        connection->broken = true;
    compact(&connection->in, &connection->in_at);
}

/* Read no more than the frame that is arriving needs, or a fair piece: never by what a header merely claims. */
void connection_receive(struct connection *connection)
{
    size_t received_bytes = 0;
    while (received_bytes < RECEIVE_BYTES && !connection->closing && !connection->broken &&
           !connection_is_clogged(connection)) {
        size_t room = RECEIVE_BYTES / 4;
        if (!buffer_reserve(&connection->in, room)) {
            connection->broken = true;
            return;
        }
        ssize_t got = recv(connection->fd, connection->in.data + connection->in.bytes, room, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (got <= 0) {
            connection->broken = true;
            return;
        }
        connection->in.bytes += (size_t)got;
        received_bytes += (size_t)got;
        connection->progress_ns = io_monotonic_ns(connection->loop->server->options.env);
        handle_frames(connection);
        if ((size_t)got < room)
            break;
    }
}

/* ---- sending ---- */

/* Answers to writes wait here until the writes are durable. When that fails their outcome is unknown, so they are not
 * sent and the connection ends: the client sees a lost connection, never a false acknowledgement. */
static void settle(struct connection *connection)
{
    struct cql_error error = {.code = CQL_OK};
    if (connection->session && connection->out.bytes > connection->settled_bytes &&
        !cql_session_settle(connection->session, &error)) {
        connection->out.bytes = connection->settled_bytes;
        connection->closing = true;
    }
    connection->settled_bytes = connection->out.bytes;
}

void connection_flush(struct connection *connection)
{
    if (connection->broken)
        return;
    settle(connection);
    while (connection->out_at < connection->out.bytes) {
        ssize_t sent = send(connection->fd, connection->out.data + connection->out_at,
                            connection->out.bytes - connection->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (sent <= 0) {
            connection->broken = true;
            return;
        }
        connection->out_at += (size_t)sent;
        connection->progress_ns = io_monotonic_ns(connection->loop->server->options.env);
    }
    bool was_clogged = connection->in.bytes > connection->in_at && !connection_is_clogged(connection);
    if (connection->out_at == connection->out.bytes) {
        compact(&connection->out, &connection->out_at);
        connection->settled_bytes = 0;
        if (connection->closing)
            connection->broken = true;
    }
    if (was_clogged && !connection->closing && !connection->broken) {
        /* Frames that were held back while the peer did not read. */
        size_t before = connection->out.bytes;
        handle_frames(connection);
        if (connection->out.bytes > before)
            connection->touched = true;
    }
    loop_watch(connection->loop, connection);
}

void connection_send_event(struct connection *connection, const struct cql_schema_change *change)
{
    if (!connection->registered || connection->closing || connection->broken)
        return;
    response_schema_event(&connection->out, connection->version, change);
    connection->touched = true;
}
