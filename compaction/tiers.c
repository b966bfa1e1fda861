/*
 * Size tiers. Runs sorted by size fall into buckets: a run joins the bucket whose average it resembles, unless the
 * average would drift away from the bucket's smallest; small ones are one bucket whatever their sizes. The bucket with the
 * most runs is merged.
 */
#include "compaction/pick_internal.h"

static bool joins(const struct compaction_options *options, uint64_t smallest, double average,
                  uint32_t bucket_count, uint64_t bytes)
{
    double size = (double)bytes;
    double least = (double)options->min_sstable_bytes;
    bool small = size < least && average < least;
    bool alike = size > average * options->bucket_low && size < average * options->bucket_high;
    if (!small && !alike)
        return false;
    double drifted = (average * bucket_count + size) / (bucket_count + 1);
    return size < least || (double)smallest > drifted * options->bucket_low;
}

uint32_t pick_bucket_end(const struct compaction_options *options, const struct pick_run *runs,
                         uint32_t count, uint32_t start)
{
    double average = (double)runs[start].bytes;
    uint32_t end = start + 1;
    for (; end < count && joins(options, runs[start].bytes, average, end - start, runs[end].bytes); end++)
        average += ((double)runs[end].bytes - average) / (double)(end - start + 1);
    return end;
}

struct pick_tier pick_fullest_tier(const struct compaction_options *options, const struct pick_run *runs,
                                   uint32_t count)
{
    struct pick_tier best = {0};
    for (uint32_t start = 0, end; start < count; start = end) {
        end = pick_bucket_end(options, runs, count, start);
        uint32_t size = end - start < options->max_threshold ? end - start : options->max_threshold;
        if (size >= 2 && size >= options->min_threshold && size > best.count)
            best = (struct pick_tier){.first = start, .count = size};
    }
    return best;
}

struct compaction_choice pick_size_tiered(const struct pick_set *set)
{
    struct pick_tier tier = pick_fullest_tier(set->options, set->runs, set->run_count);
    return pick_runs(set, tier.count ? COMPACTION_TIER : COMPACTION_IDLE, set->runs + tier.first, tier.count);
}

/* ---- incremental ---- */

static uint64_t sum_of(const struct pick_run *runs, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += runs[i].bytes;
    return sum;
}

static bool holds_garbage(const struct pick_set *set, const struct pick_run *run)
{
    const struct compaction_options *options = set->options;
    for (uint32_t i = 0; i < run->count; i++) {
        const struct sstable_info *table = &set->tables[set->members[run->first + i]];
        if (table->created_s <= set->now_s - options->tombstone_interval_s &&
            pick_droppable_share(table, set->gc_before_s) > options->tombstone_threshold)
            return true;
    }
    return false;
}

/* Starts of the buckets, largest sizes last; at most as many as there are runs. */
static uint32_t bucket_before(const struct compaction_options *options, const struct pick_run *runs,
                              uint32_t count, uint32_t end)
{
    uint32_t start = 0;
    for (uint32_t at = 0; at < end; at = pick_bucket_end(options, runs, count, at))
        start = at;
    return start;
}

/* Garbage goes when it reaches the largest tier: a tier with garbage is merged with the next larger one, the largest
 * with the one below it. */
static struct compaction_choice pick_garbage(const struct pick_set *set)
{
    const struct compaction_options *options = set->options;
    const struct pick_run *runs = set->runs;
    uint32_t upper_end = set->run_count;
    for (uint32_t end = set->run_count; end > 0;) {
        uint32_t start = bucket_before(options, runs, set->run_count, end);
        bool garbage = false;
        for (uint32_t i = start; i < end; i++)
            garbage = garbage || holds_garbage(set, &runs[i]);
        if (garbage) {
            bool largest = end == set->run_count;
            uint32_t first = largest && start ? bucket_before(options, runs, set->run_count, start) : start;
            uint32_t last = largest ? end : upper_end;
            if (last - first < 2)
                break; /* alone: pick_tombstones() decides, table by table */
            return pick_runs(set, COMPACTION_TOMBSTONES, runs + first, last - first);
        }
        upper_end = end;
        end = start;
    }
    return (struct compaction_choice){.reason = COMPACTION_IDLE};
}

/* (S0 + S1) / S0 of the two largest tiers. */
static struct compaction_choice pick_space(const struct pick_set *set)
{
    const struct compaction_options *options = set->options;
    if (options->space_amplification_goal <= 1 || set->run_count < 2)
        return (struct compaction_choice){.reason = COMPACTION_IDLE};
    uint32_t largest = bucket_before(options, set->runs, set->run_count, set->run_count);
    if (!largest)
        return (struct compaction_choice){.reason = COMPACTION_IDLE};
    uint32_t second = bucket_before(options, set->runs, set->run_count, largest);
    double s0 = (double)sum_of(set->runs + largest, set->run_count - largest);
    double s1 = (double)sum_of(set->runs + second, largest - second);
    if (s0 <= 0 || (s0 + s1) / s0 <= options->space_amplification_goal)
        return (struct compaction_choice){.reason = COMPACTION_IDLE};
    return pick_runs(set, COMPACTION_SPACE, set->runs + second, set->run_count - second);
}

struct compaction_choice pick_incremental(const struct pick_set *set)
{
    struct compaction_choice choice = pick_size_tiered(set);
    if (choice.reason == COMPACTION_IDLE)
        choice = pick_garbage(set);
    if (choice.reason == COMPACTION_IDLE)
        choice = pick_space(set);
    return choice;
}
