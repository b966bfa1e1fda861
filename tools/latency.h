/*
 * latency.h: durations of many operations, and their exact percentiles. A zeroed struct is empty.
 */
#ifndef STRAIT_TOOLS_LATENCY_H
#define STRAIT_TOOLS_LATENCY_H

#include <stddef.h>
#include <stdint.h>

struct latency {
    uint32_t *ns; /* owned; one a sample, at most 4.29 s each */
    size_t count, capacity;
    int sorted;
};

void latency_add(struct latency *latency, int64_t ns);
/* In microseconds; 0 when there are no samples. */
double latency_percentile_us(struct latency *latency, double percent);
void latency_deinit(struct latency *latency);

/* Never goes back. */
int64_t latency_now_ns(void);

#endif
