#include <stdlib.h>

#include "cql/condition_internal.h"

/* ---- conditions ---- */

static bool compile_list(struct plan_builder *builder, const struct ast_relation *relation,
                         struct condition *condition)
{
    const char *in = builder->context->target->uppercase_in_name ? "IN" : "in";
    if (!relation->value_list) {
        const struct type *list = type_list(builder->arena, condition->type, true);
        const char *name = arena_printf(builder->arena, "%s(%s)", in, condition->name);
        condition->whole_list = true;
        return list && name ? term_compile(builder, relation->value, name, list, &condition->value)
                            : build_nomem(builder);
    }
    condition->item_count = relation->value_count;
    condition->items = arena_calloc(builder->arena, relation->value_count + 1, sizeof *condition->items);
    if (!condition->items)
        return build_nomem(builder);
    for (uint32_t i = 0; i < relation->value_count; i++)
        if (!term_compile(builder, relation->values[i], condition->name, condition->type,
                          &condition->items[i]))
            return false;
    return true;
}

/* Words that the target's grammar does not know behind IF. */
static bool refuse_word(struct plan_builder *builder, const struct ast_relation *relation)
{
    return relation_refuse_word(builder, relation->at,
                                relation->op == OP_NOT_IN        ? "NOT"
                                : relation->op == OP_IS_NOT_NULL ? "IS"
                                : relation->op == OP_LIKE        ? "LIKE"
                                                                 : "CONTAINS");
}

static bool compile_contains(struct plan_builder *builder, const struct ast_relation *relation,
                             struct condition *condition)
{
    const struct type *type = condition->column->type;
    const char *name = condition->column->name;
    bool key = relation->op == OP_CONTAINS_KEY;
    if (!builder->context->target->contains_in_conditions)
        return refuse_word(builder, relation);
    if (!type_is_collection(type))
        return BUILD_REFUSE_AT(builder, relation->at,
                               key ? MSG_CONTAINS_KEY_NON_MAP : MSG_CONTAINS_NON_COLLECTION, name);
    if (key && type->id != TYPE_MAP)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_CONTAINS_KEY_NON_MAP, name);
    const char *part = arena_printf(builder->arena, "%s(%s)", key ? "key" : "value", name);
    return part ? term_compile(builder, relation->value, part,
                               type->id == TYPE_MAP && !key ? type->second : type->first, &condition->value)
                : build_nomem(builder);
}

static bool compile_like(struct plan_builder *builder, const struct ast_relation *relation,
                         struct condition *condition)
{
    const struct type *type = condition->column->type;
    if (!builder->context->target->like_in_conditions)
        return refuse_word(builder, relation);
    if (type->id != TYPE_TEXT && type->id != TYPE_ASCII)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_LIKE_UNSUPPORTED, condition->column->name);
    return term_compile(builder, relation->value, condition->column->name, type, &condition->value);
}

static bool compile_value(struct plan_builder *builder, const struct ast_relation *relation,
                          struct condition *condition)
{
    switch (relation->op) {
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        if (condition->type->id == TYPE_DURATION)
            return BUILD_REFUSE_AT(builder, relation->at, MSG_IF_SLICE_DURATION, operator_text(relation->op));
        return term_compile(builder, relation->value, condition->name, condition->type, &condition->value);
    case OP_EQ:
    case OP_NE:
        return term_compile(builder, relation->value, condition->name, condition->type, &condition->value);
    case OP_IN: return compile_list(builder, relation, condition);
    case OP_LIKE: return compile_like(builder, relation, condition);
    case OP_CONTAINS:
    case OP_CONTAINS_KEY: return compile_contains(builder, relation, condition);
    default: return refuse_word(builder, relation);
    }
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
    if (condition->column->type->id == TYPE_COUNTER && !builder->context->target->is_scylla)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_COUNTER_CONDITION);
    if (!condition_compile_part(builder, relation, condition) || !compile_value(builder, relation, condition))
        return false;
    if (condition->column->kind == COLUMN_PARTITION || condition->column->kind == COLUMN_CLUSTERING)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_IF_KEY, name);
    return true;
}

/* ---- the columns of the answer ---- */

/* A choice of columns in the order in which they are shown. */
struct choice {
    const struct cql_table *table;
    uint32_t *ordinals; /* room for all of the table's */
    uint32_t count;
    bool all;
};

static void choose(struct choice *choice, uint32_t ordinal)
{
    for (uint32_t i = 0; i < choice->count; i++)
        if (choice->ordinals[i] == ordinal)
            return;
    choice->ordinals[choice->count++] = ordinal;
}

static void choose_conditions(struct choice *choice, const struct condition_plan *plan)
{
    choice->all |= plan->exists || plan->not_exists;
    for (uint32_t i = 0; i < choice->table->column_count && choice->all; i++)
        choose(choice, i);
    /* Cassandra keeps conditions on static columns in a list of their own, after the others. */
    for (int statics = 0; statics < 2; statics++)
        for (uint32_t i = 0; i < plan->count; i++)
            if ((plan->items[i].column->kind == COLUMN_STATIC) == statics)
                choose(choice, (uint32_t)(plan->items[i].column - choice->table->columns));
}

static int ordinal_compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* In the order of the schema, or as written unless a statement asks for all. */
static bool name_columns(struct arena *arena, const struct cql_target *target, const struct choice *choice,
                         struct cql_column_spec **out_columns)
{
    const struct cql_table *table = choice->table;
    struct cql_column_spec *columns = arena_calloc(arena, choice->count + 1, sizeof *columns);
    if (!columns)
        return false;
    if (choice->count && (target->is_scylla || choice->all))
        qsort(choice->ordinals, choice->count, sizeof *choice->ordinals, ordinal_compare);
    columns[0] = (struct cql_column_spec){.keyspace = table->keyspace,
                                          .table = table->name,
                                          .name = "[applied]",
                                          .type = type_scalar(TYPE_BOOLEAN)};
    for (uint32_t i = 0; i < choice->count; i++)
        columns[i + 1] = (struct cql_column_spec){.keyspace = table->keyspace,
                                                  .table = table->name,
                                                  .name = table->columns[choice->ordinals[i]].name,
                                                  .type = table->columns[choice->ordinals[i]].type};
    *out_columns = columns;
    return true;
}

static bool make_columns(struct plan_builder *builder, struct condition_plan *plan)
{
    const struct cql_table *table = builder->table;
    struct choice choice = {.table = table};
    choice.ordinals = arena_alloc(builder->arena, (table->column_count + 1) * sizeof *choice.ordinals);
    if (!choice.ordinals)
        return build_nomem(builder);
    choose_conditions(&choice, plan);
    if (!name_columns(builder->arena, builder->context->target, &choice, &plan->columns))
        return build_nomem(builder);
    plan->shown = choice.ordinals;
    plan->shown_count = choice.count;
    if (builder->context->target->is_scylla) {
        builder->plan->columns = plan->columns;
        builder->plan->column_count = plan->shown_count + 1;
    }
    return true;
}

bool condition_batch_columns(struct arena *arena, const struct cql_target *target,
                             const struct plan *const *members, uint32_t count,
                             struct cql_column_spec **out_columns, uint32_t **out_shown,
                             uint32_t *out_shown_count)
{
    const struct cql_table *table = members[0]->table;
    struct choice choice = {.table = table};
    choice.ordinals = arena_alloc(arena, (table->column_count + 1) * sizeof *choice.ordinals);
    if (!choice.ordinals)
        return false;
    for (uint32_t i = 0; i < table->partition_count + table->clustering_count; i++)
        choose(&choice, i);
    for (uint32_t i = 0; i < count; i++)
        if (members[i]->modify->condition)
            choose_conditions(&choice, members[i]->modify->condition);
    *out_shown = choice.ordinals;
    *out_shown_count = choice.count;
    return name_columns(arena, target, &choice, out_columns);
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
    plan->asks_statics = plan->count ? true : plan->only_static;
    for (uint32_t i = 0; i < plan->count; i++)
        plan->asks_statics &= plan->items[i].column->kind == COLUMN_STATIC;
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
