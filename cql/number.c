#include "cql/number_internal.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/bytes.h"

/* ---- varint ---- */

void number_import(mpz_t out, struct slice wire)
{
    mpz_import(out, wire.bytes, 1, 1, 1, 0, wire.data);
    if (wire.bytes && (wire.data[0] & 0x80)) {
        mpz_t modulus;
        mpz_init(modulus);
        mpz_setbit(modulus, wire.bytes * 8);
        mpz_sub(out, out, modulus);
        mpz_clear(modulus);
    }
}

void number_export(struct buffer *out, mpz_t number)
{
    int sign = mpz_sgn(number);
    if (sign == 0) {
        buffer_append_u8(out, 0);
        return;
    }
    /* A negative number -n is written as the inverted bits of n - 1. */
    if (sign < 0)
        mpz_com(number, number);
    size_t bits = mpz_sgn(number) ? mpz_sizeinbase(number, 2) : 0;
    size_t bytes = bits / 8 + 1; /* one bit more, for the sign */
    uint8_t *at = buffer_extend(out, bytes);
    if (!at)
        return;
    memset(at, 0, bytes);
    size_t written = (bits + 7) / 8;
    if (written)
        mpz_export(at + (bytes - written), NULL, 1, 1, 1, 0, number);
    if (sign < 0)
        for (size_t i = 0; i < bytes; i++)
            at[i] = (uint8_t)~at[i];
}

static struct slice shortest(struct slice wire)
{
    while (wire.bytes > 1 && ((wire.data[0] == 0 && !(wire.data[1] & 0x80)) ||
                              (wire.data[0] == 0xff && (wire.data[1] & 0x80)))) {
        wire.data++;
        wire.bytes--;
    }
    return wire;
}

int varint_compare(struct slice a, struct slice b)
{
    if (!a.bytes || !b.bytes)
        return (a.bytes > 0) - (b.bytes > 0);
    a = shortest(a);
    b = shortest(b);
    bool a_negative = a.data[0] & 0x80, b_negative = b.data[0] & 0x80;
    if (a_negative != b_negative)
        return a_negative ? -1 : 1;
    if (a.bytes != b.bytes)
        return (a.bytes > b.bytes) != a_negative ? 1 : -1;
    return memcmp(a.data, b.data, a.bytes);
}

static void append_digits(struct buffer *out, const mpz_t number)
{
    size_t room = mpz_sizeinbase(number, 10) + 2;
    if (!buffer_reserve(out, room))
        return;
    char *text = (char *)out->data + out->bytes;
    mpz_get_str(text, 10, number);
    out->bytes += strlen(text);
}

void varint_print(struct buffer *out, struct slice wire)
{
    mpz_t number;
    mpz_init(number);
    number_import(number, wire);
    append_digits(out, number);
    mpz_clear(number);
}

/* A terminated copy of digits; NULL when there is none, another character, or no memory. */
static char *copy_digits(struct slice text)
{
    size_t sign = text.bytes && text.data[0] == '-';
    if (text.bytes == sign)
        return NULL;
    for (size_t i = sign; i < text.bytes; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return NULL;
    return strndup((const char *)text.data, text.bytes);
}

bool varint_parse(struct slice text, struct buffer *out_wire)
{
    char *digits = copy_digits(text);
    if (!digits)
        return false;
    mpz_t number;
    mpz_init_set_str(number, digits, 10);
    number_export(out_wire, number);
    mpz_clear(number);
    free(digits);
    return true;
}

void varint_add(struct buffer *out_wire, struct slice a, struct slice b)
{
    mpz_t sum, number;
    mpz_init(sum);
    mpz_init(number);
    number_import(sum, a);
    number_import(number, b);
    mpz_add(sum, sum, number);
    number_export(out_wire, sum);
    mpz_clear(number);
    mpz_clear(sum);
}

void varint_divide(struct buffer *out_wire, struct slice wire, int64_t divisor)
{
    mpz_t number, by;
    mpz_init(number);
    mpz_init_set_si(by, divisor);
    number_import(number, wire);
    mpz_tdiv_q(number, number, by);
    number_export(out_wire, number);
    mpz_clear(by);
    mpz_clear(number);
}

/* ---- decimal ---- */

struct slice number_unscaled(struct slice wire)
{
    return slice_of(wire.data + 4, wire.bytes - 4);
}

int64_t number_scale(struct slice wire)
{
    return (int32_t)load_be32(wire.data);
}

static size_t digit_count(const mpz_t number)
{
    /* mpz_sizeinbase() may be one too many for base 10. */
    size_t digits = mpz_sizeinbase(number, 10);
    mpz_t power;
    mpz_init(power);
    mpz_ui_pow_ui(power, 10, digits - 1);
    if (mpz_cmpabs(number, power) < 0)
        digits--;
    mpz_clear(power);
    return digits ? digits : 1;
}

/* Give both the larger scale. */
void number_align(mpz_t a, int64_t a_scale, mpz_t b, int64_t b_scale)
{
    mpz_t power;
    mpz_init(power);
    if (a_scale < b_scale) {
        mpz_ui_pow_ui(power, 10, (unsigned long)(b_scale - a_scale));
        mpz_mul(a, a, power);
    } else if (b_scale < a_scale) {
        mpz_ui_pow_ui(power, 10, (unsigned long)(a_scale - b_scale));
        mpz_mul(b, b, power);
    }
    mpz_clear(power);
}

/* Of two numbers of one sign and magnitude class; the scales differ by no more than the digits do. */
static int compare_aligned(mpz_t a, int64_t a_scale, mpz_t b, int64_t b_scale)
{
    number_align(a, a_scale, b, b_scale);
    return mpz_cmp(a, b);
}

int decimal_compare(struct slice a, struct slice b)
{
    if (a.bytes < 4 || b.bytes < 4)
        return (a.bytes >= 4) - (b.bytes >= 4);
    int64_t a_scale = number_scale(a), b_scale = number_scale(b);
    mpz_t a_number, b_number;
    mpz_init(a_number);
    mpz_init(b_number);
    number_import(a_number, number_unscaled(a));
    number_import(b_number, number_unscaled(b));
    int sign = mpz_sgn(a_number), order = sign - mpz_sgn(b_number);
    if (order == 0 && sign != 0) {
        int64_t a_exponent = (int64_t)digit_count(a_number) - a_scale;
        int64_t b_exponent = (int64_t)digit_count(b_number) - b_scale;
        if (a_exponent != b_exponent)
            order = a_exponent > b_exponent ? sign : -sign;
        else
            order = compare_aligned(a_number, a_scale, b_number, b_scale);
    }
    mpz_clear(a_number);
    mpz_clear(b_number);
    return (order > 0) - (order < 0);
}

bool decimal_add(struct buffer *out_wire, struct slice a, struct slice b)
{
    int64_t a_scale = number_scale(a), b_scale = number_scale(b);
    if (a_scale - b_scale > NUMBER_SCALES_APART_MAX || b_scale - a_scale > NUMBER_SCALES_APART_MAX)
        return false;
    mpz_t sum, number;
    mpz_init(sum);
    mpz_init(number);
    number_import(sum, number_unscaled(a));
    number_import(number, number_unscaled(b));
    number_align(sum, a_scale, number, b_scale);
    mpz_add(sum, sum, number);
    buffer_append_be32(out_wire, (uint32_t)(a_scale > b_scale ? a_scale : b_scale));
    number_export(out_wire, sum);
    mpz_clear(number);
    mpz_clear(sum);
    return true;
}

/* Was what the division left over more than half, or half of an odd quotient's step? */
static bool rounds_away(const mpz_t quotient, const mpz_t rest, const mpz_t divisor)
{
    mpz_t twice;
    mpz_init(twice);
    mpz_mul_ui(twice, rest, 2);
    int order = mpz_cmpabs(twice, divisor);
    mpz_clear(twice);
    return order > 0 || (order == 0 && mpz_odd_p(quotient));
}

void decimal_divide(struct buffer *out_wire, struct slice wire, int64_t divisor)
{
    mpz_t number, by, rest;
    mpz_init(number);
    mpz_init(rest);
    mpz_init_set_si(by, divisor);
    number_import(number, number_unscaled(wire));
    int sign = mpz_sgn(number);
    mpz_tdiv_qr(number, rest, number, by);
    if (rounds_away(number, rest, by)) {
        if (sign < 0)
            mpz_sub_ui(number, number, 1);
        else
            mpz_add_ui(number, number, 1);
    }
    buffer_append_be32(out_wire, (uint32_t)number_scale(wire));
    number_export(out_wire, number);
    mpz_clear(rest);
    mpz_clear(by);
    mpz_clear(number);
}

void decimal_print(struct buffer *out, struct slice wire)
{
    int64_t scale = (int32_t)load_be32(wire.data);
    struct buffer text = {0};
    varint_print(&text, number_unscaled(wire));
    const char *digits = (const char *)text.data;
    int64_t count = (int64_t)text.bytes;
    if (text.failed) {
        out->failed = true;
        goto out;
    }
    if (*digits == '-') {
        buffer_append_u8(out, '-');
        digits++;
        count--;
    }
    int64_t exponent = count - 1 - scale;
    if (scale == 0) {
        buffer_append(out, digits, (size_t)count);
    } else if (scale > 0 && exponent >= -6) {
        int64_t whole = count - scale;
        if (whole > 0) {
            buffer_append(out, digits, (size_t)whole);
        } else {
            buffer_append_u8(out, '0');
        }
        buffer_append_u8(out, '.');
        for (int64_t i = whole; i < 0; i++)
            buffer_append_u8(out, '0');
        int64_t skipped = whole > 0 ? whole : 0;
        buffer_append(out, digits + skipped, (size_t)(count - skipped));
    } else {
        buffer_append(out, digits, 1);
        if (count > 1) {
            buffer_append_u8(out, '.');
            buffer_append(out, digits + 1, (size_t)(count - 1));
        }
        if (exponent)
            buffer_printf(out, "E%+" PRIi64, exponent);
    }
out:
    buffer_deinit(&text);
}

bool decimal_parse(struct slice text, struct buffer *out_wire)
{
    struct buffer digits = {0};
    int64_t scale = 0, exponent = 0;
    bool parsed = false, in_fraction = false;
    size_t i = 0;
    if (i < text.bytes && text.data[i] == '-')
        buffer_append_u8(&digits, text.data[i++]);
    for (; i < text.bytes && (text.data[i] | 0x20) != 'e'; i++) {
        if (text.data[i] == '.' && !in_fraction) {
            in_fraction = true;
            continue;
        }
        buffer_append_u8(&digits, text.data[i]);
        scale += in_fraction;
    }
    if (i < text.bytes) {
        bool negative = ++i < text.bytes && text.data[i] == '-';
        i += i < text.bytes && (text.data[i] == '-' || text.data[i] == '+');
        if (i == text.bytes)
            goto out;
        for (; i < text.bytes; i++) {
            if (text.data[i] < '0' || text.data[i] > '9' || exponent > INT32_MAX)
                goto out;
            exponent = exponent * 10 + (text.data[i] - '0');
        }
        scale += negative ? exponent : -exponent;
    }
    if (scale < INT32_MIN || scale > INT32_MAX || digits.failed)
        goto out;
    size_t start = out_wire->bytes;
    buffer_append_be32(out_wire, (uint32_t)(int32_t)scale);
    parsed = varint_parse(buffer_slice(&digits), out_wire);
    if (!parsed)
        out_wire->bytes = start;
out:
    buffer_deinit(&digits);
    return parsed;
}

/* ---- floating point ---- */

enum {
    FLOAT_TEXT_BYTES = 64,
    DOUBLE_DIGITS_FEWEST = 15, /* any shorter text is among those of 15 digits */
    DOUBLE_DIGITS_MOST = 17,
    FLOAT_DIGITS_FEWEST = 6,
    FLOAT_DIGITS_MOST = 9,
    FLOAT_SOURCE_BYTES_MAX = 1 << 12,
};

/* The embedding process may have chosen a locale with another decimal point. */
static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static double parse_double(const char *text, char **end)
{
    pthread_once(&c_locale_once, make_c_locale);
    return c_locale ? strtod_l(text, end, c_locale) : strtod(text, end);
}

static float parse_float(const char *text, char **end)
{
    pthread_once(&c_locale_once, make_c_locale);
    return c_locale ? strtof_l(text, end, c_locale) : strtof(text, end);
}

static void format(char *text, size_t bytes, int digits, double value)
{
    pthread_once(&c_locale_once, make_c_locale);
    locale_t before = c_locale ? uselocale(c_locale) : (locale_t)0;
    snprintf(text, bytes, "%.*g", digits, value);
    if (before)
        uselocale(before);
}

static bool print_special(struct buffer *out, double value)
{
    if (isnan(value))
        buffer_append(out, "NaN", 3);
    else if (isinf(value))
        buffer_printf(out, "%sInfinity", value < 0 ? "-" : "");
    else
        return false;
    return true;
}

static void print_digits(struct buffer *out, const char *text, const char *whole_suffix)
{
    buffer_append(out, text, strlen(text));
    if (!strpbrk(text, ".e"))
        buffer_append(out, whole_suffix, strlen(whole_suffix));
}

void number_print_floating(struct buffer *out, double value, bool narrow, int fewest,
                           const char *whole_suffix)
{
    if (print_special(out, value))
        return;
    char text[FLOAT_TEXT_BYTES];
    for (int digits = fewest; digits <= (narrow ? FLOAT_DIGITS_MOST : DOUBLE_DIGITS_MOST); digits++) {
        format(text, sizeof text, digits, value);
        if (narrow ? parse_float(text, NULL) == (float)value : parse_double(text, NULL) == value)
            break;
    }
    print_digits(out, text, whole_suffix);
}

void double_print(struct buffer *out, double value, const char *whole_suffix)
{
    number_print_floating(out, value, false, DOUBLE_DIGITS_FEWEST, whole_suffix);
}

void float_print(struct buffer *out, float value, const char *whole_suffix)
{
    number_print_floating(out, (double)value, true, FLOAT_DIGITS_FEWEST, whole_suffix);
}

/* Only decimal notation and the two names: strtod() would take hexadecimal and more. */
static bool is_decimal(struct slice text)
{
    if (!text.bytes || text.bytes > FLOAT_SOURCE_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.bytes; i++)
        if (!text.data[i] || !strchr("0123456789+-.eE", text.data[i]))
            return false;
    return true;
}

static bool parse_special(struct slice text, double *out_value)
{
    bool negative = text.bytes && text.data[0] == '-';
    const char *name = (const char *)text.data + negative;
    size_t bytes = text.bytes - negative;
    if (bytes == 3 && strncasecmp(name, "nan", 3) == 0)
        *out_value = (double)NAN;
    else if (bytes == 8 && strncasecmp(name, "infinity", 8) == 0)
        *out_value = negative ? -(double)INFINITY : (double)INFINITY;
    else
        return false;
    return true;
}

bool double_parse(struct slice text, double *out_value)
{
    if (parse_special(text, out_value))
        return true;
    char copy[FLOAT_SOURCE_BYTES_MAX + 1], *end;
    if (!is_decimal(text))
        return false;
    memcpy(copy, text.data, text.bytes);
    copy[text.bytes] = 0;
    double value = parse_double(copy, &end);
    if (*end)
        return false;
    *out_value = value;
    return true;
}

bool float_parse(struct slice text, float *out_value)
{
    double special;
    if (parse_special(text, &special)) {
        *out_value = (float)special;
        return true;
    }
    char copy[FLOAT_SOURCE_BYTES_MAX + 1], *end;
    if (!is_decimal(text))
        return false;
    memcpy(copy, text.data, text.bytes);
    copy[text.bytes] = 0;
    float value = parse_float(copy, &end);
    if (*end)
        return false;
    *out_value = value;
    return true;
}

/* ---- bytes ---- */

double floating_read(struct slice wire)
{
    double value = 0;
    if (wire.bytes == sizeof(float)) {
        uint32_t bits = load_be32(wire.data);
        float narrow;
        memcpy(&narrow, &bits, sizeof narrow);
        value = (double)narrow;
    } else if (wire.bytes == sizeof value) {
        uint64_t bits = load_be64(wire.data);
        memcpy(&value, &bits, sizeof value);
    }
    return value;
}

void floating_append(struct buffer *out, double value, bool narrow)
{
    if (narrow) {
        float narrowed = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrowed, sizeof bits);
        buffer_append_be32(out, bits);
        return;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    buffer_append_be64(out, bits);
}
