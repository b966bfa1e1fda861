/*
 * statistics.c: every statistic by name. To add one, count it in store_table_stats or store_stats and add a row here:
 * every place that prints statistics has it then.
 */
#include <stddef.h>
#include <stdio.h>

#include "engine/store.h"

struct row {
    const char *name, *unit, *meaning;
    size_t field, below; /* offsets; `below` of a ratio: what `field` is divided by */
    bool is_ratio;
};

#define ROW(kind, n, u, m, f, b, r)                                                  \
    {                                                                                \
        .name = (n), .unit = (u), .meaning = (m), .field = offsetof(struct kind, f), \
        .below = offsetof(struct kind, b), .is_ratio = (r)                           \
    }
#define TABLE(field, unit, meaning) ROW(store_table_stats, #field, unit, meaning, field, field, false)
#define TABLE_RATIO(name, above, below, meaning) \
    ROW(store_table_stats, name, "ratio", meaning, above, below, true)
#define STORE(field, unit, meaning)              ROW(store_stats, #field, unit, meaning, field, field, false)
#define STORE_RATIO(name, above, below, meaning) ROW(store_stats, name, "ratio", meaning, above, below, true)

static const struct row table_rows[] = {
    TABLE(memtable_bytes, "bytes", "memory of its memtables"),
    TABLE(memtable_rows, "rows", "in memtables; a row in two counts twice"),
    TABLE(memtable_partitions, "partitions", "in memtables; a partition in two counts twice"),
    TABLE(pending_flushes, "memtables", "frozen, waiting to be written to SSTables"),
    TABLE(sstables, "files", "SSTables"),
    TABLE(sstable_bytes, "bytes", "of SSTables on disk; snapshots and clones may share them"),
    TABLE(sstable_raw_bytes, "bytes", "of their rows before compression"),
    TABLE(sstable_rows, "rows", "in SSTables; a row in two counts twice"),
    TABLE(sstable_partitions, "partitions", "in SSTables; a partition in two counts twice"),
    TABLE(sstable_tombstones, "tombstones", "of cells, rows, ranges and partitions in SSTables"),
    TABLE(largest_partition_bytes, "bytes", "the largest partition of any SSTable"),
    TABLE(partition_bytes_p50, "bytes",
          "half of the partitions of SSTables have at most so many, before compression"),
    TABLE(partition_bytes_p99, "bytes", "99 of 100 of these"),
    TABLE(partition_rows_p50, "rows", "half of the partitions of SSTables have at most so many"),
    TABLE(partition_rows_p99, "rows", "99 of 100 of these"),
    TABLE(row_bytes_p50, "bytes", "half of the rows of SSTables have at most so many, before compression"),
    TABLE(row_bytes_p99, "bytes", "99 of 100 of these"),
    TABLE(largest_sstable_bytes, "bytes", "the largest SSTable of each shard, added up"),
    TABLE(writes, "mutations", "applied since the store was opened"),
    TABLE(stalls, "waits", "of writers to it that were held back for want of memory"),
    TABLE(stall_us, "us", "that writers to it were held back"),
    TABLE(reads, "reads", "of partitions and scans since the store was opened"),
    TABLE(sources_read, "sources", "memtables and SSTables that held a partition asked for"),
    TABLE(blocks_asked, "blocks", "of its SSTables that reads of its partitions asked for"),
    TABLE(blocks_cached, "blocks", "of these, ready in memory"),
    TABLE(blocks_decoded, "blocks", "of these, kept compressed in memory"),
    TABLE(blocks_read, "blocks", "of these, read from disk"),
    TABLE(blocks_beside, "blocks",
          "that came with these while the cache had room: nobody has asked for them yet"),
    TABLE_RATIO("cache_hit_ratio", blocks_cached, blocks_asked, "blocks ready in memory, of those asked for"),
    TABLE(rows_made, "rows", "decoded in blocks that are decoded as far as a read gets"),
    TABLE(rows_spared, "rows", "of these blocks that no read got to"),
    TABLE(pages_restored, "pages", "of damaged directories, made anew from their parity: scrub the table"),
    TABLE(flushes, "flushes", "done since the store was opened"),
    TABLE(compactions, "compactions", "done since the store was opened"),
    TABLE(flushed_bytes, "bytes", "written by flushes"),
    TABLE(written_bytes, "bytes", "written by flushes and compactions"),
    TABLE(sstable_runs, "runs", "sets of SSTables that were made together"),
    TABLE(blocks_copied, "blocks", "passed from file to file by compaction without being decoded"),
    TABLE(rows_copied, "rows", "in those blocks"),
    TABLE(rows_rewritten, "rows", "decoded and encoded by compaction"),
    TABLE(rows_coded, "rows", "of these, whose values stayed compressed as they were"),
    TABLE(rows_reconciled, "rows", "made of several by compaction"),
    TABLE(backlog_bytes, "bytes", "still to be compacted before the strategy is at rest"),
    TABLE_RATIO("read_amplification", sources_read, reads, "sources touched by a read, on average"),
    TABLE_RATIO("write_amplification", written_bytes, flushed_bytes, "bytes written for a byte flushed"),
    TABLE_RATIO("space_amplification", sstable_bytes, largest_sstable_bytes,
                "bytes on disk for a byte of each shard's largest SSTable"),
    TABLE_RATIO("compression_ratio", sstable_bytes, sstable_raw_bytes, "bytes on disk for a byte of rows"),
};

static const struct row store_rows[] = {
    STORE(batch_bytes, "bytes", "of batches given to the store"),
    STORE(log_bytes, "bytes", "written to the commit log"),
    STORE(log_syncs, "syncs", "of the commit log"),
    STORE(manifest_bytes, "bytes", "written to the manifest"),
    STORE(memtable_bytes, "bytes", "memory of all memtables"),
    STORE(memtable_budget_bytes, "bytes", "what memtables may take before writers are braked"),
    STORE(cache_bytes, "bytes", "in the cache"),
    STORE(cache_budget_bytes, "bytes", "what the cache may take"),
    STORE(cache_hits, "blocks", "found in the cache"),
    STORE(cache_misses, "blocks", "read from disk"),
    STORE(cache_warmed, "blocks", "of new files, cached before anybody asked for them"),
    STORE(retained_bytes, "bytes", "of the cache's budget, in memtables that stand in for their SSTables"),
    STORE(stalls, "waits", "of writers held back for want of memory"),
    STORE(stall_us, "us", "that writers were held back"),
    STORE(recovered_batches, "batches", "replayed from the log when the store was opened"),
    STORE(recovered_bytes, "bytes", "replayed from the log when the store was opened"),
    STORE(tables_set_aside, "files", "that were damaged and that the store was opened without"),
    STORE(logs_damaged, "streams", "of the log that were damaged when the store was opened"),
    STORE(backlog_bytes, "bytes", "that compaction is behind, of all tables"),
    STORE(compaction_yields, "times", "that compaction left the cores to flushes that writers waited for"),
    STORE_RATIO("log_amplification", log_bytes, batch_bytes, "bytes of log for a byte of batches"),
};

enum { REASON_STATISTICS = 3 };

_Static_assert(ARRAY_LEN(table_rows) + REASON_STATISTICS * STORE_COMPACTION_REASONS <= STORE_STATISTICS_MAX &&
                   ARRAY_LEN(store_rows) <= STORE_STATISTICS_MAX,
               "room for every statistic");

static uint64_t field_of(const void *stats, size_t offset)
{
    uint64_t value;
    memcpy(&value, (const uint8_t *)stats + offset, sizeof value);
    return value;
}

static uint32_t fill(const struct row *rows, size_t count, const void *stats, struct store_statistic *out)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = field_of(stats, rows[i].field);
        uint64_t below = rows[i].is_ratio ? field_of(stats, rows[i].below) : 0;
        out[i] = (struct store_statistic){.unit = rows[i].unit,
                                          .meaning = rows[i].meaning,
                                          .is_ratio = rows[i].is_ratio,
                                          .value = rows[i].is_ratio ? 0 : value,
                                          .ratio = below ? (double)value / (double)below : 0};
        snprintf(out[i].name, sizeof out[i].name, "%s", rows[i].name);
    }
    return (uint32_t)count;
}

/* What compactions of each reason did, of those that happened. */
static uint32_t fill_reasons(const struct store_table_stats *stats, struct store_statistic *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < STORE_COMPACTION_REASONS; i++) {
        const struct store_compaction_stats *reason = &stats->compacted[i];
        const struct store_statistic statistics[REASON_STATISTICS] = {
            {.unit = "compactions", .meaning = "of this reason", .value = reason->jobs},
            {.unit = "bytes", .meaning = "read by them", .value = reason->in_bytes},
            {.unit = "bytes", .meaning = "written by them", .value = reason->out_bytes},
        };
        static const char *const kinds[REASON_STATISTICS] = {"compactions", "in_bytes", "out_bytes"};
        for (uint32_t j = 0; reason->jobs && j < REASON_STATISTICS; j++) {
            out[count] = statistics[j];
            snprintf(out[count].name, sizeof out[count].name, "%s_%s", store_compaction_reason(i), kinds[j]);
            count++;
        }
    }
    return count;
}

status store_table_statistics(struct store *store, uint64_t table_id,
                              struct store_statistic out_statistics[STORE_STATISTICS_MAX],
                              uint32_t *out_count)
{
    struct store_table_stats stats;
    TRY(store_table_stats(store, table_id, &stats));
    uint32_t count = fill(table_rows, ARRAY_LEN(table_rows), &stats, out_statistics);
    *out_count = count + fill_reasons(&stats, out_statistics + count);
    return STATUS_DONE;
}

uint32_t store_statistics(struct store *store, struct store_statistic out_statistics[STORE_STATISTICS_MAX])
{
    struct store_stats stats;
    store_stats(store, &stats);
    return fill(store_rows, ARRAY_LEN(store_rows), &stats, out_statistics);
}
