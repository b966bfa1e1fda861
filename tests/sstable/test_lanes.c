/* Rows cut lengthwise come together again, byte for byte; what cannot be cut travels whole. */
#include "model.h"

#include <stdlib.h>

#include "row/row.h"
#include "sstable/integers_internal.h"
#include "sstable/rows_internal.h"

static struct rows_encoder *encoder;

static int setup(void **state)
{
    (void)state;
    encoder = rows_encoder_new();
    return encoder ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    rows_encoder_free(encoder);
    return 0;
}

static void collect(const struct model *model, struct rows_builder *rows)
{
    rows_builder_clear(rows);
    for (uint32_t i = 0; i < model->count; i++)
        for (uint32_t r = 0; r < model->partitions[i].row_count; r++)
            assert_ok(rows_builder_add(rows, i, model->partitions[i].rows[r].clustering,
                                       model->partitions[i].rows[r].image));
}

static status decode(struct slice payload, uint32_t rows, const struct sstable_dictionary *dictionary,
                     struct block **out_block)
{
    ZSTD_DCtx *zstd = NULL;
    struct buffer scratch = {0};
    struct rows_decompressor decompressor = {.zstd = &zstd, .dictionary = dictionary, .scratch = &scratch};
    status st = rows_decode(&decompressor, payload, rows, out_block);
    ZSTD_freeDCtx(zstd);
    buffer_deinit(&scratch);
    return st;
}

static void expect_rows(const struct model *model, const struct block *block)
{
    struct rows_view view = rows_view_of(block);
    uint32_t at = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        for (uint32_t r = 0; r < model->partitions[i].row_count; r++, at++) {
            const struct model_row *row = &model->partitions[i].rows[r];
            struct row_view found = rows_row(&view, at);
            assert_true(slice_equal(found.clustering, row->clustering));
            assert_true(slice_equal(found.image, row->image));
            assert_int_equal(view.prefixes[at], key_prefix(row->clustering));
        }
    }
}

static void expect_row(const struct block *whole, const struct block *unfolded, uint32_t row)
{
    struct rows_view a = rows_view_of(whole), b = rows_view_of(unfolded);
    struct row_view expected = rows_row(&a, row), found = rows_row(&b, row);
    assert_true(slice_equal(found.clustering, expected.clustering));
    assert_true(slice_equal(found.image, expected.image));
}

/* From `first` to the end, then from the beginning, which perhaps was passed over. */
static void expect_unfolded(const struct block *whole, struct slice payload,
                            const struct sstable_dictionary *dictionary, uint32_t first, bool may_pass)
{
    ZSTD_DCtx *zstd = NULL;
    struct buffer scratch = {0};
    struct rows_decompressor decompressor = {.zstd = &zstd, .dictionary = dictionary, .scratch = &scratch};
    struct rows_unfolding unfolding = {0};
    struct block *block;
    assert_ok(rows_unfolding_begin(&unfolding, &decompressor, payload, whole->items, may_pass, &block));
    for (uint32_t row = first; row < whole->items; row++) {
        assert_ok(rows_unfold(&unfolding, row));
        expect_row(whole, block, row);
    }
    for (uint32_t row = 0; row < whole->items; row++) {
        assert_ok(rows_unfold(&unfolding, row));
        expect_row(whole, block, row);
    }
    rows_unfolding_deinit(&unfolding);
    block_unref(block);
    ZSTD_freeDCtx(zstd);
    buffer_deinit(&scratch);
}

/* Through lanes and back, whole and unfolded; returns the bytes of images that went whole. */
static size_t expect_round_trip(const struct model *model, const struct rows_compressor *compressor)
{
    struct rows_builder rows = {0};
    struct buffer payload = {0}, keys = {0};
    struct block *block;
    struct sstable_block_summary summary;
    struct slice first, last;
    size_t raw, stored, whole = 0;
    collect(model, &rows);
    if (rows.rows == 0) {
        rows_builder_deinit(&rows);
        return 0;
    }
    assert_ok(rows_encode(encoder, compressor, &rows, &payload));
    for (uint32_t lane = 0; rows_encoder_lane(encoder, lane, &raw, &stored); lane++)
        if (strcmp(rows_encoder_lane(encoder, lane, &raw, &stored), "whole") == 0)
            whole = raw;
    assert_ok(decode(buffer_slice(&payload), rows.rows, compressor->dictionary, &block));
    expect_rows(model, block);
    expect_unfolded(block, buffer_slice(&payload), compressor->dictionary, rows.rows / 2, true);
    expect_unfolded(block, buffer_slice(&payload), compressor->dictionary, rows.rows / 2, false);
    assert_ok(rows_summary(buffer_slice(&payload), rows.rows, &summary));
    assert_int_equal(summary.rows, rows.rows);
    assert_int_equal(summary.raw_bytes, rows.summary.raw_bytes);
    assert_int_equal(summary.content_hash, rows.summary.content_hash);
    assert_int_equal(summary.cells, rows.summary.cells);
    assert_int_equal(summary.tombstones, rows.summary.tombstones);
    assert_int_equal(summary.expiring, rows.summary.expiring);
    assert_int_equal(summary.min_timestamp, rows.summary.min_timestamp);
    assert_int_equal(summary.max_timestamp, rows.summary.max_timestamp);
    assert_int_equal(summary.min_expiry_s, rows.summary.min_expiry_s);
    assert_int_equal(summary.max_expiry_s, rows.summary.max_expiry_s);
    assert_int_equal(summary.never_expires, rows.summary.never_expires);
    assert_ok(rows_end_keys(buffer_slice(&payload), rows.rows, &keys, &first, &last));
    struct rows_view view = rows_view_of(block);
    assert_true(slice_equal(first, rows_key(&view, 0)));
    assert_true(slice_equal(last, rows_key(&view, rows.rows - 1)));
    block_unref(block);
    buffer_deinit(&keys);
    buffer_deinit(&payload);
    rows_builder_deinit(&rows);
    return whole;
}

static void random_rows_come_together_again(void **state)
{
    (void)state;
    struct random rng = {21};
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    for (uint32_t round = 0; round < 300; round++) {
        struct model model;
        struct rows_compressor compressor = {.zstd = round % 2 ? zstd : NULL, .whole = round % 11 == 0};
        struct model_shape shape = {.partitions = 1 + (uint32_t)random_below(&rng, 4),
                                    .rows_max = 1 + (uint32_t)random_below(&rng, 100),
                                    .value_max = (uint32_t)random_below(&rng, 200),
                                    .one_row = round % 7 == 0};
        model_random(&model, &rng, &shape);
        expect_round_trip(&model, &compressor);
        model_deinit(&model);
    }
    ZSTD_freeCCtx(zstd);
}

static void rows_with_a_dictionary_come_together_again(void **state)
{
    (void)state;
    struct random rng = {22};
    for (uint32_t round = 0; round < 5; round++) {
        struct model model;
        struct model_shape shape = {.partitions = 40, .rows_max = 100, .value_max = 60};
        struct dictionary_sample sample = {0};
        struct sstable_dictionary *dictionary;
        struct rows_compressor compressor = {0};
        model_random(&model, &rng, &shape);
        for (uint32_t i = 0; i < model.count; i++)
            for (uint32_t r = 0; r < model.partitions[i].row_count; r++)
                dictionary_sample_add(&sample, model.partitions[i].rows[r].clustering,
                                      model.partitions[i].rows[r].image);
        assert_ok(dictionary_learn(&sample, NULL, &dictionary));
        if (dictionary) {
            assert_ok(dictionary_encoders(dictionary, &compressor.encoders));
            compressor.dictionary = dictionary;
        }
        expect_round_trip(&model, &compressor);
        sstable_dictionary_unref(dictionary);
        dictionary_sample_deinit(&sample);
        model_deinit(&model);
    }
}

/* One row with cells in so many columns. */
static struct model wide_row(uint32_t columns, struct slice value)
{
    struct model model = {.count = 1};
    struct row_builder row = {0};
    struct buffer image = {0};
    row_builder_reset(&row);
    for (uint32_t i = 0; i < columns; i++)
        row_builder_add(&row, (struct cell){.column = i, .kind = CELL_LIVE, .timestamp = 9, .value = value});
    assert_ok(row_builder_finish(&row, &image));
    model.partitions = arena_calloc(&model.arena, 1, sizeof *model.partitions);
    model.partitions[0].rows = arena_calloc(&model.arena, 1, sizeof *model.partitions[0].rows);
    model.partitions[0].rows[0].image = arena_copy(&model.arena, buffer_slice(&image));
    model.partitions[0].row_count = 1;
    row_builder_deinit(&row);
    buffer_deinit(&image);
    return model;
}

static void columns_beyond_the_sixteenth_share_a_lane_and_very_wide_rows_go_whole(void **state)
{
    (void)state;
    static const uint32_t columns[] = {0, 1, 15, 16, 17, 100, ROWS_VALUES_MAX, ROWS_VALUES_MAX + 1};
    for (uint32_t i = 0; i < ARRAY_LEN(columns); i++) {
        struct model model = wide_row(columns[i], slice_text("a value of some length"));
        size_t whole = expect_round_trip(&model, &(struct rows_compressor){0});
        assert_int_equal(whole != 0, columns[i] > ROWS_VALUES_MAX);
        model_deinit(&model);
    }
}

static void an_image_with_an_overlong_number_goes_whole(void **state)
{
    (void)state;
    /* Flags 1, base 1, one cell, tag 0x10, value "v": first as it should be, then with a length of two bytes. */
    static const uint8_t images[2][14] = {{1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x10, 1, 'v'},
                                          {1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x10, 0x81, 0, 'v'}};
    static const size_t sizes[2] = {13, 14};
    for (uint32_t i = 0; i < 2; i++) {
        struct model model = wide_row(1, slice_text("x"));
        struct model_row rows[40];
        uint8_t keys[40];
        for (uint32_t r = 0; r < 40; r++) {
            keys[r] = (uint8_t)r;
            rows[r] = (struct model_row){slice_of(&keys[r], 1), slice_of(images[i], sizes[i])};
        }
        model.partitions[0].rows = rows;
        model.partitions[0].row_count = 40;
        assert_int_equal(expect_round_trip(&model, &(struct rows_compressor){0}) != 0, i == 1);
        model_deinit(&model);
    }
}

/* What cannot be decoded as a whole cannot be unfolded either, however often it is asked for, and never counts as whole. */
static void expect_refused(struct slice payload, uint32_t rows)
{
    ZSTD_DCtx *zstd = NULL;
    struct buffer scratch = {0};
    struct rows_decompressor decompressor = {.zstd = &zstd, .scratch = &scratch};
    struct rows_unfolding unfolding = {0};
    struct block *block;
    if (ok(rows_unfolding_begin(&unfolding, &decompressor, payload, rows, false, &block))) {
        for (uint32_t i = 0; i < 2; i++) {
            assert_int_equal(rows_unfold(&unfolding, rows - 1).code, STATUS_CORRUPT);
            assert_true(unfolding.rows < rows);
        }
        rows_unfolding_deinit(&unfolding);
        block_unref(block);
    } else {
        rows_unfolding_deinit(&unfolding);
    }
    ZSTD_freeDCtx(zstd);
    buffer_deinit(&scratch);
}

static void damaged_lanes_are_refused_or_decode_within_bounds(void **state)
{
    (void)state;
    struct random rng = {5};
    struct model model;
    struct model_shape shape = {.partitions = 2, .rows_max = 30, .value_max = 20};
    struct rows_builder rows = {0};
    struct buffer payload = {0};
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    struct rows_compressor compressor = {.zstd = zstd};
    model_random(&model, &rng, &shape);
    collect(&model, &rows);
    assert_ok(rows_encode(encoder, &compressor, &rows, &payload));
    for (uint32_t i = 0; i < 20000; i++) {
        struct slice damaged = buffer_slice(&payload);
        size_t at = random_below(&rng, payload.bytes);
        uint8_t kept = payload.data[at];
        struct block *block = NULL;
        payload.data[at] = (uint8_t)random_next(&rng);
        if (random_below(&rng, 4) == 0)
            damaged.bytes = random_below(&rng, damaged.bytes);
        status st = decode(damaged, rows.rows, NULL, &block);
        assert_true(ok(st) || st.code == STATUS_CORRUPT);
        if (ok(st))
            block_unref(block);
        else
            expect_refused(damaged, rows.rows);
        payload.data[at] = kept;
    }
    ZSTD_freeCCtx(zstd);
    buffer_deinit(&payload);
    rows_builder_deinit(&rows);
    model_deinit(&model);
}

static void integers_of_every_size_come_back(void **state)
{
    (void)state;
    struct random rng = {77};
    for (uint32_t round = 0; round < 2000; round++) {
        uint64_t values[200];
        uint32_t count = (uint32_t)random_below(&rng, 200), width = 1 + (uint32_t)random_below(&rng, 64);
        struct buffer lane = {0};
        for (uint32_t i = 0; i < count; i++)
            values[i] = random_below(&rng, 20) ? random_next(&rng) >> (64 - width) : random_next(&rng);
        integers_encode(values, round % 5 ? count : count != 0, &lane);
        if (round % 5 == 0)
            count = count != 0;
        struct integers_reader in = integers_reader_of(buffer_slice(&lane));
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(integers_next(&in), values[i]);
        assert_true(integers_at_end(&in));
        if (count && in.k != INTEGERS_EQUAL) {
            for (uint32_t i = 0; i < 8; i++)
                (void)integers_next(&in);
            assert_true(in.failed);
        }
        buffer_deinit(&lane);
    }
}

static void a_key_is_found_among_rows_as_by_looking_at_each(void **state)
{
    (void)state;
    struct random rng = {31};
    for (uint32_t round = 0; round < 100; round++) {
        struct model model;
        struct model_shape shape = {.partitions = 1, .rows_max = 90, .value_max = 5};
        struct rows_builder rows = {0};
        struct buffer payload = {0};
        struct block *block;
        model_random(&model, &rng, &shape);
        collect(&model, &rows);
        if (rows.rows) {
            assert_ok(rows_encode(encoder, &(struct rows_compressor){0}, &rows, &payload));
            assert_ok(decode(buffer_slice(&payload), rows.rows, NULL, &block));
            struct rows_view view = rows_view_of(block);
            for (uint32_t i = 0; i < 50; i++) {
                uint32_t near = (uint32_t)random_below(&rng, rows.rows), expected = 0;
                uint8_t key[64];
                struct slice at = rows_key(&view, near);
                size_t bytes = at.bytes < sizeof key ? at.bytes : sizeof key;
                if (bytes)
                    memcpy(key, at.data, bytes);
                if (bytes && random_below(&rng, 2))
                    key[random_below(&rng, bytes)] ^= (uint8_t)(1 << random_below(&rng, 8));
                struct slice target = slice_of(key, random_below(&rng, 4) ? bytes : bytes / 2);
                while (expected < rows.rows && slice_compare(rows_key(&view, expected), target) < 0)
                    expected++;
                uint32_t guess = (uint32_t)random_below(&rng, rows.rows + 2);
                assert_int_equal(rows_find(&view, 0, rows.rows, guess, target), expected);
            }
            block_unref(block);
        }
        buffer_deinit(&payload);
        rows_builder_deinit(&rows);
        model_deinit(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_rows_come_together_again),
        cmocka_unit_test(rows_with_a_dictionary_come_together_again),
        cmocka_unit_test(columns_beyond_the_sixteenth_share_a_lane_and_very_wide_rows_go_whole),
        cmocka_unit_test(an_image_with_an_overlong_number_goes_whole),
        cmocka_unit_test(damaged_lanes_are_refused_or_decode_within_bounds),
        cmocka_unit_test(integers_of_every_size_come_back),
        cmocka_unit_test(a_key_is_found_among_rows_as_by_looking_at_each),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
