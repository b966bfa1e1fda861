#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cql/grammar.h"
#include "cql/parse_internal.h"

/* ---- statements that are recognised by their first words and refused by name ---- */

static const struct unsupported {
    const char *words; /* separated by one space; "*" stands for OR REPLACE or nothing */
    const char *noun;
} unsupported[] = {
    {"create * function", "CREATE FUNCTION (user-defined functions)"},
    {"create * aggregate", "CREATE AGGREGATE (user-defined aggregates)"},
    {"create trigger", "CREATE TRIGGER"},
    {"create role", "CREATE ROLE"},
    {"create user", "CREATE USER"},
    {"create service", "CREATE SERVICE LEVEL"},
    {"create service_level", "CREATE SERVICE LEVEL"},
    {"alter role", "ALTER ROLE"},
    {"alter user", "ALTER USER"},
    {"alter service", "ALTER SERVICE LEVEL"},
    {"drop function", "DROP FUNCTION (user-defined functions)"},
    {"drop aggregate", "DROP AGGREGATE (user-defined aggregates)"},
    {"drop trigger", "DROP TRIGGER"},
    {"drop role", "DROP ROLE"},
    {"drop user", "DROP USER"},
    {"drop service", "DROP SERVICE LEVEL"},
    {"grant", "GRANT"},
    {"revoke", "REVOKE"},
    {"list", "LIST"},
    {"add identity", "ADD IDENTITY"},
    {"attach service", "ATTACH SERVICE LEVEL"},
    {"detach service", "DETACH SERVICE LEVEL"},
    {"prune materialized view", "PRUNE MATERIALIZED VIEW"},
    {"explain", "EXPLAIN"},
};

enum { LEADING_WORDS = 5 };

struct leading {
    struct token words[LEADING_WORDS];
    uint32_t count;
};

static struct leading leading_words(struct lexer lexer)
{
    struct leading leading = {0};
    while (leading.count < LEADING_WORDS) {
        struct token token;
        int code = lexer_next(&lexer, &token);
        if (code <= 0 || token.bytes == 0 || (*token.text | 0x20) < 'a' || (*token.text | 0x20) > 'z')
            break;
        leading.words[leading.count++] = token;
    }
    return leading;
}

static bool word_is(const struct leading *leading, uint32_t at, const char *word, size_t bytes)
{
    return at < leading->count && leading->words[at].bytes == bytes &&
           strncasecmp(leading->words[at].text, word, bytes) == 0;
}

static bool begins_with(const struct leading *leading, const char *words)
{
    uint32_t at = 0;
    while (*words) {
        size_t bytes = strcspn(words, " ");
        if (*words == '*') {
            if (word_is(leading, at, "or", 2) && word_is(leading, at + 1, "replace", 7))
                at += 2;
        } else if (!word_is(leading, at++, words, bytes)) {
            return false;
        }
        words += bytes + (words[bytes] == ' ');
    }
    return true;
}

static const char *find_unsupported(struct lexer lexer)
{
    struct lexer ahead = lexer;
    struct token token;
    switch (lexer_next(&ahead, &token)) {
    case TK_SELECT:
    case TK_INSERT:
    case TK_UPDATE:
    case TK_DELETE:
    case TK_BEGIN: return NULL; /* nearly every statement that is run */
    default: break;
    }
    struct leading leading = leading_words(lexer);
    for (size_t i = 0; i < ARRAY_LEN(unsupported); i++)
        if (begins_with(&leading, unsupported[i].words))
            return unsupported[i].noun;
    return NULL;
}

/* ---- the whole ---- */

static struct ast_statement *run(struct parse_state *state, const uint8_t *text)
{
    struct lexer lexer = {.start = text,
                          .cursor = text,
                          .limit = text + state->text.bytes,
                          .lines_must_end = !cql_target_of(state->profile)->is_scylla};
    const char *noun = find_unsupported(lexer);
    if (noun) {
        state->statement = parse_statement_new(state, STATEMENT_UNSUPPORTED);
        state->statement->unsupported = noun;
    } else {
        grammar_run(state, &lexer);
    }
    if (!state->refused && !state->statement)
        parse_refuse_at_end(state, "no viable alternative at input '<EOF>'");
    return state->refused ? NULL : state->statement;
}

bool parse_statement(struct slice text, enum cql_profile profile, struct arena *arena,
                     struct ast_statement **out_statement, struct cql_error *error)
{
    if (text.bytes > PARSE_TEXT_BYTES_MAX)
        return cql_refuse(error, profile, MSG_STATEMENT_TOO_LONG, text.bytes, (size_t)PARSE_TEXT_BYTES_MAX);
    /* The lexer wants a byte that ends it; the tree borrows from this copy. */
    uint8_t *copy = arena_bytes(arena, text.bytes + 1);
    if (!copy)
        return cql_refuse(error, profile, MSG_NOMEM);
    if (text.bytes)
        memcpy(copy, text.data, text.bytes);
    copy[text.bytes] = 0;
    struct parse_state state = {.arena = arena,
                                .text = slice_of(copy, text.bytes),
                                .profile = profile,
                                .target_bit = cql_target_bit(cql_target_of(profile)),
                                .error = error,
                                .arena_bytes_before = arena->used_bytes};
    struct ast_statement *statement = run(&state, copy);
    if (!statement)
        return false;
    statement->text = text;
    statement->bind_count = state.bind_names.count;
    statement->bind_names = state.bind_names.items;
    statement->named_binds = state.named_binds;
    *out_statement = statement;
    return true;
}

/* ---- scripts ---- */

/* Past a string, quoted name or comment that begins at `at`, NULL when it does not end; `at` when none begins there. */
static const uint8_t *past_quoted(const uint8_t *at, const uint8_t *end)
{
    size_t left = (size_t)(end - at);
    if (*at == '\'' || *at == '"') {
        /* A doubled quote is the end of one run and the beginning of the next. */
        const uint8_t *close = memchr(at + 1, *at, left - 1);
        return close ? close + 1 : NULL;
    }
    if (left < 2)
        return at;
    if (memcmp(at, "--", 2) == 0 || memcmp(at, "//", 2) == 0) {
        const uint8_t *close = memchr(at, '\n', left);
        return close ? close + 1 : end;
    }
    const char *closing = memcmp(at, "/*", 2) == 0 ? "*/" : memcmp(at, "$$", 2) == 0 ? "$$" : NULL;
    if (!closing)
        return at;
    const uint8_t *close = memmem(at + 2, left - 2, closing, 2);
    return close ? close + 2 : NULL;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_comment(const uint8_t *at, const uint8_t *end)
{
    return end - at >= 2 &&
           (memcmp(at, "--", 2) == 0 || memcmp(at, "//", 2) == 0 || memcmp(at, "/*", 2) == 0);
}

static bool is_word_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* BEGIN ... APPLY BATCH holds semicolons of its own. */
struct batch_watch {
    uint32_t words;
    bool inside, apply;
};

static void watch_word(struct batch_watch *watch, const uint8_t *word, size_t bytes)
{
    bool batch = bytes == 5 && strncasecmp((const char *)word, "batch", 5) == 0;
    if (watch->words == 0)
        watch->inside = bytes == 5 && strncasecmp((const char *)word, "begin", 5) == 0;
    else if (watch->apply && batch)
        watch->inside = false;
    watch->apply = bytes == 5 && strncasecmp((const char *)word, "apply", 5) == 0;
    watch->words++;
}

size_t parse_cut(struct slice text, bool *out_complete, bool *out_empty)
{
    const uint8_t *at = text.data, *end = text.bytes ? text.data + text.bytes : text.data;
    struct batch_watch watch = {0};
    bool empty = true;
    while (at < end) {
        const uint8_t *after = past_quoted(at, end);
        if (after != at) {
            empty = empty && is_comment(at, end);
            if (!after)
                break;
            at = after;
        } else if (*at == ';' && !watch.inside) {
            *out_complete = true;
            *out_empty = empty;
            return (size_t)(at + 1 - text.data);
        } else if (is_word_byte(*at)) {
            const uint8_t *word = at;
            while (at < end && is_word_byte(*at))
                at++;
            watch_word(&watch, word, (size_t)(at - word));
            empty = false;
        } else {
            empty = empty && is_space(*at);
            at++;
        }
    }
    *out_complete = false;
    *out_empty = empty;
    return text.bytes;
}

bool parse_needs_quotes(const char *name)
{
    for (const char *c = name; *c; c++) {
        bool letter = *c >= 'a' && *c <= 'z', later = (*c >= '0' && *c <= '9') || *c == '_';
        if (!letter && (c == name || !later))
            return true;
    }
    const uint8_t *text = (const uint8_t *)name;
    struct lexer lexer = {.start = text, .cursor = text, .limit = text + strlen(name)};
    struct token token;
    int code = lexer_next(&lexer, &token);
    /* What is reserved for some target is quoted for all, so that a description replays everywhere. */
    return code <= 0 || lexer.cursor != lexer.limit || !grammar_is_name(code) ||
           keyword_of(code)->reserved_in;
}

void parse_put_name(struct buffer *out, const char *name)
{
    if (!parse_needs_quotes(name)) {
        buffer_append(out, name, strlen(name));
        return;
    }
    buffer_append_u8(out, '"');
    for (const char *c = name; *c; c++) {
        if (*c == '"')
            buffer_append_u8(out, '"');
        buffer_append_u8(out, (uint8_t)*c);
    }
    buffer_append_u8(out, '"');
}
