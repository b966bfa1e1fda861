/* ddl_table.c: CREATE TABLE. */
#include <string.h>

#include "cql/ddl_internal.h"
#include "cql/type_resolve.h"

/* The statement while it is judged. */
struct definition {
    const struct ast_create_table *ast;
    const char *keyspace, *name;
    const char *written;              /* the name as the statement has it */
    const struct type **types;        /* of the columns, as resolved */
    const struct ast_name *partition; /* the key, wherever it was written */
    uint32_t partition_count;
    struct ast_name inline_key;
};

static const struct ast_column_definition *column_of(const struct definition *definition, const char *name,
                                                     uint32_t *out_at)
{
    for (uint32_t i = 0; i < definition->ast->column_count; i++)
        if (strcmp(definition->ast->columns[i].name.text, name) == 0) {
            *out_at = i;
            return &definition->ast->columns[i];
        }
    return NULL;
}

static bool check_name(struct ddl *ddl, const struct definition *definition)
{
    const char *name = definition->name;
    size_t bytes = strlen(name);
    if (!ddl_name_is_word(name))
        return ddl_refuse(ddl, MSG_TABLE_NAME_INVALID, name, definition->keyspace);
    if (bytes > ddl->target->name_bytes_max_table)
        return ddl_refuse(ddl, MSG_TABLE_NAME_LONG, (unsigned)ddl->target->name_bytes_max_table, name,
                          definition->keyspace, (unsigned)bytes);
    return true;
}

static bool check_column_names(struct ddl *ddl, const struct definition *definition)
{
    const struct ast_create_table *ast = definition->ast;
    if (ast->column_count > TABLE_COLUMNS_MAX)
        return ddl_refuse(ddl, MSG_TOO_MANY_COLUMNS, (unsigned)TABLE_COLUMNS_MAX);
    for (uint32_t i = 0; i < ast->column_count; i++) {
        uint32_t first = 0;
        column_of(definition, ast->columns[i].name.text, &first);
        if (first != i)
            return ddl_refuse(ddl, MSG_COLUMN_TWICE, ast->columns[i].name.text, definition->keyspace,
                              definition->written, "");
    }
    return true;
}

/* PRIMARY KEY (...) or one column that says PRIMARY KEY itself, exactly one of the two and once. */
static bool find_key(struct ddl *ddl, struct definition *definition)
{
    const struct ast_create_table *ast = definition->ast;
    uint32_t given = ast->primary_key_clauses;
    definition->partition = ast->partition_key;
    definition->partition_count = ast->partition_key_count;
    for (uint32_t i = 0; i < ast->column_count; i++)
        if (ast->columns[i].is_primary_key) {
            given++;
            definition->inline_key = ast->columns[i].name;
            definition->partition = &definition->inline_key;
            definition->partition_count = 1;
        }
    if (given == 0)
        return ddl_refuse(ddl, MSG_NO_PRIMARY_KEY, definition->written);
    if (given > 1)
        return ddl_refuse(ddl, MSG_PRIMARY_KEY_TWICE, definition->written);
    return true;
}

bool ddl_check_multicell(struct ddl *ddl, const struct type *type)
{
    for (uint32_t i = 0; type->id == TYPE_UDT && !type->frozen && i < type->member_count; i++)
        if (type_is_multicell(type->members[i]))
            return ddl_refuse(ddl, MSG_UDT_OF_COLLECTIONS);
    return true;
}

static bool is_key_column(const struct definition *definition, const char *name)
{
    for (uint32_t i = 0; i < definition->partition_count; i++)
        if (strcmp(definition->partition[i].text, name) == 0)
            return true;
    for (uint32_t i = 0; i < definition->ast->clustering_key_count; i++)
        if (strcmp(definition->ast->clustering_key[i].text, name) == 0)
            return true;
    return false;
}

static bool resolve_types(struct ddl *ddl, struct definition *definition)
{
    const struct ast_create_table *ast = definition->ast;
    definition->types = arena_calloc(ddl->scratch, ast->column_count + 1, sizeof *definition->types);
    if (!definition->types)
        return ddl_refuse(ddl, MSG_NOMEM);
    for (uint32_t i = 0; i < ast->column_count; i++)
        if (!type_resolve(ast->columns[i].type, definition->keyspace, ddl->catalog, ddl->profile,
                          ddl->scratch, &definition->types[i], ddl->error) ||
            !ddl_check_multicell(ddl, definition->types[i]))
            return false;
    return true;
}

static bool check_key_column(struct ddl *ddl, const struct definition *definition, const char *name)
{
    uint32_t at;
    const struct ast_column_definition *column = column_of(definition, name, &at);
    if (!column)
        return ddl_refuse(ddl, MSG_KEY_COLUMN_UNKNOWN, name, definition->keyspace, definition->name, "");
    const struct type *type = definition->types[at];
    struct buffer text = {0};
    type_name(&text, type);
    const char *type_text = text.failed ? NULL : arena_text(ddl->scratch, buffer_slice(&text));
    buffer_deinit(&text);
    if (!type_text)
        return ddl_refuse(ddl, MSG_NOMEM);
    enum cql_message wrong;
    if (type_is_multicell(type))
        wrong = type->id == TYPE_UDT ? MSG_KEY_COLUMN_UDT : MSG_KEY_COLUMN_COLLECTION;
    else if (type->id == TYPE_COUNTER)
        wrong = MSG_KEY_COLUMN_COUNTER;
    else if (!type_can_be_key(type))
        wrong = MSG_KEY_COLUMN_DURATION;
    else if (column->is_static)
        wrong = MSG_KEY_COLUMN_STATIC;
    else
        return true;
    return ddl_refuse(ddl, wrong, name, definition->keyspace, definition->name, type_text);
}

static bool check_key(struct ddl *ddl, const struct definition *definition)
{
    const struct ast_create_table *ast = definition->ast;
    for (uint32_t i = 0; i < definition->partition_count; i++)
        if (!check_key_column(ddl, definition, definition->partition[i].text))
            return false;
    for (uint32_t i = 0; i < ast->clustering_key_count; i++)
        if (!check_key_column(ddl, definition, ast->clustering_key[i].text))
            return false;
    for (uint32_t i = 0; i < definition->partition_count + ast->clustering_key_count; i++)
        for (uint32_t j = 0; j < i; j++) {
            const struct ast_name *a = i < definition->partition_count
                                           ? &definition->partition[i]
                                           : &ast->clustering_key[i - definition->partition_count];
            const struct ast_name *b = j < definition->partition_count
                                           ? &definition->partition[j]
                                           : &ast->clustering_key[j - definition->partition_count];
            if (strcmp(a->text, b->text) == 0)
                return ddl_refuse(ddl, MSG_KEY_COLUMN_TWICE, a->text, definition->keyspace, definition->name,
                                  "");
        }
    return true;
}

static bool check_other_columns(struct ddl *ddl, const struct definition *definition)
{
    const struct ast_create_table *ast = definition->ast;
    for (uint32_t i = 0; i < ast->column_count; i++) {
        const struct ast_column_definition *column = &ast->columns[i];
        if (is_key_column(definition, column->name.text))
            continue;
        if (column->is_static && ast->clustering_key_count == 0) /* STA-7 */
            return ddl_refuse(ddl, MSG_STATIC_WITHOUT_CLUSTERING);
    }
    return true;
}

bool ddl_refuse_row_ttl(struct ddl *ddl, uint32_t at)
{
    struct cql_error place;
    if (ddl->target->row_ttl)
        return ddl_refuse(ddl, MSG_NOT_SUPPORTED, "a TTL of rows by a column");
    cql_error_at(&place, ddl->request->statement->text, at);
    return ddl_refuse(ddl, MSG_WORD_UNKNOWN, place.line, place.column, "TTL");
}

static bool check_row_ttl(struct ddl *ddl, const struct ast_create_table *ast)
{
    for (uint32_t i = 0; i < ast->column_count; i++)
        if (ast->columns[i].row_ttl_at)
            return ddl_refuse_row_ttl(ddl, ast->columns[i].row_ttl_at);
    return true;
}

static bool ordering_names(const struct ast_create_table *ast, const char *name)
{
    for (uint32_t i = 0; i < ast->ordering_count; i++)
        if (strcmp(ast->orderings[i].column.text, name) == 0)
            return true;
    return false;
}

static bool is_clustering(const struct ast_create_table *ast, const char *name)
{
    for (uint32_t i = 0; i < ast->clustering_key_count; i++)
        if (strcmp(ast->clustering_key[i].text, name) == 0)
            return true;
    return false;
}

/* CLUSTERING ORDER BY names the clustering columns from the first on, in their order. */
static bool check_ordering(struct ddl *ddl, const struct ast_create_table *ast)
{
    for (uint32_t i = 0; i < ast->ordering_count; i++)
        if ((!ddl->target->is_scylla && !is_clustering(ast, ast->orderings[i].column.text)) ||
            i >= ast->clustering_key_count)
            return ddl_refuse(ddl, MSG_ORDER_TOO_MANY, ast->orderings[i].column.text);
    for (uint32_t i = 0; i < ast->ordering_count; i++) {
        const char *wanted = ast->clustering_key[i].text;
        const char *found = ast->orderings[i].column.text;
        if (strcmp(wanted, found) == 0)
            continue;
        if (ordering_names(ast, wanted))
            return ddl_refuse(ddl, MSG_ORDER_WRONG, wanted, found);
        return ddl_refuse(ddl, MSG_ORDER_BEFORE_KEY, wanted);
    }
    return true;
}

static bool add_key_column(struct ddl *ddl, const struct definition *definition, struct cql_table *table,
                           struct cql_column column)
{
    uint32_t at;
    if (!column_of(definition, column.name, &at))
        return ddl_refuse(ddl, MSG_INTERNAL, "a key column without definition");
    column.type = definition->types[at];
    status st = table_add_column(table, &column);
    return ok(st) || ddl_failed(ddl, st);
}

static bool add_columns(struct ddl *ddl, const struct definition *definition, struct cql_table *table)
{
    const struct ast_create_table *ast = definition->ast;
    for (uint32_t i = 0; i < definition->partition_count; i++)
        if (!add_key_column(ddl, definition, table,
                            (struct cql_column){.name = definition->partition[i].text,
                                                .kind = COLUMN_PARTITION,
                                                .position = i,
                                                .id = COLUMN_ID_NEW}))
            return false;
    for (uint32_t i = 0; i < ast->clustering_key_count; i++)
        if (!add_key_column(
                ddl, definition, table,
                (struct cql_column){.name = ast->clustering_key[i].text,
                                    .kind = COLUMN_CLUSTERING,
                                    .position = i,
                                    .descending = i < ast->ordering_count && ast->orderings[i].descending,
                                    .id = COLUMN_ID_NEW}))
            return false;
    for (uint32_t i = 0; i < ast->column_count; i++) {
        if (is_key_column(definition, ast->columns[i].name.text))
            continue;
        struct cql_column column = {.name = ast->columns[i].name.text,
                                    .type = definition->types[i],
                                    .kind = ast->columns[i].is_static ? COLUMN_STATIC : COLUMN_REGULAR,
                                    .id = COLUMN_ID_NEW};
        status st = table_add_column(table, &column);
        if (failed(st))
            return ddl_failed(ddl, st);
    }
    return true;
}

static bool stands_before(const struct cql_column *a, const struct cql_column *b)
{
    return a->kind != b->kind ? a->kind < b->kind : strcmp(a->name, b->name) < 0;
}

/* CNT-1. ScyllaDB names the first that is no counter, in the order of the schema. */
static bool check_counters(struct ddl *ddl, const struct cql_table *table)
{
    const struct cql_column *other = NULL;
    bool counts = false;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct cql_column *column = &table->columns[i];
        if (column->type->id == TYPE_COUNTER)
            counts = true;
        else if (column->kind > COLUMN_CLUSTERING && (!other || stands_before(column, other)))
            other = column;
    }
    if (counts && table->options.default_time_to_live)
        return ddl_refuse(ddl, MSG_COUNTER_DEFAULT_TTL);
    if (!counts || !other)
        return true;
    return ddl->target->is_scylla ? ddl_refuse(ddl, MSG_COUNTER_FAMILY_MIXED, other->name)
                                  : ddl_refuse(ddl, MSG_COUNTER_MIXED);
}

static bool make_table(struct ddl *ddl, const struct definition *definition, struct cql_table *table)
{
    const struct ast_create_table *ast = definition->ast;
    struct table_options_request options = {
        .properties = ast->properties,
        .property_count = ast->property_count,
        .target = ddl->target,
        .profile = ddl->profile,
        .arena = &table->arena,
        .warnings = &ddl->request->result->warnings,
    };
    bool has_uuid;
    table_options_default(ddl->target, &table->options);
    if (!table_options_apply(&options, &table->options, table->uuid, &has_uuid, ddl->error))
        return false;
    if (!has_uuid)
        ddl_uuid(ddl, table->uuid);
    return add_columns(ddl, definition, table) && check_counters(ddl, table);
}

/* What is said of a definition before anybody looks whether the table exists; ScyllaDB says everything. */
static bool check_early(struct ddl *ddl, struct definition *definition)
{
    if (!ddl->target->is_scylla)
        return check_column_names(ddl, definition) && find_key(ddl, definition);
    return check_name(ddl, definition) && check_column_names(ddl, definition) &&
           table_options_known(definition->ast->properties, definition->ast->property_count, ddl->target,
                               ddl->profile, ddl->error);
}

static bool check_definition(struct ddl *ddl, struct definition *definition)
{
    const struct ast_create_table *ast = definition->ast;
    if (!check_name(ddl, definition) ||
        !table_options_known(ast->properties, ast->property_count, ddl->target, ddl->profile, ddl->error))
        return false;
    if (ast->compact_storage)
        return ddl_refuse(ddl, MSG_NOT_SUPPORTED, "COMPACT STORAGE");
    return check_row_ttl(ddl, ast) && resolve_types(ddl, definition) && find_key(ddl, definition) &&
           check_key(ddl, definition) && check_other_columns(ddl, definition) && check_ordering(ddl, ast);
}

bool ddl_create_table(struct ddl *ddl, const struct ast_create_table *ast)
{
    struct definition definition = {.ast = ast, .name = ast->name.name.text};
    if (!ddl_keyspace_of(ddl, &ast->name, &definition.keyspace) ||
        !ddl_keyspace_is_free(ddl, definition.keyspace))
        return false;
    definition.written = ast->name.keyspace.text
                             ? arena_printf(ddl->scratch, "%s.%s", definition.keyspace, definition.name)
                             : definition.name;
    if (!definition.written || !check_early(ddl, &definition))
        return definition.written ? false : ddl_refuse(ddl, MSG_NOMEM);
    if (!catalog_keyspace(ddl->catalog, definition.keyspace))
        return ddl_refuse(ddl, MSG_CREATE_TABLE_NO_KEYSPACE, definition.keyspace);
    bool exists = catalog_table(ddl->catalog, definition.keyspace, definition.name) != NULL;
    if (exists && !ddl->target->is_scylla)
        return ast->if_not_exists ||
               cql_refuse_exists(ddl->error, ddl->profile, definition.keyspace, definition.name);
    if (!check_definition(ddl, &definition))
        return false;

    struct cql_table *table = table_new(definition.keyspace, definition.name);
    if (!table)
        return ddl_refuse(ddl, MSG_NOMEM);
    if (!make_table(ddl, &definition, table)) {
        table_unref(table);
        return false;
    }
    if (catalog_table(ddl->catalog, definition.keyspace, definition.name)) {
        table_unref(table);
        return ast->if_not_exists ||
               cql_refuse_exists(ddl->error, ddl->profile, definition.keyspace, definition.name);
    }
    table->store_id = store_new_table_id(ddl->database->store);
    status st = table_seal(table);
    if (failed(st) || !ddl_begin(ddl)) {
        table_unref(table);
        return failed(st) ? ddl_failed(ddl, st) : false;
    }
    if (!ddl_put_table(ddl, table, STORE_CREATE_TABLE) || !ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, "CREATED", "TABLE", definition.keyspace, definition.name);
    return true;
}
