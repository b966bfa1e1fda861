/*
 * oracle.h: the right answers, from the rows themselves.
 *
 * Rows in the order (channel, created_ms DESC, id), found by binary search. What an engine answers is compared with this,
 * so that two engines with the same fault do not agree.
 */
#ifndef STRAIT_BENCH_PEERS_ORACLE_H
#define STRAIT_BENCH_PEERS_ORACLE_H

#include "bench/peers/answer.h"

struct oracle {
    const struct chat *chat; /* borrowed */
    uint32_t *order;         /* owned: places in chat->rows */
    uint64_t count;
};

/* One question of a reader. */
struct question {
    uint64_t channel;
    int64_t before_ms; /* rows created before that; INT64_MAX: the newest */
    uint32_t row;      /* point reads: place of the row asked for */
};

/* False when memory ran out. */
bool oracle_init(struct oracle *oracle, const struct chat *chat);
void oracle_deinit(struct oracle *oracle);

/* The newest `limit` rows of the channel that were created before `before_ms`. */
void oracle_newest(const struct oracle *oracle, const struct question *question, uint32_t limit,
                   struct answer *answer);
/* `sum` and `rows` of the first `count` rows that arrived. */
struct answer oracle_sum(const struct chat *chat, uint64_t count);

#endif
