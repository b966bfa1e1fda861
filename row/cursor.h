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

#include <stddef.h>

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

/*
 * Rows that stand side by side in memory behind the one at hand, in the cursor's direction: cursor_next() gives them
 * without asking anybody, and the source looks where the run has got to when it is asked again. Each start is of the row
 * at hand; where a key or an image ends, the next one begins. A source that has no such rows leaves it zeroed.
 */
struct row_run {
    const uint32_t *key_start, *image_start; /* in `bytes`; NULL: there is no run */
    const uint8_t *bytes;
    uint32_t left;  /* rows that are still to be given */
    ptrdiff_t step; /* 1, or -1 for a reverse cursor */
};

struct cursor {
    const struct cursor_ops *ops;
    bool reverse;
    bool on_partition;
    bool on_row;
    struct row_view row;
    struct row_run run;
    struct partition_view partition;
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

/* Bring the lines of memory behind (before) a place in a block that its reader is about to get to: a block that was
 * not read for a while waits in memory, and the processor finds out too late that it is being walked. */
static inline void cursor_touch_ahead(const uint8_t *at, bool reverse)
{
    enum { LINE = 64, FIRST = 4, LINES = 4 };
    ptrdiff_t line = reverse ? -LINE : LINE;
    for (ptrdiff_t i = FIRST; i < FIRST + LINES; i++)
        __builtin_prefetch(at + i * line);
}

/* The row at which the run stands. */
static inline void cursor_run_show(struct cursor *cursor)
{
    const struct row_run *run = &cursor->run;
    const uint32_t *key = run->key_start, *image = run->image_start;
    cursor->row.clustering = slice_of(run->bytes + key[0], key[1] - key[0]);
    cursor->row.image = slice_of(run->bytes + image[0], image[1] - image[0]);
    cursor_touch_ahead(cursor->row.image.data, cursor->reverse);
}

static inline status cursor_next(struct cursor *cursor)
{
    struct row_run *run = &cursor->run;
    if (!run->left)
        return cursor->ops->next(cursor);
    run->left--;
    run->key_start += run->step;
    run->image_start += run->step;
    cursor_run_show(cursor);
    return STATUS_DONE;
}

/* `to` shows the row of `from`, and gives up to `most` rows of its run from now on. */
static inline void cursor_run_lend(struct cursor *from, struct cursor *to, uint32_t most)
{
    to->run = from->run;
    if (to->run.left > most)
        to->run.left = most;
}

/* `from` stands where the run that it lent has got to; how many rows that were. */
static inline uint32_t cursor_run_return(struct cursor *from, struct cursor *to)
{
    if (!to->run.key_start)
        return 0;
    uint32_t given = (uint32_t)((to->run.key_start - from->run.key_start) * to->run.step);
    if (given) {
        from->run.key_start = to->run.key_start;
        from->run.image_start = to->run.image_start;
        from->run.left -= given;
        from->row = to->row;
    }
    to->run = (struct row_run){0};
    return given;
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
