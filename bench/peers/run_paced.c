/*
 * run_paced.c: single rows at 80 % of the pace that the engine can keep up with, until the rows or the time end.
 *
 * The pace is that of an unsynced load including its flushes and compactions, measured first. Each row has its moment; the
 * latency counts from there (`late_...`: what a caller who does not wait for others sees) and from the call.
 */
#include "bench/peers/run.h"

enum {
    PERCENT = 80,
    SECONDS_TIMES = 3, /* compaction must have something to do */
};

struct paced {
    struct latency call, late;
    uint64_t rows;
};

static struct paced write_paced(const struct run *run, void *peer, double rows_per_s)
{
    struct paced paced = {0};
    const struct chat *chat = run->workload->chat;
    void *session = run->ops->session_new(peer);
    int64_t begun_ns = latency_now_ns(), now_ns = begun_ns;
    int64_t end_ns = begun_ns + (int64_t)(SECONDS_TIMES * run->seconds * 1e9);
    for (; paced.rows < chat->options.rows && now_ns < end_ns; paced.rows++) {
        int64_t due_ns = begun_ns + (int64_t)((double)paced.rows / rows_per_s * 1e9);
        while (now_ns < due_ns)
            now_ns = latency_now_ns();
        int64_t called_ns = now_ns;
        run->ops->write(session, &chat->rows[paced.rows], 1);
        now_ns = latency_now_ns();
        latency_add(&paced.call, now_ns - called_ns);
        latency_add(&paced.late, now_ns - due_ns);
    }
    run->ops->session_free(session);
    return paced;
}

void run_paced(struct run *run, double settled_rows_per_s)
{
    double rows_per_s = settled_rows_per_s * PERCENT / 100;
    run_folder_new(run);
    void *peer = run_open(run, run->cache_bytes, false);
    struct meter begun = meter_now();
    struct paced paced = write_paced(run, peer, rows_per_s);
    struct meter used = meter_since(&begun);
    run_measure(run, PHASE_PACED, "rows_per_s", (double)paced.rows / ((double)used.wall_ns / 1e9), "1/s");
    run_measure_latency(run, PHASE_PACED, &paced.call);
    run_measure(run, PHASE_PACED, "p99_by_p50",
                latency_percentile_us(&paced.call, 99) / latency_percentile_us(&paced.call, 50), "x");
    run_measure(run, PHASE_PACED, "late_p50_us", latency_percentile_us(&paced.late, 50), "us");
    run_measure(run, PHASE_PACED, "late_p99_us", latency_percentile_us(&paced.late, 99), "us");
    run_measure_use(run, PHASE_PACED, &used);
    latency_deinit(&paced.call);
    latency_deinit(&paced.late);
    run_verify(run, PHASE_PACED, peer, paced.rows);
    run->ops->close(peer);
    run_folder_remove(run);
}
