/*
 * The way of a cursor through the blocks of a partition.
 *
 * The first blocks at either end of a partition that spans several stand in its directory entry, so that the newest rows
 * are found without an index. Others are found down the block index: `path` has the pinned page and the position of
 * every level, the root first. A partition that fits into its block has neither.
 */
#include "sstable/neighbours_internal.h"

static void level_unref(struct path_level *level)
{
    if (!level->node)
        block_unref(level->block);
}

void sstable_cursor_path_drop(struct sstable_cursor *cursor, uint32_t from)
{
    for (uint32_t level = from; level < cursor->height; level++) {
        level_unref(&cursor->path[level]);
        cursor->path[level].block = NULL;
    }
    if (from < cursor->height)
        cursor->height = from;
}

static uint32_t full_height(const struct sstable_cursor *cursor)
{
    return sstable_cursor_spans(cursor) ? cursor->entry->first_row_or_height : 0;
}

/* The entry of the index for a block near the end where the cursor begins. */
static struct block_index_item near_item(const struct sstable_cursor *cursor)
{
    const struct directory_entry *entry = cursor->entry;
    const struct directory_near *near = cursor->base.reverse
                                            ? &entry->tails[DIRECTORY_NEAR - 1 - cursor->near_at]
                                            : &entry->heads[cursor->near_at];
    return (struct block_index_item){.at = near->at, .rows = near->rows, .first_row = near->first_row};
}

status sstable_cursor_block_item(struct sstable_cursor *cursor, struct block_index_item *out_item)
{
    const struct directory_entry *entry = cursor->entry;
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
    const uint64_t block = io_read_alignment(cursor->table->file);
    struct frame_reader *reader = &cursor->rows_reader;
    bool reverse = cursor->base.reverse;
    struct frame_ref next = {0};
    reader->least_bytes = 0;
    if (reader->access != FRAME_ACCESS_POINT || !sstable_cursor_spans(cursor))
        return;
    if (cursor->way == WAY_NEAR) {
        const struct directory_entry *entry = cursor->entry;
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

/* Where a row will be looked for in a block of which only the index is known, if the block is the partition's alone and
 * its keys have one length: what leads to keys and images, the keys near the one that is sought, or the first image. */
static struct block_touch touch_of(const struct sstable_cursor *cursor, const struct block_index_item *item)
{
    enum { HEADS_MOST = 1024, LINE = 64, LINES = 3, HEAD_BYTES = sizeof(uint64_t) + 2 * sizeof(uint32_t) };
    uint32_t rows = item->first_row + (uint32_t)item->rows, key_bytes = (uint32_t)cursor->entry->first.bytes;
    uint32_t keys = rows * HEAD_BYTES + (uint32_t)sizeof(uint32_t);
    uint32_t row = cursor->row_guess ? item->first_row + cursor->row_guess : rows;
    uint32_t begin = keys + row * key_bytes - LINE;
    return (struct block_touch){
        .heads_end = keys < HEADS_MOST ? keys : HEADS_MOST, .begin = begin, .end = begin + LINES * LINE};
}

void sstable_cursor_block_drop(struct sstable_cursor *cursor)
{
    if (cursor->rows_leased)
        block_lease_let_go(cursor->lease);
    else
        block_unref(cursor->rows_block);
    cursor->rows_block = NULL;
    cursor->rows_leased = false;
}

/* Where the table notes the block at hand once it is found; NULL: nowhere. */
static struct block_seen *seen_place(const struct sstable_cursor *cursor)
{
    struct resident_entry *entry = cursor->taken_apart;
    if (!entry || !sstable_cursor_spans(cursor))
        return NULL;
    if (cursor->way == WAY_NEAR)
        return cursor->base.reverse ? &entry->tails[DIRECTORY_NEAR - 1 - cursor->near_at]
                                    : &entry->heads[cursor->near_at];
    const struct path_level *lowest = &cursor->path[cursor->height - 1];
    /* Of a node nothing else is written. */
    struct resident_node *node = (struct resident_node *)(uintptr_t)lowest->node;
    return node && lowest->at < node->blocks ? &node->below[lowest->at].seen : NULL;
}

/* The block at hand if it is in the cache, else NULL. */
static status block_find(struct sstable_cursor *cursor, const struct block_index_item *item,
                         struct block **out_block)
{
    struct block_seen *seen = seen_place(cursor);
    struct block_touch touch = touch_of(cursor, item);
    if (seen)
        touch.seen = atomic_load_explicit(&seen->block, memory_order_relaxed);
    TRY(frame_reader_find_rows(&cursor->rows_reader, &item->at, &touch, out_block, &cursor->rows_leased));
    /* Readers of one block agree in most cases: then none writes to what they share. */
    if (seen && cursor->rows_leased && *out_block != touch.seen)
        atomic_store_explicit(&seen->block, *out_block, memory_order_relaxed);
    return STATUS_DONE;
}

static status block_get(struct sstable_cursor *cursor, const struct block_index_item *item,
                        struct block **out_block)
{
    cursor->codes.rows = 0;
    if (cursor->unfolding.block)
        frame_reader_fold(&cursor->rows_reader, &cursor->unfolding);
    sstable_cursor_block_drop(cursor);
    TRY(block_find(cursor, item, out_block));
    if (*out_block)
        return STATUS_DONE;
    if (!cursor->no_together)
        frame_reader_lend(&cursor->directory_reader, &cursor->rows_reader, &item->at);
    reader_hint(cursor, &item->at);
    if (frame_reader_goes_far(&cursor->rows_reader))
        sstable_cursor_read_ahead(&cursor->base, 0);
    struct neighbours neighbours = neighbours_begin(cursor, &item->at);
    status st = frame_reader_get_rows(&cursor->rows_reader, &item->at, &cursor->unfolding, out_block);
    neighbours_end(cursor, neighbours);
    return st;
}

status sstable_cursor_block_load(struct sstable_cursor *cursor)
{
    struct block_index_item item;
    struct block *block = cursor->rows_block;
    TRY(sstable_cursor_block_item(cursor, &item));
    if (!block || cursor->rows_offset != item.at.offset || block->checksum != item.at.checksum) {
        TRY(block_get(cursor, &item, &block));
        cursor->rows_block = block;
        cursor->rows_offset = item.at.offset;
        cursor->view = rows_view_of(block);
    }
    if (item.rows == 0 || item.first_row > block->items || item.rows > block->items - item.first_row)
        return STATUS_FAIL(STATUS_CORRUPT);
    cursor->row_begin = item.first_row;
    cursor->row_end = item.first_row + (uint32_t)item.rows;
    return STATUS_DONE;
}

status sstable_cursor_ahead(struct cursor *base, struct io_request *out_request, bool *out_needed)
{
    struct sstable_cursor *cursor = (struct sstable_cursor *)base;
    struct block_index_item item;
    *out_needed = false;
    if (!base->on_partition || cursor->place != ROWS_BEFORE || !(cursor->entry->flags & DIRECTORY_ROWS))
        return STATUS_DONE;
    TRY(sstable_cursor_block_first(cursor));
    TRY(sstable_cursor_block_item(cursor, &item));
    if (!cursor->no_together)
        frame_reader_lend(&cursor->directory_reader, &cursor->rows_reader, &item.at);
    reader_hint(cursor, &item.at);
    return frame_reader_ahead(&cursor->rows_reader, &item.at, out_request, out_needed);
}

/* Where the page that the path leads to next is kept when it is resident; NULL: nowhere. */
static _Atomic(struct resident_node *) *resident_place(const struct sstable_cursor *cursor)
{
    if (!cursor->height)
        return cursor->taken_apart ? &cursor->taken_apart->root : NULL;
    const struct path_level *above = &cursor->path[cursor->height - 1];
    /* The node is written to in no other way than here. */
    struct resident_node *node = (struct resident_node *)(uintptr_t)above->node;
    return node && above->at < node->pages ? &node->below[above->at].node : NULL;
}

static struct frame_ref page_below(const struct sstable_cursor *cursor)
{
    if (!cursor->height)
        return cursor->entry->at;
    const struct path_level *above = &cursor->path[cursor->height - 1];
    return block_index_page_item(&above->page, above->at).at;
}

/* A page that is not resident, past the cache or through it. */
static status index_page_get(struct sstable_cursor *cursor, bool past_cache, struct block **out_block)
{
    struct frame_reader *reader = &cursor->index_reader;
    struct frame_ref ref = page_below(cursor);
    enum frame_access access = reader->access;
    if (past_cache)
        reader->access = FRAME_ACCESS_POINT_PAST_CACHE;
    status st = frame_reader_get(reader, &ref, FRAME_BLOCK_INDEX, out_block);
    reader->access = access;
    return st;
}

/* A page becomes resident when there is a place and room for it. It passes the cache then, where it would be paid for twice;
 * one that turned out too large, because of its keys, is got again by way of the cache. */
static status index_page_keep(struct sstable_cursor *cursor, _Atomic(struct resident_node *) *place,
                              struct block **out_block, const struct resident_node **out_node)
{
    enum { PAGE_MOST = 4 * BLOCK_INDEX_PAGE_BYTES }; /* as it is kept in memory */
    bool past_cache = place && resident_has_room(&cursor->table->resident, PAGE_MOST);
    TRY(index_page_get(cursor, past_cache, out_block));
    *out_node = place ? resident_node_keep(&cursor->table->resident, place, *out_block) : NULL;
    if (*out_node) {
        block_unref(*out_block);
        *out_block = (*out_node)->block;
    } else if (past_cache) {
        block_unref(*out_block);
        TRY(index_page_get(cursor, false, out_block));
    }
    return STATUS_DONE;
}

/* The page of the block index that the path leads to next. */
static status level_load(struct sstable_cursor *cursor, struct path_level *out_level)
{
    _Atomic(struct resident_node *) *place = resident_place(cursor);
    const struct resident_node *node = place ? resident_node_get(place) : NULL;
    struct block *block = node ? node->block : NULL;
    if (node) {
        cursor->index_reader.reads.blocks_cached++;
    } else {
        TRY(index_page_keep(cursor, place, &block, &node));
    }
    *out_level = (struct path_level){.block = block, .node = node};
    return STATUS_DONE;
}

/* Load the index page one level below the path, at its first position. */
static status path_extend(struct sstable_cursor *cursor)
{
    uint32_t level = full_height(cursor) - cursor->height - 1;
    struct path_level next;
    TRY(level_load(cursor, &next));
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

/* Times come at a rather even pace: a key that is so far between the first keys of two blocks stands as far in the
 * first. */
static uint32_t row_guess(const struct path_level *lowest, uint64_t prefix)
{
    const uint64_t *prefixes = lowest->page.prefixes + lowest->at;
    if (lowest->at + 1 >= lowest->page.items || prefix <= prefixes[0] || prefix >= prefixes[1])
        return 0;
    uint64_t rows = lowest->page.slots[lowest->at].rows;
    return (uint32_t)((double)(prefix - prefixes[0]) / (double)(prefixes[1] - prefixes[0]) * (double)rows);
}

status sstable_cursor_path_find(struct sstable_cursor *cursor, struct slice key, bool below)
{
    sstable_cursor_path_drop(cursor, 1); /* the root page stays */
    TRY(height_check(cursor));
    cursor->way = WAY_PATH;
    for (uint32_t level = 0; level < full_height(cursor); level++) {
        if (level == cursor->height)
            TRY(path_extend(cursor));
        struct path_level *here = &cursor->path[level];
        here->at = block_index_page_find(&here->page, key, below);
    }
    if (full_height(cursor))
        cursor->row_guess = row_guess(&cursor->path[cursor->height - 1], key_prefix(key));
    return STATUS_DONE;
}

static status path_move(struct sstable_cursor *cursor, bool *out_more)
{
    uint32_t level = cursor->height;
    while (level > 0) {
        struct path_level *here = &cursor->path[level - 1];
        if (cursor->base.reverse ? here->at > 0 : here->at + 1 < here->page.items) {
            here->at += cursor->base.reverse ? UINT32_MAX : 1;
            sstable_cursor_path_drop(cursor, level);
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
    sstable_cursor_path_drop(cursor, 0);
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
        near_rows += cursor->base.reverse ? cursor->entry->tails[i].rows : cursor->entry->heads[i].rows;
    if (cursor->near_at + 1 < DIRECTORY_NEAR) {
        cursor->near_at++;
        *out_more = true;
        return STATUS_DONE;
    }
    if (near_rows >= cursor->entry->rows)
        return STATUS_DONE;
    /* The index takes over where the entry ends. */
    sstable_cursor_path_drop(cursor, 0);
    TRY(path_complete(cursor, cursor->base.reverse));
    *out_more = true;
    for (uint32_t i = 0; i < DIRECTORY_NEAR && *out_more; i++)
        TRY(path_move(cursor, out_more));
    return STATUS_DONE;
}
