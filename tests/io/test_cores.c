/* How many cores there are for whoever asks. */
#include <sched.h>

#include "tests/io/place.h"

static void a_thread_that_is_confined_has_the_cores_it_is_confined_to(void **state)
{
    cpu_set_t before, one;
    size_t first = 0;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(io_cores(), CPU_COUNT(&before));
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(io_cores(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(io_cores(), CPU_COUNT(&before));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_is_confined_has_the_cores_it_is_confined_to),
    };
    return cmocka_run_group_tests_name("cores", tests, NULL, NULL);
}
