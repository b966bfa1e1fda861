/*
 * Snapshots, clones, restores and truncation cost the same whatever the data: operations of the disk and bytes of the manifest,
 * which are counted and not timed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/sim.h"
#include "notation.h"

enum change_step { STEP_SNAPSHOT, STEP_CLONE, STEP_RESTORE, STEP_TRUNCATE, STEPS };

static const char *const names[STEPS] = {"snapshot", "clone", "restore", "truncate"};

struct cost {
    uint64_t operations, manifest_bytes;
};

struct shape {
    unsigned files, rows_of_file, rows_in_memory;
};

static void rows_write(struct store *store, unsigned from, unsigned count)
{
    for (unsigned done = 0; done < count;) {
        struct buffer text = {0};
        for (unsigned i = 0; i < 100 && done < count; i++, done++)
            buffer_printf(&text, "%sk%u/%u a=some-value @%u", i ? "; " : "", done % 7, from + done,
                          1 + from + done);
        buffer_append_u8(&text, 0);
        assert_ok(apply_text(store, (const char *)text.data, DURABILITY_DURABLE));
        buffer_deinit(&text);
    }
}

static uint64_t manifest_bytes(struct store *store)
{
    struct store_stats stats;
    store_stats(store, &stats);
    return stats.manifest_bytes;
}

static void step_take(struct store *store, enum change_step step)
{
    static const uint64_t tables[] = {1};
    struct store_change changes[2] = {{.name = slice_text("s"), .tables = tables, .table_count = 1}};
    uint32_t count = 1;
    switch (step) {
    case STEP_SNAPSHOT: changes[0].kind = STORE_CREATE_SNAPSHOT; break;
    case STEP_RESTORE: changes[0].kind = STORE_RESTORE_SNAPSHOT; break;
    case STEP_TRUNCATE:
        changes[0] = (struct store_change){.kind = STORE_TRUNCATE_TABLE, .table_id = 1};
        break;
    case STEP_CLONE:
        changes[0] = (struct store_change){.kind = STORE_CREATE_TABLE, .table_id = store_new_table_id(store)};
        changes[1] =
            (struct store_change){.kind = STORE_COPY_TABLE, .table_id = changes[0].table_id, .source_id = 1};
        count = 2;
        break;
    case STEPS: fail();
    }
    assert_ok(store_change(store, changes, count));
}

/* What each step costs the caller, in a store of that shape. */
static void costs_of(const struct shape *shape, struct cost costs[STEPS])
{
    struct io_env *env;
    struct store *store;
    assert_ok(io_env_open(IO_BODY_SIM, 1, &env));
    struct store_options options = {.folder = "store",
                                    .env = env,
                                    .shards = 2,
                                    .memtable_bytes = 64 << 20,
                                    .log_segment_bytes = 4 << 20,
                                    .background = STORE_BACKGROUND_MANUAL};
    assert_ok(store_open(&options, &store));
    struct store_change create = {.kind = STORE_CREATE_TABLE,
                                  .table_id = store_new_table_id(store),
                                  .options = {.compaction = STORE_COMPACTION_NONE}};
    assert_ok(store_change(store, &create, 1));
    for (unsigned i = 0; i < shape->files; i++) {
        rows_write(store, i * shape->rows_of_file, shape->rows_of_file);
        assert_ok(store_flush(store, 1));
    }
    rows_write(store, shape->files * shape->rows_of_file, shape->rows_in_memory);
    for (unsigned step = 0; step < STEPS; step++) {
        uint64_t operations = sim_operation_count(env), bytes = manifest_bytes(store);
        step_take(store, (enum change_step)step);
        costs[step] = (struct cost){.operations = sim_operation_count(env) - operations,
                                    .manifest_bytes = manifest_bytes(store) - bytes};
    }
    assert_ok(store_close(store));
    io_env_close(env);
}

static void assert_same_costs(const struct shape *one, const struct shape *other)
{
    struct cost costs[2][STEPS];
    costs_of(one, costs[0]);
    costs_of(other, costs[1]);
    for (unsigned step = 0; step < STEPS; step++) {
        print_message("%s: %llu and %llu operations, %llu and %llu bytes\n", names[step],
                      (unsigned long long)costs[0][step].operations,
                      (unsigned long long)costs[1][step].operations,
                      (unsigned long long)costs[0][step].manifest_bytes,
                      (unsigned long long)costs[1][step].manifest_bytes);
        assert_int_equal(costs[0][step].operations, costs[1][step].operations);
        /* Positions in the log are numbers that take more bytes as they grow. */
        assert_in_range(costs[1][step].manifest_bytes, 1, costs[0][step].manifest_bytes + 64);
    }
}

static void rows_in_files_and_in_memory_cost_a_change_nothing(void **state)
{
    (void)state;
    assert_same_costs(&(struct shape){1, 10, 10}, &(struct shape){1, 6000, 3000});
}

static void files_cost_a_change_nothing(void **state)
{
    (void)state;
    assert_same_costs(&(struct shape){1, 50, 10}, &(struct shape){40, 50, 10});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_in_files_and_in_memory_cost_a_change_nothing),
        cmocka_unit_test(files_cost_a_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
