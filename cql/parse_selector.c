/*
 * parse_selector.c: the tree of what stands between SELECT and FROM.
 */
#include <string.h>

#include "cql/parse_internal.h"

struct ast_selector *parse_selector(struct parse_state *state, enum ast_selector_kind kind,
                                    struct ast_name name)
{
    struct ast_selector *selector = parse_new(state, sizeof *selector);
    selector->kind = kind;
    selector->at = name.at;
    selector->name = name;
    return selector;
}

static void add_argument(struct parse_state *state, struct ast_selector *selector,
                         struct ast_selector *argument)
{
    struct ast_list list = {.items = selector->arguments,
                            .count = selector->argument_count,
                            .capacity = parse_list_capacity(selector->argument_count)};
    parse_list_add(state, &list, &argument, sizeof argument);
    selector->arguments = list.items;
    selector->argument_count = list.count;
}

struct ast_selector *parse_selector_term(struct parse_state *state, struct ast_term *term)
{
    struct ast_selector *selector = parse_selector(state, SELECTOR_TERM, (struct ast_name){.at = term->at});
    selector->term = term;
    return selector;
}

struct ast_selector *parse_selector_field(struct parse_state *state, struct ast_selector *of,
                                          struct ast_name field)
{
    struct ast_selector *selector = parse_selector(state, SELECTOR_FIELD, field);
    add_argument(state, selector, of);
    return selector;
}

struct ast_selector *parse_selector_path(struct parse_state *state, struct ast_list names)
{
    const struct ast_name *items = names.items;
    struct ast_selector *selector =
        parse_selector(state, SELECTOR_COLUMN, names.count ? items[0] : (struct ast_name){.text = ""});
    for (uint32_t i = 1; i < names.count; i++)
        selector = parse_selector_field(state, selector, items[i]);
    return selector;
}

struct ast_selector *parse_selector_element(struct parse_state *state, struct ast_selector *of,
                                            struct ast_element element)
{
    struct ast_selector *selector = parse_selector(state, SELECTOR_ELEMENT, (struct ast_name){.at = of->at});
    selector->element = element;
    add_argument(state, selector, of);
    return selector;
}

/* ---- arithmetic ---- */

static struct ast_selector *operation(struct parse_state *state, const char *op, uint32_t at,
                                      struct ast_selector *left, struct ast_selector *right)
{
    if (!cql_target_of(state->profile)->arithmetic)
        parse_refuse(state, at, "no viable alternative at input '%s'", op);
    struct ast_selector *selector =
        parse_selector(state, SELECTOR_OPERATION, (struct ast_name){.text = op, .at = at});
    add_argument(state, selector, left);
    if (right)
        add_argument(state, selector, right);
    return selector;
}

struct ast_selector *parse_selector_operation(struct parse_state *state, struct token op,
                                              struct ast_selector *left, struct ast_selector *right)
{
    return operation(state, parse_text(state, slice_of(op.text, op.bytes)), op.at, left, right);
}

struct ast_selector *parse_selector_signed(struct parse_state *state, struct ast_selector *left,
                                           struct ast_selector *right)
{
    struct ast_selector *number = right;
    while (number->kind == SELECTOR_OPERATION && number->argument_count)
        number = number->arguments[0];
    if (state->refused || number->kind != SELECTOR_TERM || number->term->kind != TERM_LITERAL)
        return left;
    if (!parse_take_minus(state, number->term))
        return left;
    return operation(state, "-", number->at, left, right);
}

/* ---- literals ---- */

static bool all_terms(const struct ast_list *items)
{
    struct ast_selector *const *selectors = items->items;
    for (uint32_t i = 0; i < items->count; i++)
        if (selectors[i]->kind != SELECTOR_TERM)
            return false;
    return true;
}

/* {field: term, ...}: what looks like a map of columns is a value of a user-defined type. */
static bool is_udt(enum ast_term_kind kind, const struct ast_list *items)
{
    struct ast_selector *const *selectors = items->items;
    for (uint32_t i = 0; i < items->count; i++)
        if (selectors[i]->kind != (i % 2 ? SELECTOR_TERM : SELECTOR_COLUMN))
            return false;
    return kind == TERM_MAP && items->count;
}

static struct ast_selector *udt_literal(struct parse_state *state, uint32_t at, const struct ast_list *items)
{
    struct ast_selector *const *selectors = items->items;
    struct ast_list names = {0}, values = {0};
    for (uint32_t i = 0; i + 1 < items->count; i += 2) {
        parse_list_add(state, &names, &selectors[i]->name, sizeof selectors[i]->name);
        parse_list_add(state, &values, &selectors[i + 1]->term, sizeof selectors[i + 1]->term);
    }
    struct ast_term *term = parse_items(state, TERM_UDT, at, values);
    term->fields = names.items;
    return parse_selector_term(state, term);
}

struct ast_selector *parse_selector_items(struct parse_state *state, enum ast_term_kind kind, uint32_t at,
                                          struct ast_list items)
{
    struct ast_selector *const *selectors = items.items;
    bool grouping = kind == TERM_TUPLE && items.count == 1;
    if (grouping && (selectors[0]->kind != SELECTOR_TERM || cql_target_of(state->profile)->arithmetic)) {
        selectors[0]->parenthesised = true;
        return selectors[0];
    }
    if (is_udt(kind, &items))
        return udt_literal(state, at, &items);
    if (all_terms(&items)) {
        struct ast_list terms = {0};
        for (uint32_t i = 0; i < items.count; i++)
            parse_list_add(state, &terms, &selectors[i]->term, sizeof selectors[i]->term);
        return parse_selector_term(state, parse_items(state, kind, at, terms));
    }
    struct ast_selector *selector = parse_selector(state, SELECTOR_ITEMS, (struct ast_name){.at = at});
    selector->items = kind;
    selector->arguments = items.items;
    selector->argument_count = items.count;
    return selector;
}

struct ast_selector *parse_selector_hint(struct parse_state *state, uint32_t at, struct ast_type *type,
                                         struct ast_selector *what)
{
    if (what->kind == SELECTOR_TERM) {
        struct ast_list items = {0};
        parse_list_add(state, &items, &what->term, sizeof what->term);
        struct ast_term *term = parse_items(state, TERM_CAST, at, items);
        term->cast_type = type;
        return parse_selector_term(state, term);
    }
    struct ast_selector *selector = parse_selector(state, SELECTOR_HINT, (struct ast_name){.at = at});
    selector->cast_type = type;
    add_argument(state, selector, what);
    return selector;
}

/* ---- calls ---- */

static bool is_function(struct ast_name name, const char *wanted)
{
    return !name.quoted && strcmp(name.text, wanted) == 0;
}

/* Words that look like functions but take a column, a field or an element of one. */
static bool cell_fact(const struct parse_state *state, struct ast_name name, enum ast_selector_kind *out_kind)
{
    bool most = cql_target_of(state->profile)->maxwritetime;
    *out_kind = is_function(name, "ttl") ? SELECTOR_TTL : SELECTOR_WRITETIME;
    return *out_kind == SELECTOR_TTL || is_function(name, "writetime") ||
           (most && (is_function(name, "maxwritetime") || is_function(name, "minwritetime")));
}

static struct ast_selector *parse_cell_fact(struct parse_state *state, enum ast_selector_kind kind,
                                            struct ast_name name, struct ast_list arguments)
{
    struct ast_selector *const *of = arguments.items;
    bool fits = arguments.count == 1 && (of[0]->kind == SELECTOR_COLUMN || of[0]->kind == SELECTOR_FIELD ||
                                         of[0]->kind == SELECTOR_ELEMENT);
    struct ast_selector *selector = parse_selector(state, kind, name);
    if (!fits)
        parse_refuse(state, name.at, "no viable alternative at input '%s' (expected one column)", name.text);
    else
        add_argument(state, selector, of[0]);
    return selector;
}

struct ast_selector *parse_selector_count(struct parse_state *state, struct ast_name name)
{
    if (!is_function(name, "count"))
        parse_refuse(state, name.at, "no viable alternative at input '%s' (only count takes '*')", name.text);
    return parse_selector(state, SELECTOR_COUNT_ALL, name);
}

/* count(1) is count(*) under another spelling. */
static struct ast_selector *parse_count_term(struct parse_state *state, struct ast_name name,
                                             const struct ast_term *term)
{
    if (!slice_equal(term->text, slice_text("1")))
        parse_refuse(state, name.at, "Only COUNT(1) is supported, got COUNT(%.*s)",
                     (int)(term->text.bytes < 20 ? term->text.bytes : 20), (const char *)term->text.data);
    return parse_selector(state, SELECTOR_COUNT_ALL, name);
}

struct ast_selector *parse_selector_call(struct parse_state *state, struct ast_name keyspace,
                                         struct ast_name name, struct ast_list arguments)
{
    enum ast_selector_kind kind;
    if (!keyspace.text && cell_fact(state, name, &kind))
        return parse_cell_fact(state, kind, name, arguments);
    struct ast_selector *const *first = arguments.items;
    if (is_function(name, "count") && arguments.count == 1 && first[0]->kind == SELECTOR_TERM &&
        first[0]->term->kind == TERM_LITERAL && first[0]->term->literal == LITERAL_INTEGER)
        return parse_count_term(state, name, first[0]->term);
    struct ast_selector *selector = parse_selector(state, SELECTOR_CALL, name);
    selector->call_keyspace = keyspace;
    selector->arguments = arguments.items;
    selector->argument_count = arguments.count;
    return selector;
}

static bool is_native(const struct ast_type *type)
{
    return type->custom || (!type->param_count && !type->name.keyspace.text &&
                            type_scalar_named(slice_text(type->name.name.text)));
}

struct ast_selector *parse_selector_cast(struct parse_state *state, struct ast_name name,
                                         struct ast_selector *what, struct ast_type *type)
{
    if (!is_function(name, "cast"))
        parse_refuse(state, name.at, "no viable alternative at input '%s' (expected CAST)", name.text);
    /* Cassandra's grammar knows no other types here. */
    if (!cql_target_of(state->profile)->is_scylla && !is_native(type))
        parse_refuse(state, type->at, "no viable alternative at input '%s'", type->name.name.text);
    struct ast_selector *selector = parse_selector(state, SELECTOR_CAST, name);
    selector->cast_type = type;
    add_argument(state, selector, what);
    return selector;
}
