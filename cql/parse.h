/*
 * parse.h: text to tree. Lexer lexer.re (re2c), grammar grammar.y (Lemon): the grammar file is the documentation.
 */
#ifndef STRAIT_CQL_PARSE_H
#define STRAIT_CQL_PARSE_H

#include "cql/ast.h"

enum {
    PARSE_TEXT_BYTES_MAX = 1 << 20, /* a longer statement is refused */
    PARSE_DEPTH_MAX = 64,           /* of nested terms and types */
};

/* Parse one statement; a trailing semicolon is optional, comments of all three kinds (--, //, and C's) may stand anywhere.
 * The tree lives in `arena`, with a copy of what it needs of the text; only statement->text borrows `text` itself. False
 * with the refusal and its place in `error`. */
bool parse_statement(struct slice text, enum cql_profile profile, struct arena *arena,
                     struct ast_statement **out_statement, struct cql_error *error);

/* Length of the first statement in `text` with its semicolon, so that scripts can be cut without being fooled by strings
 * and comments. *out_complete is false when the text ends inside it, *out_empty when there is nothing but space and comments. */
size_t parse_cut(struct slice text, bool *out_complete, bool *out_empty);

/* True when `name` must be quoted to be an identifier: reserved word, capitals, other characters. */
bool parse_needs_quotes(const char *name);
/* The name as an identifier, in quotes when it needs them. */
void parse_put_name(struct buffer *out, const char *name);

#endif
