/* Which tables are merged: tables are arrays of numbers here. */
#include "notation.h"

#define MIB ((uint64_t)1 << 20)

static struct sstable_info sized(uint64_t mib)
{
    return (struct sstable_info){
        .file_bytes = mib * MIB,
        .rows = 1000,
        .min_token = INT64_MIN,
        .max_token = INT64_MAX,
        .min_timestamp = 1,
        .max_timestamp = 1000000,
        .min_expiry_s = INT64_MAX,
        .max_expiry_s = INT64_MIN,
        .never_expires = true,
    };
}

/* A table whose newest write was in `second`. */
static struct sstable_info written_at(uint64_t mib, int64_t second)
{
    struct sstable_info info = sized(mib);
    info.min_timestamp = info.max_timestamp = second * 1000000;
    return info;
}

/* Everything in it expires between two seconds; writes were as old as those. */
static struct sstable_info expiring(int64_t min_s, int64_t max_s)
{
    struct sstable_info info = written_at(1, max_s);
    info.min_timestamp = min_s * 1000000;
    info.min_expiry_s = min_s;
    info.max_expiry_s = max_s;
    info.never_expires = false;
    return info;
}

static void expect_choice(struct compaction_choice choice, enum compaction_reason reason,
                          const uint32_t *chosen, uint32_t count)
{
    assert_int_equal(choice.reason, reason);
    assert_int_equal(choice.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(choice.chosen[i], chosen[i]);
}

#define EXPECT_IDLE(choice) expect_choice(choice, COMPACTION_IDLE, NULL, 0)
#define EXPECT_CHOICE(choice, reason, ...)                          \
    do {                                                            \
        const uint32_t chosen_[] = {__VA_ARGS__};                   \
        expect_choice(choice, reason, chosen_, ARRAY_LEN(chosen_)); \
    } while (0)

#define PICK(options, tables) compaction_pick(options, tables, ARRAY_LEN(tables), 1000000, 1000)

static void four_tables_of_one_size_are_a_tier(void **state)
{
    (void)state;
    struct sstable_info tables[] = {sized(100), sized(110), sized(1000), sized(90), sized(120)};
    EXPECT_CHOICE(PICK(&compaction_defaults, tables), COMPACTION_TIER, 3, 0, 1, 4);
    EXPECT_IDLE(compaction_pick(&compaction_defaults, tables, 4, 0, 0));
}

static void small_tables_are_one_tier_whatever_their_sizes(void **state)
{
    (void)state;
    struct sstable_info tables[] = {sized(1), sized(40), sized(5), sized(20), sized(400)};
    EXPECT_CHOICE(PICK(&compaction_defaults, tables), COMPACTION_TIER, 0, 2, 3, 1);
}

static void sizes_beyond_the_bucket_begin_a_new_one(void **state)
{
    (void)state;
    struct sstable_info tables[] = {sized(100), sized(149), sized(200), sized(320), sized(500)};
    EXPECT_IDLE(PICK(&compaction_defaults, tables));
}

static void the_fullest_tier_goes_first_and_is_cut_at_max_threshold(void **state)
{
    (void)state;
    struct sstable_info tables[50];
    for (uint32_t i = 0; i < 50; i++)
        tables[i] = sized(i < 5 ? 1000 : 100);
    struct compaction_choice choice = PICK(&compaction_defaults, tables);
    assert_int_equal(choice.reason, COMPACTION_TIER);
    assert_int_equal(choice.count, 32);
    assert_int_equal(choice.chosen[0], 5);
    struct compaction_options options = compaction_defaults;
    options.max_threshold = 1000;
    assert_true(PICK(&options, tables).count <= ARRAY_LEN(choice.chosen));
}

static void nothing_is_picked_when_compaction_is_disabled(void **state)
{
    (void)state;
    struct compaction_options options = compaction_defaults;
    options.strategy = COMPACTION_NONE;
    struct sstable_info tables[] = {sized(1), sized(1), sized(1), sized(1)};
    EXPECT_IDLE(PICK(&options, tables));
    EXPECT_IDLE(compaction_pick(&compaction_defaults, NULL, 0, 0, 0));
}

static void windows_floor_also_before_1970(void **state)
{
    (void)state;
    struct compaction_options options = compaction_defaults;
    options.window_s = 100;
    struct sstable_info table = written_at(1, 199);
    assert_int_equal(compaction_window(&options, &table), 1);
    table = written_at(1, -1);
    assert_int_equal(compaction_window(&options, &table), -1);
    table.max_timestamp = -1;
    assert_int_equal(compaction_window(&options, &table), -1);
}

static void a_closed_window_is_merged_once_the_newest_is_tiered(void **state)
{
    (void)state;
    struct compaction_options options = compaction_defaults;
    options.strategy = COMPACTION_TIME_WINDOW;
    options.window_s = 100;
    struct sstable_info tables[] = {
        written_at(10, 50), written_at(300, 60), written_at(5, 150), written_at(1, 250), written_at(1, 260),
    };
    EXPECT_CHOICE(PICK(&options, tables), COMPACTION_WINDOW, 0, 1);
    tables[1] = written_at(300, 155);
    EXPECT_CHOICE(PICK(&options, tables), COMPACTION_WINDOW, 2, 1);
    tables[1] = written_at(1, 210);
    EXPECT_IDLE(PICK(&options, tables));
    tables[0] = written_at(1, 220);
    EXPECT_CHOICE(PICK(&options, tables), COMPACTION_TIER, 0, 1, 3, 4);
}

static void a_table_of_which_nothing_lives_is_dropped_whole(void **state)
{
    (void)state;
    struct sstable_info tables[] = {expiring(10, 900), expiring(2000, 3000), expiring(950, 1000)};
    EXPECT_CHOICE(PICK(&compaction_defaults, tables), COMPACTION_EXPIRED, 0);
    tables[0].never_expires = true;
    EXPECT_IDLE(PICK(&compaction_defaults, tables));
}

static void I14_an_expired_table_stays_while_it_may_hide_something_older(void **state)
{
    (void)state;
    struct sstable_info tables[] = {expiring(10, 900), written_at(1, 500)};
    EXPECT_IDLE(PICK(&compaction_defaults, tables));
    tables[1] = written_at(1, 901);
    EXPECT_CHOICE(PICK(&compaction_defaults, tables), COMPACTION_EXPIRED, 0);
    tables[1] = written_at(1, 500);
    tables[0].max_token = 5;
    tables[1].min_token = 6;
    EXPECT_CHOICE(PICK(&compaction_defaults, tables), COMPACTION_EXPIRED, 0);
    /* Two expired tables do not keep each other alive. */
    struct sstable_info both[] = {expiring(10, 900), expiring(20, 800)};
    EXPECT_CHOICE(PICK(&compaction_defaults, both), COMPACTION_EXPIRED, 0, 1);
}

static void a_table_of_mostly_old_tombstones_is_rewritten_alone(void **state)
{
    (void)state;
    struct sstable_info tables[] = {sized(100), sized(1000)};
    tables[1].tombstones = 300;
    tables[1].min_expiry_s = 10;
    tables[1].max_expiry_s = 20;
    tables[1].max_timestamp = 0;
    EXPECT_CHOICE(PICK(&compaction_defaults, tables), COMPACTION_TOMBSTONES, 1);
    tables[1].created_s = 1000000 - 100; /* too young */
    EXPECT_IDLE(PICK(&compaction_defaults, tables));
    tables[1].created_s = 0;
    tables[1].max_expiry_s = 100000; /* most are too young */
    EXPECT_IDLE(PICK(&compaction_defaults, tables));
    tables[1].max_expiry_s = 20;
    tables[1].max_timestamp = 1; /* the other table may hold what they hide */
    EXPECT_IDLE(PICK(&compaction_defaults, tables));
}

/* Whoever has looked at the table knows better than its extremes say. */
static void what_a_table_can_forget_is_taken_from_its_histogram(void **state)
{
    (void)state;
    struct sstable_info tables[] = {sized(100), sized(1000)};
    tables[1].max_timestamp = 0;
    tables[1].cells = 1000;
    tables[1].droppable = 201; /* cells whose time to live is over are no tombstones */
    EXPECT_CHOICE(PICK(&compaction_defaults, tables), COMPACTION_TOMBSTONES, 1);
    tables[1].droppable = 200;
    EXPECT_IDLE(PICK(&compaction_defaults, tables));
    tables[1].tombstones = 300;
    tables[1].min_expiry_s = 10;
    tables[1].max_expiry_s = 20;
    EXPECT_IDLE(PICK(&compaction_defaults, tables));
}

/* ---- one case a line ---- */

/* A table as numbers: MiB, level, run, tokens [from, to] in units of 2^58 (-32 to 31). */
struct row {
    uint64_t mib;
    uint32_t level;
    uint64_t run;
    int from, to;
};

enum { ROWS_MAX = 48 };

static struct sstable_info info_of(const struct row *row, uint32_t number)
{
    struct sstable_info info = sized(row->mib);
    info.file_number = number + 1;
    info.level = row->level;
    info.run = row->run;
    info.partitions = 100000;
    info.min_token = (int64_t)row->from * (INT64_C(1) << 58);
    info.max_token = (int64_t)row->to * (INT64_C(1) << 58) + ((INT64_C(1) << 58) - 1);
    return info;
}

static struct compaction_choice pick_rows(const struct compaction_options *options, const struct row *rows,
                                          uint32_t count)
{
    struct sstable_info infos[ROWS_MAX];
    for (uint32_t i = 0; i < count; i++)
        infos[i] = info_of(&rows[i], i);
    return compaction_pick(options, infos, count, 1000000, 1000);
}

/* The choice as a text: "level 1: 0 1 2", "idle". */
static void expect_text(struct compaction_choice choice, const char *expected)
{
    struct buffer text = {0};
    buffer_printf(&text, "%s", compaction_reason_name(choice.reason));
    if (choice.reason != COMPACTION_IDLE)
        buffer_printf(&text, " %u:", choice.level);
    for (uint32_t i = 0; i < choice.count; i++)
        buffer_printf(&text, " %u", choice.chosen[i]);
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, expected);
    buffer_deinit(&text);
}

#define PICKS(options, expected, ...)                                       \
    do {                                                                    \
        const struct row rows_[] = {__VA_ARGS__};                           \
        expect_text(pick_rows(options, rows_, ARRAY_LEN(rows_)), expected); \
    } while (0)
#define WHOLE -32, 31

static void runs_are_tiered_not_their_fragments(void **state)
{
    (void)state;
    const struct compaction_options *o = &compaction_defaults;
    PICKS(o, "idle", {256, 0, 7, -32, -17}, {256, 0, 7, -16, -1}, {256, 0, 7, 0, 15}, {256, 0, 7, 16, 31});
    PICKS(o, "tier 0: 2 0 3 1", {100, 0, 0, WHOLE}, {110, 0, 0, WHOLE}, {90, 0, 0, WHOLE},
          {105, 0, 0, WHOLE});
    PICKS(o, "tier 0: 2 0 1 3 4", {50, 0, 7, -32, -1}, {50, 0, 7, 0, 31}, {100, 0, 0, WHOLE},
          {101, 0, 0, WHOLE}, {102, 0, 0, WHOLE});
}

static void levels_are_relieved_from_below(void **state)
{
    (void)state;
    struct compaction_options options = compaction_defaults_of(COMPACTION_LEVELED), *o = &options;
    options.sstable_bytes = 100 * MIB;
    /* Level 0: too few; few but not worth a table of level 1; worth it, with what they overlap there. */
    PICKS(o, "idle", {10, 0, 0, WHOLE}, {10, 0, 0, WHOLE}, {10, 0, 0, WHOLE});
    PICKS(o, "level 0: 0 1 2 3", {10, 0, 0, WHOLE}, {10, 0, 0, WHOLE}, {10, 0, 0, WHOLE}, {10, 0, 0, WHOLE});
    PICKS(o, "level 1: 0 1 2 3 4", {30, 0, 0, 0, 9}, {30, 0, 0, 0, 9}, {30, 0, 0, 0, 9}, {30, 0, 0, 0, 9},
          {90, 1, 0, 9, 12}, {90, 1, 0, 13, 20});
    /* Level 1 holds more than ten tables' worth: the one with the least below it goes down. */
    PICKS(o, "level 2: 1", {600, 1, 0, -32, -1}, {600, 1, 0, 0, 31}, {100, 2, 0, -32, -20});
    PICKS(o, "level 2: 1 3", {600, 1, 0, -32, -1}, {600, 1, 0, 0, 31}, {100, 2, 0, -32, -20},
          {50, 2, 0, 5, 9});
    /* The deepest level that is too large comes first. */
    PICKS(o, "level 3: 2", {600, 1, 0, -32, -1}, {600, 1, 0, 0, 31}, {10100, 2, 0, 0, 31});
    /* Tables that overlap on one level are merged there. */
    PICKS(o, "level 1: 0 1", {10, 1, 0, 0, 9}, {10, 1, 0, 9, 12}, {10, 1, 0, 20, 30});
}

static void a_level_0_that_has_fallen_behind_is_tiered_while_deeper_levels_are_too_large(void **state)
{
    (void)state;
    struct compaction_options options = compaction_defaults_of(COMPACTION_LEVELED);
    struct row rows[ROWS_MAX];
    for (uint32_t i = 0; i < 40; i++)
        rows[i] = (struct row){10, 0, 0, WHOLE};
    rows[40] = (struct row){2000, 1, 0, WHOLE};
    struct compaction_choice choice = pick_rows(&options, rows, 41);
    assert_int_equal(choice.reason, COMPACTION_TIER);
    assert_int_equal(choice.level, 0);
    assert_int_equal(choice.count, 32);
    rows[40].mib = 100;
    choice = pick_rows(&options, rows, 41);
    assert_int_equal(choice.reason, COMPACTION_LEVEL);
    assert_int_equal(choice.level, 1);
    assert_int_equal(choice.count, 33);
}

static void the_two_largest_tiers_are_merged_to_reach_the_space_goal(void **state)
{
    (void)state;
    struct compaction_options options = compaction_defaults_of(COMPACTION_INCREMENTAL), *o = &options;
    PICKS(o, "idle", {1000, 0, 0, WHOLE}, {400, 0, 0, WHOLE}, {20, 0, 0, WHOLE});
    options.space_amplification_goal = 1.3;
    PICKS(o, "space 0: 1 0", {1000, 0, 0, WHOLE}, {400, 0, 0, WHOLE}, {20, 0, 0, WHOLE});
    PICKS(o, "idle", {1000, 0, 0, WHOLE}, {200, 0, 0, WHOLE}, {20, 0, 0, WHOLE});
}

static void density_decides_levels_and_overlap_decides_merges(void **state)
{
    (void)state;
    struct compaction_options options = compaction_defaults_of(COMPACTION_UNIFIED), *o = &options;
    options.flush_bytes = 100 * MIB;
    PICKS(o, "idle", {100, 0, 0, WHOLE}, {100, 0, 0, WHOLE}, {100, 0, 0, WHOLE});
    PICKS(o, "tier 0: 0 1 2 3", {100, 0, 0, WHOLE}, {100, 0, 0, WHOLE}, {100, 0, 0, WHOLE},
          {100, 0, 0, WHOLE});
    /* Four, but nowhere over one another. */
    PICKS(o, "idle", {25, 0, 0, -32, -17}, {25, 0, 0, -16, -1}, {25, 0, 0, 0, 15}, {25, 0, 0, 16, 31});
    /* A denser one is of a deeper level. */
    PICKS(o, "idle", {500, 0, 0, WHOLE}, {100, 0, 0, WHOLE}, {100, 0, 0, WHOLE}, {100, 0, 0, WHOLE});
    options.scaling[0] = -8;
    PICKS(o, "tier 0: 0 1", {100, 0, 0, WHOLE}, {100, 0, 0, WHOLE});
}

static void late_data_joins_its_window_when_it_is_a_quarter_of_it(void **state)
{
    (void)state;
    struct compaction_options options = compaction_defaults_of(COMPACTION_TIME_WINDOW);
    options.window_s = 100;
    struct sstable_info tables[] = {written_at(400, 50), written_at(20, 60), written_at(1, 950)};
    tables[0].created_s = 500; /* the last merge of its window */
    EXPECT_IDLE(PICK(&options, tables));
    tables[1].file_bytes = 110 * MIB;
    EXPECT_CHOICE(PICK(&options, tables), COMPACTION_WINDOW, 1, 0);
    tables[1].file_bytes = 20 * MIB;
    tables[0].created_s = 90; /* the window was still open */
    EXPECT_CHOICE(PICK(&options, tables), COMPACTION_WINDOW, 1, 0);
}

static void unsafe_expiry_asks_nobody(void **state)
{
    (void)state;
    struct compaction_options options = compaction_defaults_of(COMPACTION_TIME_WINDOW);
    struct sstable_info tables[] = {expiring(10, 900), written_at(1, 500)};
    assert_int_not_equal(PICK(&options, tables).reason, COMPACTION_EXPIRED);
    options.expiry_unchecked = true;
    EXPECT_CHOICE(PICK(&options, tables), COMPACTION_EXPIRED, 0);
    options.expiry_checked_late = true;
    assert_int_not_equal(PICK(&options, tables).reason, COMPACTION_EXPIRED);
}

static void tables_made_outside_the_strategy_are_merged_once(void **state)
{
    (void)state;
    struct sstable_info tables[] = {sized(1), sized(100), sized(7)};
    tables[0].off_strategy = true;
    EXPECT_IDLE(PICK(&compaction_defaults, tables));
    tables[2].off_strategy = true;
    EXPECT_CHOICE(PICK(&compaction_defaults, tables), COMPACTION_OFF_STRATEGY, 0, 2);
}

static void the_backlog_is_nothing_at_rest_and_grows_with_what_waits(void **state)
{
    (void)state;
    struct sstable_info tables[20];
    struct compaction_options windows = compaction_defaults_of(COMPACTION_TIME_WINDOW);
    struct compaction_options levels = compaction_defaults_of(COMPACTION_LEVELED);
    windows.window_s = 100;
    uint64_t before = 0;
    for (uint32_t i = 0; i < ARRAY_LEN(tables); i++) {
        tables[i] = sized(100);
        uint64_t behind = compaction_backlog(&compaction_defaults, tables, i + 1);
        assert_true(i < 3 ? behind == 0 : behind > before);
        before = behind;
    }
    assert_true(before >= 20 * 100 * MIB);
    assert_true(compaction_backlog(&levels, tables, 20) >= 20 * 100 * MIB);
    for (uint32_t i = 0; i < ARRAY_LEN(tables); i++)
        tables[i] = written_at(100, 100 * (int64_t)i);
    assert_int_equal(compaction_backlog(&windows, tables, 20), 0);
    tables[3] = written_at(100, 400);
    uint64_t one = compaction_backlog(&windows, tables, 20);
    assert_true(one > 0 && one < 1000 * MIB);
}

static void disjoint_tables_share_a_chain(void **state)
{
    (void)state;
    const struct row rows[] = {
        {1, 0, 0, 0, 5}, {1, 0, 0, 3, 9}, {1, 0, 0, 6, 7}, {1, 0, 0, 10, 12}, {1, 0, 0, 8, 8}};
    struct sstable_info infos[ARRAY_LEN(rows)];
    uint32_t chain_of[ARRAY_LEN(rows)], chains;
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++)
        infos[i] = info_of(&rows[i], i);
    assert_true(compaction_chains(infos, ARRAY_LEN(rows), chain_of, &chains));
    assert_int_equal(chains, 2);
    assert_int_equal(chain_of[0], chain_of[2]);
    assert_int_equal(chain_of[2], chain_of[4]);
    assert_int_not_equal(chain_of[0], chain_of[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_tables_of_one_size_are_a_tier),
        cmocka_unit_test(small_tables_are_one_tier_whatever_their_sizes),
        cmocka_unit_test(sizes_beyond_the_bucket_begin_a_new_one),
        cmocka_unit_test(the_fullest_tier_goes_first_and_is_cut_at_max_threshold),
        cmocka_unit_test(nothing_is_picked_when_compaction_is_disabled),
        cmocka_unit_test(windows_floor_also_before_1970),
        cmocka_unit_test(a_closed_window_is_merged_once_the_newest_is_tiered),
        cmocka_unit_test(a_table_of_which_nothing_lives_is_dropped_whole),
        cmocka_unit_test(I14_an_expired_table_stays_while_it_may_hide_something_older),
        cmocka_unit_test(a_table_of_mostly_old_tombstones_is_rewritten_alone),
        cmocka_unit_test(what_a_table_can_forget_is_taken_from_its_histogram),
        cmocka_unit_test(runs_are_tiered_not_their_fragments),
        cmocka_unit_test(levels_are_relieved_from_below),
        cmocka_unit_test(a_level_0_that_has_fallen_behind_is_tiered_while_deeper_levels_are_too_large),
        cmocka_unit_test(the_two_largest_tiers_are_merged_to_reach_the_space_goal),
        cmocka_unit_test(density_decides_levels_and_overlap_decides_merges),
        cmocka_unit_test(late_data_joins_its_window_when_it_is_a_quarter_of_it),
        cmocka_unit_test(unsafe_expiry_asks_nobody),
        cmocka_unit_test(tables_made_outside_the_strategy_are_merged_once),
        cmocka_unit_test(the_backlog_is_nothing_at_rest_and_grows_with_what_waits),
        cmocka_unit_test(disjoint_tables_share_a_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
