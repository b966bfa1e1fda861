#include "tools/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/terminal.h"

enum {
    WINDOW_BYTES = 120, /* of a long line, around a place in it */
};

/* The part of a long line that is shown around its place, in bytes; both ends stand between characters. */
static void choose_window(const char *line, size_t bytes, size_t at, size_t *out_begin, size_t *out_end)
{
    size_t begin = at > WINDOW_BYTES / 2 && bytes > WINDOW_BYTES ? at - WINDOW_BYTES / 2 : 0;
    size_t end = bytes - begin > WINDOW_BYTES ? begin + WINDOW_BYTES : bytes;
    while (begin > 0 && ((unsigned char)line[begin] & 0xc0) == 0x80)
        begin--;
    while (end < bytes && ((unsigned char)line[end] & 0xc0) == 0x80)
        end++;
    *out_begin = begin;
    *out_end = end;
}

/* A tab takes one column here, so that the mark stands right whatever the terminal's tabs are. */
static void print_line(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        fputc((unsigned char)text[i] < 0x20 ? ' ' : text[i], stderr);
}

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
    if (end > begin && text[end - 1] == '\r')
        end--;
    const char *line = text + begin;
    size_t line_bytes = end - begin, place = at - begin < line_bytes ? at - begin : line_bytes;
    size_t from, to;
    choose_window(line, line_bytes, place, &from, &to);

    fputs(from ? "  ..." : "  ", stderr);
    print_line(line + from, to - from);
    fputs(to < line_bytes ? "...\n" : "\n", stderr);
    int width = from ? 3 : 0;
    for (size_t i = from; i < place;) { /* control characters are one column wide here */
        size_t run = i;
        while (run < place && (unsigned char)line[run] >= 0x20)
            run++;
        width += terminal_width(line + i, run - i);
        i = run;
        if (i < place) {
            width++;
            i++;
        }
    }
    fprintf(stderr, "  %*s^\n", width, "");
}

/* Of a place that is given in lines and in characters. */
static size_t offset_of(const char *text, size_t bytes, int line, int column)
{
    size_t at = 0;
    for (int i = 1; i < line && at < bytes; at++)
        if (text[at] == '\n')
            i++;
    for (; column > 0 && at < bytes; column--) {
        at++;
        while (at < bytes && ((unsigned char)text[at] & 0xc0) == 0x80)
            at++;
    }
    return at;
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
    if (code == 0 && script->read_only)
        fputs("  (the store is open with --read-only)\n", stderr);
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
        result = result_print(statement, script->format, script->out, script->stop);
    bool done = result == STRAIT_OK || result == STRAIT_DONE;
    fflush(script->out); /* rows before what is said about them */
    if (!done && result != RESULT_INTERRUPTED)
        report(script, text, bytes, first_line);
    if (statement && done && *strait_warnings(statement))
        fprintf(stderr, "warning: %s\n", strait_warnings(statement));
    strait_finalize(statement);
    if (script->timing)
        fprintf(stderr, "%.3f ms\n", now_ms() - begun_ms);
    return done;
}

size_t script_blank(const char *text, size_t bytes)
{
    size_t at = 0;
    while (at < bytes) {
        const char *rest = text + at;
        size_t left = bytes - at;
        const char *end;
        if (strchr(" \t\r\n\f\v", *rest) && *rest) {
            at++;
        } else if (left >= 2 && (memcmp(rest, "--", 2) == 0 || memcmp(rest, "//", 2) == 0)) {
            end = memchr(rest, '\n', left);
            at = end ? (size_t)(end + 1 - text) : bytes;
        } else if (left >= 2 && memcmp(rest, "/*", 2) == 0) {
            end = memmem(rest + 2, left - 2, "*/", 2);
            if (!end)
                break;
            at = (size_t)(end + 2 - text);
        } else {
            break;
        }
    }
    return at;
}

static int count_lines(const char *text, size_t bytes)
{
    int lines = 0;
    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n';
    return lines;
}

bool script_run(const struct script *script, const char *text, size_t bytes)
{
    bool all_done = true;
    int line = 1;
    while (bytes && (all_done || script->keep_going) && !(script->stop && *script->stop)) {
        int complete, empty;
        size_t blank = script_blank(text, bytes);
        line += count_lines(text, blank);
        text += blank;
        bytes -= blank;
        size_t cut = strait_cut(text, bytes, &complete, &empty);
        if (!empty) {
            all_done &= run_one(script, text, cut, line);
        } else if (!complete && bytes) { /* neither blank nor a statement */
            fprintf(stderr, "%s:%d: error: a comment is not closed\n", script->name ? script->name : "input",
                    line);
            all_done = false;
        }
        line += count_lines(text, cut);
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
