/*
 * Which tables to merge. Size tiers follow ScyllaDB's rules: tables sorted by size fall into buckets, a table joins the
 * bucket whose average it resembles; the bucket with the most tables wins. Time windows are merged once when they
 * are closed; the newest one is tiered.
 */
#include "compaction/compaction.h"

#include <stdlib.h>

enum { CHOSEN_MAX = 64 };

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
};

/* A table under consideration. */
struct entry {
    uint32_t table; /* index into the tables given */
    uint64_t bytes;
    int64_t window;
};

static uint32_t most(const struct compaction_options *options)
{
    return options->max_threshold < CHOSEN_MAX ? options->max_threshold : CHOSEN_MAX;
}

int64_t compaction_window(const struct compaction_options *options, const struct sstable_info *table)
{
    int64_t second = table->max_timestamp / 1000000 - (table->max_timestamp % 1000000 < 0);
    int64_t window_s = options->window_s > 0 ? options->window_s : compaction_defaults.window_s;
    return second / window_s - (second % window_s < 0);
}

static int by_bytes(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return x->table < y->table ? -1 : x->table > y->table;
}

static int by_window_then_bytes(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->window != y->window)
        return x->window > y->window ? -1 : 1; /* the newest first */
    return by_bytes(a, b);
}

static struct compaction_choice choose(enum compaction_reason reason, const struct entry *entries,
                                       uint32_t count)
{
    struct compaction_choice choice = {.reason = reason, .count = count};
    for (uint32_t i = 0; i < count; i++)
        choice.chosen[i] = entries[i].table;
    return choice;
}

static bool joins(const struct compaction_options *options, uint64_t bytes, double average)
{
    double size = (double)bytes;
    double least = (double)options->min_sstable_bytes;
    return (size > average * options->bucket_low && size < average * options->bucket_high) ||
           (size < least && average < least);
}

/* Entries are sorted by size, so a bucket is a run of them. */
static struct compaction_choice pick_tier(const struct compaction_options *options,
                                          const struct entry *entries, uint32_t count)
{
    uint32_t best = 0, best_count = 0;
    for (uint32_t start = 0, end; start < count; start = end) {
        double average = (double)entries[start].bytes;
        for (end = start + 1; end < count && joins(options, entries[end].bytes, average); end++)
            average += ((double)entries[end].bytes - average) / (double)(end - start + 1);
        uint32_t size = end - start < most(options) ? end - start : most(options);
        if (size >= options->min_threshold && size >= 2 && size > best_count) {
            best = start;
            best_count = size;
        }
    }
    return best_count ? choose(COMPACTION_TIER, entries + best, best_count)
                      : (struct compaction_choice){.reason = COMPACTION_IDLE};
}

static struct compaction_choice pick_window(const struct compaction_options *options, struct entry *entries,
                                            uint32_t count)
{
    struct compaction_choice choice = {.reason = COMPACTION_IDLE};
    qsort(entries, count, sizeof *entries, by_window_then_bytes);
    for (uint32_t start = 0, end; start < count && choice.reason == COMPACTION_IDLE; start = end) {
        for (end = start + 1; end < count && entries[end].window == entries[start].window; end++) {
        }
        uint32_t size = end - start < most(options) ? end - start : most(options);
        if (start == 0)
            choice = pick_tier(options, entries, end);
        else if (size >= 2)
            choice = choose(COMPACTION_WINDOW, entries + start, size);
    }
    return choice;
}

static bool tokens_overlap(const struct sstable_info *a, const struct sstable_info *b)
{
    return a->min_token <= b->max_token && b->min_token <= a->max_token;
}

/* Nothing in the table lives any more, and what is dead is old enough to be forgotten. */
static bool is_expired(const struct sstable_info *table, int64_t gc_before_s)
{
    return !table->never_expires && table->max_expiry_s < gc_before_s;
}

/* Everything in another table that this one's tombstones might still hide is newer than they are. A table that is
 * expired itself has nothing left to be hidden. */
static bool hides_nothing(const struct sstable_info *tables, uint32_t count, uint32_t self,
                          int64_t gc_before_s, bool spare_expired)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i == self || !tokens_overlap(&tables[i], &tables[self]) ||
            (spare_expired && is_expired(&tables[i], gc_before_s)))
            continue;
        if (tables[i].min_timestamp <= tables[self].max_timestamp)
            return false;
    }
    return true;
}

static struct compaction_choice pick_expired(const struct sstable_info *tables, uint32_t count,
                                             int64_t gc_before_s)
{
    struct compaction_choice choice = {.reason = COMPACTION_EXPIRED};
    for (uint32_t i = 0; i < count && choice.count < CHOSEN_MAX; i++)
        if (is_expired(&tables[i], gc_before_s) && hides_nothing(tables, count, i, gc_before_s, true))
            choice.chosen[choice.count++] = i;
    if (!choice.count)
        choice.reason = COMPACTION_IDLE;
    return choice;
}

/* The share of tombstones that may go, guessed from the spread of their times. */
static double droppable_share(const struct sstable_info *table, int64_t gc_before_s)
{
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
 * rewritten over and over. */
static struct compaction_choice pick_tombstones(const struct compaction_options *options,
                                                const struct sstable_info *tables, uint32_t count,
                                                int64_t now_s, int64_t gc_before_s)
{
    struct compaction_choice choice = {.reason = COMPACTION_IDLE};
    double best = options->tombstone_threshold;
    for (uint32_t i = 0; i < count; i++) {
        double share = droppable_share(&tables[i], gc_before_s);
        if (share > best && tables[i].created_s <= now_s - options->tombstone_interval_s &&
            hides_nothing(tables, count, i, gc_before_s, false)) {
            best = share;
            choice = (struct compaction_choice){.reason = COMPACTION_TOMBSTONES, .count = 1, .chosen = {i}};
        }
    }
    return choice;
}

struct compaction_choice compaction_pick(const struct compaction_options *options,
                                         const struct sstable_info *tables, uint32_t count, int64_t now_s,
                                         int64_t gc_before_s)
{
    struct compaction_choice choice = {.reason = COMPACTION_IDLE};
    if (options->strategy == COMPACTION_NONE || !count)
        return choice;
    choice = pick_expired(tables, count, gc_before_s);
    if (choice.reason != COMPACTION_IDLE)
        return choice;
    struct entry *entries = calloc(count, sizeof *entries);
    if (!entries)
        return choice; /* the next look may find memory */
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (struct entry){
            .table = i, .bytes = tables[i].file_bytes, .window = compaction_window(options, &tables[i])};
    if (options->strategy == COMPACTION_TIME_WINDOW) {
        choice = pick_window(options, entries, count);
    } else {
        qsort(entries, count, sizeof *entries, by_bytes);
        choice = pick_tier(options, entries, count);
        if (choice.reason == COMPACTION_IDLE)
            choice = pick_tombstones(options, tables, count, now_s, gc_before_s);
    }
    free(entries);
    return choice;
}
