/* plain_tokens.h: a value out of its codes, one code after another: what the reader of many at once is compared with. */
#ifndef STRAIT_TESTS_SSTABLE_PLAIN_TOKENS_H
#define STRAIT_TESTS_SSTABLE_PLAIN_TOKENS_H

#include "sstable/tokens_internal.h"

/* One code or literal of at most `room` bytes to `out`, where TOKENS_DECODE_SLACK more may be written. */
static inline bool plain_token(const struct tokens *tokens, struct reader *in, uint8_t *out, size_t room,
                               size_t *out_bytes)
{
    uint32_t code = reader_u8(in);
    if (in->failed)
        return false;
    if (code == TOKENS_LITERAL) {
        struct slice literal = reader_take(in, reader_u8(in));
        if (in->failed || literal.bytes == 0 || literal.bytes > room)
            return false;
        memcpy(out, literal.data, literal.bytes);
        *out_bytes = literal.bytes;
        return true;
    }
    if (code >= tokens->short_count)
        code += (code - tokens->short_count) * 255 + reader_u8(in);
    if (in->failed || code >= tokens->count)
        return false;
    memcpy(out, tokens->bytes[code], TOKEN_BYTES_MAX);
    *out_bytes = tokens->lengths[code];
    return true;
}

static inline bool plain_tokens(const struct tokens *tokens, struct reader *in, uint8_t *out, size_t bytes)
{
    size_t done = 0, step;
    for (; done < bytes; done += step)
        if (!plain_token(tokens, in, out + done, bytes - done, &step))
            return false;
    return done == bytes;
}

#endif
