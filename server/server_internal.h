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
    uint32_t loop_count;
    struct loop *loops; /* owned */
    atomic_bool stopping;
    atomic_uint_fast64_t budget_left; /* bytes; reserved and released by connections */
    atomic_uint_fast64_t connections, connections_total, requests, errors, refused_bytes;
};

bool server_reserve(struct server *server, uint64_t bytes);
void server_release(struct server *server, uint64_t bytes);
void server_publish(struct server *server, const struct cql_schema_change *change);

#endif
