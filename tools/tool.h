/*
 * tool.h: the subcommands of the program `strait`. Each takes its own arguments, argv[0] being its name, and returns the
 * process's exit status: 0 done, 1 failed, 2 wrong usage.
 */
#ifndef STRAIT_TOOLS_TOOL_H
#define STRAIT_TOOLS_TOOL_H

int tool_serve(int argc, char **argv);
int tool_shell(int argc, char **argv);
int tool_exec(int argc, char **argv);
int tool_demo(int argc, char **argv);
int tool_inspect(int argc, char **argv);
int tool_verify(int argc, char **argv);
int tool_scrub(int argc, char **argv);

#endif
