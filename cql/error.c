#include "cql/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* In messages.def: this profile says what the column to its left says. */
#define SAME NULL

static const struct {
    enum cql_code scylla_code, cassandra_code;
    const char *texts[CQL_PROFILES];
} messages[CQL_MESSAGES] = {
#define CQL_MESSAGE(name, code, ...) CQL_MESSAGE_CODES(name, code, code, __VA_ARGS__)
#define CQL_MESSAGE_CODES(name, scylla, cassandra, ...) \
    [name] = {.scylla_code = (scylla), .cassandra_code = (cassandra), .texts = {__VA_ARGS__}},
#include "cql/messages.def"
#undef CQL_MESSAGE_CODES
#undef CQL_MESSAGE
};

static enum cql_code code_of(enum cql_message message, enum cql_profile profile)
{
    return cql_target_of(profile)->is_scylla ? messages[message].scylla_code
                                             : messages[message].cassandra_code;
}

static const char *text_of(enum cql_message message, enum cql_profile profile)
{
    assert(message < CQL_MESSAGES && profile < CQL_PROFILES);
    size_t column = profile;
    while (column > 0 && !messages[message].texts[column])
        column--;
    assert(messages[message].texts[column]);
    return messages[message].texts[column];
}

void cql_error_clear(struct cql_error *error)
{
    /* Every request begins with this: texts end where they begin, the bytes behind that are nobody's. */
    error->code = CQL_OK;
    error->message[0] = error->keyspace[0] = error->table[0] = '\0';
    error->offset = error->line = error->column = 0;
    memset(error->prepared_id, 0, sizeof error->prepared_id);
}

bool cql_refusal_set(struct cql_error *error, enum cql_profile profile, enum cql_message message, ...)
{
    cql_error_clear(error);
    error->code = code_of(message, profile);
    va_list arguments;
    va_start(arguments, message);
    vsnprintf(error->message, sizeof error->message, text_of(message, profile), arguments);
    va_end(arguments);
    return false;
}

void cql_warn(struct buffer *warnings, enum cql_profile profile, enum cql_message message, ...)
{
    char text[CQL_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, message);
    vsnprintf(text, sizeof text, text_of(message, profile), arguments);
    va_end(arguments);
    buffer_append(warnings, text, strlen(text) + 1);
}

bool cql_refuse_exists(struct cql_error *error, enum cql_profile profile, const char *keyspace,
                       const char *table)
{
    if (*table)
        cql_refuse(error, profile, MSG_TABLE_EXISTS, table, keyspace);
    else
        cql_refuse(error, profile, MSG_KEYSPACE_EXISTS, keyspace);
    snprintf(error->keyspace, sizeof error->keyspace, "%s", keyspace);
    snprintf(error->table, sizeof error->table, "%s", table);
    return false;
}

void cql_error_at(struct cql_error *error, struct slice statement, size_t offset)
{
    if (offset > statement.bytes)
        offset = statement.bytes;
    error->offset = (uint32_t)offset;
    error->line = 1;
    error->column = 0;
    for (size_t i = 0; i < offset; i++) {
        uint8_t c = statement.data[i];
        if (c == '\n') {
            error->line++;
            error->column = 0;
        } else if ((c & 0xc0) != 0x80) {
            /* ANTLR counts characters, not the bytes of their UTF-8. */
            error->column++;
        }
    }
}

bool cql_refuse_status(struct cql_error *error, status st)
{
    cql_error_clear(error);
    switch ((enum status_code)st.code) {
    case STATUS_NOSPACE:
    case STATUS_BUSY:
    case STATUS_NOMEM:
    case STATUS_LIMIT: error->code = CQL_OVERLOADED; break;
    case STATUS_CORRUPT: error->code = CQL_READ_FAILURE; break;
    case STATUS_UNSUPPORTED:
    case STATUS_INVALID: error->code = CQL_INVALID; break;
    default: error->code = CQL_SERVER_ERROR; break;
    }
    char where[CQL_MESSAGE_BYTES / 2];
    const char *why =
        st.code == STATUS_CLOSED
            ? "; the store takes no writes: it is open read-only, or a write to its disk failed "
              "and it must be opened anew"
        : st.code == STATUS_CORRUPT ? "; a file of the store is damaged: 'strait verify' tells which, "
                                      "'strait scrub' makes it anew of what "
                                      "can be read"
                                    : "";
    status_print(st, where, sizeof where);
    snprintf(error->message, sizeof error->message, "Strait: %s%s", where, why);
    return false;
}
