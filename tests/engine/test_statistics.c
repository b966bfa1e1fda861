/* Statistics by name, and sizes of partitions that are told without reading rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "notation.h"

static struct store *open_store_with(bool no_warmth)
{
    struct store *store;
    struct store_options options = {
        .shards = 2, .background = STORE_BACKGROUND_MANUAL, .no_warmth = no_warmth};
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 0);
    return store;
}

static struct store *open_store(void)
{
    return open_store_with(false);
}

static double statistic(struct store *store, const char *name)
{
    struct store_statistic statistics[STORE_STATISTICS_MAX];
    uint32_t count;
    assert_ok(store_table_statistics(store, 1, statistics, &count));
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(statistics[i].name, name) == 0)
            return statistics[i].is_ratio ? statistics[i].ratio : (double)statistics[i].value;
    fail_msg("no statistic %s", name);
    return 0;
}

#define assert_statistic(expected, store, name) \
    assert_true(statistic(store, name) > (expected)-1e-9 && statistic(store, name) < (expected) + 1e-9)

static void every_statistic_has_a_name_of_its_own_a_unit_and_a_meaning(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct store_statistic statistics[2][STORE_STATISTICS_MAX];
    uint32_t counts[2];
    assert_ok(apply_text(store, "k/1 a=x @1; foo/1 a=x @1", DURABILITY_DEFAULT));
    assert_ok(store_flush(store, 1));
    assert_ok(apply_text(store, "k/1 a=y @2; foo/1 a=y @2", DURABILITY_DEFAULT));
    assert_ok(store_flush(store, 1));
    assert_ok(store_compact(store, 1));
    assert_ok(store_table_statistics(store, 1, statistics[0], &counts[0]));
    counts[1] = store_statistics(store, statistics[1]);
    for (uint32_t kind = 0; kind < 2; kind++)
        for (uint32_t i = 0; i < counts[kind]; i++) {
            assert_true(*statistics[kind][i].name && *statistics[kind][i].unit &&
                        *statistics[kind][i].meaning);
            for (uint32_t j = 0; j < i; j++)
                assert_string_not_equal(statistics[kind][j].name, statistics[kind][i].name);
        }
    assert_code(STATUS_NOT_FOUND, store_table_statistics(store, 9, statistics[0], &counts[0]));
    assert_ok(store_close(store));
}

static void statistics_say_what_happened(void **state)
{
    (void)state;
    struct store *store = open_store();
    assert_ok(apply_text(store, "k/1 a=x @1; k/2 a=x @1", DURABILITY_DEFAULT));
    assert_statistic(2, store, "memtable_rows");
    assert_ok(store_flush(store, 1));
    assert_ok(apply_text(store, "k/1 a=y @2", DURABILITY_DEFAULT));
    assert_ok(store_flush(store, 1));
    assert_statistic(2, store, "sstables");
    assert_statistic(3, store, "sstable_rows");
    assert_statistic(2, store, "flushes");
    assert_statistic(1, store, "write_amplification");
    assert_true(statistic(store, "space_amplification") > 1.1);
    assert_ok(store_compact(store, 1));
    assert_statistic(2, store, "sstable_rows");
    assert_statistic(1, store, "compactions");
    assert_statistic(1, store, "major_compactions");
    assert_statistic(1, store, "space_amplification");
    assert_true(statistic(store, "write_amplification") > 1.1);
    assert_statistic(0, store, "pending_flushes");
    assert_ok(store_close(store));
}

static void expect_row(struct store *store, const char *key, bool no_unfold)
{
    struct store_read read = {.table_id = 1, .no_unfold = no_unfold, .no_retained = true};
    struct cursor *cursor;
    assert_ok(store_cursor_open_one(store, &read, text_key(key), NULL, &cursor));
    assert_non_null(cursor);
    assert_ok(cursor_next(cursor));
    assert_true(cursor->on_row);
    cursor_close(cursor);
}

static void a_table_tells_where_its_reads_found_their_blocks(void **state)
{
    (void)state;
    struct store *store = open_store_with(true);
    assert_ok(apply_text(store, "k/1 a=x @1; k/2 a=x @1; k/3 a=x @1; k/4 a=x @1", DURABILITY_DEFAULT));
    assert_ok(store_flush(store, 1));
    assert_statistic(0, store, "blocks_asked");
    expect_row(store, "k", false); /* directory page and rows, of which the first is made */
    assert_statistic(2, store, "blocks_asked");
    assert_statistic(2, store, "blocks_read");
    assert_statistic(0, store, "blocks_beside"); /* there are none */
    assert_statistic(1, store, "rows_made");
    assert_statistic(3, store, "rows_spared");
    assert_statistic(0, store, "cache_hit_ratio");
    expect_row(store, "k", true);
    assert_statistic(1, store, "blocks_cached");
    assert_statistic(1, store, "blocks_decoded");
    assert_statistic(1, store, "rows_made");
    expect_row(store, "k", false); /* now it is in memory as it is walked */
    assert_statistic(3, store, "blocks_cached");
    assert_statistic(2, store, "blocks_read");
    assert_statistic(0.5, store, "cache_hit_ratio");
    /* The file goes, what was read of it stays known. */
    assert_ok(apply_text(store, "k/5 a=x @2", DURABILITY_DEFAULT));
    assert_ok(store_flush(store, 1));
    assert_ok(store_compact(store, 1));
    assert_statistic(1, store, "sstables");
    assert_statistic(6, store, "blocks_asked");
    assert_ok(store_close(store));
}

static uint64_t blocks_warmed(struct store *store)
{
    struct store_stats stats;
    store_stats(store, &stats);
    return stats.cache_warmed;
}

static void the_first_read_of_a_new_file_finds_its_blocks_in_memory(void **state)
{
    (void)state;
    for (int no_warmth = 0; no_warmth < 2; no_warmth++) {
        struct store *store = open_store_with(no_warmth);
        assert_ok(apply_text(store, "k/1 a=x @1; k/2 a=x @1", DURABILITY_DEFAULT));
        assert_ok(store_flush(store, 1));
        assert_int_equal(no_warmth ? 0 : 2, blocks_warmed(store)); /* directory page and rows */
        expect_row(store, "k", false);
        assert_statistic(no_warmth ? 2 : 0, store, "blocks_read");
        assert_ok(apply_text(store, "k/3 a=x @1", DURABILITY_DEFAULT));
        assert_ok(store_flush(store, 1));
        assert_ok(store_compact(store, 1));
        expect_row(store, "k", false);
        assert_statistic(no_warmth ? 4 : 0, store, "blocks_read");
        assert_ok(store_close(store));
    }
}

static void sizes_of_partitions_and_rows_are_told_by_their_buckets(void **state)
{
    (void)state;
    struct store_table_stats stats;
    struct store *store = open_store();
    /* 99 partitions of one row, one of five hundred. */
    for (unsigned i = 0; i < 99; i++) {
        char text[40];
        snprintf(text, sizeof text, "p%u/1 a=x @1", i);
        assert_ok(apply_text(store, text, DURABILITY_DEFAULT));
    }
    for (unsigned i = 0; i < 500; i++) {
        char text[40];
        snprintf(text, sizeof text, "large/%u a=x @1", i);
        assert_ok(apply_text(store, text, DURABILITY_DEFAULT));
    }
    assert_statistic(0, store, "partition_rows_p50");
    assert_ok(store_flush(store, 1));
    assert_statistic(1, store, "partition_rows_p50");
    assert_statistic(1, store, "partition_rows_p99");
    double small = statistic(store, "partition_bytes_p50"), row = statistic(store, "row_bytes_p50");
    assert_true(small >= 8 && small < 128);
    assert_true(row >= 8 && row < 128);
    assert_ok(store_table_stats(store, 1, &stats));
    assert_int_equal(99, stats.sizes.partition_rows[1]);
    assert_int_equal(1, stats.sizes.partition_rows[9]); /* 256 to 511 */
    uint64_t rows = 0;
    for (unsigned i = 0; i < STORE_SIZE_BUCKETS; i++)
        rows += stats.sizes.row_bytes[i];
    assert_int_equal(599, rows);
    /* One more partition in a hundred, and it is the p99. */
    for (unsigned i = 0; i < 500; i++) {
        char text[40];
        snprintf(text, sizeof text, "larger/%u a=x @1", i);
        assert_ok(apply_text(store, text, DURABILITY_DEFAULT));
    }
    assert_ok(store_flush(store, 1));
    assert_statistic(511, store, "partition_rows_p99");
    assert_ok(store_close(store));
}

/* A budget that a fast writer is beyond at once; the other table has no writer. */
static void writers_that_are_held_back_are_counted_for_their_table(void **state)
{
    (void)state;
    enum { VALUE_BYTES = 2000, WRITES_MAX = 2000000 };
    static char text[VALUE_BYTES + 40];
    struct store *store;
    struct store_stats all = {0};
    struct store_table_stats one, other;
    struct store_options options = {.io = "memory", .shards = 2, .memtable_bytes = 256 << 10};
    assert_ok(store_open(&options, &store));
    make_table(store, 1, 0);
    make_table(store, 2, 0);
    char value[VALUE_BYTES + 1];
    memset(value, 'x', VALUE_BYTES);
    value[VALUE_BYTES] = 0;
    for (unsigned i = 0; i < WRITES_MAX && !all.stalls; i++) {
        snprintf(text, sizeof text, "p%u/1 a=%s @1", i, value);
        assert_ok(apply_text(store, text, DURABILITY_NONE));
        store_stats(store, &all);
    }
    assert_ok(store_table_stats(store, 1, &one));
    assert_ok(store_table_stats(store, 2, &other));
    assert_true(all.stalls > 0 && all.stall_us > 0);
    assert_int_equal(all.stalls, one.stalls);
    assert_int_equal(all.stall_us, one.stall_us);
    assert_int_equal(0, other.stalls);
    assert_ok(store_close(store));
}

static void partition_sizes_are_told_from_directories_and_memtables(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct histogram *sizes = calloc(2, sizeof *sizes);
    assert_ok(apply_text(store, "a/1 a=x @1; a/2 a=x @1; a/3 a=x @1; foo/1 a=x @1", DURABILITY_DEFAULT));
    assert_ok(store_flush(store, 1));
    assert_ok(apply_text(store, "a/4 a=x @2; k/1 a=x @2", DURABILITY_DEFAULT));
    assert_ok(store_partition_sizes(store, 1, &sizes[0], &sizes[1]));
    assert_int_equal(3, sizes[0].count);
    assert_int_equal(6, sizes[0].sum);
    assert_int_equal(4, sizes[0].max);
    assert_true(sizes[1].sum > 0);
    free(sizes);
    assert_ok(store_close(store));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_statistic_has_a_name_of_its_own_a_unit_and_a_meaning),
        cmocka_unit_test(statistics_say_what_happened),
        cmocka_unit_test(a_table_tells_where_its_reads_found_their_blocks),
        cmocka_unit_test(the_first_read_of_a_new_file_finds_its_blocks_in_memory),
        cmocka_unit_test(sizes_of_partitions_and_rows_are_told_by_their_buckets),
        cmocka_unit_test(writers_that_are_held_back_are_counted_for_their_table),
        cmocka_unit_test(partition_sizes_are_told_from_directories_and_memtables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
