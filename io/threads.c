/*
 * threads.c: the body without io_uring. A few workers make ordinary calls of the kernel.
 *
 * One lock guards the list of waiting requests and the state of every queue: it is held for a few
 * pointer moves only, never during a call. Workers start with the queues, so that an environment that
 * only opens and reads files costs no thread.
 */
#include <stdlib.h>

#include "base/lock.h"
#include "io/io_internal.h"

enum { WORKERS_MAX = 8 };

struct threads_env {
    struct io_env base;
    struct lock guard; /* guards everything below and all of every queue */
    struct lock_condition work;
    struct request_list waiting;
    struct io_thread *workers[WORKERS_MAX]; /* owned; the first worker_count are set */
    unsigned worker_count;
    unsigned depths;    /* of all queues together: more workers than that would have nothing to do */
    unsigned asleep;    /* workers that wait for something to do */
    unsigned searching; /* workers that were woken and have found nothing yet; at most 1 */
    bool closing;
};

struct threads_queue {
    struct io_queue base;
    struct lock_condition completed;
    struct request_list done;
    unsigned depth, in_flight;
};

/*
 * Wake a worker if there is something for it and no other is on its way: the one that comes wakes the
 * next when it finds more than it can take, so that a stream of single transfers wakes nobody twice.
 */
static void worker_wake(struct threads_env *env)
{
    if (!env->waiting.first || !env->asleep || env->searching)
        return;
    env->searching++;
    lock_wake_one(&env->work);
}

static void worker_sleep(struct threads_env *env)
{
    env->asleep++;
    lock_wait(&env->work, &env->guard);
    env->asleep--;
    if (env->searching)
        env->searching--;
}

/* Make the transfer that has waited longest. Called and returns with the lock, drops it meanwhile. */
static void oldest_run(struct threads_env *env)
{
    struct io_request *request = request_list_pop(&env->waiting);
    worker_wake(env);
    lock_release(&env->guard);
    io_request_run(request);
    lock_acquire(&env->guard);

    struct threads_queue *queue = (struct threads_queue *)request->queue;
    request_list_push(&queue->done, request);
    queue->in_flight--;
    lock_wake_all(&queue->completed);
}

static void worker_run(void *argument)
{
    struct threads_env *env = argument;
    lock_acquire(&env->guard);
    while (env->waiting.first || !env->closing)
        if (env->waiting.first)
            oldest_run(env);
        else
            worker_sleep(env);
    lock_release(&env->guard);
}

/*
 * Let some transfer of the queue complete. A thread that has nothing better to do makes its own
 * transfer rather than wait for a worker to wake up; it leaves those of other queues alone, because
 * they may be large and its own may be urgent.
 */
static void queue_advance(struct threads_env *env, struct threads_queue *queue)
{
    const struct io_request *oldest = env->waiting.first;
    if (oldest && oldest->queue == &queue->base) {
        oldest_run(env);
        return;
    }
    worker_wake(env); /* a submit that waits here for room has woken nobody yet */
    lock_wait(&queue->completed, &env->guard);
}

static void workers_stop(struct threads_env *env)
{
    lock_acquire(&env->guard);
    env->closing = true;
    lock_wake_all(&env->work);
    lock_release(&env->guard);
    for (unsigned i = 0; i < env->worker_count; i++)
        io_thread_join(env->workers[i]);
}

static void threads_env_close(struct io_env *env)
{
    struct threads_env *self = (struct threads_env *)env;
    workers_stop(self);
    lock_condition_deinit(&self->work);
    lock_deinit(&self->guard);
    free(self);
}

/* One worker is enough to go on; the kernel's refusal of a further one is not an error. */
static status workers_start(struct threads_env *env, unsigned depth)
{
    status st = STATUS_DONE;
    lock_acquire(&env->guard);
    env->depths += depth;
    while (ok(st) && env->worker_count < env->depths && env->worker_count < WORKERS_MAX) {
        st = io_thread_start(&env->base, "strait-io", worker_run, env, &env->workers[env->worker_count]);
        env->worker_count += ok(st);
    }
    if (env->worker_count)
        st = STATUS_DONE;
    else
        env->depths -= depth;
    lock_release(&env->guard);
    return st;
}

static status threads_queue_open(struct io_env *env, unsigned depth, struct io_queue **out_queue)
{
    struct threads_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = workers_start((struct threads_env *)env, depth);
    if (failed(st)) {
        free(queue);
        return st;
    }
    queue->base.env = env;
    queue->depth = depth;
    lock_condition_init(&queue->completed);
    *out_queue = &queue->base;
    return STATUS_DONE;
}

static void threads_queue_close(struct io_queue *queue)
{
    struct threads_queue *self = (struct threads_queue *)queue;
    struct threads_env *env = (struct threads_env *)queue->env;
    lock_acquire(&env->guard);
    while (self->in_flight)
        queue_advance(env, self);
    env->depths -= self->depth;
    lock_release(&env->guard);
    lock_condition_deinit(&self->completed);
    free(self);
}

static status threads_submit(struct io_queue *queue, struct io_request **requests, unsigned count)
{
    struct threads_queue *self = (struct threads_queue *)queue;
    struct threads_env *env = (struct threads_env *)queue->env;
    lock_acquire(&env->guard);
    for (unsigned i = 0; i < count; i++) {
        while (self->in_flight == self->depth)
            queue_advance(env, self);
        request_list_push(&env->waiting, requests[i]);
        self->in_flight++;
    }
    worker_wake(env);
    lock_release(&env->guard);
    return STATUS_DONE;
}

static status threads_wait(struct io_queue *queue, struct io_request **out_request)
{
    struct threads_queue *self = (struct threads_queue *)queue;
    struct threads_env *env = (struct threads_env *)queue->env;
    lock_acquire(&env->guard);
    while (!self->done.first && self->in_flight)
        queue_advance(env, self);
    *out_request = request_list_pop(&self->done);
    lock_release(&env->guard);
    return STATUS_DONE;
}

static const struct io_ops threads_ops = {
    .name = "threads",
    .has_threads = true,
    .env_close = threads_env_close,
    POSIX_FILE_OPS,
    .queue_open = threads_queue_open,
    .queue_close = threads_queue_close,
    .submit = threads_submit,
    .wait = threads_wait,
};

status threads_env_open(uint64_t seed, struct io_env **out_env)
{
    struct threads_env *env = calloc(1, sizeof *env);
    if (!env)
        return STATUS_FAIL(STATUS_NOMEM);
    io_env_init(&env->base, &threads_ops, seed);
    lock_init(&env->guard, RANK_IO);
    lock_condition_init(&env->work);
    *out_env = &env->base;
    return STATUS_DONE;
}
