/*
 * run.h: all phases of one engine, in a process of their own.
 *
 * Each run is a fork of the program: its memory, its CPU time and its reads and writes are then those of the engine
 * alone, and nothing of one engine is left for the next. Rows and questions are made before the fork.
 */
#ifndef STRAIT_BENCH_PEERS_RUN_H
#define STRAIT_BENCH_PEERS_RUN_H

#include <stdio.h>

#include "bench/peers/meter.h"
#include "bench/peers/peer.h"
#include "bench/peers/workload.h"

/* In the order in which they run. Those that read need the store of PHASE_LOAD100, which is then loaded in any case, as
 * PHASE_PACED needs PHASE_LOAD1. */
enum phase {
    PHASE_LOAD1,
    PHASE_PACED,
    PHASE_LOAD1X2,
    PHASE_LOAD1C1,
    PHASE_LOAD100,
    PHASE_SPACE,
    PHASE_LATEST50,
    PHASE_LATEST50X2,
    PHASE_LATEST50C1,
    PHASE_PAGE,
    PHASE_PAGEX2,
    PHASE_SCAN,
    PHASE_PAGE_CACHED,
    PHASE_PAGE_CACHEDX2,
    PHASE_POINT,
    PHASE_COLD,
    PHASE_DURABLE100,
    PHASE_DURABLE1X1,
    PHASE_DURABLE1X16,
    PHASE_DURABLE1X64,
    PHASE_MIXED,
    PHASES
};

extern const char *const phase_names[PHASES];

struct run {
    const struct peer_ops *ops;
    const struct workload *workload;
    const char *suffix;        /* of phase names: "" or "_wide" */
    const char *base;          /* folder for folders */
    uint64_t cache_bytes;      /* in every phase but cold (an eighth) and the cached ones (all data) */
    uint32_t phases;           /* set of enum phase, a bit each */
    double seconds;            /* bound of each durable phase and of mixed */
    double settled_rows_per_s; /* of the last unsynced load */
    FILE *out;                 /* a line a measurement: phase metric value unit */
    char folder[4096];         /* of the store at hand */
};

/* The whole of it. Ends the process when the engine fails or answers wrongly. */
void run_engine(struct run *run);

static inline bool run_has(const struct run *run, enum phase phase)
{
    return run->phases >> phase & 1;
}

/* ---- what the phases share ---- */

void run_measure(const struct run *run, enum phase phase, const char *metric, double value, const char *unit);
void run_measure_latency(const struct run *run, enum phase phase, struct latency *latency);
void run_measure_use(const struct run *run, enum phase phase, const struct meter *used);
void run_check(const struct run *run, enum phase phase, const struct answer *got,
               const struct answer *expected);
void run_folder_new(struct run *run);
void run_folder_remove(struct run *run);
void *run_open(const struct run *run, uint64_t cache_bytes, bool durable);
/* From now on every thread of the process, and all that are started, share one core; `run_unpin()` gives back what there was. */
void run_pin(void);
void run_unpin(void);
/* A full scan must find exactly the first `rows` rows. */
void run_verify(const struct run *run, enum phase phase, void *peer, uint64_t rows);

/* ---- the phases ---- */

void run_loads(struct run *run);
/* `settled_rows_per_s`: what the engine can keep up with. */
void run_paced(struct run *run, double settled_rows_per_s);
/* Write rows[from..to) in batches, unmeasured. */
void run_fill(const struct run *run, void *peer, uint64_t from, uint64_t to);
void *run_load100(struct run *run);
void run_durables(struct run *run);
void run_reads(struct run *run, void *peer);
void run_mixed(struct run *run);

#endif
