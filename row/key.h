/*
 * key.h: clustering keys as bytes that memcmp orders, and partition keys with their tokens.
 *
 * A clustering key is its columns' encodings one after another. A column is a header byte and a
 * body; a DESC column is the bitwise inverse of the ASC encoding, header included:
 *
 *     header 0x40  the empty value (NUL-7: sorts before every other)        no body
 *     header 0x41  a value                                                  body of its kind
 *
 *     KEY_BOOLEAN, KEY_INT8..64   two's complement, big-endian, sign bit inverted
 *     KEY_UINT32                  big-endian (date)
 *     KEY_FLOAT, KEY_DOUBLE       IEEE bits, all inverted when negative, else sign inverted; one NaN, last (TYP-3)
 *     KEY_BYTES                   0x00 becomes 00 FF; the end is 00 00
 *     KEY_UUID                    version nibble, then time (version 1) or the other nibbles in order,
 *                                 then the rest: TYP-1; 16 bytes
 *     KEY_TIMEUUID                60-bit time, then the low 8 bytes with their signs inverted: TYP-2; 16 bytes
 *     KEY_VARINT, KEY_DECIMAL     sign, magnitude class, digits: by value, so 1.0 and 1.00 are one key (TYP-5);
 *                                 key_take() gives the value back, not the scale it was written with
 *     KEY_COMPOSITE               items one after another, in the order of their type (key_composite.c)
 *
 * A bound is a prefix of whole columns: the prefix itself sorts before everything that begins with
 * it, prefix + KEY_AFTER sorts after all of that.
 */
#ifndef STRAIT_ROW_KEY_H
#define STRAIT_ROW_KEY_H

#include "base/buffer.h"
#include "base/reader.h"

enum key_kind {
    KEY_BOOLEAN,
    KEY_INT8,
    KEY_INT16,
    KEY_INT32,
    KEY_INT64,
    KEY_UINT32,
    KEY_FLOAT,
    KEY_DOUBLE,
    KEY_BYTES,
    KEY_UUID,
    KEY_TIMEUUID,
    KEY_VARINT,
    KEY_DECIMAL,
    KEY_KINDS,                /* of one item */
    KEY_COMPOSITE = KEY_KINDS /* of many: a key_shape says which */
};

/* How the items of a composite value stand on the wire. */
enum key_framing {
    KEY_SEQUENCE, /* a count, then sized items; `count` of them belong together, as key and value of a map do */
    KEY_MEMBERS, /* at most `count` sized items, of kinds of their own; any may be null */
    KEY_VECTOR,  /* `count` items of one kind: of `item_bytes` each, or each behind its size */
};

struct key_column {
    enum key_kind kind;
    bool descending;
    const struct key_shape *shape; /* KEY_COMPOSITE; borrowed */
};

struct key_shape {
    enum key_framing framing;
    uint32_t count;
    size_t item_bytes;              /* KEY_VECTOR: 0 when items differ in size */
    const struct key_column *items; /* of `count`, of one in a vector; none descending */
};

enum {
    KEY_EMPTY = 0x40, /* header bytes, ascending */
    KEY_VALUE = 0x41,
    KEY_AFTER = 0xff, /* above every header byte, ascending or descending */
    PARTITION_KEY_BYTES_MAX = 65535,
};

/* Append the encoding of one column's wire bytes (a CQL value as the protocol carries it).
 * STATUS_INVALID when `wire` does not have the size its kind needs, or is a timeuuid of another version;
 * STATUS_LIMIT for a decimal of more than PARTITION_KEY_BYTES_MAX bytes. `out` is then as it was. */
status key_append(struct buffer *out, struct key_column column, struct slice wire);

/* Decode one column from a clustering key and append its wire bytes. STATUS_CORRUPT on bytes that
 * key_append() cannot have written. */
status key_take(struct reader *key, struct key_column column, struct buffer *out_wire);

/* Bytes of a value of this kind, the same on the wire and behind the header; 0 when they differ from value to value. */
size_t key_fixed_bytes(enum key_kind kind);
/* Decode the body of such a value into key_fixed_bytes() bytes; false on a body that key_append() cannot have written. */
bool key_take_fixed(const uint8_t *body, struct key_column column, uint8_t *out_wire);

/* Of a KEY_UUID, the first half: time_low:32 time_mid:16 version:4 time_high:12, from version:4 and the time of version 1, or
 * the other nibbles as they stand. */
static inline uint64_t key_uuid_from_ordered(uint64_t ordered)
{
    uint64_t version = ordered >> 60, rest = ordered & UINT64_MAX >> 4;
    if (version == 1)
        return rest << 32 | (rest >> 32 & 0xffff) << 16 | 1u << 12 | (rest >> 48 & 0xfff);
    return rest >> 12 << 16 | version << 12 | (rest & 0xfff);
}

/* The first 63 bits after a leading header as one integer that orders as the keys do, weakly: unequal
 * prefixes decide, equal ones do not. Holds for any bytes, bounds and DESC columns included. */
uint64_t key_prefix(struct slice clustering);

/* Where a partition stands in the order of (signed token, key bytes). */
struct partition_key {
    int64_t token;
    struct slice bytes; /* as the protocol composes them (TOK-2) */
};

struct partition_key partition_key_of(struct slice bytes);
int partition_key_compare(struct partition_key a, struct partition_key b);

#endif
