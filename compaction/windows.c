/*
 * Time windows. A run belongs to the window of its newest write. The newest window is tiered by size; a window that is
 * closed is merged into one run once. What comes late after that is tiered beside it, and merged with it only when it has
 * become large enough to be worth rewriting the window.
 */
#include <stdlib.h>

#include "compaction/pick_internal.h"

enum {
    /* Late data joins its window's run when it is at least this part of it. */
    LATE_PART = 4,
};

int64_t compaction_window_of(const struct compaction_options *options, int64_t timestamp)
{
    int64_t unit = options->timestamps_in_ms ? 1000 : 1000000;
    int64_t second = timestamp / unit - (timestamp % unit < 0);
    int64_t window_s = options->window_s > 0 ? options->window_s : compaction_defaults.window_s;
    return second / window_s - (second % window_s < 0);
}

int64_t compaction_window(const struct compaction_options *options, const struct sstable_info *table)
{
    return compaction_window_of(options, table->max_timestamp);
}

static int by_window_then_bytes(const void *a, const void *b)
{
    const struct pick_run *x = a, *y = b;
    if (x->window != y->window)
        return x->window > y->window ? -1 : 1; /* the newest first */
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* The last merge of the window has been: its largest run was made after it had closed. */
static bool is_final(const struct pick_set *set, const struct pick_run *largest)
{
    int64_t window_s = set->options->window_s > 0 ? set->options->window_s : compaction_defaults.window_s;
    return largest->window < INT64_MAX / window_s && largest->created_s >= (largest->window + 1) * window_s;
}

static struct compaction_choice pick_closed(const struct pick_set *set, const struct pick_run *runs,
                                            uint32_t count)
{
    const struct compaction_options *options = set->options;
    uint32_t most = count < options->max_threshold ? count : options->max_threshold;
    uint64_t others = 0;
    if (count < 2)
        return (struct compaction_choice){.reason = COMPACTION_IDLE};
    for (uint32_t i = 0; i + 1 < count; i++)
        others += runs[i].bytes;
    if (!is_final(set, &runs[count - 1]) || others >= runs[count - 1].bytes / LATE_PART)
        return pick_runs(set, COMPACTION_WINDOW, runs, most < 2 ? 2 : most);
    struct pick_tier tier = pick_fullest_tier(options, runs, count - 1);
    return pick_runs(set, tier.count ? COMPACTION_TIER : COMPACTION_IDLE, runs + tier.first, tier.count);
}

struct compaction_choice pick_time_window(struct pick_set *set)
{
    struct compaction_choice choice = {.reason = COMPACTION_IDLE};
    qsort(set->runs, set->run_count, sizeof *set->runs, by_window_then_bytes);
    for (uint32_t start = 0, end; start < set->run_count && choice.reason == COMPACTION_IDLE; start = end) {
        for (end = start + 1; end < set->run_count && set->runs[end].window == set->runs[start].window;
             end++) {
        }
        if (start == 0) {
            struct pick_tier tier = pick_fullest_tier(set->options, set->runs, end);
            choice = pick_runs(set, tier.count ? COMPACTION_TIER : COMPACTION_IDLE, set->runs + tier.first,
                               tier.count);
        } else {
            choice = pick_closed(set, set->runs + start, end - start);
        }
    }
    return choice;
}
