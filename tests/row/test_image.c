/* What a row image keeps, how small it is, and what it refuses. */
#include "tests/row/row_text.h"

static struct buffer image_of(const char *text)
{
    struct buffer image = {0};
    row_text_encode(text, &image);
    return image;
}

static void assert_round_trip(const char *text)
{
    struct buffer image = image_of(text);
    assert_image_is(buffer_slice(&image), text);
    buffer_deinit(&image);
}

static void assert_builds(const char *text, const char *expected)
{
    struct buffer image = image_of(text);
    assert_image_is(buffer_slice(&image), expected);
    buffer_deinit(&image);
}

static void an_image_keeps_everything_that_was_written(void **state)
{
    (void)state;
    assert_round_trip("");
    assert_round_trip("m@5");
    assert_round_trip("m@5~10:70");
    assert_round_trip("d@7:60");
    assert_round_trip("m@5 d@4:60 1@5=x 2@5= 9@6=longer");
    assert_round_trip("m@5~10:70 1@5~10:70=x 2@5~20:80=y 3@5=z 4@5!60");
    assert_round_trip("1@5=x 2@-3=y 4000000000@5=z");
    assert_round_trip("0@9223372036854775807=x 1@-9223372036854775807=y");
    assert_round_trip("m@-9223372036854775807 1@9223372036854775807!-5");
    assert_round_trip("m@5 1[a]@5=x 1[ab]@5= 1[b]@4=y 2@5=z 3[a]@5=x");
    assert_round_trip("m@5~10:70 1[*]@4!60 1[a]@5~10:70=x 1[b]@5~20:80=y 1[c]@5!60");
    assert_round_trip("1[*]@-9223372036854775807!60 2[*]@9223372036854775807!-1");
    assert_round_trip("0@5#0 1@6#-1 2@7#9223372036854775807");
    assert_round_trip("1@5=x 1[*]@5!60 1[a]@6=y"); /* nobody writes both, anybody may read it */
}

static void cells_are_put_into_the_order_of_columns(void **state)
{
    (void)state;
    assert_builds("3@1=c 1@1=a 2@1=b", "1@1=a 2@1=b 3@1=c");
}

static void elements_are_put_into_the_order_of_their_paths_behind_their_complex_deletion(void **state)
{
    (void)state;
    assert_builds("2@5=z 1[b]@5=y 1[*]@4!60 1[a]@5=x", "1[*]@4!60 1[a]@5=x 1[b]@5=y 2@5=z");
    assert_builds("1[b]@5=y 1[*]@4!60 1[a]@3=x 1[*]@2!70", "1[*]@4!60 1[b]@5=y");
    assert_builds("1[a]@3=x 1[*]@2!70 1[*]@4!60", "1[*]@4!60");
    assert_builds("1[a]@3=x 1[a]@4=y", "1[a]@4=y");
}

static void an_element_costs_three_bytes_above_path_and_value(void **state)
{
    (void)state;
    struct buffer bare = image_of("m@1700000000000000");
    struct buffer row = image_of("m@1700000000000000 1[abc]@1700000000000000=de 1[b]@1700000000000000=");
    assert_int_equal(row.bytes, bare.bytes + 3 + 5 + 3 + 1);
    buffer_deinit(&bare);
    buffer_deinit(&row);
}

/* Elements as a set of so many timeuuids has them, in falling order. */
static void a_large_collection_is_sorted_once(void **state)
{
    (void)state;
    enum { ELEMENTS = 50000 };
    struct row_builder builder = {0};
    struct buffer image = {0};
    uint8_t(*paths)[4] = malloc(ELEMENTS * sizeof *paths);
    assert_non_null(paths);
    row_builder_reset(&builder);
    for (uint32_t i = 0; i < ELEMENTS; i++) {
        store_be32(paths[i], ELEMENTS - i);
        row_builder_add(&builder, (struct cell){.column = 1, .timestamp = 5, .path = slice_of(paths[i], 4)});
    }
    assert_ok(row_builder_finish(&builder, &image));
    struct row_reader reader;
    struct cell cell;
    bool more;
    assert_ok(row_open(buffer_slice(&image), &reader));
    for (uint32_t i = 0; i < ELEMENTS; i++) {
        assert_ok(row_next_cell(&reader, &cell, &more));
        assert_true(more && cell.path.bytes == 4 && load_be32(cell.path.data) == i + 1);
    }
    assert_ok(row_next_cell(&reader, &cell, &more));
    assert_false(more);
    free(paths);
    row_builder_deinit(&builder);
    buffer_deinit(&image);
}

static void of_two_cells_of_one_column_the_winner_stays(void **state)
{
    (void)state;
    assert_builds("1@1=a 1@2=b", "1@2=b");
    assert_builds("1@2=a 1@2!60", "1@2!60");
}

static void a_row_deletion_takes_what_it_covers_at_once(void **state)
{
    (void)state;
    assert_builds("m@5 d@5:60 1@5=a 2@6=b", "d@5:60 2@6=b"); /* TS-13 */
}

static void an_ordinary_insert_costs_two_bytes_a_cell_above_the_values(void **state)
{
    (void)state;
    struct buffer bare = image_of("m@1700000000000000");
    struct buffer row = image_of("m@1700000000000000 1@1700000000000000=abcd 2@1700000000000000=e");
    assert_int_equal(row.bytes, bare.bytes + 2 * 2 + 5);
    struct buffer expiring = image_of("m@1700000000000000~60:1700000060");
    struct buffer expiring_row = image_of("m@1700000000000000~60:1700000060 "
                                          "1@1700000000000000~60:1700000060=abcd");
    assert_int_equal(expiring_row.bytes, expiring.bytes + 2 + 4);
    buffer_deinit(&bare);
    buffer_deinit(&row);
    buffer_deinit(&expiring);
    buffer_deinit(&expiring_row);
}

static void a_wide_row_is_no_different(void **state)
{
    (void)state;
    struct row_builder builder = {0};
    struct buffer image = {0};
    row_builder_reset(&builder);
    for (uint32_t i = 0; i < 1000; i++)
        row_builder_add(&builder, (struct cell){.column = 999 - i, .timestamp = i, .value = slice_text("v")});
    assert_ok(row_builder_finish(&builder, &image));
    struct row_reader reader;
    struct cell cell;
    bool more;
    assert_ok(row_open(buffer_slice(&image), &reader));
    assert_int_equal(reader.cell_count, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_ok(row_next_cell(&reader, &cell, &more));
        assert_true(more);
        assert_int_equal(cell.column, i);
        assert_int_equal(cell.timestamp, 999 - i);
    }
    assert_ok(row_next_cell(&reader, &cell, &more));
    assert_false(more);
    row_builder_deinit(&builder);
    buffer_deinit(&image);
}

static status read_all(struct slice image)
{
    struct row_facts facts;
    return row_facts_of(image, &facts);
}

static void every_truncation_and_every_extra_byte_is_corruption(void **state)
{
    (void)state;
    struct buffer image = image_of("m@5~10:70 d@4:60 1@5~10:70=x 2@6~20:80=y 3@5=zzz 4@5!60 "
                                   "5[*]@5!60 5[ab]@6~10:70=x 6@7#8");
    for (size_t bytes = 0; bytes < image.bytes; bytes++) {
        uint8_t *copy = malloc(bytes ? bytes : 1); /* exact size, for the sanitizer */
        memcpy(copy, image.data, bytes);
        assert_int_equal(read_all(slice_of(copy, bytes)).code, STATUS_CORRUPT);
        free(copy);
    }
    buffer_append_u8(&image, 0);
    assert_int_equal(read_all(buffer_slice(&image)).code, STATUS_CORRUPT);
    buffer_deinit(&image);
}

static void malformed_images_are_refused(void **state)
{
    (void)state;
#define REFUSED(expected, ...)                                                    \
    do {                                                                          \
        const uint8_t bytes[] = {__VA_ARGS__};                                    \
        assert_int_equal(read_all(slice_of(bytes, sizeof bytes)).code, expected); \
    } while (0)
#define BASE_0 0, 0, 0, 0, 0, 0, 0, 0
    REFUSED(STATUS_CORRUPT, 0x08, BASE_0, 0);                      /* unknown flag */
    REFUSED(STATUS_CORRUPT, 0x02, BASE_0, 1, 2, 0);                /* expiry without a marker */
    REFUSED(STATUS_CORRUPT, 0x03, BASE_0, 0, 2, 0);                /* ttl 0 */
    REFUSED(STATUS_CORRUPT, 0x00, BASE_0, 1);                      /* a cell that is not there */
    REFUSED(STATUS_CORRUPT, 0x00, BASE_0, 2, 0x10, 0, 0x00, 0);    /* the same column twice */
    REFUSED(STATUS_CORRUPT, 0x01, BASE_0, 1, 0x16, 0);             /* expiring with a marker that does not */
    REFUSED(STATUS_CORRUPT, 0x00, BASE_0, 0xff, 0xff, 0xff, 0x7f); /* more cells than bytes */
    REFUSED(STATUS_CORRUPT, 0x00, 0, 0, 0, 0, 0, 0, 0, 0x80, 0);   /* no timestamp */
    /* Elements: */
    REFUSED(STATUS_OK, 0x00, BASE_0, 2, 0x18, 1, 'a', 0, 0x08, 1, 'b', 0);
    REFUSED(STATUS_CORRUPT, 0x00, BASE_0, 2, 0x18, 1, 'a', 0, 0x08, 1, 'a', 0); /* twice */
    REFUSED(STATUS_CORRUPT, 0x00, BASE_0, 2, 0x18, 1, 'b', 0, 0x08, 1, 'a', 0); /* falling */
    REFUSED(STATUS_CORRUPT, 0x00, BASE_0, 2, 0x18, 1, 'a', 0, 0x00, 0);         /* a plain cell behind them */
    REFUSED(STATUS_CORRUPT, 0x00, BASE_0, 1, 0x1a, 0, 2, 0, 0); /* expiring, with an empty path */
    /* Complex deletions: */
    REFUSED(STATUS_OK, 0x00, BASE_0, 2, 0x1c, 0, 0, 0x08, 1, 'a', 0);
    REFUSED(STATUS_CORRUPT, 0x00, BASE_0, 2, 0x18, 1, 'a', 0, 0x0c, 0, 0); /* behind an element */
    REFUSED(STATUS_CORRUPT, 0x00, BASE_0, 2, 0x1c, 0, 0, 0x0c, 0, 0);      /* twice */
    /* Counters: */
    REFUSED(STATUS_OK, 0x00, BASE_0, 1, 0x18, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1);
    REFUSED(STATUS_CORRUPT, 0x00, BASE_0, 1, 0x18, 0, 7, 0, 0, 0, 0, 0, 0, 0); /* seven bytes */
    REFUSED(STATUS_CORRUPT, 0x00, BASE_0, 2, 0x1c, 0, 0, 0x08, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1); /* late */
#undef BASE_0
#undef REFUSED
}

static void changed_bytes_never_lead_outside(void **state)
{
    (void)state;
    struct random rng = random_for("images");
    struct buffer image = {0};
    for (int round = 0; round < 20000; round++) {
        buffer_clear(&image);
        row_random(&rng, &image);
        for (uint64_t i = 1 + random_below(&rng, 3); i > 0; i--)
            image.data[random_below(&rng, image.bytes)] = (uint8_t)random_next(&rng);
        uint8_t *exact = malloc(image.bytes);
        memcpy(exact, image.data, image.bytes);
        status st = read_all(slice_of(exact, image.bytes));
        assert_true(ok(st) || st.code == STATUS_CORRUPT);
        free(exact);
    }
    buffer_deinit(&image);
}

static void facts_cover_marker_deletion_and_cells(void **state)
{
    (void)state;
    struct row_facts facts;
    struct buffer image = image_of("m@5~10:70 d@3:60 1@9=x 2@7!50 3@8~10:90=y");
    assert_ok(row_facts_of(buffer_slice(&image), &facts));
    assert_int_equal(facts.min_timestamp, 3);
    assert_int_equal(facts.max_timestamp, 9);
    assert_int_equal(facts.min_expiry_s, 50);
    assert_int_equal(facts.max_expiry_s, 90);
    assert_int_equal(facts.tombstones, 2);
    buffer_deinit(&image);

    image = image_of("1[*]@3!50 1[a]@9!60 1[b]@5~10:90=x 2@4#7");
    assert_ok(row_facts_of(buffer_slice(&image), &facts));
    assert_int_equal(facts.min_timestamp, 3);
    assert_int_equal(facts.max_timestamp, 9);
    assert_int_equal(facts.min_expiry_s, 50);
    assert_int_equal(facts.max_expiry_s, 90);
    assert_int_equal(facts.tombstones, 2);
    buffer_deinit(&image);

    image = image_of("1@4=x");
    assert_ok(row_facts_of(buffer_slice(&image), &facts));
    assert_int_equal(facts.min_timestamp, 4);
    assert_true(facts.min_expiry_s == INT64_MAX && facts.max_expiry_s == INT64_MIN);
    assert_int_equal(facts.tombstones, 0);
    buffer_deinit(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_keeps_everything_that_was_written),
        cmocka_unit_test(cells_are_put_into_the_order_of_columns),
        cmocka_unit_test(elements_are_put_into_the_order_of_their_paths_behind_their_complex_deletion),
        cmocka_unit_test(an_element_costs_three_bytes_above_path_and_value),
        cmocka_unit_test(a_large_collection_is_sorted_once),
        cmocka_unit_test(of_two_cells_of_one_column_the_winner_stays),
        cmocka_unit_test(a_row_deletion_takes_what_it_covers_at_once),
        cmocka_unit_test(an_ordinary_insert_costs_two_bytes_a_cell_above_the_values),
        cmocka_unit_test(a_wide_row_is_no_different),
        cmocka_unit_test(every_truncation_and_every_extra_byte_is_corruption),
        cmocka_unit_test(malformed_images_are_refused),
        cmocka_unit_test(changed_bytes_never_lead_outside),
        cmocka_unit_test(facts_cover_marker_deletion_and_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
