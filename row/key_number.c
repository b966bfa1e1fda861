/*
 * Integers and decimals of any size as bytes that memcmp orders by value (TYP-5).
 *
 *     varint    0x80                                  zero
 *               0x80 + n, n bytes                     a magnitude of n = 1..119 bytes, big-endian
 *               0xf8 + k, k bytes of n, n bytes       a longer one; k = 1..4
 *     decimal   0x80                                  zero
 *               0x81, 5 bytes, pairs, 0x00            0.d1d2d3... * 10^e with d1 and the last digit not 0:
 *                                                     e + 2^39 big-endian, then two digits a byte plus 1
 *     negative  the bitwise inverse of the encoding of the absolute value
 *
 * The digits of a decimal are normalized, so its scale does not survive: what comes back has the same
 * value with the fewest digits, and scale 0 when that is not long.
 */
#include "row/key_internal.h"

#include <gmp.h>
#include <stdlib.h>

enum {
    CLASS_ZERO = 0x80,
    CLASS_POSITIVE = 0x81,
    LENGTH_INLINE_MAX = 119,
    CLASS_LONG = 0xf8,
    LENGTH_BYTES_MAX = 4,
    EXPONENT_BYTES = 5,
    EXPONENT_BITS = 40,
    SCALE_BYTES = 4,
    WHOLE_DIGITS_MAX = 64,        /* a whole number up to this size comes back with scale 0 */
    PADDING_DIGITS_MAX = 1 << 18, /* more than a value of PARTITION_KEY_BYTES_MAX has */
};

static void invert_from(struct buffer *out, size_t start)
{
    for (size_t i = start; i < out->bytes; i++)
        out->data[i] = (uint8_t)~out->data[i];
}

/* Two's complement, big-endian. */
static void number_from_wire(mpz_t number, struct slice wire)
{
    mpz_import(number, wire.bytes, 1, 1, 1, 0, wire.data);
    if (wire.data[0] & 0x80) {
        mpz_t modulus;
        mpz_init(modulus);
        mpz_setbit(modulus, 8 * wire.bytes);
        mpz_sub(number, number, modulus);
        mpz_clear(modulus);
    }
}

/* Two's complement in the fewest bytes. Changes `number`. */
static void number_to_wire(struct buffer *out, mpz_t number)
{
    bool negative = mpz_sgn(number) < 0;
    if (negative)
        mpz_com(number, number); /* -n - 1: the bits to invert */
    size_t bits = mpz_sgn(number) ? mpz_sizeinbase(number, 2) : 0;
    size_t bytes = bits / 8 + 1;
    size_t start = out->bytes;
    uint8_t *at = buffer_extend(out, bytes);
    if (!at)
        return;
    memset(at, 0, bytes);
    size_t used = (bits + 7) / 8;
    if (used)
        mpz_export(at + bytes - used, NULL, 1, 1, 1, 0, number);
    if (negative)
        invert_from(out, start);
}

static size_t length_bytes_of(size_t length)
{
    size_t bytes = 1;
    while (bytes < LENGTH_BYTES_MAX && length >> 8 * bytes)
        bytes++;
    return bytes;
}

static void append_magnitude(struct buffer *out, const mpz_t number)
{
    size_t length = (mpz_sizeinbase(number, 2) + 7) / 8;
    if (length <= LENGTH_INLINE_MAX) {
        buffer_append_u8(out, (uint8_t)(CLASS_ZERO + length));
    } else {
        uint8_t image[4];
        size_t count = length_bytes_of(length);
        store_be32(image, (uint32_t)length);
        buffer_append_u8(out, (uint8_t)(CLASS_LONG + count));
        buffer_append(out, image + 4 - count, count);
    }
    uint8_t *at = buffer_extend(out, length);
    if (at)
        mpz_export(at, NULL, 1, 1, 1, 0, number);
}

status key_append_varint(struct buffer *out, struct slice wire)
{
    if (wire.bytes > UINT32_MAX / 2)
        return STATUS_FAIL(STATUS_LIMIT);
    mpz_t number;
    mpz_init(number);
    number_from_wire(number, wire);
    int sign = mpz_sgn(number);
    size_t start = out->bytes;
    if (!sign)
        buffer_append_u8(out, CLASS_ZERO);
    else
        append_magnitude(out, number);
    if (sign < 0)
        invert_from(out, start);
    mpz_clear(number);
    return buffer_status(out);
}

/* The class byte with the sign taken off it and put into *mask. */
static uint8_t take_class(struct reader *key, uint8_t *mask, bool *out_negative)
{
    uint8_t class = reader_u8(key) ^ *mask;
    *out_negative = class < CLASS_ZERO;
    if (*out_negative) {
        *mask ^= 0xff;
        class ^= 0xff;
    }
    return class;
}

static status take_length(struct reader *key, uint8_t class, uint8_t mask, size_t *out_length)
{
    size_t length = (size_t) class - CLASS_ZERO;
    if (class > CLASS_LONG) {
        size_t count = (size_t) class - CLASS_LONG;
        length = 0;
        for (size_t i = 0; i < count && i < LENGTH_BYTES_MAX; i++)
            length = length << 8 | (reader_u8(key) ^ mask);
        if (count > LENGTH_BYTES_MAX || length <= LENGTH_INLINE_MAX || length_bytes_of(length) != count)
            return STATUS_FAIL(STATUS_CORRUPT);
    } else if (length > LENGTH_INLINE_MAX) {
        return STATUS_FAIL(STATUS_CORRUPT);
    }
    *out_length = length;
    return reader_status(key);
}

status key_take_varint(struct reader *key, uint8_t mask, struct buffer *out_wire)
{
    bool negative;
    uint8_t class = take_class(key, &mask, &negative);
    TRY(reader_status(key));
    if (class == CLASS_ZERO && !negative) {
        buffer_append_u8(out_wire, 0);
        return buffer_status(out_wire);
    }
    size_t length;
    TRY(take_length(key, class, mask, &length));
    struct slice body = reader_take(key, length);
    TRY(reader_status(key));
    if (!length || (body.data[0] ^ mask) == 0)
        return STATUS_FAIL(STATUS_CORRUPT);

    uint8_t *magnitude = malloc(length);
    if (!magnitude)
        return STATUS_FAIL(STATUS_NOMEM);
    for (size_t i = 0; i < length; i++)
        magnitude[i] = body.data[i] ^ mask;
    mpz_t number;
    mpz_init(number);
    mpz_import(number, length, 1, 1, 1, 0, magnitude);
    if (negative)
        mpz_neg(number, number);
    number_to_wire(out_wire, number);
    mpz_clear(number);
    free(magnitude);
    return buffer_status(out_wire);
}

/* The digits of |unscaled| without zeros at the end; `digits` is terminated ASCII. */
static void append_digits(struct buffer *out, const char *digits, size_t count, int64_t exponent)
{
    uint8_t image[8];
    store_be64(image, (uint64_t)(exponent + (1LL << (EXPONENT_BITS - 1))));
    buffer_append_u8(out, CLASS_POSITIVE);
    buffer_append(out, image + 8 - EXPONENT_BYTES, EXPONENT_BYTES);
    for (size_t i = 0; i < count; i += 2) {
        int tens = digits[i] - '0';
        int ones = i + 1 < count ? digits[i + 1] - '0' : 0;
        buffer_append_u8(out, (uint8_t)(tens * 10 + ones + 1));
    }
    buffer_append_u8(out, 0);
}

status key_append_decimal(struct buffer *out, struct slice wire)
{
    if (wire.bytes <= SCALE_BYTES)
        return STATUS_FAIL(STATUS_INVALID);
    if (wire.bytes > PARTITION_KEY_BYTES_MAX)
        return STATUS_FAIL(STATUS_LIMIT);
    int32_t scale = (int32_t)load_be32(wire.data);
    mpz_t number;
    mpz_init(number);
    number_from_wire(number, slice_of(wire.data + SCALE_BYTES, wire.bytes - SCALE_BYTES));
    int sign = mpz_sgn(number);
    size_t start = out->bytes;
    status st = STATUS_DONE;
    char *digits = NULL;
    if (!sign) {
        buffer_append_u8(out, CLASS_ZERO);
        goto out;
    }

    mpz_abs(number, number);
    digits = malloc(mpz_sizeinbase(number, 10) + 2);
    if (!digits) {
        st = STATUS_FAIL(STATUS_NOMEM);
        goto out;
    }
    mpz_get_str(digits, 10, number);
    size_t count = strlen(digits);
    int64_t exponent = (int64_t)count - scale;
    while (digits[count - 1] == '0')
        count--;
    append_digits(out, digits, count, exponent);
    if (sign < 0)
        invert_from(out, start);
out:
    free(digits);
    mpz_clear(number);
    return ok(st) ? buffer_status(out) : st;
}

/* Read the pairs up to their end into ASCII digits; an odd last digit loses its filler. */
static status take_digits(struct reader *key, uint8_t mask, struct buffer *digits)
{
    uint8_t last = 0;
    for (;;) {
        uint8_t byte = reader_u8(key) ^ mask;
        TRY(reader_status(key));
        if (!byte)
            break;
        if (byte > 100)
            return STATUS_FAIL(STATUS_CORRUPT);
        last = (uint8_t)(byte - 1);
        buffer_append_u8(digits, (uint8_t)('0' + last / 10));
        buffer_append_u8(digits, (uint8_t)('0' + last % 10));
    }
    TRY(buffer_status(digits));
    if (!digits->bytes || digits->data[0] == '0' || !last)
        return STATUS_FAIL(STATUS_CORRUPT);
    if (last % 10 == 0)
        digits->bytes--;
    return STATUS_DONE;
}

/* Choose the scale for `count` digits at `exponent`: how many zeros to put behind them. */
static status settle_scale(size_t count, int64_t exponent, size_t *out_zeros, int32_t *out_scale)
{
    int64_t scale = (int64_t)count - exponent;
    int64_t zeros = 0;
    if (scale < 0 && exponent <= WHOLE_DIGITS_MAX)
        zeros = -scale;
    else if (scale < INT32_MIN)
        zeros = INT32_MIN - scale;
    if (zeros > PADDING_DIGITS_MAX || scale > INT32_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_zeros = (size_t)zeros;
    *out_scale = (int32_t)(scale + zeros);
    return STATUS_DONE;
}

static status take_nonzero_decimal(struct reader *key, uint8_t mask, bool negative, struct buffer *digits,
                                   struct buffer *out_wire)
{
    int64_t exponent = 0;
    for (int i = 0; i < EXPONENT_BYTES; i++)
        exponent = exponent << 8 | (reader_u8(key) ^ mask);
    exponent -= 1LL << (EXPONENT_BITS - 1);
    TRY(take_digits(key, mask, digits));
    size_t zeros;
    int32_t scale;
    TRY(settle_scale(digits->bytes, exponent, &zeros, &scale));
    for (size_t i = 0; i < zeros; i++)
        buffer_append_u8(digits, '0');
    buffer_append_u8(digits, 0);
    TRY(buffer_status(digits));

    mpz_t number;
    mpz_init_set_str(number, (const char *)digits->data, 10);
    if (negative)
        mpz_neg(number, number);
    size_t start = out_wire->bytes;
    buffer_append_be32(out_wire, (uint32_t)scale);
    number_to_wire(out_wire, number);
    mpz_clear(number);
    TRY(buffer_status(out_wire));
    bool is_possible = out_wire->bytes - start <= PARTITION_KEY_BYTES_MAX;
    return is_possible ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT);
}

status key_take_decimal(struct reader *key, uint8_t mask, struct buffer *out_wire)
{
    bool negative;
    uint8_t class = take_class(key, &mask, &negative);
    TRY(reader_status(key));
    if (class == CLASS_ZERO && !negative) {
        buffer_append_be32(out_wire, 0);
        buffer_append_u8(out_wire, 0);
        return buffer_status(out_wire);
    }
    if (class != CLASS_POSITIVE)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct buffer digits = {0};
    status st = take_nonzero_decimal(key, mask, negative, &digits, out_wire);
    buffer_deinit(&digits);
    return st;
}
