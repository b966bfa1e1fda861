/*
 * token_encoder_internal.h: a finished table of tokens, made ready to be searched; token_cut_internal.h does that.
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

#endif
