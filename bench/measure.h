/*
 * measure.h: results of benchmarks, one JSON object a line: engine, phase, metric, value, unit, commit, machine.
 * `bench/run` collects the lines into bench/history/.
 */
#ifndef STRAIT_BENCH_MEASURE_H
#define STRAIT_BENCH_MEASURE_H

#include "base/status.h"
#include "tools/latency.h"

/* To standard output; commit and machine come from the environment (BENCH_COMMIT, BENCH_MACHINE). */
void measure(const char *engine, const char *phase, const char *metric, double value, const char *unit);
/* p50, p99 and p99.9 of `latency`, in microseconds. */
void measure_latency(const char *engine, const char *phase, struct latency *latency);
/* End the program with a message: a benchmark that fails has no result. */
_Noreturn void measure_fail(const char *what, const char *why);
/* The same when `st` is a failure. */
void measure_check(status st, const char *what);
/* Zeroed memory, or the end of the program. */
void *measure_alloc(size_t bytes, const char *what);

#endif
