#include "tools/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The line of `text` that holds `at`, and a mark below the place. */
static void show_place(const char *text, size_t bytes, size_t at)
{
    if (at > bytes)
        at = bytes;
    size_t begin = at, end = at;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    while (end < bytes && text[end] != '\n')
        end++;
    fprintf(stderr, "  %.*s\n  ", (int)(end - begin), text + begin);
    for (size_t i = begin; i < at; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            fputc(text[i] == '\t' ? '\t' : ' ', stderr);
    fputs("^\n", stderr);
}

static size_t offset_of(const char *text, size_t bytes, int line, int column)
{
    size_t at = 0;
    for (int i = 1; i < line && at < bytes; at++)
        if (text[at] == '\n')
            i++;
    at += (size_t)column;
    return at < bytes ? at : bytes;
}

/* `statement` stands at line `first_line` of its script. */
static void report(const struct script *script, const char *statement, size_t bytes, int first_line)
{
    int code = strait_error_code(script->db);
    int line = strait_error_line(script->db);

    if (script->name)
        fprintf(stderr, "%s:%d: ", script->name, first_line + (line > 0 ? line - 1 : 0));
    if (code >= 0)
        fprintf(stderr, "error 0x%04x: %s\n", (unsigned)code, strait_error_message(script->db));
    else
        fprintf(stderr, "error: %s\n", strait_error_message(script->db));
    if (line > 0)
        show_place(statement, bytes, offset_of(statement, bytes, line, strait_error_column(script->db)));
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool run_one(const struct script *script, const char *text, size_t bytes, int first_line)
{
    strait_statement *statement = NULL;
    double begun_ms = now_ms();
    int result = strait_prepare(script->db, text, (int64_t)bytes, &statement, NULL);
    if (result == STRAIT_OK && statement)
        result = result_print(statement, script->format, script->out);
    bool done = result == STRAIT_OK || result == STRAIT_DONE;
    if (!done)
        report(script, text, bytes, first_line);
    if (statement && done && *strait_warnings(statement))
        fprintf(stderr, "warning: %s\n", strait_warnings(statement));
    strait_finalize(statement);
    fflush(script->out);
    if (script->timing)
        fprintf(stderr, "%.3f ms\n", now_ms() - begun_ms);
    return done;
}

bool script_run(const struct script *script, const char *text, size_t bytes)
{
    bool all_done = true;
    int line = 1;
    while (bytes) {
        int complete, empty;
        size_t cut = strait_cut(text, bytes, &complete, &empty);
        if (cut == 0)
            cut = bytes;
        if (!empty) {
            size_t skipped = 0;
            int first_line = line;
            while (skipped < cut && strchr(" \t\r\n", text[skipped])) {
                if (text[skipped] == '\n')
                    first_line++;
                skipped++;
            }
            if (!run_one(script, text + skipped, cut - skipped, first_line)) {
                all_done = false;
                if (!script->keep_going)
                    return false;
            }
        }
        for (size_t i = 0; i < cut; i++)
            if (text[i] == '\n')
                line++;
        text += cut;
        bytes -= cut;
    }
    return all_done;
}

char *script_read(const char *path, size_t *out_bytes)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "strait: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    char *text = NULL;
    size_t bytes = 0, capacity = 0, got = 1;
    while (got) {
        if (capacity - bytes < 65536) {
            capacity = capacity ? capacity * 2 : 131072;
            char *grown = realloc(text, capacity);
            if (!grown) {
                fprintf(stderr, "strait: %s: out of memory\n", path);
                free(text);
                text = NULL;
                goto out;
            }
            text = grown;
        }
        got = fread(text + bytes, 1, capacity - bytes - 1, file);
        bytes += got;
    }
    if (ferror(file)) {
        fprintf(stderr, "strait: %s: %s\n", path, strerror(errno));
        free(text);
        text = NULL;
        goto out;
    }
    text[bytes] = 0;
    *out_bytes = bytes;
out:
    if (file != stdin)
        fclose(file);
    return text;
}

void script_report_open(strait *db, const char *path, int result)
{
    const char *message = db ? strait_error_message(db) : strait_result_text(result);
    fprintf(stderr, "strait: %s: %s\n", path, message);
    strait_close(db);
}
