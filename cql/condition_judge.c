/* condition_judge.c: does a condition hold (NUL-11, LWT-5, LWT-7, LWT-8). */
#include "cql/condition_internal.h"
#include "cql/filter.h"

/* ---- one value ---- */

static bool orders(enum ast_operator op, int order)
{
    switch (op) {
    case OP_EQ:
    case OP_IN: return order == 0;
    case OP_NE: return order != 0;
    case OP_LT: return order < 0;
    case OP_LE: return order <= 0;
    case OP_GT: return order > 0;
    case OP_GE: return order >= 0;
    default: return false;
    }
}

static bool compare(const struct condition *condition, struct slice there, struct slice wanted)
{
    const struct type *type = condition->type;
    switch (condition->op) {
    case OP_LIKE: return filter_like(there, wanted);
    case OP_CONTAINS: return filter_contains(type, there, wanted, false);
    case OP_CONTAINS_KEY: return filter_contains(type, there, wanted, true);
    default: return orders(condition->op, type_compare(type, there, wanted));
    }
}

static bool is_order(enum ast_operator op)
{
    return op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE;
}

/* A whole collection that is kept as cells? */
static bool is_of_cells(const struct condition *condition)
{
    return condition->part == CONDITION_COLUMN && type_is_collection(condition->type) &&
           type_is_multicell(condition->type);
}

/* NUL-9: to some targets a collection that is not there is an empty one, when it is compared with another. */
static bool is_empty_collection(const struct plan_run *run, const struct condition *condition)
{
    return is_of_cells(condition) && run->context->target->absent_collection_is_empty &&
           !(is_order(condition->op) && run->context->target->empty_collection_unordered);
}

/* IF l > []: what some targets refuse. */
static bool check_order(struct plan_run *run, const struct condition *condition, struct slice wanted)
{
    static const char *const kinds[] = {[TYPE_LIST] = "list", [TYPE_SET] = "set", [TYPE_MAP] = "map"};
    if (!is_of_cells(condition) || !is_order(condition->op) ||
        !run->context->target->empty_collection_unordered || wanted.bytes < 4 || load_be32(wanted.data))
        return true;
    return RUN_REFUSE(run, MSG_IF_EMPTY_OPERATOR, kinds[condition->type->id], operator_text(condition->op));
}

/* *out_holds is set when the value fits, and left alone when not. */
static bool try_value(struct plan_run *run, const struct condition *condition, struct cql_value there,
                      struct cql_value value, bool *out_holds)
{
    static const uint8_t empty[4];
    bool equals = condition->op == OP_EQ || condition->op == OP_IN;
    if (value.kind == CQL_UNSET)
        return RUN_REFUSE(run, MSG_IF_UNSET);
    if (value.kind == CQL_NULL && !equals && condition->op != OP_NE)
        return RUN_REFUSE(run, MSG_IF_NULL_OPERATOR, operator_text(condition->op));
    if (value.kind == CQL_VALUE && !check_order(run, condition, value.bytes))
        return false;
    if (value.kind == CQL_NULL)
        *out_holds |= (there.kind == CQL_VALUE) != equals;
    else if (there.kind == CQL_VALUE)
        *out_holds |= compare(condition, there.bytes, value.bytes);
    else if (is_empty_collection(run, condition))
        *out_holds |= compare(condition, slice_of(empty, sizeof empty), value.bytes);
    else
        *out_holds |= condition->op == OP_NE;
    return true;
}

static bool try_list(struct plan_run *run, const struct condition *condition, struct cql_value there,
                     bool *out_holds)
{
    struct cql_value value, *items = NULL;
    uint32_t count = condition->item_count;
    if (condition->whole_list) {
        if (!term_value(&condition->value, run, &value))
            return false;
        if (value.kind == CQL_UNSET)
            return RUN_REFUSE(run, MSG_IF_UNSET);
        if (value.kind == CQL_NULL) /* to ScyllaDB it is a list that nothing is in */
            return run->context->target->is_scylla || RUN_REFUSE(run, MSG_IF_NULL_LIST);
        if (!term_items(run, value.bytes, &items, &count))
            return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (items)
            value = items[i];
        else if (!term_value(&condition->items[i], run, &value))
            return false;
        if (value.kind == CQL_UNSET && run->context->target->unset_in_list_skipped)
            continue;
        if (!try_value(run, condition, there, value, out_holds))
            return false;
    }
    return true;
}

/* ---- one statement ---- */

/* The slots that its conditions look at. */
static const struct row_slot *looked_at(const struct cas *cas, const struct cas_member *member)
{
    const struct cas_row *row = cas_row_of(cas, member);
    return row ? row->items : cas->statics;
}

static bool row_exists(const struct cas *cas, const struct cas_member *member)
{
    return member->about_static ? cas->static_lives : cas_row_of(cas, member) != NULL;
}

static bool judge_member(const struct cas *cas, const struct cas_member *member, bool *out_holds)
{
    const struct condition_plan *plan = member->condition;
    const struct row_slot *slots = looked_at(cas, member);
    struct plan_run run = member->run;
    *out_holds = plan->not_exists ? !row_exists(cas, member) : !plan->exists || row_exists(cas, member);
    for (uint32_t i = 0; i < plan->count && *out_holds; i++) {
        const struct condition *condition = &plan->items[i];
        const struct row_slot *slot = &slots[condition->column - cas->table->columns];
        struct cql_value there, value;
        *out_holds = false;
        bool tried = condition_part_value(&run, condition, slot, &there);
        if (tried && condition->op == OP_IN)
            tried = try_list(&run, condition, there, out_holds);
        else if (tried)
            tried = term_value(&condition->value, &run, &value) &&
                    try_value(&run, condition, there, value, out_holds);
        if (!tried)
            return false;
    }
    return true;
}

bool cas_judge(const struct cas *cas, bool *out_applied)
{
    *out_applied = true;
    for (uint32_t i = 0; i < cas->member_count && *out_applied; i++)
        if (cas->members[i].condition && !judge_member(cas, &cas->members[i], out_applied))
            return false;
    return true;
}

/* ---- several statements about one row ---- */

/* What a statement asks about a row, or with `statics` about the static row. */
enum asked {
    ASKS_NOTHING,
    ASKS_EXISTS,
    ASKS_NOT_EXISTS,
    ASKS_COLUMNS,
};

static enum asked asks(const struct cas_member *member, bool statics)
{
    const struct condition_plan *plan = member->condition;
    if (!plan)
        return ASKS_NOTHING;
    if (plan->exists || plan->not_exists) {
        if (member->about_static != statics)
            return ASKS_NOTHING;
        return plan->exists ? ASKS_EXISTS : ASKS_NOT_EXISTS;
    }
    for (uint32_t i = 0; i < plan->count; i++)
        if ((plan->items[i].column->kind == COLUMN_STATIC) == statics)
            return ASKS_COLUMNS;
    return ASKS_NOTHING;
}

static bool refuse_mixed(const struct cas *cas, enum asked before, enum asked now)
{
    if (now == ASKS_COLUMNS)
        return RUN_REFUSE(cas->run, MSG_BATCH_CONDITION_MIXED_COLUMNS, "NOT ");
    if (before == ASKS_COLUMNS)
        return RUN_REFUSE(cas->run, MSG_BATCH_CONDITION_MIXED_COLUMNS, now == ASKS_NOT_EXISTS ? "NOT " : "");
    return RUN_REFUSE(cas->run, MSG_BATCH_CONDITION_MIXED);
}

static bool check_pair(const struct cas *cas, const struct cas_member *a, const struct cas_member *b,
                       bool statics)
{
    enum asked before = asks(a, statics), now = asks(b, statics);
    if (before == now || before == ASKS_NOTHING || now == ASKS_NOTHING)
        return true;
    bool same_row = statics || slice_equal(a->clustering, b->clustering);
    return !same_row || refuse_mixed(cas, before, now);
}

bool cas_check_mixed(const struct cas *cas)
{
    if (cas->run->context->target->is_scylla)
        return true;
    for (uint32_t i = 0; i < cas->member_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (!check_pair(cas, &cas->members[k], &cas->members[i], false) ||
                !check_pair(cas, &cas->members[k], &cas->members[i], true))
                return false;
    return true;
}
