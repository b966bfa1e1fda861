/*
 * result_printer.h: rows of a statement as a table, as JSON or as CSV, on a stream.
 *
 * table   a header, aligned columns, a count; null is shown as null. On a terminal that is too narrow for it: as list.
 *         Answers of DESCRIBE are shown as the statements that they hold
 * list    a line for every column of every row
 * json    one object a line
 * csv     RFC 4180 with a header line; null is an empty field, an empty text is ""
 */
#ifndef STRAIT_TOOLS_RESULT_PRINTER_H
#define STRAIT_TOOLS_RESULT_PRINTER_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include <strait.h>

enum result_format {
    RESULT_TABLE,
    RESULT_LIST,
    RESULT_JSON,
    RESULT_CSV,
};

#define RESULT_FORMATS "table, list, json or csv"

enum {
    RESULT_INTERRUPTED = -1,
};

bool result_format_parse(const char *name, enum result_format *out_format);
const char *result_format_name(enum result_format format);

/* Step `statement` to its end and print what it returns. The first error, STRAIT_DONE, or RESULT_INTERRUPTED when *stop
 * became nonzero between two rows; `stop` may be NULL. */
int result_print(strait_statement *statement, enum result_format format, FILE *out,
                 const volatile sig_atomic_t *stop);

#endif
