#include "sstable/sstable_cursor_internal.h"

/* Whether the partition may have its only block for itself: what it has would not make one of that size otherwise. Blocks of
 * small partitions, which they share, are not even read for this. */
static bool owns_one_block(const struct sstable_cursor *cursor)
{
    const struct directory_entry *entry = cursor->entry;
    return entry->flags & DIRECTORY_ROWS && entry->first_row_or_height == 0 &&
           entry->raw_bytes + FRAME_HEAD_BYTES >= entry->at.bytes;
}

/* To the block whose first row would be next; *out_more is false when there is none, or the cursor is in the middle of
 * one. The rows that were read stay where they are: only the way to the next block moves. */
static status block_ahead(struct sstable_cursor *cursor, bool *out_more)
{
    *out_more = false;
    if (!cursor->base.on_partition || cursor->base.reverse ||
        (!sstable_cursor_spans(cursor) && !owns_one_block(cursor)))
        return STATUS_DONE;
    switch (cursor->place) {
    case ROWS_BEFORE: *out_more = true; return sstable_cursor_block_first(cursor);
    case ROWS_ON:
        if (sstable_cursor_row(cursor) + 1 < cursor->row_end)
            return STATUS_DONE;
        break;
    case ROWS_BEHIND: break;
    case ROWS_PAST: return STATUS_DONE;
    }
    return sstable_cursor_block_forward(cursor, out_more);
}

static status block_describe(struct sstable_cursor *cursor, const struct block_index_item *item,
                             struct sstable_block *out_block, bool *out_found)
{
    struct slice frame;
    struct frame_head head;
    bool needs_tokens, needs_zstd;
    TRY(frame_reader_get_stored(&cursor->rows_reader, &item->at, &frame, &head));
    /* Shared with another partition. */
    if (item->first_row != 0 || item->rows != head.items)
        return STATUS_DONE;
    struct slice payload = slice_of(frame.data + FRAME_HEAD_BYTES, frame.bytes - FRAME_HEAD_BYTES);
    struct sstable_block block = {.frame = frame,
                                  .file_number = cursor->table->root.info.file_number,
                                  .offset = item->at.offset,
                                  .checksum = item->at.checksum};
    TRY(rows_summary(payload, head.items, &block.summary));
    TRY(rows_needs(payload, &needs_tokens, &needs_zstd));
    block.dictionary_id = needs_tokens ? cursor->table->root.dictionary_id : 0;
    TRY(rows_end_keys(payload, head.items, &cursor->ahead_keys, &block.first, &block.last));
    *out_block = block;
    *out_found = true;
    return STATUS_DONE;
}

status sstable_cursor_next_block(struct cursor *base, struct sstable_block *out_block, bool *out_found)
{
    struct sstable_cursor *cursor = sstable_cursor_of(base);
    bool more;
    *out_found = false;
    if (!cursor || !cursor->table->offers_blocks)
        return STATUS_DONE;
    if (!cursor->ahead)
        TRY(block_ahead(cursor, &more));
    else
        more = true;
    if (!more)
        return STATUS_DONE;
    cursor->ahead = true;
    struct block_index_item item;
    TRY(sstable_cursor_block_item(cursor, &item));
    return block_describe(cursor, &item, out_block, out_found);
}

status sstable_cursor_skip_block(struct cursor *base)
{
    struct sstable_cursor *cursor = sstable_cursor_of(base);
    if (!cursor || !cursor->ahead)
        return STATUS_FAIL(STATUS_INVALID);
    cursor->ahead = false;
    cursor->place = ROWS_BEHIND;
    base->on_row = false;
    base->run.left = 0;
    return STATUS_DONE;
}
