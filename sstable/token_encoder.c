/* Making the table of an encoder: a slot for every token, and one for every prefix of it that a search comes by. */
#include "sstable/token_encoder_internal.h"

#include "sstable/token_slots_internal.h"

#include <assert.h>
#include <stdlib.h>

enum {
    TOKEN_NONE = 0xffff,
    BUCKET_BITS_MIN = 6,
    BUCKETS_EACH = 4, /* for a token and what leads to it; fewer cost compression */
};

static_assert(TOKENS_MAX == 1 << TOKEN_SLOT_NUMBER_BITS, "a number fits its bits");

static void slot_put(struct token_encoder *encoder, struct token_text text, uint32_t length, uint32_t number,
                     uint32_t number_length)
{
    uint64_t hash = hash_of(text, length);
    uint64_t *bucket = &encoder->buckets[hash >> encoder->bucket_shift];
    uint32_t slot = tag_of(encoder, hash) | (number_length - 1) << TOKEN_SLOT_NUMBER_BITS | number;
    uint32_t first = (uint32_t)*bucket, second = (uint32_t)(*bucket >> 32);
    /* The same prefix, or one that cannot be told from it, is there already. */
    if ((first ^ tag_of(encoder, hash)) < TOKEN_SLOT_TAG_ONE ||
        (second ^ tag_of(encoder, hash)) < TOKEN_SLOT_TAG_ONE)
        return;
    if (!first)
        *bucket |= slot;
    else if (!second)
        *bucket |= (uint64_t)slot << 32;
}

/* Tokens of one length need no prefixes: they stand in the first slot that is free from theirs on, and none is lost. */
static void uniform_put(struct token_encoder *encoder, struct token_text text, uint32_t number)
{
    const uint64_t last = UINT64_MAX >> encoder->bucket_shift;
    uint64_t hash = hash_of(text, encoder->uniform_length);
    uint64_t at = hash >> encoder->bucket_shift;
    uint64_t slot = tag_of(encoder, hash) | (encoder->uniform_length - 1) << TOKEN_SLOT_NUMBER_BITS | number;
    while (encoder->buckets[at] >> 32)
        at = (at + 1) & last;
    encoder->buckets[at] |= (uint32_t)encoder->buckets[at] ? slot << 32 : slot;
}

/* The token, and every prefix of it at which halving has to go on towards it. */
static void token_put(struct token_encoder *encoder, const struct token_matcher *matcher,
                      const struct tokens *tokens, uint32_t number)
{
    const uint8_t *bytes = tokens->bytes[number];
    struct token_text text = text_at(bytes);
    uint32_t length = tokens->lengths[number];
    if (encoder->uniform_length) {
        uniform_put(encoder, text, number);
        return;
    }
    for (uint32_t at = TOKEN_ROOT_LENGTH, step = 4;; at = at < length ? at + step : at - step, step /= 2) {
        if (at <= length) {
            uint32_t best_length = length, best = number;
            if (at < length)
                best = token_matcher_find(matcher, bytes, at, &best_length);
            /* Where no token fits, the number of one that does not fit either stands for none. */
            slot_put(encoder, text, at, best == TOKEN_NONE ? number : best,
                     best == TOKEN_NONE ? length : best_length);
        }
        if (at == length || !step)
            break;
    }
}

static status tables_fill(struct token_encoder *encoder, const struct tokens *tokens)
{
    struct token_matcher *matcher = token_matcher_of(tokens);
    if (!matcher)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < tokens->count; i++) {
        encoder->texts[i] = text_cut(text_at(tokens->bytes[i]), tokens->lengths[i]);
        if (tokens->lengths[i] == 1)
            encoder->ones[tokens->bytes[i][0]] = TOKEN_SLOT_TAG_ONE | i;
    }
    /* In order of use, so that what finds no room is rare. */
    for (uint32_t i = 0; i < tokens->count; i++)
        if (tokens->lengths[i] > 1)
            token_put(encoder, matcher, tokens, i);
    token_matcher_free(matcher);
    return STATUS_DONE;
}

static uint32_t uniform_length_of(const struct tokens *tokens)
{
    for (uint32_t i = 1; i < tokens->count; i++)
        if (tokens->lengths[i] != tokens->lengths[0])
            return 0;
    return tokens->count && tokens->lengths[0] > 1 ? tokens->lengths[0] : 0;
}

struct token_encoder *token_encoder_new(const struct tokens *tokens)
{
    struct token_encoder *encoder = calloc(1, sizeof *encoder);
    uint32_t bits = BUCKET_BITS_MIN;
    if (!encoder)
        return NULL;
    encoder->count = tokens->count;
    encoder->short_count = tokens->short_count;
    encoder->uniform_length = uniform_length_of(tokens);
    while (1u << bits < tokens->count * (encoder->uniform_length ? 1 : BUCKETS_EACH))
        bits++;
    encoder->is_wide = token_wide_is_there();
    encoder->bucket_shift = 64 - bits;
    encoder->buckets = calloc((size_t)1 << bits, sizeof *encoder->buckets);
    encoder->texts = calloc(tokens->count + 1, sizeof *encoder->texts);
    if (encoder->buckets && encoder->texts && ok(tables_fill(encoder, tokens)))
        return encoder;
    token_encoder_free(encoder);
    return NULL;
}

void token_encoder_narrow(struct token_encoder *encoder)
{
    encoder->is_wide = false;
}

void token_encoder_free(struct token_encoder *encoder)
{
    if (!encoder)
        return;
    free(encoder->buckets);
    free(encoder->texts);
    free(encoder);
}
