/* strait exec: statements from arguments, files or standard input. */
#include <stdlib.h>
#include <string.h>

#include "tools/place.h"
#include "tools/script.h"
#include "tools/terminal.h"
#include "tools/tool.h"

static const char usage_text[] =
    "usage: strait exec [options] [STATEMENT ...]\n"
    "\n"
    "Without statements it reads standard input.\n"
    "\n" PLACE_USAGE
    "  --file FILE          statements from a file, - for standard input; before those given as arguments\n"
    "  --keyspace NAME      USE it first\n"
    "  --format F           table (default), list, json, csv\n"
    "  --keep-going         run what follows a statement that failed\n"
    "  --timing             say on standard error how long each statement took\n"
    "\n"
    "What was written is on disk when it ends. Exit status: 0 all ran, 1 one failed, 2 wrong usage.\n";

enum {
    OPTION_FILE = 256,
    OPTION_FORMAT,
    OPTION_KEYSPACE,
    OPTION_KEEP_GOING,
    OPTION_TIMING,
};

static const struct option options[] = {
    PLACE_LONG_OPTIONS,
    {"file", required_argument, NULL, OPTION_FILE},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"keyspace", required_argument, NULL, OPTION_KEYSPACE},
    {"keep-going", no_argument, NULL, OPTION_KEEP_GOING},
    {"timing", no_argument, NULL, OPTION_TIMING},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool run_file(const struct script *script, const char *path)
{
    size_t bytes;
    char *text = script_read(path, &bytes);
    if (!text)
        return false;
    struct script named = *script;
    named.name = strcmp(path, "-") == 0 ? "stdin" : path;
    bool done = script_run(&named, text, bytes);
    free(text);
    return done;
}

static bool use_keyspace(const struct script *script, const char *name)
{
    char text[1024], *at = text;
    at += sprintf(at, "USE \"");
    for (; *name && at < text + sizeof text - 4; name++) {
        if (*name == '"')
            *at++ = '"';
        *at++ = *name;
    }
    at += sprintf(at, "\"");
    return script_run(script, text, (size_t)(at - text));
}

static bool run(const struct script *script, const char *keyspace, const char *file, char **texts, int count)
{
    bool done = !keyspace || use_keyspace(script, keyspace);
    if (done && (file || count == 0))
        done = run_file(script, file ? file : "-");
    for (int i = 0; i < count && (done || script->keep_going); i++)
        done &= script_run(script, texts[i], strlen(texts[i]));
    if (fflush(script->out) != 0 || ferror(script->out)) {
        perror("strait: standard output");
        return false;
    }
    return done;
}

int tool_exec(int argc, char **argv)
{
    /* Many small writes share a sync; closing waits for the last one. */
    struct place place = {.options = {.durability = STRAIT_PERIODIC}};
    struct script script = {.out = stdout};
    const char *file = NULL, *keyspace = NULL;
    int option;

    terminal_init();
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (place_take(&place, option, optarg))
            continue;
        switch (option) {
        case OPTION_FILE: file = optarg; break;
        case OPTION_KEYSPACE: keyspace = optarg; break;
        case OPTION_KEEP_GOING: script.keep_going = true; break;
        case OPTION_TIMING: script.timing = true; break;
        case OPTION_FORMAT:
            if (result_format_parse(optarg, &script.format))
                break;
            fprintf(stderr, "strait exec: no format '%s': " RESULT_FORMATS "\n", optarg);
            return 2;
        case 'h': fputs(usage_text, stdout); return 0;
        default: fputs(usage_text, stderr); return 2;
        }
    }

    script.db = place_open(&place);
    if (!script.db)
        return 1;
    script.read_only = place.options.read_only;
    bool done = run(&script, keyspace, file, argv + optind, argc - optind);
    return place_close(&place, script.db) && done ? 0 : 1;
}
