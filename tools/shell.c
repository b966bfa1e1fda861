/* strait shell: statements from a prompt, with history and a few commands that begin with a dot. */
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <editline/readline.h>

#include "tools/script.h"
#include "tools/tool.h"

static const char usage_text[] =
    "usage: strait shell [options]\n"
    "\n"
    "  --dir DIR          the store; created when absent (default: memory, gone at the end)\n"
    "  --profile NAME     scylla-2025.1 (default), scylla-5.2, cassandra-4.1\n"
    "  --format F         table (default), json, csv\n"
    "  --read-only        modify nothing\n";

static const char help_text[] = "A statement ends with a semicolon and may take several lines. Besides CQL:\n"
                                "  .help            this text\n"
                                "  .tables          tables of the keyspace in use, or of all\n"
                                "  .columns TABLE   columns of a table of the keyspace in use\n"
                                "  .mode FORMAT     table, json or csv\n"
                                "  .read FILE       run the statements of a file\n"
                                "  .timing on|off   say how long each statement took\n"
                                "  .quit            leave (so does end of input)\n";

struct shell {
    struct script script;
    bool interactive;
    bool failed;   /* a statement failed and nobody was there to see it */
    char *pending; /* owned: the beginning of a statement */
    size_t pending_bytes;
};

static void run_cql(struct shell *shell, const char *text)
{
    if (!script_run(&shell->script, text, strlen(text)))
        shell->failed = true;
}

static void command_tables(struct shell *shell)
{
    const char *keyspace = strait_keyspace(shell->script.db);
    if (!keyspace) {
        run_cql(shell, "SELECT keyspace_name, table_name FROM system_schema.tables");
        return;
    }
    char text[512];
    snprintf(text, sizeof text, "SELECT table_name FROM system_schema.tables WHERE keyspace_name = '%s'",
             keyspace);
    run_cql(shell, text);
}

static void command_columns(struct shell *shell, const char *table)
{
    const char *keyspace = strait_keyspace(shell->script.db);
    if (!keyspace || !*table) {
        fprintf(stderr, "USE a keyspace first, and name a table: .columns TABLE\n");
        return;
    }
    char text[1024];
    snprintf(text, sizeof text,
             "SELECT column_name, type, kind, position, clustering_order FROM system_schema.columns "
             "WHERE keyspace_name = '%s' AND table_name = '%s'",
             keyspace, table);
    run_cql(shell, text);
}

static void command_read(struct shell *shell, const char *path)
{
    size_t bytes;
    char *text = script_read(path, &bytes);
    if (!text) {
        shell->failed = true;
        return;
    }
    struct script named = shell->script;
    named.name = path;
    if (!script_run(&named, text, bytes))
        shell->failed = true;
    free(text);
}

/* False when the shell is to end. */
static bool command(struct shell *shell, char *line)
{
    char *name = strtok(line, " \t");
    const char *argument = strtok(NULL, " \t");
    if (!argument)
        argument = "";

    if (strcmp(name, ".quit") == 0 || strcmp(name, ".exit") == 0)
        return false;
    if (strcmp(name, ".help") == 0)
        fputs(help_text, stdout);
    else if (strcmp(name, ".tables") == 0)
        command_tables(shell);
    else if (strcmp(name, ".columns") == 0)
        command_columns(shell, argument);
    else if (strcmp(name, ".read") == 0)
        command_read(shell, argument);
    else if (strcmp(name, ".timing") == 0)
        shell->script.timing = strcmp(argument, "off") != 0;
    else if (strcmp(name, ".mode") == 0 && result_format_parse(argument, &shell->script.format))
        ;
    else
        fprintf(stderr, "no such command, or a wrong argument: %s %s (.help lists them)\n", name, argument);
    return true;
}

/* Add a line to what is pending; run every statement that it completes. */
static bool take_line(struct shell *shell, const char *line)
{
    size_t bytes = strlen(line);
    char *grown = realloc(shell->pending, shell->pending_bytes + bytes + 2);
    if (!grown) {
        fprintf(stderr, "out of memory\n");
        return false;
    }
    shell->pending = grown;
    memcpy(grown + shell->pending_bytes, line, bytes);
    shell->pending_bytes += bytes;
    grown[shell->pending_bytes++] = '\n';
    grown[shell->pending_bytes] = 0;

    for (;;) {
        int complete, empty;
        size_t cut = strait_cut(grown, shell->pending_bytes, &complete, &empty);
        if (empty && complete)
            cut = shell->pending_bytes;
        else if (!complete || cut == 0)
            return true;
        if (!empty && !script_run(&shell->script, grown, cut))
            shell->failed = true;
        shell->pending_bytes -= cut;
        memmove(grown, grown + cut, shell->pending_bytes);
        grown[shell->pending_bytes] = 0;
        if (!shell->pending_bytes)
            return true;
    }
}

static bool pending_is_blank(const struct shell *shell)
{
    return shell->pending_bytes == 0 || strspn(shell->pending, " \t\r\n") == shell->pending_bytes;
}

static char *next_line(struct shell *shell)
{
    if (shell->interactive) {
        char prompt[320];
        const char *keyspace = strait_keyspace(shell->script.db);
        if (!pending_is_blank(shell))
            snprintf(prompt, sizeof prompt, "   ... ");
        else
            snprintf(prompt, sizeof prompt, keyspace ? "strait:%s> " : "strait> ", keyspace);
        char *line = readline(prompt);
        if (line && *line)
            add_history(line);
        return line;
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = getline(&line, &capacity, stdin);
    if (length < 0) {
        free(line);
        return NULL;
    }
    if (length > 0 && line[length - 1] == '\n')
        line[length - 1] = 0;
    return line;
}

static void loop(struct shell *shell)
{
    char *line;
    bool going = true;
    while (going && (line = next_line(shell))) {
        if (pending_is_blank(shell) && line[0] == '.')
            going = command(shell, line);
        else
            going = take_line(shell, line);
        free(line);
    }
    if (!pending_is_blank(shell))
        run_cql(shell, shell->pending);
}

static char *history_path(char *out, size_t bytes)
{
    const char *home = getenv("HOME");
    if (!home)
        return NULL;
    snprintf(out, bytes, "%s/.strait_history", home);
    return out;
}

static void run_interactive(struct shell *shell, const char *where)
{
    char path[4096];
    using_history();
    if (history_path(path, sizeof path))
        read_history(path);
    printf("strait %s on %s (%s). CQL ends with ';', .help helps.\n", STRAIT_VERSION, where,
           strait_io(shell->script.db));
    loop(shell);
    if (history_path(path, sizeof path))
        write_history(path);
    putchar('\n');
}

int tool_shell(int argc, char **argv)
{
    static const struct option options[] = {
        {"dir", required_argument, NULL, 'd'},    {"profile", required_argument, NULL, 'p'},
        {"format", required_argument, NULL, 'f'}, {"read-only", no_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    strait_options open_options = {.struct_bytes = sizeof open_options};
    struct shell shell = {.script = {.out = stdout, .keep_going = true}, .interactive = isatty(STDIN_FILENO)};
    const char *dir = NULL;
    int option;

    setlocale(LC_CTYPE, "");
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'd': dir = optarg; break;
        case 'p': open_options.profile = optarg; break;
        case 'r': open_options.read_only = open_options.must_exist = 1; break;
        case 'f':
            if (result_format_parse(optarg, &shell.script.format))
                break;
            fprintf(stderr, "strait shell: no format '%s': table, json or csv\n", optarg);
            return 2;
        case 'h': fputs(usage_text, stdout); return 0;
        default: fputs(usage_text, stderr); return 2;
        }
    }

    const char *where = dir ? dir : ":memory:";
    int result = strait_open(where, &open_options, &shell.script.db);
    if (result != STRAIT_OK) {
        script_report_open(shell.script.db, where, result);
        return 1;
    }
    if (shell.interactive)
        run_interactive(&shell, where);
    else
        loop(&shell);
    free(shell.pending);
    result = strait_close(shell.script.db);
    if (result != STRAIT_OK)
        fprintf(stderr, "strait: closing: %s\n", strait_result_text(result));
    return result == STRAIT_OK && (shell.interactive || !shell.failed) ? 0 : 1;
}
