/*
 * token.h: the partitioner of Cassandra and ScyllaDB (semantics TOK-1).
 *
 * The first half of MurmurHash3_x64_128 with seed 0, except that tail bytes are sign-extended;
 * INT64_MIN is mapped to INT64_MAX.
 */
#ifndef STRAIT_BASE_TOKEN_H
#define STRAIT_BASE_TOKEN_H

#include "base/slice.h"

int64_t token_of(struct slice partition_key);

#endif
