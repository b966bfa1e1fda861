/*
 * client.h: a raw client of the native protocol for tests, and the server it talks to. Bodies are built by hand, so that
 * wrong ones can be.
 */
#ifndef STRAIT_TESTS_SERVER_CLIENT_H
#define STRAIT_TESTS_SERVER_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/server.h"
#include "server/wire.h"

/* A server over a database in memory. */
struct fixture {
    struct io_env *env;
    struct cql_database *database;
    struct server *server;
};

/* `options` may be NULL; what it leaves out is set. */
struct fixture *fixture_start(const struct server_options *options);
/* Asserts that the server still answers a newcomer, then stops it. */
void fixture_stop(struct fixture *fixture);
/* For cmocka_unit_test_setup_teardown: *state is a fixture with default options. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

struct client {
    int fd;
    uint8_t version;
    struct frame_header answer; /* the last one received */
    struct buffer body;         /* owned: of the last answer */
    struct reader in;           /* in `body` */
};

/* Connected, nothing sent. */
/* A socket, and the same with a connection to the server. */
struct client client_new(uint8_t version);
void client_connect(struct client *client, const struct fixture *fixture);
struct client client_open(const struct fixture *fixture, uint8_t version);
/* Connected, STARTUP answered with READY. */
struct client client_ready(const struct fixture *fixture, uint8_t version);
void client_close(struct client *client);

void client_send_bytes(struct client *client, const void *data, size_t bytes);
/* One frame of the client's version. */
void client_send(struct client *client, uint8_t opcode, int16_t stream, struct slice body);
void client_send_flagged(struct client *client, uint8_t flags, uint8_t opcode, int16_t stream,
                         struct slice body);
/* The next frame into `answer` and `body`; false when the connection has ended. Fails the test after ten seconds. */
bool client_receive(struct client *client);
/* Send on stream 1 and receive. */
void client_ask(struct client *client, uint8_t opcode, struct slice body);

/* A frame as bytes. */
void put_frame(struct buffer *out, uint8_t version, uint8_t flags, uint8_t opcode, int16_t stream,
               struct slice body);
/* The body of QUERY with consistency ONE and `flags`; what the flags ask for is appended by the caller. */
void put_query(struct buffer *body, const char *text, uint8_t flags);

/* Run a statement; asserts that the answer is a RESULT and returns its kind, with `in` behind it. */
uint32_t client_query(struct client *client, const char *text);
/* PREPARE; asserts success, with `in` behind the id. */
struct slice client_prepare(struct client *client, const char *text, uint8_t out_id[16]);

/* The last answer is an ERROR of `code` whose text contains `text`; `in` stands behind the text. */
void assert_answer_error(struct client *client, enum cql_code code, const char *text);
/* The server ends the connection, and sends nothing more. */
void assert_ended(struct client *client);
/* A [string] at `in`. */
void assert_string(struct client *client, const char *text);
/* Another request on this connection is answered. */
void assert_usable(struct client *client);

#endif
