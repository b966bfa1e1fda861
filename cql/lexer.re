/*
 * lexer.re: CQL text to tokens (re2c). Words are matched without regard to case; the longest match wins, an earlier
 * rule among equals.
 */
#include "cql/grammar.h"
#include "cql/parse_internal.h"

/* Past the first `a` and `b` after `from`; NULL when there are none before the limit. */
static const unsigned char *after_pair(const unsigned char *from, const unsigned char *limit, char a, char b)
{
    for (const unsigned char *at = from; limit - at >= 2; at++)
        if (at[0] == a && at[1] == b)
            return at + 2;
    return NULL;
}

int lexer_next(struct lexer *lexer, struct token *out_token)
{
    const unsigned char *cursor = lexer->cursor, *limit = lexer->limit, *marker, *from;
    int code;
#define TOKEN(found)                                                                                                   \
    do {                                                                                                               \
        code = (found);                                                                                                \
        goto done;                                                                                                     \
    } while (0)
#define FAULT(kind)                                                                                                    \
    do {                                                                                                               \
        lexer->fault = (kind);                                                                                         \
        TOKEN(-1);                                                                                                     \
    } while (0)

again:
    from = cursor;
    /*!re2c
    re2c:define:YYCTYPE = "unsigned char";
    re2c:define:YYCURSOR = cursor;
    re2c:define:YYLIMIT = limit;
    re2c:define:YYMARKER = marker;
    re2c:yyfill:enable = 0;
    re2c:eof = 0;

    digit = [0-9];
    hex = [0-9a-fA-F];
    letter = [a-zA-Z];
    exponent = [eE] [-+]? digit+;
    unit = 'y' | 'mo' | 'w' | 'd' | 'h' | 'm' | 's' | 'ms' | 'us' | "\xc2\xb5" 's' | 'ns';
    iso_date = (digit+ "Y")? (digit+ "M")? (digit+ "D")?;
    iso_time = "T" (digit+ "H" (digit+ "M")? (digit+ "S")? | digit+ "M" (digit+ "S")? | digit+ "S");
    iso_some = digit+ "Y" (digit+ "M")? (digit+ "D")? | digit+ "M" (digit+ "D")? | digit+ "D";

    $ { TOKEN(0); }
    [ \t\r\n]+ { goto again; }
    ("--" | "//") [^\r\n\x00]* {
        if (cursor == limit && lexer->lines_must_end)
            FAULT(LEXER_OPEN_LINE);
        goto again;
    }
    "/*" {
        const unsigned char *end = after_pair(cursor, limit, '*', '/');
        if (end) {
            cursor = end;
            goto again;
        }
        FAULT(LEXER_OPEN_COMMENT);
    }

    "'" ([^'] | "''")* "'" { TOKEN(TK_STRING); }
    "'" { FAULT(LEXER_OPEN_STRING); }
    "$$" {
        const unsigned char *end = after_pair(cursor, limit, '$', '$');
        if (end) {
            cursor = end;
            TOKEN(TK_STRING);
        }
        FAULT(LEXER_OPEN_STRING);
    }
    "\"" ([^"] | "\"\"")+ "\"" { TOKEN(TK_QUOTED); }
    "\"\"" { TOKEN(TK_RESERVED); }
    "\"" { FAULT(LEXER_OPEN_STRING); }

    "-"? digit+ { TOKEN(TK_INTEGER); }
    "-"? digit+ ("." digit* exponent? | exponent) { TOKEN(TK_FLOAT); }
    "-"? ('nan' | 'infinity') { TOKEN(TK_FLOAT); }
    "0" [xX] hex* { TOKEN(TK_HEX); }
    hex{8} "-" hex{4} "-" hex{4} "-" hex{4} "-" hex{12} { TOKEN(TK_UUID); }
    "-"? (digit+ unit)+ { TOKEN(TK_DURATION); }
    "-"? "P" (iso_some | iso_date iso_time | digit+ "W") { TOKEN(TK_DURATION); }
    "-"? "P" digit{4} "-" digit{2} "-" digit{2} "T" digit{2} ":" digit{2} ":" digit{2} { TOKEN(TK_DURATION); }
    'true' | 'false' { TOKEN(TK_BOOLEAN); }

    "(" { TOKEN(TK_LP); }
    ")" { TOKEN(TK_RP); }
    "[" { TOKEN(TK_LBRACKET); }
    "]" { TOKEN(TK_RBRACKET); }
    "{" { TOKEN(TK_LBRACE); }
    "}" { TOKEN(TK_RBRACE); }
    "," { TOKEN(TK_COMMA); }
    ";" { TOKEN(TK_SEMI); }
    "." { TOKEN(TK_DOT); }
    ":" { TOKEN(TK_COLON); }
    "?" { TOKEN(TK_QUESTION); }
    "=" { TOKEN(TK_EQ); }
    "!=" { TOKEN(TK_NE); }
    "<" { TOKEN(TK_LT); }
    "<=" { TOKEN(TK_LE); }
    ">" { TOKEN(TK_GT); }
    ">=" { TOKEN(TK_GE); }
    "+" { TOKEN(TK_PLUS); }
    "-" { TOKEN(TK_MINUS); }
    "*" { TOKEN(TK_STAR); }
    "/" { TOKEN(TK_SLASH); }
    "%" { TOKEN(TK_PERCENT); }
    ".." { TOKEN(TK_RANGE); }
    "+=" { TOKEN(TK_ADD_ASSIGN); }
    "-=" { TOKEN(TK_SUBTRACT_ASSIGN); }

    'add' { TOKEN(TK_ADD); }
    'aggregate' { TOKEN(TK_AGGREGATE); }
    'aggregates' { TOKEN(TK_AGGREGATES); }
    'allow' { TOKEN(TK_ALLOW); }
    'alter' { TOKEN(TK_ALTER); }
    'and' { TOKEN(TK_AND); }
    'apply' { TOKEN(TK_APPLY); }
    'as' { TOKEN(TK_AS); }
    'asc' { TOKEN(TK_ASC); }
    'batch' { TOKEN(TK_BATCH); }
    'begin' { TOKEN(TK_BEGIN); }
    'by' { TOKEN(TK_BY); }
    'bypass' { TOKEN(TK_BYPASS); }
    'cache' { TOKEN(TK_CACHE); }
    'cluster' { TOKEN(TK_CLUSTER); }
    'clustering' { TOKEN(TK_CLUSTERING); }
    'columnfamily' | 'table' { TOKEN(TK_TABLE); }
    'compact' { TOKEN(TK_COMPACT); }
    'contains' { TOKEN(TK_CONTAINS); }
    'counter' { TOKEN(TK_COUNTER); }
    'create' { TOKEN(TK_CREATE); }
    'custom' { TOKEN(TK_CUSTOM); }
    'default' { TOKEN(TK_DEFAULT); }
    'delete' { TOKEN(TK_DELETE); }
    'desc' { TOKEN(TK_DESC); }
    'describe' { TOKEN(TK_DESCRIBE); }
    'distinct' { TOKEN(TK_DISTINCT); }
    'drop' { TOKEN(TK_DROP); }
    'entries' { TOKEN(TK_ENTRIES); }
    'execute' { TOKEN(TK_EXECUTE); }
    'exists' { TOKEN(TK_EXISTS); }
    'filtering' { TOKEN(TK_FILTERING); }
    'from' { TOKEN(TK_FROM); }
    'full' { TOKEN(TK_FULL); }
    'function' { TOKEN(TK_FUNCTION); }
    'functions' { TOKEN(TK_FUNCTIONS); }
    'group' { TOKEN(TK_GROUP); }
    'if' { TOKEN(TK_IF); }
    'in' { TOKEN(TK_IN); }
    'index' { TOKEN(TK_INDEX); }
    'insert' { TOKEN(TK_INSERT); }
    'internals' { TOKEN(TK_INTERNALS); }
    'into' { TOKEN(TK_INTO); }
    'is' { TOKEN(TK_IS); }
    'json' { TOKEN(TK_JSON); }
    'key' { TOKEN(TK_KEY); }
    'keyspace' { TOKEN(TK_KEYSPACE); }
    'keyspaces' { TOKEN(TK_KEYSPACES); }
    'like' { TOKEN(TK_LIKE); }
    'limit' { TOKEN(TK_LIMIT); }
    'materialized' { TOKEN(TK_MATERIALIZED); }
    'not' { TOKEN(TK_NOT); }
    'null' { TOKEN(TK_NULL); }
    'on' { TOKEN(TK_ON); }
    'only' { TOKEN(TK_ONLY); }
    'order' { TOKEN(TK_ORDER); }
    'partition' { TOKEN(TK_PARTITION); }
    'per' { TOKEN(TK_PER); }
    'primary' { TOKEN(TK_PRIMARY); }
    'rename' { TOKEN(TK_RENAME); }
    'replace' { TOKEN(TK_REPLACE); }
    'schema' { TOKEN(TK_SCHEMA); }
    'select' { TOKEN(TK_SELECT); }
    'set' { TOKEN(TK_SET); }
    'static' { TOKEN(TK_STATIC); }
    'storage' { TOKEN(TK_STORAGE); }
    'tables' | 'columnfamilies' { TOKEN(TK_TABLES); }
    'timeout' { TOKEN(TK_TIMEOUT); }
    'timestamp' { TOKEN(TK_TIMESTAMP); }
    'to' { TOKEN(TK_TO); }
    'token' { TOKEN(TK_TOKEN); }
    'truncate' { TOKEN(TK_TRUNCATE); }
    'ttl' { TOKEN(TK_TTL); }
    'type' { TOKEN(TK_TYPE); }
    'types' { TOKEN(TK_TYPES); }
    'unlogged' { TOKEN(TK_UNLOGGED); }
    'unset' { TOKEN(TK_UNSET); }
    'update' { TOKEN(TK_UPDATE); }
    'use' { TOKEN(TK_USE); }
    'using' { TOKEN(TK_USING); }
    'values' { TOKEN(TK_VALUES); }
    'view' { TOKEN(TK_VIEW); }
    'where' { TOKEN(TK_WHERE); }
    'with' { TOKEN(TK_WITH); }
    'authorize' | 'grant' | 'modify' | 'norecursive' | 'of' | 'or' | 'revoke' { TOKEN(TK_RESERVED); }
    letter (letter | digit | "_")* { TOKEN(TK_IDENT); }

    * { FAULT(LEXER_BAD_CHARACTER); }
    */
done:
    /* 1..5 is two whole numbers with a range between them. */
    if (code == TK_FLOAT && cursor[-1] == '.' && cursor < limit && *cursor == '.') {
        code = TK_INTEGER;
        cursor--;
    }
    lexer->cursor = cursor;
    *out_token = (struct token){.text = (const char *)from,
                                .bytes = (uint32_t)(cursor - from),
                                .at = (uint32_t)(from - lexer->start) & INT32_MAX};
    return code;
}
