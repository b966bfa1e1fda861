/*
 * Undoing blocks of rows, alone: the rows of bench-peers as a settled table has them, block after block in memory.
 *
 *   bench_blocks [ROWS [ROUNDS]]
 *
 * whole: every block of the table, as scans, merges and verification undo them. page: 25 rows anywhere in a block, as readers
 * with a cache too small undo them; none of it reads a disk or checks a checksum.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "bench/peers/chat_cells.h"
#include "sstable/rows_internal.h"

enum {
    BLOCK_BYTES = 8192,
    CHANNELS = 2000,
    PAGE_ROWS = 25,
};

struct blocks {
    struct sstable_dictionary *dictionary; /* owned */
    struct buffer payloads;
    struct span {
        size_t at, bytes;
        uint32_t rows;
    } * spans; /* owned */
    uint32_t count;
    uint64_t rows;
};

static int row_compare(const void *a, const void *b)
{
    const struct chat_row *one = a, *two = b;
    if (one->channel != two->channel)
        return one->channel < two->channel ? -1 : 1;
    if (one->created_ms != two->created_ms)
        return one->created_ms > two->created_ms ? -1 : 1;
    return memcmp(one->id, two->id, 16);
}

struct making {
    struct blocks *blocks;
    struct rows_encoder *encoder;
    struct rows_compressor compressor;
    struct rows_builder rows;
};

static void block_end(struct making *making)
{
    struct blocks *blocks = making->blocks;
    struct span *span = &blocks->spans[blocks->count++];
    span->at = blocks->payloads.bytes;
    span->rows = making->rows.rows;
    measure_check(rows_encode(making->encoder, &making->compressor, &making->rows, &blocks->payloads),
                  "encode");
    span->bytes = blocks->payloads.bytes - span->at;
    blocks->rows += span->rows;
    rows_builder_clear(&making->rows);
}

static void blocks_learn(struct blocks *blocks, const struct chat *chat)
{
    struct dictionary_sample sample = {0};
    struct row_builder builder = {0};
    struct buffer key = {0}, image = {0};
    for (uint64_t i = 0; i < chat->options.rows; i++) {
        chat_cells_key(&key, chat->rows[i].created_ms, chat->rows[i].id);
        chat_cells_image(&builder, &chat->rows[i], &image);
        dictionary_sample_add(&sample, buffer_slice(&key), buffer_slice(&image));
    }
    measure_check(dictionary_learn(&sample, NULL, &blocks->dictionary), "dictionary");
    if (!blocks->dictionary)
        measure_fail("dictionary", "too few rows");
    dictionary_sample_deinit(&sample);
    row_builder_deinit(&builder);
    buffer_deinit(&key);
    buffer_deinit(&image);
}

static void blocks_make(struct blocks *blocks, struct chat *chat)
{
    struct making making = {
        .blocks = blocks, .encoder = rows_encoder_new(), .compressor = {.dictionary = blocks->dictionary}};
    struct row_builder builder = {0};
    struct buffer key = {0}, image = {0};
    uint64_t count = chat->options.rows;
    qsort(chat->rows, count, sizeof *chat->rows, row_compare);
    blocks->spans = measure_alloc(count * sizeof *blocks->spans, "blocks");
    measure_check(dictionary_encoders(blocks->dictionary, &making.compressor.encoders), "encoders");
    rows_builder_clear(&making.rows);
    for (uint64_t i = 0; i < count; i++) {
        chat_cells_key(&key, chat->rows[i].created_ms, chat->rows[i].id);
        chat_cells_image(&builder, &chat->rows[i], &image);
        measure_check(rows_builder_add(&making.rows, i, buffer_slice(&key), buffer_slice(&image)), "row");
        if (making.rows.bytes.bytes >= BLOCK_BYTES || i + 1 == count ||
            (chat->rows[i].channel != chat->rows[i + 1].channel &&
             making.rows.bytes.bytes >= BLOCK_BYTES / 2))
            block_end(&making);
    }
    rows_builder_deinit(&making.rows);
    rows_encoder_free(making.encoder);
    row_builder_deinit(&builder);
    buffer_deinit(&key);
    buffer_deinit(&image);
}

static struct slice payload_of(const struct blocks *blocks, uint32_t at)
{
    return slice_of(blocks->payloads.data + blocks->spans[at].at, blocks->spans[at].bytes);
}

static double whole_ns(const struct blocks *blocks, struct rows_codes *codes)
{
    ZSTD_DCtx *zstd = NULL;
    struct buffer scratch = {0};
    struct rows_decompressor decompressor = {
        .zstd = &zstd, .dictionary = blocks->dictionary, .scratch = &scratch, .codes = codes};
    int64_t begin = latency_now_ns();
    for (uint32_t i = 0; i < blocks->count; i++) {
        struct block *block;
        measure_check(rows_decode(&decompressor, payload_of(blocks, i), blocks->spans[i].rows, &block),
                      "decode");
        block_unref(block);
    }
    double ns = (double)(latency_now_ns() - begin) / (double)blocks->rows;
    ZSTD_freeDCtx(zstd);
    buffer_deinit(&scratch);
    return ns;
}

/* Nanoseconds a page: blocks in any order, a page's rows from anywhere on. */
static double page_ns(const struct blocks *blocks, uint64_t pages)
{
    ZSTD_DCtx *zstd = NULL;
    struct buffer scratch = {0};
    struct rows_unfolding unfolding = {0};
    struct rows_decompressor decompressor = {
        .zstd = &zstd, .dictionary = blocks->dictionary, .scratch = &scratch};
    struct random rng = {1};
    int64_t begin = latency_now_ns();
    for (uint64_t i = 0; i < pages; i++) {
        uint32_t at = (uint32_t)random_below(&rng, blocks->count), rows = blocks->spans[at].rows;
        uint32_t first = (uint32_t)random_below(&rng, rows);
        struct block *block;
        measure_check(
            rows_unfolding_begin(&unfolding, &decompressor, payload_of(blocks, at), rows, true, &block),
            "unfold");
        for (uint32_t row = first; row < rows && row < first + PAGE_ROWS; row++)
            measure_check(rows_unfold(&unfolding, row), "row");
        rows_unfolding_end(&unfolding);
        block_unref(block);
    }
    double ns = (double)(latency_now_ns() - begin) / (double)pages;
    rows_unfolding_deinit(&unfolding);
    ZSTD_freeDCtx(zstd);
    buffer_deinit(&scratch);
    return ns;
}

static void least(double *io_least, double value)
{
    if (*io_least == 0 || value < *io_least)
        *io_least = value;
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : 10;
    struct blocks blocks = {0};
    struct chat *chat = chat_new(&(struct chat_options){.seed = 1, .rows = count, .channels = CHANNELS});
    if (!chat)
        measure_fail("rows", "out of memory");
    blocks_learn(&blocks, chat);
    blocks_make(&blocks, chat);
    chat_free(chat);
    struct rows_codes codes = {0};
    double whole = 0, coded = 0, page = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        least(&whole, whole_ns(&blocks, NULL));
        least(&coded, whole_ns(&blocks, &codes));
        least(&page, page_ns(&blocks, blocks.count));
    }
    measure("strait", "blocks", "rows_per_block", (double)blocks.rows / blocks.count, "");
    measure("strait", "blocks", "stored_bytes_per_row", (double)blocks.payloads.bytes / (double)blocks.rows,
            "bytes");
    measure("strait", "blocks", "whole_ns_per_row", whole, "ns");
    measure("strait", "blocks", "whole_with_codes_ns_per_row", coded, "ns");
    measure("strait", "blocks", "page_ns", page, "ns");
    rows_codes_deinit(&codes);
    buffer_deinit(&blocks.payloads);
    sstable_dictionary_unref(blocks.dictionary);
    free(blocks.spans);
    return 0;
}
