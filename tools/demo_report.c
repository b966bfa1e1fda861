#include "tools/demo_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"

enum {
    LABEL_WIDTH = 30,
    COLUMN_WIDTH_LEAST = 14,
    LARGE_PARTITION_ROWS = 100000, /* from there on ScyllaDB reports a partition in system.large_partitions */
};

static const double MIB = 1 << 20;

/* 1234567.8 as "1,234,567.8". */
static void format_number(double value, int decimals, char *out, size_t out_bytes)
{
    char plain[48];
    int length = snprintf(plain, sizeof plain, "%.*f", decimals, value);
    int whole = length - (decimals ? decimals + 1 : 0);
    size_t at = 0;
    for (int i = 0; i < length && at + 2 < out_bytes; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0 && plain[i - 1] != '-')
            out[at++] = ',';
        out[at++] = plain[i];
    }
    out[at] = 0;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* ---- one value of one strategy ---- */

static double write_rate(struct demo_result *r)
{
    return ratio((double)r->events, r->load_s);
}

static double settled_rate(struct demo_result *r)
{
    return ratio((double)r->events, r->load_s + r->settle_s);
}

static double verify_rate(struct demo_result *r)
{
    return ratio((double)r->rows, r->verify_s);
}

#define PERCENTILE(name, phase, percent)                    \
    static double name(struct demo_result *r)               \
    {                                                       \
        return latency_percentile_us(&r->phase, (percent)); \
    }
PERCENTILE(insert_50, insert, 50)
PERCENTILE(insert_99, insert, 99)
PERCENTILE(insert_999, insert, 99.9)
PERCENTILE(newest_50, newest, 50)
PERCENTILE(newest_99, newest, 99)
PERCENTILE(newest_999, newest, 99.9)
PERCENTILE(back_50, back, 50)
PERCENTILE(back_99, back, 99)
PERCENTILE(back_999, back, 99.9)
#undef PERCENTILE

static double newest_queries(struct demo_result *r)
{
    return ratio((double)r->newest_queries, (double)r->newest_reads);
}

static double back_queries(struct demo_result *r)
{
    return ratio((double)r->back_queries, (double)r->back_pages);
}

static double partitions(struct demo_result *r)
{
    return (double)r->partitions;
}

static double rows_50(struct demo_result *r)
{
    return (double)r->partition_rows.p50;
}

static double rows_99(struct demo_result *r)
{
    return (double)r->partition_rows.p99;
}

static double rows_max(struct demo_result *r)
{
    return (double)r->partition_rows.max;
}

static double largest_mib(struct demo_result *r)
{
    return (double)r->partition_bytes.max / MIB;
}

static double largest_share(struct demo_result *r)
{
    return ratio((double)r->partition_rows.max, (double)r->rows);
}

static double largest_percent(struct demo_result *r)
{
    return 100 * largest_share(r);
}

/* Rows of the fullest part of the ring, in fair shares. */
static double ring_load(struct demo_result *r)
{
    uint64_t most = 0;
    for (unsigned i = 0; i < DEMO_RING_PARTS; i++)
        if (r->ring_rows[i] > most)
            most = r->ring_rows[i];
    return ratio((double)most * DEMO_RING_PARTS, (double)r->rows);
}

static double sstables(struct demo_result *r)
{
    return (double)r->sstables;
}

static double disk_mib(struct demo_result *r)
{
    return (double)r->sstable_bytes / MIB;
}

static double row_bytes(struct demo_result *r)
{
    return ratio((double)r->sstable_bytes, (double)r->rows);
}

static double compression(struct demo_result *r)
{
    return ratio((double)r->raw_bytes, (double)r->sstable_bytes);
}

static double space_amplification(struct demo_result *r)
{
    return ratio((double)r->sstable_bytes, (double)r->logical_bytes);
}

static double log_amplification(struct demo_result *r)
{
    return ratio((double)r->log_bytes, (double)r->batch_bytes);
}

static double flush_amplification(struct demo_result *r)
{
    return ratio((double)r->flushed_bytes, (double)r->batch_bytes);
}

static double compaction_amplification(struct demo_result *r)
{
    return ratio((double)r->compacted_bytes, (double)r->batch_bytes);
}

static double write_amplification(struct demo_result *r)
{
    return log_amplification(r) + flush_amplification(r) + compaction_amplification(r);
}

static double read_amplification(struct demo_result *r)
{
    return ratio((double)r->sources_read, (double)r->table_reads);
}

static double reopen_ms(struct demo_result *r)
{
    return r->reopen_ms;
}

static double resident_mib(struct demo_result *r)
{
    return (double)r->resident_bytes / MIB;
}

/* ---- the table ---- */

typedef double measure(struct demo_result *result);

static const struct line {
    const char *label;
    measure *value; /* NULL: a heading */
    int decimals;
} lines[] = {
    {"Partitions", NULL, 0},
    {"partitions", partitions, 0},
    {"rows in one, median", rows_50, 0},
    {"  99 %", rows_99, 0},
    {"  largest", rows_max, 0},
    {"largest, MiB uncompressed", largest_mib, 1},
    {"largest, % of all rows", largest_percent, 1},
    {"fullest token range, x fair", ring_load, 2},
    {"Reads", NULL, 0},
    {"queries for the newest 50", newest_queries, 2},
    {"queries for the next 50", back_queries, 2},
    {"newest 50, us, median", newest_50, 1},
    {"  99 %", newest_99, 1},
    {"  99.9 %", newest_999, 1},
    {"next 50, us, median", back_50, 1},
    {"  99 %", back_99, 1},
    {"  99.9 %", back_999, 1},
    {"read amplification", read_amplification, 2},
    {"Writes", NULL, 0},
    {"writes a second", write_rate, 0},
    {"  with compaction", settled_rate, 0},
    {"insert, us, median", insert_50, 1},
    {"  99 %", insert_99, 1},
    {"  99.9 %", insert_999, 1},
    {"write amplification", write_amplification, 2},
    {"  commit log", log_amplification, 2},
    {"  flush", flush_amplification, 2},
    {"  compaction", compaction_amplification, 2},
    {"Storage", NULL, 0},
    {"SSTables", sstables, 0},
    {"MiB on disk", disk_mib, 1},
    {"bytes on disk a row", row_bytes, 1},
    {"compression", compression, 2},
    {"space amplification", space_amplification, 2},
    {"memory after the load, MiB", resident_mib, 1},
    {"reopening, ms", reopen_ms, 1},
    {"rows verified a second", verify_rate, 0},
};

static const char notes[] = "fullest token range: of 16 equal ones; 1.00 would be even\n"
                            "read amplification:  SSTables and memtables that held a partition asked for\n"
                            "write amplification: bytes written to disk for a byte given, indexes included\n"
                            "space amplification: bytes on disk for a byte of values\n"
                            "compression:         bytes before it for a byte on disk\n";

/* As wide as its heading needs: three strategies fit on 80 columns. */
static int column_width(const struct demo_result *result)
{
    int width = (int)strlen(result->strategy->name) + 2;
    return width < COLUMN_WIDTH_LEAST ? COLUMN_WIDTH_LEAST : width;
}

static void print_table(struct demo_result *results, unsigned count)
{
    int whole = LABEL_WIDTH;
    printf("%-*s", LABEL_WIDTH, "partition key");
    for (unsigned i = 0; i < count; i++) {
        printf("%*s", column_width(&results[i]), results[i].strategy->name);
        whole += column_width(&results[i]);
    }
    putchar('\n');
    for (int i = 0; i < whole; i++)
        putchar('-');
    putchar('\n');
    for (unsigned i = 0; i < ARRAY_LEN(lines); i++) {
        const struct line *line = &lines[i];
        if (!line->value) {
            printf("%s%s\n", i ? "\n" : "", line->label);
            continue;
        }
        printf("  %-*s", LABEL_WIDTH - 2, line->label);
        for (unsigned c = 0; c < count; c++) {
            char cell[64];
            format_number(line->value(&results[c]), line->decimals, cell, sizeof cell);
            printf("%*s", column_width(&results[c]), cell);
        }
        putchar('\n');
    }
}

/* ---- what is worth noticing ---- */

/* The strategies with the least and the greatest value. */
static void extremes(struct demo_result *results, unsigned count, measure *value,
                     struct demo_result **out_least, struct demo_result **out_most)
{
    *out_least = *out_most = &results[0];
    for (unsigned i = 1; i < count; i++) {
        if (value(&results[i]) < value(*out_least))
            *out_least = &results[i];
        if (value(&results[i]) > value(*out_most))
            *out_most = &results[i];
    }
}

static void notice_largest(struct demo_result *r)
{
    char rows[48];
    double share = largest_share(r);
    format_number((double)r->partition_rows.max, 0, rows, sizeof rows);
    printf("- %s: the largest partition holds %s rows, %.1f %% of all.\n", r->strategy->name, rows,
           100 * share);
    if (share > 0)
        printf("  From %.0f shards on it alone is more than a shard's fair share.\n", floor(1 / share) + 1);
    if (r->partition_rows.max > LARGE_PARTITION_ROWS)
        printf("  Over 100,000 rows: ScyllaDB would list it in system.large_partitions.\n");
}

static void notice_balance(struct demo_result *results, unsigned count)
{
    struct demo_result *least, *most;
    extremes(results, count, ring_load, &least, &most);
    if (least != most)
        printf("- Rows lie most evenly under %s (the fullest of 16 token\n"
               "  ranges has %.2f fair shares), least evenly under %s (%.2f).\n",
               least->strategy->name, ring_load(least), most->strategy->name, ring_load(most));
}

static void notice_queries(struct demo_result *results, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (newest_queries(&results[i]) > 1.005 || back_queries(&results[i]) > 1.005)
            printf("- %s: a page took %.2f queries when it was the newest and\n"
                   "  %.2f further back: it may begin in one partition and end in another.\n",
                   results[i].strategy->name, newest_queries(&results[i]), back_queries(&results[i]));
}

static void notice_amplification(struct demo_result *results, unsigned count)
{
    struct demo_result *least, *most;
    extremes(results, count, write_amplification, &least, &most);
    if (least != most)
        printf("- For a byte given, %.2f were written to disk under %s\n"
               "  and %.2f under %s.\n",
               write_amplification(least), least->strategy->name, write_amplification(most),
               most->strategy->name);
    extremes(results, count, read_amplification, &least, &most);
    if (least != most)
        printf("- A partition asked for lay in %.2f SSTables and memtables\n"
               "  under %s and in %.2f under %s.\n",
               read_amplification(least), least->strategy->name, read_amplification(most),
               most->strategy->name);
}

void demo_report(struct demo_result *results, unsigned count, const struct demo_options *options)
{
    static const char *const durabilities[] = {"", "durable", "periodic", "none"};
    char messages[48];
    format_number((double)options->messages, 0, messages, sizeof messages);
    printf("\n%s messages, io %s, durability of the load: %s, cache %d MiB\n\n", messages, results[0].io,
           durabilities[options->durability], DEMO_CACHE_BYTES >> 20);
    print_table(results, count);
    printf("\n%s\nWhat to notice\n", notes);
    for (unsigned i = 0; i < count; i++)
        notice_largest(&results[i]);
    notice_balance(results, count);
    notice_queries(results, count);
    notice_amplification(results, count);
}
