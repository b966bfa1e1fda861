/*
 * background_internal.h: work nobody waits for: log sync by period, segments made ahead, flush, compaction.
 *
 * With STORE_BACKGROUND_THREADS a log thread and a worker call the two step functions below; with
 * STORE_BACKGROUND_MANUAL store_step() calls them. The worker holds one flush and one compaction at a time and gives
 * the flush precedence at every step.
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

struct background {
    bool threaded;              /* constant */
    struct lock lock;           /* RANK_STORE: guards what follows and the claims of tablets */
    struct lock_condition wake; /* worker: there may be work */
    struct lock_condition log_wake;
    struct lock_condition done; /* waiters: a claim was given back */
    bool stopping;
    bool work_pending; /* something happened that may make work */
    status last;       /* how the worker's last step went */
    int64_t
        rechecked_us; /* when idle tablets were last looked at again for compaction, by the store's clock */
    struct io_thread *worker, *log_thread; /* owned */
    struct job *flush, *compaction;        /* owned by the worker, or by store_step() */
    atomic_bool log_dirty;                 /* something was appended since the log thread last looked */
    atomic_bool log_unquiet; /* the log thread owes the log one look without an append before it */
    atomic_bool kicked;      /* work_pending was set by a kick: the next need not take the lock */
    atomic_bool stop_soon;   /* as stopping, for a look between two steps */
};

status background_start(struct store *store, enum store_background mode);
/* Stop the threads; jobs under way are abandoned. Harmless when never started. */
void background_stop(struct store *store);

/* There may be work for the worker; for the log thread. The caller holds no lock of a shard. */
void background_kick(struct store *store);
void background_log_dirty(struct store *store);
/* Wait until a job ends, for at most timeout_us. */
void background_wait(struct store *store, int64_t timeout_us);

/* Claim the tablet, waiting for who has it. With the background by hand, finish its job instead of waiting.
 * *out_claimed is false when `still` says that the claim is not needed any more. STATUS_NOSPACE when who has it cannot
 * go on for want of room. */
status background_claim(struct store *store, struct tablet *tablet, enum claim_kind kind,
                        bool (*still)(void *context), void *context, bool *out_claimed);
void background_unclaim(struct store *store, struct tablet *tablet, enum claim_kind kind);

/* One piece of work, the most urgent first. */
status background_work_step(struct store *store, bool *out_did);
/* Sync what is buffered in the logs and make segments ahead. */
status background_log_step(struct store *store, bool *out_did);

#endif
