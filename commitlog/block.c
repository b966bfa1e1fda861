#include "commitlog/block_internal.h"

#include "base/hash.h"

enum block_offset {
    AT_CHECKSUM = 0,
    AT_STORE = 8,
    AT_SEGMENT = 16,
    AT_GENERATION = 24,
    AT_DURABLE_SEGMENT = 32,
    AT_DURABLE_OFFSET = 40,
    AT_STREAM = 48,
    AT_INDEX = 52,
    AT_BODY_BYTES = 56,
    AT_FIRST = 58,
    AT_KIND = 60,
    AT_RESERVED = 62,
};

static const uint8_t magic[8] = {'S', 'T', 'R', 'A', 'I', 'T', 'L', 'G'};

static uint64_t block_checksum(const uint8_t *raw, const struct block *block)
{
    uint64_t seed = hash_place(block->store_id, block->segment, (uint64_t)block->index * BLOCK_BYTES);
    return hash64(slice_of(raw + AT_STORE, BLOCK_BYTES - AT_STORE), seed);
}

void block_seal(uint8_t *raw, const struct block *block)
{
    memset(block_body(raw) + block->body_bytes, 0, (size_t)BLOCK_BODY_BYTES - block->body_bytes);
    store_le64(raw + AT_STORE, block->store_id);
    store_le64(raw + AT_SEGMENT, block->segment);
    store_le64(raw + AT_GENERATION, block->generation);
    store_le64(raw + AT_DURABLE_SEGMENT, block->durable.segment);
    store_le64(raw + AT_DURABLE_OFFSET, block->durable.offset);
    store_le32(raw + AT_STREAM, block->stream);
    store_le32(raw + AT_INDEX, block->index);
    store_le16(raw + AT_BODY_BYTES, block->body_bytes);
    store_le16(raw + AT_FIRST, block->first);
    store_le16(raw + AT_KIND, block->kind);
    store_le16(raw + AT_RESERVED, 0);
    store_le64(raw + AT_CHECKSUM, block_checksum(raw, block));
}

void block_read(const uint8_t *raw, struct block *out_block)
{
    *out_block = (struct block){
        .store_id = load_le64(raw + AT_STORE),
        .segment = load_le64(raw + AT_SEGMENT),
        .generation = load_le64(raw + AT_GENERATION),
        .durable = {load_le64(raw + AT_DURABLE_SEGMENT), load_le64(raw + AT_DURABLE_OFFSET)},
        .stream = load_le32(raw + AT_STREAM),
        .index = load_le32(raw + AT_INDEX),
        .body_bytes = load_le16(raw + AT_BODY_BYTES),
        .first = load_le16(raw + AT_FIRST),
        .kind = load_le16(raw + AT_KIND),
    };
}

bool block_is_zero(const uint8_t *raw)
{
    return raw[0] == 0 && memcmp(raw, raw + 1, BLOCK_BYTES - 1) == 0;
}

bool block_is_consistent(const uint8_t *raw, const struct block *block)
{
    return block->segment != 0 && block->body_bytes <= BLOCK_BODY_BYTES &&
           (block->first == BLOCK_FIRST_NONE || block->first < block->body_bytes) &&
           (block->kind == BLOCK_SEGMENT_HEADER) == (block->index == 0) &&
           block->kind >= BLOCK_SEGMENT_HEADER && block->kind <= BLOCK_CLOSE &&
           load_le64(raw + AT_CHECKSUM) == block_checksum(raw, block);
}

void segment_header_write(uint8_t *body, const struct segment_header *header)
{
    memcpy(body, magic, sizeof magic);
    store_le32(body + 8, header->version);
    store_le32(body + 12, header->features);
    store_le64(body + 16, header->segment_bytes);
    store_le64(body + 24, header->previous.segment);
    store_le64(body + 32, header->previous.offset);
    store_le64(body + 40, (uint64_t)header->created_us);
}

status segment_header_read(const uint8_t *body, struct segment_header *out_header)
{
    if (memcmp(body, magic, sizeof magic) != 0)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct segment_header header = {
        .version = load_le32(body + 8),
        .features = load_le32(body + 12),
        .segment_bytes = load_le64(body + 16),
        .previous = {load_le64(body + 24), load_le64(body + 32)},
        .created_us = (int64_t)load_le64(body + 40),
    };
    if (header.version != SEGMENT_VERSION || header.features != 0)
        return STATUS_FAIL(STATUS_UNSUPPORTED);
    *out_header = header;
    return STATUS_DONE;
}
