/*
 * An image is `flags | base timestamp | [TTL | expiry] | glue | length, value | glue | length, value | glue` to us, where
 * the path of an element is a value like any other. Where they stand is told by row/image.h, on both sides: in the image
 * when cutting, in the glue when joining. A shape is walked once per block; rows of that shape are then put together by
 * copying.
 *
 * Columns get their lanes in order of appearance, which the joiner repeats, and their paths get lanes as if they were
 * a column more; what comes after the sixteenth shares the last pair of lanes. The values of one lane stand in the order
 * of rows and cells, so nothing else is needed.
 */
#include "sstable/lanes_internal.h"

#include "row/image.h"

#include <stdlib.h>

static size_t varint_bytes(uint64_t value)
{
    size_t bytes = 1;
    while (value >= 0x80) {
        value >>= 7;
        bytes++;
    }
    return bytes;
}

static uint8_t *varint_put(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/* The lane pair of a column's values or paths, given out in order of appearance. */
static uint32_t slot_of(uint64_t *columns, uint32_t *count, uint64_t column)
{
    for (uint32_t i = 0; i < *count; i++)
        if (columns[i] == column)
            return i;
    if (*count == LANES_COLUMNS)
        return LANES_COLUMNS - 1;
    columns[*count] = column;
    return (*count)++;
}

/* ---- cutting ---- */

void lanes_splitter_deinit(struct lanes_splitter *splitter)
{
    for (uint32_t i = 0; i < LANE_COUNT; i++)
        buffer_deinit(&splitter->lanes[i]);
    buffer_deinit(&splitter->glue);
    buffer_deinit(&splitter->shape_bytes);
}

static void splitter_clear(struct lanes_splitter *splitter)
{
    for (uint32_t i = 0; i < LANE_COUNT; i++)
        buffer_clear(&splitter->lanes[i]);
    buffer_clear(&splitter->shape_bytes);
    splitter->shape_count = 0;
    splitter->column_count = 0;
}

/* The number of the shape in `glue`: 0 and the shape itself when it is new. */
static void shape_put(struct lanes_splitter *splitter)
{
    struct slice glue = buffer_slice(&splitter->glue);
    struct buffer *lane = &splitter->lanes[LANE_SHAPES];
    uint32_t start = 0;
    for (uint32_t i = 0; i < splitter->shape_count; i++) {
        uint32_t end = splitter->shape_ends[i];
        if (slice_equal(slice_of(splitter->shape_bytes.data + start, end - start), glue)) {
            buffer_append_varint(lane, i + 1);
            return;
        }
        start = end;
    }
    buffer_append_varint(lane, 0);
    buffer_append_varint(lane, glue.bytes);
    buffer_append_slice(lane, glue);
    if (splitter->shape_count < LANES_SHAPES) {
        buffer_append_slice(&splitter->shape_bytes, glue);
        splitter->shape_ends[splitter->shape_count++] = (uint32_t)splitter->shape_bytes.bytes;
    }
}

/* A varint that takes no more bytes than it must: the joiner writes them so. */
static uint64_t canonical_take(struct reader *in)
{
    const uint8_t *from = in->at;
    uint64_t value = image_varint(in);
    if ((size_t)(in->at - from) != varint_bytes(value))
        in->failed = true;
    return value;
}

/* Numbers of the row before, from which the next row's differ little. */
static void difference_put(struct buffer *lane, int64_t value, int64_t *last)
{
    buffer_append_varint(lane, zigzag_encode((int64_t)((uint64_t)value - (uint64_t)*last)));
    *last = value;
}

/* Cut one image. False when it is not what the joiner would write, or has too many values. */
static bool image_split(struct lanes_splitter *splitter, struct slice image, int64_t *last_timestamp,
                        int64_t *last_expiry_s)
{
    if (image.bytes < IMAGE_BYTES_MIN)
        return false;
    uint8_t flags = image.data[0];
    int64_t base = (int64_t)load_le64(image.data + IMAGE_BASE_AT);
    const uint8_t *glue_from = image.data + IMAGE_BASE_END;
    struct reader in = {.at = glue_from, .end = image.data + image.bytes};
    buffer_clear(&splitter->glue);
    buffer_append_u8(&splitter->glue, flags);
    if (flags & IMAGE_MARKER_EXPIRES) {
        (void)image_varint(&in); /* the TTL, mostly the same */
        buffer_append(&splitter->glue, glue_from, (size_t)(in.at - glue_from));
        difference_put(&splitter->lanes[LANE_EXPIRIES], zigzag_decode(canonical_take(&in)), last_expiry_s);
        glue_from = in.at;
    }
    struct image_cuts cuts = image_cuts_open(&in, flags);
    uint64_t place;
    for (uint32_t values = 0; image_cuts_next(&cuts, &in, &place);) {
        if (++values > LANES_VALUES_MAX)
            return false;
        uint32_t lane = LANE_COLUMNS + 2 * slot_of(splitter->columns, &splitter->column_count, place);
        buffer_append(&splitter->glue, glue_from, (size_t)(in.at - glue_from));
        struct slice value = reader_take(&in, canonical_take(&in));
        buffer_append_varint(&splitter->lanes[lane], value.bytes);
        buffer_append_slice(&splitter->lanes[lane + 1], value);
        glue_from = in.at;
    }
    if (in.failed || in.at != in.end)
        return false;
    buffer_append(&splitter->glue, glue_from, (size_t)(in.at - glue_from));
    shape_put(splitter);
    difference_put(&splitter->lanes[LANE_TIMESTAMPS], base, last_timestamp);
    return true;
}

static bool rows_split(struct lanes_splitter *splitter, struct slice payload, uint32_t rows)
{
    uint32_t restart_count = load_le32(payload.data + payload.bytes - 4);
    const uint8_t *restarts = payload.data + payload.bytes - 4 - (size_t)restart_count * 4;
    struct reader in = reader_of(slice_of(payload.data, (size_t)(restarts - payload.data)));
    int64_t last_timestamp = 0, last_expiry_s = 0;
    uint32_t restart = 0;
    for (uint32_t i = 0; i < rows; i++) {
        bool is_restart = restart < restart_count &&
                          load_le32(restarts + (size_t)restart * 4) == (size_t)(in.at - payload.data);
        uint64_t shared = image_varint(&in);
        uint64_t unshared = image_varint(&in);
        uint64_t image_bytes = image_varint(&in);
        struct slice key = reader_take(&in, unshared);
        struct slice image = reader_take(&in, image_bytes);
        if (in.failed || !image_split(splitter, image, &last_timestamp, &last_expiry_s))
            return false;
        buffer_append_varint(&splitter->lanes[LANE_KEY_LENGTHS], is_restart ? 0 : shared + 1);
        buffer_append_varint(&splitter->lanes[LANE_KEY_LENGTHS], unshared);
        buffer_append_slice(&splitter->lanes[LANE_KEYS], key);
        restart += is_restart;
    }
    return in.at == in.end && restart == restart_count;
}

status lanes_split(struct lanes_splitter *splitter, struct slice payload, uint32_t rows, struct buffer *out,
                   bool *out_split)
{
    size_t start = out->bytes;
    splitter_clear(splitter);
    *out_split = false;
    if (payload.bytes > LANES_JOINED_MAX || !rows_split(splitter, payload, rows))
        return STATUS_DONE;
    uint32_t lane_count = LANE_COLUMNS + 2 * splitter->column_count;
    buffer_append_varint(out, payload.bytes);
    buffer_append_varint(out, splitter->column_count);
    for (uint32_t i = 0; i < lane_count; i++) {
        TRY(buffer_status(&splitter->lanes[i]));
        buffer_append_varint(out, splitter->lanes[i].bytes);
    }
    for (uint32_t i = 0; i < lane_count; i++)
        buffer_append_slice(out, buffer_slice(&splitter->lanes[i]));
    TRY(buffer_status(&splitter->glue));
    TRY(buffer_status(&splitter->shape_bytes));
    TRY(buffer_status(out));
    /* Rows that have nothing in common grow; then the payload is better off uncut. */
    if (out->bytes - start > payload.bytes + payload.bytes / 8 + 64)
        out->bytes = start;
    else
        *out_split = true;
    return STATUS_DONE;
}

/* ---- joining ---- */

struct joiner {
    struct reader lanes[LANE_COUNT];
    uint32_t lane_count;
    struct lanes_shape *shapes; /* owned; the last one is for shapes that are not remembered */
    uint32_t shape_count;
    uint64_t columns[LANES_COLUMNS];
    uint32_t column_count;
    int64_t last_timestamp, last_expiry_s;
};

status lanes_joined_bytes(struct slice lanes, uint32_t *out_bytes)
{
    struct reader in = reader_of(lanes);
    uint64_t bytes = reader_varint(&in);
    if (in.failed || bytes > LANES_JOINED_MAX || bytes < 4)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_bytes = (uint32_t)bytes;
    return STATUS_DONE;
}

static status joiner_open(struct joiner *joiner, struct slice lanes)
{
    struct reader in = reader_of(lanes);
    uint64_t bytes[LANE_COUNT];
    (void)reader_varint(&in);
    uint64_t columns = reader_varint(&in);
    if (in.failed || columns > LANES_COLUMNS)
        return STATUS_FAIL(STATUS_CORRUPT);
    joiner->lane_count = LANE_COLUMNS + 2 * (uint32_t)columns;
    for (uint32_t i = 0; i < joiner->lane_count; i++)
        bytes[i] = reader_varint(&in);
    for (uint32_t i = 0; i < joiner->lane_count; i++)
        joiner->lanes[i] = reader_of(reader_take(&in, bytes[i]));
    return in.failed || in.at != in.end ? STATUS_FAIL(STATUS_CORRUPT) : STATUS_DONE;
}

static status shape_learn(struct joiner *joiner, struct lanes_shape *shape)
{
    struct reader *lane = &joiner->lanes[LANE_SHAPES];
    shape->glue = reader_take(lane, image_varint(lane));
    shape->value_count = 0;
    struct reader in = reader_of(shape->glue);
    uint8_t flags = reader_u8(&in);
    shape->expiry_cut = 0;
    if (flags & IMAGE_MARKER_EXPIRES) {
        (void)image_varint(&in);
        shape->expiry_cut = (uint32_t)(in.at - shape->glue.data);
    }
    struct image_cuts cuts = image_cuts_open(&in, flags);
    uint64_t place;
    while (image_cuts_next(&cuts, &in, &place)) {
        uint32_t slot = slot_of(joiner->columns, &joiner->column_count, place);
        if (shape->value_count == LANES_VALUES_MAX || LANE_COLUMNS + 2 * slot >= joiner->lane_count)
            return STATUS_FAIL(STATUS_CORRUPT);
        shape->slot[shape->value_count] = (uint8_t)slot;
        shape->cut[shape->value_count++] = (uint32_t)(in.at - shape->glue.data);
    }
    return lane->failed || in.failed || in.at != in.end ? STATUS_FAIL(STATUS_CORRUPT) : STATUS_DONE;
}

static status shape_next(struct joiner *joiner, const struct lanes_shape **out_shape)
{
    uint64_t number = image_varint(&joiner->lanes[LANE_SHAPES]);
    if (number > joiner->shape_count)
        return STATUS_FAIL(STATUS_CORRUPT);
    if (number) {
        *out_shape = &joiner->shapes[number - 1];
        return STATUS_DONE;
    }
    struct lanes_shape *shape = &joiner->shapes[joiner->shape_count];
    TRY(shape_learn(joiner, shape));
    if (joiner->shape_count < LANES_SHAPES)
        joiner->shape_count++;
    *out_shape = shape;
    return STATUS_DONE;
}

static uint8_t *bytes_put(uint8_t *at, const uint8_t *from, size_t bytes)
{
    if (bytes)
        memcpy(at, from, bytes);
    return at + bytes;
}

/* A number from its difference to the last one. */
static int64_t difference_take(struct reader *lane, int64_t *last)
{
    *last = (int64_t)((uint64_t)*last + (uint64_t)zigzag_decode(image_varint(lane)));
    return *last;
}

/* Write the row at `at`, not beyond `end`; returns where it ends, NULL when it does not fit or the lanes are short. */
static uint8_t *row_join(struct joiner *joiner, uint64_t shared, const struct lanes_shape *shape, uint8_t *at,
                         const uint8_t *end)
{
    uint32_t lengths[LANES_VALUES_MAX];
    uint64_t unshared = image_varint(&joiner->lanes[LANE_KEY_LENGTHS]);
    int64_t base = difference_take(&joiner->lanes[LANE_TIMESTAMPS], &joiner->last_timestamp);
    uint64_t expiry = 0;
    uint64_t image_bytes = shape->glue.bytes + sizeof base;
    if (shape->expiry_cut) {
        expiry = zigzag_encode(difference_take(&joiner->lanes[LANE_EXPIRIES], &joiner->last_expiry_s));
        image_bytes += varint_bytes(expiry);
    }
    for (uint32_t i = 0; i < shape->value_count; i++) {
        uint64_t length = image_varint(&joiner->lanes[LANE_COLUMNS + 2 * shape->slot[i]]);
        if (length > LANES_JOINED_MAX)
            return NULL;
        lengths[i] = (uint32_t)length;
        image_bytes += varint_bytes(length) + length;
    }
    uint64_t bytes = varint_bytes(shared) + varint_bytes(unshared) + varint_bytes(image_bytes) + image_bytes;
    if (unshared > LANES_JOINED_MAX || bytes + unshared > (uint64_t)(end - at))
        return NULL;
    at = varint_put(at, shared);
    at = varint_put(at, unshared);
    at = varint_put(at, image_bytes);
    struct slice key = reader_take(&joiner->lanes[LANE_KEYS], unshared);
    at = bytes_put(at, key.data, key.bytes);
    *at++ = shape->glue.data[0];
    store_le64(at, (uint64_t)base);
    at += sizeof base;
    uint32_t from = 1;
    if (shape->expiry_cut) {
        at = bytes_put(at, shape->glue.data + from, shape->expiry_cut - from);
        at = varint_put(at, expiry);
        from = shape->expiry_cut;
    }
    for (uint32_t i = 0; i < shape->value_count; i++) {
        at = bytes_put(at, shape->glue.data + from, shape->cut[i] - from);
        at = varint_put(at, lengths[i]);
        struct slice value = reader_take(&joiner->lanes[LANE_COLUMNS + 2 * shape->slot[i] + 1], lengths[i]);
        at = bytes_put(at, value.data, value.bytes);
        from = shape->cut[i];
    }
    return bytes_put(at, shape->glue.data + from, shape->glue.bytes - from);
}

/* Counts restarts and makes sure that there is a pair of lengths for every row. */
static status restarts_count(const struct joiner *joiner, uint32_t rows, uint32_t *out_count)
{
    struct reader in = joiner->lanes[LANE_KEY_LENGTHS];
    uint32_t restarts = 0;
    for (uint32_t i = 0; i < rows && !in.failed; i++) {
        restarts += image_varint(&in) == 0;
        (void)image_varint(&in);
    }
    if (in.failed || in.at != in.end)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_count = restarts;
    return STATUS_DONE;
}

static status rows_join(struct joiner *joiner, uint32_t rows, uint8_t *out, uint32_t out_bytes)
{
    uint32_t restart_count;
    TRY(restarts_count(joiner, rows, &restart_count));
    if (restart_count > (out_bytes - 4) / 4)
        return STATUS_FAIL(STATUS_CORRUPT);
    uint8_t *restart = out + out_bytes - 4 - (size_t)restart_count * 4;
    const uint8_t *end = restart;
    uint8_t *at = out;
    for (uint32_t i = 0; i < rows; i++) {
        const struct lanes_shape *shape;
        uint64_t shared = image_varint(&joiner->lanes[LANE_KEY_LENGTHS]);
        TRY(shape_next(joiner, &shape));
        if (!shared) {
            store_le32(restart, (uint32_t)(at - out));
            restart += 4;
        }
        at = row_join(joiner, shared ? shared - 1 : 0, shape, at, end);
        if (!at)
            return STATUS_FAIL(STATUS_CORRUPT);
    }
    for (uint32_t i = 0; i < joiner->lane_count; i++)
        if (joiner->lanes[i].failed || joiner->lanes[i].at != joiner->lanes[i].end)
            return STATUS_FAIL(STATUS_CORRUPT);
    if (at != end)
        return STATUS_FAIL(STATUS_CORRUPT);
    store_le32(restart, restart_count);
    return STATUS_DONE;
}

status lanes_join(struct slice lanes, uint32_t rows, uint8_t *out, uint32_t out_bytes)
{
    struct joiner joiner = {0};
    TRY(joiner_open(&joiner, lanes));
    joiner.shapes = malloc((LANES_SHAPES + 1) * sizeof *joiner.shapes);
    if (!joiner.shapes)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = rows_join(&joiner, rows, out, out_bytes);
    free(joiner.shapes);
    return st;
}
