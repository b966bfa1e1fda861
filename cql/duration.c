#include "cql/duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "base/vint.h"

/* Units from large to small, each usable once and in this order. */
struct duration_unit {
    const char *name, *plural;
    enum { PART_MONTHS, PART_DAYS, PART_NS } part;
    int64_t factor;
};

#define NS_SECOND INT64_C(1000000000)

static const struct duration_unit units[] = {
    {"y", "years", PART_MONTHS, 12},
    {"mo", "months", PART_MONTHS, 1},
    {"w", "weeks", PART_DAYS, 7},
    {"d", "days", PART_DAYS, 1},
    {"h", "hours", PART_NS, 3600 * NS_SECOND},
    {"m", "minutes", PART_NS, 60 * NS_SECOND},
    {"s", "seconds", PART_NS, NS_SECOND},
    {"ms", "milliseconds", PART_NS, 1000000},
    {"us", "microseconds", PART_NS, 1000},
    {"ns", "nanoseconds", PART_NS, 1},
};

struct duration_reader {
    const char *at, *end;
    int64_t parts[3];
    char *why; /* DURATION_WHY_BYTES */
};

static bool take(struct duration_reader *reader, char wanted)
{
    if (reader->at == reader->end || (*reader->at | 0x20) != (wanted | 0x20))
        return false;
    reader->at++;
    return true;
}

static bool at_digit(const struct duration_reader *reader)
{
    return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static bool take_number(struct duration_reader *reader, int64_t *out_number)
{
    int64_t number = 0;
    if (!at_digit(reader))
        return false;
    for (; at_digit(reader); reader->at++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, *reader->at - '0', &number))
            return false;
    *out_number = number;
    return true;
}

static bool add(struct duration_reader *reader, const struct duration_unit *unit, int64_t number)
{
    int64_t amount;
    return !__builtin_mul_overflow(number, unit->factor, &amount) &&
           !__builtin_add_overflow(reader->parts[unit->part], amount, &reader->parts[unit->part]);
}

/* The unit that the letters at the reader name; it must not come before `first`. */
static const struct duration_unit *take_unit(struct duration_reader *reader, size_t first)
{
    size_t letters = 0;
    char word[3] = {0};
    const char *at = reader->at;
    if (reader->end - at >= 3 && memcmp(at, "\xc2\xb5", 2) == 0) {
        word[0] = 'u'; /* the micro sign */
        at += 2;
        letters = 1;
    }
    while (at < reader->end && letters < 2 && ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')))
        word[letters++] = *at++;
    size_t i = 0;
    while (i < ARRAY_LEN(units) && strcasecmp(word, units[i].name) != 0)
        i++;
    if (i < ARRAY_LEN(units) && i + 1 == first)
        snprintf(reader->why, DURATION_WHY_BYTES, "Invalid duration. The %s are specified multiple times",
                 units[i].plural);
    else if (i < first)
        snprintf(reader->why, DURATION_WHY_BYTES, "Invalid duration. The %s should be after %s",
                 units[first - 1].plural, units[i].plural);
    if (i < first || i == ARRAY_LEN(units))
        return NULL;
    reader->at = at;
    return &units[i];
}

static bool read_units(struct duration_reader *reader)
{
    size_t first = 0;
    do {
        int64_t number;
        if (!take_number(reader, &number))
            return false;
        const struct duration_unit *unit = take_unit(reader, first);
        if (!unit || !add(reader, unit, number))
            return false;
        first = (size_t)(unit - units) + 1;
    } while (reader->at < reader->end);
    return true;
}

/* P[nY][nM][nD][T[nH][nM][nS]] or PnW, after the P. */
static bool read_iso_units(struct duration_reader *reader)
{
    static const char letters[] = {'Y', 'M', 'W', 'D', 'H', 'M', 'S'};
    size_t next = 0;
    bool in_time = false, any = false;
    while (reader->at < reader->end) {
        if (take(reader, 'T')) {
            if (in_time)
                return false;
            in_time = true;
            next = 4;
            any = false;
            continue;
        }
        int64_t number;
        if (!take_number(reader, &number))
            return false;
        size_t end = in_time ? ARRAY_LEN(letters) : 4;
        while (next < end && !take(reader, letters[next]))
            next++;
        if (next == end || !add(reader, &units[next], number))
            return false;
        next++;
        any = true;
    }
    return any;
}

/* PYYYY-MM-DDThh:mm:ss, after the P. */
static bool read_iso_date(struct duration_reader *reader)
{
    static const char separators[] = {'-', '-', 'T', ':', ':'};
    static const uint8_t places[] = {0, 1, 3, 4, 5, 6};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        int64_t number;
        if (!take_number(reader, &number) || !add(reader, &units[places[i]], number))
            return false;
        if (i < ARRAY_LEN(separators) && !take(reader, separators[i]))
            return false;
    }
    return reader->at == reader->end;
}

static bool read_iso(struct duration_reader *reader)
{
    size_t left = (size_t)(reader->end - reader->at);
    return left && memchr(reader->at, '-', left) ? read_iso_date(reader) : read_iso_units(reader);
}

bool duration_parse(struct slice text, struct duration *out_duration, char out_why[DURATION_WHY_BYTES])
{
    *out_why = 0;
    if (!text.bytes)
        return false;
    struct duration_reader reader = {
        .at = (const char *)text.data, .end = (const char *)text.data + text.bytes, .why = out_why};
    bool negative = take(&reader, '-');
    bool read = take(&reader, 'P') ? read_iso(&reader) : read_units(&reader);
    if (!read)
        return false;
    if (reader.parts[PART_MONTHS] > INT32_MAX || reader.parts[PART_DAYS] > INT32_MAX) {
        snprintf(out_why, DURATION_WHY_BYTES,
                 "Invalid duration. The total number of %s must be less or equal to %d",
                 reader.parts[PART_MONTHS] > INT32_MAX ? "months" : "days", INT32_MAX);
        return false;
    }
    int64_t sign = negative ? -1 : 1;
    *out_duration = (struct duration){.months = (int32_t)(sign * reader.parts[PART_MONTHS]),
                                      .days = (int32_t)(sign * reader.parts[PART_DAYS]),
                                      .ns = sign * reader.parts[PART_NS]};
    return true;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void duration_print(struct buffer *out, struct duration duration)
{
    uint64_t parts[] = {magnitude(duration.months), magnitude(duration.days), magnitude(duration.ns)};
    if (duration.months < 0 || duration.days < 0 || duration.ns < 0)
        buffer_append_u8(out, '-');
    size_t start = out->bytes;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        /* The real ones print days, never weeks. */
        if (units[i].factor == 7)
            continue;
        uint64_t factor = (uint64_t)units[i].factor;
        uint64_t *part = &parts[units[i].part];
        if (*part >= factor)
            buffer_printf(out, "%" PRIu64 "%s", *part / factor, units[i].name);
        *part %= factor;
    }
    if (out->bytes == start)
        buffer_append(out, "0s", 2);
}

static void encode_integer(struct buffer *out, int64_t value)
{
    vint_append(out, zigzag_encode(value));
}

static int64_t decode_integer(struct reader *wire)
{
    return zigzag_decode(vint_read(wire));
}

void duration_encode(struct buffer *out, struct duration duration)
{
    encode_integer(out, duration.months);
    encode_integer(out, duration.days);
    encode_integer(out, duration.ns);
}

enum duration_fault duration_decode(struct slice wire, struct duration *out_duration)
{
    struct reader reader = reader_of(wire);
    int64_t months = decode_integer(&reader);
    int64_t days = decode_integer(&reader);
    int64_t ns = decode_integer(&reader);
    if (reader.failed || reader_left(&reader))
        return DURATION_MALFORMED;
    if (months != (int32_t)months || days != (int32_t)days)
        return DURATION_OUT_OF_RANGE;
    *out_duration = (struct duration){.months = (int32_t)months, .days = (int32_t)days, .ns = ns};
    bool negative = months < 0 || days < 0 || ns<0, positive = months> 0 || days > 0 || ns > 0;
    return negative && positive ? DURATION_MIXED_SIGNS : DURATION_FINE;
}
