/*
 * Tokens that are whole values: ids of one length that come again, such as the members of a chat. Every value of the
 * sample is counted; those that came at least twice are kept, the most frequent first. Those that came once are kept, too,
 * when there are not many more of them than of those that came twice: then they will come again.
 */
#include "sstable/tokens_internal.h"

#include "base/hash.h"

#include <stdlib.h>

/* Of values that are the same, the first one and how many there are. */
struct value_count {
    uint32_t count; /* 0 is free */
    uint32_t first;
};

/* Sorts by count, most first, then by place, so that equal samples make equal tables. */
static int by_count(const void *a, const void *b)
{
    const struct value_count *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static void values_count(struct slice samples, size_t length, uint32_t count, struct value_count *counts,
                         uint32_t slots)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *value = samples.data + i * length;
        uint32_t at = (uint32_t)hash64(slice_of(value, length), 0) & (slots - 1);
        while (counts[at].count && memcmp(samples.data + counts[at].first * length, value, length) != 0)
            at = (at + 1) & (slots - 1);
        if (!counts[at].count)
            counts[at].first = i;
        counts[at].count++;
    }
}

/* As many one-byte codes as leave codes for all. */
static uint32_t short_count_of(uint32_t count)
{
    uint32_t shorts = TOKENS_LITERAL;
    while (shorts && shorts + (TOKENS_LITERAL - shorts) * 256 < count)
        shorts--;
    return shorts;
}

static status table_make(struct slice samples, size_t length, const struct value_count *ranked,
                         uint32_t count, struct tokens *out_tokens)
{
    struct tokens tokens = {
        .count = count,
        .short_count = short_count_of(count),
        .bytes = calloc(count + 1, TOKEN_BYTES_MAX),
        .lengths = malloc(count + 1),
    };
    if (!tokens.bytes || !tokens.lengths) {
        tokens_deinit(&tokens);
        return STATUS_FAIL(STATUS_NOMEM);
    }
    for (uint32_t i = 0; i < count; i++) {
        memcpy(tokens.bytes[i], samples.data + ranked[i].first * length, length);
        tokens.lengths[i] = (uint8_t)length;
    }
    *out_tokens = tokens;
    return STATUS_DONE;
}

status tokens_of_values(struct slice samples, size_t length, uint32_t count, size_t table_bytes,
                        struct tokens *out_tokens)
{
    uint32_t slots = 64, kept = 0;
    size_t most = table_bytes / (length + 1);
    while (slots < 2 * (uint64_t)count)
        slots *= 2;
    struct value_count *counts = calloc(slots, sizeof *counts);
    if (!counts)
        return STATUS_FAIL(STATUS_NOMEM);
    values_count(samples, length, count, counts, slots);
    uint64_t of_count[3] = {0};
    for (uint32_t i = 0; i < slots; i++)
        if (counts[i].count && counts[i].count < ARRAY_LEN(of_count))
            of_count[counts[i].count]++;
    /* One that came once is expected to come 2 * twice / once times in as many rows again (Good and Turing). */
    uint32_t least = of_count[1] < 2 * of_count[2] ? 1 : 2;
    for (uint32_t i = 0; i < slots; i++)
        if (counts[i].count >= least)
            counts[kept++] = counts[i];
    qsort(counts, kept, sizeof *counts, by_count);
    if (kept > TOKENS_MAX)
        kept = TOKENS_MAX;
    if (kept > most)
        kept = (uint32_t)most;
    status st = table_make(samples, length, counts, kept, out_tokens);
    free(counts);
    return st;
}
