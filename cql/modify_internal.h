/* modify_internal.h: a checked INSERT, UPDATE or DELETE, between the file that makes it and those that run it. */
#ifndef STRAIT_CQL_MODIFY_INTERNAL_H
#define STRAIT_CQL_MODIFY_INTERNAL_H

#include "cql/restriction.h"

struct condition_plan;

enum modify_extent {
    MODIFY_ROWS,      /* one row for each clustering key, and the static row when static columns are set */
    MODIFY_STATIC,    /* nothing but the static row */
    MODIFY_RANGES,    /* delete clustering ranges */
    MODIFY_PARTITION, /* delete partitions */
};

enum counter_step {
    COUNTER_NONE,
    COUNTER_ADD,      /* c = c + n */
    COUNTER_SUBTRACT, /* c = c - n */
};

struct modify_cell {
    const struct cql_column *column;
    bool deletes;           /* DELETE c: no value */
    enum counter_step step; /* of a counter, which is never set */
    struct plan_term value;
};

struct modify_plan {
    enum ast_statement_kind kind;
    enum modify_extent extent;
    struct restrictions keys;  /* of an INSERT: one EQ per key column */
    struct modify_cell *cells; /* arena: the plan's */
    uint32_t cell_count;
    bool deletes_rows; /* DELETE without columns, full key */
    bool has_timestamp, has_ttl;
    struct plan_term timestamp, ttl;
    struct condition_plan *condition; /* NULL without IF */
};

/* Where the timestamp of a write comes from when its statement has none (TS-2). Zeroed to begin with: the server's clock is
 * asked once, when the first statement needs it, and all statements of a batch share the answer (BAT-1). */
struct modify_time {
    bool has_batch_timestamp; /* USING TIMESTAMP of the BATCH */
    bool known;
    int64_t timestamp; /* what a statement without its own gets */
};

/* A member of a batch and the values it runs with. */
struct batch_member {
    const struct plan *plan;
    const struct cql_value *values;
};
/* BAT-4: a batch that spans partitions may be too large, or large enough to warn of; `table` is its first. */
bool batch_check_size(struct plan_run *run, const struct batch *batch, const struct cql_table *table);

/* The term of USING TIMESTAMP: TS-3, TS-4; *out_given is false for an unset one. */
bool modify_timestamp(struct plan_run *run, const struct plan_term *term, int64_t *out_timestamp,
                      bool *out_given);
/* Append what run->plan does, with run->values, to `batch`. */
bool modify_append(struct plan_run *run, struct modify_time *time, struct batch *batch);

/* modify_keys.c: check the WHERE of an UPDATE or DELETE (DEL-6 to DEL-8) and settle the extent. */
bool modify_check_keys(struct plan_builder *builder, struct modify_plan *modify, bool only_static);
bool modify_refuse_missing(struct plan_builder *builder, const struct restrictions *keys,
                           enum column_kind kind, enum cql_message message);

#endif
