/*
 * tokens_internal.h: values as numbers of byte strings that a table has in common.
 *
 * A token is a string of at most 16 bytes, a word and its blank, a whole uuid. A value is written as the codes of the
 * tokens it is made of, one byte for the most frequent ones, two for the others, and runs of bytes that no token
 * covers. Nothing depends on what stands before a value, so one can be read without its neighbours, and reading is a
 * table lookup and a copy of 16 bytes a token: several times faster than undoing an entropy coder, and for short texts
 * smaller than what a general compressor makes of a block. docs/formats/sstable.md has the layout.
 *
 * Threads     struct tokens is immutable once it is made.
 */
#ifndef STRAIT_SSTABLE_TOKENS_INTERNAL_H
#define STRAIT_SSTABLE_TOKENS_INTERNAL_H

#include "base/buffer.h"
#include "base/reader.h"

enum {
    TOKEN_BYTES_MAX = 16,
    TOKENS_MAX = 32768,
    TOKENS_LITERAL = 255,                 /* code: a count and so many bytes follow */
    TOKENS_DECODE_SLACK = TOKEN_BYTES_MAX /* bytes behind the value that decoding may write over */
};

struct tokens {
    uint32_t count;
    uint32_t short_count;              /* of one-byte codes: tokens 0 .. short_count - 1 */
    uint8_t (*bytes)[TOKEN_BYTES_MAX]; /* owned; `count`, padded with zeros */
    uint8_t *lengths;                  /* owned */
    uint64_t
        id; /* hash of the encoded table, from tokens_decode_table(): equal codes say the same under equal ids */
};

void tokens_deinit(struct tokens *tokens);
void tokens_encode_table(const struct tokens *tokens, struct buffer *out);
/* STATUS_CORRUPT when it is not a table. Borrows nothing. */
status tokens_decode_table(struct slice encoded, struct tokens *out_tokens);

/* Learn a table of at most `table_bytes` from sample values, one after another in `samples` with their lengths. An
 * empty table when there is nothing in common. */
status tokens_train(struct slice samples, const uint32_t *lengths, uint32_t count, size_t table_bytes,
                    struct tokens *out_tokens);
/* The same for values that all have `length` bytes, at most TOKEN_BYTES_MAX: those that come again, whole. */
status tokens_of_values(struct slice samples, size_t length, uint32_t count, size_t table_bytes,
                        struct tokens *out_tokens);

#endif
