/*
 * select_plan.c: how a SELECT finds its rows, or why it may not (WHR, ORD, STA-6).
 */
#include "cql/index.h"
#include "cql/select_group.h"
#include "cql/using.h"

/* ---- access path ---- */

/* Which restrictions do keys and ranges not decide? With nothing but part of a partition key, none are decided. */
static uint32_t undecided(const struct restrictions *restrictions, const struct restriction **out)
{
    uint32_t count = 0;
    bool anchored = restrictions->partition_complete;
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        if (!r->token && (!anchored || !restriction_in_key(restrictions, r)))
            out[count++] = r;
    }
    return count;
}

/* A local index finds rows of one partition. */
static bool usable(const struct restrictions *restrictions, const struct cql_index *index)
{
    return !index->is_local || (restrictions->partition_complete && !restrictions->partition_in);
}

/* The index to walk and the restriction it finds rows of: of several the first, and of one column's a local one (IDX-1). */
static const struct cql_index *find_index(const struct restrictions *restrictions,
                                          const struct restriction **list, uint32_t count,
                                          const struct restriction **out_restriction)
{
    const struct cql_table *table = restrictions->table;
    const struct cql_index *found = NULL;
    for (uint32_t i = 0; i < count && !found; i++)
        for (uint32_t j = 0; j < table->index_count; j++) {
            const struct cql_index *index = table->indexes[j];
            if (!usable(restrictions, index) || !index_finds(index, list[i]) || (found && !index->is_local))
                continue;
            found = index;
            *out_restriction = list[i];
        }
    return found;
}

/* Does an index stand for the restriction, so that it needs no ALLOW FILTERING? Beside the index that is walked only those of
 * StorageAttachedIndex count, and they serve ranges too. */
static bool is_served(const struct restriction *restriction, const struct cql_table *table,
                      const struct cql_index *walked)
{
    if (walked && index_serves(walked, restriction))
        return true;
    for (uint32_t i = 0; i < table->index_count; i++)
        if (table->indexes[i]->is_sai && index_serves(table->indexes[i], restriction))
            return true;
    return false;
}

static bool all_served(const struct restriction **list, uint32_t count, const struct cql_table *table,
                       const struct cql_index *walked)
{
    for (uint32_t i = 0; i < count; i++)
        if (!is_served(list[i], table, walked))
            return false;
    return true;
}

/* `indexed`: an index serves one of the restrictions, so that a gap in the clustering key is not what is wrong. */
static bool refuse_filtering(struct plan_builder *builder, const struct restrictions *restrictions,
                             bool indexed)
{
    if (restrictions->partition_other)
        return BUILD_REFUSE(builder, MSG_PARTITION_KEY_EQ_IN);
    if (restrictions->clustering_beyond && !indexed)
        return restrictions_check_prefix(builder, restrictions);
    return BUILD_REFUSE(builder, MSG_ALLOW_FILTERING);
}

static bool check_after_slice(struct plan_builder *builder, const struct restrictions *restrictions)
{
    bool beyond_slice = restrictions->clustering_beyond && restrictions->clustering_slice;
    return beyond_slice ? restrictions_check_prefix(builder, restrictions) : true;
}

static bool choose_index(struct plan_builder *builder, struct select_plan *select, bool allow_filtering,
                         const struct cql_index *index, const struct restriction **list, uint32_t count)
{
    if (!allow_filtering && !all_served(list, count, builder->table, index))
        return refuse_filtering(builder, &select->restrictions,
                                index->column->kind == COLUMN_CLUSTERING ||
                                    !builder->context->target->is_scylla);
    select->access = WALK_INDEX;
    select->index = index;
    return true;
}

/* Could an index find rows of any restriction at all? */
static bool names_index(const struct restrictions *restrictions)
{
    const struct cql_table *table = restrictions->table;
    for (uint32_t i = 0; i < restrictions->count; i++)
        for (uint32_t j = 0; j < table->index_count; j++)
            if (index_serves(table->indexes[j], &restrictions->items[i]))
                return true;
    return false;
}

static bool choose_access(struct plan_builder *builder, struct select_plan *select, bool allow_filtering)
{
    const struct restrictions *restrictions = &select->restrictions;
    const struct restriction **list =
        arena_calloc(builder->arena, restrictions->count + 1, sizeof(const struct restriction *));
    if (!list)
        return build_nomem(builder);
    uint32_t count = undecided(restrictions, list);
    select->by_key = restrictions->partition_complete;
    select->access = select->by_key ? WALK_KEYS : WALK_SCAN;
    if (!count)
        return true;
    if (!allow_filtering && !check_after_slice(builder, restrictions))
        return false;
    const struct cql_index *index = find_index(restrictions, list, count, &select->index_restriction);
    if (index && !(restrictions->partition_complete && restrictions->partition_in))
        return choose_index(builder, select, allow_filtering, index, list, count);
    bool is_scylla = builder->context->target->is_scylla;
    if (is_scylla && !allow_filtering && index)
        return BUILD_REFUSE(builder, MSG_INDEX_WITH_IN);
    /* To Cassandra the query is one by an index even when the index is on part of a key that is known. */
    select->names_index = !is_scylla && names_index(restrictions);
    if (select->names_index && restrictions->partition_in)
        return BUILD_REFUSE(builder, MSG_INDEX_WITH_IN);
    if (allow_filtering || all_served(list, count, builder->table, NULL))
        return true;
    return refuse_filtering(builder, restrictions, false);
}

static bool collect_filters(struct plan_builder *builder, struct select_plan *select)
{
    const struct restrictions *restrictions = &select->restrictions;
    select->filters =
        arena_calloc(builder->arena, restrictions->count + 1, sizeof(const struct restriction *));
    if (!select->filters)
        return build_nomem(builder);
    for (uint32_t i = 0; i < restrictions->count; i++) {
        const struct restriction *r = &restrictions->items[i];
        bool decided = r->token || (select->access != WALK_INDEX && restriction_in_key(restrictions, r));
        if (!decided)
            select->filters[select->filter_count++] = r;
    }
    return true;
}

static bool make_map(struct plan_builder *builder, struct select_plan *select)
{
    if (!slot_map_make(builder->arena, builder->table, &select->map))
        return build_nomem(builder);
    select->map.clustering =
        select->selection.clustering || select->group_columns > builder->table->partition_count;
    for (uint32_t i = 0; i < select->filter_count; i++)
        select->map.clustering |= select->filters[i]->columns[0]->kind == COLUMN_CLUSTERING;
    return true;
}

/* May rows be copied as they stand? Then every live row that the walk comes to is a row of the result. */
static bool choose_copy(struct plan_builder *builder, struct select_plan *select)
{
    bool rows_only = !builder->table->view && !select->filter_count && !select->grouped &&
                     !select->distinct && (select->access == WALK_KEYS || select->access == WALK_SCAN);
    if (!rows_only || row_copy_make(builder->arena, builder->table, &select->selection, &select->copy))
        return true;
    return build_nomem(builder);
}

/* ---- ORDER BY ---- */

static bool order_column(struct plan_builder *builder, const struct select_plan *select,
                         const struct ast_ordering *ordering, uint32_t *position, bool *out_reversed)
{
    const struct cql_table *table = builder->table;
    const char *name = ordering->column.text;
    const struct cql_column *column = table_column(table, name);
    if (!column)
        return BUILD_REFUSE_AT(builder, ordering->column.at, MSG_COLUMN_UNKNOWN_ORDER, name, table->keyspace,
                               table->name);
    if (column->kind != COLUMN_CLUSTERING)
        return BUILD_REFUSE_AT(builder, ordering->column.at, MSG_ORDER_COLUMN, name);
    /* Columns that are fixed by = may be left out. */
    while (*position < column->position &&
           restrictions_equal(&select->restrictions, &table->columns[table->partition_count + *position]))
        ++*position;
    if (column->position != *position)
        return BUILD_REFUSE_AT(builder, ordering->column.at, MSG_ORDER_SEQUENCE);
    ++*position;
    *out_reversed = ordering->descending != column->descending;
    return true;
}

static bool compile_order(struct plan_builder *builder, const struct ast_select *ast,
                          struct select_plan *select)
{
    if (!ast->order_by_count)
        return true;
    if (select->access == WALK_INDEX || select->names_index)
        return BUILD_REFUSE(builder, MSG_ORDER_WITH_INDEX);
    if (!select->restrictions.partition_complete)
        return BUILD_REFUSE(builder, MSG_ORDER_NEEDS_KEY);
    uint32_t position = 0;
    for (uint32_t i = 0; i < ast->order_by_count; i++) {
        bool reversed;
        if (!order_column(builder, select, &ast->order_by[i], &position, &reversed))
            return false;
        if (i && reversed != select->reverse)
            return BUILD_REFUSE(builder, MSG_ORDER_DIRECTION);
        select->reverse = reversed;
    }
    select->ordered = true;
    return true;
}

/* ---- DISTINCT and limits ---- */

/* Does any of the selectors look at the column? */
static bool mentions(const struct selector *selectors, uint32_t count, uint32_t ordinal)
{
    for (uint32_t i = 0; i < count; i++)
        if ((selectors[i].kind == SELECT_COLUMN && selectors[i].ordinal == ordinal) ||
            mentions(selectors[i].arguments, selectors[i].argument_count, ordinal))
            return true;
    return false;
}

static bool check_distinct(struct plan_builder *builder, const struct select_plan *select)
{
    const struct cql_table *table = builder->table;
    const struct selection *selection = &select->selection;
    for (uint32_t i = 0; i < selection->count; i++) {
        const struct selector *selector = &selection->items[i];
        enum column_kind kind = table->columns[selector->ordinal].kind;
        if (selector->kind == SELECT_COLUMN && kind != COLUMN_PARTITION && kind != COLUMN_STATIC)
            return BUILD_REFUSE(builder, MSG_DISTINCT_COLUMNS, selector->name);
    }
    if (selection->clustering || selection->regulars)
        return BUILD_REFUSE(builder, MSG_DISTINCT_COLUMNS, "functions of others");
    for (uint32_t i = 0; i < select->restrictions.count; i++) {
        enum column_kind kind = select->restrictions.items[i].columns[0]->kind;
        bool allowed =
            kind == COLUMN_PARTITION || (kind == COLUMN_STATIC && !builder->context->target->is_scylla);
        if (!allowed)
            return BUILD_REFUSE(builder, MSG_DISTINCT_RESTRICTION);
    }
    for (uint32_t k = 0; k < table->partition_count && !select->restrictions.partition_complete; k++)
        if (!mentions(selection->items, selection->count, k))
            return BUILD_REFUSE(builder, MSG_DISTINCT_ALL_KEYS, table->columns[k].name);
    return true;
}

/* A clustering column says nothing about static columns alone. */
static bool check_statics(struct plan_builder *builder, const struct select_plan *select)
{
    const struct selection *selection = &select->selection;
    bool only_statics =
        selection->statics && !selection->all && !selection->regulars && !selection->clustering;
    return only_statics && select->restrictions.clustering ? BUILD_REFUSE(builder, MSG_STATIC_CLUSTERING)
                                                           : true;
}

static bool compile_limits(struct plan_builder *builder, const struct ast_select *ast,
                           struct select_plan *select)
{
    const struct type *type = type_scalar(TYPE_INT);
    select->has_partition_limit = ast->per_partition_limit;
    if (select->has_partition_limit) {
        if (ast->distinct)
            return BUILD_REFUSE(builder, MSG_PER_PARTITION_LIMIT_DISTINCT);
        if (select->selection.aggregate_count && !ast->group_by_count)
            return BUILD_REFUSE(builder, MSG_PER_PARTITION_LIMIT_AGGREGATE);
        if (!term_compile(builder, ast->per_partition_limit, "[per_partition_limit]", type,
                          &select->partition_limit))
            return false;
    }
    select->has_limit = ast->limit;
    return ast->limit ? term_compile(builder, ast->limit, "[limit]", type, &select->limit) : true;
}

/* STA-2: which partitions without rows show themselves. */
static bool shows_statics(const struct plan_builder *builder, const struct select_plan *select)
{
    const struct selection *selection = &select->selection;
    bool of_rows = select->access == WALK_INDEX && select->index->column->kind != COLUMN_STATIC;
    if (!builder->table->static_count || select->restrictions.clustering || of_rows)
        return false;
    if (builder->context->target->empty_static_row_shown || selection->all || selection->statics)
        return true;
    for (uint32_t i = 0; i < selection->count; i++)
        if (selection->items[i].kind == SELECT_AGGREGATE &&
            selection->items[i].call.function->aggregate == AGGREGATE_COUNT_ALL)
            return true;
    return false;
}

/* ---- the whole ---- */

bool select_plan_make(struct plan_builder *builder, const struct ast_select *ast)
{
    struct select_plan *select = arena_calloc(builder->arena, 1, sizeof *select);
    builder->table = plan_find_table(builder, &ast->table);
    if (!builder->table)
        return false;
    if (!select)
        return build_nomem(builder);
    select->distinct = ast->distinct;
    if (!selection_compile(builder, ast, &select->selection) ||
        !restrictions_compile(builder, ast->where, ast->where_count, MSG_COLUMN_UNKNOWN_WHERE,
                              &select->restrictions) ||
        (select->distinct && !check_distinct(builder, select)) || !check_statics(builder, select) ||
        !group_compile(builder, ast, select) || !choose_access(builder, select, ast->allow_filtering) ||
        !collect_filters(builder, select) || !make_map(builder, select) || !choose_copy(builder, select) ||
        !compile_order(builder, ast, select) || !compile_limits(builder, ast, select) ||
        !using_compile_timeout(builder, &ast->using_))
        return false;
    select->statics = shows_statics(builder, select);
    restrictions_note_binds(builder, &select->restrictions);
    if (!restrictions_note_points(builder, &select->restrictions))
        return false;
    builder->plan->kind = PLAN_SELECT;
    builder->plan->table = builder->table;
    builder->plan->select = select;
    return true;
}
