/*
 * dictionary_internal.h: the token tables of a table's columns, learnt from the first rows that are written.
 *
 * Threads     A dictionary is immutable; its encoders and its frame are made when the first builder asks, by whoever is first.
 */
#ifndef STRAIT_SSTABLE_DICTIONARY_INTERNAL_H
#define STRAIT_SSTABLE_DICTIONARY_INTERNAL_H

#include "sstable/frame_internal.h"
#include "sstable/sstable.h"
#include "sstable/token_encoder_internal.h"

#include <stdatomic.h>

enum {
    DICTIONARY_COLUMNS = 16,
    DICTIONARY_SAMPLE_BYTES = 32 << 20,  /* of rows, to learn from */
    DICTIONARY_SAMPLE_LEAST = 512 << 10, /* less teaches too little */
    DICTIONARY_BYTES_MAX = 1 << 20,
};

struct dictionary_column {
    uint64_t place; /* whose values: image_cuts_next() */
    struct tokens tokens;
    /* What it was learnt from and what that took in codes, for who learns again; 0 when it was read from a file. */
    size_t sample_bytes, sample_coded;
};

struct dictionary_encoders {
    struct token_encoder *of[DICTIONARY_COLUMNS]; /* owned */
};

struct sstable_dictionary {
    _Atomic uint32_t references;
    uint64_t id;
    struct buffer encoded; /* owned */
    uint32_t ratio;        /* stored bytes of 1000 raw ones when it was learnt */
    uint32_t learnt_kib;   /* of rows */
    uint32_t column_count;
    struct dictionary_column columns[DICTIONARY_COLUMNS];
    _Atomic(struct dictionary_encoders *) encoders; /* owned */
    _Atomic(struct buffer *) frame;                 /* owned; not sealed */
};

/* STATUS_CORRUPT when `encoded` is not a dictionary. The caller owns a reference. */
status dictionary_decode(struct slice encoded, struct sstable_dictionary **out_dictionary);
/* The id of a dictionary that is encoded so. */
uint64_t dictionary_id_of(struct slice encoded);
/* As a frame that only has to be sealed, compressed by whoever asks first: every file holds two copies, and most
 * dictionaries are in many files. Lives as long as the dictionary. */
status dictionary_frame(struct sstable_dictionary *dictionary, ZSTD_CCtx *zstd, struct slice *out_frame);
/* The tokens of a column's values, NULL when it has none. */
const struct tokens *dictionary_tokens(const struct sstable_dictionary *dictionary, uint64_t place);
/* STATUS_NOMEM. They live as long as the dictionary. */
status dictionary_encoders(struct sstable_dictionary *dictionary,
                           const struct dictionary_encoders **out_encoders);
const struct token_encoder *dictionary_encoder(const struct sstable_dictionary *dictionary,
                                               const struct dictionary_encoders *encoders, uint64_t place);

/* Gathers the values of rows. A zeroed struct is ready. */
struct dictionary_sample {
    struct {
        uint64_t place;
        struct buffer bytes, lengths; /* values one after another; uint32_t each */
        uint64_t seen_bytes;          /* of all values: long ones are not kept when there are enough */
    } columns[DICTIONARY_COLUMNS];
    uint32_t column_count;
    uint64_t raw_bytes;
};

void dictionary_sample_deinit(struct dictionary_sample *sample);
void dictionary_sample_add(struct dictionary_sample *sample, struct slice clustering, struct slice image);
/*
 * *out_dictionary is NULL when the values have too little in common. The table that the dictionary `before` (NULL: none) has
 * for a column is kept when it was learnt from nearly as much and does as well now: then codes of the column stay what they are,
 * and values coded before need not be cut again.
 */
status dictionary_learn(const struct dictionary_sample *sample, const struct sstable_dictionary *before,
                        struct sstable_dictionary **out_dictionary);

#endif
