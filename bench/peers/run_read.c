/*
 * run_read.c: reading a store that has come to rest, by one caller or by two, warm and cold.
 */
#include <pthread.h>
#include <stdlib.h>

#include "bench/peers/run.h"

enum {
    READERS_MAX = 2,
    COLD_SHARE = 8,   /* of the cache, when cold */
    CACHED_TIMES = 3, /* a cache of so many times the data holds it in any form */
};

/* Reader `number` of `readers` asks every readers-th question. */
struct reader_job {
    const struct run *run;
    void *peer;
    const struct question_list *list;
    bool points;
    unsigned number, readers;
    pthread_t thread;
    struct answer answer;
    struct latency latency;
};

static void *reader_run(void *at)
{
    struct reader_job *job = at;
    const struct peer_ops *ops = job->run->ops;
    const struct chat_row *rows = job->run->workload->chat->rows;
    void *session = ops->session_new(job->peer);
    job->answer = ANSWER_EMPTY;
    for (uint32_t i = job->number; i < job->list->count; i += job->readers) {
        const struct question *question = &job->list->items[i];
        int64_t begun_ns = latency_now_ns();
        if (job->points)
            ops->point(session, &rows[question->row], &job->answer);
        else
            ops->newest(session, question->channel, question->before_ms, WORKLOAD_PAGE_ROWS, &job->answer);
        latency_add(&job->latency, latency_now_ns() - begun_ns);
        answer_end(&job->answer);
    }
    ops->session_free(session);
    return NULL;
}

struct reading {
    struct answer answer;
    struct latency latency;
    struct meter used;
};

static struct reading ask(const struct run *run, void *peer, const struct question_list *list, bool points,
                          unsigned readers)
{
    struct reader_job jobs[READERS_MAX];
    struct reading reading = {.answer = ANSWER_EMPTY};
    struct meter begun = meter_now();
    for (unsigned t = 0; t < readers; t++) {
        jobs[t] = (struct reader_job){
            .run = run, .peer = peer, .list = list, .points = points, .number = t, .readers = readers};
        if (readers == 1)
            reader_run(&jobs[t]);
        else if (pthread_create(&jobs[t].thread, NULL, reader_run, &jobs[t]) != 0)
            measure_fail("reader", "no thread");
    }
    for (unsigned t = 0; t < readers && readers > 1; t++)
        pthread_join(jobs[t].thread, NULL);
    reading.used = meter_since(&begun);
    for (unsigned t = 0; t < readers; t++) {
        answer_merge(&reading.answer, &jobs[t].answer);
        for (size_t i = 0; i < jobs[t].latency.count; i++)
            latency_add(&reading.latency, jobs[t].latency.ns[i]);
        latency_deinit(&jobs[t].latency);
    }
    return reading;
}

static void measure_reading(const struct run *run, enum phase phase, const struct question_list *list,
                            struct reading *reading)
{
    double reads = list->count;
    run_check(run, phase, &reading->answer, &list->expected);
    run_measure(run, phase, "reads_per_s", reads / ((double)reading->used.wall_ns / 1e9), "1/s");
    run_measure_latency(run, phase, &reading->latency);
    run_measure(run, phase, "cpu_us_per_read", (double)reading->used.cpu_ns / 1e3 / reads, "us");
    run_measure(run, phase, "read_kb", (double)reading->used.read_bytes / 1024 / reads, "KiB");
    run_measure_use(run, phase, &reading->used);
    latency_deinit(&reading->latency);
}

static void read_warm(const struct run *run, void *peer, enum phase phase, const struct question_list *warm,
                      const struct question_list *list, unsigned readers)
{
    if (!run_has(run, phase))
        return;
    struct reading ahead = ask(run, peer, warm, phase == PHASE_POINT, 1);
    latency_deinit(&ahead.latency);
    struct reading reading = ask(run, peer, list, phase == PHASE_POINT, readers);
    measure_reading(run, phase, list, &reading);
}

static void read_scan(const struct run *run, void *peer)
{
    if (!run_has(run, PHASE_SCAN))
        return;
    struct answer answer = ANSWER_EMPTY,
                  expected = oracle_sum(run->workload->chat, run->workload->chat->options.rows);
    void *session = run->ops->session_new(peer);
    struct meter begun = meter_now();
    run->ops->scan(session, &answer);
    struct meter used = meter_since(&begun);
    run->ops->session_free(session);
    answer.total = answer.sum;
    expected.total = expected.sum;
    run_check(run, PHASE_SCAN, &answer, &expected);
    run_measure(run, PHASE_SCAN, "rows_per_s", (double)answer.rows / ((double)used.wall_ns / 1e9), "1/s");
    run_measure(run, PHASE_SCAN, "cpu_us_per_row", (double)used.cpu_ns / 1e3 / (double)answer.rows, "us");
    run_measure_use(run, PHASE_SCAN, &used);
}

/* The store is opened on the one core, so that it makes its threads by it. */
static void read_on_one_core(struct run *run)
{
    if (!run_has(run, PHASE_LATEST50C1))
        return;
    run_pin();
    void *peer = run_open(run, run->cache_bytes, false);
    read_warm(run, peer, PHASE_LATEST50C1, &run->workload->warm_newest, &run->workload->newest, 1);
    run->ops->close(peer);
    run_unpin();
}

static void read_cached(struct run *run)
{
    const struct workload *workload = run->workload;
    if (!run_has(run, PHASE_PAGE_CACHED) && !run_has(run, PHASE_PAGE_CACHEDX2) && !run_has(run, PHASE_POINT))
        return;
    void *peer = run_open(run, CACHED_TIMES * workload->chat->bytes, false);
    read_warm(run, peer, PHASE_PAGE_CACHED, &workload->page, &workload->page, 1);
    read_warm(run, peer, PHASE_PAGE_CACHEDX2, &workload->page, &workload->page, 2);
    read_warm(run, peer, PHASE_POINT, &workload->point, &workload->point, 1);
    run->ops->close(peer);
}

static void read_cold(struct run *run)
{
    if (!run_has(run, PHASE_COLD))
        return;
    meter_drop_caches(run->folder);
    void *peer = run_open(run, run->cache_bytes / COLD_SHARE, false);
    meter_drop_caches(run->folder);
    struct reading reading = ask(run, peer, &run->workload->cold, false, 1);
    measure_reading(run, PHASE_COLD, &run->workload->cold, &reading);
    run->ops->close(peer);
}

void run_reads(struct run *run, void *peer)
{
    const struct workload *workload = run->workload;
    run->ops->compact(peer);
    if (run_has(run, PHASE_SPACE))
        run_measure(run, PHASE_SPACE, "compacted_disk_bytes", (double)meter_disk_bytes(run->folder), "B");
    read_warm(run, peer, PHASE_LATEST50, &workload->warm_newest, &workload->newest, 1);
    read_warm(run, peer, PHASE_LATEST50X2, &workload->warm_newest, &workload->newest, 2);
    read_warm(run, peer, PHASE_PAGE, &workload->warm_page, &workload->page, 1);
    read_warm(run, peer, PHASE_PAGEX2, &workload->warm_page, &workload->page, 2);
    read_scan(run, peer);
    run->ops->close(peer);
    read_on_one_core(run);
    read_cached(run);
    read_cold(run);
}
