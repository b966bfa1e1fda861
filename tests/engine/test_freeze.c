/*
 * Freezing a memtable: a flush may take it from the very moment it is among the frozen ones, so by then everything that the
 * flush reads has been set. Run under the thread sanitizer this is where a freeze that is half done shows for certain;
 * without it, in one of many rounds.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/store_internal.h"
#include "notation.h"

enum {
    ROUNDS = 20000,
    OFFSET = 4096,
};

/* A tablet that no background job knows, and who would flush it. */
struct flusher {
    struct tablet *tablet;
    pthread_t thread;
    atomic_uint flushed; /* rounds that are done */
    uint64_t torn;       /* floors that were not those of their round */
    status failure;
};

/* As a flush does: the oldest frozen memtable, its floors, and away with it. */
static void *flush_each(void *argument)
{
    struct flusher *flusher = argument;
    struct tablet *tablet = flusher->tablet;
    for (unsigned done = 0; done < ROUNDS;) {
        struct write_buffer *frozen = tablet_oldest_frozen(tablet);
        if (!frozen)
            continue;
        for (uint32_t i = 0; i < SHARDS_MAX; i++)
            if (frozen->floors[i].segment != done + 1 || frozen->floors[i].offset != OFFSET + i)
                flusher->torn++;
        status st = tablet_exchange(tablet, frozen, NULL, 0, NULL, 0);
        if (failed(st))
            flusher->failure = st;
        write_buffer_unref(frozen);
        atomic_store(&flusher->flushed, ++done);
    }
    return NULL;
}

static void freeze_one(struct tablet *tablet, unsigned round)
{
    struct log_position floors[SHARDS_MAX];
    struct write_buffer *frozen;
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        floors[i] = (struct log_position){round, OFFSET + i};
    lock_acquire(&tablet->shard->writer);
    status st = tablet_open_active(tablet);
    if (ok(st))
        st = tablet_freeze(tablet, floors, &frozen);
    lock_release(&tablet->shard->writer);
    assert_ok(st);
    assert_non_null(frozen);
    write_buffer_unref(frozen);
}

static void what_is_frozen_is_complete_when_a_flush_first_sees_it(void **state)
{
    (void)state;
    struct flusher flusher = {.failure = STATUS_DONE};
    struct store_options options = {.shards = 1, .background = STORE_BACKGROUND_MANUAL};
    struct store_table_options table = {0};
    struct store *store;
    assert_ok(store_open(&options, &store));
    assert_ok(tablet_new(&store->shards[0], 1, &table, &flusher.tablet));
    assert_int_equal(0, pthread_create(&flusher.thread, NULL, flush_each, &flusher));
    for (unsigned round = 1; round <= ROUNDS; round++) {
        freeze_one(flusher.tablet, round);
        while (atomic_load(&flusher.flushed) < round)
            sched_yield();
    }
    pthread_join(flusher.thread, NULL);
    assert_ok(flusher.failure);
    assert_int_equal(flusher.torn, 0);
    tablet_unref(flusher.tablet);
    assert_ok(store_close(store));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_frozen_is_complete_when_a_flush_first_sees_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
