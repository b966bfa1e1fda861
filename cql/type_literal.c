#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "cql/calendar.h"
#include "cql/duration.h"
#include "cql/number.h"
#include "cql/type_internal.h"
#include "cql/uuid.h"

#define NS_PER_DAY (INT64_C(86400) * 1000000000)

enum {
    SHOWN_BYTES_MAX = 200, /* of a literal in a refusal */
};

/* For "%.*s": as much of the literal as a message has room for. */
#define SHOWN(text) \
    (int)((text).bytes < SHOWN_BYTES_MAX ? (text).bytes : SHOWN_BYTES_MAX), (const char *)(text).data

TYPE_READER(text)
{
    (void)kind;
    if (!row->check(text, target->is_scylla, out_why, why_bytes))
        return false;
    buffer_append_slice(out, text);
    return true;
}

TYPE_READER(ascii)
{
    if (type_read_text(row, kind, text, target, out, out_why, why_bytes))
        return true;
    if (!target->is_scylla)
        snprintf(out_why, why_bytes,
                 "Invalid ASCII character in string literal: java.nio.charset.UnmappableCharacterException: "
                 "Input length = 1");
    return false;
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

TYPE_READER(blob)
{
    (void)row, (void)kind;
    if (text.bytes >= 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x')
        text = slice_of(text.data + 2, text.bytes - 2);
    uint8_t *at = text.bytes % 2 ? NULL : buffer_extend(out, text.bytes / 2);
    for (size_t i = 0; i < text.bytes; i += 2) {
        int high = at ? digit_of(text.data[i]) : -1, low = at ? digit_of(text.data[i + 1]) : -1;
        if (high < 0 || low < 0) {
            if (target->is_scylla)
                snprintf(out_why, why_bytes, "An hex string representing bytes must have an even length");
            else
                snprintf(out_why, why_bytes, "cannot parse '%.*s' as hex bytes", SHOWN(text));
            return false;
        }
        *at++ = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Decimal digits with an optional sign; false when there is anything else. *out_fits says whether 64 bits hold it. */
static bool parse_integer(struct slice text, int64_t *out_value, bool *out_fits)
{
    bool negative = text.bytes && text.data[0] == '-';
    uint64_t limit = (uint64_t)INT64_MAX + negative, value = 0;
    bool fits = true;
    if (text.bytes == negative)
        return false;
    for (size_t i = negative; i < text.bytes; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';
        if (digit > 9)
            return false;
        fits = fits && value <= (limit - digit) / 10;
        value = fits ? value * 10 + digit : value;
    }
    *out_value = negative ? (int64_t)(0 - value) : (int64_t)value;
    *out_fits = fits;
    return true;
}

static void append_integer(struct buffer *out, int64_t value, uint8_t bytes)
{
    uint8_t *at = buffer_extend(out, bytes);
    for (uint8_t i = 0; at && i < bytes; i++)
        at[i] = (uint8_t)((uint64_t)value >> (8 * (bytes - 1 - i)));
}

TYPE_READER(integer)
{
    (void)kind;
    int64_t value = 0;
    bool fits = false;
    bool parsed = parse_integer(text, &value, &fits);
    int64_t most = row->wire_bytes == 8 ? INT64_MAX : (INT64_C(1) << (8 * row->wire_bytes - 1)) - 1;
    if (parsed && fits && value <= most && value >= -most - 1) {
        append_integer(out, value, row->wire_bytes);
        return true;
    }
    if (!target->is_scylla)
        snprintf(out_why, why_bytes, "Unable to make %s from '%.*s'",
                 row->wire_bytes == 8   ? "long"
                 : row->wire_bytes == 4 ? "int"
                 : row->wire_bytes == 2 ? "short"
                                        : "byte",
                 SHOWN(text));
    else if (parsed && fits)
        snprintf(out_why, why_bytes, "Value out of range for type org.apache.cassandra.db.marshal.%s: '%.*s'",
                 row->java, SHOWN(text));
    else
        snprintf(out_why, why_bytes, "Invalid number format '%.*s'", SHOWN(text));
    return false;
}

TYPE_READER(boolean)
{
    (void)row, (void)kind;
    bool yes = text.bytes == 4 && strncasecmp((const char *)text.data, "true", 4) == 0;
    bool no = text.bytes == 5 && strncasecmp((const char *)text.data, "false", 5) == 0;
    no |= !text.bytes && !target->is_scylla;
    if (!yes && !no) {
        snprintf(out_why, why_bytes, "Unable to make boolean from '%.*s'", SHOWN(text));
        return false;
    }
    buffer_append_u8(out, yes);
    return true;
}

TYPE_READER(double)
{
    (void)row, (void)kind, (void)target;
    double value;
    if (!double_parse(text, &value)) {
        snprintf(out_why, why_bytes, "Unable to make double from '%.*s'", SHOWN(text));
        return false;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    buffer_append_be64(out, bits);
    return true;
}

TYPE_READER(float)
{
    (void)row, (void)kind, (void)target;
    float value;
    if (!float_parse(text, &value)) {
        snprintf(out_why, why_bytes, "Unable to make float from '%.*s'", SHOWN(text));
        return false;
    }
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    buffer_append_be32(out, bits);
    return true;
}

bool timestamp_parse(struct slice text, int64_t *out_ms)
{
    uint32_t fraction_digits;
    int64_t ms;
    enum timestamp_fault fault = calendar_parse_timestamp(text, false, &ms, &fraction_digits);
    if (fault != TIMESTAMP_FINE && fault != TIMESTAMP_OVER_PRECISE)
        return false;
    *out_ms = ms;
    return true;
}

static bool is_number(struct slice text)
{
    size_t sign = text.bytes && text.data[0] == '-';
    for (size_t i = sign; i < text.bytes; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.bytes > sign;
}

TYPE_READER(timestamp)
{
    (void)row, (void)kind;
    uint32_t digits = 0;
    int64_t ms = 0;
    if (!text.bytes)
        return true; /* the empty value (NUL-7) */
    enum timestamp_fault fault = calendar_parse_timestamp(text, !target->is_scylla, &ms, &digits);
    if (fault == TIMESTAMP_FINE ||
        (fault == TIMESTAMP_OVER_PRECISE && !target->over_precise_timestamp_refused)) {
        buffer_append_be64(out, (uint64_t)ms);
        return true;
    }
    if (!target->is_scylla)
        snprintf(out_why, why_bytes,
                 is_number(text) ? "Unable to make long (for date) from: '%.*s'"
                                 : "Unable to parse a date/time from '%.*s'",
                 SHOWN(text));
    else if (fault == TIMESTAMP_OVER_PRECISE)
        snprintf(out_why, why_bytes,
                 "unable to parse date '%.*s': marshaling error: Milliseconds length exceeds expected (%u)",
                 SHOWN(text), digits);
    else
        snprintf(out_why, why_bytes,
                 "unable to parse date '%.*s': marshaling error: Unable to parse %s from '%.*s'", SHOWN(text),
                 fault == TIMESTAMP_BAD_ZONE ? "timezone" : "timestamp", SHOWN(text));
    return false;
}

TYPE_READER(date)
{
    (void)row, (void)kind, (void)target;
    int64_t value = 0, days;
    bool fits = false;
    if (parse_integer(text, &value, &fits)) {
        if (fits && value >= 0 && value <= UINT32_MAX) {
            buffer_append_be32(out, (uint32_t)value);
            return true;
        }
        snprintf(out_why, why_bytes, "Unable to make unsigned int (for date) from%s%.*s%s",
                 target->is_scylla ? " " : ": '", SHOWN(text), target->is_scylla ? "" : "'");
        return false;
    }
    if (!text.bytes && target->is_scylla)
        return true; /* the empty value (NUL-7) */
    if (!calendar_parse_date(text, !target->is_scylla, &days)) {
        snprintf(out_why, why_bytes, "Unable to coerce '%.*s' to a formatted date (long)", SHOWN(text));
        return false;
    }
    if (days < INT32_MIN || days > INT32_MAX) {
        snprintf(out_why, why_bytes, "Input date %.*s is %s supported date %s%s", SHOWN(text),
                 days < 0 ? "less than min" : "greater than max",
                 days < 0 ? "-5877641-06-23" : "5881580-07-11", target->is_scylla ? "" : "T00:00Z");
        return false;
    }
    buffer_append_be32(out, (uint32_t)(int32_t)days ^ UINT32_C(0x80000000));
    return true;
}

TYPE_READER(time)
{
    (void)row;
    int64_t ns = 0;
    bool fits = false;
    bool number = kind == LITERAL_INTEGER || (!target->is_scylla && is_number(text));
    if (!text.bytes && target->is_scylla)
        return true; /* the empty value (NUL-7) */
    bool read = number ? parse_integer(text, &ns, &fits) && fits : calendar_parse_time(text, &ns);
    if (read && ns >= 0 && ns < NS_PER_DAY) {
        buffer_append_be64(out, (uint64_t)ns);
        return true;
    }
    if (!target->is_scylla)
        snprintf(out_why, why_bytes,
                 number ? "Unable to make long (for time) from: '%.*s'"
                        : "(TimeType) Unable to coerce '%.*s' to a formatted time (long)",
                 SHOWN(text));
    else if (!read)
        snprintf(out_why, why_bytes, "Timestamp format must be hh:mm:ss[.fffffffff]");
    else
        snprintf(out_why, why_bytes, "Input long out of bounds: %" PRIi64, ns);
    return false;
}

TYPE_READER(uuid)
{
    (void)row, (void)kind, (void)target;
    uint8_t uuid[UUID_BYTES];
    if (!uuid_parse(text, uuid)) {
        snprintf(out_why, why_bytes, "Unable to make UUID from '%.*s'", SHOWN(text));
        return false;
    }
    buffer_append(out, uuid, sizeof uuid);
    return true;
}

TYPE_READER(timeuuid)
{
    uint8_t uuid[UUID_BYTES];
    if (!uuid_parse(text, uuid) && !target->is_scylla) {
        snprintf(out_why, why_bytes, "Unknown timeuuid representation: %.*s", SHOWN(text));
        return false;
    }
    if (!uuid_parse(text, uuid) || uuid_version(uuid) == 1)
        return type_read_uuid(row, kind, text, target, out, out_why, why_bytes);
    if (target->is_scylla)
        snprintf(out_why, why_bytes, "Unsupported UUID version (%u)", uuid_version(uuid));
    else
        snprintf(out_why, why_bytes, "TimeUUID supports only version 1 UUIDs");
    return false;
}

/* Java's textual forms of an IPv4 address: one to four decimal numbers, the last of which fills what is left. */
static bool parse_java_address(struct slice text, uint8_t out_address[4])
{
    uint64_t parts[4] = {0};
    uint32_t count = 0, digits = 0;
    for (size_t i = 0; i <= text.bytes; i++) {
        uint8_t c = i < text.bytes ? text.data[i] : '.';
        if (c == '.') {
            if (!digits || count == 4)
                return false;
            count++;
            digits = 0;
        } else if (c < '0' || c > '9' || ++digits > 10 || count == 4) {
            return false;
        } else {
            parts[count] = parts[count] * 10 + (uint64_t)(c - '0');
        }
    }
    uint64_t address = parts[count - 1];
    if (address >> (8 * (5 - count)))
        return false;
    for (uint32_t i = 0; i + 1 < count; i++) {
        if (parts[i] > 255)
            return false;
        address |= parts[i] << (8 * (3 - i));
    }
    store_be32(out_address, (uint32_t)address);
    return true;
}

/* Java has no IPv4 address inside an IPv6 one: it is the IPv4 address. */
static size_t java_mapped(uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(address, mapped, sizeof mapped) != 0)
        return 16;
    memmove(address, address + 12, 4);
    return 4;
}

TYPE_READER(inet)
{
    (void)row, (void)kind;
    char copy[INET6_ADDRSTRLEN + 1];
    uint8_t address[16];
    size_t bytes = 0;
    if (!text.bytes)
        return true; /* the empty value (NUL-7) */
    struct slice bare = text;
    if (!target->is_scylla && text.bytes > 2 && text.data[0] == '[' && text.data[text.bytes - 1] == ']')
        bare = slice_of(text.data + 1, text.bytes - 2);
    if (bare.bytes < sizeof copy) {
        memcpy(copy, bare.data, bare.bytes);
        copy[bare.bytes] = 0;
        if (inet_pton(AF_INET, copy, address) == 1 ||
            (!target->is_scylla && parse_java_address(bare, address)))
            bytes = 4;
        else if (inet_pton(AF_INET6, copy, address) == 1)
            bytes = target->is_scylla ? 16 : java_mapped(address);
    }
    if (bytes)
        buffer_append(out, address, bytes);
    else
        snprintf(out_why, why_bytes, "Unable to make inet address from '%.*s'", SHOWN(text));
    return bytes > 0;
}

TYPE_READER(varint)
{
    (void)row, (void)kind, (void)target;
    if (varint_parse(text, out))
        return true;
    snprintf(out_why, why_bytes, "unable to make int from '%.*s'", SHOWN(text));
    return false;
}

TYPE_READER(decimal)
{
    (void)row, (void)kind, (void)target;
    if (decimal_parse(text, out))
        return true;
    snprintf(out_why, why_bytes, "unable to make BigDecimal from '%.*s'", SHOWN(text));
    return false;
}

TYPE_READER(duration)
{
    (void)row;
    struct duration duration;
    char why[DURATION_WHY_BYTES];
    if (kind == LITERAL_INTEGER && text.bytes && text.data[0] == '-')
        text = slice_of(text.data + 1, text.bytes - 1);
    if (!duration_parse(text, &duration, why)) {
        if (*why && !target->is_scylla)
            snprintf(out_why, why_bytes, "%s", why);
        else
            snprintf(out_why, why_bytes, "Unable to convert '%.*s' to a duration", SHOWN(text));
        return false;
    }
    duration_encode(out, duration);
    return true;
}

bool type_from_literal(const struct type *type, enum literal_kind kind, struct slice text, const char *column,
                       enum cql_profile profile, struct buffer *out, struct cql_error *error)
{
    const struct type_row *row = type_row(type->id);
    const struct cql_target *target = cql_target_of(profile);
    uint32_t accepted = !row                ? 0
                        : target->is_scylla ? row->literals
                                            : row->literals | row->cassandra_literals;
    if (!(accepted & 1u << kind)) {
        struct buffer name = {0};
        type_name(&name, type);
        buffer_append_u8(&name, 0);
        char shown[SHOWN_BYTES_MAX + 1];
        snprintf(shown, sizeof shown, "%.*s", SHOWN(text));
        cql_refuse(error, profile, MSG_LITERAL_TYPE, literal_kind_name(kind), shown, column,
                   name.failed ? "?" : (const char *)name.data);
        buffer_deinit(&name);
        return false;
    }
    char why[TYPE_WHY_BYTES];
    size_t start = out->bytes;
    if (row->read(row, kind, text, target, out, why, sizeof why))
        return !out->failed || cql_refuse(error, profile, MSG_NOMEM);
    out->bytes = start;
    return cql_refuse(error, profile, MSG_LITERAL_PARSE, why);
}
