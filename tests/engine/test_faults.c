/*
 * Every operation of a script fails once, or from some point on for ever, with an I/O error, a full disk or a lost
 * sync. The call that meets it says so, nothing acknowledged is lost, reads go on, and opening anew puts it right
 * (F1, F2, F7, I8).
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

enum {
    ROUNDS = 12,
#ifdef STRAIT_LONG_TESTS
    STRIDE = 1,
#else
    STRIDE = 2,
#endif
};

struct world {
    struct io_env *env;
    struct store *store;
    bool acknowledged[ROUNDS];
    unsigned errors;
};

static struct store_options options_of(struct io_env *env)
{
    return (struct store_options){.folder = "store",
                                  .env = env,
                                  .shards = 2,
                                  .memtable_bytes = 1 << 20,
                                  .log_segment_bytes = 64 << 10,
                                  .cache_bytes = 1,
                                  .background = STORE_BACKGROUND_MANUAL};
}

static void met(struct world *world, status st)
{
    world->errors += failed(st);
}

/* Round i writes row i of two partitions in two shards, durably; some rounds flush, compact and step. */
static void run_script(struct world *world)
{
    struct store_options options = options_of(world->env);
    met(world, store_open(&options, &world->store));
    if (!world->store)
        return;
    struct store_change create = {.kind = STORE_CREATE_TABLE,
                                  .table_id = store_new_table_id(world->store),
                                  .options = {.min_threshold = 2}};
    met(world, store_change(world->store, &create, 1));
    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[100];
        snprintf(text, sizeof text, "foo/%u a=v @%u; a/%u a=v @%u", i, i + 1, i, i + 1);
        status st = apply_text(world->store, text, DURABILITY_DURABLE);
        world->acknowledged[i] = ok(st);
        met(world, st);
        if (i % 4 == 3)
            met(world, store_flush(world->store, 0));
        if (i == 9)
            met(world, store_compact(world->store, 1));
        bool did;
        met(world, store_step(world->store, &did));
    }
}

/* Every acknowledged batch is there and whole; one that was refused is there whole or not at all. */
static void assert_nothing_lost(struct world *world, const char *when, uint64_t nth)
{
    status st;
    char *seen = contents(world->store, 1, &st);
    if (st.code == STATUS_NOT_FOUND) { /* the table itself was refused */
        assert_false(world->acknowledged[0]);
        return;
    }
    assert_ok(st);
    for (unsigned i = 0; i < ROUNDS; i++) {
        char first[32], second[32];
        snprintf(first, sizeof first, "foo/%u a=v", i);
        snprintf(second, sizeof second, "a/%u a=v", i);
        bool has_first = strstr(seen, first) != NULL;
        bool has_second = strncmp(seen, second, strlen(second)) == 0;
        snprintf(second, sizeof second, "; a/%u a=v", i);
        has_second = has_second || strstr(seen, second) != NULL;
        if (world->acknowledged[i] && !(has_first && has_second))
            fail_msg("%s, fault at %llu: batch %u was acknowledged and is lost\n%s", when,
                     (unsigned long long)nth, i, seen);
        if (has_first != has_second)
            fail_msg("%s, fault at %llu: half of batch %u\n%s", when, (unsigned long long)nth, i, seen);
    }
    free(seen);
}

static uint64_t operations_of_script(void)
{
    struct world world = {0};
    assert_ok(io_env_open(IO_BODY_SIM, 3, &world.env));
    run_script(&world);
    assert_int_equal(0, world.errors);
    assert_nothing_lost(&world, "without a fault", 0);
    assert_ok(store_close(world.store));
    uint64_t operations = sim_operation_count(world.env);
    io_env_close(world.env);
    return operations;
}

static void reopen_and_look(struct world *world, uint64_t nth)
{
    struct store_options options = options_of(world->env);
    sim_fail_at(world->env, UINT64_MAX, SIM_FAULT_NONE, false);
    /* What was not durable may be gone with the machine, too. */
    sim_cut_power_at(world->env, sim_operation_count(world->env));
    sim_restart(world->env, SIM_NOTHING);
    sim_cut_power_at(world->env, UINT64_MAX);
    status st = store_open(&options, &world->store);
    char text[200];
    status_print(st, text, sizeof text);
    if (failed(st))
        fail_msg("opening after a fault at %llu: %s", (unsigned long long)nth, text);
    assert_nothing_lost(world, "after opening anew", nth);
    assert_ok(store_verify(world->store, 0));
    assert_ok(store_close(world->store));
}

static void fault_everywhere(enum sim_fault fault, bool forever)
{
    uint64_t operations = operations_of_script(), told = 0;
    for (uint64_t nth = 0; nth < operations; nth += STRIDE) {
        struct world world = {0};
        assert_ok(io_env_open(IO_BODY_SIM, 3, &world.env));
        sim_fail_at(world.env, nth, fault, forever);
        run_script(&world);
        told += world.errors > 0;
        if (world.store) {
            sim_fail_at(world.env, UINT64_MAX, SIM_FAULT_NONE, false);
            assert_nothing_lost(&world, "in the same store", nth);
            (void)store_close(world.store);
            world.store = NULL;
        }
        reopen_and_look(&world, nth);
        io_env_close(world.env);
    }
    print_message("%llu operations, %llu faults told\n", (unsigned long long)operations,
                  (unsigned long long)told);
    assert_true(told > operations / STRIDE / 4);
}

static void an_error_once_is_told_and_loses_nothing(void **state)
{
    (void)state;
    fault_everywhere(SIM_FAULT_EIO, false);
}

static void errors_for_ever_are_told_and_lose_nothing(void **state)
{
    (void)state;
    fault_everywhere(SIM_FAULT_EIO, true);
}

static void a_full_disk_for_a_moment_is_told_and_loses_nothing(void **state)
{
    (void)state;
    fault_everywhere(SIM_FAULT_ENOSPC, false);
}

static void a_full_disk_for_ever_is_told_and_loses_nothing(void **state)
{
    (void)state;
    fault_everywhere(SIM_FAULT_ENOSPC, true);
}

static void a_lost_sync_is_told_and_loses_nothing_acknowledged(void **state)
{
    (void)state;
    fault_everywhere(SIM_FAULT_SYNC, false);
}

static void after_a_failed_sync_writes_are_refused_and_reads_go_on(void **state)
{
    (void)state; /* F2 */
    struct world world = {0};
    struct store_options options;
    struct store_stats stats;
    assert_ok(io_env_open(IO_BODY_SIM, 3, &world.env));
    options = options_of(world.env);
    assert_ok(store_open(&options, &world.store));
    make_table(world.store, 1, 864000);
    assert_ok(apply_text(world.store, "k/1 a=x @1", DURABILITY_DURABLE));
    sim_fail_at(world.env, sim_operation_count(world.env), SIM_FAULT_SYNC, false);
    assert_code(STATUS_CLOSED, apply_text(world.store, "k/2 a=x @2", DURABILITY_DURABLE));
    assert_code(STATUS_CLOSED, apply_text(world.store, "k/3 a=x @3", DURABILITY_PERIODIC));
    assert_code(STATUS_CLOSED, store_flush(world.store, 1));
    status st;
    char *seen = contents(world.store, 1, &st);
    assert_ok(st);
    assert_non_null(strstr(seen, "k/1 a=x"));
    free(seen);
    store_stats(world.store, &stats);
    assert_true(stats.failed);
    (void)store_close(world.store);
    sim_fail_at(world.env, UINT64_MAX, SIM_FAULT_NONE, false);
    assert_ok(store_open(&options, &world.store));
    assert_ok(apply_text(world.store, "k/3 a=x @3", DURABILITY_DURABLE));
    assert_ok(store_close(world.store));
    io_env_close(world.env);
}

static void service_resumes_when_the_disk_has_room_again(void **state)
{
    (void)state; /* I8 */
    struct world world = {0};
    struct store_options options;
    assert_ok(io_env_open(IO_BODY_SIM, 3, &world.env));
    options = options_of(world.env);
    assert_ok(store_open(&options, &world.store));
    make_table(world.store, 1, 864000);
    sim_set_space(world.env, 2 << 20);
    status st = STATUS_DONE;
    unsigned written = 0;
    char text[400], value[301];
    memset(value, 'v', 300);
    value[300] = 0;
    while (ok(st)) {
        bool did;
        snprintf(text, sizeof text, "k/%u a=%s @%u", written, value, written + 1);
        st = apply_text(world.store, text, DURABILITY_DURABLE);
        written += ok(st);
        if (ok(st))
            (void)store_step(world.store, &did);
        assert_true(written < 100000);
    }
    assert_code(STATUS_NOSPACE, st);
    char *seen = contents(world.store, 1, &st);
    assert_ok(st);
    free(seen);
    sim_set_space(world.env, 64 << 20);
    assert_ok(store_settle(world.store));
    assert_ok(apply_text(world.store, "l/1 a=after @1000000", DURABILITY_DURABLE));
    assert_ok(store_flush(world.store, 0));
    assert_ok(store_close(world.store));
    assert_ok(store_open(&options, &world.store));
    struct store_table_stats stats;
    assert_ok(store_table_stats(world.store, 1, &stats));
    assert_true(stats.sstable_rows >= written + 1);
    assert_ok(store_close(world.store));
    io_env_close(world.env);
}

/* ---- room that comes back, to the same store ---- */

enum { LONG_ROUNDS = 60, LONG_VALUE = 2500 }; /* two segments of the log and more */

static status long_write(struct store *store, unsigned round)
{
    char value[LONG_VALUE + 1], text[LONG_VALUE + 100];
    memset(value, 'a' + (int)(round % 26), LONG_VALUE);
    value[LONG_VALUE] = 0;
    snprintf(text, sizeof text, "k%u/%u a=%s @%u", round % 3, round, value, round + 1);
    return apply_text(store, text, DURABILITY_DURABLE);
}

/* Rounds of writes with flushes and compactions between; bit i of the answer is round i, when it was acknowledged. */
static uint64_t long_script(struct store *store, unsigned *out_refused)
{
    uint64_t acknowledged = 0;
    *out_refused = 0;
    for (unsigned i = 0; i < LONG_ROUNDS; i++) {
        bool did;
        status st = long_write(store, i), flushed = i % 7 == 6 ? store_flush(store, 0) : STATUS_DONE;
        status compacted = i % 20 == 19 ? store_compact(store, 1) : STATUS_DONE;
        status stepped = store_step(store, &did);
        acknowledged |= ok(st) ? UINT64_C(1) << i : 0;
        const status all[] = {st, flushed, compacted, stepped};
        for (size_t j = 0; j < ARRAY_LEN(all); j++) {
            *out_refused += failed(all[j]);
            if (failed(all[j]))
                assert_int_equal(all[j].code, STATUS_NOSPACE);
        }
    }
    return acknowledged;
}

static void assert_has_rounds(struct store *store, uint64_t acknowledged, uint64_t nth)
{
    status st;
    char *seen = contents(store, 1, &st);
    assert_ok(st);
    for (unsigned i = 0; i < LONG_ROUNDS; i++) {
        char row[64];
        snprintf(row, sizeof row, "k%u/%u a=%c%c", i % 3, i, 'a' + (int)(i % 26), 'a' + (int)(i % 26));
        if (acknowledged >> i & 1 && !strstr(seen, row))
            fail_msg("full from %llu on: round %u is lost", (unsigned long long)nth, i);
    }
    free(seen);
}

/* Somebody else takes all the room when operation `nth` is over: from then on files may be written, but no file grows. */
struct thief {
    struct io_env *env;
    uint64_t nth;
};

static void room_take(void *context, const char *line)
{
    const struct thief *thief = context;
    (void)line;
    if (sim_operation_count(thief->env) >= thief->nth)
        sim_set_space(thief->env, 1);
}

/* The disk is full from operation `nth` on, to the end of the script, and then it is not; how many calls were refused, and
 * how many operations there are without it (UINT64_MAX). */
static unsigned full_from(uint64_t nth, uint64_t *out_begin, uint64_t *out_end)
{
    struct io_env *env;
    struct store *store;
    struct store_stats stats;
    unsigned refused;
    assert_ok(io_env_open(IO_BODY_SIM, 5, &env));
    struct store_options options = options_of(env);
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 864000);
    *out_begin = sim_operation_count(env);
    struct thief thief = {env, nth};
    sim_observe(env, room_take, &thief);
    uint64_t acknowledged = long_script(store, &refused);
    *out_end = sim_operation_count(env);
    store_stats(store, &stats);
    if (stats.failed)
        fail_msg("full from %llu on: the store takes no writes any more", (unsigned long long)nth);
    assert_has_rounds(store, acknowledged, nth);

    sim_observe(env, NULL, NULL);
    sim_set_space(env, UINT64_MAX);
    unsigned none;
    assert_int_equal(long_script(store, &none), (UINT64_C(1) << LONG_ROUNDS) - 1);
    assert_int_equal(none, 0);
    assert_ok(store_settle(store));
    assert_ok(store_compact(store, 1));
    assert_ok(store_verify(store, 0));
    assert_has_rounds(store, (UINT64_C(1) << LONG_ROUNDS) - 1, nth);
    assert_ok(store_close(store));
    assert_ok(store_open(&options, &store));
    assert_has_rounds(store, (UINT64_C(1) << LONG_ROUNDS) - 1, nth);
    assert_ok(store_close(store));
    io_env_close(env);
    return refused;
}

static void wherever_the_disk_gets_full_the_same_store_goes_on_when_it_has_room(void **state)
{
    (void)state;
    uint64_t begin, end, ignored;
    unsigned struck = 0;
    assert_int_equal(full_from(UINT64_MAX, &begin, &end), 0);
    for (uint64_t nth = begin; nth < end; nth += STRIDE)
        struck += full_from(nth, &ignored, &ignored) > 0;
    assert_true(struck > (end - begin) / STRIDE / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_once_is_told_and_loses_nothing),
        cmocka_unit_test(errors_for_ever_are_told_and_lose_nothing),
        cmocka_unit_test(a_full_disk_for_a_moment_is_told_and_loses_nothing),
        cmocka_unit_test(a_full_disk_for_ever_is_told_and_loses_nothing),
        cmocka_unit_test(a_lost_sync_is_told_and_loses_nothing_acknowledged),
        cmocka_unit_test(after_a_failed_sync_writes_are_refused_and_reads_go_on),
        cmocka_unit_test(service_resumes_when_the_disk_has_room_again),
        cmocka_unit_test(wherever_the_disk_gets_full_the_same_store_goes_on_when_it_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
