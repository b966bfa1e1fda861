#include "engine/store_internal.h"

#include <stdlib.h>

#include "base/stripe.h"
#include "engine/closed_cursor_internal.h"
#include "engine/scan_cursor_internal.h"
#include "engine/sequence_cursor_internal.h"

enum {
    /* Sources that fit on the stack; a table with more is rare. */
    SOURCES_INLINE = 32
};

/* A read of one partition while its sources are gathered. */
struct gathering {
    struct store *store;
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
    uint32_t stripe = thread_stripe(READ_STRIPES);
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

/* What all memtables will be asked first, at once instead of one after the other. */
static void memtables_ask(const struct gathering *sources)
{
    const struct version *version = sources->pin->version;
    uint32_t retained = sources->read->no_retained ? 0 : version->retained_count;
    for (unsigned level = 0; level < MEMTABLE_ASK_LEVELS && version->memtable_count + retained > 1; level++) {
        for (uint32_t i = 0; i < version->memtable_count; i++)
            memtable_ask(version->memtables[i], sources->key, level);
        for (uint32_t i = 0; i < retained; i++)
            memtable_ask(version->retained[i], sources->key, level);
    }
}

static status memtables_gather(struct gathering *sources)
{
    const struct version *version = sources->pin->version;
    memtables_ask(sources);
    for (uint32_t i = 0; i < version->memtable_count; i++)
        TRY(memtable_gather(sources, version->memtables[i], &sources->counted.memtables));
    if (sources->read->no_retained)
        return STATUS_DONE;
    for (uint32_t i = 0; i < version->retained_count; i++)
        TRY(memtable_gather(sources, version->retained[i], &sources->counted.retained));
    sources->counted.memtables += sources->counted.retained;
    return STATUS_DONE;
}

/* Whether the file may have something of the slice, as far as can be said without opening it. */
static bool sstable_chosen(struct gathering *sources, struct sstable *table)
{
    const struct sstable_info *info = sstable_info(table);
    if (!sources->read->no_filter && !sstable_may_contain(table, sources->key)) {
        sources->counted.sstables_filtered++;
        return false;
    }
    if (!info->rows_only)
        return true;
    struct sstable_bounds bounds = sstable_info_bounds(info);
    bool outside = is_outside(sources->read, slice_of(bounds.first, bounds.first_bytes),
                              slice_of(bounds.last, bounds.last_bytes));
    sources->counted.sources_skipped += outside;
    return !outside;
}

/* Those that may not wait: all of them, or those that hold more than rows. */
static status sstables_gather(struct gathering *sources, bool all)
{
    const struct version *version = sources->pin->version;
    for (uint32_t i = 0; i < version->sstable_count; i++) {
        struct sstable *table = version->sstables[i];
        struct cursor *child;
        if ((version->stood_in[i] && !sources->read->no_retained) ||
            (!all && sstable_info(table)->rows_only) || !sstable_chosen(sources, table))
            continue;
        status st = sstable_cursor_open_held(table, sources->key, sources->read->reverse,
                                             sources->read->no_together, &child);
        if (st.code == STATUS_NOT_FOUND)
            continue;
        TRY(st);
        if (store_read_begins_within(sources->read))
            sstable_cursor_touch_index(child);
        if (sources->read->no_unfold)
            sstable_cursor_decode_whole(child);
        if (sources->read->no_runs)
            sstable_cursor_row_by_row(child);
        TRY(child_add(sources, child, &sources->counted.sstables));
    }
    return STATUS_DONE;
}

static struct merge_options merge_options_of(const struct gathering *sources)
{
    const struct store_read *read = sources->read;
    struct merge_options options = {
        .rules = &sources->store->rules,
        .reverse = read->reverse,
        .no_lazy = read->no_lazy,
        .no_gallop = read->no_gallop,
        .runs = !read->no_runs,
        .counters = sources->counters ? &sources->counters->merge : NULL,
        .room = sources->pin->version->closed_count,
    };
    if (!read->no_skip) {
        options.from = read->from;
        options.to = read->to;
    }
    return options;
}

/* The others, closed. A file that is the only source is opened at once: there is nothing that could make it
 * unnecessary, and alone it needs no merge; several may never come to need one. */
static status closed_gather(struct gathering *sources)
{
    const struct store_read *read = sources->read;
    struct cursor *closed, *child = NULL;
    bool alone = !sources->count;
    status st = STATUS_DONE;
    TRY(closed_cursor_open(sources->pin, read, sources->key, sources->counters, &closed));
    closed_cursor_read_together(closed, &sources->store->read_queues, sources->store->env);
    if (alone && closed_cursor_is_one(closed)) {
        st = closed->ops->enter(closed, &child);
    } else if (alone && closed->on_partition && !read->no_sequence && !read->no_gallop) {
        struct merge_options options = merge_options_of(sources);
        st = sequence_cursor_open(closed, &options, &child);
        if (ok(st))
            closed = NULL;
    }
    if (child)
        sources->children[sources->count++] = child;
    if (ok(st) && closed && closed->on_partition)
        sources->children[sources->count++] = closed;
    else
        cursor_close(closed);
    return st;
}

static bool is_plain(const struct partition_view *partition)
{
    return partition->deletion.timestamp == TIMESTAMP_NONE && partition->ranges.count == 0;
}

/* The children as one cursor, which takes them over on STATUS_OK. Rows of a single source without range or partition
 * deletions are reconciled already: nothing stands between them and the reader. */
static status children_join(struct gathering *sources, struct cursor **out_cursor)
{
    const struct store_read *read = sources->read;
    struct merge_options options = merge_options_of(sources);
    *out_cursor = NULL;
    if (!sources->count)
        return STATUS_DONE;
    if (sources->count == 1 && !read->no_lazy && !sources->children[0]->ops->enter &&
        is_plain(&sources->children[0]->partition)) {
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
    sources->counters->retained += counted->retained;
}

static status sources_open(struct gathering *sources, struct cursor **out_cursor)
{
    const struct version *version = sources->pin->version;
    status st = memtables_gather(sources);
    /* The one file of a compacted table waits for nobody unless a memtable may answer first. */
    bool all = sources->read->no_closed || sources->read->no_lazy || !version->closed_count ||
               (version->closed_count == 1 && !sources->count);
    if (ok(st))
        st = sstables_gather(sources, all);
    if (ok(st) && !all)
        st = closed_gather(sources);
    if (ok(st))
        st = children_join(sources, out_cursor);
    if (ok(st))
        counters_add(sources);
    for (uint32_t i = 0; failed(st) && i < sources->count; i++)
        cursor_close(sources->children[i]);
    return st;
}

status store_cursor_open_one(struct store *store, const struct store_read *read, struct partition_key key,
                             struct store_read_counters *counters, struct cursor **out_cursor)
{
    struct cursor *few[SOURCES_INLINE], **room = few;
    struct shard *shard = &store->shards[shard_of_token(key.token, store->shard_count)];
    struct gathering sources = {.store = store, .read = read, .key = key, .counters = counters};
    TRY(version_take(shard, read->table_id, &sources.pin));
    if (!sources.pin) {
        *out_cursor = NULL;
        return STATUS_DONE;
    }
    const struct version *version = sources.pin->version;
    uint32_t count = version->memtable_count + version->retained_count + version->sstable_count + 1;
    if (count > SOURCES_INLINE)
        room = malloc(count * sizeof *room);
    status st = STATUS_FAIL(STATUS_NOMEM);
    if (room) {
        sources.children = room;
        st = sources_open(&sources, out_cursor);
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
