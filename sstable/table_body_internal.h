/*
 * table_body_internal.h: partitions and rows on their way into a file that is being built: everything but its two roots.
 *
 * Whoever calls has checked that keys rise and that sizes are within their limits. After a failure nothing more may be
 * added.
 */
#ifndef STRAIT_SSTABLE_TABLE_BODY_INTERNAL_H
#define STRAIT_SSTABLE_TABLE_BODY_INTERNAL_H

#include "sstable/block_index_internal.h"
#include "sstable/copied_runs_internal.h"
#include "sstable/directory_builder_internal.h"
#include "sstable/rows_internal.h"
#include "sstable/sstable_cursor_internal.h"
#include "sstable/sstable_internal.h"

struct table_body {
    struct root root; /* counts as far as the file has come */
    struct frame_output output;
    uint32_t block_bytes, filter_bits;

    struct rows_encoder *encoder; /* owned */
    struct rows_compressor compressor;
    struct sstable_dictionary *dictionary; /* counted; NULL: none */
    struct buffer frame;                   /* scratch */

    struct rows_builder rows, rest; /* of the open block; of the next one, while the open one is cut */
    struct block_index_builder index;
    struct directory_builder directory;
    struct copied_runs copied; /* where raw copies stand: checked by their sums, not row by row */
    uint64_t *key_hashes;      /* owned; one a partition, for the filter */
    uint64_t key_capacity;

    struct arena arena;              /* bytes of pending entries and of the open partition */
    struct directory_entry *pending; /* owned array; partitions whose block is still open */
    uint32_t pending_count, pending_capacity;

    /* The partition that is being written. */
    bool is_open;
    struct directory_entry entry; /* slices in arena */
    struct range_list ranges;     /* in arena */
    uint64_t key_hash;
    struct buffer run_key; /* its first clustering key in the open block */
    uint32_t run_first, run_rows;
    size_t run_begin;                        /* bytes of other partitions before it */
    struct sstable_block_summary run_before; /* what these add up to */
    uint64_t block_count;                    /* of the open partition that are written */
};

/* A zeroed body becomes one at the beginning of `file`, which is borrowed and empty. On failure it is still to be
 * deinitialized. */
status table_body_init(struct table_body *body, struct io_file *file,
                       const struct sstable_build_options *options);
/* Waits for what is in flight. A zeroed body is welcome. */
void table_body_deinit(struct table_body *body);
/* What is compressed from here on has this dictionary, whose reference is taken over in any case. */
status table_body_use_dictionary(struct table_body *body, struct sstable_dictionary *dictionary);

status table_body_begin_partition(struct table_body *body, const struct partition_view *partition);
status table_body_add_row(struct table_body *body, struct slice clustering, struct slice image,
                          uint64_t row_hash);
/* The row added last has these codes: rows_builder_add_codes(). */
bool table_body_add_codes(struct table_body *body, const struct rows_codes *codes, uint32_t row);
/* A whole block of another table, as it is; its dictionary is the one of this body, or it has none. */
status table_body_add_block(struct table_body *body, const struct sstable_block *block);
status table_body_end_partition(struct table_body *body);

/* Bytes that the file holds so far. */
uint64_t table_body_bytes(const struct table_body *body);
/* Write out what is left, and room for the root at the end; all of it is durable then. */
status table_body_finish(struct table_body *body);

#endif
