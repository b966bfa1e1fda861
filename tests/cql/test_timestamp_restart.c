/*
 * The server's timestamps are given out once, also when the store is closed or loses power in between and the clock stands
 * still or goes back (TS-2); and a client's timestamp from the future is no beginning for them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database_fixture.h"
#include "io/sim.h"

#define START_US  INT64_C(1700000000000000)
#define SECOND_US INT64_C(1000000)
#define DAYS_US   (2 * 86400 * SECOND_US)

static int64_t number(struct fixture *f, const char *statement)
{
    return strtoll(rows(f, statement), NULL, 10);
}

/* Write rows and give back the greatest of their timestamps; none of them is below `above`. */
static int64_t written(struct fixture *f, int64_t above, unsigned count)
{
    static unsigned id;
    for (unsigned i = 0; i < count; i++) {
        char text[100];
        snprintf(text, sizeof text, "INSERT INTO t (id, v) VALUES (%u, 1)", ++id);
        does(f, text);
        snprintf(text, sizeof text, "SELECT WRITETIME(v) FROM t WHERE id = %u", id);
        int64_t timestamp = number(f, text);
        if (timestamp <= above)
            fail_msg("%" PRId64 " is given out after %" PRId64, timestamp, above);
        above = timestamp;
    }
    return above;
}

static struct fixture *open_at(int64_t clock_us)
{
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    f->clock_us = clock_us;
    fixture_reopen(f);
    does(f, "USE k");
    return f;
}

static void reopen_at(struct fixture *f, int64_t clock_us)
{
    f->clock_us = clock_us;
    fixture_reopen(f);
    does(f, "USE k");
}

static void server_timestamps_rise_over_restarts_while_the_clock_stands_still(void **state) /* TS-2 */
{
    (void)state;
    struct fixture *f = open_at(START_US);
    int64_t last = written(f, INT64_MIN, 50);
    assert_int_equal(START_US + 49, last);
    for (unsigned i = 0; i < 5; i++) {
        reopen_at(f, START_US);
        last = written(f, last, 20);
    }
    /* And not faster than they were given out. */
    assert_int_equal(START_US + 149, last);
    reopen_at(f, START_US - 3600 * SECOND_US);
    last = written(f, last, 20);
    assert_int_equal(START_US + 169, last);
    reopen_at(f, START_US + SECOND_US);
    assert_int_equal(START_US + SECOND_US, written(f, last, 1));
    fixture_close(f);
}

static void a_timestamp_of_a_client_from_the_future_is_no_beginning(void **state)
{
    (void)state;
    struct fixture *f = open_at(START_US);
    char text[100];
    int64_t last = written(f, INT64_MIN, 10);
    snprintf(text, sizeof text, "INSERT INTO t (id, v) VALUES (-1, 1) USING TIMESTAMP %" PRId64,
             START_US + DAYS_US);
    does(f, text);
    assert_int_equal(last + 1, written(f, last, 1));
    reopen_at(f, START_US);
    last = written(f, last + 1, 10);
    assert_true(last < START_US + 21 * SECOND_US); /* what may have been given out, and no days beyond */
    reopen_at(f, START_US + 30 * SECOND_US);
    assert_int_equal(START_US + 30 * SECOND_US, written(f, last, 1));
    fixture_close(f);
}

static void a_clock_that_runs_ahead_and_comes_back_repeats_nothing(void **state)
{
    (void)state;
    struct fixture *f = open_at(START_US);
    int64_t last = written(f, INT64_MIN, 5);
    for (unsigned i = 1; i <= 5; i++) {
        store_clock_set(cql_database_store(f->database), START_US + i * 3600 * SECOND_US);
        last = written(f, last, 3);
    }
    reopen_at(f, START_US);
    written(f, last, 5);
    fixture_close(f);
}

/* ---- power cuts ---- */

struct world {
    struct io_env *env;
    struct fixture f;
};

static void world_open(struct world *world, int64_t clock_us)
{
    struct cql_database_options options = {
        .profile = PROFILE_SCYLLA_2025_1,
        .store = {.folder = "store",
                  .env = world->env,
                  .shards = 1,
                  .durability = DURABILITY_DURABLE,
                  .clock_us = clock_us,
                  .background = STORE_BACKGROUND_MANUAL},
    };
    assert_true(ok(cql_database_open(&options, &world->f.database)));
    assert_true(ok(cql_session_open(world->f.database, &world->f.session)));
}

static void world_cut(struct world *world, enum sim_policy policy)
{
    sim_cut_power_at(world->env, sim_operation_count(world->env));
    cql_session_close(world->f.session);
    (void)cql_database_close(world->f.database);
    sim_restart(world->env, policy);
    sim_cut_power_at(world->env, UINT64_MAX);
}

static void server_timestamps_rise_over_power_cuts(void **state)
{
    (void)state;
    for (enum sim_policy policy = 0; policy < SIM_POLICIES; policy++) {
        struct world world = {0};
        assert_true(ok(io_env_open(IO_BODY_SIM, policy, &world.env)));
        world_open(&world, START_US);
        does(&world.f,
             "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
        does(&world.f, "USE k");
        does(&world.f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
        int64_t last = written(&world.f, INT64_MIN, 20);
        for (unsigned i = 0; i < 6; i++) {
            world_cut(&world, policy);
            world_open(&world, START_US - i * SECOND_US);
            does(&world.f, "USE k");
            if (i == 3)
                assert_true(ok(store_flush(cql_database_store(world.f.database), 0)));
            last = written(&world.f, last, 10);
        }
        /* Durable writes are all there, so nothing was skipped. */
        assert_true(last < START_US + SECOND_US);
        cql_session_close(world.f.session);
        assert_true(ok(cql_database_close(world.f.database)));
        cql_result_deinit(&world.f.result);
        buffer_deinit(&world.f.text);
        io_env_close(world.env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_timestamps_rise_over_restarts_while_the_clock_stands_still),
        cmocka_unit_test(a_timestamp_of_a_client_from_the_future_is_no_beginning),
        cmocka_unit_test(a_clock_that_runs_ahead_and_comes_back_repeats_nothing),
        cmocka_unit_test(server_timestamps_rise_over_power_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
