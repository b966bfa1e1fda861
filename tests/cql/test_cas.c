/*
 * Conditional writes as a whole: random statements and batches compared with a model that knows nothing of cells and
 * timestamps, and histories of several threads that must form one chain (LWT-4, LWT-7, LWT-8, BAT-1, BAT-3, NUL-11).
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "statement_fixture.h"

/* ---- the model: one partition of rows that have a marker, a value, or nothing, and a static value ---- */

enum {
    ROWS = 3,
    VALUES = 4,
    NONE = -1,
    STEPS = 400,
    MEMBERS_MAX = 3,
};

struct state {
    bool marker[ROWS];
    int v[ROWS];
    int s;
};

enum what { INSERTS, UPDATES, DELETES_V, DELETES_ROW, UPDATES_STATIC, WHATS };
enum asks { ASKS_NOTHING, ASKS_NOT_EXISTS, ASKS_EXISTS, ASKS_V, ASKS_S };

struct statement {
    enum what what;
    enum asks asks;
    int row, value;
    const char *op;
    int compared; /* NONE: null */
};

static bool row_lives(const struct state *state, int row)
{
    return state->marker[row] || state->v[row] != NONE;
}

static bool holds(int there, const char *op, int compared)
{
    if (strcmp(op, "=") == 0)
        return there == compared;
    if (strcmp(op, "!=") == 0)
        return there != compared;
    if (there == NONE)
        return false;
    return *op == '<' ? there < compared : there > compared;
}

static bool applies(const struct state *state, const struct statement *statement)
{
    bool about_static = statement->what == UPDATES_STATIC;
    bool there = about_static ? state->s != NONE : row_lives(state, statement->row);
    switch (statement->asks) {
    case ASKS_NOTHING: return true;
    case ASKS_NOT_EXISTS: return !there;
    case ASKS_EXISTS: return there;
    case ASKS_V: return holds(state->v[statement->row], statement->op, statement->compared);
    case ASKS_S: return holds(state->s, statement->op, statement->compared);
    }
    return false;
}

/* All at one time: a deletion beats a value, and of two values the larger one stays. */
static void apply_all(struct state *state, const struct statement *statements, int count)
{
    for (int row = 0; row < ROWS; row++) {
        bool marks = false, deletes_row = false, deletes_v = false;
        int v = NONE;
        for (int i = 0; i < count; i++) {
            const struct statement *it = &statements[i];
            if (it->row != row || it->what == UPDATES_STATIC)
                continue;
            marks |= it->what == INSERTS;
            deletes_row |= it->what == DELETES_ROW;
            deletes_v |= it->what == DELETES_V;
            if ((it->what == INSERTS || it->what == UPDATES) && it->value > v)
                v = it->value;
        }
        if (deletes_row || marks)
            state->marker[row] = !deletes_row;
        if (deletes_row || deletes_v)
            state->v[row] = NONE;
        else if (v != NONE)
            state->v[row] = v;
    }
    int s = NONE;
    for (int i = 0; i < count; i++)
        if (statements[i].what == UPDATES_STATIC && statements[i].value > s)
            s = statements[i].value;
    if (s != NONE)
        state->s = s;
}

/* ---- random statements ---- */

static struct statement random_statement(struct random *rng, bool may_ask)
{
    static const char *const ops[] = {"=", "!=", "<", ">"};
    struct statement it = {
        .what = (enum what)random_below(rng, WHATS),
        .row = (int)random_below(rng, ROWS),
        .value = (int)random_below(rng, VALUES),
        .op = ops[random_below(rng, 4)],
        .compared = (int)random_below(rng, VALUES),
    };
    if ((*it.op == '=' || *it.op == '!') && random_below(rng, 3) == 0)
        it.compared = NONE;
    if (!may_ask || random_below(rng, 4) == 0)
        return it;
    if (it.what == INSERTS)
        it.asks = ASKS_NOT_EXISTS;
    else if (it.what == UPDATES_STATIC)
        it.asks = random_below(rng, 3) ? ASKS_S : ASKS_EXISTS;
    else
        it.asks = (enum asks)(ASKS_EXISTS + random_below(rng, 3));
    return it;
}

static size_t print_value(char *out, size_t bytes, int value)
{
    return value == NONE ? (size_t)snprintf(out, bytes, "null") : (size_t)snprintf(out, bytes, "%d", value);
}

static size_t print(char *out, size_t bytes, const struct statement *it)
{
    int used = 0;
    switch (it->what) {
    case INSERTS:
        used = snprintf(out, bytes, "INSERT INTO t (p, c, v) VALUES (1, %d, %d)", it->row, it->value);
        break;
    case UPDATES:
        used = snprintf(out, bytes, "UPDATE t SET v = %d WHERE p = 1 AND c = %d", it->value, it->row);
        break;
    case DELETES_V: used = snprintf(out, bytes, "DELETE v FROM t WHERE p = 1 AND c = %d", it->row); break;
    case DELETES_ROW: used = snprintf(out, bytes, "DELETE FROM t WHERE p = 1 AND c = %d", it->row); break;
    case UPDATES_STATIC: used = snprintf(out, bytes, "UPDATE t SET s = %d WHERE p = 1", it->value); break;
    case WHATS: break;
    }
    static const char *const ifs[] = {"", " IF NOT EXISTS", " IF EXISTS", " IF v ", " IF s "};
    used += snprintf(out + used, bytes - (size_t)used, "%s", ifs[it->asks]);
    if (it->asks >= ASKS_V) {
        used += snprintf(out + used, bytes - (size_t)used, "%s ", it->op);
        used += (int)print_value(out + used, bytes - (size_t)used, it->compared);
    }
    return (size_t)used;
}

/* ---- the comparison ---- */

static void shows_state(struct fixture *f, const struct state *state)
{
    char expected[256] = "", s[16], v[16];
    size_t used = 0;
    print_value(s, sizeof s, state->s);
    for (int row = 0; row < ROWS; row++) {
        if (!row_lives(state, row))
            continue;
        print_value(v, sizeof v, state->v[row]);
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%d,%s,%s", used ? "|" : "", row,
                                 s, v);
    }
    if (!used && state->s != NONE)
        snprintf(expected, sizeof expected, "null,%s,null", s);
    shows(f, "SELECT c, s, v FROM t WHERE p = 1", expected);
}

static void step(struct fixture *f, struct random *rng, struct state *state)
{
    struct statement members[MEMBERS_MAX];
    char text[1024];
    size_t used = 0;
    bool batch = random_below(rng, 3) == 0, applied = true, conditional = false;
    bool may_ask = random_below(rng, 4) != 0;
    int count = batch ? 1 + (int)random_below(rng, MEMBERS_MAX) : 1;
    if (batch)
        used = (size_t)snprintf(text, sizeof text, "BEGIN BATCH ");
    for (int i = 0; i < count; i++) {
        members[i] = random_statement(rng, may_ask);
        used += print(text + used, sizeof text - used, &members[i]);
        if (batch)
            used += (size_t)snprintf(text + used, sizeof text - used, "; ");
        applied &= applies(state, &members[i]);
        conditional |= members[i].asks != ASKS_NOTHING;
    }
    if (batch)
        snprintf(text + used, sizeof text - used, "APPLY BATCH");
    if (!run(f, text)) {
        /* Cassandra alone, and about conditions of several kinds on one row. */
        if (!strstr(f->error.message, "Cannot mix IF"))
            fail_msg("%s: %s", text, f->error.message);
        return;
    }
    if (conditional && (f->result.rows.data[4] == 1) != applied)
        fail_msg("%s should%s apply", text, applied ? "" : " not");
    if (applied)
        apply_all(state, members, count);
}

static void random_conditional_writes_do_what_a_model_does(void **state_)
{
    (void)state_;
    static const enum cql_profile profiles[] = {PROFILE_SCYLLA_2025_1, PROFILE_CASSANDRA_5_0};
    uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t p = 0; p < sizeof profiles / sizeof *profiles; p++) {
        struct random rng = {seed + p};
        struct fixture *f = fixture_open(profiles[p]);
        struct state state = {.v = {NONE, NONE, NONE}, .s = NONE};
        does(f, "CREATE TABLE t (p int, c int, s int STATIC, v int, PRIMARY KEY (p, c))");
        for (int i = 0; i < STEPS; i++) {
            step(f, &rng, &state);
            shows_state(f, &state);
            if (random_below(&rng, 40) == 0)
                assert_true(ok(store_flush(cql_database_store(f->database), 0)));
        }
        fixture_close(f);
    }
}

/* ---- histories ---- */

enum {
    THREADS = 4,
    TURNS = 60,
    LINKS_MAX = THREADS * TURNS,
};

struct link {
    int from, to;
};

struct actor {
    struct cql_database *database;
    int number;
    struct link links[TURNS]; /* what this thread has changed, as it was told */
    int count;
    bool bad;
};

static bool runs(struct cql_session *session, const char *text, struct cql_result *result)
{
    struct cql_error error;
    struct cql_params params = {.consistency = 1};
    return cql_session_query(session, slice_text(text), &params, result, &error);
}

/* Reads the value and replaces it by one that nobody else writes, if it is still the same: alone, in a batch, or through
 * the static column. */
static void *act(void *argument)
{
    struct actor *actor = argument;
    struct cql_session *session = NULL;
    struct cql_result result = {0};
    char text[256];
    actor->bad = failed(cql_session_open(actor->database, &session));
    for (int i = 0; i < TURNS && !actor->bad; i++) {
        actor->bad |= !runs(session, "SELECT v FROM k.t WHERE p = 1 AND c = 1", &result);
        if (actor->bad)
            break;
        int from = (int)load_be32(result.rows.data + 4), to = 1000 * (actor->number + 1) + i;
        if (i % 2)
            snprintf(text, sizeof text, "UPDATE k.t SET v = %d WHERE p = 1 AND c = 1 IF v = %d", to, from);
        else
            snprintf(text, sizeof text,
                     "BEGIN BATCH UPDATE k.t SET v = %d WHERE p = 1 AND c = 1 IF v = %d; "
                     "UPDATE k.t SET s = %d WHERE p = 1; APPLY BATCH",
                     to, from, to);
        actor->bad |= !runs(session, text, &result);
        if (!actor->bad && result.rows.data[4])
            actor->links[actor->count++] = (struct link){from, to};
    }
    cql_result_deinit(&result);
    cql_session_close(session);
    return NULL;
}

/* From the first value on, each was replaced exactly once, and the last one stands. */
static void assert_chain(const struct link *links, int count, int last)
{
    int at = 0;
    for (int followed = 0; followed < count; followed++) {
        int next = NONE;
        for (int i = 0; i < count; i++) {
            if (links[i].from != at)
                continue;
            assert_int_equal(next, NONE);
            next = links[i].to;
        }
        assert_int_not_equal(next, NONE);
        at = next;
    }
    assert_int_equal(at, last);
}

static void histories_of_several_threads_form_one_chain(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    static struct actor actors[THREADS];
    static struct link links[LINKS_MAX];
    pthread_t threads[THREADS];
    int count = 0;
    does(f, "CREATE TABLE t (p int, c int, s int STATIC, v int, PRIMARY KEY (p, c))");
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 1, 0)");
    for (int i = 0; i < THREADS; i++) {
        actors[i] = (struct actor){.database = f->database, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, act, &actors[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(actors[i].bad);
        memcpy(links + count, actors[i].links, (size_t)actors[i].count * sizeof *links);
        count += actors[i].count;
    }
    does(f, "SELECT v FROM t WHERE p = 1 AND c = 1");
    assert_true(count >= TURNS);
    assert_chain(links, count, (int)load_be32(f->result.rows.data + 4));
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_conditional_writes_do_what_a_model_does),
        cmocka_unit_test(histories_of_several_threads_form_one_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
