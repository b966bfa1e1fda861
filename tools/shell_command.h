/*
 * shell_command.h: what the shell understands besides CQL: lines that begin with a dot.
 */
#ifndef STRAIT_TOOLS_SHELL_COMMAND_H
#define STRAIT_TOOLS_SHELL_COMMAND_H

#include "tools/script.h"

enum shell_command_result {
    SHELL_COMMAND_DONE,
    SHELL_COMMAND_FAILED,
    SHELL_COMMAND_QUIT,
    SHELL_COMMAND_NONE, /* the line is CQL */
};

/* Run the command that `line` holds; `line` is cut up. */
enum shell_command_result shell_command_run(struct script *script, char *line);

#endif
