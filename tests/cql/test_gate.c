/* The gate between statements and changes of schema (gate.h). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cql/gate.h"

enum {
    THREADS = 4,
    ROUNDS = 2000,
};

struct shared {
    struct gate gate;
    int value;       /* written only with the gate closed */
    _Atomic int bad; /* value was seen to change inside the gate */
};

static void *pass_through(void *context)
{
    struct shared *shared = context;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        gate_enter(&shared->gate, i);
        int before = *(volatile int *)&shared->value;
        int after = *(volatile int *)&shared->value;
        if (before != after)
            shared->bad++;
        gate_leave(&shared->gate, i);
    }
    return NULL;
}

static void nothing_changes_while_one_is_inside(void **state)
{
    (void)state;
    static struct shared shared;
    pthread_t threads[THREADS];
    gate_init(&shared.gate);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pass_through, &shared), 0);
    for (int i = 0; i < ROUNDS; i++) {
        gate_close(&shared.gate);
        shared.value++;
        gate_open(&shared.gate);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.bad, 0);
    gate_deinit(&shared.gate);
}

static void one_who_is_alone_passes_and_the_gate_can_be_closed_again(void **state)
{
    (void)state;
    static struct gate gate;
    gate_init(&gate);
    for (uint32_t i = 0; i < 3; i++) {
        gate_enter(&gate, 17);
        gate_leave(&gate, 17);
        gate_close(&gate);
        gate_open(&gate);
    }
    gate_deinit(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changes_while_one_is_inside),
        cmocka_unit_test(one_who_is_alone_passes_and_the_gate_can_be_closed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
