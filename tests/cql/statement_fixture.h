/*
 * statement_fixture.h: prepared statements, values and pages for tests, on top of database_fixture.h.
 *
 * Values are written as CQL literals of the type their marker has, joined by ';': "1;'a';null;unset".
 */
#ifndef STRAIT_TESTS_CQL_STATEMENT_FIXTURE_H
#define STRAIT_TESTS_CQL_STATEMENT_FIXTURE_H

#include "database_fixture.h"

enum { STATEMENT_VALUES_MAX = 32 };

/* Prepare and run with values. */
bool run_bound(struct fixture *f, const char *statement, const char *values);
void does_bound(struct fixture *f, const char *statement, const char *values);
void refuses_bound(struct fixture *f, enum cql_code code, const char *text, const char *statement,
                   const char *values);
void shows_bound(struct fixture *f, const char *statement, const char *values, const char *expected);
/* As the driver's client-side timestamp would be sent with it. */
void does_at(struct fixture *f, int64_t timestamp, const char *statement);

/* Names of the markers joined by ','. Names and types of the columns: "id int,v text". */
void expects_binds(struct fixture *f, const char *statement, const char *names);
void expects_partition_binds(struct fixture *f, const char *statement, const char *positions);
void expects_columns(struct fixture *f, const char *statement, const char *columns);
/* PREPARE itself is refused. */
void refuses_prepare(struct fixture *f, enum cql_code code, const char *text, const char *statement);

/* All pages of a SELECT; rows as shows() has them, pages by '/'. The last is followed by nothing. */
const char *pages(struct fixture *f, const char *statement, int32_t page_size);
void shows_pages(struct fixture *f, const char *statement, int32_t page_size, const char *expected);
/* The same with every page on a database opened anew. */
void shows_pages_over_restarts(struct fixture *f, const char *statement, int32_t page_size,
                               const char *expected);

#endif
