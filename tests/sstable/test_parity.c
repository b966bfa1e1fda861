/* A directory page that is damaged is made anew of the others of its group; what is damaged beyond that is lost alone. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "sstable/parity_internal.h"

enum {
    PARTITIONS = 2400,
    GROUP = 4,
    PAGES_MAX = 200,
};

static const char path[] = "/t/table";

static struct model model;
static uint8_t *file_data; /* the good file */
static size_t file_bytes;
static struct frame_ref pages[PAGES_MAX], parities[PAGES_MAX];
static uint32_t page_count, parity_count;

static void file_store(const uint8_t *data, size_t bytes)
{
    struct io_file *file;
    assert_ok(io_open(model_env, path, IO_READ | IO_WRITE | IO_CREATE, &file));
    assert_ok(io_truncate(file, 0));
    assert_ok(io_write(file, 0, data, bytes, false));
    io_close(file);
}

static void file_load(void)
{
    struct io_file *file;
    uint64_t bytes;
    assert_ok(io_open(model_env, path, IO_READ, &file));
    assert_ok(io_size(file, &bytes));
    file_data = malloc(bytes);
    assert_non_null(file_data);
    assert_ok(io_read(file, 0, file_data, bytes, &file_bytes));
    io_close(file);
}

static void frames_find(void)
{
    page_count = parity_count = 0;
    for (size_t at = IO_BLOCK_BYTES; at + FRAME_HEAD_BYTES < file_bytes;) {
        struct frame_head head;
        if (failed(frame_head_decode(slice_of(file_data + at, FRAME_HEAD_BYTES), &head)) || !head.layout)
            break;
        struct frame_ref ref = {.offset = at, .bytes = FRAME_HEAD_BYTES + head.stored_bytes};
        if (head.layout == FRAME_DIRECTORY)
            pages[page_count++] = ref;
        else if (head.layout == FRAME_PARITY)
            parities[parity_count++] = ref;
        assert_true(page_count < PAGES_MAX && parity_count < PAGES_MAX);
        at += ref.bytes;
    }
}

static void table_make(uint32_t parity_pages)
{
    struct sstable_build_options options = model_options(model_env, path);
    options.parity_pages = parity_pages;
    (void)io_unlink(model_env, path);
    assert_ok(model_build(&model, &options, NULL));
    free(file_data);
    file_load();
    frames_find();
}

static int setup(void **state)
{
    struct random rng = {21};
    struct model_shape shape = {.partitions = PARTITIONS, .value_max = 20, .one_row = true};
    if (model_env_open(state) != 0)
        return 1;
    model_random(&model, &rng, &shape);
    table_make(GROUP);
    assert_true(page_count > 2 * GROUP && page_count % GROUP);
    return 0;
}

static int teardown(void **state)
{
    free(file_data);
    model_deinit(&model);
    return model_env_close(state);
}

/* The file with other bytes in these frames, at `at` of each. */
static void store_damaged(const struct frame_ref *const *frames, uint32_t count, uint32_t at)
{
    uint8_t *damaged = malloc(file_bytes);
    assert_non_null(damaged);
    memcpy(damaged, file_data, file_bytes);
    for (uint32_t i = 0; i < count; i++)
        damaged[frames[i]->offset + at % frames[i]->bytes] ^= 0x40;
    file_store(damaged, file_bytes);
    free(damaged);
}

static struct sstable *open_table(struct block_cache *cache)
{
    struct sstable *table;
    assert_ok(sstable_open(model_env, path, MODEL_STORE_ID, cache, &table));
    return table;
}

static uint64_t restored_by(const struct sstable *table)
{
    struct sstable_reads reads;
    sstable_reads(table, &reads);
    return reads.pages_restored;
}

static void expect_everything(struct sstable *table)
{
    struct random rng = {3};
    for (int reverse = 0; reverse < 2; reverse++) {
        struct cursor *cursor;
        assert_ok(sstable_cursor_open(table, reverse, &cursor));
        model_expect_scan(&model, cursor);
        cursor_close(cursor);
    }
    model_expect_seeks(&model, table, &rng, 50);
}

static void groups_have_a_parity_frame_each_behind_their_last_page(void **state)
{
    (void)state;
    assert_int_equal(parity_count, (page_count + GROUP - 1) / GROUP);
    for (uint32_t i = 0; i < parity_count; i++) {
        uint32_t last = (i + 1) * GROUP < page_count ? (i + 1) * GROUP - 1 : page_count - 1;
        assert_int_equal(parities[i].offset, pages[last].offset + pages[last].bytes);
    }
    file_store(file_data, file_bytes);
    struct sstable *table = open_table(NULL);
    assert_ok(sstable_verify(table));
    expect_everything(table);
    assert_int_equal(restored_by(table), 0);
    sstable_unref(table);
}

static void any_one_page_of_a_group_can_be_read_although_it_is_damaged(void **state)
{
    (void)state;
    struct block_cache *cache;
    assert_ok(block_cache_new(1 << 20, &cache));
    for (uint32_t i = 0; i < page_count; i++) {
        const struct frame_ref *damaged = &pages[i];
        for (uint32_t at = 0; at < damaged->bytes; at += i ? 701 : 53) {
            struct sstable_page_damage found;
            uint32_t count;
            store_damaged(&damaged, 1, at);
            struct sstable *table = open_table(at % 2 ? cache : NULL);
            expect_everything(table);
            assert_true(restored_by(table) > 0);
            /* It is damage all the same, also when it has been read and is cached. */
            assert_int_equal(sstable_verify(table).code, STATUS_CORRUPT);
            assert_ok(sstable_directory_damage(table, &found, 1, &count));
            assert_int_equal(count, 1);
            assert_true(found.restored);
            sstable_unref(table);
        }
    }
    block_cache_free(cache);
}

static void a_page_of_every_group_may_be_damaged(void **state)
{
    (void)state;
    const struct frame_ref *damaged[PAGES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 1; i < page_count; i += GROUP)
        damaged[count++] = &pages[i];
    store_damaged(damaged, count, 1000);
    struct sstable *table = open_table(NULL);
    expect_everything(table);
    sstable_unref(table);
}

static void two_damaged_pages_of_a_group_are_lost_and_told(void **state)
{
    (void)state;
    const struct frame_ref *damaged[] = {&pages[GROUP], &pages[GROUP + 2]};
    struct sstable_page_damage found[3];
    uint32_t count;
    bool complete;
    store_damaged(damaged, 2, 500);
    struct sstable *table = open_table(NULL);
    assert_int_equal(model_scan_damaged(&model, table, false, &complete).code, STATUS_CORRUPT);
    assert_ok(sstable_directory_damage(table, found, 3, &count));
    assert_int_equal(count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t inside = 0;
        assert_false(found[i].restored);
        for (uint32_t p = 0; p < model.count; p++)
            inside += model.partitions[p].key.token >= found[i].first_token &&
                      model.partitions[p].key.token <= found[i].last_token;
        assert_int_equal(inside, found[i].partitions);
    }
    sstable_unref(table);
}

static void a_damaged_parity_frame_costs_nothing_but_is_found(void **state)
{
    (void)state;
    const struct frame_ref *damaged = &parities[1];
    for (uint32_t at = 0; at < damaged->bytes; at += 97) {
        store_damaged(&damaged, 1, at);
        struct sstable *table = open_table(NULL);
        expect_everything(table);
        assert_int_equal(sstable_verify(table).code, STATUS_CORRUPT);
        sstable_unref(table);
    }
    /* With it one of its pages is lost. */
    const struct frame_ref *both[] = {&parities[1], &pages[GROUP]};
    bool complete;
    store_damaged(both, 2, 40);
    struct sstable *table = open_table(NULL);
    assert_int_equal(model_scan_damaged(&model, table, false, &complete).code, STATUS_CORRUPT);
    sstable_unref(table);
}

static void a_damaged_index_is_rebuilt_of_the_parity(void **state)
{
    (void)state;
    struct frame_ref index = {.offset = load_le64(file_data + 64), .bytes = load_le32(file_data + 72)};
    for (uint32_t i = 0; i < page_count; i++) {
        const struct frame_ref *damaged[] = {&index, &pages[i]};
        store_damaged(damaged, 2, 200);
        struct sstable *table = open_table(NULL);
        expect_everything(table);
        assert_int_equal(sstable_verify(table).code, STATUS_CORRUPT);
        sstable_unref(table);
    }
    for (uint32_t i = 0; i < parity_count; i++) {
        const struct frame_ref *damaged[] = {&index, &parities[i]};
        store_damaged(damaged, 2, 200);
        struct sstable *table = open_table(NULL);
        expect_everything(table);
        sstable_unref(table);
    }
}

static void without_parity_a_damaged_page_is_lost(void **state)
{
    (void)state;
    bool complete;
    table_make(UINT32_MAX);
    assert_int_equal(parity_count, 0);
    assert_int_equal(load_le32(file_data + 16), 0);
    const struct frame_ref *damaged = &pages[1];
    store_damaged(&damaged, 1, 500);
    struct sstable *table = open_table(NULL);
    assert_int_equal(model_scan_damaged(&model, table, false, &complete).code, STATUS_CORRUPT);
    sstable_unref(table);
    table_make(GROUP);
}

static void the_bytes_of_parity_are_a_part_of_the_directory(void **state)
{
    (void)state;
    uint64_t page_bytes = 0, parity_bytes = 0;
    table_make(0);
    for (uint32_t i = 0; i < page_count; i++)
        page_bytes += pages[i].bytes;
    for (uint32_t i = 0; i < parity_count; i++)
        parity_bytes += parities[i].bytes;
    assert_int_equal(parity_count, (page_count + PARITY_PAGES - 1) / PARITY_PAGES);
    assert_true(parity_bytes < page_bytes / 8);
    table_make(GROUP);
}

/* A page of one huge partition is not written twice; the others of its group are restored without it. */
static void a_huge_page_is_listed_and_not_added(void **state)
{
    (void)state;
    enum { HUGE_BYTES = 200 << 10 };
    static uint8_t noise[HUGE_BYTES];
    struct random rng = {5};
    for (uint32_t i = 0; i < HUGE_BYTES; i++)
        noise[i] = (uint8_t)random_next(&rng);
    struct slice kept = model.partitions[PARTITIONS / 2].static_image;
    model.partitions[PARTITIONS / 2].static_image = model_image(&model.arena, 7, slice_of(noise, HUGE_BYTES));
    table_make(GROUP);
    uint32_t huge = 0;
    while (huge < page_count && pages[huge].bytes < HUGE_BYTES)
        huge++;
    assert_true(huge < page_count);
    for (uint32_t i = 0; i < parity_count; i++)
        assert_true(parities[i].bytes < PARITY_FRAME_BYTES_MAX);
    for (uint32_t i = huge / GROUP * GROUP; i < page_count && i < huge / GROUP * GROUP + GROUP; i++) {
        const struct frame_ref *damaged = &pages[i];
        bool complete;
        store_damaged(&damaged, 1, 300);
        struct sstable *table = open_table(NULL);
        status st = model_scan_damaged(&model, table, false, &complete);
        assert_int_equal(st.code, i == huge ? STATUS_CORRUPT : STATUS_OK);
        sstable_unref(table);
    }
    model.partitions[PARTITIONS / 2].static_image = kept;
    table_make(GROUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_have_a_parity_frame_each_behind_their_last_page),
        cmocka_unit_test(any_one_page_of_a_group_can_be_read_although_it_is_damaged),
        cmocka_unit_test(a_page_of_every_group_may_be_damaged),
        cmocka_unit_test(two_damaged_pages_of_a_group_are_lost_and_told),
        cmocka_unit_test(a_damaged_parity_frame_costs_nothing_but_is_found),
        cmocka_unit_test(a_damaged_index_is_rebuilt_of_the_parity),
        cmocka_unit_test(without_parity_a_damaged_page_is_lost),
        cmocka_unit_test(the_bytes_of_parity_are_a_part_of_the_directory),
        cmocka_unit_test(a_huge_page_is_listed_and_not_added),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
