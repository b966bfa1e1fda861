#include "engine/closed_cursor_internal.h"

#include <stdlib.h>

/* What is known of a file. */
enum closed_known {
    UNASKED,
    PERHAPS, /* its filter says that it may have the partition */
    GONE,    /* it does not have it */
    OPENED,
};

enum { EARLY_MAX = READ_QUEUE_DEPTH };

/* A file that was opened before the merge came to its bound. */
struct early {
    uint32_t at;           /* which one */
    struct cursor *cursor; /* owned, on the partition */
};

struct closed_cursor {
    struct cursor base;
    struct version_stripe *pin;           /* borrowed */
    struct store_read_counters *counters; /* borrowed, may be NULL */
    struct store_read read;               /* its slices are borrowed */
    const struct closed_table *tables;    /* the version's, sorted in the cursor's direction */
    uint32_t count;
    uint32_t at;                /* the file whose bound is shown; `count` when there is none */
    uint32_t opened;            /* the last one */
    struct slice target;        /* of the last seek; borrowed until the next */
    struct read_queues *queues; /* borrowed; NULL: files are read one after the other */
    struct io_env *env;
    struct early early[EARLY_MAX]; /* in the cursor's direction */
    uint32_t early_count;
    uint64_t key_hash; /* what filters are asked for */
    uint8_t *known;    /* by file: enum closed_known; behind the key */
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
        if (closed->known[at] >= GONE || (table->stood_in && !read->no_retained))
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

/* The cursor of a file, on the partition; NULL when the file does not have it after all. */
static status table_open(const struct closed_cursor *closed, uint32_t at, struct cursor **out_cursor)
{
    struct cursor *cursor = NULL;
    status st = sstable_cursor_open_held(closed->tables[at].table, closed->base.partition.key,
                                         closed->base.reverse, closed->read.no_together, &cursor);
    *out_cursor = NULL;
    if (st.code == STATUS_NOT_FOUND)
        return STATUS_DONE;
    TRY(st);
    if (store_read_begins_within(&closed->read))
        sstable_cursor_touch_index(cursor);
    if (closed->read.no_unfold)
        sstable_cursor_decode_whole(cursor);
    if (closed->read.no_runs)
        sstable_cursor_row_by_row(cursor);
    st = cursor_next_partition(cursor);
    if (failed(st))
        cursor_close(cursor);
    else
        *out_cursor = cursor;
    return st;
}

static struct cursor *early_take(struct closed_cursor *closed, uint32_t at)
{
    for (uint32_t i = 0; i < closed->early_count; i++) {
        struct cursor *cursor = closed->early[i].cursor;
        if (closed->early[i].at != at)
            continue;
        closed->early[i] = closed->early[--closed->early_count];
        return cursor;
    }
    return NULL;
}

/* Whether the walk begins where the partition does, in its direction: then the number of rows in a file says what the
 * reader will find there. */
static bool begins_at_end(const struct closed_cursor *closed)
{
    const struct slice target = closed->target;
    if (closed->base.reverse)
        return !closed->read.to.bytes && (!target.bytes || target.data[0] == KEY_AFTER);
    return !closed->read.from.bytes && !target.bytes;
}

static uint64_t rows_of(const struct cursor *cursor)
{
    uint64_t rows, bytes;
    sstable_cursor_partition_size(cursor, &rows, &bytes);
    return rows;
}

/* Open the files behind the one at hand until there are as many rows as the reader will take. What fails is left for when
 * it is needed. */
static void early_open(struct closed_cursor *closed, uint64_t rows)
{
    uint32_t at = closed->at + 1;
    while (rows < closed->read.rows && closed->early_count + 1 < EARLY_MAX) {
        struct cursor *cursor;
        at = candidate_from(closed, at);
        if (at == closed->count || failed(table_open(closed, at, &cursor)))
            return;
        if (cursor) {
            rows += rows_of(cursor);
            closed->early[closed->early_count++] = (struct early){at, cursor};
        } else {
            closed->known[at] = GONE;
        }
        at++;
    }
}

/* Of a file that does not have all rows that the reader will take: have the disk bring the next ones with it. */
static void read_together(struct closed_cursor *closed, struct cursor *first)
{
    struct io_request requests[EARLY_MAX];
    struct cursor *cursors[EARLY_MAX];
    uint32_t count = 0;
    bool needed;
    if (!closed->queues || closed->early_count || rows_of(first) >= closed->read.rows ||
        !begins_at_end(closed))
        return;
    if (failed(sstable_cursor_ahead(first, &requests[0], &needed)) || !needed)
        return;
    cursors[count++] = first;
    early_open(closed, rows_of(first));
    for (uint32_t i = 0; i < closed->early_count; i++) {
        cursors[count] = closed->early[i].cursor;
        if (ok(sstable_cursor_ahead(cursors[count], &requests[count], &needed)) && needed)
            count++;
    }
    read_queues_run(closed->queues, closed->env, requests, count);
    for (uint32_t i = 0; i < count; i++)
        sstable_cursor_take(cursors[i], &requests[i]);
    if (closed->counters && count > 1)
        closed->counters->read_together += count;
}

void closed_cursor_read_together(struct cursor *cursor, struct read_queues *queues, struct io_env *env)
{
    struct closed_cursor *closed = closed_of(cursor);
    closed->queues = closed->read.rows ? queues : NULL;
    closed->env = env;
}

void closed_cursor_reopen(struct cursor *cursor, bool but_last)
{
    struct closed_cursor *closed = closed_of(cursor);
    for (uint32_t i = 0; i < closed->count; i++)
        if (closed->known[i] == OPENED && !(but_last && i == closed->opened))
            closed->known[i] = PERHAPS;
    closed->target = (struct slice){0};
    closed->at = 0;
    settle(closed);
}

void closed_cursor_forget(struct cursor *cursor)
{
    closed_of(cursor)->target = (struct slice){0};
}

static status closed_enter(struct cursor *base, struct cursor **out_cursor)
{
    struct closed_cursor *closed = closed_of(base);
    struct cursor *cursor = early_take(closed, closed->at);
    if (!cursor) {
        TRY(table_open(closed, closed->at, &cursor));
        if (cursor)
            read_together(closed, cursor);
    }
    if (cursor) {
        version_count_sources(closed->pin, 1);
        if (closed->counters)
            closed->counters->sstables++;
    }
    closed->opened = closed->at;
    closed->known[closed->at++] = cursor ? OPENED : GONE;
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
            closed->known[i] < GONE && (closed->read.no_retained || !closed->tables[i].stood_in);
    for (uint32_t i = 0; i < closed->early_count; i++)
        cursor_close(closed->early[i].cursor);
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
