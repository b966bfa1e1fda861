/*
 * database_fixture.h: a database of its own for a test, and a small notation for what statements do to it.
 *
 *     struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
 *     does(f, "CREATE TABLE k.t (id int PRIMARY KEY)");
 *     refuses(f, CQL_INVALID, "unconfigured table x", "SELECT * FROM k.x");
 *     shows(f, "SELECT id FROM k.t", "1|2");       cells by ',', rows by '|', null is "null"
 */
#ifndef STRAIT_TESTS_CQL_DATABASE_FIXTURE_H
#define STRAIT_TESTS_CQL_DATABASE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cql/session.h"

struct fixture {
    struct cql_database *database;
    struct cql_session *session;
    struct cql_result result; /* of the last statement */
    struct cql_error error;
    char folder[64];  /* empty for a store in memory */
    int64_t clock_us; /* hold the clock here when it is opened again; 0: let it run */
    enum cql_profile profile;
    struct buffer text;
};

struct fixture *fixture_open(enum cql_profile profile); /* in memory, keyspace k is there and used */
struct fixture *fixture_open_on_disk(enum cql_profile profile);
void fixture_reopen(struct fixture *f); /* on disk: close and open again */
void fixture_close(struct fixture *f);  /* removes the folder */

/* Run a statement; true when it was not refused. */
bool run(struct fixture *f, const char *statement);
/* The same, and fail the test when it is refused. */
void does(struct fixture *f, const char *statement);
/* Refused with this code, and with a message that begins with `text`. */
void refuses(struct fixture *f, enum cql_code code, const char *text, const char *statement);
/* The rows of a SELECT in the notation above; valid until the next call. */
const char *rows(struct fixture *f, const char *statement);
void shows(struct fixture *f, const char *statement, const char *expected);
/* The last statement did nothing (VOID), or changed what is named (SCH-5). */
void did_nothing(struct fixture *f);
void changed(struct fixture *f, const char *change, const char *target, const char *keyspace,
             const char *name);
/* Warnings of the last statement contain `text`. */
void warned(struct fixture *f, const char *text);
/* A whole file of the source tree; the caller frees it. */
char *source_file(const char *path);

#endif
