/*
 * What CQL costs above the engine: prepared INSERT and newest-50 of chat rows in memory, bare (store.h), through a session as the
 * server uses it (session.h), and through strait.h; and what it costs to parse and to prepare.
 *
 *   bench_cql [OPERATIONS]            every phase several times in turn; medians of processor time, in microseconds
 *   bench_cql --phase NAME OPERATIONS one phase once, for a profiler: the operations run inside measured()
 *   bench_cql --phases                their names
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <strait.h>

#include "bench/measure.h"
#include "cql/parse.h"
#include "cql/session.h"
#include "tools/chat_stream.h"

enum {
    ROUNDS = 7,
    OPERATIONS = 50000,
    WARM_OPERATIONS = 2000,
    PAGE_ROWS = 50,
    READ_ROWS = 50000, /* that the reading phases find */
    COLUMNS = 7,
    MEMTABLE_BYTES = 256 << 20,
};

static const char schema_text[] =
    "CREATE KEYSPACE chat WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
    "CREATE TABLE chat.messages (channel_id uuid, created_at timestamp, id uuid, content text, "
    "member_id uuid, deleted boolean, updated_at timestamp, "
    "PRIMARY KEY (channel_id, created_at, id)) "
    "WITH CLUSTERING ORDER BY (created_at DESC, id DESC)";
static const char insert_text[] =
    "INSERT INTO chat.messages (channel_id, created_at, id, content, member_id, deleted, updated_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)";
static const char newest_text[] =
    "SELECT * FROM chat.messages WHERE channel_id = ? ORDER BY created_at DESC, id DESC LIMIT 50";

/* ---- the rows ---- */

/* A message as the protocol carries it. */
struct message {
    uint8_t channel_id[16], created_at[8], id[16], member_id[16], deleted[1], updated_at[8];
    int64_t created_ms, updated_ms;
    struct slice content; /* of `contents` */
};

static struct message *messages;
static uint8_t *contents;

static void make_messages(struct chat_stream *stream, uint32_t count)
{
    struct chat_message made;
    enum chat_event_kind kind;
    size_t at = 0;
    messages = calloc(count, sizeof *messages);
    contents = malloc((size_t)count * CHAT_CONTENT_BYTES_MAX);
    if (!messages || !contents)
        measure_fail("rows", "out of memory");
    for (uint32_t i = 0; i < count;) {
        if (!chat_stream_next(stream, &kind, &made))
            measure_fail("rows", "the stream ended");
        if (kind != CHAT_SENT)
            continue;
        struct message *message = &messages[i++];
        memcpy(message->channel_id, made.channel_id, 16);
        memcpy(message->id, made.id, 16);
        memcpy(message->member_id, made.member_id, 16);
        store_be64(message->created_at, (uint64_t)made.created_ms);
        store_be64(message->updated_at, (uint64_t)made.updated_ms);
        message->created_ms = made.created_ms;
        message->updated_ms = made.updated_ms;
        message->deleted[0] = made.deleted;
        memcpy(contents + at, made.content, made.content_bytes);
        message->content = slice_of(contents + at, made.content_bytes);
        at += made.content_bytes;
    }
}

static void values_of(const struct message *message, struct cql_value out_values[COLUMNS])
{
    const struct slice slices[COLUMNS] = {
        slice_of(message->channel_id, 16), slice_of(message->created_at, 8),
        slice_of(message->id, 16),         message->content,
        slice_of(message->member_id, 16),  slice_of(message->deleted, 1),
        slice_of(message->updated_at, 8),
    };
    for (uint32_t i = 0; i < COLUMNS; i++)
        out_values[i] = (struct cql_value){.kind = CQL_VALUE, .bytes = slices[i]};
}

/* ---- a database, and whatever a phase needs of it ---- */

struct bench {
    struct cql_database *database;
    struct cql_session *session;
    struct cql_prepared *insert, *newest;
    struct cql_result result;
    struct cql_error error;
    struct store *store;
    uint64_t table_id;
    strait *db;
    strait_statement *strait_insert, *strait_newest;
    struct batch *batches; /* one a message */
    uint32_t batch_count;
    uint8_t (*channels)[16]; /* to be read, one an operation */
    uint64_t sum;            /* of what was read, so that nothing is left out */
};

static void need(const struct bench *bench, bool done, const char *what)
{
    if (!done)
        measure_fail(what, bench->error.message);
}

static void need_strait(const struct bench *bench, int result, int wanted, const char *what)
{
    if (result != wanted)
        measure_fail(what, strait_error_message(bench->db));
}

static void open_session(struct bench *bench)
{
    struct cql_database_options options = {
        .store = {.io = "memory", .memtable_bytes = MEMTABLE_BYTES, .durability = DURABILITY_PERIODIC},
        .profile = PROFILE_SCYLLA_2025_1,
    };
    const struct cql_params none = {.consistency = 1};
    measure_check(cql_database_open(&options, &bench->database), "open");
    measure_check(cql_session_open(bench->database, &bench->session), "session");
    for (const char *at = schema_text; *at;) {
        bool complete, empty;
        size_t bytes = parse_cut(slice_text(at), &complete, &empty);
        need(bench,
             cql_session_query(bench->session, slice_of(at, bytes), &none, &bench->result, &bench->error),
             "schema");
        at += bytes;
    }
    need(bench, cql_session_prepare(bench->session, slice_text(insert_text), &bench->insert, &bench->error),
         "prepare");
    need(bench, cql_session_prepare(bench->session, slice_text(newest_text), &bench->newest, &bench->error),
         "prepare");
    struct store_table table;
    struct buffer properties = {0};
    bench->store = cql_database_store(bench->database);
    measure_check(store_next_table(bench->store, 0, &table, &properties), "table");
    bench->table_id = table.id;
    buffer_deinit(&properties);
}

static void close_session(struct bench *bench)
{
    cql_prepared_release(bench->insert);
    cql_prepared_release(bench->newest);
    cql_session_close(bench->session);
    measure_check(cql_database_close(bench->database), "close");
}

static void open_strait(struct bench *bench)
{
    strait_options options = {.struct_bytes = sizeof options, .memtable_bytes = MEMTABLE_BYTES};
    need_strait(bench, strait_open(":memory:", &options, &bench->db), STRAIT_OK, "open");
    need_strait(bench, strait_exec(bench->db, schema_text), STRAIT_OK, "schema");
    need_strait(bench, strait_prepare(bench->db, insert_text, -1, &bench->strait_insert, NULL), STRAIT_OK,
                "prepare");
    need_strait(bench, strait_prepare(bench->db, newest_text, -1, &bench->strait_newest, NULL), STRAIT_OK,
                "prepare");
}

static void close_strait(struct bench *bench)
{
    strait_finalize(bench->strait_insert);
    strait_finalize(bench->strait_newest);
    strait_close(bench->db);
}

/* ---- insert ---- */

static void make_batch(struct bench *bench, const struct message *message, struct batch *batch)
{
    static const struct key_column clustering[] = {{.kind = KEY_INT64, .descending = true},
                                                   {.kind = KEY_UUID, .descending = true}};
    struct row_builder row = {0};
    struct buffer key = {0}, image = {0};
    measure_check(key_append(&key, clustering[0], slice_of(message->created_at, 8)), "key");
    measure_check(key_append(&key, clustering[1], slice_of(message->id, 16)), "key");
    row_builder_reset(&row);
    int64_t timestamp = 1700000000000000 + (message - messages);
    row.marker = (struct marker){.timestamp = timestamp};
    const struct slice values[] = {message->content, slice_of(message->deleted, 1),
                                   slice_of(message->member_id, 16), slice_of(message->updated_at, 8)};
    for (uint32_t c = 0; c < ARRAY_LEN(values); c++)
        row_builder_add(&row, (struct cell){.column = 3 + c, .timestamp = timestamp, .value = values[c]});
    measure_check(row_builder_finish(&row, &image), "image");
    batch_begin(batch, bench->table_id, partition_key_of(slice_of(message->channel_id, 16)));
    batch_row(batch, buffer_slice(&key), buffer_slice(&image));
    batch_end(batch);
    row_builder_deinit(&row);
    buffer_deinit(&key);
    buffer_deinit(&image);
}

static void open_batches(struct bench *bench, uint32_t operations)
{
    open_session(bench);
    bench->batches = calloc(operations, sizeof *bench->batches);
    if (!bench->batches)
        measure_fail("batches", "out of memory");
    bench->batch_count = operations;
    for (uint32_t i = 0; i < operations; i++)
        make_batch(bench, &messages[i], &bench->batches[i]);
}

static void close_batches(struct bench *bench)
{
    for (uint32_t i = 0; i < bench->batch_count; i++)
        batch_deinit(&bench->batches[i]);
    free(bench->batches);
    close_session(bench);
}

static void run_apply(struct bench *bench, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        measure_check(store_apply(bench->store, &bench->batches[i], DURABILITY_DEFAULT), "apply");
}

static void open_insert(struct bench *bench, uint32_t operations)
{
    (void)operations;
    open_session(bench);
}

static void run_session_insert(struct bench *bench, uint32_t from, uint32_t to)
{
    struct cql_value values[COLUMNS];
    struct cql_params params = {.values = values, .value_count = COLUMNS, .consistency = 1};
    for (uint32_t i = from; i < to; i++) {
        values_of(&messages[i], values);
        need(bench,
             cql_session_execute(bench->session, bench->insert, &params, &bench->result, &bench->error),
             "insert");
    }
}

static void open_strait_insert(struct bench *bench, uint32_t operations)
{
    (void)operations;
    open_strait(bench);
}

static void strait_insert_one(struct bench *bench, const struct message *message)
{
    strait_statement *insert = bench->strait_insert;
    strait_bind_uuid(insert, 0, message->channel_id);
    strait_bind_int64(insert, 1, message->created_ms);
    strait_bind_uuid(insert, 2, message->id);
    strait_bind_text(insert, 3, (const char *)message->content.data, (int64_t)message->content.bytes);
    strait_bind_uuid(insert, 4, message->member_id);
    strait_bind_bool(insert, 5, message->deleted[0]);
    strait_bind_int64(insert, 6, message->updated_ms);
    need_strait(bench, strait_step(insert), STRAIT_DONE, "insert");
    strait_reset(insert);
}

static void run_strait_insert(struct bench *bench, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        strait_insert_one(bench, &messages[i]);
}

/* ---- newest 50 ---- */

/* Channels that have 50 messages at least, by turns. */
static void choose_channels(struct bench *bench, uint32_t operations, uint32_t rows)
{
    enum { CHANNELS_MAX = 1 << 16 };
    static uint32_t counts[CHANNELS_MAX];
    static uint32_t full[CHANNELS_MAX];
    uint32_t full_count = 0;
    memset(counts, 0, sizeof counts);
    bench->channels = calloc(operations, sizeof *bench->channels);
    if (!bench->channels)
        measure_fail("channels", "out of memory");
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t hash =
            (load_be32(messages[i].channel_id) ^ load_be32(messages[i].channel_id + 12)) % CHANNELS_MAX;
        if (++counts[hash] == 2 * PAGE_ROWS)
            full[full_count++] = i;
    }
    if (!full_count)
        measure_fail("channels", "none is long enough");
    for (uint32_t i = 0; i < operations; i++)
        memcpy(bench->channels[i], messages[full[i % full_count]].channel_id, 16);
}

static void open_read(struct bench *bench, uint32_t operations)
{
    open_session(bench);
    run_session_insert(bench, 0, READ_ROWS);
    choose_channels(bench, operations, READ_ROWS);
}

static void close_read(struct bench *bench)
{
    free(bench->channels);
    close_session(bench);
}

static void run_walk(struct bench *bench, uint32_t from, uint32_t to)
{
    struct store_read read = {.table_id = bench->table_id};
    for (uint32_t i = from; i < to; i++) {
        struct cursor *cursor;
        struct partition_key key = partition_key_of(slice_of(bench->channels[i], 16));
        measure_check(store_cursor_open_one(bench->store, &read, key, NULL, &cursor), "open cursor");
        measure_check(cursor_seek_row(cursor, (struct slice){0}), "seek");
        for (uint32_t row = 0; row < PAGE_ROWS && cursor->on_row; row++) {
            bench->sum += cursor->row.image.bytes;
            measure_check(cursor_next(cursor), "next");
        }
        cursor_close(cursor);
    }
}

/* The same, and the bytes of every row copied together: what anything that gives rows out cannot be below. */
static void run_walk_copy(struct bench *bench, uint32_t from, uint32_t to)
{
    struct store_read read = {.table_id = bench->table_id};
    struct buffer *out = &bench->result.rows;
    for (uint32_t i = from; i < to; i++) {
        struct cursor *cursor;
        struct partition_key key = partition_key_of(slice_of(bench->channels[i], 16));
        buffer_clear(out);
        measure_check(store_cursor_open_one(bench->store, &read, key, NULL, &cursor), "open cursor");
        measure_check(cursor_seek_row(cursor, (struct slice){0}), "seek");
        for (uint32_t row = 0; row < PAGE_ROWS && cursor->on_row; row++) {
            buffer_append_slice(out, cursor->row.clustering);
            buffer_append_slice(out, cursor->row.image);
            measure_check(cursor_next(cursor), "next");
        }
        cursor_close(cursor);
        bench->sum += out->bytes;
    }
}

static void run_session_newest(struct bench *bench, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct cql_value value = {.kind = CQL_VALUE, .bytes = slice_of(bench->channels[i], 16)};
        struct cql_params params = {.values = &value, .value_count = 1, .consistency = 1, .page_size = 5000};
        need(bench,
             cql_session_execute(bench->session, bench->newest, &params, &bench->result, &bench->error),
             "newest");
        if (bench->result.row_count != PAGE_ROWS)
            measure_fail("newest", "rows are missing");
        bench->sum += bench->result.rows.bytes;
    }
}

static void open_strait_read(struct bench *bench, uint32_t operations)
{
    open_strait(bench);
    run_strait_insert(bench, 0, READ_ROWS);
    choose_channels(bench, operations, READ_ROWS);
}

static void close_strait_read(struct bench *bench)
{
    free(bench->channels);
    close_strait(bench);
}

static void run_strait_newest(struct bench *bench, uint32_t from, uint32_t to)
{
    strait_statement *newest = bench->strait_newest;
    for (uint32_t i = from; i < to; i++) {
        int result;
        strait_bind_uuid(newest, 0, bench->channels[i]);
        while ((result = strait_step(newest)) == STRAIT_ROW)
            bench->sum++;
        need_strait(bench, result, STRAIT_DONE, "newest");
        strait_reset(newest);
    }
}

static void run_strait_newest_read(struct bench *bench, uint32_t from, uint32_t to)
{
    strait_statement *newest = bench->strait_newest;
    for (uint32_t i = from; i < to; i++) {
        int result;
        strait_bind_uuid(newest, 0, bench->channels[i]);
        while ((result = strait_step(newest)) == STRAIT_ROW)
            for (int column = 0; column < COLUMNS; column++) {
                size_t bytes;
                const uint8_t *wire = strait_column_wire(newest, column, &bytes);
                bench->sum += wire[0] + bytes;
            }
        need_strait(bench, result, STRAIT_DONE, "newest");
        strait_reset(newest);
    }
}

/* ---- parse and prepare ---- */

/* No two texts are the same, so that no cache has them. */
static struct slice text_number(uint32_t number, char *out, size_t out_bytes)
{
    int bytes =
        snprintf(out, out_bytes, "%s -- %u", number % 2 ? newest_text : insert_text, (unsigned)number);
    return slice_of(out, (size_t)bytes);
}

static void run_parse(struct bench *bench, uint32_t from, uint32_t to)
{
    struct arena arena = {0};
    arena_init(&arena, 16 << 10);
    for (uint32_t i = from; i < to; i++) {
        char text[512];
        struct ast_statement *statement;
        need(bench,
             parse_statement(text_number(i, text, sizeof text), PROFILE_SCYLLA_2025_1, &arena, &statement,
                             &bench->error),
             "parse");
        arena_reset(&arena);
    }
    arena_deinit(&arena);
}

static void run_prepare(struct bench *bench, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        char text[512];
        struct cql_prepared *prepared;
        need(bench,
             cql_session_prepare(bench->session, text_number(i, text, sizeof text), &prepared, &bench->error),
             "prepare");
        cql_prepared_release(prepared);
    }
}

/* ---- the phases ---- */

typedef void run_phase(struct bench *bench, uint32_t from, uint32_t to);

static const struct phase {
    const char *engine, *name;
    void (*open)(struct bench *bench, uint32_t operations);
    run_phase *run;
    void (*close)(struct bench *bench);
} phases[] = {
    {"engine", "apply", open_batches, run_apply, close_batches},
    {"session", "insert", open_insert, run_session_insert, close_session},
    {"strait", "insert", open_strait_insert, run_strait_insert, close_strait},
    {"engine", "newest50", open_read, run_walk, close_read},
    {"engine", "newest50_copied", open_read, run_walk_copy, close_read},
    {"session", "newest50", open_read, run_session_newest, close_read},
    {"strait", "newest50", open_strait_read, run_strait_newest, close_strait_read},
    {"strait", "newest50_cells", open_strait_read, run_strait_newest_read, close_strait_read},
    {"session", "parse", open_insert, run_parse, close_session},
    {"session", "prepare", open_insert, run_prepare, close_session},
};

/* The operations, in a function that a profiler can be told of. */
__attribute__((noinline)) static void measured(struct bench *bench, run_phase *run, uint32_t from,
                                               uint32_t to)
{
    run(bench, from, to);
}

static double processor_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Microseconds an operation. The first operations fill buffers and caches and do not count. */
static double run_once(const struct phase *phase, uint32_t operations)
{
    struct bench bench = {0};
    phase->open(&bench, WARM_OPERATIONS + operations);
    phase->run(&bench, 0, WARM_OPERATIONS);
    double begun_us = processor_us();
    measured(&bench, phase->run, WARM_OPERATIONS, WARM_OPERATIONS + operations);
    double spent_us = processor_us() - begun_us;
    phase->close(&bench);
    cql_result_deinit(&bench.result);
    return spent_us / operations;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void run_all(uint32_t operations)
{
    static double spent[ARRAY_LEN(phases)][ROUNDS];
    for (uint32_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < ARRAY_LEN(phases); i++)
            spent[i][round] = run_once(&phases[i], operations);
    for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
        qsort(spent[i], ROUNDS, sizeof(double), compare_doubles);
        measure(phases[i].engine, phases[i].name, "us", spent[i][ROUNDS / 2], "us");
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--phases") == 0) {
        for (size_t i = 0; i < ARRAY_LEN(phases); i++)
            printf("%s/%s\n", phases[i].engine, phases[i].name);
        return 0;
    }
    bool one = argc == 4 && strcmp(argv[1], "--phase") == 0;
    const char *given = one ? argv[3] : argc > 1 ? argv[1] : NULL;
    uint32_t operations = given ? (uint32_t)strtoul(given, NULL, 10) : OPERATIONS;
    uint32_t rows = operations + WARM_OPERATIONS > READ_ROWS ? operations + WARM_OPERATIONS : READ_ROWS;
    struct chat_stream *stream = chat_stream_new(1, rows);
    if (!stream)
        measure_fail("stream", "out of memory");
    make_messages(stream, rows);
    if (!one)
        run_all(operations);
    for (size_t i = 0; one && i < ARRAY_LEN(phases); i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%s", phases[i].engine, phases[i].name);
        if (strcmp(name, argv[2]) == 0)
            measure(phases[i].engine, phases[i].name, "us", run_once(&phases[i], operations), "us");
    }
    chat_stream_free(stream);
    free(messages);
    free(contents);
    return 0;
}
