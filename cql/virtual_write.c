/*
 * virtual_write.c: an INSERT or DELETE of one row of a virtual table, which tells it to do something.
 */
#include "cql/modify_internal.h"
#include "cql/virtual.h"

static bool refuse(struct plan_builder *builder)
{
    const struct cql_table *table = builder->table;
    return BUILD_REFUSE(builder, MSG_VIRTUAL_WRITE, table->keyspace, table->name,
                        "an INSERT or a DELETE of one whole row, without conditions, timestamp and TTL");
}

bool virtual_write_check(struct plan_builder *builder, const struct modify_plan *modify)
{
    bool whole =
        modify->kind == STATEMENT_INSERT || (modify->kind == STATEMENT_DELETE && !modify->cell_count);
    if (!whole || modify->condition || modify->has_timestamp || modify->has_ttl)
        return refuse(builder);
    const struct cql_table *table = builder->table;
    for (uint32_t i = 0; i < table->partition_count + table->clustering_count; i++)
        if (!restrictions_equal(&modify->keys, &table->columns[i]))
            return refuse(builder);
    return true;
}

static bool give_value(struct plan_run *run, struct cql_value *values, const struct cql_column *column,
                       const struct plan_term *term)
{
    struct cql_value *value = &values[column - run->plan->table->columns];
    if (!term_value(term, run, value))
        return false;
    if (value->kind != CQL_VALUE)
        value->kind = CQL_NULL;
    return true;
}

struct virtual_context virtual_context_of(const struct plan_run *run)
{
    return (struct virtual_context){
        .catalog = run->context->catalog,
        .store = run->context->store,
        .target = run->context->target,
        .profile = run->context->profile,
        .database = run->context->database,
    };
}

bool virtual_write_execute(struct plan_run *run)
{
    const struct cql_table *table = run->plan->table;
    const struct modify_plan *modify = run->plan->modify;
    struct cql_value *values = arena_calloc(run->scratch, table->column_count, sizeof *values);
    if (!values)
        return run_nomem(run);
    for (uint32_t i = 0; i < table->column_count; i++)
        values[i].kind = CQL_NULL;
    for (uint32_t i = 0; i < modify->keys.count; i++)
        if (!give_value(run, values, modify->keys.items[i].columns[0], &modify->keys.items[i].value))
            return false;
    for (uint32_t i = 0; i < modify->cell_count; i++)
        if (!give_value(run, values, modify->cells[i].column, &modify->cells[i].value))
            return false;
    struct virtual_context context = virtual_context_of(run);
    struct virtual_write write = {.deletes = modify->kind == STATEMENT_DELETE,
                                  .table = table,
                                  .values = values,
                                  .scratch = run->scratch,
                                  .result = run->result};
    run->result->kind = CQL_RESULT_VOID;
    return table->virtual_->write(&context, &write, run->error);
}
