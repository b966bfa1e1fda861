/*
 * What a peer sends, through a connection of the server: framing, decoding of requests, statements and answers. The first
 * byte says whether the handshake comes first, and how the rest is cut into pieces. Whatever comes, every answer is a
 * whole frame of a version we speak.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/connection_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { INPUT_BYTES_MAX = 32 << 10 };

static const uint8_t startup[] = "\4\0\0\0\1\0\0\0\x16\0\1\0\x0b"
                                 "CQL_VERSION\0\5"
                                 "3.0.0";

static struct server server;
static struct loop loop;

/* One loop that no thread runs: the fuzzer takes its turns. */
static void start_once(void)
{
    if (loop.server)
        return;
    struct io_env *env;
    struct cql_database *database;
    if (failed(io_env_open(IO_BODY_MEMORY, 1, &env)))
        abort();
    struct cql_database_options options = {.profile = PROFILE_SCYLLA_2025_1,
                                           .store = {.env = env, .shards = 1}};
    if (failed(cql_database_open(&options, &database)))
        abort();
    server = (struct server){
        .options = {.database = database, .env = env, .request_bytes_max = 4096, .patience_ms = 10000},
        .cql_version = "3.3.1",
        .listen_fd = eventfd(0, EFD_CLOEXEC),
        .loop_count = 1,
        .loops = &loop,
    };
    atomic_store(&server.budget_left, 1 << 20);
    if (failed(loop_init(&loop, &server)))
        abort();
}

static void check_answers(int peer)
{
    static uint8_t answers[1 << 20];
    size_t bytes = 0;
    for (ssize_t got; (got = recv(peer, answers + bytes, sizeof answers - bytes, MSG_DONTWAIT)) > 0;)
        bytes += (size_t)got;
    for (size_t at = 0; at < bytes;) {
        if (bytes - at < FRAME_HEADER_BYTES)
            abort();
        struct frame_header header = frame_header_parse(answers + at);
        bool known = header.version >= PROTOCOL_MIN && header.version <= PROTOCOL_MAX && header.is_response;
        if (!known || header.body_bytes > bytes - at - FRAME_HEADER_BYTES)
            abort();
        at += FRAME_HEADER_BYTES + header.body_bytes;
    }
}

static void turn(struct connection *connection, int peer, const uint8_t *data, size_t bytes)
{
    if (connection->broken || send(peer, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)bytes)
        return;
    connection_receive(connection);
    connection_flush(connection);
    check_answers(peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    start_once();
    int ends[2];
    if (bytes < 1 || bytes > INPUT_BYTES_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return 0;
    struct connection *connection = connection_new(&loop, ends[0]);
    struct epoll_event event = {.events = EPOLLIN};
    if (!connection || epoll_ctl(loop.epoll_fd, EPOLL_CTL_ADD, ends[0], &event) != 0)
        abort();

    if (data[0] & 1)
        turn(connection, ends[1], startup, sizeof startup - 1);
    size_t piece = data[0] & 2 ? (size_t)(data[0] >> 2) + 1 : bytes;
    for (size_t at = 1; at < bytes; at += piece)
        turn(connection, ends[1], data + at, bytes - at < piece ? bytes - at : piece);

    loop.touched = NULL;
    struct inbox_content told = inbox_take(&loop.inbox);
    inbox_content_free(&told);
    connection_free(connection);
    close(ends[1]);
    if (atomic_load(&server.budget_left) != 1 << 20) /* what was reserved is given back */
        abort();
    return 0;
}
