/*
 * system_tables.h: the tables that drivers read when they connect, and ours: descriptions and generators.
 *
 * Columns and types are those that drivers need (SCH-1 to SCH-4); a column that only one kind of target has says so.
 */
#ifndef STRAIT_CQL_SYSTEM_TABLES_H
#define STRAIT_CQL_SYSTEM_TABLES_H

#include "cql/database_internal.h"
#include "cql/virtual.h"

enum system_target {
    SYSTEM_SCYLLA = TARGETS_SCYLLA,
    SYSTEM_CASSANDRA = TARGETS_CASSANDRA,
    SYSTEM_CASSANDRA_5 = TARGET_CASSANDRA_5_0,
    SYSTEM_BOTH = TARGETS_ALL,
};

/* One table as described; virtual_table.columns of those that the target has are picked from it. */
struct system_table {
    struct virtual_table table;
    unsigned targets;
    const struct system_column {
        struct virtual_column column;
        unsigned targets;
    } * columns;
    uint32_t column_count;
};

/* How the files below write their columns and tables. */
#define SYSTEM_COLUMN(n, t, k, on)                    \
    {                                                 \
        {.name = (n), .type = (t), .kind = (k)}, (on) \
    }
#define KEY(n, t)        SYSTEM_COLUMN(n, t, COLUMN_PARTITION, SYSTEM_BOTH)
#define CLUSTERING(n, t) SYSTEM_COLUMN(n, t, COLUMN_CLUSTERING, SYSTEM_BOTH)
#define REGULAR(n, t)    SYSTEM_COLUMN(n, t, COLUMN_REGULAR, SYSTEM_BOTH)
#define TABLE(space, table_name, note, column_list, make)                                            \
    {                                                                                                \
        .table = {.keyspace = (space), .name = (table_name), .comment = (note), .generate = (make)}, \
        .targets = SYSTEM_BOTH, .columns = (column_list), .column_count = ARRAY_LEN(column_list)     \
    }

/* One that can be told something. */
#define TOLD_TABLE(space, table_name, note, column_list, make, tell)                             \
    {                                                                                            \
        .table = {.keyspace = (space),                                                           \
                  .name = (table_name),                                                          \
                  .comment = (note),                                                             \
                  .generate = (make),                                                            \
                  .write = (tell)},                                                              \
        .targets = SYSTEM_BOTH, .columns = (column_list), .column_count = ARRAY_LEN(column_list) \
    }

struct system_table_list {
    const struct system_table *tables;
    size_t count;
};

/* Each file's own. */
extern const struct system_table_list system_local_tables;
extern const struct system_table_list system_schema_tables;
extern const struct system_table_list system_strait_tables;
extern const struct system_table_list system_snapshot_tables;
extern const struct system_table_list system_index_tables;

/* Of a table that exists and is empty. */
bool system_generate_nothing(const struct virtual_context *context, struct virtual_rows *rows,
                             struct cql_error *error);

/* Wire forms of frozen<map<text, text>>, list<text> and set<text>. */
void system_wire_map(struct buffer *out, const struct cql_option_map *map);
void system_wire_texts(struct buffer *out, const char *const *texts, uint32_t count);

/* The database behind a generator. */
static inline struct cql_database *system_database(const struct virtual_context *context)
{
    return (struct cql_database *)context->database;
}

#endif
