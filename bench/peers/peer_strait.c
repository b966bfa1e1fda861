/*
 * peer_strait.c: Strait through engine/store.h alone, as an application of the engine writes and reads.
 *
 * Table: partition key bigint (8 bytes); the rest is chat_cells.h's.
 */
#include <stdlib.h>

#include "bench/peers/chat_cells.h"
#include "bench/peers/peer.h"
#include "engine/store.h"
#include "row/live.h"
#include "row/plain.h"

enum {
    CLUSTERING_BYTES = 26, /* header, 8 of time, header, 16 of id */
    ID_AT = 10,
    WINDOW_S = 86400,
    LEVEL = 3,
};

struct strait {
    struct store *store;
    uint64_t table;
    enum durability durability;
};

struct session {
    struct strait *peer;
    struct row_builder builder;
    struct buffer key, image;
    struct buffer end; /* behind all rows of `key` */
    struct batch batch;
};

static void *open_peer(const struct peer_ops *ops, const struct peer_setup *setup)
{
    struct strait *peer = measure_alloc(sizeof *peer, "strait");
    bool tiered = ops->variant && strcmp(ops->variant, "tiered") == 0;
    struct store_options options = {.folder = setup->folder,
                                    .io = ops->variant && !tiered ? ops->variant : NULL,
                                    .memtable_bytes = setup->write_bytes,
                                    .cache_bytes = setup->cache_bytes};
    measure_check(store_open(&options, &peer->store), "strait: open");
    struct store_table table;
    struct buffer properties = {0};
    if (ok(store_next_table(peer->store, 0, &table, &properties))) {
        peer->table = table.id;
    } else {
        enum store_compaction compaction =
            tiered ? STORE_COMPACTION_SIZE_TIERED : STORE_COMPACTION_TIME_WINDOW;
        struct store_change create = {.kind = STORE_CREATE_TABLE,
                                      .table_id = store_new_table_id(peer->store),
                                      .options = {.gc_grace_s = 864000,
                                                  .compaction = compaction,
                                                  .window_s = WINDOW_S,
                                                  .compression_level = LEVEL}};
        measure_check(store_change(peer->store, &create, 1), "strait: create");
        peer->table = create.table_id;
    }
    buffer_deinit(&properties);
    peer->durability = setup->durable ? DURABILITY_DURABLE : DURABILITY_PERIODIC;
    return peer;
}

static void close_peer(void *at)
{
    struct strait *peer = at;
    measure_check(store_close(peer->store), "strait: close");
    free(peer);
}

static void *session_new(void *peer)
{
    struct session *session = measure_alloc(sizeof *session, "strait");
    session->peer = peer;
    return session;
}

static void session_free(void *at)
{
    struct session *session = at;
    row_builder_deinit(&session->builder);
    buffer_deinit(&session->key);
    buffer_deinit(&session->end);
    buffer_deinit(&session->image);
    batch_deinit(&session->batch);
    free(session);
}

/* ---- writing ---- */

static void add_row(struct session *session, const struct chat_row *row)
{
    uint8_t channel[8];
    store_be64(channel, row->channel);
    chat_cells_key(&session->key, row->created_ms, row->id);
    chat_cells_image(&session->builder, row, &session->image);
    batch_begin(&session->batch, session->peer->table, partition_key_of(slice_of(channel, 8)));
    batch_row(&session->batch, buffer_slice(&session->key), buffer_slice(&session->image));
    batch_end(&session->batch);
}

static void write_rows(void *at, const struct chat_row *rows, uint32_t count)
{
    struct session *session = at;
    batch_clear(&session->batch);
    for (uint32_t i = 0; i < count; i++)
        add_row(session, &rows[i]);
    measure_check(store_apply(session->peer->store, &session->batch, session->peer->durability),
                  "strait: apply");
}

/* ---- reading ---- */

/* Both columns of the clustering key have one size and are never empty, so they stand at fixed places. */
static void take_clustering(struct slice clustering, struct chat_row *row)
{
    if (clustering.bytes != CLUSTERING_BYTES)
        measure_fail("strait", "a clustering key of another size");
    row->created_ms = (int64_t)(~load_be64(clustering.data + 1) ^ 1ULL << 63);
    uint64_t ordered = load_be64(clustering.data + ID_AT); /* the version nibble leads (row/key.h) */
    store_be64(row->id, (ordered << 4 >> 16) << 16 | ordered >> 60 << 12 | (ordered & 0xfff));
    memcpy(row->id + 8, clustering.data + ID_AT + 8, 8);
}

static inline void take_cell(struct chat_row *row, uint32_t column, struct slice value)
{
    switch (column) {
    case CHAT_COLUMN_AUTHOR: memcpy(row->author, value.data, 16); break;
    case CHAT_COLUMN_REPLY_TO:
        row->has_reply_to = true;
        row->reply_to = (int64_t)load_be64(value.data);
        break;
    default: row->text = (const char *)value.data; row->text_bytes = (uint32_t)value.bytes;
    }
}

/* Cells of any form: what lives of them now. */
static void take_any_cells(struct slice image, int64_t now_s, struct chat_row *row)
{
    struct live_reader live;
    struct cell cell;
    bool more;
    measure_check(live_open(image, DELETION_NONE, now_s, &live), "strait: row");
    for (;;) {
        measure_check(live_next_cell(&live, &cell, &more), "strait: cell");
        if (!more)
            break;
        take_cell(row, cell.column, cell.value);
    }
}

/* As the language reads rows: the plain form first, which needs no clock. */
static void take_row(const struct row_view *view, uint64_t channel, int64_t now_s, struct answer *answer)
{
    struct chat_row row;
    struct plain_reader plain;
    uint32_t column;
    struct slice value;
    row.channel = channel;
    row.has_reply_to = false;
    row.reply_to = 0;
    row.text_bytes = 0;
    row.text = NULL;
    take_clustering(view->clustering, &row);
    bool is_plain = plain_open(view->image, &plain);
    while (is_plain && plain_next(&plain, &column, &value))
        take_cell(&row, column, value);
    if (!is_plain || !plain_ended(&plain))
        take_any_cells(view->image, now_s, &row);
    answer_add(answer, &row);
}

/* Rows of the channel from session->key on, up to `end` (empty: all of them), of which so many will be taken. */
static struct cursor *open_one(struct session *session, uint64_t channel, struct slice end, uint32_t rows)
{
    uint8_t bytes[8];
    store_be64(bytes, channel);
    struct store_read read = {
        .table_id = session->peer->table, .from = buffer_slice(&session->key), .to = end, .rows = rows};
    struct cursor *cursor;
    measure_check(store_cursor_open_one(session->peer->store, &read, partition_key_of(slice_of(bytes, 8)),
                                        NULL, &cursor),
                  "strait: open cursor");
    return cursor;
}

static int64_t now_s(struct session *session)
{
    return store_now_us(session->peer->store) / 1000000;
}

static void newest(void *at, uint64_t channel, int64_t before_ms, uint32_t limit, struct answer *answer)
{
    struct session *session = at;
    buffer_clear(&session->key);
    if (before_ms != INT64_MAX)
        chat_cells_key(&session->key, before_ms - 1, NULL);
    struct cursor *cursor = open_one(session, channel, (struct slice){0}, limit);
    if (!cursor)
        return;
    int64_t now = now_s(session);
    measure_check(cursor_seek_row(cursor, buffer_slice(&session->key)), "strait: seek");
    while (cursor->on_row) {
        take_row(&cursor->row, channel, now, answer);
        if (--limit == 0)
            break;
        measure_check(cursor_next(cursor), "strait: next");
    }
    cursor_close(cursor);
}

static void point(void *at, const struct chat_row *key, struct answer *answer)
{
    struct session *session = at;
    chat_cells_key(&session->key, key->created_ms, key->id);
    buffer_clear(&session->end);
    buffer_append_slice(&session->end, buffer_slice(&session->key));
    buffer_append_u8(&session->end, KEY_AFTER);
    measure_check(buffer_status(&session->end), "strait: end");
    struct cursor *cursor = open_one(session, key->channel, buffer_slice(&session->end), 1);
    if (!cursor)
        return;
    measure_check(cursor_seek_row(cursor, buffer_slice(&session->key)), "strait: seek");
    if (cursor->on_row && cursor->row.clustering.bytes == session->key.bytes &&
        memcmp(cursor->row.clustering.data, session->key.data, session->key.bytes) == 0)
        take_row(&cursor->row, key->channel, now_s(session), answer);
    cursor_close(cursor);
}

static void scan(void *at, struct answer *answer)
{
    struct session *session = at;
    struct store_read read = {.table_id = session->peer->table};
    struct cursor *cursor;
    int64_t now = now_s(session);
    measure_check(store_cursor_open(session->peer->store, &read, NULL, &cursor), "strait: open scan");
    measure_check(cursor_next_partition(cursor), "strait: next partition");
    while (cursor->on_partition) {
        uint64_t channel = load_be64(cursor->partition.key.bytes.data);
        measure_check(cursor_seek_row(cursor, (struct slice){0}), "strait: seek");
        while (cursor->on_row) {
            take_row(&cursor->row, channel, now, answer);
            measure_check(cursor_next(cursor), "strait: next");
        }
        measure_check(cursor_next_partition(cursor), "strait: next partition");
    }
    cursor_close(cursor);
}

/* ---- by hand ---- */

static void settle(void *at)
{
    struct strait *peer = at;
    measure_check(store_flush(peer->store, 0), "strait: flush");
    measure_check(store_settle(peer->store), "strait: settle");
}

static void compact(void *at)
{
    struct strait *peer = at;
    measure_check(store_compact(peer->store, peer->table), "strait: compact");
    measure_check(store_settle(peer->store), "strait: settle");
}

static uint64_t written_bytes(void *at)
{
    struct strait *peer = at;
    struct store_stats stats;
    struct store_table_stats table;
    store_stats(peer->store, &stats);
    measure_check(store_table_stats(peer->store, peer->table, &table), "strait: statistics");
    return stats.log_bytes + stats.manifest_bytes + table.written_bytes;
}

#define STRAIT_PEER(symbol, peer_name, peer_variant, text)        \
    const struct peer_ops symbol = {.name = peer_name,            \
                                    .variant = peer_variant,      \
                                    .about = text,                \
                                    .open = open_peer,            \
                                    .close = close_peer,          \
                                    .session_new = session_new,   \
                                    .session_free = session_free, \
                                    .write = write_rows,          \
                                    .newest = newest,             \
                                    .point = point,               \
                                    .scan = scan,                 \
                                    .settle = settle,             \
                                    .compact = compact,           \
                                    .written_bytes = written_bytes}

extern const struct peer_ops peer_strait, peer_strait_threads, peer_strait_tiered;
STRAIT_PEER(peer_strait, "strait", NULL, "time windows of a day, zstd 3");
STRAIT_PEER(peer_strait_threads, "strait-threads", "threads", "the same on the threads body");
STRAIT_PEER(peer_strait_tiered, "strait-tiered", "tiered", "size-tiered");
