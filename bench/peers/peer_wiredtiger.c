/*
 * peer_wiredtiger.c: WiredTiger as a B-tree and as an LSM tree, with snappy and prefix compression.
 *
 * Its one cache holds clean and dirty pages, so it gets the budgets of both.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <wiredtiger.h>

#include "bench/peers/peer_kv.h"

enum {
    POLL_US = 50000,
    QUIET_POLLS = 4,
    QUIET_US = 5000, /* CPU time of the process between two polls that still counts as rest */
};

static const char table[] = "table:chat";

struct tiger {
    WT_CONNECTION *connection;
    bool lsm;
};

struct session {
    WT_SESSION *session;
    WT_CURSOR *cursor;
};

static void check(int result, const char *what)
{
    if (result)
        measure_fail(what, wiredtiger_strerror(result));
}

static void create_table(struct tiger *peer, const struct peer_setup *setup)
{
    char config[512];
    WT_SESSION *session;
    int bytes = snprintf(config, sizeof config,
                         "key_format=u,value_format=u,block_compressor=snappy,prefix_compression=true,"
                         "leaf_page_max=16KB,internal_page_max=16KB,checksum=on");
    if (peer->lsm)
        snprintf(config + bytes, sizeof config - (size_t)bytes,
                 ",type=lsm,lsm=(chunk_size=%lluMB,bloom=true,bloom_bit_count=10)",
                 (unsigned long long)(setup->write_bytes >> 20) / 4 + 1);
    check(peer->connection->open_session(peer->connection, NULL, NULL, &session), "wiredtiger: session");
    check(session->create(session, table, config), "wiredtiger: create");
    check(session->close(session, NULL), "wiredtiger: close session");
}

static void *open_peer(const struct peer_ops *ops, const struct peer_setup *setup)
{
    char config[512];
    struct tiger *peer = measure_alloc(sizeof *peer, ops->name);
    peer->lsm = strcmp(ops->variant, "lsm") == 0;
    snprintf(config, sizeof config,
             "create,cache_size=%lluMB,session_max=300,eviction=(threads_min=1,threads_max=2),"
             "log=(enabled=true,file_max=32MB,prealloc=true),transaction_sync=(enabled=%s,method=fsync),"
             "checkpoint=(wait=60,log_size=1GB),extensions=[libwiredtiger_snappy.so]",
             (unsigned long long)(setup->cache_bytes + setup->write_bytes) >> 20,
             setup->durable ? "true" : "false");
    check(wiredtiger_open(setup->folder, NULL, config, &peer->connection), "wiredtiger: open");
    create_table(peer, setup);
    return peer;
}

static void close_peer(void *at)
{
    struct tiger *peer = at;
    check(peer->connection->close(peer->connection, "leak_memory=false"), "wiredtiger: close");
    free(peer);
}

static void *session_new(void *at)
{
    struct tiger *peer = at;
    struct session *session = measure_alloc(sizeof *session, "wiredtiger");
    check(peer->connection->open_session(peer->connection, NULL, NULL, &session->session),
          "wiredtiger: session");
    check(session->session->open_cursor(session->session, table, NULL, "raw", &session->cursor),
          "wiredtiger: cursor");
    return session;
}

static void session_free(void *at)
{
    struct session *session = at;
    check(session->session->close(session->session, NULL), "wiredtiger: close session");
    free(session);
}

/* An engine that is short of memory may ask to begin the transaction again. */
static int insert_all(struct session *session, const struct chat_row *rows, uint32_t count)
{
    uint8_t key[KV_KEY_BYTES], value[KV_VALUE_BYTES_MAX];
    WT_CURSOR *cursor = session->cursor;
    for (uint32_t i = 0; i < count; i++) {
        kv_key(key, &rows[i]);
        WT_ITEM k = {.data = key, .size = sizeof key}, v = {.data = value, .size = kv_value(value, &rows[i])};
        cursor->set_key(cursor, &k);
        cursor->set_value(cursor, &v);
        int result = cursor->insert(cursor);
        if (result)
            return result;
    }
    return 0;
}

static void write_rows(void *at, const struct chat_row *rows, uint32_t count)
{
    struct session *session = at;
    WT_SESSION *wt = session->session;
    int result;
    do {
        if (count > 1)
            check(wt->begin_transaction(wt, NULL), "wiredtiger: begin");
        result = insert_all(session, rows, count);
        if (count > 1 && result)
            check(wt->rollback_transaction(wt, NULL), "wiredtiger: roll back");
        else if (count > 1)
            result = wt->commit_transaction(wt, NULL);
    } while (result == WT_ROLLBACK);
    check(result, "wiredtiger: write");
}

static void take(WT_CURSOR *cursor, const WT_ITEM *key, struct answer *answer)
{
    WT_ITEM value;
    check(cursor->get_value(cursor, &value), "wiredtiger: value");
    kv_answer(answer, key->data, value.data, value.size);
}

static void over(WT_CURSOR *cursor, int result)
{
    if (result && result != WT_NOTFOUND)
        check(result, "wiredtiger: read");
    check(cursor->reset(cursor), "wiredtiger: reset");
}

static void newest(void *at, uint64_t channel, int64_t before_ms, uint32_t limit, struct answer *answer)
{
    struct session *session = at;
    WT_CURSOR *cursor = session->cursor;
    uint8_t from[KV_KEY_BYTES];
    WT_ITEM key = {.data = from, .size = sizeof from};
    int where;
    kv_bound(from, channel, before_ms);
    cursor->set_key(cursor, &key);
    int result = cursor->search_near(cursor, &where);
    if (!result && where < 0)
        result = cursor->next(cursor);
    while (!result) {
        check(cursor->get_key(cursor, &key), "wiredtiger: key");
        if (!kv_in_channel(key.data, key.size, channel))
            break;
        take(cursor, &key, answer);
        if (--limit == 0)
            break;
        result = cursor->next(cursor);
    }
    over(cursor, result);
}

static void point(void *at, const struct chat_row *row, struct answer *answer)
{
    struct session *session = at;
    WT_CURSOR *cursor = session->cursor;
    uint8_t bytes[KV_KEY_BYTES];
    WT_ITEM key = {.data = bytes, .size = sizeof bytes};
    kv_key(bytes, row);
    cursor->set_key(cursor, &key);
    int result = cursor->search(cursor);
    if (!result)
        take(cursor, &key, answer);
    over(cursor, result);
}

static void scan(void *at, struct answer *answer)
{
    struct session *session = at;
    WT_CURSOR *cursor = session->cursor;
    WT_ITEM key;
    int result;
    while ((result = cursor->next(cursor)) == 0) {
        check(cursor->get_key(cursor, &key), "wiredtiger: key");
        take(cursor, &key, answer);
    }
    over(cursor, result);
}

/* A checkpoint makes everything durable; the LSM tree goes on merging, and is at rest when the CPU is. */
static void settle(void *at)
{
    struct tiger *peer = at;
    WT_SESSION *session;
    check(peer->connection->open_session(peer->connection, NULL, NULL, &session), "wiredtiger: session");
    check(session->checkpoint(session, NULL), "wiredtiger: checkpoint");
    check(session->close(session, NULL), "wiredtiger: close session");
    clock_t last = clock();
    for (int quiet = 0; peer->lsm && quiet < QUIET_POLLS;) {
        usleep(POLL_US);
        clock_t now = clock();
        quiet = (now - last) / (CLOCKS_PER_SEC / 1000000) < QUIET_US ? quiet + 1 : 0;
        last = now;
    }
}

static void compact(void *at)
{
    struct tiger *peer = at;
    WT_SESSION *session;
    check(peer->connection->open_session(peer->connection, NULL, NULL, &session), "wiredtiger: session");
    int result = session->compact(session, table, "timeout=60");
    if (result && result != ETIMEDOUT && result != EBUSY)
        check(result, "wiredtiger: compact");
    check(session->close(session, NULL), "wiredtiger: close session");
    settle(peer);
}

#define WIREDTIGER_PEER(symbol, peer_name, peer_variant, text)    \
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

WIREDTIGER_PEER(peer_wiredtiger, "wiredtiger", "btree", "B-tree, snappy, prefix compression");
WIREDTIGER_PEER(peer_wiredtiger_lsm, "wiredtiger-lsm", "lsm", "LSM tree, snappy, prefix compression");
