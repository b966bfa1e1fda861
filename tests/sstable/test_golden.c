/*
 * Tables written by earlier versions stay readable: tests/golden/sstable/vN holds some of each version of the format, and what
 * `strait inspect --rows` says of them.
 *
 * Before the first release they may be made anew, after it they are only added to. STRAIT_GOLDEN_MAKE=1 writes those of the
 * present version, and from them the fuzz corpora of tables and frames: tests/fuzz/corpus/sstable*.
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstable/frame_internal.h"

#define GOLDEN STRAIT_SOURCE_DIR "/tests/golden/sstable/v2/"
#define CORPUS STRAIT_SOURCE_DIR "/tests/fuzz/corpus/"

static const char path[] = "/t/table";

/* One of each kind of file. */
static const struct golden {
    const char *name;
    struct model_shape shape;
    uint32_t words; /* instead: one partition of so many rows of words, so that there is something to learn */
    uint32_t block_bytes, dictionary_after_bytes;
    int compression_level;
    bool no_lanes;
    uint32_t parity_pages; /* 0: without parity */
} goldens[] = {
    {.name = "mixed",
     .shape = {.partitions = 12, .rows_max = 20, .value_max = 20, .extras = true},
     .block_bytes = 500,
     .dictionary_after_bytes = UINT32_MAX,
     .compression_level = 1},
    {.name = "mixed-stored",
     .shape = {.partitions = 6, .rows_max = 12, .value_max = 20, .extras = true},
     .block_bytes = 300,
     .dictionary_after_bytes = UINT32_MAX},
    {.name = "mixed-whole",
     .shape = {.partitions = 6, .rows_max = 12, .value_max = 20, .extras = true},
     .dictionary_after_bytes = UINT32_MAX,
     .compression_level = 1,
     .no_lanes = true},
    {.name = "one-row-partitions",
     .shape = {.partitions = 40, .value_max = 20, .one_row = true},
     .dictionary_after_bytes = UINT32_MAX,
     .compression_level = 1},
    {.name = "wide",
     .shape = {.partitions = 1, .rows_max = 300, .value_max = 30},
     .block_bytes = 400,
     .dictionary_after_bytes = UINT32_MAX,
     .compression_level = 1},
    {.name = "dictionary",
     .words = 1200,
     .block_bytes = 1000,
     .dictionary_after_bytes = 30000,
     .compression_level = 1},
    {.name = "empty", .compression_level = 1},
    {.name = "parity",
     .shape = {.partitions = 500, .value_max = 12, .one_row = true},
     .dictionary_after_bytes = UINT32_MAX,
     .compression_level = 1,
     .parity_pages = 3},
};

static struct io_env *memory_env(void)
{
    struct io_env *env;
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &env));
    assert_ok(io_mkdir(env, "/t"));
    return env;
}

static struct buffer bytes_of(const char *name)
{
    struct buffer bytes = {0};
    uint8_t piece[4096];
    size_t got;
    FILE *file = fopen(name, "rb");
    if (!file)
        fail_msg("no file %s", name);
    while ((got = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_append(&bytes, piece, got);
    fclose(file);
    assert_ok(buffer_status(&bytes));
    return bytes;
}

static void bytes_keep(const char *name, struct slice bytes)
{
    FILE *file = fopen(name, "wb");
    if (!file || fwrite(bytes.data, 1, bytes.bytes, file) != bytes.bytes || fclose(file) != 0)
        fail_msg("%s cannot be written", name);
}

/* ---- making them ---- */

static void keep_frame(const char *name, uint8_t chooser, const struct frame_head *head, struct slice payload)
{
    char to[300];
    struct buffer input = {0};
    snprintf(to, sizeof to, CORPUS "sstable_frame/%s-%u", name, head->layout);
    buffer_append_u8(&input, chooser);
    buffer_append_u8(&input, (uint8_t)(head->layout == FRAME_FILTER ? head->level : head->items));
    buffer_append_slice(&input, payload);
    bytes_keep(to, buffer_slice(&input));
    buffer_deinit(&input);
}

/* For fuzz_sstable_frame: the last frame of each layout, decoded, behind the byte that chooses its decoder. */
static void keep_frames(const char *name, struct slice file)
{
    static const uint8_t choosers[] = {
        [FRAME_ROWS] = 0,   [FRAME_DIRECTORY] = 1,  [FRAME_BLOCK_INDEX] = 2, [FRAME_DIRECTORY_INDEX] = 3,
        [FRAME_FILTER] = 5, [FRAME_DICTIONARY] = 6, [FRAME_PARITY] = 7,
    };
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    assert_non_null(zstd);
    for (size_t at = IO_BLOCK_BYTES; at + FRAME_HEAD_BYTES < file.bytes;) {
        struct frame_head head;
        struct slice rest = slice_of(file.data + at, file.bytes - at);
        if (failed(frame_head_decode(rest, &head)) || head.layout == 0)
            break;
        struct slice frame = slice_of(rest.data, FRAME_HEAD_BYTES + (size_t)head.stored_bytes);
        uint8_t *raw = malloc(head.raw_bytes + 1);
        assert_non_null(raw);
        assert_ok(frame_decode(zstd, &head, frame, raw));
        bool index = head.layout == FRAME_DIRECTORY_INDEX; /* kept with its header */
        keep_frame(name, choosers[head.layout], &head, index ? frame : slice_of(raw, head.raw_bytes));
        free(raw);
        at += frame.bytes;
    }
    ZSTD_freeDCtx(zstd);
}

static void keep_info(const struct sstable_info *info)
{
    struct buffer input = {0};
    buffer_append_u8(&input, 4);
    buffer_append_u8(&input, 0);
    sstable_info_encode(&input, info);
    bytes_keep(CORPUS "sstable_frame/info", buffer_slice(&input));
    buffer_deinit(&input);
}

static char *dump_of(struct io_env *env)
{
    struct buffer text = {0};
    assert_ok(sstable_dump(env, path, true, &text));
    buffer_append_u8(&text, 0);
    assert_ok(buffer_status(&text));
    return (char *)text.data;
}

static void model_words(struct model *model, uint32_t rows)
{
    static const char *const words[] = {"partition", "clustering", "timestamp", "tombstone", "memtable"};
    struct random rng = {17};
    model_numbered(model, "words", rows, 1);
    for (uint32_t i = 0; i < rows; i++) {
        char text[100];
        size_t bytes = 0;
        for (uint32_t w = 0; w < 6; w++)
            bytes += (size_t)snprintf(text + bytes, sizeof text - bytes, "%s%c",
                                      words[random_below(&rng, ARRAY_LEN(words))],
                                      (char)('a' + random_below(&rng, 26)));
        model->partitions[0].rows[i].image = model_image(&model->arena, i, slice_of(text, bytes));
    }
}

static void golden_make(const struct golden *golden)
{
    char to[300];
    struct io_env *env = memory_env();
    struct random rng = {golden->shape.partitions + 1};
    struct model model;
    struct sstable_info info;
    struct sstable_build_options options = model_options(env, path);
    options.block_bytes = golden->block_bytes;
    options.compression_level = golden->compression_level;
    options.dictionary_after_bytes = golden->dictionary_after_bytes;
    options.no_lanes = golden->no_lanes;
    options.parity_pages = golden->parity_pages ? golden->parity_pages : UINT32_MAX;
    if (golden->words)
        model_words(&model, golden->words);
    else
        model_random(&model, &rng, &golden->shape);
    assert_ok(model_build(&model, &options, &info));

    struct io_file *file;
    uint8_t *data = malloc(info.file_bytes);
    size_t got;
    assert_non_null(data);
    assert_ok(io_open(env, path, IO_READ, &file));
    assert_ok(io_read(file, 0, data, info.file_bytes, &got));
    assert_int_equal(got, info.file_bytes);
    io_close(file);
    snprintf(to, sizeof to, GOLDEN "%s.sst", golden->name);
    bytes_keep(to, slice_of(data, got));
    snprintf(to, sizeof to, CORPUS "sstable/%s", golden->name);
    bytes_keep(to, slice_of(data, got));
    keep_frames(golden->name, slice_of(data, got));
    keep_info(&info);
    char *text = dump_of(env);
    snprintf(to, sizeof to, GOLDEN "%s.txt", golden->name);
    bytes_keep(to, slice_text(text));
    free(text);
    free(data);
    model_deinit(&model);
    io_env_close(env);
}

/* ---- reading them ---- */

static void golden_expect(const struct golden *golden)
{
    char from[300];
    struct io_env *env = memory_env();
    struct io_file *file;
    struct block_cache *cache;
    struct sstable *table;
    snprintf(from, sizeof from, GOLDEN "%s.sst", golden->name);
    struct buffer bytes = bytes_of(from);
    assert_ok(io_open(env, path, IO_READ | IO_WRITE | IO_CREATE, &file));
    assert_ok(io_write(file, 0, bytes.data, bytes.bytes, false));
    io_close(file);
    assert_ok(block_cache_new(1 << 20, &cache));
    assert_ok(sstable_open(env, path, MODEL_STORE_ID, cache, &table));
    assert_ok(sstable_verify(table));
    sstable_unref(table);
    block_cache_free(cache);
    buffer_deinit(&bytes);

    snprintf(from, sizeof from, GOLDEN "%s.txt", golden->name);
    bytes = bytes_of(from);
    buffer_append_u8(&bytes, 0);
    char *text = dump_of(env);
    assert_string_equal(text, (const char *)bytes.data);
    free(text);
    buffer_deinit(&bytes);
    io_env_close(env);
}

static void tables_of_version_2_are_whole_and_show_the_same_rows_as_ever(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        if (getenv("STRAIT_GOLDEN_MAKE"))
            golden_make(&goldens[i]);
        golden_expect(&goldens[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_of_version_2_are_whole_and_show_the_same_rows_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
