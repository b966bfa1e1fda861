/* directory_internal.h: what the file says of a partition, in pages sorted by (token, key). */
#ifndef STRAIT_SSTABLE_DIRECTORY_INTERNAL_H
#define STRAIT_SSTABLE_DIRECTORY_INTERNAL_H

#include "row/cursor.h"
#include "sstable/block_cache_internal.h"

enum {
    DIRECTORY_PAGE_BYTES = 4096,
    DIRECTORY_INDEX_ITEM_BYTES = 40,
    DIRECTORY_NEAR =
        2, /* blocks at each end of a partition that its entry leads to; it has at least so many */
};

enum directory_flags {
    DIRECTORY_DELETION = 1,
    DIRECTORY_RANGES = 2,
    DIRECTORY_STATIC = 4,
    DIRECTORY_SPANS = 8, /* `at` is the root of a block index */
    DIRECTORY_ROWS = 16,
    DIRECTORY_ONE_BOUND = 32,
    DIRECTORY_BOUNDS = 64,
    DIRECTORY_FLAGS_ALL = 127,
};

/* A block at one end of a partition that spans several: a reader of either end needs no block index. */
struct directory_near {
    struct frame_ref at;
    uint64_t rows;
    uint32_t first_row;
};

/* What every read looks at stands in front. */
struct directory_entry {
    struct partition_key key; /* slices: borrowed from the page */
    struct slice first, last;
    uint8_t flags;
    uint32_t first_row_or_height;
    struct deletion deletion;
    struct slice static_image;
    struct frame_ref at;
    uint64_t rows, raw_bytes;
    struct directory_near heads[DIRECTORY_NEAR], tails[DIRECTORY_NEAR]; /* of SPANS, in the order of rows */
    struct slice ranges;                                                /* encoded */
};

void directory_entry_encode(const struct directory_entry *entry, struct buffer *out);

/* A page as it is kept in memory: tokens side by side, where each entry begins, the entries. */
struct directory_page {
    const int64_t *tokens; /* borrowed from a pinned block, like the rest */
    const uint32_t *offsets;
    const uint8_t *data;
    uint32_t entries_bytes;
    uint32_t items; /* at least 1 */
};

/* Lay a payload out as a block of its own. STATUS_CORRUPT when it cannot be a page. */
status directory_decode(struct block_cache *cache, struct slice payload, uint32_t items,
                        struct block **out_block);
struct directory_page directory_page_of(const struct block *block);
/* The lines of memory of an entry, all at once instead of one after the other. */
static inline void directory_entry_touch(const struct directory_entry *entry,
                                         const struct directory_page *page, uint32_t item)
{
    enum { LINE = 64, IN_PAGE = 3 };
    for (size_t at = 0; at < sizeof *entry; at += LINE)
        __builtin_prefetch((const uint8_t *)entry + at);
    for (size_t i = 0; i < IN_PAGE; i++)
        __builtin_prefetch(page->data + page->offsets[item] + i * LINE);
}
status directory_page_entry(const struct directory_page *page, uint32_t item,
                            struct directory_entry *out_entry);
/* Index of the first entry at or after `key`; page->items when all are before it. */
status directory_page_find(const struct directory_page *page, struct partition_key key, uint32_t *out_item);

/* The directory index in memory. */
struct directory_index_item {
    int64_t first_token, last_token;
    struct frame_ref page;
    uint32_t entries;
};

void directory_index_item_encode(const struct directory_index_item *item, struct buffer *out);
void directory_index_item_decode(const uint8_t *at, struct directory_index_item *out_item);
/* The first page whose last token is >= `token`; `count` when there is none. */
uint32_t directory_index_find(const struct directory_index_item *items, uint32_t count, int64_t token);

#endif
