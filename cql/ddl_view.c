/*
 * ddl_view.c: CREATE, ALTER and DROP MATERIALIZED VIEW.
 *
 * A view is made as an index is (ddl_index.c): its store table, its entries and a sync with the gate closed, then its
 * definition and that of its base in one record.
 */
#include <string.h>

#include "cql/ddl_internal.h"
#include "cql/plan.h"
#include "cql/view_internal.h"

/* ---- names ---- */

static bool check_name(struct ddl *ddl, const char *name)
{
    if (!ddl_name_is_word(name))
        return ddl_refuse(ddl, MSG_VIEW_NAME_INVALID, name);
    if (strlen(name) > ddl->target->name_bytes_max_table)
        return ddl_refuse(ddl, MSG_VIEW_NAME_LONG, (unsigned)ddl->target->name_bytes_max_table, name);
    return true;
}

/* The view's keyspace is the one in its name, else the base's, else the session's. */
static bool find_base(struct ddl *ddl, const struct ast_create_view *ast, const struct cql_table **out_base)
{
    const char *keyspace, *name = ast->base.name.text;
    struct ast_table_name named = ast->name;
    if (!named.keyspace.text)
        named.keyspace = ast->base.keyspace;
    if (!ddl_keyspace_of(ddl, &named, &keyspace) || !ddl_keyspace_is_free(ddl, keyspace))
        return false;
    if (ast->base.keyspace.text && strcmp(ast->base.keyspace.text, keyspace) != 0)
        return ddl_refuse(ddl, MSG_VIEW_OTHER_KEYSPACE, ast->base.keyspace.text, keyspace);
    if (!check_name(ddl, ast->name.name.text))
        return false;
    if (!catalog_keyspace(ddl->catalog, keyspace))
        return ddl_refuse(ddl, MSG_VIEW_NO_KEYSPACE, keyspace);
    *out_base = catalog_table(ddl->catalog, keyspace, name);
    return *out_base || ddl_refuse(ddl, MSG_VIEW_NO_BASE, name);
}

static bool is_counter_table(const struct cql_table *table)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (table->columns[i].type->id == TYPE_COUNTER)
            return true;
    return false;
}

static bool check_base(struct ddl *ddl, const struct ast_create_view *ast, const struct cql_table *base)
{
    if (is_counter_table(base))
        return ddl_refuse(ddl, MSG_VIEW_ON_COUNTER);
    if (base->view)
        return ddl_refuse(ddl, MSG_VIEW_ON_VIEW);
    if (base->options.gc_grace_seconds == 0)
        return ddl_refuse(ddl, MSG_VIEW_BASE_GRACE, ast->name.name.text, base->name);
    return true;
}

/* ---- the table of it ---- */

static bool add_column(struct ddl *ddl, struct cql_table *view, const struct cql_column *from,
                       enum column_kind kind, uint32_t position, bool descending)
{
    struct cql_column column = *from;
    column.kind = kind;
    column.position = position;
    column.descending = descending;
    status st = table_add_column(view, &column);
    return ok(st) || ddl_failed(ddl, st);
}

/* As the statement says, else as the base has it. */
static bool is_descending(const struct ast_create_view *ast, const struct cql_column *column)
{
    for (uint32_t i = 0; i < ast->ordering_count; i++)
        if (strcmp(ast->orderings[i].column.text, column->name) == 0)
            return ast->orderings[i].descending;
    return column->kind == COLUMN_CLUSTERING && column->descending;
}

static bool add_columns(struct ddl *ddl, const struct view_definition *definition, struct cql_table *view)
{
    for (uint32_t i = 0; i < definition->key_count; i++) {
        const struct cql_column *column = definition->key[i];
        bool is_partition = i < definition->partition_count;
        uint32_t position = is_partition ? i : i - definition->partition_count;
        if (!add_column(ddl, view, column, is_partition ? COLUMN_PARTITION : COLUMN_CLUSTERING, position,
                        !is_partition && is_descending(definition->ast, column)))
            return false;
    }
    for (uint32_t i = 0; i < definition->base->column_count; i++)
        if (definition->selected[i] && !view_definition_has_key(definition, &definition->base->columns[i]) &&
            !add_column(ddl, view, &definition->base->columns[i], COLUMN_REGULAR, 0, false))
            return false;
    return true;
}

static bool set_options(struct ddl *ddl, const struct ast_create_view *ast, struct cql_table *view)
{
    struct table_options_request options = {
        .properties = ast->properties,
        .property_count = ast->property_count,
        .target = ddl->target,
        .profile = ddl->profile,
        .arena = &view->arena,
        .warnings = &ddl->request->result->warnings,
    };
    bool has_uuid;
    table_options_default(ddl->target, &view->options);
    if (!table_options_apply(&options, &view->options, view->uuid, &has_uuid, ddl->error))
        return false;
    if (!has_uuid)
        ddl_uuid(ddl, view->uuid);
    return view->options.default_time_to_live == 0 || ddl_refuse(ddl, MSG_VIEW_TTL);
}

static bool fill_view(struct ddl *ddl, const struct view_definition *definition, struct cql_table *view)
{
    struct cql_view info = {.base = definition->base->name,
                            .all_columns = definition->ast->all,
                            .filters = definition->filters,
                            .filter_count = definition->filter_count};
    view->next_column_id = definition->base->next_column_id;
    if (!set_options(ddl, definition->ast, view) || !add_columns(ddl, definition, view))
        return false;
    status st = table_set_view(view, &info);
    view->store_id = store_new_table_id(ddl->database->store);
    if (ok(st))
        st = table_seal(view);
    return ok(st) || ddl_failed(ddl, st);
}

/* ---- making it ---- */

/* With the gate closed. On success the view is complete, durable and published. */
static bool build_and_publish(struct ddl *ddl, const struct cql_table *base, const struct cql_table *view)
{
    struct plan_context context = ddl_entries_context(ddl);
    if (!view_build(&context, base, view, ddl->error))
        return false;
    status st = store_sync(ddl->database->store);
    if (failed(st))
        return ddl_failed(ddl, st);
    return ddl_commit(ddl, true);
}

/* Takes the reference of `view` over. */
static bool publish(struct ddl *ddl, const struct cql_table *base, struct cql_table *view)
{
    struct cql_table *next = table_clone(base);
    status st = next ? table_add_view(next, view->name) : STATUS_FAIL(STATUS_NOMEM);
    if (ok(st))
        st = table_seal(next);
    if (failed(st) || !ddl_begin(ddl)) {
        table_unref(next);
        table_unref(view);
        return failed(st) ? ddl_failed(ddl, st) : false;
    }
    uint64_t store_id = view->store_id;
    if (!ddl_put_table(ddl, next, STORE_ALTER_TABLE)) {
        table_unref(view);
        return false;
    }
    if (!ddl_put_table(ddl, view, STORE_ALTER_TABLE) || !ddl_entries_create(ddl, base, view->name, store_id))
        return false;
    gate_close(&ddl->database->gate);
    bool done = build_and_publish(ddl, next, view);
    gate_open(&ddl->database->gate);
    if (!done)
        ddl_entries_drop(ddl, store_id);
    return done;
}

static void warn(struct ddl *ddl)
{
    struct buffer *warnings = &ddl->request->result->warnings;
    if (!ddl->target->view_warning)
        return;
    buffer_printf(warnings, "%s", ddl->target->view_warning);
    buffer_append_u8(warnings, 0);
}

bool ddl_create_view(struct ddl *ddl, const struct ast_create_view *ast)
{
    struct view_definition definition = {.ast = ast, .name = ast->name.name.text};
    if (ddl->request->statement->bind_count)
        return ddl_refuse(ddl, MSG_VIEW_BINDS);
    if (ast->compact_storage)
        return ddl_refuse(ddl, MSG_VIEW_COMPACT_STORAGE);
    if (!table_options_known(ast->properties, ast->property_count, ddl->target, ddl->profile, ddl->error) ||
        !find_base(ddl, ast, &definition.base))
        return false;
    const char *keyspace = definition.base->keyspace;
    const struct cql_table *taken = catalog_table(ddl->catalog, keyspace, definition.name);
    if (taken && !taken->view && !ddl->target->is_scylla)
        return ddl_refuse(ddl, MSG_VIEW_NAME_IS_TABLE, definition.name, keyspace);
    if (taken && (!taken->view || !ast->if_not_exists))
        return cql_refuse_exists(ddl->error, ddl->profile, keyspace, definition.name);
    if (!check_base(ddl, ast, definition.base) || !view_define(ddl, &definition))
        return false;
    if (taken)
        return true;
    struct cql_table *view = table_new(keyspace, definition.name);
    if (!view)
        return ddl_refuse(ddl, MSG_NOMEM);
    if (!fill_view(ddl, &definition, view)) {
        table_unref(view);
        return false;
    }
    if (!publish(ddl, definition.base, view))
        return false;
    warn(ddl);
    ddl_report(ddl, "CREATED", "TABLE", keyspace, definition.name);
    return true;
}

/* ---- ALTER and DROP ---- */

/* The view of a name; *out_view is NULL when there is none, and the refusal is the caller's. */
static bool find_view(struct ddl *ddl, const struct ast_table_name *name, enum cql_message is_table,
                      const struct cql_table **out_view)
{
    const char *keyspace;
    if (!ddl_keyspace_of(ddl, name, &keyspace) || !ddl_keyspace_is_free(ddl, keyspace))
        return false;
    *out_view = catalog_table(ddl->catalog, keyspace, name->name.text);
    if (*out_view && !(*out_view)->view)
        return ddl_refuse(ddl, is_table, keyspace, name->name.text);
    return true;
}

static const char *keyspace_text(const struct ddl *ddl, const struct ast_table_name *name)
{
    return name->keyspace.text ? name->keyspace.text : ddl->request->keyspace;
}

static bool change_options(struct ddl *ddl, const struct ast_alter_table *ast, struct cql_table *next)
{
    bool has_id;
    if (!ddl_alter_options(ddl, ast, next, &has_id))
        return false;
    if (has_id)
        return ddl_refuse(ddl, MSG_PROPERTY_INVALID, "id", "(a table keeps its id)");
    if (next->options.gc_grace_seconds == 0)
        return ddl_refuse(ddl, MSG_VIEW_ALTER_GRACE);
    return next->options.default_time_to_live == 0 || ddl_refuse(ddl, MSG_VIEW_ALTER_TTL);
}

bool ddl_alter_view(struct ddl *ddl, const struct ast_alter_table *ast)
{
    const struct cql_table *view;
    if (!find_view(ddl, &ast->name, MSG_VIEW_ALTER_IS_TABLE, &view))
        return false;
    if (!view && ast->if_exists)
        return true;
    if (!view)
        return ddl_refuse(ddl, MSG_VIEW_ALTER_MISSING, keyspace_text(ddl, &ast->name), ast->name.name.text);
    struct cql_table *next = table_clone(view);
    if (!next)
        return ddl_refuse(ddl, MSG_NOMEM);
    bool changed = change_options(ddl, ast, next);
    status st = changed ? table_seal(next) : STATUS_DONE;
    if (!changed || failed(st) || !ddl_begin(ddl)) {
        table_unref(next);
        return failed(st) ? ddl_failed(ddl, st) : false;
    }
    if (!ddl_put_table(ddl, next, STORE_ALTER_TABLE) || !ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, "UPDATED", "TABLE", view->keyspace, view->name);
    return true;
}

bool ddl_drop_view(struct ddl *ddl, const struct ast_drop *ast)
{
    const struct cql_table *view;
    if (!find_view(ddl, &ast->name, MSG_VIEW_DROP_IS_TABLE, &view))
        return false;
    if (!view)
        return ast->if_exists ||
               ddl_refuse(ddl, ddl->target->is_scylla ? MSG_VIEW_DROP_MISSING : MSG_VIEW_ALTER_MISSING,
                          keyspace_text(ddl, &ast->name), ast->name.name.text);
    const struct cql_table *base = catalog_table(ddl->catalog, view->keyspace, view->view->base);
    struct store_change forget = {.kind = STORE_DROP_TABLE, .table_id = view->store_id};
    struct cql_table *next = base ? table_clone(base) : NULL;
    if (!next)
        return ddl_refuse(ddl, MSG_NOMEM);
    table_drop_view(next, view->name);
    status st = table_seal(next);
    if (failed(st) || !ddl_begin(ddl)) {
        table_unref(next);
        return failed(st) ? ddl_failed(ddl, st) : false;
    }
    catalog_drop_table(ddl->next, view->keyspace, view->name);
    if (!ddl_put_table(ddl, next, STORE_ALTER_TABLE) || !ddl_add(ddl, &forget) || !ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, "DROPPED", "TABLE", view->keyspace, view->name);
    return true;
}
