/*
 * staging_internal.h: the blocks that have been appended and not yet written.
 *
 * Shapes      `base` is the position of the first block; blocks[0..block_count) have been begun, the last of
 *             them holds `fill` bytes of body. An empty staging has no block and a full last one, so that one formula
 *             gives the tail.
 * Ownership   init takes memory of its own, deinit gives it back.
 * Threads     One at a time: the lock of the log while it fills, its writer while it is written.
 */
#ifndef STRAIT_COMMITLOG_STAGING_INTERNAL_H
#define STRAIT_COMMITLOG_STAGING_INTERNAL_H

#include "commitlog/block_internal.h"

enum {
    STAGING_BLOCKS = 64, /* 256 KiB: larger writes are no faster */
};

struct staging {
    uint8_t *memory; /* owned, aligned; NULL before the first append */
    struct log_position base;
    size_t block_count, block_limit;
    size_t fill;
    bool open; /* the last block takes more records */
};

status staging_init(struct staging *staging);
void staging_deinit(struct staging *staging);

/* Forget the contents; what comes next begins at `base` and leaves the bytes from `segment_limit` on alone. */
void staging_reset(struct staging *staging, struct log_position base, uint64_t segment_limit);

static inline bool staging_is_empty(const struct staging *staging)
{
    return staging->block_count == 0;
}

/* Where the next byte goes. */
static inline struct log_position staging_tail(const struct staging *staging)
{
    return (struct log_position){staging->base.segment, staging->base.offset +
                                                            staging->block_count * (uint64_t)BLOCK_BYTES -
                                                            ((uint64_t)BLOCK_BODY_BYTES - staging->fill)};
}

/* Where the next block goes. */
static inline struct log_position staging_end(const struct staging *staging)
{
    return (struct log_position){staging->base.segment,
                                 staging->base.offset + staging->block_count * (uint64_t)BLOCK_BYTES};
}

/* Bytes of body that still fit. */
static inline size_t staging_room(const struct staging *staging)
{
    return (BLOCK_BODY_BYTES - staging->fill) +
           (staging->block_limit - staging->block_count) * BLOCK_BODY_BYTES;
}

/* The first block of a segment; the staging is empty and stands at offset 0. */
void staging_begin_segment(struct staging *staging, const struct segment_header *header);
/* Begin a record: its length. There is room for it. */
void staging_begin_record(struct staging *staging, uint32_t payload_bytes);
/* Continue the record with as many bytes of `data` as there is room for; how many that was. */
size_t staging_copy(struct staging *staging, struct slice data);
/* A block without a body. There is room for one. */
void staging_note(struct staging *staging, enum block_kind kind);

/* Make the blocks ready to be written; `identity` gives store, stream, generation and durable position. */
void staging_seal(struct staging *staging, const struct block *identity);

#endif
