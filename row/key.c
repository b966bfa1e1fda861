#include "row/key.h"

#include "base/token.h"
#include "row/key_internal.h"

enum {
    ESCAPE = 0x00,       /* begins a pair inside KEY_BYTES */
    ESCAPED_ZERO = 0xff, /* second of the pair: a 0x00 byte */
    ESCAPED_END = 0x00,  /* second of the pair: the end */
};

/* Wire sizes of the fixed-size kinds; 0 for the others. */
static const uint8_t wire_bytes[KEY_KINDS + 1] = {
    [KEY_BOOLEAN] = 1, [KEY_INT8] = 1,  [KEY_INT16] = 2,  [KEY_INT32] = 4, [KEY_INT64] = 8,
    [KEY_UINT32] = 4,  [KEY_FLOAT] = 4, [KEY_DOUBLE] = 8, [KEY_UUID] = 16, [KEY_TIMEUUID] = 16,
};

static uint64_t load_be(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static void put_be(uint8_t *out, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
}

static void append_be(struct buffer *out, uint64_t value, size_t bytes)
{
    uint8_t image[8];
    store_be64(image, value);
    buffer_append(out, image + 8 - bytes, bytes);
}

static uint64_t sign_bit(size_t bytes)
{
    return 1ULL << (8 * bytes - 1);
}

/* The bits of one number of `bytes` bytes. */
static uint64_t bits_mask(size_t bytes)
{
    return UINT64_MAX >> (64 - 8 * bytes);
}

static uint64_t quiet_nan(size_t bytes)
{
    return bytes == 4 ? 0x7fc00000u : 0x7ff8000000000000u;
}

static bool is_nan(uint64_t bits, size_t bytes)
{
    uint64_t infinity = bytes == 4 ? 0x7f800000u : 0x7ff0000000000000u;
    return (bits & ~sign_bit(bytes)) > infinity;
}

/* IEEE bits to an integer that orders as the numbers do: -0 before +0, NaN last (TYP-3). */
static uint64_t float_to_ordered(uint64_t bits, size_t bytes)
{
    if (is_nan(bits, bytes))
        bits = quiet_nan(bytes);
    return bits & sign_bit(bytes) ? ~bits & bits_mask(bytes) : bits | sign_bit(bytes);
}

static bool ordered_to_float(uint64_t ordered, size_t bytes, uint64_t *out_bits)
{
    uint64_t bits = ordered & sign_bit(bytes) ? ordered & ~sign_bit(bytes) : ~ordered & bits_mask(bytes);
    *out_bits = bits;
    return !is_nan(bits, bytes) || bits == quiet_nan(bytes);
}

/* The high half of a uuid is time_low:32 time_mid:16 version:4 time_high:12. */
static unsigned uuid_version(uint64_t high)
{
    return (unsigned)(high >> 12 & 0xf);
}

static uint64_t uuid_time(uint64_t high)
{
    return (high & 0xfff) << 48 | (high >> 16 & 0xffff) << 32 | high >> 32;
}

static uint64_t uuid_from_time(uint64_t time)
{
    return time << 32 | (time >> 32 & 0xffff) << 16 | 1u << 12 | (time >> 48 & 0xfff);
}

/* TYP-1: the version nibble leads; what follows it is the time, or the other nibbles as they stand. */
static uint64_t uuid_to_ordered(uint64_t high)
{
    uint64_t version = uuid_version(high);
    uint64_t rest = version == 1 ? uuid_time(high) : high >> 16 << 12 | (high & 0xfff);
    return version << 60 | rest;
}

static const uint64_t SIGNS_OF_BYTES = 0x8080808080808080u;

static status append_uuid(struct buffer *out, enum key_kind kind, struct slice wire)
{
    uint64_t high = load_be64(wire.data), low = load_be64(wire.data + 8);
    if (kind == KEY_TIMEUUID && uuid_version(high) != 1)
        return STATUS_FAIL(STATUS_INVALID);
    buffer_append_be64(out, kind == KEY_UUID ? uuid_to_ordered(high) : uuid_time(high));
    buffer_append_be64(out, kind == KEY_UUID ? low : low ^ SIGNS_OF_BYTES);
    return STATUS_DONE;
}

static status append_number(struct buffer *out, enum key_kind kind, struct slice wire)
{
    uint64_t value = load_be(wire.data, wire.bytes);
    if (kind == KEY_BOOLEAN)
        value = value != 0;
    if (kind == KEY_FLOAT || kind == KEY_DOUBLE)
        value = float_to_ordered(value, wire.bytes);
    else if (kind != KEY_UINT32)
        value ^= sign_bit(wire.bytes);
    append_be(out, value, wire.bytes);
    return STATUS_DONE;
}

static status append_bytes(struct buffer *out, struct slice wire)
{
    while (wire.bytes) {
        const uint8_t *zero = memchr(wire.data, 0, wire.bytes);
        size_t plain = zero ? (size_t)(zero - wire.data) : wire.bytes;
        buffer_append(out, wire.data, plain);
        if (zero) {
            buffer_append_u8(out, ESCAPE);
            buffer_append_u8(out, ESCAPED_ZERO);
            plain++;
        }
        wire = slice_of(wire.data + plain, wire.bytes - plain);
    }
    buffer_append_u8(out, ESCAPE);
    buffer_append_u8(out, ESCAPED_END);
    return STATUS_DONE;
}

static status append_body(struct buffer *out, struct key_column column, struct slice wire)
{
    enum key_kind kind = column.kind;
    if (wire_bytes[kind] && wire.bytes != wire_bytes[kind])
        return STATUS_FAIL(STATUS_INVALID);
    switch (kind) {
    case KEY_BYTES: return append_bytes(out, wire);
    case KEY_UUID:
    case KEY_TIMEUUID: return append_uuid(out, kind, wire);
    case KEY_VARINT: return key_append_varint(out, wire);
    case KEY_DECIMAL: return key_append_decimal(out, wire);
    case KEY_COMPOSITE: return key_append_composite(out, column.shape, wire);
    default: return append_number(out, kind, wire);
    }
}

status key_append(struct buffer *out, struct key_column column, struct slice wire)
{
    size_t start = out->bytes;
    buffer_append_u8(out, wire.bytes ? KEY_VALUE : KEY_EMPTY);
    status st = wire.bytes ? append_body(out, column, wire) : STATUS_DONE;
    if (ok(st))
        st = buffer_status(out);
    if (failed(st)) {
        out->bytes = start < out->bytes ? start : out->bytes;
        return st;
    }
    if (column.descending)
        for (size_t i = start; i < out->bytes; i++)
            out->data[i] = (uint8_t)~out->data[i];
    return STATUS_DONE;
}

size_t key_fixed_bytes(enum key_kind kind)
{
    return wire_bytes[kind];
}

static bool take_uuid(const uint8_t *body, enum key_kind kind, uint64_t flip, uint8_t *out_wire)
{
    uint64_t ordered = load_be64(body) ^ flip, low = load_be64(body + 8) ^ flip;
    if (kind == KEY_TIMEUUID && ordered >> 60)
        return false;
    store_be64(out_wire, kind == KEY_UUID ? key_uuid_from_ordered(ordered) : uuid_from_time(ordered));
    store_be64(out_wire + 8, kind == KEY_UUID ? low : low ^ SIGNS_OF_BYTES);
    return true;
}

static bool take_number(const uint8_t *body, enum key_kind kind, uint64_t flip, uint8_t *out_wire)
{
    size_t bytes = wire_bytes[kind];
    uint64_t value = (load_be(body, bytes) ^ flip) & bits_mask(bytes);
    if (kind == KEY_FLOAT || kind == KEY_DOUBLE) {
        if (!ordered_to_float(value, bytes, &value))
            return false;
    } else if (kind != KEY_UINT32) {
        value ^= sign_bit(bytes);
    }
    if (kind == KEY_BOOLEAN && value > 1)
        return false;
    put_be(out_wire, value, bytes);
    return true;
}

bool key_take_fixed(const uint8_t *body, struct key_column column, uint8_t *out_wire)
{
    uint64_t flip = column.descending ? UINT64_MAX : 0;
    switch (column.kind) {
    case KEY_INT64: store_be64(out_wire, load_be64(body) ^ flip ^ sign_bit(8)); return true;
    case KEY_UUID:
    case KEY_TIMEUUID: return take_uuid(body, column.kind, flip, out_wire);
    default: return take_number(body, column.kind, flip, out_wire);
    }
}

static status take_fixed(struct reader *key, struct key_column column, struct buffer *out_wire)
{
    uint8_t wire[16];
    size_t bytes = wire_bytes[column.kind];
    struct slice body = reader_take(key, bytes);
    TRY(reader_status(key));
    if (!key_take_fixed(body.data, column, wire))
        return STATUS_FAIL(STATUS_CORRUPT);
    buffer_append(out_wire, wire, bytes);
    return STATUS_DONE;
}

static status take_bytes(struct reader *key, uint8_t mask, struct buffer *out_wire)
{
    size_t start = out_wire->bytes;
    for (;;) {
        uint8_t byte = reader_u8(key) ^ mask;
        uint8_t second = byte == ESCAPE ? reader_u8(key) ^ mask : 0;
        TRY(reader_status(key));
        if (byte != ESCAPE) {
            buffer_append_u8(out_wire, byte);
        } else if (second == ESCAPED_ZERO) {
            buffer_append_u8(out_wire, 0);
        } else if (second == ESCAPED_END && (out_wire->bytes > start || out_wire->failed)) {
            return STATUS_DONE;
        } else {
            return STATUS_FAIL(STATUS_CORRUPT);
        }
    }
}

status key_take(struct reader *key, struct key_column column, struct buffer *out_wire)
{
    uint8_t mask = column.descending ? 0xff : 0;
    uint8_t header = reader_u8(key) ^ mask;
    TRY(reader_status(key));
    if (header == KEY_EMPTY)
        return STATUS_DONE;
    if (header != KEY_VALUE)
        return STATUS_FAIL(STATUS_CORRUPT);

    size_t start = out_wire->bytes;
    status st;
    switch (column.kind) {
    case KEY_BYTES: st = take_bytes(key, mask, out_wire); break;
    case KEY_VARINT: st = key_take_varint(key, mask, out_wire); break;
    case KEY_DECIMAL: st = key_take_decimal(key, mask, out_wire); break;
    case KEY_COMPOSITE: st = key_take_composite(key, column.shape, mask, out_wire); break;
    default: st = take_fixed(key, column, out_wire); break;
    }
    if (ok(st))
        st = buffer_status(out_wire);
    if (failed(st) && !out_wire->failed)
        out_wire->bytes = start;
    return st;
}

/*
 * Ascending and descending keys, bounds and any other bytes must all come out in their order, so one
 * bit says on which side of the middle the header is and 63 bits remain for the body.
 */
uint64_t key_prefix(struct slice clustering)
{
    const uint64_t middle = 1ULL << 63;
    uint8_t header = clustering.bytes ? clustering.data[0] : 0;
    uint8_t descending_value = (uint8_t)~KEY_VALUE;
    if (header < KEY_VALUE)
        return 0;
    if (header > descending_value)
        return UINT64_MAX;
    if (header != KEY_VALUE && header != descending_value)
        return middle;

    uint64_t body;
    if (clustering.bytes >= 9) {
        body = load_be64(clustering.data + 1);
    } else {
        body = load_be(clustering.data + 1, clustering.bytes - 1);
        body = clustering.bytes > 1 ? body << 8 * (9 - clustering.bytes) : 0;
    }
    return body >> 1 | (header == KEY_VALUE ? 0 : middle);
}

struct partition_key partition_key_of(struct slice bytes)
{
    return (struct partition_key){.token = token_of(bytes), .bytes = bytes};
}

int partition_key_compare(struct partition_key a, struct partition_key b)
{
    if (a.token != b.token)
        return a.token > b.token ? 1 : -1;
    return slice_compare(a.bytes, b.bytes);
}
