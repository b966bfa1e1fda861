/* Transfers by the kernel's older interface: whose its contexts are. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/aio_internal.h"

enum {
    SETS = 4,
    FORKS = 20,
    THREADS = 2,
    DEPTH = 8,
};

/* The kernel knows the context. */
static bool is_ours(const struct aio *aio)
{
    return !aio->context || syscall(SYS_io_submit, aio->context, 0L, NULL) == 0;
}

static bool kernel_has_contexts(void)
{
    struct aio aio;
    aio_init(&aio, DEPTH);
    bool has = aio.context != 0;
    aio_deinit(&aio);
    return has;
}

static void sets_use(bool *out_ours)
{
    struct aio sets[SETS];
    *out_ours = true;
    for (unsigned i = 0; i < SETS; i++)
        aio_init(&sets[i], DEPTH);
    for (unsigned i = 0; i < SETS; i++)
        *out_ours &= is_ours(&sets[i]);
    for (unsigned i = 0; i < SETS; i++)
        aio_deinit(&sets[i]);
}

static void a_context_that_was_given_back_is_used_again(void **state)
{
    (void)state;
    struct aio aio;
    if (!kernel_has_contexts())
        skip();
    aio_init(&aio, DEPTH);
    unsigned long context = aio.context;
    aio_deinit(&aio);
    aio_init(&aio, DEPTH);
    assert_int_equal(aio.context, context);
    assert_true(is_ours(&aio));
    aio_deinit(&aio);
}

static atomic_uint waiting;

static void *child_thread(void *context)
{
    atomic_fetch_add(&waiting, 1);
    while (atomic_load(&waiting) < THREADS)
        continue;
    sets_use(context);
    return NULL;
}

/* Several threads of a child come for a context at the same moment. */
static int child_run(void)
{
    pthread_t threads[THREADS];
    bool ours[THREADS], all = true;
    for (unsigned i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, child_thread, &ours[i]) != 0)
            return 2;
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        all &= ours[i];
    }
    return all ? 0 : 1;
}

static void a_child_never_takes_a_context_of_its_parent(void **state)
{
    (void)state;
    bool ours;
    if (!kernel_has_contexts())
        skip();
    sets_use(&ours);
    assert_true(ours);
    for (unsigned i = 0; i < FORKS; i++) {
        int result = -1;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(child_run());
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_int_equal(WEXITSTATUS(result), 0);
    }
    sets_use(&ours);
    assert_true(ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_context_that_was_given_back_is_used_again),
        cmocka_unit_test(a_child_never_takes_a_context_of_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
