/*
 * function_vector.c: how alike two vectors of floats are, from 0 to 1 for vectors of length 1.
 */
#include <math.h>

#include "cql/function_internal.h"

struct products {
    double a_b, a_a, b_b, apart;
};

static double float_at(struct slice wire, size_t at)
{
    uint32_t bits = load_be32(wire.data + 4 * at);
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static struct products products_of(struct slice a, struct slice b)
{
    struct products sums = {0};
    size_t count = (a.bytes < b.bytes ? a.bytes : b.bytes) / 4;
    for (size_t i = 0; i < count; i++) {
        double x = float_at(a, i), y = float_at(b, i);
        sums.a_b += x * y;
        sums.a_a += x * x;
        sums.b_b += y * y;
        sums.apart += (x - y) * (x - y);
    }
    return sums;
}

static bool put(struct buffer *out, double value)
{
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    buffer_append_be32(out, bits);
    return true;
}

EVALUATOR(similarity_cosine)
{
    UNUSED_HERE;
    struct products sums = products_of(arguments[0].bytes, arguments[1].bytes);
    double cosine = sums.a_b / sqrt(sums.a_a * sums.b_b);
    return put(out_wire, (1 + cosine) / 2);
}

EVALUATOR(similarity_euclidean)
{
    UNUSED_HERE;
    return put(out_wire, 1 / (1 + products_of(arguments[0].bytes, arguments[1].bytes).apart));
}

EVALUATOR(similarity_dot_product)
{
    UNUSED_HERE;
    return put(out_wire, (1 + products_of(arguments[0].bytes, arguments[1].bytes).a_b) / 2);
}
