/*
 * Shortcuts of the read path: whichever are taken, a read answers the same; and each is really taken, which its counter
 * shows.
 *
 * A failure prints its seed; STRAIT_SEED=n runs that one alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "notation.h"

enum {
    TABLE = 1,
    ROWS = 100,
    PARTITIONS = 3,
    WINDOW = 12, /* rows that one flush spreads over */
#ifdef STRAIT_LONG_TESTS
    SEEDS = 200,
#else
    SEEDS = 6,
#endif
};

static struct store *store_with_table(uint64_t cache_bytes)
{
    struct store_options options = {.shards = 1, .cache_bytes = cache_bytes};
    struct store_change create = {
        .kind = STORE_CREATE_TABLE,
        .table_id = TABLE,
        .options = {.gc_grace_s = 1000000, .compaction = STORE_COMPACTION_NONE, .block_bytes = 256}};
    struct store *store;
    assert_ok(store_open(&options, &store));
    assert_int_equal(TABLE, store_new_table_id(store));
    assert_ok(store_change(store, &create, 1));
    return store;
}

static void put(struct store *store, const char *text)
{
    assert_ok(apply_text(store, text, DURABILITY_NONE));
}

/* ---- one read, and what it saw ---- */

struct query {
    const char *key;
    uint32_t from, to; /* rows; `to` is not included */
    unsigned limit;
    bool reverse;
};

static void append_row(struct buffer *out, const struct cursor *cursor, int64_t now_s)
{
    struct buffer live = {0};
    uint64_t tombstones = 0;
    bool is_live;
    struct deletion cover = deletion_max(cursor->partition.deletion,
                                         range_list_over(&cursor->partition.ranges, cursor->row.clustering));
    assert_ok(row_live(cursor->row.image, cover, now_s, &live, &is_live, &tombstones));
    if (is_live) {
        for (size_t i = 0; i < cursor->row.clustering.bytes; i++)
            buffer_printf(out, "%02x", cursor->row.clustering.data[i]);
        for (size_t i = 0; i < live.bytes; i++)
            buffer_printf(out, "%s%02x", i ? "" : "=", live.data[i]);
        buffer_append_u8(out, '\n');
    }
    buffer_deinit(&live);
}

/* The rows of the slice, walked as a reader does who stops at its end or at the limit, and the static row. */
static void answer(struct store *store, const struct store_read *read, const struct query *query,
                   struct slice from, struct slice to, struct store_read_counters *counters,
                   struct buffer *out)
{
    struct cursor *cursor;
    unsigned rows = 0;
    buffer_clear(out);
    assert_ok(store_cursor_open_one(store, read, text_key(query->key), counters, &cursor));
    if (cursor) {
        buffer_printf(out, "static %zu\n", cursor->partition.static_image.bytes);
        assert_ok(cursor_seek_row(cursor, read->reverse ? to : from));
        while (cursor->on_row && rows++ < query->limit && slice_compare(cursor->row.clustering, from) >= 0 &&
               slice_compare(cursor->row.clustering, to) < 0) {
            append_row(out, cursor, store_now_us(store) / 1000000);
            assert_ok(cursor_next(cursor));
        }
    }
    /* A cursor without a row and no cursor say the same. */
    if (!cursor)
        buffer_printf(out, "static 0\n");
    cursor_close(cursor);
    buffer_append_u8(out, 0);
    assert_ok(buffer_status(out));
}

static void all_off(struct store_read *read)
{
    read->no_lazy = read->no_gallop = read->no_filter = read->no_skip = read->no_closed = true;
    read->no_retained = read->no_unfold = read->no_runs = read->no_sequence = read->no_together = true;
}

static void assert_same_answer(struct store *store, struct random *rng, const struct query *query,
                               struct store_read_counters *counters)
{
    struct buffer from = {0}, to = {0}, expected = {0}, seen = {0};
    struct store_read plain = {.table_id = TABLE, .reverse = query->reverse}, read = plain;
    row_key(&from, query->from);
    row_key(&to, query->to);
    all_off(&plain);
    answer(store, &plain, query, buffer_slice(&from), buffer_slice(&to), NULL, &expected);

    uint64_t switches = random_below(rng, 2) ? 0 : random_next(rng);
    read.no_lazy = switches & 1;
    read.no_gallop = switches & 2;
    read.no_filter = switches & 4;
    read.no_skip = switches & 8;
    read.no_closed = switches & 16;
    read.no_retained = switches & 32;
    read.no_unfold = switches & 64;
    read.no_runs = switches & 128;
    read.rows = switches & 256 ? query->limit : 0;
    read.no_sequence = switches & 512;
    read.no_together = switches & 1024;
    if (random_below(rng, 4)) {
        read.from = buffer_slice(&from);
        read.to = buffer_slice(&to);
    }
    answer(store, &read, query, buffer_slice(&from), buffer_slice(&to), counters, &seen);
    if (strcmp((char *)expected.data, (char *)seen.data) != 0)
        fail_msg("%s %u-%u %s limit %u, switches %llx\n%s--\n%s", query->key, query->from, query->to,
                 query->reverse ? "reverse" : "forward", query->limit, (unsigned long long)switches,
                 (char *)expected.data, (char *)seen.data);
    buffer_deinit(&from);
    buffer_deinit(&to);
    buffer_deinit(&expected);
    buffer_deinit(&seen);
}

/* ---- random tables ---- */

/* One write near row `first`; deletions of any kind when `deletes`. */
static void random_write(struct store *store, struct random *rng, uint32_t first, bool deletes)
{
    char text[100];
    unsigned partition = (unsigned)random_below(rng, PARTITIONS);
    unsigned row = first + (unsigned)random_below(rng, WINDOW);
    unsigned at = 1 + (unsigned)random_below(rng, 1000);
    unsigned what = deletes ? (unsigned)random_below(rng, 30) : 30;
    if (what == 0)
        snprintf(text, sizeof text, "p%u! @%u", partition, at / 2);
    else if (what < 3)
        snprintf(text, sizeof text, "p%u/%u-%u! @%u", partition, row,
                 row + 1 + (unsigned)random_below(rng, 40), at);
    else if (what < 6)
        snprintf(text, sizeof text, "p%u/%u! @%u", partition, row, at);
    else if (what < 8)
        snprintf(text, sizeof text, "p%u/s a=x%u @%u", partition, at, at);
    else
        snprintf(text, sizeof text, "p%u/%u %s=v%u @%u", partition, row, at % 2 ? "a" : "b", at, at);
    put(store, text);
}

static void random_run(struct store *store, struct random *rng, uint32_t first)
{
    bool deletes = random_below(rng, 3) == 0;
    for (uint64_t left = 1 + random_below(rng, 40); left > 0; left--)
        random_write(store, rng, first, deletes);
    if (random_below(rng, 8))
        assert_ok(store_flush(store, TABLE));
    if (random_below(rng, 25) == 0)
        assert_ok(store_compact(store, TABLE));
}

static void random_reads(struct store *store, struct random *rng, struct store_read_counters *counters)
{
    static const char *const keys[] = {"p0", "p1", "p2", "nobody"};
    for (int i = 0; i < 60; i++) {
        uint32_t from = (uint32_t)random_below(rng, ROWS);
        struct query query = {
            .key = keys[random_below(rng, ARRAY_LEN(keys))],
            .from = from,
            .to = from + (uint32_t)random_below(rng, random_below(rng, 2) ? 3 : ROWS),
            .limit = random_below(rng, 2) ? 1 + (unsigned)random_below(rng, 5) : ROWS,
            .reverse = random_below(rng, 2),
        };
        assert_same_answer(store, rng, &query, counters);
    }
}

static void run_one(uint64_t seed, struct store_read_counters *counters)
{
    struct random rng = {seed};
    struct store *store = store_with_table(random_below(&rng, 2) ? 1 : 0);
    for (uint32_t first = 0; first + WINDOW < ROWS; first += 1 + (uint32_t)random_below(&rng, WINDOW)) {
        random_run(store, &rng, first);
        random_reads(store, &rng, counters);
    }
    assert_ok(store_close(store));
}

static void shortcuts_change_no_answer_and_are_taken(void **state)
{
    (void)state;
    struct store_read_counters counters = {0};
    const char *only = getenv("STRAIT_SEED");
    for (uint64_t seed = 1; seed <= (only ? 1 : SEEDS); seed++) {
        uint64_t here = only ? strtoull(only, NULL, 0) : seed;
        print_message("STRAIT_SEED=%llu\n", (unsigned long long)here);
        run_one(here, &counters);
    }
    if (only)
        return;
    assert_true(counters.merge.children_entered > 0);
    assert_true(counters.merge.children_skipped > 0);
    assert_true(counters.merge.rows_passed > 0);
    assert_true(counters.merge.rows_merged > 0);
    assert_true(counters.sstables_filtered > 0);
    assert_true(counters.sources_skipped > 0);
    assert_true(counters.left_closed > 0);
    assert_true(counters.retained > 0);
}

/* ---- one shortcut at a time ---- */

/* Ten flushed windows of ten rows each, the first rows last: as a table is whose newest rows come first. */
static struct store *windows(uint64_t cache_bytes)
{
    struct store *store = store_with_table(cache_bytes);
    for (unsigned window = 10; window-- > 0;) {
        char text[60];
        for (unsigned row = 0; row < 10; row++) {
            snprintf(text, sizeof text, "k/%u a=v @%u", window * 10 + row, 1000 - window);
            put(store, text);
        }
        assert_ok(store_flush(store, TABLE));
    }
    return store;
}

static struct store_read_counters cost_of(struct store *store, const struct store_read *read, uint32_t from,
                                          unsigned limit)
{
    struct store_read_counters counters = {0};
    struct buffer key = {0};
    struct cursor *cursor;
    row_key(&key, from);
    assert_ok(store_cursor_open_one(store, read, text_key("k"), &counters, &cursor));
    if (cursor) {
        assert_ok(cursor_seek_row(cursor, buffer_slice(&key)));
        for (unsigned i = 1; cursor->on_row && i < limit; i++)
            assert_ok(cursor_next(cursor));
    }
    cursor_close(cursor);
    buffer_deinit(&key);
    return counters;
}

static void the_newest_rows_of_many_windows_come_from_one_file(void **state)
{
    (void)state;
    struct store *store = windows(0);
    struct store_read read = {.table_id = TABLE, .no_retained = true};
    struct store_read_counters cost = cost_of(store, &read, 0, 10);
    assert_int_equal(cost.left_closed, 9);
    assert_int_equal(cost.sstables, 1);
    assert_int_equal(cost.merge.children_entered, 0); /* there was none */
    read.no_sequence = true;
    cost = cost_of(store, &read, 0, 10);
    assert_int_equal(cost.left_closed, 9);
    assert_int_equal(cost.merge.children_entered, 1);
    read.no_sequence = false;
    cost = cost_of(store, &read, 95, 5);
    assert_int_equal(cost.sstables, 1);
    cost = cost_of(store, &read, 0, 11);
    assert_int_equal(cost.sstables, 2);

    read.no_closed = true;
    cost = cost_of(store, &read, 0, 10);
    assert_int_equal(cost.sstables, 10);
    assert_int_equal(cost.left_closed, 0);
    assert_int_equal(cost.merge.children_entered, 1);
    assert_int_equal(cost.merge.children_skipped, 9);
    assert_ok(store_close(store));
}

/* Walks from the end of the partition where the cursor begins. */
static struct store_read_counters cost_of_first(struct store *store, const struct store_read *read,
                                                unsigned limit)
{
    struct store_read_counters counters = {0};
    struct cursor *cursor;
    assert_ok(store_cursor_open_one(store, read, text_key("k"), &counters, &cursor));
    for (unsigned i = 0; i < limit; i++) {
        assert_ok(cursor_next(cursor));
        assert_true(cursor->on_row);
    }
    cursor_close(cursor);
    return counters;
}

static void files_that_a_reader_will_need_all_are_read_at_a_time(void **state)
{
    (void)state;
    struct store *store = windows(1); /* byte of cache */
    for (int reverse = 0; reverse < 2; reverse++) {
        struct store_read read = {
            .table_id = TABLE, .reverse = reverse, .no_together = true, .no_retained = true};
        assert_int_equal(cost_of_first(store, &read, 25).read_together, 0);
        read.rows = 10;
        assert_int_equal(cost_of_first(store, &read, 10).read_together, 0);
        read.rows = 25;
        struct store_read_counters cost = cost_of_first(store, &read, 25);
        assert_int_equal(cost.read_together, 3);
        assert_int_equal(cost.sstables, 3);
        assert_int_equal(cost.left_closed, 7);
        cost = cost_of_first(store, &read, 5); /* who takes fewer has opened one all the same */
        assert_int_equal(cost.sstables, 1);
        assert_int_equal(cost.left_closed, 9);
        assert_int_equal(cost_of_first(store, &read, 100).sstables, 10);
        /* Blocks that come with their directory page need no reading. */
        read.no_together = false;
        assert_int_equal(cost_of_first(store, &read, 25).read_together, 0);
    }
    assert_ok(store_close(store));
    store = windows(0);
    struct store_read read = {.table_id = TABLE, .no_retained = true, .rows = 25};
    assert_int_equal(cost_of_first(store, &read, 25).read_together, 0); /* nothing is on the disk alone */
    assert_ok(store_close(store));
}

/* Rows that stand behind the first one of the newest window without anybody being asked for them. */
static uint32_t run_of(struct store *store, const struct store_read *read)
{
    struct cursor *cursor;
    assert_ok(store_cursor_open_one(store, read, text_key("k"), NULL, &cursor));
    assert_non_null(cursor);
    /* A block is decoded as far as it is walked the first time. */
    assert_ok(cursor_seek_row(cursor, (struct slice){0}));
    while (cursor->on_row)
        assert_ok(cursor_next(cursor));
    cursor_close(cursor);
    assert_ok(store_cursor_open_one(store, read, text_key("k"), NULL, &cursor));
    assert_ok(cursor_seek_row(cursor, (struct slice){0}));
    uint32_t left = cursor->run.left;
    cursor_close(cursor);
    return left;
}

static void rows_of_a_block_come_as_a_run(void **state)
{
    (void)state;
    struct store *store = windows(0);
    struct store_read read = {.table_id = TABLE, .no_retained = true};
    assert_int_equal(run_of(store, &read), 9);
    read.no_sequence = true;
    assert_int_equal(run_of(store, &read), 9);
    read.no_runs = true;
    assert_int_equal(run_of(store, &read), 0);
    read.no_sequence = false;
    assert_int_equal(run_of(store, &read), 0);
    assert_ok(store_close(store));
}

static void a_row_is_looked_for_only_where_it_can_be(void **state)
{
    (void)state;
    struct store *store = windows(0);
    struct buffer from = {0}, to = {0};
    row_key(&from, 42);
    row_key(&to, 43);
    struct store_read read = {
        .table_id = TABLE, .from = buffer_slice(&from), .to = buffer_slice(&to), .no_retained = true};
    struct store_read_counters cost = cost_of(store, &read, 42, 1);
    assert_int_equal(cost.left_closed, 9);
    assert_int_equal(cost.sstables, 1);

    buffer_clear(&from);
    buffer_clear(&to);
    row_key(&from, 1000); /* as the row of a new message: nobody has anything there */
    row_key(&to, 1001);
    read.from = buffer_slice(&from);
    read.to = buffer_slice(&to);
    cost = cost_of(store, &read, 1000, 1);
    assert_int_equal(cost.left_closed, 10);
    assert_int_equal(cost.sstables, 0);
    read.no_closed = true;
    cost = cost_of(store, &read, 1000, 1);
    assert_int_equal(cost.sources_skipped, 10);
    assert_int_equal(cost.sstables, 0);

    read.no_skip = true;
    cost = cost_of(store, &read, 1000, 1);
    assert_int_equal(cost.sources_skipped, 0);
    buffer_deinit(&from);
    buffer_deinit(&to);
    assert_ok(store_close(store));
}

static void a_memtable_stays_readable_until_its_file_is_compacted(void **state)
{
    (void)state;
    struct store *store = windows(0);
    struct store_read read = {.table_id = TABLE};
    struct store_stats stats;
    struct store_read_counters cost = cost_of(store, &read, 0, 80);
    assert_int_equal(cost.retained, 8); /* of ten, as many as a tablet keeps */
    assert_int_equal(cost.sstables, 0);
    store_stats(store, &stats);
    assert_true(stats.retained_bytes > 0);

    assert_ok(store_compact(store, TABLE));
    cost = cost_of(store, &read, 0, 100);
    assert_int_equal(cost.retained, 0);
    assert_int_equal(cost.sstables, 1);
    store_stats(store, &stats);
    assert_int_equal(stats.retained_bytes, 0);
    assert_ok(store_close(store));
}

static void the_memtable_retained_longest_makes_room(void **state)
{
    (void)state;
    struct store *store = store_with_table(400 << 10);
    struct store_read read = {.table_id = TABLE};
    char text[3000];
    for (unsigned flush = 0; flush < 20; flush++) {
        snprintf(text, sizeof text, "k/%u a=%0*u @%u", 20 - flush, 2000, flush, flush + 1);
        put(store, text);
        assert_ok(store_flush(store, TABLE));
        struct store_stats stats;
        store_stats(store, &stats);
        assert_true(stats.retained_bytes <= 200 << 10);
    }
    struct store_read_counters cost = cost_of(store, &read, 0, 1);
    assert_true(cost.retained > 0);
    assert_int_equal(cost.sstables, 0); /* the newest row is in the memtable flushed last */
    cost = cost_of(store, &read, 0, 20);
    assert_true(cost.sstables > 0);
    assert_ok(store_close(store));
}

static void truncation_forgets_retained_memtables(void **state)
{
    (void)state;
    struct store *store = windows(0);
    struct store_change truncate = {.kind = STORE_TRUNCATE_TABLE, .table_id = TABLE};
    struct store_stats stats;
    assert_ok(store_change(store, &truncate, 1));
    assert_contents(store, TABLE, "");
    struct store_read read = {.table_id = TABLE};
    struct store_read_counters cost = cost_of(store, &read, 0, 1);
    assert_int_equal(cost.memtables, 0);
    store_stats(store, &stats);
    assert_int_equal(stats.retained_bytes, 0);
    assert_ok(store_close(store));
}

/* What deletes is not skipped, wherever the rows beside it are. */
static void deletions_reach_rows_of_files_that_were_left_closed(void **state)
{
    (void)state;
    struct store *store = windows(0);
    struct buffer from = {0}, to = {0};
    row_key(&from, 42);
    row_key(&to, 60);
    struct store_read read = {.table_id = TABLE, .from = buffer_slice(&from), .to = buffer_slice(&to)};
    status st;
    put(store, "k/95 a=late @2000; k/30-45! @2000");
    assert_ok(store_flush(store, TABLE));
    char *seen = slice_contents(store, &read, "k", 42, 2, &st);
    assert_ok(st);
    assert_string_equal("k/45 a=v; k/46 a=v", seen);
    free(seen);
    put(store, "k! @2000");
    assert_ok(store_flush(store, TABLE));
    seen = slice_contents(store, &read, "k", 42, 2, &st);
    assert_ok(st);
    assert_string_equal("", seen);
    free(seen);
    buffer_deinit(&from);
    buffer_deinit(&to);
    assert_ok(store_close(store));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shortcuts_change_no_answer_and_are_taken),
        cmocka_unit_test(the_newest_rows_of_many_windows_come_from_one_file),
        cmocka_unit_test(files_that_a_reader_will_need_all_are_read_at_a_time),
        cmocka_unit_test(rows_of_a_block_come_as_a_run),
        cmocka_unit_test(a_row_is_looked_for_only_where_it_can_be),
        cmocka_unit_test(a_memtable_stays_readable_until_its_file_is_compacted),
        cmocka_unit_test(the_memtable_retained_longest_makes_room),
        cmocka_unit_test(truncation_forgets_retained_memtables),
        cmocka_unit_test(deletions_reach_rows_of_files_that_were_left_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
