/* describe.c: keyspaces, types, tables and indexes as the statements that make them (SCH-12). */
#include "cql/describe.h"

#include <string.h>

#include "cql/parse.h"
#include "cql/table_options.h"

/* ---- statements ---- */

static void put_qualified_name(struct buffer *out, const char *keyspace, const char *name)
{
    parse_put_name(out, keyspace);
    buffer_append_u8(out, '.');
    parse_put_name(out, name);
}

/* Cassandra leaves the package of the class out. */
static void put_replication(struct buffer *out, const struct cql_option_map *map,
                            const struct cql_target *target)
{
    buffer_append_u8(out, '{');
    for (uint32_t i = 0; i < map->count; i++) {
        const char *value = map->items[i].value, *bare = strrchr(value, '.');
        bool is_short = bare && !target->is_scylla && strcmp(map->items[i].key, "class") == 0;
        buffer_printf(out, "%s'%s': '%s'", i ? ", " : "", map->items[i].key, is_short ? bare + 1 : value);
    }
    buffer_append_u8(out, '}');
}

void describe_keyspace(struct buffer *out, const struct cql_keyspace *keyspace,
                       const struct cql_target *target)
{
    buffer_printf(out, "CREATE KEYSPACE ");
    parse_put_name(out, keyspace->name);
    buffer_printf(out, " WITH replication = ");
    put_replication(out, &keyspace->replication, target);
    /* Cassandra has two spaces here. */
    buffer_printf(out, " %sAND durable_writes = %s", target->is_scylla ? "" : " ",
                  keyspace->durable_writes ? "true" : "false");
    if (target->simple_strategy_is_for_vnodes)
        buffer_printf(out, " AND tablets = {'enabled': %s}",
                      strstr(option_map_get(&keyspace->replication, "class"), "NetworkTopology") ? "true"
                                                                                                 : "false");
    buffer_append_u8(out, ';');
}

void describe_type(struct buffer *out, const struct type *type)
{
    buffer_printf(out, "CREATE TYPE ");
    put_qualified_name(out, type->keyspace, type->name);
    buffer_printf(out, " (\n");
    for (uint32_t i = 0; i < type->member_count; i++) {
        buffer_printf(out, "    ");
        parse_put_name(out, type->field_names[i]);
        buffer_append_u8(out, ' ');
        type_name(out, type->members[i]);
        buffer_printf(out, i + 1 < type->member_count ? ",\n" : "\n");
    }
    buffer_printf(out, ");");
}

static void put_names(struct buffer *out, const struct cql_column *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            buffer_printf(out, ", ");
        parse_put_name(out, columns[i].name);
    }
}

static void put_primary_key(struct buffer *out, const struct cql_table *table)
{
    buffer_printf(out, "    PRIMARY KEY (");
    if (table->partition_count > 1)
        buffer_append_u8(out, '(');
    put_names(out, table->columns, table->partition_count);
    if (table->partition_count > 1)
        buffer_append_u8(out, ')');
    if (table->clustering_count)
        buffer_printf(out, ", ");
    put_names(out, table->columns + table->partition_count, table->clustering_count);
    buffer_printf(out, ")\n");
}

static bool has_own_key(const struct cql_table *table)
{
    return table->partition_count == 1 && !table->clustering_count;
}

static void put_column(struct buffer *out, const struct cql_table *table, const struct cql_column *column,
                       bool is_last)
{
    buffer_printf(out, "    ");
    parse_put_name(out, column->name);
    buffer_append_u8(out, ' ');
    type_name(out, column->type);
    if (column->kind == COLUMN_STATIC)
        buffer_printf(out, " static");
    if (has_own_key(table) && column->kind == COLUMN_PARTITION)
        buffer_printf(out, " PRIMARY KEY");
    buffer_printf(out, has_own_key(table) && is_last ? "\n" : ",\n");
}

/* Cassandra has the columns of many cells after the others of their kind. */
static void put_columns(struct buffer *out, const struct cql_table *table, const struct cql_target *target)
{
    uint32_t put = 0;
    for (uint32_t from = 0, to; from < table->column_count; from = to) {
        for (to = from + 1; to < table->column_count && table->columns[to].kind == table->columns[from].kind;)
            to++;
        for (int many = 0; many < 2; many++)
            for (uint32_t i = from; i < to; i++)
                if (many == (!target->is_scylla && type_is_multicell(table->columns[i].type)))
                    put_column(out, table, &table->columns[i], ++put == table->column_count);
    }
    if (!has_own_key(table))
        put_primary_key(out, table);
}

static void put_id(struct buffer *out, const uint8_t uuid[16])
{
    buffer_printf(out, "ID = ");
    for (int i = 0; i < 16; i++)
        buffer_printf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
    buffer_printf(out, "\n    AND ");
}

void describe_table(struct buffer *out, const struct cql_table *table, const struct cql_target *target,
                    bool with_internals)
{
    buffer_printf(out, "CREATE TABLE ");
    put_qualified_name(out, table->keyspace, table->name);
    buffer_printf(out, " (\n");
    put_columns(out, table, target);
    buffer_printf(out, ") WITH ");
    if (with_internals)
        put_id(out, table->uuid);
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        const struct cql_column *column = &table->columns[table->partition_count + i];
        buffer_printf(out, i ? ", " : "CLUSTERING ORDER BY (");
        parse_put_name(out, column->name);
        buffer_printf(out, column->descending ? " DESC" : " ASC");
    }
    if (table->clustering_count)
        buffer_printf(out, ")\n    AND ");
    table_options_print(out, &table->options, target);
    buffer_append_u8(out, ';');
}
