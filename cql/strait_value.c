/* strait_value.c: values of strait.h: from C into the wire form of a parameter, and from a cell back to C. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cql/strait_internal.h"

/* ---- binding ---- */

static struct strait_parameter *parameter_of(strait_statement *statement, int index,
                                             const struct type **out_type, int *out_result)
{
    *out_result = STRAIT_MISUSE;
    if (!statement)
        return NULL;
    uint32_t count;
    const struct cql_column_spec *binds = cql_prepared_binds(statement->prepared, &count);
    if (index < 0 || (uint32_t)index >= count || (uint32_t)index >= statement->parameter_count) {
        strait_fail_misuse(statement->db, "there is no parameter %d", index);
        return NULL;
    }
    *out_type = binds[index].type;
    *out_result = STRAIT_OK;
    return &statement->parameters[index];
}

static int refuse_type(strait_statement *statement, int index, const char *given)
{
    return strait_fail_misuse(statement->db, "parameter %d (%s) is of type %s: %s does not fit", index,
                              strait_parameter_name(statement, index),
                              strait_parameter_type(statement, index), given);
}

static int bind_kind(strait_statement *statement, int index, enum cql_value_kind kind)
{
    const struct type *type;
    int result;
    struct strait_parameter *parameter = parameter_of(statement, index, &type, &result);
    if (!parameter)
        return result;
    parameter->kind = kind;
    buffer_clear(&parameter->wire);
    return STRAIT_OK;
}

static int bind_bytes(strait_statement *statement, struct strait_parameter *parameter, struct slice bytes)
{
    buffer_clear(&parameter->wire);
    buffer_append_slice(&parameter->wire, bytes);
    parameter->kind = CQL_VALUE;
    if (!parameter->wire.failed)
        return STRAIT_OK;
    parameter->kind = CQL_UNSET;
    return strait_fail_nomem(statement->db);
}

int strait_bind_null(strait_statement *statement, int index)
{
    return bind_kind(statement, index, CQL_NULL);
}

int strait_bind_unset(strait_statement *statement, int index)
{
    return bind_kind(statement, index, CQL_UNSET);
}

int strait_clear_bindings(strait_statement *statement)
{
    if (!statement)
        return STRAIT_MISUSE;
    for (uint32_t i = 0; i < statement->parameter_count; i++) {
        statement->parameters[i].kind = CQL_UNSET;
        buffer_clear(&statement->parameters[i].wire);
    }
    return STRAIT_OK;
}

int strait_bind_bool(strait_statement *statement, int index, int value)
{
    const struct type *type;
    int result;
    struct strait_parameter *parameter = parameter_of(statement, index, &type, &result);
    if (!parameter)
        return result;
    if (type->id != TYPE_BOOLEAN)
        return refuse_type(statement, index, "a boolean");
    uint8_t byte = value != 0;
    return bind_bytes(statement, parameter, slice_of(&byte, 1));
}

/* Big-endian two's complement of `bytes` bytes, or false when the value needs more. */
static bool integer_wire(int64_t value, size_t bytes, uint8_t out[8])
{
    store_be64(out, (uint64_t)value);
    if (bytes < 8) {
        int64_t limit = INT64_C(1) << (8 * bytes - 1);
        if (value < -limit || value >= limit)
            return false;
        memmove(out, out + 8 - bytes, bytes);
    }
    return true;
}

/* The fewest bytes that keep the sign. */
static size_t varint_bytes(int64_t value)
{
    size_t bytes = 1;
    uint8_t wire[8];
    while (bytes < 8 && !integer_wire(value, bytes, wire))
        bytes++;
    return bytes;
}

int strait_bind_int64(strait_statement *statement, int index, int64_t value)
{
    const struct type *type;
    int result;
    struct strait_parameter *parameter = parameter_of(statement, index, &type, &result);
    if (!parameter)
        return result;
    uint8_t wire[8];
    size_t bytes = 0;
    switch (type->id) {
    case TYPE_TINYINT: bytes = 1; break;
    case TYPE_SMALLINT: bytes = 2; break;
    case TYPE_INT: bytes = 4; break;
    case TYPE_BIGINT:
    case TYPE_COUNTER:
    case TYPE_TIMESTAMP:
    case TYPE_TIME: bytes = 8; break;
    case TYPE_VARINT: bytes = varint_bytes(value); break;
    case TYPE_DATE:
        if (value < INT32_MIN || value > INT32_MAX)
            return refuse_type(statement, index, "a number of days that large");
        store_be32(wire, (uint32_t)(value + (INT64_C(1) << 31)));
        return bind_bytes(statement, parameter, slice_of(wire, 4));
    default: return refuse_type(statement, index, "an integer");
    }
    if (!integer_wire(value, bytes, wire))
        return refuse_type(statement, index, "an integer that large");
    return bind_bytes(statement, parameter, slice_of(wire, bytes));
}

int strait_bind_double(strait_statement *statement, int index, double value)
{
    const struct type *type;
    int result;
    struct strait_parameter *parameter = parameter_of(statement, index, &type, &result);
    if (!parameter)
        return result;
    uint8_t wire[8];
    if (type->id == TYPE_DOUBLE) {
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        store_be64(wire, bits);
        return bind_bytes(statement, parameter, slice_of(wire, 8));
    }
    if (type->id == TYPE_FLOAT) {
        float narrow = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        store_be32(wire, bits);
        return bind_bytes(statement, parameter, slice_of(wire, 4));
    }
    return refuse_type(statement, index, "a floating-point number");
}

/* How a text form is to be read for a type that is not a text itself. */
static bool literal_kind_of(enum type_id id, struct slice text, enum literal_kind *out_kind)
{
    static const struct {
        enum type_id id;
        enum literal_kind kind;
    } kinds[] = {
        {TYPE_TINYINT, LITERAL_INTEGER}, {TYPE_SMALLINT, LITERAL_INTEGER}, {TYPE_INT, LITERAL_INTEGER},
        {TYPE_BIGINT, LITERAL_INTEGER},  {TYPE_COUNTER, LITERAL_INTEGER},  {TYPE_VARINT, LITERAL_INTEGER},
        {TYPE_FLOAT, LITERAL_FLOAT},     {TYPE_DOUBLE, LITERAL_FLOAT},     {TYPE_DECIMAL, LITERAL_FLOAT},
        {TYPE_BOOLEAN, LITERAL_BOOLEAN}, {TYPE_UUID, LITERAL_UUID},        {TYPE_TIMEUUID, LITERAL_UUID},
        {TYPE_BLOB, LITERAL_HEX},        {TYPE_TIMESTAMP, LITERAL_STRING}, {TYPE_DATE, LITERAL_STRING},
        {TYPE_TIME, LITERAL_STRING},     {TYPE_INET, LITERAL_STRING},      {TYPE_DURATION, LITERAL_DURATION},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].id == id) {
            bool whole = text.bytes > 0;
            for (size_t j = 0; j < text.bytes; j++)
                whole &= (text.data[j] >= '0' && text.data[j] <= '9') || (j == 0 && text.data[j] == '-');
            *out_kind = kinds[i].kind == LITERAL_FLOAT && whole ? LITERAL_INTEGER : kinds[i].kind;
            return true;
        }
    return false;
}

int strait_bind_text(strait_statement *statement, int index, const char *text, int64_t length)
{
    const struct type *type;
    int result;
    struct strait_parameter *parameter = parameter_of(statement, index, &type, &result);
    if (!parameter)
        return result;
    if (!text)
        return strait_bind_null(statement, index);
    struct slice given = length < 0 ? slice_text(text) : slice_of(text, (size_t)length);
    if (type->id == TYPE_TEXT || type->id == TYPE_ASCII)
        return bind_bytes(statement, parameter, given);
    enum literal_kind kind;
    if (!literal_kind_of(type->id, given, &kind))
        return refuse_type(statement, index, "a text (bind the wire form)");
    struct cql_error error;
    buffer_clear(&parameter->wire);
    parameter->kind = CQL_UNSET;
    cql_error_clear(&error);
    if (!type_from_literal(type, kind, given, strait_parameter_name(statement, index),
                           statement->db->store->database->profile, &parameter->wire, &error))
        return strait_fail_misuse(statement->db, "%s", error.message);
    if (parameter->wire.failed)
        return strait_fail_nomem(statement->db);
    parameter->kind = CQL_VALUE;
    return STRAIT_OK;
}

int strait_bind_blob(strait_statement *statement, int index, const void *data, size_t bytes)
{
    const struct type *type;
    int result;
    struct strait_parameter *parameter = parameter_of(statement, index, &type, &result);
    if (!parameter)
        return result;
    if (type->id != TYPE_BLOB)
        return refuse_type(statement, index, "a blob");
    if (!data && bytes)
        return strait_fail_misuse(statement->db, "no data");
    return bind_bytes(statement, parameter, slice_of(data, bytes));
}

int strait_bind_uuid(strait_statement *statement, int index, const uint8_t uuid[16])
{
    const struct type *type;
    int result;
    struct strait_parameter *parameter = parameter_of(statement, index, &type, &result);
    if (!parameter)
        return result;
    if (!uuid || (type->id != TYPE_UUID && type->id != TYPE_TIMEUUID))
        return refuse_type(statement, index, "a uuid");
    return bind_bytes(statement, parameter, slice_of(uuid, 16));
}

int strait_bind_wire(strait_statement *statement, int index, const void *data, size_t bytes)
{
    const struct type *type;
    int result;
    struct strait_parameter *parameter = parameter_of(statement, index, &type, &result);
    if (!parameter)
        return result;
    if (!data && bytes)
        return strait_fail_misuse(statement->db, "no data");
    return bind_bytes(statement, parameter, slice_of(data, bytes));
}

/* ---- cells ---- */

/* False for null, for no row and for no such column. */
static bool cell_of(const strait_statement *statement, int column, struct slice *out_bytes,
                    const struct type **out_type)
{
    if (!statement || !statement->on_row || column < 0 || (uint32_t)column >= statement->row->count)
        return false;
    strait_row_cut(statement->row);
    if (statement->row->in.failed || !statement->row->cells[column].data)
        return false;
    *out_bytes = statement->row->cells[column];
    *out_type = statement->result.columns[column].type;
    return true;
}

int strait_column_is_null(const strait_statement *statement, int column)
{
    struct slice bytes;
    const struct type *type;
    return !cell_of(statement, column, &bytes, &type);
}

static int64_t signed_of(struct slice bytes)
{
    if (!bytes.bytes || bytes.bytes > 8)
        return 0;
    uint64_t value = bytes.data[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes.bytes; i++)
        value = value << 8 | bytes.data[i];
    return (int64_t)value;
}

double strait_column_double(const strait_statement *statement, int column)
{
    struct slice bytes;
    const struct type *type;
    if (!cell_of(statement, column, &bytes, &type))
        return 0;
    if (type->id == TYPE_DOUBLE && bytes.bytes == 8) {
        uint64_t bits = load_be64(bytes.data);
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    if (type->id == TYPE_FLOAT && bytes.bytes == 4) {
        uint32_t bits = load_be32(bytes.data);
        float value;
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    }
    if (type->id == TYPE_DECIMAL) {
        struct buffer text = {0};
        type_text(&text, type, bytes);
        buffer_append_u8(&text, 0);
        double value = text.failed ? 0 : strtod((const char *)text.data, NULL);
        buffer_deinit(&text);
        return value;
    }
    return (double)strait_column_int64(statement, column);
}

int64_t strait_column_int64(const strait_statement *statement, int column)
{
    struct slice bytes;
    const struct type *type;
    if (!cell_of(statement, column, &bytes, &type))
        return 0;
    switch (type->id) {
    case TYPE_BOOLEAN: return bytes.bytes && bytes.data[0];
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_COUNTER:
    case TYPE_TIMESTAMP:
    case TYPE_TIME:
    case TYPE_VARINT: return signed_of(bytes);
    case TYPE_DATE: return bytes.bytes == 4 ? (int64_t)load_be32(bytes.data) - (INT64_C(1) << 31) : 0;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL: {
        double value = strait_column_double(statement, column);
        return isfinite(value) && fabs(value) < 0x1p63 ? (int64_t)value : 0;
    }
    default: return 0;
    }
}

int strait_column_bool(const strait_statement *statement, int column)
{
    return strait_column_int64(statement, column) != 0;
}

static const char *printed(strait_statement *statement, const struct type *type, struct slice bytes,
                           void (*print)(struct buffer *out, const struct type *type, struct slice wire))
{
    struct buffer text = {0};
    print(&text, type, bytes);
    const char *copy = text.failed ? NULL : arena_text(statement->texts, buffer_slice(&text));
    buffer_deinit(&text);
    if (!copy)
        strait_fail_nomem(statement->db);
    return copy;
}

const char *strait_column_text(strait_statement *statement, int column)
{
    struct slice bytes;
    const struct type *type;
    return cell_of(statement, column, &bytes, &type) ? printed(statement, type, bytes, type_text) : NULL;
}

const char *strait_column_json(strait_statement *statement, int column)
{
    struct slice bytes;
    const struct type *type;
    return cell_of(statement, column, &bytes, &type) ? printed(statement, type, bytes, type_json) : "null";
}

const void *strait_column_wire(const strait_statement *statement, int column, size_t *out_bytes)
{
    struct slice bytes = {0};
    const struct type *type;
    bool there = cell_of(statement, column, &bytes, &type);
    if (out_bytes)
        *out_bytes = bytes.bytes;
    return there ? bytes.data : NULL;
}
