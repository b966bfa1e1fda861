#include <stdlib.h>

#include "cql/condition_internal.h"

/* A batch while it runs. */
struct batch_attempt {
    struct plan_run *run;
    const struct cql_table *table;
    const struct batch_member *members; /* borrowed */
    uint32_t member_count;
    struct plan_run *runs;    /* scratch: of the members */
    struct attempt *attempts; /* scratch: of those with a condition */
    uint32_t attempt_count;
    struct partition_key key;
    uint32_t *shown; /* scratch: ordinals */
    uint32_t shown_count;
};

/* ---- one table, one partition ---- */

static bool check_member(struct batch_attempt *it, struct plan_run *run)
{
    const struct modify_plan *modify = run->plan->modify;
    struct partition_key *keys;
    uint32_t key_count;
    if (run->plan->table->store_id != it->table->store_id)
        return RUN_REFUSE(run, MSG_BATCH_CONDITION_TABLES);
    if (modify->has_timestamp)
        return RUN_REFUSE(run, MSG_TIMESTAMP_CONDITIONAL);
    if (!restrictions_partitions(run, &modify->keys, &keys, &key_count))
        return false;
    bool first = !it->key.bytes.bytes;
    if (key_count != 1 || (!first && !slice_equal(keys[0].bytes, it->key.bytes)))
        return RUN_REFUSE(run, MSG_BATCH_CONDITION_PARTITIONS);
    it->key = keys[0];
    if (!modify->condition)
        return true;
    struct attempt *attempt = &it->attempts[it->attempt_count++];
    *attempt = (struct attempt){.run = run, .plan = modify->condition};
    return attempt_find(attempt);
}

/* LWT-5: Cassandra does not say what both at once should mean. */
static bool check_mixed(const struct batch_attempt *it)
{
    for (uint32_t i = 0; i < it->attempt_count && !it->run->context->target->is_scylla; i++)
        for (uint32_t k = 0; k < i; k++) {
            const struct attempt *a = &it->attempts[i], *b = &it->attempts[k];
            bool mixed = (a->plan->exists && b->plan->not_exists) || (a->plan->not_exists && b->plan->exists);
            if (mixed && slice_equal(a->clustering, b->clustering))
                return RUN_REFUSE(it->run, MSG_BATCH_CONDITION_MIXED);
        }
    return true;
}

static bool check_members(struct batch_attempt *it)
{
    struct plan_run *run = it->run;
    it->runs = arena_calloc(run->scratch, it->member_count, sizeof *it->runs);
    it->attempts = arena_calloc(run->scratch, it->member_count, sizeof *it->attempts);
    if (!it->runs || !it->attempts)
        return run_nomem(run);
    for (uint32_t i = 0; i < it->member_count; i++) {
        it->runs[i] = *run;
        it->runs[i].plan = it->members[i].plan;
        it->runs[i].values = it->members[i].values;
        if (!check_member(it, &it->runs[i]))
            return false;
    }
    return check_mixed(it);
}

/* ---- the answer ---- */

static bool is_shown(const struct batch_attempt *it, uint32_t ordinal)
{
    if (ordinal < it->table->partition_count + it->table->clustering_count)
        return true;
    for (uint32_t i = 0; i < it->attempt_count; i++) {
        const struct condition_plan *plan = it->attempts[i].plan;
        if (plan->exists || plan->not_exists)
            return true;
        for (uint32_t k = 0; k < plan->count; k++)
            if (plan->items[k].column == &it->table->columns[ordinal])
                return true;
    }
    return false;
}

static bool make_columns(struct batch_attempt *it, bool values)
{
    const struct cql_table *table = it->table;
    struct cql_result *result = it->run->result;
    struct cql_column_spec *columns = arena_calloc(&result->arena, table->column_count + 1, sizeof *columns);
    it->shown = arena_alloc(it->run->scratch, table->column_count * sizeof *it->shown);
    if (!columns || !it->shown)
        return run_nomem(it->run);
    columns[0] = (struct cql_column_spec){.keyspace = table->keyspace,
                                          .table = table->name,
                                          .name = "[applied]",
                                          .type = type_scalar(TYPE_BOOLEAN)};
    for (uint32_t i = 0; i < table->column_count && values; i++) {
        if (!is_shown(it, i))
            continue;
        it->shown[it->shown_count++] = i;
        columns[it->shown_count] = (struct cql_column_spec){.keyspace = table->keyspace,
                                                            .table = table->name,
                                                            .name = table->columns[i].name,
                                                            .type = table->columns[i].type};
    }
    result->kind = CQL_RESULT_ROWS;
    result->columns = columns;
    result->column_count = it->shown_count + 1;
    return true;
}

static bool answer_row(struct batch_attempt *it, struct attempt *attempt, bool applied)
{
    bool holds;
    bool done =
        attempt_judge(attempt, &holds) && attempt_answer(attempt, applied, true, it->shown, it->shown_count);
    attempt_close(attempt);
    return done;
}

static int clustering_compare(const void *left, const void *right)
{
    const struct attempt *a = left, *b = right;
    return slice_compare(a->clustering, b->clustering);
}

/* LWT-3: a row for each condition, in the order of the statements. */
static bool answer_each(struct batch_attempt *it, bool applied)
{
    if (!make_columns(it, true))
        return false;
    for (uint32_t i = 0; i < it->attempt_count; i++)
        if (!answer_row(it, &it->attempts[i], applied))
            return false;
    return true;
}

/* LWT-3: the rows there are, once each, in clustering order, and only when something was refused. */
static bool answer_existing(struct batch_attempt *it, bool applied, uint32_t existing)
{
    if (!make_columns(it, !applied && existing))
        return false;
    if (applied || !existing)
        return attempt_answer(&it->attempts[0], applied, false, NULL, 0);
    qsort(it->attempts, it->attempt_count, sizeof *it->attempts, clustering_compare);
    for (uint32_t i = 0; i < it->attempt_count; i++) {
        struct attempt *attempt = &it->attempts[i];
        bool repeated = i && slice_equal(attempt->clustering, it->attempts[i - 1].clustering);
        if (!repeated && attempt_shows(attempt) && !answer_row(it, attempt, false))
            return false;
    }
    return true;
}

/* ---- under the lock ---- */

static bool write_members(struct batch_attempt *it)
{
    struct modify_time time = {.known = true, .timestamp = plan_server_timestamp(it->run->context)};
    batch_clear(&it->run->workspace->batch);
    for (uint32_t i = 0; i < it->member_count; i++)
        if (!modify_append(&it->runs[i], &time, &it->run->workspace->batch))
            return false;
    return condition_apply(it->run, it->table);
}

static bool batch_locked(struct batch_attempt *it)
{
    bool applied = true;
    uint32_t existing = 0;
    for (uint32_t i = 0; i < it->attempt_count; i++) {
        bool holds;
        bool judged = attempt_judge(&it->attempts[i], &holds);
        attempt_close(&it->attempts[i]);
        if (!judged)
            return false;
        applied &= holds;
        existing += attempt_shows(&it->attempts[i]);
    }
    bool answered = it->run->context->target->is_scylla ? answer_each(it, applied)
                                                        : answer_existing(it, applied, existing);
    return answered && (!applied || write_members(it));
}

bool condition_batch_execute(struct plan_run *run, const struct batch_member *members, uint32_t count)
{
    struct batch_attempt it = {
        .run = run, .table = members[0].plan->table, .members = members, .member_count = count};
    struct store_guard guard;
    if (!check_members(&it))
        return false;
    struct store_partition partition = {it.table->store_id, it.key.bytes};
    store_lock_partitions(run->context->store, &partition, 1, &guard);
    bool done = batch_locked(&it);
    store_unlock_partitions(run->context->store, &guard);
    return done;
}
