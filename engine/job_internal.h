/*
 * job_internal.h: one flush or one compaction of one tablet, from claim to installed edit.
 *
 * A job claims its tablet (`flushing` or `compacting`, under the background's lock), so there is at most one of each
 * kind per tablet. It runs in steps. When the merge is done it installs: logs synced, files opened, one manifest
 * edit, sources exchanged. If the tablet was truncated or dropped meanwhile, its outputs are thrown away.
 */
#ifndef STRAIT_ENGINE_JOB_INTERNAL_H
#define STRAIT_ENGINE_JOB_INTERNAL_H

#include "compaction/compaction.h"
#include "engine/tablet_internal.h"

enum { JOB_STEP_ROWS = 4096 };

struct store;

struct job {
    struct store *store;        /* borrowed */
    struct tablet *tablet;      /* counted; claimed */
    struct write_buffer *input; /* counted; a flush */
    struct sstable **inputs;    /* owned array of counted tables; a compaction */
    uint32_t input_count;
    struct compaction_job *work; /* owned; NULL when files are dropped unread */
    bool merged;                 /* the outputs are made; what is left is to install them */
};

/* Both take over the claim, in every case: a job that cannot begin gives it back. */
status job_open_flush(struct store *store, struct tablet *tablet, struct job **out_job);
/* `inputs` are counted by the job itself. With `drop_unread` nothing in them can be seen any more. */
status job_open_compaction(struct store *store, struct tablet *tablet, struct sstable *const *inputs,
                           uint32_t count, bool drop_unread, struct job **out_job);
/* Work through about `rows` rows; *out_done when the outcome is installed. A failure is final, except that a job
 * which is `merged` may be stepped again after STATUS_NOSPACE. */
status job_step(struct job *job, uint64_t rows, bool *out_done);
/* Give the claim back. NULL is welcome. */
void job_close(struct job *job);

/* Choose what to compact in the claimed tablet. *out_job is NULL when there is nothing; the claim is given back then. */
status compaction_begin(struct store *store, struct tablet *tablet, struct job **out_job);
/* All SSTables of the claimed tablet into one run. */
status compaction_begin_major(struct store *store, struct tablet *tablet, struct job **out_job);

/* Freeze the tablet's active memtable. *out_frozen is counted for the caller, NULL when there is nothing. */
status flush_freeze(struct store *store, struct tablet *tablet, struct write_buffer **out_frozen);
/* Freeze the largest active memtable of the store. */
status flush_freeze_largest(struct store *store);
/* Freeze whatever holds back the oldest segment of a log that has grown too long. *out_did false when none has. */
status flush_freeze_oldest(struct store *store, bool *out_did);
/* No memtable needs anything of this log stream, and no write is under way. */
bool flush_log_is_released(struct store *store, uint32_t stream);
/* Let go of log segments that no memtable needs. */
status flush_release_logs(struct store *store);

#endif
