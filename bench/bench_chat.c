/*
 * Insert and newest-50 of the chat stream, in process, through the engine (store.h) and through prepared CQL (strait.h), over
 * each io body.
 *
 *   bench_chat [ROWS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <strait.h>

#include "bench/measure.h"
#include "engine/store.h"
#include "tools/chat_stream.h"
#include "tools/folder.h"

enum {
    READS = 20000,
    DURABLE_ROWS = 3000,
    TABLE_ID_COLUMN_CONTENT = 3,
};

/* ---- the engine alone ---- */

static const struct key_column clustering[] = {{.kind = KEY_INT64, .descending = true},
                                               {.kind = KEY_UUID, .descending = true}};

static void encode_row(const struct chat_message *message, struct row_builder *builder, struct buffer *key,
                       struct buffer *image)
{
    uint8_t created[8], updated[8], deleted = message->deleted;
    store_be64(created, (uint64_t)message->created_ms);
    store_be64(updated, (uint64_t)message->updated_ms);
    buffer_clear(key);
    buffer_clear(image);
    measure_check(key_append(key, clustering[0], slice_of(created, 8)), "key");
    measure_check(key_append(key, clustering[1], slice_of(message->id, 16)), "key");
    row_builder_reset(builder);
    int64_t timestamp = 1700000000000000 + (int64_t)message->number;
    builder->marker = (struct marker){.timestamp = timestamp};
    const struct slice values[] = {slice_of(message->content, message->content_bytes),
                                   slice_of(message->member_id, 16), slice_of(&deleted, 1),
                                   slice_of(updated, 8)};
    for (uint32_t c = 0; c < ARRAY_LEN(values); c++)
        row_builder_add(builder, (struct cell){.column = TABLE_ID_COLUMN_CONTENT + c,
                                               .kind = CELL_LIVE,
                                               .timestamp = timestamp,
                                               .value = values[c]});
    measure_check(row_builder_finish(builder, image), "image");
}

static struct store *open_store(const char *io, const char *folder, uint64_t *out_table)
{
    struct store_options options = {.folder = folder, .io = io, .memtable_bytes = 256 << 20};
    struct store *store;
    measure_check(store_open(&options, &store), "open");
    struct store_change create = {.kind = STORE_CREATE_TABLE,
                                  .table_id = store_new_table_id(store),
                                  .options = {.gc_grace_s = 864000, .compression_level = 1}};
    measure_check(store_change(store, &create, 1), "create table");
    *out_table = create.table_id;
    return store;
}

static void engine_load(struct store *store, uint64_t table, const char *engine, const char *phase,
                        struct chat_stream *stream, uint64_t rows, enum durability durability)
{
    struct row_builder builder = {0};
    struct buffer key = {0}, image = {0};
    struct batch batch = {0};
    struct latency latency = {0};
    static struct chat_message message;
    enum chat_event_kind kind;
    uint64_t done = 0;
    int64_t spent_ns = 0;
    chat_stream_rewind(stream);
    while (done < rows && chat_stream_next(stream, &kind, &message)) {
        if (kind != CHAT_SENT)
            continue;
        int64_t begun_ns = latency_now_ns();
        encode_row(&message, &builder, &key, &image);
        batch_clear(&batch);
        batch_begin(&batch, table, partition_key_of(slice_of(message.channel_id, 16)));
        batch_row(&batch, buffer_slice(&key), buffer_slice(&image));
        batch_end(&batch);
        measure_check(store_apply(store, &batch, durability), "apply");
        int64_t taken_ns = latency_now_ns() - begun_ns;
        spent_ns += taken_ns;
        latency_add(&latency, taken_ns);
        done++;
    }
    measure(engine, phase, "rows_per_s", (double)done / ((double)spent_ns / 1e9), "1/s");
    measure_latency(engine, phase, &latency);
    latency_deinit(&latency);
    row_builder_deinit(&builder);
    buffer_deinit(&key);
    buffer_deinit(&image);
    batch_deinit(&batch);
}

static void engine_newest(struct store *store, uint64_t table, const char *engine, const char *phase,
                          struct chat_stream *stream)
{
    struct latency latency = {0};
    uint64_t state = 7, rows = 0, bytes = 0;
    struct store_read read = {.table_id = table};
    for (int i = 0; i < READS; i++) {
        uint8_t id[16];
        chat_stream_channel_id(stream, chat_stream_pick_channel(stream, &state), id);
        int64_t begun_ns = latency_now_ns();
        struct cursor *cursor;
        measure_check(store_cursor_open_one(store, &read, partition_key_of(slice_of(id, 16)), NULL, &cursor),
                      "open cursor");
        if (cursor) {
            measure_check(cursor_seek_row(cursor, (struct slice){0}), "seek");
            for (int n = 0; cursor->on_row && n < 50; n++) {
                bytes += cursor->row.image.bytes;
                rows++;
                measure_check(cursor_next(cursor), "next");
            }
            cursor_close(cursor);
        }
        latency_add(&latency, latency_now_ns() - begun_ns);
    }
    if (!rows || !bytes)
        measure_fail(phase, "no rows");
    measure_latency(engine, phase, &latency);
    latency_deinit(&latency);
}

static void bench_engine(const char *io, struct chat_stream *stream, uint64_t rows)
{
    char folder[] = "/var/tmp/strait-bench-XXXXXX", engine[64];
    bool disk = strcmp(io, "memory") != 0;
    uint64_t table;
    snprintf(engine, sizeof engine, "engine/%s", io);
    if (disk && !mkdtemp(folder))
        measure_fail(folder, "cannot be made");
    struct store *store = open_store(io, disk ? folder : NULL, &table);
    engine_load(store, table, engine, "load1", stream, rows, DURABILITY_PERIODIC);
    engine_newest(store, table, engine, "latest50", stream);
    int64_t begun_ns = latency_now_ns();
    measure_check(store_flush(store, 0), "flush");
    measure_check(store_settle(store), "settle");
    measure(engine, "settle", "seconds", (double)(latency_now_ns() - begun_ns) / 1e9, "s");
    struct store_table_stats stats;
    measure_check(store_table_stats(store, table, &stats), "statistics");
    measure(engine, "space", "disk_bytes_per_row", (double)stats.sstable_bytes / (double)rows, "B");
    engine_newest(store, table, engine, "latest50_flushed", stream);
    if (disk)
        engine_load(store, table, engine, "durable1", stream, DURABLE_ROWS, DURABILITY_DURABLE);
    measure_check(store_close(store), "close");
    if (disk)
        folder_remove(folder);
}

/* ---- through CQL ---- */

static void need(int result, int wanted, strait *db, const char *what)
{
    if (result != wanted)
        measure_fail(what, strait_error_message(db));
}

static void cql_load(strait *db, const char *engine, struct chat_stream *stream, uint64_t rows)
{
    strait_statement *insert;
    static struct chat_message message;
    enum chat_event_kind kind;
    struct latency latency = {0};
    uint64_t done = 0;
    int64_t spent_ns = 0;
    need(
        strait_prepare(
            db,
            "INSERT INTO chat.messages (channel_id, created_at, id, content, member_id, deleted, updated_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            -1, &insert, NULL),
        STRAIT_OK, db, "prepare");
    chat_stream_rewind(stream);
    while (done < rows && chat_stream_next(stream, &kind, &message)) {
        if (kind != CHAT_SENT)
            continue;
        int64_t begun_ns = latency_now_ns();
        strait_bind_uuid(insert, 0, message.channel_id);
        strait_bind_int64(insert, 1, message.created_ms);
        strait_bind_uuid(insert, 2, message.id);
        strait_bind_text(insert, 3, message.content, (int64_t)message.content_bytes);
        strait_bind_uuid(insert, 4, message.member_id);
        strait_bind_bool(insert, 5, message.deleted);
        strait_bind_int64(insert, 6, message.updated_ms);
        need(strait_step(insert), STRAIT_DONE, db, "insert");
        strait_reset(insert);
        int64_t taken_ns = latency_now_ns() - begun_ns;
        spent_ns += taken_ns;
        latency_add(&latency, taken_ns);
        done++;
    }
    measure(engine, "load1", "rows_per_s", (double)done / ((double)spent_ns / 1e9), "1/s");
    measure_latency(engine, "load1", &latency);
    latency_deinit(&latency);
    strait_finalize(insert);
}

static void cql_newest(strait *db, const char *engine, const char *phase, struct chat_stream *stream)
{
    strait_statement *select;
    struct latency latency = {0};
    uint64_t state = 7, rows = 0;
    need(strait_prepare(
             db,
             "SELECT * FROM chat.messages WHERE channel_id = ? ORDER BY created_at DESC, id DESC LIMIT 50",
             -1, &select, NULL),
         STRAIT_OK, db, "prepare");
    for (int i = 0; i < READS; i++) {
        uint8_t id[16];
        int result;
        chat_stream_channel_id(stream, chat_stream_pick_channel(stream, &state), id);
        int64_t begun_ns = latency_now_ns();
        strait_bind_uuid(select, 0, id);
        while ((result = strait_step(select)) == STRAIT_ROW)
            rows++;
        need(result, STRAIT_DONE, db, "select");
        strait_reset(select);
        latency_add(&latency, latency_now_ns() - begun_ns);
    }
    if (!rows)
        measure_fail(phase, "no rows");
    measure_latency(engine, phase, &latency);
    latency_deinit(&latency);
    strait_finalize(select);
}

static void bench_cql(const char *io, struct chat_stream *stream, uint64_t rows)
{
    char folder[] = "/var/tmp/strait-bench-XXXXXX", engine[64];
    bool disk = strcmp(io, "memory") != 0;
    strait *db;
    strait_options options = {.struct_bytes = sizeof options,
                              .io = disk ? io : NULL,
                              .durability = STRAIT_PERIODIC,
                              .memtable_bytes = 256 << 20};
    snprintf(engine, sizeof engine, "cql/%s", io);
    if (disk && !mkdtemp(folder))
        measure_fail(folder, "cannot be made");
    need(strait_open(disk ? folder : ":memory:", &options, &db), STRAIT_OK, db, "open");
    need(strait_exec(
             db,
             "CREATE KEYSPACE chat WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
             "CREATE TABLE chat.messages (channel_id uuid, created_at timestamp, id uuid, content text, "
             "member_id uuid, deleted boolean, updated_at timestamp, "
             "PRIMARY KEY (channel_id, created_at, id)) "
             "WITH CLUSTERING ORDER BY (created_at DESC, id DESC)"),
         STRAIT_OK, db, "schema");
    cql_load(db, engine, stream, rows);
    cql_newest(db, engine, "latest50", stream);
    need(strait_flush(db, NULL, NULL), STRAIT_OK, db, "flush");
    cql_newest(db, engine, "latest50_flushed", stream);
    strait_close(db);
    if (disk)
        folder_remove(folder);
}

int main(int argc, char **argv)
{
    static const char *const bodies[] = {"uring", "threads", "memory"};
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 500000;
    struct chat_stream *stream = chat_stream_new(1, rows);
    if (!stream)
        measure_fail("stream", "out of memory");
    for (unsigned i = 0; i < ARRAY_LEN(bodies); i++)
        bench_engine(bodies[i], stream, rows);
    for (unsigned i = 0; i < ARRAY_LEN(bodies); i++)
        bench_cql(bodies[i], stream, rows);
    chat_stream_free(stream);
    return 0;
}
