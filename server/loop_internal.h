/*
 * loop_internal.h: an event loop: one thread, one epoll set, its connections. Requests are run inline; answers of a turn
 * are sent with one call a connection.
 */
#ifndef STRAIT_SERVER_LOOP_INTERNAL_H
#define STRAIT_SERVER_LOOP_INTERNAL_H

#include "server/inbox_internal.h"
#include "server/server_internal.h"

enum { RECEIVE_BYTES = 64 << 10 };

struct connection;

struct loop {
    struct server *server;    /* borrowed */
    struct io_thread *thread; /* owned; NULL when it never ran */
    int epoll_fd;
    int spare_fd;     /* given up to accept and turn away when descriptors run out */
    bool deaf;        /* cannot even turn away: the listener is not watched until the next sweep */
    int64_t swept_ns; /* when stale connections were last looked for */
    atomic_uint_fast32_t connection_count; /* with sockets on their way here */
    struct connection *connections;        /* owned list */
    struct connection *touched;            /* those with something to settle, send or close this turn */
    uint8_t *received;                     /* owned: RECEIVE_BYTES, what one recv() brought */
    struct cql_result result;              /* owned: of the request being run */
    struct arena arena;                    /* owned: of the request being run */
    struct inbox inbox;                    /* from other threads */
};

/* Ready to be published to, not running yet. loop_deinit() also undoes an init that failed. */
status loop_init(struct loop *loop, struct server *server);
status loop_start(struct loop *loop, uint32_t number);
/* The server is stopping: returns when the loop's thread has ended and its connections are closed. */
void loop_join(struct loop *loop);
/* No thread of the server runs any more. */
void loop_deinit(struct loop *loop);
/* Ask epoll for what the connection can take. */
void loop_watch(struct loop *loop, struct connection *connection);
/* See to the connection at the end of this turn. */
void loop_touch(struct loop *loop, struct connection *connection);
/* A request is done: what it needed is free for the next one. */
void loop_clear_request(struct loop *loop);

#endif
