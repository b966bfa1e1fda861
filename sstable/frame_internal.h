/*
 * frame_internal.h: the unit that an SSTable is made of: header, checksum, perhaps compressed payload.
 * docs/formats/sstable.md has the byte offsets.
 *
 * Frames are encoded without their checksum, because that is seeded by the offset, and sealed when the offset is known.
 */
#ifndef STRAIT_SSTABLE_FRAME_INTERNAL_H
#define STRAIT_SSTABLE_FRAME_INTERNAL_H

#include "base/buffer.h"
#include "base/reader.h"

#include <zstd.h>

enum {
    FRAME_HEAD_BYTES = 24,
    FRAME_ZSTD_RAW_MAX = 17 << 20, /* larger ones are stored as they are */
    FRAME_RAW_MAX = 1 << 30,
};

enum frame_codec {
    FRAME_STORED = 0,
    FRAME_ZSTD = 1,
};

enum frame_layout {
    FRAME_ROWS = 1,
    FRAME_DIRECTORY = 2,
    FRAME_BLOCK_INDEX = 3,
    FRAME_DIRECTORY_INDEX = 4,
    FRAME_FILTER = 5,
    FRAME_DICTIONARY = 6,
    FRAME_PARITY = 7,
};

/* What a parent knows of a frame. */
struct frame_ref {
    uint64_t offset;
    uint64_t checksum;
    uint32_t bytes; /* header and payload */
};

struct frame_head {
    uint64_t checksum;
    uint32_t stored_bytes, raw_bytes;
    uint8_t codec, layout, level;
    uint32_t items;
};

/* Which file a frame belongs to: the rest of its checksum's seed. */
struct file_identity {
    uint64_t store_id, file_number;
};

/* Append a frame without its checksum; a NULL `zstd` stores the payload as it is. STATUS_LIMIT beyond FRAME_RAW_MAX. */
status frame_encode(ZSTD_CCtx *zstd, enum frame_layout layout, uint8_t level, uint32_t items,
                    struct slice raw, struct buffer *out);
/* Write the header of a frame whose payload stands at `frame` + FRAME_HEAD_BYTES already and is stored as it is. */
void frame_wrap(enum frame_layout layout, uint32_t items, uint8_t *frame, size_t bytes);
/* Write the checksum into an encoded frame that will stand at `offset`; returns the reference to it. */
struct frame_ref frame_seal(struct file_identity identity, uint64_t offset, uint8_t *frame, uint32_t bytes);

/* Whether a frame that is sealed for its new place says what `origin` of another file was checked to say: whatever became of
 * it in memory in between has made it fail. */
status frame_check_moved(struct file_identity identity, const struct frame_ref *origin, struct slice sealed);

/* The header's fields, bounded by what a frame may be; says nothing about the checksum. */
status frame_head_decode(struct slice bytes, struct frame_head *out_head);
/* Check `bytes`, the whole frame, against its place and its reference. STATUS_UNSUPPORTED for an unknown codec. */
status frame_check(struct file_identity identity, const struct frame_ref *ref, struct slice bytes,
                   struct frame_head *out_head);
/* Decode the payload of a checked frame into `out`, which has head->raw_bytes. */
status frame_decode(ZSTD_DCtx *zstd, const struct frame_head *head, struct slice bytes, uint8_t *out);

#endif
