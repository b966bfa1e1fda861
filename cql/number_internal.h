/* number_internal.h: what the files of large numbers share. */
#ifndef STRAIT_CQL_NUMBER_INTERNAL_H
#define STRAIT_CQL_NUMBER_INTERNAL_H

#include <gmp.h>

#include "cql/number.h"

enum {
    NUMBER_SCALES_APART_MAX = 10000, /* of two decimals that meet in one operation */
};

/* The number of a varint's bytes, into an initialized one; and back, as short as can be. `number` is changed. */
void number_import(mpz_t out, struct slice wire);
void number_export(struct buffer *out, mpz_t number);

/* The parts of a decimal. */
struct slice number_unscaled(struct slice wire);
int64_t number_scale(struct slice wire);
/* Give both the larger scale of the two. */
void number_align(mpz_t a, int64_t a_scale, mpz_t b, int64_t b_scale);

/* A double, or a float (`narrow`), with as few digits as give it back, but no fewer than `fewest`. */
void number_print_floating(struct buffer *out, double value, bool narrow, int fewest,
                           const char *whole_suffix);

#endif
