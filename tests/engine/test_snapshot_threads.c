/*
 * Snapshots, clones and restores beside writers, readers and the background, on threads: what was acknowledged before is in,
 * what began after is not, and batches are whole.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "notation.h"

enum {
    WRITERS = 3,
    ROUNDS = 40,
};

struct shared {
    struct store *store;
    atomic_bool stop;
    atomic_int begun[WRITERS], done[WRITERS]; /* the last write that began, that was acknowledged */
    atomic_int next_writer;
    atomic_int write_failure, read_failure; /* the code of the last; STATUS_OK: none */
};

/* Each batch writes one number to three partitions, which lie in different shards. */
static void *write_on(void *argument)
{
    struct shared *shared = argument;
    int writer = atomic_fetch_add(&shared->next_writer, 1);
    for (int i = 1; !atomic_load(&shared->stop); i++) {
        char text[200];
        snprintf(text, sizeof text, "a/%d a=n%06d @%d; test/%d a=n%06d @%d; foo/%d a=n%06d @%d", writer, i, i,
                 writer, i, i, writer, i, i);
        atomic_store(&shared->begun[writer], i);
        status st = apply_text(shared->store, text, DURABILITY_DEFAULT);
        if (failed(st))
            atomic_store(&shared->write_failure, (int)st.code);
        atomic_store(&shared->done[writer], i);
    }
    return NULL;
}

static void *read_on(void *argument)
{
    struct shared *shared = argument;
    while (!atomic_load(&shared->stop)) {
        status st;
        free(contents(shared->store, 1, &st));
        if (failed(st))
            atomic_store(&shared->read_failure, (int)st.code);
    }
    return NULL;
}

/* What one writer's row of a partition holds; 0 when it is not there. */
static int number_of(const char *seen, const char *partition, int writer)
{
    char row[32];
    int number = 0;
    snprintf(row, sizeof row, "%s/%d a=n", partition, writer);
    const char *at = strstr(seen, row);
    if (at)
        number = atoi(at + strlen(row));
    return number;
}

static void assert_whole(struct store *store, uint64_t table_id, const int *least, const int *most)
{
    status st;
    char *seen = contents(store, table_id, &st);
    assert_ok(st);
    for (int writer = 0; writer < WRITERS; writer++) {
        int number = number_of(seen, "a", writer);
        if (number != number_of(seen, "test", writer) || number != number_of(seen, "foo", writer))
            fail_msg("writer %d: half of a batch in %s", writer, seen);
        if (number < least[writer] || number > most[writer])
            fail_msg("writer %d: %d is not in %d..%d", writer, number, least[writer], most[writer]);
    }
    free(seen);
}

static uint64_t copy_of(struct store *store)
{
    struct store_table table;
    struct buffer properties = {0};
    uint64_t copy = 0;
    assert_ok(store_snapshot_table(store, slice_text("s"), 0, &table, &copy, &properties));
    buffer_deinit(&properties);
    return copy;
}

static void take(struct shared *shared, bool cloning, uint64_t *out_id)
{
    uint64_t one = 1, id = store_new_table_id(shared->store);
    struct store_change snapshot[] = {
        {.kind = STORE_DROP_SNAPSHOT, .name = slice_text("s")},
        {.kind = STORE_CREATE_SNAPSHOT, .name = slice_text("s"), .tables = &one, .table_count = 1},
    };
    struct store_change cloned[] = {
        {.kind = STORE_CREATE_TABLE, .table_id = id},
        {.kind = STORE_COPY_TABLE, .table_id = id, .source_id = 1},
    };
    assert_ok(store_change(shared->store, cloning ? cloned : snapshot, 2));
    *out_id = cloning ? id : copy_of(shared->store);
}

static void loads(const atomic_int *from, int *to)
{
    for (int i = 0; i < WRITERS; i++)
        to[i] = atomic_load(&from[i]);
}

/* Let every writer come to a few more writes. */
static void wait_for_writers(const struct shared *shared)
{
    int then[WRITERS];
    loads(shared->done, then);
    for (int i = 0; i < WRITERS; i++)
        while (atomic_load(&shared->done[i]) < then[i] + 20)
            sched_yield();
}

static void snapshots_and_clones_beside_writers_have_whole_batches(void **state)
{
    (void)state;
    struct shared shared = {0};
    struct store_options options = {.shards = 3, .memtable_bytes = 64 << 10};
    pthread_t threads[WRITERS + 1];
    assert_ok(store_open(&options, &shared.store));
    make_table(shared.store, 1, 0);
    uint64_t one = 1;
    struct store_change first = {
        .kind = STORE_CREATE_SNAPSHOT, .name = slice_text("s"), .tables = &one, .table_count = 1};
    assert_ok(store_change(shared.store, &first, 1));
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, write_on, &shared));
    assert_int_equal(0, pthread_create(&threads[WRITERS], NULL, read_on, &shared));
    int restored[WRITERS] = {0}; /* writes up to these may have been taken back */
    for (int round = 0; round < ROUNDS; round++) {
        int least[WRITERS], most[WRITERS];
        uint64_t id;
        wait_for_writers(&shared);
        loads(shared.done, least);
        for (int i = 0; i < WRITERS; i++)
            least[i] = least[i] > restored[i] ? least[i] : 0;
        take(&shared, round % 2, &id);
        loads(shared.begun, most);
        assert_whole(shared.store, id, least, most);
        struct store_change restore = {.kind = STORE_RESTORE_SNAPSHOT, .name = slice_text("s")};
        struct store_change drop = {.kind = STORE_DROP_TABLE, .table_id = id};
        assert_ok(store_change(shared.store, round % 2 ? &drop : &restore, 1));
        if (round % 2 == 0)
            loads(shared.begun, restored);
    }
    atomic_store(&shared.stop, true);
    for (int i = 0; i <= WRITERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(STATUS_OK, shared.write_failure);
    assert_int_equal(STATUS_OK, shared.read_failure);
    assert_ok(store_settle(shared.store));
    assert_ok(store_close(shared.store));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshots_and_clones_beside_writers_have_whole_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
