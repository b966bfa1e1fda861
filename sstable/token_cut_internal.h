/*
 * token_cut_internal.h: values into the codes of the tokens of an encoder.
 *
 * The longest token at a place is found by halving: is there a token that begins with these 9 bytes, then with 13 or 5,
 * and so on, four probes of one small hash table whatever the answer, without a branch that could be mispredicted.
 * Values are cut side by side, so that their probes overlap: four, or 32 where the processor has AVX-512
 * (token_wide_internal.h).
 * A token that found no room in the table, which are few and rarely used ones, is not found; codes are right without it.
 *
 * Threads     Everybody has a scratch of their own.
 */
#ifndef STRAIT_SSTABLE_TOKEN_CUT_INTERNAL_H
#define STRAIT_SSTABLE_TOKEN_CUT_INTERNAL_H

#include "sstable/token_encoder_internal.h"

/* What encoding needs meanwhile, kept from call to call; zeroed at first. */
struct token_scratch {
    struct buffer bytes, slots;
};
void token_scratch_deinit(struct token_scratch *scratch);
/* Append the codes of the values, one after another. */
void token_encoder_encode(const struct token_encoder *encoder, struct token_scratch *scratch,
                          const struct slice *values, uint32_t count, struct buffer *out);

#endif
