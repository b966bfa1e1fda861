#include "statement_fixture.h"

#include <stdio.h>
#include <string.h>

/* ---- values ---- */

struct values {
    struct cql_value items[STATEMENT_VALUES_MAX];
    struct buffer wires[STATEMENT_VALUES_MAX];
    uint32_t count;
};

static enum literal_kind literal_of(const char *text)
{
    if (*text == '\'')
        return LITERAL_STRING;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return LITERAL_BOOLEAN;
    if (strlen(text) == 36 && text[8] == '-')
        return LITERAL_UUID;
    if (strncmp(text, "0x", 2) == 0)
        return LITERAL_HEX;
    return strchr(text, '.') ? LITERAL_FLOAT : LITERAL_INTEGER;
}

static void read_value(const char *text, const struct type *type, struct buffer *wire, struct cql_value *out)
{
    struct cql_error error;
    struct slice body = slice_text(text);
    enum literal_kind kind = literal_of(text);
    if (kind == LITERAL_STRING)
        body = slice_of(text + 1, strlen(text) - 2);
    *out = (struct cql_value){.kind = CQL_VALUE};
    if (strcmp(text, "null") == 0) {
        out->kind = CQL_NULL;
    } else if (strcmp(text, "unset") == 0) {
        out->kind = CQL_UNSET;
    } else if (strncmp(text, "raw:", 4) == 0) {
        buffer_append(wire, text + 4, strlen(text + 4));
    } else if (type->id == TYPE_LIST) {
        /* [1 2 3] */
        struct buffer items = {0};
        char copy[256], *at = copy, *item;
        uint32_t count = 0;
        snprintf(copy, sizeof copy, "%.*s", (int)(strlen(text) - 2), text + 1);
        while ((item = strsep(&at, " ")))
            if (*item) {
                struct buffer one = {0};
                struct cql_value value;
                read_value(item, type->first, &one, &value);
                buffer_append_be32(&items, value.kind == CQL_VALUE ? (uint32_t)one.bytes : UINT32_MAX);
                buffer_append_slice(&items, buffer_slice(&one));
                buffer_deinit(&one);
                count++;
            }
        buffer_append_be32(wire, count);
        buffer_append_slice(wire, buffer_slice(&items));
        buffer_deinit(&items);
    } else if (!type_from_literal(type, kind, body, "value", PROFILE_SCYLLA_2025_1, wire, &error)) {
        fail_msg("not a literal: %s (%s)", text, error.message);
    }
    if (out->kind == CQL_VALUE)
        out->bytes = buffer_slice(wire);
}

static void read_values(struct cql_prepared *prepared, const char *text, struct values *out)
{
    uint32_t bind_count;
    const struct cql_column_spec *binds = cql_prepared_binds(prepared, &bind_count);
    char copy[1024], *at = copy, *item;
    *out = (struct values){0};
    snprintf(copy, sizeof copy, "%s", text);
    while (*text && (item = strsep(&at, ";"))) {
        assert_true(out->count < STATEMENT_VALUES_MAX);
        const struct type *type = out->count < bind_count ? binds[out->count].type : type_scalar(TYPE_INT);
        read_value(item, type, &out->wires[out->count], &out->items[out->count]);
        out->count++;
    }
}

static void free_values(struct values *values)
{
    for (uint32_t i = 0; i < STATEMENT_VALUES_MAX; i++)
        buffer_deinit(&values->wires[i]);
}

static struct cql_prepared *prepare(struct fixture *f, const char *statement)
{
    struct cql_prepared *prepared = NULL;
    if (!cql_session_prepare(f->session, slice_text(statement), &prepared, &f->error))
        fail_msg("not prepared, 0x%04x \"%s\": %s", (unsigned)f->error.code, f->error.message, statement);
    return prepared;
}

bool run_bound(struct fixture *f, const char *statement, const char *values)
{
    struct cql_prepared *prepared = prepare(f, statement);
    struct values bound;
    read_values(prepared, values, &bound);
    struct cql_params params = {.consistency = 1, .values = bound.items, .value_count = bound.count};
    bool done = cql_session_execute(f->session, prepared, &params, &f->result, &f->error);
    free_values(&bound);
    cql_prepared_release(prepared);
    return done;
}

void does_bound(struct fixture *f, const char *statement, const char *values)
{
    if (!run_bound(f, statement, values))
        fail_msg("refused with 0x%04x \"%s\": %s with %s", (unsigned)f->error.code, f->error.message,
                 statement, values);
}

void refuses_bound(struct fixture *f, enum cql_code code, const char *text, const char *statement,
                   const char *values)
{
    if (run_bound(f, statement, values))
        fail_msg("not refused: %s with %s", statement, values);
    if (f->error.code != code || strncmp(f->error.message, text, strlen(text)) != 0)
        fail_msg("refused with 0x%04x \"%s\", not with 0x%04x \"%s\": %s", (unsigned)f->error.code,
                 f->error.message, (unsigned)code, text, statement);
}

/* ---- rows ---- */

static void append_rows(struct fixture *f, const struct cql_column_spec *columns)
{
    struct reader in = reader_of(buffer_slice(&f->result.rows));
    for (uint32_t i = 0; i < f->result.row_count; i++)
        for (uint32_t j = 0; j < f->result.column_count; j++) {
            if (i || j)
                buffer_append_u8(&f->text, j ? ',' : '|');
            uint32_t bytes = reader_be32(&in);
            if (bytes > INT32_MAX)
                buffer_printf(&f->text, "null");
            else
                type_text(&f->text, columns[j].type, reader_take(&in, bytes));
        }
    assert_false(in.failed);
}

void shows_bound(struct fixture *f, const char *statement, const char *values, const char *expected)
{
    does_bound(f, statement, values);
    struct cql_prepared *prepared = prepare(f, statement);
    uint32_t count;
    const struct cql_column_spec *columns = cql_prepared_columns(prepared, &count);
    buffer_clear(&f->text);
    append_rows(f, columns);
    buffer_append_u8(&f->text, 0);
    cql_prepared_release(prepared);
    assert_string_equal((const char *)f->text.data, expected);
}

void does_at(struct fixture *f, int64_t timestamp, const char *statement)
{
    struct cql_params params = {.consistency = 1, .has_timestamp = true, .timestamp = timestamp};
    if (!cql_session_query(f->session, slice_text(statement), &params, &f->result, &f->error))
        fail_msg("refused with 0x%04x \"%s\": %s", (unsigned)f->error.code, f->error.message, statement);
}

/* ---- metadata ---- */

void expects_binds(struct fixture *f, const char *statement, const char *names)
{
    struct cql_prepared *prepared = prepare(f, statement);
    uint32_t count;
    const struct cql_column_spec *binds = cql_prepared_binds(prepared, &count);
    buffer_clear(&f->text);
    for (uint32_t i = 0; i < count; i++)
        buffer_printf(&f->text, "%s%s", i ? ";" : "", binds[i].name);
    buffer_append_u8(&f->text, 0);
    cql_prepared_release(prepared);
    assert_string_equal((const char *)f->text.data, names);
}

void expects_partition_binds(struct fixture *f, const char *statement, const char *positions)
{
    struct cql_prepared *prepared = prepare(f, statement);
    uint32_t count;
    const uint16_t *binds = cql_prepared_partition_binds(prepared, &count);
    buffer_clear(&f->text);
    for (uint32_t i = 0; i < count; i++)
        buffer_printf(&f->text, "%s%u", i ? "," : "", (unsigned)binds[i]);
    buffer_append_u8(&f->text, 0);
    cql_prepared_release(prepared);
    assert_string_equal((const char *)f->text.data, positions);
}

void expects_columns(struct fixture *f, const char *statement, const char *columns)
{
    struct cql_prepared *prepared = prepare(f, statement);
    uint32_t count;
    const struct cql_column_spec *specs = cql_prepared_columns(prepared, &count);
    buffer_clear(&f->text);
    for (uint32_t i = 0; i < count; i++) {
        buffer_printf(&f->text, "%s%s ", i ? ";" : "", specs[i].name);
        type_name(&f->text, specs[i].type);
    }
    buffer_append_u8(&f->text, 0);
    cql_prepared_release(prepared);
    assert_string_equal((const char *)f->text.data, columns);
}

void refuses_prepare(struct fixture *f, enum cql_code code, const char *text, const char *statement)
{
    struct cql_prepared *prepared = NULL;
    if (cql_session_prepare(f->session, slice_text(statement), &prepared, &f->error)) {
        cql_prepared_release(prepared);
        fail_msg("prepared: %s", statement);
    }
    if (f->error.code != code || strncmp(f->error.message, text, strlen(text)) != 0)
        fail_msg("refused with 0x%04x \"%s\", not with 0x%04x \"%s\": %s", (unsigned)f->error.code,
                 f->error.message, (unsigned)code, text, statement);
}

/* ---- pages ---- */

static const char *all_pages(struct fixture *f, const char *statement, int32_t page_size, bool restart)
{
    struct buffer state = {0};
    buffer_clear(&f->text);
    for (int page = 0; page < 10000; page++) {
        struct cql_params params = {
            .consistency = 1, .page_size = page_size, .paging_state = buffer_slice(&state)};
        if (page)
            buffer_append_u8(&f->text, '/');
        if (!cql_session_query(f->session, slice_text(statement), &params, &f->result, &f->error))
            fail_msg("refused with 0x%04x \"%s\": %s", (unsigned)f->error.code, f->error.message, statement);
        append_rows(f, f->result.columns);
        buffer_clear(&state);
        buffer_append_slice(&state, buffer_slice(&f->result.paging_state));
        if (!state.bytes)
            break;
        if (restart)
            fixture_reopen(f);
    }
    buffer_deinit(&state);
    buffer_append_u8(&f->text, 0);
    return (const char *)f->text.data;
}

const char *pages(struct fixture *f, const char *statement, int32_t page_size)
{
    return all_pages(f, statement, page_size, false);
}

void shows_pages(struct fixture *f, const char *statement, int32_t page_size, const char *expected)
{
    assert_string_equal(all_pages(f, statement, page_size, false), expected);
}

void shows_pages_over_restarts(struct fixture *f, const char *statement, int32_t page_size,
                               const char *expected)
{
    assert_string_equal(all_pages(f, statement, page_size, true), expected);
}
