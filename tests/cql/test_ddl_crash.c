/*
 * The power fails at every operation of a life full of schema changes. Whatever was acknowledged is there after the restart,
 * the statement under way is there as a whole or not at all, and an index that is there knows every row (IDX-3, DEL-10).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database_fixture.h"
#include "io/sim.h"

static const char *const life[] = {
    "CREATE KEYSPACE a WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    "CREATE TABLE a.t (id int PRIMARY KEY, v int)",
    "INSERT INTO a.t (id, v) VALUES (1, 5)",
    "INSERT INTO a.t (id, v) VALUES (2, 5)",
    "INSERT INTO a.t (id, v) VALUES (3, 6)",
    "CREATE INDEX ON a.t (v)",
    "INSERT INTO a.t (id, v) VALUES (4, 5)",
    "ALTER TABLE a.t ADD w text",
    "CREATE MATERIALIZED VIEW a.m AS SELECT * FROM a.t WHERE v IS NOT NULL AND id IS NOT NULL PRIMARY KEY "
    "(v, id)",
    "UPDATE a.t SET v = 6 WHERE id = 1",
    "TRUNCATE a.t",
    "INSERT INTO a.t (id, v, w) VALUES (5, 5, 'x')",
    "ALTER KEYSPACE a WITH durable_writes = false",
    "DROP INDEX a.t_v_idx",
    "DROP MATERIALIZED VIEW a.m",
    "CREATE TABLE a.u (id int PRIMARY KEY)",
    "DROP TABLE a.t",
    "DROP KEYSPACE a",
};

enum {
    STEPS = ARRAY_LEN(life),
    DUMP_BYTES = 16384,
};

struct world {
    struct io_env *env;
    struct cql_database *database;
    struct cql_session *session;
    struct cql_result result;
    struct cql_error error;
};

static status open_database(struct world *world)
{
    struct cql_database_options options = {
        .profile = PROFILE_SCYLLA_2025_1,
        .store = {.folder = "db",
                  .env = world->env,
                  .shards = 2,
                  .log_segment_bytes = 64 << 10,
                  .durability = DURABILITY_DURABLE,
                  .background = STORE_BACKGROUND_MANUAL},
    };
    status st = cql_database_open(&options, &world->database);
    if (ok(st))
        st = cql_session_open(world->database, &world->session);
    return st;
}

static void close_database(struct world *world)
{
    cql_session_close(world->session);
    (void)cql_database_close(world->database); /* fails when the power is cut */
    world->session = NULL;
    world->database = NULL;
}

static void world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){0};
    assert_true(ok(io_env_open(IO_BODY_SIM, seed, &world->env)));
    assert_true(ok(open_database(world)));
}

static void world_deinit(struct world *world)
{
    close_database(world);
    cql_result_deinit(&world->result);
    io_env_close(world->env);
}

static bool query(struct world *world, const char *statement)
{
    struct cql_params params = {.consistency = 1};
    return cql_session_query(world->session, slice_text(statement), &params, &world->result, &world->error);
}

/* The schema as statements, the rows, and the rows that the index finds, where they are. */
static void dump(struct world *world, char out[DUMP_BYTES])
{
    static const char *const queries[] = {"DESCRIBE SCHEMA",
                                          "SELECT id, v FROM a.t",
                                          "SELECT id FROM a.t WHERE v = 5",
                                          "SELECT w FROM a.t",
                                          "SELECT id FROM a.u",
                                          "SELECT v, id FROM a.m",
                                          "SELECT name, missing, ghosts FROM strait.index_check"};
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        bool found = query(world, queries[i]);
        const struct buffer *rows = &world->result.rows;
        used += (size_t)snprintf(out + used, DUMP_BYTES - used, "%zu%s ", i, found ? ":" : " none");
        for (size_t j = 0; found && j < rows->bytes && used + 3 < DUMP_BYTES; j++) {
            bool is_text = rows->data[j] >= ' ' && rows->data[j] < 0x7f;
            used += (size_t)snprintf(out + used, DUMP_BYTES - used, is_text ? "%c" : "%02x", rows->data[j]);
        }
    }
    assert_true(used + 3 < DUMP_BYTES);
}

static char expected[STEPS + 1][DUMP_BYTES]; /* after so many statements */

static uint64_t undisturbed_life(void)
{
    struct world world;
    world_init(&world, 1);
    dump(&world, expected[0]);
    for (size_t i = 0; i < STEPS; i++) {
        if (!query(&world, life[i]))
            fail_msg("%s: %s", world.error.message, life[i]);
        dump(&world, expected[i + 1]);
    }
    uint64_t operations = sim_operation_count(world.env);
    world_deinit(&world);
    return operations;
}

static void cut_at(uint64_t operation, enum sim_policy policy)
{
    struct world world;
    char found[DUMP_BYTES];
    size_t acknowledged = 0;
    world_init(&world, operation * SIM_POLICIES + policy);
    if (sim_operation_count(world.env) > operation) {
        world_deinit(&world);
        return;
    }
    sim_cut_power_at(world.env, operation);
    while (acknowledged < STEPS && query(&world, life[acknowledged]))
        acknowledged++;
    close_database(&world);
    sim_restart(world.env, policy);
    status st = open_database(&world);
    if (failed(st)) {
        char text[256];
        status_print(st, text, sizeof text);
        fail_msg("operation %llu, policy %d: %s", (unsigned long long)operation, (int)policy, text);
    }
    dump(&world, found);
    bool is_before = strcmp(found, expected[acknowledged]) == 0;
    bool is_after = acknowledged < STEPS && strcmp(found, expected[acknowledged + 1]) == 0;
    if (!is_before && !is_after)
        fail_msg("operation %llu, policy %d, %zu acknowledged (then: %s)\nfound    %s\nexpected %s",
                 (unsigned long long)operation, (int)policy, acknowledged,
                 acknowledged < STEPS ? life[acknowledged] : "end", found, expected[acknowledged]);
    /* It goes on from there. */
    for (size_t i = acknowledged + (is_after && !is_before); i < STEPS; i++)
        if (!query(&world, life[i]))
            fail_msg("operation %llu, policy %d, going on: %s: %s", (unsigned long long)operation,
                     (int)policy, world.error.message, life[i]);
    world_deinit(&world);
}

static void every_change_is_whole_wherever_the_power_fails(void **state)
{
    (void)state;
    uint64_t operations = undisturbed_life();
    assert_true(operations > STEPS);
    for (uint64_t operation = 0; operation < operations; operation++)
        for (int policy = 0; policy < SIM_POLICIES; policy++)
            cut_at(operation, (enum sim_policy)policy);
}

static void a_disk_that_is_full_refuses_a_change_and_keeps_the_old_schema(void **state)
{
    (void)state;
    struct world world;
    char before[DUMP_BYTES], after[DUMP_BYTES];
    world_init(&world, 3);
    for (size_t i = 0; i < 6; i++)
        assert_true(query(&world, life[i]));
    dump(&world, before);
    sim_fail_at(world.env, sim_operation_count(world.env), SIM_FAULT_ENOSPC, true);
    bool done = query(&world, "ALTER TABLE a.t ADD w text");
    sim_fail_at(world.env, 0, SIM_FAULT_NONE, false);
    dump(&world, after);
    if (!done)
        assert_string_equal(after, before);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_whole_wherever_the_power_fails),
        cmocka_unit_test(a_disk_that_is_full_refuses_a_change_and_keeps_the_old_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
