/*
 * modify_operation.c: assignments and deletions that are about a part of a column: what they may be about, and the terms
 * they are made of.
 */
#include "cql/element.h"
#include "cql/modify_internal.h"

struct modify_cell modify_cell_of(const struct cql_column *column, enum modify_operation operation)
{
    return (struct modify_cell){
        .column = column, .operation = operation, .has_elements = type_is_multicell(column->type)};
}

/* ---- what an operation is called ---- */

static const char *operation_text(struct arena *arena, const struct ast_assignment *ast, const char *name)
{
    const char *value = term_text(arena, ast->value);
    switch (ast->kind) {
    case ASSIGN_VALUE: return arena_printf(arena, "%s = %s", name, value);
    case ASSIGN_ADD: return arena_printf(arena, "%s = %s + %s", name, name, value);
    case ASSIGN_SUBTRACT: return arena_printf(arena, "%s = %s - %s", name, name, value);
    case ASSIGN_PREPEND:
        return arena_printf(arena, "%s = %s - %s", name, value, name); /* as the real ones say it */
    case ASSIGN_ELEMENT:
        return arena_printf(arena, "%s[%s] = %s", name, term_text(arena, ast->element), value);
    case ASSIGN_FIELD: return arena_printf(arena, "%s.%s = %s", name, ast->field.text, value);
    }
    return NULL;
}

static bool refuse(struct plan_builder *builder, const struct ast_assignment *ast,
                   const struct cql_column *column, enum cql_message message)
{
    const char *operation = operation_text(builder->arena, ast, column->name);
    return operation ? BUILD_REFUSE_AT(builder, ast->column.at, message, operation, column->name)
                     : build_nomem(builder);
}

/* ---- terms ---- */

/* "idx(l)", "key(m)", "value(s)" (PRE-2). */
static bool compile_part(struct plan_builder *builder, const struct ast_term *ast, const char *part,
                         const struct cql_column *column, const struct type *type, struct plan_term *out)
{
    const char *name = arena_printf(builder->arena, "%s(%s)", part, column->name);
    return name ? term_compile(builder, ast, name, type, out) : build_nomem(builder);
}

static bool compile_element(struct plan_builder *builder, const struct ast_term *ast,
                            const struct cql_column *column, struct plan_term *out)
{
    const struct type *type = column->type;
    switch (type->id) {
    case TYPE_LIST: return compile_part(builder, ast, "idx", column, type_scalar(TYPE_INT), out);
    case TYPE_MAP: return compile_part(builder, ast, "key", column, type->first, out);
    default: return compile_part(builder, ast, "value", column, type->first, out);
    }
}

/* What is taken from a map is a set of keys. */
static const struct type *operand_type(struct plan_builder *builder, const struct ast_assignment *ast,
                                       const struct type *type)
{
    return ast->kind == ASSIGN_SUBTRACT && type->id == TYPE_MAP ? type_set(builder->arena, type->first, false)
                                                                : type;
}

static bool compile_operand(struct plan_builder *builder, const struct ast_assignment *ast,
                            const struct cql_column *column, struct plan_term *out)
{
    const struct type *type = operand_type(builder, ast, column->type);
    if (!type)
        return build_nomem(builder);
    if (term_compile(builder, ast->value, column->name, type, out))
        return true;
    if (column->type->id != TYPE_MAP || builder->context->target->is_scylla)
        return false;
    return BUILD_REFUSE_AT(builder, ast->column.at, ast->kind == ASSIGN_ADD ? MSG_MAP_ADDED : MSG_MAP_REMOVED,
                           term_text(builder->arena, ast->value));
}

/* ---- assignments ---- */

static bool compile_set_element(struct plan_builder *builder, const struct ast_assignment *ast,
                                const struct cql_column *column, struct modify_cell *cell)
{
    const struct type *type = column->type;
    if (!type_is_collection(type))
        return refuse(builder, ast, column, MSG_ASSIGN_NON_COLLECTION);
    if (type->frozen)
        return refuse(builder, ast, column, MSG_ASSIGN_FROZEN);
    if (type->id == TYPE_SET)
        return refuse(builder, ast, column, MSG_ASSIGN_ELEMENT_SET);
    cell->operation = MODIFY_SET_ELEMENT;
    return compile_element(builder, ast->element, column, &cell->element) &&
           compile_part(builder, ast->value, "value", column,
                        type->id == TYPE_MAP ? type->second : type->first, &cell->value);
}

static bool compile_added(struct plan_builder *builder, const struct ast_assignment *ast,
                          const struct cql_column *column, struct modify_cell *cell)
{
    const struct type *type = column->type;
    if (ast->kind == ASSIGN_PREPEND) {
        if (type->id != TYPE_LIST)
            return refuse(builder, ast, column, MSG_ASSIGN_NON_LIST);
        if (type->frozen)
            return refuse(builder, ast, column, MSG_ASSIGN_FROZEN_LIST);
        cell->operation = MODIFY_PREPEND;
        return term_compile(builder, ast->value, column->name, type, &cell->value);
    }
    if (!type_is_collection(type) && modify_may_sum(builder, ast)) {
        const char *operation = operation_text(builder->arena, ast, column->name);
        return operation ? modify_compile_sum(builder, ast, column, operation, cell) : build_nomem(builder);
    }
    if (!type_is_collection(type))
        return refuse(builder, ast, column, MSG_ASSIGN_OPERATION);
    if (type->frozen)
        return refuse(builder, ast, column, MSG_ASSIGN_FROZEN);
    cell->operation = ast->kind == ASSIGN_ADD ? MODIFY_ADD : MODIFY_REMOVE;
    return compile_operand(builder, ast, column, &cell->value);
}

/* A field is bound as "u.street". */
static bool compile_set_field(struct plan_builder *builder, const struct ast_assignment *ast,
                              const struct cql_column *column, struct modify_cell *cell)
{
    const struct type *type = column->type;
    if (type->id != TYPE_UDT)
        return refuse(builder, ast, column, MSG_ASSIGN_NON_UDT);
    if (type->frozen)
        return refuse(builder, ast, column, MSG_ASSIGN_FROZEN_UDT);
    cell->field = type_field(type, slice_text(ast->field.text));
    if (cell->field == type->member_count)
        return BUILD_REFUSE_AT(builder, ast->field.at, MSG_FIELD_UNKNOWN, column->name, ast->field.text);
    cell->operation = MODIFY_SET_FIELD;
    const char *name = arena_printf(builder->arena, "%s.%s", column->name, ast->field.text);
    return name ? term_compile(builder, ast->value, name, type->members[cell->field], &cell->value)
                : build_nomem(builder);
}

bool modify_compile_assignment(struct plan_builder *builder, const struct ast_assignment *ast,
                               const struct cql_column *column, struct modify_cell *out_cell)
{
    *out_cell = modify_cell_of(column, MODIFY_SET);
    switch (ast->kind) {
    case ASSIGN_VALUE: return term_compile(builder, ast->value, column->name, column->type, &out_cell->value);
    case ASSIGN_ADD:
    case ASSIGN_SUBTRACT:
    case ASSIGN_PREPEND: return compile_added(builder, ast, column, out_cell);
    case ASSIGN_ELEMENT: return compile_set_element(builder, ast, column, out_cell);
    case ASSIGN_FIELD: return compile_set_field(builder, ast, column, out_cell);
    }
    return BUILD_REFUSE(builder, MSG_INTERNAL, "unknown kind of assignment");
}

/* ---- deletions ---- */

static bool compile_delete_field(struct plan_builder *builder, const struct ast_deletion *ast,
                                 const struct cql_column *column, struct modify_cell *cell)
{
    const struct type *type = column->type;
    if (type->id != TYPE_UDT)
        return BUILD_REFUSE_AT(builder, ast->column.at, MSG_DELETE_NON_UDT, column->name);
    if (type->frozen)
        return BUILD_REFUSE_AT(builder, ast->column.at, MSG_DELETE_FROZEN_UDT, column->name);
    cell->field = type_field(type, slice_text(ast->field.text));
    if (cell->field == type->member_count)
        return BUILD_REFUSE_AT(builder, ast->field.at, MSG_FIELD_UNKNOWN, column->name, ast->field.text);
    cell->operation = MODIFY_DELETE_FIELD;
    return true;
}

bool modify_compile_deletion(struct plan_builder *builder, const struct ast_deletion *ast,
                             const struct cql_column *column, struct modify_cell *out_cell)
{
    const struct type *type = column->type;
    *out_cell = modify_cell_of(column, MODIFY_DELETE);
    if (ast->field.text)
        return compile_delete_field(builder, ast, column, out_cell);
    if (!ast->element)
        return true;
    if (!type_is_collection(type))
        return BUILD_REFUSE_AT(builder, ast->column.at, MSG_DELETE_NON_COLLECTION, column->name);
    if (type->frozen)
        return BUILD_REFUSE_AT(builder, ast->column.at, MSG_DELETE_FROZEN, column->name);
    out_cell->operation = MODIFY_DELETE_ELEMENT;
    return compile_element(builder, ast->element, column, &out_cell->element);
}

bool modify_cell_reads(const struct modify_cell *cell)
{
    if (cell->operation == MODIFY_SUM || cell->operation == MODIFY_DIFFERENCE)
        return true;
    bool by_place = cell->operation == MODIFY_SET_ELEMENT || cell->operation == MODIFY_DELETE_ELEMENT ||
                    cell->operation == MODIFY_REMOVE;
    return by_place && cell->column->type->id == TYPE_LIST;
}
