/*
 * Memory runs out at every allocation of a script, once or at every one from there on: opening, writing,
 * flushing, compacting, reading. The call that meets it says so or does without, nothing acknowledged is lost, no batch is
 * half applied, the store takes writes after one that failed, goes on in the same process, and opening anew finds everything.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/sim.h"
#include "notation.h"

/* ---- an allocator that fails when it is told to ---- */

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

static struct {
    bool armed, forever;
    uint64_t seen, fail_at, failed;
} memory;

#if INTERPOSED
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *at, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static bool fails(void)
{
    if (!memory.armed)
        return false;
    uint64_t nth = memory.seen++;
    if (nth != memory.fail_at && !(memory.forever && nth > memory.fail_at))
        return false;
    memory.failed++;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes)
{
    return fails() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *at, size_t bytes)
{
    return fails() ? NULL : __libc_realloc(at, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return fails() ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **out_at, size_t alignment, size_t bytes)
{
    void *at = fails() ? NULL : __libc_memalign(alignment, bytes);
    if (!at)
        return ENOMEM;
    *out_at = at;
    return 0;
}
#endif

/* ---- the script ---- */

enum {
    ROUNDS = 8,
    TABLE = 1,
};

struct world {
    struct io_env *env;
    struct store *store;
    bool acknowledged[ROUNDS];
    unsigned errors;  /* that the store told */
    unsigned refused; /* of them, by a write before it waited for the disk */
};

/* Only what the store does itself runs out of memory. */
#define SHORT(call)              \
    do {                         \
        memory.armed = true;     \
        status short_st_ = call; \
        memory.armed = false;    \
        met(world, short_st_);   \
    } while (0)

static void met(struct world *world, status st)
{
    world->errors += failed(st);
    if (failed(st) && st.code != STATUS_NOMEM && st.code != STATUS_CLOSED) {
        char text[200];
        status_print(st, text, sizeof text);
        fail_msg("allocation %llu: not told as what it is: %s", (unsigned long long)memory.fail_at, text);
    }
}

static struct store_options options_of(struct io_env *env)
{
    return (struct store_options){.folder = "store",
                                  .env = env,
                                  .shards = 2,
                                  .memtable_bytes = 1 << 20,
                                  .log_segment_bytes = 64 << 10,
                                  .cache_bytes = 1 << 20,
                                  .background = STORE_BACKGROUND_MANUAL};
}

static void open_short(struct world *world)
{
    struct store_options options = options_of(world->env);
    SHORT(store_open(&options, &world->store));
}

static bool is_closed(const struct world *world)
{
    struct store_stats stats;
    store_stats(world->store, &stats);
    return stats.failed;
}

/* Whether the store has the write, and for good. */
static bool written(struct world *world, const char *text)
{
    struct batch batch = {0};
    struct store_ticket ticket = {0};
    unsigned errors = world->errors;
    /* A disk of the simulation that has no memory is one that fails, and hurts the log. */
    bool disk_may_have_failed = errors > world->refused;
    write_text(&batch, text, store_now_us(world->store) / 1000000);
    SHORT(store_apply_deferred(world->store, &batch, DURABILITY_DURABLE, &ticket));
    world->refused += world->errors - errors;
    if (!disk_may_have_failed && is_closed(world))
        fail_msg("allocation %llu: a write that failed has closed the store",
                 (unsigned long long)memory.fail_at);
    if (world->errors == errors)
        SHORT(store_wait(world->store, ticket));
    batch_deinit(&batch);
    return world->errors == errors;
}

/* The batch, over both shards, adds rows and changes one that every batch changes; a single row goes into the log of the
 * other shard. */
static void round_write(struct world *world, unsigned round)
{
    char text[100];
    snprintf(text, sizeof text, "foo/%u a=v @%u; a/%u a=v @%u; b/1 a=%u @%u", round, round + 1, round,
             round + 1, round, round + 1);
    world->acknowledged[round] = written(world, text);
    snprintf(text, sizeof text, "foo/9 a=%u @%u", round, round + 1);
    (void)written(world, text);
    snprintf(text, sizeof text, "a/9 a=%u @%u", round, round + 1);
    (void)written(world, text);
}

static status everything_read(struct store *store)
{
    struct store_read read = {.table_id = TABLE};
    struct cursor *cursor = NULL;
    status st = store_cursor_open(store, &read, NULL, &cursor);
    if (ok(st))
        st = cursor_next_partition(cursor);
    while (ok(st) && cursor->on_partition) {
        do
            st = cursor_next(cursor);
        while (ok(st) && cursor->on_row);
        if (ok(st))
            st = cursor_next_partition(cursor);
    }
    cursor_close(cursor);
    return st;
}

/* An empty store is there, so that a table can be written to in every run. */
static void world_make(struct world *world)
{
    *world = (struct world){0};
    struct store_options options;
    assert_ok(io_env_open(IO_BODY_SIM, 5, &world->env));
    options = options_of(world->env);
    assert_ok(store_open(&options, &world->store));
    make_table(world->store, TABLE, 864000);
    assert_ok(apply_text(world->store, "z/1 a=v @1", DURABILITY_DURABLE));
    assert_ok(store_close(world->store));
    world->store = NULL;
}

static void run_script(struct world *world)
{
    bool did;
    open_short(world);
    if (!world->store)
        return;
    for (unsigned i = 0; i < ROUNDS; i++) {
        round_write(world, i);
        if (i % 2)
            SHORT(store_flush(world->store, 0));
        SHORT(everything_read(world->store));
    }
    SHORT(store_step(world->store, &did));
    SHORT(store_compact(world->store, TABLE));
    SHORT(everything_read(world->store));
}

static void assert_nothing_lost(struct world *world, const char *when)
{
    status st;
    char *seen = contents(world->store, TABLE, &st);
    assert_ok(st);
    for (unsigned i = 0; i < ROUNDS; i++) {
        char first[32], second[32];
        snprintf(first, sizeof first, "foo/%u a=v", i);
        snprintf(second, sizeof second, "; a/%u a=v", i);
        bool has_first = strstr(seen, first) != NULL;
        bool has_second = strstr(seen, second) != NULL || strncmp(seen, second + 2, strlen(second + 2)) == 0;
        if ((world->acknowledged[i] && !has_first) || has_first != has_second)
            fail_msg("%s, allocation %llu: batch %u, acknowledged %d, is there %d and %d\n%s", when,
                     (unsigned long long)memory.fail_at, i, world->acknowledged[i], has_first, has_second,
                     seen);
    }
    assert_non_null(strstr(seen, "z/1 a=v"));
    free(seen);
}

/* With memory again, the same process works as if nothing had been; unless its log was hurt, then the next open does. */
static void goes_on(struct world *world)
{
    struct store_options options = options_of(world->env);
    if (world->store) {
        assert_nothing_lost(world, "in the same store");
        if (!is_closed(world)) {
            assert_ok(apply_text(world->store, "z/2 a=v @9", DURABILITY_DURABLE));
            assert_ok(store_flush(world->store, 0));
            assert_ok(store_compact(world->store, TABLE));
            assert_nothing_lost(world, "after more work");
        }
        (void)store_close(world->store);
    }
    assert_ok(store_open(&options, &world->store));
    assert_nothing_lost(world, "after opening anew");
    assert_ok(store_verify(world->store, 0));
    assert_ok(store_close(world->store));
    io_env_close(world->env);
}

static void memory_short(uint64_t nth, bool forever)
{
    memory.seen = memory.failed = 0;
    memory.fail_at = nth;
    memory.forever = forever;
}

static void runs_out_everywhere(bool forever)
{
    struct world world;
    unsigned told = 0;
    if (!INTERPOSED)
        skip();
    memory_short(UINT64_MAX, false);
    world_make(&world);
    run_script(&world);
    assert_int_equal(world.errors, 0);
    goes_on(&world);
    uint64_t allocations = memory.seen;
    assert_true(allocations > 100);
    for (uint64_t nth = 0; nth < allocations; nth++) {
        memory_short(nth, forever);
        world_make(&world);
        run_script(&world);
        told += world.errors > 0;
        goes_on(&world);
    }
    assert_true(told > allocations / 4);
}

static void an_allocation_that_fails_once_loses_nothing(void **state)
{
    (void)state;
    runs_out_everywhere(false);
}

static void allocations_that_fail_for_ever_lose_nothing(void **state)
{
    (void)state;
    runs_out_everywhere(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocation_that_fails_once_loses_nothing),
        cmocka_unit_test(allocations_that_fail_for_ever_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
