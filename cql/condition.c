#include "cql/condition_internal.h"
#include "cql/index.h"

static bool attempt_fail(struct attempt *it, status st)
{
    return cql_refuse_status(it->run->error, st);
}

/* ---- read ---- */

/* The values must outlive the cursor's next move, not more: the answer is made while it stands. */
static bool read_row(struct attempt *it)
{
    struct plan_run *run = it->run;
    struct cursor *cursor = it->cursor;
    if (it->plan->only_static)
        return true;
    status st = cursor_seek_row(cursor, it->clustering);
    if (ok(st) && cursor->on_row && slice_equal(cursor->row.clustering, it->clustering)) {
        st = slots_row(&it->slots, cursor->row.image, run->now_s, &it->row_lives, &run->result->tombstones);
        if (ok(st) && it->row_lives)
            st = slots_clustering(&it->slots, &run->workspace->wire, it->clustering);
    }
    return ok(st) ? true : attempt_fail(it, st);
}

static bool read_partition(struct attempt *it)
{
    struct plan_run *run = it->run;
    struct store_read read = {.table_id = run->plan->table->store_id};
    if (!it->plan->only_static) {
        read.from = it->clustering;
        read.to = it->clustering_end;
    }
    if (!slots_init(run, run->plan->table, &it->plan->map, &it->slots))
        return false;
    status st =
        store_cursor_open_one(run->context->store, &read, it->key, &run->result->counters, &it->cursor);
    if (failed(st))
        return attempt_fail(it, st);
    if (!it->cursor)
        return true;
    struct slice image = it->cursor->partition.static_image;
    st = slots_partition(&it->slots, it->key.bytes);
    if (ok(st) && image.bytes)
        st = slots_static_row(&it->slots, image, run->now_s, &it->static_lives, &run->result->tombstones);
    return ok(st) ? read_row(it) : attempt_fail(it, st);
}

/* ---- judge ---- */

static bool judge(enum ast_operator op, const struct type *type, const struct row_slot *slot,
                  struct cql_value value)
{
    bool null = value.kind == CQL_NULL;
    if (null || !slot->present) {
        bool equal = null && !slot->present; /* NUL-11 */
        return op == OP_NE ? !equal : (op == OP_EQ || op == OP_IN) && equal;
    }
    int order = type_compare(type, slot->value, value.bytes);
    switch (op) {
    case OP_EQ:
    case OP_IN: return order == 0;
    case OP_NE: return order != 0;
    case OP_LT: return order < 0;
    case OP_LE: return order <= 0;
    case OP_GT: return order > 0;
    case OP_GE: return order >= 0;
    default: return false;
    }
}

static bool try_value(struct attempt *it, const struct condition *condition, struct cql_value value,
                      bool *out_holds)
{
    const struct row_slot *slot = &it->slots.items[condition->column - it->run->plan->table->columns];
    if (value.kind == CQL_UNSET)
        return RUN_REFUSE(it->run, MSG_IF_UNSET);
    *out_holds |= judge(condition->op, condition->column->type, slot, value);
    return true;
}

static bool try_condition(struct attempt *it, const struct condition *condition, bool *out_holds)
{
    struct cql_value value, *items = NULL;
    uint32_t count = condition->item_count;
    *out_holds = false;
    if (condition->op != OP_IN)
        return term_value(&condition->value, it->run, &value) && try_value(it, condition, value, out_holds);
    if (condition->whole_list) {
        if (!term_value(&condition->value, it->run, &value))
            return false;
        if (value.kind != CQL_VALUE)
            return try_value(it, condition, (struct cql_value){.kind = CQL_UNSET}, out_holds);
        if (!term_items(it->run, value.bytes, &items, &count))
            return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (items)
            value = items[i];
        else if (!term_value(&condition->items[i], it->run, &value))
            return false;
        if (!try_value(it, condition, value, out_holds))
            return false;
    }
    return true;
}

static bool try_all(struct attempt *it, bool *out_applied)
{
    const struct condition_plan *plan = it->plan;
    bool there = plan->only_static ? it->static_lives : it->row_lives;
    *out_applied = plan->not_exists ? !there : !plan->exists || there;
    for (uint32_t i = 0; i < plan->count && *out_applied; i++)
        if (!try_condition(it, &plan->items[i], out_applied))
            return false;
    return true;
}

bool attempt_judge(struct attempt *it, bool *out_holds)
{
    it->row_lives = it->static_lives = false;
    return read_partition(it) && try_all(it, out_holds);
}

void attempt_close(struct attempt *it)
{
    cursor_close(it->cursor);
    it->cursor = NULL;
}

bool attempt_find(struct attempt *it)
{
    struct plan_run *run = it->run;
    struct partition_key *keys;
    struct key_range *ranges;
    uint32_t key_count, range_count;
    if (!restrictions_partitions(run, &run->plan->modify->keys, &keys, &key_count) ||
        !restrictions_ranges(run, &run->plan->modify->keys, &ranges, &range_count))
        return false;
    if (key_count != 1 || range_count != 1)
        return RUN_REFUSE(run, MSG_IF_IN_PARTITION, "updates");
    it->key = keys[0];
    it->clustering = ranges[0].start;
    it->clustering_end = ranges[0].end;
    return true;
}

/* ---- write and answer ---- */

bool condition_apply(struct plan_run *run, const struct cql_table *table)
{
    return index_apply_locked(run, &table, 1, &run->workspace->batch);
}

bool attempt_shows(const struct attempt *it)
{
    return it->row_lives || (it->static_lives && (it->plan->only_static || it->plan->count));
}

bool attempt_answer(const struct attempt *it, bool applied, bool values, const uint32_t *shown,
                    uint32_t count)
{
    struct cql_result *result = it->run->result;
    bool there = attempt_shows(it);
    uint8_t flag = applied;
    cql_result_cell(result, slice_of(&flag, 1));
    for (uint32_t i = 0; i < count && values; i++) {
        const struct row_slot *slot = &it->slots.items[shown[i]];
        if (slot->present && there)
            cql_result_cell(result, slot->value);
        else
            cql_result_null(result);
    }
    result->row_count++;
    return result->rows.failed ? run_nomem(it->run) : true;
}

static bool answer_alone(const struct attempt *it, bool applied)
{
    struct cql_result *result = it->run->result;
    const struct condition_plan *plan = it->plan;
    bool values = it->run->context->target->is_scylla || (!applied && attempt_shows(it)); /* LWT-2 */
    result->kind = CQL_RESULT_ROWS;
    result->columns = plan->columns;
    result->column_count = 1 + (values ? plan->shown_count : 0);
    return attempt_answer(it, applied, values, plan->shown, plan->shown_count);
}

static bool write_alone(struct plan_run *run)
{
    /* TS-15: the request's own timestamp plays no part. */
    struct modify_time time = {.known = true, .timestamp = plan_server_timestamp(run->context)};
    batch_clear(&run->workspace->batch);
    return modify_append(run, &time, &run->workspace->batch) && condition_apply(run, run->plan->table);
}

/* The answer is made before the write: it shows the old values, and the write reuses their buffers. */
static bool attempt_locked(struct attempt *it)
{
    bool applied;
    bool done = attempt_judge(it, &applied) && answer_alone(it, applied);
    attempt_close(it);
    return done && (!applied || write_alone(it->run));
}

bool condition_execute(struct plan_run *run)
{
    struct attempt it = {.run = run, .plan = run->plan->modify->condition};
    struct store_guard guard;
    if (!attempt_find(&it))
        return false;
    struct store_partition partition = {run->plan->table->store_id, it.key.bytes};
    store_lock_partitions(run->context->store, &partition, 1, &guard);
    bool done = attempt_locked(&it);
    store_unlock_partitions(run->context->store, &guard);
    return done;
}
