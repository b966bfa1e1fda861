#include <inttypes.h>
#include <stdio.h>

#include "cql/duration.h"
#include "cql/type_internal.h"
#include "cql/uuid.h"

enum {
    CHECK_DEPTH_MAX = 64,
};

bool type_check_ascii(struct slice wire, bool scylla, char *out_why, size_t why_bytes)
{
    for (size_t i = 0; i < wire.bytes; i++)
        if (wire.data[i] & 0x80) {
            if (scylla)
                snprintf(out_why, why_bytes, "Validation failed - non-ASCII character in an ASCII string");
            else
                snprintf(out_why, why_bytes, "Invalid byte for ascii: %d", (int8_t)wire.data[i]);
            return false;
        }
    return true;
}

/* Bytes of the UTF-8 sequence at `at`, 0 when it is none: no overlong forms, surrogates, or values past 10FFFF. */
static size_t sequence_bytes(const uint8_t *at, size_t left)
{
    uint8_t first = at[0];
    if (first < 0x80)
        return 1;
    uint8_t low = 0x80, high = 0xbf;
    size_t bytes;
    if (first >= 0xc2 && first <= 0xdf) {
        bytes = 2;
    } else if ((first & 0xf0) == 0xe0) {
        bytes = 3;
        low = first == 0xe0 ? 0xa0 : low;
        high = first == 0xed ? 0x9f : high;
    } else if (first >= 0xf0 && first <= 0xf4) {
        bytes = 4;
        low = first == 0xf0 ? 0x90 : low;
        high = first == 0xf4 ? 0x8f : high;
    } else {
        return 0;
    }
    if (left < bytes || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < bytes; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return bytes;
}

bool type_check_utf8(struct slice wire, bool scylla, char *out_why, size_t why_bytes)
{
    for (size_t at = 0; at < wire.bytes;) {
        /* Eight ASCII bytes at a time: nearly all text is that. */
        if (wire.bytes - at >= 8 && !(load_le64(wire.data + at) & UINT64_C(0x8080808080808080))) {
            at += 8;
            continue;
        }
        size_t bytes = sequence_bytes(wire.data + at, wire.bytes - at);
        if (!bytes) {
            if (scylla)
                snprintf(out_why, why_bytes,
                         "Validation failed - non-UTF8 character in a UTF8 string, at byte offset %zu", at);
            else
                snprintf(out_why, why_bytes, "String didn't validate.");
            return false;
        }
        at += bytes;
    }
    return true;
}

/* The first bytes in hexadecimal. */
struct shown_hex {
    char text[2 * 64 + 1];
};

static struct shown_hex shown_hex(struct slice wire)
{
    struct shown_hex shown = {{0}};
    for (size_t i = 0; i < wire.bytes && i < 64; i++)
        snprintf(shown.text + 2 * i, 3, "%02x", wire.data[i]);
    return shown;
}

bool type_check_inet(struct slice wire, bool scylla, char *out_why, size_t why_bytes)
{
    if (wire.bytes == 4 || wire.bytes == 16)
        return true;
    if (scylla)
        snprintf(out_why, why_bytes, "Validation failed for inet_addr - got %zu bytes", wire.bytes);
    else
        snprintf(out_why, why_bytes, "Expected 4 or 16 byte inetaddress; got %s", shown_hex(wire).text);
    return false;
}

bool type_check_timeuuid(struct slice wire, bool scylla, char *out_why, size_t why_bytes)
{
    if (uuid_version(wire.data) == 1)
        return true;
    if (scylla)
        snprintf(out_why, why_bytes, "Unsupported UUID version (%u)", uuid_version(wire.data));
    else
        snprintf(out_why, why_bytes, "Invalid version for TimeUUID type: 0x%x", uuid_version(wire.data));
    return false;
}

bool type_check_decimal(struct slice wire, bool scylla, char *out_why, size_t why_bytes)
{
    /* ScyllaDB lets a short decimal through and cannot read it back; nobody can want that. */
    if (wire.bytes >= 5)
        return true;
    if (scylla)
        snprintf(out_why, why_bytes,
                 "Validation failed for type org.apache.cassandra.db.marshal.DecimalType: got %zu bytes",
                 wire.bytes);
    else
        snprintf(out_why, why_bytes, "Expected 0 or at least 4 bytes (%zu)", wire.bytes);
    return false;
}

bool type_check_duration(struct slice wire, bool scylla, char *out_why, size_t why_bytes)
{
    struct duration duration;
    switch (duration_decode(wire, &duration)) {
    case DURATION_FINE: return true;
    case DURATION_MALFORMED:
        if (wire.bytes >= 3)
            snprintf(out_why, why_bytes, "Cannot deserialize duration");
        else
            snprintf(out_why, why_bytes,
                     scylla ? "Expected at least 3 bytes for a duration, got %zu"
                            : "Expected at least 3 bytes for a duration (%zu)",
                     wire.bytes);
        break;
    case DURATION_OUT_OF_RANGE:
        snprintf(out_why, why_bytes, "The duration months and days must be 32 bits integers");
        break;
    case DURATION_MIXED_SIGNS:
        snprintf(out_why, why_bytes,
                 "The duration months, days%s and nanoseconds must be all of the same sign (%" PRIi32
                 ", %" PRIi32 ", %" PRIi64 ")",
                 scylla ? "," : "", duration.months, duration.days, duration.ns);
        break;
    }
    return false;
}

static bool check_scalar(const struct type_row *row, struct slice wire, bool scylla, char *out_why)
{
    if (!wire.bytes && !row->no_empty && (scylla || !row->cassandra_refuses_empty))
        return true;
    if (row->wire_bytes && wire.bytes != row->wire_bytes) {
        char java[128];
        snprintf(java, sizeof java, "org.apache.cassandra.db.marshal.%s", row->java);
        /* Formats are the table's own, with these two arguments. */
        snprintf(out_why, TYPE_WHY_BYTES, scylla ? row->scylla_size : row->cassandra_size, java, wire.bytes);
        return false;
    }
    return !row->check || row->check(wire, scylla, out_why, TYPE_WHY_BYTES);
}

static bool check(const struct type *type, struct slice wire, bool scylla, char *out_why, uint32_t depth);

/* Members that are not there are null: the value was written before the type had them. */
static bool check_members(const struct type *type, struct slice wire, bool scylla, char *out_why,
                          uint32_t depth)
{
    struct type_items items = type_items_of(type, wire);
    bool udt = type->id == TYPE_UDT;
    for (uint32_t i = 0; i < type->member_count && reader_left(&items.reader); i++) {
        struct slice item;
        bool null, has_size = reader_left(&items.reader) >= 4;
        if (!type_items_next(&items, &item, &null)) {
            snprintf(out_why, TYPE_WHY_BYTES, "Not enough bytes to read %s%uth %s%.200s",
                     has_size ? "" : "size of ", (unsigned)i, udt ? "field " : "component",
                     udt ? type->field_names[i] : "");
            return false;
        }
        if (!null && !check(type->members[i], item, scylla, out_why, depth + 1))
            return false;
    }
    if (!reader_left(&items.reader))
        return true;
    snprintf(out_why, TYPE_WHY_BYTES, "Invalid remaining data after end of %s value", udt ? "UDT" : "tuple");
    return false;
}

static bool check_vector(const struct type *type, struct slice wire, bool scylla, char *out_why,
                         uint32_t depth)
{
    if (!wire.bytes)
        return true;
    struct type_items items = type_items_of(type, wire);
    struct slice item;
    bool null;
    while (type_items_next(&items, &item, &null))
        if (!check(type->first, item, scylla, out_why, depth + 1))
            return false;
    size_t left = reader_left(&items.reader);
    if (!items.reader.failed && !left)
        return true;
    struct buffer name = {0};
    type_name(&name, type);
    int shown = name.bytes < 200 ? (int)name.bytes : 200;
    if (items.reader.failed)
        snprintf(out_why, TYPE_WHY_BYTES, "Not enough bytes to read a %.*s", scylla ? 14 : shown,
                 scylla ? "vector element" : (const char *)name.data);
    else
        snprintf(out_why, TYPE_WHY_BYTES, "Unexpected %zu extraneous bytes after %.*s value", left, shown,
                 (const char *)name.data);
    buffer_deinit(&name);
    return false;
}

static const char *collection_word(const struct type *type)
{
    return type->id == TYPE_LIST ? "list" : type->id == TYPE_SET ? "set" : "map";
}

static bool check_items(const struct type *type, struct slice wire, bool scylla, char *out_why,
                        uint32_t depth)
{
    struct type_items items = type_items_of(type, wire);
    struct slice item;
    bool null, negative = wire.bytes >= 4 && wire.data[0] & 0x80;
    for (uint32_t i = 0; type_items_next(&items, &item, &null); i++) {
        if (null) {
            snprintf(out_why, TYPE_WHY_BYTES, "null is not supported inside collections");
            return false;
        }
        if (!check(type_item(type, i), item, scylla, out_why, depth + 1))
            return false;
    }
    if (!items.reader.failed && !reader_left(&items.reader))
        return true;
    snprintf(out_why, TYPE_WHY_BYTES,
             negative && !scylla   ? "The data cannot be deserialized as a %s"
             : items.reader.failed ? "Not enough bytes to read a %s"
                                   : "Unexpected extraneous bytes after %s value",
             collection_word(type));
    return false;
}

static bool check(const struct type *type, struct slice wire, bool scylla, char *out_why, uint32_t depth)
{
    const struct type_row *row = type_row(type->id);
    if (row)
        return check_scalar(row, wire, scylla, out_why);
    if (depth > CHECK_DEPTH_MAX) {
        snprintf(out_why, TYPE_WHY_BYTES, "Value is nested too deep");
        return false;
    }
    if (type_has_members(type))
        return check_members(type, wire, scylla, out_why, depth);
    if (type->id == TYPE_VECTOR)
        return check_vector(type, wire, scylla, out_why, depth);
    if (!wire.bytes) {
        snprintf(out_why, TYPE_WHY_BYTES, "Not enough bytes to read a %s",
                 scylla ? "collection" : collection_word(type));
        return false;
    }
    return check_items(type, wire, scylla, out_why, depth);
}

bool type_validate(const struct type *type, struct slice wire)
{
    char why[TYPE_WHY_BYTES];
    return check(type, wire, true, why, 0);
}

/* A JavaScript number is a double; drivers send it as 8 bytes when nobody told them the column's type (NUL-12). */
static bool looks_like_javascript_number(const struct type *type, struct slice wire)
{
    const struct type_row *row = type_row(type->id);
    return row && row->is_integer && wire.bytes == 8 && row->wire_bytes != 8;
}

bool type_check_bound(const struct type *type, struct slice wire, const char *column,
                      enum cql_profile profile, struct cql_error *error)
{
    char why[TYPE_WHY_BYTES];
    if (check(type, wire, cql_target_of(profile)->is_scylla, why, 0))
        return true;
    if (looks_like_javascript_number(type, wire)) {
        size_t used = strlen(why);
        snprintf(why + used, sizeof why - used,
                 " (Strait: 8 bytes for %s look like a JavaScript number, which drivers send as a double "
                 "unless the "
                 "statement is prepared or a type hint is given)",
                 type_scalar_name(type->id));
    }
    return cql_refuse(error, profile, MSG_BOUND_INVALID, column, why);
}
