/* counter_plan.c: what may be said about counters. */
#include "cql/condition.h"
#include "cql/counter.h"

static bool refuse_prepend(struct plan_builder *builder, const struct ast_assignment *assignment,
                           const struct cql_column *column)
{
    const char *value = term_text(builder->arena, assignment->value);
    const char *operation = arena_printf(builder->arena, "%s = %s - %s", column->name, value, column->name);
    if (!value || !operation)
        return build_nomem(builder);
    return BUILD_REFUSE_AT(builder, assignment->column.at, MSG_ASSIGN_NON_LIST, operation, column->name);
}

static bool refuse_element(struct plan_builder *builder, const struct ast_assignment *assignment,
                           const struct cql_column *column)
{
    const char *value = term_text(builder->arena, assignment->value), *operation;
    bool field = assignment->kind == ASSIGN_FIELD;
    if (field)
        operation = arena_printf(builder->arena, "%s.%s = %s", column->name, assignment->field.text, value);
    else
        operation = arena_printf(builder->arena, "%s[%s] = %s", column->name,
                                 term_text(builder->arena, assignment->element), value);
    if (!value || !operation)
        return build_nomem(builder);
    return BUILD_REFUSE_AT(builder, assignment->column.at,
                           field ? MSG_ASSIGN_NON_UDT : MSG_ASSIGN_NON_COLLECTION, operation, column->name);
}

bool counter_compile(struct plan_builder *builder, const struct ast_assignment *assignment,
                     const struct cql_column *column, struct modify_plan *modify)
{
    switch (assignment->kind) {
    case ASSIGN_VALUE: return BUILD_REFUSE_AT(builder, assignment->column.at, MSG_COUNTER_SET, column->name);
    case ASSIGN_PREPEND: return refuse_prepend(builder, assignment, column);
    case ASSIGN_ELEMENT:
    case ASSIGN_FIELD: return refuse_element(builder, assignment, column);
    case ASSIGN_ADD:
    case ASSIGN_SUBTRACT: break;
    }
    struct modify_cell *cell = &modify->cells[modify->cell_count++];
    cell->column = column;
    cell->step = assignment->kind == ASSIGN_ADD ? COUNTER_ADD : COUNTER_SUBTRACT;
    return term_compile(builder, assignment->value, column->name, column->type, &cell->value);
}

bool counter_check(struct plan_builder *builder, const struct modify_plan *modify)
{
    if (modify->condition)
        return BUILD_REFUSE(builder, MSG_IF_COUNTER);
    if (modify->has_timestamp)
        return BUILD_REFUSE(builder, MSG_TIMESTAMP_COUNTER);
    return !modify->has_ttl || BUILD_REFUSE(builder, MSG_TTL_COUNTER);
}
