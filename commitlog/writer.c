/*
 * The writer's role: who has it, who waits for it, and what it does with a batch.
 *
 * Those who wait for a batch sleep on its beacon and not on a condition, so that they come back without asking for the
 * lock of the stream, which the next thirty want at that moment. The writer wakes them all by one call: that takes half of
 * what it takes when each who comes back wakes two more.
 */
#include "commitlog/stream_internal.h"

#include <assert.h>
#include <sched.h>

#define CALL_ONE  1          /* to write or to land the batch */
#define CALL_EACH UINT32_MAX /* it is durable, or they have to look again */

enum {
    /* A writer whose own batch is durable writes so many more for those who wait: while it does, nobody must wake up
     * before the next write can begin. It is not to be kept for ever, somebody waits for it too. */
    FLUSHES_FOR_OTHERS = 1,
    GATHER_MAX = 8,
};

/* ---- waking ---- */

static void beacons_wake(struct commitlog *log, const uint32_t *calls)
{
    for (unsigned i = 0; i < BATCH_BEACONS; i++)
        if (calls[i])
            beacon_wake(&log->beacons[i], calls[i]);
}

void stream_unlock(struct commitlog *log)
{
    uint32_t calls[BATCH_BEACONS];
    memcpy(calls, log->calls, sizeof calls);
    memset(log->calls, 0, sizeof log->calls);
    lock_release(&log->lock);
    beacons_wake(log, calls);
}

/* Wake `count` of those who wait for batch `number`. */
static void batch_call(struct commitlog *log, uint64_t number, uint32_t count)
{
    unsigned at = (unsigned)(number % BATCH_BEACONS);
    if (!log->waiters[at])
        return;
    beacon_change(&log->beacons[at]);
    if (count > log->calls[at])
        log->calls[at] = count;
    if (count != CALL_ONE) {
        log->crowd = log->waiters[at];
        log->crowd_at = log->stats.payloads;
        log->waiters[at] = 0; /* all of them will come */
    }
}

/* One of those who wait for the role: for room, with records that were written without a sync, with records that fill. */
static void call_for_role(struct commitlog *log)
{
    if (log->room_waiters)
        lock_wake_all(&log->room);
    batch_call(log, log->batch - 1, CALL_ONE);
    batch_call(log, log->batch, CALL_ONE);
}

/* ---- the role ---- */

void writer_take(struct commitlog *log, bool exclusive)
{
    assert(!log->writing);
    log->writing = true;
    log->exclusive = exclusive;
}

void writer_release(struct commitlog *log)
{
    log->writing = false;
    log->exclusive = false;
    call_for_role(log);
}

/* ---- writing a batch ---- */

struct staging *writer_take_batch(struct commitlog *log)
{
    struct staging *batch = stream_filling(log);
    if (staging_is_empty(batch))
        return NULL;
    log->filling = 1 - log->filling;
    log->batch++;
    staging_reset(stream_filling(log), staging_end(batch), segment_limit(&log->current));
    return batch;
}

/* Called without the lock. */
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
    uint64_t number = log->batch - 1; /* it rises only with the writer role */
    size_t bytes = batch ? batch->block_count * BLOCK_BYTES : 0;
    if (batch)
        staging_reset(batch, batch->base, 0);
    if (failed(st)) {
        log->failure = st;
        for (uint64_t i = 0; i < BATCH_BEACONS; i++)
            batch_call(log, i, CALL_EACH);
        return;
    }
    log->stats.written_bytes += bytes;
    if (batch)
        log->noted = log->durable; /* it only moves with the writer role, so this is what the blocks say */
    log->unsynced = !synced_end;
    if (!synced_end) {
        batch_call(log, number, CALL_EACH);
        return;
    }
    log->stats.syncs++;
    log->durable = log->previous = *synced_end;
    atomic_store_explicit(&log->synced_batch, number, memory_order_release);
    /* All batches but the one that fills. Who came for an older one, written but not synced, while its writer let
     * others append, sleeps for that. */
    for (uint64_t i = 1; i < BATCH_BEACONS; i++)
        batch_call(log, log->batch + i, CALL_EACH);
}

/* Write a taken batch, and sync everything up to `end` if asked. The lock is given up meanwhile. */
static status batch_put(struct commitlog *log, struct staging *batch, struct log_position end, bool sync)
{
    struct log_position durable = log->durable;
    bool unsynced = log->unsynced;
    stream_unlock(log);
    status st = batch_write(log, batch, durable, unsynced, sync);
    lock_acquire(&log->lock);
    batch_done(log, batch, sync ? &end : NULL, st);
    return st;
}

status writer_flush(struct commitlog *log, bool sync)
{
    struct log_position end = staging_end(stream_filling(log));
    struct staging *batch = writer_take_batch(log);
    if (!batch && (!sync || log_position_compare(log->durable, end) >= 0))
        return STATUS_DONE;
    return batch_put(log, batch, end, sync);
}

/* Those who were woken by the last write are about to append again: let them, so that they are in this one. As long as the
 * batch grows, and they are not all back, it is worth another turn. */
static void gather(struct commitlog *log)
{
    for (int i = 0; i < GATHER_MAX && log->crowd > 1; i++) {
        uint64_t payloads = log->stats.payloads;
        if (payloads - log->crowd_at > log->crowd)
            break;
        stream_unlock(log);
        sched_yield();
        lock_acquire(&log->lock);
        if (log->stats.payloads == payloads)
            break;
    }
}

status writer_flush_for_all(struct commitlog *log)
{
    gather(log);
    status st = writer_flush(log, true);
    for (int i = 0; i < FLUSHES_FOR_OTHERS && ok(st); i++) {
        if (!log->waiters[log->batch % BATCH_BEACONS] || log->room_waiters)
            break;
        gather(log);
        st = writer_flush(log, true);
    }
    return st;
}

status writer_close(struct commitlog *log)
{
    struct staging *staging = stream_filling(log);
    staging_reset(staging, staging->base, log->current.bytes);
    staging_note(staging, BLOCK_CLOSE);
    /* It needs no sync: nothing depends on it. */
    return batch_write(log, staging, log->durable, true, false);
}

/* ---- the batch in flight: the writer role belongs to nobody until somebody wants it ---- */

/* Called without the lock. *out_flying is false when the batch has been written instead, for want of a queue. */
static status flight_submit(struct commitlog *log, const struct flight *flight, bool *out_flying)
{
    bool sync = flight->sync && !flight->sync_apart;
    const struct staging *batch = flight->batch;
    *out_flying = log->queue || ok(io_queue_open(log->env, 1, &log->queue));
    if (!*out_flying)
        return io_write(log->current.file, batch->base.offset, batch->memory,
                        batch->block_count * BLOCK_BYTES, sync);
    log->flight_request = (struct io_request){
        .op = sync ? IO_OP_WRITE_SYNC : IO_OP_WRITE,
        .file = log->current.file,
        .offset = batch->base.offset,
        .data = batch->memory,
        .bytes = batch->block_count * BLOCK_BYTES,
    };
    struct io_request *request = &log->flight_request;
    return io_submit(log->queue, &request, 1);
}

static void flight_done(struct commitlog *log, struct flight flight, status st)
{
    log->flight = (struct flight){0};
    batch_done(log, flight.batch, flight.sync ? &flight.end : NULL, st);
    writer_release(log);
}

static status flight_sync(struct commitlog *log, const struct flight *flight)
{
    return flight->sync_apart ? io_sync(log->current.file) : STATUS_DONE;
}

status writer_start(struct commitlog *log, struct staging *batch, bool sync)
{
    struct flight flight = {
        .batch = batch,
        .end = staging_end(batch),
        .sync = sync,
        .sync_apart = sync && log->unsynced,
    };
    struct block identity = log->identity;
    identity.durable = log->durable;
    bool flying = false;
    stream_unlock(log);
    staging_seal(batch, &identity);
    status st = flight_submit(log, &flight, &flying);
    if (ok(st) && !flying)
        st = flight_sync(log, &flight);
    lock_acquire(&log->lock);
    if (failed(st) || !flying) {
        flight_done(log, flight, st);
        return st;
    }
    log->flight = flight;
    /* One of them may as well wait for the disk. Who came while the lock was given up saw no flight, and if nobody else comes
     * the landing is up to him. */
    call_for_role(log);
    return st;
}

static void flight_land(struct commitlog *log)
{
    struct flight flight = log->flight;
    struct io_request *request = NULL;
    log->landing = true;
    stream_unlock(log);
    status st = io_wait(log->queue, &request);
    if (ok(st))
        st = request ? request->result : STATUS_FAIL(STATUS_IO);
    if (ok(st))
        st = flight_sync(log, &flight);
    lock_acquire(&log->lock);
    log->landing = false;
    flight_done(log, flight, st);
}

/* ---- waiting ---- */

void writer_wait(struct commitlog *log)
{
    if (log->flight.batch && !log->landing) {
        flight_land(log);
        return;
    }
    beacons_wake(log, log->calls);
    memset(log->calls, 0, sizeof log->calls);
    log->room_waiters++;
    lock_wait(&log->room, &log->lock);
    log->room_waiters--;
}

bool writer_wait_durable(struct commitlog *log, struct log_position end)
{
    if (log->flight.batch && !log->landing) {
        flight_land(log);
        return false;
    }
    /* What is in neither staging goes with the one that is being written. */
    bool is_filling = log_position_compare(end, stream_filling(log)->base) > 0;
    uint64_t number = is_filling ? log->batch : log->batch - 1;
    struct beacon *beacon = &log->beacons[number % BATCH_BEACONS];
    uint32_t seen = beacon_now(beacon);
    log->waiters[number % BATCH_BEACONS]++;
    stream_unlock(log);
    beacon_wait(beacon, seen);
    /* Pairs with batch_done(). */
    if (atomic_load_explicit(&log->synced_batch, memory_order_acquire) >= number)
        return true;
    lock_acquire(&log->lock);
    return false;
}
