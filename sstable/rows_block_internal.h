/*
 * rows_block_internal.h: the rows of one or several partitions as the payload of a frame: shared prefixes,
 * a restart every 16 rows.
 *
 * Writing     A builder collects rows; rows_builder_run() begins the next partition.
 * Reading     A run is what one partition has in a block: its first restart and its number of rows. Rows are decoded
 *             in groups, all that lie behind one restart, so that both directions cost the same.
 */
#ifndef STRAIT_SSTABLE_ROWS_BLOCK_INTERNAL_H
#define STRAIT_SSTABLE_ROWS_BLOCK_INTERNAL_H

#include "row/cursor.h"

enum {
    ROWS_GROUP = 16,
    CLUSTERING_BYTES_MAX = 1 << 20,
};

struct rows_builder {
    struct buffer raw;
    struct buffer restarts; /* u32 each */
    struct buffer last_key; /* outlives rows_builder_clear(): the order of rows goes on in the next block */
    uint32_t rows, restart_count;
    uint32_t rows_in_group; /* behind the last restart; ROWS_GROUP makes the next row a restart */
};

void rows_builder_deinit(struct rows_builder *builder);
void rows_builder_clear(struct rows_builder *builder);
/* The next row is a restart: a partition begins. */
void rows_builder_run(struct rows_builder *builder);
void rows_builder_add(struct rows_builder *builder, struct slice clustering, struct slice image);
/* Payload bytes so far, without the restarts. */
static inline size_t rows_builder_bytes(const struct rows_builder *builder)
{
    return builder->raw.bytes;
}
/* Complete the payload. STATUS_NOMEM. */
status rows_builder_finish(struct rows_builder *builder, struct slice *out_raw);

struct rows_slot {
    uint32_t key_at, key_bytes; /* in rows_group.keys */
    struct slice image;         /* borrowed from the block */
};

/* A decoded group. */
struct rows_group {
    struct rows_slot slots[ROWS_GROUP];
    struct buffer keys;
    uint32_t count;
};

static inline struct slice rows_group_key(const struct rows_group *group, uint32_t slot)
{
    return slice_of(group->keys.data + group->slots[slot].key_at, group->slots[slot].key_bytes);
}

struct rows_run {
    const uint8_t *data; /* payload; borrowed from a pinned block */
    uint32_t rows_end;   /* where rows stop and restarts begin */
    uint32_t restart_count;
    uint32_t first_restart;
    uint32_t rows;   /* of the partition in this block, at least 1 */
    uint32_t groups; /* the same in groups */
};

/* STATUS_CORRUPT when the payload cannot hold such a run. */
status rows_run_open(struct slice payload, uint32_t items, uint32_t first_restart, uint64_t rows,
                     struct rows_run *out_run);
/* Decode group `group` of the run. */
status rows_run_group(const struct rows_run *run, uint32_t group, struct rows_group *out_group);
/* The last group whose first key is <= `key` (with `below`: < `key`); 0 when there is none. */
status rows_run_find(const struct rows_run *run, struct slice key, bool below, uint32_t *out_group);

#endif
