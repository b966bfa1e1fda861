/*
 * lock.h: mutexes that know their place.
 *
 * Every lock has a rank; a thread takes locks in rising rank only, so no two threads can wait for
 * each other. Builds without NDEBUG abort on a wrong order. Locks of one rank may be held together
 * only where the enum says how they are ordered among themselves.
 */
#ifndef STRAIT_BASE_LOCK_H
#define STRAIT_BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum lock_rank {
    RANK_ACCEPT = 5,     /* server: one loop at a time takes new peers */
    RANK_SERVER = 10,    /* server: connection lists, event subscribers */
    RANK_DDL = 20,       /* cql: one schema change at a time */
    RANK_CATALOG = 30,   /* cql: the catalog pointer and the plan cache */
    RANK_PARTITION = 40, /* engine: stripes of partition locks, several at once in rising address */
    RANK_STORE = 50,     /* engine: table list, background queue */
    RANK_SHARD = 60,     /* engine: one shard's writers and version pointer */
    RANK_MANIFEST = 70,  /* engine: the manifest's tail */
    RANK_LOG = 80,       /* commitlog: the buffer that fills */
    RANK_CACHE = 90,     /* sstable: block cache */
    RANK_IO = 100,       /* io: queues, the memory and sim disks */
    RANK_HEAP = 104,     /* base: pieces of memory */
    RANK_MEMORY = 105,   /* base: pools of memory */
    RANK_SINK = 110,     /* base: log sink */
};

struct lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

struct lock_condition {
    pthread_cond_t cond;
};

void lock_init(struct lock *lock, enum lock_rank rank);
void lock_deinit(struct lock *lock);
void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);

void lock_condition_init(struct lock_condition *condition);
void lock_condition_deinit(struct lock_condition *condition);
/* Waits with `lock` released; spurious returns happen. */
void lock_wait(struct lock_condition *condition, struct lock *lock);
/* As lock_wait(), for at most timeout_us; false when the time ran out. */
bool lock_wait_for(struct lock_condition *condition, struct lock *lock, int64_t timeout_us);
void lock_wake_one(struct lock_condition *condition);
void lock_wake_all(struct lock_condition *condition);

#endif
