/*
 * reconcile.h: which write wins. The rules TS-1 to TS-14, TTL-7 and DEL-5, once for reads, flush,
 * compaction and LWT.
 */
#ifndef STRAIT_ROW_RECONCILE_H
#define STRAIT_ROW_RECONCILE_H

#include "row/row.h"

/* Where targets differ (Δ): handed down as values from the compatibility profile. */
struct reconcile_rules {
    bool smaller_ttl_wins; /* TS-8: ScyllaDB, on equal timestamp and expiry */
};

/* > 0 when `a` wins over `b`, < 0 when `b` does, 0 when they are the same write (TS-5 to TS-10). */
int cell_compare(const struct reconcile_rules *rules, const struct cell *a, const struct cell *b);
int marker_compare(const struct reconcile_rules *rules, const struct marker *a, const struct marker *b);
/* TS-14: higher timestamp, then later time. */
int deletion_compare(struct deletion a, struct deletion b);
static inline struct deletion deletion_max(struct deletion a, struct deletion b)
{
    return deletion_compare(a, b) >= 0 ? a : b;
}

/* Append to `out` the image that the writes `a` and `b` to one row make together. */
status row_merge(const struct reconcile_rules *rules, struct slice a, struct slice b, struct buffer *out);

/*
 * What is left of a row for a reader at `now_s`, under `cover`, the strongest range or partition
 * deletion over it: no dead, expired or covered cell, no row deletion.
 * *out_live is false when neither marker nor any cell is left (DEL-4); then nothing is appended.
 * What was skipped because it is dead or expired (cells, the marker, and the row's own deletion) and
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
