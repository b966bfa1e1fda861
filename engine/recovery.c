/*
 * Opening. Everything is read and judged before anything is written (I7):
 *
 *     survey, lock, identity, manifest, SSTables, replay of every log stream     only reads
 *     new manifest, orphans, log streams                                         the first writes
 *
 * A crash in between leaves either the old manifest or the new one, which say the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "compaction/compaction.h"
#include "engine/job_internal.h"
#include "engine/store_internal.h"

/* Which tables may get records that were logged under a number, sorted by it: the table itself, and those that were
 * made copies of it. */
struct replay_target {
    uint64_t logged_id;
    const struct manifest_table *table; /* borrowed */
};

struct replay_index {
    struct replay_target *targets; /* owned */
    uint32_t count;
};

struct recovery {
    uint64_t manifest_number; /* 0: none */
    enum manifest_end manifest_end;
    uint64_t files_given_out; /* file numbers below were reserved by earlier openings */
    struct log_position recovered[SHARDS_MAX];
    bool fresh; /* the store is made now */
    struct replay_index replay;
};

/* ---- tables ---- */

static status shards_make(struct store *store)
{
    store->shards = aligned_alloc(alignof(struct shard), store->identity.shards * sizeof *store->shards);
    if (!store->shards)
        return STATUS_FAIL(STATUS_NOMEM);
    memset(store->shards, 0, store->identity.shards * sizeof *store->shards);
    store->shard_count = store->identity.shards;
    for (uint32_t i = 0; i < store->shard_count; i++)
        TRY(shard_init(&store->shards[i], store, i));
    return STATUS_DONE;
}

/* Which of several tables built a file is of no account; that it is the one the manifest means, is. */
static status file_open(struct store *store, struct manifest_file *file, struct sstable **out_table)
{
    if (file->opened) {
        *out_table = sstable_ref(file->opened);
        return STATUS_DONE;
    }
    struct sstable *table;
    status st = store_open_sstable(store, file->info.file_number, &table);
    if (st.code == STATUS_NOT_FOUND)
        st.code = STATUS_CORRUPT;
    TRY(st);
    if (sstable_info(table)->content_hash != file->info.content_hash) {
        sstable_unref(table);
        return STATUS_FAIL(STATUS_CORRUPT);
    }
    file->opened = table;
    *out_table = table;
    return STATUS_DONE;
}

static status tablet_restore(struct store *store, const struct manifest_table *table, uint32_t shard)
{
    struct tablet *tablet;
    uint32_t count = 0;
    TRY(shard_reserve(&store->shards[shard], 1));
    struct sstable **files = calloc((size_t)table->file_count + 1, sizeof(struct sstable *));
    if (!files)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = tablet_new(&store->shards[shard], table->id, &table->options, &tablet);
    if (ok(st))
        shard_add(&store->shards[shard], tablet);
    for (uint32_t i = 0; ok(st) && i < table->file_count; i++) {
        if (table->files[i]->shard != shard)
            continue;
        st = file_open(store, table->files[i], &files[count]);
        count += ok(st);
    }
    if (ok(st))
        st = tablet_exchange(tablet, NULL, NULL, 0, files, count);
    for (uint32_t i = 0; i < count; i++)
        sstable_unref(files[i]);
    free(files);
    return st;
}

static status tables_restore(struct store *store)
{
    for (uint32_t i = 0; i < store->state.table_count; i++)
        for (uint32_t j = 0; j < store->shard_count; j++)
            TRY(tablet_restore(store, store->state.tables[i], j));
    return STATUS_DONE;
}

/* From now on nothing writes to what snapshots hold. What the replay brought them waits for its flush. */
static status copies_seal(struct store *store)
{
    struct log_position ends[SHARDS_MAX] = {{0}};
    for (uint32_t i = 0; i < store->shard_count; i++)
        ends[i] = store->shards[i].log_end;
    for (uint32_t i = 0; i < store->state.table_count; i++) {
        for (uint32_t j = 0; store->state.tables[i]->sealed && j < store->shard_count; j++) {
            struct shard *shard = &store->shards[j];
            struct write_buffer *frozen = NULL;
            lock_acquire(&shard->writer);
            struct tablet *tablet = shard_find(shard, store->state.tables[i]->id);
            status st = store->read_only ? STATUS_DONE : tablet_freeze(tablet, ends, &frozen);
            tablet_seal(tablet);
            lock_release(&shard->writer);
            write_buffer_unref(frozen);
            TRY(st);
        }
    }
    return STATUS_DONE;
}

/* ---- replay ---- */

static int by_logged_id(const void *a, const void *b)
{
    const struct replay_target *left = a, *right = b;
    if (left->logged_id != right->logged_id)
        return left->logged_id < right->logged_id ? -1 : 1;
    return (left->table->id > right->table->id) - (left->table->id < right->table->id);
}

static status replay_index_make(const struct manifest_state *state, struct replay_index *out)
{
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
    *out = (struct replay_index){.targets = targets, .count = kept};
    return STATUS_DONE;
}

static uint32_t first_target(const struct replay_index *index, uint64_t logged_id)
{
    uint32_t low = 0, high = index->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->targets[middle].logged_id >= logged_id)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static status replay_to(struct shard *shard, uint64_t table_id, struct mutation mutation, uint32_t stream,
                        struct log_position begin)
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
static status replay_mutation(struct store *store, const struct replay_index *targets,
                              struct mutation mutation, uint32_t stream, struct log_position begin)
{
    uint32_t index = shard_of_token(mutation.key.token, store->shard_count);
    for (uint32_t i = first_target(targets, mutation.table_id);
         i < targets->count && targets->targets[i].logged_id == mutation.table_id; i++) {
        const struct manifest_table *table = targets->targets[i].table;
        if (manifest_table_wants(table, mutation.table_id, index, stream, begin))
            TRY(replay_to(&store->shards[index], table->id, mutation, stream, begin));
    }
    return STATUS_DONE;
}

static status replay_record(struct store *store, const struct replay_index *targets, struct slice payload,
                            uint32_t stream, struct log_position begin)
{
    struct reader in = reader_of(payload);
    struct mutation mutation;
    bool more;
    for (;;) {
        TRY(mutation_next(&in, &mutation, &more));
        if (!more)
            break;
        TRY(replay_mutation(store, targets, mutation, stream, begin));
    }
    store->recovered_batches++;
    store->recovered_bytes += payload.bytes;
    return STATUS_DONE;
}

static status replay_end(struct store *store, struct commitlog_reader *reader, uint32_t stream,
                         bool accept_damage, struct recovery *recovery)
{
    struct log_position at = {0};
    uint64_t next = commitlog_reader_next_segment(reader);
    enum commitlog_end end = commitlog_reader_end(reader, &at);
    if (next > store->state.next_segments[stream])
        store->state.next_segments[stream] = next;
    recovery->recovered[stream] = at;
    if (end == COMMITLOG_END_TORN)
        store->log_tail_torn = true;
    if (end != COMMITLOG_END_DAMAGED)
        return STATUS_DONE;
    if (!accept_damage)
        return STATUS_FAIL(STATUS_CORRUPT);
    log_message(LOG_LEVEL_WARNING,
                "log stream %u is damaged at segment %llu, offset %llu: what follows is left out", stream,
                (unsigned long long)at.segment, (unsigned long long)at.offset);
    store->shards[stream].damaged_segment = at.segment ? at.segment : 1;
    store->shards[stream].damaged_end = store->state.next_segments[stream];
    return STATUS_DONE;
}

static status replay_stream(struct store *store, uint32_t stream, bool accept_damage,
                            struct recovery *recovery)
{
    char folder[IO_PATH_BYTES_MAX];
    struct commitlog_reader *reader;
    TRY(folder_path(store->folder, "log", NULL, folder));
    status st = commitlog_reader_open(store->env, folder, store->store_id, stream, 0, &reader);
    if (st.code == STATUS_NOT_FOUND)
        st.code = STATUS_CORRUPT; /* the folder of the log is gone */
    TRY(st);
    for (bool more = true; ok(st) && more;) {
        struct slice payload;
        struct log_position begin;
        st = commitlog_reader_next(reader, &payload, &begin, &more);
        if (ok(st) && more)
            st = replay_record(store, &recovery->replay, payload, stream, begin);
    }
    if (ok(st))
        st = replay_end(store, reader, stream, accept_damage, recovery);
    commitlog_reader_close(reader);
    return st;
}

/* ---- the folder ---- */

static status store_lock(struct store *store)
{
    char path[IO_PATH_BYTES_MAX];
    TRY(folder_path(store->folder, NULL, "LOCK", path));
    return io_lock(store->env, path, &store->lock_file);
}

/* Decide what the folder is, and own it. Only a folder that may become a store is made or locked. */
static status folder_enter(struct store *store, const struct store_options *options,
                           enum folder_state *out_state, bool *out_has_data)
{
    bool may_create = !options->must_exist && !options->read_only;
    TRY(folder_survey(store->env, store->folder, out_state, out_has_data));
    if (*out_state == FOLDER_FOREIGN)
        return STATUS_FAIL(STATUS_INVALID);
    if ((*out_state == FOLDER_ABSENT || *out_state == FOLDER_EMPTY) && !may_create)
        return STATUS_FAIL(STATUS_NOT_FOUND);
    if (*out_state == FOLDER_ABSENT) {
        status st = io_mkdir(store->env, store->folder);
        if (failed(st) && st.code != STATUS_EXISTS)
            return st;
    }
    TRY(store_lock(store));
    /* Somebody may have been faster. */
    TRY(folder_survey(store->env, store->folder, out_state, out_has_data));
    return *out_state == FOLDER_HEADLESS ? STATUS_FAIL(STATUS_CORRUPT) : STATUS_DONE;
}

static uint32_t shards_wanted(const struct store_options *options)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t shards = options->shards ? options->shards : cores > 0 ? (uint32_t)cores : 1;
    return shards > SHARDS_MAX ? SHARDS_MAX : shards;
}

static void identity_make(struct store *store, const struct store_options *options)
{
    uint64_t random[2] = {io_random(store->env), io_random(store->env)};
    store->identity = (struct identity){
        .shards = shards_wanted(options),
        .created_us = io_now_us(store->env),
    };
    memcpy(store->identity.uuid, random, sizeof random);
    /* Version and variant of a random UUID. */
    store->identity.uuid[6] = (uint8_t)((store->identity.uuid[6] & 0x0f) | 0x40);
    store->identity.uuid[8] = (uint8_t)((store->identity.uuid[8] & 0x3f) | 0x80);
}

static status store_begin(struct store *store)
{
    store->store_id = identity_store_id(&store->identity);
    manifest_state_init(&store->state, store->identity.shards);
    return shards_make(store);
}

/* Read what the folder holds. Nothing is modified. */
static status store_read_back(struct store *store, const struct store_options *options, bool has_data,
                              struct recovery *recovery)
{
    TRY(folder_identity(store->env, store->folder, &store->identity));
    TRY(store_begin(store));
    TRY(manifest_load(store->env, store->folder, store->store_id, &store->state, &recovery->manifest_number,
                      &recovery->manifest_end));
    /* Without data and without tables its making may not have been finished: it is gone through again. */
    recovery->fresh = !has_data && store->state.table_count == 0;
    if (recovery->fresh)
        return STATUS_DONE;
    if (!recovery->manifest_number)
        return STATUS_FAIL(STATUS_CORRUPT);
    TRY(tables_restore(store));
    TRY(replay_index_make(&store->state, &recovery->replay));
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && i < store->shard_count; i++)
        st = replay_stream(store, i, options->accept_log_damage, recovery);
    free(recovery->replay.targets);
    return st;
}

/* ---- orphans ---- */

struct orphans {
    struct store *store;
    const struct recovery *recovery;
    status result;
};

static bool table_name_parse(const char *name, uint64_t *out_number)
{
    char again[64];
    const char *digits = strpbrk(name, "0123456789");
    if (!digits)
        return false;
    *out_number = strtoull(digits, NULL, 10);
    compaction_table_name(*out_number, again);
    return strcmp(name, again) == 0;
}

/* A file that the manifest does not name is the output of a job that never ended or the input of one that did; both
 * may go. Where the manifest itself ended badly, or never gave that number out, nothing is certain: aside with it. */
static void orphan_visit(void *context, const char *name)
{
    struct orphans *orphans = context;
    struct store *store = orphans->store;
    char path[IO_PATH_BYTES_MAX];
    uint64_t number;
    if (failed(orphans->result) || !table_name_parse(name, &number) ||
        manifest_file_named(&store->state, number))
        return;
    bool certain =
        orphans->recovery->manifest_end == MANIFEST_END_CLEAN && number < orphans->recovery->files_given_out;
    if (!certain) {
        orphans->result = folder_set_aside(store->env, store->folder, "table", name);
        return;
    }
    orphans->result = folder_path(store->folder, "table", name, path);
    if (ok(orphans->result))
        orphans->result = io_unlink(store->env, path);
}

static status orphans_clear(struct store *store, const struct recovery *recovery)
{
    struct orphans orphans = {.store = store, .recovery = recovery};
    TRY(io_list(store->env, store->table_folder, orphan_visit, &orphans));
    return orphans.result;
}

/* ---- the first writes ---- */

static status logs_open(struct store *store, const struct store_options *options,
                        const struct recovery *recovery, const uint64_t *next_segments)
{
    char folder[IO_PATH_BYTES_MAX];
    TRY(folder_path(store->folder, "log", NULL, folder));
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct commitlog_options log = {
            .env = store->env,
            .folder = folder,
            .store_id = store->store_id,
            .stream = i,
            .next_segment = next_segments[i],
            .segment_bytes = options->log_segment_bytes,
            .recovered = recovery->recovered[i],
        };
        TRY(commitlog_open(&log, &store->shards[i].log));
        store->shards[i].log_end = commitlog_tail(store->shards[i].log);
    }
    return STATUS_DONE;
}

static status store_begin_writing(struct store *store, const struct store_options *options,
                                  struct recovery *recovery)
{
    uint64_t next_segments[SHARDS_MAX];
    recovery->files_given_out = store->state.next_file;
    store->next_file = store->state.next_file;
    store->next_table = store->state.next_table;
    store->state.next_file += FILE_NUMBERS_RESERVED;
    for (uint32_t i = 0; i < store->shard_count; i++)
        next_segments[i] = store->state.next_segments[i]++;
    TRY(manifest_open(store->folder ? store->env : NULL, store->folder, store->store_id,
                      recovery->manifest_number + 1, recovery->manifest_number, &store->state,
                      &store->manifest));
    if (!store->folder)
        return STATUS_DONE;
    if (recovery->fresh)
        TRY(folder_sync_parent(store->env, store->folder));
    else
        TRY(orphans_clear(store, recovery));
    return logs_open(store, options, recovery, next_segments);
}

static status table_folder_name(struct store *store)
{
    char path[IO_PATH_BYTES_MAX];
    if (store->folder)
        TRY(folder_path(store->folder, "table", NULL, path));
    else
        snprintf(path, sizeof path, "table-%016llx", (unsigned long long)io_random(store->env));
    store->table_folder = strdup(path);
    return store->table_folder ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
}

static status recover_without_folder(struct store *store, const struct store_options *options)
{
    struct recovery recovery = {.fresh = true};
    identity_make(store, options);
    TRY(store_begin(store));
    TRY(io_mkdir(store->env, store->table_folder));
    return store_begin_writing(store, options, &recovery);
}

/* Damage that was accepted is done with at once: what was saved goes into tables, the damaged segments aside. */
static status damage_settle(struct store *store)
{
    bool damaged = false;
    for (uint32_t i = 0; i < store->shard_count; i++)
        damaged = damaged || store->shards[i].damaged_segment;
    if (!damaged || store->read_only)
        return STATUS_DONE;
    TRY(store_flush(store, 0));
    return flush_release_logs(store);
}

status store_recover(struct store *store, const struct store_options *options)
{
    struct recovery recovery = {0};
    enum folder_state state;
    bool has_data;
    TRY(table_folder_name(store));
    if (!store->folder)
        return recover_without_folder(store, options);
    TRY(folder_enter(store, options, &state, &has_data));
    if (state == FOLDER_STORE) {
        TRY(store_read_back(store, options, has_data, &recovery));
    } else {
        recovery.fresh = true;
        identity_make(store, options);
        TRY(store_begin(store));
    }
    if (store->read_only)
        return copies_seal(store);
    if (recovery.fresh)
        TRY(folder_create(store->env, store->folder, &store->identity));
    TRY(store_begin_writing(store, options, &recovery));
    TRY(copies_seal(store));
    return damage_settle(store);
}
