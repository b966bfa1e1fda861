/*
 * result.h: measurements of several runs, and their medians as JSON lines.
 */
#ifndef STRAIT_BENCH_PEERS_RESULT_H
#define STRAIT_BENCH_PEERS_RESULT_H

#include <stdint.h>

enum { RESULT_RUNS_MAX = 32 };

struct result {
    char engine[32], phase[32], metric[32], unit[16];
    double values[RESULT_RUNS_MAX];
    unsigned count;
};

/* A zeroed struct is empty. */
struct results {
    struct result *items; /* owned, in the order they came first */
    unsigned count, capacity;
};

void results_add(struct results *results, const char *engine, const char *phase, const char *metric,
                 double value, const char *unit);
void results_deinit(struct results *results);
double result_median(const struct result *result);
/* Medians, with the least and the greatest value beside each when there were several runs. Ends the program when the
 * file cannot be written. */
void results_write(const struct results *results, const char *path);

#endif
