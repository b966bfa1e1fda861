/*
 * background_internal.h: work nobody waits for: log sync by period, segments made ahead, flush, compaction.
 *
 * With STORE_BACKGROUND_THREADS a log thread and several workers call the two step functions below; with
 * STORE_BACKGROUND_MANUAL store_step() calls them, as the one worker. A worker holds at most one flush, one small and one
 * large compaction, and gives them precedence in this order at every step: what is more urgent comes between two steps
 * of what is less so. Workers run at low priority: whoever writes and reads goes first.
 */
#ifndef STRAIT_ENGINE_BACKGROUND_INTERNAL_H
#define STRAIT_ENGINE_BACKGROUND_INTERNAL_H

#include <stdatomic.h>

#include "base/lock.h"
#include "engine/store.h"
#include "io/io.h"

struct job;
struct tablet;

enum claim_kind {
    CLAIM_FLUSH,
    CLAIM_COMPACTION,
};

enum {
    WORKERS_MAX = 8,
    /* Inputs beyond this make a compaction a large one. */
    COMPACTION_LARGE_BYTES = 64 << 20,
};

enum worker_slot {
    SLOT_FLUSH,
    SLOT_SMALL,
    SLOT_LARGE,
    WORKER_SLOTS,
};

struct worker {
    struct store *store;             /* borrowed */
    struct io_thread *thread;        /* owned; NULL for the one of store_step() */
    struct job *slots[WORKER_SLOTS]; /* owned */
    status last;                     /* how its last step went; guard: the background's lock */
    uint64_t seen;                   /* the news that it knows of; guard: the background's lock */
    uint64_t space_checked;          /* steps since it looked for the room on the disk */
    bool worked;                     /* since it was idle */
};

struct background {
    bool threaded;              /* constant */
    struct lock lock;           /* RANK_STORE: guards what follows and the claims of tablets */
    struct lock_condition wake; /* workers: there may be work */
    struct lock_condition log_wake;
    struct lock_condition done; /* waiters: a claim was given back */
    bool stopping;
    uint64_t news;    /* counts what happened that may make work */
    struct job *jobs; /* all there are, newest first; those by hand too */
    int64_t
        rechecked_us; /* when idle tablets were last looked at again for compaction, by the store's clock */
    struct io_thread *log_thread; /* owned */
    uint32_t worker_count;        /* constant */
    struct worker workers[WORKERS_MAX];
    atomic_bool log_dirty;     /* something was appended since the log thread last looked */
    atomic_bool log_unquiet;   /* the log thread owes the log one look without an append before it */
    atomic_bool log_untrimmed; /* there may be log to give back once nothing has been appended for a while */
    atomic_bool kicked;        /* `news` was raised by a kick: the next need not take the lock */
    atomic_bool stop_soon;     /* as stopping, for a look between two steps */
};

/* `workers` 0: one per core. */
status background_start(struct store *store, enum store_background mode, uint32_t workers);
/* Stop the threads; jobs under way are abandoned. Harmless when never started. */
void background_stop(struct store *store);

/* There may be work for the worker; for the log thread. The caller holds no lock of a shard. */
void background_kick(struct store *store);
void background_log_dirty(struct store *store);
/* A flush has released log: what is spare is given back when the store is at rest. */
void background_log_released(struct store *store);
/* Wait until a job ends, for at most timeout_us. */
void background_wait(struct store *store, int64_t timeout_us);

/* Claim the tablet, waiting for who has it. With the background by hand, finish its job instead of waiting.
 * *out_claimed is false when `still` says that the claim is not needed any more. STATUS_NOSPACE when who has it cannot
 * go on for want of room. */
status background_claim(struct store *store, struct tablet *tablet, enum claim_kind kind,
                        bool (*still)(void *context), void *context, bool *out_claimed);
void background_unclaim(struct store *store, struct tablet *tablet, enum claim_kind kind);

/* Every job is listed from its opening to its end. */
void background_job_add(struct store *store, struct job *job);
void background_job_remove(struct store *store, struct job *job);
/* The failure of a worker's last step, if there is one. Caller holds the background's lock. */
status background_failure(const struct store *store);

/* One piece of work, the most urgent first, by the worker of store_step(). */
status background_work_step(struct store *store, bool *out_did);
/* Sync what is buffered in the logs and make segments ahead. */
status background_log_step(struct store *store, bool *out_did);

#endif
