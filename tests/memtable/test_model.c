/* Memtables under random writes show what the plainest model shows, alone and under a merge. */
#include "memtable/memtable.h"
#include "row/merge.h"
#include "tests/row/model.h"

#ifdef STRAIT_LONG_TESTS
enum { ROUNDS = 400 };
#else
enum { ROUNDS = 16 };
#endif

static void write_both(struct random *rng, const struct model_space *space, int writes,
                       struct memtable *memtable, struct model *model)
{
    struct batch batch = {0};
    for (int i = 0; i < writes; i++) {
        struct mutation mutation = model_random_mutation(rng, space, &batch);
        assert_ok(memtable_apply(memtable, mutation));
        model_apply(model, mutation);
    }
    batch_deinit(&batch);
}

static void compare_both(struct random *rng, const struct model_space *space, struct memtable *memtable,
                         struct model *model)
{
    for (int reverse = 0; reverse < 2; reverse++) {
        struct cursor *expected = model_cursor_open(model, reverse, NULL), *cursor;
        assert_ok(memtable_cursor_open(memtable, reverse, &cursor));
        assert_same_walk(cursor, expected, space);
        assert_same_moves(cursor, expected, rng, space, 200);
        cursor_close(cursor);
        cursor_close(expected);
    }
}

static struct model_space random_space(struct random *rng, int round)
{
    return (struct model_space){
        .partitions = 1 + (uint32_t)random_below(rng, round % 4 ? 4 : 200),
        .rows = 1 + (uint32_t)random_below(rng, round % 3 ? 40 : 1000),
        .integers = round % 2,
        .plain = random_below(rng, 3) == 0,
    };
}

/* Changes are merged with the row at once, always (the shortcut off), never, or as the row is large. */
static struct memtable *memtable_of(struct random *rng)
{
    static const size_t above[] = {SIZE_MAX, 0, 40};
    struct memtable *memtable;
    assert_ok(memtable_new(&model_rules, &memtable));
    memtable_merge_above(memtable, above[random_below(rng, 3)]);
    if (random_below(rng, 4) == 0)
        memtable_rows_as_they_come(memtable);
    return memtable;
}

static void a_memtable_shows_what_was_written_while_active_and_frozen(void **state)
{
    (void)state;
    struct random rng = random_for("memtable");
    struct memtable_stats stats;
    uint64_t partial_rows = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct model_space space = random_space(&rng, round);
        struct model model = {0};
        struct memtable *memtable = memtable_of(&rng);
        for (int i = 0; i < 3; i++) {
            write_both(&rng, &space, (int)random_below(&rng, 200), memtable, &model);
            compare_both(&rng, &space, memtable, &model);
        }
        memtable_freeze(memtable);
        compare_both(&rng, &space, memtable, &model);
        compare_both(&rng, &space, memtable, &model);
        memtable_stats(memtable, &stats);
        partial_rows += stats.partial_rows;
        memtable_unref(memtable);
        model_deinit(&model);
    }
    assert_true(partial_rows > 0);
}

static void a_cursor_of_one_partition_shows_that_partition(void **state)
{
    (void)state;
    struct random rng = random_for("one partition");
    char text[32];
    for (int round = 0; round < ROUNDS; round++) {
        struct model_space space = random_space(&rng, round);
        struct model model = {0};
        struct memtable *memtable = memtable_of(&rng);
        write_both(&rng, &space, 200, memtable, &model);
        for (uint32_t i = 0; i < space.partitions && i < 10; i++) {
            struct partition_key key = model_partition_key(i, text);
            struct model_partition *partition = model_partition_at(&model, key, false);
            struct model alone = {.partitions = &partition, .count = 1};
            struct cursor *cursor;
            bool reverse = random_below(&rng, 2);
            status st = memtable_cursor_open_one(memtable, key, reverse, &cursor);
            assert_int_equal(st.code, partition ? STATUS_OK : STATUS_NOT_FOUND);
            if (!partition)
                continue;
            struct cursor *expected = model_cursor_open(&alone, reverse, NULL);
            assert_same_walk(cursor, expected, &space);
            assert_same_moves(cursor, expected, &rng, &space, 100);
            cursor_close(cursor);
            cursor_close(expected);
            arena_deinit(&alone.arena);
        }
        memtable_unref(memtable);
        model_deinit(&model);
    }
}

static void memtables_under_a_merge_show_the_sum_of_their_writes(void **state)
{
    (void)state;
    enum { MEMTABLES = 3 };
    struct random rng = random_for("merged memtables");
    for (int round = 0; round < ROUNDS; round++) {
        struct model_space space = random_space(&rng, round);
        struct model model = {0};
        struct memtable *memtables[MEMTABLES];
        for (int i = 0; i < MEMTABLES; i++) {
            memtables[i] = memtable_of(&rng);
            write_both(&rng, &space, (int)random_below(&rng, 150), memtables[i], &model);
        }
        model_apply_deletions(&model);
        for (int variant = 0; variant < 4; variant++) {
            struct merge_options options = {
                .rules = &model_rules, .reverse = variant & 1, .no_lazy = variant & 2};
            struct cursor *children[MEMTABLES], *merge;
            for (int i = 0; i < MEMTABLES; i++)
                assert_ok(memtable_cursor_open(memtables[i], options.reverse, &children[i]));
            assert_ok(merge_cursor_open(children, MEMTABLES, &options, &merge));
            struct cursor *expected = model_cursor_open(&model, options.reverse, NULL);
            assert_same_walk(merge, expected, &space);
            assert_same_moves(merge, expected, &rng, &space, 200);
            cursor_close(merge);
            cursor_close(expected);
        }
        for (int i = 0; i < MEMTABLES; i++)
            memtable_unref(memtables[i]);
        model_deinit(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_memtable_shows_what_was_written_while_active_and_frozen),
        cmocka_unit_test(a_cursor_of_one_partition_shows_that_partition),
        cmocka_unit_test(memtables_under_a_merge_show_the_sum_of_their_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
