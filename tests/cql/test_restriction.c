/* Restrictions as ranges of key bytes say the same as restrictions tried on every row. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "cql/filter.h"
#include "statement_fixture.h"

enum {
    SIDE = 4, /* values of each clustering column */
    ROUNDS = 300,
};

struct bound {
    int columns; /* of the tuple */
    int op;
    int values[3];
};

static const char *const operators[] = {"<", "<=", ">", ">=", "="};

static bool fits(const struct bound *bound, const int row[3])
{
    int order = 0;
    for (int i = 0; i < bound->columns && !order; i++)
        order = (row[i] > bound->values[i]) - (row[i] < bound->values[i]);
    switch (bound->op) {
    case 0: return order < 0;
    case 1: return order <= 0;
    case 2: return order > 0;
    case 3: return order >= 0;
    default: return order == 0;
    }
}

static void append_bound(char *text, size_t bytes, const struct bound *bound)
{
    static const char *const names[] = {"(a)", "(a, b)", "(a, b, c)"};
    size_t used = strlen(text);
    used += (size_t)snprintf(text + used, bytes - used, " AND %s %s (", names[bound->columns - 1],
                             operators[bound->op]);
    for (int i = 0; i < bound->columns; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%d", i ? ", " : "", bound->values[i]);
    snprintf(text + used, bytes - used, ")");
}

static struct bound random_bound(struct random *rng, int op)
{
    struct bound bound = {.columns = 1 + (int)random_below(rng, 3), .op = op};
    for (int i = 0; i < 3; i++)
        bound.values[i] = (int)random_below(rng, SIDE + 2) - 1;
    return bound;
}

/* The rows that fit, in the order of the table: `descending` says which columns fall. */
static void expect(char *out, size_t bytes, const bool descending[3], const struct bound *bounds, int count,
                   bool reverse)
{
    size_t used = 0;
    *out = '\0';
    for (int i = 0; i < SIDE * SIDE * SIDE; i++) {
        int at = reverse ? SIDE * SIDE * SIDE - 1 - i : i;
        int row[3] = {at / (SIDE * SIDE), at / SIDE % SIDE, at % SIDE};
        bool wanted = true;
        for (int k = 0; k < 3; k++)
            row[k] = descending[k] ? SIDE - 1 - row[k] : row[k];
        for (int k = 0; k < count; k++)
            wanted &= fits(&bounds[k], row);
        if (wanted)
            used += (size_t)snprintf(out + used, bytes - used, "%s%d,%d,%d", used ? "|" : "", row[0], row[1],
                                     row[2]);
    }
}

static void try_tuples(struct fixture *f, struct random *rng, const bool descending[3])
{
    static char expected[4096];
    for (int round = 0; round < ROUNDS; round++) {
        struct bound bounds[2] = {random_bound(rng, (int)random_below(rng, 5))};
        int count = 1;
        if (bounds[0].op != 4 && random_below(rng, 2)) {
            bounds[1] = random_bound(rng, bounds[0].op < 2 ? 2 + (int)random_below(rng, 2)
                                                           : (int)random_below(rng, 2));
            count = 2;
        }
        char text[512] = "SELECT a, b, c FROM t WHERE p = 1";
        for (int i = 0; i < count; i++)
            append_bound(text, sizeof text, &bounds[i]);
        bool reverse = random_below(rng, 2);
        if (reverse)
            snprintf(text + strlen(text), sizeof text - strlen(text), " ORDER BY a %s",
                     descending[0] ? "ASC" : "DESC");
        expect(expected, sizeof expected, descending, bounds, count, reverse);
        const char *got = rows(f, text);
        if (strcmp(got, expected) != 0)
            fail_msg("%s gives %s, not %s", text, got, expected);
    }
}

static void tuples_mean_the_same_under_every_clustering_order(void **state) /* WHR-8, ORD-3 */
{
    (void)state;
    uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct random rng = {seed};
    for (unsigned order = 0; order < 8; order++) {
        struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
        bool descending[3] = {order & 1, order & 2, order & 4};
        char text[256];
        snprintf(text, sizeof text,
                 "CREATE TABLE t (p int, a int, b int, c int, PRIMARY KEY (p, a, b, c)) "
                 "WITH CLUSTERING ORDER BY (a %s, b %s, c %s)",
                 descending[0] ? "DESC" : "ASC", descending[1] ? "DESC" : "ASC",
                 descending[2] ? "DESC" : "ASC");
        does(f, text);
        for (int i = 0; i < SIDE * SIDE * SIDE; i++) {
            snprintf(text, sizeof text, "INSERT INTO t (p, a, b, c) VALUES (1, %d, %d, %d)",
                     i / (SIDE * SIDE), i / SIDE % SIDE, i % SIDE);
            does(f, text);
        }
        try_tuples(f, &rng, descending);
        fixture_close(f);
    }
}

static void like_knows_percent_underscore_and_escape(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pattern;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "%", true},
        {"a", "", false},
        {"abc", "abc", true},
        {"abc", "a%", true},
        {"abc", "%c", true},
        {"abc", "%b%", true},
        {"abc", "%d%", false},
        {"abc", "a_c", true},
        {"abc", "a_", false},
        {"a%c", "a\\%c", true},
        {"abc", "a\\%c", false},
        {"aXbXc", "%X%X%", true},
        {"aab", "%ab", true},
        {"\xc3\xa9t", "_t", true},
        {"abc", "%%%", true},
        {"mississippi", "m%iss%ip_i", true},
        {"mississippi", "m%iss%ip_x", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (filter_like(slice_text(cases[i].text), slice_text(cases[i].pattern)) != cases[i].matches)
            fail_msg("'%s' LIKE '%s'", cases[i].text, cases[i].pattern);
}

static void frozen_collections_are_values(void **state) /* TYP-8 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (p int PRIMARY KEY, l frozen<list<int>>, m frozen<map<text, int>>)");
    does(f, "INSERT INTO t (p, l, m) VALUES (1, [3, 1, 2], {'b': 2, 'a': 1, 'b': 3})");
    does(f, "INSERT INTO t (p, l, m) VALUES (2, [], {})");
    shows(f, "SELECT l, m FROM t WHERE p = 1", "[3, 1, 2],{'a': 1, 'b': 3}");
    shows(f, "SELECT p FROM t WHERE l CONTAINS 2 ALLOW FILTERING", "1");
    shows(f, "SELECT p FROM t WHERE m CONTAINS KEY 'a' ALLOW FILTERING", "1");
    shows(f, "SELECT p FROM t WHERE m CONTAINS 9 ALLOW FILTERING", "");
    shows(f, "SELECT p FROM t WHERE l = [3, 1, 2] ALLOW FILTERING", "1");
    refuses(f, CQL_INVALID, "null is not supported inside collections",
            "INSERT INTO t (p, l) VALUES (3, [null])"); /* NUL-8 */
    refuses(f, CQL_INVALID, "Cannot use CONTAINS on non-collection column",
            "SELECT p FROM t WHERE p CONTAINS 1 ALLOW FILTERING");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tuples_mean_the_same_under_every_clustering_order),
        cmocka_unit_test(like_knows_percent_underscore_and_escape),
        cmocka_unit_test(frozen_collections_are_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
