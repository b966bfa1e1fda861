#include "sstable/lending_internal.h"
#include "sstable/rows_decoder_internal.h"

#include <stdlib.h>

static status shapes_open(struct rows_decoder *decoder)
{
    struct slice lane = decoder->head.lanes[LANE_SHAPES].stored;
    struct reader in = reader_of(lane);
    uint64_t count = reader_varint(&in);
    if (in.failed || count > ROWS_SHAPES)
        return STATUS_FAIL(STATUS_CORRUPT);
    /* Glue is copied by more than it has: its lane stands behind the shapes, with room behind it. */
    size_t before = lane.bytes - reader_left(&in);
    decoder->shapes = malloc(count * sizeof *decoder->shapes + lane.bytes + ROWS_GLUE_SLACK);
    if (!decoder->shapes)
        return STATUS_FAIL(STATUS_NOMEM);
    uint8_t *own = (uint8_t *)(decoder->shapes + count);
    memcpy(own, lane.data, lane.bytes);
    memset(own + lane.bytes, 0, ROWS_GLUE_SLACK);
    in = reader_of(slice_of(own + before, lane.bytes - before));
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

void rows_decoder_close(struct rows_decoder *decoder)
{
    free(decoder->shapes);
}

static status keys_put(struct rows_decoder *decoder, struct block *block)
{
    uint64_t *prefixes = (uint64_t *)(void *)block->data;
    uint32_t *starts = rows_block_starts(block);
    uint8_t *bytes = rows_block_bytes(block), *at = bytes;
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

status rows_decoder_check(const struct rows_decoder *decoder, struct block *block, bool whole)
{
    const struct integers_reader *const numbers[] = {&decoder->kinds, &decoder->timestamps,
                                                     &decoder->expiries, &decoder->whole_lengths};
    bool good = !whole || decoder->at == rows_block_bytes(block) + decoder->head.summary.raw_bytes;
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

static status decoder_begin(struct rows_decoder *decoder, const struct rows_decompressor *decompressor,
                            struct slice payload, uint32_t rows)
{
    memset((uint8_t *)decoder + offsetof(struct rows_decoder, keys), 0,
           sizeof *decoder - offsetof(struct rows_decoder, keys));
    TRY(rows_head_read(payload, rows, &decoder->head));
    return decoder_open(decoder, decompressor);
}

status rows_decoder_block(struct rows_decoder *decoder, const struct rows_decompressor *decompressor,
                          struct slice payload, uint32_t rows, struct block **out_block)
{
    *out_block = NULL;
    TRY(decoder_begin(decoder, decompressor, payload, rows));
    if (rows > decoder->head.summary.raw_bytes) /* every image has some bytes */
        return STATUS_FAIL(STATUS_CORRUPT);
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

status rows_decoder_again(struct rows_decoder *decoder, const struct rows_decompressor *decompressor,
                          struct slice payload, struct block *block)
{
    TRY(decoder_begin(decoder, decompressor, payload, block->items));
    return keys_put(decoder, block);
}
