/*
 * vocabulary.h: words that look and compress like those of English chat.
 *
 * The frequent ones are real; the long tail is put together from common syllables, the rarer the longer, as in a natural
 * vocabulary. It depends on nothing but VOCABULARY_WORDS.
 */
#ifndef STRAIT_BENCH_PEERS_VOCABULARY_H
#define STRAIT_BENCH_PEERS_VOCABULARY_H

#include <stdint.h>

enum {
    VOCABULARY_WORDS = 6000,
    VOCABULARY_WORD_BYTES_MAX = 15,
};

struct vocabulary_word {
    uint8_t bytes;
    char text[VOCABULARY_WORD_BYTES_MAX]; /* lower case, not terminated */
};

/* Most frequent first. */
void vocabulary_fill(struct vocabulary_word words[VOCABULARY_WORDS]);

#endif
