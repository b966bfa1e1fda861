/*
 * connection_internal.h: one client: its bytes in, its frames, its bytes out. A connection belongs to its loop's thread.
 */
#ifndef STRAIT_SERVER_CONNECTION_INTERNAL_H
#define STRAIT_SERVER_CONNECTION_INTERNAL_H

#include "server/loop_internal.h"
#include "server/response.h"

enum connection_state {
    CONNECTION_NEW,   /* before STARTUP */
    CONNECTION_READY, /* after READY */
    CONNECTION_STATES
};

struct connection {
    struct loop *loop;                  /* borrowed */
    struct connection *previous, *next; /* in the loop's list */
    int fd;
    enum connection_state state;
    uint8_t version;             /* of the first frame */
    bool registered;             /* wants schema events */
    bool closing;                /* close when `out` is sent */
    bool broken;                 /* close now */
    bool touched;                /* has something to settle or send this turn */
    uint32_t watched;            /* epoll events asked for */
    struct cql_session *session; /* owned; NULL before STARTUP */
    struct buffer in;            /* owned: received, not handled from in_at on */
    size_t in_at;
    struct buffer out; /* owned: to be sent from out_at on */
    size_t out_at;
    size_t settled_bytes;    /* of `out`: answers that may be sent; what follows waits for settle() */
    uint64_t skip_bytes;     /* of a refused body, still to arrive */
    uint64_t reserved_bytes; /* of the server's budget, for the body that is arriving */
    int64_t opened_ns, progress_ns;
};

/* Takes over `fd` on success. */
struct connection *connection_new(struct loop *loop, int fd);
void connection_free(struct connection *connection);
/* Receive what is there and handle every whole frame. */
void connection_receive(struct connection *connection);
/* Make deferred writes durable, then send. */
void connection_flush(struct connection *connection);
void connection_send_event(struct connection *connection, const struct cql_schema_change *change);
/* True when it is to be closed: handshake too slow, or half a frame for too long. */
bool connection_is_stale(const struct connection *connection, int64_t now_ns);

/* True when so much is unsent that nothing more is read. */
bool connection_is_clogged(const struct connection *connection);

/* Handle one frame: dispatch.c. */
void connection_dispatch(struct connection *connection, const struct frame_header *header, struct slice body);

#endif
