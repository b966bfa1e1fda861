/* index_internal.h: one row before and after a write, and the entries that differ. */
#ifndef STRAIT_CQL_INDEX_INTERNAL_H
#define STRAIT_CQL_INDEX_INTERNAL_H

#include "cql/index.h"

/* A row as readers see it. Images are live ones (row_live()), empty when nothing lives. */
struct index_row {
    const struct cql_table *table;
    struct partition_key key;
    struct slice clustering;
    bool is_static; /* the partition's static row: no clustering */
    struct slice before, after;
};

/* One of the two. */
struct derived {
    const struct cql_index *index;
    const struct cql_table *view;
};

/* Append to `out` what the change of one row does to every index and view of its table; to `only`, when it is not NULL. */
bool index_row_changed(struct plan_run *run, const struct index_row *row, const struct derived *only,
                       struct batch *out);
/* The entries that a live image of the row has in an index; none when the image is empty. */
bool index_entries(struct plan_run *run, const struct index_row *row, struct slice image,
                   const struct cql_index *index, struct entry_list *out);

/* index_entry.c */
bool entry_list_add(struct plan_run *run, struct entry_list *list, const struct entry *entry);
/* In order and each once, with the longest life it has. */
void entry_list_sort(struct entry_list *list);
/* What turns `before` into `after`, both sorted. */
bool entry_lists_differ(struct plan_run *run, uint64_t store_id, const struct entry_list *before,
                        const struct entry_list *after, struct batch *out);

/* index_row.c: for views too. */
/* The value of a key column, in the scratch arena or borrowed from the row. */
status index_key_value(struct plan_run *run, const struct index_row *row, const struct cql_column *column,
                       struct slice *out_value);
/* The live cell of a column that is no collection; *out_found is false when there is none. */
status index_cell(struct slice image, uint32_t column, struct cell *out_cell, bool *out_found);
/* How long anything of a live row lives, as a TTL and its end; 0 for ever. */
status index_row_expiry(struct slice image, int32_t *out_ttl_s, int64_t *out_expiry_s);

#endif
