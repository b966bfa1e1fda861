/* The dump shows the parts that docs/formats/sstable.md describes, where it says they are. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static const char path[] = "/t/table";

static uint8_t *file_load(size_t *out_bytes)
{
    struct io_file *file;
    uint64_t bytes;
    assert_ok(io_open(model_env, path, IO_READ, &file));
    assert_ok(io_size(file, &bytes));
    uint8_t *data = malloc(bytes);
    assert_non_null(data);
    assert_ok(io_read(file, 0, data, bytes, out_bytes));
    io_close(file);
    return data;
}

static char *dump(bool rows)
{
    struct buffer text = {0};
    assert_ok(sstable_dump(model_env, path, rows, &text));
    buffer_append_u8(&text, 0);
    assert_ok(buffer_status(&text));
    return (char *)text.data;
}

static uint32_t count_of(const char *text, const char *word)
{
    uint32_t count = 0;
    for (; (text = strstr(text, word)); text++)
        count++;
    return count;
}

static void a_dump_shows_roots_frames_partitions_and_rows(void **state)
{
    (void)state;
    struct random rng = {8};
    struct model model;
    struct model_shape shape = {.partitions = 12, .rows_max = 40, .value_max = 40, .extras = true};
    struct sstable_build_options options = model_options(model_env, path);
    options.block_bytes = 500;
    model_random(&model, &rng, &shape);
    assert_ok(model_build(&model, &options, NULL));
    char *text = dump(true);
    assert_non_null(strstr(text, "version=2"));
    assert_non_null(strstr(text, "file=9"));
    assert_int_equal(count_of(text, " level="), count_of(text, "checksum="));
    assert_int_equal(count_of(text, "directory index "), 1);
    assert_true(count_of(text, "block index page") > 0);
    assert_int_equal(count_of(text, "'partition "), model.count);
    assert_int_equal(count_of(text, "      row "), model.row_count);
    assert_true(count_of(text, " 9[*]@400=deleted(0)") > 0);
    assert_true(count_of(text, " 9[") > count_of(text, " 9[*]"));
    assert_true(count_of(text, " 12@9=counter(7)") > 0);
    assert_int_equal(count_of(text, "DAMAGED"), 0);
    free(text);
    model_deinit(&model);
}

/* Walk the file by hand with nothing but the offsets of the format page. */
static void frames_lie_where_the_format_page_says(void **state)
{
    (void)state;
    struct model model;
    size_t bytes;
    model_numbered(&model, "one", 300, 100);
    struct sstable_build_options options = model_options(model_env, path);
    options.compression_level = 0;
    assert_ok(io_unlink(model_env, path));
    assert_ok(model_build(&model, &options, NULL));
    uint8_t *data = file_load(&bytes);
    const uint8_t *root = data, *copy = data + bytes - 4096;
    assert_memory_equal(root, "STRAITSS", 8);
    assert_memory_equal(root, copy, 4088);
    assert_int_equal(load_le32(root + 8), 2);
    assert_int_equal(load_le64(root + 24), MODEL_STORE_ID);
    assert_int_equal(load_le64(root + 32), MODEL_TABLE_ID);
    assert_int_equal(load_le64(root + 40), MODEL_FILE_NUMBER);
    assert_int_equal(load_le64(root + 48), bytes);
    uint64_t offset = 4096, rows = 0;
    uint64_t filter_end = load_le64(root + 88) + load_le32(root + 96);
    bool at_data_end = false, at_index = false, at_filter = false;
    while (offset < filter_end) {
        const uint8_t *frame = data + offset;
        uint32_t stored = load_le32(frame + 8);
        uint64_t seed = hash_place(MODEL_STORE_ID, MODEL_FILE_NUMBER, offset);
        assert_int_equal(load_le64(frame), hash64(slice_of(frame + 8, stored + 16), seed));
        assert_int_equal(frame[16], 0);
        assert_int_equal(load_le32(frame + 12), stored);
        at_data_end = at_data_end || offset == load_le64(root + 56);
        if (frame[17] == 1)
            rows += load_le32(frame + 20);
        if (offset == load_le64(root + 64)) {
            at_index = true;
            assert_int_equal(frame[17], 4);
            assert_int_equal(load_le64(root + 80), load_le64(frame));
        }
        if (offset == load_le64(root + 88)) {
            at_filter = true;
            assert_int_equal(frame[17], 5);
            assert_int_equal(load_le64(root + 104), load_le64(frame));
        }
        offset += 24 + stored;
    }
    assert_int_equal(rows, 300);
    assert_true(at_data_end && at_index && at_filter);
    for (; offset < bytes - 4096; offset++)
        assert_int_equal(data[offset], 0);
    free(data);
    model_deinit(&model);
}

static void damage_is_shown_where_it_is(void **state)
{
    (void)state;
    struct io_file *file;
    size_t bytes;
    uint8_t *data = file_load(&bytes);
    data[4096 + 24] ^= 1;
    assert_ok(io_open(model_env, path, IO_READ | IO_WRITE, &file));
    assert_ok(io_write(file, 0, data, bytes, false));
    io_close(file);
    char *text = dump(true);
    const char *damaged = strstr(text, "DAMAGED");
    assert_non_null(damaged);
    assert_non_null(strstr(text, "      4096 rows"));
    assert_int_equal(count_of(text, "DAMAGED"), 1);
    assert_non_null(strstr(text, "stopped: corrupt"));
    free(text);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dump_shows_roots_frames_partitions_and_rows),
        cmocka_unit_test(frames_lie_where_the_format_page_says),
        cmocka_unit_test(damage_is_shown_where_it_is),
    };
    return cmocka_run_group_tests(tests, model_env_open, model_env_close);
}
