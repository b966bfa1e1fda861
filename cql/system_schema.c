/* system_schema.c: the schema as tables, from the catalog that the reading statement was planned with. */
#include <stdlib.h>
#include <string.h>

#include "cql/describe.h"
#include "cql/index.h"
#include "cql/system_tables.h"

#define CASSANDRA(n, t)                                                      \
    {                                                                        \
        {.name = (n), .type = (t), .kind = COLUMN_REGULAR}, SYSTEM_CASSANDRA \
    }

#define CASSANDRA_5(n, t)                                                      \
    {                                                                          \
        {.name = (n), .type = (t), .kind = COLUMN_REGULAR}, SYSTEM_CASSANDRA_5 \
    }

/* What tables and views share. */
#define OPTION_COLUMNS                                                                            \
    CASSANDRA("additional_write_policy", "text"), REGULAR("bloom_filter_fp_chance", "double"),    \
        REGULAR("caching", "frozen<map<text, text>>"), CASSANDRA("cdc", "boolean"),               \
        REGULAR("comment", "text"), REGULAR("compaction", "frozen<map<text, text>>"),             \
        REGULAR("compression", "frozen<map<text, text>>"), REGULAR("crc_check_chance", "double"), \
        REGULAR("dclocal_read_repair_chance", "double"), REGULAR("default_time_to_live", "int"),  \
        REGULAR("extensions", "frozen<map<text, blob>>"), REGULAR("gc_grace_seconds", "int"),     \
        REGULAR("id", "uuid"), REGULAR("max_index_interval", "int"),                              \
        REGULAR("memtable_flush_period_in_ms", "int"), REGULAR("min_index_interval", "int"),      \
        CASSANDRA("read_repair", "text"), REGULAR("read_repair_chance", "double"),                \
        REGULAR("speculative_retry", "text"), CASSANDRA_5("allow_auto_snapshot", "boolean"),      \
        CASSANDRA_5("incremental_backups", "boolean"), CASSANDRA("memtable", "text")

static const struct system_column keyspaces_columns[] = {
    KEY("keyspace_name", "text"),
    REGULAR("durable_writes", "boolean"),
    REGULAR("replication", "frozen<map<text, text>>"),
};

static const struct system_column tables_columns[] = {
    KEY("keyspace_name", "text"),
    CLUSTERING("table_name", "text"),
    OPTION_COLUMNS,
    REGULAR("flags", "frozen<set<text>>"),
};

static const struct system_column columns_columns[] = {
    KEY("keyspace_name", "text"),         CLUSTERING("table_name", "text"),
    CLUSTERING("column_name", "text"),    REGULAR("clustering_order", "text"),
    REGULAR("column_name_bytes", "blob"), REGULAR("kind", "text"),
    REGULAR("position", "int"),           REGULAR("type", "text"),
};

static const struct system_column dropped_columns_columns[] = {
    KEY("keyspace_name", "text"),         CLUSTERING("table_name", "text"), CLUSTERING("column_name", "text"),
    REGULAR("dropped_time", "timestamp"), CASSANDRA("kind", "text"),        REGULAR("type", "text"),
};

static const struct system_column views_columns[] = {
    KEY("keyspace_name", "text"),
    CLUSTERING("view_name", "text"),
    REGULAR("base_table_id", "uuid"),
    REGULAR("base_table_name", "text"),
    REGULAR("include_all_columns", "boolean"),
    REGULAR("where_clause", "text"),
    OPTION_COLUMNS,
};

static const struct system_column indexes_columns[] = {
    KEY("keyspace_name", "text"),
    CLUSTERING("table_name", "text"),
    CLUSTERING("index_name", "text"),
    REGULAR("kind", "text"),
    REGULAR("options", "frozen<map<text, text>>"),
};

static const struct system_column triggers_columns[] = {
    KEY("keyspace_name", "text"),
    CLUSTERING("table_name", "text"),
    CLUSTERING("trigger_name", "text"),
    REGULAR("options", "frozen<map<text, text>>"),
};

/* There are no masked columns; drivers and cqlsh look. */
static const struct system_column column_masks_columns[] = {
    KEY("keyspace_name", "text"),
    CLUSTERING("table_name", "text"),
    CLUSTERING("column_name", "text"),
    REGULAR("function_argument_nulls", "frozen<list<boolean>>"),
    REGULAR("function_argument_types", "frozen<list<text>>"),
    REGULAR("function_argument_values", "frozen<list<text>>"),
    REGULAR("function_keyspace", "text"),
    REGULAR("function_name", "text"),
};

static const struct system_column types_columns[] = {
    KEY("keyspace_name", "text"),
    CLUSTERING("type_name", "text"),
    REGULAR("field_names", "frozen<list<text>>"),
    REGULAR("field_types", "frozen<list<text>>"),
};

static const struct system_column functions_columns[] = {
    KEY("keyspace_name", "text"),
    CLUSTERING("function_name", "text"),
    CLUSTERING("argument_types", "frozen<list<text>>"),
    REGULAR("argument_names", "frozen<list<text>>"),
    REGULAR("body", "text"),
    REGULAR("called_on_null_input", "boolean"),
    REGULAR("language", "text"),
    REGULAR("return_type", "text"),
};

static const struct system_column aggregates_columns[] = {
    KEY("keyspace_name", "text"),
    CLUSTERING("aggregate_name", "text"),
    CLUSTERING("argument_types", "frozen<list<text>>"),
    REGULAR("final_func", "text"),
    REGULAR("initcond", "text"),
    REGULAR("return_type", "text"),
    REGULAR("state_func", "text"),
    REGULAR("state_type", "text"),
};

static const struct system_column virtual_keyspaces_columns[] = {
    KEY("keyspace_name", "text"),
};

static const struct system_column virtual_tables_columns[] = {
    KEY("keyspace_name", "text"),
    CLUSTERING("table_name", "text"),
    REGULAR("comment", "text"),
};

static void set_map(struct virtual_rows *rows, const char *column, const struct cql_option_map *map)
{
    struct buffer wire = {0};
    system_wire_map(&wire, map);
    rows->failed |= wire.failed;
    virtual_row_set(rows, column, buffer_slice(&wire));
    buffer_deinit(&wire);
}

static int option_compare(const void *left, const void *right)
{
    return strcmp(((const struct cql_option *)left)->key, ((const struct cql_option *)right)->key);
}

static void set_sorted_map(struct virtual_rows *rows, const char *column, struct cql_option *items,
                           uint32_t count)
{
    qsort(items, count, sizeof *items, option_compare);
    set_map(rows, column, &(struct cql_option_map){.items = items, .count = count});
}

static void set_type(struct virtual_rows *rows, const char *column, const struct type *type)
{
    struct buffer text = {0};
    type_name(&text, type);
    rows->failed |= text.failed;
    virtual_row_set(rows, column, buffer_slice(&text));
    buffer_deinit(&text);
}

static bool generate_keyspaces(const struct virtual_context *context, struct virtual_rows *rows,
                               struct cql_error *error)
{
    (void)error;
    for (uint32_t i = 0; i < context->catalog->keyspace_count; i++) {
        const struct cql_keyspace *keyspace = context->catalog->keyspaces[i];
        virtual_row_begin(rows);
        virtual_row_text(rows, "keyspace_name", keyspace->name);
        virtual_row_boolean(rows, "durable_writes", keyspace->durable_writes);
        set_map(rows, "replication", &keyspace->replication);
    }
    return true;
}

/* Call `each` for every table of every keyspace. */
static void for_tables(const struct virtual_context *context, struct virtual_rows *rows,
                       void (*each)(struct virtual_rows *rows, const struct cql_table *table))
{
    for (uint32_t i = 0; i < context->catalog->keyspace_count; i++) {
        const struct cql_keyspace *keyspace = context->catalog->keyspaces[i];
        for (uint32_t j = 0; j < keyspace->table_count; j++)
            each(rows, keyspace->tables[j]);
    }
}

/* The columns that tables and views have in common. */
static void option_cells(struct virtual_rows *rows, const struct cql_table *table)
{
    const struct cql_table_options *options = &table->options;
    virtual_row_text(rows, "additional_write_policy", options->additional_write_policy);
    virtual_row_double(rows, "bloom_filter_fp_chance", options->bloom_filter_fp_chance);
    set_map(rows, "caching", &options->caching);
    virtual_row_text(rows, "comment", options->comment);
    set_map(rows, "compaction", &options->compaction);
    set_map(rows, "compression", &options->compression);
    virtual_row_double(rows, "crc_check_chance", options->crc_check_chance);
    virtual_row_double(rows, "dclocal_read_repair_chance", options->dclocal_read_repair_chance);
    virtual_row_int(rows, "default_time_to_live", options->default_time_to_live);
    set_map(rows, "extensions", &options->extensions);
    virtual_row_int(rows, "gc_grace_seconds", options->gc_grace_seconds);
    virtual_row_uuid(rows, "id", table->uuid);
    virtual_row_int(rows, "max_index_interval", options->max_index_interval);
    virtual_row_int(rows, "memtable_flush_period_in_ms", options->memtable_flush_period_in_ms);
    virtual_row_int(rows, "min_index_interval", options->min_index_interval);
    virtual_row_text(rows, "read_repair", options->read_repair);
    virtual_row_double(rows, "read_repair_chance", options->read_repair_chance);
    virtual_row_text(rows, "speculative_retry", options->speculative_retry);
    /* Cassandra writes these only when they are not the default, and `cdc` only where the node has it switched on. */
    if (!options->allow_auto_snapshot)
        virtual_row_boolean(rows, "allow_auto_snapshot", false);
    if (!options->incremental_backups)
        virtual_row_boolean(rows, "incremental_backups", false);
    if (strcmp(options->memtable, "default") != 0)
        virtual_row_text(rows, "memtable", options->memtable);
}

static void table_row(struct virtual_rows *rows, const struct cql_table *table)
{
    /* Without `compound` drivers take it for a table of COMPACT STORAGE. */
    const char *const flags[] = {"compound"};
    struct buffer wire = {0};
    if (table->view)
        return;
    virtual_row_begin(rows);
    virtual_row_text(rows, "keyspace_name", table->keyspace);
    virtual_row_text(rows, "table_name", table->name);
    system_wire_texts(&wire, flags, ARRAY_LEN(flags));
    rows->failed |= wire.failed;
    virtual_row_set(rows, "flags", buffer_slice(&wire));
    buffer_deinit(&wire);
    option_cells(rows, table);
}

static bool generate_tables(const struct virtual_context *context, struct virtual_rows *rows,
                            struct cql_error *error)
{
    (void)error;
    for_tables(context, rows, table_row);
    return true;
}

static const struct cql_table *base_of(const struct virtual_context *context, const struct cql_table *view)
{
    return catalog_table(context->catalog, view->keyspace, view->view->base);
}

static void view_row(struct virtual_rows *rows, const struct cql_table *view, const struct cql_table *base)
{
    struct buffer where = {0};
    view_print_where(&where, view->view);
    rows->failed |= where.failed;
    virtual_row_begin(rows);
    virtual_row_text(rows, "keyspace_name", view->keyspace);
    virtual_row_text(rows, "view_name", view->name);
    virtual_row_uuid(rows, "base_table_id", base->uuid);
    virtual_row_text(rows, "base_table_name", base->name);
    virtual_row_boolean(rows, "include_all_columns", view->view->all_columns);
    virtual_row_set(rows, "where_clause", buffer_slice(&where));
    option_cells(rows, view);
    buffer_deinit(&where);
}

static bool generate_views(const struct virtual_context *context, struct virtual_rows *rows,
                           struct cql_error *error)
{
    (void)error;
    for (uint32_t i = 0; i < context->catalog->keyspace_count; i++) {
        const struct cql_keyspace *keyspace = context->catalog->keyspaces[i];
        for (uint32_t j = 0; j < keyspace->table_count; j++)
            if (keyspace->tables[j]->view)
                view_row(rows, keyspace->tables[j], base_of(context, keyspace->tables[j]));
    }
    return true;
}

static const char *kind_text(enum column_kind kind)
{
    static const char *const texts[] = {"partition_key", "clustering", "static", "regular"};
    return texts[kind];
}

static void column_rows(struct virtual_rows *rows, const struct cql_table *table)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct cql_column *column = &table->columns[i];
        bool is_key = column->kind <= COLUMN_CLUSTERING;
        const char *order = column->kind != COLUMN_CLUSTERING ? "none" : column->descending ? "desc" : "asc";
        virtual_row_begin(rows);
        virtual_row_text(rows, "keyspace_name", table->keyspace);
        virtual_row_text(rows, "table_name", table->name);
        virtual_row_text(rows, "column_name", column->name);
        virtual_row_text(rows, "clustering_order", order);
        virtual_row_set(rows, "column_name_bytes", slice_text(column->name));
        virtual_row_text(rows, "kind", kind_text(column->kind));
        virtual_row_int(rows, "position", is_key ? (int32_t)column->position : -1);
        set_type(rows, "type", column->type);
    }
}

static bool generate_columns(const struct virtual_context *context, struct virtual_rows *rows,
                             struct cql_error *error)
{
    (void)error;
    for_tables(context, rows, column_rows);
    return true;
}

static void dropped_column_rows(struct virtual_rows *rows, const struct cql_table *table)
{
    for (uint32_t i = 0; i < table->dropped_count; i++) {
        const struct cql_dropped_column *dropped = &table->dropped[i];
        virtual_row_begin(rows);
        virtual_row_text(rows, "keyspace_name", table->keyspace);
        virtual_row_text(rows, "table_name", table->name);
        virtual_row_text(rows, "column_name", dropped->name);
        virtual_row_bigint(rows, "dropped_time", dropped->dropped_us / 1000);
        virtual_row_text(rows, "kind", kind_text(dropped->kind));
        set_type(rows, "type", dropped->type);
    }
}

static bool generate_dropped_columns(const struct virtual_context *context, struct virtual_rows *rows,
                                     struct cql_error *error)
{
    (void)error;
    for_tables(context, rows, dropped_column_rows);
    return true;
}

/* What ScyllaDB shows of a local index. */
static void local_target(struct buffer *out, const struct cql_index *index)
{
    buffer_printf(out, "{\"pk\":[");
    for (uint32_t i = 0; i < index->table->partition_count; i++)
        buffer_printf(out, "%s\"%s\"", i ? "," : "", index->table->columns[i].name);
    buffer_printf(out, "],\"ck\":[\"%s\"]}", index->column->name);
}

static void index_options(struct virtual_rows *rows, const struct cql_index *index,
                          const struct cql_target *target)
{
    struct buffer text = {0};
    uint32_t count = 0;
    struct cql_option *items = calloc(index->options.count + 2, sizeof *items);
    if (index->is_local)
        local_target(&text, index);
    else
        index_target_text(&text, index, target, false);
    buffer_append_u8(&text, 0);
    if (!items || text.failed) {
        rows->failed = true;
    } else {
        for (uint32_t i = 0; i < index->options.count; i++)
            items[count++] = index->options.items[i];
        if (index->custom_class)
            items[count++] = (struct cql_option){"class_name", index->custom_class};
        items[count++] = (struct cql_option){"target", (const char *)text.data};
        set_sorted_map(rows, "options", items, count);
    }
    free(items);
    buffer_deinit(&text);
}

static void index_rows(struct virtual_rows *rows, const struct cql_table *table,
                       const struct cql_target *target)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct cql_index *index = table->indexes[i];
        virtual_row_begin(rows);
        virtual_row_text(rows, "keyspace_name", table->keyspace);
        virtual_row_text(rows, "table_name", table->name);
        virtual_row_text(rows, "index_name", index->name);
        virtual_row_text(rows, "kind", index->custom_class ? "CUSTOM" : "COMPOSITES");
        index_options(rows, index, target);
    }
}

static bool generate_indexes(const struct virtual_context *context, struct virtual_rows *rows,
                             struct cql_error *error)
{
    (void)error;
    for (uint32_t i = 0; i < context->catalog->keyspace_count; i++)
        for (uint32_t j = 0; j < context->catalog->keyspaces[i]->table_count; j++)
            index_rows(rows, context->catalog->keyspaces[i]->tables[j], context->target);
    return true;
}

/* The wire form of frozen<list<text>>: names or types of the fields. */
static void set_fields(struct virtual_rows *rows, const char *column, const struct type *type, bool names)
{
    struct buffer wire = {0}, text = {0};
    buffer_append_be32(&wire, type->member_count);
    for (uint32_t i = 0; i < type->member_count; i++) {
        buffer_clear(&text);
        if (names)
            buffer_append_slice(&text, slice_text(type->field_names[i]));
        else
            type_name(&text, type->members[i]);
        buffer_append_be32(&wire, (uint32_t)text.bytes);
        buffer_append_slice(&wire, buffer_slice(&text));
    }
    rows->failed |= wire.failed || text.failed;
    virtual_row_set(rows, column, buffer_slice(&wire));
    buffer_deinit(&wire);
    buffer_deinit(&text);
}

static bool generate_types(const struct virtual_context *context, struct virtual_rows *rows,
                           struct cql_error *error)
{
    (void)error;
    for (uint32_t i = 0; i < context->catalog->keyspace_count; i++) {
        const struct cql_keyspace *keyspace = context->catalog->keyspaces[i];
        for (uint32_t j = 0; j < keyspace->type_count; j++) {
            virtual_row_begin(rows);
            virtual_row_text(rows, "keyspace_name", keyspace->name);
            virtual_row_text(rows, "type_name", keyspace->types[j]->name);
            set_fields(rows, "field_names", keyspace->types[j], true);
            set_fields(rows, "field_types", keyspace->types[j], false);
        }
    }
    return true;
}

static const struct system_table tables[] = {
    TABLE("system_schema", "keyspaces", "keyspace definitions", keyspaces_columns, generate_keyspaces),
    TABLE("system_schema", "tables", "table definitions", tables_columns, generate_tables),
    TABLE("system_schema", "columns", "column definitions", columns_columns, generate_columns),
    TABLE("system_schema", "dropped_columns", "dropped column registry", dropped_columns_columns,
          generate_dropped_columns),
    TABLE("system_schema", "views", "view definitions", views_columns, generate_views),
    TABLE("system_schema", "indexes", "secondary index definitions", indexes_columns, generate_indexes),
    TABLE("system_schema", "triggers", "trigger definitions", triggers_columns, system_generate_nothing),
    {.table = {.keyspace = "system_schema",
               .name = "column_masks",
               .comment = "dynamic column masks",
               .generate = system_generate_nothing},
     .targets = SYSTEM_CASSANDRA_5,
     .columns = column_masks_columns,
     .column_count = ARRAY_LEN(column_masks_columns)},
    TABLE("system_schema", "types", "user defined type definitions", types_columns, generate_types),
    TABLE("system_schema", "functions", "user defined function definitions", functions_columns,
          system_generate_nothing),
    TABLE("system_schema", "aggregates", "user defined aggregate definitions", aggregates_columns,
          system_generate_nothing),
    /* Our own tables are listed with the stored ones, so these stay empty: no driver needs more than their being there. */
    TABLE("system_virtual_schema", "keyspaces", "virtual keyspace definitions", virtual_keyspaces_columns,
          system_generate_nothing),
    TABLE("system_virtual_schema", "tables", "virtual table definitions", virtual_tables_columns,
          system_generate_nothing),
    TABLE("system_virtual_schema", "columns", "virtual column definitions", columns_columns,
          system_generate_nothing),
};

const struct system_table_list system_schema_tables = {.tables = tables, .count = ARRAY_LEN(tables)};
