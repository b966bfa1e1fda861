#include "engine/replay_internal.h"

#include <stdlib.h>

#include "base/log.h"
#include "engine/job_internal.h"

/* ---- which tables get what ---- */

/* Which tables may get records that were logged under a number, sorted by it: the table itself, and those that were
 * made copies of it. */
struct replay_target {
    uint64_t logged_id;
    const struct manifest_table *table; /* borrowed */
};

static int by_logged_id(const void *a, const void *b)
{
    const struct replay_target *left = a, *right = b;
    if (left->logged_id != right->logged_id)
        return left->logged_id < right->logged_id ? -1 : 1;
    return (left->table->id > right->table->id) - (left->table->id < right->table->id);
}

status replay_init(struct replay *replay, struct store *store, bool accept_damage)
{
    const struct manifest_state *state = &store->state;
    size_t most = 1;
    for (uint32_t i = 0; i < state->table_count; i++)
        most += 1 + state->tables[i]->source_count;
    struct replay_target *targets = malloc(most * sizeof *targets);
    if (!targets)
        return STATUS_FAIL(STATUS_NOMEM);
    uint32_t count = 0, kept = 0;
    for (uint32_t i = 0; i < state->table_count; i++) {
        const struct manifest_table *table = state->tables[i];
        targets[count++] = (struct replay_target){.logged_id = table->id, .table = table};
        for (uint32_t j = 0; j < table->source_count; j++)
            targets[count++] =
                (struct replay_target){.logged_id = table->sources[j].table_id, .table = table};
    }
    qsort(targets, count, sizeof *targets, by_logged_id);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || by_logged_id(&targets[kept - 1], &targets[i]) != 0)
            targets[kept++] = targets[i];
    *replay = (struct replay){
        .store = store, .targets = targets, .target_count = kept, .accept_damage = accept_damage};
    return STATUS_DONE;
}

void replay_deinit(struct replay *replay)
{
    free(replay->targets);
    replay->targets = NULL;
}

static uint32_t first_target(const struct replay *replay, uint64_t logged_id)
{
    uint32_t low = 0, high = replay->target_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (replay->targets[middle].logged_id >= logged_id)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- records ---- */

static status mutation_apply_to(struct shard *shard, uint64_t table_id, struct mutation mutation,
                                uint32_t stream, struct log_position begin)
{
    lock_acquire(&shard->writer);
    struct tablet *tablet = shard_find(shard, table_id);
    status st = tablet_open_active(tablet);
    if (ok(st))
        st = tablet_apply(tablet, mutation, stream, begin.segment);
    lock_release(&shard->writer);
    return st;
}

/* Apply one mutation to every table that it belongs to, unless what is there has it already. */
static status mutation_apply(struct replay *replay, struct mutation mutation, uint32_t stream,
                             struct log_position begin)
{
    struct store *store = replay->store;
    uint32_t index = shard_of_token(mutation.key.token, store->shard_count);
    for (uint32_t i = first_target(replay, mutation.table_id);
         i < replay->target_count && replay->targets[i].logged_id == mutation.table_id; i++) {
        const struct manifest_table *table = replay->targets[i].table;
        if (manifest_table_wants(table, mutation.table_id, index, stream, begin))
            TRY(mutation_apply_to(&store->shards[index], table->id, mutation, stream, begin));
    }
    return STATUS_DONE;
}

static status record_apply(struct replay *replay, struct slice payload, uint32_t stream,
                           struct log_position begin)
{
    struct reader in = reader_of(payload);
    struct mutation mutation;
    bool more;
    for (;;) {
        TRY(mutation_next(&in, &mutation, &more));
        if (!more)
            break;
        TRY(mutation_apply(replay, mutation, stream, begin));
    }
    replay->store->recovered_batches++;
    replay->store->recovered_bytes += payload.bytes;
    return STATUS_DONE;
}

/* Behind the beginning of a record, and before that of the next. */
static struct log_position behind(struct log_position begin)
{
    return (struct log_position){begin.segment, begin.offset + 1};
}

/* ---- streams ---- */

static status stream_open(struct replay *replay, uint32_t stream, uint64_t from_segment,
                          struct commitlog_reader **out_reader)
{
    struct store *store = replay->store;
    char folder[IO_PATH_BYTES_MAX];
    TRY(folder_path(store->folder, "log", NULL, folder));
    status st = commitlog_reader_open(store->env, folder, store->store_id, stream, from_segment, out_reader);
    if (st.code == STATUS_NOT_FOUND)
        st.code = STATUS_CORRUPT; /* the folder of the log is gone */
    return st;
}

typedef status record_visit(struct replay *replay, struct slice payload, uint32_t stream,
                            struct log_position begin);

/* Every record that the reader has yet to give. */
static status records_visit(struct replay *replay, struct commitlog_reader *reader, uint32_t stream,
                            record_visit *visit)
{
    for (;;) {
        struct slice payload;
        struct log_position begin;
        bool more;
        TRY(commitlog_reader_next(reader, &payload, &begin, &more));
        if (!more)
            return STATUS_DONE;
        TRY(visit(replay, payload, stream, begin));
    }
}

static status judge_end(struct replay *replay, struct commitlog_reader *reader, uint32_t stream)
{
    struct store *store = replay->store;
    struct log_position at = {0};
    uint64_t next = commitlog_reader_next_segment(reader);
    enum commitlog_end end = commitlog_reader_end(reader, &at);
    if (next > store->state.next_segments[stream])
        store->state.next_segments[stream] = next;
    replay->recovered[stream] = at;
    if (end == COMMITLOG_END_TORN)
        store->log_tail_torn = true;
    if (end != COMMITLOG_END_DAMAGED)
        return STATUS_DONE;
    if (!replay->accept_damage)
        return STATUS_FAIL(STATUS_CORRUPT);
    log_message(LOG_LEVEL_WARNING,
                "log stream %u is damaged at segment %llu, offset %llu: what follows is left out", stream,
                (unsigned long long)at.segment, (unsigned long long)at.offset);
    store->logs_damaged++;
    store->shards[stream].damaged_segment = at.segment ? at.segment : 1;
    store->shards[stream].damaged_end = store->state.next_segments[stream];
    return STATUS_DONE;
}

/* A store that may not write has to hold everything. */
static status judge_record(struct replay *replay, struct slice payload, uint32_t stream,
                           struct log_position begin)
{
    if (replay->stopped)
        return STATUS_DONE;
    TRY(record_apply(replay, payload, stream, begin));
    replay->stopped = store_memory_over(replay->store) && !replay->store->read_only;
    if (replay->stopped) {
        replay->stream = stream;
        replay->at = behind(begin);
    }
    return STATUS_DONE;
}

static status judge_stream(struct replay *replay, uint32_t stream)
{
    struct commitlog_reader *reader;
    TRY(stream_open(replay, stream, 0, &reader));
    status st = records_visit(replay, reader, stream, judge_record);
    if (ok(st))
        st = judge_end(replay, reader, stream);
    commitlog_reader_close(reader);
    return st;
}

status replay_judge(struct replay *replay)
{
    for (uint32_t i = 0; i < replay->store->shard_count; i++)
        TRY(judge_stream(replay, i));
    return STATUS_DONE;
}

/* ---- the rest ---- */

static void stand_at(struct store *store, uint32_t stream, struct log_position position)
{
    struct shard *shard = &store->shards[stream];
    lock_acquire(&shard->writer);
    shard->log_end = position;
    lock_release(&shard->writer);
}

static status rest_record(struct replay *replay, struct slice payload, uint32_t stream,
                          struct log_position begin)
{
    if (stream == replay->stream && log_position_compare(begin, replay->at) < 0)
        return STATUS_DONE;
    TRY(record_apply(replay, payload, stream, begin));
    stand_at(replay->store, stream, behind(begin));
    return store_memory_over(replay->store) ? store_flush(replay->store, 0) : STATUS_DONE;
}

static status rest_of_stream(struct replay *replay, uint32_t stream)
{
    struct commitlog_reader *reader;
    TRY(stream_open(replay, stream, stream == replay->stream ? replay->at.segment : 0, &reader));
    status st = records_visit(replay, reader, stream, rest_record);
    commitlog_reader_close(reader);
    return st;
}

status replay_rest(struct replay *replay)
{
    struct store *store = replay->store;
    struct log_position tails[SHARDS_MAX];
    if (!replay->stopped)
        return STATUS_DONE;
    for (uint32_t i = 0; i < store->shard_count; i++)
        tails[i] = store->shards[i].log_end;
    for (uint32_t i = replay->stream; i < store->shard_count; i++)
        stand_at(store, i, i == replay->stream ? replay->at : (struct log_position){0});
    TRY(store_flush(store, 0));
    for (uint32_t i = replay->stream; i < store->shard_count; i++) {
        TRY(rest_of_stream(replay, i));
        stand_at(store, i, tails[i]);
    }
    return STATUS_DONE;
}
