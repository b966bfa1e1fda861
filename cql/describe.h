/*
 * describe.h: the schema as the statements that would make it again (SCH-12).
 */
#ifndef STRAIT_CQL_DESCRIBE_H
#define STRAIT_CQL_DESCRIBE_H

#include "cql/ast.h"
#include "cql/catalog.h"
#include "cql/result.h"

/* "CREATE KEYSPACE k WITH ...;", without its tables. */
void describe_keyspace(struct buffer *out, const struct cql_keyspace *keyspace,
                       const struct cql_target *target);
/* "CREATE TYPE k.t (...);" */
void describe_type(struct buffer *out, const struct type *type);
/* "CREATE TABLE k.t (...) WITH ...;", without its indexes. */
void describe_table(struct buffer *out, const struct cql_table *table, const struct cql_target *target,
                    bool with_internals);
/* describe_index.c: "CREATE INDEX i ON k.t (c);" */
void describe_index(struct buffer *out, const struct cql_index *index, const struct cql_target *target);

/* describe_view.c: "CREATE MATERIALIZED VIEW k.v AS ...;" */
void describe_view(struct buffer *out, const struct cql_table *view, const struct cql_target *target);
/* "a IS NOT NULL AND b > 5" */
void view_print_where(struct buffer *out, const struct cql_view *view);

struct describe_request {
    const struct catalog *catalog;
    const struct cql_target *target;
    enum cql_profile profile;
    const char *keyspace; /* the session's; NULL when none was chosen */
    const char *cluster_name;
    const struct ast_describe *describe;
    int32_t page_size; /* 0 or less: all at once */
    struct slice paging_state;
    struct cql_result *result;
    struct cql_error *error;
};

/* Rows of keyspace_name, type, name and, for single things, create_statement. False with the refusal. */
bool describe_execute(const struct describe_request *request);

#endif
