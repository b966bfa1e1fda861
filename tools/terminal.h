/*
 * terminal.h: text as a terminal shows it.
 *
 * All text is UTF-8. A control character is shown as its escape, so that no value can move the cursor or break a table.
 */
#ifndef STRAIT_TOOLS_TERMINAL_H
#define STRAIT_TOOLS_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

/* Make the C library take text as UTF-8 whatever the environment says. Once, before the calls below. */
void terminal_init(void);

/* Columns that terminal_print() fills. */
int terminal_width(const char *text, size_t bytes);
void terminal_print(const char *text, size_t bytes, FILE *out);

/* How wide the terminal behind `out` is; 0 when it is none. */
int terminal_columns(FILE *out);

#endif
