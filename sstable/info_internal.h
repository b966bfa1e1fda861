/* info_internal.h: the statistics of a table, gathered while it is built. */
#ifndef STRAIT_SSTABLE_INFO_INTERNAL_H
#define STRAIT_SSTABLE_INFO_INTERNAL_H

#include "sstable/sstable.h"

void info_init(struct sstable_info *info);
/* Rows of a block, or static rows and deletions of partitions. Not raw_bytes, which partitions have more of. */
void info_add_summary(struct sstable_info *info, const struct sstable_block_summary *summary);
/* A whole partition: its kinds of content and its clustering bounds. */
void info_add_bounds(struct sstable_info *info, const struct partition_view *partition);

void summary_init(struct sstable_block_summary *summary);
/* A partition deletion or a range; DELETION_NONE is welcome. */
void summary_add_deletion(struct sstable_block_summary *summary, struct deletion deletion);
/* Timestamps, expiry, cells and tombstones of a row or static row. STATUS_CORRUPT when it is not an image. */
status summary_add_image(struct sstable_block_summary *summary, struct slice image);

#endif
