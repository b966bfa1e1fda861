/*
 * system_snapshots.c: snapshots, restores and clones of keyspaces, for whoever has nothing but a driver:
 *
 *     INSERT INTO strait.snapshots (keyspace_name, name) VALUES ('app', 'base')          take one, or take it anew
 *     INSERT INTO strait.restores (keyspace_name, name) VALUES ('app', 'base')           go back to it
 *     INSERT INTO strait.clones (keyspace_name, source) VALUES ('test_1', 'app')         a copy of a keyspace
 *     INSERT INTO strait.clones (keyspace_name, source, name) VALUES (...)               a copy of its snapshot
 *     DELETE FROM strait.snapshots WHERE keyspace_name = 'app' AND name = 'base'         forget it
 */
#include "cql/snapshot.h"
#include "cql/system_tables.h"

static const struct system_column snapshots_columns[] = {
    KEY("keyspace_name", "text"),       CLUSTERING("name", "text"),
    REGULAR("created_at", "timestamp"), REGULAR("tables", "int"), /* with indexes */
    REGULAR("bytes", "bigint"), /* of files; shared with the tables and other snapshots */
};

static const struct system_column restores_columns[] = {
    KEY("keyspace_name", "text"),
    CLUSTERING("name", "text"),
};

static const struct system_column clones_columns[] = {
    KEY("keyspace_name", "text"),
    REGULAR("source", "text"),
    REGULAR("name", "text"),
};

static bool generate_snapshots(const struct virtual_context *context, struct virtual_rows *rows,
                               struct cql_error *error)
{
    (void)error;
    struct buffer above = {0};
    struct snapshot_listed listed;
    while (snapshot_next(context->store, &above, rows->arena, &listed)) {
        virtual_row_begin(rows);
        virtual_row_text(rows, "keyspace_name", listed.keyspace);
        virtual_row_text(rows, "name", listed.name);
        virtual_row_bigint(rows, "created_at", listed.created_us / 1000);
        virtual_row_int(rows, "tables", (int32_t)listed.table_count);
        virtual_row_bigint(rows, "bytes", (int64_t)listed.bytes);
    }
    buffer_deinit(&above);
    return true;
}

static bool refuse(const struct virtual_context *context, const struct virtual_write *write, const char *what,
                   struct cql_error *error)
{
    return cql_refuse(error, context->profile, MSG_VIRTUAL_WRITE, write->table->keyspace, write->table->name,
                      what);
}

/* A text that must be there and say something. */
static bool need(const struct virtual_context *context, const struct virtual_write *write, const char *column,
                 const char **out_text, struct cql_error *error)
{
    if (virtual_write_text(write, column, out_text) && *out_text && **out_text)
        return true;
    return cql_refuse(error, context->profile, MSG_VIRTUAL_VALUE, write->table->keyspace, write->table->name,
                      column);
}

static struct snapshot_request request_of(const struct virtual_context *context,
                                          const struct virtual_write *write, struct cql_error *error)
{
    return (struct snapshot_request){.database = system_database(context),
                                     .scratch = write->scratch,
                                     .result = write->result,
                                     .error = error};
}

static bool write_snapshots(const struct virtual_context *context, const struct virtual_write *write,
                            struct cql_error *error)
{
    struct snapshot_request request = request_of(context, write, error);
    const char *keyspace, *name;
    if (!need(context, write, "keyspace_name", &keyspace, error) ||
        !need(context, write, "name", &name, error))
        return false;
    for (uint32_t i = write->table->partition_count + write->table->clustering_count;
         i < write->table->column_count; i++)
        if (write->values[i].kind == CQL_VALUE)
            return refuse(context, write, "keyspace_name and name", error);
    return write->deletes ? snapshot_drop(&request, keyspace, name)
                          : snapshot_create(&request, keyspace, name);
}

static bool write_restores(const struct virtual_context *context, const struct virtual_write *write,
                           struct cql_error *error)
{
    struct snapshot_request request = request_of(context, write, error);
    const char *keyspace, *name;
    if (write->deletes)
        return refuse(context, write, "INSERT", error);
    return need(context, write, "keyspace_name", &keyspace, error) &&
           need(context, write, "name", &name, error) && snapshot_restore(&request, keyspace, name);
}

static bool write_clones(const struct virtual_context *context, const struct virtual_write *write,
                         struct cql_error *error)
{
    struct snapshot_request request = request_of(context, write, error);
    const char *keyspace, *source, *name;
    if (write->deletes)
        return refuse(context, write, "INSERT", error);
    if (!need(context, write, "keyspace_name", &keyspace, error) ||
        !need(context, write, "source", &source, error))
        return false;
    if (!virtual_write_text(write, "name", &name))
        return need(context, write, "name", &name, error);
    return snapshot_clone(&request, keyspace, source, name);
}

static const struct system_table tables[] = {
    TOLD_TABLE("strait", "snapshots", "snapshots of keyspaces: INSERT takes one, DELETE forgets it",
               snapshots_columns, generate_snapshots, write_snapshots),
    TOLD_TABLE("strait", "restores", "INSERT brings a keyspace back to its snapshot", restores_columns,
               system_generate_nothing, write_restores),
    TOLD_TABLE("strait", "clones", "INSERT makes a keyspace that is like another, or like its snapshot",
               clones_columns, system_generate_nothing, write_clones),
};

const struct system_table_list system_snapshot_tables = {.tables = tables, .count = ARRAY_LEN(tables)};
