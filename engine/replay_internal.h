/*
 * replay_internal.h: what the log streams hold goes back into memtables, within the memory that these may take.
 *
 * Opening judges everything before it writes anything (I7), so the streams are read to their ends first. On the way their
 * records are applied for as long as memtables have room; what did not fit is read again once the store may write, and
 * memtables are flushed when they are full. A log that fits into memory is read once.
 */
#ifndef STRAIT_ENGINE_REPLAY_INTERNAL_H
#define STRAIT_ENGINE_REPLAY_INTERNAL_H

#include "engine/store_internal.h"

struct replay_target;

struct replay {
    struct store *store;           /* borrowed */
    struct replay_target *targets; /* owned; which tables get what was logged under a number */
    uint32_t target_count;
    bool accept_damage;

    /* Everything up to here was applied: the streams below `stream`, and that one before `at`. */
    bool stopped; /* for want of memory */
    uint32_t stream;
    struct log_position at;

    struct log_position recovered[SHARDS_MAX]; /* by stream: where it ends */
};

/* The manifest and the tables of the store are there. STATUS_CORRUPT when synced log is damaged and that is not accepted. */
status replay_init(struct replay *replay, struct store *store, bool accept_damage);
void replay_deinit(struct replay *replay); /* a zeroed struct is welcome */
/* Read every stream to its end; nothing is written. */
status replay_judge(struct replay *replay);
/* Apply what is left. The store may write, but nobody does: log positions of the shards stand for what has been applied,
 * so that a flush on the way records how far it came. */
status replay_rest(struct replay *replay);

#endif
