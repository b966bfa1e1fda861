/*
 * dictionary_internal.h: what blocks of one table have in common, learnt from its first ones.
 *
 * Blocks are small, so that reading one row is cheap; a dictionary gives the compressor the memory that small blocks
 * lack. The blocks it was learnt from are written without it.
 */
#ifndef STRAIT_SSTABLE_DICTIONARY_INTERNAL_H
#define STRAIT_SSTABLE_DICTIONARY_INTERNAL_H

#include "base/buffer.h"

enum {
    DICTIONARY_AFTER_BYTES = 1 << 20, /* of raw blocks */
    DICTIONARY_BYTES_MAX = 64 << 10,
};

struct dictionary_trainer {
    size_t after_bytes; /* SIZE_MAX: never train */
    struct buffer samples;
    struct buffer sizes; /* size_t each */
};

void dictionary_trainer_deinit(struct dictionary_trainer *trainer);
/* Collect a block; *out_ready when it is time to train. */
status dictionary_trainer_add(struct dictionary_trainer *trainer, struct slice raw, bool *out_ready);
/* Append a dictionary to `out`, or nothing when the blocks have too little in common. The trainer is empty then and
 * collects no more. */
status dictionary_train(struct dictionary_trainer *trainer, int compression_level, struct buffer *out);

#endif
