/*
 * mutation.h: what a statement does to partitions, as bytes.
 *
 * A batch is a run of mutations. A mutation names a table and a partition and carries any of: a
 * partition deletion, range tombstones, a static row image, rows. The encoding is what the commit log
 * keeps; its slices are what the memtable copies.
 *
 * Ownership   A builder owns its bytes. What a reader returns borrows from the batch.
 * Errors      A builder remembers running out of memory until batch_finish(). A reader answers
 *             STATUS_CORRUPT for any byte string that is not a batch.
 */
#ifndef STRAIT_ROW_MUTATION_H
#define STRAIT_ROW_MUTATION_H

#include "row/key.h"
#include "row/range.h"
#include "row/row.h"

enum mutation_part_kind {
    MUTATION_PARTITION_DELETION,
    MUTATION_RANGE,
    MUTATION_STATIC, /* image of the static row */
    MUTATION_ROW,
};

struct mutation_part {
    enum mutation_part_kind kind;
    struct deletion deletion;     /* PARTITION_DELETION */
    struct range_tombstone range; /* RANGE */
    struct slice clustering;      /* ROW */
    struct slice image;           /* ROW, STATIC */
};

/* A zeroed struct is an empty batch; batch_clear() makes it one again and keeps the memory. */
struct batch {
    struct buffer bytes;
    size_t open_at; /* offset of the open mutation's length; 0 when none */
    uint32_t mutation_count;
    uint32_t part_count; /* of all mutations */
};

void batch_clear(struct batch *batch);
void batch_deinit(struct batch *batch);

/* Begin the mutation of one partition; everything up to batch_end() belongs to it. */
void batch_begin(struct batch *batch, uint64_t table_id, struct partition_key key);
void batch_delete_partition(struct batch *batch, struct deletion deletion);
void batch_delete_range(struct batch *batch, struct range_tombstone range);
void batch_static(struct batch *batch, struct slice image);
/* A clustering key never begins with KEY_AFTER; a reader refuses one that does. */
void batch_row(struct batch *batch, struct slice clustering, struct slice image);
void batch_end(struct batch *batch);
status batch_status(const struct batch *batch);

struct mutation {
    uint64_t table_id;
    struct partition_key key;
    struct reader parts;
};

/* Walk a batch: `in` stands on its bytes. *out_more is false past the last mutation. */
status mutation_next(struct reader *in, struct mutation *out_mutation, bool *out_more);
status mutation_next_part(struct mutation *mutation, struct mutation_part *out_part, bool *out_more);

#endif
