/* What keeps a reader from looking where nothing is. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

#include "sstable/directory_internal.h"
#include "sstable/filter_internal.h"

static void a_filter_never_denies_a_key_it_was_built_from(void **state)
{
    (void)state;
    struct random rng = {1};
    for (uint64_t count = 0; count < 300; count = count * 2 + 1) {
        uint64_t hashes[300] = {0};
        struct buffer lines = {0};
        uint8_t probes;
        for (uint64_t i = 0; i < count; i++)
            hashes[i] = random_next(&rng);
        assert_ok(filter_build(hashes, count, 10, &lines, &probes));
        for (uint64_t i = 0; i < count; i++)
            assert_true(filter_may_contain(buffer_slice(&lines), probes, hashes[i]));
        buffer_deinit(&lines);
    }
}

static void ten_bits_a_key_let_about_one_in_a_hundred_through(void **state)
{
    (void)state;
    enum { KEYS = 50000 };
    struct random rng = {2};
    uint64_t *hashes = malloc(KEYS * sizeof *hashes);
    struct buffer lines = {0};
    uint8_t probes;
    uint32_t wrong = 0;
    assert_non_null(hashes);
    for (uint32_t i = 0; i < KEYS; i++)
        hashes[i] = random_next(&rng);
    assert_ok(filter_build(hashes, KEYS, 10, &lines, &probes));
    for (uint32_t i = 0; i < KEYS; i++)
        wrong += filter_may_contain(buffer_slice(&lines), probes, random_next(&rng));
    print_message("false positives: %.2f %%\n", 100.0 * wrong / KEYS);
    assert_true(wrong < KEYS * 2 / 100);
    buffer_deinit(&lines);
    free(hashes);
}

static void the_directory_index_is_searched_right_however_tokens_are_spread(void **state)
{
    (void)state;
    struct random rng = {3};
    for (uint32_t round = 0; round < 200; round++) {
        struct directory_index_item pages[100];
        uint32_t count = (uint32_t)random_below(&rng, 100);
        int64_t token = round % 3 ? INT64_MIN : -50;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t spread = round % 3 == 0   ? 3
                              : round % 3 == 1 ? (uint64_t)1 << 56
                                               : (uint64_t)1 << (i / 2);
            pages[i].first_token = token;
            token += (int64_t)random_below(&rng, spread);
            pages[i].last_token = token;
            token += (int64_t)random_below(&rng, spread);
        }
        for (uint32_t i = 0; i < 200; i++) {
            uint64_t about =
                i % 2 && count ? (uint64_t)pages[random_below(&rng, count)].last_token : random_next(&rng);
            int64_t sought = (int64_t)(about + i % 3 - 1);
            uint32_t expected = 0;
            while (expected < count && pages[expected].last_token < sought)
                expected++;
            assert_int_equal(directory_index_find(pages, count, sought), expected);
        }
    }
}

/* Partitions whose tokens are the same, more of them than a page holds. */
static void partitions_of_one_token_are_told_apart(void **state)
{
    (void)state;
    struct io_env *env;
    struct sstable *table;
    struct model model = {.count = 500};
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &env));
    assert_ok(io_mkdir(env, "/t"));
    struct sstable_build_options options = model_options(env, "/t/table");
    model.partitions = arena_calloc(&model.arena, model.count, sizeof *model.partitions);
    for (uint32_t i = 0; i < model.count; i++) {
        struct model_partition *partition = &model.partitions[i];
        char *name = arena_printf(&model.arena, "partition %04u", i);
        partition->key = (struct partition_key){.token = i < 3     ? 1
                                                         : i < 450 ? 7
                                                                   : 8,
                                                .bytes = slice_text(name)};
        partition->deletion = DELETION_NONE;
        partition->rows = arena_calloc(&model.arena, 1, sizeof *partition->rows);
        partition->rows[0].image = model_image(&model.arena, 1, slice_text(name));
        partition->row_count = 1;
    }
    model.row_count = model.count;
    assert_ok(model_build(&model, &options, NULL));
    assert_ok(sstable_open(env, "/t/table", MODEL_STORE_ID, NULL, &table));
    for (uint32_t i = 0; i < model.count; i++) {
        struct cursor *cursor;
        assert_ok(sstable_cursor_open_one(table, model.partitions[i].key, false, &cursor));
        assert_ok(cursor_next_partition(cursor));
        assert_ok(cursor_next(cursor));
        assert_true(slice_equal(cursor->row.image, model.partitions[i].rows[0].image));
        cursor_close(cursor);
    }
    struct cursor *cursor;
    struct partition_key absent = {.token = 7, .bytes = slice_text("partition 0449 and more")};
    assert_int_equal(sstable_cursor_open_one(table, absent, false, &cursor).code, STATUS_NOT_FOUND);
    sstable_unref(table);
    model_deinit(&model);
    io_env_close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_never_denies_a_key_it_was_built_from),
        cmocka_unit_test(ten_bits_a_key_let_about_one_in_a_hundred_through),
        cmocka_unit_test(the_directory_index_is_searched_right_however_tokens_are_spread),
        cmocka_unit_test(partitions_of_one_token_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
