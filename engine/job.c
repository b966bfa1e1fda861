#include "engine/job_internal.h"

#include <stdlib.h>

#include "compaction/salvage.h"
#include "compaction/time_slice.h"
#include "engine/store_internal.h"
#include "engine/tuning_internal.h"

enum {
    OUTPUT_BYTES_MAX = 256 << 20,
    FILE_NUMBERS_MAX = 10000,
};

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
                  .filter_bits = filter_bits(table->filter_fp_chance),
                  .shelf = store->shelf,
                  .warm = store->no_warmth ? NULL : store->cache,
                  .off_strategy = store->recovering},
        .folder = store->table_folder,
        .output_bytes_max = OUTPUT_BYTES_MAX,
        .no_block_copy = store->no_block_copy,
        .no_code_copy = store->no_code_copy,
        .rules = &store->rules,
    };
}

/* Enough file numbers for outputs of at most `bytes` in all, even if each closes at half its size. */
static status numbers_for(struct store *store, uint64_t bytes, struct compaction_job_options *options)
{
    uint64_t count = bytes / (options->output_bytes_max / 2 + 1) + 2 + options->output_shards;
    options->file_number_count = count > FILE_NUMBERS_MAX ? FILE_NUMBERS_MAX : (uint32_t)count;
    TRY(store_file_numbers(store, options->file_number_count, &options->first_file_number));
    if (!options->build.run)
        options->build.run = options->first_file_number;
    return STATUS_DONE;
}

/* ---- flush ---- */

/* One pass over the memtable: all of it, or what lies in some windows. */
static status pass_open(struct job *job, struct compaction_job_options options, uint64_t bytes,
                        const struct compaction_options *windows, int64_t first, int64_t last)
{
    struct cursor *cursor = NULL, *slice = NULL;
    options.build.run = 0; /* a run of its own: runs are weighed by window */
    TRY(numbers_for(job->store, bytes, &options));
    TRY(memtable_cursor_open(job->input->memtable, false, &cursor));
    status st = windows ? time_slice_open(cursor, windows, first, last, &slice) : STATUS_DONE;
    if (slice)
        cursor = slice;
    if (ok(st))
        st = compaction_job_new(&options, &cursor, 1, &job->works[job->work_count]);
    if (failed(st))
        cursor_close(cursor);
    else
        job->work_count++;
    return st;
}

static status windows_of(struct job *job, const struct compaction_options *options, int64_t *out_windows,
                         uint32_t *out_count)
{
    struct cursor *cursor;
    TRY(memtable_cursor_open(job->input->memtable, false, &cursor));
    status st = time_slice_survey(cursor, options, JOB_PASSES_MAX, out_windows, out_count);
    cursor_close(cursor);
    return st;
}

static status passes_open(struct job *job, const struct compaction_job_options *options,
                          const struct store_table_options *table, const struct memtable_stats *stats)
{
    struct compaction_options windows = tuning_options(table, 0);
    int64_t found[JOB_PASSES_MAX];
    uint32_t count = 0;
    bool may_split = table->compaction == STORE_COMPACTION_TIME_WINDOW && stats->writes &&
                     compaction_window_of(&windows, stats->min_timestamp) !=
                         compaction_window_of(&windows, stats->max_timestamp);
    if (may_split)
        TRY(windows_of(job, &windows, found, &count));
    if (count < 2)
        return pass_open(job, *options, stats->bytes, NULL, 0, 0);
    for (uint32_t i = 0; i < count; i++)
        TRY(pass_open(job, *options, stats->bytes, &windows, i ? found[i] : INT64_MIN,
                      i + 1 < count ? found[i] : INT64_MAX));
    return STATUS_DONE;
}

/* What a new table of the tablet should use: what its files have, unless that serves them no more. */
static status dictionary_of_tablet(struct job *job, struct sstable_dictionary **out_dictionary)
{
    struct version *version = tablet_version(job->tablet);
    status st = STATUS_DONE;
    *out_dictionary = NULL;
    if (version)
        st = sstable_dictionary_choose(version->sstables, version->sstable_count, out_dictionary);
    for (uint32_t i = 0; ok(st) && version && !*out_dictionary && i < version->sstable_count; i++)
        dictionary_shelf_forget(job->store->shelf, job->tablet->table_id,
                                sstable_table_dictionary_id(version->sstables[i]));
    version_unref(version);
    if (ok(st))
        *out_dictionary = dictionary_shelf_prefer(job->store->shelf, job->tablet->table_id, *out_dictionary);
    return st;
}

static status flush_work_open(struct job *job)
{
    struct tablet *tablet = job->tablet;
    struct memtable_stats stats;
    struct store_table_options table;
    (void)compaction_options_of(job->store, tablet, &table);
    struct compaction_job_options options = work_options(job->store, &table, tablet->table_id);
    memtable_stats(job->input->memtable, &stats);
    job->progress.rows_total = stats.rows;
    job->progress.input_bytes = stats.bytes;
    options.build.expected_partitions = stats.partitions;
    status st = dictionary_of_tablet(job, &options.build.dictionary);
    job->dictionary = options.build.dictionary;
    return ok(st) ? passes_open(job, &options, &table, &stats) : st;
}

status job_open_flush(struct store *store, struct tablet *tablet, struct job **out_job)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job) {
        background_unclaim(store, tablet, CLAIM_FLUSH);
        return STATUS_FAIL(STATUS_NOMEM);
    }
    *job = (struct job){
        .store = store, .tablet = tablet_ref(tablet), .flush = true, .input = tablet_oldest_frozen(tablet)};
    background_job_add(store, job);
    status st = job->input ? flush_work_open(job) : STATUS_FAIL(STATUS_NOT_FOUND);
    if (ok(st))
        *out_job = job;
    else
        job_close(job);
    return st;
}

/* ---- compaction ---- */

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

static void purge_set(struct job *job, const struct store_table_options *table,
                      struct compaction_job_options *options)
{
    int64_t min_token = INT64_MAX, max_token = INT64_MIN;
    for (uint32_t i = 0; i < job->input_count; i++) {
        const struct sstable_info *info = sstable_info(job->inputs[i]);
        min_token = info->min_token < min_token ? info->min_token : min_token;
        max_token = info->max_token > max_token ? info->max_token : max_token;
    }
    int64_t now_s = io_now_us(job->store->env) / 1000000;
    options->purging = !job->plan.salvage && !store_batches_under_way(job->store);
    struct version *version = tablet_version(job->tablet);
    options->purge = (struct purge){
        .now_s = now_s,
        .gc_before_s = now_s - table->gc_grace_s,
        .max_purgeable_timestamp =
            version_min_timestamp(version, min_token, max_token, job->inputs, job->input_count),
    };
    version_unref(version);
}

/* A dictionary that was learnt from few rows gives way to one of the table that was learnt from more, and to a new one when
 * there is none: ids come again from afar, and files of this size are kept for long. */
static status dictionary_outgrow(struct job *job, uint64_t raw_bytes)
{
    if (!job->dictionary || !sstable_dictionary_is_outgrown(job->dictionary, raw_bytes))
        return STATUS_DONE;
    sstable_dictionary_unref(job->dictionary);
    job->dictionary = NULL;
    status st = dictionary_of_tablet(job, &job->dictionary);
    if (ok(st) && job->dictionary && sstable_dictionary_is_outgrown(job->dictionary, raw_bytes)) {
        sstable_dictionary_unref(job->dictionary);
        job->dictionary = NULL;
    }
    return st;
}

/* The dictionary that most of the inputs share, so that their blocks may pass as they are; else what a new table would
 * use. */
static status dictionary_choose(struct job *job, struct compaction_job_options *options)
{
    uint64_t most = 0, all = 0;
    struct sstable *best = NULL;
    for (uint32_t i = 0; i < job->input_count; i++) {
        uint64_t id = sstable_table_dictionary_id(job->inputs[i]), bytes = 0;
        all += sstable_info(job->inputs[i])->raw_bytes;
        for (uint32_t j = 0; id && j < job->input_count; j++)
            if (sstable_table_dictionary_id(job->inputs[j]) == id)
                bytes += sstable_info(job->inputs[j])->raw_bytes;
        if (bytes > most) {
            most = bytes;
            best = job->inputs[i];
        }
    }
    status st = best && most >= all / 2 && !job->plan.salvage
                    ? sstable_dictionary_get(best, &job->dictionary)
                    : sstable_dictionary_choose(job->inputs, job->input_count, &job->dictionary);
    if (ok(st))
        st = dictionary_outgrow(job, all);
    /* A damaged input may not give its dictionary; then one is trained. */
    options->build.dictionary = ok(st) ? job->dictionary : NULL;
    return job->plan.salvage ? STATUS_DONE : st;
}

static status salvage_open(struct job *job, const struct compaction_job_options *options)
{
    struct cursor *cursor;
    TRY(salvage_cursor_open(job->inputs[0], &job->salvaged, &cursor));
    status st = compaction_job_new(options, &cursor, 1, &job->works[0]);
    if (failed(st))
        cursor_close(cursor);
    return st;
}

static status compaction_work_open(struct job *job)
{
    uint64_t bytes = 0, partitions = 0;
    struct store_table_options table;
    (void)compaction_options_of(job->store, job->tablet, &table);
    struct compaction_job_options options = work_options(job->store, &table, job->tablet->table_id);
    for (uint32_t i = 0; i < job->input_count; i++) {
        const struct sstable_info *info = sstable_info(job->inputs[i]);
        bytes += info->file_bytes > info->raw_bytes ? info->file_bytes : info->raw_bytes;
        partitions += info->partitions;
    }
    options.build.expected_partitions = partitions;
    options.build.level = job->plan.level;
    options.build.run = job->plan.run;
    options.build.off_strategy = false;
    options.output_shards = job->plan.output_shards;
    if (job->plan.output_bytes_max)
        options.output_bytes_max = job->plan.output_bytes_max;
    purge_set(job, &table, &options);
    TRY(dictionary_choose(job, &options));
    TRY(numbers_for(job->store, bytes, &options));
    TRY(job->plan.salvage ? salvage_open(job, &options)
                          : compaction_job_new_over(&options, job->inputs, job->input_count, &job->works[0]));
    job->work_count = 1;
    return STATUS_DONE;
}

status job_open_compaction(struct store *store, struct tablet *tablet, struct sstable *const *inputs,
                           uint32_t count, const struct job_plan *plan, struct job **out_job)
{
    struct job *job = calloc(1, sizeof *job);
    struct sstable **tables = calloc(count ? count : 1, sizeof(struct sstable *));
    if (!job || !tables) {
        free(job);
        free(tables);
        background_unclaim(store, tablet, CLAIM_COMPACTION);
        return STATUS_FAIL(STATUS_NOMEM);
    }
    *job = (struct job){
        .store = store,
        .tablet = tablet_ref(tablet),
        .inputs = tables,
        .input_count = count,
        .flushes_before = atomic_load_explicit(&tablet->flushes, memory_order_relaxed),
        .plan = *plan,
    };
    for (uint32_t i = 0; i < count; i++) {
        tables[i] = sstable_ref(inputs[i]);
        job->progress.rows_total += sstable_info(inputs[i])->rows;
        job->progress.input_bytes += sstable_info(inputs[i])->file_bytes;
    }
    background_job_add(store, job);
    status st = plan->drop_unread ? STATUS_DONE : compaction_work_open(job);
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
    background_job_remove(job->store, job);
    for (uint32_t i = 0; i < job->work_count; i++)
        compaction_job_free(job->works[i]);
    for (uint32_t i = 0; i < job->input_count; i++)
        sstable_unref(job->inputs[i]);
    free(job->inputs);
    if (job->input)
        write_buffer_unref(job->input);
    sstable_dictionary_unref(job->dictionary);
    background_unclaim(job->store, job->tablet, job->flush ? CLAIM_FLUSH : CLAIM_COMPACTION);
    tablet_unref(job->tablet);
    free(job);
}

/* ---- steps ---- */

static status work_step(struct job *job, uint64_t rows)
{
    bool done = false;
    TRY(compaction_job_step(job->works[job->work_at], rows, &done));
    atomic_fetch_add_explicit(&job->progress.rows_done, rows, memory_order_relaxed);
    if (done)
        job->work_at++;
    else if (!job->flush && !job->plan.salvage)
        TRY(job_release(job));
    return STATUS_DONE;
}

status job_step(struct job *job, uint64_t rows, bool *out_done)
{
    if (job->work_at < job->work_count)
        TRY(work_step(job, rows));
    job->merged = job->work_at == job->work_count;
    if (job->merged)
        TRY(job_install(job));
    *out_done = job->merged;
    return STATUS_DONE;
}
