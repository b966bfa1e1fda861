/*
 * condition_answer.c: the rows that a conditional statement or batch answers with (LWT-1 to LWT-3).
 *
 * ScyllaDB answers with one row for each statement, in their order and always with the same columns: the row as it was before,
 * all null when there was none. In a table with static columns, where the row is not there but its partition is, its key and
 * static columns are shown.
 *
 * Cassandra answers with [applied] alone when it applied, and else with the rows that were read, each once and in the order
 * of the table; when no row lives, with the static row; and with [applied] alone when there is nothing at all.
 */
#include "cql/condition_internal.h"

static bool append_row(const struct cas *cas, bool applied, const struct row_slot *items,
                       const uint32_t *shown, uint32_t count)
{
    struct cql_result *result = cas->run->result;
    uint8_t flag = applied;
    cql_result_cell(result, slice_of(&flag, 1));
    for (uint32_t i = 0; i < count; i++) {
        if (items && items[shown[i]].present)
            cql_result_cell(result, items[shown[i]].value);
        else
            cql_result_null(result);
    }
    result->row_count++;
    return result->rows.failed ? run_nomem(cas->run) : true;
}

const struct row_slot *cas_old_row(const struct cas *cas, const struct cas_member *member)
{
    const struct cas_row *row = cas_row_of(cas, member);
    const struct condition_plan *plan = member->condition;
    bool exact = plan && (plan->exists || plan->not_exists) && !member->about_static;
    if (row)
        return row->items;
    return !exact && cas->table->static_count && cas_partition_lives(cas) ? cas->statics : NULL;
}

static bool answer_each(const struct cas *cas, bool applied, const uint32_t *shown, uint32_t count)
{
    for (uint32_t i = 0; i < cas->member_count; i++)
        if (!append_row(cas, applied, cas_old_row(cas, &cas->members[i]), shown, count))
            return false;
    return true;
}

static bool answer_read(const struct cas *cas, const uint32_t *shown, uint32_t count)
{
    uint32_t lives = 0;
    for (uint32_t i = 0; i < cas->row_count; i++) {
        if (!cas->rows[i].lives)
            continue;
        lives++;
        if (!append_row(cas, false, cas->rows[i].items, shown, count))
            return false;
    }
    return lives || append_row(cas, false, cas->statics, shown, count);
}

static bool columns_of(const struct cas *cas, struct cql_column_spec **out_columns, uint32_t **out_shown,
                       uint32_t *out_shown_count)
{
    const struct condition_plan *plan = cas->members[0].condition;
    if (!cas->is_batch) {
        *out_columns = plan->columns;
        *out_shown = plan->shown;
        *out_shown_count = plan->shown_count;
        return true;
    }
    const struct plan **members = arena_alloc(cas->run->scratch, cas->member_count * sizeof *members);
    if (!members)
        return run_nomem(cas->run);
    for (uint32_t i = 0; i < cas->member_count; i++)
        members[i] = cas->members[i].run.plan;
    return condition_batch_columns(&cas->run->result->arena, cas->run->context->target, members,
                                   cas->member_count, out_columns, out_shown, out_shown_count) ||
           run_nomem(cas->run);
}

bool cas_answer(const struct cas *cas, bool applied)
{
    struct cql_result *result = cas->run->result;
    struct cql_column_spec *columns;
    uint32_t *shown, count;
    if (!columns_of(cas, &columns, &shown, &count))
        return false;
    bool each = cas->run->context->target->is_scylla;
    bool values = each || (!applied && cas_partition_lives(cas));
    result->kind = CQL_RESULT_ROWS;
    result->columns = columns;
    result->column_count = 1 + (values ? count : 0);
    if (each)
        return answer_each(cas, applied, shown, count);
    return values ? answer_read(cas, shown, count) : append_row(cas, applied, NULL, NULL, 0);
}
