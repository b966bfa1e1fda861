/*
 * sim.h: what a test may do to the simulated disk (io_env_open(IO_BODY_SIM, seed, ...)).
 *
 * The disk keeps for every file the durable sectors (SIM_SECTOR_BYTES) and an ordered list of pending
 * ones; sizes, names, renames and unlinks are pending too until the sync that covers them
 * (reliability 9.1). Everything happens on the calling thread, in an order that the seed decides.
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

/* Operations (each write, sync, truncate, rename, unlink, create, mkdir, read) issued so far. */
uint64_t sim_operation_count(const struct io_env *env);

/* Cut the power just before operation number `nth` (counted as above): it and every later one fails
 * with STATUS_IO until sim_restart(). UINT64_MAX disarms. */
void sim_cut_power_at(struct io_env *env, uint64_t nth);
bool sim_power_is_cut(const struct io_env *env);

/* Apply the policy to what was pending and give power back. Files that were open are stale: every
 * call on them but io_close() fails. Locks are gone. */
void sim_restart(struct io_env *env, enum sim_policy policy);

enum sim_fault {
    SIM_FAULT_NONE,
    SIM_FAULT_EIO,
    SIM_FAULT_ENOSPC,
    SIM_FAULT_SYNC, /* the sync fails and the data counts as clean: it will never become durable */
};

/* Operation number `nth` fails with `fault`; with `forever` every later one that could as well. */
void sim_fail_at(struct io_env *env, uint64_t nth, enum sim_fault fault, bool forever);

/* Room on the disk in bytes for all files together; UINT64_MAX at first. */
void sim_set_space(struct io_env *env, uint64_t bytes);

/* Damage durable bytes: XOR `mask` into one byte. STATUS_NOT_FOUND when there is no such byte. */
status sim_damage(struct io_env *env, const char *path, uint64_t offset, uint8_t mask);

/* A hash of every operation and its outcome so far: equal seeds must give equal hashes. */
uint64_t sim_trace_hash(const struct io_env *env);

#endif
