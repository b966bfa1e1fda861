#include "tools/demo_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "tools/crystal_schema.h"
#include "tools/progress.h"

enum {
    BACK_PAGES_MAX = 20, /* of one walk back through a channel */
    QUIET_RANKS = 2,     /* one walk in so many goes through a quiet channel */
};

struct run {
    const struct demo_options *options;
    const struct strategy *strategy;
    struct chat_stream *stream;
    struct demo_result *result;
    char path[4096];
    strait *db; /* owned */
};

static bool stopped(const struct run *run)
{
    return run->options->stop && *run->options->stop;
}

static bool complain(const struct run *run, const char *doing)
{
    fprintf(stderr, "strait demo: %s: %s\n", doing, run->db ? strait_error_message(run->db) : "no store");
    return false;
}

static bool open_store(struct run *run)
{
    strait_options options = {
        .struct_bytes = sizeof options,
        .profile = run->options->profile,
        .io = run->options->io,
        .durability = run->options->durability,
        .cache_bytes = DEMO_CACHE_BYTES,
    };
    int result = strait_open(run->path, &options, &run->db);
    return result == STRAIT_OK || complain(run, run->path);
}

static bool close_store(struct run *run)
{
    int result = strait_close(run->db);
    run->db = NULL;
    if (result != STRAIT_OK)
        fprintf(stderr, "strait demo: closing: %s\n", strait_result_text(result));
    return result == STRAIT_OK;
}

static bool make_schema(struct run *run)
{
    if (strait_exec(run->db, crystal_schema) != STRAIT_OK)
        return complain(run, "crystal schema");
    if (!run->strategy->table)
        return true;
    if (strait_exec(run->db, "DROP TABLE crystal.messages") != STRAIT_OK ||
        strait_exec(run->db, run->strategy->table) != STRAIT_OK ||
        strait_exec(run->db, "CREATE INDEX messages_member_id_idx ON crystal.messages (member_id)") !=
            STRAIT_OK)
        return complain(run, run->strategy->table);
    return true;
}

static strait_statement *prepare(struct run *run, const char *text)
{
    strait_statement *statement = NULL;
    if (strait_prepare(run->db, text, -1, &statement, NULL) != STRAIT_OK)
        complain(run, text);
    return statement;
}

/* ---- load ---- */

static bool load(struct run *run)
{
    const struct strategy *s = run->strategy;
    const struct strategy_statement *texts[] = {
        [CHAT_SENT] = &s->insert,
        [CHAT_EDITED] = &s->edit,
        [CHAT_MARKED] = &s->mark,
        [CHAT_REMOVED] = &s->remove,
    };
    strait_statement *statements[4] = {0};
    bool good = true;
    for (unsigned i = 0; i < 4; i++) {
        statements[i] = prepare(run, texts[i]->text);
        good &= statements[i] != NULL;
    }

    struct progress progress;
    static struct chat_message message;
    enum chat_event_kind kind;
    uint64_t events = 0, sent = 0;
    progress_begin(&progress, "loading", "messages", chat_stream_messages(run->stream));
    chat_stream_rewind(run->stream);
    while (good && !stopped(run) && chat_stream_next(run->stream, &kind, &message)) {
        int64_t begun_ns = latency_now_ns();
        strait_statement *statement = statements[kind];
        if (strategy_bind(statement, texts[kind]->fields, &message) != STRAIT_OK ||
            strait_step(statement) != STRAIT_DONE || strait_reset(statement) != STRAIT_OK) {
            good = complain(run, texts[kind]->text);
            break;
        }
        events++;
        if (kind == CHAT_SENT) {
            latency_add(&run->result->insert, latency_now_ns() - begun_ns);
            progress_at(&progress, ++sent);
        }
    }
    run->result->load_s = progress_end(&progress, sent);
    run->result->events = events;
    for (unsigned i = 0; i < 4; i++)
        strait_finalize(statements[i]);
    return good && !stopped(run);
}

static int64_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    if (fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static bool settle(struct run *run)
{
    struct progress progress;
    run->result->resident_bytes = resident_bytes();
    progress_begin(&progress, "settling", "flush and compaction", 0);
    if (strait_flush(run->db, NULL, NULL) != STRAIT_OK || strait_settle(run->db) != STRAIT_OK)
        return complain(run, "settling");
    run->result->settle_s = progress_end(&progress, 0);
    return !stopped(run);
}

/* ---- reads ---- */

/* A query of one page, and where it has what the next page goes on from. */
struct page_query {
    const struct strategy_statement *text;
    strait_statement *statement; /* owned */
    int created_at, id;          /* columns */
};

static bool page_query_init(struct run *run, const struct strategy_statement *text, struct page_query *query)
{
    *query = (struct page_query){.text = text, .created_at = -1, .id = -1};
    query->statement = prepare(run, text->text);
    for (int c = 0; query->statement && c < strait_column_count(query->statement); c++) {
        const char *name = strait_column_name(query->statement, c);
        if (strcmp(name, "created_at") == 0)
            query->created_at = c;
        else if (strcmp(name, "id") == 0)
            query->id = c;
    }
    return query->statement && query->created_at >= 0 && query->id >= 0;
}

/* The last row that a page gave, to go on from. */
static bool remember_row(const struct page_query *query, struct chat_message *message)
{
    size_t bytes;
    const void *id = strait_column_wire(query->statement, query->id, &bytes);
    if (!id || bytes != sizeof message->id)
        return false;
    memcpy(message->id, id, bytes);
    message->created_ms = strait_column_int64(query->statement, query->created_at);
    return true;
}

/* Read one page; its rows are added to *rows, and `message` stands on the last one. */
static bool read_page(struct run *run, const struct page_query *query, struct chat_message *message,
                      unsigned *rows)
{
    strait_statement *statement = query->statement;
    int result = strategy_bind(statement, query->text->fields, message);
    while (result == STRAIT_OK || result == STRAIT_ROW) {
        result = strait_step(statement);
        if (result == STRAIT_ROW) {
            ++*rows;
            if (!remember_row(query, message))
                return complain(run, "a row without an id");
        }
    }
    return (result == STRAIT_DONE && strait_reset(statement) == STRAIT_OK) ||
           complain(run, query->text->text);
}

static int32_t month_before(int32_t month)
{
    return month % 100 == 1 ? month - 100 + 11 : month - 1;
}

static void aim_at_channel(const struct run *run, uint32_t channel, struct chat_message *message)
{
    int32_t first_month;
    message->channel = channel;
    message->server = channel / CHAT_CHANNELS_PER_SERVER;
    chat_stream_channel_id(run->stream, channel, message->channel_id);
    chat_stream_server_id(run->stream, message->server, message->server_id);
    chat_stream_months(run->stream, &first_month, &message->month);
}

/* The newest rows of a channel; under a key with the month as many queries as it takes to find them. */
static bool read_newest(struct run *run, const struct page_query *newest, struct chat_message *message,
                        unsigned *out_rows, uint64_t *queries)
{
    int32_t first_month, last_month;
    chat_stream_months(run->stream, &first_month, &last_month);
    *out_rows = 0;
    do {
        if (!read_page(run, newest, message, out_rows))
            return false;
        ++*queries;
        if (!run->strategy->by_month || *out_rows >= STRATEGY_PAGE_ROWS || message->month == first_month)
            return true;
        message->month = month_before(message->month);
    } while (true);
}

static bool time_newest(struct run *run, const struct page_query *newest)
{
    static struct chat_message message;
    uint64_t state = run->options->seed;
    struct progress progress;
    progress_begin(&progress, "newest 50", "reads", run->options->reads);
    for (uint64_t i = 0; i < run->options->reads && !stopped(run); i++) {
        unsigned rows;
        aim_at_channel(run, chat_stream_pick_channel(run->stream, &state), &message);
        int64_t begun_ns = latency_now_ns();
        if (!read_newest(run, newest, &message, &rows, &run->result->newest_queries))
            return false;
        latency_add(&run->result->newest, latency_now_ns() - begun_ns);
        run->result->newest_reads++;
        progress_at(&progress, i + 1);
    }
    progress_end(&progress, run->result->newest_reads);
    return !stopped(run);
}

/* Walk back from the newest page of a channel, page by page. */
static bool walk_back(struct run *run, const struct page_query *newest, const struct page_query *back,
                      uint32_t channel)
{
    static struct chat_message message;
    unsigned rows;
    uint64_t queries = 0;
    int32_t first_month, last_month;
    chat_stream_months(run->stream, &first_month, &last_month);
    aim_at_channel(run, channel, &message);
    if (!read_newest(run, newest, &message, &rows, &queries))
        return false;
    for (int page = 0; page < BACK_PAGES_MAX && rows; page++) {
        int64_t begun_ns = latency_now_ns();
        rows = 0;
        for (;;) {
            if (!read_page(run, back, &message, &rows))
                return false;
            run->result->back_queries++;
            if (!run->strategy->by_month || rows >= STRATEGY_PAGE_ROWS || message.month == first_month)
                break;
            message.month = month_before(message.month);
        }
        latency_add(&run->result->back, latency_now_ns() - begun_ns);
        run->result->back_pages++;
    }
    return true;
}

static bool time_back(struct run *run, const struct page_query *newest, const struct page_query *back)
{
    uint64_t walks = run->options->reads / 200 + 1;
    uint64_t state = run->options->seed + 1;
    uint32_t channels = chat_stream_channels(run->stream);
    struct progress progress;
    progress_begin(&progress, "page back", "walks", walks);
    for (uint64_t i = 0; i < walks && !stopped(run); i++) {
        uint32_t channel =
            i % QUIET_RANKS == 0
                ? chat_stream_pick_channel(run->stream, &state)
                : chat_stream_channel_of_rank(run->stream, channels - 1 - (uint32_t)(i % (channels / 2)));
        if (!walk_back(run, newest, back, channel))
            return false;
        progress_at(&progress, i + 1);
    }
    progress_end(&progress, walks);
    return !stopped(run);
}

static bool time_reads(struct run *run)
{
    struct page_query newest = {0}, back = {0};
    bool good = page_query_init(run, &run->strategy->newest, &newest) &&
                page_query_init(run, &run->strategy->back, &back) && time_newest(run, &newest) &&
                time_back(run, &newest, &back);
    strait_finalize(newest.statement);
    strait_finalize(back.statement);
    return good;
}

/* ---- verification ---- */

static bool same_bytes(strait_statement *statement, int column, const void *expected, size_t expected_bytes)
{
    size_t bytes;
    const void *actual = strait_column_wire(statement, column, &bytes);
    return actual && bytes == expected_bytes && memcmp(actual, expected, bytes) == 0;
}

/* Of the fields that every strategy keeps; a sum of them does not depend on the order of rows. */
static uint64_t message_hash(const struct chat_message *message)
{
    struct {
        uint8_t channel_id[16], id[16], member_id[16];
        int64_t created_ms, updated_ms, deleted;
    } fields = {
        .created_ms = message->created_ms,
        .updated_ms = message->updated_ms,
        .deleted = message->deleted,
    };
    memcpy(fields.channel_id, message->channel_id, 16);
    memcpy(fields.id, message->id, 16);
    memcpy(fields.member_id, message->member_id, 16);
    uint64_t content = hash64(slice_of(message->content, message->content_bytes), 0);
    return hash64(slice_of(&fields, sizeof fields), content);
}

static bool row_is(strait_statement *scan, const struct chat_message *message)
{
    return same_bytes(scan, 0, message->channel_id, 16) &&
           strait_column_int64(scan, 1) == message->created_ms && same_bytes(scan, 2, message->id, 16) &&
           same_bytes(scan, 3, message->content, message->content_bytes) &&
           same_bytes(scan, 4, message->member_id, 16) && !strait_column_is_null(scan, 5) &&
           !strait_column_bool(scan, 5) == !message->deleted &&
           strait_column_int64(scan, 6) == message->updated_ms;
}

/* Where the partition of the last row lies. */
struct ring_place {
    bool known;
    unsigned part;
    struct chat_message message;
};

/* One bit a message: set when its row was found. */
static bool found_before(uint8_t *found, uint64_t number)
{
    uint8_t bit = (uint8_t)(1u << number % 8);
    bool before = found[number / 8] & bit;
    found[number / 8] |= bit;
    return before;
}

/* Rows come partition by partition, so that a token is seldom computed. */
static void count_on_ring(struct run *run, const struct chat_message *message, struct ring_place *place)
{
    if (!place->known || !strategy_same_partition(run->strategy, &place->message, message)) {
        uint64_t from_begin = (uint64_t)strategy_token(run->strategy, message) ^ (uint64_t)1 << 63;
        place->part = (unsigned)(from_begin / (UINT64_MAX / DEMO_RING_PARTS + 1));
        place->message = *message;
        place->known = true;
    }
    run->result->ring_rows[place->part]++;
}

static bool verify_row(struct run *run, strait_statement *scan, uint8_t *found, struct chat_message *message)
{
    size_t bytes;
    const uint8_t *id = strait_column_wire(scan, 2, &bytes);
    uint64_t number = id && bytes == 16 ? chat_stream_number_of(run->stream, id) : UINT64_MAX;
    if (!chat_stream_message(run->stream, number, message) || !row_is(scan, message) ||
        found_before(found, number)) {
        fprintf(stderr, "strait demo: a row (message %llu) is not what was written, or is there twice\n",
                (unsigned long long)number);
        return false;
    }
    run->result->content_hash += message_hash(message);
    run->result->logical_bytes += 16 + 8 + 16 + (int64_t)message->content_bytes + 16 + 1 + 8;
    return true;
}

/* Every row of the store is the message that its id names, none is there twice, and there are as many as there were
 * messages left: then the store holds all of them. */
static bool verify(struct run *run)
{
    static const char text[] =
        "SELECT channel_id, created_at, id, content, member_id, deleted, updated_at FROM crystal.messages";
    static struct chat_message message;
    static struct ring_place place;
    uint8_t *found = calloc(chat_stream_messages(run->stream) / 8 + 1, 1);
    strait_statement *scan = found ? prepare(run, text) : NULL;
    uint64_t expected = chat_stream_live(run->stream), rows = 0;
    struct progress progress;
    bool good = scan != NULL;
    int result = STRAIT_DONE;

    place.known = false;
    progress_begin(&progress, "verifying", "rows", expected);
    while (good && !stopped(run) && (result = strait_step(scan)) == STRAIT_ROW) {
        good = verify_row(run, scan, found, &message);
        count_on_ring(run, &message, &place);
        progress_at(&progress, ++rows);
    }
    if (good && !stopped(run) && result != STRAIT_DONE)
        good = complain(run, text);
    run->result->verify_s = progress_end(&progress, rows);
    run->result->rows = rows;
    if (good && !stopped(run) && rows != expected) {
        fprintf(stderr, "strait demo: %llu rows where %llu were written\n", (unsigned long long)rows,
                (unsigned long long)expected);
        good = false;
    }
    strait_finalize(scan);
    free(found);
    return good && !stopped(run);
}

static bool reopen(struct run *run)
{
    if (!close_store(run))
        return false;
    int64_t begun_ns = latency_now_ns();
    if (!open_store(run))
        return false;
    run->result->reopen_ms = (double)(latency_now_ns() - begun_ns) / 1e6;
    return true;
}

/* ---- statistics: what the `strait` keyspace says ---- */

/* The columns of the first row of `text`, in order, as integers. */
static bool query_numbers(struct run *run, const char *text, int64_t *const *out, int count)
{
    strait_statement *statement = prepare(run, text);
    if (!statement)
        return false;
    int result = strait_step(statement);
    bool good = result == STRAIT_ROW && strait_column_count(statement) == count;
    for (int c = 0; good && c < count; c++)
        *out[c] = strait_column_int64(statement, c);
    if (!good)
        complain(run, text);
    strait_finalize(statement);
    return good;
}

static bool collect_load_statistics(struct run *run)
{
    struct demo_result *r = run->result;
    int64_t written = 0;
    int64_t *const of_table[] = {&r->sstables, &r->sstable_bytes, &r->raw_bytes};
    int64_t *const of_all[] = {&written, &r->flushed_bytes};
    int64_t *const of_store[] = {&r->batch_bytes, &r->log_bytes};
    if (!query_numbers(run,
                       "SELECT sstables, sstable_bytes, sstable_raw_bytes FROM strait.tables "
                       "WHERE keyspace_name = 'crystal' AND table_name = 'messages'",
                       of_table, 3) ||
        !query_numbers(run,
                       "SELECT sum(written_bytes), sum(flushed_bytes) FROM strait.tables "
                       "WHERE keyspace_name = 'crystal'",
                       of_all, 2) ||
        !query_numbers(run, "SELECT batch_bytes, log_bytes FROM strait.store", of_store, 2))
        return false;
    r->compacted_bytes = written - r->flushed_bytes;
    return true;
}

static bool collect_read_statistics(struct run *run)
{
    struct demo_result *r = run->result;
    int64_t *const of_table[] = {&r->table_reads, &r->sources_read};
    return query_numbers(run,
                         "SELECT reads, sources_read FROM strait.tables "
                         "WHERE keyspace_name = 'crystal' AND table_name = 'messages'",
                         of_table, 2);
}

/* strait.partition_sizes has one row a percentile. */
static bool collect_partitions(struct run *run)
{
    static const char text[] = "SELECT percentile, partitions, rows, bytes FROM strait.partition_sizes "
                               "WHERE keyspace_name = 'crystal' AND table_name = 'messages'";
    struct demo_result *r = run->result;
    const struct {
        double percentile;
        int64_t *rows, *bytes;
    } wanted[] = {
        {50, &r->partition_rows.p50, &r->partition_bytes.p50},
        {90, &r->partition_rows.p90, &r->partition_bytes.p90},
        {99, &r->partition_rows.p99, &r->partition_bytes.p99},
        {100, &r->partition_rows.max, &r->partition_bytes.max},
    };
    strait_statement *statement = prepare(run, text);
    if (!statement)
        return false;
    int result;
    while ((result = strait_step(statement)) == STRAIT_ROW) {
        r->partitions = strait_column_int64(statement, 1);
        for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            if (strait_column_double(statement, 0) == wanted[i].percentile) {
                *wanted[i].rows = strait_column_int64(statement, 2);
                *wanted[i].bytes = strait_column_int64(statement, 3);
            }
        }
    }
    if (result != STRAIT_DONE)
        complain(run, text);
    strait_finalize(statement);
    return result == STRAIT_DONE;
}

bool demo_run(const struct demo_options *options, const struct strategy *strategy, struct chat_stream *stream,
              struct demo_result *out_result)
{
    struct run run = {.options = options, .strategy = strategy, .stream = stream, .result = out_result};
    *out_result = (struct demo_result){.strategy = strategy};
    snprintf(run.path, sizeof run.path, "%s/%s", options->dir, strategy->folder);

    if (access(run.path, F_OK) == 0) {
        fprintf(stderr, "strait demo: %s is there already; a demonstration begins with an empty folder\n",
                run.path);
        return false;
    }
    bool good = open_store(&run);
    if (good)
        snprintf(out_result->io, sizeof out_result->io, "%s", strait_io(run.db));
    good = good && make_schema(&run) && load(&run) && settle(&run) && collect_load_statistics(&run) &&
           time_reads(&run) && collect_read_statistics(&run) && reopen(&run) && verify(&run) &&
           collect_partitions(&run);
    if (run.db)
        good &= close_store(&run);
    return good;
}

void demo_result_deinit(struct demo_result *result)
{
    latency_deinit(&result->insert);
    latency_deinit(&result->newest);
    latency_deinit(&result->back);
}
