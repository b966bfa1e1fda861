/* What the simulated disk keeps, loses and breaks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/io/place.h"

static struct place place;

static int place_setup(void **state)
{
    (void)state;
    return place_open(&place, IO_BODY_SIM, 42) ? 0 : -1;
}

static int place_teardown(void **state)
{
    (void)state;
    place_close(&place);
    return 0;
}

/* ---- a tiny notation: files of sectors, each filled with one letter ---- */

enum { SECTORS_MAX = 16 };

static struct io_file *fresh(const char *name)
{
    return place_file(&place, name, IO_READ | IO_WRITE | IO_CREATE);
}

/* Write one sector for each letter, the first at sector number `at`, as one operation. */
static status letters_write(struct io_file *file, size_t at, const char *letters, bool sync)
{
    char bytes[SECTORS_MAX * SIM_SECTOR_BYTES];
    size_t count = strlen(letters);
    assert_true(count <= SECTORS_MAX);
    for (size_t i = 0; i < count; i++)
        memset(bytes + i * SIM_SECTOR_BYTES, letters[i], SIM_SECTOR_BYTES);
    return io_write(file, at * SIM_SECTOR_BYTES, bytes, count * SIM_SECTOR_BYTES, sync);
}

/* A letter for each sector of the file: '.' for zeros, '?' for what is not one letter throughout. */
static const char *letters(const char *name)
{
    static char text[64];
    static char bytes[SECTORS_MAX * SIM_SECTOR_BYTES];
    struct io_file *file = NULL;
    status st = io_open(place.env, place_path(&place, name), IO_READ, &file);
    if (st.code == STATUS_NOT_FOUND)
        return "(absent)";
    assert_ok(st);
    size_t done = 0;
    assert_ok(io_read(file, 0, bytes, sizeof bytes, &done));
    io_close(file);
    assert_int_equal(done % SIM_SECTOR_BYTES, 0);
    size_t count = done / SIM_SECTOR_BYTES;
    for (size_t i = 0; i < count; i++) {
        const char *sector = bytes + i * SIM_SECTOR_BYTES;
        bool is_even = memcmp(sector, sector + 1, SIM_SECTOR_BYTES - 1) == 0;
        text[i] = !is_even ? '?' : !sector[0] ? '.' : sector[0];
    }
    text[count] = '\0';
    return text;
}

static void assert_letters(const char *name, const char *expected)
{
    assert_string_equal(letters(name), expected);
}

/* A file whose name and contents are durable. */
static struct io_file *durable(const char *name, const char *contents)
{
    struct io_file *file = fresh(name);
    assert_ok(letters_write(file, 0, contents, false));
    assert_ok(io_sync(file));
    assert_ok(io_sync_dir(place.env, place.folder));
    return file;
}

static void rename_to(const char *from, const char *to)
{
    assert_ok(io_rename(place.env, place_path(&place, from), place_path(&place, to)));
}

/* Cut the power and give it back under the policy; the files are closed. */
static void cut(enum sim_policy policy, struct io_file *a, struct io_file *b)
{
    sim_restart(place.env, policy);
    io_close(a);
    io_close(b);
}

/* ---- what a sync covers ---- */

static void every_policy_keeps_what_syncs_covered(void **state)
{
    (void)state;
    for (int policy = 0; policy < SIM_POLICIES; policy++) {
        struct io_file *file = durable("kept", "abc");
        assert_ok(letters_write(file, 3, "d", true)); /* by itself */
        assert_ok(letters_write(file, 1, "B", true));
        cut((enum sim_policy)policy, file, NULL);
        assert_letters("kept", "aBcd");
    }
}

static void a_sync_of_the_file_does_not_cover_its_name(void **state)
{
    (void)state;
    struct io_file *file = fresh("nameless");
    assert_ok(letters_write(file, 0, "ab", false));
    assert_ok(io_sync(file));
    cut(SIM_NOTHING, file, NULL);
    assert_letters("nameless", "(absent)");
}

static void a_sync_of_the_folder_does_not_cover_the_data(void **state)
{
    (void)state;
    struct io_file *file = fresh("empty");
    assert_ok(letters_write(file, 0, "ab", false));
    assert_ok(io_sync_dir(place.env, place.folder));
    cut(SIM_NOTHING, file, NULL);
    assert_letters("empty", "");
}

static void a_folder_without_a_durable_name_takes_its_files_along(void **state)
{
    (void)state;
    assert_ok(io_mkdir(place.env, place_path(&place, "sub")));
    struct io_file *file = fresh("sub/file");
    assert_ok(io_sync_dir(place.env, place_path(&place, "sub")));
    cut(SIM_NOTHING, file, NULL);
    assert_letters("sub/file", "(absent)");
}

static void renames_and_unlinks_wait_for_the_folder(void **state)
{
    (void)state;
    struct io_file *old = durable("CURRENT", "o"), *next = durable("NEXT", "n");
    struct io_file *gone = durable("gone", "g");
    rename_to("NEXT", "CURRENT");
    assert_ok(io_unlink(place.env, place_path(&place, "gone")));
    assert_letters("CURRENT", "n");
    assert_letters("gone", "(absent)");
    cut(SIM_NOTHING, old, next);
    io_close(gone);
    assert_letters("CURRENT", "o");
    assert_letters("NEXT", "n");
    assert_letters("gone", "g");

    rename_to("NEXT", "CURRENT");
    assert_ok(io_unlink(place.env, place_path(&place, "gone")));
    assert_ok(io_sync_dir(place.env, place.folder));
    cut(SIM_NOTHING, NULL, NULL);
    assert_letters("CURRENT", "n");
    assert_letters("NEXT", "(absent)");
    assert_letters("gone", "(absent)");
}

static void a_file_moved_between_folders_is_covered_by_a_sync_of_the_target(void **state)
{
    (void)state;
    assert_ok(io_mkdir(place.env, place_path(&place, "staging")));
    assert_ok(io_mkdir(place.env, place_path(&place, "live")));
    assert_ok(io_sync_dir(place.env, place.folder));
    struct io_file *file = fresh("staging/f");
    assert_ok(letters_write(file, 0, "x", true));
    rename_to("staging/f", "live/f");
    assert_ok(io_sync_dir(place.env, place_path(&place, "live")));
    cut(SIM_NOTHING, file, NULL);
    assert_letters("live/f", "x");
    assert_letters("staging/f", "(absent)");
}

static void a_renamed_folder_keeps_its_files_through_a_cut(void **state)
{
    (void)state;
    assert_ok(io_mkdir(place.env, place_path(&place, "before")));
    struct io_file *file = fresh("before/f");
    assert_ok(letters_write(file, 0, "x", true));
    rename_to("before", "after");
    assert_ok(io_sync_dir(place.env, place.folder));
    cut(SIM_NOTHING, file, NULL);
    assert_letters("after/f", "x");
    assert_string_equal(place_names(&place, "after"), "f");
}

static void a_durable_write_leaves_its_neighbours_pending(void **state)
{
    (void)state;
    struct io_file *file = durable("islands", "....");
    assert_ok(letters_write(file, 0, "ab", false));
    assert_ok(letters_write(file, 3, "d", true));
    cut(SIM_NOTHING, file, NULL);
    assert_letters("islands", "...d");
}

static void an_older_pending_write_never_comes_back_over_a_durable_one(void **state)
{
    (void)state;
    for (int policy = 0; policy < SIM_POLICIES; policy++) {
        struct io_file *file = durable("order", "....");
        assert_ok(letters_write(file, 0, "oooo", false));
        assert_ok(letters_write(file, 1, "N", true));
        cut((enum sim_policy)policy, file, NULL);
        assert_int_equal(letters("order")[1], 'N');
        assert_ok(io_unlink(place.env, place_path(&place, "order")));
    }
}

/* ---- the policies ---- */

static void nothing_keeps_nothing(void **state)
{
    (void)state;
    struct io_file *file = durable("p0", "abcd"), *other = fresh("p0-new");
    assert_ok(letters_write(file, 1, "XY", false));
    assert_ok(io_truncate(file, 3 * SIM_SECTOR_BYTES));
    cut(SIM_NOTHING, file, other);
    assert_letters("p0", "abcd");
    assert_letters("p0-new", "(absent)");
}

static void everything_keeps_everything(void **state)
{
    (void)state;
    struct io_file *file = durable("p1", "abcd"), *other = fresh("p1-new");
    assert_ok(letters_write(file, 1, "XYZW", false));
    assert_ok(io_truncate(file, 3 * SIM_SECTOR_BYTES));
    cut(SIM_EVERYTHING, file, other);
    assert_letters("p1", "aXY");
    assert_letters("p1-new", "");
}

/* Over many seeds each sector is seen old and new, whatever its neighbours are. */
static void random_chooses_sector_by_sector(void **state)
{
    (void)state;
    bool seen[4] = {false};
    for (int i = 0; i < 200; i++) {
        struct io_file *file = durable("p2", "ab");
        assert_ok(letters_write(file, 0, "XY", false));
        cut(SIM_RANDOM, file, NULL);
        const char *left = letters("p2");
        assert_true((left[0] == 'a' || left[0] == 'X') && (left[1] == 'b' || left[1] == 'Y'));
        seen[(left[0] == 'X') * 2 + (left[1] == 'Y')] = true;
    }
    assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
}

static void random_chooses_sizes_and_names_apart_from_data(void **state)
{
    (void)state;
    unsigned absent = 0, short_size = 0, size_without_data = 0, whole = 0;
    for (int i = 0; i < 400; i++) {
        struct io_file *file = durable("p2-size", "a"), *other = fresh("p2-name");
        assert_ok(letters_write(file, 1, "b", false));
        cut(SIM_RANDOM, file, other);
        const char *left = letters("p2-size");
        short_size += strcmp(left, "a") == 0;
        size_without_data += strcmp(left, "a.") == 0;
        whole += strcmp(left, "ab") == 0;
        absent += strcmp(letters("p2-name"), "(absent)") == 0;
        assert_ok(io_unlink(place.env, place_path(&place, "p2-size")));
        (void)io_unlink(place.env, place_path(&place, "p2-name"));
        assert_ok(io_sync_dir(place.env, place.folder));
    }
    assert_int_equal(short_size + size_without_data + whole, 400);
    assert_true(short_size && size_without_data && whole);
    assert_true(absent && absent < 400);
}

/* Three writes in two files and a name: what survives is what some moment before the cut had. */
static void prefix_keeps_the_order_of_issue(void **state)
{
    (void)state;
    bool seen[5] = {false};
    for (int i = 0; i < 200; i++) {
        struct io_file *a = durable("p3-a", "..."), *b = durable("p3-b", ".");
        assert_ok(letters_write(a, 0, "1", false));
        assert_ok(letters_write(b, 0, "2", false));
        io_close(fresh("p3-c"));
        assert_ok(letters_write(a, 2, "4", false));
        cut(SIM_PREFIX, a, b);
        bool has[4] = {letters("p3-a")[0] == '1', letters("p3-b")[0] == '2',
                       strcmp(letters("p3-c"), "(absent)") != 0, letters("p3-a")[2] == '4'};
        size_t kept = 0;
        while (kept < 4 && has[kept])
            kept++;
        for (size_t j = kept; j < 4; j++)
            assert_false(has[j]);
        seen[kept] = true;
        (void)io_unlink(place.env, place_path(&place, "p3-c"));
        assert_ok(io_sync_dir(place.env, place.folder));
    }
    assert_true(seen[0] && seen[1] && seen[2] && seen[3] && seen[4]);
}

static void adversarial_keeps_sizes_and_names_but_no_data(void **state)
{
    (void)state;
    bool zeros = false, garbage = false;
    for (int i = 0; i < 50; i++) {
        struct io_file *file = durable("p4", "ab"), *other = fresh("p4-new");
        assert_ok(letters_write(file, 1, "XYZ", false));
        assert_ok(letters_write(other, 0, "nn", false));
        rename_to("p4-new", "p4-moved");
        cut(SIM_ADVERSARIAL, file, other);
        char left[8];
        snprintf(left, sizeof left, "%s", letters("p4"));
        assert_int_equal(strlen(left), 4);
        assert_memory_equal(left, "ab", 2); /* the overwritten sector holds its old bytes */
        assert_null(strpbrk(left, "XYZ"));
        zeros |= left[2] == '.';
        garbage |= left[2] != '.';
        assert_letters("p4-new", "(absent)");
        assert_int_equal(strlen(letters("p4-moved")), 2);
        assert_null(strchr(letters("p4-moved"), 'n'));
        assert_ok(io_unlink(place.env, place_path(&place, "p4-moved")));
        assert_ok(io_unlink(place.env, place_path(&place, "p4")));
    }
    assert_true(zeros && garbage);
}

static void last_keeps_only_the_last_write_of_each_file(void **state)
{
    (void)state;
    struct io_file *a = durable("p5-a", "ab"), *b = durable("p5-b", "cd");
    assert_ok(letters_write(a, 0, "1", false));
    assert_ok(letters_write(b, 0, "2", false));
    assert_ok(letters_write(a, 3, "3", false));
    cut(SIM_LAST, a, b);
    assert_letters("p5-a", "ab.3");
    assert_letters("p5-b", "2d");
}

static void torn_cuts_the_last_write_at_every_sector_sooner_or_later(void **state)
{
    (void)state;
    bool seen[4] = {false};
    for (int i = 0; i < 100; i++) {
        struct io_file *file = durable("p6", "a");
        assert_ok(letters_write(file, 1, "b", false));
        assert_ok(letters_write(file, 2, "wxyz", false));
        cut(SIM_TORN, file, NULL);
        char left[8], whole[] = "abwxyz";
        snprintf(left, sizeof left, "%s", letters("p6"));
        size_t kept = strlen(left);
        assert_in_range(kept, 2, 5);
        whole[kept] = '\0';
        assert_string_equal(left, whole);
        seen[kept - 2] = true;
        assert_ok(io_unlink(place.env, place_path(&place, "p6")));
    }
    assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
}

/* ---- power ---- */

static void the_cut_comes_under_the_operation_it_names(void **state)
{
    (void)state;
    struct io_file *file = durable("cut", "abc");
    uint64_t count = sim_operation_count(place.env);
    sim_cut_power_at(place.env, count + 1);
    assert_ok(letters_write(file, 0, "1", true));
    assert_false(sim_power_is_cut(place.env));
    assert_code(letters_write(file, 1, "2", true), STATUS_IO);
    assert_true(sim_power_is_cut(place.env));
    assert_int_equal(sim_operation_count(place.env), count + 2);

    struct io_file *other = NULL;
    uint64_t bytes;
    assert_code(letters_write(file, 2, "3", true), STATUS_IO);
    assert_code(io_sync(file), STATUS_IO);
    assert_code(io_size(file, &bytes), STATUS_IO);
    assert_code(io_open(place.env, place_path(&place, "cut"), IO_READ, &other), STATUS_IO);
    assert_code(io_unlink(place.env, place_path(&place, "cut")), STATUS_IO);
    assert_code(io_list(place.env, place.folder, NULL, NULL), STATUS_IO);
    assert_int_equal(sim_operation_count(place.env), count + 2); /* nothing reached the disk */
    cut(SIM_EVERYTHING, file, NULL);
    assert_letters("cut", "12c"); /* the write under way survived, the one after it never was */
}

static void a_durable_write_under_the_cut_may_be_torn(void **state)
{
    (void)state;
    bool torn = false;
    for (int i = 0; i < 50; i++) {
        struct io_file *file = durable("under", "abcd");
        sim_cut_power_at(place.env, sim_operation_count(place.env));
        assert_code(letters_write(file, 0, "WXYZ", true), STATUS_IO);
        cut(SIM_TORN, file, NULL);
        torn |= strcmp(letters("under"), "abcd") != 0;
        assert_int_equal(letters("under")[3], 'd');
    }
    assert_true(torn);
}

static void names_under_the_cut_may_survive_or_not(void **state)
{
    (void)state;
    for (int policy = SIM_NOTHING; policy <= SIM_EVERYTHING; policy++) {
        struct io_file *old = durable("C", "o"), *next = durable("N", "n");
        sim_cut_power_at(place.env, sim_operation_count(place.env));
        assert_code(io_rename(place.env, place_path(&place, "N"), place_path(&place, "C")), STATUS_IO);
        cut((enum sim_policy)policy, old, next);
        assert_letters("C", policy == SIM_NOTHING ? "o" : "n");
    }
}

static void after_a_restart_old_files_are_stale_and_locks_are_gone(void **state)
{
    (void)state;
    struct io_file *file = durable("stale", "a"), *lock = NULL, *again = NULL;
    size_t done;
    char byte;
    assert_ok(io_lock(place.env, place_path(&place, "LOCK"), &lock));
    sim_restart(place.env, SIM_EVERYTHING);
    assert_code(io_read(file, 0, &byte, 1, &done), STATUS_IO);
    assert_code(io_write(file, 0, "b", 1, false), STATUS_IO);
    assert_code(io_sync(file), STATUS_IO);
    assert_ok(io_lock(place.env, place_path(&place, "LOCK"), &again));
    io_close(lock); /* a stale close releases nothing */
    assert_code(io_lock(place.env, place_path(&place, "LOCK"), &lock), STATUS_BUSY);
    io_close(again);
    io_close(file);
    assert_letters("stale", "a");
}

/* Recovery rewrites a file by the book; cutting it again and again anywhere never loses the contents. */
static void cuts_may_be_nested_in_recovery(void **state)
{
    (void)state;
    io_close(durable("doc", "a"));
    unsigned cuts = 0;
    for (uint64_t nth = 0; nth < 60; nth++) {
        sim_cut_power_at(place.env, sim_operation_count(place.env) + nth % 6);
        struct io_file *file = NULL;
        status st = io_open(place.env, place_path(&place, "doc.new"), IO_READ | IO_WRITE | IO_CREATE, &file);
        if (ok(st))
            st = io_truncate(file, 0);
        if (ok(st))
            st = letters_write(file, 0, "bbb", false);
        if (ok(st))
            st = io_sync(file);
        io_close(file);
        if (ok(st))
            st = io_rename(place.env, place_path(&place, "doc.new"), place_path(&place, "doc"));
        if (ok(st))
            st = io_sync_dir(place.env, place.folder);
        cuts += sim_power_is_cut(place.env);
        sim_restart(place.env, (enum sim_policy)(nth % SIM_POLICIES));
        const char *left = letters("doc");
        assert_true(strcmp(left, "a") == 0 || strcmp(left, "bbb") == 0);
        if (ok(st))
            assert_string_equal(left, "bbb");
    }
    assert_true(cuts >= 40);
}

/* The same without the sync: some policy must catch it, or the disk would be too kind. */
static void a_rename_without_a_sync_of_the_file_is_caught(void **state)
{
    (void)state;
    bool caught = false;
    for (int policy = 0; policy < SIM_POLICIES; policy++) {
        io_close(durable("doc", "a"));
        struct io_file *file = fresh("doc.new");
        assert_ok(letters_write(file, 0, "bbb", false));
        rename_to("doc.new", "doc");
        assert_ok(io_sync_dir(place.env, place.folder));
        cut((enum sim_policy)policy, file, NULL);
        const char *left = letters("doc");
        caught |= strcmp(left, "a") != 0 && strcmp(left, "bbb") != 0;
    }
    assert_true(caught);
}

static void queued_transfers_are_under_way_when_the_power_goes(void **state)
{
    (void)state;
    unsigned survivors[2] = {0};
    for (int policy = SIM_NOTHING; policy <= SIM_EVERYTHING; policy++)
        for (int i = 0; i < 20; i++) {
            struct io_file *file = durable("queued", "abcd");
            struct io_queue *queue = NULL;
            char sector[SIM_SECTOR_BYTES];
            memset(sector, 'Q', sizeof sector);
            struct io_request request = {
                .op = IO_OP_WRITE_SYNC, .file = file, .data = sector, .bytes = sizeof sector};
            struct io_request *list[] = {&request}, *back = NULL;
            assert_ok(io_queue_open(place.env, 1, &queue));
            uint64_t before = sim_operation_count(place.env);
            assert_ok(io_submit(queue, list, 1));
            bool has_run = sim_operation_count(place.env) > before;
            sim_restart(place.env, (enum sim_policy)policy);
            assert_ok(io_wait(queue, &back));
            assert_ptr_equal(back, &request);
            assert_code(request.result, has_run ? STATUS_OK : STATUS_IO);
            io_queue_close(queue);
            io_close(file);
            bool survived = letters("queued")[0] == 'Q';
            assert_true(survived == (has_run || policy == SIM_EVERYTHING));
            survivors[policy] += survived && !has_run;
        }
    assert_true(survivors[SIM_EVERYTHING] && !survivors[SIM_NOTHING]);
}

static void a_killed_process_leaves_what_only_a_cut_takes_away(void **state)
{
    (void)state;
    struct io_file *file = durable("believed", "ab"), *lock = NULL, *unlinked = durable("held", "h");
    uint64_t before = 0, after = 0;
    assert_ok(io_unlink(place.env, place_path(&place, "held")));
    sim_set_space(place.env, 1000000);
    assert_ok(io_free_space(place.env, place.folder, &before));
    assert_ok(io_lock(place.env, place_path(&place, "LOCK"), &lock));
    assert_ok(letters_write(file, 0, "X", false));
    sim_kill(place.env);
    assert_code(letters_write(file, 1, "Y", false), STATUS_IO);
    assert_ok(io_free_space(place.env, place.folder, &after));
    assert_int_equal(after - before, SIM_SECTOR_BYTES); /* the dead held the unlinked file */
    sim_set_space(place.env, UINT64_MAX);
    io_close(lock);
    assert_ok(io_lock(place.env, place_path(&place, "LOCK"), &lock));
    assert_letters("believed", "Xb"); /* the next process sees it */
    cut(SIM_NOTHING, file, lock);
    io_close(unlinked);
    assert_letters("believed", "ab"); /* and should not have believed it */
}

static void a_kill_lets_the_kernel_finish_some_transfers(void **state)
{
    (void)state;
    unsigned made = 0, dropped = 0;
    for (int i = 0; i < 40; i++) {
        struct io_file *file = durable("killed", "a");
        struct io_queue *queue = NULL;
        char sector[SIM_SECTOR_BYTES];
        memset(sector, 'K', sizeof sector);
        struct io_request request = {.op = IO_OP_WRITE, .file = file, .data = sector, .bytes = sizeof sector};
        struct io_request *list[] = {&request}, *back = NULL;
        assert_ok(io_queue_open(place.env, 1, &queue));
        assert_ok(io_submit(queue, list, 1));
        sim_kill(place.env);
        assert_ok(io_wait(queue, &back));
        assert_ptr_equal(back, &request);
        bool is_there = letters("killed")[0] == 'K';
        assert_true(is_there == ok(request.result));
        made += is_there;
        dropped += !is_there;
        io_queue_close(queue);
        io_close(file);
    }
    assert_true(made && dropped);
}

/* ---- faults ---- */

static void the_nth_operation_fails_once_or_for_ever(void **state)
{
    (void)state;
    struct io_file *file = durable("eio", "abc");
    uint64_t next = sim_operation_count(place.env);
    sim_fail_at(place.env, next + 1, SIM_FAULT_EIO, false);
    assert_ok(letters_write(file, 0, "1", false));
    assert_code(letters_write(file, 1, "2", false), STATUS_IO);
    assert_ok(letters_write(file, 2, "3", false));
    sim_fail_at(place.env, next + 3, SIM_FAULT_EIO, true);
    assert_code(io_sync(file), STATUS_IO);
    assert_code(io_sync_dir(place.env, place.folder), STATUS_IO);
    assert_code(io_unlink(place.env, place_path(&place, "eio")), STATUS_IO);
    assert_code(io_mkdir(place.env, place_path(&place, "d")), STATUS_IO);
    struct io_file *other = NULL;
    assert_code(io_open(place.env, place_path(&place, "other"), IO_WRITE | IO_CREATE, &other), STATUS_IO);
    sim_fail_at(place.env, UINT64_MAX, SIM_FAULT_NONE, false);
    assert_ok(io_sync(file));
    io_close(file);
    assert_letters("other", "(absent)");
}

static void a_failed_sync_loses_the_data_for_good(void **state)
{
    (void)state;
    struct io_file *file = durable("clean", "ab");
    assert_ok(letters_write(file, 0, "X", false));
    sim_fail_at(place.env, sim_operation_count(place.env), SIM_FAULT_SYNC, false);
    assert_code(io_sync(file), STATUS_IO);
    assert_letters("clean", "Xb"); /* the page cache still shows it */
    assert_ok(io_sync(file));      /* and a second sync has nothing to write */
    cut(SIM_EVERYTHING, file, NULL);
    assert_letters("clean", "ab");
}

static void a_failed_sync_of_a_folder_loses_its_names_for_good(void **state)
{
    (void)state;
    struct io_file *file = fresh("lost-name");
    sim_fail_at(place.env, sim_operation_count(place.env), SIM_FAULT_SYNC, false);
    assert_code(io_sync_dir(place.env, place.folder), STATUS_IO);
    assert_ok(io_sync_dir(place.env, place.folder));
    assert_letters("lost-name", "");
    cut(SIM_EVERYTHING, file, NULL);
    assert_letters("lost-name", "(absent)");
}

static void a_lying_sync_succeeds_and_keeps_nothing(void **state)
{
    (void)state;
    struct io_file *file = durable("lied", "ab");
    assert_ok(letters_write(file, 0, "X", false));
    sim_fail_at(place.env, sim_operation_count(place.env), SIM_FAULT_LYING_SYNC, true);
    assert_ok(io_sync(file));
    assert_ok(letters_write(file, 1, "Y", true));
    sim_fail_at(place.env, 0, SIM_FAULT_NONE, false);
    cut(SIM_NOTHING, file, NULL);
    assert_letters("lied", "ab");
}

static void a_full_disk_refuses_growth_and_nothing_else(void **state)
{
    (void)state;
    struct io_file *file = durable("full", "ab");
    uint64_t room = 0;
    sim_set_space(place.env, 0);
    assert_ok(io_free_space(place.env, place.folder, &room));
    assert_int_equal(room, 0);
    assert_code(letters_write(file, 2, "c", false), STATUS_NOSPACE);
    assert_code(io_truncate(file, 100000), STATUS_NOSPACE);
    assert_code(io_zero_fill(file, 100000), STATUS_NOSPACE);
    assert_ok(letters_write(file, 0, "A", true));
    assert_letters("full", "Ab");
    sim_set_space(place.env, UINT64_MAX);
    assert_ok(io_free_space(place.env, place.folder, &room));
    sim_set_space(place.env, UINT64_MAX - room + SIM_SECTOR_BYTES); /* what is used, and one sector */
    assert_ok(letters_write(file, 2, "c", false));
    assert_code(letters_write(file, 3, "d", false), STATUS_NOSPACE);
    assert_ok(io_unlink(place.env, place_path(&place, "full")));
    assert_ok(io_free_space(place.env, place.folder, &room));
    assert_int_equal(room, 0); /* still open */
    io_close(file);
    assert_ok(io_free_space(place.env, place.folder, &room));
    assert_int_equal(room, 3 * SIM_SECTOR_BYTES);
    sim_set_space(place.env, UINT64_MAX);

    file = durable("nth", "a");
    sim_fail_at(place.env, sim_operation_count(place.env), SIM_FAULT_ENOSPC, true);
    assert_code(letters_write(file, 0, "b", true), STATUS_NOSPACE);
    assert_ok(io_sync(file));
    sim_fail_at(place.env, 0, SIM_FAULT_NONE, false);
    io_close(file);
    assert_letters("nth", "a");
}

static void damage_goes_through_to_the_reader(void **state)
{
    (void)state;
    struct io_file *file = durable("hurt", "aa");
    char byte = 0;
    size_t done = 0;
    assert_ok(sim_damage(place.env, place_path(&place, "hurt"), 600, 0x01));
    assert_ok(io_read(file, 600, &byte, 1, &done));
    assert_int_equal(byte, 'a' ^ 1);
    assert_code(sim_damage(place.env, place_path(&place, "hurt"), 1024, 0x01), STATUS_NOT_FOUND);
    assert_code(sim_damage(place.env, place_path(&place, "nobody"), 0, 0x01), STATUS_NOT_FOUND);
    cut(SIM_NOTHING, file, NULL);
    assert_letters("hurt", "a?");
}

static void a_flipped_read_is_right_the_next_time(void **state)
{
    (void)state;
    struct io_file *file = durable("flip", "aa");
    sim_fail_at(place.env, sim_operation_count(place.env), SIM_FAULT_READ_FLIP, false);
    assert_non_null(strchr(letters("flip"), '?'));
    assert_letters("flip", "aa");
    io_close(file);
}

static void a_lost_write_leaves_stale_bytes(void **state)
{
    (void)state;
    struct io_file *file = durable("stale-write", "ab");
    sim_fail_at(place.env, sim_operation_count(place.env), SIM_FAULT_LOST_WRITE, false);
    assert_ok(letters_write(file, 0, "X", true));
    assert_letters("stale-write", "ab");
    io_close(file);
}

static void a_misdirected_write_hits_another_block(void **state)
{
    (void)state;
    struct io_file *file = durable("astray", "aaaaaaaabbbbbbbb");
    for (int i = 0; i < 20; i++) {
        sim_fail_at(place.env, sim_operation_count(place.env), SIM_FAULT_MISDIRECTED, false);
        assert_ok(letters_write(file, 0, "X", true));
        assert_int_equal(letters("astray")[0], 'a');
    }
    assert_letters("astray", "aaaaaaaaXbbbbbbb");
    io_close(file);
}

static void a_slow_operation_only_takes_time(void **state)
{
    (void)state;
    struct io_file *file = durable("slow", "a");
    int64_t before_ns = io_monotonic_ns(place.env);
    sim_fail_at(place.env, sim_operation_count(place.env), SIM_FAULT_SLOW, false);
    assert_ok(letters_write(file, 0, "b", true));
    assert_true(io_monotonic_ns(place.env) - before_ns >= INT64_C(10000000000));
    io_close(file);
}

static void a_direct_file_refuses_odd_ranges(void **state)
{
    (void)state;
    struct io_file *file = place_file(&place, "odd", IO_READ | IO_WRITE | IO_CREATE | IO_DIRECT);
    char *block = io_memory_new(2 * IO_BLOCK_BYTES);
    size_t done;
    assert_code(io_write(file, 512, block, IO_BLOCK_BYTES, false), STATUS_INVALID);
    assert_code(io_write(file, 0, block, 512, false), STATUS_INVALID);
    assert_code(io_write(file, 0, block + 1, IO_BLOCK_BYTES, false), STATUS_INVALID);
    assert_code(io_read(file, 0, block + 1, IO_BLOCK_BYTES, &done), STATUS_INVALID);
    assert_ok(io_write(file, 0, block, IO_BLOCK_BYTES, false));
    io_memory_free(block);
    io_close(file);
}

static void line_count(void *context, const char *line)
{
    assert_true(strlen(line) > 0);
    ++*(unsigned *)context;
}

static void the_observer_sees_every_operation(void **state)
{
    (void)state;
    unsigned lines = 0;
    sim_observe(place.env, line_count, &lines);
    struct io_file *file = durable("watched", "a");
    sim_observe(place.env, NULL, NULL);
    assert_int_equal(lines, 4); /* create, write, sync, sync-dir */
    io_close(file);
}

/* ---- determinism ---- */

/* A run that uses everything the seed decides; its trace, with a hash of what was left. */
static uint64_t run_of_seed(uint64_t seed)
{
    struct place before = place;
    assert_true(place_open(&place, IO_BODY_SIM, seed));
    snprintf(place.folder, sizeof place.folder, "/tmp");
    for (int round = 0; round < 12; round++) {
        struct io_file *file = fresh("f");
        struct io_queue *queue = NULL;
        char sectors[8][SIM_SECTOR_BYTES];
        struct io_request requests[8], *list[8], *back;
        assert_ok(io_queue_open(place.env, 3, &queue));
        for (size_t i = 0; i < 8; i++) {
            memset(sectors[i], (int)(io_random(place.env) % 26 + 'a'), SIM_SECTOR_BYTES);
            requests[i] = (struct io_request){.op = i % 3 ? IO_OP_WRITE : IO_OP_WRITE_SYNC,
                                              .file = file,
                                              .offset = i / 2 * SIM_SECTOR_BYTES,
                                              .data = sectors[i],
                                              .bytes = SIM_SECTOR_BYTES};
            list[i] = &requests[i];
        }
        sim_cut_power_at(place.env, sim_operation_count(place.env) + 4 + (uint64_t)round % 8);
        (void)io_submit(queue, list, 8);
        do
            assert_ok(io_wait(queue, &back));
        while (back);
        (void)io_sync_dir(place.env, place.folder);
        io_queue_close(queue);
        io_close(file);
        sim_restart(place.env, (enum sim_policy)(round % SIM_POLICIES));
        letters("f");
    }
    uint64_t hash = sim_trace_hash(place.env);
    place_close(&place);
    place = before;
    return hash;
}

static void equal_seeds_give_equal_runs_and_others_differ(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        assert_true(run_of_seed(seed) == run_of_seed(seed));
        assert_true(run_of_seed(seed) != run_of_seed(seed + 1));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_keeps_what_syncs_covered),
        cmocka_unit_test(a_sync_of_the_file_does_not_cover_its_name),
        cmocka_unit_test(a_sync_of_the_folder_does_not_cover_the_data),
        cmocka_unit_test(a_folder_without_a_durable_name_takes_its_files_along),
        cmocka_unit_test(renames_and_unlinks_wait_for_the_folder),
        cmocka_unit_test(a_file_moved_between_folders_is_covered_by_a_sync_of_the_target),
        cmocka_unit_test(a_renamed_folder_keeps_its_files_through_a_cut),
        cmocka_unit_test(a_durable_write_leaves_its_neighbours_pending),
        cmocka_unit_test(an_older_pending_write_never_comes_back_over_a_durable_one),
        cmocka_unit_test(nothing_keeps_nothing),
        cmocka_unit_test(everything_keeps_everything),
        cmocka_unit_test(random_chooses_sector_by_sector),
        cmocka_unit_test(random_chooses_sizes_and_names_apart_from_data),
        cmocka_unit_test(prefix_keeps_the_order_of_issue),
        cmocka_unit_test(adversarial_keeps_sizes_and_names_but_no_data),
        cmocka_unit_test(last_keeps_only_the_last_write_of_each_file),
        cmocka_unit_test(torn_cuts_the_last_write_at_every_sector_sooner_or_later),
        cmocka_unit_test(the_cut_comes_under_the_operation_it_names),
        cmocka_unit_test(a_durable_write_under_the_cut_may_be_torn),
        cmocka_unit_test(names_under_the_cut_may_survive_or_not),
        cmocka_unit_test(after_a_restart_old_files_are_stale_and_locks_are_gone),
        cmocka_unit_test(cuts_may_be_nested_in_recovery),
        cmocka_unit_test(a_rename_without_a_sync_of_the_file_is_caught),
        cmocka_unit_test(queued_transfers_are_under_way_when_the_power_goes),
        cmocka_unit_test(a_killed_process_leaves_what_only_a_cut_takes_away),
        cmocka_unit_test(a_kill_lets_the_kernel_finish_some_transfers),
        cmocka_unit_test(the_nth_operation_fails_once_or_for_ever),
        cmocka_unit_test(a_failed_sync_loses_the_data_for_good),
        cmocka_unit_test(a_failed_sync_of_a_folder_loses_its_names_for_good),
        cmocka_unit_test(a_lying_sync_succeeds_and_keeps_nothing),
        cmocka_unit_test(a_full_disk_refuses_growth_and_nothing_else),
        cmocka_unit_test(damage_goes_through_to_the_reader),
        cmocka_unit_test(a_flipped_read_is_right_the_next_time),
        cmocka_unit_test(a_lost_write_leaves_stale_bytes),
        cmocka_unit_test(a_misdirected_write_hits_another_block),
        cmocka_unit_test(a_slow_operation_only_takes_time),
        cmocka_unit_test(a_direct_file_refuses_odd_ranges),
        cmocka_unit_test(the_observer_sees_every_operation),
        cmocka_unit_test(equal_seeds_give_equal_runs_and_others_differ),
    };
    return cmocka_run_group_tests_name("simulated disk", tests, place_setup, place_teardown);
}
