/*
 * index_check.h: is an index or a view what its base says it should be? Rows of strait.index_check.
 *
 * Every row of the base and every entry is read; writers are kept off one partition at a time.
 */
#ifndef STRAIT_CQL_INDEX_CHECK_H
#define STRAIT_CQL_INDEX_CHECK_H

#include "cql/plan.h"

struct index_check {
    uint64_t expected; /* entries that there should be */
    uint64_t missing;  /* of these: not there, or living for another time */
    uint64_t ghosts;   /* there, and of no row */
};

/* False with the error set when the store could not be read. */
bool index_check(const struct plan_context *context, const struct cql_index *index, struct index_check *out,
                 struct cql_error *error);
bool view_check(const struct plan_context *context, const struct cql_table *view, struct index_check *out,
                struct cql_error *error);

#endif
