#include "engine/job_internal.h"

#include <stdlib.h>

#include "engine/store_internal.h"
#include "engine/tuning_internal.h"

struct candidates {
    struct sstable **tables;    /* borrowed from the version */
    struct sstable_info *infos; /* owned */
    uint32_t count;
};

/* What a flush makes of one shard when memtables are flushed as they fill, as if it covered all tokens. */
static uint64_t flush_bytes_of(const struct store *store)
{
    return store->memtable_budget_bytes / 2;
}

struct compaction_options compaction_options_of(struct store *store, struct tablet *tablet,
                                                struct store_table_options *out_table)
{
    lock_acquire(&tablet->shard->versions);
    *out_table = tablet->options;
    lock_release(&tablet->shard->versions);
    return tuning_options(out_table, flush_bytes_of(store));
}

/* Files numbered up to `foreign_upto` were made under another strategy. */
static status candidates_open(const struct version *version, uint64_t foreign_upto, struct candidates *out)
{
    uint32_t count = version ? version->sstable_count : 0;
    *out = (struct candidates){0};
    out->tables = calloc(count ? count : 1, sizeof(struct sstable *));
    out->infos = calloc(count ? count : 1, sizeof *out->infos);
    if (!out->tables || !out->infos) {
        free(out->tables);
        free(out->infos);
        *out = (struct candidates){0};
        return STATUS_FAIL(STATUS_NOMEM);
    }
    for (uint32_t i = 0; i < count; i++) {
        out->tables[i] = version->sstables[i];
        out->infos[i] = *sstable_info(version->sstables[i]);
        out->infos[i].off_strategy |= out->infos[i].file_number <= foreign_upto;
    }
    out->count = count;
    return STATUS_DONE;
}

static void candidates_close(struct candidates *candidates)
{
    free(candidates->tables);
    free(candidates->infos);
}

/* What the tables say that may be forgotten of them by now. */
static void candidates_date(struct candidates *candidates, int64_t gc_before_s)
{
    for (uint32_t i = 0; i < candidates->count; i++) {
        struct sstable_droppable estimate = sstable_droppable(candidates->tables[i], gc_before_s);
        candidates->infos[i].droppable = estimate.droppable;
        candidates->infos[i].cells = estimate.cells;
    }
}

/* The chosen tables are not to be chosen for that reason again. They stay candidates for every other: a strategy that saw
 * only a part of a run would merge it with others, and never come to rest. */
static void decline(struct candidates *candidates, const struct compaction_choice *choice)
{
    for (uint32_t i = 0; i < choice->count; i++) {
        struct sstable_info *info = &candidates->infos[choice->chosen[i]];
        if (choice->reason == COMPACTION_EXPIRED)
            info->never_expires = true;
        else
            info->tombstones = info->droppable = 0;
    }
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

/* A choice that only pays when it can forget something is worth it only when nothing keeps it from forgetting, unless
 * the table's options say otherwise. A table that was rewritten for its tombstones once is not rewritten for them again:
 * whatever kept them is still there. */
static bool worth_it(struct tablet *tablet, const struct version *version,
                     const struct compaction_options *options, enum compaction_reason reason,
                     struct sstable *const *chosen, uint32_t count)
{
    if (reason == COMPACTION_EXPIRED)
        return options->expiry_unchecked || alone_in_time(version, chosen, count);
    if (reason != COMPACTION_TOMBSTONES)
        return true;
    if (greatest_number(chosen, count) <= tablet->tombstones_tried)
        return false;
    return options->tombstones_unchecked || alone_in_time(version, chosen, count);
}

/* Time windows look for expired tables only so often. */
static bool expiry_is_due(struct tablet *tablet, const struct store_table_options *table, int64_t now_s)
{
    int64_t passed_s = now_s - tablet->expiry_checked_s;
    return table->compaction != STORE_COMPACTION_TIME_WINDOW || passed_s < 0 ||
           passed_s >= tuning_expiry_check_s(table);
}

/* The best choice that is worth it, its tables in `chosen`. */
static struct compaction_choice choose(struct store *store, struct tablet *tablet,
                                       const struct version *version, struct candidates *candidates,
                                       struct sstable **chosen)
{
    struct store_table_options table;
    struct compaction_options options = compaction_options_of(store, tablet, &table);
    int64_t now_s = io_now_us(store->env) / 1000000;
    options.expiry_checked_late = !expiry_is_due(tablet, &table, now_s);
    candidates_date(candidates, now_s - table.gc_grace_s);
    for (;;) {
        struct compaction_choice choice =
            compaction_pick(&options, candidates->infos, candidates->count, now_s, now_s - table.gc_grace_s);
        /* As long as there is something expired it is looked for again at once. */
        if (choice.reason != COMPACTION_EXPIRED && !options.expiry_checked_late)
            tablet->expiry_checked_s = now_s;
        if (choice.reason == COMPACTION_IDLE)
            return choice;
        for (uint32_t i = 0; i < choice.count; i++)
            chosen[i] = candidates->tables[choice.chosen[i]];
        if (worth_it(tablet, version, &options, choice.reason, chosen, choice.count))
            return choice;
        decline(candidates, &choice);
    }
}

static struct job_plan plan_of(const struct compaction_choice *choice)
{
    return (struct job_plan){
        .reason = choice->reason,
        .level = choice->level,
        .run = choice->run,
        .output_bytes_max = choice->output_bytes_max,
        .output_shards = choice->output_shards,
    };
}

static uint64_t bytes_of(struct sstable *const *tables, uint32_t count)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += sstable_info(tables[i])->file_bytes;
    return bytes;
}

/* Takes over the claim. */
static status begin(struct store *store, struct tablet *tablet, struct sstable **chosen,
                    const struct compaction_choice *choice, struct job **out_job)
{
    struct job_plan plan = plan_of(choice);
    plan.drop_unread = choice->reason == COMPACTION_EXPIRED && !store_batches_under_way(store);
    if (choice->reason == COMPACTION_TOMBSTONES)
        tablet->tombstones_tried = UINT64_MAX; /* until the job knows the numbers of its outputs */
    return job_open_compaction(store, tablet, chosen, choice->count, &plan, out_job);
}

status compaction_begin(struct store *store, struct tablet *tablet, uint64_t bytes_max, struct job **out_job,
                        bool *out_larger)
{
    struct version *version = tablet_version(tablet);
    struct candidates candidates;
    struct sstable *chosen[COMPACTION_CHOSEN_MAX];
    *out_job = NULL;
    *out_larger = false;
    status st = candidates_open(version, tablet->foreign_upto, &candidates);
    if (failed(st)) {
        version_unref(version);
        background_unclaim(store, tablet, CLAIM_COMPACTION);
        return st;
    }
    struct compaction_choice choice = choose(store, tablet, version, &candidates, chosen);
    *out_larger = choice.reason != COMPACTION_IDLE && bytes_of(chosen, choice.count) > bytes_max;
    if (choice.reason == COMPACTION_IDLE || *out_larger)
        background_unclaim(store, tablet, CLAIM_COMPACTION);
    else
        st = begin(store, tablet, chosen, &choice, out_job);
    candidates_close(&candidates);
    version_unref(version);
    return st;
}

void compaction_backlog_update(struct store *store, struct tablet *tablet)
{
    struct version *version = tablet_version(tablet);
    struct store_table_options table;
    struct compaction_options options = compaction_options_of(store, tablet, &table);
    struct candidates candidates;
    if (ok(candidates_open(version, tablet->foreign_upto, &candidates))) {
        uint64_t backlog = compaction_backlog(&options, candidates.infos, candidates.count);
        uint64_t before = atomic_exchange_explicit(&tablet->backlog_bytes, backlog, memory_order_relaxed);
        atomic_fetch_add_explicit(&store->backlog_bytes, backlog - before, memory_order_relaxed);
        candidates_close(&candidates);
    }
    version_unref(version);
}

/* ---- by hand ---- */

/* Keep the candidates for which `wanted` says so. */
static void keep(struct candidates *candidates,
                 bool (*wanted)(const struct sstable_info *info, const void *context), const void *context)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < candidates->count; i++) {
        if (!wanted(&candidates->infos[i], context))
            continue;
        candidates->tables[kept] = candidates->tables[i];
        candidates->infos[kept++] = candidates->infos[i];
    }
    candidates->count = kept;
}

struct made_before {
    uint64_t file_number;
};

static bool is_made_before(const struct sstable_info *info, const void *context)
{
    return info->file_number < ((const struct made_before *)context)->file_number;
}

struct in_window {
    const struct compaction_options *options;
    int64_t window;
};

static bool is_in_window(const struct sstable_info *info, const void *context)
{
    const struct in_window *in = context;
    return compaction_window(in->options, info) == in->window;
}

struct among {
    const uint64_t *files;
    uint32_t count;
};

static bool is_among(const struct sstable_info *info, const void *context)
{
    const struct among *among = context;
    for (uint32_t i = 0; i < among->count; i++)
        if (among->files[i] == info->file_number)
            return true;
    return false;
}

/* Whether merging the tables that satisfy `in` can change anything: there are several runs of them, or something in them
 * may be forgotten. */
static bool major_useful(const struct candidates *candidates, const struct in_window *in)
{
    const struct sstable_info *first = NULL;
    for (uint32_t i = 0; i < candidates->count; i++) {
        const struct sstable_info *info = &candidates->infos[i];
        if (in && !is_in_window(info, in))
            continue;
        if (info->tombstones || info->min_expiry_s != INT64_MAX ||
            (first && (!first->run || info->run != first->run)))
            return true;
        first = first ? first : info;
    }
    return false;
}

/* One job over all the candidates; they are at most as many as a choice holds. */
static status begin_all(struct store *store, struct tablet *tablet, const struct candidates *candidates,
                        const struct compaction_options *options, enum compaction_reason reason,
                        struct job **out_job)
{
    struct compaction_choice choice = compaction_pick_all(options, candidates->infos, candidates->count);
    choice.reason = reason;
    if (reason == COMPACTION_CHOSEN)
        choice.level = 0; /* deeper levels are disjoint, which somebody's choice is not */
    return begin(store, tablet, candidates->tables, &choice, out_job);
}

/* A table of time windows keeps them apart: one of them at a time. */
static bool major_narrow(struct candidates *candidates, const struct compaction_options *options)
{
    struct in_window in = {.options = options};
    if (options->strategy != COMPACTION_TIME_WINDOW)
        return major_useful(candidates, NULL);
    for (uint32_t i = 0; i < candidates->count; i++) {
        in.window = compaction_window(options, &candidates->infos[i]);
        if (major_useful(candidates, &in)) {
            keep(candidates, is_in_window, &in);
            return true;
        }
    }
    return false;
}

status compaction_begin_major(struct store *store, struct tablet *tablet, uint64_t made_before,
                              struct job **out_job)
{
    struct version *version = tablet_version(tablet);
    struct store_table_options table;
    struct compaction_options options = compaction_options_of(store, tablet, &table);
    struct candidates candidates;
    *out_job = NULL;
    status st = candidates_open(version, 0, &candidates);
    keep(&candidates, is_made_before, &(struct made_before){made_before});
    if (ok(st) && major_narrow(&candidates, &options))
        st = begin_all(store, tablet, &candidates, &options, COMPACTION_MAJOR, out_job);
    else
        background_unclaim(store, tablet, CLAIM_COMPACTION);
    candidates_close(&candidates);
    version_unref(version);
    return st;
}

status compaction_begin_chosen(struct store *store, struct tablet *tablet, const uint64_t *files,
                               uint32_t count, struct job **out_job)
{
    struct version *version = tablet_version(tablet);
    struct store_table_options table;
    struct compaction_options options = compaction_options_of(store, tablet, &table);
    struct candidates candidates;
    *out_job = NULL;
    status st = candidates_open(version, 0, &candidates);
    keep(&candidates, is_among, &(struct among){files, count});
    if (ok(st) && candidates.count)
        st = begin_all(store, tablet, &candidates, &options, COMPACTION_CHOSEN, out_job);
    else
        background_unclaim(store, tablet, CLAIM_COMPACTION);
    candidates_close(&candidates);
    version_unref(version);
    return st;
}
