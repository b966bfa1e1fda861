/*
 * line_editor.h: lines that a person types at a prompt: editing, history, Ctrl-C.
 *
 * There is one terminal, so this is a module with state of its own. While it is open, SIGINT sets line_editor_stop; a
 * second one before the prompt comes back ends the process: every write is atomic, so nothing is lost but the answer.
 */
#ifndef STRAIT_TOOLS_LINE_EDITOR_H
#define STRAIT_TOOLS_LINE_EDITOR_H

#include <signal.h>
#include <stdbool.h>

enum line_editor_result {
    LINE_READ,
    LINE_CLEARED, /* Ctrl-C: what was typed is void */
    LINE_END,     /* Ctrl-D on an empty line, or the terminal is gone */
};

/* Nonzero since Ctrl-C was pressed while no line was being read. */
extern volatile sig_atomic_t line_editor_stop;

void line_editor_open(void);
void line_editor_close(void);
/* *out_line is the caller's to free, without its newline. */
enum line_editor_result line_editor_read(const char *prompt, char **out_line);

#endif
