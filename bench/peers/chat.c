#include "bench/peers/chat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "bench/peers/vocabulary.h"

enum {
    AUTHORS = 20000,
    MEMBERS = 400, /* of a channel, by how much they write */
    LATE_ONE_IN = 20,
    REPLY_ONE_IN = 4,
    NUMBER_ONE_IN = 60, /* words that are a number */
    HABIT_ONE_IN = 2,   /* words that are one of the FOLLOWERS of the word before: "going to the" */
    FOLLOWERS = 3,
    NAME_ONE_IN = 60,     /* words nobody has written before: names, links, typing errors */
    STOP_ONE_IN = 12,     /* words that end a sentence */
    STEP_US_MAX = 200000, /* 100 ms between rows on average: 5 million rows are 5.8 days */
    NAME_BYTES_MAX = 11,
    TEXT_MEAN_BYTES = 118, /* above the least */
};

static const double ZIPF_EXPONENT = 0.99;
static const double WORD_EXPONENT = 1.1, WORD_SHIFT = 2.7;
static const int64_t START_US = 1767225600000000; /* 2026-01-01 UTC */
static const int64_t LATE_MS_MAX = 3600000;
static const int64_t LAG_MS_MAX = 40; /* between writing a message and its arrival */

static uint64_t mix(uint64_t z)
{
    struct random rng = {z};
    return random_next(&rng);
}

uint64_t chat_channel_id(uint32_t rank)
{
    return mix(0x6368616e6e656cULL + rank) >> 1; /* never negative as a bigint */
}

/* What making rows needs, and nobody after that. */
struct maker {
    struct random rng;
    struct zipf members, words;
    struct vocabulary_word vocabulary[VOCABULARY_WORDS];
    uint16_t followers[VOCABULARY_WORDS][FOLLOWERS];
    uint32_t word; /* the last one written */
    int64_t now_us;
    char *text; /* where the next one goes */
};

static void make_language(struct maker *maker)
{
    struct random rng = {0x68616269742e};
    vocabulary_fill(maker->vocabulary);
    for (uint32_t w = 0; w < VOCABULARY_WORDS; w++)
        for (uint32_t f = 0; f < FOLLOWERS; f++)
            maker->followers[w][f] = (uint16_t)zipf_draw(&maker->words, &rng);
}

static bool one_in(struct random *rng, uint64_t n)
{
    return random_below(rng, n) == 0;
}

static void make_uuid(uint64_t high, uint64_t low, uint8_t out[16])
{
    store_be64(out, (high & ~0xf000ULL) | 0x4000);
    store_be64(out + 8, (low & UINT64_MAX >> 2) | 1ULL << 63);
}

static uint32_t text_length(struct random *rng)
{
    double over = -log(1 - random_unit(rng)) * TEXT_MEAN_BYTES;
    double room = CHAT_TEXT_BYTES_MAX - CHAT_TEXT_BYTES_MIN;
    return CHAT_TEXT_BYTES_MIN + (uint32_t)(over < room ? over : room);
}

/* One word at `at`, at most VOCABULARY_WORD_BYTES_MAX bytes; returns its end. */
static char *write_word(struct maker *maker, char *at)
{
    struct random *rng = &maker->rng;
    if (one_in(rng, NUMBER_ONE_IN)) {
        for (uint64_t n = random_below(rng, 3000); n; n /= 10)
            *at++ = (char)('0' + n % 10);
        return at;
    }
    if (one_in(rng, NAME_ONE_IN)) {
        uint64_t letters = random_next(rng);
        for (uint64_t n = 4 + random_below(rng, NAME_BYTES_MAX - 3); n; n--, letters /= 26)
            *at++ = (char)('a' + letters % 26);
        return at;
    }
    maker->word = one_in(rng, HABIT_ONE_IN) ? maker->followers[maker->word][random_below(rng, FOLLOWERS)]
                                            : zipf_draw(&maker->words, rng);
    const struct vocabulary_word *word = &maker->vocabulary[maker->word];
    memcpy(at, word->text, VOCABULARY_WORD_BYTES_MAX);
    return at + word->bytes;
}

/* Words and spaces up to the wanted length, which cuts the last word; the arena has room for what is cut. */
static void make_text(struct maker *maker, struct chat_row *row)
{
    row->text = maker->text;
    row->text_bytes = text_length(&maker->rng);
    char *at = maker->text, *end = at + row->text_bytes;
    bool opens = one_in(&maker->rng, 2);
    while (at < end) {
        char *word = at;
        at = write_word(maker, at);
        if (opens && *word >= 'a' && *word <= 'z')
            *word = (char)(*word - 'a' + 'A');
        opens = one_in(&maker->rng, STOP_ONE_IN);
        if (opens)
            *at++ = one_in(&maker->rng, 3) ? '?' : '.';
        *at++ = ' ';
    }
    if (end[-1] == ' ')
        end[-1] = '!';
    maker->text = end;
}

static void make_row(struct maker *maker, const struct chat *chat, struct chat_row *row)
{
    struct random *rng = &maker->rng;
    maker->now_us += 1 + (int64_t)random_below(rng, STEP_US_MAX);
    row->arrived_us = maker->now_us;
    row->created_ms = maker->now_us / 1000 - (int64_t)random_below(rng, (uint64_t)LAG_MS_MAX);
    if (one_in(rng, LATE_ONE_IN))
        row->created_ms -= (int64_t)random_below(rng, (uint64_t)LATE_MS_MAX);
    row->channel = chat_pick_channel(chat, rng);
    uint64_t high = random_next(rng), author = mix(row->channel + zipf_draw(&maker->members, rng)) % AUTHORS;
    make_uuid(high, random_next(rng), row->id);
    make_uuid(mix(~author), mix(~author << 32), row->author);
    row->has_reply_to = one_in(rng, REPLY_ONE_IN);
    row->reply_to = row->has_reply_to ? row->created_ms - (int64_t)random_below(rng, 1 << 24) : 0;
    make_text(maker, row);
}

static void make_rows(struct maker *maker, struct chat *chat)
{
    chat->first_ms = INT64_MAX;
    chat->last_ms = INT64_MIN;
    for (uint64_t i = 0; i < chat->options.rows; i++) {
        struct chat_row *row = &chat->rows[i];
        make_row(maker, chat, row);
        chat->bytes += chat_row_bytes(row);
        if (row->created_ms < chat->first_ms)
            chat->first_ms = row->created_ms;
        if (row->created_ms > chat->last_ms)
            chat->last_ms = row->created_ms;
    }
}

struct chat *chat_new(const struct chat_options *options)
{
    /* The mean is about 130; memory that no row reaches is never touched. */
    uint64_t text_bytes = options->rows * CHAT_TEXT_BYTES_MAX + 2 * VOCABULARY_WORD_BYTES_MAX + 8;
    struct chat *chat = calloc(1, sizeof *chat);
    struct maker *maker = calloc(1, sizeof *maker);
    bool made = chat && maker;
    if (made) {
        chat->options = *options;
        chat->rows = calloc(options->rows, sizeof *chat->rows);
        chat->text = malloc(text_bytes);
        made = chat->rows && chat->text &&
               zipf_init(&chat->popularity, options->channels, ZIPF_EXPONENT, 0) &&
               zipf_init(&maker->members, MEMBERS, ZIPF_EXPONENT, 0) &&
               zipf_init(&maker->words, VOCABULARY_WORDS, WORD_EXPONENT, WORD_SHIFT);
    }
    if (made) {
        maker->rng.state = mix(options->seed);
        make_language(maker);
        maker->now_us = START_US;
        maker->text = chat->text;
        make_rows(maker, chat);
    } else {
        chat_free(chat);
        chat = NULL;
    }
    if (maker) {
        zipf_deinit(&maker->members);
        zipf_deinit(&maker->words);
    }
    free(maker);
    return chat;
}

void chat_free(struct chat *chat)
{
    if (!chat)
        return;
    zipf_deinit(&chat->popularity);
    free(chat->rows);
    free(chat->text);
    free(chat);
}
