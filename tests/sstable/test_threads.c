/* Cursors of several threads over one table and one small cache see the same rows; for ThreadSanitizer. */
#include "model.h"

#include <stdatomic.h>

static struct model model;
static struct sstable *table;
static _Atomic uint32_t mistakes;

static bool row_is(const struct cursor *cursor, uint32_t at)
{
    const struct model_row *row = &model.partitions[0].rows[at];
    return cursor->on_row && slice_equal(cursor->row.clustering, row->clustering) &&
           slice_equal(cursor->row.image, row->image);
}

/* cmocka's asserts belong to the main thread: mistakes are counted. */
static void read_at_random(void *argument)
{
    struct random rng = {*(const uint64_t *)argument};
    uint32_t rows = model.partitions[0].row_count;
    for (uint32_t round = 0; round < 150; round++) {
        struct cursor *cursor;
        bool reverse = random_below(&rng, 2), held = random_below(&rng, 4);
        uint32_t at = (uint32_t)random_below(&rng, rows - 1);
        const struct partition_key key = model.partitions[0].key;
        bool good = ok(held ? sstable_cursor_open_held(table, key, reverse, false, &cursor)
                            : sstable_cursor_open_one(table, key, reverse, &cursor));
        if (!good) {
            mistakes++;
            continue;
        }
        good = ok(cursor_next_partition(cursor)) &&
               ok(cursor_seek_row(cursor, model.partitions[0].rows[reverse ? at + 1 : at].clustering));
        for (uint32_t i = 0; good && i < 30 && (reverse ? at >= i : at + i < rows); i++)
            good = row_is(cursor, reverse ? at - i : at + i) && ok(cursor_next(cursor));
        mistakes += !good;
        cursor_close(cursor);
    }
}

static void several_threads_share_a_table(size_t cache_bytes, bool leases)
{
    struct io_env *env;
    struct block_cache *cache;
    struct io_thread *threads[3];
    uint64_t seeds[3] = {1, 2, 3};
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &env));
    assert_ok(io_mkdir(env, "/t"));
    struct sstable_build_options options = model_options(env, "/t/table");
    options.block_bytes = 700;
    options.dictionary_after_bytes = 20000;
    model_numbered(&model, "shared", 3000, 60);
    assert_ok(model_build(&model, &options, NULL));
    assert_ok(block_cache_new(cache_bytes, &cache));
    block_cache_use_leases(cache, leases);
    assert_ok(sstable_open(env, "/t/table", MODEL_STORE_ID, cache, &table));
    for (uint32_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_ok(io_thread_start(env, "reader", read_at_random, &seeds[i], &threads[i]));
    for (uint32_t i = 0; i < ARRAY_LEN(threads); i++)
        io_thread_join(threads[i]);
    assert_int_equal(mistakes, 0);
    struct block_cache_stats stats;
    block_cache_stats(cache, &stats);
    assert_true(cache_bytes > 1 << 20 || stats.evictions > 0);
    /* In the smallest cache it is luck whether a decoded block is still there when it is asked for again. */
    assert_true(leases ? cache_bytes < 1 << 16 || stats.leased_hits > 0 : stats.leased_hits == 0);
    /* A cursor that has read from the disk is not kept. */
    assert_true(leases ? cache_bytes < 1 << 20 || stats.spares > 0 : stats.spares == 0);
    sstable_unref(table);
    block_cache_free(cache);
    model_deinit(&model);
    io_env_close(env);
}

static void cursors_of_several_threads_share_a_table(void **state)
{
    (void)state;
    several_threads_share_a_table(20000, false);
}

/* Blocks are driven out all the time while somebody looks at them. */
static void blocks_that_are_looked_at_stay_although_nobody_counts_it(void **state)
{
    (void)state;
    several_threads_share_a_table(30000, true);
    several_threads_share_a_table(100000, true);
    several_threads_share_a_table(2 << 20, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cursors_of_several_threads_share_a_table),
        cmocka_unit_test(blocks_that_are_looked_at_stay_although_nobody_counts_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
