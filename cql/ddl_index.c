/*
 * ddl_index.c: CREATE and DROP INDEX.
 *
 * An index is made in three records: its empty store table; then, with the gate closed, its entries for the rows that are there
 * and a sync; then the table's properties that name it, published before the gate opens. A crash before the last leaves a store
 * table that nothing names, which the next open drops (catalog_load()).
 */
#include <stdio.h>
#include <string.h>

#include "cql/ddl_internal.h"
#include "cql/plan.h"

enum {
    INDEX_NAME_BYTES_MAX = 192,
};

static const char *target_text(enum ast_index_target target)
{
    static const char *const texts[] = {"value", "keys()", "values()", "entries()", "full()"};
    return texts[target];
}

/* What may be indexed, in the order in which ScyllaDB asks (create_index_statement). Static columns are refused: an index entry
 * leads to rows, and Cassandra and ScyllaDB differ in what rows a static value leads to. */
static bool check_target(struct ddl *ddl, const struct ast_create_index *ast, const struct cql_table *table,
                         const struct cql_column **out_column)
{
    const char *name = ast->column.text;
    const struct cql_column *column = table_column(table, name);
    if (table_counts(table))
        return ddl_refuse(ddl, MSG_INDEX_ON_COUNTER);
    if (!column)
        return ddl_refuse(ddl, MSG_INDEX_COLUMN_UNKNOWN, name, table->name);
    if (column->type->id == TYPE_DURATION)
        return ddl_refuse(ddl, MSG_INDEX_ON_DURATION);
    if (column->kind == COLUMN_PARTITION && table->partition_count == 1)
        return ddl_refuse(ddl, MSG_INDEX_ON_ONLY_PARTITION_KEY, name);
    if (type_is_multicell(column->type))
        return ddl_refuse(ddl, MSG_NOT_SUPPORTED, "indexes on non-frozen collections and user-defined types");
    if (type_is_collection(column->type)) {
        if (ast->target != INDEX_FULL)
            return ddl_refuse(ddl, MSG_INDEX_ON_FROZEN, name, target_text(ast->target));
    } else if (ast->target == INDEX_FULL) {
        return ddl_refuse(ddl, MSG_INDEX_FULL_NOT_FROZEN);
    } else if (ast->target != INDEX_VALUES_OF_COLUMN) {
        return ddl_refuse(ddl, MSG_INDEX_NOT_COLLECTION, name, target_text(ast->target));
    }
    if (column->kind == COLUMN_STATIC)
        return ddl_refuse(ddl, MSG_NOT_SUPPORTED, "indexes on static columns");
    *out_column = column;
    return true;
}

static bool check_kind(struct ddl *ddl, const struct ast_create_index *ast)
{
    if (ast->using_class && strcmp(ast->using_class, "legacy_local_table") != 0) {
        if (ddl->target->is_scylla)
            return ddl_refuse(ddl, MSG_INDEX_CUSTOM_UNKNOWN, ast->using_class);
        return ddl_refuse(ddl, MSG_NOT_SUPPORTED, "custom indexes (CREATE CUSTOM INDEX)");
    }
    if (ast->custom)
        return ddl_refuse(ddl, MSG_NOT_SUPPORTED, "custom indexes (CREATE CUSTOM INDEX)");
    if (ast->partition_column_count)
        return ddl_refuse(ddl, MSG_NOT_SUPPORTED, "local indexes (ON t ((pk), c))");
    for (uint32_t i = 0; i < ast->property_count; i++)
        return ddl_refuse(ddl, MSG_UNKNOWN_PROPERTY, ast->properties[i].name.text);
    return true;
}

/* "TABLE_COLUMN_idx", with "_1" and so on while it is taken (SCH-11). Characters that no name has are left out. */
static const char *default_name(struct ddl *ddl, const struct cql_table *table,
                                const struct cql_column *column)
{
    char *base = arena_printf(ddl->scratch, "%s_%s_idx", table->name, column->name);
    if (!base)
        return NULL;
    char *to = base;
    for (const char *from = base; *from; from++) {
        char one[2] = {*from, 0};
        if (ddl_name_is_word(one))
            *to++ = *from;
    }
    *to = 0;
    const char *name = base;
    for (unsigned i = 1; name && catalog_index(ddl->catalog, table->keyspace, name); i++)
        name = arena_printf(ddl->scratch, "%s_%u", base, i);
    return name;
}

void index_store_options(const struct cql_table *table, struct store_table_options *out_options)
{
    table_options_store(table, out_options);
    out_options->compaction = STORE_COMPACTION_SIZE_TIERED;
    out_options->window_s = 0;
    /* No write that comes late can be older than an entry's tombstone (index.h). */
    out_options->gc_grace_s = 0;
}

bool ddl_entries_create(struct ddl *ddl, const struct cql_table *table, const char *name, uint64_t store_id)
{
    struct store_change create = {.kind = STORE_CREATE_TABLE, .table_id = store_id};
    index_store_options(table, &create.options);
    struct buffer properties = {0};
    catalog_encode_index(&properties, table, name);
    create.properties = buffer_slice(&properties);
    status st = buffer_status(&properties);
    if (ok(st))
        st = store_change(ddl->database->store, &create, 1);
    buffer_deinit(&properties);
    return ok(st) || ddl_failed(ddl, st);
}

void ddl_entries_drop(struct ddl *ddl, uint64_t store_id)
{
    struct store_change forget = {.kind = STORE_DROP_TABLE, .table_id = store_id};
    /* When this fails as well, the next open drops it. */
    (void)store_change(ddl->database->store, &forget, 1);
}

struct plan_context ddl_entries_context(struct ddl *ddl)
{
    return (struct plan_context){
        .store = ddl->database->store,
        .target = ddl->target,
        .profile = ddl->profile,
        .catalog = ddl->next,
        .keyspace = ddl->request->keyspace,
        .workspace = ddl->request->workspace,
        .last_timestamp = &ddl->database->last_timestamp,
        .entry_version = &ddl->database->entry_version,
        .database = ddl->database,
    };
}

/* With the gate closed. On success the index is complete, durable and published. */
static bool build_and_publish(struct ddl *ddl, struct cql_table *next, const char *name)
{
    const struct cql_index *index = NULL;
    for (uint32_t i = 0; i < next->index_count; i++)
        if (strcmp(next->indexes[i]->name, name) == 0)
            index = next->indexes[i];
    struct plan_context context = ddl_entries_context(ddl);
    if (!index_build(&context, next, index, ddl->error))
        return false;
    status st = store_sync(ddl->database->store);
    if (failed(st))
        return ddl_failed(ddl, st);
    return ddl_commit(ddl, true);
}

static bool create_index(struct ddl *ddl, const struct cql_table *table, const struct cql_column *column,
                         const char *name)
{
    uint64_t store_id = store_new_table_id(ddl->database->store);
    struct cql_table *next = table_clone(table);
    if (!next)
        return ddl_refuse(ddl, MSG_NOMEM);
    struct cql_index index = {.name = name, .store_id = store_id};
    ddl_uuid(ddl, index.uuid);
    status st = table_add_index(next, &index, column->name);
    if (ok(st))
        st = table_seal(next);
    if (failed(st) || !ddl_begin(ddl)) {
        table_unref(next);
        return failed(st) ? ddl_failed(ddl, st) : false;
    }
    if (!ddl_put_table(ddl, next, STORE_ALTER_TABLE) || !ddl_entries_create(ddl, table, name, store_id))
        return false;
    gate_close(&ddl->database->gate);
    bool done = build_and_publish(ddl, next, name);
    gate_open(&ddl->database->gate);
    if (!done)
        ddl_entries_drop(ddl, store_id);
    return done;
}

bool ddl_create_index(struct ddl *ddl, const struct ast_create_index *ast)
{
    const struct cql_table *table;
    const struct cql_column *column;
    struct ast_table_name target = ast->table;
    if (!target.keyspace.text)
        target.keyspace = ast->name.keyspace;
    if (!ddl_table_of(ddl, &target, MSG_CREATE_INDEX_NO_TABLE, &table))
        return false;
    if (ast->name.keyspace.text && strcmp(ast->name.keyspace.text, table->keyspace) != 0)
        return ddl_refuse(ddl, MSG_INDEX_OTHER_KEYSPACE, ast->name.keyspace.text, table->keyspace);
    if (table->view)
        return ddl_refuse(ddl, MSG_INDEX_ON_VIEW);
    const char *name = ast->name.name.text;
    if (name && strlen(name) > INDEX_NAME_BYTES_MAX)
        return ddl_refuse(ddl, MSG_INDEX_NAME_LONG, (unsigned)INDEX_NAME_BYTES_MAX, name);
    if (!check_kind(ddl, ast) || !check_target(ddl, ast, table, &column))
        return false;
    if (name && catalog_index(ddl->catalog, table->keyspace, name))
        return ast->if_not_exists || ddl_refuse(ddl, MSG_INDEX_EXISTS, name);
    if (!name)
        name = default_name(ddl, table, column);
    if (!name)
        return ddl_refuse(ddl, MSG_NOMEM);
    const struct cql_index *existing = table_index_on(table, column);
    if (existing)
        return ast->if_not_exists || ddl_refuse(ddl, MSG_INDEX_DUPLICATE, name, existing->name);

    if (!create_index(ddl, table, column, name))
        return false;
    ddl_report(ddl, "UPDATED", "TABLE", table->keyspace, table->name);
    return true;
}

bool ddl_drop_index(struct ddl *ddl, const struct ast_drop *ast)
{
    const char *keyspace, *name = ast->name.name.text;
    if (!ddl_keyspace_of(ddl, &ast->name, &keyspace) || !ddl_keyspace_is_free(ddl, keyspace))
        return false;
    if (!catalog_keyspace(ddl->catalog, keyspace))
        return ddl_refuse(ddl, MSG_NO_KEYSPACE, keyspace);
    const struct cql_index *index = catalog_index(ddl->catalog, keyspace, name);
    if (!index)
        return ast->if_exists || ddl_refuse(ddl, MSG_INDEX_MISSING, name, keyspace);

    const struct cql_table *table = index->table;
    struct store_change forget = {.kind = STORE_DROP_TABLE, .table_id = index->store_id};
    struct cql_table *next = table_clone(table);
    if (!next)
        return ddl_refuse(ddl, MSG_NOMEM);
    table_drop_index(next, name);
    status st = table_seal(next);
    if (failed(st) || !ddl_begin(ddl)) {
        table_unref(next);
        return failed(st) ? ddl_failed(ddl, st) : false;
    }
    if (!ddl_put_table(ddl, next, STORE_ALTER_TABLE) || !ddl_add(ddl, &forget) || !ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, "UPDATED", "TABLE", table->keyspace, table->name);
    return true;
}
