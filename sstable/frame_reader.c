#include "sstable/block_index_internal.h"
#include "sstable/frame_chunk_internal.h"
#include "sstable/lending_internal.h"
#include "sstable/rows_internal.h"
#include "sstable/sstable_internal.h"

static ZSTD_DCtx *zstd_take(struct sstable *table)
{
    ZSTD_DCtx *kept = NULL;
    if (!table->cache)
        kept =
            atomic_exchange_explicit(&table->zstd, NULL, memory_order_acquire); /* pairs with zstd_give() */
    return kept ? kept : lending_take_zstd(block_cache_lending(table->cache));
}

static void zstd_give(struct sstable *table, ZSTD_DCtx *zstd)
{
    ZSTD_DCtx *none = NULL;
    if (zstd && !table->cache &&
        atomic_compare_exchange_strong_explicit(&table->zstd, &none, zstd, memory_order_release,
                                                memory_order_relaxed))
        return;
    lending_give_zstd(block_cache_lending(table->cache), zstd);
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

bool frame_reader_has_rows(const struct frame_reader *reader, const struct frame_ref *ref)
{
    const struct sstable *table = reader->table;
    return block_cache_has(table->cache, BLOCK_TIER_DECODED, table->cache_owner, ref->offset) ||
           block_cache_has(table->cache, BLOCK_TIER_STORED, table->cache_owner, ref->offset);
}

static status zstd_need(struct frame_reader *reader)
{
    if (!reader->zstd)
        reader->zstd = zstd_take(reader->table);
    return reader->zstd ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
}

/* Whose memory blocks are made of; NULL: nobody's who would keep them. */
static struct block_cache *home_of(const struct frame_reader *reader)
{
    const struct sstable *table = reader->table;
    /* What passes the cache on the way to a single partition mostly stays with its table, which has the same memory. */
    return reader->access == FRAME_ACCESS_SCAN_PAST_CACHE ? table->warmth.cache : table->cache;
}

static status rows_block_decode(struct frame_reader *reader, const struct frame_head *head,
                                struct slice payload, struct block **out_block)
{
    struct rows_decompressor decompressor = {.zstd = &reader->zstd,
                                             .cache = reader->table->cache,
                                             .home = home_of(reader),
                                             .scratch = &reader->scratch,
                                             .codes = reader->codes};
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
        block = block_new(NULL, head->raw_bytes);
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
    struct block_cache *home = home_of(reader);
    return head->layout == FRAME_DIRECTORY ? directory_decode(home, payload, head->items, out_block)
                                           : block_index_decode(home, payload, head->items, out_block);
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

status frame_reader_find(struct frame_reader *reader, uint64_t offset, uint32_t bytes_about,
                         struct frame_ref *out_ref, struct frame_head *out_head)
{
    uint64_t file_bytes = reader->table->root.info.file_bytes;
    if (offset < ROOT_BYTES || offset > file_bytes || file_bytes - offset < FRAME_HEAD_BYTES)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct frame_ref about = {.offset = offset, .bytes = bytes_about};
    if (about.bytes < FRAME_HEAD_BYTES)
        about.bytes = FRAME_HEAD_BYTES;
    if (about.bytes > file_bytes - offset)
        about.bytes = (uint32_t)(file_bytes - offset);
    if (!frame_chunk_covers(reader, &about))
        TRY(frame_chunk_read(reader, &about));
    about.bytes = FRAME_HEAD_BYTES;
    if (!frame_chunk_covers(reader, &about))
        return STATUS_FAIL(STATUS_CORRUPT);
    TRY(frame_head_decode(slice_of(reader->chunk + (offset - reader->chunk_offset), FRAME_HEAD_BYTES),
                          out_head));
    *out_ref = (struct frame_ref){
        .offset = offset, .bytes = FRAME_HEAD_BYTES + out_head->stored_bytes, .checksum = out_head->checksum};
    return STATUS_DONE;
}

/* The frame out of the window that the cursor reads ahead; one that lies over the end of a part is put together. */
static status ahead_take(struct frame_reader *reader, const struct frame_ref *ref, struct slice *out_frame,
                         bool *out_found)
{
    struct slice pieces[2];
    *out_found = false;
    if (!reader->ahead || ref->bytes > reader->ahead->part_bytes)
        return STATUS_DONE;
    status st = read_ahead_find(reader->ahead, ref->offset, ref->bytes, reader->leads, pieces, out_found);
    /* Who verifies has no second try; for others the next read may be better, or need less. */
    if (failed(st) && reader->strict)
        return st;
    if (failed(st) || !*out_found)
        return STATUS_DONE;
    *out_frame = pieces[0];
    if (!pieces[1].bytes)
        return STATUS_DONE;
    reader->chunk_bytes = 0;
    TRY(frame_chunk_reserve(reader, ref->bytes));
    memcpy(reader->chunk, pieces[0].data, pieces[0].bytes);
    memcpy(reader->chunk + pieces[0].bytes, pieces[1].data, pieces[1].bytes);
    *out_frame = slice_of(reader->chunk, ref->bytes);
    return STATUS_DONE;
}

/* The bytes of a frame from the disk, checked. */
static status frame_read(struct frame_reader *reader, const struct frame_ref *ref, struct slice *out_frame,
                         struct frame_head *out_head)
{
    struct slice frame;
    bool found = false;
    if (!frame_chunk_covers(reader, ref))
        TRY(ahead_take(reader, ref, &frame, &found));
    if (!found && !frame_chunk_covers(reader, ref)) {
        TRY(frame_chunk_read(reader, ref));
        if (!frame_chunk_covers(reader, ref))
            return STATUS_FAIL(STATUS_CORRUPT);
    }
    if (!found)
        frame = frame_chunk_slice(reader, ref);
    TRY(frame_check(root_identity(&reader->table->root), ref, frame, out_head));
    reader->reads.blocks_read++;
    *out_frame = frame;
    return STATUS_DONE;
}

static void last_note(struct frame_reader *reader, const struct frame_ref *ref)
{
    reader->last_begin = ref->offset;
    reader->last_end = ref->offset + ref->bytes;
}

/* Lanes are read side by side: every one of them would be waited for. */
static void stored_touch(const struct block *stored)
{
    enum { LINE = 64, MOST = 8 << 10 };
    uint32_t bytes = stored->bytes < MOST ? stored->bytes : MOST;
    for (uint32_t at = 0; at < bytes; at += LINE)
        __builtin_prefetch(stored->data + at);
}

/* The compressed copy in the cache; NULL when there is none. */
static status stored_get(struct frame_reader *reader, const struct frame_ref *ref, struct block **out_stored)
{
    struct sstable *table = reader->table;
    struct block *stored = block_cache_get(table->cache, BLOCK_TIER_STORED, table->cache_owner, ref->offset);
    *out_stored = stored;
    if (stored)
        stored_touch(stored);
    if (!stored || (stored->checksum == ref->checksum && stored->bytes == ref->bytes))
        return STATUS_DONE;
    block_unref(stored);
    return STATUS_FAIL(STATUS_CORRUPT);
}

static status stored_decode(struct frame_reader *reader, const struct frame_ref *ref,
                            struct block **out_block)
{
    struct frame_head head;
    struct block *stored;
    *out_block = NULL;
    TRY(stored_get(reader, ref, &stored));
    if (!stored)
        return STATUS_DONE;
    status st = frame_head_decode(block_payload(stored), &head);
    if (ok(st))
        st = block_decode(reader, &head, block_payload(stored), out_block);
    reader->reads.blocks_decoded++;
    block_unref(stored);
    return st;
}

/* Rows that were read from the disk stay compressed in the cache as well. Returns the copy, NULL without a cache. */
static struct block *stored_keep(struct frame_reader *reader, const struct frame_ref *ref, struct slice frame)
{
    struct sstable *table = reader->table;
    struct block *stored =
        block_cache_budget(table->cache) ? block_new(table->cache, (uint32_t)frame.bytes) : NULL;
    if (!stored)
        return NULL; /* the cache only saves time */
    memcpy(stored->data, frame.data, frame.bytes);
    stored->checksum = ref->checksum;
    block_cache_put(table->cache, BLOCK_TIER_STORED, table->cache_owner, ref->offset, stored);
    return stored;
}

status frame_reader_get(struct frame_reader *reader, const struct frame_ref *ref, enum frame_layout layout,
                        struct block **out_block)
{
    struct sstable *table = reader->table;
    TRY(frame_chunk_check(reader, ref));
    struct block *block = NULL;
    /* A block that somebody else has decoded has no codes any more. */
    if (!reader->strict && (layout != FRAME_ROWS || !reader->codes))
        block = block_cache_get(table->cache, BLOCK_TIER_DECODED, table->cache_owner, ref->offset);
    if (block && (block->checksum != ref->checksum || block->layout != layout)) {
        block_unref(block);
        return STATUS_FAIL(STATUS_CORRUPT);
    }
    reader->reads.blocks_cached += block != NULL;
    if (!block) {
        if (layout == FRAME_ROWS && !reader->strict)
            TRY(stored_decode(reader, ref, &block));
        if (!block) {
            struct slice frame;
            struct frame_head head;
            TRY(frame_read(reader, ref, &frame, &head));
            if (head.layout != layout)
                return STATUS_FAIL(STATUS_CORRUPT);
            TRY(block_decode(reader, &head, frame, &block));
            if (layout == FRAME_ROWS && frame_reader_keeps(reader))
                block_unref(stored_keep(reader, ref, frame));
        }
        if (frame_reader_keeps(reader))
            block_cache_put(table->cache, BLOCK_TIER_DECODED, table->cache_owner, ref->offset, block);
    }
    last_note(reader, ref);
    *out_block = block;
    return STATUS_DONE;
}

status frame_reader_take(struct frame_reader *reader, const struct frame_ref *ref, struct slice frame,
                         enum frame_layout layout, struct block **out_block)
{
    struct sstable *table = reader->table;
    struct frame_head head;
    TRY(frame_check(root_identity(&table->root), ref, frame, &head));
    if (head.layout != layout)
        return STATUS_FAIL(STATUS_CORRUPT);
    TRY(block_decode(reader, &head, frame, out_block));
    if (frame_reader_keeps(reader))
        block_cache_put(table->cache, BLOCK_TIER_DECODED, table->cache_owner, ref->offset, *out_block);
    last_note(reader, ref);
    return STATUS_DONE;
}

static bool has_room(struct sstable *table, uint64_t offset, size_t bytes)
{
    return block_cache_has_room(table->cache, BLOCK_TIER_DECODED, table->cache_owner, offset, bytes);
}

/* A cache that is full would pay for a decoded block with another that is as good: one in so many is let in, so that
 * those asked for most often come in first. With room left there is no choice to make. */
static bool is_chosen(struct sstable *table)
{
    enum { ONE_IN = 16 };
    return atomic_fetch_add_explicit(&table->unfoldings, 1, memory_order_relaxed) % ONE_IN == 0;
}

/* Take over the stored block, to unfold it or to decode it as a whole. */
static status stored_open(struct frame_reader *reader, const struct frame_ref *ref, struct block *stored,
                          bool whole, struct rows_unfolding *unfolding, struct block **out_block)
{
    struct sstable *table = reader->table;
    struct rows_decompressor decompressor = {
        .zstd = &reader->zstd, .cache = table->cache, .home = table->cache, .scratch = &reader->scratch};
    struct slice frame = block_payload(stored);
    struct frame_head head;
    status st = frame_head_decode(frame, &head);
    if (ok(st) && (head.layout != FRAME_ROWS || head.codec != FRAME_STORED))
        st = STATUS_FAIL(STATUS_CORRUPT);
    bool room = ok(st) && has_room(table, ref->offset, (size_t)head.items * 16 + (size_t)ref->bytes * 3);
    if (ok(st) && whole && (room || is_chosen(table))) {
        st = block_decode(reader, &head, frame, out_block);
        if (ok(st))
            block_cache_put(table->cache, BLOCK_TIER_DECODED, table->cache_owner, ref->offset, *out_block);
        block_unref(stored);
        return st;
    }
    if (ok(st))
        st = sstable_dictionary_load(table, &decompressor.dictionary);
    if (ok(st) && !decompressor.dictionary)
        st = zstd_need(reader);
    if (ok(st))
        st = rows_unfolding_begin(unfolding, &decompressor,
                                  slice_of(frame.data + FRAME_HEAD_BYTES, frame.bytes - FRAME_HEAD_BYTES),
                                  head.items, !room && !reader->reverse, out_block);
    if (failed(st)) {
        block_unref(stored);
        return st;
    }
    (*out_block)->checksum = head.checksum;
    reader->unfolded = stored;
    reader->unfolded_offset = ref->offset;
    return STATUS_DONE;
}

void frame_reader_fold(struct frame_reader *reader, struct rows_unfolding *unfolding)
{
    struct sstable *table = reader->table;
    struct block *block = unfolding->block;
    if (block) {
        reader->reads.rows_made += unfolding->rows - unfolding->passed;
        reader->reads.rows_spared += block->items - (unfolding->rows - unfolding->passed);
    }
    /* Who has read it to its end has decoded it as well. */
    if (block && unfolding->rows == block->items && !unfolding->passed &&
        has_room(table, reader->unfolded_offset, block->bytes))
        block_cache_put(table->cache, BLOCK_TIER_DECODED, table->cache_owner, reader->unfolded_offset, block);
    rows_unfolding_end(unfolding);
    block_unref(reader->unfolded);
    reader->unfolded = NULL;
}

/* Whether blocks are unfolded: else they come whole. */
static bool unfolds(const struct frame_reader *reader)
{
    return reader->access == FRAME_ACCESS_POINT && !reader->no_unfold &&
           block_cache_budget(reader->table->cache);
}

status frame_reader_find_rows(struct frame_reader *reader, const struct frame_ref *ref,
                              const struct block_touch *touch, struct block **out_block, bool *out_leased)
{
    struct sstable *table = reader->table;
    struct block *block = NULL;
    *out_block = NULL;
    *out_leased = false;
    if (!unfolds(reader))
        return STATUS_DONE;
    TRY(frame_chunk_check(reader, ref));
    if (reader->lease)
        block = block_cache_get_leased(table->cache, reader->lease, table->cache_owner, ref->offset, touch);
    bool leased = block;
    if (!leased)
        block = block_cache_get(table->cache, BLOCK_TIER_DECODED, table->cache_owner, ref->offset);
    if (!block)
        return STATUS_DONE;
    if (block->checksum != ref->checksum || block->layout != FRAME_ROWS) {
        if (!leased)
            block_unref(block);
        return STATUS_FAIL(STATUS_CORRUPT);
    }
    *out_leased = leased;
    reader->reads.blocks_cached++;
    last_note(reader, ref);
    *out_block = block;
    return STATUS_DONE;
}

status frame_reader_get_rows(struct frame_reader *reader, const struct frame_ref *ref,
                             struct rows_unfolding *unfolding, struct block **out_block)
{
    struct block *stored;
    struct slice frame;
    struct frame_head head;
    if (!unfolds(reader))
        return frame_reader_get(reader, ref, FRAME_ROWS, out_block);
    TRY(frame_chunk_check(reader, ref));
    TRY(stored_get(reader, ref, &stored));
    bool again = stored;
    reader->reads.blocks_decoded += again;
    if (!stored) {
        TRY(frame_read(reader, ref, &frame, &head));
        stored = stored_keep(reader, ref, frame);
    }
    if (!stored)
        return frame_reader_get(reader, ref, FRAME_ROWS, out_block);
    TRY(stored_open(reader, ref, stored, again, unfolding, out_block));
    last_note(reader, ref);
    return STATUS_DONE;
}

void frame_reader_keep_beside(struct frame_reader *reader, const struct frame_ref *ref)
{
    struct frame_head head;
    if (failed(frame_chunk_check(reader, ref)) || !frame_chunk_covers(reader, ref))
        return;
    struct slice frame = frame_chunk_slice(reader, ref);
    if (failed(frame_check(root_identity(&reader->table->root), ref, frame, &head)) ||
        head.layout != FRAME_ROWS)
        return;
    struct block *stored = stored_keep(reader, ref, frame);
    reader->reads.blocks_beside += stored != NULL;
    block_unref(stored);
}

status frame_reader_get_frame(struct frame_reader *reader, const struct frame_ref *ref,
                              struct slice *out_frame, struct frame_head *out_head)
{
    TRY(frame_chunk_check(reader, ref));
    TRY(frame_read(reader, ref, out_frame, out_head));
    last_note(reader, ref);
    return STATUS_DONE;
}

status frame_reader_get_stored(struct frame_reader *reader, const struct frame_ref *ref,
                               struct slice *out_frame, struct frame_head *out_head)
{
    TRY(frame_reader_get_frame(reader, ref, out_frame, out_head));
    return out_head->layout == FRAME_ROWS && out_head->codec == FRAME_STORED ? STATUS_DONE
                                                                             : STATUS_FAIL(STATUS_CORRUPT);
}
