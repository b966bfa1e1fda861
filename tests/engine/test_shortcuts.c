/*
 * Every shortcut of a read by itself, from either end of a partition: what it saves is counted while it is on, and nothing of
 * that is counted while it is off. That no answer changes is what test_read.c shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "notation.h"

enum {
    TABLE = 1,
    WINDOWS = 10,
    WINDOW_ROWS = 10,
    ROWS = WINDOWS * WINDOW_ROWS,
};

static void put(struct store *store, const char *text)
{
    assert_ok(apply_text(store, text, DURABILITY_NONE));
}

/* Ten files of ten rows each, side by side. */
static struct store *windows(void)
{
    struct store_options options = {.shards = 1, .no_warmth = true};
    struct store_change create = {
        .kind = STORE_CREATE_TABLE,
        .table_id = TABLE,
        .options = {.gc_grace_s = 1000000, .compaction = STORE_COMPACTION_NONE, .block_bytes = 256}};
    struct store *store;
    assert_ok(store_open(&options, &store));
    assert_int_equal(TABLE, store_new_table_id(store));
    assert_ok(store_change(store, &create, 1));
    for (unsigned window = 0; window < WINDOWS; window++) {
        char text[60];
        for (unsigned row = 0; row < WINDOW_ROWS; row++) {
            snprintf(text, sizeof text, "k/%u a=v @%u", window * WINDOW_ROWS + row, 1000 + window);
            put(store, text);
        }
        assert_ok(store_flush(store, TABLE));
    }
    return store;
}

/* In the middle of a partition, so that neither end of it is in memory. */
static void put_into_the_middle(struct store *store)
{
    put(store, "k/45 b=w @3000; k/55 b=w @3000");
}

struct cost {
    struct store_read_counters counters;
    uint64_t rows;                   /* that were given out */
    uint64_t run;                    /* rows beside the first one */
    uint64_t rows_made, rows_spared; /* in blocks that this was the first to decode */
    uint64_t blocks_asked;           /* directory pages too */
};

/* The first rows in the direction of the read. */
static struct cost cost_of(struct store *store, const struct store_read *read, const char *key,
                           unsigned limit)
{
    struct cost cost = {0};
    struct store_table_stats before, after;
    struct cursor *cursor;
    assert_ok(store_table_stats(store, TABLE, &before));
    assert_ok(store_cursor_open_one(store, read, text_key(key), &cost.counters, &cursor));
    for (; cursor && cost.rows < limit; cost.rows++) {
        assert_ok(cursor_next(cursor));
        if (!cursor->on_row)
            break;
        cost.run += cursor->run.left;
    }
    cursor_close(cursor);
    assert_ok(store_table_stats(store, TABLE, &after));
    cost.rows_made = after.rows_made - before.rows_made;
    cost.rows_spared = after.rows_spared - before.rows_spared;
    cost.blocks_asked = after.blocks_asked - before.blocks_asked;
    return cost;
}

static struct store_read read_of(int reverse)
{
    return (struct store_read){.table_id = TABLE, .reverse = reverse, .no_retained = true};
}

static void lazy_merges_leave_sources_unasked(void **state)
{
    (void)state;
    struct store *store = windows();
    put_into_the_middle(store);
    for (int reverse = 0; reverse < 2; reverse++) {
        struct store_read read = read_of(reverse);
        struct cost cost = cost_of(store, &read, "k", 5);
        assert_int_equal(cost.counters.merge.children_entered, 1);
        assert_int_equal(cost.counters.merge.children_skipped, 1); /* the memtable */
        assert_int_equal(cost.counters.left_closed, WINDOWS - 1);
        read.no_closed = true;
        cost = cost_of(store, &read, "k", 5);
        assert_int_equal(cost.counters.merge.children_entered, 1);
        assert_int_equal(cost.counters.merge.children_skipped, WINDOWS);
        read.no_lazy = true;
        cost = cost_of(store, &read, "k", 5);
        assert_int_equal(cost.counters.merge.children_entered, WINDOWS + 1);
        assert_int_equal(cost.counters.merge.children_skipped, 0);
        assert_int_equal(cost.counters.left_closed, 0);
    }
    assert_ok(store_close(store));
}

static void a_leading_source_passes_its_rows_through(void **state)
{
    (void)state;
    struct store *store = windows();
    put_into_the_middle(store);
    for (int reverse = 0; reverse < 2; reverse++) {
        struct store_read read = read_of(reverse);
        struct cost cost = cost_of(store, &read, "k", ROWS);
        assert_int_equal(cost.rows, ROWS);
        assert_int_equal(cost.counters.merge.rows_merged, 2);
        assert_int_equal(cost.counters.merge.rows_passed, ROWS - 2);
        read.no_gallop = true;
        cost = cost_of(store, &read, "k", ROWS);
        assert_int_equal(cost.rows, ROWS);
        assert_int_equal(cost.counters.merge.rows_merged, 2);
        assert_int_equal(cost.counters.merge.rows_passed, 0);
    }
    assert_ok(store_close(store));
}

static void files_stay_closed_until_the_walk_gets_there(void **state)
{
    (void)state;
    struct store *store = windows();
    for (int reverse = 0; reverse < 2; reverse++) {
        struct store_read read = read_of(reverse);
        for (unsigned file = 1; file <= WINDOWS; file++) {
            struct cost cost = cost_of(store, &read, "k", file * WINDOW_ROWS);
            assert_int_equal(cost.counters.sstables, file);
            assert_int_equal(cost.counters.left_closed, WINDOWS - file);
        }
        read.no_closed = true;
        struct cost cost = cost_of(store, &read, "k", 1);
        assert_int_equal(cost.counters.sstables, WINDOWS);
        assert_int_equal(cost.counters.left_closed, 0);
    }
    assert_ok(store_close(store));
}

static void files_that_do_not_overlap_need_no_merge(void **state)
{
    (void)state;
    struct store *store = windows();
    for (int reverse = 0; reverse < 2; reverse++) {
        struct store_read read = read_of(reverse);
        struct cost cost = cost_of(store, &read, "k", ROWS);
        assert_int_equal(cost.rows, ROWS);
        assert_int_equal(cost.counters.merge.children_entered, 0);
        read.no_sequence = true;
        cost = cost_of(store, &read, "k", ROWS);
        assert_int_equal(cost.rows, ROWS);
        assert_int_equal(cost.counters.merge.children_entered, WINDOWS);
    }
    assert_ok(store_close(store));
}

static void filters_rule_out_files(void **state)
{
    (void)state;
    struct store *store = windows();
    for (int variant = 0; variant < 4; variant++) {
        struct store_read read = read_of(variant & 1);
        read.no_closed = variant & 2;
        assert_int_equal(cost_of(store, &read, "nobody", 1).counters.sstables_filtered, WINDOWS);
        read.no_filter = true;
        struct cost cost = cost_of(store, &read, "nobody", 1);
        assert_int_equal(cost.counters.sstables_filtered, 0);
        assert_int_equal(cost.rows, 0);
    }
    assert_ok(store_close(store));
}

static void bounds_rule_out_sources(void **state)
{
    (void)state;
    struct store *store = windows();
    struct buffer from = {0}, to = {0};
    row_key(&from, 22);
    row_key(&to, 28);
    put_into_the_middle(store);
    for (int variant = 0; variant < 4; variant++) {
        struct store_read read = read_of(variant & 1);
        read.no_closed = variant & 2;
        read.from = buffer_slice(&from);
        read.to = buffer_slice(&to);
        struct cost cost = cost_of(store, &read, "k", 6);
        assert_int_equal(cost.counters.sources_skipped,
                         read.no_closed ? WINDOWS : 1); /* the memtable is one */
        assert_int_equal(cost.counters.sstables, 1);
        assert_int_equal(cost.counters.memtables, 0);
        assert_in_range(cost.blocks_asked, 1, 2); /* nothing of the other files */
        assert_int_equal(cost.counters.left_closed, read.no_closed ? 0 : WINDOWS - 1);
        read.no_skip = true;
        cost = cost_of(store, &read, "k", ROWS);
        assert_int_equal(cost.rows, ROWS);
        assert_int_equal(cost.counters.sources_skipped, 0);
        assert_int_equal(cost.counters.sstables, WINDOWS);
        assert_int_equal(cost.counters.memtables, 1);
    }
    buffer_deinit(&from);
    buffer_deinit(&to);
    assert_ok(store_close(store));
}

/* Forward only: the values of a row end where those before it are known, so whoever begins with the last row makes all. */
static void blocks_are_decoded_as_far_as_the_walk_gets(void **state)
{
    (void)state;
    for (int variant = 0; variant < 8; variant++) {
        struct store *store = windows(); /* whose blocks nobody has decoded */
        struct store_read read = read_of(variant & 1);
        read.no_closed = variant & 2;
        read.no_unfold = variant & 4;
        struct cost cost = cost_of(store, &read, "k", 1);
        assert_int_equal(cost.rows, 1);
        assert_int_equal(cost.rows_made, read.no_unfold ? 0 : read.reverse ? WINDOW_ROWS : 1);
        assert_int_equal(cost.rows_spared, read.no_unfold || read.reverse ? 0 : WINDOW_ROWS - 1);
        assert_ok(store_close(store));
    }
}

static void rows_beside_each_other_come_as_a_run(void **state)
{
    (void)state;
    struct store *store = windows();
    for (int variant = 0; variant < 8; variant++) {
        struct store_read read = read_of(variant & 1);
        read.no_closed = variant & 2;
        read.no_sequence = variant & 4;
        (void)cost_of(store, &read, "k", ROWS); /* a block is decoded as far as it is walked the first time */
        assert_in_range(cost_of(store, &read, "k", 1).run, 1, WINDOW_ROWS - 1);
        read.no_runs = true;
        assert_int_equal(cost_of(store, &read, "k", 1).run, 0);
    }
    assert_ok(store_close(store));
}

static void memtables_stand_in_for_their_files(void **state)
{
    (void)state;
    struct store *store = windows();
    for (int reverse = 0; reverse < 2; reverse++) {
        struct store_read read = read_of(reverse);
        struct cost cost = cost_of(store, &read, "k", ROWS);
        assert_int_equal(cost.counters.retained, 0);
        assert_int_equal(cost.counters.sstables, WINDOWS);
        read.no_retained = false;
        cost = cost_of(store, &read, "k", ROWS);
        assert_int_equal(cost.rows, ROWS);
        assert_in_range(cost.counters.retained, 1, WINDOWS);
        assert_int_equal(cost.counters.retained + cost.counters.sstables, WINDOWS);
    }
    assert_ok(store_close(store));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lazy_merges_leave_sources_unasked),
        cmocka_unit_test(a_leading_source_passes_its_rows_through),
        cmocka_unit_test(files_stay_closed_until_the_walk_gets_there),
        cmocka_unit_test(files_that_do_not_overlap_need_no_merge),
        cmocka_unit_test(filters_rule_out_files),
        cmocka_unit_test(bounds_rule_out_sources),
        cmocka_unit_test(blocks_are_decoded_as_far_as_the_walk_gets),
        cmocka_unit_test(rows_beside_each_other_come_as_a_run),
        cmocka_unit_test(memtables_stand_in_for_their_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
