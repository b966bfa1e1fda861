/* Statements through sessions: prepared ids, values, schema that moves on, batches, many sessions at once. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "database_fixture.h"

/* Values of a test, as int or text; NULL text is null. */
static struct cql_value int_value(uint8_t wire[4], int32_t value)
{
    store_be32(wire, (uint32_t)value);
    return (struct cql_value){.kind = CQL_VALUE, .bytes = slice_of(wire, 4)};
}

static struct cql_value text_value(const char *text)
{
    return (struct cql_value){.kind = text ? CQL_VALUE : CQL_NULL,
                              .bytes = text ? slice_text(text) : (struct slice){0}};
}

static struct cql_prepared *prepares(struct fixture *f, const char *text)
{
    struct cql_prepared *prepared;
    if (!cql_session_prepare(f->session, slice_text(text), &prepared, &f->error))
        fail_msg("%s: %s", f->error.message, text);
    return prepared;
}

static bool executes(struct fixture *f, struct cql_prepared *prepared, const struct cql_value *values,
                     uint32_t count)
{
    struct cql_params params = {.values = values, .value_count = count, .consistency = 1};
    return cql_session_execute(f->session, prepared, &params, &f->result, &f->error);
}

static void an_id_is_the_md5_of_keyspace_and_text(void **state) /* PRE-1 */
{
    (void)state;
    /* printf 'kSELECT * FROM t' | md5sum */
    static const uint8_t expected[16] = {0x8e, 0xb4, 0x87, 0xc3, 0x25, 0xdd, 0x64, 0x43,
                                         0x71, 0x97, 0x23, 0x1d, 0xc2, 0x7d, 0x0d, 0x9c};
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    struct cql_prepared *first = prepares(f, "SELECT * FROM t"), *second = prepares(f, "SELECT * FROM t");
    assert_memory_equal(cql_prepared_id(first), expected, 16);
    assert_ptr_equal(first, second);
    cql_prepared_release(first);
    cql_prepared_release(second);
    fixture_close(f);
}

static void an_id_is_found_from_every_session(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    struct cql_session *other;
    struct cql_prepared *found;
    uint8_t id[16];
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    struct cql_prepared *prepared = prepares(f, "SELECT * FROM t");
    memcpy(id, cql_prepared_id(prepared), 16);
    cql_prepared_release(prepared);
    assert_true(ok(cql_session_open(f->database, &other)));
    assert_true(cql_session_find(other, slice_of(id, 16), &found, &f->error));
    cql_prepared_release(found);
    id[3] ^= 1;
    assert_false(cql_session_find(other, slice_of(id, 16), &found, &f->error));
    assert_int_equal(f->error.code, CQL_UNPREPARED);
    assert_memory_equal(f->error.prepared_id, id, 16);
    assert_false(cql_session_find(other, slice_of(id, 3), &found, &f->error));
    assert_int_equal(f->error.code, CQL_UNPREPARED);
    cql_session_close(other);
    fixture_close(f);
}

static void metadata_names_the_values_and_the_columns(void **state) /* PRE-2, PRE-3 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (a int, b int, c int, v text, PRIMARY KEY ((a, b), c))");
    struct cql_prepared *prepared = prepares(f, "SELECT v, c FROM t WHERE c > ? AND b = ? AND a = ? LIMIT ?");
    uint32_t count;
    const struct cql_column_spec *binds = cql_prepared_binds(prepared, &count);
    assert_int_equal(count, 4);
    assert_string_equal(binds[0].name, "c");
    assert_string_equal(binds[1].name, "b");
    assert_string_equal(binds[2].name, "a");
    assert_string_equal(binds[3].name, "[limit]");
    const uint16_t *positions = cql_prepared_partition_binds(prepared, &count);
    assert_int_equal(count, 2);
    assert_int_equal(positions[0], 2);
    assert_int_equal(positions[1], 1);
    const struct cql_column_spec *columns = cql_prepared_columns(prepared, &count);
    assert_int_equal(count, 2);
    assert_string_equal(columns[0].name, "v");
    assert_int_equal(columns[0].type->id, TYPE_TEXT);
    cql_prepared_release(prepared);
    fixture_close(f);
}

static void a_wrong_number_of_values_is_refused(void **state) /* PRE-5 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    uint8_t wire[4];
    struct cql_value values[3] = {int_value(wire, 1), int_value(wire, 1), int_value(wire, 1)};
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    struct cql_prepared *prepared = prepares(f, "INSERT INTO t (id, v) VALUES (?, ?)");
    assert_false(executes(f, prepared, values, 1));
    assert_string_equal(f->error.message, "Invalid amount of bind variables: expected 2 received 1");
    assert_false(executes(f, prepared, values, 3));
    assert_int_equal(f->error.code, CQL_INVALID);
    assert_true(executes(f, prepared, values, 2));
    cql_prepared_release(prepared);
    refuses(f, CQL_INVALID, "Invalid amount of bind variables: expected 1 received 0",
            "SELECT * FROM t WHERE id = ?");
    fixture_close(f);
}

static void schema_statements_and_use_can_be_prepared(void **state) /* PRE-7 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    struct cql_prepared *create = prepares(f, "CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY)");
    assert_true(executes(f, create, NULL, 0));
    changed(f, "CREATED", "TABLE", "k", "t");
    assert_true(executes(f, create, NULL, 0));
    did_nothing(f);
    struct cql_prepared *use = prepares(f, "USE system");
    assert_true(executes(f, use, NULL, 0));
    assert_string_equal(cql_session_keyspace(f->session), "system");
    cql_prepared_release(create);
    cql_prepared_release(use);
    fixture_close(f);
}

static void a_change_that_leaves_the_metadata_alone_goes_unnoticed(void **state) /* PRE-6 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    uint8_t id[4], v[4];
    struct cql_value values[2] = {int_value(id, 1), int_value(v, 5)};
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    struct cql_prepared *insert = prepares(f, "INSERT INTO t (id, v) VALUES (?, ?)");
    does(f, "CREATE TABLE other (id int PRIMARY KEY)");
    assert_true(executes(f, insert, values, 2));
    does(f, "CREATE INDEX ON t (v)");
    int_value(id, 2);
    assert_true(executes(f, insert, values, 2));
    shows(f, "SELECT id FROM t WHERE v = 5", "1|2"); /* the old plan would not know the index */
    cql_prepared_release(insert);
    fixture_close(f);
}

static void changed_metadata_asks_the_client_to_prepare_again(void **state) /* PRE-6 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    uint8_t id[16];
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    struct cql_prepared *select = prepares(f, "SELECT * FROM t");
    memcpy(id, cql_prepared_id(select), 16);
    does(f, "ALTER TABLE t ADD w int");
    assert_false(executes(f, select, NULL, 0));
    assert_int_equal(f->error.code, CQL_UNPREPARED);
    assert_memory_equal(f->error.prepared_id, id, 16);
    struct cql_prepared *again = prepares(f, "SELECT * FROM t");
    assert_memory_equal(cql_prepared_id(again), id, 16);
    assert_true(executes(f, again, NULL, 0));
    assert_int_equal(f->result.column_count, 3);
    cql_prepared_release(select);
    cql_prepared_release(again);
    fixture_close(f);
}

static void a_statement_that_no_longer_plans_is_unprepared(void **state) /* PRE-6 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    struct cql_prepared *select = prepares(f, "SELECT * FROM t"), *none;
    does(f, "DROP TABLE t");
    assert_false(executes(f, select, NULL, 0));
    assert_int_equal(f->error.code, CQL_UNPREPARED);
    assert_false(cql_session_prepare(f->session, slice_text("SELECT * FROM t"), &none, &f->error));
    assert_string_equal(f->error.message, "unconfigured table t");
    cql_prepared_release(select);
    fixture_close(f);
}

static void a_prepared_statement_keeps_its_keyspace(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    struct cql_prepared *insert = prepares(f, "INSERT INTO t (id) VALUES (1)");
    does(f, "USE system");
    assert_true(executes(f, insert, NULL, 0));
    does(f, "CREATE TABLE k.u (id int PRIMARY KEY)"); /* planned anew, still in k */
    assert_true(executes(f, insert, NULL, 0));
    shows(f, "SELECT id FROM k.t", "1");
    cql_prepared_release(insert);
    fixture_close(f);
}

static void the_cache_forgets_what_was_used_least_and_keeps_what_is_held(void **state)
{
    (void)state;
    struct cql_database_options options = {.profile = PROFILE_SCYLLA_2025_1, .plan_cache_bytes = 64 << 10};
    struct cql_database *database;
    struct cql_session *session;
    struct cql_error error;
    struct cql_result result = {0};
    struct cql_params params = {.consistency = 1};
    struct cql_prepared *held, *found;
    uint8_t id[16];
    assert_true(ok(cql_database_open(&options, &database)));
    assert_true(ok(cql_session_open(database, &session)));
    assert_true(cql_session_prepare(session, slice_text("SELECT * FROM system.local"), &held, &error));
    memcpy(id, cql_prepared_id(held), 16);
    for (int i = 0; i < 100; i++) {
        struct cql_prepared *prepared;
        char text[64];
        snprintf(text, sizeof text, "SELECT * FROM system.local LIMIT %d", i + 1);
        assert_true(cql_session_prepare(session, slice_text(text), &prepared, &error));
        cql_prepared_release(prepared);
    }
    assert_false(cql_session_find(session, slice_of(id, 16), &found, &error));
    assert_int_equal(error.code, CQL_UNPREPARED);
    assert_true(cql_session_execute(session, held, &params, &result, &error));
    assert_int_equal(result.row_count, 1);
    cql_prepared_release(held);
    cql_result_deinit(&result);
    cql_session_close(session);
    assert_true(ok(cql_database_close(database)));
}

static void unprepared_statements_take_values(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v text)");
    for (int i = 0; i < 3; i++) {
        uint8_t id[4];
        struct cql_value values[2] = {int_value(id, i), text_value(i == 1 ? NULL : "x")};
        struct cql_params params = {.consistency = 1, .values = values, .value_count = 2};
        assert_true(cql_session_query(f->session, slice_text("INSERT INTO t (id, v) VALUES (?, ?)"), &params,
                                      &f->result, &f->error));
        if (i == 1)
            does(f, "ALTER TABLE t ADD w int"); /* the text's plan is renewed */
    }
    shows(f, "SELECT id, v FROM t WHERE id = 1", "1,null");
    shows(f, "SELECT id, v FROM t WHERE id = 2", "2,x");
    fixture_close(f);
}

static void values_can_be_named(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    uint8_t id[4];
    struct cql_value values[2] = {text_value("named"), int_value(id, 4)};
    struct slice names[2] = {slice_text("value"), slice_text("ident")};
    struct cql_params params = {.consistency = 1, .values = values, .names = names, .value_count = 2};
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v text)");
    if (!cql_session_query(f->session, slice_text("INSERT INTO t (id, v) VALUES (:ident, :value)"), &params,
                           &f->result, &f->error))
        fail_msg("%s", f->error.message);
    shows(f, "SELECT id, v FROM t", "4,named");
    fixture_close(f);
}

static void a_batch_mixes_texts_and_ids(void **state) /* BAT-5, BAT-6 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    uint8_t a[4], b[4];
    struct cql_params params = {.consistency = 1};
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v text)");
    struct cql_prepared *insert = prepares(f, "INSERT INTO t (id, v) VALUES (?, ?)");
    struct cql_value first[2] = {int_value(a, 1), text_value("one")},
                     second[2] = {int_value(b, 2), text_value("two")};
    struct cql_batch_item items[] = {
        {.prepared = insert, .values = first, .value_count = 2},
        {.text = slice_text("INSERT INTO t (id, v) VALUES (?, ?)"), .values = second, .value_count = 2},
        {.text = slice_text("INSERT INTO t (id, v) VALUES (3, 'three')")},
    };
    assert_true(cql_session_batch(f->session, 0, items, 3, &params, &f->result, &f->error));
    shows(f, "SELECT id, v FROM t WHERE id IN (1, 2, 3)", "1,one|2,two|3,three");
    assert_true(cql_session_batch(f->session, 1, NULL, 0, &params, &f->result, &f->error));
    items[2].text = slice_text("SELECT * FROM t");
    assert_false(cql_session_batch(f->session, 0, items, 3, &params, &f->result, &f->error));
    assert_int_equal(f->error.code, CQL_INVALID);
    items[0].value_count = 1;
    assert_false(cql_session_batch(f->session, 0, items, 1, &params, &f->result, &f->error));
    assert_string_equal(f->error.message, "Invalid amount of bind variables: expected 2 received 1");
    assert_false(cql_session_batch(f->session, 9, items, 1, &params, &f->result, &f->error));
    assert_int_equal(f->error.code, CQL_PROTOCOL_ERROR);
    cql_prepared_release(insert);
    fixture_close(f);
}

static void a_deferred_write_is_durable_once_settled(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    cql_session_set_deferred(f->session, true);
    cql_session_set_durability(f->session, DURABILITY_DURABLE);
    does(f, "INSERT INTO t (id) VALUES (1)");
    does(f, "INSERT INTO t (id) VALUES (2)");
    assert_true(cql_session_settle(f->session, &f->error));
    assert_true(cql_session_settle(f->session, &f->error));
    fixture_reopen(f);
    does(f, "SELECT * FROM k.t");
    assert_int_equal(f->result.row_count, 2);
    fixture_close(f);
}

/* ---- many sessions ---- */

enum {
    WRITERS = 4,
    ROWS_EACH = 300,
};

struct writer {
    struct fixture *f;
    int number;
    pthread_t thread;
    char failure[256];
};

static void *write_rows(void *context)
{
    struct writer *writer = context;
    struct cql_session *session;
    struct cql_prepared *insert;
    struct cql_result result = {0};
    struct cql_error error;
    if (failed(cql_session_open(writer->f->database, &session)))
        return NULL;
    if (!cql_session_prepare(session, slice_text("INSERT INTO k.t (id, v) VALUES (?, 1)"), &insert, &error)) {
        snprintf(writer->failure, sizeof writer->failure, "%.200s", error.message);
        cql_session_close(session);
        return NULL;
    }
    for (int i = 0; i < ROWS_EACH && !*writer->failure; i++) {
        uint8_t id[4];
        struct cql_value value = int_value(id, writer->number * ROWS_EACH + i);
        struct cql_params params = {.consistency = 1, .values = &value, .value_count = 1};
        if (!cql_session_execute(session, insert, &params, &result, &error))
            snprintf(writer->failure, sizeof writer->failure, "%.200s", error.message);
    }
    cql_prepared_release(insert);
    cql_result_deinit(&result);
    cql_session_close(session);
    return NULL;
}

static void no_row_escapes_an_index_made_while_others_write(void **state) /* IDX-3 */
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    struct writer writers[WRITERS];
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v int)");
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.f = f, .number = i};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_rows, &writers[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        char statement[64];
        snprintf(statement, sizeof statement, "CREATE TABLE other%d (id int PRIMARY KEY)", i);
        does(f, statement);
        if (i == 3)
            does(f, "CREATE INDEX ON t (v)");
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_string_equal(writers[i].failure, "");
    }
    shows(f, "SELECT count(*) FROM t", "1200");
    shows(f, "SELECT count(*) FROM t WHERE v = 1", "1200");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_the_md5_of_keyspace_and_text),
        cmocka_unit_test(an_id_is_found_from_every_session),
        cmocka_unit_test(metadata_names_the_values_and_the_columns),
        cmocka_unit_test(a_wrong_number_of_values_is_refused),
        cmocka_unit_test(schema_statements_and_use_can_be_prepared),
        cmocka_unit_test(a_change_that_leaves_the_metadata_alone_goes_unnoticed),
        cmocka_unit_test(changed_metadata_asks_the_client_to_prepare_again),
        cmocka_unit_test(a_statement_that_no_longer_plans_is_unprepared),
        cmocka_unit_test(a_prepared_statement_keeps_its_keyspace),
        cmocka_unit_test(the_cache_forgets_what_was_used_least_and_keeps_what_is_held),
        cmocka_unit_test(unprepared_statements_take_values),
        cmocka_unit_test(values_can_be_named),
        cmocka_unit_test(a_batch_mixes_texts_and_ids),
        cmocka_unit_test(a_deferred_write_is_durable_once_settled),
        cmocka_unit_test(no_row_escapes_an_index_made_while_others_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
