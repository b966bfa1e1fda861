#include "server/wire.h"

struct frame_header frame_header_parse(const uint8_t *bytes)
{
    return (struct frame_header){
        .version = bytes[0] & 0x7f,
        .is_response = (bytes[0] & FRAME_RESPONSE) != 0,
        .flags = bytes[1],
        .stream = (int16_t)load_be16(bytes + 2),
        .opcode = bytes[4],
        .body_bytes = load_be32(bytes + 5),
    };
}

size_t frame_begin(struct buffer *out, uint8_t version, uint8_t flags, int16_t stream, uint8_t opcode)
{
    size_t begin = out->bytes;
    buffer_append_u8(out, version | FRAME_RESPONSE);
    buffer_append_u8(out, flags);
    buffer_append_be16(out, (uint16_t)stream);
    buffer_append_u8(out, opcode);
    buffer_append_be32(out, 0);
    return begin;
}

void frame_finish(struct buffer *out, size_t begin)
{
    if (!out->failed)
        store_be32(out->data + begin + 5, (uint32_t)(out->bytes - begin - FRAME_HEADER_BYTES));
}

struct slice wire_string(struct reader *in)
{
    return reader_take(in, reader_be16(in));
}

struct slice wire_long_string(struct reader *in)
{
    int32_t bytes = (int32_t)reader_be32(in);
    if (bytes < 0)
        in->failed = true;
    return reader_take(in, bytes < 0 ? 0 : (size_t)bytes);
}

struct slice wire_short_bytes(struct reader *in)
{
    return wire_string(in);
}

struct cql_value wire_bytes(struct reader *in)
{
    int32_t bytes = (int32_t)reader_be32(in);
    if (bytes < 0)
        return (struct cql_value){.kind = CQL_NULL};
    return (struct cql_value){.kind = CQL_VALUE, .bytes = reader_take(in, (size_t)bytes)};
}

struct cql_value wire_value(struct reader *in, uint8_t version)
{
    int32_t bytes = (int32_t)reader_be32(in);
    if (bytes >= 0)
        return (struct cql_value){.kind = CQL_VALUE, .bytes = reader_take(in, (size_t)bytes)};
    if (bytes == -2 && version >= 4)
        return (struct cql_value){.kind = CQL_UNSET};
    if (bytes < -1 && version >= 4)
        in->failed = true;
    return (struct cql_value){.kind = CQL_NULL};
}

/* A [string] holds at most 65535 bytes; a longer text is cut. */
static void put_short(struct buffer *out, struct slice bytes)
{
    size_t kept = bytes.bytes > UINT16_MAX ? UINT16_MAX : bytes.bytes;
    buffer_append_be16(out, (uint16_t)kept);
    buffer_append(out, bytes.data, kept);
}

void wire_put_string(struct buffer *out, const char *text)
{
    put_short(out, slice_text(text));
}

/* Bytes of the UTF-8 character that `bytes` begins with; 0 when it begins with none. */
static size_t character_bytes(struct slice bytes)
{
    uint8_t first = bytes.data[0];
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || length > bytes.bytes)
        return 0;
    uint32_t code = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes.data[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (bytes.data[i] & 0x3fu);
    }
    static const uint32_t least[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
    bool surrogate = code >= 0xd800 && code < 0xe000;
    return code < least[length] || code > 0x10ffff || surrogate ? 0 : length;
}

void wire_put_quoting_string(struct buffer *out, const char *text)
{
    struct slice left = slice_text(text);
    if (left.bytes > UINT16_MAX)
        left.bytes = UINT16_MAX;
    buffer_append_be16(out, (uint16_t)left.bytes);
    while (left.bytes) {
        size_t length = character_bytes(left);
        buffer_append(out, length ? left.data : (const uint8_t *)"?", length ? length : 1);
        left = slice_of(left.data + (length ? length : 1), left.bytes - (length ? length : 1));
    }
}

void wire_put_long_string(struct buffer *out, struct slice text)
{
    buffer_append_be32(out, (uint32_t)text.bytes);
    buffer_append_slice(out, text);
}

void wire_put_short_bytes(struct buffer *out, struct slice bytes)
{
    put_short(out, bytes);
}

void wire_put_bytes(struct buffer *out, struct slice bytes)
{
    wire_put_long_string(out, bytes);
}

/* The version that first had an option id of its own for a type. */
static uint8_t type_since(enum type_id id)
{
    switch (id) {
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_SMALLINT:
    case TYPE_TINYINT: return 4;
    case TYPE_DURATION: return 5;
    case TYPE_VECTOR: return UINT8_MAX;
    default: return 1;
    }
}

static void put_custom_type(struct buffer *out, const struct type *type)
{
    struct buffer name = {0};
    type_java_name(&name, type);
    buffer_append_be16(out, TYPE_CUSTOM);
    put_short(out, buffer_slice(&name));
    out->failed |= name.failed;
    buffer_deinit(&name);
}

void wire_put_type(struct buffer *out, const struct type *type, uint8_t version)
{
    if (type->id == TYPE_CUSTOM || type_since(type->id) > version) {
        put_custom_type(out, type);
        return;
    }
    buffer_append_be16(out, (uint16_t)type->id);
    switch (type->id) {
    case TYPE_UDT:
        wire_put_string(out, type->keyspace);
        wire_put_string(out, type->name);
        buffer_append_be16(out, (uint16_t)type->member_count);
        for (uint32_t i = 0; i < type->member_count; i++) {
            wire_put_string(out, type->field_names[i]);
            wire_put_type(out, type->members[i], version);
        }
        break;
    case TYPE_LIST:
    case TYPE_SET: wire_put_type(out, type->first, version); break;
    case TYPE_MAP:
        wire_put_type(out, type->first, version);
        wire_put_type(out, type->second, version);
        break;
    case TYPE_TUPLE:
        buffer_append_be16(out, (uint16_t)type->member_count);
        for (uint32_t i = 0; i < type->member_count; i++)
            wire_put_type(out, type->members[i], version);
        break;
    default: break;
    }
}
