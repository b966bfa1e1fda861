#include "cql/paging.h"

#include "base/hash.h"

enum {
    PAGING_VERSION = 1,
    PAGING_PARTITION_DONE = 1 << 0,
    PAGING_GAVE_ROW = 1 << 1,
};

#define PAGING_SEED UINT64_C(0x5061676553746174)

static void put_bytes(struct buffer *out, struct slice bytes)
{
    buffer_append_be32(out, (uint32_t)bytes.bytes);
    buffer_append_slice(out, bytes);
}

void paging_state_write(struct buffer *out, const struct paging_state *state)
{
    size_t from = out->bytes;
    const struct walk_position *position = &state->position;
    buffer_append_u8(out, PAGING_VERSION);
    buffer_append_u8(out, (uint8_t)((position->partition_done ? PAGING_PARTITION_DONE : 0) |
                                    (position->gave_row ? PAGING_GAVE_ROW : 0)));
    buffer_append_be64(out, state->fingerprint);
    buffer_append_be32(out, state->limit_left);
    buffer_append_be32(out, state->partition_limit_left);
    put_bytes(out, position->partition);
    put_bytes(out, position->clustering);
    if (!out->failed)
        buffer_append_be64(out, hash64(slice_of(out->data + from, out->bytes - from), PAGING_SEED));
}

status paging_state_read(struct slice bytes, struct paging_state *out_state)
{
    struct paging_state state = {0};
    struct reader in = reader_of(bytes);
    uint8_t version = reader_u8(&in), flags = reader_u8(&in);
    state.fingerprint = reader_be64(&in);
    state.limit_left = reader_be32(&in);
    state.partition_limit_left = reader_be32(&in);
    state.position.partition = reader_take(&in, reader_be32(&in));
    state.position.clustering = reader_take(&in, reader_be32(&in));
    state.position.partition_done = flags & PAGING_PARTITION_DONE;
    state.position.gave_row = flags & PAGING_GAVE_ROW;
    uint64_t checksum = reader_be64(&in);
    if (in.failed || reader_left(&in) || version != PAGING_VERSION || !state.position.partition.bytes ||
        state.position.partition.bytes > PARTITION_KEY_BYTES_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    if (checksum != hash64(slice_of(bytes.data, bytes.bytes - sizeof checksum), PAGING_SEED))
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_state = state;
    return STATUS_DONE;
}
