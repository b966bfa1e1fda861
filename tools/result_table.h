/*
 * result_table.h: rows for a person: aligned columns, or a line for each column where they would not fit.
 */
#ifndef STRAIT_TOOLS_RESULT_TABLE_H
#define STRAIT_TOOLS_RESULT_TABLE_H

#include "tools/result_printer.h"

/* `statement` was stepped once, with `result`; step it to its end and print. What result_print() returns. */
int result_table_print(strait_statement *statement, int result, bool as_list, FILE *out,
                       const volatile sig_atomic_t *stop);

#endif
