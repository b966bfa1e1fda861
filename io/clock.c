/* clock.c: time and randomness of an environment. */
#include <time.h>

#include "io/io_internal.h"

int64_t kernel_now_us(struct io_env *env)
{
    (void)env;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t kernel_monotonic_ns(struct io_env *env)
{
    (void)env;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void kernel_sleep_us(struct io_env *env, int64_t us)
{
    (void)env;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + us % 1000000 * 1000;
    until.tv_sec += us / 1000000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

int64_t io_now_us(struct io_env *env)
{
    int64_t frozen_us = atomic_load_explicit(&env->frozen_now_us, memory_order_relaxed);
    return frozen_us != INT64_MIN ? frozen_us : env->ops->now_us(env);
}

void io_clock_set(struct io_env *env, int64_t now_us)
{
    atomic_store_explicit(&env->frozen_now_us, now_us, memory_order_relaxed);
}

int64_t io_monotonic_ns(struct io_env *env)
{
    return env->ops->monotonic_ns(env);
}

/* splitmix64 needs only its counter to be shared, so an atomic addition makes it safe for threads. */
uint64_t io_random(struct io_env *env)
{
    const uint64_t step = 0x9e3779b97f4a7c15ULL;
    struct random rng = {.state = atomic_fetch_add_explicit(&env->random_state, step, memory_order_relaxed)};
    return random_next(&rng);
}

void io_sleep_us(struct io_env *env, int64_t us)
{
    if (us > 0)
        env->ops->sleep_us(env, us);
}
