/*
 * zipf.h: ranks by popularity, in constant time.
 *
 * Rank r of 0..count-1 comes with a probability proportional to 1 / (r + 1 + shift)^exponent. An alias table (Vose)
 * answers each draw with one lookup, so that a million ranks cost no more than ten.
 */
#ifndef STRAIT_BENCH_PEERS_ZIPF_H
#define STRAIT_BENCH_PEERS_ZIPF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

struct zipf {
    uint32_t count;
    uint32_t *alias; /* owned: where a draw goes that misses its slot */
    uint32_t *keep;  /* owned: of 2^32, how much of the slot its own rank keeps */
};

/* False when memory ran out; `zipf` is then empty. */
bool zipf_init(struct zipf *zipf, uint32_t count, double exponent, double shift);
void zipf_deinit(struct zipf *zipf);

static inline uint32_t zipf_draw(const struct zipf *zipf, struct random *rng)
{
    uint64_t draw = random_next(rng);
    uint32_t slot = (uint32_t)(((draw >> 32) * zipf->count) >> 32);
    return (uint32_t)draw < zipf->keep[slot] ? slot : zipf->alias[slot];
}

#endif
