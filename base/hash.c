#include "base/hash.h"

/* Most of what is hashed is a key or a row: a call and what it has to find out of would cost as much as the hash. */
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64(struct slice bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.bytes, seed);
}

uint64_t hash_place(uint64_t store_id, uint64_t file_number, uint64_t offset)
{
    uint64_t place[3] = {store_id, file_number, offset};
    return XXH3_64bits(place, sizeof place);
}
