/*
 * Arriving at a partition touches no block; the row part wakes up when a row is first asked for.
 *
 * The first blocks at either end of a partition that spans several stand in its directory entry, so that the newest rows
 * are found without an index. Others are found down the block index: `path` has the pinned page and the position of
 * every level, the root first. A partition that fits into its block has neither.
 */
#include "sstable/parity_internal.h"
#include "sstable/sstable_cursor_internal.h"

#include <stdlib.h>

/* ---- blocks ---- */

static void level_unref(struct path_level *level)
{
    if (!level->is_resident)
        block_unref(level->block);
}

static void path_drop(struct sstable_cursor *cursor, uint32_t from)
{
    for (uint32_t level = from; level < cursor->height; level++) {
        level_unref(&cursor->path[level]);
        cursor->path[level].block = NULL;
    }
    if (from < cursor->height)
        cursor->height = from;
}

static void rows_forget(struct sstable_cursor *cursor)
{
    path_drop(cursor, 0);
    cursor->place = ROWS_BEFORE;
    cursor->ahead = false;
    cursor->base.on_row = false;
}

static uint32_t full_height(const struct sstable_cursor *cursor)
{
    return sstable_cursor_spans(cursor) ? cursor->entry.first_row_or_height : 0;
}

/* The entry of the index for a block near the end where the cursor begins. */
static struct block_index_item near_item(const struct sstable_cursor *cursor)
{
    const struct directory_entry *entry = &cursor->entry;
    const struct directory_near *near = cursor->base.reverse
                                            ? &entry->tails[DIRECTORY_NEAR - 1 - cursor->near_at]
                                            : &entry->heads[cursor->near_at];
    return (struct block_index_item){.at = near->at, .rows = near->rows, .first_row = near->first_row};
}

status sstable_cursor_block_item(struct sstable_cursor *cursor, struct block_index_item *out_item)
{
    const struct directory_entry *entry = &cursor->entry;
    if (!sstable_cursor_spans(cursor)) {
        *out_item = (struct block_index_item){.key = entry->first,
                                              .at = entry->at,
                                              .rows = entry->rows,
                                              .first_row = entry->first_row_or_height};
        return STATUS_DONE;
    }
    if (cursor->way == WAY_NEAR) {
        *out_item = near_item(cursor);
        return STATUS_DONE;
    }
    const struct path_level *lowest = &cursor->path[cursor->height - 1];
    *out_item = block_index_page_item(&lowest->page, lowest->at);
    return STATUS_DONE;
}

/* Who reads one partition goes on from the block at hand to the next more often than not: when both lie together, one
 * read brings both. */
static void reader_hint(struct sstable_cursor *cursor, const struct frame_ref *at)
{
    enum { TOGETHER_MAX = 12 << 10 };
    const uint64_t block = IO_BLOCK_BYTES;
    struct frame_reader *reader = &cursor->rows_reader;
    bool reverse = cursor->base.reverse;
    struct frame_ref next = {0};
    reader->least_bytes = 0;
    if (reader->access != FRAME_ACCESS_POINT || !sstable_cursor_spans(cursor))
        return;
    if (cursor->way == WAY_NEAR) {
        const struct directory_entry *entry = &cursor->entry;
        if (cursor->near_at + 1 < DIRECTORY_NEAR)
            next = reverse ? entry->tails[DIRECTORY_NEAR - 2 - cursor->near_at].at
                           : entry->heads[cursor->near_at + 1].at;
    } else {
        const struct path_level *lowest = &cursor->path[cursor->height - 1];
        if (reverse ? lowest->at > 0 : lowest->at + 1 < lowest->page.items)
            next = block_index_page_item(&lowest->page, reverse ? lowest->at - 1 : lowest->at + 1).at;
    }
    uint64_t begin = (next.offset < at->offset ? next.offset : at->offset) / block * block;
    uint64_t end = next.offset < at->offset ? at->offset + at->bytes : next.offset + next.bytes;
    end = (end + block - 1) / block * block;
    if (next.bytes && end - begin <= TOGETHER_MAX)
        reader->least_bytes = end - begin;
}

/* What is asked of a block first, at once instead of one after the other. */
static void heads_touch(const struct block *block)
{
    enum { LINE = 64, MOST = 1024 };
    size_t heads = (size_t)block->items * (sizeof(uint64_t) + 2 * sizeof(uint32_t));
    for (size_t at = 0; at < heads && at < MOST; at += LINE)
        __builtin_prefetch(block->data + at);
}

/* Pin the block at hand and open the partition's run in it. */
static status block_load(struct sstable_cursor *cursor)
{
    struct block_index_item item;
    struct block *block = cursor->rows_block;
    TRY(sstable_cursor_block_item(cursor, &item));
    if (!block || cursor->rows_offset != item.at.offset || block->checksum != item.at.checksum) {
        reader_hint(cursor, &item.at);
        cursor->codes.rows = 0;
        frame_reader_fold(&cursor->rows_reader, &cursor->unfolding);
        block_unref(cursor->rows_block);
        cursor->rows_block = NULL;
        TRY(frame_reader_get_rows(&cursor->rows_reader, &item.at, &cursor->unfolding, &block));
        cursor->rows_block = block;
        cursor->rows_offset = item.at.offset;
        cursor->view = rows_view_of(block);
        heads_touch(block);
    }
    if (item.rows == 0 || item.first_row > block->items || item.rows > block->items - item.first_row)
        return STATUS_FAIL(STATUS_CORRUPT);
    cursor->row_begin = item.first_row;
    cursor->row_end = item.first_row + (uint32_t)item.rows;
    return STATUS_DONE;
}

/* The root of the block index, which a directory page that is resident may have. */
static status root_load(struct sstable_cursor *cursor, struct path_level *out_level)
{
    const struct resident_page *resident = cursor->resident;
    out_level->block = resident ? resident_root_get(resident, cursor->item_at) : NULL;
    out_level->is_resident = out_level->block;
    cursor->index_reader.reads.blocks_cached += out_level->is_resident;
    if (out_level->is_resident)
        return STATUS_DONE;
    TRY(frame_reader_get(&cursor->index_reader, &cursor->entry.at, FRAME_BLOCK_INDEX, &out_level->block));
    if (resident &&
        resident_root_keep(&cursor->table->resident, resident, cursor->item_at, out_level->block)) {
        block_unref(out_level->block);
        out_level->is_resident = true;
    }
    return STATUS_DONE;
}

/* Load the index page one level below the path, at its first position. */
static status path_extend(struct sstable_cursor *cursor)
{
    uint32_t level = full_height(cursor) - cursor->height - 1;
    struct path_level next = {0};
    if (cursor->height) {
        struct path_level *above = &cursor->path[cursor->height - 1];
        struct frame_ref ref = block_index_page_item(&above->page, above->at).at;
        TRY(frame_reader_get(&cursor->index_reader, &ref, FRAME_BLOCK_INDEX, &next.block));
    } else {
        TRY(root_load(cursor, &next));
    }
    if (next.block->level != level) {
        level_unref(&next);
        return STATUS_FAIL(STATUS_CORRUPT);
    }
    next.page = block_index_page_of(next.block);
    cursor->path[cursor->height++] = next;
    return STATUS_DONE;
}

static status height_check(const struct sstable_cursor *cursor)
{
    if (full_height(cursor) > BLOCK_INDEX_HEIGHT_MAX ||
        (sstable_cursor_spans(cursor) && !full_height(cursor)))
        return STATUS_FAIL(STATUS_CORRUPT);
    return STATUS_DONE;
}

/* Complete the path, keeping to its first or last entries. */
static status path_complete(struct sstable_cursor *cursor, bool last)
{
    TRY(height_check(cursor));
    cursor->way = WAY_PATH;
    while (cursor->height < full_height(cursor)) {
        TRY(path_extend(cursor));
        struct path_level *lowest = &cursor->path[cursor->height - 1];
        lowest->at = last ? lowest->page.items - 1 : 0;
    }
    return STATUS_DONE;
}

/* Complete the path towards the block where `key` belongs: the last that begins at or before (`below`: before) it. */
static status path_find(struct sstable_cursor *cursor, struct slice key, bool below)
{
    path_drop(cursor, 1); /* the root page stays */
    TRY(height_check(cursor));
    cursor->way = WAY_PATH;
    for (uint32_t level = 0; level < full_height(cursor); level++) {
        if (level == cursor->height)
            TRY(path_extend(cursor));
        struct path_level *here = &cursor->path[level];
        here->at = block_index_page_find(&here->page, key, below);
    }
    return STATUS_DONE;
}

static status path_move(struct sstable_cursor *cursor, bool *out_more)
{
    uint32_t level = cursor->height;
    while (level > 0) {
        struct path_level *here = &cursor->path[level - 1];
        if (cursor->base.reverse ? here->at > 0 : here->at + 1 < here->page.items) {
            here->at += cursor->base.reverse ? UINT32_MAX : 1;
            path_drop(cursor, level);
            *out_more = true;
            return path_complete(cursor, cursor->base.reverse);
        }
        level--;
    }
    *out_more = false;
    return STATUS_DONE;
}

status sstable_cursor_block_first(struct sstable_cursor *cursor)
{
    path_drop(cursor, 0);
    cursor->way = WAY_NEAR;
    cursor->near_at = 0;
    return STATUS_DONE;
}

status sstable_cursor_block_forward(struct sstable_cursor *cursor, bool *out_more)
{
    *out_more = false;
    if (!sstable_cursor_spans(cursor))
        return STATUS_DONE;
    if (cursor->way == WAY_PATH)
        return path_move(cursor, out_more);
    uint64_t near_rows = 0;
    for (uint32_t i = 0; i < DIRECTORY_NEAR; i++)
        near_rows += cursor->base.reverse ? cursor->entry.tails[i].rows : cursor->entry.heads[i].rows;
    if (cursor->near_at + 1 < DIRECTORY_NEAR) {
        cursor->near_at++;
        *out_more = true;
        return STATUS_DONE;
    }
    if (near_rows >= cursor->entry.rows)
        return STATUS_DONE;
    /* The index takes over where the entry ends. */
    path_drop(cursor, 0);
    TRY(path_complete(cursor, cursor->base.reverse));
    *out_more = true;
    for (uint32_t i = 0; i < DIRECTORY_NEAR && *out_more; i++)
        TRY(path_move(cursor, out_more));
    return STATUS_DONE;
}

/* ---- rows ---- */

static status past(struct sstable_cursor *cursor)
{
    cursor->place = ROWS_PAST;
    cursor->base.on_row = false;
    return STATUS_DONE;
}

/* Bring the lines of memory behind (before) a place in a block that its reader is about to get to: a block that was
 * not read for a while waits in memory, and the processor finds out too late that it is being walked. */
static inline void touch_ahead(const struct sstable_cursor *cursor, const uint8_t *at)
{
    enum { LINE = 64, FIRST = 4, LINES = 4 };
    ptrdiff_t line = cursor->base.reverse ? -LINE : LINE;
    for (ptrdiff_t i = FIRST; i < FIRST + LINES; i++)
        __builtin_prefetch(at + i * line);
}

static status stand_on(struct sstable_cursor *cursor, uint32_t row)
{
    TRY(rows_unfold(&cursor->unfolding, row));
    cursor->row_at = row;
    cursor->place = ROWS_ON;
    cursor->base.on_row = true;
    cursor->base.row = rows_row(&cursor->view, row);
    touch_ahead(cursor, cursor->base.row.image.data);
    return STATUS_DONE;
}

static status block_enter(struct sstable_cursor *cursor)
{
    TRY(block_load(cursor));
    return stand_on(cursor, cursor->base.reverse ? cursor->row_end - 1 : cursor->row_begin);
}

static status next_block(struct sstable_cursor *cursor)
{
    bool more;
    TRY(sstable_cursor_block_forward(cursor, &more));
    return more ? block_enter(cursor) : past(cursor);
}

static status rows_first(struct sstable_cursor *cursor)
{
    if (!(cursor->entry.flags & DIRECTORY_ROWS))
        return past(cursor);
    TRY(sstable_cursor_block_first(cursor));
    return block_enter(cursor);
}

static status next_row(struct sstable_cursor *cursor)
{
    if (cursor->ahead) {
        cursor->ahead = false;
        return block_enter(cursor);
    }
    switch (cursor->place) {
    case ROWS_BEFORE: return rows_first(cursor);
    case ROWS_BEHIND: return next_block(cursor);
    case ROWS_PAST: return STATUS_DONE;
    case ROWS_ON: break;
    }
    if (cursor->base.reverse) {
        if (cursor->row_at > cursor->row_begin)
            return stand_on(cursor, cursor->row_at - 1);
    } else if (cursor->row_at + 1 < cursor->row_end) {
        return stand_on(cursor, cursor->row_at + 1);
    }
    return next_block(cursor);
}

static status seek_row(struct sstable_cursor *cursor, struct slice key)
{
    bool reverse = cursor->base.reverse;
    cursor->ahead = false;
    if (!(cursor->entry.flags & DIRECTORY_ROWS))
        return past(cursor);
    /* Bounds answer what no block has to be read for. */
    if (reverse ? slice_compare(cursor->entry.first, key) >= 0 : slice_compare(cursor->entry.last, key) < 0)
        return past(cursor);
    if (reverse ? slice_compare(cursor->entry.last, key) < 0 : slice_compare(cursor->entry.first, key) >= 0)
        return rows_first(cursor);
    if (cursor->way == WAY_NEAR)
        path_drop(cursor, 0);
    TRY(path_find(cursor, key, reverse));
    TRY(block_load(cursor));
    uint32_t row = rows_find(&cursor->view, cursor->row_begin, cursor->row_end, key);
    if (reverse ? row > cursor->row_begin : row < cursor->row_end)
        return stand_on(cursor, reverse ? row - 1 : row);
    return next_block(cursor);
}

/* ---- partitions ---- */

static void page_drop(struct sstable_cursor *cursor)
{
    if (!cursor->resident)
        block_unref(cursor->page_block);
    cursor->page_block = NULL;
    cursor->resident = NULL;
}

static status page_load(struct sstable_cursor *cursor, uint32_t page_at)
{
    const struct resident_page *resident = NULL;
    struct block *block;
    /* Scans pass through: what they need once is not worth keeping. */
    bool is_point = cursor->directory_reader.access == FRAME_ACCESS_POINT;
    if (is_point)
        resident = resident_page_get(&cursor->table->resident, page_at);
    if (resident) {
        block = resident->block;
        cursor->directory_reader.reads.blocks_cached++;
    } else {
        TRY(parity_page_get(&cursor->directory_reader, page_at, &block));
        if (is_point)
            resident = resident_page_keep(&cursor->table->resident, page_at, block);
        if (resident)
            block_unref(block);
    }
    page_drop(cursor);
    cursor->page_block = resident ? resident->block : block;
    cursor->resident = resident;
    cursor->page_at = page_at;
    cursor->item_at = 0;
    cursor->page = directory_page_of(cursor->page_block);
    return STATUS_DONE;
}

static status off_the_end(struct sstable_cursor *cursor)
{
    page_drop(cursor);
    cursor->base.on_partition = false;
    return STATUS_DONE;
}

/* Stand on the entry at item_at. */
static status entry_enter(struct sstable_cursor *cursor)
{
    struct directory_entry *entry = &cursor->entry;
    struct partition_view *view = &cursor->base.partition;
    if (cursor->resident)
        *entry = cursor->resident->entries[cursor->item_at];
    else
        TRY(directory_page_entry(&cursor->page, cursor->item_at, entry));
    arena_reset(&cursor->arena);
    *view = (struct partition_view){
        .key = entry->key,
        .deletion = entry->deletion,
        .static_image = entry->static_image,
        .first = entry->first,
        .last = entry->last,
    };
    if (entry->flags & DIRECTORY_RANGES) {
        struct reader in = reader_of(entry->ranges);
        TRY(range_list_decode(&in, &cursor->arena, &view->ranges));
    }
    cursor->base.on_partition = true;
    return STATUS_DONE;
}

static status next_partition(struct sstable_cursor *cursor)
{
    if (!cursor->started) {
        cursor->started = true;
        if (!cursor->table->page_count)
            return off_the_end(cursor);
        TRY(page_load(cursor, 0));
        return entry_enter(cursor);
    }
    if (!cursor->page_block)
        return off_the_end(cursor);
    if (cursor->item_at + 1 < cursor->page.items) {
        cursor->item_at++;
        return entry_enter(cursor);
    }
    if (cursor->page_at + 1 >= cursor->table->page_count)
        return off_the_end(cursor);
    TRY(page_load(cursor, cursor->page_at + 1));
    return entry_enter(cursor);
}

static status seek_partition(struct sstable_cursor *cursor, struct partition_key key)
{
    const struct sstable *table = cursor->table;
    uint32_t at = directory_index_find(table->pages, table->page_count, key.token);
    cursor->started = true;
    for (; at < table->page_count; at++) {
        if (!cursor->page_block || cursor->page_at != at)
            TRY(page_load(cursor, at));
        uint32_t item;
        TRY(directory_page_find(&cursor->page, key, &item));
        if (item < cursor->page.items) {
            cursor->item_at = item;
            return entry_enter(cursor);
        }
        /* Only keys of one token that fill a page lead past it. */
    }
    return off_the_end(cursor);
}

/* ---- the cursor interface ---- */

static struct sstable_cursor *of(struct cursor *base)
{
    return (struct sstable_cursor *)base;
}

/* After a failure the cursor stands nowhere. */
static status settle(struct cursor *base, status st)
{
    if (failed(st)) {
        base->on_partition = false;
        base->on_row = false;
    }
    return st;
}

static status cursor_op_seek_partition(struct cursor *base, struct partition_key key)
{
    struct sstable_cursor *cursor = of(base);
    rows_forget(cursor);
    if (!cursor->one)
        return settle(base, seek_partition(cursor, key));
    cursor->started = true;
    base->on_partition = partition_key_compare(cursor->entry.key, key) >= 0;
    return STATUS_DONE;
}

static status cursor_op_next_partition(struct cursor *base)
{
    struct sstable_cursor *cursor = of(base);
    rows_forget(cursor);
    if (!cursor->one)
        return settle(base, next_partition(cursor));
    base->on_partition = !cursor->started;
    cursor->started = true;
    return STATUS_DONE;
}

static status cursor_op_seek_row(struct cursor *base, struct slice clustering)
{
    if (!base->on_partition)
        return STATUS_FAIL(STATUS_INVALID);
    return settle(base, seek_row(of(base), clustering));
}

static status cursor_op_next(struct cursor *base)
{
    if (!base->on_partition)
        return STATUS_FAIL(STATUS_INVALID);
    return settle(base, next_row(of(base)));
}

static void cursor_op_close(struct cursor *base)
{
    struct sstable_cursor *cursor = of(base);
    rows_forget(cursor);
    buffer_deinit(&cursor->ahead_keys);
    frame_reader_fold(&cursor->rows_reader, &cursor->unfolding);
    rows_unfolding_deinit(&cursor->unfolding);
    rows_codes_deinit(&cursor->codes);
    block_unref(cursor->rows_block);
    page_drop(cursor);
    frame_reader_deinit(&cursor->directory_reader);
    frame_reader_deinit(&cursor->index_reader);
    frame_reader_deinit(&cursor->rows_reader);
    arena_deinit(&cursor->arena);
    sstable_unref(cursor->table);
    free(cursor);
}

static const struct cursor_ops sstable_cursor_ops = {
    .kind = "sstable",
    .seek_partition = cursor_op_seek_partition,
    .next_partition = cursor_op_next_partition,
    .seek_row = cursor_op_seek_row,
    .next = cursor_op_next,
    .close = cursor_op_close,
};

struct sstable_cursor *sstable_cursor_of(struct cursor *cursor)
{
    return cursor->ops == &sstable_cursor_ops ? of(cursor) : NULL;
}

void sstable_cursor_decode_whole(struct cursor *base)
{
    struct sstable_cursor *cursor = sstable_cursor_of(base);
    if (cursor)
        cursor->rows_reader.no_unfold = true;
}

void sstable_cursor_keep_codes(struct cursor *base)
{
    struct sstable_cursor *cursor = sstable_cursor_of(base);
    if (!cursor)
        return;
    cursor->rows_reader.codes = &cursor->codes;
    cursor->rows_reader.uncounted = true;
    cursor->directory_reader.uncounted = true;
    cursor->index_reader.uncounted = true;
}

static struct sstable_cursor *cursor_new(struct sstable *table, bool reverse, enum frame_access access)
{
    struct sstable_cursor *cursor = malloc(sizeof *cursor);
    if (!cursor)
        return NULL;
    memset(cursor, 0, offsetof(struct sstable_cursor, codes.column));
    cursor->base.ops = &sstable_cursor_ops;
    cursor->base.reverse = reverse;
    cursor->table = sstable_ref(table);
    cursor->directory_reader = (struct frame_reader){.table = table, .access = access};
    cursor->index_reader =
        (struct frame_reader){.table = table,
                              .access = access == FRAME_ACCESS_SCAN_PAST_CACHE ? FRAME_ACCESS_POINT_PAST_CACHE
                                                                               : FRAME_ACCESS_POINT};
    cursor->rows_reader = (struct frame_reader){.table = table, .access = access, .reverse = reverse};
    return cursor;
}

void sstable_cursor_strict(struct cursor *base)
{
    struct sstable_cursor *cursor = (struct sstable_cursor *)base;
    cursor->directory_reader.strict = true;
    cursor->index_reader.strict = true;
    cursor->rows_reader.strict = true;
}

status sstable_scan_open(struct sstable *table, bool reverse, enum frame_access access,
                         struct cursor **out_cursor)
{
    struct sstable_cursor *cursor = cursor_new(table, reverse, access);
    if (!cursor)
        return STATUS_FAIL(STATUS_NOMEM);
    *out_cursor = &cursor->base;
    return STATUS_DONE;
}

void sstable_cursor_position(const struct cursor *base, struct sstable_position *out_position)
{
    const struct directory_entry *entry = &((const struct sstable_cursor *)base)->entry;
    *out_position = (struct sstable_position){
        .rows = entry->rows,
        .raw_bytes = entry->raw_bytes,
        .offset = entry->at.offset,
        .bytes = entry->at.bytes,
        .first_row_or_height = entry->first_row_or_height,
        .spans = entry->flags & DIRECTORY_SPANS,
    };
}

void sstable_cursor_partition_size(const struct cursor *base, uint64_t *out_rows, uint64_t *out_bytes)
{
    const struct directory_entry *entry = &((const struct sstable_cursor *)base)->entry;
    *out_rows = entry->rows;
    *out_bytes = entry->raw_bytes;
}

status sstable_cursor_open(struct sstable *table, bool reverse, struct cursor **out_cursor)
{
    /* A table that is small beside the cache is worth keeping whole; of others a scan would only drive out what reads
     * of single partitions have brought in. */
    bool small = table->root.info.raw_bytes < block_cache_budget(table->cache) / 16;
    return sstable_scan_open(table, reverse, small ? FRAME_ACCESS_SCAN : FRAME_ACCESS_SCAN_PAST_CACHE,
                             out_cursor);
}

status sstable_cursor_open_one(struct sstable *table, struct partition_key key, bool reverse,
                               struct cursor **out_cursor)
{
    if (!sstable_may_contain(table, key))
        return STATUS_FAIL(STATUS_NOT_FOUND);
    struct sstable_cursor *cursor = cursor_new(table, reverse, FRAME_ACCESS_POINT);
    if (!cursor)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = seek_partition(cursor, key);
    if (ok(st) && !(cursor->base.on_partition && partition_key_compare(cursor->entry.key, key) == 0))
        st = STATUS_FAIL(STATUS_NOT_FOUND);
    if (failed(st)) {
        cursor_close(&cursor->base);
        return st;
    }
    cursor->one = true;
    cursor->started = false;
    cursor->base.on_partition = false;
    *out_cursor = &cursor->base;
    return STATUS_DONE;
}
