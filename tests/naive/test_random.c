/*
 * Random tables, writes and queries, answered by the database and by a naive executor that keeps everything that was ever
 * written and looks at all of it for every query. In memory, flushed, compacted, and opened again.
 *
 *     test_naive_random            a new seed, which it prints
 *     test_naive_random SEED       that one again, printing what was done
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "change.h"
#include "query.h"
#include "strait.h"

enum {
    ROUNDS = 6,
    STEPS = 120,
    PAGE_ROWS_MAX = 4,
};

#define YEAR_2026_US INT64_C(1767225600000000)

struct bench {
    strait *db;
    char folder[64], path[80];
    int64_t now_us;
    struct naive_schema schema;
    struct journal journal;
    struct random rng;
    struct buffer text, expected, got;
};

static uint64_t chosen_seed;
static bool verbose;

/* ---- the database ---- */

static void open_database(struct bench *bench)
{
    strait_options options = {.struct_bytes = sizeof options, .shards = 2, .clock_us = bench->now_us};
    if (strait_open(bench->path, &options, &bench->db) != STRAIT_OK)
        fail_msg("open: %s", strait_error_message(bench->db));
}

static void execute(struct bench *bench, const char *text)
{
    if (verbose)
        print_message("%s\n", text);
    if (strait_exec(bench->db, text) != STRAIT_OK)
        fail_msg("refused: %s: %s", text, strait_error_message(bench->db));
}

static const char *terminated(struct buffer *buffer)
{
    buffer_append_u8(buffer, 0);
    assert_false(buffer->failed);
    return (const char *)buffer->data;
}

static void disturb(struct bench *bench)
{
    const char *what;
    switch (random_below(&bench->rng, 12)) {
    case 0:
    case 1:
        what = "flush";
        assert_int_equal(strait_flush(bench->db, NULL, NULL), STRAIT_OK);
        break;
    case 2:
        what = "compact";
        assert_int_equal(strait_compact(bench->db, NULL, NULL), STRAIT_OK);
        break;
    case 3:
        what = "restart";
        strait_close(bench->db);
        open_database(bench);
        execute(bench, "USE k");
        break;
    case 4:
    case 5:
        what = "advance";
        bench->now_us += (int64_t)random_below(&bench->rng, 10) * 1000000;
        strait_set_clock(bench->db, bench->now_us);
        break;
    default: return;
    }
    if (verbose)
        print_message("-- %s, now %lld s\n", what, (long long)(bench->now_us / 1000000));
}

/* ---- one query ---- */

static void ask(struct bench *bench, const char *text, int page_rows)
{
    strait_statement *statement;
    buffer_clear(&bench->got);
    if (strait_prepare(bench->db, text, -1, &statement, NULL) != STRAIT_OK)
        fail_msg("refused: %s: %s", text, strait_error_message(bench->db));
    strait_set_page_rows(statement, page_rows);
    int result;
    while ((result = strait_step(statement)) == STRAIT_ROW)
        for (int i = 0, count = strait_column_count(statement); i < count; i++) {
            const char *cell = strait_column_text(statement, i);
            buffer_printf(&bench->got, "%s%s", cell ? cell : "null", i + 1 < count ? " | " : "\n");
        }
    if (result != STRAIT_DONE)
        fail_msg("refused: %s: %s", text, strait_error_message(bench->db));
    strait_finalize(statement);
}

static void compare(struct bench *bench, const char *where)
{
    struct naive_table table;
    struct query query;
    buffer_clear(&bench->text);
    buffer_clear(&bench->expected);
    query_random(&query, &bench->schema, &bench->rng);
    query_text(&bench->text, &query, &bench->schema);
    const char *text = terminated(&bench->text);
    if (verbose)
        print_message("%s\n", text);
    table_make(&table, &bench->journal, bench->now_us / 1000000);
    query_answer(&bench->expected, &query, &table, bench->now_us / 1000000);
    table_free(&table);
    bool paged = random_below(&bench->rng, 2);
    int page_rows = paged ? 1 + (int)random_below(&bench->rng, PAGE_ROWS_MAX) : 5000;
    ask(bench, text, page_rows);
    if (strcmp(terminated(&bench->got), terminated(&bench->expected)) != 0)
        fail_msg("seed %llu, %s, %d rows a page: %s gives\n%snot\n%s", (unsigned long long)chosen_seed, where,
                 page_rows, text, (const char *)bench->got.data, (const char *)bench->expected.data);
}

/* ---- one table ---- */

static void run_round(struct bench *bench)
{
    schema_random(&bench->schema, &bench->rng);
    bench->journal = (struct journal){.schema = &bench->schema};
    bench->now_us = YEAR_2026_US;
    open_database(bench);
    execute(bench,
            "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    execute(bench, "USE k");
    buffer_clear(&bench->text);
    schema_create(&bench->text, &bench->schema);
    execute(bench, terminated(&bench->text));
    for (int step = 0; step < STEPS && change_fits(&bench->journal); step++) {
        buffer_clear(&bench->text);
        change_random(&bench->journal, &bench->rng, bench->now_us / 1000000, &bench->text);
        execute(bench, terminated(&bench->text));
        disturb(bench);
        compare(bench, "between writes");
    }
    strait_close(bench->db);
}

static void every_answer_is_that_of_the_naive_executor(void **state)
{
    (void)state;
    static struct bench bench;
    char command[128];
    print_message("seed %llu\n", (unsigned long long)chosen_seed);
    bench.rng = (struct random){chosen_seed};
    for (int round = 0; round < ROUNDS; round++) {
        strcpy(bench.folder, "/tmp/strait-naive-XXXXXX");
        assert_non_null(mkdtemp(bench.folder));
        snprintf(bench.path, sizeof bench.path, "%s/db", bench.folder);
        run_round(&bench);
        snprintf(command, sizeof command, "rm -rf '%s'", bench.folder);
        assert_int_equal(system(command), 0);
    }
    buffer_deinit(&bench.text);
    buffer_deinit(&bench.expected);
    buffer_deinit(&bench.got);
}

int main(int count, char **arguments)
{
    chosen_seed = count > 1 ? strtoull(arguments[1], NULL, 10) : (uint64_t)time(NULL);
    verbose = count > 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_that_of_the_naive_executor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
