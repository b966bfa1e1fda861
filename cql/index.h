/*
 * index.h: secondary indexes, kept with every write and read through (IDX-1 to IDX-3).
 *
 * An index is a store table of its own. Its partition key is the indexed value's wire bytes; its clustering key is the base
 * row's address in the order rows are returned in: token (KEY_INT64), partition key (KEY_BYTES), then the base clustering
 * key as it is. An entry is a row with nothing but a marker, which carries the timestamp and TTL of the cell it stands for.
 *
 *     An entry may outlive its row: readers look at the base row and believe only that.
 *     A live row always has its entry: that is what writers keep, under the lock of the base partition.
 *
 * A value that changes takes its entry along by a row tombstone with the timestamp of the old cell. Such a tombstone can
 * hide nothing but that cell's own entry, whatever order writes arrive in. Entries of key columns have no TTL and live
 * while the row may: they go only when a deletion of the row, a range or the partition leaves nothing of it.
 */
#ifndef STRAIT_CQL_INDEX_H
#define STRAIT_CQL_INDEX_H

#include "cql/plan_internal.h"

enum {
    INDEX_VALUE_BYTES_MAX = 65535,
};

/* The index partition of a value. An empty value shares the partition of the byte 0: base rows tell them apart. */
struct slice index_partition_bytes(struct slice value);
/* The clustering key of the entry of a row, or with an empty `clustering` what all entries of a partition begin with. */
void index_entry_key(struct buffer *out, struct partition_key key, struct slice clustering);
/* The reverse; `out_partition` is filled with the partition key, *out_clustering borrows from `entry`. */
status index_entry_split(struct slice entry, struct buffer *out_partition, struct slice *out_clustering);

/*
 * Apply `base`, whose mutations touch `tables` and perhaps others without indexes, together with what it does to their
 * indexes: one atomic batch, under the locks of the partitions it changes. `plain` when no table has an index.
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
