/*
 * calendar.h: dates and times of the day in the proleptic Gregorian calendar, without a time zone data base.
 */
#ifndef STRAIT_CQL_CALENDAR_H
#define STRAIT_CQL_CALENDAR_H

#include "base/buffer.h"

struct civil_date {
    int64_t year;        /* 0 is 1 BC */
    uint32_t month, day; /* from 1 */
};

/* Days since 1970-01-01. The month and day must exist. */
int64_t calendar_days(struct civil_date date);
struct civil_date calendar_date(int64_t days);
bool calendar_date_exists(struct civil_date date);

/* "YYYY-MM-DD" with at least four digits for the year, a sign when it is negative; days since 1970-01-01. */
void calendar_print_date(struct buffer *out, int64_t days);
/* `java`: as Cassandra reads it, with two digits for month and day, four for the year or more behind a sign. */
bool calendar_parse_date(struct slice text, bool java, int64_t *out_days);

/* "HH:MM:SS.nnnnnnnnn"; nanoseconds since midnight. Parsing takes 0 to 9 digits of fraction. */
void calendar_print_time(struct buffer *out, int64_t ns);
bool calendar_parse_time(struct slice text, int64_t *out_ns);

enum timestamp_fault {
    TIMESTAMP_FINE,
    TIMESTAMP_MALFORMED,
    TIMESTAMP_BAD_ZONE,
    TIMESTAMP_OVER_PRECISE, /* more digits than milliseconds; *out_ms holds the truncated time */
};

/* Milliseconds since 1970 from every notation of TYP-9; a text without a zone is UTC. */
enum timestamp_fault calendar_parse_timestamp(struct slice text, bool java, int64_t *out_ms,
                                              uint32_t *out_fraction_digits);

enum timestamp_style {
    TIMESTAMP_STYLE_SHELL,   /* 2024-01-31 10:20:30.123000+0000 */
    TIMESTAMP_STYLE_LITERAL, /* 2024-01-31 10:20:30.123+0000 */
    TIMESTAMP_STYLE_JSON,    /* 2024-01-31 10:20:30.123Z */
};

/* False, with nothing written, when the year has more than four digits and the style has no room for it. */
bool calendar_print_timestamp(struct buffer *out, int64_t ms, enum timestamp_style style);

#endif
