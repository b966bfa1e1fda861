/*
 * Random writes with random timestamps and TTLs to a table with indexes and views of every kind, and the same to a twin that
 * has none (IDX-1 to IDX-6). Every query that an index serves must give what the twin gives by filtering, every view the rows
 * of the twin under another key, and the check that recomputes indexes and views must find nothing: across flush, compaction
 * that forgets tombstones, expiry and restart. The seed is printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "database_fixture.h"
#include "engine/store.h"

enum {
    PARTITIONS = 3,
    ROWS = 3,
    VALUES = 3,
    TIMES = 20,
    STEPS = 40,
    TEXT_MAX = 512,
    LINES_MAX = 64,
};

static const int64_t start_us = INT64_C(1600000000000000);

struct world {
    struct fixture *f;
    struct random rng;
    int64_t now_s;
    int step;
};

static unsigned below(struct world *w, unsigned n)
{
    return (unsigned)(random_next(&w->rng) % n);
}

/* ---- the schema ---- */

static const char *const derived[] = {
    "CREATE INDEX ON t (v)",
    "CREATE INDEX ON t (c)",
    "CREATE INDEX ON t (st)",
    "CREATE INDEX ON t ((p), w)",
    "CREATE INDEX ON t (keys(m))",
    "CREATE INDEX ON t (values(m))",
    "CREATE INDEX ON t (entries(m))",
    "CREATE INDEX ON t (s)",
    "CREATE MATERIALIZED VIEW by_v AS SELECT p, c, v, w FROM t WHERE v IS NOT NULL AND p IS NOT NULL AND c "
    "IS NOT NULL"
    " PRIMARY KEY (v, p, c)",
    "CREATE MATERIALIZED VIEW by_pv AS SELECT p, c, v, w FROM t WHERE v IS NOT NULL AND p IS NOT NULL AND c "
    "IS NOT NULL"
    " PRIMARY KEY (p, v, c) WITH CLUSTERING ORDER BY (v DESC, c ASC)",
    "CREATE MATERIALIZED VIEW by_c AS SELECT p, c, v, w FROM t WHERE p IS NOT NULL AND c IS NOT NULL PRIMARY "
    "KEY (c, p)",
    "CREATE MATERIALIZED VIEW some AS SELECT p, c, v, w FROM t WHERE v IN (1, 2) AND p IS NOT NULL AND c > 0"
    " PRIMARY KEY (v, p, c)",
};

static void make_derived(struct world *w)
{
    for (size_t i = 0; i < ARRAY_LEN(derived); i++)
        does(w->f, derived[i]);
}

static void make_tables(struct world *w, int gc_grace_s)
{
    static const char *const names[] = {"t", "u"};
    char text[TEXT_MAX];
    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof text,
                 "CREATE TABLE %s (p int, c int, st int static, v int, w int, m map<int, int>, s set<int>,"
                 " PRIMARY KEY (p, c)) WITH gc_grace_seconds = %d AND compaction = {'class': "
                 "'NullCompactionStrategy'}",
                 names[i], gc_grace_s);
        does(w->f, text);
    }
}

/* ---- writes ---- */

/* One statement for the table called %s. */
static void random_write(struct world *w, char *out, size_t bytes)
{
    int p = (int)below(w, PARTITIONS), c = (int)below(w, ROWS), v = (int)below(w, VALUES),
        x = (int)below(w, VALUES);
    char when[64], until[96];
    long long at = (long long)(start_us + below(w, TIMES));
    snprintf(when, sizeof when, "USING TIMESTAMP %lld", at);
    snprintf(until, sizeof until, "USING TIMESTAMP %lld AND TTL %u", at, below(w, 3) ? 0 : 1 + below(w, 20));
    switch (below(w, 18)) {
    case 0: snprintf(out, bytes, "DELETE FROM %%s %s WHERE p = %d AND c = %d", when, p, c); break;
    case 1: snprintf(out, bytes, "DELETE FROM %%s %s WHERE p = %d AND c >= %d", when, p, c); break;
    case 2: snprintf(out, bytes, "DELETE FROM %%s %s WHERE p = %d", when, p); break;
    case 3: snprintf(out, bytes, "DELETE v FROM %%s %s WHERE p = %d AND c = %d", when, p, c); break;
    case 4:
        snprintf(out, bytes, "UPDATE %%s %s SET v = null, w = %d WHERE p = %d AND c = %d", until, x, p, c);
        break;
    case 5: snprintf(out, bytes, "UPDATE %%s %s SET st = %d WHERE p = %d", until, v, p); break;
    case 6: snprintf(out, bytes, "DELETE st FROM %%s %s WHERE p = %d", when, p); break;
    case 7:
        snprintf(out, bytes, "UPDATE %%s %s SET m[%d] = %d WHERE p = %d AND c = %d", until, v, x, p, c);
        break;
    case 8:
        snprintf(out, bytes, "UPDATE %%s %s SET m = {%d: %d, %d: %d} WHERE p = %d AND c = %d", until, v, x, x,
                 v, p, c);
        break;
    case 9: snprintf(out, bytes, "DELETE m[%d] FROM %%s %s WHERE p = %d AND c = %d", v, when, p, c); break;
    case 10:
        snprintf(out, bytes, "UPDATE %%s %s SET s = s + {%d, %d} WHERE p = %d AND c = %d", until, v, x, p, c);
        break;
    case 11:
        snprintf(out, bytes, "UPDATE %%s %s SET s = s - {%d} WHERE p = %d AND c = %d", when, v, p, c);
        break;
    case 12:
        snprintf(out, bytes, "INSERT INTO %%s (p, c, v, w, st) VALUES (%d, %d, %d, %d, %d) %s", p, c, v, x, v,
                 until);
        break;
    case 13: snprintf(out, bytes, "INSERT INTO %%s (p, c) VALUES (%d, %d) %s", p, c, until); break;
    case 14:
        snprintf(out, bytes,
                 "BEGIN BATCH UPDATE %%1$s %s SET v = %d WHERE p = %d AND c = %d; DELETE FROM %%1$s %s WHERE "
                 "p = %d AND c = %d;"
                 " INSERT INTO %%1$s (p, c, v) VALUES (%d, %d, %d) %s; APPLY BATCH",
                 until, v, p, c, when, p, x, p, x, v, when);
        break;
    default:
        snprintf(out, bytes, "UPDATE %%s %s SET v = %d, w = %d WHERE p = %d AND c = %d", until, v, x, p, c);
        break;
    }
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void write_both(struct world *w)
{
    char format[TEXT_MAX], text[TEXT_MAX + 64];
    random_write(w, format, sizeof format);
    snprintf(text, sizeof text, format, "t");
    does(w->f, text);
    snprintf(text, sizeof text, format, "u");
    does(w->f, text);
}
#pragma GCC diagnostic pop

/* ---- what else happens ---- */

static void compact_all(struct world *w)
{
    struct store *store = cql_database_store(w->f->database);
    struct store_table table = {0};
    struct buffer properties = {0};
    assert_true(ok(store_flush(store, 0)));
    while (ok(store_next_table(store, table.id, &table, &properties))) {
        assert_true(ok(store_compact(store, table.id)));
        buffer_clear(&properties);
    }
    buffer_deinit(&properties);
}

static void set_clock(struct world *w)
{
    store_clock_set(cql_database_store(w->f->database), w->now_s * 1000000);
}

static void disturb(struct world *w)
{
    switch (below(w, 10)) {
    case 0: assert_true(ok(store_flush(cql_database_store(w->f->database), 0))); break;
    case 1: compact_all(w); break;
    case 2:
    case 3: w->now_s += below(w, 15); break;
    case 4:
        if (!below(w, 4)) {
            w->f->clock_us = w->now_s * 1000000;
            fixture_reopen(w->f);
            does(w->f, "USE k");
        }
        break;
    default: break;
    }
    set_clock(w);
}

/* ---- comparing ---- */

static int line_compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The rows that are wanted, in an order of their own. */
static void sort_lines(const char *text, bool (*wanted)(const char *line), char *out, size_t bytes)
{
    char copy[8192], *lines[LINES_MAX], *rest = copy;
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *line = strsep(&rest, "|"); line && count < LINES_MAX; line = strsep(&rest, "|"))
        if (*line && (!wanted || wanted(line)))
            lines[count++] = line;
    qsort(lines, count, sizeof *lines, line_compare);
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(out);
        snprintf(out + used, bytes - used, "%s|", lines[i]);
    }
}

static int number_of(const char *line, int column)
{
    for (; column; column--)
        line = strchr(line, ',') + 1;
    return strncmp(line, "null", 4) == 0 ? -1 : atoi(line);
}

static bool has_v(const char *line)
{
    return number_of(line, 2) >= 0;
}

static bool is_row(const char *line)
{
    return number_of(line, 1) >= 0;
}

static bool is_some(const char *line)
{
    return number_of(line, 2) >= 1 && number_of(line, 1) > 0;
}

static void same_rows(struct world *w, const char *view, bool (*wanted)(const char *line))
{
    static char expected[8192], found[8192];
    char text[TEXT_MAX];
    sort_lines(rows(w->f, "SELECT p, c, v, w, writetime(w), ttl(w) FROM u"), wanted, expected,
               sizeof expected);
    snprintf(text, sizeof text, "SELECT p, c, v, w, writetime(w), ttl(w) FROM %s", view);
    sort_lines(rows(w->f, text), NULL, found, sizeof found);
    if (strcmp(expected, found) != 0)
        fail_msg("step %d: %s has\n  %s\nand should have\n  %s", w->step, view, found, expected);
}

static void same_answer(struct world *w, const char *where)
{
    static char expected[8192];
    char text[TEXT_MAX + 64];
    snprintf(text, sizeof text, "SELECT p, c, v, st FROM u WHERE %s ALLOW FILTERING", where);
    snprintf(expected, sizeof expected, "%s", rows(w->f, text));
    snprintf(text, sizeof text, "SELECT p, c, v, st FROM t WHERE %s", where);
    const char *found = rows(w->f, text);
    if (strcmp(expected, found) != 0)
        fail_msg("step %d: WHERE %s gives\n  %s\nand should give\n  %s", w->step, where, found, expected);
}

static void compare(struct world *w)
{
    static const char *const wheres[] = {
        "v = %d",        "c = %d",    "st = %d",      "p = 1 AND w = %d", "m CONTAINS KEY %d",
        "m CONTAINS %d", "m[1] = %d", "s CONTAINS %d"};
    char text[TEXT_MAX];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    for (size_t i = 0; i < ARRAY_LEN(wheres); i++)
        for (int value = 0; value < VALUES; value++) {
            snprintf(text, sizeof text, wheres[i], value);
            same_answer(w, text);
        }
#pragma GCC diagnostic pop
    same_rows(w, "by_v", has_v);
    same_rows(w, "by_pv", has_v);
    same_rows(w, "by_c", is_row);
    same_rows(w, "some", is_some);
    const char *wrong =
        rows(w->f, "SELECT name, missing, ghosts FROM strait.index_check WHERE missing > 0 ALLOW FILTERING");
    assert_string_equal(wrong, "");
    wrong =
        rows(w->f, "SELECT name, missing, ghosts FROM strait.index_check WHERE ghosts > 0 ALLOW FILTERING");
    if (*wrong)
        fail_msg("step %d: ghosts: %s", w->step, wrong);
}

static void play(uint64_t seed, int gc_grace_s)
{
    struct world w = {.rng = {.state = seed}, .now_s = start_us / 1000000 + 100};
    unsigned made_at;
    w.f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    made_at = below(&w, STEPS / 2);
    set_clock(&w);
    make_tables(&w, gc_grace_s);
    for (w.step = 0; w.step < STEPS; w.step++) {
        if ((unsigned)w.step == made_at)
            make_derived(&w);
        write_both(&w);
        disturb(&w);
        if ((unsigned)w.step >= made_at && w.step % 2)
            compare(&w);
    }
    fixture_close(w.f);
}

static uint64_t seed_of_this_run(void)
{
    const char *given = getenv("STRAIT_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("STRAIT_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void indexes_and_views_say_what_their_table_says(void **state)
{
    (void)state;
    play(seed_of_this_run(), 864000);
}

static void also_when_tombstones_are_forgotten_soon(void **state)
{
    (void)state;
    play(seed_of_this_run(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indexes_and_views_say_what_their_table_says),
        cmocka_unit_test(also_when_tombstones_are_forgotten_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
