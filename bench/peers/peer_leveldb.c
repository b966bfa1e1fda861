/* peer_leveldb.c: LevelDB with snappy, a Bloom filter for point reads and a write buffer of a quarter of the budget. */
#include <leveldb/c.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench/peers/peer_kv.h"

enum {
    BLOOM_BITS = 10,
    BUFFERS = 4,
    FILE_BYTES = 8 << 20,
    POLL_US = 20000,
    QUIET_POLLS = 3,
    QUIET_US = 2000, /* CPU time of the process between two polls that still counts as rest */
};

struct level {
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_filterpolicy_t *filter;
    leveldb_writeoptions_t *write;
    leveldb_readoptions_t *read;
};

struct session {
    struct level *peer;
    leveldb_writebatch_t *batch;
};

static void check(char *error, const char *what)
{
    if (error)
        measure_fail(what, error);
}

static void *open_peer(const struct peer_ops *ops, const struct peer_setup *setup)
{
    struct level *peer = measure_alloc(sizeof *peer, ops->name);
    peer->options = leveldb_options_create();
    peer->cache = leveldb_cache_create_lru(setup->cache_bytes);
    peer->filter = leveldb_filterpolicy_create_bloom(BLOOM_BITS);
    leveldb_options_set_create_if_missing(peer->options, 1);
    leveldb_options_set_cache(peer->options, peer->cache);
    leveldb_options_set_filter_policy(peer->options, peer->filter);
    leveldb_options_set_write_buffer_size(peer->options, setup->write_bytes / BUFFERS);
    leveldb_options_set_max_file_size(peer->options, FILE_BYTES);
    leveldb_options_set_compression(peer->options, leveldb_snappy_compression);
    char *error = NULL;
    peer->db = leveldb_open(peer->options, setup->folder, &error);
    check(error, "leveldb: open");
    peer->write = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(peer->write, setup->durable);
    peer->read = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(peer->read, 1);
    return peer;
}

static void close_peer(void *at)
{
    struct level *peer = at;
    leveldb_close(peer->db);
    leveldb_writeoptions_destroy(peer->write);
    leveldb_readoptions_destroy(peer->read);
    leveldb_options_destroy(peer->options);
    leveldb_filterpolicy_destroy(peer->filter);
    leveldb_cache_destroy(peer->cache);
    free(peer);
}

static void *session_new(void *peer)
{
    struct session *session = measure_alloc(sizeof *session, "leveldb");
    session->peer = peer;
    session->batch = leveldb_writebatch_create();
    return session;
}

static void session_free(void *at)
{
    struct session *session = at;
    leveldb_writebatch_destroy(session->batch);
    free(session);
}

static void write_rows(void *at, const struct chat_row *rows, uint32_t count)
{
    struct session *session = at;
    uint8_t key[KV_KEY_BYTES], value[KV_VALUE_BYTES_MAX];
    char *error = NULL;
    leveldb_writebatch_clear(session->batch);
    for (uint32_t i = 0; i < count; i++) {
        kv_key(key, &rows[i]);
        leveldb_writebatch_put(session->batch, (const char *)key, sizeof key, (const char *)value,
                               kv_value(value, &rows[i]));
    }
    leveldb_write(session->peer->db, session->peer->write, session->batch, &error);
    check(error, "leveldb: write");
}

static void end(leveldb_iterator_t *iterator)
{
    char *error = NULL;
    leveldb_iter_get_error(iterator, &error);
    check(error, "leveldb: read");
    leveldb_iter_destroy(iterator);
}

/* False when the row belongs to another channel. */
static bool take(leveldb_iterator_t *iterator, uint64_t channel, bool any, struct answer *answer)
{
    size_t key_bytes, value_bytes;
    const char *key = leveldb_iter_key(iterator, &key_bytes);
    if (!any && !kv_in_channel(key, key_bytes, channel))
        return false;
    const char *value = leveldb_iter_value(iterator, &value_bytes);
    kv_answer(answer, (const uint8_t *)key, (const uint8_t *)value, value_bytes);
    return true;
}

static void newest(void *at, uint64_t channel, int64_t before_ms, uint32_t limit, struct answer *answer)
{
    struct session *session = at;
    uint8_t from[KV_KEY_BYTES];
    kv_bound(from, channel, before_ms);
    leveldb_iterator_t *iterator = leveldb_create_iterator(session->peer->db, session->peer->read);
    leveldb_iter_seek(iterator, (const char *)from, sizeof from);
    while (leveldb_iter_valid(iterator) && take(iterator, channel, false, answer) && --limit)
        leveldb_iter_next(iterator);
    end(iterator);
}

static void point(void *at, const struct chat_row *row, struct answer *answer)
{
    struct session *session = at;
    uint8_t key[KV_KEY_BYTES];
    char *error = NULL;
    size_t bytes;
    kv_key(key, row);
    char *value =
        leveldb_get(session->peer->db, session->peer->read, (const char *)key, sizeof key, &bytes, &error);
    check(error, "leveldb: get");
    if (value)
        kv_answer(answer, key, (const uint8_t *)value, bytes);
    leveldb_free(value);
}

static void scan(void *at, struct answer *answer)
{
    struct session *session = at;
    leveldb_iterator_t *iterator = leveldb_create_iterator(session->peer->db, session->peer->read);
    for (leveldb_iter_seek_to_first(iterator); leveldb_iter_valid(iterator); leveldb_iter_next(iterator))
        take(iterator, 0, true, answer);
    end(iterator);
}

/* Compacting a range without rows writes the memtable out; for what follows from that LevelDB has no call to wait, so
 * it is at rest when the process no longer uses the CPU. */
static void settle(void *at)
{
    struct level *peer = at;
    leveldb_compact_range(peer->db, "", 0, "\0", 1);
    clock_t last = clock();
    for (int quiet = 0; quiet < QUIET_POLLS;) {
        usleep(POLL_US);
        clock_t now = clock();
        quiet = (now - last) / (CLOCKS_PER_SEC / 1000000) < QUIET_US ? quiet + 1 : 0;
        last = now;
    }
}

static void compact(void *at)
{
    struct level *peer = at;
    leveldb_compact_range(peer->db, NULL, 0, NULL, 0);
    settle(peer);
}

extern const struct peer_ops peer_leveldb;
const struct peer_ops peer_leveldb = {.name = "leveldb",
                                      .about = "snappy, Bloom, large write buffer",
                                      .open = open_peer,
                                      .close = close_peer,
                                      .session_new = session_new,
                                      .session_free = session_free,
                                      .write = write_rows,
                                      .newest = newest,
                                      .point = point,
                                      .scan = scan,
                                      .settle = settle,
                                      .compact = compact};
