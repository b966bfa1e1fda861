/*
 * retained_internal.h: memtables that stay readable after their flush.
 *
 * A retained memtable stands in for the SSTables that were flushed from it, exactly and no longer than all of them are
 * among the tablet's sources: a read of one partition takes the memtable instead of them. What has just been written
 * is what is read most, and none of its blocks has been read yet. Compaction of one of the files ends it, as does the
 * budget: half of the cache's, of which the blocks then have that much less; the oldest goes first.
 * docs/decisions/retained-memtables.md says why no longer.
 *
 * Guard       As the sources of the tablet (tablet_internal.h). Callers hold `edit` too, so that one thread at a time
 *             moves the budget; recovery is alone.
 */
#ifndef STRAIT_ENGINE_RETAINED_INTERNAL_H
#define STRAIT_ENGINE_RETAINED_INTERNAL_H

#include "sstable/sstable.h"

enum {
    RETAINED_MAX = 8,        /* of one tablet */
    RETAINED_TABLES_MAX = 8, /* that one memtable may have been flushed to */
};

struct store;
struct tablet;
struct write_buffer;

struct retained {
    struct write_buffer *buffer; /* counted */
    uint64_t stamp;              /* rises with every one that the store retains */
    uint32_t table_count;
    const struct sstable *tables[RETAINED_TABLES_MAX]; /* only names: the version holds them */
};

/* Of one tablet; NULL while it has retained nothing. */
struct retained_set {
    uint32_t count;
    struct retained items[RETAINED_MAX]; /* oldest first */
};

bool retained_has(const struct retained_set *set, const struct sstable *table);

/* Let go of those that stand in for any of `tables`, or of all when it is NULL. What was let go is in
 * `out_buffers` (RETAINED_MAX), for the caller to unref without locks. */
uint32_t retained_forget(struct tablet *tablet, struct sstable *const *tables, uint32_t table_count,
                         struct write_buffer **out_buffers);
uint32_t retained_forget_oldest(struct tablet *tablet, struct write_buffer **out_buffer);
/* Keep a memtable that was flushed to `tables`, if that is of use. The oldest may have to go for it: as above. */
uint32_t retained_keep(struct tablet *tablet, struct write_buffer *buffer, struct sstable *const *tables,
                       uint32_t table_count, struct write_buffer **out_buffers);
/* Before retained_keep() with the same: older ones and blocks give way to it, so that all of them are within the cache's
 * budget at every moment. Takes the locks of shards, so none is held; retained_trim() comes after, whatever was kept. */
void retained_make_room(struct tablet *tablet, const struct write_buffer *buffer, uint32_t table_count);
/* Bring the store's retained memtables within their budget and tell the cache what they take. Takes the locks of
 * shards, so none is held. */
void retained_trim(struct store *store);

#endif
