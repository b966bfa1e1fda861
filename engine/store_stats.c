#include <assert.h>

#include "compaction/compaction.h"
#include "engine/store_internal.h"

static void add_memtables(const struct version *version, struct store_table_stats *stats)
{
    for (uint32_t i = 0; i < version->memtable_count; i++) {
        struct memtable_stats memtable;
        memtable_stats(version->memtables[i], &memtable);
        stats->memtable_bytes += memtable.bytes;
        stats->memtable_rows += memtable.rows;
        stats->memtable_partitions += memtable.partitions;
    }
}

static void add_sstables(const struct version *version, struct store_table_stats *stats)
{
    for (uint32_t i = 0; i < version->sstable_count; i++) {
        const struct sstable_info *info = sstable_info(version->sstables[i]);
        stats->sstables++;
        stats->sstable_bytes += info->file_bytes;
        stats->sstable_raw_bytes += info->raw_bytes;
        stats->sstable_rows += info->rows;
        stats->sstable_partitions += info->partitions;
        stats->sstable_tombstones += info->tombstones;
        if (info->largest_partition_bytes > stats->largest_partition_bytes)
            stats->largest_partition_bytes = info->largest_partition_bytes;
        bool counted = false;
        for (uint32_t j = 0; info->run && j < i && !counted; j++)
            counted = sstable_info(version->sstables[j])->run == info->run;
        stats->sstable_runs += !counted;
    }
}

static_assert((int)STORE_COMPACTION_REASONS == (int)COMPACTION_REASONS, "one slot a reason");

const char *store_compaction_reason(uint32_t reason)
{
    return compaction_reason_name((enum compaction_reason)reason);
}

static void add_compactions(struct tablet *tablet, struct store_table_stats *stats)
{
    for (uint32_t i = 0; i < STORE_COMPACTION_REASONS; i++) {
        struct compaction_tally *tally = &tablet->compacted[i];
        stats->compacted[i].jobs += atomic_load_explicit(&tally->jobs, memory_order_relaxed);
        stats->compacted[i].in_bytes += atomic_load_explicit(&tally->in_bytes, memory_order_relaxed);
        stats->compacted[i].out_bytes += atomic_load_explicit(&tally->out_bytes, memory_order_relaxed);
    }
    stats->blocks_copied += atomic_load_explicit(&tablet->blocks_copied, memory_order_relaxed);
    stats->rows_copied += atomic_load_explicit(&tablet->rows_copied, memory_order_relaxed);
    stats->rows_rewritten += atomic_load_explicit(&tablet->rows_rewritten, memory_order_relaxed);
    stats->rows_reconciled += atomic_load_explicit(&tablet->rows_reconciled, memory_order_relaxed);
    stats->backlog_bytes += atomic_load_explicit(&tablet->backlog_bytes, memory_order_relaxed);
}

static void add_tablet(struct tablet *tablet, struct store_table_stats *stats)
{
    struct version *version = tablet_version(tablet);
    if (version) {
        add_memtables(version, stats);
        add_sstables(version, stats);
    }
    version_unref(version);
    uint64_t reads, sources;
    tablet_reads(tablet, &reads, &sources);
    add_compactions(tablet, stats);
    stats->writes += atomic_load_explicit(&tablet->writes, memory_order_relaxed);
    stats->reads += reads;
    stats->sources_read += sources;
    stats->flushes += atomic_load_explicit(&tablet->flushes, memory_order_relaxed);
    stats->compactions += atomic_load_explicit(&tablet->compactions, memory_order_relaxed);
    stats->written_bytes += atomic_load_explicit(&tablet->written_bytes, memory_order_relaxed);
    stats->flushed_bytes += atomic_load_explicit(&tablet->flushed_bytes, memory_order_relaxed);
}

status store_table_stats(struct store *store, uint64_t table_id, struct store_table_stats *out_stats)
{
    struct store_table_stats stats = {0};
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct tablet *tablet = shard_find_ref(&store->shards[i], table_id);
        if (!tablet)
            return STATUS_FAIL(STATUS_NOT_FOUND);
        add_tablet(tablet, &stats);
        tablet_unref(tablet);
    }
    *out_stats = stats;
    return STATUS_DONE;
}

void store_stats(struct store *store, struct store_stats *out_stats)
{
    struct store_stats stats = {
        .memtable_bytes = (uint64_t)atomic_load_explicit(&store->memory_bytes, memory_order_relaxed),
        .memtable_budget_bytes = store->memtable_budget_bytes,
        .stalls = atomic_load_explicit(&store->stalls, memory_order_relaxed),
        .stall_us = atomic_load_explicit(&store->stall_us, memory_order_relaxed),
        .recovered_batches = store->recovered_batches,
        .recovered_bytes = store->recovered_bytes,
        .log_tail_torn = store->log_tail_torn,
        .tables_set_aside = store->tables_set_aside,
        .backlog_bytes = atomic_load_explicit(&store->backlog_bytes, memory_order_relaxed),
        .failed = atomic_load(&store->refusing),
    };
    struct block_cache_stats cache;
    block_cache_stats(store->cache, &cache);
    stats.cache_bytes = cache.bytes;
    stats.cache_budget_bytes = cache.budget_bytes;
    stats.cache_hits = cache.hits;
    stats.cache_misses = cache.misses;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct commitlog_stats log = {0};
        stats.batch_bytes += atomic_load_explicit(&store->shards[i].batch_bytes, memory_order_relaxed);
        if (!store->shards[i].log)
            continue;
        commitlog_stats(store->shards[i].log, &log);
        stats.log_bytes += log.written_bytes;
        stats.log_syncs += log.syncs;
    }
    lock_acquire(&store->edit);
    if (store->manifest)
        stats.manifest_bytes = manifest_written_bytes(store->manifest);
    lock_release(&store->edit);
    *out_stats = stats;
}

/* ---- partition sizes ---- */

static status partition_measure(struct cursor *cursor, uint64_t *out_rows, uint64_t *out_bytes)
{
    uint64_t rows = 0, bytes = cursor->partition.key.bytes.bytes + cursor->partition.static_image.bytes;
    TRY(cursor_next(cursor));
    while (cursor->on_row) {
        rows++;
        bytes += cursor->row.clustering.bytes + cursor->row.image.bytes;
        TRY(cursor_next(cursor));
    }
    *out_rows = rows;
    *out_bytes = bytes;
    return STATUS_DONE;
}

status store_partition_sizes(struct store *store, uint64_t table_id, struct histogram *out_rows,
                             struct histogram *out_bytes)
{
    struct store_read read = {.table_id = table_id};
    struct cursor *cursor;
    TRY(store_cursor_open(store, &read, NULL, &cursor));
    status st = cursor_next_partition(cursor);
    while (ok(st) && cursor->on_partition) {
        uint64_t rows, bytes;
        st = partition_measure(cursor, &rows, &bytes);
        if (failed(st))
            break;
        histogram_add(out_rows, rows);
        histogram_add(out_bytes, bytes);
        st = cursor_next_partition(cursor);
    }
    cursor_close(cursor);
    return st;
}
