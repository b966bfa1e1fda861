/*
 * loop_internal.h: an event loop: one thread, one epoll set, its connections. Requests are run inline; answers of a turn
 * are sent with one call a connection.
 */
#ifndef STRAIT_SERVER_LOOP_INTERNAL_H
#define STRAIT_SERVER_LOOP_INTERNAL_H

#include "server/server_internal.h"

struct connection;

struct loop {
    struct server *server;    /* borrowed */
    struct io_thread *thread; /* owned */
    int epoll_fd, wake_fd;
    int spare_fd;                     /* given up to accept and turn away when descriptors run out */
    struct connection *connections;   /* owned list */
    struct cql_result result;         /* owned: of the request being run */
    struct arena arena;               /* owned: of the request being run */
    struct lock lock;                 /* RANK_SERVER: guards events */
    struct cql_schema_change *events; /* owned: to be told to registered connections */
    uint32_t event_count, event_capacity;
};

/* Ready to be published to, not running yet. loop_stop() also undoes an init that failed. */
status loop_init(struct loop *loop, struct server *server);
status loop_start(struct loop *loop, uint32_t number);
/* The server is stopping: returns when the loop's thread has ended and its connections are closed. */
void loop_stop(struct loop *loop);
/* From any thread: tell registered connections of this loop. */
void loop_publish(struct loop *loop, const struct cql_schema_change *change);
/* Ask epoll for what the connection can take. */
void loop_watch(struct loop *loop, struct connection *connection);

#endif
