#include "engine/store_internal.h"

#include <stdlib.h>

#include "engine/scan_cursor_internal.h"
#include "engine/standin_cursor_internal.h"

enum {
    /* Sources that fit on the stack; a table with more is rare. */
    SOURCES_INLINE = 32
};

/* A read of one partition while its sources are gathered. */
struct gathering {
    const struct store_read *read;
    struct partition_key key;
    struct version_stripe *pin;
    struct store_read_counters *counters; /* may be NULL */
    struct store_read_counters counted;
    struct cursor **children; /* room for all sources; each stands on the partition */
    uint32_t count;
};

/* A reference on the version to read; NULL when the table is empty. STATUS_NOT_FOUND when it is not there. */
static status version_take(struct shard *shard, uint64_t table_id, struct version_stripe **out_pin)
{
    uint32_t stripe = read_stripe();
    lock_acquire(&shard->read_locks[stripe].lock);
    struct tablet *tablet = shard_find(shard, table_id);
    if (tablet) {
        *out_pin = version_pin(tablet->version, stripe);
        read_tally_add(tablet->tally, stripe, 1, 0);
    }
    lock_release(&shard->read_locks[stripe].lock);
    return tablet ? STATUS_DONE : STATUS_FAIL(STATUS_NOT_FOUND);
}

static void unpin(void *pin)
{
    version_unpin(pin);
}

/* Whether nothing between these bounds is in the slice. */
static bool is_outside(const struct store_read *read, struct slice first, struct slice last)
{
    if (read->no_skip)
        return false;
    return (read->to.bytes && slice_compare(first, read->to) >= 0) || slice_compare(last, read->from) < 0;
}

/* What deletes or shows although no row of it is in the slice. */
static bool reaches_beyond_rows(const struct partition_view *view)
{
    return view->deletion.timestamp != TIMESTAMP_NONE || view->static_image.bytes;
}

/* Take over a cursor that sees but one partition and bring it there; leave it out when it has nothing of the slice. */
static status child_add(struct gathering *sources, struct cursor *child, uint64_t *counter)
{
    status st = cursor_next_partition(child);
    if (failed(st)) {
        cursor_close(child);
        return st;
    }
    const struct partition_view *view = &child->partition;
    if (is_outside(sources->read, view->first, view->last) && !reaches_beyond_rows(view)) {
        sources->counted.sources_skipped++;
        cursor_close(child);
        return STATUS_DONE;
    }
    sources->children[sources->count++] = child;
    (*counter)++;
    return STATUS_DONE;
}

static status memtable_gather(struct gathering *sources, struct memtable *memtable, uint64_t *counter)
{
    struct cursor *child;
    status st = memtable_cursor_open_one(memtable, sources->key, sources->read->reverse, &child);
    if (st.code == STATUS_NOT_FOUND)
        return STATUS_DONE;
    TRY(st);
    return child_add(sources, child, counter);
}

static status memtables_gather(struct gathering *sources)
{
    const struct version *version = sources->pin->version;
    for (uint32_t i = 0; i < version->memtable_count; i++)
        TRY(memtable_gather(sources, version->memtables[i], &sources->counted.memtables));
    if (sources->read->no_retained)
        return STATUS_DONE;
    for (uint32_t i = 0; i < version->retained_count; i++)
        TRY(memtable_gather(sources, version->retained[i], &sources->counted.retained));
    sources->counted.memtables += sources->counted.retained;
    return STATUS_DONE;
}

/* The SSTables that may have something of the slice, as far as can be said without opening them. */
static uint32_t sstables_choose(struct gathering *sources, struct sstable **out_chosen)
{
    const struct version *version = sources->pin->version;
    uint32_t count = 0;
    for (uint32_t i = 0; i < version->sstable_count; i++) {
        struct sstable *table = version->sstables[i];
        const struct sstable_info *info = sstable_info(table);
        if (version->stood_in[i] && !sources->read->no_retained)
            continue;
        if (!sources->read->no_filter && !sstable_may_contain(table, sources->key)) {
            sources->counted.sstables_filtered++;
            continue;
        }
        if (info->rows_only) {
            struct sstable_bounds bounds = sstable_info_bounds(info);
            if (is_outside(sources->read, slice_of(bounds.first, bounds.first_bytes),
                           slice_of(bounds.last, bounds.last_bytes))) {
                sources->counted.sources_skipped++;
                continue;
            }
        }
        out_chosen[count++] = table;
    }
    return count;
}

/* A source that would be alone is opened at once: there is nothing that could make it unnecessary. */
static status sstables_gather(struct gathering *sources, struct sstable *const *chosen, uint32_t count)
{
    const struct store_read *read = sources->read;
    bool may_wait = !read->no_standin && !read->no_lazy && sources->count + count > 1;
    for (uint32_t i = 0; i < count; i++) {
        struct cursor *child;
        if (may_wait && sstable_info(chosen[i])->rows_only) {
            TRY(standin_cursor_open(sources->pin, chosen[i], sources->key, read->reverse, sources->counters,
                                    &child));
            TRY(child_add(sources, child, &sources->counted.standins));
            continue;
        }
        status st = sstable_cursor_open_one(chosen[i], sources->key, read->reverse, &child);
        if (st.code == STATUS_NOT_FOUND)
            continue;
        TRY(st);
        TRY(child_add(sources, child, &sources->counted.sstables));
    }
    return STATUS_DONE;
}

/* A stand-in that is the only source has nobody to wait for. */
static status standin_resolve(struct gathering *sources)
{
    struct cursor *standin = sources->children[0], *child;
    if (sources->count != 1 || !standin->ops->enter)
        return STATUS_DONE;
    TRY(standin->ops->enter(standin, &child));
    cursor_close(standin);
    sources->children[0] = child;
    return STATUS_DONE;
}

static bool is_plain(const struct partition_view *partition)
{
    return partition->deletion.timestamp == TIMESTAMP_NONE && partition->ranges.count == 0;
}

/* The children as one cursor, which takes them over on STATUS_OK. Rows of a single source without range or partition
 * deletions are reconciled already: nothing stands between them and the reader. */
static status children_join(struct store *store, struct gathering *sources, struct cursor **out_cursor)
{
    const struct store_read *read = sources->read;
    struct merge_options options = {
        .rules = &store->rules,
        .reverse = read->reverse,
        .no_lazy = read->no_lazy,
        .no_gallop = read->no_gallop,
        .counters = sources->counters ? &sources->counters->merge : NULL,
    };
    if (!read->no_skip) {
        options.from = read->from;
        options.to = read->to;
    }
    *out_cursor = NULL;
    if (!sources->count)
        return STATUS_DONE;
    if (sources->count == 1 && !read->no_lazy && is_plain(&sources->children[0]->partition)) {
        *out_cursor = sources->children[0];
        return STATUS_DONE;
    }
    struct cursor *merge;
    TRY(merge_cursor_open(sources->children, sources->count, &options, &merge));
    sources->count = 0;
    status st = cursor_next_partition(merge);
    if (failed(st))
        cursor_close(merge);
    else
        *out_cursor = merge;
    return st;
}

static void counters_add(struct gathering *sources)
{
    const struct store_read_counters *counted = &sources->counted;
    version_count_sources(sources->pin, (uint32_t)(counted->memtables + counted->sstables));
    if (!sources->counters)
        return;
    sources->counters->memtables += counted->memtables;
    sources->counters->sstables += counted->sstables;
    sources->counters->sstables_filtered += counted->sstables_filtered;
    sources->counters->sources_skipped += counted->sources_skipped;
    sources->counters->standins += counted->standins;
    sources->counters->retained += counted->retained;
}

static status sources_open(struct store *store, struct gathering *sources, struct sstable **chosen,
                           struct cursor **out_cursor)
{
    status st = memtables_gather(sources);
    if (ok(st))
        st = sstables_gather(sources, chosen, sstables_choose(sources, chosen));
    if (ok(st))
        st = standin_resolve(sources);
    if (ok(st))
        st = children_join(store, sources, out_cursor);
    if (ok(st))
        counters_add(sources);
    for (uint32_t i = 0; failed(st) && i < sources->count; i++)
        cursor_close(sources->children[i]);
    return st;
}

status store_cursor_open_one(struct store *store, const struct store_read *read, struct partition_key key,
                             struct store_read_counters *counters, struct cursor **out_cursor)
{
    void *few[2 * SOURCES_INLINE], **room = few;
    struct shard *shard = &store->shards[shard_of_token(key.token, store->shard_count)];
    struct gathering sources = {.read = read, .key = key, .counters = counters};
    TRY(version_take(shard, read->table_id, &sources.pin));
    if (!sources.pin) {
        *out_cursor = NULL;
        return STATUS_DONE;
    }
    const struct version *version = sources.pin->version;
    uint32_t count = version->memtable_count + version->retained_count + version->sstable_count;
    if (count > SOURCES_INLINE)
        room = malloc(2 * count * sizeof(void *));
    status st = STATUS_FAIL(STATUS_NOMEM);
    if (room) {
        sources.children = (struct cursor **)room;
        st = sources_open(store, &sources, (struct sstable **)(room + count), out_cursor);
    }
    if (room != few)
        free(room);
    if (ok(st) && *out_cursor) {
        (*out_cursor)->unpin = unpin;
        (*out_cursor)->pin = sources.pin;
    } else {
        version_unpin(sources.pin);
    }
    return st;
}

status store_cursor_open(struct store *store, const struct store_read *read,
                         struct store_read_counters *counters, struct cursor **out_cursor)
{
    struct version_stripe *pins[SHARDS_MAX] = {0};
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && i < store->shard_count; i++)
        st = version_take(&store->shards[i], read->table_id, &pins[i]);
    if (ok(st))
        st = scan_cursor_open(store, read, pins, counters, out_cursor);
    for (uint32_t i = 0; failed(st) && i < store->shard_count; i++)
        version_unpin(pins[i]);
    return st;
}
