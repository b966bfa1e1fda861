/*
 * select.c: run a SELECT: walk, filter, select, count, cut pages.
 */
#include <stdlib.h>

#include "cql/consistency.h"
#include "cql/index.h"
#include "cql/paging.h"
#include "cql/select_group.h"

enum {
    PAGE_BYTES_MAX = 1 << 20, /* PAG-1 */
};

/* One execution. */
struct select_run {
    struct plan_run *run;
    const struct select_plan *select;
    struct row_walk walk;
    struct row_slots slots;
    struct row_groups groups;
    struct filter filter;
    struct row_copier copier;
    bool copies;                          /* rows are in the result when the walk gives them out */
    uint32_t limit_left, partition_limit; /* UINT32_MAX: none */
    uint32_t partition_limit_left;
    uint32_t page_rows; /* 0: unpaged */
    uint32_t page_examined;
    bool merge; /* ORDER BY over several partitions: rows are sorted at the end (ORD-4) */
    struct sort_row *sort_rows;
    uint32_t sort_count, sort_capacity;
};

/* A row that waits to be sorted: where it is in result->rows, and its clustering key. */
struct sort_row {
    struct slice clustering;
    size_t at, bytes;
    uint32_t order; /* of appearance */
};

/* ---- limits ---- */

static bool limit_value(struct plan_run *run, const struct plan_term *term, enum cql_message not_positive,
                        uint32_t *out_limit)
{
    struct cql_value value;
    if (!term_value(term, run, &value))
        return false;
    if (value.kind == CQL_NULL)
        return RUN_REFUSE(run, MSG_LIMIT_NULL);
    *out_limit = UINT32_MAX;
    if (value.kind == CQL_UNSET)
        return true;
    if (value.bytes.bytes != 4)
        return RUN_REFUSE(run, MSG_LIMIT_INVALID);
    int32_t limit = (int32_t)load_be32(value.bytes.data);
    if (limit <= 0)
        return RUN_REFUSE(run, not_positive);
    *out_limit = (uint32_t)limit;
    return true;
}

static bool open_limits(struct select_run *it)
{
    const struct select_plan *select = it->select;
    it->limit_left = it->partition_limit = UINT32_MAX;
    if (select->has_limit && !limit_value(it->run, &select->limit, MSG_LIMIT_POSITIVE, &it->limit_left))
        return false;
    if (select->has_partition_limit && !limit_value(it->run, &select->partition_limit,
                                                    MSG_PER_PARTITION_LIMIT_POSITIVE, &it->partition_limit))
        return false;
    it->partition_limit_left = it->partition_limit;
    int32_t page_size = it->run->params->page_size;
    /* PAG-5: an aggregate answers at once. */
    it->page_rows = page_size > 0 && !select->grouped ? (uint32_t)page_size : 0;
    return true;
}

/* ---- where to walk ---- */

static bool request_index(struct select_run *it, struct walk_request *request, bool *out_nothing)
{
    const struct select_plan *select = it->select;
    bool some;
    request->index = select->index;
    if (!index_wanted_value(it->run, select->index_restriction, &request->index_value, &some))
        return false;
    *out_nothing = !some || request->index_value.bytes > PARTITION_KEY_BYTES_MAX;
    return true;
}

/* Of partitions that are named those whose tokens are asked for, too. */
static bool keep_tokens(struct plan_run *run, const struct restrictions *restrictions,
                        struct partition_key *keys, uint32_t *count)
{
    int64_t first, last;
    bool none = false;
    uint32_t kept = 0;
    if (!restrictions->token)
        return true;
    if (!restrictions_tokens(run, restrictions, &first, &last, &none))
        return false;
    for (uint32_t i = 0; i < *count && !none; i++)
        if (keys[i].token >= first && keys[i].token <= last)
            keys[kept++] = keys[i];
    *count = kept;
    return true;
}

/* Of a partition, about: filters and groups take more. */
static uint32_t rows_taken(const struct select_run *it)
{
    uint32_t most = it->page_rows && it->page_rows < it->limit_left ? it->page_rows : it->limit_left;
    return most == UINT32_MAX ? 0 : most;
}

static bool make_request(struct select_run *it, struct walk_request *request, bool *out_nothing)
{
    struct plan_run *run = it->run;
    const struct select_plan *select = it->select;
    const struct cql_table *table = run->plan->table;
    struct partition_key *keys = NULL;
    struct key_range *ranges;
    bool no_tokens = false, no_value = false;
    *request = (struct walk_request){
        .kind = table->virtual_ ? WALK_VIRTUAL : select->access,
        .table = table,
        .reverse = select->reverse,
        .statics = select->statics,
        .distinct = select->distinct,
        .by_key = select->by_key,
        .first_token = INT64_MIN,
        .last_token = INT64_MAX,
        .rows = rows_taken(it),
        .tombstones_max = it->page_rows ? run->context->target->page_tombstones_max : 0,
    };
    if (select->by_key) {
        if (!restrictions_partitions(run, &select->restrictions, &keys, &request->key_count) ||
            !keep_tokens(run, &select->restrictions, keys, &request->key_count))
            return false;
    } else if (!restrictions_tokens(run, &select->restrictions, &request->first_token, &request->last_token,
                                    &no_tokens)) {
        return false;
    }
    if (!restrictions_ranges(run, &select->restrictions, &ranges, &request->range_count))
        return false;
    if (select->access == WALK_INDEX && !request_index(it, request, &no_value))
        return false;
    request->keys = keys;
    request->ranges = ranges;
    *out_nothing = no_tokens || no_value || it->filter.never || !request->range_count ||
                   (select->by_key && !request->key_count) || !it->limit_left;
    return true;
}

static bool resume(struct select_run *it, struct walk_request *request)
{
    struct plan_run *run = it->run;
    struct paging_state state;
    if (!run->params->paging_state.bytes || it->select->grouped)
        return true;
    if (failed(paging_state_read(run->params->paging_state, &state)))
        return RUN_REFUSE(run, MSG_PAGING_STATE);
    if (state.fingerprint != run->plan->fingerprint)
        return RUN_REFUSE(run, MSG_PAGING_STATE_STALE);
    request->from = state.position;
    if (state.limit_left < it->limit_left)
        it->limit_left = state.limit_left;
    if (!state.position.partition_done && state.partition_limit_left < it->partition_limit)
        it->partition_limit_left = state.partition_limit_left;
    return true;
}

/* ---- pages ---- */

static bool write_state(struct select_run *it, bool partition_done)
{
    struct plan_run *run = it->run;
    const struct row_walk *walk = &it->walk;
    /* Without clustering columns the only row is the partition, and an empty key could not say that it was given. */
    partition_done |= !run->plan->table->clustering_count;
    struct paging_state state = {
        .fingerprint = run->plan->fingerprint,
        .limit_left = it->limit_left,
        .partition_limit_left = it->partition_limit_left,
        .position = {.partition = walk->partition.bytes,
                     .partition_done = partition_done,
                     .gave_row = walk->gave_row,
                     .clustering = partition_done ? (struct slice){0} : walk->clustering},
    };
    buffer_clear(&run->result->paging_state);
    paging_state_write(&run->result->paging_state, &state);
    return run->result->paging_state.failed ? run_nomem(run) : true;
}

static bool page_full(const struct select_run *it)
{
    if (!it->page_rows)
        return false;
    bool before_filter = it->run->context->target->page_counts_before_filter;
    uint32_t counted = before_filter ? it->page_examined : it->run->result->row_count;
    return counted >= it->page_rows || it->run->result->rows.bytes >= PAGE_BYTES_MAX;
}

/* ---- rows ---- */

static bool keep_sort_row(struct select_run *it, size_t at)
{
    struct plan_run *run = it->run;
    struct sort_row *grown =
        arena_grow(run->scratch, it->sort_rows, it->sort_count, &it->sort_capacity, sizeof *grown);
    if (!grown)
        return run_nomem(run);
    it->sort_rows = grown;
    it->sort_rows[it->sort_count] = (struct sort_row){
        .clustering = arena_copy(run->scratch, it->walk.clustering),
        .at = at,
        .bytes = run->result->rows.bytes - at,
        .order = it->sort_count,
    };
    it->sort_count++;
    return true;
}

static bool take_row(struct select_run *it, enum walk_event event, bool *out_done)
{
    if (it->copies && event == WALK_ROW)
        return true;
    if (it->select->grouped)
        return groups_add(&it->groups, &it->slots, out_done);
    size_t at = it->run->result->rows.bytes;
    return selection_emit(&it->select->selection, it->run, &it->slots, NULL) &&
           (!it->merge || keep_sort_row(it, at));
}

static void count_limits(struct select_run *it, uint32_t rows)
{
    if (it->limit_left != UINT32_MAX && !it->merge && !it->select->grouped)
        it->limit_left -= rows;
    if (it->partition_limit_left != UINT32_MAX && !it->select->grouped)
        it->partition_limit_left -= rows;
}

static void count_examined(struct select_run *it, uint32_t rows)
{
    it->run->result->rows_examined += rows;
    it->page_examined += rows;
}

/* Did an earlier page begin the partition that the walk has come to? */
static bool continues_partition(const struct row_walk *walk)
{
    const struct walk_position *from = &walk->request.from;
    return from->partition.bytes && !from->partition_done &&
           slice_equal(walk->partition.bytes, from->partition);
}

/* Is the result, the page or the partition complete with the row that was taken last? */
static bool after_row(struct select_run *it, enum walk_event event, bool *out_done)
{
    if (!it->limit_left) {
        *out_done = true;
        return true;
    }
    bool partition_done = event == WALK_PARTITION || !it->partition_limit_left;
    if (page_full(it)) {
        *out_done = true;
        return write_state(it, partition_done);
    }
    if (!it->partition_limit_left)
        walk_skip_partition(&it->walk);
    return true;
}

/* What a row or a partition on its own means; *out_done when the page or the result is complete. */
static bool on_event(struct select_run *it, enum walk_event event, bool *out_done)
{
    struct row_walk *walk = &it->walk;
    *out_done = false;
    if (walk->new_partition && !continues_partition(walk))
        it->partition_limit_left = it->partition_limit;
    count_examined(it, 1);
    if (filter_passes(&it->filter, &it->slots)) {
        if (!take_row(it, event, out_done))
            return false;
        count_limits(it, 1);
        if (*out_done)
            return true;
    }
    return after_row(it, event, out_done);
}

/* The plain rows that follow, as many as fit in limits and page. */
static bool copy_rows(struct select_run *it, bool *out_done)
{
    const struct cql_result *result = it->run->result;
    uint32_t most = it->limit_left, copied;
    if (it->partition_limit_left < most)
        most = it->partition_limit_left;
    if (it->page_rows && it->page_rows - result->row_count < most)
        most = it->page_rows - result->row_count;
    if (!walk_copy_rows(&it->walk, most, it->page_rows ? PAGE_BYTES_MAX : SIZE_MAX, &copied))
        return false;
    count_examined(it, copied);
    count_limits(it, copied);
    return copied ? after_row(it, WALK_ROW, out_done) : true;
}

static bool check_tombstones(struct select_run *it)
{
    uint64_t limit = it->run->context->target->tombstones_fail;
    return limit && it->run->result->tombstones > limit ? RUN_REFUSE(it->run, MSG_TOMBSTONES) : true;
}

static bool walk_rows(struct select_run *it)
{
    for (bool done = false; !done;) {
        enum walk_event event;
        if (!walk_next(&it->walk, &event) || !check_tombstones(it))
            return false;
        switch (event) {
        case WALK_END: return true;
        case WALK_CUT: return write_state(it, false);
        case WALK_ROW:
        case WALK_PARTITION:
            if (!on_event(it, event, &done) || (it->copies && !done && !copy_rows(it, &done)))
                return false;
        }
    }
    return true;
}

/* ---- ORDER BY over several partitions ---- */

static int sort_compare(const void *left, const void *right, void *context)
{
    const struct sort_row *a = left, *b = right;
    const bool *reverse = context;
    int order = slice_compare(a->clustering, b->clustering);
    if (order)
        return *reverse ? -order : order;
    return (a->order > b->order) - (a->order < b->order);
}

static bool sort_rows(struct select_run *it)
{
    struct cql_result *result = it->run->result;
    bool reverse = it->select->reverse;
    if (it->sort_count > 1)
        qsort_r(it->sort_rows, it->sort_count, sizeof *it->sort_rows, sort_compare, &reverse);
    if (it->sort_count > it->limit_left)
        it->sort_count = it->limit_left;
    struct buffer sorted = {0};
    for (uint32_t i = 0; i < it->sort_count; i++)
        buffer_append(&sorted, result->rows.data + it->sort_rows[i].at, it->sort_rows[i].bytes);
    if (sorted.failed) {
        buffer_deinit(&sorted);
        return run_nomem(it->run);
    }
    buffer_deinit(&result->rows);
    result->rows = sorted;
    result->row_count = it->sort_count;
    return true;
}

/* ---- the whole ---- */

static bool open_slots(struct select_run *it)
{
    struct plan_run *run = it->run;
    const struct select_plan *select = it->select;
    return slots_init(run, run->plan->table, &select->map, &it->slots) &&
           (!select->grouped || groups_init(run, select, it->limit_left, it->partition_limit, &it->groups));
}

static bool open_run(struct select_run *it, struct walk_request *request, bool *out_nothing)
{
    struct plan_run *run = it->run;
    const struct select_plan *select = it->select;
    if (!open_limits(it) || !open_slots(it) ||
        !filter_open(run, run->plan->table, select->filters, select->filter_count, &it->filter) ||
        !make_request(it, request, out_nothing) || !resume(it, request))
        return false;
    it->merge =
        !select->grouped && select->ordered && select->restrictions.partition_in && request->key_count > 1;
    if (!consistency_check_read(run, select->by_key && request->key_count <= 1))
        return false;
    bool may_page = it->page_rows && it->limit_left > it->page_rows;
    /* Cassandra counts in pages of its own, whatever the LIMIT; of rows that cannot be it has none. */
    if (select->grouped && !run->context->target->is_scylla)
        may_page = run->params->page_size > 0;
    may_page &= request->range_count || run->context->target->is_scylla;
    if (select->ordered && select->restrictions.partition_in && may_page)
        return RUN_REFUSE(run, MSG_ORDER_IN_PAGING);
    if (it->merge)
        it->page_rows = 0; /* all rows are needed to sort them; LIMIT keeps the result within the page */
    it->copies = select->copy && !it->merge && !run->context->no_shortcuts;
    request->copier = it->copies ? &it->copier : NULL;
    return !it->copies || copier_init(run, select->copy, &it->copier);
}

static bool warn_tombstones(struct select_run *it)
{
    struct cql_result *result = it->run->result;
    uint64_t limit = it->run->context->target->tombstones_warn;
    if (!limit || result->tombstones <= limit)
        return true;
    buffer_printf(
        &result->warnings,
        "Read %llu live rows and %llu tombstone cells for query on %s.%s (see tombstone_warn_threshold)",
        (unsigned long long)result->rows_examined, (unsigned long long)result->tombstones,
        it->run->plan->table->keyspace, it->run->plan->table->name);
    buffer_append_u8(&result->warnings, 0);
    return true;
}

static bool warn_aggregation(struct select_run *it)
{
    const struct restrictions *restrictions = &it->select->restrictions;
    struct buffer *warnings = &it->run->result->warnings;
    if (!it->select->grouped || !it->run->context->target->aggregation_warned ||
        it->run->params->page_size <= 0)
        return true;
    if (!restrictions->partition_restricted && !restrictions->partition_other && !restrictions->token)
        buffer_printf(warnings, "Aggregation query used without partition key");
    else if (restrictions->partition_in)
        buffer_printf(warnings, "Aggregation query used on multiple partition keys (IN restriction)");
    else
        return true;
    buffer_append_u8(warnings, 0);
    return !warnings->failed || run_nomem(it->run);
}

bool select_execute(struct plan_run *run)
{
    struct select_run it = {.run = run, .select = run->plan->select};
    struct walk_request request;
    bool nothing;
    run->result->kind = CQL_RESULT_ROWS;
    run->result->columns = run->plan->columns;
    run->result->column_count = run->plan->column_count;
    if (!open_run(&it, &request, &nothing))
        return false;
    bool made = true;
    if (!nothing) {
        made = walk_open(run, &request, &it.slots, &it.walk) && walk_rows(&it);
        walk_close(&it.walk);
    }
    if (made && it.merge)
        made = sort_rows(&it);
    if (made && it.select->grouped)
        made = groups_finish(&it.groups);
    return made && warn_tombstones(&it) && warn_aggregation(&it);
}
