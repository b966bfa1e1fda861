/*
 * number_arithmetic.c: + - * / % of varints and decimals.
 *
 * A decimal's quotient has at least 32 significant digits and is then cut of its trailing zeros, as Cassandra makes it.
 */
#include "cql/number_internal.h"

enum {
    QUOTIENT_DIGITS_MIN = 32,
    QUOTIENT_SCALE_MAX = 1000,
};

bool varint_operate(struct buffer *out_wire, char op, struct slice a, struct slice b)
{
    mpz_t left, right;
    mpz_init(left);
    mpz_init(right);
    number_import(left, a);
    number_import(right, b);
    bool possible = mpz_sgn(right) || (op != '/' && op != '%');
    switch (op) {
    case '+': mpz_add(left, left, right); break;
    case '-': mpz_sub(left, left, right); break;
    case '*': mpz_mul(left, left, right); break;
    default:
        if (possible && op == '/')
            mpz_tdiv_q(left, left, right);
        else if (possible)
            mpz_tdiv_r(left, left, right);
    }
    if (possible)
        number_export(out_wire, left);
    mpz_clear(left);
    mpz_clear(right);
    return possible;
}

static void export_decimal(struct buffer *out, int64_t scale, mpz_t number)
{
    buffer_append_be32(out, (uint32_t)(int32_t)scale);
    number_export(out, number);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Decimal digits of the number. */
static int64_t digits_of(const mpz_t number)
{
    mpz_t power;
    int64_t digits = (int64_t)mpz_sizeinbase(number, 10);
    /* The function may say one too many. */
    mpz_init(power);
    mpz_ui_pow_ui(power, 10, (unsigned long)digits - 1);
    digits -= digits > 1 && mpz_cmpabs(number, power) < 0;
    mpz_clear(power);
    return digits;
}

static void multiply_by_power(mpz_t number, int64_t exponent)
{
    mpz_t power;
    mpz_init(power);
    mpz_ui_pow_ui(power, 10, (unsigned long)exponent);
    mpz_mul(number, number, power);
    mpz_clear(power);
}

/* number / by, rounded to the nearest, half away from zero. */
static void divide_half_up(mpz_t number, const mpz_t by)
{
    mpz_t rest;
    int sign = mpz_sgn(number) * mpz_sgn(by);
    mpz_init(rest);
    mpz_tdiv_qr(number, rest, number, by);
    mpz_mul_ui(rest, rest, 2);
    if (mpz_cmpabs(rest, by) >= 0) {
        if (sign < 0)
            mpz_sub_ui(number, number, 1);
        else
            mpz_add_ui(number, number, 1);
    }
    mpz_clear(rest);
}

static int64_t strip_zeros(mpz_t number, int64_t scale)
{
    if (!mpz_sgn(number))
        return 0;
    while (mpz_divisible_ui_p(number, 10)) {
        mpz_divexact_ui(number, number, 10);
        scale--;
    }
    return scale;
}

static void quotient(struct buffer *out, mpz_t left, int64_t left_scale, mpz_t right, int64_t right_scale)
{
    int64_t first_digit = (digits_of(left) - left_scale) - (digits_of(right) - right_scale);
    int64_t scale = QUOTIENT_DIGITS_MIN - first_digit;
    scale = larger(larger(scale, left_scale), larger(right_scale, QUOTIENT_DIGITS_MIN));
    scale = scale > QUOTIENT_SCALE_MAX ? QUOTIENT_SCALE_MAX : scale;
    int64_t exponent = scale - left_scale + right_scale;
    if (exponent >= 0)
        multiply_by_power(left, exponent);
    else
        multiply_by_power(right, -exponent);
    divide_half_up(left, right);
    scale = strip_zeros(left, scale);
    export_decimal(out, scale, left);
}

/* a - trunc(a / b) * b, the whole quotient being as short as its trailing zeros allow, but not beyond the scale that the
 * operands' difference suggests: as BigDecimal.remainder() has it. Both are aligned. */
static bool remainder_of(struct buffer *out, mpz_t left, int64_t left_scale, mpz_t right, int64_t right_scale)
{
    mpz_t whole;
    mpz_init(whole);
    int64_t scale = larger(left_scale, right_scale), preferred = left_scale - right_scale, zeros = 0;
    mpz_tdiv_qr(whole, left, left, right);
    if (!mpz_sgn(whole))
        zeros = preferred < 0 ? -preferred : 0;
    for (; mpz_sgn(whole) && -zeros > preferred && mpz_divisible_ui_p(whole, 10); zeros++)
        mpz_divexact_ui(whole, whole, 10);
    mpz_clear(whole);
    /* The product has the divisor's scale less the quotient's zeros; the difference has the larger of the two. */
    int64_t product = preferred >= 0 ? left_scale : right_scale - zeros;
    int64_t wanted = larger(left_scale, product);
    while (scale > wanted && mpz_divisible_ui_p(left, 10)) {
        mpz_divexact_ui(left, left, 10);
        scale--;
    }
    if (scale > wanted && !mpz_sgn(left))
        scale = wanted;
    export_decimal(out, scale, left);
    return true;
}

static bool operate(struct buffer *out, char op, mpz_t left, int64_t left_scale, mpz_t right,
                    int64_t right_scale)
{
    int64_t scale = larger(left_scale, right_scale);
    if ((op == '/' || op == '%') && !mpz_sgn(right))
        return false;
    switch (op) {
    case '*':
        mpz_mul(left, left, right);
        export_decimal(out, left_scale + right_scale, left);
        return left_scale + right_scale == (int32_t)(left_scale + right_scale);
    case '/': quotient(out, left, left_scale, right, right_scale); return true;
    default: break;
    }
    number_align(left, left_scale, right, right_scale);
    if (op == '+')
        mpz_add(left, left, right);
    else if (op == '-')
        mpz_sub(left, left, right);
    else
        return remainder_of(out, left, left_scale, right, right_scale);
    export_decimal(out, scale, left);
    return true;
}

bool decimal_operate(struct buffer *out_wire, char op, struct slice a, struct slice b)
{
    int64_t left_scale = number_scale(a), right_scale = number_scale(b);
    int64_t apart = left_scale - right_scale;
    if (apart > NUMBER_SCALES_APART_MAX || apart < -NUMBER_SCALES_APART_MAX ||
        left_scale < -NUMBER_SCALES_APART_MAX || left_scale > NUMBER_SCALES_APART_MAX)
        return false;
    mpz_t left, right;
    mpz_init(left);
    mpz_init(right);
    number_import(left, number_unscaled(a));
    number_import(right, number_unscaled(b));
    bool done = operate(out_wire, op, left, left_scale, right, right_scale);
    mpz_clear(left);
    mpz_clear(right);
    return done;
}

bool decimal_round(struct buffer *out_wire, struct slice wire)
{
    int64_t scale = number_scale(wire);
    if (scale > NUMBER_SCALES_APART_MAX || scale < -NUMBER_SCALES_APART_MAX)
        return false;
    mpz_t number, power;
    mpz_init(number);
    mpz_init(power);
    number_import(number, number_unscaled(wire));
    mpz_ui_pow_ui(power, 10, (unsigned long)(scale < 0 ? -scale : scale));
    if (scale < 0)
        mpz_mul(number, number, power);
    else
        divide_half_up(number, power);
    export_decimal(out_wire, 0, number);
    mpz_clear(number);
    mpz_clear(power);
    return true;
}
