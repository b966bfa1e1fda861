/*
 * peer_sqlite.c: SQLite, a table WITHOUT ROWID in WAL mode, prepared statements, a connection a session.
 *
 * Writers of several threads take turns at a lock of the adapter's: SQLite's own way to wait for another writer is to
 * sleep and try again.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/peers/peer.h"

struct lite {
    char path[4200];
    uint64_t cache_bytes;
    bool durable;
    pthread_mutex_t turn; /* of writers */
};

struct session {
    struct lite *peer;
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *insert, *page, *point, *scan;
};

static void check(sqlite3 *db, int result, int wanted, const char *what)
{
    if (result != wanted)
        measure_fail(what, sqlite3_errmsg(db));
}

static void execute(sqlite3 *db, const char *sql)
{
    check(db, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, sql);
}

static sqlite3 *connect_to(const struct lite *peer)
{
    char pragma[128];
    sqlite3 *db;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(peer->path, &db, flags, NULL) != SQLITE_OK)
        measure_fail("sqlite: open", db ? sqlite3_errmsg(db) : "out of memory");
    sqlite3_busy_timeout(db, 60000);
    execute(db, "PRAGMA journal_mode = WAL");
    execute(db, peer->durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF");
    execute(db, "PRAGMA wal_autocheckpoint = 10000");
    snprintf(pragma, sizeof pragma, "PRAGMA cache_size = -%llu",
             (unsigned long long)peer->cache_bytes / 1024);
    execute(db, pragma);
    return db;
}

static void *open_peer(const struct peer_ops *ops, const struct peer_setup *setup)
{
    struct lite *peer = measure_alloc(sizeof *peer, ops->name);
    snprintf(peer->path, sizeof peer->path, "%s/chat.db", setup->folder);
    peer->cache_bytes = setup->cache_bytes;
    peer->durable = setup->durable;
    pthread_mutex_init(&peer->turn, NULL);
    sqlite3 *db = connect_to(peer);
    execute(db, "CREATE TABLE IF NOT EXISTS chat (channel INTEGER, created_ms INTEGER, id BLOB, author BLOB, "
                "reply_to INTEGER, text TEXT, PRIMARY KEY (channel, created_ms DESC, id)) WITHOUT ROWID");
    sqlite3_close(db);
    return peer;
}

static void close_peer(void *at)
{
    struct lite *peer = at;
    pthread_mutex_destroy(&peer->turn);
    free(peer);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    check(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), SQLITE_OK, sql);
    return statement;
}

static void *session_new(void *at)
{
    struct session *session = measure_alloc(sizeof *session, "sqlite");
    session->peer = at;
    sqlite3 *db = session->db = connect_to(session->peer);
    session->begin = prepare(db, "BEGIN IMMEDIATE");
    session->commit = prepare(db, "COMMIT");
    session->insert = prepare(db, "INSERT INTO chat VALUES (?, ?, ?, ?, ?, ?)");
    session->page =
        prepare(db, "SELECT channel, created_ms, id, author, reply_to, text FROM chat WHERE channel = ? "
                    "AND created_ms < ? ORDER BY created_ms DESC, id LIMIT ?");
    session->point = prepare(db, "SELECT channel, created_ms, id, author, reply_to, text FROM chat WHERE "
                                 "channel = ? AND created_ms = ? AND id = ?");
    session->scan = prepare(db, "SELECT channel, created_ms, id, author, reply_to, text FROM chat");
    return session;
}

static void session_free(void *at)
{
    struct session *session = at;
    sqlite3_finalize(session->begin);
    sqlite3_finalize(session->commit);
    sqlite3_finalize(session->insert);
    sqlite3_finalize(session->page);
    sqlite3_finalize(session->point);
    sqlite3_finalize(session->scan);
    check(session->db, sqlite3_close(session->db), SQLITE_OK, "sqlite: close");
    free(session);
}

static void step(struct session *session, sqlite3_stmt *statement)
{
    check(session->db, sqlite3_step(statement), SQLITE_DONE, "sqlite: step");
    sqlite3_reset(statement);
}

static void insert(struct session *session, const struct chat_row *row)
{
    sqlite3_stmt *statement = session->insert;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)row->channel);
    sqlite3_bind_int64(statement, 2, row->created_ms);
    sqlite3_bind_blob(statement, 3, row->id, 16, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 4, row->author, 16, SQLITE_STATIC);
    if (row->has_reply_to)
        sqlite3_bind_int64(statement, 5, row->reply_to);
    else
        sqlite3_bind_null(statement, 5);
    sqlite3_bind_text(statement, 6, row->text, (int)row->text_bytes, SQLITE_STATIC);
    step(session, statement);
}

static void write_rows(void *at, const struct chat_row *rows, uint32_t count)
{
    struct session *session = at;
    pthread_mutex_lock(&session->peer->turn);
    if (count > 1)
        step(session, session->begin);
    for (uint32_t i = 0; i < count; i++)
        insert(session, &rows[i]);
    if (count > 1)
        step(session, session->commit);
    pthread_mutex_unlock(&session->peer->turn);
}

static void take(sqlite3_stmt *statement, struct answer *answer)
{
    struct chat_row row = {.channel = (uint64_t)sqlite3_column_int64(statement, 0),
                           .created_ms = sqlite3_column_int64(statement, 1)};
    memcpy(row.id, sqlite3_column_blob(statement, 2), 16);
    memcpy(row.author, sqlite3_column_blob(statement, 3), 16);
    row.has_reply_to = sqlite3_column_type(statement, 4) != SQLITE_NULL;
    if (row.has_reply_to)
        row.reply_to = sqlite3_column_int64(statement, 4);
    row.text = (const char *)sqlite3_column_text(statement, 5);
    row.text_bytes = (uint32_t)sqlite3_column_bytes(statement, 5);
    answer_add(answer, &row);
}

static void take_all(struct session *session, sqlite3_stmt *statement, struct answer *answer)
{
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW)
        take(statement, answer);
    check(session->db, result, SQLITE_DONE, "sqlite: select");
    sqlite3_reset(statement);
}

static void newest(void *at, uint64_t channel, int64_t before_ms, uint32_t limit, struct answer *answer)
{
    struct session *session = at;
    sqlite3_bind_int64(session->page, 1, (sqlite3_int64)channel);
    sqlite3_bind_int64(session->page, 2, before_ms);
    sqlite3_bind_int64(session->page, 3, limit);
    take_all(session, session->page, answer);
}

static void point(void *at, const struct chat_row *row, struct answer *answer)
{
    struct session *session = at;
    sqlite3_bind_int64(session->point, 1, (sqlite3_int64)row->channel);
    sqlite3_bind_int64(session->point, 2, row->created_ms);
    sqlite3_bind_blob(session->point, 3, row->id, 16, SQLITE_STATIC);
    take_all(session, session->point, answer);
}

static void scan(void *at, struct answer *answer)
{
    struct session *session = at;
    take_all(session, session->scan, answer);
}

static void by_hand(struct lite *peer, const char *sql)
{
    sqlite3 *db = connect_to(peer);
    execute(db, "PRAGMA synchronous = FULL");
    if (sql)
        execute(db, sql);
    execute(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_close(db);
}

static void settle(void *at)
{
    by_hand(at, NULL);
}

static void compact(void *at)
{
    by_hand(at, "VACUUM");
}

extern const struct peer_ops peer_sqlite;
const struct peer_ops peer_sqlite = {.name = "sqlite",
                                     .about = "WITHOUT ROWID, WAL; vacuumed before reading",
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
