/*
 * batch_plan.c: several modifications as one: BEGIN BATCH, and the protocol's BATCH (BAT-1 to BAT-6).
 */
#include "cql/condition.h"
#include "cql/consistency.h"
#include "cql/index.h"

struct batch_plan {
    enum ast_batch_kind kind;
    struct plan **members; /* arena: the plan's; they share the batch's binds */
    uint32_t count;
    bool has_timestamp;
    struct plan_term timestamp;
};

/* ---- make ---- */

static bool make_member(struct plan_builder *builder, const struct ast_statement *statement,
                        struct plan **out)
{
    struct plan *member = arena_calloc(builder->arena, 1, sizeof *member);
    if (!member)
        return build_nomem(builder);
    *member = *builder->plan;
    struct plan_builder inner = *builder;
    inner.plan = member;
    if (statement->kind != STATEMENT_INSERT && statement->kind != STATEMENT_UPDATE &&
        statement->kind != STATEMENT_DELETE)
        return BUILD_REFUSE(builder, MSG_BATCH_STATEMENT);
    *out = member;
    return modify_plan_make(&inner, statement) &&
           (member->kind == PLAN_MODIFY || BUILD_REFUSE(builder, MSG_BATCH_STATEMENT));
}

static bool check_timestamps(struct plan_builder *builder, const struct batch_plan *batch)
{
    for (uint32_t i = 0; i < batch->count && batch->has_timestamp; i++) {
        if (batch->members[i]->modify->condition)
            return BUILD_REFUSE(builder, MSG_BATCH_TIMESTAMP_CONDITIONAL);
        if (batch->members[i]->modify->has_timestamp)
            return BUILD_REFUSE(builder, MSG_BATCH_TIMESTAMP_TWICE);
    }
    return true;
}

bool batch_plan_make(struct plan_builder *builder, const struct ast_batch *ast)
{
    struct batch_plan *batch = arena_calloc(builder->arena, 1, sizeof *batch);
    if (!batch)
        return build_nomem(builder);
    batch->kind = ast->kind;
    batch->count = ast->statement_count;
    batch->members = arena_calloc(builder->arena, ast->statement_count + 1, sizeof(struct plan *));
    if (!batch->members)
        return build_nomem(builder);
    if (ast->kind == BATCH_COUNTER)
        return BUILD_REFUSE(builder, MSG_NOT_SUPPORTED, "counter batches");
    if (ast->using_.ttl)
        return BUILD_REFUSE(builder, MSG_BATCH_TTL);
    builder->plan->kind = PLAN_BATCH;
    for (uint32_t i = 0; i < batch->count; i++)
        if (!make_member(builder, ast->statements[i], &batch->members[i]))
            return false;
    batch->has_timestamp = ast->using_.timestamp;
    if (batch->count) {
        builder->table = builder->plan->table = batch->members[0]->table;
        if (batch->has_timestamp && !term_compile(builder, ast->using_.timestamp, "[timestamp]",
                                                  type_scalar(TYPE_BIGINT), &batch->timestamp))
            return false;
    }
    builder->plan->batch = batch;
    return check_timestamps(builder, batch);
}

/* ---- run ---- */

/* Distinct tables of the members, in the scratch arena. */
struct table_set {
    const struct cql_table **items;
    uint32_t count;
};

static void add_table(struct table_set *set, const struct cql_table *table)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (set->items[i]->store_id == table->store_id)
            return;
    set->items[set->count++] = table;
}

/* BAT-4: only batches that span partitions are measured. */
static bool check_size(struct plan_run *run, const struct batch *batch, const struct table_set *tables)
{
    const struct cql_target *target = run->context->target;
    struct reader in = reader_of(buffer_slice(&batch->bytes));
    struct mutation first, mutation;
    bool more, spans = false;
    status st = mutation_next(&in, &first, &more);
    while (ok(st) && more && !spans) {
        st = mutation_next(&in, &mutation, &more);
        spans = ok(st) && more &&
                (mutation.table_id != first.table_id || !slice_equal(mutation.key.bytes, first.key.bytes));
    }
    if (failed(st))
        return cql_refuse_status(run->error, st);
    size_t bytes = batch->bytes.bytes;
    if (!spans)
        return true;
    if (target->batch_fail_bytes && bytes > target->batch_fail_bytes)
        return RUN_REFUSE(run, MSG_BATCH_TOO_LARGE);
    if (target->batch_warn_bytes && bytes > target->batch_warn_bytes) {
        buffer_printf(&run->result->warnings,
                      "Batch for [%s.%s] is of size %zu, exceeding specified threshold of %llu by %llu.",
                      tables->items[0]->keyspace, tables->items[0]->name, bytes,
                      (unsigned long long)target->batch_warn_bytes,
                      (unsigned long long)(bytes - target->batch_warn_bytes));
        buffer_append_u8(&run->result->warnings, 0);
    }
    return true;
}

static bool apply_members(struct plan_run *run, const struct table_set *tables)
{
    struct batch *batch = &run->workspace->batch;
    status st = batch_status(batch);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    if (!batch->mutation_count)
        return true;
    return check_size(run, batch, tables) && index_apply(run, tables->items, tables->count, batch);
}

static bool is_conditional(const struct batch_member *members, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (members[i].plan->modify->condition)
            return true;
    return false;
}

static bool run_members(struct plan_run *run, const struct batch_member *members, uint32_t count,
                        struct modify_time *time)
{
    struct table_set tables = {
        .items = arena_alloc(run->scratch, ((size_t)count + 1) * sizeof(const struct cql_table *))};
    if (!tables.items)
        return run_nomem(run);
    bool conditional = is_conditional(members, count);
    if (!consistency_check_write(run, conditional))
        return false;
    if (conditional)
        return condition_batch_execute(run, members, count);
    batch_clear(&run->workspace->batch);
    for (uint32_t i = 0; i < count; i++) {
        struct plan_run member = *run;
        member.plan = members[i].plan;
        member.values = members[i].values;
        add_table(&tables, member.plan->table);
        if (!modify_append(&member, time, &run->workspace->batch))
            return false;
    }
    return apply_members(run, &tables);
}

bool batch_execute(struct plan_run *run)
{
    const struct batch_plan *batch = run->plan->batch;
    struct modify_time time = {0};
    struct batch_member *members = arena_alloc(run->scratch, ((size_t)batch->count + 1) * sizeof *members);
    if (!members)
        return run_nomem(run);
    if (batch->has_timestamp && batch->count &&
        !modify_timestamp(run, &batch->timestamp, &time.timestamp, &time.has_batch_timestamp))
        return false;
    time.known = time.has_batch_timestamp;
    for (uint32_t i = 0; i < batch->count; i++)
        members[i] = (struct batch_member){batch->members[i], run->values};
    return run_members(run, members, batch->count, &time);
}

bool plan_execute_batch(const struct plan_batch_item *items, uint32_t count, enum ast_batch_kind kind,
                        const struct plan_context *context, const struct cql_params *params,
                        struct arena *scratch, struct cql_result *result, struct cql_error *error)
{
    struct plan_run run = plan_run_of(NULL, context, params, scratch, result, error);
    struct batch_member *members = arena_alloc(scratch, ((size_t)count + 1) * sizeof *members);
    struct modify_time time = {0};
    if (!members)
        return run_nomem(&run);
    if (kind == BATCH_COUNTER)
        return RUN_REFUSE(&run, MSG_NOT_SUPPORTED, "counter batches");
    result->kind = CQL_RESULT_VOID;
    for (uint32_t i = 0; i < count; i++) {
        members[i].plan = items[i].plan;
        if (items[i].plan->kind != PLAN_MODIFY)
            return RUN_REFUSE(&run, MSG_BATCH_STATEMENT);
        if (!plan_bind_values(&run, items[i].plan, items[i].values, NULL, items[i].value_count,
                              &members[i].values))
            return false;
    }
    return run_members(&run, members, count, &time);
}
