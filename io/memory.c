/*
 * memory.c: the body without a disk. Opening it allocates one struct; nothing else happens.
 *
 * The tree of names has one lock; each file has its own reader-writer lock, never taken together with
 * the first. A file that was unlinked lives on until its last close, as in the kernel. Syncs do
 * nothing, because nothing survives the environment anyhow. Queued transfers are made when submitted.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/lock.h"
#include "io/content_internal.h"
#include "io/io_internal.h"
#include "io/names_internal.h"

struct memory_inode {
    _Atomic unsigned refs; /* one for the name, one for each open file */
    bool locked;           /* guarded by the lock of the names */
    pthread_rwlock_t guard;
    struct content content; /* guarded by `guard` */
};

struct memory_env {
    struct io_env base;
    struct lock guard; /* guards the names */
    struct names names;
};

struct memory_file {
    struct io_file base;
    struct memory_inode *inode; /* counted */
    unsigned flags;
    bool holds_lock;
};

struct memory_queue {
    struct io_queue base;
    struct request_list done;
};

static struct memory_inode *inode_new(void)
{
    struct memory_inode *inode = calloc(1, sizeof *inode);
    if (!inode)
        return NULL;
    atomic_init(&inode->refs, 1);
    pthread_rwlock_init(&inode->guard, NULL);
    return inode;
}

static void inode_unref(struct memory_inode *inode)
{
    if (!inode || atomic_fetch_sub(&inode->refs, 1) != 1)
        return;
    pthread_rwlock_destroy(&inode->guard);
    content_deinit(&inode->content);
    free(inode);
}

static void memory_env_close(struct io_env *env)
{
    struct memory_env *self = (struct memory_env *)env;
    for (size_t i = 0; i < self->names.count; i++)
        inode_unref(self->names.list[i].inode);
    names_deinit(&self->names);
    lock_deinit(&self->guard);
    free(self);
}

/* ---- open and close ---- */

/* The inode of `plain`, made when the flags say so. Called with the lock of the names. */
static status inode_find(struct memory_env *env, const char *plain, unsigned flags,
                         struct memory_inode **out_inode)
{
    const struct name *found = names_find(&env->names, plain);
    if (!found && *plain) {
        TRY(names_check_parent(&env->names, plain));
        if (!(flags & IO_CREATE))
            return STATUS_FROM_ERRNO(ENOENT);
        struct memory_inode *inode = inode_new();
        if (!inode)
            return STATUS_FAIL(STATUS_NOMEM);
        status st = names_set(&env->names, plain, inode);
        if (failed(st)) {
            inode_unref(inode);
            return st;
        }
        *out_inode = inode;
        return STATUS_DONE;
    }
    if (flags & IO_EXCLUSIVE)
        return STATUS_FROM_ERRNO(EEXIST);
    if (!found || !found->inode)
        return STATUS_FROM_ERRNO(EISDIR);
    *out_inode = found->inode;
    return STATUS_DONE;
}

static status file_open(struct memory_env *env, const char *path, unsigned flags, bool lock,
                        struct io_file **out_file)
{
    char plain[IO_PATH_BYTES_MAX];
    TRY(names_plain(path, plain));
    struct memory_file *file = calloc(1, sizeof *file);
    if (!file)
        return STATUS_FAIL(STATUS_NOMEM);

    lock_acquire(&env->guard);
    struct memory_inode *inode = NULL;
    status st = inode_find(env, plain, flags, &inode);
    if (ok(st) && lock && inode->locked)
        st = STATUS_OS(STATUS_BUSY, EAGAIN);
    if (ok(st)) {
        inode->locked |= lock;
        atomic_fetch_add(&inode->refs, 1);
    }
    lock_release(&env->guard);

    if (failed(st)) {
        free(file);
        return st;
    }
    *file = (struct memory_file){.base.env = &env->base, .inode = inode, .flags = flags, .holds_lock = lock};
    *out_file = &file->base;
    return STATUS_DONE;
}

static status memory_open(struct io_env *env, const char *path, unsigned flags, struct io_file **out_file)
{
    return file_open((struct memory_env *)env, path, flags, false, out_file);
}

static status memory_lock(struct io_env *env, const char *path, struct io_file **out_file)
{
    return file_open((struct memory_env *)env, path, IO_READ | IO_WRITE | IO_CREATE, true, out_file);
}

static void memory_close(struct io_file *file)
{
    struct memory_file *self = (struct memory_file *)file;
    struct memory_env *env = (struct memory_env *)file->env;
    if (self->holds_lock) {
        lock_acquire(&env->guard);
        self->inode->locked = false;
        lock_release(&env->guard);
    }
    inode_unref(self->inode);
    free(self);
}

/* ---- bytes ---- */

static status memory_read(struct io_file *file, uint64_t offset, void *data, size_t bytes, size_t *out_bytes)
{
    struct memory_file *self = (struct memory_file *)file;
    if (!(self->flags & IO_READ))
        return STATUS_FROM_ERRNO(EBADF);
    pthread_rwlock_rdlock(&self->inode->guard);
    *out_bytes = content_read(&self->inode->content, offset, data, bytes);
    pthread_rwlock_unlock(&self->inode->guard);
    return STATUS_DONE;
}

static status content_change(struct memory_file *file, uint64_t offset, const void *data, size_t bytes)
{
    if (!(file->flags & IO_WRITE))
        return STATUS_FROM_ERRNO(EBADF);
    pthread_rwlock_wrlock(&file->inode->guard);
    status st = content_write(&file->inode->content, offset, data, bytes);
    pthread_rwlock_unlock(&file->inode->guard);
    return st;
}

static status memory_write(struct io_file *file, uint64_t offset, const void *data, size_t bytes, bool sync)
{
    (void)sync;
    return content_change((struct memory_file *)file, offset, data, bytes);
}

static status memory_sync(struct io_file *file)
{
    (void)file;
    return STATUS_DONE;
}

static status memory_size(struct io_file *file, uint64_t *out_bytes)
{
    struct memory_inode *inode = ((struct memory_file *)file)->inode;
    pthread_rwlock_rdlock(&inode->guard);
    *out_bytes = inode->content.bytes;
    pthread_rwlock_unlock(&inode->guard);
    return STATUS_DONE;
}

static status memory_truncate(struct io_file *file, uint64_t bytes)
{
    struct memory_file *self = (struct memory_file *)file;
    if (!(self->flags & IO_WRITE))
        return STATUS_FROM_ERRNO(EINVAL);
    pthread_rwlock_wrlock(&self->inode->guard);
    status st = content_truncate(&self->inode->content, bytes);
    pthread_rwlock_unlock(&self->inode->guard);
    return st;
}

static status memory_zero_fill(struct io_file *file, uint64_t bytes)
{
    return content_change((struct memory_file *)file, 0, NULL, bytes);
}

/* ---- names ---- */

static status rename_locked(struct memory_env *env, const char *from, const char *to)
{
    TRY(names_check_rename(&env->names, from, to));
    if (strcmp(from, to) == 0)
        return STATUS_DONE;
    const struct name *target = names_find(&env->names, to);
    struct memory_inode *replaced = target ? target->inode : NULL;
    bool replaces = target != NULL;
    if (replaces)
        names_remove(&env->names, to);
    status st = names_move(&env->names, from, to);
    if (ok(st))
        inode_unref(replaced);
    else if (replaces)
        (void)names_set(&env->names, to, replaced); /* its slot in the list is still there */
    return st;
}

static status memory_rename(struct io_env *env, const char *from, const char *to)
{
    struct memory_env *self = (struct memory_env *)env;
    char plain_from[IO_PATH_BYTES_MAX], plain_to[IO_PATH_BYTES_MAX];
    TRY(names_plain(from, plain_from));
    TRY(names_plain(to, plain_to));
    lock_acquire(&self->guard);
    status st = rename_locked(self, plain_from, plain_to);
    lock_release(&self->guard);
    return st;
}

static status unlink_locked(struct memory_env *env, const char *plain)
{
    TRY(names_check_unlink(&env->names, plain));
    struct memory_inode *inode = names_find(&env->names, plain)->inode;
    names_remove(&env->names, plain);
    inode_unref(inode);
    return STATUS_DONE;
}

static status mkdir_locked(struct memory_env *env, const char *plain)
{
    TRY(names_check_mkdir(&env->names, plain));
    return names_set(&env->names, plain, NULL);
}

static status rmdir_locked(struct memory_env *env, const char *plain)
{
    TRY(names_check_rmdir(&env->names, plain));
    names_remove(&env->names, plain);
    return STATUS_DONE;
}

static status sync_dir_locked(struct memory_env *env, const char *plain)
{
    return names_check_folder(&env->names, plain);
}

/* Run one of the calls above on the plain path, under the lock of the names. */
static status with_names(struct io_env *env, const char *path,
                         status (*change)(struct memory_env *env, const char *plain))
{
    struct memory_env *self = (struct memory_env *)env;
    char plain[IO_PATH_BYTES_MAX];
    TRY(names_plain(path, plain));
    lock_acquire(&self->guard);
    status st = change(self, plain);
    lock_release(&self->guard);
    return st;
}

static status memory_unlink(struct io_env *env, const char *path)
{
    return with_names(env, path, unlink_locked);
}

static status memory_mkdir(struct io_env *env, const char *path)
{
    return with_names(env, path, mkdir_locked);
}

static status memory_rmdir(struct io_env *env, const char *path)
{
    return with_names(env, path, rmdir_locked);
}

static status memory_sync_dir(struct io_env *env, const char *path)
{
    return with_names(env, path, sync_dir_locked);
}

static status memory_list(struct io_env *env, const char *path,
                          void (*entry)(void *context, const char *name), void *context)
{
    struct memory_env *self = (struct memory_env *)env;
    char plain[IO_PATH_BYTES_MAX];
    TRY(names_plain(path, plain));
    char *children = NULL;
    size_t bytes = 0;
    lock_acquire(&self->guard);
    status st = names_children(&self->names, plain, &children, &bytes);
    lock_release(&self->guard);
    if (ok(st))
        names_children_visit(children, bytes, entry, context);
    return st;
}

static status memory_free_space(struct io_env *env, const char *path, uint64_t *out_bytes)
{
    (void)env;
    (void)path;
    *out_bytes = UINT64_MAX / 4;
    return STATUS_DONE;
}

/* ---- queues ---- */

static status memory_queue_open(struct io_env *env, unsigned depth, struct io_queue **out_queue)
{
    (void)depth;
    struct memory_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return STATUS_FAIL(STATUS_NOMEM);
    queue->base.env = env;
    *out_queue = &queue->base;
    return STATUS_DONE;
}

static void memory_queue_close(struct io_queue *queue)
{
    free(queue);
}

static status memory_submit(struct io_queue *queue, struct io_request **requests, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        io_request_run(requests[i]);
        request_list_push(&((struct memory_queue *)queue)->done, requests[i]);
    }
    return STATUS_DONE;
}

static status memory_wait(struct io_queue *queue, struct io_request **out_request)
{
    *out_request = request_list_pop(&((struct memory_queue *)queue)->done);
    return STATUS_DONE;
}

static const struct io_ops memory_ops = {
    .name = "memory",
    .has_threads = true,
    .env_close = memory_env_close,
    .now_us = kernel_now_us,
    .monotonic_ns = kernel_monotonic_ns,
    .sleep_us = kernel_sleep_us,
    .open = memory_open,
    .lock = memory_lock,
    .close = memory_close,
    .read = memory_read,
    .write = memory_write,
    .sync = memory_sync,
    .size = memory_size,
    .truncate = memory_truncate,
    .zero_fill = memory_zero_fill,
    .reserve = memory_zero_fill,
    .rename = memory_rename,
    .unlink = memory_unlink,
    .mkdir = memory_mkdir,
    .rmdir = memory_rmdir,
    .sync_dir = memory_sync_dir,
    .list = memory_list,
    .free_space = memory_free_space,
    .queue_open = memory_queue_open,
    .queue_close = memory_queue_close,
    .submit = memory_submit,
    .wait = memory_wait,
};

status memory_env_open(uint64_t seed, struct io_env **out_env)
{
    struct memory_env *env = calloc(1, sizeof *env);
    if (!env)
        return STATUS_FAIL(STATUS_NOMEM);
    io_env_init(&env->base, &memory_ops, seed);
    lock_init(&env->guard, RANK_IO);
    *out_env = &env->base;
    return STATUS_DONE;
}
