/* strait inspect: what is in a store's files, without opening the store. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commitlog/commitlog.h"
#include "engine/store_dump.h"
#include "sstable/sstable.h"
#include "tools/tool.h"

static const char usage_text[] =
    "usage: strait inspect [options] PATH ...\n"
    "\n"
    "PATH is a store's folder (its identity, tables and files), a commit log segment (log/log-*) or an "
    "SSTable\n"
    "(table/table-*). Nothing is opened for writing or changed; a store that is in use may be looked at "
    "too.\n"
    "\n"
    "  --kind K    what a file is that has another name: store, log, sstable\n"
    "  --rows      every row of an SSTable as well\n"
    "\n"
    "Exit status: 0 whole or empty, 1 missing or too damaged to show, 2 wrong usage.\n";

enum file_kind {
    KIND_UNKNOWN,
    KIND_LOG,
    KIND_SSTABLE,
    KIND_STORE,
};

static const struct {
    const char *name, *prefix;
} kinds[] = {
    [KIND_UNKNOWN] = {"", ""},
    [KIND_LOG] = {"log", "log-"},
    [KIND_SSTABLE] = {"sstable", "table-"},
    [KIND_STORE] = {"store", ""},
};

static enum file_kind kind_of(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return KIND_STORE;
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    for (unsigned i = KIND_LOG; i < KIND_STORE; i++)
        if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return (enum file_kind)i;
    return KIND_UNKNOWN;
}

static bool fail(const char *path, const char *reason)
{
    fprintf(stderr, "strait inspect: %s: %s\n", path, reason);
    return false;
}

static bool is_store(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/STORE", folder);
    return access(path, F_OK) == 0;
}

static bool inspect(struct io_env *env, const char *path, enum file_kind kind, bool rows)
{
    struct buffer text = {0};
    status st = STATUS_FAIL(STATUS_INVALID);
    if (access(path, R_OK) != 0)
        return fail(path, strerror(errno));
    switch (kind) {
    case KIND_LOG: st = commitlog_dump(env, path, &text); break;
    case KIND_SSTABLE: st = sstable_dump(env, path, rows, &text); break;
    case KIND_STORE:
        if (!is_store(path))
            return fail(path, "not a store: there is no file STORE in it");
        st = store_dump(env, path, &text);
        break;
    case KIND_UNKNOWN: return fail(path, "what is it? A store is shown by its folder; --kind log or sstable");
    }
    if (text.bytes)
        fwrite(text.data, 1, text.bytes, stdout);
    buffer_deinit(&text);
    if (ok(st))
        return true;
    char reason[256];
    status_print(st, reason, sizeof reason);
    fflush(stdout);
    return fail(path, reason);
}

int tool_inspect(int argc, char **argv)
{
    static const struct option options[] = {
        {"kind", required_argument, NULL, 'k'},
        {"rows", no_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    enum file_kind kind = KIND_UNKNOWN;
    bool rows = false;
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'k':
            for (unsigned i = KIND_LOG; i < ARRAY_LEN(kinds); i++)
                if (strcmp(optarg, kinds[i].name) == 0)
                    kind = (enum file_kind)i;
            if (kind != KIND_UNKNOWN)
                break;
            fprintf(stderr, "strait inspect: no kind '%s': log, sstable or store\n", optarg);
            return 2;
        case 'r': rows = true; break;
        case 'h': fputs(usage_text, stdout); return 0;
        default: fputs(usage_text, stderr); return 2;
        }
    }
    if (optind == argc) {
        fputs(usage_text, stderr);
        return 2;
    }
    struct io_env *env;
    status st = io_env_open(IO_BODY_THREADS, 0, &env);
    if (failed(st)) {
        fprintf(stderr, "strait inspect: %s\n", status_text(st));
        return 1;
    }
    bool good = true;
    for (int i = optind; i < argc; i++)
        good &= inspect(env, argv[i], kind != KIND_UNKNOWN ? kind : kind_of(argv[i]), rows);
    io_env_close(env);
    return good ? 0 : 1;
}
