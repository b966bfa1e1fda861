/*
 * statistics_internal.h: how a table's content is spread: when tombstones and expiring cells may go, how large
 * partitions and rows are. Beside the plain numbers of sstable_info, in the root.
 */
#ifndef STRAIT_SSTABLE_STATISTICS_INTERNAL_H
#define STRAIT_SSTABLE_STATISTICS_INTERNAL_H

#include "sstable/sstable.h"

enum {
    STATISTICS_BINS = 64,
};

/* So many cells or tombstones can be forgotten from `time_s` on, at the latest. */
struct statistics_bin {
    int64_t time_s;
    uint64_t count;
};

struct statistics {
    uint64_t cells; /* and tombstones of rows, ranges and partitions */
    uint32_t bin_count;
    struct statistics_bin bins[STATISTICS_BINS]; /* by rising time */
    struct sstable_sizes sizes;
};

void statistics_add_block(struct statistics *statistics, const struct sstable_block_summary *summary);
/* Static row and deletions of a partition. */
void statistics_add_head(struct statistics *statistics, const struct sstable_block_summary *summary);
void statistics_add_partition(struct statistics *statistics, uint64_t raw_bytes, uint64_t rows);
void statistics_encode(const struct statistics *statistics, struct buffer *out);
status statistics_decode(struct reader *in, struct statistics *out_statistics);
struct sstable_droppable statistics_droppable(const struct statistics *statistics, int64_t gc_before_s);

#endif
