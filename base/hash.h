/* hash.h: XXH3, the checksum of every block and the hash of every table. Never a token: token.h. */
#ifndef STRAIT_BASE_HASH_H
#define STRAIT_BASE_HASH_H

#include "base/slice.h"

uint64_t hash64(struct slice bytes, uint64_t seed);

/* A seed that binds a checksum to its place: store, file and offset. */
uint64_t hash_place(uint64_t store_id, uint64_t file_number, uint64_t offset);

#endif
