#include "sstable/lanes_internal.h"
#include "sstable/sstable_internal.h"

enum {
    WINDOW_FIRST_BYTES = 32 << 10,
    WINDOW_BYTES_MAX = 256 << 10,
    GAP_BYTES_MAX = 16 << 10, /* an index page between two blocks does not end a run */
};

static ZSTD_DCtx *zstd_take(struct sstable *table)
{
    ZSTD_DCtx *kept = NULL;
    if (!table->cache)
        kept =
            atomic_exchange_explicit(&table->zstd, NULL, memory_order_acquire); /* pairs with zstd_give() */
    return kept ? kept : block_cache_take_zstd(table->cache);
}

static void zstd_give(struct sstable *table, ZSTD_DCtx *zstd)
{
    ZSTD_DCtx *none = NULL;
    if (zstd && !table->cache &&
        atomic_compare_exchange_strong_explicit(&table->zstd, &none, zstd, memory_order_release,
                                                memory_order_relaxed))
        return;
    block_cache_give_zstd(table->cache, zstd);
}

void frame_reader_deinit(struct frame_reader *reader)
{
    io_memory_free(reader->chunk);
    buffer_deinit(&reader->lanes);
    if (reader->table)
        zstd_give(reader->table, reader->zstd);
    reader->chunk = NULL;
    reader->zstd = NULL;
}

/* 1 when the frame lies right behind the last one, -1 right before it, 0 elsewhere. */
static int goes_on(const struct frame_reader *reader, const struct frame_ref *ref)
{
    uint64_t end = ref->offset + ref->bytes;
    if (reader->last_end == 0)
        return 0;
    if (ref->offset >= reader->last_end)
        return ref->offset - reader->last_end <= GAP_BYTES_MAX;
    return end <= reader->last_begin && reader->last_begin - end <= GAP_BYTES_MAX ? -1 : 0;
}

/* How much to read: grows while the reader goes straight on. Returns whether to read backwards. */
static bool window_update(struct frame_reader *reader, const struct frame_ref *ref)
{
    int direction = goes_on(reader, ref);
    if (direction) {
        size_t wider = reader->window_bytes ? reader->window_bytes * 2 : WINDOW_FIRST_BYTES;
        reader->window_bytes = wider < WINDOW_BYTES_MAX ? wider : WINDOW_BYTES_MAX;
        return direction < 0;
    }
    reader->window_bytes = reader->access == FRAME_ACCESS_POINT ? 0 : WINDOW_FIRST_BYTES;
    return reader->reverse;
}

static status chunk_reserve(struct frame_reader *reader, size_t bytes)
{
    if (bytes <= reader->chunk_capacity)
        return STATUS_DONE;
    io_memory_free(reader->chunk);
    reader->chunk_capacity = 0;
    reader->chunk_bytes = 0;
    reader->chunk = io_memory_new(bytes);
    if (!reader->chunk)
        return STATUS_FAIL(STATUS_NOMEM);
    reader->chunk_capacity = bytes;
    return STATUS_DONE;
}

static status chunk_read(struct frame_reader *reader, const struct frame_ref *ref)
{
    const uint64_t block = IO_BLOCK_BYTES;
    uint64_t begin = ref->offset / block * block;
    uint64_t end = (ref->offset + ref->bytes + block - 1) / block * block;
    uint64_t file_bytes = reader->table->root.info.file_bytes;
    bool backwards = window_update(reader, ref);
    if (end - begin < reader->window_bytes && !backwards)
        end = begin + reader->window_bytes < file_bytes ? begin + reader->window_bytes : file_bytes;
    else if (end - begin < reader->window_bytes)
        begin = end > reader->window_bytes ? end - reader->window_bytes : 0;
    TRY(chunk_reserve(reader, end - begin));
    reader->chunk_bytes = 0;
    size_t bytes;
    TRY(io_read(reader->table->file, begin, reader->chunk, end - begin, &bytes));
    reader->chunk_offset = begin;
    reader->chunk_bytes = bytes;
    return STATUS_DONE;
}

static bool chunk_covers(const struct frame_reader *reader, const struct frame_ref *ref)
{
    return ref->offset >= reader->chunk_offset &&
           ref->offset + ref->bytes <= reader->chunk_offset + reader->chunk_bytes;
}

/* The payload of a checked frame at `out`, which has head->raw_bytes. */
static status payload_decode(struct frame_reader *reader, const struct frame_head *head, struct slice bytes,
                             uint8_t *out)
{
    const ZSTD_DDict *dictionary = NULL;
    if (head->codec != FRAME_STORED && !reader->zstd) {
        reader->zstd = zstd_take(reader->table);
        if (!reader->zstd)
            return STATUS_FAIL(STATUS_NOMEM);
    }
    if (head->codec == FRAME_ZSTD_DICTIONARY) {
        if (head->layout == FRAME_DICTIONARY)
            return STATUS_FAIL(STATUS_CORRUPT);
        TRY(sstable_dictionary(reader->table, &dictionary));
    }
    return frame_decode(reader->zstd, dictionary, head, bytes, out);
}

/* Rows in lanes, put together as the payload of a block of the right size. */
static status lanes_decode(struct frame_reader *reader, const struct frame_head *head, struct slice bytes,
                           struct block **out_block)
{
    uint32_t joined_bytes;
    buffer_clear(&reader->lanes);
    uint8_t *lanes = buffer_extend(&reader->lanes, head->raw_bytes);
    if (!lanes)
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(payload_decode(reader, head, bytes, lanes));
    TRY(lanes_joined_bytes(buffer_slice(&reader->lanes), &joined_bytes));
    struct block *block = block_new(joined_bytes);
    if (!block)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = lanes_join(buffer_slice(&reader->lanes), head->items, block->data, joined_bytes);
    if (failed(st))
        block_unref(block);
    else
        *out_block = block;
    return st;
}

static status block_decode(struct frame_reader *reader, const struct frame_ref *ref, enum frame_layout layout,
                           struct block **out_block)
{
    struct slice bytes = slice_of(reader->chunk + (ref->offset - reader->chunk_offset), ref->bytes);
    struct frame_head head;
    struct block *block;
    TRY(frame_check(root_identity(&reader->table->root), ref, bytes, &head));
    if (head.layout == FRAME_LANES && layout == FRAME_ROWS) {
        TRY(lanes_decode(reader, &head, bytes, &block));
    } else if (head.layout == layout) {
        block = block_new(head.raw_bytes);
        if (!block)
            return STATUS_FAIL(STATUS_NOMEM);
        status st = payload_decode(reader, &head, bytes, block->data);
        if (failed(st)) {
            block_unref(block);
            return st;
        }
    } else {
        return STATUS_FAIL(STATUS_CORRUPT);
    }
    block->layout = (uint8_t)layout;
    block->level = head.level;
    block->items = head.items;
    block->checksum = head.checksum;
    *out_block = block;
    return STATUS_DONE;
}

status frame_reader_get(struct frame_reader *reader, const struct frame_ref *ref, enum frame_layout layout,
                        struct block **out_block)
{
    struct sstable *table = reader->table;
    uint64_t file_bytes = table->root.info.file_bytes;
    if (ref->bytes < FRAME_HEAD_BYTES || ref->offset < ROOT_BYTES || ref->offset > file_bytes ||
        ref->bytes > file_bytes - ref->offset)
        return STATUS_FAIL(STATUS_CORRUPT);

    struct block *block = block_cache_get(table->cache, table->cache_owner, ref->offset);
    if (block && (block->checksum != ref->checksum || block->layout != layout)) {
        block_unref(block);
        return STATUS_FAIL(STATUS_CORRUPT);
    }
    if (!block) {
        if (!chunk_covers(reader, ref)) {
            TRY(chunk_read(reader, ref));
            if (!chunk_covers(reader, ref))
                return STATUS_FAIL(STATUS_CORRUPT);
        }
        TRY(block_decode(reader, ref, layout, &block));
        if (reader->access != FRAME_ACCESS_SCAN_PAST_CACHE)
            block_cache_put(table->cache, table->cache_owner, ref->offset, block);
    }
    reader->last_begin = ref->offset;
    reader->last_end = ref->offset + ref->bytes;
    *out_block = block;
    return STATUS_DONE;
}
