/* index_internal.h: one row before and after a write, and the entries that differ. */
#ifndef STRAIT_CQL_INDEX_INTERNAL_H
#define STRAIT_CQL_INDEX_INTERNAL_H

#include "cql/index.h"

/* A row as readers see it. Images are live ones (row_live()), empty when nothing lives. */
struct index_row {
    const struct cql_table *table;
    struct partition_key key;
    struct slice clustering;
    struct slice before, after;
    struct deletion cover; /* the strongest deletion over it after the write */
};

/* Append to `out` what the change of one row does to every index of its table; of `only`, when it is not NULL. */
bool index_row_changed(struct plan_run *run, const struct index_row *row, const struct cql_index *only,
                       struct batch *out);

#endif
