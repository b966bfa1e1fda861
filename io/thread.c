/* thread.c: threads of an environment. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/io_internal.h"

enum {
    /* A ninth of the share of a thread that does not yield, when both want the whole core. */
    NICE_OF_YIELDING = 10,
    SLICE_NS_OF_YIELDING = 100000000, /* the longest there is */
};

struct io_thread {
    pthread_t thread;
    char name[16]; /* the kernel keeps 15 characters */
    void (*run)(void *argument);
    void *argument; /* borrowed until `run` returns */
};

static void *thread_main(void *opaque)
{
    struct io_thread *thread = opaque;
    pthread_setname_np(pthread_self(), thread->name);
    thread->run(thread->argument);
    return NULL;
}

/* Signals belong to the program that embeds us: our threads start with all of them blocked. */
static int thread_create(struct io_thread *thread)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread->thread, NULL, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

status io_thread_start(struct io_env *env, const char *name, void (*run)(void *argument), void *argument,
                       struct io_thread **out_thread)
{
    if (!env->ops->has_threads)
        return STATUS_FAIL(STATUS_UNSUPPORTED);
    struct io_thread *thread = calloc(1, sizeof *thread);
    if (!thread)
        return STATUS_FAIL(STATUS_NOMEM);
    snprintf(thread->name, sizeof thread->name, "%s", name);
    thread->run = run;
    thread->argument = argument;
    int error = thread_create(thread);
    if (error) {
        free(thread);
        return STATUS_OS(STATUS_IO, error);
    }
    *out_thread = thread;
    return STATUS_DONE;
}

/* What the kernel calls struct sched_attr; the C library has no name for it. */
struct scheduling {
    uint32_t bytes, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns, deadline_ns, period_ns;
};

void io_thread_yield(void)
{
    /* Who was started as one that gives way even more stays that. */
    int nice = getpriority(PRIO_PROCESS, (id_t)gettid());
    if (nice < NICE_OF_YIELDING)
        nice = NICE_OF_YIELDING;
    /* A kernel that refuses is obeyed: then it competes as an equal. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
    /* Its share of a core is small now, but a slice that it has begun it keeps, for 4 ms at 250 Hz, while somebody who was
     * woken waits. From Linux 6.12 on a thread whose slice is shorter does not wait; nothing else changes by it. */
    struct scheduling scheduling = {
        .bytes = sizeof scheduling,
        .policy = SCHED_OTHER,
        .nice = nice,
        .slice_ns = SLICE_NS_OF_YIELDING,
    };
    if (sched_getscheduler(0) == SCHED_OTHER)
        (void)syscall(SYS_sched_setattr, 0, &scheduling, 0);
}

uint32_t io_cores(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 0)
        return (uint32_t)CPU_COUNT(&allowed);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more of them than the set has room for */
    return online > 0 ? (uint32_t)online : 1;
}

void io_thread_join(struct io_thread *thread)
{
    if (!thread)
        return;
    pthread_join(thread->thread, NULL);
    free(thread);
}
