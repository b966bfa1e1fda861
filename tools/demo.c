/* strait demo: the main job, from an empty folder to a report. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/demo_report.h"
#include "tools/folder.h"
#include "tools/tool.h"

static const char usage_text[] =
    "usage: strait demo [options]\n"
    "\n"
    "Loads one stream of chat messages under three partition keys, reads it back page by page, opens the "
    "stores\n"
    "again, verifies every row, and reports the three side by side.\n"
    "\n"
    "  --messages N       messages to send (default 1000000)\n"
    "  --seed S           of the stream (default 1); one seed, one stream\n"
    "  --dir DIR          keep the stores there (default: a temporary folder, removed at the end)\n"
    "  --reads N          newest-50 reads a strategy (default 20000)\n"
    "  --durability D     of the load: periodic (default: at most 10 ms can be lost), durable, none\n"
    "  --io BODY          auto (default), uring, threads\n"
    "  --profile NAME     scylla-2025.1 (default), scylla-5.2, scylla-2026.2,\n"
    "                     cassandra-4.1, cassandra-5.0\n"
    "  --strategy K       only that one: channel, channel-month, server\n";

static bool parse_number(const char *text, uint64_t least, uint64_t *out)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end || end == text || *text == '-' || value < least)
        return false;
    *out = value;
    return true;
}

static bool parse_durability(const char *text, int *out)
{
    static const struct {
        const char *name;
        int durability;
    } names[] = {{"periodic", STRAIT_PERIODIC}, {"durable", STRAIT_DURABLE}, {"none", STRAIT_UNLOGGED}};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, text) == 0) {
            *out = names[i].durability;
            return true;
        }
    }
    return false;
}

static volatile sig_atomic_t stop;

/* The first asks for an end with everything tidied up; the second one is obeyed by the kernel. */
static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* Every key kept the same rows. */
static bool all_agree(const struct demo_result *results, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        if (results[i].rows != results[0].rows || results[i].content_hash != results[0].content_hash) {
            fprintf(stderr, "strait demo: %s and %s hold different rows\n", results[0].strategy->name,
                    results[i].strategy->name);
            return false;
        }
    }
    return true;
}

static bool run_all(const struct demo_options *options, const char *only)
{
    struct chat_stream *stream = chat_stream_new(options->seed, options->messages);
    if (!stream) {
        fprintf(stderr, "strait demo: out of memory\n");
        return false;
    }
    static struct demo_result results[STRATEGY_COUNT];
    unsigned count = 0;
    bool good = true;
    int64_t begun_ns = latency_now_ns();

    printf("%llu messages in %u channels, seed %llu, stores in %s\n", (unsigned long long)options->messages,
           chat_stream_channels(stream), (unsigned long long)options->seed, options->dir);
    fflush(stdout);
    for (unsigned i = 0; i < STRATEGY_COUNT && good; i++) {
        if (only && strcmp(strategies[i].folder + strlen("by-"), only) != 0)
            continue;
        fprintf(stderr, "partition key %s\n", strategies[i].name);
        good = demo_run(options, &strategies[i], stream, &results[count]);
        count++;
    }
    good = good && all_agree(results, count);
    if (good && count) {
        demo_report(results, count, options);
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("\nverified after reopening: %llu rows, content hash %016llx\n",
               (unsigned long long)results[0].rows, (unsigned long long)results[0].content_hash);
        printf("%.1f s in all, %.1f s of CPU, peak memory %.0f MiB\n",
               (double)(latency_now_ns() - begun_ns) / 1e9,
               (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
               (double)usage.ru_maxrss / 1024);
    }
    for (unsigned i = 0; i < count; i++)
        demo_result_deinit(&results[i]);
    chat_stream_free(stream);
    return good;
}

int tool_demo(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"messages", required_argument, NULL, 'm'},
        {"seed", required_argument, NULL, 's'},
        {"dir", required_argument, NULL, 'd'},
        {"reads", required_argument, NULL, 'r'},
        {"durability", required_argument, NULL, 'u'},
        {"io", required_argument, NULL, 'i'},
        {"profile", required_argument, NULL, 'p'},
        {"strategy", required_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct demo_options options = {
        .messages = 1000000, .seed = 1, .reads = 20000, .durability = STRAIT_PERIODIC, .stop = &stop};
    const char *only = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        bool good = true;
        switch (option) {
        case 'm': good = parse_number(optarg, 1, &options.messages); break;
        case 's': good = parse_number(optarg, 0, &options.seed); break;
        case 'r': good = parse_number(optarg, 1, &options.reads); break;
        case 'd': options.dir = optarg; break;
        case 'u': good = parse_durability(optarg, &options.durability); break;
        case 'i': options.io = optarg; break;
        case 'p': options.profile = optarg; break;
        case 'k': only = optarg; break;
        case 'h': fputs(usage_text, stdout); return 0;
        default: fputs(usage_text, stderr); return 2;
        }
        if (!good) {
            fprintf(stderr, "strait demo: '%s' is no value for '%s'\n\n%s", optarg, argv[optind - 1],
                    usage_text);
            return 2;
        }
    }
    if (only && strcmp(only, "channel") != 0 && strcmp(only, "channel-month") != 0 &&
        strcmp(only, "server") != 0) {
        fprintf(stderr, "strait demo: no strategy '%s'\n\n%s", only, usage_text);
        return 2;
    }

    if (optind != argc) {
        fprintf(stderr, "strait demo: '%s' is no option\n\n%s", argv[optind], usage_text);
        return 2;
    }

    char temporary[] = "/var/tmp/strait-demo-XXXXXX";
    if (!options.dir) {
        options.dir = mkdtemp(temporary);
        if (!options.dir) {
            perror("strait demo: /var/tmp");
            return 1;
        }
    } else if (mkdir(options.dir, 0700) != 0 && access(options.dir, W_OK) != 0) {
        fprintf(stderr, "strait demo: %s: %s\n", options.dir, strerror(errno));
        return 1;
    }
    catch_signals();
    bool good = run_all(&options, only);
    if (options.dir == temporary)
        folder_remove(temporary);
    if (stop)
        fputs("strait demo: interrupted\n", stderr);
    return stop ? 130 : good ? 0 : 1;
}
