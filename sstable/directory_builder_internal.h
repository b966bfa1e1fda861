/* directory_builder_internal.h: directory pages, written among the blocks as they fill; only their index is kept. */
#ifndef STRAIT_SSTABLE_DIRECTORY_BUILDER_INTERNAL_H
#define STRAIT_SSTABLE_DIRECTORY_BUILDER_INTERNAL_H

#include "sstable/directory_internal.h"
#include "sstable/frame_output_internal.h"
#include "sstable/parity_internal.h"

/* A zeroed struct is ready, and writes no parity unless that is told of how many pages. */
struct directory_builder {
    struct buffer entries, offsets; /* of the open page */
    int64_t first_token, last_token;
    uint32_t items;
    struct directory_index_item *pages; /* owned */
    uint32_t page_count, page_capacity;
    struct parity_builder parity;
};

void directory_builder_deinit(struct directory_builder *directory);
/* These entries come next, whose rows share a block that is not written yet. They come into one page if they fit into one,
 * and no other page stands between that and the block. */
status directory_builder_expect(struct directory_builder *directory, struct frame_output *output,
                                const struct directory_entry *entries, uint32_t count);
/* What comes next in the file is not for readers of the open page: close it unless it has hardly been begun. */
status directory_builder_rest(struct directory_builder *directory, struct frame_output *output);
/* Entries in order, whose blocks are written. STATUS_LIMIT when one is larger than a frame may be. */
status directory_builder_add(struct directory_builder *directory, struct frame_output *output,
                             const struct directory_entry *entry);
/* Write the last page, and what belongs behind it. */
status directory_builder_finish(struct directory_builder *directory, struct frame_output *output);
/* Write the index over all pages. */
status directory_builder_write_index(const struct directory_builder *directory, struct frame_output *output,
                                     struct frame_ref *out_index);
static inline uint64_t directory_builder_bytes(const struct directory_builder *directory)
{
    return directory->entries.bytes + (uint64_t)directory->page_count * DIRECTORY_INDEX_ITEM_BYTES;
}

#endif
