#include "sstable/token_codes_internal.h"

void token_codes_open(struct token_codes *codes, const struct tokens *tokens, struct slice lane)
{
    codes->tokens = tokens;
    codes->begin = codes->at = lane.data;
    codes->end = lane.data ? lane.data + lane.bytes : NULL;
    codes->next = codes->count = 0;
    codes->wide = token_split_is_wide();
}

void token_codes_narrow(struct token_codes *codes)
{
    codes->wide = false;
}

/* Find codes once those at hand are used up: none before a literal, a code that is not one, or the end. */
static void codes_find(struct token_codes *codes)
{
    uint8_t rest[TOKEN_SPLIT_LOOK] = {0};
    const uint8_t *at = codes->at;
    size_t left = (size_t)(codes->end - at);
    uint32_t count = 0;
    while (left && count <= TOKEN_CODES_AHEAD) {
        uint32_t wanted = left < TOKEN_SPLIT_BYTES ? (uint32_t)left : TOKEN_SPLIT_BYTES, found;
        const uint8_t *from = at;
        if (left < TOKEN_SPLIT_LOOK) {
            memcpy(rest, at, left);
            from = rest;
        }
        struct token_split_out out = {codes->codes + count, codes->places + count,
                                      (uint16_t)(at - codes->at)};
        uint32_t used = codes->wide ? token_split_wide(codes->tokens, from, wanted, out, &found)
                                    : token_split(codes->tokens, from, wanted, out, &found);
        count += found;
        at += used;
        left -= used;
        /* Of what was looked at all must have been codes, but for half of one at the end. */
        if (!used || used + 1 < wanted)
            break;
    }
    codes->begin = codes->at;
    codes->at = at;
    codes->next = 0;
    codes->count = count;
}

/* With no codes at hand: the bytes of a literal, empty when there is none, or it has more than `room`. */
static struct slice literal_take(struct token_codes *codes, size_t room)
{
    size_t left = (size_t)(codes->end - codes->at);
    const uint8_t *at = codes->at;
    if (left < 2 || at[0] != TOKENS_LITERAL || at[1] > left - 2 || at[1] > room)
        return (struct slice){0};
    codes->at = at + 2 + at[1];
    return slice_of(at + 2, at[1]);
}

/* There is a code at hand, or *out_literal has what stands there instead; false for neither. */
static bool codes_more(struct token_codes *codes, size_t room, struct slice *out_literal)
{
    *out_literal = (struct slice){0};
    codes_find(codes);
    if (!codes->count)
        *out_literal = literal_take(codes, room);
    return codes->count || out_literal->bytes;
}

bool token_codes_take(struct token_codes *codes, uint8_t *out, size_t bytes)
{
    const struct tokens *tokens = codes->tokens;
    const uint8_t(*const texts)[TOKEN_BYTES_MAX] = (const uint8_t(*)[TOKEN_BYTES_MAX])tokens->bytes;
    const uint8_t *const lengths = tokens->lengths;
    uint8_t *at = out, *const stop = out + bytes;
    while (at < stop) {
        const uint16_t *code = codes->codes + codes->next, *const end = codes->codes + codes->count;
        for (; code < end && at < stop; code++) {
            memcpy(at, texts[*code], TOKEN_BYTES_MAX);
            at += lengths[*code];
        }
        codes->next = (uint32_t)(code - codes->codes);
        if (at >= stop)
            break;
        struct slice literal;
        if (!codes_more(codes, (size_t)(stop - at), &literal))
            return false;
        if (literal.bytes)
            memcpy(at, literal.data, literal.bytes);
        at += literal.bytes;
    }
    return at == stop;
}

bool token_codes_pass(struct token_codes *codes, size_t bytes)
{
    const uint8_t *const lengths = codes->tokens->lengths;
    size_t done = 0;
    while (done < bytes) {
        uint32_t next = codes->next;
        for (; next < codes->count && done < bytes; next++)
            done += lengths[codes->codes[next]];
        codes->next = next;
        if (done >= bytes)
            break;
        struct slice literal;
        if (!codes_more(codes, bytes - done, &literal))
            return false;
        done += literal.bytes;
    }
    return done == bytes;
}
