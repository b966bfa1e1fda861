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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
