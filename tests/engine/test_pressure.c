/* Too little memory and too little disk: writers are slowed and refused, and everything goes on when there is room again. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/job_internal.h"
#include "engine/store_internal.h"
#include "io/sim.h"
#include "notation.h"

/* ---- the brake ---- */

static void the_delay_of_a_writer_grows_without_a_step(void **state)
{
    (void)state;
    enum { BUDGET = 64 << 20, STEP = BUDGET / 256, BATCH = 20000 };
    uint64_t last = 0, rise = 0;
    assert_int_equal(pressure_delay_ns(0, BUDGET, BATCH), 0);
    assert_int_equal(pressure_delay_ns(BUDGET / 4 * 3, BUDGET, BATCH), 0);
    for (uint64_t memory = BUDGET / 4 * 3; memory <= (uint64_t)2 * BUDGET; memory += STEP) {
        uint64_t delay = pressure_delay_ns(memory, BUDGET, BATCH);
        assert_true(delay >= last);
        /* It rises a little faster all the time, never at once. */
        assert_true(delay - last <= rise + (uint64_t)BATCH * 100 / 64);
        rise = delay - last;
        last = delay;
    }
    assert_int_equal(last, (uint64_t)BATCH * 100);
    assert_int_equal(pressure_delay_ns(UINT64_MAX, BUDGET, BATCH), last);
    assert_int_equal(pressure_delay_ns(BUDGET, BUDGET, 2 * BATCH) / 1000,
                     2 * pressure_delay_ns(BUDGET, BUDGET, BATCH) / 1000);
}

static void compaction_that_is_far_behind_brakes_writers(void **state)
{
    (void)state;
    struct store *store;
    struct store_options options = {.shards = 1};
    struct store_stats stats;
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 864000);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 2000; i++)
            assert_ok(apply_text(store, "k/1 a=some-text-that-is-not-too-short @1", DURABILITY_DEFAULT));
        store_stats(store, &stats);
        assert_int_equal(stats.stalls > 0, round == 1);
        atomic_fetch_add(&store->backlog_bytes, UINT64_C(64) << 30);
    }
    assert_ok(store_close(store));
}

/* ---- memory ---- */

enum { CROWD = 4, CROWD_WRITES = 3000 };

struct writer_in_a_crowd {
    struct store *store;
    pthread_t thread;
    status failure;
};

static void *write_large_values(void *argument)
{
    struct writer_in_a_crowd *writer = argument;
    char text[1100];
    for (unsigned i = 0; i < CROWD_WRITES && ok(writer->failure); i++) {
        snprintf(text, sizeof text, "p%u/%u a=%0*u @%u", i % 7, i % 50, 1000, i, i + 1);
        writer->failure = apply_text(writer->store, text, DURABILITY_DEFAULT);
    }
    return NULL;
}

/* Who waits for room while others take what comes is let in as soon as it has seen some. */
static void nobody_is_refused_while_there_comes_room(void **state)
{
    (void)state;
    struct writer_in_a_crowd crowd[CROWD] = {0};
    struct store_options options = {.shards = 2, .memtable_bytes = 64 << 10};
    struct store *store;
    struct store_stats stats;
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 864000);
    for (unsigned i = 0; i < CROWD; i++) {
        crowd[i].store = store;
        assert_int_equal(0, pthread_create(&crowd[i].thread, NULL, write_large_values, &crowd[i]));
    }
    for (unsigned i = 0; i < CROWD; i++)
        pthread_join(crowd[i].thread, NULL);
    for (unsigned i = 0; i < CROWD; i++)
        assert_ok(crowd[i].failure);
    store_stats(store, &stats);
    assert_true(stats.stalls > 0);
    assert_ok(store_close(store));
}

static uint64_t memory_of_tables(struct store *store, uint64_t tables)
{
    uint64_t bytes = 0;
    for (uint64_t id = 1; id <= tables; id++) {
        struct store_table_stats stats;
        assert_ok(store_table_stats(store, id, &stats));
        bytes += stats.memtable_bytes;
    }
    return bytes;
}

static uint64_t memory_of(struct store *store)
{
    struct store_stats stats;
    store_stats(store, &stats);
    return stats.memtable_bytes;
}

static void write_rows(struct store *store, unsigned from, unsigned to)
{
    char text[200];
    for (unsigned i = from; i < to; i++) {
        snprintf(text, sizeof text, "p%u/%u a=some-value b=another @%u; 2:p%u/%u a=x @%u", i % 11, i, i + 1,
                 i % 3, i, i + 1);
        assert_ok(apply_text(store, text, DURABILITY_DEFAULT));
    }
}

static void the_memory_of_the_store_is_that_of_its_tables_to_the_byte(void **state)
{
    (void)state;
    struct store *store;
    struct store_options options = {
        .shards = 3, .memtable_bytes = 64 << 20, .background = STORE_BACKGROUND_MANUAL};
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 864000);
    make_table(store, 2, 864000);
    assert_int_equal(memory_of(store), 0);
    for (unsigned i = 0; i < 20; i++) {
        write_rows(store, i * 100, i * 100 + 100);
        assert_int_equal(memory_of(store), memory_of_tables(store, 2));
    }
    assert_ok(store_flush(store, 1));
    assert_int_equal(memory_of(store), memory_of_tables(store, 2));
    write_rows(store, 2000, 2500);
    struct store_change truncate = {.kind = STORE_TRUNCATE_TABLE, .table_id = 1};
    assert_ok(store_change(store, &truncate, 1));
    assert_int_equal(memory_of(store), memory_of_tables(store, 2));
    assert_ok(store_flush(store, 0));
    assert_int_equal(memory_of(store), 0);
    assert_ok(store_close(store));
}

static void memory_is_held_at_the_limit_while_writers_are_many_times_faster_than_it(void **state)
{
    (void)state;
    enum { BUDGET = 128 << 10 };
    struct store *store;
    struct store_options options = {
        .shards = 2, .memtable_bytes = BUDGET, .background = STORE_BACKGROUND_MANUAL};
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 864000);
    make_table(store, 2, 864000);
    uint64_t most = 0;
    for (unsigned i = 0; i < 300; i++) {
        write_rows(store, i * 20, i * 20 + 20);
        most = memory_of(store) > most ? memory_of(store) : most;
    }
    /* Nothing is admitted at twice the budget; what was admitted before is as large as it is. */
    assert_in_range(most, BUDGET / 2, 2 * BUDGET + (64 << 10));
    assert_int_equal(memory_of(store), memory_of_tables(store, 2));
    assert_ok(store_close(store));
}

static char *partition_of(struct store *store, bool reverse)
{
    status st;
    char *text = partition_contents(store, 1, "k", reverse, &st);
    assert_ok(st);
    return text;
}

static void several_memtables_that_wait_for_their_flush_are_read_and_counted(void **state)
{
    (void)state;
    enum { FROZEN = 5 };
    struct store *store;
    struct store_table_stats stats;
    struct store_stats all;
    struct store_options options = {.shards = 1, .background = STORE_BACKGROUND_MANUAL};
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 864000);
    for (unsigned i = 0; i < FROZEN; i++) {
        char text[200];
        struct write_buffer *frozen;
        /* A row of its own, one that all write, a cell, a deletion of what the one before wrote. */
        snprintf(text, sizeof text, "k/%u a=own @%u; k/100 a=v%u @%u; k/101 ~%c=x @%u; k/%u! @%u", i, 10 + i,
                 i, 10 + i, 'a' + (int)i, 10 + i, i ? i - 1 : 200, 10 + i);
        assert_ok(apply_text(store, text, DURABILITY_DEFAULT));
        struct tablet *tablet = shard_find_ref(&store->shards[0], 1);
        assert_ok(flush_freeze(store, tablet, &frozen));
        assert_non_null(frozen);
        write_buffer_unref(frozen);
        tablet_unref(tablet);
        assert_ok(store_table_stats(store, 1, &stats));
        assert_int_equal(stats.pending_flushes, i + 1);
        assert_int_equal(memory_of(store), stats.memtable_bytes);
    }
    assert_ok(apply_text(store, "k/5 a=active @50", DURABILITY_DEFAULT));
    char *forward = partition_of(store, false), *backward = partition_of(store, true);
    assert_string_equal(forward, "k/4 a=own; k/5 a=active; k/100 a=v4; k/101 a=x b=x c=x d=x e=x");
    assert_string_equal(backward, "k/101 a=x b=x c=x d=x e=x; k/100 a=v4; k/5 a=active; k/4 a=own");
    assert_ok(store_flush(store, 0));
    for (int reverse = 0; reverse < 2; reverse++) {
        char *flushed = partition_of(store, reverse);
        assert_string_equal(flushed, reverse ? backward : forward);
        free(flushed);
    }
    assert_ok(store_table_stats(store, 1, &stats));
    assert_int_equal(stats.pending_flushes, 0);
    store_stats(store, &all);
    assert_int_equal(all.memtable_bytes, 0);
    assert_in_range(all.retained_bytes, 1, all.cache_budget_bytes / 2);
    free(forward);
    free(backward);
    assert_ok(store_close(store));
}

/* ---- compaction ---- */

enum { OVERLOAD_ROWS = 20000 }; /* some tens of flushes */

/* Write so many rows, and on until compaction has given way to a flush or for `rows_max` rows; what the store tells then. */
static struct store_stats overload(bool no_yielding, unsigned rows_max)
{
    struct store *store;
    struct store_stats stats = {0};
    struct store_table_stats table;
    struct store_options options = {
        .shards = 2, .workers = 2, .memtable_bytes = 256 << 10, .no_yielding = no_yielding};
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 864000);
    make_table(store, 2, 864000);
    for (unsigned i = 0; i < OVERLOAD_ROWS || (i < rows_max && !stats.compaction_yields); i += 100) {
        write_rows(store, i, i + 100);
        store_stats(store, &stats);
    }
    assert_ok(store_flush(store, 0));
    assert_ok(store_settle(store));
    assert_ok(store_table_stats(store, 1, &table));
    assert_in_range(table.compactions, 1, UINT64_MAX); /* it comes later, not never */
    assert_ok(store_close(store));
    return stats;
}

static void compaction_gives_way_to_flushes_that_writers_wait_for(void **state)
{
    (void)state;
    struct store_stats stats = overload(false, 1000000);
    assert_in_range(stats.compaction_yields, 1, UINT64_MAX);
    stats = overload(true, OVERLOAD_ROWS);
    assert_int_equal(stats.compaction_yields, 0);
}

/* ---- disk ---- */

static struct store_options disk_options(struct io_env *env)
{
    return (struct store_options){.folder = "store",
                                  .env = env,
                                  .shards = 1,
                                  .memtable_bytes = 1 << 20,
                                  .log_segment_bytes = 64 << 10,
                                  .background = STORE_BACKGROUND_MANUAL};
}

/* Write until the disk is full; how many rows that were. */
static unsigned fill_disk(struct store *store)
{
    char value[301], text[400];
    memset(value, 'v', 300);
    value[300] = 0;
    for (unsigned i = 0; i < 100000; i++) {
        bool did;
        snprintf(text, sizeof text, "k/%u a=%s @%u", i, value, i + 1);
        status st = apply_text(store, text, DURABILITY_DURABLE);
        if (st.code == STATUS_NOSPACE)
            return i;
        assert_ok(st);
        (void)store_step(store, &did);
    }
    fail_msg("the disk does not get full");
    return 0;
}

static void a_full_disk_refuses_writes_accepts_deletions_and_recovers(void **state)
{
    (void)state; /* I8 */
    struct io_env *env;
    struct store *store;
    status st;
    assert_ok(io_env_open(IO_BODY_SIM, 3, &env));
    struct store_options options = disk_options(env);
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 864000);
    sim_set_space(env, 3 << 20);
    unsigned rows = fill_disk(store);
    assert_in_range(rows, 100, 100000);

    /* Reads go on, writes are refused whole, also those that delete and write in one batch. */
    free(contents(store, 1, &st));
    assert_ok(st);
    assert_code(STATUS_NOSPACE, apply_text(store, "l/1 a=x @900000", DURABILITY_PERIODIC));
    assert_code(STATUS_NOSPACE, apply_text(store, "l/1 a=x @900000; k/2! @900000", DURABILITY_PERIODIC));
    assert_code(STATUS_NOSPACE, apply_text(store, "k/s a=x @900000", DURABILITY_PERIODIC));

    /* Deletions of every kind are accepted while their reserve lasts, and no longer. */
    assert_ok(apply_text(store, "k/0! @900000", DURABILITY_DURABLE));
    assert_ok(apply_text(store, "k/1 ~a! @900000", DURABILITY_DURABLE));
    assert_ok(apply_text(store, "k/2-4! @900000; m! @900000", DURABILITY_DURABLE));
    unsigned deleted = 0;
    for (st = STATUS_DONE; ok(st) && deleted < 200000; deleted += ok(st)) {
        char text[64];
        snprintf(text, sizeof text, "z%u! @900000", deleted);
        st = apply_text(store, text, DURABILITY_PERIODIC);
    }
    assert_code(STATUS_NOSPACE, st);

    /* Room is made from outside: everything goes on, and nothing that was acknowledged is gone. */
    sim_set_space(env, 256 << 20);
    assert_ok(store_settle(store));
    assert_ok(apply_text(store, "l/1 a=after @1000000", DURABILITY_DURABLE));
    assert_ok(store_flush(store, 0));
    for (int again = 0; again < 2; again++) {
        char *seen = contents(store, 1, &st);
        assert_ok(st);
        assert_null(strstr(seen, "k/0 "));
        assert_null(strstr(seen, "k/3 "));
        assert_non_null(strstr(seen, "k/4 a=v"));
        assert_non_null(strstr(seen, "l/1 a=after"));
        free(seen);
        assert_ok(store_close(store));
        assert_ok(store_open(&options, &store));
    }
    assert_ok(store_close(store));
    io_env_close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_delay_of_a_writer_grows_without_a_step),
        cmocka_unit_test(compaction_that_is_far_behind_brakes_writers),
        cmocka_unit_test(nobody_is_refused_while_there_comes_room),
        cmocka_unit_test(the_memory_of_the_store_is_that_of_its_tables_to_the_byte),
        cmocka_unit_test(memory_is_held_at_the_limit_while_writers_are_many_times_faster_than_it),
        cmocka_unit_test(several_memtables_that_wait_for_their_flush_are_read_and_counted),
        cmocka_unit_test(compaction_gives_way_to_flushes_that_writers_wait_for),
        cmocka_unit_test(a_full_disk_refuses_writes_accepts_deletions_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
