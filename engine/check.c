/*
 * check.c: every block of the files of a store is read and checked, file by file; of a damaged one is told what can be read and
 * where something is lost. Nothing is changed: that is scrub.c.
 */
#include <stdlib.h>

#include "engine/job_internal.h"
#include "engine/store_internal.h"

bool check_is_damage(status st)
{
    return st.code == STATUS_CORRUPT || st.code == STATUS_IO;
}

/* ---- which files there are ---- */

struct store_file check_file_of(const struct sstable_info *info, uint64_t table_id, uint32_t shard,
                                bool sealed, status opened)
{
    return (struct store_file){.number = info->file_number,
                               .bytes = info->file_bytes,
                               .partitions = info->partitions,
                               .rows = info->rows,
                               .table_id = table_id,
                               .shard = shard,
                               .in_table = !sealed,
                               .in_snapshot = sealed,
                               .opened = opened};
}

struct listing {
    uint64_t above;
    struct store_file file; /* the least so far; number 0: none */
};

/* A file may be that of several tables. A table comes before a snapshot's copy, whatever their numbers. */
static void listing_take(struct listing *listing, const struct store_file *found)
{
    struct store_file *file = &listing->file;
    if (found->number <= listing->above || (file->number && found->number > file->number))
        return;
    if (found->number != file->number) {
        *file = *found;
        return;
    }
    if (found->in_table != file->in_table ? found->in_table : found->table_id < file->table_id)
        file->table_id = found->table_id;
    file->in_table |= found->in_table;
    file->in_snapshot |= found->in_snapshot;
}

static status tablet_list(struct store *store, struct tablet *tablet, void *context)
{
    struct version *version = tablet_version(tablet);
    (void)store;
    for (uint32_t i = 0; version && i < version->sstable_count; i++) {
        struct store_file found = check_file_of(sstable_info(version->sstables[i]), tablet->table_id,
                                                tablet->shard->index, tablet->sealed, STATUS_DONE);
        listing_take(context, &found);
    }
    version_unref(version);
    return STATUS_DONE;
}

status store_next_file(struct store *store, uint64_t above, struct store_file *out_file)
{
    struct listing listing = {.above = above};
    TRY(job_each_tablet(store, 0, tablet_list, &listing));
    for (uint32_t i = 0; i < store->set_aside_count; i++)
        listing_take(&listing, &store->set_aside[i]);
    if (!listing.file.number)
        return STATUS_FAIL(STATUS_NOT_FOUND);
    *out_file = listing.file;
    return STATUS_DONE;
}

/* ---- what is damaged ---- */

static void loss_add(struct store_file_check *check, struct store_loss loss)
{
    if (check->loss_count < STORE_LOSSES_MAX)
        check->losses[check->loss_count++] = loss;
}

static void page_add(const struct sstable_page_damage *page, struct store_file_check *check)
{
    if (page->restored) {
        check->pages_restored++;
        return;
    }
    check->pages_lost++;
    check->partitions_lost += page->partitions;
    loss_add(check, (struct store_loss){.first_token = page->first_token,
                                        .last_token = page->last_token,
                                        .partitions = page->partitions});
}

/* Which pages of the directory are damaged, and whose partitions went with them. */
static status pages_check(struct sstable *table, struct store_file_check *check)
{
    uint32_t capacity, count;
    TRY(sstable_directory_damage(table, NULL, 0, &capacity));
    struct sstable_page_damage *pages = calloc((size_t)capacity + 1, sizeof *pages);
    if (!pages)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = sstable_directory_damage(table, pages, capacity, &count);
    for (uint32_t i = 0; ok(st) && i < count && i < capacity; i++)
        page_add(&pages[i], check);
    free(pages);
    return st;
}

status check_damage(struct sstable *table, const struct salvage_report *salvaged, status found,
                    struct store_file_check *out_check)
{
    uint64_t rows = sstable_info(table)->rows;
    struct store_file_check check = {
        .found = found,
        .rows_read = salvaged->rows_read,
        .rows_lost = rows > salvaged->rows_read ? rows - salvaged->rows_read : 0,
        .partitions_hurt = salvaged->partitions_hurt,
    };
    TRY(pages_check(table, &check));
    for (uint64_t i = 0; i < salvaged->partitions_hurt && i < SALVAGE_LOSSES_MAX; i++) {
        const struct salvage_loss *loss = &salvaged->losses[i];
        loss_add(&check, (struct store_loss){.first_token = loss->token,
                                             .last_token = loss->token,
                                             .partitions = 1,
                                             .rows = loss->rows});
    }
    *out_check = check;
    return STATUS_DONE;
}

/* ---- one file ---- */

struct search {
    uint64_t file_number;
    struct sstable *table; /* counted; NULL: not found yet */
};

static status tablet_search(struct store *store, struct tablet *tablet, void *context)
{
    struct search *search = context;
    struct version *version = tablet_version(tablet);
    (void)store;
    for (uint32_t i = 0; version && !search->table && i < version->sstable_count; i++)
        if (sstable_info(version->sstables[i])->file_number == search->file_number)
            search->table = sstable_ref(version->sstables[i]);
    version_unref(version);
    return STATUS_DONE;
}

status store_check_file(struct store *store, uint64_t file_number, struct store_file_check *out_check)
{
    struct search search = {.file_number = file_number};
    struct salvage_report salvaged;
    status st = job_each_tablet(store, 0, tablet_search, &search);
    if (ok(st) && !search.table)
        st = STATUS_FAIL(STATUS_NOT_FOUND);
    if (failed(st)) {
        sstable_unref(search.table);
        return st;
    }
    status found = sstable_verify(search.table);
    st = found;
    if (ok(found))
        *out_check = (struct store_file_check){.rows_read = sstable_info(search.table)->rows};
    if (check_is_damage(found))
        st = salvage_survey(search.table, &salvaged);
    if (check_is_damage(found) && ok(st))
        st = check_damage(search.table, &salvaged, found, out_check);
    sstable_unref(search.table);
    return st;
}
