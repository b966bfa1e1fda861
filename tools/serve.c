/* strait serve: answer CQL drivers on a port until SIGTERM. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "server/server.h"
#include "tools/json_text.h"
#include "tools/tool.h"

static const char usage_text[] =
    "usage: strait serve (--dir DIR | --memory) [options]\n"
    "\n"
    "  --dir DIR            the store; created when absent\n"
    "  --memory             no disk at all; gone at the end\n"
    "  --listen HOST:PORT   default 127.0.0.1:9042; port 0 takes a free one\n"
    "  --port-file FILE     the port is in it as soon as it answers\n"
    "  --profile NAME       scylla-2025.1 (default), scylla-5.2, scylla-2026.2,\n"
    "                       cassandra-4.1, cassandra-5.0\n"
    "  --io BODY            auto (default), uring, threads, workers\n"
    "  --durability D       periodic (default: at most 10 ms can be lost), durable, none\n"
    "  --period-ms N        of periodic\n"
    "  --loops N            event loops (default: one per core)\n"
    "  --shards N           of a new store (default: one per core)\n"
    "  --memtable-mib N     memory for fresh writes (default 64)\n"
    "  --cache-mib N        memory for blocks read (default 64)\n"
    "  --request-mib N      largest request body (default 16)\n"
    "  --accept-log-damage  open although synced bytes of the commit log are damaged\n"
    "  --set-aside-damaged-tables\n"
    "                       open without table files that cannot be opened; they go to lost/\n"
    "  --verbose            say more on standard error\n"
    "\n"
    "When it answers, one JSON line on standard output says where. SIGTERM and SIGINT flush and end it.\n";

struct serve {
    struct cql_database_options database;
    struct server_options server;
    const char *dir, *io, *port_file;
    bool memory;
    char host[256];
};

static bool wrong(const char *option, const char *value)
{
    fprintf(stderr, "strait serve: '%s' is no value for --%s\n", value, option);
    return false;
}

static bool parse_count(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end || end == text || *text == '-' || errno || value < least || value > most)
        return wrong(option, text);
    *out = value;
    return true;
}

/* HOST:PORT, [IPv6]:PORT, or :PORT. */
static bool parse_listen(struct serve *serve, const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (!colon || !parse_count("listen", colon + 1, 0, UINT16_MAX, &port))
        return colon ? false : wrong("listen", text);
    size_t bytes = (size_t)(colon - text);
    if (bytes >= 2 && text[0] == '[' && text[bytes - 1] == ']') {
        text++;
        bytes -= 2;
    }
    if (bytes >= sizeof serve->host)
        return wrong("listen", text);
    if (bytes) {
        memcpy(serve->host, text, bytes);
        serve->host[bytes] = 0;
    }
    serve->server.port = (uint16_t)port;
    return true;
}

static bool parse_durability(const char *text, enum durability *out)
{
    static const struct {
        const char *name;
        enum durability durability;
    } names[] = {
        {"periodic", DURABILITY_PERIODIC}, {"durable", DURABILITY_DURABLE}, {"none", DURABILITY_NONE}};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i].name) == 0) {
            *out = names[i].durability;
            return true;
        }
    }
    return wrong("durability", text);
}

static bool parse_option(struct serve *serve, int option, const char *value)
{
    struct store_options *store = &serve->database.store;
    uint64_t number = 0;
    bool good = true;
    switch (option) {
    case 'd': serve->dir = value; break;
    case 'm': serve->memory = true; break;
    case 'l': return parse_listen(serve, value);
    case 'f': serve->port_file = value; break;
    case 'p': return cql_profile_parse(value, &serve->database.profile) || wrong("profile", value);
    case 'i': serve->io = value; break;
    case 'u': return parse_durability(value, &store->durability);
    case 't':
        good = parse_count("period-ms", value, 1, 3600000, &number);
        store->period_us = (int64_t)number * 1000;
        break;
    case 'o':
        good = parse_count("loops", value, 1, 64, &number);
        serve->server.loops = (uint32_t)number;
        break;
    case 's':
        good = parse_count("shards", value, 1, 256, &number);
        store->shards = (uint32_t)number;
        break;
    case 'b':
        good = parse_count("memtable-mib", value, 1, 1 << 20, &number);
        store->memtable_bytes = number << 20;
        break;
    case 'c':
        good = parse_count("cache-mib", value, 0, 1 << 20, &number);
        store->cache_bytes = number ? number << 20 : 1;
        break;
    case 'r':
        good = parse_count("request-mib", value, 1, 1024, &number);
        serve->server.request_bytes_max = (uint32_t)(number << 20);
        break;
    case 'a': store->accept_log_damage = true; break;
    case 'q': store->set_aside_damaged_tables = true; break;
    case 'v': log_set_level(LOG_LEVEL_INFO); break;
    default: return false;
    }
    return good;
}

/* Whole or not at all: written beside and renamed. */
static bool write_port_file(const char *path, uint16_t port)
{
    char beside[4096];
    int length = snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
    FILE *file = length > 0 && (size_t)length < sizeof beside ? fopen(beside, "w") : NULL;
    bool good = file && fprintf(file, "%u\n", port) > 0;
    if (file)
        good &= fclose(file) == 0;
    good = good && rename(beside, path) == 0;
    if (!good)
        fprintf(stderr, "strait serve: %s: %s\n", path, strerror(errno));
    return good;
}

static bool fail(const char *what, status st)
{
    char text[256];
    status_print(st, text, sizeof text);
    fprintf(stderr, "strait serve: %s: %s\n", what, text);
    return false;
}

/* What a failure to open means to the one who started us. */
static const char *explain_open(status st)
{
    switch (st.code) {
    case STATUS_BUSY: return ": another process has this store open";
    case STATUS_INVALID: return ": this folder holds other files, and no store";
    case STATUS_CORRUPT: return ": the store is damaged; 'strait inspect' shows its files";
    case STATUS_UNSUPPORTED:
        return ": it was written by another version of Strait, in a form that this one does not know";
    case STATUS_NOSPACE: return ": the disk is full";
    default: return "";
    }
}

static void announce(const struct serve *serve, const struct server *server, struct cql_database *database)
{
    struct store *store = cql_database_store(database);
    const char *note = store_io_note(store);
    log_message(LOG_LEVEL_INFO, "io body %s%s%s, %u shards", store_io_name(store), *note ? ": " : "", note,
                store_shard_count(store));
    printf("{\"ready\": true, \"host\": ");
    json_text_print(serve->host, stdout);
    printf(
        ", \"port\": %u, \"pid\": %ld, \"io\": \"%s\", \"profile\": \"%s\", \"store\": ", server_port(server),
        (long)getpid(), store_io_name(store), cql_target_of(serve->database.profile)->name);
    json_text_print(serve->memory ? ":memory:" : serve->dir, stdout);
    printf("}\n");
    fflush(stdout);
}

static bool run(struct serve *serve, const sigset_t *signals)
{
    struct io_env *env = NULL;
    struct cql_database *database = NULL;
    struct server *server = NULL;
    enum io_body body = IO_BODY_MEMORY;
    bool good = false;
    int signal_number;

    const char *io = serve->io ? serve->io : "auto";
    if (!serve->memory && !io_disk_body_of(io, &body))
        return wrong("io", io);
    status st = io_env_open(body, 0, &env);
    if (failed(st))
        return fail("io", st);
    serve->database.store.env = env;
    serve->database.store.folder = serve->memory ? NULL : serve->dir;
    st = cql_database_open(&serve->database, &database);
    if (failed(st)) {
        char what[4096 + 64];
        snprintf(what, sizeof what, "%s%s", serve->memory ? "memory" : serve->dir, explain_open(st));
        fail(what, st);
        goto out;
    }
    serve->server.database = database;
    serve->server.env = env;
    serve->server.host = serve->host;
    st = server_start(&serve->server, &server);
    if (failed(st)) {
        char where[300];
        snprintf(where, sizeof where, "%s:%u", serve->host, serve->server.port);
        fail(where, st);
        goto out;
    }
    if (serve->port_file && !write_port_file(serve->port_file, server_port(server)))
        goto out;
    announce(serve, server, database);
    sigwait(signals, &signal_number);
    good = true;
out:
    server_stop(server);
    if (good && !serve->memory) {
        st = store_flush(cql_database_store(database), 0);
        if (failed(st))
            good = fail("flushing", st);
    }
    st = cql_database_close(database);
    if (failed(st))
        good = fail("closing", st);
    io_env_close(env);
    return good;
}

int tool_serve(int argc, char **argv)
{
    static const struct option options[] = {
        {"dir", required_argument, NULL, 'd'},
        {"memory", no_argument, NULL, 'm'},
        {"listen", required_argument, NULL, 'l'},
        {"port-file", required_argument, NULL, 'f'},
        {"profile", required_argument, NULL, 'p'},
        {"io", required_argument, NULL, 'i'},
        {"durability", required_argument, NULL, 'u'},
        {"period-ms", required_argument, NULL, 't'},
        {"loops", required_argument, NULL, 'o'},
        {"shards", required_argument, NULL, 's'},
        {"memtable-mib", required_argument, NULL, 'b'},
        {"cache-mib", required_argument, NULL, 'c'},
        {"request-mib", required_argument, NULL, 'r'},
        {"accept-log-damage", no_argument, NULL, 'a'},
        {"set-aside-damaged-tables", no_argument, NULL, 'q'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct serve serve = {
        .database = {.profile = PROFILE_SCYLLA_2025_1},
        .server = {.port = 9042},
        .host = "127.0.0.1",
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage_text, stdout);
            return 0;
        }
        if (!parse_option(&serve, option, optarg)) {
            if (option == '?')
                fputs(usage_text, stderr);
            return 2;
        }
    }
    if (optind != argc || (serve.dir != NULL) == serve.memory) {
        fprintf(stderr, "strait serve: give either --dir DIR or --memory\n\n%s", usage_text);
        return 2;
    }

    /* Signals wait until the main thread asks for them; a peer that goes away and a file that may not grow are error
     * codes, not signals. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return run(&serve, &signals) ? 0 : 1;
}
