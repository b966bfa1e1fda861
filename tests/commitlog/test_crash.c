/*
 * Power cuts before every operation under every policy of the simulated disk (I1, I2): every synced payload is replayed,
 * what is replayed is a prefix of what was appended, no power cut looks like damage, and a second cut during or after
 * recovery changes none of that.
 */
#include "log_load.h"

#include "base/random.h"

static uint64_t operations_of_a_load(void)
{
    struct io_env *env = sim_env(1);
    struct log_memory memory = {.next_segment = 1};
    uint64_t before = sim_operation_count(env);
    log_load_run(env, &memory);
    uint64_t count = sim_operation_count(env) - before;
    assert_int_equal(memory.synced, memory.appended);
    io_env_close(env);
    return count;
}

static void crash_and_recover(uint64_t seed, uint64_t cut, enum sim_policy policy)
{
    struct io_env *env = sim_env(seed);
    struct log_memory memory = {.next_segment = 1};
    sim_cut_power_at(env, sim_operation_count(env) + cut);
    log_load_run(env, &memory);
    sim_cut_power_at(env, UINT64_MAX);
    sim_restart(env, policy);
    assert_true(log_load_recover(env, &memory));
    log_load_run(env, &memory);
    assert_int_equal(memory.synced, memory.appended);
    assert_true(log_load_recover(env, &memory));
    io_env_close(env);
}

static void a_power_cut_before_any_operation_loses_nothing_synced(void **state)
{
    (void)state;
    uint64_t count = operations_of_a_load();
    assert_true(count > 40);
    for (uint64_t cut = 0; cut < count; cut++)
        for (int policy = 0; policy < SIM_POLICIES; policy++)
            crash_and_recover(cut + 1, cut, (enum sim_policy)policy);
    print_message("%u crashes\n", (unsigned)count * SIM_POLICIES);
}

static void crash_again_and_again(uint64_t seed, uint64_t operations)
{
    struct random rng = {seed};
    struct io_env *env = sim_env(seed);
    struct log_memory memory = {.next_segment = 1};
    for (int crash = 0; crash < 6; crash++) {
        /* Half of the cuts fall into the recovery that follows the last one. */
        uint64_t cut = random_below(&rng, random_below(&rng, 2) ? operations : 24);
        sim_cut_power_at(env, sim_operation_count(env) + cut);
        if (log_load_recover(env, &memory))
            log_load_run(env, &memory);
        sim_cut_power_at(env, UINT64_MAX);
        sim_restart(env, (enum sim_policy)random_below(&rng, SIM_POLICIES));
    }
    assert_true(log_load_recover(env, &memory));
    log_load_run(env, &memory);
    assert_int_equal(memory.synced, memory.appended);
    assert_true(log_load_recover(env, &memory));
    io_env_close(env);
}

static uint64_t current_seed;

/* After a failure this is the seed to look at. */
static int print_seed(void **state)
{
    (void)state;
    print_message("last seed %llu\n", (unsigned long long)current_seed);
    return 0;
}

static void cuts_during_and_after_recovery_lose_nothing_synced(void **state)
{
    (void)state;
    uint64_t operations = operations_of_a_load();
    uint64_t seeds = 80;
#ifdef STRAIT_LONG_TESTS
    seeds = 20000;
#endif
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        current_seed = seed;
        crash_again_and_again(seed, operations);
    }
}

/* A killed process leaves unsynced bytes to the next one, which acts on them: then the power goes (F6). */
static void what_a_reader_returned_survives_a_power_cut(void **state)
{
    (void)state;
    struct io_env *env = sim_env(3);
    struct commitlog *log = log_open_sized(env, "/s", 1 << 20, 1 << 20);
    log_append_synced(log, 0, 100);
    log_append(log, 1, 600000); /* most of it is written, nothing synced */
    log_append(log, 2, 200000);
    log_append(log, 3, 200000);
    struct replay before = replay_all(env, "/s");
    assert_true(before.count > 1);
    sim_cut_power_at(env, sim_operation_count(env));
    assert_true(failed(commitlog_close(log)));
    sim_cut_power_at(env, UINT64_MAX);
    sim_restart(env, SIM_NOTHING);
    struct replay after = replay_all(env, "/s");
    assert_true(after.intact);
    assert_true(after.count >= before.count);
    io_env_close(env);
}

static void equal_seeds_give_equal_operations(void **state)
{
    (void)state;
    uint64_t hashes[2];
    for (int i = 0; i < 2; i++) {
        struct io_env *env = sim_env(7);
        struct log_memory memory = {.next_segment = 1};
        log_load_run(env, &memory);
        hashes[i] = sim_trace_hash(env);
        io_env_close(env);
    }
    assert_true(hashes[0] == hashes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_before_any_operation_loses_nothing_synced),
        cmocka_unit_test_teardown(cuts_during_and_after_recovery_lose_nothing_synced, print_seed),
        cmocka_unit_test(what_a_reader_returned_survives_a_power_cut),
        cmocka_unit_test(equal_seeds_give_equal_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
