/*
 * threads.c: the two bodies without io_uring: a few workers make ordinary calls of the kernel.
 *
 * To hand a transfer to a worker and to be told that it is done costs two wake-ups, about as much as the transfer. Those that
 * the kernel makes asynchronously by its older interface are left to it (aio_internal.h); the workers have the others, and
 * all where that interface is refused or the body is asked for without it.
 *
 * One lock guards the list of waiting requests and the state of every queue: it is held for a few
 * pointer moves only, never during a call. Workers start with the queues, so that an environment that
 * only opens and reads files costs no thread.
 */
#include <stdlib.h>

#include "base/lock.h"
#include "io/aio_internal.h"

enum { WORKERS_MAX = 8 };

struct threads_env {
    struct io_env base;
    bool workers_only;
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
    unsigned depth;
    unsigned in_flight; /* with workers */
    bool staffed;       /* there are workers for it; guard: none, the queue's user */
    struct aio aio;     /* guard: none, the queue's user */
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

static status queue_staff(struct threads_queue *queue)
{
    status st = workers_start((struct threads_env *)queue->base.env, queue->depth);
    queue->staffed = ok(st);
    return st;
}

static status threads_queue_open(struct io_env *env, unsigned depth, struct io_queue **out_queue)
{
    struct threads_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return STATUS_FAIL(STATUS_NOMEM);
    queue->base.env = env;
    queue->depth = depth;
    if (!((struct threads_env *)env)->workers_only)
        aio_init(&queue->aio, depth);
    status st = queue->aio.context ? STATUS_DONE : queue_staff(queue);
    if (failed(st)) {
        free(queue);
        return st;
    }
    lock_condition_init(&queue->completed);
    *out_queue = &queue->base;
    return STATUS_DONE;
}

static void threads_queue_close(struct io_queue *queue)
{
    struct threads_queue *self = (struct threads_queue *)queue;
    struct threads_env *env = (struct threads_env *)queue->env;
    aio_deinit(&self->aio);
    lock_acquire(&env->guard);
    while (self->in_flight)
        queue_advance(env, self);
    env->depths -= self->staffed ? self->depth : 0;
    lock_release(&env->guard);
    lock_condition_deinit(&self->completed);
    free(self);
}

/* Called and returns with the lock, drops it meanwhile. */
static status kernel_advance(struct threads_env *env, struct threads_queue *queue)
{
    struct request_list done = {0};
    lock_release(&env->guard);
    status st = aio_wait(&queue->aio, &done);
    lock_acquire(&env->guard);
    for (struct io_request *request = request_list_pop(&done); request; request = request_list_pop(&done))
        request_list_push(&queue->done, request);
    return st;
}

/* Until there is room for one more. */
static status room_make(struct threads_env *env, struct threads_queue *queue)
{
    while (queue->in_flight + queue->aio.in_flight >= queue->depth) {
        if (queue->aio.in_flight)
            TRY(kernel_advance(env, queue));
        else
            queue_advance(env, queue);
    }
    return STATUS_DONE;
}

static status worker_give(struct threads_env *env, struct threads_queue *queue, struct io_request *request)
{
    if (!queue->staffed)
        TRY(queue_staff(queue));
    lock_acquire(&env->guard);
    status st = room_make(env, queue);
    if (ok(st)) {
        request_list_push(&env->waiting, request);
        queue->in_flight++;
    }
    lock_release(&env->guard);
    return st;
}

/* The first of `requests` that the kernel takes by itself, as many as there is room for; *out_taken of them. */
static status kernel_give(struct threads_env *env, struct threads_queue *queue, struct io_request **requests,
                          unsigned count, unsigned *out_taken)
{
    unsigned run = 0;
    *out_taken = 0;
    while (run < count && aio_takes(&queue->aio, requests[run]))
        run++;
    if (!run)
        return STATUS_DONE;
    lock_acquire(&env->guard);
    status st = room_make(env, queue);
    unsigned room = queue->depth - queue->in_flight - queue->aio.in_flight;
    lock_release(&env->guard);
    if (ok(st))
        *out_taken = aio_submit(&queue->aio, requests, run < room ? run : room);
    return st;
}

static status threads_submit(struct io_queue *queue, struct io_request **requests, unsigned count)
{
    struct threads_queue *self = (struct threads_queue *)queue;
    struct threads_env *env = (struct threads_env *)queue->env;
    bool for_workers = false;
    for (unsigned i = 0, taken; i < count; i += taken) {
        TRY(kernel_give(env, self, requests + i, count - i, &taken));
        if (taken)
            continue;
        TRY(worker_give(env, self, requests[i]));
        for_workers = true;
        taken = 1;
    }
    if (for_workers) {
        lock_acquire(&env->guard);
        worker_wake(env);
        lock_release(&env->guard);
    }
    return STATUS_DONE;
}

static status threads_wait(struct io_queue *queue, struct io_request **out_request)
{
    struct threads_queue *self = (struct threads_queue *)queue;
    struct threads_env *env = (struct threads_env *)queue->env;
    status st = STATUS_DONE;
    lock_acquire(&env->guard);
    while (!self->done.first && ok(st) && self->in_flight + self->aio.in_flight) {
        if (self->aio.in_flight)
            st = kernel_advance(env, self);
        else
            queue_advance(env, self);
    }
    *out_request = request_list_pop(&self->done);
    lock_release(&env->guard);
    return st;
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

status threads_env_open(uint64_t seed, bool workers_only, struct io_env **out_env)
{
    struct threads_env *env = calloc(1, sizeof *env);
    if (!env)
        return STATUS_FAIL(STATUS_NOMEM);
    io_env_init(&env->base, &threads_ops, seed);
    env->workers_only = workers_only;
    lock_init(&env->guard, RANK_IO);
    lock_condition_init(&env->work);
    *out_env = &env->base;
    return STATUS_DONE;
}
