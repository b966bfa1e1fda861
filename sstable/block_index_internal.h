/* block_index_internal.h: the tree over the blocks of a partition that does not fit into one. */
#ifndef STRAIT_SSTABLE_BLOCK_INDEX_INTERNAL_H
#define STRAIT_SSTABLE_BLOCK_INDEX_INTERNAL_H

#include "sstable/block_cache_internal.h"
#include "sstable/frame_output_internal.h"

enum {
    BLOCK_INDEX_PAGE_BYTES = 4096,
    BLOCK_INDEX_FANOUT_MIN = 8,
    BLOCK_INDEX_HEIGHT_MAX = 12,
};

struct block_index_item {
    struct slice key; /* first of the partition below */
    struct frame_ref at;
    uint64_t rows;
    uint32_t first_row; /* in the block */
};

struct block_index_level {
    struct buffer entries, offsets, first_key;
    uint32_t items;
    uint64_t rows;
};

struct block_index_builder {
    struct block_index_level levels[BLOCK_INDEX_HEIGHT_MAX];
    uint32_t height; /* levels in use */
};

void block_index_deinit(struct block_index_builder *builder);
/* Blocks come in order; pages that are full go to `output`. */
status block_index_add(struct block_index_builder *builder, struct frame_output *output,
                       const struct block_index_item *item);
/* Write out the rest; the builder is empty again. */
status block_index_finish(struct block_index_builder *builder, struct frame_output *output,
                          struct frame_ref *out_root, uint32_t *out_height);

/* Forget the blocks of a partition that needs no index after all; no page of it may have been written. */
void block_index_drop(struct block_index_builder *builder);

/* A page as it is kept in memory: the first eight bytes of the keys side by side, then what they lead to. */
struct block_index_slot {
    uint64_t offset, checksum, rows;
    uint32_t bytes, first_row;
    uint32_t key_at, key_bytes;
};

struct block_index_page {
    const uint64_t *prefixes; /* borrowed from a pinned block, like the rest */
    const struct block_index_slot *slots;
    const uint8_t *keys;
    uint32_t items; /* at least 1 */
};

/* Take a payload apart into a block of its own. STATUS_CORRUPT when it is not a page. */
status block_index_decode(struct block_cache *cache, struct slice payload, uint32_t items,
                          struct block **out_block);
struct block_index_page block_index_page_of(const struct block *block);
struct block_index_item block_index_page_item(const struct block_index_page *page, uint32_t at);
/* The last item whose key is <= `key` (with `below`: < `key`); 0 when there is none. */
uint32_t block_index_page_find(const struct block_index_page *page, struct slice key, bool below);

#endif
