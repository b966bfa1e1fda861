/*
 * Which tables to merge: what is common to all strategies. What has expired is dropped first, what was made outside the
 * strategy becomes one run, then the strategy says, and when it is at rest a table of mostly old tombstones is rewritten
 * alone.
 */
#include <stdlib.h>

#include "compaction/pick_internal.h"

const struct compaction_options compaction_defaults = {
    .strategy = COMPACTION_SIZE_TIERED,
    .min_threshold = 4,
    .max_threshold = 32,
    .bucket_low = 0.5,
    .bucket_high = 1.5,
    .min_sstable_bytes = 50 << 20,
    .window_s = 86400,
    .tombstone_threshold = 0.2,
    .tombstone_interval_s = 86400,
    .fanout = 10,
    .base_shards = 4,
    .scaling = {2},
    .scaling_count = 1,
};

struct compaction_options compaction_defaults_of(enum compaction_strategy strategy)
{
    struct compaction_options options = compaction_defaults;
    options.strategy = strategy;
    switch (strategy) {
    case COMPACTION_TIME_WINDOW: options.tombstones_alone_never = true; break;
    case COMPACTION_LEVELED: options.sstable_bytes = (uint64_t)160 << 20; break;
    case COMPACTION_INCREMENTAL: options.sstable_bytes = (uint64_t)1000 << 20; break;
    case COMPACTION_UNIFIED:
        options.sstable_bytes = (uint64_t)1 << 30;
        options.min_sstable_bytes = (uint64_t)100 << 20;
        options.growth = 0.333;
        break;
    case COMPACTION_SIZE_TIERED:
    case COMPACTION_NONE: break;
    }
    return options;
}

const char *compaction_reason_name(enum compaction_reason reason)
{
    static const char *const names[COMPACTION_REASONS] = {
        [COMPACTION_IDLE] = "idle",
        [COMPACTION_TIER] = "tier",
        [COMPACTION_WINDOW] = "window",
        [COMPACTION_EXPIRED] = "expired",
        [COMPACTION_TOMBSTONES] = "tombstones",
        [COMPACTION_LEVEL] = "level",
        [COMPACTION_SPACE] = "space",
        [COMPACTION_OFF_STRATEGY] = "off-strategy",
        [COMPACTION_MAJOR] = "major",
        [COMPACTION_CHOSEN] = "chosen",
        [COMPACTION_SCRUB] = "scrub",
    };
    return reason < COMPACTION_REASONS ? names[reason] : "?";
}

/* ---- runs ---- */

/* Sorting needs the tables; qsort() has no context. */
struct member {
    uint64_t run; /* of the table, or a number of its own */
    int64_t min_token;
    uint32_t table;
    bool alone;
};

static int by_run_then_token(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->alone != y->alone)
        return x->alone ? -1 : 1;
    if (!x->alone && x->run != y->run)
        return x->run < y->run ? -1 : 1;
    if (!x->alone && x->min_token != y->min_token)
        return x->min_token < y->min_token ? -1 : 1;
    return x->table < y->table ? -1 : x->table > y->table;
}

static int by_bytes(const void *a, const void *b)
{
    const struct pick_run *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static void run_add(struct pick_run *run, const struct compaction_options *options,
                    const struct sstable_info *table)
{
    int64_t window = compaction_window(options, table);
    run->bytes += table->file_bytes;
    run->count++;
    run->window = run->count == 1 || window > run->window ? window : run->window;
    run->created_s = table->created_s > run->created_s ? table->created_s : run->created_s;
}

bool pick_set_init(struct pick_set *set, const struct compaction_options *options,
                   const struct sstable_info *tables, uint32_t count, int64_t now_s, int64_t gc_before_s)
{
    *set = (struct pick_set){
        .options = options, .tables = tables, .count = count, .now_s = now_s, .gc_before_s = gc_before_s};
    struct member *members = calloc(count ? count : 1, sizeof *members);
    set->members = calloc(count ? count : 1, sizeof *set->members);
    set->runs = calloc(count ? count : 1, sizeof *set->runs);
    if (!members || !set->members || !set->runs) {
        free(members);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        members[i] = (struct member){
            .run = tables[i].run, .min_token = tables[i].min_token, .table = i, .alone = tables[i].run == 0};
    qsort(members, count, sizeof *members, by_run_then_token);
    for (uint32_t i = 0; i < count; i++) {
        bool goes_on =
            i && !members[i].alone && !members[i - 1].alone && members[i].run == members[i - 1].run;
        if (!goes_on)
            set->runs[set->run_count++] = (struct pick_run){.first = i, .created_s = INT64_MIN};
        set->members[i] = members[i].table;
        run_add(&set->runs[set->run_count - 1], options, &tables[members[i].table]);
    }
    qsort(set->runs, set->run_count, sizeof *set->runs, by_bytes);
    free(members);
    return true;
}

void pick_set_deinit(struct pick_set *set)
{
    free(set->members);
    free(set->runs);
}

struct compaction_choice pick_runs(const struct pick_set *set, enum compaction_reason reason,
                                   const struct pick_run *runs, uint32_t count)
{
    struct compaction_choice choice = {.reason = reason, .output_bytes_max = set->options->sstable_bytes};
    for (uint32_t i = 0; i < count && choice.count + runs[i].count <= COMPACTION_CHOSEN_MAX; i++)
        for (uint32_t j = 0; j < runs[i].count; j++)
            choice.chosen[choice.count++] = set->members[runs[i].first + j];
    return choice;
}

/* ---- chains ---- */

struct link {
    int64_t min_token, max_token;
    uint32_t table;
};

static int by_min_token(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    if (x->min_token != y->min_token)
        return x->min_token < y->min_token ? -1 : 1;
    return x->table < y->table ? -1 : x->table > y->table;
}

bool compaction_chains(const struct sstable_info *tables, uint32_t count, uint32_t *chain_of,
                       uint32_t *out_chains)
{
    uint32_t chains = 0;
    struct link *links = calloc(count ? count : 1, sizeof *links);
    int64_t *ends = calloc(count ? count : 1, sizeof *ends);
    bool good = links && ends;
    for (uint32_t i = 0; good && i < count; i++)
        links[i] = (struct link){tables[i].min_token, tables[i].max_token, i};
    if (good)
        qsort(links, count, sizeof *links, by_min_token);
    for (uint32_t i = 0; good && i < count; i++) {
        uint32_t chain = 0;
        while (chain < chains && ends[chain] >= links[i].min_token)
            chain++;
        chains += chain == chains;
        ends[chain] = links[i].max_token;
        chain_of[links[i].table] = chain;
    }
    free(links);
    free(ends);
    *out_chains = chains;
    return good;
}

/* ---- what has expired ---- */

/* Nothing in the table lives any more, and what is dead is old enough to be forgotten. */
static bool is_expired(const struct sstable_info *table, int64_t gc_before_s)
{
    return !table->never_expires && table->max_expiry_s < gc_before_s;
}

/* Everything in another table that this one's tombstones might still hide is newer than they are. A table that is
 * expired itself has nothing left to be hidden. */
static bool hides_nothing(const struct pick_set *set, uint32_t self, bool spare_expired)
{
    const struct sstable_info *tables = set->tables;
    for (uint32_t i = 0; i < set->count; i++) {
        if (i == self || !pick_tokens_overlap(&tables[i], &tables[self]) ||
            (spare_expired && is_expired(&tables[i], set->gc_before_s)))
            continue;
        if (tables[i].min_timestamp <= tables[self].max_timestamp)
            return false;
    }
    return true;
}

static struct compaction_choice pick_expired(const struct pick_set *set)
{
    struct compaction_choice choice = {.reason = COMPACTION_EXPIRED};
    bool unchecked = set->options->strategy == COMPACTION_TIME_WINDOW && set->options->expiry_unchecked;
    for (uint32_t i = 0; i < set->count && choice.count < COMPACTION_CHOSEN_MAX; i++)
        if (is_expired(&set->tables[i], set->gc_before_s) && (unchecked || hides_nothing(set, i, true)))
            choice.chosen[choice.count++] = i;
    if (!choice.count)
        choice.reason = COMPACTION_IDLE;
    return choice;
}

/* ---- tombstones ---- */

double pick_droppable_share(const struct sstable_info *table, int64_t gc_before_s)
{
    if (table->cells)
        return (double)table->droppable / (double)table->cells;
    if (!table->tombstones || table->min_expiry_s >= gc_before_s)
        return 0;
    double old = 1;
    if (table->max_expiry_s >= gc_before_s)
        old = ((double)gc_before_s - (double)table->min_expiry_s) /
              ((double)table->max_expiry_s - (double)table->min_expiry_s + 1);
    double all = (double)(table->rows > table->tombstones ? table->rows : table->tombstones);
    return old * (double)table->tombstones / all;
}

/* A table is left in peace for a while after it was made, so that tombstones which could not go yet do not have it
 * rewritten over and over. It stays in its run and on its level: it only becomes smaller. */
struct compaction_choice pick_tombstones(const struct pick_set *set)
{
    const struct compaction_options *options = set->options;
    struct compaction_choice choice = {.reason = COMPACTION_IDLE};
    double best = options->tombstone_threshold;
    if (options->tombstones_alone_never)
        return choice;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct sstable_info *table = &set->tables[i];
        double share = pick_droppable_share(table, set->gc_before_s);
        if (share > best && table->created_s <= set->now_s - options->tombstone_interval_s &&
            (options->tombstones_unchecked || hides_nothing(set, i, false))) {
            best = share;
            choice = (struct compaction_choice){.reason = COMPACTION_TOMBSTONES,
                                                .count = 1,
                                                .chosen = {i},
                                                .level = table->level,
                                                .run = table->run,
                                                .output_bytes_max = options->sstable_bytes};
        }
    }
    return choice;
}

/* ---- the whole ---- */

/* Two or more tables that were made outside the strategy. One alone may as well count as it is. */
static struct compaction_choice pick_off_strategy(const struct compaction_options *options,
                                                  const struct sstable_info *tables, uint32_t count)
{
    struct compaction_choice choice = {.reason = COMPACTION_OFF_STRATEGY,
                                       .output_bytes_max = options->sstable_bytes};
    for (uint32_t i = 0; i < count && choice.count < COMPACTION_CHOSEN_MAX; i++)
        if (tables[i].off_strategy)
            choice.chosen[choice.count++] = i;
    if (choice.count < 2)
        choice.reason = COMPACTION_IDLE;
    return choice;
}

static struct compaction_choice pick_by_strategy(struct pick_set *set)
{
    switch (set->options->strategy) {
    case COMPACTION_SIZE_TIERED: return pick_size_tiered(set);
    case COMPACTION_TIME_WINDOW: return pick_time_window(set);
    case COMPACTION_LEVELED: return pick_leveled(set);
    case COMPACTION_INCREMENTAL: return pick_incremental(set);
    case COMPACTION_UNIFIED: return pick_unified(set);
    case COMPACTION_NONE: break;
    }
    return (struct compaction_choice){.reason = COMPACTION_IDLE};
}

struct compaction_choice compaction_pick(const struct compaction_options *options,
                                         const struct sstable_info *tables, uint32_t count, int64_t now_s,
                                         int64_t gc_before_s)
{
    struct compaction_choice choice = {.reason = COMPACTION_IDLE};
    struct pick_set set;
    if (options->strategy == COMPACTION_NONE || !count)
        return choice;
    /* Without memory nothing is picked; the next look may find some. */
    if (pick_set_init(&set, options, tables, count, now_s, gc_before_s)) {
        if (!options->expiry_checked_late)
            choice = pick_expired(&set);
        if (choice.reason == COMPACTION_IDLE)
            choice = pick_off_strategy(options, tables, count);
        if (choice.reason == COMPACTION_IDLE)
            choice = pick_by_strategy(&set);
        if (choice.reason == COMPACTION_IDLE)
            choice = pick_tombstones(&set);
    }
    pick_set_deinit(&set);
    return choice;
}

/* The level that holds so much: the first whose limit is not below it. */
static uint32_t ideal_level(const struct compaction_options *options, uint64_t bytes)
{
    double limit = (double)options->sstable_bytes;
    uint32_t level = 0;
    for (; level + 1 < COMPACTION_LEVELS_MAX && (level == 0 || limit < (double)bytes); level++)
        limit *= options->fanout;
    return level;
}

struct compaction_choice compaction_pick_all(const struct compaction_options *options,
                                             const struct sstable_info *tables, uint32_t count)
{
    struct compaction_choice choice = {.reason = COMPACTION_MAJOR,
                                       .output_bytes_max = options->sstable_bytes};
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count && choice.count < COMPACTION_CHOSEN_MAX; i++) {
        choice.chosen[choice.count++] = i;
        bytes += tables[i].file_bytes;
    }
    if (options->strategy == COMPACTION_LEVELED)
        choice.level = ideal_level(options, bytes);
    if (options->strategy == COMPACTION_UNIFIED)
        choice.output_shards = pick_output_shards(options, (double)bytes);
    return choice;
}

/* ---- backlog ---- */

/* Sum of s log4(T / s) over what waits to be merged, T all bytes: each merge of four lifts its bytes one step. */
static double backlog_of_runs(const struct pick_run *runs, uint32_t count)
{
    double all = 0, backlog = 0;
    for (uint32_t i = 0; i < count; i++)
        all += (double)runs[i].bytes;
    for (uint32_t i = 0; i < count; i++) {
        double bytes = (double)runs[i].bytes, steps = 0;
        for (double size = bytes + 1; size < all && steps < 40; size *= 4)
            steps++;
        backlog += bytes * steps;
    }
    return backlog;
}

/* Each window for itself: one that is closed and whole adds nothing. */
static double backlog_of_windows(const struct pick_set *set)
{
    double backlog = 0;
    for (uint32_t start = 0, end; start < set->run_count; start = end) {
        for (end = start + 1; end < set->run_count && set->runs[end].window == set->runs[start].window;
             end++) {
        }
        if (end - start > 1)
            backlog += backlog_of_runs(set->runs + start, end - start);
    }
    return backlog;
}

/* What level 0 holds goes down once, what a level holds too much of is merged with a fanout of the next. */
static double backlog_of_levels(const struct pick_set *set)
{
    double held[COMPACTION_LEVELS_MAX] = {0}, backlog, limit = (double)set->options->sstable_bytes;
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t level = set->tables[i].level;
        held[level < COMPACTION_LEVELS_MAX ? level : COMPACTION_LEVELS_MAX - 1] +=
            (double)set->tables[i].file_bytes;
    }
    backlog = held[0];
    for (uint32_t level = 1; level < COMPACTION_LEVELS_MAX; level++) {
        limit *= set->options->fanout;
        backlog += held[level] > limit ? (held[level] - limit) * set->options->fanout : 0;
    }
    return backlog;
}

uint64_t compaction_backlog(const struct compaction_options *options, const struct sstable_info *tables,
                            uint32_t count)
{
    struct pick_set set;
    double backlog = 0;
    struct compaction_options without_expiry = *options;
    without_expiry.expiry_checked_late = true;
    if (compaction_pick(&without_expiry, tables, count, 0, INT64_MIN).reason == COMPACTION_IDLE)
        return 0;
    if (pick_set_init(&set, options, tables, count, 0, 0)) {
        if (options->strategy == COMPACTION_TIME_WINDOW) {
            (void)pick_time_window(&set); /* leaves the runs sorted by window */
            backlog = backlog_of_windows(&set);
        } else if (options->strategy == COMPACTION_LEVELED) {
            backlog = backlog_of_levels(&set);
        } else {
            backlog = backlog_of_runs(set.runs, set.run_count);
        }
    }
    pick_set_deinit(&set);
    return (uint64_t)backlog;
}
