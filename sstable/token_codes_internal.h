/*
 * token_codes_internal.h: values out of a lane of codes, one after another.
 *
 * Codes are found many at once (token_split_internal.h) and kept over the ends of values: what is left to do for each is a
 * look-up and a copy of 16 bytes that waits for nothing but the length of the one before. Only some hundred are found
 * ahead, because many a reader stops early.
 */
#ifndef STRAIT_SSTABLE_TOKEN_CODES_INTERNAL_H
#define STRAIT_SSTABLE_TOKEN_CODES_INTERNAL_H

#include "sstable/token_split_internal.h"

enum { TOKEN_CODES_AHEAD = 256 };

struct token_codes {
    const struct tokens *tokens; /* borrowed, like the lane */
    const uint8_t *begin;        /* what the codes at hand were found in, up to `at` */
    const uint8_t *at, *end;     /* what no codes were found in yet */
    uint32_t next, count;        /* [next, count) are to come */
    bool wide;
    uint16_t codes[TOKEN_CODES_AHEAD + TOKEN_SPLIT_ROOM];
    uint16_t places[TOKEN_CODES_AHEAD + TOKEN_SPLIT_ROOM]; /* behind `begin` */
};

/* `codes` needs not be zeroed. */
void token_codes_open(struct token_codes *codes, const struct tokens *tokens, struct slice lane);
/* Do without the wide body, where the processor has it: for tests and comparisons. */
void token_codes_narrow(struct token_codes *codes);

/* The next value, of `bytes` bytes; `out` has TOKENS_DECODE_SLACK bytes of room behind it. False when the codes do not make
 * exactly that. */
bool token_codes_take(struct token_codes *codes, uint8_t *out, size_t bytes);
/* Pass over values that have so many bytes together. */
bool token_codes_pass(struct token_codes *codes, size_t bytes);

/* Where the next value's codes begin. */
static inline const uint8_t *token_codes_place(const struct token_codes *codes)
{
    return codes->next < codes->count ? codes->begin + codes->places[codes->next] : codes->at;
}
static inline bool token_codes_at_end(const struct token_codes *codes)
{
    return codes->next == codes->count && codes->at == codes->end;
}

#endif
