/*
 * filter.h: restrictions that keys and ranges cannot express, tested on every row.
 */
#ifndef STRAIT_CQL_FILTER_H
#define STRAIT_CQL_FILTER_H

#include "cql/restriction.h"
#include "cql/row_slots.h"

struct filter_test {
    const struct restriction *restriction; /* borrowed: the plan's */
    uint32_t *ordinals;                    /* of its columns */
    struct slice *values; /* any of them for EQ and IN; one otherwise. A tuple's is its wire form */
    uint32_t value_count;
    struct slice key; /* of an entry */
};

struct filter {
    const struct cql_table *table;
    struct filter_test *tests; /* scratch */
    uint32_t count;
    bool never; /* something is compared with null: no row passes (NUL-10) */
};

/* Evaluate the restrictions in `list`. Refuses null where the target does, and unset. */
bool filter_open(struct plan_run *run, const struct cql_table *table, const struct restriction *const *list,
                 uint32_t count, struct filter *out_filter);
bool filter_passes(const struct filter *filter, const struct row_slots *slots);

/* Does `text` match a LIKE pattern: % any run of characters, _ one character, \ takes the next one as it is. */
bool filter_like(struct slice text, struct slice pattern);
/* Is `wanted` an item of the collection in `wire`: of a map, one of its values, or of its keys. */
bool filter_contains(const struct type *type, struct slice wire, struct slice wanted, bool keys);

#endif
