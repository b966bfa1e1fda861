/*
 * The longest token at a place. Tokens stand in a hash table by their bytes; which lengths are worth a probe is told by
 * small tables over the first 3, 5 and 8 bytes, so that most probes that are made succeed. Tokens of one and two bytes
 * are found directly.
 */
#include "sstable/token_matcher_internal.h"

#include <stdlib.h>

enum {
    HINT_BITS = 14,
    TOKEN_NONE = 0xffff,
};

/* Lengths a hint table speaks of: bit 0 is the first. */
static const uint8_t hint_first[TOKEN_HINTS] = {3, 5, 8};

struct token_matcher *token_matcher_new(void)
{
    struct token_matcher *matcher = calloc(1, sizeof *matcher);
    if (!matcher)
        return NULL;
    memset(matcher->ones, 0xff, sizeof matcher->ones);
    memset(matcher->twos, 0xff, sizeof matcher->twos);
    return matcher;
}

void token_matcher_free(struct token_matcher *matcher)
{
    free(matcher);
}

static inline uint64_t low_bytes(uint64_t word, uint32_t bytes)
{
    return bytes >= 8 ? word : word & ((1ULL << bytes * 8) - 1);
}

/* Of the first `length` bytes. */
static inline uint64_t token_hash(struct token_text text, uint32_t length)
{
    uint64_t low = low_bytes(text.low, length);
    uint64_t high = length > 8 ? low_bytes(text.high, length - 8) : 0;
    uint64_t hash = (low + length) * 0x9e3779b97f4a7c15ULL ^ high * 0xd6e8feb86659fd93ULL;
    return hash ^ hash >> 29;
}

static inline uint32_t hint_at(struct token_text text, uint32_t hint)
{
    return (uint32_t)(low_bytes(text.low, hint_first[hint]) * 0x9e3779b97f4a7c15ULL >> (64 - HINT_BITS));
}

static inline struct token_text text_of(const uint8_t *at, size_t bytes)
{
    uint8_t padded[TOKEN_BYTES_MAX] = {0};
    if (bytes >= TOKEN_BYTES_MAX)
        return (struct token_text){.low = load_le64(at), .high = load_le64(at + 8)};
    memcpy(padded, at, bytes);
    return (struct token_text){.low = load_le64(padded), .high = load_le64(padded + 8)};
}

static uint32_t hint_of_length(uint32_t length)
{
    return length >= hint_first[2] ? 2 : length >= hint_first[1] ? 1 : 0;
}

void token_matcher_add(struct token_matcher *matcher, struct slice token)
{
    uint32_t number = matcher->count++;
    uint32_t length = (uint32_t)token.bytes;
    struct token_text text = text_of(token.data, length);
    matcher->texts[number] = text;
    matcher->lengths[number] = (uint8_t)length;
    if (length == 1) {
        matcher->ones[token.data[0]] = (uint16_t)number;
    } else if (length == 2) {
        matcher->twos[text.low & 0xffff] = (uint16_t)number;
    } else {
        uint64_t hash = token_hash(text, length);
        uint32_t hint = hint_of_length(length);
        uint32_t at = (uint32_t)hash % TOKEN_SLOTS;
        while (matcher->slots[at])
            at = (at + 1) % TOKEN_SLOTS;
        matcher->slots[at] = (uint32_t)(hash >> 48) << 16 | (number + 1);
        matcher->hints[hint][hint_at(text, hint)] |= (uint16_t)(1u << (length - hint_first[hint]));
    }
}

/* The number of the token that is the first `length` bytes of `text`, or TOKEN_NONE. */
static inline uint32_t probe(const struct token_matcher *matcher, struct token_text text, uint32_t length)
{
    uint64_t hash = token_hash(text, length);
    uint64_t low = low_bytes(text.low, length);
    uint64_t high = length > 8 ? low_bytes(text.high, length - 8) : 0;
    for (uint32_t at = (uint32_t)hash % TOKEN_SLOTS; matcher->slots[at]; at = (at + 1) % TOKEN_SLOTS) {
        uint32_t slot = matcher->slots[at];
        uint32_t number = (slot & 0xffff) - 1;
        if (slot >> 16 == (uint32_t)(hash >> 48) && matcher->lengths[number] == length &&
            matcher->texts[number].low == low && matcher->texts[number].high == high)
            return number;
    }
    return TOKEN_NONE;
}

/* Bit n: a token of n bytes may begin like the text. Lookups that do not depend on one another overlap. */
static uint32_t lengths_of(const struct token_matcher *matcher, struct token_text text)
{
    uint32_t lengths = 0;
    for (uint32_t hint = 0; hint < TOKEN_HINTS; hint++)
        lengths |= (uint32_t)matcher->hints[hint][hint_at(text, hint)] << hint_first[hint];
    return lengths;
}

uint32_t token_matcher_find(const struct token_matcher *matcher, const uint8_t *at, size_t bytes,
                            uint32_t *out_length)
{
    struct token_text text = text_of(at, bytes);
    uint32_t lengths = lengths_of(matcher, text);
    uint16_t two = matcher->twos[text.low & 0xffff];
    if (bytes < TOKEN_BYTES_MAX) {
        lengths &= (2u << bytes) - 1;
        two = bytes < 2 ? TOKEN_NONE : two;
    }
    for (; lengths; lengths ^= 1u << (31 - (uint32_t)__builtin_clz(lengths))) {
        uint32_t length = 31 - (uint32_t)__builtin_clz(lengths);
        uint32_t number = probe(matcher, text, length);
        if (number != TOKEN_NONE) {
            *out_length = length;
            return number;
        }
    }
    *out_length = two != TOKEN_NONE ? 2 : 1;
    return two != TOKEN_NONE ? two : matcher->ones[text.low & 0xff];
}

struct token_matcher *token_matcher_of(const struct tokens *tokens)
{
    struct token_matcher *matcher = token_matcher_new();
    if (!matcher)
        return NULL;
    for (uint32_t i = 0; i < tokens->count; i++)
        token_matcher_add(matcher, slice_of(tokens->bytes[i], tokens->lengths[i]));
    return matcher;
}
