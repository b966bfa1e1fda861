/*
 * range.h: range tombstones of one partition.
 *
 * A range tombstone deletes the clustering keys in [start, end), byte strings in key order (bounds
 * of key.h). They stand beside the rows of a partition, not between them, as a list that is sorted
 * and does not overlap: a cursor can walk either way and a read finds the deletion over a key by
 * binary search. docs/decisions/range-tombstones.md says why.
 */
#ifndef STRAIT_ROW_RANGE_H
#define STRAIT_ROW_RANGE_H

#include "base/arena.h"
#include "row/reconcile.h"

struct range_tombstone {
    struct slice start; /* included; lender: the source of the list */
    struct slice end;   /* not included; a single KEY_AFTER byte is "to the end of the partition" */
    struct deletion deletion;
};

/* Sorted by start, pieces do not overlap; adjacent pieces with one deletion are joined. */
struct range_list {
    const struct range_tombstone *items;
    uint32_t count;
};

/* The list that covers all that any of the input pieces covers, each key with its strongest deletion.
 * Inputs may overlap and come in any order. The result and its array live in `arena`, the bounds
 * stay borrowed from the inputs. */
status range_list_build(struct arena *arena, const struct range_tombstone *pieces, uint32_t count,
                        struct range_list *out_list);
/* The deletion over `clustering`, DELETION_NONE where there is none. */
struct deletion range_list_over(const struct range_list *list, struct slice clustering);

/* How a list travels in logs and tables: varint count, then per piece start, end, deletion. */
void range_list_encode(struct buffer *out, const struct range_list *list);
status range_list_decode(struct reader *in, struct arena *arena, struct range_list *out_list);

#endif
