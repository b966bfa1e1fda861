/*
 * cursor.h: one way to walk partitions and rows, whatever holds them: memtable, SSTable, merge.
 *
 * A cursor stands before the first partition. seek_partition() and next_partition() move in rising
 * (token, key) order, for both directions of rows. On a partition, `partition` describes it and the
 * cursor stands before its first row in its direction; seek_row() and next() walk the rows, rising in
 * clustering order, or falling for a reverse cursor. The direction is fixed when a cursor is made.
 *
 * After a move returns STATUS_OK, on_partition (or on_row) says whether there was something to stand
 * on; falling off the end is success. After a failure only close may follow. Bytes in `partition`
 * are borrowed until the partition moves, bytes in `row` until the next call.
 *
 * Rows are as the source has them: deletions are not applied by a leaf, are applied (shadowed cells
 * gone) by a merge. A row may consist of nothing but tombstones.
 */
#ifndef STRAIT_ROW_CURSOR_H
#define STRAIT_ROW_CURSOR_H

#include "row/key.h"
#include "row/range.h"

struct cursor;

struct cursor_ops {
    const char *kind; /* "memtable", "sstable", "merge", ... */
    /* To the first partition at or after `key`. */
    status (*seek_partition)(struct cursor *cursor, struct partition_key key);
    /* To the next partition, or to the first when the cursor has not moved yet. */
    status (*next_partition)(struct cursor *cursor);
    /* In the partition: to the first row at or after `clustering` in the cursor's direction, that is the
     * least key >= clustering, or for a reverse cursor the greatest key < clustering (so that a bound
     * made with KEY_AFTER starts at the row it follows). An empty slice is the partition's first row in
     * forward direction; reverse callers pass {KEY_AFTER} for the last. */
    status (*seek_row)(struct cursor *cursor, struct slice clustering);
    status (*next)(struct cursor *cursor);
    void (*close)(struct cursor *cursor); /* frees the cursor */
    /* NULL for all but cursors that stand for sources not opened yet, so that a merge may never have to open them. Such
     * a one gives no rows; seek_row() only sets it back. While it stands on a partition, `first` (`last` when reverse) is
     * the bound of the nearest source; enter() opens that and goes on to the next. *out_cursor stands on the partition,
     * before its first row, in the same direction; NULL when the source does not have it. */
    status (*enter)(struct cursor *cursor, struct cursor **out_cursor);
};

/* What is known of a partition before any of its rows is read. */
struct partition_view {
    struct partition_key key;
    struct deletion deletion;
    struct range_list ranges;
    struct slice static_image; /* empty: no static row */
    /* Bounds over rows and range tombstones of this source, never too narrow; a merge of several leaves them
     * open (empty .. {KEY_AFTER}), a source with neither rows nor ranges says {KEY_AFTER} .. empty. A
     * lazy merge opens a source only when it gets there. */
    struct slice first, last;
};

struct row_view {
    struct slice clustering;
    struct slice image;
};

struct cursor {
    const struct cursor_ops *ops;
    bool reverse;
    bool on_partition;
    bool on_row;
    struct partition_view partition;
    struct row_view row;
    /* What the opener holds while the cursor lives: called with `pin` once it is closed. NULL: nothing. */
    void (*unpin)(void *pin);
    void *pin;
};

static inline status cursor_seek_partition(struct cursor *cursor, struct partition_key key)
{
    return cursor->ops->seek_partition(cursor, key);
}

static inline status cursor_next_partition(struct cursor *cursor)
{
    return cursor->ops->next_partition(cursor);
}

static inline status cursor_seek_row(struct cursor *cursor, struct slice clustering)
{
    return cursor->ops->seek_row(cursor, clustering);
}

static inline status cursor_next(struct cursor *cursor)
{
    return cursor->ops->next(cursor);
}

/* NULL is welcome. */
static inline void cursor_close(struct cursor *cursor)
{
    if (!cursor)
        return;
    void (*unpin)(void *pin) = cursor->unpin;
    void *pin = cursor->pin;
    cursor->ops->close(cursor);
    if (unpin)
        unpin(pin);
}

#endif
