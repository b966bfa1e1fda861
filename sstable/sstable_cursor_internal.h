/*
 * sstable_cursor_internal.h: the cursor over a table: a partition part, which stands in a pinned directory page, and a
 * row part, which stands in a pinned block.
 */
#ifndef STRAIT_SSTABLE_SSTABLE_CURSOR_INTERNAL_H
#define STRAIT_SSTABLE_SSTABLE_CURSOR_INTERNAL_H

#include "sstable/block_index_internal.h"
#include "sstable/rows_internal.h"
#include "sstable/sstable_internal.h"

enum rows_place {
    ROWS_BEFORE, /* of the first row in the cursor's direction */
    ROWS_ON,
    ROWS_BEHIND, /* the last row of a block that was passed over */
    ROWS_PAST,
};

/* How the block at hand was found. */
enum rows_way {
    WAY_NEAR, /* from the partition's entry: `near_at` blocks from the end where the cursor began */
    WAY_PATH, /* down the block index */
};

struct path_level {
    struct block *block; /* counted, unless it is resident */
    bool is_resident;
    struct block_index_page page;
    uint32_t at;
};

struct sstable_cursor {
    struct cursor base;
    struct sstable *table; /* counted */
    struct frame_reader directory_reader, index_reader, rows_reader;
    struct arena arena; /* range tombstones of the partition */
    bool one;           /* sees only the partition it was opened on */

    /* Where in the directory: `page_block` is NULL before the first move and past the end. */
    struct block *page_block;             /* counted, unless it is resident */
    const struct resident_page *resident; /* borrowed from the table; NULL: the page is not resident */
    struct directory_page page;
    uint32_t page_at, item_at;
    bool started;
    struct directory_entry entry;

    enum rows_place place;
    enum rows_way way;
    uint32_t near_at;
    uint32_t height;          /* levels of `path` that are loaded */
    struct block *rows_block; /* counted; kept while partitions move, because the next one may share it */
    uint64_t rows_offset;     /* where it stands in the file */
    struct rows_view view;
    struct rows_unfolding unfolding; /* of that block, unless it came whole */
    uint32_t row_begin, row_end;     /* the partition's run in the block */
    uint32_t row_at;

    /* The way leads to the block behind the row the cursor stands on already: sstable_cursor_next_block(). */
    bool ahead;
    struct buffer ahead_keys;

    /* What is large and rarely used stands last: a new cursor is zeroed up to the columns of `codes`. */
    struct rows_codes codes; /* of the block at hand, when somebody wants them */
    struct path_level path[BLOCK_INDEX_HEIGHT_MAX];
};

static inline bool sstable_cursor_spans(const struct sstable_cursor *cursor)
{
    return cursor->entry.flags & DIRECTORY_SPANS;
}

/* The block that the cursor is at the end of, or before the first of: to the one behind it in its direction, without
 * loading it. *out_more is false past the last. */
status sstable_cursor_block_forward(struct sstable_cursor *cursor, bool *out_more);
status sstable_cursor_block_first(struct sstable_cursor *cursor);
/* The block at hand: where it stands and what the partition has there. */
status sstable_cursor_block_item(struct sstable_cursor *cursor, struct block_index_item *out_item);
/* NULL when `cursor` is not of an SSTable. */
struct sstable_cursor *sstable_cursor_of(struct cursor *cursor);

#endif
