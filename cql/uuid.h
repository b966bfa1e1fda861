/*
 * uuid.h: uuids as text and as 16 bytes, their fields, and the making of new ones.
 */
#ifndef STRAIT_CQL_UUID_H
#define STRAIT_CQL_UUID_H

#include "base/buffer.h"
#include "base/random.h"

enum {
    UUID_BYTES = 16,
    UUID_TEXT_BYTES = 36,
};

/* The 36 characters, hexadecimal digits in either case. */
bool uuid_parse(struct slice text, uint8_t out_uuid[UUID_BYTES]);
void uuid_print(struct buffer *out, const uint8_t uuid[UUID_BYTES]);

static inline uint32_t uuid_version(const uint8_t uuid[UUID_BYTES])
{
    return uuid[6] >> 4;
}

/* Of a version 1 uuid: units of 100 ns since 1582-10-15, 60 bits. */
uint64_t timeuuid_ticks(const uint8_t uuid[UUID_BYTES]);
/* Of a version 1 uuid: milliseconds since 1970, rounded down. */
int64_t timeuuid_ms(const uint8_t uuid[UUID_BYTES]);

/* A version 4 uuid. */
void uuid_random(struct random *rng, uint8_t out_uuid[UUID_BYTES]);

/* FUN-3. False when `ms` has no place in the 60 bits of a version 1 uuid. */
bool timeuuid_min(int64_t ms, uint8_t out_uuid[UUID_BYTES]);
bool timeuuid_max(int64_t ms, uint8_t out_uuid[UUID_BYTES]);

/*
 * Makes version 1 uuids that are unique and rise, whatever the clock does. One per store; any number of threads may
 * draw from it.
 */
struct timeuuid_source {
    uint64_t
        node_and_sequence; /* low 8 bytes of every uuid: constant, with the multicast bit of a made-up node */
    _Atomic uint64_t newest_ticks;
};

void timeuuid_source_init(struct timeuuid_source *source, uint64_t seed);
/* The time is `now_us` since 1970, or just after the uuid before it when the clock has not moved on. */
void timeuuid_next(struct timeuuid_source *source, int64_t now_us, uint8_t out_uuid[UUID_BYTES]);

#endif
