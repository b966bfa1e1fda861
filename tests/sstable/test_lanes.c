/* Rows cut lengthwise come together again, byte for byte; what cannot be cut is left whole. */
#include "model.h"

#include <stdlib.h>

#include "row/row.h"
#include "sstable/lanes_internal.h"
#include "sstable/rows_block_internal.h"

/* The payload of a model's rows in one block. */
static struct slice payload_of(const struct model *model, struct rows_builder *rows)
{
    struct slice payload;
    rows_builder_clear(rows);
    for (uint32_t i = 0; i < model->count; i++) {
        rows_builder_run(rows);
        for (uint32_t r = 0; r < model->partitions[i].row_count; r++)
            rows_builder_add(rows, model->partitions[i].rows[r].clustering,
                             model->partitions[i].rows[r].image);
    }
    assert_ok(rows_builder_finish(rows, &payload));
    return payload;
}

static bool expect_split_and_joined(struct lanes_splitter *splitter, const struct model *model,
                                    size_t *out_bytes)
{
    struct rows_builder rows = {0};
    struct buffer lanes = {0};
    struct slice payload = payload_of(model, &rows);
    bool split;
    assert_ok(lanes_split(splitter, payload, rows.rows, &lanes, &split));
    if (split) {
        uint32_t bytes;
        assert_ok(lanes_joined_bytes(buffer_slice(&lanes), &bytes));
        assert_int_equal(bytes, payload.bytes);
        uint8_t *joined = malloc(bytes);
        assert_non_null(joined);
        assert_ok(lanes_join(buffer_slice(&lanes), rows.rows, joined, bytes));
        assert_memory_equal(joined, payload.data, bytes);
        free(joined);
    }
    *out_bytes = lanes.bytes;
    buffer_deinit(&lanes);
    rows_builder_deinit(&rows);
    return split;
}

static void random_rows_come_together_again(void **state)
{
    (void)state;
    struct random rng = {21};
    struct lanes_splitter splitter = {0};
    uint32_t split = 0;
    for (uint32_t round = 0; round < 200; round++) {
        struct model model;
        size_t bytes;
        struct model_shape shape = {.partitions = 1 + (uint32_t)random_below(&rng, 4),
                                    .rows_max = 1 + (uint32_t)random_below(&rng, 100),
                                    .value_max = (uint32_t)random_below(&rng, 200),
                                    .one_row = round % 7 == 0};
        model_random(&model, &rng, &shape);
        split += expect_split_and_joined(&splitter, &model, &bytes);
        model_deinit(&model);
    }
    assert_true(split > 150);
    lanes_splitter_deinit(&splitter);
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

static void columns_beyond_the_sixteenth_share_a_lane_and_very_wide_rows_stay_whole(void **state)
{
    (void)state;
    struct lanes_splitter splitter = {0};
    size_t bytes;
    static const uint32_t columns[] = {0, 1, 15, 16, 17, 100, LANES_VALUES_MAX, LANES_VALUES_MAX + 1};
    for (uint32_t i = 0; i < ARRAY_LEN(columns); i++) {
        struct model model = wide_row(columns[i], slice_text("a value of some length"));
        bool split = expect_split_and_joined(&splitter, &model, &bytes);
        if (columns[i] >= 1)
            assert_int_equal(split, columns[i] <= LANES_VALUES_MAX);
        model_deinit(&model);
    }
    lanes_splitter_deinit(&splitter);
}

static void an_image_with_an_overlong_number_stays_whole(void **state)
{
    (void)state;
    struct lanes_splitter splitter = {0};
    size_t bytes;
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
        assert_int_equal(expect_split_and_joined(&splitter, &model, &bytes), i == 0);
        model_deinit(&model);
    }
    lanes_splitter_deinit(&splitter);
}

static void damaged_lanes_are_refused_or_join_within_bounds(void **state)
{
    (void)state;
    struct random rng = {5};
    struct model model;
    struct model_shape shape = {.partitions = 2, .rows_max = 30, .value_max = 20};
    struct rows_builder rows = {0};
    struct lanes_splitter splitter = {0};
    struct buffer lanes = {0};
    bool split;
    model_random(&model, &rng, &shape);
    struct slice payload = payload_of(&model, &rows);
    assert_ok(lanes_split(&splitter, payload, rows.rows, &lanes, &split));
    assert_true(split);
    for (uint32_t i = 0; i < 20000; i++) {
        struct slice damaged = buffer_slice(&lanes);
        size_t at = random_below(&rng, lanes.bytes);
        uint8_t kept = lanes.data[at];
        uint32_t bytes;
        lanes.data[at] = (uint8_t)random_next(&rng);
        if (random_below(&rng, 4) == 0)
            damaged.bytes = random_below(&rng, damaged.bytes);
        if (ok(lanes_joined_bytes(damaged, &bytes))) {
            uint8_t *joined = malloc(bytes);
            assert_non_null(joined);
            status st = lanes_join(damaged, rows.rows, joined, bytes);
            assert_true(ok(st) || st.code == STATUS_CORRUPT);
            free(joined);
        }
        lanes.data[at] = kept;
    }
    buffer_deinit(&lanes);
    lanes_splitter_deinit(&splitter);
    rows_builder_deinit(&rows);
    model_deinit(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_rows_come_together_again),
        cmocka_unit_test(columns_beyond_the_sixteenth_share_a_lane_and_very_wide_rows_stay_whole),
        cmocka_unit_test(an_image_with_an_overlong_number_stays_whole),
        cmocka_unit_test(damaged_lanes_are_refused_or_join_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
