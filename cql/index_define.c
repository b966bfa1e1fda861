/* index_define.c: is a CREATE INDEX one that the target takes, and what does it index? (IDX-1, IDX-2, IDX-6) */
#include <string.h>
#include <strings.h>

#include "cql/ddl_internal.h"

/* ---- kinds ---- */

static bool is_sai_class(const char *name)
{
    static const char *const names[] = {"sai", "StorageAttachedIndex",
                                        "org.apache.cassandra.index.sai.StorageAttachedIndex"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static bool is_sasi_class(const char *name)
{
    return strcmp(name, "org.apache.cassandra.index.sasi.SASIIndex") == 0;
}

static bool take_options(struct ddl *ddl, const struct ast_create_index *ast, struct cql_index *out)
{
    for (uint32_t i = 0; i < ast->property_count; i++) {
        const struct ast_property *property = &ast->properties[i];
        if (strcmp(property->name.text, "options") != 0)
            return ddl_refuse(ddl, MSG_UNKNOWN_PROPERTY, property->name.text);
        if (!property_map(property, ddl->profile, ddl->scratch, &out->options, ddl->error))
            return false;
    }
    for (uint32_t i = 0; i < out->options.count; i++)
        if (strcmp(out->options.items[i].key, "class_name") == 0)
            return ddl_refuse(ddl, MSG_INDEX_OPTION_CLASS, "class_name");
    return true;
}

/* What a StorageAttachedIndex can be tuned with. Values are compared as they are written: nothing that folds them is offered. */
static bool check_sai_options(struct ddl *ddl, const struct cql_index *index)
{
    static const struct {
        const char *key, *plain;
    } known[] = {{"case_sensitive", "true"}, {"normalize", "false"}, {"ascii", "false"}};
    for (uint32_t i = 0; i < index->options.count; i++) {
        const struct cql_option *option = &index->options.items[i];
        bool found = false;
        for (size_t j = 0; j < ARRAY_LEN(known); j++) {
            if (strcmp(option->key, known[j].key) != 0)
                continue;
            found = true;
            if (strcasecmp(option->value, known[j].plain) != 0)
                return ddl_refuse(
                    ddl, MSG_NOT_SUPPORTED,
                    arena_printf(ddl->scratch, "the index option %s = %s", option->key, option->value));
        }
        if (!found)
            return ddl_refuse(ddl, MSG_INDEX_OPTION_UNKNOWN, option->key);
    }
    return true;
}

static bool check_class(struct ddl *ddl, const struct ast_create_index *ast, struct cql_index *out)
{
    const char *name = ast->using_class;
    bool by_name = ddl->target->index_class_alone; /* USING without CUSTOM */
    if (ast->custom && !name && by_name)
        name = "legacy_local_table"; /* the default, which is not a class */
    if (ast->custom && !name)
        return ddl_refuse(ddl, MSG_INDEX_CLASS_MISSING);
    if (!ast->custom && name && !by_name)
        return ddl_refuse(ddl, MSG_INDEX_CLASS_ALONE);
    if (!ast->custom && ast->property_count && !name)
        return ddl_refuse(ddl, MSG_INDEX_OPTIONS_ALONE);
    if (!take_options(ddl, ast, out))
        return false;
    if (!name || (!ast->custom && by_name && strcasecmp(name, "legacy_local_table") == 0))
        return true;
    if (ddl->target->has_sai && is_sai_class(name)) {
        out->is_sai = true;
        out->custom_class = name;
        return check_sai_options(ddl, out);
    }
    if (!ddl->target->is_scylla && is_sasi_class(name))
        return ddl_refuse(ddl, MSG_INDEX_SASI);
    return ddl_refuse(ddl, ddl->target->is_scylla ? MSG_INDEX_CUSTOM_UNKNOWN : MSG_INDEX_CLASS_UNKNOWN, name);
}

/* ---- local indexes ---- */

static bool check_local(struct ddl *ddl, const struct ast_create_index *ast, const struct cql_table *table)
{
    for (uint32_t i = 0; i < ast->partition_column_count; i++) {
        const struct cql_column *column = table_column(table, ast->partition_columns[i].text);
        if (!column || column->kind != COLUMN_PARTITION)
            return ddl_refuse(ddl, MSG_INDEX_LOCAL_KEY, ast->partition_columns[i].text);
        if (i >= table->partition_count)
            return ddl_refuse(ddl, MSG_INDEX_LOCAL_TWICE, column->name);
        if (column->position != i)
            return ddl_refuse(ddl, MSG_INDEX_LOCAL_MISSING, table->columns[i].name);
    }
    if (ast->partition_column_count < table->partition_count)
        return ddl_refuse(ddl, MSG_INDEX_LOCAL_MISSING, table->columns[ast->partition_column_count].name);
    const struct cql_column *column = table_column(table, ast->column.text);
    if (column && column->kind == COLUMN_STATIC)
        return ddl_refuse(ddl, MSG_INDEX_LOCAL_STATIC);
    if (column && column->kind == COLUMN_PARTITION)
        return ddl_refuse(ddl, MSG_INDEX_LOCAL_PARTITION);
    if (column && type_is_multicell(column->type) && type_is_collection(column->type))
        return ddl_refuse(ddl, MSG_INDEX_LOCAL_COLLECTION, column->name);
    return true;
}

/* ---- targets ---- */

static const char *target_text(const struct ddl *ddl, enum ast_index_target target)
{
    static const char *const texts[] = {"values()", "keys()", "values()", "entries()", "full()"};
    bool plain = target == INDEX_VALUES_OF_COLUMN && ddl->target->is_scylla;
    return plain ? "value" : texts[target];
}

/* "keys", as Cassandra and, of collections, ScyllaDB name it. */
static const char *target_word(enum ast_index_target target)
{
    static const char *const texts[] = {"values", "keys", "values", "entries", "full"};
    return texts[target];
}

static bool check_duration(struct ddl *ddl, const struct type *type)
{
    if (!type_has(type, TYPE_DURATION))
        return true;
    if (type_is_collection(type))
        return ddl_refuse(ddl, MSG_INDEX_ON_DURATIONS, "collections");
    if (type->id == TYPE_TUPLE)
        return ddl_refuse(ddl, MSG_INDEX_ON_DURATIONS, "tuples");
    if (type->id == TYPE_UDT)
        return ddl_refuse(ddl, MSG_INDEX_ON_DURATIONS, "UDTs");
    return ddl_refuse(ddl, MSG_INDEX_ON_DURATION);
}

/* A collection made of elements: (c) is values(c). */
static bool collection_target(struct ddl *ddl, const struct cql_column *column, enum ast_index_target target,
                              enum index_target *out)
{
    if (target == INDEX_FULL)
        return ddl_refuse(ddl, MSG_INDEX_FULL_NOT_FROZEN);
    if ((target == INDEX_KEYS || target == INDEX_ENTRIES) && column->type->id != TYPE_MAP)
        return ddl_refuse(ddl, MSG_INDEX_NOT_MAP, target_word(target), column->name);
    *out = target == INDEX_KEYS      ? INDEX_ON_KEYS
           : target == INDEX_ENTRIES ? INDEX_ON_ENTRIES
                                     : INDEX_ON_VALUES;
    return true;
}

static bool check_target(struct ddl *ddl, const struct ast_create_index *ast, const struct cql_table *table,
                         struct cql_index *out)
{
    const char *name = ast->column.text;
    const struct cql_column *column = table_column(table, name);
    if (!column)
        return ddl_refuse(ddl, MSG_INDEX_COLUMN_UNKNOWN, name, table->keyspace, table->name);
    out->column = column;
    if (!check_duration(ddl, column->type))
        return false;
    if (column->kind == COLUMN_PARTITION && table->partition_count == 1)
        return ddl_refuse(ddl, MSG_INDEX_ON_ONLY_PARTITION_KEY, name);
    if (type_is_multicell(column->type) && column->type->id == TYPE_UDT)
        return ddl_refuse(ddl, MSG_INDEX_ON_UDT, name);
    if (type_is_multicell(column->type))
        return collection_target(ddl, column, ast->target, &out->target);
    if (type_is_collection(column->type))
        return ast->target == INDEX_FULL ||
               ddl_refuse(ddl, MSG_INDEX_ON_FROZEN, name, target_text(ddl, ast->target));
    if (ast->target == INDEX_FULL)
        return ddl_refuse(ddl, MSG_INDEX_FULL_NOT_FROZEN);
    return ast->target == INDEX_VALUES_OF_COLUMN ||
           ddl_refuse(ddl, MSG_INDEX_NOT_COLLECTION, name, target_text(ddl, ast->target));
}

bool index_define(struct ddl *ddl, const struct ast_create_index *ast, const struct cql_table *table,
                  struct cql_index *out)
{
    if (!ast->target_count)
        return ddl_refuse(ddl, MSG_INDEX_NO_TARGET);
    if (ast->target_count > 1)
        return ddl_refuse(ddl, MSG_INDEX_SEVERAL_TARGETS);
    *out = (struct cql_index){.is_local = ast->partition_column_count > 0};
    if (table_counts(table))
        return ddl_refuse(ddl, MSG_INDEX_ON_COUNTER);
    return check_class(ddl, ast, out) && (!out->is_local || check_local(ddl, ast, table)) &&
           check_target(ddl, ast, table, out);
}

const struct cql_index *index_duplicate(const struct cql_table *table, const struct cql_index *of)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct cql_index *index = table->indexes[i];
        if (index->column == of->column && index->target == of->target && index->is_local == of->is_local &&
            index->is_sai == of->is_sai)
            return index;
    }
    return NULL;
}
