#include "server/response.h"

#include <stdio.h>

enum result_kind {
    RESULT_PREPARED = 4, /* the others are enum cql_result_kind */
};

enum metadata_flag {
    METADATA_GLOBAL_TABLE = 0x1,
    METADATA_MORE_PAGES = 0x2,
    METADATA_NONE = 0x4,
};

void response_error(struct buffer *out, struct response_head head, const struct cql_error *error)
{
    size_t begin = frame_begin(out, head.version, 0, head.stream, OPCODE_ERROR);
    buffer_append_be32(out, (uint32_t)error->code);
    wire_put_string(out, error->message);
    if (error->code == CQL_ALREADY_EXISTS) {
        wire_put_string(out, error->keyspace);
        wire_put_string(out, error->table);
    } else if (error->code == CQL_UNPREPARED) {
        wire_put_short_bytes(out, slice_of(error->prepared_id, sizeof error->prepared_id));
    } else if (error->code == CQL_READ_FAILURE || error->code == CQL_WRITE_FAILURE) {
        /* consistency ONE, received 0, block for 1, one failure: what a single node can say */
        buffer_append_be16(out, 1);
        buffer_append_be32(out, 0);
        buffer_append_be32(out, 1);
        buffer_append_be32(out, 1);
        if (error->code == CQL_READ_FAILURE)
            buffer_append_u8(out, 0);
        else
            wire_put_string(out, "SIMPLE");
    }
    frame_finish(out, begin);
}

void response_protocol_error(struct buffer *out, struct response_head head, const char *text)
{
    struct cql_error error = {.code = CQL_PROTOCOL_ERROR};
    snprintf(error.message, sizeof error.message, "%s", text);
    response_error(out, head, &error);
}

void response_ready(struct buffer *out, struct response_head head)
{
    frame_finish(out, frame_begin(out, head.version, 0, head.stream, OPCODE_READY));
}

void response_supported(struct buffer *out, struct response_head head, const char *cql_version)
{
    size_t begin = frame_begin(out, head.version, 0, head.stream, OPCODE_SUPPORTED);
    buffer_append_be16(out, 3);
    wire_put_string(out, "CQL_VERSION");
    buffer_append_be16(out, 1);
    wire_put_string(out, cql_version);
    wire_put_string(out, "COMPRESSION");
    buffer_append_be16(out, 0);
    wire_put_string(out, "PROTOCOL_VERSIONS");
    buffer_append_be16(out, 2);
    wire_put_string(out, "3/v3");
    wire_put_string(out, "4/v4");
    frame_finish(out, begin);
}

static void put_columns(struct buffer *out, const struct cql_column_spec *columns, uint32_t count,
                        uint8_t version)
{
    wire_put_string(out, columns[0].keyspace);
    wire_put_string(out, columns[0].table);
    for (uint32_t i = 0; i < count; i++) {
        wire_put_string(out, columns[i].name);
        wire_put_type(out, columns[i].type, version);
    }
}

static void put_rows(struct buffer *out, const struct cql_result *result, bool skip_metadata, uint8_t version)
{
    bool more = result->paging_state.bytes > 0;
    bool described = !skip_metadata && result->column_count;
    uint32_t flags = (described ? METADATA_GLOBAL_TABLE : METADATA_NONE) | (more ? METADATA_MORE_PAGES : 0);
    buffer_append_be32(out, flags);
    buffer_append_be32(out, result->column_count);
    if (more)
        wire_put_bytes(out, buffer_slice(&result->paging_state));
    if (described)
        put_columns(out, result->columns, result->column_count, version);
    buffer_append_be32(out, result->row_count);
    buffer_append_slice(out, buffer_slice(&result->rows));
}

static void put_schema_change(struct buffer *out, const struct cql_schema_change *change)
{
    wire_put_string(out, change->change);
    wire_put_string(out, change->target);
    wire_put_string(out, change->keyspace);
    if (change->name[0])
        wire_put_string(out, change->name);
}

/* Warnings stand before the body, from version 4 on. */
static void put_warnings(struct buffer *out, struct slice warnings)
{
    uint16_t count = 0;
    for (size_t i = 0; i < warnings.bytes; i++)
        count = (uint16_t)(count + (warnings.data[i] == 0));
    buffer_append_be16(out, count);
    for (size_t at = 0; at < warnings.bytes;) {
        const char *text = (const char *)warnings.data + at;
        wire_put_string(out, text);
        at += strlen(text) + 1;
    }
}

void response_result(struct buffer *out, struct response_head head, const struct cql_result *result,
                     bool skip_metadata)
{
    bool warned = result->warnings.bytes && head.version >= 4;
    size_t begin = frame_begin(out, head.version, warned ? FRAME_WARNING : 0, head.stream, OPCODE_RESULT);
    if (warned)
        put_warnings(out, buffer_slice(&result->warnings));
    buffer_append_be32(out, (uint32_t)result->kind);
    switch (result->kind) {
    case CQL_RESULT_ROWS: put_rows(out, result, skip_metadata, head.version); break;
    case CQL_RESULT_SET_KEYSPACE: wire_put_string(out, result->keyspace); break;
    case CQL_RESULT_SCHEMA_CHANGE: put_schema_change(out, &result->change); break;
    case CQL_RESULT_VOID: break;
    }
    frame_finish(out, begin);
}

void response_prepared(struct buffer *out, struct response_head head, const struct cql_prepared *prepared)
{
    uint32_t bind_count, key_count, column_count;
    const struct cql_column_spec *binds = cql_prepared_binds(prepared, &bind_count);
    const uint16_t *keys = cql_prepared_partition_binds(prepared, &key_count);
    const struct cql_column_spec *columns = cql_prepared_columns(prepared, &column_count);

    size_t begin = frame_begin(out, head.version, 0, head.stream, OPCODE_RESULT);
    buffer_append_be32(out, RESULT_PREPARED);
    wire_put_short_bytes(out, slice_of(cql_prepared_id(prepared), 16));

    buffer_append_be32(out, bind_count ? METADATA_GLOBAL_TABLE : 0);
    buffer_append_be32(out, bind_count);
    if (head.version >= 4) {
        buffer_append_be32(out, key_count);
        for (uint32_t i = 0; i < key_count; i++)
            buffer_append_be16(out, keys[i]);
    }
    if (bind_count)
        put_columns(out, binds, bind_count, head.version);

    buffer_append_be32(out, column_count ? METADATA_GLOBAL_TABLE : METADATA_NONE);
    buffer_append_be32(out, column_count);
    if (column_count)
        put_columns(out, columns, column_count, head.version);
    frame_finish(out, begin);
}

void response_schema_event(struct buffer *out, uint8_t version, const struct cql_schema_change *change)
{
    size_t begin = frame_begin(out, version, 0, -1, OPCODE_EVENT);
    wire_put_string(out, "SCHEMA_CHANGE");
    put_schema_change(out, change);
    frame_finish(out, begin);
}
