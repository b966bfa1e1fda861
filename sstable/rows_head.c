/* The head of a rows payload, and what can be said of it without undoing the rows. */
#include "sstable/rows_lanes_internal.h"

static status summary_read(struct reader *in, uint32_t rows, struct sstable_block_summary *out_summary)
{
    uint8_t flags = reader_u8(in);
    struct sstable_block_summary summary = {
        .rows = rows,
        .never_expires = flags & SUMMARY_NEVER_EXPIRES,
        .min_timestamp = INT64_MAX,
        .max_timestamp = INT64_MIN,
        .min_expiry_s = INT64_MAX,
        .max_expiry_s = INT64_MIN,
    };
    summary.raw_bytes = reader_varint(in);
    summary.content_hash = reader_le64(in);
    summary.cells = reader_varint(in);
    summary.tombstones = reader_varint(in);
    summary.expiring = reader_varint(in);
    if (flags & SUMMARY_HAS_TIMESTAMPS) {
        summary.min_timestamp = zigzag_decode(reader_varint(in));
        summary.max_timestamp = (int64_t)((uint64_t)summary.min_timestamp + reader_varint(in));
    }
    if (flags & SUMMARY_HAS_EXPIRIES) {
        summary.min_expiry_s = zigzag_decode(reader_varint(in));
        summary.max_expiry_s = (int64_t)((uint64_t)summary.min_expiry_s + reader_varint(in));
    }
    if (in->failed || flags > (SUMMARY_NEVER_EXPIRES | SUMMARY_HAS_TIMESTAMPS | SUMMARY_HAS_EXPIRIES))
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_summary = summary;
    return STATUS_DONE;
}

status rows_summary(struct slice payload, uint32_t rows, struct sstable_block_summary *out_summary)
{
    struct reader in = reader_of(payload);
    return summary_read(&in, rows, out_summary);
}

/* What lanes can expand to is bounded by what stands in the file, so that nobody allocates for what is not there. */
static status head_bound(const struct rows_head *head, uint32_t rows)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < head->lane_count; i++) {
        most += head->lanes[i].stored.bytes * TOKEN_BYTES_MAX;
        if (head->lanes[i].codec == LANE_ZSTD)
            most += head->lanes[i].raw_bytes;
    }
    /* Of each row a shape and a template of a key. */
    uint64_t shared =
        (uint64_t)rows * (head->lanes[LANE_KEYS].stored.bytes + head->lanes[LANE_SHAPES].stored.bytes + 64);
    if (rows == 0 || head->summary.raw_bytes > most + shared || head->summary.raw_bytes > FRAME_RAW_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    return STATUS_DONE;
}

status rows_head_read(struct slice payload, uint32_t rows, struct rows_head *out_head)
{
    struct reader in = reader_of(payload);
    uint64_t stored_bytes[LANE_COUNT];
    TRY(summary_read(&in, rows, &out_head->summary));
    uint64_t columns = reader_varint(&in);
    if (in.failed || columns > ROWS_COLUMNS)
        return STATUS_FAIL(STATUS_CORRUPT);
    out_head->lane_count = LANE_COLUMNS + 2 * (uint32_t)columns;
    for (uint32_t i = 0; i < out_head->lane_count; i++) {
        uint64_t lane = reader_varint(&in);
        stored_bytes[i] = lane >> 2;
        out_head->lanes[i].codec = (enum lane_codec)(lane & 3);
        out_head->lanes[i].raw_bytes = out_head->lanes[i].codec == LANE_ZSTD ? reader_varint(&in) : 0;
        bool is_values = i > LANE_COLUMNS && (i - LANE_COLUMNS) % 2;
        if (out_head->lanes[i].raw_bytes > ROWS_ZSTD_RAW_MAX ||
            (out_head->lanes[i].codec != LANE_STORED && !is_values &&
             !(i == LANE_WHOLE && out_head->lanes[i].codec == LANE_ZSTD)))
            return STATUS_FAIL(STATUS_CORRUPT);
    }
    for (uint32_t i = 0; i < out_head->lane_count; i++)
        out_head->lanes[i].stored = reader_take(&in, stored_bytes[i]);
    if (in.failed || in.at != in.end)
        return STATUS_FAIL(STATUS_CORRUPT);
    return head_bound(out_head, rows);
}

status rows_needs(struct slice payload, bool *out_tokens, bool *out_zstd)
{
    struct rows_head head;
    TRY(rows_head_read(payload, UINT32_MAX, &head)); /* what it may unfold to is asked by who unfolds it */
    *out_tokens = *out_zstd = false;
    for (uint32_t i = 0; i < head.lane_count; i++) {
        *out_tokens |= head.lanes[i].codec == LANE_TOKENS;
        *out_zstd |= head.lanes[i].codec == LANE_ZSTD;
    }
    return STATUS_DONE;
}

status rows_end_keys(struct slice payload, uint32_t rows, struct buffer *scratch, struct slice *out_first,
                     struct slice *out_last)
{
    struct rows_head head;
    struct strings_reader keys;
    TRY(rows_head_read(payload, rows, &head));
    TRY(strings_open(head.lanes[LANE_KEYS].stored, &keys));
    buffer_clear(scratch);
    uint8_t *at = buffer_extend(scratch, head.summary.raw_bytes + ROWS_DECODE_SLACK);
    if (!at)
        return STATUS_FAIL(STATUS_NOMEM);
    const uint8_t *end = at + head.summary.raw_bytes, *before = NULL;
    size_t bytes = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (!strings_next(&keys, before, bytes, at, (size_t)(end - at), &bytes))
            return STATUS_FAIL(STATUS_CORRUPT);
        if (i == 0)
            *out_first = slice_of(at, bytes);
        *out_last = slice_of(at, bytes);
        before = at;
        at += bytes;
    }
    return STATUS_DONE;
}
