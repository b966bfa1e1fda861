/*
 * result.h: what goes into a request and what comes out of it, in the protocol's own bytes.
 */
#ifndef STRAIT_CQL_RESULT_H
#define STRAIT_CQL_RESULT_H

#include "cql/type.h"
#include "engine/store.h"

enum cql_value_kind {
    CQL_VALUE,
    CQL_NULL,
    CQL_UNSET, /* NUL-1 */
};

struct cql_value {
    enum cql_value_kind kind;
    struct slice bytes; /* borrowed from the request */
};

struct cql_params {
    const struct cql_value *values;
    const struct slice *names; /* of the values, when they are named; else NULL */
    uint32_t value_count;
    uint16_t consistency, serial_consistency;
    int32_t page_size;         /* 0 or less: unpaged (PAG-1) */
    struct slice paging_state; /* empty: from the start */
    bool has_timestamp;
    int64_t timestamp; /* TS-2: the request's default */
};

struct cql_column_spec {
    const char *keyspace, *table, *name;
    const struct type *type;
};

enum cql_result_kind {
    CQL_RESULT_VOID = 1,
    CQL_RESULT_ROWS = 2,
    CQL_RESULT_SET_KEYSPACE = 3,
    CQL_RESULT_SCHEMA_CHANGE = 5,
};

struct cql_schema_change {
    const char *change;            /* "CREATED", "UPDATED", "DROPPED" */
    const char *target;            /* "KEYSPACE", "TABLE" */
    char keyspace[256], name[256]; /* name empty for a keyspace */
};

/*
 * A zeroed struct is an empty result; reuse one per request loop. `columns` are borrowed from the plan, or live in
 * the result's arena for one-off statements: valid until the next use of the result.
 */
struct cql_result {
    enum cql_result_kind kind;
    const struct cql_column_spec *columns;
    uint32_t column_count;
    uint32_t row_count;
    struct buffer
        rows; /* owned: row after row, each cell be32 length (-1 null) and bytes, as in the protocol */
    struct buffer paging_state; /* owned: empty when there are no more pages */
    char keyspace[256];         /* SET_KEYSPACE */
    struct cql_schema_change change;
    struct cql_schema_change *more_changes; /* arena: what drivers hear of besides `change`, before it */
    uint32_t more_change_count, more_change_capacity;
    struct buffer warnings;              /* owned: terminated texts one after another */
    struct store_ticket ticket;          /* deferred durability: see cql_session_set_deferred() */
    struct store_read_counters counters; /* what the reads cost */
    uint64_t tombstones, rows_examined;
    uint64_t rows_copied; /* that took the quick way of row_copy.h */
    struct arena arena;   /* owned */
};

void cql_result_clear(struct cql_result *result);
void cql_result_deinit(struct cql_result *result);

/* One more of `more_changes`, zeroed, to be filled in; NULL when memory ran out. */
struct cql_schema_change *cql_result_add_change(struct cql_result *result);

/* Append one cell. */
static inline void cql_result_cell(struct cql_result *result, struct slice bytes)
{
    buffer_append_be32(&result->rows, (uint32_t)bytes.bytes);
    buffer_append_slice(&result->rows, bytes);
}

static inline void cql_result_null(struct cql_result *result)
{
    buffer_append_be32(&result->rows, UINT32_MAX);
}

#endif
