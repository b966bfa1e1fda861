#include "base/token.h"

#include "base/bytes.h"

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t finalize(uint64_t h)
{
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdULL;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ULL;
    return h ^ h >> 33;
}

static const uint64_t C1 = 0x87c37b91114253d5ULL, C2 = 0x4cf5ad432745937fULL;

static uint64_t mix1(uint64_t k)
{
    return rotate_left(k * C1, 31) * C2;
}

static uint64_t mix2(uint64_t k)
{
    return rotate_left(k * C2, 33) * C1;
}

int64_t token_of(struct slice key)
{
    uint64_t h1 = 0, h2 = 0;
    size_t whole = key.bytes / 16 * 16;

    for (size_t i = 0; i < whole; i += 16) {
        h1 ^= mix1(load_le64(key.data + i));
        h1 = (rotate_left(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= mix2(load_le64(key.data + i + 8));
        h2 = (rotate_left(h2, 31) + h1) * 5 + 0x38495ab5;
    }

    uint64_t k1 = 0, k2 = 0;
    for (size_t i = whole; i < key.bytes; i++) {
        uint64_t extended = (uint64_t)(int64_t)(int8_t)key.data[i];
        size_t at = i - whole;
        if (at < 8)
            k1 ^= extended << (8 * at);
        else
            k2 ^= extended << (8 * (at - 8));
    }
    if (key.bytes - whole > 8)
        h2 ^= mix2(k2);
    if (key.bytes > whole)
        h1 ^= mix1(k1);

    h1 ^= key.bytes;
    h2 ^= key.bytes;
    h1 += h2;
    h2 += h1;
    h1 = finalize(h1);
    h2 = finalize(h2);
    int64_t token = (int64_t)(h1 + h2);
    return token == INT64_MIN ? INT64_MAX : token;
}
