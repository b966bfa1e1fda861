/* parse_describe.c: DESCRIBE as Cassandra 4 and ScyllaDB 5.2 take it (SCH-12). */
#include <strings.h>

#include "cql/grammar.h"
#include "cql/parse_internal.h"

struct describe_parser {
    struct parse_state *state;
    struct lexer *lexer;
    struct token token; /* the current one */
    int code;           /* its code; 0 at the end or at a semicolon */
};

static void advance(struct describe_parser *parser)
{
    parser->token = (struct token){0};
    parser->code = lexer_next(parser->lexer, &parser->token);
    if (parser->code == TK_SEMI || parser->code < 0)
        parser->code = 0;
}

static bool word_is(const struct describe_parser *parser, const char *word)
{
    return parser->code && parser->token.bytes == strlen(word) &&
           strncasecmp(parser->token.text, word, parser->token.bytes) == 0;
}

static bool take_word(struct describe_parser *parser, const char *word)
{
    if (!word_is(parser, word))
        return false;
    advance(parser);
    return true;
}

static void refuse(struct describe_parser *parser)
{
    if (parser->code)
        parse_refuse(parser->state, parser->token.at, "no viable alternative at input '%.*s'",
                     (int)parser->token.bytes, parser->token.text);
    else
        parse_refuse(parser->state, (uint32_t)parser->state->text.bytes,
                     "no viable alternative at input '<EOF>'");
}

static bool take_name(struct describe_parser *parser, struct ast_name *out_name)
{
    if (!parser->code || (parser->code != TK_QUOTED && !grammar_is_name(parser->code))) {
        refuse(parser);
        return false;
    }
    *out_name = parse_name(parser->state, parser->token);
    advance(parser);
    return true;
}

static bool take_qualified_name(struct describe_parser *parser, struct ast_table_name *out_name)
{
    if (!take_name(parser, &out_name->name))
        return false;
    if (parser->code != TK_DOT)
        return true;
    advance(parser);
    out_name->keyspace = out_name->name;
    return take_name(parser, &out_name->name);
}

static bool read_what(struct describe_parser *parser, struct ast_describe *describe)
{
    static const struct {
        const char *word;
        enum ast_describe_kind kind;
    } plain[] = {
        {"cluster", DESCRIBE_CLUSTER}, {"keyspaces", DESCRIBE_KEYSPACES}, {"tables", DESCRIBE_TABLES},
        {"types", DESCRIBE_TYPES},     {"functions", DESCRIBE_NOTHING},   {"aggregates", DESCRIBE_NOTHING},
        {"schema", DESCRIBE_SCHEMA},
    };
    describe->full = take_word(parser, "full");
    describe->only = !describe->full && take_word(parser, "only");
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (take_word(parser, plain[i].word)) {
            describe->kind = plain[i].kind;
            return true;
        }
    if (take_word(parser, "keyspace")) {
        describe->kind = DESCRIBE_KEYSPACE;
        return !parser->code || word_is(parser, "with") || take_name(parser, &describe->name.name);
    }
    describe->kind = DESCRIBE_NAME;
    if (take_word(parser, "table") || take_word(parser, "columnfamily"))
        describe->kind = DESCRIBE_TABLE;
    else if (take_word(parser, "index"))
        describe->kind = DESCRIBE_INDEX;
    else if (take_word(parser, "type"))
        describe->kind = DESCRIBE_TYPE;
    else if (take_word(parser, "materialized")) {
        describe->kind = DESCRIBE_VIEW;
        if (!take_word(parser, "view")) {
            refuse(parser);
            return false;
        }
    }
    return take_qualified_name(parser, &describe->name);
}

bool parse_describe(struct parse_state *state, struct lexer *lexer)
{
    struct lexer before = *lexer;
    struct describe_parser parser = {.state = state, .lexer = lexer};
    advance(&parser);
    if (!take_word(&parser, "describe") && !take_word(&parser, "desc")) {
        *lexer = before;
        return false;
    }
    struct ast_statement *statement = parse_statement_new(state, STATEMENT_DESCRIBE);
    if (!read_what(&parser, &statement->describe))
        return true;
    if (take_word(&parser, "with") && !take_word(&parser, "internals")) {
        refuse(&parser);
        return true;
    }
    if (parser.code)
        refuse(&parser);
    else
        state->statement = statement;
    return true;
}
