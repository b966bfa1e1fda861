#include "sstable/tokens_internal.h"

#include "base/hash.h"

#include <stdlib.h>

enum { CODES_AT_ONCE = 64 };

void tokens_deinit(struct tokens *tokens)
{
    free(tokens->bytes);
    free(tokens->lengths);
    *tokens = (struct tokens){0};
}

void tokens_encode_table(const struct tokens *tokens, struct buffer *out)
{
    buffer_append_varint(out, tokens->count);
    buffer_append_u8(out, (uint8_t)tokens->short_count);
    buffer_append(out, tokens->lengths, tokens->count);
    for (uint32_t i = 0; i < tokens->count; i++)
        buffer_append(out, tokens->bytes[i], tokens->lengths[i]);
}

status tokens_decode_table(struct slice encoded, struct tokens *out_tokens)
{
    struct reader in = reader_of(encoded);
    uint64_t count = reader_varint(&in);
    uint32_t short_count = reader_u8(&in);
    struct slice lengths = reader_take(&in, count);
    if (in.failed || count > TOKENS_MAX || short_count > TOKENS_LITERAL ||
        count > short_count + (uint64_t)(TOKENS_LITERAL - short_count) * 256)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct tokens tokens = {
        .count = (uint32_t)count,
        .short_count = short_count,
        .bytes = calloc(count + 1, TOKEN_BYTES_MAX),
        .lengths = malloc(count + 1),
        .id = hash64(encoded, 0),
    };
    status st = tokens.bytes && tokens.lengths ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; ok(st) && i < count; i++) {
        struct slice token = reader_take(&in, lengths.data[i]);
        if (in.failed || token.bytes == 0 || token.bytes > TOKEN_BYTES_MAX) {
            st = STATUS_FAIL(STATUS_CORRUPT);
            break;
        }
        memcpy(tokens.bytes[i], token.data, token.bytes);
        tokens.lengths[i] = (uint8_t)token.bytes;
    }
    if (ok(st) && in.at != in.end)
        st = STATUS_FAIL(STATUS_CORRUPT);
    if (ok(st))
        *out_tokens = tokens;
    else
        tokens_deinit(&tokens);
    return st;
}

static bool literal_take(struct reader *in, uint8_t *out, size_t room, size_t *out_bytes)
{
    struct slice literal = reader_take(in, reader_u8(in));
    if (in->failed || literal.bytes > room || literal.bytes == 0)
        return false;
    memcpy(out, literal.data, literal.bytes);
    *out_bytes = literal.bytes;
    return true;
}

/* The token of the code at the low end of `word`, copied; *used counts the bytes of the code. Whether a code has one byte
 * or two is as good as random, so nothing branches on it. */
static inline uint32_t token_step(const struct tokens *tokens, uint64_t *word, uint32_t *used)
{
    uint32_t first = (uint32_t)(*word & 0xff), second = (uint32_t)(*word >> 8 & 0xff);
    uint32_t two = first >= tokens->short_count;
    uint32_t code = first + (((first - tokens->short_count) * 255 + second) & (0U - two));
    *word >>= 8U << two;
    *used += 1 + two;
    return code;
}

/* One code, where fewer bytes than a word are left or a literal stands. */
static bool step_slowly(const struct tokens *tokens, struct reader *in, uint8_t *out, size_t room,
                        size_t *out_bytes)
{
    if (in->at >= in->end)
        return false;
    uint32_t code = *in->at++;
    if (code == TOKENS_LITERAL)
        return literal_take(in, out, room, out_bytes);
    if (code >= tokens->short_count) {
        if (in->at >= in->end)
            return false;
        code += (code - tokens->short_count) * 255 + *in->at++;
    }
    if (code >= tokens->count)
        return false;
    memcpy(out, tokens->bytes[code], TOKEN_BYTES_MAX);
    *out_bytes = tokens->lengths[code];
    return true;
}

/* The codes up to a literal, the last word of the lane or `stop`, into `codes`; *io_at is moved by what they stand for.
 * Their tokens are far apart in a table that no near cache holds: all of them are on their way before one is copied. False
 * when there is no such code. */
static inline bool codes_take(const struct tokens *table, struct reader *in, const uint8_t *stop,
                              uint8_t **io_at, uint16_t *codes, uint32_t *out_count)
{
    enum { CODES_OF_WORD = 4 };
    const uint8_t *from = in->at, *const last = in->end - 8;
    uint8_t *at = *io_at;
    uint32_t count = 0;
    while (at < stop && from <= last && count <= CODES_AT_ONCE - CODES_OF_WORD && *from != TOKENS_LITERAL) {
        uint64_t word = load_le64(from);
        uint32_t used = 0, taken = 0;
        for (; taken < CODES_OF_WORD && at < stop && (word & 0xff) != TOKENS_LITERAL; taken++) {
            uint32_t code = token_step(table, &word, &used);
            if (code >= table->count)
                return false;
            __builtin_prefetch(table->bytes[code]);
            at += table->lengths[code];
            codes[count++] = (uint16_t)code;
        }
        from += used;
    }
    in->at = from;
    *io_at = at;
    *out_count = count;
    return true;
}

bool tokens_decode(const struct tokens *tokens, struct reader *in, uint8_t *out, size_t bytes)
{
    const struct tokens table = *tokens;
    uint8_t *at = out, *const stop = out + bytes;
    uint16_t codes[CODES_AT_ONCE];
    while (at < stop) {
        uint32_t count = 0;
        uint8_t *to = at;
        if (in->end - in->at >= 8 && !codes_take(&table, in, stop, &at, codes, &count))
            return false;
        for (uint32_t i = 0; i < count; i++) {
            memcpy(to, table.bytes[codes[i]], TOKEN_BYTES_MAX);
            to += table.lengths[codes[i]];
        }
        size_t step = 0;
        if (!count && !step_slowly(&table, in, at, (size_t)(stop - at), &step))
            return false;
        at += step;
    }
    return at == stop;
}

bool tokens_skip(const struct tokens *tokens, struct reader *in, size_t bytes)
{
    uint8_t unused[TOKENS_LITERAL + 1 + TOKENS_DECODE_SLACK];
    const struct tokens table = *tokens;
    size_t done = 0;
    while (done < bytes) {
        size_t step;
        if (in->end - in->at >= 8 && *in->at != TOKENS_LITERAL) {
            uint64_t word = load_le64(in->at);
            uint32_t used = 0;
            uint32_t code = token_step(&table, &word, &used);
            if (code >= table.count)
                return false;
            in->at += used;
            done += table.lengths[code];
            continue;
        }
        size_t room = bytes - done < TOKENS_LITERAL ? bytes - done : TOKENS_LITERAL;
        if (!step_slowly(&table, in, unused, room, &step))
            return false;
        done += step;
    }
    return done == bytes;
}
