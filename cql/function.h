/*
 * function.h: native functions: now(), toTimestamp(), sum(), the operators, and the rest.
 *
 * One table (function_table.c) gives each overload its name, its parameters, its result and the targets that have it: to
 * add a function is to add a row. A parameter may stand for a family of types (any map, any number), so that a call has
 * types of its own: struct function_call. token() is no row: its parameters are those of the table's partition key.
 *
 * Ownership   Functions are static; a call's types are static or live in the arena it was found with.
 * Threads     Evaluation writes only to its environment's random source; the timeuuid source is shared safely.
 */
#ifndef STRAIT_CQL_FUNCTION_H
#define STRAIT_CQL_FUNCTION_H

#include "cql/aggregate.h"
#include "cql/result.h"
#include "cql/uuid.h"

enum {
    FUNCTION_ARGUMENTS_MAX = 3,
};

struct function_environment {
    int64_t now_us;                    /* of the injected clock */
    struct random *random;             /* the caller's alone while it evaluates */
    struct timeuuid_source *timeuuids; /* the store's */
    enum cql_profile profile;
};

enum parameter_kind {
    PARAMETER_TYPE, /* parameter.type */
    PARAMETER_ANY,
    PARAMETER_NUMBER,
    PARAMETER_MAP,
    PARAMETER_COLLECTION, /* list, set or map */
    PARAMETER_LIST,       /* list or set */
    PARAMETER_NUMBERS,    /* list or set of numbers */
    PARAMETER_VECTOR,     /* of floats */
};

struct parameter {
    enum parameter_kind kind;
    const struct type *type;
};

/* What a call returns. */
enum function_result {
    RESULT_TYPE,      /* function->returns */
    RESULT_FIRST,     /* the first argument's type */
    RESULT_RECEIVER,  /* whatever the call's place wants */
    RESULT_KEYS,      /* of a map: set<key> */
    RESULT_VALUES,    /* of a map: list<value> */
    RESULT_ELEMENT,   /* of a list or set */
    RESULT_WIDER,     /* of two numbers: the type that arithmetic gives */
    RESULT_AGGREGATE, /* what aggregate_type() says */
};

struct function_call;

struct function {
    const char *name;  /* folded: "totimestamp" */
    const char *shown; /* in the name of a result column, "system.totimestamp(...)"; NULL: as `name` */
    uint32_t profiles; /* bit 1 << enum cql_profile for each target that has it */
    struct parameter arguments[FUNCTION_ARGUMENTS_MAX];
    uint32_t argument_count;
    enum function_result result;
    const struct type *returns;
    bool pure;         /* the same result for the same arguments: may be evaluated once (FUN-1) */
    bool takes_null;   /* else null in, null out */
    bool only_selects; /* not among values: what it takes must be known */
    bool is_aggregate;
    enum aggregate_kind aggregate;
    char op; /* an operator's sign, whose refusals have words of their own; 0 for what is called by name */
    /* Append the result; arguments are neither null (but see takes_null) nor unset, and valid for their types. */
    bool (*evaluate)(const struct function_call *call, const struct cql_value *arguments,
                     const struct function_environment *environment, struct buffer *out_wire, bool *out_null,
                     struct cql_error *error);
};

/* One call, all types known. */
struct function_call {
    const struct function *function;
    const struct type *returns;
    const struct type *arguments[FUNCTION_ARGUMENTS_MAX];
};

/* What is known of an argument when a call is compiled. */
struct function_argument {
    enum {
        FUNCTION_ARGUMENT_UNKNOWN, /* a bind marker without type hint, null, or a collection of literals */
        FUNCTION_ARGUMENT_TYPED,
        FUNCTION_ARGUMENT_LITERAL,
    } kind;
    const struct type *type;   /* TYPED */
    enum literal_kind literal; /* LITERAL */
    struct slice text;         /* LITERAL: its text, which decides how wide a number is */
    const char *shown;         /* in refusals; NULL: "?" */
    uint32_t item_count;       /* UNKNOWN: of a list of literals; 0 for anything else */
};

/* What is asked for. */
struct function_query {
    const char *keyspace; /* NULL, or what was written before the dot */
    const char *name;     /* folded */
    const struct function_argument *arguments;
    uint32_t count;
    const struct type
        *returns;  /* the type that the call's place wants; NULL: any will do, as among selectors */
    bool selector; /* among selectors, where aggregates may stand */
    enum cql_profile profile;
};

/*
 * The overload that a call means. An exact match of types wins over one that literals or bind markers merely allow; two
 * of those are ambiguous.
 */
bool function_find(const struct function_query *query, struct arena *arena, struct function_call *out_call,
                   struct cql_error *error);
/* Does the target have any function of that name? */
bool function_exists(const char *keyspace, const char *name, enum cql_profile profile);
/* Its name in refusals and result columns. */
const char *function_shown(const struct function *function);
/* The operator's function: "_add" for '+'. */
const char *function_of_operator(char op, bool unary);
/* What a literal is where nothing says what it should be. */
const struct type *function_literal_type(enum literal_kind kind, struct slice text);

/* Evaluate and append the result's wire bytes; *out_null is set, and nothing appended, for a null result. An argument may
 * be null, never unset. */
bool function_evaluate(const struct function_call *call, const struct cql_value *arguments,
                       const struct function_environment *environment, struct buffer *out_wire,
                       bool *out_null, struct cql_error *error);

/* CAST(x AS type): between numbers, between times, and anything to text. */
bool function_can_cast(const struct type *from, const struct type *to);
/* The type whose values `from` stands for in a cast that does not exist, where the target has it so (a bigint for the
 * milliseconds of a timestamp); NULL when there is none. */
const struct type *function_cast_stand_in(const struct type *from, const struct type *to,
                                          enum cql_profile profile);
/* As function_evaluate(), of one argument that is not null; *out_null for an empty one, which no cast can read. */
bool function_cast(const struct type *from, const struct type *to, struct slice wire,
                   enum cql_profile profile, struct buffer *out_wire, bool *out_null,
                   struct cql_error *error);

#endif
