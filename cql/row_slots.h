/*
 * row_slots.h: the row a SELECT looks at, one slot per column of the table in the order of table->columns.
 *
 * Values are borrowed: those of cells from the image they were taken from, those of clustering columns from a buffer of
 * the workspace. They are good until the walk moves.
 */
#ifndef STRAIT_CQL_ROW_SLOTS_H
#define STRAIT_CQL_ROW_SLOTS_H

#include "cql/plan_internal.h"

struct row_slot {
    bool present; /* not null */
    int32_t ttl_s;
    int64_t timestamp, expiry_s; /* of a static or regular cell */
    struct slice value;
};

/* What is known of a table's slots when a plan is made. */
struct slot_map {
    const uint16_t *ordinals; /* by column id in row images; UINT16_MAX for a column that is gone */
    uint32_t ordinal_count;
    const uint16_t *regulars; /* ordinals of the regular columns */
    uint32_t regular_count;
    bool clustering; /* is any clustering column asked for */
};

struct row_slots {
    const struct cql_table *table;
    const struct slot_map *map;
    struct row_slot *items;   /* scratch */
    struct slice *components; /* scratch: the partition key's */
};

/* `clustering` is left for the caller to set. False when memory ran out. */
bool slot_map_make(struct arena *arena, const struct cql_table *table, struct slot_map *out_map);

bool slots_init(struct plan_run *run, const struct cql_table *table, const struct slot_map *map,
                struct row_slots *out_slots);
/* A new partition: its key columns, no static column set. */
status slots_partition(struct row_slots *slots, struct slice key);
/* The live cells of a static or a regular row; *out_live when the row lives. Tombstones are added to *tombstones. */
status slots_static_row(struct row_slots *slots, struct slice image, int64_t now_s, bool *out_live,
                        uint64_t *tombstones);
status slots_row(struct row_slots *slots, struct slice image, int64_t now_s, bool *out_live,
                 uint64_t *tombstones);
/* The columns of a clustering key, decoded into `wire`. */
status slots_clustering(struct row_slots *slots, struct buffer *wire, struct slice clustering);
/* No row: clustering and regular columns are null. */
void slots_no_row(struct row_slots *slots);
/* A row of a virtual table. */
void slots_values(struct row_slots *slots, const struct cql_value *values);

#endif
