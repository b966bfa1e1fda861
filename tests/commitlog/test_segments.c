/* The files of a stream: made ready ahead of need, released, recycled, and never mistaken for what they were. */
#include "log_load.h"

#include <stdio.h>

static uint64_t file_bytes(struct io_env *env, uint64_t segment)
{
    char path[64];
    snprintf(path, sizeof path, "/s/log-3-%llu.log", (unsigned long long)segment);
    struct io_file *file = NULL;
    uint64_t bytes = 0;
    status st = io_open(env, path, IO_READ, &file);
    if (st.code == STATUS_NOT_FOUND)
        return 0;
    assert_ok(st);
    assert_ok(io_size(file, &bytes));
    io_close(file);
    return bytes;
}

static void count_name(void *context, const char *name)
{
    (void)name;
    ++*(unsigned *)context;
}

static unsigned file_count(struct io_env *env)
{
    unsigned count = 0;
    assert_ok(io_list(env, "/s", count_name, &count));
    return count;
}

/* Until the stream is in a segment above `segment`. */
static uint32_t fill_segment(struct commitlog *log, uint32_t number, uint64_t segment)
{
    while (commitlog_tail(log).segment <= segment)
        log_append(log, number++, 3000);
    return number;
}

static void segments_grow_fourfold_from_small_to_their_limit(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open_sized(env, "/s", 16 << 10, 100 << 10);
    uint32_t number = fill_segment(log, 0, 1);
    number = fill_segment(log, number, 2);
    fill_segment(log, number, 3);
    assert_ok(commitlog_close(log));
    assert_int_equal(file_bytes(env, 1), 16 << 10);
    assert_int_equal(file_bytes(env, 2), 64 << 10);
    assert_int_equal(file_bytes(env, 3), 100 << 10);
    assert_int_equal(file_bytes(env, 4), 100 << 10);
    io_env_close(env);
}

static void a_new_store_begins_with_a_small_segment(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open_sized(env, "/s", 0, 0);
    log_append_synced(log, 0, 100);
    assert_int_equal(file_bytes(env, 1), COMMITLOG_FIRST_SEGMENT_BYTES);
    assert_ok(commitlog_close(log));
    io_env_close(env);
}

static void a_payload_larger_than_a_segment_gets_one_that_holds_it(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open(env, "/s");
    log_append(log, 0, 100);
    commitlog_prepare(log);
    log_append(log, 1, 1000000);
    log_append(log, 2, 100);
    assert_ok(commitlog_close(log));
    struct replay replay = replay_all(env, "/s");
    assert_true(replay.intact);
    assert_int_equal(replay.count, 3);
    io_env_close(env);
}

static void a_prepared_segment_costs_the_append_no_file_operation_but_its_write(void **state)
{
    (void)state;
    struct io_env *env = sim_env(1);
    struct commitlog *log = log_open(env, "/s");
    log_append_synced(log, 0, 3000);
    log_append_synced(log, 1, 3000);
    assert_true(commitlog_prepare(log));
    assert_false(commitlog_prepare(log));
    uint64_t before = sim_operation_count(env);
    log_append(log, 2, 9000); /* does not fit any more */
    assert_int_equal(commitlog_tail(log).segment, 2);
    assert_int_equal(sim_operation_count(env) - before, 0);
    assert_ok(commitlog_sync(log, commitlog_tail(log)));
    assert_int_equal(sim_operation_count(env) - before, 1);
    assert_ok(commitlog_close(log));
    io_env_close(env);
}

static void nothing_is_prepared_while_the_current_segment_is_hardly_used(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open_sized(env, "/s", 64 << 10, 64 << 10);
    assert_true(commitlog_prepare(log)); /* the first one */
    assert_false(commitlog_prepare(log));
    log_append_synced(log, 0, 100);
    assert_false(commitlog_prepare(log));
    assert_int_equal(file_count(env), 1);
    assert_ok(commitlog_close(log));
    io_env_close(env);
}

static void released_segments_are_recycled_and_the_folder_does_not_grow(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open_sized(env, "/s", 32 << 10, 32 << 10);
    uint32_t number = 0;
    struct commitlog_stats stats;
    for (int round = 0; round < 40; round++) {
        number = fill_segment(log, number, commitlog_tail(log).segment);
        assert_ok(commitlog_release(log, commitlog_tail(log).segment));
        commitlog_stats(log, &stats);
        assert_int_equal(stats.segments, 1);
        assert_in_range(file_count(env), 1, 3);
    }
    uint64_t current = commitlog_tail(log).segment;
    assert_ok(commitlog_close(log));
    struct replay replay = replay_all(env, "/s");
    assert_true(replay.intact);
    assert_int_equal(replay.first + replay.count, number);
    assert_int_equal(replay.end, COMMITLOG_END_CLEAN);
    assert_true(replay.next_segment > current);
    io_env_close(env);
}

static void the_current_segment_is_never_released(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open(env, "/s");
    log_append_synced(log, 0, 100);
    assert_ok(commitlog_release(log, 1000));
    assert_ok(commitlog_close(log));
    assert_int_equal(replay_all(env, "/s").count, 1);
    io_env_close(env);
}

static void the_highest_number_stays_in_the_folder_when_all_is_released(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open_sized(env, "/s", 16 << 10, 16 << 10);
    for (uint32_t i = 0; i < 20; i++)
        log_append_synced(log, i, 3000);
    assert_ok(commitlog_close(log));
    uint64_t next = replay_all(env, "/s").next_segment;
    for (int opening = 0; opening < 3; opening++) {
        log = log_open_sized(env, "/s", 64 << 10, 64 << 10);
        assert_ok(commitlog_release(log, UINT64_MAX));
        assert_ok(commitlog_close(log));
        struct replay replay = replay_all(env, "/s");
        assert_int_equal(replay.count, 0);
        assert_true(replay.next_segment >= next);
        next = replay.next_segment;
    }
    io_env_close(env);
}

/* Six segments of synced payloads, and a spare segment or two. */
static struct commitlog *large_stream(struct io_env *env, uint32_t *out_number)
{
    struct commitlog *log = log_open_sized(env, "/s", 16 << 10, 64 << 10);
    *out_number = fill_segment(log, 0, 5);
    log_append_synced(log, (*out_number)++, 3000);
    assert_ok(commitlog_release(log, 4));
    assert_true(file_count(env) > 3);
    return log;
}

static void a_stream_at_rest_of_which_nothing_is_needed_is_one_small_file(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    uint32_t number;
    struct commitlog *log = large_stream(env, &number);
    struct log_position end = commitlog_tail(log);
    assert_ok(commitlog_trim(log, end));
    assert_int_equal(file_count(env), 1);
    assert_ok(commitlog_trim(log, end)); /* there is nothing left to give */
    assert_int_equal(file_count(env), 1);
    assert_true(log_position_compare(commitlog_tail(log), end) >= 0);
    assert_int_equal(replay_all(env, "/s").count, 0);

    uint32_t first = number;
    log_append_synced(log, number++, 100);
    uint64_t current = commitlog_tail(log).segment;
    assert_true(current > end.segment);
    assert_int_equal(file_bytes(env, current), 16 << 10);
    number = fill_segment(log, number, current);
    assert_int_equal(file_bytes(env, commitlog_tail(log).segment), 64 << 10);
    assert_ok(commitlog_close(log));
    struct replay replay = replay_all(env, "/s");
    assert_true(replay.intact);
    assert_int_equal(replay.end, COMMITLOG_END_CLEAN);
    assert_int_equal(replay.first, first);
    assert_int_equal(replay.count, number - first);
    io_env_close(env);
}

static void a_stream_that_is_needed_only_gives_back_its_spare_segments(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    uint32_t number;
    struct commitlog *log = large_stream(env, &number);
    struct replay before = replay_all(env, "/s");
    assert_ok(commitlog_trim(log, (struct log_position){0}));
    struct commitlog_stats stats;
    commitlog_stats(log, &stats);
    assert_int_equal(file_count(env), stats.segments);

    /* What was appended behind the position is needed. */
    struct log_position end = commitlog_tail(log);
    log_append(log, number++, 10);
    assert_ok(commitlog_trim(log, end));
    log_append_synced(log, number++, 10);
    struct replay replay = replay_all(env, "/s");
    assert_int_equal(replay.first, before.first);
    assert_int_equal(replay.count, before.count + 2);
    assert_ok(commitlog_close(log));
    io_env_close(env);
}

static void a_large_stream_that_closes_with_nothing_needed_leaves_one_small_file(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    uint32_t number;
    struct commitlog *log = large_stream(env, &number);
    uint64_t last = commitlog_tail(log).segment;
    assert_ok(commitlog_close_released(log));
    assert_int_equal(file_count(env), 1);
    struct replay replay = replay_all(env, "/s");
    assert_int_equal(replay.count, 0);
    assert_true(replay.next_segment > last + 1);
    assert_int_equal(file_bytes(env, replay.next_segment - 1), 16 << 10);
    io_env_close(env);
}

/* Segment 3 is the file of a full segment 1; it gets one payload and then `count` more, 2 is released too. */
static struct commitlog *second_life(struct io_env *env, uint32_t count, size_t bytes, uint32_t *out_first)
{
    struct commitlog *log = log_open_sized(env, "/s", 32 << 10, 32 << 10);
    uint32_t number = fill_segment(log, 1000, 1);
    assert_ok(commitlog_release(log, 2));
    number = fill_segment(log, number, 2);
    assert_int_equal(commitlog_tail(log).segment, 3);
    *out_first = number - 1;
    for (uint32_t i = 0; i < count; i++)
        log_append_synced(log, number++, bytes);
    assert_int_equal(commitlog_tail(log).segment, 3);
    assert_ok(commitlog_release(log, 3));
    return log;
}

static void a_recycled_segment_never_replays_what_it_held_before(void **state)
{
    (void)state;
    for (uint32_t count = 1; count < 6; count++) {
        for (size_t bytes = 100; bytes < 9000; bytes = bytes * 3 + 7) {
            if (count * (bytes / 4000 + 1) > 5)
                continue;
            struct io_env *env = memory_env();
            uint32_t first;
            struct commitlog *log = second_life(env, count, bytes, &first);
            struct replay running = replay_all(env, "/s"); /* as a crash would leave it */
            assert_true(running.intact);
            assert_int_equal(running.first, first);
            assert_int_equal(running.count, count + 1);
            assert_int_equal(running.end, COMMITLOG_END_CLEAN);
            assert_ok(commitlog_close(log));
            struct replay closed = replay_all(env, "/s");
            assert_int_equal(closed.first, first);
            assert_int_equal(closed.count, count + 1);
            io_env_close(env);
        }
    }
}

static void streams_share_a_folder_without_seeing_each_other(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *logs[3];
    for (uint32_t i = 0; i < 3; i++) {
        assert_ok(commitlog_open(&(struct commitlog_options){.env = env,
                                                             .folder = "/s",
                                                             .store_id = STORE,
                                                             .stream = STREAM + i,
                                                             .next_segment = 1,
                                                             .first_segment_bytes = 16 << 10,
                                                             .segment_bytes = 16 << 10},
                                 &logs[i]));
    }
    for (uint32_t number = 0; number < 50; number++)
        for (uint32_t i = 0; i < 3; i++)
            if (number < 20 * (i + 1))
                log_append(logs[i], number, 1000);
    assert_ok(commitlog_release(logs[2], 3));
    for (uint32_t i = 0; i < 3; i++)
        assert_ok(commitlog_close(logs[i]));
    struct replay replay = replay_all(env, "/s");
    assert_true(replay.intact);
    assert_int_equal(replay.count, 20);
    assert_true(replay.next_segment > 4); /* above those of every stream */
    io_env_close(env);
}

static void numbers_that_the_folder_has_seen_are_refused(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open(env, "/s");
    log_append_synced(log, 0, 100);
    assert_ok(commitlog_close(log));
    struct commitlog_options options = {
        .env = env, .folder = "/s", .store_id = STORE, .stream = STREAM, .next_segment = 1};
    assert_code(commitlog_open(&options, &log), STATUS_INVALID);
    options.next_segment = 0;
    assert_code(commitlog_open(&options, &log), STATUS_INVALID);
    io_env_close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_grow_fourfold_from_small_to_their_limit),
        cmocka_unit_test(a_new_store_begins_with_a_small_segment),
        cmocka_unit_test(a_payload_larger_than_a_segment_gets_one_that_holds_it),
        cmocka_unit_test(a_prepared_segment_costs_the_append_no_file_operation_but_its_write),
        cmocka_unit_test(nothing_is_prepared_while_the_current_segment_is_hardly_used),
        cmocka_unit_test(released_segments_are_recycled_and_the_folder_does_not_grow),
        cmocka_unit_test(the_current_segment_is_never_released),
        cmocka_unit_test(the_highest_number_stays_in_the_folder_when_all_is_released),
        cmocka_unit_test(a_stream_at_rest_of_which_nothing_is_needed_is_one_small_file),
        cmocka_unit_test(a_stream_that_is_needed_only_gives_back_its_spare_segments),
        cmocka_unit_test(a_large_stream_that_closes_with_nothing_needed_leaves_one_small_file),
        cmocka_unit_test(a_recycled_segment_never_replays_what_it_held_before),
        cmocka_unit_test(streams_share_a_folder_without_seeing_each_other),
        cmocka_unit_test(numbers_that_the_folder_has_seen_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
