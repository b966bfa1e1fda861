/* select_internal.h: a checked SELECT, between the file that makes it and the files that run it. */
#ifndef STRAIT_CQL_SELECT_INTERNAL_H
#define STRAIT_CQL_SELECT_INTERNAL_H

#include "cql/filter.h"
#include "cql/row_walk.h"
#include "cql/selector.h"

struct select_plan {
    struct selection selection;
    struct restrictions restrictions;
    enum walk_kind access;
    bool by_key;                   /* partitions are named: KEYS, or an INDEX within one partition */
    const struct cql_index *index; /* INDEX */
    const struct restriction *index_restriction; /* INDEX: the one it finds rows of */
    const struct restriction **filters;          /* what keys and ranges do not decide */
    uint32_t filter_count;
    struct slot_map map;
    const struct row_copy *copy; /* NULL when rows must go through slots */
    bool grouped;                /* GROUP BY, or aggregates */
    uint32_t group_columns;      /* of the primary key, that make up a group */
    bool names_index;            /* to Cassandra a query by an index, though keys may find the rows */
    bool ordered;                /* ORDER BY was written */
    bool reverse;
    bool distinct;
    bool statics; /* a partition without rows shows its static row (STA-1, STA-2) */
    bool has_limit, has_partition_limit;
    struct plan_term limit, partition_limit;
};

#endif
