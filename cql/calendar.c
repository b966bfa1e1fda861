#include "cql/calendar.h"

#include <inttypes.h>
#include <strings.h>

enum {
    DAYS_PER_ERA = 146097,  /* of 400 years */
    DAYS_TO_EPOCH = 719468, /* from 0000-03-01 to 1970-01-01 */
    DAY_MS = 86400000,
};

#define NS_PER_SECOND INT64_C(1000000000)

/* Years are counted from March, so that the leap day is the last of its year. */
int64_t calendar_days(struct civil_date date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

struct civil_date calendar_date(int64_t days)
{
    days += DAYS_TO_EPOCH;
    int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct civil_date date = {.year = year_of_era + era * 400,
                              .month = (uint32_t)(month < 10 ? month + 3 : month - 9),
                              .day = (uint32_t)(day_of_year - (153 * month + 2) / 5 + 1)};
    date.year += date.month <= 2;
    return date;
}

bool calendar_date_exists(struct civil_date date)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date.month < 1 || date.month > 12 || date.day < 1)
        return false;
    bool leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);
    return date.day <= (uint32_t)lengths[date.month - 1] + (date.month == 2 && leap);
}

/* ---- reading ---- */

struct text_reader {
    const char *at, *end;
};

static struct text_reader reader_of_text(struct slice text)
{
    const char *at = (const char *)text.data;
    return (struct text_reader){.at = at, .end = text.bytes ? at + text.bytes : at};
}

static bool at_end(const struct text_reader *reader)
{
    return reader->at == reader->end;
}

static bool at_digit(const struct text_reader *reader)
{
    return !at_end(reader) && *reader->at >= '0' && *reader->at <= '9';
}

static bool take(struct text_reader *reader, char wanted)
{
    if (at_end(reader) || *reader->at != wanted)
        return false;
    reader->at++;
    return true;
}

/* Between `least` and `most` digits. */
static bool take_number(struct text_reader *reader, uint32_t least, uint32_t most, int64_t *out_number,
                        uint32_t *out_digits)
{
    int64_t number = 0;
    uint32_t digits = 0;
    while (digits < most && at_digit(reader)) {
        number = number * 10 + (*reader->at++ - '0');
        digits++;
    }
    if (digits < least || at_digit(reader))
        return false;
    *out_number = number;
    if (out_digits)
        *out_digits = digits;
    return true;
}

/* How strictly the parts of a date are read. */
struct date_form {
    uint32_t year_digits_least, year_digits_most;
    uint32_t digits_least; /* of month and day */
    bool clamps;           /* the 31st of a shorter month is its last day */
};

static uint32_t days_in_month(struct civil_date date)
{
    date.day = 31;
    while (!calendar_date_exists(date) && date.day > 28)
        date.day--;
    return date.day;
}

static bool take_date(struct text_reader *reader, const struct date_form *form, bool negative,
                      int64_t *out_days)
{
    int64_t year, month, day;
    if (!take_number(reader, form->year_digits_least, form->year_digits_most, &year, NULL) ||
        !take(reader, '-') || !take_number(reader, form->digits_least, 2, &month, NULL) ||
        !take(reader, '-') || !take_number(reader, form->digits_least, 2, &day, NULL))
        return false;
    struct civil_date date = {
        .year = negative ? -year : year, .month = (uint32_t)month, .day = (uint32_t)day};
    if (form->clamps && month >= 1 && month <= 12 && day > 28 && day <= 31)
        date.day = date.day < days_in_month(date) ? date.day : days_in_month(date);
    if (!calendar_date_exists(date))
        return false;
    *out_days = calendar_days(date);
    return true;
}

/* Java's ISO_LOCAL_DATE: four digits of a year, more behind a sign. */
static const struct date_form java_date = {4, 4, 2, false}, java_signed_date = {4, 9, 2, false},
                              java_long_date = {5, 9, 2, false}, any_date = {1, 7, 1, false};
static const struct date_form java_moment = {4, 4, 2, true}, any_moment = {1, 4, 1, false};

bool calendar_parse_date(struct slice text, bool java, int64_t *out_days)
{
    struct text_reader reader = reader_of_text(text);
    int64_t days;
    bool negative = take(&reader, '-'), positive = java && !negative && take(&reader, '+');
    const struct date_form *form = !java      ? &any_date
                                   : negative ? &java_signed_date
                                   : positive ? &java_long_date
                                              : &java_date;
    if (!take_date(&reader, form, negative, &days) || !at_end(&reader))
        return false;
    *out_days = days;
    return true;
}

static const int64_t powers_of_ten[] = {1,      10,      100,      1000,      10000,
                                        100000, 1000000, 10000000, 100000000, 1000000000};

bool calendar_parse_time(struct slice text, int64_t *out_ns)
{
    struct text_reader reader = reader_of_text(text);
    int64_t hours, minutes, seconds, fraction = 0;
    uint32_t digits = 0;
    if (!take_number(&reader, 1, 2, &hours, NULL) || !take(&reader, ':') ||
        !take_number(&reader, 1, 2, &minutes, NULL) || !take(&reader, ':') ||
        !take_number(&reader, 1, 2, &seconds, NULL))
        return false;
    if (take(&reader, '.') && !take_number(&reader, 1, 9, &fraction, &digits))
        return false;
    if (!at_end(&reader) || hours > 23 || minutes > 59 || seconds > 59)
        return false;
    *out_ns = ((hours * 60 + minutes) * 60 + seconds) * NS_PER_SECOND + fraction * powers_of_ten[9 - digits];
    return true;
}

static bool take_word(struct text_reader *reader, const char *word)
{
    size_t bytes = strlen(word);
    if ((size_t)(reader->end - reader->at) != bytes || strncasecmp(reader->at, word, bytes) != 0)
        return false;
    reader->at += bytes;
    return true;
}

/* Z, UTC, GMT, +HH, +HHMM, +HH:MM or nothing; what is to be subtracted. */
static bool take_zone(struct text_reader *reader, int64_t *out_offset_ms)
{
    *out_offset_ms = 0;
    while (take(reader, ' '))
        continue;
    if (at_end(reader) || take_word(reader, "z") || take_word(reader, "utc") || take_word(reader, "gmt"))
        return true;
    bool west = *reader->at == '-';
    if (!take(reader, '+') && !take(reader, '-'))
        return false;
    const char *digits_from = reader->at;
    int64_t number, minutes = 0;
    if (!take_number(reader, 2, 4, &number, NULL))
        return false;
    size_t digits = (size_t)(reader->at - digits_from);
    int64_t hours = number;
    if (digits == 4) {
        hours = number / 100;
        minutes = number % 100;
    } else if (digits != 2 || (take(reader, ':') && !take_number(reader, 2, 2, &minutes, NULL))) {
        return false;
    }
    if (!at_end(reader) || hours > 23 || minutes > 59)
        return false;
    int64_t offset_ms = (hours * 60 + minutes) * 60000;
    *out_offset_ms = west ? -offset_ms : offset_ms;
    return true;
}

/* HH:MM[:SS[.fraction]]; to Java 24:00 is the end of the day. */
static bool take_clock(struct text_reader *reader, bool java, int64_t *out_ms, uint32_t *out_fraction_digits)
{
    int64_t hours, minutes, seconds = 0, fraction = 0;
    uint32_t digits = 0;
    if (!take_number(reader, 1, 2, &hours, NULL) || !take(reader, ':') ||
        !take_number(reader, 1, 2, &minutes, NULL))
        return false;
    if (take(reader, ':')) {
        if (!take_number(reader, 1, 2, &seconds, NULL))
            return false;
        if (take(reader, '.') && !take_number(reader, 1, 9, &fraction, &digits))
            return false;
    }
    bool midnight = java && hours == 24 && !minutes && !seconds && !fraction;
    if ((hours > 23 && !midnight) || minutes > 59 || seconds > 59)
        return false;
    int64_t fraction_ms = fraction * powers_of_ten[9 - digits] / 1000000;
    *out_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction_ms;
    *out_fraction_digits = digits;
    return true;
}

static bool take_milliseconds(struct slice text, int64_t *out_ms)
{
    struct text_reader reader = reader_of_text(text);
    bool negative = take(&reader, '-');
    uint64_t limit = (uint64_t)INT64_MAX + negative;
    uint64_t number = 0;
    if (!at_digit(&reader))
        return false;
    for (; at_digit(&reader); reader.at++) {
        uint64_t digit = (uint64_t)(*reader.at - '0');
        if (number > (limit - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (!at_end(&reader))
        return false;
    *out_ms = negative ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

enum timestamp_fault calendar_parse_timestamp(struct slice text, bool java, int64_t *out_ms,
                                              uint32_t *out_fraction_digits)
{
    *out_fraction_digits = 0;
    if (take_milliseconds(text, out_ms))
        return TIMESTAMP_FINE;
    struct text_reader reader = reader_of_text(text);
    int64_t days, clock_ms = 0, offset_ms;
    uint32_t digits = 0;
    bool negative = java && take(&reader, '-');
    if (!take_date(&reader, java ? &java_moment : &any_moment, negative, &days))
        return TIMESTAMP_MALFORMED;
    bool has_clock = !at_end(&reader) && (*reader.at == 'T' || *reader.at == 't');
    if (!has_clock && !at_end(&reader) && *reader.at == ' ') {
        /* A space may lead to a clock or to a zone. */
        struct text_reader ahead = {.at = reader.at + 1, .end = reader.end};
        has_clock = at_digit(&ahead);
    }
    if (has_clock) {
        reader.at++;
        if (!take_clock(&reader, java, &clock_ms, &digits))
            return TIMESTAMP_MALFORMED;
    }
    if (!take_zone(&reader, &offset_ms))
        return TIMESTAMP_BAD_ZONE;
    *out_ms = days * DAY_MS + clock_ms - offset_ms;
    *out_fraction_digits = digits;
    return digits > 3 ? TIMESTAMP_OVER_PRECISE : TIMESTAMP_FINE;
}

/* ---- writing ---- */

void calendar_print_date(struct buffer *out, int64_t days)
{
    struct civil_date date = calendar_date(days);
    buffer_printf(out, "%s%04" PRIi64 "-%02u-%02u", date.year < 0 ? "-" : "",
                  date.year < 0 ? -date.year : date.year, date.month, date.day);
}

void calendar_print_time(struct buffer *out, int64_t ns)
{
    int64_t seconds = ns / NS_PER_SECOND;
    buffer_printf(out, "%02" PRIi64 ":%02" PRIi64 ":%02" PRIi64 ".%09" PRIi64, seconds / 3600,
                  seconds / 60 % 60, seconds % 60, ns % NS_PER_SECOND);
}

bool calendar_print_timestamp(struct buffer *out, int64_t ms, enum timestamp_style style)
{
    int64_t days = ms / DAY_MS - (ms % DAY_MS < 0);
    int64_t clock_ms = ms - days * DAY_MS;
    struct civil_date date = calendar_date(days);
    if (date.year < 0 || date.year > 9999)
        return false;
    calendar_print_date(out, days);
    int64_t seconds = clock_ms / 1000;
    buffer_printf(out, " %02" PRIi64 ":%02" PRIi64 ":%02" PRIi64 ".%03" PRIi64, seconds / 3600,
                  seconds / 60 % 60, seconds % 60, clock_ms % 1000);
    switch (style) {
    case TIMESTAMP_STYLE_SHELL: buffer_append(out, "000+0000", 8); break;
    case TIMESTAMP_STYLE_LITERAL: buffer_append(out, "+0000", 5); break;
    case TIMESTAMP_STYLE_JSON: buffer_append(out, "Z", 1); break;
    }
    return true;
}
