#include "cql/select_group.h"

/* ---- make ---- */

static bool group_column(struct plan_builder *builder, const struct ast_name *name,
                         const struct restrictions *restrictions, uint32_t *at)
{
    const struct cql_table *table = builder->table;
    const struct cql_column *column = table_column(table, name->text);
    if (!column)
        return BUILD_REFUSE_AT(builder, name->at, MSG_COLUMN_UNKNOWN_GROUP, name->text, table->keyspace,
                               table->name);
    uint32_t position = (uint32_t)(column - table->columns);
    if (position >= table->partition_count + table->clustering_count)
        return BUILD_REFUSE_AT(builder, name->at, MSG_GROUP_BY_COLUMN, name->text);
    /* Columns that = fixes may be left out. */
    while (*at < position && restrictions_equal(restrictions, &table->columns[*at]))
        ++*at;
    if (*at != position)
        return BUILD_REFUSE_AT(builder, name->at, MSG_GROUP_BY_ORDER);
    ++*at;
    return true;
}

bool group_compile(struct plan_builder *builder, const struct ast_select *ast, struct select_plan *select)
{
    const struct cql_table *table = builder->table;
    uint32_t at = 0;
    for (uint32_t i = 0; i < ast->group_by_count; i++)
        if (!group_column(builder, &ast->group_by[i], &select->restrictions, &at))
            return false;
    bool rest_may_be_fixed = ast->group_by_count && builder->context->target->is_scylla;
    while (rest_may_be_fixed && at < table->partition_count &&
           restrictions_equal(&select->restrictions, &table->columns[at]))
        at++;
    if (ast->group_by_count && at < table->partition_count)
        return BUILD_REFUSE(builder, MSG_GROUP_BY_PARTIAL_KEY);
    if (ast->distinct && at > table->partition_count)
        return BUILD_REFUSE(builder, MSG_DISTINCT_GROUP_CLUSTERING);
    select->group_columns = at;
    select->grouped = ast->group_by_count || select->selection.aggregate_count;
    return true;
}

/* ---- run ---- */

bool groups_init(struct plan_run *run, const struct select_plan *select, uint32_t limit,
                 uint32_t partition_limit, struct row_groups *out_groups)
{
    *out_groups = (struct row_groups){.run = run,
                                      .select = select,
                                      .limit_left = limit,
                                      .partition_limit = partition_limit,
                                      .partition_limit_left = partition_limit};
    out_groups->aggregates =
        arena_calloc(run->scratch, select->selection.aggregate_count + 1, sizeof *out_groups->aggregates);
    if (!out_groups->aggregates)
        return run_nomem(run);
    selection_init_aggregates(&select->selection, run, out_groups->aggregates);
    return slots_init(run, run->plan->table, &select->map, &out_groups->first);
}

static bool same(const struct row_slots *a, const struct row_slots *b, uint32_t columns)
{
    for (uint32_t i = 0; i < columns; i++)
        if (a->items[i].present != b->items[i].present ||
            (a->items[i].present && !slice_equal(a->items[i].value, b->items[i].value)))
            return false;
    return true;
}

static bool begin(struct row_groups *groups, const struct row_slots *slots)
{
    const struct cql_table *table = groups->run->plan->table;
    for (uint32_t i = 0; i < table->column_count; i++)
        if (!slot_copy(groups->run->scratch, &slots->items[i], &groups->first.items[i]))
            return run_nomem(groups->run);
    selection_init_aggregates(&groups->select->selection, groups->run, groups->aggregates);
    groups->open = true;
    return true;
}

static bool end(struct row_groups *groups)
{
    groups->open = false;
    if (!groups->partition_limit_left || !groups->limit_left)
        return true;
    if (groups->limit_left != UINT32_MAX)
        groups->limit_left--;
    if (groups->partition_limit_left != UINT32_MAX)
        groups->partition_limit_left--;
    return selection_emit(&groups->select->selection, groups->run, &groups->first, groups->aggregates);
}

bool groups_add(struct row_groups *groups, const struct row_slots *slots, bool *out_done)
{
    bool continues = groups->open && same(&groups->first, slots, groups->select->group_columns);
    *out_done = false;
    if (!continues && groups->open) {
        bool same_partition = same(&groups->first, slots, groups->run->plan->table->partition_count);
        if (!end(groups))
            return false;
        if (!same_partition)
            groups->partition_limit_left = groups->partition_limit;
        *out_done = !groups->limit_left;
        if (*out_done)
            return true;
    }
    if (!continues && !begin(groups, slots))
        return false;
    return selection_add_row(&groups->select->selection, groups->run, slots, groups->aggregates);
}

bool groups_finish(struct row_groups *groups)
{
    bool always = groups->select->group_columns == 0;
    return groups->open || always ? end(groups) : true;
}
