/*
 * integers_internal.h: a lane of small numbers: lengths, differences, kinds.
 *
 * Numbers that are all equal take a few bytes together. Others are Rice codes: the part above the lowest `k` bits as so
 * many ones and a zero, then the k bits; k suits the lane. What would need 12 ones or more is written out. Distances
 * between events, which is what most lanes hold, come within a fraction of a bit of what is possible.
 * docs/formats/sstable.md has the layout.
 */
#ifndef STRAIT_SSTABLE_INTEGERS_INTERNAL_H
#define STRAIT_SSTABLE_INTEGERS_INTERNAL_H

#include "base/buffer.h"
#include "base/reader.h"

enum {
    INTEGERS_K_MAX = 40,
    INTEGERS_ONES_MAX = 12,
    INTEGERS_EQUAL = 0xff, /* in place of k */
};

/* Append `count` numbers; nothing for none. */
void integers_encode(const uint64_t *values, uint32_t count, struct buffer *out);

/* Gives them back one by one. */
struct integers_reader {
    const uint8_t *at, *end; /* borrowed */
    uint64_t bits;           /* the lowest `have` are next */
    uint64_t equal;
    uint32_t have;
    uint8_t k;
    bool failed; /* sticky; a failed reader gives zeros */
};

struct integers_reader integers_reader_of(struct slice lane);
uint64_t integers_next_slow(struct integers_reader *in);
/* Whether nothing but padding is left. */
bool integers_at_end(const struct integers_reader *in);

static inline void integers_refill(struct integers_reader *in)
{
    if (in->end - in->at >= 8) {
        in->bits |= load_le64(in->at) << in->have;
        in->at += (63 - in->have) >> 3;
        in->have |= 56;
        return;
    }
    while (in->have <= 56 && in->at < in->end) {
        in->bits |= (uint64_t)*in->at++ << in->have;
        in->have += 8;
    }
}

static inline uint64_t integers_next(struct integers_reader *in)
{
    if (in->k == INTEGERS_EQUAL)
        return in->equal;
    if (in->have < 56)
        integers_refill(in);
    uint32_t ones = (uint32_t)__builtin_ctzll(~in->bits | 1ULL << INTEGERS_ONES_MAX); /* or more */
    uint32_t used = ones + 1 + in->k;
    if (ones >= INTEGERS_ONES_MAX || used > in->have)
        return integers_next_slow(in);
    uint64_t low = in->bits >> (ones + 1) & ((1ULL << in->k) - 1);
    in->bits >>= used;
    in->have -= used;
    return (uint64_t)ones << in->k | low;
}

#endif
