/*
 * What is large goes the whole way: values of 16 MiB, rows of tens of thousands of elements, partitions far beyond memory;
 * through batch, log, memtable, SSTable, merge, compaction and restart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/io.h"
#include "notation.h"
#include "row/live.h"

enum {
    TABLE = 1,
    COLLECTION = 4,
    VALUE_BYTES = 16 << 20,
    NOW_S = 1700000000,
};

struct place {
    struct io_env *env; /* memory: files outlive the store, so it can be opened again */
    struct store *store;
    uint64_t memtable_bytes;
    const char *partition; /* that is written and read */
    struct row_builder row;
    struct batch batch;
    struct buffer image, key;
};

static void place_open(struct place *place)
{
    struct store_options options = {
        .folder = "store",
        .env = place->env,
        .shards = 1,
        .memtable_bytes = place->memtable_bytes,
        .cache_bytes = 1 << 20,
        .clock_us = (int64_t)NOW_S * 1000000,
    };
    assert_ok(store_open(&options, &place->store));
}

static void place_new(struct place *place, uint64_t memtable_bytes)
{
    *place = (struct place){.memtable_bytes = memtable_bytes, .partition = "p"};
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &place->env));
    place_open(place);
    make_table(place->store, TABLE, 0);
}

static void place_restart(struct place *place)
{
    assert_ok(store_close(place->store));
    place_open(place);
}

static void place_remove(struct place *place)
{
    assert_ok(store_close(place->store));
    row_builder_deinit(&place->row);
    batch_deinit(&place->batch);
    buffer_deinit(&place->image);
    buffer_deinit(&place->key);
    io_env_close(place->env);
}

/* Write the row in `place->row` under that number. */
static void write_row_as(struct place *place, uint32_t number, enum durability durability)
{
    buffer_clear(&place->image);
    buffer_clear(&place->key);
    batch_clear(&place->batch);
    row_key(&place->key, number);
    assert_ok(row_builder_finish(&place->row, &place->image));
    batch_begin(&place->batch, TABLE, text_key(place->partition));
    batch_row(&place->batch, buffer_slice(&place->key), buffer_slice(&place->image));
    batch_end(&place->batch);
    assert_ok(store_apply(place->store, &place->batch, durability));
    row_builder_reset(&place->row);
}

static void write_row(struct place *place, uint32_t number)
{
    write_row_as(place, number, DURABILITY_DEFAULT);
}

/* Stand on row `number`, which must be there. */
static struct cursor *find_row(struct place *place, uint32_t number)
{
    struct store_read read = {.table_id = TABLE};
    struct cursor *cursor;
    assert_ok(store_cursor_open_one(place->store, &read, text_key("p"), NULL, &cursor));
    assert_non_null(cursor);
    buffer_clear(&place->key);
    row_key(&place->key, number);
    assert_ok(cursor_seek_row(cursor, buffer_slice(&place->key)));
    assert_true(cursor->on_row && slice_equal(cursor->row.clustering, buffer_slice(&place->key)));
    return cursor;
}

/* The same checks wherever the data is by then. */
static void everywhere(struct place *place, void (*check)(struct place *place))
{
    check(place); /* memtable, or whatever was flushed on the way */
    place_restart(place);
    check(place); /* log */
    assert_ok(store_flush(place->store, TABLE));
    check(place); /* SSTables */
    assert_ok(store_compact(place->store, TABLE));
    check(place);
    assert_ok(store_verify(place->store, TABLE));
    place_restart(place);
    check(place);
}

/* ---- values ---- */

static void expect_large_values(struct place *place)
{
    for (uint32_t number = 0; number < 2; number++) {
        struct cursor *cursor = find_row(place, number);
        struct row_reader reader;
        struct cell cell;
        bool more;
        assert_ok(row_open(cursor->row.image, &reader));
        assert_ok(row_next_cell(&reader, &cell, &more));
        assert_true(more && cell.column == 1 && slice_equal(cell.value, slice_text("small")));
        assert_ok(row_next_cell(&reader, &cell, &more));
        assert_true(more && cell.column == 2 && cell.value.bytes == VALUE_BYTES - number);
        for (size_t i = 0; i < cell.value.bytes; i += 4093)
            assert_int_equal(cell.value.data[i], (uint8_t)(i / 4093 * 7 + number));
        assert_ok(row_next_cell(&reader, &cell, &more));
        assert_false(more);
        cursor_close(cursor);
    }
}

static void values_of_16_mib_go_the_whole_way(void **state)
{
    (void)state;
    struct place place;
    uint8_t *value = calloc(1, VALUE_BYTES);
    assert_non_null(value);
    place_new(&place, 1 << 20); /* less than one value */
    row_builder_reset(&place.row);
    for (uint32_t number = 0; number < 2; number++) {
        for (size_t i = 0; i < VALUE_BYTES; i += 4093)
            value[i] = (uint8_t)(i / 4093 * 7 + number);
        row_builder_add(
            &place.row,
            (struct cell){.column = 2, .timestamp = 9, .value = slice_of(value, VALUE_BYTES - number)});
        write_row(&place, number);
        if (number == 0)
            assert_ok(store_flush(place.store, TABLE));
        row_builder_add(&place.row, (struct cell){.column = 1, .timestamp = 9, .value = slice_text("small")});
        write_row(&place, number); /* merged with the large one, in the memtable or when read */
    }
    free(value);
    everywhere(&place, expect_large_values);
    place_remove(&place);
}

enum { LARGE_CELLS = 3 };

static void expect_large_row(struct place *place)
{
    struct cursor *cursor = find_row(place, 5);
    struct row_reader reader;
    struct cell cell;
    bool more;
    assert_ok(row_open(cursor->row.image, &reader));
    for (uint32_t column = 0; column < LARGE_CELLS; column++) {
        assert_ok(row_next_cell(&reader, &cell, &more));
        assert_true(more && cell.column == column && cell.value.bytes == VALUE_BYTES);
        assert_int_equal(cell.value.data[VALUE_BYTES - 1], column + 1);
    }
    assert_ok(row_next_cell(&reader, &cell, &more));
    assert_false(more);
    cursor_close(cursor);
}

static void a_row_may_be_larger_than_any_batch(void **state)
{
    (void)state;
    struct place place;
    uint8_t *value = calloc(1, VALUE_BYTES);
    assert_non_null(value);
    place_new(&place, 128 << 20);
    row_builder_reset(&place.row);
    for (uint32_t column = 0; column < LARGE_CELLS; column++) {
        value[VALUE_BYTES - 1] = (uint8_t)(column + 1);
        row_builder_add(
            &place.row,
            (struct cell){.column = column, .timestamp = 9, .value = slice_of(value, VALUE_BYTES)});
        write_row(&place, 5);
    }
    free(value);
    everywhere(&place, expect_large_row);
    place_remove(&place);
}

/* ---- kinds ---- */

enum {
    STATIC_COLUMN = 3,
    PATH_BYTES = 65535,
    LARGE_KEY_BYTES = 65535,
    CLUSTERING_BYTES = 1 << 20,
};

/* Bytes that tell a value from another, and where in it one is. */
static void fill(uint8_t *value, size_t bytes, uint32_t salt)
{
    for (size_t i = 0; i < bytes; i += 4093)
        value[i] = (uint8_t)(i / 4093 * 7 + salt);
}

static void expect_filled(struct slice value, size_t bytes, uint32_t salt)
{
    assert_int_equal(value.bytes, bytes);
    for (size_t i = 0; i < bytes; i += 4093)
        assert_int_equal(value.data[i], (uint8_t)(i / 4093 * 7 + salt));
}

static uint8_t large_key[LARGE_KEY_BYTES], large_clustering[CLUSTERING_BYTES], large_path[PATH_BYTES];

/* A static value, and an element whose path and value are as large as they may be, in a row and a partition whose keys are. */
static void write_every_kind(struct place *place)
{
    uint8_t *value = calloc(1, VALUE_BYTES);
    struct buffer static_image = {0};
    assert_non_null(value);
    fill(large_key, sizeof large_key, 1);
    fill(large_clustering, sizeof large_clustering, 2);
    fill(large_path, sizeof large_path, 3);
    large_clustering[0] = 1; /* a key never begins with KEY_AFTER */
    struct partition_key key = partition_key_of(slice_of(large_key, sizeof large_key));

    fill(value, VALUE_BYTES, 4);
    row_builder_reset(&place->row);
    row_builder_add(
        &place->row,
        (struct cell){.column = STATIC_COLUMN, .timestamp = 9, .value = slice_of(value, VALUE_BYTES)});
    assert_ok(row_builder_finish(&place->row, &static_image));
    batch_clear(&place->batch);
    batch_begin(&place->batch, TABLE, key);
    batch_static(&place->batch, buffer_slice(&static_image));
    batch_end(&place->batch);
    assert_ok(store_apply(place->store, &place->batch, DURABILITY_DEFAULT));

    fill(value, VALUE_BYTES, 5);
    row_builder_reset(&place->row);
    row_builder_add(&place->row, (struct cell){.column = COLLECTION,
                                               .timestamp = 9,
                                               .path = slice_of(large_path, sizeof large_path),
                                               .value = slice_of(value, VALUE_BYTES)});
    buffer_clear(&place->image);
    assert_ok(row_builder_finish(&place->row, &place->image));
    batch_clear(&place->batch);
    batch_begin(&place->batch, TABLE, key);
    batch_row(&place->batch, slice_of(large_clustering, sizeof large_clustering),
              buffer_slice(&place->image));
    batch_end(&place->batch);
    assert_ok(store_apply(place->store, &place->batch, DURABILITY_DEFAULT));
    buffer_deinit(&static_image);
    free(value);
}

static void expect_every_kind(struct place *place)
{
    struct store_read read = {.table_id = TABLE};
    struct cursor *cursor;
    struct row_reader reader;
    struct cell cell;
    bool more;
    struct partition_key key = partition_key_of(slice_of(large_key, sizeof large_key));
    assert_ok(store_cursor_open_one(place->store, &read, key, NULL, &cursor));
    assert_non_null(cursor);
    assert_true(slice_equal(cursor->partition.key.bytes, key.bytes));
    assert_ok(row_open(cursor->partition.static_image, &reader));
    assert_ok(row_next_cell(&reader, &cell, &more));
    assert_true(more && cell.column == STATIC_COLUMN);
    expect_filled(cell.value, VALUE_BYTES, 4);

    assert_ok(cursor_next(cursor));
    assert_true(cursor->on_row);
    assert_true(slice_equal(cursor->row.clustering, slice_of(large_clustering, sizeof large_clustering)));
    assert_ok(row_open(cursor->row.image, &reader));
    assert_ok(row_next_cell(&reader, &cell, &more));
    assert_true(more && cell.column == COLLECTION);
    assert_true(slice_equal(cell.path, slice_of(large_path, sizeof large_path)));
    expect_filled(cell.value, VALUE_BYTES, 5);
    assert_ok(cursor_next(cursor));
    assert_false(cursor->on_row);
    cursor_close(cursor);
}

static void static_values_elements_and_keys_may_be_as_large_as_they_may(void **state)
{
    (void)state;
    struct place place;
    place_new(&place, 1 << 20);
    write_every_kind(&place);
    everywhere(&place, expect_every_kind);
    place_remove(&place);
}

static void a_batch_beyond_the_limit_is_refused_whole(void **state)
{
    (void)state;
    struct place place;
    uint8_t *value = calloc(1, STORE_BATCH_BYTES_MAX);
    assert_non_null(value);
    place_new(&place, 64 << 20);
    row_builder_reset(&place.row);
    row_builder_add(
        &place.row,
        (struct cell){.column = 2, .timestamp = 9, .value = slice_of(value, STORE_BATCH_BYTES_MAX)});
    assert_ok(row_builder_finish(&place.row, &place.image));
    batch_begin(&place.batch, TABLE, text_key("p"));
    batch_row(&place.batch, slice_text("k"), buffer_slice(&place.image));
    batch_end(&place.batch);
    assert_code(STATUS_LIMIT, store_apply(place.store, &place.batch, DURABILITY_DEFAULT));
    assert_contents(place.store, TABLE, "");
    free(value);
    place_remove(&place);
}

/* ---- collections ---- */

enum {
    ELEMENTS = 40000,
    ASSIGNED = 30000, /* by one statement; the others one by one */
    DELETED_EACH = 5, /* every so manieth is deleted again */
};

static void add_element(struct place *place, uint8_t path[4], uint32_t number, enum cell_kind kind,
                        int64_t timestamp)
{
    store_be32(path, number);
    row_builder_add(&place->row, (struct cell){.column = COLLECTION,
                                               .kind = kind,
                                               .timestamp = timestamp,
                                               .expiry_s = kind == CELL_DEAD ? NOW_S : 0,
                                               .path = slice_of(path, 4)});
}

static void expect_collection(struct place *place)
{
    struct cursor *cursor = find_row(place, 7);
    struct live_reader reader;
    struct cell cell;
    bool more;
    assert_ok(live_open(cursor->row.image, DELETION_NONE, NOW_S, &reader));
    for (uint32_t number = 0; number < ELEMENTS; number++) {
        if (number % DELETED_EACH == 0)
            continue;
        assert_ok(live_next_cell(&reader, &cell, &more));
        assert_true(more && cell.column == COLLECTION && cell.path.bytes == 4);
        assert_int_equal(load_be32(cell.path.data), number);
    }
    assert_ok(live_next_cell(&reader, &cell, &more));
    assert_false(more);
    cursor_close(cursor);
}

static void a_collection_of_tens_of_thousands_goes_the_whole_way(void **state)
{
    (void)state;
    struct place place;
    uint8_t(*paths)[4] = malloc(ELEMENTS * sizeof *paths);
    assert_non_null(paths);
    place_new(&place, 8 << 20);
    row_builder_reset(&place.row);

    /* Elements that the assignment hides. */
    for (uint32_t i = 0; i < 100; i++)
        add_element(&place, paths[i], ELEMENTS + i, CELL_LIVE, 5);
    write_row(&place, 7);
    row_builder_add(&place.row, (struct cell){.column = COLLECTION,
                                              .kind = CELL_COMPLEX_DELETION,
                                              .timestamp = 9,
                                              .expiry_s = NOW_S});
    for (uint32_t i = 0; i < ASSIGNED; i++)
        add_element(&place, paths[i], ASSIGNED - 1 - i, CELL_LIVE, 10);
    write_row(&place, 7);
    assert_ok(store_flush(place.store, TABLE));
    for (uint32_t i = ASSIGNED; i < ELEMENTS; i++) {
        add_element(&place, paths[0], i, CELL_LIVE, 11 + i);
        write_row(&place, 7);
    }
    for (uint32_t i = 0; i < ELEMENTS; i += DELETED_EACH)
        add_element(&place, paths[i], i, CELL_DEAD, 100000);
    write_row(&place, 7);
    free(paths);
    everywhere(&place, expect_collection);
    place_remove(&place);
}

/* ---- partitions ---- */

enum {
#ifdef STRAIT_LONG_TESTS
    LARGE_ROWS = 500000,
#else
    LARGE_ROWS = 15000,
#endif
    ROW_BYTES = 2000,
    PAGE = 50,
    SMALL_ROWS = 2 * PAGE,
    INDEX_LEVELS = 3,
};

static void write_large_row(struct place *place, uint32_t number)
{
    static uint8_t value[ROW_BYTES];
    store_le32(value + number % (ROW_BYTES - 4),
               number); /* compresses well: it is the raw size that counts */
    row_builder_add(&place->row,
                    (struct cell){.column = 1, .timestamp = 9, .value = slice_of(value, ROW_BYTES)});
    write_row_as(place, number, DURABILITY_NONE);
}

/* Read a page of rows backward from that one and say how many blocks that took from the disk; `apart` is without those
 * beside them. */
static uint64_t misses_of_page(struct place *place, uint32_t newest, bool seek, bool apart,
                               struct store_read_counters *counters)
{
    struct store_table_stats before, after;
    struct store_read read = {.table_id = TABLE, .reverse = true, .no_together = apart};
    struct cursor *cursor;
    assert_ok(store_table_stats(place->store, TABLE, &before));
    assert_ok(store_cursor_open_one(place->store, &read, text_key(place->partition), counters, &cursor));
    assert_non_null(cursor);
    buffer_clear(&place->key);
    row_key(&place->key, newest + 1);
    for (uint32_t i = 0; i < PAGE; i++) {
        assert_ok(seek && i == 0 ? cursor_seek_row(cursor, buffer_slice(&place->key)) : cursor_next(cursor));
        assert_true(cursor->on_row);
        buffer_clear(&place->key);
        row_key(&place->key, newest - i);
        assert_true(slice_equal(cursor->row.clustering, buffer_slice(&place->key)));
    }
    cursor_close(cursor);
    assert_ok(store_table_stats(place->store, TABLE, &after));
    return after.blocks_read - before.blocks_read;
}

static uint64_t misses_of_newest(struct place *place, uint32_t newest, struct store_read_counters *counters)
{
    return misses_of_page(place, newest, false, true, counters);
}

/* A memtable of 1 MiB and a cache of 1 MiB under a partition of 30 MiB, of 1 GB in a long run. */
static void newest_rows_of_a_partition_far_beyond_memory_touch_a_few_blocks(void **state)
{
    (void)state;
    struct place place;
    struct store_table_stats stats;
    struct store_read_counters counters = {0};
    place_new(&place, 1 << 20);
    row_builder_reset(&place.row);
    place.partition = "small";
    for (uint32_t number = 0; number < SMALL_ROWS; number++)
        write_large_row(&place, number);
    place.partition = "p";
    for (uint32_t number = 0; number < LARGE_ROWS; number++)
        write_large_row(&place, number);
    assert_ok(store_flush(place.store, TABLE));
    assert_ok(store_settle(place.store));
    assert_ok(store_table_stats(place.store, TABLE, &stats));
    assert_true(stats.sstable_raw_bytes >= (uint64_t)LARGE_ROWS * ROW_BYTES);

    /* The rows of a page fill about thirteen blocks of 8 KiB of thousands; what leads to them are a few index pages.
     * Older tables are not asked for rows. */
    assert_in_range(misses_of_newest(&place, LARGE_ROWS - 1, &counters), 0, 40);
    assert_in_range(counters.merge.children_entered, 0, 2); /* 0: compaction left one table, no merge */
    place_restart(&place);
    assert_in_range(misses_of_newest(&place, LARGE_ROWS - 1, &counters), 1, 40);

    assert_ok(store_compact(place.store, TABLE));
    counters = (struct store_read_counters){0};
    assert_in_range(misses_of_newest(&place, LARGE_ROWS - 1, &counters), 0,
                    40); /* 0: it was one run already */
    assert_in_range(counters.sstables, 1, 1);

    /* Cold and alone in its file, it costs no more than one of two pages does, but for a level or two of its index. */
    place_restart(&place);
    uint64_t large = misses_of_newest(&place, LARGE_ROWS - 1, &counters);
    place_restart(&place);
    place.partition = "small";
    uint64_t small = misses_of_newest(&place, SMALL_ROWS - 1, &counters);
    assert_in_range(small, (uint64_t)PAGE * ROW_BYTES / 8192, 20);
    assert_in_range(large, small, small + INDEX_LEVELS);

    /* Nor does a page before a time in the middle, to which the index leads. */
    place.partition = "p";
    for (uint32_t part = 1; part < 8; part++) {
        place_restart(&place);
        uint64_t middle = misses_of_page(&place, LARGE_ROWS / 8 * part, true, true, &counters);
        assert_in_range(middle, 1, small + 1 + INDEX_LEVELS);
    }

    /* The entry leads to the first few of these blocks. Those behind them, which the index leads to, come together. */
    place_restart(&place);
    uint64_t together = misses_of_page(&place, LARGE_ROWS - 1, false, false, &counters);
    assert_in_range(together, 1, large * 3 / 4);
    place_remove(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_16_mib_go_the_whole_way),
        cmocka_unit_test(a_row_may_be_larger_than_any_batch),
        cmocka_unit_test(static_values_elements_and_keys_may_be_as_large_as_they_may),
        cmocka_unit_test(a_batch_beyond_the_limit_is_refused_whole),
        cmocka_unit_test(a_collection_of_tens_of_thousands_goes_the_whole_way),
        cmocka_unit_test(newest_rows_of_a_partition_far_beyond_memory_touch_a_few_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
