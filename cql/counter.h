/*
 * counter.h: counting: UPDATE t SET c = c + n, and DELETE in a table of counters (CNT-2 to CNT-5).
 *
 * Who counts reads the total and writes a new one, under the lock of the partition. The cell's timestamp is the counter's
 * clock: one above whatever was read, so that no total is ever lost to an older one, whatever the server's clock does.
 * Every other write of such a table takes the same lock, so that a DELETE never falls between the reading and the writing.
 */
#ifndef STRAIT_CQL_COUNTER_H
#define STRAIT_CQL_COUNTER_H

#include "cql/modify_internal.h"

/* One item of SET for the counter `column`: adds cells to the plan or refuses what is not counting. */
bool counter_compile(struct plan_builder *builder, const struct ast_assignment *assignment,
                     const struct cql_column *column, struct modify_plan *modify);
/* What a statement about a counter table must not have: IF, TIMESTAMP, TTL (CNT-3). */
bool counter_check(struct plan_builder *builder, const struct modify_plan *modify);

/* Run statements that are all about counter tables, as one batch. Increments of one counter add up. */
bool counter_execute(struct plan_run *run, const struct batch_member *members, uint32_t count);

#endif
