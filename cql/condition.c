/* condition.c: run conditional statements of one partition. */
#include "cql/condition_internal.h"
#include "cql/index.h"

/* ---- one table, one partition ---- */

/* The row it names. A conditional statement names exactly one (LWT-6). */
static bool find_row(struct cas *cas, struct cas_member *member)
{
    const struct modify_plan *modify = member->run.plan->modify;
    const char *what = modify->kind == STATEMENT_DELETE ? "deletions" : "updates";
    struct key_range *ranges;
    uint32_t count;
    bool clusters = cas->table->clustering_count > 0;
    if (!restrictions_ranges(&member->run, &modify->keys, &ranges, &count))
        return false;
    bool strict = member->condition || !cas->run->context->target->is_scylla;
    if (strict && modify->extent == MODIFY_ROWS && count != 1)
        return RUN_REFUSE(cas->run, MSG_IF_IN_CLUSTERING, what);
    member->about_static = clusters && modify->extent != MODIFY_ROWS;
    if (count && !member->about_static)
        member->clustering = ranges[0].start;
    return true;
}

static bool add_member(struct cas *cas, const struct batch_member *from)
{
    struct cas_member *member = &cas->members[cas->member_count];
    const struct modify_plan *modify = from->plan->modify;
    struct partition_key *keys;
    uint32_t key_count;
    *member = (struct cas_member){.run = *cas->run, .condition = modify->condition};
    member->run.plan = from->plan;
    member->run.values = from->values;
    if (!restrictions_partitions(&member->run, &modify->keys, &keys, &key_count))
        return false;
    if (!cas->is_batch && key_count != 1)
        return RUN_REFUSE(cas->run, MSG_IF_IN_PARTITION,
                          modify->kind == STATEMENT_DELETE ? "deletions" : "updates");
    if (key_count != 1 || (cas->member_count && !slice_equal(keys[0].bytes, cas->key.bytes)))
        return RUN_REFUSE(cas->run, MSG_BATCH_CONDITION_PARTITIONS);
    cas->key = keys[0];
    if (modify->condition)
        cas->map = &modify->condition->map;
    cas->member_count++;
    return find_row(cas, member);
}

/* ---- under the lock ---- */

static bool write_members(struct cas *cas)
{
    struct batch *batch = &cas->run->workspace->batch;
    /* TS-15: timestamps of the request and of the members play no part. */
    struct modify_time time = {
        .known = true, .only = true, .timestamp = plan_server_timestamp(cas->run->context)};
    batch_clear(batch);
    for (uint32_t i = 0; i < cas->member_count; i++)
        if (!modify_append(&cas->members[i].run, &time, batch))
            return false;
    return index_apply_locked(cas->run, &cas->table, 1, batch);
}

static bool run_locked(struct cas *cas)
{
    bool applied;
    return cas_read(cas) && cas_judge(cas, &applied) && cas_answer(cas, applied) &&
           (!applied || write_members(cas));
}

static bool run_cas(struct cas *cas, const struct batch_member *members, uint32_t count)
{
    struct store_guard guard;
    cas->table = members[0].plan->table;
    cas->members = arena_calloc(cas->run->scratch, count, sizeof *cas->members);
    if (!cas->members)
        return run_nomem(cas->run);
    for (uint32_t i = 0; i < count; i++)
        if (!add_member(cas, &members[i]))
            return false;
    if (!cas_check_mixed(cas))
        return false;
    struct store_partition partition = {cas->table->store_id, cas->key.bytes};
    store_lock_partitions(cas->run->context->store, &partition, 1, &guard);
    bool done = run_locked(cas);
    store_unlock_partitions(cas->run->context->store, &guard);
    return done;
}

bool condition_execute(struct plan_run *run)
{
    struct cas cas = {.run = run};
    return run_cas(&cas, &(struct batch_member){run->plan, run->values}, 1);
}

bool condition_batch_execute(struct plan_run *run, const struct batch_member *members, uint32_t count)
{
    struct cas cas = {.run = run, .is_batch = true};
    return run_cas(&cas, members, count);
}
