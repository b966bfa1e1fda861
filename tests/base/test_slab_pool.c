/* Memory that is used again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/slab_pool.h"

static size_t fresh(const struct slab_pool *pool)
{
    return atomic_load(&pool->was_fresh);
}

static void a_slab_that_came_back_is_taken_again(void **state)
{
    (void)state;
    struct slab_pool pool;
    slab_pool_init(&pool, (size_t)4 * SLAB_BYTES);
    uint8_t *first = slab_pool_take(&pool);
    assert_non_null(first);
    assert_int_equal((uintptr_t)first % SLAB_BYTES, 0);
    memset(first, 1, SLAB_BYTES);
    slab_pool_give(&pool, first);
    assert_int_equal(slab_pool_bytes(&pool), SLAB_BYTES);
    assert_ptr_equal(slab_pool_take(&pool), first);
    assert_int_equal(slab_pool_bytes(&pool), 0);
    assert_int_equal(fresh(&pool), 1);
    slab_pool_give(&pool, first);
    slab_pool_deinit(&pool);
}

static void a_pool_keeps_no_more_than_it_may(void **state)
{
    (void)state;
    struct slab_pool pool;
    void *slabs[5];
    slab_pool_init(&pool, (size_t)2 * SLAB_BYTES + 1);
    for (int i = 0; i < 5; i++)
        slabs[i] = slab_pool_take(&pool);
    for (int i = 0; i < 5; i++)
        slab_pool_give(&pool, slabs[i]);
    assert_int_equal(slab_pool_bytes(&pool), (size_t)2 * SLAB_BYTES);
    slab_pool_trim(&pool);
    assert_int_equal(slab_pool_bytes(&pool), 0);
    slab_pool_deinit(&pool);
}

static void slabs_are_made_ahead_within_what_is_kept(void **state)
{
    (void)state;
    struct slab_pool pool;
    slab_pool_init(&pool, (size_t)2 * SLAB_BYTES);
    assert_true(slab_pool_prepare(&pool, 1));
    assert_false(slab_pool_prepare(&pool, 1));
    assert_int_equal(slab_pool_bytes(&pool), SLAB_BYTES);
    assert_true(slab_pool_prepare(&pool, 5));
    assert_false(slab_pool_prepare(&pool, 5));
    assert_int_equal(slab_pool_bytes(&pool), (size_t)2 * SLAB_BYTES);
    void *slab = slab_pool_take(&pool);
    assert_int_equal(fresh(&pool), 0);
    slab_pool_give(&pool, slab);
    slab_pool_deinit(&pool);
}

static void an_arena_gives_its_large_slabs_back_to_the_pool(void **state)
{
    (void)state;
    struct slab_pool pool;
    slab_pool_init(&pool, (size_t)16 * SLAB_BYTES);
    for (int round = 0; round < 3; round++) {
        struct arena arena;
        arena_init_pooled(&arena, 512, &pool);
        for (size_t bytes = 0; bytes < (size_t)10 * SLAB_BYTES; bytes += 1000) {
            uint8_t *taken = arena_alloc(&arena, 1000);
            assert_non_null(taken);
            assert_int_equal((uintptr_t)taken % sizeof(uint64_t), 0);
            memset(taken, round, 1000);
        }
        assert_non_null(arena_bytes(&arena, (size_t)3 * SLAB_BYTES)); /* larger than any slab */
        assert_true(arena.reserved_bytes >= arena.used_bytes);
        arena_deinit(&arena);
        assert_in_range(fresh(&pool), 8, 11);
        assert_int_equal(slab_pool_bytes(&pool), fresh(&pool) * SLAB_BYTES);
    }
    slab_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slab_that_came_back_is_taken_again),
        cmocka_unit_test(a_pool_keeps_no_more_than_it_may),
        cmocka_unit_test(slabs_are_made_ahead_within_what_is_kept),
        cmocka_unit_test(an_arena_gives_its_large_slabs_back_to_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
