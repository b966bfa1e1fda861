/*
 * Learning tokens. One pass over the sample cuts it into the longest tokens known so far and counts pairs of
 * neighbours; a pair that has come often enough becomes a token itself, so words grow out of bytes within the pass.
 * Short values that come again as they are become tokens first. A second pass counts how often each token is really
 * used; the most frequent get the one-byte codes, the hardly used are dropped.
 */
#include "sstable/token_matcher_internal.h"

#include <stdlib.h>

enum {
    PAIR_SLOTS = 1 << 20,
    PAIRS_MAX = PAIR_SLOTS / 2,
    PAIR_THRESHOLD = 3, /* more would want a larger sample, which is what learning costs */
    WHOLE_THRESHOLD = 2,
    WHOLE_SLOTS = 1 << 18,
};

struct pair {
    uint32_t key; /* of the two tokens, + 1; 0 is free */
    uint32_t count;
};

struct whole {
    uint64_t hash; /* 0 is free */
    uint32_t count;
};

struct trainer {
    struct slice samples;
    const uint32_t *lengths;
    uint32_t count;
    struct token_matcher *matcher; /* owned */
    struct pair *pairs;            /* owned */
    uint32_t pair_count;
    struct whole *wholes; /* owned */
    uint32_t *uses;       /* owned; by token */
};

static bool is_full(const struct trainer *trainer)
{
    return trainer->matcher->count >= TOKEN_LEARNT_MAX - 256;
}

static uint32_t pair_count_up(struct trainer *trainer, uint32_t a, uint32_t b)
{
    uint32_t key = (a << 16 | b) + 1;
    uint32_t at = (uint32_t)((uint64_t)key * 0x9e3779b97f4a7c15ULL >> 44) % PAIR_SLOTS;
    while (trainer->pairs[at].key && trainer->pairs[at].key != key)
        at = (at + 1) % PAIR_SLOTS;
    if (!trainer->pairs[at].key) {
        if (trainer->pair_count == PAIRS_MAX)
            return 0;
        trainer->pair_count++;
        trainer->pairs[at].key = key;
    }
    return ++trainer->pairs[at].count;
}

static uint64_t whole_hash(struct slice value)
{
    uint64_t hash = value.bytes;
    for (size_t i = 0; i < value.bytes; i++)
        hash = (hash ^ value.data[i]) * 0x100000001b3ULL + (hash >> 31);
    return hash ? hash : 1;
}

/* A value that has come a few times becomes a token; a hash that is not its own only makes a useless one. */
static void whole_learn(struct trainer *trainer, struct slice value)
{
    uint32_t length;
    uint64_t hash = whole_hash(value);
    uint32_t at = (uint32_t)(hash >> 20) % WHOLE_SLOTS;
    if (value.bytes < 2 || value.bytes > TOKEN_BYTES_MAX)
        return;
    for (uint32_t step = 0; step < 16; step++, at = (at + 1) % WHOLE_SLOTS) {
        struct whole *whole = &trainer->wholes[at];
        if (whole->hash && whole->hash != hash)
            continue;
        whole->hash = hash;
        if (++whole->count == WHOLE_THRESHOLD && !is_full(trainer) &&
            (token_matcher_find(trainer->matcher, value.data, value.bytes, &length), length < value.bytes))
            token_matcher_add(trainer->matcher, value);
        return;
    }
}

static void pairs_learn(struct trainer *trainer, struct slice value)
{
    const uint8_t *at = value.data, *end = value.data + value.bytes;
    uint32_t before = 0, before_length = 0;
    while (at < end && !is_full(trainer)) {
        uint32_t length;
        uint32_t token = token_matcher_find(trainer->matcher, at, (size_t)(end - at), &length);
        bool short_enough = before_length && before_length + length <= TOKEN_BYTES_MAX;
        if (short_enough && pair_count_up(trainer, before, token) == PAIR_THRESHOLD) {
            /* The pair is the token before the next one; it may itself be the start of a longer pair. */
            at += length;
            length += before_length;
            token = trainer->matcher->count;
            token_matcher_add(trainer->matcher, slice_of(at - length, length));
        } else {
            at += length;
        }
        before = token;
        before_length = length;
    }
}

static void uses_count(struct trainer *trainer)
{
    const uint8_t *at = trainer->samples.data;
    for (uint32_t i = 0; i < trainer->count; i++) {
        const uint8_t *end = at + trainer->lengths[i];
        while (at < end) {
            uint32_t length;
            trainer->uses[token_matcher_find(trainer->matcher, at, (size_t)(end - at), &length)]++;
            at += length;
        }
    }
}

/* Sorts by uses, most first, then by number, so that equal samples make equal tables. */
static int by_uses(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* How many one-byte codes make the sample smallest; ranked holds uses in the upper half. */
static uint32_t short_count_best(const uint64_t *ranked, uint32_t count)
{
    uint64_t best_bytes = UINT64_MAX;
    uint32_t best = 0;
    for (uint32_t shorts = 0; shorts < TOKENS_LITERAL; shorts++) {
        uint64_t bytes = 0;
        uint32_t room = shorts + (TOKENS_LITERAL - shorts) * 256;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t uses = ranked[i] >> 32;
            bytes += uses * (i < shorts ? 1 : i < room ? 2 : 6);
        }
        if (bytes < best_bytes) {
            best_bytes = bytes;
            best = shorts;
        }
    }
    return best;
}

/* Whether a token saves more in the sample than it takes in the table. Files are much larger than samples. */
static bool pays(uint32_t uses, uint32_t length)
{
    return uses >= 2 && (uint64_t)uses * (2 * length - 3) > 2 * length + 2;
}

static status table_make(struct trainer *trainer, size_t table_bytes, struct tokens *out_tokens)
{
    const struct token_matcher *matcher = trainer->matcher;
    uint64_t *ranked = malloc((matcher->count + 1) * sizeof *ranked);
    uint32_t count = 0;
    if (!ranked)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < matcher->count; i++)
        if (pays(trainer->uses[i], matcher->lengths[i]))
            ranked[count++] = (uint64_t)trainer->uses[i] << 32 | (UINT32_MAX - i);
    qsort(ranked, count, sizeof *ranked, by_uses);
    uint32_t shorts = short_count_best(ranked, count);
    uint32_t room = shorts + (TOKENS_LITERAL - shorts) * 256;
    if (room > TOKENS_MAX)
        room = TOKENS_MAX;
    struct tokens tokens = {
        .short_count = shorts,
        .bytes = calloc(count + 1, TOKEN_BYTES_MAX),
        .lengths = malloc(count + 1),
    };
    if (!tokens.bytes || !tokens.lengths) {
        tokens_deinit(&tokens);
        free(ranked);
        return STATUS_FAIL(STATUS_NOMEM);
    }
    size_t bytes = 0;
    for (uint32_t i = 0; i < count && i < room && bytes < table_bytes; i++) {
        uint32_t number = UINT32_MAX - (uint32_t)ranked[i];
        store_le64(tokens.bytes[i], matcher->texts[number].low);
        store_le64(tokens.bytes[i] + 8, matcher->texts[number].high);
        tokens.lengths[i] = matcher->lengths[number];
        bytes += tokens.lengths[i] + 1u;
        tokens.count++;
    }
    free(ranked);
    *out_tokens = tokens;
    return STATUS_DONE;
}

static void trainer_run(struct trainer *trainer)
{
    const uint8_t *at;
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint8_t one = (uint8_t)byte;
        token_matcher_add(trainer->matcher, slice_of(&one, 1));
    }
    at = trainer->samples.data;
    for (uint32_t i = 0; i < trainer->count; at += trainer->lengths[i], i++)
        whole_learn(trainer, slice_of(at, trainer->lengths[i]));
    at = trainer->samples.data;
    for (uint32_t i = 0; i < trainer->count; at += trainer->lengths[i], i++)
        pairs_learn(trainer, slice_of(at, trainer->lengths[i]));
    uses_count(trainer);
}

status tokens_train(struct slice samples, const uint32_t *lengths, uint32_t count, size_t table_bytes,
                    struct tokens *out_tokens)
{
    struct trainer trainer = {
        .samples = samples,
        .lengths = lengths,
        .count = count,
        .matcher = token_matcher_new(),
        .pairs = calloc(PAIR_SLOTS, sizeof *trainer.pairs),
        .wholes = calloc(WHOLE_SLOTS, sizeof *trainer.wholes),
        .uses = calloc(TOKEN_LEARNT_MAX, sizeof *trainer.uses),
    };
    status st = STATUS_FAIL(STATUS_NOMEM);
    if (trainer.matcher && trainer.pairs && trainer.wholes && trainer.uses) {
        trainer_run(&trainer);
        st = table_make(&trainer, table_bytes, out_tokens);
    }
    token_matcher_free(trainer.matcher);
    free(trainer.pairs);
    free(trainer.wholes);
    free(trainer.uses);
    return st;
}
