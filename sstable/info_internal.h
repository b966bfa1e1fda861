/* info_internal.h: the statistics of a table, gathered while it is built. */
#ifndef STRAIT_SSTABLE_INFO_INTERNAL_H
#define STRAIT_SSTABLE_INFO_INTERNAL_H

#include "sstable/sstable.h"

void info_init(struct sstable_info *info);
/* A partition deletion or a range; DELETION_NONE is welcome. */
void info_add_deletion(struct sstable_info *info, struct deletion deletion);
/* Timestamps, expiry and tombstones of a row or static row. STATUS_CORRUPT when it is not an image. */
status info_add_image(struct sstable_info *info, struct slice image);
/* A whole partition: its kinds of content and its clustering bounds. */
void info_add_bounds(struct sstable_info *info, const struct partition_view *partition);

#endif
