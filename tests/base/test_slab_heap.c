/* Pieces cut out of slabs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/random.h"
#include "base/slab_heap.h"

enum { PIECES = 4000 };

struct piece {
    uint8_t *at;
    size_t bytes;
    uint8_t mark;
};

static void piece_take(struct slab_heap *heap, struct piece *piece, size_t bytes, uint8_t mark)
{
    *piece = (struct piece){slab_heap_take(heap, bytes), bytes, mark};
    assert_non_null(piece->at);
    assert_int_equal((uintptr_t)piece->at % 64, 16);
    memset(piece->at, mark, bytes);
}

static void piece_give(struct piece *piece)
{
    for (size_t i = 0; i < piece->bytes; i++)
        if (piece->at[i] != piece->mark)
            fail_msg("somebody wrote into a piece");
    slab_heap_give(piece->at);
    *piece = (struct piece){0};
}

/* As a cache has them: decoded blocks, compressed ones, pages, now and then a large one. */
static size_t some_bytes(struct random *rng)
{
    switch (random_below(rng, 8)) {
    case 0: return 1 + random_below(rng, 1000);
    case 1: return random_below(rng, 100) ? 4100 : SLAB_HEAP_PIECE_BYTES_MAX;
    case 2:
    case 3: return 3000 + random_below(rng, 1200);
    default: return 8500 + random_below(rng, 1500);
    }
}

static void give_all(struct piece *pieces)
{
    for (uint32_t i = 0; i < PIECES; i++)
        if (pieces[i].at)
            piece_give(&pieces[i]);
}

static void pieces_do_not_touch_and_all_come_back(void **state)
{
    (void)state;
    static struct piece pieces[PIECES];
    struct slab_heap heap;
    struct slab_heap_stats stats;
    struct random rng = {7};
    slab_heap_init(&heap);
    for (uint32_t step = 0; step < 100000; step++) {
        struct piece *piece = &pieces[random_below(&rng, PIECES)];
        if (piece->at)
            piece_give(piece);
        else
            piece_take(&heap, piece, some_bytes(&rng), (uint8_t)step);
        if (step % 10000 == 0)
            slab_heap_trim(&heap);
    }
    slab_heap_stats(&heap, &stats);
    assert_true(stats.used_bytes < stats.bytes);
    give_all(pieces);
    slab_heap_stats(&heap, &stats);
    assert_int_equal(stats.used_bytes, 0);
    assert_int_equal(stats.bytes, 0);
    assert_int_equal(slab_pool_bytes(&heap.pool), SLAB_BYTES);
    slab_heap_deinit(&heap);
}

/* Full of pieces of mixed sizes, of which a random one gives way to another again and again, as in a cache. */
static void a_tenth_at_most_lies_unused_after_much_coming_and_going(void **state)
{
    (void)state;
    static struct piece pieces[PIECES];
    struct slab_heap heap;
    struct slab_heap_stats stats;
    struct random rng = {3};
    slab_heap_init(&heap);
    for (uint32_t step = 0; step < 20 * PIECES; step++) {
        struct piece *piece = &pieces[step < PIECES ? step : random_below(&rng, PIECES)];
        if (piece->at)
            piece_give(piece);
        piece_take(&heap, piece, some_bytes(&rng), (uint8_t)step);
    }
    slab_heap_stats(&heap, &stats);
    print_message("unused: %.1f %%\n",
                  100.0 * (double)(stats.bytes - stats.used_bytes) / (double)stats.bytes);
    assert_true(stats.bytes - stats.used_bytes < stats.bytes / 10 + SLAB_BYTES);
    give_all(pieces);
    slab_heap_deinit(&heap);
}

static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    struct slab_heap heap;
    slab_heap_init(&heap);
    assert_null(slab_heap_take(&heap, SLAB_HEAP_PIECE_BYTES_MAX + 1));
    slab_heap_give(NULL);
    slab_heap_deinit(&heap);
}

static void *take_and_give(void *at)
{
    struct slab_heap *heap = at;
    struct piece pieces[50] = {0};
    struct random rng = {(uintptr_t)&pieces};
    for (uint32_t step = 0; step < 20000; step++) {
        struct piece *piece = &pieces[random_below(&rng, 50)];
        if (piece->at)
            piece_give(piece);
        else
            piece_take(heap, piece, some_bytes(&rng), (uint8_t)step);
    }
    for (uint32_t i = 0; i < 50; i++)
        if (pieces[i].at)
            piece_give(&pieces[i]);
    return NULL;
}

static void threads_share_a_heap(void **state)
{
    (void)state;
    struct slab_heap heap;
    pthread_t threads[3];
    slab_heap_init(&heap);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &heap), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(heap.used_bytes, 0);
    slab_heap_deinit(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_touch_and_all_come_back),
        cmocka_unit_test(a_tenth_at_most_lies_unused_after_much_coming_and_going),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(threads_share_a_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
