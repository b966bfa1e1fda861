/*
 * Appending: records are copied into the filling staging under the lock; whoever needs them on disk becomes the
 * writer, swaps the two stagings and writes without the lock, while others fill the next one. All who waited for
 * that batch are woken by one write, and one of those who wait for the next becomes its writer: the batch grows
 * with the load and nobody tunes it. An appender that finds its staging full and needs no sync only starts the write.
 */
#include "commitlog/stream_internal.h"

#include <assert.h>
#include <stdlib.h>

static status closed(const struct commitlog *log)
{
    return STATUS_OS(STATUS_CLOSED, log->failure.os_error);
}

/* ---- append ---- */

/* Whole blocks that the current segment can still take once the filling staging has been written. */
static uint64_t blocks_left(struct commitlog *log)
{
    uint64_t next = staging_end(stream_filling(log)).offset, limit = segment_limit(&log->current);
    return limit > next ? (limit - next) / BLOCK_BYTES : 0;
}

static bool fits(struct commitlog *log, uint64_t record_bytes)
{
    return log->current.number && record_bytes <= staging_room(stream_filling(log));
}

/* Copy a record that is larger than a staging, writing as it goes. The caller is the exclusive writer. */
static status copy_in_parts(struct commitlog *log, struct slice payload)
{
    staging_begin_record(stream_filling(log), (uint32_t)payload.bytes);
    for (size_t done = 0;;) {
        done += staging_copy(stream_filling(log), slice_of(payload.data + done, payload.bytes - done));
        if (done == payload.bytes)
            return STATUS_DONE;
        TRY(writer_flush(log, false));
    }
}

static void copy(struct commitlog *log, struct slice payload)
{
    staging_begin_record(stream_filling(log), (uint32_t)payload.bytes);
    staging_copy(stream_filling(log), payload);
}

/* The record fits into the next staging: leave it there first, so that others fill on while this one is written. */
static status append_and_write(struct commitlog *log, struct slice payload, struct log_position *out_end)
{
    writer_take(log, false);
    struct staging *batch = writer_take_batch(log);
    copy(log, payload);
    *out_end = staging_tail(stream_filling(log));
    return writer_start(log, batch, false);
}

/* The record needs a segment of its own or more than one staging. */
static status append_exclusively(struct commitlog *log, struct slice payload, struct log_position *out_end)
{
    uint64_t record_bytes = payload.bytes + RECORD_LENGTH_BYTES;
    writer_take(log, true);
    bool full = blocks_left(log) * BLOCK_BODY_BYTES < record_bytes;
    status st = writer_flush(log, full);
    if (ok(st) && full) {
        st = segment_begin(log, record_bytes);
        if (failed(st) && st.code != STATUS_NOSPACE && st.code != STATUS_NOMEM)
            log->failure = st;
    }
    if (ok(st))
        st = copy_in_parts(log, payload);
    if (ok(st))
        *out_end = staging_tail(stream_filling(log));
    writer_release(log);
    return st;
}

static status append_locked(struct commitlog *log, struct slice payload, struct log_position *out_end)
{
    uint64_t record_bytes = payload.bytes + RECORD_LENGTH_BYTES;
    TRY(staging_init(&log->stagings[0]));
    TRY(staging_init(&log->stagings[1]));
    for (;;) {
        if (failed(log->failure))
            return closed(log);
        if (!log->exclusive && fits(log, record_bytes)) {
            copy(log, payload);
            *out_end = staging_tail(stream_filling(log));
            return STATUS_DONE;
        }
        if (!log->writing)
            break;
        writer_wait(log);
    }
    /* After the swap the record begins on a new block. */
    uint64_t blocks = blocks_left(log) < STAGING_BLOCKS ? blocks_left(log) : STAGING_BLOCKS;
    if (!staging_is_empty(stream_filling(log)) && record_bytes <= blocks * BLOCK_BODY_BYTES)
        return append_and_write(log, payload, out_end);
    return append_exclusively(log, payload, out_end);
}

status commitlog_append(struct commitlog *log, struct slice payload, struct log_position *out_end)
{
    if (!payload.bytes)
        return STATUS_FAIL(STATUS_INVALID);
    if (payload.bytes > COMMITLOG_PAYLOAD_BYTES_MAX)
        return STATUS_FAIL(STATUS_LIMIT);
    struct log_position end = {0};
    lock_acquire(&log->lock);
    status st = append_locked(log, payload, &end);
    if (ok(st)) {
        log->stats.payloads++;
        log->stats.payload_bytes += payload.bytes;
        log->appended = end;
        *out_end = end;
    }
    stream_unlock(log);
    return st;
}

/* ---- sync ---- */

status commitlog_sync(struct commitlog *log, struct log_position end)
{
    status st = STATUS_DONE;
    lock_acquire(&log->lock);
    assert(log_position_compare(end, staging_end(stream_filling(log))) <= 0);
    while (log_position_compare(log->durable, end) < 0 && ok(st)) {
        if (failed(log->failure)) {
            st = closed(log);
        } else if (!log->writing) {
            writer_take(log, false);
            st = writer_flush_for_all(log);
            writer_release(log);
        } else if (writer_wait_durable(log, end)) {
            return STATUS_DONE;
        }
    }
    if (log_position_compare(log->durable, end) >= 0)
        st = STATUS_DONE; /* what failed was somebody else's, in a later batch */
    stream_unlock(log);
    return st;
}

void commitlog_push(struct commitlog *log)
{
    lock_acquire(&log->lock);
    if (ok(log->failure) && !log->writing && !staging_is_empty(stream_filling(log))) {
        writer_take(log, false);
        (void)writer_start(log, writer_take_batch(log), true); /* a failure stays: the sync will tell */
    }
    stream_unlock(log);
}

/*
 * The blocks of the last write carry a durable position from before it, so damage to them could pass for a torn tail.
 * Once the stream is idle a block without records says that they were synced.
 */
static bool note_when_idle(struct commitlog *log)
{
    bool idle = log->stats.payloads == log->idle_payloads;
    log->idle_payloads = log->stats.payloads;
    struct staging *staging = stream_filling(log);
    if (!idle || failed(log->failure) || log->writing || log->unsynced || !staging_is_empty(staging) ||
        !staging->block_limit || log_position_compare(log->noted, log->appended) >= 0)
        return false;
    writer_take(log, false);
    staging_note(staging, BLOCK_RECORDS);
    bool done = ok(writer_flush(log, true));
    writer_release(log);
    return done;
}

bool commitlog_prepare(struct commitlog *log)
{
    lock_acquire(&log->lock);
    bool noted = note_when_idle(log);
    bool prepared = segment_prepare(log);
    stream_unlock(log);
    return noted || prepared;
}

/* Nothing of the stream is needed, if nothing before `released` is. The caller is the writer. */
static bool is_released(const struct commitlog *log, struct log_position released)
{
    return released.segment && (!log->stats.payloads || log_position_compare(log->appended, released) <= 0);
}

status commitlog_trim(struct commitlog *log, struct log_position released)
{
    lock_acquire(&log->lock);
    while (log->writing)
        writer_wait(log);
    status st = failed(log->failure) ? closed(log) : STATUS_DONE;
    if (ok(st)) {
        writer_take(log, true);
        bool all = is_released(log, released);
        if (all)
            st = writer_flush(log, true);
        if (ok(st))
            st = segments_trim(log, all);
        writer_release(log);
    }
    stream_unlock(log);
    return st;
}

struct log_position commitlog_tail(struct commitlog *log)
{
    lock_acquire(&log->lock);
    struct log_position tail = staging_tail(stream_filling(log));
    lock_release(&log->lock);
    return tail;
}

struct log_position commitlog_durable(struct commitlog *log)
{
    lock_acquire(&log->lock);
    struct log_position durable = log->durable;
    lock_release(&log->lock);
    return durable;
}

void commitlog_stats(struct commitlog *log, struct commitlog_stats *out_stats)
{
    lock_acquire(&log->lock);
    *out_stats = log->stats;
    out_stats->segments = log->live_count;
    lock_release(&log->lock);
}

/* ---- open and close ---- */

struct listing {
    struct commitlog *log;
    status result;
};

static void list_segment(void *context, const char *name)
{
    struct listing *listing = context;
    uint32_t stream = 0;
    uint64_t segment = 0;
    if (failed(listing->result) || !commitlog_name_parse(name, &stream, &segment) ||
        stream != listing->log->identity.stream)
        return;
    listing->result =
        segment < listing->log->next_segment ? live_add(listing->log, segment) : STATUS_FAIL(STATUS_INVALID);
}

static int number_compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* What earlier openings left is live until it is released. */
static status list_live(struct commitlog *log)
{
    struct listing listing = {.log = log};
    TRY(io_list(log->env, log->folder, list_segment, &listing));
    if (log->live_count)
        qsort(log->live, log->live_count, sizeof *log->live, number_compare);
    return listing.result;
}

static uint64_t whole_blocks(uint64_t bytes, uint64_t otherwise)
{
    uint64_t blocks = ((bytes ? bytes : otherwise) + BLOCK_BYTES - 1) / BLOCK_BYTES;
    return (blocks < SEGMENT_BLOCKS_MIN ? SEGMENT_BLOCKS_MIN : blocks) * BLOCK_BYTES;
}

static void log_free(struct commitlog *log)
{
    if (!log)
        return;
    for (unsigned i = 0; i < log->ready_count; i++)
        io_close(log->ready[i].file);
    io_queue_close(log->queue);
    io_close(log->current.file);
    staging_deinit(&log->stagings[0]);
    staging_deinit(&log->stagings[1]);
    lock_condition_deinit(&log->room);
    lock_deinit(&log->lock);
    free(log->live);
    free(log->folder);
    free(log);
}

status commitlog_open(const struct commitlog_options *options, struct commitlog **out_log)
{
    if (!options->next_segment || strlen(options->folder) + 64 > IO_PATH_BYTES_MAX)
        return STATUS_FAIL(STATUS_INVALID);
    struct commitlog *log = calloc(1, sizeof *log);
    if (!log)
        return STATUS_FAIL(STATUS_NOMEM);
    lock_init(&log->lock, RANK_LOG);
    lock_condition_init(&log->room);
    log->batch = 1;
    log->env = options->env;
    log->identity = (struct block){
        .store_id = options->store_id,
        .stream = options->stream,
        .generation = io_random(options->env),
    };
    log->segment_bytes = whole_blocks(options->segment_bytes, COMMITLOG_SEGMENT_BYTES);
    log->first_segment_bytes = whole_blocks(options->first_segment_bytes, COMMITLOG_FIRST_SEGMENT_BYTES);
    log->no_direct = options->no_direct;
    log->next_segment = options->next_segment;
    log->previous = options->recovered;
    log->durable = (struct log_position){options->next_segment, 0};
    log->noted = log->appended = log->durable;
    staging_reset(stream_filling(log), log->durable, 0);

    log->folder = strdup(options->folder);
    status st = log->folder ? list_live(log) : STATUS_FAIL(STATUS_NOMEM);
    if (failed(st)) {
        log_free(log);
        return st;
    }
    *out_log = log;
    return STATUS_DONE;
}

/* Everything is durable, or the stream is closed for good. */
static status finish(struct commitlog *log)
{
    return failed(log->failure) ? closed(log) : commitlog_sync(log, commitlog_tail(log));
}

status commitlog_close(struct commitlog *log)
{
    if (!log)
        return STATUS_DONE;
    status st = finish(log);
    if (ok(st) && log->current.number)
        st = writer_close(log);
    log_free(log);
    return st;
}

status commitlog_close_released(struct commitlog *log)
{
    if (!log)
        return STATUS_DONE;
    status st = finish(log);
    lock_acquire(&log->lock);
    if (ok(st))
        segments_retire(log);
    lock_release(&log->lock);
    log_free(log);
    return st;
}
