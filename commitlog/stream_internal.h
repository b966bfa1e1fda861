/*
 * stream_internal.h: the state of an open stream, shared by the files that append to it (commitlog.c), that write
 * what was appended (writer.c) and that provide its segments (segments.c).
 *
 * Two roles are taken under the lock and held across I/O without it. The *writer* (`writing`) owns the file of
 * the current segment and the staging that is not filling; with `exclusive` it also keeps appenders out of the
 * filling one. A write in `flight` has the role until somebody who wants it waits for the write. The *keeper*
 * (`keeping`) owns the names in the folder. A thread waits only for a role that somebody else holds, so one thread
 * alone never waits.
 *
 * What one staging holds from one swap to the next is a *batch*; batches are numbered. Who needs a batch on disk
 * waits on its beacon, and comes back without the lock when `synced_batch` says that it is there.
 */
#ifndef STRAIT_COMMITLOG_STREAM_INTERNAL_H
#define STRAIT_COMMITLOG_STREAM_INTERNAL_H

#include <stdatomic.h>

#include "base/beacon.h"
#include "base/lock.h"
#include "commitlog/staging_internal.h"

enum {
    READY_SEGMENTS_MAX = 2,
    SEGMENT_GROWTH = 4,     /* each segment this many times its predecessor, up to segment_bytes */
    SEGMENT_BLOCKS_MIN = 3, /* header, records, close */
    RESERVE_BYTES_PER_SYNC = 64 << 10,
    /* At most three batches have waiters at a time: the last, the one being written, the one that fills. */
    BATCH_BEACONS = 4,
};

/* A write that nobody waits for yet. */
struct flight {
    struct staging *batch;   /* NULL: none */
    struct log_position end; /* where the batch ends */
    bool sync;               /* it will be durable when it has landed */
    bool sync_apart;         /* and needs a sync of its own for that */
};

struct segment_file {
    uint64_t number;
    uint64_t bytes;
    struct io_file *file; /* owned */
};

struct commitlog {
    struct io_env *env; /* borrowed from the opener */
    char *folder;       /* owned */
    struct block identity;
    uint64_t segment_bytes, first_segment_bytes;
    bool no_direct;

    /* Every batch up to this one is durable. Release by the writer under the lock, acquire by who waited for it. */
    _Atomic uint64_t synced_batch;
    struct beacon
        beacons[BATCH_BEACONS]; /* by batch number: it was written, or somebody is wanted to write it */

    struct lock lock;           /* RANK_LOG; guards everything below */
    struct lock_condition room; /* a role was given back */
    unsigned room_waiters;      /* for the writer's */
    bool writing, exclusive, keeping;
    uint64_t batch;                  /* number of the one that fills */
    unsigned waiters[BATCH_BEACONS]; /* by batch number */
    unsigned crowd;                  /* how many waited for the last batch that had waiters */
    uint64_t crowd_at;               /* stats.payloads when they were called */
    uint32_t calls[BATCH_BEACONS]; /* by batch number: so many sleepers are woken when the lock is released */

    struct staging stagings[2];
    unsigned filling;
    struct io_queue *queue; /* owned; of the writer; NULL before the first flight */
    struct flight flight;   /* the writer role is taken by it */
    struct io_request flight_request;
    bool landing;                 /* somebody waits for it */
    status failure;               /* sticky: why the stream is closed for writes */
    struct log_position durable;  /* everything before it is synced */
    struct log_position previous; /* what the next segment continues */
    bool unsynced;                /* blocks of the current segment were written and not synced */
    struct log_position appended; /* the end of the last record */
    struct log_position noted;    /* the greatest durable position that a written block records */
    uint64_t idle_payloads;       /* stats.payloads when the check for idleness last looked */

    struct segment_file current;                   /* number 0: none begun yet */
    uint64_t current_syncs;                        /* stats.syncs when it was begun */
    struct segment_file ready[READY_SEGMENTS_MAX]; /* prepared ahead, numbers rising */
    unsigned ready_count;
    uint64_t next_segment;
    uint64_t *live; /* owned; segments with records, rising, the current one last */
    size_t live_count, live_capacity;
    struct commitlog_stats stats;
};

/* Where records must end: the last block is kept for the close. */
static inline uint64_t segment_limit(const struct segment_file *segment)
{
    return segment->bytes ? segment->bytes - BLOCK_BYTES : 0;
}

/* ---- writer.c; all with the lock, which is given up during I/O ---- */

static inline struct staging *stream_filling(struct commitlog *log)
{
    return &log->stagings[log->filling];
}

/* Release the lock, then wake whom the caller has something for. */
void stream_unlock(struct commitlog *log);

void writer_take(struct commitlog *log, bool exclusive);
void writer_release(struct commitlog *log);
/* Until the writer role may be free. */
void writer_wait(struct commitlog *log);
/* Until the batch that holds `end` may have been written, or wants a writer. True when it is durable: the lock has been
 * released then. */
bool writer_wait_durable(struct commitlog *log, struct log_position end);

/* Write what the filling staging holds. The caller is the writer. */
status writer_flush(struct commitlog *log, bool sync);
/* The same as long as others wait for the next batch, a few times at most. */
status writer_flush_for_all(struct commitlog *log);
/* Swap the stagings; NULL when there is nothing to write. The caller is the writer. */
struct staging *writer_take_batch(struct commitlog *log);
/* Start to write a batch and leave the waiting to the next who needs the role. The role is no longer the caller's. */
status writer_start(struct commitlog *log, struct staging *batch, bool sync);
/* Say on disk that the stream was closed in order. Nobody else uses the stream any more. */
status writer_close(struct commitlog *log);

/* ---- segments.c ---- */

void segment_path(const struct commitlog *log, uint64_t number, char path[IO_PATH_BYTES_MAX]);

/* Remember a segment as live; called in rising order. */
status live_add(struct commitlog *log, uint64_t number);

/*
 * Make a segment current that takes a record of `record_bytes`; the filling staging is left with its header
 * block. The caller holds the lock and the exclusive writer role; everything before is synced.
 * On STATUS_NOSPACE and STATUS_NOMEM nothing has changed.
 */
status segment_begin(struct commitlog *log, uint64_t record_bytes);
/* Give back spare segments; with `released`, when the caller is the exclusive writer, everything is synced and nothing is
 * needed any more, all segments but a small one. */
status segments_trim(struct commitlog *log, bool released);
/* Release every segment, the current one too: nothing follows but the end of the stream. Called with the lock. */
void segments_retire(struct commitlog *log);
/* Make a segment ready when one will soon be wanted; true when that was done. The caller holds the lock. */
bool segment_prepare(struct commitlog *log);

#endif
