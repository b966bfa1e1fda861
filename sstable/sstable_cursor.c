/*
 * The cursor over a table: a partition part, which stands in a pinned directory page, and a row part, which stands in
 * a pinned block and has the 16 rows around its position decoded. Arriving at a partition touches no block; the row
 * part wakes up when a row is first asked for.
 *
 * Rows of a partition that spans blocks are found down the block index: `path` has the pinned page and the position
 * of every level, the root first. A partition that fits into its block has a path of no levels.
 */
#include "sstable/block_index_internal.h"
#include "sstable/rows_block_internal.h"
#include "sstable/sstable_internal.h"

#include <stdlib.h>

enum rows_place {
    ROWS_BEFORE, /* of the first row in the cursor's direction */
    ROWS_ON,
    ROWS_PAST,
};

struct path_level {
    struct block *block; /* counted */
    struct block_index_page page;
    uint32_t at;
};

struct sstable_cursor {
    struct cursor base;
    struct sstable *table; /* counted */
    struct frame_reader directory_reader, index_reader, rows_reader;
    struct arena arena; /* range tombstones of the partition */
    bool one;           /* sees only the partition it was opened on */

    /* Where in the directory: `page` is NULL before the first move and past the end. */
    struct block *page_block; /* counted */
    struct directory_page page;
    uint32_t page_at, item_at;
    bool started;
    struct directory_entry entry;

    enum rows_place place;
    struct path_level path[BLOCK_INDEX_HEIGHT_MAX];
    uint32_t height;          /* levels of `path` that are loaded */
    struct block *rows_block; /* counted; kept while partitions move, because the next one may share it */
    uint64_t rows_offset;     /* where it stands in the file */
    struct rows_run run;
    struct rows_group group;
    uint32_t group_at, slot_at;
};

/* ---- rows ---- */

static void path_drop(struct sstable_cursor *cursor, uint32_t from)
{
    for (uint32_t level = from; level < cursor->height; level++) {
        block_unref(cursor->path[level].block);
        cursor->path[level].block = NULL;
    }
    if (from < cursor->height)
        cursor->height = from;
}

static void rows_forget(struct sstable_cursor *cursor)
{
    path_drop(cursor, 0);
    cursor->place = ROWS_BEFORE;
    cursor->base.on_row = false;
}

static bool spans(const struct sstable_cursor *cursor)
{
    return cursor->entry.flags & DIRECTORY_SPANS;
}

static uint32_t full_height(const struct sstable_cursor *cursor)
{
    return spans(cursor) ? cursor->entry.restart_or_height : 0;
}

/* What the lowest level of the path points to. */
static status block_item(struct sstable_cursor *cursor, struct block_index_item *out_item)
{
    const struct directory_entry *entry = &cursor->entry;
    if (spans(cursor)) {
        struct path_level *lowest = &cursor->path[cursor->height - 1];
        return block_index_page_item(&lowest->page, lowest->at, out_item);
    }
    *out_item = (struct block_index_item){
        .key = entry->first, .at = entry->at, .rows = entry->rows, .restart = entry->restart_or_height};
    return STATUS_DONE;
}

static status block_load(struct sstable_cursor *cursor)
{
    struct block_index_item item;
    struct block *block = cursor->rows_block;
    TRY(block_item(cursor, &item));
    if (!block || cursor->rows_offset != item.at.offset || block->checksum != item.at.checksum) {
        TRY(frame_reader_get(&cursor->rows_reader, &item.at, FRAME_ROWS, &block));
        block_unref(cursor->rows_block);
        cursor->rows_block = block;
        cursor->rows_offset = item.at.offset;
    }
    return rows_run_open(block_payload(block), block->items, item.restart, item.rows, &cursor->run);
}

/* Load the index page one level below the path, at its first position. */
static status path_extend(struct sstable_cursor *cursor)
{
    uint32_t level = full_height(cursor) - cursor->height - 1;
    struct frame_ref ref = cursor->entry.at;
    if (cursor->height) {
        struct path_level *above = &cursor->path[cursor->height - 1];
        struct block_index_item item;
        TRY(block_index_page_item(&above->page, above->at, &item));
        ref = item.at;
    }
    struct path_level next = {0};
    TRY(frame_reader_get(&cursor->index_reader, &ref, FRAME_BLOCK_INDEX, &next.block));
    status st = next.block->level == level ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT);
    if (ok(st))
        st = block_index_page_open(block_payload(next.block), next.block->items, &next.page);
    if (failed(st)) {
        block_unref(next.block);
        return st;
    }
    cursor->path[cursor->height++] = next;
    return STATUS_DONE;
}

/* Complete the path, keeping to its first or last entries. */
static status path_complete(struct sstable_cursor *cursor, bool last)
{
    if (full_height(cursor) > BLOCK_INDEX_HEIGHT_MAX || (spans(cursor) && !full_height(cursor)))
        return STATUS_FAIL(STATUS_CORRUPT);
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
    if (full_height(cursor) > BLOCK_INDEX_HEIGHT_MAX || (spans(cursor) && !full_height(cursor)))
        return STATUS_FAIL(STATUS_CORRUPT);
    for (uint32_t level = 0; level < full_height(cursor); level++) {
        if (level == cursor->height)
            TRY(path_extend(cursor));
        struct path_level *here = &cursor->path[level];
        TRY(block_index_page_find(&here->page, key, below, &here->at));
    }
    return STATUS_DONE;
}

/* To the next block in the cursor's direction; *out_more is false past the last. */
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

static status past(struct sstable_cursor *cursor)
{
    cursor->place = ROWS_PAST;
    cursor->base.on_row = false;
    return STATUS_DONE;
}

static void stand_on(struct sstable_cursor *cursor, uint32_t slot)
{
    cursor->slot_at = slot;
    cursor->place = ROWS_ON;
    cursor->base.on_row = true;
    cursor->base.row = (struct row_view){.clustering = rows_group_key(&cursor->group, slot),
                                         .image = cursor->group.slots[slot].image};
}

/* Decode a group of the block and stand on its first row in the cursor's direction. */
static status group_enter(struct sstable_cursor *cursor, uint32_t group)
{
    TRY(rows_run_group(&cursor->run, group, &cursor->group));
    cursor->group_at = group;
    stand_on(cursor, cursor->base.reverse ? cursor->group.count - 1 : 0);
    return STATUS_DONE;
}

static status block_enter(struct sstable_cursor *cursor)
{
    TRY(block_load(cursor));
    return group_enter(cursor, cursor->base.reverse ? cursor->run.groups - 1 : 0);
}

static status next_group(struct sstable_cursor *cursor)
{
    bool more;
    if (cursor->base.reverse ? cursor->group_at > 0 : cursor->group_at + 1 < cursor->run.groups)
        return group_enter(cursor, cursor->base.reverse ? cursor->group_at - 1 : cursor->group_at + 1);
    TRY(path_move(cursor, &more));
    return more ? block_enter(cursor) : past(cursor);
}

static status rows_first(struct sstable_cursor *cursor)
{
    if (!(cursor->entry.flags & DIRECTORY_ROWS))
        return past(cursor);
    path_drop(cursor, 0);
    TRY(path_complete(cursor, cursor->base.reverse));
    return block_enter(cursor);
}

static status next_row(struct sstable_cursor *cursor)
{
    switch (cursor->place) {
    case ROWS_BEFORE: return rows_first(cursor);
    case ROWS_PAST: return STATUS_DONE;
    case ROWS_ON: break;
    }
    if (cursor->base.reverse ? cursor->slot_at > 0 : cursor->slot_at + 1 < cursor->group.count) {
        stand_on(cursor, cursor->base.reverse ? cursor->slot_at - 1 : cursor->slot_at + 1);
        return STATUS_DONE;
    }
    return next_group(cursor);
}

/* In the decoded group: to the first row at or after the key in the cursor's direction, else on from the group. */
static status group_seek(struct sstable_cursor *cursor, struct slice key)
{
    uint32_t low = 0; /* slots below `low` have keys < key, from `high` on >= key */
    uint32_t high = cursor->group.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (slice_compare(rows_group_key(&cursor->group, middle), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (cursor->base.reverse && low > 0) {
        stand_on(cursor, low - 1);
        return STATUS_DONE;
    }
    if (!cursor->base.reverse && low < cursor->group.count) {
        stand_on(cursor, low);
        return STATUS_DONE;
    }
    return next_group(cursor);
}

static status seek_row(struct sstable_cursor *cursor, struct slice key)
{
    bool reverse = cursor->base.reverse;
    uint32_t group;
    if (!(cursor->entry.flags & DIRECTORY_ROWS))
        return past(cursor);
    /* Bounds answer what no block has to be read for. */
    if (reverse ? slice_compare(cursor->entry.first, key) >= 0 : slice_compare(cursor->entry.last, key) < 0)
        return past(cursor);
    if (reverse ? slice_compare(cursor->entry.last, key) < 0 : slice_compare(cursor->entry.first, key) >= 0)
        return rows_first(cursor);
    TRY(path_find(cursor, key, reverse));
    TRY(block_load(cursor));
    TRY(rows_run_find(&cursor->run, key, reverse, &group));
    TRY(rows_run_group(&cursor->run, group, &cursor->group));
    cursor->group_at = group;
    return group_seek(cursor, key);
}

/* ---- partitions ---- */

static void page_drop(struct sstable_cursor *cursor)
{
    block_unref(cursor->page_block);
    cursor->page_block = NULL;
}

static status page_load(struct sstable_cursor *cursor, uint32_t page_at)
{
    const struct directory_index_item *item = &cursor->table->pages[page_at];
    struct block *block;
    TRY(frame_reader_get(&cursor->directory_reader, &item->page, FRAME_DIRECTORY, &block));
    page_drop(cursor);
    cursor->page_block = block;
    cursor->page_at = page_at;
    cursor->item_at = 0;
    return directory_page_open(block_payload(block), block->items, &cursor->page);
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
    block_unref(cursor->rows_block);
    page_drop(cursor);
    frame_reader_deinit(&cursor->directory_reader);
    frame_reader_deinit(&cursor->index_reader);
    frame_reader_deinit(&cursor->rows_reader);
    buffer_deinit(&cursor->group.keys);
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

static struct sstable_cursor *cursor_new(struct sstable *table, bool reverse, enum frame_access access)
{
    struct sstable_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return NULL;
    cursor->base.ops = &sstable_cursor_ops;
    cursor->base.reverse = reverse;
    cursor->table = sstable_ref(table);
    cursor->directory_reader = (struct frame_reader){.table = table, .access = access};
    cursor->index_reader = (struct frame_reader){.table = table};
    cursor->rows_reader = (struct frame_reader){.table = table, .access = access, .reverse = reverse};
    return cursor;
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
        .restart_or_height = entry->restart_or_height,
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
