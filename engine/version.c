#include "engine/version_internal.h"

#include <stdlib.h>

status read_tally_new(struct read_tally **out_tally)
{
    struct read_tally *tally = aligned_alloc(CACHE_LINE_BYTES, sizeof *tally);
    if (!tally)
        return STATUS_FAIL(STATUS_NOMEM);
    memset(tally, 0, sizeof *tally);
    atomic_init(&tally->refs, 1);
    *out_tally = tally;
    return STATUS_DONE;
}

void read_tally_unref(struct read_tally *tally)
{
    /* The release of every holder pairs with the acquire of the one that frees. */
    if (tally && atomic_fetch_sub_explicit(&tally->refs, 1, memory_order_acq_rel) == 1)
        free(tally);
}

/* Behind the struct: the arrays of pointers, the closed tables, the marks. */
static struct version *version_alloc(const struct version_sources *sources)
{
    size_t pointers = (size_t)sources->memtable_count + sources->retained_count + sources->sstable_count;
    size_t bytes = sizeof(struct version) + pointers * sizeof(void *) +
                   2 * sources->sstable_count * sizeof(struct closed_table) + sources->sstable_count;
    bytes = (bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
    struct version *version = aligned_alloc(CACHE_LINE_BYTES, bytes);
    if (!version)
        return NULL;
    memset(version, 0, bytes);
    version->memtable_count = sources->memtable_count;
    version->retained_count = sources->retained_count;
    version->sstable_count = sources->sstable_count;
    version->memtables = (struct memtable **)(version + 1);
    version->retained = version->memtables + version->memtable_count;
    version->sstables = (struct sstable **)(version->retained + version->retained_count);
    version->closed_by_first = (struct closed_table *)(version->sstables + version->sstable_count);
    version->closed_by_last = version->closed_by_first + version->sstable_count;
    version->stood_in = (bool *)(version->closed_by_last + version->sstable_count);
    return version;
}

static int by_first(const void *a, const void *b)
{
    return slice_compare(closed_first(a), closed_first(b));
}

static int by_last_falling(const void *a, const void *b)
{
    return slice_compare(closed_last(b), closed_last(a));
}

static void closed_sort(struct version *version)
{
    for (uint32_t i = 0; i < version->sstable_count; i++) {
        const struct sstable_info *info = sstable_info(version->sstables[i]);
        if (info->rows_only)
            version->closed_by_first[version->closed_count++] =
                (struct closed_table){version->sstables[i], version->stood_in[i], sstable_info_bounds(info)};
    }
    size_t bytes = version->closed_count * sizeof(struct closed_table);
    memcpy(version->closed_by_last, version->closed_by_first, bytes);
    qsort(version->closed_by_first, version->closed_count, sizeof(struct closed_table), by_first);
    qsort(version->closed_by_last, version->closed_count, sizeof(struct closed_table), by_last_falling);
}

status version_new(struct read_tally *tally, const struct version_sources *sources,
                   struct version **out_version)
{
    if (sources->memtable_count + sources->sstable_count == 0) {
        *out_version = NULL;
        return STATUS_DONE;
    }
    struct version *version = version_alloc(sources);
    if (!version)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < READ_STRIPES; i++) {
        atomic_init(&version->stripes[i].refs, 1);
        version->stripes[i].version = version;
    }
    atomic_init(&version->stripes_held, READ_STRIPES);
    atomic_fetch_add_explicit(&tally->refs, 1, memory_order_relaxed);
    version->tally = tally;
    for (uint32_t i = 0; i < version->memtable_count; i++)
        version->memtables[i] = memtable_ref(sources->memtables[i]);
    for (uint32_t i = 0; i < version->retained_count; i++)
        version->retained[i] = memtable_ref(sources->retained[i]);
    for (uint32_t i = 0; i < version->sstable_count; i++)
        version->sstables[i] = sstable_ref(sources->sstables[i]);
    for (uint32_t i = 0; i < version->sstable_count; i++)
        version->stood_in[i] = retained_has(sources->retained_set, version->sstables[i]);
    closed_sort(version);
    *out_version = version;
    return STATUS_DONE;
}

static void version_free(struct version *version)
{
    for (uint32_t i = 0; i < version->memtable_count; i++)
        memtable_unref(version->memtables[i]);
    for (uint32_t i = 0; i < version->retained_count; i++)
        memtable_unref(version->retained[i]);
    for (uint32_t i = 0; i < version->sstable_count; i++)
        sstable_unref(version->sstables[i]);
    read_tally_unref(version->tally);
    free(version);
}

struct version_stripe *version_pin(struct version *version, uint32_t stripe)
{
    if (!version)
        return NULL;
    atomic_fetch_add_explicit(&version->stripes[stripe].refs, 1, memory_order_relaxed);
    return &version->stripes[stripe];
}

void version_unpin(struct version_stripe *pin)
{
    /* The release half orders our reads before the free; the acquire half pairs with the others' releases. */
    if (!pin || atomic_fetch_sub_explicit(&pin->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct version *version = pin->version;
    if (atomic_fetch_sub_explicit(&version->stripes_held, 1, memory_order_acq_rel) == 1)
        version_free(version);
}

struct version *version_ref(struct version *version)
{
    (void)version_pin(version, 0);
    return version;
}

void version_unref(struct version *version)
{
    if (version)
        version_unpin(&version->stripes[0]);
}

void version_retire(struct version *version)
{
    /* Whoever takes the last stripe down frees, so the version is not looked at again behind ours. */
    struct version_stripe *stripes = version ? version->stripes : NULL;
    for (uint32_t i = 0; stripes && i < READ_STRIPES; i++)
        version_unpin(&stripes[i]);
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
