/*
 * beacon.h: a number that many threads may wait to see change, without a lock.
 *
 * For one event that releases many: threads that come back from a condition all want its lock again, one after the
 * other; those that come back from a beacon want nothing.
 *
 * How to use it. Under the lock that guards the event, the waiter takes beacon_now(); then it lets go of the lock and
 * calls beacon_wait(). Whoever makes the event happen calls beacon_change() under the lock and beacon_wake() after it.
 */
#ifndef STRAIT_BASE_BEACON_H
#define STRAIT_BASE_BEACON_H

#include <stdatomic.h>
#include <stdint.h>

/* Zeroed is ready. */
struct beacon {
    _Atomic uint32_t value; /* release by beacon_change(), acquire by those who wait */
};

static inline uint32_t beacon_now(const struct beacon *beacon)
{
    return atomic_load_explicit(&beacon->value, memory_order_acquire);
}

static inline void beacon_change(struct beacon *beacon)
{
    atomic_fetch_add_explicit(&beacon->value, 1, memory_order_release);
}

/* Sleep while the beacon stands at `seen`. It may return early: the caller looks again at what it waits for. */
void beacon_wait(const struct beacon *beacon, uint32_t seen);
/* Let at most `count` of the sleepers return. */
void beacon_wake(struct beacon *beacon, uint32_t count);

#endif
