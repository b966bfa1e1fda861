/*
 * ddl_type.c: CREATE, ALTER and DROP TYPE. A type is kept with its keyspace, and its definition in every table that uses it
 * (catalog_store.c): a change of the type is a change of all of those, in one record.
 */
#include <string.h>

#include "cql/ddl_internal.h"
#include "cql/type_resolve.h"

/* "ks.name" in the scratch arena. */
static const char *full_name(struct ddl *ddl, const char *keyspace, const char *name)
{
    const char *text = arena_printf(ddl->scratch, "%s.%s", keyspace, name);
    return text ? text : name;
}

/* A type as refusals show it: Cassandra says whose a user-defined one is. */
static const char *shown_type(struct ddl *ddl, const struct type *type)
{
    if (type->id != TYPE_UDT || ddl->target->is_scylla)
        return ddl_type_text(ddl, type);
    const char *text =
        arena_printf(ddl->scratch, type->frozen ? "frozen<%s.%s>" : "%s.%s", type->keyspace, type->name);
    return text ? text : type->name;
}

/* ---- fields ---- */

/* The type of a field: anything but a counter or a user-defined type that is not frozen. */
static bool field_type(struct ddl *ddl, const char *keyspace, const struct ast_column_definition *field,
                       const struct type **out_type)
{
    if (!type_resolve(field->type, keyspace, ddl->catalog, ddl->profile, ddl->scratch, out_type, ddl->error))
        return false;
    if ((*out_type)->id == TYPE_COUNTER)
        return ddl_refuse(ddl, MSG_UDT_COUNTER);
    if ((*out_type)->id == TYPE_UDT && !(*out_type)->frozen)
        return ddl_refuse(ddl, MSG_UDT_NON_FROZEN_FIELD);
    return true;
}

/* What Cassandra calls a type that was renamed wrongly is its keyspace. */
static bool check_unique(struct ddl *ddl, const struct type *type, enum cql_message twice)
{
    for (uint32_t i = 0; i < type->member_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(type->field_names[i], type->field_names[j]) == 0)
                return ddl_refuse(ddl, twice, type->field_names[i], type->name, type->keyspace);
    return true;
}

/* A copy of `type` with room for one more field. NULL when memory ran out. */
static struct type *editable(struct ddl *ddl, const struct type *type, const char ***out_names,
                             const struct type ***out_members)
{
    uint32_t count = type->member_count;
    struct type *copy = arena_alloc(ddl->scratch, sizeof *copy);
    *out_names = arena_calloc(ddl->scratch, count + 1, sizeof **out_names);
    *out_members = arena_calloc(ddl->scratch, count + 1, sizeof **out_members);
    if (!copy || !*out_names || !*out_members)
        return NULL;
    *copy = *type;
    for (uint32_t i = 0; i < count; i++) {
        (*out_names)[i] = type->field_names[i];
        (*out_members)[i] = type->members[i];
    }
    copy->field_names = *out_names;
    copy->members = *out_members;
    return copy;
}

/* ---- CREATE ---- */

static bool make_type(struct ddl *ddl, const struct ast_create_type *ast, const char *keyspace,
                      struct type *out_type)
{
    *out_type = (struct type){.id = TYPE_UDT, .keyspace = keyspace, .name = ast->name.name.text};
    const char **names = arena_calloc(ddl->scratch, ast->field_count, sizeof *names);
    const struct type **members = arena_calloc(ddl->scratch, ast->field_count, sizeof *members);
    if (!names || !members)
        return ddl_refuse(ddl, MSG_NOMEM);
    if (ast->field_count > TYPE_FIELDS_MAX)
        return ddl_refuse(ddl, MSG_UDT_TOO_MANY_FIELDS, (unsigned)TYPE_FIELDS_MAX);
    for (uint32_t i = 0; i < ast->field_count; i++) {
        names[i] = ast->fields[i].name.text;
        if (!field_type(ddl, keyspace, &ast->fields[i], &members[i]))
            return false;
    }
    out_type->field_names = names;
    out_type->members = members;
    out_type->member_count = ast->field_count;
    return check_unique(ddl, out_type, MSG_UDT_FIELD_TWICE);
}

bool ddl_create_type(struct ddl *ddl, const struct ast_create_type *ast)
{
    const char *keyspace, *name = ast->name.name.text;
    struct type type;
    if (!ddl_keyspace_of(ddl, &ast->name, &keyspace) || !ddl_keyspace_is_free(ddl, keyspace))
        return false;
    if (!catalog_keyspace(ddl->catalog, keyspace))
        return ddl_refuse(ddl, MSG_CREATE_TYPE_NO_KEYSPACE, keyspace);
    if (catalog_type(ddl->catalog, keyspace, name))
        return ast->if_not_exists || ddl_refuse(ddl, MSG_UDT_EXISTS, full_name(ddl, keyspace, name), name);
    if (!make_type(ddl, ast, keyspace, &type) || !ddl_begin(ddl))
        return false;
    status st = catalog_put_type(ddl->next, &type);
    if (failed(st))
        return ddl_failed(ddl, st);
    if (!ddl_store_keyspace(ddl, keyspace) || !ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, "CREATED", "TYPE", keyspace, name);
    return true;
}

/* ---- ALTER ---- */

static bool mentions(const struct cql_table *table, const struct type *type, enum column_kind kind,
                     const struct cql_column **out_column)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (table->columns[i].kind == kind &&
            type_mentions(table->columns[i].type, type->keyspace, type->name)) {
            *out_column = &table->columns[i];
            return true;
        }
    return false;
}

/* A partition key is its bytes: it cannot bear a change of how they read. ScyllaDB minds for every change, Cassandra for a
 * new field; it names the field. */
static bool check_keys(struct ddl *ddl, const struct type *type, const struct ast_column_definition *added,
                       const struct type *added_type)
{
    const struct cql_keyspace *keyspace = catalog_keyspace(ddl->catalog, type->keyspace);
    for (uint32_t i = 0; i < keyspace->table_count; i++) {
        const struct cql_table *table = keyspace->tables[i];
        const struct cql_column *column = NULL;
        const char *table_name = full_name(ddl, table->keyspace, table->name);
        if ((added || ddl->target->is_scylla) && mentions(table, type, COLUMN_PARTITION, &column))
            return ddl_refuse(ddl, MSG_UDT_IN_PARTITION_KEY, full_name(ddl, type->keyspace, type->name),
                              column->name, table_name, added ? added->name.text : "",
                              added_type ? ddl_type_text(ddl, added_type) : "");
        if (added_type && type_has(added_type, TYPE_DURATION) &&
            mentions(table, type, COLUMN_CLUSTERING, &column))
            return ddl_refuse(ddl, MSG_UDT_DURATION_IN_KEY, full_name(ddl, type->keyspace, type->name),
                              column->name, table_name);
    }
    return true;
}

static bool add_field(struct ddl *ddl, const struct ast_alter_table *ast, const struct type *type,
                      const struct type **out_type)
{
    const struct ast_column_definition *field = &ast->columns[0];
    const struct type *added, **members;
    const char **names, *full = full_name(ddl, type->keyspace, type->name);
    if (!field_type(ddl, type->keyspace, field, &added))
        return false;
    if (type_field(type, slice_text(field->name.text)) < type->member_count) {
        *out_type = type;
        return ast->if_columns || ddl_refuse(ddl, MSG_UDT_FIELD_EXISTS, field->name.text, full);
    }
    if (type_mentions(added, type->keyspace, type->name))
        return ddl_refuse(ddl, MSG_UDT_CIRCULAR, field->name.text, shown_type(ddl, added), full);
    if (!check_keys(ddl, type, field, added))
        return false;
    if (type->member_count == TYPE_FIELDS_MAX)
        return ddl_refuse(ddl, MSG_UDT_TOO_MANY_FIELDS, (unsigned)TYPE_FIELDS_MAX);
    struct type *next = editable(ddl, type, &names, &members);
    if (!next)
        return ddl_refuse(ddl, MSG_NOMEM);
    names[next->member_count] = field->name.text;
    members[next->member_count++] = added;
    *out_type = next;
    return true;
}

static bool rename_fields(struct ddl *ddl, const struct ast_alter_table *ast, const struct type *type,
                          const struct type **out_type)
{
    const struct type **members;
    const char **names;
    struct type *next = editable(ddl, type, &names, &members);
    if (!next)
        return ddl_refuse(ddl, MSG_NOMEM);
    for (uint32_t i = 0; i + 1 < ast->dropped_count; i += 2) {
        uint32_t at = type_field(type, slice_text(ast->dropped[i].text));
        if (at == type->member_count && ast->if_columns)
            continue;
        if (at == type->member_count)
            return ddl_refuse(ddl, MSG_UDT_FIELD_UNKNOWN, ast->dropped[i].text,
                              full_name(ddl, type->keyspace, type->name));
        names[at] = ast->dropped[i + 1].text;
    }
    *out_type = next;
    return check_unique(ddl, next, MSG_UDT_RENAME_TWICE) && check_keys(ddl, type, NULL, NULL);
}

/* Cassandra has given it up; ScyllaDB lets a field become a type that reads the same bytes. */
static bool retype_field(struct ddl *ddl, const struct ast_alter_table *ast, const struct type *type,
                         const struct type **out_type)
{
    const struct type *wanted, **members;
    const char **names;
    if (!ddl->target->is_scylla)
        return ddl_refuse(ddl, MSG_UDT_ALTER_FIELD);
    uint32_t at = type_field(type, slice_text(ast->columns[0].name.text));
    if (at == type->member_count)
        return ddl_refuse(ddl, MSG_UDT_FIELD_UNKNOWN, ast->columns[0].name.text,
                          full_name(ddl, type->keyspace, type->name));
    if (!field_type(ddl, type->keyspace, &ast->columns[0], &wanted))
        return false;
    if (!type_reads(wanted, type->members[at]))
        return ddl_refuse(ddl, MSG_UDT_FIELD_TYPE, ddl_type_text(ddl, wanted),
                          ddl_type_text(ddl, type->members[at]), ast->columns[0].name.text,
                          full_name(ddl, type->keyspace, type->name));
    struct type *next = editable(ddl, type, &names, &members);
    if (!next)
        return ddl_refuse(ddl, MSG_NOMEM);
    members[at] = wanted;
    *out_type = next;
    return check_keys(ddl, type, NULL, NULL);
}

static bool change_type(struct ddl *ddl, const struct ast_alter_table *ast, const struct type *type,
                        const struct type **out_type)
{
    switch (ast->kind) {
    case ALTER_ADD: return add_field(ddl, ast, type, out_type);
    case ALTER_RENAME: return rename_fields(ddl, ast, type, out_type);
    case ALTER_TYPE: return retype_field(ddl, ast, type, out_type);
    default: return ddl_refuse(ddl, MSG_INTERNAL, "an unknown kind of ALTER TYPE");
    }
}

/* The keyspace's other types, with the new definition in them. */
static bool replace_in_types(struct ddl *ddl, const struct type *type)
{
    const struct cql_keyspace *keyspace = catalog_keyspace(ddl->catalog, type->keyspace);
    status st = catalog_put_type(ddl->next, type);
    for (uint32_t i = 0; ok(st) && i < keyspace->type_count; i++) {
        const struct type *other = keyspace->types[i];
        if (strcmp(other->name, type->name) == 0 || !type_mentions(other, type->keyspace, type->name))
            continue;
        const struct type *next = type_replace(ddl->scratch, other, type);
        st = next ? catalog_put_type(ddl->next, next) : STATUS_FAIL(STATUS_NOMEM);
    }
    return ok(st) || ddl_failed(ddl, st);
}

static bool table_uses(const struct cql_table *table, const struct type *type)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (type_mentions(table->columns[i].type, type->keyspace, type->name))
            return true;
    for (uint32_t i = 0; i < table->dropped_count; i++)
        if (type_mentions(table->dropped[i].type, type->keyspace, type->name))
            return true;
    return false;
}

static bool replace_in_table(struct ddl *ddl, const struct cql_table *table, const struct type *type)
{
    struct cql_table *next = table_clone(table);
    if (!next)
        return ddl_refuse(ddl, MSG_NOMEM);
    status st = table_replace_type(next, type);
    if (ok(st))
        st = table_seal(next);
    if (failed(st)) {
        table_unref(next);
        return ddl_failed(ddl, st);
    }
    return ddl_put_table(ddl, next, STORE_ALTER_TABLE);
}

bool ddl_alter_type(struct ddl *ddl, const struct ast_alter_table *ast)
{
    const char *name = ast->name.name.text, *keyspace;
    const struct type *next = NULL;
    if (!ddl_keyspace_of(ddl, &ast->name, &keyspace) || !ddl_keyspace_is_free(ddl, keyspace))
        return false;
    const struct cql_keyspace *space = catalog_keyspace(ddl->catalog, keyspace);
    if (!space && !ast->if_exists)
        return ddl_refuse(ddl, MSG_ALTER_TYPE_NO_KEYSPACE, keyspace, full_name(ddl, keyspace, name));
    const struct type *type = catalog_type(ddl->catalog, keyspace, name);
    if (!type)
        return ast->if_exists || ddl_refuse(ddl, MSG_ALTER_MISSING_TYPE, full_name(ddl, keyspace, name));
    if (!change_type(ddl, ast, type, &next) || !ddl_begin(ddl) || !replace_in_types(ddl, next) ||
        !ddl_store_keyspace(ddl, keyspace))
        return false;
    for (uint32_t i = 0; i < space->table_count; i++)
        if (table_uses(space->tables[i], type) && !replace_in_table(ddl, space->tables[i], next))
            return false;
    if (!ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, "UPDATED", "TYPE", keyspace, name);
    return true;
}

/* ---- DROP ---- */

/* SCH-11: what is in use stays. ScyllaDB names the first user, Cassandra all of them. */
static bool check_unused(struct ddl *ddl, const struct cql_keyspace *keyspace, const struct type *type)
{
    const char *full = full_name(ddl, type->keyspace, type->name), *users = NULL, *first = NULL;
    for (uint32_t i = 0; i < keyspace->type_count; i++) {
        const struct type *other = keyspace->types[i];
        if (other == type || !type_mentions(other, type->keyspace, type->name))
            continue;
        first = first ? first : other->name;
        users = users ? arena_printf(ddl->scratch, "%s, %s", users, other->name) : other->name;
    }
    if (first)
        return ddl_refuse(ddl, MSG_UDT_USED_BY_TYPE, full, first, users ? users : first);
    for (uint32_t i = 0; i < keyspace->table_count; i++) {
        const struct cql_table *table = keyspace->tables[i];
        bool uses = false;
        for (uint32_t j = 0; j < table->column_count; j++)
            uses |= type_mentions(table->columns[j].type, type->keyspace, type->name);
        if (!uses)
            continue;
        first = first ? first : full_name(ddl, table->keyspace, table->name);
        users = users ? arena_printf(ddl->scratch, "%s, %s", users, table->name) : table->name;
    }
    return !first || ddl_refuse(ddl, MSG_UDT_USED_BY_TABLE, full, first, users ? users : first);
}

bool ddl_drop_type(struct ddl *ddl, const struct ast_drop *ast)
{
    const char *name = ast->name.name.text, *keyspace;
    if (!ddl_keyspace_of(ddl, &ast->name, &keyspace) || !ddl_keyspace_is_free(ddl, keyspace))
        return false;
    const struct cql_keyspace *space = catalog_keyspace(ddl->catalog, keyspace);
    if (!space)
        return (ast->if_exists && !ddl->target->is_scylla) ||
               ddl_refuse(ddl, MSG_DROP_TYPE_NO_KEYSPACE, keyspace, full_name(ddl, keyspace, name));
    const struct type *type = catalog_type(ddl->catalog, keyspace, name);
    if (!type)
        return ast->if_exists || ddl_refuse(ddl, MSG_DROP_MISSING_TYPE, full_name(ddl, keyspace, name));
    if (!check_unused(ddl, space, type) || !ddl_begin(ddl))
        return false;
    catalog_drop_type(ddl->next, keyspace, name);
    if (!ddl_store_keyspace(ddl, keyspace) || !ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, "DROPPED", "TYPE", keyspace, name);
    return true;
}
