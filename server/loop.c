#include "server/loop_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/connection_internal.h"

enum {
    EVENTS_PER_TURN = 128,
    SWEEP_MS = 1000,
};

static const int64_t SWEEP_NS = 1000000000;

void loop_watch(struct loop *loop, struct connection *connection)
{
    bool unsent = connection->out.bytes > connection->out_at;
    uint32_t wanted = EPOLLRDHUP | (unsent ? EPOLLOUT : 0) | (connection->closing ? 0 : EPOLLIN);
    if (connection_is_clogged(connection))
        wanted &= ~(uint32_t)EPOLLIN;
    if (wanted == connection->watched)
        return;
    struct epoll_event event = {.events = wanted, .data.ptr = connection};
    if (epoll_ctl(loop->epoll_fd, connection->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, connection->fd,
                  &event) != 0)
        connection->broken = true;
    connection->watched = wanted;
}

static void link_connection(struct loop *loop, struct connection *connection)
{
    connection->next = loop->connections;
    if (loop->connections)
        loop->connections->previous = connection;
    loop->connections = connection;
    atomic_fetch_add(&loop->server->connections, 1);
    atomic_fetch_add(&loop->server->connections_total, 1);
}

static void drop_connection(struct loop *loop, struct connection *connection)
{
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        loop->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    atomic_fetch_sub(&loop->server->connections, 1);
    connection_free(connection);
}

/* Out of descriptors: turn the peer away with the spare one, so that it is not left waiting in the queue. */
static void turn_away(struct loop *loop)
{
    if (loop->spare_fd < 0)
        return;
    close(loop->spare_fd);
    int fd = accept4(loop->server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        close(fd);
    loop->spare_fd = eventfd(0, EFD_CLOEXEC);
}

static void accept_all(struct loop *loop)
{
    struct server *server = loop->server;
    for (;;) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                turn_away(loop);
            return;
        }
        int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
        bool full = atomic_load(&server->connections) >= server->options.connections_max;
        struct connection *connection = full ? NULL : connection_new(loop, fd);
        if (!connection) {
            close(fd);
            continue;
        }
        link_connection(loop, connection);
        loop_watch(loop, connection);
        if (connection->broken)
            drop_connection(loop, connection);
    }
}

static void tell_events(struct loop *loop)
{
    uint64_t count;
    if (read(loop->wake_fd, &count, sizeof count) < 0)
        return;
    lock_acquire(&loop->lock);
    struct cql_schema_change *events = loop->events;
    uint32_t event_count = loop->event_count;
    loop->events = NULL;
    loop->event_count = loop->event_capacity = 0;
    lock_release(&loop->lock);
    for (uint32_t i = 0; i < event_count; i++)
        for (struct connection *c = loop->connections; c; c = c->next)
            connection_send_event(c, &events[i]);
    free(events);
}

void loop_publish(struct loop *loop, const struct cql_schema_change *change)
{
    lock_acquire(&loop->lock);
    if (loop->event_count == loop->event_capacity) {
        uint32_t capacity = loop->event_capacity ? loop->event_capacity * 2 : 8;
        struct cql_schema_change *grown = realloc(loop->events, capacity * sizeof *grown);
        if (grown) {
            loop->events = grown;
            loop->event_capacity = capacity;
        }
    }
    if (loop->event_count < loop->event_capacity)
        loop->events[loop->event_count++] = *change;
    lock_release(&loop->lock);
    uint64_t one = 1;
    while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void finish_turn(struct loop *loop)
{
    for (struct connection *c = loop->connections, *next; c; c = next) {
        next = c->next;
        while (c->touched && !c->broken) {
            c->touched = false;
            connection_flush(c);
        }
        if (c->broken)
            drop_connection(loop, c);
    }
}

static void sweep(struct loop *loop, int64_t now_ns)
{
    for (struct connection *c = loop->connections; c; c = c->next)
        if (connection_is_stale(c, now_ns))
            c->broken = true;
}

static void run(void *argument)
{
    struct loop *loop = argument;
    struct server *server = loop->server;
    struct epoll_event events[EVENTS_PER_TURN];
    int64_t swept_ns = io_monotonic_ns(server->options.env);

    while (!atomic_load(&server->stopping)) {
        int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, SWEEP_MS);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &server->listen_fd) {
                accept_all(loop);
            } else if (events[i].data.ptr == &loop->wake_fd) {
                tell_events(loop);
            } else {
                struct connection *connection = events[i].data.ptr;
                if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
                    connection_receive(connection);
                connection->touched = true;
            }
        }
        int64_t now_ns = io_monotonic_ns(server->options.env);
        if (now_ns - swept_ns > SWEEP_NS) {
            sweep(loop, now_ns);
            swept_ns = now_ns;
        }
        finish_turn(loop);
    }
    while (loop->connections)
        drop_connection(loop, loop->connections);
}

static bool watch(struct loop *loop, int fd, uint32_t wanted, void *tag)
{
    struct epoll_event event = {.events = wanted, .data.ptr = tag};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

status loop_init(struct loop *loop, struct server *server)
{
    *loop = (struct loop){.server = server, .epoll_fd = -1, .wake_fd = -1};
    loop->spare_fd = eventfd(0, EFD_CLOEXEC);
    lock_init(&loop->lock, RANK_SERVER);
    arena_init(&loop->arena, 64 << 10);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return STATUS_FROM_ERRNO(errno);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return STATUS_FROM_ERRNO(errno);
    if (!watch(loop, server->listen_fd, EPOLLIN | EPOLLEXCLUSIVE, &server->listen_fd) ||
        !watch(loop, loop->wake_fd, EPOLLIN, &loop->wake_fd))
        return STATUS_FROM_ERRNO(errno);
    return STATUS_DONE;
}

status loop_start(struct loop *loop, uint32_t number)
{
    char name[16];
    snprintf(name, sizeof name, "loop-%u", number);
    return io_thread_start(loop->server->options.env, name, run, loop, &loop->thread);
}

void loop_stop(struct loop *loop)
{
    if (!loop->server)
        return;
    if (loop->wake_fd >= 0) {
        uint64_t one = 1;
        while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
            ;
    }
    io_thread_join(loop->thread);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    if (loop->spare_fd >= 0)
        close(loop->spare_fd);
    cql_result_deinit(&loop->result);
    arena_deinit(&loop->arena);
    lock_deinit(&loop->lock);
    free(loop->events);
}
