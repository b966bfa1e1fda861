/*
 * aggregate.h: count, min, max, sum and avg over the rows of a SELECT.
 *
 * sum and avg have the type of their argument; an average of whole numbers is cut to a whole number (FUN-7). Over no rows
 * count, sum and avg are 0, min and max are null (WHR-14).
 */
#ifndef STRAIT_CQL_AGGREGATE_H
#define STRAIT_CQL_AGGREGATE_H

#include "cql/result.h"

enum aggregate_kind {
    AGGREGATE_COUNT_ALL,
    AGGREGATE_COUNT,
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_SUM,
    AGGREGATE_AVG,
};

__extension__ typedef __int128 aggregate_whole;

struct aggregate {
    enum aggregate_kind kind;
    const struct type *type; /* of the argument; NULL for COUNT_ALL */
    struct arena
        *arena; /* borrowed: the request's; keeps the least or greatest value, or a sum of any size */
    int64_t count;
    aggregate_whole whole;
    double floating;
    struct slice best;
    size_t best_capacity_bytes;
    bool failed;
    bool overflows; /* the sum has too many digits */
    bool runs;      /* of decimals: `best` is the average so far, not the sum */
};

/* What it returns for an argument of `type`; NULL when it cannot be applied to one. `all`: durations may be compared, and
 * what counters add up to is a counter. */
const struct type *aggregate_type(enum aggregate_kind kind, const struct type *type, bool all);

void aggregate_init(struct aggregate *aggregate, enum aggregate_kind kind, const struct type *type,
                    struct arena *arena, bool runs);
/* One row's value; nulls are passed over but by COUNT_ALL. */
void aggregate_add(struct aggregate *aggregate, struct cql_value value);
/* The result, in the arena; wraps around where the target does, false when it refuses an overflow. */
bool aggregate_result(const struct aggregate *aggregate, bool wrap, struct cql_value *out_value);

#endif
