/*
 * bench-peers: Strait beside the stores a user would pick instead, on one workload.
 *
 *   bench-peers [--rows N] [--channels C] [--engines A,B] [--phases P,Q] [--runs K] [--seed S] [--reads N]
 *               [--cache-mib M] [--seconds T] [--folder DIR] [--json FILE] [--touch-memory]
 *
 * docs/benchmarks.md says what each phase is and how to read the figures.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/peers/machine.h"
#include "bench/peers/result.h"
#include "bench/peers/run.h"

enum {
    ENGINES_MAX = 32,
    WIDE_CHANNELS = 1000000,
    FULL_ROWS = 5000000, /* the size that FULL_CACHE is meant for; other sizes get their share */
    FULL_CACHE_MIB = 512,
    LEAST_CACHE_MIB = 16,
    FOREIGN_WARNING = 20, /* percent of the machine */
};

/* Shapes of the data: many rows a channel, or few. */
enum shape { SHAPE_PLAIN, SHAPE_WIDE, SHAPES };

static const char *const shape_suffixes[SHAPES] = {"", "_wide"};
static const uint32_t wide_phases = 1u << PHASE_LOAD100 | 1u << PHASE_SPACE | 1u << PHASE_LATEST50 |
                                    1u << PHASE_PAGE | 1u << PHASE_SCAN | 1u << PHASE_COLD;

struct settings {
    struct chat_options chat;
    const struct peer_ops *engines[ENGINES_MAX];
    unsigned engine_count;
    uint32_t phases[SHAPES];
    unsigned runs;
    uint32_t reads;
    uint64_t cache_bytes;
    double seconds;
    const char *folder;
    const char *json; /* NULL: none */
    bool touch_memory;
};

_Noreturn static void usage(void)
{
    fprintf(
        stderr,
        "usage: bench-peers [--rows N] [--channels C] [--engines A,B] [--phases P,Q] [--runs K] [--seed S]\n"
        "                   [--reads N] [--cache-mib M] [--seconds T] [--folder DIR] [--json FILE] "
        "[--touch-memory]\n"
        "engines:");
    for (unsigned i = 0; peers[i]; i++)
        fprintf(stderr, " %s", peers[i]->name);
    fprintf(stderr, "\nphases:");
    for (unsigned p = 0; p < PHASES; p++)
        fprintf(stderr, " %s%s", phase_names[p], wide_phases >> p & 1 ? "[_wide]" : "");
    fprintf(stderr, " wide (all of _wide)\n");
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end || value == 0)
        usage();
    return value;
}

/* ---- lists ---- */

static void take_engines(struct settings *settings, char *list)
{
    settings->engine_count = 0;
    for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
        const struct peer_ops *ops = peer_find(name);
        if (!ops || settings->engine_count == ENGINES_MAX)
            usage();
        settings->engines[settings->engine_count++] = ops;
    }
}

static bool take_phase(struct settings *settings, const char *name)
{
    char full[64];
    if (strcmp(name, "wide") == 0) {
        settings->phases[SHAPE_WIDE] = wide_phases;
        return true;
    }
    for (unsigned shape = 0; shape < SHAPES; shape++)
        for (unsigned p = 0; p < PHASES; p++) {
            snprintf(full, sizeof full, "%s%s", phase_names[p], shape_suffixes[shape]);
            if (strcmp(name, full) == 0 && (shape == SHAPE_PLAIN || wide_phases >> p & 1)) {
                settings->phases[shape] |= 1u << p;
                return true;
            }
        }
    return false;
}

static void take_phases(struct settings *settings, char *list)
{
    memset(settings->phases, 0, sizeof settings->phases);
    for (char *name = strtok(list, ","); name; name = strtok(NULL, ","))
        if (!take_phase(settings, name))
            usage();
}

/* ---- one run ---- */

/* What the child has measured, a line each: phase metric value unit. */
static void collect(FILE *in, const char *engine, struct results *results)
{
    char phase[32], metric[32], unit[16];
    double value;
    while (fscanf(in, "%31s %31s %lf %15s", phase, metric, &value, unit) == 4) {
        results_add(results, engine, phase, metric, value, unit);
        printf("%-22s %-16s %-22s %16.3f %s", engine, phase, metric, value, unit);
        if (strcmp(metric, "foreign_cpu") == 0 && value > FOREIGN_WARNING)
            printf("   <- others were busy");
        printf("\n");
        fflush(stdout);
    }
}

static void run_child(const struct settings *settings, const struct peer_ops *ops,
                      const struct workload *workload, enum shape shape, int out)
{
    struct run run = {.ops = ops,
                      .workload = workload,
                      .suffix = shape_suffixes[shape],
                      .base = settings->folder,
                      .cache_bytes = settings->cache_bytes,
                      .phases = settings->phases[shape],
                      .seconds = settings->seconds,
                      .out = fdopen(out, "w")};
    if (!run.out)
        measure_fail("pipe", "cannot be written");
    run_engine(&run);
    fclose(run.out);
}

static void run_forked(const struct settings *settings, const struct peer_ops *ops,
                       const struct workload *workload, enum shape shape, struct results *results)
{
    int ends[2], how;
    fflush(NULL);
    if (pipe(ends) != 0)
        measure_fail("pipe", "cannot be made");
    pid_t child = fork();
    if (child < 0)
        measure_fail("fork", "failed");
    if (child == 0) {
        close(ends[0]);
        run_child(settings, ops, workload, shape, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    if (!in)
        measure_fail("pipe", "cannot be read");
    collect(in, ops->name, results);
    fclose(in);
    if (waitpid(child, &how, 0) != child || !WIFEXITED(how) || WEXITSTATUS(how) != 0)
        measure_fail(ops->name, "the run failed");
}

/* Engines take turns: each run begins with another one, and every second run goes backwards. */
static void run_all(const struct settings *settings, const struct workload workloads[SHAPES],
                    struct results *results)
{
    unsigned count = settings->engine_count;
    for (unsigned run = 0; run < settings->runs; run++) {
        for (unsigned turn = 0; turn < count; turn++) {
            unsigned at = (run + (run % 2 ? count - 1 - turn : turn)) % count;
            for (unsigned shape = 0; shape < SHAPES; shape++)
                if (settings->phases[shape])
                    run_forked(settings, settings->engines[at], &workloads[shape], shape, results);
        }
        if (settings->json)
            results_write(results, settings->json);
    }
}

static void take_options(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {{"rows", required_argument, NULL, 'n'},
                                            {"channels", required_argument, NULL, 'c'},
                                            {"engines", required_argument, NULL, 'e'},
                                            {"phases", required_argument, NULL, 'p'},
                                            {"runs", required_argument, NULL, 'k'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"reads", required_argument, NULL, 'r'},
                                            {"cache-mib", required_argument, NULL, 'm'},
                                            {"seconds", required_argument, NULL, 't'},
                                            {"folder", required_argument, NULL, 'f'},
                                            {"json", required_argument, NULL, 'j'},
                                            {"touch-memory", no_argument, NULL, 'w'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'n': settings->chat.rows = number(optarg); break;
        case 'c': settings->chat.channels = (uint32_t)number(optarg); break;
        case 'e': take_engines(settings, optarg); break;
        case 'p': take_phases(settings, optarg); break;
        case 'k': settings->runs = (unsigned)number(optarg); break;
        case 's': settings->chat.seed = number(optarg); break;
        case 'r': settings->reads = (uint32_t)number(optarg); break;
        case 'm': settings->cache_bytes = number(optarg) << 20; break;
        case 't': settings->seconds = (double)number(optarg); break;
        case 'f': settings->folder = optarg; break;
        case 'j': settings->json = optarg; break;
        case 'w': settings->touch_memory = true; break;
        default: usage();
        }
    }
    if (optind != argc || settings->runs > RESULT_RUNS_MAX || settings->chat.rows > UINT32_MAX)
        usage();
}

static void default_sizes(struct settings *settings)
{
    if (!settings->cache_bytes) {
        uint64_t mib = FULL_CACHE_MIB * settings->chat.rows / FULL_ROWS;
        settings->cache_bytes = (mib < LEAST_CACHE_MIB ? LEAST_CACHE_MIB : mib) << 20;
    }
}

int main(int argc, char **argv)
{
    struct settings settings = {.chat = {.seed = 1, .rows = 1000000, .channels = 2000},
                                .runs = 1,
                                .reads = 50000,
                                .seconds = 3,
                                .folder = "/var/tmp",
                                .phases = {[SHAPE_PLAIN] = (1u << PHASES) - 1, [SHAPE_WIDE] = wide_phases}};
    struct workload workloads[SHAPES] = {0};
    struct results results = {0};
    while (peers[settings.engine_count]) {
        settings.engines[settings.engine_count] = peers[settings.engine_count];
        settings.engine_count++;
    }
    take_options(&settings, argc, argv);
    default_sizes(&settings);
    if (settings.touch_memory)
        machine_touch_memory();
    for (unsigned shape = 0; shape < SHAPES; shape++) {
        struct chat_options chat = settings.chat;
        if (shape == SHAPE_WIDE)
            chat.channels = WIDE_CHANNELS;
        if (settings.phases[shape])
            workload_init(&workloads[shape], &chat, settings.reads);
    }
    run_all(&settings, workloads, &results);
    for (unsigned shape = 0; shape < SHAPES; shape++)
        workload_deinit(&workloads[shape]);
    results_deinit(&results);
    return 0;
}
