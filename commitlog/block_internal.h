/*
 * block_internal.h: one 4 KiB block of a segment, as docs/formats/commitlog.md lays it out.
 *
 * Pure functions of bytes: nothing here touches a file.
 */
#ifndef STRAIT_COMMITLOG_BLOCK_INTERNAL_H
#define STRAIT_COMMITLOG_BLOCK_INTERNAL_H

#include "commitlog/commitlog.h"

enum {
    BLOCK_BYTES = IO_BLOCK_BYTES,
    BLOCK_HEADER_BYTES = 64,
    BLOCK_BODY_BYTES = BLOCK_BYTES - BLOCK_HEADER_BYTES,
    BLOCK_FIRST_NONE = 0xffff,
    RECORD_LENGTH_BYTES = 4,
};

enum block_kind {
    BLOCK_SEGMENT_HEADER = 1,
    BLOCK_RECORDS = 2,
    BLOCK_CLOSE = 3,
};

/* The fields of a block that are not its body. */
struct block {
    uint64_t store_id, segment, generation;
    struct log_position durable;
    uint32_t stream, index;
    uint16_t body_bytes, first, kind;
};

/* The body of a segment's header block. */
struct segment_header {
    uint32_t version, features;
    uint64_t segment_bytes;
    struct log_position previous; /* where the segment before this one ends */
    int64_t created_us;
};

enum {
    SEGMENT_VERSION = 1,
    SEGMENT_HEADER_BODY_BYTES = 48,
};

static inline uint8_t *block_body(uint8_t *raw)
{
    return raw + BLOCK_HEADER_BYTES;
}

/* Clear the unused part of the body, write the fields in front of it and the checksum over all. */
void block_seal(uint8_t *raw, const struct block *block);
void block_read(const uint8_t *raw, struct block *out_block);
bool block_is_zero(const uint8_t *raw);
/* The checksum fits the place that the block itself claims, and its numbers make sense. */
bool block_is_consistent(const uint8_t *raw, const struct block *block);

void segment_header_write(uint8_t *body, const struct segment_header *header);
/* STATUS_CORRUPT when this is no header; STATUS_UNSUPPORTED when it is one of a newer version. */
status segment_header_read(const uint8_t *body, struct segment_header *out_header);

#endif
