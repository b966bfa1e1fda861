/* modify_internal.h: a checked INSERT, UPDATE or DELETE, between the file that makes it and those that run it. */
#ifndef STRAIT_CQL_MODIFY_INTERNAL_H
#define STRAIT_CQL_MODIFY_INTERNAL_H

#include "cql/restriction.h"
#include "cql/row_slots.h"

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

enum modify_operation {
    MODIFY_SET, /* c = value, the whole of a collection too */
    MODIFY_DELETE,
    MODIFY_ADD,         /* c = c + value: append to a list, put into a set or map */
    MODIFY_PREPEND,     /* c = value + c: lists */
    MODIFY_REMOVE,      /* c = c - value: items of a list or set, keys of a map */
    MODIFY_SET_ELEMENT, /* c[element] = value */
    MODIFY_DELETE_ELEMENT,
    MODIFY_SUM,        /* n = n + value, of a column that is neither collection nor counter */
    MODIFY_DIFFERENCE, /* n = n - value */
    MODIFY_SET_FIELD,  /* c.field = value */
    MODIFY_DELETE_FIELD,
};

struct modify_cell {
    const struct cql_column *column;
    enum modify_operation operation; /* of any but a counter */
    enum counter_step step;          /* of a counter, which is never set */
    bool has_elements;               /* the column is made of elements */
    struct plan_term value;          /* not of the DELETEs */
    struct plan_term element;        /* of the two about an element: index, item or key */
    uint32_t field;                  /* of the two about a field */
};

struct modify_plan {
    enum ast_statement_kind kind;
    enum modify_extent extent;
    struct restrictions keys;  /* of an INSERT: one EQ per key column */
    struct modify_cell *cells; /* arena: the plan's */
    uint32_t cell_count;
    bool deletes_rows;   /* DELETE without columns, full key */
    bool reads;          /* some operation must see what is there: each row has an image of its own */
    struct slot_map map; /* with `reads` */
    bool has_timestamp, has_ttl;
    struct plan_term timestamp, ttl;
    struct condition_plan *condition; /* NULL without IF */
};

/* Where the timestamp of a write comes from when its statement has none (TS-2). Zeroed to begin with: the server's clock is
 * asked once, when the first statement needs it, and all statements of a batch share the answer (BAT-1). */
struct modify_time {
    bool has_batch_timestamp; /* USING TIMESTAMP of the BATCH */
    bool known;
    bool only;                    /* a statement's own timestamp plays no part (TS-15) */
    int64_t timestamp;            /* what a statement without its own gets */
    uint32_t appended, prepended; /* items of lists so far: what tells those of one time apart */
};

/* What every cell of one statement shares. */
struct write_facts {
    int64_t timestamp;
    int64_t deletion_timestamp; /* of ranges and partitions */
    int32_t ttl_s;
    int64_t expiry_s;
    struct modify_time *time;
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

/* modify_operation.c: what an assignment or a deletion does to its column. */
struct modify_cell modify_cell_of(const struct cql_column *column, enum modify_operation operation);
bool modify_compile_assignment(struct plan_builder *builder, const struct ast_assignment *ast,
                               const struct cql_column *column, struct modify_cell *out_cell);
bool modify_compile_deletion(struct plan_builder *builder, const struct ast_deletion *ast,
                             const struct cql_column *column, struct modify_cell *out_cell);
/* Must the row be read before it is written? */
bool modify_cell_reads(const struct modify_cell *cell);

/* modify_elements.c: the cells that an operation on a column made of elements writes, added to `row`. Of an operation that
 * reads, `old` is the column as it is; else NULL. */
bool modify_add_elements(struct plan_run *run, const struct modify_cell *cell,
                         const struct write_facts *facts, const struct row_slot *old,
                         struct row_builder *row);

/* modify_sum.c: n = n + 1 in a conditional statement (LWT-10). May the target be asked for it, and of this column? */
bool modify_may_sum(const struct plan_builder *builder, const struct ast_assignment *ast);
bool modify_compile_sum(struct plan_builder *builder, const struct ast_assignment *ast,
                        const struct cql_column *column, const char *operation, struct modify_cell *cell);
/* What is to be written, unset when nothing is. `old` is the column as it is, NULL for null. */
bool modify_sum(struct plan_run *run, const struct modify_cell *cell, const struct row_slot *old,
                struct cql_value *out_value);

/* modify_read.c: run modifications that read, under the locks of their partitions. */
bool modify_members_read(const struct batch_member *members, uint32_t count);
/* Lock the partitions of all members, which may be of several tables. The caller unlocks. */
bool modify_lock(struct plan_run *run, const struct batch_member *members, uint32_t count,
                 struct store_guard *out_guard);
/* As they were before the statement, and for a target whose operations see those before them, with these. */
struct modify_reader {
    struct plan_run *run;
    struct row_slots slots;
    struct slice old_row, old_static; /* scratch */
};
bool modify_read_row(struct plan_run *run, struct partition_key key, const struct key_range *row,
                     struct modify_reader *out_reader);
/* The column as the operation sees it; NULL for null. `pending` is what has been written to its row so far. */
bool modify_read_column(struct modify_reader *reader, const struct cql_column *column,
                        struct row_builder *pending, const struct row_slot **out_slot);

/* modify_keys.c: check the WHERE of an UPDATE or DELETE (DEL-6 to DEL-8) and settle the extent. */
bool modify_check_keys(struct plan_builder *builder, struct modify_plan *modify, bool only_static);
bool modify_refuse_missing(struct plan_builder *builder, const struct restrictions *keys,
                           enum column_kind kind, enum cql_message message);

#endif
