/*
 * token_encoder_internal.h: values into the codes of a finished table of tokens.
 *
 * The longest token at a place is found by halving: is there a token that begins with these 9 bytes, then with 13 or 5,
 * and so on, four probes of one small hash table whatever the answer, without a branch that could be mispredicted.
 * Values are cut side by side, so that their probes overlap: four, or 32 where the processor has AVX-512
 * (token_wide_internal.h).
 * A token that found no room in the table, which are few and rarely used ones, is not found; codes are right without it.
 *
 * Threads     Immutable once it is made.
 */
#ifndef STRAIT_SSTABLE_TOKEN_ENCODER_INTERNAL_H
#define STRAIT_SSTABLE_TOKEN_ENCODER_INTERNAL_H

#include "sstable/tokens_internal.h"

struct token_encoder;
struct token_encoder *token_encoder_new(const struct tokens *tokens); /* NULL: no memory */
void token_encoder_free(struct token_encoder *encoder);               /* NULL is welcome */
/* Do without the wide search, where the processor has it: for tests and comparisons. */
void token_encoder_narrow(struct token_encoder *encoder);

/* What encoding needs meanwhile, kept from call to call; zeroed at first. */
struct token_scratch {
    struct buffer bytes, slots;
};
void token_scratch_deinit(struct token_scratch *scratch);
/* Append the codes of the values, one after another. */
void token_encoder_encode(const struct token_encoder *encoder, struct token_scratch *scratch,
                          const struct slice *values, uint32_t count, struct buffer *out);

#endif
