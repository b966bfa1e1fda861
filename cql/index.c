/*
 * index.c: keep indexes and views with every write.
 *
 * Under the locks of the partitions that a batch writes to, every row it touches is read, merged with what is written, and
 * compared before and after. Rows under a deleted range or partition are walked, so that their entries go with them.
 */
#include "cql/index.h"

#include <stdlib.h>

#include "cql/index_internal.h"

/* One part of one mutation of an indexed table. */
struct touched {
    const struct cql_table *table;
    struct partition_key key;
    struct mutation_part part;
    uint32_t order;
};

struct touched_list {
    struct touched *items; /* scratch */
    uint32_t count, capacity;
};

/* The parts of a batch that fall on one partition. */
struct partition_change {
    const struct cql_table *table;
    struct partition_key key;
    const struct touched *parts; /* by kind, rows by clustering key */
    uint32_t count;
    struct cursor *cursor; /* owned; NULL when the partition is new */
};

static bool index_fail(struct plan_run *run, status st)
{
    return cql_refuse_status(run->error, st);
}

/* ---- one row ---- */

static struct reconcile_rules rules_of(const struct plan_run *run)
{
    return (struct reconcile_rules){.smaller_ttl_wins = run->context->target->smaller_ttl_wins};
}

static struct deletion cover_of(const struct partition_change *change, struct slice clustering)
{
    struct deletion cover = DELETION_NONE;
    if (change->cursor)
        cover = deletion_max(change->cursor->partition.deletion,
                             range_list_over(&change->cursor->partition.ranges, clustering));
    for (uint32_t i = 0; i < change->count; i++) {
        const struct mutation_part *part = &change->parts[i].part;
        if (part->kind == MUTATION_PARTITION_DELETION)
            cover = deletion_max(cover, part->deletion);
        bool over = part->kind == MUTATION_RANGE && slice_compare(clustering, part->range.start) >= 0 &&
                    slice_compare(clustering, part->range.end) < 0;
        if (over)
            cover = deletion_max(cover, part->range.deletion);
    }
    return cover;
}

static status live_image(struct plan_run *run, struct slice image, struct deletion cover, struct buffer *out)
{
    bool live;
    uint64_t tombstones = 0;
    buffer_clear(out);
    if (!image.bytes)
        return STATUS_DONE;
    TRY(row_live(image, cover, run->now_s, out, &live, &tombstones));
    return buffer_status(out);
}

/* `before` is the row as the store has it, `written` what the batch writes to it; either may be empty. `cover` is the
 * strongest deletion over it. */
static bool image_changed(struct plan_run *run, struct index_row *row, struct deletion cover,
                          struct slice before, struct slice written, struct batch *out)
{
    struct plan_workspace *workspace = run->workspace;
    struct reconcile_rules rules = rules_of(run);
    struct slice merged = before.bytes ? before : written;
    status st = STATUS_DONE;
    if (before.bytes && written.bytes) {
        buffer_clear(&workspace->merged_row);
        st = row_merge(&rules, before, written, &workspace->merged_row);
        merged = buffer_slice(&workspace->merged_row);
    }
    struct row_reader head;
    if (ok(st) && merged.bytes)
        st = row_open(merged, &head);
    if (ok(st) && merged.bytes)
        cover = deletion_max(cover, head.deletion);
    if (ok(st))
        st = live_image(run, before, DELETION_NONE, &workspace->old_row);
    if (ok(st))
        st = live_image(run, merged, cover, &workspace->new_row);
    if (failed(st))
        return index_fail(run, st);
    row->before = buffer_slice(&workspace->old_row);
    row->after = buffer_slice(&workspace->new_row);
    return index_row_changed(run, row, NULL, out);
}

static bool row_changed(struct plan_run *run, const struct partition_change *change, struct slice clustering,
                        struct slice before, struct slice written, struct batch *out)
{
    struct index_row row = {.table = change->table, .key = change->key, .clustering = clustering};
    return image_changed(run, &row, cover_of(change, clustering), before, written, out);
}

/* ---- one partition ---- */

/* Everything the batch writes to one row, merged; *at moves past its parts. */
static bool written_image(struct plan_run *run, const struct partition_change *change, uint32_t *at,
                          struct slice *out_image)
{
    struct reconcile_rules rules = rules_of(run);
    const struct mutation_part *first = &change->parts[*at].part;
    *out_image = first->image;
    while (++*at < change->count && change->parts[*at].part.kind == first->kind &&
           slice_equal(change->parts[*at].part.clustering, first->clustering)) {
        struct buffer *merged = &run->workspace->merged_row;
        buffer_clear(merged);
        status st = row_merge(&rules, *out_image, change->parts[*at].part.image, merged);
        if (ok(st))
            st = buffer_status(merged);
        if (failed(st))
            return index_fail(run, st);
        *out_image = arena_copy(run->scratch, buffer_slice(merged));
        if (!out_image->data)
            return run_nomem(run);
    }
    return true;
}

/* The static row, which only a deletion of the partition covers (TS-14). */
static bool static_changed(struct plan_run *run, const struct partition_change *change, struct batch *out)
{
    struct index_row row = {.table = change->table, .key = change->key, .is_static = true};
    struct deletion cover = change->cursor ? change->cursor->partition.deletion : DELETION_NONE;
    struct slice before = change->cursor ? change->cursor->partition.static_image : (struct slice){0},
                 written = {0};
    bool touched = false;
    for (uint32_t at = 0; at < change->count;) {
        const struct mutation_part *part = &change->parts[at].part;
        if (part->kind == MUTATION_STATIC) {
            touched = true;
            if (!written_image(run, change, &at, &written))
                return false;
            continue;
        }
        if (part->kind == MUTATION_PARTITION_DELETION) {
            touched = true;
            cover = deletion_max(cover, part->deletion);
        }
        at++;
    }
    return !touched || image_changed(run, &row, cover, before, written, out);
}

static bool written_rows(struct plan_run *run, const struct partition_change *change, struct batch *out)
{
    struct cursor *cursor = change->cursor;
    for (uint32_t at = 0; at < change->count;) {
        if (change->parts[at].part.kind != MUTATION_ROW) {
            at++;
            continue;
        }
        struct slice clustering = change->parts[at].part.clustering, written, before = {0};
        if (!written_image(run, change, &at, &written))
            return false;
        status st = cursor ? cursor_seek_row(cursor, clustering) : STATUS_DONE;
        if (failed(st))
            return index_fail(run, st);
        if (cursor && cursor->on_row && slice_equal(cursor->row.clustering, clustering))
            before = cursor->row.image;
        if (!row_changed(run, change, clustering, before, written, out))
            return false;
    }
    return true;
}

static bool is_written(const struct partition_change *change, struct slice clustering)
{
    for (uint32_t i = 0; i < change->count; i++)
        if (change->parts[i].part.kind == MUTATION_ROW &&
            slice_equal(change->parts[i].part.clustering, clustering))
            return true;
    return false;
}

static bool deleted_rows(struct plan_run *run, const struct partition_change *change, struct slice start,
                         struct slice end, struct batch *out)
{
    struct cursor *cursor = change->cursor;
    status st = cursor_seek_row(cursor, start);
    while (ok(st) && cursor->on_row && slice_compare(cursor->row.clustering, end) < 0) {
        if (!is_written(change, cursor->row.clustering) &&
            !row_changed(run, change, cursor->row.clustering, cursor->row.image, (struct slice){0}, out))
            return false;
        st = cursor_next(cursor);
    }
    return ok(st) ? true : index_fail(run, st);
}

static bool deleted_ranges(struct plan_run *run, const struct partition_change *change, struct batch *out)
{
    static const uint8_t after[] = {KEY_AFTER};
    for (uint32_t i = 0; i < change->count && change->cursor; i++) {
        const struct mutation_part *part = &change->parts[i].part;
        if (part->kind == MUTATION_PARTITION_DELETION)
            return deleted_rows(run, change, (struct slice){0}, slice_of(after, 1), out);
    }
    for (uint32_t i = 0; i < change->count && change->cursor; i++) {
        const struct mutation_part *part = &change->parts[i].part;
        if (part->kind == MUTATION_RANGE &&
            !deleted_rows(run, change, part->range.start, part->range.end, out))
            return false;
    }
    return true;
}

/* The rows that will be asked for: those that are written, or all of them when something is deleted. */
static bool changed_slice(struct plan_run *run, const struct partition_change *change,
                          struct store_read *read)
{
    struct slice first = {0}, last = {0};
    for (uint32_t i = 0; i < change->count; i++) {
        const struct mutation_part *part = &change->parts[i].part;
        if (part->kind == MUTATION_PARTITION_DELETION || part->kind == MUTATION_RANGE)
            return true;
        if (part->kind != MUTATION_ROW)
            continue;
        if (!last.data)
            first = part->clustering;
        last = part->clustering;
    }
    uint8_t *behind = arena_bytes(run->scratch, last.bytes + 1);
    if (!behind)
        return run_nomem(run);
    if (last.bytes)
        memcpy(behind, last.data, last.bytes);
    behind[last.bytes] = 0; /* the least key above the last */
    read->from = first;
    read->to = slice_of(behind, last.bytes + 1);
    return true;
}

static bool static_indexed(const struct cql_table *table)
{
    for (uint32_t i = 0; i < table->index_count && table->static_count; i++)
        if (table->indexes[i]->column->kind == COLUMN_STATIC)
            return true;
    return false;
}

static bool partition_changed(struct plan_run *run, const struct touched *parts, uint32_t count,
                              struct batch *out)
{
    struct partition_change change = {
        .table = parts[0].table, .key = parts[0].key, .parts = parts, .count = count};
    struct store_read read = {.table_id = change.table->store_id};
    if (!changed_slice(run, &change, &read))
        return false;
    status st =
        store_cursor_open_one(run->context->store, &read, change.key, &run->result->counters, &change.cursor);
    if (failed(st))
        return index_fail(run, st);
    bool made = (!static_indexed(change.table) || static_changed(run, &change, out)) &&
                written_rows(run, &change, out) && deleted_ranges(run, &change, out);
    cursor_close(change.cursor);
    return made;
}

/* ---- a batch ---- */

/* Parts of one kind stand together: only rows have a clustering key and an image. */
static int touched_compare(const void *left, const void *right)
{
    const struct touched *a = left, *b = right;
    if (a->table->store_id != b->table->store_id)
        return a->table->store_id < b->table->store_id ? -1 : 1;
    int order = partition_key_compare(a->key, b->key);
    if (!order)
        order = (a->part.kind > b->part.kind) - (a->part.kind < b->part.kind);
    if (!order)
        order = slice_compare(a->part.clustering, b->part.clustering);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

static const struct cql_table *indexed_table(const struct cql_table *const *tables, uint32_t count,
                                             uint64_t id)
{
    for (uint32_t i = 0; i < count; i++)
        if (tables[i]->store_id == id)
            return table_has_derived(tables[i]) ? tables[i] : NULL;
    return NULL;
}

static bool touch(struct plan_run *run, struct touched_list *list, const struct touched *item)
{
    struct touched *grown =
        arena_grow(run->scratch, list->items, list->count, &list->capacity, sizeof *grown);
    if (!grown)
        return run_nomem(run);
    list->items = grown;
    list->items[list->count] = *item;
    list->items[list->count].order = list->count;
    list->count++;
    return true;
}

static bool collect(struct plan_run *run, const struct cql_table *const *tables, uint32_t table_count,
                    const struct batch *base, struct touched_list *out)
{
    struct reader in = reader_of(buffer_slice(&base->bytes));
    for (;;) {
        struct mutation mutation;
        bool more;
        status st = mutation_next(&in, &mutation, &more);
        if (failed(st))
            return index_fail(run, st);
        if (!more)
            break;
        struct touched item = {.table = indexed_table(tables, table_count, mutation.table_id),
                               .key = mutation.key};
        while (item.table) {
            st = mutation_next_part(&mutation, &item.part, &more);
            if (failed(st))
                return index_fail(run, st);
            if (!more)
                break;
            if ((item.part.kind != MUTATION_STATIC || static_indexed(item.table)) && !touch(run, out, &item))
                return false;
        }
    }
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, touched_compare);
    return true;
}

static bool same_partition(const struct touched *a, const struct touched *b)
{
    return a->table == b->table && a->key.token == b->key.token && slice_equal(a->key.bytes, b->key.bytes);
}

static bool list_mutations(struct plan_run *run, const struct touched_list *list, struct batch *out)
{
    for (uint32_t from = 0; from < list->count;) {
        uint32_t to = from + 1;
        while (to < list->count && same_partition(&list->items[from], &list->items[to]))
            to++;
        if (!partition_changed(run, &list->items[from], to - from, out))
            return false;
        from = to;
    }
    return true;
}

bool index_mutations(struct plan_run *run, const struct cql_table *const *tables, uint32_t table_count,
                     const struct batch *base, struct batch *out)
{
    struct touched_list list = {0};
    return collect(run, tables, table_count, base, &list) && list_mutations(run, &list, out);
}

bool index_apply_batch(struct plan_run *run, const struct batch *batch)
{
    const struct plan_context *context = run->context;
    if (!batch->mutation_count)
        return true;
    status st = batch_status(batch);
    if (failed(st))
        return index_fail(run, st);
    if (batch->bytes.bytes > STORE_BATCH_BYTES_MAX)
        return RUN_REFUSE(run, MSG_MUTATION_TOO_LARGE, batch->bytes.bytes, (size_t)STORE_BATCH_BYTES_MAX);
    if (context->deferred)
        st = store_apply_deferred(context->store, batch, context->durability, &run->result->ticket);
    else
        st = store_apply(context->store, batch, context->durability);
    return ok(st) ? true : index_fail(run, st);
}

static bool apply_locked(struct plan_run *run, const struct touched_list *list, const struct batch *base)
{
    struct batch *out = &run->workspace->index_batch;
    struct store_guard guard;
    struct store_partition *partitions = arena_alloc(run->scratch, list->count * sizeof *partitions);
    if (!partitions)
        return run_nomem(run);
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++)
        if (!i || !same_partition(&list->items[i - 1], &list->items[i]))
            partitions[count++] =
                (struct store_partition){list->items[i].table->store_id, list->items[i].key.bytes};
    batch_clear(out);
    buffer_append_slice(&out->bytes, buffer_slice(&base->bytes));
    out->mutation_count = base->mutation_count;
    out->part_count = base->part_count;
    store_lock_partitions(run->context->store, partitions, count, &guard);
    bool applied = list_mutations(run, list, out) && index_apply_batch(run, out);
    store_unlock_partitions(run->context->store, &guard);
    return applied;
}

bool index_apply(struct plan_run *run, const struct cql_table *const *tables, uint32_t table_count,
                 struct batch *base)
{
    struct touched_list list = {0};
    bool indexed = false;
    status st = batch_status(base);
    if (failed(st))
        return index_fail(run, st);
    for (uint32_t i = 0; i < table_count; i++)
        indexed |= table_has_derived(tables[i]);
    if (!indexed)
        return index_apply_batch(run, base);
    if (!collect(run, tables, table_count, base, &list))
        return false;
    return list.count ? apply_locked(run, &list, base) : index_apply_batch(run, base);
}

bool index_apply_locked(struct plan_run *run, const struct cql_table *const *tables, uint32_t table_count,
                        const struct batch *base)
{
    struct batch *both = &run->workspace->index_batch;
    bool indexed = false;
    for (uint32_t i = 0; i < table_count; i++)
        indexed |= table_has_derived(tables[i]);
    if (!indexed)
        return index_apply_batch(run, base);
    batch_clear(both);
    buffer_append_slice(&both->bytes, buffer_slice(&base->bytes));
    both->mutation_count = base->mutation_count;
    both->part_count = base->part_count;
    return index_mutations(run, tables, table_count, base, both) && index_apply_batch(run, both);
}
