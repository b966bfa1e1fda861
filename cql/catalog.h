/*
 * catalog.h: the schema: keyspaces, types, tables, columns, indexes.
 *
 * A catalog is immutable and counted. A schema change makes a new one beside the old; statements that run keep the one
 * they were planned with. It is loaded from, and kept in, the properties of the store (catalog_store.c); a table's
 * columns and options are the properties of its store table.
 *
 * Ownership   A table is counted on its own and shared by every catalog that has it unchanged: a schema change costs
 *             its own table and a copy of pointers. Everything in a table lives in the table's arena; keyspaces live in
 *             their catalog's. A catalog holds one reference on each of its tables.
 * Threads     Published catalogs and sealed tables are immutable; counts are atomic.
 */
#ifndef STRAIT_CQL_CATALOG_H
#define STRAIT_CQL_CATALOG_H

#include "cql/type.h"
#include "engine/store.h"

enum {
    TABLE_COLUMNS_MAX = 4096,
};

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
    uint32_t id; /* in row images; never given twice within a table */
};

/* A map of texts, as replication, compaction and caching are. */
struct cql_option_map {
    struct cql_option {
        const char *key, *value;
    } * items; /* sorted by key */
    uint32_t count;
};

/* What of its column an index has entries for. */
enum index_target {
    INDEX_ON_VALUE,   /* the value itself; of a frozen collection the whole, FULL(c) */
    INDEX_ON_KEYS,    /* each key of a map */
    INDEX_ON_VALUES,  /* each value of a map or list, each element of a set */
    INDEX_ON_ENTRIES, /* each key with its value */
};

struct cql_index {
    const char *name;
    const struct cql_table *table;   /* borrowed: the catalog's */
    const struct cql_column *column; /* borrowed: the table's */
    enum index_target target;
    bool is_local;                 /* ScyllaDB's ((pk), c): serves only what names the partition */
    const char *custom_class;      /* as given, of a CUSTOM index; else NULL */
    bool is_sai;                   /* serves ranges too, and any number of restrictions together */
    struct cql_option_map options; /* of a CUSTOM index */
    uint64_t store_id;             /* its own store table */
    uint8_t uuid[16];
};

/* In place of an operator: IS NOT NULL of a column that is not in the view's key, which has no effect. */
enum { VIEW_FILTER_SHOWN = UINT8_MAX };

/* One relation of a view's WHERE clause. */
struct cql_view_filter {
    const char *column;   /* of the base */
    const char *text;     /* what stands behind the column: "IS NOT NULL", "> 5" */
    uint8_t op;           /* enum ast_operator: IS_NOT_NULL, EQ, LT, LE, GT, GE, IN; VIEW_FILTER_SHOWN */
    struct slice *values; /* wire bytes */
    uint32_t value_count;
};

/* What makes a table a materialized view (view.h). */
struct cql_view {
    const char *base; /* in the same keyspace */
    bool all_columns; /* SELECT * */
    struct cql_view_filter *filters;
    uint32_t filter_count;
};

/* Options as given and as shown in system_schema.tables; defaults where not given. */
struct cql_table_options {
    double bloom_filter_fp_chance, crc_check_chance, dclocal_read_repair_chance, read_repair_chance;
    const char *comment, *speculative_retry, *additional_write_policy, *read_repair, *memtable;
    int32_t default_time_to_live, gc_grace_seconds, max_index_interval, min_index_interval,
        memtable_flush_period_in_ms;
    bool cdc, allow_auto_snapshot, incremental_backups;
    bool compaction_given; /* by a statement, so that the engine follows it rather than its own choice */
    struct cql_option_map caching, compaction, compression, extensions;
};

/* A column that ALTER TABLE dropped: a later one of its name must fit it (SCH-10). */
struct cql_dropped_column {
    const char *name;
    const struct type *type;
    enum column_kind kind;
    int64_t dropped_us;
};

struct virtual_table; /* virtual.h */

struct cql_table {
    const char *keyspace, *name;
    uint8_t uuid[16];
    uint64_t store_id;                    /* 0 for a virtual table */
    const struct virtual_table *virtual_; /* NULL for a stored one */
    struct cql_column
        *columns; /* partition key, clustering key, static by name, regular by name: the order of SELECT * */
    uint32_t column_count, partition_count, clustering_count;
    uint32_t static_count;
    uint32_t next_column_id;
    struct cql_table_options options;
    const struct cql_index **indexes; /* sorted by name */
    uint32_t index_count;
    struct key_column *clustering; /* of clustering_count: how keys are encoded */
    struct cql_dropped_column *dropped;
    uint32_t dropped_count;
    const struct cql_view *view; /* NULL for a table that is none */
    const char **views;          /* names of the views on it, sorted; in the same keyspace */
    uint32_t view_count;
    uint8_t digest[16]; /* of its encoding; zero for a virtual table */

    const struct cql_column **by_name; /* of column_count, sorted */
    struct arena arena;                /* owns everything above */
    uint32_t column_capacity, index_capacity, dropped_capacity, view_capacity;
    _Atomic uint32_t references;
};

struct cql_keyspace {
    const char *name;
    struct cql_option_map replication; /* with "class" */
    bool durable_writes;
    bool virtual_;
    const struct type **types; /* user-defined, not frozen; sorted by name */
    uint32_t type_count, type_capacity;
    struct cql_table **tables; /* sorted by name; counted */
    uint32_t table_count, table_capacity;
};

struct catalog {
    struct arena arena; /* owns everything below but the tables */
    _Atomic uint32_t references;
    uint64_t generation;             /* rises with every change */
    uint8_t version[16];             /* schema_version, a uuid made from the contents (SCH-4) */
    struct cql_keyspace **keyspaces; /* sorted by name; the system ones included */
    uint32_t keyspace_count, keyspace_capacity;
};

const struct cql_keyspace *catalog_keyspace(const struct catalog *catalog, const char *name);
const struct cql_table *catalog_table(const struct catalog *catalog, const char *keyspace, const char *name);
/* The user-defined type of that name, not frozen; NULL when there is none. */
const struct type *catalog_type(const struct catalog *catalog, const char *keyspace, const char *name);
const struct cql_column *table_column(const struct cql_table *table, const char *name);
/* A counter table: its columns outside the key are counters, or were before they were dropped (CNT-1). */
bool table_counts(const struct cql_table *table);
/* Is anything derived from its rows: indexes, views? */
static inline bool table_has_derived(const struct cql_table *table)
{
    return table->index_count || table->view_count;
}
/* The first index on the column, whatever its target. */
const struct cql_index *table_index_on(const struct cql_table *table, const struct cql_column *column);
/* View number `at` of the table. */
const struct cql_table *catalog_view(const struct catalog *catalog, const struct cql_table *base,
                                     uint32_t at);
const struct cql_index *catalog_index(const struct catalog *catalog, const char *keyspace, const char *name);

/* ---- making one ---- */

/* An empty catalog with one reference; NULL when memory ran out. */
struct catalog *catalog_new(void);
/* A copy to be changed: the same tables, one generation on. */
struct catalog *catalog_clone(const struct catalog *catalog);
struct catalog *catalog_ref(struct catalog *catalog);
void catalog_unref(struct catalog *catalog); /* NULL is welcome */

/* Add a keyspace, or give an existing one new options; strings are copied. STATUS_NOMEM. */
status catalog_put_keyspace(struct catalog *catalog, const char *name,
                            const struct cql_option_map *replication, bool durable_writes, bool is_virtual);
void catalog_drop_keyspace(struct catalog *catalog, const char *name);
/* Add a user-defined type to its keyspace, or replace the one of its name; it is copied. Tables that use it are the caller's to
 * replace too: each has the definitions of its types in itself. STATUS_NOMEM, STATUS_NOT_FOUND. */
status catalog_put_type(struct catalog *catalog, const struct type *udt);
void catalog_drop_type(struct catalog *catalog, const char *keyspace, const char *name);
/* Add a sealed table to its keyspace, or replace the one of its name. Takes the caller's reference over, also on
 * failure: STATUS_NOMEM, STATUS_NOT_FOUND when there is no such keyspace. */
status catalog_put_table(struct catalog *catalog, struct cql_table *table);
void catalog_drop_table(struct catalog *catalog, const char *keyspace, const char *name);
/* Set `version` from the contents. To be called once, before the catalog is published. */
status catalog_stamp(struct catalog *catalog);

/* A table without columns, one reference; NULL when memory ran out. Add, then seal. */
struct cql_table *table_new(const char *keyspace, const char *name);
/* A copy to be changed, not sealed. */
struct cql_table *table_clone(const struct cql_table *table);
void table_ref(struct cql_table *table);
void table_unref(struct cql_table *table); /* NULL is welcome */
/* Name and type are copied; the column's id is taken as it is. */
status table_add_column(struct cql_table *table, const struct cql_column *column);
/* STATUS_NOT_FOUND when there is none. */
status table_drop_column(struct cql_table *table, const char *name);
status table_add_dropped(struct cql_table *table, const struct cql_dropped_column *dropped);
/* A copy of `index`, whose `table` and `column` do not count; the column is resolved by name when the table is sealed. */
status table_add_index(struct cql_table *table, const struct cql_index *index, const char *column);
void table_drop_index(struct cql_table *table, const char *name);
/* Give every column that mentions `udt` its new definition; dropped ones too. */
status table_replace_type(struct cql_table *table, const struct type *udt);
/* The user-defined types of the columns become those of another keyspace. */
status table_move_types(struct cql_table *table, const char *keyspace);
/* Make the table a view; everything is copied. */
status table_set_view(struct cql_table *table, const struct cql_view *view);
/* Note, or forget, that a view of that name is on the table. */
status table_add_view(struct cql_table *table, const char *name);
void table_drop_view(struct cql_table *table, const char *name);
/* Sort the columns, number those whose id is COLUMN_ID_NEW, resolve the indexes, derive the key encoding. STATUS_INVALID when the
 * columns do not make a table: positions with gaps, two of one name, a clustering type that has no key order. */
#define COLUMN_ID_NEW UINT32_MAX
status table_seal(struct cql_table *table);

/* A sorted copy in `arena`. */
status option_map_copy(struct arena *arena, const struct cql_option_map *map, struct cql_option_map *out_map);
/* NULL when the map has no such key. */
const char *option_map_get(const struct cql_option_map *map, const char *key);

/* ---- in the store (catalog_store.c) ---- */

/* The properties of a table's store table, and those of an index's. */
void catalog_encode_table(struct buffer *out, const struct cql_table *table);
void catalog_encode_index(struct buffer *out, const struct cql_table *table, const char *index_name);
/* The property of a keyspace: its name in the store and its value. */
void catalog_encode_keyspace(struct buffer *out_name, struct buffer *out_value,
                             const struct cql_keyspace *keyspace);
/* A sealed table; *out_table is NULL when the bytes are those of an index's table, and *out_base_id says whose.
 * STATUS_CORRUPT, STATUS_UNSUPPORTED for a newer version. */
status catalog_decode_table(struct slice properties, uint64_t store_id, struct cql_table **out_table,
                            uint64_t *out_base_id);
status catalog_decode_keyspace(struct slice name, struct slice value, struct arena *arena,
                               struct cql_keyspace *out_keyspace);
/* Add every keyspace and table of the store to `catalog`. Index tables that no table lists any more are left by a
 * crash inside CREATE INDEX: they are dropped, unless the store is read-only. */
status catalog_load(struct catalog *catalog, struct store *store, bool read_only);

#endif
