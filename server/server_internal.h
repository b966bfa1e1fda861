/* server_internal.h: what the loops of a server share. */
#ifndef STRAIT_SERVER_SERVER_INTERNAL_H
#define STRAIT_SERVER_SERVER_INTERNAL_H

#include <stdatomic.h>

#include "base/lock.h"
#include "server/server.h"

struct loop;

struct server {
    struct server_options options; /* database, env borrowed */
    const char *cql_version;       /* static */
    int listen_fd;
    uint16_t port;
    /* RANK_ACCEPT: one loop at a time takes new peers, so that a descriptor freed to turn one away serves for that. */
    struct lock accepting;
    uint32_t loop_count;
    struct loop *loops; /* owned */
    atomic_bool stopping;
    /* Bytes; below zero while answers that were already made wait for their readers. */
    atomic_int_fast64_t budget_left;
    atomic_uint_fast64_t connections, connections_total, requests, errors, refused_bytes;
};

/* For a body about to be read: false when the budget has no room for it. */
bool server_reserve(struct server *server, uint64_t bytes);
/* For memory that is already held: always granted, and the next reserve feels it. Negative gives back. */
void server_charge(struct server *server, int64_t bytes);
void server_publish(struct server *server, const struct cql_schema_change *change);
/* The loop with the fewest connections. */
struct loop *server_idlest_loop(struct server *server);

#endif
