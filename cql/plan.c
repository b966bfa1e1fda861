#include "cql/plan.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "cql/plan_internal.h"
#include "cql/using.h"

#define FINGERPRINT_SEED UINT64_C(0x706c616e)

enum {
    WORKSPACE_BUFFERS = 16,
};

struct plan_workspace *plan_workspace_new(void)
{
    struct plan_workspace *workspace = calloc(1, sizeof *workspace);
    if (workspace) {
        row_builder_reset(&workspace->row);
        row_builder_reset(&workspace->static_row);
        row_builder_reset(&workspace->entry);
    }
    return workspace;
}

static void workspace_buffers(struct plan_workspace *workspace, struct buffer *out_buffers[WORKSPACE_BUFFERS])
{
    struct buffer *buffers[WORKSPACE_BUFFERS] = {
        &workspace->image,       &workspace->key,
        &workspace->live,        &workspace->static_live,
        &workspace->wire,        &workspace->head,
        &workspace->value,       &workspace->old_row,
        &workspace->merged_row,  &workspace->new_row,
        &workspace->entry_key,   &workspace->entry_image,
        &workspace->batch.bytes, &workspace->index_batch.bytes,
        &workspace->elements,    &workspace->static_elements,
    };
    memcpy(out_buffers, buffers, sizeof buffers);
}

void plan_workspace_trim(struct plan_workspace *workspace, size_t kept_bytes)
{
    struct buffer *buffers[WORKSPACE_BUFFERS];
    workspace_buffers(workspace, buffers);
    for (size_t i = 0; i < WORKSPACE_BUFFERS; i++)
        if (buffers[i]->capacity_bytes > kept_bytes)
            buffer_deinit(buffers[i]);
}

void plan_workspace_free(struct plan_workspace *workspace)
{
    if (!workspace)
        return;
    plan_workspace_trim(workspace, 0);
    row_builder_deinit(&workspace->row);
    row_builder_deinit(&workspace->static_row);
    row_builder_deinit(&workspace->entry);
    free(workspace);
}

/* ---- make ---- */

const struct cql_table *plan_find_table(struct plan_builder *builder, const struct ast_table_name *name)
{
    const struct plan_context *context = builder->context;
    const char *keyspace = name->keyspace.text ? name->keyspace.text : context->keyspace;
    if (!keyspace) {
        BUILD_REFUSE(builder, MSG_KEYSPACE_MISSING);
        return NULL;
    }
    if (!catalog_keyspace(context->catalog, keyspace)) {
        BUILD_REFUSE_AT(builder, name->keyspace.at, MSG_NO_KEYSPACE, keyspace);
        return NULL;
    }
    const struct cql_table *table = catalog_table(context->catalog, keyspace, name->name.text);
    if (!table)
        BUILD_REFUSE_AT(builder, name->name.at, MSG_NO_TABLE, name->name.text);
    return table;
}

static bool make_binds(struct plan_builder *builder)
{
    struct plan *plan = builder->plan;
    plan->bind_count = builder->statement->bind_count;
    plan->binds = arena_calloc(builder->arena, plan->bind_count + 1, sizeof *plan->binds);
    return plan->binds ? true : build_nomem(builder);
}

static bool make_kind(struct plan_builder *builder)
{
    const struct ast_statement *statement = builder->statement;
    switch (statement->kind) {
    case STATEMENT_SELECT: return select_plan_make(builder, &statement->select);
    case STATEMENT_INSERT:
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE: return modify_plan_make(builder, statement);
    case STATEMENT_BATCH: return batch_plan_make(builder, &statement->batch);
    default: return BUILD_REFUSE(builder, MSG_INTERNAL, "not a data statement");
    }
}

/* A marker that analysis has not come across would have no type: our own mistake, told instead of guessed. */
static bool check_binds(struct plan_builder *builder)
{
    for (uint32_t i = 0; i < builder->plan->bind_count; i++)
        if (!builder->plan->binds[i].type)
            return BUILD_REFUSE(builder, MSG_NOT_SUPPORTED, "a bind marker in this place");
    return true;
}

bool plan_make(const struct plan_context *context, const struct ast_statement *statement, struct arena *arena,
               struct plan **out_plan, struct cql_error *error)
{
    struct plan *plan = arena_calloc(arena, 1, sizeof *plan);
    struct plan_builder builder = {
        .context = context, .statement = statement, .arena = arena, .plan = plan, .error = error};
    if (!plan)
        return build_nomem(&builder);
    plan->target = context->target;
    plan->profile = context->profile;
    if (!make_binds(&builder) || !make_kind(&builder) || !check_binds(&builder))
        return false;
    uint64_t seed = FINGERPRINT_SEED;
    if (plan->table)
        seed = hash64(slice_of(plan->table->uuid, sizeof plan->table->uuid), seed);
    plan->fingerprint = hash64(statement->text, seed);
    *out_plan = plan;
    return true;
}

const struct cql_column_spec *plan_binds(const struct plan *plan, uint32_t *out_count)
{
    *out_count = plan->bind_count;
    return plan->binds;
}

const uint16_t *plan_partition_binds(const struct plan *plan, uint32_t *out_count)
{
    *out_count = plan->partition_bind_count;
    return plan->partition_binds;
}

const struct cql_column_spec *plan_columns(const struct plan *plan, uint32_t *out_count)
{
    *out_count = plan->column_count;
    return plan->columns;
}

const struct cql_table *plan_table(const struct plan *plan)
{
    return plan->table;
}

bool plan_tells_virtual(const struct plan *plan)
{
    return plan->kind == PLAN_TELL;
}

/* ---- run ---- */

int64_t plan_server_timestamp(const struct plan_context *context)
{
    int64_t now_us = store_now_us(context->store);
    _Atomic int64_t *last = context->last_timestamp;
    if (!last)
        return now_us;
    /* Nothing else is published with it: the order of this one variable is all that matters. */
    int64_t seen = atomic_load_explicit(last, memory_order_relaxed), next;
    do {
        next = now_us > seen ? now_us : seen + 1;
    } while (!atomic_compare_exchange_weak_explicit(last, &seen, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    store_timestamp_given(context->store, next);
    return next;
}

static bool named_value(struct plan_run *run, const struct cql_column_spec *spec,
                        const struct cql_value *values, const struct slice *names, uint32_t count,
                        struct cql_value *out)
{
    struct slice name = slice_text(spec->name);
    for (uint32_t i = 0; i < count; i++)
        if (slice_equal(names[i], name)) {
            *out = values[i];
            return true;
        }
    return RUN_REFUSE(run, MSG_BIND_NAME_MISSING, spec->name);
}

bool plan_bind_values(struct plan_run *run, const struct plan *plan, const struct cql_value *values,
                      const struct slice *names, uint32_t count, const struct cql_value **out_values)
{
    if (!names) {
        if (count != plan->bind_count)
            return RUN_REFUSE(run, MSG_BIND_COUNT, (unsigned)plan->bind_count, (unsigned)count);
        *out_values = values;
        return true;
    }
    struct cql_value *ordered = arena_alloc(run->scratch, (plan->bind_count + 1) * sizeof *ordered);
    if (!ordered)
        return run_nomem(run);
    for (uint32_t i = 0; i < plan->bind_count; i++)
        if (!named_value(run, &plan->binds[i], values, names, count, &ordered[i]))
            return false;
    *out_values = ordered;
    return true;
}

struct plan_run plan_run_of(const struct plan *plan, const struct plan_context *context,
                            const struct cql_params *params, struct arena *scratch, struct cql_result *result,
                            struct cql_error *error)
{
    int64_t now_us = store_now_us(context->store);
    return (struct plan_run){
        .plan = plan,
        .context = context,
        .params = params,
        .scratch = scratch,
        .workspace = context->workspace,
        .result = result,
        .error = error,
        .now_us = now_us,
        .now_s = now_us / 1000000 - (now_us % 1000000 < 0),
    };
}

bool plan_execute(const struct plan *plan, const struct plan_context *context,
                  const struct cql_params *params, struct arena *scratch, struct cql_result *result,
                  struct cql_error *error)
{
    struct plan_run run = plan_run_of(plan, context, params, scratch, result, error);
    if (!plan_bind_values(&run, plan, params->values, params->names, params->value_count, &run.values))
        return false;
    result->kind = CQL_RESULT_VOID;
    if (!using_check_timeout(&run))
        return false;
    switch (plan->kind) {
    case PLAN_SELECT: return select_execute(&run);
    case PLAN_MODIFY: return modify_execute(&run);
    case PLAN_TELL: return virtual_write_execute(&run);
    case PLAN_BATCH: return batch_execute(&run);
    }
    return RUN_REFUSE(&run, MSG_INTERNAL, "unknown kind of plan");
}
