/*
 * Opening. Everything is read and judged before anything is written (I7):
 *
 *     survey, lock, identity, manifest, SSTables, replay of every log stream     only reads
 *     new manifest, orphans, log streams                                         the first writes
 *     replay of what memory could not take
 *
 * A crash in between leaves either the old manifest or the new one, which say the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "compaction/compaction.h"
#include "engine/job_internal.h"
#include "engine/replay_internal.h"
#include "engine/store_internal.h"

struct recovery {
    uint64_t manifest_number; /* 0: none */
    enum manifest_end manifest_end;
    uint64_t files_given_out; /* file numbers below were reserved by earlier openings */
    bool fresh;               /* the store is made now */
    struct replay replay;
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
    *out_table = sstable_ref(table);
    return STATUS_DONE;
}

/* A table file that cannot be used is the end of it, unless the caller wants to go on without. */
static status file_judge(struct store *store, const struct manifest_table *of,
                         const struct manifest_file *file, status st, bool set_aside)
{
    char name[64], text[200];
    uint64_t number = file->info.file_number;
    if (!check_is_damage(st))
        return st;
    for (uint32_t i = 0; i < store->set_aside_count; i++)
        if (store->set_aside[i].number == number)
            return STATUS_DONE; /* of another table, too */
    compaction_table_name(number, name);
    status_print(st, text, sizeof text);
    log_message(LOG_LEVEL_ERROR, "table/%s cannot be used: %s; %s", name, text,
                store->read_only && set_aside ? "it is left out"
                : set_aside                   ? "the store goes on without what it held, deletions too"
                            : "the store opens without it only when damaged tables are to be set aside");
    if (!set_aside)
        return st;
    struct store_file *grown =
        realloc(store->set_aside, ((size_t)store->set_aside_count + 1) * sizeof *store->set_aside);
    if (!grown)
        return STATUS_FAIL(STATUS_NOMEM);
    store->set_aside = grown;
    store->set_aside[store->set_aside_count++] =
        check_file_of(&file->info, of->id, file->shard, of->sealed, st);
    return STATUS_DONE;
}

static status tablet_restore(struct store *store, const struct manifest_table *table, uint32_t shard,
                             bool set_aside)
{
    struct tablet *tablet;
    uint32_t count = 0;
    TRY(shard_reserve(&store->shards[shard], 1));
    struct sstable **files = calloc((size_t)table->file_count + 1, sizeof(struct sstable *));
    if (!files)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = tablet_new(&store->shards[shard], table->id, &table->options, &tablet);
    if (ok(st)) {
        tablet->foreign_upto = table->foreign_upto;
        shard_add(&store->shards[shard], tablet);
    }
    for (uint32_t i = 0; ok(st) && i < table->file_count; i++) {
        if (table->files[i]->shard != shard)
            continue;
        st = file_open(store, table->files[i], &files[count]);
        if (ok(st))
            count++;
        else
            st = file_judge(store, table, table->files[i], st, set_aside);
    }
    if (ok(st))
        st = tablet_exchange(tablet, NULL, NULL, 0, files, count);
    for (uint32_t i = 0; i < count; i++)
        sstable_unref(files[i]);
    free(files);
    return st;
}

/* Before the manifest stops naming them: a crash in between leaves a manifest whose files are missing, which is judged
 * like damage again. */
static status damaged_set_aside(struct store *store)
{
    char name[64];
    for (uint32_t i = 0; i < store->set_aside_count; i++) {
        compaction_table_name(store->set_aside[i].number, name);
        status st = folder_set_aside(store->env, store->folder, "table", name);
        if (st.code != STATUS_NOT_FOUND)
            TRY(st);
    }
    return store->set_aside_count ? io_sync_dir(store->env, store->table_folder) : STATUS_DONE;
}

/* Take the files that cannot be used out of the state, for every table that names them. */
static status damaged_leave_out(struct store *store)
{
    struct buffer edit = {0};
    for (uint32_t i = 0; i < store->state.table_count; i++) {
        const struct manifest_table *table = store->state.tables[i];
        for (uint32_t j = 0; j < table->file_count; j++)
            for (uint32_t k = 0; k < store->set_aside_count; k++)
                if (table->files[j]->info.file_number == store->set_aside[k].number)
                    edit_remove_file(&edit, table->id, store->set_aside[k].number);
    }
    status st = buffer_status(&edit);
    if (ok(st))
        st = manifest_state_apply(&store->state, buffer_slice(&edit));
    buffer_deinit(&edit);
    return st;
}

static status tables_restore(struct store *store, bool set_aside)
{
    for (uint32_t i = 0; i < store->state.table_count; i++)
        for (uint32_t j = 0; j < store->shard_count; j++)
            TRY(tablet_restore(store, store->state.tables[i], j, set_aside));
    manifest_files_close(&store->state.files); /* the tablets hold them now */
    return store->set_aside_count ? damaged_leave_out(store) : STATUS_DONE;
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
    uint32_t shards = options->shards ? options->shards : io_cores();
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
    TRY(tables_restore(store, options->set_aside_damaged_tables));
    TRY(replay_init(&recovery->replay, store, options->accept_log_damage));
    return replay_judge(&recovery->replay);
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
            .recovered = recovery->replay.recovered[i],
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
    if (store->folder)
        TRY(damaged_set_aside(store));
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
    store->recovering = true;
    status st = store_flush(store, 0);
    store->recovering = false;
    TRY(st);
    return flush_release_logs(store);
}

static status recover_folder(struct store *store, const struct store_options *options,
                             struct recovery *recovery)
{
    enum folder_state state;
    bool has_data;
    TRY(folder_enter(store, options, &state, &has_data));
    if (state == FOLDER_STORE) {
        TRY(store_read_back(store, options, has_data, recovery));
    } else {
        recovery->fresh = true;
        identity_make(store, options);
        TRY(store_begin(store));
    }
    if (store->read_only)
        return copies_seal(store);
    if (recovery->fresh)
        TRY(folder_create(store->env, store->folder, &store->identity));
    TRY(store_begin_writing(store, options, recovery));
    store->recovering = true;
    status st = replay_rest(&recovery->replay);
    store->recovering = false;
    TRY(st);
    timestamps_recovered(store);
    TRY(copies_seal(store));
    return damage_settle(store);
}

status store_recover(struct store *store, const struct store_options *options)
{
    struct recovery recovery = {0};
    TRY(table_folder_name(store));
    if (!store->folder)
        return recover_without_folder(store, options);
    status st = recover_folder(store, options, &recovery);
    replay_deinit(&recovery.replay);
    return st;
}
