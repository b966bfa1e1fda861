/* token_matcher_internal.h: the tables that find tokens, while they are learnt. */
#ifndef STRAIT_SSTABLE_TOKEN_MATCHER_INTERNAL_H
#define STRAIT_SSTABLE_TOKEN_MATCHER_INTERNAL_H

#include "sstable/tokens_internal.h"

enum {
    TOKEN_HINTS = 3,
    TOKEN_SLOTS = 1 << 17,
    TOKEN_LEARNT_MAX = 48 << 10, /* while learning; more than are kept */
};

/* 16 bytes as two little-endian numbers. */
struct token_text {
    uint64_t low, high;
};

struct token_matcher {
    uint32_t count;
    uint16_t ones[256], twos[1 << 16];
    uint16_t hints[TOKEN_HINTS][1 << 14]; /* which lengths begin like this */
    uint32_t slots[TOKEN_SLOTS];          /* 16 bits of hash, 16 bits of number + 1; 0 is empty */
    struct token_text texts[TOKEN_LEARNT_MAX];
    uint8_t lengths[TOKEN_LEARNT_MAX];
};

struct token_matcher *token_matcher_new(void);                       /* empty; NULL: no memory */
struct token_matcher *token_matcher_of(const struct tokens *tokens); /* NULL: no memory */
void token_matcher_free(struct token_matcher *matcher);
/* At most TOKEN_LEARNT_MAX, each once. */
void token_matcher_add(struct token_matcher *matcher, struct slice token);
/* The number of the longest token at `at` and its length; 0xffff and 1 when there is none. */
uint32_t token_matcher_find(const struct token_matcher *matcher, const uint8_t *at, size_t bytes,
                            uint32_t *out_length);

#endif
