/* system_local.c: system.local, peers, peers_v2, IndexInfo and the tables of traces (SCH-1 to SCH-4, SCH-11). */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "cql/system_tables.h"

/* The node owns the whole ring, with one token: drivers want one at least. */
static const char node_token[] = "0";

static const struct system_column local_columns[] = {
    KEY("key", "text"),
    REGULAR("bootstrapped", "text"),
    REGULAR("broadcast_address", "inet"),
    REGULAR("broadcast_port", "int"),
    REGULAR("cluster_name", "text"),
    REGULAR("cql_version", "text"),
    REGULAR("data_center", "text"),
    REGULAR("gossip_generation", "int"),
    REGULAR("host_id", "uuid"),
    REGULAR("listen_address", "inet"),
    REGULAR("listen_port", "int"),
    REGULAR("native_protocol_version", "text"),
    REGULAR("partitioner", "text"),
    REGULAR("rack", "text"),
    REGULAR("release_version", "text"),
    REGULAR("rpc_address", "inet"),
    REGULAR("rpc_port", "int"),
    REGULAR("schema_version", "uuid"),
    REGULAR("tokens", "set<text>"),
    REGULAR("truncated_at", "map<uuid, blob>"),
};

static const struct system_column peers_columns[] = {
    KEY("peer", "inet"),
    REGULAR("data_center", "text"),
    REGULAR("host_id", "uuid"),
    REGULAR("preferred_ip", "inet"),
    REGULAR("rack", "text"),
    REGULAR("release_version", "text"),
    REGULAR("rpc_address", "inet"),
    REGULAR("schema_version", "uuid"),
    REGULAR("tokens", "set<text>"),
};

static const struct system_column peers_v2_columns[] = {
    KEY("peer", "inet"),
    CLUSTERING("peer_port", "int"),
    REGULAR("data_center", "text"),
    REGULAR("host_id", "uuid"),
    REGULAR("native_address", "inet"),
    REGULAR("native_port", "int"),
    REGULAR("preferred_ip", "inet"),
    REGULAR("preferred_port", "int"),
    REGULAR("rack", "text"),
    REGULAR("release_version", "text"),
    REGULAR("schema_version", "uuid"),
    REGULAR("tokens", "set<text>"),
};

static const struct system_column index_info_columns[] = {
    KEY("table_name", "text"), /* holds the keyspace, as it does in the targets */
    CLUSTERING("index_name", "text"),
    {{.name = "value", .type = "blob", .kind = COLUMN_REGULAR}, SYSTEM_CASSANDRA},
};

static const struct system_column sessions_columns[] = {
    KEY("session_id", "uuid"),
    REGULAR("client", "inet"),
    REGULAR("command", "text"),
    REGULAR("coordinator", "inet"),
    REGULAR("coordinator_port", "int"),
    REGULAR("duration", "int"),
    REGULAR("parameters", "map<text, text>"),
    REGULAR("request", "text"),
    REGULAR("started_at", "timestamp"),
};

static const struct system_column events_columns[] = {
    KEY("session_id", "uuid"), CLUSTERING("event_id", "timeuuid"), REGULAR("activity", "text"),
    REGULAR("source", "inet"), REGULAR("source_port", "int"),      REGULAR("source_elapsed", "int"),
    REGULAR("thread", "text"),
};

static void set_address(struct virtual_rows *rows, const char *column, const char *address)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, address, bytes) == 1)
        virtual_row_set(rows, column, slice_of(bytes, 4));
    else if (inet_pton(AF_INET6, address, bytes) == 1)
        virtual_row_set(rows, column, slice_of(bytes, 16));
}

static void set_tokens(struct virtual_rows *rows)
{
    const char *const tokens[] = {node_token};
    struct buffer wire = {0};
    system_wire_texts(&wire, tokens, 1);
    rows->failed |= wire.failed;
    virtual_row_set(rows, "tokens", buffer_slice(&wire));
    buffer_deinit(&wire);
}

static bool generate_local(const struct virtual_context *context, struct virtual_rows *rows,
                           struct cql_error *error)
{
    (void)error;
    struct cql_database *database = system_database(context);
    char address[sizeof database->address];
    lock_acquire(&database->catalog_lock);
    memcpy(address, database->address, sizeof address);
    int32_t port = database->port;
    lock_release(&database->catalog_lock);
    /* The newest version, not the one the statement was planned with: drivers wait for it to be equal everywhere. */
    struct catalog *catalog = database_catalog(database);
    uint8_t host_id[16];
    store_uuid(context->store, host_id);

    virtual_row_begin(rows);
    virtual_row_text(rows, "key", "local");
    virtual_row_text(rows, "bootstrapped", "COMPLETED");
    set_address(rows, "broadcast_address", address);
    virtual_row_int(rows, "broadcast_port", 7000);
    virtual_row_text(rows, "cluster_name", database->cluster_name);
    virtual_row_text(rows, "cql_version", context->target->cql_version);
    virtual_row_text(rows, "data_center", database->data_center);
    virtual_row_int(rows, "gossip_generation", 1);
    virtual_row_uuid(rows, "host_id", host_id);
    set_address(rows, "listen_address", address);
    virtual_row_int(rows, "listen_port", 7000);
    virtual_row_text(rows, "native_protocol_version", context->target->native_protocol_version);
    virtual_row_text(rows, "partitioner", "org.apache.cassandra.dht.Murmur3Partitioner");
    virtual_row_text(rows, "rack", "rack1");
    virtual_row_text(rows, "release_version", context->target->release_version);
    set_address(rows, "rpc_address", address);
    virtual_row_int(rows, "rpc_port", port);
    virtual_row_uuid(rows, "schema_version", catalog->version);
    set_tokens(rows);
    catalog_unref(catalog);
    return true;
}

static bool generate_index_info(const struct virtual_context *context, struct virtual_rows *rows,
                                struct cql_error *error)
{
    (void)error;
    for (uint32_t i = 0; i < context->catalog->keyspace_count; i++) {
        const struct cql_keyspace *keyspace = context->catalog->keyspaces[i];
        for (uint32_t j = 0; j < keyspace->table_count; j++)
            for (uint32_t k = 0; k < keyspace->tables[j]->index_count; k++) {
                virtual_row_begin(rows);
                virtual_row_text(rows, "table_name", keyspace->name);
                virtual_row_text(rows, "index_name", keyspace->tables[j]->indexes[k]->name);
            }
    }
    return true;
}

static const struct system_table tables[] = {
    TABLE("system", "local", "information about the local node", local_columns, generate_local),
    TABLE("system", "peers", "information about known peers in the cluster", peers_columns,
          system_generate_nothing),
    TABLE("system", "peers_v2", "information about known peers in the cluster", peers_v2_columns,
          system_generate_nothing),
    TABLE("system", "IndexInfo", "built column indexes", index_info_columns, generate_index_info),
    TABLE("system_traces", "sessions", "tracing sessions", sessions_columns, system_generate_nothing),
    TABLE("system_traces", "events", "tracing events", events_columns, system_generate_nothing),
};

const struct system_table_list system_local_tables = {.tables = tables, .count = ARRAY_LEN(tables)};
