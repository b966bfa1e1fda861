/* salvage.h: what is still readable of a damaged table. */
#ifndef STRAIT_COMPACTION_SALVAGE_H
#define STRAIT_COMPACTION_SALVAGE_H

#include "sstable/sstable.h"

/*
 * A forward cursor over every partition and row of the table that can be read: a block that cannot is passed over, and of a
 * partition with several such blocks what lies between the first and the last of them; of directory pages that cannot be
 * read their partitions are. For walking only. *rows_read counts what came through, and is borrowed for the cursor's life.
 */
status salvage_cursor_open(struct sstable *table, uint64_t *rows_read, struct cursor **out_cursor);

#endif
