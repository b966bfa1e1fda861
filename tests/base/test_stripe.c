/* Threads take turns at what there are several of, and each keeps its turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/stripe.h"

enum { STRIPES = 4 };

static void *stripe_note(void *out)
{
    uint32_t first = thread_stripe(STRIPES);
    *(uint32_t *)out = first == thread_stripe(STRIPES) ? first : UINT32_MAX;
    return NULL;
}

static void threads_take_turns_and_keep_them(void **state)
{
    (void)state;
    uint32_t seen[STRIPES] = {0};
    for (uint32_t i = 0; i < 2 * STRIPES; i++) {
        pthread_t thread;
        uint32_t stripe;
        assert_int_equal(pthread_create(&thread, NULL, stripe_note, &stripe), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_in_range(stripe, 0, STRIPES - 1);
        seen[stripe]++;
    }
    for (uint32_t i = 0; i < STRIPES; i++)
        assert_int_equal(seen[i], 2);
}

static void one_stripe_is_for_all(void **state)
{
    (void)state;
    assert_int_equal(thread_stripe(1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_take_turns_and_keep_them),
        cmocka_unit_test(one_stripe_is_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
