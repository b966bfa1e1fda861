/*
 * Levels. Level 0 takes what flushes make; the tables of every other level are disjoint in tokens, and a level holds
 * fanout times as many bytes as the one above it. The deepest level that holds too much is relieved first: the table
 * with the least to rewrite below it goes down. Level 0 goes into level 1 as a whole, when there is enough of it to be
 * worth rewriting level 1; when it falls far behind it is tiered by size until the deeper levels are in order.
 */
#include <stdlib.h>

#include "compaction/pick_internal.h"

enum {
    TOP_TABLES_MAX = 32, /* more tables in level 0: it has fallen behind */
};

struct levels {
    const struct pick_set *set;
    uint32_t *tables; /* owned; by level, then by min_token */
    uint32_t first[COMPACTION_LEVELS_MAX + 1];
    uint64_t bytes[COMPACTION_LEVELS_MAX];
};

static uint32_t level_of(const struct sstable_info *table)
{
    return table->level < COMPACTION_LEVELS_MAX ? table->level : COMPACTION_LEVELS_MAX - 1;
}

static const struct sstable_info *table_at(const struct levels *levels, uint32_t at)
{
    return &levels->set->tables[levels->tables[at]];
}

static void sort_by_token(const struct sstable_info *tables, uint32_t *indexes, uint32_t count)
{
    /* Insertion suffices: most come in order, because outputs are numbered in it. */
    for (uint32_t i = 1; i < count; i++) {
        uint32_t index = indexes[i], at = i;
        for (; at > 0 && tables[indexes[at - 1]].min_token > tables[index].min_token; at--)
            indexes[at] = indexes[at - 1];
        indexes[at] = index;
    }
}

static bool levels_init(struct levels *levels, const struct pick_set *set)
{
    *levels = (struct levels){.set = set, .tables = calloc(set->count, sizeof *levels->tables)};
    if (!levels->tables)
        return false;
    uint32_t at = 0;
    for (uint32_t level = 0; level < COMPACTION_LEVELS_MAX; level++) {
        levels->first[level] = at;
        for (uint32_t i = 0; i < set->count; i++) {
            if (level_of(&set->tables[i]) != level)
                continue;
            levels->tables[at++] = i;
            levels->bytes[level] += set->tables[i].file_bytes;
        }
        sort_by_token(set->tables, levels->tables + levels->first[level], at - levels->first[level]);
    }
    levels->first[COMPACTION_LEVELS_MAX] = at;
    return true;
}

static uint64_t level_bytes_max(const struct compaction_options *options, uint32_t level)
{
    double bytes = (double)options->sstable_bytes;
    for (uint32_t i = 0; i < level; i++)
        bytes *= options->fanout;
    return bytes > 9e18 ? (uint64_t)9e18 : (uint64_t)bytes;
}

/* ---- the choice being made ---- */

static bool take(struct compaction_choice *choice, uint32_t table)
{
    if (choice->count == COMPACTION_CHOSEN_MAX)
        return false;
    choice->chosen[choice->count++] = table;
    return true;
}

/* Tables of `level` that overlap [min, max]; *io_bytes grows by their sizes. False when there are too many. */
static bool take_overlapping(const struct levels *levels, uint32_t level, int64_t min_token,
                             int64_t max_token, struct compaction_choice *choice)
{
    for (uint32_t at = levels->first[level]; at < levels->first[level + 1]; at++) {
        const struct sstable_info *table = table_at(levels, at);
        if (table->min_token <= max_token && min_token <= table->max_token &&
            !take(choice, levels->tables[at]))
            return false;
    }
    return true;
}

static uint64_t overlapping_bytes(const struct levels *levels, uint32_t level, const struct sstable_info *of)
{
    uint64_t bytes = 0;
    for (uint32_t at = levels->first[level]; at < levels->first[level + 1]; at++)
        if (pick_tokens_overlap(table_at(levels, at), of))
            bytes += table_at(levels, at)->file_bytes;
    return bytes;
}

static struct compaction_choice into_level(const struct levels *levels, uint32_t level)
{
    return (struct compaction_choice){
        .reason = COMPACTION_LEVEL,
        .level = level < COMPACTION_LEVELS_MAX ? level : COMPACTION_LEVELS_MAX - 1,
        .output_bytes_max = levels->set->options->sstable_bytes,
    };
}

static const struct compaction_choice idle = {.reason = COMPACTION_IDLE};

/* ---- what to do ---- */

/* Tables that overlap within a level below 0: only a table that another strategy left behind, or a change of ours, can
 * bring that about. They are merged where they are. */
static struct compaction_choice pick_repair(const struct levels *levels)
{
    for (uint32_t level = 1; level < COMPACTION_LEVELS_MAX; level++) {
        uint32_t end = levels->first[level + 1];
        for (uint32_t at = levels->first[level]; at + 1 < end; at++) {
            int64_t max_token = table_at(levels, at)->max_token;
            if (table_at(levels, at + 1)->min_token > max_token)
                continue;
            struct compaction_choice choice = into_level(levels, level);
            for (; at < end && (!choice.count || table_at(levels, at)->min_token <= max_token); at++) {
                if (!take(&choice, levels->tables[at]))
                    break;
                if (table_at(levels, at)->max_token > max_token)
                    max_token = table_at(levels, at)->max_token;
            }
            return choice;
        }
    }
    return idle;
}

/* Relieve `level`: the table for which the least must be rewritten per byte that goes down. */
static struct compaction_choice pick_down(const struct levels *levels, uint32_t level)
{
    uint32_t best = UINT32_MAX;
    double least = 0;
    for (uint32_t at = levels->first[level]; at < levels->first[level + 1]; at++) {
        const struct sstable_info *table = table_at(levels, at);
        double cost = (double)overlapping_bytes(levels, level + 1, table) / ((double)table->file_bytes + 1);
        if (best == UINT32_MAX || cost < least) {
            best = at;
            least = cost;
        }
    }
    if (best == UINT32_MAX)
        return idle;
    struct compaction_choice choice = into_level(levels, level + 1);
    const struct sstable_info *table = table_at(levels, best);
    take(&choice, levels->tables[best]);
    if (!take_overlapping(levels, level + 1, table->min_token, table->max_token, &choice))
        return idle;
    return choice;
}

static int by_number(const void *a, const void *b)
{
    const struct sstable_info *const *x = a, *const *y = b;
    return (*x)->file_number < (*y)->file_number ? -1 : (*x)->file_number > (*y)->file_number;
}

/* The oldest tables of level 0, and of level 1 what they overlap. */
static struct compaction_choice pick_top(const struct levels *levels)
{
    const struct compaction_options *options = levels->set->options;
    const struct sstable_info *oldest[COMPACTION_CHOSEN_MAX];
    uint32_t count = 0,
             wanted = options->max_threshold < TOP_TABLES_MAX ? options->max_threshold : TOP_TABLES_MAX;
    for (uint32_t at = 0; at < levels->first[1] && count < COMPACTION_CHOSEN_MAX; at++)
        oldest[count++] = table_at(levels, at);
    uint32_t least = options->min_threshold > 2 ? options->min_threshold : 2;
    if (count < least && levels->bytes[0] < 4 * options->sstable_bytes)
        return idle;
    qsort(oldest, count, sizeof oldest[0], by_number);
    count = count < wanted ? count : wanted;
    int64_t min_token = INT64_MAX, max_token = INT64_MIN;
    uint64_t bytes = 0;
    struct compaction_choice choice = into_level(levels, 1);
    for (uint32_t i = 0; i < count; i++) {
        take(&choice, (uint32_t)(oldest[i] - levels->set->tables));
        min_token = oldest[i]->min_token < min_token ? oldest[i]->min_token : min_token;
        max_token = oldest[i]->max_token > max_token ? oldest[i]->max_token : max_token;
        bytes += oldest[i]->file_bytes;
    }
    if (bytes < options->sstable_bytes) {
        /* Too little to rewrite level 1 for: they become one table of level 0. */
        choice.level = 0;
        return count >= 2 ? choice : idle;
    }
    return take_overlapping(levels, 1, min_token, max_token, &choice) ? choice : idle;
}

static struct compaction_choice pick_top_tier(const struct levels *levels)
{
    struct pick_set top;
    struct compaction_choice choice = idle;
    struct sstable_info *infos = calloc(levels->first[1], sizeof *infos);
    if (!infos)
        return idle;
    for (uint32_t at = 0; at < levels->first[1]; at++)
        infos[at] = *table_at(levels, at);
    if (pick_set_init(&top, levels->set->options, infos, levels->first[1], 0, 0))
        choice = pick_size_tiered(&top);
    pick_set_deinit(&top);
    for (uint32_t i = 0; i < choice.count; i++)
        choice.chosen[i] = levels->tables[choice.chosen[i]];
    free(infos);
    return choice;
}

static struct compaction_choice pick_levels(const struct levels *levels)
{
    const struct compaction_options *options = levels->set->options;
    struct compaction_choice choice = pick_repair(levels);
    for (uint32_t level = COMPACTION_LEVELS_MAX - 2; level > 0 && choice.reason == COMPACTION_IDLE; level--) {
        if (levels->bytes[level] <= level_bytes_max(options, level))
            continue;
        if (levels->first[1] > TOP_TABLES_MAX)
            choice = pick_top_tier(levels);
        if (choice.reason == COMPACTION_IDLE)
            choice = pick_down(levels, level);
    }
    return choice.reason == COMPACTION_IDLE ? pick_top(levels) : choice;
}

struct compaction_choice pick_leveled(const struct pick_set *set)
{
    struct levels levels;
    struct compaction_choice choice = idle;
    if (levels_init(&levels, set))
        choice = pick_levels(&levels);
    free(levels.tables);
    return choice;
}
