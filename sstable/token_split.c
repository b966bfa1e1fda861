#include "sstable/token_split_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Bits of the bytes at which codes begin: `high` has those that are not below `short_count`, the first byte begins a code.
 * A carry through a run from its first bit on tells whether the run begins at an even place or an odd one; every other of
 * its bytes from there is the first of two. */
static inline uint64_t starts_of(uint64_t high)
{
    const uint64_t even = 0x5555555555555555;
    uint64_t first = high & ~(high << 1);
    uint64_t odd_runs = high & (high + (first & even)), even_runs = high & ~odd_runs;
    uint64_t leading = (even_runs & even) | (odd_runs & ~even);
    return ~(leading << 1);
}

/* Of the codes that begin at `starts` those that end within `bytes`, and before the first that is `odd`; the bytes they take. */
static inline uint32_t starts_cut(uint64_t *io_starts, uint64_t high, uint64_t odd, uint32_t bytes)
{
    uint64_t starts = *io_starts;
    uint64_t within = bytes < 64 ? (1ULL << bytes) - 1 : UINT64_MAX;
    /* A code of two bytes that begins at the last one does not end within. */
    odd |= ~within | (high & ~(within >> 1));
    odd &= starts;
    uint64_t before = odd ? (odd & -odd) - 1 : UINT64_MAX;
    *io_starts = starts & before;
    if (odd)
        return (uint32_t)__builtin_ctzll(odd);
    return bytes;
}

#if defined(__x86_64__)

static inline uint64_t mask_of(__m128i one, __m128i two, __m128i three, __m128i four)
{
    uint64_t low = (uint32_t)_mm_movemask_epi8(one) | (uint32_t)_mm_movemask_epi8(two) << 16;
    uint64_t high = (uint32_t)_mm_movemask_epi8(three) | (uint32_t)_mm_movemask_epi8(four) << 16;
    return low | high << 32;
}

/* Bits of the bytes that are not below `least`. */
static inline uint64_t not_below(const uint8_t *at, uint8_t least)
{
    const __m128i *from = (const __m128i *)(const void *)at;
    __m128i bound = _mm_set1_epi8((char)least), masks[4];
    for (uint32_t i = 0; i < 4; i++) {
        __m128i bytes = _mm_loadu_si128(from + i);
        masks[i] = _mm_cmpeq_epi8(_mm_max_epu8(bytes, bound), bytes);
    }
    return mask_of(masks[0], masks[1], masks[2], masks[3]);
}

#else

static inline uint64_t not_below(const uint8_t *at, uint8_t least)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < TOKEN_SPLIT_BYTES; i++)
        mask |= (uint64_t)(at[i] >= least) << i;
    return mask;
}

#endif

uint32_t token_split(const struct tokens *tokens, const uint8_t *at, uint32_t bytes,
                     struct token_split_out out, uint32_t *out_count)
{
    uint64_t high = not_below(at, (uint8_t)tokens->short_count);
    uint64_t starts = starts_of(high);
    uint32_t used = starts_cut(&starts, high, not_below(at, TOKENS_LITERAL), bytes);
    uint32_t count = 0, short_count = tokens->short_count;
    for (; starts; starts &= starts - 1) {
        uint32_t place = (uint32_t)__builtin_ctzll(starts);
        uint32_t first = at[place], second = at[place + 1];
        uint32_t two = (uint32_t)(high >> place & 1);
        uint32_t code = first + (((first - short_count) * 255 + second) & (0U - two));
        if (code >= tokens->count) {
            used = place;
            break;
        }
        out.places[count] = (uint16_t)(out.place + place);
        out.codes[count++] = (uint16_t)code;
    }
    *out_count = count;
    return used;
}

#if defined(__x86_64__)

#define WIDE __attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt")))

bool token_split_is_wide(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2");
}

static const uint8_t numbers[TOKEN_SPLIT_BYTES] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

/* The code that would begin at each of 32 bytes. */
WIDE static inline __m512i codes_at(const uint8_t *at, __m512i short_count)
{
    __m512i first = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)at));
    __m512i second = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(at + 1)));
    __m512i above = _mm512_sub_epi16(first, short_count);
    __m512i more = _mm512_add_epi16(_mm512_sub_epi16(_mm512_slli_epi16(above, 8), above), second);
    return _mm512_mask_add_epi16(first, _mm512_cmpge_epu16_mask(first, short_count), first, more);
}

WIDE uint32_t token_split_wide(const struct tokens *tokens, const uint8_t *at, uint32_t bytes,
                               struct token_split_out out, uint32_t *out_count)
{
    const __m512i short_count = _mm512_set1_epi16((short)tokens->short_count);
    const __m512i count = _mm512_set1_epi16((short)tokens->count);
    __m512i text = _mm512_loadu_si512(at);
    uint64_t high = _mm512_cmpge_epu8_mask(text, _mm512_set1_epi8((char)tokens->short_count));
    uint64_t odd = _mm512_cmpeq_epu8_mask(text, _mm512_set1_epi8((char)TOKENS_LITERAL));
    uint64_t starts = starts_of(high);
    __m512i low_codes = codes_at(at, short_count), high_codes = codes_at(at + 32, short_count);
    odd |= _mm512_cmpge_epu16_mask(low_codes, count);
    odd |= (uint64_t)_mm512_cmpge_epu16_mask(high_codes, count) << 32;
    uint32_t used = starts_cut(&starts, high, odd, bytes);
    uint32_t low = (uint32_t)__builtin_popcountll(starts & UINT32_MAX);
    _mm512_storeu_si512(out.codes, _mm512_maskz_compress_epi16((__mmask32)starts, low_codes));
    _mm512_storeu_si512(out.codes + low, _mm512_maskz_compress_epi16((__mmask32)(starts >> 32), high_codes));
    __m512i base = _mm512_set1_epi16((short)out.place);
    __m512i places = _mm512_maskz_compress_epi8(starts, _mm512_loadu_si512(numbers));
    __m512i low_places = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(places));
    __m512i high_places = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(places, 1));
    _mm512_storeu_si512(out.places, _mm512_add_epi16(base, low_places));
    _mm512_storeu_si512(out.places + 32, _mm512_add_epi16(base, high_places));
    *out_count = (uint32_t)__builtin_popcountll(starts);
    return used;
}

#else

bool token_split_is_wide(void)
{
    return false;
}

uint32_t token_split_wide(const struct tokens *tokens, const uint8_t *at, uint32_t bytes,
                          struct token_split_out out, uint32_t *out_count)
{
    return token_split(tokens, at, bytes, out, out_count);
}

#endif
