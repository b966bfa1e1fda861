#include "engine/store_internal.h"

#include <stdlib.h>

#include "engine/scan_cursor_internal.h"

enum {
    /* Sources that fit on the stack; a table with more is rare. */
    CHILDREN_INLINE = 32
};

static void count_sources(struct store_read_counters *counters, uint64_t memtables, uint64_t sstables,
                          uint64_t filtered)
{
    if (!counters)
        return;
    counters->memtables += memtables;
    counters->sstables += sstables;
    counters->sstables_filtered += filtered;
}

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

/* Cursors on the sources of `version` that have the partition, into `children`, which has room for all. */
static status children_open(const struct version *version, const struct store_read *read,
                            struct partition_key key, struct store_read_counters *counters,
                            struct cursor **children, uint32_t *out_count)
{
    uint32_t count = 0, memtables = 0, filtered = 0;
    status st = STATUS_DONE;
    for (uint32_t i = 0; i < version->memtable_count; i++) {
        st = memtable_cursor_open_one(version->memtables[i], key, read->reverse, &children[count]);
        if (st.code == STATUS_NOT_FOUND)
            continue;
        if (failed(st))
            goto out;
        count++;
        memtables++;
    }
    for (uint32_t i = 0; i < version->sstable_count; i++) {
        if (!read->no_filter && !sstable_may_contain(version->sstables[i], key)) {
            filtered++;
            continue;
        }
        st = sstable_cursor_open_one(version->sstables[i], key, read->reverse, &children[count]);
        if (st.code == STATUS_NOT_FOUND)
            continue;
        if (failed(st))
            goto out;
        count++;
    }
    count_sources(counters, memtables, count - memtables, filtered);
    *out_count = count;
    return STATUS_DONE;
out:
    for (uint32_t i = 0; i < count; i++)
        cursor_close(children[i]);
    return st;
}

static bool is_plain(const struct partition_view *partition)
{
    return partition->deletion.timestamp == TIMESTAMP_NONE && partition->ranges.count == 0;
}

/* A single source without range or partition deletions needs no merge: its rows are reconciled already. Takes over
 * the child; *out_cursor is NULL when the child must be merged after all, and the child is closed then. */
static status stand_alone(struct cursor *child, struct cursor **out_cursor)
{
    status st = cursor_next_partition(child);
    if (ok(st) && child->on_partition && is_plain(&child->partition)) {
        *out_cursor = child;
        return STATUS_DONE;
    }
    cursor_close(child);
    *out_cursor = NULL;
    return st;
}

/* Merge the children, which are taken over in every case, and stand on the partition. */
static status children_merge(struct store *store, const struct store_read *read, struct cursor **children,
                             uint32_t count, struct store_read_counters *counters, struct cursor **out_cursor)
{
    struct merge_options options = {
        .rules = &store->rules,
        .reverse = read->reverse,
        .no_lazy = read->no_lazy,
        .counters = counters ? &counters->merge : NULL,
    };
    struct cursor *merge;
    status st = merge_cursor_open(children, count, &options, &merge);
    if (failed(st)) {
        for (uint32_t i = 0; i < count; i++)
            cursor_close(children[i]);
        return st;
    }
    st = cursor_next_partition(merge);
    if (failed(st) || !merge->on_partition) {
        cursor_close(merge);
        merge = NULL;
    }
    if (ok(st))
        *out_cursor = merge;
    return st;
}

static status version_cursor_one(struct store *store, const struct store_read *read,
                                 const struct version *version, struct partition_key key,
                                 struct store_read_counters *counters, struct cursor **children,
                                 uint32_t *out_count, struct cursor **out_cursor)
{
    TRY(children_open(version, read, key, counters, children, out_count));
    *out_cursor = NULL;
    if (*out_count == 0)
        return STATUS_DONE;
    if (*out_count == 1 && !read->no_lazy) {
        TRY(stand_alone(children[0], out_cursor));
        if (*out_cursor)
            return STATUS_DONE;
        TRY(children_open(version, read, key, NULL, children, out_count));
    }
    return children_merge(store, read, children, *out_count, counters, out_cursor);
}

status store_cursor_open_one(struct store *store, const struct store_read *read, struct partition_key key,
                             struct store_read_counters *counters, struct cursor **out_cursor)
{
    struct cursor *few[CHILDREN_INLINE], **children = few;
    struct shard *shard = &store->shards[shard_of_token(key.token, store->shard_count)];
    struct version_stripe *pin = NULL;
    uint32_t count = 0;
    TRY(version_take(shard, read->table_id, &pin));
    if (!pin) {
        *out_cursor = NULL;
        return STATUS_DONE;
    }
    struct version *version = pin->version;
    uint32_t sources = version->memtable_count + version->sstable_count;
    if (sources > CHILDREN_INLINE)
        children = malloc(sources * sizeof(struct cursor *));
    status st = children
                    ? version_cursor_one(store, read, version, key, counters, children, &count, out_cursor)
                    : STATUS_FAIL(STATUS_NOMEM);
    if (children != few)
        free(children);
    if (ok(st) && *out_cursor) {
        read_tally_add(version->tally, (uint32_t)(pin - version->stripes), 0, count);
        (*out_cursor)->unpin = unpin;
        (*out_cursor)->pin = pin;
    } else {
        version_unpin(pin);
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
