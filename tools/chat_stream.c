#include "tools/chat_stream.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/slice.h"

enum {
    BLOCK_MESSAGES = 1000, /* a burst is decided per block */
    SPAN_DAYS = 90,
    LATE_DAYS = 3, /* a message arrives at most that late */
    EDIT_PER_MILLE = 30,
    MARK_PER_MILLE = 5,
    REMOVE_PER_MILLE = 5,
    LATE_PER_MILLE = 20,
    RECENT_MESSAGES = 5000, /* edits and deletions look this far back */
    MONTHS_MAX = 8,
    CONTENT_BYTES_LEAST = 20,
    CONTENT_BYTES_SPAN = 380,
    GUIDE_SLOTS = 4096,
    WORD_BYTES_MAX = 8,
};

/* The last word begins before the wanted end, and eight bytes of it are copied. */
static_assert(CONTENT_BYTES_LEAST + CONTENT_BYTES_SPAN + 1 + 2 * WORD_BYTES_MAX <= CHAT_CONTENT_BYTES_MAX,
              "any content fits");

static const double ZIPF_EXPONENT = 0.99;
static const int64_t START_MS = 1767225600000; /* 2026-01-01 UTC */
static const int64_t DAY_MS = 86400000;

/* What happened to a message after it was sent. */
enum fate_bits {
    FATE_REMOVED = 0x80,
    FATE_MARKED = 0x40,
    FATE_EDITS = 0x3f, /* how often it was edited */
};

struct chat_stream {
    uint64_t seed, messages;
    uint32_t channels;
    double *popularity; /* owned: of rank 0..channels-1, summed */
    uint32_t *guide;    /* owned: where in `popularity` the search for k / GUIDE_SLOTS of its sum begins */
    uint32_t *rank_channel;       /* owned: rank to channel */
    int64_t *block_ms;            /* owned: when each block of messages begins, and the end */
    int64_t month_ms[MONTHS_MAX]; /* when each month begins that messages can lie in */
    int32_t month_names[MONTHS_MAX];
    unsigned month_count;
    uint8_t *fate; /* owned: per message, of those sent so far */
    uint64_t sent, live;
    bool pending; /* what follows message sent-1 has not been decided yet */
};

static uint64_t mix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

static uint64_t draw(uint64_t *state)
{
    return mix((*state)++);
}

static double draw_unit(uint64_t *state)
{
    return (double)(draw(state) >> 11) * 0x1p-53;
}

/* Independent streams of numbers for the parts of one message. */
enum purpose {
    FOR_CHANNEL,
    FOR_TIME,
    FOR_ID,
    FOR_MEMBER,
    FOR_FATE,
    FOR_CONTENT, /* + number of edits */
};

static uint64_t state_for(const struct chat_stream *stream, uint64_t number, uint64_t purpose)
{
    return mix(stream->seed ^ mix(number * 131 + purpose));
}

static bool make_channels(struct chat_stream *stream)
{
    stream->popularity = calloc(stream->channels, sizeof *stream->popularity);
    stream->rank_channel = calloc(stream->channels, sizeof *stream->rank_channel);
    stream->guide = calloc(GUIDE_SLOTS + 1, sizeof *stream->guide);
    if (!stream->popularity || !stream->rank_channel || !stream->guide)
        return false;
    double sum = 0;
    for (uint32_t rank = 0; rank < stream->channels; rank++) {
        sum += 1.0 / pow(rank + 1.0, ZIPF_EXPONENT);
        stream->popularity[rank] = sum;
        stream->rank_channel[rank] = rank;
    }
    for (uint32_t slot = 0, rank = 0; slot <= GUIDE_SLOTS; slot++) {
        while (rank + 1 < stream->channels && stream->popularity[rank] < sum * slot / GUIDE_SLOTS)
            rank++;
        stream->guide[slot] = rank;
    }
    uint64_t state = mix(stream->seed ^ 0xc4a1);
    for (uint32_t i = stream->channels - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(draw(&state) % (i + 1));
        uint32_t other = stream->rank_channel[j];
        stream->rank_channel[j] = stream->rank_channel[i];
        stream->rank_channel[i] = other;
    }
    return true;
}

/* A block in ten is a burst and takes a twentieth of the usual time. */
static bool make_times(struct chat_stream *stream)
{
    uint64_t blocks = stream->messages / BLOCK_MESSAGES + 1;
    stream->block_ms = calloc(blocks + 1, sizeof *stream->block_ms);
    if (!stream->block_ms)
        return false;
    double whole = 0;
    for (int pass = 0; pass < 2; pass++) {
        uint64_t state = mix(stream->seed ^ 0x71e5);
        double at = 0;
        for (uint64_t block = 0; block < blocks; block++) {
            if (pass == 1)
                stream->block_ms[block] = START_MS + (int64_t)(at / whole * (double)(SPAN_DAYS * DAY_MS));
            bool burst = draw(&state) % 10 == 0;
            at += burst ? 0.05 : 0.5 + draw_unit(&state);
        }
        whole = at;
    }
    stream->block_ms[blocks] = START_MS + SPAN_DAYS * DAY_MS;
    return true;
}

/* Every month from that of the first late message to that of the end. */
static void make_months(struct chat_stream *stream)
{
    time_t seconds = (time_t)((START_MS - LATE_DAYS * DAY_MS) / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    parts = (struct tm){.tm_year = parts.tm_year, .tm_mon = parts.tm_mon, .tm_mday = 1};
    for (unsigned i = 0; i < MONTHS_MAX; i++) {
        seconds = timegm(&parts);
        if ((int64_t)seconds * 1000 > START_MS + SPAN_DAYS * DAY_MS)
            break;
        stream->month_ms[i] = (int64_t)seconds * 1000;
        stream->month_names[i] = (parts.tm_year + 1900) * 100 + parts.tm_mon + 1;
        stream->month_count = i + 1;
        parts.tm_mon++;
    }
}

struct chat_stream *chat_stream_new(uint64_t seed, uint64_t messages)
{
    struct chat_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->seed = mix(seed);
    stream->messages = messages;
    stream->channels = messages / 500 < 40 ? 40 : (uint32_t)(messages / 500);
    if (stream->channels > 20000)
        stream->channels = 20000;
    make_months(stream);
    stream->fate = calloc(messages ? messages : 1, 1);
    if (!stream->fate || !make_channels(stream) || !make_times(stream)) {
        chat_stream_free(stream);
        return NULL;
    }
    return stream;
}

void chat_stream_free(struct chat_stream *stream)
{
    if (!stream)
        return;
    free(stream->popularity);
    free(stream->guide);
    free(stream->rank_channel);
    free(stream->block_ms);
    free(stream->fate);
    free(stream);
}

uint64_t chat_stream_messages(const struct chat_stream *stream)
{
    return stream->messages;
}

uint32_t chat_stream_channels(const struct chat_stream *stream)
{
    return stream->channels;
}

uint64_t chat_stream_live(const struct chat_stream *stream)
{
    return stream->live;
}

/* Latest first: most messages are found at once when asked from the end, and there are few. */
static int32_t month_of(const struct chat_stream *stream, int64_t ms)
{
    unsigned i = stream->month_count - 1;
    while (i > 0 && ms < stream->month_ms[i])
        i--;
    return stream->month_names[i];
}

void chat_stream_months(const struct chat_stream *stream, int32_t *out_first, int32_t *out_last)
{
    *out_first = stream->month_names[0];
    *out_last = stream->month_names[stream->month_count - 1];
}

/* A random uuid (version 4) from two numbers. */
static void make_uuid(uint8_t out[16], uint64_t high, uint64_t low)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(high >> (56 - 8 * i));
        out[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void chat_stream_channel_id(const struct chat_stream *stream, uint32_t channel, uint8_t out_id[16])
{
    make_uuid(out_id, mix(stream->seed ^ 0xc0000000 ^ channel), mix(stream->seed + channel));
}

void chat_stream_server_id(const struct chat_stream *stream, uint32_t server, uint8_t out_id[16])
{
    make_uuid(out_id, mix(stream->seed ^ 0x5e000000 ^ server), mix(stream->seed - server));
}

/* The low 48 bits of an id carry the message's number under a mask, so that a row names the message it must equal. */
static uint64_t number_mask(const struct chat_stream *stream)
{
    return mix(stream->seed ^ 0x1d) & 0xffffffffffffULL;
}

static void message_id(const struct chat_stream *stream, uint64_t number, uint8_t out_id[16])
{
    uint64_t state = state_for(stream, number, FOR_ID);
    uint64_t high = draw(&state);
    uint64_t low = draw(&state) & 0xffff000000000000ULL;
    make_uuid(out_id, high, low | (number ^ number_mask(stream)));
}

uint64_t chat_stream_number_of(const struct chat_stream *stream, const uint8_t id[16])
{
    uint64_t low = 0;
    for (int i = 10; i < 16; i++)
        low = low << 8 | id[i];
    uint64_t number = low ^ number_mask(stream);
    if (number >= stream->messages)
        return UINT64_MAX;
    uint8_t expected[16];
    message_id(stream, number, expected);
    return memcmp(expected, id, 16) == 0 ? number : UINT64_MAX;
}

static uint32_t pick_rank(const struct chat_stream *stream, uint64_t *state)
{
    double unit = draw_unit(state), at = unit * stream->popularity[stream->channels - 1];
    uint32_t slot = (uint32_t)(unit * GUIDE_SLOTS);
    uint32_t low = stream->guide[slot], high = stream->guide[slot + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (stream->popularity[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t chat_stream_pick_channel(const struct chat_stream *stream, uint64_t *state)
{
    return stream->rank_channel[pick_rank(stream, state)];
}

uint32_t chat_stream_channel_of_rank(const struct chat_stream *stream, uint32_t rank)
{
    return stream->rank_channel[rank % stream->channels];
}

static int64_t sent_ms(const struct chat_stream *stream, uint64_t number)
{
    uint64_t block = number / BLOCK_MESSAGES;
    int64_t begin = stream->block_ms[block], end = stream->block_ms[block + 1];
    return begin + (end - begin) * (int64_t)(number % BLOCK_MESSAGES) / BLOCK_MESSAGES;
}

static int64_t created_ms(const struct chat_stream *stream, uint64_t number)
{
    uint64_t state = state_for(stream, number, FOR_TIME);
    int64_t at = sent_ms(stream, number);
    if (draw(&state) % 1000 >= LATE_PER_MILLE)
        return at;
    double late = draw_unit(&state);
    return at - (int64_t)(late * late * late * (double)(LATE_DAYS * DAY_MS));
}

#define WORD(text)            \
    {                         \
        text, sizeof text - 1 \
    }

/* The first eight bytes are copied at once, of which `bytes` count. */
static const struct word {
    char text[WORD_BYTES_MAX + 1];
    uint8_t bytes;
} words[] = {
    WORD("the"),     WORD("a"),     WORD("to"),      WORD("and"),     WORD("of"),      WORD("it"),
    WORD("is"),      WORD("you"),   WORD("that"),    WORD("in"),      WORD("was"),     WORD("for"),
    WORD("on"),      WORD("are"),   WORD("with"),    WORD("they"),    WORD("be"),      WORD("at"),
    WORD("one"),     WORD("have"),  WORD("this"),    WORD("from"),    WORD("just"),    WORD("like"),
    WORD("what"),    WORD("when"),  WORD("can"),     WORD("there"),   WORD("use"),     WORD("an"),
    WORD("each"),    WORD("which"), WORD("she"),     WORD("how"),     WORD("their"),   WORD("if"),
    WORD("will"),    WORD("up"),    WORD("other"),   WORD("about"),   WORD("out"),     WORD("many"),
    WORD("then"),    WORD("them"),  WORD("these"),   WORD("so"),      WORD("some"),    WORD("her"),
    WORD("would"),   WORD("make"),  WORD("him"),     WORD("into"),    WORD("time"),    WORD("has"),
    WORD("look"),    WORD("two"),   WORD("more"),    WORD("write"),   WORD("go"),      WORD("see"),
    WORD("number"),  WORD("no"),    WORD("way"),     WORD("could"),   WORD("people"),  WORD("my"),
    WORD("than"),    WORD("first"), WORD("water"),   WORD("been"),    WORD("call"),    WORD("who"),
    WORD("oil"),     WORD("its"),   WORD("now"),     WORD("find"),    WORD("long"),    WORD("down"),
    WORD("day"),     WORD("did"),   WORD("get"),     WORD("come"),    WORD("made"),    WORD("may"),
    WORD("part"),    WORD("game"),  WORD("server"),  WORD("channel"), WORD("update"),  WORD("build"),
    WORD("tonight"), WORD("raid"),  WORD("lol"),     WORD("thanks"),  WORD("great"),   WORD("maybe"),
    WORD("sure"),    WORD("wait"),  WORD("really"),  WORD("nice"),    WORD("bug"),     WORD("fixed"),
    WORD("release"), WORD("link"),  WORD("meeting"), WORD("coffee"),  WORD("stream"),  WORD("music"),
    WORD("voice"),   WORD("mute"),  WORD("ping"),    WORD("later"),   WORD("today"),   WORD("tomorrow"),
    WORD("weekend"), WORD("again"), WORD("please"),  WORD("check"),   WORD("branch"),  WORD("merge"),
    WORD("deploy"),  WORD("photo"), WORD("video"),   WORD("friend"),  WORD("welcome"), WORD("hello"),
    WORD("goodbye"),
};

#undef WORD

static void make_content(const struct chat_stream *stream, struct chat_message *message, uint32_t edits)
{
    uint64_t state = state_for(stream, message->number, FOR_CONTENT + edits);
    double length = draw_unit(&state);
    size_t wanted = CONTENT_BYTES_LEAST + (size_t)(length * length * length * CONTENT_BYTES_SPAN);
    size_t bytes = 0;
    for (;;) {
        uint64_t dice = draw(&state); /* for four words */
        for (int i = 0; i < 4; i++, dice >>= 16) {
            const struct word *word = &words[(dice & 0xffff) * ARRAY_LEN(words) >> 16];
            memcpy(message->content + bytes, word->text, WORD_BYTES_MAX);
            bytes += word->bytes;
            if (bytes >= wanted) {
                message->content_bytes = bytes;
                return;
            }
            message->content[bytes++] = ' ';
        }
    }
}

static void make_message(const struct chat_stream *stream, uint64_t number, uint8_t fate,
                         struct chat_message *out)
{
    uint64_t state = state_for(stream, number, FOR_CHANNEL);
    uint32_t edits = fate & FATE_EDITS;
    out->number = number;
    out->channel = chat_stream_pick_channel(stream, &state);
    out->server = out->channel / CHAT_CHANNELS_PER_SERVER;
    out->created_ms = created_ms(stream, number);
    out->month = month_of(stream, out->created_ms);
    message_id(stream, number, out->id);
    chat_stream_channel_id(stream, out->channel, out->channel_id);
    chat_stream_server_id(stream, out->server, out->server_id);
    /* A few hundred people speak in a server. */
    state = state_for(stream, number, FOR_MEMBER);
    uint64_t member = mix(stream->seed ^ ((uint64_t)out->server << 20 | draw(&state) % 300));
    make_uuid(out->member_id, member, mix(member));
    out->deleted = fate & FATE_MARKED;
    out->updated_ms = out->created_ms + (int64_t)edits * 30000;
    make_content(stream, out, edits);
}

bool chat_stream_message(const struct chat_stream *stream, uint64_t number, struct chat_message *out_message)
{
    if (number >= stream->sent || stream->fate[number] & FATE_REMOVED)
        return false;
    make_message(stream, number, stream->fate[number], out_message);
    return true;
}

/* What follows a message: sometimes an older one is edited, marked or removed. */
static bool next_change(struct chat_stream *stream, enum chat_event_kind *out_kind,
                        struct chat_message *out_message)
{
    uint64_t last = stream->sent - 1;
    uint64_t state = state_for(stream, last, FOR_FATE);
    uint64_t dice = draw(&state) % 1000;
    if (dice >= EDIT_PER_MILLE + MARK_PER_MILLE + REMOVE_PER_MILLE)
        return false;
    uint64_t back = draw(&state) % RECENT_MESSAGES;
    uint64_t number = back > last ? 0 : last - back;
    uint8_t *fate = &stream->fate[number];
    if (*fate & (FATE_REMOVED | FATE_MARKED))
        return false;

    if (dice < EDIT_PER_MILLE) {
        if ((*fate & FATE_EDITS) == FATE_EDITS)
            return false;
        *fate = (uint8_t)(*fate + 1);
        *out_kind = CHAT_EDITED;
    } else if (dice < EDIT_PER_MILLE + MARK_PER_MILLE) {
        *fate |= FATE_MARKED;
        *out_kind = CHAT_MARKED;
    } else {
        *fate |= FATE_REMOVED;
        stream->live--;
        *out_kind = CHAT_REMOVED;
    }
    make_message(stream, number, *fate, out_message);
    return true;
}

bool chat_stream_next(struct chat_stream *stream, enum chat_event_kind *out_kind,
                      struct chat_message *out_message)
{
    if (stream->pending) {
        stream->pending = false;
        if (next_change(stream, out_kind, out_message))
            return true;
    }
    if (stream->sent == stream->messages)
        return false;
    make_message(stream, stream->sent, 0, out_message);
    stream->fate[stream->sent++] = 0;
    stream->live++;
    stream->pending = true;
    *out_kind = CHAT_SENT;
    return true;
}

void chat_stream_rewind(struct chat_stream *stream)
{
    stream->sent = stream->live = 0;
    stream->pending = false;
}
