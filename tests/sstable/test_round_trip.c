/* What is put into a table comes out of it, in both directions, however it is cut into blocks. */
#include "model.h"
#include "sstable/sstable_internal.h"
#include "sstable/statistics_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void expect_info(const struct sstable_info *a, const struct sstable_info *b)
{
    struct buffer left = {0}, right = {0};
    sstable_info_encode(&left, a);
    sstable_info_encode(&right, b);
    assert_true(slice_equal(buffer_slice(&left), buffer_slice(&right)));
    buffer_deinit(&left);
    buffer_deinit(&right);
}

/* Build, open, scan both ways, seek, verify, remove. */
static void expect_round_trip(const struct model *model, const struct sstable_build_options *options,
                              size_t cache_bytes, struct random *rng)
{
    struct block_cache *cache;
    struct sstable *table;
    struct sstable_info info;
    assert_ok(block_cache_new(cache_bytes, &cache));
    assert_ok(model_build(model, options, &info));
    assert_int_equal(info.rows, model->row_count);
    assert_int_equal(info.partitions, model->count);
    assert_int_equal(info.file_bytes % 4096, 0);
    assert_ok(sstable_open(model_env, options->path, MODEL_STORE_ID, cache, &table));
    expect_info(&info, sstable_info(table));
    for (int reverse = 0; reverse < 2; reverse++) {
        struct cursor *cursor;
        assert_ok(sstable_cursor_open(table, reverse, &cursor));
        model_expect_scan(model, cursor);
        cursor_close(cursor);
    }
    if (model->count)
        model_expect_seeks(model, table, rng, info.raw_bytes > (8 << 20) ? 2 : 20);
    assert_ok(sstable_verify(table));
    sstable_set_obsolete(table);
    sstable_unref(table);
    block_cache_free(cache);
    struct io_file *file;
    assert_int_equal(io_open(model_env, options->path, IO_READ, &file).code, STATUS_NOT_FOUND);
}

static void random_tables_come_back_whole(void **state)
{
    (void)state;
    struct random rng = {(uint64_t)time(NULL)};
    print_message("seed %llu\n", (unsigned long long)rng.state);
    for (uint32_t round = 0; round < 60; round++) {
        struct model model;
        struct model_shape shape = {
            .partitions = 1 + (uint32_t)random_below(&rng, round % 10 ? 60 : 1),
            .rows_max = 1 + (uint32_t)random_below(&rng, round % 4 ? 30 : 600),
            .value_max = (uint32_t)random_below(&rng, 300),
            .one_row = round % 9 == 3,
            .extras = round % 3 != 0,
        };
        static const uint32_t block_bytes[] = {0, 1, 64, 256, 1000, 65536};
        struct sstable_build_options options = model_options(model_env, "/t/table");
        options.block_bytes = block_bytes[random_below(&rng, ARRAY_LEN(block_bytes))];
        static const uint32_t dictionary_after[] = {0, 3000, 20000, UINT32_MAX};
        options.compression_level = (int)random_below(&rng, 4);
        options.no_lanes = random_below(&rng, 3) == 0;
        options.dictionary_after_bytes = dictionary_after[random_below(&rng, ARRAY_LEN(dictionary_after))];
        model_random(&model, &rng, &shape);
        expect_round_trip(&model, &options, random_below(&rng, 3) ? 1 << 20 : random_below(&rng, 20000),
                          &rng);
        model_deinit(&model);
    }
}

static void a_partition_of_thousands_of_blocks_is_found_by_its_index(void **state)
{
    (void)state;
    struct random rng = {3};
    struct model model;
    struct sstable_build_options options = model_options(model_env, "/t/table");
    options.block_bytes = 200;
    model_numbered(&model, "wide", 8000, 100);
    expect_round_trip(&model, &options, 1 << 20, &rng);
    model_deinit(&model);
}

static void a_table_may_hold_one_row_or_nothing_but_a_deletion(void **state)
{
    (void)state;
    struct random rng = {4};
    struct model model;
    struct sstable_build_options options = model_options(model_env, "/t/table");
    model_numbered(&model, "one", 1, 10);
    expect_round_trip(&model, &options, 0, &rng);
    model.partitions[0].row_count = 0;
    model.row_count = 0;
    model.partitions[0].deletion = (struct deletion){.timestamp = 5, .time_s = 6};
    expect_round_trip(&model, &options, 0, &rng);
    model.count = 0;
    expect_round_trip(&model, &options, 0, &rng);
    model_deinit(&model);
}

static void rows_of_many_megabytes_fit_between_small_ones(void **state)
{
    (void)state;
    struct random rng = {5};
    struct model model;
    struct sstable_build_options options = model_options(model_env, "/t/table");
    model_numbered(&model, "huge", 40, 100);
    static const size_t bytes[] = {16 << 20, 18 << 20, 1 << 20};
    uint8_t *value = calloc(1, 18 << 20);
    assert_non_null(value);
    for (uint32_t i = 0; i < ARRAY_LEN(bytes); i++)
        model.partitions[0].rows[10 + i].image = model_image(&model.arena, 1, slice_of(value, bytes[i]));
    free(value);
    expect_round_trip(&model, &options, 1 << 20, &rng);
    model_deinit(&model);
}

static void a_static_row_may_be_larger_than_a_page(void **state)
{
    (void)state;
    struct random rng = {6};
    struct model model;
    struct model_shape shape = {.partitions = 30, .rows_max = 5, .value_max = 50, .extras = true};
    struct sstable_build_options options = model_options(model_env, "/t/table");
    model_random(&model, &rng, &shape);
    static uint8_t value[3000000];
    model.partitions[7].static_image = model_image(&model.arena, 1, slice_of(value, sizeof value));
    model.partitions[8].static_image = model_image(&model.arena, 1, slice_of(value, 5000));
    expect_round_trip(&model, &options, 1 << 20, &rng);
    model_deinit(&model);
}

/* What is not larger than half a block is in one block: one read brings it, and no index stands in between. */
static void a_small_partition_is_never_cut_in_two(void **state)
{
    (void)state;
    struct random rng = {3};
    struct model model;
    struct sstable *table;
    struct cursor *cursor;
    model_random(&model, &rng, &(struct model_shape){.partitions = 600, .rows_max = 12, .value_max = 90});
    struct sstable_build_options options = model_options(model_env, "/t/cut");
    options.block_bytes = 1200;
    assert_ok(model_build(&model, &options, NULL));
    assert_ok(sstable_open(model_env, "/t/cut", MODEL_STORE_ID, NULL, &table));
    assert_ok(sstable_verify(table));
    assert_ok(sstable_cursor_open(table, false, &cursor));
    uint32_t small = 0, large = 0;
    for (;;) {
        struct sstable_position position;
        assert_ok(cursor_next_partition(cursor));
        if (!cursor->on_partition)
            break;
        sstable_cursor_position(cursor, &position);
        bool is_small = position.raw_bytes <= options.block_bytes / 2;
        assert_false(is_small && position.spans);
        small += is_small;
        large += position.spans;
    }
    assert_true(small > 100 && large > 100);
    cursor_close(cursor);
    sstable_unref(table);
    assert_ok(io_unlink(model_env, "/t/cut"));
    model_deinit(&model);
}

static void a_builder_refuses_what_is_out_of_order(void **state)
{
    (void)state;
    struct sstable_build_options options = model_options(model_env, "/t/table");
    struct sstable_builder *builder;
    struct arena arena = {0};
    struct slice image = model_image(&arena, 1, slice_text("v"));
    struct partition_view view = {.key = partition_key_of(slice_text("a")), .deletion = DELETION_NONE};
    assert_ok(sstable_builder_open(&options, &builder));
    assert_int_equal(sstable_builder_open(&options, &builder).code, STATUS_EXISTS);
    assert_ok(sstable_builder_begin_partition(builder, &view));
    assert_ok(sstable_builder_add_row(builder, slice_text("b"), image));
    assert_int_equal(sstable_builder_add_row(builder, slice_text("b"), image).code, STATUS_INVALID);
    sstable_builder_abort(builder);

    assert_ok(sstable_builder_open(&options, &builder));
    assert_ok(sstable_builder_begin_partition(builder, &view));
    assert_ok(sstable_builder_end_partition(builder));
    assert_int_equal(sstable_builder_begin_partition(builder, &view).code, STATUS_INVALID);
    (void)sstable_builder_end_partition(builder);
    struct sstable_info info;
    assert_int_equal(sstable_builder_finish(builder, &info).code, STATUS_INVALID);
    struct io_file *file;
    assert_int_equal(io_open(model_env, options.path, IO_READ, &file).code, STATUS_NOT_FOUND);
    arena_deinit(&arena);
}

static void statistics_survive_their_encoding_and_unknown_fields(void **state)
{
    (void)state;
    struct sstable_info info = {.file_number = 1,
                                .rows = 7,
                                .min_token = -5,
                                .never_expires = true,
                                .created_s = 99,
                                .level = 3,
                                .run = 12,
                                .off_strategy = true,
                                .rows_only = true,
                                .first_prefix = {1, 2},
                                .last_prefix = {3, 4}};
    struct sstable_info again;
    struct buffer bytes = {0};
    sstable_info_encode(&bytes, &info);
    bytes.data[0]++;
    buffer_append_le64(&bytes, 12345);
    struct reader in = reader_of(buffer_slice(&bytes));
    assert_ok(sstable_info_decode(&in, &again));
    assert_int_equal(reader_left(&in), 0);
    expect_info(&info, &again);
    in = reader_of(slice_of(bytes.data, bytes.bytes - 1));
    assert_int_equal(sstable_info_decode(&in, &again).code, STATUS_CORRUPT);
    buffer_deinit(&bytes);
}

/* Of more times than there are bins, neighbours share one, at the later time: nothing is lost, and nothing is old too early. */
static void a_histogram_loses_no_tombstone_and_never_says_too_much(void **state)
{
    (void)state;
    enum { TIMES = 1000 };
    struct statistics statistics = {0};
    for (int64_t i = 0; i < TIMES; i++) {
        int64_t time_s = i * 617 % TIMES; /* in any order */
        statistics_add_head(&statistics,
                            &(struct sstable_block_summary){
                                .tombstones = 1, .expiring = 1, .cells = 1, .max_expiry_s = time_s});
    }
    for (int64_t before_s = 0; before_s <= TIMES; before_s += 10)
        assert_in_range(statistics_droppable(&statistics, before_s).droppable, 0, 2 * (uint64_t)before_s);
    assert_int_equal(statistics_droppable(&statistics, TIMES).droppable, 2 * TIMES);
    assert_in_range(statistics_droppable(&statistics, TIMES / 2).droppable, TIMES / 2, TIMES);
}

static void bounds_of_a_file_enclose_the_keys_they_were_cut_from(void **state)
{
    (void)state;
    const struct sstable_info plain = {.first_prefix = {0x4100000000000000, 0},
                                       .last_prefix = {0x41ffffffffffffff, UINT64_MAX}};
    struct sstable_bounds bounds = sstable_info_bounds(&plain);
    assert_int_equal(bounds.first_bytes, 1); /* 41 is before 41 00 */
    assert_int_equal(bounds.first[0], 0x41);
    assert_int_equal(bounds.last_bytes, 16);
    assert_int_equal(bounds.last[0], 0x42); /* behind 41 ff .. ff and whatever follows */
    const struct sstable_info extreme = {.last_prefix = {UINT64_MAX, UINT64_MAX}};
    bounds = sstable_info_bounds(&extreme);
    assert_int_equal(bounds.first_bytes, 0);
    assert_int_equal(bounds.last_bytes, 1);
    assert_int_equal(bounds.last[0], KEY_AFTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_may_hold_one_row_or_nothing_but_a_deletion),
        cmocka_unit_test(random_tables_come_back_whole),
        cmocka_unit_test(a_partition_of_thousands_of_blocks_is_found_by_its_index),
        cmocka_unit_test(rows_of_many_megabytes_fit_between_small_ones),
        cmocka_unit_test(a_static_row_may_be_larger_than_a_page),
        cmocka_unit_test(a_small_partition_is_never_cut_in_two),
        cmocka_unit_test(a_builder_refuses_what_is_out_of_order),
        cmocka_unit_test(statistics_survive_their_encoding_and_unknown_fields),
        cmocka_unit_test(a_histogram_loses_no_tombstone_and_never_says_too_much),
        cmocka_unit_test(bounds_of_a_file_enclose_the_keys_they_were_cut_from),
    };
    return cmocka_run_group_tests(tests, model_env_open, model_env_close);
}
