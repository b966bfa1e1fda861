/*
 * Running out of memory in the middle of a write: it did not happen, and the memtable goes on.
 *
 * The arena is compiled into this program with its allocations renamed, so that ours stand in front
 * of them and can fail the nth one.
 */
#define arena_alloc  arena_alloc_real
#define arena_calloc arena_calloc_real
#define arena_bytes  arena_bytes_real
#define arena_copy   arena_copy_real
#include "base/arena.c"
#undef arena_alloc
#undef arena_calloc
#undef arena_bytes
#undef arena_copy

void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_calloc(struct arena *arena, size_t count, size_t item_bytes);
uint8_t *arena_bytes(struct arena *arena, size_t bytes);
struct slice arena_copy(struct arena *arena, struct slice bytes);

#include "memtable/memtable.h"
#include "tests/row/model.h"

static uint64_t allocations_left = UINT64_MAX;

static bool may_allocate(void)
{
    return allocations_left && allocations_left--;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    return may_allocate() ? arena_alloc_real(arena, bytes) : NULL;
}

void *arena_calloc(struct arena *arena, size_t count, size_t item_bytes)
{
    return may_allocate() ? arena_calloc_real(arena, count, item_bytes) : NULL;
}

uint8_t *arena_bytes(struct arena *arena, size_t bytes)
{
    return may_allocate() ? arena_bytes_real(arena, bytes) : NULL;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    return may_allocate() ? arena_copy_real(arena, bytes) : (struct slice){0};
}

static void compare(struct random *rng, const struct model_space *space, struct memtable *memtable,
                    struct model *model)
{
    for (int reverse = 0; reverse < 2; reverse++) {
        struct cursor *expected = model_cursor_open(model, reverse, NULL), *cursor;
        assert_ok(memtable_cursor_open(memtable, reverse, &cursor));
        assert_same_walk(cursor, expected, space);
        assert_same_moves(cursor, expected, rng, space, 100);
        cursor_close(cursor);
        cursor_close(expected);
    }
}

static void a_write_that_runs_out_of_memory_did_not_happen(void **state)
{
    (void)state;
    struct random rng = random_for("memory");
    struct batch batch = {0};
    uint64_t failures = 0;
    for (int round = 0; round < 20; round++) {
        struct model_space space = {
            .partitions = 2, .rows = 1 + (uint32_t)random_below(&rng, 200), .integers = true};
        struct model model = {0};
        struct memtable *memtable;
        assert_ok(memtable_new(&model_rules, &memtable));
        for (int i = 0; i < 400; i++) {
            struct mutation mutation = model_random_mutation(&rng, &space, &batch);
            allocations_left = random_below(&rng, 2) ? UINT64_MAX : random_below(&rng, 10);
            status st = memtable_apply(memtable, mutation);
            allocations_left = UINT64_MAX;
            assert_true(ok(st) || st.code == STATUS_NOMEM);
            failures += failed(st);
            if (ok(st))
                model_apply(&model, mutation);
            if (i % 100 == 99)
                compare(&rng, &space, memtable, &model);
        }
        struct memtable_stats stats;
        uint64_t rows = 0;
        memtable_stats(memtable, &stats);
        for (uint32_t i = 0; i < model.count; i++)
            rows += model.partitions[i]->row_count;
        assert_int_equal(stats.rows, rows);
        assert_int_equal(stats.partitions, model.count);
        memtable_unref(memtable);
        model_deinit(&model);
    }
    assert_true(failures > 100);
    batch_deinit(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_that_runs_out_of_memory_did_not_happen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
