/*
 * bytes.h: integers in memory at any alignment. `be` is network order (CQL values, comparable
 * keys), `le` is the order of our own file formats.
 */
#ifndef STRAIT_BASE_BYTES_H
#define STRAIT_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

#define BYTES_ACCESSORS(bits)                                         \
    static inline uint##bits##_t load_be##bits(const void *at)        \
    {                                                                 \
        uint##bits##_t raw;                                           \
        memcpy(&raw, at, sizeof raw);                                 \
        return BYTES_SWAP_BE##bits(raw);                              \
    }                                                                 \
    static inline uint##bits##_t load_le##bits(const void *at)        \
    {                                                                 \
        uint##bits##_t raw;                                           \
        memcpy(&raw, at, sizeof raw);                                 \
        return BYTES_SWAP_LE##bits(raw);                              \
    }                                                                 \
    static inline void store_be##bits(void *at, uint##bits##_t value) \
    {                                                                 \
        uint##bits##_t raw = BYTES_SWAP_BE##bits(value);              \
        memcpy(at, &raw, sizeof raw);                                 \
    }                                                                 \
    static inline void store_le##bits(void *at, uint##bits##_t value) \
    {                                                                 \
        uint##bits##_t raw = BYTES_SWAP_LE##bits(value);              \
        memcpy(at, &raw, sizeof raw);                                 \
    }

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTES_SWAP_BE16(v) __builtin_bswap16(v)
#define BYTES_SWAP_BE32(v) __builtin_bswap32(v)
#define BYTES_SWAP_BE64(v) __builtin_bswap64(v)
#define BYTES_SWAP_LE16(v) (v)
#define BYTES_SWAP_LE32(v) (v)
#define BYTES_SWAP_LE64(v) (v)
#else
#define BYTES_SWAP_BE16(v) (v)
#define BYTES_SWAP_BE32(v) (v)
#define BYTES_SWAP_BE64(v) (v)
#define BYTES_SWAP_LE16(v) __builtin_bswap16(v)
#define BYTES_SWAP_LE32(v) __builtin_bswap32(v)
#define BYTES_SWAP_LE64(v) __builtin_bswap64(v)
#endif

BYTES_ACCESSORS(16)
BYTES_ACCESSORS(32)
BYTES_ACCESSORS(64)

/* Signed to unsigned so that small magnitudes stay small: 0, -1, 1, -2 become 0, 1, 2, 3. */
static inline uint64_t zigzag_encode(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t zigzag_decode(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

#endif
