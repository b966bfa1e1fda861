/* Whatever happens to the bytes of a file, a reader gets the right rows or an error (I4), and no more than it must
 * becomes unreadable (I5). */
#include "model.h"

#include <stdlib.h>

#include "base/hash.h"
#include "io/sim.h"
#include "sstable/frame_internal.h"

static struct io_env *env;
static struct model model;
static uint8_t *file_data; /* the good file */
static size_t file_bytes;

static const char path[] = "/t/table";

static void file_load(const char *from, uint8_t **out_data, size_t *out_bytes)
{
    struct io_file *file;
    uint64_t bytes;
    assert_ok(io_open(env, from, IO_READ, &file));
    assert_ok(io_size(file, &bytes));
    *out_data = malloc(bytes);
    assert_non_null(*out_data);
    assert_ok(io_read(file, 0, *out_data, bytes, out_bytes));
    io_close(file);
}

static void file_store(const uint8_t *data, size_t bytes)
{
    struct io_file *file;
    assert_ok(io_open(env, path, IO_READ | IO_WRITE | IO_CREATE, &file));
    assert_ok(io_truncate(file, 0));
    if (bytes)
        assert_ok(io_write(file, 0, data, bytes, false));
    io_close(file);
}

/* A few partitions of every kind, some of several blocks. */
static int setup(void **state)
{
    (void)state;
    struct random rng = {11};
    struct model_shape shape = {.partitions = 9, .rows_max = 30, .value_max = 40, .extras = true};
    if (failed(io_env_open(IO_BODY_MEMORY, 1, &env)) || failed(io_mkdir(env, "/t")))
        return 1;
    model_random(&model, &rng, &shape);
    struct sstable_build_options options = model_options(env, path);
    options.block_bytes = 600;
    assert_ok(model_build(&model, &options, NULL));
    file_load(path, &file_data, &file_bytes);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(file_data);
    model_deinit(&model);
    io_env_close(env);
    return 0;
}

/* Read what is in the file as far as it goes. Returns whether all of it was readable. */
static bool expect_right_rows_or_an_error(uint64_t store_id)
{
    struct sstable *table;
    bool forward, backward;
    status st = sstable_open(env, path, store_id, NULL, &table);
    if (failed(st)) {
        assert_true(st.code == STATUS_CORRUPT || st.code == STATUS_UNSUPPORTED);
        return false;
    }
    status forward_st = model_scan_damaged(&model, table, false, &forward);
    status backward_st = model_scan_damaged(&model, table, true, &backward);
    assert_true(ok(forward_st) ? forward : forward_st.code == STATUS_CORRUPT);
    assert_true(ok(backward_st) ? backward : backward_st.code == STATUS_CORRUPT);
    if (ok(sstable_verify(table)))
        assert_true(forward && backward);
    sstable_unref(table);
    return forward && backward;
}

static void I4_any_flipped_byte_is_noticed_or_does_not_matter(void **state)
{
    (void)state;
    uint32_t readable = 0;
    struct random rng = {1};
    for (size_t at = 0; at < file_bytes; at++) {
        /* Most of the roots and the padding is zeros: every byte of what is in use, a sample of the rest. */
        if (!file_data[at] && random_below(&rng, 16))
            continue;
        uint8_t kept = file_data[at];
        file_data[at] ^= (uint8_t)(1u << random_below(&rng, 8));
        file_store(file_data, file_bytes);
        readable += expect_right_rows_or_an_error(MODEL_STORE_ID);
        file_data[at] = kept;
    }
    assert_true(readable > 0);
}

static void I4_a_truncated_file_does_not_open(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < file_bytes; bytes += bytes % 512 < 2 ? 1 : 37) {
        file_store(file_data, bytes);
        assert_false(expect_right_rows_or_an_error(MODEL_STORE_ID));
    }
    file_store(file_data, file_bytes);
    assert_true(expect_right_rows_or_an_error(MODEL_STORE_ID));
}

/* Blocks that readers have in memory are good; what is asked for is the file. */
static void I4_verification_looks_at_the_file_whatever_is_in_the_cache(void **state)
{
    (void)state;
    uint32_t found = 0;
    for (size_t at = 4096; at < file_bytes; at += 97) {
        struct block_cache *cache;
        struct sstable *table;
        file_store(file_data, file_bytes);
        assert_ok(block_cache_new(4 << 20, &cache));
        assert_ok(sstable_open(env, path, MODEL_STORE_ID, cache, &table));
        for (uint32_t i = 0; i < model.count; i++) {
            struct cursor *cursor;
            assert_ok(sstable_cursor_open_one(table, model.partitions[i].key, false, &cursor));
            assert_ok(cursor_next_partition(cursor));
            do
                assert_ok(cursor_next(cursor));
            while (cursor->on_row);
            cursor_close(cursor);
        }
        file_data[at] ^= 1;
        file_store(file_data, file_bytes);
        file_data[at] ^= 1;
        status st = sstable_verify(table);
        sstable_unref(table);
        block_cache_free(cache);
        /* The same as one who has nothing in memory finds. */
        found += failed(st);
        if (ok(sstable_open(env, path, MODEL_STORE_ID, NULL, &table))) {
            assert_int_equal(sstable_verify(table).code, st.code);
            sstable_unref(table);
        }
    }
    assert_true(found > 10);
}

static void I4_zeroed_and_swapped_pieces_are_noticed(void **state)
{
    (void)state;
    enum { PIECE = 512 };
    uint8_t *damaged = malloc(file_bytes);
    assert_non_null(damaged);
    for (size_t at = 0; at < file_bytes; at += PIECE) {
        memcpy(damaged, file_data, file_bytes);
        memset(damaged + at, 0, PIECE);
        file_store(damaged, file_bytes);
        (void)expect_right_rows_or_an_error(MODEL_STORE_ID);
        for (size_t other = at + PIECE; other < file_bytes; other += 3 * PIECE) {
            memcpy(damaged, file_data, file_bytes);
            memcpy(damaged + at, file_data + other, PIECE);
            memcpy(damaged + other, file_data + at, PIECE);
            file_store(damaged, file_bytes);
            (void)expect_right_rows_or_an_error(MODEL_STORE_ID);
        }
    }
    free(damaged);
}

/* A block of another version of the file, say: nothing is wrong with it but that it is not the one that was written there last.
 * Only the checksum that its parent keeps tells. */
static void I4_a_whole_block_that_its_parent_does_not_name_is_noticed(void **state)
{
    (void)state;
    const struct file_identity identity = {.store_id = MODEL_STORE_ID, .file_number = MODEL_FILE_NUMBER};
    uint32_t row_blocks = 0, frames = 0;
    uint8_t *stale = malloc(file_bytes);
    assert_non_null(stale);
    for (size_t at = 0; at + FRAME_HEAD_BYTES < file_bytes; at++) {
        struct frame_head head;
        struct slice rest = slice_of(file_data + at, file_bytes - at);
        if (failed(frame_head_decode(rest, &head)) || !head.stored_bytes ||
            head.stored_bytes > rest.bytes - FRAME_HEAD_BYTES)
            continue;
        struct frame_ref ref = {
            .offset = at, .checksum = head.checksum, .bytes = FRAME_HEAD_BYTES + head.stored_bytes};
        if (failed(frame_check(identity, &ref, slice_of(rest.data, ref.bytes), &head)))
            continue;
        frames++;
        for (uint32_t i = 0; i < head.stored_bytes; i += 1 + head.stored_bytes / 16) {
            memcpy(stale, file_data, file_bytes);
            stale[at + FRAME_HEAD_BYTES + i] ^= 1;
            frame_seal(identity, at, stale + at, ref.bytes);
            file_store(stale, file_bytes);
            bool readable = expect_right_rows_or_an_error(MODEL_STORE_ID);
            if (head.layout == FRAME_ROWS)
                assert_false(readable);
        }
        row_blocks += head.layout == FRAME_ROWS;
    }
    assert_in_range(row_blocks, 9, frames - 1); /* directory pages are frames too */
    free(stale);
}

static void a_file_of_another_store_or_number_is_refused(void **state)
{
    (void)state;
    struct sstable *table;
    uint8_t *other_data;
    size_t other_bytes;
    file_store(file_data, file_bytes);
    assert_int_equal(sstable_open(env, path, MODEL_STORE_ID + 1, NULL, &table).code, STATUS_CORRUPT);

    /* The same content under another file number: block for block in the same place, and still foreign. */
    struct sstable_build_options options = model_options(env, "/t/other");
    options.block_bytes = 600;
    options.file_number++;
    assert_ok(model_build(&model, &options, NULL));
    file_load("/t/other", &other_data, &other_bytes);
    assert_int_equal(other_bytes, file_bytes);
    uint8_t *mixed = malloc(file_bytes);
    assert_non_null(mixed);
    memcpy(mixed, file_data, file_bytes);
    memcpy(mixed + 4096, other_data + 4096, 1024);
    file_store(mixed, file_bytes);
    assert_false(expect_right_rows_or_an_error(MODEL_STORE_ID));
    free(mixed);
    free(other_data);
    assert_ok(io_unlink(env, "/t/other"));
}

static void I5_rows_beside_a_bad_block_stay_readable(void **state)
{
    (void)state;
    struct sstable *table;
    uint32_t readable = 0, unreadable = 0;
    file_data[4096 + 100] ^= 1; /* in the first block */
    file_store(file_data, file_bytes);
    file_data[4096 + 100] ^= 1;
    assert_ok(sstable_open(env, path, MODEL_STORE_ID, NULL, &table));
    for (uint32_t i = 0; i < model.count; i++) {
        struct cursor *cursor;
        assert_ok(sstable_cursor_open_one(table, model.partitions[i].key, false, &cursor));
        assert_ok(cursor_next_partition(cursor));
        uint32_t rows = 0;
        status st;
        while (ok(st = cursor_next(cursor)) && cursor->on_row)
            rows++;
        if (ok(st) && rows == model.partitions[i].row_count)
            readable++;
        else
            unreadable++;
        cursor_close(cursor);
    }
    assert_int_equal(sstable_verify(table).code, STATUS_CORRUPT);
    sstable_unref(table);
    assert_true(unreadable >= 1);
    assert_true(readable >= model.count / 2);
}

static void I5_one_good_root_is_enough(void **state)
{
    (void)state;
    for (uint32_t copy = 0; copy < 2; copy++) {
        size_t at = copy ? file_bytes - 4096 + 50 : 50;
        file_data[at] ^= 1;
        file_store(file_data, file_bytes);
        file_data[at] ^= 1;
        assert_true(expect_right_rows_or_an_error(MODEL_STORE_ID));
        struct sstable *table;
        assert_ok(sstable_open(env, path, MODEL_STORE_ID, NULL, &table));
        assert_int_equal(sstable_verify(table).code, STATUS_CORRUPT);
        sstable_unref(table);
    }
}

/* Make the roots of the good file check out again after a change to both, as docs/formats/sstable.md says. */
static void roots_reseal(uint8_t *data)
{
    const size_t offsets[2] = {0, file_bytes - 4096};
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t *root = data + offsets[i];
        uint64_t seed = hash_place(MODEL_STORE_ID, MODEL_FILE_NUMBER, offsets[i]);
        store_le64(root + 4088, hash64(slice_of(root, 4088), seed));
    }
}

static status open_with_word(size_t at, uint32_t word)
{
    struct sstable *table;
    uint8_t *changed = malloc(file_bytes);
    assert_non_null(changed);
    memcpy(changed, file_data, file_bytes);
    store_le32(changed + at, word);
    store_le32(changed + file_bytes - 4096 + at, word);
    roots_reseal(changed);
    file_store(changed, file_bytes);
    free(changed);
    status st = sstable_open(env, path, MODEL_STORE_ID, NULL, &table);
    if (ok(st))
        sstable_unref(table);
    return st;
}

static void I12_a_newer_version_or_unknown_feature_is_refused_not_guessed(void **state)
{
    (void)state;
    assert_ok(open_with_word(8, 2));
    assert_int_equal(open_with_word(8, 1).code, STATUS_UNSUPPORTED);
    assert_int_equal(open_with_word(8, 3).code, STATUS_UNSUPPORTED);
    assert_int_equal(open_with_word(12, 2).code, STATUS_UNSUPPORTED);
    assert_int_equal(open_with_word(12, 1u << 31).code, STATUS_UNSUPPORTED);
    assert_ok(open_with_word(16, 1u << 31)); /* a compatible feature is ignored */
}

/* ---- building under faults ---- */

static void a_power_cut_while_building_leaves_nothing_that_opens_as_good(void **state)
{
    (void)state;
    for (uint32_t policy = 0; policy < SIM_POLICIES; policy++) {
        bool finished = false;
        for (uint64_t nth = 0; !finished; nth++) {
            struct io_env *sim;
            struct sstable_info info;
            struct sstable *table;
            assert_ok(io_env_open(IO_BODY_SIM, 100 * policy + nth, &sim));
            assert_ok(io_mkdir(sim, "/t"));
            assert_ok(io_sync_dir(sim, "/"));
            struct sstable_build_options options = model_options(sim, "/t/table");
            sim_cut_power_at(sim, sim_operation_count(sim) + nth);
            finished = ok(model_build(&model, &options, &info));
            sim_restart(sim, (enum sim_policy)policy);
            status st = sstable_open(sim, "/t/table", MODEL_STORE_ID, NULL, &table);
            if (finished)
                assert_ok(st);
            /* With one of the roots lost the content is good nevertheless. */
            if (ok(st)) {
                bool complete;
                assert_ok(model_scan_damaged(&model, table, false, &complete));
                assert_true(complete);
                sstable_unref(table);
            }
            io_env_close(sim);
        }
    }
}

static void a_failed_call_while_building_is_reported_and_leaves_no_file(void **state)
{
    (void)state;
    static const enum sim_fault faults[] = {SIM_FAULT_EIO, SIM_FAULT_ENOSPC, SIM_FAULT_SYNC};
    for (uint32_t kind = 0; kind < ARRAY_LEN(faults); kind++) {
        for (uint64_t nth = 0; nth < 40; nth++) {
            struct io_env *sim;
            struct sstable_info info;
            struct sstable *table;
            assert_ok(io_env_open(IO_BODY_SIM, nth, &sim));
            assert_ok(io_mkdir(sim, "/t"));
            struct sstable_build_options options = model_options(sim, "/t/table");
            sim_fail_at(sim, sim_operation_count(sim) + nth, faults[kind], false);
            status built = model_build(&model, &options, &info);
            sim_fail_at(sim, UINT64_MAX, SIM_FAULT_NONE, false);
            status st = sstable_open(sim, "/t/table", MODEL_STORE_ID, NULL, &table);
            if (ok(built)) {
                assert_ok(st);
                assert_ok(sstable_verify(table));
                sstable_unref(table);
            } else {
                assert_int_equal(st.code, STATUS_NOT_FOUND);
            }
            io_env_close(sim);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(I4_any_flipped_byte_is_noticed_or_does_not_matter),
        cmocka_unit_test(I4_a_truncated_file_does_not_open),
        cmocka_unit_test(I4_verification_looks_at_the_file_whatever_is_in_the_cache),
        cmocka_unit_test(I4_zeroed_and_swapped_pieces_are_noticed),
        cmocka_unit_test(I4_a_whole_block_that_its_parent_does_not_name_is_noticed),
        cmocka_unit_test(a_file_of_another_store_or_number_is_refused),
        cmocka_unit_test(I5_rows_beside_a_bad_block_stay_readable),
        cmocka_unit_test(I5_one_good_root_is_enough),
        cmocka_unit_test(I12_a_newer_version_or_unknown_feature_is_refused_not_guessed),
        cmocka_unit_test(a_power_cut_while_building_leaves_nothing_that_opens_as_good),
        cmocka_unit_test(a_failed_call_while_building_is_reported_and_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
