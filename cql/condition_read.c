/*
 * condition_read.c: the rows that conditions are about.
 *
 * Both targets read the rows of those statements whose conditions ask about a row, and where none does, the first row of
 * the partition, to know whether there is a partition at all. What was not read is not in the answer either, so it matters
 * what is read: Cassandra reads static columns only when one is asked about or the static row is written, and regular
 * columns only when some statement names a row.
 */
#include "cql/condition_internal.h"

#include <stdlib.h>

#include "row/live.h"

static bool read_fail(struct cas *cas, status st)
{
    return cql_refuse_status(cas->run->error, st);
}

/* ---- what is read ---- */

static bool asks_about_row(const struct cas *cas, const struct cas_member *member)
{
    if (member->about_static)
        return false;
    bool sees_row = cas->run->context->target->is_scylla && member->run.plan->modify->reads;
    return sees_row || (member->condition && !member->condition->asks_statics);
}

static bool reads_regulars(const struct cas *cas)
{
    if (cas->run->context->target->is_scylla || !cas->table->clustering_count)
        return true;
    for (uint32_t i = 0; i < cas->member_count; i++)
        if (!cas->members[i].about_static)
            return true;
    return false;
}

static bool writes_static(const struct modify_plan *modify)
{
    for (uint32_t i = 0; i < modify->cell_count; i++)
        if (modify->cells[i].column->kind == COLUMN_STATIC)
            return true;
    return false;
}

static bool reads_static(const struct cas *cas, const struct cql_column *column)
{
    if (cas->run->context->target->is_scylla)
        return true;
    for (uint32_t i = 0; i < cas->member_count; i++) {
        const struct condition_plan *plan = cas->members[i].condition;
        if (plan && writes_static(cas->members[i].run.plan->modify))
            return true;
        for (uint32_t k = 0; plan && k < plan->count; k++)
            if (plan->items[k].column == column)
                return true;
    }
    return false;
}

static int clustering_compare(const void *left, const void *right)
{
    const struct cas_row *a = left, *b = right;
    return slice_compare(a->clustering, b->clustering);
}

/* One place for each row that is asked about. */
static bool list_rows(struct cas *cas)
{
    uint32_t kept = 0;
    cas->rows = arena_calloc(cas->run->scratch, cas->member_count + 1, sizeof *cas->rows);
    if (!cas->rows)
        return run_nomem(cas->run);
    for (uint32_t i = 0; i < cas->member_count; i++)
        if (asks_about_row(cas, &cas->members[i]))
            cas->rows[cas->row_count++].clustering = cas->members[i].clustering;
    if (cas->row_count > 1)
        qsort(cas->rows, cas->row_count, sizeof *cas->rows, clustering_compare);
    for (uint32_t i = 0; i < cas->row_count; i++)
        if (!kept || !slice_equal(cas->rows[kept - 1].clustering, cas->rows[i].clustering))
            cas->rows[kept++] = cas->rows[i];
    cas->row_count = kept;
    return true;
}

/* ---- reading ---- */

struct reading {
    struct cas *cas;
    struct cursor *cursor; /* owned */
    struct row_slots slots;
    bool regulars;
};

static status copy_slots(struct reading *it, struct row_slot **out_items)
{
    const struct cql_table *table = it->cas->table;
    struct row_slot *items = arena_calloc(it->cas->run->scratch, table->column_count + 1, sizeof *items);
    if (!items)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < table->column_count; i++)
        if (!slot_copy(it->cas->run->scratch, &it->slots.items[i], &items[i]))
            return STATUS_FAIL(STATUS_NOMEM);
    *out_items = items;
    return STATUS_DONE;
}

/* The static row; what is not read of it is not there. */
static status read_statics(struct reading *it)
{
    struct cas *cas = it->cas;
    struct slice image = it->cursor ? it->cursor->partition.static_image : (struct slice){0};
    bool lives = false;
    TRY(slots_partition(&it->slots, cas->key.bytes));
    if (image.bytes)
        TRY(slots_static_row(&it->slots, image, cas->run->now_s, &lives, &cas->run->result->tombstones));
    for (uint32_t i = 0; i < cas->table->column_count; i++) {
        if (cas->table->columns[i].kind != COLUMN_STATIC)
            continue;
        if (!reads_static(cas, &cas->table->columns[i]))
            it->slots.items[i].present = false;
        cas->static_lives |= it->slots.items[i].present;
    }
    slots_no_row(&it->slots);
    return copy_slots(it, &cas->statics);
}

/* The row the cursor stands on. */
static status take_row(struct reading *it, struct cas_row *row)
{
    struct plan_run *run = it->cas->run;
    struct slice image = it->cursor->row.image;
    TRY(slots_row(&it->slots, image, run->now_s, &row->lives, &run->result->tombstones));
    if (!it->regulars) {
        struct live_reader marker;
        TRY(live_open(image, DELETION_NONE, run->now_s, &marker));
        row->lives = marker.marker_lives;
        slots_no_row(&it->slots);
    }
    if (!row->lives)
        return STATUS_DONE;
    row->clustering = arena_copy(run->scratch, it->cursor->row.clustering);
    if (it->cursor->row.clustering.bytes && !row->clustering.data)
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(slots_clustering(&it->slots, &run->workspace->wire, row->clustering));
    return copy_slots(it, &row->items);
}

static status read_named_rows(struct reading *it)
{
    for (uint32_t i = 0; i < it->cas->row_count; i++) {
        struct cas_row *row = &it->cas->rows[i];
        TRY(cursor_seek_row(it->cursor, row->clustering));
        if (it->cursor->on_row && slice_equal(it->cursor->row.clustering, row->clustering))
            TRY(take_row(it, row));
    }
    return STATUS_DONE;
}

static status read_first_row(struct reading *it)
{
    struct cas *cas = it->cas;
    TRY(cursor_seek_row(it->cursor, (struct slice){0}));
    while (it->cursor->on_row) {
        TRY(take_row(it, &cas->rows[0]));
        if (cas->rows[0].lives) {
            cas->row_count = 1;
            return STATUS_DONE;
        }
        TRY(cursor_next(it->cursor));
    }
    return STATUS_DONE;
}

static status read_partition(struct reading *it)
{
    TRY(read_statics(it));
    if (!it->cursor)
        return STATUS_DONE;
    return it->cas->row_count ? read_named_rows(it) : read_first_row(it);
}

/* Of the partition only what lies around the rows that are asked about. */
static bool bound_read(struct cas *cas, struct store_read *read)
{
    if (!cas->row_count || !cas->table->clustering_count)
        return true;
    struct slice last = cas->rows[cas->row_count - 1].clustering;
    uint8_t *behind = arena_bytes(cas->run->scratch, last.bytes + 1);
    if (!behind)
        return run_nomem(cas->run);
    memcpy(behind, last.data, last.bytes);
    behind[last.bytes] = 0; /* the least key above the last */
    read->from = cas->rows[0].clustering;
    read->to = slice_of(behind, last.bytes + 1);
    return true;
}

bool cas_read(struct cas *cas)
{
    struct reading it = {.cas = cas, .regulars = reads_regulars(cas)};
    struct store_read read = {.table_id = cas->table->store_id};
    if (!list_rows(cas) || !bound_read(cas, &read) || !slots_init(cas->run, cas->table, cas->map, &it.slots))
        return false;
    status st = store_cursor_open_one(cas->run->context->store, &read, cas->key, &cas->run->result->counters,
                                      &it.cursor);
    if (ok(st)) {
        st = read_partition(&it);
        cursor_close(it.cursor);
    }
    return ok(st) ? true : read_fail(cas, st);
}

/* ---- what was read ---- */

const struct cas_row *cas_row_of(const struct cas *cas, const struct cas_member *member)
{
    for (uint32_t i = 0; i < cas->row_count && !member->about_static; i++)
        if (cas->rows[i].lives && slice_equal(cas->rows[i].clustering, member->clustering))
            return &cas->rows[i];
    return NULL;
}

bool cas_partition_lives(const struct cas *cas)
{
    bool lives = cas->static_lives;
    for (uint32_t i = 0; i < cas->row_count; i++)
        lives |= cas->rows[i].lives;
    return lives;
}
