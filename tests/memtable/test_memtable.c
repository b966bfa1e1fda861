/* A memtable, one claim at a time. */
#include "memtable/memtable.h"
#include "tests/row/model.h"

static struct memtable *new_memtable(void)
{
    struct memtable *memtable;
    assert_ok(memtable_new(&model_rules, &memtable));
    return memtable;
}

static struct mutation only_mutation(struct batch *batch)
{
    struct reader in = reader_of(buffer_slice(&batch->bytes));
    struct mutation mutation;
    bool more;
    assert_ok(batch_status(batch));
    assert_ok(mutation_next(&in, &mutation, &more));
    assert_true(more);
    return mutation;
}

/* Write one row. The clustering key is the text itself, the image in the notation of row_text.h. */
static void put(struct memtable *memtable, const char *partition, const char *clustering, const char *text)
{
    struct batch batch = {0};
    struct buffer image = {0};
    row_text_encode(text, &image);
    batch_begin(&batch, 1, partition_key_of(slice_text(partition)));
    batch_row(&batch, slice_text(clustering), buffer_slice(&image));
    batch_end(&batch);
    assert_ok(memtable_apply(memtable, only_mutation(&batch)));
    batch_deinit(&batch);
    buffer_deinit(&image);
}

static void delete_range(struct memtable *memtable, const char *partition, const char *start, const char *end,
                         int64_t timestamp)
{
    struct batch batch = {0};
    batch_begin(&batch, 1, partition_key_of(slice_text(partition)));
    batch_delete_range(&batch, (struct range_tombstone){slice_text(start), slice_text(end), {timestamp, 60}});
    batch_end(&batch);
    assert_ok(memtable_apply(memtable, only_mutation(&batch)));
    batch_deinit(&batch);
}

static struct cursor *open_one(struct memtable *memtable, const char *partition, bool reverse)
{
    struct cursor *cursor;
    assert_ok(memtable_cursor_open_one(memtable, partition_key_of(slice_text(partition)), reverse, &cursor));
    assert_ok(cursor_next_partition(cursor));
    assert_true(cursor->on_partition);
    return cursor;
}

/* The rest of the cursor's rows as "key key ..." */
static void assert_rows(struct cursor *cursor, const char *expected)
{
    struct buffer seen = {0};
    for (;;) {
        assert_ok(cursor_next(cursor));
        if (!cursor->on_row)
            break;
        if (seen.bytes)
            buffer_append_u8(&seen, ' ');
        buffer_append_slice(&seen, cursor->row.clustering);
    }
    buffer_append_u8(&seen, 0);
    assert_string_equal((const char *)seen.data, expected);
    buffer_deinit(&seen);
}

static struct memtable_stats stats_of(struct memtable *memtable)
{
    struct memtable_stats stats;
    memtable_stats(memtable, &stats);
    return stats;
}

static void rows_come_in_clustering_order_or_its_reverse(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    put(memtable, "p", "c", "m@1");
    put(memtable, "p", "a", "m@1");
    put(memtable, "p", "b", "m@1");
    struct cursor *cursor = open_one(memtable, "p", false);
    assert_rows(cursor, "a b c");
    cursor_close(cursor);
    cursor = open_one(memtable, "p", true);
    assert_rows(cursor, "c b a");
    cursor_close(cursor);
    memtable_unref(memtable);
}

static void a_seek_stands_at_or_after_the_key_in_the_cursors_direction(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    put(memtable, "p", "b", "m@1");
    put(memtable, "p", "d", "m@1");
    struct cursor *cursor = open_one(memtable, "p", false);
    assert_ok(cursor_seek_row(cursor, slice_text("b")));
    assert_true(slice_equal(cursor->row.clustering, slice_text("b")));
    assert_ok(cursor_seek_row(cursor, slice_text("c")));
    assert_true(slice_equal(cursor->row.clustering, slice_text("d")));
    assert_ok(cursor_seek_row(cursor, slice_text("e")));
    assert_false(cursor->on_row);
    assert_ok(cursor_seek_row(cursor, (struct slice){0}));
    assert_true(slice_equal(cursor->row.clustering, slice_text("b")));
    cursor_close(cursor);

    cursor = open_one(memtable, "p", true);
    assert_ok(cursor_seek_row(cursor, slice_text("d")));
    assert_true(slice_equal(cursor->row.clustering, slice_text("b")));
    assert_ok(cursor_seek_row(cursor, slice_text("d\xff")));
    assert_true(slice_equal(cursor->row.clustering, slice_text("d")));
    assert_ok(cursor_seek_row(cursor, slice_text("b")));
    assert_false(cursor->on_row);
    assert_ok(cursor_seek_row(cursor, slice_of(model_after, 1)));
    assert_true(slice_equal(cursor->row.clustering, slice_text("d")));
    cursor_close(cursor);
    memtable_unref(memtable);
}

static void writes_to_one_key_are_reconciled(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    put(memtable, "p", "k", "1@5=old 2@9=b");
    put(memtable, "p", "k", "m@6 1@7=new 2@3=a");
    struct cursor *cursor = open_one(memtable, "p", false);
    assert_ok(cursor_next(cursor));
    assert_image_is(cursor->row.image, "m@6 1@7=new 2@9=b");
    assert_ok(cursor_next(cursor));
    assert_false(cursor->on_row);
    cursor_close(cursor);
    assert_int_equal(stats_of(memtable).rows, 1);
    assert_int_equal(stats_of(memtable).writes, 2);
    memtable_unref(memtable);
}

static void a_write_that_changes_nothing_takes_no_memory(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    put(memtable, "p", "k", "m@5 1@5=x");
    put(memtable, "p", "k", "1@4=older");
    size_t bytes = stats_of(memtable).bytes;
    for (int i = 0; i < 1000; i++)
        put(memtable, "p", "k", "m@5 1@5=x");
    assert_int_equal(stats_of(memtable).bytes, bytes);
    memtable_unref(memtable);
}

static void deletions_and_static_rows_stand_beside_the_rows(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    struct batch batch = {0};
    struct buffer image = {0};
    row_text_encode("1@5=s", &image);
    put(memtable, "p", "k", "m@1");
    batch_begin(&batch, 1, partition_key_of(slice_text("p")));
    batch_delete_partition(&batch, (struct deletion){3, 60});
    batch_static(&batch, buffer_slice(&image));
    batch_end(&batch);
    assert_ok(memtable_apply(memtable, only_mutation(&batch)));
    delete_range(memtable, "p", "a", "f", 4);
    delete_range(memtable, "p", "c", "h", 2);

    struct cursor *cursor = open_one(memtable, "p", false);
    const struct partition_view *view = &cursor->partition;
    assert_int_equal(view->deletion.timestamp, 3);
    assert_image_is(view->static_image, "1@5=s");
    assert_int_equal(range_list_over(&view->ranges, slice_text("d")).timestamp, 4);
    assert_int_equal(range_list_over(&view->ranges, slice_text("g")).timestamp, 2);
    assert_rows(cursor, "k"); /* applying deletions is the merge's work */
    cursor_close(cursor);
    assert_int_equal(stats_of(memtable).min_timestamp, 1);
    assert_int_equal(stats_of(memtable).max_timestamp, 5);
    batch_deinit(&batch);
    buffer_deinit(&image);
    memtable_unref(memtable);
}

static void bounds_include_range_tombstones(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    put(memtable, "p", "k", "m@1");
    struct cursor *cursor = open_one(memtable, "p", false);
    assert_true(slice_equal(cursor->partition.first, slice_text("k")));
    assert_true(slice_equal(cursor->partition.last, slice_text("k")));
    cursor_close(cursor);
    delete_range(memtable, "p", "b", "z", 4);
    cursor = open_one(memtable, "p", true);
    assert_true(slice_equal(cursor->partition.first, slice_text("b")));
    assert_true(slice_equal(cursor->partition.last, slice_text("z")));
    cursor_close(cursor);
    delete_range(memtable, "only ranges", "b", "z", 4);
    cursor = open_one(memtable, "only ranges", true);
    assert_true(slice_equal(cursor->partition.first, slice_text("b")));
    assert_true(slice_equal(cursor->partition.last, slice_text("z")));
    assert_rows(cursor, "");
    cursor_close(cursor);
    memtable_unref(memtable);
}

static void a_cursor_keeps_the_state_of_the_partition_it_came_to(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    put(memtable, "p", "b", "1@1=old");
    put(memtable, "p", "d", "1@1=old");
    struct cursor *before = open_one(memtable, "p", false);
    put(memtable, "p", "a", "1@1=new");
    put(memtable, "p", "b", "1@2=new");
    put(memtable, "p", "c", "1@1=new");
    put(memtable, "p", "e", "1@1=new");
    delete_range(memtable, "p", "a", "z", 9);
    struct cursor *after = open_one(memtable, "p", false);
    assert_ok(cursor_seek_row(before, slice_text("b")));
    assert_image_is(before->row.image, "1@1=old");
    assert_int_equal(before->partition.ranges.count, 0);
    assert_rows(before, "d");
    assert_int_equal(after->partition.ranges.count, 1);
    assert_rows(after, "a b c d e");
    cursor_close(before);
    cursor_close(after);
    memtable_unref(memtable);
}

static void a_cursor_keeps_its_state_while_the_tree_grows_over_it(void **state)
{
    (void)state;
    struct model_space space = {.partitions = 1, .rows = 4000, .integers = true};
    struct random rng = random_for("growing");
    struct memtable *memtable = new_memtable();
    struct batch batch = {0};
    struct buffer key = {0}, image = {0};
    struct cursor *cursors[2] = {0};
    row_text_encode("m@1", &image);
    for (int round = 0; round < 2; round++) { /* even numbers first, then, in any order, odd ones */
        for (uint32_t i = 0; i < 2000; i++) {
            uint64_t number = round ? 2 * random_below(&rng, 2000) + 1 : 2 * (uint64_t)i;
            model_clustering(&space, number, false, &key);
            batch_clear(&batch);
            batch_begin(&batch, 1, partition_key_of(slice_text("p")));
            batch_row(&batch, buffer_slice(&key), buffer_slice(&image));
            batch_end(&batch);
            assert_ok(memtable_apply(memtable, only_mutation(&batch)));
        }
        if (!round) {
            cursors[0] = open_one(memtable, "p", false);
            cursors[1] = open_one(memtable, "p", true);
            for (int i = 0; i < 500; i++)
                for (int j = 0; j < 2; j++)
                    assert_ok(cursor_next(cursors[j]));
        }
    }
    for (int j = 0; j < 2; j++) {
        for (uint32_t i = 500; i < 2000; i++) {
            model_clustering(&space, 2 * (uint64_t)(j ? i : 1999 - i), false, &key); /* descending column */
            assert_ok(cursor_next(cursors[j]));
            assert_true(cursors[j]->on_row);
            assert_true(slice_equal(cursors[j]->row.clustering, buffer_slice(&key)));
        }
        assert_ok(cursor_next(cursors[j]));
        assert_false(cursors[j]->on_row);
        cursor_close(cursors[j]);
    }
    batch_deinit(&batch);
    buffer_deinit(&key);
    buffer_deinit(&image);
    memtable_unref(memtable);
}

static void a_partition_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    struct cursor *cursor;
    struct partition_key key = partition_key_of(slice_text("nobody"));
    assert_int_equal(memtable_cursor_open_one(memtable, key, false, &cursor).code, STATUS_NOT_FOUND);
    put(memtable, "p", "k", "m@1");
    assert_int_equal(memtable_cursor_open_one(memtable, key, false, &cursor).code, STATUS_NOT_FOUND);
    assert_ok(memtable_cursor_open(memtable, false, &cursor));
    assert_ok(cursor_seek_partition(cursor, partition_key_of(slice_text("p"))));
    assert_true(cursor->on_partition);
    assert_ok(cursor_next_partition(cursor));
    assert_false(cursor->on_partition);
    cursor_close(cursor);
    memtable_unref(memtable);
}

static void a_corrupt_mutation_changes_nothing(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    struct batch batch = {0};
    struct buffer image = {0};
    struct cursor *cursor;
    row_text_encode("m@1", &image);
    batch_begin(&batch, 1, partition_key_of(slice_text("p")));
    batch_row(&batch, slice_text("a"), buffer_slice(&image));
    batch_row(&batch, slice_text("b"), slice_text("not an image"));
    batch_end(&batch);
    assert_int_equal(memtable_apply(memtable, only_mutation(&batch)).code, STATUS_CORRUPT);
    struct partition_key key = partition_key_of(slice_text("p"));
    assert_int_equal(memtable_cursor_open_one(memtable, key, false, &cursor).code, STATUS_NOT_FOUND);
    assert_int_equal(stats_of(memtable).writes, 0);
    batch_deinit(&batch);
    buffer_deinit(&image);
    memtable_unref(memtable);
}

static void an_idle_memtable_costs_a_few_hundred_bytes_and_counts_every_one(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    assert_true(stats_of(memtable).bytes <= 512);
    put(memtable, "p", "k", "m@1");
    assert_true(stats_of(memtable).bytes <= 2048);
    struct buffer value = {0};
    buffer_append(&value, "1@1=", 4);
    memset(buffer_extend(&value, 100000), 'x', 100000);
    buffer_append_u8(&value, 0);
    size_t before = stats_of(memtable).bytes;
    put(memtable, "p", "large", (const char *)value.data);
    assert_true(stats_of(memtable).bytes >= before + 100000);
    buffer_deinit(&value);
    memtable_unref(memtable);
}

static void rows_in_order_at_either_end_are_not_late(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    char text[16];
    for (int i = 0; i < 200; i++) {
        sprintf(text, "%04d", 500 + i);
        put(memtable, "p", text, "m@1");
        sprintf(text, "%04d", 499 - i);
        put(memtable, "p", text, "m@1");
    }
    assert_int_equal(stats_of(memtable).late_rows, 0);
    put(memtable, "p", "0500x", "m@1");
    assert_int_equal(stats_of(memtable).late_rows, 1);
    assert_int_equal(stats_of(memtable).rows, 401);
    memtable_unref(memtable);
}

static uint64_t rows_together_of(bool as_they_come)
{
    struct memtable *memtable = new_memtable();
    char text[16];
    if (as_they_come)
        memtable_rows_as_they_come(memtable);
    for (int i = 0; i < 1000; i++) {
        sprintf(text, "%04d", i);
        put(memtable, "p", text, "m@1");
        put(memtable, text, text, "m@1"); /* a partition of one row */
    }
    uint64_t rows_together = stats_of(memtable).rows_together;
    memtable_unref(memtable);
    return rows_together;
}

static void rows_of_a_partition_lie_together_unless_that_is_off(void **state)
{
    (void)state;
    assert_in_range(rows_together_of(false), 900, 1000);
    assert_int_equal(rows_together_of(true), 0);
}

static void many_range_deletions_cost_memory_in_proportion(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    char start[16], end[16];
    for (int i = 0; i < 4000; i++) {
        sprintf(start, "%05d", 3 * i);
        sprintf(end, "%05d", 3 * i + 1);
        delete_range(memtable, "p", start, end, i);
    }
    assert_true(stats_of(memtable).bytes < 4000 * 2000);
    struct cursor *cursor = open_one(memtable, "p", false);
    assert_int_equal(cursor->partition.ranges.count, 4000);
    assert_int_equal(range_list_over(&cursor->partition.ranges, slice_text("03000")).timestamp, 1000);
    assert_int_equal(range_list_over(&cursor->partition.ranges, slice_text("03002")).timestamp, INT64_MIN);
    cursor_close(cursor);
    memtable_unref(memtable);
}

static void a_cursor_outlives_everybody_elses_references(void **state)
{
    (void)state;
    struct memtable *memtable = new_memtable();
    put(memtable, "p", "a", "m@1");
    put(memtable, "p", "b", "m@1");
    struct cursor *cursor = open_one(memtable, "p", false);
    memtable_freeze(memtable);
    memtable_unref(memtable);
    assert_rows(cursor, "a b");
    cursor_close(cursor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_clustering_order_or_its_reverse),
        cmocka_unit_test(a_seek_stands_at_or_after_the_key_in_the_cursors_direction),
        cmocka_unit_test(writes_to_one_key_are_reconciled),
        cmocka_unit_test(a_write_that_changes_nothing_takes_no_memory),
        cmocka_unit_test(deletions_and_static_rows_stand_beside_the_rows),
        cmocka_unit_test(bounds_include_range_tombstones),
        cmocka_unit_test(a_cursor_keeps_the_state_of_the_partition_it_came_to),
        cmocka_unit_test(a_cursor_keeps_its_state_while_the_tree_grows_over_it),
        cmocka_unit_test(a_partition_that_is_not_there_is_not_found),
        cmocka_unit_test(a_corrupt_mutation_changes_nothing),
        cmocka_unit_test(an_idle_memtable_costs_a_few_hundred_bytes_and_counts_every_one),
        cmocka_unit_test(rows_in_order_at_either_end_are_not_late),
        cmocka_unit_test(rows_of_a_partition_lie_together_unless_that_is_off),
        cmocka_unit_test(many_range_deletions_cost_memory_in_proportion),
        cmocka_unit_test(a_cursor_outlives_everybody_elses_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
