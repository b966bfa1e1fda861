#include "engine/background_internal.h"

#include "base/heap_trim.h"
#include "base/log.h"
#include "engine/job_internal.h"
#include "engine/store_internal.h"

enum {
    /* Compactions that depend on time (windows that close, data that expires) are looked for this often. */
    RECHECK_US = 60000000,
    IDLE_US = 5000000,
    BACKOFF_US = 100000,
    CLAIM_LOOK_US = 50000,
    /* Spare log is given back when nothing was appended for so long. */
    LOG_REST_US = 1000000,
    /* Asking for the room on the disk is a call of the kernel: once in so many steps. */
    SPACE_LOOK_STEPS = 16,
    /* Files that a table may gain in a shard before its compaction no longer gives way to flushes. */
    FLUSHES_AHEAD_MAX = 16,
};

/* ---- claims ---- */

static bool *claim_of(struct tablet *tablet, enum claim_kind kind)
{
    return kind == CLAIM_FLUSH ? &tablet->flushing : &tablet->compacting;
}

void background_unclaim(struct store *store, struct tablet *tablet, enum claim_kind kind)
{
    struct background *background = &store->background;
    lock_acquire(&background->lock);
    *claim_of(tablet, kind) = false;
    if (kind == CLAIM_FLUSH)
        tablet->compaction_idle = tablet->compaction_large =
            false; /* there may be one more SSTable to think of */
    background->news++;
    lock_wake_all(&background->wake);
    lock_wake_all(&background->done);
    lock_release(&background->lock);
}

/* Let time pass until claims may have changed; `lock` is held. The only job that keeps its claim after a failure is one
 * that waits for room on the disk: who waits for it is told so. */
static status claim_wait(struct store *store)
{
    struct background *background = &store->background;
    status st = STATUS_DONE;
    if (atomic_load(&store->refusing))
        return STATUS_FAIL(STATUS_CLOSED); /* nobody steps any job then */
    if (background->threaded) {
        lock_wait_for(&background->done, &background->lock, CLAIM_LOOK_US);
        st = background_failure(store);
        return st.code == STATUS_NOSPACE ? st : STATUS_DONE;
    }
    bool did;
    lock_release(&background->lock);
    st = background_work_step(store, &did);
    lock_acquire(&background->lock);
    return st.code == STATUS_NOSPACE ? st : STATUS_DONE;
}

status background_claim(struct store *store, struct tablet *tablet, enum claim_kind kind,
                        bool (*still)(void *context), void *context, bool *out_claimed)
{
    struct background *background = &store->background;
    bool *claimed = claim_of(tablet, kind);
    bool wanted = true;
    status st = STATUS_DONE;
    lock_acquire(&background->lock);
    while (ok(st) && (wanted = still(context)) && *claimed)
        st = claim_wait(store);
    if (ok(st) && wanted)
        *claimed = true;
    lock_release(&background->lock);
    *out_claimed = ok(st) && wanted;
    return st;
}

/* Call `fits` for tablets until one does; that one is claimed and counted for the caller. NULL when none does. */
static struct tablet *claim_first(struct store *store, enum claim_kind kind,
                                  bool (*fits)(const struct tablet *tablet))
{
    struct tablet *found = NULL;
    lock_acquire(&store->background.lock);
    for (uint32_t i = 0; !found && i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        lock_acquire(&shard->versions);
        for (uint32_t j = 0; !found && j < shard->slot_count; j++)
            if (shard->slots[j] && !*claim_of(shard->slots[j], kind) && fits(shard->slots[j]))
                found = tablet_ref(shard->slots[j]);
        lock_release(&shard->versions);
    }
    if (found)
        *claim_of(found, kind) = true;
    lock_release(&store->background.lock);
    return found;
}

/* Compaction leaves the cores to the flush as long as writers wait for that, until so many files have come that reads would
 * suffer for it. What is merged later is merged in fewer and larger pieces. */
static bool gives_way(const struct tablet *tablet)
{
    struct store *store = tablet->shard->store;
    uint64_t flushes = atomic_load_explicit(&tablet->flushes, memory_order_relaxed);
    uint64_t compacted = atomic_load_explicit(&tablet->flushes_compacted, memory_order_relaxed);
    bool yields =
        !store->no_yielding && flushes - compacted < FLUSHES_AHEAD_MAX && store_flush_is_urgent(store);
    if (yields)
        atomic_fetch_add_explicit(&store->compaction_yields, 1, memory_order_relaxed);
    return yields;
}

static bool may_compact(const struct tablet *tablet)
{
    return !tablet->compaction_idle && tablet->version && tablet->version->sstable_count > 0 &&
           tablet->options.compaction != STORE_COMPACTION_NONE && !gives_way(tablet);
}

static bool may_compact_little(const struct tablet *tablet)
{
    return !tablet->compaction_large && may_compact(tablet);
}

/* ---- jobs ---- */

void background_job_add(struct store *store, struct job *job)
{
    struct background *background = &store->background;
    lock_acquire(&background->lock);
    job->next = background->jobs;
    if (job->next)
        job->next->previous = job;
    background->jobs = job;
    lock_release(&background->lock);
}

void background_job_remove(struct store *store, struct job *job)
{
    struct background *background = &store->background;
    lock_acquire(&background->lock);
    if (job->next)
        job->next->previous = job->previous;
    if (job->previous)
        job->previous->next = job->next;
    else
        background->jobs = job->next;
    lock_release(&background->lock);
}

status background_failure(const struct store *store)
{
    const struct background *background = &store->background;
    for (uint32_t i = 0; i < background->worker_count; i++)
        if (failed(background->workers[i].last))
            return background->workers[i].last;
    return STATUS_DONE;
}

/* ---- steps ---- */

static status flush_find(struct store *store, struct job **out_job)
{
    bool froze;
    if (store_memory_high(store))
        TRY(flush_freeze_largest(store));
    TRY(flush_freeze_oldest(store, &froze));
    struct tablet *tablet = claim_first(store, CLAIM_FLUSH, tablet_flush_is_needed);
    if (!tablet)
        return STATUS_DONE;
    status st = job_open_flush(store, tablet, out_job);
    tablet_unref(tablet);
    return st.code == STATUS_NOT_FOUND ? STATUS_DONE : st;
}

static void compaction_set_idle(struct store *store, struct tablet *tablet)
{
    lock_acquire(&store->background.lock);
    tablet->compaction_idle = true;
    lock_release(&store->background.lock);
}

static void recheck_all(struct store *store)
{
    int64_t now_us = io_now_us(store->env);
    lock_acquire(&store->background.lock);
    int64_t passed_us = now_us - store->background.rechecked_us;
    bool due = passed_us >= RECHECK_US || passed_us < 0;
    if (due)
        store->background.rechecked_us = now_us;
    for (uint32_t i = 0; due && i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        lock_acquire(&shard->versions);
        for (uint32_t j = 0; j < shard->slot_count; j++)
            if (shard->slots[j])
                shard->slots[j]->compaction_idle = shard->slots[j]->compaction_large = false;
        lock_release(&shard->versions);
    }
    lock_release(&store->background.lock);
}

static void compaction_set_large(struct store *store, struct tablet *tablet)
{
    lock_acquire(&store->background.lock);
    tablet->compaction_large = true;
    lock_release(&store->background.lock);
}

/* Something to compact for a worker; who is busy with something large takes only something small. */
static status compaction_find(struct worker *worker)
{
    struct store *store = worker->store;
    struct tablet *tablet;
    struct job *job = NULL;
    bool busy = worker->slots[SLOT_LARGE] != NULL;
    recheck_all(store);
    while (!job && (tablet = claim_first(store, CLAIM_COMPACTION, busy ? may_compact_little : may_compact))) {
        bool larger;
        status st =
            compaction_begin(store, tablet, busy ? COMPACTION_LARGE_BYTES : UINT64_MAX, &job, &larger);
        if (larger)
            compaction_set_large(store, tablet);
        else if (failed(st) || !job)
            compaction_set_idle(store, tablet);
        if (ok(st))
            compaction_backlog_update(store, tablet);
        tablet_unref(tablet);
        TRY(st);
    }
    if (job)
        worker->slots[job->progress.input_bytes > COMPACTION_LARGE_BYTES ? SLOT_LARGE : SLOT_SMALL] = job;
    return STATUS_DONE;
}

/* Step the job in `slot`; the slot is empty afterwards when it is done or failed. */
static status slot_step(struct store *store, struct job **slot)
{
    bool done = true;
    struct tablet *tablet = tablet_ref((*slot)->tablet);
    bool compaction = !(*slot)->flush;
    status st = job_step(*slot, JOB_STEP_ROWS, &done);
    /* The disk was too full for the manifest: the outputs are kept and installed later, not made again. */
    if (st.code == STATUS_NOSPACE && (*slot)->merged) {
        tablet_unref(tablet);
        return st;
    }
    if (failed(st) || done) {
        /* A compaction that fails would fail again at once; it is tried anew when something has changed. */
        if (failed(st) && compaction)
            compaction_set_idle(store, tablet);
        job_close(*slot);
        *slot = NULL;
        compaction_backlog_update(store, tablet);
    }
    tablet_unref(tablet);
    return st;
}

static status worker_step(struct worker *worker, bool *out_did)
{
    struct store *store = worker->store;
    struct job **slots = worker->slots;
    *out_did = false;
    if (store->read_only || atomic_load(&store->refusing))
        return STATUS_DONE;
    if (worker->space_checked++ % SPACE_LOOK_STEPS == 0)
        store_space_check(store);
    if (!slots[SLOT_FLUSH])
        TRY(flush_find(store, &slots[SLOT_FLUSH]));
    if (!slots[SLOT_FLUSH] && store_discard_step(store)) {
        *out_did = true;
        return STATUS_DONE;
    }
    if (!slots[SLOT_FLUSH] && !slots[SLOT_SMALL])
        TRY(compaction_find(worker));
    for (uint32_t i = 0; i < WORKER_SLOTS; i++) {
        if (!slots[i] || (i != SLOT_FLUSH && gives_way(slots[i]->tablet)))
            continue;
        *out_did = true;
        return slot_step(store, &slots[i]);
    }
    return STATUS_DONE;
}

status background_work_step(struct store *store, bool *out_did)
{
    return worker_step(&store->background.workers[0], out_did);
}

status background_log_step(struct store *store, bool *out_did)
{
    struct background *background = &store->background;
    *out_did = false;
    if (store->read_only || atomic_load(&store->refusing))
        return STATUS_DONE;
    /* Pairs with the store of background_log_dirty(). */
    bool dirty = atomic_exchange_explicit(&background->log_dirty, false, memory_order_acq_rel);
    /* One more look after the last append lets the log note on disk that it is idle. */
    bool quiet = !dirty && atomic_exchange(&background->log_unquiet, false);
    if (!dirty && !quiet)
        return STATUS_DONE;
    *out_did = true;
    if (dirty) {
        store_space_check(store);
        atomic_store(&background->log_unquiet, true);
        atomic_store(&background->log_untrimmed, true);
        TRY(store_sync_logs(store));
    }
    for (uint32_t i = 0; i < store->shard_count; i++)
        if (store->shards[i].log)
            (void)commitlog_prepare(store->shards[i].log);
    return STATUS_DONE;
}

/* ---- threads ---- */

void background_kick(struct store *store)
{
    struct background *background = &store->background;
    if (!background->threaded || atomic_exchange_explicit(&background->kicked, true, memory_order_relaxed))
        return;
    lock_acquire(&background->lock);
    background->news++;
    lock_wake_all(&background->wake);
    lock_release(&background->lock);
}

void background_log_dirty(struct store *store)
{
    struct background *background = &store->background;
    if (atomic_load_explicit(&background->log_dirty, memory_order_relaxed))
        return;
    lock_acquire(&background->lock);
    /* Pairs with the exchange of background_log_step(): what was appended before this is synced after that. */
    atomic_store_explicit(&background->log_dirty, true, memory_order_release);
    lock_wake_one(&background->log_wake);
    lock_release(&background->lock);
}

void background_log_released(struct store *store)
{
    struct background *background = &store->background;
    lock_acquire(&background->lock);
    atomic_store(&background->log_untrimmed, true);
    lock_wake_one(&background->log_wake);
    lock_release(&background->lock);
}

void background_wait(struct store *store, int64_t timeout_us)
{
    struct background *background = &store->background;
    lock_acquire(&background->lock);
    background->news++;
    lock_wake_all(&background->wake);
    lock_wait_for(&background->done, &background->lock, timeout_us);
    lock_release(&background->lock);
}

/* Wait for a reason to work; false when the store closes. *out_idle says that none came in all that time. */
static bool worker_wait(struct worker *worker, int64_t timeout_us, bool *out_idle)
{
    struct background *background = &worker->store->background;
    bool in_time = true;
    lock_acquire(&background->lock);
    if (!background->stopping && worker->seen == background->news)
        in_time = lock_wait_for(&background->wake, &background->lock, timeout_us);
    *out_idle = !in_time && worker->seen == background->news;
    worker->seen = background->news;
    atomic_store_explicit(&background->kicked, false, memory_order_relaxed);
    bool go_on = !background->stopping;
    lock_release(&background->lock);
    return go_on;
}

static bool backoff(struct background *background)
{
    lock_acquire(&background->lock);
    if (!background->stopping)
        lock_wait_for(&background->wake, &background->lock, BACKOFF_US);
    bool go_on = !background->stopping;
    lock_release(&background->lock);
    return go_on;
}

/* Remember how it went and tell it once, not every 100 ms. */
static void outcome_set(struct worker *worker, status st)
{
    struct background *background = &worker->store->background;
    char text[200];
    lock_acquire(&background->lock);
    bool news = failed(st) && worker->last.code != st.code;
    worker->last = st;
    if (failed(st))
        lock_wake_all(&background->done);
    lock_release(&background->lock);
    if (!news)
        return;
    status_print(st, text, sizeof text);
    log_message(LOG_LEVEL_ERROR, "background work failed: %s", text);
}

/* Memory for memtables to come is not held for ever, nor is what the C library kept of what jobs had freed: pieces of threads that
 * have come to rest, as large together as the budgets of a small store. */
static void memory_let_go(struct worker *worker)
{
    slab_pool_trim(&worker->store->slabs);
    if (worker->worked)
        heap_trim();
    worker->worked = false;
}

static void worker_run(void *argument)
{
    struct worker *worker = argument;
    struct background *background = &worker->store->background;
    bool go_on = true;
    io_thread_yield();
    while (go_on) {
        bool did = false;
        status st = worker_step(worker, &did);
        if (failed(st) || failed(worker->last))
            outcome_set(worker, st);
        bool idle = false;
        if (failed(st))
            go_on = backoff(background);
        else if (did)
            go_on = !atomic_load(&background->stop_soon);
        else
            go_on = worker_wait(worker, IDLE_US, &idle);
        worker->worked |= did;
        if (idle)
            memory_let_go(worker);
    }
}

/* What the log thread does with the time it has to wait, as long as that is not short. `lock` is held. */
static bool memory_prepare(struct store *store)
{
    lock_release(&store->background.lock);
    bool did = store_memory_prepare(store);
    lock_acquire(&store->background.lock);
    return did;
}

/* Wait for something to do with the logs; those that rest are trimmed meanwhile. `lock` is held. */
static void log_wait_news(struct store *store)
{
    struct background *background = &store->background;
    while (!background->stopping && !atomic_load(&background->log_dirty) &&
           !atomic_load(&background->log_unquiet)) {
        if (!atomic_load(&background->log_untrimmed)) {
            lock_wait(&background->log_wake, &background->lock);
        } else if (!lock_wait_for(&background->log_wake, &background->lock, LOG_REST_US)) {
            atomic_store(&background->log_untrimmed, false);
            lock_release(&background->lock);
            flush_trim_logs(store);
            lock_acquire(&background->lock);
        }
    }
}

/* Wait for an append, then for the rest of the period; false when the store closes. */
static bool log_wait(struct store *store)
{
    struct background *background = &store->background;
    lock_acquire(&background->lock);
    log_wait_news(store);
    int64_t until_ns = io_monotonic_ns(store->env) + store->period_us * 1000;
    for (int64_t left_ns = 1; !background->stopping && left_ns > 0;) {
        left_ns = until_ns - io_monotonic_ns(store->env);
        if (left_ns > store->period_us * 1000 / 2 && !background->stopping && memory_prepare(store))
            continue;
        if (left_ns > 0)
            lock_wait_for(&background->log_wake, &background->lock, left_ns / 1000 + 1);
    }
    bool go_on = !background->stopping;
    lock_release(&background->lock);
    return go_on;
}

static void log_run(void *argument)
{
    struct store *store = argument;
    while (log_wait(store)) {
        bool did;
        (void)background_log_step(store, &did); /* a failed sync makes the store refuse writes; they say so */
    }
}

static uint32_t workers_wanted(uint32_t workers)
{
    uint32_t wanted = workers ? workers : io_cores();
    return wanted < WORKERS_MAX ? wanted : WORKERS_MAX;
}

status background_start(struct store *store, enum store_background mode, uint32_t workers)
{
    struct background *background = &store->background;
    background->threaded = mode == STORE_BACKGROUND_THREADS && !store->read_only;
    background->rechecked_us = io_now_us(store->env);
    if (!background->threaded)
        return STATUS_DONE;
    background->worker_count = workers_wanted(workers);
    for (uint32_t i = 0; i < background->worker_count; i++)
        TRY(io_thread_start(store->env, "strait-worker", worker_run, &background->workers[i],
                            &background->workers[i].thread));
    if (store->shards[0].log)
        TRY(io_thread_start(store->env, "strait-log", log_run, store, &background->log_thread));
    return STATUS_DONE;
}

void background_stop(struct store *store)
{
    struct background *background = &store->background;
    atomic_store(&background->stop_soon, true);
    lock_acquire(&background->lock);
    background->stopping = true;
    lock_wake_all(&background->wake);
    lock_wake_all(&background->log_wake);
    lock_release(&background->lock);
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        io_thread_join(background->workers[i].thread);
        background->workers[i].thread = NULL;
    }
    io_thread_join(background->log_thread);
    background->log_thread = NULL;
    for (uint32_t i = 0; i < WORKERS_MAX; i++)
        for (uint32_t j = 0; j < WORKER_SLOTS; j++) {
            job_close(background->workers[i].slots[j]);
            background->workers[i].slots[j] = NULL;
        }
}
