/* restriction_collection.c: CONTAINS, CONTAINS KEY, m[key] = value, and what a collection may not be compared with. */
#include "cql/restriction.h"

/* A column of many cells has no value of its own to compare. */
bool restriction_check_collection(struct plan_builder *builder, const struct ast_relation *relation,
                                  const struct cql_column *column)
{
    const struct type *type = column->type;
    bool inside = relation->op == OP_CONTAINS || relation->op == OP_CONTAINS_KEY;
    if (!type_is_multicell(type) || (inside && type->id != TYPE_UDT))
        return true;
    const char *text = plan_type_text(builder->arena, type);
    if (type->id == TYPE_UDT)
        return builder->context->target->is_scylla && !inside
                   ? true
                   : BUILD_REFUSE_AT(builder, relation->at, MSG_UDT_RELATION, column->name, text);
    return BUILD_REFUSE_AT(builder, relation->at, MSG_COLLECTION_RELATION, column->name, text,
                           operator_text(relation->op));
}

static bool compile_inner(struct plan_builder *builder, const struct ast_term *ast, const char *part,
                          const struct cql_column *column, const struct type *type, struct plan_term *out)
{
    const char *name = arena_printf(builder->arena, "%s(%s)", part, column->name);
    return name ? term_compile(builder, ast, name, type, out) : build_nomem(builder);
}

bool restriction_compile_contains(struct plan_builder *builder, const struct ast_relation *relation,
                                  struct restriction *restriction)
{
    const struct cql_column *column = restriction->columns[0];
    const struct type *type = column->type;
    bool key = relation->op == OP_CONTAINS_KEY;
    if (!type_is_collection(type))
        return BUILD_REFUSE_AT(builder, relation->at,
                               key ? MSG_CONTAINS_KEY_NON_MAP : MSG_CONTAINS_NON_COLLECTION, column->name);
    if (key && type->id != TYPE_MAP)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_CONTAINS_KEY_NON_MAP, column->name);
    return compile_inner(builder, relation->value, key ? "key" : "value", column,
                         !key && type->id == TYPE_MAP ? type->second : type->first, &restriction->value);
}

bool restriction_compile_entry(struct plan_builder *builder, const struct ast_relation *relation,
                               struct restriction *restriction)
{
    const struct cql_column *column = restriction->columns[0];
    const struct type *type = column->type;
    if (type->id == TYPE_LIST)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_ENTRY_OF_LIST, column->name);
    if (type->id != TYPE_MAP)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_ENTRY_NON_MAP, column->name);
    if (type->frozen)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_ENTRY_FROZEN, column->name);
    if (relation->op == OP_IN && !builder->context->target->is_scylla)
        return relation_refuse_word(builder, relation->at, "IN");
    if (relation->op != OP_EQ)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_ENTRY_OPERATOR);
    restriction->entry = true;
    return compile_inner(builder, relation->element, "key", column, type->first, &restriction->key) &&
           compile_inner(builder, relation->value, "value", column, type->second, &restriction->value);
}
