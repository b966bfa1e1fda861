#include "sstable/block_index_internal.h"
#include "sstable/rows_internal.h"
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
    buffer_deinit(&reader->scratch);
    if (reader->table)
        zstd_give(reader->table, reader->zstd);
    reader->chunk = NULL;
    reader->zstd = NULL;
}

static bool is_scan(const struct frame_reader *reader)
{
    return reader->access == FRAME_ACCESS_SCAN || reader->access == FRAME_ACCESS_SCAN_PAST_CACHE;
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
    reader->window_bytes = is_scan(reader) ? WINDOW_FIRST_BYTES : reader->least_bytes;
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

static status zstd_need(struct frame_reader *reader)
{
    if (!reader->zstd)
        reader->zstd = zstd_take(reader->table);
    return reader->zstd ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
}

static status rows_block_decode(struct frame_reader *reader, const struct frame_head *head,
                                struct slice payload, struct block **out_block)
{
    struct rows_decompressor decompressor = {.zstd = &reader->zstd, .scratch = &reader->scratch};
    TRY(sstable_dictionary_load(reader->table, &decompressor.dictionary));
    /* Without a dictionary values are compressed with zstd mostly. */
    if (!decompressor.dictionary)
        TRY(zstd_need(reader));
    return rows_decode(&decompressor, payload, head->items, out_block);
}

/* Other payloads, undone as a whole and then laid out as readers want them. */
static status plain_decode(struct frame_reader *reader, const struct frame_head *head, struct slice frame,
                           struct block **out_block)
{
    struct block *block = NULL;
    if (head->codec == FRAME_ZSTD)
        TRY(zstd_need(reader));
    if (head->layout != FRAME_DIRECTORY && head->layout != FRAME_BLOCK_INDEX) {
        block = block_new(head->raw_bytes);
        if (!block)
            return STATUS_FAIL(STATUS_NOMEM);
        status st = frame_decode(reader->zstd, head, frame, block->data);
        if (failed(st))
            block_unref(block);
        else
            *out_block = block;
        return st;
    }
    buffer_clear(&reader->scratch);
    uint8_t *raw = buffer_extend(&reader->scratch, head->raw_bytes);
    if (!raw)
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(frame_decode(reader->zstd, head, frame, raw));
    struct slice payload = buffer_slice(&reader->scratch);
    return head->layout == FRAME_DIRECTORY ? directory_decode(payload, head->items, out_block)
                                           : block_index_decode(payload, head->items, out_block);
}

/* The block of a frame whose checksum is known to be good. */
static status block_decode(struct frame_reader *reader, const struct frame_head *head, struct slice frame,
                           struct block **out_block)
{
    struct block *block;
    if (head->layout == FRAME_ROWS) {
        if (head->codec != FRAME_STORED)
            return STATUS_FAIL(STATUS_CORRUPT);
        TRY(rows_block_decode(
            reader, head, slice_of(frame.data + FRAME_HEAD_BYTES, frame.bytes - FRAME_HEAD_BYTES), &block));
    } else {
        TRY(plain_decode(reader, head, frame, &block));
    }
    block->layout = head->layout;
    block->level = head->level;
    block->items = head->items;
    block->checksum = head->checksum;
    *out_block = block;
    return STATUS_DONE;
}

/* The bytes of a frame from the disk, checked. */
static status frame_read(struct frame_reader *reader, const struct frame_ref *ref, struct slice *out_frame,
                         struct frame_head *out_head)
{
    if (!chunk_covers(reader, ref)) {
        TRY(chunk_read(reader, ref));
        if (!chunk_covers(reader, ref))
            return STATUS_FAIL(STATUS_CORRUPT);
    }
    struct slice frame = slice_of(reader->chunk + (ref->offset - reader->chunk_offset), ref->bytes);
    TRY(frame_check(root_identity(&reader->table->root), ref, frame, out_head));
    *out_frame = frame;
    return STATUS_DONE;
}

static status ref_check(const struct frame_reader *reader, const struct frame_ref *ref)
{
    uint64_t file_bytes = reader->table->root.info.file_bytes;
    if (ref->bytes < FRAME_HEAD_BYTES || ref->offset < ROOT_BYTES || ref->offset > file_bytes ||
        ref->bytes > file_bytes - ref->offset)
        return STATUS_FAIL(STATUS_CORRUPT);
    return STATUS_DONE;
}

static void last_note(struct frame_reader *reader, const struct frame_ref *ref)
{
    reader->last_begin = ref->offset;
    reader->last_end = ref->offset + ref->bytes;
}

/* From the compressed copy in the cache; *out_block is NULL when there is none. */
static status stored_decode(struct frame_reader *reader, const struct frame_ref *ref,
                            struct block **out_block)
{
    struct sstable *table = reader->table;
    struct frame_head head;
    struct block *stored = block_cache_get(table->cache, BLOCK_TIER_STORED, table->cache_owner, ref->offset);
    *out_block = NULL;
    if (!stored)
        return STATUS_DONE;
    status st = stored->checksum == ref->checksum && stored->bytes == ref->bytes
                    ? STATUS_DONE
                    : STATUS_FAIL(STATUS_CORRUPT);
    if (ok(st))
        st = frame_head_decode(block_payload(stored), &head);
    if (ok(st))
        st = block_decode(reader, &head, block_payload(stored), out_block);
    block_unref(stored);
    return st;
}

/* Rows that were read from the disk stay compressed in the cache as well. */
static void stored_keep(struct frame_reader *reader, const struct frame_ref *ref, struct slice frame)
{
    struct sstable *table = reader->table;
    if (!block_cache_budget(table->cache))
        return;
    struct block *stored = block_new((uint32_t)frame.bytes);
    if (!stored)
        return; /* the cache only saves time */
    memcpy(stored->data, frame.data, frame.bytes);
    stored->checksum = ref->checksum;
    block_cache_put(table->cache, BLOCK_TIER_STORED, table->cache_owner, ref->offset, stored);
    block_unref(stored);
}

static bool keeps(const struct frame_reader *reader)
{
    return reader->access == FRAME_ACCESS_POINT || reader->access == FRAME_ACCESS_SCAN;
}

status frame_reader_get(struct frame_reader *reader, const struct frame_ref *ref, enum frame_layout layout,
                        struct block **out_block)
{
    struct sstable *table = reader->table;
    TRY(ref_check(reader, ref));
    struct block *block = block_cache_get(table->cache, BLOCK_TIER_DECODED, table->cache_owner, ref->offset);
    if (block && (block->checksum != ref->checksum || block->layout != layout)) {
        block_unref(block);
        return STATUS_FAIL(STATUS_CORRUPT);
    }
    if (!block) {
        if (layout == FRAME_ROWS)
            TRY(stored_decode(reader, ref, &block));
        if (!block) {
            struct slice frame;
            struct frame_head head;
            TRY(frame_read(reader, ref, &frame, &head));
            if (head.layout != layout)
                return STATUS_FAIL(STATUS_CORRUPT);
            TRY(block_decode(reader, &head, frame, &block));
            if (layout == FRAME_ROWS && keeps(reader))
                stored_keep(reader, ref, frame);
        }
        if (keeps(reader))
            block_cache_put(table->cache, BLOCK_TIER_DECODED, table->cache_owner, ref->offset, block);
    }
    last_note(reader, ref);
    *out_block = block;
    return STATUS_DONE;
}

status frame_reader_get_stored(struct frame_reader *reader, const struct frame_ref *ref,
                               struct slice *out_frame, struct frame_head *out_head)
{
    TRY(ref_check(reader, ref));
    TRY(frame_read(reader, ref, out_frame, out_head));
    if (out_head->layout != FRAME_ROWS || out_head->codec != FRAME_STORED)
        return STATUS_FAIL(STATUS_CORRUPT);
    last_note(reader, ref);
    return STATUS_DONE;
}
