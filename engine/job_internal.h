/*
 * job_internal.h: one flush or one compaction of one tablet, from claim to installed edit.
 *
 * A job claims its tablet (`flushing` or `compacting`, under the background's lock), so there is at most one of each
 * kind per tablet. It runs in steps. When the merge is done it installs: logs synced, files opened, one manifest
 * edit, sources exchanged. A large compaction installs its first outputs earlier and lets go of the inputs that are
 * drained, so that it needs little room. If the tablet was truncated or dropped meanwhile, its outputs are thrown away.
 */
#ifndef STRAIT_ENGINE_JOB_INTERNAL_H
#define STRAIT_ENGINE_JOB_INTERNAL_H

#include <stdatomic.h>

#include "compaction/compaction.h"
#include "compaction/salvage.h"
#include "engine/tablet_internal.h"

enum {
    JOB_STEP_ROWS = 2048,
    /* A flush makes a table for each time window that its memtable reaches into; the oldest share the last. */
    JOB_PASSES_MAX = 8,
};

struct store;

/* What is to be done with the inputs of a compaction. */
struct job_plan {
    enum compaction_reason reason;
    bool drop_unread; /* nothing in them can be seen any more */
    uint32_t level;
    uint64_t run; /* 0: a new one */
    uint64_t output_bytes_max;
    uint32_t output_shards;
    bool salvage; /* one damaged input: what is readable of it is kept, the file goes to lost/ */
};

/* How far a job is, for whoever asks; relaxed. */
struct job_progress {
    atomic_uint_fast64_t rows_done;
    uint64_t rows_total, input_bytes;
};

struct job {
    struct store *store;   /* borrowed */
    struct tablet *tablet; /* counted; claimed */
    bool flush;
    struct write_buffer *input; /* counted; of a flush */
    struct sstable **inputs;    /* owned array of counted tables; a compaction */
    uint32_t input_count;
    uint64_t flushes_before; /* of the tablet, when a compaction began */
    struct job_plan plan;
    /* Owned; one after the other. None when files are dropped unread, several for a flush over time windows. */
    struct compaction_job *works[JOB_PASSES_MAX];
    uint32_t work_count, work_at;
    uint32_t released;                     /* outputs of works[0] that the manifest names already */
    struct sstable_dictionary *dictionary; /* counted; of the outputs; NULL: they train their own */
    struct salvage_report salvaged;        /* of the damaged input */
    bool merged;                           /* the outputs are made; what is left is to install them */
    bool installed;                        /* they were; else nobody wanted them any more */
    struct job_progress progress;
    struct job *next, *previous; /* guard: the background's lock: all jobs there are */
};

/* Both take over the claim, in every case: a job that cannot begin gives it back. */
status job_open_flush(struct store *store, struct tablet *tablet, struct job **out_job);
/* `inputs` are counted by the job itself. */
status job_open_compaction(struct store *store, struct tablet *tablet, struct sstable *const *inputs,
                           uint32_t count, const struct job_plan *plan, struct job **out_job);
/* Work through about `rows` rows; *out_done when the outcome is installed. A failure is final, except that a job
 * which is `merged` may be stepped again after STATUS_NOSPACE. */
status job_step(struct job *job, uint64_t rows, bool *out_done);
/* Give the claim back. NULL is welcome. */
void job_close(struct job *job);

/* by_hand.c: run a job to its end and close it; call `visit` for the tablets of one table, or of all (0), until it fails; a
 * claim that is always wanted. */
status job_run(struct job *job);
status job_each_tablet(struct store *store, uint64_t table_id,
                       status (*visit)(struct store *store, struct tablet *tablet, void *context),
                       void *context);
bool job_always(void *context);

/* install.c: put the outputs in the place of the inputs; the same early, for what is finished and drained. */
status job_install(struct job *job);
status job_release(struct job *job);

/* check.c: a file as it is told of. */
struct store_file check_file_of(const struct sstable_info *info, uint64_t table_id, uint32_t shard,
                                bool sealed, status opened);
/* Whether a failure is that of a damaged file; what of it is damaged and lost. `found` is what verification said. */
bool check_is_damage(status st);
status check_damage(struct sstable *table, const struct salvage_report *salvaged, status found,
                    struct store_file_check *out_check);

/* scrub.c: a copy of the table's file in lost/, as far as it can be read. */
status scrub_keep_copy(struct store *store, const struct sstable_info *info);

/* Choose what to compact in the claimed tablet, inputs of at most `bytes_max` in all. *out_job is NULL when there is
 * nothing, or only something larger (*out_larger); the claim is given back then. */
status compaction_begin(struct store *store, struct tablet *tablet, uint64_t bytes_max, struct job **out_job,
                        bool *out_larger);
/* SSTables of the claimed tablet with numbers below `made_before` into one run; of a table of time windows, those of one
 * window. *out_job is NULL when nothing would be gained by it any more. */
status compaction_begin_major(struct store *store, struct tablet *tablet, uint64_t made_before,
                              struct job **out_job);
/* Those of the claimed tablet whose numbers are among `files`. */
status compaction_begin_chosen(struct store *store, struct tablet *tablet, const uint64_t *files,
                               uint32_t count, struct job **out_job);
/* The tablet's options as the pickers take them. */
struct compaction_options compaction_options_of(struct store *store, struct tablet *tablet,
                                                struct store_table_options *out_table);
/* Reckon anew how far compaction of the tablet is behind. */
void compaction_backlog_update(struct store *store, struct tablet *tablet);

/* Freeze the tablet's active memtable. *out_frozen is counted for the caller, NULL when there is nothing. */
status flush_freeze(struct store *store, struct tablet *tablet, struct write_buffer **out_frozen);
/* Freeze the largest active memtable of the store. */
status flush_freeze_largest(struct store *store);
/* Freeze whatever holds back the oldest segment of a log that has grown too long. *out_did false when none has. */
status flush_freeze_oldest(struct store *store, bool *out_did);
/* No memtable needs anything of this log stream, and no write is under way. */
bool flush_log_is_released(struct store *store, uint32_t stream);
/* The logs of a store at rest give back what they do not need. */
void flush_trim_logs(struct store *store);
/* Let go of log segments that no memtable needs. */
status flush_release_logs(struct store *store);

#endif
