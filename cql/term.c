#include "cql/term.h"

#include <stdlib.h>
#include <string.h>

#include "cql/json_insert.h"
#include "cql/restriction.h"
#include "cql/type_resolve.h"

/* ---- collections on the wire ---- */

/* Some targets write no long item of a set or key of a map in a literal, though they take them as values. */
static bool check_key_sizes(const struct type *type, const struct cql_value *items, uint32_t count,
                            enum cql_profile profile, struct cql_error *error)
{
    bool map = type->id == TYPE_MAP;
    uint32_t most = cql_target_of(profile)->literal_key_bytes_max;
    for (uint32_t i = 0; i < count && most && (map || type->id == TYPE_SET); i += 1 + map)
        if (items[i].bytes.bytes > most)
            return cql_refuse(error, profile, map ? MSG_LITERAL_KEY_TOO_LONG : MSG_LITERAL_ITEM_TOO_LONG,
                              (unsigned)most, items[i].bytes.bytes);
    return true;
}

bool term_collection(struct arena *arena, const struct type *type, const struct cql_value *items,
                     uint32_t count, enum cql_profile profile, struct cql_error *error, struct slice *out)
{
    for (uint32_t i = 0; i < count && !type_has_members(type); i++)
        if (items[i].kind == CQL_NULL)
            return cql_refuse(error, profile,
                              type->id == TYPE_VECTOR ? MSG_NULL_IN_VECTOR : MSG_NULL_IN_COLLECTION);
    for (uint32_t i = 0; i < count; i++)
        if (items[i].kind == CQL_UNSET)
            return cql_refuse(error, profile, MSG_UNSET_IN_COLLECTION);
    if (!check_key_sizes(type, items, count, profile, error))
        return false;
    struct type_value *values = arena_alloc(arena, ((size_t)count + 1) * sizeof *values);
    if (!values)
        return cql_refuse_status(error, STATUS_FAIL(STATUS_NOMEM));
    for (uint32_t i = 0; i < count; i++)
        values[i] = (struct type_value){.bytes = items[i].bytes, .is_null = items[i].kind != CQL_VALUE};
    struct buffer wire = {0};
    bool made = type_compose(&wire, arena, type, values, count);
    if (made) {
        *out = arena_copy(arena, buffer_slice(&wire));
        made = out->data || !wire.bytes;
    }
    buffer_deinit(&wire);
    return made ? true : cql_refuse_status(error, STATUS_FAIL(STATUS_NOMEM));
}

bool term_items(struct plan_run *run, struct slice wire, struct cql_value **out_items, uint32_t *out_count)
{
    struct reader in = reader_of(wire);
    uint32_t count = reader_be32(&in);
    if (in.failed || count > reader_left(&in) / 4)
        return cql_refuse_status(run->error, STATUS_FAIL(STATUS_INVALID));
    struct cql_value *items = arena_alloc(run->scratch, ((size_t)count + 1) * sizeof *items);
    if (!items)
        return run_nomem(run);
    for (uint32_t i = 0; i < count; i++) {
        int32_t bytes = (int32_t)reader_be32(&in);
        items[i].kind = bytes < 0 ? CQL_NULL : CQL_VALUE;
        items[i].bytes = bytes < 0 ? (struct slice){0} : reader_take(&in, (size_t)bytes);
    }
    if (in.failed)
        return cql_refuse_status(run->error, STATUS_FAIL(STATUS_INVALID));
    *out_items = items;
    *out_count = count;
    return true;
}

/* ---- compile ---- */

static bool compile_literal(struct plan_builder *builder, const struct ast_term *ast, struct plan_term *out)
{
    struct buffer wire = {0};
    bool made = type_from_literal(out->type, ast->literal, ast->text, out->column, builder->context->profile,
                                  &wire, builder->error);
    if (!made)
        cql_error_at(builder->error, builder->statement->text, ast->at);
    out->kind = PLAN_TERM_CONSTANT;
    out->constant.kind = CQL_VALUE;
    if (made) {
        out->constant.bytes = arena_copy(builder->arena, buffer_slice(&wire));
        if (wire.bytes && !out->constant.bytes.data)
            made = build_nomem(builder);
    }
    buffer_deinit(&wire);
    return made;
}

static bool compile_bind(struct plan_builder *builder, const struct ast_term *ast, struct plan_term *out)
{
    struct plan *plan = builder->plan;
    if (ast->bind_index >= plan->bind_count)
        return BUILD_REFUSE(builder, MSG_INTERNAL, "bind marker out of range");
    out->kind = PLAN_TERM_BIND;
    out->bind = ast->bind_index;
    out->plain_bytes = (uint32_t)type_plain_bytes(out->type);
    out->has_order = type_has_order(out->type);
    plan->binds[ast->bind_index] = (struct cql_column_spec){
        .keyspace = builder->table->keyspace,
        .table = builder->table->name,
        .name = ast->name.text ? ast->name.text : out->column,
        .type = out->type,
    };
    return true;
}

static bool is_token_call(const struct ast_term *ast)
{
    return ast->kind == TERM_CALL && !ast->call_keyspace.text && strcmp(ast->name.text, "token") == 0;
}

static bool compile_token(struct plan_builder *builder, const struct ast_term *ast, struct plan_term *out)
{
    const struct cql_table *table = builder->table;
    if (ast->item_count != table->partition_count)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_FUNCTION_COUNT, "system.token",
                               (unsigned)table->partition_count, (unsigned)ast->item_count);
    if (!term_type_fits(type_scalar(TYPE_BIGINT), out->type))
        return BUILD_REFUSE_AT(builder, ast->at, MSG_TYPE_ERROR, "system.token", "bigint", out->column,
                               plan_type_text(builder->arena, out->type));
    out->kind = PLAN_TERM_TOKEN;
    out->argument_count = ast->item_count;
    out->arguments = arena_calloc(builder->arena, ast->item_count, sizeof *out->arguments);
    if (!out->arguments)
        return build_nomem(builder);
    for (uint32_t i = 0; i < ast->item_count; i++)
        if (!term_compile(builder, ast->items[i], table->columns[i].name, table->columns[i].type,
                          &out->arguments[i]))
            return false;
    return true;
}

static bool fold_collection(struct plan_builder *builder, struct plan_term *term)
{
    for (uint32_t i = 0; i < term->argument_count; i++)
        if (term->arguments[i].kind != PLAN_TERM_CONSTANT)
            return true;
    struct cql_value *items = arena_alloc(builder->arena, (term->argument_count + 1) * sizeof *items);
    if (!items)
        return build_nomem(builder);
    for (uint32_t i = 0; i < term->argument_count; i++)
        items[i] = term->arguments[i].constant;
    if (!term_collection(builder->arena, term->type, items, term->argument_count, builder->context->profile,
                         builder->error, &term->constant.bytes))
        return false;
    term->kind = PLAN_TERM_CONSTANT;
    term->constant.kind = CQL_VALUE;
    return true;
}

static const char *const shape_names[] = {[TERM_LIST] = "list",
                                          [TERM_SET] = "set",
                                          [TERM_MAP] = "map",
                                          [TERM_TUPLE] = "tuple type",
                                          [TERM_UDT] = "user type"};

static bool shape_fits(const struct ast_term *ast, const struct type *type)
{
    switch (ast->kind) {
    case TERM_LIST: return type->id == TYPE_LIST || type->id == TYPE_VECTOR;
    case TERM_SET: return type->id == TYPE_SET || (type->id == TYPE_MAP && !ast->item_count);
    case TERM_MAP: return type->id == TYPE_MAP;
    case TERM_UDT: return type->id == TYPE_UDT;
    case TERM_TUPLE: return type_has_members(type);
    default: return false;
    }
}

/* May this stand where a `type` is wanted, as far as can be seen without its value? Whatever else is wrong with it is said when
 * it is compiled. */
static bool assignable(struct plan_builder *builder, const struct ast_term *ast, const struct type *type)
{
    const struct type *cast;
    switch (ast->kind) {
    case TERM_LITERAL: return type_accepts_literal(type, ast->literal);
    case TERM_CAST:
        return !type_resolve(ast->cast_type, builder->table->keyspace, builder->context->catalog,
                             builder->context->profile, builder->arena, &cast, builder->error) ||
               term_type_fits(cast, type);
    case TERM_LIST:
    case TERM_SET:
    case TERM_MAP:
    case TERM_UDT:
    case TERM_TUPLE: break;
    default: return true;
    }
    if (!shape_fits(ast, type) || (type_has_members(type) && ast->item_count > type->member_count))
        return false;
    for (uint32_t i = 0; i < ast->item_count && ast->kind != TERM_UDT; i++)
        if (!assignable(builder, ast->items[i], type_item(type, i)))
            return false;
    return true;
}

static bool refuse_shape(struct plan_builder *builder, const struct ast_term *ast,
                         const struct plan_term *term)
{
    const char *type = plan_type_text(builder->arena, term->type);
    if (ast->kind == TERM_LIST)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_LITERAL_NOT_LIST, term->column, type);
    return BUILD_REFUSE_AT(builder, ast->at, MSG_LITERAL_NOT_COLLECTION, shape_names[ast->kind], term->column,
                           type);
}

/* The i-th item is of no type that fits: its place is named as the targets do. */
static bool refuse_item(struct plan_builder *builder, const struct ast_term *ast,
                        const struct plan_term *term, uint32_t i)
{
    const char *what = "value", *shown = term_text(builder->arena, ast->items[i]), *literal = "list";
    switch (ast->kind) {
    case TERM_SET: literal = "set"; break;
    case TERM_MAP:
        literal = "map";
        what = i % 2 ? "value" : "key";
        break;
    case TERM_TUPLE:
        literal = "tuple";
        what = "component";
        shown = arena_printf(builder->arena, "%u", (unsigned)i);
        break;
    default:
        if (term->type->id == TYPE_VECTOR)
            literal = "vector";
    }
    return BUILD_REFUSE_AT(builder, ast->items[i]->at, MSG_LITERAL_ITEM, literal, term->column, what,
                           shown ? shown : "?", plan_type_text(builder->arena, type_item(term->type, i)));
}

static bool check_items(struct plan_builder *builder, const struct ast_term *ast,
                        const struct plan_term *term)
{
    const struct type *type = term->type;
    if (!shape_fits(ast, type))
        return refuse_shape(builder, ast, term);
    if (type->id == TYPE_VECTOR && ast->item_count != type->dimension)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_VECTOR_SIZE, term->column,
                               plan_type_text(builder->arena, type), (unsigned)type->dimension,
                               (unsigned)ast->item_count);
    if (type_has_members(type) && ast->item_count > type->member_count)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_TUPLE_LARGE, term->column,
                               plan_type_text(builder->arena, type), (unsigned)type->member_count,
                               (unsigned)ast->item_count);
    for (uint32_t i = 0; i < ast->item_count; i++)
        if (!assignable(builder, ast->items[i], type_item(type, i)))
            return refuse_item(builder, ast, term, i);
    return true;
}

static const char *item_name(struct plan_builder *builder, const struct plan_term *term, uint32_t i)
{
    const char *what = term->type->id != TYPE_MAP ? "value" : i % 2 ? "value" : "key";
    return arena_printf(builder->arena, "%s(%s)", what, term->column);
}

static bool compile_collection(struct plan_builder *builder, const struct ast_term *ast,
                               struct plan_term *out)
{
    if (!check_items(builder, ast, out))
        return false;
    out->kind = PLAN_TERM_COLLECTION;
    out->argument_count = ast->item_count;
    out->arguments = arena_calloc(builder->arena, ast->item_count + 1, sizeof *out->arguments);
    if (!out->arguments)
        return build_nomem(builder);
    for (uint32_t i = 0; i < ast->item_count; i++) {
        const char *name = item_name(builder, out, i);
        if (!name)
            return build_nomem(builder);
        if (!term_compile(builder, ast->items[i], name, type_item(out->type, i), &out->arguments[i]))
            return false;
    }
    return fold_collection(builder, out);
}

static const struct ast_term *field_value(const struct ast_term *ast, const char *field)
{
    const struct ast_term *value = NULL;
    for (uint32_t i = 0; i < ast->item_count; i++)
        if (strcmp(ast->fields[i].text, field) == 0)
            value = ast->items[i];
    return value;
}

/* Fields that are not given are null; unknown ones are refused. */
static bool compile_udt(struct plan_builder *builder, const struct ast_term *ast, struct plan_term *out)
{
    const struct type *type = out->type;
    if (!shape_fits(ast, type))
        return refuse_shape(builder, ast, out);
    for (uint32_t i = 0; i < ast->item_count; i++)
        if (type_field(type, slice_text(ast->fields[i].text)) == type->member_count)
            return BUILD_REFUSE_AT(builder, ast->fields[i].at, MSG_UDT_LITERAL_FIELD, ast->fields[i].text,
                                   type->name);
    out->kind = PLAN_TERM_COLLECTION;
    out->argument_count = type->member_count;
    out->arguments = arena_calloc(builder->arena, type->member_count + 1, sizeof *out->arguments);
    if (!out->arguments)
        return build_nomem(builder);
    for (uint32_t i = 0; i < type->member_count; i++) {
        static const struct ast_term null = {.kind = TERM_NULL};
        const struct ast_term *value = field_value(ast, type->field_names[i]);
        const char *name = arena_printf(builder->arena, "%s.%s", out->column, type->field_names[i]);
        if (!name)
            return build_nomem(builder);
        if (value && !assignable(builder, value, type->members[i]))
            return BUILD_REFUSE_AT(builder, value->at, MSG_LITERAL_ITEM, "user type", out->column, "field",
                                   type->field_names[i], plan_type_text(builder->arena, type->members[i]));
        if (!term_compile(builder, value ? value : &null, name, type->members[i], &out->arguments[i]))
            return false;
    }
    return fold_collection(builder, out);
}

static bool compile_cast(struct plan_builder *builder, const struct ast_term *ast, struct plan_term *out)
{
    const struct type *type;
    if (!type_resolve(ast->cast_type, builder->table->keyspace, builder->context->catalog,
                      builder->context->profile, builder->arena, &type, builder->error))
        return false;
    if (!term_type_fits(type, out->type))
        return BUILD_REFUSE_AT(builder, ast->at, MSG_CAST_WRONG, term_text(builder->arena, ast), out->column,
                               plan_type_text(builder->arena, out->type));
    /* ScyllaDB makes a value of the type that is named; to Cassandra it is only a hint which of several is meant. */
    return term_compile(builder, ast->items[0], out->column,
                        builder->context->target->is_scylla ? type : out->type, out);
}

static bool refuse_arithmetic(struct plan_builder *builder, const struct ast_term *ast)
{
    struct cql_error place;
    cql_error_at(&place, builder->statement->text, ast->at);
    return BUILD_REFUSE_AT(builder, ast->at, MSG_ARITHMETIC, place.line, place.column,
                           ast->name.text ? ast->name.text : "");
}

bool term_compile(struct plan_builder *builder, const struct ast_term *ast, const char *column,
                  const struct type *type, struct plan_term *out_term)
{
    *out_term = (struct plan_term){.column = column, .type = type};
    switch (ast->kind) {
    case TERM_LITERAL: return compile_literal(builder, ast, out_term);
    case TERM_NULL: out_term->constant.kind = CQL_NULL; return true;
    case TERM_BIND: return compile_bind(builder, ast, out_term);
    case TERM_CALL:
        return is_token_call(ast) ? compile_token(builder, ast, out_term)
                                  : term_compile_call(builder, ast, out_term);
    case TERM_CAST: return compile_cast(builder, ast, out_term);
    case TERM_LIST:
    case TERM_SET:
    case TERM_MAP:
    case TERM_TUPLE: return compile_collection(builder, ast, out_term);
    case TERM_UDT: return compile_udt(builder, ast, out_term);
    case TERM_ARITHMETIC:
        return builder->context->target->arithmetic ? term_compile_call(builder, ast, out_term)
                                                    : refuse_arithmetic(builder, ast);
    case TERM_COLUMN: break;
    }
    return BUILD_REFUSE_AT(builder, ast->at, MSG_NOT_SUPPORTED, "column names as values");
}

bool term_compile_tuple(struct plan_builder *builder, const struct ast_term *ast,
                        const struct cql_column **columns, uint32_t count, const char *name,
                        struct plan_term *out_term)
{
    const struct type **members = arena_calloc(builder->arena, count, sizeof(const struct type *));
    if (!members)
        return build_nomem(builder);
    for (uint32_t i = 0; i < count; i++)
        members[i] = columns[i]->type;
    const struct type *type = type_tuple(builder->arena, members, count);
    if (!type)
        return build_nomem(builder);
    if (ast->kind != TERM_TUPLE)
        return term_compile(builder, ast, name, type, out_term);
    if (ast->item_count != count)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_TUPLE_COUNT, (unsigned)count, (unsigned)ast->item_count,
                               term_text(builder->arena, ast));
    *out_term = (struct plan_term){
        .kind = PLAN_TERM_COLLECTION, .column = name, .type = type, .argument_count = count};
    out_term->arguments = arena_calloc(builder->arena, count, sizeof *out_term->arguments);
    if (!out_term->arguments)
        return build_nomem(builder);
    for (uint32_t i = 0; i < count; i++)
        if (!term_compile(builder, ast->items[i], columns[i]->name, columns[i]->type,
                          &out_term->arguments[i]))
            return false;
    return fold_collection(builder, out_term);
}

/* ---- run ---- */

static bool bind_value(const struct plan_term *term, struct plan_run *run, struct cql_value *out)
{
    *out = run->values[term->bind];
    if (out->kind != CQL_VALUE || (term->plain_bytes && out->bytes.bytes == term->plain_bytes))
        return true;
    if (!type_check_bound(term->type, out->bytes, term->column, run->context->profile, run->error))
        return false;
    /* A client may send sets and maps in any order. */
    return !term->has_order || type_normalize(run->scratch, term->type, &out->bytes) || run_nomem(run);
}

static bool argument_values(const struct plan_term *term, struct plan_run *run, struct cql_value **out)
{
    *out = arena_alloc(run->scratch, (term->argument_count + 1) * sizeof **out);
    if (!*out)
        return run_nomem(run);
    for (uint32_t i = 0; i < term->argument_count; i++)
        if (!term_value(&term->arguments[i], run, &(*out)[i]))
            return false;
    return true;
}

static bool token_value(const struct plan_term *term, struct plan_run *run, const struct cql_value *items,
                        struct cql_value *out)
{
    struct buffer *key = &run->workspace->key;
    buffer_clear(key);
    for (uint32_t i = 0; i < term->argument_count; i++) {
        if (items[i].kind != CQL_VALUE)
            return RUN_REFUSE(run, items[i].kind == CQL_NULL ? MSG_NULL_CONDITION : MSG_UNSET_CONDITION,
                              term->arguments[i].column);
        if (term->argument_count > 1)
            buffer_append_be16(key, (uint16_t)items[i].bytes.bytes);
        buffer_append_slice(key, items[i].bytes);
        if (term->argument_count > 1)
            buffer_append_u8(key, 0);
    }
    uint8_t *wire = arena_bytes(run->scratch, 8);
    if (!wire || key->failed)
        return run_nomem(run);
    bool least = !key->bytes && run->context->target->empty_has_least_token;
    store_be64(wire, least ? (uint64_t)INT64_MIN : (uint64_t)partition_key_of(buffer_slice(key)).token);
    *out = (struct cql_value){.kind = CQL_VALUE, .bytes = slice_of(wire, 8)};
    return true;
}

/* All columns of one statement read the text once. */
static bool json_value(const struct plan_term *term, struct plan_run *run, struct cql_value *out)
{
    if (run->json != term->json || run->json_bound != run->values) {
        if (!json_insert_values(term->json, run, &run->json_values))
            return false;
        run->json = term->json;
        run->json_bound = run->values;
    }
    *out = run->json_values[term->ordinal];
    return true;
}

bool term_value(const struct plan_term *term, struct plan_run *run, struct cql_value *out_value)
{
    struct cql_value *items;
    switch (term->kind) {
    case PLAN_TERM_CONSTANT: *out_value = term->constant; return true;
    case PLAN_TERM_BIND: return bind_value(term, run, out_value);
    case PLAN_TERM_JSON: return json_value(term, run, out_value);
    case PLAN_TERM_TOKEN:
        return argument_values(term, run, &items) && token_value(term, run, items, out_value);
    case PLAN_TERM_CALL: return argument_values(term, run, &items) && term_call(term, run, items, out_value);
    case PLAN_TERM_COLLECTION:
        out_value->kind = CQL_VALUE;
        return argument_values(term, run, &items) &&
               term_collection(run->scratch, term->type, items, term->argument_count, run->context->profile,
                               run->error, &out_value->bytes);
    }
    return RUN_REFUSE(run, MSG_INTERNAL, "unknown kind of term");
}
