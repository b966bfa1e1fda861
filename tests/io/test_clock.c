/* Time: one wall clock that a test may hold, one clock for durations, sleep. */
#include <time.h>

#include "tests/io/place.h"

static const enum io_body bodies[] = {IO_BODY_AUTO, IO_BODY_THREADS, IO_BODY_MEMORY, IO_BODY_SIM};

static void a_frozen_clock_stands_until_it_is_moved(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct io_env *env = NULL;
        assert_ok(io_env_open(bodies[i], 1, &env));
        io_clock_set(env, 1234567);
        io_sleep_us(env, 2000);
        assert_int_equal(io_now_us(env), 1234567);
        io_clock_set(env, -5); /* a year before 1970 is a time like any other */
        assert_int_equal(io_now_us(env), -5);
        io_clock_set(env, INT64_MIN);
        assert_true(io_now_us(env) > INT64_C(1600000000000000));
        io_env_close(env);
    }
}

static void a_frozen_clock_does_not_stop_durations(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct io_env *env = NULL;
        assert_ok(io_env_open(bodies[i], 1, &env));
        io_clock_set(env, 0);
        int64_t before_ns = io_monotonic_ns(env);
        io_sleep_us(env, 3000);
        assert_true(io_monotonic_ns(env) - before_ns >= 3000000);
        io_sleep_us(env, 0);
        io_sleep_us(env, -7);
        assert_true(io_monotonic_ns(env) >= before_ns);
        io_env_close(env);
    }
}

static void the_running_clock_is_the_kernels(void **state)
{
    (void)state;
    struct io_env *env = NULL;
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &env));
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t difference_us = io_now_us(env) - ((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    assert_true(difference_us >= 0 && difference_us < 60 * 1000000);
    io_env_close(env);
}

static void the_simulated_clock_follows_operations_and_sleeps_alone(void **state)
{
    (void)state;
    struct place first, second;
    assert_true(place_open(&first, IO_BODY_SIM, 1) && place_open(&second, IO_BODY_SIM, 2));
    assert_int_equal(io_now_us(first.env), io_now_us(second.env));
    int64_t before_us = io_now_us(first.env);
    assert_int_equal(io_now_us(first.env), before_us); /* looking takes no time */
    io_sleep_us(first.env, INT64_C(3600000000));       /* an hour, at once */
    assert_int_equal(io_now_us(first.env) - before_us, INT64_C(3600000000));
    int64_t before_ns = io_monotonic_ns(second.env);
    io_close(place_file(&second, "f", IO_WRITE | IO_CREATE));
    assert_true(io_monotonic_ns(second.env) > before_ns);
    place_close(&first);
    place_close(&second);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frozen_clock_stands_until_it_is_moved),
        cmocka_unit_test(a_frozen_clock_does_not_stop_durations),
        cmocka_unit_test(the_running_clock_is_the_kernels),
        cmocka_unit_test(the_simulated_clock_follows_operations_and_sleeps_alone),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
