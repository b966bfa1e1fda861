/*
 * merge.h: several sources as one.
 *
 * A merging cursor owns its children (all of one direction). Rows of one key are reconciled, range and
 * partition deletions are applied: cells they cover are gone, and so are rows of which nothing
 * is left. Tombstones themselves stay, for the next level to see.
 *
 * Children are entered lazily: within a partition a child is asked for rows only when the frontier
 * reaches its `first` (`last` when reverse) bound; while one child leads, its rows pass through
 * without a comparison. A child that stands on a partition when it is handed over is not moved at first; one that
 * stands for sources not opened yet (`enter` of cursor.h) is opened source by source, as the frontier gets there.
 * merge_options turns the shortcuts off for tests; merge_counters shows them at work.
 */
#ifndef STRAIT_ROW_MERGE_H
#define STRAIT_ROW_MERGE_H

#include "row/cursor.h"

struct merge_counters {
    uint64_t children_entered; /* asked for rows of a partition */
    uint64_t children_skipped; /* had the partition, were never asked */
    uint64_t rows_passed;      /* by a single leading child, no comparison */
    uint64_t rows_merged;      /* reconciled from more than one child */
};

struct merge_options {
    const struct reconcile_rules *rules; /* borrowed, outlives the cursor */
    bool reverse;
    struct slice from,
        to;         /* only rows of [from, to) will be asked for, the walk may end there; an empty `to` is the
                              end of the partition. Borrowed as long as the cursor lives */
    uint32_t room;  /* for children that `enter` brings: how many at most */
    bool no_lazy;   /* enter every child at once */
    bool no_gallop; /* search for every row anew */
    bool runs;      /* the caller asks for nothing but rows: a leader's run may be given on */
    struct merge_counters *counters; /* borrowed; NULL for none; added to when the cursor closes */
};

/* Takes over the children (not the array) on STATUS_OK; on failure they stay with the caller. A child may stand on its
 * partition already, and on a row of it: the merge walks it anew from where it is asked to begin. */
status merge_cursor_open(struct cursor **children, uint32_t count, const struct merge_options *options,
                         struct cursor **out_cursor);

/*
 * The one child that gives the next rows of a forward merge, for a caller that can move more of it at once than a row.
 * Asked between two moves, without a seek in this partition: every row of `child` before `limit` (without a limit: all the
 * rest) comes next, and no other child has anything there; deletions of the merged partition are not applied to it. NULL
 * when the next row must be searched for. The caller either goes on with next(), or moves the child over some of those
 * rows, so that it stands on none, and says so with merge_cursor_passed().
 */
struct merge_sole {
    struct cursor *child;
    bool has_limit;
    struct slice limit; /* borrowed until the merge moves */
};
status merge_cursor_sole(struct cursor *cursor, struct merge_sole *out_sole);
/* The child whose row a forward or reverse merge shows just as that child has it; NULL when the row was put together, or
 * stands there less what a deletion covers. Borrowed until the merge moves. */
struct cursor *merge_cursor_giver(struct cursor *cursor);
/* The child that was given last now stands behind `last`, the last of the rows that it was moved over. */
status merge_cursor_passed(struct cursor *cursor, struct slice last);

#endif
