/* What files, names and locks promise, the same for every body. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/io/place.h"

static enum io_body body; /* the one whose turn it is */
static struct place place;

static int place_setup(void **state)
{
    (void)state;
    return place_open(&place, body, 1) ? 0 : -1;
}

static int place_teardown(void **state)
{
    (void)state;
    place_close(&place);
    return 0;
}

static struct io_file *fresh(const char *name)
{
    return place_file(&place, name, IO_READ | IO_WRITE | IO_CREATE);
}

static uint64_t size_of(struct io_file *file)
{
    uint64_t bytes = 0;
    assert_ok(io_size(file, &bytes));
    return bytes;
}

/* The text of `bytes` bytes at `offset`, zero bytes shown as dots; good until the next call. */
static const char *seen(struct io_file *file, uint64_t offset, size_t bytes)
{
    static char text[256];
    size_t done = 0;
    assert_true(bytes < sizeof text);
    assert_ok(io_read(file, offset, text, bytes, &done));
    for (size_t i = 0; i < done; i++)
        if (!text[i])
            text[i] = '.';
    text[done] = '\0';
    return text;
}

/* ---- bytes ---- */

static void a_new_file_is_empty_and_grows_by_writes(void **state)
{
    (void)state;
    struct io_file *file = fresh("grows");
    assert_int_equal(size_of(file), 0);
    place_write(file, 0, "one");
    place_write(file, 3, "two");
    assert_int_equal(size_of(file), 6);
    assert_string_equal(seen(file, 0, 6), "onetwo");
    place_write(file, 1, "--");
    assert_string_equal(seen(file, 0, 6), "o--two");
    io_close(file);
}

static void a_read_is_short_at_the_end_and_nowhere_else(void **state)
{
    (void)state;
    struct io_file *file = fresh("short");
    place_write(file, 0, "0123456789");
    assert_string_equal(seen(file, 7, 100), "789");
    assert_string_equal(seen(file, 10, 100), "");
    assert_string_equal(seen(file, 5000, 100), "");
    assert_string_equal(seen(file, 2, 4), "2345");
    io_close(file);
}

static void a_hole_reads_as_zeros(void **state)
{
    (void)state;
    struct io_file *file = fresh("hole");
    place_write(file, 10000, "end");
    assert_int_equal(size_of(file), 10003);
    assert_string_equal(seen(file, 9997, 6), "...end");
    io_close(file);
}

static void truncation_cuts_and_grows_with_zeros(void **state)
{
    (void)state;
    struct io_file *file = fresh("truncated");
    place_write(file, 0, "0123456789");
    assert_ok(io_truncate(file, 4));
    assert_string_equal(seen(file, 0, 20), "0123");
    assert_ok(io_truncate(file, 8));
    assert_string_equal(seen(file, 0, 20), "0123....");
    io_close(file);
}

static void zero_fill_clears_the_front_and_never_shortens(void **state)
{
    (void)state;
    struct io_file *file = fresh("zeros");
    place_write(file, 0, "data");
    assert_ok(io_zero_fill(file, 700000));
    assert_int_equal(size_of(file), 700000);
    assert_string_equal(seen(file, 0, 4), "....");
    assert_string_equal(seen(file, 699998, 10), "..");
    place_write(file, 10, "kept");
    assert_ok(io_zero_fill(file, 12));
    assert_string_equal(seen(file, 10, 4), "..pt");
    assert_int_equal(size_of(file), 700000);
    assert_ok(io_zero_fill(file, 0));
    assert_int_equal(size_of(file), 700000);
    io_close(file);
}

static void a_reserved_file_reads_as_zeros(void **state)
{
    (void)state;
    struct io_file *file = fresh("reserved");
    assert_ok(io_reserve(file, 700000));
    assert_int_equal(size_of(file), 700000);
    assert_string_equal(seen(file, 0, 4), "....");
    assert_string_equal(seen(file, 699998, 10), "..");
    place_write(file, 10, "kept");
    assert_string_equal(seen(file, 9, 6), ".kept.");
    io_close(file);
}

static void a_transfer_larger_than_any_chunk_is_whole(void **state)
{
    (void)state;
    enum { BYTES = 3 * 1024 * 1024 + 17 };
    uint8_t *out = malloc(BYTES), *in = malloc(BYTES);
    assert_true(out && in);
    for (size_t i = 0; i < BYTES; i++)
        out[i] = (uint8_t)(i * 31 >> 3);
    struct io_file *file = fresh("large");
    size_t done = 0;
    assert_ok(io_write(file, 5, out, BYTES, true));
    assert_ok(io_read(file, 5, in, BYTES, &done));
    assert_int_equal(done, BYTES);
    assert_memory_equal(in, out, BYTES);
    io_close(file);
    free(out);
    free(in);
}

static void bytes_stay_when_the_file_is_closed_and_opened(void **state)
{
    (void)state;
    struct io_file *file = fresh("stays");
    assert_ok(io_write(file, 0, "synced", 6, true));
    assert_ok(io_sync(file));
    io_close(file);
    assert_ok(io_sync_dir(place.env, place.folder));
    assert_string_equal(place_text(&place, "stays"), "synced");
}

static void a_direct_file_moves_aligned_blocks_and_ends_anywhere(void **state)
{
    (void)state;
    struct io_file *file = place_file(&place, "direct", IO_READ | IO_WRITE | IO_CREATE | IO_DIRECT);
    char *block = io_memory_new(2 * IO_BLOCK_BYTES);
    assert_int_equal((uintptr_t)block % IO_BLOCK_BYTES, 0);
    for (size_t i = 0; i < 2 * IO_BLOCK_BYTES; i++)
        assert_int_equal(block[i], 0);
    memset(block, 'd', 2 * IO_BLOCK_BYTES);
    assert_ok(io_write(file, IO_BLOCK_BYTES, block, 2 * IO_BLOCK_BYTES, true));
    assert_ok(io_truncate(file, 2 * IO_BLOCK_BYTES + 5));
    memset(block, 0, 2 * IO_BLOCK_BYTES);
    size_t done = 0;
    assert_ok(io_read(file, 2 * IO_BLOCK_BYTES, block, 2 * IO_BLOCK_BYTES, &done));
    assert_int_equal(done, 5);
    assert_memory_equal(block, "ddddd", 5);
    io_memory_free(block);
    io_close(file);
}

static void a_file_does_only_what_it_was_opened_for(void **state)
{
    (void)state;
    char byte = 'x';
    size_t done;
    struct io_file *file = place_file(&place, "rights", IO_WRITE | IO_CREATE);
    assert_ok(io_write(file, 0, &byte, 1, false));
    assert_code(io_read(file, 0, &byte, 1, &done), STATUS_IO);
    io_close(file);
    file = place_file(&place, "rights", IO_READ);
    assert_code(io_write(file, 0, &byte, 1, false), STATUS_IO);
    assert_code(io_truncate(file, 0), STATUS_INVALID);
    io_close(file);
}

static void ranges_that_no_kernel_has_are_invalid(void **state)
{
    (void)state;
    char byte = 0;
    size_t done;
    struct io_file *file = fresh("ranges");
    assert_code(io_write(file, (uint64_t)1 << 63, &byte, 1, false), STATUS_INVALID);
    assert_code(io_read(file, INT64_MAX, &byte, 1, &done), STATUS_INVALID);
    assert_code(io_truncate(file, UINT64_MAX), STATUS_INVALID);
    io_close(file);
}

/* ---- names ---- */

static void what_is_missing_is_not_found(void **state)
{
    (void)state;
    struct io_file *file = NULL;
    assert_code(io_open(place.env, place_path(&place, "missing"), IO_READ, &file), STATUS_NOT_FOUND);
    assert_code(io_open(place.env, place_path(&place, "no/where"), IO_WRITE | IO_CREATE, &file),
                STATUS_NOT_FOUND);
    assert_code(io_unlink(place.env, place_path(&place, "missing")), STATUS_NOT_FOUND);
    assert_code(io_rmdir(place.env, place_path(&place, "missing")), STATUS_NOT_FOUND);
    assert_code(io_rename(place.env, place_path(&place, "missing"), place_path(&place, "x")),
                STATUS_NOT_FOUND);
    assert_code(io_sync_dir(place.env, place_path(&place, "missing")), STATUS_NOT_FOUND);
    assert_code(io_mkdir(place.env, place_path(&place, "no/where")), STATUS_NOT_FOUND);
    assert_null(file);
}

static void exclusive_creation_refuses_what_is_there(void **state)
{
    (void)state;
    struct io_file *file = NULL;
    const unsigned flags = IO_WRITE | IO_CREATE | IO_EXCLUSIVE;
    io_close(place_file(&place, "mine", flags | IO_DIRECT));
    assert_code(io_open(place.env, place_path(&place, "mine"), flags, &file), STATUS_EXISTS);
    assert_code(io_open(place.env, place_path(&place, "mine"), flags | IO_DIRECT, &file), STATUS_EXISTS);
    assert_code(io_open(place.env, place_path(&place, "mine"), IO_WRITE | IO_EXCLUSIVE, &file),
                STATUS_INVALID);
    assert_code(io_open(place.env, place_path(&place, "mine"), IO_CREATE, &file), STATUS_INVALID);
}

static void paths_have_a_length(void **state)
{
    (void)state;
    struct io_file *file = NULL;
    char *path = calloc(1, IO_PATH_BYTES_MAX + 1);
    assert_non_null(path);
    assert_code(io_open(place.env, path, IO_READ, &file), STATUS_INVALID);
    memset(path, 'p', IO_PATH_BYTES_MAX);
    assert_code(io_open(place.env, path, IO_READ, &file), STATUS_LIMIT);
    assert_code(io_mkdir(place.env, path), STATUS_LIMIT);
    free(path);
}

static void a_rename_replaces_its_target_at_once(void **state)
{
    (void)state;
    struct io_file *fresh_file = fresh("CURRENT.new"), *old = fresh("CURRENT");
    place_write(fresh_file, 0, "new");
    place_write(old, 0, "old");
    assert_ok(io_rename(place.env, place_path(&place, "CURRENT.new"), place_path(&place, "CURRENT")));
    assert_string_equal(place_text(&place, "CURRENT"), "new");
    assert_string_equal(place_text(&place, "CURRENT.new"), "(absent)");
    assert_string_equal(seen(old, 0, 10), "old"); /* still open: still there */
    io_close(fresh_file);
    io_close(old);
}

static void an_unlinked_file_lives_until_its_last_close(void **state)
{
    (void)state;
    struct io_file *file = fresh("doomed");
    assert_ok(io_unlink(place.env, place_path(&place, "doomed")));
    place_write(file, 0, "alive");
    assert_string_equal(seen(file, 0, 10), "alive");
    assert_string_equal(place_text(&place, "doomed"), "(absent)");
    struct io_file *second = fresh("doomed");
    assert_int_equal(size_of(second), 0);
    io_close(second);
    io_close(file);
}

static void folders_hold_names_and_nothing_else(void **state)
{
    (void)state;
    assert_ok(io_mkdir(place.env, place_path(&place, "box")));
    assert_code(io_mkdir(place.env, place_path(&place, "box")), STATUS_EXISTS);
    assert_string_equal(place_names(&place, "box"), "");
    assert_ok(io_mkdir(place.env, place_path(&place, "box/inner")));
    io_close(fresh("box/b"));
    io_close(fresh("box/a"));
    io_close(fresh("box/inner/deep"));
    io_close(fresh("box-beside")); /* sorts between "box" and "box/a" */
    assert_string_equal(place_names(&place, "box"), "a b inner");
    assert_code(io_rmdir(place.env, place_path(&place, "box")), STATUS_IO);
    assert_code(io_unlink(place.env, place_path(&place, "box/inner")), STATUS_IO);
    assert_code(io_rmdir(place.env, place_path(&place, "box/a")), STATUS_IO);
    struct io_file *file = NULL;
    assert_code(io_open(place.env, place_path(&place, "box"), IO_WRITE, &file), STATUS_IO);
    assert_code(io_open(place.env, place_path(&place, "box/a/below"), IO_WRITE | IO_CREATE, &file),
                STATUS_IO);
    assert_code(io_list(place.env, place_path(&place, "box/a"), NULL, NULL), STATUS_IO);
    assert_code(io_list(place.env, place_path(&place, "nobox"), NULL, NULL), STATUS_NOT_FOUND);
}

static void a_renamed_folder_keeps_what_is_in_it(void **state)
{
    (void)state;
    assert_ok(io_mkdir(place.env, place_path(&place, "from")));
    assert_ok(io_mkdir(place.env, place_path(&place, "from/sub")));
    struct io_file *file = fresh("from/sub/file");
    place_write(file, 0, "text");
    io_close(file);
    io_close(fresh("from-beside"));
    assert_code(io_rename(place.env, place_path(&place, "from"), place_path(&place, "from/sub/in")),
                STATUS_INVALID);
    assert_ok(io_rename(place.env, place_path(&place, "from"), place_path(&place, "to")));
    assert_string_equal(place_text(&place, "to/sub/file"), "text");
    assert_string_equal(place_names(&place, "to"), "sub");
    assert_string_equal(place_text(&place, "from/sub/file"), "(absent)");
    assert_ok(io_unlink(place.env, place_path(&place, "to/sub/file")));
    assert_ok(io_rmdir(place.env, place_path(&place, "to/sub")));
    assert_ok(io_rmdir(place.env, place_path(&place, "to")));
}

static void a_rename_obeys_what_files_and_folders_are(void **state)
{
    (void)state;
    assert_ok(io_mkdir(place.env, place_path(&place, "d")));
    assert_ok(io_mkdir(place.env, place_path(&place, "e")));
    io_close(fresh("f"));
    io_close(fresh("e/full"));
    assert_code(io_rename(place.env, place_path(&place, "f"), place_path(&place, "d")), STATUS_IO);
    assert_code(io_rename(place.env, place_path(&place, "d"), place_path(&place, "f")), STATUS_IO);
    status st = io_rename(place.env, place_path(&place, "d"), place_path(&place, "e"));
    assert_true(st.code == STATUS_IO || st.code == STATUS_EXISTS); /* ENOTEMPTY or EEXIST, as POSIX has it */
    assert_ok(io_rename(place.env, place_path(&place, "f"), place_path(&place, "f")));
    assert_ok(io_unlink(place.env, place_path(&place, "e/full")));
    assert_ok(io_rename(place.env, place_path(&place, "d"), place_path(&place, "e")));
}

static void a_second_lock_is_busy_until_the_first_is_closed(void **state)
{
    (void)state;
    struct io_file *first = NULL, *second = NULL;
    assert_ok(io_lock(place.env, place_path(&place, "LOCK"), &first));
    assert_code(io_lock(place.env, place_path(&place, "LOCK"), &second), STATUS_BUSY);
    struct io_file *reader = place_file(&place, "LOCK", IO_READ); /* opening and closing releases nothing */
    io_close(reader);
    assert_code(io_lock(place.env, place_path(&place, "LOCK"), &second), STATUS_BUSY);
    io_close(first);
    assert_ok(io_lock(place.env, place_path(&place, "LOCK"), &second));
    io_close(second);
}

static void there_is_room_for_more(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    assert_ok(io_free_space(place.env, place.folder, &bytes));
    assert_true(bytes > 0);
}

static void closing_nothing_is_welcome(void **state)
{
    (void)state;
    io_close(NULL);
    io_queue_close(NULL);
    io_thread_join(NULL);
    io_env_close(NULL);
    io_memory_free(NULL);
}

static void randomness_follows_the_seed(void **state)
{
    (void)state;
    struct io_env *twin = NULL, *other = NULL;
    uint64_t value = io_random(place.env);
    assert_ok(io_env_open(body, 1, &twin));
    assert_ok(io_env_open(body, 2, &other));
    struct io_env *again = NULL;
    assert_ok(io_env_open(body, 1, &again));
    assert_true(io_random(twin) == io_random(again));
    assert_true(io_random(twin) != io_random(other));
    (void)value;
    io_env_close(twin);
    io_env_close(other);
    io_env_close(again);
}

/* Direct I/O is refused by procfs on every kernel. */
static void a_direct_file_falls_back_where_it_is_refused(void **state)
{
    (void)state;
    if (body == IO_BODY_MEMORY || body == IO_BODY_SIM)
        return;
    struct io_file *file = NULL;
    char name[32];
    size_t done = 0;
    assert_int_equal(open("/proc/self/comm", O_RDONLY | O_DIRECT), -1);
    assert_ok(io_open(place.env, "/proc/self/comm", IO_READ | IO_DIRECT, &file));
    assert_ok(io_read(file, 0, name, sizeof name, &done));
    assert_true(done > 1);
    io_close(file);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(a_new_file_is_empty_and_grows_by_writes),
    cmocka_unit_test(a_read_is_short_at_the_end_and_nowhere_else),
    cmocka_unit_test(a_hole_reads_as_zeros),
    cmocka_unit_test(truncation_cuts_and_grows_with_zeros),
    cmocka_unit_test(a_reserved_file_reads_as_zeros),
    cmocka_unit_test(zero_fill_clears_the_front_and_never_shortens),
    cmocka_unit_test(a_transfer_larger_than_any_chunk_is_whole),
    cmocka_unit_test(bytes_stay_when_the_file_is_closed_and_opened),
    cmocka_unit_test(a_direct_file_moves_aligned_blocks_and_ends_anywhere),
    cmocka_unit_test(a_file_does_only_what_it_was_opened_for),
    cmocka_unit_test(ranges_that_no_kernel_has_are_invalid),
    cmocka_unit_test(what_is_missing_is_not_found),
    cmocka_unit_test(exclusive_creation_refuses_what_is_there),
    cmocka_unit_test(paths_have_a_length),
    cmocka_unit_test(a_rename_replaces_its_target_at_once),
    cmocka_unit_test(an_unlinked_file_lives_until_its_last_close),
    cmocka_unit_test(folders_hold_names_and_nothing_else),
    cmocka_unit_test(a_renamed_folder_keeps_what_is_in_it),
    cmocka_unit_test(a_rename_obeys_what_files_and_folders_are),
    cmocka_unit_test(a_second_lock_is_busy_until_the_first_is_closed),
    cmocka_unit_test(there_is_room_for_more),
    cmocka_unit_test(closing_nothing_is_welcome),
    cmocka_unit_test(randomness_follows_the_seed),
    cmocka_unit_test(a_direct_file_falls_back_where_it_is_refused),
};

int main(void)
{
    return place_run_bodies("file", &body, cases, ARRAY_LEN(cases), place_setup, place_teardown);
}
