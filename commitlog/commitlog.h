/*
 * commitlog.h: a durable sequence of opaque payloads, one stream a shard.
 *
 * Files       FOLDER/log-STREAM-SEGMENT.log, full size at once, recycled. docs/formats/commitlog.md.
 * Shapes      A payload is 1..COMMITLOG_PAYLOAD_BYTES_MAX bytes. A position is a segment number and a byte offset
 *             in it; positions grow. Segment numbers are never given twice in the life of a store (F5).
 * Ownership   commitlog_open() creates a stream that commitlog_close() syncs and releases.
 * Errors      After a failed write or sync the stream refuses appends with STATUS_CLOSED until it is opened
 *             anew (F2); nothing acknowledged is lost by that. STATUS_NOSPACE refuses the one append, nothing was
 *             logged, later appends may succeed.
 * Threads     Any for a stream; one at a time for a reader. Group commit: while one buffer is being written the next one
 *             fills; one waiter writes for all. An append waits only when both buffers are full or a segment must be made.
 */
#ifndef STRAIT_COMMITLOG_COMMITLOG_H
#define STRAIT_COMMITLOG_COMMITLOG_H

#include "base/buffer.h"
#include "io/io.h"

enum {
    COMMITLOG_PAYLOAD_BYTES_MAX = 32 << 20,
    COMMITLOG_SEGMENT_BYTES = 32 << 20,
    COMMITLOG_FIRST_SEGMENT_BYTES = 256 << 10, /* of a new store, so that it starts in milliseconds */
};

struct log_position {
    uint64_t segment; /* 0: nowhere */
    uint64_t offset;
};

static inline int log_position_compare(struct log_position a, struct log_position b)
{
    if (a.segment != b.segment)
        return a.segment < b.segment ? -1 : 1;
    return (a.offset > b.offset) - (a.offset < b.offset);
}

struct commitlog_options {
    struct io_env *env; /* borrowed */
    const char *folder; /* borrowed for the call */
    uint64_t store_id;
    uint32_t stream;
    uint64_t next_segment;        /* number of the first new segment: above every number ever used */
    uint64_t segment_bytes;       /* 0: COMMITLOG_SEGMENT_BYTES */
    uint64_t first_segment_bytes; /* 0: COMMITLOG_FIRST_SEGMENT_BYTES */
    /* Where commitlog_reader_end() said that recovery ended. The first segment seals it on disk, so that later damage
     * to recovered segments is told from their torn tails. Segment 0: nothing was recovered. */
    struct log_position recovered;
    bool no_direct; /* buffered writes and fdatasync */
};

struct commitlog;

/* Always begins a new segment: what a crash left is only read, never appended to (F8). */
status commitlog_open(const struct commitlog_options *options, struct commitlog **out_log);
/* Writes and syncs what is buffered. NULL is welcome. */
status commitlog_close(struct commitlog *log);

/* The same for a stream of which nothing is needed any more, as commitlog_release() of everything would say: its files are
 * kept for later, empty to every reader, so that the next opening reads no records. A failure to do that loses nothing. */
status commitlog_close_released(struct commitlog *log);

/* Copy `payload` into the stream. *out_end is where it ends: pass it to commitlog_sync() to wait for it. */
status commitlog_append(struct commitlog *log, struct slice payload, struct log_position *out_end);
/* Return when everything up to `end` is durable; the caller may write for all waiters. */
status commitlog_sync(struct commitlog *log, struct log_position end);
/* Begin to make what is buffered durable, unless a write is under way, and do not wait: for a caller that has something to
 * do before its commitlog_sync(). A failure is told there. */
void commitlog_push(struct commitlog *log);
/* Where the next payload will begin, at the earliest. */
struct log_position commitlog_tail(struct commitlog *log);
/* The last position known durable. */
struct log_position commitlog_durable(struct commitlog *log);
/* Segments below `segment` are needed no more, those of earlier openings included: a few are recycled, the others
 * unlinked, in rising order and each durably before the next. The current one always stays. */
status commitlog_release(struct commitlog *log, uint64_t segment);
/*
 * For a stream at rest: spare segments are given back. If moreover nothing was appended behind `released` and nothing
 * before it is needed, every segment is: the next append begins a small one, as in a new store. Segment 0: something is needed.
 * A failure loses nothing; appends wait meanwhile.
 */
status commitlog_trim(struct commitlog *log, struct log_position released);
/*
 * For the background: create and zero-fill the next segment once a quarter of the current one is used, and once nothing was
 * appended since the last call write a block that says that the last write was synced, so that damage to it is not taken for
 * a torn tail. True when something was done.
 */
bool commitlog_prepare(struct commitlog *log);

struct commitlog_stats {
    uint64_t payloads, payload_bytes, written_bytes, syncs;
    uint64_t segments; /* live ones, the current included */
};
void commitlog_stats(struct commitlog *log, struct commitlog_stats *out_stats);

/* ---- recovery ---- */

enum commitlog_end {
    COMMITLOG_END_CLEAN,   /* the stream ends where its last write ended */
    COMMITLOG_END_TORN,    /* the tail of an unsynced write is incomplete: what a power cut leaves */
    COMMITLOG_END_DAMAGED, /* bytes known to have been synced do not check out: data is lost */
};

struct commitlog_reader;

/*
 * Read every payload of `stream` in order, from segments numbered >= from_segment. Nothing is modified (I7), but what is
 * read is synced first, so that it may be believed (F6). STATUS_UNSUPPORTED: a segment of a newer version. After a
 * failed call only commitlog_reader_close() may follow.
 */
status commitlog_reader_open(struct io_env *env, const char *folder, uint64_t store_id, uint32_t stream,
                             uint64_t from_segment, struct commitlog_reader **out_reader);
/* *out_more false at the end of the stream. The payload is borrowed until the next call. */
status commitlog_reader_next(struct commitlog_reader *reader, struct slice *out_payload,
                             struct log_position *out_begin, bool *out_more);
/* How the stream ended and where, after *out_more was false. */
enum commitlog_end commitlog_reader_end(const struct commitlog_reader *reader, struct log_position *out_at);
/* One above the greatest segment number seen in the folder, 1 when there is none. */
uint64_t commitlog_reader_next_segment(const struct commitlog_reader *reader);
void commitlog_reader_close(struct commitlog_reader *reader);

/* The parts of a file name; false when `name` is not a segment's. */
bool commitlog_name_parse(const char *name, uint32_t *out_stream, uint64_t *out_segment);

/* Append a person's view of one segment file: header, blocks, records. A damaged file is told about, not an error;
 * STATUS_UNSUPPORTED when it is of a newer version. For `strait inspect`. */
status commitlog_dump(struct io_env *env, const char *path, struct buffer *out_text);

#endif
