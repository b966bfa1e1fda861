#include "compaction/chain_internal.h"

#include <stdlib.h>

struct chain_cursor {
    struct cursor base;
    struct cursor *current;   /* owned; NULL before the first table, and behind the last */
    uint32_t at, count;       /* `current` is over the table before `at` */
    struct sstable *tables[]; /* counted; NULL once opened */
};

static struct chain_cursor *of(struct cursor *cursor)
{
    return (struct chain_cursor *)cursor;
}

/* Show what the current table's cursor shows. */
static void mirror(struct chain_cursor *chain)
{
    struct cursor *current = chain->current;
    chain->base.on_partition = current && current->on_partition;
    chain->base.on_row = current && current->on_row;
    if (!current)
        return;
    chain->base.partition = current->partition;
    chain->base.row = current->row;
}

/* What the rows go into may use the dictionary that they are compressed with. */
static status coded_open(struct sstable *table, struct cursor **out_cursor)
{
    TRY(sstable_cursor_open(table, false, out_cursor));
    sstable_cursor_keep_codes(*out_cursor);
    return STATUS_DONE;
}

static status next_table(struct chain_cursor *chain)
{
    struct sstable *table = chain->tables[chain->at];
    cursor_close(chain->current);
    chain->current = NULL;
    TRY(coded_open(table, &chain->current));
    chain->tables[chain->at++] = NULL;
    sstable_unref(table); /* the cursor has its own reference */
    return STATUS_DONE;
}

static status chain_next_partition(struct cursor *cursor)
{
    struct chain_cursor *chain = of(cursor);
    status st = chain->current ? cursor_next_partition(chain->current) : STATUS_DONE;
    while (ok(st) && !(chain->current && chain->current->on_partition) && chain->at < chain->count) {
        st = next_table(chain);
        if (ok(st))
            st = cursor_next_partition(chain->current);
    }
    mirror(chain);
    if (failed(st))
        cursor->on_partition = cursor->on_row = false;
    return st;
}

/* A compaction walks; it never seeks a partition. */
static status chain_seek_partition(struct cursor *cursor, struct partition_key key)
{
    do
        TRY(chain_next_partition(cursor));
    while (cursor->on_partition && partition_key_compare(cursor->partition.key, key) < 0);
    return STATUS_DONE;
}

static status chain_seek_row(struct cursor *cursor, struct slice clustering)
{
    struct chain_cursor *chain = of(cursor);
    if (!chain->current)
        return STATUS_FAIL(STATUS_INVALID);
    status st = cursor_seek_row(chain->current, clustering);
    mirror(chain);
    return st;
}

static status chain_next(struct cursor *cursor)
{
    struct chain_cursor *chain = of(cursor);
    if (!chain->current)
        return STATUS_FAIL(STATUS_INVALID);
    status st = cursor_next(chain->current);
    cursor->on_row = chain->current->on_row;
    cursor->on_partition = chain->current->on_partition;
    cursor->row = chain->current->row;
    return st;
}

static void chain_close(struct cursor *cursor)
{
    struct chain_cursor *chain = of(cursor);
    cursor_close(chain->current);
    for (uint32_t i = chain->at; i < chain->count; i++)
        sstable_unref(chain->tables[i]);
    free(chain);
}

static const struct cursor_ops chain_ops = {
    .kind = "chain",
    .seek_partition = chain_seek_partition,
    .next_partition = chain_next_partition,
    .seek_row = chain_seek_row,
    .next = chain_next,
    .close = chain_close,
};

status chain_cursor_open(struct sstable *const *tables, uint32_t count, struct cursor **out_cursor)
{
    if (count == 1)
        return coded_open(tables[0], out_cursor);
    struct chain_cursor *chain = calloc(1, sizeof *chain + count * sizeof chain->tables[0]);
    if (!chain)
        return STATUS_FAIL(STATUS_NOMEM);
    chain->base.ops = &chain_ops;
    chain->count = count;
    for (uint32_t i = 0; i < count; i++)
        chain->tables[i] = sstable_ref(tables[i]);
    *out_cursor = &chain->base;
    return STATUS_DONE;
}

struct cursor *chain_cursor_leaf(struct cursor *cursor)
{
    return cursor->ops == &chain_ops ? of(cursor)->current : cursor;
}

void chain_cursor_follow(struct cursor *cursor)
{
    if (cursor->ops == &chain_ops)
        mirror(of(cursor));
}
