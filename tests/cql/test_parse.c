/* Text to tree: what the grammar takes, what it builds, and how it refuses (ERR 0x2000, PRE-4, TYP-11, CRYSTAL). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cql/parse.h"

struct fixture {
    struct arena arena;
    struct cql_error error;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    arena_init(&fixture->arena, 4096);
    *state = fixture;
    return fixture ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_deinit(&fixture->arena);
    free(fixture);
    return 0;
}

static const struct ast_statement *parse_for(struct fixture *fixture, const char *text,
                                             enum cql_profile profile)
{
    struct ast_statement *statement = NULL;
    cql_error_clear(&fixture->error);
    if (!parse_statement(slice_text(text), profile, &fixture->arena, &statement, &fixture->error))
        fail_msg("%s: %s", text, fixture->error.message);
    return statement;
}

static const struct ast_statement *parse(struct fixture *fixture, const char *text)
{
    return parse_for(fixture, text, PROFILE_SCYLLA_2025_1);
}

static const char *refusal(struct fixture *fixture, const char *text)
{
    struct ast_statement *statement = NULL;
    cql_error_clear(&fixture->error);
    if (parse_statement(slice_text(text), PROFILE_SCYLLA_2025_1, &fixture->arena, &statement,
                        &fixture->error))
        fail_msg("was taken: %s", text);
    assert_int_equal(fixture->error.code, CQL_SYNTAX_ERROR);
    return fixture->error.message;
}

static bool text_is(struct slice text, const char *wanted)
{
    return slice_equal(text, slice_text(wanted));
}

static void a_select_has_all_its_clauses(void **state)
{
    const struct ast_statement *statement = parse(
        *state, "SELECT DISTINCT a, b AS c FROM ks.t WHERE a = ? AND b >= 5 GROUP BY a, b ORDER BY b DESC, c "
                "PER PARTITION LIMIT 2 LIMIT :n ALLOW FILTERING BYPASS CACHE USING TIMEOUT 5s;");
    assert_int_equal(statement->kind, STATEMENT_SELECT);
    const struct ast_select *select = &statement->select;
    assert_true(select->distinct);
    assert_false(select->all);
    assert_int_equal(select->selector_count, 2);
    assert_string_equal(select->selectors[1]->name.text, "b");
    assert_string_equal(select->selectors[1]->alias.text, "c");
    assert_string_equal(select->table.keyspace.text, "ks");
    assert_string_equal(select->table.name.text, "t");
    assert_int_equal(select->where_count, 2);
    assert_int_equal(select->where[1].op, OP_GE);
    assert_true(text_is(select->where[1].value->text, "5"));
    assert_int_equal(select->group_by_count, 2);
    assert_int_equal(select->order_by_count, 2);
    assert_true(select->order_by[0].descending);
    assert_false(select->order_by[1].descending);
    assert_true(text_is(select->per_partition_limit->text, "2"));
    assert_int_equal(select->limit->kind, TERM_BIND);
    assert_string_equal(select->limit->name.text, "n");
    assert_true(select->allow_filtering);
    assert_true(select->bypass_cache);
    assert_int_equal(select->using_.timeout->literal, LITERAL_DURATION);
    assert_int_equal(statement->bind_count, 2);
}

static void selectors_know_counts_functions_casts_and_elements(void **state)
{
    const struct ast_statement *statement = parse(
        *state,
        "SELECT count(*), COUNT(1), writetime(a), ttl(b), cast(c AS text), min(max(d)), ks.f(e, 5, ?), u.g, "
        "m['k'], token(a, b), ttl, writetime FROM t");
    static const enum ast_selector_kind kinds[] = {
        SELECTOR_COUNT_ALL, SELECTOR_COUNT_ALL, SELECTOR_WRITETIME, SELECTOR_TTL,
        SELECTOR_CAST,      SELECTOR_CALL,      SELECTOR_CALL,      SELECTOR_FIELD,
        SELECTOR_ELEMENT,   SELECTOR_CALL,      SELECTOR_COLUMN,    SELECTOR_COLUMN,
    };
    assert_int_equal(statement->select.selector_count, ARRAY_LEN(kinds));
    struct ast_selector **selectors = statement->select.selectors;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        assert_int_equal(selectors[i]->kind, kinds[i]);
    assert_string_equal(selectors[2]->name.text, "writetime");
    assert_string_equal(selectors[2]->arguments[0]->name.text, "a");
    assert_string_equal(selectors[4]->cast_type->name.name.text, "text");
    assert_int_equal(selectors[5]->arguments[0]->kind, SELECTOR_CALL);
    assert_string_equal(selectors[6]->call_keyspace.text, "ks");
    assert_int_equal(selectors[6]->argument_count, 3);
    assert_int_equal(selectors[6]->arguments[1]->kind, SELECTOR_TERM);
    assert_string_equal(selectors[7]->arguments[0]->name.text, "u");
    assert_string_equal(selectors[8]->arguments[0]->name.text, "m");
    assert_int_equal(selectors[8]->element.first->literal, LITERAL_STRING);
    assert_string_equal(selectors[9]->name.text, "token");
}

static void words_after_select_are_columns_when_they_stand_as_columns(void **state)
{
    assert_false(parse(*state, "SELECT json, distinct FROM t")->select.json);
    assert_false(parse(*state, "SELECT distinct FROM t")->select.distinct);
    assert_true(parse(*state, "SELECT JSON DISTINCT a FROM t")->select.distinct);
    assert_true(parse(*state, "SELECT JSON * FROM t")->select.json);
}

static void relations_of_every_form_are_told_apart(void **state)
{
    const struct ast_statement *statement =
        parse(*state, "SELECT * FROM t WHERE token(a, b) > token(1, ?) AND (c, d) <= (1, 'x') AND (c, d) IN "
                      "((1, 2), ?) AND "
                      "e IN ? AND f IN () AND g IN (1, 2) AND h NOT IN (3) AND i CONTAINS 1 AND j CONTAINS "
                      "KEY 'k' AND k LIKE "
                      "'a%' AND l IS NOT NULL AND m['x'] = 2 AND (n != 5)");
    const struct ast_relation *where = statement->select.where;
    assert_int_equal(statement->select.where_count, 13);
    assert_int_equal(where[0].kind, RELATION_TOKEN);
    assert_int_equal(where[0].column_count, 2);
    assert_int_equal(where[0].value->kind, TERM_CALL);
    assert_int_equal(where[1].kind, RELATION_TUPLE);
    assert_int_equal(where[1].value->item_count, 2);
    assert_true(where[2].value_list);
    assert_int_equal(where[2].value_count, 2);
    assert_int_equal(where[3].op, OP_IN);
    assert_int_equal(where[3].value->kind, TERM_BIND);
    assert_true(where[4].value_list); /* WHR-9 */
    assert_int_equal(where[4].value_count, 0);
    assert_int_equal(where[5].value_count, 2);
    assert_int_equal(where[6].op, OP_NOT_IN);
    assert_int_equal(where[7].op, OP_CONTAINS);
    assert_int_equal(where[8].op, OP_CONTAINS_KEY);
    assert_int_equal(where[9].op, OP_LIKE);
    assert_int_equal(where[10].op, OP_IS_NOT_NULL);
    assert_int_equal(where[11].kind, RELATION_ELEMENT);
    assert_true(text_is(where[11].element->text, "x"));
    assert_int_equal(where[12].op, OP_NE);
}

static void literals_are_classified_and_unescaped(void **state)
{
    static const struct {
        const char *written;
        enum literal_kind kind;
        const char *text;
    } cases[] = {
        {"'it''s'", LITERAL_STRING, "it's"},
        {"''", LITERAL_STRING, ""},
        {"$$it's$$", LITERAL_STRING, "it's"},
        {"-5", LITERAL_INTEGER, "-5"},
        {"1.5e-10", LITERAL_FLOAT, "1.5e-10"},
        {"3.", LITERAL_FLOAT, "3."},
        {"2e5", LITERAL_FLOAT, "2e5"},
        {"NaN", LITERAL_FLOAT, "NaN"},
        {"-infinity", LITERAL_FLOAT, "-infinity"},
        {"TRUE", LITERAL_BOOLEAN, "TRUE"},
        {"123e4567-e89b-12d3-a456-426614174000", LITERAL_UUID, "123e4567-e89b-12d3-a456-426614174000"},
        {"deadbeef-e89b-12d3-a456-426614174000", LITERAL_UUID, "deadbeef-e89b-12d3-a456-426614174000"},
        {"0xCAFE", LITERAL_HEX, "0xCAFE"},
        {"0x", LITERAL_HEX, "0x"},
        {"1y2mo3w4d5h6m7s8ms9us10ns", LITERAL_DURATION, "1y2mo3w4d5h6m7s8ms9us10ns"},
        {"-P1Y2M3DT4H5M6S", LITERAL_DURATION, "-P1Y2M3DT4H5M6S"},
        {"P2W", LITERAL_DURATION, "P2W"},
        {"PT5M", LITERAL_DURATION, "PT5M"},
        {"P0001-02-03T04:05:06", LITERAL_DURATION, "P0001-02-03T04:05:06"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[256];
        snprintf(text, sizeof text, "INSERT INTO t (a) VALUES (%s)", cases[i].written);
        const struct ast_term *value = parse(*state, text)->insert.values[0];
        assert_int_equal(value->kind, TERM_LITERAL);
        assert_int_equal(value->literal, cases[i].kind);
        assert_true(text_is(value->text, cases[i].text));
    }
}

static void collections_casts_and_calls_nest(void **state)
{
    const struct ast_statement *statement =
        parse(*state, "INSERT INTO t (a, b, c, d, e, f, g) VALUES ({}, {'k': [1, ?]}, {1, 2}, (1, 'x'), "
                      "(frozen<map<text, list<int>>>) {'a': [1]}, ks.f(now(), ?), (1))");
    struct ast_term **values = statement->insert.values;
    assert_int_equal(statement->insert.value_count, 7);
    assert_int_equal(values[0]->kind, TERM_SET);
    assert_int_equal(values[0]->item_count, 0);
    assert_int_equal(values[1]->kind, TERM_MAP);
    assert_int_equal(values[1]->item_count, 2);
    assert_int_equal(values[1]->items[1]->kind, TERM_LIST);
    assert_int_equal(values[1]->items[1]->items[1]->bind_index, 0);
    assert_int_equal(values[2]->kind, TERM_SET);
    assert_int_equal(values[3]->kind, TERM_TUPLE);
    assert_int_equal(values[4]->kind, TERM_CAST);
    assert_string_equal(values[4]->cast_type->name.name.text, "frozen");
    assert_string_equal(values[4]->cast_type->params[0]->params[1]->name.name.text, "list");
    assert_int_equal(values[4]->items[0]->kind, TERM_MAP);
    assert_string_equal(values[5]->call_keyspace.text, "ks");
    assert_int_equal(values[5]->items[0]->kind, TERM_CALL);
    assert_int_equal(values[5]->items[1]->bind_index, 1);
    assert_int_equal(values[6]->kind, TERM_TUPLE);
}

static void binds_are_numbered_in_order_of_appearance(void **state)
{
    const struct ast_statement *statement =
        parse(*state, "UPDATE t USING TTL ? SET a = ?, b = b + ? WHERE k IN (?, ?) IF c = ?");
    assert_int_equal(statement->bind_count, 6);
    assert_int_equal(statement->update.using_.ttl->bind_index, 0);
    assert_int_equal(statement->update.assignments[1].value->bind_index, 2);
    assert_int_equal(statement->update.where[0].values[1]->bind_index, 4);
    assert_int_equal(statement->update.condition.conditions[0].relation.value->bind_index, 5);
    assert_false(statement->named_binds);
    assert_null(statement->bind_names[0].text);
}

static void a_name_bound_twice_is_one_variable_in_scylla_and_two_in_cassandra(void **state)
{
    static const char text[] = "SELECT * FROM t WHERE a = :x AND b = :y AND c = :X";
    const struct ast_statement *statement = parse(*state, text); /* PRE-4 */
    assert_int_equal(statement->bind_count, 2);
    assert_true(statement->named_binds);
    assert_string_equal(statement->bind_names[1].text, "y");
    assert_int_equal(statement->select.where[2].value->bind_index, 0);
    assert_int_equal(parse_for(*state, text, PROFILE_CASSANDRA_4_1)->bind_count, 3);
}

static void thousands_of_names_bound_stay_apart(void **state)
{
    struct buffer text = {0};
    buffer_printf(&text, "INSERT INTO t (a) VALUES ([:n0");
    for (int i = 1; i < 3000; i++)
        buffer_printf(&text, ", :n%d", i % 1500);
    buffer_printf(&text, "])");
    buffer_append_u8(&text, 0);
    const struct ast_statement *statement = parse(*state, (const char *)text.data);
    assert_int_equal(statement->bind_count, 1500);
    struct ast_term **items = statement->insert.values[0]->items;
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(items[i]->bind_index, i % 1500);
    buffer_deinit(&text);
}

static void assignments_of_every_form_are_told_apart(void **state)
{
    const struct ast_statement *statement =
        parse(*state, "UPDATE t SET a = 1, b = b + 2, c = c - 3, d = d -4, e = [5] + e, f['k'] = 6, g.h = 7, "
                      "i += 8, j -= 9, "
                      "k = null, l = ? WHERE key = 0 IF EXISTS");
    static const enum ast_assignment_kind kinds[] = {
        ASSIGN_VALUE, ASSIGN_ADD, ASSIGN_SUBTRACT, ASSIGN_ADD,   ASSIGN_PREPEND, ASSIGN_ELEMENT,
        ASSIGN_FIELD, ASSIGN_ADD, ASSIGN_SUBTRACT, ASSIGN_VALUE, ASSIGN_VALUE,
    };
    assert_int_equal(statement->update.assignment_count, ARRAY_LEN(kinds));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        assert_int_equal(statement->update.assignments[i].kind, kinds[i]);
    assert_true(text_is(statement->update.assignments[3].value->text, "-4"));
    assert_int_equal(statement->update.assignments[4].value->kind, TERM_LIST);
    assert_int_equal(statement->update.assignments[9].value->kind, TERM_NULL);
    assert_true(statement->update.condition.exists);
}

static void an_insert_has_columns_values_condition_and_options(void **state)
{
    const struct ast_statement *statement =
        parse(*state, "INSERT INTO t (a, \"B\") VALUES (?, 2) IF NOT EXISTS USING TIMESTAMP -5 AND TTL 60");
    assert_int_equal(statement->insert.column_count, 2);
    assert_string_equal(statement->insert.columns[1].text, "B");
    assert_true(statement->insert.columns[1].quoted);
    assert_true(statement->insert.condition.not_exists);
    assert_true(text_is(statement->insert.using_.timestamp->text, "-5")); /* TS-3 */
    assert_true(text_is(statement->insert.using_.ttl->text, "60"));
    assert_true(parse(*state, "INSERT INTO t JSON '{\"a\": 1}' DEFAULT UNSET")->insert.json);
}

static void a_delete_has_targets_of_every_form(void **state)
{
    const struct ast_statement *statement = parse(
        *state, "DELETE a, m['k'], u.f FROM t USING TIMESTAMP 9 WHERE a = 1 AND b > 2 IF c = 3 AND d[1] = 4");
    assert_int_equal(statement->delete_.column_count, 3);
    assert_non_null(statement->delete_.columns[1].element);
    assert_string_equal(statement->delete_.columns[2].field.text, "f");
    assert_int_equal(statement->delete_.where_count, 2);
    assert_int_equal(statement->delete_.condition.condition_count, 2);
    assert_int_equal(parse(*state, "DELETE FROM t WHERE a = 1")->delete_.column_count, 0);
}

static void a_batch_takes_statements_with_and_without_semicolons(void **state)
{
    const struct ast_statement *statement = parse(
        *state,
        "BEGIN UNLOGGED BATCH USING TIMESTAMP 5 INSERT INTO t (a) VALUES (?); UPDATE t SET b = ? WHERE a = 1 "
        "DELETE FROM t WHERE a = ?; APPLY BATCH;");
    assert_int_equal(statement->batch.kind, BATCH_UNLOGGED);
    assert_int_equal(statement->batch.statement_count, 3);
    assert_int_equal(statement->batch.statements[2]->kind, STATEMENT_DELETE);
    assert_int_equal(statement->batch.statements[2]->delete_.where[0].value->bind_index, 2);
    assert_int_equal(parse(*state, "BEGIN BATCH APPLY BATCH")->batch.statement_count, 0); /* BAT-6 */
    assert_int_equal(parse(*state, "BEGIN COUNTER BATCH APPLY BATCH")->batch.kind, BATCH_COUNTER);
}

static void a_table_has_columns_keys_order_and_properties(void **state)
{
    const struct ast_statement *statement =
        parse(*state, "CREATE TABLE IF NOT EXISTS ks.t (a int, b text STATIC, c timeuuid, d "
                      "frozen<list<int>>, PRIMARY KEY ((a, "
                      "x), c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC) AND COMPACT STORAGE AND comment = "
                      "'x' AND caching = "
                      "{'keys': 'ALL', 'rows_per_partition': 1} AND gc_grace_seconds = 0 AND cdc = true");
    const struct ast_create_table *table = &statement->create_table;
    assert_true(table->if_not_exists);
    assert_int_equal(table->column_count, 4);
    assert_true(table->columns[1].is_static);
    assert_string_equal(table->columns[3].type->params[0]->params[0]->name.name.text, "int");
    assert_int_equal(table->partition_key_count, 2);
    assert_int_equal(table->clustering_key_count, 2);
    assert_int_equal(table->primary_key_clauses, 1);
    assert_int_equal(table->ordering_count, 2);
    assert_true(table->orderings[0].descending);
    assert_true(table->compact_storage);
    assert_int_equal(table->property_count, 4);
    assert_int_equal(table->properties[1].value->kind, TERM_MAP);
    assert_int_equal(table->properties[1].value->item_count, 4);
    statement =
        parse(*state, "CREATE TABLE t (k text PRIMARY KEY, v vector<float, 3>, w 'org.example.Type')");
    assert_true(statement->create_table.columns[0].is_primary_key);
    assert_string_equal(statement->create_table.columns[1].type->params[1]->name.name.text, "3");
    assert_true(statement->create_table.columns[2].type->custom);
}

static void many_columns_keep_their_order(void **state)
{
    struct buffer text = {0};
    buffer_printf(&text, "CREATE TABLE t (c0 int PRIMARY KEY");
    for (int i = 1; i < 100; i++)
        buffer_printf(&text, ", c%d int", i);
    buffer_append(&text, ")", 2);
    const struct ast_statement *statement = parse(*state, (const char *)text.data);
    assert_int_equal(statement->create_table.column_count, 100);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        assert_string_equal(statement->create_table.columns[i].name.text, name);
    }
    buffer_deinit(&text);
}

static void indexes_name_their_target(void **state)
{
    const struct ast_create_index *index =
        &parse(*state, "CREATE INDEX IF NOT EXISTS i ON ks.t (c)")->create_index;
    assert_string_equal(index->name.name.text, "i");
    assert_int_equal(index->target, INDEX_VALUES_OF_COLUMN);
    assert_null(parse(*state, "CREATE INDEX ON t (values)")->create_index.name.name.text);
    assert_int_equal(parse(*state, "CREATE INDEX ON t (keys(m))")->create_index.target, INDEX_KEYS);
    assert_int_equal(parse(*state, "CREATE INDEX ON t (values(m))")->create_index.target, INDEX_VALUES);
    assert_int_equal(parse(*state, "CREATE INDEX ON t (entries(m))")->create_index.target, INDEX_ENTRIES);
    assert_int_equal(parse(*state, "CREATE INDEX ON t (full(l))")->create_index.target, INDEX_FULL);
    index = &parse(*state, "CREATE CUSTOM INDEX ON t ((a, b), c) USING 'x.Y' WITH OPTIONS = {'a': 'b'}")
                 ->create_index;
    assert_int_equal(index->partition_column_count, 2);
    assert_string_equal(index->using_class, "x.Y");
    assert_true(index->custom);
    assert_int_equal(index->property_count, 1);
}

static void schema_changes_of_every_form_are_read(void **state)
{
    const struct ast_alter_table *alter =
        &parse(*state, "ALTER TABLE t ADD (a int, b text STATIC)")->alter_table;
    assert_int_equal(alter->kind, ALTER_ADD);
    assert_int_equal(alter->column_count, 2);
    assert_int_equal(parse(*state, "ALTER TABLE t ADD (a int, b text)")->alter_table.column_count, 2);
    assert_int_equal(parse(*state, "ALTER TABLE t DROP (a, b) USING TIMESTAMP 5")->alter_table.dropped_count,
                     2);
    assert_int_equal(parse(*state, "ALTER TABLE t RENAME a TO b AND c TO d")->alter_table.dropped_count, 4);
    assert_int_equal(parse(*state, "ALTER COLUMNFAMILY t ALTER type TYPE text")->alter_table.kind,
                     ALTER_TYPE);
    assert_int_equal(parse(*state, "ALTER TABLE t WITH comment = 'x'")->alter_table.property_count, 1);
    const struct ast_create_keyspace *keyspace =
        &parse(*state,
               "CREATE KEYSPACE IF NOT EXISTS k WITH replication = {'class': 'S', 'replication_factor': 1}")
             ->create_keyspace;
    assert_true(keyspace->if_not_exists);
    assert_int_equal(keyspace->properties[0].value->item_count, 4);
    assert_int_equal(parse(*state, "CREATE KEYSPACE k WITH a = 1")->create_keyspace.property_count, 1);
    assert_int_equal(parse(*state, "ALTER KEYSPACE k WITH durable_writes = false")->kind,
                     STATEMENT_ALTER_KEYSPACE);
    assert_true(parse(*state, "DROP TABLE IF EXISTS a.b")->drop.if_exists);
    assert_int_equal(parse(*state, "DROP INDEX i")->drop.kind, DROP_INDEX);
    assert_int_equal(parse(*state, "DROP MATERIALIZED VIEW v")->drop.kind, DROP_VIEW);
    assert_string_equal(parse(*state, "TRUNCATE TABLE a.b")->truncate.name.text, "b");
    assert_string_equal(parse(*state, "USE \"Ks\"")->use.text, "Ks");
}

static void what_is_not_offered_is_recognised_and_named(void **state)
{
    static const char *const cases[][2] = {
        {"CREATE OR REPLACE FUNCTION f()", "CREATE FUNCTION (user-defined functions)"},
        {"CREATE ROLE r", "CREATE ROLE"},
        {"GRANT SELECT ON t TO r", "GRANT"},
        {"LIST ROLES", "LIST"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct ast_statement *statement = parse(*state, cases[i][0]);
        assert_int_equal(statement->kind, STATEMENT_UNSUPPORTED);
        assert_string_equal(statement->unsupported, cases[i][1]);
    }
}

static void unreserved_words_are_names_without_quotes(void **state)
{
    static const char *const words[] = {
        "type",    "role",   "permission", "status",   "read",   "name",     "position",  "scope",
        "size",    "action", "reason",     "key",      "value",  "ttl",      "timestamp", "values",
        "counter", "static", "json",       "distinct", "group",  "per",      "partition", "clustering",
        "exists",  "as",     "timeout",    "cache",    "like",   "contains", "keys",      "text",
        "int",     "uuid",   "list",       "map",      "frozen", "count",    "writetime", "filtering",
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        char text[512];
        snprintf(text, sizeof text, "CREATE TABLE %s (%s text, b int, PRIMARY KEY (%s, b))", words[i],
                 words[i], words[i]);
        assert_string_equal(parse(*state, text)->create_table.columns[0].name.text, words[i]);
        snprintf(text, sizeof text, "INSERT INTO %s (%s) VALUES (1)", words[i], words[i]);
        parse(*state, text);
        snprintf(text, sizeof text, "SELECT %s FROM %s WHERE %s = 1", words[i], words[i], words[i]);
        assert_string_equal(parse(*state, text)->select.selectors[0]->name.text, words[i]);
        snprintf(text, sizeof text, "UPDATE t SET %s = 1 WHERE %s = 1", words[i], words[i]);
        parse(*state, text);
        assert_false(parse_needs_quotes(words[i]));
    }
}

static void reserved_words_need_quotes(void **state)
{
    static const char *const words[] = {"order",   "select", "from",  "table", "token",
                                        "primary", "in",     "grant", "full",  "to"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        char text[256];
        snprintf(text, sizeof text, "SELECT a FROM t WHERE %s = 1", words[i]);
        refusal(*state, text);
        snprintf(text, sizeof text, "SELECT a FROM t WHERE \"%s\" = 1", words[i]);
        parse(*state, text);
        assert_true(parse_needs_quotes(words[i]));
    }
    assert_true(parse_needs_quotes("Upper"));
    assert_true(parse_needs_quotes("with space"));
    assert_true(parse_needs_quotes("1st"));
    assert_true(parse_needs_quotes(""));
    assert_true(parse_needs_quotes("true"));
    assert_false(parse_needs_quotes("created_at"));
}

static void unquoted_names_fold_and_quoted_ones_stay(void **state)
{
    const struct ast_statement *statement =
        parse(*state, "select Abc, \"Abc\", \"a\"\"b\" from T"); /* TYP-11 */
    assert_string_equal(statement->select.selectors[0]->name.text, "abc");
    assert_string_equal(statement->select.selectors[1]->name.text, "Abc");
    assert_string_equal(statement->select.selectors[2]->name.text, "a\"b");
    assert_string_equal(statement->select.table.name.text, "t");
}

static void comments_of_all_kinds_may_stand_anywhere(void **state)
{
    parse(*state, "-- crystal\n// schema\n/* both\n-- kinds */ SELECT /* x */ * -- y\nFROM t // z");
    parse(*state, "SELECT a FROM t WHERE b = '-- no comment /* */ // '");
}

static void refusals_have_antlrs_words_and_place(void **state)
{
    assert_string_equal(refusal(*state, "SELECT * FORM t"),
                        "line 1:9 mismatched input 'FORM' expecting K_FROM");
    assert_string_equal(refusal(*state, "SELEC * FROM t"), "line 1:0 no viable alternative at input 'SELEC'");
    assert_string_equal(refusal(*state, "SELECT * FROM t\n  WHERE"),
                        "line 2:7 no viable alternative at input '<EOF>' (expected a name, '(' or TOKEN)");
    assert_string_equal(refusal(*state, "SELECT * FROM t WHERE a = 'x"),
                        "line 1:28 mismatched character '<EOF>' expecting ''' (string is not closed)");
    assert_string_equal(refusal(*state, "SELECT * FROM t WHERE a = \xc3\xa9"),
                        "line 1:26 no viable alternative at character '\xc3\xa9'");
    assert_string_equal(refusal(*state, "SELECT * FROM t; SELECT * FROM u"),
                        "line 1:17 missing EOF at 'SELECT'");
    assert_string_equal(refusal(*state, ""), "line 1:0 no viable alternative at input '<EOF>'");
    assert_string_equal(refusal(*state, "UPDATE t SET a = b + 1 WHERE k = 0"),
                        "Only expressions of the form X = X +<value> are supported.");
    struct fixture *fixture = *state;
    assert_int_equal(fixture->error.line, 1);
    assert_int_equal(fixture->error.column, 17);
}

static void bytes_after_a_zero_byte_are_not_forgotten(void **state)
{
    struct fixture *fixture = *state;
    struct ast_statement *statement;
    assert_false(parse_statement(slice_of("USE ks\0; DROP", 13), PROFILE_SCYLLA_2025_1, &fixture->arena,
                                 &statement, &fixture->error));
}

static void nesting_and_size_are_bounded(void **state)
{
    struct buffer text = {0};
    buffer_printf(&text, "SELECT * FROM t WHERE a = ");
    for (int i = 0; i <= PARSE_DEPTH_MAX; i++)
        buffer_append_u8(&text, '[');
    buffer_append_u8(&text, 0);
    assert_non_null(strstr(refusal(*state, (const char *)text.data), "nested deeper than 64"));
    buffer_clear(&text);
    buffer_printf(&text, "SELECT * FROM t WHERE a = ");
    for (int i = 0; i < 5000; i++)
        buffer_printf(&text, "(int)");
    buffer_append_u8(&text, 0);
    assert_non_null(strstr(refusal(*state, (const char *)text.data), "nested too deep"));
    buffer_clear(&text);
    memset(buffer_extend(&text, PARSE_TEXT_BYTES_MAX + 1), ' ', PARSE_TEXT_BYTES_MAX + 1);
    struct fixture *fixture = *state;
    struct ast_statement *statement;
    assert_false(parse_statement(buffer_slice(&text), PROFILE_SCYLLA_2025_1, &fixture->arena, &statement,
                                 &fixture->error));
    assert_int_equal(fixture->error.code, CQL_INVALID);
    buffer_deinit(&text);
}

static void a_huge_list_is_refused_before_memory_is_gone(void **state)
{
    struct fixture *fixture = *state;
    struct buffer text = {0};
    buffer_printf(&text, "INSERT INTO t (a) VALUES ([?");
    for (int i = 0; i < 70000; i++)
        buffer_append(&text, ",?", 2);
    buffer_append(&text, "])", 3);
    assert_non_null(strstr(refusal(fixture, (const char *)text.data), "more than 65535 bind markers"));
    buffer_deinit(&text);
}

/* A script's statements, one a line, as parse_cut() finds them. */
static void assert_cut(const char *script, const char *const *pieces, size_t count)
{
    struct slice left = slice_text(script);
    for (size_t i = 0; i < count; i++) {
        bool complete, empty;
        size_t bytes = parse_cut(left, &complete, &empty);
        assert_true(complete);
        assert_true(bytes == strlen(pieces[i]));
        assert_memory_equal(left.data, pieces[i], bytes);
        left = slice_of(left.data + bytes, left.bytes - bytes);
    }
}

static void scripts_are_cut_at_their_own_semicolons(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "-- a; comment\nCREATE TABLE t (a text);",
        " INSERT INTO t (a) VALUES ('x;''y;');",
        "/* ; */ INSERT INTO t (a) VALUES ($$;$$);",
        "\nBEGIN BATCH INSERT INTO t (a) VALUES (1); DELETE FROM t WHERE a = 1; APPLY BATCH;",
        "SELECT \"a;b\" FROM t // ;\n;",
    };
    assert_cut("-- a; comment\nCREATE TABLE t (a text); INSERT INTO t (a) VALUES ('x;''y;');/* ; */ INSERT "
               "INTO t (a) VALUES "
               "($$;$$);\nBEGIN BATCH INSERT INTO t (a) VALUES (1); DELETE FROM t WHERE a = 1; APPLY "
               "BATCH;SELECT \"a;b\" FROM t "
               "// ;\n;",
               pieces, ARRAY_LEN(pieces));
}

static void a_cut_says_when_a_statement_is_unfinished_or_empty(void **state)
{
    (void)state;
    bool complete, empty;
    assert_int_equal(parse_cut(slice_text("SELECT 'abc;"), &complete, &empty), 12);
    assert_false(complete);
    assert_false(empty);
    parse_cut(slice_text("BEGIN BATCH DELETE FROM t WHERE a = 1;"), &complete, &empty);
    assert_false(complete);
    parse_cut(slice_text("  -- nothing\n /* at all */ "), &complete, &empty);
    assert_false(complete);
    assert_true(empty);
    parse_cut(slice_text(" ; "), &complete, &empty);
    assert_true(complete);
    assert_true(empty);
    assert_int_equal(parse_cut(slice_text(""), &complete, &empty), 0);
    assert_true(empty);
}

#define PARSE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARSE_TEST(a_select_has_all_its_clauses),
        PARSE_TEST(selectors_know_counts_functions_casts_and_elements),
        PARSE_TEST(words_after_select_are_columns_when_they_stand_as_columns),
        PARSE_TEST(relations_of_every_form_are_told_apart),
        PARSE_TEST(literals_are_classified_and_unescaped),
        PARSE_TEST(collections_casts_and_calls_nest),
        PARSE_TEST(binds_are_numbered_in_order_of_appearance),
        PARSE_TEST(a_name_bound_twice_is_one_variable_in_scylla_and_two_in_cassandra),
        PARSE_TEST(thousands_of_names_bound_stay_apart),
        PARSE_TEST(assignments_of_every_form_are_told_apart),
        PARSE_TEST(an_insert_has_columns_values_condition_and_options),
        PARSE_TEST(a_delete_has_targets_of_every_form),
        PARSE_TEST(a_batch_takes_statements_with_and_without_semicolons),
        PARSE_TEST(a_table_has_columns_keys_order_and_properties),
        PARSE_TEST(many_columns_keep_their_order),
        PARSE_TEST(indexes_name_their_target),
        PARSE_TEST(schema_changes_of_every_form_are_read),
        PARSE_TEST(what_is_not_offered_is_recognised_and_named),
        PARSE_TEST(unreserved_words_are_names_without_quotes),
        PARSE_TEST(reserved_words_need_quotes),
        PARSE_TEST(unquoted_names_fold_and_quoted_ones_stay),
        PARSE_TEST(comments_of_all_kinds_may_stand_anywhere),
        PARSE_TEST(refusals_have_antlrs_words_and_place),
        PARSE_TEST(bytes_after_a_zero_byte_are_not_forgotten),
        PARSE_TEST(nesting_and_size_are_bounded),
        PARSE_TEST(a_huge_list_is_refused_before_memory_is_gone),
        cmocka_unit_test(scripts_are_cut_at_their_own_semicolons),
        cmocka_unit_test(a_cut_says_when_a_statement_is_unfinished_or_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
