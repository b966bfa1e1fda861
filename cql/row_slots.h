/*
 * row_slots.h: the row a SELECT looks at, one slot per column of the table in the order of table->columns.
 *
 * Values are borrowed: those of cells from the image they were taken from, those of clustering columns and of collections made of
 * elements from buffers of the workspace. They are good until the walk moves. Of several row_slots of one run only one may be
 * in use at a time.
 */
#ifndef STRAIT_CQL_ROW_SLOTS_H
#define STRAIT_CQL_ROW_SLOTS_H

#include "cql/element.h"
#include "cql/plan_internal.h"

struct row_slot {
    bool present; /* not null */
    int32_t ttl_s;
    int64_t timestamp, expiry_s; /* of a static or regular cell; of one made of elements each has its own */
    struct slice value;
    const struct element
        *elements; /* scratch: live, rising by path; NULL for a column that is not made of them */
    uint32_t element_count;
};

/* What is known of a table's slots when a plan is made. */
struct slot_map {
    const uint16_t *ordinals; /* by column id in row images; UINT16_MAX for a column that is gone */
    uint32_t ordinal_count;
    const uint16_t *regulars; /* ordinals of the regular columns */
    uint32_t regular_count;
    const uint16_t *collections; /* ordinals of the columns that are made of elements */
    uint32_t collection_count;
    bool clustering; /* is any clustering column asked for */
};

/* The elements of one row: those of a static row outlive many regular ones. */
struct slot_elements {
    struct element *items; /* scratch */
    uint32_t count, capacity;
    struct buffer *wire; /* the workspace's: whole collections */
};

struct row_slots {
    const struct cql_table *table;
    const struct slot_map *map;
    struct arena *scratch;
    struct row_slot *items;   /* scratch */
    struct slice *components; /* scratch: the partition key's */
    struct slot_elements elements, static_elements;
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
/* A copy of the slot that lives as long as `arena`; false when memory ran out. */
bool slot_copy(struct arena *arena, const struct row_slot *slot, struct row_slot *out_slot);
/* A row of a virtual table. */
void slots_values(struct row_slots *slots, const struct cql_value *values);

#endif
