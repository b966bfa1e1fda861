/* Random schemas: what DESCRIBE SCHEMA says, said to an empty database, makes one that says the same (SCH-9, SCH-12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/reader.h"
#include "database_fixture.h"

enum {
    SCHEMAS = 12,
    TABLES_MAX = 4,
    COLUMNS_MAX = 6,
};

static uint64_t random_state;

static unsigned pick(unsigned count)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((random_state >> 33) % count);
}

#define PICK(array) array[pick(ARRAY_LEN(array))]

/* Names that need quotes and names that do not; made different by a number. */
static const char *const stems[] = {"plain",    "\"Upper", "\"sel ect", "\"q\"\"q",
                                    "\"select", "key",     "type",      "\"default"};

static void put_name(char *out, size_t bytes, unsigned number, bool is_word)
{
    const char *stem = is_word ? stems[pick(2)] : PICK(stems); /* a table's name is a word, in any case */
    snprintf(out, bytes, *stem == '"' ? "%s%u\"" : "%s%u", stem, number);
}

static const char *const types[] = {
    "int",  "text",         "uuid",          "frozen<list<int>>",      "map<text, int>",      "set<timeuuid>",
    "blob", "list<bigint>", "tuple<int, u>", "frozen<map<int, text>>", "frozen<u>",           "u",
    "date", "duration",     "decimal",       "frozen<set<text>>",      "map<int, frozen<v>>",
};
static const char *const key_types[] = {"int", "text", "timestamp", "uuid", "bigint", "date", "inet"};
static const char *const options[] = {
    "comment = 'it''s'",
    "gc_grace_seconds = 77",
    "default_time_to_live = 600",
    "bloom_filter_fp_chance = 0.1",
    "caching = {'keys': 'NONE', 'rows_per_partition': '10'}",
    "compaction = {'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': '100'}",
    "compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_size': '2'}",
    "compression = {'enabled': 'false'}",
    "speculative_retry = 'ALWAYS'",
    "max_index_interval = 4096",
};

static void make_table(struct fixture *f, unsigned number)
{
    char name[32], column[32], statement[2048];
    unsigned clustering = pick(3), regular = pick(COLUMNS_MAX);
    put_name(name, sizeof name, number, true);
    int used = snprintf(statement, sizeof statement, "CREATE TABLE %s (p %s", name, PICK(key_types));
    for (unsigned i = 0; i < clustering; i++)
        used += snprintf(statement + used, sizeof statement - (size_t)used, ", c%u %s", i, PICK(key_types));
    for (unsigned i = 0; i < regular; i++) {
        put_name(column, sizeof column, 10 * number + i, false);
        used += snprintf(statement + used, sizeof statement - (size_t)used, ", %s %s%s", column, PICK(types),
                         clustering && pick(4) == 0 ? " static" : "");
    }
    used += snprintf(statement + used, sizeof statement - (size_t)used, ", PRIMARY KEY (p%s%s)) WITH %s",
                     clustering > 0 ? ", c0" : "", clustering > 1 ? ", c1" : "", PICK(options));
    if (clustering)
        snprintf(statement + used, sizeof statement - (size_t)used, " AND CLUSTERING ORDER BY (c0 %s%s)",
                 pick(2) ? "DESC" : "ASC", clustering > 1 ? ", c1 DESC" : "");
    does(f, statement);
    if (clustering && pick(2)) {
        snprintf(statement, sizeof statement, "CREATE INDEX ON %s (c0)", name);
        does(f, statement);
    }
    if (pick(2)) {
        snprintf(statement, sizeof statement, "ALTER TABLE %s ADD added%u set<int>", name, number);
        does(f, statement);
    }
}

static void make_schema(struct fixture *f)
{
    does(f, "CREATE TYPE v (a int, \"B b\" text)");
    does(f, "CREATE TYPE u (x frozen<v>, y frozen<list<int>>)");
    for (unsigned i = 0, tables = 1 + pick(TABLES_MAX); i < tables; i++)
        make_table(f, i);
}

/* The statements of DESCRIBE SCHEMA, each terminated. */
static struct buffer described(struct fixture *f)
{
    struct buffer script = {0};
    does(f, "DESCRIBE SCHEMA");
    struct reader in = reader_of(buffer_slice(&f->result.rows));
    for (uint32_t i = 0; i < f->result.row_count; i++) {
        for (int j = 0; j < 3; j++)
            reader_take(&in, reader_be32(&in));
        buffer_append_slice(&script, reader_take(&in, reader_be32(&in)));
        buffer_append_u8(&script, 0);
    }
    assert_false(in.failed || script.failed);
    return script;
}

static void a_described_schema_replays(void **state)
{
    (void)state;
    for (int schema = 0; schema < SCHEMAS; schema++) {
        enum cql_profile profile = (enum cql_profile)(schema % CQL_PROFILES);
        struct fixture *f = fixture_open(profile), *again = fixture_open(profile);
        make_schema(f);
        does(again, "DROP KEYSPACE k");
        struct buffer script = described(f);
        for (size_t at = 0; at < script.bytes; at += strlen((const char *)script.data + at) + 1)
            does(again, (const char *)script.data + at);
        struct buffer replayed = described(again);
        assert_int_equal(replayed.bytes, script.bytes);
        for (size_t at = 0; at < script.bytes; at += strlen((const char *)script.data + at) + 1)
            assert_string_equal((const char *)replayed.data + at, (const char *)script.data + at);
        buffer_deinit(&script);
        buffer_deinit(&replayed);
        fixture_close(f);
        fixture_close(again);
    }
}

/* Rows of a DESCRIBE, page by page. */
static uint32_t count_pages(struct fixture *f, const char *statement, int32_t page_size, uint32_t *out_rows)
{
    struct cql_params params = {.consistency = 1, .page_size = page_size};
    struct buffer paging = {0};
    uint32_t pages = 0;
    *out_rows = 0;
    do {
        params.paging_state = buffer_slice(&paging);
        assert_true(cql_session_query(f->session, slice_text(statement), &params, &f->result, &f->error));
        *out_rows += f->result.row_count;
        buffer_clear(&paging);
        buffer_append_slice(&paging, buffer_slice(&f->result.paging_state));
        pages++;
    } while (paging.bytes && pages < 1000);
    buffer_deinit(&paging);
    return pages;
}

static void cassandra_pages_a_description(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_CASSANDRA_5_0);
    uint32_t rows, all;
    does(f, "CREATE TABLE a (k int PRIMARY KEY)");
    does(f, "CREATE TABLE b (k int PRIMARY KEY)");
    assert_int_equal(count_pages(f, "DESCRIBE SCHEMA", 0, &all), 1);
    assert_int_equal(all, 3);
    assert_int_equal(count_pages(f, "DESCRIBE SCHEMA", 2, &rows), 2);
    assert_int_equal(rows, all);
    assert_int_equal(count_pages(f, "DESCRIBE SCHEMA", 1, &rows),
                     4); /* the last full page has an empty one after it */
    assert_int_equal(rows, all);

    struct cql_params params = {.consistency = 1, .page_size = 1};
    assert_true(cql_session_query(f->session, slice_text("DESCRIBE SCHEMA"), &params, &f->result, &f->error));
    struct buffer paging = {0};
    buffer_append_slice(&paging, buffer_slice(&f->result.paging_state));
    does(f, "DROP TABLE b");
    params.paging_state = buffer_slice(&paging);
    assert_false(
        cql_session_query(f->session, slice_text("DESCRIBE SCHEMA"), &params, &f->result, &f->error));
    assert_string_equal(f->error.message,
                        "The schema has changed since the previous page of the DESCRIBE statement result. "
                        "Please retry the DESCRIBE statement.");
    params.paging_state = slice_text("nonsense");
    assert_false(
        cql_session_query(f->session, slice_text("DESCRIBE SCHEMA"), &params, &f->result, &f->error));
    assert_string_equal(f->error.message, "Invalid paging state.");
    buffer_deinit(&paging);
    fixture_close(f);

    f = fixture_open(PROFILE_SCYLLA_2026_2);
    assert_int_equal(count_pages(f, "DESCRIBE FULL SCHEMA", 1, &rows), 1);
    assert_true(rows > 10);
    fixture_close(f);
}

int main(void)
{
    const char *seed = getenv("STRAIT_SEED");
    random_state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    printf("STRAIT_SEED=%llu\n", (unsigned long long)random_state);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_described_schema_replays),
        cmocka_unit_test(cassandra_pages_a_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
