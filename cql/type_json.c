/*
 * type_json.c: values from JSON, as INSERT JSON and fromJson() take them. Words of refusals are those of Cassandra's types and
 * ScyllaDB's type_json: where they differ a function's name says whose they are.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cql/json.h"
#include "cql/number.h"
#include "cql/type_internal.h"

enum {
    SHOWN_BYTES_MAX = 200, /* of a value in a refusal */
};

#define SHOWN(text) \
    (int)((text).bytes < SHOWN_BYTES_MAX ? (text).bytes : SHOWN_BYTES_MAX), (const char *)(text).data

struct from_json {
    const struct cql_target *target;
    struct arena *scratch;
    char *why; /* TYPE_WHY_BYTES */
};

static bool read_json(const struct from_json *how, const struct type *type, struct json_value value,
                      struct buffer *out);

#define REFUSE(how, ...) (snprintf((how)->why, TYPE_WHY_BYTES, __VA_ARGS__), false)

static bool no_memory(const struct from_json *how)
{
    how->why[0] = 0;
    return false;
}

/* ---- scalars ---- */

static bool integer_of(struct slice text, int64_t *out_number)
{
    bool negative = text.bytes && text.data[0] == '-';
    int64_t number = 0;
    for (size_t i = negative; i < text.bytes; i++) {
        int64_t digit = text.data[i] - '0';
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, negative ? -digit : digit, &number))
            return false;
    }
    *out_number = number;
    return true;
}

/* The Java class that Cassandra's parser makes of a value: refusals name it. */
static const char *java_class(struct json_value value)
{
    switch (value.kind) {
    case JSON_STRING: return "String";
    case JSON_BOOLEAN: return "Boolean";
    case JSON_ARRAY: return "ArrayList";
    case JSON_OBJECT: return "LinkedHashMap";
    case JSON_NULL: return "null";
    case JSON_NUMBER: break;
    }
    if (!json_is_integer(value))
        return "Double";
    int64_t number;
    if (!integer_of(value.text, &number))
        return "BigInteger";
    return number >= INT32_MIN && number <= INT32_MAX ? "Integer" : "Long";
}

/* What Java would print: the text of a string, a number as a double where it is one. */
static bool shown_text(const struct from_json *how, struct json_value value, struct slice *out_text)
{
    double number;
    *out_text = value.text;
    if (value.kind == JSON_STRING)
        return json_string(how->scratch, value, out_text) || no_memory(how);
    if (value.kind != JSON_NUMBER || json_is_integer(value) || !double_parse(value.text, &number) ||
        !isfinite(number))
        return true;
    struct buffer text = {0};
    double_print_java(&text, number);
    *out_text = arena_copy(how->scratch, buffer_slice(&text));
    buffer_deinit(&text);
    return out_text->data || no_memory(how);
}

static bool refuse_kind(const struct from_json *how, const char *wanted, struct json_value value)
{
    struct slice text;
    if (!shown_text(how, value, &text))
        return false;
    return REFUSE(how, "Expected %s, but got a %s: %.*s", wanted, java_class(value), SHOWN(text));
}

/* "java.lang.Integer" */
static const char *java_package(struct json_value value)
{
    const char *name = java_class(value);
    return value.kind == JSON_ARRAY || value.kind == JSON_OBJECT ? "java.util"
           : strcmp(name, "BigInteger") == 0                     ? "java.math"
                                                                 : "java.lang";
}

static bool refuse_java(const struct from_json *how, const struct type *type, const struct type_row *row,
                        struct json_value value)
{
    struct slice text;
    const char *package = java_package(value), *name = java_class(value);
    if (!shown_text(how, value, &text))
        return false;
    switch (type->id) {
    case TYPE_DECIMAL:
    case TYPE_VARINT:
        return REFUSE(how, "Value '%.*s' is not a valid representation of a %s value", SHOWN(text),
                      row->name);
    case TYPE_BLOB:
        return REFUSE(how,
                      "Value '%.*s' is not a valid blob representation: class %s.%s cannot be cast to class "
                      "java.lang.String (%s.%s and java.lang.String are in module java.base of loader "
                      "'bootstrap')",
                      SHOWN(text), package, name, package, name);
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
        if (value.kind == JSON_NUMBER)
            return REFUSE(how, "Unable to make %s from '%.*s'", type->id == TYPE_TINYINT ? "byte" : "short",
                          SHOWN(text));
        return refuse_kind(how, row->json_wanted, value);
    default: return refuse_kind(how, row->json_wanted, value);
    }
}

static bool refuse_scalar(const struct from_json *how, const struct type *type, const struct type_row *row,
                          struct json_value value)
{
    if (!how->target->is_scylla)
        return refuse_java(how, type, row, value);
    if (row->is_integer || row->wire_bytes == 8)
        return REFUSE(how, "Incorrect JSON value for int64 type: %.*s", SHOWN(value.text));
    return REFUSE(how, "%s must be represented as string in JSON, instead got '%.*s'", row->name,
                  SHOWN(value.text));
}

/* ScyllaDB takes 1.3e8 and 12.0 for whole numbers. */
static bool whole_number(const struct from_json *how, struct slice text, struct slice *out_digits)
{
    double value, whole;
    if (!double_parse(text, &value))
        return REFUSE(how, "Incorrect JSON value for int64 type: %.*s", SHOWN(text));
    double fraction = modf(value, &whole);
    if (fraction != 0)
        return REFUSE(how,
                      "Incorrect JSON floating-point value for int64 type: %.*s (it should not contain "
                      "fractional part %g)",
                      SHOWN(text), fraction);
    if (fabs(whole) >= 0x1p63)
        return REFUSE(how, "Value %g out of range", value);
    char *digits = arena_printf(how->scratch, "%lld", (long long)whole);
    if (!digits)
        return no_memory(how);
    *out_digits = slice_text(digits);
    return true;
}

static bool takes_whole_numbers(const struct type *type)
{
    switch (type->id) {
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_COUNTER:
    case TYPE_TIMESTAMP: return true;
    default: return false;
    }
}

/* The text that a literal of the type would have. */
static bool literal_text(const struct from_json *how, const struct type *type, const struct type_row *row,
                         struct json_value value, struct slice *out_text)
{
    *out_text = value.text;
    if (value.kind == JSON_STRING)
        return json_string(how->scratch, value, out_text) || no_memory(how);
    if (value.kind == JSON_NUMBER && type->id == TYPE_DECIMAL && !how->target->is_scylla)
        return shown_text(how, value, out_text);
    /* What Java holds in an int is no long to Cassandra. */
    if (value.kind == JSON_NUMBER && type->id == TYPE_TIMESTAMP && !how->target->is_scylla &&
        strcmp(java_class(value), "Integer") == 0)
        return refuse_kind(how, row->json_wanted, value);
    if (value.kind != JSON_NUMBER || !takes_whole_numbers(type) || json_is_integer(value))
        return true;
    return how->target->is_scylla ? whole_number(how, value.text, out_text)
                                  : refuse_scalar(how, type, row, value);
}

static bool check_blob(const struct from_json *how, struct slice text)
{
    if (text.bytes >= 2 && text.data[0] == '0' && text.data[1] == 'x')
        return true;
    if (how->target->is_scylla)
        return REFUSE(how, "Blob JSON strings must start with 0x");
    return REFUSE(how,
                  "Value '%.*s' is not a valid blob representation: String representation of blob is missing "
                  "0x prefix: %.*s",
                  SHOWN(text), SHOWN(text));
}

static bool read_scalar(const struct from_json *how, const struct type *type, const struct type_row *row,
                        struct json_value value, struct buffer *out)
{
    struct slice text;
    if (!(row->json_kinds & 1u << value.kind))
        return refuse_scalar(how, type, row, value);
    if (!literal_text(how, type, row, value, &text) || (type->id == TYPE_BLOB && !check_blob(how, text)))
        return false;
    if (value.kind == JSON_STRING && !text.bytes &&
        row->json_empty & (how->target->is_scylla ? IN_SCYLLA : IN_CASSANDRA))
        return true; /* the empty value (NUL-7) */
    enum literal_kind kind = value.kind == JSON_NUMBER ? LITERAL_INTEGER : LITERAL_STRING;
    if (row->read(row, kind, text, how->target, out, how->why, TYPE_WHY_BYTES))
        return !out->failed || no_memory(how);
    /* A number that does not fit is of another class, in Cassandra's eyes. */
    bool classed = type->id == TYPE_INT || type->id == TYPE_BIGINT || type->id == TYPE_TIMESTAMP;
    if (how->target->is_scylla && value.kind == JSON_NUMBER && takes_whole_numbers(type))
        return REFUSE(how, "Value %.*s out of range", SHOWN(text));
    if (!how->target->is_scylla && value.kind == JSON_NUMBER && classed)
        return refuse_kind(how, row->json_wanted, value);
    if (!how->target->is_scylla && (type->id == TYPE_DECIMAL || type->id == TYPE_VARINT))
        return shown_text(how, value, &text) &&
               REFUSE(how, "Value '%.*s' is not a valid representation of a %s value", SHOWN(text),
                      row->name);
    return false;
}

/* ---- composites ---- */

/* Items gathered while their number is not known. */
struct gathered {
    struct type_value *values; /* scratch */
    uint32_t count, capacity;
};

static bool gather(const struct from_json *how, struct gathered *items, const struct type *type,
                   const struct json_value *value)
{
    struct type_value *grown =
        arena_grow(how->scratch, items->values, items->count, &items->capacity, sizeof *grown);
    if (!grown)
        return no_memory(how);
    items->values = grown;
    struct type_value *item = &items->values[items->count++];
    *item = (struct type_value){.is_null = !value || value->kind == JSON_NULL};
    if (item->is_null)
        return true;
    struct buffer wire = {0};
    bool read = read_json(how, type, *value, &wire);
    if (read) {
        item->bytes = arena_copy(how->scratch, buffer_slice(&wire));
        if (wire.bytes && !item->bytes.data)
            read = no_memory(how);
    }
    buffer_deinit(&wire);
    return read;
}

static bool refuse_composite(const struct from_json *how, const struct type *type, struct json_value value)
{
    if (how->target->is_scylla)
        return REFUSE(how, "%s_type must be represented as JSON %s",
                      type->id == TYPE_LIST     ? "list"
                      : type->id == TYPE_VECTOR ? "vector"
                      : type->id == TYPE_SET    ? "set"
                      : type->id == TYPE_MAP    ? "map"
                      : type->id == TYPE_TUPLE  ? "tuple"
                                                : "user",
                      type->id == TYPE_MAP || type->id == TYPE_UDT ? "Object" : "Array");
    return refuse_kind(how,
                       type->id == TYPE_LIST || type->id == TYPE_VECTOR ? "a list"
                       : type->id == TYPE_SET                           ? "a list (representing a set)"
                       : type->id == TYPE_TUPLE                         ? "a list representation of a tuple"
                                                                        : "a map",
                       value);
}

static uint32_t count_items(struct json_value value)
{
    struct json_items items = json_items_of(value);
    struct json_value unused, item;
    uint32_t count = 0;
    while (json_items_next(&items, &unused, &item))
        count++;
    return count;
}

static bool read_array(const struct from_json *how, const struct type *type, struct json_value value,
                       struct gathered *out)
{
    struct json_items items = json_items_of(value);
    struct json_value unused, item;
    if (type->id == TYPE_VECTOR && count_items(value) != type->dimension)
        return REFUSE(how, "List had incorrect size: expected %u but given %u; %.*s",
                      (unsigned)type->dimension, (unsigned)count_items(value), SHOWN(value.text));
    while (json_items_next(&items, &unused, &item)) {
        if (item.kind == JSON_NULL)
            return REFUSE(how, "Invalid null element in %s", type->id == TYPE_SET ? "set" : "list");
        if (!gather(how, out, type->first, &item))
            return false;
    }
    return true;
}

static bool read_map(const struct from_json *how, const struct type *type, struct json_value value,
                     struct gathered *out)
{
    struct json_items items = json_items_of(value);
    struct json_value key, item;
    while (json_items_next(&items, &key, &item)) {
        if (item.kind == JSON_NULL)
            return REFUSE(how, "Invalid null value in map");
        if (!gather(how, out, type->first, &key) || !gather(how, out, type->second, &item))
            return false;
    }
    return true;
}

static bool read_tuple(const struct from_json *how, const struct type *type, struct json_value value,
                       struct gathered *out)
{
    struct json_value unused, item;
    uint32_t count = count_items(value);
    if (count > type->member_count && how->target->is_scylla)
        return REFUSE(how, "Too many values (%u) for tuple with size %u", (unsigned)count,
                      (unsigned)type->member_count);
    if (count > type->member_count)
        return REFUSE(how, "Tuple contains extra items (expected %u): %.*s", (unsigned)type->member_count,
                      SHOWN(value.text));
    if (count < type->member_count && !how->target->is_scylla)
        return REFUSE(how, "Tuple is missing items (expected %u): %.*s", (unsigned)type->member_count,
                      SHOWN(value.text));
    struct json_items items = json_items_of(value);
    while (json_items_next(&items, &unused, &item))
        if (!gather(how, out, type->members[out->count], &item))
            return false;
    return true;
}

/* As names are in CQL: without quotes of their own they fold to lower case. */
static bool field_name(const struct from_json *how, struct json_value key, struct slice *out_name)
{
    if (!json_string(how->scratch, key, out_name))
        return no_memory(how);
    struct slice name = *out_name;
    if (name.bytes >= 2 && name.data[0] == '"' && name.data[name.bytes - 1] == '"') {
        *out_name = slice_of(name.data + 1, name.bytes - 2);
        return true;
    }
    if (how->target->is_scylla)
        return true;
    uint8_t *folded = arena_alloc(how->scratch, name.bytes + 1);
    if (!folded)
        return no_memory(how);
    for (size_t i = 0; i < name.bytes; i++)
        folded[i] =
            name.data[i] >= 'A' && name.data[i] <= 'Z' ? (uint8_t)(name.data[i] | 0x20) : name.data[i];
    *out_name = slice_of(folded, name.bytes);
    return true;
}

static bool read_udt(const struct from_json *how, const struct type *type, struct json_value value,
                     struct gathered *out)
{
    struct json_value *fields = arena_calloc(how->scratch, type->member_count, sizeof *fields);
    struct json_items items = json_items_of(value);
    struct json_value key, item;
    if (!fields)
        return no_memory(how);
    while (json_items_next(&items, &key, &item)) {
        struct slice name;
        if (!field_name(how, key, &name))
            return false;
        uint32_t at = type_field(type, name);
        if (at == type->member_count)
            return how->target->is_scylla
                       ? REFUSE(how, "Extraneous field definition for user type %s: %.*s", type->name,
                                SHOWN(name))
                       : REFUSE(how, "Unknown field '%.*s' in value of user defined type %s", SHOWN(name),
                                type->name);
        fields[at] = item;
    }
    for (uint32_t i = 0; i < type->member_count; i++)
        if (!gather(how, out, type->members[i], fields[i].text.bytes ? &fields[i] : NULL))
            return false;
    return true;
}

/* What a string says when it stands for a composite, as keys of objects must. */
static bool reparse(const struct from_json *how, struct json_value *value)
{
    struct slice text;
    size_t at;
    const char *why;
    if (value->kind != JSON_STRING)
        return true;
    if (!json_string(how->scratch, *value, &text))
        return no_memory(how);
    struct json_value inner;
    if (json_parse(text, &inner, &at, &why))
        *value = inner;
    return true;
}

static bool read_composite(const struct from_json *how, const struct type *type, struct json_value value,
                           struct buffer *out)
{
    struct gathered items = {0};
    bool object = type->id == TYPE_MAP || type->id == TYPE_UDT, read = false;
    if (!reparse(how, &value))
        return false;
    if (value.kind != (object ? JSON_OBJECT : JSON_ARRAY))
        return refuse_composite(how, type, value);
    switch (type->id) {
    case TYPE_VECTOR:
    case TYPE_LIST:
    case TYPE_SET: read = read_array(how, type, value, &items); break;
    case TYPE_MAP: read = read_map(how, type, value, &items); break;
    case TYPE_TUPLE: read = read_tuple(how, type, value, &items); break;
    case TYPE_UDT: read = read_udt(how, type, value, &items); break;
    default: return REFUSE(how, "no JSON for this type");
    }
    return read && (type_compose(out, how->scratch, type, items.values, items.count) || no_memory(how));
}

static bool read_json(const struct from_json *how, const struct type *type, struct json_value value,
                      struct buffer *out)
{
    const struct type_row *row = type_row(type->id);
    return row ? read_scalar(how, type, row, value, out) : read_composite(how, type, value, out);
}

bool type_from_json(const struct type *type, struct json_value value, const struct cql_target *target,
                    struct arena *scratch, struct buffer *out, char *out_why)
{
    struct from_json how = {.target = target, .scratch = scratch, .why = out_why};
    size_t start = out->bytes;
    out_why[0] = 0;
    if (read_json(&how, type, value, out))
        return true;
    out->bytes = start;
    return false;
}
