/*
 * warmth_internal.h: what of a new file is put into the cache before anybody has asked for it.
 *
 * A compaction replaces files whose blocks are in the cache, and whose newest rows a memtable may stand in for, by one of
 * which nothing is: every channel that is read would have its next read go to the disk. The builder reads the whole file
 * back and decodes it to compare it; of what passes by, the directory and the blocks with the first rows of every
 * partition stay, under the number by which the open table will ask for them. Nobody has touched them, so in a full cache they
 * drive out no more than what was asked for once.
 */
#ifndef STRAIT_SSTABLE_WARMTH_INTERNAL_H
#define STRAIT_SSTABLE_WARMTH_INTERNAL_H

#include "sstable/block_cache_internal.h"

enum { WARMTH_ROWS = 64 }; /* of a partition, in their order: a page and what a reader sees beyond it */

struct warmth {
    struct block_cache *cache; /* borrowed; NULL: nothing is kept */
    uint64_t owner;            /* of the blocks in the cache */
    size_t bytes_left;
    uint64_t last_rows, last_page; /* offsets of the blocks that were kept last */
};

/* At most a quarter of the cache for one file. */
struct warmth warmth_of(struct block_cache *cache, uint64_t owner);
/* Keep a block of rows or a directory page that was read and checked, unless it is the one that was kept last. */
void warmth_keep(struct warmth *warmth, struct block *block, uint64_t offset);

#endif
