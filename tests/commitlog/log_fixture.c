#include "log_fixture.h"

#include <stdlib.h>

void assert_status(status st, enum status_code code, const char *file, int line)
{
    if (st.code == code)
        return;
    char text[256];
    status_print(st, text, sizeof text);
    print_error("status is %s\n", text);
    _fail(file, line);
}

struct io_env *memory_env(void)
{
    struct io_env *env = NULL;
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &env));
    assert_ok(io_mkdir(env, "/s"));
    return env;
}

struct slice payload_of(uint32_t number, size_t bytes)
{
    static uint8_t *data;
    static size_t capacity;
    if (capacity < bytes + 8) {
        capacity = bytes + 8;
        data = realloc(data, capacity);
        assert_non_null(data);
    }
    uint8_t head[8];
    store_le32(head, number);
    store_le32(head + 4, (uint32_t)bytes);
    for (size_t i = 0; i < bytes; i++)
        data[i] = i < sizeof head ? head[i] : (uint8_t)(number * 31 + i * 7 + i / 251);
    return slice_of(data, bytes);
}

struct commitlog *log_open_sized(struct io_env *env, const char *folder, uint64_t first_bytes, uint64_t bytes)
{
    struct commitlog_reader *reader = NULL;
    assert_ok(commitlog_reader_open(env, folder, STORE, STREAM, 0, &reader));
    struct commitlog_options options = {
        .env = env,
        .folder = folder,
        .store_id = STORE,
        .stream = STREAM,
        .next_segment = commitlog_reader_next_segment(reader),
        .first_segment_bytes = first_bytes,
        .segment_bytes = bytes,
    };
    commitlog_reader_close(reader);
    struct commitlog *log = NULL;
    assert_ok(commitlog_open(&options, &log));
    return log;
}

struct commitlog *log_open(struct io_env *env, const char *folder)
{
    return log_open_sized(env, folder, 16 << 10, 64 << 10);
}

struct log_position log_append(struct commitlog *log, uint32_t number, size_t bytes)
{
    struct log_position end = {0};
    assert_ok(commitlog_append(log, payload_of(number, bytes), &end));
    return end;
}

void log_append_synced(struct commitlog *log, uint32_t number, size_t bytes)
{
    assert_ok(commitlog_sync(log, log_append(log, number, bytes)));
}

static void replay_payload(struct replay *replay, struct slice payload)
{
    uint32_t number = payload.bytes >= 4 ? load_le32(payload.data) : UINT32_MAX;
    if (!replay->count)
        replay->first = number;
    if (!slice_equal(payload, payload_of(replay->first + replay->count, payload.bytes)))
        replay->intact = false;
    replay->count++;
}

status replay_from(struct io_env *env, const char *folder, uint64_t from_segment, struct replay *out_replay)
{
    struct replay replay = {.intact = true};
    struct commitlog_reader *reader = NULL;
    TRY(commitlog_reader_open(env, folder, STORE, STREAM, from_segment, &reader));
    struct log_position last = {0};
    status st = STATUS_DONE;
    for (bool more = true; more && ok(st);) {
        struct slice payload;
        struct log_position begin;
        st = commitlog_reader_next(reader, &payload, &begin, &more);
        if (failed(st) || !more)
            break;
        assert_true(log_position_compare(begin, last) > 0);
        last = begin;
        replay_payload(&replay, payload);
    }
    replay.end = commitlog_reader_end(reader, &replay.end_at);
    replay.next_segment = commitlog_reader_next_segment(reader);
    commitlog_reader_close(reader);
    *out_replay = replay;
    return st;
}

struct replay replay_all(struct io_env *env, const char *folder)
{
    struct replay replay;
    assert_ok(replay_from(env, folder, 0, &replay));
    return replay;
}

void file_read(struct io_env *env, const char *path, uint8_t **out_data, size_t *out_bytes)
{
    struct io_file *file = NULL;
    uint64_t size = 0;
    assert_ok(io_open(env, path, IO_READ, &file));
    assert_ok(io_size(file, &size));
    uint8_t *data = malloc(size + 1);
    assert_non_null(data);
    assert_ok(io_read(file, 0, data, size, out_bytes));
    assert_int_equal(*out_bytes, size);
    io_close(file);
    *out_data = data;
}

void file_write(struct io_env *env, const char *path, const uint8_t *data, size_t bytes)
{
    struct io_file *file = NULL;
    assert_ok(io_open(env, path, IO_WRITE | IO_CREATE, &file));
    assert_ok(io_truncate(file, 0));
    assert_ok(io_write(file, 0, data, bytes, true));
    io_close(file);
}

void file_flip(struct io_env *env, const char *path, uint64_t offset, uint8_t mask)
{
    struct io_file *file = NULL;
    uint8_t byte = 0;
    size_t bytes = 0;
    assert_ok(io_open(env, path, IO_READ | IO_WRITE, &file));
    assert_ok(io_read(file, offset, &byte, 1, &bytes));
    assert_int_equal(bytes, 1);
    byte ^= mask;
    assert_ok(io_write(file, offset, &byte, 1, true));
    io_close(file);
}
