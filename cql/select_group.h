/*
 * select_group.h: rows folded into groups: GROUP BY, and aggregates over everything (WHR-14, WHR-15).
 *
 * Rows come in the order of the primary key, so a group ends when a column of its prefix changes. Plain columns show the
 * group's first row, which is copied because the walk moves on.
 */
#ifndef STRAIT_CQL_SELECT_GROUP_H
#define STRAIT_CQL_SELECT_GROUP_H

#include "cql/select_internal.h"

struct row_groups {
    struct plan_run *run;
    const struct select_plan *select;
    struct row_slots first;       /* of the group that is open */
    struct aggregate *aggregates; /* scratch */
    bool open;
    uint32_t limit_left, partition_limit; /* UINT32_MAX: none */
    uint32_t partition_limit_left;
};

/* Resolve GROUP BY; before access paths are chosen it needs the restrictions. */
bool group_compile(struct plan_builder *builder, const struct ast_select *ast, struct select_plan *select);

bool groups_init(struct plan_run *run, const struct select_plan *select, uint32_t limit,
                 uint32_t partition_limit, struct row_groups *out_groups);
/* A row that passed the filter. *out_done when LIMIT groups are complete. */
bool groups_add(struct row_groups *groups, const struct row_slots *slots, bool *out_done);
/* Give out the last group; without GROUP BY also when no row came. */
bool groups_finish(struct row_groups *groups);

#endif
