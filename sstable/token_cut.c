/* Cutting values into the tokens of an encoder, a batch of pieces at a time, and writing their codes. */
#include "sstable/token_cut_internal.h"

#include "sstable/token_slots_internal.h"

enum {
    LANES = 4,              /* values that are cut side by side */
    BATCH_BYTES = 32 << 10, /* of values that are cut in one go; longer ones are cut in pieces */
    PIECES_MAX = 256,
    PAD = TOKEN_BYTES_MAX, /* zeros behind each piece */
    LITERAL_RUN_MAX = 255,
};

/* ---- cutting ---- */

/* A value, or a part of a long one, on its way. */
struct piece {
    const uint8_t *at, *end; /* of the copy that has PAD zeros behind it */
    uint32_t *slots;         /* the next one; 0 for a byte that no token covers */
    uint32_t index;
};

struct batch {
    uint8_t *bytes;  /* copies */
    uint32_t *slots; /* as many as bytes; the wide search has codes there */
    struct {
        uint32_t at, bytes; /* in both */
        uint32_t count;     /* of slots, or bytes of codes */
        bool is_coded;      /* codes stand where slots would */
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

static inline __attribute__((always_inline)) void
piece_step(const struct token_encoder *encoder, struct piece *piece, struct token_text text, uint32_t slot)
{
    slot = slot ? slot : encoder->ones[*piece->at];
    if (__builtin_expect(
            piece->at + slot_length(slot) > piece->end || (slot && !slot_fits(encoder, text, slot)), 0))
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
        piece_step(encoder, &pieces[i], text[i], slot[i]);
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
    batch->pieces[piece->index].is_coded = false;
}

static uint32_t uniform_find(const struct token_encoder *encoder, struct token_text text)
{
    const uint64_t last = UINT64_MAX >> encoder->bucket_shift;
    uint64_t hash = hash_of(text, encoder->uniform_length);
    uint32_t tag = tag_of(encoder, hash);
    for (uint64_t at = hash >> encoder->bucket_shift;; at = (at + 1) & last) {
        uint64_t bucket = encoder->buckets[at];
        for (uint32_t slot = (uint32_t)bucket, i = 0; i < 2; slot = (uint32_t)(bucket >> 32), i++)
            if ((slot ^ tag) < TOKEN_SLOT_TAG_ONE && slot_fits(encoder, text, slot))
                return slot;
        if (!(bucket >> 32))
            return 0;
    }
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

static inline uint8_t *code_put(const struct token_encoder *encoder, uint8_t *to, uint32_t number)
{
    /* Both bytes are written; whether the second counts is no branch. */
    const uint32_t short_count = encoder->short_count;
    bool is_long = number >= short_count;
    uint32_t rest = number - short_count;
    to[0] = (uint8_t)(is_long ? short_count + (rest >> 8) : number);
    to[1] = (uint8_t)rest;
    return to + 1 + is_long;
}

/* Codes of the tokens in `slots`. */
static uint8_t *codes_put(const struct token_encoder *encoder, uint8_t *to, const uint8_t *at,
                          const uint32_t *slots, uint32_t count)
{
    const uint8_t *literal = at; /* bytes before `at` that no token covers */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = slots[i];
        if (__builtin_expect(!slot, 0)) {
            at++;
            continue;
        }
        if (__builtin_expect(literal != at, 0))
            to = literal_put(to, literal, (size_t)(at - literal));
        at += slot_length(slot);
        literal = at;
        to = code_put(encoder, to, slot_number(slot));
    }
    return literal_put(to, literal, (size_t)(at - literal));
}

/* ---- many at a time: token_wide_internal.h ---- */

struct wide_cut {
    struct token_lanes lanes;
    uint32_t indexes[TOKEN_WIDE_LANES]; /* of the pieces */
    uint8_t *runs[TOKEN_WIDE_LANES];    /* count of the last literal run of the piece; NULL: there was none */
    uint32_t count;                     /* of lanes that have a piece: those in front */
    uint8_t order[PIECES_MAX]; /* of pieces: long ones first, so that few lanes have to go on alone */
    uint32_t next;             /* in `order` */
    uint32_t wrong;            /* lanes whose piece has a token that does not stand there */
    uint8_t nowhere[2];        /* where lanes without a piece write */
};

static void order_make(struct wide_cut *cut, const struct batch *batch)
{
    enum { CLASSES = 64, CLASS_BYTES = 8 };
    uint16_t begin[CLASSES + 1] = {0};
    uint8_t class_of[PIECES_MAX];
    for (uint32_t i = 0; i < batch->piece_count; i++) {
        uint32_t class = batch->pieces[i].bytes / CLASS_BYTES;
        class_of[i] = (uint8_t)(class < CLASSES ? CLASSES - 1 - class : 0);
        begin[class_of[i] + 1]++;
    }
    for (uint32_t i = 1; i < CLASSES; i++)
        begin[i] = (uint16_t)(begin[i] + begin[i - 1]);
    for (uint32_t i = 0; i < batch->piece_count; i++)
        cut->order[begin[class_of[i]]++] = (uint8_t)i;
}

static uint8_t *wide_codes(const struct batch *batch, uint32_t index)
{
    return (uint8_t *)(batch->slots + batch->pieces[index].at);
}

static void wide_take(struct wide_cut *cut, struct batch *batch, uint32_t lane)
{
    uint32_t index = cut->order[cut->next++];
    cut->indexes[lane] = index;
    cut->runs[lane] = NULL;
    cut->wrong &= ~(1U << lane);
    cut->lanes.at[lane] = batch->bytes + batch->pieces[index].at;
    cut->lanes.end[lane] = cut->lanes.at[lane] + batch->pieces[index].bytes;
    cut->lanes.to[lane] = wide_codes(batch, index);
}

/* A lane without a piece stands on zeros and goes nowhere. */
static void wide_rest(struct wide_cut *cut, uint32_t lane)
{
    static const uint8_t nothing[TOKEN_BYTES_MAX];
    cut->lanes.at[lane] = cut->lanes.end[lane] = nothing;
    cut->lanes.to[lane] = cut->nowhere;
}

/* A piece by itself. */
static void piece_cut(const struct token_encoder *encoder, struct batch *batch, uint32_t index)
{
    struct piece piece = piece_of(batch, index);
    while (piece.at < piece.end)
        lanes_step(encoder, &piece, 1);
    piece_done(batch, &piece);
}

/* The piece of a lane is done: another one, or the last lane's. */
static void wide_done(const struct token_encoder *encoder, struct wide_cut *cut, struct batch *batch,
                      uint32_t lane)
{
    uint32_t index = cut->indexes[lane];
    batch->pieces[index].count = (uint32_t)(cut->lanes.to[lane] - wide_codes(batch, index));
    batch->pieces[index].is_coded = true;
    if (__builtin_expect(cut->wrong >> lane & 1, 0))
        piece_cut(encoder, batch, index);
    if (cut->next < batch->piece_count) {
        wide_take(cut, batch, lane);
        return;
    }
    uint32_t last = --cut->count;
    cut->indexes[lane] = cut->indexes[last];
    cut->runs[lane] = cut->runs[last];
    cut->wrong = (cut->wrong & ~(1U << lane)) | (cut->wrong >> last & 1) << lane;
    cut->lanes.at[lane] = cut->lanes.at[last];
    cut->lanes.end[lane] = cut->lanes.end[last];
    cut->lanes.to[lane] = cut->lanes.to[last];
    wide_rest(cut, last);
}

/* A byte that no token covers joins the run before it. */
static void wide_literal(struct wide_cut *cut, uint32_t lane)
{
    uint8_t *to = cut->lanes.to[lane], *run = cut->runs[lane];
    if (!run || run + 1 + *run != to || *run == LITERAL_RUN_MAX) {
        *to++ = TOKENS_LITERAL;
        cut->runs[lane] = run = to;
        *to++ = 0;
    }
    ++*run;
    *to++ = *cut->lanes.at[lane]++;
    cut->lanes.to[lane] = to;
}

static void wide_step_slowly(const struct token_encoder *encoder, struct wide_cut *cut, uint32_t lane,
                             bool beyond)
{
    const uint8_t *at = cut->lanes.at[lane];
    uint32_t slot =
        beyond ? find_slowly(encoder, at, (size_t)(cut->lanes.end[lane] - at)) : encoder->ones[*at];
    if (!slot) {
        wide_literal(cut, lane);
        return;
    }
    cut->lanes.at[lane] += slot_length(slot);
    cut->lanes.to[lane] = code_put(encoder, cut->lanes.to[lane], slot_number(slot));
}

static void batch_cut_wide(const struct token_encoder *encoder, struct batch *batch)
{
    const struct token_tables tables = {encoder->buckets, encoder->texts, encoder->bucket_shift,
                                        encoder->short_count};
    struct wide_cut cut;
    cut.count = cut.next = cut.wrong = 0;
    order_make(&cut, batch);
    for (uint32_t i = 0; i < TOKEN_WIDE_LANES; i++) {
        if (cut.next < batch->piece_count)
            wide_take(&cut, batch, cut.count++);
        else
            wide_rest(&cut, i);
    }
    while (cut.count) {
        struct token_step step = token_wide_step(&tables, &cut.lanes, cut.count);
        cut.wrong |= step.wrong;
        for (uint32_t left = step.none | step.beyond; left; left &= left - 1) {
            uint32_t lane = (uint32_t)__builtin_ctz(left);
            wide_step_slowly(encoder, &cut, lane, step.beyond >> lane & 1);
            step.done |= (uint32_t)(cut.lanes.at[lane] >= cut.lanes.end[lane]) << lane;
        }
        /* From behind, so that the last lane is never one that is done and not seen to. */
        while (step.done) {
            uint32_t lane = 31 - (uint32_t)__builtin_clz(step.done);
            step.done ^= 1U << lane;
            wide_done(encoder, &cut, batch, lane);
        }
    }
}

/* ---- batches ---- */

static uint8_t *piece_write(const struct token_encoder *encoder, const struct batch *batch, uint32_t index,
                            uint8_t *to)
{
    uint32_t at = batch->pieces[index].at, count = batch->pieces[index].count;
    if (!batch->pieces[index].is_coded)
        return codes_put(encoder, to, batch->bytes + at, batch->slots + at, count);
    memcpy(to, wide_codes(batch, index), count);
    return to + count;
}

static void batch_write(const struct token_encoder *encoder, const struct batch *batch, struct buffer *out)
{
    for (uint32_t i = 0; i < batch->piece_count; i++) {
        size_t bytes = batch->pieces[i].bytes;
        /* Every byte a run of its own is the worst that can happen on the way. */
        if (!buffer_reserve(out, bytes * 3 + 1))
            return;
        uint8_t *const from = out->data + out->bytes;
        uint8_t *to = piece_write(encoder, batch, i, from);
        size_t plain = bytes + 2 * ((bytes + LITERAL_RUN_MAX - 1) / LITERAL_RUN_MAX);
        if ((size_t)(to - from) > plain)
            to = literal_put(from, batch->bytes + batch->pieces[i].at, bytes);
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

void token_scratch_deinit(struct token_scratch *scratch)
{
    buffer_deinit(&scratch->bytes);
    buffer_deinit(&scratch->slots);
}

void token_encoder_encode(const struct token_encoder *encoder, struct token_scratch *scratch,
                          const struct slice *values, uint32_t count, struct buffer *out)
{
    struct batch batch;
    batch.piece_count = batch.used = 0;
    batch.room = room_for(values, count);
    buffer_clear(&scratch->bytes);
    buffer_clear(&scratch->slots);
    out->failed |= !buffer_reserve(&scratch->bytes, batch.room + 1) ||
                   !buffer_reserve(&scratch->slots, (batch.room + 1) * sizeof *batch.slots);
    batch.bytes = scratch->bytes.data;
    batch.slots = (uint32_t *)(void *)scratch->slots.data;
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
}
