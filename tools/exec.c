/* strait exec: statements from arguments, files or standard input. */
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tools/script.h"
#include "tools/tool.h"

static const char usage_text[] =
    "usage: strait exec [options] [STATEMENT ...]\n"
    "\n"
    "  --dir DIR          the store; created when absent (default: memory, gone at the end)\n"
    "  --file FILE        statements from a file, - for standard input; before those given as arguments\n"
    "  --format F         table (default), json, csv\n"
    "  --keyspace NAME    USE it first\n"
    "  --profile NAME     scylla-2025.1 (default), scylla-5.2, cassandra-4.1\n"
    "  --read-only        modify nothing\n"
    "  --keep-going       run what follows a statement that failed\n"
    "  --timing           say how long each statement took\n"
    "\n"
    "Without statements it reads standard input. Exit status: 0 all ran, 1 one failed, 2 wrong usage.\n";

enum {
    OPTION_DIR = 256,
    OPTION_FILE,
    OPTION_FORMAT,
    OPTION_KEYSPACE,
    OPTION_PROFILE,
    OPTION_READ_ONLY,
    OPTION_KEEP_GOING,
    OPTION_TIMING,
};

static const struct option options[] = {
    {"dir", required_argument, NULL, OPTION_DIR},
    {"file", required_argument, NULL, OPTION_FILE},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"keyspace", required_argument, NULL, OPTION_KEYSPACE},
    {"profile", required_argument, NULL, OPTION_PROFILE},
    {"read-only", no_argument, NULL, OPTION_READ_ONLY},
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

int tool_exec(int argc, char **argv)
{
    strait_options open_options = {.struct_bytes = sizeof open_options};
    struct script script = {.out = stdout};
    const char *dir = NULL, *file = NULL, *keyspace = NULL;
    int option;

    setlocale(LC_CTYPE, "");
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case OPTION_DIR: dir = optarg; break;
        case OPTION_FILE: file = optarg; break;
        case OPTION_KEYSPACE: keyspace = optarg; break;
        case OPTION_PROFILE: open_options.profile = optarg; break;
        case OPTION_READ_ONLY: open_options.read_only = open_options.must_exist = 1; break;
        case OPTION_KEEP_GOING: script.keep_going = true; break;
        case OPTION_TIMING: script.timing = true; break;
        case OPTION_FORMAT:
            if (result_format_parse(optarg, &script.format))
                break;
            fprintf(stderr, "strait exec: no format '%s': table, json or csv\n", optarg);
            return 2;
        case 'h': fputs(usage_text, stdout); return 0;
        default: fputs(usage_text, stderr); return 2;
        }
    }

    strait *db = NULL;
    int result = strait_open(dir ? dir : ":memory:", &open_options, &db);
    if (result != STRAIT_OK) {
        script_report_open(db, dir ? dir : ":memory:", result);
        return 1;
    }
    script.db = db;

    bool done = true;
    if (keyspace) {
        char use[512];
        snprintf(use, sizeof use, "USE \"%s\"", keyspace);
        done = script_run(&script, use, strlen(use));
    }
    if (done && (file || optind == argc))
        done = run_file(&script, file ? file : "-");
    for (int i = optind; i < argc && (done || script.keep_going); i++)
        done &= script_run(&script, argv[i], strlen(argv[i]));

    result = strait_close(db);
    if (result != STRAIT_OK)
        fprintf(stderr, "strait: closing: %s\n", strait_result_text(result));
    return done && result == STRAIT_OK ? 0 : 1;
}
