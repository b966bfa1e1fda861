#include "database_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void open_database(struct fixture *f)
{
    struct cql_database_options options = {
        .profile = f->profile,
        .store = {.folder = *f->folder ? f->folder : NULL,
                  .durability = DURABILITY_DURABLE,
                  .shards = 2,
                  .clock_us = f->clock_us},
    };
    status st = cql_database_open(&options, &f->database);
    char text[256];
    status_print(st, text, sizeof text);
    if (failed(st))
        fail_msg("open: %s", text);
    assert_true(ok(cql_session_open(f->database, &f->session)));
}

static struct fixture *open_in(enum cql_profile profile, bool on_disk)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->profile = profile;
    if (on_disk) {
        snprintf(f->folder, sizeof f->folder, "/tmp/strait-cql-XXXXXX");
        assert_non_null(mkdtemp(f->folder));
    }
    open_database(f);
    does(
        f,
        "CREATE KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 1}");
    does(f, "USE k");
    return f;
}

struct fixture *fixture_open(enum cql_profile profile)
{
    return open_in(profile, false);
}

struct fixture *fixture_open_on_disk(enum cql_profile profile)
{
    return open_in(profile, true);
}

void fixture_reopen(struct fixture *f)
{
    cql_session_close(f->session);
    assert_true(ok(cql_database_close(f->database)));
    open_database(f);
}

void fixture_close(struct fixture *f)
{
    cql_session_close(f->session);
    assert_true(ok(cql_database_close(f->database)));
    cql_result_deinit(&f->result);
    buffer_deinit(&f->text);
    if (*f->folder) {
        char command[128];
        snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
        assert_int_equal(system(command), 0);
    }
    free(f);
}

bool run(struct fixture *f, const char *statement)
{
    struct cql_params params = {.consistency = 1};
    return cql_session_query(f->session, slice_text(statement), &params, &f->result, &f->error);
}

void does(struct fixture *f, const char *statement)
{
    if (!run(f, statement))
        fail_msg("refused with 0x%04x \"%s\": %s", (unsigned)f->error.code, f->error.message, statement);
}

void refuses(struct fixture *f, enum cql_code code, const char *text, const char *statement)
{
    if (run(f, statement))
        fail_msg("not refused: %s", statement);
    if (f->error.code != code || strncmp(f->error.message, text, strlen(text)) != 0)
        fail_msg("refused with 0x%04x \"%s\", not with 0x%04x \"%s\": %s", (unsigned)f->error.code,
                 f->error.message, (unsigned)code, text, statement);
}

const char *rows(struct fixture *f, const char *statement)
{
    does(f, statement);
    assert_int_equal(f->result.kind, CQL_RESULT_ROWS);
    struct reader in = reader_of(buffer_slice(&f->result.rows));
    buffer_clear(&f->text);
    for (uint32_t i = 0; i < f->result.row_count; i++)
        for (uint32_t j = 0; j < f->result.column_count; j++) {
            if (i || j)
                buffer_append_u8(&f->text, j ? ',' : '|');
            uint32_t bytes = reader_be32(&in);
            if (bytes > INT32_MAX)
                buffer_printf(&f->text, "null");
            else
                type_text(&f->text, f->result.columns[j].type, reader_take(&in, bytes));
        }
    assert_false(in.failed);
    buffer_append_u8(&f->text, 0);
    assert_false(f->text.failed);
    return (const char *)f->text.data;
}

void shows(struct fixture *f, const char *statement, const char *expected)
{
    assert_string_equal(rows(f, statement), expected);
}

void did_nothing(struct fixture *f)
{
    assert_int_equal(f->result.kind, CQL_RESULT_VOID);
}

void changed(struct fixture *f, const char *change, const char *target, const char *keyspace,
             const char *name)
{
    assert_int_equal(f->result.kind, CQL_RESULT_SCHEMA_CHANGE);
    assert_string_equal(f->result.change.change, change);
    assert_string_equal(f->result.change.target, target);
    assert_string_equal(f->result.change.keyspace, keyspace);
    assert_string_equal(f->result.change.name, name);
}

void warned(struct fixture *f, const char *text)
{
    const struct buffer *warnings = &f->result.warnings;
    for (size_t at = 0; at < warnings->bytes; at += strlen((const char *)warnings->data + at) + 1)
        if (strstr((const char *)warnings->data + at, text))
            return;
    fail_msg("no warning with: %s", text);
}

char *source_file(const char *path)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", STRAIT_SOURCE_DIR, path);
    FILE *file = fopen(whole, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    size_t bytes = fread(text, 1, (1 << 20) - 1, file);
    assert_true(bytes > 0);
    fclose(file);
    return text;
}
