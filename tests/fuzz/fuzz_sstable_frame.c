/*
 * The first byte chooses a decoder, the second a number for it; the rest is the payload of a frame, a frame, or the
 * statistics of the manifest.
 */
#include <stdint.h>
#include <stdlib.h>

#include "sstable/block_index_internal.h"
#include "sstable/directory_internal.h"
#include "sstable/filter_internal.h"
#include "sstable/lanes_internal.h"
#include "sstable/rows_block_internal.h"
#include "sstable/sstable.h"

static void rows(struct slice payload, uint32_t number)
{
    struct rows_run run;
    struct rows_group group = {0};
    uint32_t at;
    static const uint8_t key[2] = {'b', 'b'};
    if (failed(rows_run_open(payload, UINT32_MAX, number / 32, 1 + number * 7, &run)))
        return;
    for (uint32_t i = 0; i < run.groups; i++)
        if (failed(rows_run_group(&run, i, &group)))
            break;
    (void)rows_run_find(&run, slice_of(key, sizeof key), number % 2, &at);
    buffer_deinit(&group.keys);
}

static void directory(struct slice payload, uint32_t number)
{
    struct directory_page page;
    struct arena arena = {0};
    uint32_t at;
    if (ok(directory_page_open(payload, number, &page))) {
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
    }
    arena_deinit(&arena);
}

static void block_index(struct slice payload, uint32_t number)
{
    struct block_index_page page;
    struct block_index_item item;
    uint32_t at;
    if (failed(block_index_page_open(payload, number, &page)))
        return;
    for (uint32_t i = 0; i < number; i++)
        if (ok(block_index_page_item(&page, i, &item)))
            (void)block_index_page_find(&page, item.key, i % 2, &at);
}

static void frame(struct slice bytes)
{
    struct frame_head head;
    if (failed(frame_head_decode(bytes, &head)) || head.stored_bytes != bytes.bytes - FRAME_HEAD_BYTES)
        return;
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    uint8_t *out = malloc(head.raw_bytes ? head.raw_bytes : 1);
    if (zstd && out)
        (void)frame_decode(zstd, NULL, &head, bytes, out);
    free(out);
    ZSTD_freeDCtx(zstd);
}

static void lanes(struct slice bytes, uint32_t rows)
{
    uint32_t joined_bytes;
    if (failed(lanes_joined_bytes(bytes, &joined_bytes)))
        return;
    uint8_t *out = malloc(joined_bytes);
    if (out)
        (void)lanes_join(bytes, rows, out, joined_bytes);
    free(out);
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
    switch (data[0] % 7) {
    case 0: rows(rest, data[1]); break;
    case 1: directory(rest, data[1]); break;
    case 2: block_index(rest, data[1]); break;
    case 3: frame(rest); break;
    case 4: info(rest); break;
    case 6: lanes(rest, data[1]); break;
    case 5: (void)filter_may_contain(rest, data[1] % 16, (uint64_t)bytes * 0x9e3779b97f4a7c15ULL); break;
    }
    return 0;
}
