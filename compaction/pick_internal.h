/* pick_internal.h: runs of tables, and what the strategies share. */
#ifndef STRAIT_COMPACTION_PICK_INTERNAL_H
#define STRAIT_COMPACTION_PICK_INTERNAL_H

#include "compaction/compaction.h"

/* Tables that were made together: one thing to tiers and windows. */
struct pick_run {
    uint64_t bytes;
    int64_t window;        /* of its newest write */
    int64_t created_s;     /* of its newest table */
    uint32_t first, count; /* in pick_set.members */
};

struct pick_set {
    const struct compaction_options *options; /* borrowed */
    const struct sstable_info *tables;        /* borrowed */
    uint32_t count;
    int64_t now_s, gc_before_s;
    uint32_t *members;     /* owned: indexes of tables, those of a run together, in order of tokens */
    struct pick_run *runs; /* owned; rising bytes */
    uint32_t run_count;
};

/* False when memory runs out; deinit in every case. */
bool pick_set_init(struct pick_set *set, const struct compaction_options *options,
                   const struct sstable_info *tables, uint32_t count, int64_t now_s, int64_t gc_before_s);
void pick_set_deinit(struct pick_set *set);

/* All tables of `count` runs, as far as a choice has room; outputs are cut at options->sstable_bytes. */
struct compaction_choice pick_runs(const struct pick_set *set, enum compaction_reason reason,
                                   const struct pick_run *runs, uint32_t count);

/* Size tiers over runs that are sorted by rising bytes. */
struct pick_tier {
    uint32_t first, count; /* count 0: none */
};
/* The end of the bucket that begins at `start`. */
uint32_t pick_bucket_end(const struct compaction_options *options, const struct pick_run *runs,
                         uint32_t count, uint32_t start);
/* The bucket with the most runs, at least min_threshold, at most max_threshold. */
struct pick_tier pick_fullest_tier(const struct compaction_options *options, const struct pick_run *runs,
                                   uint32_t count);

static inline bool pick_tokens_overlap(const struct sstable_info *a, const struct sstable_info *b)
{
    return a->min_token <= b->max_token && b->min_token <= a->max_token;
}

/* The strategies; each gives IDLE when it is at rest. */
struct compaction_choice pick_size_tiered(const struct pick_set *set);
struct compaction_choice pick_time_window(struct pick_set *set);
struct compaction_choice pick_leveled(const struct pick_set *set);
struct compaction_choice pick_incremental(const struct pick_set *set);
struct compaction_choice pick_unified(const struct pick_set *set);

/* One table whose tombstones are worth a rewrite. */
struct compaction_choice pick_tombstones(const struct pick_set *set);
/* The share of the table's tombstones that may go. */
double pick_droppable_share(const struct sstable_info *table, int64_t gc_before_s);

/* How many equal parts of all tokens outputs of that density are cut into (unified). */
uint32_t pick_output_shards(const struct compaction_options *options, double density_bytes);

#endif
