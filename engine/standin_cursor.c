#include "engine/standin_cursor_internal.h"

#include <stdlib.h>

struct standin_cursor {
    struct cursor base;
    struct version_stripe *pin; /* borrowed */
    struct sstable *table;      /* borrowed */
    struct sstable_bounds bounds;
    struct store_read_counters *counters; /* borrowed, may be NULL */
    bool moved;
    uint8_t key[];
};

/* A cursor that has no partition at all: what a file without the partition turns out to be. */
static status nowhere_seek_partition(struct cursor *cursor, struct partition_key key)
{
    (void)key;
    cursor->on_partition = false;
    return STATUS_DONE;
}

static status nowhere_next_partition(struct cursor *cursor)
{
    cursor->on_partition = false;
    return STATUS_DONE;
}

static status nowhere_seek_row(struct cursor *cursor, struct slice clustering)
{
    (void)clustering;
    cursor->on_row = false;
    return STATUS_DONE;
}

static status nowhere_next(struct cursor *cursor)
{
    cursor->on_row = false;
    return STATUS_DONE;
}

static void cursor_free(struct cursor *cursor)
{
    free(cursor);
}

static const struct cursor_ops nowhere_ops = {
    .kind = "nowhere",
    .seek_partition = nowhere_seek_partition,
    .next_partition = nowhere_next_partition,
    .seek_row = nowhere_seek_row,
    .next = nowhere_next,
    .close = cursor_free,
};

static status nowhere_open(const struct cursor *standin, struct cursor **out_cursor)
{
    struct cursor *cursor = malloc(sizeof *cursor);
    if (!cursor)
        return STATUS_FAIL(STATUS_NOMEM);
    *cursor = (struct cursor){.ops = &nowhere_ops,
                              .reverse = standin->reverse,
                              .on_partition = true,
                              .partition = standin->partition};
    *out_cursor = cursor;
    return STATUS_DONE;
}

static status standin_enter(struct cursor *base, struct cursor **out_cursor)
{
    struct standin_cursor *standin = (struct standin_cursor *)base;
    struct cursor *cursor;
    status st = sstable_cursor_open_one(standin->table, base->partition.key, base->reverse, &cursor);
    if (st.code == STATUS_NOT_FOUND)
        return nowhere_open(base, out_cursor);
    TRY(st);
    st = cursor_next_partition(cursor);
    if (failed(st)) {
        cursor_close(cursor);
        return st;
    }
    version_count_sources(standin->pin, 1);
    if (standin->counters)
        standin->counters->sstables++;
    *out_cursor = cursor;
    return STATUS_DONE;
}

static status standin_seek_partition(struct cursor *cursor, struct partition_key key)
{
    struct standin_cursor *standin = (struct standin_cursor *)cursor;
    standin->moved = true;
    cursor->on_partition = partition_key_compare(cursor->partition.key, key) >= 0;
    return STATUS_DONE;
}

static status standin_next_partition(struct cursor *cursor)
{
    struct standin_cursor *standin = (struct standin_cursor *)cursor;
    cursor->on_partition = !standin->moved;
    standin->moved = true;
    return STATUS_DONE;
}

static status standin_seek_row(struct cursor *cursor, struct slice clustering)
{
    (void)cursor;
    (void)clustering;
    return STATUS_FAIL(STATUS_INVALID);
}

static status standin_next(struct cursor *cursor)
{
    (void)cursor;
    return STATUS_FAIL(STATUS_INVALID);
}

static const struct cursor_ops standin_ops = {
    .kind = "stand-in",
    .seek_partition = standin_seek_partition,
    .next_partition = standin_next_partition,
    .seek_row = standin_seek_row,
    .next = standin_next,
    .close = cursor_free,
    .enter = standin_enter,
};

status standin_cursor_open(struct version_stripe *pin, struct sstable *table, struct partition_key key,
                           bool reverse, struct store_read_counters *counters, struct cursor **out_cursor)
{
    struct standin_cursor *standin = malloc(sizeof *standin + key.bytes.bytes);
    if (!standin)
        return STATUS_FAIL(STATUS_NOMEM);
    *standin = (struct standin_cursor){
        .base = {.ops = &standin_ops, .reverse = reverse},
        .pin = pin,
        .table = table,
        .counters = counters,
        .bounds = sstable_info_bounds(sstable_info(table)),
    };
    if (key.bytes.bytes)
        memcpy(standin->key, key.bytes.data, key.bytes.bytes);
    standin->base.partition = (struct partition_view){
        .key = {.token = key.token, .bytes = slice_of(standin->key, key.bytes.bytes)},
        .deletion = DELETION_NONE,
        .first = slice_of(standin->bounds.first, standin->bounds.first_bytes),
        .last = slice_of(standin->bounds.last, standin->bounds.last_bytes),
    };
    *out_cursor = &standin->base;
    return STATUS_DONE;
}
