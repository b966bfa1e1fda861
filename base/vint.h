/*
 * vint.h: unsigned numbers in 1 to 9 bytes, as Cassandra writes them: the leading one bits of the first byte count the bytes
 * that follow it; the rest of it and those bytes are the number, big-endian.
 */
#ifndef STRAIT_BASE_VINT_H
#define STRAIT_BASE_VINT_H

#include "base/buffer.h"
#include "base/reader.h"

static inline void vint_append(struct buffer *out, uint64_t value)
{
    uint32_t extra = 0; /* bytes after the first */
    while (extra < 8 && value >> (7 * (extra + 1)))
        extra++;
    /* The last `extra + 1` of nine bytes; the first of them has `extra` ones in front, and room for no more than that. */
    uint8_t bytes[9] = {0};
    store_be64(bytes + 1, value);
    bytes[8 - extra] |= (uint8_t) ~(0xffu >> extra);
    buffer_append(out, bytes + (8 - extra), extra + 1);
}

static inline uint64_t vint_read(struct reader *in)
{
    uint8_t first = reader_u8(in);
    uint32_t extra = (uint32_t)__builtin_clz((uint32_t)(uint8_t)~first << 24 | 1u << 23);
    uint64_t value = extra < 8 ? first & (0xffu >> extra) : 0;
    for (uint32_t i = 0; i < extra; i++)
        value = value << 8 | reader_u8(in);
    return value;
}

#endif
