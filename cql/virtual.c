#include "cql/virtual.h"

#include <string.h>

#include "base/bytes.h"

void virtual_row_begin(struct virtual_rows *rows)
{
    if (rows->failed)
        return;
    struct cql_value **grown = arena_grow(rows->arena, (const void *)rows->rows, rows->row_count,
                                          &rows->row_capacity, sizeof *grown);
    if (!grown) {
        rows->failed = true;
        return;
    }
    rows->rows = grown;
    struct cql_value *row = arena_calloc(rows->arena, rows->table->column_count, sizeof *row);
    if (!row) {
        rows->failed = true;
        return;
    }
    for (uint32_t i = 0; i < rows->table->column_count; i++)
        row[i].kind = CQL_NULL;
    rows->rows[rows->row_count++] = row;
}

void virtual_row_set(struct virtual_rows *rows, const char *column, struct slice wire)
{
    if (rows->failed || !rows->row_count)
        return;
    for (uint32_t i = 0; i < rows->table->column_count; i++) {
        if (strcmp(rows->table->columns[i].name, column) != 0)
            continue;
        struct slice copy = arena_copy(rows->arena, wire);
        if (wire.bytes && !copy.data) {
            rows->failed = true;
            return;
        }
        rows->rows[rows->row_count - 1][i] = (struct cql_value){.kind = CQL_VALUE, .bytes = copy};
        return;
    }
}

void virtual_row_text(struct virtual_rows *rows, const char *column, const char *text)
{
    if (text)
        virtual_row_set(rows, column, slice_text(text));
}

void virtual_row_int(struct virtual_rows *rows, const char *column, int32_t value)
{
    uint8_t wire[4];
    store_be32(wire, (uint32_t)value);
    virtual_row_set(rows, column, slice_of(wire, sizeof wire));
}

void virtual_row_bigint(struct virtual_rows *rows, const char *column, int64_t value)
{
    uint8_t wire[8];
    store_be64(wire, (uint64_t)value);
    virtual_row_set(rows, column, slice_of(wire, sizeof wire));
}

void virtual_row_double(struct virtual_rows *rows, const char *column, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    virtual_row_bigint(rows, column, (int64_t)bits);
}

void virtual_row_boolean(struct virtual_rows *rows, const char *column, bool value)
{
    uint8_t wire = value;
    virtual_row_set(rows, column, slice_of(&wire, 1));
}

void virtual_row_uuid(struct virtual_rows *rows, const char *column, const uint8_t uuid[16])
{
    virtual_row_set(rows, column, slice_of(uuid, 16));
}

bool virtual_write_text(const struct virtual_write *write, const char *column, const char **out_text)
{
    *out_text = NULL;
    for (uint32_t i = 0; i < write->table->column_count; i++) {
        struct slice bytes = write->values[i].bytes;
        if (strcmp(write->table->columns[i].name, column) != 0 || write->values[i].kind != CQL_VALUE)
            continue;
        if (bytes.bytes && memchr(bytes.data, 0, bytes.bytes))
            return false;
        *out_text = arena_text(write->scratch, bytes);
        return *out_text != NULL;
    }
    return true;
}
