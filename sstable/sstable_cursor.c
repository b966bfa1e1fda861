/* Arriving at a partition touches no block; the row part wakes up when a row is first asked for. */
#include "sstable/parity_internal.h"
#include "sstable/sstable_cursor_internal.h"

#include <stdlib.h>

/* ---- rows ---- */

static void rows_forget(struct sstable_cursor *cursor)
{
    sstable_cursor_path_drop(cursor, 0);
    cursor->place = ROWS_BEFORE;
    cursor->ahead = false;
    cursor->base.on_row = false;
    cursor->base.run.left = 0;
}

static status past(struct sstable_cursor *cursor)
{
    cursor->place = ROWS_PAST;
    cursor->base.on_row = false;
    cursor->base.run.left = 0;
    return STATUS_DONE;
}

/* The rows behind the one at hand that cursor_next() may give by itself: those of the block that are made. */
static uint32_t run_rows(const struct sstable_cursor *cursor, uint32_t row)
{
    const struct rows_unfolding *unfolding = &cursor->unfolding;
    uint32_t begin = cursor->row_begin, end = cursor->row_end;
    if (cursor->no_runs)
        return 0;
    if (unfolding->block) {
        begin = unfolding->passed > begin ? unfolding->passed : begin;
        end = unfolding->rows < end ? unfolding->rows : end;
    }
    return cursor->base.reverse ? row - begin : end - row - 1;
}

static status stand_on(struct sstable_cursor *cursor, uint32_t row)
{
    TRY(rows_unfold(&cursor->unfolding, row));
    cursor->place = ROWS_ON;
    cursor->base.on_row = true;
    cursor->base.run = (struct row_run){.key_start = cursor->view.key_starts + row,
                                        .image_start = cursor->view.image_starts + row,
                                        .bytes = cursor->view.bytes,
                                        .left = run_rows(cursor, row),
                                        .step = cursor->base.reverse ? -1 : 1};
    cursor_run_show(&cursor->base);
    return STATUS_DONE;
}

static status block_enter(struct sstable_cursor *cursor)
{
    TRY(sstable_cursor_block_load(cursor));
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
    if (!(cursor->entry->flags & DIRECTORY_ROWS))
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
    uint32_t row = sstable_cursor_row(cursor);
    if (cursor->base.reverse) {
        if (row > cursor->row_begin)
            return stand_on(cursor, row - 1);
    } else if (row + 1 < cursor->row_end) {
        return stand_on(cursor, row + 1);
    }
    return next_block(cursor);
}

static status seek_row(struct sstable_cursor *cursor, struct slice key)
{
    bool reverse = cursor->base.reverse;
    cursor->ahead = false;
    if (!(cursor->entry->flags & DIRECTORY_ROWS))
        return past(cursor);
    /* Bounds answer what no block has to be read for. */
    if (reverse ? slice_compare(cursor->entry->first, key) >= 0 : slice_compare(cursor->entry->last, key) < 0)
        return past(cursor);
    if (reverse ? slice_compare(cursor->entry->last, key) < 0 : slice_compare(cursor->entry->first, key) >= 0)
        return rows_first(cursor);
    if (cursor->way == WAY_NEAR)
        sstable_cursor_path_drop(cursor, 0);
    cursor->row_guess = 0;
    TRY(sstable_cursor_path_find(cursor, key, reverse));
    TRY(sstable_cursor_block_load(cursor));
    uint32_t row = rows_find(&cursor->view, cursor->row_begin, cursor->row_end,
                             cursor->row_begin + cursor->row_guess, key);
    cursor->row_guess = 0;
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
    cursor->taken_apart = NULL;
}

/* The blocks of small partitions stand right before their page: one read brings both. */
static void page_hint(struct sstable_cursor *cursor, uint32_t page_at)
{
    enum { TOGETHER_MAX = 16 << 10 };
    const uint64_t block = io_read_alignment(cursor->table->file);
    const struct directory_index_item *pages = cursor->table->pages;
    const struct frame_ref *page = &pages[page_at].page;
    struct frame_reader *reader = &cursor->directory_reader;
    uint64_t before = page_at ? pages[page_at - 1].page.offset + pages[page_at - 1].page.bytes : ROOT_BYTES;
    uint64_t begin = before / block * block, end = (page->offset + page->bytes + block - 1) / block * block;
    if (before > page->offset || end - begin > TOGETHER_MAX)
        return;
    reader->around_begin = begin;
    reader->around_end = end;
}

/* A page that is not resident; past the cache when it will be. */
static status page_get(struct sstable_cursor *cursor, uint32_t page_at, struct block **out_block)
{
    struct frame_reader *reader = &cursor->directory_reader;
    enum frame_access access = reader->access;
    if (access == FRAME_ACCESS_POINT && !cursor->no_together)
        page_hint(cursor, page_at);
    const uint32_t most = 2 * DIRECTORY_PAGE_BYTES;
    if (access == FRAME_ACCESS_POINT && cursor->table->pages[page_at].page.bytes <= most &&
        resident_has_room(&cursor->table->resident, most))
        reader->access = FRAME_ACCESS_POINT_PAST_CACHE;
    status st = parity_page_get(reader, page_at, out_block);
    reader->around_begin = reader->around_end = 0;
    reader->access = access;
    return st;
}

static status page_load(struct sstable_cursor *cursor, uint32_t page_at)
{
    struct resident_page *resident = NULL;
    struct block *block;
    /* Scans pass through: what they need once is not worth keeping. */
    bool is_point = cursor->directory_reader.access == FRAME_ACCESS_POINT;
    if (is_point)
        resident = resident_page_get(&cursor->table->resident, page_at);
    if (resident) {
        block = resident->block;
        cursor->directory_reader.reads.blocks_cached++;
    } else {
        TRY(page_get(cursor, page_at, &block));
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

/* The entry at item_at, taken apart. That of a partition of one block is small, and made anew each time. */
static status entry_load(struct sstable_cursor *cursor)
{
    struct resident_page *resident = cursor->resident;
    uint32_t item = cursor->item_at;
    cursor->taken_apart = resident ? resident_entry_get(resident, item) : NULL;
    if (cursor->taken_apart) {
        directory_entry_touch(&cursor->taken_apart->entry, &cursor->page, item);
    } else {
        TRY(directory_page_entry(&cursor->page, item, &cursor->entry_own));
        if (resident && (cursor->entry_own.flags & DIRECTORY_SPANS))
            cursor->taken_apart =
                resident_entry_keep(&cursor->table->resident, resident, item, &cursor->entry_own);
    }
    cursor->entry = cursor->taken_apart ? &cursor->taken_apart->entry : &cursor->entry_own;
    return STATUS_DONE;
}

/* Stand on the entry at item_at. */
static status entry_enter(struct sstable_cursor *cursor)
{
    struct partition_view *view = &cursor->base.partition;
    TRY(entry_load(cursor));
    const struct directory_entry *entry = cursor->entry;
    *view = (struct partition_view){
        .key = entry->key,
        .deletion = entry->deletion,
        .static_image = entry->static_image,
        .first = entry->first,
        .last = entry->last,
    };
    if (entry->flags & DIRECTORY_RANGES) {
        struct reader in = reader_of(entry->ranges);
        arena_reset(&cursor->arena);
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
        base->run.left = 0;
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
    base->on_partition = partition_key_compare(cursor->entry->key, key) >= 0;
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

void sstable_cursor_free_spare(void *spare)
{
    struct sstable_cursor *cursor = spare;
    buffer_deinit(&cursor->ahead_keys);
    rows_unfolding_deinit(&cursor->unfolding);
    rows_codes_deinit(&cursor->codes);
    frame_reader_deinit(&cursor->directory_reader);
    frame_reader_deinit(&cursor->index_reader);
    frame_reader_deinit(&cursor->rows_reader);
    arena_deinit(&cursor->arena);
    free(cursor);
}

/* Whether nothing is left of it that is large or belongs to a table. */
static bool is_spare(const struct sstable_cursor *cursor)
{
    return !cursor->rows_reader.chunk && !cursor->rows_reader.zstd && !cursor->directory_reader.chunk &&
           !cursor->index_reader.chunk && !cursor->directory_reader.scratch.capacity_bytes &&
           !cursor->index_reader.scratch.capacity_bytes && !cursor->rows_reader.scratch.capacity_bytes &&
           !cursor->arena.slabs && !cursor->codes.bytes.capacity_bytes;
}

/* With its lease, if it has one. The table may go before the cursor is used again. */
static void cursor_give(struct sstable_cursor *cursor)
{
    struct block_lease *lease = cursor->lease;
    if (lease && is_spare(cursor)) {
        cursor->rows_reader.table = cursor->directory_reader.table = cursor->index_reader.table = NULL;
        block_lease_give(lease, cursor);
        return;
    }
    sstable_cursor_free_spare(cursor);
    if (lease)
        block_lease_give(lease, NULL);
}

static void cursor_op_close(struct cursor *base)
{
    struct sstable_cursor *cursor = of(base);
    struct sstable *table = cursor->table;
    struct frame_reader *const readers[] = {&cursor->rows_reader, &cursor->directory_reader,
                                            &cursor->index_reader};
    rows_forget(cursor);
    frame_reader_fold(&cursor->rows_reader, &cursor->unfolding);
    sstable_cursor_block_drop(cursor);
    page_drop(cursor);
    frame_readers_count(readers, ARRAY_LEN(readers));
    read_ahead_free(cursor->read_ahead);
    cursor->read_ahead = NULL;
    bool held = cursor->held;
    cursor_give(cursor);
    if (!held)
        sstable_unref(table);
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

void sstable_cursor_touch_index(struct cursor *base)
{
    const struct sstable_cursor *cursor = sstable_cursor_of(base);
    if (cursor && cursor->taken_apart && sstable_cursor_spans(cursor))
        resident_root_touch(cursor->taken_apart);
}

void sstable_cursor_decode_whole(struct cursor *base)
{
    struct sstable_cursor *cursor = sstable_cursor_of(base);
    if (cursor)
        cursor->rows_reader.no_unfold = true;
}

void sstable_cursor_row_by_row(struct cursor *base)
{
    struct sstable_cursor *cursor = sstable_cursor_of(base);
    if (cursor)
        cursor->no_runs = true;
}

void sstable_cursor_read_ahead(struct cursor *base, size_t part_bytes)
{
    const uint64_t block = IO_BLOCK_BYTES;
    struct sstable_cursor *cursor = sstable_cursor_of(base);
    if (!cursor || cursor->read_ahead || cursor->no_read_ahead || cursor->one || base->reverse)
        return;
    const struct sstable *table = cursor->table;
    uint64_t end = (table->root.data_end + block - 1) / block * block;
    struct read_ahead *ahead = read_ahead_new(table->env, table->file, end, part_bytes);
    cursor->read_ahead = ahead; /* without memory things take longer, that is all */
    cursor->rows_reader.ahead = cursor->directory_reader.ahead = cursor->index_reader.ahead = ahead;
    cursor->rows_reader.leads = true;
}

void sstable_cursor_no_read_ahead(struct cursor *base)
{
    struct sstable_cursor *cursor = sstable_cursor_of(base);
    if (cursor)
        cursor->no_read_ahead = true;
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
    sstable_cursor_read_ahead(base, 0);
}

/* A cursor of which nothing is set but what it has allocated. */
static struct sstable_cursor *cursor_take(struct sstable *table, bool held)
{
    void *spare = NULL;
    struct block_lease *lease = held ? block_cache_take_lease(table->cache, &spare) : NULL;
    struct sstable_cursor *cursor = spare;
    struct rows_unfolding unfolding = {0};
    if (cursor)
        rows_unfolding_keep(&cursor->unfolding, &unfolding);
    else
        cursor = malloc(sizeof *cursor);
    if (!cursor) {
        if (lease)
            block_lease_give(lease, NULL);
        return NULL;
    }
    memset(cursor, 0, offsetof(struct sstable_cursor, codes.column));
    cursor->unfolding = unfolding;
    cursor->lease = cursor->rows_reader.lease = lease;
    return cursor;
}

static struct sstable_cursor *cursor_new(struct sstable *table, bool reverse, enum frame_access access,
                                         bool held)
{
    struct sstable_cursor *cursor = cursor_take(table, held);
    if (!cursor)
        return NULL;
    cursor->base.ops = &sstable_cursor_ops;
    cursor->base.reverse = reverse;
    cursor->held = held;
    cursor->table = held ? table : sstable_ref(table);
    cursor->directory_reader.table = cursor->index_reader.table = cursor->rows_reader.table = table;
    cursor->directory_reader.access = cursor->rows_reader.access = access;
    cursor->index_reader.access =
        access == FRAME_ACCESS_SCAN_PAST_CACHE ? FRAME_ACCESS_POINT_PAST_CACHE : FRAME_ACCESS_POINT;
    cursor->rows_reader.reverse = reverse;
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
    struct sstable_cursor *cursor = cursor_new(table, reverse, access, false);
    if (!cursor)
        return STATUS_FAIL(STATUS_NOMEM);
    *out_cursor = &cursor->base;
    return STATUS_DONE;
}

void sstable_cursor_position(const struct cursor *base, struct sstable_position *out_position)
{
    const struct directory_entry *entry = ((const struct sstable_cursor *)base)->entry;
    *out_position = (struct sstable_position){
        .rows = entry->rows,
        .raw_bytes = entry->raw_bytes,
        .offset = entry->at.offset,
        .bytes = entry->at.bytes,
        .first_row_or_height = entry->first_row_or_height,
        .spans = entry->flags & DIRECTORY_SPANS,
    };
}

void sstable_cursor_take(struct cursor *base, const struct io_request *request)
{
    frame_reader_arrived(&((struct sstable_cursor *)base)->rows_reader, request);
}

void sstable_cursor_partition_size(const struct cursor *base, uint64_t *out_rows, uint64_t *out_bytes)
{
    const struct directory_entry *entry = ((const struct sstable_cursor *)base)->entry;
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

static status open_one(struct sstable *table, struct partition_key key, bool reverse, bool held, bool apart,
                       struct cursor **out_cursor)
{
    struct sstable_cursor *cursor = cursor_new(table, reverse, FRAME_ACCESS_POINT, held);
    if (!cursor)
        return STATUS_FAIL(STATUS_NOMEM);
    cursor->no_together = apart;
    status st = seek_partition(cursor, key);
    if (ok(st) && !(cursor->base.on_partition && partition_key_compare(cursor->entry->key, key) == 0))
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

status sstable_cursor_open_one(struct sstable *table, struct partition_key key, bool reverse,
                               struct cursor **out_cursor)
{
    if (!sstable_may_contain(table, key))
        return STATUS_FAIL(STATUS_NOT_FOUND);
    return open_one(table, key, reverse, false, false, out_cursor);
}

status sstable_cursor_open_held(struct sstable *table, struct partition_key key, bool reverse, bool apart,
                                struct cursor **out_cursor)
{
    return open_one(table, key, reverse, true, apart, out_cursor);
}
