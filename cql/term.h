/*
 * term.h: what stands on the right of a relation or an assignment: literals, bind markers, calls, collections.
 *
 * A term is compiled once against the type that receives it and yields a value each time a statement runs. What is
 * constant is made at compile time.
 */
#ifndef STRAIT_CQL_TERM_H
#define STRAIT_CQL_TERM_H

#include "cql/ast.h"
#include "cql/catalog.h"
#include "cql/result.h"

struct plan_builder;
struct plan_run;
struct function_call;
struct json_insert;

enum plan_term_kind {
    PLAN_TERM_CONSTANT,
    PLAN_TERM_BIND,
    PLAN_TERM_CALL,
    PLAN_TERM_TOKEN,      /* token(...) of values: `arguments` are the partition key's components */
    PLAN_TERM_JSON,       /* what the text of an INSERT JSON says of a column */
    PLAN_TERM_COLLECTION, /* list, set, map or tuple with items known only when run; map items alternate */
};

struct plan_term {
    enum plan_term_kind kind;
    const char *column; /* who receives it, for refusals */
    const struct type *type;
    struct cql_value constant; /* arena: the plan's */
    uint32_t bind;
    uint32_t plain_bytes;           /* BIND: a value of that size needs no check; 0: every one does */
    bool has_order;                 /* BIND: the value may come in another order than it is kept in */
    struct function_call *call;     /* arena: the plan's */
    const struct json_insert *json; /* JSON; arena: the plan's */
    uint32_t ordinal;               /* JSON: of the column */
    struct plan_term *arguments;    /* arena: the plan's */
    uint32_t argument_count;
};

/* Compile for a receiver `column` of `type`. Bind markers get that name, or their own. */
bool term_compile(struct plan_builder *builder, const struct ast_term *ast, const char *column,
                  const struct type *type, struct plan_term *out_term);
/* A tuple of one term per column, as in (a, b) > (?, 2), or a single marker for all of it, called `name`. */
bool term_compile_tuple(struct plan_builder *builder, const struct ast_term *ast,
                        const struct cql_column **columns, uint32_t count, const char *name,
                        struct plan_term *out_term);

/* The value in this run; bytes live in the request's scratch arena, the plan or the request. Unset comes out as such. */
bool term_value(const struct plan_term *term, struct plan_run *run, struct cql_value *out_value);

/* The wire bytes of a collection or tuple of these items, in `arena`; those of sets and maps are sorted first. */
bool term_collection(struct arena *arena, const struct type *type, const struct cql_value *items,
                     uint32_t count, enum cql_profile profile, struct cql_error *error,
                     struct slice *out_wire);

/* Split the wire form of a list or a set (v3 and later) into its items, in the scratch arena. */
bool term_items(struct plan_run *run, struct slice wire, struct cql_value **out_items, uint32_t *out_count);

#endif
