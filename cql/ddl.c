#include "cql/ddl_internal.h"

#include <stdio.h>
#include <string.h>

#include "cql/uuid.h"

/* ---- names ---- */

bool ddl_name_is_word(const char *name)
{
    if (!*name)
        return false;
    for (const char *c = name; *c; c++)
        if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9') && *c != '_')
            return false;
    return true;
}

bool ddl_keyspace_of(struct ddl *ddl, const struct ast_table_name *name, const char **out_keyspace)
{
    const char *keyspace = name->keyspace.text ? name->keyspace.text : ddl->request->keyspace;
    if (!keyspace)
        return ddl_refuse(ddl, MSG_KEYSPACE_MISSING);
    *out_keyspace = keyspace;
    return true;
}

bool ddl_keyspace_is_free(struct ddl *ddl, const char *keyspace)
{
    if (!system_keyspace_is(keyspace))
        return true;
    return ddl_refuse(ddl, MSG_SYSTEM_KEYSPACE_NAMED, keyspace);
}

bool ddl_find_table(struct ddl *ddl, const struct ast_table_name *name, const struct cql_table **out_table)
{
    const char *keyspace;
    if (!ddl_keyspace_of(ddl, name, &keyspace))
        return false;
    *out_table = catalog_table(ddl->catalog, keyspace, name->name.text);
    return true;
}

/* What is said when not even the keyspace is there. */
static enum cql_message without_keyspace(enum cql_message missing)
{
    switch (missing) {
    case MSG_ALTER_MISSING_TABLE: return MSG_ALTER_NO_KEYSPACE;
    case MSG_CREATE_INDEX_NO_TABLE: return MSG_CREATE_INDEX_NO_KEYSPACE;
    default: return MSG_NO_KEYSPACE;
    }
}

bool ddl_table_of(struct ddl *ddl, const struct ast_table_name *name, enum cql_message missing,
                  const struct cql_table **out_table)
{
    const char *keyspace;
    if (!ddl_keyspace_of(ddl, name, &keyspace))
        return false;
    if (!catalog_keyspace(ddl->catalog, keyspace))
        return ddl_refuse(ddl, without_keyspace(missing), keyspace, name->name.text);
    if (!ddl_keyspace_is_free(ddl, keyspace))
        return false;
    const struct cql_table *table = catalog_table(ddl->catalog, keyspace, name->name.text);
    if (!table) {
        if (missing == MSG_NO_TABLE || missing == MSG_CREATE_INDEX_NO_TABLE)
            return ddl_refuse(ddl, missing, name->name.text);
        return ddl_refuse(ddl, missing, keyspace, name->name.text);
    }
    *out_table = table;
    return true;
}

void ddl_uuid(struct ddl *ddl, uint8_t out_uuid[16])
{
    struct random rng = {.state = store_random(ddl->database->store)};
    uuid_random(&rng, out_uuid);
}

bool ddl_failed(struct ddl *ddl, status st)
{
    return cql_refuse_status(ddl->error, st);
}

const char *ddl_type_text(struct ddl *ddl, const struct type *type)
{
    struct buffer text = {0};
    type_name(&text, type);
    const char *copy = text.failed ? NULL : arena_text(ddl->scratch, buffer_slice(&text));
    buffer_deinit(&text);
    return copy ? copy : "?";
}

/* ---- changes ---- */

bool ddl_begin(struct ddl *ddl)
{
    ddl->next = catalog_clone(ddl->catalog);
    return ddl->next || ddl_refuse(ddl, MSG_NOMEM);
}

bool ddl_add(struct ddl *ddl, const struct store_change *change)
{
    struct store_change *grown =
        arena_grow(ddl->scratch, ddl->changes, ddl->change_count, &ddl->change_capacity, sizeof *grown);
    if (!grown)
        return ddl_refuse(ddl, MSG_NOMEM);
    ddl->changes = grown;
    ddl->changes[ddl->change_count++] = *change;
    return true;
}

bool ddl_put_table(struct ddl *ddl, struct cql_table *table, enum store_change_kind kind)
{
    struct store_change change = {.kind = kind, .table_id = table->store_id};
    if (table->view)
        index_store_options(table, &change.options);
    else
        table_options_store(table, &change.options);
    struct buffer encoded = {0};
    catalog_encode_table(&encoded, table);
    change.properties = encoded.failed ? (struct slice){0} : arena_copy(ddl->scratch, buffer_slice(&encoded));
    buffer_deinit(&encoded);
    if (!change.properties.bytes || !ddl_add(ddl, &change)) {
        table_unref(table);
        return ddl_refuse(ddl, MSG_NOMEM);
    }
    status st = catalog_put_table(ddl->next, table);
    return ok(st) || ddl_failed(ddl, st);
}

/* The first index or view of this opening (index_version.c). */
static bool reserve_versions(struct ddl *ddl)
{
    struct buffer value = {0};
    struct store_change change;
    index_versions_reserve(ddl->database, &value, &change);
    change.properties = value.failed ? (struct slice){0} : arena_copy(ddl->scratch, change.properties);
    buffer_deinit(&value);
    return change.properties.bytes ? ddl_add(ddl, &change) : ddl_refuse(ddl, MSG_NOMEM);
}

bool ddl_commit(struct ddl *ddl, bool gate_is_closed)
{
    struct cql_database *database = ddl->database;
    status st = ddl->next ? catalog_stamp(ddl->next) : STATUS_DONE;
    bool reserves = ddl->next && index_versions_wanted(database, ddl->next);
    if (failed(st))
        return ddl_failed(ddl, st);
    if (reserves && !reserve_versions(ddl))
        return false;
    if (!gate_is_closed)
        gate_close(&database->gate);
    st = store_change(database->store, ddl->changes, ddl->change_count);
    database->entries_reserved |= ok(st) && reserves;
    if (ok(st) && ddl->next) {
        database_publish(database, ddl->next);
        ddl->next = NULL;
    }
    if (!gate_is_closed)
        gate_open(&database->gate);
    return ok(st) || ddl_failed(ddl, st);
}

void ddl_report(struct ddl *ddl, const char *change, const char *target, const char *keyspace,
                const char *name)
{
    struct cql_result *result = ddl->request->result;
    result->kind = CQL_RESULT_SCHEMA_CHANGE;
    result->change.change = change;
    result->change.target = target;
    snprintf(result->change.keyspace, sizeof result->change.keyspace, "%s", keyspace);
    snprintf(result->change.name, sizeof result->change.name, "%s", name);
}

/* ---- dropping ---- */

static bool add_table_changes(struct ddl *ddl, const struct cql_table *table, enum store_change_kind kind)
{
    struct store_change change = {.kind = kind, .table_id = table->store_id};
    if (!ddl_add(ddl, &change))
        return false;
    for (uint32_t i = 0; i < table->index_count; i++) {
        change.table_id = table->indexes[i]->store_id;
        if (!ddl_add(ddl, &change))
            return false;
    }
    for (uint32_t i = 0; i < table->view_count && kind == STORE_TRUNCATE_TABLE; i++) {
        change.table_id = catalog_view(ddl->catalog, table, i)->store_id;
        if (!ddl_add(ddl, &change))
            return false;
    }
    return true;
}

static bool drop_keyspace(struct ddl *ddl, const struct ast_drop *ast)
{
    const char *name = ast->name.name.text;
    if (!ddl_keyspace_is_free(ddl, name))
        return false;
    const struct cql_keyspace *keyspace = catalog_keyspace(ddl->catalog, name);
    if (!keyspace)
        return ast->if_exists || ddl_refuse(ddl, MSG_DROP_MISSING_KEYSPACE, name);

    struct buffer value = {0};
    catalog_encode_keyspace(&ddl->property_name, &value, keyspace);
    bool encoded = !value.failed && !ddl->property_name.failed;
    buffer_deinit(&value);
    if (!encoded || !ddl_begin(ddl))
        return ddl_refuse(ddl, MSG_NOMEM);
    struct store_change forget = {.kind = STORE_SET_PROPERTY, .name = buffer_slice(&ddl->property_name)};
    if (!ddl_add(ddl, &forget))
        return false;
    for (uint32_t i = 0; i < keyspace->table_count; i++)
        if (!add_table_changes(ddl, keyspace->tables[i], STORE_DROP_TABLE))
            return false;
    catalog_drop_keyspace(ddl->next, name);
    if (!ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, "DROPPED", "KEYSPACE", name, "");
    return true;
}

static bool drop_table(struct ddl *ddl, const struct ast_drop *ast)
{
    const char *keyspace;
    if (!ddl_keyspace_of(ddl, &ast->name, &keyspace) || !ddl_keyspace_is_free(ddl, keyspace))
        return false;
    const char *name = ast->name.name.text;
    if (!catalog_keyspace(ddl->catalog, keyspace))
        return ast->if_exists || ddl_refuse(ddl, MSG_DROP_TABLE_NO_KEYSPACE, keyspace, name);
    const struct cql_table *table = catalog_table(ddl->catalog, keyspace, name);
    if (!table)
        return ast->if_exists || ddl_refuse(ddl, MSG_DROP_MISSING_TABLE, keyspace, name);
    if (!ddl_view_free(ddl, table) || !ddl_begin(ddl) || !add_table_changes(ddl, table, STORE_DROP_TABLE))
        return false;
    catalog_drop_table(ddl->next, keyspace, name);
    if (!ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, "DROPPED", "TABLE", keyspace, name);
    return true;
}

static bool drop(struct ddl *ddl, const struct ast_drop *ast)
{
    switch (ast->kind) {
    case DROP_KEYSPACE: return drop_keyspace(ddl, ast);
    case DROP_TABLE: return drop_table(ddl, ast);
    case DROP_INDEX: return ddl_drop_index(ddl, ast);
    case DROP_TYPE: return ddl_drop_type(ddl, ast);
    case DROP_VIEW: return ddl_drop_view(ddl, ast);
    }
    return ddl_refuse(ddl, MSG_INTERNAL, "an unknown kind of DROP");
}

/* The table, its indexes and its views in one record (DEL-10); not a change of schema, so the catalog stays. */
static bool truncate_table(struct ddl *ddl, const struct ast_table_name *name)
{
    const struct cql_table *table;
    if (!ddl_table_of(ddl, name, MSG_NO_TABLE, &table))
        return false;
    if (table->view)
        return ddl_refuse(ddl, MSG_TRUNCATE_VIEW);
    return add_table_changes(ddl, table, STORE_TRUNCATE_TABLE) && ddl_commit(ddl, false);
}

/* ---- the statement ---- */

static bool dispatch(struct ddl *ddl)
{
    const struct ast_statement *statement = ddl->request->statement;
    switch (statement->kind) {
    case STATEMENT_CREATE_KEYSPACE: return ddl_create_keyspace(ddl, &statement->create_keyspace);
    case STATEMENT_ALTER_KEYSPACE: return ddl_alter_keyspace(ddl, &statement->create_keyspace);
    case STATEMENT_CREATE_TABLE: return ddl_create_table(ddl, &statement->create_table);
    case STATEMENT_ALTER_TABLE: return ddl_alter_table(ddl, &statement->alter_table);
    case STATEMENT_CREATE_INDEX: return ddl_create_index(ddl, &statement->create_index);
    case STATEMENT_CREATE_TYPE: return ddl_create_type(ddl, &statement->create_type);
    case STATEMENT_ALTER_TYPE: return ddl_alter_type(ddl, &statement->alter_table);
    case STATEMENT_CREATE_VIEW: return ddl_create_view(ddl, &statement->create_view);
    case STATEMENT_ALTER_VIEW: return ddl_alter_view(ddl, &statement->alter_table);
    case STATEMENT_DROP: return drop(ddl, &statement->drop);
    case STATEMENT_TRUNCATE: return truncate_table(ddl, &statement->truncate);
    default: return ddl_refuse(ddl, MSG_INTERNAL, "not a schema statement");
    }
}

bool ddl_execute(const struct ddl_request *request)
{
    struct cql_database *database = request->database;
    struct ddl ddl = {
        .request = request,
        .database = database,
        .profile = database->profile,
        .target = database->target,
        .scratch = request->scratch,
        .error = request->error,
    };
    request->result->kind = CQL_RESULT_VOID;
    lock_acquire(&database->ddl_lock);
    struct catalog *current = database_catalog(database);
    ddl.catalog = current;
    bool done = dispatch(&ddl);
    lock_release(&database->ddl_lock);
    catalog_unref(current);
    catalog_unref(ddl.next);
    buffer_deinit(&ddl.property_name);
    buffer_deinit(&ddl.properties);
    return done;
}
