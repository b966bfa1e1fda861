#include "bench/peers/run.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "tools/folder.h"

const char *const phase_names[PHASES] = {
    [PHASE_LOAD1] = "load1",
    [PHASE_PACED] = "paced",
    [PHASE_LOAD1X2] = "load1x2",
    [PHASE_LOAD1C1] = "load1c1",
    [PHASE_LOAD100] = "load100",
    [PHASE_SPACE] = "space",
    [PHASE_LATEST50] = "latest50",
    [PHASE_LATEST50X2] = "latest50x2",
    [PHASE_LATEST50C1] = "latest50c1",
    [PHASE_PAGE] = "page",
    [PHASE_PAGEX2] = "pagex2",
    [PHASE_SCAN] = "scan",
    [PHASE_PAGE_CACHED] = "page_cached",
    [PHASE_PAGE_CACHEDX2] = "page_cachedx2",
    [PHASE_POINT] = "point",
    [PHASE_COLD] = "cold",
    [PHASE_DURABLE100] = "durable100",
    [PHASE_DURABLE1X1] = "durable1x1",
    [PHASE_DURABLE1X16] = "durable1x16",
    [PHASE_DURABLE1X64] = "durable1x64",
    [PHASE_MIXED] = "mixed",
};

void run_measure(const struct run *run, enum phase phase, const char *metric, double value, const char *unit)
{
    fprintf(run->out, "%s%s %s %.6f %s\n", phase_names[phase], run->suffix, metric, value, unit);
    fflush(run->out);
}

void run_measure_latency(const struct run *run, enum phase phase, struct latency *latency)
{
    run_measure(run, phase, "p50_us", latency_percentile_us(latency, 50), "us");
    run_measure(run, phase, "p99_us", latency_percentile_us(latency, 99), "us");
    run_measure(run, phase, "p999_us", latency_percentile_us(latency, 99.9), "us");
}

void run_measure_use(const struct run *run, enum phase phase, const struct meter *used)
{
    run_measure(run, phase, "foreign_cpu", 100 * meter_foreign(used), "%");
}

void run_check(const struct run *run, enum phase phase, const struct answer *got,
               const struct answer *expected)
{
    char text[128];
    if (got->rows == expected->rows && got->total == expected->total)
        return;
    snprintf(text, sizeof text, "%s%s: %llu rows, %016llx, instead of %llu rows, %016llx", phase_names[phase],
             run->suffix, (unsigned long long)got->rows, (unsigned long long)got->total,
             (unsigned long long)expected->rows, (unsigned long long)expected->total);
    measure_fail(run->ops->name, text);
}

void run_folder_new(struct run *run)
{
    snprintf(run->folder, sizeof run->folder, "%s/bench-peers-XXXXXX", run->base);
    if (!mkdtemp(run->folder))
        measure_fail(run->folder, "cannot be made");
}

void run_folder_remove(struct run *run)
{
    folder_remove(run->folder);
    run->folder[0] = '\0';
}

void *run_open(const struct run *run, uint64_t cache_bytes, bool durable)
{
    struct peer_setup setup = {.folder = run->folder,
                               .cache_bytes = cache_bytes,
                               .write_bytes = run->cache_bytes / 2,
                               .data_bytes = run->workload->chat->bytes,
                               .durable = durable};
    return run->ops->open(run->ops, &setup);
}

/* Engines may keep threads from one store to the next. */
static void threads_confine(const cpu_set_t *cores)
{
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks)
        measure_fail("threads", "cannot be listed");
    for (const struct dirent *entry = readdir(tasks); entry; entry = readdir(tasks))
        if (entry->d_name[0] != '.')
            sched_setaffinity((pid_t)strtol(entry->d_name, NULL, 10), sizeof *cores, cores);
    closedir(tasks);
}

static cpu_set_t unpinned;

void run_pin(void)
{
    cpu_set_t one;
    size_t core = 0;
    if (sched_getaffinity(0, sizeof unpinned, &unpinned) != 0)
        measure_fail("cores", "cannot be told");
    while (!CPU_ISSET(core, &unpinned))
        core++;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    threads_confine(&one);
}

void run_unpin(void)
{
    threads_confine(&unpinned);
}

void run_verify(const struct run *run, enum phase phase, void *peer, uint64_t rows)
{
    struct answer got = ANSWER_EMPTY, expected = oracle_sum(run->workload->chat, rows);
    void *session = run->ops->session_new(peer);
    run->ops->scan(session, &got);
    run->ops->session_free(session);
    got.total = got.sum; /* engines keep channels in different orders */
    expected.total = expected.sum;
    run_check(run, phase, &got, &expected);
}

void run_engine(struct run *run)
{
    const uint32_t durable =
        1u << PHASE_DURABLE100 | 1u << PHASE_DURABLE1X1 | 1u << PHASE_DURABLE1X16 | 1u << PHASE_DURABLE1X64;
    const uint32_t apart = durable | 1u << PHASE_LOAD1 | 1u << PHASE_PACED | 1u << PHASE_LOAD1X2 |
                           1u << PHASE_LOAD1C1 | 1u << PHASE_MIXED;
    run_loads(run);
    if (run->phases & ~apart) {
        void *peer = run_load100(run);
        run_reads(run, peer);
        run_folder_remove(run);
    }
    run_durables(run);
    if (run_has(run, PHASE_MIXED))
        run_mixed(run);
}
