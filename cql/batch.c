/* batch.c: run several modifications as one: BEGIN BATCH, and the protocol's BATCH. */
#include "cql/batch_internal.h"
#include "cql/condition.h"
#include "cql/consistency.h"
#include "cql/counter.h"
#include "cql/index.h"

static void add_table(struct table_set *set, const struct cql_table *table)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (set->items[i]->store_id == table->store_id)
            return;
    set->items[set->count++] = table;
}

static bool apply_members(struct plan_run *run, enum ast_batch_kind kind, const struct table_set *tables,
                          bool locked)
{
    struct batch *batch = &run->workspace->batch;
    status st = batch_status(batch);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    if (!batch->mutation_count)
        return true;
    if (!batch_check_size(run, batch, tables->items[0]) || !batch_warn(run, batch, kind, tables))
        return false;
    return locked ? index_apply_locked(run, tables->items, tables->count, batch)
                  : index_apply(run, tables->items, tables->count, batch);
}

static bool append_members(struct plan_run *run, const struct batch_member *members, uint32_t count,
                           struct modify_time *time, struct table_set *tables)
{
    batch_clear(&run->workspace->batch);
    for (uint32_t i = 0; i < count; i++) {
        struct plan_run member = *run;
        member.plan = members[i].plan;
        member.values = members[i].values;
        add_table(tables, member.plan->table);
        if (!modify_append(&member, time, &run->workspace->batch))
            return false;
    }
    return true;
}

static bool write_members(struct plan_run *run, enum ast_batch_kind kind, const struct batch_member *members,
                          uint32_t count, struct modify_time *time)
{
    struct table_set tables = {
        .items = arena_alloc(run->scratch, ((size_t)count + 1) * sizeof(const struct cql_table *))};
    struct store_guard guard;
    if (!tables.items)
        return run_nomem(run);
    bool reads = modify_members_read(members, count);
    if (reads && !modify_lock(run, members, count, &guard))
        return false;
    bool done =
        append_members(run, members, count, time, &tables) && apply_members(run, kind, &tables, reads);
    if (reads)
        store_unlock_partitions(run->context->store, &guard);
    return done;
}

static bool run_members(struct plan_run *run, const struct batch_member *members, uint32_t count,
                        const struct batch_facts *facts, struct modify_time *time)
{
    if (!count)
        return true;
    if (facts->counters)
        return counter_execute(run, members, count);
    if (!consistency_check_write(run, facts->conditional))
        return false;
    return facts->conditional ? condition_batch_execute(run, members, count)
                              : write_members(run, facts->kind, members, count, time);
}

bool batch_execute(struct plan_run *run)
{
    const struct batch_plan *batch = run->plan->batch;
    struct batch_facts facts = {.kind = batch->kind};
    struct modify_time time = {0};
    struct batch_member *members = arena_alloc(run->scratch, ((size_t)batch->count + 1) * sizeof *members);
    if (!members)
        return run_nomem(run);
    if (batch->has_timestamp && batch->count &&
        !modify_timestamp(run, &batch->timestamp, &time.timestamp, &time.has_batch_timestamp))
        return false;
    time.known = time.has_batch_timestamp;
    for (uint32_t i = 0; i < batch->count; i++) {
        members[i] = (struct batch_member){batch->members[i], run->values};
        batch_facts_add(&facts, batch->members[0], batch->members[i]);
    }
    return run_members(run, members, batch->count, &facts, &time);
}

bool plan_execute_batch(const struct plan_batch_item *items, uint32_t count, enum ast_batch_kind kind,
                        const struct plan_context *context, const struct cql_params *params,
                        struct arena *scratch, struct cql_result *result, struct cql_error *error)
{
    struct plan_run run = plan_run_of(NULL, context, params, scratch, result, error);
    struct batch_facts facts = {.kind = kind};
    struct batch_member *members = arena_alloc(scratch, ((size_t)count + 1) * sizeof *members);
    struct modify_time time = {0};
    enum cql_message message;
    if (!members)
        return run_nomem(&run);
    result->kind = CQL_RESULT_VOID;
    for (uint32_t i = 0; i < count; i++) {
        members[i].plan = items[i].plan;
        if (items[i].plan->kind != PLAN_MODIFY)
            return RUN_REFUSE(&run, MSG_BATCH_VIRTUAL);
        if (!plan_bind_values(&run, items[i].plan, items[i].values, NULL, items[i].value_count,
                              &members[i].values))
            return false;
        batch_facts_add(&facts, items[0].plan, items[i].plan);
    }
    if (!batch_facts_fit(&facts, context->target, &message))
        return RUN_REFUSE(&run, message);
    return run_members(&run, members, count, &facts, &time);
}
