/*
 * Values of many items as bytes that memcmp orders as their types do. The body of a KEY_COMPOSITE column is its items, each as
 * a column of its own with its header, and an end:
 *
 *     header 0x10  the end: what has fewer items sorts first
 *     header 0x20  a null member                                            no body
 *
 * A sequence has as many items as the wire says, the keys and values of a map in turn. Of members, nulls behind the last
 * one that is a value are left out: what was written before a type had its last field is the same key as what has a null
 * there. They come back as nulls. A vector's items have no sizes on the wire, or short ones: see key_shape.
 */
#include "base/vint.h"
#include "row/key_internal.h"

enum {
    KEY_END = 0x10,
    KEY_NULL = 0x20,
    SIZE_BYTES = 4,
};

/* ---- writing ---- */

static struct slice take_item(struct reader *wire, const struct key_shape *shape, bool *out_null)
{
    *out_null = false;
    if (shape->framing == KEY_VECTOR)
        return reader_take(wire, shape->item_bytes ? shape->item_bytes : (size_t)vint_read(wire));
    int32_t bytes = (int32_t)reader_be32(wire);
    *out_null = bytes < 0;
    return *out_null ? (struct slice){0} : reader_take(wire, (size_t)bytes);
}

status key_append_composite(struct buffer *out, const struct key_shape *shape, struct slice wire)
{
    struct reader in = reader_of(wire);
    bool members = shape->framing == KEY_MEMBERS;
    uint64_t count = shape->count, nulls = 0;
    if (shape->framing == KEY_SEQUENCE)
        count = (uint64_t)reader_be32(&in) * shape->count;
    for (uint64_t i = 0; i < count && !(members && !reader_left(&in)); i++) {
        bool null;
        struct slice item = take_item(&in, shape, &null);
        if (in.failed || (null && !members))
            return STATUS_FAIL(STATUS_INVALID);
        if (null) {
            nulls++;
            continue;
        }
        for (; nulls; nulls--)
            buffer_append_u8(out, KEY_NULL);
        TRY(key_append(out, shape->items[shape->framing == KEY_VECTOR ? 0 : i % shape->count], item));
    }
    if (in.failed || reader_left(&in))
        return STATUS_FAIL(STATUS_INVALID);
    buffer_append_u8(out, KEY_END);
    return buffer_status(out);
}

/* ---- reading ---- */

/* The items, each behind room for its size. */
static status take_sized(struct reader *key, struct key_column item, struct buffer *out_wire)
{
    size_t at = out_wire->bytes;
    buffer_append_be32(out_wire, 0);
    TRY(key_take(key, item, out_wire));
    TRY(buffer_status(out_wire));
    store_be32(out_wire->data + at, (uint32_t)(out_wire->bytes - at - SIZE_BYTES));
    return STATUS_DONE;
}

static status take_vector_item(struct reader *key, const struct key_shape *shape, struct key_column item,
                               struct buffer *out_wire)
{
    if (shape->item_bytes) {
        size_t at = out_wire->bytes;
        TRY(key_take(key, item, out_wire));
        return out_wire->bytes - at == shape->item_bytes ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT);
    }
    struct buffer value = {0};
    status st = key_take(key, item, &value);
    vint_append(out_wire, value.bytes);
    buffer_append_slice(out_wire, buffer_slice(&value));
    buffer_deinit(&value);
    return st;
}

static status take_items(struct reader *key, const struct key_shape *shape, uint8_t mask,
                         struct buffer *out_wire, uint64_t *out_count)
{
    bool members = shape->framing == KEY_MEMBERS, sequence = shape->framing == KEY_SEQUENCE, null = false;
    uint64_t count = 0;
    for (;; count++) {
        TRY(reader_left(key) ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT));
        uint8_t header = *key->at ^ mask;
        if (header == KEY_END)
            break;
        if (!sequence && count == shape->count)
            return STATUS_FAIL(STATUS_CORRUPT);
        null = header == KEY_NULL;
        struct key_column item = shape->items[shape->framing == KEY_VECTOR ? 0 : count % shape->count];
        item.descending = mask != 0;
        if (null && !members)
            return STATUS_FAIL(STATUS_CORRUPT);
        if (null) {
            reader_u8(key);
            buffer_append_be32(out_wire, UINT32_MAX);
        } else {
            TRY(shape->framing == KEY_VECTOR ? take_vector_item(key, shape, item, out_wire)
                                             : take_sized(key, item, out_wire));
        }
    }
    reader_u8(key);
    *out_count = count;
    return null ? STATUS_FAIL(STATUS_CORRUPT) : STATUS_DONE; /* nulls are not written before the end */
}

status key_take_composite(struct reader *key, const struct key_shape *shape, uint8_t mask,
                          struct buffer *out_wire)
{
    size_t at = out_wire->bytes;
    uint64_t count;
    if (shape->framing == KEY_SEQUENCE)
        buffer_append_be32(out_wire, 0);
    TRY(take_items(key, shape, mask, out_wire, &count));
    if (shape->framing == KEY_VECTOR && count != shape->count)
        return STATUS_FAIL(STATUS_CORRUPT);
    for (; shape->framing == KEY_MEMBERS && count < shape->count; count++)
        buffer_append_be32(out_wire, UINT32_MAX);
    TRY(buffer_status(out_wire));
    if (shape->framing != KEY_SEQUENCE)
        return STATUS_DONE;
    if (count % shape->count)
        return STATUS_FAIL(STATUS_CORRUPT);
    store_be32(out_wire->data + at, (uint32_t)(count / shape->count));
    return STATUS_DONE;
}
