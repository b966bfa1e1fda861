/* What is appended and synced is read back, in order, across segments, reopenings and recycled files. */
#include "log_fixture.h"

#include <stdlib.h>

#include "base/random.h"

static void an_empty_folder_reads_as_a_clean_and_empty_stream(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct replay replay = replay_all(env, "/s");
    assert_int_equal(replay.count, 0);
    assert_int_equal(replay.end, COMMITLOG_END_CLEAN);
    assert_int_equal(replay.next_segment, 1);
    io_env_close(env);
}

static void an_opened_stream_touches_no_file_before_the_first_append(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open(env, "/s");
    assert_ok(commitlog_sync(log, commitlog_tail(log)));
    assert_ok(commitlog_close(log));
    assert_int_equal(replay_all(env, "/s").next_segment, 1);
    io_env_close(env);
}

static void payloads_of_every_size_come_back_in_order(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open(env, "/s");
    static const size_t sizes[] = {4,       5,     100,     3963,   3964,    4023,   4024,   4025,
                                   4028,    4029,  4031,    4032,   4033,    8060,   8061,   8064,
                                   12000,   65536, 100000,  258047, 258044,  258048, 258049, 300000,
                                   1048576, 7,     5000000, 9,      33554432};
    uint32_t number = 0;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        log_append(log, number++, sizes[i]);
    for (size_t i = 0; i < ARRAY_LEN(sizes) - 2; i++)
        log_append_synced(log, number++, sizes[i]);
    assert_ok(commitlog_close(log));
    struct replay replay = replay_all(env, "/s");
    assert_true(replay.intact);
    assert_int_equal(replay.count, number);
    assert_int_equal(replay.first, 0);
    assert_int_equal(replay.end, COMMITLOG_END_CLEAN);
    io_env_close(env);
}

static void random_sizes_and_syncs_come_back_after_each_reopening(void **state)
{
    (void)state;
    uint64_t seed = 20240607;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct random rng = {seed};
    struct io_env *env = memory_env();
    uint32_t number = 0;
    for (int opening = 0; opening < 12; opening++) {
        struct commitlog *log = log_open(env, "/s");
        uint64_t appends = random_below(&rng, 120);
        for (uint64_t i = 0; i < appends; i++) {
            size_t bytes = 4 + (size_t)random_below(&rng, random_below(&rng, 10) ? 500 : 30000);
            struct log_position end = log_append(log, number++, bytes);
            if (random_below(&rng, 3) == 0)
                assert_ok(commitlog_sync(log, end));
            if (random_below(&rng, 20) == 0)
                commitlog_prepare(log);
        }
        assert_ok(commitlog_close(log));
        struct replay replay = replay_all(env, "/s");
        assert_true(replay.intact);
        assert_int_equal(replay.count, number);
        assert_int_equal(replay.end, COMMITLOG_END_CLEAN);
    }
    io_env_close(env);
}

static void positions_rise_and_the_tail_is_never_behind_them(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open(env, "/s");
    struct log_position last = commitlog_tail(log);
    for (uint32_t i = 0; i < 400; i++) {
        struct log_position tail = commitlog_tail(log);
        assert_true(log_position_compare(tail, last) >= 0);
        last = log_append(log, i, 300 + i);
        assert_true(log_position_compare(last, tail) > 0);
        assert_true(log_position_compare(commitlog_durable(log), last) < 0);
        if (i % 7 == 0) {
            assert_ok(commitlog_sync(log, last));
            assert_true(log_position_compare(commitlog_durable(log), last) >= 0);
        }
    }
    assert_ok(commitlog_close(log));
    io_env_close(env);
}

static void an_empty_or_oversized_payload_is_refused_and_harms_nothing(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open(env, "/s");
    struct log_position end;
    assert_code(commitlog_append(log, (struct slice){0}, &end), STATUS_INVALID);
    uint8_t byte = 0;
    assert_code(commitlog_append(log, slice_of(&byte, (size_t)COMMITLOG_PAYLOAD_BYTES_MAX + 1), &end),
                STATUS_LIMIT);
    log_append(log, 0, 10);
    assert_ok(commitlog_close(log));
    assert_int_equal(replay_all(env, "/s").count, 1);
    io_env_close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_folder_reads_as_a_clean_and_empty_stream),
        cmocka_unit_test(an_opened_stream_touches_no_file_before_the_first_append),
        cmocka_unit_test(payloads_of_every_size_come_back_in_order),
        cmocka_unit_test(random_sizes_and_syncs_come_back_after_each_reopening),
        cmocka_unit_test(positions_rise_and_the_tail_is_never_behind_them),
        cmocka_unit_test(an_empty_or_oversized_payload_is_refused_and_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
