#include "server/server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/io.h"
#include "server/loop_internal.h"

enum {
    LISTEN_BACKLOG = 512,
    LOOPS_MAX = 64,
};

bool server_reserve(struct server *server, uint64_t bytes)
{
    int_fast64_t left = atomic_load_explicit(&server->budget_left, memory_order_relaxed);
    do {
        if (bytes && left < (int_fast64_t)bytes)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&server->budget_left, &left, left - (int_fast64_t)bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void server_charge(struct server *server, int64_t bytes)
{
    if (bytes)
        atomic_fetch_sub_explicit(&server->budget_left, bytes, memory_order_relaxed);
}

void server_publish(struct server *server, const struct cql_schema_change *change)
{
    for (uint32_t i = 0; i < server->loop_count; i++)
        inbox_put_change(&server->loops[i].inbox, change);
}

struct loop *server_idlest_loop(struct server *server)
{
    struct loop *idlest = &server->loops[0];
    for (uint32_t i = 1; i < server->loop_count; i++)
        if (atomic_load(&server->loops[i].connection_count) < atomic_load(&idlest->connection_count))
            idlest = &server->loops[i];
    return idlest;
}

static status listen_on(struct server *server, const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
    if (fd < 0)
        return STATUS_FROM_ERRNO(errno);
    int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_storage bound;
    socklen_t bound_bytes = sizeof bound;
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, LISTEN_BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &bound_bytes) != 0) {
        int error = errno;
        close(fd);
        return STATUS_OS(error == EADDRINUSE ? STATUS_BUSY : STATUS_IO, error);
    }
    server->listen_fd = fd;
    server->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                     : ((struct sockaddr_in *)&bound)->sin_port);
    return STATUS_DONE;
}

/* IPv4 first: a name such as localhost stands for both, and that is where drivers look. */
static status listen_anywhere(struct server *server)
{
    static const int families[] = {AF_INET, AF_INET6};
    char port[8];
    snprintf(port, sizeof port, "%u", server->options.port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE},
                    *found;
    if (getaddrinfo(server->options.host, port, &hints, &found) != 0)
        return STATUS_FAIL(STATUS_INVALID);
    status st = STATUS_FAIL(STATUS_INVALID);
    for (unsigned i = 0; i < ARRAY_LEN(families) && server->listen_fd < 0; i++) {
        for (const struct addrinfo *address = found; address && server->listen_fd < 0;
             address = address->ai_next)
            if (address->ai_family == families[i])
                st = listen_on(server, address);
    }
    freeaddrinfo(found);
    return st;
}

/* What clients are told to connect to: the address as a number, and the machine itself where we listen on all. */
static void announce_address(const struct server *server)
{
    struct sockaddr_storage bound;
    socklen_t bound_bytes = sizeof bound;
    char text[64] = "127.0.0.1";
    if (getsockname(server->listen_fd, (struct sockaddr *)&bound, &bound_bytes) == 0)
        getnameinfo((struct sockaddr *)&bound, bound_bytes, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    if (strcmp(text, "0.0.0.0") == 0 || strcmp(text, "::") == 0)
        snprintf(text, sizeof text, "127.0.0.1");
    cql_database_set_address(server->options.database, text, server->port);
}

static void apply_defaults(struct server_options *options)
{
    if (!options->host)
        options->host = "127.0.0.1";
    if (!options->request_bytes_max)
        options->request_bytes_max = 16 << 20;
    if (!options->memory_bytes)
        options->memory_bytes = 256 << 20;
    if (!options->connections_max)
        options->connections_max = 4096;
    if (!options->patience_ms)
        options->patience_ms = 10000;
    if (!options->loops)
        options->loops = io_cores();
    if (options->loops > LOOPS_MAX)
        options->loops = LOOPS_MAX;
}

status server_start(const struct server_options *options, struct server **out_server)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return STATUS_FAIL(STATUS_NOMEM);
    server->options = *options;
    apply_defaults(&server->options);
    server->listen_fd = -1;
    lock_init(&server->accepting, RANK_ACCEPT);
    server->cql_version = cql_target_of(cql_database_profile(options->database))->cql_version;
    if (server->options.memory_bytes > INT64_MAX)
        server->options.memory_bytes = INT64_MAX;
    atomic_store(&server->budget_left, (int64_t)server->options.memory_bytes);

    status st = listen_anywhere(server);
    if (failed(st))
        goto out;
    announce_address(server);
    server->loops = calloc(server->options.loops, sizeof *server->loops);
    if (!server->loops) {
        st = STATUS_FAIL(STATUS_NOMEM);
        goto out;
    }
    /* All loops exist before the first connection can publish to them. */
    for (; server->loop_count < server->options.loops && ok(st); server->loop_count++)
        st = loop_init(&server->loops[server->loop_count], server);
    for (uint32_t i = 0; i < server->loop_count && ok(st); i++)
        st = loop_start(&server->loops[i], i);
    if (failed(st))
        goto out;
    *out_server = server;
    server = NULL;
out:
    server_stop(server);
    return st;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

void server_stop(struct server *server)
{
    if (!server)
        return;
    atomic_store(&server->stopping, true);
    for (uint32_t i = 0; i < server->loop_count; i++)
        loop_join(&server->loops[i]);
    /* Only now: until the last thread has ended, any loop may be published to. */
    for (uint32_t i = 0; i < server->loop_count; i++)
        loop_deinit(&server->loops[i]);
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    lock_deinit(&server->accepting);
    free(server->loops);
    free(server);
}

void server_stats(struct server *server, struct server_stats *out_stats)
{
    *out_stats = (struct server_stats){
        .connections = atomic_load(&server->connections),
        .connections_total = atomic_load(&server->connections_total),
        .requests = atomic_load(&server->requests),
        .errors = atomic_load(&server->errors),
        .refused_bytes = atomic_load(&server->refused_bytes),
    };
}
