/*
 * demo_run.h: one strategy from an empty folder to a verified store, with everything that the report wants to know.
 */
#ifndef STRAIT_TOOLS_DEMO_RUN_H
#define STRAIT_TOOLS_DEMO_RUN_H

#include <signal.h>

#include "tools/latency.h"
#include "tools/strategy.h"

enum {
    /* Keys that scatter a channel's rows are read before every write for the index: with less, that waits for the disk. */
    DEMO_CACHE_BYTES = 256 << 20,
};

struct demo_options {
    const char *dir; /* every strategy has a folder in it */
    const char *io, *profile;
    uint64_t messages, seed;
    uint64_t reads;                    /* newest-50 reads; one walk back through a channel for every 200 */
    int durability;                    /* enum strait_durability of the load */
    const volatile sig_atomic_t *stop; /* borrowed; nonzero: give up soon */
};

enum {
    DEMO_RING_PARTS = 16, /* equal token ranges, by which the balance of a ring is judged */
};

struct demo_percentiles {
    int64_t p50, p90, p99, max;
};

struct demo_result {
    const struct strategy *strategy;
    char io[16];
    uint64_t events, rows;
    uint64_t content_hash; /* of all rows: the same under every key */
    double load_s, settle_s, reopen_ms, verify_s;
    struct latency insert, newest, back;
    uint64_t newest_queries, newest_reads; /* queries that the reads took */
    uint64_t back_queries, back_pages;
    int64_t partitions;
    struct demo_percentiles partition_rows, partition_bytes;
    int64_t sstables, sstable_bytes, raw_bytes;
    int64_t batch_bytes, log_bytes, flushed_bytes, compacted_bytes;
    int64_t table_reads, sources_read;
    uint64_t ring_rows[DEMO_RING_PARTS];
    int64_t logical_bytes;  /* of the verified rows' values */
    int64_t resident_bytes; /* of the process after the load */
};

/* False when anything failed or did not verify; the reason is on standard error. */
bool demo_run(const struct demo_options *options, const struct strategy *strategy, struct chat_stream *stream,
              struct demo_result *out_result);
void demo_result_deinit(struct demo_result *result);

#endif
