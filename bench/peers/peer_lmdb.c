/*
 * peer_lmdb.c: LMDB. Its cache is the kernel's: no budget binds it.
 *
 * A transaction a row would cost it a factor of four, so unsynced single rows are joined, 1000 to a transaction, as
 * somebody who loads it would do; a reader beside the writer sees them when they are committed.
 */
#include <lmdb.h>
#include <stdlib.h>

#include "bench/peers/peer_kv.h"

enum {
    JOINED_ROWS = 1000,
    READERS_MAX = 256,
    MAP_TIMES = 4, /* the data, with half-full pages and free ones */
};

static const size_t MAP_SPARE_BYTES = 1 << 30;

struct lmdb {
    MDB_env *env;
    MDB_dbi table;
    bool durable;
};

struct session {
    struct lmdb *peer;
    MDB_txn *writing; /* open between joined writes */
    uint32_t joined;
    MDB_txn *reading; /* reset between reads */
    MDB_cursor *cursor;
};

static void check(int result, const char *what)
{
    if (result)
        measure_fail(what, mdb_strerror(result));
}

static void *open_peer(const struct peer_ops *ops, const struct peer_setup *setup)
{
    struct lmdb *peer = measure_alloc(sizeof *peer, ops->name);
    MDB_txn *txn;
    peer->durable = setup->durable;
    check(mdb_env_create(&peer->env), "lmdb: create");
    check(mdb_env_set_mapsize(peer->env, MAP_TIMES * setup->data_bytes + MAP_SPARE_BYTES), "lmdb: map size");
    check(mdb_env_set_maxreaders(peer->env, READERS_MAX), "lmdb: readers");
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (setup->durable ? 0 : MDB_NOSYNC);
    check(mdb_env_open(peer->env, setup->folder, flags, 0644), "lmdb: open");
    check(mdb_txn_begin(peer->env, NULL, 0, &txn), "lmdb: begin");
    check(mdb_dbi_open(txn, NULL, 0, &peer->table), "lmdb: table");
    check(mdb_txn_commit(txn), "lmdb: commit");
    return peer;
}

static void close_peer(void *at)
{
    struct lmdb *peer = at;
    mdb_env_close(peer->env);
    free(peer);
}

static void *session_new(void *peer)
{
    struct session *session = measure_alloc(sizeof *session, "lmdb");
    session->peer = peer;
    return session;
}

static void commit(struct session *session)
{
    if (session->writing)
        check(mdb_txn_commit(session->writing), "lmdb: commit");
    session->writing = NULL;
    session->joined = 0;
}

static void session_free(void *at)
{
    struct session *session = at;
    commit(session);
    if (session->cursor)
        mdb_cursor_close(session->cursor);
    if (session->reading)
        mdb_txn_abort(session->reading);
    free(session);
}

static void write_rows(void *at, const struct chat_row *rows, uint32_t count)
{
    struct session *session = at;
    uint8_t key[KV_KEY_BYTES], value[KV_VALUE_BYTES_MAX];
    if (!session->writing)
        check(mdb_txn_begin(session->peer->env, NULL, 0, &session->writing), "lmdb: begin");
    for (uint32_t i = 0; i < count; i++) {
        kv_key(key, &rows[i]);
        MDB_val k = {sizeof key, key}, v = {kv_value(value, &rows[i]), value};
        check(mdb_put(session->writing, session->peer->table, &k, &v, 0), "lmdb: put");
    }
    session->joined += count;
    if (session->peer->durable || count > 1 || session->joined >= JOINED_ROWS)
        commit(session);
}

/* The cursor of this session, on what is committed now. */
static MDB_cursor *look(struct session *session)
{
    if (session->reading) {
        check(mdb_txn_renew(session->reading), "lmdb: renew");
        check(mdb_cursor_renew(session->reading, session->cursor), "lmdb: renew cursor");
    } else {
        check(mdb_txn_begin(session->peer->env, NULL, MDB_RDONLY, &session->reading), "lmdb: begin");
        check(mdb_cursor_open(session->reading, session->peer->table, &session->cursor), "lmdb: cursor");
    }
    return session->cursor;
}

static void over(struct session *session, int result)
{
    if (result && result != MDB_NOTFOUND)
        check(result, "lmdb: read");
    mdb_txn_reset(session->reading);
}

static void newest(void *at, uint64_t channel, int64_t before_ms, uint32_t limit, struct answer *answer)
{
    struct session *session = at;
    uint8_t from[KV_KEY_BYTES];
    MDB_val value, key = {sizeof from, from};
    kv_bound(from, channel, before_ms);
    MDB_cursor *cursor = look(session);
    int result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (!result && kv_in_channel(key.mv_data, key.mv_size, channel)) {
        kv_answer(answer, key.mv_data, value.mv_data, value.mv_size);
        if (--limit == 0)
            break;
        result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    over(session, result);
}

static void point(void *at, const struct chat_row *row, struct answer *answer)
{
    struct session *session = at;
    uint8_t bytes[KV_KEY_BYTES];
    MDB_val value, key = {sizeof bytes, bytes};
    kv_key(bytes, row);
    int result = mdb_cursor_get(look(session), &key, &value, MDB_SET);
    if (!result)
        kv_answer(answer, bytes, value.mv_data, value.mv_size);
    over(session, result);
}

static void scan(void *at, struct answer *answer)
{
    struct session *session = at;
    MDB_val key, value;
    MDB_cursor *cursor = look(session);
    int result = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; !result; result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        kv_answer(answer, key.mv_data, value.mv_data, value.mv_size);
    over(session, result);
}

static void settle(void *at)
{
    struct lmdb *peer = at;
    check(mdb_env_sync(peer->env, 1), "lmdb: sync");
}

extern const struct peer_ops peer_lmdb;
const struct peer_ops peer_lmdb = {.name = "lmdb",
                                   .about =
                                       "1000 unsynced single rows to a transaction; the kernel's page cache",
                                   .open = open_peer,
                                   .close = close_peer,
                                   .session_new = session_new,
                                   .session_free = session_free,
                                   .write = write_rows,
                                   .newest = newest,
                                   .point = point,
                                   .scan = scan,
                                   .settle = settle,
                                   .compact = settle};
