#include "base/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    LOOKS_MAX = 100,
    PAUSES_MAX = 8, /* between two looks; a pause is 20 to 60 ns */
};

#ifndef NDEBUG
enum {
    HELD_MAX = 320 /* all partition stripes and some */
};
static _Thread_local const struct lock *held[HELD_MAX];
static _Thread_local unsigned held_count;

static void order_check(const struct lock *lock)
{
    for (unsigned i = 0; i < held_count; i++) {
        const struct lock *other = held[i];
        bool same_rank_in_order = lock->rank == RANK_PARTITION && other->rank == lock->rank && other < lock;
        if (other->rank < lock->rank || same_rank_in_order)
            continue;
        fprintf(stderr, "lock order: rank %d taken while rank %d is held\n", (int)lock->rank,
                (int)other->rank);
        abort();
    }
}

static void order_push(const struct lock *lock)
{
    if (held_count == HELD_MAX) {
        fprintf(stderr, "lock order: more than %d locks held\n", HELD_MAX);
        abort();
    }
    held[held_count++] = lock;
}

static void order_pop(const struct lock *lock)
{
    for (unsigned i = held_count; i-- > 0;) {
        if (held[i] != lock)
            continue;
        for (unsigned j = i + 1; j < held_count; j++)
            held[j - 1] = held[j];
        held_count--;
        return;
    }
    fprintf(stderr, "lock order: a lock was released that this thread does not hold\n");
    abort();
}
#else
#define order_check(lock) ((void)0)
#define order_push(lock)  ((void)0)
#define order_pop(lock)   ((void)0)
#endif

void lock_init(struct lock *lock, enum lock_rank rank)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&lock->mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    lock->rank = rank;
}

void lock_deinit(struct lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static void pause_core(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/*
 * Nearly every lock is held for less time than it takes to fall asleep and be woken, which on a core that went to sleep
 * as well is tens of microseconds: who finds one taken looks again for about as long. The mutex looks longer too before it
 * sleeps, but two writers at full speed still slept every few rows.
 */
static bool taken_by_looking(struct lock *lock)
{
    for (int looks = 0; looks < LOOKS_MAX; looks++) {
        if (pthread_mutex_trylock(&lock->mutex) == 0)
            return true;
        for (int pauses = looks < PAUSES_MAX ? looks : PAUSES_MAX; pauses >= 0; pauses--)
            pause_core();
    }
    return false;
}

void lock_acquire(struct lock *lock)
{
    order_check(lock);
    if (!taken_by_looking(lock))
        pthread_mutex_lock(&lock->mutex);
    order_push(lock);
}

void lock_release(struct lock *lock)
{
    order_pop(lock);
    pthread_mutex_unlock(&lock->mutex);
}

void lock_condition_init(struct lock_condition *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition->cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

void lock_condition_deinit(struct lock_condition *condition)
{
    pthread_cond_destroy(&condition->cond);
}

void lock_wait(struct lock_condition *condition, struct lock *lock)
{
    pthread_cond_wait(&condition->cond, &lock->mutex);
}

bool lock_wait_for(struct lock_condition *condition, struct lock *lock, int64_t timeout_us)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + timeout_us % 1000000 * 1000;
    until.tv_sec += timeout_us / 1000000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    return pthread_cond_timedwait(&condition->cond, &lock->mutex, &until) != ETIMEDOUT;
}

void lock_wake_one(struct lock_condition *condition)
{
    pthread_cond_signal(&condition->cond);
}

void lock_wake_all(struct lock_condition *condition)
{
    pthread_cond_broadcast(&condition->cond);
}
