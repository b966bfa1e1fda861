/*
 * parse_refusal.c: what is said of a text that is no statement, in ANTLR's words as users and tools know them:
 *
 *     line 1:9 no viable alternative at input 'w' (SELECT v [w]...)
 *     line 1:34 mismatched input 'c' expecting K_BY (...WHERE k = 1 ORDER [c])
 *     line 0:-1 mismatched input '<EOF>' expecting ')'
 *
 * ANTLR leaves a repetition or an optional part at the first token that does not belong to it and then wants the one
 * token that must follow. So tokens that go on with a list or begin an optional part do not count as expected, and when
 * one is left it is named. Cassandra shows the ten tokens before and marks the offending one; ScyllaDB does not. The
 * end of the text has no place for Cassandra.
 */
#include <stdio.h>

#include "cql/grammar.h"
#include "cql/parse_internal.h"

enum {
    SHOWN_MAX = 8,      /* expected tokens, in a hint */
    SNIPPET_TOKENS = 10 /* before the offending one, space and comments included */
};

/* ---- what was expected ---- */

/* Goes on with what could as well end here. */
static bool is_optional(int code)
{
    static const int optional[] = {
        TK_COMMA,  TK_AND,      TK_PLUS,   TK_MINUS,   TK_STAR,   TK_SLASH,    TK_PERCENT,
        TK_DOT,    TK_LBRACKET, TK_USING,  TK_IF,      TK_ORDER,  TK_GROUP,    TK_LIMIT,
        TK_PER,    TK_ALLOW,    TK_BYPASS, TK_AS,      TK_STATIC, TK_UNLOGGED, TK_COUNTER,
        TK_CUSTOM, TK_DISTINCT, TK_JSON,   TK_PRIMARY, TK_LT,
    };
    for (size_t i = 0; i < ARRAY_LEN(optional); i++)
        if (optional[i] == code)
            return true;
    return false;
}

static bool is_literal(int code)
{
    return code == TK_STRING || code == TK_INTEGER || code == TK_FLOAT || code == TK_HEX || code == TK_UUID ||
           code == TK_DURATION || code == TK_BOOLEAN || code == TK_QUESTION || code == TK_NULL;
}

static bool is_expected(const struct parse_expected *expected, int code)
{
    for (uint32_t i = 0; i < expected->count; i++)
        if (expected->codes[i] == code)
            return true;
    return false;
}

/* Is there no other keyword that could stand here? */
static bool is_only_keyword(const struct parse_expected *expected, int wanted)
{
    for (uint32_t i = 0; i < expected->count; i++) {
        int code = expected->codes[i];
        const char *text = keyword_of(code)->text;
        if (code != wanted && !is_optional(code) && text && strncmp(text, "K_", 2) == 0)
            return false;
    }
    return true;
}

/* The only token that must follow, or -1. */
static int mandatory(const struct parse_expected *expected)
{
    int found = -1, opening = -1;
    for (uint32_t i = 0; i < expected->count; i++) {
        int code = expected->codes[i];
        if (is_optional(code))
            continue;
        if (code == TK_LP) {
            opening = code;
            continue;
        }
        if (found >= 0)
            return -1;
        found = code;
    }
    return found >= 0 ? found : opening;
}

/* Cassandra looks ahead before it decides what follows a name or a value, and then finds no way on. */
static bool is_undecided(const struct parse_state *state, int code)
{
    if (code == 0 || cql_target_of(state->profile)->is_scylla)
        return false;
    bool word = grammar_is_name(code) || code == TK_QUOTED || is_literal(code) || code == TK_STAR;
    if (is_literal(state->last_code))
        return word || code == TK_RESERVED;
    return word && (state->last_code == TK_IDENT || state->last_code == TK_QUOTED);
}

/* " (expected A, B or C)" when that is short enough to help. */
static void write_hint(struct buffer *out, const struct parse_expected *expected)
{
    int shown[SHOWN_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < expected->count; i++) {
        if (!keyword_of(expected->codes[i])->hint)
            continue;
        if (count == SHOWN_MAX)
            return;
        shown[count++] = expected->codes[i];
    }
    for (uint32_t i = 0; i < count; i++)
        buffer_printf(out, "%s%s",
                      i == 0          ? " (expected "
                      : i + 1 < count ? ", "
                                      : " or ",
                      keyword_of(shown[i])->hint);
    if (count)
        buffer_printf(out, ")");
}

/* ---- the snippet ---- */

struct snippet {
    uint32_t starts[SNIPPET_TOKENS]; /* of the last tokens, a ring */
    uint32_t count;
};

static void snippet_add(struct snippet *snippet, uint32_t at)
{
    snippet->starts[snippet->count++ % SNIPPET_TOKENS] = at;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Space and comments between tokens, each a token of its own. */
static void snippet_add_gap(struct snippet *snippet, struct slice text, uint32_t from, uint32_t to)
{
    while (from < to) {
        snippet_add(snippet, from);
        if (is_space(text.data[from])) {
            while (from < to && is_space(text.data[from]))
                from++;
            continue;
        }
        bool is_block = from + 1 < to && text.data[from] == '/' && text.data[from + 1] == '*';
        from += 2;
        while (from < to && !(is_block ? text.data[from - 1] == '/' && text.data[from - 2] == '*' && is_block
                                       : text.data[from - 1] == '\n'))
            from++;
    }
}

/* Where the snippet of the token at `at` begins. */
static uint32_t snippet_start(struct slice text, uint32_t at)
{
    struct snippet snippet = {0};
    struct lexer lexer = {.start = text.data, .cursor = text.data, .limit = text.data + text.bytes};
    struct token token;
    uint32_t end = 0;
    while (lexer_next(&lexer, &token) > 0 && token.at < at) {
        snippet_add_gap(&snippet, text, end, token.at);
        snippet_add(&snippet, token.at);
        end = token.at + token.bytes;
    }
    snippet_add_gap(&snippet, text, end, at);
    return snippet.count < SNIPPET_TOKENS ? 0 : snippet.starts[snippet.count % SNIPPET_TOKENS];
}

static void put_line(struct buffer *out, const uint8_t *from, const uint8_t *to)
{
    for (; from < to; from++)
        if (*from != '\n')
            buffer_append_u8(out, *from);
}

static void write_snippet(struct buffer *out, const struct parse_state *state, int code, struct token token)
{
    struct slice text = state->text;
    uint32_t from = snippet_start(text, token.at);
    size_t bytes = token.bytes;
    if (code == TK_STRING) /* ANTLR measures what the token means, not how it is written */
        bytes = bytes > 2 ? bytes - 2 : 0;
    const uint8_t *at = text.data + token.at, *end = at + bytes, *limit = text.data + text.bytes;
    while (limit > at && limit[-1] == '\n')
        limit--;
    buffer_printf(out, " (%s", from ? "..." : "");
    put_line(out, text.data + from, at);
    buffer_append_u8(out, '[');
    put_line(out, at, end);
    buffer_printf(out, end == limit ? "])" : "]...)");
}

/* ---- refusals ---- */

static void refuse_with(struct parse_state *state, uint32_t at, int code, struct buffer *message)
{
    buffer_append_u8(message, 0);
    if (message->failed)
        parse_refuse_memory(state);
    else if (code == 0)
        parse_refuse_at_end(state, (const char *)message->data);
    else
        parse_refuse(state, at, "%s", (const char *)message->data);
    buffer_deinit(message);
}

void parse_refuse_token(struct parse_state *state, const struct parse_expected *expected,
                        const struct parse_expected *must_follow, int code, struct token token)
{
    bool is_scylla = cql_target_of(state->profile)->is_scylla;
    const char *input = code == 0 ? "<EOF>" : token.text;
    int bytes = code == 0 ? 5 : token.bytes < 100 ? (int)token.bytes : 100;
    if (code == TK_STRING) {
        input++;
        bytes = bytes > 2 ? bytes - 2 : 0;
    }
    bool may_end = expected->count && expected->codes[0] == 0;
    int wanted = may_end ? 0 : mandatory(must_follow);
    if (wanted > 0 && !is_only_keyword(expected, wanted))
        wanted = -1;
    if (is_expected(expected, TK_APPLY)) /* a batch takes statements until then */
        wanted = TK_APPLY;
    struct buffer message = {0};
    bool is_exact = wanted >= 0 && !is_undecided(state, code) && keyword_of(wanted)->text;
    if (is_exact && may_end && is_scylla)
        buffer_printf(&message, "missing EOF at '%.*s'", bytes, input);
    else if (is_exact)
        buffer_printf(&message, "mismatched input '%.*s' expecting %s", bytes, input,
                      keyword_of(wanted)->text);
    else
        buffer_printf(&message, "no viable alternative at input '%.*s'", bytes, input);
    if (code && !is_scylla)
        write_snippet(&message, state, code, token);
    if (!is_exact)
        write_hint(&message, expected);
    refuse_with(state, token.at, code, &message);
}

void parse_refuse_fault(struct parse_state *state, const struct lexer *lexer, struct token token)
{
    uint32_t end = (uint32_t)state->text.bytes;
    switch (lexer->fault) {
    case LEXER_OPEN_STRING:
        if (*token.text == '$' && end - token.at > 2)
            parse_refuse(state, end - 1, "mismatched character '%c' expecting '$' (string is not closed)",
                         state->text.data[end - 1]);
        else
            parse_refuse(state, end, "mismatched character '<EOF>' expecting '%c' (string is not closed)",
                         *token.text);
        return;
    case LEXER_OPEN_COMMENT:
        parse_refuse(state, end, "mismatched character '<EOF>' expecting '*' (comment is not closed)");
        return;
    case LEXER_OPEN_LINE:
        parse_refuse(state, end,
                     "mismatched character '<EOF>' expecting set null (comment without the end of its line)");
        return;
    default: break;
    }
    /* The whole of a character that is several bytes of UTF-8. */
    uint32_t bytes = 1;
    while (bytes < 4 && token.text + bytes < (const char *)lexer->limit &&
           ((unsigned char)token.text[bytes] & 0xc0) == 0x80)
        bytes++;
    parse_refuse(state, token.at, "no viable alternative at character '%.*s'", (int)bytes, token.text);
}
