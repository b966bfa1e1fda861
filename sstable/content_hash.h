/*
 * content_hash.h: what a table holds, as one number that does not depend on order.
 *
 * Every row, static row, range tombstone and partition deletion has a hash that covers its partition key; the
 * content hash is their sum modulo 2^64. Who feeds a builder adds up what it feeds and compares with
 * sstable_info.content_hash, which was computed from the bytes that came back from the disk (I13).
 */
#ifndef STRAIT_SSTABLE_CONTENT_HASH_H
#define STRAIT_SSTABLE_CONTENT_HASH_H

#include "base/bytes.h"
#include "base/hash.h"
#include "row/cursor.h"

enum content_kind {
    CONTENT_ROW = 1,
    CONTENT_STATIC = 2,
    CONTENT_RANGE = 3,
    CONTENT_DELETION = 4,
};

/* Hash of the key: the seed of everything in the partition, and what the filter keeps. */
static inline uint64_t content_hash_key(struct slice partition_key)
{
    return hash64(partition_key, 0);
}

static inline uint64_t content_hash_row(uint64_t key_hash, struct slice clustering, struct slice image)
{
    return hash64(image, hash64(clustering, key_hash + CONTENT_ROW));
}

/* Everything of a partition but its rows. */
uint64_t content_hash_partition(uint64_t key_hash, const struct partition_view *partition);

#endif
