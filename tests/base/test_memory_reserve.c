/* Memory set aside: cut only when it is needed, gone with its last piece. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/memory_reserve.h"

static void what_was_filled_can_be_cut_and_no_more(void **state)
{
    (void)state;
    struct memory_reserve reserve = {0};
    struct memory_block *block, *last = NULL;
    assert_null(memory_reserve_cut(&reserve, 1, &block));
    assert_true(memory_reserve_fill(&reserve, 1000));
    size_t left = reserve.left_bytes;
    assert_true(left >= 1000);
    assert_true(memory_reserve_fill(&reserve, left)); /* has them already */
    assert_int_equal(reserve.left_bytes, left);
    uint8_t *first = memory_reserve_cut(&reserve, 999, &block), *second;
    assert_non_null(first);
    second = memory_reserve_cut(&reserve, reserve.left_bytes, &last);
    assert_true(second >= first + 999);
    assert_null(memory_reserve_cut(&reserve, 1, &last));
    assert_false(memory_reserve_fill(&reserve, SIZE_MAX));
    memory_reserve_deinit(&reserve);
    memset(first, 1, 999); /* pieces outlive the reserve */
    memory_piece_free(block);
    memory_piece_free(last);
}

static void an_arena_asks_the_reserve_only_when_there_is_nothing_else(void **state)
{
    (void)state;
    struct memory_reserve reserve = {0};
    struct arena arena;
    assert_true(memory_reserve_fill(&reserve, 1000));
    size_t left = reserve.left_bytes;
    arena_init(&arena, 512);
    arena.reserve = &reserve;
    for (unsigned i = 0; i < 100; i++)
        assert_non_null(arena_alloc(&arena, 100));
    assert_int_equal(reserve.left_bytes, left);
    assert_null(arena_alloc(&arena, SIZE_MAX)); /* nobody has so much */
    assert_int_equal(reserve.left_bytes, left);
    arena_deinit(&arena);
    memory_reserve_deinit(&reserve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_filled_can_be_cut_and_no_more),
        cmocka_unit_test(an_arena_asks_the_reserve_only_when_there_is_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
