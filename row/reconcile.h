/*
 * reconcile.h: which write wins. The rules TS-1 to TS-14, TTL-7, TTL-8, DEL-3 and DEL-5, once for reads, flush,
 * compaction and LWT. Elements of a collection are reconciled one by one, as cells are.
 */
#ifndef STRAIT_ROW_RECONCILE_H
#define STRAIT_ROW_RECONCILE_H

#include "row/row.h"

/* Where targets differ (Δ): handed down as values from the compatibility profile. */
struct reconcile_rules {
    bool smaller_ttl_wins; /* TS-8: ScyllaDB, on equal timestamp and expiry */
    /* CNT-5: an increment after a DELETE counts from 0. Else the DELETE of a counter is final until it is forgotten, as
     * in ScyllaDB; what a row deletion between the two leaves then depends on when the three meet. */
    bool counters_restart;
};

/* > 0 when `a` wins over `b`, < 0 when `b` does, 0 when they are the same write (TS-5 to TS-10, CNT-5). Both stand at
 * one place: the same column and path, and both or neither a complex deletion. */
int cell_compare(const struct reconcile_rules *rules, const struct cell *a, const struct cell *b);
int marker_compare(const struct reconcile_rules *rules, const struct marker *a, const struct marker *b);
/* TS-14: higher timestamp, then later time. */
int deletion_compare(struct deletion a, struct deletion b);
static inline struct deletion deletion_max(struct deletion a, struct deletion b)
{
    return deletion_compare(a, b) >= 0 ? a : b;
}

/* The complex deletion met last on a walk over rising cells: what it covers comes right behind it. */
struct element_cover {
    uint32_t column;
    int64_t timestamp;
};

#define ELEMENT_COVER_NONE ((struct element_cover){.timestamp = TIMESTAMP_NONE})

/* Every cell that stays is shown to the cover; true for an element that the deletion before it covers. */
static inline bool element_covered(struct element_cover *cover, const struct cell *cell)
{
    if (cell->path.bytes)
        return cell->timestamp <= cover->timestamp && cell->column == cover->column;
    if (cell->kind == CELL_COMPLEX_DELETION)
        *cover = (struct element_cover){.column = cell->column, .timestamp = cell->timestamp};
    return false;
}

/* Append to `out` the image that the writes `a` and `b` to one row make together. */
status row_merge(const struct reconcile_rules *rules, struct slice a, struct slice b, struct buffer *out);

/*
 * What is left of a row for a reader at `now_s`, under `cover`, the strongest range or partition
 * deletion over it: no dead, expired or covered cell, no row deletion and no complex deletion.
 * *out_live is false when neither marker nor any cell is left (DEL-4); then nothing is appended.
 * What was skipped because it is dead or expired (cells, the marker, complex deletions and the row's own) and
 * not because `cover` hides it, is added to *tombstones (DEL-11).
 */
status row_live(struct slice image, struct deletion cover, int64_t now_s, struct buffer *out, bool *out_live,
                uint64_t *tombstones);

/* What compaction may forget (DEL-5): deletions older than gc_before_s whose timestamp is below
 * max_purgeable_timestamp, the least timestamp that any source outside the compaction may hold. */
struct purge {
    int64_t now_s;
    int64_t gc_before_s;
    int64_t max_purgeable_timestamp;
};

bool deletion_purgeable(const struct purge *purge, struct deletion deletion);
/* Drop what `cover` hides and what may be forgotten; expired cells become tombstones (TTL-7).
 * *out_empty when nothing at all is left; then nothing is appended. */
status row_purge(struct slice image, struct deletion cover, const struct purge *purge, struct buffer *out,
                 bool *out_empty);

#endif
