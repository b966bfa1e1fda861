#include "engine/job_internal.h"

#include <stdlib.h>

#include "engine/store_internal.h"

/* By stream: before this position nothing is on its way to another shard. */
static void settled_positions(struct store *store, struct log_position *out)
{
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        out[i] = (struct log_position){0};
    for (uint32_t i = 0; i < store->shard_count; i++) {
        lock_acquire(&store->shards[i].writer);
        out[i] = shard_settled(&store->shards[i]);
        lock_release(&store->shards[i].writer);
    }
}

status flush_freeze(struct store *store, struct tablet *tablet, struct write_buffer **out_frozen)
{
    struct log_position floors[SHARDS_MAX];
    struct shard *shard = tablet->shard;
    settled_positions(store, floors);
    lock_acquire(&shard->writer);
    /* Of the own stream everything that was appended is in the memtable: append and apply share this lock. */
    floors[shard->index] = shard->log_end;
    status st = tablet_freeze(tablet, floors, out_frozen);
    lock_release(&shard->writer);
    return st;
}

static size_t active_bytes(struct tablet *tablet)
{
    lock_acquire(&tablet->shard->versions);
    size_t bytes = 0;
    if (tablet->active) {
        struct memtable_stats stats;
        memtable_stats(tablet->active->memtable, &stats);
        bytes = stats.bytes;
    }
    if (tablet->frozen_count == FROZEN_MAX)
        bytes = 0; /* no room to freeze another */
    lock_release(&tablet->shard->versions);
    return bytes;
}

struct largest {
    struct tablet *tablet; /* counted */
    size_t bytes;
};

static status larger(struct store *store, struct tablet *tablet, void *context)
{
    (void)store;
    struct largest *largest = context;
    size_t bytes = active_bytes(tablet);
    if (bytes > largest->bytes) {
        tablet_unref(largest->tablet);
        *largest = (struct largest){.tablet = tablet_ref(tablet), .bytes = bytes};
    }
    return STATUS_DONE;
}

/* Freeze and forget the extra reference. */
static status freeze_quietly(struct store *store, struct tablet *tablet)
{
    struct write_buffer *frozen = NULL;
    status st = flush_freeze(store, tablet, &frozen);
    write_buffer_unref(frozen);
    return st.code == STATUS_BUSY ? STATUS_DONE : st;
}

status flush_freeze_largest(struct store *store)
{
    struct largest largest = {0};
    status st = job_each_tablet(store, 0, larger, &largest);
    if (ok(st) && largest.tablet)
        st = freeze_quietly(store, largest.tablet);
    tablet_unref(largest.tablet);
    return st;
}

/* ---- the log ---- */

struct needed {
    uint64_t segments[SHARDS_MAX]; /* by stream: the least that some memtable needs */
};

static void need(struct needed *needed, const struct write_buffer *buffer)
{
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        if (buffer->first_segments[i] && buffer->first_segments[i] < needed->segments[i])
            needed->segments[i] = buffer->first_segments[i];
}

static status need_of_tablet(struct store *store, struct tablet *tablet, void *context)
{
    (void)store;
    struct needed *needed = context;
    lock_acquire(&tablet->shard->writer);
    if (tablet->active)
        need(needed, tablet->active);
    for (uint32_t i = 0; i < tablet->frozen_count; i++)
        need(needed, tablet->frozen[i]);
    lock_release(&tablet->shard->writer);
    return STATUS_DONE;
}

/* The settled positions are read before the memtables: a batch that is not in a memtable yet is pinned, and one that
 * comes later is logged at or behind these positions. */
static status needed_segments(struct store *store, struct needed *out_needed)
{
    struct log_position settled[SHARDS_MAX];
    settled_positions(store, settled);
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        out_needed->segments[i] = settled[i].segment;
    return job_each_tablet(store, 0, need_of_tablet, out_needed);
}

/* Of a stream that no memtable needs it is UINT64_MAX. */
static status needed_by_tablets(struct store *store, struct needed *out_needed)
{
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        out_needed->segments[i] = UINT64_MAX;
    return job_each_tablet(store, 0, need_of_tablet, out_needed);
}

bool flush_log_is_released(struct store *store, uint32_t stream)
{
    struct needed needed;
    return ok(needed_by_tablets(store, &needed)) && needed.segments[stream] == UINT64_MAX;
}

/* The settled positions are read first, as in needed_segments(): what is on its way ends behind them. */
void flush_trim_logs(struct store *store)
{
    struct log_position settled[SHARDS_MAX];
    struct needed needed;
    if (!store->folder || store->read_only || atomic_load(&store->refusing))
        return;
    settled_positions(store, settled);
    if (failed(needed_by_tablets(store, &needed)))
        return;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        bool released = needed.segments[i] == UINT64_MAX && !shard->damaged_segment;
        /* What could not be trimmed only takes room. */
        if (shard->log)
            (void)commitlog_trim(shard->log, released ? settled[i] : (struct log_position){0});
    }
}

struct damaged_names {
    struct store *store;
    const struct shard *shard;
    status result;
};

static void set_aside_damaged(void *context, const char *name)
{
    struct damaged_names *damaged = context;
    uint32_t stream;
    uint64_t segment;
    if (ok(damaged->result) && commitlog_name_parse(name, &stream, &segment) &&
        stream == damaged->shard->index && segment >= damaged->shard->damaged_segment &&
        segment < damaged->shard->damaged_end)
        damaged->result = folder_set_aside(damaged->store->env, damaged->store->folder, "log", name);
}

/* Segments from the damaged one on were not replayed to their end. They are not deleted: somebody may still want to
 * read them (I6). */
static status damaged_set_aside(struct store *store, struct shard *shard, uint64_t needed)
{
    struct damaged_names damaged = {.store = store, .shard = shard};
    char path[IO_PATH_BYTES_MAX];
    if (!shard->damaged_segment || needed < shard->damaged_end)
        return STATUS_DONE;
    TRY(folder_path(store->folder, "log", NULL, path));
    TRY(io_list(store->env, path, set_aside_damaged, &damaged));
    TRY(damaged.result);
    shard->damaged_segment = 0;
    return STATUS_DONE;
}

/* A segment that could not be let go only takes room; the next release tries again. */
static void release_one(struct store *store, struct shard *shard, uint64_t needed)
{
    if (!shard->log || failed(damaged_set_aside(store, shard, needed)))
        return;
    uint64_t end =
        shard->damaged_segment && shard->damaged_segment < needed ? shard->damaged_segment : needed;
    (void)commitlog_release(shard->log, end);
}

status flush_release_logs(struct store *store)
{
    struct needed needed;
    if (!store->folder || store->read_only)
        return STATUS_DONE;
    TRY(needed_segments(store, &needed));
    for (uint32_t i = 0; i < store->shard_count; i++)
        release_one(store, &store->shards[i], needed.segments[i]);
    return STATUS_DONE;
}

struct holding {
    uint32_t stream;
    uint64_t segment;
};

static bool holds_log(const struct write_buffer *buffer, const struct holding *holding)
{
    uint64_t first = buffer->first_segments[holding->stream];
    return first && first <= holding->segment;
}

static status freeze_holder(struct store *store, struct tablet *tablet, void *context)
{
    struct holding *holding = context;
    lock_acquire(&tablet->shard->writer);
    bool holds = tablet->active && holds_log(tablet->active, holding);
    for (uint32_t i = 0; i < tablet->frozen_count; i++)
        if (holds_log(tablet->frozen[i], holding))
            atomic_store_explicit(&tablet->frozen[i]->lazy, false, memory_order_relaxed);
    lock_release(&tablet->shard->writer);
    return holds ? freeze_quietly(store, tablet) : STATUS_DONE;
}

status flush_freeze_oldest(struct store *store, bool *out_did)
{
    struct needed needed;
    *out_did = false;
    uint64_t segments_max = 4 + 4 * store->memtable_budget_bytes / store->log_segment_bytes;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct commitlog_stats stats;
        if (!store->shards[i].log)
            continue;
        commitlog_stats(store->shards[i].log, &stats);
        if (stats.segments <= segments_max)
            continue;
        TRY(needed_segments(store, &needed));
        lock_acquire(&store->shards[i].writer);
        bool held = needed.segments[i] < store->shards[i].log_end.segment;
        lock_release(&store->shards[i].writer);
        if (!held) {
            TRY(flush_release_logs(store));
            continue;
        }
        struct holding holding = {.stream = i, .segment = needed.segments[i]};
        TRY(job_each_tablet(store, 0, freeze_holder, &holding));
        *out_did = true;
    }
    return STATUS_DONE;
}
