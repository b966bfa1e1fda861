#include "sstable/content_hash.h"
#include "sstable/parity_internal.h"
#include "sstable/sstable_cursor_internal.h"

/* What the walk adds up, to be compared with the root. */
struct tally {
    uint64_t partitions, rows, raw_bytes, content_hash;
    struct buffer last_key, last_row;
    int64_t last_token;
    bool in_rows; /* last_row is of the partition at hand */
};

static status partition_order_check(struct tally *tally, struct partition_key key)
{
    struct partition_key last = {.token = tally->last_token, .bytes = buffer_slice(&tally->last_key)};
    if (tally->partitions && partition_key_compare(last, key) >= 0)
        return STATUS_FAIL(STATUS_CORRUPT);
    buffer_clear(&tally->last_key);
    buffer_append_slice(&tally->last_key, key.bytes);
    tally->last_token = key.token;
    return buffer_status(&tally->last_key);
}

/* Whether the block that comes next was copied: then its summary is added up, and the cursor passes over it. */
static status copied_check(struct cursor *cursor, const struct copied_runs *copied, struct tally *tally,
                           bool *out_passed)
{
    struct sstable_block block;
    bool found;
    *out_passed = false;
    TRY(sstable_cursor_next_block(cursor, &block, &found));
    if (!found || !copied_runs_has(copied, block.offset))
        return STATUS_DONE;
    if (slice_compare(block.first, cursor->partition.first) < 0 ||
        (tally->in_rows && slice_compare(block.first, buffer_slice(&tally->last_row)) <= 0))
        return STATUS_FAIL(STATUS_CORRUPT);
    buffer_clear(&tally->last_row);
    buffer_append_slice(&tally->last_row, block.last);
    tally->in_rows = true;
    tally->rows += block.summary.rows;
    tally->raw_bytes += block.summary.raw_bytes;
    tally->content_hash += block.summary.content_hash;
    *out_passed = true;
    TRY(buffer_status(&tally->last_row));
    return sstable_cursor_skip_block(cursor);
}

/* The row that the cursor stands on lies behind the one before. Within a block that is still there to be looked at; over
 * its end the key is remembered. */
static status row_order_check(const struct sstable_cursor *cursor, struct tally *tally)
{
    const struct rows_view *view = &cursor->view;
    uint32_t at = sstable_cursor_row(cursor);
    struct slice key = cursor->base.row.clustering;
    struct slice before = at > cursor->row_begin ? rows_key(view, at - 1)
                          : tally->in_rows       ? buffer_slice(&tally->last_row)
                                                 : cursor->base.partition.first;
    bool rises = at > cursor->row_begin && view->prefixes[at - 1] < view->prefixes[at];
    int order = rises ? -1 : slice_compare(before, key);
    if (order > 0 || (order == 0 && tally->in_rows))
        return STATUS_FAIL(STATUS_CORRUPT);
    if (at + 1 < cursor->row_end)
        return STATUS_DONE;
    buffer_clear(&tally->last_row);
    buffer_append_slice(&tally->last_row, key);
    return buffer_status(&tally->last_row);
}

static bool is_warmed(const struct sstable *table, uint64_t rows)
{
    return table->warmth.cache && rows < WARMTH_ROWS;
}

/* Rows rise and lie within the bounds of the directory. A copied block that will stay in the cache is taken apart like any
 * other: its rows add up to the same. */
static status rows_check(struct sstable *table, struct cursor *cursor, const struct copied_runs *copied,
                         struct tally *tally)
{
    const struct sstable_cursor *place = sstable_cursor_of(cursor);
    uint64_t key_hash = content_hash_key(cursor->partition.key.bytes), before = tally->rows;
    tally->content_hash += content_hash_partition(key_hash, &cursor->partition);
    for (tally->in_rows = false;; tally->in_rows = true) {
        bool passed = false;
        if (copied && copied->count && !is_warmed(table, tally->rows - before))
            TRY(copied_check(cursor, copied, tally, &passed));
        if (passed)
            continue;
        TRY(cursor_next(cursor));
        if (!cursor->on_row)
            break;
        struct row_view row = cursor->row;
        if (is_warmed(table, tally->rows - before))
            warmth_keep(&table->warmth, place->rows_block, place->rows_offset);
        TRY(row_order_check(place, tally));
        tally->rows++;
        tally->raw_bytes += row.clustering.bytes + row.image.bytes;
        tally->content_hash += content_hash_row(key_hash, row.clustering, row.image);
    }
    if (slice_compare(buffer_slice(&tally->last_row), cursor->partition.last) > 0)
        return STATUS_FAIL(STATUS_CORRUPT);
    return STATUS_DONE;
}

static void page_warm(struct sstable *table, struct cursor *cursor)
{
    const struct sstable_cursor *place = sstable_cursor_of(cursor);
    warmth_keep(&table->warmth, place->page_block, table->pages[place->page_at].page.offset);
}

static status partition_check(struct sstable *table, struct cursor *cursor, const struct copied_runs *copied,
                              struct tally *tally)
{
    const struct partition_view *view = &cursor->partition;
    TRY(partition_order_check(tally, view->key));
    if (!sstable_may_contain(table, view->key))
        return STATUS_FAIL(STATUS_CORRUPT);
    if (table->warmth.cache)
        page_warm(table, cursor);
    tally->partitions++;
    tally->raw_bytes += view->static_image.bytes;
    if (view->ranges.count) {
        struct buffer ranges = {0};
        range_list_encode(&ranges, &view->ranges);
        status st = buffer_status(&ranges);
        tally->raw_bytes += ranges.bytes;
        buffer_deinit(&ranges);
        TRY(st);
    }
    buffer_clear(&tally->last_row);
    return rows_check(table, cursor, copied, tally);
}

/* Readers need one copy of the dictionary; both must be good. */
static status dictionaries_check(struct sstable *table)
{
    struct frame_reader reader = {.table = table, .access = FRAME_ACCESS_SCAN_PAST_CACHE, .strict = true};
    status st = STATUS_DONE;
    if (!(table->root.incompatible_features & ROOT_FEATURE_DICTIONARY))
        return st;
    for (uint32_t i = 0; ok(st) && i < 2; i++) {
        struct block *block = NULL;
        st = frame_reader_get(&reader, &table->root.dictionaries[i], FRAME_DICTIONARY, &block);
        if (ok(st) && dictionary_id_of(block_payload(block)) != table->root.dictionary_id)
            st = STATUS_FAIL(STATUS_CORRUPT);
        block_unref(block);
    }
    frame_reader_deinit(&reader);
    return st;
}

status sstable_check_content(struct sstable *table, const struct copied_runs *copied)
{
    const struct sstable_info *info = &table->root.info;
    struct tally tally = {0};
    struct cursor *cursor;
    TRY(dictionaries_check(table));
    TRY(parity_check(table, !copied));
    TRY(sstable_scan_open(table, false, FRAME_ACCESS_SCAN_PAST_CACHE, &cursor));
    sstable_cursor_read_ahead(cursor, 0);
    sstable_cursor_strict(cursor);
    status st;
    for (;;) {
        st = cursor_next_partition(cursor);
        if (failed(st) || !cursor->on_partition)
            break;
        st = partition_check(table, cursor, copied, &tally);
        if (failed(st))
            break;
    }
    if (ok(st) && (tally.partitions != info->partitions || tally.rows != info->rows ||
                   tally.raw_bytes != info->raw_bytes || tally.content_hash != info->content_hash))
        st = STATUS_FAIL(STATUS_CORRUPT);
    cursor_close(cursor);
    buffer_deinit(&tally.last_key);
    buffer_deinit(&tally.last_row);
    return st;
}

static status roots_check(struct sstable *table)
{
    uint8_t *block = io_memory_new(ROOT_BYTES);
    if (!block)
        return STATUS_FAIL(STATUS_NOMEM);
    const uint64_t offsets[2] = {0, table->root.info.file_bytes - ROOT_BYTES};
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && i < 2; i++) {
        struct root root;
        size_t bytes;
        st = io_read(table->file, offsets[i], block, ROOT_BYTES, &bytes);
        if (ok(st) && bytes != ROOT_BYTES)
            st = STATUS_FAIL(STATUS_CORRUPT);
        if (ok(st))
            st = root_decode(block, offsets[i], table->root.store_id, &root);
    }
    io_memory_free(block);
    return st;
}

static status frame_reread(struct sstable *table, const struct frame_ref *ref, enum frame_layout layout)
{
    struct frame_reader reader = {.table = table, .access = FRAME_ACCESS_SCAN_PAST_CACHE, .strict = true};
    struct block *block = NULL;
    status st = frame_reader_get(&reader, ref, layout, &block);
    block_unref(block);
    frame_reader_deinit(&reader);
    return st;
}

status sstable_verify(struct sstable *table)
{
    TRY(roots_check(table));
    /* Readers get along without these two, and whoever has opened the table keeps what they said; the file is damaged all
     * the same. */
    TRY(frame_reread(table, &table->root.directory_index, FRAME_DIRECTORY_INDEX));
    TRY(frame_reread(table, &table->root.filter, FRAME_FILTER));
    return sstable_check_content(table, NULL);
}
