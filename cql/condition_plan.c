#include "cql/condition.h"

/* ---- conditions ---- */

static bool compile_list(struct plan_builder *builder, const struct ast_relation *relation,
                         struct condition *condition)
{
    const struct cql_column *column = condition->column;
    const char *in = builder->context->target->uppercase_in_name ? "IN" : "in";
    if (!relation->value_list) {
        const struct type *list = type_list(builder->arena, column->type, true);
        const char *name = arena_printf(builder->arena, "%s(%s)", in, column->name);
        condition->whole_list = true;
        return list && name ? term_compile(builder, relation->value, name, list, &condition->value)
                            : build_nomem(builder);
    }
    condition->item_count = relation->value_count;
    condition->items = arena_calloc(builder->arena, relation->value_count + 1, sizeof *condition->items);
    if (!condition->items)
        return build_nomem(builder);
    for (uint32_t i = 0; i < relation->value_count; i++)
        if (!term_compile(builder, relation->values[i], column->name, column->type, &condition->items[i]))
            return false;
    return true;
}

static bool compile_one(struct plan_builder *builder, const struct ast_relation *relation,
                        struct condition *condition)
{
    const char *name = relation->columns[0].text;
    condition->column = table_column(builder->table, name);
    condition->op = relation->op;
    if (!condition->column)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_COLUMN_UNKNOWN_CONDITION, name,
                               builder->table->keyspace, builder->table->name);
    if (condition->column->kind == COLUMN_PARTITION || condition->column->kind == COLUMN_CLUSTERING)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_IF_KEY, name);
    if (relation->kind != RELATION_COLUMN)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_NOT_SUPPORTED,
                               "IF on collection elements and fields");
    switch (relation->op) {
    case OP_EQ:
    case OP_NE:
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        return term_compile(builder, relation->value, condition->column->name, condition->column->type,
                            &condition->value);
    case OP_IN: return compile_list(builder, relation, condition);
    default:
        return BUILD_REFUSE_AT(builder, relation->at, MSG_NOT_SUPPORTED,
                               "IF with other than =, !=, <, <=, >, >= and IN");
    }
}

/* ---- the columns of the answer ---- */

static bool is_shown(const struct condition_plan *plan, const struct cql_column *column)
{
    if (plan->exists || plan->not_exists)
        return true;
    for (uint32_t i = 0; i < plan->count; i++)
        if (plan->items[i].column == column)
            return true;
    return false;
}

static void add_shown(struct condition_plan *plan, uint32_t ordinal)
{
    for (uint32_t i = 0; i < plan->shown_count; i++)
        if (plan->shown[i] == ordinal)
            return;
    plan->shown[plan->shown_count++] = ordinal;
}

static bool make_columns(struct plan_builder *builder, struct condition_plan *plan)
{
    const struct cql_table *table = builder->table;
    plan->shown = arena_alloc(builder->arena, (table->column_count + 1) * sizeof *plan->shown);
    plan->columns = arena_calloc(builder->arena, table->column_count + 1, sizeof *plan->columns);
    if (!plan->shown || !plan->columns)
        return build_nomem(builder);
    /* LWT-2: in the order of the schema, or as written. */
    bool written_order = !builder->context->target->is_scylla && plan->count;
    for (uint32_t i = 0; i < plan->count && written_order; i++)
        add_shown(plan, (uint32_t)(plan->items[i].column - table->columns));
    for (uint32_t i = 0; i < table->column_count && !written_order; i++)
        if (is_shown(plan, &table->columns[i]))
            add_shown(plan, i);
    plan->columns[0] = (struct cql_column_spec){.keyspace = table->keyspace,
                                                .table = table->name,
                                                .name = "[applied]",
                                                .type = type_scalar(TYPE_BOOLEAN)};
    for (uint32_t i = 0; i < plan->shown_count; i++)
        plan->columns[i + 1] = (struct cql_column_spec){.keyspace = table->keyspace,
                                                        .table = table->name,
                                                        .name = table->columns[plan->shown[i]].name,
                                                        .type = table->columns[plan->shown[i]].type};
    if (builder->context->target->is_scylla) {
        builder->plan->columns = plan->columns;
        builder->plan->column_count = plan->shown_count + 1;
    }
    return true;
}

/* LWT-7: nothing but the static row is written, and nothing else is asked about. */
static bool only_static(const struct condition_plan *plan, const struct modify_plan *modify)
{
    if (modify->kind == STATEMENT_INSERT)
        return modify->extent == MODIFY_STATIC;
    for (uint32_t i = 0; i < modify->cell_count; i++)
        if (modify->cells[i].column->kind != COLUMN_STATIC)
            return false;
    for (uint32_t i = 0; i < plan->count; i++)
        if (plan->items[i].column->kind != COLUMN_STATIC)
            return false;
    return modify->cell_count > 0;
}

bool condition_compile(struct plan_builder *builder, const struct ast_if *ast,
                       const struct modify_plan *modify, struct condition_plan **out_plan)
{
    *out_plan = NULL;
    if (!ast->exists && !ast->not_exists && !ast->condition_count)
        return true;
    struct condition_plan *plan = arena_calloc(builder->arena, 1, sizeof *plan);
    if (!plan)
        return build_nomem(builder);
    plan->exists = ast->exists;
    plan->not_exists = ast->not_exists;
    plan->count = ast->condition_count;
    plan->items = arena_calloc(builder->arena, plan->count + 1, sizeof *plan->items);
    if (!plan->items || !slot_map_make(builder->arena, builder->table, &plan->map))
        return build_nomem(builder);
    for (uint32_t i = 0; i < plan->count; i++)
        if (!compile_one(builder, &ast->conditions[i].relation, &plan->items[i]))
            return false;
    plan->only_static = only_static(plan, modify);
    *out_plan = plan;
    return make_columns(builder, plan);
}

bool condition_check_keys(struct plan_builder *builder, const struct modify_plan *modify)
{
    const struct restrictions *keys = &modify->keys;
    const char *what = modify->kind == STATEMENT_DELETE ? "deletions" : "updates";
    if (modify->has_timestamp)
        return BUILD_REFUSE(builder, MSG_TIMESTAMP_CONDITIONAL);
    if (keys->partition_in)
        return BUILD_REFUSE(builder, MSG_IF_IN_PARTITION, what);
    if (keys->clustering_in)
        return BUILD_REFUSE(builder, MSG_IF_IN_CLUSTERING, what);
    bool one_row = modify->extent == MODIFY_ROWS || modify->extent == MODIFY_STATIC ||
                   (modify->extent == MODIFY_PARTITION && !builder->table->clustering_count);
    return one_row ? true : BUILD_REFUSE(builder, MSG_IF_DELETE_FULL_KEY);
}
