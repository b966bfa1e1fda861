/* type_resolve.h: a type as written in a statement to the type it names. */
#ifndef STRAIT_CQL_TYPE_RESOLVE_H
#define STRAIT_CQL_TYPE_RESOLVE_H

#include "cql/ast.h"
#include "cql/catalog.h"

/* The result lives in `arena`, whole. `keyspace` is the statement's: user-defined types are looked for there, and nowhere
 * else. False with the target's refusal: unknown names, wrong numbers of parameters, types that may not stand inside
 * others. */
bool type_resolve(const struct ast_type *ast, const char *keyspace, const struct catalog *catalog,
                  enum cql_profile profile, struct arena *arena, const struct type **out_type,
                  struct cql_error *error);

#endif
