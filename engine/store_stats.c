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

static void add_reads(const struct sstable_reads *reads, struct store_table_stats *stats)
{
    stats->blocks_asked += reads->blocks_cached + reads->blocks_decoded + reads->blocks_read;
    stats->blocks_cached += reads->blocks_cached;
    stats->blocks_decoded += reads->blocks_decoded;
    stats->blocks_read += reads->blocks_read;
    stats->blocks_beside += reads->blocks_beside;
    stats->rows_made += reads->rows_made;
    stats->rows_spared += reads->rows_spared;
    stats->pages_restored += reads->pages_restored;
}

static_assert((int)STORE_SIZE_BUCKETS == (int)SSTABLE_SIZE_BUCKETS, "the same buckets");

static void add_sizes(const struct sstable *table, struct store_sizes *sizes)
{
    struct sstable_sizes more;
    sstable_sizes(table, &more);
    for (uint32_t i = 0; i < STORE_SIZE_BUCKETS; i++) {
        sizes->partition_bytes[i] += more.partition_bytes[i];
        sizes->partition_rows[i] += more.partition_rows[i];
        sizes->row_bytes[i] += more.row_bytes[i];
    }
}

/* The greatest size of the bucket in which that part of all lies. */
static uint64_t percentile(const uint64_t *buckets, uint32_t percent)
{
    uint64_t all = 0, below = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < STORE_SIZE_BUCKETS; i++)
        all += buckets[i];
    while (at < STORE_SIZE_BUCKETS - 1 && (below += buckets[at]) * 100 < all * percent)
        at++;
    return (UINT64_C(1) << at) - 1;
}

static void percentiles_fill(struct store_table_stats *stats)
{
    const struct store_sizes *sizes = &stats->sizes;
    stats->partition_bytes_p50 = percentile(sizes->partition_bytes, 50);
    stats->partition_bytes_p99 = percentile(sizes->partition_bytes, 99);
    stats->partition_rows_p50 = percentile(sizes->partition_rows, 50);
    stats->partition_rows_p99 = percentile(sizes->partition_rows, 99);
    stats->row_bytes_p50 = percentile(sizes->row_bytes, 50);
    stats->row_bytes_p99 = percentile(sizes->row_bytes, 99);
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
        struct sstable_reads reads;
        sstable_reads(version->sstables[i], &reads);
        add_reads(&reads, stats);
        add_sizes(version->sstables[i], &stats->sizes);
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
    stats->rows_coded += atomic_load_explicit(&tablet->rows_coded, memory_order_relaxed);
    stats->rows_reconciled += atomic_load_explicit(&tablet->rows_reconciled, memory_order_relaxed);
    stats->backlog_bytes += atomic_load_explicit(&tablet->backlog_bytes, memory_order_relaxed);
}

static void add_pending(struct tablet *tablet, const struct version *version, struct store_table_stats *stats)
{
    uint64_t largest = 0;
    for (uint32_t i = 0; version && i < version->sstable_count; i++)
        if (sstable_info(version->sstables[i])->file_bytes > largest)
            largest = sstable_info(version->sstables[i])->file_bytes;
    stats->largest_sstable_bytes += largest;
    lock_acquire(&tablet->shard->versions);
    stats->pending_flushes += tablet->frozen_count;
    add_reads(&tablet->gone, stats);
    lock_release(&tablet->shard->versions);
}

static void add_tablet(struct tablet *tablet, struct store_table_stats *stats)
{
    struct version *version = tablet_version(tablet);
    if (version) {
        add_memtables(version, stats);
        add_sstables(version, stats);
    }
    add_pending(tablet, version, stats);
    version_unref(version);
    uint64_t reads, sources;
    tablet_reads(tablet, &reads, &sources);
    add_compactions(tablet, stats);
    stats->writes += atomic_load_explicit(&tablet->writes, memory_order_relaxed);
    stats->stalls += atomic_load_explicit(&tablet->stalls, memory_order_relaxed);
    stats->stall_us += atomic_load_explicit(&tablet->stall_us, memory_order_relaxed);
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
    percentiles_fill(&stats);
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
        .logs_damaged = store->logs_damaged,
        .tables_set_aside = store->set_aside_count,
        .backlog_bytes = atomic_load_explicit(&store->backlog_bytes, memory_order_relaxed),
        .compaction_yields = atomic_load_explicit(&store->compaction_yields, memory_order_relaxed),
        .failed = atomic_load(&store->refusing),
    };
    struct block_cache_stats cache;
    lock_acquire(
        &store->edit); /* blocks and retained memtables of one moment: together they keep to the budget */
    block_cache_stats(store->cache, &cache);
    stats.retained_bytes = atomic_load_explicit(&store->retained_bytes, memory_order_relaxed);
    if (store->manifest)
        stats.manifest_bytes = manifest_written_bytes(store->manifest);
    lock_release(&store->edit);
    stats.cache_bytes = cache.bytes;
    stats.cache_budget_bytes = cache.budget_bytes;
    stats.cache_hits = cache.hits;
    stats.cache_misses = cache.misses;
    stats.cache_warmed = cache.warmed;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct commitlog_stats log = {0};
        stats.batch_bytes += atomic_load_explicit(&store->shards[i].batch_bytes, memory_order_relaxed);
        if (!store->shards[i].log)
            continue;
        commitlog_stats(store->shards[i].log, &log);
        stats.log_bytes += log.written_bytes;
        stats.log_syncs += log.syncs;
    }
    *out_stats = stats;
}
