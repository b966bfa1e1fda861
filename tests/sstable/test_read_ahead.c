/* A scan that reads ahead sees what one that waits for every piece sees, on every body, and a piece that could not be read
 * costs only who asks for it. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

#include "io/sim.h"
#include "sstable/content_hash.h"
#include "sstable/sstable_cursor_internal.h"
#include "tests/io/place.h"

enum { PART_BYTES = 8192 };

static struct model model;

static int setup(void **state)
{
    (void)state;
    struct random rng = {5};
    struct model_shape shape = {.partitions = 60, .rows_max = 90, .value_max = 300, .extras = true};
    model_random(&model, &rng, &shape);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    model_deinit(&model);
    return 0;
}

static struct sstable *table_make(struct io_env *env, const char *path)
{
    struct sstable *table;
    struct sstable_build_options options = model_options(env, path);
    options.block_bytes = 600; /* single rows are larger at times */
    assert_ok(model_build(&model, &options, NULL));
    assert_ok(sstable_open(env, path, MODEL_STORE_ID, NULL, &table));
    return table;
}

/* Everything that the cursor sees from here on, as one number. */
static status content_sum(struct cursor *cursor, uint64_t *out_sum)
{
    *out_sum = 0;
    for (;;) {
        TRY(cursor_next_partition(cursor));
        if (!cursor->on_partition)
            return STATUS_DONE;
        uint64_t key_hash = content_hash_key(cursor->partition.key.bytes);
        *out_sum += content_hash_partition(key_hash, &cursor->partition);
        for (;;) {
            TRY(cursor_next(cursor));
            if (!cursor->on_row)
                break;
            *out_sum += content_hash_row(key_hash, cursor->row.clustering, cursor->row.image);
        }
    }
}

static struct cursor *ahead_open(struct sstable *table)
{
    struct cursor *cursor;
    assert_ok(sstable_scan_open(table, false, FRAME_ACCESS_SCAN_PAST_CACHE, &cursor));
    sstable_cursor_read_ahead(cursor, PART_BYTES);
    return cursor;
}

static void every_body_reads_ahead(void **state)
{
    (void)state;
    static const enum io_body bodies[] = {IO_BODY_MEMORY, IO_BODY_SIM, IO_BODY_THREADS, IO_BODY_WORKERS,
                                          IO_BODY_URING};
    for (uint32_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct place place;
        if (!place_open(&place, bodies[i], 3))
            continue;
        struct sstable *table = table_make(place.env, place_path(&place, "table"));
        struct cursor *cursor = ahead_open(table);
        model_expect_scan(&model, cursor);
        const struct read_ahead *ahead = sstable_cursor_of(cursor)->read_ahead;
        assert_false(ahead->refused);
        assert_true(ahead->parts_asked * PART_BYTES >= table->root.data_end / 2);
        cursor_close(cursor);
        /* One that stops with a part in flight. */
        cursor = ahead_open(table);
        assert_ok(cursor_next_partition(cursor));
        assert_ok(cursor_next(cursor));
        cursor_close(cursor);
        sstable_unref(table);
        place_close(&place);
    }
}

static void who_is_told_not_to_waits(void **state)
{
    (void)state;
    struct cursor *cursor;
    struct sstable *table = table_make(model_env, "/t/table");
    assert_ok(sstable_scan_open(table, false, FRAME_ACCESS_SCAN_PAST_CACHE, &cursor));
    sstable_cursor_no_read_ahead(cursor);
    sstable_cursor_read_ahead(cursor, PART_BYTES);
    model_expect_scan(&model, cursor);
    assert_null(sstable_cursor_of(cursor)->read_ahead);
    cursor_close(cursor);
    sstable_unref(table);
    assert_ok(io_unlink(model_env, "/t/table"));
}

static void a_long_scan_begins_by_itself(void **state)
{
    (void)state;
    struct model large;
    struct sstable *table;
    struct cursor *cursor;
    struct sstable_build_options options = model_options(model_env, "/t/large");
    options.compression_level = 0;
    model_numbered(&large, "long", 8000, 200);
    assert_ok(model_build(&large, &options, NULL));
    assert_ok(sstable_open(model_env, "/t/large", MODEL_STORE_ID, NULL, &table));
    assert_ok(sstable_cursor_open(table, false, &cursor));
    model_expect_scan(&large, cursor);
    assert_true(sstable_cursor_of(cursor)->read_ahead->parts_asked >= 2);
    cursor_close(cursor);
    sstable_unref(table);
    model_deinit(&large);
    assert_ok(io_unlink(model_env, "/t/large"));
}

static void a_part_that_cannot_be_read_is_read_by_who_needs_it(void **state)
{
    (void)state;
    struct io_env *env;
    struct cursor *cursor;
    uint64_t good, sum, borne = 0, failed_ones = 0;
    assert_ok(io_env_open(IO_BODY_SIM, 4, &env));
    assert_ok(io_mkdir(env, "/t"));
    struct sstable *table = table_make(env, "/t/table");
    cursor = ahead_open(table);
    assert_ok(content_sum(cursor, &good));
    cursor_close(cursor);
    for (uint64_t nth = 0;; nth++) {
        uint64_t at = sim_operation_count(env) + nth;
        sim_fail_at(env, at, SIM_FAULT_EIO, false);
        cursor = ahead_open(table);
        status st = content_sum(cursor, &sum);
        cursor_close(cursor);
        sim_fail_at(env, 0, SIM_FAULT_NONE, false);
        if (ok(st))
            assert_int_equal(sum, good);
        else
            assert_int_equal(st.code, STATUS_IO);
        if (sim_operation_count(env) <= at)
            break;
        borne += ok(st);
        failed_ones += failed(st);
    }
    assert_true(borne > failed_ones);
    sstable_unref(table);
    io_env_close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_body_reads_ahead),
        cmocka_unit_test_setup_teardown(who_is_told_not_to_waits, model_env_open, model_env_close),
        cmocka_unit_test_setup_teardown(a_long_scan_begins_by_itself, model_env_open, model_env_close),
        cmocka_unit_test(a_part_that_cannot_be_read_is_read_by_who_needs_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
