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

static void page_report(const struct sstable_info *info, const struct sstable_page_damage *page,
                        struct store_scrub *scrub)
{
    if (page->restored) {
        scrub->pages_restored++;
        return;
    }
    scrub->pages_lost++;
    scrub->partitions_lost += page->partitions;
    log_message(
        LOG_LEVEL_WARNING,
        "table file %llu: %llu partitions with tokens %lld to %lld are lost with the directory page that "
        "names them",
        (unsigned long long)info->file_number, (unsigned long long)page->partitions,
        (long long)page->first_token, (long long)page->last_token);
}

/* Which pages of the directory are damaged, and whose partitions went with them. */
static status directory_report(struct sstable *table, struct store_scrub *scrub)
{
    uint32_t capacity, count;
    TRY(sstable_directory_damage(table, NULL, 0, &capacity));
    struct sstable_page_damage *pages = calloc((size_t)capacity + 1, sizeof *pages);
    if (!pages)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = sstable_directory_damage(table, pages, capacity, &count);
    for (uint32_t i = 0; ok(st) && i < count && i < capacity; i++)
        page_report(sstable_info(table), &pages[i], scrub);
    free(pages);
    return st;
}

static status table_rewrite(struct store *store, struct tablet *tablet, struct sstable *table,
                            struct store_scrub *scrub)
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
        return STATUS_DONE; /* a compaction took it meanwhile */
    }
    TRY(job_open_compaction(store, tablet, &table, 1, &plan, &job));
    status st = STATUS_DONE;
    while (ok(st) && !done)
        st = job_step(job, JOB_STEP_ROWS, &done);
    if (ok(st))
        st = directory_report(table, scrub);
    if (ok(st)) {
        scrub->damaged++;
        scrub->rows_saved += job->rows_saved;
        scrub->rows_lost += info->rows > job->rows_saved ? info->rows - job->rows_saved : 0;
        log_message(LOG_LEVEL_WARNING,
                    "table file %llu is damaged: %llu of %llu rows were saved, a copy is in lost/",
                    (unsigned long long)info->file_number, (unsigned long long)job->rows_saved,
                    (unsigned long long)info->rows);
    }
    job_close(job);
    return st;
}

static status tablet_scrub(struct store *store, struct tablet *tablet, void *context)
{
    struct store_scrub *scrub = context;
    if (tablet->sealed)
        return STATUS_DONE;
    struct version *version = tablet_version(tablet);
    status st = STATUS_DONE;
    for (uint32_t i = 0; version && ok(st) && i < version->sstable_count; i++) {
        st = sstable_verify(version->sstables[i]);
        scrub->tables++;
        if (st.code == STATUS_CORRUPT || st.code == STATUS_IO)
            st = table_rewrite(store, tablet, version->sstables[i], scrub);
    }
    version_unref(version);
    return st;
}

status store_scrub(struct store *store, uint64_t table_id, struct store_scrub *out_scrub)
{
    struct store_scrub scrub = {0};
    if (store->read_only || atomic_load(&store->refusing))
        return STATUS_FAIL(STATUS_CLOSED);
    TRY(job_each_tablet(store, table_id, tablet_scrub, &scrub));
    *out_scrub = scrub;
    return STATUS_DONE;
}
