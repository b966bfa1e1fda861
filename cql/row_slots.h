/*
 * row_slots.h: the row a SELECT looks at, one slot per column of the table in the order of table->columns.
 */
#ifndef STRAIT_CQL_ROW_SLOTS_H
#define STRAIT_CQL_ROW_SLOTS_H

#include "cql/row_walk.h"

struct row_slot {
    bool present; /* not null */
    int32_t ttl_s;
    int64_t timestamp, expiry_s; /* of a static or regular cell */
    struct slice value;          /* borrowed from the walk, until it moves */
};

/* Columns by their id in row images; UINT16_MAX for one that the table no longer has. Made once per plan. */
struct slot_map {
    const uint16_t *ordinals;
    uint32_t count;
    bool clustering; /* is any clustering column asked for */
};

struct row_slots {
    const struct cql_table *table;
    const struct slot_map *map;
    struct row_slot *items;   /* scratch */
    struct slice *components; /* scratch: the partition key's */
};

/* NULL when memory ran out. */
const uint16_t *slot_map_ordinals(struct arena *arena, const struct cql_table *table);

bool slots_init(struct plan_run *run, const struct cql_table *table, const struct slot_map *map,
                struct row_slots *out_slots);
/* Take in what the walk stands on after `event`. */
bool slots_take(struct row_slots *slots, struct plan_run *run, const struct row_walk *walk,
                enum walk_event event);
/* Only a row image, over whatever stands there: for writes that read first. Clustering columns are not touched. */
status slots_take_image(struct row_slots *slots, struct slice image);

#endif
