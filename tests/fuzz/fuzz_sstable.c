/*
 * The input is a whole table file. Whatever it is, it is opened, walked both ways, verified and dumped, or refused.
 *
 * Most damage is caught by checksums, so the input is also taken as a recipe: its roots and frames are sealed anew
 * along the references that can be followed, and the file is read once more with the damage inside good frames.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "sstable/sstable.h"

enum {
    ROWS_MAX = 20000, /* a crafted index may lead to the same block for ever */
    BYTES_MAX = 1 << 20,
    ROOT_BYTES = 4096,
    FRAME_HEAD = 24,
};

static void walk(struct sstable *table, bool reverse)
{
    struct cursor *cursor;
    if (failed(sstable_cursor_open(table, reverse, &cursor)))
        return;
    uint32_t rows = 0;
    while (rows < ROWS_MAX && ok(cursor_next_partition(cursor)) && cursor->on_partition) {
        rows++;
        static const uint8_t middle[3] = {'b', 'b', 0xff};
        if (failed(cursor_seek_row(cursor, slice_of(middle, sizeof middle))))
            break;
        while (rows < ROWS_MAX && cursor->on_row && ok(cursor_next(cursor)))
            rows++;
        if (!cursor->on_partition)
            break;
    }
    cursor_close(cursor);
}

static void read_all(struct io_env *env, const uint8_t *data, size_t bytes)
{
    struct io_file *file;
    struct sstable *table;
    struct block_cache *cache;
    struct buffer text = {0};
    if (failed(io_open(env, "/table", IO_READ | IO_WRITE | IO_CREATE, &file)))
        abort();
    if (failed(io_truncate(file, 0)) || (bytes && failed(io_write(file, 0, data, bytes, false))))
        abort();
    io_close(file);
    uint64_t store_id = bytes >= 32 ? load_le64(data + 24) : 0;
    if (failed(block_cache_new(100000, &cache)))
        abort();
    if (ok(sstable_open(env, "/table", store_id, cache, &table))) {
        walk(table, false);
        walk(table, true);
        sstable_unref(table);
    }
    block_cache_free(cache);
    (void)sstable_dump(env, "/table", false, &text);
    buffer_deinit(&text);
}

/* Give the frame at `offset` a checksum that fits, and tell the reference at `ref_checksum` about it. */
static void frame_reseal(uint8_t *data, size_t bytes, uint64_t offset, uint8_t *ref_checksum)
{
    if (offset > bytes || bytes - offset < FRAME_HEAD)
        return;
    uint64_t stored = load_le32(data + offset + 8);
    if (stored > bytes - offset - FRAME_HEAD)
        return;
    uint64_t seed = hash_place(load_le64(data + 24), load_le64(data + 40), offset);
    uint64_t checksum = hash64(slice_of(data + offset + 8, stored + FRAME_HEAD - 8), seed);
    store_le64(data + offset, checksum);
    if (ref_checksum)
        store_le64(ref_checksum, checksum);
}

/* The parity frame behind page i, if one belongs there. */
static void parity_reseal(uint8_t *data, size_t bytes, const uint8_t *item, uint64_t i, uint64_t pages)
{
    uint32_t group = load_le32(data + 16) & 1 ? load_le32(data + 20) : 0;
    if (group && ((i + 1) % group == 0 || i + 1 == pages))
        frame_reseal(data, bytes, load_le64(item + 16) + load_le32(item + 24), NULL);
}

/* Directory pages and their parity, then the index that refers to them, then the filter, both dictionaries, the roots. */
static void reseal(uint8_t *data, size_t bytes)
{
    uint64_t index = load_le64(data + 64);
    uint64_t pages = index < bytes && bytes - index > FRAME_HEAD ? load_le32(data + index + 20) : 0;
    for (uint64_t i = 0; i < pages && index + FRAME_HEAD + (i + 1) * 40 <= bytes; i++) {
        uint8_t *item = data + index + FRAME_HEAD + i * 40;
        frame_reseal(data, bytes, load_le64(item + 16), item + 32);
        parity_reseal(data, bytes, item, i, pages);
    }
    frame_reseal(data, bytes, index, data + 80);
    frame_reseal(data, bytes, load_le64(data + 88), data + 104);
    for (uint32_t at = 112; at <= 136; at += 24)
        frame_reseal(data, bytes, load_le64(data + at), data + at + 16);
    uint64_t seed = hash_place(load_le64(data + 24), load_le64(data + 40), 0);
    store_le64(data + ROOT_BYTES - 8, hash64(slice_of(data, ROOT_BYTES - 8), seed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct io_env *env;
    if (bytes > BYTES_MAX || failed(io_env_open(IO_BODY_MEMORY, 1, &env)))
        return 0;
    read_all(env, data, bytes);
    if (bytes >= 2 * ROOT_BYTES) {
        uint8_t *sealed = malloc(bytes);
        if (!sealed)
            abort();
        memcpy(sealed, data, bytes);
        reseal(sealed, bytes);
        read_all(env, sealed, bytes);
        free(sealed);
    }
    io_env_close(env);
    return 0;
}
