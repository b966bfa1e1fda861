/* Opening a store whose log holds more than its memtables may, and one whose log holds nothing that is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/sim.h"
#include "notation.h"

enum {
    BATCHES = 300,
    SMALL_BYTES = 64 << 10,
    VALUE_BYTES = 500,
#ifdef STRAIT_LONG_TESTS
    STRIDE = 1,
#else
    STRIDE = 41,
#endif
};

static struct store_options options_of(struct io_env *env, uint32_t shards, uint64_t memtable_bytes)
{
    return (struct store_options){.folder = "store",
                                  .env = env,
                                  .shards = shards,
                                  .memtable_bytes = memtable_bytes,
                                  .log_segment_bytes = 64 << 10,
                                  .background = STORE_BACKGROUND_MANUAL};
}

/* Batches over several partitions, so over several shards, two tables, and a deletion now and then. */
static void write_much(struct store *store)
{
    char value[VALUE_BYTES + 1], text[4 * VALUE_BYTES];
    memset(value, 'v', VALUE_BYTES);
    value[VALUE_BYTES] = 0;
    for (int i = 0; i < BATCHES; i++) {
        snprintf(text, sizeof text, "k%d/%d a=%s @%d; 2:l%d/%d a=x @%d; m/%d! @%d", i % 7, i, value, i + 1,
                 i % 5, i, i + 1, i / 2, i + 1);
        assert_ok(apply_text(store, text, DURABILITY_PERIODIC));
    }
}

static char *both_tables(struct store *store)
{
    struct buffer out = {0};
    for (uint64_t table = 1; table <= 2; table++) {
        status st;
        char *seen = contents(store, table, &st);
        assert_ok(st);
        buffer_printf(&out, "%s\n", seen);
        free(seen);
    }
    buffer_append_u8(&out, 0);
    return (char *)out.data;
}

/* A store that was closed with everything in its log; what it held. */
static char *fill(struct io_env *env, uint32_t shards)
{
    struct store *store;
    struct store_options options = options_of(env, shards, 16 << 20);
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 864000);
    make_table(store, 2, 864000);
    write_much(store);
    char *all = both_tables(store);
    assert_ok(store_close(store));
    return all;
}

static uint64_t sstables(struct store *store)
{
    struct store_table_stats stats;
    assert_ok(store_table_stats(store, 1, &stats));
    return stats.sstables;
}

static void a_log_larger_than_memory_is_replayed_within_the_budget(void **state)
{
    (void)state;
    for (uint32_t shards = 1; shards <= 3; shards++) {
        struct io_env *env;
        struct store *store;
        struct store_stats stats;
        struct store_options options;
        assert_ok(io_env_open(IO_BODY_SIM, 11, &env));
        char *all = fill(env, shards);
        for (int again = 0; again < 2; again++) {
            options = options_of(env, shards, SMALL_BYTES);
            assert_ok(store_open(&options, &store));
            store_stats(store, &stats);
            /* One record above the budget, and what a memtable takes at a time. */
            assert_in_range(stats.memtable_bytes, 0, 2 * SMALL_BYTES);
            assert_in_range(sstables(store), 1, UINT64_MAX);
            if (!again)
                assert_int_equal(stats.recovered_batches, BATCHES);
            else
                assert_in_range(stats.recovered_batches, 0, BATCHES - 1);
            char *seen = both_tables(store);
            assert_string_equal(seen, all);
            free(seen);
            assert_ok(store_verify(store, 0));
            assert_ok(store_close(store));
        }
        free(all);
        io_env_close(env);
    }
}

static void a_store_that_may_not_write_replays_everything_into_memory(void **state)
{
    (void)state;
    struct io_env *env;
    struct store *store;
    assert_ok(io_env_open(IO_BODY_SIM, 12, &env));
    char *all = fill(env, 2);
    struct store_options options = options_of(env, 2, SMALL_BYTES);
    options.read_only = true;
    assert_ok(store_open(&options, &store));
    assert_int_equal(sstables(store), 0);
    char *seen = both_tables(store);
    assert_string_equal(seen, all);
    free(seen);
    assert_ok(store_close(store));
    free(all);
    io_env_close(env);
}

/* Cut the power before each operation of such an opening: whatever was flushed on the way is not lost and not needed. */
static void a_power_cut_in_a_long_replay_loses_nothing(void **state)
{
    (void)state;
    for (enum sim_policy policy = 0; policy < SIM_POLICIES; policy += 2) {
        bool cut = true;
        for (uint64_t after = 1 + (uint64_t)policy; cut; after += STRIDE) {
            struct io_env *env;
            struct store *store = NULL;
            assert_ok(io_env_open(IO_BODY_SIM, after, &env));
            char *all = fill(env, 2);
            struct store_options options = options_of(env, 2, SMALL_BYTES);
            sim_cut_power_at(env, sim_operation_count(env) + after);
            (void)store_open(&options, &store);
            (void)store_close(store);
            cut = sim_power_is_cut(env);
            sim_restart(env, policy);
            sim_cut_power_at(env, UINT64_MAX);
            assert_ok(store_open(&options, &store));
            char *seen = both_tables(store);
            assert_string_equal(seen, all);
            free(seen);
            free(all);
            assert_ok(store_close(store));
            io_env_close(env);
        }
    }
}

static void a_damaged_log_is_refused_before_anything_is_written(void **state)
{
    (void)state;
    struct io_env *env;
    struct store *store;
    assert_ok(io_env_open(IO_BODY_SIM, 13, &env));
    free(fill(env, 1));
    assert_ok(sim_damage(env, "store/log/log-0-2.log", 5 * IO_BLOCK_BYTES + 100, 1));
    struct store_options options = options_of(env, 1, SMALL_BYTES);
    assert_code(STATUS_CORRUPT, store_open(&options, &store));
    options.read_only = options.accept_log_damage = true;
    assert_ok(store_open(&options, &store));
    assert_int_equal(sstables(store), 0);
    assert_ok(store_close(store));
    io_env_close(env);
}

static void what_was_flushed_before_the_close_is_not_read_again(void **state)
{
    (void)state;
    struct io_env *env;
    struct store *store;
    struct store_stats stats;
    assert_ok(io_env_open(IO_BODY_SIM, 14, &env));
    char *all = fill(env, 2);
    struct store_options options = options_of(env, 2, 16 << 20);
    for (int again = 0; again < 3; again++) {
        assert_ok(store_open(&options, &store));
        store_stats(store, &stats);
        assert_int_equal(stats.recovered_batches, again == 0 ? BATCHES : 0);
        assert_false(stats.log_tail_torn);
        assert_ok(apply_text(store, "k0/0 a=again @100000; k1/1 a=again @100000", DURABILITY_PERIODIC));
        assert_ok(store_flush(store, 0));
        free(all);
        all = both_tables(store);
        assert_ok(store_close(store));
    }
    uint64_t before = sim_operation_count(env);
    assert_ok(store_open(&options, &store));
    char *seen = both_tables(store);
    assert_string_equal(seen, all);
    free(seen);
    assert_ok(store_close(store));
    print_message("%llu operations to open and read\n",
                  (unsigned long long)(sim_operation_count(env) - before));
    free(all);
    io_env_close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_larger_than_memory_is_replayed_within_the_budget),
        cmocka_unit_test(a_store_that_may_not_write_replays_everything_into_memory),
        cmocka_unit_test(a_power_cut_in_a_long_replay_loses_nothing),
        cmocka_unit_test(a_damaged_log_is_refused_before_anything_is_written),
        cmocka_unit_test(what_was_flushed_before_the_close_is_not_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
