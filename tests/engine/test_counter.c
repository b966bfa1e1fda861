/*
 * A counter is read, changed and written under the lock of its partition; its timestamp is its clock. Nothing is lost or
 * counted twice, whatever flushes, compacts or restarts meanwhile and wherever the wall clock goes.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "io/io.h"
#include "notation.h"
#include "row/live.h"

enum {
    TABLE = 1,
    COUNTERS = 5, /* rows of one partition */
    COLUMN = 3,
    CALLERS = 4,
    ADDS = 1500, /* of each caller, in each of the rounds */
    ROUNDS = 3,
};

struct place {
    struct io_env *env;
    struct store *store;
    bool counters_restart;
};

static void place_open(struct place *place)
{
    struct store_options options = {
        .folder = "store",
        .env = place->env,
        .shards = 2,
        .memtable_bytes = 128 << 10,
        .log_segment_bytes = 256 << 10,
        .rules = {.counters_restart = place->counters_restart},
    };
    assert_ok(store_open(&options, &place->store));
}

static void place_new(struct place *place, bool counters_restart)
{
    *place = (struct place){.counters_restart = counters_restart};
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &place->env));
    place_open(place);
    make_table(place->store, TABLE, 1000000);
}

static void place_remove(struct place *place)
{
    assert_ok(store_close(place->store));
    io_env_close(place->env);
}

/* The total and the clock; false when the counter is not there. */
static bool counter_read(struct store *store, uint32_t row, int64_t *out_total, int64_t *out_clock)
{
    struct store_read read = {.table_id = TABLE};
    struct cursor *cursor = NULL;
    struct buffer key = {0};
    struct live_reader reader;
    struct cell cell;
    bool found = false;
    row_key(&key, row);
    assert_ok(store_cursor_open_one(store, &read, text_key("p"), NULL, &cursor));
    if (cursor)
        assert_ok(cursor_seek_row(cursor, buffer_slice(&key)));
    if (cursor && cursor->on_row && slice_equal(cursor->row.clustering, buffer_slice(&key))) {
        assert_ok(live_open(cursor->row.image, DELETION_NONE, 0, &reader));
        assert_ok(live_next_cell(&reader, &cell, &found));
    }
    if (found) {
        assert_int_equal(cell.kind, CELL_COUNTER);
        *out_total = (int64_t)load_be64(cell.value.data);
        *out_clock = cell.timestamp;
    }
    cursor_close(cursor);
    buffer_deinit(&key);
    return found;
}

static void counter_add(struct store *store, uint32_t row, int64_t amount)
{
    struct store_partition partition = {TABLE, slice_text("p")};
    struct store_guard guard;
    struct batch batch = {0};
    char text[100];
    int64_t total = 0, clock = INT64_MIN, now_us = store_now_us(store);
    store_lock_partitions(store, &partition, 1, &guard);
    bool found = counter_read(store, row, &total, &clock);
    int64_t timestamp = found && clock >= now_us ? clock + 1 : now_us;
    snprintf(text, sizeof text, "p/%u ~%c#%lld @%lld", row, 'a' + COLUMN, (long long)(total + amount),
             (long long)timestamp);
    write_text(&batch, text, 0);
    assert_ok(store_apply(store, &batch, DURABILITY_DEFAULT));
    store_unlock_partitions(store, &guard);
    batch_deinit(&batch);
}

struct caller {
    struct store *store;
    uint64_t seed;
    int64_t added[COUNTERS];
};

static void *caller_run(void *context)
{
    struct caller *caller = context;
    struct random rng = {caller->seed};
    for (uint32_t i = 0; i < ADDS; i++) {
        uint32_t row = (uint32_t)random_below(&rng, COUNTERS);
        int64_t amount = (int64_t)random_below(&rng, 100) - 30;
        counter_add(caller->store, row, amount);
        caller->added[row] += amount;
    }
    return NULL;
}

static void counts_from_all_callers_add_up(void **state)
{
    (void)state;
    struct place place;
    int64_t expected[COUNTERS] = {0};
    place_new(&place, false);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct caller callers[CALLERS] = {0};
        pthread_t threads[CALLERS];
        /* Forward, back, and back again. */
        store_clock_set(place.store, (1700000000 - 100 * (int64_t)round) * 1000000);
        for (uint32_t i = 0; i < CALLERS; i++) {
            callers[i] = (struct caller){.store = place.store, .seed = round * CALLERS + i};
            assert_int_equal(0, pthread_create(&threads[i], NULL, caller_run, &callers[i]));
        }
        assert_ok(store_flush(place.store, TABLE));
        assert_ok(store_compact(place.store, TABLE));
        for (uint32_t i = 0; i < CALLERS; i++) {
            assert_int_equal(0, pthread_join(threads[i], NULL));
            for (uint32_t row = 0; row < COUNTERS; row++)
                expected[row] += callers[i].added[row];
        }
        assert_ok(store_close(place.store));
        place_open(&place);
        for (uint32_t row = 0; row < COUNTERS; row++) {
            int64_t total = 0, clock = 0;
            assert_true(counter_read(place.store, row, &total, &clock));
            assert_int_equal(total, expected[row]);
        }
    }
    place_remove(&place);
}

static void a_deleted_counter_stays_dead_or_counts_from_0_CNT_5(void **state)
{
    (void)state;
    for (unsigned restart = 0; restart < 2; restart++) {
        struct place place;
        int64_t total = 0, clock = 0;
        place_new(&place, restart);
        store_clock_set(place.store, 1000);
        counter_add(place.store, 0, 7);
        assert_ok(apply_text(place.store, "p/0 ~d! @2000", DURABILITY_DEFAULT));
        assert_false(counter_read(place.store, 0, &total, &clock));
        assert_ok(store_flush(place.store, TABLE));
        store_clock_set(place.store, 3000);
        counter_add(place.store, 0, 5);
        assert_int_equal(restart, counter_read(place.store, 0, &total, &clock));
        assert_int_equal(total, restart ? 5 : 0);
        assert_ok(store_compact(place.store, TABLE));
        assert_int_equal(restart, counter_read(place.store, 0, &total, &clock));
        place_remove(&place);
    }
}

static void the_deletion_of_its_row_lets_a_counter_begin_anew(void **state)
{
    (void)state;
    struct place place;
    int64_t total = 0, clock = 0;
    place_new(&place, false);
    store_clock_set(place.store, 1000);
    counter_add(place.store, 0, 7);
    assert_ok(store_flush(place.store, TABLE));
    assert_ok(apply_text(place.store, "p/0! @2000", DURABILITY_DEFAULT));
    store_clock_set(place.store, 3000);
    counter_add(place.store, 0, 5);
    assert_true(counter_read(place.store, 0, &total, &clock));
    assert_int_equal(total, 5);
    assert_ok(store_compact(place.store, TABLE));
    assert_true(counter_read(place.store, 0, &total, &clock));
    assert_int_equal(total, 5);
    place_remove(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_from_all_callers_add_up),
        cmocka_unit_test(a_deleted_counter_stays_dead_or_counts_from_0_CNT_5),
        cmocka_unit_test(the_deletion_of_its_row_lets_a_counter_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
