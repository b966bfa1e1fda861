/* manifest_files.c: the files that tables name, by number, each with the count of its tables. */
#include <stdlib.h>

#include "base/hash.h"
#include "engine/manifest_parts_internal.h"

enum { FIRST_SLOTS = 64 };

static uint32_t slot_of(const struct manifest_files *files, uint64_t file_number)
{
    uint32_t mask = files->slot_count - 1;
    uint32_t at = (uint32_t)file_number & mask; /* numbers are consecutive: their low bits spread them */
    while (files->slots[at] && files->slots[at]->info.file_number != file_number)
        at = (at + 1) & mask;
    return at;
}

struct manifest_file *manifest_files_find(const struct manifest_files *files, uint64_t file_number)
{
    return files->slot_count ? files->slots[slot_of(files, file_number)] : NULL;
}

static status grow(struct manifest_files *files)
{
    struct manifest_files grown = {.slot_count = files->slot_count ? files->slot_count * 2 : FIRST_SLOTS,
                                   .count = files->count};
    grown.slots = calloc(grown.slot_count, sizeof *grown.slots);
    if (!grown.slots)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < files->slot_count; i++)
        if (files->slots[i])
            grown.slots[slot_of(&grown, files->slots[i]->info.file_number)] = files->slots[i];
    free(files->slots);
    *files = grown;
    return STATUS_DONE;
}

status manifest_files_add(struct manifest_files *files, uint32_t shard, const struct sstable_info *info,
                          struct manifest_file **out_file)
{
    if (files->count * 2 >= files->slot_count)
        TRY(grow(files));
    struct manifest_file *file = malloc(sizeof *file);
    if (!file)
        return STATUS_FAIL(STATUS_NOMEM);
    *file = (struct manifest_file){.shard = shard, .info = *info};
    files->slots[slot_of(files, info->file_number)] = file;
    files->count++;
    *out_file = file;
    return STATUS_DONE;
}

static void file_free(struct manifest_file *file)
{
    if (file)
        sstable_unref(file->opened);
    free(file);
}

void manifest_files_let_go(struct manifest_files *files, struct manifest_file *file)
{
    if (--file->tables)
        return;
    uint32_t mask = files->slot_count - 1, at = slot_of(files, file->info.file_number);
    files->slots[at] = NULL;
    files->count--;
    file_free(file);
    /* Close the hole, so that probes which ran over it still find what comes after. */
    for (uint32_t i = (at + 1) & mask; files->slots[i]; i = (i + 1) & mask) {
        struct manifest_file *moved = files->slots[i];
        files->slots[i] = NULL;
        files->slots[slot_of(files, moved->info.file_number)] = moved;
    }
}

void manifest_files_close(struct manifest_files *files)
{
    for (uint32_t i = 0; i < files->slot_count; i++) {
        if (!files->slots[i])
            continue;
        sstable_unref(files->slots[i]->opened);
        files->slots[i]->opened = NULL;
    }
}

void manifest_files_deinit(struct manifest_files *files)
{
    for (uint32_t i = 0; i < files->slot_count; i++)
        file_free(files->slots[i]);
    free(files->slots);
    *files = (struct manifest_files){0};
}
