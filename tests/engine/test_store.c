/* What a store does for its callers, on the memory body: tables, properties, batches, cursors, guards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "notation.h"

static int open_memory(void **state)
{
    struct store *store;
    struct store_options options = {.shards = 2};
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 864000);
    *state = store;
    return 0;
}

static int close_store(void **state)
{
    assert_ok(store_close(*state));
    return 0;
}

static void a_store_without_a_folder_lives_in_memory(void **state)
{
    assert_string_equal("memory", store_io_name(*state));
    assert_int_equal(2, store_shard_count(*state));
}

static void what_was_applied_is_read_back(void **state)
{
    assert_ok(apply_text(*state, "k/1 a=x b=y @10", DURABILITY_DEFAULT));
    assert_ok(apply_text(*state, "k/2 a=z @11", DURABILITY_DURABLE));
    assert_contents(*state, 1, "k/1 a=x b=y; k/2 a=z");
}

static void partitions_come_in_token_order_across_shards(void **state)
{
    /* token('a') < token('test') < token('foo'): TOK-3, TOK-5 */
    assert_ok(apply_text(*state, "foo/1 a=x @10; test/1 a=x @10; a/1 a=x @10", DURABILITY_DEFAULT));
    assert_contents(*state, 1, "a/1 a=x; test/1 a=x; foo/1 a=x");
}

static void a_partition_reads_in_both_directions(void **state)
{
    status st;
    assert_ok(apply_text(*state, "k/1 a=x @10; k/2 a=y @10; k/3 a=z @10", DURABILITY_DEFAULT));
    char *forward = partition_contents(*state, 1, "k", false, &st);
    assert_ok(st);
    char *reverse = partition_contents(*state, 1, "k", true, &st);
    assert_ok(st);
    assert_string_equal("k/1 a=x; k/2 a=y; k/3 a=z", forward);
    assert_string_equal("k/3 a=z; k/2 a=y; k/1 a=x", reverse);
    free(forward);
    free(reverse);
}

static void a_partition_that_is_not_there_has_no_cursor(void **state)
{
    struct cursor *cursor = (struct cursor *)0x1;
    struct store_read read = {.table_id = 1};
    assert_ok(store_cursor_open_one(*state, &read, text_key("nobody"), NULL, &cursor));
    assert_null(cursor);
    assert_ok(apply_text(*state, "k/1 a=x @10", DURABILITY_DEFAULT));
    assert_ok(store_cursor_open_one(*state, &read, text_key("nobody"), NULL, &cursor));
    assert_null(cursor);
}

static void deletions_of_every_level_hide_what_is_not_newer(void **state)
{
    assert_ok(apply_text(*state, "k/1 a=x b=y @10; k/2 a=x @10; k/3 a=x @10; k/4 a=x @12; k/s a=s @10",
                         DURABILITY_DEFAULT));
    assert_ok(apply_text(*state, "k/1 ~b! @10; k/2! @10; k/3-5! @11", DURABILITY_DEFAULT));
    assert_contents(*state, 1, "k/s a=s; k/1 a=x; k/4 a=x"); /* TS-5, TS-13, TS-14 */
    assert_ok(apply_text(*state, "k! @11", DURABILITY_DEFAULT));
    assert_contents(*state, 1, "k/4 a=x");
}

static void a_write_to_an_unknown_table_is_refused_whole(void **state)
{
    assert_code(STATUS_NOT_FOUND, apply_text(*state, "k/1 a=x @10; 9:k/1 a=x @10", DURABILITY_DEFAULT));
    assert_contents(*state, 1, "");
}

static void an_empty_batch_is_refused(void **state)
{
    struct batch batch = {0};
    assert_code(STATUS_INVALID, store_apply(*state, &batch, DURABILITY_DEFAULT));
}

static void truncate_removes_everything_and_leaves_the_table(void **state)
{
    struct store_change change = {.kind = STORE_TRUNCATE_TABLE, .table_id = 1};
    assert_ok(apply_text(*state, "k/1 a=x @10; l/1 a=x @10; m/1 a=x @10", DURABILITY_DEFAULT));
    assert_ok(store_flush(*state, 1));
    assert_ok(apply_text(*state, "n/1 a=x @10", DURABILITY_DEFAULT));
    assert_ok(store_change(*state, &change, 1));
    assert_contents(*state, 1, "");
    assert_ok(apply_text(*state, "k/1 a=old @5", DURABILITY_DEFAULT));
    assert_contents(*state, 1, "k/1 a=old");
}

static void a_cursor_outlives_the_drop_of_its_table(void **state)
{
    struct store_change change = {.kind = STORE_DROP_TABLE, .table_id = 1};
    struct store_read read = {.table_id = 1};
    struct cursor *cursor;
    assert_ok(apply_text(*state, "k/1 a=x @10", DURABILITY_DEFAULT));
    assert_ok(store_flush(*state, 1));
    assert_ok(apply_text(*state, "k/2 a=x @10", DURABILITY_DEFAULT));
    assert_ok(store_cursor_open(*state, &read, NULL, &cursor));
    assert_ok(store_change(*state, &change, 1));
    assert_ok(cursor_next_partition(cursor));
    assert_true(cursor->on_partition);
    assert_ok(cursor_next(cursor));
    assert_ok(cursor_next(cursor));
    assert_true(cursor->on_row);
    cursor_close(cursor);
    assert_code(STATUS_NOT_FOUND, store_cursor_open(*state, &read, NULL, &cursor));
    assert_code(STATUS_NOT_FOUND, apply_text(*state, "k/1 a=x @10", DURABILITY_DEFAULT));
}

static void table_numbers_are_never_given_twice(void **state)
{
    struct store_change drop = {.kind = STORE_DROP_TABLE, .table_id = 1};
    struct store_change again = {.kind = STORE_CREATE_TABLE, .table_id = 1};
    assert_ok(store_change(*state, &drop, 1));
    assert_code(STATUS_INVALID, store_change(*state, &again, 1));
    assert_int_equal(2, store_new_table_id(*state));
    assert_int_equal(3, store_new_table_id(*state));
}

static void changes_of_one_call_happen_together_or_not(void **state)
{
    struct store_change changes[] = {
        {.kind = STORE_CREATE_TABLE, .table_id = store_new_table_id(*state)},
        {.kind = STORE_SET_PROPERTY, .name = slice_text("name"), .properties = slice_text("value")},
        {.kind = STORE_DROP_TABLE, .table_id = 77},
    };
    struct store_table table;
    struct buffer name = {0}, value = {0};
    assert_code(STATUS_NOT_FOUND, store_change(*state, changes, 3));
    assert_code(STATUS_NOT_FOUND, store_next_property(*state, (struct slice){0}, &name, &value));
    assert_code(STATUS_NOT_FOUND, store_next_table(*state, 1, &table, &value));
    assert_ok(store_change(*state, changes, 2));
    assert_ok(store_next_property(*state, (struct slice){0}, &name, &value));
    assert_true(slice_equal(buffer_slice(&value), slice_text("value")));
    assert_ok(store_next_table(*state, 1, &table, &value));
    buffer_deinit(&name);
    buffer_deinit(&value);
}

static void properties_are_listed_by_name_and_removed_by_an_empty_value(void **state)
{
    struct store_change changes[] = {
        {.kind = STORE_SET_PROPERTY, .name = slice_text("b"), .properties = slice_text("2")},
        {.kind = STORE_SET_PROPERTY, .name = slice_text("a"), .properties = slice_text("1")},
        {.kind = STORE_SET_PROPERTY, .name = slice_text("c"), .properties = slice_text("3")},
        {.kind = STORE_SET_PROPERTY, .name = slice_text("b")},
    };
    struct buffer name = {0}, value = {0};
    assert_ok(store_change(*state, changes, 4));
    assert_ok(store_next_property(*state, (struct slice){0}, &name, &value));
    assert_true(slice_equal(buffer_slice(&name), slice_text("a")));
    assert_ok(store_next_property(*state, buffer_slice(&name), &name, &value));
    assert_true(slice_equal(buffer_slice(&name), slice_text("c")));
    assert_code(STATUS_NOT_FOUND, store_next_property(*state, buffer_slice(&name), &name, &value));
    buffer_deinit(&name);
    buffer_deinit(&value);
}

static void tables_are_listed_with_their_properties(void **state)
{
    struct store_change alter = {.kind = STORE_ALTER_TABLE,
                                 .table_id = 1,
                                 .options = {.gc_grace_s = 7, .compaction = STORE_COMPACTION_TIME_WINDOW},
                                 .properties = slice_text("columns")};
    struct store_table table;
    struct buffer properties = {0};
    assert_ok(store_change(*state, &alter, 1));
    assert_ok(store_next_table(*state, 0, &table, &properties));
    assert_int_equal(1, table.id);
    assert_int_equal(7, table.options.gc_grace_s);
    assert_int_equal(STORE_COMPACTION_TIME_WINDOW, table.options.compaction);
    assert_true(slice_equal(table.properties, slice_text("columns")));
    buffer_deinit(&properties);
}

static void guards_keep_partitions_and_give_them_back(void **state)
{
    struct store_partition partitions[] = {{1, slice_text("a")}, {1, slice_text("b")}, {2, slice_text("a")}};
    struct store_guard guard;
    for (int i = 0; i < 2; i++) {
        store_lock_partitions(*state, partitions, 3, &guard);
        assert_ok(apply_text(*state, "a/1 a=x @10", DURABILITY_DEFAULT));
        store_unlock_partitions(*state, &guard);
    }
}

static void one_clock_dates_everything(void **state)
{
    store_clock_set(*state, 1000000);
    assert_ok(apply_text(*state, "k/1 a=x +60 @10", DURABILITY_DEFAULT));
    assert_contents(*state, 1, "k/1 a=x");
    store_clock_set(*state, 61000000); /* TTL-6: gone at the expiry second */
    assert_contents(*state, 1, "");
    store_clock_set(*state, INT64_MIN);
}

static void rows_survive_flush_and_compaction(void **state)
{
    assert_ok(apply_text(*state, "k/1 a=x @10; l/1 a=x @10", DURABILITY_DEFAULT));
    assert_ok(store_flush(*state, 1));
    assert_ok(apply_text(*state, "k/2 a=y @11; k/1 ~a=new @12", DURABILITY_DEFAULT));
    assert_ok(store_flush(*state, 0));
    assert_contents(*state, 1, "l/1 a=x; k/1 a=new; k/2 a=y");
    assert_ok(store_compact(*state, 1));
    assert_contents(*state, 1, "l/1 a=x; k/1 a=new; k/2 a=y");
    assert_ok(store_verify(*state, 0));
    struct store_table_stats stats;
    assert_ok(store_table_stats(*state, 1, &stats));
    assert_true(stats.sstables <= 2);
    assert_int_equal(3, stats.sstable_rows);
    assert_int_equal(0, stats.memtable_rows);
}

static void memory_over_the_budget_goes_into_tables(void **state)
{
    (void)state;
    struct store *store;
    struct store_options options = {.shards = 2, .memtable_bytes = 64 << 10};
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 864000);
    for (unsigned i = 0; i < 3000; i++) {
        char text[64];
        snprintf(text, sizeof text, "p%u/%u a=some-value @10", i % 7, i);
        assert_ok(apply_text(store, text, DURABILITY_DEFAULT));
    }
    assert_ok(store_settle(store));
    struct store_stats stats;
    struct store_table_stats table;
    store_stats(store, &stats);
    assert_ok(store_table_stats(store, 1, &table));
    assert_true(stats.memtable_bytes <= 64 << 10);
    assert_true(table.sstables > 0);
    struct histogram rows = {0}, bytes = {0};
    assert_ok(store_partition_sizes(store, 1, &rows, &bytes));
    assert_int_equal(7, rows.count);
    assert_int_equal(3000, rows.sum);
    assert_ok(store_close(store));
}

int main(void)
{
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, open_memory, close_store)
    const struct CMUnitTest tests[] = {
        IN_MEMORY(a_store_without_a_folder_lives_in_memory),
        IN_MEMORY(what_was_applied_is_read_back),
        IN_MEMORY(partitions_come_in_token_order_across_shards),
        IN_MEMORY(a_partition_reads_in_both_directions),
        IN_MEMORY(a_partition_that_is_not_there_has_no_cursor),
        IN_MEMORY(deletions_of_every_level_hide_what_is_not_newer),
        IN_MEMORY(a_write_to_an_unknown_table_is_refused_whole),
        IN_MEMORY(an_empty_batch_is_refused),
        IN_MEMORY(truncate_removes_everything_and_leaves_the_table),
        IN_MEMORY(a_cursor_outlives_the_drop_of_its_table),
        IN_MEMORY(table_numbers_are_never_given_twice),
        IN_MEMORY(changes_of_one_call_happen_together_or_not),
        IN_MEMORY(properties_are_listed_by_name_and_removed_by_an_empty_value),
        IN_MEMORY(tables_are_listed_with_their_properties),
        IN_MEMORY(guards_keep_partitions_and_give_them_back),
        IN_MEMORY(one_clock_dates_everything),
        IN_MEMORY(rows_survive_flush_and_compaction),
        cmocka_unit_test(memory_over_the_budget_goes_into_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
