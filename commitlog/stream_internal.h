/*
 * stream_internal.h: the state of an open stream, shared by the files that append to it (commitlog.c) and that
 * provide its segments (segments.c).
 *
 * Two roles are taken under the lock and held across I/O without it. The *writer* (`writing`) owns the file of
 * the current segment and the staging that is not filling; with `exclusive` it also keeps appenders out of the
 * filling one. A write in `flight` has the role until somebody who wants it waits for the write. The *keeper* (`keeping`) owns the names in the folder. A thread waits only for a role that
 * somebody else holds, so one thread alone never waits.
 */
#ifndef STRAIT_COMMITLOG_STREAM_INTERNAL_H
#define STRAIT_COMMITLOG_STREAM_INTERNAL_H

#include "base/lock.h"
#include "commitlog/staging_internal.h"

enum {
    READY_SEGMENTS_MAX = 2,
    SEGMENT_GROWTH = 4,     /* each segment this many times its predecessor, up to segment_bytes */
    SEGMENT_BLOCKS_MIN = 3, /* header, records, close */
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

    struct lock lock;                 /* RANK_LOG; guards everything below */
    struct lock_condition room;       /* a role was given back */
    struct lock_condition written[2]; /* the staging of this number was written */
    bool writing, exclusive, keeping;

    struct staging stagings[2];
    unsigned filling;
    struct io_queue *queue; /* owned; of the writer; NULL before the first flight */
    struct staging *flight; /* written without anybody waiting; the writer role is taken by it */
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

void segment_path(const struct commitlog *log, uint64_t number, char path[IO_PATH_BYTES_MAX]);

/* Remember a segment as live; called in rising order. */
status live_add(struct commitlog *log, uint64_t number);

/*
 * Make a segment current that takes a record of `record_bytes`; the filling staging is left with its header
 * block. The caller holds the lock and the exclusive writer role; everything before is synced.
 * On STATUS_NOSPACE and STATUS_NOMEM nothing has changed.
 */
status segment_begin(struct commitlog *log, uint64_t record_bytes);
/* Make a segment ready when one will soon be wanted; true when that was done. The caller holds the lock. */
bool segment_prepare(struct commitlog *log);

#endif
