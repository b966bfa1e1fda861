/*
 * Power cuts before every operation under every policy of the simulated disk (I1, I2): every synced payload is replayed,
 * what is replayed is a prefix of what was appended, no power cut looks like damage, and a second cut during or after
 * recovery changes none of that.
 */
#include "log_fixture.h"

#include "base/random.h"
#include "io/sim.h"

/* What the test knows of a stream, beside the disk. */
struct memory {
    uint32_t appended; /* payloads 0..appended-1 were handed over, successfully or not */
    uint32_t synced;   /* payloads below were acknowledged, or believed by a recovery */
    uint32_t released; /* payloads below may be gone */
    struct log_position recovered;
    uint64_t next_segment;
};

struct load {
    struct commitlog *log;
    struct memory *memory;
    status result;
};

static void load_open(struct load *load, struct io_env *env)
{
    load->result = commitlog_open(&(struct commitlog_options){.env = env,
                                                              .folder = "/s",
                                                              .store_id = STORE,
                                                              .stream = STREAM,
                                                              .next_segment = load->memory->next_segment,
                                                              .recovered = load->memory->recovered,
                                                              .first_segment_bytes = 12 << 10,
                                                              .segment_bytes = 16 << 10},
                                  &load->log);
}

static void load_append(struct load *load, size_t bytes)
{
    struct log_position end;
    if (ok(load->result))
        load->result = commitlog_append(load->log, payload_of(load->memory->appended++, bytes), &end);
}

static void load_sync(struct load *load)
{
    if (ok(load->result))
        load->result = commitlog_sync(load->log, commitlog_tail(load->log));
    if (ok(load->result))
        load->memory->synced = load->memory->appended;
}

static void load_prepare(struct load *load)
{
    if (ok(load->result))
        commitlog_prepare(load->log);
}

/* Everything appended so far lies in segments below the tail's, or is needed no more. */
static void load_release(struct load *load, uint32_t released, uint64_t segment)
{
    load->memory->released = released;
    if (ok(load->result))
        load->result = commitlog_release(load->log, segment);
}

static void load_close(struct load *load)
{
    if (!load->log)
        return;
    status st = commitlog_close(load->log);
    load->log = NULL;
    if (ok(load->result))
        load->result = st;
    if (ok(load->result))
        load->memory->synced = load->memory->appended;
}

/* One opening of the stream: small and large payloads, synced and not, segments begun, made ready and recycled. */
static void load_run(struct io_env *env, struct memory *memory)
{
    struct load load = {.memory = memory};
    load_open(&load, env);
    load_append(&load, 100);
    load_sync(&load);
    load_append(&load, 2000);
    load_append(&load, 5000);
    load_sync(&load);
    load_append(&load, 3000);
    load_prepare(&load);
    load_append(&load, 4000);
    load_sync(&load);
    uint32_t released = memory->appended;
    load_append(&load, 20000);
    load_sync(&load);
    if (ok(load.result))
        load_release(&load, released, commitlog_durable(load.log).segment);
    load_append(&load, 7000);
    load_append(&load, 300000);
    load_append(&load, 50);
    load_sync(&load);
    load_prepare(&load);
    load_prepare(&load);
    load_append(&load, 9000);
    load_close(&load);
}

/* Read the stream back and check it against what is known of it. False when the power went during that. */
static bool recover(struct io_env *env, struct memory *memory)
{
    struct replay replay;
    status st = replay_from(env, "/s", 0, &replay);
    if (sim_power_is_cut(env))
        return false;
    assert_ok(st);
    assert_int_not_equal(replay.end, COMMITLOG_END_DAMAGED);
    assert_true(replay.intact);
    uint32_t end = replay.count ? replay.first + replay.count : memory->released;
    if (replay.count)
        assert_true(replay.first <= memory->released);
    assert_true(end >= memory->synced || memory->synced <= memory->released);
    assert_true(end <= memory->appended);
    /* What was replayed has been believed: it may not vanish any more. The rest is appended anew. */
    memory->synced = memory->appended = end > memory->released ? end : memory->released;
    memory->recovered = replay.end_at;
    memory->next_segment =
        replay.next_segment > memory->next_segment ? replay.next_segment : memory->next_segment;
    return true;
}

static struct io_env *sim_env(uint64_t seed)
{
    struct io_env *env = NULL;
    assert_ok(io_env_open(IO_BODY_SIM, seed, &env));
    assert_ok(io_mkdir(env, "/s"));
    assert_ok(io_sync_dir(env, "/"));
    return env;
}

static uint64_t operations_of_a_load(void)
{
    struct io_env *env = sim_env(1);
    struct memory memory = {.next_segment = 1};
    uint64_t before = sim_operation_count(env);
    load_run(env, &memory);
    uint64_t count = sim_operation_count(env) - before;
    assert_int_equal(memory.synced, memory.appended);
    io_env_close(env);
    return count;
}

static void crash_and_recover(uint64_t seed, uint64_t cut, enum sim_policy policy)
{
    struct io_env *env = sim_env(seed);
    struct memory memory = {.next_segment = 1};
    sim_cut_power_at(env, sim_operation_count(env) + cut);
    load_run(env, &memory);
    sim_cut_power_at(env, UINT64_MAX);
    sim_restart(env, policy);
    assert_true(recover(env, &memory));
    load_run(env, &memory);
    assert_int_equal(memory.synced, memory.appended);
    assert_true(recover(env, &memory));
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
    struct memory memory = {.next_segment = 1};
    for (int crash = 0; crash < 6; crash++) {
        /* Half of the cuts fall into the recovery that follows the last one. */
        uint64_t cut = random_below(&rng, random_below(&rng, 2) ? operations : 24);
        sim_cut_power_at(env, sim_operation_count(env) + cut);
        if (recover(env, &memory))
            load_run(env, &memory);
        sim_cut_power_at(env, UINT64_MAX);
        sim_restart(env, (enum sim_policy)random_below(&rng, SIM_POLICIES));
    }
    assert_true(recover(env, &memory));
    load_run(env, &memory);
    assert_int_equal(memory.synced, memory.appended);
    assert_true(recover(env, &memory));
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
    uint64_t seeds = 150;
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
        struct memory memory = {.next_segment = 1};
        load_run(env, &memory);
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
