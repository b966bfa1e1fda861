/*
 * Unified: levels of density. The density of a table is its bytes over the part of all tokens that it covers; a level
 * spans one fanout of density. Of the tables of a level those that overlap are counted: when somewhere as many lie over
 * one another as the level allows, everything that hangs together there is merged, and cut at the borders of equal
 * parts of the token range, so that outputs of a deeper level cover less and their density says where they belong.
 */
#include <stdlib.h>

#include "compaction/pick_internal.h"

enum { SHARDS_SHIFT_MAX = 20 };

/* log2 of x >= 1, to 16 binary places: enough to be rounded. */
static double log2_of(double x)
{
    double whole = 0, part = 0.5;
    for (; x >= 2; x /= 2)
        whole++;
    for (int i = 0; i < 16; i++, part /= 2) {
        x *= x;
        if (x >= 2) {
            x /= 2;
            whole += part;
        }
    }
    return whole;
}

/* Part of all tokens between the first and the last; a table of few partitions covers more than they seem to. */
static double coverage_of(const struct sstable_info *table)
{
    double span = ((double)table->max_token - (double)table->min_token) / 18446744073709551616.0;
    double covered = span + 1 / ((double)table->partitions + 1);
    return covered < 1 ? covered : 1;
}

static int32_t scaling_of(const struct compaction_options *options, uint32_t level)
{
    if (!options->scaling_count)
        return 2;
    return options->scaling[level < options->scaling_count ? level : options->scaling_count - 1];
}

static double fanout_of(int32_t scaling)
{
    return scaling < 0 ? 2 - scaling : 2 + scaling;
}

/* How many may lie over one another before they are merged. */
static uint32_t threshold_of(int32_t scaling)
{
    return scaling <= 0 ? 2 : (uint32_t)scaling + 2;
}

static uint32_t level_of_density(const struct compaction_options *options, double density)
{
    double bound = options->flush_bytes ? (double)options->flush_bytes : 1 << 20;
    uint32_t level = 0;
    /* Flushes that are somewhat larger than expected still begin at level 0. */
    for (bound *= fanout_of(scaling_of(options, 0)); density >= bound && level < 40; level++)
        bound *= fanout_of(scaling_of(options, level + 1));
    return level;
}

uint32_t pick_output_shards(const struct compaction_options *options, double density)
{
    double base = options->base_shards ? options->base_shards : 1;
    double target = (double)options->sstable_bytes;
    double least = (double)options->min_sstable_bytes;
    if (density < least * base && least > 0) {
        /* Not even the base: as many as keep each at the least size. */
        double fitting = density / least;
        return fitting < 2 ? 1 : 1u << (uint32_t)log2_of(fitting < base ? fitting : base);
    }
    double parts = density / (target * base);
    if (parts < 1.4142135623730951)
        return (uint32_t)base;
    uint32_t shift = (uint32_t)(log2_of(parts) * (1 - options->growth) + 0.5);
    return (uint32_t)base << (shift < SHARDS_SHIFT_MAX ? shift : SHARDS_SHIFT_MAX);
}

struct placed {
    uint32_t table, level;
    int64_t min_token, max_token;
};

static int by_level_then_token(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->level != y->level)
        return x->level < y->level ? -1 : 1;
    if (x->min_token != y->min_token)
        return x->min_token < y->min_token ? -1 : 1;
    return x->table < y->table ? -1 : x->table > y->table;
}

/* The greatest number of tables over one token; placed by min_token. */
static uint32_t deepest(const struct placed *placed, uint32_t count)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t over = 0;
        for (uint32_t j = 0; j <= i; j++)
            over += placed[j].max_token >= placed[i].min_token;
        most = over > most ? over : most;
    }
    return most;
}

static struct compaction_choice merge_of(const struct pick_set *set, const struct placed *placed,
                                         uint32_t count)
{
    struct compaction_choice choice = {.reason = COMPACTION_TIER,
                                       .output_bytes_max = set->options->sstable_bytes * 4};
    double bytes = 0, covered = 0;
    count = count < COMPACTION_CHOSEN_MAX ? count : COMPACTION_CHOSEN_MAX;
    int64_t min_token = INT64_MAX, max_token = INT64_MIN;
    uint64_t partitions = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct sstable_info *table = &set->tables[placed[i].table];
        choice.chosen[choice.count++] = placed[i].table;
        bytes += (double)table->file_bytes;
        min_token = table->min_token < min_token ? table->min_token : min_token;
        max_token = table->max_token > max_token ? table->max_token : max_token;
        partitions = table->partitions > partitions ? table->partitions : partitions;
    }
    struct sstable_info all = {.min_token = min_token, .max_token = max_token, .partitions = partitions};
    covered = coverage_of(&all);
    choice.output_shards = pick_output_shards(set->options, bytes / covered);
    return choice;
}

static struct compaction_choice pick_level(const struct pick_set *set, const struct placed *placed,
                                           uint32_t count)
{
    struct compaction_choice best = {.reason = COMPACTION_IDLE};
    uint32_t threshold = threshold_of(scaling_of(set->options, placed[0].level)), most = 0;
    for (uint32_t start = 0, end; start < count; start = end) {
        int64_t reach = placed[start].max_token;
        for (end = start + 1; end < count && placed[end].min_token <= reach; end++)
            reach = placed[end].max_token > reach ? placed[end].max_token : reach;
        uint32_t deep = deepest(placed + start, end - start);
        if (deep >= threshold && deep > most) {
            most = deep;
            best = merge_of(set, placed + start, end - start);
        }
    }
    return best;
}

struct compaction_choice pick_unified(const struct pick_set *set)
{
    struct compaction_choice choice = {.reason = COMPACTION_IDLE};
    struct placed *placed = calloc(set->count, sizeof *placed);
    if (!placed)
        return choice;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct sstable_info *table = &set->tables[i];
        double density = (double)table->file_bytes / coverage_of(table);
        placed[i] =
            (struct placed){i, level_of_density(set->options, density), table->min_token, table->max_token};
    }
    qsort(placed, set->count, sizeof *placed, by_level_then_token);
    for (uint32_t start = 0, end; start < set->count && choice.reason == COMPACTION_IDLE; start = end) {
        for (end = start + 1; end < set->count && placed[end].level == placed[start].level; end++) {
        }
        choice = pick_level(set, placed + start, end - start);
    }
    free(placed);
    return choice;
}
