/*
 * token_wide_internal.h: the search of token_cut.c for many places at once, where the processor can (AVX-512).
 *
 * The tables, the probes and the answers are those of the plain search; what the wide one cannot decide it leaves to it.
 * What it can, it writes: a token that was found becomes its code without a second pass. Whether it stands there is seen
 * later than the next search begins, because that would wait for it.
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

/*
 * The first n bytes of a text are its two halves shifted up until the byte behind them falls out: by 64 - 8 n and 128 - 8 n
 * bits, not below 0, and nothing is left where that is 64 or more. Their hash, with u the bits of the upper half's shift, is
 * (low + u) * TOKEN_HASH_LOW + high * TOKEN_HASH_HIGH: u tells texts apart that begin with zeros.
 */
#define TOKEN_HASH_LOW  0x9e3779b97f4a7c15ULL
#define TOKEN_HASH_HIGH 0xd6e8feb86659fd93ULL

/* What is probed; borrowed from an encoder. */
struct token_tables {
    const uint64_t *buckets;        /* two slots each */
    const struct token_text *texts; /* of the tokens, shifted up */
    uint32_t bucket_shift;          /* which bits of a hash tell the bucket: those from here on */
    uint32_t short_count;           /* of codes of one byte */
};

/* Pieces of values that are cut side by side: where each is, where it ends, and where its next code goes. */
struct token_lanes {
    const uint8_t *at[TOKEN_WIDE_LANES], *end[TOKEN_WIDE_LANES];
    uint8_t *to[TOKEN_WIDE_LANES];
};

/* What became of the lanes, a bit each. */
struct token_step {
    uint32_t none;   /* not moved: no token was found that begins here and is longer than a byte */
    uint32_t beyond; /* not moved: what was found ends behind the piece */
    uint32_t wrong;  /* moved, but what was found does not stand here: the piece is to be cut anew */
    uint32_t done;   /* moved, and at their end now */
};

/* Whether this processor has what it takes. */
bool token_wide_is_there(void);
/* One token of each of the first `count` lanes: its code out, and on behind it. 16 bytes may be read at each place and two
 * be written; of the lanes that fill up a register of eight, too. */
struct token_step token_wide_step(const struct token_tables *tables, struct token_lanes *lanes,
                                  uint32_t count);

#endif
