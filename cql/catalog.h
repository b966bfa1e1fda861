/*
 * catalog.h: the schema: keyspaces, tables, columns, indexes.
 *
 * A catalog is immutable and counted. A schema change makes a new one beside the old; statements that run keep the one
 * they were planned with. It is loaded from, and kept in, the properties of the store (catalog_store.c); a table's
 * columns and options are the properties of its store table.
 */
#ifndef STRAIT_CQL_CATALOG_H
#define STRAIT_CQL_CATALOG_H

#include "cql/type.h"
#include "engine/store.h"

enum column_kind {
    COLUMN_PARTITION,
    COLUMN_CLUSTERING,
    COLUMN_STATIC,
    COLUMN_REGULAR,
};

struct cql_column {
    const char *name;
    const struct type *type;
    enum column_kind kind;
    uint32_t position; /* within the partition or the clustering key */
    bool descending;
    uint32_t id;       /* in row images; never given twice within a table */
};

struct cql_index {
    const char *name;
    const struct cql_table *table;   /* borrowed: the catalog's */
    const struct cql_column *column; /* borrowed: the table's */
    uint64_t store_id;               /* its own store table */
    uint8_t uuid[16];
};

/* Options as given and as shown in system_schema.tables; defaults where not given. */
struct cql_table_options {
    double bloom_filter_fp_chance, crc_check_chance, dclocal_read_repair_chance, read_repair_chance;
    const char *comment, *speculative_retry, *additional_write_policy, *read_repair, *memtable;
    int32_t default_time_to_live, gc_grace_seconds, max_index_interval, min_index_interval, memtable_flush_period_in_ms;
    bool cdc, allow_auto_snapshot, incremental_backups;
    struct cql_option_map {
        struct cql_option {
            const char *key, *value;
        } *items; /* sorted by key */
        uint32_t count;
    } caching, compaction, compression, extensions;
};

struct virtual_table; /* system_tables.h */

struct cql_table {
    const char *keyspace, *name;
    uint8_t uuid[16];
    uint64_t store_id; /* 0 for a virtual table */
    const struct virtual_table *virtual_; /* NULL for a stored one */
    struct cql_column *columns; /* partition key, clustering key, then static and regular by name: the order of SELECT * */
    uint32_t column_count, partition_count, clustering_count;
    uint32_t static_count;
    uint32_t next_column_id;
    struct cql_table_options options;
    const struct cql_index **indexes;
    uint32_t index_count;
    struct key_column *clustering; /* of clustering_count: how keys are encoded */
};

struct cql_keyspace {
    const char *name;
    struct cql_option_map replication; /* with "class" */
    bool durable_writes;
    bool virtual_;
    struct cql_table **tables; /* sorted by name */
    uint32_t table_count;
};

struct catalog {
    struct arena arena; /* owns everything below */
    uint32_t references;         /* guarded by the database's RANK_CATALOG lock */
    uint64_t generation;         /* rises with every change */
    uint8_t version[16];         /* schema_version, a uuid; changes with every change (SCH-4) */
    struct cql_keyspace **keyspaces; /* sorted by name; the system ones included */
    uint32_t keyspace_count;
};

const struct cql_keyspace *catalog_keyspace(const struct catalog *catalog, const char *name);
const struct cql_table *catalog_table(const struct catalog *catalog, const char *keyspace, const char *name);
const struct cql_column *table_column(const struct cql_table *table, const char *name);
const struct cql_index *table_index_on(const struct cql_table *table, const struct cql_column *column);
const struct cql_index *catalog_index(const struct catalog *catalog, const char *keyspace, const char *name);

#endif
