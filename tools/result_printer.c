#include "tools/result_printer.h"
#include "tools/json_text.h"

#include <string.h>

#include "tools/result_table.h"

static const char *const names[] = {
    [RESULT_TABLE] = "table",
    [RESULT_LIST] = "list",
    [RESULT_JSON] = "json",
    [RESULT_CSV] = "csv",
};

bool result_format_parse(const char *name, enum result_format *out_format)
{
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out_format = (enum result_format)i;
            return true;
        }
    }
    return false;
}

const char *result_format_name(enum result_format format)
{
    return names[format];
}

static void print_json_row(strait_statement *statement, FILE *out)
{
    fputc('{', out);
    for (int c = 0; c < strait_column_count(statement); c++) {
        fputs(c ? ", " : "", out);
        json_text_print(strait_column_name(statement, c), out);
        fprintf(out, ": %s", strait_column_json(statement, c));
    }
    fputs("}\n", out);
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

static void print_csv_header(strait_statement *statement, FILE *out)
{
    for (int c = 0; c < strait_column_count(statement); c++) {
        fputs(c ? "," : "", out);
        print_csv_field(strait_column_name(statement, c), out);
    }
    fputs("\r\n", out);
}

static void print_csv_row(strait_statement *statement, FILE *out)
{
    for (int c = 0; c < strait_column_count(statement); c++) {
        const char *text = strait_column_text(statement, c);
        fputs(c ? "," : "", out);
        if (text)
            print_csv_field(text, out);
    }
    fputs("\r\n", out);
}

int result_print(strait_statement *statement, enum result_format format, FILE *out,
                 const volatile sig_atomic_t *stop)
{
    /* The columns of some statements are known only after the first step. */
    int result = strait_step(statement);
    if ((result != STRAIT_ROW && result != STRAIT_DONE) || !strait_column_count(statement))
        return result;
    if (format == RESULT_TABLE || format == RESULT_LIST)
        return result_table_print(statement, result, format == RESULT_LIST, out, stop);
    if (format == RESULT_CSV)
        print_csv_header(statement, out);
    for (; result == STRAIT_ROW; result = strait_step(statement)) {
        if (stop && *stop)
            return RESULT_INTERRUPTED;
        if (format == RESULT_CSV)
            print_csv_row(statement, out);
        else
            print_json_row(statement, out);
    }
    return result;
}
