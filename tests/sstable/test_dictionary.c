/* A table learns a dictionary from its first blocks; the rest are smaller, and no less safe. */
#include "model.h"

#include "base/random.h"
#include "sstable/token_codes_internal.h"
#include "sstable/token_cut_internal.h"

#include <stdlib.h>
#include <string.h>

static struct io_env *env;
static struct model model;
static const char path[] = "/t/table";

/* Rows of words, so that there is something to learn. */
static int setup(void **state)
{
    (void)state;
    static const char *const words[] = {"partition", "clustering", "timestamp",
                                        "tombstone", "compaction", "memtable"};
    struct random rng = {17};
    if (failed(io_env_open(IO_BODY_MEMORY, 1, &env)) || failed(io_mkdir(env, "/t")))
        return 1;
    model_numbered(&model, "words", 4000, 1);
    for (uint32_t i = 0; i < model.row_count; i++) {
        char text[200];
        size_t bytes = 0;
        for (uint32_t w = 0; w < 6; w++) {
            const char *word = words[random_below(&rng, ARRAY_LEN(words))];
            memcpy(text + bytes, word, strlen(word));
            bytes += strlen(word);
            text[bytes++] = (char)('a' + random_below(&rng, 26));
        }
        model.partitions[0].rows[i].image = model_image(&model.arena, i, slice_of(text, bytes));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    model_deinit(&model);
    io_env_close(env);
    return 0;
}

static struct sstable_info build(uint32_t dictionary_after_bytes, bool no_lanes)
{
    struct sstable_info info;
    struct sstable_build_options options = model_options(env, path);
    options.block_bytes = 1000;
    options.dictionary_after_bytes = dictionary_after_bytes;
    options.no_lanes = no_lanes;
    (void)io_unlink(env, path);
    assert_ok(model_build(&model, &options, &info));
    return info;
}

static char *dump(void)
{
    struct buffer text = {0};
    assert_ok(sstable_dump(env, path, false, &text));
    buffer_append_u8(&text, 0);
    assert_ok(buffer_status(&text));
    return (char *)text.data;
}

static void lanes_and_a_dictionary_make_the_file_smaller_and_change_no_row(void **state)
{
    (void)state;
    struct sstable_info plain = build(UINT32_MAX, true);
    struct sstable_info lanes = build(UINT32_MAX, false);
    struct sstable_info both = build(30000, false);
    print_message("bytes: plain %llu, lanes %llu, lanes and dictionary %llu\n",
                  (unsigned long long)plain.file_bytes, (unsigned long long)lanes.file_bytes,
                  (unsigned long long)both.file_bytes);
    assert_true(lanes.file_bytes < plain.file_bytes);
    assert_true(both.file_bytes < lanes.file_bytes);
    assert_int_equal(plain.content_hash, both.content_hash);
    char *text = dump();
    assert_non_null(strstr(text, " dictionary "));
    free(text);
}

/* Offset of the nth dictionary frame, from the dump. */
static uint64_t dictionary_offset(uint32_t nth)
{
    char *text = dump();
    char *at = text;
    for (uint32_t i = 0; i <= nth; i++) {
        at = strstr(at + 1, " dictionary ");
        assert_non_null(at);
    }
    while (at > text && at[-1] != '\n')
        at--;
    uint64_t offset = strtoull(at, NULL, 10);
    free(text);
    return offset;
}

static void damage(uint64_t offset)
{
    struct io_file *file;
    uint8_t byte;
    size_t bytes;
    assert_ok(io_open(env, path, IO_READ | IO_WRITE, &file));
    assert_ok(io_read(file, offset, &byte, 1, &bytes));
    byte ^= 1;
    assert_ok(io_write(file, offset, &byte, 1, false));
    io_close(file);
}

static uint64_t rows_readable(status *out_verified)
{
    struct sstable *table;
    struct cursor *cursor;
    uint64_t rows = 0;
    assert_ok(sstable_open(env, path, MODEL_STORE_ID, NULL, &table));
    assert_ok(sstable_cursor_open(table, false, &cursor));
    assert_ok(cursor_next_partition(cursor));
    while (ok(cursor_next(cursor)) && cursor->on_row)
        rows++;
    cursor_close(cursor);
    *out_verified = sstable_verify(table);
    sstable_unref(table);
    return rows;
}

static void I5_one_good_copy_of_the_dictionary_is_enough(void **state)
{
    (void)state;
    status verified;
    build(30000, false);
    uint64_t first = dictionary_offset(0) + 100, second = dictionary_offset(1) + 100;
    assert_int_equal(rows_readable(&verified), model.row_count);
    assert_ok(verified);
    damage(first);
    assert_int_equal(rows_readable(&verified), model.row_count);
    assert_int_equal(verified.code, STATUS_CORRUPT);
    damage(second);
    uint64_t rows = rows_readable(&verified);
    assert_int_equal(rows, 0);
    damage(first);
    assert_int_equal(rows_readable(&verified), model.row_count);
}

/* Values of one length, drawn from `ids` different ones. */
static void learn_ids(uint32_t count, uint32_t ids, struct tokens *out_tokens)
{
    struct random rng = {5};
    struct buffer samples = {0};
    for (uint32_t i = 0; i < count; i++) {
        struct random id = {random_below(&rng, ids)};
        buffer_append_le64(&samples, random_next(&id));
        buffer_append_le64(&samples, random_next(&id));
    }
    assert_ok(buffer_status(&samples));
    assert_ok(tokens_of_values(buffer_slice(&samples), 16, count, 1 << 20, out_tokens));
    buffer_deinit(&samples);
}

static void ids_that_come_again_are_learnt_whole_and_unique_ones_are_not(void **state)
{
    (void)state;
    struct tokens tokens;
    struct buffer codes = {0};
    learn_ids(10000, 1000, &tokens);
    assert_int_equal(tokens.count, 1000);
    struct token_scratch scratch = {0};
    struct token_encoder *encoder = token_encoder_new(&tokens);
    assert_non_null(encoder);
    for (uint32_t i = 0; i < tokens.count; i++) {
        uint8_t value[16 + TOKENS_DECODE_SLACK];
        assert_int_equal(tokens.lengths[i], 16);
        buffer_clear(&codes);
        struct slice id = slice_of(tokens.bytes[i], 16);
        token_encoder_encode(encoder, &scratch, &id, 1, &codes);
        assert_true(codes.bytes <= 2);
        struct token_codes reader;
        token_codes_open(&reader, &tokens, buffer_slice(&codes));
        assert_true(token_codes_take(&reader, value, 16));
        assert_memory_equal(value, tokens.bytes[i], 16);
    }
    token_scratch_deinit(&scratch);
    token_encoder_free(encoder);
    buffer_deinit(&codes);
    tokens_deinit(&tokens);
    learn_ids(10000, UINT32_MAX, &tokens);
    assert_true(tokens.count < 10);
    tokens_deinit(&tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_that_come_again_are_learnt_whole_and_unique_ones_are_not),
        cmocka_unit_test(lanes_and_a_dictionary_make_the_file_smaller_and_change_no_row),
        cmocka_unit_test(I5_one_good_copy_of_the_dictionary_is_enough),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
