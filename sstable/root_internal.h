/* root_internal.h: the 4 KiB block at both ends of the file, from which everything else is found. */
#ifndef STRAIT_SSTABLE_ROOT_INTERNAL_H
#define STRAIT_SSTABLE_ROOT_INTERNAL_H

#include "sstable/frame_internal.h"
#include "sstable/sstable.h"
#include "sstable/statistics_internal.h"

enum {
    ROOT_BYTES = IO_BLOCK_BYTES,
    ROOT_VERSION = 2,
    ROOT_PARITY_PAGES_MAX = 64,
    ROOT_FEATURE_DICTIONARY = 1, /* incompatible */
    ROOT_FEATURE_PARITY = 1,     /* compatible */
};

struct root {
    uint32_t incompatible_features, compatible_features;
    uint32_t parity_pages; /* directory pages to a parity frame; 0: there are none */
    uint64_t store_id, table_id;
    uint64_t data_end;
    struct frame_ref directory_index, filter;
    struct frame_ref dictionaries[2]; /* two copies: every block needs it; zeros when there is none */
    uint64_t dictionary_id;
    struct sstable_info info; /* has file_number and file_bytes */
    struct statistics statistics;
};

/* `out` has ROOT_BYTES; `offset` is where this copy will stand. */
status root_encode(const struct root *root, uint64_t offset, uint8_t *out);
/* STATUS_UNSUPPORTED for a newer version or an unknown incompatible feature, STATUS_CORRUPT for anything else. A
 * store_id of 0 accepts the one in the block. */
status root_decode(const uint8_t *bytes, uint64_t offset, uint64_t store_id, struct root *out_root);

/* The end of a file, read in one piece: for a table of moderate size it has all that opening needs. */
struct file_tail {
    uint8_t *data; /* owned, io_memory_free() */
    uint64_t offset;
    size_t bytes;
};

/* Read the tail and decode a good copy of the root, from there or else from the head. On STATUS_OK the caller owns
 * out_tail->data. The trouble of the other copy is not reported. */
status root_read(struct io_file *file, uint64_t store_id, struct root *out_root, struct file_tail *out_tail);

static inline struct file_identity root_identity(const struct root *root)
{
    return (struct file_identity){.store_id = root->store_id, .file_number = root->info.file_number};
}

#endif
