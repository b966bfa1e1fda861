/*
 * What rows are cut into. The first byte chooses; the rest is a lane as a file might hold it, which is decoded or refused,
 * or values as a writer might be given them, which must come back as they were.
 */
#include <stdint.h>
#include <stdlib.h>

#include "sstable/rows_lanes_internal.h"
#include "sstable/token_cut_internal.h"
#include "tests/sstable/plain_tokens.h"

enum {
    NUMBERS_MAX = 2000,
    ROWS_MAX = 64,
    VALUE_BYTES = 256,
};

static void check(bool truth)
{
    if (!truth)
        abort();
}

/* ---- as a file might hold it ---- */

static void integers_any(struct slice lane)
{
    struct integers_reader in = integers_reader_of(lane);
    for (uint32_t i = 0; i < NUMBERS_MAX && !in.failed; i++)
        (void)integers_next(&in);
    (void)integers_at_end(&in);
}

static void strings_any(struct slice lane)
{
    struct strings_reader in;
    static uint8_t out[2 * VALUE_BYTES + ROWS_DECODE_SLACK];
    size_t before_bytes = 0, bytes;
    if (failed(strings_open(lane, &in)))
        return;
    for (uint32_t i = 0; i < NUMBERS_MAX; i++) {
        uint8_t *before = out + (i % 2) * VALUE_BYTES, *next = out + (i + 1) % 2 * VALUE_BYTES;
        if (!strings_next(&in, before, before_bytes, next, VALUE_BYTES - ROWS_DECODE_SLACK, &bytes))
            break;
        before_bytes = bytes;
    }
    (void)strings_at_end(&in);
}

/* Values of `wanted` bytes until one is refused, many codes at once as one by one. */
static void tokens_same(const struct tokens *tokens, struct reader in, size_t wanted, bool narrowed)
{
    uint8_t value[VALUE_BYTES + TOKENS_DECODE_SLACK], plain[VALUE_BYTES + TOKENS_DECODE_SLACK];
    struct token_codes codes;
    bool good = true;
    token_codes_open(&codes, tokens, slice_of(in.at, (size_t)(in.end - in.at)));
    if (narrowed)
        token_codes_narrow(&codes);
    while (good) {
        good = plain_tokens(tokens, &in, plain, wanted);
        check(token_codes_take(&codes, value, wanted) == good);
        check(!good || (token_codes_place(&codes) == in.at && memcmp(value, plain, wanted) == 0));
    }
}

/* u16 bytes of the table, the table, then values in its tokens. */
static void tokens_any(struct slice bytes)
{
    struct tokens tokens;
    struct reader in = reader_of(bytes);
    uint64_t length = reader_u8(&in);
    length |= (uint64_t)reader_u8(&in) << 8;
    struct slice table = reader_take(&in, length);
    if (in.failed || failed(tokens_decode_table(table, &tokens)))
        return;
    for (size_t wanted = 1; wanted <= VALUE_BYTES; wanted += 51)
        for (uint32_t narrowed = 0; narrowed < 2; narrowed++)
            tokens_same(&tokens, in, wanted, narrowed);
    tokens_deinit(&tokens);
}

/* u8 rows, u16 bytes of a dictionary, the dictionary, then the payload of a rows frame. */
static void rows_any(struct slice bytes)
{
    struct reader in = reader_of(bytes);
    uint32_t rows = reader_u8(&in);
    uint64_t length = reader_u8(&in);
    length |= (uint64_t)reader_u8(&in) << 8;
    struct slice encoded = reader_take(&in, length);
    struct slice payload = reader_take(&in, (uint64_t)(in.end - in.at));
    struct sstable_dictionary *dictionary = NULL;
    if (in.failed || (length && failed(dictionary_decode(encoded, &dictionary))))
        return;
    ZSTD_DCtx *zstd = NULL;
    struct buffer scratch = {0};
    struct block *block;
    struct rows_decompressor decompressor = {.zstd = &zstd, .dictionary = dictionary, .scratch = &scratch};
    if (ok(rows_decode(&decompressor, payload, rows, &block))) {
        struct rows_view view = rows_view_of(block);
        for (uint32_t i = 0; i < rows; i++)
            (void)rows_find(&view, 0, rows, i / 2, rows_key(&view, i));
        block_unref(block);
    }
    ZSTD_freeDCtx(zstd);
    buffer_deinit(&scratch);
    sstable_dictionary_unref(dictionary);
}

/* ---- as a writer might be given it ---- */

static void integers_come_back(struct slice bytes)
{
    static uint64_t values[NUMBERS_MAX];
    struct reader in = reader_of(bytes);
    struct buffer lane = {0};
    uint32_t count = 0;
    while (count < NUMBERS_MAX && in.at < in.end)
        values[count++] = reader_varint(&in);
    integers_encode(values, count, &lane);
    check(ok(buffer_status(&lane)));
    struct integers_reader reader = integers_reader_of(buffer_slice(&lane));
    for (uint32_t i = 0; i < count; i++)
        check(integers_next(&reader) == values[i]);
    check(!reader.failed && integers_at_end(&reader));
    buffer_deinit(&lane);
}

static struct slice next_value(struct reader *in)
{
    uint64_t left = (uint64_t)(in->end - in->at), wanted = reader_u8(in);
    return reader_take(in, wanted < left ? wanted : left ? left - 1 : 0);
}

/* Learn from all values, then each through its tokens and back. */
static void tokens_come_back(struct slice bytes)
{
    uint32_t lengths[NUMBERS_MAX], count = 0;
    struct buffer samples = {0}, table = {0}, codes = {0};
    struct tokens learnt, tokens;
    struct reader in = reader_of(bytes);
    for (; count < NUMBERS_MAX && in.at < in.end; count++) {
        struct slice value = next_value(&in);
        buffer_append(&samples, value.data, value.bytes);
        lengths[count] = (uint32_t)value.bytes;
    }
    if (samples.bytes == 0) {
        buffer_deinit(&samples);
        return;
    }
    check(ok(tokens_train(buffer_slice(&samples), lengths, count, 4096, &learnt)));
    tokens_encode_table(&learnt, &table);
    check(ok(tokens_decode_table(buffer_slice(&table), &tokens)));
    struct token_scratch scratch = {0};
    struct token_encoder *encoder = token_encoder_new(&tokens);
    check(encoder != NULL);
    in = reader_of(bytes);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t out[VALUE_BYTES + TOKENS_DECODE_SLACK];
        struct slice value = next_value(&in);
        buffer_clear(&codes);
        token_encoder_encode(encoder, &scratch, &value, 1, &codes);
        struct token_codes reader;
        token_codes_open(&reader, &tokens, buffer_slice(&codes));
        check(token_codes_take(&reader, out, value.bytes));
        check(token_codes_at_end(&reader) && slice_equal(slice_of(out, value.bytes), value));
    }
    token_scratch_deinit(&scratch);
    token_encoder_free(encoder);
    tokens_deinit(&learnt);
    tokens_deinit(&tokens);
    buffer_deinit(&samples);
    buffer_deinit(&table);
    buffer_deinit(&codes);
}

static void expect_rows(const struct rows_builder *rows, struct slice payload)
{
    ZSTD_DCtx *zstd = NULL;
    struct buffer scratch = {0};
    struct block *block;
    struct sstable_block_summary summary;
    struct rows_decompressor decompressor = {.zstd = &zstd, .scratch = &scratch};
    check(ok(rows_decode(&decompressor, payload, rows->rows, &block)));
    struct rows_view view = rows_view_of(block);
    struct reader in = reader_of(buffer_slice(&rows->bytes));
    for (uint32_t i = 0; i < rows->rows; i++) {
        struct row_view row = rows_row(&view, i);
        check(slice_equal(reader_take(&in, row.clustering.bytes), row.clustering));
        check(slice_equal(reader_take(&in, row.image.bytes), row.image));
    }
    check(!in.failed && in.at == in.end);
    check(ok(rows_summary(payload, rows->rows, &summary)));
    check(summary.content_hash == rows->summary.content_hash && summary.raw_bytes == rows->summary.raw_bytes);
    block_unref(block);
    ZSTD_freeDCtx(zstd);
    buffer_deinit(&scratch);
}

/* Values taken as images: what the builder accepts comes back byte for byte, cut or whole. */
static void rows_come_back(struct slice bytes)
{
    struct rows_builder rows = {0};
    struct rows_encoder *encoder = rows_encoder_new();
    struct buffer payload = {0};
    struct reader in = reader_of(bytes);
    check(encoder != NULL);
    rows_builder_clear(&rows);
    for (uint32_t i = 0; i < ROWS_MAX && in.at < in.end; i++) {
        uint8_t key[8];
        store_be64(key, (uint64_t)i * 1000);
        (void)rows_builder_add(&rows, 0, slice_of(key, 1 + i % 2 * 7 + (i ? 0 : 7)), next_value(&in));
    }
    struct rows_compressor compressor = {0};
    if (rows.rows) {
        check(ok(rows_encode(encoder, &compressor, &rows, &payload)));
        expect_rows(&rows, buffer_slice(&payload));
    }
    rows_builder_deinit(&rows);
    rows_encoder_free(encoder);
    buffer_deinit(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static void (*const ways[])(struct slice) = {
        integers_any, strings_any, tokens_any, rows_any, integers_come_back, tokens_come_back, rows_come_back,
    };
    if (bytes > 0)
        ways[data[0] % ARRAY_LEN(ways)](slice_of(data + 1, bytes - 1));
    return 0;
}
