/*
 * Images out of their lanes: for each row the glue of its shape with timestamp, lengths and values in between, straight
 * into the block that is kept. All copies of a few bytes may run over by as much as the block has slack; the next piece
 * overwrites what was too much.
 */
#include "sstable/rows_decoder_internal.h"

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

/* Glue is some bytes mostly, and how many says nothing of how many come next: nothing branches on it. */
static inline uint8_t *glue_put(uint8_t *at, const uint8_t *glue, size_t bytes)
{
    memcpy(at, glue, ROWS_GLUE_SLACK);
    if (bytes > ROWS_GLUE_SLACK)
        memcpy(at + ROWS_GLUE_SLACK, glue + ROWS_GLUE_SLACK, bytes - ROWS_GLUE_SLACK);
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

/* The number in a key as strings_next() had it. */
static inline uint64_t key_number(const struct strings_reader *keys, const uint8_t *key)
{
    return load_be64(key + keys->number_at) >> (64 - 8U * keys->number_bytes);
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

status rows_images_put(struct rows_decoder *decoder, struct block *block, uint32_t from, uint32_t to)
{
    const uint32_t *keys = rows_block_starts(block);
    uint32_t *starts = rows_block_starts(block) + block->items;
    uint8_t *bytes = rows_block_bytes(block), *at = decoder->at;
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

/* What the images passed over have of each column, to be passed over at once: where one value ends among them nobody asks. */
struct skipped {
    uint64_t bytes[ROWS_COLUMNS];
};

static bool fixed_skip(struct values_reader *values, uint64_t bytes)
{
    uint8_t unused[STRINGS_FIXED_MAX + ROWS_DECODE_SLACK];
    bool taken = bytes <= STRINGS_FIXED_MAX && value_take(values, unused, bytes);
    values->before = values->fixed->first; /* that there was one is all that is asked */
    return taken;
}

static bool image_skip(struct rows_decoder *decoder, const struct row_shape *shape, struct skipped *skipped)
{
    difference_take(&decoder->timestamps, &decoder->last_timestamp);
    if (shape->expiry_cut)
        difference_take(&decoder->expiries, &decoder->last_expiry_s);
    for (uint32_t i = 0; i < shape->value_count; i++) {
        struct values_reader *values = &decoder->values[shape->column[i]];
        uint64_t bytes = integers_next(&values->lengths);
        if (bytes > FRAME_RAW_MAX || (values->codec == LANE_FIXED && !fixed_skip(values, bytes)))
            return false;
        skipped->bytes[shape->column[i]] += bytes;
    }
    return true;
}

static bool values_skip(struct values_reader *values, uint64_t bytes)
{
    if (values->codec == LANE_FIXED)
        return true;
    if (values->codec == LANE_TOKENS)
        return token_codes_pass(values->codes, bytes);
    if ((size_t)(values->in.end - values->in.at) < bytes)
        return false;
    values->in.at += bytes;
    return true;
}

status rows_images_skip(struct rows_decoder *decoder, struct block *block, uint32_t to)
{
    uint32_t *starts = rows_block_starts(block) + block->items;
    struct skipped skipped = {0};
    for (uint32_t i = 0; i < to; i++) {
        uint64_t kind = integers_next(&decoder->kinds);
        bool good = kind < decoder->shape_count && image_skip(decoder, &decoder->shapes[kind], &skipped);
        if (kind == decoder->shape_count) {
            reader_take(&decoder->whole, integers_next(&decoder->whole_lengths));
            good = !decoder->whole.failed;
        }
        if (!good)
            return STATUS_FAIL(STATUS_CORRUPT);
        starts[i + 1] = starts[0];
    }
    for (uint32_t i = 0; i < decoder->column_count; i++)
        if (!values_skip(&decoder->values[i], skipped.bytes[i]))
            return STATUS_FAIL(STATUS_CORRUPT);
    return STATUS_DONE;
}
