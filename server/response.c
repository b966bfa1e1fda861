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

/* Version 3 has no codes for failures: there they are timeouts. */
static enum cql_code code_in(uint8_t version, enum cql_code code)
{
    if (version >= 4)
        return code;
    switch (code) {
    case CQL_READ_FAILURE: return CQL_READ_TIMEOUT;
    case CQL_WRITE_FAILURE: return CQL_WRITE_TIMEOUT;
    case CQL_FUNCTION_FAILURE: return CQL_INVALID;
    default: return code;
    }
}

/* Consistency ONE, nothing received, one replica wanted: what a single node can say of itself. */
static void put_replicas(struct buffer *out)
{
    enum { CONSISTENCY_ONE = 1 };
    buffer_append_be16(out, CONSISTENCY_ONE);
    buffer_append_be32(out, 0);
    buffer_append_be32(out, 1);
}

/* What drivers read behind the text, by code (ERR). */
static void put_error_fields(struct buffer *out, enum cql_code code, const struct cql_error *error)
{
    switch (code) {
    case CQL_ALREADY_EXISTS:
        wire_put_string(out, error->keyspace);
        wire_put_string(out, error->table);
        break;
    case CQL_UNPREPARED:
        wire_put_short_bytes(out, slice_of(error->prepared_id, sizeof error->prepared_id));
        break;
    case CQL_UNAVAILABLE: /* required 1, alive 0 */
        buffer_append_be16(out, 1);
        buffer_append_be32(out, 1);
        buffer_append_be32(out, 0);
        break;
    case CQL_READ_TIMEOUT:
        put_replicas(out);
        buffer_append_u8(out, 0);
        break;
    case CQL_WRITE_TIMEOUT:
        put_replicas(out);
        wire_put_string(out, "SIMPLE");
        break;
    case CQL_READ_FAILURE: /* one failure */
        put_replicas(out);
        buffer_append_be32(out, 1);
        buffer_append_u8(out, 0);
        break;
    case CQL_WRITE_FAILURE:
        put_replicas(out);
        buffer_append_be32(out, 1);
        wire_put_string(out, "SIMPLE");
        break;
    case CQL_FUNCTION_FAILURE: /* keyspace, function, no argument types */
        wire_put_string(out, error->keyspace);
        wire_put_string(out, error->table);
        buffer_append_be16(out, 0);
        break;
    default: break;
    }
}

void response_error(struct buffer *out, struct response_head head, const struct cql_error *error)
{
    enum cql_code code = code_in(head.version, error->code);
    size_t begin = frame_begin(out, head.version, 0, head.stream, OPCODE_ERROR);
    buffer_append_be32(out, (uint32_t)code);
    wire_put_quoting_string(out, error->message);
    put_error_fields(out, code, error);
    frame_finish(out, begin);
}

/* A frame of our own making: rows, or word that a write is done? Warnings may stand before the kind. */
static bool reports_data(const uint8_t *frame, const struct frame_header *header)
{
    if (header->opcode != OPCODE_RESULT)
        return false;
    struct reader in = reader_of(slice_of(frame + FRAME_HEADER_BYTES, header->body_bytes));
    if (header->flags & FRAME_WARNING)
        for (unsigned left = reader_be16(&in); left; left--)
            wire_string(&in);
    uint32_t kind = reader_be32(&in);
    return kind == CQL_RESULT_VOID || kind == CQL_RESULT_ROWS;
}

void response_replace_results(struct buffer *out, size_t begin, const struct cql_error *error)
{
    struct buffer replaced = {0};
    for (size_t at = begin; at < out->bytes && !out->failed;) {
        struct frame_header header = frame_header_parse(out->data + at);
        size_t frame_bytes = FRAME_HEADER_BYTES + (size_t)header.body_bytes;
        if (reports_data(out->data + at, &header))
            response_error(&replaced,
                           (struct response_head){.version = header.version, .stream = header.stream}, error);
        else
            buffer_append(&replaced, out->data + at, frame_bytes);
        at += frame_bytes;
    }
    out->bytes = begin;
    buffer_append_slice(out, buffer_slice(&replaced));
    out->failed |= replaced.failed;
    buffer_deinit(&replaced);
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
        wire_put_quoting_string(out, text);
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
