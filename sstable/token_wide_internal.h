/*
 * token_wide_internal.h: the search of token_encoder.c for many places at once, where the processor can (AVX-512).
 *
 * The tables, the probes and the answers are those of the plain search; what the wide one cannot decide it leaves to it.
 */
#ifndef STRAIT_SSTABLE_TOKEN_WIDE_INTERNAL_H
#define STRAIT_SSTABLE_TOKEN_WIDE_INTERNAL_H

#include "sstable/token_matcher_internal.h"

#include <stdbool.h>

enum {
    TOKEN_WIDE_LANES = 32, /* four registers of eight, whose waiting overlaps */
    TOKEN_ROOT_LENGTH = 9, /* the first length probed; 4, 2 and 1 are added or taken away after it */
    /* A slot is: 13 bits of hash | 4 bits of length - 1 | 15 bits of number. */
    TOKEN_SLOT_NUMBER_BITS = 15,
    TOKEN_SLOT_TAG_ONE = 1 << 19,
};

#define TOKEN_HASH_LOW  0x9e3779b97f4a7c15ULL
#define TOKEN_HASH_HIGH 0xd6e8feb86659fd93ULL

/* What is probed; borrowed from an encoder. */
struct token_tables {
    const uint64_t *buckets; /* two slots each */
    uint32_t bucket_shift;
};

/* Pieces of values that are cut side by side: where each is, where it ends, and where its next slot goes. */
struct token_lanes {
    const uint8_t *at[TOKEN_WIDE_LANES], *end[TOKEN_WIDE_LANES];
    uint32_t *out[TOKEN_WIDE_LANES];
    uint32_t active; /* lanes that have a piece, a bit each; the others may be read, too */
};

/* Whether this processor has what it takes. */
bool token_wide_is_there(void);
/* The slot that halving ends at for each lane, at whose place 16 bytes may be read, and the lanes where there is one whose
 * token would end no later than the piece. Whether that token stands there is for the caller to see. */
uint32_t token_wide_find(const struct token_tables *tables, const struct token_lanes *lanes,
                         uint32_t out_slots[TOKEN_WIDE_LANES]);
/* Put the slots out, go on behind their tokens; the lanes that are at their ends. */
uint32_t token_wide_advance(struct token_lanes *lanes, const uint32_t slots[TOKEN_WIDE_LANES]);

#endif
