/*
 * Appending: records are copied into the filling staging under the lock; whoever needs them on disk becomes the
 * writer, swaps the two stagings and writes without the lock, while others fill the next one. All who waited for
 * that staging are woken by one write, and one of those who wait for the next becomes its writer: the batch grows
 * with the load and nobody tunes it. An appender that finds its staging full and needs no sync only starts the write.
 */
#include "commitlog/stream_internal.h"

#include <assert.h>
#include <stdlib.h>

static status closed(const struct commitlog *log)
{
    return STATUS_OS(STATUS_CLOSED, log->failure.os_error);
}

/* ---- the writer role; the lock is held ---- */

static struct staging *filling(struct commitlog *log)
{
    return &log->stagings[log->filling];
}

static void writer_take(struct commitlog *log, bool exclusive)
{
    assert(!log->writing);
    log->writing = true;
    log->exclusive = exclusive;
}

static void wake_all(struct commitlog *log)
{
    lock_wake_all(&log->room);
    lock_wake_all(&log->written[0]);
    lock_wake_all(&log->written[1]);
}

static void writer_release(struct commitlog *log)
{
    log->writing = false;
    log->exclusive = false;
    wake_all(log);
}

/* As writer_release() after a sync of a full batch: its waiters are done, of the next batch's one is enough. */
static void writer_hand_over(struct commitlog *log)
{
    log->writing = false;
    lock_wake_all(&log->room);
    lock_wake_all(&log->written[1 - log->filling]);
    lock_wake_one(&log->written[log->filling]);
}

/* Swap the stagings; NULL when there is nothing to write. */
static struct staging *batch_take(struct commitlog *log)
{
    struct staging *batch = filling(log);
    if (staging_is_empty(batch))
        return NULL;
    log->filling = 1 - log->filling;
    staging_reset(filling(log), staging_end(batch), segment_limit(&log->current));
    return batch;
}

/* Called without the lock by the writer. */
static status batch_write(struct commitlog *log, struct staging *batch, struct log_position durable,
                          bool unsynced, bool sync)
{
    struct io_file *file = log->current.file;
    if (batch) {
        struct block identity = log->identity;
        identity.durable = durable;
        staging_seal(batch, &identity);
        /* Earlier unsynced writes are not covered by a synced one: then one sync covers both. */
        TRY(io_write(file, batch->base.offset, batch->memory, batch->block_count * BLOCK_BYTES,
                     sync && !unsynced));
    }
    return sync && unsynced ? io_sync(file) : STATUS_DONE;
}

/* What became of a batch, and of the sync up to `end` if there was one; the lock is held again. */
static void batch_done(struct commitlog *log, struct staging *batch, const struct log_position *synced_end,
                       status st)
{
    size_t bytes = batch ? batch->block_count * BLOCK_BYTES : 0;
    if (batch)
        staging_reset(batch, batch->base, 0);
    if (failed(st)) {
        log->failure = st;
        return;
    }
    log->stats.written_bytes += bytes;
    if (batch)
        log->noted = log->durable; /* it only moves with the writer role, so this is what the blocks say */
    log->unsynced = !synced_end;
    if (synced_end) {
        log->stats.syncs++;
        log->durable = log->previous = *synced_end;
    }
}

/* Write a taken batch, and sync everything up to `end` if asked. The lock is given up meanwhile. */
static status batch_put(struct commitlog *log, struct staging *batch, struct log_position end, bool sync)
{
    struct log_position durable = log->durable;
    bool unsynced = log->unsynced;
    lock_release(&log->lock);
    status st = batch_write(log, batch, durable, unsynced, sync);
    lock_acquire(&log->lock);
    batch_done(log, batch, sync ? &end : NULL, st);
    return st;
}

/* Write what the filling staging holds. The caller is the writer. */
static status flush(struct commitlog *log, bool sync)
{
    struct log_position end = staging_end(filling(log));
    struct staging *batch = batch_take(log);
    if (!batch && (!sync || log_position_compare(log->durable, end) >= 0))
        return STATUS_DONE;
    return batch_put(log, batch, end, sync);
}

/* ---- the batch in flight: the writer role belongs to nobody until somebody wants it ---- */

/* Start the write of a sealed batch; *out_flying is false when it has been written instead, for want of a queue. */
static status flight_submit(struct commitlog *log, struct staging *batch, bool *out_flying)
{
    *out_flying = log->queue || ok(io_queue_open(log->env, 1, &log->queue));
    if (!*out_flying)
        return io_write(log->current.file, batch->base.offset, batch->memory,
                        batch->block_count * BLOCK_BYTES, false);
    log->flight_request = (struct io_request){
        .op = IO_OP_WRITE,
        .file = log->current.file,
        .offset = batch->base.offset,
        .data = batch->memory,
        .bytes = batch->block_count * BLOCK_BYTES,
    };
    struct io_request *request = &log->flight_request;
    return io_submit(log->queue, &request, 1);
}

/* Write a batch without a sync and leave the waiting to the next who needs the role. */
static status flight_start(struct commitlog *log, struct staging *batch)
{
    struct block identity = log->identity;
    identity.durable = log->durable;
    bool flying = false;
    lock_release(&log->lock);
    staging_seal(batch, &identity);
    status st = flight_submit(log, batch, &flying);
    lock_acquire(&log->lock);
    if (ok(st) && flying) {
        log->flight = batch;
        wake_all(log); /* one of those who wait for the role may as well wait for the disk */
        return st;
    }
    batch_done(log, batch, NULL, st);
    writer_release(log);
    return st;
}

static void flight_land(struct commitlog *log)
{
    log->landing = true;
    lock_release(&log->lock);
    struct io_request *request = NULL;
    status st = io_wait(log->queue, &request);
    if (ok(st))
        st = request ? request->result : STATUS_FAIL(STATUS_IO);
    lock_acquire(&log->lock);
    log->landing = false;
    batch_done(log, log->flight, NULL, st);
    log->flight = NULL;
    writer_release(log);
}

/* Until the writer role may be free: land a batch that nobody attends to, else wait for whoever has the role. */
static void writer_wait(struct commitlog *log, struct lock_condition *condition)
{
    if (log->flight && !log->landing)
        flight_land(log);
    else
        lock_wait(condition, &log->lock);
}

/* ---- append ---- */

/* Whole blocks that the current segment can still take once the filling staging has been written. */
static uint64_t blocks_left(struct commitlog *log)
{
    uint64_t next = staging_end(filling(log)).offset, limit = segment_limit(&log->current);
    return limit > next ? (limit - next) / BLOCK_BYTES : 0;
}

static bool fits(struct commitlog *log, uint64_t record_bytes)
{
    return log->current.number && record_bytes <= staging_room(filling(log));
}

/* Copy a record that is larger than a staging, writing as it goes. The caller is the exclusive writer. */
static status copy_in_parts(struct commitlog *log, struct slice payload)
{
    staging_begin_record(filling(log), (uint32_t)payload.bytes);
    for (size_t done = 0;;) {
        done += staging_copy(filling(log), slice_of(payload.data + done, payload.bytes - done));
        if (done == payload.bytes)
            return STATUS_DONE;
        TRY(flush(log, false));
    }
}

static void copy(struct commitlog *log, struct slice payload)
{
    staging_begin_record(filling(log), (uint32_t)payload.bytes);
    staging_copy(filling(log), payload);
}

/* The record fits into the next staging: leave it there first, so that others fill on while this one is written. */
static status append_and_write(struct commitlog *log, struct slice payload, struct log_position *out_end)
{
    writer_take(log, false);
    struct staging *batch = batch_take(log);
    copy(log, payload);
    *out_end = staging_tail(filling(log));
    return flight_start(log, batch);
}

/* The record needs a segment of its own or more than one staging. */
static status append_exclusively(struct commitlog *log, struct slice payload, struct log_position *out_end)
{
    uint64_t record_bytes = payload.bytes + RECORD_LENGTH_BYTES;
    writer_take(log, true);
    bool full = blocks_left(log) * BLOCK_BODY_BYTES < record_bytes;
    status st = flush(log, full);
    if (ok(st) && full) {
        st = segment_begin(log, record_bytes);
        if (failed(st) && st.code != STATUS_NOSPACE && st.code != STATUS_NOMEM)
            log->failure = st;
    }
    if (ok(st))
        st = copy_in_parts(log, payload);
    if (ok(st))
        *out_end = staging_tail(filling(log));
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
            *out_end = staging_tail(filling(log));
            return STATUS_DONE;
        }
        if (!log->writing)
            break;
        writer_wait(log, &log->room);
    }
    /* After the swap the record begins on a new block. */
    uint64_t blocks = blocks_left(log) < STAGING_BLOCKS ? blocks_left(log) : STAGING_BLOCKS;
    if (!staging_is_empty(filling(log)) && record_bytes <= blocks * BLOCK_BODY_BYTES)
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
    lock_release(&log->lock);
    return st;
}

/* ---- sync ---- */

/* Wait for the staging that holds `end`; what is in neither goes with the one in flight. */
static void wait_written(struct commitlog *log, struct log_position end)
{
    bool is_filling = log_position_compare(end, filling(log)->base) > 0;
    writer_wait(log, &log->written[is_filling ? log->filling : 1 - log->filling]);
}

static status sync_locked(struct commitlog *log, struct log_position end)
{
    for (;;) {
        if (log_position_compare(log->durable, end) >= 0)
            return STATUS_DONE;
        if (failed(log->failure))
            return closed(log);
        if (!log->writing)
            break;
        wait_written(log, end);
    }
    writer_take(log, false);
    bool whole_batch = !staging_is_empty(filling(log));
    status st = flush(log, true);
    if (ok(st) && whole_batch)
        writer_hand_over(log);
    else
        writer_release(log);
    return st;
}

status commitlog_sync(struct commitlog *log, struct log_position end)
{
    lock_acquire(&log->lock);
    assert(log_position_compare(end, staging_end(filling(log))) <= 0);
    status st = sync_locked(log, end);
    lock_release(&log->lock);
    return st;
}

/*
 * The blocks of the last write carry a durable position from before it, so damage to them could pass for a torn tail.
 * Once the stream is idle a block without records says that they were synced.
 */
static bool note_when_idle(struct commitlog *log)
{
    bool idle = log->stats.payloads == log->idle_payloads;
    log->idle_payloads = log->stats.payloads;
    struct staging *staging = filling(log);
    if (!idle || failed(log->failure) || log->writing || log->unsynced || !staging_is_empty(staging) ||
        !staging->block_limit || log_position_compare(log->noted, log->appended) >= 0)
        return false;
    writer_take(log, false);
    staging_note(staging, BLOCK_RECORDS);
    bool done = ok(flush(log, true));
    writer_release(log);
    return done;
}

bool commitlog_prepare(struct commitlog *log)
{
    lock_acquire(&log->lock);
    bool noted = note_when_idle(log);
    bool prepared = segment_prepare(log);
    lock_release(&log->lock);
    return noted || prepared;
}

struct log_position commitlog_tail(struct commitlog *log)
{
    lock_acquire(&log->lock);
    struct log_position tail = staging_tail(filling(log));
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
    lock_condition_deinit(&log->written[0]);
    lock_condition_deinit(&log->written[1]);
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
    lock_condition_init(&log->written[0]);
    lock_condition_init(&log->written[1]);
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
    staging_reset(filling(log), log->durable, 0);

    log->folder = strdup(options->folder);
    status st = log->folder ? list_live(log) : STATUS_FAIL(STATUS_NOMEM);
    if (failed(st)) {
        log_free(log);
        return st;
    }
    *out_log = log;
    return STATUS_DONE;
}

/* Say on disk that everything is durable, so that damage done later is never taken for a torn tail. It needs no
 * sync itself: nothing depends on it. */
static status write_close(struct commitlog *log)
{
    struct staging *staging = filling(log);
    staging_reset(staging, staging->base, log->current.bytes);
    staging_note(staging, BLOCK_CLOSE);
    return batch_write(log, staging, log->durable, true, false);
}

status commitlog_close(struct commitlog *log)
{
    if (!log)
        return STATUS_DONE;
    lock_acquire(&log->lock);
    status st = failed(log->failure) ? closed(log) : sync_locked(log, staging_tail(filling(log)));
    lock_release(&log->lock);
    if (ok(st) && log->current.number)
        st = write_close(log);
    log_free(log);
    return st;
}
