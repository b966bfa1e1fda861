#include "sstable/integers_internal.h"

#include <assert.h>

/* Bits on their way into bytes, of which 8 may be written behind `at`. */
struct bit_writer {
    uint8_t *at;
    uint64_t bits;
    uint32_t have; /* below 8 */
};

enum {
    BITS_AT_ONCE = 56,
    /* All ones, six bits of length, 64 bits, rounded up. */
    INTEGER_BYTES_MAX = (INTEGERS_ONES_MAX + 6 + 64 + 7) / 8,
};

static_assert(INTEGERS_ONES_MAX + INTEGERS_K_MAX <= BITS_AT_ONCE, "a number is put at once");

/* At most BITS_AT_ONCE. */
static inline void bits_put(struct bit_writer *writer, uint64_t value, uint32_t count)
{
    uint64_t bits = writer->bits | value << writer->have;
    uint32_t have = writer->have + count;
    store_le64(writer->at, bits);
    writer->at += have / 8;
    writer->bits = bits >> have / 8 * 8;
    writer->have = have % 8;
}

static void wide_put(struct bit_writer *writer, uint64_t value, uint32_t count)
{
    uint32_t low = count < 32 ? count : 32;
    bits_put(writer, value & ((1ULL << low) - 1), low);
    if (count > low)
        bits_put(writer, value >> 32, count - low);
}

static uint32_t bit_length(uint64_t value)
{
    return value ? 64 - (uint32_t)__builtin_clzll(value) : 0;
}

/* About how many bits a number of `length` bits takes. */
static uint64_t bits_about(uint32_t length, uint32_t k)
{
    if (length <= k)
        return k + 1;
    uint32_t above = length - k;
    if (above > 4)
        return INTEGERS_ONES_MAX + 6 + length;
    return k + 1 + (3U << above) / 4;
}

static uint8_t k_choose(const uint64_t *values, uint32_t count)
{
    uint32_t of_length[65] = {0}, median = 0, first = 0, last = 64;
    for (uint32_t i = 0; i < count; i++)
        of_length[bit_length(values[i])]++;
    while (!of_length[first])
        first++;
    while (!of_length[last])
        last--;
    for (uint32_t below = of_length[0]; below * 2 < count; below += of_length[median])
        median++;
    uint64_t best_bits = UINT64_MAX;
    uint32_t best = 0;
    for (uint32_t k = median > 3 ? median - 3 : 0; k <= median + 1 && k <= INTEGERS_K_MAX; k++) {
        uint64_t bits = 0;
        for (uint32_t length = first; length <= last; length++)
            bits += of_length[length] * bits_about(length, k);
        if (bits < best_bits) {
            best_bits = bits;
            best = k;
        }
    }
    return (uint8_t)(median > INTEGERS_K_MAX ? INTEGERS_K_MAX : best);
}

void integers_encode(const uint64_t *values, uint32_t count, struct buffer *out)
{
    uint32_t equal = 1;
    if (!count)
        return;
    while (equal < count && values[equal] == values[0])
        equal++;
    if (equal == count) {
        buffer_append_u8(out, INTEGERS_EQUAL);
        buffer_append_varint(out, values[0]);
        return;
    }
    uint8_t k = k_choose(values, count);
    if (!buffer_reserve(out, 1 + (size_t)count * INTEGER_BYTES_MAX + sizeof(uint64_t)))
        return;
    buffer_append_u8(out, k);
    struct bit_writer writer = {.at = out->data + out->bytes};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t ones = values[i] >> k, rest = values[i] & ((1ULL << k) - 1);
        if (ones >= INTEGERS_ONES_MAX) {
            uint32_t length = bit_length(values[i]);
            bits_put(&writer, (1U << INTEGERS_ONES_MAX) - 1, INTEGERS_ONES_MAX);
            bits_put(&writer, length - 1, 6);
            wide_put(&writer, values[i], length);
        } else {
            bits_put(&writer, ((1ULL << ones) - 1) | rest << (ones + 1), (uint32_t)ones + 1 + k);
        }
    }
    if (writer.have)
        bits_put(&writer, 0, 8 - writer.have);
    out->bytes = (size_t)(writer.at - out->data);
}

struct integers_reader integers_reader_of(struct slice lane)
{
    struct reader in = reader_of(lane);
    struct integers_reader reader = {0};
    if (!lane.bytes)
        return reader; /* has no numbers: who asks for one fails */
    reader.k = reader_u8(&in);
    if (reader.k == INTEGERS_EQUAL)
        reader.equal = reader_varint(&in);
    reader.failed = in.failed || (reader.k > INTEGERS_K_MAX && reader.k != INTEGERS_EQUAL);
    if (reader.failed)
        reader.k = INTEGERS_EQUAL;
    reader.at = in.at;
    reader.end = in.end;
    return reader;
}

static uint64_t bits_take(struct integers_reader *in, uint32_t count)
{
    if (in->have < 56)
        integers_refill(in);
    if (in->have < count) {
        in->failed = true;
        in->k = INTEGERS_EQUAL;
        in->equal = 0;
        return 0;
    }
    uint64_t value = in->bits & ((1ULL << count) - 1);
    in->bits >>= count;
    in->have -= count;
    return value;
}

uint64_t integers_next_slow(struct integers_reader *in)
{
    uint8_t k = in->k;
    uint32_t ones = ~in->bits ? (uint32_t)__builtin_ctzll(~in->bits) : 64;
    if (ones < INTEGERS_ONES_MAX) {
        (void)bits_take(in, ones + 1);
        uint64_t low = bits_take(in, k < 32 ? k : 32);
        if (k > 32)
            low |= bits_take(in, k - 32u) << 32;
        return in->failed ? 0 : (uint64_t)ones << k | low;
    }
    (void)bits_take(in, INTEGERS_ONES_MAX);
    uint32_t length = (uint32_t)bits_take(in, 6) + 1;
    uint64_t value = bits_take(in, length < 32 ? length : 32);
    if (length > 32)
        value |= bits_take(in, length - 32) << 32;
    return in->failed ? 0 : value;
}

bool integers_at_end(const struct integers_reader *in)
{
    return !in->failed && in->at == in->end && in->have < 8;
}
