/*
 * system_strait.c: keyspace `strait`: what the store holds and what it cost, so that a demonstration needs nothing
 * but CQL. Sizes are of the moment; counters are since the store was opened.
 */
#include <strait.h>
#include <string.h>

#include "cql/system_tables.h"
#include "cql/table_options.h"

static const struct system_column tables_columns[] = {
    KEY("keyspace_name", "text"),
    CLUSTERING("table_name", "text"),
    CLUSTERING("index_name", "text"), /* empty for the table itself */
    REGULAR("compaction", "text"),
    REGULAR("memtable_bytes", "bigint"),
    REGULAR("memtable_rows", "bigint"),
    REGULAR("memtable_partitions", "bigint"),
    REGULAR("sstables", "bigint"),
    REGULAR("sstable_bytes", "bigint"),
    REGULAR("sstable_raw_bytes", "bigint"),
    REGULAR("sstable_rows", "bigint"),
    REGULAR("sstable_partitions", "bigint"),
    REGULAR("sstable_tombstones", "bigint"),
    REGULAR("largest_partition_bytes", "bigint"),
    REGULAR("writes", "bigint"),
    REGULAR("reads", "bigint"),
    REGULAR("sources_read", "bigint"),
    REGULAR("flushes", "bigint"),
    REGULAR("compactions", "bigint"),
    REGULAR("flushed_bytes", "bigint"),
    REGULAR("written_bytes", "bigint"),
    REGULAR("sources_per_read", "double"),
    REGULAR("compression_ratio", "double"),
    REGULAR("compaction_write_amplification", "double"),
};

static const struct system_column store_columns[] = {
    KEY("key", "text"),
    REGULAR("version", "text"),
    REGULAR("profile", "text"),
    REGULAR("io", "text"),
    REGULAR("io_note", "text"),
    REGULAR("shards", "int"),
    REGULAR("store_id", "uuid"),
    REGULAR("batch_bytes", "bigint"),
    REGULAR("log_bytes", "bigint"),
    REGULAR("log_syncs", "bigint"),
    REGULAR("manifest_bytes", "bigint"),
    REGULAR("memtable_bytes", "bigint"),
    REGULAR("memtable_budget_bytes", "bigint"),
    REGULAR("cache_bytes", "bigint"),
    REGULAR("cache_budget_bytes", "bigint"),
    REGULAR("cache_hits", "bigint"),
    REGULAR("cache_misses", "bigint"),
    REGULAR("stalls", "bigint"),
    REGULAR("stall_us", "bigint"),
    REGULAR("recovered_batches", "bigint"),
    REGULAR("recovered_bytes", "bigint"),
    REGULAR("log_tail_torn", "boolean"),
    REGULAR("failed", "boolean"),
};

static const struct system_column table_stats_columns[] = {
    KEY("keyspace_name", "text"), CLUSTERING("table_name", "text"), CLUSTERING("index_name", "text"),
    CLUSTERING("name", "text"),   REGULAR("value", "bigint"),       REGULAR("ratio", "double"),
    REGULAR("unit", "text"),      REGULAR("meaning", "text"),
};

static const struct system_column store_stats_columns[] = {
    KEY("key", "text"),         CLUSTERING("name", "text"), REGULAR("value", "bigint"),
    REGULAR("ratio", "double"), REGULAR("unit", "text"),    REGULAR("meaning", "text"),
};

static const struct system_column partition_sizes_columns[] = {
    KEY("keyspace_name", "text"), CLUSTERING("table_name", "text"), CLUSTERING("percentile", "double"),
    REGULAR("rows", "bigint"),    REGULAR("bytes", "bigint"),       REGULAR("partitions", "bigint"),
};

static void set_count(struct virtual_rows *rows, const char *column, uint64_t value)
{
    virtual_row_bigint(rows, column, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void set_ratio(struct virtual_rows *rows, const char *column, uint64_t above, uint64_t below)
{
    if (below)
        virtual_row_double(rows, column, (double)above / (double)below);
}

static bool table_stats_row(const struct virtual_context *context, struct virtual_rows *rows,
                            const struct cql_table *table, const char *index_name, uint64_t store_id,
                            struct cql_error *error)
{
    struct store_table_stats stats = {0};
    status st = store_table_stats(context->store, store_id, &stats);
    if (st.code == STATUS_NOT_FOUND) /* dropped since the statement was planned */
        return true;
    if (failed(st))
        return cql_refuse_status(error, st);
    virtual_row_begin(rows);
    virtual_row_text(rows, "keyspace_name", table->keyspace);
    virtual_row_text(rows, "table_name", table->name);
    virtual_row_text(rows, "index_name", index_name);
    virtual_row_text(rows, "compaction",
                     *index_name ? "SizeTieredCompactionStrategy" : table_options_strategy(table));
    const struct {
        const char *column;
        uint64_t value;
    } counts[] = {
        {"memtable_bytes", stats.memtable_bytes},
        {"memtable_rows", stats.memtable_rows},
        {"memtable_partitions", stats.memtable_partitions},
        {"sstables", stats.sstables},
        {"sstable_bytes", stats.sstable_bytes},
        {"sstable_raw_bytes", stats.sstable_raw_bytes},
        {"sstable_rows", stats.sstable_rows},
        {"sstable_partitions", stats.sstable_partitions},
        {"sstable_tombstones", stats.sstable_tombstones},
        {"largest_partition_bytes", stats.largest_partition_bytes},
        {"writes", stats.writes},
        {"reads", stats.reads},
        {"sources_read", stats.sources_read},
        {"flushes", stats.flushes},
        {"compactions", stats.compactions},
        {"flushed_bytes", stats.flushed_bytes},
        {"written_bytes", stats.written_bytes},
    };
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        set_count(rows, counts[i].column, counts[i].value);
    set_ratio(rows, "sources_per_read", stats.sources_read, stats.reads);
    set_ratio(rows, "compression_ratio", stats.sstable_bytes, stats.sstable_raw_bytes);
    set_ratio(rows, "compaction_write_amplification", stats.written_bytes, stats.flushed_bytes);
    return true;
}

static bool generate_tables(const struct virtual_context *context, struct virtual_rows *rows,
                            struct cql_error *error)
{
    for (uint32_t i = 0; i < context->catalog->keyspace_count; i++) {
        const struct cql_keyspace *keyspace = context->catalog->keyspaces[i];
        for (uint32_t j = 0; !keyspace->virtual_ && j < keyspace->table_count; j++) {
            const struct cql_table *table = keyspace->tables[j];
            if (!table_stats_row(context, rows, table, "", table->store_id, error))
                return false;
            for (uint32_t k = 0; k < table->index_count; k++)
                if (!table_stats_row(context, rows, table, table->indexes[k]->name,
                                     table->indexes[k]->store_id, error))
                    return false;
        }
    }
    return true;
}

static void statistic_columns(struct virtual_rows *rows, const struct store_statistic *statistic)
{
    virtual_row_text(rows, "name", statistic->name);
    virtual_row_text(rows, "unit", statistic->unit);
    virtual_row_text(rows, "meaning", statistic->meaning);
    if (statistic->is_ratio)
        virtual_row_double(rows, "ratio", statistic->ratio);
    else
        set_count(rows, "value", statistic->value);
}

static bool statistic_rows(const struct virtual_context *context, struct virtual_rows *rows,
                           const struct cql_table *table, const char *index_name, uint64_t store_id,
                           struct cql_error *error)
{
    struct store_statistic statistics[STORE_STATISTICS_MAX];
    uint32_t count;
    status st = store_table_statistics(context->store, store_id, statistics, &count);
    if (st.code == STATUS_NOT_FOUND) /* dropped since the statement was planned */
        return true;
    if (failed(st))
        return cql_refuse_status(error, st);
    for (uint32_t i = 0; i < count; i++) {
        virtual_row_begin(rows);
        virtual_row_text(rows, "keyspace_name", table->keyspace);
        virtual_row_text(rows, "table_name", table->name);
        virtual_row_text(rows, "index_name", index_name);
        statistic_columns(rows, &statistics[i]);
    }
    return true;
}

static bool generate_table_stats(const struct virtual_context *context, struct virtual_rows *rows,
                                 struct cql_error *error)
{
    for (uint32_t i = 0; i < context->catalog->keyspace_count; i++) {
        const struct cql_keyspace *keyspace = context->catalog->keyspaces[i];
        for (uint32_t j = 0; !keyspace->virtual_ && j < keyspace->table_count; j++) {
            const struct cql_table *table = keyspace->tables[j];
            if (!statistic_rows(context, rows, table, "", table->store_id, error))
                return false;
            for (uint32_t k = 0; k < table->index_count; k++)
                if (!statistic_rows(context, rows, table, table->indexes[k]->name,
                                    table->indexes[k]->store_id, error))
                    return false;
        }
    }
    return true;
}

static bool generate_store_stats(const struct virtual_context *context, struct virtual_rows *rows,
                                 struct cql_error *error)
{
    (void)error;
    struct store_statistic statistics[STORE_STATISTICS_MAX];
    uint32_t count = store_statistics(context->store, statistics);
    for (uint32_t i = 0; i < count; i++) {
        virtual_row_begin(rows);
        virtual_row_text(rows, "key", "store");
        statistic_columns(rows, &statistics[i]);
    }
    return true;
}

static bool generate_store(const struct virtual_context *context, struct virtual_rows *rows,
                           struct cql_error *error)
{
    (void)error;
    struct store_stats stats = {0};
    uint8_t uuid[16];
    store_stats(context->store, &stats);
    store_uuid(context->store, uuid);
    virtual_row_begin(rows);
    virtual_row_text(rows, "key", "store");
    virtual_row_text(rows, "version", STRAIT_VERSION);
    virtual_row_text(rows, "profile", context->target->name);
    virtual_row_text(rows, "io", store_io_name(context->store));
    virtual_row_text(rows, "io_note", store_io_note(context->store));
    virtual_row_int(rows, "shards", (int32_t)store_shard_count(context->store));
    virtual_row_uuid(rows, "store_id", uuid);
    const struct {
        const char *column;
        uint64_t value;
    } counts[] = {
        {"batch_bytes", stats.batch_bytes},
        {"log_bytes", stats.log_bytes},
        {"log_syncs", stats.log_syncs},
        {"manifest_bytes", stats.manifest_bytes},
        {"memtable_bytes", stats.memtable_bytes},
        {"memtable_budget_bytes", stats.memtable_budget_bytes},
        {"cache_bytes", stats.cache_bytes},
        {"cache_budget_bytes", stats.cache_budget_bytes},
        {"cache_hits", stats.cache_hits},
        {"cache_misses", stats.cache_misses},
        {"stalls", stats.stalls},
        {"stall_us", stats.stall_us},
        {"recovered_batches", stats.recovered_batches},
        {"recovered_bytes", stats.recovered_bytes},
    };
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        set_count(rows, counts[i].column, counts[i].value);
    virtual_row_boolean(rows, "log_tail_torn", stats.log_tail_torn);
    virtual_row_boolean(rows, "failed", stats.failed);
    return true;
}

static bool partition_size_rows(const struct virtual_context *context, struct virtual_rows *rows,
                                const struct cql_table *table, struct cql_error *error)
{
    static const double percentiles[] = {0, 25, 50, 75, 90, 95, 99, 99.9, 100};
    struct histogram *histograms = arena_calloc(rows->arena, 2, sizeof *histograms);
    if (!histograms)
        return cql_refuse(error, context->profile, MSG_NOMEM);
    status st = store_partition_sizes(context->store, table->store_id, &histograms[0], &histograms[1]);
    if (st.code == STATUS_NOT_FOUND)
        return true;
    if (failed(st))
        return cql_refuse_status(error, st);
    for (size_t i = 0; histograms[0].count && i < ARRAY_LEN(percentiles); i++) {
        virtual_row_begin(rows);
        virtual_row_text(rows, "keyspace_name", table->keyspace);
        virtual_row_text(rows, "table_name", table->name);
        virtual_row_double(rows, "percentile", percentiles[i]);
        set_count(rows, "rows", histogram_percentile(&histograms[0], percentiles[i]));
        set_count(rows, "bytes", histogram_percentile(&histograms[1], percentiles[i]));
        set_count(rows, "partitions", histograms[0].count);
    }
    return true;
}

static bool generate_partition_sizes(const struct virtual_context *context, struct virtual_rows *rows,
                                     struct cql_error *error)
{
    for (uint32_t i = 0; i < context->catalog->keyspace_count; i++) {
        const struct cql_keyspace *keyspace = context->catalog->keyspaces[i];
        for (uint32_t j = 0; !keyspace->virtual_ && j < keyspace->table_count; j++)
            if (!partition_size_rows(context, rows, keyspace->tables[j], error))
                return false;
    }
    return true;
}

static const struct system_table tables[] = {
    TABLE("strait", "tables", "what each table and index holds and what it cost", tables_columns,
          generate_tables),
    TABLE("strait", "store", "the store as a whole", store_columns, generate_store),
    TABLE("strait", "table_stats", "every statistic of each table and index, by name", table_stats_columns,
          generate_table_stats),
    TABLE("strait", "store_stats", "every statistic of the store, by name", store_stats_columns,
          generate_store_stats),
    TABLE("strait", "partition_sizes", "sizes of partitions by percentile; reads every directory",
          partition_sizes_columns, generate_partition_sizes),
};

const struct system_table_list system_strait_tables = {.tables = tables, .count = ARRAY_LEN(tables)};
