#include "engine/job_internal.h"

#include <stdlib.h>

#include "engine/store_internal.h"

enum {
    OUTPUT_BYTES_MAX = 256 << 20,
};

static struct store_table_options options_of(struct tablet *tablet)
{
    lock_acquire(&tablet->shard->versions);
    struct store_table_options options = tablet->options;
    lock_release(&tablet->shard->versions);
    return options;
}

/* Bits per partition that give a filter the chance of a false positive asked for: 1.44 log2(1/p), a little more
 * because the filter is blocked. */
static uint32_t filter_bits(double chance)
{
    if (!(chance > 0) || chance >= 1)
        return 0;
    uint32_t bits = 2;
    for (double p = chance; p < 1 && bits < 30; p *= 2)
        bits += bits % 2 ? 2 : 1;
    return bits;
}

static struct compaction_job_options work_options(struct store *store,
                                                  const struct store_table_options *table, uint64_t table_id)
{
    return (struct compaction_job_options){
        .build = {.env = store->env,
                  .store_id = store->store_id,
                  .table_id = table_id,
                  .block_bytes = table->block_bytes,
                  .compression_level = table->compression_level,
                  .filter_bits = filter_bits(table->filter_fp_chance)},
        .folder = store->table_folder,
        .output_bytes_max = OUTPUT_BYTES_MAX,
        .rules = &store->rules,
    };
}

/* Enough file numbers for outputs of at most `bytes` in all, even if each closes at half its size. */
static status numbers_for(struct store *store, uint64_t bytes, struct compaction_job_options *options)
{
    uint64_t count = bytes / (OUTPUT_BYTES_MAX / 2) + 2;
    options->file_number_count = count > 10000 ? 10000 : (uint32_t)count;
    return store_file_numbers(store, options->file_number_count, &options->first_file_number);
}

/* Over cursors that stay with the caller when this fails. */
static void cursors_close(struct cursor **cursors, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        cursor_close(cursors[i]);
}

status job_open_flush(struct store *store, struct tablet *tablet, struct job **out_job)
{
    struct cursor *cursor = NULL;
    struct memtable_stats stats;
    struct job *job = calloc(1, sizeof *job);
    status st = job ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    if (failed(st)) {
        background_unclaim(store, tablet, CLAIM_FLUSH);
        return st;
    }
    *job = (struct job){.store = store, .tablet = tablet_ref(tablet), .input = tablet_oldest_frozen(tablet)};
    if (!job->input) {
        st = STATUS_FAIL(STATUS_NOT_FOUND);
        goto out;
    }
    struct store_table_options table = options_of(tablet);
    struct compaction_job_options options = work_options(store, &table, tablet->table_id);
    memtable_stats(job->input->memtable, &stats);
    options.build.expected_partitions = stats.partitions;
    st = numbers_for(store, stats.bytes, &options);
    if (ok(st))
        st = memtable_cursor_open(job->input->memtable, false, &cursor);
    if (ok(st)) {
        st = compaction_job_new(&options, &cursor, 1, &job->work);
        if (failed(st))
            cursor_close(cursor);
    }
    if (ok(st)) {
        *out_job = job;
        job = NULL;
    }
out:
    if (job) {
        write_buffer_unref(job->input);
        tablet_unref(job->tablet);
        free(job);
        background_unclaim(store, tablet, CLAIM_FLUSH);
    }
    return st;
}

bool store_batches_under_way(struct store *store)
{
    bool any = false;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        lock_acquire(&store->shards[i].writer);
        any = any || store->shards[i].first_pin;
        lock_release(&store->shards[i].writer);
    }
    return any;
}

static void purge_set(struct store *store, struct tablet *tablet, const struct store_table_options *table,
                      struct sstable *const *inputs, uint32_t count, struct compaction_job_options *options)
{
    int64_t min_token = INT64_MAX, max_token = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        const struct sstable_info *info = sstable_info(inputs[i]);
        min_token = info->min_token < min_token ? info->min_token : min_token;
        max_token = info->max_token > max_token ? info->max_token : max_token;
    }
    int64_t now_s = io_now_us(store->env) / 1000000;
    options->purging = !store_batches_under_way(store);
    struct version *version = tablet_version(tablet);
    options->purge = (struct purge){
        .now_s = now_s,
        .gc_before_s = now_s - table->gc_grace_s,
        .max_purgeable_timestamp = version_min_timestamp(version, min_token, max_token, inputs, count),
    };
    version_unref(version);
}

static status compaction_work_open(struct job *job)
{
    struct store *store = job->store;
    struct cursor **cursors = calloc(job->input_count, sizeof(struct cursor *));
    uint32_t opened = 0;
    uint64_t bytes = 0, partitions = 0;
    if (!cursors)
        return STATUS_FAIL(STATUS_NOMEM);
    struct store_table_options table = options_of(job->tablet);
    struct compaction_job_options options = work_options(store, &table, job->tablet->table_id);
    status st = STATUS_DONE;
    for (; ok(st) && opened < job->input_count; opened += ok(st)) {
        const struct sstable_info *info = sstable_info(job->inputs[opened]);
        bytes += info->file_bytes > info->raw_bytes ? info->file_bytes : info->raw_bytes;
        partitions += info->partitions;
        st = sstable_cursor_open(job->inputs[opened], false, &cursors[opened]);
    }
    options.build.expected_partitions = partitions;
    purge_set(store, job->tablet, &table, job->inputs, job->input_count, &options);
    if (ok(st))
        st = numbers_for(store, bytes, &options);
    if (ok(st))
        st = compaction_job_new(&options, cursors, job->input_count, &job->work);
    if (failed(st))
        cursors_close(cursors, opened);
    free(cursors);
    return st;
}

status job_open_compaction(struct store *store, struct tablet *tablet, struct sstable *const *inputs,
                           uint32_t count, bool drop_unread, struct job **out_job)
{
    struct job *job = calloc(1, sizeof *job);
    struct sstable **tables = calloc(count ? count : 1, sizeof(struct sstable *));
    if (!job || !tables) {
        free(job);
        free(tables);
        background_unclaim(store, tablet, CLAIM_COMPACTION);
        return STATUS_FAIL(STATUS_NOMEM);
    }
    for (uint32_t i = 0; i < count; i++)
        tables[i] = sstable_ref(inputs[i]);
    *job = (struct job){.store = store, .tablet = tablet_ref(tablet), .inputs = tables, .input_count = count};
    status st = drop_unread ? STATUS_DONE : compaction_work_open(job);
    if (failed(st)) {
        job_close(job);
        return st;
    }
    *out_job = job;
    return STATUS_DONE;
}

void job_close(struct job *job)
{
    if (!job)
        return;
    bool flush = job->input != NULL;
    compaction_job_free(job->work);
    for (uint32_t i = 0; i < job->input_count; i++)
        sstable_unref(job->inputs[i]);
    free(job->inputs);
    write_buffer_unref(job->input);
    background_unclaim(job->store, job->tablet, flush ? CLAIM_FLUSH : CLAIM_COMPACTION);
    tablet_unref(job->tablet);
    free(job);
}

/* ---- installing ---- */

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

static status outputs_open(struct job *job, struct sstable ***out_tables, uint32_t *out_count)
{
    uint32_t count = 0, opened = 0;
    const struct sstable_info *outputs = job->work ? compaction_job_outputs(job->work, &count) : NULL;
    struct sstable **tables = calloc(count ? count : 1, sizeof(struct sstable *));
    if (!tables)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = STATUS_DONE;
    for (; ok(st) && opened < count; opened += ok(st))
        st = store_open_sstable(job->store, outputs[opened].file_number, &tables[opened]);
    if (failed(st)) {
        for (uint32_t i = 0; i < opened; i++)
            sstable_unref(tables[i]);
        free(tables);
        return st;
    }
    *out_tables = tables;
    *out_count = count;
    return STATUS_DONE;
}

static void edit_encode(const struct job *job, const struct receivers *receivers,
                        struct sstable *const *outputs, uint32_t count, struct buffer *edit)
{
    for (uint32_t r = 0; r < receivers->count; r++) {
        const struct tablet *tablet = receivers->tablets[r];
        for (uint32_t i = 0; i < count; i++) {
            if (r == 0)
                edit_add_file(edit, tablet->table_id, tablet->shard->index, sstable_info(outputs[i]));
            else
                edit_share_file(edit, tablet->table_id, sstable_info(outputs[i])->file_number);
        }
        for (uint32_t i = 0; i < job->input_count; i++)
            edit_remove_file(edit, tablet->table_id, sstable_info(job->inputs[i])->file_number);
        if (job->input)
            edit_floors(edit, tablet->table_id, tablet->shard->index, job->input->floors,
                        job->store->shard_count);
    }
}

static void count_work(const struct job *job, struct sstable *const *outputs, uint32_t count)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += sstable_info(outputs[i])->file_bytes;
    struct tablet *tablet = job->tablet;
    atomic_fetch_add_explicit(job->input ? &tablet->flushes : &tablet->compactions, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&tablet->written_bytes, bytes, memory_order_relaxed);
    if (job->input)
        atomic_fetch_add_explicit(&tablet->flushed_bytes, bytes, memory_order_relaxed);
    if (tablet->tombstones_tried == UINT64_MAX && !job->input)
        tablet->tombstones_tried = count ? sstable_info(outputs[count - 1])->file_number : 0;
}

/* Exchange sources after the edit is durable. There is no way back from here: if memory runs out now, the store
 * refuses writes and the next open sees what the manifest says. */
static status sources_exchange(struct job *job, const struct receivers *receivers,
                               struct sstable *const *outputs, uint32_t count)
{
    struct store *store = job->store;
    for (uint32_t i = 0; i < receivers->count; i++) {
        struct tablet *tablet = receivers->tablets[i];
        status st = tablet_exchange(tablet, job->input, job->inputs, job->input_count, outputs, count);
        if (failed(st)) {
            atomic_store(&store->refusing, true);
            return st;
        }
        if (!job->input)
            continue;
        lock_acquire(&store->background.lock);
        tablet->compaction_idle = false; /* there may be one more SSTable to think of */
        lock_release(&store->background.lock);
    }
    for (uint32_t i = 0; i < job->input_count; i++)
        if (!manifest_file_named(&store->state, sstable_info(job->inputs[i])->file_number))
            sstable_set_obsolete(job->inputs[i]);
    count_work(job, outputs, count);
    return STATUS_DONE;
}

static status install(struct job *job)
{
    struct store *store = job->store;
    struct sstable **outputs = NULL;
    struct buffer edit = {0};
    struct receivers receivers = {0};
    uint32_t count = 0;
    /* What the memtable holds must be in the log before it is in a table: else a power cut could keep one half of a
     * batch, or a later write without an earlier one (I2). */
    if (job->input)
        TRY(store_sync_logs(store));
    TRY(outputs_open(job, &outputs, &count));

    lock_acquire(&store->edit);
    status st = receivers_find(job, &receivers);
    bool current = receivers.count > 0;
    if (current) {
        edit_encode(job, &receivers, outputs, count, &edit);
        st = store_edit(store, &edit);
        if (ok(st))
            st = sources_exchange(job, &receivers, outputs, count);
    } else if (ok(st)) {
        for (uint32_t i = 0; i < count; i++)
            sstable_set_obsolete(outputs[i]);
    }
    lock_release(&store->edit);

    buffer_deinit(&edit);
    receivers_free(&receivers);
    for (uint32_t i = 0; i < count; i++)
        sstable_unref(outputs[i]);
    free(outputs);
    if (ok(st) && current && job->input)
        st = flush_release_logs(store);
    return st;
}

status job_step(struct job *job, uint64_t rows, bool *out_done)
{
    if (job->work && !job->merged)
        TRY(compaction_job_step(job->work, rows, &job->merged));
    else
        job->merged = true;
    if (job->merged)
        TRY(install(job));
    *out_done = job->merged;
    return STATUS_DONE;
}
