/*
 * run_mixed.c: one writer at full speed beside one reader of newest pages.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "bench/peers/run.h"

enum { CLOCK_EVERY = 64 }; /* rows between two looks of the writer at the clock */

struct mixed_reader {
    const struct run *run;
    void *peer;
    _Atomic bool stop;
    uint64_t reads;
    struct answer answer;
    struct latency latency;
};

static void *mixed_read(void *at)
{
    struct mixed_reader *reader = at;
    const struct peer_ops *ops = reader->run->ops;
    const struct question_list *list = &reader->run->workload->newest;
    void *session = ops->session_new(reader->peer);
    reader->answer = ANSWER_EMPTY;
    for (; !atomic_load_explicit(&reader->stop, memory_order_relaxed); reader->reads++) {
        const struct question *question = &list->items[reader->reads % list->count];
        int64_t begun_ns = latency_now_ns();
        ops->newest(session, question->channel, INT64_MAX, WORKLOAD_PAGE_ROWS, &reader->answer);
        latency_add(&reader->latency, latency_now_ns() - begun_ns);
        answer_end(&reader->answer);
    }
    ops->session_free(session);
    return NULL;
}

/* Rows from `first` on until the last or the end of time; where it stopped. */
static uint64_t mixed_write(const struct run *run, void *peer, uint64_t first, int64_t end_ns)
{
    const struct chat *chat = run->workload->chat;
    void *session = run->ops->session_new(peer);
    uint64_t at = first;
    while (at < chat->options.rows && (at % CLOCK_EVERY || latency_now_ns() < end_ns))
        run->ops->write(session, &chat->rows[at++], 1);
    run->ops->session_free(session);
    return at;
}

void run_mixed(struct run *run)
{
    uint64_t half = run->workload->chat->options.rows / 2;
    pthread_t thread;
    run_folder_new(run);
    void *peer = run_open(run, run->cache_bytes, false);
    run_fill(run, peer, 0, half);
    struct mixed_reader reader = {.run = run, .peer = peer};
    struct meter begun = meter_now();
    if (pthread_create(&thread, NULL, mixed_read, &reader) != 0)
        measure_fail("reader", "no thread");
    uint64_t written = mixed_write(run, peer, half, begun.wall_ns + (int64_t)(run->seconds * 1e9));
    struct meter used = meter_since(&begun);
    atomic_store(&reader.stop, true);
    pthread_join(thread, NULL);
    if (reader.answer.disorder)
        measure_fail(run->ops->name, "mixed: rows in a wrong order");
    double seconds = (double)used.wall_ns / 1e9;
    run_measure(run, PHASE_MIXED, "rows_per_s", (double)(written - half) / seconds, "1/s");
    run_measure(run, PHASE_MIXED, "reads_per_s", (double)reader.reads / seconds, "1/s");
    run_measure_latency(run, PHASE_MIXED, &reader.latency);
    run_measure_use(run, PHASE_MIXED, &used);
    latency_deinit(&reader.latency);
    run_verify(run, PHASE_MIXED, peer, written);
    run->ops->close(peer);
    run_folder_remove(run);
}
