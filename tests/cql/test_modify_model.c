/*
 * Random modifications with explicit timestamps, compared with a model that remembers every write and every deletion and
 * works out each row anew (TS-1, TS-5, TS-9, TS-13, DEL-1, DEL-4, STA-5, WHR-8).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "statement_fixture.h"

enum {
    P = 2,
    SIDE = 3,
    WRITES_MAX = 400,
    TIMES = 40,
};

/* A write of one cell, or of a marker. Column 0 is the marker, 1 is v, 2 is the static s (any row of the partition). */
struct write {
    int p, a, b, column, value, timestamp;
    bool dead;
};

/* Everything from `low` to `high`, both included, in type order of (a, b). */
struct erasure {
    int p, low, high, timestamp;
    bool partition; /* takes the static row too */
};

struct model {
    struct write writes[WRITES_MAX * 4];
    int write_count;
    struct erasure erasures[WRITES_MAX];
    int erasure_count;
};

static bool erased(const struct model *model, const struct write *write)
{
    for (int i = 0; i < model->erasure_count; i++) {
        const struct erasure *e = &model->erasures[i];
        int at = write->a * SIDE + write->b;
        bool hit = write->column == 2 ? e->partition : at >= e->low && at <= e->high;
        if (e->p == write->p && hit && write->timestamp <= e->timestamp)
            return true;
    }
    return false;
}

/* The write that wins a cell; NULL when it is null. */
static const struct write *winner(const struct model *model, int p, int a, int b, int column)
{
    const struct write *best = NULL;
    for (int i = 0; i < model->write_count; i++) {
        const struct write *w = &model->writes[i];
        bool here = w->p == p && w->column == column && (column == 2 || (w->a == a && w->b == b));
        if (!here || erased(model, w))
            continue;
        bool wins = !best || w->timestamp > best->timestamp ||
                    (w->timestamp == best->timestamp &&
                     (w->dead > best->dead || (w->dead == best->dead && w->value > best->value)));
        if (wins)
            best = w;
    }
    return best && !best->dead ? best : NULL;
}

static size_t put(char *out, size_t bytes, size_t used, int a, int b, const struct write *s,
                  const struct write *v)
{
    char s_text[16] = "null", v_text[16] = "null";
    if (s)
        snprintf(s_text, sizeof s_text, "%d", s->value);
    if (v)
        snprintf(v_text, sizeof v_text, "%d", v->value);
    if (a < 0)
        return (size_t)snprintf(out + used, bytes - used, "%snull,null,%s,%s", used ? "|" : "", s_text,
                                v_text);
    return (size_t)snprintf(out + used, bytes - used, "%s%d,%d,%s,%s", used ? "|" : "", a, b, s_text, v_text);
}

/* SELECT a, b, s, v of a partition: a falls, b rises. */
static void expect(const struct model *model, int p, char *out, size_t bytes)
{
    size_t used = 0;
    const struct write *s = winner(model, p, 0, 0, 2);
    *out = '\0';
    for (int a = SIDE - 1; a >= 0; a--)
        for (int b = 0; b < SIDE; b++) {
            const struct write *v = winner(model, p, a, b, 1);
            if (v || winner(model, p, a, b, 0))
                used += put(out, bytes, used, a, b, s, v);
        }
    if (!used && s)
        put(out, bytes, 0, -1, -1, s, NULL);
}

static void remember(struct model *model, struct write write)
{
    model->writes[model->write_count++] = write;
}

static void erase(struct model *model, int p, int low, int high, int timestamp, bool partition)
{
    model->erasures[model->erasure_count++] = (struct erasure){p, low, high, timestamp, partition};
}

static void random_step(struct model *model, struct random *rng, char *text, size_t bytes)
{
    int p = (int)random_below(rng, P), a = (int)random_below(rng, SIDE), b = (int)random_below(rng, SIDE),
        value = (int)random_below(rng, 50), t = (int)random_below(rng, TIMES), last = SIDE * SIDE - 1;
    switch (random_below(rng, 10)) {
    case 0:
    case 1:
    case 2:
        snprintf(text, bytes, "INSERT INTO t (p, a, b, v) VALUES (%d, %d, %d, %d) USING TIMESTAMP %d", p, a,
                 b, value, t);
        remember(model, (struct write){p, a, b, 0, 0, t, false});
        remember(model, (struct write){p, a, b, 1, value, t, false});
        break;
    case 3:
        snprintf(text, bytes, "UPDATE t USING TIMESTAMP %d SET v = %d WHERE p = %d AND (a, b) = (%d, %d)", t,
                 value, p, a, b);
        remember(model, (struct write){p, a, b, 1, value, t, false});
        break;
    case 4:
        snprintf(text, bytes,
                 "UPDATE t USING TIMESTAMP %d SET v = null WHERE p = %d AND a = %d AND b IN (0, 1)", t, p, a);
        remember(model, (struct write){p, a, 0, 1, 0, t, true});
        remember(model, (struct write){p, a, 1, 1, 0, t, true});
        break;
    case 5:
        snprintf(text, bytes, "UPDATE t USING TIMESTAMP %d SET s = %d WHERE p = %d", t, value, p);
        remember(model, (struct write){p, 0, 0, 2, value, t, false});
        break;
    case 6:
        snprintf(text, bytes, "DELETE FROM t USING TIMESTAMP %d WHERE p = %d AND a = %d AND b = %d", t, p, a,
                 b);
        erase(model, p, a * SIDE + b, a * SIDE + b, t, false);
        break;
    case 7:
        snprintf(text, bytes, "DELETE FROM t USING TIMESTAMP %d WHERE p = %d AND a = %d", t, p, a);
        erase(model, p, a * SIDE, a * SIDE + SIDE - 1, t, false);
        break;
    case 8:
        snprintf(text, bytes, "DELETE FROM t USING TIMESTAMP %d WHERE p = %d AND (a, b) > (%d, %d)", t, p, a,
                 b);
        erase(model, p, a * SIDE + b + 1, last, t, false);
        break;
    default:
        snprintf(text, bytes, "DELETE FROM t USING TIMESTAMP %d WHERE p = %d", t, p);
        erase(model, p, 0, last, t, true);
        break;
    }
}

static void every_read_agrees_with_the_model(void **state)
{
    (void)state;
    uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct random rng = {seed};
    static struct model model;
    static char expected[4096], text[256], select[128];
    for (int round = 0; round < 4; round++) {
        struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
        memset(&model, 0, sizeof model);
        does(f, "CREATE TABLE t (p int, a int, b int, s int STATIC, v int, PRIMARY KEY (p, a, b)) "
                "WITH CLUSTERING ORDER BY (a DESC, b ASC)");
        for (int step = 0; step < WRITES_MAX / 4; step++) {
            random_step(&model, &rng, text, sizeof text);
            does(f, text);
            if (random_below(&rng, 20) == 0)
                assert_true(ok(store_flush(cql_database_store(f->database), 0)));
            int p = (int)random_below(&rng, P);
            snprintf(select, sizeof select, "SELECT a, b, s, v FROM t WHERE p = %d", p);
            expect(&model, p, expected, sizeof expected);
            const char *got = rows(f, select);
            if (strcmp(got, expected) != 0)
                fail_msg("seed %llu: p = %d has %s, not %s; after %s", (unsigned long long)seed, p, got,
                         expected, text);
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
