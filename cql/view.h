/*
 * view.h: materialized views: tables whose rows are those of another under another key (IDX-4, SCH-11).
 *
 * A view is a table of the catalog whose columns have the numbers of the base's columns, with a store table of its own that
 * holds entries and no cells (index.h). Whoever reads a row of the view reads the cells of the base row that the entry leads
 * to, so that values, timestamps and TTLs are those of the base at that moment. A write that changes no column of the view's
 * key writes nothing to the view.
 */
#ifndef STRAIT_CQL_VIEW_H
#define STRAIT_CQL_VIEW_H

#include "cql/plan_internal.h"

struct index_row;
struct entry_list;
struct row_walk;

/* The entry that a live image of a base row has in a view: none when the image is empty, a column of the view's key is null,
 * or the WHERE clause says no. */
bool view_entries(struct plan_run *run, const struct index_row *row, struct slice image,
                  const struct cql_table *view, struct entry_list *out);

/* Which columns of a view's key are those of its base's: positions in the view's key. */
struct view_key_map {
    const struct cql_table *base;
    uint32_t *partition, *clustering; /* arena */
    uint32_t cell;                    /* the key column that is a cell of the base; UINT32_MAX when none */
};
/* STATUS_CORRUPT when a column is missing. */
status view_key_map_make(struct arena *arena, const struct cql_table *base, const struct cql_table *view,
                         struct view_key_map *out_map);
/* The key of the base row that has these values in the view's key, in place of what the buffers hold. */
status view_key_map_base(const struct view_key_map *map, const struct slice *values,
                         struct buffer *out_partition, struct buffer *out_clustering);
/* The same from the bytes of a key of the view. */
status view_base_key(struct arena *scratch, const struct cql_table *base, const struct cql_table *view,
                     struct slice partition, struct slice clustering, struct buffer *out_partition,
                     struct buffer *out_clustering);

/* row_walk_view.c: how rows of a view are read. Made when a walk over a view is opened. */
struct view_walk;
bool walk_open_view(struct row_walk *walk);
/* The base row of the entry that the walk's cursor stands on, into the slots; false in *out_live when it has gone. */
bool walk_view_row(struct row_walk *walk, bool *out_live);

#endif
