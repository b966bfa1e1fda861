/*
 * function_operation.c: arithmetic between numbers, joined texts, and the mathematics of one number.
 *
 * Two numbers meet in the wider type of the two: a fraction on either side makes it a fraction. Whole numbers of a fixed
 * size wrap around, as in Java.
 */
#include <math.h>
#include <stdio.h>

#include "cql/function_internal.h"
#include "cql/number.h"

enum {
    UNLIMITED = 255, /* bytes of varint and decimal */
};

/* ---- types ---- */

static unsigned number_bytes(const struct type *type)
{
    const struct type_row *row = type_row(type->id);
    return row && row->wire_bytes ? row->wire_bytes : UNLIMITED;
}

static bool has_fraction(const struct type *type)
{
    return type->id == TYPE_FLOAT || type->id == TYPE_DOUBLE || type->id == TYPE_DECIMAL;
}

const struct type *function_wider(const struct type *a, const struct type *b)
{
    unsigned bytes = number_bytes(a) > number_bytes(b) ? number_bytes(a) : number_bytes(b);
    if (has_fraction(a) || has_fraction(b))
        return type_scalar(bytes <= 4 ? TYPE_FLOAT : bytes == 8 ? TYPE_DOUBLE : TYPE_DECIMAL);
    switch (bytes) {
    case 1: return type_scalar(TYPE_TINYINT);
    case 2: return type_scalar(TYPE_SMALLINT);
    case 4: return type_scalar(TYPE_INT);
    case 8: return type_scalar(TYPE_BIGINT);
    default: return type_scalar(TYPE_VARINT);
    }
}

/* ---- refusals ---- */

bool function_refuse_operation(const struct function_call *call,
                               const struct function_environment *environment, const char *why,
                               struct cql_error *error)
{
    struct buffer left = {0}, right = {0};
    type_name(&left, call->arguments[0]);
    buffer_append_u8(&left, 0);
    if (call->function->argument_count > 1)
        type_name(&right, call->arguments[1]);
    buffer_append_u8(&right, 0);
    char sign[2] = {call->function->op, 0};
    if (left.failed || right.failed)
        cql_refuse(error, environment->profile, MSG_NOMEM);
    else
        cql_refuse(error, environment->profile, MSG_OPERATION_FAILED, (const char *)left.data, sign,
                   (const char *)right.data, why);
    snprintf(error->keyspace, sizeof error->keyspace, "system");
    snprintf(error->table, sizeof error->table, "%s", sign);
    buffer_deinit(&left);
    buffer_deinit(&right);
    return false;
}

/* ---- values ---- */

static void put_whole(struct buffer *out, const struct type *type, int64_t value)
{
    unsigned bytes = number_bytes(type);
    for (unsigned i = bytes; i-- > 0;)
        buffer_append_u8(out, (uint8_t)((uint64_t)value >> (8 * i)));
}

/* One operand as a value of the result's type. */
static bool convert(const struct type *from, const struct type *to, struct slice wire,
                    const struct function_environment *environment, struct buffer *out,
                    struct cql_error *error)
{
    bool null = false;
    struct buffer wide = {0};
    /* Where they meet a decimal, numbers of a fixed size go by way of a double, and so does its text: 7 is 7.0. */
    bool by_double = to->id == TYPE_DECIMAL && number_bytes(from) != UNLIMITED && from->id != TYPE_FLOAT;
    if (!by_double)
        return function_cast(from, to, wire, environment->profile, out, &null, error);
    const struct type *middle = type_scalar(TYPE_DOUBLE);
    bool done = function_cast(from, middle, wire, environment->profile, &wide, &null, error) &&
                decimal_from_double(out, floating_read(buffer_slice(&wide)));
    buffer_deinit(&wide);
    return done || error->code != CQL_OK ||
           cql_refuse(error, environment->profile, MSG_FUNCTION_VALUE, "cast", "the value is no decimal");
}

/* ---- a op b ---- */

static int64_t wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* False when b is zero and must not be. */
static bool whole_operation(char op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case '+': *out = wrap_add(a, b); return true;
    case '-': *out = (int64_t)((uint64_t)a - (uint64_t)b); return true;
    case '*': *out = (int64_t)((uint64_t)a * (uint64_t)b); return true;
    default: break;
    }
    if (!b)
        return false;
    if (b == -1)
        *out = op == '/' ? (int64_t)(0 - (uint64_t)a) : 0;
    else
        *out = op == '/' ? a / b : a % b;
    return true;
}

static double floating_operation(char op, double a, double b)
{
    switch (op) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '/': return a / b;
    default: return fmod(a, b);
    }
}

static bool operate(const struct function_call *call, struct slice a, struct slice b,
                    const struct function_environment *environment, struct buffer *out_wire,
                    struct cql_error *error)
{
    const struct type *type = call->returns;
    char op = call->function->op;
    if (type->id == TYPE_DECIMAL)
        return decimal_operate(out_wire, op, a, b)
                   ? true
                   : function_refuse_operation(call, environment,
                                               op == '/' ? "BigInteger divide by zero" : "Division by zero",
                                               error);
    if (type->id == TYPE_VARINT)
        return varint_operate(out_wire, op, a, b)
                   ? true
                   : function_refuse_operation(call, environment, "BigInteger divide by zero", error);
    if (has_fraction(type)) {
        floating_append(out_wire, floating_operation(op, floating_read(a), floating_read(b)),
                        type->id == TYPE_FLOAT);
        return true;
    }
    int64_t value;
    if (!whole_operation(op, type_integer(a), type_integer(b), &value))
        return function_refuse_operation(call, environment, "/ by zero", error);
    put_whole(out_wire, type, value);
    return true;
}

EVALUATOR(operation)
{
    UNUSED_HERE;
    struct buffer left = {0}, right = {0};
    bool done = convert(call->arguments[0], call->returns, arguments[0].bytes, environment, &left, error) &&
                convert(call->arguments[1], call->returns, arguments[1].bytes, environment, &right, error);
    if (done && (left.failed || right.failed))
        done = cql_refuse(error, environment->profile, MSG_NOMEM);
    done = done && operate(call, buffer_slice(&left), buffer_slice(&right), environment, out_wire, error);
    buffer_deinit(&left);
    buffer_deinit(&right);
    return done;
}

EVALUATOR(negate)
{
    UNUSED_HERE;
    const struct type *type = call->returns;
    struct slice wire = arguments[0].bytes;
    static const uint8_t zero[1] = {0};
    if (type->id == TYPE_DECIMAL) { /* the scale stays */
        buffer_append_slice(out_wire, slice_of(wire.data, 4));
        return varint_operate(out_wire, '-', slice_of(zero, 1), slice_of(wire.data + 4, wire.bytes - 4));
    }
    if (type->id == TYPE_VARINT)
        return varint_operate(out_wire, '-', slice_of(zero, 1), wire);
    if (has_fraction(type))
        floating_append(out_wire, -floating_read(wire), type->id == TYPE_FLOAT);
    else
        put_whole(out_wire, type, (int64_t)(0 - (uint64_t)type_integer(wire)));
    return true;
}

EVALUATOR(concatenate)
{
    UNUSED_HERE;
    buffer_append_slice(out_wire, arguments[0].bytes);
    buffer_append_slice(out_wire, arguments[1].bytes);
    return true;
}

/* ---- mathematics of one number, by way of double or of the number itself ---- */

static bool from_double(const struct function_call *call, double value,
                        const struct function_environment *environment, struct buffer *out_wire,
                        struct cql_error *error)
{
    uint8_t wire[8];
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    store_be64(wire, bits);
    return convert(type_scalar(TYPE_DOUBLE), call->returns, slice_of(wire, sizeof wire), environment,
                   out_wire, error);
}

static bool apply(double (*function)(double), const char *refused, const struct function_call *call,
                  const struct cql_value *arguments, const struct function_environment *environment,
                  struct buffer *out_wire, struct cql_error *error)
{
    struct buffer wide = {0};
    bool done = convert(call->arguments[0], type_scalar(TYPE_DOUBLE), arguments[0].bytes, environment, &wide,
                        error) &&
                !wide.failed;
    double value = done ? floating_read(buffer_slice(&wide)) : 0;
    buffer_deinit(&wide);
    if (!done)
        return false;
    /* Numbers of any size have no infinities and nothing that is no number. */
    double result = function(value);
    if (number_bytes(call->returns) == UNLIMITED && !isfinite(result))
        return cql_refuse(error, environment->profile, MSG_MATHEMATICS, refused);
    return from_double(call, result, environment, out_wire, error);
}

EVALUATOR(exp)
{
    UNUSED_HERE;
    return apply(exp, "Overflow", call, arguments, environment, out_wire, error);
}

EVALUATOR(log)
{
    UNUSED_HERE;
    return apply(log, "Natural log of number zero or less", call, arguments, environment, out_wire, error);
}

EVALUATOR(log10)
{
    UNUSED_HERE;
    return apply(log10, "Log10 of number zero or less", call, arguments, environment, out_wire, error);
}

/* The sign of any number's bytes. */
static bool is_negative(const struct type *type, struct slice wire)
{
    size_t at = type->id == TYPE_DECIMAL ? 4 : 0;
    return wire.bytes > at && (wire.data[at] & 0x80);
}

EVALUATOR(abs)
{
    if (is_negative(call->returns, arguments[0].bytes))
        return evaluate_negate(call, arguments, environment, out_wire, out_null, error);
    buffer_append_slice(out_wire, arguments[0].bytes);
    return true;
}

/* To a whole number that an int (of a float) or a bigint can hold: what is beyond is cut to the largest of those. */
static double round_half_up(double value, bool narrow)
{
    double most = narrow ? (double)INT32_MAX : (double)INT64_MAX;
    double least = narrow ? (double)INT32_MIN : (double)INT64_MIN;
    if (isnan(value))
        return 0;
    double rounded = floor(value + 0.5);
    return rounded < least ? least : rounded > most ? most : rounded;
}

/* Half away from zero for decimals, half up for floats: as Java's BigDecimal and Math do. */
EVALUATOR(round)
{
    UNUSED_HERE;
    const struct type *type = call->returns;
    struct slice wire = arguments[0].bytes;
    if (type->id == TYPE_DECIMAL)
        return decimal_round(out_wire, wire) ||
               function_refuse_operation(call, environment, "out of range", error);
    if (has_fraction(type))
        floating_append(out_wire, round_half_up(floating_read(wire), type->id == TYPE_FLOAT),
                        type->id == TYPE_FLOAT);
    else
        buffer_append_slice(out_wire, wire);
    return true;
}
