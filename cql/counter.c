/*
 * counter.c: read, add, write, under the lock of the partition.
 *
 * What the statements count is gathered first: one increment per counter, those of one counter added up, sorted so that
 * each partition is read once and each row written once. Sums wrap around at 64 bits, as those of the real ones do.
 */
#include "cql/counter.h"

#include <stdlib.h>

#include "cql/consistency.h"
#include "cql/index.h"

struct increment {
    const struct cql_table *table;
    struct partition_key key;
    bool is_static;
    struct slice clustering;
    const struct cql_column *column;
    uint64_t amount;
};

/* A batch of counting while it runs. */
struct count_run {
    struct plan_run *run;
    struct increment *items; /* scratch */
    uint32_t count, capacity;
    struct store_partition *partitions; /* scratch: all that is written to, with repetitions */
    uint32_t partition_count, partition_capacity;
    int64_t timestamp; /* of what is deleted, and the least of what is counted */
};

static bool count_fail(struct count_run *it, status st)
{
    return cql_refuse_status(it->run->error, st);
}

/* ---- what is counted ---- */

static bool add_increment(struct count_run *it, const struct increment *increment)
{
    struct increment *grown =
        arena_grow(it->run->scratch, it->items, it->count, &it->capacity, sizeof *grown);
    if (!grown)
        return run_nomem(it->run);
    it->items = grown;
    it->items[it->count++] = *increment;
    return true;
}

static bool add_partition(struct count_run *it, const struct cql_table *table, struct partition_key key)
{
    struct store_partition *grown = arena_grow(it->run->scratch, it->partitions, it->partition_count,
                                               &it->partition_capacity, sizeof *grown);
    if (!grown)
        return run_nomem(it->run);
    it->partitions = grown;
    it->partitions[it->partition_count++] = (struct store_partition){table->store_id, key.bytes};
    return true;
}

/* *out_counts is false for an unset amount: nothing happens (CNT-2). */
static bool amount_of(struct plan_run *run, const struct modify_cell *cell, uint64_t *out_amount,
                      bool *out_counts)
{
    struct cql_value value;
    if (!term_value(&cell->value, run, &value))
        return false;
    *out_counts = value.kind == CQL_VALUE;
    if (value.kind == CQL_UNSET)
        return true;
    if (value.kind == CQL_NULL || value.bytes.bytes != 8)
        return RUN_REFUSE(run, MSG_COUNTER_NULL);
    uint64_t amount = load_be64(value.bytes.data);
    if (cell->step == COUNTER_SUBTRACT && (int64_t)amount == INT64_MIN)
        return RUN_REFUSE(run, MSG_COUNTER_NEGATION, (long long)amount);
    *out_amount = cell->step == COUNTER_SUBTRACT ? -amount : amount;
    return true;
}

static bool count_rows(struct count_run *it, struct increment *increment, const struct key_range *ranges,
                       uint32_t range_count)
{
    if (increment->is_static)
        return add_increment(it, increment);
    for (uint32_t i = 0; i < range_count; i++) {
        increment->clustering = ranges[i].start;
        if (!add_increment(it, increment))
            return false;
    }
    return true;
}

static bool gather(struct count_run *it, struct plan_run *run)
{
    const struct modify_plan *modify = run->plan->modify;
    struct partition_key *keys;
    struct key_range *ranges;
    uint32_t key_count, range_count;
    if (!restrictions_partitions(run, &modify->keys, &keys, &key_count) ||
        !restrictions_ranges(run, &modify->keys, &ranges, &range_count))
        return false;
    for (uint32_t i = 0; i < key_count; i++)
        if (!add_partition(it, run->plan->table, keys[i]))
            return false;
    for (uint32_t i = 0; i < modify->cell_count; i++) {
        const struct modify_cell *cell = &modify->cells[i];
        struct increment increment = {.table = run->plan->table,
                                      .column = cell->column,
                                      .is_static = cell->column->kind == COLUMN_STATIC};
        bool counts = false;
        if (cell->step != COUNTER_NONE && !amount_of(run, cell, &increment.amount, &counts))
            return false;
        for (uint32_t k = 0; k < key_count && counts; k++) {
            increment.key = keys[k];
            if (!count_rows(it, &increment, ranges, range_count))
                return false;
        }
    }
    return true;
}

static int increment_compare(const void *left, const void *right)
{
    const struct increment *a = left, *b = right;
    if (a->table->store_id != b->table->store_id)
        return a->table->store_id < b->table->store_id ? -1 : 1;
    int order = partition_key_compare(a->key, b->key);
    if (!order)
        order = b->is_static - a->is_static;
    if (!order)
        order = slice_compare(a->clustering, b->clustering);
    return order ? order : (a->column->id > b->column->id) - (a->column->id < b->column->id);
}

static void add_up(struct count_run *it)
{
    uint32_t kept = 0;
    if (it->count > 1)
        qsort(it->items, it->count, sizeof *it->items, increment_compare);
    for (uint32_t i = 0; i < it->count; i++) {
        if (kept && increment_compare(&it->items[kept - 1], &it->items[i]) == 0)
            it->items[kept - 1].amount += it->items[i].amount;
        else
            it->items[kept++] = it->items[i];
    }
    it->count = kept;
}

/* ---- under the lock ---- */

/* A counter as it stands. */
struct standing {
    uint64_t total;
    int64_t floor; /* the new clock must be above it */
    bool deleted;  /* by a DELETE of its own */
    struct cell dead;
};

static void warn_deleted(struct plan_run *run, const struct cql_column *column)
{
    bool stays = run->context->target->deleted_counter_stays;
    buffer_printf(&run->result->warnings,
                  "Strait: counter %s was deleted before and %s; what a real cluster makes "
                  "of counting after a DELETE is undefined",
                  column->name,
                  stays ? "counts no more until the deletion is purged" : "counts from 0 again");
    buffer_append_u8(&run->result->warnings, 0);
}

static status read_standing(struct slice image, struct deletion cover, uint32_t column, struct standing *out)
{
    struct row_reader reader;
    *out = (struct standing){.floor = cover.timestamp};
    if (!image.bytes)
        return STATUS_DONE;
    TRY(row_open(image, &reader));
    if (reader.deletion.timestamp > out->floor)
        out->floor = reader.deletion.timestamp;
    for (;;) {
        struct cell cell;
        bool more;
        TRY(row_next_cell(&reader, &cell, &more));
        if (!more || cell.column > column)
            return STATUS_DONE;
        if (cell.column != column || cell.timestamp <= out->floor)
            continue;
        if (cell.kind == CELL_COUNTER)
            out->total = load_be64(cell.value.data);
        out->deleted = cell.kind == CELL_DEAD;
        out->dead = cell;
        out->floor = cell.timestamp;
    }
}

/* Increments items[from..to) are of one row, whose image and cover are known; the new image goes to the batch. */
static bool count_row(struct count_run *it, uint32_t from, uint32_t to, struct slice image,
                      struct deletion cover)
{
    struct plan_workspace *workspace = it->run->workspace;
    struct row_builder *row = &workspace->row;
    row_builder_reset(row);
    for (uint32_t i = from; i < to; i++) {
        const struct increment *increment = &it->items[i];
        struct standing standing;
        uint8_t *total = arena_bytes(it->run->scratch, 8);
        if (!total)
            return run_nomem(it->run);
        status st = read_standing(image, cover, increment->column->id, &standing);
        if (failed(st))
            return count_fail(it, st);
        if (standing.deleted)
            warn_deleted(it->run, increment->column);
        if (standing.deleted && it->run->context->target->deleted_counter_stays) {
            row_builder_add(row, standing.dead);
            continue;
        }
        store_be64(total, standing.total + increment->amount);
        row_builder_add(row, (struct cell){.column = increment->column->id,
                                           .kind = CELL_COUNTER,
                                           .timestamp = standing.floor < it->timestamp ? it->timestamp
                                                                                       : standing.floor + 1,
                                           .value = slice_of(total, 8)});
    }
    buffer_clear(&workspace->image);
    status st = row_builder_finish(row, &workspace->image);
    if (failed(st))
        return count_fail(it, st);
    if (it->items[from].is_static)
        batch_static(&workspace->batch, buffer_slice(&workspace->image));
    else
        batch_row(&workspace->batch, it->items[from].clustering, buffer_slice(&workspace->image));
    return true;
}

static bool same_row(const struct increment *a, const struct increment *b)
{
    return a->is_static == b->is_static && slice_equal(a->clustering, b->clustering);
}

/* Items [from..to) are of one partition, which `cursor` stands on; NULL: there is none. */
static bool count_partition(struct count_run *it, uint32_t from, uint32_t to, struct cursor *cursor)
{
    while (from < to) {
        const struct increment *first = &it->items[from];
        struct slice image = {0};
        struct deletion cover = cursor ? cursor->partition.deletion : DELETION_NONE;
        status st = STATUS_DONE;
        if (cursor && first->is_static) {
            image = cursor->partition.static_image;
        } else if (cursor) {
            cover = deletion_max(cover, range_list_over(&cursor->partition.ranges, first->clustering));
            st = cursor_seek_row(cursor, first->clustering);
            if (ok(st) && cursor->on_row && slice_equal(cursor->row.clustering, first->clustering))
                image = cursor->row.image;
        }
        if (failed(st))
            return count_fail(it, st);
        uint32_t next = from + 1;
        while (next < to && same_row(first, &it->items[next]))
            next++;
        if (!count_row(it, from, next, image, cover))
            return false;
        from = next;
    }
    return true;
}

static bool same_partition(const struct increment *a, const struct increment *b)
{
    return a->table->store_id == b->table->store_id && slice_equal(a->key.bytes, b->key.bytes);
}

static bool count_all(struct count_run *it)
{
    struct plan_run *run = it->run;
    struct batch *batch = &run->workspace->batch;
    for (uint32_t from = 0; from < it->count;) {
        const struct increment *first = &it->items[from];
        uint32_t to = from + 1;
        while (to < it->count && same_partition(first, &it->items[to]))
            to++;
        struct store_read read = {.table_id = first->table->store_id};
        struct cursor *cursor;
        status st =
            store_cursor_open_one(run->context->store, &read, first->key, &run->result->counters, &cursor);
        if (failed(st))
            return count_fail(it, st);
        batch_begin(batch, first->table->store_id, first->key);
        bool counted = count_partition(it, from, to, cursor);
        batch_end(batch);
        cursor_close(cursor);
        if (!counted)
            return false;
        from = to;
    }
    return true;
}

/* DELETE is written as in any other table. */
static bool append_deletions(struct count_run *it, const struct batch_member *members, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct plan_run member = *it->run;
        struct modify_time time = {.known = true, .timestamp = it->timestamp};
        member.plan = members[i].plan;
        member.values = members[i].values;
        if (member.plan->modify->kind == STATEMENT_DELETE &&
            !modify_append(&member, &time, &it->run->workspace->batch))
            return false;
    }
    return true;
}

static bool write_locked(struct count_run *it, const struct batch_member *members, uint32_t count)
{
    struct batch *batch = &it->run->workspace->batch;
    /* The clock is asked under the lock: what a waiting writer wrote before is older. */
    it->timestamp = plan_server_timestamp(it->run->context);
    batch_clear(batch);
    return append_deletions(it, members, count) && count_all(it) &&
           (count == 1 || batch_check_size(it->run, batch, members[0].plan->table)) &&
           index_apply_batch(it->run, batch);
}

bool counter_execute(struct plan_run *run, const struct batch_member *members, uint32_t count)
{
    struct count_run it = {.run = run};
    struct store_guard guard;
    for (uint32_t i = 0; i < count; i++) {
        struct plan_run member = *run;
        member.plan = members[i].plan;
        member.values = members[i].values;
        if (!consistency_check_counter(run, member.plan->table) || !gather(&it, &member))
            return false;
    }
    add_up(&it);
    store_lock_partitions(run->context->store, it.partitions, it.partition_count, &guard);
    bool done = write_locked(&it, members, count);
    store_unlock_partitions(run->context->store, &guard);
    return done;
}
