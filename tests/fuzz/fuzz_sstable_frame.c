/*
 * The first byte chooses a decoder, the second a number for it; the rest is the payload of a frame, a frame, or the
 * statistics of the manifest.
 */
#include <stdint.h>
#include <stdlib.h>

#include "sstable/block_index_internal.h"
#include "sstable/directory_internal.h"
#include "sstable/filter_internal.h"
#include "sstable/parity_internal.h"
#include "sstable/rows_internal.h"
#include "sstable/sstable.h"
#include "sstable/token_codes_internal.h"

static void rows(struct slice payload, uint32_t number)
{
    ZSTD_DCtx *zstd = NULL;
    struct buffer scratch = {0};
    struct rows_decompressor decompressor = {.zstd = &zstd, .scratch = &scratch};
    struct block *block;
    struct slice first, last;
    static const uint8_t key[2] = {'b', 'b'};
    if (ok(rows_decode(&decompressor, payload, number, &block))) {
        struct rows_view view = rows_view_of(block);
        (void)rows_find(&view, 0, number, number / 2, slice_of(key, sizeof key));
        block_unref(block);
    }
    struct rows_unfolding unfolding = {0};
    if (ok(rows_unfolding_begin(&unfolding, &decompressor, payload, number, true, &block))) {
        if (ok(rows_unfold(&unfolding, number / 2)) && ok(rows_unfold(&unfolding, 0)))
            (void)rows_unfold(&unfolding, number - 1);
        rows_unfolding_end(&unfolding);
        block_unref(block);
    }
    rows_unfolding_deinit(&unfolding);
    (void)rows_end_keys(payload, number, &scratch, &first, &last);
    ZSTD_freeDCtx(zstd);
    buffer_deinit(&scratch);
}

static void directory(struct slice payload, uint32_t number)
{
    struct block *block;
    struct arena arena = {0};
    uint32_t at;
    if (ok(directory_decode(NULL, payload, number, &block))) {
        block->items = number;
        struct directory_page page = directory_page_of(block);
        for (uint32_t i = 0; i < number; i++) {
            struct directory_entry entry;
            struct range_list ranges;
            if (failed(directory_page_entry(&page, i, &entry)))
                continue;
            struct reader in = reader_of(entry.ranges);
            if (entry.flags & DIRECTORY_RANGES)
                (void)range_list_decode(&in, &arena, &ranges);
            (void)directory_page_find(&page, entry.key, &at);
        }
        block_unref(block);
    }
    arena_deinit(&arena);
}

static void block_index(struct slice payload, uint32_t number)
{
    struct block *block;
    if (failed(block_index_decode(NULL, payload, number, &block)))
        return;
    block->items = number;
    struct block_index_page page = block_index_page_of(block);
    for (uint32_t i = 0; i < number; i++)
        (void)block_index_page_find(&page, block_index_page_item(&page, i).key, i % 2);
    block_unref(block);
}

static void frame(struct slice bytes)
{
    struct frame_head head;
    if (failed(frame_head_decode(bytes, &head)) || head.stored_bytes != bytes.bytes - FRAME_HEAD_BYTES)
        return;
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    uint8_t *out = malloc(head.raw_bytes ? head.raw_bytes : 1);
    if (zstd && out)
        (void)frame_decode(zstd, &head, bytes, out);
    free(out);
    ZSTD_freeDCtx(zstd);
}

/* A table of tokens, then a value in them. */
static void dictionary(struct slice bytes, uint32_t number)
{
    struct sstable_dictionary *decoded;
    uint8_t value[256 + TOKENS_DECODE_SLACK];
    struct token_codes codes;
    if (failed(dictionary_decode(bytes, &decoded)))
        return;
    for (uint32_t i = 0; i < decoded->column_count; i++) {
        token_codes_open(&codes, &decoded->columns[i].tokens, bytes);
        (void)token_codes_take(&codes, value, number);
    }
    sstable_dictionary_unref(decoded);
}

static void parity(struct slice payload, uint32_t number)
{
    struct parity decoded;
    uint64_t bytes = 0;
    if (failed(parity_decode(payload, number, &decoded)))
        return;
    for (uint32_t i = 0; i < decoded.pages; i++)
        bytes += parity_item(&decoded, i).page.bytes;
    if (decoded.sum.bytes > bytes)
        abort();
}

static void info(struct slice bytes)
{
    struct sstable_info decoded;
    struct reader in = reader_of(bytes);
    struct buffer again = {0};
    if (ok(sstable_info_decode(&in, &decoded)))
        sstable_info_encode(&again, &decoded);
    buffer_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 2)
        return 0;
    struct slice rest = slice_of(data + 2, bytes - 2);
    switch (data[0] % 8) {
    case 0: rows(rest, data[1]); break;
    case 1: directory(rest, data[1]); break;
    case 2: block_index(rest, data[1]); break;
    case 3: frame(rest); break;
    case 4: info(rest); break;
    case 6: dictionary(rest, data[1]); break;
    case 7: parity(rest, data[1]); break;
    case 5: (void)filter_may_contain(rest, data[1] % 16, (uint64_t)bytes * 0x9e3779b97f4a7c15ULL); break;
    }
    return 0;
}
