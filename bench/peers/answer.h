/*
 * answer.h: what a reader got, as a number that must be the same for every engine.
 *
 * Every byte of every row is read and added up, in words and in lanes, which costs a few nanoseconds: a checksum
 * against engines that answer differently, not against an adversary. `chain` depends on the order of the rows of one
 * query, `sum` does not.
 */
#ifndef STRAIT_BENCH_PEERS_ANSWER_H
#define STRAIT_BENCH_PEERS_ANSWER_H

#include <string.h>

#include "bench/peers/chat.h"

struct answer {
    uint64_t chain; /* of the query at hand */
    uint64_t sum;   /* of all rows, in any order */
    uint64_t total; /* of the chains of all queries, in any order */
    uint64_t rows;
    uint64_t disorder; /* rows of one query that were newer than the one before */
    int64_t last_ms;   /* of the query at hand */
};

#define ANSWER_EMPTY ((struct answer){.last_ms = INT64_MAX})

static inline uint64_t answer_turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline uint64_t answer_word(const void *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* At least CHAT_TEXT_BYTES_MIN bytes: the last words may overlap what was added already. */
static inline uint64_t answer_text(const char *text, uint32_t bytes)
{
    uint64_t a = bytes, b = 1, c = 2, d = 3;
    const char *at = text, *end = text + bytes;
    for (; end - at >= 32; at += 32) {
        a = answer_turn(a, 7) + answer_word(at);
        b = answer_turn(b, 7) + answer_word(at + 8);
        c = answer_turn(c, 7) + answer_word(at + 16);
        d = answer_turn(d, 7) + answer_word(at + 24);
    }
    for (; end - at >= 8; at += 8)
        a = answer_turn(a, 11) + answer_word(at);
    if (bytes >= 8)
        b += answer_word(end - 8);
    return a + answer_turn(b, 17) + answer_turn(c, 31) + answer_turn(d, 47);
}

static inline uint64_t answer_of_row(const struct chat_row *row)
{
    uint64_t fixed = row->channel + answer_turn((uint64_t)row->created_ms, 13) +
                     answer_turn(answer_word(row->id), 5) + answer_turn(answer_word(row->id + 8), 23) +
                     answer_turn(answer_word(row->author), 37) +
                     answer_turn(answer_word(row->author + 8), 41);
    if (row->has_reply_to)
        fixed += answer_turn((uint64_t)row->reply_to ^ 0x5bd1e995, 53);
    return (fixed ^ answer_text(row->text, row->text_bytes)) * 0x9e3779b97f4a7c15ULL;
}

static inline void answer_add(struct answer *answer, const struct chat_row *row)
{
    uint64_t hash = answer_of_row(row);
    answer->chain = answer_turn(answer->chain, 9) + hash;
    answer->sum += hash;
    answer->rows++;
    answer->disorder += row->created_ms > answer->last_ms;
    answer->last_ms = row->created_ms;
}

/* The query at hand is complete. */
static inline void answer_end(struct answer *answer)
{
    answer->total += (answer->chain ^ answer->chain >> 29) * 0xbf58476d1ce4e5b9ULL;
    answer->chain = 0;
    answer->last_ms = INT64_MAX;
}

static inline void answer_merge(struct answer *into, const struct answer *from)
{
    into->sum += from->sum;
    into->total += from->total;
    into->rows += from->rows;
    into->disorder += from->disorder;
}

#endif
