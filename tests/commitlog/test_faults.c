/* A disk that is full or fails: the call that meets it says so, nothing acknowledged is lost (I8, F1, F2). */
#include "log_load.h"

static struct commitlog *small_log(struct io_env *env, uint64_t next_segment)
{
    struct commitlog *log = NULL;
    assert_ok(commitlog_open(&(struct commitlog_options){.env = env,
                                                         .folder = "/s",
                                                         .store_id = STORE,
                                                         .stream = STREAM,
                                                         .next_segment = next_segment,
                                                         .first_segment_bytes = 64 << 10,
                                                         .segment_bytes = 64 << 10},
                             &log));
    return log;
}

static void a_full_disk_refuses_the_append_that_needs_a_segment_and_no_other(void **state)
{
    (void)state;
    struct io_env *env = sim_env(1);
    struct commitlog *log = small_log(env, 1);
    log_append_synced(log, 0, 100);
    sim_set_space(env, 80 << 10);
    struct log_position end;
    assert_code(commitlog_append(log, payload_of(1, 100000), &end), STATUS_NOSPACE);
    uint32_t number = 1;
    for (status st = STATUS_DONE;; number++) {
        st = commitlog_append(log, payload_of(number, 1000), &end);
        if (st.code == STATUS_NOSPACE)
            break;
        assert_ok(st);
    }
    assert_true(number > 40);
    assert_false(commitlog_prepare(log));
    assert_code(commitlog_append(log, payload_of(number, 1000), &end), STATUS_NOSPACE);
    assert_ok(commitlog_sync(log, commitlog_tail(log)));
    sim_set_space(env, UINT64_MAX);
    log_append(log, number++, 1000);
    assert_ok(commitlog_close(log));
    struct replay replay = replay_all(env, "/s");
    assert_true(replay.intact);
    assert_int_equal(replay.count, number);
    assert_int_equal(replay.end, COMMITLOG_END_CLEAN);
    io_env_close(env);
}

static void a_full_disk_refuses_the_first_append_of_a_new_stream(void **state)
{
    (void)state;
    struct io_env *env = sim_env(1);
    sim_set_space(env, 1000);
    struct commitlog *log = small_log(env, 1);
    struct log_position end;
    assert_code(commitlog_append(log, payload_of(0, 10), &end), STATUS_NOSPACE);
    sim_set_space(env, UINT64_MAX);
    log_append_synced(log, 0, 10);
    assert_ok(commitlog_close(log));
    assert_int_equal(replay_all(env, "/s").count, 1);
    io_env_close(env);
}

static void after_a_failed_sync_the_stream_is_closed_for_writes_until_it_is_opened_anew(void **state)
{
    (void)state;
    struct io_env *env = sim_env(1);
    struct commitlog *log = small_log(env, 1);
    log_append_synced(log, 0, 100);
    struct log_position end = log_append(log, 1, 100), durable = commitlog_durable(log);
    sim_fail_at(env, sim_operation_count(env), SIM_FAULT_SYNC, false);
    assert_code(commitlog_sync(log, end), STATUS_IO);
    assert_code(commitlog_sync(log, end), STATUS_CLOSED);
    assert_code(commitlog_append(log, payload_of(2, 100), &end), STATUS_CLOSED);
    assert_code(commitlog_release(log, 1), STATUS_CLOSED);
    assert_false(commitlog_prepare(log));
    assert_int_equal(log_position_compare(commitlog_durable(log), durable), 0);
    assert_ok(commitlog_sync(log, durable)); /* what was acknowledged stays so */
    assert_code(commitlog_close(log), STATUS_CLOSED);

    sim_restart(env, SIM_NOTHING);
    struct replay replay = replay_all(env, "/s");
    assert_int_equal(replay.count, 1);
    assert_int_not_equal(replay.end, COMMITLOG_END_DAMAGED);
    log = small_log(env, replay.next_segment);
    log_append_synced(log, 1, 100);
    assert_ok(commitlog_close(log));
    assert_int_equal(replay_all(env, "/s").count, 2);
    io_env_close(env);
}

static uint64_t operations_of_a_load(void)
{
    struct io_env *env = sim_env(1);
    uint64_t before = sim_operation_count(env);
    assert_ok(log_load_run(env, &(struct log_memory){.next_segment = 1}));
    uint64_t count = sim_operation_count(env) - before;
    io_env_close(env);
    return count;
}

static void fail_and_recover(uint64_t nth, enum sim_fault fault, bool forever)
{
    struct io_env *env = sim_env(nth + 1);
    struct log_memory memory = {.next_segment = 1};
    sim_fail_at(env, sim_operation_count(env) + nth, fault, forever);
    (void)log_load_run(env, &memory);
    sim_fail_at(env, UINT64_MAX, SIM_FAULT_NONE, false);
    /* After a failed sync the page cache shows what the disk does not have: only a restart tells the truth. */
    if (fault == SIM_FAULT_SYNC)
        sim_restart(env, SIM_NOTHING);
    assert_true(log_load_recover(env, &memory));
    sim_restart(env, SIM_NOTHING);
    assert_true(log_load_recover(env, &memory));
    assert_ok(log_load_run(env, &memory));
    assert_true(log_load_recover(env, &memory));
    io_env_close(env);
}

static void any_failing_operation_loses_nothing_synced(void **state)
{
    (void)state;
    uint64_t count = operations_of_a_load();
    static const enum sim_fault faults[] = {SIM_FAULT_EIO, SIM_FAULT_ENOSPC, SIM_FAULT_SYNC};
    for (uint64_t nth = 0; nth < count; nth++)
        for (size_t i = 0; i < ARRAY_LEN(faults); i++)
            for (int forever = 0; forever < 2; forever++)
                fail_and_recover(nth, faults[i], forever);
}

static void a_failing_operation_of_the_reader_is_told_and_passes(void **state)
{
    (void)state;
    struct io_env *env = sim_env(1);
    struct log_memory memory = {.next_segment = 1};
    assert_ok(log_load_run(env, &memory));
    uint64_t before = sim_operation_count(env);
    struct replay whole = replay_all(env, "/s");
    uint64_t count = sim_operation_count(env) - before;
    for (uint64_t nth = 0; nth < count; nth++) {
        sim_fail_at(env, sim_operation_count(env) + nth, SIM_FAULT_EIO, false);
        struct replay replay;
        assert_code(replay_from(env, "/s", 0, &replay), STATUS_IO);
        sim_fail_at(env, UINT64_MAX, SIM_FAULT_NONE, false);
        assert_int_equal(replay_all(env, "/s").count, whole.count);
    }
    io_env_close(env);
}

static void a_bit_that_flips_on_the_way_from_the_disk_changes_nothing(void **state)
{
    (void)state;
    struct io_env *env = sim_env(1);
    struct log_memory memory = {.next_segment = 1};
    assert_ok(log_load_run(env, &memory));
    uint64_t before = sim_operation_count(env);
    struct replay whole = replay_all(env, "/s");
    uint64_t count = sim_operation_count(env) - before;
    for (uint64_t nth = 0; nth < count; nth++) {
        sim_fail_at(env, sim_operation_count(env) + nth, SIM_FAULT_READ_FLIP, false);
        struct replay replay = replay_all(env, "/s");
        assert_true(replay.intact);
        assert_int_equal(replay.count, whole.count);
        assert_int_equal(replay.end, COMMITLOG_END_CLEAN);
    }
    sim_fail_at(env, UINT64_MAX, SIM_FAULT_NONE, false);
    io_env_close(env);
}

/* A write that the disk acknowledges and loses, or puts elsewhere, is found as soon as a later write was synced. */
static void a_lost_or_misdirected_write_is_damage_and_never_a_shorter_log(void **state)
{
    (void)state;
    static const enum sim_fault faults[] = {SIM_FAULT_LOST_WRITE, SIM_FAULT_MISDIRECTED};
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        for (uint64_t nth = 0; nth < 12; nth++) {
            struct io_env *env = sim_env(nth + 1);
            struct commitlog *log = small_log(env, 1);
            log_append_synced(log, 0, 100);
            sim_fail_at(env, sim_operation_count(env) + nth, faults[i], false);
            for (uint32_t number = 1; number < 16; number++)
                log_append_synced(log, number, 3000);
            assert_ok(commitlog_close(log));
            struct replay replay = replay_all(env, "/s");
            assert_true(replay.intact);
            assert_int_equal(replay.end, COMMITLOG_END_DAMAGED);
            io_env_close(env);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_refuses_the_append_that_needs_a_segment_and_no_other),
        cmocka_unit_test(a_full_disk_refuses_the_first_append_of_a_new_stream),
        cmocka_unit_test(after_a_failed_sync_the_stream_is_closed_for_writes_until_it_is_opened_anew),
        cmocka_unit_test(any_failing_operation_loses_nothing_synced),
        cmocka_unit_test(a_failing_operation_of_the_reader_is_told_and_passes),
        cmocka_unit_test(a_bit_that_flips_on_the_way_from_the_disk_changes_nothing),
        cmocka_unit_test(a_lost_or_misdirected_write_is_damage_and_never_a_shorter_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
