/* SELECT: which rows, in which order, and what is refused. */
#include <stdio.h>
#include <string.h>

#include "statement_fixture.h"

static struct fixture *points(enum cql_profile profile)
{
    struct fixture *f = fixture_open(profile);
    does(f, "CREATE TABLE t (p int, a int, b int, v text, PRIMARY KEY (p, a, b))");
    does(f, "CREATE TABLE m (p int, a int, b int, v int, PRIMARY KEY (p, a, b)) "
            "WITH CLUSTERING ORDER BY (a DESC, b ASC)");
    char text[256];
    for (int p = 0; p < 3; p++)
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++) {
                snprintf(text, sizeof text, "INSERT INTO t (p, a, b, v) VALUES (%d, %d, %d, 'v%d%d%d')", p, a,
                         b, p, a, b);
                does(f, text);
                snprintf(text, sizeof text, "INSERT INTO m (p, a, b, v) VALUES (%d, %d, %d, %d)", p, a, b,
                         100 * p + 10 * a + b);
                does(f, text);
            }
    return f;
}

static void rows_of_a_partition_come_in_clustering_order(void **state) /* ORD-1 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT a, b FROM t WHERE p = 1", "0,0|0,1|0,2|1,0|1,1|1,2|2,0|2,1|2,2");
    shows(f, "SELECT a, b FROM m WHERE p = 1", "2,0|2,1|2,2|1,0|1,1|1,2|0,0|0,1|0,2");
    shows(f, "SELECT v FROM t WHERE p = 1 AND a = 2 AND b = 1", "v121");
    shows(f, "SELECT v FROM t WHERE p = 1 AND a = 2 AND b = 9", "");
    shows(f, "SELECT v FROM t WHERE p = 9", "");
    fixture_close(f);
}

static void slices_follow_type_order_whatever_the_direction(void **state)
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND a > 1", "2,0|2,1|2,2");
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND a >= 1 AND a < 2", "1,0|1,1|1,2");
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND a = 1 AND b > 0 AND b <= 2", "1,1|1,2");
    shows(f, "SELECT a, b FROM m WHERE p = 1 AND a > 1", "2,0|2,1|2,2");
    shows(f, "SELECT a, b FROM m WHERE p = 1 AND a <= 1", "1,0|1,1|1,2|0,0|0,1|0,2");
    shows(f, "SELECT a, b FROM m WHERE p = 1 AND a > 1 AND a < 1", "");
    fixture_close(f);
}

static void order_by_takes_either_direction_of_the_whole_order(void **state) /* ORD-1, ORD-3 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT a, b FROM m WHERE p = 1 ORDER BY a DESC, b ASC LIMIT 2", "2,0|2,1");
    shows(f, "SELECT a, b FROM m WHERE p = 1 ORDER BY a ASC, b DESC LIMIT 4", "0,2|0,1|0,0|1,2");
    shows(f, "SELECT a, b FROM t WHERE p = 1 ORDER BY a DESC LIMIT 4", "2,2|2,1|2,0|1,2");
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND a = 1 ORDER BY b DESC", "1,2|1,1|1,0");
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND a IN (0, 2) AND b > 0 ORDER BY a DESC", "2,2|2,1|0,2|0,1");
    refuses(f, CQL_INVALID, "Unsupported order by relation",
            "SELECT * FROM m WHERE p = 1 ORDER BY a DESC, b DESC");
    refuses(f, CQL_INVALID, "Order by currently only support", "SELECT * FROM t WHERE p = 1 ORDER BY b DESC");
    refuses(f, CQL_INVALID,
            "ORDER BY is only supported when the partition key is restricted by an EQ or an IN.",
            "SELECT * FROM t ORDER BY a DESC"); /* ORD-2 */
    fixture_close(f);
}

static void tuples_compare_in_type_order(void **state) /* WHR-8 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND (a, b) > (1, 1)", "1,2|2,0|2,1|2,2");
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND (a, b) >= (1, 1) AND (a, b) < (2, 1)", "1,1|1,2|2,0");
    shows(f, "SELECT a, b FROM m WHERE p = 1 AND (a, b) > (1, 1)", "2,0|2,1|2,2|1,2");
    shows(f, "SELECT a, b FROM m WHERE p = 1 AND (a, b) <= (1, 1)", "1,0|1,1|0,0|0,1|0,2");
    shows(f, "SELECT a, b FROM m WHERE p = 1 AND (a, b) > (0, 1) AND (a, b) <= (2, 0)",
          "2,0|1,0|1,1|1,2|0,2");
    shows(f, "SELECT a, b FROM m WHERE p = 1 AND (a, b) <= (1, 1) ORDER BY a ASC, b DESC",
          "0,2|0,1|0,0|1,1|1,0");
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND (a) > (1)", "2,0|2,1|2,2");
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND (a, b) = (1, 2)", "1,2");
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND (a, b) IN ((2, 0), (0, 1), (2, 0))", "0,1|2,0"); /* WHR-11 */
    shows_bound(f, "SELECT a, b FROM t WHERE p = ? AND (a, b) < (?, ?)", "1;0;2", "0,0|0,1");
    refuses(f, CQL_INVALID, "Mixing single column relations and multi column relations",
            "SELECT * FROM t WHERE p = 1 AND a = 1 AND (a, b) > (1, 1)");
    refuses(f, CQL_INVALID, "", "SELECT * FROM t WHERE p = 1 AND (b) > (1)");
    fixture_close(f);
}

static void in_lists_are_sets(void **state) /* WHR-9, WHR-10, WHR-11 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT p, b FROM t WHERE p IN (2, 0, 2) AND a = 1", "0,0|0,1|0,2|2,0|2,1|2,2");
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND a IN (2, 0, 2) AND b = 1", "0,1|2,1");
    shows(f, "SELECT a, b FROM m WHERE p = 1 AND a IN (0, 2) AND b IN (2, 1)", "2,1|2,2|0,1|0,2");
    shows(f, "SELECT a FROM t WHERE p = 1 AND a IN ()", "");
    shows(f, "SELECT a FROM t WHERE p IN ()", "");
    shows_bound(f, "SELECT p, a FROM t WHERE p IN ? AND a = 0 AND b = 0", "[2 1 7]", "1,0|2,0");
    shows_bound(f, "SELECT a FROM t WHERE p = 0 AND a IN ? AND b = 0", "[]", "");
    fixture_close(f);

    f = points(PROFILE_CASSANDRA_4_1);
    shows(f, "SELECT p FROM t WHERE p IN (2, 0, 1) AND a = 0 AND b = 0", "0|1|2");
    fixture_close(f);
}

static void too_many_combinations_are_refused(void **state) /* WHR-12 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    char text[2048] = "SELECT * FROM t WHERE p IN (0";
    for (int i = 1; i <= 100; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), ",%d", i);
    strcat(text, ")");
    refuses(f, CQL_INVALID, "partition", text);
    fixture_close(f);
}

static void limits_apply_to_what_is_returned(void **state) /* WHR-13 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT a, b FROM t WHERE p = 1 LIMIT 2", "0,0|0,1");
    shows(f, "SELECT p, b FROM t WHERE p IN (0, 1) PER PARTITION LIMIT 2", "0,0|0,1|1,0|1,1");
    shows(f, "SELECT p, b FROM t PER PARTITION LIMIT 1", "1,0|0,0|2,0");
    shows(f, "SELECT p, b FROM t PER PARTITION LIMIT 2 LIMIT 3", "1,0|1,1|0,0");
    shows(f, "SELECT a FROM t WHERE p = 1 AND b = 2 LIMIT 2 ALLOW FILTERING", "0|1");
    refuses(f, CQL_INVALID, "LIMIT must be strictly positive", "SELECT * FROM t LIMIT 0");
    refuses(f, CQL_INVALID, "LIMIT must be strictly positive", "SELECT * FROM t LIMIT -1");
    refuses(f, CQL_INVALID, "PER PARTITION LIMIT is not allowed with aggregate queries.",
            "SELECT count(*) FROM t PER PARTITION LIMIT 1");
    shows_bound(f, "SELECT a, b FROM t WHERE p = 1 LIMIT ?", "1", "0,0");
    shows_bound(f, "SELECT a, b FROM t WHERE p = 1 AND a = 0 LIMIT ?", "unset", "0,0|0,1|0,2");
    refuses_bound(f, CQL_INVALID, "Invalid null value of limit", "SELECT a FROM t LIMIT ?", "null");
    fixture_close(f);
}

static void scans_come_in_token_order(void **state) /* TOK-5, TOK-6, WHR-4 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT DISTINCT p FROM t", "1|0|2");
    shows(f, "SELECT DISTINCT p, token(p) FROM t",
          "1,-4069959284402364209|0,-3485513579396041028|2,-3248873570005575792");
    shows(f, "SELECT DISTINCT p FROM t WHERE token(p) > -4069959284402364209", "0|2");
    shows(f, "SELECT DISTINCT p FROM t WHERE token(p) >= token(1) AND token(p) < token(2)", "1|0");
    shows(f, "SELECT DISTINCT p FROM t WHERE token(p) = token(0)", "0");
    shows(f, "SELECT DISTINCT p FROM t WHERE token(p) > 9223372036854775807", "");
    expects_binds(f, "SELECT p FROM t WHERE token(p) > ?", "partition key token");
    refuses(f, CQL_INVALID, "Cannot execute this query as it might involve data filtering",
            "SELECT p FROM t WHERE token(p) > 0 AND a = 1");
    shows(f, "SELECT p, b FROM t WHERE token(p) <= token(0) AND a = 1 AND b = 2 ALLOW FILTERING", "1,2|0,2");
    fixture_close(f);
}

static void what_needs_filtering_says_so(void **state) /* WHR-1 to WHR-6 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    static const char filtering[] =
        "Cannot execute this query as it might involve data filtering and thus may "
        "have unpredictable performance. If you want to execute this query despite "
        "the performance unpredictability, use ALLOW FILTERING";
    refuses(f, CQL_INVALID, filtering, "SELECT * FROM t WHERE v = 'v000'");
    refuses(f, CQL_INVALID, filtering, "SELECT * FROM t WHERE p = 1 AND v = 'v000'");
    refuses(f, CQL_INVALID, filtering, "SELECT * FROM t WHERE a = 1");
    refuses(f, CQL_INVALID, "Only EQ and IN relation are supported on the partition key",
            "SELECT * FROM t WHERE p > 1");
    refuses(f, CQL_INVALID,
            "PRIMARY KEY column \"b\" cannot be restricted as preceding column \"a\" is not restricted",
            "SELECT * FROM t WHERE p = 1 AND b = 1");
    refuses(f, CQL_INVALID,
            "Clustering column \"b\" cannot be restricted (preceding column \"a\" is restricted by a non-EQ "
            "relation)",
            "SELECT * FROM t WHERE p = 1 AND a > 1 AND b = 1");
    refuses(f, CQL_INVALID, "Unsupported \"!=\" relation", "SELECT * FROM t WHERE p != 1");
    shows(f, "SELECT p, b FROM t WHERE v IN ('v102', 'x') ALLOW FILTERING", "1,2");
    shows(f, "SELECT p, b FROM t WHERE v = 'v102' ALLOW FILTERING", "1,2");
    shows(f, "SELECT p, a FROM t WHERE a = 1 AND b = 1 ALLOW FILTERING", "1,1|0,1|2,1");
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND b = 1 ALLOW FILTERING", "0,1|1,1|2,1");
    shows(f, "SELECT a, b FROM t WHERE p = 1 AND a > 0 AND b = 1 ALLOW FILTERING", "1,1|2,1");
    shows(f, "SELECT p FROM t WHERE p > 0 AND a = 0 AND b = 0 ALLOW FILTERING", "1|2");
    shows(f, "SELECT v FROM t WHERE p = 1 AND v LIKE '%2_' ALLOW FILTERING", "v120|v121|v122");
    shows(f, "SELECT v FROM t WHERE p = 1 AND a = 1 ALLOW FILTERING", "v110|v111|v112");
    fixture_close(f);
}

static void a_column_restricted_twice_is_the_target_s_affair(void **state) /* WHR-7 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT a FROM t WHERE p = 1 AND a > 0 AND a > 1 AND a < 5 AND a < 9 PER PARTITION LIMIT 1",
          "2");
    shows(f, "SELECT a FROM t WHERE p = 1 AND p = 2", "");
    shows(f, "SELECT b FROM t WHERE p = 1 AND a = 1 AND a < 2 AND b = 0", "0");
    shows(f, "SELECT b FROM t WHERE p = 1 AND a = 1 AND a > 1 AND b = 0", "");
    fixture_close(f);
    f = points(PROFILE_CASSANDRA_4_1);
    refuses(f, CQL_INVALID, "p cannot be restricted by more than one relation if it includes an Equal",
            "SELECT a FROM t WHERE p = 1 AND p = 2");
    refuses(f, CQL_INVALID, "More than one restriction was found for the start bound on a",
            "SELECT a FROM t WHERE p = 1 AND a > 1 AND a >= 2");
    fixture_close(f);
}

static void null_and_unset_have_no_place_in_where(void **state) /* NUL-2, NUL-5, NUL-10 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "Invalid null value in condition for column p", "SELECT * FROM t WHERE p = null");
    refuses_bound(f, CQL_INVALID, "Invalid null value in condition for column a",
                  "SELECT * FROM t WHERE p = 1 AND a = ?", "null");
    refuses_bound(f, CQL_INVALID, "Invalid unset value for column p", "SELECT * FROM t WHERE p = ?", "unset");
    shows(f, "SELECT p FROM t WHERE v = null ALLOW FILTERING", "");
    fixture_close(f);
    f = points(PROFILE_CASSANDRA_4_1);
    refuses(f, CQL_INVALID, "Unsupported null value for column v",
            "SELECT p FROM t WHERE v = null ALLOW FILTERING");
    fixture_close(f);
}

static void aggregates_answer_with_one_row(void **state) /* WHR-14, FUN-6, FUN-7, PAG-5 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT count(*) FROM t", "27");
    shows(f, "SELECT count(*), sum(v), min(v), max(v), avg(v) FROM m WHERE p = 1", "9,999,100,122,111");
    shows(f, "SELECT count(v), sum(v), min(v), avg(v), a FROM m WHERE p = 9", "0,0,null,0,null");
    shows(f, "SELECT a, count(*) FROM m WHERE p = 1", "2,9");
    shows_pages(f, "SELECT count(*) FROM t", 5, "27");
    expects_columns(f, "SELECT count(*), min(v), count(a), avg(v) AS mean FROM m",
                    "count bigint;system.min(v) int;system.count(a) bigint;mean int");
    does(f, "CREATE TABLE d (p int PRIMARY KEY, x double, s smallint)");
    does(f, "INSERT INTO d (p, x, s) VALUES (1, 1.5, 32767)");
    does(f, "INSERT INTO d (p, x, s) VALUES (2, 2.5, 1)");
    shows(f, "SELECT sum(x), avg(x), max(s) FROM d", "4,2,32767");
    refuses(f, CQL_INVALID, "", "SELECT sum(s) FROM d");
    fixture_close(f);
}

static void groups_are_prefixes_of_the_primary_key(void **state) /* WHR-15, WHR-14, PAG-5 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT p, count(*), sum(v) FROM m GROUP BY p", "1,9,999|0,9,99|2,9,1899");
    shows(f, "SELECT a, b, count(*), max(v) FROM m WHERE p = 1 GROUP BY p, a",
          "2,0,3,122|1,0,3,112|0,0,3,102");
    shows(f, "SELECT a, b FROM m WHERE p = 1 GROUP BY a", "2,0|1,0|0,0");
    shows(f, "SELECT p, a, sum(v) FROM m WHERE b > 0 GROUP BY p, a LIMIT 2 ALLOW FILTERING",
          "1,2,243|1,1,223");
    shows(f, "SELECT p, a FROM m GROUP BY p, a PER PARTITION LIMIT 1", "1,2|0,2|2,2");
    shows(f, "SELECT count(*) FROM m WHERE p = 9 GROUP BY a", "");
    shows_pages(f, "SELECT p, count(*) FROM m GROUP BY p", 1, "1,9|0,9|2,9");
    refuses(f, CQL_INVALID, "Group by is currently only supported on the columns of the PRIMARY KEY, got v",
            "SELECT p FROM m GROUP BY p, v");
    refuses(f, CQL_INVALID, "Group by currently only support", "SELECT p FROM m GROUP BY p, b");
    fixture_close(f);
}

static void functions_and_cell_facts_are_selectors(void **state) /* TS-16, FUN-6 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (p int, c timestamp, v int, PRIMARY KEY (p, c))");
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 1000, 5) USING TIMESTAMP 77 AND TTL 100");
    does(f, "INSERT INTO t (p, c) VALUES (1, 2000)");
    shows(f, "SELECT writetime(v) FROM t WHERE p = 1", "77|null");
    does(f, "UPDATE t SET v = 6 WHERE p = 1 AND c = 2000");
    shows(f, "SELECT v, ttl(v) FROM t WHERE p = 1 AND c = 2000", "6,null");
    expects_columns(
        f, "SELECT v AS w, writetime(v), ttl(v), tounixtimestamp(c), CAST(v AS text) FROM t",
        "w int;writetime(v) bigint;ttl(v) int;system.tounixtimestamp(c) bigint;cast(v as text) text");
    shows(f, "SELECT tounixtimestamp(c), CAST(v AS text) FROM t WHERE p = 1", "1000,5|2000,6");
    shows(f, "SELECT max(tounixtimestamp(c)) FROM t", "2000");
    refuses(f, CQL_INVALID, "", "SELECT writetime(c) FROM t");
    refuses(f, CQL_INVALID, "Unrecognized name nothing", "SELECT nothing FROM t");
    fixture_close(f);
}

static void a_partition_with_only_statics_shows_itself(void **state) /* STA-1, STA-2, STA-3, STA-5 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (p int, c int, s text STATIC, v int, PRIMARY KEY (p, c))");
    does(f, "INSERT INTO t (p, s) VALUES (1, 'one')");
    shows(f, "SELECT * FROM t WHERE p = 1", "1,null,one,null");
    shows(f, "SELECT v FROM t WHERE p = 1", "null");
    shows(f, "SELECT c, s FROM t WHERE p = 1 AND c = 5", "");
    does(f, "INSERT INTO t (p, c, v) VALUES (1, 5, 50)");
    shows(f, "SELECT * FROM t WHERE p = 1", "1,5,one,50");
    does(f, "DELETE FROM t WHERE p = 1 AND c = 5");
    shows(f, "SELECT * FROM t", "1,null,one,null");
    does(f, "INSERT INTO t (p, c, v) VALUES (2, 6, 60)");
    shows(f, "SELECT DISTINCT p, s FROM t", "1,one|2,null");
    does(f, "DELETE FROM t WHERE p = 1");
    shows(f, "SELECT p FROM t", "2");
    fixture_close(f);
    f = fixture_open(PROFILE_CASSANDRA_4_1);
    does(f, "CREATE TABLE t (p int, c int, s text STATIC, v int, PRIMARY KEY (p, c))");
    does(f, "INSERT INTO t (p, s) VALUES (1, 'one')");
    shows(f, "SELECT * FROM t WHERE p = 1", "1,null,one,null");
    shows(f, "SELECT v FROM t WHERE p = 1", "");
    fixture_close(f);
}

static void distinct_is_for_partitions(void **state) /* STA-6 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID,
            "SELECT DISTINCT queries must only request partition key columns and/or static columns",
            "SELECT DISTINCT a FROM t");
    refuses(f, CQL_INVALID, "SELECT DISTINCT with WHERE clause only supports restriction by partition key",
            "SELECT DISTINCT p FROM t WHERE a = 1 ALLOW FILTERING");
    refuses(f, CQL_INVALID, "PER PARTITION LIMIT is not allowed with SELECT DISTINCT",
            "SELECT DISTINCT p FROM t PER PARTITION LIMIT 1");
    shows(f, "SELECT DISTINCT p FROM t LIMIT 2", "1|0");
    fixture_close(f);
}

static void order_by_merges_partitions_when_unpaged(void **state) /* ORD-4 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    shows(f, "SELECT p, a FROM t WHERE p IN (0, 1) AND b = 0 ORDER BY a DESC LIMIT 3 ALLOW FILTERING",
          "0,2|1,2|0,1");
    struct cql_params params = {.consistency = 1, .page_size = 10};
    assert_false(cql_session_query(f->session,
                                   slice_text("SELECT * FROM t WHERE p IN (0, 1) ORDER BY a DESC"), &params,
                                   &f->result, &f->error));
    assert_non_null(
        strstr(f->error.message,
               "Cannot page queries with both ORDER BY and a IN restriction on the partition key;"));
    fixture_close(f);
}

static void markers_are_named_as_drivers_expect(void **state) /* PRE-2, PRE-3, PRE-5 */
{
    (void)state;
    struct fixture *f = points(PROFILE_SCYLLA_2025_1);
    expects_binds(f, "SELECT * FROM t WHERE p IN ? AND (a, b) > (?, ?) PER PARTITION LIMIT ? LIMIT ?",
                  "IN(p);a;b;[per_partition_limit];[limit]");
    expects_binds(f, "SELECT * FROM t WHERE p = :one AND (a, b) IN ?", "one;IN(a,b)");
    expects_binds(f, "INSERT INTO t (p, a, b, v) VALUES (?, ?, ?, ?) USING TIMESTAMP ? AND TTL ?",
                  "p;a;b;v;[timestamp];[ttl]");
    expects_partition_binds(f, "INSERT INTO t (a, p, b) VALUES (?, ?, ?)", "1");
    expects_partition_binds(f, "UPDATE t SET v = ? WHERE p = ? AND a = ? AND b = ?", "1");
    expects_partition_binds(f, "DELETE FROM t WHERE p = ?", "0");
    expects_partition_binds(f, "SELECT * FROM t WHERE p IN ?", "");
    refuses_bound(f, CQL_INVALID, "Invalid amount of bind variables: expected 1 received 2",
                  "SELECT * FROM t WHERE p = ?", "1;2");
    fixture_close(f);
    f = points(PROFILE_CASSANDRA_4_1);
    expects_binds(f, "SELECT * FROM t WHERE p IN ?", "in(p)");
    fixture_close(f);
}

static void composite_keys_and_empty_components(void **state) /* NUL-6, TOK-2 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (p int, q text, v int, PRIMARY KEY ((p, q)))");
    does(f, "CREATE TABLE s (p text PRIMARY KEY, v int)");
    does(f, "INSERT INTO t (p, q, v) VALUES (1, '', 10)");
    does(f, "INSERT INTO t (p, q, v) VALUES (1, 'x', 20)");
    shows(f, "SELECT q, v FROM t WHERE p = 1 AND q = ''", ",10");
    shows(f, "SELECT v FROM t WHERE p = 1 AND q IN ('x', '')", "10|20");
    does(f, "CREATE TABLE two (p int, q int, PRIMARY KEY ((p, q)))");
    does(f, "INSERT INTO two (p, q) VALUES (1, 2)");
    shows(f, "SELECT token(p, q) FROM two", "4881097376275569167"); /* TOK-3 */
    refuses(f, CQL_INVALID, "Key may not be empty", "INSERT INTO s (p) VALUES ('')");
    refuses(f, CQL_INVALID, "Key may not be empty", "SELECT * FROM s WHERE p = ''");
    refuses(f, CQL_INVALID, "Cannot execute this query as it might involve data filtering",
            "SELECT * FROM t WHERE p = 1");
    shows(f, "SELECT v FROM t WHERE q = 'x' ALLOW FILTERING", "20");
    expects_partition_binds(f, "SELECT v FROM t WHERE q = ? AND p = ?", "1,0");
    expects_partition_binds(f, "SELECT v FROM t WHERE q = 'x' AND p = ?", "");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_a_partition_come_in_clustering_order),
        cmocka_unit_test(slices_follow_type_order_whatever_the_direction),
        cmocka_unit_test(order_by_takes_either_direction_of_the_whole_order),
        cmocka_unit_test(tuples_compare_in_type_order),
        cmocka_unit_test(in_lists_are_sets),
        cmocka_unit_test(too_many_combinations_are_refused),
        cmocka_unit_test(limits_apply_to_what_is_returned),
        cmocka_unit_test(scans_come_in_token_order),
        cmocka_unit_test(what_needs_filtering_says_so),
        cmocka_unit_test(a_column_restricted_twice_is_the_target_s_affair),
        cmocka_unit_test(null_and_unset_have_no_place_in_where),
        cmocka_unit_test(aggregates_answer_with_one_row),
        cmocka_unit_test(groups_are_prefixes_of_the_primary_key),
        cmocka_unit_test(functions_and_cell_facts_are_selectors),
        cmocka_unit_test(a_partition_with_only_statics_shows_itself),
        cmocka_unit_test(distinct_is_for_partitions),
        cmocka_unit_test(order_by_merges_partitions_when_unpaged),
        cmocka_unit_test(markers_are_named_as_drivers_expect),
        cmocka_unit_test(composite_keys_and_empty_components),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
