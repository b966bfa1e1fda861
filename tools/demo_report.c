#include "tools/demo_report.h"

#include <stdio.h>
#include <string.h>

enum {
    LABEL_WIDTH = 34,
    COLUMN_WIDTH = 30,
};

typedef void cell_text(struct demo_result *result, char *out, size_t bytes);

static void line(struct demo_result *results, unsigned count, const char *label, cell_text *text)
{
    printf("%-*s", LABEL_WIDTH, label);
    for (unsigned i = 0; i < count; i++) {
        char cell[64];
        text(&results[i], cell, sizeof cell);
        printf("%*s", COLUMN_WIDTH, cell);
    }
    putchar('\n');
}

static void format_bytes(int64_t bytes, char *out, size_t out_bytes)
{
    if (bytes >= 10 << 20)
        snprintf(out, out_bytes, "%.1f MiB", (double)bytes / (1 << 20));
    else
        snprintf(out, out_bytes, "%.1f KiB", (double)bytes / (1 << 10));
}

static void format_three(struct latency *latency, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.1f / %.1f / %.1f", latency_percentile_us(latency, 50),
             latency_percentile_us(latency, 99), latency_percentile_us(latency, 99.9));
}

static double ratio(int64_t a, int64_t b)
{
    return b ? (double)a / (double)b : 0;
}

static void rate(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.0f", r->load_s > 0 ? (double)r->events / r->load_s : 0);
}

static void settled_rate(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.0f", (double)r->events / (r->load_s + r->settle_s));
}

static void insert_us(struct demo_result *r, char *out, size_t bytes)
{
    format_three(&r->insert, out, bytes);
}

static void newest_us(struct demo_result *r, char *out, size_t bytes)
{
    format_three(&r->newest, out, bytes);
}

static void back_us(struct demo_result *r, char *out, size_t bytes)
{
    format_three(&r->back, out, bytes);
}

static void newest_queries(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.2f", ratio((int64_t)r->newest_queries, (int64_t)r->newest_reads));
}

static void rows(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%llu", (unsigned long long)r->rows);
}

static void partitions(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%lld", (long long)r->partitions);
}

static void partition_rows(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%lld/%lld/%lld", (long long)r->partition_rows.p50, (long long)r->partition_rows.p99,
             (long long)r->partition_rows.max);
}

static void partition_largest(struct demo_result *r, char *out, size_t bytes)
{
    format_bytes(r->partition_bytes.max, out, bytes);
}

static void largest_share(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.1f %%", 100 * ratio(r->partition_rows.max, (int64_t)r->rows));
}

static void sstables(struct demo_result *r, char *out, size_t bytes)
{
    char size[32];
    format_bytes(r->sstable_bytes, size, sizeof size);
    snprintf(out, bytes, "%lld, %s", (long long)r->sstables, size);
}

static void compression(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.2f", ratio(r->raw_bytes, r->sstable_bytes));
}

static void bytes_per_row(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.1f", ratio(r->sstable_bytes, (int64_t)r->rows));
}

static void write_amplification(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.2f", ratio(r->log_bytes + r->flushed_bytes + r->compacted_bytes, r->batch_bytes));
}

static void write_parts(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.2f+%.2f+%.2f", ratio(r->log_bytes, r->batch_bytes),
             ratio(r->flushed_bytes, r->batch_bytes), ratio(r->compacted_bytes, r->batch_bytes));
}

static void read_amplification(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.2f", ratio(r->sources_read, r->table_reads));
}

static void space_amplification(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.2f", ratio(r->sstable_bytes, r->logical_bytes));
}

static void reopen(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.1f", r->reopen_ms);
}

static void verify_rate(struct demo_result *r, char *out, size_t bytes)
{
    snprintf(out, bytes, "%.0f", r->verify_s > 0 ? (double)r->rows / r->verify_s : 0);
}

static void resident(struct demo_result *r, char *out, size_t bytes)
{
    format_bytes(r->resident_bytes, out, bytes);
}

static const struct {
    const char *label;
    cell_text *text;
} lines[] = {
    {"writes per second", rate},
    {"  with flush and compaction settled", settled_rate},
    {"insert, us: p50 / p99 / p99.9", insert_us},
    {"newest 50, us: p50 / p99 / p99.9", newest_us},
    {"  queries for one newest 50", newest_queries},
    {"page back, us: p50 / p99 / p99.9", back_us},
    {"rows", rows},
    {"partitions", partitions},
    {"rows a partition: p50/p99/max", partition_rows},
    {"largest partition", partition_largest},
    {"  its share of all rows", largest_share},
    {"SSTables: files, bytes", sstables},
    {"bytes on disk per row", bytes_per_row},
    {"compression (raw / disk)", compression},
    {"write amplification", write_amplification},
    {"  log + flush + compaction", write_parts},
    {"read amplification (sources/read)", read_amplification},
    {"space amplification (disk/values)", space_amplification},
    {"reopen, ms", reopen},
    {"verify, rows per second", verify_rate},
    {"memory after the load", resident},
};

void demo_report(struct demo_result *results, unsigned count, const struct demo_options *options)
{
    static const char *const durabilities[] = {"", "durable", "periodic", "unlogged"};
    printf("\nmessages %llu, io %s, load %s, crystal schema with its indexes\n\n",
           (unsigned long long)options->messages, results[0].io, durabilities[options->durability]);
    printf("%-*s", LABEL_WIDTH, "partition key");
    for (unsigned i = 0; i < count; i++)
        printf("%*s", COLUMN_WIDTH, results[i].strategy->name);
    putchar('\n');
    for (unsigned i = 0; i < LABEL_WIDTH + count * COLUMN_WIDTH; i++)
        putchar('-');
    putchar('\n');
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++)
        line(results, count, lines[i].label, lines[i].text);
}
