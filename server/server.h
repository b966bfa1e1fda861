/*
 * server.h: CQL native protocol v3 and v4 on a TCP port, one event loop per core.
 *
 * Ownership   server_start() binds, listens and starts the loops; server_stop() ends them and frees everything. The database and
 *             the environment are borrowed until then.
 * Errors      Whatever bytes a peer sends, the answer is a reply, an ERROR frame, or the end of that connection. Memory for a
 *             request is reserved from one budget before its body is read.
 * Threads     server_start/stop from one thread; statistics from any.
 */
#ifndef STRAIT_SERVER_SERVER_H
#define STRAIT_SERVER_SERVER_H

#include "cql/session.h"
#include "io/io.h"

struct server;

struct server_options {
    struct cql_database *database;
    struct io_env *env;         /* for threads and time */
    const char *host;           /* numeric address or name; NULL: 127.0.0.1 */
    uint16_t port;              /* 0: a free one */
    uint32_t loops;             /* 0: one per core */
    uint32_t request_bytes_max; /* of one body; 0: 16 MiB */
    uint64_t memory_bytes;      /* for all requests being read and all answers not sent; 0: 256 MiB */
    uint32_t connections_max;   /* 0: 4096 */
    uint32_t
        patience_ms; /* with a handshake or half a frame that stands still, thrice that with unread answers; 0: 10 s */
    enum durability durability; /* DEFAULT: the store's */
};

status server_start(const struct server_options *options, struct server **out_server);
/* The port that answers. */
uint16_t server_port(const struct server *server);
/* Stop accepting, answer what was read, close. NULL is welcome. */
void server_stop(struct server *server);

struct server_stats {
    uint64_t connections, connections_total, requests, errors, refused_bytes;
};
void server_stats(struct server *server, struct server_stats *out_stats);

#endif
