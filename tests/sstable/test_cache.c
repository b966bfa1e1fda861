/* Which blocks stay in memory, and what reading costs. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/slab_pool.h"
#include "io/sim.h"
#include "sstable/sstable_cursor_internal.h"

enum { BLOCK_BYTES = 1000 };

static void put_new(struct block_cache *cache, uint64_t owner, uint64_t offset)
{
    struct block *block = block_new(cache, BLOCK_BYTES);
    assert_non_null(block);
    memset(block->data, (int)offset, BLOCK_BYTES);
    block_cache_put(cache, BLOCK_TIER_DECODED, owner, offset, block);
    block_unref(block);
}

static bool touch(struct block_cache *cache, uint64_t owner, uint64_t offset)
{
    struct block *block = block_cache_get(cache, BLOCK_TIER_DECODED, owner, offset);
    if (block)
        assert_int_equal(block->data[0], (uint8_t)offset);
    block_unref(block);
    return block != NULL;
}

static void the_budget_is_never_exceeded(void **state)
{
    (void)state;
    static const size_t budgets[] = {0, 500, 5000, 100000, 3 << 20};
    for (uint32_t i = 0; i < ARRAY_LEN(budgets); i++) {
        struct block_cache *cache;
        struct block_cache_stats stats;
        struct random rng = {i};
        assert_ok(block_cache_new(budgets[i], &cache));
        for (uint32_t step = 0; step < 5000; step++) {
            uint64_t offset = random_below(&rng, 4000);
            if (!touch(cache, 1, offset))
                put_new(cache, 1, offset);
            block_cache_stats(cache, &stats);
            assert_true(stats.bytes <= budgets[i]);
        }
        assert_int_equal(stats.hits + stats.misses, 5000);
        assert_true(budgets[i] < 5000 || stats.bytes > budgets[i] / 2);
        block_cache_free(cache);
    }
}

static void a_scan_does_not_drive_out_what_is_read_again_and_again(void **state)
{
    (void)state;
    struct block_cache *cache;
    uint32_t kept = 0;
    assert_ok(block_cache_new(100 * (BLOCK_BYTES + sizeof(struct block)), &cache));
    for (uint32_t round = 0; round < 3; round++)
        for (uint64_t offset = 0; offset < 50; offset++)
            if (!touch(cache, 1, offset))
                put_new(cache, 1, offset);
    for (uint64_t offset = 1000; offset < 3000; offset++)
        if (!touch(cache, 2, offset))
            put_new(cache, 2, offset);
    for (uint64_t offset = 0; offset < 50; offset++)
        kept += touch(cache, 1, offset);
    assert_true(kept >= 45);
    block_cache_free(cache);
}

static void a_pinned_block_outlives_its_eviction(void **state)
{
    (void)state;
    struct block_cache *cache;
    assert_ok(block_cache_new(3 * (BLOCK_BYTES + sizeof(struct block)), &cache));
    put_new(cache, 1, 7);
    struct block *pinned = block_cache_get(cache, BLOCK_TIER_DECODED, 1, 7);
    assert_non_null(pinned);
    for (uint64_t offset = 100; offset < 200; offset++)
        put_new(cache, 1, offset);
    assert_false(touch(cache, 1, 7) && touch(cache, 1, 100));
    block_cache_drop(cache, 1);
    struct block_cache_stats stats;
    block_cache_stats(cache, &stats);
    assert_int_equal(stats.bytes, 0);
    assert_int_equal(pinned->data[BLOCK_BYTES - 1], 7);
    block_unref(pinned);
    block_cache_free(cache);
}

static void where_a_block_was_seen_is_a_guess_and_nothing_more(void **state)
{
    (void)state;
    struct block_touch touch = {0};
    struct block_cache *cache;
    struct block_cache_stats stats;
    void *spare;
    assert_ok(block_cache_new(30 * (BLOCK_BYTES + sizeof(struct block)), &cache));
    put_new(cache, 1, 7);
    put_new(cache, 1, 8);
    struct block_lease *lease = block_cache_take_lease(cache, &spare);
    struct block *seven = block_cache_get_leased(cache, lease, 1, 7, &touch);
    assert_non_null(seven);
    touch.seen = seven;
    assert_ptr_equal(block_cache_get_leased(cache, lease, 1, 7, &touch), seven);
    /* Another block is found where it is, and one that is gone is not found. */
    struct block *eight = block_cache_get_leased(cache, lease, 1, 8, &touch);
    assert_non_null(eight);
    assert_int_equal(eight->data[0], 8);
    touch.seen = eight;
    block_cache_drop(cache, 1);
    assert_null(block_cache_get_leased(cache, lease, 1, 8, &touch));
    put_new(cache, 2, 1);
    struct block *other = block_cache_get_leased(cache, lease, 2, 1, &touch);
    assert_non_null(other);
    assert_int_equal(other->data[0], 1);
    block_lease_give(lease, NULL);
    block_cache_stats(cache, &stats);
    assert_int_equal(stats.leased_hits, 4);
    assert_in_range(stats.seen_hits, 1, 2); /* the last block may lie where the one before did */
    block_cache_free(cache);
}

static void what_is_looked_at_under_a_lease_outlives_its_eviction(void **state)
{
    (void)state;
    const struct block_touch touch = {0};
    struct block_cache *cache;
    struct block_cache_stats stats;
    void *spare;
    assert_ok(block_cache_new(30 * (BLOCK_BYTES + sizeof(struct block)), &cache));
    put_new(cache, 1, 7);
    put_new(cache, 1, 8);
    struct block_lease *lease = block_cache_take_lease(cache, &spare);
    assert_non_null(lease);
    assert_null(spare);
    assert_null(block_cache_get_leased(cache, lease, 1, 9, &touch));
    struct block *first = block_cache_get_leased(cache, lease, 1, 7, &touch);
    assert_non_null(first);
    block_cache_drop(cache, 1);
    assert_int_equal(first->data[BLOCK_BYTES - 1], 7);
    put_new(cache, 2, 1); /* perhaps where the other one lay */
    assert_int_equal(first->data[BLOCK_BYTES - 1], 7);
    assert_null(block_cache_get_leased(cache, lease, 1, 8, &touch));
    struct block *second = block_cache_get_leased(cache, lease, 2, 1, &touch);
    assert_non_null(second);
    block_cache_drop(cache, 2);
    assert_int_equal(second->data[0], 1);
    block_lease_give(lease, NULL);
    block_cache_stats(cache, &stats);
    assert_int_equal(stats.leased_hits, 2);
    assert_int_equal(stats.seen_hits, 0);
    assert_int_equal(stats.hits, 2);
    /* With leases off there is none to be had. */
    block_cache_use_leases(cache, false);
    assert_null(block_cache_take_lease(cache, &spare));
    block_cache_free(cache);
}

static void a_thread_has_leases_for_a_few_cursors_at_a_time(void **state)
{
    (void)state;
    struct block_lease *leases[BLOCK_LEASES_EACH];
    struct block_cache *cache;
    void *spare;
    assert_ok(block_cache_new(1 << 20, &cache));
    for (int i = 0; i < BLOCK_LEASES_EACH; i++) {
        leases[i] = block_cache_take_lease(cache, &spare);
        assert_non_null(leases[i]);
        assert_true(i == 0 || leases[i] != leases[i - 1]);
    }
    assert_null(block_cache_take_lease(cache, &spare));
    for (int i = 0; i < BLOCK_LEASES_EACH; i++)
        block_lease_give(leases[i], NULL);
    block_lease_give(block_cache_take_lease(cache, &spare), NULL);
    block_cache_free(cache);
}

/* A build that watches memory has all blocks from malloc. */
static void blocks_lie_on_huge_pages_unless_that_is_turned_off(void **state)
{
    (void)state;
    for (int off = 0; off < 2; off++) {
        struct block_cache *cache;
        struct block_cache_stats stats;
        assert_ok(block_cache_new(8 << 20, &cache));
        if (off)
            block_cache_use_huge_pages(cache, false);
        for (uint64_t offset = 0; offset < 20000; offset++)
            put_new(cache, 1, offset);
        block_cache_stats(cache, &stats);
        assert_true(stats.bytes > 7 << 20 && stats.bytes <= 8 << 20);
        assert_true(!off || stats.heap_bytes == 0);
        /* Beside the blocks: what finds them. */
        assert_true(stats.heap_used_bytes <= stats.bytes / 8 * 9);
        if (stats.heap_bytes) {
            assert_true(stats.heap_used_bytes > stats.bytes / 10 * 9);
            assert_true(stats.heap_bytes < stats.heap_used_bytes / 10 * 11 + SLAB_BYTES);
        }
        for (uint64_t offset = 19000; offset < 20000; offset++)
            (void)touch(cache, 1, offset);
        /* What is driven out for somebody else's sake goes back to the system. */
        block_cache_reserve(cache, 8 << 20);
        block_cache_stats(cache, &stats);
        assert_true(stats.heap_used_bytes < 1 << 20);
        block_cache_free(cache);
    }
}

/* ---- what a read costs, counted by the simulated disk's operations ---- */

struct place {
    struct io_env *env;
    struct block_cache *cache;
    struct sstable *table;
    struct model model;
};

static void place_open(struct place *place, size_t cache_bytes)
{
    assert_ok(io_env_open(IO_BODY_SIM, 1, &place->env));
    assert_ok(io_mkdir(place->env, "/t"));
    struct sstable_build_options options = model_options(place->env, "/t/table");
    model_numbered(&place->model, "channel", 20000, 83);
    assert_ok(model_build(&place->model, &options, NULL));
    assert_ok(block_cache_new(cache_bytes, &place->cache));
    assert_ok(sstable_open(place->env, "/t/table", MODEL_STORE_ID, place->cache, &place->table));
}

static void place_close(struct place *place)
{
    sstable_unref(place->table);
    block_cache_free(place->cache);
    model_deinit(&place->model);
    io_env_close(place->env);
}

static void newest_rows(struct place *place, struct slice bound, uint32_t rows)
{
    struct cursor *cursor;
    assert_ok(sstable_cursor_open_one(place->table, place->model.partitions[0].key, true, &cursor));
    assert_ok(cursor_next_partition(cursor));
    assert_ok(cursor_seek_row(cursor, bound));
    for (uint32_t i = 0; i < rows; i++) {
        assert_true(cursor->on_row);
        assert_ok(cursor_next(cursor));
    }
    cursor_close(cursor);
}

static void the_newest_rows_cost_a_directory_page_and_one_read(void **state)
{
    (void)state;
    struct place place;
    struct cursor *cursor;
    place_open(&place, 1 << 20);
    uint64_t before = sim_operation_count(place.env);
    assert_ok(sstable_cursor_open_one(place.table, place.model.partitions[0].key, true, &cursor));
    assert_ok(cursor_next_partition(cursor));
    assert_int_equal(sim_operation_count(place.env) - before, 1);
    cursor_close(cursor);

    static const uint8_t after[1] = {KEY_AFTER};
    before = sim_operation_count(place.env);
    newest_rows(&place, slice_of(after, 1), 50);
    assert_int_equal(sim_operation_count(place.env) - before, 1); /* the last blocks stand in the directory */
    before = sim_operation_count(place.env);
    newest_rows(&place, slice_of(after, 1), 50);
    assert_int_equal(sim_operation_count(place.env) - before, 0);

    /* In the middle: an index page or two, a block or two. */
    before = sim_operation_count(place.env);
    newest_rows(&place, place.model.partitions[0].rows[9000].clustering, 5);
    assert_in_range(sim_operation_count(place.env) - before, 2, 4);
    place_close(&place);
}

static void a_partition_that_is_not_there_costs_nothing(void **state)
{
    (void)state;
    struct place place;
    struct cursor *cursor;
    place_open(&place, 1 << 20);
    uint64_t before = sim_operation_count(place.env);
    for (uint32_t i = 0; i < 50; i++) {
        char name[32];
        snprintf(name, sizeof name, "absent %u", i);
        struct partition_key key = partition_key_of(slice_text(name));
        assert_int_equal(sstable_cursor_open_one(place.table, key, false, &cursor).code, STATUS_NOT_FOUND);
    }
    assert_int_equal(sim_operation_count(place.env) - before, 0);
    place_close(&place);
}

static void a_scan_reads_in_large_pieces_and_leaves_the_cache_alone(void **state)
{
    (void)state;
    struct place place;
    struct block_cache_stats before_stats, stats;
    place_open(&place, 1 << 20);
    block_cache_stats(place.cache, &before_stats);
    for (int reverse = 0; reverse < 2; reverse++) {
        struct cursor *cursor;
        uint64_t before = sim_operation_count(place.env);
        assert_ok(sstable_cursor_open(place.table, reverse, &cursor));
        model_expect_scan(&place.model, cursor);
        cursor_close(cursor);
        uint64_t bytes = sstable_info(place.table)->file_bytes;
        uint64_t reads = sim_operation_count(place.env) - before;
        assert_true(reads < bytes / (100 << 10) + 10);
    }
    block_cache_stats(place.cache, &stats);
    assert_true(stats.bytes - before_stats.bytes < 100000); /* index pages at most */
    place_close(&place);
}

static void a_long_read_of_one_partition_reads_ahead_too(void **state)
{
    (void)state;
    static const uint8_t after[1] = {KEY_AFTER};
    struct place place;
    place_open(&place, 4 << 20);
    uint64_t before = sim_operation_count(place.env);
    newest_rows(&place, slice_of(after, 1), 20000);
    assert_true(sim_operation_count(place.env) - before <
                sstable_info(place.table)->file_bytes / (60 << 10) + 20);
    place_close(&place);
}

/* Of every partition: the first row, found through its directory page. */
static void read_each(struct sstable *table, const struct model *model)
{
    for (uint32_t i = 0; i < model->count; i++) {
        struct cursor *cursor;
        assert_ok(sstable_cursor_open_one(table, model->partitions[i].key, false, &cursor));
        assert_ok(cursor_next_partition(cursor));
        assert_true(slice_equal(cursor->partition.key.bytes, model->partitions[i].key.bytes));
        assert_ok(cursor_next(cursor));
        assert_int_equal(cursor->on_row, model->partitions[i].row_count > 0);
        if (cursor->on_row)
            assert_true(slice_equal(cursor->row.clustering, model->partitions[i].rows[0].clustering));
        cursor_close(cursor);
    }
}

static void directory_pages_that_are_read_stay_with_their_table_up_to_a_quarter_of_the_budget(void **state)
{
    (void)state;
    static const size_t budgets[] = {0, 64 << 10, 512 << 10, 64 << 20};
    struct io_env *env;
    struct model model;
    struct random rng = {8};
    struct sstable_info info;
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &env));
    assert_ok(io_mkdir(env, "/t"));
    model_random(&model, &rng, &(struct model_shape){.partitions = 3000, .rows_max = 4, .value_max = 20});
    struct sstable_build_options options = model_options(env, "/t/pages");
    assert_ok(model_build(&model, &options, &info));
    for (uint32_t i = 0; i < ARRAY_LEN(budgets); i++) {
        struct block_cache *cache;
        struct block_cache_stats stats;
        struct sstable *table;
        struct cursor *scan;
        assert_ok(block_cache_new(budgets[i], &cache));
        assert_ok(sstable_open(env, "/t/pages", MODEL_STORE_ID, cache, &table));
        /* A scan leaves nothing behind. */
        assert_ok(sstable_cursor_open(table, false, &scan));
        model_expect_scan(&model, scan);
        cursor_close(scan);
        block_cache_stats(cache, &stats);
        assert_int_equal(stats.resident_bytes, 0);
        read_each(table, &model);
        read_each(table, &model);
        block_cache_stats(cache, &stats);
        assert_true(stats.resident_bytes <= budgets[i] / 4);
        assert_true(stats.resident_bytes > 0 || budgets[i] < 512 << 10);
        assert_true(stats.bytes + stats.resident_bytes <= budgets[i]);
        sstable_unref(table);
        block_cache_stats(cache, &stats);
        assert_int_equal(stats.resident_bytes, 0);
        block_cache_free(cache);
    }
    model_deinit(&model);
    io_env_close(env);
}

static void pages_of_a_block_index_that_are_read_stay_with_their_table_at_all_levels(void **state)
{
    (void)state;
    struct place place;
    struct block_cache_stats stats, again;
    struct sstable_position position;
    struct cursor *cursor;
    const struct partition_key *key;
    place_open(&place, 64 << 20);
    key = &place.model.partitions[0].key;
    for (uint32_t round = 0; round < 5; round++) {
        for (uint32_t row = 100; row < 19900; row += 50) {
            struct slice clustering = place.model.partitions[0].rows[row].clustering;
            assert_ok(sstable_cursor_open_held(place.table, *key, false, false, &cursor));
            assert_ok(cursor_next_partition(cursor));
            sstable_cursor_touch_index(cursor);
            assert_ok(cursor_seek_row(cursor, clustering));
            assert_true(cursor->on_row && slice_equal(cursor->row.clustering, clustering));
            sstable_cursor_position(cursor, &position);
            cursor_close(cursor);
        }
        block_cache_stats(place.cache, round < 4 ? &stats : &again);
    }
    assert_true(position.spans && position.first_row_or_height > 1);
    assert_true(stats.resident_bytes > 3 * 4096);
    assert_int_equal(again.resident_bytes, stats.resident_bytes);
    /* Nothing but the block itself is asked of the cache, and under a lease nearly always. */
    assert_true(again.hits - stats.hits <= 396);
    assert_true((again.leased_hits - stats.leased_hits) * 10 > 396 * 8);
    /* Which is where it was the time before. */
    assert_int_equal(again.seen_hits - stats.seen_hits, again.leased_hits - stats.leased_hits);
    place_close(&place);
}

static uint64_t blocks_beside(const struct sstable *table)
{
    struct sstable_reads reads;
    sstable_reads(table, &reads);
    return reads.blocks_beside;
}

/* Seek one row of the only partition, by the index. Returns where its block stands, when it is there. */
static uint64_t seek_middle(struct place *place, struct sstable *table, uint32_t row, bool apart,
                            enum status_code expected)
{
    struct slice clustering = place->model.partitions[0].rows[row].clustering;
    struct cursor *cursor;
    uint64_t offset = 0;
    assert_ok(sstable_cursor_open_held(table, place->model.partitions[0].key, false, apart, &cursor));
    assert_ok(cursor_next_partition(cursor));
    status st = cursor_seek_row(cursor, clustering);
    assert_int_equal(st.code, expected);
    if (ok(st)) {
        assert_true(cursor->on_row && slice_equal(cursor->row.clustering, clustering));
        offset = sstable_cursor_of(cursor)->rows_offset;
    }
    cursor_close(cursor);
    return offset;
}

static void seek_every_tenth(struct place *place, uint32_t begin, uint32_t end, bool apart)
{
    for (uint32_t row = begin; row < end; row += 10)
        (void)seek_middle(place, place->table, row, apart, STATUS_OK);
}

/* What the disk is asked for until some rows have been sought. */
static uint64_t reads_of_neighbours(struct place *place, bool apart)
{
    uint64_t before = sim_operation_count(place->env);
    seek_every_tenth(place, 10000, 12000, apart);
    return sim_operation_count(place->env) - before;
}

static void a_read_from_the_middle_brings_its_neighbours_while_there_is_room(void **state)
{
    (void)state;
    const size_t budgets[] = {64 << 20, 64 << 20, 512 << 10};
    uint64_t counts[ARRAY_LEN(budgets)], beside[ARRAY_LEN(budgets)], filled = 0;
    for (uint32_t i = 0; i < ARRAY_LEN(budgets); i++) {
        struct place place;
        place_open(&place, budgets[i]);
        if (i == 2) { /* a cache that is full of other rows */
            seek_every_tenth(&place, 0, 10000, false);
            filled = blocks_beside(place.table);
        }
        counts[i] = reads_of_neighbours(&place, i == 1);
        beside[i] = blocks_beside(place.table);
        place_close(&place);
    }
    assert_true(counts[0] * 2 < counts[1]);
    assert_true(beside[0] > 10);
    assert_int_equal(beside[1], 0); /* turned off */
    assert_true(filled > 10);
    assert_int_equal(beside[2], filled);
    assert_true(counts[2] > 2 * counts[0]);
}

static void a_disk_that_cannot_read_the_neighbours_is_asked_for_the_block_alone(void **state)
{
    (void)state;
    struct place place;
    place_open(&place, 64 << 20);
    /* Directory and index are at hand, and a block beside the first. */
    (void)seek_middle(&place, place.table, 10200, true, STATUS_OK);
    (void)seek_middle(&place, place.table, 12200, true, STATUS_OK);
    uint64_t before = sim_operation_count(place.env);
    sim_fail_at(place.env, before, SIM_FAULT_EIO, false);
    (void)seek_middle(&place, place.table, 10000, false, STATUS_OK);
    assert_int_equal(sim_operation_count(place.env) - before, 2);
    assert_int_equal(blocks_beside(place.table), 0);

    /* What cannot be read at all is not made up for, and hurts nobody later. */
    before = sim_operation_count(place.env);
    sim_fail_at(place.env, before, SIM_FAULT_EIO, true);
    (void)seek_middle(&place, place.table, 12000, false, STATUS_IO);
    sim_fail_at(place.env, 0, SIM_FAULT_NONE, false);
    before = sim_operation_count(place.env);
    (void)seek_middle(&place, place.table, 12000, false, STATUS_OK);
    assert_int_equal(sim_operation_count(place.env) - before, 1);
    assert_true(blocks_beside(place.table) > 0);
    place_close(&place);
}

/* The first row behind `row` in another block, and where that stands. */
static uint32_t next_block(struct place *place, struct sstable *bare, uint32_t row, uint64_t *out_offset)
{
    uint64_t offset = seek_middle(place, bare, row, true, STATUS_OK);
    while ((*out_offset = seek_middle(place, bare, ++row, true, STATUS_OK)) == offset)
        continue;
    return row;
}

/* The last that was read of the disk. */
static struct {
    unsigned long long offset;
    size_t bytes;
} last_read;

static void read_note(void *context, const char *line)
{
    const char *at = strstr(line, " offset ");
    (void)context;
    if (strstr(line, " read ") && at)
        assert_int_equal(sscanf(at, " offset %llu bytes %zu", &last_read.offset, &last_read.bytes), 2);
}

/* Where the disk cannot read a stretch beside the block, reading ahead would meet that again. */
static void a_second_try_reads_the_block_and_nothing_ahead(void **state)
{
    (void)state;
    struct place place;
    struct sstable *bare;
    struct cursor *cursor;
    uint64_t offset, behind;
    place_open(&place, 64 << 20);
    assert_ok(sstable_open(place.env, "/t/table", MODEL_STORE_ID, NULL, &bare));
    uint32_t row = next_block(&place, bare, 10000, &offset);
    (void)next_block(&place, bare, row, &behind);
    sstable_unref(bare);
    (void)seek_middle(&place, place.table, 10200, true, STATUS_OK); /* directory and index are at hand */
    assert_ok(sstable_cursor_open_held(place.table, place.model.partitions[0].key, false, false, &cursor));
    assert_ok(cursor_next_partition(cursor));
    for (uint32_t i = 0; i < 2; i++) { /* the second goes on where the first was */
        sim_fail_at(place.env, sim_operation_count(place.env), SIM_FAULT_EIO, false);
        sim_observe(place.env, read_note, NULL);
        assert_ok(cursor_seek_row(cursor, place.model.partitions[0].rows[i ? row : 10000].clustering));
        sim_observe(place.env, NULL, NULL);
        assert_true(cursor->on_row);
    }
    assert_true(last_read.offset <= offset && offset < last_read.offset + last_read.bytes);
    assert_true(last_read.offset + last_read.bytes < behind + IO_BLOCK_BYTES);
    cursor_close(cursor);
    place_close(&place);
}

static void a_damaged_neighbour_is_left_where_it_is_for_who_asks_for_it(void **state)
{
    (void)state;
    struct place place;
    struct sstable *bare;
    uint64_t offset, good_offset;
    place_open(&place, 64 << 20);
    uint64_t owner = place.table->cache_owner;
    assert_ok(sstable_open(place.env, "/t/table", MODEL_STORE_ID, NULL, &bare));
    uint32_t damaged_row = next_block(&place, bare, 10000, &offset);
    (void)next_block(&place, bare, damaged_row, &good_offset);
    sstable_unref(bare);
    assert_ok(sim_damage(place.env, "/t/table", offset + 100, 1));

    (void)seek_middle(&place, place.table, 10000, false, STATUS_OK);
    assert_true(blocks_beside(place.table) > 0);
    assert_true(block_cache_has(place.cache, BLOCK_TIER_STORED, owner, good_offset));
    assert_false(block_cache_has(place.cache, BLOCK_TIER_STORED, owner, offset));
    assert_int_equal(sstable_verify(place.table).code, STATUS_CORRUPT);
    (void)seek_middle(&place, place.table, damaged_row, false, STATUS_CORRUPT);
    assert_false(block_cache_has(place.cache, BLOCK_TIER_STORED, owner, offset));
    place_close(&place);
}

static void the_newest_rows_bring_no_neighbours(void **state)
{
    (void)state;
    static const uint8_t after[1] = {KEY_AFTER};
    struct place place;
    place_open(&place, 64 << 20);
    newest_rows(&place, slice_of(after, 1), 50);
    assert_int_equal(blocks_beside(place.table), 0);
    place_close(&place);
}

/* What the disk is asked for until the first row of a partition is there that nobody has read before. */
static uint64_t reads_of_one(struct io_env *env, struct block_cache *cache, struct partition_key key,
                             bool apart, uint64_t *io_joined)
{
    struct sstable *table;
    struct sstable_reads reads;
    struct cursor *cursor;
    assert_ok(sstable_open(env, "/t/small", MODEL_STORE_ID, cache, &table));
    uint64_t before = sim_operation_count(env);
    assert_ok(sstable_cursor_open_held(table, key, false, apart, &cursor));
    assert_ok(cursor_next_partition(cursor));
    assert_ok(cursor_next(cursor));
    assert_true(cursor->on_row);
    cursor_close(cursor);
    uint64_t count = sim_operation_count(env) - before;
    sstable_reads(table, &reads);
    *io_joined += reads.blocks_joined;
    sstable_unref(table);
    return count;
}

static void a_small_partition_costs_one_read_with_its_directory_page(void **state)
{
    (void)state;
    struct random rng = {5};
    struct io_env *env;
    struct model model;
    struct block_cache *cache;
    uint64_t joined = 0, none = 0;
    assert_ok(io_env_open(IO_BODY_SIM, 1, &env));
    assert_ok(io_mkdir(env, "/t"));
    model_random(&model, &rng, &(struct model_shape){.partitions = 2000, .rows_max = 4, .value_max = 60});
    struct sstable_build_options options = model_options(env, "/t/small");
    assert_ok(model_build(&model, &options, NULL));
    assert_ok(block_cache_new(1 << 20, &cache));
    for (uint32_t i = 0; i < model.count; i += 11) {
        if (!model.partitions[i].row_count)
            continue;
        assert_int_equal(reads_of_one(env, cache, model.partitions[i].key, false, &joined), 1);
        assert_int_equal(reads_of_one(env, cache, model.partitions[i].key, true, &none), 2);
    }
    assert_true(joined > 100);
    assert_int_equal(none, 0);
    block_cache_free(cache);
    model_deinit(&model);
    io_env_close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_is_never_exceeded),
        cmocka_unit_test(a_scan_does_not_drive_out_what_is_read_again_and_again),
        cmocka_unit_test(a_pinned_block_outlives_its_eviction),
        cmocka_unit_test(where_a_block_was_seen_is_a_guess_and_nothing_more),
        cmocka_unit_test(what_is_looked_at_under_a_lease_outlives_its_eviction),
        cmocka_unit_test(a_thread_has_leases_for_a_few_cursors_at_a_time),
        cmocka_unit_test(blocks_lie_on_huge_pages_unless_that_is_turned_off),
        cmocka_unit_test(the_newest_rows_cost_a_directory_page_and_one_read),
        cmocka_unit_test(a_partition_that_is_not_there_costs_nothing),
        cmocka_unit_test(a_scan_reads_in_large_pieces_and_leaves_the_cache_alone),
        cmocka_unit_test(directory_pages_that_are_read_stay_with_their_table_up_to_a_quarter_of_the_budget),
        cmocka_unit_test(pages_of_a_block_index_that_are_read_stay_with_their_table_at_all_levels),
        cmocka_unit_test(a_read_from_the_middle_brings_its_neighbours_while_there_is_room),
        cmocka_unit_test(a_disk_that_cannot_read_the_neighbours_is_asked_for_the_block_alone),
        cmocka_unit_test(a_second_try_reads_the_block_and_nothing_ahead),
        cmocka_unit_test(a_damaged_neighbour_is_left_where_it_is_for_who_asks_for_it),
        cmocka_unit_test(the_newest_rows_bring_no_neighbours),
        cmocka_unit_test(a_long_read_of_one_partition_reads_ahead_too),
        cmocka_unit_test(a_small_partition_costs_one_read_with_its_directory_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
