/*
 * connection_internal.h: one client: its bytes in, its frames, its bytes out. A connection belongs to its loop's thread.
 *
 * An idle connection holds no buffers to speak of: bytes are received into the loop's memory, and only half a frame, or
 * frames that wait for the peer to read, are kept in `in`.
 */
#ifndef STRAIT_SERVER_CONNECTION_INTERNAL_H
#define STRAIT_SERVER_CONNECTION_INTERNAL_H

#include "server/loop_internal.h"
#include "server/pace.h"
#include "server/response.h"

enum connection_state {
    CONNECTION_NEW,   /* before STARTUP */
    CONNECTION_READY, /* after READY */
    CONNECTION_STATES
};

struct connection {
    struct loop *loop;                  /* borrowed */
    struct connection *previous, *next; /* in the loop's list */
    struct connection *touched_next;    /* in the loop's list of touched ones */
    int fd;
    enum connection_state state;
    uint8_t version;             /* of the first frame */
    bool registered;             /* wants schema events */
    bool touched;                /* is in that list */
    bool closing;                /* nothing more is read; close when `out` is sent */
    bool ended;                  /* the peer sends nothing more */
    bool lingering;              /* all is sent and the peer was told; what it still sends is thrown away */
    bool broken;                 /* close now */
    uint32_t watched;            /* epoll events asked for */
    struct cql_session *session; /* owned; NULL before STARTUP */
    struct buffer in;            /* owned: received and not handled yet */
    struct buffer out;           /* owned: to be sent from out_at on */
    size_t out_at;
    size_t settled_bytes;    /* of `out`: answers that may be sent; what follows waits for settle() */
    uint64_t skip_bytes;     /* of a refused body, still to arrive */
    uint64_t reserved_bytes; /* of the server's budget, for the body that is arriving */
    uint64_t charged_bytes;  /* of the server's budget, for `out` */
    struct pace arriving, leaving;
    int64_t opened_ns, lingering_ns;
};

/* Takes over `fd` on success. */
struct connection *connection_new(struct loop *loop, int fd);
void connection_free(struct connection *connection);
/* Receive what is there and handle every whole frame. */
void connection_receive(struct connection *connection);
/* Make deferred writes durable, then send. */
void connection_flush(struct connection *connection);
void connection_send_event(struct connection *connection, const struct cql_schema_change *change);
/* True when it is to be closed: handshake, half a frame, or reading of answers too slow. */
bool connection_is_stale(struct connection *connection, int64_t now_ns);

/* True when so much is unsent that nothing more is read. */
bool connection_is_clogged(const struct connection *connection);

/* Handle one frame: dispatch.c. */
void connection_dispatch(struct connection *connection, const struct frame_header *header, struct slice body);

#endif
