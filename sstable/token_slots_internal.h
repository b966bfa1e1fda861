/* token_slots_internal.h: the table of an encoder and how it is probed, for who makes it and who cuts values with it. */
#ifndef STRAIT_SSTABLE_TOKEN_SLOTS_INTERNAL_H
#define STRAIT_SSTABLE_TOKEN_SLOTS_INTERNAL_H

#include "sstable/token_wide_internal.h"

struct token_encoder {
    uint32_t count, short_count;
    uint32_t bucket_shift;
    uint32_t uniform_length;  /* of all tokens, longer than a byte; 0: they differ */
    uint64_t *buckets;        /* owned; two slots each */
    struct token_text *texts; /* owned; of the tokens, cut */
    uint32_t ones[256];       /* slots of the tokens of one byte; 0: there is none */
    bool is_wide;             /* many places are searched at once */
};

/* token_wide_internal.h tells how a text is cut to a length: a factor for each half does it. */
struct cut {
    uint64_t low, high;
    uint64_t hash_low, hash_high, hash_plus; /* the hash of what was cut, at once */
};

#define CUT_LOW(n)  ((n) >= 8 ? 1 : 1ULL << (unsigned)(8 - (n)) % 8 * 8)
#define CUT_HIGH(n) ((n) <= 8 ? 0 : 1ULL << (unsigned)(16 - (n)) % 8 * 8)
#define CUT(n)                                                                               \
    {                                                                                        \
        CUT_LOW(n), CUT_HIGH(n), CUT_LOW(n) * TOKEN_HASH_LOW, CUT_HIGH(n) * TOKEN_HASH_HIGH, \
            (uint64_t)(128 - 8 * (n)) * TOKEN_HASH_LOW                                       \
    }
static const struct cut cuts[TOKEN_BYTES_MAX + 1] = {
    {0},    CUT(1),  CUT(2),  CUT(3),  CUT(4),  CUT(5),  CUT(6),  CUT(7),  CUT(8),
    CUT(9), CUT(10), CUT(11), CUT(12), CUT(13), CUT(14), CUT(15), CUT(16),
};

static inline struct token_text text_cut(struct token_text text, uint32_t length)
{
    const struct cut *cut = &cuts[length];
    return (struct token_text){.low = text.low * cut->low, .high = text.high * cut->high};
}

static inline uint64_t hash_of(struct token_text text, uint32_t length)
{
    const struct cut *cut = &cuts[length];
    return text.low * cut->hash_low + text.high * cut->hash_high + cut->hash_plus;
}

/* The uppermost 13 bits of a slot, of those of the hash that do not tell the bucket; never 0: an empty slot answers to
 * none. */
static inline uint32_t tag_of(const struct token_encoder *encoder, uint64_t hash)
{
    return ((uint32_t)(hash >> (encoder->bucket_shift - 32)) & ~(TOKEN_SLOT_TAG_ONE - 1U)) |
           TOKEN_SLOT_TAG_ONE;
}

static inline struct token_text text_at(const uint8_t *at)
{
    return (struct token_text){.low = load_le64(at), .high = load_le64(at + 8)};
}

/* What the table says about the first `length` bytes: 0 when it does not have them. A slot may be of another text with
 * the same tag: whoever asks compares. *out_found has all bits set or none; arithmetic with it stays free of branches,
 * which would be mispredicted every other time. */
static inline uint32_t slot_find(const struct token_encoder *encoder, struct token_text text, uint32_t length,
                                 uint32_t *out_found)
{
    uint64_t hash = hash_of(text, length);
    uint64_t bucket = encoder->buckets[hash >> encoder->bucket_shift];
    uint32_t tag = tag_of(encoder, hash);
    uint32_t first = (uint32_t)bucket, second = (uint32_t)(bucket >> 32);
    uint32_t is_first = 0U - ((first ^ tag) < TOKEN_SLOT_TAG_ONE);
    uint32_t is_second = 0U - ((second ^ tag) < TOKEN_SLOT_TAG_ONE);
    *out_found = is_first | is_second;
    return (first & is_first) | (second & is_second);
}

static inline uint32_t slot_number(uint32_t slot)
{
    return slot & (TOKENS_MAX - 1);
}

static inline uint32_t slot_length(uint32_t slot)
{
    return (slot >> TOKEN_SLOT_NUMBER_BITS & 15) + 1;
}

static inline bool slot_fits(const struct token_encoder *encoder, struct token_text text, uint32_t slot)
{
    const struct token_text *token = &encoder->texts[slot_number(slot)];
    struct token_text cut = text_cut(text, slot_length(slot));
    return ((token->low ^ cut.low) | (token->high ^ cut.high)) == 0;
}

#endif
