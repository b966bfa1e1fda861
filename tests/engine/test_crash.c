/*
 * Power cuts, exhaustively: a script runs on the simulated disk, the power goes before operation n, for every n and under every
 * policy of what survives; then the store is opened again, sometimes with a second cut inside the recovery. What is found
 * must be the state after some step of the script, not before the last one that was acknowledged as durable (I1, I2),
 * with batches whole, and the store must go on from there (I7, F8).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "io/sim.h"
#include "notation.h"

enum {
    STATES_MAX = 64,
#ifdef STRAIT_LONG_TESTS
    STRIDE = 1,
    NESTED = 12,
#else
    STRIDE = 13,
    NESTED = 1,
#endif
};

enum step_kind {
    WRITE,
    FLUSH,
    COMPACT,
    SYNC,
    SETTLE,
    CREATE,
    TRUNCATE,
    DROP,
    PROPERTY,
    RESTART,
};

struct step {
    enum step_kind kind;
    const char *text; /* WRITE; value of PROPERTY */
    enum durability durability;
    uint64_t table_id;
};

struct script {
    uint32_t shards;
    const struct step *steps;
    unsigned count;
};

#define PERIODIC(writes)                                                 \
    {                                                                    \
        .kind = WRITE, .text = writes, .durability = DURABILITY_PERIODIC \
    }
#define DURABLE(writes)                                                 \
    {                                                                   \
        .kind = WRITE, .text = writes, .durability = DURABILITY_DURABLE \
    }
#define TABLE(what, number)              \
    {                                    \
        .kind = what, .table_id = number \
    }

/* One stream of the log, so that what survives of unsynced writes is a prefix of them all. */
static const struct step one_shard[] = {
    TABLE(CREATE, 1),
    PERIODIC("k/1 a=one @1"),
    PERIODIC("k/2 a=two @2"),
    DURABLE("k/3 a=three @3; l/3 a=three @3"),
    PERIODIC("k/1 ~a=four @4; m/1 a=four @4"),
    TABLE(FLUSH, 1),
    TABLE(CREATE, 2),
    PERIODIC("2:k/1 a=five @5; k/5 a=five @5"),
    PERIODIC("k/2! @6"),
    TABLE(SYNC, 0),
    {.kind = PROPERTY, .text = "seven"},
    PERIODIC("l! @8; 2:l/1 a=eight @8"),
    TABLE(FLUSH, 1),
    PERIODIC("k/9 a=nine @9; m/9 a=nine @9; 2:m/9 a=nine @9"),
    TABLE(COMPACT, 1),
    PERIODIC("k/10 a=ten @10"),
    TABLE(RESTART, 0),
    PERIODIC("k/11 a=eleven @11"),
    TABLE(FLUSH, 0),
    PERIODIC("k/12 a=twelve @12; 2:m/12 a=twelve @12"),
    TABLE(TRUNCATE, 1),
    DURABLE("k/13 a=thirteen @13; 2:k/13 a=thirteen @13"),
    TABLE(DROP, 2),
    PERIODIC("k/14 a=fourteen @14"),
    TABLE(SETTLE, 0),
    DURABLE("k/15 a=fifteen @15"),
};

/* Several streams: each write is acknowledged before the next, and batches reach over shards. */
static const struct step three_shards[] = {
    TABLE(CREATE, 1),
    DURABLE("a/1 a=one @1; k/1 a=one @1; foo/1 a=one @1; test/1 a=one @1"),
    DURABLE("foo/2 a=two @2; a/2 a=two @2"),
    TABLE(FLUSH, 1),
    TABLE(CREATE, 2),
    DURABLE("2:a/3 a=three @3; k/3 a=three @3; 2:foo/3 a=three @3"),
    DURABLE("a! @4; 2:k/4 a=four @4"),
    TABLE(FLUSH, 2),
    DURABLE("test/5 a=five @5; a/5 a=five @5; 2:foo/5 a=five @5"),
    TABLE(RESTART, 0),
    TABLE(COMPACT, 1),
    DURABLE("k/6 a=six @6; foo/6 a=six @6"),
    TABLE(FLUSH, 0),
    TABLE(COMPACT, 1),
    TABLE(TRUNCATE, 2),
    DURABLE("2:test/7 a=seven @7; a/7 a=seven @7; 2:k/7 a=seven @7"),
    TABLE(SETTLE, 0),
};

static const struct script scripts[] = {
    {1, one_shard, ARRAY_LEN(one_shard)},
    {3, three_shards, ARRAY_LEN(three_shards)},
};

/* ---- running ---- */

static struct store_options options_of(const struct script *script, struct io_env *env)
{
    return (struct store_options){.folder = "store",
                                  .env = env,
                                  .shards = script->shards,
                                  .memtable_bytes = 1 << 20,
                                  .log_segment_bytes = 64 << 10,
                                  .background = STORE_BACKGROUND_MANUAL};
}

static status change_of(struct store *store, enum store_change_kind kind, const struct step *step)
{
    struct store_change change = {.kind = kind, .table_id = step->table_id};
    if (kind == STORE_CREATE_TABLE) {
        change.table_id = store_new_table_id(store);
        change.options = (struct store_table_options){.gc_grace_s = 0, .min_threshold = 2};
    }
    if (kind == STORE_SET_PROPERTY) {
        change.name = slice_text("p");
        change.properties = slice_text(step->text);
    }
    return store_change(store, &change, 1);
}

static status step_run(struct store **store, const struct script *script, const struct step *step,
                       struct io_env *env)
{
    struct store_options options = options_of(script, env);
    status st;
    switch (step->kind) {
    case WRITE: return apply_text(*store, step->text, step->durability);
    case FLUSH: return store_flush(*store, step->table_id);
    case COMPACT: return store_compact(*store, step->table_id);
    case SYNC: return store_sync(*store);
    case SETTLE: return store_settle(*store);
    case CREATE: return change_of(*store, STORE_CREATE_TABLE, step);
    case TRUNCATE: return change_of(*store, STORE_TRUNCATE_TABLE, step);
    case DROP: return change_of(*store, STORE_DROP_TABLE, step);
    case PROPERTY: return change_of(*store, STORE_SET_PROPERTY, step);
    case RESTART:
        st = store_close(*store);
        *store = NULL;
        return ok(st) ? store_open(&options, store) : st;
    }
    return STATUS_FAIL(STATUS_INVALID);
}

/* What the step leaves, and what was before it, is durable when it is acknowledged. */
static bool is_durable(const struct step *step)
{
    if (step->kind == WRITE)
        return step->durability == DURABILITY_DURABLE;
    return step->kind != COMPACT && step->kind != SETTLE;
}

/* Tables and property as one text, freed by the caller. */
static char *state_of(struct store *store)
{
    struct buffer out = {0}, name = {0}, value = {0};
    for (uint64_t table = 1; table <= 2; table++) {
        status st;
        char *seen = contents(store, table, &st);
        if (st.code != STATUS_NOT_FOUND)
            assert_ok(st);
        buffer_printf(&out, "%llu: %s\n", (unsigned long long)table, seen ? seen : "no table");
        free(seen);
    }
    if (ok(store_next_property(store, (struct slice){0}, &name, &value)))
        buffer_printf(&out, "%.*s", (int)value.bytes, (const char *)value.data);
    buffer_append_u8(&out, 0);
    buffer_deinit(&name);
    buffer_deinit(&value);
    return (char *)out.data;
}

/* The state before the first step and after each, from a run that nothing disturbs; the operations it takes. */
static uint64_t states_make(const struct script *script, char *states[STATES_MAX])
{
    struct io_env *env;
    struct store *store;
    struct store_options options;
    assert_ok(io_env_open(IO_BODY_SIM, 1, &env));
    options = options_of(script, env);
    assert_ok(store_open(&options, &store));
    states[0] = state_of(store);
    for (unsigned i = 0; i < script->count; i++) {
        assert_ok(step_run(&store, script, &script->steps[i], env));
        states[i + 1] = state_of(store);
    }
    assert_ok(store_close(store));
    uint64_t operations = sim_operation_count(env);
    io_env_close(env);
    return operations;
}

struct crash {
    const struct script *script;
    char *const *states;
    uint64_t cut_at;
    enum sim_policy policy;
    unsigned durable;   /* states before this one must not come back */
    unsigned attempted; /* states behind this one cannot be */
};

/* Run until the power goes. */
static void run_until_cut(struct crash *crash, struct io_env *env)
{
    struct store *store = NULL;
    struct store_options options = options_of(crash->script, env);
    crash->durable = crash->attempted = 0;
    sim_cut_power_at(env, crash->cut_at);
    status st = store_open(&options, &store);
    for (unsigned i = 0; ok(st) && i < crash->script->count; i++) {
        crash->attempted = i + 1;
        st = step_run(&store, crash->script, &crash->script->steps[i], env);
        if (ok(st) && is_durable(&crash->script->steps[i]))
            crash->durable = i + 1;
    }
    (void)store_close(store);
}

static void assert_some_state(const struct crash *crash, struct store *store, const char *when)
{
    char *seen = state_of(store);
    bool found = false;
    for (unsigned i = crash->durable; i <= crash->attempted; i++)
        found = found || strcmp(seen, crash->states[i]) == 0;
    if (!found)
        fail_msg(
            "%s: cut before operation %llu, policy %d, %u shards, steps %u..%u\nseen\n%s\nlast durable\n%s",
            when, (unsigned long long)crash->cut_at, (int)crash->policy, crash->script->shards,
            crash->durable, crash->attempted, seen, crash->states[crash->durable]);
    free(seen);
}

/* A second cut inside the recovery from the first; at worst nothing more is lost. */
static void crash_again(const struct crash *crash, struct io_env *env, uint64_t after)
{
    struct store *store = NULL;
    struct store_options options = options_of(crash->script, env);
    sim_cut_power_at(env, sim_operation_count(env) + after);
    (void)store_open(&options, &store);
    (void)store_close(store);
    sim_restart(env, crash->policy);
    sim_cut_power_at(env, UINT64_MAX);
}

/* Open, look, write on, open again. */
static void recover(const struct crash *crash, struct io_env *env)
{
    struct store *store;
    struct store_options options = options_of(crash->script, env);
    status st = store_open(&options, &store);
    char text[200];
    status_print(st, text, sizeof text);
    if (failed(st))
        fail_msg("cut before operation %llu, policy %d, %u shards: %s", (unsigned long long)crash->cut_at,
                 (int)crash->policy, crash->script->shards, text);
    assert_some_state(crash, store, "after recovery");
    struct step create = {.kind = CREATE};
    struct store_table table;
    struct buffer properties = {0};
    if (store_next_table(store, 0, &table, &properties).code == STATUS_NOT_FOUND)
        assert_ok(step_run(&store, crash->script, &create, env));
    buffer_deinit(&properties);
    assert_ok(apply_text(store, "z/1 a=after @1000", DURABILITY_DURABLE));
    char *before = state_of(store);
    assert_ok(store_close(store));
    assert_ok(store_open(&options, &store));
    char *after = state_of(store);
    assert_string_equal(before, after);
    assert_ok(store_verify(store, 0));
    assert_ok(store_close(store));
    free(before);
    free(after);
}

static void crash_once(const struct script *script, char *const *states, uint64_t cut_at,
                       enum sim_policy policy, uint64_t nested)
{
    struct io_env *env;
    struct crash crash = {.script = script, .states = states, .cut_at = cut_at, .policy = policy};
    assert_ok(io_env_open(IO_BODY_SIM, cut_at * 8 + policy, &env));
    run_until_cut(&crash, env);
    sim_restart(env, policy);
    sim_cut_power_at(env, UINT64_MAX);
    if (nested)
        crash_again(&crash, env, nested);
    recover(&crash, env);
    io_env_close(env);
}

static void crash_everywhere(const struct script *script)
{
    char *states[STATES_MAX];
    uint64_t operations = states_make(script, states), cycles = 0;
    struct random rng = {script->shards};
    print_message("%llu operations\n", (unsigned long long)operations);
    for (enum sim_policy policy = 0; policy < SIM_POLICIES; policy++) {
        for (uint64_t at = 1 + policy % STRIDE; at <= operations; at += STRIDE) {
            crash_once(script, states, at, policy, 0);
            for (unsigned i = 0; i < NESTED; i++, cycles++)
                crash_once(script, states, at, policy, 1 + random_below(&rng, 60));
            cycles++;
        }
    }
    print_message("%llu crashes and recoveries\n", (unsigned long long)cycles);
    for (unsigned i = 0; i <= script->count; i++)
        free(states[i]);
}

static void a_power_cut_anywhere_leaves_a_prefix_with_all_that_was_durable(void **state)
{
    (void)state;
    crash_everywhere(&scripts[0]);
}

static void a_power_cut_anywhere_leaves_batches_over_shards_whole(void **state)
{
    (void)state;
    crash_everywhere(&scripts[1]);
}

static void one_seed_gives_one_trace(void **state)
{
    (void)state;
    uint64_t hashes[2];
    for (unsigned i = 0; i < 2; i++) {
        struct io_env *env;
        struct crash crash = {.script = &scripts[1], .cut_at = 150};
        assert_ok(io_env_open(IO_BODY_SIM, 5, &env));
        run_until_cut(&crash, env);
        hashes[i] = sim_trace_hash(env);
        io_env_close(env);
    }
    assert_int_equal(hashes[0], hashes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_anywhere_leaves_a_prefix_with_all_that_was_durable),
        cmocka_unit_test(a_power_cut_anywhere_leaves_batches_over_shards_whole),
        cmocka_unit_test(one_seed_gives_one_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
