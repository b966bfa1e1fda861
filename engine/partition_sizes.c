/*
 * partition_sizes.c: how large the partitions of a table are. The directory of an SSTable says so for each of its
 * partitions, so that no row of it is read; memtables are walked.
 */
#include <stdlib.h>

#include "engine/store_internal.h"

/* A source, which stands on a partition or has come to its end. */
struct source {
    struct cursor *cursor; /* owned */
    bool memtable;
};

static status memtable_measure(struct cursor *cursor, uint64_t *out_rows, uint64_t *out_bytes)
{
    uint64_t rows = 0, bytes = cursor->partition.static_image.bytes;
    TRY(cursor_next(cursor));
    while (cursor->on_row) {
        rows++;
        bytes += cursor->row.clustering.bytes + cursor->row.image.bytes;
        TRY(cursor_next(cursor));
    }
    *out_rows = rows;
    *out_bytes = bytes;
    return STATUS_DONE;
}

static status sources_open(const struct version *version, struct source *sources, uint32_t *out_count)
{
    status st = STATUS_DONE;
    *out_count = 0;
    for (uint32_t i = 0; ok(st) && i < version->memtable_count; i++) {
        st = memtable_cursor_open(version->memtables[i], false, &sources[*out_count].cursor);
        sources[*out_count].memtable = true;
        *out_count += ok(st);
    }
    for (uint32_t i = 0; ok(st) && i < version->sstable_count; i++) {
        st = sstable_cursor_open(version->sstables[i], false, &sources[*out_count].cursor);
        *out_count += ok(st);
    }
    for (uint32_t i = 0; ok(st) && i < *out_count; i++)
        st = cursor_next_partition(sources[i].cursor);
    return st;
}

/* A source that stands on the least partition; NULL past the last. */
static const struct source *least(const struct source *sources, uint32_t count)
{
    const struct source *found = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct cursor *cursor = sources[i].cursor;
        if (cursor->on_partition &&
            (!found || partition_key_compare(cursor->partition.key, found->cursor->partition.key) < 0))
            found = &sources[i];
    }
    return found;
}

/* Add up the partition over all sources that have it, and move on. `key` holds its bytes meanwhile. */
static status partition_add(struct source *sources, uint32_t count, struct partition_key first,
                            struct buffer *key, uint64_t *out_rows, uint64_t *out_bytes)
{
    buffer_clear(key);
    buffer_append_slice(key, first.bytes);
    TRY(buffer_status(key));
    struct partition_key wanted = {.token = first.token, .bytes = buffer_slice(key)};
    *out_rows = 0;
    *out_bytes = wanted.bytes.bytes;
    for (uint32_t i = 0; i < count; i++) {
        struct cursor *cursor = sources[i].cursor;
        uint64_t rows = 0, bytes = 0;
        if (!cursor->on_partition || partition_key_compare(cursor->partition.key, wanted) != 0)
            continue;
        if (sources[i].memtable)
            TRY(memtable_measure(cursor, &rows, &bytes));
        else
            sstable_cursor_partition_size(cursor, &rows, &bytes);
        *out_rows += rows;
        *out_bytes += bytes;
        TRY(cursor_next_partition(cursor));
    }
    return STATUS_DONE;
}

static status version_measure(const struct version *version, struct histogram *out_rows,
                              struct histogram *out_bytes)
{
    uint32_t count = 0;
    struct buffer key = {0};
    const struct source *next;
    struct source *sources =
        calloc((size_t)version->memtable_count + version->sstable_count + 1, sizeof *sources);
    status st = sources ? sources_open(version, sources, &count) : STATUS_FAIL(STATUS_NOMEM);
    while (ok(st) && (next = least(sources, count))) {
        uint64_t rows, bytes;
        st = partition_add(sources, count, next->cursor->partition.key, &key, &rows, &bytes);
        if (failed(st))
            break;
        histogram_add(out_rows, rows);
        histogram_add(out_bytes, bytes);
    }
    for (uint32_t i = 0; i < count; i++)
        cursor_close(sources[i].cursor);
    free(sources);
    buffer_deinit(&key);
    return st;
}

status store_partition_sizes(struct store *store, uint64_t table_id, struct histogram *out_rows,
                             struct histogram *out_bytes)
{
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct tablet *tablet = shard_find_ref(&store->shards[i], table_id);
        if (!tablet)
            return STATUS_FAIL(STATUS_NOT_FOUND);
        struct version *version = tablet_version(tablet);
        status st = version ? version_measure(version, out_rows, out_bytes) : STATUS_DONE;
        version_unref(version);
        tablet_unref(tablet);
        TRY(st);
    }
    return STATUS_DONE;
}
