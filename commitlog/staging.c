#include "commitlog/staging_internal.h"

#include <assert.h>

/* What a begun block must remember until it is sealed is kept in the place where its header will be. */
enum {
    KEPT_BODY_BYTES = 0,
    KEPT_FIRST = 2,
    KEPT_KIND = 4,
};

status staging_init(struct staging *staging)
{
    if (staging->memory)
        return STATUS_DONE;
    staging->memory = io_memory_new((size_t)STAGING_BLOCKS * BLOCK_BYTES);
    return staging->memory ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
}

void staging_deinit(struct staging *staging)
{
    io_memory_free(staging->memory);
    *staging = (struct staging){0};
}

void staging_reset(struct staging *staging, struct log_position base, uint64_t segment_limit)
{
    uint64_t blocks_left = segment_limit > base.offset ? (segment_limit - base.offset) / BLOCK_BYTES : 0;
    staging->base = base;
    staging->block_count = 0;
    staging->block_limit = blocks_left < STAGING_BLOCKS ? (size_t)blocks_left : STAGING_BLOCKS;
    staging->fill = BLOCK_BODY_BYTES;
    staging->open = false;
}

static uint8_t *last_block(struct staging *staging)
{
    return staging->memory + (staging->block_count - 1) * BLOCK_BYTES;
}

static void end_block(struct staging *staging)
{
    if (staging->open)
        store_le16(last_block(staging) + KEPT_BODY_BYTES, (uint16_t)staging->fill);
    staging->open = false;
}

static uint8_t *begin_block(struct staging *staging, enum block_kind kind)
{
    assert(staging->block_count < STAGING_BLOCKS);
    end_block(staging);
    staging->block_count++;
    uint8_t *raw = last_block(staging);
    store_le16(raw + KEPT_FIRST, BLOCK_FIRST_NONE);
    store_le16(raw + KEPT_KIND, (uint16_t)kind);
    return raw;
}

static void begin_records(struct staging *staging)
{
    begin_block(staging, BLOCK_RECORDS);
    staging->fill = 0;
    staging->open = true;
}

/* A block of a known body that nothing is added to: what follows begins with the next block. */
static uint8_t *begin_closed_block(struct staging *staging, enum block_kind kind, uint16_t body_bytes)
{
    uint8_t *raw = begin_block(staging, kind);
    store_le16(raw + KEPT_BODY_BYTES, body_bytes);
    staging->fill = BLOCK_BODY_BYTES;
    return raw;
}

void staging_begin_segment(struct staging *staging, const struct segment_header *header)
{
    assert(staging_is_empty(staging) && staging->base.offset == 0);
    uint8_t *raw = begin_closed_block(staging, BLOCK_SEGMENT_HEADER, SEGMENT_HEADER_BODY_BYTES);
    segment_header_write(block_body(raw), header);
}

void staging_note(struct staging *staging, enum block_kind kind)
{
    begin_closed_block(staging, kind, 0);
}

void staging_begin_record(struct staging *staging, uint32_t payload_bytes)
{
    if (staging->fill == BLOCK_BODY_BYTES)
        begin_records(staging);
    uint8_t *block = last_block(staging);
    if (load_le16(block + KEPT_FIRST) == BLOCK_FIRST_NONE)
        store_le16(block + KEPT_FIRST, (uint16_t)staging->fill);
    uint8_t length[RECORD_LENGTH_BYTES];
    store_le32(length, payload_bytes);
    staging_copy(staging, slice_of(length, sizeof length));
}

size_t staging_copy(struct staging *staging, struct slice data)
{
    size_t done = 0;
    while (done < data.bytes) {
        if (staging->fill == BLOCK_BODY_BYTES) {
            if (staging->block_count == staging->block_limit)
                break;
            begin_records(staging);
        }
        size_t room = BLOCK_BODY_BYTES - staging->fill;
        size_t now = data.bytes - done < room ? data.bytes - done : room;
        memcpy(block_body(last_block(staging)) + staging->fill, data.data + done, now);
        staging->fill += now;
        done += now;
    }
    return done;
}

void staging_seal(struct staging *staging, const struct block *identity)
{
    end_block(staging);
    struct block block = *identity;
    block.segment = staging->base.segment;
    for (size_t i = 0; i < staging->block_count; i++) {
        uint8_t *raw = staging->memory + i * BLOCK_BYTES;
        block.index = (uint32_t)(staging->base.offset / BLOCK_BYTES + i);
        block.body_bytes = load_le16(raw + KEPT_BODY_BYTES);
        block.first = load_le16(raw + KEPT_FIRST);
        block.kind = load_le16(raw + KEPT_KIND);
        block_seal(raw, &block);
    }
}
