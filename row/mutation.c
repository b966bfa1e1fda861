#include "row/mutation.h"

#include <assert.h>

enum { LENGTH_BYTES = 4 };

void batch_clear(struct batch *batch)
{
    buffer_clear(&batch->bytes);
    batch->open_at = 0;
    batch->mutation_count = batch->part_count = 0;
}

void batch_deinit(struct batch *batch)
{
    buffer_deinit(&batch->bytes);
    *batch = (struct batch){0};
}

static void append_bytes(struct buffer *out, struct slice bytes)
{
    buffer_append_varint(out, bytes.bytes);
    buffer_append_slice(out, bytes);
}

static void append_deletion(struct buffer *out, struct deletion deletion)
{
    buffer_append_varint(out, zigzag_encode(deletion.timestamp));
    buffer_append_varint(out, zigzag_encode(deletion.time_s));
}

/* open_at is the offset behind the length, so that 0 can mean that nothing is open. */
void batch_begin(struct batch *batch, uint64_t table_id, struct partition_key key)
{
    assert(!batch->open_at);
    assert(key.bytes.bytes <= PARTITION_KEY_BYTES_MAX);
    buffer_append_le32(&batch->bytes, 0);
    batch->open_at = batch->bytes.bytes;
    buffer_append_varint(&batch->bytes, table_id);
    append_bytes(&batch->bytes, key.bytes);
}

void batch_delete_partition(struct batch *batch, struct deletion deletion)
{
    assert(batch->open_at || batch->bytes.failed);
    if (deletion.timestamp == TIMESTAMP_NONE)
        return;
    buffer_append_u8(&batch->bytes, MUTATION_PARTITION_DELETION);
    batch->part_count++;
    append_deletion(&batch->bytes, deletion);
}

/* An empty range deletes nothing; WHERE c > 5 AND c < 3 makes one. */
void batch_delete_range(struct batch *batch, struct range_tombstone range)
{
    assert(batch->open_at || batch->bytes.failed);
    if (range.deletion.timestamp == TIMESTAMP_NONE || slice_compare(range.start, range.end) >= 0)
        return;
    buffer_append_u8(&batch->bytes, MUTATION_RANGE);
    batch->part_count++;
    append_bytes(&batch->bytes, range.start);
    append_bytes(&batch->bytes, range.end);
    append_deletion(&batch->bytes, range.deletion);
}

void batch_static(struct batch *batch, struct slice image)
{
    assert(batch->open_at || batch->bytes.failed);
    buffer_append_u8(&batch->bytes, MUTATION_STATIC);
    batch->part_count++;
    append_bytes(&batch->bytes, image);
}

/* No row lies behind a bound {KEY_AFTER}: walks backwards begin there. */
static bool is_beyond_rows(struct slice clustering)
{
    return clustering.bytes && clustering.data[0] == KEY_AFTER;
}

void batch_row(struct batch *batch, struct slice clustering, struct slice image)
{
    assert(batch->open_at || batch->bytes.failed);
    assert(!is_beyond_rows(clustering));
    buffer_append_u8(&batch->bytes, MUTATION_ROW);
    batch->part_count++;
    append_bytes(&batch->bytes, clustering);
    append_bytes(&batch->bytes, image);
}

void batch_end(struct batch *batch)
{
    size_t open_at = batch->open_at;
    batch->open_at = 0;
    if (batch->bytes.failed)
        return;
    assert(open_at);
    size_t body_bytes = batch->bytes.bytes - open_at;
    if (body_bytes > UINT32_MAX) {
        batch->bytes.failed = true;
        return;
    }
    store_le32(batch->bytes.data + open_at - LENGTH_BYTES, (uint32_t)body_bytes);
    batch->mutation_count++;
}

status batch_status(const struct batch *batch)
{
    return buffer_status(&batch->bytes);
}

/* A length is nearly always one byte; reading a batch is on the way of every write. */
static inline struct slice take_bytes(struct reader *in)
{
    if (!in->failed && in->at != in->end && *in->at < 0x80) {
        size_t bytes = *in->at++;
        return reader_take(in, bytes);
    }
    return reader_take(in, reader_varint(in));
}

static struct deletion take_deletion(struct reader *in)
{
    struct deletion deletion;
    deletion.timestamp = zigzag_decode(reader_varint(in));
    deletion.time_s = zigzag_decode(reader_varint(in));
    if (deletion.timestamp == TIMESTAMP_NONE)
        in->failed = true;
    return deletion;
}

status mutation_next(struct reader *in, struct mutation *out_mutation, bool *out_more)
{
    if (in->failed)
        return STATUS_FAIL(STATUS_CORRUPT);
    if (!reader_left(in)) {
        *out_more = false;
        return STATUS_DONE;
    }
    uint32_t body_bytes = reader_le32(in);
    struct reader body = reader_of(reader_take(in, body_bytes));
    uint64_t table_id = reader_varint(&body);
    struct slice key = take_bytes(&body);
    if (in->failed || body.failed || key.bytes > PARTITION_KEY_BYTES_MAX) {
        in->failed = true;
        return STATUS_FAIL(STATUS_CORRUPT);
    }
    *out_mutation = (struct mutation){.table_id = table_id, .key = partition_key_of(key), .parts = body};
    *out_more = true;
    return STATUS_DONE;
}

/* A row, the part that nearly all are. */
static status next_row(struct reader *in, struct mutation_part *out_part)
{
    struct slice clustering = take_bytes(in);
    struct slice image = take_bytes(in);
    if (in->failed || is_beyond_rows(clustering))
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_part = (struct mutation_part){.kind = MUTATION_ROW, .clustering = clustering, .image = image};
    return STATUS_DONE;
}

static status next_other(struct reader *in, unsigned kind, struct mutation_part *out_part)
{
    struct mutation_part part = {.kind = (enum mutation_part_kind)kind};
    switch (kind) {
    case MUTATION_PARTITION_DELETION: part.deletion = take_deletion(in); break;
    case MUTATION_RANGE:
        part.range.start = take_bytes(in);
        part.range.end = take_bytes(in);
        part.range.deletion = take_deletion(in);
        if (slice_compare(part.range.start, part.range.end) >= 0)
            in->failed = true;
        break;
    case MUTATION_STATIC: part.image = take_bytes(in); break;
    default: in->failed = true; break;
    }
    TRY(reader_status(in));
    *out_part = part;
    return STATUS_DONE;
}

status mutation_next_part(struct mutation *mutation, struct mutation_part *out_part, bool *out_more)
{
    struct reader *in = &mutation->parts;
    if (!in->failed && !reader_left(in)) {
        *out_more = false;
        return STATUS_DONE;
    }
    unsigned kind = reader_u8(in);
    status st = kind == MUTATION_ROW ? next_row(in, out_part) : next_other(in, kind, out_part);
    if (failed(st))
        in->failed = true;
    else
        *out_more = true;
    return st;
}
