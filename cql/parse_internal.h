/*
 * parse_internal.h: what lexer, grammar and parse.c share.
 */
#ifndef STRAIT_CQL_PARSE_INTERNAL_H
#define STRAIT_CQL_PARSE_INTERNAL_H

#include "cql/parse.h"

enum {
    PARSE_ARENA_BYTES_MAX = 64 << 20, /* of one tree */
    PARSE_BINDS_MAX = 65535,          /* the protocol counts them in 16 bits */
};

/* A token as it stands in the text, quotes included. Two words, so that the parser hands it on in registers. */
struct token {
    const char *text; /* borrowed from the lexer's text; NULL when the token is none */
    uint32_t bytes;
    uint32_t at : 31;
    uint32_t reserved : 1; /* a word that is no name for this target */
};

enum lexer_fault {
    LEXER_FINE,
    LEXER_BAD_CHARACTER,
    LEXER_OPEN_STRING,
    LEXER_OPEN_COMMENT,
    LEXER_OPEN_LINE, /* a comment to the end of a line that has none */
};

/* The text must be followed by a readable zero byte. */
struct lexer {
    const unsigned char *start, *cursor, *limit;
    enum lexer_fault fault;
    bool lines_must_end; /* a -- comment needs the end of its line, as in Cassandra */
};

/* The next token's code (TK_...), 0 at the end, -1 with `fault` set. Space and comments are passed over. */
int lexer_next(struct lexer *lexer, struct token *out_token);

/* Items of one size in the arena, doubling as they grow. */
struct ast_list {
    void *items;
    uint32_t count, capacity;
};

enum { PARSE_EXPECTED_MAX = 192 };

/* Tokens that could stand where another one did, in the order of their codes. */
struct parse_expected {
    int codes[PARSE_EXPECTED_MAX];
    uint32_t count;
};

struct parse_state {
    struct arena *arena; /* borrowed */
    struct slice text;   /* the statement as given */
    enum cql_profile profile;
    unsigned target_bit; /* of the profile */
    struct cql_error *error;
    struct ast_statement *statement; /* the whole, set by the last reduction */
    struct ast_list bind_names;      /* struct ast_name */
    uint32_t *bind_slots;            /* named binds by hash: index + 1, 0 for none */
    uint32_t bind_slot_count;
    size_t arena_bytes_before;
    int last_code; /* of the token before */
    bool misfit;   /* a token was found that does not fit */
    int misfit_code;
    struct token misfit_token;
    struct parse_expected must_follow; /* where it was found */
    bool named_binds;
    bool refused; /* `error` is set; nothing after it counts */
};

/* The grammar's driver, in grammar.y: tokens of `lexer` until the statement is whole or refused. */
void grammar_run(struct parse_state *state, struct lexer *lexer);
/* May a token of this code stand where a name is wanted? */
bool grammar_is_name(int code);

/* ---- keyword.c ---- */

struct keyword {
    const char *text;     /* as ANTLR names it: "K_SELECT", "'('"; NULL for what is never named */
    const char *hint;     /* for people: "SELECT", "a name" */
    unsigned reserved_in; /* enum cql_targets: where it is no name, of words that are names in others */
    unsigned unknown_in;  /* where it is a word like any other */
};

const struct keyword *keyword_of(int code);

/* ---- parse_refusal.c ---- */

/* `expected` could have stood there; `must_follow` is what is left when all that is optional has ended. */
void parse_refuse_token(struct parse_state *state, const struct parse_expected *expected,
                        const struct parse_expected *must_follow, int code, struct token token);
/* What the lexer could not read, beginning with `token`. */
void parse_refuse_fault(struct parse_state *state, const struct lexer *lexer, struct token token);

/* ---- parse_build.c: what the grammar's actions call ---- */

void parse_refuse(struct parse_state *state, uint32_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, at the end of the text, for which Cassandra has a place of its own. */
void parse_refuse_at_end(struct parse_state *state, const char *text);
void parse_refuse_memory(struct parse_state *state);
/* Zeroed memory; on failure the parse is refused and a throw-away object is lent, so that actions need no checks. */
void *parse_new(struct parse_state *state, size_t bytes);
/* The room that a list of `count` items has: the next power of two, at least 4. */
uint32_t parse_list_capacity(uint32_t count);
void parse_list_add(struct parse_state *state, struct ast_list *list, const void *item, size_t item_bytes);

struct ast_name parse_name(struct parse_state *state, struct token token);
struct ast_term *parse_term(struct parse_state *state, enum ast_term_kind kind, uint32_t at);
struct ast_term *parse_literal(struct parse_state *state, enum literal_kind kind, struct token token);
struct ast_term *parse_bind(struct parse_state *state, struct ast_name name, uint32_t at);
struct ast_term *parse_call(struct parse_state *state, struct ast_name keyspace, struct ast_name name,
                            struct ast_list arguments);
struct ast_term *parse_items(struct parse_state *state, enum ast_term_kind kind, uint32_t at,
                             struct ast_list items);
/* a op b, or -a where `right` is NULL; refused where the target has no arithmetic. */
struct ast_term *parse_operation(struct parse_state *state, struct token op, struct ast_term *left,
                                 struct ast_term *right);
/* a and a number (or a product that begins with one) that carries its minus. */
struct ast_term *parse_signed(struct parse_state *state, struct ast_term *left, struct ast_term *right);
/* Take the minus off a literal; refused when it has none. */
bool parse_take_minus(struct parse_state *state, struct ast_term *literal);
struct ast_type *parse_type(struct parse_state *state, struct ast_name keyspace, struct ast_name name,
                            struct ast_list parameters);

/* parse_selector.c */
struct ast_selector *parse_selector(struct parse_state *state, enum ast_selector_kind kind,
                                    struct ast_name name);
struct ast_selector *parse_selector_term(struct parse_state *state, struct ast_term *term);
/* a.b.c */
struct ast_selector *parse_selector_path(struct parse_state *state, struct ast_list names);
struct ast_selector *parse_selector_field(struct parse_state *state, struct ast_selector *of,
                                          struct ast_name field);
struct ast_selector *parse_selector_element(struct parse_state *state, struct ast_selector *of,
                                            struct ast_element element);
/* a op b, or -a where `right` is NULL. */
struct ast_selector *parse_selector_operation(struct parse_state *state, struct token op,
                                              struct ast_selector *left, struct ast_selector *right);
/* a and a number (or a product that begins with one) that carries its minus: a -1. */
struct ast_selector *parse_selector_signed(struct parse_state *state, struct ast_selector *left,
                                           struct ast_selector *right);
/* A list, set, map or tuple; one selector in parentheses is just that. Of terms alone it is a term. */
struct ast_selector *parse_selector_items(struct parse_state *state, enum ast_term_kind kind, uint32_t at,
                                          struct ast_list items);
/* (type)x */
struct ast_selector *parse_selector_hint(struct parse_state *state, uint32_t at, struct ast_type *type,
                                         struct ast_selector *what);
/* f(arguments), or writetime(c), ttl(c), count(1) by the function's name. */
struct ast_selector *parse_selector_call(struct parse_state *state, struct ast_name keyspace,
                                         struct ast_name name, struct ast_list arguments);
struct ast_selector *parse_selector_count(struct parse_state *state, struct ast_name name);
struct ast_selector *parse_selector_cast(struct parse_state *state, struct ast_name name,
                                         struct ast_selector *what, struct ast_type *type);

struct ast_relation parse_relation(struct parse_state *state, struct ast_name column, enum ast_operator op,
                                   struct ast_term *value);
struct ast_relation parse_relation_in(struct ast_relation relation, struct ast_list values);

/* c = value, where value may mention c: c + x, c - x, x + c. */
struct ast_assignment parse_assignment(struct parse_state *state, struct ast_name column,
                                       struct ast_term *value);

struct ast_statement *parse_statement_new(struct parse_state *state, enum ast_statement_kind kind);

/* Text of a string token without its quotes; $$ strings too. */
struct slice parse_unquote(struct parse_state *state, struct token token);
const char *parse_text(struct parse_state *state, struct slice text);

#endif
