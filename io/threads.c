/*
 * threads.c: the body without io_uring. A few workers make ordinary calls of the kernel.
 *
 * One lock guards the list of waiting requests and the state of every queue: it is held for a few
 * pointer moves only, never during a call. The workers start with the first queue, so that an
 * environment that only opens and reads files costs no thread.
 */
#include <stdlib.h>

#include "base/lock.h"
#include "io/io_internal.h"

enum { WORKERS = 4 };

struct threads_env {
    struct io_env base;
    struct lock guard; /* guards everything below and all of every queue */
    struct lock_condition work;
    struct request_list waiting;
    struct io_thread *workers[WORKERS]; /* owned; the first worker_count are set */
    unsigned worker_count;
    bool closing;
};

struct threads_queue {
    struct io_queue base;
    struct lock_condition completed;
    struct request_list done;
    unsigned depth, in_flight;
};

static void worker_run(void *argument)
{
    struct threads_env *env = argument;
    lock_acquire(&env->guard);
    for (;;) {
        struct io_request *request = request_list_pop(&env->waiting);
        if (!request && env->closing)
            break;
        if (!request) {
            lock_wait(&env->work, &env->guard);
            continue;
        }
        lock_release(&env->guard);
        io_request_run(request);
        lock_acquire(&env->guard);

        struct threads_queue *queue = (struct threads_queue *)request->queue;
        request_list_push(&queue->done, request);
        queue->in_flight--;
        lock_wake_all(&queue->completed);
    }
    lock_release(&env->guard);
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
static status workers_start(struct threads_env *env)
{
    status st = STATUS_DONE;
    lock_acquire(&env->guard);
    while (env->worker_count < WORKERS) {
        st = io_thread_start(&env->base, "strait-io", worker_run, env, &env->workers[env->worker_count]);
        if (failed(st))
            break;
        env->worker_count++;
    }
    if (env->worker_count)
        st = STATUS_DONE;
    lock_release(&env->guard);
    return st;
}

static status threads_queue_open(struct io_env *env, unsigned depth, struct io_queue **out_queue)
{
    TRY(workers_start((struct threads_env *)env));
    struct threads_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return STATUS_FAIL(STATUS_NOMEM);
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
        lock_wait(&self->completed, &env->guard);
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
            lock_wait(&self->completed, &env->guard);
        request_list_push(&env->waiting, requests[i]);
        self->in_flight++;
        lock_wake_one(&env->work);
    }
    lock_release(&env->guard);
    return STATUS_DONE;
}

static status threads_wait(struct io_queue *queue, struct io_request **out_request)
{
    struct threads_queue *self = (struct threads_queue *)queue;
    struct threads_env *env = (struct threads_env *)queue->env;
    lock_acquire(&env->guard);
    while (!self->done.first && self->in_flight)
        lock_wait(&self->completed, &env->guard);
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
