/*
 * chat.h: the rows of a chat, the same for every engine and every run of one seed.
 *
 * Shapes      A row belongs to a channel (a 64-bit id; popularity is Zipf 0.99) and is ordered in it by
 *             (created_ms DESC, id). created_ms follows arrival, except for one row in 20 that is up to an hour late.
 *             id is a random (version 4) uuid; author is one of 20,000 uuids, of which a channel has 400 that
 *             write by Zipf; text 20 to 400 bytes of
 *             words, reply_to a 64-bit number that three rows in four do not have. A key of 32 bytes and a value of
 *             about 152: see chat_row_bytes().
 * Ownership   chat_new() makes all rows at once, so that making them is in no measurement. Rows and their text live
 *             as long as the chat.
 * Threads     Nothing changes after chat_new(); everybody may read.
 */
#ifndef STRAIT_BENCH_PEERS_CHAT_H
#define STRAIT_BENCH_PEERS_CHAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "bench/peers/zipf.h"

enum {
    CHAT_TEXT_BYTES_MIN = 20,
    CHAT_TEXT_BYTES_MAX = 400,
};

struct chat_options {
    uint64_t seed;
    uint64_t rows;     /* less than 2^32 */
    uint32_t channels; /* at least 1 */
};

struct chat_row {
    uint64_t channel; /* the id, not its rank */
    int64_t created_ms;
    int64_t arrived_us; /* unique and rising: the write timestamp */
    const char *text;   /* borrowed from the chat, or from an engine that read it */
    uint32_t text_bytes;
    bool has_reply_to;
    int64_t reply_to;
    uint8_t id[16];
    uint8_t author[16];
};

/* Key and value as the peers keep them: channel 8, time 8, id 16; author 16, a byte of flags, reply_to 8 if any, text. */
static inline uint32_t chat_row_bytes(const struct chat_row *row)
{
    return 32 + 17 + (row->has_reply_to ? 8u : 0u) + row->text_bytes;
}

struct chat {
    struct chat_options options;
    struct chat_row *rows; /* owned, in order of arrival */
    char *text;            /* owned: all texts, one after another */
    uint64_t bytes;        /* sum of chat_row_bytes() */
    int64_t first_ms, last_ms;
    struct zipf popularity; /* of channels by rank */
};

/* NULL when memory ran out. */
struct chat *chat_new(const struct chat_options *options);
void chat_free(struct chat *chat);

/* The id of the channel of a popularity rank; ranks next to each other are far apart as ids. */
uint64_t chat_channel_id(uint32_t rank);

/* A channel as readers ask for it: by popularity. */
static inline uint64_t chat_pick_channel(const struct chat *chat, struct random *rng)
{
    return chat_channel_id(zipf_draw(&chat->popularity, rng));
}

#endif
