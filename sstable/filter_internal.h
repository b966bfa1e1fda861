/* filter_internal.h: a Bloom filter in lines of 64 bytes, so that a look-up costs one cache miss. */
#ifndef STRAIT_SSTABLE_FILTER_INTERNAL_H
#define STRAIT_SSTABLE_FILTER_INTERNAL_H

#include "base/buffer.h"

enum {
    FILTER_LINE_BYTES = 64,
    FILTER_PROBES_MAX = 12,
};

/* Append the lines for `count` keys with these hashes. */
status filter_build(const uint64_t *hashes, uint64_t count, uint32_t bits_per_key, struct buffer *out,
                    uint8_t *out_probes);
bool filter_may_contain(struct slice lines, uint32_t probes, uint64_t hash);

#endif
