/*
 * token_split_internal.h: where codes begin, of many bytes of a lane at once.
 *
 * A code is one byte below `short_count`, or a greater one and a second of any value; going from code to code, each has to
 * be known before the next can be looked at. But a byte below `short_count` ends a code whatever stands before it, so a
 * code begins behind it, and in a run of greater bytes every other one is the first of a code, from the run's own first
 * one on. That is arithmetic on a mask with a bit a byte, 64 of them in a word, without a branch or a chain.
 */
#ifndef STRAIT_SSTABLE_TOKEN_SPLIT_INTERNAL_H
#define STRAIT_SSTABLE_TOKEN_SPLIT_INTERNAL_H

#include "sstable/tokens_internal.h"

enum {
    TOKEN_SPLIT_BYTES = 64,                   /* looked at together; no more codes come of them */
    TOKEN_SPLIT_LOOK = TOKEN_SPLIT_BYTES + 1, /* bytes that are read for it */
    TOKEN_SPLIT_ROOM = TOKEN_SPLIT_BYTES,     /* codes that may be written */
};

/* Whether this processor has what the wide body takes (AVX-512 with VBMI2). */
bool token_split_is_wide(void);

/* Where the next codes go, with room for TOKEN_SPLIT_ROOM: what they are, and how far behind some place they begin. */
struct token_split_out {
    uint16_t *codes, *places;
    uint16_t place; /* of the first of them */
};

/*
 * The codes that begin in the first `bytes` bytes at `at`, at most TOKEN_SPLIT_BYTES, and end there: up to the first that is a
 * literal or none of the table's. A code begins at `at`, where TOKEN_SPLIT_LOOK bytes can be read whatever `bytes` is.
 * Returns the bytes they take.
 */
uint32_t token_split(const struct tokens *tokens, const uint8_t *at, uint32_t bytes,
                     struct token_split_out out, uint32_t *out_count);
/* The same, for processors that have it. */
uint32_t token_split_wide(const struct tokens *tokens, const uint8_t *at, uint32_t bytes,
                          struct token_split_out out, uint32_t *out_count);

#endif
