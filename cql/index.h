/*
 * index.h: what is derived from the rows of a table, indexes and materialized views, kept with every write (IDX-1 to IDX-6).
 *
 * Both are store tables whose rows are *entries*: keys with nothing but a marker.
 *
 *     index   partition key: the indexed value's wire bytes; clustering key: the base row's address in the order rows are
 *             returned in: token (KEY_INT64), partition key (KEY_BYTES), then the base clustering key as it is. An index on
 *             a static column has one entry per partition, without a base clustering key.
 *     view    the view's own primary key, which has every column of the base's (view.h).
 *
 * An entry is there exactly while its base row says so: as long as the row, or the cell that it was made from, lives, and
 * its marker expires with that. Readers look every entry's base row up all the same and believe only that.
 *
 * Entries are not reconciled by the timestamps of the cells they stand for. Writers hold the lock of the base partition, so
 * what they do to one entry has an order, and each takes the next *version* as the timestamp of what it writes
 * (index_version.c): the last writer has the last word, whatever timestamps the base was written with. This is what makes
 * late, equal and deleted writes right; docs/decisions/materialized-views.md has the cases.
 */
#ifndef STRAIT_CQL_INDEX_H
#define STRAIT_CQL_INDEX_H

#include "cql/plan_internal.h"

enum {
    INDEX_VALUE_BYTES_MAX = 65535,
};

struct restriction;
/* index_serve.c: does the index find the rows that a restriction asks for? One that serves ranges does not find them, it stands
 * for a filter that needs no ALLOW FILTERING. */
bool index_serves(const struct cql_index *index, const struct restriction *restriction);
bool index_finds(const struct cql_index *index, const struct restriction *restriction);
/* The value that the entries of a restriction stand under, in the scratch arena; false in *out_some when there is none. */
bool index_wanted_value(struct plan_run *run, const struct restriction *restriction, struct slice *out_value,
                        bool *out_some);
/* "c", "keys(c)": as CREATE INDEX takes it. */
void index_target_text(struct buffer *out, const struct cql_index *index, const struct cql_target *target,
                       bool quoted);

/* One entry of an index or a view, in the scratch arena. */
struct entry {
    struct slice partition, clustering;
    int32_t ttl_s; /* 0: does not expire */
    int64_t expiry_s;
};

struct entry_list {
    struct entry *items;
    uint32_t count, capacity;
};

/* The index partition of a value. An empty value shares the partition of the byte 0: base rows tell them apart. */
struct slice index_partition_bytes(struct slice value);
/* The clustering key of the entry of a row, or with an empty `clustering` what all entries of a partition begin with. */
void index_entry_key(struct buffer *out, struct partition_key key, struct slice clustering);
/* The reverse; `out_partition` is filled with the partition key, *out_clustering borrows from `entry`. */
status index_entry_split(struct slice entry, struct buffer *out_partition, struct slice *out_clustering);

/*
 * Apply `base`, whose mutations touch `tables` and perhaps others without indexes and views, together with what it does to
 * those: one atomic batch, under the locks of the partitions it changes. 
 */
bool index_apply(struct plan_run *run, const struct cql_table *const *tables, uint32_t table_count,
                 struct batch *base);
/* store_apply() or its deferred form, as the context says. */
bool index_apply_batch(struct plan_run *run, const struct batch *batch);

/* The same for a caller that holds the locks of all partitions of `base`. */
bool index_apply_locked(struct plan_run *run, const struct cql_table *const *tables, uint32_t table_count,
                        const struct batch *base);

/* The same in two steps, for a caller that holds the locks itself (LWT): append the index mutations of `base` to `out`. */
bool index_mutations(struct plan_run *run, const struct cql_table *const *tables, uint32_t table_count,
                     const struct batch *base, struct batch *out);

#endif
