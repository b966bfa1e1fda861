#include "sstable/tokens_internal.h"

#include "base/hash.h"

#include <stdlib.h>

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
