#include "bench/peers/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"

static struct result *find(struct results *results, const char *engine, const char *phase, const char *metric)
{
    for (unsigned i = 0; i < results->count; i++) {
        struct result *item = &results->items[i];
        if (strcmp(item->engine, engine) == 0 && strcmp(item->phase, phase) == 0 &&
            strcmp(item->metric, metric) == 0)
            return item;
    }
    return NULL;
}

void results_add(struct results *results, const char *engine, const char *phase, const char *metric,
                 double value, const char *unit)
{
    struct result *item = find(results, engine, phase, metric);
    if (!item && results->count == results->capacity) {
        unsigned capacity = results->capacity ? 2 * results->capacity : 64;
        struct result *grown = realloc(results->items, capacity * sizeof *grown);
        if (!grown)
            measure_fail("results", "out of memory");
        results->items = grown;
        results->capacity = capacity;
    }
    if (!item) {
        item = &results->items[results->count++];
        *item = (struct result){0};
        snprintf(item->engine, sizeof item->engine, "%s", engine);
        snprintf(item->phase, sizeof item->phase, "%s", phase);
        snprintf(item->metric, sizeof item->metric, "%s", metric);
        snprintf(item->unit, sizeof item->unit, "%s", unit);
    }
    if (item->count < RESULT_RUNS_MAX)
        item->values[item->count++] = value;
}

void results_deinit(struct results *results)
{
    free(results->items);
    *results = (struct results){0};
}

static int compare_values(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void sorted(const struct result *result, double out[RESULT_RUNS_MAX])
{
    memcpy(out, result->values, result->count * sizeof *out);
    qsort(out, result->count, sizeof *out, compare_values);
}

double result_median(const struct result *result)
{
    double values[RESULT_RUNS_MAX];
    if (result->count == 0)
        return 0;
    sorted(result, values);
    unsigned middle = result->count / 2;
    return result->count % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "unknown";
}

void results_write(const struct results *results, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        measure_fail(path, "cannot be written");
    for (unsigned i = 0; i < results->count; i++) {
        const struct result *item = &results->items[i];
        double values[RESULT_RUNS_MAX];
        sorted(item, values);
        fprintf(
            file,
            "{\"engine\": \"%s\", \"phase\": \"%s\", \"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"",
            item->engine, item->phase, item->metric, result_median(item), item->unit);
        if (item->count > 1)
            fprintf(file, ", \"least\": %.3f, \"greatest\": %.3f, \"runs\": %u", values[0],
                    values[item->count - 1], item->count);
        fprintf(file, ", \"commit\": \"%s\", \"machine\": \"%s\"}\n", from_environment("BENCH_COMMIT"),
                from_environment("BENCH_MACHINE"));
    }
    if (fclose(file) != 0)
        measure_fail(path, "cannot be written");
}
