/*
 * sim.h: what a test may do to the simulated disk (io_env_open(IO_BODY_SIM, seed, ...)).
 *
 * The disk keeps for every file the durable sectors (SIM_SECTOR_BYTES) and an ordered list of pending
 * ones; sizes, names, renames and unlinks are pending too until the sync that covers them
 * (reliability 9.1): a sync of a file covers its data and size, one of a folder the names in it. A folder
 * needs its own name synced too: what is below a folder that did not survive is gone.
 *
 * Direct files are strict: offset, length and memory must be multiples of IO_BLOCK_BYTES. Everything
 * happens on the calling thread, in an order that the seed decides; io_thread_start() is refused with
 * STATUS_UNSUPPORTED, so that the product drives its steps itself. The clocks start at fixed values and
 * advance with operations and sleeps only.
 */
#ifndef STRAIT_IO_SIM_H
#define STRAIT_IO_SIM_H

#include "io/io.h"

enum { SIM_SECTOR_BYTES = 512 };

/* What survives of the operations that no sync covered. */
enum sim_policy {
    SIM_NOTHING,     /* P0: nothing unsynced */
    SIM_EVERYTHING,  /* P1 */
    SIM_RANDOM,      /* P2: each pending sector and name change by a coin of the seed */
    SIM_PREFIX,      /* P3: a prefix in order of issue */
    SIM_ADVERSARIAL, /* P4: sizes and names survive, data does not: zeros or old bytes in its place */
    SIM_LAST,        /* P5: only the last pending write of each file */
    SIM_TORN,        /* P6: everything, but the last write is cut at a random sector */
    SIM_POLICIES
};

/*
 * Operations issued so far: each create, read, write, sync write, zero-fill, sync, truncate, rename,
 * unlink, mkdir, rmdir and sync of a folder counts one, a zero-fill two (it writes, then syncs).
 * Opening what exists, sizes, locks on what exists and lists are free. Operations are numbered from 0:
 * the next one bears the number sim_operation_count(). A queued transfer counts when the seed lets it run.
 */
uint64_t sim_operation_count(const struct io_env *env);

/*
 * Cut the power under operation number `nth`: it and every later call fail with STATUS_IO until
 * sim_restart(). It was under way, like everything that queues had not run yet: the policy decides
 * what of it survives, although its caller saw it fail. Later ones leave no trace and are not counted.
 * UINT64_MAX disarms.
 */
void sim_cut_power_at(struct io_env *env, uint64_t nth);
bool sim_power_is_cut(const struct io_env *env);

/*
 * Apply the policy to what was pending and give power back; without a cut before, the power is cut
 * now. Files and queues that were open are stale: every call on a file but io_close() fails with
 * STATUS_IO, and so does every transfer. Locks are gone, the cut is disarmed (arm it again for a cut
 * during recovery), an armed fault stays armed.
 */
void sim_restart(struct io_env *env, enum sim_policy policy);

/*
 * Kill the process but leave the power on: files and queues are stale and locks gone as after
 * sim_restart(), yet what was pending stays pending, and the next process reads it from the page
 * cache. A power cut after that shows who believed what was never durable. The cut stays armed.
 */
void sim_kill(struct io_env *env);

enum sim_fault {
    SIM_FAULT_NONE,
    SIM_FAULT_EIO,    /* it fails; of a write some first sectors may be pending all the same */
    SIM_FAULT_ENOSPC, /* writes, growth and new names: they fail and change nothing */
    SIM_FAULT_SYNC,   /* the sync fails and the data counts as clean: it will never become durable */
    /* From here on the operation reports success. */
    SIM_FAULT_LYING_SYNC,  /* nothing becomes durable by it */
    SIM_FAULT_READ_FLIP,   /* one bit of what was read is wrong, this time */
    SIM_FAULT_LOST_WRITE,  /* the write goes nowhere */
    SIM_FAULT_MISDIRECTED, /* the write lands in another block of the same file */
    SIM_FAULT_SLOW,        /* the operation takes ten seconds */
};

/*
 * Operation number `nth` suffers `fault` if it is of a kind that can; with `forever` every later one
 * that can as well. One fault is armed at a time: a further call replaces it, SIM_FAULT_NONE disarms.
 */
void sim_fail_at(struct io_env *env, uint64_t nth, enum sim_fault fault, bool forever);

/* Room on the disk in bytes for all files together (their sizes count); UINT64_MAX at first. */
void sim_set_space(struct io_env *env, uint64_t bytes);

/* Damage durable bytes: XOR `mask` into one byte. STATUS_NOT_FOUND when there is no such byte. */
status sim_damage(struct io_env *env, const char *path, uint64_t offset, uint8_t mask);

/* A hash of every operation and its outcome so far: equal seeds must give equal hashes. */
uint64_t sim_trace_hash(const struct io_env *env);

/* Call `observe` with a line of text for each operation, to find out what a failing seed did. NULL stops. */
void sim_observe(struct io_env *env, void (*observe)(void *context, const char *line), void *context);

#endif
