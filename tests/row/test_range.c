/* Range tombstone lists against the plainest model: ask every piece about every key. */
#include "row/key.h"
#include "row/range.h"
#include "tests/row/row_text.h"

static struct deletion naive_over(const struct range_tombstone *pieces, uint32_t count, struct slice key)
{
    struct deletion best = DELETION_NONE;
    for (uint32_t i = 0; i < count; i++)
        if (slice_compare(pieces[i].start, key) <= 0 && slice_compare(key, pieces[i].end) < 0)
            best = deletion_max(best, pieces[i].deletion);
    return best;
}

static void assert_is_list(const struct range_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        assert_true(slice_compare(list->items[i].start, list->items[i].end) < 0);
        if (!i)
            continue;
        int gap = slice_compare(list->items[i - 1].end, list->items[i].start);
        assert_true(gap <= 0);
        if (gap == 0) /* neighbours with one deletion are joined */
            assert_int_not_equal(deletion_compare(list->items[i - 1].deletion, list->items[i].deletion), 0);
    }
}

/* Bounds are single letters, so that they meet and overlap in every way. */
static const char letters[] = "abcdefghijklmnop";

static void random_piece(struct random *rng, struct range_tombstone *out)
{
    size_t start = random_below(rng, 15);
    size_t bytes = random_below(rng, 16 - start);
    out->start = slice_of(letters + start, random_below(rng, 8) ? 1 : 0);
    out->end = slice_of(letters + start + bytes, 1); /* may be empty */
    out->deletion = (struct deletion){(int64_t)random_below(rng, 4), (int64_t)random_below(rng, 2)};
    if (random_below(rng, 20) == 0)
        out->deletion = DELETION_NONE;
}

static void a_list_knows_the_strongest_deletion_over_every_key(void **state)
{
    (void)state;
    struct random rng = random_for("ranges");
    struct arena arena = {0};
    struct range_tombstone pieces[40];
    for (int round = 0; round < 20000; round++) {
        uint32_t count = (uint32_t)random_below(&rng, round % 2 ? 5 : 40);
        for (uint32_t i = 0; i < count; i++)
            random_piece(&rng, &pieces[i]);
        struct range_list list;
        assert_ok(range_list_build(&arena, pieces, count, &list));
        assert_is_list(&list);
        for (size_t i = 0; i < sizeof letters - 1; i++)
            for (size_t bytes = 0; bytes <= 2 && i + bytes < sizeof letters; bytes++) {
                struct slice key = slice_of(letters + i, bytes);
                struct deletion expected = naive_over(pieces, count, key);
                assert_int_equal(deletion_compare(range_list_over(&list, key), expected), 0);
            }
        arena_reset(&arena);
    }
    arena_deinit(&arena);
}

static struct range_tombstone piece(const char *start, const char *end, int64_t timestamp)
{
    return (struct range_tombstone){slice_text(start), slice_text(end), {timestamp, 60}};
}

static void a_weaker_piece_inside_a_stronger_leaves_no_cut(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct range_list list;
    struct range_tombstone pieces[] = {piece("b", "c", 1), piece("a", "d", 2), piece("d", "e", 2)};
    assert_ok(range_list_build(&arena, pieces, 3, &list));
    assert_int_equal(list.count, 1);
    assert_true(slice_equal(list.items[0].start, slice_text("a")));
    assert_true(slice_equal(list.items[0].end, slice_text("e")));
    arena_deinit(&arena);
}

static void a_stronger_piece_cuts_a_weaker_in_three(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct range_list list;
    struct range_tombstone pieces[] = {piece("a", "d", 1), piece("b", "c", 2)};
    assert_ok(range_list_build(&arena, pieces, 2, &list));
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[0].deletion.timestamp, 1);
    assert_int_equal(list.items[1].deletion.timestamp, 2);
    assert_int_equal(list.items[2].deletion.timestamp, 1);
    arena_deinit(&arena);
}

static void a_range_may_reach_the_end_of_the_partition(void **state)
{
    (void)state;
    static const uint8_t after[] = {KEY_AFTER};
    struct range_tombstone all = {{0}, slice_of(after, 1), {5, 60}};
    struct range_list list = {&all, 1};
    struct buffer key = {0};
    assert_int_equal(range_list_over(&list, (struct slice){0}).timestamp, 5);
    assert_ok(
        key_append(&key, (struct key_column){.kind = KEY_INT32, .descending = true}, (struct slice){0}));
    assert_int_equal(range_list_over(&list, buffer_slice(&key)).timestamp, 5);
    buffer_deinit(&key);
}

static void a_list_survives_its_encoding_and_truncations_are_corruption(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct range_list list, back;
    struct buffer bytes = {0};
    struct range_tombstone pieces[] = {piece("a", "d", -7), piece("b", "cc", 2), piece("x", "y", 1)};
    assert_ok(range_list_build(&arena, pieces, 3, &list));
    range_list_encode(&bytes, &list);
    struct reader in = reader_of(buffer_slice(&bytes));
    assert_ok(range_list_decode(&in, &arena, &back));
    assert_int_equal(reader_left(&in), 0);
    assert_int_equal(back.count, list.count);
    for (uint32_t i = 0; i < list.count; i++) {
        assert_true(slice_equal(back.items[i].start, list.items[i].start));
        assert_true(slice_equal(back.items[i].end, list.items[i].end));
        assert_int_equal(deletion_compare(back.items[i].deletion, list.items[i].deletion), 0);
    }
    for (size_t i = 0; i < bytes.bytes; i++) {
        uint8_t *exact = malloc(i ? i : 1);
        memcpy(exact, bytes.data, i);
        in = reader_of(slice_of(exact, i));
        assert_int_equal(range_list_decode(&in, &arena, &back).code, STATUS_CORRUPT);
        free(exact);
    }
    buffer_deinit(&bytes);
    arena_deinit(&arena);
}

static void lists_out_of_order_are_corruption(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buffer bytes = {0};
    struct range_tombstone items[][2] = {
        {piece("a", "c", 1), piece("b", "d", 1)}, /* overlap */
        {piece("c", "d", 1), piece("a", "b", 1)}, /* descending */
        {piece("a", "a", 1), piece("b", "c", 1)}, /* empty */
    };
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        struct range_list list = {items[i], 2}, back;
        buffer_clear(&bytes);
        range_list_encode(&bytes, &list);
        struct reader in = reader_of(buffer_slice(&bytes));
        assert_int_equal(range_list_decode(&in, &arena, &back).code, STATUS_CORRUPT);
    }
    buffer_deinit(&bytes);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_knows_the_strongest_deletion_over_every_key),
        cmocka_unit_test(a_weaker_piece_inside_a_stronger_leaves_no_cut),
        cmocka_unit_test(a_stronger_piece_cuts_a_weaker_in_three),
        cmocka_unit_test(a_range_may_reach_the_end_of_the_partition),
        cmocka_unit_test(a_list_survives_its_encoding_and_truncations_are_corruption),
        cmocka_unit_test(lists_out_of_order_are_corruption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
