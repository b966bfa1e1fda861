/*
 * function.c: which overload a call means, and its evaluation.
 */
#include <stdio.h>

#include "cql/function_internal.h"
#include "cql/number.h"

enum {
    SIGNATURES_BYTES = 700,
    OVERLOADS_MAX = 96, /* of one name */
};

/* ---- literals ---- */

static const struct type *whole_type(struct slice text)
{
    struct buffer wire = {0};
    size_t bytes = varint_parse(text, &wire) ? wire.bytes : 1;
    buffer_deinit(&wire);
    return type_scalar(bytes <= 4 ? TYPE_INT : bytes <= 8 ? TYPE_BIGINT : TYPE_VARINT);
}

const struct type *function_literal_type(enum literal_kind kind, struct slice text)
{
    static const enum type_id ids[] = {
        [LITERAL_STRING] = TYPE_TEXT,       [LITERAL_INTEGER] = TYPE_INT, [LITERAL_FLOAT] = TYPE_DOUBLE,
        [LITERAL_BOOLEAN] = TYPE_BOOLEAN,   [LITERAL_UUID] = TYPE_UUID,   [LITERAL_HEX] = TYPE_BLOB,
        [LITERAL_DURATION] = TYPE_DURATION,
    };
    return kind == LITERAL_INTEGER ? whole_type(text) : type_scalar(ids[kind]);
}

/* ---- arguments against parameters ---- */

enum match {
    MATCH_NONE,
    MATCH_WEAK, /* allowed by literals and bind markers */
    MATCH_EXACT,
};

static bool is_list(const struct type *type)
{
    return type->id == TYPE_LIST || type->id == TYPE_SET;
}

static bool in_family(enum parameter_kind kind, const struct type *type)
{
    switch (kind) {
    case PARAMETER_TYPE:
    case PARAMETER_ANY: return true;
    case PARAMETER_NUMBER: return type_is_number(type);
    case PARAMETER_MAP: return type->id == TYPE_MAP;
    case PARAMETER_COLLECTION: return is_list(type) || type->id == TYPE_MAP;
    case PARAMETER_LIST: return is_list(type);
    case PARAMETER_NUMBERS: return is_list(type) && type_is_number(type->first);
    case PARAMETER_VECTOR: return type->id == TYPE_VECTOR && type->first->id == TYPE_FLOAT;
    }
    return false;
}

static enum match match_type(const struct type *wanted, const struct function_argument *given,
                             enum cql_profile profile)
{
    switch (given->kind) {
    case FUNCTION_ARGUMENT_UNKNOWN: return MATCH_WEAK;
    case FUNCTION_ARGUMENT_LITERAL:
        if (!type_accepts_literal(wanted, given->literal))
            return MATCH_NONE;
        /* Where arithmetic is, 1 is an int before it is anything else. */
        return cql_target_of(profile)->arithmetic &&
                       type_equal(wanted, function_literal_type(given->literal, given->text))
                   ? MATCH_EXACT
                   : MATCH_WEAK;
    case FUNCTION_ARGUMENT_TYPED: break;
    }
    if (type_equal(wanted, given->type))
        return MATCH_EXACT;
    enum type_id id = given->type->id;
    bool number = (id == TYPE_BIGINT && (wanted->id == TYPE_TIMESTAMP || wanted->id == TYPE_TIME)) ||
                  (id == TYPE_INT && wanted->id == TYPE_DATE);
    /* An ascii is a text, a timeuuid a uuid. */
    bool fits = (wanted->id == TYPE_TEXT && id == TYPE_ASCII) ||
                (wanted->id == TYPE_UUID && id == TYPE_TIMEUUID) ||
                (number && cql_target_of(profile)->numbers_are_times);
    return fits ? MATCH_WEAK : MATCH_NONE;
}

/* What a list of literals, a bind marker or null is beside the other arguments: a vector like theirs. */
static const struct type *vector_type(const struct function_query *query,
                                      const struct function_argument *given, struct arena *arena)
{
    if (given->item_count)
        return type_vector(arena, type_scalar(TYPE_FLOAT), given->item_count);
    for (uint32_t i = 0; i < query->count; i++) {
        const struct function_argument *other = &query->arguments[i];
        if (other->kind == FUNCTION_ARGUMENT_TYPED)
            return other->type;
        if (other->item_count)
            return type_vector(arena, type_scalar(TYPE_FLOAT), other->item_count);
    }
    return NULL;
}

/* The type that the argument takes in the call goes to *out_type. */
static enum match match_argument(const struct function_query *query, const struct parameter *parameter,
                                 const struct function_argument *given, struct arena *arena,
                                 const struct type **out_type)
{
    *out_type = parameter->type;
    if (parameter->kind == PARAMETER_TYPE)
        return match_type(parameter->type, given, query->profile);
    bool receiver_numeric = query->returns && type_is_number(query->returns);
    switch (given->kind) {
    case FUNCTION_ARGUMENT_UNKNOWN:
        *out_type = parameter->kind == PARAMETER_VECTOR ? vector_type(query, given, arena) : NULL;
        if (!*out_type)
            return MATCH_NONE;
        break;
    case FUNCTION_ARGUMENT_TYPED: *out_type = given->type; break;
    case FUNCTION_ARGUMENT_LITERAL:
        *out_type = parameter->kind == PARAMETER_NUMBER && receiver_numeric &&
                            type_accepts_literal(query->returns, given->literal)
                        ? query->returns
                        : function_literal_type(given->literal, given->text);
        break;
    }
    return in_family(parameter->kind, *out_type) ? MATCH_EXACT : MATCH_NONE;
}

static const struct type *result_type(const struct function_query *query, const struct function *function,
                                      const struct function_call *call, struct arena *arena)
{
    const struct type *first = call->arguments[0];
    switch (function->result) {
    case RESULT_TYPE: return function->returns;
    case RESULT_FIRST: return first;
    case RESULT_RECEIVER: return query->returns;
    case RESULT_KEYS: return type_set(arena, first->first, true);
    case RESULT_VALUES: return type_list(arena, first->second, true);
    case RESULT_ELEMENT: return first->first;
    case RESULT_WIDER: return function_wider(first, call->arguments[1]);
    case RESULT_AGGREGATE:
        return aggregate_type(function->aggregate, first, cql_target_of(query->profile)->aggregates_all);
    }
    return NULL;
}

static enum match match_call(const struct function_query *query, const struct function *function,
                             struct arena *arena, struct function_call *out_call)
{
    if (function->argument_count != query->count)
        return MATCH_NONE;
    enum match worst = MATCH_EXACT;
    *out_call = (struct function_call){.function = function};
    for (uint32_t i = 0; i < query->count; i++) {
        enum match match = match_argument(query, &function->arguments[i], &query->arguments[i], arena,
                                          &out_call->arguments[i]);
        worst = match < worst ? match : worst;
    }
    if (worst == MATCH_NONE)
        return MATCH_NONE;
    out_call->returns = result_type(query, function, out_call, arena);
    return out_call->returns ? worst : MATCH_NONE;
}

/* ---- the table by name ---- */

static bool is_ours(const char *keyspace)
{
    return !keyspace || strcmp(keyspace, "system") == 0;
}

static bool is_named(const struct function *function, const char *name, enum cql_profile profile)
{
    return (function->profiles & 1u << profile) && strcmp(function->name, name) == 0;
}

bool function_exists(const char *keyspace, const char *name, enum cql_profile profile)
{
    for (size_t i = 0; is_ours(keyspace) && i < function_table_count; i++)
        if (is_named(&function_table[i], name, profile))
            return true;
    return false;
}

const char *function_shown(const struct function *function)
{
    return function->shown ? function->shown : function->name;
}

const char *function_of_operator(char op, bool unary)
{
    switch (op) {
    case '+': return "_add";
    case '-': return unary ? "_negate" : "_substract";
    case '*': return "_multiply";
    case '/': return "_divide";
    default: return "_modulo";
    }
}

/* ---- refusals ---- */

static const char *parameter_text(const struct parameter *parameter)
{
    switch (parameter->kind) {
    case PARAMETER_TYPE: return type_scalar_name(parameter->type->id);
    case PARAMETER_ANY: return "any";
    case PARAMETER_NUMBER: return "numeric";
    case PARAMETER_MAP: return "map";
    case PARAMETER_COLLECTION: return "collection";
    case PARAMETER_LIST:
    case PARAMETER_NUMBERS: return "numeric_set_or_list";
    case PARAMETER_VECTOR: return "vector<float, n>";
    }
    return "";
}

/* "system.todate : (timeuuid) -> date, system.todate : (timestamp) -> date" */
static void print_signature(struct buffer *out, const struct function *function)
{
    buffer_printf(out, "%ssystem.%s : (", out->bytes ? ", " : "", function->name);
    for (uint32_t i = 0; i < function->argument_count; i++)
        buffer_printf(out, "%s%s", i ? ", " : "", parameter_text(&function->arguments[i]));
    const char *returns =
        function->returns ? type_scalar_name(function->returns->id) : parameter_text(&function->arguments[0]);
    buffer_printf(out, ") -> %s", returns);
}

/* A row for numbers stands for one overload a type. */
static void print_signatures(struct buffer *out, const struct function *function)
{
    static const enum type_id numbers[] = {TYPE_TINYINT, TYPE_SMALLINT, TYPE_INT,    TYPE_BIGINT, TYPE_FLOAT,
                                           TYPE_DOUBLE,  TYPE_DECIMAL,  TYPE_VARINT, TYPE_COUNTER};
    bool numeric = function->argument_count == 1 && function->arguments[0].kind == PARAMETER_NUMBER;
    for (size_t i = 0; numeric && i < ARRAY_LEN(numbers); i++)
        buffer_printf(out, "%ssystem.%s : (%s) -> %s", out->bytes ? ", " : "", function->name,
                      type_scalar_name(numbers[i]), type_scalar_name(numbers[i]));
    if (!numeric)
        print_signature(out, function);
}

static bool refuse_operator(const struct function_query *query, char op, bool ambiguous,
                            struct cql_error *error)
{
    const struct function_argument *arguments = query->arguments;
    char sign[2] = {op, 0};
    if (query->count == 1)
        return cql_refuse(error, query->profile, ambiguous ? MSG_NEGATION_AMBIGUOUS : MSG_NEGATION,
                          arguments[0].shown ? arguments[0].shown : "?");
    if (ambiguous)
        return cql_refuse(error, query->profile, MSG_OPERATION_AMBIGUOUS, sign,
                          arguments[0].shown ? arguments[0].shown : "?",
                          arguments[1].shown ? arguments[1].shown : "?");
    return cql_refuse(error, query->profile, MSG_OPERATION, sign,
                      arguments[0].shown ? arguments[0].shown : "?",
                      arguments[1].shown ? arguments[1].shown : "?");
}

static bool refuse_call(const struct function_query *query, struct arena *arena, bool ambiguous,
                        struct cql_error *error)
{
    struct buffer text = {0};
    for (size_t i = 0; i < function_table_count; i++) {
        struct function_call call;
        const struct function *function = &function_table[i];
        if (!is_named(function, query->name, query->profile) ||
            (ambiguous && match_call(query, function, arena, &call) == MATCH_NONE))
            continue;
        print_signatures(&text, function);
    }
    if (text.bytes > SIGNATURES_BYTES)
        text.bytes = SIGNATURES_BYTES;
    buffer_append_u8(&text, 0);
    cql_refuse(error, query->profile, ambiguous ? MSG_FUNCTION_AMBIGUOUS : MSG_FUNCTION_ARGUMENTS,
               query->name, text.failed ? "" : (const char *)text.data);
    buffer_deinit(&text);
    return false;
}

/* What a function wants that takes a family of types; NULL where the type says it. */
static const char *family_wanted(enum parameter_kind kind)
{
    switch (kind) {
    case PARAMETER_MAP: return "a map argument";
    case PARAMETER_COLLECTION: return "a collection argument";
    case PARAMETER_LIST: return "a set or list argument";
    case PARAMETER_NUMBERS: return "a numeric set/list argument";
    case PARAMETER_VECTOR: return "a float vector argument";
    default: return NULL;
    }
}

static bool refuse_argument(const struct function_query *query, const struct function *function, uint32_t at,
                            const char *qualified, struct cql_error *error)
{
    const struct parameter *parameter = &function->arguments[at];
    const struct function_argument *given = &query->arguments[at];
    const char *shown = given->shown ? given->shown : "?", *family = family_wanted(parameter->kind);
    if (!family)
        return cql_refuse(error, query->profile, MSG_FUNCTION_ARGUMENT_TYPE, shown, (unsigned)at, qualified,
                          parameter_text(parameter));
    if (given->kind == FUNCTION_ARGUMENT_UNKNOWN)
        return cql_refuse(error, query->profile, MSG_FUNCTION_ARGUMENT_UNTYPED, shown, qualified);
    struct buffer type = {0};
    type_name(&type, given->type ? given->type : function_literal_type(given->literal, given->text));
    buffer_append_u8(&type, 0);
    cql_refuse(error, query->profile, MSG_FUNCTION_FAMILY, qualified, family, shown,
               type.failed ? "?" : (const char *)type.data);
    buffer_deinit(&type);
    return false;
}

/* Of a function without overloads it can be said what is wrong. */
static bool refuse_only(const struct function_query *query, const struct function *function,
                        struct arena *arena, struct cql_error *error)
{
    char qualified[CQL_NAME_BYTES];
    snprintf(qualified, sizeof qualified, "system.%s", function->name);
    if (query->count != function->argument_count)
        return cql_refuse(error, query->profile, MSG_FUNCTION_COUNT, qualified,
                          (unsigned)function->argument_count, (unsigned)query->count);
    for (uint32_t i = 0; i < query->count; i++) {
        const struct type *type;
        if (match_argument(query, &function->arguments[i], &query->arguments[i], arena, &type) == MATCH_NONE)
            return refuse_argument(query, function, i, qualified, error);
    }
    return cql_refuse(error, query->profile, MSG_FUNCTION_UNKNOWN, query->name);
}

/* ---- find ---- */

static bool wanted(const struct function_query *query, const struct type *returns)
{
    return !query->returns || type_equal(query->returns, returns);
}

static bool same_dimensions(const struct function_query *query, const struct function_call *call,
                            struct cql_error *error)
{
    for (uint32_t i = 1; i < query->count; i++)
        if (call->function->arguments[i].kind == PARAMETER_VECTOR &&
            call->arguments[i]->dimension != call->arguments[0]->dimension)
            return cql_refuse(error, query->profile, MSG_VECTOR_DIMENSIONS);
    return true;
}

static bool refuse_unknown(const struct function_query *query, struct cql_error *error)
{
    char name[CQL_NAME_BYTES];
    snprintf(name, sizeof name, "%s%s%s", query->keyspace ? query->keyspace : "", query->keyspace ? "." : "",
             query->name);
    return cql_refuse(error, query->profile,
                      query->selector ? MSG_FUNCTION_UNKNOWN_SELECT : MSG_FUNCTION_UNKNOWN, name);
}

bool function_find(const struct function_query *query, struct arena *arena, struct function_call *out_call,
                   struct cql_error *error)
{
    struct function_call weak = {0}, call;
    const struct function *only = NULL;
    uint32_t weak_count = 0, named = 0;
    bool unknown = false;
    char op = 0;
    for (uint32_t i = 0; i < query->count; i++)
        unknown |= query->arguments[i].kind == FUNCTION_ARGUMENT_UNKNOWN;
    for (size_t i = 0; is_ours(query->keyspace) && i < function_table_count; i++) {
        const struct function *function = &function_table[i];
        if (!is_named(function, query->name, query->profile))
            continue;
        named++;
        only = function;
        op = function->op;
        if (function->result == RESULT_RECEIVER && !query->returns)
            return cql_refuse(error, query->profile, MSG_FROM_JSON_SELECT, function->name);
        if (function->only_selects && !query->selector)
            return cql_refuse(error, query->profile, MSG_TO_JSON_VALUE);
        enum match match = match_call(query, function, arena, &call);
        if (match == MATCH_EXACT) {
            *out_call = call;
            return same_dimensions(query, &call, error);
        }
        if (match == MATCH_WEAK && wanted(query, call.returns)) {
            weak = call;
            weak_count++;
        }
    }
    if (!named)
        return refuse_unknown(query, error);
    if (weak_count == 1 && !(op && unknown)) {
        *out_call = weak;
        return true;
    }
    if (op)
        return refuse_operator(query, op, unknown, error);
    bool alone = named == 1 && !only->is_aggregate && only->arguments[0].kind != PARAMETER_NUMBER;
    return alone ? refuse_only(query, only, arena, error) : refuse_call(query, arena, weak_count > 1, error);
}

/* ---- evaluate ---- */

static bool is_empty(const struct function_call *call, uint32_t i, struct cql_value value)
{
    const struct type_row *row = type_row(call->arguments[i]->id);
    /* An empty number or time has no value to work with; as a blob it is what it is. */
    return !value.bytes.bytes && row && (row->wire_bytes || type_is_number(call->arguments[i])) &&
           call->returns->id != TYPE_BLOB;
}

bool function_evaluate(const struct function_call *call, const struct cql_value *arguments,
                       const struct function_environment *environment, struct buffer *out_wire,
                       bool *out_null, struct cql_error *error)
{
    const struct function *function = call->function;
    *out_null = false;
    for (uint32_t i = 0; i < function->argument_count && !function->takes_null; i++) {
        if (arguments[i].kind != CQL_VALUE || is_empty(call, i, arguments[i])) {
            *out_null = true;
            return true;
        }
        if (!type_check_bound(call->arguments[i], arguments[i].bytes, function->name, environment->profile,
                              error))
            return false;
    }
    if (!function->evaluate(call, arguments, environment, out_wire, out_null, error))
        return false;
    return !out_wire->failed || cql_refuse(error, environment->profile, MSG_NOMEM);
}
