/* batch_plan.c: what may stand in one batch (BAT-1 to BAT-6, CNT-4). */
#include "cql/batch_internal.h"
#include "cql/condition.h"
#include "cql/using.h"

void batch_facts_add(struct batch_facts *facts, const struct plan *first, const struct plan *member)
{
    bool counts = table_counts(member->table);
    facts->counters |= counts;
    facts->others |= !counts;
    facts->conditional |= member->modify->condition != NULL;
    facts->members_timestamped |= member->modify->has_timestamp;
    facts->several_tables |= member->table->store_id != first->table->store_id;
}

bool batch_facts_fit(const struct batch_facts *facts, const struct cql_target *target,
                     enum cql_message *out_message)
{
    bool counter = facts->kind == BATCH_COUNTER, logged = facts->kind == BATCH_LOGGED;
    bool mixed = facts->counters && facts->others;
    const struct {
        bool wrong;
        enum cql_message message;
    } checks[] = {
        {facts->has_timestamp && facts->conditional, MSG_BATCH_TIMESTAMP_CONDITIONAL},
        {facts->has_timestamp && counter, MSG_BATCH_TIMESTAMP_COUNTER},
        {facts->has_timestamp && facts->members_timestamped, MSG_BATCH_TIMESTAMP_TWICE},
        {facts->has_timestamp && facts->counters, MSG_BATCH_TIMESTAMP_COUNTERS},
        {counter && facts->others, MSG_BATCH_COUNTER_ONLY},
        /* ScyllaDB minds the log first, Cassandra the mixture. */
        {logged && facts->counters && target->is_scylla, MSG_BATCH_COUNTER_IN_LOGGED},
        {mixed, MSG_BATCH_COUNTER_MIXED},
        {logged && facts->counters, MSG_BATCH_COUNTER_IN_LOGGED},
        {facts->conditional && facts->several_tables, MSG_BATCH_CONDITION_TABLES},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (checks[i].wrong) {
            *out_message = checks[i].message;
            return false;
        }
    return true;
}

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
           (member->kind == PLAN_MODIFY || BUILD_REFUSE(builder, MSG_BATCH_VIRTUAL));
}

static bool check_members(struct plan_builder *builder, const struct batch_plan *batch)
{
    struct batch_facts facts = {.kind = batch->kind, .has_timestamp = batch->has_timestamp};
    enum cql_message message;
    for (uint32_t i = 0; i < batch->count; i++)
        batch_facts_add(&facts, batch->members[0], batch->members[i]);
    return batch_facts_fit(&facts, builder->context->target, &message) || BUILD_REFUSE(builder, message);
}

/* ScyllaDB tells the columns of the answer when the batch is prepared. */
static bool make_answer(struct plan_builder *builder, const struct batch_plan *batch)
{
    uint32_t *shown, count;
    struct cql_column_spec *columns;
    bool conditional = false;
    for (uint32_t i = 0; i < batch->count; i++)
        conditional |= batch->members[i]->modify->condition != NULL;
    if (!conditional || !builder->context->target->is_scylla)
        return true;
    if (!condition_batch_columns(builder->arena, builder->context->target,
                                 (const struct plan *const *)batch->members, batch->count, &columns, &shown,
                                 &count))
        return build_nomem(builder);
    builder->plan->columns = columns;
    builder->plan->column_count = count + 1;
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
    builder->plan->kind = PLAN_BATCH;
    for (uint32_t i = 0; i < batch->count; i++)
        if (!make_member(builder, ast->statements[i], &batch->members[i]))
            return false;
    if (ast->using_.ttl)
        return BUILD_REFUSE(builder, MSG_BATCH_TTL);
    batch->has_timestamp = ast->using_.timestamp;
    if (batch->count)
        builder->table = batch->members[0]->table;
    if (!using_compile_timeout(builder, &ast->using_))
        return false;
    if (batch->count) {
        builder->table = builder->plan->table = batch->members[0]->table;
        if (batch->has_timestamp && !term_compile(builder, ast->using_.timestamp, "[timestamp]",
                                                  type_scalar(TYPE_BIGINT), &batch->timestamp))
            return false;
    }
    builder->plan->batch = batch;
    return check_members(builder, batch) && make_answer(builder, batch);
}
