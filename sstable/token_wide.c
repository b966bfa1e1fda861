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
    __m512i bucket = _mm512_i64gather_epi64(at, tables->buckets, 8);
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

WIDE static inline __mmask8 group_finish(const struct token_tables *tables, const struct wide_search *search,
                                         __m512i at, __m512i end, uint32_t *out_slots)
{
    const long long *texts = (const long long *)(const void *)tables->texts;
    __m512i slots = search->slots;
    __m512i number = _mm512_and_si512(slots, _mm512_set1_epi64((1 << TOKEN_SLOT_NUMBER_BITS) - 1));
    __m512i length =
        _mm512_and_si512(_mm512_srli_epi64(slots, TOKEN_SLOT_NUMBER_BITS), _mm512_set1_epi64(15));
    length = _mm512_add_epi64(length, _mm512_set1_epi64(1));
    __m512i word = _mm512_slli_epi64(number, 1);
    __m512i low = _mm512_i64gather_epi64(word, texts, 8);
    __m512i high = _mm512_i64gather_epi64(_mm512_add_epi64(word, _mm512_set1_epi64(1)), texts, 8);
    struct wide_text cut = text_cut(search->text, length);
    __m512i differs = _mm512_or_si512(_mm512_xor_si512(low, cut.low), _mm512_xor_si512(high, cut.high));
    __mmask8 good = _mm512_testn_epi64_mask(differs, differs);
    good &= _mm512_test_epi64_mask(slots, slots);
    good &= _mm512_cmple_epu64_mask(_mm512_add_epi64(at, length), end);
    _mm256_storeu_si256((__m256i *)(void *)out_slots, _mm512_cvtepi64_epi32(slots));
    return good;
}

WIDE uint32_t token_wide_find(const struct token_tables *tables, const uint64_t places[TOKEN_WIDE_LANES],
                              const uint64_t ends[TOKEN_WIDE_LANES], uint32_t out_slots[TOKEN_WIDE_LANES])
{
    struct wide_search search[GROUPS];
    uint32_t good = 0;
#pragma GCC unroll 4
    for (uint32_t i = 0; i < GROUPS; i++) {
        __m512i at = _mm512_loadu_si512(places + (size_t)i * 8);
        search[i].text.low = _mm512_i64gather_epi64(at, NULL, 1);
        search[i].text.high = _mm512_i64gather_epi64(_mm512_add_epi64(at, _mm512_set1_epi64(8)), NULL, 1);
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
    for (uint32_t i = 0; i < GROUPS; i++)
        good |= (uint32_t)group_finish(tables, &search[i], _mm512_loadu_si512(places + (size_t)i * 8),
                                       _mm512_loadu_si512(ends + (size_t)i * 8), out_slots + (size_t)i * 8)
                << i * 8;
    return good;
}

#else

bool token_wide_is_there(void)
{
    return false;
}

uint32_t token_wide_find(const struct token_tables *tables, const uint64_t places[TOKEN_WIDE_LANES],
                         const uint64_t ends[TOKEN_WIDE_LANES], uint32_t out_slots[TOKEN_WIDE_LANES])
{
    (void)tables;
    (void)places;
    (void)ends;
    memset(out_slots, 0, TOKEN_WIDE_LANES * sizeof *out_slots);
    return 0;
}

#endif
