/*
 * error.h: what a client is told when a statement is refused.
 *
 * Codes are the protocol's. Texts and the differences between targets (Δ) stand in one table, error.c: a message names
 * itself, the table gives its code and its text for the profile. Drivers and tests match on both (semantics ERR).
 */
#ifndef STRAIT_CQL_ERROR_H
#define STRAIT_CQL_ERROR_H

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"
#include "cql/profile.h"

enum cql_code {
    CQL_OK = -1,
    CQL_SERVER_ERROR = 0x0000,
    CQL_PROTOCOL_ERROR = 0x000A,
    CQL_BAD_CREDENTIALS = 0x0100,
    CQL_UNAVAILABLE = 0x1000,
    CQL_OVERLOADED = 0x1001,
    CQL_IS_BOOTSTRAPPING = 0x1002,
    CQL_TRUNCATE_ERROR = 0x1003,
    CQL_WRITE_TIMEOUT = 0x1100,
    CQL_READ_TIMEOUT = 0x1200,
    CQL_READ_FAILURE = 0x1300,
    CQL_FUNCTION_FAILURE = 0x1400,
    CQL_WRITE_FAILURE = 0x1500,
    CQL_SYNTAX_ERROR = 0x2000,
    CQL_UNAUTHORIZED = 0x2100,
    CQL_INVALID = 0x2200,
    CQL_CONFIG_ERROR = 0x2300,
    CQL_ALREADY_EXISTS = 0x2400,
    CQL_UNPREPARED = 0x2500,
};

enum {
    CQL_MESSAGE_BYTES = 1024,
    CQL_NAME_BYTES = 256,
};

struct cql_error {
    enum cql_code code; /* CQL_OK when nothing is wrong */
    char message[CQL_MESSAGE_BYTES];
    uint32_t offset, line,
        column; /* where in the statement; line 0 when it has no place. line from 1, column from 0 */
    char keyspace[CQL_NAME_BYTES]; /* ALREADY_EXISTS */
    char table[CQL_NAME_BYTES];    /* ALREADY_EXISTS; empty for a keyspace */
    uint8_t prepared_id[16];       /* UNPREPARED */
};

/* One name per refusal; error.c holds code and text of each for every profile. Extend both together. */
enum cql_message {
#define CQL_MESSAGE(name, code, ...) name,
#include "cql/messages.def"
#undef CQL_MESSAGE_CODES
#undef CQL_MESSAGE
    CQL_MESSAGES
};

/* Set code and text of `message` for `profile`, arguments as its format wants them. Returns false, so that
 * `return cql_refuse(...)` reads well in checks that answer "is it allowed". */
bool cql_refusal_set(struct cql_error *error, enum cql_profile profile, enum cql_message message, ...);
/* The answer is a constant that the compiler sees. */
static inline bool cql_refused(bool answer)
{
    (void)answer;
    return false;
}
#define cql_refuse(...) cql_refused(cql_refusal_set(__VA_ARGS__))
/* MSG_TABLE_EXISTS or, with an empty `table`, MSG_KEYSPACE_EXISTS, with the two fields that drivers read. */
bool cql_refuse_exists(struct cql_error *error, enum cql_profile profile, const char *keyspace,
                       const char *table);
/* Append the text of `message` to warnings as struct cql_result has them. */
void cql_warn(struct buffer *warnings, enum cql_profile profile, enum cql_message message, ...);
/* Where the last refusal is in the text. */
void cql_error_at(struct cql_error *error, struct slice statement, size_t offset);
/* An engine failure as a client sees it: NOSPACE and BUSY are OVERLOADED, CORRUPT is READ_FAILURE, and so on. */
bool cql_refuse_status(struct cql_error *error, status st);
void cql_error_clear(struct cql_error *error);

#endif
