#include "sstable/token_wide_internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512dq,avx512bw")))

enum {
    GROUP = 8,
    GROUPS = TOKEN_WIDE_LANES / GROUP,
    UP_ROOT = 128 - 8 * TOKEN_ROOT_LENGTH, /* bits by which an upper half is shifted */
    UP_STEP = 8 * 4,
    TWO_STEPS_GROUPS = 1, /* so few wait longer than they work */
};

/* Eight texts of 16 bytes. */
struct wide_text {
    __m512i low, high;
};

/* The lanes of one register, of which there are several: what one waits for overlaps with what the others do. */
struct wide_search {
    struct wide_text text;
    __m512i slots, up; /* `up`: 128 less the bits of the length that is probed */
};

bool token_wide_is_there(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw");
}

/* A shift by 64 or more leaves nothing, which is what is wanted of the upper half of a short length. */
WIDE static inline struct wide_text wide_text_cut(struct wide_text text, __m512i up)
{
    return (struct wide_text){
        _mm512_sllv_epi64(text.low, _mm512_subs_epu16(up, _mm512_set1_epi64(64))),
        _mm512_sllv_epi64(text.high, up),
    };
}

/* Eight words of a table. One by one: processors differ widely in what their own gathering costs, and none does this
 * slowly. */
WIDE static inline __m512i gather(const uint64_t *table, __m512i at)
{
    uint64_t places[GROUP];
    _mm512_storeu_si512(places, at);
    __m128i pairs[4];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; i++) {
        __m128d one = _mm_load_sd((const double *)(const void *)(table + places[2 * i]));
        pairs[i] =
            _mm_castpd_si128(_mm_loadh_pd(one, (const double *)(const void *)(table + places[2 * i + 1])));
    }
    __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(pairs[0]), pairs[1], 1);
    __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(pairs[2]), pairs[3], 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* The texts at eight places: every other one to a register, then halves of both side by side. */
WIDE static inline struct wide_text texts_load(const uint8_t *const at[GROUP])
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

/* The tokens of eight slots. */
WIDE static inline struct wide_text tokens_load(const struct token_text *texts, __m512i numbers)
{
    const uint8_t *at[GROUP];
    __m512i first = _mm512_set1_epi64((int64_t)(uintptr_t)texts);
    _mm512_storeu_si512(at, _mm512_add_epi64(first, _mm512_slli_epi64(numbers, 4)));
    return texts_load(at);
}

/* slot_find() of eight texts cut by `up`; *out_slots is 0 where nothing is found. */
WIDE static inline __mmask8 slots_find(const struct token_tables *tables, struct wide_text text, __m512i up,
                                       __m512i *out_slots)
{
    const __m512i tag_one = _mm512_set1_epi64(TOKEN_SLOT_TAG_ONE);
    const __m512i tag_bits = _mm512_set1_epi64(UINT32_MAX & ~(TOKEN_SLOT_TAG_ONE - 1LL));
    struct wide_text cut = wide_text_cut(text, up);
    __m512i low = _mm512_add_epi64(cut.low, up);
    __m512i hash =
        _mm512_add_epi64(_mm512_mullo_epi64(low, _mm512_set1_epi64((int64_t)TOKEN_HASH_LOW)),
                         _mm512_mullo_epi64(cut.high, _mm512_set1_epi64((int64_t)TOKEN_HASH_HIGH)));
    __m512i at = _mm512_srl_epi64(hash, _mm_cvtsi32_si128((int)tables->bucket_shift));
    __m512i bucket = gather(tables->buckets, at);
    __m512i below = _mm512_srl_epi64(hash, _mm_cvtsi32_si128((int)tables->bucket_shift - 32));
    __m512i tag = _mm512_or_si512(_mm512_and_si512(below, tag_bits), tag_one);
    __m512i first = _mm512_and_si512(bucket, _mm512_set1_epi64(UINT32_MAX));
    __m512i second = _mm512_srli_epi64(bucket, 32);
    __mmask8 is_first = _mm512_cmplt_epu64_mask(_mm512_xor_si512(first, tag), tag_one);
    __mmask8 is_second = _mm512_cmplt_epu64_mask(_mm512_xor_si512(second, tag), tag_one);
    *out_slots = _mm512_mask_mov_epi64(_mm512_maskz_mov_epi64(is_first, first), is_second, second);
    return (__mmask8)(is_first | is_second);
}

/* One probe, and where to probe next. */
WIDE static inline void search_step(const struct token_tables *tables, struct wide_search *search,
                                    int64_t bits)
{
    __m512i slots, step = _mm512_set1_epi64(bits);
    __mmask8 found = slots_find(tables, search->text, search->up, &slots);
    search->slots = _mm512_mask_mov_epi64(search->slots, found, slots);
    search->up = _mm512_mask_sub_epi64(_mm512_add_epi64(search->up, step), found, search->up, step);
}

/* Two steps at once: what the second would probe is probed for either outcome of the first. More work, less waiting. */
WIDE static inline void search_two_steps(const struct token_tables *tables, struct wide_search *search,
                                         int64_t bits)
{
    const __m512i step = _mm512_set1_epi64(bits), half = _mm512_set1_epi64(bits / 2);
    __m512i longer = _mm512_sub_epi64(search->up, step), shorter = _mm512_add_epi64(search->up, step);
    __m512i slots, slots_longer, slots_shorter;
    __mmask8 found = slots_find(tables, search->text, search->up, &slots);
    __mmask8 found_longer = slots_find(tables, search->text, longer, &slots_longer) & found;
    __mmask8 found_shorter = (__mmask8)(slots_find(tables, search->text, shorter, &slots_shorter) & ~found);
    __m512i up = _mm512_mask_mov_epi64(shorter, found, longer);
    __mmask8 again = (__mmask8)(found_longer | found_shorter);
    search->slots = _mm512_mask_mov_epi64(search->slots, found, slots);
    search->slots = _mm512_mask_mov_epi64(search->slots, found_longer, slots_longer);
    search->slots = _mm512_mask_mov_epi64(search->slots, found_shorter, slots_shorter);
    search->up = _mm512_mask_sub_epi64(_mm512_add_epi64(up, half), again, up, half);
}

/* Put the codes of eight lanes out and go on, where there is a token that ends in the piece. Nothing waits for whether it
 * stands there. */
WIDE static inline __attribute__((always_inline)) void
group_advance(const struct token_tables *tables, struct token_lanes *lanes, const struct wide_search *search,
              uint32_t group, uint32_t active, struct token_step *out_step)
{
    const __m512i one = _mm512_set1_epi64(1), slots = search->slots;
    const uint8_t **at = lanes->at + (size_t)group * GROUP;
    uint8_t **to = lanes->to + (size_t)group * GROUP;
    const __mmask8 here = (__mmask8)(active >> group * GROUP);
    __m512i number = _mm512_and_si512(slots, _mm512_set1_epi64(TOKENS_MAX - 1));
    __m512i less = _mm512_and_si512(_mm512_srli_epi64(slots, TOKEN_SLOT_NUMBER_BITS), _mm512_set1_epi64(15));
    __m512i up = _mm512_sub_epi64(_mm512_set1_epi64(120), _mm512_slli_epi64(less, 3));
    struct wide_text text = wide_text_cut(search->text, up), token = tokens_load(tables->texts, number);
    __m512i differs =
        _mm512_or_si512(_mm512_xor_si512(text.low, token.low), _mm512_xor_si512(text.high, token.high));
    __m512i place = _mm512_loadu_si512(at), end = _mm512_loadu_si512(lanes->end + (size_t)group * GROUP);
    __m512i next = _mm512_add_epi64(_mm512_add_epi64(place, less), one);
    __mmask8 some = _mm512_mask_test_epi64_mask(here, slots, slots);
    __mmask8 good = _mm512_mask_cmple_epu64_mask(some, next, end);

    const __m512i short_count = _mm512_set1_epi64(tables->short_count);
    __mmask8 is_long = _mm512_cmpge_epu64_mask(number, short_count);
    __m512i rest = _mm512_sub_epi64(number, short_count);
    __m512i first = _mm512_add_epi64(_mm512_srli_epi64(rest, 8), short_count);
    __m512i both = _mm512_or_si512(first, _mm512_slli_epi64(rest, 8));
    uint64_t codes[GROUP];
    _mm512_storeu_si512(codes, _mm512_mask_mov_epi64(number, is_long, both));
#pragma GCC unroll 8
    for (uint32_t i = 0; i < GROUP; i++)
        store_le16(to[i], (uint16_t)codes[i]);
    __m512i out = _mm512_loadu_si512(to);
    out = _mm512_mask_add_epi64(out, good, out, one);
    out = _mm512_mask_add_epi64(out, good & is_long, out, one);
    _mm512_storeu_si512(to, out);
    _mm512_storeu_si512(at, _mm512_mask_mov_epi64(place, good, next));
    out_step->none |= (uint32_t)(__mmask8)(here & ~some) << group * GROUP;
    out_step->beyond |= (uint32_t)(__mmask8)(some & ~good) << group * GROUP;
    out_step->wrong |= (uint32_t)_mm512_mask_test_epi64_mask(good, differs, differs) << group * GROUP;
    out_step->done |= (uint32_t)_mm512_mask_cmpge_epu64_mask(good, next, end) << group * GROUP;
}

WIDE static inline __attribute__((always_inline)) struct token_step
groups_step(const struct token_tables *tables, struct token_lanes *lanes, uint32_t active,
            const uint32_t groups)
{
    struct wide_search search[GROUPS];
    struct token_step step = {0};
#pragma GCC unroll 4
    for (uint32_t i = 0; i < groups; i++) {
        search[i].text = texts_load(lanes->at + (size_t)i * GROUP);
        search[i].slots = _mm512_setzero_si512();
        search[i].up = _mm512_set1_epi64(UP_ROOT);
    }
    if (groups <= TWO_STEPS_GROUPS) {
#pragma GCC unroll 4
        for (int64_t bits = UP_STEP; bits >= 8; bits /= 4) {
#pragma GCC unroll 4
            for (uint32_t i = 0; i < groups; i++)
                search_two_steps(tables, &search[i], bits);
        }
    } else {
#pragma GCC unroll 4
        for (int64_t bits = UP_STEP; bits >= 4; bits /= 2) {
#pragma GCC unroll 4
            for (uint32_t i = 0; i < groups; i++)
                search_step(tables, &search[i], bits);
        }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < groups; i++)
        group_advance(tables, lanes, &search[i], i, active, &step);
    return step;
}

WIDE struct token_step token_wide_step(const struct token_tables *tables, struct token_lanes *lanes,
                                       uint32_t count)
{
    const uint32_t active = (uint32_t)((1ULL << count) - 1);
    switch ((count + GROUP - 1) / GROUP) {
    case 1: return groups_step(tables, lanes, active, 1);
    case 2: return groups_step(tables, lanes, active, 2);
    case 3: return groups_step(tables, lanes, active, 3);
    default: return groups_step(tables, lanes, active, GROUPS);
    }
}

#else

bool token_wide_is_there(void)
{
    return false;
}

struct token_step token_wide_step(const struct token_tables *tables, struct token_lanes *lanes,
                                  uint32_t count)
{
    (void)tables;
    (void)lanes;
    return (struct token_step){.beyond = (uint32_t)((1ULL << count) - 1)};
}

#endif
