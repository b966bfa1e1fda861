/*
 * histogram.h: counts of durations or sizes in log-linear buckets: 16 a power of two, so a
 * percentile is right to about 6 %. Fixed size, nothing to free. One writer at a time; merge
 * per-thread histograms for more.
 */
#ifndef STRAIT_BASE_HISTOGRAM_H
#define STRAIT_BASE_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 61 * 16 };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count, sum, max;
};

void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* An upper bound of the value below which `percent` of the values lie; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

#endif
