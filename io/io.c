/* io.c: chooses the body and sends every call through its table. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "io/io_internal.h"

void io_env_init(struct io_env *env, const struct io_ops *ops, uint64_t seed)
{
    env->ops = ops;
    env->note[0] = '\0';
    atomic_init(&env->frozen_now_us, INT64_MIN);
    atomic_init(&env->random_state, seed);
}

static uint64_t seed_from_kernel(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed)
        return seed;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)&now;
}

bool io_disk_body_of(const char *name, enum io_body *out_body)
{
    static const struct {
        const char *name;
        enum io_body body;
    } bodies[] = {
        {"auto", IO_BODY_AUTO},
        {"uring", IO_BODY_URING},
        {"threads", IO_BODY_THREADS},
        {"workers", IO_BODY_WORKERS},
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        if (strcmp(bodies[i].name, name) == 0) {
            *out_body = bodies[i].body;
            return true;
        }
    }
    return false;
}

/* Environment variable STRAIT_IO: the body that AUTO must take, or AUTO when it says nothing. */
static status body_forced(enum io_body *out_body)
{
    const char *forced = getenv("STRAIT_IO");
    *out_body = IO_BODY_AUTO;
    if (!forced || !*forced)
        return STATUS_DONE;
    bool chosen = io_disk_body_of(forced, out_body) && *out_body != IO_BODY_AUTO;
    return chosen ? STATUS_DONE : STATUS_FAIL(STATUS_INVALID);
}

static status auto_env_open(uint64_t seed, struct io_env **out_env)
{
    enum io_body body;
    TRY(body_forced(&body));
    if (body == IO_BODY_URING)
        return uring_env_open(seed, out_env);

    status refused = STATUS_DONE;
    if (body == IO_BODY_AUTO) {
        refused = uring_env_open(seed, out_env);
        if (ok(refused) || refused.code == STATUS_NOMEM)
            return refused;
    }
    TRY(threads_env_open(seed, body == IO_BODY_WORKERS, out_env));
    if (failed(refused))
        snprintf((*out_env)->note, sizeof(*out_env)->note, "io_uring_setup: %s",
                 refused.os_error ? strerror(refused.os_error) : status_text(refused));
    else
        snprintf((*out_env)->note, sizeof(*out_env)->note, "STRAIT_IO=%s",
                 body == IO_BODY_WORKERS ? "workers" : "threads");
    return STATUS_DONE;
}

status io_env_open(enum io_body body, uint64_t seed, struct io_env **out_env)
{
    if (body == IO_BODY_SIM)
        return sim_env_open(seed, out_env);
    if (!seed)
        seed = seed_from_kernel();
    switch (body) {
    case IO_BODY_AUTO: return auto_env_open(seed, out_env);
    case IO_BODY_URING: return uring_env_open(seed, out_env);
    case IO_BODY_THREADS: return threads_env_open(seed, false, out_env);
    case IO_BODY_WORKERS: return threads_env_open(seed, true, out_env);
    case IO_BODY_MEMORY: return memory_env_open(seed, out_env);
    case IO_BODY_SIM: break;
    }
    return STATUS_FAIL(STATUS_INVALID);
}

void io_env_close(struct io_env *env)
{
    if (env)
        env->ops->env_close(env);
}

const char *io_env_name(const struct io_env *env)
{
    return env->ops->name;
}

const char *io_env_note(const struct io_env *env)
{
    return env->note;
}

/* ---- files ---- */

static bool path_is_bad(const char *path)
{
    return !path || !*path || strnlen(path, IO_PATH_BYTES_MAX) == IO_PATH_BYTES_MAX;
}

#define TRY_PATH(path)                                                             \
    do {                                                                           \
        if (path_is_bad(path))                                                     \
            return STATUS_FAIL((path) && *(path) ? STATUS_LIMIT : STATUS_INVALID); \
    } while (0)

status io_open(struct io_env *env, const char *path, unsigned flags, struct io_file **out_file)
{
    TRY_PATH(path);
    if (!(flags & (IO_READ | IO_WRITE)) || ((flags & IO_EXCLUSIVE) && !(flags & IO_CREATE)))
        return STATUS_FAIL(STATUS_INVALID);
    return env->ops->open(env, path, flags, out_file);
}

status io_lock(struct io_env *env, const char *path, struct io_file **out_file)
{
    TRY_PATH(path);
    return env->ops->lock(env, path, out_file);
}

void io_close(struct io_file *file)
{
    if (file)
        file->env->ops->close(file);
}

/* Offsets are signed in the kernel; every body refuses the same ranges. */
static bool range_is_bad(uint64_t offset, size_t bytes)
{
    return offset > INT64_MAX || bytes > INT64_MAX - offset;
}

status io_read(struct io_file *file, uint64_t offset, void *data, size_t bytes, size_t *out_bytes)
{
    if (range_is_bad(offset, bytes))
        return STATUS_FAIL(STATUS_INVALID);
    return file->env->ops->read(file, offset, data, bytes, out_bytes);
}

status io_write(struct io_file *file, uint64_t offset, const void *data, size_t bytes, bool sync)
{
    if (range_is_bad(offset, bytes))
        return STATUS_FAIL(STATUS_INVALID);
    return file->env->ops->write(file, offset, data, bytes, sync);
}

status io_sync(struct io_file *file)
{
    return file->env->ops->sync(file);
}

status io_size(struct io_file *file, uint64_t *out_bytes)
{
    return file->env->ops->size(file, out_bytes);
}

size_t io_read_alignment(const struct io_file *file)
{
    size_t (*alignment)(const struct io_file *) = file->env->ops->read_alignment;
    return alignment ? alignment(file) : IO_BLOCK_BYTES;
}

status io_truncate(struct io_file *file, uint64_t bytes)
{
    if (range_is_bad(bytes, 0))
        return STATUS_FAIL(STATUS_INVALID);
    return file->env->ops->truncate(file, bytes);
}

status io_zero_fill(struct io_file *file, uint64_t bytes)
{
    if (range_is_bad(bytes, 0))
        return STATUS_FAIL(STATUS_INVALID);
    return file->env->ops->zero_fill(file, bytes);
}

status io_reserve(struct io_file *file, uint64_t bytes)
{
    if (range_is_bad(bytes, 0))
        return STATUS_FAIL(STATUS_INVALID);
    return file->env->ops->reserve(file, bytes);
}

/* ---- names ---- */

status io_rename(struct io_env *env, const char *from, const char *to)
{
    TRY_PATH(from);
    TRY_PATH(to);
    return env->ops->rename(env, from, to);
}

status io_unlink(struct io_env *env, const char *path)
{
    TRY_PATH(path);
    return env->ops->unlink(env, path);
}

status io_mkdir(struct io_env *env, const char *path)
{
    TRY_PATH(path);
    return env->ops->mkdir(env, path);
}

status io_rmdir(struct io_env *env, const char *path)
{
    TRY_PATH(path);
    return env->ops->rmdir(env, path);
}

status io_sync_dir(struct io_env *env, const char *path)
{
    TRY_PATH(path);
    return env->ops->sync_dir(env, path);
}

status io_list(struct io_env *env, const char *path, void (*entry)(void *context, const char *name),
               void *context)
{
    TRY_PATH(path);
    return env->ops->list(env, path, entry, context);
}

status io_free_space(struct io_env *env, const char *path, uint64_t *out_bytes)
{
    TRY_PATH(path);
    return env->ops->free_space(env, path, out_bytes);
}

/* ---- memory ---- */

void *io_memory_new(size_t bytes)
{
    if (bytes > SIZE_MAX - IO_BLOCK_BYTES)
        return NULL;
    size_t rounded = (bytes + IO_BLOCK_BYTES - 1) / IO_BLOCK_BYTES * IO_BLOCK_BYTES;
    if (!rounded)
        rounded = IO_BLOCK_BYTES;
    void *memory = aligned_alloc(IO_BLOCK_BYTES, rounded);
    if (memory)
        memset(memory, 0, rounded);
    return memory;
}

void io_memory_free(void *memory)
{
    free(memory);
}

/* ---- queues ---- */

void io_request_run(struct io_request *request)
{
    request->done_bytes = 0;
    switch (request->op) {
    case IO_OP_READ:
        request->result =
            io_read(request->file, request->offset, request->data, request->bytes, &request->done_bytes);
        return;
    case IO_OP_WRITE:
    case IO_OP_WRITE_SYNC:
        request->result = io_write(request->file, request->offset, request->data, request->bytes,
                                   request->op == IO_OP_WRITE_SYNC);
        if (ok(request->result))
            request->done_bytes = request->bytes;
        return;
    case IO_OP_SYNC: request->result = io_sync(request->file); return;
    }
    request->result = STATUS_FAIL(STATUS_INVALID);
}

status io_queue_open(struct io_env *env, unsigned depth, struct io_queue **out_queue)
{
    if (!depth || depth > 4096)
        return STATUS_FAIL(STATUS_INVALID);
    return env->ops->queue_open(env, depth, out_queue);
}

void io_queue_close(struct io_queue *queue)
{
    if (queue)
        queue->env->ops->queue_close(queue);
}

status io_submit(struct io_queue *queue, struct io_request **requests, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert(requests[i]->file && requests[i]->file->env == queue->env);
        requests[i]->queue = queue;
        requests[i]->result = STATUS_DONE;
        requests[i]->done_bytes = 0;
        requests[i]->progress_bytes = 0;
    }
    return queue->env->ops->submit(queue, requests, count);
}

status io_wait(struct io_queue *queue, struct io_request **out_request)
{
    return queue->env->ops->wait(queue, out_request);
}
