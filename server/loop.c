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
    SWEEP_MS_MAX = 1000,
    REQUEST_ARENA_BYTES = 64 << 10,
    REQUEST_KEPT_BYTES = 2 << 20, /* a request that needed more memory than this gives it back */
};

/* ---- connections ---- */

void loop_watch(struct loop *loop, struct connection *connection)
{
    bool unsent = connection->out.bytes > connection->out_at;
    bool deaf = (connection->closing && !connection->lingering) || connection_is_clogged(connection);
    uint32_t wanted = (unsent ? (uint32_t)EPOLLOUT : 0) | (deaf ? 0 : (uint32_t)EPOLLIN);
    if (wanted == connection->watched)
        return;
    struct epoll_event event = {.events = wanted, .data.ptr = connection};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event) != 0)
        connection->broken = true;
    connection->watched = wanted;
}

void loop_touch(struct loop *loop, struct connection *connection)
{
    if (connection->touched)
        return;
    connection->touched = true;
    connection->touched_next = loop->touched;
    loop->touched = connection;
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
    atomic_fetch_sub(&loop->connection_count, 1);
    connection_free(connection);
}

/* Takes over `fd`, which was counted when it was accepted. */
static void adopt(struct loop *loop, int fd)
{
    struct connection *connection = connection_new(loop, fd);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (!connection || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        if (connection)
            connection_free(connection);
        else
            close(fd);
        atomic_fetch_sub(&loop->server->connections, 1);
        atomic_fetch_sub(&loop->connection_count, 1);
        return;
    }
    connection->watched = EPOLLIN;
    connection->next = loop->connections;
    if (loop->connections)
        loop->connections->previous = connection;
    loop->connections = connection;
}

static void finish_turn(struct loop *loop)
{
    while (loop->touched) {
        struct connection *connection = loop->touched;
        loop->touched = connection->touched_next;
        connection->touched = false;
        connection_flush(connection);
        if (connection->broken) {
            if (connection->touched) /* it touched itself while it was flushed, so it stands first */
                loop->touched = connection->touched_next;
            drop_connection(loop, connection);
        }
    }
}

/* ---- accepting ---- */

static bool watch(struct loop *loop, int fd, uint32_t wanted, void *tag)
{
    struct epoll_event event = {.events = wanted, .data.ptr = tag};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool watch_listener(struct loop *loop)
{
    return watch(loop, loop->server->listen_fd, EPOLLIN | EPOLLEXCLUSIVE, &loop->server->listen_fd);
}

/* Out of descriptors: turn the peer away with the spare one, so that it is not left waiting in the queue. Where even that
 * fails the listener is left alone for a while, instead of being reported ready for ever. */
static void turn_away(struct loop *loop)
{
    if (loop->spare_fd >= 0) {
        close(loop->spare_fd);
        int fd = accept4(loop->server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            close(fd);
    }
    loop->spare_fd = eventfd(0, EFD_CLOEXEC);
    if (loop->spare_fd < 0) {
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, loop->server->listen_fd, NULL);
        loop->deaf = true;
    }
}

/* Which loop is woken for a new peer is the kernel's choice, and mostly the same one: so it goes to the idlest. */
static void place(struct loop *loop, int fd)
{
    struct server *server = loop->server;
    struct loop *target = server_idlest_loop(server);
    atomic_fetch_add(&server->connections, 1);
    atomic_fetch_add(&server->connections_total, 1);
    atomic_fetch_add(&target->connection_count, 1);
    if (target == loop) {
        adopt(loop, fd);
    } else if (!inbox_put_socket(&target->inbox, fd)) {
        close(fd);
        atomic_fetch_sub(&server->connections, 1);
        atomic_fetch_sub(&target->connection_count, 1);
    }
}

static void accept_all_locked(struct loop *loop)
{
    struct server *server = loop->server;
    for (;;) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                turn_away(loop);
            return;
        }
        if (atomic_load(&server->connections) >= server->options.connections_max) {
            close(fd);
            continue;
        }
        int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
        place(loop, fd);
    }
}

static void accept_all(struct loop *loop)
{
    lock_acquire(&loop->server->accepting);
    accept_all_locked(loop);
    lock_release(&loop->server->accepting);
}

static void read_inbox(struct loop *loop)
{
    struct inbox_content content = inbox_take(&loop->inbox);
    for (uint32_t i = 0; i < content.change_count; i++)
        for (struct connection *c = loop->connections; c; c = c->next)
            connection_send_event(c, &content.changes[i]);
    for (uint32_t i = 0; i < content.socket_count; i++) {
        adopt(loop, content.sockets[i]);
        content.sockets[i] = -1;
    }
    inbox_content_free(&content);
}

/* ---- turns ---- */

static int sweep_ms(const struct server *server)
{
    uint32_t quarter = server->options.patience_ms / 4;
    return quarter < 1 ? 1 : quarter < SWEEP_MS_MAX ? (int)quarter : SWEEP_MS_MAX;
}

/* After everything that arrived was looked at, so that nobody is blamed for our own slowness. */
static void sweep(struct loop *loop)
{
    int64_t now_ns = io_monotonic_ns(loop->server->options.env);
    if (now_ns - loop->swept_ns < (int64_t)sweep_ms(loop->server) * 1000000)
        return;
    loop->swept_ns = now_ns;
    for (struct connection *c = loop->connections, *next; c; c = next) {
        next = c->next;
        if (connection_is_stale(c, now_ns))
            drop_connection(loop, c);
    }
    if (loop->deaf && loop->spare_fd < 0)
        loop->spare_fd = eventfd(0, EFD_CLOEXEC);
    if (loop->deaf && loop->spare_fd >= 0)
        loop->deaf = !watch_listener(loop);
}

static void handle_event(struct loop *loop, const struct epoll_event *event)
{
    if (event->data.ptr == &loop->server->listen_fd) {
        accept_all(loop);
    } else if (event->data.ptr == &loop->inbox) {
        read_inbox(loop);
    } else {
        struct connection *connection = event->data.ptr;
        if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            connection_receive(connection);
        loop_touch(loop, connection);
    }
}

static void run(void *argument)
{
    struct loop *loop = argument;
    struct epoll_event events[EVENTS_PER_TURN];
    loop->swept_ns = io_monotonic_ns(loop->server->options.env);
    while (!atomic_load(&loop->server->stopping)) {
        int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, sweep_ms(loop->server));
        for (int i = 0; i < count; i++)
            handle_event(loop, &events[i]);
        finish_turn(loop);
        sweep(loop);
    }
    while (loop->connections)
        drop_connection(loop, loop->connections);
}

void loop_clear_request(struct loop *loop)
{
    if (loop->result.rows.capacity_bytes > REQUEST_KEPT_BYTES ||
        loop->result.arena.reserved_bytes > REQUEST_KEPT_BYTES)
        cql_result_deinit(&loop->result);
    else
        cql_result_clear(&loop->result);
    if (loop->arena.reserved_bytes > REQUEST_KEPT_BYTES) {
        arena_deinit(&loop->arena);
        arena_init(&loop->arena, REQUEST_ARENA_BYTES);
    } else {
        arena_reset(&loop->arena);
    }
}

/* ---- life ---- */

status loop_init(struct loop *loop, struct server *server)
{
    *loop = (struct loop){.server = server, .epoll_fd = -1};
    loop->spare_fd = eventfd(0, EFD_CLOEXEC);
    arena_init(&loop->arena, REQUEST_ARENA_BYTES);
    TRY(inbox_init(&loop->inbox));
    loop->received = malloc(RECEIVE_BYTES);
    if (!loop->received)
        return STATUS_FAIL(STATUS_NOMEM);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return STATUS_FROM_ERRNO(errno);
    if (!watch_listener(loop) || !watch(loop, loop->inbox.wake_fd, EPOLLIN, &loop->inbox))
        return STATUS_FROM_ERRNO(errno);
    return STATUS_DONE;
}

status loop_start(struct loop *loop, uint32_t number)
{
    char name[16];
    snprintf(name, sizeof name, "loop-%u", number);
    return io_thread_start(loop->server->options.env, name, run, loop, &loop->thread);
}

void loop_join(struct loop *loop)
{
    if (!loop->thread)
        return;
    inbox_wake(&loop->inbox);
    io_thread_join(loop->thread);
    loop->thread = NULL;
}

void loop_deinit(struct loop *loop)
{
    inbox_deinit(&loop->inbox);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    if (loop->spare_fd >= 0)
        close(loop->spare_fd);
    cql_result_deinit(&loop->result);
    arena_deinit(&loop->arena);
    free(loop->received);
}
