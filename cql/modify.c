/*
 * modify.c: turn an INSERT, UPDATE or DELETE with its values into mutations.
 */
#include "cql/condition.h"
#include "cql/consistency.h"
#include "cql/counter.h"
#include "cql/index.h"

enum {
    TTL_MAX_S = 630720000, /* TTL-4: 20 years */
};

/* ---- timestamps and TTL ---- */

bool modify_timestamp(struct plan_run *run, const struct plan_term *term, int64_t *out_timestamp,
                      bool *out_given)
{
    struct cql_value value;
    int64_t ahead = run->context->target->future_timestamp_us;
    if (!term_value(term, run, &value))
        return false;
    *out_given = false;
    if (value.kind == CQL_UNSET)
        return true;
    if (value.kind == CQL_NULL || value.bytes.bytes != 8)
        return RUN_REFUSE(run, MSG_TIMESTAMP_NULL);
    int64_t timestamp = (int64_t)load_be64(value.bytes.data);
    if (timestamp == TIMESTAMP_NONE)
        return RUN_REFUSE(run, MSG_TIMESTAMP_RESERVED);
    if (ahead && timestamp > run->now_us && timestamp - run->now_us > ahead)
        return RUN_REFUSE(run, MSG_TIMESTAMP_FUTURE);
    *out_timestamp = timestamp;
    *out_given = true;
    return true;
}

static int64_t default_timestamp(const struct plan_run *run, struct modify_time *time)
{
    bool given = run->params->has_timestamp && run->params->timestamp != TIMESTAMP_NONE;
    if (!time->known)
        time->timestamp = given ? run->params->timestamp : plan_server_timestamp(run->context);
    time->known = true;
    return time->timestamp;
}

static bool ttl_value(struct plan_run *run, const struct modify_plan *modify, int32_t *out_ttl_s)
{
    struct cql_value value = {.kind = CQL_UNSET};
    *out_ttl_s = run->plan->table->options.default_time_to_live;
    if (modify->kind == STATEMENT_DELETE)
        *out_ttl_s = 0;
    if (modify->has_ttl && !term_value(&modify->ttl, run, &value))
        return false;
    if (value.kind == CQL_UNSET)
        return true;
    if (value.kind == CQL_NULL || value.bytes.bytes != 4) {
        if (run->context->target->null_ttl_refused)
            return RUN_REFUSE(run, MSG_TTL_NULL);
        *out_ttl_s = 0;
        return true;
    }
    int32_t ttl_s = (int32_t)load_be32(value.bytes.data);
    if (ttl_s < 0)
        return RUN_REFUSE(run, MSG_TTL_NEGATIVE, (long long)ttl_s);
    if (ttl_s > TTL_MAX_S)
        return RUN_REFUSE(run, MSG_TTL_TOO_LARGE, (long long)ttl_s);
    *out_ttl_s = ttl_s;
    return true;
}

static bool write_facts(struct plan_run *run, const struct modify_plan *modify, struct modify_time *time,
                        struct write_facts *out)
{
    bool given = false;
    if (modify->has_timestamp && !modify_timestamp(run, &modify->timestamp, &out->timestamp, &given))
        return false;
    given &= !time->only;
    if (given && time->has_batch_timestamp)
        return RUN_REFUSE(run, MSG_BATCH_TIMESTAMP_TWICE);
    if (!given)
        out->timestamp = default_timestamp(run, time);
    if (!ttl_value(run, modify, &out->ttl_s))
        return false;
    bool yields = time->only && run->context->target->conditional_deletions_yield;
    out->deletion_timestamp = out->timestamp - yields;
    out->expiry_s = out->ttl_s ? run->now_s + out->ttl_s : 0;
    int64_t last = run->context->target->expiry_max_s;
    if (last && out->expiry_s > last)
        return RUN_REFUSE(run, MSG_TTL_EXPIRY, run->plan->table->keyspace, run->plan->table->name,
                          modify->has_ttl ? "" : "default ", (int)out->ttl_s);
    out->time = time;
    return true;
}

/* ---- images ---- */

static void add_value(struct plan_run *run, const struct modify_cell *cell, const struct write_facts *facts,
                      struct cql_value value, struct row_builder *row)
{
    struct cell written = {.column = cell->column->id, .timestamp = facts->timestamp};
    switch (value.kind) {
    case CQL_UNSET: return;
    case CQL_NULL:
        written.kind = CELL_DEAD;
        written.expiry_s = run->now_s;
        break;
    case CQL_VALUE:
        written.kind = facts->ttl_s ? CELL_EXPIRING : CELL_LIVE;
        written.ttl_s = facts->ttl_s;
        written.expiry_s = facts->expiry_s;
        written.value = value.bytes;
        break;
    }
    row_builder_add(row, written);
}

static bool add_cell(struct plan_run *run, const struct modify_cell *cell, const struct write_facts *facts,
                     struct row_builder *row)
{
    struct cql_value value = {.kind = CQL_NULL};
    if (cell->operation != MODIFY_DELETE && !term_value(&cell->value, run, &value))
        return false;
    add_value(run, cell, facts, value, row);
    return true;
}

/* A sum takes the place of one before it, which it has been added to. */
static bool add_sum(struct plan_run *run, const struct modify_cell *cell, const struct write_facts *facts,
                    struct modify_reader *reader, struct row_builder *row)
{
    const struct row_slot *old = NULL;
    struct cql_value value;
    uint32_t kept = 0;
    if (!modify_read_column(reader, cell->column, row, &old) || !modify_sum(run, cell, old, &value))
        return false;
    for (uint32_t i = 0; i < row->cell_count && value.kind != CQL_UNSET; i++)
        if (row->cells[i].column != cell->column->id)
            row->cells[kept++] = row->cells[i];
    if (value.kind != CQL_UNSET)
        row->cell_count = kept;
    add_value(run, cell, facts, value, row);
    return true;
}

/* A cell that is not just a value: `reader` knows the row that is written to, NULL when nothing reads. */
static bool add_elements(struct plan_run *run, const struct modify_cell *cell,
                         const struct write_facts *facts, struct modify_reader *reader,
                         struct row_builder *row)
{
    const struct row_slot *old = NULL;
    if (reader && modify_cell_reads(cell) && !modify_read_column(reader, cell->column, row, &old))
        return false;
    return modify_add_elements(run, cell, facts, old, row);
}

static bool build_rows(struct plan_run *run, const struct modify_plan *modify,
                       const struct write_facts *facts, struct modify_reader *reader)
{
    struct plan_workspace *workspace = run->workspace;
    row_builder_reset(&workspace->row);
    row_builder_reset(&workspace->static_row);
    for (uint32_t i = 0; i < modify->cell_count; i++) {
        const struct modify_cell *cell = &modify->cells[i];
        struct row_builder *row =
            cell->column->kind == COLUMN_STATIC ? &workspace->static_row : &workspace->row;
        bool added;
        if (cell->has_elements)
            added = add_elements(run, cell, facts, reader, row);
        else if (reader && modify_cell_reads(cell))
            added = add_sum(run, cell, facts, reader, row);
        else
            added = add_cell(run, cell, facts, row);
        if (!added)
            return false;
    }
    if (modify->kind == STATEMENT_INSERT && modify->extent == MODIFY_ROWS)
        workspace->row.marker = (struct marker){
            .timestamp = facts->timestamp, .ttl_s = facts->ttl_s, .expiry_s = facts->expiry_s};
    if (modify->deletes_rows)
        workspace->row.deletion = (struct deletion){.timestamp = facts->timestamp, .time_s = run->now_s};
    return true;
}

static bool row_is_empty(const struct row_builder *row)
{
    return row->marker.timestamp == TIMESTAMP_NONE && row->deletion.timestamp == TIMESTAMP_NONE &&
           !row->cell_count;
}

/* The image of `row`, appended to the workspace's buffer; *out_at is where it begins. */
static bool finish_row(struct plan_run *run, struct row_builder *row, size_t *out_at)
{
    *out_at = run->workspace->image.bytes;
    status st = row_builder_finish(row, &run->workspace->image);
    return ok(st) ? true : cql_refuse_status(run->error, st);
}

static void append_partition(struct plan_run *run, const struct modify_plan *modify,
                             const struct write_facts *facts, const struct key_range *ranges,
                             uint32_t range_count, struct slice row_image, struct slice static_image,
                             struct batch *batch)
{
    struct deletion deletion = {.timestamp = facts->deletion_timestamp, .time_s = run->now_s};
    if (modify->extent == MODIFY_PARTITION)
        batch_delete_partition(batch, deletion);
    if (static_image.bytes)
        batch_static(batch, static_image);
    for (uint32_t i = 0; i < range_count; i++) {
        if (modify->extent == MODIFY_RANGES)
            batch_delete_range(batch, (struct range_tombstone){ranges[i].start, ranges[i].end, deletion});
        else if (modify->extent == MODIFY_ROWS && row_image.bytes)
            batch_row(batch, ranges[i].start, row_image);
    }
}

/* The rows that a statement is about: every range of every partition. */
struct targets {
    const struct partition_key *keys;
    const struct key_range *ranges;
    uint32_t key_count, range_count;
};

/* The same images for all of them. */
static bool append_targets(struct plan_run *run, const struct write_facts *facts,
                           const struct targets *targets, struct modify_reader *reader, struct batch *batch)
{
    const struct modify_plan *modify = run->plan->modify;
    struct plan_workspace *workspace = run->workspace;
    if (!build_rows(run, modify, facts, reader))
        return false;
    buffer_clear(&workspace->image);
    size_t row_at = 0, static_at = 0;
    bool has_row = !row_is_empty(&workspace->row), has_static = !row_is_empty(&workspace->static_row);
    if ((has_row && !finish_row(run, &workspace->row, &row_at)) ||
        (has_static && !finish_row(run, &workspace->static_row, &static_at)))
        return false;
    struct slice images = buffer_slice(&workspace->image), row = {0}, static_row = {0};
    if (has_row)
        row = slice_of(images.data + row_at, (has_static ? static_at : images.bytes) - row_at);
    if (has_static)
        static_row = slice_of(images.data + static_at, images.bytes - static_at);
    bool deletes = modify->extent == MODIFY_RANGES || modify->extent == MODIFY_PARTITION;
    if (!has_row && !has_static && !deletes)
        return true;
    for (uint32_t i = 0; i < targets->key_count; i++) {
        batch_begin(batch, run->plan->table->store_id, targets->keys[i]);
        append_partition(run, modify, facts, targets->ranges, targets->range_count, row, static_row, batch);
        batch_end(batch);
    }
    return true;
}

/* Each row for itself, since what is written depends on what is there. */
static bool append_reading(struct plan_run *run, const struct write_facts *facts,
                           const struct targets *targets, struct batch *batch)
{
    for (uint32_t i = 0; i < targets->key_count; i++)
        for (uint32_t k = 0; k < targets->range_count; k++) {
            struct modify_reader reader;
            struct targets one = {
                .keys = &targets->keys[i], .ranges = &targets->ranges[k], .key_count = 1, .range_count = 1};
            if (!modify_read_row(run, one.keys[0], one.ranges, &reader) ||
                !append_targets(run, facts, &one, &reader, batch))
                return false;
        }
    return true;
}

bool modify_append(struct plan_run *run, struct modify_time *time, struct batch *batch)
{
    const struct modify_plan *modify = run->plan->modify;
    struct write_facts facts;
    struct targets targets;
    struct partition_key *keys;
    struct key_range *ranges;
    if (!write_facts(run, modify, time, &facts) ||
        !restrictions_partitions(run, &modify->keys, &keys, &targets.key_count) ||
        !restrictions_ranges(run, &modify->keys, &ranges, &targets.range_count))
        return false;
    targets.keys = keys;
    targets.ranges = ranges;
    return modify->reads ? append_reading(run, &facts, &targets, batch)
                         : append_targets(run, &facts, &targets, NULL, batch);
}

static bool execute_locked(struct plan_run *run, struct modify_time *time)
{
    struct batch *batch = &run->workspace->batch;
    struct batch_member member = {run->plan, run->values};
    struct store_guard guard;
    if (!modify_lock(run, &member, 1, &guard))
        return false;
    bool done = modify_append(run, time, batch) && index_apply_locked(run, &run->plan->table, 1, batch);
    store_unlock_partitions(run->context->store, &guard);
    return done;
}

bool modify_execute(struct plan_run *run)
{
    if (table_counts(run->plan->table))
        return counter_execute(run, &(struct batch_member){run->plan, run->values}, 1);
    if (!consistency_check_write(run, run->plan->modify->condition))
        return false;
    if (run->plan->modify->condition)
        return condition_execute(run);
    struct batch *batch = &run->workspace->batch;
    struct modify_time time = {0};
    batch_clear(batch);
    if (run->plan->modify->reads)
        return execute_locked(run, &time);
    if (!modify_append(run, &time, batch))
        return false;
    return index_apply(run, &run->plan->table, 1, batch);
}
