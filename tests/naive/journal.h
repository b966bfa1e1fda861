/*
 * journal.h: everything that was ever written, and what a row is by it: nothing is applied, merged or thrown away.
 *
 * To read a cell, all its writes are looked through for the one that wins (TS-1 to TS-9), after all deletions were looked
 * through for one that covers it (TS-13, TS-14, DEL-1, DEL-3).
 */
#ifndef STRAIT_TESTS_NAIVE_JOURNAL_H
#define STRAIT_TESTS_NAIVE_JOURNAL_H

#include "schema.h"

enum {
    JOURNAL_MARKER = -1,  /* instead of a column */
    JOURNAL_NO_PATH = -1, /* not an element of a collection */
    JOURNAL_MAX = 4096,
};

/* Values of the primary key; clustering is unused for the static row. */
struct naive_key {
    int partition[NAIVE_PARTITION_MAX], clustering[NAIVE_CLUSTERING_MAX];
};

struct journal_write {
    struct naive_key key;
    int column, path, value;            /* value NAIVE_NULL: deleted */
    int64_t timestamp, ttl_s, expiry_s; /* ttl_s 0: never */
};

enum journal_deletion_kind {
    DELETED_PARTITION,
    DELETED_ROWS,       /* `prefix` clustering columns are equal, and the next one within the bounds */
    DELETED_COLLECTION, /* one column of one row */
};

struct journal_deletion {
    enum journal_deletion_kind kind;
    struct naive_key key;
    int prefix, low, high; /* low and high included */
    int column;
    int64_t timestamp;
};

struct journal {
    const struct naive_schema *schema;
    struct journal_write writes[JOURNAL_MAX];
    struct journal_deletion deletions[JOURNAL_MAX];
    int write_count, deletion_count;
};

bool naive_same_partition(const struct naive_schema *schema, const struct naive_key *a,
                          const struct naive_key *b);
bool naive_same_row(const struct naive_schema *schema, const struct naive_key *a, const struct naive_key *b);

/* The write that a reader sees; NULL for null. */
const struct journal_write *journal_cell(const struct journal *journal, const struct naive_key *key,
                                         int column, int path, int64_t now_s);
/* Is any element of a collection, or the cell itself, there? */
bool journal_has(const struct journal *journal, const struct naive_key *key, int column, int64_t now_s);
/* DEL-4: its marker, or one of its regular cells. */
bool journal_row_lives(const struct journal *journal, const struct naive_key *key, int64_t now_s);
bool journal_static_lives(const struct journal *journal, const struct naive_key *key, int64_t now_s);

#endif
