/*
 * Logs written by earlier versions stay readable: tests/golden/commitlog/vN holds one of each version of the format, and what
 * `strait inspect` says of it.
 *
 * They are only ever added to. STRAIT_GOLDEN=FOLDER writes the files of the present version there instead of reading.
 */
#include "log_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN STRAIT_SOURCE_DIR "/tests/golden/commitlog/"

enum {
    RECORDS = 9,
    SEGMENTS = 3,
};

static const struct {
    size_t bytes;
    bool synced;
} records[RECORDS] = {
    {8, false}, {100, true},   {4028, true}, {5000, true}, {9000, false},
    {4, true},  {20000, true}, {300, false}, {40, true},
};

/* Records of many sizes, some over several blocks, notes between them, three segments and a close. */
static struct io_env *present_log(void)
{
    struct io_env *env = memory_env();
    io_clock_set(env, 1700000000000000);
    struct commitlog *log = log_open_sized(env, "/s", 16 << 10, 32 << 10);
    for (uint32_t i = 0; i < RECORDS; i++) {
        if (records[i].synced)
            log_append_synced(log, i, records[i].bytes);
        else
            log_append(log, i, records[i].bytes);
        commitlog_prepare(log);
        commitlog_prepare(log);
    }
    assert_ok(commitlog_close(log));
    return env;
}

static void copy(struct io_env *from, const char *from_path, struct io_env *to, const char *to_path)
{
    uint8_t *data;
    size_t bytes;
    file_read(from, from_path, &data, &bytes);
    file_write(to, to_path, data, bytes);
    free(data);
}

struct names {
    char names[16][64];
    unsigned count;
};

static void collect(void *context, const char *name)
{
    struct names *names = context;
    uint32_t stream;
    uint64_t segment;
    if (commitlog_name_parse(name, &stream, &segment) && names->count < ARRAY_LEN(names->names))
        snprintf(names->names[names->count++], sizeof names->names[0], "%s", name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static struct names names_in(struct io_env *env, const char *folder)
{
    struct names names = {0};
    assert_ok(io_list(env, folder, collect, &names));
    qsort(names.names, names.count, sizeof names.names[0], by_name);
    return names;
}

/* What `strait inspect` says of all files, one after the other. */
static char *dump_of(struct io_env *env, const char *folder)
{
    struct buffer text = {0};
    struct names names = names_in(env, folder);
    for (unsigned i = 0; i < names.count; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", folder, names.names[i]);
        buffer_printf(&text, "== %s\n", names.names[i]);
        assert_ok(commitlog_dump(env, path, &text));
    }
    buffer_append_u8(&text, 0);
    assert_ok(buffer_status(&text));
    return (char *)text.data;
}

static void write_present(const char *folder)
{
    struct io_env *from = present_log(), *to;
    assert_ok(io_env_open(IO_BODY_THREADS, 1, &to));
    struct names names = names_in(from, "/s");
    for (unsigned i = 0; i < names.count; i++) {
        char from_path[300], path[300];
        snprintf(from_path, sizeof from_path, "/s/%s", names.names[i]);
        snprintf(path, sizeof path, "%s/%s", folder, names.names[i]);
        copy(from, from_path, to, path);
    }
    char *text = dump_of(from, "/s"), path[300];
    snprintf(path, sizeof path, "%s/inspect.txt", folder);
    file_write(to, path, (const uint8_t *)text, strlen(text));
    free(text);
    io_env_close(from);
    io_env_close(to);
}

/* The golden files, in memory. */
static struct io_env *golden_log(const char *version)
{
    struct io_env *disk, *env = memory_env();
    char folder[300];
    snprintf(folder, sizeof folder, GOLDEN "%s", version);
    assert_ok(io_env_open(IO_BODY_THREADS, 1, &disk));
    struct names names = names_in(disk, folder);
    assert_in_range(names.count, SEGMENTS, 16);
    for (unsigned i = 0; i < names.count; i++) {
        char from[400], to[400];
        snprintf(from, sizeof from, "%s/%s", folder, names.names[i]);
        snprintf(to, sizeof to, "/s/%s", names.names[i]);
        copy(disk, from, env, to);
    }
    io_env_close(disk);
    return env;
}

static void a_log_of_version_1_is_read_record_by_record(void **state)
{
    (void)state;
    struct io_env *env = golden_log("v1");
    struct commitlog_reader *reader;
    assert_ok(commitlog_reader_open(env, "/s", STORE, STREAM, 0, &reader));
    for (uint32_t i = 0; i <= RECORDS; i++) {
        struct slice payload;
        struct log_position begin;
        bool more;
        assert_ok(commitlog_reader_next(reader, &payload, &begin, &more));
        assert_int_equal(more, i < RECORDS);
        if (more)
            assert_true(slice_equal(payload, payload_of(i, records[i].bytes)));
    }
    struct log_position end;
    assert_int_equal(commitlog_reader_end(reader, &end), COMMITLOG_END_CLEAN);
    commitlog_reader_close(reader);
    io_env_close(env);
}

static void the_dump_of_version_1_says_what_it_always_said(void **state)
{
    (void)state;
    struct io_env *env = golden_log("v1"), *disk;
    uint8_t *expected;
    size_t bytes;
    char *seen = dump_of(env, "/s");
    assert_ok(io_env_open(IO_BODY_THREADS, 1, &disk));
    file_read(disk, GOLDEN "v1/inspect.txt", &expected, &bytes);
    assert_int_equal(strlen(seen), bytes);
    assert_memory_equal(seen, expected, bytes);
    free(seen);
    free(expected);
    io_env_close(disk);
    io_env_close(env);
}

/* A log of version 1 that is opened by the present version goes on where it ended. */
static void a_log_of_version_1_is_continued(void **state)
{
    (void)state;
    struct io_env *env = golden_log("v1");
    struct commitlog *log = log_open(env, "/s");
    log_append_synced(log, RECORDS, 1000);
    assert_ok(commitlog_close(log));
    struct replay replay = replay_all(env, "/s");
    assert_int_equal(replay.count, RECORDS + 1);
    assert_true(replay.intact);
    assert_int_equal(replay.end, COMMITLOG_END_CLEAN);
    io_env_close(env);
}

int main(void)
{
    const char *folder = getenv("STRAIT_GOLDEN");
    if (folder) {
        write_present(folder);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_of_version_1_is_read_record_by_record),
        cmocka_unit_test(the_dump_of_version_1_says_what_it_always_said),
        cmocka_unit_test(a_log_of_version_1_is_continued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
