#include "bench/measure.h"

#include <stdio.h>
#include <stdlib.h>

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "unknown";
}

void measure(const char *engine, const char *phase, const char *metric, double value, const char *unit)
{
    printf("{\"engine\": \"%s\", \"phase\": \"%s\", \"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", "
           "\"commit\": \"%s\", \"machine\": \"%s\"}\n",
           engine, phase, metric, value, unit, from_environment("BENCH_COMMIT"),
           from_environment("BENCH_MACHINE"));
    fflush(stdout);
}

void measure_latency(const char *engine, const char *phase, struct latency *latency)
{
    measure(engine, phase, "p50_us", latency_percentile_us(latency, 50), "us");
    measure(engine, phase, "p99_us", latency_percentile_us(latency, 99), "us");
    measure(engine, phase, "p999_us", latency_percentile_us(latency, 99.9), "us");
}

_Noreturn void measure_fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

void measure_check(status st, const char *what)
{
    char text[256];
    if (ok(st))
        return;
    status_print(st, text, sizeof text);
    measure_fail(what, text);
}

void *measure_alloc(size_t bytes, const char *what)
{
    void *memory = calloc(1, bytes);
    if (!memory)
        measure_fail(what, "out of memory");
    return memory;
}
