/*
 * row_walk_view.c: rows of a view, each read from the base row that its entry leads to.
 *
 * The walk stands on entries as it stands on the rows of any table. From an entry's key comes the key of the base row; its
 * cells fill the slots, since a view's columns have the numbers of the base's. An entry whose row has gone, or says another
 * value for the view's key, is passed over.
 */
#include "cql/row_walk.h"
#include "cql/view.h"

struct view_walk {
    struct view_key_map map;
    struct slice *values; /* of the view's key */
};

static bool view_fail(struct row_walk *walk, status st)
{
    return cql_refuse_status(walk->run->error, st);
}

bool walk_open_view(struct row_walk *walk)
{
    struct plan_run *run = walk->run;
    const struct cql_table *view = walk->request.table;
    struct view_walk *made = arena_alloc(run->scratch, sizeof *made);
    const struct cql_table *base = catalog_table(run->context->catalog, view->keyspace, view->view->base);
    if (!made)
        return run_nomem(run);
    if (!base)
        return RUN_REFUSE(run, MSG_INTERNAL, "the table of a view is not in the schema");
    made->values =
        arena_alloc(run->scratch, (view->partition_count + view->clustering_count) * sizeof *made->values);
    if (!made->values)
        return run_nomem(run);
    status st = view_key_map_make(run->scratch, base, view, &made->map);
    if (failed(st))
        return view_fail(walk, st);
    walk->view = made;
    return true;
}

/* The key of the base row, from the slots of the view's key. */
static status base_key(struct row_walk *walk, struct buffer *partition, struct buffer *clustering)
{
    const struct cql_table *table = walk->request.table;
    for (uint32_t i = 0; i < table->partition_count + table->clustering_count; i++)
        walk->view->values[i] = walk->slots->items[i].value;
    return view_key_map_base(&walk->view->map, walk->view->values, partition, clustering);
}

/* Bring the base cursor to a row; *out_found is false when it is not there. */
static status seek_base(struct row_walk *walk, struct slice partition, struct slice clustering,
                        bool *out_found)
{
    struct cursor **cursor = &walk->index_cursor;
    *out_found = false;
    if (!*cursor || !slice_equal((*cursor)->partition.key.bytes, partition)) {
        struct store_read read = {.table_id = walk->view->map.base->store_id};
        cursor_close(*cursor);
        *cursor = NULL;
        TRY(store_cursor_open_one(walk->run->context->store, &read, partition_key_of(partition),
                                  &walk->run->result->counters, cursor));
    }
    if (!*cursor)
        return STATUS_DONE;
    TRY(cursor_seek_row(*cursor, clustering));
    *out_found = (*cursor)->on_row && slice_equal((*cursor)->row.clustering, clustering);
    return STATUS_DONE;
}

/* The cells of the base row. The view's key column among them must still have the value that the entry stands for. */
static status take_base_row(struct row_walk *walk, bool *out_live)
{
    struct plan_run *run = walk->run;
    struct row_slots *slots = walk->slots;
    const struct view_key_map *view = &walk->view->map;
    struct slice image = walk->index_cursor->row.image;
    if (view->cell == UINT32_MAX)
        return slots_row(slots, image, run->now_s, out_live, &run->result->tombstones);
    struct row_slot *slot = &slots->items[view->cell];
    struct row_slot key = *slot;
    slot->present = false;
    TRY(slots_row(slots, image, run->now_s, out_live, &run->result->tombstones));
    const struct type *type = walk->request.table->columns[view->cell].type;
    *out_live = *out_live && slot->present && type_compare(type, slot->value, key.value) == 0;
    /* The partition's slots stay as they are for its next row; they have the same bytes. */
    if (view->cell < walk->request.table->partition_count)
        *slot = key;
    return STATUS_DONE;
}

bool walk_view_row(struct row_walk *walk, bool *out_live)
{
    struct plan_run *run = walk->run;
    struct plan_workspace *workspace = run->workspace;
    bool found;
    buffer_clear(&workspace->image);
    status st = row_live(walk->cursor->row.image, DELETION_NONE, run->now_s, &workspace->image, out_live,
                         &run->result->tombstones);
    if (failed(st))
        return view_fail(walk, st);
    if (!*out_live)
        return true;
    st = slots_clustering(walk->slots, &workspace->wire, walk->cursor->row.clustering);
    if (ok(st))
        st = base_key(walk, &workspace->key, &workspace->entry_key);
    if (ok(st))
        st = seek_base(walk, buffer_slice(&workspace->key), buffer_slice(&workspace->entry_key), &found);
    if (failed(st))
        return view_fail(walk, st);
    *out_live = found;
    if (found)
        st = take_base_row(walk, out_live);
    return ok(st) ? true : view_fail(walk, st);
}
