#include "tools/tool.h"

#include <stdio.h>
#include <string.h>

#include <strait.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *purpose;
} tools[] = {
    {"serve", tool_serve, "answer CQL drivers on a port"},
    {"shell", tool_shell, "CQL from a prompt, on a folder or in memory"},
    {"exec", tool_exec, "CQL from an argument, a file or standard input"},
    {"demo", tool_demo, "load, page, reopen and verify a chat stream, and report"},
    {"inspect", tool_inspect, "what is in a store's files, without opening the store"},
    {"verify", tool_verify, "read and check everything in a store's files, and change nothing"},
    {"scrub", tool_scrub, "the same, and make damaged files anew of what can be read"},
};

enum { TOOL_COUNT = sizeof tools / sizeof *tools };

static void usage(FILE *out)
{
    fprintf(out, "strait %s: a single-node, embeddable stand-in for ScyllaDB\n\n", STRAIT_VERSION);
    for (unsigned i = 0; i < TOOL_COUNT; i++)
        fprintf(out, "  strait %-8s %s\n", tools[i].name, tools[i].purpose);
    fprintf(out, "\n'strait COMMAND --help' lists a command's options.\n");
}

/* The exit status of the tool that argv[0] names; -1 when there is none. */
static int run_tool(int argc, char **argv)
{
    static char name[32]; /* what getopt_long() calls the program in its messages */
    for (unsigned i = 0; i < TOOL_COUNT; i++) {
        if (strcmp(argv[0], tools[i].name) == 0) {
            snprintf(name, sizeof name, "strait %s", tools[i].name);
            argv[0] = name;
            return tools[i].run(argc, argv);
        }
    }
    return -1;
}

int main(int argc, char **argv)
{
    int status;
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        printf("strait %s\n", STRAIT_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "-h") == 0) {
        char help[] = "--help", *tool_arguments[] = {argv[2], help, NULL};
        if (argc == 3 && (status = run_tool(2, tool_arguments)) >= 0)
            return status;
        usage(stdout);
        return 0;
    }
    status = run_tool(argc - 1, argv + 1);
    if (status >= 0)
        return status;
    fprintf(stderr, "strait: no command '%s'\n\n", argv[1]);
    usage(stderr);
    return 2;
}
