/*
 * index_check.c: recompute an index or a view from its base and compare.
 *
 * Both ways, under the lock of one base partition at a time, so that writers may go on: every entry that the rows of a
 * partition should have is looked up, and every entry that is there is asked of its base row.
 */
#include "cql/index_check.h"

#include "cql/index_internal.h"
#include "cql/restriction.h"
#include "cql/view.h"

struct check {
    struct plan_run *run;
    const struct cql_table *base;
    const struct derived *derived;
    uint64_t store_id; /* of the entries */
    struct arena kept; /* what outlives the run's scratch for one step */
    struct index_check found;
};

static bool check_fail(struct check *check, status st)
{
    return cql_refuse_status(check->run->error, st);
}

static bool entries_of(struct check *check, const struct index_row *row, struct slice image,
                       struct entry_list *out)
{
    struct plan_run *run = check->run;
    struct buffer *live = &run->workspace->new_row;
    bool lives;
    uint64_t tombstones = 0;
    *out = (struct entry_list){0};
    buffer_clear(live);
    status st =
        image.bytes ? row_live(image, DELETION_NONE, run->now_s, live, &lives, &tombstones) : STATUS_DONE;
    if (failed(st))
        return check_fail(check, st);
    if (!image.bytes || !lives || (row->is_static && check->derived->view))
        return true;
    bool made = check->derived->index
                    ? index_entries(run, row, buffer_slice(live), check->derived->index, out)
                    : view_entries(run, row, buffer_slice(live), check->derived->view, out);
    entry_list_sort(out);
    return made;
}

/* ---- what should be there ---- */

/* Is the entry there, and does it live as long as it should? */
static bool look_up(struct check *check, const struct entry *entry, bool *out_there)
{
    struct plan_run *run = check->run;
    struct store_read read = {.table_id = check->store_id};
    struct cursor *cursor = NULL;
    struct row_reader head;
    *out_there = false;
    status st =
        store_cursor_open_one(run->context->store, &read, partition_key_of(entry->partition), NULL, &cursor);
    if (ok(st) && cursor)
        st = cursor_seek_row(cursor, entry->clustering);
    if (ok(st) && cursor && cursor->on_row && slice_equal(cursor->row.clustering, entry->clustering)) {
        st = row_open(cursor->row.image, &head);
        *out_there = ok(st) && head.marker.timestamp != TIMESTAMP_NONE && head.marker.ttl_s == entry->ttl_s &&
                     (!entry->ttl_s || head.marker.expiry_s == entry->expiry_s);
    }
    cursor_close(cursor);
    return ok(st) || check_fail(check, st);
}

static bool expect_entries(struct check *check, const struct index_row *row, struct slice image)
{
    struct entry_list list;
    if (!entries_of(check, row, image, &list))
        return false;
    for (uint32_t i = 0; i < list.count; i++) {
        bool there;
        if (!look_up(check, &list.items[i], &there))
            return false;
        check->found.expected++;
        check->found.missing += !there;
    }
    return true;
}

static bool expect_rows(struct check *check, struct cursor *cursor)
{
    struct index_row row = {.table = check->base, .key = cursor->partition.key, .is_static = true};
    if (!expect_entries(check, &row, cursor->partition.static_image))
        return false;
    row.is_static = false;
    status st = cursor_seek_row(cursor, (struct slice){0});
    while (ok(st) && cursor->on_row) {
        row.clustering = cursor->row.clustering;
        if (!expect_entries(check, &row, cursor->row.image))
            return false;
        st = cursor_next(cursor);
    }
    return ok(st) || check_fail(check, st);
}

/* Do something with the rows of one base partition as they are while nobody writes to it. */
static bool with_partition(struct check *check, struct partition_key key, struct entry_list *ghosts,
                           bool (*each)(struct check *check, struct cursor *cursor, struct entry_list *list))
{
    struct plan_run *run = check->run;
    struct store_partition partition = {check->base->store_id, key.bytes};
    struct store_read read = {.table_id = check->base->store_id};
    struct store_guard guard;
    struct cursor *cursor = NULL;
    store_lock_partitions(run->context->store, &partition, 1, &guard);
    status st = store_cursor_open_one(run->context->store, &read, key, NULL, &cursor);
    bool done = ok(st) ? each(check, cursor, ghosts) : check_fail(check, st);
    cursor_close(cursor);
    store_unlock_partitions(run->context->store, &guard);
    arena_reset(run->scratch);
    return done;
}

static bool each_expected(struct check *check, struct cursor *cursor, struct entry_list *list)
{
    (void)list;
    return !cursor || expect_rows(check, cursor);
}

static bool check_missing(struct check *check)
{
    struct plan_run *run = check->run;
    struct store_read read = {.table_id = check->base->store_id};
    struct cursor *cursor = NULL;
    status st = store_cursor_open(run->context->store, &read, NULL, &cursor);
    if (ok(st))
        st = cursor_next_partition(cursor);
    bool done = true;
    while (ok(st) && done && cursor->on_partition) {
        done = with_partition(check, cursor->partition.key, NULL, each_expected);
        st = cursor_next_partition(cursor);
    }
    cursor_close(cursor);
    return done && (ok(st) || check_fail(check, st));
}

/* ---- what should not ---- */

/* Which base row an entry leads to. */
static status base_of(struct check *check, const struct entry *entry, struct buffer *partition,
                      struct slice *out_clustering)
{
    struct plan_run *run = check->run;
    buffer_clear(partition);
    if (check->derived->index)
        return index_entry_split(entry->clustering, partition, out_clustering);
    struct buffer *clustering = &run->workspace->entry_key;
    TRY(view_base_key(run->scratch, check->base, check->derived->view, entry->partition, entry->clustering,
                      partition, clustering));
    *out_clustering = buffer_slice(clustering);
    return STATUS_DONE;
}

static bool same_place(const struct entry *a, const struct entry *b)
{
    return slice_equal(a->partition, b->partition) && slice_equal(a->clustering, b->clustering);
}

/* Does the entry still live, now that nobody writes? */
static bool still_lives(struct check *check, const struct entry *entry, bool *out_lives)
{
    struct plan_run *run = check->run;
    struct store_read read = {.table_id = check->store_id};
    struct cursor *cursor = NULL;
    struct buffer *live = &run->workspace->old_row;
    uint64_t tombstones = 0;
    *out_lives = false;
    status st =
        store_cursor_open_one(run->context->store, &read, partition_key_of(entry->partition), NULL, &cursor);
    if (ok(st) && cursor)
        st = cursor_seek_row(cursor, entry->clustering);
    buffer_clear(live);
    if (ok(st) && cursor && cursor->on_row && slice_equal(cursor->row.clustering, entry->clustering))
        st = row_live(cursor->row.image, DELETION_NONE, run->now_s, live, out_lives, &tombstones);
    cursor_close(cursor);
    return ok(st) || check_fail(check, st);
}

/* The cursor is on the entry's base partition, NULL when that has gone. */
static bool each_found(struct check *check, struct cursor *cursor, struct entry_list *list)
{
    const struct entry *entry = &list->items[0];
    struct buffer *partition = &check->run->workspace->key;
    struct slice clustering;
    struct entry_list expected = {0};
    bool lives, found = false;
    status st = base_of(check, entry, partition, &clustering);
    if (failed(st))
        return check_fail(check, st);
    if (!still_lives(check, entry, &lives))
        return false;
    struct index_row row = {.table = check->base, .clustering = clustering};
    struct slice image = {0};
    row.is_static = check->derived->index && check->derived->index->column->kind == COLUMN_STATIC;
    if (cursor) {
        row.key = cursor->partition.key;
        if (row.is_static)
            image = cursor->partition.static_image;
        else
            st = cursor_seek_row(cursor, clustering);
        if (ok(st) && !row.is_static && cursor->on_row && slice_equal(cursor->row.clustering, clustering)) {
            image = cursor->row.image;
            row.clustering = cursor->row.clustering; /* the other is in a buffer that entries are made in */
        }
    }
    if (failed(st))
        return check_fail(check, st);
    if (!entries_of(check, &row, image, &expected))
        return false;
    for (uint32_t i = 0; i < expected.count; i++)
        found |= same_place(&expected.items[i], entry);
    check->found.ghosts += lives && !found;
    return true;
}

static bool check_entry(struct check *check, struct cursor *cursor)
{
    struct entry entry = {.partition = cursor->partition.key.bytes, .clustering = cursor->row.clustering};
    struct entry_list list = {.items = &entry, .count = 1};
    struct slice clustering;
    struct buffer *partition = &check->run->workspace->key;
    status st = base_of(check, &entry, partition, &clustering);
    arena_reset(&check->kept);
    struct slice key = ok(st) ? arena_copy(&check->kept, buffer_slice(partition)) : (struct slice){0};
    if (ok(st) && !key.data)
        st = STATUS_FAIL(STATUS_NOMEM);
    return ok(st) ? with_partition(check, partition_key_of(key), &list, each_found) : check_fail(check, st);
}

static bool check_ghosts(struct check *check)
{
    struct plan_run *run = check->run;
    struct store_read read = {.table_id = check->store_id};
    struct cursor *cursor = NULL;
    status st = store_cursor_open(run->context->store, &read, NULL, &cursor);
    if (ok(st))
        st = cursor_next_partition(cursor);
    bool done = true;
    while (ok(st) && done && cursor->on_partition) {
        st = cursor_seek_row(cursor, (struct slice){0});
        while (ok(st) && done && cursor->on_row) {
            done = check_entry(check, cursor);
            st = cursor_next(cursor);
        }
        if (ok(st))
            st = cursor_next_partition(cursor);
    }
    cursor_close(cursor);
    return done && (ok(st) || check_fail(check, st));
}

static bool check_both(const struct plan_context *context, const struct cql_table *base,
                       const struct derived *derived, struct index_check *out, struct cql_error *error)
{
    struct plan_context own = *context;
    struct cql_result result = {0};
    struct cql_params params = {0};
    struct arena scratch = {0};
    own.workspace = plan_workspace_new();
    if (!own.workspace)
        return cql_refuse_status(error, STATUS_FAIL(STATUS_NOMEM));
    struct plan_run run = plan_run_of(NULL, &own, &params, &scratch, &result, error);
    struct check check = {.run = &run,
                          .base = base,
                          .derived = derived,
                          .store_id = derived->index ? derived->index->store_id : derived->view->store_id};
    bool done = check_missing(&check) && check_ghosts(&check);
    *out = check.found;
    cql_result_deinit(&result);
    arena_deinit(&scratch);
    arena_deinit(&check.kept);
    plan_workspace_free(own.workspace);
    return done;
}

bool index_check(const struct plan_context *context, const struct cql_index *index, struct index_check *out,
                 struct cql_error *error)
{
    return check_both(context, index->table, &(struct derived){.index = index}, out, error);
}

bool view_check(const struct plan_context *context, const struct cql_table *view, struct index_check *out,
                struct cql_error *error)
{
    const struct cql_table *base = catalog_table(context->catalog, view->keyspace, view->view->base);
    if (!base)
        return cql_refuse(error, context->profile, MSG_INTERNAL, "the table of a view is not in the schema");
    return check_both(context, base, &(struct derived){.view = view}, out, error);
}
