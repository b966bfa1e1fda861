/* strait_statement.c: statements of strait.h: prepare, step, rows. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cql/parse.h"
#include "cql/strait_internal.h"

enum {
    PAGE_ROWS = 5000,
    CONSISTENCY_ONE = 1,
};

/* ---- making and ending ---- */

static int statement_new(struct strait *db, struct cql_prepared *prepared, strait_statement **out_statement)
{
    struct strait_statement *statement = calloc(1, sizeof *statement);
    if (!statement)
        return strait_fail_nomem(db);
    (void)cql_prepared_binds(prepared, &statement->parameter_count);
    size_t count = statement->parameter_count ? statement->parameter_count : 1;
    statement->db = db;
    statement->page_rows = PAGE_ROWS;
    statement->parameters = calloc(count, sizeof *statement->parameters);
    statement->values = calloc(count, sizeof *statement->values);
    statement->texts = calloc(1, sizeof *statement->texts);
    statement->row = calloc(1, sizeof *statement->row);
    db->statement_count++;
    if (!statement->parameters || !statement->values || !statement->texts || !statement->row) {
        strait_finalize(statement);
        return strait_fail_nomem(db);
    }
    for (uint32_t i = 0; i < statement->parameter_count; i++)
        statement->parameters[i].kind = CQL_UNSET;
    arena_init(statement->texts, 1024);
    statement->prepared = prepared;
    *out_statement = statement;
    return STRAIT_OK;
}

int strait_prepare(strait *db, const char *text, int64_t length, strait_statement **out_statement,
                   const char **out_tail)
{
    if (!db || !db->store || !text || !out_statement)
        return strait_fail_misuse(db, "no handle, text or place for the statement");
    *out_statement = NULL;
    struct slice whole = length < 0 ? slice_text(text) : slice_of(text, (size_t)length);
    bool complete, empty;
    size_t bytes = parse_cut(whole, &complete, &empty);
    if (out_tail)
        *out_tail = text + (empty ? whole.bytes : bytes);
    if (empty)
        return STRAIT_OK;
    struct cql_prepared *prepared;
    if (!cql_session_prepare(db->session, slice_of(text, bytes), &prepared, &db->error))
        return STRAIT_REFUSED;
    int result = statement_new(db, prepared, out_statement);
    if (result != STRAIT_OK)
        cql_prepared_release(prepared);
    return result;
}

void strait_finalize(strait_statement *statement)
{
    if (!statement)
        return;
    for (uint32_t i = 0; statement->parameters && i < statement->parameter_count; i++)
        buffer_deinit(&statement->parameters[i].wire);
    free(statement->parameters);
    free(statement->values);
    if (statement->row)
        free(statement->row->cells);
    free(statement->row);
    if (statement->texts)
        arena_deinit(statement->texts);
    free(statement->texts);
    buffer_deinit(&statement->paging_state);
    cql_result_deinit(&statement->result);
    cql_prepared_release(statement->prepared);
    statement->db->statement_count--;
    free(statement);
}

int strait_reset(strait_statement *statement)
{
    if (!statement)
        return STRAIT_MISUSE;
    statement->state = STATEMENT_READY;
    statement->on_row = false;
    statement->rows_left = 0;
    arena_reset(statement->texts);
    buffer_clear(&statement->paging_state);
    return STRAIT_OK;
}

int strait_set_page_rows(strait_statement *statement, int rows)
{
    if (!statement || rows < 1)
        return strait_fail_misuse(statement ? statement->db : NULL, "a page has at least one row");
    statement->page_rows = rows;
    return STRAIT_OK;
}

int strait_set_timestamp(strait_statement *statement, int64_t timestamp_us)
{
    if (!statement)
        return STRAIT_MISUSE;
    statement->has_timestamp = timestamp_us != INT64_MIN;
    statement->timestamp_us = timestamp_us;
    return STRAIT_OK;
}

/* ---- stepping ---- */

static bool execute(struct strait_statement *statement)
{
    struct strait *db = statement->db;
    for (uint32_t i = 0; i < statement->parameter_count; i++)
        statement->values[i] = (struct cql_value){.kind = statement->parameters[i].kind,
                                                  .bytes = buffer_slice(&statement->parameters[i].wire)};
    struct cql_params params = {
        .values = statement->values,
        .value_count = statement->parameter_count,
        .consistency = CONSISTENCY_ONE,
        .page_size = statement->page_rows,
        .paging_state = buffer_slice(&statement->paging_state),
        .has_timestamp = statement->has_timestamp,
        .timestamp = statement->timestamp_us,
    };
    return cql_session_execute(db->session, statement->prepared, &params, &statement->result, &db->error);
}

/* Plan the statement with the schema of now. */
static bool renew(struct strait_statement *statement)
{
    struct strait *db = statement->db;
    struct cql_prepared *fresh;
    if (!cql_session_renew(db->session, statement->prepared, &fresh, &db->error))
        return false;
    cql_prepared_release(statement->prepared);
    statement->prepared = fresh;
    return true;
}

/* Run for the next page. A statement whose schema moved on is prepared anew, as a driver would do. */
static int fetch_page(struct strait_statement *statement)
{
    struct strait *db = statement->db;
    bool is_stale = !cql_session_is_current(db->session, statement->prepared);
    bool done = (!is_stale || renew(statement)) && execute(statement);
    if (!done && db->error.code == CQL_UNPREPARED) /* it moved on just now */
        done = renew(statement) && execute(statement);
    if (!done)
        return STRAIT_REFUSED;
    struct cql_result *result = &statement->result;
    *statement->row = (struct strait_row){
        .in = reader_of(buffer_slice(&result->rows)),
        .cells = statement->row->cells,
        .capacity = statement->row->capacity,
        .is_cut = true,
    };
    statement->rows_left = result->kind == CQL_RESULT_ROWS ? result->row_count : 0;
    buffer_clear(&statement->paging_state);
    buffer_append_slice(&statement->paging_state, buffer_slice(&result->paging_state));
    return statement->paging_state.failed ? strait_fail_nomem(db) : STRAIT_OK;
}

/* Room for the cells of a row; the page's first one makes it. */
static bool row_open_cells(struct strait_row *row, uint32_t count)
{
    if (count > row->capacity) {
        struct slice *larger = realloc(row->cells, count * sizeof *larger);
        if (!larger)
            return false;
        row->cells = larger;
        row->capacity = count;
    }
    row->count = count;
    return true;
}

/* Cut the row into cells; `cells` may be NULL, to pass over it. */
static bool row_cut(struct strait_row *row, struct slice *cells)
{
    const uint8_t *at = row->in.at, *end = row->in.end;
    for (uint32_t i = 0; i < row->count; i++) {
        if (end - at < 4)
            return false;
        uint32_t bytes = load_be32(at);
        bool null = bytes > INT32_MAX;
        at += 4;
        if (null)
            bytes = 0;
        if (bytes > (size_t)(end - at))
            return false;
        if (cells)
            cells[i] = slice_of(null ? NULL : at, bytes);
        at += bytes;
    }
    row->in.at = at;
    row->is_cut = true;
    return true;
}

void strait_row_cut(struct strait_row *row)
{
    if (!row->is_cut && !row_cut(row, row->cells))
        row->in.failed = true;
}

/* To the next row of the page, past this one if nobody asked for it. */
static int take_row(struct strait_statement *statement)
{
    struct strait_row *row = statement->row;
    if (!row->is_cut && !row_cut(row, NULL))
        row->in.failed = true;
    if (row->in.failed)
        return strait_fail_status(statement->db, STATUS_FAIL(STATUS_CORRUPT));
    if (!row_open_cells(row, statement->result.column_count))
        return strait_fail_nomem(statement->db);
    row->is_cut = false;
    statement->rows_left--;
    statement->on_row = true;
    return STRAIT_ROW;
}

int strait_step(strait_statement *statement)
{
    if (!statement)
        return STRAIT_MISUSE;
    statement->on_row = false;
    arena_reset(statement->texts);
    if (statement->state == STATEMENT_ENDED)
        return STRAIT_DONE;
    bool first = statement->state == STATEMENT_READY;
    /* A page may be empty with more to come (PAG-1). */
    while (!statement->rows_left) {
        if (!first && !statement->paging_state.bytes) {
            statement->state = STATEMENT_ENDED;
            return STRAIT_DONE;
        }
        first = false;
        statement->state = STATEMENT_RUNNING;
        int result = fetch_page(statement);
        if (result != STRAIT_OK) {
            statement->state = STATEMENT_ENDED;
            return result;
        }
    }
    int result = take_row(statement);
    if (result != STRAIT_ROW)
        statement->state = STATEMENT_ENDED;
    return result;
}

/* ---- what came out ---- */

/* Of the result once there is one, of the plan before. */
static const struct cql_column_spec *columns_of(const struct strait_statement *statement, uint32_t *out_count)
{
    if (statement->state != STATEMENT_READY && statement->result.kind == CQL_RESULT_ROWS) {
        *out_count = statement->result.column_count;
        return statement->result.columns;
    }
    return cql_prepared_columns(statement->prepared, out_count);
}

static const char *type_text_of(const struct strait_statement *statement, const struct type *type)
{
    const char *scalar = type_scalar_name(type->id);
    if (scalar)
        return scalar;
    struct buffer text = {0};
    type_name(&text, type);
    const char *copy = text.failed ? NULL : arena_text(statement->texts, buffer_slice(&text));
    buffer_deinit(&text);
    return copy ? copy : "";
}

int strait_parameter_count(const strait_statement *statement)
{
    return statement ? (int)statement->parameter_count : 0;
}

static const struct cql_column_spec *parameter_at(const strait_statement *statement, int index)
{
    uint32_t count;
    const struct cql_column_spec *binds = statement ? cql_prepared_binds(statement->prepared, &count) : NULL;
    return binds && index >= 0 && (uint32_t)index < count ? &binds[index] : NULL;
}

const char *strait_parameter_name(const strait_statement *statement, int index)
{
    const struct cql_column_spec *bind = parameter_at(statement, index);
    return bind ? bind->name : NULL;
}

const char *strait_parameter_type(const strait_statement *statement, int index)
{
    const struct cql_column_spec *bind = parameter_at(statement, index);
    return bind ? type_text_of(statement, bind->type) : NULL;
}

int strait_column_count(const strait_statement *statement)
{
    uint32_t count = 0;
    if (statement)
        (void)columns_of(statement, &count);
    return (int)count;
}

static const struct cql_column_spec *column_at(const strait_statement *statement, int column)
{
    uint32_t count;
    const struct cql_column_spec *columns = statement ? columns_of(statement, &count) : NULL;
    return columns && column >= 0 && (uint32_t)column < count ? &columns[column] : NULL;
}

const char *strait_column_name(const strait_statement *statement, int column)
{
    const struct cql_column_spec *spec = column_at(statement, column);
    return spec ? spec->name : NULL;
}

const char *strait_column_type(const strait_statement *statement, int column)
{
    const struct cql_column_spec *spec = column_at(statement, column);
    return spec ? type_text_of(statement, spec->type) : NULL;
}

const char *strait_statement_kind(const strait_statement *statement)
{
    if (!statement)
        return "";
    switch (statement->result.kind) {
    case CQL_RESULT_ROWS: return "rows";
    case CQL_RESULT_SET_KEYSPACE: return "use";
    case CQL_RESULT_SCHEMA_CHANGE: return "schema";
    case CQL_RESULT_VOID: break;
    }
    return "void";
}

const char *strait_warnings(strait_statement *statement)
{
    if (!statement || !statement->result.warnings.bytes)
        return "";
    const struct buffer *warnings = &statement->result.warnings;
    char *text = arena_text(statement->texts, slice_of(warnings->data, warnings->bytes - 1));
    for (size_t i = 0; text && i + 1 < warnings->bytes; i++)
        if (!text[i])
            text[i] = '\n';
    return text ? text : "";
}
