/*
 * strategy.h: one message stream under several partition keys: the table and the statements of each.
 *
 * A statement's fields say what is bound to its markers, in order, one letter each:
 *     c channel_id   s server_id   m month   t created_at   i id   x content   a member_id   d deleted   u updated_at
 */
#ifndef STRAIT_TOOLS_STRATEGY_H
#define STRAIT_TOOLS_STRATEGY_H

#include <stdbool.h>

#include <strait.h>

#include "tools/chat_stream.h"

enum {
    STRATEGY_COUNT = 3,
    STRATEGY_PAGE_ROWS = 50,
};

struct strategy_statement {
    const char *text;
    const char *fields;
};

struct strategy {
    const char *name;   /* "(channel_id)" */
    const char *key;    /* fields of the partition key: "c" */
    const char *folder; /* of its store, below the demo's */
    const char *table;  /* CREATE TABLE crystal.messages ...; NULL: the schema's own */
    bool by_month;      /* a channel is read month by month, newest first */
    struct strategy_statement insert, edit, mark, remove, newest, back;
};

extern const struct strategy strategies[STRATEGY_COUNT];

/* Bind the fields of `message` to the markers of `statement`; STRAIT_OK or the first refusal. */
int strategy_bind(strait_statement *statement, const char *fields, const struct chat_message *message);

/* Whether two messages lie in one partition. */
bool strategy_same_partition(const struct strategy *strategy, const struct chat_message *a,
                             const struct chat_message *b);
/* Where the message's partition lies on the ring. */
int64_t strategy_token(const struct strategy *strategy, const struct chat_message *message);

#endif
