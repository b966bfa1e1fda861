/* salvage.h: what is still readable of a damaged table. */
#ifndef STRAIT_COMPACTION_SALVAGE_H
#define STRAIT_COMPACTION_SALVAGE_H

#include "sstable/sstable.h"

enum { SALVAGE_LOSSES_MAX = 64 };

/* What a walk came to so far. */
struct salvage_report {
    uint64_t rows_read; /* that came through */
    /* Partitions of which rows did not, though the directory knows them: the first of these are described. */
    uint64_t partitions_hurt;
    struct salvage_loss {
        int64_t token;
        uint64_t rows;
    } losses[SALVAGE_LOSSES_MAX];
};

/*
 * A forward cursor over every partition and row of the table that can be read: a block that cannot is passed over, and of a
 * partition with several such blocks what lies between the first and the last of them; of directory pages that cannot be
 * read their partitions are. For walking only. `report` is borrowed for the cursor's life.
 */
status salvage_cursor_open(struct sstable *table, struct salvage_report *report, struct cursor **out_cursor);

/* Walk over all that can be read and report, without making anything of it. */
status salvage_survey(struct sstable *table, struct salvage_report *out_report);

#endif
