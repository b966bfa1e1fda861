/*
 * oracle.h: what a store must answer, worked out the naive way.
 *
 * Every cell and every element keeps the write that wins by the rules TS-1 to TS-14 and CNT-5; DEL-3, TTL-6 and DEL-4 are
 * applied when reading. Written from the rules alone: nothing of row/ is used, and nothing is ever forgotten.
 *
 * It also counts what it is given: a generator that never makes the interesting cases proves nothing.
 */
#ifndef STRAIT_TESTS_ENGINE_ORACLE_H
#define STRAIT_TESTS_ENGINE_ORACLE_H

#include "base/buffer.h"
#include "notation.h"

enum {
    ORACLE_TABLES = 64, /* ids below; a table that was dropped never comes back */
    ORACLE_PARTITIONS = 8,
    ORACLE_ROWS = 48,
    ORACLE_COLUMNS = 7,
    ORACLE_PATHS = 8,
};

/* The paths that elements may have, in order. */
extern const char *const oracle_paths[ORACLE_PATHS];

/* What may happen to a write, for each place that writes meet in. */
enum oracle_place {
    ORACLE_MARKER,
    ORACLE_CELL,
    ORACLE_ELEMENT,
    ORACLE_COUNTER,
    ORACLE_PLACES,
};

enum oracle_event {
    MET_NOTHING,
    MET_OLDER,
    MET_NEWER,
    TIE_WITH_TOMBSTONE, /* TS-5 */
    TIE_OF_TOMBSTONES,  /* TS-10 */
    TIE_OF_VALUES,      /* TS-9 */
    MET_FINAL_DELETE,   /* CNT-5 */
    READ_LIVE,
    READ_DEAD,
    READ_EXPIRED,
    READ_COVERED,            /* by a deletion of row, range or partition */
    READ_COVERED_BY_COMPLEX, /* DEL-3 */
    ORACLE_EVENTS,
};

struct oracle_counts {
    unsigned long long events[ORACLE_PLACES][ORACLE_EVENTS];
    unsigned long long partition_deletions, range_deletions, row_deletions, complex_deletions, static_rows;
};

struct oracle;

struct oracle *oracle_new(void);
/* As in reconcile_rules; to be said before the first write. */
void oracle_counters_restart(struct oracle *oracle);
void oracle_free(struct oracle *oracle);
/* Carry out a batch of notation.h as of `now_s`. Partitions are named p0, p1, ... */
void oracle_apply(struct oracle *oracle, const char *text, int64_t now_s);
void oracle_clear(struct oracle *oracle, uint64_t table_id);

/* As contents() and slice_contents(), which they are compared with. `order` is how partitions are ordered. */
void oracle_contents(const struct oracle *oracle, uint64_t table_id, const unsigned order[ORACLE_PARTITIONS],
                     int64_t now_s, struct buffer *out);
void oracle_slice(const struct oracle *oracle, uint64_t table_id, unsigned partition, bool reverse,
                  int64_t from, unsigned limit, int64_t now_s, struct buffer *out);

/* Add what was counted so far to `sum`. */
void oracle_counts_add(const struct oracle *oracle, struct oracle_counts *sum);
/* Fail when something that writes and readers should have met never happened. */
void oracle_counts_check(const struct oracle_counts *counts);
/* A table of what was counted, on standard output. */
void oracle_counts_print(const struct oracle_counts *counts);

#endif
