/*
 * What a memtable says that it holds is what it has taken from the system, to the byte: every allocation between its birth and
 * its end is counted, and compared after each write.
 */
#include "base/slab_pool.h"
#include "memtable/memtable.h"
#include "tests/row/model.h"

/* A sanitizer has an allocator of its own, and other C libraries do not name theirs so. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define INTERPOSED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INTERPOSED 0
#endif
#endif
#ifndef INTERPOSED
#define INTERPOSED 1
#endif

/* What was allocated while `counting` and is not freed yet: by address, open addressing. */
enum { HELD_MAX = 1 << 12 };
static struct {
    bool counting;
    size_t bytes, count;
    struct held {
        void *at;
        size_t bytes;
    } held[HELD_MAX];
} heap;

#if INTERPOSED
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *at, size_t bytes);
void __libc_free(void *at);

static size_t place_of(const void *at)
{
    return (size_t)(((uintptr_t)at >> 4) * 0x9e3779b97f4a7c15u >> 32) % HELD_MAX;
}

static void *heap_took(void *at, size_t bytes)
{
    if (!heap.counting || !at || heap.count == HELD_MAX / 2)
        return at;
    size_t place = place_of(at);
    while (heap.held[place].at)
        place = (place + 1) % HELD_MAX;
    heap.held[place] = (struct held){at, bytes};
    heap.bytes += bytes;
    heap.count++;
    return at;
}

static void heap_gave(const void *at)
{
    size_t place = at ? place_of(at) : 0;
    while (at && heap.held[place].at && heap.held[place].at != at)
        place = (place + 1) % HELD_MAX;
    if (!at || !heap.held[place].at)
        return;
    heap.bytes -= heap.held[place].bytes;
    heap.count--;
    heap.held[place] = (struct held){0};
    /* Those behind it stay where they are found. */
    for (size_t next = (place + 1) % HELD_MAX; heap.held[next].at; next = (next + 1) % HELD_MAX) {
        struct held moved = heap.held[next];
        heap.held[next] = (struct held){0};
        size_t to = place_of(moved.at);
        while (heap.held[to].at)
            to = (to + 1) % HELD_MAX;
        heap.held[to] = moved;
    }
}

void *malloc(size_t bytes)
{
    return heap_took(__libc_malloc(bytes), bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return heap_took(__libc_calloc(count, bytes), count * bytes);
}

void *realloc(void *at, size_t bytes)
{
    heap_gave(at);
    return heap_took(__libc_realloc(at, bytes), bytes);
}

void free(void *at)
{
    heap_gave(at);
    __libc_free(at);
}
#endif

static size_t stats_bytes(struct memtable *memtable)
{
    struct memtable_stats stats;
    memtable_stats(memtable, &stats);
    return stats.bytes;
}

static size_t held_bytes(const struct slab_pool *pool)
{
    return heap.bytes + SLAB_BYTES * (size_t)atomic_load(&pool->taken);
}

/* What others allocate is none of the memtable's. */
static void apply_counted(struct memtable *memtable, struct mutation mutation)
{
    heap.counting = true;
    status st = memtable_apply(memtable, mutation);
    heap.counting = false;
    assert_ok(st);
}

static void expect_to_the_byte(struct random *rng, const struct model_space *space, size_t merge_above,
                               int writes)
{
    struct slab_pool pool;
    struct batch batch = {0};
    struct memtable *memtable;
    struct cursor *cursor;
    assert_int_equal(heap.bytes, 0);
    slab_pool_init(&pool, 0);
    heap.counting = true;
    assert_ok(memtable_new_pooled(&model_rules, &pool, &memtable));
    heap.counting = false;
    memtable_merge_above(memtable, merge_above);
    assert_int_equal(stats_bytes(memtable), held_bytes(&pool));
    for (int i = 0; i < writes; i++) {
        apply_counted(memtable, model_random_mutation(rng, space, &batch));
        assert_int_equal(stats_bytes(memtable), held_bytes(&pool));
    }
    /* The order of its partitions, which whoever walks it when it is frozen leaves there for the others. */
    memtable_freeze(memtable);
    heap.counting = true;
    assert_ok(memtable_cursor_open(memtable, false, &cursor));
    assert_ok(cursor_next_partition(cursor));
    cursor_close(cursor);
    heap.counting = false;
    assert_int_equal(stats_bytes(memtable), held_bytes(&pool));
    memtable_unref(memtable);
    assert_int_equal(heap.bytes, 0);
    slab_pool_deinit(&pool);
    batch_deinit(&batch);
}

static void a_memtable_counts_what_it_holds_to_the_byte(void **state)
{
    (void)state;
    struct random rng = random_for("bytes");
    if (!INTERPOSED)
        skip();
    for (int round = 0; round < 20; round++) {
        struct model_space space = {
            .partitions = 1 + (uint32_t)random_below(&rng, round % 3 ? 300 : 2),
            .rows = 1 + (uint32_t)random_below(&rng, 100),
            .integers = round % 2,
        };
        expect_to_the_byte(&rng, &space, random_below(&rng, 2) ? SIZE_MAX : 16, 300);
    }
    /* Far enough for slabs of the pool, and for a table that grew several times. */
    struct model_space many = {.partitions = 5000, .rows = 50, .integers = true};
    expect_to_the_byte(&rng, &many, SIZE_MAX, 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_memtable_counts_what_it_holds_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
