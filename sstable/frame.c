#include "sstable/frame_internal.h"

#include "base/hash.h"

enum {
    AT_CHECKSUM = 0,
    AT_STORED_BYTES = 8,
    AT_RAW_BYTES = 12,
    AT_CODEC = 16,
    AT_LAYOUT = 17,
    AT_LEVEL = 18,
    AT_ZERO = 19,
    AT_ITEMS = 20,
};

/* Bytes of `raw` compressed at `at`, or 0 when storing it is as good. */
static size_t compressed(ZSTD_CCtx *zstd, struct slice raw, uint8_t *at, size_t room)
{
    if (!zstd || raw.bytes > FRAME_ZSTD_RAW_MAX || raw.bytes < 64)
        return 0;
    size_t bytes = ZSTD_compress2(zstd, at, room, raw.data, raw.bytes);
    return ZSTD_isError(bytes) || bytes > raw.bytes - raw.bytes / 16 ? 0 : bytes;
}

static void head_put(uint8_t *frame, size_t stored, size_t raw, enum frame_codec codec,
                     enum frame_layout layout, uint8_t level, uint32_t items)
{
    store_le64(frame + AT_CHECKSUM, 0);
    store_le32(frame + AT_STORED_BYTES, (uint32_t)stored);
    store_le32(frame + AT_RAW_BYTES, (uint32_t)raw);
    frame[AT_CODEC] = (uint8_t)codec;
    frame[AT_LAYOUT] = (uint8_t)layout;
    frame[AT_LEVEL] = level;
    frame[AT_ZERO] = 0;
    store_le32(frame + AT_ITEMS, items);
}

status frame_encode(ZSTD_CCtx *zstd, enum frame_layout layout, uint8_t level, uint32_t items,
                    struct slice raw, struct buffer *out)
{
    if (raw.bytes > FRAME_RAW_MAX)
        return STATUS_FAIL(STATUS_LIMIT);
    enum frame_codec codec = FRAME_ZSTD;
    size_t start = out->bytes;
    size_t room = raw.bytes > FRAME_ZSTD_RAW_MAX ? raw.bytes : ZSTD_compressBound(raw.bytes);
    uint8_t *frame = buffer_extend(out, FRAME_HEAD_BYTES + room);
    if (!frame)
        return STATUS_FAIL(STATUS_NOMEM);
    size_t stored = compressed(zstd, raw, frame + FRAME_HEAD_BYTES, room);
    if (stored == 0) {
        codec = FRAME_STORED;
        stored = raw.bytes;
        if (raw.bytes)
            memcpy(frame + FRAME_HEAD_BYTES, raw.data, raw.bytes);
    }
    head_put(frame, stored, raw.bytes, codec, layout, level, items);
    out->bytes = start + FRAME_HEAD_BYTES + stored;
    return STATUS_DONE;
}

void frame_wrap(enum frame_layout layout, uint32_t items, uint8_t *frame, size_t bytes)
{
    size_t stored = bytes - FRAME_HEAD_BYTES;
    head_put(frame, stored, stored, FRAME_STORED, layout, 0, items);
}

static uint64_t checksum_of(struct file_identity identity, uint64_t offset, const uint8_t *frame,
                            size_t bytes)
{
    return hash64(slice_of(frame + AT_STORED_BYTES, bytes - AT_STORED_BYTES),
                  hash_place(identity.store_id, identity.file_number, offset));
}

struct frame_ref frame_seal(struct file_identity identity, uint64_t offset, uint8_t *frame, uint32_t bytes)
{
    uint64_t checksum = checksum_of(identity, offset, frame, bytes);
    store_le64(frame + AT_CHECKSUM, checksum);
    return (struct frame_ref){.offset = offset, .checksum = checksum, .bytes = bytes};
}

status frame_check_moved(struct file_identity identity, const struct frame_ref *origin, struct slice sealed)
{
    bool same = sealed.bytes >= FRAME_HEAD_BYTES && sealed.bytes == origin->bytes &&
                checksum_of(identity, origin->offset, sealed.data, sealed.bytes) == origin->checksum;
    return same ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT);
}

status frame_head_decode(struct slice bytes, struct frame_head *out_head)
{
    if (bytes.bytes < FRAME_HEAD_BYTES)
        return STATUS_FAIL(STATUS_CORRUPT);
    const uint8_t *at = bytes.data;
    struct frame_head head = {
        .checksum = load_le64(at + AT_CHECKSUM),
        .stored_bytes = load_le32(at + AT_STORED_BYTES),
        .raw_bytes = load_le32(at + AT_RAW_BYTES),
        .codec = at[AT_CODEC],
        .layout = at[AT_LAYOUT],
        .level = at[AT_LEVEL],
        .items = load_le32(at + AT_ITEMS),
    };
    if (at[AT_ZERO] || head.raw_bytes > FRAME_RAW_MAX || head.stored_bytes > FRAME_RAW_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    if (head.codec > FRAME_ZSTD)
        return STATUS_FAIL(STATUS_UNSUPPORTED);
    if (head.codec == FRAME_STORED ? head.raw_bytes != head.stored_bytes
                                   : head.raw_bytes > FRAME_ZSTD_RAW_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_head = head;
    return STATUS_DONE;
}

status frame_check(struct file_identity identity, const struct frame_ref *ref, struct slice bytes,
                   struct frame_head *out_head)
{
    /* The checksum goes first: nothing of a damaged header is believed, not even that it is unsupported. */
    if (bytes.bytes < FRAME_HEAD_BYTES || bytes.bytes != ref->bytes)
        return STATUS_FAIL(STATUS_CORRUPT);
    uint64_t checksum = checksum_of(identity, ref->offset, bytes.data, bytes.bytes);
    if (checksum != ref->checksum || checksum != load_le64(bytes.data + AT_CHECKSUM))
        return STATUS_FAIL(STATUS_CORRUPT);
    struct frame_head head;
    TRY(frame_head_decode(bytes, &head));
    if (head.stored_bytes != bytes.bytes - FRAME_HEAD_BYTES)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_head = head;
    return STATUS_DONE;
}

status frame_decode(ZSTD_DCtx *zstd, const struct frame_head *head, struct slice bytes, uint8_t *out)
{
    const uint8_t *payload = bytes.data + FRAME_HEAD_BYTES;
    size_t raw = 0;
    switch (head->codec) {
    case FRAME_STORED:
        if (head->raw_bytes)
            memcpy(out, payload, head->raw_bytes);
        return STATUS_DONE;
    case FRAME_ZSTD:
        raw = ZSTD_decompressDCtx(zstd, out, head->raw_bytes, payload, head->stored_bytes);
        break;
    default: return STATUS_FAIL(STATUS_UNSUPPORTED);
    }
    if (ZSTD_isError(raw) || raw != head->raw_bytes)
        return STATUS_FAIL(STATUS_CORRUPT);
    return STATUS_DONE;
}
