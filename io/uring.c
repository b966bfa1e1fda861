/*
 * uring.c: the body on io_uring. One ring a queue; every io_submit() is one call of the kernel.
 *
 * A completion that moved less than it was asked to is put back into the ring for the rest, as a
 * short pwrite would be; one that was interrupted, cancelled or told to try again is finished by an
 * ordinary call, which loops by itself. Syncs are the exception: their first answer is the answer.
 */
#include <liburing.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "io/io_internal.h"

enum { TRANSFER_BYTES_MAX = 1 << 30 };

struct uring_env {
    struct io_env base;
};

struct uring_queue {
    struct io_queue base;
    struct io_uring ring; /* owned */
    struct request_list done;
    unsigned depth;
    unsigned in_flight; /* prepared or given to the kernel, not yet in `done` */
};

/*
 * Rings there are. A ring's memory comes and goes by calls of the kernel that nobody but liburing sees; the next ring may
 * lie where the last one did, in another thread. Closing releases and opening acquires, so that the one is known to come
 * before the other by more than the address.
 */
static _Atomic unsigned rings;

static void uring_env_close(struct io_env *env)
{
    free(env);
}

static status uring_queue_open(struct io_env *env, unsigned depth, struct io_queue **out_queue)
{
    struct uring_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return STATUS_FAIL(STATUS_NOMEM);
    queue->base.env = env;
    queue->depth = depth;
    /* No IORING_SETUP_COOP_TASKRUN: one thread may submit and go on computing while another waits, and
     * the flag would let the completion sit until the first one enters the kernel again. */
    int error = io_uring_queue_init(depth, &queue->ring, 0);
    if (error < 0) {
        free(queue);
        return STATUS_FROM_ERRNO(-error);
    }
    atomic_fetch_add_explicit(&rings, 1, memory_order_acquire); /* pairs with uring_queue_close() */
    *out_queue = &queue->base;
    return STATUS_DONE;
}

/* ---- completions ---- */

static void request_prepare(struct io_uring_sqe *sqe, struct io_request *request)
{
    const struct posix_file *file = (const struct posix_file *)request->file;
    size_t left = request->bytes - request->progress_bytes;
    unsigned bytes = left < TRANSFER_BYTES_MAX ? (unsigned)left : TRANSFER_BYTES_MAX;
    uint8_t *at = request->data ? (uint8_t *)request->data + request->progress_bytes : NULL;
    uint64_t offset = request->offset + request->progress_bytes;
    switch (request->op) {
    case IO_OP_READ: io_uring_prep_read(sqe, file->fd, at, bytes, offset); break;
    case IO_OP_WRITE: io_uring_prep_write(sqe, file->fd, at, bytes, offset); break;
    case IO_OP_WRITE_SYNC:
        io_uring_prep_write(sqe, file->fd, at, bytes, offset);
        sqe->rw_flags = RWF_DSYNC;
        break;
    case IO_OP_SYNC: io_uring_prep_fsync(sqe, file->fd, IORING_FSYNC_DATASYNC); break;
    }
    io_uring_sqe_set_data(sqe, request);
}

static void request_finish(struct uring_queue *queue, struct io_request *request, status result)
{
    request->result = result;
    request->done_bytes = ok(result) ? request->progress_bytes : 0;
    queue->in_flight--;
    request_list_push(&queue->done, request);
}

/* The rest of the transfer by ordinary calls. */
static void request_finish_by_call(struct uring_queue *queue, struct io_request *request)
{
    uint8_t *at = (uint8_t *)request->data + request->progress_bytes;
    uint64_t offset = request->offset + request->progress_bytes;
    size_t left = request->bytes - request->progress_bytes, moved = left;
    status st = request->op == IO_OP_READ
                    ? posix_read(request->file, offset, at, left, &moved)
                    : posix_write(request->file, offset, at, left, request->op == IO_OP_WRITE_SYNC);
    if (ok(st))
        request->progress_bytes += moved;
    request_finish(queue, request, st);
}

static bool is_worth_a_call(int error)
{
    return error == EINTR || error == EAGAIN || error == ECANCELED || error == EOPNOTSUPP;
}

/* Take in what the kernel answered; a short transfer goes back into the ring. */
static void request_answered(struct uring_queue *queue, struct io_request *request, int answer)
{
    const struct posix_file *file = (const struct posix_file *)request->file;
    if (request->op == IO_OP_SYNC) {
        bool full = answer == -ENOSPC || answer == -EDQUOT;
        request_finish(queue, request,
                       answer >= 0 ? STATUS_DONE
                       : full      ? STATUS_OS(STATUS_NOSPACE, -answer)
                                   : STATUS_OS(STATUS_IO, -answer));
        return;
    }
    if (answer < 0) {
        if (is_worth_a_call(-answer))
            request_finish_by_call(queue, request);
        else
            request_finish(queue, request, STATUS_FROM_ERRNO(-answer));
        return;
    }

    request->progress_bytes += (size_t)answer;
    bool is_read = request->op == IO_OP_READ;
    if (request->progress_bytes == request->bytes ||
        (is_read && (answer == 0 || posix_read_is_at_end(file, request->progress_bytes)))) {
        request_finish(queue, request, STATUS_DONE);
    } else if (answer == 0) {
        request_finish(queue, request, STATUS_OS(STATUS_IO, EIO));
    } else {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&queue->ring);
        if (sqe)
            request_prepare(sqe, request);
        else
            request_finish_by_call(queue, request);
    }
}

static void completions_take(struct uring_queue *queue)
{
    struct io_uring_cqe *cqe;
    while (io_uring_peek_cqe(&queue->ring, &cqe) == 0) {
        struct io_request *request = io_uring_cqe_get_data(cqe);
        int answer = cqe->res;
        io_uring_cqe_seen(&queue->ring, cqe);
        request_answered(queue, request, answer);
    }
}

/*
 * Hand everything prepared to the kernel and wait for `wait_count` completions. EBUSY and EAGAIN mean
 * that the kernel wants its completions taken first.
 */
static status ring_enter(struct uring_queue *queue, unsigned wait_count)
{
    for (;;) {
        int answer = io_uring_submit_and_wait(&queue->ring, wait_count);
        bool again = answer == -EINTR || answer == -EAGAIN || answer == -EBUSY;
        if (answer < 0 && !again)
            return STATUS_OS(STATUS_IO, -answer);
        if (answer >= 0 && !io_uring_sq_ready(&queue->ring))
            return STATUS_DONE;
        completions_take(queue);
        if (queue->done.first)
            wait_count = 0;
    }
}

static status uring_submit(struct io_queue *queue, struct io_request **requests, unsigned count)
{
    struct uring_queue *self = (struct uring_queue *)queue;
    for (unsigned i = 0; i < count; i++) {
        while (self->in_flight == self->depth) {
            TRY(ring_enter(self, 1));
            completions_take(self);
        }
        struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);
        if (!sqe) {
            TRY(ring_enter(self, 0));
            sqe = io_uring_get_sqe(&self->ring);
        }
        if (!sqe)
            return STATUS_FAIL(STATUS_IO);
        request_prepare(sqe, requests[i]);
        self->in_flight++;
    }
    return ring_enter(self, 0);
}

static status uring_wait(struct io_queue *queue, struct io_request **out_request)
{
    struct uring_queue *self = (struct uring_queue *)queue;
    if (!self->done.first)
        completions_take(self);
    while (!self->done.first && self->in_flight) {
        TRY(ring_enter(self, 1));
        completions_take(self);
    }
    *out_request = request_list_pop(&self->done);
    return STATUS_DONE;
}

static void uring_queue_close(struct io_queue *queue)
{
    struct uring_queue *self = (struct uring_queue *)queue;
    while (self->in_flight && ok(ring_enter(self, 1)))
        completions_take(self);
    atomic_fetch_sub_explicit(&rings, 1, memory_order_release); /* pairs with uring_queue_open() */
    io_uring_queue_exit(&self->ring);
    free(self);
}

static const struct io_ops uring_ops = {
    .name = "uring",
    .has_threads = true,
    .env_close = uring_env_close,
    POSIX_FILE_OPS,
    .queue_open = uring_queue_open,
    .queue_close = uring_queue_close,
    .submit = uring_submit,
    .wait = uring_wait,
};

/* ---- probe ---- */

/* Containers refuse io_uring by seccomp, administrators by sysctl, old kernels lack operations. */
static status ring_probe(void)
{
    static const int needed[] = {IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC};
    struct io_uring ring;
    int error = io_uring_queue_init(2, &ring, 0);
    if (error < 0)
        return STATUS_OS(STATUS_UNSUPPORTED, -error);
    status st = STATUS_DONE;
    struct io_uring_probe *probe = io_uring_get_probe_ring(&ring);
    for (size_t i = 0; i < ARRAY_LEN(needed) && ok(st); i++)
        if (!probe || !io_uring_opcode_supported(probe, needed[i]))
            st = STATUS_OS(STATUS_UNSUPPORTED, EOPNOTSUPP);
    io_uring_free_probe(probe);
    io_uring_queue_exit(&ring);
    return st;
}

status uring_env_open(uint64_t seed, struct io_env **out_env)
{
    TRY(ring_probe());
    struct uring_env *env = calloc(1, sizeof *env);
    if (!env)
        return STATUS_FAIL(STATUS_NOMEM);
    io_env_init(&env->base, &uring_ops, seed);
    *out_env = &env->base;
    return STATUS_DONE;
}
