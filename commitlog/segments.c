/*
 * The files of a stream: made ready ahead of need, begun, recycled, removed.
 *
 * A file waits under the number that it will have, so that beginning a segment needs no rename and no sync of the folder.
 * What is in it until then, zeros or old blocks, is valid for no reader under that number. The highest number ever
 * used always stays in the folder as a name, because release keeps the last file of a stream that has no other.
 */
#include "commitlog/stream_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void segment_path(const struct commitlog *log, uint64_t number, char path[IO_PATH_BYTES_MAX])
{
    snprintf(path, IO_PATH_BYTES_MAX, "%s/log-%" PRIu32 "-%" PRIu64 ".log", log->folder, log->identity.stream,
             number);
}

/* A decimal without leading zeros, then `end`; NULL when it is not that. */
static const char *number_parse(const char *text, char end, uint64_t max, uint64_t *out_number)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (number > (max - digit) / 10)
            return NULL;
        number = number * 10 + digit;
    }
    if (at == text || *at != end || (*text == '0' && at > text + 1))
        return NULL;
    *out_number = number;
    return at + 1;
}

bool commitlog_name_parse(const char *name, uint32_t *out_stream, uint64_t *out_segment)
{
    uint64_t stream = 0, segment = 0;
    if (strncmp(name, "log-", 4) != 0)
        return false;
    const char *rest = number_parse(name + 4, '-', UINT32_MAX, &stream);
    if (rest)
        rest = number_parse(rest, '.', UINT64_MAX, &segment);
    if (!rest || strcmp(rest, "log") != 0 || segment == 0)
        return false;
    *out_stream = (uint32_t)stream;
    *out_segment = segment;
    return true;
}

status live_add(struct commitlog *log, uint64_t number)
{
    if (log->live_count == log->live_capacity) {
        size_t capacity = log->live_capacity ? log->live_capacity * 2 : 16;
        uint64_t *live = realloc(log->live, capacity * sizeof *live);
        if (!live)
            return STATUS_FAIL(STATUS_NOMEM);
        log->live = live;
        log->live_capacity = capacity;
    }
    log->live[log->live_count++] = number;
    return STATUS_DONE;
}

/* ---- files; called without the lock ---- */

static unsigned write_flags(const struct commitlog *log)
{
    return log->no_direct ? IO_WRITE : IO_WRITE | IO_DIRECT;
}

/* `reserve`: its blocks are not written over first. */
static status file_create(const struct commitlog *log, struct segment_file *segment, bool reserve)
{
    char path[IO_PATH_BYTES_MAX];
    segment_path(log, segment->number, path);
    struct io_file *file = NULL;
    TRY(io_open(log->env, path, write_flags(log) | IO_CREATE | IO_EXCLUSIVE, &file));
    status st = reserve ? io_reserve(file, segment->bytes) : io_zero_fill(file, segment->bytes);
    if (ok(st))
        st = io_sync_dir(log->env, log->folder);
    if (ok(st)) {
        segment->file = file;
        return st;
    }
    /* Nobody has seen this file. It gives its space back and its number is not used again. */
    io_close(file);
    (void)io_unlink(log->env, path);
    return st;
}

static void file_discard(const struct commitlog *log, struct segment_file *segment)
{
    char path[IO_PATH_BYTES_MAX];
    segment_path(log, segment->number, path);
    io_close(segment->file);
    segment->file = NULL;
    /* A file that stays is an empty segment to every reader and is released like any other. */
    (void)io_unlink(log->env, path);
}

/* Give the released file of number `from` to `segment`. STATUS_UNSUPPORTED when it does not suit. */
static status file_recycle(const struct commitlog *log, uint64_t from, uint64_t bytes_min, uint64_t bytes_max,
                           struct segment_file *segment)
{
    char path[IO_PATH_BYTES_MAX], new_path[IO_PATH_BYTES_MAX];
    segment_path(log, from, path);
    segment_path(log, segment->number, new_path);
    struct io_file *file = NULL;
    TRY(io_open(log->env, path, write_flags(log), &file));
    uint64_t bytes = 0;
    status st = io_size(file, &bytes);
    if (ok(st) && (bytes < bytes_min || bytes > bytes_max || bytes % BLOCK_BYTES))
        st = STATUS_FAIL(STATUS_UNSUPPORTED);
    if (ok(st))
        st = io_rename(log->env, path, new_path);
    if (failed(st)) {
        io_close(file);
        return st;
    }
    segment->bytes = bytes;
    segment->file = file;
    return STATUS_DONE;
}

/* ---- sizes ---- */

static uint64_t target_bytes(const struct commitlog *log)
{
    uint64_t bytes = log->current.number ? log->current.bytes * SEGMENT_GROWTH : log->first_segment_bytes;
    return bytes < log->segment_bytes ? bytes : log->segment_bytes;
}

static uint64_t first_bytes(const struct commitlog *log)
{
    return log->first_segment_bytes < log->segment_bytes ? log->first_segment_bytes : log->segment_bytes;
}

static uint64_t bytes_for_record(uint64_t record_bytes)
{
    uint64_t blocks = (record_bytes + BLOCK_BODY_BYTES - 1) / BLOCK_BODY_BYTES;
    return (blocks + 2) * BLOCK_BYTES;
}

/*
 * Whether the current segment has been synced so seldom that to write zeros ahead would cost the disk more than the metadata
 * that a sync writes for blocks which have none. In its next life every block of the file has been written.
 */
static bool writes_much(const struct commitlog *log)
{
    uint64_t syncs = log->stats.syncs - log->current_syncs + 1;
    return log->stagings[log->filling].base.offset / syncs >= RESERVE_BYTES_PER_SYNC;
}

/* ---- the role ---- */

static void keeper_take(struct commitlog *log)
{
    while (log->keeping)
        lock_wait(&log->room, &log->lock);
    log->keeping = true;
}

static void keeper_release(struct commitlog *log)
{
    log->keeping = false;
    lock_wake_all(&log->room);
}

/* The same for who only tidies up: false, and no role, when the stream is closed for writes. */
static bool keeper_take_if_open(struct commitlog *log)
{
    keeper_take(log);
    if (ok(log->failure))
        return true;
    keeper_release(log);
    return false;
}

/* ---- beginning ---- */

static struct segment_file ready_pop(struct commitlog *log)
{
    struct segment_file first = log->ready[0];
    log->ready_count--;
    memmove(log->ready, log->ready + 1, log->ready_count * sizeof *log->ready);
    return first;
}

/* Take the first ready segment that is large enough, else make one. Numbers only rise, so a smaller one that is
 * passed over can never be used. */
static status segment_obtain(struct commitlog *log, uint64_t bytes_min, struct segment_file *out_segment)
{
    while (log->ready_count) {
        struct segment_file segment = ready_pop(log);
        if (segment.bytes >= bytes_min) {
            *out_segment = segment;
            return STATUS_DONE;
        }
        lock_release(&log->lock);
        file_discard(log, &segment);
        lock_acquire(&log->lock);
    }
    uint64_t target = target_bytes(log);
    struct segment_file segment = {
        .number = log->next_segment++,
        .bytes = target > bytes_min ? target : bytes_min,
    };
    bool reserve = writes_much(log);
    lock_release(&log->lock);
    status st = file_create(log, &segment, reserve);
    lock_acquire(&log->lock);
    if (ok(st))
        *out_segment = segment;
    return st;
}

status segment_begin(struct commitlog *log, uint64_t record_bytes)
{
    keeper_take(log);
    struct segment_file segment = {0};
    status st = segment_obtain(log, bytes_for_record(record_bytes), &segment);
    if (ok(st))
        st = live_add(log, segment.number);
    keeper_release(log);
    if (failed(st)) {
        io_close(segment.file); /* it stays behind as an empty segment */
        return st;
    }

    io_close(log->current.file);
    log->current = segment;
    log->current_syncs = log->stats.syncs;
    struct staging *staging = &log->stagings[log->filling];
    staging_reset(staging, (struct log_position){segment.number, 0}, segment_limit(&segment));
    staging_begin_segment(staging, &(struct segment_header){
                                       .version = SEGMENT_VERSION,
                                       .segment_bytes = segment.bytes,
                                       .previous = log->previous,
                                       .created_us = io_now_us(log->env),
                                   });
    return STATUS_DONE;
}

/* ---- keeping ahead of need ---- */

static bool wants_ready(const struct commitlog *log)
{
    if (failed(log->failure) || log->keeping || log->ready_count)
        return false;
    return !log->current.number || log->stagings[log->filling].base.offset >= log->current.bytes / 4;
}

bool segment_prepare(struct commitlog *log)
{
    if (!wants_ready(log))
        return false;
    keeper_take(log);
    struct segment_file segment = {.number = log->next_segment++, .bytes = target_bytes(log)};
    bool reserve = writes_much(log);
    lock_release(&log->lock);
    /* A failure is not told here: the append that needs the segment will meet it and say so. */
    status st = file_create(log, &segment, reserve);
    lock_acquire(&log->lock);
    if (ok(st))
        log->ready[log->ready_count++] = segment;
    keeper_release(log);
    return ok(st);
}

/* The lowest live segment below `end`, or 0. The current one is never given away. */
static uint64_t lowest_releasable(const struct commitlog *log, uint64_t end)
{
    if (!log->live_count || log->live[0] >= end || log->live[0] == log->current.number)
        return 0;
    return log->live[0];
}

/* Remove the file of one segment, or recycle it as a spare one where `spare` allows, and make that durable. */
static status segment_release(struct commitlog *log, uint64_t number, bool spare)
{
    bool last_name = !log->current.number && !log->ready_count && log->live_count == 1;
    bool recycle = last_name || (spare && log->ready_count < READY_SEGMENTS_MAX);
    uint64_t bytes_min = last_name ? (uint64_t)SEGMENT_BLOCKS_MIN * BLOCK_BYTES : target_bytes(log);
    uint64_t bytes_max = log->segment_bytes * 2;
    struct segment_file segment = {.number = recycle ? log->next_segment++ : 0};
    lock_release(&log->lock);

    status st =
        recycle ? file_recycle(log, number, bytes_min, bytes_max, &segment) : STATUS_FAIL(STATUS_UNSUPPORTED);
    if (st.code == STATUS_UNSUPPORTED) {
        char path[IO_PATH_BYTES_MAX];
        segment_path(log, number, path);
        st = io_unlink(log->env, path);
    }
    if (st.code == STATUS_NOT_FOUND)
        st = STATUS_DONE; /* somebody removed it by hand */
    if (ok(st))
        st = io_sync_dir(log->env, log->folder);
    if (failed(st)) {
        io_close(segment.file);
        segment.file = NULL;
    }

    lock_acquire(&log->lock);
    if (segment.file)
        log->ready[log->ready_count++] = segment;
    if (ok(st))
        memmove(log->live, log->live + 1, --log->live_count * sizeof *log->live);
    return st;
}

/* Release every segment below `end`. The caller is the keeper. */
static status release_below(struct commitlog *log, uint64_t end, bool spare)
{
    status st = STATUS_DONE;
    for (uint64_t number = lowest_releasable(log, end); number && ok(st);
         number = lowest_releasable(log, end))
        st = segment_release(log, number, spare);
    return st;
}

status commitlog_release(struct commitlog *log, uint64_t segment)
{
    status st = STATUS_DONE;
    lock_acquire(&log->lock);
    if (!keeper_take_if_open(log)) {
        st = STATUS_FAIL(STATUS_CLOSED);
    } else {
        st = release_below(log, segment, true);
        keeper_release(log);
    }
    lock_release(&log->lock);
    return st;
}

/* ---- trimming; the caller is the keeper ---- */

static void ready_discard(struct commitlog *log)
{
    while (log->ready_count) {
        struct segment_file segment = ready_pop(log);
        lock_release(&log->lock);
        file_discard(log, &segment);
        lock_acquire(&log->lock);
    }
}

static bool is_small(const struct commitlog *log, const struct segment_file *segment)
{
    return segment->number && segment->bytes <= first_bytes(log);
}

/* Make a small file, which keeps the numbers going, the only spare one. */
static status ready_become_small(struct commitlog *log)
{
    if (log->ready_count == 1 && is_small(log, &log->ready[0]))
        return STATUS_DONE;
    struct segment_file small = {.number = log->next_segment++, .bytes = first_bytes(log)};
    lock_release(&log->lock);
    status st = file_create(log, &small, false);
    lock_acquire(&log->lock);
    if (failed(st))
        return st;
    ready_discard(log);
    log->ready[log->ready_count++] = small;
    return st;
}

/* The caller is the writer too, and everything is synced: the next append begins a segment. */
static void current_end(struct commitlog *log)
{
    struct staging *staging = &log->stagings[log->filling];
    staging_reset(staging, staging->base, 0);
    io_close(log->current.file);
    log->current = (struct segment_file){0};
}

/* The stream is as large as a new one: at most one small file. */
static bool is_trimmed(const struct commitlog *log)
{
    if (log->current.number)
        return is_small(log, &log->current) && log->live_count == 1 && !log->ready_count;
    return !log->live_count &&
           (!log->ready_count || (log->ready_count == 1 && is_small(log, &log->ready[0])));
}

status segments_trim(struct commitlog *log, bool released)
{
    if (!keeper_take_if_open(log))
        return STATUS_FAIL(STATUS_CLOSED);
    status st = STATUS_DONE;
    if (released && !is_trimmed(log)) {
        if (!is_small(log, &log->current)) {
            st = ready_become_small(log);
            if (ok(st))
                current_end(log);
        } else {
            ready_discard(log);
        }
        if (ok(st))
            st = release_below(log, UINT64_MAX, false);
    } else if (!released && log->live_count) {
        ready_discard(log);
    }
    keeper_release(log);
    return st;
}

void segments_retire(struct commitlog *log)
{
    if (failed(segments_trim(log, true)))
        return;
    current_end(log);
    if (!keeper_take_if_open(log))
        return;
    (void)release_below(log, UINT64_MAX, false);
    keeper_release(log);
}
