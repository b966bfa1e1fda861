/*
 * sstable_cursor_internal.h: the cursor over a table: a partition part, which stands in a pinned directory page, and a
 * row part, which stands in a pinned block.
 */
#ifndef STRAIT_SSTABLE_SSTABLE_CURSOR_INTERNAL_H
#define STRAIT_SSTABLE_SSTABLE_CURSOR_INTERNAL_H

#include "sstable/block_index_internal.h"
#include "sstable/block_lease_internal.h"
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
    struct block *block;              /* counted, unless it is resident */
    const struct resident_node *node; /* borrowed from the table; NULL: the page is not resident */
    struct block_index_page page;
    uint32_t at;
};

struct sstable_cursor {
    struct cursor base;
    struct sstable *table; /* counted, unless it is `held` */
    struct frame_reader directory_reader, index_reader, rows_reader;
    struct arena arena; /* range tombstones of the partition */
    bool one;           /* sees only the partition it was opened on */
    bool held;          /* `table` is held by who opened the cursor: it is borrowed */

    /* Where in the directory: `page_block` is NULL before the first move and past the end. */
    struct block *page_block;           /* counted, unless it is resident */
    struct resident_page *resident;     /* borrowed from the table; NULL: the page is not resident */
    struct resident_entry *taken_apart; /* the entry at hand in that page; NULL: it is `entry_own` */
    struct directory_page page;
    uint32_t page_at, item_at;
    bool started;
    const struct directory_entry *entry; /* `taken_apart`'s, or `entry_own` */

    enum rows_place place;
    enum rows_way way;
    uint32_t near_at;
    uint32_t height; /* levels of `path` that are loaded */
    struct block
        *rows_block; /* counted, unless it is leased; kept while partitions move: the next may share it */
    struct block_lease *lease; /* NULL: it has none */
    bool rows_leased;
    uint64_t rows_offset; /* where it stands in the file */
    struct rows_view view;
    struct rows_unfolding unfolding; /* of that block, unless it came whole */
    uint32_t row_begin, row_end;     /* the partition's run in the block */
    uint32_t row_guess;              /* where in it the key sought is likely to stand */
    bool no_runs;                    /* a shortcut off */
    bool no_read_ahead, no_together; /* others */

    /* The way leads to the block behind the row the cursor stands on already: sstable_cursor_next_block(). */
    bool ahead;
    struct buffer ahead_keys;

    struct read_ahead *read_ahead; /* owned; NULL: its readers read what they are asked for */

    /* What is large and rarely used stands last: a new cursor is zeroed up to the columns of `codes`. */
    struct rows_codes codes; /* of the block at hand, when somebody wants them */
    struct directory_entry entry_own;
    struct path_level path[BLOCK_INDEX_HEIGHT_MAX];
};

/* Of the block at hand, the row that the cursor stands on. */
static inline uint32_t sstable_cursor_row(const struct sstable_cursor *cursor)
{
    return (uint32_t)(cursor->base.run.key_start - cursor->view.key_starts);
}

static inline bool sstable_cursor_spans(const struct sstable_cursor *cursor)
{
    return cursor->entry->flags & DIRECTORY_SPANS;
}

/* The block that the cursor is at the end of, or before the first of: to the one behind it in its direction, without
 * loading it. *out_more is false past the last. */
status sstable_cursor_block_forward(struct sstable_cursor *cursor, bool *out_more);
status sstable_cursor_block_first(struct sstable_cursor *cursor);
/* The block at hand: where it stands and what the partition has there. */
status sstable_cursor_block_item(struct sstable_cursor *cursor, struct block_index_item *out_item);
/* What the way through the blocks of a partition is asked for: sstable_cursor_way.c. A key that is sought lets the block
 * be looked at where it will be found. */
void sstable_cursor_path_drop(struct sstable_cursor *cursor, uint32_t from);
/* Complete the path towards the block where `key` belongs: the last that begins at or before (`below`: before) it. */
status sstable_cursor_path_find(struct sstable_cursor *cursor, struct slice key, bool below);
/* Let go of the block at hand. */
void sstable_cursor_block_drop(struct sstable_cursor *cursor);
/* Pin the block at hand and open the partition's run in it. */
status sstable_cursor_block_load(struct sstable_cursor *cursor);
/* NULL when `cursor` is not of an SSTable. */
struct sstable_cursor *sstable_cursor_of(struct cursor *cursor);

#endif
