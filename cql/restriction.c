#include "cql/restriction.h"

#include <string.h>

static bool is_slice(enum ast_operator op)
{
    return op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE;
}

static bool is_lower(enum ast_operator op)
{
    return op == OP_GT || op == OP_GE;
}

/* ---- one relation ---- */

static bool resolve_columns(struct plan_builder *builder, const struct ast_relation *relation,
                            enum cql_message unknown_column, struct restriction *out)
{
    out->columns = arena_calloc(builder->arena, relation->column_count, sizeof *out->columns);
    if (!out->columns)
        return build_nomem(builder);
    out->column_count = relation->column_count;
    for (uint32_t i = 0; i < relation->column_count; i++) {
        const struct ast_name *name = &relation->columns[i];
        out->columns[i] = table_column(builder->table, name->text);
        if (!out->columns[i])
            return BUILD_REFUSE_AT(builder, name->at, unknown_column, name->text, builder->table->keyspace,
                                   builder->table->name);
    }
    return true;
}

/* "IN(c)", "in(a,b)" (PRE-2). */
static const char *in_name(struct plan_builder *builder, const struct restriction *restriction)
{
    const char *in = builder->context->target->uppercase_in_name ? "IN" : "in";
    if (!restriction->tuple)
        return arena_printf(builder->arena, "%s(%s)", in, restriction->columns[0]->name);
    char *names = arena_printf(builder->arena, "%s", restriction->columns[0]->name);
    for (uint32_t i = 1; names && i < restriction->column_count; i++)
        names = arena_printf(builder->arena, "%s,%s", names, restriction->columns[i]->name);
    return names ? arena_printf(builder->arena, "%s(%s)", in, names) : NULL;
}

static const char *tuple_name(struct plan_builder *builder, const struct restriction *restriction)
{
    char *names = arena_printf(builder->arena, "(%s", restriction->columns[0]->name);
    for (uint32_t i = 1; names && i < restriction->column_count; i++)
        names = arena_printf(builder->arena, "%s,%s", names, restriction->columns[i]->name);
    return names ? arena_printf(builder->arena, "%s)", names) : NULL;
}

static const struct type *tuple_type(struct plan_builder *builder, const struct restriction *restriction)
{
    const struct type **members =
        arena_calloc(builder->arena, restriction->column_count, sizeof(const struct type *));
    if (!members)
        return NULL;
    for (uint32_t i = 0; i < restriction->column_count; i++)
        members[i] = restriction->columns[i]->type;
    return type_tuple(builder->arena, members, restriction->column_count);
}

static bool compile_one(struct plan_builder *builder, const struct ast_term *ast,
                        const struct restriction *restriction, struct plan_term *out)
{
    if (!restriction->tuple)
        return term_compile(builder, ast, restriction->columns[0]->name, restriction->columns[0]->type, out);
    const char *name = tuple_name(builder, restriction);
    if (!name)
        return build_nomem(builder);
    return term_compile_tuple(builder, ast, restriction->columns, restriction->column_count, name, out);
}

static bool compile_in(struct plan_builder *builder, const struct ast_relation *relation,
                       struct restriction *restriction)
{
    if (!relation->value_list) {
        const struct type *element =
            restriction->tuple ? tuple_type(builder, restriction) : restriction->columns[0]->type;
        const struct type *list = element ? type_list(builder->arena, element, true) : NULL;
        const char *name = in_name(builder, restriction);
        if (!list || !name)
            return build_nomem(builder);
        restriction->whole_list = true;
        return term_compile(builder, relation->value, name, list, &restriction->value);
    }
    if (relation->value_count == 1 && relation->op == OP_IN) { /* one value is nothing but = */
        restriction->op = OP_EQ;
        return compile_one(builder, relation->values[0], restriction, &restriction->value);
    }
    restriction->item_count = relation->value_count;
    restriction->items = arena_calloc(builder->arena, relation->value_count, sizeof *restriction->items);
    if (relation->value_count && !restriction->items)
        return build_nomem(builder);
    for (uint32_t i = 0; i < relation->value_count; i++)
        if (!compile_one(builder, relation->values[i], restriction, &restriction->items[i]))
            return false;
    return true;
}

static bool compile_column(struct plan_builder *builder, const struct ast_relation *relation,
                           struct restriction *restriction)
{
    const struct cql_column *column = restriction->columns[0];
    if (!restriction_check_collection(builder, relation, column))
        return false;
    if (relation->op == OP_CONTAINS || relation->op == OP_CONTAINS_KEY)
        return restriction_compile_contains(builder, relation, restriction);
    if (is_slice(relation->op) && column->type->id == TYPE_DURATION)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_DURATION_SLICE, column->name);
    if (relation->op == OP_LIKE) {
        bool text = column->type->id == TYPE_TEXT || column->type->id == TYPE_ASCII;
        if (!builder->context->target->is_scylla)
            return BUILD_REFUSE_AT(builder, relation->at, MSG_LIKE_UNSUPPORTED,
                                   relation_text(builder->arena, relation));
        if (!text)
            return BUILD_REFUSE_AT(builder, relation->at, MSG_LIKE_UNSUPPORTED, column->name);
    }
    if (relation->op == OP_NOT_IN)
        return compile_in(builder, relation, restriction);
    if (relation->op == OP_IN) {
        bool is_key = column->kind == COLUMN_PARTITION || column->kind == COLUMN_CLUSTERING;
        bool is_one = relation->value_list && relation->value_count == 1;
        if (!is_key && !is_one && !builder->context->target->in_filters)
            return BUILD_REFUSE_AT(builder, relation->at, MSG_IN_NON_KEY, column->name);
        return compile_in(builder, relation, restriction);
    }
    return term_compile(builder, relation->value, column->name, column->type, &restriction->value);
}

static bool compile_tuple(struct plan_builder *builder, const struct ast_relation *relation,
                          struct restriction *restriction)
{
    const struct cql_table *table = builder->table;
    restriction->tuple = true;
    for (uint32_t i = 0; i < restriction->column_count; i++) {
        const struct cql_column *column = restriction->columns[i];
        if (column->kind != COLUMN_CLUSTERING)
            return BUILD_REFUSE_AT(builder, relation->at, MSG_TUPLE_NOT_CLUSTERING, column->name);
        for (uint32_t j = 0; j < i; j++)
            if (restriction->columns[j] == column)
                return BUILD_REFUSE_AT(builder, relation->at, MSG_TUPLE_TWICE, column->name,
                                       relation_text(builder->arena, relation));
        bool skips = !i && column->position && builder->context->target->is_scylla;
        if (skips)
            return BUILD_REFUSE_AT(builder, relation->at, MSG_TUPLE_SKIPS);
        if (i && column->position != restriction->columns[i - 1]->position + 1)
            return BUILD_REFUSE_AT(builder, relation->at, MSG_TUPLE_ORDER,
                                   relation_text(builder->arena, relation));
    }
    uint32_t first = restriction->columns[0]->position;
    if (first > 0 && !builder->context->target->relations_mix)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_CLUSTERING_GAP, restriction->columns[0]->name,
                               table->columns[table->partition_count + first - 1].name);
    if (relation->op == OP_IN)
        return compile_in(builder, relation, restriction);
    if (relation->op != OP_EQ && !is_slice(relation->op))
        return BUILD_REFUSE_AT(builder, relation->at, MSG_NOT_SUPPORTED,
                               "LIKE and CONTAINS on several columns at once");
    return compile_one(builder, relation->value, restriction, &restriction->value);
}

static bool compile_token(struct plan_builder *builder, const struct ast_relation *relation,
                          struct restriction *restriction)
{
    const struct cql_table *table = builder->table;
    restriction->token = true;
    bool all = restriction->column_count == table->partition_count;
    for (uint32_t i = 0; all && i < restriction->column_count; i++)
        all = restriction->columns[i]->kind == COLUMN_PARTITION;
    if (!all && restriction->column_count > table->partition_count)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_TOKEN_OTHERS);
    if (!all)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_TOKEN_COLUMNS);
    for (uint32_t i = 0; i < restriction->column_count; i++) {
        if (restriction->columns[i]->position == i)
            continue;
        char *order = arena_printf(builder->arena, "%s", table->columns[0].name);
        for (uint32_t k = 1; order && k < table->partition_count; k++)
            order = arena_printf(builder->arena, "%s, %s", order, table->columns[k].name);
        return BUILD_REFUSE_AT(builder, relation->at, MSG_TOKEN_ORDER, order ? order : "");
    }
    if (relation->op != OP_EQ && !is_slice(relation->op))
        return BUILD_REFUSE_AT(builder, relation->at, MSG_TOKEN_RELATION,
                               relation->op == OP_IN ? "IN relation" : "LIKE relation");
    return term_compile(builder, relation->value, "partition key token", type_scalar(TYPE_BIGINT),
                        &restriction->value);
}

static bool compile_relation(struct plan_builder *builder, const struct ast_relation *relation,
                             enum cql_message unknown_column, struct restriction *out)
{
    *out = (struct restriction){.op = relation->op, .at = relation->at};
    if (!resolve_columns(builder, relation, unknown_column, out))
        return false;
    if (relation->op == OP_NE)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_NE_UNSUPPORTED,
                               relation_text(builder->arena, relation));
    if (relation->op == OP_NOT_IN && !builder->context->target->not_in_filters)
        return relation_refuse_word(builder, relation->at, "NOT");
    if (relation->op == OP_IS_NOT_NULL)
        return BUILD_REFUSE_AT(builder, relation->at, MSG_IS_NOT_NULL_UNSUPPORTED,
                               relation_text(builder->arena, relation));
    switch (relation->kind) {
    case RELATION_COLUMN: return compile_column(builder, relation, out);
    case RELATION_TUPLE: return compile_tuple(builder, relation, out);
    case RELATION_TOKEN: return compile_token(builder, relation, out);
    case RELATION_ELEMENT: return restriction_compile_entry(builder, relation, out);
    case RELATION_FIELD: return relation_refuse_word(builder, relation->field.at - 1, ".");
    }
    return BUILD_REFUSE(builder, MSG_INTERNAL, "unknown kind of relation");
}

/* ---- several relations ---- */

static bool same_columns(const struct restriction *a, const struct restriction *b)
{
    if (a->token || b->token || a->entry || b->entry)
        return a->token && b->token;
    for (uint32_t i = 0; i < a->column_count; i++)
        for (uint32_t k = 0; k < b->column_count; k++)
            if (a->columns[i] == b->columns[k])
                return true;
    return false;
}

/* Columns that both restrict. */
static const char *common_names(struct plan_builder *builder, const struct restriction *a,
                                const struct restriction *b)
{
    const char *names = NULL;
    for (uint32_t i = 0; i < a->column_count; i++)
        for (uint32_t k = 0; k < b->column_count; k++)
            if (a->columns[i] == b->columns[k])
                names = names ? arena_printf(builder->arena, "%s ,%s", names, a->columns[i]->name)
                              : a->columns[i]->name;
    return names;
}

/* "partition key token", or the columns of it where the target says it so. */
static const char *token_names(struct plan_builder *builder, const struct restriction *token)
{
    if (!builder->context->target->relations_mix)
        return "partition key token";
    const char *names = token->columns[0]->name;
    for (uint32_t i = 1; names && i < token->column_count; i++)
        names = arena_printf(builder->arena, "%s, %s", names, token->columns[i]->name);
    return names;
}

/* WHR-7: what the target says about a column that is restricted twice. */
static bool check_twice(struct plan_builder *builder, const struct restriction *a,
                        const struct restriction *b)
{
    bool strict = a->tuple || a->token || !builder->context->target->repeated_column_intersects;
    if (!strict || !same_columns(a, b))
        return true;
    const char *name = a->token ? token_names(builder, a) : common_names(builder, a, b);
    if (!name)
        return build_nomem(builder);
    if (a->op == OP_EQ)
        return BUILD_REFUSE_AT(builder, b->at, MSG_COLUMN_TWICE_EQ, name);
    if (a->op == OP_IN)
        return BUILD_REFUSE_AT(builder, b->at, MSG_COLUMN_TWICE_IN, name);
    if (is_slice(a->op) && is_slice(b->op) && a->columns[0] != b->columns[0])
        return BUILD_REFUSE_AT(builder, b->at, MSG_TWO_INEQUALITIES, name);
    if (is_slice(a->op) && (b->op == OP_EQ || b->op == OP_IN))
        return BUILD_REFUSE_AT(builder, b->at, MSG_COLUMN_TWICE_MIXED, name);
    if (is_slice(a->op) && is_slice(b->op) && is_lower(a->op) == is_lower(b->op))
        return BUILD_REFUSE_AT(builder, b->at, MSG_COLUMN_TWICE_BOUND, name,
                               is_lower(a->op) ? "start" : "end");
    return true;
}

static bool check_together(struct plan_builder *builder, const struct restrictions *restrictions)
{
    bool mix = builder->context->target->relations_mix;
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *b = &restrictions->items[i];
        for (uint32_t j = 0; j < i; j++) {
            const struct restriction *a = &restrictions->items[j];
            enum column_kind kind_a = a->columns[0]->kind, kind_b = b->columns[0]->kind;
            if (!mix && kind_a == COLUMN_CLUSTERING && kind_b == COLUMN_CLUSTERING && a->tuple != b->tuple)
                return BUILD_REFUSE_AT(builder, b->at, MSG_MIXED_RELATIONS);
            if (!mix && kind_a == COLUMN_PARTITION && kind_b == COLUMN_PARTITION && a->token != b->token)
                return BUILD_REFUSE_AT(builder, b->at, MSG_TOKEN_MIXED, (a->token ? b : a)->columns[0]->name);
            if (!check_twice(builder, a, b))
                return false;
        }
    }
    return true;
}

bool restrictions_compile(struct plan_builder *builder, const struct ast_relation *relations, uint32_t count,
                          enum cql_message unknown_column, struct restrictions *out)
{
    *out = (struct restrictions){.table = builder->table, .count = count};
    out->items = arena_calloc(builder->arena, count, sizeof *out->items);
    if (count && !out->items)
        return build_nomem(builder);
    for (uint32_t i = 0; i < count; i++)
        if (!compile_relation(builder, &relations[i], unknown_column, &out->items[i]))
            return false;
    if (!check_together(builder, out))
        return false;
    restrictions_classify(out);
    return true;
}

void restrictions_add_equal(struct restrictions *restrictions, uint32_t at, const struct cql_column **column,
                            struct plan_term value)
{
    restrictions->items[restrictions->count++] =
        (struct restriction){.op = OP_EQ, .columns = column, .column_count = 1, .value = value, .at = at};
}

/* ---- facts ---- */

struct column_facts {
    bool equal, in, slice, other;
};

static struct column_facts facts_of(const struct restrictions *restrictions, const struct cql_column *column)
{
    struct column_facts facts = {0};
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        if (r->tuple || r->token || r->columns[0] != column)
            continue;
        facts.equal |= r->op == OP_EQ;
        facts.in |= r->op == OP_IN;
        facts.slice |= is_slice(r->op);
        facts.other |=
            r->op == OP_NOT_IN || r->op == OP_LIKE || r->op == OP_CONTAINS || r->op == OP_CONTAINS_KEY;
    }
    return facts;
}

static void classify_partition(struct restrictions *restrictions)
{
    const struct cql_table *table = restrictions->table;
    for (uint32_t i = 0; i < table->partition_count; i++) {
        struct column_facts facts = facts_of(restrictions, &table->columns[i]);
        restrictions->partition_restricted += facts.equal || facts.in;
        restrictions->partition_in |= facts.in;
        restrictions->partition_other |= facts.slice || facts.other;
    }
    restrictions->partition_complete =
        restrictions->partition_restricted == table->partition_count && !restrictions->partition_other;
}

/* The restriction that carries the prefix on from the clustering column at `position`: an EQ or IN, else a slice (of which
 * the longest), else NULL. */
static const struct restriction *carries_on(const struct restrictions *restrictions, uint32_t position)
{
    const struct restriction *slice = NULL;
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        if (r->token || r->entry || r->columns[0]->kind != COLUMN_CLUSTERING ||
            r->columns[0]->position != position)
            continue;
        if (r->op == OP_EQ || r->op == OP_IN)
            return r;
        if (is_slice(r->op) && (!slice || r->column_count > slice->column_count))
            slice = r;
    }
    return slice;
}

/* Where tuples stand among what restricts the clustering key. */
static void classify_tuples(struct restrictions *restrictions)
{
    const struct restriction *r;
    for (uint32_t i = 0; i < restrictions->count; i++) {
        r = &restrictions->items[i];
        bool clustering = r->columns[0]->kind == COLUMN_CLUSTERING && !r->token;
        restrictions->clustering |= clustering;
        restrictions->clustering_tuple |= r->tuple;
        restrictions->clustering_in |= clustering && r->op == OP_IN;
    }
    if (!restrictions->clustering_tuple)
        return;
    while (!restrictions->clustering_slice &&
           (r = carries_on(restrictions, restrictions->clustering_prefix))) {
        restrictions->clustering_slice = is_slice(r->op);
        restrictions->clustering_slice_at = restrictions->clustering_prefix;
        restrictions->clustering_prefix += r->column_count;
    }
    for (uint32_t i = 0; i < restrictions->count; i++)
        restrictions->clustering_beyond |= restrictions->items[i].columns[0]->kind == COLUMN_CLUSTERING &&
                                           !restriction_in_key(restrictions, &restrictions->items[i]);
}

static void classify_clustering(struct restrictions *restrictions)
{
    const struct cql_table *table = restrictions->table;
    bool open = true;
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        struct column_facts facts = facts_of(restrictions, &table->columns[table->partition_count + i]);
        bool fixed = facts.equal || facts.in;
        if (!fixed && !facts.slice && !facts.other) {
            open = false;
            continue;
        }
        restrictions->clustering = true;
        restrictions->clustering_in |= facts.in;
        restrictions->clustering_beyond |= facts.other || !open;
        if (!open || (!fixed && !facts.slice)) {
            open = false;
            continue;
        }
        restrictions->clustering_prefix = i + 1;
        if (!fixed) {
            restrictions->clustering_slice = true;
            restrictions->clustering_slice_at = i;
            open = false;
        }
    }
}

void restrictions_classify(struct restrictions *restrictions)
{
    classify_partition(restrictions);
    classify_tuples(restrictions);
    if (!restrictions->clustering_tuple)
        classify_clustering(restrictions);
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        restrictions->token |= r->token;
        restrictions->others |= r->columns[0]->kind == COLUMN_STATIC || r->columns[0]->kind == COLUMN_REGULAR;
    }
}

static bool is_restricted(const struct restrictions *restrictions, const struct cql_column *column)
{
    for (uint32_t i = 0; i < restrictions->count; i++)
        for (uint32_t k = 0; k < restrictions->items[i].column_count; k++)
            if (restrictions->items[i].columns[k] == column)
                return true;
    return false;
}

bool restrictions_check_prefix(struct plan_builder *builder, const struct restrictions *restrictions)
{
    if (!restrictions->clustering_beyond)
        return true;
    const struct cql_table *table = restrictions->table;
    const struct cql_column *clustering = &table->columns[table->partition_count];
    for (uint32_t i = restrictions->clustering_prefix; i < table->clustering_count; i++) {
        if (!is_restricted(restrictions, &clustering[i]))
            continue;
        if (restrictions->clustering_slice)
            return BUILD_REFUSE(builder, MSG_CLUSTERING_AFTER_SLICE, clustering[i].name,
                                clustering[restrictions->clustering_slice_at].name);
        if (i > restrictions->clustering_prefix)
            return BUILD_REFUSE(builder, MSG_CLUSTERING_GAP, clustering[i].name,
                                clustering[restrictions->clustering_prefix].name);
    }
    return BUILD_REFUSE(builder, MSG_ALLOW_FILTERING);
}

const struct restriction *restrictions_equal(const struct restrictions *restrictions,
                                             const struct cql_column *column)
{
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        if (!r->tuple && !r->token && !r->entry && r->op == OP_EQ && r->columns[0] == column)
            return r;
    }
    return NULL;
}

bool restriction_in_key(const struct restrictions *restrictions, const struct restriction *restriction)
{
    if (restriction->token)
        return true;
    bool bounds = restriction->op == OP_EQ || restriction->op == OP_IN || is_slice(restriction->op);
    const struct cql_column *column = restriction->columns[0];
    switch (column->kind) {
    case COLUMN_PARTITION: return restrictions->partition_complete;
    case COLUMN_CLUSTERING:
        return bounds && column->position + restriction->column_count <= restrictions->clustering_prefix;
    case COLUMN_STATIC:
    case COLUMN_REGULAR: return false;
    }
    return false;
}

void restrictions_note_binds(struct plan_builder *builder, const struct restrictions *restrictions)
{
    const struct cql_table *table = restrictions->table;
    uint16_t *positions = arena_alloc(builder->arena, table->partition_count * sizeof *positions);
    for (uint32_t i = 0; i < table->partition_count && positions; i++) {
        const struct restriction *r = restrictions_equal(restrictions, &table->columns[i]);
        if (!r || r->value.kind != PLAN_TERM_BIND || r->value.bind > UINT16_MAX)
            return;
        positions[i] = (uint16_t)r->value.bind;
    }
    builder->plan->partition_binds = positions;
    builder->plan->partition_bind_count = positions ? table->partition_count : 0;
}
