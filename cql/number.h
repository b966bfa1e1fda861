/*
 * number.h: whole and decimal numbers of any size, and floating ones, as wire bytes and as text.
 */
#ifndef STRAIT_CQL_NUMBER_H
#define STRAIT_CQL_NUMBER_H

#include "base/buffer.h"

/* varint: two's complement, big-endian, as short as can be when written. */
int varint_compare(struct slice a, struct slice b);
void varint_print(struct buffer *out, struct slice wire);
/* [-]digits; false when the text is anything else. */
bool varint_parse(struct slice text, struct buffer *out_wire);
void varint_add(struct buffer *out_wire, struct slice a, struct slice b);
/* Cut to a whole number. */
void varint_divide(struct buffer *out_wire, struct slice wire, int64_t divisor);

/* decimal: a scale of four bytes, then an unscaled varint: unscaled * 10^-scale. */
int decimal_compare(struct slice a, struct slice b);
/* Plain when that is short, else with an exponent: 1.50, 1E+20, 1.5E-10. */
void decimal_print(struct buffer *out, struct slice wire);
/* [-]digits[.digits][e[+-]digits] */
bool decimal_parse(struct slice text, struct buffer *out_wire);
/* With the larger scale of the two; false when they are so far apart that the sum would have absurdly many digits. */
bool decimal_add(struct buffer *out_wire, struct slice a, struct slice b);
/* With the scale of `wire`, rounded half to even. */
void decimal_divide(struct buffer *out_wire, struct slice wire, int64_t divisor);

/* a op b for + - * / %; whole quotients are cut towards zero. False for a division by zero, and for decimals whose scales
 * are so large or so far apart that the result would have absurdly many digits. */
bool varint_operate(struct buffer *out_wire, char op, struct slice a, struct slice b);
bool decimal_operate(struct buffer *out_wire, char op, struct slice a, struct slice b);
/* The number that Java's shortest text of `value` stands for: 7.0, 1.0E+20. False for NaN and the infinities. */
bool decimal_from_double(struct buffer *out_wire, double value);
/* To a whole number, half away from zero. */
bool decimal_round(struct buffer *out_wire, struct slice wire);

/* The number of four (float) or eight bytes (double); 0 of no bytes. */
double floating_read(struct slice wire);
/* As a float when `narrow`, else as a double. */
void floating_append(struct buffer *out, double value, bool narrow);
/* As Java writes them. */
void double_print_java(struct buffer *out, double value);
void float_print_java(struct buffer *out, float value);
/* The shortest text that reads back to the same number; NaN, Infinity. `whole_suffix` follows a number without point
 * or exponent ("" or ".0"). Independent of the process's locale. */
void double_print(struct buffer *out, double value, const char *whole_suffix);
void float_print(struct buffer *out, float value, const char *whole_suffix);
bool double_parse(struct slice text, double *out_value);
bool float_parse(struct slice text, float *out_value);

#endif
