/*
 * Every strategy over thousands of flushes, with tables that are nothing but numbers: what a merge makes is reckoned, not
 * merged. What must hold after every step: levels are disjoint, nothing is lost, the number of runs stays small, and
 * what was written stays within the strategy's bound. STRAIT_SHOW=1 prints the figures.
 */
#include "notation.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

#define MIB ((uint64_t)1 << 20)

enum {
    FLUSHES = 1500,
    TABLES_MAX = 4096,
    FLUSH_S = 60,
};

struct world {
    struct compaction_options options;
    struct random rng;
    struct sstable_info tables[TABLES_MAX];
    uint32_t count, most_tables, most_runs, last_merge;
    uint64_t next_number, flushed_bytes, written_bytes, merges;
    int64_t now_s;
    bool late; /* some flushes are of old windows */
};

static void add(struct world *world, struct sstable_info info)
{
    assert_true(world->count < TABLES_MAX);
    info.file_number = world->next_number++;
    info.created_s = world->now_s;
    world->tables[world->count++] = info;
    world->written_bytes += info.file_bytes;
}

static struct sstable_info table_over(uint64_t bytes, int64_t min_token, int64_t max_token)
{
    return (struct sstable_info){
        .file_bytes = bytes,
        .rows = bytes / 100,
        .partitions = 2000,
        .min_token = min_token,
        .max_token = max_token,
        .min_expiry_s = INT64_MAX,
        .max_expiry_s = INT64_MIN,
        .never_expires = true,
    };
}

/* A flush covers nearly all tokens and the last minute; one in twenty of a late world is of an earlier day. */
static void flush(struct world *world)
{
    uint64_t bytes = 8 * MIB + random_below(&world->rng, 8 * MIB);
    int64_t edge = (int64_t)random_below(&world->rng, UINT64_C(1) << 50);
    struct sstable_info info = table_over(bytes, INT64_MIN + edge, INT64_MAX - edge);
    int64_t second = world->now_s;
    if (world->late && random_below(&world->rng, 20) == 0) {
        second -= 86400 * (int64_t)(1 + random_below(&world->rng, 3));
        info.file_bytes = bytes / 100;
    }
    info.min_timestamp = info.max_timestamp = second * 1000000;
    world->flushed_bytes += info.file_bytes;
    add(world, info);
}

static void remove_chosen(struct world *world, const struct compaction_choice *choice)
{
    bool gone[TABLES_MAX] = {false};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < choice->count; i++) {
        assert_true(choice->chosen[i] < world->count);
        assert_false(gone[choice->chosen[i]]);
        gone[choice->chosen[i]] = true;
    }
    for (uint32_t i = 0; i < world->count; i++)
        if (!gone[i])
            world->tables[kept++] = world->tables[i];
    world->count = kept;
}

/* The inputs as one piece, cut into equal parts of tokens and bytes as the choice wants them. */
static void merge(struct world *world, const struct compaction_choice *choice)
{
    struct sstable_info all = table_over(0, INT64_MAX, INT64_MIN);
    all.min_timestamp = INT64_MAX;
    all.max_timestamp = INT64_MIN;
    for (uint32_t i = 0; i < choice->count; i++) {
        const struct sstable_info *table = &world->tables[choice->chosen[i]];
        all.file_bytes += table->file_bytes;
        all.min_token = table->min_token < all.min_token ? table->min_token : all.min_token;
        all.max_token = table->max_token > all.max_token ? table->max_token : all.max_token;
        all.min_timestamp =
            table->min_timestamp < all.min_timestamp ? table->min_timestamp : all.min_timestamp;
        all.max_timestamp =
            table->max_timestamp > all.max_timestamp ? table->max_timestamp : all.max_timestamp;
    }
    remove_chosen(world, choice);
    world->last_merge = world->count;
    uint64_t most = choice->output_bytes_max ? choice->output_bytes_max : 256 * MIB;
    uint64_t pieces = (all.file_bytes + most - 1) / most;
    pieces = pieces < choice->output_shards ? choice->output_shards : pieces;
    pieces = pieces ? pieces : 1;
    uint64_t run = choice->run ? choice->run : world->next_number;
    uint64_t span = ((uint64_t)all.max_token - (uint64_t)all.min_token) / pieces;
    for (uint64_t i = 0; i < pieces; i++) {
        struct sstable_info piece = all;
        piece.file_bytes = all.file_bytes / pieces + (i == 0 ? all.file_bytes % pieces : 0);
        piece.min_token = (int64_t)((uint64_t)all.min_token + i * span);
        piece.max_token = i + 1 == pieces ? all.max_token : (int64_t)((uint64_t)piece.min_token + span - 1);
        piece.level = choice->level;
        piece.run = run;
        add(world, piece);
    }
    world->merges++;
}

static uint32_t runs_of(const struct world *world)
{
    uint32_t runs = 0;
    for (uint32_t i = 0; i < world->count; i++) {
        bool first = true;
        for (uint32_t j = 0; j < i && first; j++)
            first = !world->tables[i].run || world->tables[j].run != world->tables[i].run;
        runs += first;
    }
    return runs;
}

/* Those that came last, with all. */
static void expect_levels_disjoint(const struct world *world, uint32_t first)
{
    for (uint32_t i = first; i < world->count; i++)
        for (uint32_t j = 0; j < i; j++) {
            const struct sstable_info *a = &world->tables[i], *b = &world->tables[j];
            if (a->level && a->level == b->level)
                assert_true(a->max_token < b->min_token || b->max_token < a->min_token);
        }
}

static void expect_nothing_lost(const struct world *world)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < world->count; i++)
        bytes += world->tables[i].file_bytes;
    assert_int_equal(bytes, world->flushed_bytes);
}

/* Merge until the strategy is at rest; that it comes to rest is part of the claim. */
static void settle(struct world *world)
{
    for (uint32_t steps = 0;; steps++) {
        assert_true(steps < 1000);
        struct compaction_choice choice =
            compaction_pick(&world->options, world->tables, world->count, world->now_s, 0);
        if (choice.reason == COMPACTION_IDLE)
            return;
        assert_true(choice.count > 0 && choice.count <= COMPACTION_CHOSEN_MAX);
        merge(world, &choice);
        expect_levels_disjoint(world, world->last_merge);
    }
}

static void run(struct world *world, enum compaction_strategy strategy, const char *name)
{
    if (!world->options.min_threshold)
        world->options = compaction_defaults_of(strategy);
    world->options.flush_bytes = 12 * MIB;
    world->rng = (struct random){7};
    world->next_number = 1;
    world->now_s = 1700000000;
    for (uint32_t i = 0; i < FLUSHES; i++) {
        world->now_s += FLUSH_S;
        flush(world);
        settle(world);
        uint32_t runs = runs_of(world);
        world->most_tables = world->count > world->most_tables ? world->count : world->most_tables;
        world->most_runs = runs > world->most_runs ? runs : world->most_runs;
        assert_int_equal(
            compaction_backlog(&world->options, world->tables, world->count) > (UINT64_C(1) << 60), 0);
    }
    expect_nothing_lost(world);
    if (getenv("STRAIT_SHOW"))
        print_message(
            "%-28s %5.1f GB flushed, write amplification %5.2f, at most %3u tables, %3u runs, %llu merges\n",
            name, (double)world->flushed_bytes / 1e9,
            (double)world->written_bytes / (double)world->flushed_bytes, world->most_tables, world->most_runs,
            (unsigned long long)world->merges);
}

static double amplification(const struct world *world)
{
    return (double)world->written_bytes / (double)world->flushed_bytes;
}

static void size_tiers_hold_few_runs_and_write_log4_times(void **state)
{
    (void)state;
    static struct world world;
    run(&world, COMPACTION_SIZE_TIERED, "size-tiered");
    assert_true(world.most_runs <= 25);
    assert_true(amplification(&world) < 7);
}

static void time_windows_write_each_window_a_few_times(void **state)
{
    (void)state;
    static struct world world;
    world = (struct world){.options = compaction_defaults_of(COMPACTION_TIME_WINDOW)};
    world.options.window_s = 3600;
    run(&world, COMPACTION_TIME_WINDOW, "time-window, 60 a window");
    uint32_t windows = FLUSHES * FLUSH_S / 3600 + 2;
    assert_true(world.most_runs <= windows + 12);
    assert_true(amplification(&world) < 4.5);
}

static void late_data_does_not_have_old_windows_rewritten_each_time(void **state)
{
    (void)state;
    static struct world world;
    world = (struct world){.options = compaction_defaults_of(COMPACTION_TIME_WINDOW), .late = true};
    world.options.window_s = 3600;
    run(&world, COMPACTION_TIME_WINDOW, "time-window, late data");
    assert_true(amplification(&world) < 4.5);
}

static void levels_are_disjoint_and_write_fanout_times_a_level(void **state)
{
    (void)state;
    static struct world world;
    run(&world, COMPACTION_LEVELED, "leveled, 160 MiB");
    assert_true(world.most_runs < 400);
    assert_true(amplification(&world) < 20);
    static struct world small;
    small = (struct world){.options = compaction_defaults_of(COMPACTION_LEVELED)};
    small.options.sstable_bytes = 16 * MIB;
    run(&small, COMPACTION_LEVELED, "leveled, 16 MiB");
    assert_true(amplification(&small) < 30);
}

static void fragments_are_weighed_as_runs(void **state)
{
    (void)state;
    static struct world world;
    world = (struct world){.options = compaction_defaults_of(COMPACTION_INCREMENTAL)};
    world.options.sstable_bytes = 64 * MIB;
    run(&world, COMPACTION_INCREMENTAL, "incremental, 64 MiB");
    assert_true(world.most_runs <= 25);
    assert_true(amplification(&world) < 7);
    static struct world goal;
    goal = (struct world){.options = compaction_defaults_of(COMPACTION_INCREMENTAL)};
    goal.options.sstable_bytes = 64 * MIB;
    goal.options.space_amplification_goal = 1.25;
    run(&goal, COMPACTION_INCREMENTAL, "incremental, space 1.25");
    assert_true(amplification(&goal) > amplification(&world));
    assert_true(amplification(&goal) < 60);
}

static void density_levels_tier_or_level_as_their_parameter_says(void **state)
{
    (void)state;
    static struct world tiered;
    run(&tiered, COMPACTION_UNIFIED, "unified, T4");
    assert_true(amplification(&tiered) < 8);
    static struct world leveled;
    leveled = (struct world){.options = compaction_defaults_of(COMPACTION_UNIFIED)};
    leveled.options.scaling[0] = -8;
    run(&leveled, COMPACTION_UNIFIED, "unified, L10");
    assert_true(amplification(&leveled) > amplification(&tiered));
    assert_true(amplification(&leveled) < 40);
    assert_true(leveled.most_runs < tiered.most_runs + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_tiers_hold_few_runs_and_write_log4_times),
        cmocka_unit_test(time_windows_write_each_window_a_few_times),
        cmocka_unit_test(late_data_does_not_have_old_windows_rewritten_each_time),
        cmocka_unit_test(levels_are_disjoint_and_write_fanout_times_a_level),
        cmocka_unit_test(fragments_are_weighed_as_runs),
        cmocka_unit_test(density_levels_tier_or_level_as_their_parameter_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
