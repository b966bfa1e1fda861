/*
 * Shortcuts give what the long way gives, byte for byte: random tables, writes and queries, each done both ways. Writes go to
 * one table by shortcuts and to its twin without; queries are asked of one table both ways, page by page.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "database_fixture.h"

enum {
    COLUMNS_MAX = 16,
    VALUES_MAX = 40,
    TEXT_BYTES = 2048,
    TABLES = 12,
    STEPS = 120,
};

static const char *const key_types[] = {"int",  "bigint", "timestamp", "uuid",   "timeuuid",
                                        "text", "date",   "double",    "varint", "boolean"};
static const char *const cell_types[] = {
    "int",    "bigint", "timestamp",         "uuid",    "timeuuid", "text", "date", "double",
    "varint", "blob",   "frozen<list<int>>", "boolean", "text",     "text"};

struct column {
    char name[8];
    const char *type;
    enum { PARTITION, CLUSTERING, STATIC, REGULAR } kind;
    bool descending, gone;
};

/* One random table and its twin. */
struct world {
    struct fixture *f;
    struct random rng;
    struct column columns[COLUMNS_MAX];
    int count, partition, clustering;
    char text[TEXT_BYTES]; /* of a statement, with %s for the table */
    struct cql_value values[VALUES_MAX];
    int value_count;
    struct buffer wire; /* of values, which never moves */
    int64_t now_us;
    uint64_t copied; /* rows, by the quick way */
};

static int below(struct world *w, int bound)
{
    return (int)random_below(&w->rng, (uint64_t)bound);
}

static bool chance(struct world *w, int percent)
{
    return below(w, 100) < percent;
}

__attribute__((format(printf, 2, 3))) static void say(struct world *w, const char *format, ...)
{
    size_t used = strlen(w->text);
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(w->text + used, TEXT_BYTES - used, format, arguments);
    va_end(arguments);
    assert_in_range(bytes, 0, TEXT_BYTES - used - 1);
}

static void begin(struct world *w)
{
    w->text[0] = '\0';
    w->value_count = 0;
    buffer_clear(&w->wire);
    assert_true(buffer_reserve(&w->wire, 64 << 10));
}

/* ---- values: few of each type, so that writes meet ---- */

static void put_wire(struct world *w, const char *type)
{
    struct buffer *out = &w->wire;
    uint64_t pick = random_below(&w->rng, 5);
    if (strcmp(type, "int") == 0 || strcmp(type, "date") == 0) {
        buffer_append_be32(out, (uint32_t)(pick - 2));
    } else if (strcmp(type, "bigint") == 0 || strcmp(type, "timestamp") == 0) {
        buffer_append_be64(out, (pick - 2) * 1000003);
    } else if (strcmp(type, "uuid") == 0) {
        buffer_append_be64(out, pick << 40 | (pick == 3 ? 0x1234 : 0x4321));
        buffer_append_be64(out, UINT64_C(0x8000000000000000) + pick);
    } else if (strcmp(type, "timeuuid") == 0) {
        buffer_append_be64(out, pick << 40 | 0x1077);
        buffer_append_be64(out, UINT64_C(0x8000000000000080) + pick);
    } else if (strcmp(type, "double") == 0) {
        double value = (double)pick - 2.5;
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        buffer_append_be64(out, bits);
    } else if (strcmp(type, "varint") == 0) {
        buffer_append_u8(out, (uint8_t)(pick * 60));
    } else if (strcmp(type, "boolean") == 0) {
        buffer_append_u8(out, pick & 1);
    } else if (strcmp(type, "frozen<list<int>>") == 0) {
        buffer_append_be32(out, (uint32_t)pick);
        for (uint64_t i = 0; i < pick; i++) {
            buffer_append_be32(out, 4);
            buffer_append_be32(out, (uint32_t)i);
        }
    } else { /* text and blob, of all lengths that matter to copying */
        static const size_t lengths[] = {0, 1, 3, 5, 9, 15, 16, 17, 40, 64, 65, 127, 128, 300};
        size_t bytes = lengths[random_below(&w->rng, ARRAY_LEN(lengths))];
        for (size_t i = 0; i < bytes; i++)
            buffer_append_u8(out, (uint8_t)('a' + (i + pick) % 26));
    }
}

static void put_key_wire(struct world *w, const char *type)
{
    static const char *const texts[] = {"a", "b", "c\tc", "a rather long one, longer than a piece", "e"};
    if (strcmp(type, "text") == 0)
        buffer_append_slice(&w->wire, slice_text(texts[below(w, ARRAY_LEN(texts))]));
    else
        put_wire(w, type);
}

static void bind(struct world *w, const struct column *column)
{
    size_t at = w->wire.bytes;
    bool key = column->kind == PARTITION || column->kind == CLUSTERING;
    if (key)
        put_key_wire(w, column->type);
    else
        put_wire(w, column->type);
    assert_in_range(w->wire.bytes, 0, 64 << 10);
    assert_true(w->value_count < VALUES_MAX);
    w->values[w->value_count++] =
        (struct cql_value){.kind = CQL_VALUE, .bytes = slice_of(w->wire.data + at, w->wire.bytes - at)};
    if (!key && chance(w, 20))
        w->values[w->value_count - 1] = (struct cql_value){.kind = chance(w, 50) ? CQL_NULL : CQL_UNSET};
    /* An empty value of a clustering column sorts before all others and has no fixed size. */
    if (column->kind == CLUSTERING && strcmp(column->type, "text") != 0 && chance(w, 5))
        w->values[w->value_count - 1].bytes.bytes = 0;
}

/* ---- doing ---- */

static bool execute(struct world *w, const char *table, const struct cql_params *given, bool shortcuts)
{
    struct fixture *f = w->f;
    struct cql_prepared *prepared;
    char text[TEXT_BYTES];
    struct cql_params params = *given;
    snprintf(text, sizeof text, w->text, table);
    params.values = w->values;
    params.value_count = (uint32_t)w->value_count;
    params.consistency = 1;
    cql_session_set_shortcuts(f->session, shortcuts);
    if (!cql_session_prepare(f->session, slice_text(text), &prepared, &f->error))
        return false;
    bool done = cql_session_execute(f->session, prepared, &params, &f->result, &f->error);
    f->result.columns = NULL; /* the statement's */
    cql_prepared_release(prepared);
    return done;
}

/* To both tables, refused by both in the same words or by none. */
static void write_both(struct world *w, int64_t timestamp)
{
    struct cql_params params = {.has_timestamp = true, .timestamp = timestamp};
    bool done = execute(w, "t", &params, true);
    struct cql_error error = w->f->error;
    assert_int_equal(execute(w, "u", &params, false), done);
    if (!done)
        assert_string_equal(error.message, w->f->error.message);
}

struct answer {
    struct buffer rows;
    uint32_t row_count, pages;
    uint64_t examined, tombstones;
    bool done;
    char message[1024];
};

static void answer_deinit(struct answer *answer)
{
    buffer_deinit(&answer->rows);
}

/* All pages together, with their states. */
static struct answer ask(struct world *w, const char *table, int page_size, bool shortcuts)
{
    struct answer answer = {.done = true};
    struct buffer state = {0};
    do {
        struct cql_params params = {.page_size = page_size, .paging_state = buffer_slice(&state)};
        answer.done = execute(w, table, &params, shortcuts);
        if (!answer.done)
            snprintf(answer.message, sizeof answer.message, "%s", w->f->error.message);
        const struct cql_result *result = &w->f->result;
        buffer_clear(&state);
        if (answer.done) {
            buffer_append_slice(&state, buffer_slice(&result->paging_state));
            buffer_append_slice(&answer.rows, buffer_slice(&result->rows));
            buffer_append_be32(&answer.rows, result->row_count);
            if (strcmp(table, "t") == 0)
                buffer_append_slice(&answer.rows, buffer_slice(&state));
            answer.row_count += result->row_count;
            answer.examined += result->rows_examined;
            answer.tombstones += result->tombstones;
            w->copied += result->rows_copied;
            assert_true(shortcuts || !result->rows_copied);
        }
        answer.pages++;
        assert_in_range(answer.pages, 0, 2000);
    } while (answer.done && state.bytes);
    buffer_deinit(&state);
    return answer;
}

static void assert_same(struct world *w, const struct answer *a, const struct answer *b)
{
    if (a->done != b->done || strcmp(a->message, b->message) != 0 ||
        !slice_equal(buffer_slice(&a->rows), buffer_slice(&b->rows)) || a->examined != b->examined ||
        a->tombstones != b->tombstones)
        fail_msg("%s: %u and %u rows, %u and %u pages '%s' '%s'", w->text, (unsigned)a->row_count,
                 (unsigned)b->row_count, (unsigned)a->pages, (unsigned)b->pages, a->message, b->message);
}

/* ---- tables ---- */

static void add_column(struct world *w, int kind, const char *type)
{
    struct column *column = &w->columns[w->count];
    *column = (struct column){.type = type, .kind = kind, .descending = chance(w, 50)};
    snprintf(column->name, sizeof column->name, "%c%d", "pcsr"[kind], w -> count);
    if (kind == REGULAR) /* by name, and so in results, in any order */
        snprintf(column->name, sizeof column->name, "r%c%d", 'a' + below(w, 26), w->count);
    w->partition += kind == PARTITION;
    w->clustering += kind == CLUSTERING;
    w->count++;
}

static void make_table(struct world *w)
{
    int partition = 1 + below(w, 2), clustering = below(w, 4), statics = clustering ? below(w, 3) : 0;
    for (int i = 0; i < partition; i++)
        add_column(w, PARTITION, key_types[below(w, ARRAY_LEN(key_types))]);
    for (int i = 0; i < clustering; i++)
        add_column(w, CLUSTERING, key_types[below(w, i ? ARRAY_LEN(key_types) : 5)]);
    for (int i = 0; i < statics; i++)
        add_column(w, STATIC, cell_types[below(w, ARRAY_LEN(cell_types))]);
    for (int i = below(w, 7); i > 0; i--)
        add_column(w, REGULAR, cell_types[below(w, ARRAY_LEN(cell_types))]);

    begin(w);
    say(w, "CREATE TABLE %%s (");
    for (int i = 0; i < w->count; i++)
        say(w, "%s %s%s, ", w->columns[i].name, w->columns[i].type,
            w->columns[i].kind == STATIC ? " STATIC" : "");
    say(w, "PRIMARY KEY ((");
    for (int i = 0; i < w->partition + w->clustering; i++)
        say(w, "%s%s%s", i == w->partition ? ")" : "", i ? ", " : "", w->columns[i].name);
    say(w, "%s)", w->clustering ? "" : ")");
    say(w, ")");
    for (int i = w->partition; i < w->partition + w->clustering; i++)
        say(w, "%s%s %s", i == w->partition ? " WITH CLUSTERING ORDER BY (" : ", ", w->columns[i].name,
            w->columns[i].descending ? "DESC" : "ASC");
    say(w, "%s", w->clustering ? ")" : "");
    const struct cql_params none = {0};
    for (int i = 0; i < 2; i++)
        if (!execute(w, i ? "u" : "t", &none, true))
            fail_msg("%s: %s", w->text, w->f->error.message);
}

static void alter_table(struct world *w)
{
    const struct cql_params none = {0};
    int victim = below(w, w->count);
    begin(w);
    if (w->columns[victim].kind == REGULAR && !w->columns[victim].gone && chance(w, 40)) {
        w->columns[victim].gone = true;
        say(w, "ALTER TABLE %%s DROP %s", w->columns[victim].name);
    } else if (w->count < COLUMNS_MAX) {
        add_column(w, REGULAR, cell_types[below(w, ARRAY_LEN(cell_types))]);
        say(w, "ALTER TABLE %%s ADD %s %s", w->columns[w->count - 1].name, w->columns[w->count - 1].type);
    } else {
        return;
    }
    for (int i = 0; i < 2; i++)
        if (!execute(w, i ? "u" : "t", &none, true))
            fail_msg("%s: %s", w->text, w->f->error.message);
}

/* ---- writes ---- */

static void say_where(struct world *w, int columns)
{
    for (int i = 0; i < columns; i++) {
        say(w, "%s%s = ?", i ? " AND " : " WHERE ", w->columns[i].name);
        bind(w, &w->columns[i]);
    }
}

static int random_cell(struct world *w)
{
    int at = below(w, w->count);
    bool fits = (w->columns[at].kind == REGULAR || w->columns[at].kind == STATIC) && !w->columns[at].gone;
    return fits ? at : -1;
}

static void insert(struct world *w)
{
    begin(w);
    say(w, "INSERT INTO %%s (");
    int keys = w->partition + w->clustering, count = 0;
    bool most = chance(w, 60), rising = chance(w, 70);
    for (int i = 0; i < w->count; i++) {
        int at = rising || i < keys ? i : keys + (w->count - 1 - i);
        if (w->columns[at].gone || (i >= keys && !chance(w, most ? 95 : 40)))
            continue;
        say(w, "%s%s", count++ ? ", " : "", w->columns[at].name);
        bind(w, &w->columns[at]);
    }
    say(w, ") VALUES (");
    for (int i = 0; i < count; i++)
        say(w, "%s?", i ? ", " : "");
    say(w, ")%s", chance(w, 15) ? " USING TTL 100" : chance(w, 5) ? " USING TIMESTAMP 55" : "");
}

static void update(struct world *w)
{
    int at = random_cell(w);
    if (at < 0) {
        insert(w);
        return;
    }
    begin(w);
    say(w, "UPDATE %%s%s SET %s = ?", chance(w, 20) ? " USING TTL 50" : "", w->columns[at].name);
    bind(w, &w->columns[at]);
    say_where(w, w->columns[at].kind == STATIC ? w->partition : w->partition + w->clustering);
}

static void delete_(struct world *w)
{
    int at = chance(w, 50) ? random_cell(w) : -1;
    begin(w);
    say(w, "DELETE %s FROM %%s", at < 0 ? "" : w->columns[at].name);
    if (at >= 0)
        say_where(w, w->columns[at].kind == STATIC ? w->partition : w->partition + w->clustering);
    else
        say_where(w, w->partition + (chance(w, 10) ? 0 : w->clustering ? 1 + below(w, w->clustering) : 0));
}

static void write_something(struct world *w)
{
    int kind = below(w, 20);
    if (kind < 14)
        insert(w);
    else if (kind < 17)
        update(w);
    else
        delete_(w);
    write_both(w, w->now_us - 1000 + below(w, 1000));
}

/* ---- queries ---- */

static void say_columns(struct world *w)
{
    bool used[COLUMNS_MAX] = {0};
    int count = 1 + below(w, w->count), said = 0;
    if (chance(w, 40)) {
        say(w, "*");
        return;
    }
    for (int i = 0; i < count; i++) {
        int at = chance(w, 50) ? i : below(w, w->count);
        if (w->columns[at].gone || (used[at] && !chance(w, 3)))
            continue;
        used[at] = true;
        say(w, "%s%s", said++ ? ", " : "", w->columns[at].name);
    }
    if (!said)
        say(w, "*");
}

static void say_range(struct world *w, int from)
{
    static const char *const operators[] = {">", ">=", "<", "<="};
    if (from >= w->partition + w->clustering || chance(w, 50))
        return;
    say(w, " AND %s %s ?", w->columns[from].name, operators[below(w, 4)]);
    bind(w, &w->columns[from]);
}

static void query(struct world *w)
{
    begin(w);
    say(w, "SELECT ");
    say_columns(w);
    say(w, " FROM %%s");
    bool scan = chance(w, 25), in = false;
    if (!scan) {
        int equal = w->partition + (chance(w, 50) ? 0 : below(w, w->clustering + 1));
        in = w->partition == 1 && equal == 1 && chance(w, 25);
        say_where(w, equal - in);
        if (in) {
            say(w, " WHERE %s IN (?, ?, ?)", w->columns[0].name);
            for (int i = 0; i < 3; i++)
                bind(w, &w->columns[0]);
        }
        say_range(w, equal);
        if (w->clustering && chance(w, 40))
            say(w, " ORDER BY %s %s", w->columns[w->partition].name, chance(w, 50) ? "ASC" : "DESC");
    }
    if (chance(w, 20))
        say(w, " PER PARTITION LIMIT %d", 1 + below(w, 4));
    if (chance(w, 50))
        say(w, " LIMIT %d", 1 + below(w, 30));
}

static void query_both_ways(struct world *w)
{
    query(w);
    int page_size = chance(w, 50) ? 0 : chance(w, 50) ? 1 + below(w, 7) : 5000;
    struct answer quick = ask(w, "t", page_size, true), slow = ask(w, "t", page_size, false);
    assert_same(w, &quick, &slow);
    answer_deinit(&quick);
    answer_deinit(&slow);
}

/* Every value with its time and TTL, in both tables. */
static void compare_twins(struct world *w)
{
    begin(w);
    say(w, "SELECT ");
    for (int i = 0; i < w->count; i++) {
        const char *name = w->columns[i].name;
        bool cell = w->columns[i].kind == STATIC || w->columns[i].kind == REGULAR;
        if (w->columns[i].gone)
            continue;
        say(w, "%s%s", i ? ", " : "", name);
        if (cell)
            say(w, ", WRITETIME(%s), TTL(%s)", name, name);
    }
    say(w, " FROM %%s");
    struct answer t = ask(w, "t", 0, false), u = ask(w, "u", 0, false);
    assert_same(w, &t, &u);
    answer_deinit(&t);
    answer_deinit(&u);
}

static uint64_t run_world(struct fixture *f, uint64_t seed)
{
    struct world w = {.f = f, .rng = {seed}, .now_us = INT64_C(1700000000000000)};
    struct store *store = cql_database_store(f->database);
    store_clock_set(store, w.now_us);
    make_table(&w);
    for (int step = 0; step < STEPS; step++) {
        w.now_us += 1000000 * below(&w, 30);
        store_clock_set(store, w.now_us);
        for (int i = below(&w, 6); i > 0; i--)
            write_something(&w);
        if (chance(&w, 3))
            assert_true(ok(store_flush(store, 0)));
        if (chance(&w, 3))
            alter_table(&w);
        query_both_ways(&w);
    }
    compare_twins(&w);
    does(f, "DROP TABLE t");
    does(f, "DROP TABLE u");
    buffer_deinit(&w.wire);
    return w.copied;
}

static void shortcuts_give_what_the_long_way_gives(void **state)
{
    (void)state;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = (uint64_t)now.tv_nsec, copied = 0;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    for (uint64_t i = 0; i < TABLES; i++)
        copied += run_world(f, seed + i);
    assert_true(copied > 0);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shortcuts_give_what_the_long_way_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
