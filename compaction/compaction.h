/*
 * compaction.h: which tables to merge, and the merging.
 *
 * Pickers are pure functions of sizes, ranges and times: compaction_pick() takes what is known of the tables of one
 * tablet and says what to do next. A job takes tables or cursors and makes tables; flush and compaction are the same
 * job. A job runs in steps, so that whoever schedules it may pause it; it returns what it made, and the engine turns
 * that into a manifest edit. docs/compaction.md tells the strategies apart.
 *
 * Runs        Tables that were made by one job share a run number and are disjoint in tokens. Strategies count and
 *             weigh runs, not tables: a large output that was cut into fragments is one thing to them.
 */
#ifndef STRAIT_COMPACTION_COMPACTION_H
#define STRAIT_COMPACTION_COMPACTION_H

#include "row/merge.h"
#include "sstable/sstable.h"

enum {
    COMPACTION_CHOSEN_MAX = 512,
    COMPACTION_SCALING_MAX = 8,
    COMPACTION_LEVELS_MAX = 9,
};

enum compaction_strategy {
    COMPACTION_SIZE_TIERED,
    COMPACTION_TIME_WINDOW,
    COMPACTION_LEVELED,
    COMPACTION_INCREMENTAL,
    COMPACTION_UNIFIED,
    COMPACTION_NONE, /* enabled: false */
};

/* Table options under the names ScyllaDB and Cassandra give them; the defaults are theirs. */
struct compaction_options {
    enum compaction_strategy strategy;
    uint32_t min_threshold;     /* 4 */
    uint32_t max_threshold;     /* 32 */
    double bucket_low;          /* 0.5 */
    double bucket_high;         /* 1.5 */
    uint64_t min_sstable_bytes; /* 50 MiB: smaller ones are one bucket */

    double tombstone_threshold; /* 0.2: rewrite a single table with more droppable tombstones than this ... */
    int64_t tombstone_interval_s; /* 86400: ... when it is at least so old */
    bool
        tombstones_unchecked; /* false: ... and when nothing else can hold what they cover. Whoever knows the memtables
                                  may rewrite all the same: nothing is forgotten wrongly, only in vain */
    bool tombstones_alone_never; /* time windows: no such rewriting unless an option of it was given */

    int64_t window_s;      /* time windows: compaction_window_size x unit; 86400 */
    bool timestamps_in_ms; /* time windows: write timestamps count milliseconds; false */
    bool
        expiry_unchecked; /* time windows: unsafe_aggressive_sstable_expiration, whatever others hold; false */
    bool expiry_checked_late; /* the caller looked for expired tables a moment ago: not again now */

    uint64_t sstable_bytes; /* leveled 160 MiB, incremental 1000 MiB, unified 1 GiB: outputs are cut there */
    uint32_t fanout;        /* leveled: 10 */
    double space_amplification_goal; /* incremental: 1 < goal <= 2; 0: none */

    /* Unified: a scaling parameter W a level, the last for all further ones: W > 0 is tiered with W + 2 runs a level,
     * W < 0 leveled with fanout 2 - W. */
    int32_t scaling[COMPACTION_SCALING_MAX];
    uint32_t scaling_count;
    uint32_t base_shards; /* 4 */
    double growth;        /* sstable_growth, 0 to 1 */
    uint64_t flush_bytes; /* what a flush makes over the whole token range: where levels begin */
};

/* The defaults of a strategy; compaction_defaults are those of size tiers. Pure. */
struct compaction_options compaction_defaults_of(enum compaction_strategy strategy);
extern const struct compaction_options compaction_defaults;

enum compaction_reason {
    COMPACTION_IDLE,         /* nothing to do */
    COMPACTION_TIER,         /* enough runs of one size */
    COMPACTION_WINDOW,       /* a closed window has more than one run */
    COMPACTION_EXPIRED,      /* whole tables whose content has expired: drop without reading */
    COMPACTION_TOMBSTONES,   /* one table, mostly droppable tombstones */
    COMPACTION_LEVEL,        /* a level holds more than it should */
    COMPACTION_SPACE,        /* the two largest tiers are too much alike: space_amplification_goal */
    COMPACTION_OFF_STRATEGY, /* tables made outside the strategy become one run of it */
    COMPACTION_MAJOR,        /* by hand: everything */
    COMPACTION_CHOSEN,       /* by hand: the files that somebody named */
    COMPACTION_SCRUB,        /* by hand: rewrite what is readable */
    COMPACTION_REASONS,
};

/* "tier", "window", ...: for people. */
const char *compaction_reason_name(enum compaction_reason reason);

struct compaction_choice {
    enum compaction_reason reason;
    uint32_t count;                         /* of `chosen` */
    uint32_t chosen[COMPACTION_CHOSEN_MAX]; /* indexes into the tables given */
    uint32_t level;                         /* of what comes out */
    uint64_t run;                           /* the run it goes on; 0: a new one */
    uint64_t output_bytes_max;              /* cut outputs there; 0: the job's own size */
    uint32_t
        output_shards; /* cut them at the borders of so many equal parts of all tokens too; 0, 1: no borders */
};

/*
 * `gc_before_s`: deletions older than this may be forgotten. Pure.
 *
 * EXPIRED was checked against the other tables only: who has memtables drops such a table only when their least
 * timestamp is above its max_timestamp, or when expiry is unchecked.
 */
struct compaction_choice compaction_pick(const struct compaction_options *options,
                                         const struct sstable_info *tables, uint32_t count, int64_t now_s,
                                         int64_t gc_before_s);
/* Everything at once, with outputs as the strategy wants them; at most `count` <= COMPACTION_CHOSEN_MAX tables. Pure. */
struct compaction_choice compaction_pick_all(const struct compaction_options *options,
                                             const struct sstable_info *tables, uint32_t count);

/* The time window of a table: floor of its greatest write timestamp; and of any timestamp. Pure. */
int64_t compaction_window(const struct compaction_options *options, const struct sstable_info *table);
int64_t compaction_window_of(const struct compaction_options *options, int64_t timestamp);

/* Bytes that are still to be rewritten until the strategy is at rest, by its own reckoning: 0 when compaction_pick() finds
 * nothing, more the further it is behind. Pure. */
uint64_t compaction_backlog(const struct compaction_options *options, const struct sstable_info *tables,
                            uint32_t count);

/* Split tables into as few chains as there are, each disjoint in tokens and in order: chain_of[i] is the chain of table i.
 * Returns the number of chains. Pure; `chain_of` has `count` items. False when memory runs out. */
bool compaction_chains(const struct sstable_info *tables, uint32_t count, uint32_t *chain_of,
                       uint32_t *out_chains);

/* ---- jobs ---- */

struct compaction_job_options {
    struct sstable_build_options build; /* path and file_number are asked for as outputs are begun */
    const char *folder;         /* borrowed until the job is freed; outputs are FOLDER/table-NUMBER.sst */
    uint64_t first_file_number; /* outputs take consecutive numbers ... */
    uint32_t file_number_count; /* ... of this many, reserved by the caller */
    uint64_t output_bytes_max;  /* start the next output beyond this, between tokens; 0: 256 MiB */
    uint32_t output_shards; /* and at the borders of so many equal parts of all tokens; 0, 1: nowhere else */
    bool no_code_copy;      /* every value of a row is compressed anew: for tests and comparisons */
    bool no_block_copy;     /* every row is decoded and given to a builder: for tests and comparisons */
    bool purging;           /* false for a flush: nothing is forgotten */
    struct purge purge;     /* max_purgeable_timestamp covers every source outside the job */
    const struct reconcile_rules *rules; /* borrowed */
};

/* What a job did, for statistics and tests. */
struct compaction_counters {
    uint64_t rows;          /* given to builders one by one */
    uint64_t rows_coded;    /* of these, whose values were taken over as they stood coded in their source */
    uint64_t rows_merged;   /* reconciled from several sources */
    uint64_t blocks_copied; /* as they were in their source */
    uint64_t rows_copied;   /* in them */
    uint64_t forgotten;     /* rows, deletions and parts of rows that were purged */
};

struct compaction_job;

/* Takes over the children on STATUS_OK. */
status compaction_job_new(const struct compaction_job_options *options, struct cursor **children,
                          uint32_t count, struct compaction_job **out_job);
/* The same over tables, which the job counts for itself: tables that are disjoint share a source, and are let go of
 * when they are drained. */
status compaction_job_new_over(const struct compaction_job_options *options, struct sstable *const *tables,
                               uint32_t count, struct compaction_job **out_job);
/* Work through about `rows` rows. *out_done when the outputs are finished, synced and verified. A failure is final. */
status compaction_job_step(struct compaction_job *job, uint64_t rows, bool *out_done);
/* What is finished so far, in order of tokens; until the job is freed. */
const struct sstable_info *compaction_job_outputs(const struct compaction_job *job, uint32_t *out_count);
/* Whether the finished outputs may take the place of every input table that ends at or before *out_max_token, before the
 * job is done: nothing was forgotten that a table which is not drained may still bring up. Then they are to be adopted. */
bool compaction_job_may_release(const struct compaction_job *job, int64_t *out_max_token);
/* The first `count` outputs belong to the store now: the job does not unlink them when it fails. */
void compaction_job_adopt(struct compaction_job *job, uint32_t count);
void compaction_job_counters(const struct compaction_job *job, struct compaction_counters *out_counters);
/* A job that is not done unlinks its outputs, except for those adopted. NULL is welcome. */
void compaction_job_free(struct compaction_job *job);

/* Name of a table's file in its folder. `out` has at least 64 bytes. */
void compaction_table_name(uint64_t file_number, char *out);

#endif
