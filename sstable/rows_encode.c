/*
 * Cutting rows into lanes. A row's image is compared with the shapes that are known in this block, the one of the row
 * before first; a match gives its values at once, and a new shape is learnt from the image itself.
 *
 * What codec the values of a column deserve is found by trying: tokens when the table has a dictionary, zstd when it has
 * none or, now and then, to see whether it would do much better. The answer is remembered by column from block to block,
 * so that bytes that do not compress are hardly ever fed to a compressor.
 */
#include "sstable/rows_lanes_internal.h"
#include "sstable/token_cut_internal.h"

#include <stdlib.h>

enum {
    HABITS = 64,           /* columns whose best codec is remembered */
    HABIT_BLOCKS = 32,     /* blocks after which the other codecs are tried again */
    ZSTD_BYTES_MIN = 64,   /* fewer are not worth the header */
    SAVES_ONE_IN = 16,     /* a codec must save that part of the bytes */
    ZSTD_BETTER_TENTHS = 8 /* zstd must be so much smaller than tokens, which are read several times faster */
};

struct habit {
    uint64_t place; /* of the column + 1; 0 is free */
    enum lane_codec codec;
    uint32_t blocks_left;
};

struct column {
    struct buffer values;  /* struct slice each */
    struct buffer codes;   /* struct slice each, NULL where the value must be coded; empty: everywhere */
    struct buffer lengths; /* uint64_t each */
    size_t bytes;
};

struct rows_encoder {
    struct arena arena; /* glue of the shapes; reset with every block */
    struct row_shape shapes[ROWS_SHAPES];
    uint32_t shape_count, shape_last;
    struct shape_columns columns;
    struct column column[ROWS_COLUMNS];
    struct buffer keys; /* struct slice each */
    struct buffer kinds, timestamps, expiries, whole_lengths;
    struct buffer whole;
    struct buffer lanes[LANE_COUNT];
    enum lane_codec codecs[LANE_COUNT];
    size_t raw_bytes[LANE_COUNT];
    uint32_t lane_count;
    struct buffer trial;
    struct token_scratch tokens;
    struct habit habits[HABITS];
    int64_t last_expiry_s;
    uint32_t timestamp_way, timestamp_blocks; /* until the other ways are tried again */
    struct buffer residues;                   /* uint64_t each: scratch */
    struct row_parts parts;
    /* Codes that the row at hand brought along, and by column: whether the row has values there already, with codes. */
    bool has_codes;
    const struct rows_code *row_codes;
    uint32_t row_code_count;
    const uint8_t *code_bytes;
    uint32_t seen_columns, coded_columns;
};

struct rows_encoder *rows_encoder_new(void)
{
    return calloc(1, sizeof(struct rows_encoder));
}

void rows_encoder_free(struct rows_encoder *encoder)
{
    if (!encoder)
        return;
    arena_deinit(&encoder->arena);
    token_scratch_deinit(&encoder->tokens);
    for (uint32_t i = 0; i < ROWS_COLUMNS; i++) {
        buffer_deinit(&encoder->column[i].values);
        buffer_deinit(&encoder->column[i].codes);
        buffer_deinit(&encoder->column[i].lengths);
    }
    struct buffer *const buffers[] = {&encoder->keys,     &encoder->kinds,   &encoder->timestamps,
                                      &encoder->expiries, &encoder->whole,   &encoder->whole_lengths,
                                      &encoder->trial,    &encoder->residues};
    for (uint32_t i = 0; i < ARRAY_LEN(buffers); i++)
        buffer_deinit(buffers[i]);
    for (uint32_t i = 0; i < LANE_COUNT; i++)
        buffer_deinit(&encoder->lanes[i]);
    free(encoder);
}

static void encoder_clear(struct rows_encoder *encoder)
{
    arena_reset(&encoder->arena);
    encoder->shape_count = 0;
    encoder->shape_last = 0;
    encoder->columns.count = 0;
    encoder->last_expiry_s = 0;
    for (uint32_t i = 0; i < ROWS_COLUMNS; i++) {
        buffer_clear(&encoder->column[i].values);
        buffer_clear(&encoder->column[i].codes);
        buffer_clear(&encoder->column[i].lengths);
        encoder->column[i].bytes = 0;
    }
    buffer_clear(&encoder->keys);
    buffer_clear(&encoder->kinds);
    buffer_clear(&encoder->timestamps);
    buffer_clear(&encoder->expiries);
    buffer_clear(&encoder->whole_lengths);
    buffer_clear(&encoder->whole);
    for (uint32_t i = 0; i < LANE_COUNT; i++) {
        buffer_clear(&encoder->lanes[i]);
        encoder->codecs[i] = LANE_STORED;
    }
}

/* ---- rows ---- */

static void number_add(struct buffer *numbers, uint64_t number)
{
    buffer_append(numbers, &number, sizeof number);
}

static void slice_add(struct buffer *slices, struct slice slice)
{
    buffer_append(slices, &slice, sizeof slice);
}

/* Numbers of the row before, from which the next row's differ little. */
static void difference_add(struct buffer *numbers, int64_t value, int64_t *last)
{
    number_add(numbers, zigzag_encode((int64_t)((uint64_t)value - (uint64_t)*last)));
    *last = value;
}

/* The code of the row's next value in a column: with the first value stand those of all it has there, and the others
 * are known to need none. */
static struct slice code_of(struct rows_encoder *encoder, uint32_t column)
{
    static const uint8_t nothing;
    const uint32_t bit = 1U << column;
    if (encoder->seen_columns & bit)
        return slice_of(encoder->coded_columns & bit ? &nothing : NULL, 0);
    encoder->seen_columns |= bit;
    for (uint32_t i = 0; i < encoder->row_code_count; i++) {
        const struct rows_code *code = &encoder->row_codes[i];
        /* No codes: the values are empty, or the row travelled whole. What the last column's lane holds may be of
         * several columns. */
        if (code->place != encoder->columns.places[column] || !code->bytes || column + 1 == ROWS_COLUMNS)
            continue;
        encoder->coded_columns |= bit;
        return slice_of(encoder->code_bytes + code->begin, code->bytes);
    }
    return (struct slice){0};
}

static void parts_add(struct rows_encoder *encoder, uint32_t shape_at)
{
    const struct row_shape *shape = &encoder->shapes[shape_at];
    number_add(&encoder->kinds, shape_at);
    number_add(&encoder->timestamps, (uint64_t)encoder->parts.timestamp);
    if (shape->expiry_cut)
        difference_add(&encoder->expiries, encoder->parts.expiry_s, &encoder->last_expiry_s);
    for (uint32_t i = 0; i < shape->value_count; i++) {
        struct column *column = &encoder->column[shape->column[i]];
        slice_add(&column->values, encoder->parts.values[i]);
        if (encoder->has_codes)
            slice_add(&column->codes, code_of(encoder, shape->column[i]));
        number_add(&column->lengths, encoder->parts.values[i].bytes);
        column->bytes += encoder->parts.values[i].bytes;
    }
    encoder->shape_last = shape_at;
}

static void whole_add(struct rows_encoder *encoder, struct slice image)
{
    number_add(&encoder->kinds, ROWS_SHAPES);
    number_add(&encoder->whole_lengths, image.bytes);
    buffer_append_slice(&encoder->whole, image);
}

static status image_add(struct rows_encoder *encoder, struct slice image)
{
    if (encoder->shape_count &&
        row_shape_match(&encoder->shapes[encoder->shape_last], image, &encoder->parts)) {
        parts_add(encoder, encoder->shape_last);
        return STATUS_DONE;
    }
    for (uint32_t i = 0; i < encoder->shape_count; i++) {
        if (row_shape_match(&encoder->shapes[i], image, &encoder->parts)) {
            parts_add(encoder, i);
            return STATUS_DONE;
        }
    }
    bool known = false;
    struct row_shape *shape = &encoder->shapes[encoder->shape_count];
    if (encoder->shape_count < ROWS_SHAPES)
        TRY(row_shape_of_image(image, &encoder->columns, &encoder->arena, shape, &known));
    if (known && row_shape_match(shape, image, &encoder->parts))
        parts_add(encoder, encoder->shape_count++);
    else
        whole_add(encoder, image);
    return STATUS_DONE;
}

/* Codes of a row; those behind the last that brought some have none. */
static void codes_find(struct rows_encoder *encoder, const struct rows_builder *rows, uint32_t row)
{
    const uint32_t *ends = (const uint32_t *)(const void *)rows->code_ends.data;
    uint32_t known = (uint32_t)(rows->code_ends.bytes / sizeof *ends);
    uint32_t begin = row && row <= known ? ends[row - 1] : 0;
    encoder->row_codes = (const struct rows_code *)(const void *)rows->codes.data + begin;
    encoder->row_code_count = row < known ? ends[row] - begin : 0;
    encoder->seen_columns = encoder->coded_columns = 0;
}

static status rows_cut(struct rows_encoder *encoder, const struct rows_builder *rows, bool whole)
{
    size_t at = 0;
    encoder->has_codes = rows->codes.bytes > 0;
    encoder->code_bytes = rows->code_bytes.data;
    for (uint32_t i = 0; i < rows->rows; i++) {
        if (encoder->has_codes)
            codes_find(encoder, rows, i);
        size_t key_end = load_le32(rows->ends.data + (size_t)i * 8);
        size_t image_end = load_le32(rows->ends.data + (size_t)i * 8 + 4);
        struct slice image = slice_of(rows->bytes.data + key_end, image_end - key_end);
        slice_add(&encoder->keys, slice_of(rows->bytes.data + at, key_end - at));
        if (whole)
            whole_add(encoder, image);
        else
            TRY(image_add(encoder, image));
        at = image_end;
    }
    return STATUS_DONE;
}

/* ---- values ---- */

static struct habit *habit_of(struct rows_encoder *encoder, uint64_t place)
{
    struct habit *habit = &encoder->habits[(place * 0x9e3779b97f4a7c15ULL >> 32) % HABITS];
    if (habit->place != place + 1)
        *habit = (struct habit){.place = place + 1};
    return habit;
}

static const struct slice *slices_of(const struct buffer *slices)
{
    return (const struct slice *)(const void *)slices->data;
}

static uint32_t slice_count(const struct buffer *slices)
{
    return (uint32_t)(slices->bytes / sizeof(struct slice));
}

static void values_store(const struct column *column, struct buffer *out)
{
    for (uint32_t i = 0; i < slice_count(&column->values); i++)
        buffer_append_slice(out, slices_of(&column->values)[i]);
}

/* The bytes of `raw` through zstd into `out`; false when it does not pay. */
static bool zstd_try(ZSTD_CCtx *zstd, struct slice raw, size_t most, struct buffer *out)
{
    buffer_clear(out);
    if (!zstd || raw.bytes < ZSTD_BYTES_MIN || raw.bytes > ROWS_ZSTD_RAW_MAX)
        return false;
    size_t room = ZSTD_compressBound(raw.bytes);
    uint8_t *at = buffer_extend(out, room);
    if (!at)
        return false;
    size_t bytes = ZSTD_compress2(zstd, at, room, raw.data, raw.bytes);
    if (ZSTD_isError(bytes) || bytes > most)
        return false;
    out->bytes = bytes;
    return true;
}

/* The tokens of a column: taken along where a row brought its codes, else found. */
static void tokens_put(const struct token_encoder *tokens, struct token_scratch *scratch,
                       const struct column *column, struct buffer *lane)
{
    const struct slice *values = slices_of(&column->values), *codes = slices_of(&column->codes);
    uint32_t count = slice_count(&column->values), from = 0;
    for (uint32_t i = 0; column->codes.bytes && i < count; i++) {
        if (!codes[i].data)
            continue;
        if (from < i)
            token_encoder_encode(tokens, scratch, values + from, i - from, lane);
        buffer_append_slice(lane, codes[i]);
        from = i + 1;
    }
    if (from < count)
        token_encoder_encode(tokens, scratch, values + from, count - from, lane);
}

/* Put the values of a column into `lane`, in the codec that makes them smallest or nearly so. */
static enum lane_codec values_encode(struct rows_encoder *encoder, const struct rows_compressor *compressor,
                                     const struct column *column, uint64_t place, struct buffer *lane)
{
    struct habit *habit = habit_of(encoder, place);
    const struct slice *values = slices_of(&column->values);
    uint32_t count = slice_count(&column->values);
    bool tries = habit->blocks_left == 0;
    size_t best = column->bytes;
    enum lane_codec codec = LANE_STORED;
    const struct token_encoder *tokens =
        compressor->dictionary ? dictionary_encoder(compressor->dictionary, compressor->encoders, place)
                               : NULL;
    if (!tokens && !compressor->zstd) {
        values_store(column, lane);
        return LANE_STORED;
    }
    if ((tries || habit->codec == LANE_TOKENS) && tokens) {
        tokens_put(tokens, &encoder->tokens, column, lane);
        if (lane->bytes < best - best / SAVES_ONE_IN) {
            codec = LANE_TOKENS;
            best = lane->bytes;
        }
    }
    if ((tries || habit->codec == LANE_FIXED) && strings_are_fixed(values, count) && count > 1) {
        buffer_clear(&encoder->trial);
        struct strings_number number;
        strings_encode(values, count, &encoder->trial, &number);
        if (!encoder->trial.failed && encoder->trial.bytes < best - best / SAVES_ONE_IN) {
            codec = LANE_FIXED;
            best = encoder->trial.bytes;
            buffer_clear(lane);
            buffer_append_slice(lane, buffer_slice(&encoder->trial));
        }
    }
    if (codec == LANE_STORED)
        buffer_clear(lane);
    if ((tries || habit->codec == LANE_ZSTD) && compressor->zstd) {
        struct buffer raw = {0};
        values_store(column, &raw);
        size_t most = codec == LANE_STORED ? best - best / SAVES_ONE_IN : best * ZSTD_BETTER_TENTHS / 10;
        if (!raw.failed && zstd_try(compressor->zstd, buffer_slice(&raw), most, &encoder->trial)) {
            codec = LANE_ZSTD;
            buffer_clear(lane);
            buffer_append_slice(lane, buffer_slice(&encoder->trial));
        }
        buffer_deinit(&raw);
    }
    if (codec == LANE_STORED)
        values_store(column, lane);
    if (tries) {
        habit->codec = codec;
        habit->blocks_left = HABIT_BLOCKS;
    } else {
        habit->blocks_left--;
    }
    return codec;
}

/* ---- lanes ---- */

static void numbers_put(struct rows_encoder *encoder, uint32_t lane, const struct buffer *numbers)
{
    integers_encode((const uint64_t *)(const void *)numbers->data,
                    (uint32_t)(numbers->bytes / sizeof(uint64_t)), &encoder->lanes[lane]);
    encoder->raw_bytes[lane] = numbers->bytes;
}

/* The shapes, then which of them each row has; ROWS_SHAPES becomes the number behind the last. */
static void shapes_put(struct rows_encoder *encoder)
{
    struct buffer *lane = &encoder->lanes[LANE_SHAPES];
    uint64_t *kinds = (uint64_t *)(void *)encoder->kinds.data;
    for (size_t i = 0; i < encoder->kinds.bytes / sizeof *kinds; i++)
        if (kinds[i] == ROWS_SHAPES)
            kinds[i] = encoder->shape_count;
    buffer_append_varint(lane, encoder->shape_count);
    for (uint32_t i = 0; i < encoder->shape_count; i++) {
        buffer_append_varint(lane, encoder->shapes[i].glue.bytes);
        buffer_append_slice(lane, encoder->shapes[i].glue);
    }
    numbers_put(encoder, LANE_SHAPES, &encoder->kinds);
}

static uint32_t bit_length(uint64_t value)
{
    return value ? 64 - (uint32_t)__builtin_clzll(value) : 0;
}

/* About the middle of some numbers: of a few of them, so that outliers do not pull. */
static int64_t middle_of(const int64_t *numbers, uint32_t count)
{
    enum { SAMPLE = 15 };
    int64_t sample[SAMPLE];
    uint32_t taken = count < SAMPLE ? count : SAMPLE;
    for (uint32_t i = 0; i < taken; i++) {
        int64_t number = numbers[(uint64_t)i * count / taken];
        uint32_t at = i;
        for (; at && sample[at - 1] > number; at--)
            sample[at] = sample[at - 1];
        sample[at] = number;
    }
    return sample[taken / 2];
}

/* What is left of the timestamps when one way has foretold them, ready for the lane, in `residues`; returns the base. */
static int64_t timestamps_foretell(struct rows_encoder *encoder, uint32_t way, struct strings_number number,
                                   uint64_t *out_bits)
{
    uint32_t count = (uint32_t)(encoder->timestamps.bytes / sizeof(int64_t));
    const int64_t *timestamps = (const int64_t *)(const void *)encoder->timestamps.data;
    const struct slice *keys = slices_of(&encoder->keys);
    buffer_clear(&encoder->residues);
    int64_t *residues = (int64_t *)(void *)buffer_extend(&encoder->residues, encoder->timestamps.bytes);
    uint64_t base = 0, bits = 0;
    if (!residues || !count)
        return 0;
    for (uint32_t i = 0; i < count && way; i++)
        residues[i] = (int64_t)((uint64_t)timestamps[i] -
                                (uint64_t)timestamp_factors[way] * strings_number_of(number, keys[i]));
    if (way)
        base = (uint64_t)middle_of(residues, count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t left = way ? (uint64_t)residues[i] - base
                            : (uint64_t)timestamps[i] - (i ? (uint64_t)timestamps[i - 1] : 0);
        uint64_t coded = zigzag_encode((int64_t)left);
        residues[i] = (int64_t)coded;
        bits += bit_length(coded);
    }
    *out_bits = bits;
    return (int64_t)base;
}

/* Which way is tried now and then; keys of rows that travel whole have no timestamp beside them. */
static void timestamps_put(struct rows_encoder *encoder, struct strings_number number, uint32_t rows)
{
    enum { WAY_BLOCKS = 64 };
    struct buffer *lane = &encoder->lanes[LANE_TIMESTAMPS];
    bool foretold = number.bytes && encoder->timestamps.bytes == rows * sizeof(int64_t);
    uint64_t bits = 0, least = UINT64_MAX;
    encoder->raw_bytes[LANE_TIMESTAMPS] = encoder->timestamps.bytes;
    if (!encoder->timestamps.bytes)
        return;
    if (foretold && encoder->timestamp_blocks-- == 0) {
        encoder->timestamp_blocks = WAY_BLOCKS;
        for (uint32_t way = 0; way < TIMESTAMP_WAYS; way++) {
            (void)timestamps_foretell(encoder, way, number, &bits);
            if (bits < least) {
                least = bits;
                encoder->timestamp_way = way;
            }
        }
    }
    uint32_t way = foretold ? encoder->timestamp_way : 0;
    int64_t base = timestamps_foretell(encoder, way, number, &bits);
    buffer_append_u8(lane, (uint8_t)way);
    if (way)
        buffer_append_varint(lane, zigzag_encode(base));
    integers_encode((const uint64_t *)(const void *)encoder->residues.data,
                    (uint32_t)(encoder->residues.bytes / sizeof(uint64_t)), lane);
    lane->failed |= encoder->residues.failed;
}

static void lanes_fill(struct rows_encoder *encoder, const struct rows_compressor *compressor,
                       const struct rows_builder *rows)
{
    struct strings_number number;
    strings_encode(slices_of(&encoder->keys), rows->rows, &encoder->lanes[LANE_KEYS], &number);
    shapes_put(encoder);
    timestamps_put(encoder, number, rows->rows);
    numbers_put(encoder, LANE_EXPIRIES, &encoder->expiries);
    numbers_put(encoder, LANE_WHOLE_LENGTHS, &encoder->whole_lengths);
    encoder->raw_bytes[LANE_WHOLE] = encoder->whole.bytes;
    if (zstd_try(compressor->zstd, buffer_slice(&encoder->whole),
                 encoder->whole.bytes - encoder->whole.bytes / SAVES_ONE_IN, &encoder->trial)) {
        encoder->codecs[LANE_WHOLE] = LANE_ZSTD;
        buffer_append_slice(&encoder->lanes[LANE_WHOLE], buffer_slice(&encoder->trial));
    } else {
        buffer_append_slice(&encoder->lanes[LANE_WHOLE], buffer_slice(&encoder->whole));
    }
    for (uint32_t i = 0; i < encoder->columns.count; i++) {
        uint32_t lane = LANE_COLUMNS + 2 * i;
        numbers_put(encoder, lane, &encoder->column[i].lengths);
        encoder->raw_bytes[lane + 1] = encoder->column[i].bytes;
        encoder->codecs[lane + 1] = values_encode(encoder, compressor, &encoder->column[i],
                                                  encoder->columns.places[i], &encoder->lanes[lane + 1]);
    }
    encoder->lane_count = LANE_COLUMNS + 2 * encoder->columns.count;
}

/* What came in. Nothing is read of it where a growth failed: numbers of it may be missing. */
static status rows_status(const struct rows_builder *rows)
{
    const struct buffer *const buffers[] = {&rows->bytes,      &rows->ends,  &rows->last_key,
                                            &rows->code_bytes, &rows->codes, &rows->code_ends};
    for (uint32_t i = 0; i < ARRAY_LEN(buffers); i++)
        TRY(buffer_status(buffers[i]));
    return STATUS_DONE;
}

/* What the rows were cut into, before it is read: values and codes of a column are as many. */
static status cut_status(const struct rows_encoder *encoder)
{
    const struct buffer *const buffers[] = {&encoder->keys,     &encoder->kinds,         &encoder->timestamps,
                                            &encoder->expiries, &encoder->whole_lengths, &encoder->whole};
    for (uint32_t i = 0; i < ARRAY_LEN(buffers); i++)
        TRY(buffer_status(buffers[i]));
    for (uint32_t i = 0; i < encoder->columns.count; i++) {
        TRY(buffer_status(&encoder->column[i].values));
        TRY(buffer_status(&encoder->column[i].codes));
        TRY(buffer_status(&encoder->column[i].lengths));
    }
    return STATUS_DONE;
}

static status lanes_status(const struct rows_encoder *encoder)
{
    for (uint32_t i = 0; i < encoder->lane_count; i++)
        TRY(buffer_status(&encoder->lanes[i]));
    return STATUS_DONE;
}

void rows_summary_write(const struct sstable_block_summary *summary, struct buffer *out)
{
    bool has_timestamps = summary->min_timestamp <= summary->max_timestamp;
    bool has_expiries = summary->min_expiry_s <= summary->max_expiry_s;
    buffer_append_u8(out, (uint8_t)((summary->never_expires ? SUMMARY_NEVER_EXPIRES : 0) |
                                    (has_timestamps ? SUMMARY_HAS_TIMESTAMPS : 0) |
                                    (has_expiries ? SUMMARY_HAS_EXPIRIES : 0)));
    buffer_append_varint(out, summary->raw_bytes);
    buffer_append_le64(out, summary->content_hash);
    buffer_append_varint(out, summary->cells);
    buffer_append_varint(out, summary->tombstones);
    buffer_append_varint(out, summary->expiring);
    if (has_timestamps) {
        buffer_append_varint(out, zigzag_encode(summary->min_timestamp));
        buffer_append_varint(out, (uint64_t)summary->max_timestamp - (uint64_t)summary->min_timestamp);
    }
    if (has_expiries) {
        buffer_append_varint(out, zigzag_encode(summary->min_expiry_s));
        buffer_append_varint(out, (uint64_t)summary->max_expiry_s - (uint64_t)summary->min_expiry_s);
    }
}

status rows_encode(struct rows_encoder *encoder, const struct rows_compressor *compressor,
                   const struct rows_builder *rows, struct buffer *out)
{
    TRY(rows_status(rows));
    encoder_clear(encoder);
    TRY(rows_cut(encoder, rows, compressor->whole));
    TRY(cut_status(encoder));
    lanes_fill(encoder, compressor, rows);
    TRY(lanes_status(encoder));
    rows_summary_write(&rows->summary, out);
    buffer_append_varint(out, encoder->columns.count);
    for (uint32_t i = 0; i < encoder->lane_count; i++) {
        buffer_append_varint(out, (uint64_t)encoder->lanes[i].bytes << 2 | encoder->codecs[i]);
        if (encoder->codecs[i] == LANE_ZSTD)
            buffer_append_varint(out, encoder->raw_bytes[i]);
    }
    for (uint32_t i = 0; i < encoder->lane_count; i++)
        buffer_append_slice(out, buffer_slice(&encoder->lanes[i]));
    return buffer_status(out);
}

const char *rows_encoder_lane(const struct rows_encoder *encoder, uint32_t lane, size_t *out_raw,
                              size_t *out_stored)
{
    static const char *const names[] = {"keys",          "shapes", "timestamps", "expiries",
                                        "whole lengths", "whole",  "lengths",    "values"};
    if (lane >= encoder->lane_count)
        return NULL;
    *out_raw = encoder->raw_bytes[lane];
    *out_stored = encoder->lanes[lane].bytes;
    return names[lane < LANE_COLUMNS ? lane : LANE_COLUMNS + (lane - LANE_COLUMNS) % 2];
}
