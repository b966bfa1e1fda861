#include <math.h>
#include <stdio.h>

#include "cql/calendar.h"
#include "cql/function.h"
#include "cql/number.h"
#include "cql/type_internal.h"

enum {
    DAY_MS = 86400000,
    DIGITS_MAX = 100000, /* of a decimal written out whole */
};

static bool is_text(enum type_id id)
{
    return id == TYPE_TEXT || id == TYPE_ASCII;
}

bool function_can_cast(const struct type *from, const struct type *to)
{
    const struct type_row *row = type_row(from->id);
    if (type_equal(from, to))
        return true;
    if (!row || !type_row(to->id))
        return false;
    if (type_is_number(from) && type_is_number(to))
        return to->id != TYPE_COUNTER;
    if (is_text(to->id))
        return from->id != TYPE_BLOB && from->id != TYPE_DURATION &&
               !(from->id == TYPE_TEXT && to->id == TYPE_ASCII);
    if (to->id == TYPE_TIMESTAMP)
        return from->id == TYPE_DATE || from->id == TYPE_TIMEUUID;
    return to->id == TYPE_DATE && (from->id == TYPE_TIMESTAMP || from->id == TYPE_TIMEUUID);
}

const struct type *function_cast_stand_in(const struct type *from, const struct type *to,
                                          enum cql_profile profile)
{
    static const struct {
        enum type_id from, to, stand_in;
    } pairs[] = {
        {TYPE_BIGINT, TYPE_DATE, TYPE_TIMESTAMP},
        {TYPE_INT, TYPE_TIMESTAMP, TYPE_DATE},
        {TYPE_TIMESTAMP, TYPE_BIGINT, TYPE_BIGINT},
        {TYPE_TIMESTAMP, TYPE_VARINT, TYPE_BIGINT},
    };
    for (size_t i = 0; cql_target_of(profile)->numbers_are_times && i < ARRAY_LEN(pairs); i++)
        if (pairs[i].from == from->id && pairs[i].to == to->id)
            return type_scalar(pairs[i].stand_in);
    return NULL;
}

/* ---- to text ---- */

static void cast_to_text(const struct type *from, struct slice wire, bool java, struct buffer *out)
{
    switch (from->id) {
    case TYPE_BOOLEAN: buffer_printf(out, "%s", wire.data[0] ? "true" : "false"); return;
    case TYPE_TIMESTAMP: {
        size_t start = out->bytes;
        if (!calendar_print_timestamp(out, type_integer(wire), TIMESTAMP_STYLE_JSON))
            type_print_integer(out, wire);
        else if (!out->failed)
            out->data[start + 10] = 'T';
        return;
    }
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        if (!java)
            type_json(out, from, wire);
        else if (from->id == TYPE_FLOAT)
            float_print_java(out, (float)floating_read(wire));
        else
            double_print_java(out, floating_read(wire));
        return;
    case TYPE_INET:
        if (java)
            type_print_inet_java(out, wire);
        else
            type_text(out, from, wire);
        return;
    default: type_text(out, from, wire);
    }
}

/* ---- between numbers ---- */

static bool is_floating(enum type_id id)
{
    return id == TYPE_FLOAT || id == TYPE_DOUBLE;
}

static void append_low_bytes(struct buffer *out, int64_t value, uint8_t bytes)
{
    uint8_t *at = buffer_extend(out, bytes);
    for (uint8_t i = 0; at && i < bytes; i++)
        at[i] = (uint8_t)((uint64_t)value >> (8 * (bytes - 1 - i)));
}

/* As Java casts: NaN is 0, too large is the largest; smaller integers take the low bytes of a 32-bit one. */
static int64_t integer_of_floating(double value, uint8_t bytes)
{
    int64_t most = bytes == 8 ? INT64_MAX : INT32_MAX;
    if (isnan(value))
        return 0;
    if (value >= (double)most)
        return most;
    return value <= -(double)most - 1 ? -most - 1 : (int64_t)value;
}

/* Digits before the point of what decimal_print() wrote in either of its forms; false when there are too many. */
static bool whole_part(struct slice wire, struct buffer *out)
{
    int64_t scale = (int32_t)load_be32(wire.data);
    struct slice unscaled = slice_of(wire.data + 4, wire.bytes - 4);
    if (scale < -DIGITS_MAX || unscaled.bytes > DIGITS_MAX)
        return false;
    size_t start = out->bytes;
    varint_print(out, unscaled);
    if (out->failed)
        return true;
    bool negative = out->data[start] == '-';
    int64_t digits = (int64_t)(out->bytes - start) - negative;
    for (; scale < 0; scale++)
        buffer_append_u8(out, '0');
    if (scale > 0 && scale < digits) {
        out->bytes -= (size_t)scale;
    } else if (scale > 0) {
        out->bytes = start;
        buffer_append_u8(out, '0');
    }
    return true;
}

/* The text that a number's other form is read from. */
static bool number_text(const struct type *from, struct slice wire, bool whole, struct buffer *out)
{
    if (from->id == TYPE_DECIMAL && whole)
        return whole_part(wire, out);
    if (!is_floating(from->id) || !whole) {
        if (is_floating(from->id)) {
            double value = floating_read(wire);
            if (!isfinite(value))
                return false;
            type_json(out, from, wire);
        } else {
            type_text(out, from, wire);
        }
        return true;
    }
    double value = trunc(floating_read(wire));
    if (!isfinite(value))
        return false;
    buffer_printf(out, "%.0f", value);
    /* -0.4 becomes "-0". */
    return true;
}

static bool cast_to_integer(const struct type *from, struct slice wire, uint8_t bytes, struct buffer *out)
{
    if (is_floating(from->id)) {
        append_low_bytes(out, integer_of_floating(floating_read(wire), bytes), bytes);
        return true;
    }
    struct buffer text = {0}, whole = {0};
    bool done = true;
    if (from->id == TYPE_DECIMAL) {
        done = whole_part(wire, &text) && varint_parse(buffer_slice(&text), &whole);
        wire = buffer_slice(&whole);
    }
    /* Low bytes, sign extended: what fits is kept, what does not wraps. */
    size_t kept = wire.bytes < 8 ? wire.bytes : 8;
    if (done)
        append_low_bytes(out, type_integer(slice_of(wire.data + (wire.bytes - kept), kept)), bytes);
    buffer_deinit(&text);
    buffer_deinit(&whole);
    return done;
}

static bool cast_to_floating(const struct type *from, const struct type *to, struct slice wire,
                             struct buffer *out)
{
    double value;
    if (is_floating(from->id)) {
        value = floating_read(wire);
    } else {
        struct buffer text = {0};
        bool read = number_text(from, wire, false, &text) && double_parse(buffer_slice(&text), &value);
        buffer_deinit(&text);
        if (!read)
            return false;
    }
    if (to->id == TYPE_DOUBLE) {
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        buffer_append_be64(out, bits);
    } else {
        float narrow = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        buffer_append_be32(out, bits);
    }
    return true;
}

static bool cast_number(const struct type *from, const struct type *to, struct slice wire, struct buffer *out)
{
    if (is_floating(to->id))
        return cast_to_floating(from, to, wire, out);
    uint8_t bytes = type_row(to->id)->wire_bytes;
    if (bytes)
        return cast_to_integer(from, wire, bytes, out);
    struct buffer text = {0};
    bool done = number_text(from, wire, to->id == TYPE_VARINT, &text);
    if (done)
        done = to->id == TYPE_VARINT ? varint_parse(buffer_slice(&text), out)
                                     : decimal_parse(buffer_slice(&text), out);
    buffer_deinit(&text);
    return done;
}

/* By way of 64 bits, as short as can be. */
static bool cast_to_long(const struct type *from, struct slice wire, struct buffer *out)
{
    static const uint8_t zero[1] = {0};
    struct buffer whole = {0};
    bool done = from->id == TYPE_VARINT || cast_to_integer(from, wire, 8, &whole);
    if (done && !whole.failed)
        varint_add(out, from->id == TYPE_VARINT ? wire : buffer_slice(&whole), slice_of(zero, 1));
    out->failed |= whole.failed;
    buffer_deinit(&whole);
    return done;
}

/* ---- between times ---- */

static void cast_time(const struct type *from, const struct type *to, struct slice wire, bool cut,
                      struct buffer *out)
{
    int64_t ms = from->id == TYPE_TIMEUUID ? timeuuid_ms(wire.data)
                 : from->id == TYPE_DATE   ? ((int64_t)load_be32(wire.data) - (INT64_C(1) << 31)) * DAY_MS
                                           : type_integer(wire);
    if (to->id == TYPE_TIMESTAMP)
        buffer_append_be64(out, (uint64_t)ms);
    else
        buffer_append_be32(out, (uint32_t)(ms / DAY_MS - (!cut && ms % DAY_MS < 0) + (INT64_C(1) << 31)));
}

bool function_cast(const struct type *from, const struct type *to, struct slice wire,
                   enum cql_profile profile, struct buffer *out_wire, bool *out_null, struct cql_error *error)
{
    *out_null = false;
    if (type_equal(from, to) || (is_text(from->id) && is_text(to->id))) {
        buffer_append_slice(out_wire, wire);
        return !out_wire->failed || cql_refuse(error, profile, MSG_NOMEM);
    }
    if (!wire.bytes || !type_validate(from, wire)) {
        *out_null = true;
        return true;
    }
    bool done = true, java = cql_target_of(profile)->casts_are_javas;
    if (is_text(to->id))
        cast_to_text(from, wire, java, out_wire);
    else if (type_is_number(from))
        done = java && to->id == TYPE_VARINT ? cast_to_long(from, wire, out_wire)
                                             : cast_number(from, to, wire, out_wire);
    else
        cast_time(from, to, wire, cql_target_of(profile)->dates_cut, out_wire);
    if (out_wire->failed)
        return cql_refuse(error, profile, MSG_NOMEM);
    if (done)
        return true;
    char why[128];
    snprintf(why, sizeof why, "the value has no form as a %s", type_scalar_name(to->id));
    return cql_refuse(error, profile, MSG_FUNCTION_VALUE, "cast", why);
}
