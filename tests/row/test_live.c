/* Walking what lives gives what an image of what lives has (DEL-4, DEL-11). */
#include <time.h>

#include "row/live.h"
#include "tests/row/row_text.h"

enum {
    ROUNDS = 3000,
    NOW_S = 100,
};

static struct cell random_cell(struct random *rng)
{
    struct cell cell = row_random_cell(rng);
    cell.column = (uint32_t)random_below(rng, 6);
    cell.timestamp = (int64_t)random_below(rng, 20);
    if (!cell_lasts(&cell))
        cell.expiry_s = NOW_S - 3 + (int64_t)random_below(rng, 6);
    return cell;
}

static void random_row(struct random *rng, struct row_builder *row)
{
    row_builder_reset(row);
    if (random_below(rng, 2))
        row->marker = (struct marker){.timestamp = (int64_t)random_below(rng, 20)};
    if (row->marker.timestamp != TIMESTAMP_NONE && random_below(rng, 2)) {
        row->marker.ttl_s = 10;
        row->marker.expiry_s = NOW_S - 3 + (int64_t)random_below(rng, 6);
    }
    if (random_below(rng, 3) == 0)
        row->deletion = (struct deletion){(int64_t)random_below(rng, 20), NOW_S};
    for (uint64_t i = random_below(rng, 12); i > 0; i--)
        row_builder_add(row, random_cell(rng));
}

static void compare(struct slice image, struct deletion cover, struct buffer *live)
{
    struct live_reader walk;
    struct row_reader reader;
    bool lives, more, expected_more = false, came = false;
    uint64_t tombstones = 0;
    struct cell cell, expected;
    buffer_clear(live);
    assert_ok(row_live(image, cover, NOW_S, live, &lives, &tombstones));
    assert_ok(live_open(image, cover, NOW_S, &walk));
    if (lives)
        assert_ok(row_open(buffer_slice(live), &reader));
    for (;;) {
        assert_ok(live_next_cell(&walk, &cell, &more));
        if (lives)
            assert_ok(row_next_cell(&reader, &expected, &expected_more));
        assert_int_equal(more, lives && expected_more);
        if (!more)
            break;
        came = true;
        assert_int_equal(cell.column, expected.column);
        assert_true(cell.timestamp == expected.timestamp && cell.expiry_s == expected.expiry_s);
        assert_true(slice_equal(cell.path, expected.path) && slice_equal(cell.value, expected.value));
    }
    assert_int_equal(lives, walk.marker_lives || came);
    assert_int_equal(tombstones, walk.tombstones);
}

static void the_walk_gives_the_cells_that_the_image_would_have(void **state)
{
    (void)state;
    uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct random rng = {seed};
    struct row_builder row = {0};
    struct buffer image = {0}, live = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct deletion cover = DELETION_NONE;
        random_row(&rng, &row);
        if (random_below(&rng, 2))
            cover = (struct deletion){(int64_t)random_below(&rng, 20), NOW_S};
        buffer_clear(&image);
        assert_ok(row_builder_finish(&row, &image));
        compare(buffer_slice(&image), cover, &live);
    }
    row_builder_deinit(&row);
    buffer_deinit(&image);
    buffer_deinit(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_walk_gives_the_cells_that_the_image_would_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
