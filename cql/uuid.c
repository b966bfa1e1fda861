#include "cql/uuid.h"

#include <stdatomic.h>

#include "base/bytes.h"

enum {
    TICKS_PER_MS = 10000,
    TICKS_PER_US = 10,
};

/* 1582-10-15, the start of the Gregorian calendar, to 1970-01-01. */
#define TICKS_TO_1970   INT64_C(0x01b21dd213814000)
#define TICKS_MAX       ((INT64_C(1) << 60) - 1)
#define LOW_BYTES_LEAST UINT64_C(0x8080808080808080) /* signed bytes: the smallest */
#define LOW_BYTES_MOST  UINT64_C(0x7f7f7f7f7f7f7f7f)

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(struct slice text, uint8_t out_uuid[UUID_BYTES])
{
    if (text.bytes != UUID_TEXT_BYTES)
        return false;
    uint8_t uuid[UUID_BYTES];
    size_t at = 0;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            if (text.data[at++] != '-')
                return false;
        int high = digit_of(text.data[at]), low = digit_of(text.data[at + 1]);
        if (high < 0 || low < 0)
            return false;
        uuid[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    memcpy(out_uuid, uuid, UUID_BYTES);
    return true;
}

void uuid_print(struct buffer *out, const uint8_t uuid[UUID_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *at = buffer_extend(out, UUID_TEXT_BYTES);
    if (!at)
        return;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = (uint8_t)digits[uuid[i] >> 4];
        *at++ = (uint8_t)digits[uuid[i] & 15];
    }
}

uint64_t timeuuid_ticks(const uint8_t uuid[UUID_BYTES])
{
    return (uint64_t)(load_be16(uuid + 6) & 0x0fff) << 48 | (uint64_t)load_be16(uuid + 4) << 32 |
           load_be32(uuid);
}

int64_t timeuuid_ms(const uint8_t uuid[UUID_BYTES])
{
    int64_t ticks = (int64_t)timeuuid_ticks(uuid) - TICKS_TO_1970;
    return ticks / TICKS_PER_MS - (ticks % TICKS_PER_MS < 0);
}

static void make(uint64_t ticks, uint64_t low_bytes, uint8_t out_uuid[UUID_BYTES])
{
    store_be32(out_uuid, (uint32_t)ticks);
    store_be16(out_uuid + 4, (uint16_t)(ticks >> 32));
    store_be16(out_uuid + 6, (uint16_t)(0x1000 | (ticks >> 48 & 0x0fff)));
    store_be64(out_uuid + 8, low_bytes);
}

void uuid_random(struct random *rng, uint8_t out_uuid[UUID_BYTES])
{
    store_be64(out_uuid, random_next(rng));
    store_be64(out_uuid + 8, random_next(rng));
    out_uuid[6] = (uint8_t)((out_uuid[6] & 0x0f) | 0x40);
    out_uuid[8] = (uint8_t)((out_uuid[8] & 0x3f) | 0x80);
}

static bool ticks_of_ms(int64_t ms, int64_t *out_ticks)
{
    return !__builtin_mul_overflow(ms, TICKS_PER_MS, out_ticks) &&
           !__builtin_add_overflow(*out_ticks, TICKS_TO_1970, out_ticks) && *out_ticks >= 0 &&
           *out_ticks <= TICKS_MAX;
}

bool timeuuid_min(int64_t ms, uint8_t out_uuid[UUID_BYTES])
{
    int64_t ticks;
    if (!ticks_of_ms(ms, &ticks))
        return false;
    make((uint64_t)ticks, LOW_BYTES_LEAST, out_uuid);
    return true;
}

bool timeuuid_max(int64_t ms, uint8_t out_uuid[UUID_BYTES])
{
    int64_t ticks;
    if (!ticks_of_ms(ms, &ticks) || ticks > TICKS_MAX - (TICKS_PER_MS - 1))
        return false;
    make((uint64_t)ticks + TICKS_PER_MS - 1, LOW_BYTES_MOST, out_uuid);
    return true;
}

void timeuuid_source_init(struct timeuuid_source *source, uint64_t seed)
{
    struct random rng = {.state = seed};
    uint64_t low = random_next(&rng);
    low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62; /* variant */
    low |= UINT64_C(1) << 40;                               /* multicast bit: the node is no real address */
    source->node_and_sequence = low;
    atomic_store(&source->newest_ticks, 0);
}

void timeuuid_next(struct timeuuid_source *source, int64_t now_us, uint8_t out_uuid[UUID_BYTES])
{
    int64_t now = 0;
    if (__builtin_mul_overflow(now_us, TICKS_PER_US, &now) ||
        __builtin_add_overflow(now, TICKS_TO_1970, &now) || now < 0 || now > TICKS_MAX)
        now = 0;
    uint64_t newest = atomic_load_explicit(&source->newest_ticks, memory_order_relaxed);
    uint64_t ticks;
    do {
        ticks = (uint64_t)now > newest ? (uint64_t)now : newest + 1;
    } while (!atomic_compare_exchange_weak_explicit(&source->newest_ticks, &newest, ticks,
                                                    memory_order_relaxed, memory_order_relaxed));
    make(ticks, source->node_and_sequence, out_uuid);
}
