/*
 * read_queues_internal.h: queues of the environment for readers that wait for several files at a time.
 *
 * A queue costs more to open than the read it is for, so a few are kept. Nobody has one longer than for one round of reads.
 */
#ifndef STRAIT_ENGINE_READ_QUEUES_INTERNAL_H
#define STRAIT_ENGINE_READ_QUEUES_INTERNAL_H

#include "base/lock.h"
#include "io/io.h"

enum {
    READ_QUEUES_KEPT = 4,
    READ_QUEUE_DEPTH = 4,
};

struct read_queues {
    struct lock lock;                        /* RANK_CACHE */
    struct io_queue *idle[READ_QUEUES_KEPT]; /* owned; guarded by lock */
    uint32_t idle_count;
};

void read_queues_init(struct read_queues *queues);
void read_queues_deinit(struct read_queues *queues);
/* Make the transfers, at most READ_QUEUE_DEPTH, all at a time; each has its own outcome. */
void read_queues_run(struct read_queues *queues, struct io_env *env, struct io_request *requests,
                     uint32_t count);

#endif
