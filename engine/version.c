#include "engine/version_internal.h"

#include <stdlib.h>

status version_new(struct memtable *const *memtables, uint32_t memtable_count,
                   struct sstable *const *sstables, uint32_t sstable_count, struct version **out_version)
{
    if (memtable_count + sstable_count == 0) {
        *out_version = NULL;
        return STATUS_DONE;
    }
    size_t pointers = (size_t)memtable_count + sstable_count;
    struct version *version = malloc(sizeof *version + pointers * sizeof(void *));
    if (!version)
        return STATUS_FAIL(STATUS_NOMEM);
    atomic_init(&version->refs, 1);
    version->memtable_count = memtable_count;
    version->sstable_count = sstable_count;
    version->memtables = (struct memtable **)(version + 1);
    version->sstables = (struct sstable **)(version->memtables + memtable_count);
    for (uint32_t i = 0; i < memtable_count; i++)
        version->memtables[i] = memtable_ref(memtables[i]);
    for (uint32_t i = 0; i < sstable_count; i++)
        version->sstables[i] = sstable_ref(sstables[i]);
    *out_version = version;
    return STATUS_DONE;
}

struct version *version_ref(struct version *version)
{
    if (version)
        atomic_fetch_add_explicit(&version->refs, 1, memory_order_relaxed);
    return version;
}

void version_unref(struct version *version)
{
    /* The release half orders our reads before the free; the acquire half pairs with the others' releases. */
    if (!version || atomic_fetch_sub_explicit(&version->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < version->memtable_count; i++)
        memtable_unref(version->memtables[i]);
    for (uint32_t i = 0; i < version->sstable_count; i++)
        sstable_unref(version->sstables[i]);
    free(version);
}

bool version_has_sstable(const struct version *version, uint64_t file_number)
{
    for (uint32_t i = 0; version && i < version->sstable_count; i++)
        if (sstable_info(version->sstables[i])->file_number == file_number)
            return true;
    return false;
}

static bool in_set(const struct sstable *table, struct sstable *const *set, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (set[i] == table)
            return true;
    return false;
}

int64_t version_min_timestamp(const struct version *version, int64_t min_token, int64_t max_token,
                              struct sstable *const *skip, uint32_t skip_count)
{
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; version && i < version->memtable_count; i++) {
        struct memtable_stats stats;
        memtable_stats(version->memtables[i], &stats);
        if (stats.writes && stats.min_timestamp < least)
            least = stats.min_timestamp;
    }
    for (uint32_t i = 0; version && i < version->sstable_count; i++) {
        const struct sstable_info *info = sstable_info(version->sstables[i]);
        bool apart = info->max_token < min_token || info->min_token > max_token;
        if (!apart && info->min_timestamp < least && !in_set(version->sstables[i], skip, skip_count))
            least = info->min_timestamp;
    }
    return least;
}
