/*
 * number_java.c: floating numbers as Java writes them: 7.0, 1.0E20, 1.0E-4.
 *
 * From 0.001 to 9999999 plainly, beyond with an exponent, always with a digit after the point.
 */
#include <float.h>
#include <math.h>

#include "cql/number_internal.h"

enum {
    PLAIN_POWER_FROM = -3,
    PLAIN_POWER_TO = 7,
    DIGITS_BYTES = 32,
    JAVA_DIGITS_FEWEST = 2,
};

/* The digits of a number without zeros around them, and the power of ten of the first. */
struct digits {
    char text[DIGITS_BYTES];
    size_t count;
    int64_t power;
    bool negative;
};

static struct digits digits_of_text(struct slice text)
{
    struct digits digits = {.negative = text.bytes && text.data[0] == '-'};
    bool pointed = false, begun = false;
    int64_t exponent = 0, shift = 0;
    size_t at = digits.negative;
    for (; at < text.bytes && (text.data[at] | 0x20) != 'e'; at++) {
        char c = (char)text.data[at];
        if (c == '.') {
            pointed = true;
            continue;
        }
        begun |= c != '0';
        exponent += begun && !pointed;
        exponent -= !begun && pointed;
        if (begun && digits.count < sizeof digits.text - 1)
            digits.text[digits.count++] = c;
    }
    while (digits.count && digits.text[digits.count - 1] == '0')
        digits.count--;
    digits.text[digits.count] = 0;
    bool minus = at + 1 < text.bytes && text.data[at + 1] == '-';
    for (at += 1; at < text.bytes; at++)
        if (text.data[at] >= '0' && text.data[at] <= '9')
            shift = shift * 10 + (text.data[at] - '0');
    digits.power = exponent - 1 + (minus ? -shift : shift);
    return digits;
}

static bool is_plain(const struct digits *digits)
{
    return digits->power >= PLAIN_POWER_FROM && digits->power < PLAIN_POWER_TO;
}

/* The digit of a power of ten. */
static char digit_at(const struct digits *digits, int64_t power)
{
    int64_t at = digits->power - power;
    return at >= 0 && at < (int64_t)digits->count ? digits->text[at] : '0';
}

static void print(struct buffer *out, double value, bool narrow)
{
    struct buffer text = {0};
    if (!isfinite(value)) {
        buffer_printf(out, "%s", isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
        return;
    }
    /* Java writes two digits at least; of numbers with few bits left so many may do. */
    if (value != 0 && fabs(value) < (narrow ? (double)FLT_MIN : DBL_MIN))
        number_print_floating(&text, value, narrow, JAVA_DIGITS_FEWEST, ".0");
    else if (narrow)
        float_print(&text, (float)value, ".0");
    else
        double_print(&text, value, ".0");
    struct digits digits = digits_of_text(buffer_slice(&text));
    out->failed |= text.failed;
    buffer_deinit(&text);
    if (!digits.count) {
        buffer_printf(out, signbit(value) ? "-0.0" : "0.0");
        return;
    }
    bool plain = is_plain(&digits);
    /* Powers of the digits before and after the point, an exponent taken off. */
    int64_t first = plain ? (digits.power < 0 ? 0 : digits.power) : digits.power;
    int64_t unit = plain ? 0 : digits.power, last = digits.power - (int64_t)digits.count + 1;
    last = last < unit - 1 ? last : unit - 1;
    buffer_printf(out, "%s", digits.negative ? "-" : "");
    for (int64_t power = first; power >= last; power--) {
        buffer_append_u8(out, (uint8_t)digit_at(&digits, power));
        if (power == unit)
            buffer_append_u8(out, '.');
    }
    if (!plain)
        buffer_printf(out, "E%lld", (long long)digits.power);
}

void double_print_java(struct buffer *out, double value)
{
    print(out, value, false);
}

void float_print_java(struct buffer *out, float value)
{
    print(out, (double)value, true);
}

/* Each of the digits that Java writes counts for the scale. */
bool decimal_from_double(struct buffer *out_wire, double value)
{
    if (!isfinite(value))
        return false;
    struct buffer text = {0};
    double_print(&text, value, ".0");
    struct digits digits = digits_of_text(buffer_slice(&text));
    bool failed = text.failed;
    buffer_deinit(&text);
    if (failed)
        return false;
    mpz_t number, power;
    mpz_init(number);
    mpz_init(power);
    int64_t count = (int64_t)digits.count, scale = 1;
    if (count) {
        bool plain = is_plain(&digits);
        int64_t fraction = plain ? count - 1 - digits.power : count - 1;
        scale = (fraction > 1 ? fraction : 1) - (plain ? 0 : digits.power);
        mpz_set_str(number, digits.text, 10);
        mpz_ui_pow_ui(power, 10, (unsigned long)(scale - (count - 1 - digits.power)));
        mpz_mul(number, number, power);
        if (digits.negative)
            mpz_neg(number, number);
    }
    buffer_append_be32(out_wire, (uint32_t)(int32_t)scale);
    number_export(out_wire, number);
    mpz_clear(number);
    mpz_clear(power);
    return true;
}
