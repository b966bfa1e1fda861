/*
 * scrub.c: a table that is damaged is made anew of what can be read of it; the damaged file is kept in lost/, because
 * somebody may still want to read it (I5, I6).
 */
#include <stdlib.h>

#include "base/log.h"
#include "engine/job_internal.h"
#include "engine/store_internal.h"

enum { COPY_BYTES = 256 << 10 };

/* Copy `bytes` of a file; what cannot be read becomes zeros. */
static status copy_bytes(struct io_file *from, struct io_file *to, uint64_t bytes, uint8_t *chunk)
{
    for (uint64_t offset = 0; offset < bytes; offset += COPY_BYTES) {
        size_t wanted = bytes - offset < COPY_BYTES ? (size_t)(bytes - offset) : COPY_BYTES, got = 0;
        memset(chunk, 0, COPY_BYTES);
        if (failed(io_read(from, offset, chunk, wanted, &got)))
            got = wanted;
        TRY(io_write(to, offset, chunk, got, false));
    }
    return io_sync(to);
}

static status copy_open(struct store *store, const char *name, struct io_file **out_from,
                        struct io_file **out_to)
{
    char from[IO_PATH_BYTES_MAX], to[IO_PATH_BYTES_MAX], lost[IO_PATH_BYTES_MAX];
    TRY(folder_path(store->folder, "table", name, from));
    TRY(folder_path(store->folder, "lost", NULL, lost));
    TRY(folder_path(store->folder, "lost", name, to));
    status st = io_mkdir(store->env, lost);
    if (failed(st) && st.code != STATUS_EXISTS)
        return st;
    TRY(io_open(store->env, from, IO_READ, out_from));
    return io_open(store->env, to, IO_WRITE | IO_CREATE, out_to);
}

status scrub_keep_copy(struct store *store, const struct sstable_info *info)
{
    char name[64], lost[IO_PATH_BYTES_MAX];
    struct io_file *from = NULL, *to = NULL;
    if (!store->folder)
        return STATUS_DONE;
    compaction_table_name(info->file_number, name);
    uint8_t *chunk = io_memory_new(COPY_BYTES);
    status st = chunk ? copy_open(store, name, &from, &to) : STATUS_FAIL(STATUS_NOMEM);
    if (ok(st))
        st = copy_bytes(from, to, info->file_bytes, chunk);
    if (ok(st))
        st = folder_path(store->folder, "lost", NULL, lost);
    if (ok(st))
        st = io_sync_dir(store->env, lost);
    io_close(from);
    io_close(to);
    io_memory_free(chunk);
    return st;
}

static void loss_log(uint64_t file_number, const struct store_loss *loss)
{
    if (loss->rows)
        log_message(LOG_LEVEL_WARNING, "table file %llu: %llu rows of the partition with token %lld are lost",
                    (unsigned long long)file_number, (unsigned long long)loss->rows,
                    (long long)loss->first_token);
    else
        log_message(LOG_LEVEL_WARNING,
                    "table file %llu: %llu partitions with tokens %lld to %lld are lost with the directory "
                    "page that names them",
                    (unsigned long long)file_number, (unsigned long long)loss->partitions,
                    (long long)loss->first_token, (long long)loss->last_token);
}

static void made_anew_log(const struct sstable_info *info, const struct store_file_check *check)
{
    for (uint32_t i = 0; i < check->loss_count; i++)
        loss_log(info->file_number, &check->losses[i]);
    log_message(LOG_LEVEL_WARNING,
                "table file %llu is damaged: %llu of %llu rows were saved, a copy is in lost/",
                (unsigned long long)info->file_number, (unsigned long long)check->rows_read,
                (unsigned long long)info->rows);
}

/* `found` is what verification said. */
static status table_rewrite(struct store *store, struct tablet *tablet, struct sstable *table, status found,
                            struct store_file_check *out_check)
{
    const struct sstable_info *info = sstable_info(table);
    struct job_plan plan = {
        .reason = COMPACTION_SCRUB, .level = info->level, .run = info->run, .salvage = true};
    struct job *job;
    bool claimed, done = false;
    TRY(background_claim(store, tablet, CLAIM_COMPACTION, job_always, NULL, &claimed));
    struct version *version = tablet_version(tablet);
    bool current = version_has_sstable(version, info->file_number);
    version_unref(version);
    if (!current) {
        background_unclaim(store, tablet, CLAIM_COMPACTION);
        return STATUS_FAIL(STATUS_NOT_FOUND);
    }
    TRY(job_open_compaction(store, tablet, &table, 1, &plan, &job));
    status st = STATUS_DONE;
    while (ok(st) && !done)
        st = job_step(job, JOB_STEP_ROWS, &done);
    if (ok(st) && !job->installed) /* truncated or dropped meanwhile */
        st = STATUS_FAIL(STATUS_NOT_FOUND);
    if (ok(st))
        st = check_damage(table, &job->salvaged, found, out_check);
    job_close(job);
    if (failed(st))
        return st;
    out_check->made_anew = true;
    made_anew_log(info, out_check);
    return STATUS_DONE;
}

static status writable(const struct store *store)
{
    return store->read_only || atomic_load(&store->refusing) ? STATUS_FAIL(STATUS_CLOSED) : STATUS_DONE;
}

/* ---- tables ---- */

static void scrub_add(struct store_scrub *scrub, const struct store_file_check *check)
{
    scrub->damaged++;
    scrub->rows_saved += check->rows_read;
    scrub->rows_lost += check->rows_lost;
    scrub->pages_restored += check->pages_restored;
    scrub->pages_lost += check->pages_lost;
    scrub->partitions_lost += check->partitions_lost;
}

static status tablet_scrub(struct store *store, struct tablet *tablet, void *context)
{
    struct store_scrub *scrub = context;
    if (tablet->sealed)
        return STATUS_DONE;
    struct version *version = tablet_version(tablet);
    status st = STATUS_DONE;
    for (uint32_t i = 0; version && ok(st) && i < version->sstable_count; i++) {
        struct store_file_check check;
        st = sstable_verify(version->sstables[i]);
        scrub->tables++;
        if (!check_is_damage(st))
            continue;
        st = table_rewrite(store, tablet, version->sstables[i], st, &check);
        if (ok(st))
            scrub_add(scrub, &check);
        else if (st.code == STATUS_NOT_FOUND)
            st = STATUS_DONE; /* a compaction took it meanwhile */
    }
    version_unref(version);
    return st;
}

status store_scrub(struct store *store, uint64_t table_id, struct store_scrub *out_scrub)
{
    struct store_scrub scrub = {0};
    TRY(writable(store));
    TRY(job_each_tablet(store, table_id, tablet_scrub, &scrub));
    *out_scrub = scrub;
    return STATUS_DONE;
}

/* ---- one file ---- */

struct mending {
    uint64_t file_number;
    struct store_file_check *check;
};

static status tablet_mend(struct store *store, struct tablet *tablet, void *context)
{
    struct mending *mending = context;
    struct sstable *table = NULL;
    if (tablet->sealed)
        return STATUS_DONE;
    struct version *version = tablet_version(tablet);
    for (uint32_t i = 0; version && i < version->sstable_count; i++)
        if (sstable_info(version->sstables[i])->file_number == mending->file_number)
            table = sstable_ref(version->sstables[i]);
    version_unref(version);
    status st =
        table ? table_rewrite(store, tablet, table, mending->check->found, mending->check) : STATUS_DONE;
    sstable_unref(table);
    return st.code == STATUS_NOT_FOUND ? STATUS_DONE : st;
}

status store_scrub_file(struct store *store, uint64_t file_number, struct store_file_check *out_check)
{
    struct store_file_check check;
    struct mending mending = {.file_number = file_number, .check = &check};
    TRY(writable(store));
    TRY(store_check_file(store, file_number, &check));
    if (failed(check.found))
        TRY(job_each_tablet(store, 0, tablet_mend, &mending));
    *out_check = check;
    return STATUS_DONE;
}
