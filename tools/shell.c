/* strait shell: statements from a prompt, or from a pipe, with a few commands that begin with a dot. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/line_editor.h"
#include "tools/place.h"
#include "tools/script.h"
#include "tools/shell_command.h"
#include "tools/terminal.h"
#include "tools/tool.h"

static const char usage_text[] = "usage: strait shell [options]\n"
                                 "\n" PLACE_USAGE "  --format F           table (default), list, json, csv\n"
                                 "\n"
                                 "At the prompt, .help lists what there is besides CQL.\n";

struct shell {
    struct script script;
    bool interactive;
    bool failed;   /* a statement failed and nobody was there to see it */
    char *pending; /* owned: the beginning of a statement */
    size_t pending_bytes;
};

static void drop_pending(struct shell *shell, size_t bytes)
{
    shell->pending_bytes -= bytes;
    memmove(shell->pending, shell->pending + bytes, shell->pending_bytes + 1);
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
        drop_pending(shell, script_blank(grown, shell->pending_bytes));
        size_t cut = strait_cut(grown, shell->pending_bytes, &complete, &empty);
        if (!complete)
            return true;
        if (!empty && !script_run(&shell->script, grown, cut))
            shell->failed = true;
        drop_pending(shell, cut);
    }
}

static enum line_editor_result next_line(struct shell *shell, char **out_line)
{
    if (shell->interactive) {
        char prompt[320];
        const char *keyspace = strait_keyspace(shell->script.db);
        if (shell->pending_bytes)
            snprintf(prompt, sizeof prompt, "   ... ");
        else
            snprintf(prompt, sizeof prompt, keyspace ? "strait:%s> " : "strait> ", keyspace);
        return line_editor_read(prompt, out_line);
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = getline(&line, &capacity, stdin);
    if (length < 0) {
        free(line);
        return LINE_END;
    }
    if (length > 0 && line[length - 1] == '\n')
        line[length - 1] = 0;
    *out_line = line;
    return LINE_READ;
}

/* False when the shell is to end. */
static bool run_line(struct shell *shell, char *line)
{
    if (shell->pending_bytes)
        return take_line(shell, line);
    switch (shell_command_run(&shell->script, line)) {
    case SHELL_COMMAND_QUIT: return false;
    case SHELL_COMMAND_FAILED: shell->failed = true; return true;
    case SHELL_COMMAND_DONE: return true;
    case SHELL_COMMAND_NONE: break;
    }
    return take_line(shell, line);
}

static void loop(struct shell *shell)
{
    for (;;) {
        char *line;
        enum line_editor_result result = next_line(shell, &line);
        if (result == LINE_CLEARED) {
            shell->pending_bytes = 0;
            continue;
        }
        if (result == LINE_END)
            break;
        bool going = run_line(shell, line);
        free(line);
        if (!going)
            return;
    }
    if (shell->interactive)
        putchar('\n');
    /* The last statement of a pipe may lack its semicolon; a person who leaves in the middle of one does not mean it. */
    else if (shell->pending_bytes && !script_run(&shell->script, shell->pending, shell->pending_bytes))
        shell->failed = true;
}

static void run_interactive(struct shell *shell, const struct place *place)
{
    line_editor_open();
    shell->script.stop = &line_editor_stop;
    if (place->dir)
        printf("strait %s on %s (%s). CQL ends with ';', .help helps.\n", STRAIT_VERSION, place->dir,
               strait_io(shell->script.db));
    else
        printf("strait %s in memory: nothing is kept. CQL ends with ';', .help helps.\n", STRAIT_VERSION);
    loop(shell);
    line_editor_close();
}

int tool_shell(int argc, char **argv)
{
    static const struct option options[] = {
        PLACE_LONG_OPTIONS,
        {"format", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct place place = {0};
    struct shell shell = {.script = {.out = stdout, .keep_going = true}, .interactive = isatty(STDIN_FILENO)};
    int option;

    terminal_init();
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (place_take(&place, option, optarg))
            continue;
        switch (option) {
        case 'f':
            if (result_format_parse(optarg, &shell.script.format))
                break;
            fprintf(stderr, "strait shell: no format '%s': " RESULT_FORMATS "\n", optarg);
            return 2;
        case 'h': fputs(usage_text, stdout); return 0;
        default: fputs(usage_text, stderr); return 2;
        }
    }
    if (optind != argc) {
        fprintf(stderr, "strait shell: '%s' is no option; 'strait exec' takes statements\n\n%s", argv[optind],
                usage_text);
        return 2;
    }

    shell.script.db = place_open(&place);
    if (!shell.script.db)
        return 1;
    shell.script.read_only = place.options.read_only;
    if (shell.interactive)
        run_interactive(&shell, &place);
    else
        loop(&shell);
    free(shell.pending);
    bool closed = place_close(&place, shell.script.db);
    return closed && (shell.interactive || !shell.failed) ? 0 : 1;
}
