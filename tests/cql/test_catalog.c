/* The schema as bytes and as snapshots: what goes into the store comes out again, whatever the bytes. */
#include <stdlib.h>
#include <string.h>

#include "cql/ast.h"
#include "cql/catalog.h"
#include "cql/table_options.h"
#include "database_fixture.h"

static struct cql_table *messages_table(void)
{
    static const struct {
        const char *name, *type;
        enum column_kind kind;
        uint32_t position;
        bool descending;
    } columns[] = {
        {"content", "text", COLUMN_REGULAR, 0, false},
        {"channel_id", "uuid", COLUMN_PARTITION, 0, false},
        {"created_at", "timestamp", COLUMN_CLUSTERING, 0, true},
        {"id", "uuid", COLUMN_CLUSTERING, 1, true},
        {"author", "frozen<map<text, frozen<list<int>>>>", COLUMN_REGULAR, 0, false},
        {"topic", "text", COLUMN_STATIC, 0, false},
    };
    struct arena arena = {0};
    struct cql_table *table = table_new("crystal", "messages");
    assert_non_null(table);
    table_options_default(cql_target_of(PROFILE_CASSANDRA_4_1), &table->options);
    memcpy(table->uuid, "0123456789abcdef", 16);
    table->store_id = 7;
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        struct cql_column column = {
            .name = columns[i].name,
            .type = type_parse(&arena, slice_text(columns[i].type)),
            .kind = columns[i].kind,
            .position = columns[i].position,
            .descending = columns[i].descending,
            .id = COLUMN_ID_NEW,
        };
        assert_non_null(column.type);
        assert_true(ok(table_add_column(table, &column)));
    }
    struct cql_dropped_column dropped = {
        .name = "old", .type = type_scalar(TYPE_INT), .kind = COLUMN_REGULAR, .dropped_us = 12345};
    assert_true(ok(table_add_dropped(table, &dropped)));
    struct cql_index index = {.name = "by_content", .store_id = 9};
    memcpy(index.uuid, "fedcba9876543210", sizeof index.uuid);
    assert_true(ok(table_add_index(table, &index, "content")));
    assert_true(ok(table_seal(table)));
    arena_deinit(&arena);
    return table;
}

static void columns_stand_in_the_order_of_select_star(void **state)
{
    (void)state;
    static const char *const expected[] = {"channel_id", "created_at", "id", "topic", "author", "content"};
    struct cql_table *table = messages_table();
    assert_int_equal(table->column_count, ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        assert_string_equal(table->columns[i].name, expected[i]);
    assert_int_equal(table->partition_count, 1);
    assert_int_equal(table->clustering_count, 2);
    assert_int_equal(table->static_count, 1);
    assert_int_equal(table->clustering[0].kind, KEY_INT64);
    assert_true(table->clustering[0].descending);
    table_unref(table);
}

static void every_column_has_a_number_of_its_own(void **state)
{
    (void)state;
    struct cql_table *table = messages_table();
    assert_int_equal(table->next_column_id, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++)
        for (uint32_t j = 0; j < i; j++)
            assert_int_not_equal(table->columns[i].id, table->columns[j].id);
    assert_string_equal(table_column(table, "author")->name, "author");
    assert_null(table_column(table, "nobody"));
    assert_ptr_equal(table_index_on(table, table_column(table, "content")), table->indexes[0]);
    assert_null(table_index_on(table, table_column(table, "author")));
    table_unref(table);
}

static void a_table_reads_back_as_it_was_written(void **state)
{
    (void)state;
    struct cql_table *table = messages_table(), *copy;
    struct buffer first = {0}, second = {0};
    uint64_t base;
    catalog_encode_table(&first, table);
    assert_true(ok(catalog_decode_table(buffer_slice(&first), 7, &copy, &base)));
    assert_non_null(copy);
    catalog_encode_table(&second, copy);
    assert_true(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    assert_memory_equal(table->digest, copy->digest, 16);
    assert_string_equal(copy->options.speculative_retry, "99p");
    assert_int_equal(copy->dropped[0].dropped_us, 12345);
    table_unref(copy);
    table_unref(table);
    buffer_deinit(&first);
    buffer_deinit(&second);
}

static void no_byte_string_but_a_table_is_taken_for_one(void **state)
{
    (void)state;
    struct cql_table *table = messages_table();
    struct slice value = slice_text("five");
    struct cql_view_filter filters[] = {
        {.column = "author", .text = "IS NOT NULL", .op = OP_IS_NOT_NULL},
        {.column = "topic", .text = "= 'five'", .values = &value, .value_count = 1}};
    struct cql_view view = {.base = "base", .filters = filters, .filter_count = ARRAY_LEN(filters)};
    struct buffer bytes = {0};
    assert_true(ok(table_add_view(table, "by_author")));
    assert_true(ok(table_set_view(table, &view)));
    catalog_encode_table(&bytes, table);
    for (size_t cut = 0; cut < bytes.bytes; cut++) {
        struct cql_table *copy = NULL;
        uint64_t base;
        assert_true(failed(catalog_decode_table(slice_of(bytes.data, cut), 7, &copy, &base)));
    }
    for (size_t at = 0; at < bytes.bytes; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct cql_table *copy = NULL;
            uint64_t base;
            bytes.data[at] ^= (uint8_t)(1u << bit);
            status st = catalog_decode_table(buffer_slice(&bytes), 7, &copy, &base);
            bytes.data[at] ^= (uint8_t)(1u << bit);
            if (ok(st))
                table_unref(copy);
            else
                assert_true(st.code == STATUS_CORRUPT || st.code == STATUS_UNSUPPORTED ||
                            st.code == STATUS_LIMIT);
        }
    table_unref(table);
    buffer_deinit(&bytes);
}

static void a_newer_version_is_told_from_damage(void **state)
{
    (void)state;
    static const uint8_t newer[] = {3, 'T'}, none[] = {0, 'T'};
    struct cql_table *table;
    uint64_t base;
    assert_int_equal(catalog_decode_table(slice_of(newer, 2), 1, &table, &base).code, STATUS_UNSUPPORTED);
    assert_int_equal(catalog_decode_table(slice_of(none, 2), 1, &table, &base).code, STATUS_CORRUPT);
}

static void what_is_derived_from_a_table_comes_back_with_it(void **state)
{
    (void)state;
    struct slice value = slice_text("five");
    struct cql_view_filter filter = {
        .column = "topic", .text = "= 'five'", .values = &value, .value_count = 1};
    struct cql_view view = {.base = "base", .all_columns = true, .filters = &filter, .filter_count = 1};
    struct cql_option option = {.key = "case_sensitive", .value = "true"};
    struct cql_index index = {.name = "z",
                              .target = INDEX_ON_ENTRIES,
                              .is_local = true,
                              .is_sai = true,
                              .custom_class = "sai",
                              .options = {.items = &option, .count = 1}};
    struct cql_table *table = messages_table(), *copy = NULL;
    struct buffer bytes = {0};
    uint64_t base;
    assert_true(ok(table_add_index(table, &index, "author")));
    assert_true(ok(table_add_view(table, "two")));
    assert_true(ok(table_add_view(table, "one")));
    assert_true(ok(table_set_view(table, &view)));
    assert_true(ok(table_seal(table)));
    catalog_encode_table(&bytes, table);
    assert_true(ok(catalog_decode_table(buffer_slice(&bytes), 7, &copy, &base)));
    assert_int_equal(copy->index_count, 2);
    assert_int_equal(copy->indexes[1]->target, INDEX_ON_ENTRIES);
    assert_true(copy->indexes[1]->is_local && copy->indexes[1]->is_sai);
    assert_string_equal(copy->indexes[1]->custom_class, "sai");
    assert_string_equal(copy->indexes[1]->options.items[0].value, "true");
    assert_null(copy->indexes[0]->custom_class);
    assert_int_equal(copy->view_count, 2);
    assert_string_equal(copy->views[0], "one");
    assert_string_equal(copy->view->base, "base");
    assert_true(copy->view->all_columns);
    assert_string_equal(copy->view->filters[0].text, "= 'five'");
    assert_true(slice_equal(copy->view->filters[0].values[0], value));
    assert_memory_equal(copy->digest, table->digest, 16);
    table_unref(copy);
    table_unref(table);
    buffer_deinit(&bytes);
}

static void an_index_table_names_its_base(void **state)
{
    (void)state;
    struct cql_table *table = messages_table(), *none = table;
    struct buffer bytes = {0};
    uint64_t base = 0;
    catalog_encode_index(&bytes, table, "by_content");
    assert_true(ok(catalog_decode_table(buffer_slice(&bytes), 9, &none, &base)));
    assert_null(none);
    assert_int_equal(base, 7);
    buffer_deinit(&bytes);
    table_unref(table);
}

static void a_clone_shares_tables_and_leaves_the_old_alone(void **state)
{
    (void)state;
    struct cql_option option = {"class", "LocalStrategy"};
    struct cql_option_map replication = {.items = &option, .count = 1};
    struct catalog *old = catalog_new();
    assert_true(ok(catalog_put_keyspace(old, "crystal", &replication, true, false)));
    assert_true(ok(catalog_put_table(old, messages_table())));
    assert_true(ok(catalog_stamp(old)));
    struct catalog *next = catalog_clone(old);
    assert_ptr_equal(catalog_table(old, "crystal", "messages"), catalog_table(next, "crystal", "messages"));
    catalog_drop_table(next, "crystal", "messages");
    assert_true(ok(catalog_stamp(next)));
    assert_null(catalog_table(next, "crystal", "messages"));
    assert_non_null(catalog_table(old, "crystal", "messages"));
    assert_non_null(catalog_index(old, "crystal", "by_content"));
    assert_null(catalog_index(next, "crystal", "by_content"));
    assert_int_equal(next->generation, old->generation + 1);
    assert_memory_not_equal(next->version, old->version, 16);
    catalog_unref(old);
    catalog_unref(next);
}

static void columns_that_make_no_table_are_invalid(void **state)
{
    (void)state;
    struct cql_column column = {
        .name = "c", .type = type_scalar(TYPE_INT), .kind = COLUMN_CLUSTERING, .id = COLUMN_ID_NEW};
    struct cql_table *table = table_new("k", "t");
    assert_true(ok(table_add_column(table, &column)));
    assert_int_equal(table_seal(table).code, STATUS_INVALID); /* no partition key */
    column.kind = COLUMN_PARTITION;
    column.name = "p";
    column.position = 1;
    assert_true(ok(table_add_column(table, &column)));
    assert_int_equal(table_seal(table).code, STATUS_INVALID); /* position 0 is missing */
    table_unref(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_stand_in_the_order_of_select_star),
        cmocka_unit_test(every_column_has_a_number_of_its_own),
        cmocka_unit_test(a_table_reads_back_as_it_was_written),
        cmocka_unit_test(no_byte_string_but_a_table_is_taken_for_one),
        cmocka_unit_test(a_newer_version_is_told_from_damage),
        cmocka_unit_test(what_is_derived_from_a_table_comes_back_with_it),
        cmocka_unit_test(an_index_table_names_its_base),
        cmocka_unit_test(a_clone_shares_tables_and_leaves_the_old_alone),
        cmocka_unit_test(columns_that_make_no_table_are_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
