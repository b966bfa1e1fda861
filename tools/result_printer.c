#include "tools/result_printer.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum {
    TABLE_ROWS_MAX = 1000, /* aligned together; a longer result goes on as a further table */
};

bool result_format_parse(const char *name, enum result_format *out_format)
{
    static const char *const names[] = {
        [RESULT_TABLE] = "table", [RESULT_JSON] = "json", [RESULT_CSV] = "csv"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out_format = (enum result_format)i;
            return true;
        }
    }
    return false;
}

/* ---- table ---- */

/* Columns that a text takes on a terminal; control characters are printed as one. */
static int text_width(const char *text)
{
    int width = 0;
    mbstate_t state = {0};
    size_t left = strlen(text);
    while (left) {
        wchar_t wide;
        size_t used = mbrtowc(&wide, text, left, &state);
        if (used == (size_t)-1 || used == (size_t)-2 || used == 0) {
            used = 1;
            width++;
            state = (mbstate_t){0};
        } else {
            int columns = wcwidth(wide);
            width += columns < 0 ? 1 : columns;
        }
        text += used;
        left -= used;
    }
    return width;
}

static bool is_number(const char *type)
{
    static const char *const numbers[] = {"int",    "bigint",  "smallint", "tinyint", "varint",
                                          "double", "decimal", "float",    "counter"};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(type, numbers[i]) == 0)
            return true;
    return false;
}

struct table {
    char **cells; /* owned, row after row; NULL is null */
    int columns;
    int rows;
};

static void table_clear(struct table *table)
{
    for (int i = 0; i < table->rows * table->columns; i++)
        free(table->cells[i]);
    table->rows = 0;
}

static void print_padded(const char *text, int width, bool right, FILE *out)
{
    int padding = width - text_width(text);
    if (right)
        fprintf(out, "%*s", padding > 0 ? padding : 0, "");
    for (const char *at = text; *at; at++)
        fputc((unsigned char)*at < 0x20 ? '.' : *at, out);
    if (!right)
        fprintf(out, "%*s", padding > 0 ? padding : 0, "");
}

static void table_print(const struct table *table, strait_statement *statement, FILE *out)
{
    int *widths = calloc((size_t)table->columns, sizeof *widths);
    if (!widths)
        return;
    for (int c = 0; c < table->columns; c++) {
        widths[c] = text_width(strait_column_name(statement, c));
        for (int r = 0; r < table->rows; r++) {
            const char *cell = table->cells[r * table->columns + c];
            int width = text_width(cell ? cell : "null");
            if (width > widths[c])
                widths[c] = width;
        }
    }
    for (int c = 0; c < table->columns; c++) {
        fputs(c ? " | " : " ", out);
        print_padded(strait_column_name(statement, c), widths[c], false, out);
    }
    fputc('\n', out);
    for (int c = 0; c < table->columns; c++) {
        fputs(c ? "-+-" : "-", out);
        for (int i = 0; i < widths[c]; i++)
            fputc('-', out);
    }
    fputs("-\n", out);
    for (int r = 0; r < table->rows; r++) {
        for (int c = 0; c < table->columns; c++) {
            const char *cell = table->cells[r * table->columns + c];
            fputs(c ? " | " : " ", out);
            print_padded(cell ? cell : "null", widths[c], is_number(strait_column_type(statement, c)), out);
        }
        fputc('\n', out);
    }
    free(widths);
}

static int print_table(strait_statement *statement, FILE *out)
{
    struct table table = {.columns = strait_column_count(statement)};
    uint64_t total = 0;
    int result = strait_step(statement);
    if (table.columns == 0)
        return result;
    table.cells = calloc((size_t)table.columns * TABLE_ROWS_MAX, sizeof *table.cells);
    if (!table.cells)
        return STRAIT_NOMEM;
    bool printed = false;
    for (; result == STRAIT_ROW; result = strait_step(statement)) {
        for (int c = 0; c < table.columns; c++) {
            const char *text = strait_column_text(statement, c);
            char *copy = text ? strdup(text) : NULL;
            table.cells[table.rows * table.columns + c] = copy;
        }
        total++;
        if (++table.rows == TABLE_ROWS_MAX) {
            table_print(&table, statement, out);
            table_clear(&table);
            printed = true;
        }
    }
    if (result == STRAIT_DONE) {
        if (table.rows || !printed)
            table_print(&table, statement, out);
        fprintf(out, "\n(%llu row%s)\n", (unsigned long long)total, total == 1 ? "" : "s");
    }
    table_clear(&table);
    free(table.cells);
    return result;
}

/* ---- JSON and CSV ---- */

static void print_json_text(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static int print_json(strait_statement *statement, FILE *out)
{
    int columns = strait_column_count(statement);
    int result;
    while ((result = strait_step(statement)) == STRAIT_ROW) {
        fputc('{', out);
        for (int c = 0; c < columns; c++) {
            fputs(c ? ", " : "", out);
            print_json_text(strait_column_name(statement, c), out);
            fprintf(out, ": %s", strait_column_json(statement, c));
        }
        fputs("}\n", out);
    }
    return result;
}

static void print_csv_field(const char *text, FILE *out)
{
    if (*text && !strpbrk(text, "\",\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static int print_csv(strait_statement *statement, FILE *out)
{
    int columns = strait_column_count(statement);
    for (int c = 0; c < columns; c++) {
        fputs(c ? "," : "", out);
        print_csv_field(strait_column_name(statement, c), out);
    }
    if (columns)
        fputs("\r\n", out);
    int result;
    while ((result = strait_step(statement)) == STRAIT_ROW) {
        for (int c = 0; c < columns; c++) {
            const char *text = strait_column_text(statement, c);
            fputs(c ? "," : "", out);
            if (text)
                print_csv_field(text, out);
        }
        fputs("\r\n", out);
    }
    return result;
}

int result_print(strait_statement *statement, enum result_format format, FILE *out)
{
    switch (format) {
    case RESULT_JSON: return print_json(statement, out);
    case RESULT_CSV: return print_csv(statement, out);
    case RESULT_TABLE: break;
    }
    return print_table(statement, out);
}
