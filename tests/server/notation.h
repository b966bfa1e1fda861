/* notation.h: bodies of requests and claims about answers, for the tests of requests. */
#ifndef STRAIT_TESTS_SERVER_NOTATION_H
#define STRAIT_TESTS_SERVER_NOTATION_H

#include "client.h"

enum {
    KIND_VOID = 1,
    KIND_ROWS = 2,
    KIND_SET_KEYSPACE = 3,
    KIND_PREPARED = 4,
    KIND_SCHEMA_CHANGE = 5,

    FLAG_VALUES = 0x01,
    FLAG_SKIP_METADATA = 0x02,
    FLAG_PAGE_SIZE = 0x04,
    FLAG_PAGING_STATE = 0x08,
    FLAG_NAMES = 0x40,

    METADATA_GLOBAL = 1,
    METADATA_MORE = 2,
    METADATA_NONE = 4,
};

extern const char create_keyspace[]; /* k */

/* A client in keyspace k with the table t (p, c, v). */
struct client client_with_table(const struct fixture *fixture, uint8_t version);
struct client client_in_k(const struct fixture *fixture, uint8_t version);
void put_int(struct buffer *body, int32_t value);
void put_null(struct buffer *body, int32_t kind);
/* EXECUTE of `id` at consistency ONE with `count` values, which the caller appends. */
void put_execute(struct buffer *body, struct slice id, uint8_t flags, uint16_t count);
void client_ask_buffer(struct client *client, uint8_t opcode, struct buffer *body);
/* RESULT of the kind. */
void assert_kind(struct client *client, uint32_t kind);
/* Past the metadata of rows, of scalar columns; `in` then stands at the first cell. Returns the number of rows. */
uint32_t skip_metadata(struct client *client, struct slice *out_paging_state);
uint32_t row_count(struct client *client, const char *text);

#endif
