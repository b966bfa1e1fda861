#include "power_cut.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "notation.h"

struct store_options power_cut_options(const struct power_cut_script *script, struct io_env *env)
{
    return (struct store_options){.folder = "store",
                                  .env = env,
                                  .shards = script->shards,
                                  .memtable_bytes = 1 << 20,
                                  .log_segment_bytes = 64 << 10,
                                  .background = STORE_BACKGROUND_MANUAL};
}

/* The state before the first step and after each, from a run that nothing disturbs; the operations it takes. */
static uint64_t states_make(const struct power_cut_script *script, char **states)
{
    struct io_env *env;
    struct store *store;
    assert_ok(io_env_open(IO_BODY_SIM, 1, &env));
    struct store_options options = power_cut_options(script, env);
    assert_ok(store_open(&options, &store));
    states[0] = script->subject->state_of(store);
    for (unsigned i = 0; i < script->count; i++) {
        assert_ok(script->subject->step_run(&store, script, i, env));
        states[i + 1] = script->subject->state_of(store);
    }
    assert_ok(store_close(store));
    uint64_t operations = sim_operation_count(env);
    io_env_close(env);
    return operations;
}

struct crash {
    const struct power_cut_script *script;
    char *const *states;
    uint64_t cut_at;
    enum sim_policy policy;
    unsigned durable;   /* states before this one must not come back */
    unsigned attempted; /* states behind this one cannot be */
};

static void run_until_cut(struct crash *crash, struct io_env *env)
{
    const struct power_cut_script *script = crash->script;
    struct store *store = NULL;
    struct store_options options = power_cut_options(script, env);
    sim_cut_power_at(env, crash->cut_at);
    status st = store_open(&options, &store);
    for (unsigned i = 0; ok(st) && i < script->count; i++) {
        crash->attempted = i + 1;
        st = script->subject->step_run(&store, script, i, env);
        if (ok(st) && script->subject->is_durable(script, i))
            crash->durable = i + 1;
    }
    (void)store_close(store);
}

void power_cut_run(const struct power_cut_script *script, uint64_t cut_at, struct io_env *env)
{
    struct crash crash = {.script = script, .cut_at = cut_at};
    run_until_cut(&crash, env);
}

/* A second cut inside the recovery from the first; at worst nothing more is lost. */
static void crash_again(const struct crash *crash, struct io_env *env, uint64_t after)
{
    struct store *store = NULL;
    struct store_options options = power_cut_options(crash->script, env);
    sim_cut_power_at(env, sim_operation_count(env) + after);
    (void)store_open(&options, &store);
    (void)store_close(store);
    sim_restart(env, crash->policy);
    sim_cut_power_at(env, UINT64_MAX);
}

static void assert_some_state(const struct crash *crash, const char *seen)
{
    bool found = false;
    for (unsigned i = crash->durable; i <= crash->attempted; i++)
        found = found || strcmp(seen, crash->states[i]) == 0;
    if (!found)
        fail_msg("%s: cut before operation %llu, policy %d, steps %u..%u\nseen\n%s\nlast "
                 "durable\n%s\nattempted\n%s",
                 crash->script->name, (unsigned long long)crash->cut_at, (int)crash->policy, crash->durable,
                 crash->attempted, seen, crash->states[crash->durable], crash->states[crash->attempted]);
}

static void recover(const struct crash *crash, struct io_env *env)
{
    const struct power_cut_script *script = crash->script;
    struct store *store;
    struct store_options options = power_cut_options(script, env);
    status st = store_open(&options, &store);
    char text[200];
    status_print(st, text, sizeof text);
    if (failed(st))
        fail_msg("%s: cut before operation %llu, policy %d: %s", script->name,
                 (unsigned long long)crash->cut_at, (int)crash->policy, text);
    char *seen = script->subject->state_of(store);
    assert_some_state(crash, seen);
    script->subject->go_on(store, script, env, crash->cut_at, seen);
    free(seen);
}

static void crash_once(const struct power_cut_script *script, char *const *states, uint64_t cut_at,
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

void power_cut_everywhere(const struct power_cut_script *script)
{
    char *states[POWER_CUT_STEPS_MAX + 1];
    assert_true(script->count <= POWER_CUT_STEPS_MAX);
    uint64_t operations = states_make(script, states), cycles = 0;
    struct random rng = {script->shards};
    for (enum sim_policy policy = 0; policy < SIM_POLICIES; policy++) {
        for (uint64_t at = 1 + policy % script->subject->stride; at <= operations;
             at += script->subject->stride) {
            crash_once(script, states, at, policy, 0);
            for (unsigned i = 0; i < script->subject->nested; i++, cycles++)
                crash_once(script, states, at, policy, 1 + random_below(&rng, 60));
            cycles++;
        }
    }
    print_message("%llu operations, %llu crashes and recoveries\n", (unsigned long long)operations,
                  (unsigned long long)cycles);
    for (unsigned i = 0; i <= script->count; i++)
        free(states[i]);
}
