/* by_hand.c: background work on request: flush, compact, step, settle, verify; scrub.c has the rest. */
#include "engine/job_internal.h"

#include <stdlib.h>

#include "engine/store_internal.h"

enum {
    SETTLE_WAIT_US = 20000,
};

status job_each_tablet(struct store *store, uint64_t table_id,
                       status (*visit)(struct store *store, struct tablet *tablet, void *context),
                       void *context)
{
    bool found = table_id == 0;
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && i < store->shard_count; i++) {
        struct tablet **tablets;
        uint32_t count;
        TRY(shard_tablets(&store->shards[i], &tablets, &count));
        for (uint32_t j = 0; j < count; j++) {
            bool wanted = table_id == 0 || tablets[j]->table_id == table_id;
            found = found || wanted;
            if (ok(st) && wanted)
                st = visit(store, tablets[j], context);
            tablet_unref(tablets[j]);
        }
        free(tablets);
    }
    return ok(st) && !found ? STATUS_FAIL(STATUS_NOT_FOUND) : st;
}

status job_run(struct job *job)
{
    bool done = false;
    status st = STATUS_DONE;
    while (ok(st) && !done)
        st = job_step(job, JOB_STEP_ROWS, &done);
    job_close(job);
    return st;
}

/* ---- flush ---- */

struct awaited {
    struct tablet *tablet;
    const struct write_buffer *buffer; /* NULL: any frozen memtable */
};

static bool still_frozen(void *context)
{
    const struct awaited *awaited = context;
    struct tablet *tablet = awaited->tablet;
    bool frozen = false;
    lock_acquire(&tablet->shard->versions);
    for (uint32_t i = 0; i < tablet->frozen_count; i++)
        frozen = frozen || !awaited->buffer || tablet->frozen[i] == awaited->buffer;
    lock_release(&tablet->shard->versions);
    return frozen;
}

/* Flush the tablet's oldest memtables until `buffer` is among those done; NULL: the oldest of now. */
static status flush_until(struct store *store, struct tablet *tablet, const struct write_buffer *buffer)
{
    struct awaited awaited = {.tablet = tablet, .buffer = buffer};
    for (;;) {
        struct job *job;
        bool claimed;
        TRY(background_claim(store, tablet, CLAIM_FLUSH, still_frozen, &awaited, &claimed));
        if (!claimed)
            return STATUS_DONE;
        status st = job_open_flush(store, tablet, &job);
        if (st.code == STATUS_NOT_FOUND)
            continue;
        TRY(st);
        TRY(job_run(job));
    }
}

static status tablet_flush(struct store *store, struct tablet *tablet, void *context)
{
    (void)context;
    struct write_buffer *frozen = NULL, *oldest;
    status st = flush_freeze(store, tablet, &frozen);
    while (st.code == STATUS_BUSY && (oldest = tablet_oldest_frozen(tablet))) {
        st = flush_until(store, tablet, oldest);
        write_buffer_unref(oldest);
        TRY(st);
        st = flush_freeze(store, tablet, &frozen);
    }
    TRY(st);
    /* Without anything to freeze there may still be earlier ones on their way; the last of them is waited for too. */
    st = flush_until(store, tablet, frozen);
    write_buffer_unref(frozen);
    return st;
}

static status refused(const struct store *store)
{
    if (store->read_only || atomic_load(&store->refusing))
        return STATUS_FAIL(STATUS_CLOSED);
    return STATUS_DONE;
}

status store_flush(struct store *store, uint64_t table_id)
{
    TRY(refused(store));
    return job_each_tablet(store, table_id, tablet_flush, NULL);
}

/* ---- compaction ---- */

bool job_always(void *context)
{
    (void)context;
    return true;
}

/* Tables that this makes are not merged again by the same call. */
static status tablet_compact(struct store *store, struct tablet *tablet, void *context)
{
    (void)context;
    if (tablet->sealed)
        return STATUS_DONE;
    lock_acquire(&store->edit);
    uint64_t made_before = store->next_file;
    lock_release(&store->edit);
    for (;;) {
        struct job *job;
        bool claimed;
        TRY(background_claim(store, tablet, CLAIM_COMPACTION, job_always, NULL, &claimed));
        TRY(compaction_begin_major(store, tablet, made_before, &job));
        if (!job)
            return STATUS_DONE;
        TRY(job_run(job));
    }
}

status store_compact(struct store *store, uint64_t table_id)
{
    TRY(refused(store));
    return job_each_tablet(store, table_id, tablet_compact, NULL);
}

struct chosen_files {
    const uint64_t *numbers;
    uint32_t count;
};

static status tablet_compact_chosen(struct store *store, struct tablet *tablet, void *context)
{
    const struct chosen_files *files = context;
    struct job *job;
    bool claimed;
    if (tablet->sealed)
        return STATUS_DONE;
    TRY(background_claim(store, tablet, CLAIM_COMPACTION, job_always, NULL, &claimed));
    TRY(compaction_begin_chosen(store, tablet, files->numbers, files->count, &job));
    return job ? job_run(job) : STATUS_DONE;
}

status store_compact_files(struct store *store, uint64_t table_id, const uint64_t *file_numbers,
                           uint32_t count)
{
    struct chosen_files files = {file_numbers, count};
    TRY(refused(store));
    return job_each_tablet(store, table_id, tablet_compact_chosen, &files);
}

uint32_t store_jobs(struct store *store, struct store_job *out_jobs, uint32_t capacity)
{
    struct background *background = &store->background;
    uint32_t count = 0;
    lock_acquire(&background->lock);
    for (const struct job *job = background->jobs; job; job = job->next, count++) {
        if (count >= capacity)
            continue;
        out_jobs[count] = (struct store_job){
            .what = job->flush ? "flush" : compaction_reason_name(job->plan.reason),
            .table_id = job->tablet->table_id,
            .shard = job->tablet->shard->index,
            .input_bytes = job->progress.input_bytes,
            .rows_total = job->progress.rows_total,
            .rows_done = atomic_load_explicit(&job->progress.rows_done, memory_order_relaxed),
        };
        if (out_jobs[count].rows_done > out_jobs[count].rows_total)
            out_jobs[count].rows_done = out_jobs[count].rows_total;
    }
    lock_release(&background->lock);
    return count;
}

/* ---- steps ---- */

status store_step(struct store *store, bool *out_did)
{
    *out_did = false;
    if (store->background.threaded || store->read_only)
        return STATUS_DONE;
    TRY(background_log_step(store, out_did));
    if (*out_did)
        return STATUS_DONE;
    return background_work_step(store, out_did);
}

static bool tablet_quiet(const struct tablet *tablet)
{
    bool compactable = tablet->options.compaction != STORE_COMPACTION_NONE && tablet->version &&
                       tablet->version->sstable_count > 0;
    return !tablet->flushing && !tablet->compacting && !tablet_flush_is_needed(tablet) &&
           (tablet->compaction_idle || !compactable);
}

/* Caller holds the background's lock. */
static bool store_quiet(struct store *store)
{
    bool quiet = !store_memory_high(store);
    for (uint32_t i = 0; quiet && i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        lock_acquire(&shard->versions);
        for (uint32_t j = 0; quiet && j < shard->slot_count; j++)
            quiet = !shard->slots[j] || tablet_quiet(shard->slots[j]);
        lock_release(&shard->versions);
    }
    return quiet;
}

static status settle_by_hand(struct store *store)
{
    bool did = true;
    while (did)
        TRY(store_step(store, &did));
    flush_trim_logs(store);
    return STATUS_DONE;
}

status store_settle(struct store *store)
{
    struct background *background = &store->background;
    TRY(refused(store));
    if (!background->threaded)
        return settle_by_hand(store);
    status st = STATUS_DONE;
    lock_acquire(&background->lock);
    while (ok(st) && !store_quiet(store)) {
        background->news++;
        lock_wake_all(&background->wake);
        lock_wait_for(&background->done, &background->lock, SETTLE_WAIT_US);
        st = background_failure(store);
        if (ok(st))
            st = refused(store);
    }
    lock_release(&background->lock);
    if (ok(st))
        flush_trim_logs(store);
    return st;
}

/* ---- verify ---- */

static status tablet_verify(struct store *store, struct tablet *tablet, void *context)
{
    (void)store;
    (void)context;
    struct version *version = tablet_version(tablet);
    status st = STATUS_DONE;
    for (uint32_t i = 0; version && ok(st) && i < version->sstable_count; i++)
        st = sstable_verify(version->sstables[i]);
    version_unref(version);
    return st;
}

status store_verify(struct store *store, uint64_t table_id)
{
    return job_each_tablet(store, table_id, tablet_verify, NULL);
}
