#include "sstable/row_shape_internal.h"

#include "row/image.h"

static uint32_t varint_bytes(uint64_t value)
{
    return value ? (70 - (uint32_t)__builtin_clzll(value)) / 7 : 1;
}

/* A varint that takes no more bytes than it must: the decoder writes them so. */
static inline uint64_t canonical_take(struct reader *in)
{
    const uint8_t *from = in->at;
    uint64_t value = image_varint(in);
    if ((size_t)(in->at - from) != varint_bytes(value))
        in->failed = true;
    return value;
}

static uint8_t column_of(struct shape_columns *columns, uint64_t place)
{
    for (uint32_t i = 0; i < columns->count; i++)
        if (columns->places[i] == place)
            return (uint8_t)i;
    if (columns->count == ROWS_COLUMNS)
        return ROWS_COLUMNS - 1;
    columns->places[columns->count] = place;
    return (uint8_t)columns->count++;
}

status row_shape_of_glue(struct slice glue, struct shape_columns *columns, struct row_shape *out_shape)
{
    struct reader in = reader_of(glue);
    unsigned flags = reader_u8(&in);
    out_shape->glue = glue;
    out_shape->value_count = 0;
    out_shape->expiry_cut = 0;
    if (flags & IMAGE_MARKER_EXPIRES) {
        (void)image_varint(&in);
        out_shape->expiry_cut = (uint32_t)(in.at - glue.data);
    }
    struct image_cuts cuts = image_cuts_open(&in, flags);
    uint64_t place;
    while (image_cuts_next(&cuts, &in, &place)) {
        if (out_shape->value_count == ROWS_VALUES_MAX)
            return STATUS_FAIL(STATUS_CORRUPT);
        out_shape->column[out_shape->value_count] = column_of(columns, place);
        out_shape->cut[out_shape->value_count++] = (uint32_t)(in.at - glue.data);
    }
    return in.failed || in.at != in.end ? STATUS_FAIL(STATUS_CORRUPT) : STATUS_DONE;
}

/* Copy the image without its variable parts; false when it is not what the decoder would write. */
static bool glue_take(struct slice image, struct buffer *glue)
{
    struct reader in = reader_of(image);
    unsigned flags = reader_u8(&in);
    (void)reader_take(&in, IMAGE_BASE_END - IMAGE_BASE_AT);
    const uint8_t *from = in.at;
    buffer_append_u8(glue, (uint8_t)flags);
    if (flags & IMAGE_MARKER_EXPIRES) {
        (void)image_varint(&in);
        buffer_append(glue, from, (size_t)(in.at - from));
        (void)canonical_take(&in);
        from = in.at;
    }
    struct image_cuts cuts = image_cuts_open(&in, flags);
    uint64_t place;
    for (uint32_t values = 0; image_cuts_next(&cuts, &in, &place); values++) {
        if (values == ROWS_VALUES_MAX)
            return false;
        buffer_append(glue, from, (size_t)(in.at - from));
        (void)reader_take(&in, canonical_take(&in));
        from = in.at;
    }
    if (in.failed || in.at != in.end)
        return false;
    buffer_append(glue, from, (size_t)(in.at - from));
    return true;
}

status row_shape_of_image(struct slice image, struct shape_columns *columns, struct arena *arena,
                          struct row_shape *out_shape, bool *out_known)
{
    struct buffer glue = {0};
    *out_known = image.bytes >= IMAGE_BYTES_MIN && glue_take(image, &glue);
    status st = buffer_status(&glue);
    if (ok(st) && *out_known) {
        struct slice kept = arena_copy(arena, buffer_slice(&glue));
        st = kept.data ? row_shape_of_glue(kept, columns, out_shape) : STATUS_FAIL(STATUS_NOMEM);
    }
    buffer_deinit(&glue);
    return st;
}

/* Glue is a byte or two nearly always. */
static inline bool glue_matches(struct reader *in, const uint8_t *glue, size_t bytes)
{
    struct slice there = reader_take(in, bytes);
    if (in->failed)
        return false;
    for (size_t i = 0; i < bytes; i++)
        if (there.data[i] != glue[i])
            return false;
    return true;
}

bool row_shape_match(const struct row_shape *shape, struct slice image, struct row_parts *out_parts)
{
    const uint8_t *glue = shape->glue.data;
    uint32_t from = 1;
    if (image.bytes < IMAGE_BYTES_MIN || image.data[0] != glue[0])
        return false;
    struct reader in = {.at = image.data + IMAGE_BASE_END, .end = image.data + image.bytes};
    out_parts->timestamp = (int64_t)load_le64(image.data + IMAGE_BASE_AT);
    if (shape->expiry_cut) {
        if (!glue_matches(&in, glue + from, shape->expiry_cut - from))
            return false;
        out_parts->expiry_s = zigzag_decode(canonical_take(&in));
        from = shape->expiry_cut;
    }
    for (uint32_t i = 0; i < shape->value_count; i++) {
        if (!glue_matches(&in, glue + from, shape->cut[i] - from))
            return false;
        out_parts->values[i] = reader_take(&in, canonical_take(&in));
        from = shape->cut[i];
    }
    return glue_matches(&in, glue + from, shape->glue.bytes - from) && in.at == in.end && !in.failed;
}
