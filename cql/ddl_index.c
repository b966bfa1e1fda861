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

static bool create_index(struct ddl *ddl, const struct cql_table *table, struct cql_index *index)
{
    index->store_id = store_new_table_id(ddl->database->store);
    ddl_uuid(ddl, index->uuid);
    struct cql_table *next = table_clone(table);
    if (!next)
        return ddl_refuse(ddl, MSG_NOMEM);
    status st = table_add_index(next, index, index->column->name);
    if (ok(st))
        st = table_seal(next);
    if (failed(st) || !ddl_begin(ddl)) {
        table_unref(next);
        return failed(st) ? ddl_failed(ddl, st) : false;
    }
    if (!ddl_put_table(ddl, next, STORE_ALTER_TABLE) ||
        !ddl_entries_create(ddl, table, index->name, index->store_id))
        return false;
    gate_close(&ddl->database->gate);
    bool done = build_and_publish(ddl, next, index->name);
    gate_open(&ddl->database->gate);
    if (!done)
        ddl_entries_drop(ddl, index->store_id);
    return done;
}

bool ddl_create_index(struct ddl *ddl, const struct ast_create_index *ast)
{
    const struct cql_table *table;
    struct cql_index index;
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
    if (!index_define(ddl, ast, table, &index))
        return false;
    if (name && catalog_index(ddl->catalog, table->keyspace, name))
        return ast->if_not_exists || ddl_refuse(ddl, MSG_INDEX_EXISTS, name);
    index.name = name ? name : default_name(ddl, table, index.column);
    if (!index.name)
        return ddl_refuse(ddl, MSG_NOMEM);
    const struct cql_index *existing = index_duplicate(table, &index);
    if (existing)
        return ast->if_not_exists || ddl_refuse(ddl, MSG_INDEX_DUPLICATE, index.name, existing->name);
    if (!create_index(ddl, table, &index))
        return false;
    ddl_report(ddl, "UPDATED", "TABLE", table->keyspace, table->name);
    return true;
}

bool ddl_drop_index(struct ddl *ddl, const struct ast_drop *ast)
{
    const char *keyspace, *name = ast->name.name.text;
    if (!ddl_keyspace_of(ddl, &ast->name, &keyspace) || !ddl_keyspace_is_free(ddl, keyspace))
        return false;
    if (!catalog_keyspace(ddl->catalog, keyspace) && ddl->target->is_scylla)
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
