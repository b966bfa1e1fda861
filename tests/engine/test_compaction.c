/*
 * Compaction as a store does it: what every strategy leaves, jobs by hand, power cuts in the middle of each kind of job,
 * and damaged tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/sim.h"
#include "notation.h"

#define MINUTE_US INT64_C(60000000)

enum {
    TABLE = 1,
    PARTITIONS = 40,
    TABLES_LISTED_MAX = 200,
};

static int setup(void **state)
{
    struct io_env *env;
    if (failed(io_env_open(IO_BODY_SIM, 5, &env)))
        return 1;
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    io_env_close(*state);
    return 0;
}

static struct store_options options_over(struct io_env *env)
{
    return (struct store_options){.folder = "store",
                                  .env = env,
                                  .shards = 1,
                                  .memtable_bytes = 1 << 20,
                                  .log_segment_bytes = 64 << 10,
                                  .clock_us = 1000 * MINUTE_US,
                                  .background = STORE_BACKGROUND_MANUAL};
}

static struct store *open_over(struct io_env *env)
{
    struct store *store;
    struct store_options options = options_over(env);
    assert_ok(store_open(&options, &store));
    return store;
}

/* Tiny sizes, so that a few rows make levels and fragments. */
static struct store_table_options tiny(enum store_compaction compaction)
{
    return (struct store_table_options){
        .gc_grace_s = 864000,
        .compaction = compaction,
        .min_threshold = 3,
        .window_s = 60,
        .tuning = {.sstable_bytes = 16 << 10,
                   .fanout = 2,
                   .min_sstable_bytes = 1 << 10,
                   .flush_bytes = 12 << 10},
    };
}

static void table_over(struct store *store, const struct store_table_options *table_options)
{
    struct store_change change = {
        .kind = STORE_CREATE_TABLE, .table_id = store_new_table_id(store), .options = *table_options};
    assert_int_equal(change.table_id, TABLE);
    assert_ok(store_change(store, &change, 1));
}

/* One row of `round` in every partition, and its flush. */
static void round_write(struct store *store, unsigned round, int64_t timestamp)
{
    struct buffer text = {0};
    for (unsigned i = 0; i < PARTITIONS; i++)
        buffer_printf(&text, "%sp%u/%u a=value%u b=%u @%lld", i ? "; " : "", i, round, round * 7919 + i, i,
                      (long long)timestamp);
    buffer_append_u8(&text, 0);
    assert_ok(apply_text(store, (const char *)text.data, DURABILITY_DURABLE));
    assert_ok(store_flush(store, TABLE));
    buffer_deinit(&text);
}

static void rounds_write(struct store *store, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        round_write(store, first + i, (1000 * MINUTE_US) + (int64_t)i);
}

static struct store_table_stats stats_of(struct store *store)
{
    struct store_table_stats stats;
    assert_ok(store_table_stats(store, TABLE, &stats));
    return stats;
}

static char *all_of(struct store *store)
{
    status st;
    char *text = contents(store, TABLE, &st);
    assert_ok(st);
    return text;
}

static void assert_same(struct store *store, char *before)
{
    char *after = all_of(store);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* ---- clones ---- */

static uint64_t off_strategy_jobs(struct store *store, uint64_t table_id)
{
    struct store_table_stats stats;
    assert_ok(store_table_stats(store, table_id, &stats));
    for (uint32_t i = 0; i < STORE_COMPACTION_REASONS; i++)
        if (strcmp(store_compaction_reason(i), "off-strategy") == 0)
            return stats.compacted[i].jobs;
    fail();
    return 0;
}

/* Such a clone, before anything is compacted, in a store that is then opened so many times anew. */
static void clone_is_merged_once(unsigned restarts)
{
    static const enum store_compaction strategies[] = {STORE_COMPACTION_SIZE_TIERED,
                                                       STORE_COMPACTION_LEVELED};
    struct store_table_options from = tiny(STORE_COMPACTION_SIZE_TIERED);
    for (unsigned i = 0; i < ARRAY_LEN(strategies); i++) {
        struct io_env *env;
        assert_ok(io_env_open(IO_BODY_SIM, 9 + i, &env));
        struct store *store = open_over(env);
        table_over(store, &from);
        rounds_write(store, 0, 2); /* fewer than a tier */
        struct store_table_options to = tiny(strategies[i]);
        uint64_t id = store_new_table_id(store);
        struct store_change changes[] = {
            {.kind = STORE_CREATE_TABLE, .table_id = id, .options = to},
            {.kind = STORE_COPY_TABLE, .table_id = id, .source_id = TABLE},
        };
        assert_ok(store_change(store, changes, 2));
        for (unsigned j = 0; j < restarts; j++) {
            assert_ok(store_close(store));
            store = open_over(env);
        }
        assert_ok(store_settle(store));
        assert_int_equal(off_strategy_jobs(store, TABLE), 0);
        assert_int_equal(off_strategy_jobs(store, id), strategies[i] != from.compaction);
        char *expected = all_of(store);
        status st;
        char *seen = contents(store, id, &st);
        assert_ok(st);
        assert_string_equal(seen, expected);
        free(seen);
        free(expected);
        /* Once: what the merge has made is the strategy's own, after another opening too. */
        assert_ok(store_close(store));
        store = open_over(env);
        assert_ok(store_settle(store));
        assert_int_equal(off_strategy_jobs(store, id), 0);
        assert_ok(store_close(store));
        io_env_close(env);
    }
}

static void a_clone_under_another_strategy_merges_its_files_once_before_they_count(void **state)
{
    (void)state;
    clone_is_merged_once(0);
}

static void after_a_restart_such_a_clone_still_merges_its_files(void **state)
{
    (void)state;
    clone_is_merged_once(1); /* the edit of the copy says so */
    clone_is_merged_once(2); /* the checkpoint does */
}

/* ---- strategies ---- */

static void every_strategy_comes_to_rest_and_keeps_every_row(void **state)
{
    (void)state;
    static const enum store_compaction strategies[] = {
        STORE_COMPACTION_SIZE_TIERED, STORE_COMPACTION_TIME_WINDOW, STORE_COMPACTION_LEVELED,
        STORE_COMPACTION_INCREMENTAL, STORE_COMPACTION_UNIFIED};
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++) {
        struct io_env *env;
        struct store_table_options table = tiny(strategies[i]);
        assert_ok(io_env_open(IO_BODY_SIM, i, &env));
        struct store *store = open_over(env);
        table_over(store, &table);
        rounds_write(store, 0, 25);
        char *before = all_of(store);
        assert_ok(store_settle(store));
        struct store_table_stats stats = stats_of(store);
        assert_true(stats.compactions > 0);
        assert_true(stats.sstable_runs < 12);
        assert_int_equal(stats.sstable_rows, 25 * PARTITIONS);
        assert_same(store, before);
        assert_ok(store_verify(store, TABLE));
        assert_ok(store_close(store));
        io_env_close(env);
    }
}

static void a_change_of_strategy_takes_what_is_there(void **state)
{
    struct store *store = open_over(*state);
    static const enum store_compaction order[] = {STORE_COMPACTION_LEVELED, STORE_COMPACTION_TIME_WINDOW,
                                                  STORE_COMPACTION_UNIFIED, STORE_COMPACTION_INCREMENTAL,
                                                  STORE_COMPACTION_LEVELED};
    struct store_table_options table = tiny(STORE_COMPACTION_SIZE_TIERED);
    table_over(store, &table);
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        rounds_write(store, 10 * i, 5);
        char *before = all_of(store);
        assert_ok(store_settle(store));
        struct store_table_options next = tiny(order[i]);
        struct store_change change = {.kind = STORE_ALTER_TABLE, .table_id = TABLE, .options = next};
        assert_ok(store_change(store, &change, 1));
        assert_ok(store_settle(store));
        assert_same(store, before);
    }
    assert_ok(store_close(store));
}

static void options_of_compaction_survive_a_restart(void **state)
{
    struct store *store = open_over(*state);
    struct store_table_options table = tiny(STORE_COMPACTION_UNIFIED);
    table.tuning.scaling_count = 2;
    table.tuning.scaling[0] = -8;
    table.tuning.growth = 0.25;
    table_over(store, &table);
    assert_ok(store_close(store));
    store = open_over(*state);
    struct store_table again;
    struct buffer properties = {0};
    assert_ok(store_next_table(store, 0, &again, &properties));
    assert_memory_equal(&again.options.tuning, &table.tuning, sizeof table.tuning);
    assert_int_equal(again.options.compaction, STORE_COMPACTION_UNIFIED);
    buffer_deinit(&properties);
    assert_ok(store_close(store));
}

static void a_flush_makes_a_table_for_each_window(void **state)
{
    struct store *store = open_over(*state);
    struct store_table_options table = tiny(STORE_COMPACTION_TIME_WINDOW);
    table_over(store, &table);
    assert_ok(apply_text(store,
                         "k/1 a=old @60000001; k/2 a=new @180000001; m/1 a=new @180000002; k/3-5! @60000002;"
                         " n! @180000003; k/s a=static @60000003",
                         DURABILITY_DURABLE));
    char *before = all_of(store);
    assert_ok(store_flush(store, TABLE));
    struct store_table_stats stats = stats_of(store);
    assert_int_equal(stats.flushes, 1);
    assert_int_equal(stats.sstables, 2);
    assert_int_equal(stats.sstable_rows, 3);
    assert_same(store, before);
    assert_ok(store_close(store));
}

/* ---- by hand ---- */

static void a_major_compaction_makes_one_run_and_says_what_it_did(void **state)
{
    struct store *store = open_over(*state);
    struct store_table_options table = tiny(STORE_COMPACTION_NONE);
    table_over(store, &table);
    rounds_write(store, 0, 6);
    char *before = all_of(store);
    assert_int_equal(stats_of(store).sstables, 6);
    assert_ok(store_compact(store, TABLE));
    struct store_table_stats stats = stats_of(store);
    assert_int_equal(stats.sstable_runs, 1);
    for (uint32_t i = 0; i < STORE_COMPACTION_REASONS; i++)
        assert_int_equal(stats.compacted[i].jobs, strcmp(store_compaction_reason(i), "major") == 0);
    assert_true(stats.rows_rewritten + stats.rows_copied == 6 * PARTITIONS);
    assert_same(store, before);
    /* A second one would gain nothing. */
    assert_ok(store_compact(store, TABLE));
    assert_int_equal(stats_of(store).compactions, 1);
    assert_int_equal(store_jobs(store, NULL, 0), 0);
    assert_ok(store_close(store));
}

static void chosen_files_are_merged_and_others_left(void **state)
{
    struct store *store = open_over(*state);
    struct store_table_options table = tiny(STORE_COMPACTION_LEVELED);
    table.compaction = STORE_COMPACTION_NONE;
    table_over(store, &table);
    rounds_write(store, 0, 4);
    uint64_t all[100];
    for (unsigned i = 0; i < ARRAY_LEN(all); i++)
        all[i] = i + 1;
    char *before = all_of(store);
    assert_ok(store_compact_files(store, TABLE, (const uint64_t[]){99999}, 1));
    assert_int_equal(stats_of(store).sstables, 4);
    assert_ok(store_compact_files(store, TABLE, all, ARRAY_LEN(all)));
    assert_int_equal(stats_of(store).sstable_runs, 1);
    assert_same(store, before);
    assert_ok(store_close(store));
}

/* ---- power cuts ---- */

/* Whatever the job, wherever the power goes: the rows are there, and every file that is named is whole. */
static void cut_everywhere(const struct store_table_options *table, status (*job)(struct store *store),
                           uint64_t stride)
{
    bool completed = false;
    for (uint64_t nth = 1; !completed; nth += stride) {
        struct io_env *env;
        assert_ok(io_env_open(IO_BODY_SIM, nth, &env));
        struct store *store = open_over(env);
        table_over(store, table);
        rounds_write(store, 0, 9);
        char *before = all_of(store);
        sim_cut_power_at(env, sim_operation_count(env) + nth);
        completed = ok(job(store));
        (void)store_close(store);
        completed = completed && !sim_power_is_cut(env);
        sim_restart(env, (enum sim_policy)(nth % SIM_POLICIES));
        sim_cut_power_at(env, UINT64_MAX);
        store = open_over(env);
        assert_same(store, before);
        assert_ok(store_verify(store, TABLE));
        before = all_of(store);
        assert_ok(store_settle(store));
        assert_same(store, before);
        assert_ok(store_close(store));
        io_env_close(env);
    }
}

static status settle_it(struct store *store)
{
    return store_settle(store);
}

static status compact_it(struct store *store)
{
    return store_compact(store, TABLE);
}

static void a_power_cut_in_any_compaction_loses_nothing(void **state)
{
    (void)state;
    static const enum store_compaction strategies[] = {
        STORE_COMPACTION_SIZE_TIERED, STORE_COMPACTION_TIME_WINDOW, STORE_COMPACTION_LEVELED,
        STORE_COMPACTION_INCREMENTAL, STORE_COMPACTION_UNIFIED};
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++) {
        struct store_table_options table = tiny(strategies[i]);
        cut_everywhere(&table, settle_it, 7);
    }
}

static void a_power_cut_in_a_major_compaction_of_fragments_loses_nothing(void **state)
{
    (void)state;
    struct store_table_options table = tiny(STORE_COMPACTION_LEVELED);
    table.tuning.sstable_bytes = 8 << 10;
    cut_everywhere(&table, compact_it, 5);
}

/* ---- damage ---- */

struct listing {
    char names[TABLES_LISTED_MAX][64];
    unsigned count;
};

static void list_name(void *context, const char *name)
{
    struct listing *listing = context;
    snprintf(listing->names[listing->count++], 64, "%s", name);
}

/* Turn one byte of the only table file, at a part of its length. */
static void table_damage(struct io_env *env, double part)
{
    struct listing listing = {.count = 0};
    char path[100];
    struct io_file *file;
    uint64_t bytes;
    uint8_t byte;
    size_t got;
    assert_ok(io_list(env, "store/table", list_name, &listing));
    assert_int_equal(listing.count, 1);
    snprintf(path, sizeof path, "store/table/%s", listing.names[0]);
    assert_ok(io_open(env, path, IO_READ | IO_WRITE, &file));
    assert_ok(io_size(file, &bytes));
    uint64_t at = (uint64_t)((double)bytes * part);
    assert_ok(io_read(file, at, &byte, 1, &got));
    byte ^= 0x55;
    assert_ok(io_write(file, at, &byte, 1, true));
    io_close(file);
}

static unsigned lost_files(struct io_env *env)
{
    struct listing listing = {.count = 0};
    status st = io_list(env, "store/lost", list_name, &listing);
    return ok(st) ? listing.count : 0;
}

static struct store *one_table(struct io_env *env, unsigned rounds)
{
    struct store *store = open_over(env);
    struct store_table_options table = tiny(STORE_COMPACTION_NONE);
    table.tuning.sstable_bytes = 1 << 20;
    table.block_bytes = 512;
    table_over(store, &table);
    rounds_write(store, 0, rounds);
    assert_ok(store_compact(store, TABLE));
    assert_ok(store_close(store));
    return NULL;
}

static void I5_scrub_saves_what_is_readable_and_keeps_the_damaged_file(void **state)
{
    struct io_env *env = *state;
    (void)one_table(env, 12);
    table_damage(env, 0.4);
    struct store *store = open_over(env);
    assert_int_equal(store_verify(store, TABLE).code, STATUS_CORRUPT);
    struct store_scrub scrub;
    assert_ok(store_scrub(store, TABLE, &scrub));
    assert_int_equal(scrub.tables, 1);
    assert_int_equal(scrub.damaged, 1);
    assert_true(scrub.rows_lost > 0 && scrub.rows_lost < 12 * PARTITIONS / 2);
    assert_int_equal(scrub.rows_saved + scrub.rows_lost, 12 * PARTITIONS);
    assert_int_equal(lost_files(env), 1);
    assert_ok(store_verify(store, TABLE));
    assert_int_equal(stats_of(store).sstable_rows, scrub.rows_saved);
    char *seen = all_of(store);
    /* Nothing is left to do for a second one. */
    assert_ok(store_scrub(store, TABLE, &scrub));
    assert_int_equal(scrub.damaged, 0);
    assert_ok(store_close(store));
    store = open_over(env);
    assert_same(store, seen);
    assert_ok(store_close(store));
}

static void damage_anywhere_is_scrubbed_or_refused(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 20; i++) {
        struct io_env *env;
        struct store *store;
        assert_ok(io_env_open(IO_BODY_SIM, i, &env));
        (void)one_table(env, 6);
        table_damage(env, i / 20.0);
        struct store_options options = options_over(env);
        status st = store_open(&options, &store);
        if (ok(st)) {
            struct store_scrub scrub;
            assert_ok(store_scrub(store, TABLE, &scrub));
            assert_ok(store_verify(store, TABLE));
            char *seen = all_of(store);
            free(seen);
            assert_ok(store_close(store));
        } else {
            assert_int_equal(st.code, STATUS_CORRUPT);
        }
        io_env_close(env);
    }
}

static void I6_a_table_that_cannot_be_opened_is_refused_or_set_aside(void **state)
{
    struct io_env *env = *state;
    struct listing listing = {.count = 0};
    char path[100];
    (void)one_table(env, 3);
    assert_ok(io_list(env, "store/table", list_name, &listing));
    snprintf(path, sizeof path, "store/table/%s", listing.names[0]);
    struct io_file *file;
    assert_ok(io_open(env, path, IO_READ | IO_WRITE, &file));
    assert_ok(io_truncate(file, 100));
    assert_ok(io_sync(file));
    io_close(file);

    struct store *store;
    struct store_options options = options_over(env);
    assert_int_equal(store_open(&options, &store).code, STATUS_CORRUPT);
    assert_int_equal(lost_files(env), 0);
    options.set_aside_damaged_tables = true;
    assert_ok(store_open(&options, &store));
    struct store_stats stats;
    store_stats(store, &stats);
    assert_int_equal(stats.tables_set_aside, 1);
    assert_int_equal(lost_files(env), 1);
    assert_contents(store, TABLE, "");
    assert_ok(apply_text(store, "k/1 a=new @5", DURABILITY_DURABLE));
    assert_ok(store_close(store));
    /* From now on it opens as ever. */
    store = open_over(env);
    assert_contents(store, TABLE, "k/1 a=new");
    store_stats(store, &stats);
    assert_int_equal(stats.tables_set_aside, 0);
    assert_ok(store_close(store));
}

static void a_missing_table_is_told_and_may_be_gone_without(void **state)
{
    struct io_env *env = *state;
    struct listing listing = {.count = 0};
    char path[100];
    (void)one_table(env, 3);
    assert_ok(io_list(env, "store/table", list_name, &listing));
    snprintf(path, sizeof path, "store/table/%s", listing.names[0]);
    assert_ok(io_unlink(env, path));
    struct store *store;
    struct store_options options = options_over(env);
    assert_int_equal(store_open(&options, &store).code, STATUS_CORRUPT);
    options.set_aside_damaged_tables = true;
    assert_ok(store_open(&options, &store));
    assert_contents(store, TABLE, "");
    assert_ok(store_close(store));
    store = open_over(env);
    assert_ok(store_close(store));
}

/* Which tables a strategy merges does not depend on what was considered and left alone before it: else two fragments of a run
 * are merged with others in turn for ever. */
static void a_rewrite_that_is_not_worth_it_leaves_the_runs_as_they_are(void **state)
{
    struct store *store = open_over(*state);
    struct store_table_options table = {
        .compaction = STORE_COMPACTION_SIZE_TIERED,
        .min_threshold = 2,
        .tuning = {.sstable_bytes = 4 << 10,
                   .min_sstable_bytes = 1 << 10,
                   .tombstone_interval_s = -1,
                   .tombstones_unchecked = true},
    };
    table_over(store, &table);
    /* A run of two fragments, and a run of one. */
    assert_ok(apply_text(store, "a/1! @10; b/1! @10; a/3 a=x @10; b/3 a=x @10", DURABILITY_DURABLE));
    assert_ok(store_flush(store, TABLE));
    assert_ok(apply_text(store, "a/2! @10; b/2! @10", DURABILITY_DURABLE));
    assert_ok(store_flush(store, TABLE));
    assert_ok(store_settle(store));
    store_clock_set(store, 1001 * MINUTE_US);
    assert_ok(apply_text(store, "c/1! @10; c/3 a=x @10", DURABILITY_DURABLE));
    assert_ok(store_flush(store, TABLE));
    assert_int_equal(stats_of(store).sstables, 3);
    /* The run's tombstones are old enough, but a memtable holds what they may cover. */
    assert_ok(apply_text(store, "a/9 a=old @1; b/9 a=old @1; c/9 a=old @1", DURABILITY_DURABLE));
    bool did = true;
    for (unsigned steps = 0; did && steps < 1000; steps++)
        assert_ok(store_step(store, &did));
    assert_false(did);
    assert_ok(store_close(store));
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clone_under_another_strategy_merges_its_files_once_before_they_count),
        cmocka_unit_test(after_a_restart_such_a_clone_still_merges_its_files),
        cmocka_unit_test(every_strategy_comes_to_rest_and_keeps_every_row),
        CLAIM(a_rewrite_that_is_not_worth_it_leaves_the_runs_as_they_are),
        CLAIM(a_change_of_strategy_takes_what_is_there),
        CLAIM(options_of_compaction_survive_a_restart),
        CLAIM(a_flush_makes_a_table_for_each_window),
        CLAIM(a_major_compaction_makes_one_run_and_says_what_it_did),
        CLAIM(chosen_files_are_merged_and_others_left),
        cmocka_unit_test(a_power_cut_in_any_compaction_loses_nothing),
        cmocka_unit_test(a_power_cut_in_a_major_compaction_of_fragments_loses_nothing),
        CLAIM(I5_scrub_saves_what_is_readable_and_keeps_the_damaged_file),
        cmocka_unit_test(damage_anywhere_is_scrubbed_or_refused),
        CLAIM(I6_a_table_that_cannot_be_opened_is_refused_or_set_aside),
        CLAIM(a_missing_table_is_told_and_may_be_gone_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
