/* Memory that dies together, histograms that bound their error, and a status that prints where it was born. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/histogram.h"
#include "base/random.h"
#include "base/status.h"

static void allocations_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct random rng = {1};
    uint8_t *previous = NULL;
    size_t previous_bytes = 0;
    for (int i = 0; i < 2000; i++) {
        size_t bytes = (size_t)random_below(&rng, 300) + 1;
        uint8_t *taken = i % 2 ? arena_alloc(&arena, bytes) : arena_bytes(&arena, bytes);
        assert_non_null(taken);
        if (i % 2)
            assert_int_equal((uintptr_t)taken % alignof(max_align_t), 0);
        memset(taken, i, bytes);
        if (previous)
            assert_int_equal(previous[previous_bytes - 1], (uint8_t)(i - 1));
        previous = taken;
        previous_bytes = bytes;
    }
    assert_true(arena.reserved_bytes >= arena.used_bytes);
    arena_deinit(&arena);
}

static void a_reset_arena_keeps_its_newest_slab(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024);
    assert_non_null(arena_alloc(&arena, 1000));
    assert_non_null(arena_alloc(&arena, 5000));
    arena_reset(&arena);
    size_t reserved_bytes = arena.reserved_bytes;
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(arena_alloc(&arena, 4000));
    assert_int_equal(arena.reserved_bytes, reserved_bytes);
    arena_deinit(&arena);
}

static void impossible_sizes_are_null(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_calloc(&arena, SIZE_MAX / 2, 16));
    assert_string_equal(arena_printf(&arena, "%d %s", 1, "works"), "1 works");
    arena_deinit(&arena);
}

static void a_grown_array_keeps_its_items(void **state)
{
    (void)state;
    struct arena arena = {0};
    uint32_t *items = NULL, capacity = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        items = arena_grow(&arena, items, i, &capacity, sizeof *items);
        assert_non_null(items);
        assert_true(i < capacity);
        items[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    /* One that was made full, without a capacity. */
    uint32_t *made = arena_calloc(&arena, 20, sizeof *made), none = 0;
    made[19] = 7;
    made = arena_grow(&arena, made, 20, &none, sizeof *made);
    assert_true(none > 20);
    assert_int_equal(made[19], 7);
    assert_null(arena_grow(&arena, made, UINT32_MAX, &none, sizeof *made));
    arena_deinit(&arena);
}

static void percentiles_are_right_to_seven_percent(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    for (uint64_t i = 1; i <= 100000; i++)
        histogram_add(&histogram, i);
    static const double percents[] = {1, 10, 50, 90, 99, 99.9};
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        double exact = 1000 * percents[i];
        double found = (double)histogram_percentile(&histogram, percents[i]);
        assert_true(found >= exact * 0.999 && found <= exact * 1.07);
    }
    assert_int_equal(histogram_percentile(&histogram, 100), 100000);
    histogram_add(&histogram, UINT64_MAX);
    assert_true(histogram.max == UINT64_MAX);
}

static void a_status_says_what_and_where(void **state)
{
    (void)state;
    char text[200];
    status_print(STATUS_OS(STATUS_NOSPACE, 28), text, sizeof text);
    assert_non_null(strstr(text, "disk full"));
    assert_non_null(strstr(text, "No space left"));
    assert_non_null(strstr(text, "test_arena.c:"));
    assert_int_equal(STATUS_FROM_ERRNO(2).code, STATUS_NOT_FOUND);
    assert_int_equal(STATUS_FROM_ERRNO(5).code, STATUS_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_aligned_and_apart),
        cmocka_unit_test(a_reset_arena_keeps_its_newest_slab),
        cmocka_unit_test(impossible_sizes_are_null),
        cmocka_unit_test(a_grown_array_keeps_its_items),
        cmocka_unit_test(percentiles_are_right_to_seven_percent),
        cmocka_unit_test(a_status_says_what_and_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
