/* Threads that give way: how much, and where the kernel lets nobody say so. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "place.h"

struct seen {
    bool ran;
    int nice;
};

static void yield_and_look(void *argument)
{
    struct seen *seen = argument;
    io_thread_yield();
    seen->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
    seen->ran = true;
}

static struct seen look(void)
{
    struct io_env *env;
    struct io_thread *thread;
    struct seen seen = {0};
    if (failed(io_env_open(IO_BODY_THREADS, 0, &env)))
        return seen;
    if (ok(io_thread_start(env, "yielding", yield_and_look, &seen, &thread)))
        io_thread_join(thread);
    io_env_close(env);
    return seen;
}

/* In a process of its own, which ends with 0 when all was well. */
static void in_child(int (*run)(void))
{
    int how;
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(run());
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

static int yields_as_started(void)
{
    struct seen seen = look();
    return !(seen.ran && seen.nice == 10);
}

static int stays_nicer(void)
{
    if (setpriority(PRIO_PROCESS, 0, 15) != 0)
        return 1;
    struct seen seen = look();
    return !(seen.ran && seen.nice == 15);
}

/* Every call that changes how a thread is scheduled fails with EPERM. */
static bool scheduling_forbid(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setattr, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_getscheduler, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setpriority, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int runs_all_the_same(void)
{
    int before = getpriority(PRIO_PROCESS, 0);
    if (!scheduling_forbid())
        return 0; /* not to be tried here */
    struct seen seen = look();
    return !(seen.ran && seen.nice == before);
}

static void a_thread_that_yields_has_a_small_share(void **state)
{
    (void)state;
    if (getpriority(PRIO_PROCESS, 0) < 10)
        in_child(yields_as_started);
}

static void a_process_that_gives_way_more_is_not_made_to_give_way_less(void **state)
{
    (void)state;
    if (getpriority(PRIO_PROCESS, 0) < 15)
        in_child(stays_nicer);
}

static void where_scheduling_is_forbidden_a_thread_runs_all_the_same(void **state)
{
    (void)state;
    in_child(runs_all_the_same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_yields_has_a_small_share),
        cmocka_unit_test(a_process_that_gives_way_more_is_not_made_to_give_way_less),
        cmocka_unit_test(where_scheduling_is_forbidden_a_thread_runs_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
