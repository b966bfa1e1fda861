/* sim_fault.c: the fate of each operation, the trace, and what sim.h lets a test do. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "io/sim_internal.h"

enum {
    OPERATION_NS = 10000, /* what one operation takes on the simulated clock */
};

/* Which kinds of operation a fault can hit. */
static bool fault_fits(enum sim_fault fault, enum sim_kind kind)
{
    bool allocates = kind == SIM_OP_WRITE || kind == SIM_OP_WRITE_SYNC || kind == SIM_OP_ZERO ||
                     kind == SIM_OP_TRUNCATE || kind == SIM_OP_CREATE || kind == SIM_OP_MKDIR;
    bool syncs = kind == SIM_OP_SYNC || kind == SIM_OP_SYNC_DIR || kind == SIM_OP_WRITE_SYNC;
    bool writes = kind == SIM_OP_WRITE || kind == SIM_OP_WRITE_SYNC;
    switch (fault) {
    case SIM_FAULT_NONE: return false;
    case SIM_FAULT_EIO: return true;
    case SIM_FAULT_ENOSPC: return allocates;
    case SIM_FAULT_SYNC:
    case SIM_FAULT_LYING_SYNC: return syncs;
    case SIM_FAULT_READ_FLIP: return kind == SIM_OP_READ;
    case SIM_FAULT_LOST_WRITE:
    case SIM_FAULT_MISDIRECTED: return writes;
    case SIM_FAULT_SLOW: return true;
    }
    return false;
}

enum sim_fate sim_fate(struct sim_env *env, enum sim_kind kind)
{
    if (env->power_is_cut)
        return SIM_FATE_DARK;
    uint64_t nth = env->operation_count++;
    env->monotonic_ns += OPERATION_NS;
    if (nth >= env->cut_at) {
        env->power_is_cut = true;
        sim_queues_cut(env);
        return SIM_FATE_CUT;
    }
    bool is_its_turn = nth == env->fail_at || (env->fail_forever && nth > env->fail_at);
    if (!is_its_turn || !fault_fits(env->fault, kind))
        return SIM_FATE_RUN;
    if (env->fault == SIM_FAULT_SLOW) {
        env->monotonic_ns += 10 * INT64_C(1000000000);
        return SIM_FATE_RUN;
    }
    return SIM_FATE_FAULT;
}

/* ---- trace ---- */

static const char *const kind_texts[] = {
    [SIM_OP_READ] = "read",     [SIM_OP_WRITE] = "write",   [SIM_OP_WRITE_SYNC] = "write-sync",
    [SIM_OP_ZERO] = "zero",     [SIM_OP_SYNC] = "sync",     [SIM_OP_TRUNCATE] = "truncate",
    [SIM_OP_CREATE] = "create", [SIM_OP_RENAME] = "rename", [SIM_OP_UNLINK] = "unlink",
    [SIM_OP_MKDIR] = "mkdir",   [SIM_OP_RMDIR] = "rmdir",   [SIM_OP_SYNC_DIR] = "sync-dir",
};

void sim_trace(struct sim_env *env, enum sim_kind kind, const char *subject, uint64_t id, uint64_t offset,
               size_t bytes, const void *data, status outcome)
{
    uint64_t facts[] = {
        (uint64_t)kind,
        id,
        offset,
        bytes,
        outcome.code,
        data ? hash64(slice_of(data, bytes), 0) : 0,
        subject ? hash64(slice_text(subject), 1) : 0,
    };
    env->trace_hash = hash64(slice_of(facts, sizeof facts), env->trace_hash);
    if (!env->observe)
        return;
    char line[IO_PATH_BYTES_MAX + 160];
    snprintf(line, sizeof line, "%llu %s %s%s%llu offset %llu bytes %zu: %s",
             (unsigned long long)(env->operation_count - 1), kind_texts[kind], subject ? subject : "",
             subject ? " inode " : "inode ", (unsigned long long)id, (unsigned long long)offset, bytes,
             status_text(outcome));
    env->observe(env->observe_context, line);
}

uint64_t sim_trace_hash(const struct io_env *env)
{
    return ((const struct sim_env *)env)->trace_hash;
}

void sim_observe(struct io_env *env, void (*observe)(void *context, const char *line), void *context)
{
    sim_of(env)->observe = observe;
    sim_of(env)->observe_context = context;
}

/* ---- power ---- */

uint64_t sim_operation_count(const struct io_env *env)
{
    return ((const struct sim_env *)env)->operation_count;
}

void sim_cut_power_at(struct io_env *env, uint64_t nth)
{
    sim_of(env)->cut_at = nth;
}

bool sim_power_is_cut(const struct io_env *env)
{
    return ((const struct sim_env *)env)->power_is_cut;
}

void sim_restart(struct io_env *env, enum sim_policy policy)
{
    struct sim_env *self = sim_of(env);
    if (!self->power_is_cut) {
        self->power_is_cut = true;
        sim_queues_cut(self);
    }
    status st = disk_crash(&self->disk, policy);
    if (ok(st))
        st = disk_restart(&self->disk);
    if (failed(st)) {
        /* A disk that half survived would make the test lie. */
        fprintf(stderr, "sim_restart: %s\n", status_text(st));
        abort();
    }
    self->epoch++;
    self->power_is_cut = false;
    self->cut_at = UINT64_MAX;
    self->trace_hash = hash_place(self->trace_hash, (uint64_t)policy, self->epoch);
}

void sim_kill(struct io_env *env)
{
    struct sim_env *self = sim_of(env);
    assert(!self->power_is_cut);
    sim_queues_kill(self);
    disk_end_processes(&self->disk);
    self->epoch++;
    self->trace_hash = hash_place(self->trace_hash, UINT64_MAX, self->epoch);
}

/* ---- faults ---- */

void sim_fail_at(struct io_env *env, uint64_t nth, enum sim_fault fault, bool forever)
{
    struct sim_env *self = sim_of(env);
    self->fail_at = nth;
    self->fault = fault;
    self->fail_forever = forever;
}

void sim_set_space(struct io_env *env, uint64_t bytes)
{
    sim_of(env)->disk.space_bytes = bytes;
}

static bool byte_is_pending(const struct sim_inode *inode, uint64_t offset)
{
    for (const struct sim_change *change = inode->first; change; change = change->next)
        if (change->is_truncate ? change->offset <= offset
                                : change->offset <= offset && offset - change->offset < change->bytes)
            return true;
    return false;
}

static status byte_flip(struct content *content, uint64_t offset, uint8_t mask)
{
    uint8_t byte;
    if (!content_read(content, offset, &byte, 1))
        return STATUS_FAIL(STATUS_NOT_FOUND);
    byte ^= mask;
    return content_write(content, offset, &byte, 1);
}

/* A byte that a pending write covers is seen from memory, not from the damaged medium. */
status sim_damage(struct io_env *env, const char *path, uint64_t offset, uint8_t mask)
{
    struct sim_env *self = sim_of(env);
    char plain[IO_PATH_BYTES_MAX];
    TRY(names_plain(path, plain));
    const struct name *found = names_find(&self->disk.now, plain);
    if (!found || !found->inode)
        return STATUS_FAIL(STATUS_NOT_FOUND);
    struct sim_inode *inode = found->inode;
    TRY(byte_flip(&inode->durable, offset, mask));
    if (!byte_is_pending(inode, offset) && offset < inode->now.bytes)
        TRY(byte_flip(&inode->now, offset, mask));
    self->trace_hash = hash_place(self->trace_hash, offset, mask);
    return STATUS_DONE;
}
