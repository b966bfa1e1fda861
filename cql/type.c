#include "base/vint.h"
#include "cql/json.h"
#include "cql/number.h"
#include "cql/type_internal.h"

#include <string.h>

#define LITERAL(kind) (1u << LITERAL_##kind)
#define FROM(kind)    (1u << JSON_##kind)

static const char *const scylla_integer = "Validation failed for type %s: got %zu bytes";

/* clang-format off */
static const struct type_row rows[] = {
    [TYPE_ASCII] = {
        .json_wanted = "an ascii string", .json_kinds = FROM(STRING),
        .name = "ascii", .java = "AsciiType", .is_key = true, .literal_quoted = true,
        .literals = LITERAL(STRING), .check = type_check_ascii,
        .compare = type_compare_bytes, .print = type_print_text, .read = type_read_ascii},
    [TYPE_BIGINT] = {
        .json_wanted = "a bigint value", .json_empty = IN_BOTH, .json_kinds = FROM(NUMBER) | FROM(STRING),
        .name = "bigint", .java = "LongType", .wire_bytes = 8, .is_key = true, .json_bare = true,
        .is_integer = true, .literals = LITERAL(INTEGER),
        .scylla_size = scylla_integer, .cassandra_size = "Expected 8 or 0 byte long (%2$zu)",
        .compare = type_compare_integer, .print = type_print_integer, .read = type_read_integer},
    [TYPE_BLOB] = {
        .json_wanted = "a string representation of a blob", .json_kinds = FROM(STRING),
        .name = "blob", .java = "BytesType", .is_key = true, .literals = LITERAL(HEX),
        .compare = type_compare_bytes, .print = type_print_blob, .read = type_read_blob},
    [TYPE_BOOLEAN] = {
        .json_wanted = "a boolean value", .json_kinds = FROM(BOOLEAN) | FROM(STRING),
        .name = "boolean", .java = "BooleanType", .wire_bytes = 1, .is_key = true, .json_bare = true,
        .literals = LITERAL(BOOLEAN),
        .scylla_size = "Validation failed for boolean, got %2$zu bytes", .cassandra_size = "Expected 1 or 0 byte value (%2$zu)",
        .compare = type_compare_boolean, .print = type_print_boolean, .read = type_read_boolean},
    [TYPE_COUNTER] = {
        .json_wanted = "a bigint value", .json_empty = IN_BOTH, .json_kinds = FROM(NUMBER) | FROM(STRING),
        .name = "counter", .java = "CounterColumnType", .wire_bytes = 8, .json_bare = true,
        .is_integer = true, .literals = LITERAL(INTEGER),
        .scylla_size = scylla_integer, .cassandra_size = "Expected 8 or 0 byte long (%2$zu)",
        .compare = type_compare_integer, .print = type_print_integer, .read = type_read_integer},
    [TYPE_DECIMAL] = {
        .json_wanted = "a decimal value", .json_empty = IN_BOTH, .json_kinds = FROM(NUMBER) | FROM(STRING),
        .name = "decimal", .java = "DecimalType", .is_key = true, .json_bare = true,
        .literals = LITERAL(INTEGER) | LITERAL(FLOAT), .check = type_check_decimal,
        .compare = decimal_compare, .print = type_print_decimal, .read = type_read_decimal},
    [TYPE_DOUBLE] = {
        .json_wanted = "a double value", .json_empty = IN_BOTH, .json_kinds = FROM(NUMBER) | FROM(STRING),
        .name = "double", .java = "DoubleType", .wire_bytes = 8, .is_key = true, .json_bare = true,
        .literals = LITERAL(INTEGER) | LITERAL(FLOAT),
        .scylla_size = "Expected 8 bytes for a floating type, got %2$zu",
        .cassandra_size = "Expected 8 or 0 byte value for a double (%2$zu)",
        .compare = type_compare_double, .print = type_print_double, .read = type_read_double},
    [TYPE_FLOAT] = {
        .json_wanted = "a float value", .json_empty = IN_BOTH, .json_kinds = FROM(NUMBER) | FROM(STRING),
        .name = "float", .java = "FloatType", .wire_bytes = 4, .is_key = true, .json_bare = true,
        .is_integer = true, .literals = LITERAL(INTEGER) | LITERAL(FLOAT),
        .scylla_size = "Expected 4 bytes for a floating type, got %2$zu",
        .cassandra_size = "Expected 4 or 0 byte value for a float (%2$zu)",
        .compare = type_compare_float, .print = type_print_float, .read = type_read_float},
    [TYPE_INT] = {
        .json_wanted = "an int value", .json_empty = IN_BOTH, .json_kinds = FROM(NUMBER) | FROM(STRING),
        .name = "int", .java = "Int32Type", .wire_bytes = 4, .is_key = true, .json_bare = true,
        .is_integer = true, .literals = LITERAL(INTEGER),
        .scylla_size = scylla_integer, .cassandra_size = "Expected 4 or 0 byte int (%2$zu)",
        .compare = type_compare_integer, .print = type_print_integer, .read = type_read_integer},
    [TYPE_TIMESTAMP] = {
        .json_wanted = "a long or a datestring representation of a timestamp value", .json_empty = IN_BOTH, .json_kinds = FROM(NUMBER) | FROM(STRING),
        .name = "timestamp", .java = "TimestampType", .wire_bytes = 8, .is_key = true,
        .literal_quoted = true, .literals = LITERAL(STRING) | LITERAL(INTEGER),
        .scylla_size = "Validation failed for timestamp - got %2$zu bytes",
        .cassandra_size = "Expected 8 or 0 byte long for date (%2$zu)",
        .compare = type_compare_integer, .print = type_print_timestamp, .read = type_read_timestamp},
    [TYPE_UUID] = {
        .json_wanted = "a string representation of a uuid", .json_empty = IN_BOTH, .json_kinds = FROM(STRING),
        .name = "uuid", .java = "UUIDType", .wire_bytes = 16, .is_key = true, .literals = LITERAL(UUID),
        .scylla_size = "Validation failed for uuid - got %2$zu bytes", .cassandra_size = "UUID should be 16 or 0 bytes (%2$zu)",
        .compare = type_compare_uuid, .print = type_print_uuid, .read = type_read_uuid},
    [TYPE_TEXT] = {
        .json_wanted = "a UTF-8 string", .json_kinds = FROM(STRING),
        .name = "text", .java = "UTF8Type", .is_key = true, .literal_quoted = true,
        .literals = LITERAL(STRING), .check = type_check_utf8,
        .compare = type_compare_bytes, .print = type_print_text, .read = type_read_text},
    [TYPE_VARINT] = {
        .json_wanted = "a varint value", .json_empty = IN_SCYLLA, .json_kinds = FROM(NUMBER) | FROM(STRING),
        .name = "varint", .java = "IntegerType", .is_key = true, .json_bare = true,
        .literals = LITERAL(INTEGER),
        .compare = varint_compare, .print = type_print_varint, .read = type_read_varint},
    [TYPE_TIMEUUID] = {
        .json_wanted = "a string representation of a timeuuid", .json_empty = IN_BOTH, .json_kinds = FROM(STRING),
        .name = "timeuuid", .java = "TimeUUIDType", .wire_bytes = 16, .is_key = true,
        .literals = LITERAL(UUID), .check = type_check_timeuuid,
        .scylla_size = "Validation failed for timeuuid - got %2$zu bytes",
        .cassandra_size = "UUID should be 16 or 0 bytes (%2$zu)",
        .compare = type_compare_timeuuid, .print = type_print_uuid, .read = type_read_timeuuid},
    [TYPE_INET] = {
        .json_wanted = "a string representation of an inet value", .json_empty = IN_BOTH, .json_kinds = FROM(STRING),
        .name = "inet", .java = "InetAddressType", .is_key = true, .literal_quoted = true,
        .literals = LITERAL(STRING), .check = type_check_inet,
        .compare = type_compare_bytes, .print = type_print_inet, .read = type_read_inet},
    [TYPE_DATE] = {
        .json_wanted = "a string representation of a date value", .json_kinds = FROM(STRING),
        .name = "date", .java = "SimpleDateType", .wire_bytes = 4, .is_key = true,
        .literal_quoted = true, .is_integer = true, .literals = LITERAL(STRING) | LITERAL(INTEGER),
        .scylla_size = "Expected 4 byte long for date (%2$zu)", .cassandra_size = "Expected 4 byte long for date (%2$zu)",
        .cassandra_refuses_empty = true,
        .compare = type_compare_bytes, .print = type_print_date, .read = type_read_date},
    [TYPE_TIME] = {
        .json_wanted = "a string representation of a time value", .json_kinds = FROM(STRING),
        .name = "time", .java = "TimeType", .wire_bytes = 8, .is_key = true, .literal_quoted = true,
        .literals = LITERAL(STRING) | LITERAL(INTEGER),
        .scylla_size = "Expected 8 byte long for time (%2$zu)", .cassandra_size = "Expected 8 byte long for time (%2$zu)",
        .cassandra_refuses_empty = true,
        .compare = type_compare_integer, .print = type_print_time, .read = type_read_time},
    [TYPE_SMALLINT] = {
        .json_wanted = "a short value", .json_empty = IN_BOTH, .json_kinds = FROM(NUMBER) | FROM(STRING),
        .name = "smallint", .java = "ShortType", .wire_bytes = 2, .is_key = true, .json_bare = true,
        .is_integer = true, .literals = LITERAL(INTEGER),
        .scylla_size = "Expected 2 bytes for a smallint (%2$zu)", .cassandra_size = "Expected 2 bytes for a smallint (%2$zu)",
        .cassandra_refuses_empty = true,
        .compare = type_compare_integer, .print = type_print_integer, .read = type_read_integer},
    [TYPE_TINYINT] = {
        .json_wanted = "a byte value", .json_empty = IN_BOTH, .json_kinds = FROM(NUMBER) | FROM(STRING),
        .name = "tinyint", .java = "ByteType", .wire_bytes = 1, .is_key = true, .json_bare = true,
        .is_integer = true, .literals = LITERAL(INTEGER),
        .scylla_size = "Expected 1 byte for a tinyint (%2$zu)", .cassandra_size = "Expected 1 byte for a tinyint (%2$zu)",
        .cassandra_refuses_empty = true,
        .compare = type_compare_integer, .print = type_print_integer, .read = type_read_integer},
    [TYPE_DURATION] = {
        .json_wanted = "a string representation of a duration", .json_empty = IN_CASSANDRA, .json_kinds = FROM(STRING),
        .name = "duration", .java = "DurationType", .literals = LITERAL(DURATION), .cassandra_literals = LITERAL(INTEGER),
        .no_empty = true, .check = type_check_duration,
        .compare = type_compare_bytes, .print = type_print_duration, .read = type_read_duration},
};
/* clang-format on */

static const struct type scalars[] = {
#define SCALAR(type_id, key_kind) [type_id] = {.id = (type_id), .key = {.kind = (key_kind)}}
    SCALAR(TYPE_ASCII, KEY_BYTES),     SCALAR(TYPE_BIGINT, KEY_INT64),      SCALAR(TYPE_BLOB, KEY_BYTES),
    SCALAR(TYPE_BOOLEAN, KEY_BOOLEAN), SCALAR(TYPE_COUNTER, KEY_INT64),     SCALAR(TYPE_DECIMAL, KEY_DECIMAL),
    SCALAR(TYPE_DOUBLE, KEY_DOUBLE),   SCALAR(TYPE_FLOAT, KEY_FLOAT),       SCALAR(TYPE_INT, KEY_INT32),
    SCALAR(TYPE_TIMESTAMP, KEY_INT64), SCALAR(TYPE_UUID, KEY_UUID),         SCALAR(TYPE_TEXT, KEY_BYTES),
    SCALAR(TYPE_VARINT, KEY_VARINT),   SCALAR(TYPE_TIMEUUID, KEY_TIMEUUID), SCALAR(TYPE_INET, KEY_BYTES),
    SCALAR(TYPE_DATE, KEY_UINT32),     SCALAR(TYPE_TIME, KEY_INT64),        SCALAR(TYPE_SMALLINT, KEY_INT16),
    SCALAR(TYPE_TINYINT, KEY_INT8),    SCALAR(TYPE_DURATION, KEY_BYTES),
#undef SCALAR
};

const struct type_row *type_row(enum type_id id)
{
    return (size_t)id < ARRAY_LEN(rows) && rows[id].name ? &rows[id] : NULL;
}

const struct type *type_scalar(enum type_id id)
{
    return type_row(id) ? &scalars[id] : NULL;
}

/* How the items of a composite are encoded in a key. NULL when memory ran out. */
static const struct key_shape *key_shape_of(struct arena *arena, const struct type *type)
{
    bool members = type_has_members(type);
    uint32_t count = members ? type->member_count : type->second ? 2 : 1;
    struct key_shape *shape = arena_alloc(arena, sizeof *shape);
    struct key_column *items = arena_calloc(arena, count + 1, sizeof *items);
    if (!shape || !items)
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        items[i] = type_item(type, i)->key;
    *shape =
        (struct key_shape){.framing = members ? KEY_MEMBERS : KEY_SEQUENCE, .count = count, .items = items};
    if (type->id == TYPE_VECTOR) {
        shape->framing = KEY_VECTOR;
        shape->count = type->dimension;
        shape->item_bytes = type_vector_item_bytes(type);
    }
    return shape;
}

const struct type *type_composite(struct arena *arena, const struct type *like)
{
    struct type *type = arena_alloc(arena, sizeof *type), shape = *like;
    shape.key = (struct key_column){.kind = KEY_COMPOSITE, .shape = key_shape_of(arena, like)};
    if (!type || !shape.key.shape)
        return NULL;
    *type = shape;
    return type;
}

const struct type *type_vector(struct arena *arena, const struct type *element, uint32_t dimension)
{
    if (!element)
        return NULL;
    return type_composite(
        arena, &(struct type){.id = TYPE_VECTOR, .frozen = true, .first = element, .dimension = dimension});
}

const struct type *type_list(struct arena *arena, const struct type *element, bool frozen)
{
    return element
               ? type_composite(arena, &(struct type){.id = TYPE_LIST, .frozen = frozen, .first = element})
               : NULL;
}

const struct type *type_set(struct arena *arena, const struct type *element, bool frozen)
{
    return element ? type_composite(arena, &(struct type){.id = TYPE_SET, .frozen = frozen, .first = element})
                   : NULL;
}

const struct type *type_map(struct arena *arena, const struct type *key, const struct type *value,
                            bool frozen)
{
    if (!key || !value)
        return NULL;
    return type_composite(arena,
                          &(struct type){.id = TYPE_MAP, .frozen = frozen, .first = key, .second = value});
}

const struct type *type_tuple(struct arena *arena, const struct type *const *members, uint32_t count)
{
    return type_composite(
        arena, &(struct type){.id = TYPE_TUPLE, .frozen = true, .members = members, .member_count = count});
}

const struct type *type_udt(struct arena *arena, const char *keyspace, const char *name,
                            const char *const *field_names, const struct type *const *members, uint32_t count,
                            bool frozen)
{
    return type_composite(arena, &(struct type){.id = TYPE_UDT,
                                                .frozen = frozen,
                                                .keyspace = keyspace,
                                                .name = name,
                                                .field_names = field_names,
                                                .members = members,
                                                .member_count = count});
}

bool type_is_number(const struct type *type)
{
    switch (type->id) {
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_COUNTER:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_VARINT:
    case TYPE_DECIMAL: return true;
    default: return false;
    }
}

bool type_is_collection(const struct type *type)
{
    return type->id == TYPE_LIST || type->id == TYPE_SET || type->id == TYPE_MAP;
}

bool type_equal(const struct type *a, const struct type *b)
{
    if (a == b)
        return true;
    if (a->id != b->id || a->frozen != b->frozen || a->member_count != b->member_count ||
        a->dimension != b->dimension)
        return false;
    if (a->first && !type_equal(a->first, b->first))
        return false;
    if (a->second && !type_equal(a->second, b->second))
        return false;
    if (a->id == TYPE_UDT && (strcmp(a->keyspace, b->keyspace) != 0 || strcmp(a->name, b->name) != 0))
        return false;
    for (uint32_t i = 0; i < a->member_count; i++)
        if (!type_equal(a->members[i], b->members[i]) ||
            (a->id == TYPE_UDT && strcmp(a->field_names[i], b->field_names[i]) != 0))
            return false;
    return true;
}

bool type_can_be_key(const struct type *type)
{
    const struct type_row *row = type_row(type->id);
    if (row)
        return row->is_key;
    if (!type->frozen)
        return false;
    if (type->first && !type_can_be_key(type->first))
        return false;
    if (type->second && !type_can_be_key(type->second))
        return false;
    for (uint32_t i = 0; i < type->member_count; i++)
        if (!type_can_be_key(type->members[i]))
            return false;
    return true;
}

size_t type_vector_item_bytes(const struct type *type)
{
    switch (type->first->id) {
    case TYPE_BOOLEAN:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_TIMESTAMP:
    case TYPE_UUID:
    case TYPE_TIMEUUID: return type_fixed_bytes(type->first);
    case TYPE_VECTOR: return type_vector_item_bytes(type->first) * type->first->dimension;
    default: return 0; /* smaller numbers, dates and times too: Cassandra has them as they are in its files */
    }
}

size_t type_fixed_bytes(const struct type *type)
{
    const struct type_row *row = type_row(type->id);
    return row ? row->wire_bytes : 0;
}

size_t type_plain_bytes(const struct type *type)
{
    const struct type_row *row = type_row(type->id);
    return row && !row->check ? row->wire_bytes : 0;
}

const char *type_scalar_name(enum type_id id)
{
    const struct type_row *row = type_row(id);
    return row ? row->name : NULL;
}

bool type_accepts_literal(const struct type *type, enum literal_kind kind)
{
    const struct type_row *row = type_row(type->id);
    return row && (row->literals & 1u << kind);
}

const char *literal_kind_name(enum literal_kind kind)
{
    static const char *const names[] = {
        [LITERAL_STRING] = "STRING",     [LITERAL_INTEGER] = "INTEGER", [LITERAL_FLOAT] = "FLOAT",
        [LITERAL_BOOLEAN] = "BOOLEAN",   [LITERAL_UUID] = "UUID",       [LITERAL_HEX] = "HEX",
        [LITERAL_DURATION] = "DURATION",
    };
    return names[kind];
}

struct type_items type_items_of(const struct type *type, struct slice wire)
{
    struct type_items items = {.reader = reader_of(wire)};
    if (type_has_members(type)) {
        items.left = type->member_count;
        return items;
    }
    if (type->id == TYPE_VECTOR) {
        items.left = wire.bytes ? type->dimension : 0;
        items.is_vector = true;
        items.item_bytes = type_vector_item_bytes(type);
        return items;
    }
    uint32_t count = wire.bytes ? reader_be32(&items.reader) : 0;
    if (count > INT32_MAX) {
        items.reader.failed = true;
        return items;
    }
    items.left = type->id == TYPE_MAP ? 2 * count : count;
    return items;
}

bool type_items_next(struct type_items *items, struct slice *out_item, bool *out_null)
{
    if (!items->left || items->reader.failed)
        return false;
    items->left--;
    if (items->is_vector) {
        size_t size = items->item_bytes ? items->item_bytes : (size_t)vint_read(&items->reader);
        *out_item = reader_take(&items->reader, size);
        *out_null = false;
        return !items->reader.failed;
    }
    uint32_t bytes = reader_be32(&items->reader);
    bool null = (int32_t)bytes < 0;
    struct slice item = null ? (struct slice){0} : reader_take(&items->reader, bytes);
    if (items->reader.failed)
        return false;
    *out_item = item;
    *out_null = null;
    return true;
}
