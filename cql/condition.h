/*
 * condition.h: IF: conditions on the rows that modifications are about (LWT-1 to LWT-9).
 *
 * A conditional statement, or a batch with one in it, is about one partition. Under the lock of that partition the rows are
 * read, the conditions judged and all is written or nothing, so conditional writes of one partition happen one after another.
 * The answer is rows that begin with [applied]; which columns and which rows follow, and when, is the target's affair
 * (LWT-2, LWT-3).
 *
 *     condition_plan.c    what may be asked and what the answer's columns are
 *     condition_read.c    which rows are read, and as what a target sees them
 *     condition_judge.c   whether conditions hold
 *     condition_answer.c  the answer
 *     condition.c         all of it, one after another
 */
#ifndef STRAIT_CQL_CONDITION_H
#define STRAIT_CQL_CONDITION_H

#include "cql/modify_internal.h"
#include "cql/row_slots.h"

enum condition_part {
    CONDITION_COLUMN, /* the whole */
    CONDITION_ELEMENT,
    CONDITION_FIELD,
};

struct condition {
    const struct cql_column *column;
    enum condition_part part;
    struct plan_term element; /* index or key */
    uint32_t field;
    const char *name; /* of what is compared: "m", "value(m)", "u.street" */
    const struct type *type;
    enum ast_operator op; /* EQ, NE, LT, LE, GT, GE, IN, LIKE, CONTAINS, CONTAINS_KEY */
    struct plan_term value;
    bool whole_list; /* IN ?: `value` is a list */
    struct plan_term *items;
    uint32_t item_count;
};

struct condition_plan {
    bool exists, not_exists;
    struct condition *items; /* arena: the plan's */
    uint32_t count;
    bool only_static;  /* the statement is about the static row: no clustering key */
    bool asks_statics; /* nothing but the static row is asked about */
    struct slot_map map;
    uint32_t *shown; /* ordinals of the columns after [applied] */
    uint32_t shown_count;
    struct cql_column_spec *columns; /* [applied] and those */
};

/* Compile the conditions; *out_plan is NULL when there are none. Before the keys are checked. */
bool condition_compile(struct plan_builder *builder, const struct ast_if *ast,
                       const struct modify_plan *modify, struct condition_plan **out_plan);
/* What the keys of a conditional statement may not be; after they are checked (LWT-6). */
bool condition_check_keys(struct plan_builder *builder, const struct modify_plan *modify);

/* The columns of the answer to a batch, LWT-3; *out_shown are their ordinals but for [applied]. All in `arena`. */
bool condition_batch_columns(struct arena *arena, const struct cql_target *target,
                             const struct plan *const *members, uint32_t count,
                             struct cql_column_spec **out_columns, uint32_t **out_shown,
                             uint32_t *out_shown_count);

/* Read, judge, write, answer. */
bool condition_execute(struct plan_run *run);
/* A batch with a condition in it: one table, one partition; every condition sees the partition as it was before, and all
 * members are written or none (LWT-3, LWT-4). */
bool condition_batch_execute(struct plan_run *run, const struct batch_member *members, uint32_t count);

#endif
