/*
 * install.c: what a job has made takes the place of what it was made from: one manifest edit, then the sources are
 * exchanged. A compaction may do so for its first outputs already, with the inputs that are drained.
 */
#include <stdlib.h>

#include "engine/job_internal.h"
#include "engine/store_internal.h"

/* Outputs that come, inputs that go. */
struct exchange {
    struct sstable **outputs; /* owned array of counted tables */
    uint32_t output_count;
    struct sstable **inputs; /* owned array, borrowed from the job */
    uint32_t input_count;
};

static void exchange_deinit(struct exchange *exchange)
{
    for (uint32_t i = 0; i < exchange->output_count; i++)
        sstable_unref(exchange->outputs[i]);
    free(exchange->outputs);
    free(exchange->inputs);
}

/* Who gets the outcome of a job. A memtable may be shared by a table, its snapshots and its clones: it is flushed once,
 * for whichever of them have it still. */
struct receivers {
    struct tablet **tablets; /* owned, counted */
    uint32_t count;
};

/* The tablet still has what the compaction worked on: no TRUNCATE, DROP or restore came between. */
static bool inputs_current(struct job *job)
{
    struct tablet *tablet = job->tablet;
    lock_acquire(&tablet->shard->versions);
    bool current = !tablet->dropped;
    for (uint32_t i = 0; i < job->input_count; i++)
        current = current && version_has_sstable(tablet->version, sstable_info(job->inputs[i])->file_number);
    lock_release(&tablet->shard->versions);
    return current;
}

/* None when the outcome is not wanted any more. Caller holds `edit`. */
static status receivers_find(struct job *job, struct receivers *out)
{
    if (job->input)
        return shard_holders(job->tablet->shard, job->input, &out->tablets, &out->count);
    out->tablets = malloc(sizeof(struct tablet *));
    if (!out->tablets)
        return STATUS_FAIL(STATUS_NOMEM);
    if (inputs_current(job))
        out->tablets[out->count++] = tablet_ref(job->tablet);
    return STATUS_DONE;
}

static void receivers_free(struct receivers *receivers)
{
    for (uint32_t i = 0; i < receivers->count; i++)
        tablet_unref(receivers->tablets[i]);
    free(receivers->tablets);
}

static status outputs_open(struct job *job, struct exchange *exchange)
{
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < job->work_count; i++) {
        uint32_t count;
        (void)compaction_job_outputs(job->works[i], &count);
        capacity += count;
    }
    exchange->outputs = calloc(capacity ? capacity : 1, sizeof(struct sstable *));
    if (!exchange->outputs)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < job->work_count; i++) {
        uint32_t count;
        const struct sstable_info *infos = compaction_job_outputs(job->works[i], &count);
        for (uint32_t j = i == 0 ? job->released : 0; j < count; j++) {
            TRY(store_open_sstable(job->store, infos[j].file_number,
                                   &exchange->outputs[exchange->output_count]));
            sstable_take_warmth(exchange->outputs[exchange->output_count++], &infos[j]);
        }
    }
    return STATUS_DONE;
}

/* Inputs that end at or before `max_token`. */
static status inputs_take(const struct job *job, int64_t max_token, struct exchange *exchange)
{
    exchange->inputs = calloc(job->input_count ? job->input_count : 1, sizeof(struct sstable *));
    if (!exchange->inputs)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < job->input_count; i++)
        if (sstable_info(job->inputs[i])->max_token <= max_token)
            exchange->inputs[exchange->input_count++] = job->inputs[i];
    return STATUS_DONE;
}

static void edit_encode(const struct job *job, const struct receivers *receivers,
                        const struct exchange *exchange, struct buffer *edit)
{
    for (uint32_t r = 0; r < receivers->count; r++) {
        const struct tablet *tablet = receivers->tablets[r];
        for (uint32_t i = 0; i < exchange->output_count; i++) {
            const struct sstable_info *info = sstable_info(exchange->outputs[i]);
            if (r == 0)
                edit_add_file(edit, tablet->table_id, tablet->shard->index, info);
            else
                edit_share_file(edit, tablet->table_id, info->file_number);
        }
        for (uint32_t i = 0; i < exchange->input_count; i++)
            edit_remove_file(edit, tablet->table_id, sstable_info(exchange->inputs[i])->file_number);
        if (job->input)
            edit_floors(edit, tablet->table_id, tablet->shard->index, job->input->floors,
                        job->store->shard_count);
    }
}

static uint64_t bytes_of(struct sstable *const *tables, uint32_t count)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += sstable_info(tables[i])->file_bytes;
    return bytes;
}

static void count_exchange(const struct job *job, const struct exchange *exchange)
{
    struct tablet *tablet = job->tablet;
    uint64_t written = bytes_of(exchange->outputs, exchange->output_count);
    atomic_fetch_add_explicit(&tablet->written_bytes, written, memory_order_relaxed);
    if (job->flush) {
        atomic_fetch_add_explicit(&tablet->flushed_bytes, written, memory_order_relaxed);
        return;
    }
    struct compaction_tally *tally = &tablet->compacted[job->plan.reason];
    atomic_fetch_add_explicit(&tally->out_bytes, written, memory_order_relaxed);
    atomic_fetch_add_explicit(&tally->in_bytes, bytes_of(exchange->inputs, exchange->input_count),
                              memory_order_relaxed);
}

static void count_job(const struct job *job, const struct exchange *exchange)
{
    struct tablet *tablet = job->tablet;
    atomic_fetch_add_explicit(job->flush ? &tablet->flushes : &tablet->compactions, 1, memory_order_relaxed);
    if (job->flush)
        return;
    atomic_store_explicit(&tablet->flushes_compacted, job->flushes_before, memory_order_relaxed);
    struct compaction_tally *tally = &tablet->compacted[job->plan.reason];
    atomic_fetch_add_explicit(&tally->jobs, 1, memory_order_relaxed);
    if (job->work_count) {
        struct compaction_counters counters;
        compaction_job_counters(job->works[0], &counters);
        atomic_fetch_add_explicit(&tablet->blocks_copied, counters.blocks_copied, memory_order_relaxed);
        atomic_fetch_add_explicit(&tablet->rows_copied, counters.rows_copied, memory_order_relaxed);
        atomic_fetch_add_explicit(&tablet->rows_rewritten, counters.rows, memory_order_relaxed);
        atomic_fetch_add_explicit(&tablet->rows_coded, counters.rows_coded, memory_order_relaxed);
        atomic_fetch_add_explicit(&tablet->rows_reconciled, counters.rows_merged, memory_order_relaxed);
    }
    if (tablet->tombstones_tried == UINT64_MAX)
        tablet->tombstones_tried =
            exchange->output_count ? sstable_info(exchange->outputs[exchange->output_count - 1])->file_number
                                   : 0;
}

/* Exchange sources after the edit is durable. There is no way back from here: if memory runs out now, the store
 * refuses writes and the next open sees what the manifest says. */
static status sources_exchange(struct job *job, const struct receivers *receivers,
                               const struct exchange *exchange)
{
    struct store *store = job->store;
    for (uint32_t i = 0; i < receivers->count; i++) {
        struct tablet *tablet = receivers->tablets[i];
        status st = tablet_exchange(tablet, job->input, exchange->inputs, exchange->input_count,
                                    exchange->outputs, exchange->output_count);
        if (failed(st)) {
            st.code = STATUS_CLOSED; /* not a want that passes */
            return store_refuse(store, st);
        }
        if (!job->input)
            continue;
        lock_acquire(&store->background.lock);
        tablet->compaction_idle = false; /* there may be one more SSTable to think of */
        lock_release(&store->background.lock);
    }
    for (uint32_t i = 0; i < exchange->input_count; i++)
        if (!manifest_file_named(&store->state, sstable_info(exchange->inputs[i])->file_number))
            sstable_set_obsolete(exchange->inputs[i]);
    count_exchange(job, exchange);
    return STATUS_DONE;
}

/* *out_current is false when nobody wants the outcome any more. */
static status exchange_install(struct job *job, const struct exchange *exchange, bool *out_current)
{
    struct store *store = job->store;
    struct receivers receivers = {0};
    struct buffer edit = {0};
    lock_acquire(&store->edit);
    status st = receivers_find(job, &receivers);
    *out_current = receivers.count > 0;
    if (ok(st) && *out_current) {
        edit_encode(job, &receivers, exchange, &edit);
        st = store_edit(store, &edit);
        if (ok(st))
            st = sources_exchange(job, &receivers, exchange);
    }
    lock_release(&store->edit);
    receivers_free(&receivers);
    buffer_deinit(&edit);
    return st;
}

status job_install(struct job *job)
{
    struct store *store = job->store;
    struct exchange exchange = {0};
    bool current = false;
    /* What the memtable holds must be in the log before it is in a table: else a power cut could keep one half of a
     * batch, or a later write without an earlier one (I2). */
    status st = job->input ? store_sync_logs(store) : STATUS_DONE;
    if (ok(st))
        st = outputs_open(job, &exchange);
    if (ok(st))
        st = inputs_take(job, INT64_MAX, &exchange);
    /* What was damaged is not deleted: somebody may still want to read it (I6). */
    if (ok(st) && job->plan.salvage)
        st = scrub_keep_copy(store, sstable_info(job->inputs[0]));
    if (ok(st))
        st = exchange_install(job, &exchange, &current);
    job->installed = ok(st) && current;
    if (job->installed)
        count_job(job, &exchange);
    for (uint32_t i = 0; ok(st) && !current && i < exchange.output_count; i++)
        sstable_set_obsolete(exchange.outputs[i]);
    exchange_deinit(&exchange);
    if (ok(st) && current && job->input)
        st = flush_release_logs(store);
    if (ok(st) && current && job->input)
        background_log_released(store);
    return st;
}

/* The job has nothing to do with these inputs any more. */
static void inputs_forget(struct job *job, const struct exchange *exchange)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < job->input_count; i++) {
        bool gone = false;
        for (uint32_t j = 0; j < exchange->input_count; j++)
            gone = gone || exchange->inputs[j] == job->inputs[i];
        if (!gone)
            job->inputs[kept++] = job->inputs[i];
    }
    for (uint32_t j = 0; j < exchange->input_count; j++)
        sstable_unref(exchange->inputs[j]);
    job->input_count = kept;
}

status job_release(struct job *job)
{
    struct exchange exchange = {0};
    int64_t max_token;
    bool current = false;
    if (!compaction_job_may_release(job->works[0], &max_token))
        return STATUS_DONE;
    status st = inputs_take(job, max_token, &exchange);
    if (ok(st) && exchange.input_count) {
        st = outputs_open(job, &exchange);
        if (ok(st))
            st = exchange_install(job, &exchange, &current);
        if (ok(st) && current) {
            job->released += exchange.output_count;
            compaction_job_adopt(job->works[0], job->released);
            inputs_forget(job, &exchange);
        } else if (failed(st) && atomic_load(&job->store->refusing)) {
            /* The manifest may name them although they are not installed; if it does not, the next open clears them away. */
            compaction_job_adopt(job->works[0], job->released + exchange.output_count);
        }
    }
    exchange_deinit(&exchange);
    /* The outputs wait for the next chance; a full disk is not the end of the job. */
    return st.code == STATUS_NOSPACE ? STATUS_DONE : st;
}
