#include "engine/scan_cursor_internal.h"

#include <stdlib.h>

#include "engine/store_internal.h"

struct scan_cursor {
    struct cursor base;
    struct store *store; /* borrowed */
    struct store_read read;
    struct store_read_counters *counters;    /* borrowed, may be NULL */
    struct version_stripe *pins[SHARDS_MAX]; /* counted */
    uint32_t shard;                          /* of `child` */
    struct cursor *child; /* owned; the merge of one shard's sources; NULL before the first move */
};

static struct scan_cursor *scan_of(struct cursor *cursor)
{
    return (struct scan_cursor *)cursor;
}

static status sources_open(const struct version *version, bool reverse, struct cursor **children,
                           uint32_t *out_opened)
{
    uint32_t opened = 0;
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && i < version->memtable_count; i++) {
        st = memtable_cursor_open(version->memtables[i], reverse, &children[opened]);
        opened += ok(st);
    }
    for (uint32_t i = 0; ok(st) && i < version->sstable_count; i++) {
        st = sstable_cursor_open(version->sstables[i], reverse, &children[opened]);
        opened += ok(st);
    }
    *out_opened = opened;
    return st;
}

/* Replace the child by a fresh cursor over shard `index`; NULL when nothing is there. */
static status shard_enter(struct scan_cursor *scan, uint32_t index)
{
    cursor_close(scan->child);
    scan->child = NULL;
    scan->shard = index;
    if (!scan->pins[index])
        return STATUS_DONE;
    const struct version *version = scan->pins[index]->version;
    uint32_t sources = version->memtable_count + version->sstable_count, opened = 0;
    struct cursor **children = calloc(sources, sizeof(struct cursor *));
    if (!children)
        return STATUS_FAIL(STATUS_NOMEM);
    struct merge_options options = {
        .rules = &scan->store->rules,
        .reverse = scan->base.reverse,
        .no_lazy = scan->read.no_lazy,
        .no_gallop = scan->read.no_gallop,
        .runs = !scan->read.no_runs,
        .counters = scan->counters ? &scan->counters->merge : NULL,
    };
    status st = sources_open(version, scan->base.reverse, children, &opened);
    if (ok(st))
        st = merge_cursor_open(children, opened, &options, &scan->child);
    for (uint32_t i = 0; failed(st) && i < opened; i++)
        cursor_close(children[i]);
    free(children);
    if (ok(st) && scan->counters) {
        scan->counters->memtables += version->memtable_count;
        scan->counters->sstables += version->sstable_count;
    }
    return st;
}

static void mirror_row(struct scan_cursor *scan)
{
    scan->base.on_row = scan->child && scan->child->on_row;
    if (!scan->base.on_row)
        return;
    scan->base.row = scan->child->row;
    if (scan->child->run.left)
        cursor_run_lend(scan->child, &scan->base, UINT32_MAX);
}

/* Before the child is asked for anything. */
static void run_return(struct scan_cursor *scan)
{
    if (scan->child)
        (void)cursor_run_return(scan->child, &scan->base);
}

static status fail(struct scan_cursor *scan, status st)
{
    scan->base.on_partition = scan->base.on_row = false;
    return st;
}

/* The child has moved: go on to later shards until one has a partition. */
static status settle(struct scan_cursor *scan, status st)
{
    while (ok(st) && !(scan->child && scan->child->on_partition) &&
           scan->shard + 1 < scan->store->shard_count) {
        st = shard_enter(scan, scan->shard + 1);
        if (ok(st) && scan->child)
            st = cursor_next_partition(scan->child);
    }
    if (failed(st))
        return fail(scan, st);
    scan->base.on_row = false;
    scan->base.on_partition = scan->child && scan->child->on_partition;
    if (scan->base.on_partition)
        scan->base.partition = scan->child->partition;
    return st;
}

static status scan_seek_partition(struct cursor *cursor, struct partition_key key)
{
    struct scan_cursor *scan = scan_of(cursor);
    run_return(scan);
    uint32_t index = shard_of_token(key.token, scan->store->shard_count);
    status st = STATUS_DONE;
    if (!scan->child || scan->shard != index)
        st = shard_enter(scan, index);
    if (ok(st) && scan->child)
        st = cursor_seek_partition(scan->child, key);
    return settle(scan, st);
}

static status scan_next_partition(struct cursor *cursor)
{
    struct scan_cursor *scan = scan_of(cursor);
    run_return(scan);
    status st = STATUS_DONE;
    if (!scan->child && scan->shard == 0)
        st = shard_enter(scan, 0);
    if (ok(st) && scan->child)
        st = cursor_next_partition(scan->child);
    return settle(scan, st);
}

static status scan_seek_row(struct cursor *cursor, struct slice clustering)
{
    struct scan_cursor *scan = scan_of(cursor);
    run_return(scan);
    if (!cursor->on_partition)
        return STATUS_DONE;
    status st = cursor_seek_row(scan->child, clustering);
    if (failed(st))
        return fail(scan, st);
    mirror_row(scan);
    return st;
}

static status scan_next(struct cursor *cursor)
{
    struct scan_cursor *scan = scan_of(cursor);
    run_return(scan);
    if (!cursor->on_partition)
        return STATUS_DONE;
    status st = cursor_next(scan->child);
    if (failed(st))
        return fail(scan, st);
    mirror_row(scan);
    return st;
}

static void scan_close(struct cursor *cursor)
{
    struct scan_cursor *scan = scan_of(cursor);
    run_return(scan);
    cursor_close(scan->child);
    for (uint32_t i = 0; i < scan->store->shard_count; i++)
        version_unpin(scan->pins[i]);
    free(scan);
}

static const struct cursor_ops scan_ops = {
    .kind = "scan",
    .seek_partition = scan_seek_partition,
    .next_partition = scan_next_partition,
    .seek_row = scan_seek_row,
    .next = scan_next,
    .close = scan_close,
};

status scan_cursor_open(struct store *store, const struct store_read *read,
                        struct version_stripe *const *pins, struct store_read_counters *counters,
                        struct cursor **out_cursor)
{
    struct scan_cursor *scan = calloc(1, sizeof *scan);
    if (!scan)
        return STATUS_FAIL(STATUS_NOMEM);
    scan->base = (struct cursor){.ops = &scan_ops, .reverse = read->reverse};
    scan->store = store;
    scan->read = *read;
    scan->counters = counters;
    for (uint32_t i = 0; i < store->shard_count; i++)
        scan->pins[i] = pins[i];
    *out_cursor = &scan->base;
    return STATUS_DONE;
}
