/*
 * compaction.h: which tables to merge, and the merging.
 *
 * Pickers are pure functions of sizes, ranges and times. A job takes cursors and makes tables; flush and compaction
 * are the same job. A job runs in steps, so that whoever schedules it may pause it; it returns what it made, and the
 * engine turns that into a manifest edit.
 */
#ifndef STRAIT_COMPACTION_COMPACTION_H
#define STRAIT_COMPACTION_COMPACTION_H

#include "row/merge.h"
#include "sstable/sstable.h"

enum compaction_strategy {
    COMPACTION_SIZE_TIERED,
    COMPACTION_TIME_WINDOW,
    COMPACTION_NONE, /* enabled: false */
};

/* Table options under the names ScyllaDB gives them; the defaults are its own. */
struct compaction_options {
    enum compaction_strategy strategy;
    uint32_t min_threshold;     /* 4 */
    uint32_t max_threshold;     /* 32 */
    double bucket_low;          /* 0.5 */
    double bucket_high;         /* 1.5 */
    uint64_t min_sstable_bytes; /* 50 MiB: smaller ones are one bucket */
    int64_t window_s;           /* compaction_window_size x unit; 86400 */
    double tombstone_threshold; /* 0.2: rewrite a single table with more droppable tombstones than this ... */
    int64_t tombstone_interval_s; /* 86400: ... when it is at least so old. Size tiers only, as in ScyllaDB */
};

extern const struct compaction_options compaction_defaults;

enum compaction_reason {
    COMPACTION_IDLE,       /* nothing to do */
    COMPACTION_TIER,       /* enough tables of one size */
    COMPACTION_WINDOW,     /* a closed window has more than one table */
    COMPACTION_EXPIRED,    /* whole tables whose content has expired: drop without reading */
    COMPACTION_TOMBSTONES, /* one table, mostly droppable tombstones */
};

struct compaction_choice {
    enum compaction_reason reason;
    uint32_t count;      /* of `chosen` */
    uint32_t chosen[64]; /* indexes into the tables given; at most max_threshold */
};

/*
 * `gc_before_s`: deletions older than this may be forgotten. Pure.
 *
 * EXPIRED was checked against the other tables only: who has memtables drops such a table only when their least
 * timestamp is above its max_timestamp.
 */
struct compaction_choice compaction_pick(const struct compaction_options *options,
                                         const struct sstable_info *tables, uint32_t count, int64_t now_s,
                                         int64_t gc_before_s);

/* The time window of a table: floor of its greatest write timestamp. Pure. */
int64_t compaction_window(const struct compaction_options *options, const struct sstable_info *table);

struct compaction_job_options {
    struct sstable_build_options build; /* path and file_number are asked for as outputs are begun */
    const char *folder;         /* borrowed until the job is freed; outputs are FOLDER/table-NUMBER.sst */
    uint64_t first_file_number; /* outputs take consecutive numbers ... */
    uint32_t file_number_count; /* ... of this many, reserved by the caller */
    uint64_t output_bytes_max;  /* start the next output beyond this, between partitions; 0: 256 MiB */
    bool purging;               /* false for a flush: nothing is forgotten */
    struct purge purge;         /* max_purgeable_timestamp covers every source outside the job */
    const struct reconcile_rules *rules; /* borrowed */
};

struct compaction_job;

/* Takes over the children on STATUS_OK. */
status compaction_job_new(const struct compaction_job_options *options, struct cursor **children,
                          uint32_t count, struct compaction_job **out_job);
/* Work through about `rows` rows. *out_done when the outputs are finished, synced and verified. A failure is final. */
status compaction_job_step(struct compaction_job *job, uint64_t rows, bool *out_done);
/* What was made; valid once done, until the job is freed. */
const struct sstable_info *compaction_job_outputs(const struct compaction_job *job, uint32_t *out_count);
/* A job that is not done unlinks its outputs. NULL is welcome. */
void compaction_job_free(struct compaction_job *job);

/* Name of a table's file in its folder. `out` has at least 64 bytes. */
void compaction_table_name(uint64_t file_number, char *out);

#endif
