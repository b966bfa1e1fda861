/* system_index.c: strait.index_check: each index and view, recomputed from its table when it is read. */
#include "cql/index_check.h"
#include "cql/system_tables.h"

static const struct system_column check_columns[] = {
    KEY("keyspace_name", "text"), CLUSTERING("table_name", "text"), CLUSTERING("name", "text"),
    REGULAR("kind", "text"),      REGULAR("expected", "bigint"),    REGULAR("missing", "bigint"),
    REGULAR("ghosts", "bigint"),
};

static void check_row(struct virtual_rows *rows, const struct cql_table *base, const char *kind,
                      const char *name, const struct index_check *check)
{
    virtual_row_begin(rows);
    virtual_row_text(rows, "keyspace_name", base->keyspace);
    virtual_row_text(rows, "table_name", base->name);
    virtual_row_text(rows, "name", name);
    virtual_row_text(rows, "kind", kind);
    virtual_row_bigint(rows, "expected", (int64_t)check->expected);
    virtual_row_bigint(rows, "missing", (int64_t)check->missing);
    virtual_row_bigint(rows, "ghosts", (int64_t)check->ghosts);
}

static bool check_table(const struct plan_context *context, struct virtual_rows *rows,
                        const struct cql_table *table, struct cql_error *error)
{
    struct index_check check;
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (!index_check(context, table->indexes[i], &check, error))
            return false;
        check_row(rows, table, "index", table->indexes[i]->name, &check);
    }
    for (uint32_t i = 0; i < table->view_count; i++) {
        const struct cql_table *view = catalog_view(context->catalog, table, i);
        if (!view)
            continue;
        if (!view_check(context, view, &check, error))
            return false;
        check_row(rows, table, "view", view->name, &check);
    }
    return true;
}

static bool generate_check(const struct virtual_context *context, struct virtual_rows *rows,
                           struct cql_error *error)
{
    struct plan_context plan = {.store = context->store,
                                .target = context->target,
                                .profile = context->profile,
                                .catalog = context->catalog,
                                .database = context->database};
    for (uint32_t i = 0; i < context->catalog->keyspace_count; i++) {
        const struct cql_keyspace *keyspace = context->catalog->keyspaces[i];
        for (uint32_t j = 0; !keyspace->virtual_ && j < keyspace->table_count; j++)
            if (!check_table(&plan, rows, keyspace->tables[j], error))
                return false;
    }
    return true;
}

static const struct system_table tables[] = {
    TABLE("strait", "index_check", "every index and view recomputed from its table; reads all of both",
          check_columns, generate_check),
};

const struct system_table_list system_index_tables = {.tables = tables, .count = ARRAY_LEN(tables)};
