/*
 * using.h: USING TIMEOUT. A node on its own answers at once, so the value is checked as the target does and plays no other
 * part. TIMESTAMP and TTL are modify.h's.
 */
#ifndef STRAIT_CQL_USING_H
#define STRAIT_CQL_USING_H

#include "cql/plan_internal.h"

/* Into builder->plan; refused by targets that do not know the word. */
bool using_compile_timeout(struct plan_builder *builder, const struct ast_using *ast);
/* Of run->plan: a duration of whole milliseconds, not negative, without days and months. */
bool using_check_timeout(struct plan_run *run);

#endif
