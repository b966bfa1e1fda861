#include "sstable/token_wide_internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512dq")))

/* Eight texts of 16 bytes. */
struct wide_text {
    __m512i low, high;
};

bool token_wide_is_there(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

WIDE static inline struct wide_text text_cut(struct wide_text text, __m512i length)
{
    const __m512i ones = _mm512_set1_epi64(-1);
    __m512i bits = _mm512_slli_epi64(length, 3);
    /* A shift by 64 or more leaves nothing, which is what is wanted of the upper half of a short length. */
    __m512i low = _mm512_max_epi64(_mm512_sub_epi64(_mm512_set1_epi64(64), bits), _mm512_setzero_si512());
    __m512i high = _mm512_sub_epi64(_mm512_set1_epi64(128), bits);
    return (struct wide_text){_mm512_and_si512(text.low, _mm512_srlv_epi64(ones, low)),
                              _mm512_and_si512(text.high, _mm512_srlv_epi64(ones, high))};
}

/* Eight words of a table. One by one: processors differ widely in what their own gathering costs, and none does this
 * slowly. */
WIDE static inline __m512i gather(const uint64_t *table, __m512i at)
{
    uint64_t places[8];
    _mm512_storeu_si512(places, at);
    __m128i pairs[4];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; i++) {
        __m128i one = _mm_loadl_epi64((const __m128i *)(const void *)(table + places[2 * i]));
        __m128i two = _mm_loadl_epi64((const __m128i *)(const void *)(table + places[2 * i + 1]));
        pairs[i] = _mm_unpacklo_epi64(one, two);
    }
    __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(pairs[0]), pairs[1], 1);
    __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(pairs[2]), pairs[3], 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* The texts at eight places: every other one to a register, then halves of both side by side. */
WIDE static inline struct wide_text texts_load(const uint8_t *const at[8])
{
    __m512i four[2];
#pragma GCC unroll 2
    for (uint32_t i = 0; i < 2; i++) {
        const uint8_t *const *from = at + i;
        __m512i text = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)from[0]));
        text = _mm512_inserti64x2(text, _mm_loadu_si128((const __m128i *)(const void *)from[2]), 1);
        text = _mm512_inserti64x2(text, _mm_loadu_si128((const __m128i *)(const void *)from[4]), 2);
        four[i] = _mm512_inserti64x2(text, _mm_loadu_si128((const __m128i *)(const void *)from[6]), 3);
    }
    return (struct wide_text){_mm512_unpacklo_epi64(four[0], four[1]),
                              _mm512_unpackhi_epi64(four[0], four[1])};
}

/* slot_find() of eight texts; *out_slots keeps its slots where nothing is found. */
WIDE static inline __mmask8 slots_find(const struct token_tables *tables, struct wide_text text,
                                       __m512i length, __m512i *io_slots)
{
    const __m512i tag_one = _mm512_set1_epi64(TOKEN_SLOT_TAG_ONE);
    const __m512i tag_bits = _mm512_set1_epi64(UINT32_MAX & ~(TOKEN_SLOT_TAG_ONE - 1LL));
    struct wide_text cut = text_cut(text, length);
    __m512i hash =
        _mm512_add_epi64(_mm512_mullo_epi64(cut.low, _mm512_set1_epi64((int64_t)TOKEN_HASH_LOW)),
                         _mm512_mullo_epi64(cut.high, _mm512_set1_epi64((int64_t)TOKEN_HASH_HIGH)));
    __m512i at = _mm512_srl_epi64(hash, _mm_cvtsi32_si128((int)tables->bucket_shift));
    __m512i bucket = gather(tables->buckets, at);
    __m512i tag = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi64(hash, 15), tag_bits), tag_one);
    __m512i first = _mm512_and_si512(bucket, _mm512_set1_epi64(UINT32_MAX));
    __m512i second = _mm512_srli_epi64(bucket, 32);
    __mmask8 is_first = _mm512_cmplt_epu64_mask(_mm512_xor_si512(first, tag), tag_one);
    __mmask8 is_second = _mm512_cmplt_epu64_mask(_mm512_xor_si512(second, tag), tag_one);
    *io_slots = _mm512_mask_mov_epi64(*io_slots, is_first, first);
    *io_slots = _mm512_mask_mov_epi64(*io_slots, is_second, second);
    return (__mmask8)(is_first | is_second);
}

WIDE static inline __m512i length_step(__m512i length, __mmask8 found, int64_t step)
{
    __m512i less = _mm512_sub_epi64(length, _mm512_set1_epi64(step));
    return _mm512_mask_add_epi64(less, found, length, _mm512_set1_epi64(step));
}

/* The lanes of one register, of which there are several: what one waits for overlaps with what the others do. */
struct wide_search {
    struct wide_text text;
    __m512i slots, length;
};

enum { GROUPS = TOKEN_WIDE_LANES / 8 };

/* Bytes that the tokens of eight slots have; of none: one. */
WIDE static inline __m512i lengths_of(__m512i slots)
{
    __m512i length =
        _mm512_and_si512(_mm512_srli_epi64(slots, TOKEN_SLOT_NUMBER_BITS), _mm512_set1_epi64(15));
    return _mm512_add_epi64(length, _mm512_set1_epi64(1));
}

WIDE uint32_t token_wide_find(const struct token_tables *tables, const struct token_lanes *lanes,
                              uint32_t out_slots[TOKEN_WIDE_LANES])
{
    struct wide_search search[GROUPS];
    uint32_t good = 0;
#pragma GCC unroll 4
    for (uint32_t i = 0; i < GROUPS; i++) {
        search[i].text = texts_load(lanes->at + (size_t)i * 8);
        search[i].slots = _mm512_setzero_si512();
        search[i].length = _mm512_set1_epi64(TOKEN_ROOT_LENGTH);
    }
#pragma GCC unroll 4
    for (int64_t step = 4; step; step /= 2) {
#pragma GCC unroll 4
        for (uint32_t i = 0; i < GROUPS; i++)
            search[i].length =
                length_step(search[i].length,
                            slots_find(tables, search[i].text, search[i].length, &search[i].slots), step);
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < GROUPS; i++)
        (void)slots_find(tables, search[i].text, search[i].length, &search[i].slots);
#pragma GCC unroll 4
    for (uint32_t i = 0; i < GROUPS; i++) {
        __m512i slots = search[i].slots;
        __m512i next = _mm512_add_epi64(_mm512_loadu_si512(lanes->at + (size_t)i * 8), lengths_of(slots));
        __mmask8 fits = _mm512_cmple_epu64_mask(next, _mm512_loadu_si512(lanes->end + (size_t)i * 8));
        good |= (uint32_t)_mm512_mask_test_epi64_mask(fits, slots, slots) << i * 8;
        _mm256_storeu_si256((__m256i *)(void *)(out_slots + (size_t)i * 8), _mm512_cvtepi64_epi32(slots));
    }
    return good;
}

WIDE uint32_t token_wide_advance(struct token_lanes *lanes, const uint32_t slots[TOKEN_WIDE_LANES])
{
    uint32_t done = 0;
#pragma GCC unroll 32
    for (uint32_t i = 0; i < TOKEN_WIDE_LANES; i++)
        *lanes->out[i] = slots[i];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < GROUPS; i++) {
        const uint8_t **at = lanes->at + (size_t)i * 8;
        uint32_t **out = lanes->out + (size_t)i * 8;
        __mmask8 active = (__mmask8)(lanes->active >> i * 8);
        __m256i some = _mm256_loadu_si256((const __m256i *)(const void *)(slots + (size_t)i * 8));
        __m512i here = _mm512_loadu_si512(at), there = _mm512_loadu_si512(out);
        here = _mm512_mask_add_epi64(here, active, here, lengths_of(_mm512_cvtepu32_epi64(some)));
        there = _mm512_mask_add_epi64(there, active, there, _mm512_set1_epi64(sizeof *slots));
        _mm512_storeu_si512(at, here);
        _mm512_storeu_si512(out, there);
        __mmask8 at_end =
            _mm512_mask_cmpge_epu64_mask(active, here, _mm512_loadu_si512(lanes->end + (size_t)i * 8));
        done |= (uint32_t)at_end << i * 8;
    }
    return done;
}

#else

bool token_wide_is_there(void)
{
    return false;
}

uint32_t token_wide_find(const struct token_tables *tables, const struct token_lanes *lanes,
                         uint32_t out_slots[TOKEN_WIDE_LANES])
{
    (void)tables;
    (void)lanes;
    memset(out_slots, 0, TOKEN_WIDE_LANES * sizeof *out_slots);
    return 0;
}

uint32_t token_wide_advance(struct token_lanes *lanes, const uint32_t slots[TOKEN_WIDE_LANES])
{
    (void)slots;
    return lanes->active;
}

#endif
