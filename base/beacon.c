#include "base/beacon.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel compares and sleeps in one step, so a change between the caller's look and the sleep is never missed. */
void beacon_wait(const struct beacon *beacon, uint32_t seen)
{
    if (beacon_now(beacon) == seen)
        (void)syscall(SYS_futex, &beacon->value, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

void beacon_wake(struct beacon *beacon, uint32_t count)
{
    (void)syscall(SYS_futex, &beacon->value, FUTEX_WAKE_PRIVATE, count < INT_MAX ? count : INT_MAX, NULL,
                  NULL, 0);
}
