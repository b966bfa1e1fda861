/* random.h: a small seeded generator (splitmix64). Repeatable by its seed; never for secrets. */
#ifndef STRAIT_BASE_RANDOM_H
#define STRAIT_BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state; /* the seed at first */
};

static inline uint64_t random_next(struct random *rng)
{
    uint64_t z = rng->state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

__extension__ typedef unsigned __int128
    random_wide; /* twice 64 bits: outside ISO C, in every compiler here */

__extension__ typedef unsigned __int128 random_wide;

/* 0 <= result < bound; 0 when bound is 0. */
static inline uint64_t random_below(struct random *rng, uint64_t bound)
{
    return (uint64_t)(((random_wide)random_next(rng) * bound) >> 64);
}

/* 0 <= result < 1 */
static inline double random_unit(struct random *rng)
{
    return (double)(random_next(rng) >> 11) * 0x1p-53;
}

#endif
