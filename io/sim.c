/*
 * sim.c: the calls of the simulated environment.
 *
 * Every call that reaches the disk asks sim_fate() first and notes its outcome with sim_trace(). A call
 * that the power cut hits adds its change to what is pending and fails, so that the policy may let
 * it survive although nobody was told.
 */
#include <stdlib.h>

#include "io/sim_internal.h"

#define DARK STATUS_OS(STATUS_IO, EIO)

/* ---- clock ---- */

static int64_t sim_monotonic_ns(struct io_env *env)
{
    return sim_of(env)->monotonic_ns;
}

static int64_t sim_now_us(struct io_env *env)
{
    const int64_t start_us = INT64_C(1700000000000000);
    return start_us + sim_of(env)->monotonic_ns / 1000;
}

static void sim_sleep_us(struct io_env *env, int64_t us)
{
    sim_of(env)->monotonic_ns += us * 1000;
}

/* ---- open and close ---- */

static status create_run(struct sim_disk *disk, const char *plain, struct sim_inode *inode)
{
    TRY(names_set(&disk->now, plain, inode));
    inode_ref(inode);
    inode_enliven(disk, inode);
    return disk_pend_name(disk, SIM_NAME_SET, NULL, plain, inode);
}

/* A new file; on success the name holds it. */
static status file_create(struct sim_env *env, const char *plain, struct sim_inode **out_inode)
{
    struct sim_disk *disk = &env->disk;
    TRY(names_check_parent(&disk->now, plain));
    enum sim_fate fate = sim_fate(env, SIM_OP_CREATE);
    if (fate == SIM_FATE_DARK)
        return DARK;
    struct sim_inode *inode = inode_new(disk);
    if (!inode)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = STATUS_DONE;
    if (fate == SIM_FATE_RUN)
        st = create_run(disk, plain, inode);
    else if (fate == SIM_FATE_CUT)
        (void)disk_pend_name(disk, SIM_NAME_SET, NULL, plain, inode);
    if (fate != SIM_FATE_RUN)
        st = STATUS_FROM_ERRNO(fate == SIM_FATE_FAULT && env->fault == SIM_FAULT_ENOSPC ? ENOSPC : EIO);
    sim_trace(env, SIM_OP_CREATE, plain, inode->id, 0, 0, NULL, st);
    if (ok(st))
        *out_inode = inode;
    inode_unref(disk, inode);
    return st;
}

static status file_find(struct sim_env *env, const char *plain, unsigned flags, struct sim_inode **out_inode)
{
    const struct name *found = names_find(&env->disk.now, plain);
    if (!found && *plain) {
        TRY(names_check_parent(&env->disk.now, plain));
        if (!(flags & IO_CREATE))
            return STATUS_FROM_ERRNO(ENOENT);
        return file_create(env, plain, out_inode);
    }
    if (flags & IO_EXCLUSIVE)
        return STATUS_FROM_ERRNO(EEXIST);
    if (!found || !found->inode)
        return STATUS_FROM_ERRNO(EISDIR);
    *out_inode = found->inode;
    return STATUS_DONE;
}

static status file_open(struct io_env *env, const char *path, unsigned flags, bool lock,
                        struct io_file **out_file)
{
    struct sim_env *self = sim_of(env);
    char plain[IO_PATH_BYTES_MAX];
    TRY(names_plain(path, plain));
    if (self->power_is_cut)
        return DARK;
    struct sim_file *file = calloc(1, sizeof *file);
    if (!file)
        return STATUS_FAIL(STATUS_NOMEM);
    struct sim_inode *inode = NULL;
    status st = file_find(self, plain, flags, &inode);
    if (ok(st) && lock && inode->locked)
        st = STATUS_OS(STATUS_BUSY, EAGAIN);
    if (failed(st)) {
        free(file);
        return st;
    }
    inode->locked |= lock;
    inode_ref(inode);
    inode_enliven(&self->disk, inode);
    *file = (struct sim_file){
        .base.env = env, .inode = inode, .flags = flags, .epoch = self->epoch, .holds_lock = lock};
    *out_file = &file->base;
    return STATUS_DONE;
}

static status sim_open(struct io_env *env, const char *path, unsigned flags, struct io_file **out_file)
{
    return file_open(env, path, flags, false, out_file);
}

static status sim_lock(struct io_env *env, const char *path, struct io_file **out_file)
{
    return file_open(env, path, IO_READ | IO_WRITE | IO_CREATE, true, out_file);
}

/* A power cut has released what a stale file held already. */
static void sim_close(struct io_file *file)
{
    struct sim_file *self = (struct sim_file *)file;
    struct sim_env *env = sim_of(file->env);
    if (self->epoch == env->epoch) {
        if (self->holds_lock)
            self->inode->locked = false;
        inode_release(&env->disk, self->inode);
    }
    inode_unref(&env->disk, self->inode);
    free(self);
}

/* ---- bytes ---- */

static status file_check(const struct sim_file *file, unsigned needed)
{
    const struct sim_env *env = sim_of(file->base.env);
    if (file->epoch != env->epoch)
        return STATUS_OS(STATUS_IO, ESTALE);
    if (env->power_is_cut)
        return DARK;
    return file->flags & needed ? STATUS_DONE : STATUS_FROM_ERRNO(EBADF);
}

static status direct_check(const struct sim_file *file, uint64_t offset, const void *data, size_t bytes)
{
    uint64_t all = offset | bytes | (uint64_t)(uintptr_t)data;
    bool is_odd = (file->flags & IO_DIRECT) && all % IO_BLOCK_BYTES != 0;
    return is_odd ? STATUS_FROM_ERRNO(EINVAL) : STATUS_DONE;
}

static status read_run(struct sim_env *env, enum sim_fate fate, struct sim_inode *inode, uint64_t offset,
                       void *data, size_t bytes, size_t *out_bytes)
{
    bool flips = fate == SIM_FATE_FAULT && env->fault == SIM_FAULT_READ_FLIP;
    if (fate != SIM_FATE_RUN && !flips)
        return DARK;
    size_t done = content_read(&inode->now, offset, data, bytes);
    if (flips && done) {
        uint64_t bit = random_below(&env->disk.rng, (uint64_t)done * 8);
        ((uint8_t *)data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    *out_bytes = done;
    return STATUS_DONE;
}

static status sim_read(struct io_file *file, uint64_t offset, void *data, size_t bytes, size_t *out_bytes)
{
    struct sim_file *self = (struct sim_file *)file;
    struct sim_env *env = sim_of(file->env);
    TRY(file_check(self, IO_READ));
    TRY(direct_check(self, offset, data, bytes));
    size_t done = 0;
    status st = read_run(env, sim_fate(env, SIM_OP_READ), self->inode, offset, data, bytes, &done);
    sim_trace(env, SIM_OP_READ, NULL, self->inode->id, offset, done, data, st);
    if (ok(st))
        *out_bytes = done;
    return st;
}

struct write {
    struct sim_inode *inode;
    uint64_t offset;
    const void *data; /* NULL for zeros */
    size_t bytes;
    bool sync;
};

static status write_run(struct sim_disk *disk, const struct write *write)
{
    struct sim_inode *inode = write->inode;
    if (!write->bytes)
        return STATUS_DONE;
    TRY(inode_check_space(disk, inode, write->offset + write->bytes));
    TRY(inode_write(disk, inode, write->offset, write->data, write->bytes));
    status st = inode_pend_write(disk, inode, write->offset, write->data, write->bytes);
    if (ok(st) && write->sync)
        st = inode_settle_newest(inode);
    inode->lost |= failed(st);
    return st;
}

/* The write lands in another block of the file, or nowhere when there is none. */
static status write_misdirected(struct sim_disk *disk, struct write write)
{
    uint64_t size = write.inode->now.bytes, blocks = size / IO_BLOCK_BYTES;
    uint64_t target = random_below(&disk->rng, blocks) * IO_BLOCK_BYTES + write.offset % IO_BLOCK_BYTES;
    if (target == write.offset || target >= size)
        return STATUS_DONE;
    write.offset = target;
    if (write.bytes > size - target)
        write.bytes = (size_t)(size - target);
    return write_run(disk, &write);
}

static status write_with_fault(struct sim_env *env, struct write write)
{
    struct sim_disk *disk = &env->disk;
    switch (env->fault) {
    case SIM_FAULT_ENOSPC: return STATUS_FROM_ERRNO(ENOSPC);
    case SIM_FAULT_LOST_WRITE: return STATUS_DONE;
    case SIM_FAULT_MISDIRECTED: return write_misdirected(disk, write);
    case SIM_FAULT_LYING_SYNC: write.sync = false; return write_run(disk, &write);
    case SIM_FAULT_SYNC:
        write.sync = false;
        TRY(write_run(disk, &write));
        inode_forget(write.inode);
        return DARK;
    case SIM_FAULT_EIO:
        write.sync = false;
        write.bytes = (size_t)random_below(&disk->rng, write.bytes + 1) / SIM_SECTOR_BYTES * SIM_SECTOR_BYTES;
        (void)write_run(disk, &write);
        return DARK;
    case SIM_FAULT_NONE:
    case SIM_FAULT_READ_FLIP:
    case SIM_FAULT_SLOW: break;
    }
    return DARK;
}

static status write_with_fate(struct sim_env *env, enum sim_kind kind, struct write write)
{
    enum sim_fate fate = sim_fate(env, kind);
    status st = DARK;
    if (fate == SIM_FATE_CUT)
        (void)inode_pend_write(&env->disk, write.inode, write.offset, write.data, write.bytes);
    else if (fate == SIM_FATE_FAULT)
        st = write_with_fault(env, write);
    else if (fate == SIM_FATE_RUN)
        st = write_run(&env->disk, &write);
    sim_trace(env, kind, NULL, write.inode->id, write.offset, write.bytes, write.data, st);
    return st;
}

static status sim_write(struct io_file *file, uint64_t offset, const void *data, size_t bytes, bool sync)
{
    struct sim_file *self = (struct sim_file *)file;
    TRY(file_check(self, IO_WRITE));
    TRY(direct_check(self, offset, data, bytes));
    struct write write = {.inode = self->inode, .offset = offset, .data = data, .bytes = bytes, .sync = sync};
    return write_with_fate(sim_of(file->env), sync ? SIM_OP_WRITE_SYNC : SIM_OP_WRITE, write);
}

static status sync_run(struct sim_env *env, enum sim_fate fate, struct sim_inode *inode)
{
    if (fate == SIM_FATE_RUN)
        return inode_settle(inode);
    if (fate == SIM_FATE_FAULT && env->fault == SIM_FAULT_LYING_SYNC)
        return STATUS_DONE;
    if (fate == SIM_FATE_FAULT && env->fault == SIM_FAULT_SYNC)
        inode_forget(inode);
    return DARK;
}

static status sim_sync(struct io_file *file)
{
    struct sim_file *self = (struct sim_file *)file;
    struct sim_env *env = sim_of(file->env);
    TRY(file_check(self, IO_READ | IO_WRITE));
    status st = sync_run(env, sim_fate(env, SIM_OP_SYNC), self->inode);
    sim_trace(env, SIM_OP_SYNC, NULL, self->inode->id, 0, 0, NULL, st);
    return st;
}

static status sim_size(struct io_file *file, uint64_t *out_bytes)
{
    struct sim_file *self = (struct sim_file *)file;
    TRY(file_check(self, IO_READ | IO_WRITE));
    *out_bytes = self->inode->now.bytes;
    return STATUS_DONE;
}

static status truncate_run(struct sim_disk *disk, struct sim_inode *inode, uint64_t bytes)
{
    TRY(inode_check_space(disk, inode, bytes));
    TRY(inode_pend_truncate(disk, inode, bytes));
    return inode_truncate(disk, inode, bytes);
}

static status sim_truncate(struct io_file *file, uint64_t bytes)
{
    struct sim_file *self = (struct sim_file *)file;
    struct sim_env *env = sim_of(file->env);
    TRY(file_check(self, IO_READ | IO_WRITE));
    if (!(self->flags & IO_WRITE))
        return STATUS_FROM_ERRNO(EINVAL);
    enum sim_fate fate = sim_fate(env, SIM_OP_TRUNCATE);
    status st = DARK;
    if (fate == SIM_FATE_RUN)
        st = truncate_run(&env->disk, self->inode, bytes);
    else if (fate == SIM_FATE_CUT)
        (void)inode_pend_truncate(&env->disk, self->inode, bytes);
    else if (env->fault == SIM_FAULT_ENOSPC)
        st = STATUS_FROM_ERRNO(ENOSPC);
    sim_trace(env, SIM_OP_TRUNCATE, NULL, self->inode->id, bytes, 0, NULL, st);
    return st;
}

static status sim_zero_fill(struct io_file *file, uint64_t bytes)
{
    struct sim_file *self = (struct sim_file *)file;
    TRY(file_check(self, IO_WRITE));
    struct write write = {.inode = self->inode, .bytes = (size_t)bytes};
    TRY(write_with_fate(sim_of(file->env), SIM_OP_ZERO, write));
    return sim_sync(file);
}

/* ---- names ---- */

/* One change of names: what to check, what to do, what is pending afterwards. */
struct name_call {
    enum sim_kind kind;
    enum sim_name_kind change;
    status (*check)(const struct names *names, const char *path);
    status (*run)(struct sim_disk *disk, const char *path);
};

static void now_remove(struct sim_disk *disk, const char *path)
{
    const struct name *found = names_find(&disk->now, path);
    if (!found)
        return;
    struct sim_inode *inode = found->inode;
    names_remove(&disk->now, path);
    inode_release(disk, inode);
    inode_unref(disk, inode);
}

static status unlink_run(struct sim_disk *disk, const char *path)
{
    now_remove(disk, path);
    return STATUS_DONE;
}

static status mkdir_run(struct sim_disk *disk, const char *path)
{
    return names_set(&disk->now, path, NULL);
}

static status name_fails(const struct sim_env *env, enum sim_fate fate)
{
    bool is_full = fate == SIM_FATE_FAULT && env->fault == SIM_FAULT_ENOSPC;
    return STATUS_FROM_ERRNO(is_full ? ENOSPC : EIO);
}

static status name_call(struct io_env *env, const char *path, const struct name_call *call)
{
    struct sim_env *self = sim_of(env);
    struct sim_disk *disk = &self->disk;
    char plain[IO_PATH_BYTES_MAX];
    TRY(names_plain(path, plain));
    if (self->power_is_cut)
        return DARK;
    TRY(call->check(&disk->now, plain));

    const struct name *found = names_find(&disk->now, plain);
    struct sim_inode *inode = found ? found->inode : NULL;
    const char *from = call->change == SIM_NAME_REMOVE ? plain : NULL;
    const char *to = call->change == SIM_NAME_SET ? plain : NULL;
    enum sim_fate fate = sim_fate(self, call->kind);
    status st = STATUS_DONE;
    if (fate == SIM_FATE_RUN || fate == SIM_FATE_CUT)
        st = disk_pend_name(disk, call->change, from, to, inode);
    if (fate == SIM_FATE_RUN && ok(st))
        st = call->run(disk, plain);
    else if (fate != SIM_FATE_RUN)
        st = name_fails(self, fate);
    sim_trace(self, call->kind, plain, 0, 0, 0, NULL, st);
    return st;
}

static status sim_unlink(struct io_env *env, const char *path)
{
    static const struct name_call call = {SIM_OP_UNLINK, SIM_NAME_REMOVE, names_check_unlink, unlink_run};
    return name_call(env, path, &call);
}

static status sim_mkdir(struct io_env *env, const char *path)
{
    static const struct name_call call = {SIM_OP_MKDIR, SIM_NAME_SET, names_check_mkdir, mkdir_run};
    return name_call(env, path, &call);
}

static status sim_rmdir(struct io_env *env, const char *path)
{
    static const struct name_call call = {SIM_OP_RMDIR, SIM_NAME_REMOVE, names_check_rmdir, unlink_run};
    return name_call(env, path, &call);
}

static status rename_run(struct sim_disk *disk, const char *from, const char *to)
{
    now_remove(disk, to);
    return names_move(&disk->now, from, to);
}

static status sim_rename(struct io_env *env, const char *from, const char *to)
{
    struct sim_env *self = sim_of(env);
    struct sim_disk *disk = &self->disk;
    char plain_from[IO_PATH_BYTES_MAX], plain_to[IO_PATH_BYTES_MAX];
    TRY(names_plain(from, plain_from));
    TRY(names_plain(to, plain_to));
    if (self->power_is_cut)
        return DARK;
    TRY(names_check_rename(&disk->now, plain_from, plain_to));
    if (strcmp(plain_from, plain_to) == 0)
        return STATUS_DONE;

    struct sim_inode *inode = names_find(&disk->now, plain_from)->inode;
    enum sim_fate fate = sim_fate(self, SIM_OP_RENAME);
    status st = STATUS_DONE;
    if (!inode)
        st = disk_settle_below(disk, plain_from);
    if (ok(st) && (fate == SIM_FATE_RUN || fate == SIM_FATE_CUT))
        st = disk_pend_name(disk, SIM_NAME_MOVE, plain_from, plain_to, inode);
    if (fate == SIM_FATE_RUN && ok(st))
        st = rename_run(disk, plain_from, plain_to);
    else if (fate != SIM_FATE_RUN)
        st = name_fails(self, fate);
    sim_trace(self, SIM_OP_RENAME, plain_from, inode ? inode->id : 0, 0, strlen(plain_to), plain_to, st);
    return st;
}

static status sim_sync_dir(struct io_env *env, const char *path)
{
    struct sim_env *self = sim_of(env);
    char plain[IO_PATH_BYTES_MAX];
    TRY(names_plain(path, plain));
    if (self->power_is_cut)
        return DARK;
    TRY(names_check_folder(&self->disk.now, plain));
    enum sim_fate fate = sim_fate(self, SIM_OP_SYNC_DIR);
    bool lies = fate == SIM_FATE_FAULT && self->fault == SIM_FAULT_LYING_SYNC;
    status st = lies ? STATUS_DONE : DARK;
    if (fate == SIM_FATE_RUN)
        st = disk_settle_folder(&self->disk, plain, false);
    else if (fate == SIM_FATE_FAULT && self->fault == SIM_FAULT_SYNC)
        (void)disk_settle_folder(&self->disk, plain, true);
    sim_trace(self, SIM_OP_SYNC_DIR, plain, 0, 0, 0, NULL, st);
    return st;
}

static status sim_list(struct io_env *env, const char *path, void (*entry)(void *context, const char *name),
                       void *context)
{
    char plain[IO_PATH_BYTES_MAX];
    TRY(names_plain(path, plain));
    if (sim_of(env)->power_is_cut)
        return DARK;
    char *children = NULL;
    size_t bytes = 0;
    TRY(names_children(&sim_of(env)->disk.now, plain, &children, &bytes));
    names_children_visit(children, bytes, entry, context);
    return STATUS_DONE;
}

static status sim_free_space(struct io_env *env, const char *path, uint64_t *out_bytes)
{
    const struct sim_disk *disk = &sim_of(env)->disk;
    (void)path;
    if (sim_of(env)->power_is_cut)
        return DARK;
    *out_bytes = disk->space_bytes > disk->used_bytes ? disk->space_bytes - disk->used_bytes : 0;
    return STATUS_DONE;
}

/* ---- queues ---- */

static status sim_queue_open(struct io_env *env, unsigned depth, struct io_queue **out_queue)
{
    if (sim_of(env)->power_is_cut)
        return DARK;
    struct sim_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return STATUS_FAIL(STATUS_NOMEM);
    queue->base.env = env;
    queue->depth = depth;
    queue->next = sim_of(env)->queues;
    sim_of(env)->queues = queue;
    *out_queue = &queue->base;
    return STATUS_DONE;
}

/* Take the waiting request number `index` out of the list. */
static struct io_request *waiting_take(struct sim_queue *queue, uint64_t index)
{
    struct request_list rest = {0};
    struct io_request *taken = NULL, *request;
    for (uint64_t i = 0; (request = request_list_pop(&queue->waiting)); i++) {
        if (i == index)
            taken = request;
        else
            request_list_push(&rest, request);
    }
    queue->waiting = rest;
    queue->waiting_count--;
    return taken;
}

/* The seed decides which request the device serves next. */
static void queue_run_one(struct sim_queue *queue)
{
    struct random *rng = &sim_of(queue->base.env)->disk.rng;
    struct io_request *request = waiting_take(queue, random_below(rng, queue->waiting_count));
    io_request_run(request);
    request_list_push(&queue->done, request);
}

static void queue_run_some(struct sim_queue *queue, unsigned least)
{
    uint64_t count = least + random_below(&sim_of(queue->base.env)->disk.rng, queue->waiting_count + 1);
    for (; count && queue->waiting_count; count--)
        queue_run_one(queue);
}

static status sim_submit(struct io_queue *queue, struct io_request **requests, unsigned count)
{
    struct sim_queue *self = (struct sim_queue *)queue;
    for (unsigned i = 0; i < count; i++) {
        if (self->waiting_count == self->depth)
            queue_run_some(self, 1);
        request_list_push(&self->waiting, requests[i]);
        self->waiting_count++;
    }
    if (random_below(&sim_of(queue->env)->disk.rng, 2))
        queue_run_some(self, 0);
    return STATUS_DONE;
}

static status sim_wait(struct io_queue *queue, struct io_request **out_request)
{
    struct sim_queue *self = (struct sim_queue *)queue;
    if (!self->done.first && self->waiting_count)
        queue_run_some(self, 1);
    *out_request = request_list_pop(&self->done);
    return STATUS_DONE;
}

static void sim_queue_close(struct io_queue *queue)
{
    struct sim_queue *self = (struct sim_queue *)queue;
    while (self->waiting_count)
        queue_run_one(self);
    struct sim_queue **at = &sim_of(queue->env)->queues;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    free(self);
}

void sim_queues_cut(struct sim_env *env)
{
    for (struct sim_queue *queue = env->queues; queue; queue = queue->next)
        for (struct io_request *request = queue->waiting.first; request; request = request->next) {
            const struct sim_file *file = (const struct sim_file *)request->file;
            bool writes = request->op == IO_OP_WRITE || request->op == IO_OP_WRITE_SYNC;
            if (writes && file->epoch == env->epoch && (file->flags & IO_WRITE))
                (void)inode_pend_write(&env->disk, file->inode, request->offset, request->data,
                                       request->bytes);
        }
}

void sim_queues_kill(struct sim_env *env)
{
    struct random *rng = &env->disk.rng;
    for (struct sim_queue *queue = env->queues; queue; queue = queue->next)
        while (queue->waiting_count) {
            if (random_below(rng, 2)) {
                queue_run_one(queue);
                continue;
            }
            struct io_request *request = waiting_take(queue, random_below(rng, queue->waiting_count));
            request->result = STATUS_OS(STATUS_IO, ECANCELED);
            request_list_push(&queue->done, request);
        }
}

/* ---- the environment ---- */

static void sim_env_close(struct io_env *env)
{
    disk_deinit(&sim_of(env)->disk);
    free(env);
}

static const struct io_ops sim_ops = {
    .name = "sim",
    .env_close = sim_env_close,
    .now_us = sim_now_us,
    .monotonic_ns = sim_monotonic_ns,
    .sleep_us = sim_sleep_us,
    .open = sim_open,
    .lock = sim_lock,
    .close = sim_close,
    .read = sim_read,
    .write = sim_write,
    .sync = sim_sync,
    .size = sim_size,
    .truncate = sim_truncate,
    .zero_fill = sim_zero_fill,
    .reserve = sim_zero_fill,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .mkdir = sim_mkdir,
    .rmdir = sim_rmdir,
    .sync_dir = sim_sync_dir,
    .list = sim_list,
    .free_space = sim_free_space,
    .queue_open = sim_queue_open,
    .queue_close = sim_queue_close,
    .submit = sim_submit,
    .wait = sim_wait,
};

status sim_env_open(uint64_t seed, struct io_env **out_env)
{
    struct sim_env *env = calloc(1, sizeof *env);
    if (!env)
        return STATUS_FAIL(STATUS_NOMEM);
    io_env_init(&env->base, &sim_ops, seed);
    disk_init(&env->disk, seed);
    env->monotonic_ns = 1000000000;
    env->cut_at = UINT64_MAX;
    env->fail_at = UINT64_MAX;
    *out_env = &env->base;
    return STATUS_DONE;
}
