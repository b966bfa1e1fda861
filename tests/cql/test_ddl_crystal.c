/* The 21 tables and 17 indexes of the crystal application, one by one as it sends them (CRYSTAL-1 to CRYSTAL-3). */
#include <stdlib.h>
#include <string.h>

#include "cql/parse.h"
#include "database_fixture.h"

struct counts {
    unsigned tables, indexes;
};

/* Run a script statement by statement, comment lines and all. */
static struct counts run_script(struct fixture *f, const char *script)
{
    struct counts counts = {0};
    struct slice rest = slice_text(script);
    while (rest.bytes) {
        bool complete, empty;
        size_t bytes = parse_cut(rest, &complete, &empty);
        if (empty)
            break;
        struct cql_params params = {.consistency = 1};
        bool made = cql_session_query(f->session, slice_of(rest.data, bytes), &params, &f->result, &f->error);
        if (!made && strstr(f->error.message, "tablet replication")) /* SCH-8 */
            does(f, "CREATE KEYSPACE crystal WITH replication = {'class': 'NetworkTopologyStrategy'}");
        else if (!made)
            fail_msg("%s: %.*s", f->error.message, (int)bytes, (const char *)rest.data);
        if (f->result.kind == CQL_RESULT_SCHEMA_CHANGE && strcmp(f->result.change.target, "TABLE") == 0) {
            counts.tables += strcmp(f->result.change.change, "CREATED") == 0;
            counts.indexes += strcmp(f->result.change.change, "UPDATED") == 0;
        }
        rest = slice_of(rest.data + bytes, rest.bytes - bytes);
    }
    return counts;
}

static void the_whole_schema_is_made_in_every_profile(void **state)
{
    (void)state;
    char *script = source_file("examples/crystal.cql");
    for (int profile = 0; profile < CQL_PROFILES; profile++) {
        struct fixture *f = fixture_open((enum cql_profile)profile);
        refuses(f, CQL_INVALID, "Keyspace 'crystal' does not exist", "USE crystal");
        struct counts counts = run_script(f, script);
        assert_int_equal(counts.tables, 21);
        assert_int_equal(counts.indexes, 17);
        does(f, "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'crystal'");
        assert_int_equal(f->result.row_count, 21);
        does(f, "SELECT index_name FROM system_schema.indexes WHERE keyspace_name = 'crystal'");
        assert_int_equal(f->result.row_count, 17);
        fixture_close(f);
    }
    free(script);
}

static void a_second_run_changes_nothing(void **state)
{
    (void)state;
    char *script = source_file("examples/crystal.cql");
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    run_script(f, script);
    does(f, "SELECT schema_version FROM system.local");
    char *before = strdup(rows(f, "SELECT schema_version FROM system.local"));
    struct counts counts = run_script(f, script);
    assert_int_equal(counts.tables + counts.indexes, 0);
    shows(f, "SELECT schema_version FROM system.local", before);
    free(before);
    fixture_close(f);
    free(script);
}

static void the_schema_is_there_after_a_restart(void **state)
{
    (void)state;
    char *script = source_file("examples/crystal.cql");
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    run_script(f, script);
    char *columns = strdup(rows(f, "SELECT * FROM system_schema.columns"));
    char *tables = strdup(rows(f, "SELECT * FROM system_schema.tables"));
    char *version = strdup(rows(f, "SELECT schema_version, host_id FROM system.local"));
    fixture_reopen(f);
    shows(f, "SELECT * FROM system_schema.columns", columns);
    shows(f, "SELECT * FROM system_schema.tables", tables);
    shows(f, "SELECT schema_version, host_id FROM system.local", version);
    free(columns);
    free(tables);
    free(version);
    fixture_close(f);
    free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_schema_is_made_in_every_profile),
        cmocka_unit_test(a_second_run_changes_nothing),
        cmocka_unit_test(the_schema_is_there_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
