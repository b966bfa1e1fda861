/* condition_part.c: conditions on a part of a column, IF m['a'] = 1 and IF u.street = 'x', and what they look at. */
#include "cql/condition_internal.h"
#include "cql/type_internal.h"

/* ---- compile ---- */

static bool compile_element(struct plan_builder *builder, const struct ast_relation *relation,
                            struct condition *condition)
{
    const struct cql_column *column = condition->column;
    const struct type *type = column->type;
    if (!type_is_collection(type))
        return BUILD_REFUSE_AT(builder, relation->at, MSG_IF_ELEMENT_NON_COLLECTION, column->name);
    if (type->id == TYPE_SET)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_IF_ELEMENT_SET, column->name);
    bool list = type->id == TYPE_LIST;
    const char *element = arena_printf(builder->arena, "%s(%s)", list ? "idx" : "key", column->name);
    condition->name = arena_printf(builder->arena, "value(%s)", column->name);
    condition->type = list ? type->first : type->second;
    condition->part = CONDITION_ELEMENT;
    return element && condition->name
               ? term_compile(builder, relation->element, element, list ? type_scalar(TYPE_INT) : type->first,
                              &condition->element)
               : build_nomem(builder);
}

static bool compile_field(struct plan_builder *builder, const struct ast_relation *relation,
                          struct condition *condition)
{
    const struct cql_column *column = condition->column;
    const struct type *type = column->type;
    const char *field = relation->field.text;
    if (!builder->context->target->fields_in_conditions)
        return relation_refuse_word(builder, relation->field.at - 1, ".");
    if (type->id != TYPE_UDT)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_IF_FIELD_NON_UDT, column->name);
    condition->field = type_field(type, slice_text(field));
    if (condition->field == type->member_count)
        return BUILD_REFUSE_AT(builder, relation->field.at, MSG_IF_FIELD_UNKNOWN, field, column->name);
    condition->part = CONDITION_FIELD;
    condition->type = type->members[condition->field];
    condition->name = arena_printf(builder->arena, "%s.%s", column->name, field);
    return condition->name ? true : build_nomem(builder);
}

bool condition_compile_part(struct plan_builder *builder, const struct ast_relation *relation,
                            struct condition *condition)
{
    condition->name = condition->column->name;
    condition->type = condition->column->type;
    switch (relation->kind) {
    case RELATION_COLUMN: return true;
    case RELATION_ELEMENT: return compile_element(builder, relation, condition);
    case RELATION_FIELD: return compile_field(builder, relation, condition);
    case RELATION_TUPLE:
    case RELATION_TOKEN: break;
    }
    return BUILD_REFUSE(builder, MSG_INTERNAL, "a condition on several columns");
}

/* ---- run ---- */

/* The index or key; *out_none when nothing can be there. */
static bool part_key(struct plan_run *run, const struct condition *condition, struct slice *out_key,
                     bool *out_none)
{
    struct cql_value key;
    bool list = condition->column->type->id == TYPE_LIST, lenient = run->context->target->is_scylla;
    if (!term_value(&condition->element, run, &key))
        return false;
    if (key.kind == CQL_UNSET)
        return RUN_REFUSE(run, MSG_IF_UNSET);
    if (key.kind == CQL_NULL && !lenient)
        return RUN_REFUSE(run, MSG_IF_ELEMENT_NULL, list ? "list" : "map");
    bool negative = key.kind == CQL_VALUE && list && type_integer(key.bytes) < 0;
    if (negative && !lenient)
        return RUN_REFUSE(run, MSG_IF_INDEX_NEGATIVE, (int)type_integer(key.bytes));
    *out_key = key.bytes;
    *out_none = key.kind == CQL_NULL || negative;
    return true;
}

bool condition_part_value(struct plan_run *run, const struct condition *condition,
                          const struct row_slot *slot, struct cql_value *out_value)
{
    const struct type *type = condition->column->type;
    struct slice key, part = slot->value;
    bool none = !slot->present, null = false;
    if (condition->part == CONDITION_ELEMENT) {
        bool nowhere;
        if (!part_key(run, condition, &key, &nowhere))
            return false;
        none = none || nowhere || !type_find_element(type, slot->value, key, &part, &null);
    }
    if (condition->part == CONDITION_FIELD)
        none = none || !type_find_field(type, slot->value, condition->field, &part);
    *out_value = (struct cql_value){.kind = none || null ? CQL_NULL : CQL_VALUE, .bytes = part};
    return true;
}
