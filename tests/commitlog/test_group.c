/* Group commit: many appenders, few syncs, everything there and in the order in which each of them appended. */
#include "log_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    THREADS = 8,
    PAYLOADS = 300,
};

struct appender {
    struct commitlog *log;
    uint32_t number;
    size_t payload_bytes;
    bool syncs;
    bool pushes;
    bool went_well;
};

static void append_all(void *argument)
{
    struct appender *appender = argument;
    uint8_t *payload = calloc(1, appender->payload_bytes);
    if (!payload)
        return;
    store_le32(payload, appender->number);
    bool well = true;
    for (uint32_t i = 0; i < PAYLOADS && well; i++) {
        struct log_position end;
        store_le32(payload + 4, i);
        size_t bytes = 8 + (appender->payload_bytes - 8) * i / PAYLOADS;
        well = ok(commitlog_append(appender->log, slice_of(payload, bytes), &end));
        if (well && appender->pushes && i % 3 == 0)
            commitlog_push(appender->log);
        if (well && appender->syncs)
            well = ok(commitlog_sync(appender->log, end)) &&
                   log_position_compare(commitlog_durable(appender->log), end) >= 0;
    }
    free(payload);
    appender->went_well = well;
}

/* Every payload of every appender, each one's in order. */
static void assert_all_there(struct io_env *env, const char *folder)
{
    struct commitlog_reader *reader = NULL;
    assert_ok(commitlog_reader_open(env, folder, STORE, STREAM, 0, &reader));
    uint32_t next[THREADS] = {0};
    for (bool more = true;;) {
        struct slice payload;
        struct log_position begin;
        assert_ok(commitlog_reader_next(reader, &payload, &begin, &more));
        if (!more)
            break;
        uint32_t number = load_le32(payload.data);
        assert_in_range(number, 0, THREADS - 1);
        assert_int_equal(load_le32(payload.data + 4), next[number]++);
    }
    struct log_position at;
    assert_int_equal(commitlog_reader_end(reader, &at), COMMITLOG_END_CLEAN);
    commitlog_reader_close(reader);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(next[i], PAYLOADS);
}

struct background {
    struct io_env *env;
    struct commitlog *log;
    uint64_t release_below;
    bool went_well;
};

/* What the engine does in the background: segments ahead of need, and a sync now and then. */
static void keep_house(void *argument)
{
    struct background *background = argument;
    background->went_well = true;
    for (int i = 0; i < 50; i++) {
        commitlog_prepare(background->log);
        if (failed(commitlog_sync(background->log, commitlog_tail(background->log))) ||
            failed(commitlog_release(background->log, background->release_below)))
            background->went_well = false;
        io_sleep_us(background->env, 500);
    }
}

static struct commitlog_stats run_appenders(struct io_env *env, const char *folder, size_t payload_bytes,
                                            bool sync)
{
    struct commitlog *log = log_open_sized(env, folder, 64 << 10, 1 << 20);
    struct appender appenders[THREADS];
    struct io_thread *threads[THREADS], *keeper = NULL;
    struct background background = {.env = env, .log = log};
    assert_ok(io_thread_start(env, "keeper", keep_house, &background, &keeper));
    for (uint32_t i = 0; i < THREADS; i++) {
        appenders[i] = (struct appender){
            .log = log,
            .number = i,
            .payload_bytes = payload_bytes,
            .syncs = sync || i == 0,
            .pushes = i % 2 == 0,
        };
        assert_ok(io_thread_start(env, "appender", append_all, &appenders[i], &threads[i]));
    }
    for (uint32_t i = 0; i < THREADS; i++)
        io_thread_join(threads[i]);
    io_thread_join(keeper);
    assert_true(background.went_well);
    for (uint32_t i = 0; i < THREADS; i++)
        assert_true(appenders[i].went_well);
    struct commitlog_stats stats;
    commitlog_stats(log, &stats);
    assert_ok(commitlog_close(log));
    assert_all_there(env, folder);
    return stats;
}

static void run_in_memory(size_t payload_bytes, bool sync)
{
    struct io_env *env = memory_env();
    run_appenders(env, "/s", payload_bytes, sync);
    io_env_close(env);
}

static void appenders_that_sync_share_a_stream(void **state)
{
    (void)state;
    run_in_memory(200, true);
}

static void appenders_that_fill_both_buffers_wait_and_lose_nothing(void **state)
{
    (void)state;
    run_in_memory(8000, false);
}

static void payloads_larger_than_a_buffer_mix_with_small_ones(void **state)
{
    (void)state;
    run_in_memory(300000, false);
}

static void remove_name(void *context, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", (const char *)context, name);
    unlink(path);
}

static void on_a_real_disk_one_sync_serves_many_appenders(void **state)
{
    (void)state;
    static const enum io_body bodies[] = {IO_BODY_AUTO, IO_BODY_THREADS, IO_BODY_WORKERS};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        char folder[] = "/tmp/strait-log-XXXXXX";
        assert_non_null(mkdtemp(folder));
        struct io_env *env = NULL;
        assert_ok(io_env_open(bodies[i], 1, &env));
        struct commitlog_stats stats = run_appenders(env, folder, 200, true);
        print_message("%s: %llu appends, %llu syncs\n", io_env_name(env), (unsigned long long)stats.payloads,
                      (unsigned long long)stats.syncs);
        assert_int_equal(stats.payloads, THREADS * PAYLOADS);
        assert_true(stats.syncs < stats.payloads);
        assert_ok(io_list(env, folder, remove_name, folder));
        io_env_close(env);
        rmdir(folder);
    }
}

static void what_was_pushed_is_durable_after_the_sync_without_another_write(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct io_env *env = memory_env();
        struct commitlog *log = log_open(env, "/s");
        struct commitlog_stats before, after;
        struct log_position end = log_append(log, 0, 500);
        commitlog_push(log);
        commitlog_push(log); /* there is nothing more to write */
        assert_ok(commitlog_sync(log, end));
        commitlog_stats(log, &before);
        assert_int_equal(before.syncs, 1);
        /* What comes while a write is under way goes with the next. */
        log_append(log, 1, 500);
        commitlog_push(log);
        end = log_append(log, 2, 500);
        if (late)
            commitlog_push(log);
        assert_ok(commitlog_sync(log, end));
        commitlog_stats(log, &after);
        assert_int_equal(after.syncs - before.syncs, 2);
        assert_true(log_position_compare(commitlog_durable(log), end) >= 0);
        assert_ok(commitlog_close(log));
        struct replay replay = replay_all(env, "/s");
        assert_int_equal(replay.count, 3);
        assert_true(replay.intact);
        io_env_close(env);
    }
}

/* A write that was started without a sync comes first; the push then covers both. */
static void a_push_makes_what_was_written_before_it_durable_too(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open_sized(env, "/s", 4 << 20, 4 << 20);
    struct log_position end = {0};
    uint32_t count = 0;
    for (; count < 40; count++)
        end = log_append(log, count, 20000);
    commitlog_push(log);
    assert_ok(commitlog_sync(log, end));
    assert_ok(commitlog_close(log));
    struct replay replay = replay_all(env, "/s");
    assert_int_equal(replay.count, count);
    assert_true(replay.intact);
    io_env_close(env);
}

static void a_released_log_is_empty_to_the_next_opening_and_its_numbers_go_on(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    uint64_t next_segment = 0;
    for (int round = 0; round < 4; round++) {
        struct commitlog *log = log_open(env, "/s");
        for (uint32_t i = 0; i < 30; i++)
            log_append_synced(log, i, 2000);
        commitlog_prepare(log);
        assert_ok(commitlog_close_released(log));
        struct replay replay = replay_all(env, "/s");
        assert_int_equal(replay.count, 0);
        assert_int_equal(replay.end, COMMITLOG_END_CLEAN);
        assert_true(replay.next_segment > next_segment);
        struct buffer text = {0};
        char path[64];
        snprintf(path, sizeof path, "/s/log-%d-%u.log", STREAM, (unsigned)replay.next_segment - 1);
        assert_ok(commitlog_dump(env, path, &text));
        buffer_append_u8(&text, 0);
        assert_null(strstr((const char *)text.data, "record @"));
        buffer_deinit(&text);
        next_segment = replay.next_segment;
    }
    io_env_close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_pushed_is_durable_after_the_sync_without_another_write),
        cmocka_unit_test(a_push_makes_what_was_written_before_it_durable_too),
        cmocka_unit_test(a_released_log_is_empty_to_the_next_opening_and_its_numbers_go_on),
        cmocka_unit_test(appenders_that_sync_share_a_stream),
        cmocka_unit_test(appenders_that_fill_both_buffers_wait_and_lose_nothing),
        cmocka_unit_test(payloads_larger_than_a_buffer_mix_with_small_ones),
        cmocka_unit_test(on_a_real_disk_one_sync_serves_many_appenders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
