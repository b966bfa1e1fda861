/* Where the rows of a partition are put: together, in the order of a walk, and for little more memory than they need. */
#include "memtable/row_room_internal.h"
#include "tests/row/model.h"

enum { ROWS = 10000, ALIGNMENT = 8 };

struct placed {
    const uint8_t *at;
    size_t bytes;
};

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* The row is written to in full, so that a sanitizer sees rows that overlap what is not theirs. */
static struct placed put(struct row_room *room, struct arena *arena, size_t bytes, bool is_first)
{
    bool together;
    uint8_t *at = row_room_take(room, arena, bytes, is_first, &together);
    assert_non_null(at);
    assert_int_equal((uintptr_t)at % ALIGNMENT, 0);
    memset(at, 1, bytes);
    return (struct placed){at, aligned(bytes)};
}

/* How many rows begin where the one before them in a walk ends. */
static unsigned count_adjacent(const struct placed *rows, unsigned count)
{
    unsigned adjacent = 0;
    for (unsigned i = 1; i < count; i++)
        adjacent += rows[i - 1].at + rows[i - 1].bytes == rows[i].at;
    return adjacent;
}

/* A partition that grows at both ends in turn, with another one's rows in between: the first half of `walk` came backwards. */
static void fill_both_ways(struct random *rng, struct arena *arena, struct placed *walk, size_t *out_bytes)
{
    struct row_room room = {0}, other = {0};
    *out_bytes = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        bool is_first = i % 2;
        size_t bytes = 100 + random_below(rng, 200);
        struct placed *row = is_first ? &walk[ROWS / 2 - 1 - i / 2] : &walk[ROWS / 2 + i / 2];
        *row = put(&room, arena, bytes, is_first);
        *out_bytes += row->bytes;
        *out_bytes += put(&other, arena, 100 + random_below(rng, 200), false).bytes;
    }
}

static void rows_lie_as_they_are_walked_whatever_is_written_between(void **state)
{
    (void)state;
    struct random rng = random_for("row room");
    static struct placed walk[ROWS];
    struct arena arena = {0};
    size_t bytes;
    fill_both_ways(&rng, &arena, walk, &bytes);
    assert_true(count_adjacent(walk, ROWS / 2) > ROWS / 2 * 9 / 10);
    assert_true(count_adjacent(walk + ROWS / 2, ROWS / 2) > ROWS / 2 * 9 / 10);
    assert_in_range(arena.used_bytes, bytes, bytes + bytes / 20);
    arena_deinit(&arena);
}

static int by_address(const void *a, const void *b)
{
    const struct placed *left = a, *right = b;
    return left->at < right->at ? -1 : left->at > right->at;
}

static void no_two_rows_share_a_byte(void **state)
{
    (void)state;
    struct random rng = random_for("row room bytes");
    static struct placed rows[ROWS];
    struct arena arena = {0};
    struct row_room room = {0};
    for (unsigned i = 0; i < ROWS; i++) {
        size_t bytes = 24 + random_below(&rng, random_below(&rng, 20) ? 300 : 20000);
        rows[i] = put(&room, &arena, bytes, random_below(&rng, 2));
    }
    qsort(rows, ROWS, sizeof *rows, by_address);
    for (unsigned i = 1; i < ROWS; i++)
        assert_true(rows[i - 1].at + rows[i - 1].bytes <= rows[i].at);
    arena_deinit(&arena);
}

static void partitions_of_few_rows_take_what_rows_need(void **state)
{
    (void)state;
    enum { PARTITIONS = 100000, BYTES = 160 };
    struct arena arena = {0}, plain = {0};
    for (unsigned i = 0; i < PARTITIONS; i++) {
        struct row_room room = {0};
        for (unsigned row = 0; row < 1 + i % 2; row++) {
            put(&room, &arena, BYTES, false);
            assert_non_null(arena_alloc(&plain, BYTES));
        }
        assert_int_equal(room.free_bytes, 0);
    }
    assert_int_equal(arena.used_bytes, plain.used_bytes);
    assert_int_equal(arena.reserved_bytes, plain.reserved_bytes);
    arena_deinit(&arena);
    arena_deinit(&plain);
}

/* Rows of any length, in any number: what is not a row's is at most a third of what is, and what is ahead. */
static void what_is_left_over_is_bounded(void **state)
{
    (void)state;
    enum { ARENA_PADDING = 16 };
    struct random rng = random_for("row room overhead");
    for (unsigned round = 0; round < 200; round++) {
        struct arena arena = {0};
        struct row_room room = {0};
        size_t bytes = 0, least = 24 + random_below(&rng, 5000), spread = 1 + random_below(&rng, 5000);
        unsigned count = 1 + (unsigned)random_below(&rng, 300);
        for (unsigned i = 0; i < count; i++)
            bytes += ARENA_PADDING + put(&room, &arena, least + random_below(&rng, spread), i % 3 == 0).bytes;
        assert_true(arena.used_bytes <= bytes + bytes / 3 + room.free_bytes);
        assert_true(room.free_bytes <= bytes / 4);
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_lie_as_they_are_walked_whatever_is_written_between),
        cmocka_unit_test(no_two_rows_share_a_byte),
        cmocka_unit_test(partitions_of_few_rows_take_what_rows_need),
        cmocka_unit_test(what_is_left_over_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
