/*
 * function.h: the native scalar functions: now(), toTimestamp(), intAsBlob() and the rest.
 *
 * One table in function.c gives each overload its name, argument types and result. token() and aggregates are not here:
 * they need the table and the group.
 *
 * Ownership   Functions are static.
 * Threads     Evaluation writes only to its environment's random source; the timeuuid source is shared safely.
 */
#ifndef STRAIT_CQL_FUNCTION_H
#define STRAIT_CQL_FUNCTION_H

#include "cql/result.h"
#include "cql/uuid.h"

enum {
    FUNCTION_ARGUMENTS_MAX = 1,
};

struct function_environment {
    int64_t now_us;                    /* of the injected clock */
    struct random *random;             /* the caller's alone while it evaluates */
    struct timeuuid_source *timeuuids; /* the store's */
    enum cql_profile profile;
};

struct function {
    const char *name; /* folded: "totimestamp"; as a result column it is "system.totimestamp(...)" */
    uint32_t argument_count;
    const struct type *arguments[FUNCTION_ARGUMENTS_MAX]; /* NULL: a value of any type */
    const struct type *returns;
    bool pure; /* the same result for the same arguments: may be evaluated once (FUN-1) */
    bool (*evaluate)(const struct function *function, const struct type *const *types,
                     const struct cql_value *arguments, const struct function_environment *environment,
                     struct buffer *out_wire, bool *out_null, struct cql_error *error);
};

/* What is known of an argument when a call is compiled. */
struct function_argument {
    enum {
        FUNCTION_ARGUMENT_UNKNOWN, /* a bind marker without type hint, or null */
        FUNCTION_ARGUMENT_TYPED,
        FUNCTION_ARGUMENT_LITERAL,
    } kind;
    const struct type *type;   /* TYPED */
    enum literal_kind literal; /* LITERAL */
};

/*
 * The overload that a call means. `keyspace` is NULL or what was written before the dot; `name` is folded. An exact match
 * of types wins over one that literals or bind markers merely allow; two of those are ambiguous.
 * `returns` is the type that the call's place wants, NULL when any will do: it decides between overloads only.
 */
bool function_find(const char *keyspace, const char *name, const struct function_argument *arguments,
                   uint32_t count, const struct type *returns, enum cql_profile profile,
                   const struct function **out_function, struct cql_error *error);
/* Is there any function of that name? */
bool function_exists(const char *keyspace, const char *name);

/*
 * Evaluate and append the result's wire bytes; *out_null is set, and nothing appended, for a null result. `types` are
 * those of the arguments, needed only where function->arguments says NULL. An argument may be null, never unset.
 */
bool function_evaluate(const struct function *function, const struct type *const *types,
                       const struct cql_value *arguments, const struct function_environment *environment,
                       struct buffer *out_wire, bool *out_null, struct cql_error *error);

/* CAST(x AS type): between numbers, between times, and anything to text. */
bool function_can_cast(const struct type *from, const struct type *to);
/* As function_evaluate(), of one argument that is not null; *out_null for an empty one, which no cast can read. */
bool function_cast(const struct type *from, const struct type *to, struct slice wire,
                   enum cql_profile profile, struct buffer *out_wire, bool *out_null,
                   struct cql_error *error);

#endif
