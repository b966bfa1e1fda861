#include "cql/system_tables.h"

#include <string.h>

#include "base/token.h"
#include "cql/table_options.h"

bool system_generate_nothing(const struct virtual_context *context, struct virtual_rows *rows,
                             struct cql_error *error)
{
    (void)context;
    (void)rows;
    (void)error;
    return true;
}

void system_wire_map(struct buffer *out, const struct cql_option_map *map)
{
    buffer_append_be32(out, map->count);
    for (uint32_t i = 0; i < map->count; i++) {
        struct slice key = slice_text(map->items[i].key), value = slice_text(map->items[i].value);
        buffer_append_be32(out, (uint32_t)key.bytes);
        buffer_append_slice(out, key);
        buffer_append_be32(out, (uint32_t)value.bytes);
        buffer_append_slice(out, value);
    }
}

void system_wire_texts(struct buffer *out, const char *const *texts, uint32_t count)
{
    buffer_append_be32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        buffer_append_be32(out, (uint32_t)strlen(texts[i]));
        buffer_append(out, texts[i], strlen(texts[i]));
    }
}

/* A stable uuid for a table that is the same in every store: made from its name. */
static void uuid_of_name(const char *keyspace, const char *name, uint8_t out_uuid[16])
{
    struct buffer text = {0};
    buffer_printf(&text, "%s.%s", keyspace, name);
    uint8_t digest[16] = {0};
    if (!text.failed) {
        int64_t token = token_of(buffer_slice(&text));
        store_be64(digest, (uint64_t)token);
        store_be64(digest + 8, (uint64_t)token * 0x9e3779b97f4a7c15ULL);
    }
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x30);
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
    memcpy(out_uuid, digest, 16);
    buffer_deinit(&text);
}

/* The columns that the target has, as virtual.h wants them; in the table's arena. */
static status pick_columns(struct cql_table *table, const struct system_table *from, unsigned wanted,
                           struct virtual_table *out)
{
    struct virtual_column *columns = arena_calloc(&table->arena, from->column_count, sizeof *columns);
    if (!columns)
        return STATUS_FAIL(STATUS_NOMEM);
    uint32_t count = 0;
    for (uint32_t i = 0; i < from->column_count; i++)
        if (from->columns[i].targets & wanted)
            columns[count++] = from->columns[i].column;
    *out = from->table;
    out->columns = columns;
    out->column_count = count;
    return STATUS_DONE;
}

static status add_columns(struct cql_table *table, const struct virtual_table *from)
{
    uint32_t partition = 0, clustering = 0;
    for (uint32_t i = 0; i < from->column_count; i++) {
        const struct virtual_column *column = &from->columns[i];
        struct cql_column added = {
            .name = column->name,
            .type = type_parse(&table->arena, slice_text(column->type)),
            .kind = column->kind,
            .descending = column->descending,
            .id = COLUMN_ID_NEW,
        };
        if (!added.type)
            return STATUS_FAIL(STATUS_INVALID);
        if (column->kind == COLUMN_PARTITION)
            added.position = partition++;
        else if (column->kind == COLUMN_CLUSTERING)
            added.position = clustering++;
        TRY(table_add_column(table, &added));
    }
    return STATUS_DONE;
}

static status add_table(struct catalog *catalog, const struct system_table *from,
                        const struct cql_target *target)
{
    struct cql_table *table = table_new(from->table.keyspace, from->table.name);
    if (!table)
        return STATUS_FAIL(STATUS_NOMEM);
    struct virtual_table *description = arena_calloc(&table->arena, 1, sizeof *description);
    status st = description ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    if (ok(st))
        st = pick_columns(table, from, cql_target_bit(target), description);
    if (ok(st)) {
        table->virtual_ = description;
        uuid_of_name(from->table.keyspace, from->table.name, table->uuid);
        table_options_default(target, &table->options);
        table->options.comment = from->table.comment ? from->table.comment : "";
        table->options.gc_grace_seconds = 0;
        st = add_columns(table, description);
    }
    if (ok(st))
        st = table_seal(table);
    if (failed(st)) {
        table_unref(table);
        return st;
    }
    return catalog_put_table(catalog, table);
}

static status add_list(struct catalog *catalog, const struct system_table_list *list,
                       const struct cql_target *target)
{
    unsigned wanted = cql_target_bit(target);
    for (size_t i = 0; i < list->count; i++) {
        const struct system_table *table = &list->tables[i];
        bool has = (table->targets & wanted) != 0;
        if (strcmp(table->table.name, "peers_v2") == 0)
            has = target->has_peers_v2;
        if (strcmp(table->table.keyspace, "system_virtual_schema") == 0)
            has = target->has_virtual_schema;
        if (has)
            TRY(add_table(catalog, table, target));
    }
    return STATUS_DONE;
}

status system_tables_add(struct catalog *catalog, const struct cql_target *target)
{
    static struct cql_option local_options[] = {{"class", "org.apache.cassandra.locator.LocalStrategy"}};
    static struct cql_option traces_options[] = {{"class", "org.apache.cassandra.locator.SimpleStrategy"},
                                                 {"replication_factor", "2"}};
    static const struct cql_option_map local = {.items = local_options, .count = ARRAY_LEN(local_options)};
    static const struct cql_option_map traces = {.items = traces_options, .count = ARRAY_LEN(traces_options)};
    static const struct {
        const char *name;
        const struct cql_option_map *replication;
    } keyspaces[] = {
        {"system", &local}, {"system_schema", &local}, {"system_traces", &traces}, {"strait", &local}};

    for (size_t i = 0; i < ARRAY_LEN(keyspaces); i++)
        TRY(catalog_put_keyspace(catalog, keyspaces[i].name, keyspaces[i].replication, true, true));
    if (target->has_virtual_schema)
        TRY(catalog_put_keyspace(catalog, "system_virtual_schema", &local, true, true));
    TRY(add_list(catalog, &system_local_tables, target));
    TRY(add_list(catalog, &system_schema_tables, target));
    TRY(add_list(catalog, &system_snapshot_tables, target));
    TRY(add_list(catalog, &system_index_tables, target));
    return add_list(catalog, &system_strait_tables, target);
}
