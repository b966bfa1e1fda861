/*
 * result_printer.h: rows of a statement as a table, as JSON or as CSV, on a stream.
 *
 * table   a header, aligned columns, a count; null is shown as null
 * json    one object a line
 * csv     RFC 4180 with a header line; null is an empty field, an empty text is ""
 */
#ifndef STRAIT_TOOLS_RESULT_PRINTER_H
#define STRAIT_TOOLS_RESULT_PRINTER_H

#include <stdbool.h>
#include <stdio.h>

#include <strait.h>

enum result_format {
    RESULT_TABLE,
    RESULT_JSON,
    RESULT_CSV,
};

bool result_format_parse(const char *name, enum result_format *out_format);

/* Step `statement` to its end and print what it returns. The first error, or STRAIT_DONE. */
int result_print(strait_statement *statement, enum result_format format, FILE *out);

#endif
