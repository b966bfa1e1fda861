/* CREATE, ALTER and DROP KEYSPACE, and USE. */
#include "database_fixture.h"

#define SIMPLE "{'class': 'SimpleStrategy', 'replication_factor': 1}"

static void creating_one_reports_it(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE KEYSPACE crystal WITH replication = " SIMPLE);
    changed(f, "CREATED", "KEYSPACE", "crystal", "");
    shows(f,
          "SELECT replication, durable_writes FROM system_schema.keyspaces WHERE keyspace_name = 'crystal'",
          "{'class': 'org.apache.cassandra.locator.SimpleStrategy', 'replication_factor': '1'},True");
    fixture_close(f);
}

static void creating_one_twice_is_already_exists(void **state) /* SCH-6 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_ALREADY_EXISTS, "Cannot add existing keyspace \"k\"",
            "CREATE KEYSPACE k WITH replication = " SIMPLE);
    assert_string_equal(f->error.keyspace, "k");
    assert_string_equal(f->error.table, "");
    does(f, "CREATE KEYSPACE IF NOT EXISTS k WITH replication = " SIMPLE);
    did_nothing(f); /* SCH-5 */
    fixture_close(f);
}

static void replication_is_judged_as_a_configuration(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_CONFIG_ERROR, "Missing mandatory replication strategy class",
            "CREATE KEYSPACE a WITH durable_writes = true");
    refuses(f, CQL_CONFIG_ERROR, "Missing replication strategy class",
            "CREATE KEYSPACE a WITH replication = {'replication_factor': 1}");
    refuses(f, CQL_CONFIG_ERROR, "Unable to find replication strategy class",
            "CREATE KEYSPACE a WITH replication = {'class': 'NoStrategy', 'replication_factor': 1}");
    refuses(f, CQL_CONFIG_ERROR, "SimpleStrategy requires a replication_factor strategy option.",
            "CREATE KEYSPACE a WITH replication = {'class': 'SimpleStrategy'}");
    refuses(f, CQL_CONFIG_ERROR, "Replication factor must be numeric and non-negative, found 'x'",
            "CREATE KEYSPACE a WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 'x'}");
    refuses(f, CQL_CONFIG_ERROR, "Unrecognized strategy option {mars1}",
            "CREATE KEYSPACE a WITH replication = {'class': 'NetworkTopologyStrategy', 'mars1': 1}");
    refuses(f, CQL_SYNTAX_ERROR, "Unknown property 'colour'",
            "CREATE KEYSPACE a WITH replication = " SIMPLE " AND colour = 'blue'");
    fixture_close(f);
}

static void a_factor_for_every_data_center_is_shown_for_ours(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(
        f,
        "CREATE KEYSPACE a WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 3}");
    shows(f, "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = 'a'",
          "{'class': 'org.apache.cassandra.locator.NetworkTopologyStrategy', 'datacenter1': '3'}");
    fixture_close(f);
}

static void altering_one_changes_what_is_shown(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "ALTER KEYSPACE k WITH durable_writes = false");
    changed(f, "UPDATED", "KEYSPACE", "k", "");
    shows(f, "SELECT durable_writes FROM system_schema.keyspaces WHERE keyspace_name = 'k'", "False");
    refuses(f, CQL_INVALID, "Unknown keyspace nobody", "ALTER KEYSPACE nobody WITH durable_writes = false");
    fixture_close(f);
}

static void dropping_one_takes_its_tables_and_indexes(void **state) /* SCH-11 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    does(f, "CREATE INDEX ON t (v)");
    does(f, "DROP KEYSPACE k");
    changed(f, "DROPPED", "KEYSPACE", "k", "");
    shows(f, "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'k'", "");
    refuses(f, CQL_INVALID, "", "SELECT * FROM k.t");
    does(f, "CREATE KEYSPACE k WITH replication = " SIMPLE);
    does(f, "CREATE TABLE k.t (id int PRIMARY KEY)");
    shows(f, "SELECT * FROM k.t", "");
    fixture_close(f);
}

static void dropping_a_missing_one_is_refused_unless_if_exists(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_CONFIG_ERROR, "Cannot drop non existing keyspace 'nobody'.", "DROP KEYSPACE nobody");
    does(f, "DROP KEYSPACE IF EXISTS nobody");
    did_nothing(f);
    fixture_close(f);
}

static void names_are_words_of_limited_length(void **state) /* TYP-11 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_CASSANDRA_4_1);
    refuses(f, CQL_INVALID, "Keyspace name must not be empty",
            "CREATE KEYSPACE \"a-b\" WITH replication = " SIMPLE);
    refuses(f, CQL_INVALID, "Keyspace name must not be empty, more than 48 characters long",
            "CREATE KEYSPACE a234567890123456789012345678901234567890123456789 WITH replication = " SIMPLE);
    does(f, "CREATE KEYSPACE a23456789012345678901234567890123456789012345678 WITH replication = " SIMPLE);
    does(f, "CREATE KEYSPACE \"MixedCase\" WITH replication = " SIMPLE);
    changed(f, "CREATED", "KEYSPACE", "MixedCase", "");
    refuses(f, CQL_INVALID, "Keyspace 'mixedcase' does not exist", "USE MixedCase");
    does(f, "USE \"MixedCase\"");
    fixture_close(f);
}

static void the_systems_keyspaces_are_not_the_users(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_UNAUTHORIZED, "system keyspace is not user-modifiable", "DROP KEYSPACE system");
    refuses(f, CQL_UNAUTHORIZED, "system_schema keyspace is not user-modifiable",
            "DROP TABLE system_schema.tables");
    refuses(f, CQL_UNAUTHORIZED, "system keyspace is not user-modifiable",
            "CREATE TABLE system.t (id int PRIMARY KEY)");
    refuses(f, CQL_UNAUTHORIZED, "strait keyspace is not user-modifiable", "TRUNCATE strait.tables");
    refuses(f, CQL_UNAUTHORIZED, "system keyspace is not user-modifiable",
            "CREATE INDEX ON system.local (rack)");
    fixture_close(f);
}

static void use_takes_only_keyspaces_that_exist(void **state) /* SCH-7, CRYSTAL-1 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_INVALID, "Keyspace 'crystal' does not exist", "USE crystal");
    assert_string_equal(cql_session_keyspace(f->session), "k");
    does(f, "USE system");
    assert_int_equal(f->result.kind, CQL_RESULT_SET_KEYSPACE);
    assert_string_equal(f->result.keyspace, "system");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creating_one_reports_it),
        cmocka_unit_test(creating_one_twice_is_already_exists),
        cmocka_unit_test(replication_is_judged_as_a_configuration),
        cmocka_unit_test(a_factor_for_every_data_center_is_shown_for_ours),
        cmocka_unit_test(altering_one_changes_what_is_shown),
        cmocka_unit_test(dropping_one_takes_its_tables_and_indexes),
        cmocka_unit_test(dropping_a_missing_one_is_refused_unless_if_exists),
        cmocka_unit_test(names_are_words_of_limited_length),
        cmocka_unit_test(the_systems_keyspaces_are_not_the_users),
        cmocka_unit_test(use_takes_only_keyspaces_that_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
