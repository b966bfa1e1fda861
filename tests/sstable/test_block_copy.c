/* Whole blocks pass from table to table, and nobody can tell. */
#include "model.h"

#include "sstable/sstable_internal.h"

struct copied {
    uint32_t blocks, rows;
};

/* A table made of what `from` has: blocks where one is offered, though not always, else rows. */
static struct copied copy(struct io_env *env, struct sstable *from, struct random *rng,
                          uint32_t refuse_one_in, struct sstable_info *out_info)
{
    struct sstable_build_options options = model_options(env, "/t/copy");
    struct sstable_builder *builder;
    struct sstable_dictionary *dictionary;
    struct copied copied = {0};
    struct cursor *cursor;
    options.block_bytes = 300;
    assert_ok(sstable_dictionary_get(from, &dictionary));
    options.dictionary = dictionary;
    assert_ok(sstable_builder_open(&options, &builder));
    assert_ok(sstable_cursor_open(from, false, &cursor));
    for (;;) {
        assert_ok(cursor_next_partition(cursor));
        if (!cursor->on_partition)
            break;
        assert_ok(sstable_builder_begin_partition(builder, &cursor->partition));
        for (;;) {
            struct sstable_block block;
            bool found;
            assert_ok(sstable_cursor_next_block(cursor, &block, &found));
            if (found && sstable_builder_takes_block(builder, &block) && random_below(rng, refuse_one_in)) {
                assert_ok(sstable_builder_add_block(builder, &block));
                assert_ok(sstable_cursor_skip_block(cursor));
                assert_false(cursor->on_row);
                copied.blocks++;
                continue;
            }
            assert_ok(cursor_next(cursor));
            if (!cursor->on_row)
                break;
            assert_ok(sstable_builder_add_row(builder, cursor->row.clustering, cursor->row.image));
            copied.rows++;
        }
        assert_ok(sstable_builder_end_partition(builder));
    }
    cursor_close(cursor);
    sstable_dictionary_unref(dictionary);
    assert_ok(sstable_builder_finish(builder, out_info));
    return copied;
}

static void a_table_of_copied_blocks_holds_what_the_blocks_held(void **state)
{
    (void)state;
    struct random rng = {20260};
    uint32_t blocks = 0, rows = 0;
    for (uint32_t round = 0; round < 60; round++) {
        struct io_env *env;
        struct model model;
        struct sstable_info info, copy_info;
        struct sstable *table, *second;
        struct cursor *cursor;
        struct model_shape shape = {
            .partitions = 12, .rows_max = 120, .value_max = 40, .extras = round % 2 == 0};
        assert_ok(io_env_open(IO_BODY_MEMORY, 1, &env));
        assert_ok(io_mkdir(env, "/t"));
        struct sstable_build_options options = model_options(env, "/t/table");
        options.block_bytes = 300 + (uint32_t)random_below(&rng, 600);
        options.dictionary_after_bytes = round % 3 ? 20000 : UINT32_MAX;
        model_random(&model, &rng, &shape);
        assert_ok(model_build(&model, &options, &info));
        assert_ok(sstable_open(env, "/t/table", MODEL_STORE_ID, NULL, &table));
        table->offers_blocks = true;
        struct copied copied = copy(env, table, &rng, 1 + (uint32_t)random_below(&rng, 6), &copy_info);
        blocks += copied.blocks;
        rows += copied.rows;
        assert_int_equal(copy_info.rows, info.rows);
        assert_int_equal(copy_info.raw_bytes, info.raw_bytes);
        assert_int_equal(copy_info.content_hash, info.content_hash);
        assert_int_equal(copy_info.tombstones, info.tombstones);
        assert_int_equal(copy_info.min_timestamp, info.min_timestamp);
        assert_int_equal(copy_info.max_timestamp, info.max_timestamp);
        assert_int_equal(copy_info.min_expiry_s, info.min_expiry_s);
        assert_int_equal(copy_info.max_expiry_s, info.max_expiry_s);
        assert_int_equal(copy_info.never_expires, info.never_expires);
        assert_int_equal(copy_info.largest_partition_bytes, info.largest_partition_bytes);
        assert_ok(sstable_open(env, "/t/copy", MODEL_STORE_ID, NULL, &second));
        assert_ok(sstable_verify(second));
        for (int reverse = 0; reverse < 2; reverse++) {
            assert_ok(sstable_cursor_open(second, reverse, &cursor));
            model_expect_scan(&model, cursor);
            cursor_close(cursor);
        }
        sstable_unref(second);
        sstable_unref(table);
        model_deinit(&model);
        io_env_close(env);
    }
    assert_true(blocks > 500);
    assert_true(rows > 500);
}

static void the_only_block_of_a_partition_is_offered_and_a_shared_one_is_not(void **state)
{
    (void)state;
    struct random rng = {7};
    struct io_env *env;
    struct model model;
    struct sstable_info info;
    struct sstable *table;
    struct cursor *cursor;
    struct model_shape shape = {.partitions = 1, .rows_max = 40, .value_max = 40};
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &env));
    assert_ok(io_mkdir(env, "/t"));
    for (uint32_t partitions = 1; partitions <= 2; partitions++) {
        uint32_t offered = 0;
        shape.partitions = partitions;
        struct sstable_build_options options = model_options(env, "/t/table");
        options.block_bytes = 1 << 20;
        do
            model_random(&model, &rng, &shape);
        while (model.row_count < partitions && (model_deinit(&model), true));
        (void)io_unlink(env, "/t/table");
        assert_ok(model_build(&model, &options, &info));
        assert_ok(sstable_open(env, "/t/table", MODEL_STORE_ID, NULL, &table));
        table->offers_blocks = true;
        assert_ok(sstable_cursor_open(table, false, &cursor));
        for (uint32_t i = 0; i < model.count; i++) {
            struct sstable_block block;
            bool found;
            assert_ok(cursor_next_partition(cursor));
            assert_true(cursor->on_partition);
            assert_ok(sstable_cursor_next_block(cursor, &block, &found));
            offered += found;
            if (found)
                assert_int_equal(block.summary.rows, model.partitions[i].row_count);
        }
        uint32_t with_rows = 0;
        for (uint32_t i = 0; i < model.count; i++)
            with_rows += model.partitions[i].row_count > 0;
        assert_int_equal(offered, with_rows == 1 ? 1 : 0);
        cursor_close(cursor);
        sstable_unref(table);
        model_deinit(&model);
    }
    io_env_close(env);
}

/* The first block that is offered. */
static void block_find(struct cursor *cursor, struct sstable_block *out_block)
{
    bool found = false;
    while (!found) {
        assert_ok(cursor_next_partition(cursor));
        assert_true(cursor->on_partition);
        assert_ok(sstable_cursor_next_block(cursor, out_block, &found));
    }
}

static void a_block_that_changes_in_memory_on_its_way_is_refused(void **state)
{
    (void)state;
    struct random rng = {31};
    struct io_env *env;
    struct model model;
    struct sstable_info info;
    struct sstable *table;
    struct model_shape shape = {.partitions = 3, .rows_max = 120, .value_max = 40};
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &env));
    assert_ok(io_mkdir(env, "/t"));
    struct sstable_build_options options = model_options(env, "/t/table");
    options.block_bytes = 600;
    options.dictionary_after_bytes = UINT32_MAX;
    model_random(&model, &rng, &shape);
    assert_ok(model_build(&model, &options, &info));
    assert_ok(sstable_open(env, "/t/table", MODEL_STORE_ID, NULL, &table));
    table->offers_blocks = true;
    uint32_t tried = 0;
    for (size_t at = 8, bytes = at + 1; at < bytes; at++, tried++) {
        struct cursor *cursor;
        struct sstable_block block;
        struct sstable_builder *builder;
        struct sstable_build_options copy = model_options(env, "/t/copy");
        assert_ok(sstable_builder_open(&copy, &builder));
        assert_ok(sstable_cursor_open(table, false, &cursor));
        block_find(cursor, &block);
        bytes = block.frame.bytes;
        assert_ok(sstable_builder_begin_partition(builder, &cursor->partition));
        struct buffer changed = {0};
        buffer_append_slice(&changed, block.frame);
        changed.data[at] ^= (uint8_t)(1 << random_below(&rng, 8));
        block.frame = buffer_slice(&changed);
        assert_int_equal(sstable_builder_add_block(builder, &block).code, STATUS_CORRUPT);
        buffer_deinit(&changed);
        sstable_builder_abort(builder);
        cursor_close(cursor);
    }
    assert_true(tried > 300);
    sstable_unref(table);
    model_deinit(&model);
    io_env_close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_of_copied_blocks_holds_what_the_blocks_held),
        cmocka_unit_test(the_only_block_of_a_partition_is_offered_and_a_shared_one_is_not),
        cmocka_unit_test(a_block_that_changes_in_memory_on_its_way_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
