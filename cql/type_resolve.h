/* type_resolve.h: a type as written in a statement to the type it names. */
#ifndef STRAIT_CQL_TYPE_RESOLVE_H
#define STRAIT_CQL_TYPE_RESOLVE_H

#include "cql/ast.h"
#include "cql/type.h"

/* The result lives in `arena`. `keyspace` is where an unqualified user-defined type would be looked for. False with the
 * target's refusal: unknown names, wrong numbers of parameters, collections that are not allowed inside others. */
bool type_resolve(const struct ast_type *ast, const char *keyspace, enum cql_profile profile,
                  struct arena *arena, const struct type **out_type, struct cql_error *error);

#endif
