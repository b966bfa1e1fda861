/*
 * Random operations on collections with timestamps and TTLs, compared with a model that remembers every write and every
 * deletion and works out each element anew (TS-1, TS-5 to TS-9, TS-13, TTL-8, DEL-1 to DEL-4, NUL-9, TYP-10, STA-5), across flush,
 * compaction and restart.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "database_fixture.h"

enum {
    PARTITIONS = 2,
    ROWS = 2,
    STATIC_ROW = ROWS,
    KEYS = 4,
    TIMES = 30,
    STEPS = 120,
    ROUNDS = 3,
    WRITES_MAX = STEPS * 16,
    ELEMENTS_MAX = 256,
    TEXT_MAX = 8192,
};

/* Behind 2010, as prepending wants, and with room between for writes that tie with no other. */
static const int64_t base_us = INT64_C(1600000000000000);
enum { TIME_STEP_US = 1000 };

enum column { MARKER, SET, MAP, LIST, STATIC_SET, VALUE, COLUMNS };
static const char *const names[] = {
    [SET] = "s", [MAP] = "m", [LIST] = "l", [STATIC_SET] = "ss", [VALUE] = "v"};

/* Where an element stands in its column: the key of a set or map, or the place in a list. */
struct key {
    int64_t major;
    int minor;
};

struct write {
    int p, c;
    enum column column;
    struct key key;
    int value;
    int64_t timestamp, expiry_s;
    int ttl_s; /* 0: for ever */
    bool dead;
};

struct erasure {
    int p, c;
    enum column column; /* MARKER: the whole row; COLUMNS: the whole partition */
    int64_t timestamp;
};

struct model {
    struct write writes[WRITES_MAX];
    int write_count;
    struct erasure erasures[STEPS * 4];
    int erasure_count;
    int64_t now_s;
    int unique; /* timestamps that tie with no other so far */
};

/* What one statement writes with. */
struct facts {
    int p, c;
    int64_t timestamp;
    int ttl_s;
};

/* ---- the model ---- */

static int key_compare(struct key a, struct key b)
{
    if (a.major != b.major)
        return a.major < b.major ? -1 : 1;
    return (a.minor > b.minor) - (a.minor < b.minor);
}

static bool erases(const struct erasure *e, const struct write *w)
{
    if (e->p != w->p || w->timestamp > e->timestamp)
        return false;
    if (e->column == COLUMNS)
        return true;
    bool here = e->c == w->c;
    return e->column == MARKER ? here && w->column != STATIC_SET : here && e->column == w->column;
}

static bool is_erased(const struct model *model, const struct write *write)
{
    for (int i = 0; i < model->erasure_count; i++)
        if (erases(&model->erasures[i], write))
            return true;
    return false;
}

static bool beats(const struct write *a, const struct write *b)
{
    if (a->timestamp != b->timestamp)
        return a->timestamp > b->timestamp;
    if (a->dead != b->dead)
        return a->dead;
    if (!a->ttl_s != !b->ttl_s)
        return a->ttl_s;
    if (a->expiry_s != b->expiry_s)
        return a->expiry_s > b->expiry_s;
    return a->value > b->value;
}

/* The write that decides an element; NULL when it is not there. */
static const struct write *winner(const struct model *model, int p, int c, enum column column, struct key key)
{
    const struct write *best = NULL;
    for (int i = 0; i < model->write_count; i++) {
        const struct write *w = &model->writes[i];
        bool here = w->p == p && w->c == c && w->column == column && key_compare(w->key, key) == 0;
        if (here && !is_erased(model, w) && (!best || beats(w, best)))
            best = w;
    }
    return best && !best->dead && (!best->ttl_s || best->expiry_s > model->now_s) ? best : NULL;
}

static int by_key(const void *left, const void *right)
{
    const struct write *const *a = left, *const *b = right;
    return key_compare((*a)->key, (*b)->key);
}

/* The elements that live, in order. */
static int elements(const struct model *model, int p, int c, enum column column, const struct write **out)
{
    int count = 0;
    for (int i = 0; i < model->write_count; i++) {
        const struct write *w = &model->writes[i];
        if (w->p == p && w->c == c && w->column == column &&
            winner(model, p, c, column, w->key) == w) /* each key once: one write decides it */
            out[count++] = w;
    }
    assert_true(count <= ELEMENTS_MAX);
    qsort(out, (size_t)count, sizeof *out, by_key);
    return count;
}

static void remember(struct model *model, const struct facts *facts, enum column column, struct key key,
                     int value, bool dead)
{
    assert_true(model->write_count < WRITES_MAX);
    model->writes[model->write_count++] =
        (struct write){.p = facts->p,
                       .c = facts->c,
                       .column = column,
                       .key = key,
                       .value = value,
                       .timestamp = facts->timestamp,
                       .ttl_s = dead ? 0 : facts->ttl_s,
                       .expiry_s = dead || !facts->ttl_s ? 0 : model->now_s + facts->ttl_s,
                       .dead = dead};
}

static void erase(struct model *model, const struct facts *facts, enum column column, int64_t timestamp)
{
    model->erasures[model->erasure_count++] =
        (struct erasure){.p = facts->p, .c = facts->c, .column = column, .timestamp = timestamp};
}

/* ---- what is expected ---- */

static size_t put_column(const struct model *model, int p, int c, enum column column, char *out, size_t used)
{
    const struct write *found[ELEMENTS_MAX];
    int count = elements(model, p, c, column, found);
    if (!count)
        return used + (size_t)snprintf(out + used, TEXT_MAX - used, ",null");
    if (column == VALUE)
        return used + (size_t)snprintf(out + used, TEXT_MAX - used, ",%d", found[0]->value);
    used += (size_t)snprintf(out + used, TEXT_MAX - used, ",%c", column == LIST ? '[' : '{');
    for (int i = 0; i < count; i++) {
        const char *comma = i ? ", " : "";
        if (column == MAP)
            used += (size_t)snprintf(out + used, TEXT_MAX - used, "%s%d: %d", comma, (int)found[i]->key.major,
                                     found[i]->value);
        else
            used += (size_t)snprintf(out + used, TEXT_MAX - used, "%s%d", comma,
                                     column == LIST ? found[i]->value : (int)found[i]->key.major);
    }
    return used + (size_t)snprintf(out + used, TEXT_MAX - used, "%c", column == LIST ? ']' : '}');
}

static bool row_lives(const struct model *model, int p, int c)
{
    const struct write *found[ELEMENTS_MAX];
    for (enum column column = MARKER; column < COLUMNS; column++)
        if (column != STATIC_SET && elements(model, p, c, column, found))
            return true;
    return false;
}

/* SELECT c, ss, s, m, l, v of a partition. */
static void expect(const struct model *model, int p, char *out)
{
    static const enum column regulars[] = {SET, MAP, LIST, VALUE};
    const struct write *found[ELEMENTS_MAX];
    size_t used = 0;
    *out = '\0';
    for (int c = 0; c < ROWS; c++) {
        if (!row_lives(model, p, c))
            continue;
        used += (size_t)snprintf(out + used, TEXT_MAX - used, "%s%d", used ? "|" : "", c);
        used = put_column(model, p, STATIC_ROW, STATIC_SET, out, used);
        for (size_t i = 0; i < sizeof regulars / sizeof *regulars; i++)
            used = put_column(model, p, c, regulars[i], out, used);
    }
    if (used || !elements(model, p, STATIC_ROW, STATIC_SET, found))
        return;
    used = (size_t)snprintf(out, TEXT_MAX, "null");
    used = put_column(model, p, STATIC_ROW, STATIC_SET, out, used);
    snprintf(out + used, TEXT_MAX - used, ",null,null,null,null");
}

/* ---- operations ---- */

/* One statement while it is made up: "SET" of an UPDATE, or what a DELETE names. */
struct operation {
    struct model *model;
    struct random *rng;
    struct facts facts;
    char text[256];
    bool deletes;
};

static struct key plain(int key)
{
    return (struct key){.major = key};
}

static int below(struct operation *it, int limit)
{
    return (int)random_below(it->rng, (uint64_t)limit);
}

static void use_set(struct operation *it, enum column column)
{
    int a = below(it, KEYS), b = below(it, KEYS);
    const char *name = names[column];
    switch (below(it, 5)) {
    case 0:
    case 1:
        snprintf(it->text, sizeof it->text, "%s = %s + {%d, %d}", name, name, a, b);
        remember(it->model, &it->facts, column, plain(a), 0, false);
        remember(it->model, &it->facts, column, plain(b), 0, false);
        break;
    case 2:
        snprintf(it->text, sizeof it->text, "%s = %s - {%d, %d}", name, name, a, b);
        remember(it->model, &it->facts, column, plain(a), 0, true);
        remember(it->model, &it->facts, column, plain(b), 0, true);
        break;
    case 3:
        snprintf(it->text, sizeof it->text, "%s = {%d}", name, a);
        erase(it->model, &it->facts, column, it->facts.timestamp - 1);
        remember(it->model, &it->facts, column, plain(a), 0, false);
        break;
    default:
        it->deletes = true;
        if (b % 2) {
            snprintf(it->text, sizeof it->text, "%s[%d]", name, a);
            remember(it->model, &it->facts, column, plain(a), 0, true);
        } else {
            snprintf(it->text, sizeof it->text, "%s", name);
            erase(it->model, &it->facts, column, it->facts.timestamp);
        }
        break;
    }
}

static void use_map(struct operation *it)
{
    int a = below(it, KEYS), b = below(it, KEYS), value = below(it, 50);
    switch (below(it, 6)) {
    case 0:
        snprintf(it->text, sizeof it->text, "m[%d] = %d", a, value);
        remember(it->model, &it->facts, MAP, plain(a), value, false);
        break;
    case 1:
        snprintf(it->text, sizeof it->text, "m[%d] = null", a);
        remember(it->model, &it->facts, MAP, plain(a), 0, true);
        break;
    case 2:
        snprintf(it->text, sizeof it->text, "m = m + {%d: %d}, m[%d] = %d", a, value, b, value + 1);
        remember(it->model, &it->facts, MAP, plain(a), value, false);
        remember(it->model, &it->facts, MAP, plain(b), value + 1, false);
        break;
    case 3:
        snprintf(it->text, sizeof it->text, "m = m - {%d, %d}", a, b);
        remember(it->model, &it->facts, MAP, plain(a), 0, true);
        remember(it->model, &it->facts, MAP, plain(b), 0, true);
        break;
    case 4:
        snprintf(it->text, sizeof it->text, "m = {%d: %d}", a, value);
        erase(it->model, &it->facts, MAP, it->facts.timestamp - 1);
        remember(it->model, &it->facts, MAP, plain(a), value, false);
        break;
    default:
        snprintf(it->text, sizeof it->text, a ? "m = null" : "m = {}");
        erase(it->model, &it->facts, MAP, it->facts.timestamp - 1);
        break;
    }
}

/* Items stand in the order of the timestamps they were appended with; prepended ones before all of them, mirrored. */
static void add_items(struct operation *it, bool prepend, int a, int b)
{
    int64_t time = it->facts.timestamp;
    struct key first = {prepend ? -time : time, prepend ? -2 : 0};
    struct key second = {first.major, first.minor + 1};
    remember(it->model, &it->facts, LIST, first, a, false);
    remember(it->model, &it->facts, LIST, second, b, false);
}

static void use_item(struct operation *it, int value)
{
    const struct write *found[ELEMENTS_MAX];
    int count = elements(it->model, it->facts.p, it->facts.c, LIST, found);
    if (!count) { /* whatever is not there is not taken out */
        snprintf(it->text, sizeof it->text, "l = l - [%d]", value);
        return;
    }
    int at = below(it, count);
    struct key key = found[at]->key;
    switch (below(it, 3)) {
    case 0:
        snprintf(it->text, sizeof it->text, "l[%d] = %d", at, value);
        remember(it->model, &it->facts, LIST, key, value, false);
        break;
    case 1:
        it->deletes = true;
        snprintf(it->text, sizeof it->text, "l[%d]", at);
        remember(it->model, &it->facts, LIST, key, 0, true);
        break;
    default:
        value = found[at]->value;
        snprintf(it->text, sizeof it->text, "l = l - [%d, 99]", value);
        for (int i = 0; i < count; i++)
            if (found[i]->value == value)
                remember(it->model, &it->facts, LIST, found[i]->key, 0, true);
        break;
    }
}

static void use_list(struct operation *it)
{
    int a = below(it, 8), b = below(it, 8);
    switch (below(it, 6)) {
    case 0:
    case 1:
        snprintf(it->text, sizeof it->text, "l = l + [%d, %d]", a, b);
        add_items(it, false, a, b);
        break;
    case 2:
        snprintf(it->text, sizeof it->text, "l = [%d, %d] + l", a, b);
        add_items(it, true, a, b);
        break;
    case 3:
        snprintf(it->text, sizeof it->text, "l = [%d, %d]", a, b);
        erase(it->model, &it->facts, LIST, it->facts.timestamp - 1);
        add_items(it, false, a, b);
        break;
    default: use_item(it, a); break;
    }
}

static void insert(struct operation *it, char *text, size_t bytes)
{
    int key = below(it, KEYS), value = below(it, 50);
    struct facts *facts = &it->facts;
    snprintf(text, bytes,
             "INSERT INTO t (p, c, s, m, l, v) VALUES (%d, %d, {%d}, {}, [%d, %d], %d) USING "
             "TIMESTAMP %lld AND TTL %d",
             facts->p, facts->c, key, key, value, value, (long long)facts->timestamp, facts->ttl_s);
    remember(it->model, facts, MARKER, plain(0), 0, false);
    erase(it->model, facts, SET, facts->timestamp - 1);
    remember(it->model, facts, SET, plain(key), 0, false);
    erase(it->model, facts, MAP, facts->timestamp - 1);
    erase(it->model, facts, LIST, facts->timestamp - 1);
    add_items(it, false, key, value);
    remember(it->model, facts, VALUE, plain(0), value, false);
}

static void erase_rows(struct operation *it, char *text, size_t bytes)
{
    struct facts *facts = &it->facts;
    bool partition = !below(it, 3);
    int used = snprintf(text, bytes, "DELETE FROM t USING TIMESTAMP %lld WHERE p = %d",
                        (long long)facts->timestamp, facts->p);
    if (!partition)
        snprintf(text + used, bytes - (size_t)used, " AND c = %d", facts->c);
    erase(it->model, facts, partition ? COLUMNS : MARKER, facts->timestamp);
}

static void finish(const struct operation *it, char *text, size_t bytes)
{
    const struct facts *facts = &it->facts;
    int used;
    if (it->deletes)
        used = snprintf(text, bytes, "DELETE %s FROM t USING TIMESTAMP %lld", it->text,
                        (long long)facts->timestamp);
    else
        used = snprintf(text, bytes, "UPDATE t USING TIMESTAMP %lld AND TTL %d SET %s",
                        (long long)facts->timestamp, facts->ttl_s, it->text);
    used += snprintf(text + used, bytes - (size_t)used, " WHERE p = %d", facts->p);
    if (facts->c != STATIC_ROW)
        snprintf(text + used, bytes - (size_t)used, " AND c = %d", facts->c);
}

/* What expires ties with nothing: a tombstone that compaction makes of it decides ties as no expired cell does. */
static void random_step(struct model *model, struct random *rng, char *text, size_t bytes)
{
    struct operation it = {.model = model, .rng = rng};
    it.facts = (struct facts){.p = below(&it, PARTITIONS), .c = below(&it, ROWS)};
    it.facts.ttl_s = below(&it, 4) ? 0 : 1 + below(&it, 20);
    it.facts.timestamp = base_us + (int64_t)below(&it, TIMES) * TIME_STEP_US;
    if (it.facts.ttl_s)
        it.facts.timestamp += ++model->unique;
    switch (below(&it, 12)) {
    case 0: insert(&it, text, bytes); return;
    case 1: erase_rows(&it, text, bytes); return;
    case 2:
    case 3:
        it.facts.c = STATIC_ROW;
        use_set(&it, STATIC_SET);
        break;
    case 4:
    case 5: use_set(&it, SET); break;
    case 6:
    case 7: use_map(&it); break;
    default: use_list(&it); break;
    }
    finish(&it, text, bytes);
}

/* ---- the test ---- */

static void disturb(struct fixture *f, struct model *model, struct random *rng)
{
    switch (random_below(rng, 24)) {
    case 0:
    case 1: assert_true(ok(store_flush(cql_database_store(f->database), 0))); break;
    case 2: assert_true(ok(store_compact(cql_database_store(f->database), 0))); break;
    case 3:
        fixture_reopen(f);
        does(f, "USE k");
        break;
    case 4:
    case 5: model->now_s += (int64_t)random_below(rng, 8); break;
    default: break;
    }
    store_clock_set(cql_database_store(f->database), model->now_s * 1000000);
}

static void compare(struct fixture *f, const struct model *model, uint64_t seed, const char *after)
{
    static char expected[TEXT_MAX];
    for (int p = 0; p < PARTITIONS; p++) {
        char select[128];
        snprintf(select, sizeof select, "SELECT c, ss, s, m, l, v FROM t WHERE p = %d", p);
        expect(model, p, expected);
        const char *got = rows(f, select);
        if (strcmp(got, expected) != 0)
            fail_msg("seed %llu: p = %d has\n%s, not\n%s; after %s", (unsigned long long)seed, p, got,
                     expected, after);
    }
}

static void every_read_agrees_with_the_model(void **state)
{
    (void)state;
    const char *given = getenv("STRAIT_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct random rng = {seed};
    static struct model model;
    for (int round = 0; round < ROUNDS; round++) {
        struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
        memset(&model, 0, sizeof model);
        model.now_s =
            (int64_t)time(NULL); /* held, so never behind the clock that runs while it is opened anew */
        does(f, "CREATE TABLE t (p int, c int, ss set<int> static, s set<int>, m map<int, int>, l list<int>, "
                "v int,"
                " PRIMARY KEY (p, c))");
        store_clock_set(cql_database_store(f->database), model.now_s * 1000000);
        for (int step = 0; step < STEPS; step++) {
            char text[512];
            random_step(&model, &rng, text, sizeof text);
            does(f, text);
            disturb(f, &model, &rng);
            compare(f, &model, seed, text);
        }
        fixture_close(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_read_agrees_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
