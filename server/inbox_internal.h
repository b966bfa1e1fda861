/*
 * inbox_internal.h: what other threads leave for a loop: accepted sockets, and schema changes to tell its clients.
 *
 * Threads     put calls from any thread; take from the loop's own. Putting wakes the loop through `wake_fd`.
 */
#ifndef STRAIT_SERVER_INBOX_INTERNAL_H
#define STRAIT_SERVER_INBOX_INTERNAL_H

#include "base/lock.h"
#include "cql/session.h"

struct inbox_content {
    struct cql_schema_change *changes; /* owned */
    int *sockets;                      /* owned, as are the sockets in it */
    uint32_t change_count, change_capacity, socket_count, socket_capacity;
};

struct inbox {
    int wake_fd;      /* readable when something waits */
    struct lock lock; /* RANK_SERVER: guards content */
    struct inbox_content content;
};

/* inbox_deinit() also undoes an init that failed. */
status inbox_init(struct inbox *inbox);
void inbox_deinit(struct inbox *inbox);
void inbox_wake(struct inbox *inbox);
/* When memory runs out the change is not told: clients read the schema again when they connect. */
void inbox_put_change(struct inbox *inbox, const struct cql_schema_change *change);
/* False, and the socket stays the caller's, when memory runs out. */
bool inbox_put_socket(struct inbox *inbox, int socket);
/* Everything put so far; the caller frees it with inbox_content_free() after taking the sockets it wants (set to -1). */
struct inbox_content inbox_take(struct inbox *inbox);
void inbox_content_free(struct inbox_content *content);

#endif
