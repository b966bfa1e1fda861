/*
 * A table of which a strategy has nothing to merge is rewritten for what it can forget, and only for that: what is old enough
 * is known from the histogram in its statistics, of tombstones and of cells whose time to live is over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "notation.h"

enum {
    TABLE = 1,
    BEGIN_S = 1000000,
    GRACE_S = 10000, /* idle tables are looked at again every minute or so, not every second */
};

static struct store *open_at_begin(void)
{
    struct store *store;
    struct store_options options = {
        .shards = 1,
        .background = STORE_BACKGROUND_MANUAL,
        .clock_us = (int64_t)BEGIN_S * 1000000,
    };
    struct store_change create = {
        .kind = STORE_CREATE_TABLE,
        .table_id = TABLE,
        .options = {.gc_grace_s = GRACE_S, .tuning = {.tombstone_interval_s = -1}},
    };
    assert_ok(store_open(&options, &store));
    assert_int_equal(TABLE, store_new_table_id(store));
    assert_ok(store_change(store, &create, 1));
    return store;
}

static void put(struct store *store, const char *format, unsigned row)
{
    char text[60];
    snprintf(text, sizeof text, format, row, row);
    assert_ok(apply_text(store, text, DURABILITY_NONE));
}

static void clock_to(struct store *store, int64_t now_s)
{
    store_clock_set(store, now_s * 1000000);
}

/* Rewritings for tombstones until there is nothing to do. */
static uint64_t rewritings(struct store *store, struct store_table_stats *out_stats)
{
    for (bool did = true; did;)
        assert_ok(store_step(store, &did));
    assert_ok(store_table_stats(store, TABLE, out_stats));
    for (uint32_t i = 0; i < STORE_COMPACTION_REASONS; i++)
        if (strcmp(store_compaction_reason(i), "tombstones") == 0)
            return out_stats->compacted[i].jobs;
    fail();
    return 0;
}

static void cells_whose_time_is_over_are_forgotten(void **state)
{
    (void)state;
    struct store *store = open_at_begin();
    struct store_table_stats stats;
    for (unsigned row = 0; row < 100; row++)
        put(store, row < 20 ? "k/%u a=lasts @%u" : "k/%u a=passes +60 @%u", row);
    assert_ok(store_flush(store, TABLE));
    assert_int_equal(rewritings(store, &stats), 0);
    clock_to(store, BEGIN_S + 60 + GRACE_S - 200); /* passed, but may not be forgotten yet */
    assert_int_equal(rewritings(store, &stats), 0);
    assert_int_equal(stats.sstable_rows, 100);
    clock_to(store, BEGIN_S + 60 + GRACE_S + 200);
    assert_int_equal(rewritings(store, &stats), 1);
    assert_int_equal(stats.sstable_rows, 20);
    assert_ok(store_close(store));
}

/* One deletion long ago and many that are young: spread evenly between the first and the last, most of them would be old. */
static void tombstones_are_forgotten_when_many_are_old(void **state)
{
    (void)state;
    struct store *store = open_at_begin();
    struct store_table_stats stats;
    for (unsigned row = 0; row < 50; row++)
        put(store, "k/%u a=lasts @%u", row);
    put(store, "k/%u! @%u", 50);
    clock_to(store, BEGIN_S + 50000);
    for (unsigned row = 51; row < 100; row++)
        put(store, "k/%u! @%u", row);
    assert_ok(store_flush(store, TABLE));
    clock_to(store, BEGIN_S + 50000 + GRACE_S / 2);
    assert_int_equal(rewritings(store, &stats), 0);
    assert_int_equal(stats.sstable_rows, 100);
    clock_to(store, BEGIN_S + 50000 + GRACE_S + 200);
    assert_int_equal(rewritings(store, &stats), 1);
    assert_int_equal(stats.sstable_rows, 50);
    assert_ok(store_close(store));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_whose_time_is_over_are_forgotten),
        cmocka_unit_test(tombstones_are_forgotten_when_many_are_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
