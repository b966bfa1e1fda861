#include "engine/closed_cursor_internal.h"

#include <stdlib.h>

/* What is known of a file. */
enum closed_known {
    UNASKED,
    PERHAPS, /* its filter says that it may have the partition */
    GONE,    /* opened, or it does not have it */
};

struct closed_cursor {
    struct cursor base;
    struct version_stripe *pin;           /* borrowed */
    struct store_read_counters *counters; /* borrowed, may be NULL */
    struct store_read read;               /* its slices are borrowed */
    const struct closed_table *tables;    /* the version's, sorted in the cursor's direction */
    uint32_t count;
    uint32_t at;         /* the file whose bound is shown; `count` when there is none */
    struct slice target; /* of the last seek; borrowed until the next */
    uint64_t key_hash;   /* what filters are asked for */
    uint8_t *known;      /* by file: enum closed_known; behind the key */
    uint8_t key[];
};

static struct closed_cursor *closed_of(struct cursor *cursor)
{
    return (struct closed_cursor *)cursor;
}

/* Whether the slice and what is sought leave nothing of a file; *out_rest: of all behind it as well. */
static bool is_out_of_reach(const struct closed_cursor *closed, const struct closed_table *table,
                            bool *out_rest)
{
    struct slice first = closed_first(table), last = closed_last(table), target = closed->target;
    const struct store_read *read = &closed->read;
    bool before = !read->no_skip && slice_compare(last, read->from) < 0;
    bool behind = !read->no_skip && read->to.bytes && slice_compare(first, read->to) >= 0;
    *out_rest = closed->base.reverse ? before : behind;
    if (closed->base.reverse)
        return before || behind || (target.bytes && slice_compare(first, target) >= 0);
    return before || behind || slice_compare(last, target) < 0;
}

/* The first file from `at` on that may have something; `count` when there is none. */
static uint32_t candidate_from(struct closed_cursor *closed, uint32_t at)
{
    const struct store_read *read = &closed->read;
    for (; at < closed->count; at++) {
        const struct closed_table *table = &closed->tables[at];
        bool rest;
        if (closed->known[at] == GONE || (table->stood_in && !read->no_retained))
            continue;
        if (is_out_of_reach(closed, table, &rest)) {
            if (rest)
                return closed->count;
            continue;
        }
        if (closed->known[at] == PERHAPS || read->no_filter ||
            sstable_may_contain_hash(table->table, closed->base.partition.key.token, closed->key_hash)) {
            closed->known[at] = PERHAPS;
            return at;
        }
        closed->known[at] = GONE;
        if (closed->counters)
            closed->counters->sstables_filtered++;
    }
    return at;
}

/* To the first candidate from `at` on, whose bounds are shown. */
static void settle(struct closed_cursor *closed)
{
    struct partition_view *view = &closed->base.partition;
    closed->at = candidate_from(closed, closed->at);
    closed->base.on_partition = closed->at < closed->count;
    if (!closed->base.on_partition)
        return;
    view->first = closed_first(&closed->tables[closed->at]);
    view->last = closed_last(&closed->tables[closed->at]);
}

bool closed_cursor_is_one(struct cursor *cursor)
{
    struct closed_cursor *closed = closed_of(cursor);
    return cursor->on_partition && candidate_from(closed, closed->at + 1) == closed->count;
}

static status closed_enter(struct cursor *base, struct cursor **out_cursor)
{
    struct closed_cursor *closed = closed_of(base);
    struct sstable *table = closed->tables[closed->at].table;
    struct cursor *cursor = NULL;
    status st = sstable_cursor_open_held(table, base->partition.key, base->reverse, &cursor);
    if (failed(st) && st.code != STATUS_NOT_FOUND)
        return st;
    if (cursor && closed->read.no_unfold)
        sstable_cursor_decode_whole(cursor);
    if (cursor && closed->read.no_runs)
        sstable_cursor_row_by_row(cursor);
    if (cursor) {
        st = cursor_next_partition(cursor);
        if (failed(st)) {
            cursor_close(cursor);
            return st;
        }
        version_count_sources(closed->pin, 1);
        if (closed->counters)
            closed->counters->sstables++;
    }
    closed->known[closed->at++] = GONE;
    settle(closed);
    *out_cursor = cursor;
    return STATUS_DONE;
}

static status closed_seek_row(struct cursor *base, struct slice target)
{
    struct closed_cursor *closed = closed_of(base);
    closed->target = target;
    closed->at = 0;
    settle(closed);
    return STATUS_DONE;
}

static status closed_seek_partition(struct cursor *base, struct partition_key key)
{
    struct closed_cursor *closed = closed_of(base);
    closed->target = (struct slice){0};
    closed->at = partition_key_compare(base->partition.key, key) >= 0 ? 0 : closed->count;
    settle(closed);
    return STATUS_DONE;
}

static status closed_next_partition(struct cursor *base)
{
    base->on_partition = false;
    return STATUS_DONE;
}

/* Rows are those of the cursors that it gives way to. */
static status closed_next(struct cursor *base)
{
    (void)base;
    return STATUS_FAIL(STATUS_INVALID);
}

static void closed_close(struct cursor *base)
{
    struct closed_cursor *closed = closed_of(base);
    for (uint32_t i = 0; closed->counters && i < closed->count; i++)
        closed->counters->left_closed +=
            closed->known[i] != GONE && (closed->read.no_retained || !closed->tables[i].stood_in);
    free(closed);
}

static const struct cursor_ops closed_ops = {
    .kind = "closed",
    .seek_partition = closed_seek_partition,
    .next_partition = closed_next_partition,
    .seek_row = closed_seek_row,
    .next = closed_next,
    .close = closed_close,
    .enter = closed_enter,
};

status closed_cursor_open(struct version_stripe *pin, const struct store_read *read, struct partition_key key,
                          struct store_read_counters *counters, struct cursor **out_cursor)
{
    const struct version *version = pin->version;
    struct closed_cursor *closed = malloc(sizeof *closed + key.bytes.bytes + version->closed_count);
    if (!closed)
        return STATUS_FAIL(STATUS_NOMEM);
    *closed = (struct closed_cursor){
        .base = {.ops = &closed_ops, .reverse = read->reverse},
        .pin = pin,
        .counters = counters,
        .read = *read,
        .tables = read->reverse ? version->closed_by_last : version->closed_by_first,
        .count = version->closed_count,
        .key_hash = sstable_key_hash(key),
        .known = closed->key + key.bytes.bytes,
    };
    if (key.bytes.bytes)
        memcpy(closed->key, key.bytes.data, key.bytes.bytes);
    memset(closed->known, UNASKED, version->closed_count);
    closed->base.partition = (struct partition_view){
        .key = {.token = key.token, .bytes = slice_of(closed->key, key.bytes.bytes)},
        .deletion = DELETION_NONE,
    };
    settle(closed);
    *out_cursor = &closed->base;
    return STATUS_DONE;
}
