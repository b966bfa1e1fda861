#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>

#include "cql/calendar.h"
#include "cql/duration.h"
#include "cql/number.h"
#include "cql/parse.h"
#include "cql/type_internal.h"
#include "cql/uuid.h"

#define NS_PER_DAY (INT64_C(86400) * 1000000000)

enum {
    DATE_EPOCH = INT32_MIN, /* wire 2^31 is 1970-01-01 */
};

enum text_style {
    STYLE_SHELL,
    STYLE_LITERAL,
    STYLE_JSON,
    STYLE_JSON_JAVA, /* Cassandra's, which prints what Java prints */
};

static bool is_json(enum text_style style)
{
    return style == STYLE_JSON || style == STYLE_JSON_JAVA;
}

/* ---- scalars, without quotes ---- */

void type_print_text(struct buffer *out, struct slice wire)
{
    buffer_append_slice(out, wire);
}

void type_print_blob(struct buffer *out, struct slice wire)
{
    static const char digits[] = "0123456789abcdef";
    buffer_append(out, "0x", 2);
    uint8_t *at = buffer_extend(out, wire.bytes * 2);
    for (size_t i = 0; at && i < wire.bytes; i++) {
        *at++ = (uint8_t)digits[wire.data[i] >> 4];
        *at++ = (uint8_t)digits[wire.data[i] & 15];
    }
}

void type_print_integer(struct buffer *out, struct slice wire)
{
    buffer_printf(out, "%" PRIi64, type_integer(wire));
}

void type_print_boolean(struct buffer *out, struct slice wire)
{
    buffer_append(out, wire.data[0] ? "True" : "False", wire.data[0] ? 4 : 5);
}

static double double_of(struct slice wire)
{
    uint64_t bits = load_be64(wire.data);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_of(struct slice wire)
{
    uint32_t bits = load_be32(wire.data);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void type_print_double(struct buffer *out, struct slice wire)
{
    double_print(out, double_of(wire), "");
}

void type_print_float(struct buffer *out, struct slice wire)
{
    float_print(out, float_of(wire), "");
}

void type_print_timestamp(struct buffer *out, struct slice wire)
{
    int64_t ms = type_integer(wire);
    if (!calendar_print_timestamp(out, ms, TIMESTAMP_STYLE_SHELL))
        buffer_printf(out, "%" PRIi64, ms);
}

void type_print_date(struct buffer *out, struct slice wire)
{
    calendar_print_date(out, (int64_t)load_be32(wire.data) + DATE_EPOCH);
}

void type_print_time(struct buffer *out, struct slice wire)
{
    int64_t ns = type_integer(wire);
    if (ns >= 0 && ns < NS_PER_DAY)
        calendar_print_time(out, ns);
    else
        buffer_printf(out, "%" PRIi64, ns);
}

void type_print_uuid(struct buffer *out, struct slice wire)
{
    uuid_print(out, wire.data);
}

void type_print_inet(struct buffer *out, struct slice wire)
{
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(wire.bytes == 4 ? AF_INET : AF_INET6, wire.data, text, sizeof text))
        buffer_append(out, text, strlen(text));
}

void type_print_inet_java(struct buffer *out, struct slice wire)
{
    if (wire.bytes != 16) {
        type_print_inet(out, wire);
        return;
    }
    for (size_t i = 0; i < 16; i += 2)
        buffer_printf(out, "%s%x", i ? ":" : "", (unsigned)load_be16(wire.data + i));
}

void type_print_varint(struct buffer *out, struct slice wire)
{
    varint_print(out, wire);
}

void type_print_decimal(struct buffer *out, struct slice wire)
{
    decimal_print(out, wire);
}

void type_print_duration(struct buffer *out, struct slice wire)
{
    struct duration duration;
    if (duration_decode(wire, &duration) == DURATION_FINE)
        duration_print(out, duration);
}

/* ---- styles ---- */

static void append_quoted(struct buffer *out, struct slice text)
{
    buffer_append_u8(out, '\'');
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '\'')
            buffer_append_u8(out, '\'');
        buffer_append_u8(out, text.data[i]);
    }
    buffer_append_u8(out, '\'');
}

static void append_json_string(struct buffer *out, struct slice text)
{
    buffer_append_u8(out, '"');
    for (size_t i = 0; i < text.bytes; i++) {
        uint8_t c = text.data[i];
        switch (c) {
        case '"': buffer_append(out, "\\\"", 2); break;
        case '\\': buffer_append(out, "\\\\", 2); break;
        case '\n': buffer_append(out, "\\n", 2); break;
        case '\r': buffer_append(out, "\\r", 2); break;
        case '\t': buffer_append(out, "\\t", 2); break;
        case '\b': buffer_append(out, "\\b", 2); break;
        case '\f': buffer_append(out, "\\f", 2); break;
        default:
            if (c < 0x20)
                buffer_printf(out, "\\u%04x", c);
            else
                buffer_append_u8(out, c);
        }
    }
    buffer_append_u8(out, '"');
}

/* Literals that differ from what the shell shows. */
static void append_literal(struct buffer *out, const struct type_row *row, enum type_id id, struct slice wire)
{
    struct buffer text = {0};
    bool quoted = row->literal_quoted;
    switch (id) {
    case TYPE_TIMESTAMP:
        /* A year that the notation has no room for is written as the number that it is. */
        if (!calendar_print_timestamp(&text, type_integer(wire), TIMESTAMP_STYLE_LITERAL)) {
            type_print_integer(&text, wire);
            quoted = false;
        }
        break;
    case TYPE_TIME: {
        int64_t ns = type_integer(wire);
        quoted = ns >= 0 && ns < NS_PER_DAY;
        type_print_time(&text, wire);
        break;
    }
    case TYPE_BOOLEAN: buffer_printf(&text, "%s", wire.data[0] ? "true" : "false"); break;
    default: row->print(&text, wire);
    }
    if (quoted)
        append_quoted(out, buffer_slice(&text));
    else
        buffer_append_slice(out, buffer_slice(&text));
    out->failed = out->failed || text.failed;
    buffer_deinit(&text);
}

/* Where Java writes a value its own way; false where it does not. */
static bool print_java(struct buffer *out, enum type_id id, struct slice wire)
{
    struct duration duration;
    switch (id) {
    case TYPE_DOUBLE:
        if (isfinite(double_of(wire)))
            double_print_java(out, double_of(wire));
        return isfinite(double_of(wire));
    case TYPE_FLOAT:
        if (isfinite(float_of(wire)))
            float_print_java(out, float_of(wire));
        return isfinite(float_of(wire));
    case TYPE_INET: type_print_inet_java(out, wire); return true;
    case TYPE_DURATION: /* none of no length */
        return duration_decode(wire, &duration) == DURATION_FINE && !duration.months && !duration.days &&
               !duration.ns;
    default: return false;
    }
}

static void append_json_scalar(struct buffer *out, const struct type_row *row, enum type_id id,
                               struct slice wire, enum text_style style)
{
    struct buffer text = {0};
    bool bare = row->json_bare;
    bool printed = style == STYLE_JSON_JAVA && print_java(&text, id, wire);
    switch (printed ? TYPE_CUSTOM : id) {
    case TYPE_CUSTOM: break;
    case TYPE_BOOLEAN: buffer_printf(&text, "%s", wire.data[0] ? "true" : "false"); break;
    case TYPE_DOUBLE: double_print(&text, double_of(wire), ".0"); break;
    case TYPE_FLOAT: float_print(&text, float_of(wire), ".0"); break;
    case TYPE_TIMESTAMP:
        if (!calendar_print_timestamp(&text, type_integer(wire), TIMESTAMP_STYLE_JSON))
            type_print_integer(&text, wire);
        break;
    default: row->print(&text, wire);
    }
    struct slice made = buffer_slice(&text);
    /* JSON knows neither NaN nor Infinity. */
    bool special =
        (id == TYPE_DOUBLE || id == TYPE_FLOAT) && made.bytes && memchr(made.data, 'N', made.bytes);
    special = special ||
              ((id == TYPE_DOUBLE || id == TYPE_FLOAT) && made.bytes && memchr(made.data, 'I', made.bytes));
    if (special)
        buffer_append(out, "null", 4);
    else if (bare)
        buffer_append_slice(out, made);
    else
        append_json_string(out, made);
    out->failed = out->failed || text.failed;
    buffer_deinit(&text);
}

static void append_scalar(struct buffer *out, const struct type *type, struct slice wire,
                          enum text_style style, bool nested)
{
    const struct type_row *row = type_row(type->id);
    bool textual = type->id == TYPE_TEXT || type->id == TYPE_ASCII || type->id == TYPE_BLOB;
    /* Whoever prints a value that is none shows its bytes. */
    if (wire.bytes && !type_validate(type, wire) && !textual) {
        if (is_json(style))
            buffer_append_u8(out, '"');
        type_print_blob(out, wire);
        if (is_json(style))
            buffer_append_u8(out, '"');
        return;
    }
    if (!wire.bytes && !textual) {
        if (is_json(style))
            buffer_append(out, "\"\"", 2);
        else if (style == STYLE_LITERAL)
            buffer_printf(out, "blobAs%c%s(0x)", row->name[0] - 'a' + 'A', row->name + 1);
        return;
    }
    if (is_json(style))
        append_json_scalar(out, row, type->id, wire, style);
    else if (style == STYLE_LITERAL || (nested && row->literal_quoted))
        append_literal(out, row, type->id, wire);
    else
        row->print(out, wire);
}

static void append_value(struct buffer *out, const struct type *type, struct slice wire,
                         enum text_style style, bool nested);

/* A JSON object's keys are strings whatever their type. */
static void append_json_key(struct buffer *out, const struct type *type, struct slice wire,
                            enum text_style style)
{
    struct buffer text = {0};
    append_value(&text, type, wire, style, true);
    struct slice made = buffer_slice(&text);
    if (made.bytes && made.data[0] == '"')
        buffer_append_slice(out, made);
    else
        append_json_string(out, made);
    out->failed = out->failed || text.failed;
    buffer_deinit(&text);
}

static bool has_capital(const char *name)
{
    for (; *name; name++)
        if (*name >= 'A' && *name <= 'Z')
            return true;
    return false;
}

/* The name of a field, before its value. In JSON a name with capitals has its quotes inside the string. */
static void append_field_name(struct buffer *out, const char *name, enum text_style style)
{
    if (is_json(style)) {
        struct buffer text = {0};
        buffer_printf(&text, has_capital(name) ? "\"%s\"" : "%s", name);
        append_json_string(out, buffer_slice(&text));
        out->failed = out->failed || text.failed;
        buffer_deinit(&text);
    } else {
        parse_put_name(out, name);
    }
    buffer_append(out, ": ", 2);
}

struct brackets {
    char open, close;
};

static struct brackets brackets_of(const struct type *type, enum text_style style)
{
    if (type->id == TYPE_LIST || type->id == TYPE_VECTOR ||
        (is_json(style) && (type->id == TYPE_SET || type->id == TYPE_TUPLE)))
        return (struct brackets){'[', ']'};
    return type->id == TYPE_TUPLE ? (struct brackets){'(', ')'} : (struct brackets){'{', '}'};
}

static void append_items(struct buffer *out, const struct type *type, struct slice wire,
                         enum text_style style)
{
    bool map = type->id == TYPE_MAP, members = type_has_members(type);
    struct brackets brackets = brackets_of(type, style);
    buffer_append_u8(out, (uint8_t)brackets.open);
    struct type_items items = type_items_of(type, wire);
    struct slice item;
    bool null;
    for (uint32_t i = 0; members ? i < type->member_count : items.left > 0; i++) {
        if (!type_items_next(&items, &item, &null)) {
            if (!members)
                break;
            null = true; /* a value written before the type had this field */
        }
        bool value_of_entry = map && i % 2;
        if (value_of_entry)
            buffer_append(out, ": ", 2);
        else if (i)
            buffer_append(out, ", ", 2);
        if (type->id == TYPE_UDT)
            append_field_name(out, type->field_names[i], style);
        if (null)
            buffer_append(out, "null", 4);
        else if (is_json(style) && map && !value_of_entry)
            append_json_key(out, type_item(type, i), item, style);
        else
            append_value(out, type_item(type, i), item, style, true);
    }
    buffer_append_u8(out, (uint8_t)brackets.close);
}

static void append_value(struct buffer *out, const struct type *type, struct slice wire,
                         enum text_style style, bool nested)
{
    if (type_row(type->id))
        append_scalar(out, type, wire, style, nested);
    else
        append_items(out, type, wire, style);
}

void type_text(struct buffer *out, const struct type *type, struct slice wire)
{
    append_value(out, type, wire, STYLE_SHELL, false);
}

void type_literal(struct buffer *out, const struct type *type, struct slice wire)
{
    append_value(out, type, wire, STYLE_LITERAL, false);
}

void type_json(struct buffer *out, const struct type *type, struct slice wire)
{
    append_value(out, type, wire, STYLE_JSON, false);
}

void type_json_for(struct buffer *out, const struct type *type, struct slice wire,
                   const struct cql_target *target)
{
    append_value(out, type, wire, target->is_scylla ? STYLE_JSON : STYLE_JSON_JAVA, false);
}
