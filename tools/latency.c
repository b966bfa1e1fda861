#include "tools/latency.h"

#include <stdlib.h>
#include <time.h>

void latency_add(struct latency *latency, int64_t ns)
{
    if (latency->count == latency->capacity) {
        size_t capacity = latency->capacity ? latency->capacity * 2 : 4096;
        uint32_t *grown = realloc(latency->ns, capacity * sizeof *grown);
        if (!grown)
            return;
        latency->ns = grown;
        latency->capacity = capacity;
    }
    latency->ns[latency->count++] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns < 0 ? 0 : ns);
    latency->sorted = 0;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

double latency_percentile_us(struct latency *latency, double percent)
{
    if (!latency->count)
        return 0;
    if (!latency->sorted)
        qsort(latency->ns, latency->count, sizeof *latency->ns, compare);
    latency->sorted = 1;
    size_t rank = (size_t)((double)latency->count * percent / 100.0);
    return latency->ns[rank < latency->count ? rank : latency->count - 1] / 1000.0;
}

void latency_deinit(struct latency *latency)
{
    free(latency->ns);
    *latency = (struct latency){0};
}

int64_t latency_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
