/* What is wrong with a log is told apart: the torn tail of an unsynced write, and damage to what was synced. */
#include "log_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const first_path = "/s/log-3-1.log";

/* Twelve records in synced groups of one to three, over several blocks, and then the end that the test wants. */
static struct commitlog *synced_log(struct io_env *env, uint32_t *out_count)
{
    struct commitlog *log = log_open_sized(env, "/s", 64 << 10, 64 << 10);
    uint32_t number = 0;
    for (uint32_t group = 0; group < 6; group++) {
        for (uint32_t i = 0; i <= group % 3; i++, number++)
            log_append(log, number, 200 + number * 400);
        assert_ok(commitlog_sync(log, commitlog_tail(log)));
    }
    *out_count = number;
    return log;
}

/* The file as a process that dies now leaves it. */
static void keep_as_crashed(struct io_env *env, const char *path, uint8_t **out_data, size_t *out_bytes)
{
    file_read(env, path, out_data, out_bytes);
}

static size_t used_bytes(const uint8_t *data, size_t bytes)
{
    while (bytes && data[bytes - 1] == 0)
        bytes--;
    return (bytes + 4095) / 4096 * 4096;
}

static void flipping_any_byte_of_a_closed_log_is_never_taken_for_its_end(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    uint32_t count = 0;
    assert_ok(commitlog_close(synced_log(env, &count)));
    uint8_t *data = NULL;
    size_t bytes = 0;
    file_read(env, first_path, &data, &bytes);
    size_t close_block = used_bytes(data, bytes) - 4096;
    for (size_t at = 0; at < close_block + 4096; at++) {
        if (at % 4096 > 160 && at % 4096 < 4090 && at % 31)
            continue; /* inside a body every byte is as good as its neighbour */
        file_flip(env, first_path, at, (uint8_t)(1 << at % 8));
        struct replay replay = replay_all(env, "/s");
        assert_true(replay.intact);
        if (at < close_block) {
            assert_int_equal(replay.end, COMMITLOG_END_DAMAGED);
            assert_true(replay.end_at.offset <= at);
        } else {
            assert_int_equal(replay.count, count);
            assert_int_equal(replay.end, COMMITLOG_END_TORN);
        }
        file_flip(env, first_path, at, (uint8_t)(1 << at % 8));
    }
    free(data);
    io_env_close(env);
}

static void zeroing_any_block_of_a_closed_log_is_damage(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    uint32_t count = 0;
    assert_ok(commitlog_close(synced_log(env, &count)));
    uint8_t *data = NULL;
    size_t bytes = 0;
    file_read(env, first_path, &data, &bytes);
    size_t close_block = used_bytes(data, bytes) - 4096;
    for (size_t at = 0; at < close_block; at += 4096) {
        uint8_t kept[4096];
        memcpy(kept, data + at, sizeof kept);
        memset(data + at, 0, sizeof kept);
        file_write(env, first_path, data, bytes);
        assert_int_equal(replay_all(env, "/s").end, COMMITLOG_END_DAMAGED);
        memcpy(data + at, kept, sizeof kept);
    }
    free(data);
    io_env_close(env);
}

static void swapping_any_two_blocks_is_damage(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    uint32_t count = 0;
    assert_ok(commitlog_close(synced_log(env, &count)));
    uint8_t *data = NULL;
    size_t bytes = 0;
    file_read(env, first_path, &data, &bytes);
    size_t blocks = used_bytes(data, bytes) / 4096 - 1;
    uint8_t *swapped = malloc(bytes);
    assert_non_null(swapped);
    for (size_t a = 0; a < blocks; a++) {
        for (size_t b = a + 1; b < blocks; b++) {
            memcpy(swapped, data, bytes);
            memcpy(swapped + a * 4096, data + b * 4096, 4096);
            memcpy(swapped + b * 4096, data + a * 4096, 4096);
            file_write(env, first_path, swapped, bytes);
            assert_int_equal(replay_all(env, "/s").end, COMMITLOG_END_DAMAGED);
        }
    }
    free(swapped);
    free(data);
    io_env_close(env);
}

static void a_log_cut_short_at_any_length_is_never_clean_and_shorter(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    uint32_t count = 0;
    assert_ok(commitlog_close(synced_log(env, &count)));
    uint8_t *data = NULL;
    size_t bytes = 0;
    file_read(env, first_path, &data, &bytes);
    for (size_t length = 4096; length < bytes; length += 1021) {
        file_write(env, first_path, data, length);
        struct replay replay = replay_all(env, "/s");
        assert_true(replay.intact);
        assert_true(replay.end == COMMITLOG_END_DAMAGED || replay.count == count);
    }
    free(data);
    io_env_close(env);
}

static void without_a_close_damage_before_the_last_write_is_damage_and_in_it_a_torn_tail(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    uint32_t count = 0;
    struct commitlog *log = synced_log(env, &count);
    struct log_position last_write = commitlog_tail(log);
    log_append_synced(log, count, 9000);
    uint8_t *data = NULL;
    size_t bytes = 0;
    keep_as_crashed(env, first_path, &data, &bytes);
    assert_ok(commitlog_close(log));
    size_t used = used_bytes(data, bytes);
    for (size_t at = 40; at < used; at += 509) {
        data[at] ^= 0x10;
        file_write(env, first_path, data, bytes);
        data[at] ^= 0x10;
        struct replay replay = replay_all(env, "/s");
        bool in_last_write = at >= last_write.offset;
        assert_int_equal(replay.end, in_last_write ? COMMITLOG_END_TORN : COMMITLOG_END_DAMAGED);
        if (in_last_write)
            assert_int_equal(replay.count, count);
    }
    free(data);
    io_env_close(env);
}

static void an_idle_stream_notes_that_its_last_write_was_synced(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    uint32_t count = 0;
    struct commitlog *log = synced_log(env, &count);
    struct log_position tail = commitlog_tail(log);
    for (int i = 0; i < 4; i++)
        commitlog_prepare(log);
    uint8_t *data = NULL;
    size_t bytes = 0;
    keep_as_crashed(env, first_path, &data, &bytes);
    assert_ok(commitlog_close(log));
    data[tail.offset - 100] ^= 1;
    file_write(env, first_path, data, bytes);
    assert_int_equal(replay_all(env, "/s").end, COMMITLOG_END_DAMAGED);
    free(data);
    io_env_close(env);
}

static void a_reopened_log_seals_what_was_recovered(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    uint32_t count = 0;
    struct commitlog *log = synced_log(env, &count);
    uint8_t *data = NULL;
    size_t bytes = 0;
    keep_as_crashed(env, first_path, &data, &bytes);
    assert_ok(commitlog_close(log));
    size_t last_block = used_bytes(data, bytes) - 4096;

    /* A power cut tears the last block, and recovery goes on from there. */
    data[last_block + 100] ^= 1;
    file_write(env, first_path, data, bytes);
    struct replay torn = replay_all(env, "/s");
    assert_int_equal(torn.end, COMMITLOG_END_TORN);
    struct commitlog_options options = {.env = env,
                                        .folder = "/s",
                                        .store_id = STORE,
                                        .stream = STREAM,
                                        .next_segment = torn.next_segment,
                                        .recovered = torn.end_at};
    assert_ok(commitlog_open(&options, &log));
    log_append_synced(log, torn.count, 50);
    assert_ok(commitlog_close(log));
    struct replay replay = replay_all(env, "/s");
    assert_true(replay.intact);
    assert_int_equal(replay.count, torn.count + 1);
    assert_int_equal(replay.end, COMMITLOG_END_CLEAN);

    /* What could be recovered then must be there now. */
    for (uint64_t at = 4096; at < torn.end_at.offset; at += 777) {
        file_flip(env, first_path, at, 4);
        assert_int_equal(replay_all(env, "/s").end, COMMITLOG_END_DAMAGED);
        file_flip(env, first_path, at, 4);
    }
    /* The torn rest no longer matters. */
    file_flip(env, first_path, last_block + 100, 1);
    assert_int_equal(replay_all(env, "/s").count, torn.count + 1);
    free(data);
    io_env_close(env);
}

static void log_of_segments(struct io_env *env, uint32_t count)
{
    struct commitlog *log = log_open_sized(env, "/s", 16 << 10, 16 << 10);
    for (uint32_t i = 0; i < count; i++)
        log_append_synced(log, i, 1500);
    assert_ok(commitlog_close(log));
}

static void a_missing_or_emptied_segment_in_the_middle_is_damage(void **state)
{
    (void)state;
    for (int emptied = 0; emptied < 2; emptied++) {
        struct io_env *env = memory_env();
        log_of_segments(env, 10);
        assert_true(replay_all(env, "/s").next_segment > 4);
        if (emptied)
            file_write(env, "/s/log-3-3.log", (const uint8_t *)"", 0);
        else
            assert_ok(io_unlink(env, "/s/log-3-3.log"));
        struct replay replay = replay_all(env, "/s");
        assert_int_equal(replay.end, COMMITLOG_END_DAMAGED);
        assert_int_equal(replay.end_at.segment, 3);
        io_env_close(env);
    }
}

static void segments_below_the_first_wanted_one_are_not_missed(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    log_of_segments(env, 10);
    uint32_t all = replay_all(env, "/s").count;
    struct replay replay;
    assert_ok(replay_from(env, "/s", 3, &replay));
    assert_int_equal(replay.end, COMMITLOG_END_CLEAN);
    assert_int_equal(replay.first + replay.count, all);
    assert_ok(io_unlink(env, "/s/log-3-1.log"));
    assert_int_equal(replay_all(env, "/s").end, COMMITLOG_END_CLEAN);
    io_env_close(env);
}

static void files_that_changed_their_places_are_damage(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    log_of_segments(env, 10);
    assert_ok(io_rename(env, "/s/log-3-2.log", "/s/x"));
    assert_ok(io_rename(env, "/s/log-3-3.log", "/s/log-3-2.log"));
    assert_ok(io_rename(env, "/s/x", "/s/log-3-3.log"));
    struct replay replay = replay_all(env, "/s");
    assert_true(replay.intact);
    assert_int_equal(replay.end, COMMITLOG_END_DAMAGED);
    io_env_close(env);
}

/* A folder that was copied and went on twice: both copies have valid blocks of one store, segment and place. */
static void a_block_of_a_clone_is_not_taken_for_the_own_one(void **state)
{
    (void)state;
    uint8_t *data[2];
    size_t bytes[2];
    uint32_t count = 0;
    for (uint64_t i = 0; i < 2; i++) {
        struct io_env *env = NULL;
        assert_ok(io_env_open(IO_BODY_MEMORY, i + 1, &env));
        assert_ok(io_mkdir(env, "/s"));
        assert_ok(commitlog_close(synced_log(env, &count)));
        file_read(env, first_path, &data[i], &bytes[i]);
        io_env_close(env);
    }
    assert_int_equal(bytes[0], bytes[1]);
    struct io_env *env = memory_env();
    for (size_t at = 4096; at + 4096 < used_bytes(data[0], bytes[0]); at += 4096) {
        file_write(env, first_path, data[0], bytes[0]);
        struct io_file *file = NULL;
        assert_ok(io_open(env, first_path, IO_WRITE, &file));
        assert_ok(io_write(file, at, data[1] + at, 4096, true));
        io_close(file);
        assert_int_equal(replay_all(env, "/s").end, COMMITLOG_END_DAMAGED);
    }
    free(data[0]);
    free(data[1]);
    io_env_close(env);
}

static void a_segment_of_another_store_is_damage_and_of_another_stream_too(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    log_of_segments(env, 10);
    struct commitlog_reader *reader = NULL;
    for (int other = 0; other < 2; other++) {
        assert_ok(io_rename(env, "/s/log-3-1.log", "/s/log-4-1.log"));
        assert_ok(
            commitlog_reader_open(env, "/s", other ? STORE : STORE + 1, other ? 4 : STREAM, 0, &reader));
        struct slice payload;
        struct log_position at;
        bool more = true;
        assert_ok(commitlog_reader_next(reader, &payload, &at, &more));
        assert_false(more);
        assert_int_equal(commitlog_reader_end(reader, &at), COMMITLOG_END_DAMAGED);
        commitlog_reader_close(reader);
        assert_ok(io_rename(env, "/s/log-4-1.log", "/s/log-3-1.log"));
    }
    io_env_close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipping_any_byte_of_a_closed_log_is_never_taken_for_its_end),
        cmocka_unit_test(zeroing_any_block_of_a_closed_log_is_damage),
        cmocka_unit_test(swapping_any_two_blocks_is_damage),
        cmocka_unit_test(a_log_cut_short_at_any_length_is_never_clean_and_shorter),
        cmocka_unit_test(without_a_close_damage_before_the_last_write_is_damage_and_in_it_a_torn_tail),
        cmocka_unit_test(an_idle_stream_notes_that_its_last_write_was_synced),
        cmocka_unit_test(a_reopened_log_seals_what_was_recovered),
        cmocka_unit_test(a_missing_or_emptied_segment_in_the_middle_is_damage),
        cmocka_unit_test(segments_below_the_first_wanted_one_are_not_missed),
        cmocka_unit_test(files_that_changed_their_places_are_damage),
        cmocka_unit_test(a_block_of_a_clone_is_not_taken_for_the_own_one),
        cmocka_unit_test(a_segment_of_another_store_is_damage_and_of_another_stream_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
