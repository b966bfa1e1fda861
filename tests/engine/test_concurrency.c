/*
 * Many threads on one store: writers, readers, scans, flush, compaction, changes of tables, guards. Run under the
 * thread sanitizer this is where a missing lock shows; without it, that nothing written is lost or torn.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "notation.h"

enum {
    WRITERS = 3,
    READERS = 2,
    WRITES = 400,
};

struct world {
    struct store *store;
    atomic_bool stop;
    atomic_uint failures;
};

struct actor {
    struct world *world;
    unsigned number;
    pthread_t thread;
};

static void check(struct world *world, bool good)
{
    if (!good)
        atomic_fetch_add(&world->failures, 1);
}

/* Pairs of rows in two partitions, one batch each: a reader of one partition sees rows whole. */
static void *write_pairs(void *argument)
{
    struct actor *actor = argument;
    for (unsigned i = 0; i < WRITES; i++) {
        char text[200];
        unsigned row = i * WRITERS + actor->number;
        snprintf(text, sizeof text, "foo/%u a=v%u b=v%u @%u; a/%u a=v%u b=v%u @%u", row, row, row, row + 1,
                 row, row, row, row + 1);
        enum durability durability = i % 40 == 0 ? DURABILITY_DURABLE : DURABILITY_PERIODIC;
        check(actor->world, ok(apply_text(actor->world->store, text, durability)));
    }
    return NULL;
}

/* In each row a and b are equal: both were written at once. */
static bool rows_whole(const char *seen)
{
    for (const char *at = strstr(seen, " a="); at; at = strstr(at + 1, " a=")) {
        const char *b = strstr(at, " b=");
        size_t bytes = strcspn(at + 3, " ;");
        if (!b || b != at + 3 + bytes || strncmp(at + 3, b + 3, bytes) != 0)
            return false;
    }
    return true;
}

static void *read_partitions(void *argument)
{
    struct actor *actor = argument;
    struct world *world = actor->world;
    for (unsigned i = 0; !atomic_load(&world->stop); i++) {
        status st;
        char *seen = i % 5 == 0 ? contents(world->store, 1, &st)
                                : partition_contents(world->store, 1, i % 2 ? "foo" : "a", i % 3 == 0, &st);
        check(world, ok(st) && rows_whole(seen));
        free(seen);
    }
    return NULL;
}

static void *flush_and_compact(void *argument)
{
    struct actor *actor = argument;
    struct world *world = actor->world;
    for (unsigned i = 0; !atomic_load(&world->stop); i++) {
        struct store_stats stats;
        struct store_table_stats table;
        check(world, ok(store_flush(world->store, i % 2)));
        if (i % 4 == 3)
            check(world, ok(store_compact(world->store, 1)));
        store_stats(world->store, &stats);
        check(world, ok(store_table_stats(world->store, 1, &table)));
        usleep(2000);
    }
    return NULL;
}

/* Other tables come, are written, truncated and go. */
static void *change_tables(void *argument)
{
    struct actor *actor = argument;
    struct world *world = actor->world;
    while (!atomic_load(&world->stop)) {
        char text[100];
        status st;
        struct store_change change = {.kind = STORE_CREATE_TABLE,
                                      .table_id = store_new_table_id(world->store)};
        unsigned id = (unsigned)change.table_id;
        check(world, ok(store_change(world->store, &change, 1)));
        snprintf(text, sizeof text, "%u:foo/1 a=x @1; %u:a/1 a=x @1", id, id);
        check(world, ok(apply_text(world->store, text, DURABILITY_PERIODIC)));
        change.kind = STORE_TRUNCATE_TABLE;
        check(world, ok(store_change(world->store, &change, 1)));
        char *seen = contents(world->store, id, &st);
        check(world, ok(st) && !*seen);
        free(seen);
        change.kind = STORE_DROP_TABLE;
        check(world, ok(store_change(world->store, &change, 1)));
    }
    return NULL;
}

/* Read a counter and write one more, under the partition's guard: no step is lost. */
static void *count_under_guard(void *argument)
{
    struct actor *actor = argument;
    struct world *world = actor->world;
    for (unsigned i = 0; i < WRITES; i++) {
        struct store_partition partition = {.table_id = 1, .key = slice_text("n")};
        struct store_guard guard;
        char text[100];
        status st;
        unsigned count = 0;
        store_lock_partitions(world->store, &partition, 1, &guard);
        char *seen = partition_contents(world->store, 1, "n", false, &st);
        check(world, ok(st));
        if (seen && *seen)
            count = (unsigned)strtoul(strstr(seen, "a=") + 2, NULL, 10);
        snprintf(text, sizeof text, "n/0 a=%u b=%u @%u", count + 1, count + 1, count + 1);
        check(world, ok(apply_text(world->store, text, DURABILITY_PERIODIC)));
        store_unlock_partitions(world->store, &guard);
        free(seen);
    }
    return NULL;
}

static void start(struct actor *actor, struct world *world, unsigned number, void *(*run)(void *))
{
    *actor = (struct actor){.world = world, .number = number};
    assert_int_equal(0, pthread_create(&actor->thread, NULL, run, actor));
}

static void run_all(struct world *world)
{
    struct actor writers[WRITERS], counters[2], readers[READERS], keeper, changer;
    make_table(world->store, 1, 864000);
    for (unsigned i = 0; i < WRITERS; i++)
        start(&writers[i], world, i, write_pairs);
    for (unsigned i = 0; i < 2; i++)
        start(&counters[i], world, i, count_under_guard);
    for (unsigned i = 0; i < READERS; i++)
        start(&readers[i], world, i, read_partitions);
    start(&keeper, world, 0, flush_and_compact);
    start(&changer, world, 0, change_tables);
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(counters[i].thread, NULL);
    atomic_store(&world->stop, true);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(readers[i].thread, NULL);
    pthread_join(keeper.thread, NULL);
    pthread_join(changer.thread, NULL);
    assert_int_equal(0, atomic_load(&world->failures));
}

static unsigned rows_of(struct store *store, const char *key)
{
    status st;
    unsigned rows = 0;
    char *seen = partition_contents(store, 1, key, false, &st);
    assert_ok(st);
    for (const char *at = strstr(seen, " a="); at; at = strstr(at + 1, " a="))
        rows++;
    free(seen);
    return rows;
}

static void assert_all_there(struct store *store)
{
    status st;
    assert_int_equal(WRITERS * WRITES, rows_of(store, "foo"));
    assert_int_equal(WRITERS * WRITES, rows_of(store, "a"));
    char *seen = partition_contents(store, 1, "n", false, &st);
    char expected[64];
    snprintf(expected, sizeof expected, "n/0 a=%u b=%u", 2 * WRITES, 2 * WRITES);
    assert_ok(st);
    assert_string_equal(expected, seen);
    free(seen);
}

static void threads_share_a_store_in_memory(void **state)
{
    (void)state;
    struct world world = {0};
    struct store_options options = {.shards = 3, .memtable_bytes = 128 << 10};
    assert_ok(store_open(&options, &world.store));
    run_all(&world);
    assert_all_there(world.store);
    assert_ok(store_close(world.store));
}

static void threads_share_a_store_on_disk(void **state)
{
    (void)state;
    char folder[] = "/tmp/strait-threads-XXXXXX", command[100];
    struct world world = {0};
    assert_non_null(mkdtemp(folder));
    struct store_options options = {
        .folder = folder, .shards = 2, .memtable_bytes = 256 << 10, .log_segment_bytes = 128 << 10};
    assert_ok(store_open(&options, &world.store));
    run_all(&world);
    assert_all_there(world.store);
    assert_ok(store_close(world.store));
    assert_ok(store_open(&options, &world.store));
    assert_all_there(world.store);
    assert_ok(store_verify(world.store, 0));
    assert_ok(store_close(world.store));
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(0, system(command));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_store_in_memory),
        cmocka_unit_test(threads_share_a_store_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
