/*
 * io.h: the only door to files, threads, time and randomness.
 *
 * An environment has one of five bodies behind the same calls:
 *   uring    io_uring through liburing; probed when opened, STATUS_UNSUPPORTED where it is refused
 *   threads  direct transfers by the kernel's older asynchronous interface, the others by a few workers
 *   workers  all of them by the workers
 *   memory   no disk at all: files live in the environment and die with it
 *   sim      a simulated disk under one seed: sim.h cuts its power and makes it fail
 *
 * Shapes      Offsets and *_bytes are bytes. Direct files (IO_DIRECT) want offset, length and memory
 *             aligned to IO_BLOCK_BYTES; io_memory_new() gives such memory. A body may grant
 *             IO_DIRECT by ordinary means where the file system refuses it, never the reverse.
 * Ownership   io_env_open() creates an environment that io_env_close() releases after every file,
 *             queue and thread of it is gone. Paths are borrowed for the call.
 * Errors      STATUS_IO carries the errno. EINTR and short transfers are handled inside: a transfer
 *             is whole or failed, except that a read stops at the end of the file. A failed sync is
 *             never retried here or by callers (the page cache cannot be trusted afterwards).
 * Threads     An environment and a file may be used by any number of threads; a queue by one at a time.
 */
#ifndef STRAIT_IO_IO_H
#define STRAIT_IO_IO_H

#include "base/slice.h"
#include "base/status.h"

enum {
    IO_BLOCK_BYTES = 4096,
    IO_PATH_BYTES_MAX = 4096,
};

enum io_body {
    /* uring where the kernel allows it, else threads. The environment variable STRAIT_IO, when it is
     * "uring", "threads" or "workers", decides instead: then uring that is refused is an error, not a fallback. */
    IO_BODY_AUTO,
    IO_BODY_URING,
    IO_BODY_THREADS,
    IO_BODY_WORKERS, /* threads without the kernel's older asynchronous interface */
    IO_BODY_MEMORY,
    IO_BODY_SIM,
};

/* Of "auto", "uring", "threads" and "workers": the bodies for files on a disk. False when it is none of these. */
bool io_disk_body_of(const char *name, enum io_body *out_body);

struct io_env;
struct io_file;
struct io_queue;
struct io_thread;

/* `seed` feeds io_random(); 0 takes one from the kernel (the sim body takes 0 literally). */
status io_env_open(enum io_body body, uint64_t seed, struct io_env **out_env);
void io_env_close(struct io_env *env);
/* "uring", "threads", "memory" or "sim": which body really runs. */
const char *io_env_name(const struct io_env *env);
/* Why AUTO chose threads, for the log: "io_uring_setup: Operation not permitted"; "" when it did not. */
const char *io_env_note(const struct io_env *env);

/* ---- time and randomness ---- */

/* Wall clock in microseconds since 1970-01-01 UTC. A test may hold it still and move it. */
int64_t io_now_us(struct io_env *env);
/* Freeze the wall clock at `now_us`; INT64_MIN lets it run again. */
void io_clock_set(struct io_env *env, int64_t now_us);
/* Never goes back; for durations only. The sim body advances it by a fixed amount an operation. */
int64_t io_monotonic_ns(struct io_env *env);
uint64_t io_random(struct io_env *env);

/* ---- files ---- */

enum io_flags {
    IO_READ = 1,
    IO_WRITE = 2,
    IO_CREATE = 4,    /* make it when absent, mode 0600 */
    IO_EXCLUSIVE = 8, /* with IO_CREATE: STATUS_EXISTS when present */
    IO_DIRECT = 16,   /* around the page cache where the file system allows */
};

status io_open(struct io_env *env, const char *path, unsigned flags, struct io_file **out_file);
/* NULL is welcome. Closing does not make anything durable. */
void io_close(struct io_file *file);

/* Fewer than `bytes` only at the end of the file. */
status io_read(struct io_file *file, uint64_t offset, void *data, size_t bytes, size_t *out_bytes);
/* With `sync` the bytes are durable on return (RWF_DSYNC, or write and fdatasync). */
status io_write(struct io_file *file, uint64_t offset, const void *data, size_t bytes, bool sync);
status io_sync(struct io_file *file); /* fdatasync: data and size */
status io_size(struct io_file *file, uint64_t *out_bytes);
/* What offset and length of a read must be multiples of; a power of two, at most IO_BLOCK_BYTES. Less than that means that
 * fewer bytes come from the disk, not that they come sooner. */
size_t io_read_alignment(const struct io_file *file);
status io_truncate(struct io_file *file, uint64_t bytes);
/* Write zeros over [0, bytes) so that later writes there change no metadata, then sync. */
status io_zero_fill(struct io_file *file, uint64_t bytes);
/* The same for an empty file without writing anything, where the file system can: the room is taken, and the sync after
 * the first write into a block pays for the metadata that it changes. */
status io_reserve(struct io_file *file, uint64_t bytes);

/* Names. None of them is durable before io_sync_dir() on the folder. */
status io_rename(struct io_env *env, const char *from, const char *to);
status io_unlink(struct io_env *env, const char *path);
status io_mkdir(struct io_env *env, const char *path); /* mode 0700; STATUS_EXISTS when present */
status io_rmdir(struct io_env *env, const char *path);
status io_sync_dir(struct io_env *env, const char *path);
/* Call `entry` for each name in the folder except . and ..; order undefined. */
status io_list(struct io_env *env, const char *path, void (*entry)(void *context, const char *name),
               void *context);
/* Bytes a further file could take on the file system of `path`. */
status io_free_space(struct io_env *env, const char *path, uint64_t *out_bytes);

/*
 * Take the exclusive lock that keeps a second process (or a second store of this one) out of a
 * folder: an OFD lock on `path`, created when absent. STATUS_BUSY when somebody holds it.
 * Held until io_close().
 */
status io_lock(struct io_env *env, const char *path, struct io_file **out_file);

/* Zeroed memory aligned to IO_BLOCK_BYTES, rounded up to whole blocks; freed by io_memory_free(). */
void *io_memory_new(size_t bytes);
void io_memory_free(void *memory);

/* ---- several transfers in flight ---- */

enum io_op {
    IO_OP_READ,
    IO_OP_WRITE,
    IO_OP_WRITE_SYNC, /* durable when it completes */
    IO_OP_SYNC,
};

/* One transfer. The caller owns it and its memory until it comes back from io_wait(). */
struct io_request {
    enum io_op op;
    struct io_file *file;
    uint64_t offset;
    void *data;
    size_t bytes;
    void *user;        /* the caller's own */
    status result;     /* set by io_wait() */
    size_t done_bytes; /* set by io_wait(); short only for a read at the end of the file */

    /* The body's own. */
    size_t progress_bytes;
    struct io_queue *queue;
    struct io_request *next;
};

/* `depth` transfers at most are in flight; io_submit() beyond that waits for room. */
status io_queue_open(struct io_env *env, unsigned depth, struct io_queue **out_queue);
/* Waits for what is in flight. NULL is welcome. */
void io_queue_close(struct io_queue *queue);
/* Start all of them with one kernel call where the body can. They may complete in any order. */
status io_submit(struct io_queue *queue, struct io_request **requests, unsigned count);
/* Wait for one to complete; *out_request is NULL when nothing is in flight. Its own outcome is in
 * `result`: io_wait() itself fails only when the queue is broken. */
status io_wait(struct io_queue *queue, struct io_request **out_request);

/* ---- threads ---- */

status io_thread_start(struct io_env *env, const char *name, void (*run)(void *argument), void *argument,
                       struct io_thread **out_thread);
/* Wait for it to return, then free it. NULL is welcome. */
void io_thread_join(struct io_thread *thread);
/* The calling thread does what nobody waits for: from now on others go first. */
void io_thread_yield(void);
/* Cores that the calling thread, and those it starts, may run on; at least 1. */
uint32_t io_cores(void);
/* Sleep; the sim body only moves its clock. */
void io_sleep_us(struct io_env *env, int64_t us);

#endif
