/*
 * io_internal.h: what the bodies of the environment share.
 *
 * Every body fills one struct io_ops and embeds struct io_env, io_file and io_queue at the head of its
 * own structs; io.c checks arguments and calls through the table. A body whose files are the kernel's
 * takes the file half of its table from POSIX_FILE_OPS.
 */
#ifndef STRAIT_IO_IO_INTERNAL_H
#define STRAIT_IO_IO_INTERNAL_H

#include <errno.h>
#include <stdatomic.h>

#include "base/random.h"
#include "io/io.h"

struct io_ops {
    const char *name;
    bool has_threads; /* io_thread_start() works */
    void (*env_close)(struct io_env *env);

    int64_t (*now_us)(struct io_env *env); /* asked only while the clock is not frozen */
    int64_t (*monotonic_ns)(struct io_env *env);
    void (*sleep_us)(struct io_env *env, int64_t us);

    status (*open)(struct io_env *env, const char *path, unsigned flags, struct io_file **out_file);
    status (*lock)(struct io_env *env, const char *path, struct io_file **out_file);
    void (*close)(struct io_file *file);
    size_t (*read_alignment)(const struct io_file *file); /* NULL: IO_BLOCK_BYTES */
    status (*read)(struct io_file *file, uint64_t offset, void *data, size_t bytes, size_t *out_bytes);
    status (*write)(struct io_file *file, uint64_t offset, const void *data, size_t bytes, bool sync);
    status (*sync)(struct io_file *file);
    status (*size)(struct io_file *file, uint64_t *out_bytes);
    status (*truncate)(struct io_file *file, uint64_t bytes);
    status (*zero_fill)(struct io_file *file, uint64_t bytes);
    status (*reserve)(struct io_file *file, uint64_t bytes);

    status (*rename)(struct io_env *env, const char *from, const char *to);
    status (*unlink)(struct io_env *env, const char *path);
    status (*mkdir)(struct io_env *env, const char *path);
    status (*rmdir)(struct io_env *env, const char *path);
    status (*sync_dir)(struct io_env *env, const char *path);
    status (*list)(struct io_env *env, const char *path, void (*entry)(void *context, const char *name),
                   void *context);
    status (*free_space)(struct io_env *env, const char *path, uint64_t *out_bytes);

    status (*queue_open)(struct io_env *env, unsigned depth, struct io_queue **out_queue);
    void (*queue_close)(struct io_queue *queue);
    status (*submit)(struct io_queue *queue, struct io_request **requests, unsigned count);
    status (*wait)(struct io_queue *queue, struct io_request **out_request);
};

struct io_env {
    const struct io_ops *ops; /* static */
    char note[128];
    _Atomic int64_t frozen_now_us; /* INT64_MIN while the clock runs */
    _Atomic uint64_t random_state;
};

struct io_file {
    struct io_env *env; /* borrowed: outlives the file */
};

struct io_queue {
    struct io_env *env; /* borrowed: outlives the queue */
};

/* Requests in order of arrival, linked through io_request.next. */
struct request_list {
    struct io_request *first, *last; /* borrowed from the callers of io_submit() */
};

static inline void request_list_push(struct request_list *list, struct io_request *request)
{
    request->next = NULL;
    if (list->last)
        list->last->next = request;
    else
        list->first = request;
    list->last = request;
}

/* NULL when the list is empty. */
static inline struct io_request *request_list_pop(struct request_list *list)
{
    struct io_request *request = list->first;
    if (!request)
        return NULL;
    list->first = request->next;
    if (!list->first)
        list->last = NULL;
    return request;
}

/* Fill the common part; `seed` is taken as it is. */
void io_env_init(struct io_env *env, const struct io_ops *ops, uint64_t seed);

/* Do the transfer now, on this thread, through the calls of its file; sets result and done_bytes. */
void io_request_run(struct io_request *request);

/* The constructors of the bodies. */
status uring_env_open(uint64_t seed, struct io_env **out_env);
status threads_env_open(uint64_t seed, bool workers_only, struct io_env **out_env);
status memory_env_open(uint64_t seed, struct io_env **out_env);
status sim_env_open(uint64_t seed, struct io_env **out_env);

/* clock.c: the clocks of the kernel. */
int64_t kernel_now_us(struct io_env *env);
int64_t kernel_monotonic_ns(struct io_env *env);
void kernel_sleep_us(struct io_env *env, int64_t us);

/* posix_files.c: files of the kernel. */
struct posix_file {
    struct io_file base;
    int fd;      /* owned */
    bool direct; /* O_DIRECT was granted */
    uint16_t read_alignment;
};

status posix_open(struct io_env *env, const char *path, unsigned flags, struct io_file **out_file);
status posix_lock(struct io_env *env, const char *path, struct io_file **out_file);
void posix_close(struct io_file *file);
size_t posix_read_alignment(const struct io_file *file);
status posix_read(struct io_file *file, uint64_t offset, void *data, size_t bytes, size_t *out_bytes);
status posix_write(struct io_file *file, uint64_t offset, const void *data, size_t bytes, bool sync);
status posix_sync(struct io_file *file);
status posix_size(struct io_file *file, uint64_t *out_bytes);
status posix_truncate(struct io_file *file, uint64_t bytes);
status posix_zero_fill(struct io_file *file, uint64_t bytes);
status posix_reserve(struct io_file *file, uint64_t bytes);
status posix_rename(struct io_env *env, const char *from, const char *to);
status posix_unlink(struct io_env *env, const char *path);
status posix_mkdir(struct io_env *env, const char *path);
status posix_rmdir(struct io_env *env, const char *path);
status posix_sync_dir(struct io_env *env, const char *path);
status posix_list(struct io_env *env, const char *path, void (*entry)(void *context, const char *name),
                  void *context);
status posix_free_space(struct io_env *env, const char *path, uint64_t *out_bytes);

/* True when a read that stopped here cannot go on: O_DIRECT moves whole blocks, so a part of one is
 * the end of the file, and asking again at an odd offset would be refused. */
static inline bool posix_read_is_at_end(const struct posix_file *file, size_t progress_bytes)
{
    return file->direct && progress_bytes % 512 != 0;
}

#define POSIX_FILE_OPS                                                                                    \
    .now_us = kernel_now_us, .monotonic_ns = kernel_monotonic_ns, .sleep_us = kernel_sleep_us,            \
    .open = posix_open, .lock = posix_lock, .close = posix_close, .read = posix_read,                     \
    .read_alignment = posix_read_alignment, .write = posix_write, .sync = posix_sync, .size = posix_size, \
    .truncate = posix_truncate, .zero_fill = posix_zero_fill, .reserve = posix_reserve,                   \
    .rename = posix_rename, .unlink = posix_unlink, .mkdir = posix_mkdir, .rmdir = posix_rmdir,           \
    .sync_dir = posix_sync_dir, .list = posix_list, .free_space = posix_free_space

#endif
