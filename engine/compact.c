#include "engine/job_internal.h"

#include <stdlib.h>

#include "engine/store_internal.h"

struct candidates {
    struct sstable **tables;    /* borrowed from the version */
    struct sstable_info *infos; /* owned */
    uint32_t count;
};

static struct compaction_options options_for(const struct store_table_options *table)
{
    struct compaction_options options = compaction_defaults;
    options.strategy = table->compaction == STORE_COMPACTION_TIME_WINDOW   ? COMPACTION_TIME_WINDOW
                       : table->compaction == STORE_COMPACTION_SIZE_TIERED ? COMPACTION_SIZE_TIERED
                                                                           : COMPACTION_NONE;
    if (table->min_threshold)
        options.min_threshold = table->min_threshold;
    if (table->max_threshold)
        options.max_threshold = table->max_threshold;
    if (table->window_s)
        options.window_s = table->window_s;
    return options;
}

static status candidates_open(const struct version *version, struct candidates *out)
{
    uint32_t count = version ? version->sstable_count : 0;
    *out = (struct candidates){0};
    out->tables = calloc(count ? count : 1, sizeof(struct sstable *));
    out->infos = calloc(count ? count : 1, sizeof *out->infos);
    if (!out->tables || !out->infos) {
        free(out->tables);
        free(out->infos);
        return STATUS_FAIL(STATUS_NOMEM);
    }
    for (uint32_t i = 0; i < count; i++) {
        out->tables[i] = version->sstables[i];
        out->infos[i] = *sstable_info(version->sstables[i]);
    }
    out->count = count;
    return STATUS_DONE;
}

static void candidates_close(struct candidates *candidates)
{
    free(candidates->tables);
    free(candidates->infos);
}

static void leave_out(struct candidates *candidates, const struct compaction_choice *choice)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < choice->count; i++)
        candidates->tables[choice->chosen[i]] = NULL;
    for (uint32_t i = 0; i < candidates->count; i++) {
        if (!candidates->tables[i])
            continue;
        candidates->tables[kept] = candidates->tables[i];
        candidates->infos[kept++] = candidates->infos[i];
    }
    candidates->count = kept;
}

/* Nothing outside the chosen tables, neither memtable nor SSTable, can hold a write that what they forget covers. */
static bool alone_in_time(const struct version *version, struct sstable *const *chosen, uint32_t count)
{
    int64_t min_token = INT64_MAX, max_token = INT64_MIN, newest = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        const struct sstable_info *info = sstable_info(chosen[i]);
        min_token = info->min_token < min_token ? info->min_token : min_token;
        max_token = info->max_token > max_token ? info->max_token : max_token;
        newest = info->max_timestamp > newest ? info->max_timestamp : newest;
    }
    return newest < version_min_timestamp(version, min_token, max_token, chosen, count);
}

static uint64_t greatest_number(struct sstable *const *tables, uint32_t count)
{
    uint64_t greatest = 0;
    for (uint32_t i = 0; i < count; i++)
        if (sstable_info(tables[i])->file_number > greatest)
            greatest = sstable_info(tables[i])->file_number;
    return greatest;
}

/* A choice that only pays when it can forget something is worth it only when nothing keeps it from forgetting. A
 * table that was rewritten for its tombstones once is not rewritten for them again: whatever kept them is still there. */
static bool worth_it(struct tablet *tablet, const struct version *version, enum compaction_reason reason,
                     struct sstable *const *chosen, uint32_t count)
{
    if (reason != COMPACTION_EXPIRED && reason != COMPACTION_TOMBSTONES)
        return true;
    if (reason == COMPACTION_TOMBSTONES && greatest_number(chosen, count) <= tablet->tombstones_tried)
        return false;
    return alone_in_time(version, chosen, count);
}

/* The best choice that is worth it, its tables in `chosen`. */
static struct compaction_choice choose(struct store *store, struct tablet *tablet,
                                       const struct version *version, struct candidates *candidates,
                                       struct sstable **chosen)
{
    lock_acquire(&tablet->shard->versions);
    struct store_table_options table = tablet->options;
    lock_release(&tablet->shard->versions);
    struct compaction_options options = options_for(&table);
    int64_t now_s = io_now_us(store->env) / 1000000;
    for (;;) {
        struct compaction_choice choice =
            compaction_pick(&options, candidates->infos, candidates->count, now_s, now_s - table.gc_grace_s);
        if (choice.reason == COMPACTION_IDLE)
            return choice;
        for (uint32_t i = 0; i < choice.count; i++)
            chosen[i] = candidates->tables[choice.chosen[i]];
        if (worth_it(tablet, version, choice.reason, chosen, choice.count))
            return choice;
        leave_out(candidates, &choice);
    }
}

status compaction_begin(struct store *store, struct tablet *tablet, struct job **out_job)
{
    struct version *version = tablet_version(tablet);
    struct candidates candidates;
    struct sstable *chosen[ARRAY_LEN(((struct compaction_choice *)0)->chosen)];
    *out_job = NULL;
    status st = candidates_open(version, &candidates);
    if (failed(st)) {
        version_unref(version);
        background_unclaim(store, tablet, CLAIM_COMPACTION);
        return st;
    }
    struct compaction_choice choice = choose(store, tablet, version, &candidates, chosen);
    if (choice.reason == COMPACTION_IDLE) {
        background_unclaim(store, tablet, CLAIM_COMPACTION);
    } else {
        bool drop_unread = choice.reason == COMPACTION_EXPIRED && !store_batches_under_way(store);
        if (choice.reason == COMPACTION_TOMBSTONES)
            tablet->tombstones_tried = UINT64_MAX; /* until the job knows the numbers of its outputs */
        st = job_open_compaction(store, tablet, chosen, choice.count, drop_unread, out_job);
    }
    candidates_close(&candidates);
    version_unref(version);
    return st;
}

/* A lone table is rewritten only when it may hold something to forget. */
static bool major_useful(const struct version *version)
{
    if (!version || version->sstable_count == 0)
        return false;
    const struct sstable_info *only = sstable_info(version->sstables[0]);
    return version->sstable_count > 1 || only->tombstones > 0 || only->min_expiry_s != INT64_MAX;
}

status compaction_begin_major(struct store *store, struct tablet *tablet, struct job **out_job)
{
    struct version *version = tablet_version(tablet);
    status st = STATUS_DONE;
    *out_job = NULL;
    if (major_useful(version))
        st = job_open_compaction(store, tablet, version->sstables, version->sstable_count, false, out_job);
    else
        background_unclaim(store, tablet, CLAIM_COMPACTION);
    version_unref(version);
    return st;
}
