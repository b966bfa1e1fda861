/* directory_builder_internal.h: directory pages, encoded as they fill and kept aside until all blocks are written. */
#ifndef STRAIT_SSTABLE_DIRECTORY_BUILDER_INTERNAL_H
#define STRAIT_SSTABLE_DIRECTORY_BUILDER_INTERNAL_H

#include "sstable/directory_internal.h"
#include "sstable/frame_output_internal.h"

/* A zeroed struct is ready. */
struct directory_builder {
    struct buffer entries, offsets; /* of the open page */
    int64_t first_token, last_token;
    uint32_t items;
    struct buffer frames;               /* closed pages, encoded, not sealed */
    struct directory_index_item *pages; /* owned; offset and checksum are filled in last */
    uint32_t page_count, page_capacity;
};

void directory_builder_deinit(struct directory_builder *directory);
/* Entries in order. STATUS_LIMIT when one is larger than a frame may be. */
status directory_builder_add(struct directory_builder *directory, const struct frame_compressor *compressor,
                             const struct directory_entry *entry);
/* Close the last page, write all of them and the index over them. */
status directory_builder_write(struct directory_builder *directory, struct frame_output *output,
                               struct frame_ref *out_index);
static inline uint64_t directory_builder_bytes(const struct directory_builder *directory)
{
    return directory->frames.bytes + directory->entries.bytes;
}

#endif
