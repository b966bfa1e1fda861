/*
 * modify_plan.c: what an INSERT, UPDATE or DELETE writes, and where.
 */
#include <string.h>

#include "cql/condition.h"
#include "cql/counter.h"
#include "cql/json_insert.h"
#include "cql/using.h"
#include "cql/virtual.h"

/* ---- parts ---- */

static bool compile_using(struct plan_builder *builder, const struct ast_using *using_,
                          struct modify_plan *modify)
{
    modify->has_timestamp = using_->timestamp;
    modify->has_ttl = using_->ttl;
    if (using_->timestamp && !term_compile(builder, using_->timestamp, "[timestamp]",
                                           type_scalar(TYPE_BIGINT), &modify->timestamp))
        return false;
    if (using_->ttl && !term_compile(builder, using_->ttl, "[ttl]", type_scalar(TYPE_INT), &modify->ttl))
        return false;
    return using_compile_timeout(builder, using_);
}

/* Is the whole column deleted already? */
static bool is_deleted(const struct modify_plan *modify, const struct cql_column *column)
{
    for (uint32_t i = 0; i < modify->cell_count; i++)
        if (modify->cells[i].column == column && modify->cells[i].operation == MODIFY_DELETE)
            return true;
    return false;
}

static bool only_statics(const struct modify_plan *modify)
{
    for (uint32_t i = 0; i < modify->cell_count; i++)
        if (modify->cells[i].column->kind != COLUMN_STATIC)
            return false;
    return modify->cell_count > 0;
}

/* Static columns alone are written, and no condition asks about a row (LWT-7). */
static bool about_static_row(const struct modify_plan *modify)
{
    return modify->condition ? modify->condition->only_static : only_statics(modify);
}

/* ---- INSERT ---- */

static bool insert_value(struct plan_builder *builder, const struct cql_column *column, uint32_t at,
                         struct plan_term value, struct modify_plan *modify)
{
    if (column->kind == COLUMN_STATIC || column->kind == COLUMN_REGULAR) {
        modify->cells[modify->cell_count] = modify_cell_of(column, MODIFY_SET);
        modify->cells[modify->cell_count++].value = value;
        return true;
    }
    const struct cql_column **columns = arena_alloc(builder->arena, sizeof *columns);
    if (!columns)
        return build_nomem(builder);
    columns[0] = column;
    restrictions_add_equal(&modify->keys, at, columns, value);
    return true;
}

static bool insert_column(struct plan_builder *builder, const struct ast_insert *insert, uint32_t at,
                          struct modify_plan *modify)
{
    const struct ast_name *name = &insert->columns[at];
    const struct cql_column *column = table_column(builder->table, name->text);
    if (!column)
        return BUILD_REFUSE_AT(builder, name->at, MSG_COLUMN_UNKNOWN_INSERT, name->text,
                               builder->table->keyspace, builder->table->name);
    for (uint32_t i = 0; i < at; i++)
        if (strcmp(insert->columns[i].text, name->text) == 0)
            return BUILD_REFUSE_AT(builder, name->at, MSG_INSERT_TWICE, name->text);
    struct plan_term value;
    return term_compile(builder, insert->values[at], column->name, column->type, &value) &&
           insert_value(builder, column, name->at, value, modify);
}

/* INSERT JSON gives every column a value, though it may be known only when the statement runs. */
static bool insert_json(struct plan_builder *builder, const struct ast_insert *insert,
                        struct modify_plan *modify)
{
    const struct cql_table *table = builder->table;
    struct json_insert *json = arena_calloc(builder->arena, 1, sizeof *json);
    if (!json)
        return build_nomem(builder);
    json->table = table;
    json->default_unset = insert->json_unset;
    if (!term_compile(builder, insert->values[0], "[json]", type_scalar(TYPE_TEXT), &json->text) ||
        !json_insert_check(builder, json))
        return false;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct cql_column *column = &table->columns[i];
        struct plan_term value = {
            .kind = PLAN_TERM_JSON, .column = column->name, .type = column->type, .json = json, .ordinal = i};
        if (!insert_value(builder, column, insert->values[0]->at, value, modify))
            return false;
    }
    return true;
}

/* STA-4: static columns alone do not need a clustering key. */
static bool insert_extent(struct plan_builder *builder, struct modify_plan *modify)
{
    const struct restrictions *keys = &modify->keys;
    if (!keys->partition_complete)
        return modify_refuse_missing(builder, keys, COLUMN_PARTITION, MSG_KEY_PART_MISSING);
    modify->extent = MODIFY_ROWS;
    if (keys->clustering_prefix == builder->table->clustering_count && !keys->clustering_beyond)
        return true;
    if (keys->clustering || !only_statics(modify))
        return modify_refuse_missing(builder, keys, COLUMN_CLUSTERING, MSG_CLUSTERING_MISSING);
    modify->extent = MODIFY_STATIC;
    return true;
}

static bool make_insert(struct plan_builder *builder, const struct ast_insert *insert,
                        struct modify_plan *modify)
{
    if (table_counts(builder->table))
        return BUILD_REFUSE(builder, MSG_COUNTER_INSERT);
    if (!insert->json && !insert->column_count)
        return BUILD_REFUSE(builder, MSG_INSERT_NO_COLUMNS);
    if (!insert->json && insert->column_count != insert->value_count)
        return BUILD_REFUSE(builder, MSG_INSERT_COUNT);
    uint32_t count = insert->json ? builder->table->column_count : insert->column_count;
    modify->cells = arena_calloc(builder->arena, count, sizeof *modify->cells);
    modify->keys.table = builder->table;
    modify->keys.items = arena_calloc(builder->arena, count, sizeof *modify->keys.items);
    if (!modify->cells || !modify->keys.items)
        return build_nomem(builder);
    if (insert->json && !insert_json(builder, insert, modify))
        return false;
    for (uint32_t i = 0; i < insert->column_count; i++)
        if (!insert_column(builder, insert, i, modify))
            return false;
    restrictions_classify(&modify->keys);
    return insert_extent(builder, modify) && compile_using(builder, &insert->using_, modify) &&
           condition_compile(builder, &insert->condition, modify, &modify->condition);
}

/* ---- UPDATE ---- */

/* Several operations on one column go together unless one of them assigns the whole. */
static bool is_compatible(const struct modify_plan *modify, const struct cql_column *column,
                          enum ast_assignment_kind kind)
{
    for (uint32_t i = 0; i < modify->cell_count; i++)
        if (modify->cells[i].column == column &&
            (kind == ASSIGN_VALUE || modify->cells[i].operation == MODIFY_SET))
            return false;
    return true;
}

static bool update_column(struct plan_builder *builder, const struct ast_assignment *assignment,
                          struct modify_plan *modify)
{
    const char *name = assignment->column.text;
    const struct cql_column *column = table_column(builder->table, name);
    if (!column)
        return BUILD_REFUSE_AT(builder, assignment->column.at, MSG_COLUMN_UNKNOWN_UPDATE, name,
                               builder->table->keyspace, builder->table->name);
    if (column->kind == COLUMN_PARTITION || column->kind == COLUMN_CLUSTERING)
        return BUILD_REFUSE_AT(builder, assignment->column.at, MSG_KEY_IN_SET, name);
    if (column->type->id == TYPE_COUNTER)
        return counter_compile(builder, assignment, column, modify);
    if (!is_compatible(modify, column, assignment->kind))
        return BUILD_REFUSE_AT(builder, assignment->column.at, MSG_ASSIGN_TWICE, name);
    return modify_compile_assignment(builder, assignment, column, &modify->cells[modify->cell_count++]);
}

static bool make_update(struct plan_builder *builder, const struct ast_update *update,
                        struct modify_plan *modify)
{
    modify->cells = arena_calloc(builder->arena, update->assignment_count + 1, sizeof *modify->cells);
    if (!modify->cells)
        return build_nomem(builder);
    builder->conditional = update->condition.exists || update->condition.condition_count;
    for (uint32_t i = 0; i < update->assignment_count; i++)
        if (!update_column(builder, &update->assignments[i], modify))
            return false;
    return condition_compile(builder, &update->condition, modify, &modify->condition) &&
           restrictions_compile(builder, update->where, update->where_count, MSG_COLUMN_UNKNOWN_WHERE,
                                &modify->keys) &&
           modify_check_keys(builder, modify, about_static_row(modify)) &&
           compile_using(builder, &update->using_, modify);
}

/* ---- DELETE ---- */

static bool delete_column(struct plan_builder *builder, const struct ast_deletion *deletion,
                          struct modify_plan *modify)
{
    const char *name = deletion->column.text;
    const struct cql_column *column = table_column(builder->table, name);
    if (!column)
        return BUILD_REFUSE_AT(builder, deletion->column.at, MSG_COLUMN_UNKNOWN_DELETE, name,
                               builder->table->keyspace, builder->table->name);
    if (column->kind == COLUMN_PARTITION || column->kind == COLUMN_CLUSTERING)
        return BUILD_REFUSE_AT(builder, deletion->column.at, MSG_DELETE_KEY_COLUMN, name);
    bool whole = !deletion->element && !deletion->field.text;
    if (whole && is_deleted(modify, column))
        return true;
    return modify_compile_deletion(builder, deletion, column, &modify->cells[modify->cell_count++]);
}

static bool make_delete(struct plan_builder *builder, const struct ast_delete *delete_,
                        struct modify_plan *modify)
{
    modify->cells = arena_calloc(builder->arena, delete_->column_count + 1, sizeof *modify->cells);
    if (!modify->cells)
        return build_nomem(builder);
    for (uint32_t i = 0; i < delete_->column_count; i++)
        if (!delete_column(builder, &delete_->columns[i], modify))
            return false;
    return condition_compile(builder, &delete_->condition, modify, &modify->condition) &&
           restrictions_compile(builder, delete_->where, delete_->where_count, MSG_COLUMN_UNKNOWN_WHERE,
                                &modify->keys) &&
           modify_check_keys(builder, modify, about_static_row(modify)) &&
           compile_using(builder, &delete_->using_, modify);
}

/* ---- the whole ---- */

static const struct ast_table_name *table_of(const struct ast_statement *statement)
{
    if (statement->kind == STATEMENT_INSERT)
        return &statement->insert.table;
    return statement->kind == STATEMENT_UPDATE ? &statement->update.table : &statement->delete_.table;
}

static bool make_kind(struct plan_builder *builder, const struct ast_statement *statement,
                      struct modify_plan *modify)
{
    switch (statement->kind) {
    case STATEMENT_INSERT: return make_insert(builder, &statement->insert, modify);
    case STATEMENT_UPDATE: return make_update(builder, &statement->update, modify);
    case STATEMENT_DELETE: return make_delete(builder, &statement->delete_, modify);
    default: return BUILD_REFUSE(builder, MSG_BATCH_STATEMENT);
    }
}

bool modify_plan_make(struct plan_builder *builder, const struct ast_statement *statement)
{
    struct modify_plan *modify = arena_calloc(builder->arena, 1, sizeof *modify);
    builder->table = plan_find_table(builder, table_of(statement));
    if (!builder->table)
        return false;
    if (builder->table->view)
        return BUILD_REFUSE(builder, MSG_VIEW_MODIFICATION);
    if (!modify)
        return build_nomem(builder);
    if (builder->table->virtual_ && !builder->table->virtual_->write)
        return BUILD_REFUSE(builder, MSG_SYSTEM_KEYSPACE_NAMED, builder->table->keyspace);
    modify->kind = statement->kind;
    if (!make_kind(builder, statement, modify))
        return false;
    if (table_counts(builder->table) && !counter_check(builder, modify))
        return false;
    if (modify->condition && !condition_check_keys(builder, modify))
        return false;
    for (uint32_t i = 0; i < modify->cell_count; i++)
        modify->reads |= modify_cell_reads(&modify->cells[i]);
    if (modify->reads && !slot_map_make(builder->arena, builder->table, &modify->map))
        return build_nomem(builder);
    restrictions_note_binds(builder, &modify->keys);
    if (!restrictions_note_points(builder, &modify->keys))
        return false;
    if (builder->table->virtual_ && !virtual_write_check(builder, modify))
        return false;
    builder->plan->kind = builder->table->virtual_ ? PLAN_TELL : PLAN_MODIFY;
    builder->plan->table = builder->table;
    builder->plan->modify = modify;
    return true;
}
