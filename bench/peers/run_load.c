/*
 * run_load.c: writing, by one caller or by many.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bench/peers/run.h"

enum {
    BATCH_ROWS = 100,
    SAMPLE_EVERY = 8, /* single unsynced writes are so short that reading the clock for each would show */
    THREADS_MAX = 64,
    STACK_BYTES = 1 << 20,
};

/* What the callers of one load share: rows are taken in order of arrival, so what was written is a prefix of them. */
struct load {
    const struct run *run;
    void *peer;
    uint32_t batch;
    uint32_t sample_every;
    uint64_t rows;
    int64_t end_ns;         /* stop then; INT64_MAX: at the last row */
    _Atomic uint64_t taken; /* by everybody */
};

struct caller {
    struct load *load;
    pthread_t thread;
    struct latency latency;
};

static void *caller_run(void *at)
{
    struct caller *caller = at;
    struct load *load = caller->load;
    const struct peer_ops *ops = load->run->ops;
    const struct chat_row *rows = load->run->workload->chat->rows;
    void *session = ops->session_new(load->peer);
    for (uint64_t turn = 0;; turn++) {
        uint64_t first = atomic_fetch_add_explicit(&load->taken, load->batch, memory_order_relaxed);
        if (first >= load->rows)
            break;
        uint64_t count = load->rows - first < load->batch ? load->rows - first : load->batch;
        if (turn % load->sample_every) {
            ops->write(session, rows + first, (uint32_t)count);
            continue;
        }
        int64_t begun_ns = latency_now_ns();
        ops->write(session, rows + first, (uint32_t)count);
        int64_t ended_ns = latency_now_ns();
        latency_add(&caller->latency, ended_ns - begun_ns);
        if (ended_ns >= load->end_ns)
            break;
    }
    ops->session_free(session);
    return NULL;
}

static void join_latency(struct latency *into, struct latency *from)
{
    for (size_t i = 0; i < from->count; i++)
        latency_add(into, from->ns[i]);
    latency_deinit(from);
}

/* Rows written; the durations of the writes in `latency`. */
static uint64_t load_rows(struct load *load, unsigned threads, struct latency *latency)
{
    static struct caller callers[THREADS_MAX];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    for (unsigned t = 0; t < threads; t++) {
        callers[t] = (struct caller){.load = load};
        if (threads == 1)
            caller_run(&callers[t]);
        else if (pthread_create(&callers[t].thread, &attributes, caller_run, &callers[t]) != 0)
            measure_fail("caller", "no thread");
    }
    for (unsigned t = 0; t < threads; t++) {
        if (threads > 1)
            pthread_join(callers[t].thread, NULL);
        join_latency(latency, &callers[t].latency);
    }
    pthread_attr_destroy(&attributes);
    return load->taken < load->rows ? load->taken : load->rows;
}

void run_fill(const struct run *run, void *peer, uint64_t from, uint64_t to)
{
    struct latency latency = {0};
    struct load load = {.run = run,
                        .peer = peer,
                        .batch = BATCH_ROWS,
                        .sample_every = 1,
                        .rows = to,
                        .end_ns = INT64_MAX,
                        .taken = from};
    load_rows(&load, 1, &latency);
    latency_deinit(&latency);
}

/* Logical bytes of the first rows. */
static double bytes_of(const struct run *run, uint64_t rows)
{
    const struct chat *chat = run->workload->chat;
    return (double)chat->bytes * (double)rows / (double)chat->options.rows;
}

static void measure_writing(const struct run *run, enum phase phase, void *peer, const struct meter *used,
                            uint64_t rows)
{
    run_measure(run, phase, "written_bytes", (double)used->written_bytes, "B");
    run_measure(run, phase, "write_amplification", (double)used->written_bytes / bytes_of(run, rows), "x");
    if (run->ops->written_bytes)
        run_measure(run, phase, "engine_written_bytes", (double)run->ops->written_bytes(peer), "B");
}

/* Load all rows, unsynced, and let the engine come to rest; the store stays open. */
static void *load_unsynced(struct run *run, enum phase phase, uint32_t batch, unsigned threads)
{
    struct latency latency = {0};
    uint64_t rows = run->workload->chat->options.rows;
    run_folder_new(run);
    uint64_t resident_bytes = meter_resident_bytes();
    meter_peak_reset();
    void *peer = run_open(run, run->cache_bytes, false);
    struct load load = {.run = run,
                        .peer = peer,
                        .batch = batch,
                        .rows = rows,
                        .end_ns = INT64_MAX,
                        .sample_every = batch == 1 ? SAMPLE_EVERY : 1};
    struct meter begun = meter_now();
    load_rows(&load, threads, &latency);
    struct meter loaded = meter_since(&begun);
    run->ops->settle(peer);
    struct meter settled = meter_since(&begun);
    run->settled_rows_per_s = (double)rows / ((double)settled.wall_ns / 1e9);
    if (run_has(run, phase)) {
        run_measure(run, phase, "rows_per_s", (double)rows / ((double)loaded.wall_ns / 1e9), "1/s");
        run_measure(run, phase, "settled_rows_per_s", run->settled_rows_per_s, "1/s");
        run_measure(run, phase, "cpu_us_per_row", (double)settled.cpu_ns / 1e3 / (double)rows, "us");
        run_measure_latency(run, phase, &latency);
        measure_writing(run, phase, peer, &settled, rows);
        run_measure(run, phase, "peak_rss_bytes", (double)(meter_peak_bytes() - resident_bytes), "B");
        run_measure_use(run, phase, &settled);
    }
    if (phase == PHASE_LOAD100 && run_has(run, PHASE_SPACE)) {
        double disk_bytes = (double)meter_disk_bytes(run->folder);
        run_measure(run, PHASE_SPACE, "disk_bytes", disk_bytes, "B");
        run_measure(run, PHASE_SPACE, "disk_bytes_per_row", disk_bytes / (double)rows, "B");
        measure_writing(run, PHASE_SPACE, peer, &settled, rows);
    }
    latency_deinit(&latency);
    run_verify(run, phase, peer, rows);
    return peer;
}

static void load_and_leave(struct run *run, enum phase phase, unsigned threads)
{
    void *peer = load_unsynced(run, phase, 1, threads);
    run->ops->close(peer);
    run_folder_remove(run);
}

void run_loads(struct run *run)
{
    if (run_has(run, PHASE_LOAD1) || run_has(run, PHASE_PACED))
        load_and_leave(run, PHASE_LOAD1, 1);
    if (run_has(run, PHASE_PACED))
        run_paced(run, run->settled_rows_per_s);
    if (run_has(run, PHASE_LOAD1X2))
        load_and_leave(run, PHASE_LOAD1X2, 2);
    if (run_has(run, PHASE_LOAD1C1)) {
        run_pin();
        load_and_leave(run, PHASE_LOAD1C1, 1);
        run_unpin();
    }
}

void *run_load100(struct run *run)
{
    return load_unsynced(run, PHASE_LOAD100, BATCH_ROWS, 1);
}

static void load_durable(struct run *run, enum phase phase, uint32_t batch, unsigned threads)
{
    struct latency latency = {0};
    if (!run_has(run, phase))
        return;
    run_folder_new(run);
    void *peer = run_open(run, run->cache_bytes, true);
    struct load load = {.run = run,
                        .peer = peer,
                        .batch = batch,
                        .sample_every = 1,
                        .rows = run->workload->chat->options.rows};
    struct meter begun = meter_now();
    load.end_ns = begun.wall_ns + (int64_t)(run->seconds * 1e9);
    uint64_t rows = load_rows(&load, threads, &latency);
    struct meter used = meter_since(&begun);
    run_measure(run, phase, "rows_per_s", (double)rows / ((double)used.wall_ns / 1e9), "1/s");
    run_measure(run, phase, "cpu_us_per_row", (double)used.cpu_ns / 1e3 / (double)rows, "us");
    run_measure_latency(run, phase, &latency);
    measure_writing(run, phase, peer, &used, rows);
    run_measure_use(run, phase, &used);
    latency_deinit(&latency);
    run_verify(run, phase, peer, rows);
    run->ops->close(peer);
    run_folder_remove(run);
}

void run_durables(struct run *run)
{
    load_durable(run, PHASE_DURABLE100, BATCH_ROWS, 1);
    load_durable(run, PHASE_DURABLE1X1, 1, 1);
    load_durable(run, PHASE_DURABLE1X16, 1, 16);
    load_durable(run, PHASE_DURABLE1X64, 1, 64);
}
