/* builder_stage_internal.h: what a builder was fed, kept aside until there is enough to learn a dictionary from. */
#ifndef STRAIT_SSTABLE_BUILDER_STAGE_INTERNAL_H
#define STRAIT_SSTABLE_BUILDER_STAGE_INTERNAL_H

#include "row/cursor.h"
#include "sstable/dictionary_internal.h"

/* A zeroed struct is ready. Failed growth shows in buffer_status() of `bytes`. */
struct builder_stage {
    struct buffer bytes;
    struct buffer row_hashes; /* 64 bits a row, beside what is learnt from */
};

enum builder_stage_kind {
    STAGE_PARTITION,
    STAGE_ROW,
    STAGE_END,
};

void builder_stage_deinit(struct builder_stage *stage);
void builder_stage_partition(struct builder_stage *stage, const struct partition_view *partition);
void builder_stage_row(struct builder_stage *stage, struct slice clustering, struct slice image,
                       uint64_t row_hash);
void builder_stage_end(struct builder_stage *stage);

struct builder_stage_item {
    enum builder_stage_kind kind;
    struct partition_view partition; /* ranges in the arena given, slices in the stage */
    struct slice clustering, image;
    uint64_t row_hash; /* as it was given */
};

struct builder_stage_reader {
    struct reader in, row_hashes;
};

struct builder_stage_reader builder_stage_read(const struct builder_stage *stage);
/* The arena is reset with every partition. *out_more is false past the last. */
status builder_stage_next(struct builder_stage_reader *reader, struct arena *arena,
                          struct builder_stage_item *out_item, bool *out_more);
/* dictionary_learn() from the rows kept aside. */
status builder_stage_learn(const struct builder_stage *stage, const struct sstable_dictionary *before,
                           struct sstable_dictionary **out_dictionary);

#endif
