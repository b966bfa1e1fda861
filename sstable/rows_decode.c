/*
 * Putting rows together again: all keys, then for each row the glue of its shape with timestamp, lengths and values in
 * between, straight into the block that is kept. All copies of a few bytes may run over by as much as the block has
 * slack; the next piece overwrites what was too much.
 */
#include "sstable/lending_internal.h"
#include "sstable/rows_lanes_internal.h"

#include "row/image.h"

#include <stdlib.h>

/* ---- head ---- */

static status summary_read(struct reader *in, uint32_t rows, struct sstable_block_summary *out_summary)
{
    uint8_t flags = reader_u8(in);
    struct sstable_block_summary summary = {
        .rows = rows,
        .never_expires = flags & SUMMARY_NEVER_EXPIRES,
        .min_timestamp = INT64_MAX,
        .max_timestamp = INT64_MIN,
        .min_expiry_s = INT64_MAX,
        .max_expiry_s = INT64_MIN,
    };
    summary.raw_bytes = reader_varint(in);
    summary.content_hash = reader_le64(in);
    summary.cells = reader_varint(in);
    summary.tombstones = reader_varint(in);
    summary.expiring = reader_varint(in);
    if (flags & SUMMARY_HAS_TIMESTAMPS) {
        summary.min_timestamp = zigzag_decode(reader_varint(in));
        summary.max_timestamp = (int64_t)((uint64_t)summary.min_timestamp + reader_varint(in));
    }
    if (flags & SUMMARY_HAS_EXPIRIES) {
        summary.min_expiry_s = zigzag_decode(reader_varint(in));
        summary.max_expiry_s = (int64_t)((uint64_t)summary.min_expiry_s + reader_varint(in));
    }
    if (in->failed || flags > (SUMMARY_NEVER_EXPIRES | SUMMARY_HAS_TIMESTAMPS | SUMMARY_HAS_EXPIRIES))
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_summary = summary;
    return STATUS_DONE;
}

status rows_summary(struct slice payload, uint32_t rows, struct sstable_block_summary *out_summary)
{
    struct reader in = reader_of(payload);
    return summary_read(&in, rows, out_summary);
}

/* What lanes can expand to is bounded by what stands in the file, so that nobody allocates for what is not there. */
static status head_bound(const struct rows_head *head, uint32_t rows)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < head->lane_count; i++) {
        most += head->lanes[i].stored.bytes * TOKEN_BYTES_MAX;
        if (head->lanes[i].codec == LANE_ZSTD)
            most += head->lanes[i].raw_bytes;
    }
    /* Of each row a shape and a template of a key. */
    uint64_t shared =
        (uint64_t)rows * (head->lanes[LANE_KEYS].stored.bytes + head->lanes[LANE_SHAPES].stored.bytes + 64);
    if (rows == 0 || head->summary.raw_bytes > most + shared || head->summary.raw_bytes > FRAME_RAW_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    return STATUS_DONE;
}

status rows_head_read(struct slice payload, uint32_t rows, struct rows_head *out_head)
{
    struct reader in = reader_of(payload);
    uint64_t stored_bytes[LANE_COUNT];
    TRY(summary_read(&in, rows, &out_head->summary));
    uint64_t columns = reader_varint(&in);
    if (in.failed || columns > ROWS_COLUMNS)
        return STATUS_FAIL(STATUS_CORRUPT);
    out_head->lane_count = LANE_COLUMNS + 2 * (uint32_t)columns;
    for (uint32_t i = 0; i < out_head->lane_count; i++) {
        uint64_t lane = reader_varint(&in);
        stored_bytes[i] = lane >> 2;
        out_head->lanes[i].codec = (enum lane_codec)(lane & 3);
        out_head->lanes[i].raw_bytes = out_head->lanes[i].codec == LANE_ZSTD ? reader_varint(&in) : 0;
        bool is_values = i > LANE_COLUMNS && (i - LANE_COLUMNS) % 2;
        if (out_head->lanes[i].raw_bytes > ROWS_ZSTD_RAW_MAX ||
            (out_head->lanes[i].codec != LANE_STORED && !is_values &&
             !(i == LANE_WHOLE && out_head->lanes[i].codec == LANE_ZSTD)))
            return STATUS_FAIL(STATUS_CORRUPT);
    }
    for (uint32_t i = 0; i < out_head->lane_count; i++)
        out_head->lanes[i].stored = reader_take(&in, stored_bytes[i]);
    if (in.failed || in.at != in.end)
        return STATUS_FAIL(STATUS_CORRUPT);
    return head_bound(out_head, rows);
}

status rows_needs(struct slice payload, bool *out_tokens, bool *out_zstd)
{
    struct rows_head head;
    TRY(rows_head_read(payload, UINT32_MAX, &head)); /* what it may unfold to is asked by who unfolds it */
    *out_tokens = *out_zstd = false;
    for (uint32_t i = 0; i < head.lane_count; i++) {
        *out_tokens |= head.lanes[i].codec == LANE_TOKENS;
        *out_zstd |= head.lanes[i].codec == LANE_ZSTD;
    }
    return STATUS_DONE;
}

status rows_end_keys(struct slice payload, uint32_t rows, struct buffer *scratch, struct slice *out_first,
                     struct slice *out_last)
{
    struct rows_head head;
    struct strings_reader keys;
    TRY(rows_head_read(payload, rows, &head));
    TRY(strings_open(head.lanes[LANE_KEYS].stored, &keys));
    buffer_clear(scratch);
    uint8_t *at = buffer_extend(scratch, head.summary.raw_bytes + ROWS_DECODE_SLACK);
    if (!at)
        return STATUS_FAIL(STATUS_NOMEM);
    const uint8_t *end = at + head.summary.raw_bytes, *before = NULL;
    size_t bytes = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (!strings_next(&keys, before, bytes, at, (size_t)(end - at), &bytes))
            return STATUS_FAIL(STATUS_CORRUPT);
        if (i == 0)
            *out_first = slice_of(at, bytes);
        *out_last = slice_of(at, bytes);
        before = at;
        at += bytes;
    }
    return STATUS_DONE;
}

/* ---- rows ---- */

struct values_reader {
    enum lane_codec codec;
    struct integers_reader lengths;
    struct reader in;             /* STORED, ZSTD */
    struct token_codes *codes;    /* TOKENS; the decoder's own */
    struct strings_reader *fixed; /* FIXED; likewise */
    const uint8_t *before;        /* FIXED: the value before, NULL at first */
};

struct rows_decoder {
    /* What is large is not zeroed. */
    struct rows_head head;
    union {
        struct token_codes codes;
        struct strings_reader fixed;
    } column[ROWS_COLUMNS];
    struct strings_reader keys;
    struct integers_reader kinds, timestamps, expiries, whole_lengths;
    struct reader whole;
    struct row_shape *shapes; /* owned, shape_count */
    uint32_t shape_count;
    struct shape_columns columns;
    struct values_reader values[ROWS_COLUMNS];
    uint32_t column_count;
    int64_t last_timestamp, last_expiry_s;
    int64_t timestamp_factor; /* of the key's number; 0: timestamps follow one another */
    uint64_t timestamp_base;
    uint64_t key_number;         /* of the row at hand, where timestamps want it */
    uint8_t *at;                 /* where the next image goes */
    struct rows_codes *codes;    /* borrowed; NULL: nobody wants them */
    uint8_t coded[ROWS_COLUMNS]; /* by column of `codes`: which of ours */
};

static status shapes_open(struct rows_decoder *decoder)
{
    struct reader in = reader_of(decoder->head.lanes[LANE_SHAPES].stored);
    uint64_t count = reader_varint(&in);
    if (in.failed || count > ROWS_SHAPES)
        return STATUS_FAIL(STATUS_CORRUPT);
    decoder->shapes = malloc((count ? count : 1) * sizeof *decoder->shapes);
    if (!decoder->shapes)
        return STATUS_FAIL(STATUS_NOMEM);
    decoder->shape_count = (uint32_t)count;
    for (uint32_t i = 0; i < count; i++) {
        struct slice glue = reader_take(&in, reader_varint(&in));
        TRY(reader_status(&in));
        TRY(row_shape_of_glue(glue, &decoder->columns, &decoder->shapes[i]));
    }
    decoder->kinds = integers_reader_of(slice_of(in.at, (size_t)(in.end - in.at)));
    return decoder->columns.count <= decoder->column_count ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT);
}

/* The bytes of a lane that is stored or compressed as a whole. Decompressed ones stand in the scratch buffer, which
 * has room for all of them. */
static status bytes_open(struct rows_decoder *decoder, const struct rows_decompressor *decompressor,
                         uint32_t lane, struct reader *out_in)
{
    struct slice stored = decoder->head.lanes[lane].stored;
    uint64_t raw = decoder->head.lanes[lane].raw_bytes;
    if (decoder->head.lanes[lane].codec != LANE_ZSTD) {
        *out_in = reader_of(stored);
        return STATUS_DONE;
    }
    uint8_t *at = buffer_extend(decompressor->scratch, raw);
    if (!*decompressor->zstd)
        *decompressor->zstd = lending_take_zstd(block_cache_lending(decompressor->cache));
    if (!at || !*decompressor->zstd)
        return STATUS_FAIL(STATUS_NOMEM);
    size_t bytes = ZSTD_decompressDCtx(*decompressor->zstd, at, raw, stored.data, stored.bytes);
    if (ZSTD_isError(bytes) || bytes != raw)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_in = reader_of(slice_of(at, raw));
    return STATUS_DONE;
}

static status columns_open(struct rows_decoder *decoder, const struct rows_decompressor *decompressor)
{
    for (uint32_t i = 0; i < decoder->column_count; i++) {
        struct values_reader *values = &decoder->values[i];
        uint32_t lane = LANE_COLUMNS + 2 * i;
        values->codec = decoder->head.lanes[lane + 1].codec;
        values->lengths = integers_reader_of(decoder->head.lanes[lane].stored);
        if (values->codec == LANE_FIXED) {
            values->fixed = &decoder->column[i].fixed;
            TRY(strings_open(decoder->head.lanes[lane + 1].stored, values->fixed));
            if (values->fixed->fixed == STRINGS_PREFIXED)
                return STATUS_FAIL(STATUS_CORRUPT);
            continue;
        }
        if (values->codec == LANE_TOKENS) {
            const struct tokens *tokens = NULL;
            if (decompressor->dictionary && i < decoder->columns.count)
                tokens = dictionary_tokens(decompressor->dictionary, decoder->columns.places[i]);
            if (!tokens)
                return STATUS_FAIL(STATUS_CORRUPT);
            values->codes = &decoder->column[i].codes;
            token_codes_open(values->codes, tokens, decoder->head.lanes[lane + 1].stored);
            continue;
        }
        TRY(bytes_open(decoder, decompressor, lane + 1, &values->in));
    }
    return STATUS_DONE;
}

static status timestamps_open(struct rows_decoder *decoder)
{
    struct reader in = reader_of(decoder->head.lanes[LANE_TIMESTAMPS].stored);
    if (in.at != in.end) {
        uint8_t way = reader_u8(&in);
        if (way >= TIMESTAMP_WAYS || (way && !decoder->keys.number_bytes))
            return STATUS_FAIL(STATUS_CORRUPT);
        decoder->timestamp_factor = timestamp_factors[way];
        if (way)
            decoder->timestamp_base = (uint64_t)zigzag_decode(reader_varint(&in));
        TRY(reader_status(&in));
    }
    decoder->timestamps = integers_reader_of(slice_of(in.at, (size_t)(in.end - in.at)));
    return STATUS_DONE;
}

static status decoder_open(struct rows_decoder *decoder, const struct rows_decompressor *decompressor)
{
    uint64_t scratch_bytes = 0;
    for (uint32_t i = 0; i < decoder->head.lane_count; i++)
        scratch_bytes += decoder->head.lanes[i].raw_bytes;
    buffer_clear(decompressor->scratch);
    if (!buffer_reserve(decompressor->scratch, scratch_bytes))
        return STATUS_FAIL(STATUS_NOMEM);
    decoder->column_count = (decoder->head.lane_count - LANE_COLUMNS) / 2;
    TRY(strings_open(decoder->head.lanes[LANE_KEYS].stored, &decoder->keys));
    TRY(shapes_open(decoder));
    TRY(timestamps_open(decoder));
    decoder->expiries = integers_reader_of(decoder->head.lanes[LANE_EXPIRIES].stored);
    decoder->whole_lengths = integers_reader_of(decoder->head.lanes[LANE_WHOLE_LENGTHS].stored);
    TRY(bytes_open(decoder, decompressor, LANE_WHOLE, &decoder->whole));
    return columns_open(decoder, decompressor);
}

static void decoder_close(struct rows_decoder *decoder)
{
    free(decoder->shapes);
}

static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static inline int64_t difference_take(struct integers_reader *numbers, int64_t *last)
{
    *last = (int64_t)((uint64_t)*last + (uint64_t)zigzag_decode(integers_next(numbers)));
    return *last;
}

static inline uint64_t timestamp_take(struct rows_decoder *decoder)
{
    if (!decoder->timestamp_factor)
        return (uint64_t)difference_take(&decoder->timestamps, &decoder->last_timestamp);
    return (uint64_t)zigzag_decode(integers_next(&decoder->timestamps)) + decoder->timestamp_base +
           (uint64_t)decoder->timestamp_factor * decoder->key_number;
}

/* A value of `bytes` bytes at `at`, where there is room for it. */
static inline bool value_take(struct values_reader *values, uint8_t *at, size_t bytes)
{
    if (values->codec == LANE_TOKENS)
        return token_codes_take(values->codes, at, bytes);
    if (values->codec == LANE_FIXED) {
        size_t fixed_bytes;
        if (!strings_next(values->fixed, values->before, bytes, at, bytes, &fixed_bytes))
            return false;
        values->before = at;
        return fixed_bytes == bytes;
    }
    const uint8_t *from = values->in.at;
    if ((size_t)(values->in.end - from) < bytes)
        return false;
    bytes_copy_short(at, from, bytes, values->in.end);
    values->in.at += bytes;
    return true;
}

/* Glue is a byte or two, standing in the payload or in front of something that does. */
static inline uint8_t *glue_put(uint8_t *at, const uint8_t *glue, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = glue[i];
    return at + bytes;
}

/* An image of that shape at `at`; returns its end, NULL when it does not fit before `end` or the lanes are short. */
static uint8_t *image_put(struct rows_decoder *decoder, const struct row_shape *shape, uint8_t *at,
                          const uint8_t *end)
{
    enum { HEAD_BYTES_MOST = 1 + 8 + 10, LENGTH_BYTES_MOST = 10 };
    const uint8_t *glue = shape->glue.data;
    uint32_t from = 1;
    /* What is not a value: checked at once, by its most; the slack behind the block is at least that. */
    if ((size_t)(end - at) < shape->glue.bytes)
        return NULL;
    *at++ = glue[0];
    store_le64(at, timestamp_take(decoder));
    at += 8;
    if (shape->expiry_cut) {
        at = glue_put(at, glue + from, shape->expiry_cut - from);
        at = varint_put(at, zigzag_encode(difference_take(&decoder->expiries, &decoder->last_expiry_s)));
        from = shape->expiry_cut;
    }
    for (uint32_t i = 0; i < shape->value_count; i++) {
        struct values_reader *values = &decoder->values[shape->column[i]];
        size_t glue_bytes = shape->cut[i] - from;
        uint64_t bytes = integers_next(&values->lengths);
        if (at > end || (size_t)(end - at) < glue_bytes)
            return NULL;
        at = glue_put(at, glue + from, glue_bytes);
        at = varint_put(at, bytes);
        if (at > end || bytes > (size_t)(end - at) || !value_take(values, at, bytes))
            return NULL;
        at += bytes;
        from = shape->cut[i];
    }
    if (at > end || (size_t)(end - at) < shape->glue.bytes - from)
        return NULL;
    return glue_put(at, glue + from, shape->glue.bytes - from);
}

static uint8_t *whole_put(struct rows_decoder *decoder, uint8_t *at, const uint8_t *end)
{
    uint64_t bytes = integers_next(&decoder->whole_lengths);
    struct slice image = reader_take(&decoder->whole, bytes);
    if (decoder->whole.failed || image.bytes > (size_t)(end - at))
        return NULL;
    if (image.bytes)
        memcpy(at, image.data, image.bytes);
    return at + image.bytes;
}

/* Where key and image begin, and the end: rows_view. */
static uint32_t *starts_of(struct block *block)
{
    return (uint32_t *)(void *)((uint64_t *)(void *)block->data + block->items);
}

static uint8_t *bytes_of(struct block *block)
{
    return (uint8_t *)(starts_of(block) + 2 * (size_t)block->items + 1);
}

static status keys_put(struct rows_decoder *decoder, struct block *block)
{
    uint64_t *prefixes = (uint64_t *)(void *)block->data;
    uint32_t *starts = starts_of(block);
    uint8_t *bytes = bytes_of(block), *at = bytes;
    const uint8_t *end = bytes + decoder->head.summary.raw_bytes, *before = NULL;
    size_t key_bytes = 0;
    for (uint32_t i = 0; i < block->items; i++) {
        uint8_t *key = at;
        if (!strings_next(&decoder->keys, before, key_bytes, key, (size_t)(end - at), &key_bytes))
            return STATUS_FAIL(STATUS_CORRUPT);
        prefixes[i] = key_prefix(slice_of(key, key_bytes));
        starts[i] = (uint32_t)(key - bytes);
        at += key_bytes;
        before = key;
    }
    starts[block->items] = (uint32_t)(at - bytes);
    decoder->at = at;
    return STATUS_DONE;
}

/* The number in a key as strings_next() had it. */
static inline uint64_t key_number(const struct strings_reader *keys, const uint8_t *key)
{
    return load_be64(key + keys->number_at) >> (64 - 8U * keys->number_bytes);
}

/* The lanes of tokens, but for that which several columns may share. */
static void codes_begin(struct rows_decoder *decoder, struct rows_codes *codes)
{
    rows_codes_clear(codes);
    for (uint32_t i = 0; i < decoder->columns.count && i + 1 < ROWS_COLUMNS; i++) {
        if (decoder->values[i].codec != LANE_TOKENS)
            continue;
        codes->column[codes->columns].place = decoder->columns.places[i];
        codes->column[codes->columns].tokens_id = decoder->values[i].codes->tokens->id;
        codes->column[codes->columns].begin = (uint32_t)codes->bytes.bytes;
        buffer_append_slice(&codes->bytes, decoder->head.lanes[LANE_COLUMNS + 2 * i + 1].stored);
        decoder->coded[codes->columns++] = (uint8_t)i;
    }
    decoder->codes = codes;
}

/* The row at hand has been taken from its lanes. */
static void codes_note(const struct rows_decoder *decoder)
{
    struct rows_codes *codes = decoder->codes;
    for (uint32_t i = 0; i < codes->columns; i++) {
        uint32_t at = decoder->coded[i];
        const uint8_t *begin = decoder->head.lanes[LANE_COLUMNS + 2 * at + 1].stored.data;
        uint32_t end =
            codes->column[i].begin + (uint32_t)(token_codes_place(decoder->values[at].codes) - begin);
        buffer_append(&codes->ends, &end, sizeof end);
    }
}

/* Images of rows [from, to), where those before stand already. */
static status images_put(struct rows_decoder *decoder, struct block *block, uint32_t from, uint32_t to)
{
    const uint32_t *keys = starts_of(block);
    uint32_t *starts = starts_of(block) + block->items;
    uint8_t *bytes = bytes_of(block), *at = decoder->at;
    const uint8_t *end = bytes + decoder->head.summary.raw_bytes;
    for (uint32_t i = from; i < to; i++) {
        uint64_t kind = integers_next(&decoder->kinds);
        if (decoder->timestamp_factor)
            decoder->key_number = key_number(&decoder->keys, bytes + keys[i]);
        if (kind < decoder->shape_count)
            at = image_put(decoder, &decoder->shapes[kind], at, end);
        else if (kind == decoder->shape_count)
            at = whole_put(decoder, at, end);
        else
            at = NULL;
        if (!at || at > end)
            return STATUS_FAIL(STATUS_CORRUPT);
        starts[i + 1] = (uint32_t)(at - bytes);
        if (decoder->codes)
            codes_note(decoder);
    }
    decoder->at = at;
    return STATUS_DONE;
}

static bool value_skip(struct values_reader *values, size_t bytes)
{
    uint8_t unused[STRINGS_FIXED_MAX + ROWS_DECODE_SLACK];
    if (values->codec == LANE_TOKENS)
        return token_codes_pass(values->codes, bytes);
    if (values->codec == LANE_FIXED)
        return bytes <= STRINGS_FIXED_MAX && value_take(values, unused, bytes);
    if ((size_t)(values->in.end - values->in.at) < bytes)
        return false;
    values->in.at += bytes;
    return true;
}

static bool image_skip(struct rows_decoder *decoder, const struct row_shape *shape)
{
    difference_take(&decoder->timestamps, &decoder->last_timestamp);
    if (shape->expiry_cut)
        difference_take(&decoder->expiries, &decoder->last_expiry_s);
    for (uint32_t i = 0; i < shape->value_count; i++) {
        struct values_reader *values = &decoder->values[shape->column[i]];
        if (!value_skip(values, integers_next(&values->lengths)))
            return false;
    }
    return true;
}

/* Images of rows [0, to) are passed over: they are empty. */
static status images_skip(struct rows_decoder *decoder, struct block *block, uint32_t to)
{
    uint32_t *starts = starts_of(block) + block->items;
    for (uint32_t i = 0; i < to; i++) {
        uint64_t kind = integers_next(&decoder->kinds);
        bool good = kind < decoder->shape_count && image_skip(decoder, &decoder->shapes[kind]);
        if (kind == decoder->shape_count) {
            reader_take(&decoder->whole, integers_next(&decoder->whole_lengths));
            good = !decoder->whole.failed;
        }
        if (!good)
            return STATUS_FAIL(STATUS_CORRUPT);
        starts[i + 1] = starts[0];
    }
    return STATUS_DONE;
}

/* Everything was used, nothing was asked for in vain. */
static status lanes_check(const struct rows_decoder *decoder, struct block *block, bool whole)
{
    const struct integers_reader *const numbers[] = {&decoder->kinds, &decoder->timestamps,
                                                     &decoder->expiries, &decoder->whole_lengths};
    bool good = !whole || decoder->at == bytes_of(block) + decoder->head.summary.raw_bytes;
    good &= strings_at_end(&decoder->keys) && decoder->whole.at == decoder->whole.end;
    for (uint32_t i = 0; i < ARRAY_LEN(numbers); i++)
        good &= integers_at_end(numbers[i]);
    for (uint32_t i = 0; i < decoder->column_count; i++) {
        const struct values_reader *values = &decoder->values[i];
        good &= integers_at_end(&values->lengths);
        good &= values->codec == LANE_FIXED    ? strings_at_end(values->fixed)
                : values->codec == LANE_TOKENS ? token_codes_at_end(values->codes)
                                               : values->in.at == values->in.end;
    }
    return good ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT);
}

/* decoder_close() follows in any case. */
static status decoder_begin(struct rows_decoder *decoder, const struct rows_decompressor *decompressor,
                            struct slice payload, uint32_t rows)
{
    memset((uint8_t *)decoder + offsetof(struct rows_decoder, keys), 0,
           sizeof *decoder - offsetof(struct rows_decoder, keys));
    TRY(rows_head_read(payload, rows, &decoder->head));
    return decoder_open(decoder, decompressor);
}

static status block_begin(struct rows_decoder *decoder, const struct rows_decompressor *decompressor,
                          struct slice payload, uint32_t rows, struct block **out_block)
{
    *out_block = NULL;
    TRY(decoder_begin(decoder, decompressor, payload, rows));
    uint64_t bytes = (uint64_t)rows * 16 + 4 + decoder->head.summary.raw_bytes + ROWS_DECODE_SLACK;
    if (bytes > UINT32_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct block *block = block_new(decompressor->home, (uint32_t)bytes);
    if (!block)
        return STATUS_FAIL(STATUS_NOMEM);
    block->layout = FRAME_ROWS;
    block->items = rows;
    *out_block = block;
    return keys_put(decoder, block);
}

status rows_decode(const struct rows_decompressor *decompressor, struct slice payload, uint32_t rows,
                   struct block **out_block)
{
    struct rows_decoder decoder;
    struct block *block;
    status st = block_begin(&decoder, decompressor, payload, rows, &block);
    if (ok(st) && decompressor->codes)
        codes_begin(&decoder, decompressor->codes);
    if (ok(st))
        st = images_put(&decoder, block, 0, rows);
    if (ok(st))
        st = lanes_check(&decoder, block, true);
    decoder_close(&decoder);
    if (ok(st) && decoder.codes && !decoder.codes->bytes.failed && !decoder.codes->ends.failed)
        decoder.codes->rows = rows;
    if (ok(st))
        *out_block = block;
    else
        block_unref(block);
    return st;
}

status rows_unfolding_begin(struct rows_unfolding *unfolding, const struct rows_decompressor *decompressor,
                            struct slice payload, uint32_t rows, bool may_pass, struct block **out_block)
{
    rows_unfolding_end(unfolding);
    if (!unfolding->decoder)
        unfolding->decoder = malloc(sizeof *unfolding->decoder);
    if (!unfolding->decoder)
        return STATUS_FAIL(STATUS_NOMEM);
    struct rows_decompressor own = *decompressor;
    own.scratch = &unfolding->scratch;
    struct block *block;
    status st = block_begin(unfolding->decoder, &own, payload, rows, &block);
    if (failed(st)) {
        decoder_close(unfolding->decoder);
        block_unref(block);
        return st;
    }
    unfolding->block = *out_block = block;
    unfolding->decompressor = *decompressor;
    unfolding->payload = payload;
    unfolding->rows = unfolding->passed = 0;
    unfolding->may_pass = may_pass;
    return STATUS_DONE;
}

/* From the first image again, for a reader who has come back to what was passed over. */
static status start_over(struct rows_unfolding *unfolding)
{
    struct rows_decoder *decoder = unfolding->decoder;
    struct rows_decompressor decompressor = unfolding->decompressor;
    struct block *block = unfolding->block;
    decompressor.scratch = &unfolding->scratch;
    rows_unfolding_end(unfolding);
    status st = decoder_begin(decoder, &decompressor, unfolding->payload, block->items);
    if (ok(st))
        st = keys_put(decoder, block);
    if (failed(st)) {
        decoder_close(decoder);
        return st;
    }
    unfolding->block = block;
    unfolding->rows = unfolding->passed = 0;
    unfolding->may_pass = false;
    return STATUS_DONE;
}

status rows_unfold(struct rows_unfolding *unfolding, uint32_t row)
{
    enum { PASS_LEAST = 4 };
    if (!unfolding->block)
        return STATUS_DONE;
    if (row < unfolding->passed)
        TRY(start_over(unfolding));
    if (row < unfolding->rows)
        return STATUS_DONE;
    if (unfolding->may_pass && !unfolding->rows && row >= PASS_LEAST) {
        TRY(images_skip(unfolding->decoder, unfolding->block, row));
        unfolding->rows = unfolding->passed = row;
    }
    TRY(images_put(unfolding->decoder, unfolding->block, unfolding->rows, row + 1));
    unfolding->rows = row + 1;
    return unfolding->rows < unfolding->block->items
               ? STATUS_DONE
               : lanes_check(unfolding->decoder, unfolding->block, !unfolding->passed);
}

void rows_unfolding_end(struct rows_unfolding *unfolding)
{
    if (unfolding->block)
        decoder_close(unfolding->decoder);
    unfolding->block = NULL;
}

void rows_unfolding_deinit(struct rows_unfolding *unfolding)
{
    rows_unfolding_end(unfolding);
    free(unfolding->decoder);
    buffer_deinit(&unfolding->scratch);
    unfolding->decoder = NULL;
}

void rows_unfolding_keep(struct rows_unfolding *unfolding, struct rows_unfolding *other)
{
    enum { KEPT_MOST = 64 << 10 };
    rows_unfolding_end(unfolding);
    if (unfolding->scratch.capacity_bytes > KEPT_MOST)
        buffer_deinit(&unfolding->scratch);
    other->decoder = unfolding->decoder;
    other->scratch = unfolding->scratch;
    *unfolding = (struct rows_unfolding){0};
}

/* ---- the decoded block ---- */

uint32_t rows_find(const struct rows_view *view, uint32_t begin, uint32_t end, uint32_t guess,
                   struct slice key)
{
    uint64_t prefix = key_prefix(key);
    uint32_t low = begin, high = end; /* rows before `low` are below the key, those from `high` on are not */
    uint32_t at = guess < begin ? begin : guess < end ? guess : end - 1;
    /* In steps that double, away from the guess, until the key is between two of them: mostly few, and near. */
    if (low < high && view->prefixes[at] < prefix) {
        for (uint32_t step = 1; at < high && view->prefixes[at] < prefix; step *= 2) {
            low = at + 1;
            at = high - low > step ? low + step : high;
        }
        if (at < high && view->prefixes[at] > prefix)
            high = at;
    } else if (low < high && view->prefixes[at] > prefix) {
        for (uint32_t step = 1; view->prefixes[at] > prefix; step *= 2) {
            high = at;
            if (at == low)
                break;
            at = at - low > step ? at - step : low;
        }
        if (view->prefixes[at] < prefix)
            low = at + 1;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool below = view->prefixes[middle] < prefix ||
                     (view->prefixes[middle] == prefix && slice_compare(rows_key(view, middle), key) < 0);
        if (below)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
