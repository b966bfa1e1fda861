/* One event releases many threads, and each finds out. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/beacon.h"

enum {
    WAITERS = 20,
    EVENTS = 200,
};

struct event {
    struct beacon beacon;
    _Atomic uint32_t happened, seen;
};

/* Each sees every event; whoever wakes up wakes two more. */
static void *wait_for_all(void *argument)
{
    struct event *event = argument;
    for (uint32_t i = 1; i <= EVENTS; i++) {
        for (;;) {
            uint32_t now = beacon_now(&event->beacon);
            if (atomic_load(&event->happened) >= i)
                break;
            beacon_wait(&event->beacon, now);
            beacon_wake(&event->beacon, 2);
        }
        atomic_fetch_add(&event->seen, 1);
    }
    return NULL;
}

static void a_beacon_misses_nobody(void **state)
{
    (void)state;
    struct event event = {0};
    pthread_t threads[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_all, &event), 0);
    for (uint32_t i = 1; i <= EVENTS; i++) {
        atomic_store(&event.happened, i);
        beacon_change(&event.beacon);
        beacon_wake(&event.beacon, 2);
        if (i % 3 == 0)
            while (atomic_load(&event.seen) < i * WAITERS)
                sched_yield();
    }
    for (int i = 0; i < WAITERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&event.seen), EVENTS * WAITERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_beacon_misses_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
