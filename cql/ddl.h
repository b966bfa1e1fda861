/*
 * ddl.h: statements that change the schema, and TRUNCATE.
 *
 * A change is judged against the current catalog under the lock of schema changes, written to the store in one record, and
 * published, while the gate keeps writers out (gate.h). A reader who began with the old catalog finishes with it.
 */
#ifndef STRAIT_CQL_DDL_H
#define STRAIT_CQL_DDL_H

#include "cql/ast.h"
#include "cql/result.h"

struct cql_database;
struct plan_workspace;

struct ddl_request {
    struct cql_database *database;
    const char *keyspace; /* the session's; NULL when none was chosen */
    const struct ast_statement *statement;
    struct plan_workspace *workspace; /* the session's: CREATE INDEX fills the index with it */
    struct arena *scratch;
    struct cql_result *result; /* SCHEMA_CHANGE, or VOID when nothing had to be done (SCH-5) */
    struct cql_error *error;
};

/* CREATE, ALTER and DROP of keyspaces, tables and indexes; TRUNCATE. False with the refusal. */
bool ddl_execute(const struct ddl_request *request);

#endif
