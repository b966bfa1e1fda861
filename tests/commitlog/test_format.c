/* docs/formats/commitlog.md is true: the bytes of a segment are decoded here without the code that wrote them. */
#include "log_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

static uint64_t le(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static void put_le64(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* XXH3-64 of bytes 8..4095, seeded with XXH3-64 of store id, segment number and offset. */
static void assert_checksum(const uint8_t *file, uint64_t index, uint64_t segment)
{
    uint8_t place[24];
    put_le64(place, STORE);
    put_le64(place + 8, segment);
    put_le64(place + 16, index * 4096);
    uint64_t seed = XXH3_64bits(place, sizeof place);
    const uint8_t *block = file + index * 4096;
    assert_int_equal(le(block, 8), XXH3_64bits_withSeed(block + 8, 4088, seed));
}

struct fields {
    uint64_t body, first, kind, durable_segment, durable_offset;
};

static void assert_block(const uint8_t *file, uint64_t index, uint64_t segment, struct fields want)
{
    const uint8_t *block = file + index * 4096;
    assert_checksum(file, index, segment);
    assert_int_equal(le(block + 8, 8), STORE);
    assert_int_equal(le(block + 16, 8), segment);
    assert_int_equal(le(block + 24, 8), le(file + 24, 8));
    assert_int_equal(le(block + 32, 8), want.durable_segment);
    assert_int_equal(le(block + 40, 8), want.durable_offset);
    assert_int_equal(le(block + 48, 4), STREAM);
    assert_int_equal(le(block + 52, 4), index);
    assert_int_equal(le(block + 56, 2), want.body);
    assert_int_equal(le(block + 58, 2), want.first);
    assert_int_equal(le(block + 60, 2), want.kind);
    assert_int_equal(le(block + 62, 2), 0);
    for (size_t i = 64 + want.body; i < 4096; i++)
        assert_int_equal(block[i], 0);
}

/* Two records synced together, one of them over two blocks; one more synced; a note; one record; the close. */
static struct io_env *known_segment(void)
{
    struct io_env *env = memory_env();
    io_clock_set(env, 1700000000000000);
    struct commitlog *log = log_open_sized(env, "/s", 32 << 10, 32 << 10);
    log_append(log, 0, 100);
    log_append_synced(log, 1, 5000);
    log_append_synced(log, 2, 10);
    assert_true(commitlog_prepare(log)); /* the next segment; the stream is not idle yet */
    assert_true(commitlog_prepare(log)); /* the note */
    assert_false(commitlog_prepare(log));
    log_append(log, 3, 20);
    assert_ok(commitlog_close(log));
    return env;
}

static void a_segment_is_laid_out_as_the_page_says(void **state)
{
    (void)state;
    struct io_env *env = known_segment();
    uint8_t *file = NULL;
    size_t bytes = 0;
    file_read(env, "/s/log-3-1.log", &file, &bytes);
    assert_int_equal(bytes, 32 << 10);

    assert_block(file, 0, 1, (struct fields){48, 65535, 1, 1, 0});
    assert_memory_equal(file + 64, "STRAITLG", 8);
    assert_int_equal(le(file + 72, 4), 1);
    assert_int_equal(le(file + 76, 4), 0);
    assert_int_equal(le(file + 80, 8), 32 << 10);
    assert_int_equal(le(file + 88, 8), 0);
    assert_int_equal(le(file + 96, 8), 0);
    assert_int_equal(le(file + 104, 8), 1700000000000000);

    assert_block(file, 1, 1, (struct fields){4032, 0, 2, 1, 0});
    assert_int_equal(le(file + 4160, 4), 100);
    assert_memory_equal(file + 4164, payload_of(0, 100).data, 100);
    assert_int_equal(le(file + 4264, 4), 5000);
    assert_memory_equal(file + 4268, payload_of(1, 5000).data, 8192 - 4268);
    assert_block(file, 2, 1, (struct fields){5000 - (8192 - 4268), 65535, 2, 1, 0});
    assert_memory_equal(file + 8192 + 64, payload_of(1, 5000).data + (8192 - 4268), 5000 - (8192 - 4268));

    assert_block(file, 3, 1, (struct fields){14, 0, 2, 1, 3 * 4096});
    assert_block(file, 4, 1, (struct fields){0, 65535, 2, 1, 4 * 4096});
    assert_block(file, 5, 1, (struct fields){24, 0, 2, 1, 5 * 4096});
    assert_block(file, 6, 1, (struct fields){0, 65535, 3, 1, 6 * 4096});
    for (size_t i = 7 * 4096; i < bytes; i++)
        assert_int_equal(file[i], 0);
    free(file);
    io_env_close(env);
}

static void the_dump_tells_what_the_page_tells(void **state)
{
    (void)state;
    struct io_env *env = known_segment();
    struct buffer text = {0};
    assert_ok(commitlog_dump(env, "/s/log-3-1.log", &text));
    buffer_append_u8(&text, 0);
    uint8_t *file = NULL;
    size_t bytes = 0;
    file_read(env, "/s/log-3-1.log", &file, &bytes);
    char want[2000];
    snprintf(want, sizeof want,
             "store 0000000000000051 stream 3 segment 1\n"
             "version 1 features 0 bytes 32768 generation %016llx\n"
             "continues 0:0 created 1700000000000000 us\n"
             "block 0 @0 header body 48 durable 1:0\n"
             "block 1 @4096 records body 4032 first 0 durable 1:0\n"
             "  record @4160 100 bytes\n"
             "  record @4264 5000 bytes\n"
             "block 2 @8192 records body 1076 durable 1:0\n"
             "block 3 @12288 records body 14 first 0 durable 1:12288\n"
             "  record @12352 10 bytes\n"
             "block 4 @16384 note body 0 durable 1:16384\n"
             "block 5 @20480 records body 24 first 0 durable 1:20480\n"
             "  record @20544 20 bytes\n"
             "block 6 @24576 close body 0 durable 1:24576\n"
             "blocks 7..7 zero\n"
             "7 valid blocks, 4 records\n",
             (unsigned long long)le(file + 24, 8));
    assert_string_equal((const char *)text.data, want);
    free(file);
    buffer_deinit(&text);
    io_env_close(env);
}

static void the_dump_of_a_damaged_file_names_the_damage_and_goes_on(void **state)
{
    (void)state;
    struct io_env *env = known_segment();
    file_flip(env, "/s/log-3-1.log", 2 * 4096 + 700, 1);
    struct buffer text = {0};
    assert_ok(commitlog_dump(env, "/s/log-3-1.log", &text));
    buffer_append_u8(&text, 0);
    assert_non_null(strstr((const char *)text.data, "blocks 2..2 checksum fails\n"));
    assert_non_null(strstr((const char *)text.data, "  record @12352 10 bytes\n"));
    buffer_deinit(&text);
    io_env_close(env);
}

static void a_segment_names_the_end_of_the_one_it_continues(void **state)
{
    (void)state;
    struct io_env *env = memory_env();
    struct commitlog *log = log_open_sized(env, "/s", 16 << 10, 16 << 10);
    log_append(log, 0, 3000);
    log_append(log, 1, 9000); /* does not fit behind the first one */
    assert_ok(commitlog_close(log));
    uint8_t *file = NULL;
    size_t bytes = 0;
    file_read(env, "/s/log-3-2.log", &file, &bytes);
    assert_block(file, 0, 2, (struct fields){48, 65535, 1, 1, 8192});
    assert_int_equal(le(file + 88, 8), 1);
    assert_int_equal(le(file + 96, 8), 8192);
    free(file);
    io_env_close(env);
}

static void a_segment_of_a_newer_version_or_with_unknown_features_is_refused(void **state)
{
    (void)state;
    for (size_t field = 72; field <= 76; field += 4) {
        struct io_env *env = known_segment();
        uint8_t *file = NULL;
        size_t bytes = 0;
        file_read(env, "/s/log-3-1.log", &file, &bytes);
        file[field] ^= 2;
        uint8_t place[24];
        put_le64(place, STORE);
        put_le64(place + 8, 1);
        put_le64(place + 16, 0);
        put_le64(file, XXH3_64bits_withSeed(file + 8, 4088, XXH3_64bits(place, sizeof place)));
        file_write(env, "/s/log-3-1.log", file, bytes);
        struct replay replay;
        assert_code(replay_from(env, "/s", 0, &replay), STATUS_UNSUPPORTED);
        free(file);
        io_env_close(env);
    }
}

static void only_exact_names_are_those_of_segments(void **state)
{
    (void)state;
    uint32_t stream = 0;
    uint64_t segment = 0;
    assert_true(commitlog_name_parse("log-0-1.log", &stream, &segment));
    assert_true(commitlog_name_parse("log-4294967295-18446744073709551615.log", &stream, &segment));
    assert_int_equal(stream, UINT32_MAX);
    assert_true(segment == UINT64_MAX);
    static const char *const wrong[] = {"",
                                        "log",
                                        "log-1.log",
                                        "log-0-0.log",
                                        "log-0-01.log",
                                        "log-00-1.log",
                                        "log-0-1.log2",
                                        "log-0-1.lo",
                                        "log--1.log",
                                        "log-0-.log",
                                        "log-4294967296-1.log",
                                        "log-0-18446744073709551616.log",
                                        "log-0-1.log.",
                                        "Log-0-1.log",
                                        "log-0x1-1.log",
                                        "log-+1-1.log"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(commitlog_name_parse(wrong[i], &stream, &segment));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_is_laid_out_as_the_page_says),
        cmocka_unit_test(the_dump_tells_what_the_page_tells),
        cmocka_unit_test(the_dump_of_a_damaged_file_names_the_damage_and_goes_on),
        cmocka_unit_test(a_segment_names_the_end_of_the_one_it_continues),
        cmocka_unit_test(a_segment_of_a_newer_version_or_with_unknown_features_is_refused),
        cmocka_unit_test(only_exact_names_are_those_of_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
