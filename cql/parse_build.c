#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/hash.h"
#include "cql/parse_internal.h"

void parse_refuse(struct parse_state *state, uint32_t at, const char *format, ...)
{
    if (state->refused)
        return;
    char text[CQL_MESSAGE_BYTES / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct cql_error place;
    cql_error_at(&place, state->text, at);
    cql_refuse(state->error, state->profile, MSG_SYNTAX, place.line, place.column, text);
    cql_error_at(state->error, state->text, at);
    state->refused = true;
}

void parse_refuse_at_end(struct parse_state *state, const char *text)
{
    if (state->refused)
        return;
    struct cql_error place;
    cql_error_at(&place, state->text, state->text.bytes);
    if (cql_target_of(state->profile)->is_scylla)
        cql_refuse(state->error, state->profile, MSG_SYNTAX, place.line, place.column, text);
    else
        cql_refuse(state->error, state->profile, MSG_SYNTAX_AT_END, text);
    cql_error_at(state->error, state->text, state->text.bytes);
    state->refused = true;
}

void parse_refuse_memory(struct parse_state *state)
{
    if (state->refused)
        return;
    cql_refuse(state->error, state->profile, MSG_NOMEM);
    state->refused = true;
}

/* Every object of the tree is written to it when there is no other memory; the parse is refused, so nobody reads it. */
static _Thread_local union {
    struct ast_statement statement;
    struct ast_term term;
    struct ast_selector selector;
    struct ast_type type;
} throw_away;

void *parse_new(struct parse_state *state, size_t bytes)
{
    void *memory = NULL;
    if (!state->refused && state->arena->used_bytes - state->arena_bytes_before <= PARSE_ARENA_BYTES_MAX)
        memory = arena_calloc(state->arena, 1, bytes);
    if (memory)
        return memory;
    parse_refuse_memory(state);
    memset(&throw_away, 0, sizeof throw_away);
    return &throw_away;
}

uint32_t parse_list_capacity(uint32_t count)
{
    uint32_t capacity = count ? 4 : 0;
    while (capacity < count)
        capacity *= 2;
    return capacity;
}

void parse_list_add(struct parse_state *state, struct ast_list *list, const void *item, size_t item_bytes)
{
    if (state->refused)
        return;
    if (list->count == list->capacity) {
        uint32_t capacity = parse_list_capacity(list->count + 1);
        void *grown = NULL;
        if (state->arena->used_bytes - state->arena_bytes_before <= PARSE_ARENA_BYTES_MAX)
            grown = arena_alloc(state->arena, capacity * item_bytes);
        if (!grown) {
            parse_refuse_memory(state);
            return;
        }
        if (list->count)
            memcpy(grown, list->items, list->count * item_bytes);
        list->items = grown;
        list->capacity = capacity;
    }
    memcpy((uint8_t *)list->items + list->count * item_bytes, item, item_bytes);
    list->count++;
}

const char *parse_text(struct parse_state *state, struct slice text)
{
    const char *copy = state->refused ? NULL : arena_text(state->arena, text);
    if (copy)
        return copy;
    parse_refuse_memory(state);
    return "";
}

/* `text` without one of each pair of `quote`. */
static struct slice undouble(struct parse_state *state, struct slice text, char quote)
{
    if (!text.bytes || !memchr(text.data, quote, text.bytes))
        return text;
    uint8_t *copy = arena_bytes(state->arena, text.bytes);
    if (!copy) {
        parse_refuse_memory(state);
        return (struct slice){0};
    }
    size_t bytes = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        copy[bytes++] = text.data[i];
        i += text.data[i] == (uint8_t)quote;
    }
    return slice_of(copy, bytes);
}

struct slice parse_unquote(struct parse_state *state, struct token token)
{
    if (*token.text == '$')
        return slice_of(token.text + 2, token.bytes - 4);
    return undouble(state, slice_of(token.text + 1, token.bytes - 2), '\'');
}

struct ast_name parse_name(struct parse_state *state, struct token token)
{
    if (token.reserved)
        parse_refuse(state, token.at, "no viable alternative at input '%.*s'", (int)token.bytes, token.text);
    struct ast_name name = {.at = token.at, .quoted = *token.text == '"'};
    if (name.quoted) {
        struct slice inside = undouble(state, slice_of(token.text + 1, token.bytes - 2), '"');
        name.text = parse_text(state, inside);
        return name;
    }
    uint8_t *copy = state->refused ? NULL : arena_bytes(state->arena, token.bytes + 1);
    if (!copy) {
        parse_refuse_memory(state);
        name.text = "";
        return name;
    }
    for (uint32_t i = 0; i < token.bytes; i++) {
        char c = token.text[i];
        copy[i] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    copy[token.bytes] = 0;
    name.text = (const char *)copy;
    return name;
}

struct ast_term *parse_term(struct parse_state *state, enum ast_term_kind kind, uint32_t at)
{
    struct ast_term *term = parse_new(state, sizeof *term);
    term->kind = kind;
    term->at = at;
    return term;
}

struct ast_term *parse_literal(struct parse_state *state, enum literal_kind kind, struct token token)
{
    struct ast_term *term = parse_term(state, TERM_LITERAL, token.at);
    term->literal = kind;
    term->text = kind == LITERAL_STRING ? parse_unquote(state, token) : slice_of(token.text, token.bytes);
    return term;
}

struct ast_term *parse_items(struct parse_state *state, enum ast_term_kind kind, uint32_t at,
                             struct ast_list items)
{
    struct ast_term *term = parse_term(state, kind, at);
    term->items = items.items;
    term->item_count = items.count;
    return term;
}

struct ast_term *parse_call(struct parse_state *state, struct ast_name keyspace, struct ast_name name,
                            struct ast_list arguments)
{
    struct ast_term *term = parse_items(state, TERM_CALL, name.at, arguments);
    term->name = name;
    term->call_keyspace = keyspace;
    return term;
}

/* ---- arithmetic ---- */

static struct ast_term *operation(struct parse_state *state, const char *op, uint32_t at,
                                  struct ast_term *left, struct ast_term *right)
{
    struct ast_list items = {0};
    struct ast_term *operands[] = {left, right};
    if (!cql_target_of(state->profile)->arithmetic)
        parse_refuse(state, at, "no viable alternative at input '%s'", op);
    for (size_t i = 0; i < ARRAY_LEN(operands) && operands[i]; i++) {
        /* Parentheses around one operand only group. */
        while (operands[i]->kind == TERM_TUPLE && operands[i]->item_count == 1)
            operands[i] = operands[i]->items[0];
        parse_list_add(state, &items, &operands[i], sizeof operands[i]);
    }
    struct ast_term *term = parse_items(state, TERM_ARITHMETIC, left->at, items);
    term->name = (struct ast_name){.text = op, .at = at};
    return term;
}

struct ast_term *parse_operation(struct parse_state *state, struct token op, struct ast_term *left,
                                 struct ast_term *right)
{
    return operation(state, parse_text(state, slice_of(op.text, op.bytes)), op.at, left, right);
}

bool parse_take_minus(struct parse_state *state, struct ast_term *literal)
{
    struct slice *text = &literal->text;
    if (!text->bytes || text->data[0] != '-') {
        parse_refuse(state, literal->at, "no viable alternative at input '%.*s'", (int)text->bytes,
                     text->bytes ? (const char *)text->data : "");
        return false;
    }
    *text = slice_of(text->data + 1, text->bytes - 1);
    return true;
}

struct ast_term *parse_signed(struct parse_state *state, struct ast_term *left, struct ast_term *right)
{
    struct ast_term *number = right;
    while (number->kind == TERM_ARITHMETIC && number->item_count)
        number = number->items[0];
    if (state->refused || number->kind != TERM_LITERAL || !parse_take_minus(state, number))
        return left;
    return operation(state, "-", number->at, left, right);
}

/* ---- binds ---- */

static uint32_t *slot_of(struct parse_state *state, const char *name)
{
    const struct ast_name *names = state->bind_names.items;
    uint32_t mask = state->bind_slot_count - 1;
    uint32_t at = (uint32_t)hash64(slice_text(name), 0) & mask;
    while (state->bind_slots[at] && strcmp(names[state->bind_slots[at] - 1].text, name) != 0)
        at = (at + 1) & mask;
    return &state->bind_slots[at];
}

/* Room for one more named bind, at most half full. */
static bool reserve_slot(struct parse_state *state)
{
    if (state->bind_slots && state->bind_names.count * 2 < state->bind_slot_count)
        return true;
    state->bind_slot_count = state->bind_slot_count ? state->bind_slot_count * 4 : 32;
    state->bind_slots = arena_calloc(state->arena, state->bind_slot_count, sizeof *state->bind_slots);
    if (!state->bind_slots) {
        parse_refuse_memory(state);
        return false;
    }
    const struct ast_name *names = state->bind_names.items;
    for (uint32_t i = 0; i < state->bind_names.count; i++)
        if (names[i].text)
            *slot_of(state, names[i].text) = i + 1;
    return true;
}

struct ast_term *parse_bind(struct parse_state *state, struct ast_name name, uint32_t at)
{
    struct ast_term *term = parse_term(state, TERM_BIND, at);
    term->name = name;
    term->bind_index = state->bind_names.count;
    if (state->refused)
        return term;
    if (name.text) {
        state->named_binds = true;
        if (!reserve_slot(state))
            return term;
        uint32_t *slot = slot_of(state, name.text);
        /* PRE-4: one variable or two. */
        if (*slot && cql_target_of(state->profile)->named_binds_are_one) {
            term->bind_index = *slot - 1;
            return term;
        }
        *slot = term->bind_index + 1;
    }
    if (term->bind_index == PARSE_BINDS_MAX)
        parse_refuse(state, at, "more than %d bind markers", PARSE_BINDS_MAX);
    parse_list_add(state, &state->bind_names, &name, sizeof name);
    return term;
}

/* ---- types ---- */

struct ast_type *parse_type(struct parse_state *state, struct ast_name keyspace, struct ast_name name,
                            struct ast_list parameters)
{
    struct ast_type *type = parse_new(state, sizeof *type);
    type->at = keyspace.text ? keyspace.at : name.at;
    type->name = (struct ast_table_name){.keyspace = keyspace, .name = name};
    type->params = parameters.items;
    type->param_count = parameters.count;
    return type;
}

/* ---- relations, assignments, statements ---- */

struct ast_relation parse_relation(struct parse_state *state, struct ast_name column, enum ast_operator op,
                                   struct ast_term *value)
{
    struct ast_list columns = {0};
    parse_list_add(state, &columns, &column, sizeof column);
    return (struct ast_relation){.kind = RELATION_COLUMN,
                                 .at = column.at,
                                 .columns = columns.items,
                                 .column_count = columns.count,
                                 .op = op,
                                 .value = value};
}

struct ast_relation parse_relation_in(struct ast_relation relation, struct ast_list values)
{
    relation.value_list = true;
    relation.values = values.items;
    relation.value_count = values.count;
    return relation;
}

static bool is_column(const struct ast_term *term, struct ast_name column)
{
    return term->kind == TERM_COLUMN && strcmp(term->name.text, column.text) == 0;
}

struct ast_assignment parse_assignment(struct parse_state *state, struct ast_name column,
                                       struct ast_term *value)
{
    struct ast_assignment assignment = {.kind = ASSIGN_VALUE, .column = column, .value = value};
    if (state->refused)
        return assignment;
    if (value->kind == TERM_COLUMN) {
        parse_refuse(state, value->at, "no viable alternative at input '%s' (expected a value)",
                     value->name.text);
        return assignment;
    }
    if (value->kind != TERM_ARITHMETIC || value->item_count != 2)
        return assignment;
    struct ast_term *left = value->items[0], *right = value->items[1];
    if (left->kind != TERM_COLUMN && right->kind != TERM_COLUMN)
        return assignment;
    bool plus = *value->name.text == '+';
    if (is_column(left, column) && right->kind != TERM_COLUMN) {
        assignment.kind = plus ? ASSIGN_ADD : ASSIGN_SUBTRACT;
        assignment.value = right;
    } else if (is_column(right, column) && left->kind != TERM_COLUMN && plus) {
        assignment.kind = ASSIGN_PREPEND;
        assignment.value = left;
    } else {
        cql_refuse(state->error, state->profile, MSG_ASSIGN_FORM, plus ? '+' : '-');
        cql_error_at(state->error, state->text, value->at);
        state->refused = true;
    }
    return assignment;
}

struct ast_statement *parse_statement_new(struct parse_state *state, enum ast_statement_kind kind)
{
    struct ast_statement *statement = parse_new(state, sizeof *statement);
    statement->kind = kind;
    return statement;
}
