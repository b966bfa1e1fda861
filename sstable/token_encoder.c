#include "sstable/token_encoder_internal.h"

#include "sstable/token_wide_internal.h"

#include <assert.h>
#include <stdlib.h>

enum {
    LANES = 4,              /* values that are cut side by side */
    BATCH_BYTES = 32 << 10, /* of values that are cut in one go; longer ones are cut in pieces */
    PIECES_MAX = 256,
    PAD = TOKEN_BYTES_MAX, /* zeros behind each piece */
    LITERAL_RUN_MAX = 255,
    TOKEN_NONE = 0xffff,
    BUCKET_BITS_MIN = 6,
    BUCKETS_EACH = 4, /* for a token and what leads to it; fewer cost compression */
};

static_assert(TOKENS_MAX == 1 << TOKEN_SLOT_NUMBER_BITS, "a number fits its bits");

struct token_encoder {
    uint32_t count, short_count;
    uint32_t bucket_shift;
    uint32_t uniform_length;  /* of all tokens, longer than a byte; 0: they differ */
    uint64_t *buckets;        /* owned; two slots each */
    struct token_text *texts; /* owned */
    uint8_t *lengths;         /* owned */
    uint32_t ones[256];       /* slots of the tokens of one byte; 0: there is none */
    bool is_wide;             /* many places are searched at once */
};

/* What is left of 16 bytes when they are cut to a length. */
struct cut_mask {
    uint64_t low, high;
};

#define LOW(n) ((n) >= 8 ? UINT64_MAX : (1ULL << (unsigned)(n) % 8 * 8) - 1)
#define MASK(n)                           \
    {                                     \
        LOW(n), (n) <= 8 ? 0 : LOW((n)-8) \
    }
static const struct cut_mask masks[TOKEN_BYTES_MAX + 1] = {
    MASK(0), MASK(1),  MASK(2),  MASK(3),  MASK(4),  MASK(5),  MASK(6),  MASK(7),  MASK(8),
    MASK(9), MASK(10), MASK(11), MASK(12), MASK(13), MASK(14), MASK(15), MASK(16),
};

/* Texts that differ in length alone, by zeros at the end, share a hash; the length of the answer tells them apart. */
static inline uint64_t hash_of(struct token_text text, uint32_t length)
{
    return (text.low & masks[length].low) * TOKEN_HASH_LOW +
           (text.high & masks[length].high) * TOKEN_HASH_HIGH;
}

/* The uppermost 13 bits of a slot, never 0: an empty slot answers to none. */
static inline uint32_t tag_of(uint64_t hash)
{
    return ((uint32_t)(hash >> 15) & ~(TOKEN_SLOT_TAG_ONE - 1U)) | TOKEN_SLOT_TAG_ONE;
}

static inline struct token_text text_at(const uint8_t *at)
{
    return (struct token_text){.low = load_le64(at), .high = load_le64(at + 8)};
}

/* What the table says about the first `length` bytes: 0 when it does not have them. A slot may be of another text with
 * the same tag: whoever asks compares. *out_found has all bits set or none; arithmetic with it stays free of branches,
 * which would be mispredicted every other time. */
static inline uint32_t slot_find(const struct token_encoder *encoder, struct token_text text, uint32_t length,
                                 uint32_t *out_found)
{
    uint64_t hash = hash_of(text, length);
    uint64_t bucket = encoder->buckets[hash >> encoder->bucket_shift];
    uint32_t tag = tag_of(hash);
    uint32_t first = (uint32_t)bucket, second = (uint32_t)(bucket >> 32);
    uint32_t is_first = 0U - ((first ^ tag) < TOKEN_SLOT_TAG_ONE);
    uint32_t is_second = 0U - ((second ^ tag) < TOKEN_SLOT_TAG_ONE);
    *out_found = is_first | is_second;
    return (first & is_first) | (second & is_second);
}

static inline uint32_t slot_number(uint32_t slot)
{
    return slot & (TOKENS_MAX - 1);
}

static inline uint32_t slot_length(uint32_t slot)
{
    return (slot >> TOKEN_SLOT_NUMBER_BITS & 15) + 1;
}

/* Bits in which the slot's token and the text differ. */
static inline uint64_t slot_differs(const struct token_encoder *encoder, struct token_text text,
                                    uint32_t slot)
{
    const struct token_text *token = &encoder->texts[slot_number(slot)];
    const struct cut_mask *mask = &masks[slot_length(slot)];
    return (token->low ^ (text.low & mask->low)) | (token->high ^ (text.high & mask->high));
}

static inline bool slot_fits(const struct token_encoder *encoder, struct token_text text, uint32_t slot)
{
    return slot_differs(encoder, text, slot) == 0;
}

/* ---- making it ---- */

static void slot_put(struct token_encoder *encoder, struct token_text text, uint32_t length, uint32_t number,
                     uint32_t number_length)
{
    uint64_t hash = hash_of(text, length);
    uint64_t *bucket = &encoder->buckets[hash >> encoder->bucket_shift];
    uint32_t slot = tag_of(hash) | (number_length - 1) << TOKEN_SLOT_NUMBER_BITS | number;
    uint32_t first = (uint32_t)*bucket, second = (uint32_t)(*bucket >> 32);
    /* The same prefix, or one that cannot be told from it, is there already. */
    if ((first ^ tag_of(hash)) < TOKEN_SLOT_TAG_ONE || (second ^ tag_of(hash)) < TOKEN_SLOT_TAG_ONE)
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
    uint64_t slot = tag_of(hash) | (encoder->uniform_length - 1) << TOKEN_SLOT_NUMBER_BITS | number;
    while (encoder->buckets[at] >> 32)
        at = (at + 1) & last;
    encoder->buckets[at] |= (uint32_t)encoder->buckets[at] ? slot << 32 : slot;
}

static uint32_t uniform_find(const struct token_encoder *encoder, struct token_text text)
{
    const uint64_t last = UINT64_MAX >> encoder->bucket_shift;
    uint64_t hash = hash_of(text, encoder->uniform_length);
    uint32_t tag = tag_of(hash);
    for (uint64_t at = hash >> encoder->bucket_shift;; at = (at + 1) & last) {
        uint64_t bucket = encoder->buckets[at];
        for (uint32_t slot = (uint32_t)bucket, i = 0; i < 2; slot = (uint32_t)(bucket >> 32), i++)
            if ((slot ^ tag) < TOKEN_SLOT_TAG_ONE && slot_fits(encoder, text, slot))
                return slot;
        if (!(bucket >> 32))
            return 0;
    }
}

/* The token, and every prefix of it at which halving has to go on towards it. */
static void token_put(struct token_encoder *encoder, const struct token_matcher *matcher, uint32_t number)
{
    struct token_text text = encoder->texts[number];
    uint32_t length = encoder->lengths[number];
    uint8_t bytes[TOKEN_BYTES_MAX];
    store_le64(bytes, text.low);
    store_le64(bytes + 8, text.high);
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
        encoder->texts[i] = text_at(tokens->bytes[i]);
        encoder->lengths[i] = tokens->lengths[i];
        if (tokens->lengths[i] == 1)
            encoder->ones[tokens->bytes[i][0]] = TOKEN_SLOT_TAG_ONE | i;
    }
    /* In order of use, so that what finds no room is rare. */
    for (uint32_t i = 0; i < tokens->count; i++)
        if (tokens->lengths[i] > 1)
            token_put(encoder, matcher, i);
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
    encoder->lengths = calloc(tokens->count + 1, 1);
    if (encoder->buckets && encoder->texts && encoder->lengths && ok(tables_fill(encoder, tokens)))
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
    free(encoder->lengths);
    free(encoder);
}

/* ---- cutting ---- */

/* A value, or a part of a long one, on its way. */
struct piece {
    const uint8_t *at, *end; /* of the copy that has PAD zeros behind it */
    uint32_t *slots;         /* the next one; 0 for a byte that no token covers */
    uint32_t index;
};

struct batch {
    uint8_t *bytes;  /* owned; copies */
    uint32_t *slots; /* owned; as many as bytes */
    struct {
        uint32_t at, bytes; /* in both */
        uint32_t count;     /* of slots */
    } pieces[PIECES_MAX];
    uint32_t piece_count, used, room;
};

/* The longest token by trying every length: for the few places where halving was misled. */
static uint32_t find_slowly(const struct token_encoder *encoder, const uint8_t *at, size_t bytes)
{
    struct token_text text = text_at(at);
    for (uint32_t length = bytes < TOKEN_BYTES_MAX ? (uint32_t)bytes : TOKEN_BYTES_MAX; length > 1;
         length--) {
        uint32_t found, slot = slot_find(encoder, text, length, &found);
        if (slot && slot_length(slot) <= bytes && slot_fits(encoder, text, slot))
            return slot;
    }
    return encoder->ones[*at];
}

/* Whether it is the right token is seen when its code is written; that there is one, and that it ends in the piece, here. */
static inline __attribute__((always_inline)) void piece_step(const struct token_encoder *encoder,
                                                             struct piece *piece, uint32_t slot)
{
    slot = slot ? slot : encoder->ones[*piece->at];
    if (__builtin_expect(piece->at + slot_length(slot) > piece->end, 0))
        slot = find_slowly(encoder, piece->at, (size_t)(piece->end - piece->at));
    *piece->slots++ = slot;
    piece->at += slot_length(slot);
}

/* One token of each of `lanes` pieces. Loops over lanes are unrolled, so that what they wait for overlaps. */
static inline __attribute__((always_inline)) void lanes_step(const struct token_encoder *encoder,
                                                             struct piece *pieces, const uint32_t lanes)
{
    struct token_text text[LANES] = {0};
    uint32_t slot[LANES] = {0}, length[LANES] = {0};
#pragma GCC unroll 4
    for (uint32_t i = 0; i < lanes; i++) {
        text[i] = text_at(pieces[i].at);
        uint32_t found;
        slot[i] = slot_find(encoder, text[i], TOKEN_ROOT_LENGTH, &found);
        length[i] = TOKEN_ROOT_LENGTH - 4 + (found & 8);
    }
#pragma GCC unroll 4
    for (uint32_t step = 2; step; step /= 2) {
#pragma GCC unroll 4
        for (uint32_t i = 0; i < lanes; i++) {
            uint32_t found, there = slot_find(encoder, text[i], length[i], &found);
            slot[i] = there | (slot[i] & ~found);
            length[i] += (found & 2 * step) - step;
        }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < lanes; i++) {
        uint32_t found, there = slot_find(encoder, text[i], length[i], &found);
        slot[i] = there | (slot[i] & ~found);
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < lanes; i++)
        piece_step(encoder, &pieces[i], slot[i]);
}

static struct piece piece_of(struct batch *batch, uint32_t index)
{
    const uint8_t *at = batch->bytes + batch->pieces[index].at;
    return (struct piece){.at = at,
                          .end = at + batch->pieces[index].bytes,
                          .slots = batch->slots + batch->pieces[index].at,
                          .index = index};
}

static void piece_done(struct batch *batch, const struct piece *piece)
{
    const uint32_t *first = batch->slots + batch->pieces[piece->index].at;
    batch->pieces[piece->index].count = (uint32_t)(piece->slots - first);
}

/* Whole values that are tokens, or parts of them: one length is worth a probe. */
static void batch_cut_uniform(const struct token_encoder *encoder, struct batch *batch)
{
    const uint32_t length = encoder->uniform_length;
    for (uint32_t i = 0; i < batch->piece_count; i++) {
        struct piece piece = piece_of(batch, i);
        while (piece.at < piece.end) {
            bool has_room = length <= (size_t)(piece.end - piece.at);
            uint32_t slot = has_room ? uniform_find(encoder, text_at(piece.at)) : 0;
            *piece.slots++ = slot;
            piece.at += slot ? length : 1;
        }
        piece_done(batch, &piece);
    }
}

/* Pieces that are cut many at a time: token_wide_internal.h. A lane without one stands on zeros and goes nowhere. */
static void wide_take(struct token_lanes *lanes, uint32_t *indexes, uint32_t lane, struct batch *batch,
                      uint32_t *io_next)
{
    static const uint8_t nothing[TOKEN_BYTES_MAX];
    static uint32_t nowhere;
    struct piece piece = {.at = nothing, .end = nothing, .slots = &nowhere};
    if (*io_next < batch->piece_count) {
        piece = piece_of(batch, (*io_next)++);
        lanes->active |= 1U << lane;
    } else {
        lanes->active &= ~(1U << lane);
    }
    indexes[lane] = piece.index;
    lanes->at[lane] = piece.at;
    lanes->end[lane] = piece.end;
    lanes->out[lane] = piece.slots;
}

static void batch_cut_wide(const struct token_encoder *encoder, struct batch *batch)
{
    const struct token_tables tables = {encoder->buckets, encoder->bucket_shift};
    struct token_lanes lanes = {0};
    uint32_t indexes[TOKEN_WIDE_LANES], next = 0;
    for (uint32_t i = 0; i < TOKEN_WIDE_LANES; i++)
        wide_take(&lanes, indexes, i, batch, &next);
    while (lanes.active) {
        uint32_t slots[TOKEN_WIDE_LANES];
        uint32_t found = token_wide_find(&tables, &lanes, slots);
        for (uint32_t left = lanes.active & ~found; left; left &= left - 1) {
            uint32_t i = (uint32_t)__builtin_ctz(left);
            slots[i] = slots[i] ? find_slowly(encoder, lanes.at[i], (size_t)(lanes.end[i] - lanes.at[i]))
                                : encoder->ones[*lanes.at[i]];
        }
        for (uint32_t left = token_wide_advance(&lanes, slots); left; left &= left - 1) {
            uint32_t i = (uint32_t)__builtin_ctz(left);
            struct piece piece = {.slots = lanes.out[i], .index = indexes[i]};
            piece_done(batch, &piece);
            wide_take(&lanes, indexes, i, batch, &next);
        }
    }
}

static void batch_cut(const struct token_encoder *encoder, struct batch *batch)
{
    struct piece pieces[LANES];
    uint32_t next = 0, lanes = 0;
    while (lanes < LANES && next < batch->piece_count)
        pieces[lanes++] = piece_of(batch, next++);
    while (lanes == LANES) {
        lanes_step(encoder, pieces, LANES);
        for (uint32_t i = 0; i < LANES; i++) {
            if (pieces[i].at < pieces[i].end)
                continue;
            piece_done(batch, &pieces[i]);
            if (next < batch->piece_count)
                pieces[i] = piece_of(batch, next++);
            else
                pieces[i--] = pieces[--lanes];
            if (lanes < LANES)
                break;
        }
    }
    for (uint32_t i = 0; i < lanes; i++) {
        while (pieces[i].at < pieces[i].end)
            lanes_step(encoder, &pieces[i], 1);
        piece_done(batch, &pieces[i]);
    }
}

/* ---- writing ---- */

static uint8_t *literal_put(uint8_t *to, const uint8_t *from, size_t bytes)
{
    while (bytes) {
        size_t run = bytes < LITERAL_RUN_MAX ? bytes : LITERAL_RUN_MAX;
        *to++ = TOKENS_LITERAL;
        *to++ = (uint8_t)run;
        memcpy(to, from, run);
        to += run;
        from += run;
        bytes -= run;
    }
    return to;
}

/* A text as one vector, where a processor has such. */
typedef uint64_t halves __attribute__((vector_size(16)));

static inline halves halves_of(uint64_t low, uint64_t high)
{
    return (halves){low, high};
}

/* Codes of the tokens in `slots`; NULL when one of them does not stand there: a slot may be of another text with the same
 * tag. */
static uint8_t *codes_put(const struct token_encoder *encoder, uint8_t *to, const uint8_t *at,
                          const uint32_t *slots, uint32_t count)
{
    const uint8_t *literal = at; /* bytes before `at` that no token covers */
    const uint32_t short_count = encoder->short_count;
    halves differs = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = slots[i], number = slot_number(slot);
        if (__builtin_expect(!slot, 0)) {
            at++;
            continue;
        }
        if (__builtin_expect(literal != at, 0))
            to = literal_put(to, literal, (size_t)(at - literal));
        const struct token_text *token = &encoder->texts[number];
        const struct cut_mask *mask = &masks[slot_length(slot)];
        differs |= (halves_of(load_le64(at), load_le64(at + 8)) & halves_of(mask->low, mask->high)) ^
                   halves_of(token->low, token->high);
        at += slot_length(slot);
        literal = at;
        /* Both bytes are written; whether the second counts is no branch. */
        bool is_long = number >= short_count;
        uint32_t rest = number - short_count;
        to[0] = (uint8_t)(is_long ? short_count + (rest >> 8) : number);
        to[1] = (uint8_t)rest;
        to += 1 + is_long;
    }
    return (differs[0] | differs[1]) != 0 ? NULL : literal_put(to, literal, (size_t)(at - literal));
}

/* A piece once more, token by token. */
static uint32_t piece_cut_slowly(const struct token_encoder *encoder, const uint8_t *at, size_t bytes,
                                 uint32_t *slots)
{
    uint32_t count = 0;
    for (const uint8_t *end = at + bytes; at < end; at += slot_length(slots[count++]))
        slots[count] = find_slowly(encoder, at, (size_t)(end - at));
    return count;
}

static void batch_write(const struct token_encoder *encoder, const struct batch *batch, struct buffer *out)
{
    for (uint32_t i = 0; i < batch->piece_count; i++) {
        size_t bytes = batch->pieces[i].bytes;
        const uint8_t *at = batch->bytes + batch->pieces[i].at;
        uint32_t *slots = batch->slots + batch->pieces[i].at;
        /* Every byte a run of its own is the worst that can happen on the way. */
        if (!buffer_reserve(out, bytes * 3 + 1))
            return;
        uint8_t *const from = out->data + out->bytes;
        uint8_t *to = codes_put(encoder, from, at, slots, batch->pieces[i].count);
        if (__builtin_expect(!to, 0))
            to = codes_put(encoder, from, at, slots, piece_cut_slowly(encoder, at, bytes, slots));
        size_t plain = bytes + 2 * ((bytes + LITERAL_RUN_MAX - 1) / LITERAL_RUN_MAX);
        if ((size_t)(to - from) > plain)
            to = literal_put(from, at, bytes);
        out->bytes += (size_t)(to - from);
    }
}

static void batch_flush(const struct token_encoder *encoder, struct batch *batch, struct buffer *out)
{
    if (encoder->uniform_length)
        batch_cut_uniform(encoder, batch);
    else if (encoder->is_wide)
        batch_cut_wide(encoder, batch);
    else
        batch_cut(encoder, batch);
    batch_write(encoder, batch, out);
    batch->piece_count = 0;
    batch->used = 0;
}

static void batch_add(struct batch *batch, const uint8_t *data, uint32_t bytes)
{
    memcpy(batch->bytes + batch->used, data, bytes);
    memset(batch->bytes + batch->used + bytes, 0, PAD);
    batch->pieces[batch->piece_count].at = batch->used;
    batch->pieces[batch->piece_count++].bytes = bytes;
    batch->used += bytes + PAD;
}

/* How much room a batch needs: all at most. */
static uint32_t room_for(const struct slice *values, uint32_t count)
{
    size_t room = 0;
    for (uint32_t i = 0; i < count && room < BATCH_BYTES; i++)
        room += values[i].bytes + PAD;
    return room < BATCH_BYTES ? (uint32_t)room : BATCH_BYTES;
}

void token_encoder_encode(const struct token_encoder *encoder, const struct slice *values, uint32_t count,
                          struct buffer *out)
{
    struct batch batch = {.room = room_for(values, count)};
    if (!batch.room)
        return;
    batch.bytes = malloc(batch.room);
    batch.slots = malloc(batch.room * sizeof *batch.slots);
    out->failed |= !batch.bytes || !batch.slots;
    for (uint32_t i = 0; i < count && !out->failed; i++) {
        size_t done = 0;
        while (done < values[i].bytes) {
            if (batch.piece_count == PIECES_MAX || batch.room - batch.used <= PAD)
                batch_flush(encoder, &batch, out);
            size_t left = values[i].bytes - done, room = batch.room - batch.used - PAD;
            /* A short value is not cut in two for want of room. */
            if (left > room && batch.piece_count) {
                batch_flush(encoder, &batch, out);
                continue;
            }
            uint32_t part = (uint32_t)(left < room ? left : room);
            batch_add(&batch, values[i].data + done, part);
            done += part;
        }
    }
    if (!out->failed)
        batch_flush(encoder, &batch, out);
    free(batch.bytes);
    free(batch.slots);
}
