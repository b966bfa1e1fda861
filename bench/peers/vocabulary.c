#include "bench/peers/vocabulary.h"

#include <string.h>

#include "base/random.h"

/* In the order of how often they are written. */
static const char frequent[] = "the i to a you and it is of that in my for on me was have just so but be not "
                               "like this we are do with at what "
                               "your he they can if get all no its up know think don't or one out as now she "
                               "lol yeah go good im there how "
                               "about time will really see from would got when an more then want some has "
                               "them good well right too back did "
                               "here him who make people going her oh still thing day only could way why "
                               "need our been ok say hey even mean "
                               "something had their look much were us should than because other work come "
                               "over game take sure first new thanks "
                               "love maybe also after where two never down off very man someone before any "
                               "play stuff same let last feel next "
                               "guys by nice again into though long try always pretty wait better tomorrow "
                               "tell keep put yes actually night lot "
                               "today around ever those find every bit many since anyone help little which "
                               "use getting old made being doing "
                               "year big done give looks guess idea might hope week trying another while "
                               "cool point sorry probably through call "
                               "great home server please until these talk best fun start most bad already "
                               "hard yesterday stop real kind says "
                               "around enough world left things person hours watch morning part few working "
                               "anything leave thought wanted read "
                               "check yet nothing show place makes school phone minutes must house name else "
                               "else's everyone problem money few "
                               "post against run live half once haha group friend friends each end link "
                               "question later change weekend happy "
                               "message happened screen channel picture fix wrong reason hear buy without "
                               "open found send both team food week "
                               "version update build test release branch merge error review weird awesome "
                               "coffee lunch dinner train office ";

static const char *const openings[] = {"b",  "c",  "d",  "f",  "g",  "h",  "l",  "m",  "n",  "p",  "r",
                                       "s",  "t",  "v",  "w",  "st", "tr", "pr", "br", "cl", "gr", "sh",
                                       "ch", "th", "pl", "fr", "cr", "qu", "sp", "wh", "j",  "k",  ""};
static const char *const middles[] = {"a", "e", "i", "o", "u", "ea", "ou", "ai", "ee", "oo", "ie", "y"};
static const char *const closings[] = {"",   "n",  "r",  "s",  "t", "l",  "d",  "m",  "ck",  "ng",
                                       "nt", "st", "ll", "ss", "p", "rd", "ve", "se", "ght", "ct"};
static const char *const endings[] = {"",    "",     "s",    "ed",   "ing", "er", "ly",
                                      "ion", "able", "ment", "ness", "al",  "y",  "ous"};

#define PICK(list, rng) ((list)[random_below((rng), sizeof(list) / sizeof *(list))])

static void add(struct vocabulary_word *word, const char *part)
{
    size_t bytes = strlen(part);
    if (word->bytes + bytes > VOCABULARY_WORD_BYTES_MAX)
        return;
    memcpy(word->text + word->bytes, part, bytes);
    word->bytes = (uint8_t)(word->bytes + bytes);
}

static struct vocabulary_word compose(struct random *rng, uint32_t rank)
{
    struct vocabulary_word word = {0};
    unsigned syllables = 1 + (unsigned)random_below(rng, rank < 800 ? 1 : 2);
    for (unsigned s = 0; s < syllables; s++) {
        add(&word, PICK(openings, rng));
        add(&word, PICK(middles, rng));
        add(&word, PICK(closings, rng));
    }
    add(&word, PICK(endings, rng));
    return word;
}

void vocabulary_fill(struct vocabulary_word words[VOCABULARY_WORDS])
{
    struct random rng = {0x766f636162};
    uint32_t count = 0;
    for (const char *at = frequent, *end; (end = strchr(at, ' ')); at = end + 1) {
        words[count] = (struct vocabulary_word){.bytes = (uint8_t)(end - at)};
        memcpy(words[count++].text, at, (size_t)(end - at));
    }
    for (; count < VOCABULARY_WORDS; count++)
        words[count] = compose(&rng, count);
}
