/*
 * peer_rocksdb.c: RocksDB with zstd and a Bloom filter over channels, leveled and universal; as it comes, and tuned.
 *
 * Tuned follows the tuning guide for this workload: write buffers of a quarter of the budget, lz4 above and zstd with a
 * trained dictionary below, dynamic level sizes, 8 KB blocks, recycled logs, pipelined writes, a Bloom filter over
 * memtables, files that stay open. Both read with an upper bound and within the prefix; pinning
 * the blocks read was tried and is slower.
 */
#include <rocksdb/c.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/peers/peer_kv.h"

enum {
    BLOOM_BITS = 10,
    BUFFERS = 4,
    DICTIONARY_BYTES = 16 << 10,
    TRAIN_BYTES = 1600 << 10,
    TUNED_BLOCK_BYTES = 8 << 10,
    RECYCLED_LOGS = 4,
    POLL_US = 5000,
    QUIET_POLLS = 5,
};

struct rocks {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write;
};

struct session {
    struct rocks *peer;
    rocksdb_readoptions_t *ranged, *full;
    rocksdb_writebatch_t *batch;
    uint8_t upper[KV_CHANNEL_BYTES]; /* bound of `ranged`, read at each seek */
};

static void check(char *error, const char *what)
{
    if (error)
        measure_fail(what, error);
}

static void tune(rocksdb_options_t *options, rocksdb_block_based_table_options_t *table,
                 const struct peer_setup *setup, bool universal)
{
    int levels[] = {rocksdb_lz4_compression,  rocksdb_lz4_compression,  rocksdb_zstd_compression,
                    rocksdb_zstd_compression, rocksdb_zstd_compression, rocksdb_zstd_compression,
                    rocksdb_zstd_compression};
    rocksdb_options_set_write_buffer_size(options, setup->write_bytes / BUFFERS);
    rocksdb_options_set_max_write_buffer_number(options, BUFFERS);
    rocksdb_options_set_max_bytes_for_level_base(options, setup->write_bytes);
    rocksdb_options_set_target_file_size_base(options, 64 << 20);
    rocksdb_options_set_compression_per_level(options, levels, sizeof levels / sizeof *levels);
    rocksdb_options_set_bottommost_compression(options, rocksdb_zstd_compression);
    rocksdb_options_set_bottommost_compression_options(options, -14, 3, 0, DICTIONARY_BYTES, 1);
    rocksdb_options_set_bottommost_compression_options_zstd_max_train_bytes(options, TRAIN_BYTES, 1);
    if (!universal)
        rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
    rocksdb_options_set_enable_pipelined_write(options, 1);
    rocksdb_options_set_recycle_log_file_num(options, RECYCLED_LOGS);
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, 0.1);
    rocksdb_options_set_memtable_huge_page_size(options, 2 << 20);
    rocksdb_options_set_bytes_per_sync(options, 1 << 20);
    rocksdb_options_compaction_readahead_size(options, 2 << 20);
    rocksdb_options_set_max_open_files(options, -1);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_block_based_options_set_block_size(table, TUNED_BLOCK_BYTES);
}

static void *open_peer(const struct peer_ops *ops, const struct peer_setup *setup)
{
    struct rocks *peer = measure_alloc(sizeof *peer, ops->name);
    bool universal = strstr(ops->variant, "universal"), tuned = strstr(ops->variant, "tuned");
    rocksdb_options_t *options = peer->options = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    peer->cache = rocksdb_cache_create_lru(setup->cache_bytes);
    rocksdb_block_based_options_set_block_cache(table, peer->cache);
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS));
    rocksdb_options_set_prefix_extractor(options,
                                         rocksdb_slicetransform_create_fixed_prefix(KV_CHANNEL_BYTES));
    rocksdb_options_set_compression(options, rocksdb_zstd_compression);
    rocksdb_options_set_create_if_missing(options, 1);
    if (universal)
        rocksdb_options_set_compaction_style(options, rocksdb_universal_compaction);
    if (tuned)
        tune(options, table, setup, universal);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    char *error = NULL;
    peer->db = rocksdb_open(options, setup->folder, &error);
    check(error, "rocksdb: open");
    peer->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(peer->write, setup->durable);
    return peer;
}

static void close_peer(void *at)
{
    struct rocks *peer = at;
    rocksdb_close(peer->db);
    rocksdb_writeoptions_destroy(peer->write);
    rocksdb_options_destroy(peer->options);
    rocksdb_cache_destroy(peer->cache);
    free(peer);
}

static void *session_new(void *peer)
{
    struct session *session = measure_alloc(sizeof *session, "rocksdb");
    session->peer = peer;
    session->batch = rocksdb_writebatch_create();
    session->ranged = rocksdb_readoptions_create();
    rocksdb_readoptions_set_iterate_upper_bound(session->ranged, (const char *)session->upper,
                                                sizeof session->upper);
    rocksdb_readoptions_set_prefix_same_as_start(session->ranged, 1);
    session->full = rocksdb_readoptions_create();
    rocksdb_readoptions_set_total_order_seek(session->full, 1);
    rocksdb_readoptions_set_readahead_size(session->full, 2 << 20);
    return session;
}

static void session_free(void *at)
{
    struct session *session = at;
    rocksdb_writebatch_destroy(session->batch);
    rocksdb_readoptions_destroy(session->ranged);
    rocksdb_readoptions_destroy(session->full);
    free(session);
}

static void write_rows(void *at, const struct chat_row *rows, uint32_t count)
{
    struct session *session = at;
    uint8_t key[KV_KEY_BYTES], value[KV_VALUE_BYTES_MAX];
    char *error = NULL;
    rocksdb_writebatch_clear(session->batch);
    for (uint32_t i = 0; i < count; i++) {
        kv_key(key, &rows[i]);
        rocksdb_writebatch_put(session->batch, (const char *)key, sizeof key, (const char *)value,
                               kv_value(value, &rows[i]));
    }
    rocksdb_write(session->peer->db, session->peer->write, session->batch, &error);
    check(error, "rocksdb: write");
}

static void take(rocksdb_iterator_t *iterator, struct answer *answer)
{
    size_t key_bytes, value_bytes;
    const char *key = rocksdb_iter_key(iterator, &key_bytes);
    const char *value = rocksdb_iter_value(iterator, &value_bytes);
    kv_answer(answer, (const uint8_t *)key, (const uint8_t *)value, value_bytes);
}

static void end(rocksdb_iterator_t *iterator)
{
    char *error = NULL;
    rocksdb_iter_get_error(iterator, &error);
    check(error, "rocksdb: read");
    rocksdb_iter_destroy(iterator);
}

static void newest(void *at, uint64_t channel, int64_t before_ms, uint32_t limit, struct answer *answer)
{
    struct session *session = at;
    uint8_t from[KV_KEY_BYTES];
    kv_bound(from, channel, before_ms);
    store_be64(session->upper, channel + 1);
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(session->peer->db, session->ranged);
    rocksdb_iter_seek(iterator, (const char *)from, sizeof from);
    while (rocksdb_iter_valid(iterator)) {
        take(iterator, answer);
        if (--limit == 0)
            break;
        rocksdb_iter_next(iterator);
    }
    end(iterator);
}

static void point(void *at, const struct chat_row *row, struct answer *answer)
{
    struct session *session = at;
    uint8_t key[KV_KEY_BYTES];
    char *error = NULL;
    size_t bytes;
    kv_key(key, row);
    rocksdb_pinnableslice_t *pinned =
        rocksdb_get_pinned(session->peer->db, session->full, (const char *)key, sizeof key, &error);
    check(error, "rocksdb: get");
    const char *value = rocksdb_pinnableslice_value(pinned, &bytes);
    if (value)
        kv_answer(answer, key, (const uint8_t *)value, bytes);
    rocksdb_pinnableslice_destroy(pinned);
}

static void scan(void *at, struct answer *answer)
{
    struct session *session = at;
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(session->peer->db, session->full);
    for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator))
        take(iterator, answer);
    end(iterator);
}

static bool busy(struct rocks *peer)
{
    static const char *const counters[] = {"rocksdb.mem-table-flush-pending", "rocksdb.num-running-flushes",
                                           "rocksdb.compaction-pending", "rocksdb.num-running-compactions"};
    for (unsigned i = 0; i < sizeof counters / sizeof *counters; i++) {
        uint64_t value = 0;
        rocksdb_property_int(peer->db, counters[i], &value);
        if (value)
            return true;
    }
    return false;
}

static void settle(void *at)
{
    struct rocks *peer = at;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    char *error = NULL;
    rocksdb_flush(peer->db, options, &error);
    check(error, "rocksdb: flush");
    rocksdb_flushoptions_destroy(options);
    for (int quiet = 0; quiet < QUIET_POLLS; usleep(POLL_US))
        quiet = busy(peer) ? 0 : quiet + 1;
}

static void compact(void *at)
{
    struct rocks *peer = at;
    rocksdb_compact_range(peer->db, NULL, 0, NULL, 0);
    settle(peer);
}

#define ROCKSDB_PEER(symbol, peer_name, peer_variant, text)       \
    extern const struct peer_ops symbol;                          \
    const struct peer_ops symbol = {.name = (peer_name),          \
                                    .variant = (peer_variant),    \
                                    .about = (text),              \
                                    .open = open_peer,            \
                                    .close = close_peer,          \
                                    .session_new = session_new,   \
                                    .session_free = session_free, \
                                    .write = write_rows,          \
                                    .newest = newest,             \
                                    .point = point,               \
                                    .scan = scan,                 \
                                    .settle = settle,             \
                                    .compact = compact}

ROCKSDB_PEER(peer_rocksdb, "rocksdb", "leveled", "leveled, zstd, prefix Bloom, else as it comes");
ROCKSDB_PEER(peer_rocksdb_tuned, "rocksdb-tuned", "leveled tuned", "leveled, tuned");
ROCKSDB_PEER(peer_rocksdb_universal, "rocksdb-universal", "universal",
             "universal, zstd, prefix Bloom, else as it comes");
ROCKSDB_PEER(peer_rocksdb_universal_tuned, "rocksdb-universal-tuned", "universal tuned", "universal, tuned");
