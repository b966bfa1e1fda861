/* Several sources as one: against a model that has seen every write, and the shortcuts one by one. */
#include "row/merge.h"
#include "tests/row/model.h"

enum {
    SOURCES_MAX = 6,
#ifdef STRAIT_LONG_TESTS
    ROUNDS = 5000,
#else
    ROUNDS = 160,
#endif
};

static struct cursor *merge_with(struct model *models, uint32_t count, const struct merge_options *options,
                                 uint64_t *asked)
{
    struct cursor *children[SOURCES_MAX], *merge;
    struct merge_options with_rules = *options;
    with_rules.rules = &model_rules;
    for (uint32_t i = 0; i < count; i++)
        children[i] = model_cursor_open(&models[i], options->reverse, asked ? &asked[i] : NULL);
    assert_ok(merge_cursor_open(children, count, &with_rules, &merge));
    return merge;
}

static struct cursor *merge_of_models(struct model *models, uint32_t count, bool reverse, bool no_lazy,
                                      struct merge_counters *counters, uint64_t *asked)
{
    struct merge_options options = {.reverse = reverse, .no_lazy = no_lazy, .counters = counters};
    return merge_with(models, count, &options, asked);
}

static void compare_with_model(struct random *rng, const struct model_space *space, uint32_t sources,
                               int writes)
{
    struct model models[SOURCES_MAX] = {0}, all = {0};
    struct batch batch = {0};
    struct merge_counters counters = {0};
    for (int i = 0; i < writes; i++) {
        struct mutation mutation = model_random_mutation(rng, space, &batch);
        if (sources)
            model_apply(&models[random_below(rng, sources)], mutation);
        if (sources)
            model_apply(&all, mutation);
    }
    model_apply_deletions(&all);
    for (int variant = 0; variant < 8; variant++) {
        bool reverse = variant & 1;
        struct merge_options options = {
            .reverse = reverse, .no_lazy = variant & 2, .no_gallop = variant & 4, .counters = &counters};
        struct cursor *merge = merge_with(models, sources, &options, NULL);
        struct cursor *expected = model_cursor_open(&all, reverse, NULL);
        assert_same_walk(merge, expected, space);
        assert_same_moves(merge, expected, rng, space, 100);
        cursor_close(merge);
        cursor_close(expected);
    }
    for (uint32_t i = 0; i < sources; i++)
        model_deinit(&models[i]);
    model_deinit(&all);
    batch_deinit(&batch);
}

static void a_merge_shows_what_one_source_with_all_writes_would(void **state)
{
    (void)state;
    struct random rng = random_for("merges");
    for (int round = 0; round < ROUNDS; round++) {
        struct model_space space = {
            .partitions = 1 + (uint32_t)random_below(&rng, 4),
            .rows = 1 + (uint32_t)random_below(&rng, 30),
            .integers = round % 2,
            .plain = random_below(&rng, 3) == 0,
        };
        uint32_t sources = (uint32_t)random_below(&rng, SOURCES_MAX + 1);
        compare_with_model(&rng, &space, sources, (int)random_below(&rng, 120));
    }
}

/* Put rows [from, to) of the partition "p0" at `timestamp`. */
static void put_rows(struct model *model, const struct model_space *space, uint32_t from, uint32_t to,
                     int64_t timestamp)
{
    struct buffer key = {0}, image = {0};
    char text[32];
    struct model_partition *partition = model_partition_at(model, model_partition_key(0, text), true);
    struct row_builder builder = {0};
    for (uint32_t i = from; i < to; i++) {
        row_builder_reset(&builder);
        builder.marker.timestamp = timestamp;
        buffer_clear(&image);
        assert_ok(row_builder_finish(&builder, &image));
        model_clustering(space, i, false, &key);
        model_put_row(model, partition, buffer_slice(&key), buffer_slice(&image));
    }
    row_builder_deinit(&builder);
    buffer_deinit(&key);
    buffer_deinit(&image);
}

static void take_rows(struct cursor *cursor, int count)
{
    for (int i = 0; i < count; i++) {
        assert_ok(cursor_next(cursor));
        assert_true(cursor->on_row);
    }
}

/* Keys descend with the number, so the newest rows of the newest source come first. */
static const struct model_space newest_first = {.partitions = 1, .rows = 300, .integers = true};

static void older_sources_are_not_asked_until_the_frontier_reaches_them(void **state)
{
    (void)state;
    struct model models[3] = {0};
    for (uint32_t i = 0; i < 3; i++)
        put_rows(&models[i], &newest_first, 100 * i, 100 * i + 100, i);
    uint64_t asked[3] = {0};
    struct merge_counters counters = {0};
    struct cursor *merge = merge_of_models(models, 3, false, false, &counters, asked);
    assert_ok(cursor_next_partition(merge));
    take_rows(merge, 50);
    assert_int_equal(asked[2], 50);
    assert_int_equal(asked[1], 0);
    assert_int_equal(asked[0], 0);
    take_rows(merge, 60);
    assert_true(asked[1] > 0);
    assert_int_equal(asked[0], 0);
    cursor_close(merge);
    assert_int_equal(counters.children_entered, 2);
    assert_int_equal(counters.children_skipped, 1);
    assert_int_equal(counters.rows_passed, 110);
    assert_int_equal(counters.rows_merged, 0);
    for (int i = 0; i < 3; i++)
        model_deinit(&models[i]);
}

static void a_reverse_read_begins_with_the_oldest_source(void **state)
{
    (void)state;
    struct model models[3] = {0};
    for (uint32_t i = 0; i < 3; i++)
        put_rows(&models[i], &newest_first, 100 * i, 100 * i + 100, i);
    uint64_t asked[3] = {0};
    struct cursor *merge = merge_of_models(models, 3, true, false, NULL, asked);
    assert_ok(cursor_next_partition(merge));
    take_rows(merge, 50);
    assert_true(asked[0] > 0 && !asked[1] && !asked[2]);
    cursor_close(merge);
    for (int i = 0; i < 3; i++)
        model_deinit(&models[i]);
}

static void a_seek_asks_only_who_may_have_the_row(void **state)
{
    (void)state;
    struct model models[3] = {0};
    struct buffer key = {0};
    for (uint32_t i = 0; i < 3; i++)
        put_rows(&models[i], &newest_first, 100 * i, 100 * i + 100, i);
    uint64_t asked[3] = {0};
    struct cursor *merge = merge_of_models(models, 3, false, false, NULL, asked);
    assert_ok(cursor_next_partition(merge));
    model_clustering(&newest_first, 150, false, &key);
    assert_ok(cursor_seek_row(merge, buffer_slice(&key)));
    assert_true(merge->on_row);
    assert_true(slice_equal(merge->row.clustering, buffer_slice(&key)));
    assert_true(!asked[0] && asked[1] && !asked[2]);
    cursor_close(merge);
    buffer_deinit(&key);
    for (int i = 0; i < 3; i++)
        model_deinit(&models[i]);
}

/* As the walk of one file becomes a merge: from where it stands, or from the first row again. */
static void a_child_may_have_been_walked_before(void **state)
{
    (void)state;
    struct model models[2] = {0};
    for (uint32_t i = 0; i < 2; i++)
        put_rows(&models[i], &newest_first, 5 - 5 * i, 15 - 5 * i, i);
    struct cursor *children[2], *merge;
    struct merge_options options = {.rules = &model_rules};
    for (uint32_t i = 0; i < 2; i++)
        children[i] = model_cursor_open(&models[i], false, NULL);
    assert_ok(cursor_next_partition(children[0]));
    take_rows(children[0], 3);
    assert_ok(merge_cursor_open(children, 2, &options, &merge));
    assert_ok(cursor_next_partition(merge));
    for (int round = 0; round < 2; round++) {
        assert_ok(cursor_seek_row(merge, (struct slice){0}));
        assert_true(merge->on_row);
        take_rows(merge, 14);
        assert_ok(cursor_next(merge));
        assert_false(merge->on_row);
    }
    cursor_close(merge);
    for (uint32_t i = 0; i < 2; i++)
        model_deinit(&models[i]);
}

static void without_laziness_everybody_is_asked(void **state)
{
    (void)state;
    struct model models[3] = {0};
    for (uint32_t i = 0; i < 3; i++)
        put_rows(&models[i], &newest_first, 100 * i, 100 * i + 100, i);
    uint64_t asked[3] = {0};
    struct cursor *merge = merge_of_models(models, 3, false, true, NULL, asked);
    assert_ok(cursor_next_partition(merge));
    take_rows(merge, 1);
    assert_true(asked[0] && asked[1] && asked[2]);
    cursor_close(merge);
    for (int i = 0; i < 3; i++)
        model_deinit(&models[i]);
}

/* The keys of a slice, walked as a caller does who stops outside of it. */
static void assert_same_slice(struct cursor *merge, struct cursor *expected, struct slice from,
                              struct slice to)
{
    struct slice start = merge->reverse ? to : from;
    assert_ok(cursor_next_partition(merge));
    assert_ok(cursor_next_partition(expected));
    assert_ok(cursor_seek_row(merge, start));
    assert_ok(cursor_seek_row(expected, start));
    for (;;) {
        struct slice key = expected->row.clustering;
        if (!expected->on_row || slice_compare(key, from) < 0 || slice_compare(key, to) >= 0)
            break;
        assert_same_row(merge, expected);
        assert_ok(cursor_next(merge));
        assert_ok(cursor_next(expected));
    }
    if (merge->on_row)
        assert_true(slice_compare(merge->row.clustering, from) < 0 ||
                    slice_compare(merge->row.clustering, to) >= 0);
}

static void a_merge_of_a_slice_has_all_of_it_and_asks_nobody_beyond(void **state)
{
    (void)state;
    struct model models[3] = {0}, all = {0};
    struct buffer from = {0}, to = {0};
    for (uint32_t i = 0; i < 3; i++)
        put_rows(&models[i], &newest_first, 100 * i, 100 * i + 110, i);
    for (uint32_t i = 0; i < 3; i++)
        put_rows(&all, &newest_first, 100 * i, 100 * i + 110, i);
    const uint32_t slices[][2] = {{50, 20}, {120, 90}, {310, 0}, {105, 104}, {205, 5}};
    for (size_t i = 0; i < ARRAY_LEN(slices) * 2; i++) {
        uint64_t asked[3] = {0};
        model_clustering(&newest_first, slices[i / 2][0], false, &from);
        model_clustering(&newest_first, slices[i / 2][1], false, &to);
        struct merge_options options = {
            .reverse = i & 1, .from = buffer_slice(&from), .to = buffer_slice(&to)};
        struct cursor *merge = merge_with(models, 3, &options, asked);
        struct cursor *expected = model_cursor_open(&all, options.reverse, NULL);
        assert_same_slice(merge, expected, options.from, options.to);
        if (i / 2 == 0)
            assert_true(asked[0] && !asked[1] && !asked[2]);
        cursor_close(merge);
        cursor_close(expected);
    }
    for (int i = 0; i < 3; i++)
        model_deinit(&models[i]);
    model_deinit(&all);
    buffer_deinit(&from);
    buffer_deinit(&to);
}

/* A source with nothing but range tombstones has bounds, and they reach rows of other sources. */
static void a_range_tombstone_alone_in_a_source_still_deletes(void **state)
{
    (void)state;
    struct model models[2] = {0};
    char text[32];
    put_rows(&models[0], &newest_first, 0, 100, 5);
    struct model_partition *partition = model_partition_at(&models[1], model_partition_key(0, text), true);
    model_put_range(&models[1], partition, (struct range_tombstone){{0}, slice_of(model_after, 1), {5, 60}});
    for (int reverse = 0; reverse < 2; reverse++) {
        struct cursor *merge = merge_of_models(models, 2, reverse, false, NULL, NULL);
        assert_ok(cursor_next_partition(merge));
        assert_true(merge->on_partition);
        assert_int_equal(merge->partition.ranges.count, 1);
        assert_ok(cursor_next(merge));
        assert_false(merge->on_row);
        cursor_close(merge);
    }
    model_deinit(&models[0]);
    model_deinit(&models[1]);
}

static void a_partition_deletion_covers_the_static_row_and_ranges_do_not_TS_14(void **state)
{
    (void)state;
    struct model models[2] = {0};
    struct buffer image = {0};
    char text[32];
    struct partition_key key = model_partition_key(0, text);
    row_text_encode("1@5=x 2@7=y", &image);
    model_partition_at(&models[0], key, true)->static_image = buffer_slice(&image);
    struct model_partition *other = model_partition_at(&models[1], key, true);
    model_put_range(&models[1], other, (struct range_tombstone){{0}, slice_of(model_after, 1), {9, 60}});

    struct cursor *merge = merge_of_models(models, 2, false, false, NULL, NULL);
    assert_ok(cursor_next_partition(merge));
    assert_image_is(merge->partition.static_image, "1@5=x 2@7=y");
    cursor_close(merge);

    other->deletion = (struct deletion){5, 60};
    merge = merge_of_models(models, 2, false, false, NULL, NULL);
    assert_ok(cursor_next_partition(merge));
    assert_image_is(merge->partition.static_image, "2@7=y");
    cursor_close(merge);
    buffer_deinit(&image);
    model_deinit(&models[0]);
    model_deinit(&models[1]);
}

/* A child that fails at its nth call to next. */
static uint32_t calls_left;

static status failing_next(struct cursor *base)
{
    return calls_left-- ? model_cursor_next(base) : STATUS_FAIL(STATUS_IO);
}

static void a_childs_failure_is_the_merges_and_leaves_it_nowhere(void **state)
{
    (void)state;
    struct model models[2] = {0};
    put_rows(&models[0], &newest_first, 0, 50, 1);
    put_rows(&models[1], &newest_first, 25, 75, 2);
    for (uint32_t nth = 0; nth < 90; nth += 7) {
        struct cursor *children[2] = {model_cursor_open(&models[0], false, NULL),
                                      model_cursor_open(&models[1], false, NULL)};
        struct cursor_ops ops = *children[0]->ops;
        ops.next = failing_next;
        children[0]->ops = children[1]->ops = &ops;
        struct merge_options options = {.rules = &model_rules};
        struct cursor *merge;
        assert_ok(merge_cursor_open(children, 2, &options, &merge));
        calls_left = nth;
        assert_ok(cursor_next_partition(merge));
        status st;
        do
            st = cursor_next(merge);
        while (ok(st) && merge->on_row);
        assert_int_equal(st.code, STATUS_IO);
        assert_false(merge->on_row || merge->on_partition);
        cursor_close(merge);
    }
    model_deinit(&models[0]);
    model_deinit(&models[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_merge_shows_what_one_source_with_all_writes_would),
        cmocka_unit_test(older_sources_are_not_asked_until_the_frontier_reaches_them),
        cmocka_unit_test(a_reverse_read_begins_with_the_oldest_source),
        cmocka_unit_test(a_seek_asks_only_who_may_have_the_row),
        cmocka_unit_test(a_child_may_have_been_walked_before),
        cmocka_unit_test(without_laziness_everybody_is_asked),
        cmocka_unit_test(a_merge_of_a_slice_has_all_of_it_and_asks_nobody_beyond),
        cmocka_unit_test(a_range_tombstone_alone_in_a_source_still_deletes),
        cmocka_unit_test(a_partition_deletion_covers_the_static_row_and_ranges_do_not_TS_14),
        cmocka_unit_test(a_childs_failure_is_the_merges_and_leaves_it_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
