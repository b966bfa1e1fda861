/*
 * selector.h: what stands between SELECT and FROM: a tree of columns, fields, elements, literals, calls and aggregates.
 */
#ifndef STRAIT_CQL_SELECTOR_H
#define STRAIT_CQL_SELECTOR_H

#include "cql/aggregate.h"
#include "cql/row_slots.h"

enum selector_kind {
    SELECT_COLUMN,
    SELECT_WRITETIME,
    SELECT_TTL,
    SELECT_TOKEN,
    SELECT_FUNCTION, /* operators too */
    SELECT_CAST,
    SELECT_TERM,
    SELECT_AGGREGATE,
    SELECT_FIELD,   /* of arguments[0], a user-defined type: number `ordinal` */
    SELECT_ELEMENT, /* of arguments[0], a collection: at the key or index arguments[1] */
    SELECT_SLICE, /* of arguments[0], a set or map: from arguments[1] to arguments[2] (either may be an open end) */
    SELECT_ITEMS, /* a collection or tuple made of the arguments */
};

struct selector {
    enum selector_kind kind;
    const struct type *type;                            /* of what it yields */
    const char *name;                                   /* of the result column, before an alias (FUN-6) */
    uint32_t ordinal;                                   /* COLUMN, FIELD */
    enum { CELL_NEWEST, CELL_OLDEST, CELL_EACH } which; /* WRITETIME, TTL of several cells: of arguments[0] */
    struct function_call call;
    struct selector *arguments; /* arena: the plan's */
    uint32_t argument_count;
    struct plan_term term; /* TERM */
    uint32_t aggregate_at; /* which of the run's aggregates */
};

/* What a whole selection needs. */
struct selection {
    struct selector *items; /* arena: the plan's */
    uint32_t count;
    uint32_t aggregate_count;
    bool all;               /* SELECT * */
    bool json;              /* SELECT JSON: each row is one text, with `names` for its members */
    const char **names;     /* arena: the plan's; aliases where they were given */
    bool plain;             /* nothing but columns */
    bool statics, regulars; /* any column of the kind is looked at */
    bool clustering;
    const char *first_column; /* that is looked at; NULL: none yet */
};

/* Resolve the selectors and the result's columns, which go to builder->plan. */
bool selection_compile(struct plan_builder *builder, const struct ast_select *select, struct selection *out);

/* One value from the row in `slots`; within an aggregate query plain columns show the first row (or null). */
bool selector_value(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                    const struct aggregate *aggregates, struct cql_value *out_value);
/* Give the row to every aggregate in the selection. */
bool selection_add_row(const struct selection *selection, struct plan_run *run, const struct row_slots *slots,
                       struct aggregate *aggregates);
void selection_init_aggregates(const struct selection *selection, struct plan_run *run,
                               struct aggregate *aggregates);
/* Append one row of results. */
bool selection_emit(const struct selection *selection, struct plan_run *run, const struct row_slots *slots,
                    const struct aggregate *aggregates);

#endif
