/*
 * plan.h: a checked statement, ready to run with values.
 *
 * plan_make() resolves a parse tree against a catalog and refuses what the target would refuse at PREPARE. A plan is
 * immutable afterwards and may be run by any number of threads. A plan belongs to one catalog generation: whoever keeps
 * plans makes a new one when the schema has moved on.
 *
 * Data statements only (SELECT, INSERT, UPDATE, DELETE, BATCH); schema statements, USE and TRUNCATE are ddl.h's.
 */
#ifndef STRAIT_CQL_PLAN_H
#define STRAIT_CQL_PLAN_H

#include "cql/catalog.h"
#include "cql/parse.h"
#include "cql/result.h"

struct plan;
struct plan_workspace;

/* What a statement runs in. Fields after `keyspace` matter only to execution. */
struct plan_context {
    struct store *store;
    const struct cql_target *target;
    enum cql_profile profile;
    const struct catalog *catalog;    /* counted by the caller for as long as the plan lives */
    const char *keyspace;             /* the session's; NULL when none was chosen */
    struct plan_workspace *workspace; /* the session's: one request at a time */
    _Atomic int64_t *last_timestamp;  /* the database's: newest that the server's clock gave out (TS-2) */
    _Atomic int64_t *entry_version;   /* the database's: next of an index or view entry (index.h) */
    enum durability durability;
    bool no_shortcuts; /* take the long way everywhere: for tests that compare the two */
    bool deferred;     /* durable writes leave a ticket in result->ticket instead of waiting */
    void *database;    /* handed to the generators of virtual tables (virtual.h) */
};

/* Buffers that a session keeps from one request to the next. NULL when memory ran out; free() welcomes NULL. */
struct plan_workspace *plan_workspace_new(void);
void plan_workspace_free(struct plan_workspace *workspace);
/* Give back buffers that grew beyond `kept_bytes`. */
void plan_workspace_trim(struct plan_workspace *workspace, size_t kept_bytes);

/* The plan lives in `arena`, as does the tree it was made from. False with the refusal in `error`. */
bool plan_make(const struct plan_context *context, const struct ast_statement *statement, struct arena *arena,
               struct plan **out_plan, struct cql_error *error);

/* Columns to bind, in order (PRE-2). */
const struct cql_column_spec *plan_binds(const struct plan *plan, uint32_t *out_count);
/* Positions of the binds that make up the partition key; none unless all are bound by = (PRE-3). */
const uint16_t *plan_partition_binds(const struct plan *plan, uint32_t *out_count);
/* Columns of the rows it returns; none when it returns none. */
const struct cql_column_spec *plan_columns(const struct plan *plan, uint32_t *out_count);
const struct cql_table *plan_table(const struct plan *plan);
/* Tells a virtual table to do something: runs outside of the gate, and not in a batch. */
bool plan_tells_virtual(const struct plan *plan);

/* Run it. `scratch` is reset by the caller between requests; the result's bytes are the result's own. */
bool plan_execute(const struct plan *plan, const struct plan_context *context,
                  const struct cql_params *params, struct arena *scratch, struct cql_result *result,
                  struct cql_error *error);

/* Several modifications as one atomic batch (the protocol's BATCH, and BEGIN BATCH itself). */
struct plan_batch_item {
    const struct plan *plan;
    const struct cql_value *values;
    uint32_t value_count;
};
bool plan_execute_batch(const struct plan_batch_item *items, uint32_t count, enum ast_batch_kind kind,
                        const struct plan_context *context, const struct cql_params *params,
                        struct arena *scratch, struct cql_result *result, struct cql_error *error);

/* Fill a new index from the rows its table has. Runs inside the DDL (IDX-3); writes of the table wait meanwhile. */
bool index_build(const struct plan_context *context, const struct cql_table *table,
                 const struct cql_index *index, struct cql_error *error);
/* The same with a new view on `base`. */
bool view_build(const struct plan_context *context, const struct cql_table *base,
                const struct cql_table *view, struct cql_error *error);

#endif
